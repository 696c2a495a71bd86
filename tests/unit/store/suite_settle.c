/* prinex: store suite: leases, settling, overdue, requeue
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"

#include "base/strings.h"

/* --- leases ------------------------------------------------------------------------------------------------
 */

static void lease_has_all_to_send(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA@hub", .mrn = "X", .correlation = "M0");
	struct px_lease lease = suite_lease_one(t, "hub");
	assert_int_equal(lease.delivery.id, a.ids[0]);
	assert_int_equal(lease.delivery.message, a.seq);
	assert_int_equal(lease.delivery.movement, a.movement);
	assert_string_equal(lease.delivery.recipient, "UA");
	assert_string_equal(lease.delivery.partner, "hub");
	assert_string_equal(lease.delivery.route, "r1");
	assert_int_equal(lease.delivery.deadline, SUITE_START + 72 * SUITE_HOUR);
	assert_int_equal(lease.delivery.state, PX_D_QUEUED);
	assert_true(lease.delivery.leased);
	assert_true(lease.token.epoch != 0 && lease.token.counter != 0);
	assert_string_equal(lease.header.message_id, "M1");
	assert_string_equal(lease.header.sender, "BY");
	assert_string_equal(lease.header.correlation_id, "M0");
	assert_string_equal(lease.header.recipients[0], "UA");
	assert_false(lease.confirmations);
	assert_string_equal(lease.origin, "by");
}

static void lease_has_the_octets(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA", .body = "octets one");
	ACCEPT(t, .id = "M2", .to = "UA", .body = "octets two", .confirmations = true, .own = true);
	struct got_leases got = suite_expect_lease(t, "ua", "M1 M2");
	assert_string_equal(got.bodies[0], "octets one");
	assert_string_equal(got.bodies[1], "octets two");
	assert_true(got.items[1].confirmations);
	assert_string_equal(got.items[1].origin, "");
}

static void leased_once(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA");
	ACCEPT(t, .id = "M2", .to = "UA");
	ACCEPT(t, .id = "M3", .to = "UA");
	assert_int_equal(suite_lease(t, "ua", 0).n, 0);
	assert_int_equal(suite_lease(t, "ua", 2).n, 2);
	assert_true(suite_delivery(t, "M1", "UA").leased);
	assert_false(suite_delivery(t, "M3", "UA").leased);
	(void)suite_expect_lease(t, "ua", "M3");
	(void)suite_expect_lease(t, "ua", "");
}

static void only_for_its_partner(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA@hub");
	(void)suite_expect_lease(t, "ua", "");
	(void)suite_expect_lease(t, "hu", "");
	(void)suite_expect_lease(t, "hub2", "");
	(void)suite_expect_lease(t, "nobody", "");
	(void)suite_expect_lease(t, "hub", "M1");
}

/** Two that ask at once never get the same. */
static void tokens_differ(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA");
	ACCEPT(t, .id = "M2", .to = "UA");
	struct px_lease a = suite_lease_one(t, "ua"), b = suite_lease_one(t, "ua");
	assert_int_not_equal(a.token.counter, b.token.counter);
	assert_int_equal(a.token.epoch, suite_stats(t).s.epoch);
	suite_give_back(t, &a);
	struct px_lease again = suite_lease_one(t, "ua");
	assert_string_equal(again.header.message_id, "M1");
	assert_int_not_equal(again.token.counter, a.token.counter);
	assert_int_equal(suite_end(t, &a, PX_D_DELIVERED), PX_ESTALE);
	assert_int_equal(suite_end(t, &again, PX_D_DELIVERED), PX_OK);
}

static int settle_with(struct suite *t, uint64_t delivery, uint64_t epoch, uint64_t counter)
{
	return SETTLE(t, .delivery = delivery, .token = {epoch, counter}, .state = PX_D_DELIVERED);
}

static void wrong_tokens_are_stale(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA");
	ACCEPT(t, .id = "M2", .to = "UA");
	struct got_leases got = suite_expect_lease(t, "ua", "M1 M2");
	uint64_t id = got.items[0].delivery.id;
	struct px_token token = got.items[0].token;
	assert_int_equal(settle_with(t, id, token.epoch, token.counter + 100), PX_ESTALE);
	assert_int_equal(settle_with(t, id, token.epoch + 1, token.counter), PX_ESTALE);
	assert_int_equal(settle_with(t, id, token.epoch, got.items[1].token.counter), PX_ESTALE);
	assert_int_equal(settle_with(t, id, 0, 0), PX_ESTALE); /* without a lease, but it is leased */
	assert_int_equal(suite_state(t, "M1", "UA"), PX_D_QUEUED);
	assert_true(suite_delivery(t, "M1", "UA").leased);
	assert_int_equal(settle_with(t, id, token.epoch, token.counter), PX_OK);
}

