/* prinex: what was announced and does not come, and what comes and was not announced, on a simulated clock
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "post.h"

#include "flow/journey.h"
#include "flow/operate.h"

/* It is midnight before the 23rd; an alarm is due six hours after the limit. */
#define ONE  "2026-11-23T01:00:00Z"
#define EASY "limits { arrival-wait = 6h }\n"

static struct world *w;
static struct node *n;

static int begin(void **state)
{
	(void)state;
	w = world_new(1);
	n = make_post(w, EASY, "");
	return 0;
}

static int end(void **state)
{
	(void)state;
	world_free(&w);
	return 0;
}

static void expect_alarms(const char *wanted)
{
	assert_string_equal(alarms(n), wanted);
}

static void test_expected_and_does_not_come(void **state)
{
	(void)state;
	FROM_BY(n, .id = "M1", .type = "Declaration", .lrn = "L1", .declarant = "D", .expected = ONE,
		.office = POST);
	world_run(w, 6 * HOUR + 58 * MINUTE);
	expect_alarms("");
	world_run(w, 3 * MINUTE);
	expect_alarms("NAR M1>BY,UA ");
	world_run(w, 6 * HOUR);
	expect_alarms("NAR M1>BY,UA "); /* once */
}

/* One minute before the alarm is due it is there; an hour later is too late. */
static void test_at_the_limit(void **state)
{
	(void)state;
	FROM_BY(n, .id = "M1", .type = "Declaration", .lrn = "L1", .expected = ONE, .office = POST);
	FROM_BY(n, .id = "M2", .type = "Declaration", .lrn = "L2", .expected = ONE, .office = POST);
	world_run(w, 6 * HOUR + 58 * MINUTE);
	FROM_UA(n, .id = "R1", .type = "Report", .lrn = "L1", .arrived = POST);
	world_run(w, HOUR);
	FROM_UA(n, .id = "R2", .type = "Report", .lrn = "L2", .arrived = POST);
	world_run(w, 2 * HOUR);
	expect_alarms("NAR M2>BY,UA ");
}

static void test_restarts(void **state)
{
	(void)state;
	FROM_BY(n, .id = "M1", .type = "Declaration", .lrn = "L1", .expected = ONE, .office = POST);
	world_run(w, 3 * HOUR);
	world_crash(n);
	world_run(w, HOUR);
	expect_alarms("");
	world_restart(n, 10 * HOUR); /* it was due meanwhile */
	world_run(w, 30 * MINUTE);
	expect_alarms("NAR M1>BY,UA ");
	world_crash(n);
	world_run(w, HOUR);
	world_restart(n, 2 * DAY);
	world_run(w, HOUR);
	expect_alarms("NAR M1>BY,UA ");
}

static void test_amended_to_later(void **state)
{
	(void)state;
	FROM_BY(n, .id = "M1", .type = "Declaration", .lrn = "L1", .expected = ONE, .office = POST);
	FROM_BY(n, .id = "M2", .type = "Change", .lrn = "L1", .expected = "2026-11-23T07:00:00Z",
		.office = POST);
	world_run(w, 12 * HOUR);
	expect_alarms("");
	world_run(w, 2 * HOUR);
	expect_alarms("NAR M2>BY,UA ");
}

static void test_amended_to_earlier(void **state)
{
	(void)state;
	FROM_BY(n, .id = "M1", .type = "Declaration", .lrn = "L1", .expected = "2026-11-23T03:00:00Z",
		.office = POST);
	FROM_BY(n, .id = "M2", .type = "Change", .lrn = "L1", .expected = ONE, .office = POST);
	world_run(w, 8 * HOUR);
	expect_alarms("NAR M2>BY,UA ");
	world_run(w, 2 * HOUR);
	expect_alarms("NAR M2>BY,UA ");
}

/* After the alarm another time is announced: that is watched anew. */
static void test_amended_after_the_alarm(void **state)
{
	(void)state;
	FROM_BY(n, .id = "M1", .type = "Declaration", .lrn = "L1", .expected = ONE, .office = POST);
	world_run(w, 8 * HOUR);
	FROM_BY(n, .id = "M2", .type = "Change", .lrn = "L1", .expected = "2026-11-23T18:00:00Z",
		.office = POST);
	world_run(w, 15 * HOUR);
	expect_alarms("NAR M1>BY,UA ");
	world_run(w, 2 * HOUR);
	expect_alarms("NAR M1>BY,UA NAR M2>BY,UA ");
}

