/* prinex: what officers are told: all that was sent to their authority, in pages; how often; and never
 * unjournalled SPDX-License-Identifier: Apache-2.0 Copyright (c) 2026 The prinex authors */

#include "post.h"

#include "flow/border_parts.h"

static struct world *w;
static struct node *n;

static int begin(void **state)
{
	(void)state;
	w = world_new(1);
	n = make_post(w, "", "rate = 100000");
	return 0;
}

static int end(void **state)
{
	(void)state;
	world_free(&w);
	return 0;
}

/* --- whose ------------------------------------------------------------------------------------------- */

/* However many newer messages about the same vehicle go to others. */
static void test_others_hide_nothing(void **state)
{
	(void)state;
	FROM_BY(n, .id = "M1", .type = "Declaration", .lrn = "L1", .vehicle = "AE 4712-5");
	for (unsigned i = 0; i < 300; i++) {
		char id[16];
		snprintf(id, sizeof(id), "X%u", i);
		SEND(n, "node-by", .id = id, .recipients = "MD", .type = "Declaration", .lrn = id,
		     .vehicle = "AE47125");
	}
	struct reply r = ask_by(n, "officer-ua", PX_KEY_VEHICLE, "ae47125", 0);
	assert_int_equal(count_of(&r, "\"movement_state\""), 1);
	assert_string_equal(member(&r, "message_id"), "M1");
	assert_string_equal(member(&r, "next"), "");
	reply_free(&r);
	r = ask_by(n, "officer-md", PX_KEY_LRN, "L1", 0);
	assert_int_equal(count_of(&r, "\"movement_state\""), 0);
	reply_free(&r);
}

/* --- pages ------------------------------------------------------------------------------------------- */

static uint64_t next_of(const struct reply *r)
{
	return strtoull(member(r, "next"), NULL, 10);
}

/* A shuttle: every journey of it is found, page after page, the newest first. */
static void test_a_vehicle_on_many_journeys(void **state)
{
	(void)state;
	enum { JOURNEYS = 230 };
	char id[16];
	for (unsigned i = 1; i <= JOURNEYS; i++) {
		snprintf(id, sizeof(id), "L%u", i);
		FROM_BY(n, .id = id, .type = "Declaration", .lrn = id, .vehicle = "AE47125");
		snprintf(id, sizeof(id), "L%u", i);
	}
	unsigned left = JOURNEYS, pages = 0;
	uint64_t after = 0;
	do {
		struct reply r = ask_by(n, "officer-ua", PX_KEY_VEHICLE, "AE47125", after);
		assert_int_equal(r.status, 200);
		unsigned found = count_of(&r, "\"movement_state\"");
		snprintf(id, sizeof(id), "L%u", left);
		assert_string_equal(member(&r, "lrn"), id); /* goes on where the page before ended */
		assert_true(found > 0 && found <= 20);
		left -= found;
		after = next_of(&r);
		assert_true((after != 0) == (left > 0));
		reply_free(&r);
		pages++;
	} while (after != 0);
	assert_int_equal(left, 0);
	assert_int_equal(pages, (JOURNEYS + 19) / 20);
}

/* An answer that has grown large ends, and says where the rest begins. */
static void test_a_large_page_is_cut_between_movements(void **state)
{
	(void)state;
	unsigned found = 0;
	char id[16];
	for (unsigned k = 0; k < 5; k++) {
		char lrn[16];
		snprintf(lrn, sizeof(lrn), "L%u", k);
		for (unsigned i = 0; i < 450; i++) {
			snprintf(id, sizeof(id), "M%u-%u", k, i);
			FROM_BY(n, .id = id, .type = i == 0 ? "Declaration" : "Change", .lrn = lrn,
				.vehicle = "AE47125");
		}
	}
	uint64_t after = 0;
	do {
		struct reply r = ask_by(n, "officer-ua", PX_KEY_VEHICLE, "AE47125", after);
		assert_int_equal(r.status, 200);
		assert_true(count_of(&r, "\"movement_state\"") > 0 || next_of(&r) != 0);
		found += count_of(&r, "\"version\":\"450\"");
		assert_true(next_of(&r) == 0 || next_of(&r) < after || after == 0);
		after = next_of(&r);
		reply_free(&r);
	} while (after != 0);
	assert_true(found >= 5); /* one may be on two pages */
}

/* --- long movements ---------------------------------------------------------------------------------- */

/* Its newest version and its end are the last of very many messages. */
static void test_a_long_movement_is_read_whole(void **state)
{
	(void)state;
	char id[16];
	FROM_BY(n, .id = "M0", .type = "Declaration", .lrn = "L1", .vehicle = "AE47125");
	for (unsigned i = 1; i <= PX_BORDER_LINKS + 40; i++) {
		snprintf(id, sizeof(id), "M%u", i);
		FROM_BY(n, .id = id, .type = "Change", .lrn = "L1", .vehicle = "AE47125");
	}
	struct reply r = ask_by(n, "officer-ua", PX_KEY_LRN, "L1", 0);
	assert_string_equal(member(&r, "movement_state"), "expected");
	assert_string_equal(member(&r, "message_id"), id);
	snprintf(id, sizeof(id), "%u", PX_BORDER_LINKS + 41);
	assert_string_equal(member(&r, "version"), id);
	assert_int_equal(count_of(&r, "\"href\""), 1 + PX_BORDER_LINKS);
	assert_string_equal(member(&r, "sent_omitted"), "41"); /* said, not silently left out */
	assert_string_equal(member(&r, "declarations_omitted"), "");
	reply_free(&r);
	FROM_UA(n, .id = "R1", .type = "Report", .lrn = "L1", .arrived = POST);
	r = ask_by(n, "officer-ua", PX_KEY_LRN, "L1", 0);
	assert_string_equal(member(&r, "movement_state"), "arrived");
	reply_free(&r);
	FROM_UA(n, .id = "R2", .type = "Report", .lrn = "L1", .ends = true);
	r = ask_by(n, "officer-ua", PX_KEY_LRN, "L1", 0);
	assert_string_equal(member(&r, "movement_state"), "closed");
	reply_free(&r);
}

