/* prinex: tests of the LMDB store: opening, group commit, no room, many messages
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "lmdb_kit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strings.h"

/* --- opening ----------------------------------------------------------------------------------------- */

static void test_second_open(void **state)
{
	struct kit *k = *state;
	struct kit other = *k;
	struct px_buf why = PX_BUF_INIT;
	kit_open(k);
	other.st = NULL;
	assert_int_equal(kit_try_open(&other, &why), PX_ESYS);
	assert_non_null(strstr(px_buf_str(&why), "another process has this store open"));
	kit_close(k);
	kit_open(k); /* and it lets go of it */
	px_buf_free(&why);
}

static void test_unknown_format(void **state)
{
	struct kit *k = *state;
	struct px_buf why = PX_BUF_INIT;
	struct px_db db;
	kit_open(k);
	kit_close(k);
	struct px_tx tx = kit_tamper(k, &db);
	struct px_tkey key = px_tkey_name("format");
	px_tx_put(&tx, PX_T_META, &key, "prinex store 77", 15);
	kit_tampered(&tx, &db);
	assert_int_equal(kit_try_open(k, &why), PX_EVERSION);
	assert_non_null(strstr(px_buf_str(&why), "has format 77"));
	assert_non_null(strstr(px_buf_str(&why), "later prinex"));
	tx = kit_tamper(k, &db);
	px_tx_put(&tx, PX_T_META, &key, "somebody's 2", 12);
	kit_tampered(&tx, &db);
	assert_int_equal(kit_try_open(k, &why), PX_EVERSION);
	assert_non_null(strstr(px_buf_str(&why), "no store of prinex"));
	assert_null(k->st);
	px_buf_free(&why);
}

static void test_damaged_state(void **state)
{
	struct kit *k = *state;
	struct px_buf why = PX_BUF_INIT;
	kit_open(k);
	kit_close(k);
	kit_flip(k, PX_T_META, px_tkey_name("state"), 20);
	assert_int_equal(kit_try_open(k, &why), PX_ECORRUPT);
	assert_true(why.len > 0);
	px_buf_free(&why);
}

static void test_not_a_store(void **state)
{
	struct kit *k = *state;
	struct px_buf why = PX_BUF_INIT;
	char file[96], junk[8192];
	memset(junk, 'J', sizeof(junk));
	(void)snprintf(file, sizeof(file), "%s/data.mdb", k->folder);
	int fd = open(file, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, junk, sizeof(junk)), sizeof(junk));
	close(fd);
	assert_int_equal(kit_try_open(k, &why), PX_ECORRUPT);
	assert_non_null(strstr(px_buf_str(&why), k->folder));
	px_buf_free(&why);
}

/* A token of before a restart is stale, even if the same delivery has a lease with the same counter again. */
static void test_token_of_before(void **state)
{
	struct kit *k = *state;
	kit_open(k);
	assert_int_equal(kit_accept(k, "M1", 100, NULL).rc, PX_OK);
	struct kit_leases before = kit_lease(k, 1);
	assert_int_equal(before.n, 1);
	uint64_t epoch = kit_stats(k).s.epoch;
	kit_close(k);
	kit_open(k);
	assert_int_equal(kit_stats(k).s.epoch, epoch + 1);
	struct kit_leases after = kit_lease(k, 1);
	assert_int_equal(after.n, 1);
	assert_int_equal(after.items[0].token.counter, before.items[0].token.counter);
	struct px_settle settle = {
	    .delivery = before.items[0].delivery.id, .token = before.items[0].token, .state = PX_D_DELIVERED};
	assert_int_equal(kit_settle(k, &settle), PX_ESTALE);
	settle.token = after.items[0].token;
	assert_int_equal(kit_settle(k, &settle), PX_OK);
	kit_sound(k);
}

/* --- group commit ------------------------------------------------------------------------------------ */

static void test_group_commit(void **state)
{
	struct kit *k = *state;
	static struct kit_accept got[700];
	kit_open(k);
	for (unsigned i = 0; i < PX_ARRAY_LEN(got); i++) {
		char id[16];
		(void)snprintf(id, sizeof(id), "M%u", i);
		kit_submit(k, id, 500, NULL, &got[i]);
	}
	for (unsigned i = 0; i < PX_ARRAY_LEN(got); i++) {
		kit_wait(k, &got[i].done);
		assert_int_equal(got[i].rc, PX_OK);
		assert_int_equal(got[i].seq, i + 1); /* in the order submitted */
	}
	struct kit_stats stats = kit_stats(k);
	print_message("# %llu operations in %llu commits\n", (unsigned long long)stats.s.operations,
		      (unsigned long long)stats.s.commits);
	assert_int_equal(stats.s.operations, PX_ARRAY_LEN(got));
	assert_true(stats.s.commits <= PX_ARRAY_LEN(got) / 8);
}