static void test_withdrawn(void **state)
{
	(void)state;
	FROM_BY(n, .id = "M1", .type = "Declaration", .lrn = "L1", .mrn = "X", .expected = ONE,
		.office = POST);
	FROM_BY(n, .id = "M2", .type = "Declaration", .lrn = "L2", .expected = ONE, .office = POST);
	FROM_BY(n, .id = "M3", .type = "Change", .lrn = "L1", .ends = true);
	world_run(w, 8 * HOUR);
	expect_alarms("NAR M2>BY,UA ");
}

/* However many messages a movement has: what counts may be the last of them. */
static void test_long_movements(void **state)
{
	static const char soon[] = "2026-11-23T00:10:00Z";
	struct world *own = world_new(2);
	struct node *ua = make_post(own, "limits { arrival-wait = 1min }\n", "");
	char id[16];
	(void)state;
	for (unsigned i = 0; i <= PX_JOURNEY_PAGE + 20; i++) {
		for (unsigned k = 0; k < 2; k++) {
			snprintf(id, sizeof(id), "%c%u", "AB"[k], i);
			FROM_BY(ua, .id = id, .type = i == 0 ? "Declaration" : "Change",
				.lrn = k == 0 ? "A" : "B", .expected = soon, .office = POST);
		}
	}
	FROM_UA(ua, .id = "R1", .type = "Report", .lrn = "A", .arrived = POST);
	world_run(own, 15 * MINUTE);
	char wanted[64];
	snprintf(wanted, sizeof(wanted), "NAR B%u>BY,UA ", PX_JOURNEY_PAGE + 20);
	assert_string_equal(alarms(ua), wanted);
	world_free(&own);
}

static unsigned n_read;
static const struct px_store_ops *plain;

static void count_movement(struct px_store *st, uint64_t movement, uint64_t from, unsigned limit,
			   px_messages_done *done, void *arg)
{
	n_read += from == 0; /* read from its beginning */
	plain->movement(st, movement, from, limit, done, arg);
}

/* A movement that is late in very many versions is read once, not once for each page of them. */
static void test_a_long_movement_is_read_once(void **state)
{
	static const char soon[] = "2026-11-23T00:10:00Z";
	struct world *own = world_new(3);
	struct node *ua = make_post(own, "limits { arrival-wait = 1min }\n", "");
	char id[16], wanted[64];
	(void)state;
	for (unsigned i = 0; i <= 1050; i++) {
		snprintf(id, sizeof(id), "A%u", i);
		FROM_BY(ua, .id = id, .type = i == 0 ? "Declaration" : "Change", .lrn = "A", .expected = soon,
			.office = POST);
	}
	struct px_store_ops *ops = world_patch(ua);
	static struct px_store_ops before;
	before = *ops;
	plain = &before;
	n_read = 0;
	ops->movement = count_movement;
	world_run(own, 15 * MINUTE);
	snprintf(wanted, sizeof(wanted), "NAR A1050>BY,UA ");
	assert_string_equal(alarms(ua), wanted);
	assert_int_equal(n_read, 1);
	*ops = before;
	world_free(&own);
}

/* Others' declarations, and the vehicle's own earlier journeys, hide no announcement. */
static void test_announced_among_many(void **state)
{
	(void)state;
	char id[16], lrn[16];
	FROM_BY(n, .id = "M1", .type = "Declaration", .lrn = "L1", .vehicle = "AE 4712-5");
	for (unsigned i = 0; i < 70; i++) {
		snprintf(id, sizeof(id), "X%u", i);
		SEND(n, "node-by", .id = id, .recipients = "MD", .type = "Declaration", .lrn = id,
		     .vehicle = "AE47125");
		snprintf(id, sizeof(id), "E%u", i);
		snprintf(lrn, sizeof(lrn), "E%u", i);
		FROM_BY(n, .id = id, .type = "Declaration", .lrn = lrn, .vehicle = "AE47125", .ends = true);
	}
	FROM_UA(n, .id = "R1", .type = "Report", .vehicle = "AE47125", .arrived = POST);
	expect_alarms("");
	struct reply r = ask_by(n, "officer-ua", PX_KEY_LRN, "L1", 0);
	assert_string_equal(member(&r, "movement_state"), "arrived"); /* it joined the right one */
	reply_free(&r);
	FROM_UA(n, .id = "R2", .type = "Report", .vehicle = "AE47126", .arrived = POST);
	expect_alarms("UNA R2>BY,UA ");
}

