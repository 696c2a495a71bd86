/* prinex: store suite: order within a movement, classes, due times
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"

#include "base/strings.h"

/* --- heads -------------------------------------------------------------------------------------------------
 */

static void one_at_a_time(struct suite *t)
{
	for (int i = 0; i < 5; i++) {
		const char *id = suite_textf(t, "M%d", i);
		ACCEPT(t, .id = id, .to = "UA", .mrn = "X");
		assert_int_equal(suite_delivery(t, id, "UA").head, i == 0);
	}
	for (int i = 0; i < 5; i++) {
		const char *id = suite_textf(t, "M%d", i);
		struct got_leases got = suite_expect_lease(t, "ua", id);
		(void)suite_expect_lease(t, "ua", "");
		assert_int_equal(suite_end(t, &got.items[0], PX_D_DELIVERED), PX_OK);
	}
	(void)suite_expect_lease(t, "ua", "");
}

static void stuck_movement_delays_no_other(struct suite *t)
{
	ACCEPT(t, .id = "STUCK", .to = "UA", .mrn = "X");
	ACCEPT(t, .id = "BEHIND", .to = "UA", .mrn = "X");
	(void)suite_expect_lease(t, "ua", "STUCK"); /* and never settled */
	for (int i = 0; i < 20; i++) {
		const char *id = suite_textf(t, "M%d", i);
		ACCEPT(t, .id = id, .to = "UA", .mrn = id);
		suite_pass(t, "ua", id, PX_D_DELIVERED);
	}
	(void)suite_expect_lease(t, "ua", "");
	assert_int_equal(suite_state(t, "BEHIND", "UA"), PX_D_QUEUED);
}

static void recipients_do_not_wait_for_each_other(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA MD", .mrn = "X");
	ACCEPT(t, .id = "M2", .to = "UA MD", .mrn = "X");
	(void)suite_expect_lease(t, "ua", "M1");
	suite_pass(t, "md", "M1", PX_D_DELIVERED);
	suite_pass(t, "md", "M2", PX_D_DELIVERED);
	(void)suite_expect_lease(t, "ua", "");
}

/** The order is that of the recipient, whatever partner its messages go through. */
static void order_across_partners(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA@old", .mrn = "X");
	ACCEPT(t, .id = "M2", .to = "UA@new", .mrn = "X");
	(void)suite_expect_lease(t, "new", "");
	suite_pass(t, "old", "M1", PX_D_DELIVERED);
	(void)suite_expect_lease(t, "new", "M2");
}

/** Two recipients behind one partner: each has its own order. */
static void recipients_behind_one_partner(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA@hub MD@hub", .mrn = "X");
	ACCEPT(t, .id = "M2", .to = "UA@hub", .mrn = "X");
	struct got_leases got = suite_expect_lease(t, "hub", "M1 M1");
	for (unsigned i = 0; i < 2; i++) {
		if (strcmp(got.items[i].delivery.recipient, "MD") == 0)
			assert_int_equal(suite_end(t, &got.items[i], PX_D_DELIVERED), PX_OK);
	}
	(void)suite_expect_lease(t, "hub", ""); /* UA's M1 is still on its way */
}

/** But it gets a message for both with the first post: what must wait for one waits for both. */
static void one_post_for_all_behind_a_partner(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA@hub", .mrn = "X");
	ACCEPT(t, .id = "M2", .to = "MD@hub UA@hub PL@other", .mrn = "X", .prio = PX_PRIO_A);
	ACCEPT(t, .id = "M3", .to = "MD@hub", .mrn = "X");
	struct got_leases got = suite_expect_lease(t, "hub", "M1");
	(void)suite_expect_lease(t, "other", "M2");
	assert_int_equal(suite_end(t, &got.items[0], PX_D_HANDED_OVER), PX_OK);
	got = suite_expect_lease(t, "hub", "M2 M2");
	unsigned md = strcmp(got.items[0].delivery.recipient, "MD") == 0 ? 0 : 1;
	assert_int_equal(suite_end(t, &got.items[md], PX_D_HANDED_OVER), PX_OK);
	(void)suite_expect_lease(t, "hub", "M3"); /* UA's M2 holds up nobody else */
}

/** One that ends without having been first no longer holds up those beside it. */
static void companions_of_what_ended_go(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA@hub", .mrn = "X");
	struct got_accept m2 = ACCEPT(t, .id = "M2", .to = "UA@hub MD@hub", .mrn = "X");
	(void)suite_expect_lease(t, "hub", "M1");
	struct px_settle cancel = {.delivery = m2.ids[0], .state = PX_D_CANCELLED};
	assert_int_equal(suite_settle(t, &cancel), PX_OK);
	struct got_leases got = suite_expect_lease(t, "hub", "M2");
	assert_string_equal(got.items[0].delivery.recipient, "MD");
}

