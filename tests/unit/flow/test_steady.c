/* prinex: tests of flow: a clock that is set while messages are under way
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/alarm.h"
#include "flow/operate.h"
#include "pairs.h"

#define DAY (24 * HOUR)

/* Set forward by mistake, and mended: nothing has expired meanwhile. */
static void test_forward_and_back_again(void **state)
{
	(void)state;
	struct pair p = make_pair(31, "maximum-age = 3h", "");
	p.ua->down = true;
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA");
	world_run(p.w, HOUR);
	px_clock_sim_jump(world_clock(p.w), 10 * (int64_t)DAY);
	world_run(p.w, 9 * MINUTE);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "queued");
	assert_true(px_alarm_is_raised(p.by->alarms, PX_ALARM_CLOCK, ""));
	px_clock_sim_jump(world_clock(p.w), -10 * (int64_t)DAY);
	world_run(p.w, 11 * MINUTE);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "queued");
	assert_false(px_alarm_is_raised(p.by->alarms, PX_ALARM_CLOCK, ""));
	p.ua->down = false;
	world_run(p.w, 20 * MINUTE);
	assert_string_equal(take(p.ua, "system-ua", "UA"), "M1");
	world_run(p.w, 10 * SECOND);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "delivered");
	world_free(&p.w);
}

/* It may have been wrong before: in the end it is believed. */
static void test_forward_is_believed_later(void **state)
{
	(void)state;
	struct pair p = make_pair(32, "maximum-age = 3h", "");
	p.ua->down = true;
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA");
	px_clock_sim_jump(world_clock(p.w), (int64_t)DAY);
	world_run(p.w, 9 * MINUTE);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "queued");
	world_run(p.w, 2 * MINUTE);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "expired");
	world_free(&p.w);
}

/* A delivery that could be sent during the doubt is sent, although the clock says that it is too late. */
static void test_sent_while_in_doubt(void **state)
{
	(void)state;
	struct pair p = make_pair(33, "maximum-age = 3h", "");
	p.ua->down = true;
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA");
	world_run(p.w, 10 * SECOND);
	p.ua->down = false;
	px_clock_sim_jump(world_clock(p.w), 4 * HOUR);
	world_run(p.w, 2 * MINUTE);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "handed-over");
	world_free(&p.w);
}

static void told(void *arg, int rc, const char *text)
{
	(void)text;
	*(int *)arg = rc;
}

static int acknowledge(struct node *n)
{
	int rc = 1;
	px_flow_acknowledge(n->flow, PX_ALARM_CLOCK, "", "anna", told, &rc);
	return rc;
}

/* Retries were due within minutes: they must not wait for half a day. */
static void test_back(void **state)
{
	(void)state;
	struct pair p = make_pair(34, "", "");
	p.ua->down = true;
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA");
	world_run(p.w, 13 * HOUR);
	px_clock_sim_jump(world_clock(p.w), -12 * (int64_t)HOUR);
	p.ua->down = false;
	world_run(p.w, 20 * MINUTE);
	assert_true(p.ua->posts >= 1);
	assert_int_equal(acknowledge(p.ua), PX_OK); /* it is the same clock, and set back there as well */
	world_run(p.w, 20 * MINUTE);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "handed-over");
	world_free(&p.w);
}

/* A lease runs on the steady clock: set back, a fetch that was never confirmed is offered again in time. */
static void test_leases(void **state)
{
	(void)state;
	struct pair p = make_pair(35, "", "");
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA");
	world_run(p.w, 5 * SECOND);
	struct reply r = world_fetch(p.ua, "system-ua", SECOND);
	assert_int_equal(r.status, 200);
	reply_free(&r);
	px_clock_sim_jump(world_clock(p.w), -(int64_t)DAY);
	world_run(p.w, 130 * SECOND);
	assert_string_equal(take(p.ua, "system-ua", "UA"), "M1");
	world_free(&p.w);
}

static int status_of(struct node *n, const char *id)
{
	struct reply r = world_send(n, "system-by", &(struct msg){.id = id, .recipients = "UA"});
	int status = r.status;
	reply_free(&r);
	return status;
}

/* Started with a clock that stands before the journal: no new messages until it is set; retries do not wait.
 */
static void test_before_the_journal(void **state)
{
	(void)state;
	struct pair p = make_pair(37, "maximum-age = 3h", "");
	p.ua->down = true;
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA");
	world_run(p.w, 10 * MINUTE);
	px_clock_sim_jump(world_clock(p.w), -300 * (int64_t)DAY);
	world_crash(p.by);
	world_run(p.w, SECOND);
	assert_true(px_alarm_is_raised(p.by->alarms, PX_ALARM_CLOCK, ""));
	assert_int_equal(status_of(p.by, "M2"), 503);
	world_run(p.w, 5 * MINUTE);
	px_clock_sim_jump(world_clock(p.w), 300 * (int64_t)DAY);
	p.ua->down = false;
	assert_int_equal(status_of(p.by, "M2"), 201);
	world_run(p.w, 20 * MINUTE);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "handed-over");
	assert_string_equal(world_state(p.by, "BY", "M2", "UA"), "handed-over");
	assert_false(px_alarm_is_raised(p.by->alarms, PX_ALARM_CLOCK, ""));
	world_free(&p.w);
}