static void settled_twice_is_stale(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA");
	struct px_lease lease = suite_lease_one(t, "ua");
	assert_int_equal(suite_end(t, &lease, PX_D_DELIVERED), PX_OK);
	uint64_t entries = suite_entries(t);
	assert_int_equal(suite_end(t, &lease, PX_D_DELIVERED), PX_ESTALE);
	assert_int_equal(suite_end(t, &lease, PX_D_REFUSED), PX_ESTALE);
	assert_int_equal(suite_state(t, "M1", "UA"), PX_D_DELIVERED);
	assert_int_equal(suite_entries(t), entries);
}

static void settled_twice_in_a_batch(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA");
	struct px_lease lease = suite_lease_one(t, "ua");
	struct got_write *got = suite_room(t, 2, sizeof(*got));
	struct px_settle settle = {
	    .delivery = lease.delivery.id, .token = lease.token, .state = PX_D_DELIVERED};
	suite_submit_settle(t, &settle, &got[0]);
	settle.state = PX_D_REFUSED;
	suite_submit_settle(t, &settle, &got[1]);
	suite_wait(t, &got[0].done);
	suite_wait(t, &got[1].done);
	assert_int_equal(got[0].rc, PX_OK);
	assert_int_equal(got[1].rc, PX_ESTALE);
	assert_int_equal(suite_state(t, "M1", "UA"), PX_D_DELIVERED);
}

static void given_back(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA");
	struct px_lease lease = suite_lease_one(t, "ua");
	suite_give_back(t, &lease);
	struct px_delivery d = suite_delivery(t, "M1", "UA");
	assert_false(d.leased);
	assert_true(d.head);
	assert_int_equal(d.attempts, 0);
	(void)suite_expect_lease(t, "ua", "M1");
}

static void stale_after(struct suite *t, void (*restart)(struct suite *t))
{
	ACCEPT(t, .id = "M1", .to = "UA");
	ACCEPT(t, .id = "M2", .to = "UA");
	struct px_lease lease = suite_lease_one(t, "ua");
	uint64_t epoch = suite_stats(t).s.epoch;
	restart(t);
	assert_true(suite_stats(t).s.epoch > epoch);
	assert_false(suite_delivery(t, "M1", "UA").leased);
	assert_int_equal(suite_end(t, &lease, PX_D_DELIVERED), PX_ESTALE);
	struct got_leases again = suite_expect_lease(t, "ua", "M1 M2");
	assert_true(again.items[0].token.epoch > epoch);
	assert_int_equal(suite_end(t, &lease, PX_D_DELIVERED),
			 PX_ESTALE); /* though the counter may be the same */
	assert_int_equal(suite_end(t, &again.items[0], PX_D_DELIVERED), PX_OK);
}

static void stale_after_reopening(struct suite *t)
{
	stale_after(t, suite_reopen);
}

static void stale_after_crash(struct suite *t)
{
	stale_after(t, suite_crash);
}

static void epoch_rises(struct suite *t)
{
	uint64_t epoch = suite_stats(t).s.epoch;
	assert_true(epoch > 0);
	for (int i = 0; i < 4; i++) {
		if (i % 2 == 0)
			suite_reopen(t);
		else
			suite_crash(t);
		uint64_t now = suite_stats(t).s.epoch;
		assert_true(now > epoch);
		epoch = now;
	}
}

const struct suite_case suite_lease_cases[] = {
    {"a lease holds all that is needed to send", lease_has_all_to_send},
    {"a lease holds the octets", lease_has_the_octets},
    {"what is leased is not leased again", leased_once},
    {"a lease is only for the delivery's partner", only_for_its_partner},
    {"each lease has its own token", tokens_differ},
    {"a wrong token is stale and changes nothing", wrong_tokens_are_stale},
    {"a second settle is stale", settled_twice_is_stale},
    {"a second settle in the same batch is stale", settled_twice_in_a_batch},
    {"a lease can be given back", given_back},
    {"tokens are stale after reopening", stale_after_reopening},
    {"tokens are stale after a crash", stale_after_crash},
    {"the epoch rises with each opening", epoch_rises},
    {NULL, NULL},
};