static void each_end_releases_the_next(struct suite *t)
{
	static const enum px_delivery_state ends[] = {PX_D_DELIVERED, PX_D_REFUSED,   PX_D_EXPIRED,
						      PX_D_UNKNOWN,   PX_D_CANCELLED, PX_D_HANDED_OVER};
	ACCEPT(t, .id = "STUCK", .to = "MD", .mrn = "STUCK"); /* older than all, and waits for ever */
	for (size_t i = 0; i < PX_ARRAY_LEN(ends); i++) {
		const char *mrn = px_delivery_state_name(ends[i]);
		const char *first = suite_textf(t, "A%zu", i), *second = suite_textf(t, "B%zu", i);
		ACCEPT(t, .id = first, .to = "UA", .mrn = mrn);
		ACCEPT(t, .id = second, .to = "UA", .mrn = mrn);
		suite_pass(t, "ua", first, ends[i]);
		assert_true(suite_delivery(t, second, "UA").head);
		suite_pass(t, "ua", second, PX_D_DELIVERED);
		(void)suite_expect_lease(t, "ua", "");
	}
}

static void a_retry_releases_nothing(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA", .mrn = "X");
	ACCEPT(t, .id = "M2", .to = "UA", .mrn = "X");
	suite_pass(t, "ua", "M1", PX_D_QUEUED); /* due in an hour */
	(void)suite_expect_lease(t, "ua", "");
	assert_true(suite_delivery(t, "M1", "UA").head);
	px_clock_sim_advance(t->clock, SUITE_HOUR);
	(void)suite_expect_lease(t, "ua", "M1");
}

/** What waits may end before its turn; the rest keeps its order. */
static void one_that_waits_ends(struct suite *t)
{
	static const char *const ids[] = {"M1", "M2", "M3", "M4"};
	for (int i = 0; i < 4; i++)
		ACCEPT(t, .id = ids[i], .to = "UA", .mrn = "X");
	uint64_t second = suite_delivery(t, "M2", "UA").id;
	assert_int_equal(SETTLE(t, .delivery = second, .state = PX_D_CANCELLED), PX_OK);
	assert_true(suite_delivery(t, "M1", "UA").head);
	assert_false(suite_delivery(t, "M3", "UA").head);
	suite_pass(t, "ua", "M1", PX_D_DELIVERED);
	uint64_t third = suite_delivery(t, "M3", "UA").id;
	assert_int_equal(SETTLE(t, .delivery = third, .state = PX_D_EXPIRED), PX_OK); /* a head, not leased */
	suite_pass(t, "ua", "M4", PX_D_DELIVERED);
}

/** The end of what was handed over long ago does not touch who is next. */
static void late_end_of_what_was_handed_over(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA", .mrn = "X");
	ACCEPT(t, .id = "M2", .to = "UA", .mrn = "X");
	ACCEPT(t, .id = "M3", .to = "UA", .mrn = "X");
	suite_pass(t, "ua", "M1", PX_D_HANDED_OVER);
	struct px_lease second = suite_lease_one(t, "ua");
	assert_int_equal(SETTLE(t, .delivery = suite_delivery(t, "M1", "UA").id, .state = PX_D_DELIVERED),
			 PX_OK);
	(void)suite_expect_lease(t, "ua", "");
	assert_int_equal(suite_end(t, &second, PX_D_DELIVERED), PX_OK);
	(void)suite_expect_lease(t, "ua", "M3");
}

static void joins_after_the_others_ended(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA", .mrn = "X");
	suite_pass(t, "ua", "M1", PX_D_DELIVERED);
	ACCEPT(t, .id = "M2", .to = "UA", .mrn = "X");
	assert_true(suite_delivery(t, "M2", "UA").head);
	suite_pass(t, "ua", "M2", PX_D_DELIVERED);
}

static void order_is_kept_over_a_crash(struct suite *t)
{
	for (int i = 0; i < 6; i++) {
		const char *id = suite_textf(t, "M%d", i);
		ACCEPT(t, .id = id, .to = "UA", .mrn = "X");
	}
	for (int i = 0; i < 6; i++) {
		const char *id = suite_textf(t, "M%d", i);
		(void)suite_expect_lease(t, "ua", id);
		suite_crash(t); /* on its way: nobody knows */
		suite_pass(t, "ua", id, PX_D_DELIVERED);
	}
}

