/* prinex: store suite: messages are accepted once, confirmations applied with them
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"

#include "base/strings.h"

static void accepted_message_is_there(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA MD@hub", .lrn = "L1", .mrn = "MRN1",
				     .declarant = "D1", .prio = 'A', .correlation = "M0");
	struct got_message got = suite_find(t, "BY", "M1");
	assert_int_equal(got.rc, PX_OK);
	const struct px_message *m = &got.m;
	assert_int_equal(m->seq, a.seq);
	assert_string_equal(m->header.message_id, "M1");
	assert_string_equal(m->header.sender, "BY");
	assert_string_equal(m->header.environment, "test");
	assert_string_equal(m->header.type, "ExportDeclaration");
	assert_string_equal(m->header.type_version, "1");
	assert_string_equal(m->header.correlation_id, "M0");
	assert_int_equal(m->header.created_at, SUITE_START - 60000);
	assert_int_equal(m->header.expires_at, SUITE_START + 72 * SUITE_HOUR);
	assert_int_equal(m->header.n_recipients, 2);
	assert_string_equal(m->header.recipients[1], "MD");
	assert_string_equal(m->partner, "by");
	assert_int_equal(m->accepted, SUITE_START);
	assert_int_equal(m->prio, PX_PRIO_A);
	assert_false(m->confirmations);
	assert_int_equal(m->movement, a.movement);
	uint8_t digest[PX_DIGEST_LEN];
	suite_digest(&(struct note){.id = "M1"}, digest);
	assert_memory_equal(m->digest, digest, PX_DIGEST_LEN);
	assert_int_equal(m->len, suite_body(t, a.seq).len);
	assert_int_equal(m->keys.n, 3);
	assert_string_equal(px_keys_first(&m->keys, PX_KEY_LRN), "L1");
	assert_string_equal(px_keys_first(&m->keys, PX_KEY_MRN), "MRN1");
	assert_string_equal(px_keys_first(&m->keys, PX_KEY_DECLARANT), "D1");
	assert_int_equal(m->coa_len, strlen(a.coa));
	assert_memory_equal(m->coa, a.coa, m->coa_len);
}

static void its_deliveries_are_there(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA MD@hub", .prio = 'C');
	assert_int_equal(a.n, 2);
	assert_true(a.ids[0] != 0 && a.ids[0] < a.ids[1]);
	struct px_delivery d = suite_delivery(t, "M1", "MD");
	assert_int_equal(d.id, a.ids[1]);
	assert_int_equal(d.message, a.seq);
	assert_int_equal(d.movement, a.movement);
	assert_string_equal(d.partner, "hub");
	assert_string_equal(d.route, "r1");
	assert_int_equal(d.prio, PX_PRIO_C);
	assert_int_equal(d.state, PX_D_QUEUED);
	assert_true(d.head);
	assert_false(d.leased);
	assert_false(d.body_sent);
	assert_int_equal(d.attempts, 0);
	assert_int_equal(d.created, SUITE_START);
	assert_int_equal(d.due, SUITE_START);
	assert_int_equal(d.deadline, SUITE_START + 72 * SUITE_HOUR);
	assert_int_equal(d.ended, 0);
	assert_string_equal(d.error, "");
	assert_string_equal(suite_delivery(t, "M1", "UA").partner, "ua");
}

static void result_says_what_was_made(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	struct got_accept b = ACCEPT(t, .id = "M2", .to = "UA MD");
	assert_true(a.seq != 0 && a.seq < b.seq);
	assert_true(a.movement != 0 && b.movement != 0 && a.movement != b.movement);
	assert_int_equal(a.n, 1);
	assert_int_equal(b.n, 2);
	assert_true(a.ids[0] < b.ids[0] && b.ids[0] < b.ids[1]);
	assert_true(px_str_starts(a.coa, "<CoA for='M1'"));
	assert_false(a.owner_conflict);
}

static void octets_come_back(struct suite *t)
{
	size_t len = 1024 * 1024;
	char *large = suite_room(t, len + 1, 1);
	for (size_t i = 0; i < len; i++)
		large[i] = (char)(1 + i * 7 % 255);
	struct got_accept a = ACCEPT(t, .id = "LARGE", .body = large);
	struct got_accept b = ACCEPT(t, .id = "SMALL", .body = "x");
	struct got_body got = suite_body(t, a.seq);
	assert_int_equal(got.rc, PX_OK);
	assert_int_equal(got.len, len);
	assert_memory_equal(got.text, large, len);
	assert_string_equal(suite_body(t, b.seq).text, "x");
	suite_reopen(t);
	assert_memory_equal(suite_body(t, a.seq).text, large, len);
}

static void duplicate_gets_the_stored_coa(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	struct px_store_stats before = suite_stats(t).s;
	px_clock_sim_advance(t->clock, SUITE_HOUR);
	struct got_accept b = TRY(t, .id = "M1", .to = "UA MD");
	assert_int_equal(b.rc, PX_EDUPLICATE);
	assert_int_equal(b.seq, a.seq);
	assert_string_equal(b.coa, a.coa);
	struct px_store_stats after = suite_stats(t).s;
	assert_int_equal(after.messages, before.messages);
	assert_int_equal(after.deliveries, before.deliveries);
	assert_int_equal(after.journal_entries, before.journal_entries);
	assert_int_equal(suite_find(t, "BY", "M1").m.n_deliveries, 1);
}

struct signer {
	unsigned n;
	bool fails;
};

static int sign(void *sealer, struct px_buf *coa)
{
	struct signer *s = sealer;
	s->n++;
	if (s->fails)
		return PX_EFATAL;
	px_buf_adds(coa, " signed");
	return PX_OK;
}

/* Once, and not for what is refused; without its CoA nothing is accepted. */
static void coa_is_signed_when_it_is_accepted(struct suite *t)
{
	struct signer s = {0};
	struct got_accept a = TRY(t, .id = "M1", .to = "UA", .seal = sign, .sealer = &s);
	assert_int_equal(a.rc, PX_OK);
	assert_string_equal(a.coa + strlen(a.coa) - strlen("/> signed"), "/> signed");
	assert_int_equal(TRY(t, .id = "M1", .to = "UA", .seal = sign, .sealer = &s).rc, PX_EDUPLICATE);
	assert_int_equal(TRY(t, .id = "M1", .body = "other", .seal = sign, .sealer = &s).rc, PX_ECONFLICT);
	assert_int_equal(s.n, 1);
	struct px_store_stats before = suite_stats(t).s;
	s.fails = true;
	assert_int_equal(TRY(t, .id = "M2", .to = "UA", .seal = sign, .sealer = &s).rc, PX_ESIGNATURE);
	struct px_store_stats after = suite_stats(t).s;
	assert_int_equal(after.messages, before.messages);
	assert_int_equal(after.journal_entries, before.journal_entries);
	s.fails = false;
	assert_int_equal(TRY(t, .id = "M2", .to = "UA", .seal = sign, .sealer = &s).rc, PX_OK);
	assert_int_equal(s.n, 3);
	suite_reopen(t);
	assert_string_equal(TRY(t, .id = "M1", .to = "UA").coa, a.coa);
}

