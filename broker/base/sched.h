/* prinex: what a thread asks of the system's scheduler
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BASE_SCHED_H
#define PX_BASE_SCHED_H

#include "base/base.h"

/**
 * Short turns for the calling thread and for those that it or its children begin from then on: it gets no
 * more of a core than before, but soon after it wakes, where it would else wait for an inspector's turn of
 * some milliseconds to end. Off: turns as the system gives them to everybody. Linux before 6.12 gives all the
 * same.
 */
void px_sched_short_turns(bool on);

#endif