static void confirmations_wait_for_nobody(struct suite *t)
{
	ACCEPT(t, .id = "C1", .to = "UA", .confirmations = true, .mrn = "X");
	ACCEPT(t, .id = "C2", .to = "UA", .confirmations = true, .mrn = "X");
	assert_true(suite_delivery(t, "C2", "UA").head);
	(void)suite_expect_lease(t, "ua", "C1 C2");
}

const struct suite_case suite_head_cases[] = {
    {"one at a time per movement and recipient, in commit order", one_at_a_time},
    {"a stuck movement delays no other", stuck_movement_delays_no_other},
    {"recipients do not wait for each other", recipients_do_not_wait_for_each_other},
    {"the order holds across partners of a recipient", order_across_partners},
    {"recipients behind one partner have orders of their own", recipients_behind_one_partner},
    {"what one post brings to a hub waits together", one_post_for_all_behind_a_partner},
    {"what has ended holds up nobody beside it", companions_of_what_ended_go},
    {"each end and a hand-over release the next", each_end_releases_the_next},
    {"a retry releases nothing", a_retry_releases_nothing},
    {"what waits may end before its turn", one_that_waits_ends},
    {"the late end of what was handed over", late_end_of_what_was_handed_over},
    {"a message that joins after the others ended is a head", joins_after_the_others_ended},
    {"the order is kept over crashes", order_is_kept_over_a_crash},
    {"confirmations wait for nobody", confirmations_wait_for_nobody},
    {NULL, NULL},
};

/* --- classes and due times ---------------------------------------------------------------------------------
 */

static void a_before_b_before_c(struct suite *t)
{
	ACCEPT(t, .id = "C1", .to = "UA", .prio = 'C');
	ACCEPT(t, .id = "B1", .to = "UA", .prio = 'B');
	ACCEPT(t, .id = "A1", .to = "UA", .prio = 'A');
	ACCEPT(t, .id = "A2", .to = "UA", .prio = 'A');
	(void)suite_expect_lease(t, "ua", "A1 A2 B1 C1");
}

/** Accept @n messages of each class in @classes: "A0 A1 ...". */
static void fill(struct suite *t, const char *classes, unsigned n)
{
	struct got_accept *got = suite_room(t, n, sizeof(*got));
	for (const char *c = classes; *c != '\0'; c++) {
		for (unsigned i = 0; i < n; i++) {
			const char *id = suite_textf(t, "%c%u", *c, i);
			suite_submit_accept(t, &(struct note){.id = id, .to = "UA", .prio = *c}, &got[i]);
		}
		for (unsigned i = 0; i < n; i++)
			suite_wait(t, &got[i].done);
	}
}

/** Lease @n in portions of @portion and check that of any eight in a row each class in @waiting got one. */
static void nobody_starves(struct suite *t, const char *waiting, unsigned n, unsigned portion)
{
	char classes[256];
	unsigned first = 0;
	for (unsigned taken = 0; taken < n;) {
		struct got_leases got = suite_lease(t, "ua", portion);
		assert_int_equal(got.n, portion);
		for (unsigned i = 0; i < got.n; i++)
			classes[taken++] = got.items[i].header.message_id[0];
	}
	for (unsigned i = 0; i + 8 <= n; i++) {
		for (const char *c = waiting; *c != '\0'; c++) {
			if (memchr(&classes[i], *c, 8) == NULL)
				fail_msg("no %c among eight leases: %.8s", *c, &classes[i]);
		}
	}
	for (unsigned i = 0; i < n; i++)
		first += classes[i] == waiting[0];
	assert_true(first >= n / 2); /* the best class still has the most */
}

static void c_is_not_starved(struct suite *t)
{
	fill(t, "ABC", 64);
	nobody_starves(t, "ABC", 64, 1);
}

static void c_is_not_starved_in_portions(struct suite *t)
{
	fill(t, "ABC", 64);
	nobody_starves(t, "ABC", 60, 5);
}

static void c_is_not_starved_by_b(struct suite *t)
{
	fill(t, "BC", 64);
	nobody_starves(t, "BC", 64, 16);
}

static void best_class_first_when_few_wait(struct suite *t)
{
	fill(t, "CBA", 2);
	(void)suite_expect_lease(t, "ua", "A0 A1 B0 B1 C0 C1");
}

