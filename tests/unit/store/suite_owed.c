/* prinex: store suite: pending confirmations
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"

#include "base/strings.h"

/* --- owed --------------------------------------------------------------------------------------------------
 */

/** Settle @delivery as delivered, owing @text. */
static int settle_owing(struct suite *t, uint64_t delivery, const char *text)
{
	return SETTLE(t, .delivery = delivery, .state = PX_D_DELIVERED, .owed = (const uint8_t *)text,
		      .owed_len = strlen(text));
}

static void owe(struct suite *t, const struct note *note, const char *text)
{
	struct got_accept a = suite_accept_ok(t, note);
	assert_int_equal(settle_owing(t, a.ids[0], text), PX_OK);
}

static const char *owed_texts(struct suite *t, const char *partner, const char *ref_sender, unsigned max,
			      uint64_t octets)
{
	struct got_owed got = suite_owed(t, partner, ref_sender, max, octets);
	assert_int_equal(got.rc, PX_OK);
	struct px_buf buf = PX_BUF_INIT;
	for (unsigned i = 0; i < got.n; i++)
		px_buf_addf(&buf, "%s%s", i > 0 ? " " : "", got.texts[i]);
	const char *text = suite_text(t, px_buf_str(&buf));
	px_buf_free(&buf);
	return text;
}

static void settle_writes_what_is_owed(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	struct px_lease lease = suite_lease_one(t, "ua");
	assert_int_equal(suite_groups(t, 10).n, 0);
	px_clock_sim_advance(t->clock, 100);
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .token = lease.token, .state = PX_D_REFUSED,
				.owed = (const uint8_t *)"<CoE/>", .owed_len = 6),
			 PX_OK);
	struct got_groups groups = suite_groups(t, 10);
	assert_int_equal(groups.n, 1);
	assert_string_equal(groups.items[0].partner, "by");
	assert_string_equal(groups.items[0].ref_sender, "BY");
	assert_int_equal(groups.items[0].oldest, SUITE_START + 100);
	assert_string_equal(owed_texts(t, "by", "BY", 10, 1000), "<CoE/>");
	assert_string_equal(owed_texts(t, "by", "UA", 10, 1000), "");
	assert_string_equal(owed_texts(t, "ua", "BY", 10, 1000), "");
	assert_int_equal(suite_stats(t).s.owed, 1);
}

static void groups_oldest_first(struct suite *t)
{
	owe(t, &(struct note){.id = "M1", .from = "z", .to = "UA"}, "one");
	px_clock_sim_advance(t->clock, 10);
	owe(t, &(struct note){.id = "M2", .from = "a", .to = "UA"}, "two");
	px_clock_sim_advance(t->clock, 10);
	owe(t, &(struct note){.id = "M3", .from = "a", .sender = "LT", .to = "UA"}, "three");
	owe(t, &(struct note){.id = "M4", .from = "z", .to = "UA"}, "four");
	struct got_groups groups = suite_groups(t, 10);
	assert_int_equal(groups.n, 3);
	assert_string_equal(groups.items[0].partner, "z");
	assert_int_equal(groups.items[0].oldest, SUITE_START);
	assert_string_equal(groups.items[1].partner, "a");
	assert_string_equal(groups.items[1].ref_sender, "BY");
	assert_string_equal(groups.items[2].ref_sender, "LT");
	assert_int_equal(suite_groups(t, 2).n, 2);
	assert_string_equal(suite_groups(t, 1).items[0].partner, "z");
	assert_string_equal(owed_texts(t, "z", "BY", 10, 1000), "one four");
}

static void owed_by_count_and_octets(struct suite *t)
{
	static const char *const ids[] = {"M1", "M2", "M3", "M4"};
	for (int i = 0; i < 4; i++)
		owe(t, &(struct note){.id = ids[i], .to = "UA"}, ids[i]);
	assert_string_equal(owed_texts(t, "by", "BY", 3, 1000), "M1 M2 M3");
	assert_string_equal(owed_texts(t, "by", "BY", 10, 6), "M1 M2 M3");
	assert_string_equal(owed_texts(t, "by", "BY", 10, 5), "M1 M2");
	assert_string_equal(owed_texts(t, "by", "BY", 10, 1), "M1");             /* or it would never go */
	assert_string_equal(owed_texts(t, "by", "BY", 10, 1000), "M1 M2 M3 M4"); /* looking takes nothing */
}

static void consumed_with_the_exchange(struct suite *t)
{
	static const char *const ids[] = {"M1", "M2", "M3"};
	for (int i = 0; i < 3; i++) {
		owe(t, &(struct note){.id = ids[i], .to = "UA"}, ids[i]);
		px_clock_sim_advance(t->clock, 10);
	}
	struct got_owed owed = suite_owed(t, "by", "BY", 2, 1000);
	ACCEPT(t, .id = "PX-C1", .own = true, .confirmations = true, .to = "BY", .n_consume = owed.n,
	       .consume = owed.ids);
	assert_string_equal(owed_texts(t, "by", "BY", 10, 1000), "M3");
	struct got_groups groups = suite_groups(t, 10);
	assert_int_equal(groups.n, 1);
	assert_int_equal(groups.items[0].oldest, SUITE_START + 20);
	suite_crash(t);
	assert_string_equal(owed_texts(t, "by", "BY", 10, 1000), "M3");
	owed = suite_owed(t, "by", "BY", 2, 1000);
	ACCEPT(t, .id = "PX-C2", .own = true, .confirmations = true, .to = "BY", .n_consume = 1,
	       .consume = owed.ids);
	assert_int_equal(suite_groups(t, 10).n, 0);
	assert_int_equal(suite_stats(t).s.owed, 0);
}

