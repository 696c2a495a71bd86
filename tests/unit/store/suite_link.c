/* prinex: store suite: two movements turn out to be one
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"

static const char *members(struct suite *t, uint64_t movement)
{
	struct got_messages got = suite_movement(t, movement);
	assert_int_equal(got.rc, PX_OK);
	return suite_ids(t, &got);
}

static void mrn_before_lrn(struct suite *t)
{
	struct got_accept mrn = ACCEPT(t, .id = "PRE", .to = "UA", .mrn = "X");
	struct got_accept lrn = ACCEPT(t, .id = "DECL", .to = "UA", .lrn = "L", .declarant = "D1");
	assert_true(mrn.movement != lrn.movement);
	assert_int_equal(suite_stats(t).s.movements, 2);
	struct got_accept both =
	    ACCEPT(t, .id = "REG", .to = "UA", .lrn = "L", .declarant = "D1", .mrn = "X");
	assert_int_equal(both.movement, mrn.movement); /* the lower id */
	assert_false(both.owner_conflict);
	assert_int_equal(suite_stats(t).s.movements, 1);
	assert_int_equal(suite_find(t, "BY", "DECL").m.movement, mrn.movement);
	assert_int_equal(suite_delivery(t, "DECL", "UA").movement, mrn.movement);
	assert_int_equal(ACCEPT(t, .id = "M4", .lrn = "L", .declarant = "D1").movement, mrn.movement);
	assert_int_equal(ACCEPT(t, .id = "M5", .mrn = "X").movement, mrn.movement);
	assert_int_equal(ACCEPT(t, .id = "M6", .correlation = "DECL").movement, mrn.movement);
}

static void known_by_both_ids(struct suite *t)
{
	struct got_accept lrn = ACCEPT(t, .id = "M1", .lrn = "L");
	struct got_accept mrn = ACCEPT(t, .id = "M2", .mrn = "X");
	ACCEPT(t, .id = "M3", .lrn = "L");
	ACCEPT(t, .id = "M4", .mrn = "X");
	ACCEPT(t, .id = "M5", .lrn = "L", .mrn = "X");
	ACCEPT(t, .id = "M6", .mrn = "X");
	assert_string_equal(members(t, lrn.movement), "M1 M2 M3 M4 M5 M6");
	assert_string_equal(members(t, mrn.movement), "M1 M2 M3 M4 M5 M6");
	suite_reopen(t);
	assert_string_equal(members(t, mrn.movement), "M1 M2 M3 M4 M5 M6");
}

static void waits_for_both(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA", .lrn = "L");
	ACCEPT(t, .id = "M2", .to = "UA", .mrn = "X");
	struct got_leases in_flight = suite_expect_lease(t, "ua", "M1 M2");
	ACCEPT(t, .id = "M3", .to = "UA", .lrn = "L", .mrn = "X");
	(void)suite_expect_lease(t, "ua", "");
	assert_false(suite_delivery(t, "M3", "UA").head);
	assert_int_equal(suite_end(t, &in_flight.items[0], PX_D_DELIVERED), PX_OK);
	(void)suite_expect_lease(t, "ua", ""); /* M2 is still on its way */
	assert_int_equal(suite_end(t, &in_flight.items[1], PX_D_DELIVERED), PX_OK);
	(void)suite_expect_lease(t, "ua", "M3");
}

static void waits_for_both_the_other_way_round(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA", .lrn = "L");
	ACCEPT(t, .id = "M2", .to = "UA", .mrn = "X");
	struct got_leases in_flight = suite_expect_lease(t, "ua", "M1 M2");
	ACCEPT(t, .id = "M3", .to = "UA", .lrn = "L", .mrn = "X");
	assert_int_equal(suite_end(t, &in_flight.items[1], PX_D_REFUSED), PX_OK);
	(void)suite_expect_lease(t, "ua", "");
	assert_int_equal(suite_end(t, &in_flight.items[0], PX_D_UNKNOWN), PX_OK);
	(void)suite_expect_lease(t, "ua", "M3");
}

/** The later of two in flight comes back unsettled: it waits for the earlier one now. */
static void given_back_after_a_link(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA", .lrn = "L");
	ACCEPT(t, .id = "M2", .to = "UA", .mrn = "X");
	struct got_leases in_flight = suite_expect_lease(t, "ua", "M1 M2");
	ACCEPT(t, .id = "M3", .to = "UA", .lrn = "L", .mrn = "X");
	assert_false(suite_delivery(t, "M2", "UA").head);
	assert_true(suite_delivery(t, "M2", "UA").leased);
	suite_give_back(t, &in_flight.items[1]);
	(void)suite_expect_lease(t, "ua", "");
	suite_give_back(t, &in_flight.items[0]);
	suite_pass(t, "ua", "M1", PX_D_DELIVERED);
	suite_pass(t, "ua", "M2", PX_D_DELIVERED);
	suite_pass(t, "ua", "M3", PX_D_DELIVERED);
}