/* --- settle ------------------------------------------------------------------------------------------------
 */

static void end_is_shown(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA");
	struct px_lease lease = suite_lease_one(t, "ua");
	px_clock_sim_advance(t->clock, 7000);
	assert_int_equal(SETTLE(t, .delivery = lease.delivery.id, .token = lease.token, .state = PX_D_REFUSED,
				.attempted = true, .body_sent = true, .error = "refused: PX-RULE",
				.code = "PX-RULE", .answer = (const uint8_t *)"<CoE/>", .answer_len = 6),
			 PX_OK);
	struct px_delivery d = suite_delivery(t, "M1", "UA");
	assert_int_equal(d.state, PX_D_REFUSED);
	assert_int_equal(d.ended, SUITE_START + 7000);
	assert_int_equal(d.attempts, 1);
	assert_true(d.body_sent);
	assert_string_equal(d.error, "refused: PX-RULE");
	assert_false(d.head);
	assert_false(d.leased);
	suite_crash(t);
	d = suite_delivery(t, "M1", "UA");
	assert_int_equal(d.state, PX_D_REFUSED);
	assert_int_equal(d.ended, SUITE_START + 7000);
	assert_string_equal(d.error, "refused: PX-RULE");
	(void)suite_expect_lease(t, "ua", "");
}

static void retry_is_shown(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA");
	for (unsigned i = 1; i <= 3; i++) {
		struct px_lease lease = suite_lease_one(t, "ua");
		assert_int_equal(lease.delivery.attempts, i - 1);
		assert_int_equal(SETTLE(t, .delivery = lease.delivery.id, .token = lease.token,
					.state = PX_D_QUEUED, .attempted = true, .body_sent = i == 2,
					.due = suite_now(t) + 1000 * i,
					.error = i == 3 ? "timeout" : "refused"),
				 PX_OK);
		struct px_delivery d = suite_delivery(t, "M1", "UA");
		assert_int_equal(d.state, PX_D_QUEUED);
		assert_int_equal(d.attempts, i);
		assert_int_equal(d.body_sent, i >= 2); /* once sent, it may have arrived */
		assert_int_equal(d.due, suite_now(t) + 1000 * i);
		assert_string_equal(d.error, i == 3 ? "timeout" : "refused");
		assert_int_equal(d.ended, 0);
		px_clock_sim_advance(t->clock, 1000 * i);
	}
	suite_reopen(t);
	struct px_lease lease = suite_lease_one(t, "ua");
	assert_int_equal(lease.delivery.attempts, 3);
	assert_true(lease.delivery.body_sent);
	assert_string_equal(lease.delivery.error, "timeout");
}

static void what_was_sent_does_not_expire(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	struct px_lease lease = suite_lease_one(t, "ua");
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .token = lease.token, .state = PX_D_QUEUED,
				.body_sent = true, .due = suite_now(t)),
			 PX_OK);
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_EXPIRED), PX_ESTALE);
	assert_int_equal(suite_delivery(t, "M1", "UA").state, PX_D_QUEUED);
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_UNKNOWN), PX_OK);
}

static void attempts_count_only_attempts(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_QUEUED, .due = suite_now(t)), PX_OK);
	assert_int_equal(suite_delivery(t, "M1", "UA").attempts, 0);
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_EXPIRED, .error = "too old"), PX_OK);
	assert_int_equal(suite_delivery(t, "M1", "UA").attempts, 0);
	assert_false(suite_delivery(t, "M1", "UA").body_sent);
}

/** Every pair of states: what may become what. */
static void which_state_may_follow(struct suite *t)
{
	for (int from = 0; from < PX_D_STATES; from++) {
		for (int to = 0; to < PX_D_STATES; to++) {
			const char *id = suite_textf(t, "M%d-%d", from, to);
			struct got_accept a = ACCEPT(t, .id = id, .to = "UA");
			struct px_settle settle = {.delivery = a.ids[0],
						   .state = (enum px_delivery_state)from,
						   .due = SUITE_START + SUITE_HOUR};
			assert_int_equal(suite_settle(t, &settle), PX_OK);
			settle.state = (enum px_delivery_state)to;
			bool final = px_delivery_state_is_final(settle.state);
			bool may = from == PX_D_QUEUED || (from == PX_D_HANDED_OVER && final) ||
				   ((from == PX_D_UNKNOWN || from == PX_D_CANCELLED) &&
				    (to == PX_D_DELIVERED || to == PX_D_REFUSED));
			assert_int_equal(suite_settle(t, &settle), may ? PX_OK : PX_EPRECONDITION);
			assert_int_equal(suite_state(t, id, "UA"), may ? to : from);
		}
	}
}

