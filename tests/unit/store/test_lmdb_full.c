/* prinex: tests of the LMDB store: a disk that fills up and is freed, a disk that fails
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "lmdb_kit.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/strings.h"
#include "store/keys.h"
#include "store/lmdb_store.h"

/* What the file system says is free; UINT64_MAX: the truth. In place of the C library's own. */
static uint64_t free_octets = UINT64_MAX;

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): those are the library's own */
int statvfs(const char *restrict path, struct statvfs *restrict buf)
{
	int (*real)(const char *, struct statvfs *);
	void *symbol = dlsym(RTLD_NEXT, "statvfs");
	memcpy(&real, &symbol, sizeof(real));
	int rc = real(path, buf);
	if (rc == 0 && free_octets != UINT64_MAX) {
		buf->f_frsize = 4096;
		buf->f_bavail = free_octets / 4096;
	}
	return rc;
}

/* What becomes of writes: nothing can be written any more, or only what LMDB writes cannot. */
static _Atomic enum { FINE, FULL, DATA_FULL, DATA_BAD } disk;

static bool is_data(int fd)
{
	char link[32], path[128] = "";
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return readlink(link, path, sizeof(path) - 1) > 0 && strstr(path, "/data.mdb") != NULL;
}

/* @return whether a write to @fd is to fail, with errno. */
static bool fails(int fd)
{
	errno = disk == DATA_BAD ? EIO : ENOSPC;
	return disk == FULL ? fd > STDERR_FILENO : disk != FINE && is_data(fd);
}

/* In place of the C library's own, as the next. */
ssize_t pwrite(int fd, const void *buf, size_t count, off_t offset)
{
	ssize_t (*real)(int, const void *, size_t, off_t);
	void *symbol = dlsym(RTLD_NEXT, "pwrite");
	memcpy(&real, &symbol, sizeof(real));
	return fails(fd) ? -1 : real(fd, buf, count, offset);
}

ssize_t writev(int fd, const struct iovec *iov, int iovcnt)
{
	ssize_t (*real)(int, const struct iovec *, int);
	void *symbol = dlsym(RTLD_NEXT, "writev");
	memcpy(&real, &symbol, sizeof(real));
	return fails(fd) ? -1 : real(fd, iov, iovcnt);
}