/* --- what is new ------------------------------------------------------------------------------------- */

/* Until the store says of a digest that it is new. */
static void wait_for_filter(struct kit *k, const struct px_body *never)
{
	int64_t until = px_clock_mono(px_clock_real()) + 60000;
	while (px_store_may_know(k->st, never->digest)) {
		assert_true(px_clock_mono(px_clock_real()) < until);
		kit_step(k, 5);
	}
}

/* Nothing that was accepted is ever called new: not before the filter is made, not while, not after. */
static void test_new_digests(void **state)
{
	enum { N = 300 };
	struct kit *k = *state;
	struct px_body *never = kit_body("never", 100), *bodies[N];
	struct kit_accept got[N];
	char id[16];
	kit_open(k);
	for (unsigned i = 0; i < N; i++) {
		(void)snprintf(id, sizeof(id), "M%u", i);
		bodies[i] = kit_body(id, 100);
		if (i == N / 3)
			wait_for_filter(k, never);
		if (i == N / 3 * 2) {
			kit_close(k); /* with what was submitted */
			kit_open(k);
		}
		kit_submit_body(k, id, bodies[i], NULL, &got[i]);
		if (i % 10 == 0)
			kit_wait(k, &got[i].done);
		for (unsigned j = 0; j < i; j++)
			assert_true(!got[j].done || px_store_may_know(k->st, bodies[j]->digest));
	}
	kit_wait(k, &got[N - 1].done);
	wait_for_filter(k, never);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(got[i].rc, PX_OK);
		assert_true(px_store_may_know(k->st, bodies[i]->digest));
		px_body_unref(&bodies[i]);
	}
	px_body_unref(&never);
}

/* A question goes past a long job. */
static void test_verify_yields(void **state)
{
	struct kit *k = *state;
	static struct kit_accept got[3000];
	struct kit_verify verify;
	kit_open(k);
	for (unsigned i = 0; i < PX_ARRAY_LEN(got); i++) {
		char id[16];
		(void)snprintf(id, sizeof(id), "M%u", i);
		kit_submit(k, id, 20000, NULL, &got[i]);
		while (i >= 500 && !got[i - 500].done)
			kit_step(k, 100);
	}
	kit_wait(k, &got[PX_ARRAY_LEN(got) - 1].done);
	kit_submit_verify(k, &verify);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(kit_find(k, "M17").rc, PX_OK);
		assert_false(verify.done);
	}
	kit_wait(k, &verify.done);
	assert_int_equal(verify.rc, PX_OK);
	assert_true(verify.report.records > 4 * PX_ARRAY_LEN(got));
}

/* --- no room ----------------------------------------------------------------------------------------- */

/* The map fills up: accepts stop while settles go on; nothing acknowledged is lost; a larger map goes on. */
static void test_full_map(void **state)
{
	struct kit *k = *state;
	unsigned n = 0;
	char id[16];
	k->map_size = 8 * 1024 * 1024;
	kit_open(k);
	for (;; n++) {
		(void)snprintf(id, sizeof(id), "M%u", n);
		struct kit_accept got = kit_accept(k, id, 20000, NULL);
		if (got.rc == PX_EFULL)
			break;
		assert_int_equal(got.rc, PX_OK);
		assert_true(n < 1000);
	}
	assert_true(n > 100);
	for (unsigned i = 0; i < n; i += 8) {
		struct kit_leases leases = kit_lease(k, 8);
		for (unsigned j = 0; j < leases.n; j++) {
			struct px_settle settle = {.delivery = leases.items[j].delivery.id,
						   .token = leases.items[j].token,
						   .state = PX_D_DELIVERED,
						   .owed = (const uint8_t *)"<CoD/>",
						   .owed_len = 6};
			assert_int_equal(kit_settle(k, &settle), PX_OK);
		}
	}
	assert_int_equal(kit_accept(k, id, 20000, NULL).rc, PX_EFULL);
	assert_int_equal(kit_accept(k, "M0", 20000, NULL).rc, PX_EDUPLICATE); /* still answered */
	kit_close(k);
	k->map_size = 64 * 1024 * 1024;
	kit_open(k);
	struct kit_stats stats = kit_stats(k);
	assert_int_equal(stats.s.messages, n);
	assert_int_equal(stats.ua.delivered, n);
	assert_int_equal(stats.s.owed, n);
	assert_int_equal(kit_accept(k, id, 20000, NULL).rc, PX_OK);
	kit_sound(k);
}

/* Accepts of another movement that keep the writer at its first commit while the rest of a batch queues up.
 */
