/* prinex: tests of the LMDB store: damaged records and what verify finds
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "lmdb_kit.h"

#include "base/strings.h"
#include "store/journal.h"
#include "store/marks.h"

/* Three messages of movements of their own; message and delivery of each have the same number. */
static void fill(struct kit *k)
{
	kit_open(k);
	assert_int_equal(kit_accept(k, "M1", 5000, "L1").rc, PX_OK);
	assert_int_equal(kit_accept(k, "M2", 5000, "L2").rc, PX_OK);
	assert_int_equal(kit_accept(k, "M3", 5000, "L3").rc, PX_OK);
	kit_sound(k);
}

static void flip(struct kit *k, enum px_table table, struct px_tkey key, long offset)
{
	kit_close(k);
	kit_flip(k, table, key, offset);
	kit_open(k);
}

/* What cannot be sent is set aside once, journalled, counted and shown; the others go. */
static void expect_quarantined(struct kit *k, const char *reason)
{
	struct px_buf detail = PX_BUF_INIT;
	struct kit_leases leases = kit_lease(k, 16);
	assert_int_equal(leases.rc, PX_OK);
	assert_int_equal(leases.n, 2);
	assert_string_equal(leases.items[0].header.message_id, "M1");
	assert_string_equal(leases.items[1].header.message_id, "M3");
	assert_int_equal(kit_stats(k).s.quarantined, 1);
	assert_int_equal(kit_count_journal(k, PX_J_QUARANTINED, &detail), 1);
	assert_string_equal(px_buf_str(&detail), reason);
	kit_close(k);
	kit_open(k);
	assert_int_equal(kit_lease(k, 16).n, 2); /* nor is it found again and again */
	assert_int_equal(kit_stats(k).s.quarantined, 1);
	assert_int_equal(kit_count_journal(k, PX_J_QUARANTINED, NULL), 1);
	px_buf_free(&detail);
}

static void test_damaged_body(void **state)
{
	struct kit *k = *state;
	fill(k);
	flip(k, PX_T_BODIES, px_tkey_of(2), 3000);
	assert_int_equal(kit_read_body(k, 2, NULL), PX_ECORRUPT);
	expect_quarantined(k, "a message's body is missing or damaged");
	/* Nothing waits without a reason shown, and it still ends. */
	struct kit_message m = kit_find(k, "M2");
	assert_int_equal(m.rc, PX_OK);
	assert_int_equal(m.delivery.state, PX_D_QUEUED);
	assert_string_equal(m.delivery.error, "a message's body is missing or damaged");
	struct px_settle expire = {
	    .delivery = 2, .state = PX_D_EXPIRED, .owed = (const uint8_t *)"<CoE/>", .owed_len = 6};
	assert_int_equal(kit_settle(k, &expire), PX_OK);
	assert_int_equal(kit_stats(k).s.owed, 1); /* and its sender is told */
	struct kit_verify v = kit_verify(k);
	assert_int_equal(v.report.damaged, 1);
	assert_int_equal(v.report.index_faults, 0);
	assert_true(v.report.journal_ok);
	assert_string_equal(v.first_fault, "bodies/2: the body is damaged");
}

/* Whatever waits behind a message that was set aside waits on: order first. */
/* A page of the file that cannot be read takes what lies in it, not what is read after it. */
static void test_damaged_page(void **state)
{
	struct kit *k = *state;
	char id[8];
	kit_open(k);
	for (int i = 1; i <= 8; i++) {
		(void)snprintf(id, sizeof(id), "M%d", i);
		assert_int_equal(kit_accept(k, id, 1000, NULL).rc, PX_OK); /* a few in a page */
	}
	kit_close(k);
	kit_break_page(k, PX_T_BODIES, px_tkey_of(1));
	kit_open(k);
	struct kit_leases leases = kit_lease(k, 16);
	assert_int_equal(leases.rc, PX_OK);
	assert_in_range(leases.n, 4, 7);
	assert_int_equal(kit_stats(k).s.quarantined, 8 - leases.n);
	assert_string_equal(leases.items[leases.n - 1].header.message_id, "M8");
}

