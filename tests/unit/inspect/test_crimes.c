/* prinex: what inspectors that crash, stall, lie or try to break out cost: their message, nothing else
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <signal.h>

#include "inspect/pool_parts.h"
#include "pool_fixture.h"

/* Whatever happened, the pool works afterwards. */
static void assert_works(struct fixture *f)
{
	struct outcome o[4];
	unsigned before = f->done;
	for (unsigned i = 0; i < PX_ARRAY_LEN(o); i++)
		fixture_submit(f, "ok after", 0, &o[i]);
	fixture_until(f, f->done == before + PX_ARRAY_LEN(o), 20000);
	for (unsigned i = 0; i < PX_ARRAY_LEN(o); i++) {
		assert_int_equal(o[i].rc, PX_OK);
		outcome_free(&o[i]);
	}
	assert_int_equal(f->lost, 0);
}

/* Runs one order that must end with @rc after two tries. */
static void expect(struct fixture *f, const char *order, int rc, const char *reason)
{
	struct outcome o;
	unsigned before = restarts(f, reason);
	fixture_run(f, order, &o);
	if (o.rc != rc || o.verdict != NULL)
		fail_msg("%s: %s, expected %s", order, px_err_name(o.rc), px_err_name(rc));
	if (restarts(f, reason) != before + 2)
		fail_msg("%s: %u restarts (%s)", order, restarts(f, reason) - before, reason);
}

static void a_crash_is_tried_once_more(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome o;
	fixture_open(&f);
	f.setup.workers = 1;
	fixture_start(&f, "good");
	fixture_run(&f, "ok first", &o);
	outcome_free(&o);
	fixture_run(&f, "late-crash it-was-the-process", &o);
	assert_int_equal(o.rc, PX_OK);
	assert_string_equal(o.verdict->header.type, "it-was-the-process");
	assert_int_equal(restarts(&f, "crash"), 1);
	outcome_free(&o);
	assert_works(&f);
	fixture_close(&f);
}

static void a_second_crash_is_final(void **state PX_UNUSED)
{
	struct fixture f;
	fixture_open(&f);
	fixture_start(&f, "good");
	expect(&f, "crash", PX_ECRASH, "crash");
	expect(&f, "abort", PX_ECRASH, "crash");
	expect(&f, "scribble", PX_ECRASH, "crash"); /* documents are read-only */
	assert_works(&f);
	fixture_close(&f);
}

/* Those behind it at the same inspector are not to blame, and neither are those that wait. */
static void neighbours_of_a_crash_are_spared(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome bad, o[2 * PX_ARENA_SLOTS];
	fixture_open(&f);
	f.setup.workers = 1;
	fixture_start(&f, "good");
	fixture_submit(&f, "slow-crash", 0, &bad);
	for (unsigned i = 0; i < PX_ARRAY_LEN(o); i++)
		fixture_submit(&f, "ok", 0, &o[i]);
	fixture_until(&f, f.done == 1 + PX_ARRAY_LEN(o), 20000);
	assert_int_equal(bad.rc, PX_ECRASH);
	assert_int_equal(restarts(&f, "crash"), 2);
	for (unsigned i = 0; i < PX_ARRAY_LEN(o); i++) {
		assert_int_equal(o[i].rc, PX_OK);
		assert_true(i == 0 || o[i].rank > o[i - 1].rank);
		outcome_free(&o[i]);
	}
	fixture_close(&f);
}

/* Nobody looks at the clocks of one that has nothing to do: its socket tells. */
static void an_idle_one_that_dies_is_replaced(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome o;
	fixture_open(&f);
	f.setup.workers = 1;
	fixture_start(&f, "good");
	fixture_run(&f, "ok", &o);
	outcome_free(&o);
	fixture_until(&f, !px_timer_is_set(&f.pool->tick), 20000);
	pid_t first = f.pool->workers[0].pid;
	kill(first, SIGKILL);
	fixture_until(&f, f.pool->workers[0].state == PX_WORKER_UP && f.pool->workers[0].pid != first, 20000);
	assert_int_equal(restarts(&f, "crash"), 1);
	assert_works(&f);
	fixture_close(&f);
}

static void memory_is_limited(void **state PX_UNUSED)
{
#ifdef PX_SANITIZE
	skip(); /* its shadow memory is larger than the limit */
#else
	struct fixture f;
	fixture_open(&f);
	fixture_start(&f, "good");
	expect(&f, "hog", PX_ECRASH, "crash");
	assert_works(&f);
	fixture_close(&f);
#endif
}

static void the_cpu_deadline_kills(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome o;
	fixture_open(&f);
	f.setup.cpu_ms = 200;
	fixture_start(&f, "good");
	expect(&f, "spin 60000", PX_ECRASH, "cpu");
	assert_works(&f);
	/* A large document has a second more for each MB. */
	fixture_submit(&f, "spin 600", 1024 * 1024, &o);
	fixture_until(&f, o.done, 20000);
	assert_int_equal(o.rc, PX_OK);
	outcome_free(&o);
	fixture_close(&f);
}