#define BUSY 20
static void submit_busy(struct kit *k, unsigned round, struct kit_accept busy[BUSY])
{
	for (unsigned i = 0; i < BUSY; i++) {
		char id[32];
		(void)snprintf(id, sizeof(id), "B%u-%u", round, i);
		kit_submit(k, id, 100, "BUSY", &busy[i]);
	}
}

/* One operation that does not fit fails alone; what was in the same transaction happens. */
static void test_one_too_large(void **state)
{
	struct kit *k = *state;
	struct kit_accept busy[BUSY], before, large, after;
	struct px_body *body = kit_body("LARGE", 12 * 1024 * 1024);
	k->map_size = 8 * 1024 * 1024;
	kit_open(k);
	submit_busy(k, 0, busy);
	kit_submit(k, "BEFORE", 1000, "L1", &before);
	kit_submit_body(k, "LARGE", body, "L1", &large);
	kit_submit(k, "AFTER", 1000, "L1", &after);
	kit_wait(k, &after.done);
	kit_wait(k, &large.done);
	assert_int_equal(before.rc, PX_OK);
	assert_int_equal(large.rc, PX_EFULL);
	assert_int_equal(after.rc, PX_OK);
	assert_int_equal(before.movement, after.movement);
	assert_int_equal(kit_find(k, "LARGE").rc, PX_ENOTFOUND);
	assert_int_equal(kit_lease(k, 16).n, 2); /* the busy one, and the first of this movement */
	kit_sound(k);
	px_body_unref(&body);
}

/* A lease in a transaction that fails is no lease until it is done again. */
static void test_lease_beside_failure(void **state)
{
	struct kit *k = *state;
	struct px_body *body = kit_body("LARGE", 12 * 1024 * 1024);
	k->map_size = 8 * 1024 * 1024;
	kit_open(k);
	for (unsigned i = 0; i < 10; i++) {
		struct kit_accept first, busy[BUSY], large;
		struct kit_leases leases;
		char id[16];
		(void)snprintf(id, sizeof(id), "M%u", i);
		first = kit_accept(k, id, 100, NULL);
		assert_int_equal(first.rc, PX_OK);
		for (unsigned j = 0; j < PX_ARRAY_LEN(busy);
		     j++) { /* keeps the writer from taking them one by one */
			(void)snprintf(id, sizeof(id), "B%u-%u", i, j);
			kit_submit(k, id, 100, "BUSY", &busy[j]);
		}
		kit_submit_lease(k, 16, &leases);
		kit_submit_body(k, "LARGE", body, NULL, &large);
		kit_wait(k, &leases.done);
		kit_wait(k, &large.done);
		assert_int_equal(large.rc, PX_EFULL);
		assert_int_equal(leases.n, i == 0 ? 2 : 1); /* and once the first of the busy movement */
		for (unsigned j = 0; j < leases.n; j++) {
			struct px_settle settle = {.delivery = leases.items[j].delivery.id,
						   .token = leases.items[j].token,
						   .state = PX_D_DELIVERED};
			if (settle.delivery == first.delivery)
				assert_int_equal(kit_settle(k, &settle), PX_OK);
		}
	}
	kit_sound(k);
	px_body_unref(&body);
}

static void test_watermark(void **state)
{
	struct kit *k = *state;
	kit_open(k);
	struct kit_accept first = kit_accept(k, "M1", 100, NULL);
	assert_int_equal(first.rc, PX_OK);
	kit_close(k);
	k->watermark = UINT64_MAX;
	kit_open(k);
	assert_int_equal(kit_accept(k, "M2", 100, NULL).rc, PX_EFULL);
	assert_int_equal(kit_find(k, "M2").rc, PX_ENOTFOUND);
	assert_int_equal(
	    kit_settle(k, &(struct px_settle){.delivery = first.delivery, .state = PX_D_CANCELLED}), PX_OK);
	kit_close(k);
	k->watermark = 0;
	kit_open(k);
	assert_int_equal(kit_accept(k, "M2", 100, NULL).rc, PX_OK);
}

/* The device fails in the middle of a commit: nobody is told that it was done, nothing more is done, and a
 * restart shows exactly what was acknowledged. A limit on the file's size makes the write fall short, as LMDB
 * sees it. */
static void test_failed_commit(void **state)
{
	struct kit *k = *state;
	struct rlimit before, small;
	unsigned n = 0;
	char id[16];
	struct kit_accept got;
	k->map_size = 256 * 1024 * 1024;
	kit_open(k);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	small = before;
	small.rlim_cur = 2000000; /* not at a page */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (;; n++) {
		(void)snprintf(id, sizeof(id), "M%u", n);
		got = kit_accept(k, id, 20000, NULL);
		if (got.rc != PX_OK || n > 1000)
			break;
	}
	struct kit_accept after = kit_accept(k, "LATER", 100, NULL);
	struct kit_message read = kit_find(k, "M0");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(n > 10);
	assert_int_equal(got.rc, PX_EFATAL);
	assert_int_equal(after.rc, PX_EFATAL); /* although it would fit now */
	assert_int_equal(read.rc, PX_EFATAL);
	kit_close(k);
	kit_open(k);
	assert_int_equal(kit_stats(k).s.messages, n);
	assert_int_equal(kit_find(k, id).rc, PX_ENOTFOUND);
	assert_int_equal(kit_accept(k, id, 20000, NULL).rc, PX_OK);
	kit_sound(k);
}

