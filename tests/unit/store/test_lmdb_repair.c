/* prinex: tests of the LMDB store: indexes made anew from records
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "lmdb_kit.h"

#include "base/strings.h"

static const enum px_table indexes[] = {
    PX_T_IDS,   PX_T_DIGESTS,   PX_T_KEYS, PX_T_MEMBERS,    PX_T_QUEUE,    PX_T_READY,
    PX_T_PARTS, PX_T_DEADLINES, PX_T_OPEN, PX_T_OWED_INDEX, PX_T_PARTNERS, PX_T_ARRIVALS,
};

/* All that a table holds. */
static void dump(struct kit *k, enum px_table table, struct px_buf *out)
{
	struct px_db db;
	struct px_cur cur;
	struct px_tx tx = kit_tamper(k, &db);
	px_buf_clear(out);
	px_cur_open(&cur, &tx, table);
	for (bool more = px_cur_first(&cur); more; more = px_cur_next(&cur)) {
		px_buf_add(out, cur.key.data, cur.key.len);
		px_buf_adds(out, "=");
		px_buf_add(out, cur.value.data, cur.value.len);
	}
	px_cur_close(&cur);
	kit_tampered(&tx, &db);
}

/* A store with a bit of everything, closed. */
static void fill_for_repair(struct kit *k)
{
	kit_open(k);
	kit_fill_linked(k);
	for (unsigned i = 0; i < 20; i++) {
		char id[16], lrn[16];
		(void)snprintf(id, sizeof(id), "M%u", i);
		(void)snprintf(lrn, sizeof(lrn), "L%u", i % 4);
		assert_int_equal(kit_accept(k, id, 500, i % 5 != 0 ? lrn : NULL).rc, PX_OK);
	}
	static const enum px_delivery_state states[] = {PX_D_DELIVERED, PX_D_HANDED_OVER, PX_D_UNKNOWN,
							PX_D_QUEUED};
	for (unsigned i = 0; i < PX_ARRAY_LEN(states); i++) {
		struct px_settle s = {.delivery = 5 + i,
				      .state = states[i],
				      .due = px_clock_wall(px_clock_real()) + 1000000,
				      .owed = (const uint8_t *)"<CoD/>",
				      .owed_len = 6};
		assert_int_equal(kit_settle(k, &s), PX_OK);
	}
	kit_sound(k);
	kit_close(k);
}

static void test_repair_each_index(void **state)
{
	struct kit *k = *state;
	struct px_store_lmdb_setup setup = kit_setup_of(k);
	struct px_buf before[PX_ARRAY_LEN(indexes)] = {{0}}, after = PX_BUF_INIT, said = PX_BUF_INIT;
	fill_for_repair(k);
	assert_int_equal(px_store_lmdb_repair(&setup, &said), PX_OK); /* of a sound one: changes nothing */
	for (size_t i = 0; i < PX_ARRAY_LEN(indexes); i++)
		dump(k, indexes[i], &before[i]);
	for (size_t i = 0; i < PX_ARRAY_LEN(indexes); i++) {
		struct px_db db;
		struct px_tx tx = kit_tamper(k, &db);
		struct px_tkey junk = px_tkey_of(0x4141414141414141);
		px_tx_clear(&tx, indexes[i]);
		px_tx_put(&tx, indexes[i], &junk, "junk", 4);
		kit_tampered(&tx, &db);
		assert_int_equal(px_store_lmdb_repair(&setup, &said), PX_OK);
		for (size_t j = 0; j < PX_ARRAY_LEN(indexes); j++) {
			dump(k, indexes[j], &after);
			assert_int_equal(after.len, before[j].len);
			assert_memory_equal(after.data, before[j].data, after.len);
		}
	}
	kit_open(k);
	kit_sound(k);
	kit_close(k);
	for (size_t i = 0; i < PX_ARRAY_LEN(indexes); i++)
		px_buf_free(&before[i]);
	px_buf_free(&after);
	px_buf_free(&said);
}

/* A sound store's indexes are those that repair makes: both ways of making them agree. */
static void test_repair_agrees(void **state)
{
	struct kit *k = *state;
	struct px_store_lmdb_setup setup = kit_setup_of(k);
	struct px_buf before[PX_ARRAY_LEN(indexes)] = {{0}}, after = PX_BUF_INIT, said = PX_BUF_INIT;
	fill_for_repair(k);
	for (size_t i = 0; i < PX_ARRAY_LEN(indexes); i++)
		dump(k, indexes[i], &before[i]);
	assert_int_equal(px_store_lmdb_repair(&setup, &said), PX_OK);
	for (size_t i = 0; i < PX_ARRAY_LEN(indexes); i++) {
		dump(k, indexes[i], &after);
		if (indexes[i] != PX_T_PARTS) { /* of which there may be more */
			assert_int_equal(after.len, before[i].len);
			assert_memory_equal(after.data, before[i].data, after.len);
		}
		px_buf_free(&before[i]);
	}
	px_buf_free(&after);
	px_buf_free(&said);
}

