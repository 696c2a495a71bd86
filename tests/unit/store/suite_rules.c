/* prinex: store suite: callbacks, closing, the order of writes
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"

#include "base/strings.h"

#define MANY 50

/** Everything that was asked before px_store_close is done and told. */
static void close_finishes(struct suite *t)
{
	struct got_accept *got = suite_room(t, MANY, sizeof(*got));
	uint64_t id = ACCEPT(t, .id = "FIRST", .to = "UA").ids[0];
	for (int i = 0; i < MANY; i++) {
		const char *name = suite_textf(t, "M%d", i);
		suite_submit_accept(t, &(struct note){.id = name, .to = "UA"}, &got[i]);
	}
	struct got_write *settled = suite_room(t, 1, sizeof(*settled));
	suite_submit_settle(t, &(struct px_settle){.delivery = id, .state = PX_D_DELIVERED}, settled);
	suite_reopen(t);
	for (int i = 0; i < MANY; i++) {
		assert_true(got[i].done);
		assert_int_equal(got[i].rc, PX_OK);
	}
	assert_true(settled->done);
	assert_int_equal(settled->rc, PX_OK);
	assert_int_equal(suite_stats(t).s.messages, MANY + 1);
	assert_int_equal(suite_state(t, "FIRST", "UA"), PX_D_DELIVERED);
	assert_int_equal(suite_state(t, "M49", "UA"), PX_D_QUEUED);
}

/** A callback that asks again, a limited number of times. */
struct again {
	struct suite *t;
	unsigned left, ok, cancelled;
	bool done;
};

static void ask_again(void *arg, int rc)
{
	struct again *a = arg;
	a->t->callbacks++;
	a->ok += rc == PX_OK;
	a->cancelled += rc == PX_ECANCELLED;
	a->done = a->left == 0;
	if (a->left == 0)
		return;
	a->left--;
	a->t->submitted++;
	px_store_journal(a->t->st, &(struct px_journal_entry){.kind = PX_J_ADMIN}, ask_again, a);
}

static struct again *start_asking(struct suite *t, unsigned times)
{
	struct again *a = suite_room(t, 1, sizeof(*a));
	*a = (struct again){.t = t, .left = times - 1};
	t->submitted++;
	px_store_journal(t->st, &(struct px_journal_entry){.kind = PX_J_ADMIN}, ask_again, a);
	return a;
}

static void callbacks_may_submit(struct suite *t)
{
	struct again *a = start_asking(t, 20);
	assert_false(a->done);
	suite_wait(t, &a->done);
	assert_int_equal(a->ok, 20);
	assert_int_equal(suite_entries(t), 21);
}

static void submitted_while_closing(struct suite *t)
{
	struct again *a = start_asking(t, 3);
	px_store_close(&t->st);
	assert_true(a->done);
	assert_int_equal(a->ok, 1);
	assert_int_equal(a->cancelled, 2);
}

/** Operations of all kinds at once; each answers once. */
static void all_kinds_at_once(struct suite *t)
{
	struct got_accept *accepts = suite_room(t, MANY, sizeof(*accepts));
	struct got_write *settles = suite_room(t, MANY, sizeof(*settles));
	uint64_t ids[MANY];
	for (int i = 0; i < MANY; i++) {
		const char *name = suite_textf(t, "M%d", i);
		ids[i] = ACCEPT(t, .id = name, .to = "UA", .mrn = i % 2 != 0 ? "X" : NULL).ids[0];
	}
	struct again *a = start_asking(t, MANY);
	for (int i = 0; i < MANY; i++) {
		const char *name = suite_textf(t, "N%d", i);
		suite_submit_settle(t, &(struct px_settle){.delivery = ids[i], .state = PX_D_DELIVERED},
				    &settles[i]);
		suite_submit_accept(t, &(struct note){.id = name, .to = "UA", .mrn = "X"}, &accepts[i]);
	}
	for (int i = 0; i < MANY; i++) {
		suite_wait(t, &accepts[i].done);
		suite_wait(t, &settles[i].done);
		assert_int_equal(accepts[i].rc, PX_OK);
		assert_int_equal(settles[i].rc, PX_OK);
	}
	suite_wait(t, &a->done);
	assert_int_equal(suite_partner(t, "ua").delivered, MANY);
	assert_int_equal(suite_partner(t, "ua").queued, MANY);
	assert_int_equal(suite_entries(t), 1 + 4 * MANY);
	(void)suite_expect_lease(t, "ua", "N0");
}

/** The journal shows the order in which writes took effect: that of their submission. */
static void writes_in_the_order_submitted(struct suite *t)
{
	struct got_accept *accepts = suite_room(t, MANY, sizeof(*accepts));
	uint64_t first = suite_entries(t) + 1;
	for (int i = 0; i < MANY; i++) {
		const char *name = suite_textf(t, "M%d", i);
		struct px_journal_entry entry = {.kind = PX_J_ADMIN, .detail = name};
		suite_submit_accept(t, &(struct note){.id = name}, &accepts[i]);
		px_store_journal(t->st, &entry, NULL, NULL);
	}
	struct again *a = start_asking(t, 1);
	suite_wait(t, &a->done);
	struct got_journal page = suite_journal_page(t, first, 2 * MANY, true);
	assert_int_equal(page.n, 2 * MANY);
	for (int i = 0; i < MANY; i++) {
		const char *name = suite_textf(t, "M%d", i);
		assert_string_equal(page.items[2 * i].entry.message_id, name);
		assert_string_equal(page.items[2 * i + 1].entry.detail, name);
		assert_true(accepts[i].done); /* callbacks of writes come in that order too */
		assert_true(i == 0 || accepts[i].seq > accepts[i - 1].seq);
	}
}

