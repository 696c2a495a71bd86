/* prinex: tests of the LMDB store: formats, backup and restore, what was set aside
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "lmdb_kit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strings.h"
#include "store/format.h"
#include "store/manifest.h"

/* --- formats ----------------------------------------------------------------------------------------- */

static void settle_all(struct kit *k)
{
	for (struct kit_leases l = kit_lease(k, 16); l.n > 0; l = kit_lease(k, 16)) {
		for (unsigned i = 0; i < l.n; i++) {
			struct px_settle s = {.delivery = l.items[i].delivery.id,
					      .token = l.items[i].token,
					      .state = PX_D_DELIVERED,
					      .answer = (const uint8_t *)"<CoA/>",
					      .answer_len = 6};
			assert_int_equal(kit_settle(k, &s), PX_OK);
		}
	}
}

/* A store of format 1 has no parts. */
static void test_upgrade_from_1(void **state)
{
	struct kit *k = *state;
	struct px_octets format;
	struct px_db db;
	kit_open(k);
	kit_fill_linked(k);
	kit_close(k);
	struct px_tx tx = kit_tamper(k, &db);
	struct px_tkey key = px_tkey_name("format");
	assert_int_equal(px_tx_entries(&tx, PX_T_PARTS), 1);
	px_tx_clear(&tx, PX_T_PARTS);
	px_tx_put(&tx, PX_T_META, &key, "prinex store 1", 14);
	kit_tampered(&tx, &db);
	kit_open(k);
	kit_sound(k);
	kit_close(k);
	tx = kit_tamper(k, &db);
	assert_int_equal(px_tx_entries(&tx, PX_T_PARTS), 1);
	assert_int_equal(px_tx_get(&tx, PX_T_META, &key, &format), PX_OK);
	assert_int_equal(format.len, 14);
	assert_memory_equal(format.data, "prinex store 6", 14);
	kit_tampered(&tx, &db);
}

/* --- backup ------------------------------------------------------------------------------------------ */

struct backup_got {
	bool done;
	int rc;
	struct px_backup_report report;
	char path[256], why[256];
};

static void backup_done(void *arg, int rc, const struct px_backup_report *report, const char *why)
{
	struct backup_got *got = arg;
	assert_false(got->done);
	got->rc = rc;
	if (report != NULL) {
		got->report = *report;
		px_strlcpy(got->path, report->path, sizeof(got->path));
	}
	px_strlcpy(got->why, why, sizeof(got->why));
	got->done = true;
}

static struct backup_got backup(struct kit *k, const char *folder, unsigned keep)
{
	struct backup_got got = {.done = false};
	px_store_backup(k->st, folder, keep, backup_done, &got);
	kit_wait(k, &got.done);
	return got;
}

/* A folder for copies beside that of the store. */
static const char *copies(const struct kit *k)
{
	static char folder[96];
	(void)snprintf(folder, sizeof(folder), "%s/copies", k->folder);
	(void)mkdir(folder, 0700);
	return folder;
}

static unsigned entries_in(const char *folder)
{
	unsigned n = 0;
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	for (const struct dirent *e; (e = readdir(dir)) != NULL;)
		n += e->d_name[0] != '.' ? 1 : 0;
	closedir(dir);
	return n;
}

static struct kit beside(const struct kit *k)
{
	struct kit other = {.map_size = k->map_size};
	(void)snprintf(other.folder, sizeof(other.folder), "%.48s/beside", k->folder);
	return other;
}

/* Messages come in all the time; what was acknowledged before is in the copy, and the copy is a sound store.
 */
