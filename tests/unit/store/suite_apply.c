/* prinex: store suite: confirmations that arrive in exchanges are applied
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"

#include "base/strings.h"

static struct px_apply confirmation(const char *id, const char *recipient, enum px_delivery_state state)
{
	struct px_apply apply = {.state = state};
	px_strlcpy(apply.ref_sender, "BY", sizeof(apply.ref_sender));
	px_strlcpy(apply.ref_message_id, id, sizeof(apply.ref_message_id));
	px_strlcpy(apply.recipient, recipient, sizeof(apply.recipient));
	if (state == PX_D_REFUSED)
		px_strlcpy(apply.code, "PX-RULE", sizeof(apply.code));
	suite_digest(&(struct note){.id = id}, apply.ref_digest);
	return apply;
}

/** Accept an exchange with one confirmation. @return what it did. */
static enum px_apply_result apply(struct suite *t, const struct px_apply *a)
{
	const char *id = suite_textf(t, "CONF-%u", t->submitted);
	struct got_accept got = ACCEPT(t, .id = id, .sender = "UA", .from = "ua", .confirmations = true,
				       .n_apply = 1, .apply = a);
	return got.applied[0];
}

static enum px_apply_result apply_state(struct suite *t, const char *id, const char *recipient,
					enum px_delivery_state state)
{
	struct px_apply a = confirmation(id, recipient, state);
	return apply(t, &a);
}

static void settles_the_delivery(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA MD");
	px_clock_sim_advance(t->clock, 5000);
	assert_int_equal(apply_state(t, "M1", "UA", PX_D_DELIVERED), PX_APPLIED);
	struct px_delivery d = suite_delivery(t, "M1", "UA");
	assert_int_equal(d.state, PX_D_DELIVERED);
	assert_int_equal(d.ended, SUITE_START + 5000);
	assert_int_equal(d.attempts, 0);
	assert_false(d.head);
	assert_int_equal(suite_state(t, "M1", "MD"), PX_D_QUEUED);
	assert_int_equal(apply_state(t, "M1", "MD", PX_D_REFUSED), PX_APPLIED);
	assert_int_equal(suite_state(t, "M1", "MD"), PX_D_REFUSED);
}

static void about_nothing_we_know(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA");
	assert_int_equal(apply_state(t, "M2", "UA", PX_D_DELIVERED), PX_APPLY_NO_MESSAGE);
	struct px_apply a = confirmation("M1", "UA", PX_D_DELIVERED);
	px_strlcpy(a.ref_sender, "UA", sizeof(a.ref_sender));
	assert_int_equal(apply(t, &a), PX_APPLY_NO_MESSAGE);
	assert_int_equal(suite_state(t, "M1", "UA"), PX_D_QUEUED);
}

static void with_another_digest_or_recipient(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA");
	struct px_apply a = confirmation("M1", "UA", PX_D_DELIVERED);
	a.ref_digest[0] ^= 1;
	assert_int_equal(apply(t, &a), PX_APPLY_NO_MATCH);
	assert_int_equal(apply_state(t, "M1", "MD", PX_D_DELIVERED), PX_APPLY_NO_MATCH);
	assert_int_equal(apply_state(t, "M1", "", PX_D_DELIVERED), PX_APPLY_NO_MATCH);
	assert_int_equal(suite_state(t, "M1", "UA"), PX_D_QUEUED);
}

static void final_ones_stay(struct suite *t)
{
	static const enum px_delivery_state final[] = {PX_D_DELIVERED, PX_D_REFUSED, PX_D_EXPIRED};
	for (size_t i = 0; i < PX_ARRAY_LEN(final); i++) {
		const char *id = suite_textf(t, "M%zu", i);
		struct got_accept a = ACCEPT(t, .id = id, .to = "UA");
		assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = final[i]), PX_OK);
		uint64_t entries = suite_entries(t);
		assert_int_equal(apply_state(t, id, "UA", PX_D_DELIVERED), PX_APPLY_ALREADY);
		assert_int_equal(apply_state(t, id, "UA", PX_D_REFUSED), PX_APPLY_ALREADY);
		assert_int_equal(suite_state(t, id, "UA"), final[i]);
		assert_int_equal(suite_entries(t), entries + 2); /* only the acceptances */
	}
}

/* By an administrator: what the recipient says later is true all the same. */
static void cancelled_is_superseded(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA MD");
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_CANCELLED, .actor = "anna"), PX_OK);
	assert_int_equal(apply_state(t, "M1", "MD", PX_D_CANCELLED), PX_APPLIED); /* by the next broker's */
	assert_int_equal(suite_partner(t, "ua").cancelled, 1);
	assert_int_equal(apply_state(t, "M1", "UA", PX_D_EXPIRED), PX_APPLY_ALREADY);
	assert_int_equal(apply_state(t, "M1", "UA", PX_D_DELIVERED), PX_APPLIED);
	assert_int_equal(apply_state(t, "M1", "MD", PX_D_REFUSED), PX_APPLIED);
	assert_int_equal(suite_state(t, "M1", "UA"), PX_D_DELIVERED);
	assert_int_equal(suite_state(t, "M1", "MD"), PX_D_REFUSED);
	assert_int_equal(suite_partner(t, "ua").cancelled, 0);
	assert_int_equal(apply_state(t, "M1", "UA", PX_D_CANCELLED), PX_APPLY_ALREADY);
}