/* Nor do those of other declarants that are on the way with it, however many are newer. */
static void test_announced_by_one_declarant_of_many(void **state)
{
	(void)state;
	char id[16];
	FROM_BY(n, .id = "M1", .type = "Declaration", .lrn = "L1", .declarant = "D", .vehicle = "AE 4712-5");
	for (unsigned i = 0; i < 120; i++) {
		snprintf(id, sizeof(id), "E%u", i);
		FROM_BY(n, .id = id, .type = "Declaration", .lrn = id, .declarant = "E",
			.vehicle = "AE47125");
	}
	FROM_UA(n, .id = "R1", .type = "Report", .declarant = "D", .vehicle = "AE47125", .arrived = POST);
	expect_alarms("");
	struct reply r = ask_by(n, "officer-ua", PX_KEY_LRN, "L1", 0);
	assert_string_equal(member(&r, "movement_state"), "arrived");
	reply_free(&r);
}

/* Nobody announced it: said once a day. */
static void test_unannounced_once_a_day(void **state)
{
	(void)state;
	FROM_UA(n, .id = "R1", .type = "Report", .vehicle = "AE1", .arrived = POST);
	expect_alarms("UNA R1>BY,UA ");
	FROM_UA(n, .id = "R2", .type = "Report", .vehicle = "AE1", .arrived = POST);
	expect_alarms("UNA R1>BY,UA "); /* the same vehicle on the same day */
	px_clock_sim_advance(world_clock(w), 2 * DAY);
	world_run(w, MINUTE);
	FROM_UA(n, .id = "R3", .type = "Report", .vehicle = "AE1", .arrived = POST);
	expect_alarms("UNA R1>BY,UA UNA R3>BY,UA ");
}

/* An alarm of another node, or another's report, tells of a vehicle and announces nothing. */
static void test_only_declarations_announce(void **state)
{
	(void)state;
	FROM_BY(n, .id = "X1", .type = "Note", .vehicle = "AE1",
		.lrn = "L1"); /* as an alarm is to its movement */
	FROM_BY(n, .id = "X2", .type = "Report", .vehicle = "AE1", .mrn = "M1");
	FROM_UA(n, .id = "R1", .type = "Report", .vehicle = "AE1", .arrived = POST);
	expect_alarms("UNA R1>BY,UA ");
	struct reply r = ask_by(n, "officer-ua", PX_KEY_LRN, "L1", 0);
	assert_string_equal(member(&r, "movement_state"), "unannounced");
	assert_int_equal(count_of(&r, "\"declaration_type\""), 0);
	reply_free(&r);
}

/* Once it has come, the announcement is used up, except at offices that it names and nothing has reached. */
static void test_comes_again(void **state)
{
	(void)state;
	FROM_BY(n, .id = "M1", .type = "Declaration", .lrn = "L1", .vehicle = "AE1", .expected = ONE,
		.office = POST);
	FROM_UA(n, .id = "R1", .type = "Report", .vehicle = "AE1", .arrived = "UA204000"); /* diverted */
	expect_alarms("");
	FROM_UA(n, .id = "R2", .type = "Report", .vehicle = "AE1", .arrived = POST);
	expect_alarms("");
	FROM_UA(n, .id = "R3", .type = "Report", .vehicle = "AE1", .arrived = POST);
	expect_alarms("UNA R3>BY,UA ");
	FROM_UA(n, .id = "R4", .type = "Report", .vehicle = "AE1", .arrived = "UA204000");
	expect_alarms("UNA R3>BY,UA UNA R4>BY,UA ");
	FROM_BY(n, .id = "M2", .type = "Declaration", .lrn = "L2", .vehicle = "AE1", .office = POST);
	FROM_UA(n, .id = "R5", .type = "Report", .vehicle = "AE1", .arrived = POST);
	expect_alarms("UNA R3>BY,UA UNA R4>BY,UA ");
	world_run(w, 10 * HOUR);
	expect_alarms("UNA R3>BY,UA UNA R4>BY,UA ");
}