/* Writes beyond @octets of the file fail in the middle, as on a disk with no room or a bad sector. */
static void limit_file(uint64_t octets)
{
	struct rlimit limit;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = octets == 0 ? limit.rlim_max : octets;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int setup(void **state)
{
	free_octets = UINT64_MAX;
	return kit_setup(state);
}

static int teardown(void **state)
{
	limit_file(0);
	disk = FINE;
	free_octets = UINT64_MAX;
	return kit_teardown(state);
}

struct purge_got {
	bool done;
	int rc;
	uint64_t messages;
};

static void purge_done(void *arg, int rc, const struct px_purge_report *report)
{
	struct purge_got *got = arg;
	*got = (struct purge_got){true, rc, report->messages};
}

static struct purge_got purge(struct kit *k)
{
	struct px_purge req = {.now = px_clock_wall(px_clock_real()) + 10, .keep = 0};
	struct purge_got got = {.done = false};
	px_store_purge(k->st, &req, purge_done, &got);
	kit_wait(k, &got.done);
	return got;
}

static int journal_reading(struct kit *k, const char *partner)
{
	struct kit_write got = {.done = false};
	struct px_journal_entry entry = {.kind = PX_J_READ, .partner = partner, .actor = "o.kovalenko"};
	px_store_journal(k->st, &entry, kit_write_done, &got);
	kit_wait(k, &got.done);
	return got.rc;
}

/* Below the watermark accepts are refused while every commit still works: settling, purging, the journal, the
 * node's own exchanges; and accepts go on by themselves when there is room again. What partners read is
 * refused with the accepts: they must not fill up what is kept for the others; administrators may look. */
static void test_watermark_before_any_failure(void **state)
{
	struct kit *k = *state;
	struct kit_write journal = {.done = false};
	k->watermark = 64 << 20;
	kit_open(k);
	free_octets = UINT64_C(65) << 20;
	struct kit_accept a = kit_accept(k, "M1", 1000, NULL), b = kit_accept(k, "M2", 1000, NULL);
	assert_int_equal(a.rc, PX_OK);
	assert_int_equal(journal_reading(k, "officer"), PX_OK);
	free_octets = UINT64_C(63) << 20;
	assert_int_equal(journal_reading(k, "officer"), PX_EFULL); /* noticed without an accept */
	assert_int_equal(journal_reading(k, NULL), PX_OK);
	assert_int_equal(kit_accept(k, "M3", 1000, NULL).rc, PX_EFULL);
	assert_int_equal(kit_find(k, "M3").rc, PX_ENOTFOUND);
	assert_int_equal(kit_accept(k, "M2", 1000, NULL).rc, PX_EDUPLICATE);
	assert_int_equal(kit_settle(k, &(struct px_settle){.delivery = a.delivery, .state = PX_D_DELIVERED}),
			 PX_OK);
	px_store_journal(k->st, &(struct px_journal_entry){.kind = PX_J_ADMIN}, kit_write_done, &journal);
	kit_wait(k, &journal.done);
	assert_int_equal(journal.rc, PX_OK);
	assert_int_equal(kit_lease(k, 16).n, 1);
	struct purge_got purged = purge(k);
	assert_int_equal(purged.rc, PX_OK);
	assert_int_equal(purged.messages, 1);
	assert_int_equal(kit_find(k, "M2").seq, b.seq);
	free_octets = UINT64_C(65) << 20;
	assert_int_equal(journal_reading(k, "officer"), PX_OK);
	assert_int_equal(kit_accept(k, "M3", 1000, NULL).rc, PX_OK);
	kit_sound(k);
}

/* LMDB says EIO for a write that fell short. With the disk full that is no reason to end: nothing was
 * written, and with room the same goes through. */
static void test_full_disk_is_not_an_error_of_the_disk(void **state)
{
	struct kit *k = *state;
	unsigned n = 0;
	char id[16];
	kit_open(k);
	limit_file(2000000); /* not at a page */
	free_octets = 8192;
	struct kit_accept got;
	for (;; n++) {
		(void)snprintf(id, sizeof(id), "M%u", n);
		got = kit_accept(k, id, 20000, NULL);
		if (got.rc != PX_OK || n > 1000)
			break;
	}
	assert_true(n > 10);
	assert_int_equal(got.rc, PX_EFULL);
	int found = kit_find(k, id).rc; /* certain only if nothing waits for its commit */
	assert_true(found == PX_ENOTFOUND || found == PX_EFULL);
	assert_int_equal(kit_accept(k, id, 20000, NULL).rc, PX_EFULL);
	limit_file(0); /* first: a commit may be tried at any moment */
	free_octets = UINT64_MAX;
	assert_int_equal(kit_accept(k, id, 20000, NULL).rc, PX_OK);
	kit_sound(k);
	kit_close(k);
	kit_open(k);
	kit_sound(k);
	assert_int_equal(kit_stats(k).s.messages, n + 1);
}

/* The same failure with room on the disk is one of the device: nothing more is done in this process. */
static void test_bad_disk_ends_it(void **state)
{
	struct kit *k = *state;
	unsigned n = 0;
	char id[16];
	kit_open(k);
	limit_file(2000000);
	free_octets = UINT64_C(1) << 40;
	struct kit_accept got;
	for (;; n++) {
		(void)snprintf(id, sizeof(id), "M%u", n);
		got = kit_accept(k, id, 20000, NULL);
		if (got.rc != PX_OK || n > 1000)
			break;
	}
	assert_int_equal(got.rc, PX_EFATAL);
	limit_file(0);
	assert_int_equal(kit_accept(k, id, 20000, NULL).rc, PX_EFATAL);
	assert_int_equal(kit_find(k, "M0").rc, PX_EFATAL);
	assert_int_equal(purge(k).rc, PX_EFATAL);
	kit_close(k);
	kit_open(k);
	assert_int_equal(kit_stats(k).s.messages, n);
	kit_sound(k);
}

/* The map's reserve: when accepts are refused, what they left is enough to settle everything and to purge;
 * purged pages are used again, so that accepts go on in the same map. */
static void test_map_reserve(void **state)
{
	struct kit *k = *state;
	unsigned n = 0, again = 0;
	char id[16];
	k->map_size = 8 << 20;
	kit_open(k);
	for (;; n++) {
		(void)snprintf(id, sizeof(id), "M%u", n);
		struct kit_accept got = kit_accept(k, id, 20000, NULL);
		if (got.rc == PX_EFULL)
			break;
		assert_int_equal(got.rc, PX_OK);
	}
	assert_int_equal(kit_stats(k).ua.queued, n);
	for (struct kit_leases l = kit_lease(k, 16); l.n > 0; l = kit_lease(k, 16)) {
		for (unsigned i = 0; i < l.n; i++) {
			struct px_settle s = {.delivery = l.items[i].delivery.id,
					      .token = l.items[i].token,
					      .state = PX_D_DELIVERED};
			assert_int_equal(kit_settle(k, &s), PX_OK);
		}
	}
	struct purge_got purged = purge(k);
	assert_int_equal(purged.rc, PX_OK);
	assert_int_equal(purged.messages, n);
	for (; again < n / 2; again++) {
		(void)snprintf(id, sizeof(id), "A%u", again);
		assert_int_equal(kit_accept(k, id, 20000, NULL).rc, PX_OK);
	}
	kit_sound(k);
}

/* What is found to be damaged while the disk is full cannot be set aside then. Nobody holds it meanwhile: it
 * is found again, set aside, and can be cancelled. What was leased with it is handed out. */
static void test_damage_on_a_full_disk(void **state)
{
	struct kit *k = *state;
	kit_open(k);
	struct kit_accept bad = kit_accept(k, "M1", 1000, "L1");
	struct kit_accept behind = kit_accept(k, "M2", 1000, "L1");
	struct kit_accept other = kit_accept(k, "M3", 1000, NULL);
	kit_close(k);
	kit_flip(k, PX_T_BODIES, px_tkey_of(bad.seq), -1);
	kit_open(k);
	disk = FULL;
	struct kit_leases l = kit_lease(k, 16);
	assert_int_equal(l.rc, PX_OK);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.items[0].delivery.id, other.delivery);
	assert_false(kit_find(k, "M1").delivery.leased);
	l = kit_lease(k, 16);
	assert_int_equal(l.rc, PX_EFULL);
	assert_false(kit_find(k, "M1").delivery.leased);
	disk = FINE;
	assert_int_equal(kit_lease(k, 16).n, 0);
	assert_int_equal(kit_stats(k).s.quarantined, 1);
	struct px_settle cancel = {.delivery = bad.delivery, .state = PX_D_CANCELLED, .actor = "anna"};
	assert_int_equal(kit_settle(k, &cancel), PX_OK);
	l = kit_lease(k, 16);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.items[0].delivery.id, behind.delivery);
}