static void test_held_keeps_order(void **state)
{
	struct kit *k = *state;
	kit_open(k);
	assert_int_equal(kit_accept(k, "M1", 5000, "L1").rc, PX_OK);
	assert_int_equal(kit_accept(k, "M2", 5000, "L1").rc, PX_OK);
	flip(k, PX_T_BODIES, px_tkey_of(1), 100);
	assert_int_equal(kit_lease(k, 16).n, 0);
	assert_int_equal(kit_lease(k, 16).n, 0);
	struct px_settle cancel = {.delivery = 1, .state = PX_D_CANCELLED, .actor = "anna"};
	assert_int_equal(kit_settle(k, &cancel), PX_OK);
	struct kit_leases leases = kit_lease(k, 16);
	assert_int_equal(leases.n, 1);
	assert_string_equal(leases.items[0].header.message_id, "M2");
}

static void test_damaged_message(void **state)
{
	struct kit *k = *state;
	fill(k);
	flip(k, PX_T_MESSAGES, px_tkey_of(2), 30);
	assert_int_equal(kit_find(k, "M2").rc, PX_ECORRUPT);
	expect_quarantined(k, "a message's record is missing or damaged");
	assert_string_equal(kit_verify(k).first_fault, "messages/2: the record is damaged");
}

static int release(struct kit *k, const char *table, uint64_t record)
{
	struct kit_write got = {.done = false};
	px_store_release(k->st, table, record, kit_write_done, &got);
	kit_wait(k, &got.done);
	return got.rc;
}

/* What was put right goes on; what was not must be ended first. */
static void test_release(void **state)
{
	struct kit *k = *state;
	fill(k);
	flip(k, PX_T_MESSAGES, px_tkey_of(2), 30);
	expect_quarantined(k, "a message's record is missing or damaged");
	assert_int_equal(release(k, "messages", 2), PX_ECORRUPT);
	assert_int_equal(release(k, "messages", 1), PX_ENOTFOUND);
	assert_int_equal(release(k, "nonsense", 2), PX_ENOTFOUND);
	flip(k, PX_T_MESSAGES, px_tkey_of(2), 30);
	assert_int_equal(kit_lease(k, 16).n, 2); /* M2 is not looked at by itself */
	assert_int_equal(release(k, "messages", 2), PX_OK);
	assert_int_equal(kit_stats(k).s.quarantined, 0);
	struct kit_leases leases = kit_lease(k, 16);
	assert_int_equal(leases.n, 1);
	assert_string_equal(leases.items[0].header.message_id, "M2");
	assert_string_equal(leases.items[0].delivery.error, "");
	kit_sound(k);
}

/* Ended ones need nothing any more: then the entry only goes. */
static void test_release_ended(void **state)
{
	struct kit *k = *state;
	fill(k);
	flip(k, PX_T_MESSAGES, px_tkey_of(2), 30);
	assert_int_equal(kit_lease(k, 16).n, 2);
	assert_int_equal(kit_settle(k, &(struct px_settle){.delivery = 2, .state = PX_D_CANCELLED}), PX_OK);
	assert_int_equal(release(k, "messages", 2), PX_OK);
	assert_int_equal(kit_stats(k).s.quarantined, 0);
}

static void test_damaged_delivery(void **state)
{
	struct kit *k = *state;
	fill(k);
	flip(k, PX_T_DELIVERIES, px_tkey_of(2), -1);
	struct kit_message m = kit_find(k, "M2");
	assert_int_equal(m.rc, PX_OK);
	assert_string_equal(m.delivery.error, "the delivery's record is missing or damaged");
	expect_quarantined(k, "a delivery's record is missing or damaged");
	assert_int_equal(kit_settle(k, &(struct px_settle){.delivery = 2, .state = PX_D_CANCELLED}),
			 PX_ECORRUPT);
	assert_string_equal(kit_verify(k).first_fault, "deliveries/2: the record is damaged");
}