/* Of two journeys that were announced the one is meant that is expected now. */
static void test_the_journey_of_today(void **state)
{
	(void)state;
	FROM_BY(n, .id = "M1", .type = "Declaration", .lrn = "L1", .vehicle = "AE1", .expected = ONE,
		.office = POST);
	FROM_BY(n, .id = "M2", .type = "Declaration", .lrn = "L2", .vehicle = "AE1",
		.expected = "2026-11-24T01:00:00Z", .office = POST);
	FROM_BY(n, .id = "M3", .type = "Declaration", .lrn = "L3", .vehicle = "AE1", .expected = ONE,
		.office = "UA204000");
	FROM_UA(n, .id = "R1", .type = "Report", .vehicle = "AE1", .arrived = POST);
	world_run(w, 10 * HOUR);
	expect_alarms("NAR M3>BY,UA ");
}

/* An LRN is unique only for its declarant: the vehicle tells which is meant, and where it does not, nothing
 * is taken for it, however new. */
static void test_one_lrn_of_two_declarants(void **state)
{
	(void)state;
	char id[16];
	FROM_BY(n, .id = "M1", .type = "Declaration", .lrn = "L1", .declarant = "D", .vehicle = "AE1");
	for (unsigned i = 0; i < 60; i++) { /* more than a page, of another declarant */
		snprintf(id, sizeof(id), "E%u", i);
		FROM_BY(n, .id = id, .type = i == 0 ? "Declaration" : "Change", .lrn = "L1", .declarant = "E",
			.vehicle = "AE2");
	}
	FROM_UA(n, .id = "R1", .type = "Report", .lrn = "L1", .vehicle = "AE1", .arrived = POST);
	struct reply r = ask_by(n, "officer-ua", PX_KEY_VEHICLE, "AE2", 0);
	assert_string_equal(member(&r, "movement_state"), "expected");
	reply_free(&r);
	r = ask_by(n, "officer-ua", PX_KEY_VEHICLE, "AE1", 0);
	assert_string_equal(member(&r, "movement_state"), "arrived");
	reply_free(&r);
	expect_status(
	    world_send(
		n, "system-ua",
		&(struct msg){.id = "R2", .type = "Report", .recipients = "BY", .lrn = "L1", .ends = true}),
	    422);
	FROM_UA(n, .id = "R3", .type = "Report", .lrn = "L1", .declarant = "E", .ends = true);
	r = ask_by(n, "officer-ua", PX_KEY_VEHICLE, "AE2", 0);
	assert_string_equal(member(&r, "movement_state"), "closed");
	reply_free(&r);
	r = ask_by(n, "officer-ua", PX_KEY_VEHICLE, "AE1", 0);
	assert_string_equal(member(&r, "movement_state"), "arrived");
	reply_free(&r);
	expect_alarms("");
}

/* Whoever names an MRN first, without having declared it here, does not hide what is declared under it. */
static void test_mrn_named_by_another_before(void **state)
{
	(void)state;
	SEND(n, "node-md", .id = "S1", .sender = "MD", .recipients = "UA", .type = "Note", .mrn = "X1",
	     .declarant = "Z");
	FROM_BY(n, .id = "M1", .type = "Declaration", .lrn = "L1", .mrn = "X1", .declarant = "D",
		.vehicle = "AE1", .expected = ONE, .office = POST);
	FROM_UA(n, .id = "R1", .type = "Report", .mrn = "X1", .vehicle = "AE1", .arrived = POST);
	expect_alarms("");
	struct reply r = ask_by(n, "officer-ua", PX_KEY_VEHICLE, "AE1", 0);
	assert_string_equal(member(&r, "movement_state"), "arrived");
	reply_free(&r);
	FROM_UA(n, .id = "R2", .type = "Report", .mrn = "X1", .ends = true);
	r = ask_by(n, "officer-ua", PX_KEY_VEHICLE, "AE1", 0);
	assert_string_equal(member(&r, "movement_state"), "closed");
	reply_free(&r);
	world_run(w, 10 * HOUR);
	expect_alarms("");
}

/* What was withdrawn, or now has another vehicle, or should have come weeks ago, is not announced any more.
 */