static void unknown_is_superseded_once(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_UNKNOWN), PX_OK);
	assert_int_equal(suite_partner(t, "ua").unknown, 1);
	px_clock_sim_advance(t->clock, SUITE_DAY);
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_DELIVERED), PX_OK);
	struct px_delivery d = suite_delivery(t, "M1", "UA");
	assert_int_equal(d.state, PX_D_DELIVERED);
	assert_int_equal(d.ended, SUITE_START + SUITE_DAY);
	assert_int_equal(suite_partner(t, "ua").unknown, 0);
	assert_int_equal(suite_partner(t, "ua").delivered, 1);
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_REFUSED), PX_EPRECONDITION);
}

static void nothing_to_settle(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	assert_int_equal(SETTLE(t, .delivery = a.ids[0] + 1000, .state = PX_D_DELIVERED), PX_ENOTFOUND);
	assert_int_equal(SETTLE(t, .delivery = 0, .state = PX_D_DELIVERED), PX_ENOTFOUND);
	assert_int_equal(SETTLE(t, .delivery = a.ids[0] + 1000, .token = {1, 1}, .state = PX_D_DELIVERED),
			 PX_ENOTFOUND);
}

static void stale_is_told_before_final(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_REFUSED), PX_OK);
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .token = {1, 1}, .state = PX_D_DELIVERED),
			 PX_ESTALE);
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_DELIVERED), PX_EPRECONDITION);
}

/* A hub gets it for both with one post: while that is under way for MD, nothing but its outcome ends it for
 * LT. */
static void what_goes_along_does_not_end(struct suite *t)
{
	static const enum px_delivery_state ends[] = {PX_D_EXPIRED, PX_D_UNKNOWN, PX_D_CANCELLED};
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA MD@hub LT@hub");
	struct got_leases l = suite_lease(t, "hub", 1);
	assert_int_equal(l.n, 1);
	uint64_t other = l.items[0].delivery.id == a.ids[1] ? a.ids[2] : a.ids[1];
	for (size_t i = 0; i < PX_ARRAY_LEN(ends); i++)
		assert_int_equal(SETTLE(t, .delivery = other, .state = ends[i]), PX_ESTALE);
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_CANCELLED), PX_OK); /* to UA itself */
	assert_int_equal(
	    SETTLE(t, .delivery = l.items[0].delivery.id, .token = l.items[0].token, .state = PX_D_QUEUED),
	    PX_OK);
	assert_int_equal(SETTLE(t, .delivery = other, .state = PX_D_CANCELLED), PX_OK);
}

static void long_error_is_cut(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	char *error = suite_room(t, 1001, 1);
	for (size_t i = 1; i + 2 <= 1000; i += 2) /* two octets a character */
		memcpy(error + i, "\u0436", 2);
	error[0] = error[999] = 'e';
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_QUEUED, .error = error), PX_OK);
	struct px_delivery d = suite_delivery(t, "M1", "UA");
	assert_in_range(strlen(d.error), PX_REASON_MAX - 1, PX_REASON_MAX);
	assert_string_equal(d.error + strlen(d.error) - 5, "\u0436\u2026");
	uint64_t entries = suite_entries(t);
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_QUEUED, .error = error), PX_OK);
	assert_int_equal(suite_entries(t), entries); /* it is the same error */
}

const struct suite_case suite_settle_cases[] = {
    {"how a delivery ended is shown and kept", end_is_shown},
    {"a retry is shown and kept", retry_is_shown},
    {"what was sent does not expire", what_was_sent_does_not_expire},
    {"only attempts count as attempts", attempts_count_only_attempts},
    {"which state may follow which", which_state_may_follow},
    {"unknown may be superseded, once", unknown_is_superseded_once},
    {"nothing to settle is not found", nothing_to_settle},
    {"stale is told before final", stale_is_told_before_final},
    {"what goes along with a leased one does not end", what_goes_along_does_not_end},
    {"a long error is cut", long_error_is_cut},
    {NULL, NULL},
};

/* --- overdue and requeue -----------------------------------------------------------------------------------
 */

