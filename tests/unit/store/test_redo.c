/* prinex: tests of the redo log: what was acknowledged is there before its commit, and never twice
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "lmdb_kit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "store/lmdb_store.h"

#define PAGE   4096
#define SECTOR 512
/* A commit may come at any moment; most of the time there is none for longer than a test takes. */
#define TRIES 200
/* More of the log than a test fills. */
#define LOG ((size_t)64 * PAGE)

static struct px_redo *redo_of(const struct kit *k)
{
	return px_lmdb_of(k->st)->db.redo;
}

static void path_in(char path[128], const char *folder, const char *name)
{
	(void)snprintf(path, 128, "%s/%s", folder, name);
}

static struct px_buf read_up_to(const char *folder, const char *name, size_t most)
{
	struct px_buf data = PX_BUF_INIT;
	char path[128];
	struct stat st;
	path_in(path, folder, name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	size_t len = PX_MIN((size_t)st.st_size, most);
	assert_int_equal(fread(px_buf_reserve(&data, len), 1, len, f), len);
	px_buf_grown(&data, len);
	fclose(f);
	return data;
}

static struct px_buf read_whole(const char *folder, const char *name)
{
	return read_up_to(folder, name, SIZE_MAX);
}

static struct px_buf read_log(const struct kit *k)
{
	return read_up_to(k->folder, PX_REDO_FILE, LOG);
}

static void write_whole(const char *folder, const char *name, const struct px_buf *data)
{
	char path[128];
	path_in(path, folder, name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data->data, 1, data->len, f), data->len);
	assert_int_equal(fclose(f), 0);
}

/** What a machine that stopped at some moment would leave. */
struct left {
	struct px_buf log, data;
};

static void left_free(struct left *left)
{
	px_buf_free(&left->log);
	px_buf_free(&left->data);
}

/* Accept @n messages one after the other, ids from *@next on, and take what is on the disk while none of them
 * is committed. */
static struct left accept_uncommitted(struct kit *k, unsigned n, unsigned *next)
{
	for (unsigned try = 0; try < TRIES; try++) {
		char id[16];
		kit_stats(k); /* reads: all before is committed */
		assert_false(px_redo_is_ahead(redo_of(k)));
		struct px_buf data = read_whole(k->folder, "data.mdb");
		for (unsigned i = 0; i < n; i++) {
			(void)snprintf(id, sizeof(id), "M%u", (*next)++);
			assert_int_equal(kit_accept(k, id, 1000, NULL).rc, PX_OK);
		}
		struct left left = {.log = read_log(k), .data = read_whole(k->folder, "data.mdb")};
		bool none = px_redo_is_ahead(redo_of(k)) && left.data.len == data.len &&
			    memcmp(left.data.data, data.data, data.len) == 0;
		px_buf_free(&data);
		if (none)
			return left;
		left_free(&left);
	}
	fail_msg("commits come all the time");
	return (struct left){.log = PX_BUF_INIT};
}

/* The store after that, opened in the place of what is there. */
static void start_from(struct kit *k, const struct px_buf *log, const struct px_buf *data)
{
	if (k->st != NULL)
		kit_close(k);
	kit_remove_files(k);
	write_whole(k->folder, "data.mdb", data);
	if (log != NULL)
		write_whole(k->folder, PX_REDO_FILE, log);
	kit_open(k);
	kit_sound(k);
}

static uint64_t messages(struct kit *k)
{
	return kit_stats(k).s.messages;
}

static void test_acknowledged_before_its_commit(void **state)
{
	struct kit *k = *state;
	unsigned next = 0;
	char id[16];
	kit_open(k);
	struct left left = accept_uncommitted(k, 3, &next);
	start_from(k, &left.log, &left.data);
	assert_int_equal(messages(k), next);
	for (unsigned i = 0; i < next; i++) {
		(void)snprintf(id, sizeof(id), "M%u", i);
		assert_int_equal(kit_find(k, id).rc, PX_OK);
		assert_int_equal(kit_accept(k, id, 1000, NULL).rc, PX_EDUPLICATE);
	}
	assert_true(kit_lease(k, 16).n >= 3);
	/* Control: it was the log. */
	start_from(k, NULL, &left.data);
	assert_int_equal(messages(k), next - 3);
	left_free(&left);
}

/* Committed, but the machine stopped before anything was written over the log. */
static void test_committed_is_not_done_again(void **state)
{
	struct kit *k = *state;
	unsigned next = 0;
	kit_open(k);
	struct left left = accept_uncommitted(k, 3, &next);
	assert_int_equal(messages(k), next);
	struct px_buf data = read_whole(k->folder, "data.mdb");
	assert_memory_not_equal(data.data, left.data.data, PX_MIN(data.len, left.data.len));
	start_from(k, &left.log, &data);
	assert_int_equal(messages(k), next);
	assert_int_equal(kit_count_journal(k, PX_J_ACCEPTED, NULL), next);
	px_buf_free(&data);
	left_free(&left);
}