static void head_takes_the_best_class_behind_it(struct suite *t)
{
	ACCEPT(t, .id = "B1", .to = "UA", .prio = 'B');
	ACCEPT(t, .id = "C1", .to = "UA", .prio = 'C', .mrn = "X");
	ACCEPT(t, .id = "C2", .to = "UA", .prio = 'C', .mrn = "X");
	ACCEPT(t, .id = "A3", .to = "UA", .prio = 'A', .mrn = "X");
	assert_int_equal(suite_delivery(t, "C1", "UA").prio, PX_PRIO_C); /* its own class is shown */
	struct px_lease first = suite_lease_one(t, "ua");
	assert_string_equal(first.header.message_id, "C1");
	assert_int_equal(suite_end(t, &first, PX_D_DELIVERED), PX_OK);
	struct px_lease second = suite_lease_one(t, "ua");
	assert_string_equal(second.header.message_id, "C2"); /* A3 still pushes */
	assert_int_equal(suite_end(t, &second, PX_D_DELIVERED), PX_OK);
	(void)suite_expect_lease(t, "ua", "A3 B1");
}

static void class_is_lost_with_what_pushed(struct suite *t)
{
	ACCEPT(t, .id = "B1", .to = "UA", .prio = 'B');
	ACCEPT(t, .id = "C1", .to = "UA", .prio = 'C', .mrn = "X");
	struct got_accept a = ACCEPT(t, .id = "A2", .to = "UA", .prio = 'A', .mrn = "X");
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_CANCELLED), PX_OK);
	(void)suite_expect_lease(t, "ua", "B1 C1");
}

static void class_is_not_taken_from_other_queues(struct suite *t)
{
	ACCEPT(t, .id = "C1", .to = "UA", .prio = 'C', .mrn = "X");
	ACCEPT(t, .id = "A1", .to = "MD", .prio = 'A', .mrn = "X"); /* same movement, other recipient */
	ACCEPT(t, .id = "A2", .to = "UA", .prio = 'A', .mrn = "Y"); /* other movement */
	ACCEPT(t, .id = "B1", .to = "UA", .prio = 'B', .mrn = "Z");
	suite_pass(t, "ua", "A2", PX_D_DELIVERED);
	(void)suite_expect_lease(t, "ua", "B1 C1");
}

static void class_comes_with_a_link(struct suite *t)
{
	ACCEPT(t, .id = "B1", .to = "UA", .prio = 'B');
	ACCEPT(t, .id = "C1", .to = "UA", .prio = 'C', .lrn = "L");
	ACCEPT(t, .id = "C2", .to = "UA", .prio = 'C', .mrn = "X");
	ACCEPT(t, .id = "A3", .to = "UA", .prio = 'A', .mrn = "X", .lrn = "L");
	suite_pass(t, "ua", "C1", PX_D_DELIVERED);
	suite_pass(t, "ua", "C2", PX_D_DELIVERED);
	suite_pass(t, "ua", "A3", PX_D_DELIVERED);
	suite_pass(t, "ua", "B1", PX_D_DELIVERED);
}

static void class_is_kept_over_reopening(struct suite *t)
{
	ACCEPT(t, .id = "B1", .to = "UA", .prio = 'B');
	ACCEPT(t, .id = "C1", .to = "UA", .prio = 'C', .mrn = "X");
	ACCEPT(t, .id = "A2", .to = "UA", .prio = 'A', .mrn = "X");
	suite_reopen(t);
	(void)suite_expect_lease(t, "ua", "C1 B1");
}

/** Given back, a head has the class of what came behind it while it was leased. */
static void class_of_what_came_during_the_lease(struct suite *t)
{
	ACCEPT(t, .id = "C1", .to = "UA", .prio = 'C', .mrn = "X");
	struct px_lease lease = suite_lease_one(t, "ua");
	ACCEPT(t, .id = "A2", .to = "UA", .prio = 'A', .mrn = "X");
	ACCEPT(t, .id = "B1", .to = "UA", .prio = 'B');
	suite_give_back(t, &lease);
	(void)suite_expect_lease(t, "ua", "C1 B1");
}

static void not_before_due(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA");
	struct px_lease lease = suite_lease_one(t, "ua");
	assert_int_equal(SETTLE(t, .delivery = lease.delivery.id, .token = lease.token, .state = PX_D_QUEUED,
				.due = SUITE_START + 5000),
			 PX_OK);
	assert_int_equal(suite_delivery(t, "M1", "UA").due, SUITE_START + 5000);
	px_clock_sim_advance(t->clock, 4999);
	(void)suite_expect_lease(t, "ua", "");
	px_clock_sim_advance(t->clock, 1);
	(void)suite_expect_lease(t, "ua", "M1");
}