static void test_backup_under_load(void **state)
{
	struct kit *k = *state;
	static struct kit_accept got[4000];
	struct backup_got copy = {.done = false};
	struct px_buf said = PX_BUF_INIT;
	unsigned n = 0, before;
	char id[16];
	kit_open(k);
	for (; n < 2000; n++) {
		(void)snprintf(id, sizeof(id), "M%u", n);
		kit_submit(k, id, 3000, NULL, &got[n]);
		while (n >= 500 && !got[n - 500].done)
			kit_step(k, 100);
	}
	kit_wait(k, &got[n - 1].done);
	settle_all(k);
	before = n;
	px_store_backup(k->st, copies(k), 0, backup_done, &copy);
	for (; n < PX_ARRAY_LEN(got); n++) {
		(void)snprintf(id, sizeof(id), "M%u", n);
		kit_submit(k, id, 3000, NULL, &got[n]);
		while (!got[n - 100].done)
			kit_step(k, 100);
	}
	kit_wait(k, &copy.done);
	kit_wait(k, &got[n - 1].done);
	assert_int_equal(copy.rc, PX_OK);
	assert_true(copy.report.message >= before && copy.report.octets > before * 3000);
	print_message("# copy of %llu KB in %lld ms; the store grew by %llu KB meanwhile\n",
		      (unsigned long long)copy.report.octets / 1024, (long long)copy.report.ms,
		      (unsigned long long)copy.report.growth / 1024);
	struct kit other = beside(k);
	struct px_store_lmdb_setup setup = kit_setup_of(&other);
	assert_int_equal(px_store_lmdb_restore(&setup, copy.path, &said), PX_OK);
	kit_open(&other);
	kit_sound(&other);
	struct kit_stats s = kit_stats(&other);
	assert_int_equal(s.s.messages, copy.report.message);
	assert_int_equal(s.ua.delivered, before);
	for (unsigned i = 0; i < before; i += 97) {
		(void)snprintf(id, sizeof(id), "M%u", i);
		struct px_body *body = kit_body(id, 3000);
		assert_int_equal(kit_read_body(&other, got[i].seq, body), PX_OK);
		px_body_unref(&body);
	}
	struct px_buf detail = PX_BUF_INIT;
	assert_int_equal(kit_count_journal(&other, PX_J_RESTORED, &detail), 1);
	assert_non_null(strstr(px_buf_str(&detail), "messages to "));
	kit_close(&other);
	px_buf_free(&said);
	px_buf_free(&detail);
}

static void test_backup_keeps(void **state)
{
	struct kit *k = *state;
	char last[256] = "";
	kit_open(k);
	for (unsigned i = 0; i < 4; i++) {
		char id[16];
		(void)snprintf(id, sizeof(id), "M%u", i);
		assert_int_equal(kit_accept(k, id, 100, NULL).rc, PX_OK);
		struct backup_got got = backup(k, copies(k), 2);
		assert_int_equal(got.rc, PX_OK);
		assert_int_equal(got.report.removed, i >= 2 ? 1 : 0);
		px_strlcpy(last, got.path, sizeof(last));
	}
	assert_int_equal(entries_in(copies(k)), 2);
	assert_int_equal(entries_in(last), 2); /* data and manifest, nothing else */
	struct backup_got got = backup(k, "/nonexistent/folder", 2);
	assert_int_equal(got.rc, PX_ESYS);
	assert_non_null(strstr(got.why, "/nonexistent/folder"));
}

static void test_backup_one_at_a_time_and_given_up(void **state)
{
	struct kit *k = *state;
	struct backup_got first = {.done = false}, second = {.done = false};
	kit_open(k);
	struct px_body *body = kit_body("LARGE", 30 * 1024 * 1024);
	struct kit_accept large;
	kit_submit_body(k, "LARGE", body, NULL, &large);
	kit_wait(k, &large.done);
	px_body_unref(&body);
	px_store_backup(k->st, copies(k), 0, backup_done, &first);
	px_store_backup(k->st, copies(k), 0, backup_done, &second);
	px_store_give_up(k->st, &first);
	kit_wait(k, &first.done);
	kit_wait(k, &second.done);
	assert_int_equal(second.rc, PX_EBUSY);
	assert_int_equal(first.rc, PX_ECANCELLED);
	assert_int_equal(entries_in(copies(k)), 0);
	assert_int_equal(backup(k, copies(k), 0).rc, PX_OK);
}