static void test_no_longer_announced(void **state)
{
	(void)state;
	FROM_BY(n, .id = "M1", .type = "Declaration", .lrn = "L1", .mrn = "X", .vehicle = "AE1");
	FROM_BY(n, .id = "M2", .type = "Declaration", .lrn = "L2", .mrn = "X", .vehicle = "AE2");
	FROM_BY(n, .id = "M3", .type = "Change", .lrn = "L1", .ends = true);
	FROM_BY(n, .id = "M4", .type = "Change", .lrn = "L2", .vehicle = "AE3");
	FROM_UA(n, .id = "R1", .type = "Report", .vehicle = "AE1", .arrived = POST);
	FROM_UA(n, .id = "R2", .type = "Report", .vehicle = "AE2", .arrived = POST);
	FROM_UA(n, .id = "R3", .type = "Report", .vehicle = "AE3", .arrived = POST);
	expect_alarms("UNA R1>BY,UA UNA R2>BY,UA ");
	FROM_BY(n, .id = "M5", .type = "Declaration", .lrn = "L5", .vehicle = "AE5", .expected = ONE,
		.office = POST);
	FROM_BY(n, .id = "M6", .type = "Declaration", .lrn = "L6", .vehicle = "AE6", .expected = ONE,
		.office = POST);
	while (strcmp(take(n, "system-ua", "UA"), "M6") != 0)
		;
	px_clock_sim_advance(world_clock(w), 9 * DAY);
	world_run(w, MINUTE);
	FROM_UA(n, .id = "R5", .type = "Report", .vehicle = "AE5", .arrived = POST);
	px_clock_sim_advance(world_clock(w), 2 * DAY);
	world_run(w, MINUTE);
	FROM_UA(n, .id = "R6", .type = "Report", .vehicle = "AE6", .arrived = POST);
	assert_null(strstr(alarms(n), "UNA R5"));
	assert_non_null(strstr(alarms(n), "UNA R6"));
}

static void tell(void *arg, int rc, const char *text)
{
	(void)text;
	assert_int_equal(rc, PX_OK);
	*(bool *)arg = true;
}

/* What is cancelled before it was sent was never told to anybody: no officer sees it, no alarm is about it.
 */
static void test_cancelled_before_it_was_sent(void **state)
{
	(void)state;
	bool said = false;
	FROM_BY(n, .id = "M1", .type = "Declaration", .lrn = "L1", .vehicle = "AE1", .expected = ONE,
		.office = POST);
	px_flow_cancel(n->flow, &(struct px_flow_which){.sender = "BY", .message_id = "M1"}, "UA", "mistake",
		       "anna", tell, &said);
	world_run(w, MINUTE);
	assert_true(said);
	struct reply r = ask_by(n, "officer-ua", PX_KEY_LRN, "L1", 0);
	assert_int_equal(count_of(&r, "\"movement_state\""), 0);
	reply_free(&r);
	r = world_ask_body(n, "officer-ua", "BY", "M1");
	assert_int_equal(r.status, 404);
	reply_free(&r);
	FROM_UA(n, .id = "R1", .type = "Report", .vehicle = "AE1", .arrived = POST);
	world_run(w, 10 * HOUR);
	expect_alarms("UNA R1>BY,UA ");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_expected_and_does_not_come, begin, end),
	    cmocka_unit_test_setup_teardown(test_at_the_limit, begin, end),
	    cmocka_unit_test_setup_teardown(test_restarts, begin, end),
	    cmocka_unit_test_setup_teardown(test_amended_to_later, begin, end),
	    cmocka_unit_test_setup_teardown(test_amended_to_earlier, begin, end),
	    cmocka_unit_test_setup_teardown(test_amended_after_the_alarm, begin, end),
	    cmocka_unit_test_setup_teardown(test_withdrawn, begin, end),
	    cmocka_unit_test_setup_teardown(test_long_movements, begin, end),
	    cmocka_unit_test_setup_teardown(test_a_long_movement_is_read_once, begin, end),
	    cmocka_unit_test_setup_teardown(test_announced_among_many, begin, end),
	    cmocka_unit_test_setup_teardown(test_announced_by_one_declarant_of_many, begin, end),
	    cmocka_unit_test_setup_teardown(test_unannounced_once_a_day, begin, end),
	    cmocka_unit_test_setup_teardown(test_only_declarations_announce, begin, end),
	    cmocka_unit_test_setup_teardown(test_comes_again, begin, end),
	    cmocka_unit_test_setup_teardown(test_the_journey_of_today, begin, end),
	    cmocka_unit_test_setup_teardown(test_one_lrn_of_two_declarants, begin, end),
	    cmocka_unit_test_setup_teardown(test_mrn_named_by_another_before, begin, end),
	    cmocka_unit_test_setup_teardown(test_no_longer_announced, begin, end),
	    cmocka_unit_test_setup_teardown(test_cancelled_before_it_was_sent, begin, end),
	};
	return cmocka_run_group_tests_name("flow/watch", tests, NULL, NULL);
}