static unsigned count_delivered(struct kit *k, const char *first)
{
	struct kit_leases leases = kit_lease(k, 16);
	if (leases.n > 0)
		assert_string_equal(leases.items[0].header.message_id, first);
	return leases.n;
}

/* An administrator ends it: what waits behind it goes on, its sender is told, and the store is whole again.
 */
static void end_damaged_delivery(struct kit *k)
{
	struct kit_message m = kit_find(k, "M1");
	assert_int_equal(m.rc, PX_OK);
	assert_int_equal(m.delivery.state, PX_D_QUEUED);
	assert_string_equal(m.delivery.partner, "ua");
	assert_string_equal(m.delivery.recipient, "UA");
	assert_true(m.delivery.body_sent); /* it may have been */
	assert_int_equal(count_delivered(k, "none"), 0);
	struct px_settle cancel = {.delivery = 1,
				   .state = PX_D_CANCELLED,
				   .actor = "anna",
				   .error = "damaged",
				   .owed = (const uint8_t *)"<CoE/>",
				   .owed_len = 6};
	assert_int_equal(kit_settle(k, &cancel), PX_OK);
	assert_int_equal(kit_settle(k, &cancel), PX_EPRECONDITION);
	assert_int_equal(kit_stats(k).s.owed, 1);
	assert_int_equal(kit_stats(k).ua.queued, 1);
	assert_int_equal(kit_stats(k).ua.cancelled, 1);
	assert_int_equal(count_delivered(k, "M2"), 1);
	struct kit_verify v = kit_verify(k);
	assert_int_equal(v.report.damaged, 0);
	assert_int_equal(v.report.index_faults, 0);
}

static void test_end_damaged_delivery(void **state)
{
	struct kit *k = *state;
	kit_open(k);
	assert_int_equal(kit_accept(k, "M1", 500, "L").rc, PX_OK);
	assert_int_equal(kit_accept(k, "M2", 500, "L").rc, PX_OK);
	flip(k, PX_T_DELIVERIES, px_tkey_of(1), -1);
	end_damaged_delivery(k);
}

/* A repair makes indexes from records, and keeps what alone knows of a damaged one. */
static void test_end_after_repair(void **state)
{
	struct kit *k = *state;
	struct px_store_lmdb_setup setup = kit_setup_of(k);
	struct px_buf said = PX_BUF_INIT;
	kit_open(k);
	assert_int_equal(kit_accept(k, "M1", 500, "L").rc, PX_OK);
	assert_int_equal(kit_accept(k, "M2", 500, "L").rc, PX_OK);
	flip(k, PX_T_DELIVERIES, px_tkey_of(1), -1);
	kit_close(k);
	assert_int_equal(px_store_lmdb_repair(&setup, &said), PX_ECORRUPT); /* the record stays damaged */
	kit_open(k);
	end_damaged_delivery(k);
	px_buf_free(&said);
}

/* What waits in a damaged movement is delivered, in order, also when indexes were made anew meanwhile. */
static void go_on_in_damaged_movement(struct kit *k)
{
	for (unsigned i = 1; i <= 2; i++) {
		struct kit_leases leases = kit_lease(k, 16);
		assert_int_equal(leases.n, 1);
		assert_int_equal(leases.items[0].delivery.id, i);
		struct px_settle s = {.delivery = i, .token = leases.items[0].token, .state = PX_D_DELIVERED};
		assert_int_equal(kit_settle(k, &s), PX_OK);
	}
	struct kit_verify v = kit_verify(k);
	assert_int_equal(v.report.damaged, 1);
	assert_int_equal(v.report.index_faults, 0);
}

static void fill_and_damage_movement(struct kit *k)
{
	kit_open(k);
	assert_int_equal(kit_accept(k, "M1", 500, "L").rc, PX_OK);
	assert_int_equal(kit_accept(k, "M2", 500, "L").rc, PX_OK);
	flip(k, PX_T_MOVEMENTS, px_tkey_of(1), 9);
}