static void nothing_owed_about_confirmations(struct suite *t)
{
	owe(t, &(struct note){.id = "C1", .to = "UA", .confirmations = true}, "loop");
	assert_int_equal(suite_groups(t, 10).n, 0);
	assert_int_equal(suite_stats(t).s.owed, 0);
}

static void nothing_owed_to_ourselves(struct suite *t)
{
	owe(t, &(struct note){.id = "PX-1", .to = "UA", .own = true}, "to whom?");
	assert_int_equal(suite_groups(t, 10).n, 0);
	assert_int_equal(suite_stats(t).s.owed, 0);
}

static void failed_settle_owes_nothing(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	(void)suite_expect_lease(t, "ua", "M1");
	assert_int_equal(settle_owing(t, a.ids[0], "stale"), PX_ESTALE);
	struct got_accept b = ACCEPT(t, .id = "M2", .to = "UA");
	assert_int_equal(SETTLE(t, .delivery = b.ids[0], .state = PX_D_EXPIRED), PX_OK);
	assert_int_equal(settle_owing(t, b.ids[0], "final"), PX_EPRECONDITION);
	assert_int_equal(suite_stats(t).s.owed, 0);
}

static void owed_is_kept(struct suite *t)
{
	owe(t, &(struct note){.id = "M1", .to = "UA"}, "one");
	uint64_t id = suite_owed(t, "by", "BY", 1, 100).ids[0];
	suite_crash(t);
	assert_int_equal(suite_owed(t, "by", "BY", 1, 100).ids[0], id);
	owe(t, &(struct note){.id = "M2", .to = "UA"}, "two");
	assert_string_equal(owed_texts(t, "by", "BY", 10, 1000), "one two");
}

static void superseding_owes_again(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_UNKNOWN,
				.owed = (const uint8_t *)"unknown", .owed_len = 7),
			 PX_OK);
	assert_int_equal(settle_owing(t, a.ids[0], "delivered"), PX_OK);
	assert_string_equal(owed_texts(t, "by", "BY", 10, 1000), "unknown delivered");
}

/* "answer" is YW5zd2Vy. */
static int settle_with_answer(struct suite *t, uint64_t delivery)
{
	return SETTLE(t, .delivery = delivery, .state = PX_D_DELIVERED, .answer = (const uint8_t *)"answer",
		      .answer_len = 6, .owed = (const uint8_t *)"<E></E>", .owed_len = 7,
		      .owed_answer_at = 3);
}

static void the_answer_is_put_in(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	assert_int_equal(settle_with_answer(t, a.ids[0]), PX_OK);
	owe(t, &(struct note){.id = "M2", .to = "UA"}, "two");
	struct got_groups groups = suite_groups(t, 10);
	assert_int_equal(groups.n, 1);
	assert_string_equal(owed_texts(t, "by", "BY", 10, 1000), "<E>YW5zd2Vy</E> two");
	assert_string_equal(owed_texts(t, "by", "BY", 10, 17), "<E>YW5zd2Vy</E>");
	suite_sound(t);
	suite_crash(t);
	struct got_owed owed = suite_owed(t, "by", "BY", 10, 1000);
	assert_string_equal(owed.texts[0], "<E>YW5zd2Vy</E>");
	ACCEPT(t, .id = "PX-C1", .own = true, .confirmations = true, .to = "BY", .n_consume = owed.n,
	       .consume = owed.ids);
	assert_int_equal(suite_groups(t, 10).n, 0);
	suite_sound(t);
}

/* What is still owed about an earlier answer keeps that when another one takes its place. "second" is
 * c2Vjb25k. */
static void a_later_answer_leaves_the_first(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_UNKNOWN,
				.answer = (const uint8_t *)"answer", .answer_len = 6,
				.owed = (const uint8_t *)"<E></E>", .owed_len = 7, .owed_answer_at = 3),
			 PX_OK);
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_DELIVERED, .whoever = true,
				.answer = (const uint8_t *)"second", .answer_len = 6,
				.owed = (const uint8_t *)"<F></F>", .owed_len = 7, .owed_answer_at = 3),
			 PX_OK);
	suite_sound(t);
	suite_crash(t);
	assert_string_equal(owed_texts(t, "by", "BY", 10, 1000), "<E>YW5zd2Vy</E> <F>c2Vjb25k</F>");
}

const struct suite_case suite_owed_cases[] = {
    {"settling writes what is owed", settle_writes_what_is_owed},
    {"groups of pending confirmations, oldest first", groups_oldest_first},
    {"pending confirmations by count and octets", owed_by_count_and_octets},
    {"pending confirmations are consumed with the exchange", consumed_with_the_exchange},
    {"nothing is owed about confirmations", nothing_owed_about_confirmations},
    {"nothing is owed about this node's own messages", nothing_owed_to_ourselves},
    {"a settle that fails owes nothing", failed_settle_owes_nothing},
    {"pending confirmations are kept over a crash", owed_is_kept},
    {"superseding owes again", superseding_owes_again},
    {"the answer is put into what is owed", the_answer_is_put_in},
    {"a later answer leaves the first where it is owed", a_later_answer_leaves_the_first},
    {NULL, NULL},
};
