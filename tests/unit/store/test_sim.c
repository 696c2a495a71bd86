/* prinex: tests of what only the simulated store does: faults, delays, crashes
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/sim.h"

#include "suite_kit.h"

#include "base/strings.h"

#define MANY 400

static struct suite *begin(uint64_t seed, const struct px_store_sim_faults *faults)
{
	struct suite *t = px_xcalloc(1, sizeof(*t));
	t->clock = px_clock_sim_new(SUITE_START);
	t->st = px_store_sim_new(seed, faults, t->clock);
	return t;
}

static void end(struct suite *t)
{
	px_store_close(&t->st);
	assert_int_equal(t->callbacks, t->submitted);
	px_clock_sim_free(&t->clock);
	suite_release(t, 0);
	free(t->kept);
	free(t);
}

/** Accept MANY messages. @return their answers. */
static struct got_accept *accept_many(struct suite *t)
{
	struct got_accept *got = suite_room(t, MANY, sizeof(*got));
	for (int i = 0; i < MANY; i++) {
		suite_submit_accept(t, &(struct note){.id = suite_textf(t, "M%d", i), .to = "UA"}, &got[i]);
		suite_wait(t, &got[i].done);
	}
	return got;
}

static unsigned count(const struct got_accept *got, int rc)
{
	unsigned n = 0;
	for (int i = 0; i < MANY; i++)
		n += got[i].rc == rc;
	return n;
}

static bool is_there(struct suite *t, int i)
{
	return suite_find(t, "BY", suite_textf(t, "M%d", i)).rc == PX_OK;
}

static void full_writes_nothing(void **state)
{
	(void)state;
	struct suite *t = begin(1, &(struct px_store_sim_faults){.full_per_mille = 300});
	const struct got_accept *got = accept_many(t);
	unsigned ok = count(got, PX_OK), full = count(got, PX_EFULL);
	assert_int_equal(ok + full, MANY);
	assert_in_range(full, MANY / 5, MANY * 2 / 5);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(is_there(t, i), got[i].rc == PX_OK);
	assert_int_equal(suite_entries(t), 1 + ok);
	end(t);
}

static void full_hits_settles_too(void **state)
{
	(void)state;
	struct suite *t = begin(1, &(struct px_store_sim_faults){.full_per_mille = 500});
	unsigned full = 0, ok = 0;
	const struct got_accept *got = accept_many(t);
	for (int i = 0; i < MANY; i++) {
		if (got[i].rc != PX_OK)
			continue;
		int rc = SETTLE(t, .delivery = got[i].ids[0], .state = PX_D_DELIVERED);
		assert_true(rc == PX_OK || rc == PX_EFULL);
		full += rc == PX_EFULL;
		ok += rc == PX_OK;
		assert_int_equal(suite_state(t, suite_textf(t, "M%d", i), "UA"),
				 rc == PX_OK ? PX_D_DELIVERED : PX_D_QUEUED);
	}
	assert_true(full > 0 && ok > 0);
	end(t);
}

static void unknown_happened_or_not(void **state)
{
	(void)state;
	struct suite *t = begin(7, &(struct px_store_sim_faults){.unknown_per_mille = 500});
	const struct got_accept *got = accept_many(t);
	unsigned unknown = count(got, PX_EUNKNOWN), happened = 0;
	assert_int_equal(count(got, PX_OK) + unknown, MANY);
	assert_in_range(unknown, MANY * 2 / 5, MANY * 3 / 5);
	for (int i = 0; i < MANY; i++) {
		uint8_t digest[PX_DIGEST_LEN];
		suite_digest(&(struct note){.id = suite_textf(t, "M%d", i)}, digest);
		bool known = suite_known(t, "by", digest).rc == PX_EDUPLICATE;
		assert_int_equal(known, is_there(t, i));
		if (got[i].rc == PX_OK)
			assert_true(known);
		else
			happened += known;
		assert_int_equal(got[i].seq != 0,
				 got[i].rc == PX_OK); /* nothing is told when nothing is known */
	}
	assert_in_range(happened, unknown / 4, unknown * 3 / 4);
	end(t);
}

static void busy_is_for_accepts(void **state)
{
	(void)state;
	struct suite *t = begin(3, &(struct px_store_sim_faults){.busy_per_mille = 400});
	const struct got_accept *got = accept_many(t);
	unsigned busy = count(got, PX_EBUSY);
	assert_int_equal(count(got, PX_OK) + busy, MANY);
	assert_in_range(busy, MANY * 3 / 10, MANY / 2);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(is_there(t, i), got[i].rc == PX_OK);
		if (got[i].rc == PX_OK)
			assert_int_equal(SETTLE(t, .delivery = got[i].ids[0], .state = PX_D_DELIVERED),
					 PX_OK);
		assert_int_equal(suite_journal(t, &(struct px_journal_entry){.kind = PX_J_ADMIN}), PX_OK);
	}
	end(t);
}