/* A machine that stopped while it wrote a batch: those before it were acknowledged. Nothing behind it counts,
 * not even if it is whole. Nor does one of which only the end is missing, where it had nothing to say: it was
 * refused for want of room. */
static void test_torn(void **state)
{
	struct kit *k = *state;
	unsigned next = 0;
	kit_open(k);
	struct left left = accept_uncommitted(k, 3, &next);
	for (unsigned batch = 0; batch < 3; batch++) {
		struct px_buf log = PX_BUF_INIT;
		px_buf_add(&log, left.log.data, left.log.len);
		/* One message of this size is one page with its head, octets of which end in the middle. */
		uint8_t *page = log.data + (size_t)batch * PAGE;
		page[PAGE / 4] ^= 1;
		start_from(k, &log, &left.data);
		assert_int_equal(messages(k), next - 3 + batch);
		page[PAGE / 4] ^= 1;
		memset(page + PAGE - SECTOR, 0, SECTOR);
		start_from(k, &log, &left.data);
		assert_int_equal(messages(k), next - 3 + batch);
		px_buf_free(&log);
	}
	left_free(&left);
}

/* The record that says which batches follow is damaged: they are what mends it. */
static void test_damaged_state(void **state)
{
	struct kit *k = *state;
	unsigned next = 0;
	kit_open(k);
	struct left left = accept_uncommitted(k, 3, &next);
	kit_close(k);
	kit_remove_files(k);
	write_whole(k->folder, "data.mdb", &left.data);
	struct px_buf record = kit_value(k, PX_T_META, px_tkey_name("state"));
	kit_spoil(k, &record, false);
	struct px_buf data = read_whole(k->folder, "data.mdb");
	start_from(k, &left.log, &data);
	assert_int_equal(messages(k), next);
	assert_int_equal(kit_count_journal(k, PX_J_ACCEPTED, NULL), next);
	/* Control: it was damaged. */
	struct px_buf why = PX_BUF_INIT;
	kit_close(k);
	kit_remove_files(k);
	write_whole(k->folder, "data.mdb", &data);
	assert_int_equal(kit_try_open(k, &why), PX_ECORRUPT);
	px_buf_free(&why);
	px_buf_free(&data);
	left_free(&left);
}

/* The same number of LMDB's transaction, but another store, or another life of it. */
static void test_foreign(void **state)
{
	struct kit *k = *state;
	unsigned next = 0, other = 1000;
	kit_open(k);
	struct left left = accept_uncommitted(k, 1, &next);
	kit_close(k);
	kit_remove_files(k);
	kit_open(k);
	struct left theirs = accept_uncommitted(k, 1, &other);
	start_from(k, &theirs.log, &left.data);
	assert_int_equal(kit_find(k, "M1000").rc, PX_ENOTFOUND);
	assert_int_equal(messages(k), next - 1);
	left_free(&left);
	left_free(&theirs);
}

/* A restore keeps the log where it keeps the store that it replaces. */
static void test_kept_elsewhere(void **state)
{
	struct kit *k = *state;
	char path[128], kept[128];
	unsigned next = 0;
	kit_open(k);
	kit_close(k);
	path_in(path, k->folder, PX_REDO_FILE);
	path_in(kept, k->folder, "kept");
	assert_int_equal(link(path, kept), 0);
	struct px_buf before = read_whole(k->folder, "kept");
	kit_open(k);
	struct left left = accept_uncommitted(k, 2, &next);
	struct px_buf after = read_whole(k->folder, "kept");
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, after.len);
	start_from(k, &left.log, &left.data);
	assert_int_equal(messages(k), next);
	px_buf_free(&before);
	px_buf_free(&after);
	left_free(&left);
}

/* What is large is written once, where it belongs, and with it what was not committed. */
static void test_large_is_committed(void **state)
{
	struct kit *k = *state;
	unsigned next = 0;
	kit_open(k);
	struct left left = accept_uncommitted(k, 1, &next);
	assert_int_equal(kit_accept(k, "LARGE", 2000000, NULL).rc, PX_OK);
	assert_false(px_redo_is_ahead(redo_of(k)));
	struct px_buf data = read_whole(k->folder, "data.mdb");
	start_from(k, NULL, &data);
	assert_int_equal(messages(k), next + 1);
	px_buf_free(&data);
	left_free(&left);
}

/* A store that was closed needs no log. */
static void test_closed_is_committed(void **state)
{
	struct kit *k = *state;
	unsigned next = 0;
	kit_open(k);
	struct left left = accept_uncommitted(k, 1, &next);
	kit_close(k);
	struct px_buf data = read_whole(k->folder, "data.mdb");
	start_from(k, NULL, &data);
	assert_int_equal(messages(k), next);
	px_buf_free(&data);
	left_free(&left);
}

/* Entries that no program of this format wrote: the store is not opened as if they had not been acknowledged.
 */
