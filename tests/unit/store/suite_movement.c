/* prinex: store suite: which movement a message belongs to
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"

#include "base/strings.h"

static const char *members(struct suite *t, uint64_t movement)
{
	struct got_messages got = suite_movement(t, movement);
	assert_int_equal(got.rc, PX_OK);
	for (unsigned i = 1; i < got.n; i++)
		assert_int_equal(got.items[i].movement, got.items[0].movement);
	return suite_ids(t, &got);
}

static void without_keys_each_its_own(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	struct got_accept b = ACCEPT(t, .id = "M2", .to = "UA", .declarant = "D1");
	struct got_accept c = ACCEPT(t, .id = "M3", .to = "UA", .declarant = "D1");
	assert_true(a.movement != b.movement && b.movement != c.movement && a.movement != c.movement);
	assert_string_equal(members(t, b.movement), "M2");
	assert_int_equal(suite_stats(t).s.movements, 3);
	(void)suite_expect_lease(t, "ua", "M1 M2 M3");
}

static void by_mrn(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .mrn = "X", .declarant = "D1");
	assert_int_equal(ACCEPT(t, .id = "M2", .mrn = "X", .declarant = "D1").movement, a.movement);
	/* whoever says it, and without the declarant too */
	assert_int_equal(ACCEPT(t, .id = "M3", .sender = "UA", .from = "ua", .mrn = "X").movement,
			 a.movement);
	assert_true(ACCEPT(t, .id = "M4", .mrn = "Y", .declarant = "D1").movement != a.movement);
	assert_string_equal(members(t, a.movement), "M1 M2 M3");
	assert_int_equal(suite_stats(t).s.movements, 2);
}

static void by_lrn_of_one_declarant(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .lrn = "L", .declarant = "D1");
	assert_int_equal(ACCEPT(t, .id = "M2", .lrn = "L", .declarant = "D1").movement, a.movement);
	struct got_accept other = ACCEPT(t, .id = "M3", .lrn = "L", .declarant = "D2");
	assert_true(other.movement != a.movement);
	assert_false(other.owner_conflict); /* two declarants may number alike */
	assert_true(
	    ACCEPT(t, .id = "M4", .sender = "UA", .from = "ua", .lrn = "L", .declarant = "D1").movement !=
	    a.movement);
	struct got_accept none = ACCEPT(t, .id = "M5", .lrn = "L");
	assert_true(none.movement != a.movement);
	assert_int_equal(ACCEPT(t, .id = "M6", .lrn = "L").movement, none.movement);
}

static void keys_are_apart(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .lrn = "AB", .declarant = "C");
	assert_true(ACCEPT(t, .id = "M2", .lrn = "B", .declarant = "CA").movement != a.movement);
	assert_true(ACCEPT(t, .id = "M3", .mrn = "AB").movement != a.movement);
	assert_true(ACCEPT(t, .id = "M4", .lrn = "A", .declarant = "BC").movement != a.movement);
}

static void lrn_first_mrn_later(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "DECL", .to = "UA", .lrn = "L", .declarant = "D1");
	struct got_accept b = ACCEPT(t, .id = "REG", .to = "UA", .lrn = "L", .declarant = "D1", .mrn = "X");
	struct got_accept c = ACCEPT(t, .id = "RELEASE", .to = "UA", .mrn = "X");
	assert_int_equal(b.movement, a.movement);
	assert_int_equal(c.movement, a.movement);
	assert_string_equal(members(t, a.movement), "DECL REG RELEASE");
	suite_pass(t, "ua", "DECL", PX_D_DELIVERED);
	suite_pass(t, "ua", "REG", PX_D_DELIVERED);
	suite_pass(t, "ua", "RELEASE", PX_D_DELIVERED);
}