/** Consumption, settling and movements look at writes that wait in the same batch. */
static void a_batch_sees_itself(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA", .mrn = "X");
	struct got_accept *next = suite_room(t, 1, sizeof(*next));
	struct got_write *settles = suite_room(t, 3, sizeof(*settles));
	struct px_settle settle = {.delivery = a.ids[0], .state = PX_D_UNKNOWN};
	suite_submit_settle(t, &settle, &settles[0]);
	suite_submit_accept(t, &(struct note){.id = "M2", .to = "UA", .mrn = "X"}, next);
	settle.state = PX_D_DELIVERED;
	suite_submit_settle(t, &settle, &settles[1]);
	settle.state = PX_D_REFUSED;
	suite_submit_settle(t, &settle, &settles[2]);
	for (int i = 0; i < 3; i++)
		suite_wait(t, &settles[i].done);
	suite_wait(t, &next->done);
	assert_int_equal(settles[0].rc, PX_OK);
	assert_int_equal(settles[1].rc, PX_OK);
	assert_int_equal(settles[2].rc, PX_EPRECONDITION);
	assert_int_equal(next->movement, a.movement);
	(void)suite_expect_lease(t, "ua", "M2");
}

static void keep_body(void *arg, int rc, struct px_body *body)
{
	struct px_body **kept = arg;
	if (rc == PX_OK)
		*kept = px_body_ref(body);
}

/** A reference to a body outlives its callback, and the store. */
static void bodies_may_be_kept(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .body = "octets");
	struct px_body *kept = NULL;
	px_store_body(t->st, a.seq, keep_body, &kept);
	suite_sound(t); /* a later read: the earlier one has been answered by then or at closing */
	px_store_close(&t->st);
	assert_non_null(kept);
	assert_int_equal(kept->len, 6);
	assert_memory_equal(kept->data, "octets", 6);
	uint8_t digest[PX_DIGEST_LEN];
	px_sha256("octets", 6, digest);
	assert_memory_equal(kept->digest, digest, PX_DIGEST_LEN);
	assert_int_equal(kept->refs, 1);
	px_body_unref(&kept);
}

static void ignore_accept(void *arg, const struct px_accept_result *result)
{
	struct suite *t = arg;
	(void)result;
	t->callbacks++;
}

/** The store takes a reference of its own to what it is given, and gives it back. */
static void bodies_are_given_back(struct suite *t)
{
	struct px_body *body = px_body_copy("octets", 6);
	struct px_accept req = {.header = {.message_id = "M1", .sender = "BY", .type = "T"},
				.partner = "by",
				.body = body,
				.coa = (const uint8_t *)"coa",
				.coa_len = 3,
				.movement_life = SUITE_DAY};
	for (int i = 0; i < 3; i++) {
		t->submitted++;
		px_store_accept(t->st, &req, ignore_accept, t);
	}
	px_store_close(&t->st);
	assert_int_equal(body->refs, 1);
	px_body_unref(&body);
}

static void closing_an_idle_store(struct suite *t)
{
	px_store_close(&t->st);
	assert_null(t->st);
	px_store_close(&t->st); /* nothing there: nothing happens */
}

static void reopened_many_times(struct suite *t)
{
	for (int i = 0; i < 6; i++) {
		const char *id = suite_textf(t, "M%d", i);
		ACCEPT(t, .id = id, .to = "UA", .mrn = "X");
		suite_reopen(t);
		suite_sound(t);
	}
	assert_string_equal(SCAN(t, .limit = 3), "M5 M4 M3 M2 M1 M0");
	for (int i = 0; i < 6; i++) {
		const char *id = suite_textf(t, "M%d", i);
		suite_pass(t, "ua", id, PX_D_DELIVERED);
		suite_crash(t);
		suite_sound(t);
	}
	assert_int_equal(suite_partner(t, "ua").delivered, 6);
}

const struct suite_case suite_rule_cases[] = {
    {"closing finishes what was submitted", close_finishes},
    {"callbacks may submit", callbacks_may_submit},
    {"what callbacks submit while closing is cancelled", submitted_while_closing},
    {"operations of all kinds at once", all_kinds_at_once},
    {"writes take effect in the order submitted", writes_in_the_order_submitted},
    {"a batch sees its own earlier writes", a_batch_sees_itself},
    {"a reference to a body outlives the store", bodies_may_be_kept},
    {"bodies given are given back", bodies_are_given_back},
    {"closing an idle store, and nothing", closing_an_idle_store},
    {"reopened many times", reopened_many_times},
    {NULL, NULL},
};
