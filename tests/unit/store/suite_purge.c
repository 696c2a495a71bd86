/* prinex: store suite: what need not be kept any longer is purged, and nothing else
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"

#include "base/strings.h"

#define KEEP (10 * SUITE_DAY)

struct got_purge {
	bool done;
	int rc;
	struct px_purge_report report;
	struct suite *t;
};

static void purge_done(void *arg, int rc, const struct px_purge_report *report)
{
	struct got_purge *got = arg;
	assert_false(got->done);
	got->t->callbacks++;
	got->rc = rc;
	got->report = *report;
	got->done = true;
}

static struct px_purge_report purge_part(struct suite *t, const struct px_purge *req)
{
	struct got_purge *got = suite_room(t, 1, sizeof(*got));
	got->t = t;
	t->submitted++;
	px_store_purge(t->st, req, purge_done, got);
	assert_false(got->done);
	suite_wait(t, &got->done);
	assert_int_equal(got->rc, PX_OK);
	return got->report;
}

/* A whole run, @max at a time. */
static struct px_purge_report purge_run(struct suite *t, unsigned n, const struct px_purge_rule *rules,
					unsigned max)
{
	struct px_purge req = {.now = suite_now(t), .n_rules = n, .rules = rules, .keep = KEEP, .max = max};
	struct px_purge_report all = {0};
	do {
		struct px_purge_report part = purge_part(t, &req);
		all.messages += part.messages;
		all.receipts += part.receipts;
		all.octets += part.octets;
		req.from = part.next;
	} while (req.from != 0);
	return all;
}

static struct px_purge_report purge(struct suite *t)
{
	return purge_run(t, 0, NULL, 0);
}

static void later(struct suite *t, int64_t ms)
{
	px_clock_sim_advance(t->clock, ms);
}

static void goes_when_its_time_has_come(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA MD", .mrn = "X", .lrn = "L", .declarant = "D");
	suite_pass(t, "ua", "M1", PX_D_DELIVERED);
	later(t, SUITE_DAY);
	suite_pass(t, "md", "M1", PX_D_REFUSED);
	later(t, KEEP - 1);
	assert_int_equal(purge(t).messages, 0); /* counts from the last delivery's end */
	uint64_t entries = suite_entries(t);
	assert_int_equal(suite_message(t, a.seq).rc, PX_OK);
	later(t, 1);
	struct px_purge_report r = purge(t);
	assert_int_equal(r.messages, 1);
	assert_true(r.octets > 10);
	assert_int_equal(suite_message(t, a.seq).rc, PX_ENOTFOUND);
	assert_int_equal(suite_find(t, "BY", "M1").rc, PX_ENOTFOUND);
	assert_int_equal(suite_body(t, a.seq).rc, PX_ENOTFOUND);
	assert_int_equal(suite_lookup(t, PX_KEY_MRN, "X", 10).n, 0);
	assert_int_equal(suite_movement(t, a.movement).rc, PX_ENOTFOUND);
	assert_string_equal(SCAN(t, .limit = 10), "");
	assert_string_equal(SCAN_D(t, .limit = 10), "");
	struct px_store_stats s = suite_stats(t).s;
	assert_int_equal(s.messages + s.deliveries + s.movements, 0);
	assert_int_equal(suite_partner(t, "ua").delivered, 0);
	assert_int_equal(suite_entries(t), entries + 1);
	assert_int_equal(suite_last_entry(t).entry.kind, PX_J_PURGED);
	assert_int_equal(purge(t).messages, 0);
	assert_int_equal(suite_entries(t), entries + 1); /* a run that removes nothing says nothing */
}

static void stays_while_anything_is_open(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA MD LT");
	suite_pass(t, "md", "M1", PX_D_DELIVERED);
	suite_pass(t, "lt", "M1", PX_D_HANDED_OVER);
	later(t, 100 * KEEP);
	assert_int_equal(purge(t).messages, 0);
	suite_pass(t, "ua", "M1", PX_D_UNKNOWN);
	later(t, 100 * KEEP);
	assert_int_equal(purge(t).messages, 0);
	assert_int_equal(SETTLE(t, .delivery = a.ids[2], .state = PX_D_UNKNOWN), PX_OK);
	later(t, KEEP);
	assert_int_equal(purge(t).messages, 1);
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_DELIVERED), PX_ENOTFOUND);
}

