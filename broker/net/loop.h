/* prinex: the loop: libevent with px_timers pumped on it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_NET_LOOP_H
#define PX_NET_LOOP_H

#include <event2/event.h>

#include "base/clock.h"

/*
 * One loop thread per process. Owns the event_base and a px_timers set on the real clock, pumped by one
 * libevent timer. Thread: the loop, except px_loop_stop which is safe from a signal callback of the loop
 * only.
 */
struct px_loop;

struct px_loop *px_loop_new(void);
void px_loop_free(struct px_loop **loop);
struct event_base *px_loop_base(struct px_loop *loop);
struct px_timers *px_loop_timers(struct px_loop *loop);
/** Run until px_loop_stop. */
void px_loop_run(struct px_loop *loop);
void px_loop_stop(struct px_loop *loop);

#endif