static void test_damaged_movement_goes_on(void **state)
{
	struct kit *k = *state;
	fill_and_damage_movement(k);
	go_on_in_damaged_movement(k);
}

static void test_damaged_movement_repaired(void **state)
{
	struct kit *k = *state;
	struct px_store_lmdb_setup setup = kit_setup_of(k);
	struct px_buf said = PX_BUF_INIT;
	fill_and_damage_movement(k);
	kit_close(k);
	assert_int_equal(px_store_lmdb_repair(&setup, &said), PX_ECORRUPT);
	struct px_db db;
	struct px_tx tx = kit_tamper(k, &db);
	assert_int_equal(px_tx_entries(&tx, PX_T_MEMBERS),
			 2); /* which messages it has is known from here alone */
	kit_tampered(&tx, &db);
	kit_open(k);
	go_on_in_damaged_movement(k);
	px_buf_free(&said);
}

/* Without its receipt nobody can say whether a message is a duplicate: neither yes nor no is answered. */
static void test_damaged_receipt(void **state)
{
	struct kit *k = *state;
	fill(k);
	flip(k, PX_T_RECEIPTS, px_tkey_of(2), 12);
	assert_int_equal(kit_accept(k, "M2", 5000, "L2").rc, PX_ECORRUPT);
	assert_int_equal(kit_accept(k, "M4", 5000, "L4").rc, PX_OK);
	assert_int_equal(kit_stats(k).s.quarantined, 1);
	assert_int_equal(kit_settle(k, &(struct px_settle){.delivery = 2, .state = PX_D_CANCELLED}), PX_OK);
	assert_string_equal(kit_verify(k).first_fault, "receipts/2: the record is damaged");
}

static void count_owed(void *arg, int rc, unsigned n, const struct px_owed *owed)
{
	struct kit_write *w = arg;
	*w = (struct kit_write){.done = true, .rc = rc == PX_OK ? (int)n : rc};
	assert_true(n == 0 || owed[0].len == 6);
}

/* What cannot be read whole is not sent without its evidence, and holds up nothing else. */
static void test_damaged_answer(void **state)
{
	struct kit *k = *state;
	struct kit_write owed = {.done = false};
	struct px_settle s = {.state = PX_D_DELIVERED,
			      .answer = (const uint8_t *)"answer",
			      .answer_len = 6,
			      .owed = (const uint8_t *)"<E></E>",
			      .owed_len = 7,
			      .owed_answer_at = 3};
	kit_open(k);
	s.delivery = kit_accept(k, "M1", 100, "L1").delivery;
	assert_int_equal(kit_settle(k, &s), PX_OK);
	s = (struct px_settle){.state = PX_D_DELIVERED, .owed = (const uint8_t *)"<CoD/>", .owed_len = 6};
	s.delivery = kit_accept(k, "M2", 100, "L2").delivery;
	assert_int_equal(kit_settle(k, &s), PX_OK);
	flip(k, PX_T_ANSWERS, px_tkey_of(1), -1);
	px_store_owed(k->st, "by", "BY", 10, 1000, count_owed, &owed);
	kit_wait(k, &owed.done);
	assert_int_equal(owed.rc, 1);
	assert_int_equal(kit_verify(k).report.damaged, 2); /* the answer, and what lacks it */
}

static void test_damaged_movement(void **state)
{
	struct kit *k = *state;
	fill(k);
	flip(k, PX_T_MOVEMENTS, px_tkey_of(2), 9);
	assert_int_equal(kit_accept(k, "M4", 100, "L2").rc, PX_ECORRUPT); /* order cannot be kept */
	assert_int_equal(kit_accept(k, "M5", 100, "L1").rc, PX_OK);
	assert_int_equal(kit_stats(k).s.quarantined, 1);
	assert_int_equal(kit_verify(k).report.damaged, 1);
}

/* --- verify ------------------------------------------------------------------------------------------ */

static void remove_entry(struct kit *k, enum px_table table, struct px_tkey key)
{
	struct px_db db;
	kit_close(k);
	struct px_tx tx = kit_tamper(k, &db);
	assert_int_equal(px_tx_del(&tx, table, &key), PX_OK);
	kit_tampered(&tx, &db);
	kit_open(k);
}