/* A commit may come at any moment; most of the time there is none for as long as this takes. */
#define TRIES 200

static bool is_ahead(const struct kit *k)
{
	return px_redo_is_ahead(px_lmdb_of(k->st)->db.redo);
}

/* Accept messages until one is durable and not committed, and can no longer be committed. @return it. */
static struct kit_accept accept_stuck(struct kit *k, char id[16])
{
	for (unsigned try = 0; try < TRIES; try++) {
		(void)snprintf(id, 16, "S%u", try);
		struct kit_accept got = kit_accept(k, id, 1000, NULL);
		assert_int_equal(got.rc, PX_OK);
		disk = FULL;
		kit_stats(k); /* a commit that was under way is through then */
		if (is_ahead(k))
			return got;
		disk = FINE;
	}
	fail_msg("commits come all the time");
	return (struct kit_accept){.rc = PX_EFATAL};
}

struct asked {
	bool done, found;
	int rc;
};

static void resolved(void *arg, int rc, unsigned n, const struct px_resolved *items)
{
	*(struct asked *)arg = (struct asked){true, n == 1 && items[0].found, rc};
}

static struct asked resolve(struct kit *k, const char *id)
{
	struct px_ref ref = {.sender = "BY"};
	struct asked got = {.done = false};
	px_strlcpy(ref.message_id, id, sizeof(ref.message_id));
	px_store_resolve(k->st, 1, &ref, resolved, &got);
	kit_wait(k, &got.done);
	return got;
}

static void known(void *arg, const struct px_accept_result *r)
{
	*(struct asked *)arg = (struct asked){true, r->rc == PX_EDUPLICATE, r->rc};
}