static void by_due_then_age(struct suite *t)
{
	static const int64_t due[] = {300, 100, 200, 100};
	static const char *const ids[] = {"M1", "M2", "M3", "M4"};
	for (int i = 0; i < 4; i++) {
		struct got_accept a = ACCEPT(t, .id = ids[i], .to = "UA");
		assert_int_equal(
		    SETTLE(t, .delivery = a.ids[0], .state = PX_D_QUEUED, .due = SUITE_START + due[i]),
		    PX_OK);
	}
	px_clock_sim_advance(t->clock, 200);
	ACCEPT(t, .id = "M5", .to = "UA"); /* due at once: now */
	(void)suite_expect_lease(t, "ua", "M2 M4 M3 M5");
	px_clock_sim_advance(t->clock, 100);
	(void)suite_expect_lease(t, "ua", "M1");
}

static void promoted_keeps_its_due(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA", .mrn = "X");
	struct got_accept b = ACCEPT(t, .id = "M2", .to = "UA", .mrn = "X");
	assert_int_equal(
	    SETTLE(t, .delivery = b.ids[0], .state = PX_D_QUEUED, .due = SUITE_START + SUITE_HOUR), PX_OK);
	suite_pass(t, "ua", "M1", PX_D_DELIVERED);
	(void)suite_expect_lease(t, "ua", "");
	px_clock_sim_advance(t->clock, SUITE_HOUR);
	(void)suite_expect_lease(t, "ua", "M2");
}

static void better_class_that_is_not_due_does_not_block(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "A1", .to = "UA", .prio = 'A');
	ACCEPT(t, .id = "C1", .to = "UA", .prio = 'C');
	assert_int_equal(
	    SETTLE(t, .delivery = a.ids[0], .state = PX_D_QUEUED, .due = SUITE_START + SUITE_HOUR), PX_OK);
	(void)suite_expect_lease(t, "ua", "C1");
}

/** More heads than anybody keeps in memory. */
static void a_backlog_flows_in_order(struct suite *t)
{
	enum { N = 1500 };
	struct got_accept *got = suite_room(t, N, sizeof(*got));
	for (unsigned i = 0; i < N; i++) {
		const char *id = suite_textf(t, "M%u", i);
		suite_submit_accept(t, &(struct note){.id = id, .to = "UA"}, &got[i]);
		if (i % 100 == 99)
			suite_wait(t, &got[i].done);
	}
	suite_reopen(t);
	for (unsigned i = 0; i < N;) {
		struct got_leases leases = suite_lease(t, "ua", 50);
		assert_int_equal(leases.n, 50);
		for (unsigned k = 0; k < leases.n; k++, i++) {
			assert_int_equal(leases.items[k].delivery.id, got[i].ids[0]);
			if (i % 2 == 0)
				assert_int_equal(suite_end(t, &leases.items[k], PX_D_DELIVERED), PX_OK);
		}
	}
	(void)suite_expect_lease(t, "ua", "");
	assert_int_equal(suite_partner(t, "ua").queued, N / 2);
	assert_int_equal(suite_partner(t, "ua").delivered, N / 2);
}

const struct suite_case suite_class_cases[] = {
    {"class A before B before C, within a class by age", a_before_b_before_c},
    {"of eight leases each lower class gets one", c_is_not_starved},
    {"of eight leases each lower class gets one, in portions", c_is_not_starved_in_portions},
    {"of eight leases C gets one when only B and C wait", c_is_not_starved_by_b},
    {"the best class goes first when few wait", best_class_first_when_few_wait},
    {"a head takes the best class of what waits behind it", head_takes_the_best_class_behind_it},
    {"the class is lost with what pushed", class_is_lost_with_what_pushed},
    {"no class comes from another movement or recipient", class_is_not_taken_from_other_queues},
    {"a class comes with a link", class_comes_with_a_link},
    {"a class is kept over reopening", class_is_kept_over_reopening},
    {"a class that came during the lease counts", class_of_what_came_during_the_lease},
    {"nothing is leased before it is due", not_before_due},
    {"within a class by due time, then age", by_due_then_age},
    {"a promoted head keeps its due time", promoted_keeps_its_due},
    {"a better class that is not due does not block", better_class_that_is_not_due_does_not_block},
    {"a long backlog flows in order", a_backlog_flows_in_order},
    {NULL, NULL},
};