/** Neither was leased: of two heads one remains, and the other takes its place in order. */
static void queues_become_one(struct suite *t)
{
	static const char *const order[] = {"A1", "B1", "A2", "B2", "B3", "A3", "BOTH", "A4"};
	for (int i = 0; i < 8; i++) {
		bool a = order[i][0] == 'A', both = order[i][0] == 'B' && order[i][1] == 'O';
		ACCEPT(t, .id = order[i], .to = "UA", .lrn = a || both ? "L" : NULL,
		       .mrn = !a || both ? "X" : NULL);
	}
	for (int i = 0; i < 8; i++) {
		struct got_leases got = suite_lease(t, "ua", 64);
		assert_int_equal(got.n, 1);
		assert_string_equal(got.items[0].header.message_id, order[i]);
		assert_true(got.items[0].delivery.head);
		assert_int_equal(suite_end(t, &got.items[0], PX_D_DELIVERED), PX_OK);
	}
}

static void recipients_stay_apart(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA", .lrn = "L");
	ACCEPT(t, .id = "M2", .to = "MD", .mrn = "X");
	ACCEPT(t, .id = "M3", .to = "UA MD LT", .lrn = "L", .mrn = "X");
	(void)suite_expect_lease(t, "ua", "M1");
	(void)suite_expect_lease(t, "md", "M2");
	(void)suite_expect_lease(t, "lt", "M3");
}

static void of_two_declarants_never(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA", .mrn = "X", .declarant = "D1");
	struct got_accept b = ACCEPT(t, .id = "M2", .to = "UA", .lrn = "L");
	assert_int_equal(ACCEPT(t, .id = "M3", .to = "UA", .correlation = "M2", .declarant = "D2").movement,
			 b.movement);
	struct got_accept c = ACCEPT(t, .id = "M4", .to = "UA", .mrn = "X", .lrn = "L");
	assert_int_equal(c.movement, a.movement);
	assert_true(c.owner_conflict);
	assert_string_equal(c.conflict_key, "L");
	assert_int_equal(ACCEPT(t, .id = "M5", .to = "UA", .lrn = "L").movement, b.movement);
	assert_string_equal(members(t, b.movement), "M2 M3 M5");
}

/** The owner of either is the owner of both. */
static void owner_of_the_linked(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .lrn = "L");
	ACCEPT(t, .id = "M2", .mrn = "X", .declarant = "D1");
	assert_int_equal(ACCEPT(t, .id = "M3", .mrn = "X", .lrn = "L").movement, a.movement);
	struct got_accept c = ACCEPT(t, .id = "M4", .mrn = "X", .declarant = "D2");
	assert_true(c.owner_conflict);
	assert_true(c.movement != a.movement);
	assert_int_equal(ACCEPT(t, .id = "M5", .mrn = "X", .declarant = "D1").movement, a.movement);
}

static void chain_of_links(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "A", .to = "UA", .mrn = "XA");
	struct got_accept b = ACCEPT(t, .id = "B", .to = "UA", .lrn = "LB");
	struct got_accept c = ACCEPT(t, .id = "C", .to = "UA", .mrn = "XC");
	struct got_accept d = ACCEPT(t, .id = "D", .to = "UA", .lrn = "LD");
	ACCEPT(t, .id = "CD", .to = "UA", .mrn = "XC", .lrn = "LD");
	ACCEPT(t, .id = "CB", .to = "UA", .mrn = "XC", .lrn = "LB");
	assert_int_equal(ACCEPT(t, .id = "AD", .to = "UA", .mrn = "XA", .lrn = "LD").movement, a.movement);
	assert_int_equal(suite_stats(t).s.movements, 1);
	const uint64_t ids[] = {a.movement, b.movement, c.movement, d.movement};
	for (int i = 0; i < 4; i++)
		assert_string_equal(members(t, ids[i]), "A B C D CD CB AD");
	static const char *const order[] = {"A", "B", "C", "D", "CD", "CB", "AD"};
	for (int i = 0; i < 7; i++) {
		struct got_leases got = suite_expect_lease(t, "ua", order[i]);
		assert_int_equal(suite_end(t, &got.items[0], PX_D_DELIVERED), PX_OK);
	}
}