static void mrn_by_correlation_then_alone(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "DECL", .to = "UA", .lrn = "L", .declarant = "D1");
	struct got_accept b = ACCEPT(t, .id = "REG", .sender = "UA", .from = "ua", .to = "BY", .mrn = "X",
				     .correlation = "DECL");
	assert_int_equal(b.movement, a.movement);
	assert_int_equal(ACCEPT(t, .id = "ARRIVAL", .sender = "UA", .from = "ua", .mrn = "X").movement,
			 a.movement);
}

static void by_correlation_of_recipient(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	struct got_accept b =
	    ACCEPT(t, .id = "R1", .sender = "UA", .from = "ua", .to = "MD BY", .correlation = "M1");
	assert_int_equal(b.movement, a.movement);
	/* and through the answer on */
	assert_int_equal(ACCEPT(t, .id = "M2", .to = "UA", .correlation = "R1").movement, a.movement);
}

static void by_correlation_of_sender(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	assert_int_equal(ACCEPT(t, .id = "M2", .to = "UA", .correlation = "M1").movement, a.movement);
	assert_true(ACCEPT(t, .id = "M3", .to = "UA", .correlation = "NONE").movement != a.movement);
	/* of neither sender nor recipient */
	assert_true(
	    ACCEPT(t, .id = "M4", .sender = "LT", .from = "lt", .to = "UA", .correlation = "M1").movement !=
	    a.movement);
}

static void recipient_before_sender(struct suite *t)
{
	struct got_accept by = ACCEPT(t, .id = "SAME", .to = "UA");
	struct got_accept ua = ACCEPT(t, .id = "SAME", .sender = "UA", .from = "ua", .to = "BY");
	assert_int_equal(ACCEPT(t, .id = "M2", .to = "UA", .correlation = "SAME").movement, ua.movement);
	assert_int_equal(ACCEPT(t, .id = "M3", .to = "MD", .correlation = "SAME").movement, by.movement);
}

static void keys_before_correlation(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	struct got_accept b = ACCEPT(t, .id = "M2", .to = "UA", .mrn = "X");
	struct got_accept c = ACCEPT(t, .id = "M3", .to = "UA", .lrn = "L", .declarant = "D1");
	assert_int_equal(ACCEPT(t, .id = "M4", .to = "UA", .mrn = "X", .correlation = "M1").movement,
			 b.movement);
	assert_int_equal(
	    ACCEPT(t, .id = "M5", .to = "UA", .lrn = "L", .declarant = "D1", .correlation = "M1").movement,
	    c.movement);
	assert_string_equal(members(t, a.movement), "M1");
}

static void correlation_to_confirmations(struct suite *t)
{
	ACCEPT(t, .id = "C1", .confirmations = true, .to = "UA");
	assert_true(ACCEPT(t, .id = "M2", .correlation = "C1").movement != 0);
}

static void another_declarants_mrn(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA", .mrn = "X", .declarant = "D1");
	struct got_accept b = ACCEPT(t, .id = "M2", .to = "UA", .mrn = "X", .declarant = "D2");
	assert_int_equal(b.rc, PX_OK);
	assert_true(b.movement != a.movement);
	assert_true(b.owner_conflict);
	assert_string_equal(b.conflict_key, "X");
	/* the key stays where it was */
	assert_int_equal(ACCEPT(t, .id = "M3", .to = "UA", .mrn = "X").movement, a.movement);
	assert_int_equal(ACCEPT(t, .id = "M4", .to = "UA", .mrn = "X", .declarant = "D1").movement,
			 a.movement);
	(void)suite_expect_lease(t, "ua", "M1 M2");
}

static void another_declarant_with_a_key_of_his_own(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .mrn = "X", .declarant = "D1");
	struct got_accept b = ACCEPT(t, .id = "M2", .lrn = "L", .declarant = "D2");
	struct got_accept c = ACCEPT(t, .id = "M3", .lrn = "L", .declarant = "D2", .mrn = "X");
	assert_int_equal(c.movement, b.movement);
	assert_true(c.owner_conflict);
	assert_string_equal(members(t, a.movement), "M1");
}