/* The device fails while a store is made, at each length of what was written of it; and a start before died
 * at that. Nothing is left that the next start would not open. */
static void test_failed_making(void **state)
{
	static const rlim_t lengths[] = {1, 4096, 6000, 8191};
	struct kit *k = *state;
	struct rlimit before, small;
	struct px_buf why = PX_BUF_INIT, path = PX_BUF_INIT;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	for (size_t i = 0; i < PX_ARRAY_LEN(lengths); i++) {
		kit_remove_files(k);
		small = before;
		small.rlim_cur = lengths[i];
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		int rc = kit_try_open(k, &why);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		assert_true(rc == PX_ESYS || rc == PX_EFULL);
		px_buf_setf(&path, "%s/new", k->folder);
		assert_int_equal(mkdir(px_buf_str(&path), 0700), 0);
		px_buf_adds(&path, "/data.mdb");
		int fd = open(px_buf_str(&path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		assert_int_equal(ftruncate(fd, (off_t)lengths[i]), 0);
		close(fd);
		kit_open(k);
		assert_int_equal(access(px_buf_str(&path), F_OK), -1);
		assert_int_equal(kit_accept(k, "M1", 100, NULL).rc, PX_OK);
		kit_close(k);
	}
	px_buf_free(&why);
	px_buf_free(&path);
}

/* --- many -------------------------------------------------------------------------------------------- */

#ifdef PX_SANITIZE
#define MANY 10000u
#else
#define MANY 100000u
#endif

static unsigned answered, refused;

static void count_done(void *arg, const struct px_accept_result *result)
{
	(void)arg;
	answered++;
	refused += result->rc != PX_OK ? 1 : 0;
}

/* A backlog costs disk, not time: opening does not depend on how much waits. */
static void test_restart_with_many(void **state)
{
	struct kit *k = *state;
	struct px_new_delivery delivery = {.recipient = "UA", .partner = "ua", .deadline = INT64_MAX};
	struct px_accept req = {.partner = "by",
				.prio = PX_PRIO_B,
				.movement_life = 86400000,
				.n_deliveries = 1,
				.deliveries = &delivery};
	struct px_clock *clock = px_clock_real();
	k->batch = 256;
	k->map_size = UINT64_C(4) << 30;
	kit_open(k);
	px_strlcpy(req.header.sender, "BY", sizeof(req.header.sender));
	answered = refused = 0;
	int64_t start = px_clock_mono(clock);
	for (unsigned i = 0; i < MANY; i++) {
		(void)snprintf(req.header.message_id, sizeof(req.header.message_id), "M%u", i);
		req.body = kit_body(req.header.message_id, 200);
		px_store_accept(k->st, &req, count_done, NULL);
		px_body_unref(&req.body);
		while (i + 1 - answered >= 512)
			kit_step(k, 1000);
	}
	while (answered < MANY)
		kit_step(k, 1000);
	assert_int_equal(refused, 0);
	int64_t filled = px_clock_mono(clock);
	kit_close(k);
	int64_t closed = px_clock_mono(clock);
	kit_open(k);
	struct kit_leases leases = kit_lease(k, 16);
	int64_t opened = px_clock_mono(clock);
	print_message("# %u messages: accepted in %lld ms; opened again, stats and first lease in %lld ms\n",
		      MANY, (long long)(filled - start), (long long)(opened - closed));
	assert_int_equal(leases.n, 16);
	assert_string_equal(leases.items[0].header.message_id, "M0");
	struct kit_stats stats = kit_stats(k);
	assert_int_equal(stats.s.messages, MANY);
	assert_int_equal(stats.ua.queued, MANY);
	assert_true(opened - closed < 1000);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_second_open),          TEST(test_unknown_format),  TEST(test_damaged_state),
	    TEST(test_not_a_store),          TEST(test_token_of_before), TEST(test_group_commit),
	    TEST(test_verify_yields),        TEST(test_full_map),        TEST(test_one_too_large),
	    TEST(test_lease_beside_failure), TEST(test_watermark),       TEST(test_failed_commit),
	    TEST(test_restart_with_many),    TEST(test_new_digests),     TEST(test_failed_making),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