/* Records are not touched: what is damaged is listed, and what waits behind it waits on. */
static void test_repair_keeps_damage(void **state)
{
	struct kit *k = *state;
	struct px_store_lmdb_setup setup = kit_setup_of(k);
	struct px_buf said = PX_BUF_INIT;
	kit_open(k);
	for (unsigned i = 1; i <= 3; i++) {
		char id[16];
		(void)snprintf(id, sizeof(id), "M%u", i);
		assert_int_equal(kit_accept(k, id, 500, "L").rc, PX_OK);
	}
	kit_close(k);
	kit_flip(k, PX_T_DELIVERIES, px_tkey_of(1), -1);
	assert_int_equal(px_store_lmdb_repair(&setup, &said), PX_ECORRUPT);
	assert_non_null(strstr(px_buf_str(&said), "deliveries/1: the record is damaged"));
	kit_open(k);
	assert_int_equal(kit_lease(k, 16).n, 0); /* M2 must not go past M1 */
	kit_close(k);
	kit_flip(k, PX_T_DELIVERIES, px_tkey_of(1), -1);
	assert_int_equal(px_store_lmdb_repair(&setup, &said), PX_OK);
	kit_open(k);
	kit_sound(k);
	struct kit_leases leases = kit_lease(k, 16);
	assert_int_equal(leases.n, 1);
	assert_string_equal(leases.items[0].header.message_id, "M1");
	px_buf_free(&said);
}

/* A duplicate key that cannot be read is a key all the same: its id is not accepted again, its octets are
 * not new, and its movement keeps the message. */
static void test_repair_keeps_duplicate_keys(void **state)
{
	static const enum px_table kept[] = {PX_T_IDS, PX_T_DIGESTS, PX_T_MEMBERS, PX_T_MOVEMENTS};
	struct kit *k = *state;
	struct px_store_lmdb_setup setup = kit_setup_of(k);
	struct px_buf before[PX_ARRAY_LEN(kept)] = {{0}}, after = PX_BUF_INIT, said = PX_BUF_INIT;
	kit_open(k);
	assert_int_equal(kit_accept(k, "M1", 500, "L").rc, PX_OK);
	assert_int_equal(kit_accept(k, "M2", 500, "L").rc, PX_OK);
	kit_close(k);
	for (size_t i = 0; i < PX_ARRAY_LEN(kept); i++)
		dump(k, kept[i], &before[i]);
	kit_flip(k, PX_T_RECEIPTS, px_tkey_of(2), -1);
	assert_int_equal(px_store_lmdb_repair(&setup, &said), PX_ECORRUPT);
	assert_non_null(strstr(px_buf_str(&said), "receipts/2: the record is damaged"));
	for (size_t i = 0; i < PX_ARRAY_LEN(kept); i++) {
		dump(k, kept[i], &after);
		assert_int_equal(after.len, before[i].len);
		assert_memory_equal(after.data, before[i].data, after.len);
		px_buf_free(&before[i]);
	}
	kit_open(k);
	assert_int_equal(kit_accept(k, "M2", 500, "L").rc, PX_ECORRUPT);
	assert_int_equal(kit_accept(k, "M2", 600, "L").rc, PX_ECORRUPT);
	assert_int_equal(kit_accept(k, "M1", 500, "L").rc, PX_EDUPLICATE);
	kit_close(k);
	px_buf_free(&after);
	px_buf_free(&said);
}

static void test_repair_state(void **state)
{
	struct kit *k = *state;
	struct px_store_lmdb_setup setup = kit_setup_of(k);
	struct px_buf said = PX_BUF_INIT;
	fill_for_repair(k);
	kit_open(k);
	struct kit_stats before = kit_stats(k);
	kit_close(k);
	kit_flip(k, PX_T_META, px_tkey_name("state"), 20);
	assert_int_equal(kit_try_open(k, &said), PX_ECORRUPT);
	assert_int_equal(px_store_lmdb_repair(&setup, &said), PX_OK);
	kit_open(k);
	kit_sound(k);
	struct kit_stats after = kit_stats(k);
	assert_true(after.s.epoch > before.s.epoch);
	assert_int_equal(after.s.messages, before.s.messages);
	assert_int_equal(after.s.owed, before.s.owed);
	assert_int_equal(after.s.movements, before.s.movements);
	assert_int_equal(after.s.journal_entries, before.s.journal_entries + 1);
	assert_int_equal(kit_accept(k, "NEW", 100, NULL).seq, before.s.messages + 1);
	kit_close(k);
	kit_remove_files(k);
	assert_int_equal(px_store_lmdb_repair(&setup, &said), PX_ENOTFOUND); /* and makes no empty one */
	px_buf_free(&said);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_repair_agrees),       TEST(test_repair_each_index),
	    TEST(test_repair_keeps_damage), TEST(test_repair_keeps_duplicate_keys),
	    TEST(test_repair_state),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