static void add_entry(struct kit *k, enum px_table table, struct px_tkey key, const void *value, size_t len)
{
	struct px_db db;
	kit_close(k);
	struct px_tx tx = kit_tamper(k, &db);
	px_tx_put(&tx, table, &key, value, len);
	kit_tampered(&tx, &db);
	kit_open(k);
}

static void expect_fault(struct kit *k, const char *fault)
{
	struct kit_verify v = kit_verify(k);
	assert_string_equal(v.first_fault, fault);
	assert_true(v.report.index_faults > 0);
	assert_int_equal(v.report.damaged, 0);
	assert_true(v.report.journal_ok);
}

/* Each index is compared with the records both ways. */
static void test_missing_index_entries(void **state)
{
	struct kit *k = *state;
	struct px_body *body = kit_body("M2", 5000);
	struct px_tkey digest = px_tkey_digest(body->digest);
	fill(k);
	struct kit_message m = kit_find(k, "M2");
	const struct {
		enum px_table table;
		struct px_tkey key;
		const char *fault;
	} entries[] = {
	    {PX_T_IDS, px_tkey_message_id("BY", "M2"), "receipts/2: the message id is not in its index"},
	    {PX_T_DIGESTS, digest, "receipts/2: the digest is not in its index"},
	    {PX_T_KEYS, px_tkey_business(PX_KEY_LRN, "L2", 2),
	     "messages/2: a business key is not in its index"},
	    {PX_T_ARRIVALS, px_tkey_arrival(KIT_OFFICE, KIT_ARRIVAL_MS, 2),
	     "messages/2: an expected arrival is not in its index"},
	    {PX_T_MEMBERS, px_tkey_member(2, 2), "messages/2: it is not among those of its movement"},
	    {PX_T_QUEUE, px_tkey_queue(2, "UA", PX_PRIO_B, 2), "deliveries/2: it is in no queue"},
	    {PX_T_READY, px_tkey_ready("ua", PX_PRIO_B, m.delivery.due, 2),
	     "deliveries/2: a head that is not ready"},
	    {PX_T_DEADLINES, px_tkey_deadline(m.delivery.deadline, 2), "deliveries/2: it has no deadline"},
	    {PX_T_OPEN, px_tkey_open("ua", PX_D_QUEUED, 2), "deliveries/2: it is not among what is open"},
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(entries); i++) {
		struct px_db db;
		struct px_octets value;
		kit_close(k);
		struct px_tx tx = kit_tamper(k, &db);
		assert_int_equal(px_tx_get(&tx, entries[i].table, &entries[i].key, &value), PX_OK);
		uint8_t *copy = px_xmemdup(value.data, PX_MAX(value.len, (size_t)1));
		size_t len = value.len;
		px_tx_abort(&tx);
		px_db_close(&db);
		remove_entry(k, entries[i].table, entries[i].key);
		expect_fault(k, entries[i].fault);
		add_entry(k, entries[i].table, entries[i].key, copy, len);
		kit_sound(k);
		free(copy);
	}
	px_body_unref(&body);
}