static void owner_is_the_first_declarant_named(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .mrn = "X");
	struct got_accept b = ACCEPT(t, .id = "M2", .mrn = "X", .declarant = "D1");
	assert_int_equal(b.movement, a.movement);
	assert_false(b.owner_conflict);
	struct got_accept c = ACCEPT(t, .id = "M3", .mrn = "X", .declarant = "D2");
	assert_true(c.owner_conflict && c.movement != a.movement);
	suite_reopen(t);
	c = ACCEPT(t, .id = "M4", .mrn = "X", .declarant = "D3");
	assert_true(c.owner_conflict && c.movement != a.movement);
}

static void correlation_to_another_declarants(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA", .declarant = "D1");
	struct got_accept b = ACCEPT(t, .id = "M2", .to = "UA", .declarant = "D2", .correlation = "M1");
	assert_true(b.movement != a.movement);
	assert_false(b.owner_conflict);
	assert_int_equal(ACCEPT(t, .id = "M3", .to = "UA", .declarant = "D1", .correlation = "M1").movement,
			 a.movement);
}

static void ends_with_a_message(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .mrn = "X", .lrn = "L", .declarant = "D1");
	struct got_accept b = ACCEPT(t, .id = "END", .mrn = "X", .ends = true);
	assert_int_equal(b.movement, a.movement);
	struct got_accept c = ACCEPT(t, .id = "M3", .mrn = "X", .declarant = "D1");
	assert_true(c.movement != a.movement);
	struct got_accept d = ACCEPT(t, .id = "M4", .lrn = "L", .declarant = "D1");
	assert_true(d.movement != a.movement);
	assert_true(d.movement != c.movement); /* M3 did not carry the LRN */
	struct got_accept e = ACCEPT(t, .id = "M5", .mrn = "X", .correlation = "M1");
	assert_int_equal(e.movement, c.movement);
	assert_true(ACCEPT(t, .id = "M6", .correlation = "M1").movement != a.movement);
	assert_string_equal(members(t, a.movement), "M1 END");
}

/** The next user of an ended movement's MRN may be another declarant. */
static void ended_movement_owns_nothing(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .mrn = "X", .declarant = "D1", .ends = true);
	struct got_accept b = ACCEPT(t, .id = "M2", .mrn = "X", .declarant = "D2");
	assert_true(b.movement != a.movement);
	assert_false(b.owner_conflict);
	assert_int_equal(ACCEPT(t, .id = "M3", .mrn = "X").movement, b.movement);
}

static void life_ends(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .mrn = "X", .life = SUITE_DAY);
	px_clock_sim_advance(t->clock, SUITE_DAY - 1);
	assert_int_equal(ACCEPT(t, .id = "M2", .mrn = "X", .life = 100 * SUITE_DAY).movement, a.movement);
	px_clock_sim_advance(t->clock, 1);
	struct got_accept b = ACCEPT(t, .id = "M3", .mrn = "X", .life = SUITE_DAY);
	assert_true(b.movement != a.movement);
	assert_int_equal(ACCEPT(t, .id = "M4", .mrn = "X").movement, b.movement);
	assert_string_equal(members(t, a.movement), "M1 M2");
}

/* Whatever comes while something of a movement waits comes behind it, though the movement was said to end. */
static void nothing_overtakes_the_end(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA", .mrn = "X", .declarant = "D1");
	ACCEPT(t, .id = "END", .to = "UA", .mrn = "X", .ends = true);
	struct px_lease first = suite_lease_one(t, "ua");
	assert_int_equal(ACCEPT(t, .id = "LATE", .to = "UA", .mrn = "X", .type = "Registration").movement,
			 a.movement);
	assert_true(ACCEPT(t, .id = "OTHER", .mrn = "X", .declarant = "D2").owner_conflict);
	(void)suite_expect_lease(t, "ua", "");
	assert_int_equal(suite_end(t, &first, PX_D_DELIVERED), PX_OK);
	suite_pass(t, "ua", "END", PX_D_HANDED_OVER);
	assert_int_equal(ACCEPT(t, .id = "LATER", .to = "UA", .mrn = "X", .type = "Registration").movement,
			 a.movement);
	suite_pass(t, "ua", "LATE", PX_D_DELIVERED);
	suite_pass(t, "ua", "LATER", PX_D_DELIVERED);
	assert_true(ACCEPT(t, .id = "NEXT", .to = "UA", .mrn = "X").movement != a.movement);
}