/* --- restore ----------------------------------------------------------------------------------------- */

static void flip_file(const char *folder, const char *name, long offset)
{
	char path[300];
	uint8_t octet;
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &octet, 1, offset), 1);
	octet ^= 1;
	assert_int_equal(pwrite(fd, &octet, 1, offset), 1);
	close(fd);
}

static void test_restore_replaces(void **state)
{
	struct kit *k = *state;
	struct px_store_lmdb_setup setup = kit_setup_of(k);
	struct px_buf said = PX_BUF_INIT;
	kit_open(k);
	assert_int_equal(kit_accept(k, "M1", 100, NULL).rc, PX_OK);
	struct kit_leases before = kit_lease(k, 1);
	struct backup_got copy = backup(k, copies(k), 0);
	assert_int_equal(copy.rc, PX_OK);
	assert_int_equal(kit_accept(k, "M2", 100, NULL).rc, PX_OK);
	assert_int_equal(px_store_lmdb_restore(&setup, copy.path, &said), PX_ESYS); /* it is open */
	assert_non_null(strstr(px_buf_str(&said), "another process"));
	uint64_t epoch = kit_stats(k).s.epoch;
	kit_close(k);
	assert_int_equal(px_store_lmdb_restore(&setup, copy.path, &said), PX_OK);
	assert_non_null(strstr(px_buf_str(&said), "the store before is in"));
	kit_open(k);
	kit_sound(k);
	assert_int_equal(kit_stats(k).s.messages, 1);
	assert_true(kit_stats(k).s.epoch > epoch + 1000);
	struct kit_leases after = kit_lease(k, 1);
	assert_int_equal(after.items[0].token.counter, before.items[0].token.counter);
	struct px_settle settle = {
	    .delivery = before.items[0].delivery.id, .token = before.items[0].token, .state = PX_D_DELIVERED};
	assert_int_equal(kit_settle(k, &settle), PX_ESTALE);
	kit_close(k);
	/* the old store is whole where it was said to be */
	struct kit old = {.map_size = k->map_size};
	px_strlcpy(old.folder, strstr(px_buf_str(&said), "is in ") + 6, sizeof(old.folder));
	kit_open(&old);
	assert_int_equal(kit_stats(&old).s.messages, 2);
	kit_close(&old);
	px_buf_free(&said);
}

static void refuse_restore(struct kit *k, const char *from, int rc, const char *because)
{
	struct px_store_lmdb_setup setup = kit_setup_of(k);
	struct px_buf said = PX_BUF_INIT;
	unsigned entries = entries_in(k->folder);
	assert_int_equal(px_store_lmdb_restore(&setup, from, &said), rc);
	if (strstr(px_buf_str(&said), because) == NULL)
		fail_msg("%s", px_buf_str(&said));
	assert_int_equal(entries_in(k->folder), entries); /* nothing is left behind */
	kit_open(k);
	assert_int_equal(kit_stats(k).s.messages, 2); /* and nothing was replaced */
	kit_close(k);
	px_buf_free(&said);
}

static void test_restore_refuses(void **state)
{
	struct kit *k = *state;
	kit_open(k);
	assert_int_equal(kit_accept(k, "M1", 5000, NULL).rc, PX_OK);
	struct backup_got copy = backup(k, copies(k), 0);
	assert_int_equal(kit_accept(k, "M2", 100, NULL).rc, PX_OK);
	kit_close(k);
	refuse_restore(k, "/nonexistent", PX_ENOTFOUND, "not a backup");
	flip_file(copy.path, "data.mdb", (long)copy.report.octets / 2);
	refuse_restore(k, copy.path, PX_ECORRUPT, "is not what the manifest says");
	flip_file(copy.path, "data.mdb", (long)copy.report.octets / 2);
	flip_file(copy.path, "MANIFEST", 0);
	refuse_restore(k, copy.path, PX_ECORRUPT, "not a manifest");
	flip_file(copy.path, "MANIFEST", 0);
}