static void duplicate_from_another_partner(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1");
	struct got_accept b = TRY(t, .id = "M1", .from = "hub");
	assert_int_equal(b.rc, PX_EDUPLICATE);
	assert_string_equal(b.coa, a.coa);
	assert_string_equal(suite_find(t, "BY", "M1").m.partner, "by");
}

static void duplicate_after_reopening(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1");
	suite_reopen(t);
	struct got_accept b = TRY(t, .id = "M1");
	assert_int_equal(b.rc, PX_EDUPLICATE);
	assert_int_equal(b.seq, a.seq);
	assert_string_equal(b.coa, a.coa);
	assert_int_equal(TRY(t, .id = "M1", .body = "other").rc, PX_ECONFLICT);
}

static void other_octets_conflict(struct suite *t)
{
	ACCEPT(t, .id = "M1", .to = "UA");
	uint64_t entries = suite_entries(t);
	assert_int_equal(TRY(t, .id = "M1", .body = "other", .to = "UA").rc, PX_ECONFLICT);
	assert_int_equal(TRY(t, .id = "M1", .body = "other", .from = "hub").rc, PX_ECONFLICT);
	assert_int_equal(suite_entries(t), entries);
	assert_string_equal(SCAN(t, .limit = 10), "M1");
	assert_string_equal(SCAN_D(t, .limit = 10), "M1/UA");
}

