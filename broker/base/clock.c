/* prinex: time: the real clock or a simulated one, and timers on it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/clock.h"

struct px_clock {
	bool simulated;
	int64_t wall;
	int64_t mono;
};

struct px_timers {
	struct px_clock *clock;
	struct px_timer **heap;
	size_t n, cap;
	void (*on_change)(void *arg);
	void *on_change_arg;
};

static struct px_clock real_clock;

struct px_clock *px_clock_real(void)
{
	return &real_clock;
}

struct px_clock *px_clock_sim_new(int64_t wall_ms)
{
	struct px_clock *clock = px_xcalloc(1, sizeof(*clock));
	*clock = (struct px_clock){.simulated = true, .wall = wall_ms, .mono = 1000};
	return clock;
}

void px_clock_sim_free(struct px_clock **clock)
{
	PX_FREE(*clock);
}

void px_clock_sim_advance(struct px_clock *clock, int64_t ms)
{
	px_assert(clock->simulated && ms >= 0);
	clock->wall += ms;
	clock->mono += ms;
}

void px_clock_sim_jump(struct px_clock *clock, int64_t ms)
{
	px_assert(clock->simulated);
	clock->wall += ms;
}

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t px_clock_wall(const struct px_clock *clock)
{
	return clock->simulated ? clock->wall : read_clock(CLOCK_REALTIME);
}

int64_t px_clock_mono(const struct px_clock *clock)
{
	return clock->simulated ? clock->mono : read_clock(CLOCK_MONOTONIC);
}

struct px_timers *px_timers_new(struct px_clock *clock)
{
	struct px_timers *t = px_xcalloc(1, sizeof(*t));
	t->clock = clock;
	return t;
}

void px_timers_free(struct px_timers **timers)
{
	struct px_timers *t = *timers;
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		t->heap[i]->slot = 0;
	free(t->heap);
	PX_FREE(*timers);
}

struct px_clock *px_timers_clock(const struct px_timers *timers)
{
	return timers->clock;
}

static void place(struct px_timers *t, size_t i, struct px_timer *timer)
{
	t->heap[i] = timer;
	timer->slot = i + 1;
}

static void sift_up(struct px_timers *t, size_t i, struct px_timer *timer)
{
	while (i > 0 && t->heap[(i - 1) / 2]->at > timer->at) {
		place(t, i, t->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	place(t, i, timer);
}

static void sift_down(struct px_timers *t, size_t i, struct px_timer *timer)
{
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= t->n)
			break;
		if (child + 1 < t->n && t->heap[child + 1]->at < t->heap[child]->at)
			child++;
		if (t->heap[child]->at >= timer->at)
			break;
		place(t, i, t->heap[child]);
		i = child;
	}
	place(t, i, timer);
}

static void remove_at(struct px_timers *t, size_t i)
{
	t->heap[i]->slot = 0;
	struct px_timer *last = t->heap[--t->n];
	if (i == t->n)
		return;
	sift_down(t, i, last);
	if (t->heap[i] == last)
		sift_up(t, i, last);
}

static void tell_change(const struct px_timers *t, const struct px_timer *first_before)
{
	const struct px_timer *first = t->n > 0 ? t->heap[0] : NULL;
	if (t->on_change != NULL && first != NULL && first != first_before)
		t->on_change(t->on_change_arg);
}

void px_timer_set(struct px_timers *timers, struct px_timer *timer, int64_t ms, px_timer_fn *fn, void *arg)
{
	if (timer->slot != 0)
		remove_at(timers, timer->slot - 1);
	timer->fn = fn;
	timer->arg = arg;
	timer->at = px_clock_mono(timers->clock) + PX_MAX(ms, 0);
	if (timers->n == timers->cap) {
		timers->cap = PX_MAX(timers->cap * 2, (size_t)16);
		timers->heap = px_xrealloc_array(timers->heap, timers->cap, sizeof(struct px_timer *));
	}
	sift_up(timers, timers->n++, timer);
	if (timers->heap[0] == timer) /* its time may have moved although it was first before */
		tell_change(timers, NULL);
}

void px_timer_stop(struct px_timers *timers, struct px_timer *timer)
{
	if (timer->slot == 0)
		return;
	const struct px_timer *first = timers->heap[0];
	remove_at(timers, timer->slot - 1);
	tell_change(timers, first);
}

bool px_timer_is_set(const struct px_timer *timer)
{
	return timer->slot != 0;
}

bool px_timers_next(const struct px_timers *timers, int64_t *at)
{
	if (timers->n == 0)
		return false;
	*at = timers->heap[0]->at;
	return true;
}

unsigned px_timers_run(struct px_timers *timers)
{
	unsigned ran = 0;
	int64_t now = px_clock_mono(timers->clock);
	/* No more than there are now: one that arms itself again without delay must not keep the owner here.
	 */
	for (size_t left = timers->n; left > 0 && timers->n > 0 && timers->heap[0]->at <= now; left--) {
		struct px_timer *timer = timers->heap[0];
		remove_at(timers, 0);
		timer->fn(timer->arg);
		ran++;
	}
	return ran;
}

void px_timers_on_change(struct px_timers *timers, void (*fn)(void *arg), void *arg)
{
	timers->on_change = fn;
	timers->on_change_arg = arg;
}
