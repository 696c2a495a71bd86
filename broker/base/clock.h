/* prinex: time: the real clock or a simulated one, and timers on it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BASE_CLOCK_H
#define PX_BASE_CLOCK_H

#include "base/base.h"

/*
 * Who needs the time is handed a `struct px_clock *`. prinexd has one real clock; simulations advance their
 * own. `wall` is milliseconds since 1970 (UTC) and may jump; `mono` is milliseconds that only grow:
 * deadlines, backoff and latencies use it, except what must survive a restart (due times in the store), which
 * is wall.
 */
struct px_clock;

struct px_clock *px_clock_real(void); /* a constant, never freed */
struct px_clock *px_clock_sim_new(int64_t wall_ms);
void px_clock_sim_free(struct px_clock **clock);
/** Advance a simulated clock: both times. */
void px_clock_sim_advance(struct px_clock *clock, int64_t ms);
/** Let the wall time of a simulated clock jump. */
void px_clock_sim_jump(struct px_clock *clock, int64_t ms);

int64_t px_clock_wall(const struct px_clock *clock);
int64_t px_clock_mono(const struct px_clock *clock);

/*
 * Timers: a set that belongs to one thread. The owner asks when the next one is due, sleeps until then by
 * whatever means it has (a libevent timer, or advancing a simulated clock), and runs what is due. A timer is
 * embedded in its owner's struct; zero-initialised it is idle. Times are mono milliseconds.
 */
typedef void px_timer_fn(void *arg);

struct px_timer {
	px_timer_fn *fn;
	void *arg;
	int64_t at;
	size_t slot; /* position in the heap + 1; 0: idle */
};

struct px_timers;

struct px_timers *px_timers_new(struct px_clock *clock);
void px_timers_free(struct px_timers **timers);
struct px_clock *px_timers_clock(const struct px_timers *timers);
/** (Re)arm @timer to run @fn once in @ms from now. */
void px_timer_set(struct px_timers *timers, struct px_timer *timer, int64_t ms, px_timer_fn *fn, void *arg);
void px_timer_stop(struct px_timers *timers, struct px_timer *timer);
bool px_timer_is_set(const struct px_timer *timer);
/** Mono time of the next timer; false when there is none. */
bool px_timers_next(const struct px_timers *timers, int64_t *at);
/** Run all that are due now; those armed meanwhile wait for the next call if need be. @return how many ran.
 */
unsigned px_timers_run(struct px_timers *timers);
/** Called whenever the earliest timer changes, so that the owner can re-arm its sleep. NULL: nobody. */
void px_timers_on_change(struct px_timers *timers, void (*fn)(void *arg), void *arg);

#endif