static const char *overdue(struct suite *t, int64_t now, unsigned max)
{
	struct got_deliveries got = suite_overdue(t, now, NULL, max);
	assert_int_equal(got.rc, PX_OK);
	return suite_delivery_ids(t, &got);
}

static void overdue_by_deadline(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA", .deadline = SUITE_START + 300);
	ACCEPT(t, .id = "M2", .to = "UA MD", .deadline = SUITE_START + 100);
	ACCEPT(t, .id = "M3", .to = "UA", .deadline = SUITE_START + 200);
	assert_string_equal(overdue(t, SUITE_START + 99, 10), "");
	assert_string_equal(overdue(t, SUITE_START + 100, 10), "M2/UA M2/MD");
	assert_string_equal(overdue(t, SUITE_START + 1000, 10), "M2/UA M2/MD M3/UA M1/UA");
	assert_string_equal(overdue(t, SUITE_START + 1000, 3), "M2/UA M2/MD M3/UA");
	suite_reopen(t);
	assert_string_equal(overdue(t, SUITE_START + 200, 10), "M2/UA M2/MD M3/UA");
}

static void overdue_page_by_page(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA MD", .deadline = SUITE_START + 100);
	ACCEPT(t, .id = "M2", .to = "UA", .deadline = SUITE_START + 100);
	ACCEPT(t, .id = "M3", .to = "UA", .deadline = SUITE_START + 50);
	struct got_deliveries page = suite_overdue(t, SUITE_START + 1000, NULL, 2);
	assert_string_equal(suite_delivery_ids(t, &page), "M3/UA M1/UA");
	page = suite_overdue(t, SUITE_START + 1000, &page.items[1], 2);
	assert_string_equal(suite_delivery_ids(t, &page), "M1/MD M2/UA");
	page = suite_overdue(t, SUITE_START + 1000, &page.items[1], 2);
	assert_int_equal(page.n, 0);
}

static void overdue_though_no_head(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA", .mrn = "X", .deadline = SUITE_START + SUITE_DAY);
	ACCEPT(t, .id = "M2", .to = "UA", .mrn = "X", .deadline = SUITE_START + 100);
	assert_string_equal(overdue(t, SUITE_START + 100, 10), "M2/UA");
	assert_int_equal(SETTLE(t, .delivery = suite_delivery(t, "M2", "UA").id, .state = PX_D_EXPIRED),
			 PX_OK);
	assert_string_equal(overdue(t, SUITE_START + 100, 10), "");
	(void)suite_expect_lease(t, "ua", "M1");
}

static void leased_is_not_overdue(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA", .deadline = SUITE_START + 100);
	struct px_lease lease = suite_lease_one(t, "ua");
	assert_string_equal(overdue(t, SUITE_START + 1000, 10), "");
	suite_give_back(t, &lease);
	assert_string_equal(overdue(t, SUITE_START + 1000, 10), "M1/UA");
}

static void handed_over_has_its_own_deadline(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA", .deadline = SUITE_START + 100);
	struct px_lease lease = suite_lease_one(t, "ua");
	int64_t due = SUITE_START + 73 * SUITE_HOUR;
	assert_int_equal(SETTLE(t, .delivery = lease.delivery.id, .token = lease.token,
				.state = PX_D_HANDED_OVER, .due = due),
			 PX_OK);
	assert_int_equal(suite_delivery(t, "M1", "UA").deadline, due);
	assert_string_equal(overdue(t, SUITE_START + 1000, 10), "");
	assert_string_equal(overdue(t, due - 1, 10), "");
	assert_string_equal(overdue(t, due, 10), "M1/UA");
	assert_int_equal(suite_overdue(t, due, NULL, 10).items[0].state, PX_D_HANDED_OVER);
	assert_int_equal(SETTLE(t, .delivery = lease.delivery.id, .state = PX_D_UNKNOWN), PX_OK);
	assert_string_equal(overdue(t, due, 10), "");
}

static void overdue_is_still_leased(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA", .deadline = SUITE_START + 100);
	px_clock_sim_advance(t->clock, 1000);
	(void)suite_expect_lease(t, "ua", "M1"); /* who decides about age is not the store */
}