/* Many declarations in one movement, those of the first page too. */
static void test_many_declarations(void **state)
{
	(void)state;
	char id[16];
	for (unsigned i = 0; i < PX_JOURNEY_PAGE + 50; i++) {
		snprintf(id, sizeof(id), "L%u", i);
		FROM_BY(n, .id = id, .type = "Declaration", .lrn = id, .correlation = i == 0 ? NULL : "L0",
			.vehicle = "AE47125");
	}
	struct reply r = ask_by(n, "officer-ua", PX_KEY_VEHICLE, "AE47125", 0);
	assert_int_equal(count_of(&r, "\"movement_state\""), 1);
	assert_int_equal(count_of(&r, "\"declaration_type\""), PX_JOURNEY_PAGE + 50);
	assert_int_equal(count_of(&r, "\"lrn\":\"L7\""), 1);
	assert_int_equal(count_of(&r, "omitted"), 0);
	reply_free(&r);
}

/* --- how often --------------------------------------------------------------------------------------- */

static void test_rate(void **state)
{
	(void)state;
	struct world *own = world_new(2);
	struct node *ua = make_post(own, "", "rate = 3");
	FROM_BY(ua, .id = "M1", .type = "Declaration", .lrn = "L1");
	expect_status(ask_by(ua, "officer-ua", PX_KEY_LRN, "L1", 0), 200);
	expect_status(world_ask_state(ua, "officer-ua", "BY", "M1"), 200);
	expect_status(world_ask_body(ua, "officer-ua", "BY", "M1"), 200);
	unsigned read = world_journal(ua, PX_J_READ);
	struct reply r = ask_by(ua, "officer-ua", PX_KEY_LRN, "L1", 0);
	assert_int_equal(r.retry_after, 20);
	expect_status(r, 429);
	expect_status(world_ask_state(ua, "officer-ua", "BY", "M1"), 429);
	expect_status(world_ask_body(ua, "officer-ua", "BY", "M1"), 429);
	assert_int_equal(world_journal(ua, PX_J_READ), read);
	expect_status(ask_by(ua, "officer-md", PX_KEY_LRN, "L1", 0), 200); /* others have their own */
	world_run(own, 21 * SECOND);
	expect_status(ask_by(ua, "officer-ua", PX_KEY_LRN, "L1", 0), 200);
	world_free(&own);
}

/* --- never unjournalled ------------------------------------------------------------------------------ */

static void (*journal)(struct px_store *st, const struct px_journal_entry *entry, px_write_done *done,
		       void *arg);
static bool is_full;

static void journal_if_room(struct px_store *st, const struct px_journal_entry *entry, px_write_done *done,
			    void *arg)
{
	if (is_full && entry->kind == PX_J_READ)
		done(arg, PX_EFULL);
	else
		journal(st, entry, done, arg);
}

static void test_no_room_for_the_journal(void **state)
{
	(void)state;
	FROM_BY(n, .id = "M1", .type = "Declaration", .lrn = "L1");
	journal = n->store->ops->journal;
	world_patch(n)->journal = journal_if_room;
	is_full = true;
	struct reply r = ask_by(n, "officer-ua", PX_KEY_LRN, "L1", 0);
	assert_int_equal(r.retry_after, 60);
	expect_status(r, 503);
	expect_status(world_ask_state(n, "officer-ua", "BY", "M1"), 503);
	expect_status(world_ask_body(n, "officer-ua", "BY", "M1"), 503);
	assert_true(px_alarm_is_raised(n->alarms, PX_ALARM_DISK, ""));
	is_full = false;
	expect_status(ask_by(n, "officer-ua", PX_KEY_LRN, "L1", 0), 200);
	assert_false(px_alarm_is_raised(n->alarms, PX_ALARM_DISK, ""));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_others_hide_nothing, begin, end),
	    cmocka_unit_test_setup_teardown(test_a_vehicle_on_many_journeys, begin, end),
	    cmocka_unit_test_setup_teardown(test_a_large_page_is_cut_between_movements, begin, end),
	    cmocka_unit_test_setup_teardown(test_a_long_movement_is_read_whole, begin, end),
	    cmocka_unit_test_setup_teardown(test_many_declarations, begin, end),
	    cmocka_unit_test_setup_teardown(test_rate, begin, end),
	    cmocka_unit_test_setup_teardown(test_no_room_for_the_journal, begin, end),
	};
	return cmocka_run_group_tests_name("flow/border", tests, NULL, NULL);
}