/* The duplicate key outlives the body: a replay is answered with the stored CoA until nothing may come. */
static void duplicate_key_outlives_the_body(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1");
	uint8_t digest[PX_DIGEST_LEN];
	const struct px_ref ref = {"BY", "M1"};
	suite_digest(&(struct note){.id = "M1"}, digest);
	later(t, KEEP);
	assert_int_equal(purge(t).messages, 1);
	struct got_accept known = suite_known(t, "by", digest);
	assert_int_equal(known.rc, PX_EDUPLICATE);
	assert_string_equal(known.coa, a.coa);
	known = TRY(t, .id = "M1");
	assert_int_equal(known.rc, PX_EDUPLICATE);
	assert_string_equal(known.coa, a.coa);
	assert_int_equal(TRY(t, .id = "M1", .body = "other").rc, PX_ECONFLICT);
	struct got_resolved resolved = suite_resolve(t, 1, &ref);
	assert_true(resolved.items[0].found);
	assert_string_equal(resolved.items[0].type, "");
	suite_reopen(t);
	later(t, 31 * SUITE_DAY - KEEP - 1);
	assert_int_equal(purge(t).receipts, 0);
	assert_int_equal(suite_known(t, "by", digest).rc, PX_EDUPLICATE);
	later(t, 1);
	assert_int_equal(purge(t).receipts, 1);
	assert_int_equal(suite_known(t, "by", digest).rc, PX_ENOTFOUND);
	assert_false(suite_resolve(t, 1, &ref).items[0].found);
	assert_int_equal(TRY(t, .id = "M1", .body = "other").rc, PX_OK);
}

/* The horizon was raised after acceptance: what may come again now must still be known. */
static void duplicate_key_outlives_a_raised_horizon(struct suite *t)
{
	ACCEPT(t, .id = "M1");
	struct px_purge req = {.keep = KEEP, .horizon = 60 * SUITE_DAY};
	later(t, 91 * SUITE_DAY - 1); /* 31 from acceptance, and 60 */
	req.now = suite_now(t);
	struct px_purge_report r = purge_part(t, &req);
	assert_int_equal(r.messages, 1);
	assert_int_equal(r.receipts, 0);
	assert_int_equal(TRY(t, .id = "M1").rc, PX_EDUPLICATE);
	later(t, 1);
	req.now = suite_now(t);
	assert_int_equal(purge_part(t, &req).receipts, 1);
	assert_int_equal(TRY(t, .id = "M1").rc, PX_OK);
}

/* The horizon was raised to more than the double: what was purged meanwhile would be as good as new. It is
 * refused, and nothing that is newer, for what is newer cannot have been forgotten. */
static void what_was_forgotten_stays_out(struct suite *t)
{
	int64_t created = suite_now(t) - 60000;
	ACCEPT(t, .id = "M1");
	struct px_purge req = {.keep = KEEP, .horizon = 30 * SUITE_DAY};
	later(t, 61 * SUITE_DAY);
	req.now = suite_now(t);
	assert_int_equal(TRY(t, .id = "M1", .created = created).rc, PX_EDUPLICATE);
	assert_int_equal(purge_part(t, &req).receipts, 1);
	suite_reopen(t);
	struct got_accept again = TRY(t, .id = "M1", .created = created);
	assert_int_equal(again.rc, PX_EPRECONDITION);
	assert_int_equal(again.forgotten, created);
	assert_int_equal(TRY(t, .id = "M2", .created = created - SUITE_DAY).rc, PX_EPRECONDITION);
	assert_int_equal(TRY(t, .id = "M3", .created = created + 1).rc, PX_OK);
	assert_int_equal(TRY(t, .id = "PX-1", .own = true, .created = created).rc, PX_OK);
}

/* How long a duplicate was promised to be known differs from message to message, and receipts do not say when
 * theirs were created: the shortest counts. */