static void requeue_brings_heads_forward(struct suite *t)
{
	static const char *const ids[] = {"M1", "M2", "M3"};
	for (int i = 0; i < 3; i++)
		ACCEPT(t, .id = ids[i], .to = i == 2 ? "MD" : "UA");
	suite_pass(t, "ua", "M1", PX_D_QUEUED);
	suite_pass(t, "ua", "M2", PX_D_QUEUED);
	suite_pass(t, "md", "M3", PX_D_QUEUED);
	assert_int_equal(suite_requeue(t, "ua", SUITE_START + 500), PX_OK);
	assert_int_equal(suite_delivery(t, "M1", "UA").due, SUITE_START + 500);
	assert_int_equal(suite_delivery(t, "M3", "MD").due, SUITE_START + SUITE_HOUR);
	(void)suite_expect_lease(t, "ua", "");
	assert_int_equal(suite_requeue(t, "ua", SUITE_START), PX_OK);
	(void)suite_expect_lease(t, "ua", "M1 M2");
	(void)suite_expect_lease(t, "md", "");
}

static void requeue_never_delays(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA");
	assert_int_equal(suite_requeue(t, "ua", SUITE_START + SUITE_HOUR), PX_OK);
	assert_int_equal(suite_delivery(t, "M1", "UA").due, SUITE_START);
	assert_int_equal(suite_requeue(t, "nobody", SUITE_START), PX_OK);
	(void)suite_expect_lease(t, "ua", "M1");
}

/** Only heads that wait: not what waits behind them, and not what is on its way. */
static void requeue_leaves_others_alone(struct suite *t)
{
	int64_t later = SUITE_START + SUITE_HOUR;
	ACCEPT(t, .id = "M1", .to = "UA", .mrn = "X");
	uint64_t behind = ACCEPT(t, .id = "M2", .to = "UA", .mrn = "X").ids[0];
	assert_int_equal(SETTLE(t, .delivery = behind, .state = PX_D_QUEUED, .due = later), PX_OK);
	(void)suite_expect_lease(t, "ua", "M1");
	assert_int_equal(suite_requeue(t, "ua", SUITE_START - 1000), PX_OK);
	assert_int_equal(suite_delivery(t, "M1", "UA").due, SUITE_START);
	assert_int_equal(suite_delivery(t, "M2", "UA").due, later);
}

static void requeue_is_kept(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA", .prio = 'A');
	ACCEPT(t, .id = "M2", .to = "UA", .prio = 'C');
	suite_pass(t, "ua", "M1", PX_D_QUEUED);
	suite_pass(t, "ua", "M2", PX_D_QUEUED);
	assert_int_equal(suite_requeue(t, "ua", SUITE_START), PX_OK);
	suite_crash(t);
	(void)suite_expect_lease(t, "ua", "M1 M2");
}

static void requeue_of_a_long_backlog(struct suite *t)
{
	enum { N = 700 };
	struct got_accept *got = suite_room(t, N, sizeof(*got));
	struct got_write *later = suite_room(t, N, sizeof(*later));
	for (unsigned i = 0; i < N; i++) {
		const char *id = suite_textf(t, "M%u", i);
		suite_submit_accept(t, &(struct note){.id = id, .to = "UA"}, &got[i]);
		if (i % 100 == 99)
			suite_wait(t, &got[i].done);
	}
	for (unsigned i = 0; i < N; i++)
		suite_submit_settle(t,
				    &(struct px_settle){.delivery = got[i].ids[0],
							.state = PX_D_QUEUED,
							.due = SUITE_START + SUITE_HOUR + i},
				    &later[i]);
	for (unsigned i = 0; i < N; i++)
		suite_wait(t, &later[i].done);
	(void)suite_expect_lease(t, "ua", "");
	assert_int_equal(suite_requeue(t, "ua", SUITE_START), PX_OK);
	unsigned n = 0;
	for (struct got_leases leases; (leases = suite_lease(t, "ua", 100)).n > 0;)
		n += leases.n;
	assert_int_equal(n, N);
}

const struct suite_case suite_overdue_cases[] = {
    {"overdue by deadline, oldest first", overdue_by_deadline},
    {"overdue page by page", overdue_page_by_page},
    {"overdue though not a head", overdue_though_no_head},
    {"what is leased is not overdue", leased_is_not_overdue},
    {"what was handed over has a deadline of its own", handed_over_has_its_own_deadline},
    {"what is overdue can still be leased", overdue_is_still_leased},
    {"requeue brings heads forward", requeue_brings_heads_forward},
    {"requeue never delays", requeue_never_delays},
    {"requeue leaves alone what is behind or on its way", requeue_leaves_others_alone},
    {"requeue is kept", requeue_is_kept},
    {"requeue of a long backlog", requeue_of_a_long_backlog},
    {NULL, NULL},
};