static void another_senders_id_is_another_id(struct suite *t)
{
	ACCEPT(t, .id = "M1");
	assert_int_equal(TRY(t, .id = "M1", .sender = "UA", .from = "ua").rc, PX_OK);
	assert_int_equal(TRY(t, .id = "m1").rc, PX_OK); /* ids compare octet for octet */
	assert_int_equal(TRY(t, .id = "M").rc, PX_OK);
	assert_int_equal(suite_stats(t).s.messages, 4);
}

static void preconditions_see_earlier_writes(struct suite *t)
{
	struct got_accept *got = suite_room(t, 3, sizeof(*got));
	suite_submit_accept(t, &(struct note){.id = "M1"}, &got[0]);
	suite_submit_accept(t, &(struct note){.id = "M1", .from = "hub"}, &got[1]);
	suite_submit_accept(t, &(struct note){.id = "M1", .body = "other"}, &got[2]);
	for (int i = 0; i < 3; i++)
		suite_wait(t, &got[i].done);
	assert_int_equal(got[0].rc, PX_OK);
	assert_int_equal(got[1].rc, PX_EDUPLICATE);
	assert_string_equal(got[1].coa, got[0].coa);
	assert_int_equal(got[2].rc, PX_ECONFLICT);
}

/** A settled message of "by" leaves one pending confirmation; its id. */
static uint64_t make_owed(struct suite *t, const char *id)
{
	struct got_accept a = ACCEPT(t, .id = id, .to = "UA");
	assert_int_equal(SETTLE(t, .delivery = a.ids[0], .state = PX_D_DELIVERED, .owed = (const uint8_t *)id,
				.owed_len = strlen(id)),
			 PX_OK);
	struct got_owed owed = suite_owed(t, "by", "BY", 100, 1000000);
	assert_true(owed.n > 0);
	return owed.ids[owed.n - 1];
}

static void consumed_entry_must_be_there(struct suite *t)
{
	uint64_t there = make_owed(t, "M1"), gone = there + 1000;
	uint64_t both[] = {there, gone};
	uint64_t entries = suite_entries(t);
	struct got_accept got = TRY(t, .id = "C1", .own = true, .confirmations = true, .to = "BY",
				    .n_consume = 2, .consume = both);
	assert_int_equal(got.rc, PX_EPRECONDITION);
	assert_int_equal(suite_find(t, "BY", "C1").rc, PX_ENOTFOUND);
	assert_int_equal(suite_entries(t), entries);
	assert_int_equal(suite_stats(t).s.owed, 1); /* the one that is there was not taken */
	assert_int_equal(TRY(t, .id = "C1", .own = true, .confirmations = true, .to = "BY", .n_consume = 1,
			     .consume = both)
			     .rc,
			 PX_OK);
	assert_int_equal(suite_stats(t).s.owed, 0);
}

static void an_entry_is_consumed_once(struct suite *t)
{
	uint64_t owed = make_owed(t, "M1");
	struct got_accept *got = suite_room(t, 2, sizeof(*got));
	for (int i = 0; i < 2; i++)
		suite_submit_accept(t,
				    &(struct note){.id = i == 0 ? "C1" : "C2",
						   .own = true,
						   .confirmations = true,
						   .to = "BY",
						   .n_consume = 1,
						   .consume = &owed},
				    &got[i]);
	suite_wait(t, &got[0].done);
	suite_wait(t, &got[1].done);
	assert_int_equal(got[0].rc, PX_OK);
	assert_int_equal(got[1].rc, PX_EPRECONDITION);
	assert_int_equal(suite_find(t, "BY", "C2").rc, PX_ENOTFOUND);
}

static void a_taken_id_is_told_before_consumption(struct suite *t)
{
	uint64_t gone = 4711;
	ACCEPT(t, .id = "C1");
	assert_int_equal(TRY(t, .id = "C1", .n_consume = 1, .consume = &gone).rc, PX_EDUPLICATE);
}

#define BURST 20000