static void linking_twice_changes_nothing(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA", .lrn = "L");
	ACCEPT(t, .id = "M2", .to = "UA", .mrn = "X");
	ACCEPT(t, .id = "M3", .to = "UA", .lrn = "L", .mrn = "X");
	assert_int_equal(ACCEPT(t, .id = "M4", .to = "UA", .lrn = "L", .mrn = "X").movement, a.movement);
	assert_int_equal(suite_stats(t).s.movements, 1);
	assert_string_equal(members(t, a.movement), "M1 M2 M3 M4");
}

/** The later end of the two lives counts. */
static void life_of_the_linked(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .lrn = "L", .life = SUITE_DAY);
	ACCEPT(t, .id = "M2", .mrn = "X", .life = 10 * SUITE_DAY);
	ACCEPT(t, .id = "M3", .lrn = "L", .mrn = "X");
	px_clock_sim_advance(t->clock, 5 * SUITE_DAY);
	assert_int_equal(ACCEPT(t, .id = "M4", .lrn = "L").movement, a.movement);
	px_clock_sim_advance(t->clock, 5 * SUITE_DAY);
	assert_true(ACCEPT(t, .id = "M5", .lrn = "L").movement != a.movement);
}

static void ended_ones_are_not_linked(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA", .lrn = "L", .ends = true);
	suite_pass(t, "ua", "M1", PX_D_DELIVERED);
	struct got_accept b = ACCEPT(t, .id = "M2", .to = "UA", .mrn = "X");
	assert_int_equal(ACCEPT(t, .id = "M3", .to = "UA", .lrn = "L", .mrn = "X").movement, b.movement);
	assert_string_equal(members(t, a.movement), "M1");
	assert_int_equal(ACCEPT(t, .id = "M4", .to = "UA", .lrn = "L").movement,
			 b.movement); /* the key passed on */
	(void)suite_expect_lease(t, "ua", "M2");
}

static void an_end_ends_the_linked(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .lrn = "L");
	ACCEPT(t, .id = "M2", .mrn = "X");
	assert_int_equal(ACCEPT(t, .id = "M3", .lrn = "L", .mrn = "X", .ends = true).movement, a.movement);
	assert_true(ACCEPT(t, .id = "M4", .lrn = "L").movement != a.movement);
	assert_true(ACCEPT(t, .id = "M5", .mrn = "X").movement != a.movement);
}

static void linked_with_many_waiting(struct suite *t)
{
	for (int i = 0; i < 60; i++) {
		const char *id = suite_textf(t, "M%02d", i);
		ACCEPT(t, .id = id, .to = "UA MD", .lrn = i % 3 == 0 ? "L" : NULL,
		       .mrn = i % 3 != 0 ? "X" : NULL, .prio = (char)('A' + i % 2));
	}
	ACCEPT(t, .id = "BOTH", .to = "UA", .lrn = "L", .mrn = "X", .prio = 'C');
	suite_sound(t);
	suite_crash(t);
	for (int i = 0; i < 60; i++) {
		const char *id = suite_textf(t, "M%02d", i);
		suite_pass(t, "ua", id, PX_D_DELIVERED);
	}
	suite_pass(t, "ua", "BOTH", PX_D_DELIVERED);
	(void)suite_expect_lease(t, "md", "M00");
}

static void linked_after_hand_over(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA", .lrn = "L");
	ACCEPT(t, .id = "M2", .to = "UA", .mrn = "X");
	suite_pass(t, "ua", "M1", PX_D_HANDED_OVER);
	ACCEPT(t, .id = "M3", .to = "UA", .lrn = "L", .mrn = "X");
	suite_pass(t, "ua", "M2", PX_D_DELIVERED);
	suite_pass(t, "ua", "M3", PX_D_DELIVERED);
}

const struct suite_case suite_link_cases[] = {
    {"MRN before LRN: a message with both links the movements", mrn_before_lrn},
    {"linked movements are known by both ids, in commit order", known_by_both_ids},
    {"a linking message waits for both in flight", waits_for_both},
    {"a linking message waits for both, whichever ends first", waits_for_both_the_other_way_round},
    {"what comes back after a link waits for the earlier one", given_back_after_a_link},
    {"linked queues become one in commit order", queues_become_one},
    {"recipients of linked movements stay apart", recipients_stay_apart},
    {"movements of two declarants are never linked", of_two_declarants_never},
    {"the owner of one is the owner of both", owner_of_the_linked},
    {"movements linked one after the other", chain_of_links},
    {"linking twice changes nothing", linking_twice_changes_nothing},
    {"linked movements live as long as the longer", life_of_the_linked},
    {"an ended movement is not linked", ended_ones_are_not_linked},
    {"a message that links and ends ends both", an_end_ends_the_linked},
    {"a link with many waiting keeps their order", linked_with_many_waiting},
    {"a link does not wait for what was handed over", linked_after_hand_over},
    {NULL, NULL},
};