/* A copy of a store that was damaged already is what its manifest says, and is refused all the same. */
static void test_restore_verifies(void **state)
{
	struct kit *k = *state;
	kit_open(k);
	assert_int_equal(kit_accept(k, "M1", 5000, NULL).rc, PX_OK);
	assert_int_equal(kit_accept(k, "M2", 100, NULL).rc, PX_OK);
	kit_close(k);
	kit_flip(k, PX_T_BODIES, px_tkey_of(1), 4000);
	kit_open(k);
	struct backup_got copy = backup(k, copies(k), 0);
	assert_int_equal(copy.rc, PX_OK);
	kit_close(k);
	refuse_restore(k, copy.path, PX_ECORRUPT, "bodies/1: the body is damaged");
}

/* --- what was set aside ------------------------------------------------------------------------------ */

struct quarantined_got {
	bool done;
	unsigned n;
	uint64_t next;
	struct px_quarantined first;
	char reason[128];
};

static void quarantined_done(void *arg, int rc, unsigned n, const struct px_quarantined *items, uint64_t next)
{
	struct quarantined_got *got = arg;
	assert_int_equal(rc, PX_OK);
	got->n = n;
	got->next = next;
	if (n > 0) {
		got->first = items[0];
		px_strlcpy(got->reason, items[0].reason, sizeof(got->reason));
	}
	got->done = true;
}

static struct quarantined_got quarantined(struct kit *k, uint64_t from, unsigned limit)
{
	struct quarantined_got got = {.done = false};
	px_store_quarantined(k->st, from, limit, quarantined_done, &got);
	kit_wait(k, &got.done);
	return got;
}

struct purge_got {
	bool done;
	struct px_purge_report report;
};

static void purge_done(void *arg, int rc, const struct px_purge_report *report)
{
	struct purge_got *got = arg;
	assert_int_equal(rc, PX_OK);
	got->report = *report;
	got->done = true;
}

static struct px_purge_report purge(struct kit *k, int64_t in)
{
	struct px_purge req = {.now = px_clock_wall(px_clock_real()) + in, .keep = 1000000};
	struct purge_got got = {.done = false};
	px_store_purge(k->st, &req, purge_done, &got);
	kit_wait(k, &got.done);
	assert_int_equal(got.report.next, 0);
	return got.report;
}

static void test_quarantine_is_listed_and_purged(void **state)
{
	struct kit *k = *state;
	kit_open(k);
	assert_int_equal(kit_accept(k, "M1", 500, "L1").rc, PX_OK);
	assert_int_equal(kit_accept(k, "M2", 500, "L2").rc, PX_OK);
	assert_int_equal(kit_accept(k, "M3", 500, "L3").rc, PX_OK);
	kit_close(k);
	kit_flip(k, PX_T_BODIES, px_tkey_of(1), 100);
	kit_flip(k, PX_T_MESSAGES, px_tkey_of(2), 30);
	kit_open(k);
	assert_int_equal(kit_lease(k, 16).n, 1); /* nothing else is held up */
	struct quarantined_got got = quarantined(k, 0, 1);
	assert_int_equal(got.n, 1);
	assert_string_equal(got.first.table, "messages");
	assert_int_equal(got.first.record, 1);
	assert_int_equal(got.first.delivery, 1);
	assert_string_equal(got.reason, "a message's body is missing or damaged");
	got = quarantined(k, got.next, 10);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.first.record, 2);
	assert_int_equal(got.next, 0);
	assert_int_equal(purge(k, 2000000).messages, 0); /* deliveries are not final */
	for (uint64_t id = 1; id <= 2; id++)
		assert_int_equal(kit_settle(k, &(struct px_settle){.delivery = id, .state = PX_D_CANCELLED}),
				 PX_OK);
	assert_int_equal(purge(k, 0).messages, 0); /* and it is not time */
	assert_int_equal(purge(k, 2000000).messages, 2);
	assert_int_equal(quarantined(k, 0, 10).n, 0);
	assert_int_equal(kit_stats(k).s.quarantined, 0);
	assert_int_equal(kit_stats(k).s.messages, 1);
	kit_close(k); /* what the damaged record did not say any more is left to repair */
	struct px_store_lmdb_setup setup = kit_setup_of(k);
	struct px_buf said = PX_BUF_INIT;
	assert_int_equal(px_store_lmdb_repair(&setup, &said), PX_OK);
	px_buf_free(&said);
}

