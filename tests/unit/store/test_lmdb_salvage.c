/* prinex: tests of the LMDB store: deliveries whose record is damaged are ended, whatever else is damaged too
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "lmdb_kit.h"

#include "base/strings.h"
#include "store/marks.h"

/* --- what is there, and damage to it ------------------------------------------------------------------ */

/* Three messages of one movement; each has the number of its delivery. */
static void fill(struct kit *k)
{
	kit_open(k);
	assert_int_equal(kit_accept(k, "M1", 500, "L").rc, PX_OK);
	assert_int_equal(kit_accept(k, "M2", 500, "L").rc, PX_OK);
	assert_int_equal(kit_accept(k, "M3", 500, "L").rc, PX_OK);
	kit_close(k);
}

static void flip(struct kit *k, enum px_table table, uint64_t id)
{
	kit_flip(k, table, px_tkey_of(id), -1);
}

static void lose(struct kit *k, enum px_table table, uint64_t id)
{
	struct px_db db;
	struct px_tkey key = px_tkey_of(id);
	struct px_tx tx = kit_tamper(k, &db);
	assert_int_equal(px_tx_del(&tx, table, &key), PX_OK);
	kit_tampered(&tx, &db);
}

/* --- what is seen and done ---------------------------------------------------------------------------- */

struct got_open {
	bool done;
	unsigned n;
	struct px_delivery items[4];
};

static void open_done(void *arg, int rc, unsigned n, const struct px_delivery *deliveries, uint64_t next)
{
	struct got_open *got = arg;
	(void)next;
	assert_int_equal(rc, PX_OK);
	assert_true(n <= PX_ARRAY_LEN(got->items));
	got->n = n;
	for (unsigned i = 0; i < n; i++)
		got->items[i] = deliveries[i];
	got->done = true;
}

static struct got_open open_deliveries(struct kit *k)
{
	struct got_open got = {.done = false};
	struct px_scan scan = {.limit = 4, .ascending = true, .open_only = true};
	px_store_scan_deliveries(k->st, &scan, open_done, &got);
	kit_wait(k, &got.done);
	return got;
}

static int cancel(struct kit *k, uint64_t delivery)
{
	struct px_settle s = {.delivery = delivery,
			      .state = PX_D_CANCELLED,
			      .actor = "anna",
			      .owed = (const uint8_t *)"<CoE/>",
			      .owed_len = 6};
	return kit_settle(k, &s);
}

/* What waits is leased and delivered; it must be this one, alone. */
static void goes_on_with(struct kit *k, uint64_t delivery)
{
	struct kit_leases leases = kit_lease(k, 16);
	assert_int_equal(leases.n, 1);
	assert_int_equal(leases.items[0].delivery.id, delivery);
	struct px_settle s = {.delivery = delivery, .token = leases.items[0].token, .state = PX_D_DELIVERED};
	assert_int_equal(kit_settle(k, &s), PX_OK);
}

/* Delivery 1 is shown as what it is, ends once, and nothing of it is left in any queue: the next of its
 * movement goes. @damaged records stay. */
static void ends(struct kit *k, unsigned damaged, unsigned told)
{
	kit_open(k);
	assert_int_equal(kit_lease(k, 16).n, 0);
	struct got_open got = open_deliveries(k);
	assert_int_equal(got.n, 3);
	assert_int_equal(got.items[0].id, 1);
	assert_int_equal(got.items[0].message, 1);
	assert_int_equal(got.items[0].movement, 1);
	assert_string_equal(got.items[0].recipient, "UA");
	assert_string_equal(got.items[0].partner, "ua");
	assert_true(got.items[0].held);
	assert_false(got.items[1].held);
	assert_int_equal(cancel(k, 1), PX_OK);
	assert_int_equal(cancel(k, 1), PX_EPRECONDITION);
	assert_int_equal(kit_stats(k).s.owed, told);
	assert_int_equal(kit_stats(k).ua.cancelled, 1);
	assert_int_equal(kit_stats(k).ua.queued, 2);
	goes_on_with(k, 2);
	goes_on_with(k, 3);
	struct kit_verify v = kit_verify(k);
	assert_int_equal(v.report.index_faults, 0);
	assert_int_equal(v.report.damaged, damaged);
}

static void test_alone(void **state)
{
	fill(*state);
	flip(*state, PX_T_DELIVERIES, 1);
	ends(*state, 0, 1);
}

static void test_missing(void **state)
{
	fill(*state);
	lose(*state, PX_T_DELIVERIES, 1);
	ends(*state, 0, 1);
}

static void test_with_message(void **state)
{
	fill(*state);
	flip(*state, PX_T_DELIVERIES, 1);
	flip(*state, PX_T_MESSAGES, 1);
	ends(*state, 1, 1); /* the receipt still says whom to tell */
}

static void test_with_receipt(void **state)
{
	fill(*state);
	flip(*state, PX_T_DELIVERIES, 1);
	flip(*state, PX_T_RECEIPTS, 1);
	ends(*state, 1, 0);
}

static void test_with_both(void **state)
{
	fill(*state);
	flip(*state, PX_T_DELIVERIES, 1);
	flip(*state, PX_T_MESSAGES, 1);
	flip(*state, PX_T_RECEIPTS, 1);
	ends(*state, 2, 0);
}

static void test_with_all(void **state)
{
	fill(*state);
	flip(*state, PX_T_DELIVERIES, 1);
	flip(*state, PX_T_MESSAGES, 1);
	flip(*state, PX_T_RECEIPTS, 1);
	flip(*state, PX_T_MOVEMENTS, 1);
	ends(*state, 3, 0);
}

