/* prinex: a helper thread for what must not happen on the loop
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CTL_WORK_H
#define PX_CTL_WORK_H

#include <event2/event.h>

#include "base/base.h"

/*
 * One thread, one queue: @fn runs on the thread and owns all that @arg points to until @done runs on the
 * loop. In order. The thread starts with the first work.
 */
struct px_work;
typedef void px_work_fn(void *arg);

struct px_work *px_work_new(struct event_base *base);
/** Thread: loop. */
void px_work_run(struct px_work *work, px_work_fn *fn, px_work_fn *done, void *arg);
/** Wait for what is running; every @done still runs before this returns, also of work that never ran. */
void px_work_free(struct px_work **work);

#endif