static void nothing_overtakes_the_end_of_life(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA", .mrn = "X", .life = SUITE_DAY);
	px_clock_sim_advance(t->clock, 2 * SUITE_DAY);
	assert_int_equal(ACCEPT(t, .id = "M2", .to = "UA", .mrn = "X").movement, a.movement);
	assert_int_equal(ACCEPT(t, .id = "M3", .to = "UA", .correlation = "M1").movement, a.movement);
	suite_pass(t, "ua", "M1", PX_D_DELIVERED);
	suite_pass(t, "ua", "M2", PX_D_DELIVERED);
	suite_pass(t, "ua", "M3", PX_D_DELIVERED);
	assert_true(ACCEPT(t, .id = "M4", .to = "UA", .mrn = "X").movement != a.movement);
}

/* Declared again while the end still waits, it goes on when that has been delivered. */
static void declared_again_behind_the_end(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA", .mrn = "X", .lrn = "L");
	ACCEPT(t, .id = "END", .to = "UA", .mrn = "X", .lrn = "L", .type = "Cancellation", .ends = true,
	       .need = PX_NEED_OWN);
	assert_int_equal(
	    ACCEPT(t, .id = "M2", .to = "UA", .mrn = "X", .lrn = "L", .need = PX_NEED_NEW).movement,
	    a.movement);
	suite_pass(t, "ua", "M1", PX_D_DELIVERED);
	suite_pass(t, "ua", "END", PX_D_DELIVERED);
	suite_pass(t, "ua", "M2", PX_D_DELIVERED);
	ACCEPT(t, .id = "R1", .sender = "UA", .type = "ArrivalNotice", .mrn = "X", .need = PX_NEED_PARTY);
	ACCEPT(t, .id = "END2", .mrn = "X", .type = "Cancellation", .ends = true, .need = PX_NEED_OWN);
	assert_true(ACCEPT(t, .id = "M3", .mrn = "X").movement != a.movement);
}

/* One that has ended and still waits is linked like any other, and ends nothing that goes on. */
static void ended_and_linked(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "A1", .to = "UA", .lrn = "L", .declarant = "D1");
	ACCEPT(t, .id = "B1", .to = "UA", .mrn = "X", .ends = true);
	struct got_accept both = ACCEPT(t, .id = "AB", .to = "UA", .lrn = "L", .declarant = "D1", .mrn = "X");
	assert_int_equal(both.movement, a.movement);
	suite_pass(t, "ua", "A1", PX_D_DELIVERED);
	suite_pass(t, "ua", "B1", PX_D_DELIVERED);
	suite_pass(t, "ua", "AB", PX_D_DELIVERED);
	assert_int_equal(ACCEPT(t, .id = "A2", .to = "UA", .lrn = "L", .declarant = "D1").movement,
			 a.movement);
}

static void confirmations_have_none(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA", .mrn = "X");
	struct got_accept c =
	    ACCEPT(t, .id = "C1", .to = "UA", .mrn = "X", .correlation = "M1", .confirmations = true);
	assert_int_equal(c.movement, 0);
	assert_int_equal(suite_find(t, "BY", "C1").m.movement, 0);
	assert_true(suite_find(t, "BY", "C1").m.confirmations);
	assert_int_equal(suite_delivery(t, "C1", "UA").movement, 0);
	assert_string_equal(members(t, a.movement), "M1");
	assert_int_equal(suite_stats(t).s.movements, 1);
	assert_int_equal(suite_movement(t, 0).rc, PX_ENOTFOUND);
}

