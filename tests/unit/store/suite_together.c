/* prinex: store suite: several settlements in one transaction
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"

#include "base/strings.h"

static const uint8_t coe[] = "<CoE/>";

/* A message that the hub gets for UA and PL with one post, and one behind it. */
static struct got_accept one_post(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA@hub PL@hub", .mrn = "X");
	ACCEPT(t, .id = "M2", .to = "UA@hub", .mrn = "X");
	return a;
}

static struct px_settle ending(uint64_t delivery, enum px_delivery_state state)
{
	return (struct px_settle){.delivery = delivery,
				  .state = state,
				  .error = "mistake",
				  .actor = "anna",
				  .owed = coe,
				  .owed_len = sizeof(coe) - 1};
}

static int cancel(struct suite *t, unsigned n, const uint64_t *ids)
{
	struct px_settle settles[PX_RECIPIENTS_MAX];
	for (unsigned i = 0; i < n; i++)
		settles[i] = ending(ids[i], PX_D_CANCELLED);
	return suite_settle_all(t, n, settles);
}

static void expect_untouched(struct suite *t, uint64_t entries)
{
	assert_int_equal(suite_state(t, "M1", "UA"), PX_D_QUEUED);
	assert_int_equal(suite_stats(t).s.owed, 0);
	assert_int_equal(suite_entries(t), entries);
}

static void all_of_a_post(struct suite *t)
{
	struct got_accept a = one_post(t);
	uint64_t entries = suite_entries(t);
	assert_int_equal(cancel(t, a.n, a.ids), PX_OK);
	suite_crash(t);
	assert_int_equal(suite_state(t, "M1", "UA"), PX_D_CANCELLED);
	assert_int_equal(suite_state(t, "M1", "PL"), PX_D_CANCELLED);
	assert_string_equal(suite_delivery(t, "M1", "PL").error, "mistake");
	assert_int_equal(suite_stats(t).s.owed, 2);
	assert_int_equal(suite_entries(t), entries + 2 + 1); /* the last: opened */
	(void)suite_expect_lease(t, "hub", "M2");            /* what stood behind it */
}

static void none_when_one_is_leased(struct suite *t)
{
	struct got_accept a = one_post(t);
	struct px_lease lease = suite_lease_one(t, "hub");
	uint64_t entries = suite_entries(t);
	assert_int_equal(cancel(t, a.n, a.ids), PX_ESTALE);
	expect_untouched(t, entries);
	suite_give_back(t, &lease);
	assert_int_equal(cancel(t, a.n, a.ids), PX_OK);
}

static void none_when_one_has_ended(struct suite *t)
{
	struct got_accept a = one_post(t);
	assert_int_equal(SETTLE(t, .delivery = a.ids[1], .state = PX_D_EXPIRED), PX_OK);
	uint64_t entries = suite_entries(t);
	assert_int_equal(cancel(t, a.n, a.ids), PX_EPRECONDITION);
	expect_untouched(t, entries);
	assert_int_equal(cancel(t, 1, a.ids), PX_OK);
}

static void none_when_one_does_not_exist(struct suite *t)
{
	struct got_accept a = one_post(t);
	uint64_t ids[] = {a.ids[0], 77}, entries = suite_entries(t);
	assert_int_equal(cancel(t, 2, ids), PX_ENOTFOUND);
	expect_untouched(t, entries);
}

/* A partner refused the message as a whole, while another post of it is under way: that lease is stale. */
static void whoever_has_it(struct suite *t)
{
	struct got_accept a = one_post(t);
	struct got_leases got = suite_expect_lease(t, "hub", "M1 M1");
	struct px_settle settles[] = {ending(a.ids[0], PX_D_REFUSED), ending(a.ids[1], PX_D_REFUSED)};
	settles[0].token = got.items[0].token;
	assert_int_equal(suite_settle_all(t, 2, settles), PX_ESTALE);
	settles[1].whoever = true;
	assert_int_equal(suite_settle_all(t, 2, settles), PX_OK);
	assert_int_equal(suite_state(t, "M1", "PL"), PX_D_REFUSED);
	assert_int_equal(suite_end(t, &got.items[1], PX_D_HANDED_OVER), PX_ESTALE);
	assert_int_equal(suite_state(t, "M1", "PL"), PX_D_REFUSED);
	(void)suite_expect_lease(t, "hub", "M2");
}

const struct suite_case suite_together_cases[] = {
    {"a post is cancelled for all of its recipients at once", all_of_a_post},
    {"none of it when one is on its way", none_when_one_is_leased},
    {"none of it when one has ended", none_when_one_has_ended},
    {"none of it when one does not exist", none_when_one_does_not_exist},
    {"refused as a whole, whoever has it", whoever_has_it},
    {NULL, NULL},
};