/** The results of MANY accepts under all faults, as text. */
static void results(uint64_t seed, char out[MANY + 1])
{
	struct px_store_sim_faults faults = {
	    .busy_per_mille = 100, .full_per_mille = 100, .unknown_per_mille = 100, .delay_max = 4};
	struct suite *t = begin(seed, &faults);
	const struct got_accept *got = accept_many(t);
	for (int i = 0; i < MANY; i++)
		out[i] = px_err_name(got[i].rc)[0];
	out[MANY] = '\0';
	end(t);
}

static void a_seed_repeats_itself(void **state)
{
	(void)state;
	char first[MANY + 1], again[MANY + 1], other[MANY + 1];
	results(11, first);
	results(11, again);
	results(12, other);
	assert_string_equal(first, again);
	assert_string_not_equal(first, other);
}

static void without_faults_one_dispatch(void **state)
{
	(void)state;
	struct suite *t = begin(1, NULL);
	struct got_accept *got = suite_room(t, 2, sizeof(*got));
	suite_submit_accept(t, &(struct note){.id = "M1"}, &got[0]);
	suite_submit_accept(t, &(struct note){.id = "M2"}, &got[1]);
	assert_false(got[0].done);
	px_store_dispatch(t->st);
	assert_true(got[0].done && got[1].done);
	end(t);
}

/** Later operations never overtake; each takes at most its delay. */
static void delays_keep_the_order(void **state)
{
	(void)state;
	enum { DELAY = 5 };
	struct suite *t = begin(1, &(struct px_store_sim_faults){.delay_max = DELAY});
	struct got_accept *got = suite_room(t, MANY, sizeof(*got));
	unsigned delayed = 0;
	for (int i = 0; i < MANY; i++)
		suite_submit_accept(t, &(struct note){.id = suite_textf(t, "M%d", i)}, &got[i]);
	for (int step = 1; step <= DELAY + 1; step++) {
		px_store_dispatch(t->st);
		for (int i = 1; i < MANY; i++)
			assert_true(got[i - 1].done || !got[i].done);
		delayed += !got[MANY - 1].done;
	}
	assert_true(got[MANY - 1].done);
	assert_true(delayed > 0);
	end(t);
}

static void crash_forgets_what_waits(void **state)
{
	(void)state;
	struct suite *t = begin(1, NULL);
	ACCEPT(t, .id = "M1", .to = "UA");
	struct px_lease lease = suite_lease_one(t, "ua");
	struct got_accept *accepted = suite_room(t, 1, sizeof(*accepted));
	struct got_write *settled = suite_room(t, 1, sizeof(*settled));
	suite_submit_accept(t, &(struct note){.id = "M2", .to = "UA"}, accepted);
	suite_submit_settle(
	    t,
	    &(struct px_settle){.delivery = lease.delivery.id, .token = lease.token, .state = PX_D_DELIVERED},
	    settled);
	uint64_t epoch = lease.token.epoch;
	px_store_sim_crash(t->st);
	assert_true(accepted->done && settled->done);
	assert_int_equal(accepted->rc, PX_ECANCELLED);
	assert_int_equal(settled->rc, PX_ECANCELLED);
	assert_int_equal(suite_find(t, "BY", "M2").rc, PX_ENOTFOUND);
	assert_int_equal(suite_state(t, "M1", "UA"), PX_D_QUEUED);
	assert_true(suite_stats(t).s.epoch > epoch);
	assert_int_equal(suite_end(t, &lease, PX_D_DELIVERED), PX_ESTALE);
	(void)suite_expect_lease(t, "ua", "M1");
	suite_sound(t);
	end(t);
}

/** A callback that, cancelled, tries once more. */
static void try_again(void *arg, int rc)
{
	struct suite *t = arg;
	t->callbacks++;
	if (rc != PX_ECANCELLED)
		return;
	t->submitted++;
	px_store_journal(t->st, &(struct px_journal_entry){.kind = PX_J_ADMIN, .actor = "again"}, try_again,
			 t);
}

static void crash_is_followed_by_a_start(void **state)
{
	(void)state;
	struct suite *t = begin(1, NULL);
	t->submitted++;
	px_store_journal(t->st, &(struct px_journal_entry){.kind = PX_J_ADMIN}, try_again, t);
	px_store_sim_crash(t->st);
	assert_int_equal(t->callbacks, 1);
	px_store_dispatch(t->st);
	assert_int_equal(t->callbacks, 2);
	assert_string_equal(suite_last_entry(t).entry.actor, "again");
	assert_int_equal(suite_entries(t), 3); /* opened, opened, again */
	end(t);
}

static void nothing_to_watch(void **state)
{
	(void)state;
	struct suite *t = begin(1, NULL);
	assert_int_equal(px_store_fd(t->st), -1);
	px_store_dispatch(t->st);
	end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(full_writes_nothing),          cmocka_unit_test(full_hits_settles_too),
	    cmocka_unit_test(unknown_happened_or_not),      cmocka_unit_test(busy_is_for_accepts),
	    cmocka_unit_test(a_seed_repeats_itself),        cmocka_unit_test(without_faults_one_dispatch),
	    cmocka_unit_test(delays_keep_the_order),        cmocka_unit_test(crash_forgets_what_waits),
	    cmocka_unit_test(crash_is_followed_by_a_start), cmocka_unit_test(nothing_to_watch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