static void unknown_is_superseded(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA MD");
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_UNKNOWN), PX_OK);
	assert_int_equal(SETTLE(t, .delivery = a.ids[1], .state = PX_D_UNKNOWN), PX_OK);
	assert_int_equal(apply_state(t, "M1", "UA", PX_D_DELIVERED), PX_APPLIED);
	assert_int_equal(apply_state(t, "M1", "MD", PX_D_REFUSED), PX_APPLIED);
	assert_int_equal(suite_state(t, "M1", "UA"), PX_D_DELIVERED);
	assert_int_equal(suite_state(t, "M1", "MD"), PX_D_REFUSED);
	assert_int_equal(apply_state(t, "M1", "UA", PX_D_REFUSED), PX_APPLY_ALREADY);
	suite_reopen(t); /* how many there ever were is kept */
	assert_int_equal(suite_partner(t, "ua").unknown, 0);
	assert_int_equal(suite_partner(t, "ua").ever_unknown, 1);
}

static void ends_what_was_handed_over(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	assert_int_equal(
	    SETTLE(t, .delivery = a.ids[0], .state = PX_D_HANDED_OVER, .due = SUITE_START + SUITE_DAY),
	    PX_OK);
	assert_int_equal(apply_state(t, "M1", "UA", PX_D_DELIVERED), PX_APPLIED);
	assert_int_equal(suite_state(t, "M1", "UA"), PX_D_DELIVERED);
	assert_int_equal(suite_overdue(t, SUITE_START + 2 * SUITE_DAY, NULL, 10).n, 0);
}

static void takes_the_lease_away(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA");
	struct px_lease lease = suite_lease_one(t, "ua");
	assert_int_equal(apply_state(t, "M1", "UA", PX_D_DELIVERED), PX_APPLIED);
	struct px_delivery d = suite_delivery(t, "M1", "UA");
	assert_int_equal(d.state, PX_D_DELIVERED);
	assert_false(d.leased);
	assert_int_equal(suite_end(t, &lease, PX_D_REFUSED), PX_ESTALE);
	assert_int_equal(suite_state(t, "M1", "UA"), PX_D_DELIVERED);
}

static void releases_the_next(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA", .mrn = "X");
	ACCEPT(t, .id = "M2", .to = "UA", .mrn = "X");
	assert_false(suite_delivery(t, "M2", "UA").head);
	assert_int_equal(apply_state(t, "M1", "UA", PX_D_REFUSED), PX_APPLIED);
	assert_true(suite_delivery(t, "M2", "UA").head);
	(void)suite_expect_lease(t, "ua", "M2");
}

/** What names a partner settles only what was handed to that partner, and only the recipient named. */
static void refusal_by_the_partner_it_was_handed_to(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA@hub MD@hub LT");
	struct px_apply a = confirmation("M1", "UA", PX_D_REFUSED);
	px_strlcpy(a.partner, "other", sizeof(a.partner));
	assert_int_equal(apply(t, &a), PX_APPLY_NO_MATCH);
	a = confirmation("M1", "LT", PX_D_REFUSED);
	px_strlcpy(a.partner, "hub", sizeof(a.partner));
	assert_int_equal(apply(t, &a), PX_APPLY_NO_MATCH);
	a = confirmation("M1", "UA", PX_D_REFUSED);
	px_strlcpy(a.partner, "hub", sizeof(a.partner));
	assert_int_equal(apply(t, &a), PX_APPLIED);
	assert_int_equal(suite_state(t, "M1", "UA"), PX_D_REFUSED);
	assert_int_equal(suite_state(t, "M1", "MD"), PX_D_QUEUED);
	assert_int_equal(suite_state(t, "M1", "LT"), PX_D_QUEUED);
	assert_int_equal(apply(t, &a), PX_APPLY_ALREADY);
}

static void only_the_recipient_named(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA@hub MD@hub");
	struct px_apply a = confirmation("M1", "UA", PX_D_REFUSED);
	px_strlcpy(a.partner, "hub", sizeof(a.partner));
	assert_int_equal(apply(t, &a), PX_APPLIED);
	assert_int_equal(suite_state(t, "M1", "UA"), PX_D_REFUSED);
	assert_int_equal(suite_state(t, "M1", "MD"), PX_D_QUEUED);
}