/* Time that was spent on the document before is not counted. */
static void each_document_has_its_own_deadline(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome o[8];
	fixture_open(&f);
	f.setup.workers = 1;
	f.setup.cpu_ms = 500;
	fixture_start(&f, "good");
	for (unsigned i = 0; i < PX_ARRAY_LEN(o); i++)
		fixture_submit(&f, "spin 200", 0, &o[i]);
	fixture_until(&f, f.done == PX_ARRAY_LEN(o), 20000);
	for (unsigned i = 0; i < PX_ARRAY_LEN(o); i++) {
		assert_int_equal(o[i].rc, PX_OK);
		outcome_free(&o[i]);
	}
	assert_int_equal(restarts(&f, "cpu"), 0);
	fixture_close(&f);
}

static void the_wall_deadline_kills_and_is_temporary(void **state PX_UNUSED)
{
	struct fixture f;
	fixture_open(&f);
	f.setup.wall_ms = 300;
	fixture_start(&f, "good");
	expect(&f, "wait", PX_ETIMEOUT, "wall");
	assert_works(&f);
	fixture_close(&f);
}

static void forged_answers_are_deaths(void **state PX_UNUSED)
{
	static const char *const orders[] = {"forge cookie", "forge slot",   "forge length",
					     "forge empty",  "forge magic",  "forge size",
					     "lie kind",     "lie unsigned", "lie offset"};
	struct fixture f;
	fixture_open(&f);
	fixture_start(&f, "good");
	for (size_t i = 0; i < PX_ARRAY_LEN(orders); i++)
		expect(&f, orders[i], PX_ECRASH, "garbage");
	assert_works(&f);
	fixture_close(&f);
}

static void the_sandbox_kills(void **state PX_UNUSED)
{
	static const char *const orders[] = {"open",      "socket",      "execve",      "fork",
					     "kill",      "ptrace",      "read-memory", "run-data",
					     "make-code", "write-stdout"};
	struct fixture f;
	fixture_open(&f);
	fixture_start(&f, "good");
	for (size_t i = 0; i < PX_ARRAY_LEN(orders); i++)
		expect(&f, orders[i], PX_ECRASH, "crash");
	assert_works(&f);
	fixture_close(&f);
}

static void the_sandbox_lets_work_be_done(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome o;
	fixture_open(&f);
	fixture_start(&f, "good");
	fixture_run(&f, "innocent", &o);
	assert_int_equal(o.rc, PX_OK);
	assert_string_equal(o.verdict->header.type, "1970-01-01T00:00:01Z");
	assert_int_equal(restarts(&f, "crash"), 0);
	outcome_free(&o);
	fixture_close(&f);
}

/* An inspector that is killed while it has nothing to do is replaced, not at a gallop. */
static void idle_deaths_are_repaired(void **state PX_UNUSED)
{
	struct fixture f;
	fixture_open(&f);
	fixture_start(&f, "good");
	pid_t pid = f.pool->workers[0].pid;
	kill(pid, SIGKILL);
	fixture_until(&f, restarts(&f, "crash") == 1, 20000);
	assert_true(px_timer_is_set(&f.pool->workers[0].backoff));
	assert_works(&f); /* by the other one */
	fixture_until(&f, f.pool->workers[0].state == PX_WORKER_UP, 20000);
	assert_int_not_equal(f.pool->workers[0].pid, pid);
	assert_works(&f);
	fixture_close(&f);
}

static void a_stream_of_crashes_does_not_starve_others(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome bad[10], ok[10];
	fixture_open(&f);
	fixture_start(&f, "good");
	for (unsigned i = 0; i < 10; i++) {
		fixture_submit(&f, "crash", 0, &bad[i]);
		fixture_submit(&f, "ok", 0, &ok[i]);
	}
	fixture_until(&f, f.done == 20, 20000);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(bad[i].rc, PX_ECRASH);
		assert_int_equal(ok[i].rc, PX_OK);
		outcome_free(&ok[i]);
	}
	fixture_close(&f);
}

int main(int argc, char **argv)
{
	if (orders_wanted(argc, argv))
		return orders_main(argc, argv);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_crash_is_tried_once_more),
	    cmocka_unit_test(a_second_crash_is_final),
	    cmocka_unit_test(an_idle_one_that_dies_is_replaced),
	    cmocka_unit_test(neighbours_of_a_crash_are_spared),
	    cmocka_unit_test(memory_is_limited),
	    cmocka_unit_test(the_cpu_deadline_kills),
	    cmocka_unit_test(each_document_has_its_own_deadline),
	    cmocka_unit_test(the_wall_deadline_kills_and_is_temporary),
	    cmocka_unit_test(forged_answers_are_deaths),
	    cmocka_unit_test(the_sandbox_kills),
	    cmocka_unit_test(the_sandbox_lets_work_be_done),
	    cmocka_unit_test(idle_deaths_are_repaired),
	    cmocka_unit_test(a_stream_of_crashes_does_not_starve_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