static void the_shortest_horizon_counts(struct suite *t)
{
	int64_t created = suite_now(t) - 60000;
	ACCEPT(t, .id = "M1", .known = 2 * SUITE_DAY);
	later(t, SUITE_DAY);
	ACCEPT(t, .id = "M2");
	struct px_purge req = {.keep = KEEP, .horizon = 30 * SUITE_DAY};
	later(t, 61 * SUITE_DAY);
	ACCEPT(t, .id = "M3");
	req.now = suite_now(t);
	assert_int_equal(purge_part(t, &req).receipts, 2);
	assert_int_equal(TRY(t, .id = "M1", .created = created).rc, PX_EPRECONDITION);
	struct got_accept again = TRY(t, .id = "M2", .created = created + SUITE_DAY);
	assert_int_equal(again.rc, PX_EPRECONDITION);
	assert_int_equal(again.forgotten, created + 30 * SUITE_DAY); /* M2's end, less M1's two days */
}

/* A clock that was months ahead for a while removed them long before their time, by a shorter horizon at
 * that: when it is right again, what is new is accepted, and what was accepted before is not. */
static void a_clock_that_was_ahead(struct suite *t)
{
	ACCEPT(t, .id = "M0", .known = 2 * SUITE_DAY);
	later(t, SUITE_DAY);
	int64_t created = suite_now(t) - 60000;
	ACCEPT(t, .id = "M1");
	struct px_purge req = {.keep = KEEP, .horizon = 30 * SUITE_DAY};
	req.now = suite_now(t) + 90 * SUITE_DAY;
	assert_int_equal(purge_part(t, &req).receipts, 2);
	struct got_accept again = TRY(t, .id = "M1", .created = created);
	assert_int_equal(again.rc, PX_EPRECONDITION);
	assert_int_equal(again.forgotten, created);
	later(t, 1);
	ACCEPT(t, .id = "M2"); /* not: refused for a month */
	suite_reopen(t);
	ACCEPT(t, .id = "M3", .created = created + 1);
}

/* What was accepted by such a clock, and removed by it, says nothing about what comes when it is right again.
 */
static void accepted_by_a_clock_that_was_ahead(struct suite *t)
{
	int64_t future = suite_now(t) + 400 * SUITE_DAY;
	ACCEPT(t, .id = "M1", .created = future);
	struct px_purge req = {.keep = KEEP, .horizon = 30 * SUITE_DAY};
	req.now = suite_now(t) + 462 * SUITE_DAY;
	assert_int_equal(purge_part(t, &req).receipts, 1);
	ACCEPT(t, .id = "M2");
	/* Its own bound is a month old, as if that clock had never been. */
	later(t, 62 * SUITE_DAY);
	req.now = suite_now(t);
	assert_int_equal(purge_part(t, &req).receipts, 1);
	ACCEPT(t, .id = "M3");
	struct got_accept again = TRY(t, .id = "M4", .created = suite_now(t) - 62 * SUITE_DAY - 60000);
	assert_int_equal(again.rc, PX_EPRECONDITION);
}

static void both_at_once(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA");
	suite_pass(t, "ua", "M1", PX_D_DELIVERED);
	later(t, 40 * SUITE_DAY);
	struct px_purge_report r = purge(t);
	assert_int_equal(r.messages, 1);
	assert_int_equal(r.receipts, 1);
	assert_int_equal(ACCEPT(t, .id = "M1", .to = "UA").seq, 2); /* numbers are never used again */
}