static void a_burst_is_accepted_or_busy(struct suite *t)
{
	struct got_accept *got = suite_room(t, BURST, sizeof(*got));
	struct got_accept first = ACCEPT(t, .id = "FIRST", .to = "UA");
	unsigned ok = 0, busy = 0;
	for (unsigned i = 0; i < BURST; i++) {
		const char *id = suite_textf(t, "M%u", i);
		suite_submit_accept(t, &(struct note){.id = id}, &got[i]);
	}
	/* a settle gets through however many accepts wait */
	struct got_write *settled = suite_room(t, 1, sizeof(*settled));
	suite_submit_settle(t, &(struct px_settle){.delivery = first.ids[0], .state = PX_D_CANCELLED},
			    settled);
	for (unsigned i = 0; i < BURST; i++)
		suite_wait(t, &got[i].done);
	suite_wait(t, &settled->done);
	assert_int_equal(settled->rc, PX_OK);
	for (unsigned i = 0; i < BURST; i++) {
		ok += got[i].rc == PX_OK;
		busy += got[i].rc == PX_EBUSY;
	}
	assert_int_equal(ok + busy, BURST);
	assert_true(ok > 0);
	assert_true(busy > 0 || !t->backend->small_queue);
	assert_int_equal(suite_stats(t).s.messages, ok + 1);
	for (unsigned i = 0; i < BURST; i += 500) {
		const char *id = suite_textf(t, "M%u", i);
		assert_int_equal(suite_find(t, "BY", id).rc, got[i].rc == PX_OK ? PX_OK : PX_ENOTFOUND);
		if (got[i].rc == PX_EBUSY)
			assert_int_equal(TRY(t, .id = id).rc, PX_OK); /* and may come again */
	}
}

static void known_by_partner_and_digest(struct suite *t)
{
	uint8_t digest[PX_DIGEST_LEN];
	suite_digest(&(struct note){.id = "M1"}, digest);
	assert_int_equal(suite_known(t, "by", digest).rc, PX_ENOTFOUND);
	struct got_accept a = ACCEPT(t, .id = "M1");
	struct got_accept known = suite_known(t, "by", digest);
	assert_int_equal(known.rc, PX_EDUPLICATE);
	assert_string_equal(known.coa, a.coa);
	assert_int_equal(known.seq, a.seq);
	assert_int_equal(suite_known(t, "hub", digest).rc, PX_ENOTFOUND);
	digest[PX_DIGEST_LEN - 1] ^= 1;
	assert_int_equal(suite_known(t, "by", digest).rc, PX_ENOTFOUND);
}

static void known_after_reopening(struct suite *t)
{
	uint8_t digest[PX_DIGEST_LEN];
	suite_digest(&(struct note){.id = "M1"}, digest);
	struct got_accept a = ACCEPT(t, .id = "M1");
	suite_crash(t);
	struct got_accept known = suite_known(t, "by", digest);
	assert_int_equal(known.rc, PX_EDUPLICATE);
	assert_string_equal(known.coa, a.coa);
}

const struct suite_case suite_accept_cases[] = {
    {"an accepted message is there with all that was given", accepted_message_is_there},
    {"its deliveries are there, queued and due at once", its_deliveries_are_there},
    {"the result names message, movement and deliveries", result_says_what_was_made},
    {"octets come back as they were, large and small", octets_come_back},
    {"a duplicate gets the stored CoA and writes nothing", duplicate_gets_the_stored_coa},
    {"a CoA is signed when its message is accepted, and only then", coa_is_signed_when_it_is_accepted},
    {"a duplicate from another partner gets it too", duplicate_from_another_partner},
    {"a duplicate is one after reopening", duplicate_after_reopening},
    {"the same id with other octets conflicts and writes nothing", other_octets_conflict},
    {"the same id of another sender is another message", another_senders_id_is_another_id},
    {"preconditions see earlier writes that are not committed yet", preconditions_see_earlier_writes},
    {"a consumed entry that is gone: nothing is written", consumed_entry_must_be_there},
    {"a pending confirmation is consumed once", an_entry_is_consumed_once},
    {"a taken id is told before a missing consumed entry", a_taken_id_is_told_before_consumption},
    {"a burst is accepted or busy, and settles get through", a_burst_is_accepted_or_busy},
    {"known by partner and digest", known_by_partner_and_digest},
    {"known after a crash", known_after_reopening},
    {NULL, NULL},
};