/* Perhaps it was wrong before: a person says so. A start soon after the last entry is none of this. */
static void test_before_the_journal_is_acknowledged(void **state)
{
	(void)state;
	struct pair p = make_pair(38, "", "");
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA");
	world_run(p.w, MINUTE);
	px_clock_sim_jump(world_clock(p.w), -30 * SECOND);
	world_crash(p.by);
	world_run(p.w, SECOND);
	assert_false(px_alarm_is_raised(p.by->alarms, PX_ALARM_CLOCK, ""));
	assert_int_equal(acknowledge(p.by), PX_ENOTFOUND);
	px_clock_sim_jump(world_clock(p.w), -(int64_t)DAY);
	world_crash(p.by);
	world_run(p.w, 11 * MINUTE);
	assert_int_equal(status_of(p.by, "M2"), 503);
	assert_true(px_alarm_is_raised(p.by->alarms, PX_ALARM_CLOCK, ""));
	assert_int_equal(acknowledge(p.by), PX_OK);
	assert_false(px_alarm_is_raised(p.by->alarms, PX_ALARM_CLOCK, ""));
	assert_int_equal(status_of(p.by, "M2"), 201);
	world_free(&p.w);
}

static int status_of_right(struct node *n, const char *id, int64_t ahead)
{
	struct reply r =
	    world_send(n, "system-by", &(struct msg){.id = id, .recipients = "UA", .created_ago = -ahead});
	int status = r.status;
	reply_free(&r);
	return status;
}

/* Set back by mistake while it runs: whoever's clock is right is never refused for good, whatever passes. */
static void test_back_refuses_nobody(void **state)
{
	(void)state;
	struct pair p = make_pair(39, "", "");
	world_run(p.w, 5 * MINUTE);
	px_clock_sim_jump(world_clock(p.w), -(int64_t)HOUR);
	assert_int_equal(status_of_right(p.by, "M1", HOUR), 503); /* no tick has seen it yet */
	world_run(p.w, 30 * MINUTE);
	assert_int_equal(status_of_right(p.by, "M1", HOUR), 503);
	world_run(p.w, 31 * MINUTE); /* where it was before: what is signed is in order again */
	assert_int_equal(status_of_right(p.by, "M1", HOUR), 503);
	assert_int_equal(status_of_right(p.by, "M2", 0), 201);
	assert_true(px_alarm_is_raised(p.by->alarms, PX_ALARM_CLOCK, ""));
	px_clock_sim_jump(world_clock(p.w), HOUR);
	assert_int_equal(status_of_right(p.by, "M1", 0), 201);
	world_run(p.w, 11 * MINUTE);
	assert_false(px_alarm_is_raised(p.by->alarms, PX_ALARM_CLOCK, ""));
	assert_int_equal(status_of_right(p.by, "M3", HOUR), 422);
	world_free(&p.w);
}

/* Started with it: the same, long after any doubt; and set forward nobody is too late while it is in doubt.
 */
static void test_wrong_clock_refuses_nobody(void **state)
{
	(void)state;
	struct pair p = make_pair(40, "", "");
	SEND(p.by, "system-by", .id = "M0", .recipients = "UA");
	world_run(p.w, 5 * MINUTE);
	px_clock_sim_jump(world_clock(p.w), -(int64_t)HOUR);
	world_crash(p.by);
	world_run(p.w, 20 * MINUTE);
	assert_int_equal(status_of_right(p.by, "M1", HOUR), 503);
	px_clock_sim_jump(world_clock(p.w), HOUR);
	world_run(p.w, 20 * MINUTE);
	assert_int_equal(status_of_right(p.by, "M1", 0), 201);
	px_clock_sim_jump(world_clock(p.w), 300 * (int64_t)DAY);
	world_run(p.w, 5 * SECOND);
	assert_int_equal(status_of_right(p.by, "M2", -300 * (int64_t)DAY), 503);
	px_clock_sim_jump(world_clock(p.w), -300 * (int64_t)DAY);
	world_run(p.w, 5 * SECOND);
	assert_int_equal(status_of_right(p.by, "M2", 0), 201);
	world_free(&p.w);
}

/* A small correction is no step. */
static void test_correction(void **state)
{
	(void)state;
	struct pair p = make_pair(36, "", "");
	world_run(p.w, 10 * SECOND);
	px_clock_sim_jump(world_clock(p.w), 30 * SECOND);
	world_run(p.w, 10 * SECOND);
	px_clock_sim_jump(world_clock(p.w), -30 * SECOND);
	world_run(p.w, 10 * SECOND);
	assert_false(px_alarm_is_raised(p.by->alarms, PX_ALARM_CLOCK, ""));
	world_free(&p.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forward_and_back_again),
	    cmocka_unit_test(test_forward_is_believed_later),
	    cmocka_unit_test(test_sent_while_in_doubt),
	    cmocka_unit_test(test_back),
	    cmocka_unit_test(test_leases),
	    cmocka_unit_test(test_before_the_journal),
	    cmocka_unit_test(test_before_the_journal_is_acknowledged),
	    cmocka_unit_test(test_back_refuses_nobody),
	    cmocka_unit_test(test_wrong_clock_refuses_nobody),
	    cmocka_unit_test(test_correction),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