static void rules_by_type_and_recipient(struct suite *t)
{
	static const struct px_purge_rule rules[] = {
	    {.type = "Control", .recipient = "UA", .keep = 5 * KEEP},
	    {.type = "Control", .recipient = "", .keep = SUITE_DAY},
	    {.type = "", .recipient = "LT", .hold = true},
	};
	ACCEPT(t, .id = "C-UA", .type = "Control", .to = "UA");
	ACCEPT(t, .id = "C-MD", .type = "Control", .to = "MD");
	ACCEPT(t, .id = "C-BOTH", .type = "Control", .to = "MD UA");
	ACCEPT(t, .id = "C-LT", .type = "Control", .to = "LT"); /* the first that fits counts */
	ACCEPT(t, .id = "D-UA", .to = "UA");
	ACCEPT(t, .id = "D-LT", .to = "MD LT");
	ACCEPT(t, .id = "C-NOBODY", .type = "Control");
	for (const char *const *p = (const char *const[]){"ua", "md", "lt", NULL}; *p != NULL; p++) {
		struct got_leases leases = suite_lease(t, *p, 10);
		for (unsigned i = 0; i < leases.n; i++)
			assert_int_equal(suite_end(t, &leases.items[i], PX_D_DELIVERED), PX_OK);
	}
	later(t, SUITE_DAY);
	assert_int_equal(purge_run(t, 3, rules, 0).messages, 3);
	assert_string_equal(SCAN(t, .limit = 10, .ascending = true), "C-UA C-BOTH D-UA D-LT");
	later(t, KEEP);
	assert_int_equal(purge_run(t, 3, rules, 0).messages, 1);
	assert_string_equal(SCAN(t, .limit = 10, .ascending = true), "C-UA C-BOTH D-LT");
	later(t, 5 * KEEP);
	assert_int_equal(purge_run(t, 3, rules, 0).messages, 2);
	later(t, 500 * KEEP);
	assert_int_equal(purge_run(t, 3, rules, 0).messages, 0);
	assert_string_equal(SCAN(t, .limit = 10), "D-LT");
}

/* Keys of a message that is gone lead to its movement as long as that has any message: its successors must
 * not overtake what waits. */
static void keys_live_with_the_movement(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .mrn = "X", .lrn = "L", .declarant = "D");
	ACCEPT(t, .id = "M2", .to = "UA", .correlation = "M1");
	later(t, KEEP);
	assert_int_equal(purge(t).messages, 1);
	assert_int_equal(ACCEPT(t, .id = "M3", .to = "UA", .mrn = "X").movement, a.movement);
	assert_int_equal(ACCEPT(t, .id = "M4", .to = "UA", .lrn = "L", .declarant = "D").movement,
			 a.movement);
	assert_int_equal(ACCEPT(t, .id = "M5", .to = "UA", .correlation = "M1").movement, a.movement);
	assert_true(ACCEPT(t, .id = "M6", .mrn = "X", .declarant = "E").owner_conflict);
	for (int i = 2; i <= 5; i++)
		suite_pass(t, "ua", suite_textf(t, "M%d", i), PX_D_DELIVERED);
	later(t, KEEP);
	assert_int_equal(purge(t).messages, 5);
	assert_int_equal(suite_stats(t).s.movements, 0);
	struct got_accept b = ACCEPT(t, .id = "M7", .mrn = "X", .declarant = "E");
	assert_false(b.owner_conflict); /* nobody remembers */
	assert_true(b.movement > a.movement);
	assert_true(ACCEPT(t, .id = "M8", .lrn = "L", .declarant = "D").movement > b.movement);
	assert_true(ACCEPT(t, .id = "M9", .correlation = "M5").movement > b.movement);
}

static void linked_movements_go_together(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "A", .lrn = "L", .declarant = "D");
	ACCEPT(t, .id = "B", .mrn = "X");
	ACCEPT(t, .id = "C", .mrn = "Y");
	ACCEPT(t, .id = "BC", .mrn = "X", .lrn = "L2", .declarant = "D");
	ACCEPT(t, .id = "CC", .mrn = "Y", .lrn = "L2", .declarant = "D");
	assert_int_equal(ACCEPT(t, .id = "AB", .mrn = "X", .lrn = "L", .declarant = "D").movement,
			 a.movement);
	later(t, KEEP / 2);
	assert_int_equal(ACCEPT(t, .id = "LAST", .to = "UA", .mrn = "Y").movement, a.movement);
	suite_pass(t, "ua", "LAST", PX_D_DELIVERED);
	later(t, KEEP / 2);
	assert_int_equal(purge(t).messages, 6);
	assert_int_equal(ACCEPT(t, .id = "STILL", .mrn = "X").movement, a.movement);
	later(t, 2 * KEEP);
	assert_int_equal(purge(t).messages, 2);
	assert_int_equal(suite_stats(t).s.movements, 0);
	for (const char *const *mrn = (const char *const[]){"X", "Y", NULL}; *mrn != NULL; mrn++)
		assert_true(ACCEPT(t, .id = suite_textf(t, "NEW-%s", *mrn), .mrn = *mrn).movement > 3);
}