/* Two in a row, and nothing says which is whose: they end, by the number of the first, and nobody is told
 * what may be about another's message. */
static void test_whose_is_not_known(void **state)
{
	struct kit *k = *state;
	struct px_buf detail = PX_BUF_INIT;
	fill(k);
	for (uint64_t i = 1; i <= 2; i++) {
		flip(k, PX_T_DELIVERIES, i);
		flip(k, PX_T_MESSAGES, i);
	}
	kit_open(k);
	struct got_open got = open_deliveries(k);
	assert_int_equal(got.n, 3);
	assert_int_equal(got.items[0].message, 1);
	assert_int_equal(got.items[1].message, 1);
	assert_int_equal(cancel(k, 1), PX_OK);
	assert_int_equal(cancel(k, 2), PX_OK);
	assert_int_equal(kit_stats(k).s.owed, 0);
	assert_true(kit_count_journal(k, PX_J_QUARANTINED, &detail) >= 2);
	assert_non_null(strstr(px_buf_str(&detail), "which message it belonged to cannot be told"));
	goes_on_with(k, 3);
	assert_int_equal(kit_verify(k).report.index_faults, 0);
	px_buf_free(&detail);
}

/* Each of two movements knows its messages. */
static void test_told_by_the_movement(void **state)
{
	struct kit *k = *state;
	kit_open(k);
	assert_int_equal(kit_accept(k, "M1", 500, "L1").rc, PX_OK);
	assert_int_equal(kit_accept(k, "M2", 500, "L2").rc, PX_OK);
	assert_int_equal(kit_accept(k, "M3", 500, "L2").rc, PX_OK);
	kit_close(k);
	for (uint64_t i = 1; i <= 2; i++) {
		flip(k, PX_T_DELIVERIES, i);
		flip(k, PX_T_MESSAGES, i);
	}
	kit_open(k);
	struct got_open got = open_deliveries(k);
	assert_int_equal(got.items[0].message, 1);
	assert_int_equal(got.items[1].message, 2);
	assert_int_equal(cancel(k, 2), PX_OK);
	assert_int_equal(kit_stats(k).s.owed, 1);
	goes_on_with(k, 3);
}

/* --- held --------------------------------------------------------------------------------------------- */

static int release(struct kit *k, const char *table, uint64_t record)
{
	struct kit_write got = {.done = false};
	px_store_release(k->st, table, record, kit_write_done, &got);
	kit_wait(k, &got.done);
	return got.rc;
}

/* What was set aside is shown so until it is released; a delivery that is gone is never released. */
static void test_held(void **state)
{
	struct kit *k = *state;
	fill(k);
	flip(k, PX_T_BODIES, 1);
	lose(k, PX_T_DELIVERIES, 2);
	kit_open(k);
	assert_false(open_deliveries(k).items[0].held); /* nobody has looked yet */
	assert_int_equal(kit_lease(k, 16).n, 0);
	assert_true(open_deliveries(k).items[0].held);
	assert_int_equal(release(k, "messages", 1), PX_ECORRUPT);
	assert_int_equal(cancel(k, 1), PX_OK);
	assert_int_equal(kit_lease(k, 16).n, 0); /* behind the one that is gone */
	assert_int_equal(release(k, "deliveries", 2), PX_ECORRUPT);
	assert_true(open_deliveries(k).items[0].held);
	assert_int_equal(cancel(k, 2), PX_OK);
	assert_int_equal(release(k, "deliveries", 2), PX_OK);
	goes_on_with(k, 3);
	assert_int_equal(kit_verify(k).report.index_faults, 0);
}

struct got_accept {
	bool done;
	uint64_t seq, delivery;
};

static void accept_done(void *arg, const struct px_accept_result *result)
{
	struct got_accept *got = arg;
	assert_int_equal(result->rc, PX_OK);
	*got = (struct got_accept){true, result->seq, result->delivery_ids[0]};
}

/* One that belongs to no movement. */
static struct got_accept accept_confirmations(struct kit *k)
{
	struct got_accept got = {.done = false};
	struct px_body *body = kit_body("PX-1", 100);
	struct px_new_delivery delivery = {.recipient = "UA", .partner = "ua", .deadline = INT64_MAX};
	struct px_accept req = {.header = {.sender = "BY", .message_id = "PX-1"},
				.confirmations = true,
				.body = body,
				.coa = (const uint8_t *)"x",
				.coa_len = 1,
				.n_deliveries = 1,
				.deliveries = &delivery};
	px_store_accept(k->st, &req, accept_done, &got);
	kit_wait(k, &got.done);
	px_body_unref(&body);
	return got;
}

static void test_held_without_movement(void **state)
{
	struct kit *k = *state;
	kit_open(k);
	struct got_accept got = accept_confirmations(k);
	kit_close(k);
	flip(k, PX_T_BODIES, got.seq);
	kit_open(k);
	assert_false(open_deliveries(k).items[0].held);
	assert_int_equal(kit_lease(k, 16).n, 0);
	assert_true(open_deliveries(k).items[0].held);
	kit_close(k);
	flip(k, PX_T_DELIVERIES, got.delivery);
	kit_open(k);
	assert_int_equal(cancel(k, got.delivery), PX_OK);
	assert_int_equal(open_deliveries(k).n, 0);
	assert_int_equal(kit_verify(k).report.index_faults, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_alone),
	    TEST(test_missing),
	    TEST(test_with_message),
	    TEST(test_with_receipt),
	    TEST(test_with_both),
	    TEST(test_with_all),
	    TEST(test_whose_is_not_known),
	    TEST(test_told_by_the_movement),
	    TEST(test_held),
	    TEST(test_held_without_movement),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