static struct asked ask_known(struct kit *k, const char *id)
{
	struct asked got = {.done = false};
	struct px_body *body = kit_body(id, 1000);
	px_store_known(k->st, "by", body->digest, known, &got);
	px_body_unref(&body);
	kit_wait(k, &got.done);
	return got;
}

static void backed_up(void *arg, int rc, const struct px_backup_report *report, const char *why)
{
	(void)report;
	*(struct asked *)arg = (struct asked){true, strstr(why, strerror(ENOSPC)) != NULL, rc};
}

/* What was acknowledged and cannot be committed for want of room is sent on all the same, and nobody is told
 * that it is not there: who asks is told to wait; who looks sees what was committed. */
static void test_acknowledged_and_no_room_to_commit(void **state)
{
	struct kit *k = *state;
	struct asked copy = {.done = false};
	char id[16], folder[128];
	kit_open(k);
	struct kit_accept old = kit_accept(k, "OLD", 1000, NULL);
	kit_stats(k); /* reads: it is committed */
	struct kit_accept stuck = accept_stuck(k, id);
	assert_int_equal(kit_accept(k, "M1", 1000, NULL).rc, PX_EFULL);
	assert_true(is_ahead(k));
	assert_int_equal(resolve(k, id).rc, PX_EFULL);
	assert_int_equal(ask_known(k, id).rc, PX_EFULL);
	assert_int_equal(kit_find(k, id).rc, PX_EFULL);
	assert_int_equal(kit_find(k, "OLD").rc, PX_OK);
	struct kit_leases l = kit_lease(k, 16);
	assert_int_equal(l.rc, PX_OK);
	bool sent = false, sent_old = false;
	for (unsigned i = 0; i < l.n; i++) {
		assert_int_equal(l.body_len[i], 1000);
		sent = sent || l.items[i].delivery.id == stuck.delivery;
		sent_old = sent_old || l.items[i].delivery.id == old.delivery;
	}
	assert_true(sent && sent_old);
	disk = DATA_FULL; /* the backup has room elsewhere */
	(void)snprintf(folder, sizeof(folder), "%s/copies", k->folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	px_store_backup(k->st, folder, 0, backed_up, &copy);
	kit_wait(k, &copy.done);
	assert_int_equal(copy.rc, PX_EFULL);
	assert_true(copy.found);
	disk = FINE;
	assert_true(resolve(k, id).found);
	assert_true(ask_known(k, id).found);
	assert_int_equal(kit_find(k, id).rc, PX_OK);
	assert_int_equal(kit_find(k, "M1").rc, PX_ENOTFOUND);
	assert_int_equal(kit_stats(k).s.quarantined, 0);
	kit_sound(k);
}

/* Near the end of the map what is in the log is committed before its room is counted. An error of the disk
 * there ends it as at any other place. */
static void test_bad_disk_while_looking_for_room(void **state)
{
	struct kit *k = *state;
	unsigned n = 0;
	char id[16];
	k->map_size = 8 << 20;
	kit_open(k);
	for (int rc = PX_OK; rc == PX_OK; n++) { /* the last one has no room */
		(void)snprintf(id, sizeof(id), "M%u", n);
		rc = kit_accept(k, id, 20000, NULL).rc;
		assert_true(rc == PX_OK || rc == PX_EFULL);
	}
	for (unsigned try = 0; !is_ahead(k); try++) {
		assert_true(try < TRIES);
		assert_int_equal(journal_reading(k, NULL), PX_OK);
	}
	disk = DATA_BAD;
	assert_int_equal(kit_accept(k, "LAST", 20000, NULL).rc, PX_EFATAL);
	disk = FINE;
	assert_int_equal(kit_accept(k, "LAST", 20000, NULL).rc, PX_EFATAL);
	kit_close(k);
	kit_open(k);
	assert_int_equal(kit_stats(k).s.messages, n - 1);
	kit_sound(k);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_watermark_before_any_failure),
	    TEST(test_full_disk_is_not_an_error_of_the_disk),
	    TEST(test_bad_disk_ends_it),
	    TEST(test_map_reserve),
	    TEST(test_damage_on_a_full_disk),
	    TEST(test_acknowledged_and_no_room_to_commit),
	    TEST(test_bad_disk_while_looking_for_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