/* A key that passed to another movement is not taken along. */
static void passed_key_stays(struct suite *t)
{
	ACCEPT(t, .id = "OLD", .mrn = "X", .ends = true);
	later(t, KEEP / 2);
	struct got_accept b = ACCEPT(t, .id = "NEW", .mrn = "X");
	later(t, KEEP / 2);
	assert_int_equal(purge(t).messages, 1);
	assert_int_equal(ACCEPT(t, .id = "NEXT", .mrn = "X").movement, b.movement);
}

static void confirmations_about_the_purged(struct suite *t)
{
	struct px_apply apply = {
	    .ref_sender = "BY", .ref_message_id = "M1", .recipient = "UA", .state = PX_D_DELIVERED};
	ACCEPT(t, .id = "M1", .to = "UA");
	suite_digest(&(struct note){.id = "M1"}, apply.ref_digest);
	suite_pass(t, "ua", "M1", PX_D_UNKNOWN);
	later(t, KEEP);
	assert_int_equal(purge(t).messages, 1);
	struct got_accept c = ACCEPT(t, .id = "C1", .sender = "UA", .from = "ua", .to = "BY",
				     .confirmations = true, .n_apply = 1, .apply = &apply);
	assert_int_equal(c.applied[0], PX_APPLY_NO_MESSAGE);
	suite_pass(t, "by", "C1", PX_D_DELIVERED);
	later(t, KEEP);
	assert_int_equal(purge(t).messages, 1); /* confirmations are kept and go like any message */
}

/* What is owed to the origin stays until it is sent. */
static void owed_outlives_the_message(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA"), b = ACCEPT(t, .id = "M2", .to = "UA");
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_DELIVERED,
				.owed = (const uint8_t *)"<CoD/>", .owed_len = 6),
			 PX_OK);
	assert_int_equal(SETTLE(t, .delivery = b.ids[0], .state = PX_D_DELIVERED,
				.answer = (const uint8_t *)"answer", .answer_len = 6,
				.owed = (const uint8_t *)"<E></E>", .owed_len = 7, .owed_answer_at = 3),
			 PX_OK);
	later(t, KEEP);
	assert_int_equal(purge(t).messages, 2);
	struct got_owed owed = suite_owed(t, "by", "BY", 10, 1000);
	assert_int_equal(owed.n, 2);
	assert_string_equal(owed.texts[0], "<CoD/>");
	assert_string_equal(owed.texts[1], "<E>YW5zd2Vy</E>"); /* the answer itself went with the message */
	suite_sound(t);
}

static void in_parts_beside_accepts(struct suite *t)
{
	struct got_accept *got = suite_room(t, 200, sizeof(*got));
	for (int i = 0; i < 200; i++)
		ACCEPT(t, .id = suite_textf(t, "M%d", i), .mrn = i % 3 != 0 ? "X" : NULL);
	later(t, KEEP);
	for (int i = 0; i < 200; i++)
		suite_submit_accept(t, &(struct note){.id = suite_textf(t, "N%d", i)}, &got[i]);
	struct px_purge_report r = purge_run(t, 0, NULL, 7);
	assert_int_equal(r.messages, 200);
	assert_int_equal(suite_stats(t).s.messages, 200);
	assert_int_equal(purge(t).messages, 0);
	suite_crash(t);
	assert_int_equal(suite_stats(t).s.messages, 200);
	assert_int_equal(suite_stats(t).s.movements, 200);
}

/* --- the outcome of an accept, and evidence --- */

