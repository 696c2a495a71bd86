/* prinex: tests of short turns from the system's scheduler
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sched.h"

/* sched_getattr(2): size, policy, flags, nice, priority, then the turn in ns. */
static uint64_t turn(void)
{
	uint64_t a[6] = {0};
	assert_int_equal(syscall(SYS_sched_getattr, 0, a, sizeof(a), 0), 0);
	return a[3];
}

static void *turn_of_thread(void *arg)
{
	*(uint64_t *)arg = turn();
	px_sched_short_turns(false);
	return NULL;
}

/* For this thread and those it begins, each of which can end it for itself; nothing else changes. */
static void test_short_turns(void **state)
{
	(void)state;
	pthread_t thread;
	uint64_t usual = turn(), of_thread = 0;
	int nice_before = getpriority(PRIO_PROCESS, 0);
	px_sched_short_turns(true);
	uint64_t wished = turn();
	if (wished == usual) {
		print_message("this kernel gives all the same turns\n");
		skip();
	}
	assert_true(wished > 0 && wished < 1000000);
	assert_int_equal(pthread_create(&thread, NULL, turn_of_thread, &of_thread), 0);
	pthread_join(thread, NULL);
	assert_int_equal(of_thread, wished);
	assert_int_equal(turn(), wished);
	px_sched_short_turns(false);
	assert_int_equal(turn(), usual);
	assert_int_equal(getpriority(PRIO_PROCESS, 0), nice_before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_short_turns)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