static void known_after_crash(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA", .mrn = "X", .lrn = "L", .declarant = "D1");
	suite_crash(t);
	assert_int_equal(ACCEPT(t, .id = "M2", .to = "UA", .mrn = "X").movement, a.movement);
	assert_int_equal(ACCEPT(t, .id = "M3", .to = "UA", .lrn = "L", .declarant = "D1").movement,
			 a.movement);
	assert_int_equal(ACCEPT(t, .id = "M4", .to = "UA", .correlation = "M1").movement, a.movement);
	assert_true(ACCEPT(t, .id = "M5", .to = "UA").movement > a.movement);
	(void)suite_expect_lease(t, "ua", "M1 M5");
}

static void found_within_a_batch(struct suite *t)
{
	static const struct note notes[] = {{.id = "M1", .lrn = "L", .declarant = "D"},
					    {.id = "M2", .lrn = "L", .declarant = "D", .mrn = "X"},
					    {.id = "M3", .mrn = "X", .ends = true},
					    {.id = "M4", .mrn = "X"}};
	struct got_accept *got = suite_room(t, 4, sizeof(*got));
	for (int i = 0; i < 4; i++)
		suite_submit_accept(t, &notes[i], &got[i]);
	for (int i = 0; i < 4; i++)
		suite_wait(t, &got[i].done);
	assert_int_equal(got[1].movement, got[0].movement);
	assert_int_equal(got[2].movement, got[0].movement);
	assert_true(got[3].movement != got[0].movement);
}

/* Whoever names an MRN first has not got it: who declares it has. */
static void declared_after_it_was_named(struct suite *t)
{
	struct got_accept s =
	    ACCEPT(t, .id = "S1", .sender = "MD", .type = "Registration", .mrn = "X", .declarant = "Z");
	struct got_accept a =
	    ACCEPT(t, .id = "M1", .type = "PreArrivalNotice", .lrn = "L", .mrn = "X", .declarant = "D");
	assert_true(a.owner_conflict && a.movement != s.movement);
	assert_int_equal(ACCEPT(t, .id = "R1", .sender = "UA", .type = "ArrivalNotice", .mrn = "X").movement,
			 a.movement);
	struct got_accept b = ACCEPT(t, .id = "S2", .sender = "MD", .type = "PreArrivalNotice", .lrn = "K",
				     .mrn = "X", .declarant = "Z");
	assert_true(b.owner_conflict && b.movement != a.movement);
	suite_crash(t);
	assert_int_equal(ACCEPT(t, .id = "R2", .sender = "UA", .type = "ArrivalNotice", .mrn = "X").movement,
			 a.movement);
}

static void joins_what_is_named(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .lrn = "L1", .declarant = "D", .to = "UA");
	struct got_accept b = ACCEPT(t, .id = "M2", .lrn = "L2", .declarant = "E");
	assert_int_equal(ACCEPT(t, .id = "M3", .sender = "UA", .join = a.movement).movement, a.movement);
	assert_int_equal(ACCEPT(t, .id = "M4", .lrn = "L2", .declarant = "E", .join = a.movement).movement,
			 b.movement); /* its keys come first */
	assert_int_not_equal(ACCEPT(t, .id = "M5", .declarant = "F", .join = a.movement).movement,
			     a.movement);
	assert_int_not_equal(ACCEPT(t, .id = "M6", .join = 12345).movement, a.movement);
	assert_int_equal(ACCEPT(t, .id = "M7", .sender = "UA", .need = PX_NEED_PARTY, .join = a.movement).rc,
			 PX_OK);
	assert_int_equal(TRY(t, .id = "M8", .sender = "UA", .need = PX_NEED_PARTY, .join = b.movement).rc,
			 PX_EPRECONDITION);
	ACCEPT(t, .id = "M9", .lrn = "L2", .declarant = "E", .ends = true);
	assert_int_not_equal(ACCEPT(t, .id = "M10", .join = b.movement).movement, b.movement); /* not live */
	/* UA reports under an LRN that two declarants use; it was told which is meant, each time. */
	struct got_accept c = ACCEPT(t, .id = "M11", .lrn = "L3", .declarant = "E");
	assert_int_equal(ACCEPT(t, .id = "R1", .sender = "UA", .lrn = "L", .join = a.movement).movement,
			 a.movement);
	assert_int_equal(ACCEPT(t, .id = "R2", .sender = "UA", .lrn = "L", .join = c.movement).movement,
			 c.movement);
	assert_int_equal(ACCEPT(t, .id = "R3", .sender = "UA", .lrn = "L").movement, a.movement);
}