static void test_entries_that_cannot_be(void **state)
{
	struct kit *k = *state;
	struct px_tkey key = px_tkey_name("nobody");
	struct px_buf why = PX_BUF_INIT;
	struct px_redo *redo;
	struct px_db db;
	kit_open(k);
	kit_close(k);
	struct px_redo_base base = {.txn = 0};
	struct px_rec_state saved;
	struct px_octets fields;
	struct px_tkey name = px_tkey_name("state");
	struct px_tx tx = kit_tamper(k, &db);
	base.txn = px_tx_number(&tx) - 1;
	assert_int_equal(px_tx_record(&tx, PX_T_META, &name, &fields), PX_OK);
	assert_int_equal(px_rec_get_state(fields, &saved), PX_OK);
	base.epoch = saved.epoch;
	memcpy(base.head, saved.journal_head, PX_DIGEST_LEN);
	px_tx_abort(&tx);
	px_db_close(&db);
	assert_int_equal(px_redo_open(k->folder, k->map_size, &redo), PX_OK);
	px_redo_del(redo, PX_T_MARKS, &key); /* it is not there */
	assert_int_equal(px_redo_append(redo, &base), PX_OK);
	px_redo_close(&redo);
	assert_int_equal(kit_try_open(k, &why), PX_ECORRUPT);
	assert_non_null(strstr(px_buf_str(&why), PX_REDO_FILE));
	char path[128];
	path_in(path, k->folder, PX_REDO_FILE);
	assert_int_equal(unlink(path), 0);
	kit_open(k);
	kit_sound(k);
	px_buf_free(&why);
}

/* What removes entries, in a batch of its own, is done again too. */
static void test_settled(void **state)
{
	struct kit *k = *state;
	unsigned next = 0;
	kit_open(k);
	for (unsigned try = 0; try < TRIES; try++) {
		struct left left = accept_uncommitted(k, 2, &next);
		left_free(&left);
		struct kit_leases leases = kit_lease(k, 16);
		assert_true(leases.n > 0);
		const struct px_settle s = {.delivery = leases.items[0].delivery.id,
					    .token = leases.items[0].token,
					    .state = PX_D_DELIVERED};
		assert_int_equal(kit_settle(k, &s), PX_OK);
		left = (struct left){.log = read_log(k), .data = read_whole(k->folder, "data.mdb")};
		bool ahead = px_redo_is_ahead(redo_of(k));
		if (ahead) {
			start_from(k, &left.log, &left.data);
			assert_int_equal(messages(k), next);
			struct kit_stats stats = kit_stats(k);
			assert_int_equal(stats.ua.delivered, try + 1);
			assert_int_equal(stats.ua.queued, next - try - 1);
			leases = kit_lease(k, 16);
			for (unsigned i = 0; i < leases.n; i++)
				assert_int_not_equal(leases.items[i].delivery.id, s.delivery);
		}
		left_free(&left);
		if (ahead)
			return;
	}
	fail_msg("commits come all the time");
}

static size_t commits(const struct kit *k)
{
	MDB_envinfo info;
	assert_int_equal(mdb_env_info(px_lmdb_of(k->st)->db.env, &info), 0);
	return info.me_last_txnid;
}

/* Where one message comes after the other no commit waits until many would share it: two of them follow each
 * other soon. (Unless one takes long; on a disk that flushes slowly this says nothing.) */
static void test_little_waits_for_short_commits(void **state)
{
	struct kit *k = *state;
	char id[16];
	kit_open(k);
	int64_t begun = px_op_now_us(), last = INT64_MIN / 2, least = INT64_MAX;
	size_t seen = commits(k);
	for (unsigned i = 0; i < 2000 && least > 25000; i++) {
		(void)snprintf(id, sizeof(id), "M%u", i);
		assert_int_equal(kit_accept(k, id, 1000, NULL).rc, PX_OK);
		if (i == 100 && px_op_now_us() - begun > 500000)
			skip();
		if (commits(k) == seen)
			continue;
		seen = commits(k);
		least = PX_MIN(least, px_op_now_us() - last);
		last = px_op_now_us();
	}
	assert_true(least <= 25000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_acknowledged_before_its_commit, kit_setup, kit_teardown),
	    cmocka_unit_test_setup_teardown(test_committed_is_not_done_again, kit_setup, kit_teardown),
	    cmocka_unit_test_setup_teardown(test_torn, kit_setup, kit_teardown),
	    cmocka_unit_test_setup_teardown(test_damaged_state, kit_setup, kit_teardown),
	    cmocka_unit_test_setup_teardown(test_foreign, kit_setup, kit_teardown),
	    cmocka_unit_test_setup_teardown(test_kept_elsewhere, kit_setup, kit_teardown),
	    cmocka_unit_test_setup_teardown(test_large_is_committed, kit_setup, kit_teardown),
	    cmocka_unit_test_setup_teardown(test_closed_is_committed, kit_setup, kit_teardown),
	    cmocka_unit_test_setup_teardown(test_entries_that_cannot_be, kit_setup, kit_teardown),
	    cmocka_unit_test_setup_teardown(test_settled, kit_setup, kit_teardown),
	    cmocka_unit_test_setup_teardown(test_little_waits_for_short_commits, kit_setup, kit_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
