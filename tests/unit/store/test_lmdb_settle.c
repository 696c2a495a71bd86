/* prinex: tests of the LMDB store: settlements that meet damage, or may wait; nothing stays leased by nobody
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "lmdb_kit.h"

#include "base/strings.h"
#include "store/op.h"

/* M1, M2 and M3, of movements of their own, all leased; message and delivery have the same number. */
static struct kit_leases fill(struct kit *k, enum px_table table, struct px_buf *value)
{
	kit_open(k);
	assert_int_equal(kit_accept(k, "M1", 500, "L1").rc, PX_OK);
	assert_int_equal(kit_accept(k, "M2", 500, "L2").rc, PX_OK);
	assert_int_equal(kit_accept(k, "M3", 500, "L3").rc, PX_OK);
	kit_close(k);
	*value = kit_value(k, table, px_tkey_of(2));
	kit_open(k);
	struct kit_leases leases = kit_lease(k, 16);
	assert_int_equal(leases.n, 3);
	return leases;
}

static int end(struct kit *k, const struct px_lease *lease, enum px_delivery_state state)
{
	struct px_settle s = {.delivery = lease->delivery.id,
			      .token = lease->token,
			      .state = state,
			      .attempted = true,
			      .body_sent = true,
			      .owed = (const uint8_t *)"<CoD/>",
			      .owed_len = 6};
	return kit_settle(k, &s);
}

static int cancel(struct kit *k, uint64_t delivery)
{
	struct px_settle s = {.delivery = delivery, .state = PX_D_CANCELLED, .actor = "anna"};
	return kit_settle(k, &s);
}

/* Its record is damaged while it is on its way: the attempt's end sets it aside, and it is nobody's any more.
 */
static void test_record(void **state)
{
	struct kit *k = *state;
	struct px_buf value;
	struct kit_leases leases = fill(k, PX_T_DELIVERIES, &value);
	kit_spoil(k, &value, false);
	assert_int_equal(end(k, &leases.items[0], PX_D_DELIVERED), PX_OK);
	assert_int_equal(end(k, &leases.items[1], PX_D_QUEUED), PX_ECORRUPT);
	assert_int_equal(kit_stats(k).s.quarantined, 1);
	assert_int_equal(kit_lease(k, 16).n, 0);                                 /* it is not sent again */
	assert_int_equal(end(k, &leases.items[1], PX_D_DELIVERED), PX_ECORRUPT); /* that lease has ended */
	assert_int_equal(kit_stats(k).ua.delivered, 1);
	assert_int_equal(cancel(k, 2), PX_OK); /* not: in flight */
	assert_int_equal(end(k, &leases.items[2], PX_D_DELIVERED), PX_OK);
	assert_int_equal(kit_stats(k).s.quarantined, 1);
	kit_close(k);
	kit_open(k);
	assert_int_equal(kit_find(k, "M2").delivery.state, PX_D_CANCELLED);
}

/* The recipient's own answer is not lost by it. */
static void test_record_of_what_was_answered(void **state)
{
	struct kit *k = *state;
	struct px_buf value;
	struct kit_leases leases = fill(k, PX_T_DELIVERIES, &value);
	kit_spoil(k, &value, false);
	assert_int_equal(end(k, &leases.items[1], PX_D_DELIVERED), PX_OK);
	assert_int_equal(kit_find(k, "M2").delivery.state, PX_D_DELIVERED);
	assert_int_equal(kit_stats(k).s.owed, 1);
	struct kit_verify v = kit_verify(k);
	assert_int_equal(v.report.damaged, 0);
	assert_int_equal(v.report.index_faults, 0);
}