/* Also from the movement that it was before it was linked, whose messages are between the others. */
static void in_pages(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .mrn = "X");
	struct got_accept b = ACCEPT(t, .id = "M2", .lrn = "L", .declarant = "D");
	ACCEPT(t, .id = "M3", .mrn = "X");
	ACCEPT(t, .id = "M4", .lrn = "L", .declarant = "D");
	ACCEPT(t, .id = "M5", .mrn = "X", .lrn = "L", .declarant = "D");
	struct got_messages page = suite_movement_page(t, b.movement, 0, 2);
	assert_string_equal(suite_ids(t, &page), "M1 M2");
	page = suite_movement_page(t, b.movement, page.next, 2);
	assert_string_equal(suite_ids(t, &page), "M3 M4");
	page = suite_movement_page(t, a.movement, page.next, 2);
	assert_string_equal(suite_ids(t, &page), "M5");
	assert_int_equal(page.next, 0);
}

const struct suite_case suite_movement_cases[] = {
    {"messages of a movement come in pages", in_pages},
    {"messages without keys are movements of their own", without_keys_each_its_own},
    {"a movement is found by MRN", by_mrn},
    {"a movement is found by LRN of one sender and declarant", by_lrn_of_one_declarant},
    {"parts of keys do not run together", keys_are_apart},
    {"LRN first, MRN later", lrn_first_mrn_later},
    {"an MRN belongs to who declares it, not to who named it before", declared_after_it_was_named},
    {"a movement that is named is joined when nothing else finds one", joins_what_is_named},
    {"an MRN that comes by CorrelationId belongs to the movement", mrn_by_correlation_then_alone},
    {"a movement is found by CorrelationId of a recipient", by_correlation_of_recipient},
    {"a movement is found by CorrelationId of the sender", by_correlation_of_sender},
    {"CorrelationId means the recipient's message before the sender's", recipient_before_sender},
    {"keys go before CorrelationId", keys_before_correlation},
    {"CorrelationId of confirmations leads nowhere", correlation_to_confirmations},
    {"another declarant's MRN never merges and is reported", another_declarants_mrn},
    {"another declarant joins by his own key", another_declarant_with_a_key_of_his_own},
    {"a movement belongs to the first declarant named", owner_is_the_first_declarant_named},
    {"CorrelationId to another declarant's movement does not merge", correlation_to_another_declarants},
    {"a message ends its movement", ends_with_a_message},
    {"an ended movement owns no key", ended_movement_owns_nothing},
    {"a movement ends with its life", life_ends},
    {"nothing overtakes what waits in a movement that ended", nothing_overtakes_the_end},
    {"nothing overtakes what waits in a movement whose life is over", nothing_overtakes_the_end_of_life},
    {"what is declared again behind the end goes on", declared_again_behind_the_end},
    {"a movement that ended and waits is linked", ended_and_linked},
    {"confirmations have no movement", confirmations_have_none},
    {"movements are found after a crash", known_after_crash},
    {"movements are found within a batch", found_within_a_batch},
    {NULL, NULL},
};