static void accept_status(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA", .mrn = "X");
	uint8_t digest[PX_DIGEST_LEN];
	suite_digest(&(struct note){.id = "M1"}, digest);
	struct got_accept s = suite_accept_status(t, "BY", "M1", digest);
	assert_int_equal(s.rc, PX_EDUPLICATE);
	assert_int_equal(s.seq, a.seq);
	assert_int_equal(s.movement, a.movement);
	assert_string_equal(s.coa, a.coa);
	assert_int_equal(suite_accept_status(t, "UA", "M1", digest).rc, PX_ENOTFOUND);
	assert_int_equal(suite_accept_status(t, "BY", "M2", digest).rc, PX_ENOTFOUND);
	digest[31] ^= 1;
	assert_int_equal(suite_accept_status(t, "BY", "M1", digest).rc, PX_ECONFLICT);
}

struct got_answer {
	bool done;
	int rc;
	const char *text;
	struct suite *t;
};

static void answer_done(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct got_answer *got = arg;
	assert_false(got->done);
	got->t->callbacks++;
	got->done = true;
	got->rc = rc;
	got->text = suite_textf(got->t, "%.*s", (int)len, data != NULL ? (const char *)data : "");
}

static struct got_answer read_answer(struct suite *t, uint64_t delivery)
{
	struct got_answer *got = suite_room(t, 1, sizeof(*got));
	got->t = t;
	t->submitted++;
	px_store_answer(t->st, delivery, answer_done, got);
	suite_wait(t, &got->done);
	return *got;
}

static void evidence_is_kept(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA MD");
	assert_int_equal(read_answer(t, a.ids[0]).rc, PX_ENOTFOUND);
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_HANDED_OVER, .due = suite_now(t) + 1,
				.answer = (const uint8_t *)"<CoA/>", .answer_len = 6),
			 PX_OK);
	assert_string_equal(read_answer(t, a.ids[0]).text, "<CoA/>");
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_DELIVERED,
				.answer = (const uint8_t *)"<CoD signed/>", .answer_len = 13),
			 PX_OK);
	suite_crash(t);
	struct got_answer got = read_answer(t, a.ids[0]);
	assert_int_equal(got.rc, PX_OK);
	assert_string_equal(got.text, "<CoD signed/>");
	assert_int_equal(read_answer(t, a.ids[1]).rc, PX_ENOTFOUND);
	assert_int_equal(read_answer(t, 77).rc, PX_ENOTFOUND);
	assert_int_equal(SETTLE(t, .delivery = a.ids[1], .state = PX_D_CANCELLED), PX_OK);
	later(t, KEEP);
	assert_int_equal(purge(t).messages, 1);
	assert_int_equal(read_answer(t, a.ids[0]).rc, PX_ENOTFOUND);
}

const struct suite_case suite_purge_cases[] = {
    {"a message is purged when its time has come", goes_when_its_time_has_come},
    {"a message stays while any delivery is not final", stays_while_anything_is_open},
    {"the duplicate key and its CoA outlive the body", duplicate_key_outlives_the_body},
    {"the duplicate key outlives a horizon that was raised", duplicate_key_outlives_a_raised_horizon},
    {"what was forgotten stays out", what_was_forgotten_stays_out},
    {"the shortest horizon counts", the_shortest_horizon_counts},
    {"a clock that was ahead refuses nothing new", a_clock_that_was_ahead},
    {"nor does what was accepted by it", accepted_by_a_clock_that_was_ahead},
    {"message and duplicate key go at once when both may", both_at_once},
    {"rules by type and recipient; legal hold", rules_by_type_and_recipient},
    {"keys of a purged message lead to its movement while that lives", keys_live_with_the_movement},
    {"linked movements are purged with all their keys", linked_movements_go_together},
    {"a key that has passed on stays with its new movement", passed_key_stays},
    {"confirmations about what was purged find no message", confirmations_about_the_purged},
    {"what is owed outlives the message", owed_outlives_the_message},
    {"a run in parts beside accepts", in_parts_beside_accepts},
    {"the outcome of an accept can be asked for", accept_status},
    {"the partner's evidence is kept and read", evidence_is_kept},
    {NULL, NULL},
};
