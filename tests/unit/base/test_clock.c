/* prinex: tests of base: clocks and timers
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/clock.h"

static void test_simulated(void **state)
{
	(void)state;
	struct px_clock *c = px_clock_sim_new(1000000);
	int64_t mono = px_clock_mono(c);
	px_clock_sim_advance(c, 500);
	assert_int_equal(px_clock_wall(c), 1000500);
	assert_int_equal(px_clock_mono(c), mono + 500);
	px_clock_sim_jump(c, -3600000); /* somebody corrected the date: deadlines must not notice */
	assert_int_equal(px_clock_wall(c), 1000500 - 3600000);
	assert_int_equal(px_clock_mono(c), mono + 500);
	px_clock_sim_free(&c);
	assert_null(c);
}

static void test_real(void **state)
{
	(void)state;
	struct px_clock *c = px_clock_real();
	int64_t a = px_clock_mono(c), wall = px_clock_wall(c);
	struct timespec ts = {.tv_nsec = 3000000};
	nanosleep(&ts, NULL);
	assert_true(px_clock_mono(c) >= a + 2);
	assert_true(wall / 1000 - (int64_t)time(NULL) <= 1 && (int64_t)time(NULL) - wall / 1000 <= 1);
}

/* --- timers: each writes its name into a log
 * ------------------------------------------------------------------------ */

static char calls[256];
static struct px_timers *timers;

static void on_timer(void *arg)
{
	size_t n = strlen(calls);
	snprintf(calls + n, sizeof(calls) - n, "%s", (const char *)arg);
}

static void on_change(void *arg)
{
	++*(unsigned *)arg;
}

static int setup(void **state)
{
	*state = px_clock_sim_new(0);
	timers = px_timers_new(*state);
	calls[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	px_timers_free(&timers);
	struct px_clock *c = *state;
	px_clock_sim_free(&c);
	return 0;
}

static void test_order(void **state)
{
	struct px_clock *c = *state;
	struct px_timer a = {0}, b = {0}, d = {0};
	int64_t at;
	assert_false(px_timers_next(timers, &at));
	px_timer_set(timers, &a, 30, on_timer, (void *)"a");
	px_timer_set(timers, &b, 10, on_timer, (void *)"b");
	px_timer_set(timers, &d, 20, on_timer, (void *)"d");
	assert_true(px_timers_next(timers, &at));
	assert_int_equal(at, px_clock_mono(c) + 10);
	assert_int_equal(px_timers_run(timers), 0);
	px_clock_sim_advance(c, 20);
	assert_int_equal(px_timers_run(timers), 2);
	assert_string_equal(calls, "bd");
	assert_true(px_timer_is_set(&a));
	assert_false(px_timer_is_set(&b));
	px_clock_sim_advance(c, 10);
	assert_int_equal(px_timers_run(timers), 1);
	assert_string_equal(calls, "bda");
}

static void test_stop_and_set_again(void **state)
{
	struct px_clock *c = *state;
	struct px_timer a = {0}, b = {0};
	px_timer_set(timers, &a, 10, on_timer, (void *)"a");
	px_timer_set(timers, &b, 20, on_timer, (void *)"b");
	px_timer_set(timers, &a, 30, on_timer, (void *)"A");
	px_timer_stop(timers, &b);
	px_timer_stop(timers, &b); /* idle: nothing */
	px_clock_sim_advance(c, 25);
	assert_int_equal(px_timers_run(timers), 0);
	px_clock_sim_advance(c, 5);
	assert_int_equal(px_timers_run(timers), 1);
	assert_string_equal(calls, "A");
}

static struct px_timer victim;

static void stop_victim(void *arg)
{
	on_timer(arg);
	px_timer_stop(timers, &victim);
}

static void test_stop_from_callback(void **state)
{
	struct px_timer a = {0};
	victim = (struct px_timer){0};
	px_timer_set(timers, &a, 1, stop_victim, (void *)"a");
	px_timer_set(timers, &victim, 2, on_timer, (void *)"v");
	px_clock_sim_advance(*state, 5);
	px_timers_run(timers);
	assert_string_equal(calls, "a");
}

static struct px_timer again;

static void set_again(void *arg)
{
	on_timer(arg);
	px_timer_set(timers, &again, 0, set_again, arg);
}

/* One that arms itself with no delay must neither hang the owner nor starve others. */
static void test_set_again_at_once(void **state)
{
	struct px_timer b = {0};
	again = (struct px_timer){0};
	px_timer_set(timers, &again, 1, set_again, (void *)"x");
	px_timer_set(timers, &b, 2, on_timer, (void *)"b");
	px_clock_sim_advance(*state, 2);
	unsigned ran = px_timers_run(timers);
	assert_true(ran >= 2 && ran < 10);
	assert_non_null(strchr(calls, 'b'));
	assert_true(px_timer_is_set(&again));
	px_timer_stop(timers, &again);
}

/* Whoever sleeps for the earliest timer hears of every earlier one. */
static void test_change(void **state)
{
	(void)state;
	unsigned changes = 0;
	struct px_timer a = {0}, b = {0};
	px_timers_on_change(timers, on_change, &changes);
	px_timer_set(timers, &a, 50, on_timer, (void *)"a");
	assert_int_equal(changes, 1);
	px_timer_set(timers, &b, 60, on_timer, (void *)"b");
	assert_int_equal(changes, 1);
	px_timer_set(timers, &b, 40, on_timer, (void *)"b");
	assert_int_equal(changes, 2);
	px_timer_stop(timers, &b);
	assert_int_equal(changes, 3);
	px_timer_stop(timers, &a);
	px_timers_on_change(timers, NULL, NULL);
}

/* Against a model: many timers set, moved and stopped in a fixed random order. */
static void test_many(void **state)
{
	enum { N = 200 };
	struct px_clock *c = *state;
	static struct px_timer t[N];
	unsigned seed = 12345;
	memset(t, 0, sizeof(t));
	for (int step = 0; step < 5000; step++) {
		seed = seed * 1103515245u + 12345u;
		struct px_timer *x = &t[(seed >> 8) % N];
		unsigned what = (seed >> 24) % 8;
		if (what == 0)
			px_timer_stop(timers, x);
		else if (what == 1)
			px_clock_sim_advance(c, 3);
		else
			px_timer_set(timers, x, (seed >> 4) % 100, on_timer, (void *)"");
		if (what == 1)
			px_timers_run(timers);
		int64_t next = INT64_MAX, at = INT64_MAX;
		for (int i = 0; i < N; i++)
			next = px_timer_is_set(&t[i]) ? PX_MIN(next, t[i].at) : next;
		px_timers_next(timers, &at);
		assert_int_equal(at, next);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_simulated),
	    cmocka_unit_test(test_real),
	    cmocka_unit_test_setup_teardown(test_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_stop_and_set_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_stop_from_callback, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_set_again_at_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_change, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_many, setup, teardown),
	};
	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