enum { OLD = 600, AT_ONCE = 64 };

static void wait_all(struct kit *k, const struct kit_write *writes, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		kit_wait(k, &writes[i].done);
		assert_int_equal(writes[i].rc, PX_OK);
	}
}

/* A store that is written at full rate must not grow without end: while so many that are old go, no more than
 * as many new ones come (each as often as the writer has room for it), and some that come before it knows. */
static void test_purge_keeps_up(void **state)
{
	struct kit *k = *state;
	static struct kit_accept old[OLD], fresh[8 * OLD];
	static struct kit_write settled[OLD];
	struct purge_got got = {.done = false};
	unsigned sent = 0;
	char id[16];
	k->batch = AT_ONCE;
	kit_open(k);
	for (unsigned i = 0; i < OLD; i++) {
		(void)snprintf(id, sizeof(id), "OLD%u", i);
		kit_submit(k, id, 500, NULL, &old[i]);
	}
	for (unsigned i = 0; i < OLD; i++) {
		kit_wait(k, &old[i].done);
		struct px_settle s = {.delivery = old[i].delivery, .state = PX_D_CANCELLED};
		px_store_settle(k->st, &s, kit_write_done, &settled[i]);
	}
	wait_all(k, settled, OLD);
	struct px_purge req = {.now = px_clock_wall(px_clock_real()) + 2000000, .keep = 1000000};
	px_store_purge(k->st, &req, purge_done, &got);
	while (!got.done && sent < PX_ARRAY_LEN(fresh)) {
		if (sent >= AT_ONCE && !fresh[sent - AT_ONCE].done) {
			kit_step(k, 100);
			continue;
		}
		(void)snprintf(id, sizeof(id), "NEW%u", sent);
		kit_submit(k, id, 500, NULL, &fresh[sent++]);
	}
	kit_wait(k, &got.done);
	assert_int_equal(got.report.messages, OLD);
	assert_in_range(sent, 0, 2 * OLD);
	kit_wait(k, &fresh[sent - 1].done);
	kit_sound(k);
}

/* --- given up ---------------------------------------------------------------------------------------- */

static void test_verify_given_up(void **state)
{
	struct kit *k = *state;
	static struct kit_accept got[2000];
	struct kit_verify first, second;
	kit_open(k);
	for (unsigned i = 0; i < PX_ARRAY_LEN(got); i++) {
		char id[16];
		(void)snprintf(id, sizeof(id), "M%u", i);
		kit_submit(k, id, 20000, NULL, &got[i]);
		while (i >= 500 && !got[i - 500].done)
			kit_step(k, 100);
	}
	kit_wait(k, &got[PX_ARRAY_LEN(got) - 1].done);
	kit_submit_verify(k, &first);
	kit_submit_verify(k, &second);
	px_store_give_up(k->st, &k);      /* nobody's */
	px_store_give_up(k->st, &second); /* what kit_submit_verify gave as its argument */
	kit_wait(k, &second.done);
	assert_int_equal(second.rc, PX_ECANCELLED);
	assert_false(first.done);
	kit_close(k); /* does not wait for the walk */
	assert_true(first.done);
	assert_int_equal(first.rc, PX_ECANCELLED);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_upgrade_from_1),   TEST(test_backup_under_load),
	    TEST(test_backup_keeps),     TEST(test_backup_one_at_a_time_and_given_up),
	    TEST(test_restore_replaces), TEST(test_restore_refuses),
	    TEST(test_restore_verifies), TEST(test_quarantine_is_listed_and_purged),
	    TEST(test_purge_keeps_up),   TEST(test_verify_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