/* Neither its movement nor its place in a queue are known any more: it goes on, and ends, all the same. */
static struct kit_leases lose_home(struct kit *k, enum px_table damaged)
{
	struct px_db db;
	kit_open(k);
	assert_int_equal(kit_accept(k, "M1", 500, "L1").rc, PX_OK);
	kit_close(k);
	kit_flip(k, PX_T_MOVEMENTS, px_tkey_of(1), 9);
	if (damaged != PX_T_MOVEMENTS)
		kit_flip(k, damaged, px_tkey_of(1), -1);
	struct px_tx tx = kit_tamper(k, &db);
	struct px_tkey queue = px_tkey_queue(1, "UA", PX_PRIO_B, 1);
	assert_int_equal(px_tx_del(&tx, PX_T_QUEUE, &queue), PX_OK);
	kit_tampered(&tx, &db);
	kit_open(k);
	return kit_lease(k, 16);
}

static void test_home(void **state)
{
	struct kit *k = *state;
	struct kit_leases leases = lose_home(k, PX_T_MOVEMENTS);
	assert_int_equal(leases.n, 1);
	assert_int_equal(end(k, &leases.items[0], PX_D_QUEUED), PX_OK);
	leases = kit_lease(k, 16);
	assert_int_equal(leases.n, 1);
	assert_int_equal(end(k, &leases.items[0], PX_D_DELIVERED), PX_OK);
	assert_int_equal(kit_lease(k, 16).n, 0);
	assert_int_equal(kit_stats(k).s.quarantined, 0); /* nothing of it is left to stumble over */
}

/* It cannot be sent either: set aside, not looked at again and again. */
static void test_home_of_what_cannot_be_sent(void **state)
{
	struct kit *k = *state;
	assert_int_equal(lose_home(k, PX_T_BODIES).n, 0);
	assert_int_equal(kit_stats(k).s.quarantined, 1);
	assert_int_equal(kit_lease(k, 16).n, 0);
	assert_int_equal(cancel(k, 1), PX_OK);
}

/* A page that settling needs cannot be read: nothing can be written about it, so it rests, leased by nobody;
 * sending it again and again would help nobody. */
static void test_page(void **state)
{
	struct kit *k = *state;
	struct px_buf value;
	struct kit_leases leases = fill(k, PX_T_RECEIPTS, &value);
	kit_spoil(k, &value, true);
	assert_int_equal(end(k, &leases.items[1], PX_D_QUEUED), PX_ECORRUPT);
	assert_int_equal(kit_lease(k, 16).n, 0);
	assert_int_equal(cancel(k, 2), PX_ECORRUPT); /* not: in flight */
	assert_int_equal(cancel(k, 1), PX_ESTALE);
	kit_close(k);
}

enum { ROUNDS = 61 };

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* Us that it takes to put a delivery off, alone. */
static int64_t put_off(struct kit *k, bool patient, int64_t due)
{
	struct px_settle s = {.delivery = 1, .state = PX_D_QUEUED, .due = due, .patient = patient};
	int64_t begun = px_op_now_us();
	assert_int_equal(kit_settle(k, &s), PX_OK);
	return px_op_now_us() - begun;
}

/* The next delivery waits for it: it is held up only where somebody said that it may be. */
static void test_patient_or_not(void **state)
{
	struct kit *k = *state;
	int64_t at_once[ROUNDS], later[ROUNDS];
	kit_open(k);
	assert_int_equal(kit_accept(k, "M1", 500, "L1").rc, PX_OK);
	for (unsigned i = 0; i < ROUNDS; i++) {
		at_once[i] = put_off(k, false, 2 * i);
		later[i] = put_off(k, true, 2 * i + 1);
	}
	qsort(at_once, ROUNDS, sizeof(at_once[0]), compare);
	qsort(later, ROUNDS, sizeof(later[0]), compare);
	print_message("# %lld us, patient %lld us\n", (long long)at_once[ROUNDS / 2],
		      (long long)later[ROUNDS / 2]);
	assert_true(at_once[ROUNDS / 2] < later[ROUNDS / 2]);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_record), TEST(test_record_of_what_was_answered),
	    TEST(test_home),   TEST(test_home_of_what_cannot_be_sent),
	    TEST(test_page),   TEST(test_patient_or_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