static void many_in_one_exchange(struct suite *t)
{
	struct px_apply all[4];
	ACCEPT(t, .id = "M1", .to = "UA");
	ACCEPT(t, .id = "M2", .to = "UA");
	all[0] = confirmation("M2", "UA", PX_D_REFUSED);
	all[1] = confirmation("M9", "UA", PX_D_DELIVERED);
	all[2] = confirmation("M1", "UA", PX_D_DELIVERED);
	all[3] = confirmation("M2", "UA", PX_D_DELIVERED);
	struct got_accept got = ACCEPT(t, .id = "C1", .sender = "UA", .from = "ua", .confirmations = true,
				       .n_apply = 4, .apply = all);
	assert_int_equal(got.applied[0], PX_APPLIED);
	assert_int_equal(got.applied[1], PX_APPLY_NO_MESSAGE);
	assert_int_equal(got.applied[2], PX_APPLIED);
	assert_int_equal(got.applied[3], PX_APPLY_ALREADY);
	assert_int_equal(suite_state(t, "M1", "UA"), PX_D_DELIVERED);
	assert_int_equal(suite_state(t, "M2", "UA"), PX_D_REFUSED);
}

static void refused_accept_applies_nothing(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA");
	ACCEPT(t, .id = "C1", .sender = "UA");
	struct px_apply a = confirmation("M1", "UA", PX_D_DELIVERED);
	uint64_t gone = 4711;
	assert_int_equal(TRY(t, .id = "C1", .sender = "UA", .n_apply = 1, .apply = &a).rc, PX_EDUPLICATE);
	assert_int_equal(TRY(t, .id = "C1", .sender = "UA", .body = "x", .n_apply = 1, .apply = &a).rc,
			 PX_ECONFLICT);
	assert_int_equal(
	    TRY(t, .id = "C2", .sender = "UA", .n_apply = 1, .apply = &a, .n_consume = 1, .consume = &gone)
		.rc,
	    PX_EPRECONDITION);
	assert_int_equal(suite_state(t, "M1", "UA"), PX_D_QUEUED);
}

static void is_kept(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA", .mrn = "X");
	ACCEPT(t, .id = "M2", .to = "UA", .mrn = "X");
	assert_int_equal(apply_state(t, "M1", "UA", PX_D_DELIVERED), PX_APPLIED);
	suite_crash(t);
	assert_int_equal(suite_state(t, "M1", "UA"), PX_D_DELIVERED);
	(void)suite_expect_lease(t, "ua", "M2");
}

struct turn {
	const char *id;
	struct got_accept *settled;
	bool done, too_late; /* leased although its settlement had been told, or was read with it */
	unsigned n;
};

static void turn_leased(void *arg, int rc, unsigned n, const struct px_lease *leases)
{
	struct turn *turn = arg;
	assert_int_equal(rc, PX_OK);
	turn->done = true;
	turn->n = n;
	turn->too_late = n > 0 && strcmp(leases[0].header.message_id, turn->id) == 0 &&
			 (turn->settled->done || leases[0].delivery.state != PX_D_QUEUED);
}

/** Settled right behind its lease, most likely in one transaction with it: once that is known, or can be
 * seen, it is handed out no more; another is, in its place. */
static void none_is_leased_when_settled(struct suite *t)
{
	for (int i = 0; i < 20; i++) {
		const char *id = suite_textf(t, "M-%d", i), *next = suite_textf(t, "N-%d", i);
		ACCEPT(t, .id = id, .to = "UA");
		ACCEPT(t, .id = next, .to = "UA");
		struct px_apply a = confirmation(id, "UA", PX_D_DELIVERED);
		struct turn turn = {.id = id, .settled = suite_room(t, 1, sizeof(*turn.settled))};
		px_store_lease(t->st, "ua", 1, suite_now(t), turn_leased, &turn);
		suite_submit_accept(t,
				    &(struct note){.id = suite_textf(t, "C-%d", i),
						   .sender = "UA",
						   .from = "ua",
						   .confirmations = true,
						   .n_apply = 1,
						   .apply = &a},
				    turn.settled);
		suite_wait(t, &turn.done);
		suite_wait(t, &turn.settled->done);
		assert_int_equal(turn.settled->rc, PX_OK);
		assert_int_equal(turn.n, 1);
		assert_false(turn.too_late);
		assert_int_equal(suite_state(t, id, "UA"), PX_D_DELIVERED);
		a = confirmation(next, "UA", PX_D_DELIVERED);
		assert_int_equal(apply(t, &a), PX_APPLIED);
	}
}

const struct suite_case suite_apply_cases[] = {
    {"a confirmation settles the delivery it is about", settles_the_delivery},
    {"none is leased once it is settled", none_is_leased_when_settled},
    {"a confirmation about nothing we know", about_nothing_we_know},
    {"a confirmation with another digest or recipient", with_another_digest_or_recipient},
    {"a confirmation about a final delivery changes nothing", final_ones_stay},
    {"a confirmation supersedes unknown", unknown_is_superseded},
    {"a confirmation supersedes what an administrator ended", cancelled_is_superseded},
    {"a confirmation ends what was handed over", ends_what_was_handed_over},
    {"a confirmation takes the lease away", takes_the_lease_away},
    {"a confirmation releases the next of the movement", releases_the_next},
    {"a refusal by the partner it was handed to", refusal_by_the_partner_it_was_handed_to},
    {"only the recipient named", only_the_recipient_named},
    {"many confirmations in one exchange", many_in_one_exchange},
    {"an accept that fails applies nothing", refused_accept_applies_nothing},
    {"what was applied is kept", is_kept},
    {NULL, NULL},
};