static void test_entries_of_nothing(void **state)
{
	struct kit *k = *state;
	const uint8_t nine[8] = {0, 0, 0, 0, 0, 0, 0, 9};
	const uint8_t digest[PX_DIGEST_LEN] = {1, 2, 3};
	fill(k);
	const struct {
		enum px_table table;
		struct px_tkey key;
		const void *value;
		size_t len;
	} entries[] = {
	    {PX_T_IDS, px_tkey_message_id("BY", "M9"), nine, 8},
	    {PX_T_DIGESTS, px_tkey_digest(digest), nine, 8},
	    {PX_T_KEYS, px_tkey_business(PX_KEY_MRN, "26BY1", 1), NULL, 0},
	    {PX_T_ARRIVALS, px_tkey_arrival("UA205020", 5, 1), NULL, 0},
	    {PX_T_ARRIVALS, px_tkey_late(5, 1, "UA205020"), NULL, 0},
	    {PX_T_MEMBERS, px_tkey_member(1, 2), NULL, 0},
	    {PX_T_QUEUE, px_tkey_queue(1, "UA", PX_PRIO_C, 1), "\3", 1},
	    {PX_T_READY, px_tkey_ready("ua", PX_PRIO_A, 0, 1), NULL, 0},
	    {PX_T_DEADLINES, px_tkey_deadline(5, 1), NULL, 0},
	    {PX_T_OPEN, px_tkey_open("ua", PX_D_HANDED_OVER, 1), NULL, 0},
	    {PX_T_OWED_INDEX, px_tkey_owed("by", "BY", 9), nine, 8},
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(entries); i++) {
		add_entry(k, entries[i].table, entries[i].key, entries[i].value, entries[i].len);
		struct kit_verify v = kit_verify(k);
		assert_true(v.report.index_faults > 0);
		assert_int_equal(v.report.damaged, 0);
		remove_entry(k, entries[i].table, entries[i].key);
		kit_sound(k);
	}
}

/* Somebody writes another entry in the place of one, with a good checksum: the chain names it. */
static void test_forged_journal(void **state)
{
	struct kit *k = *state;
	struct px_db db;
	struct px_octets fields, octets;
	struct px_journal_entry entry;
	uint8_t hash[PX_DIGEST_LEN];
	struct px_buf rec = PX_BUF_INIT;
	fill(k); /* 1 opened, 2..4 accepted */
	kit_close(k);
	struct px_tx tx = kit_tamper(k, &db);
	struct px_tkey key = px_tkey_of(3);
	assert_int_equal(px_tx_record(&tx, PX_T_JOURNAL, &key, &fields), PX_OK);
	assert_int_equal(px_rec_get_journal(fields, hash, &octets), PX_OK);
	assert_int_equal(px_journal_decode(octets.data, octets.len, &entry), PX_OK);
	assert_string_equal(entry.message_id, "M2");
	entry.message_id = "M7";
	px_rec_start(&rec);
	px_buf_add(&rec, hash, sizeof(hash));
	px_journal_encode(&rec, &entry);
	px_tx_put_record(&tx, PX_T_JOURNAL, &key, &rec);
	kit_tampered(&tx, &db);
	px_buf_free(&rec);
	kit_open(k);
	struct kit_verify v = kit_verify(k);
	assert_false(v.report.journal_ok);
	assert_int_equal(v.report.journal_broken_at, 3);
	assert_int_equal(v.report.damaged, 0);
	assert_string_equal(v.first_fault, "journal/3: its hash does not follow from the entry before");
}

static void test_cut_journal(void **state)
{
	struct kit *k = *state;
	struct px_db db;
	fill(k);
	kit_close(k);
	struct px_tx tx = kit_tamper(k, &db);
	struct px_tkey key = px_tkey_of(2);
	assert_int_equal(px_tx_del(&tx, PX_T_JOURNAL, &key), PX_OK);
	kit_tampered(&tx, &db);
	kit_open(k);
	struct kit_verify v = kit_verify(k);
	assert_false(v.report.journal_ok);
	assert_int_equal(v.report.journal_broken_at, 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_damaged_body),
	    TEST(test_damaged_page),
	    TEST(test_held_keeps_order),
	    TEST(test_damaged_message),
	    TEST(test_release),
	    TEST(test_release_ended),
	    TEST(test_damaged_delivery),
	    TEST(test_damaged_receipt),
	    TEST(test_damaged_answer),
	    TEST(test_damaged_movement),
	    TEST(test_entries_of_nothing),
	    TEST(test_missing_index_entries),
	    TEST(test_forged_journal),
	    TEST(test_cut_journal),
	    TEST(test_end_damaged_delivery),
	    TEST(test_end_after_repair),
	    TEST(test_damaged_movement_goes_on),
	    TEST(test_damaged_movement_repaired),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
