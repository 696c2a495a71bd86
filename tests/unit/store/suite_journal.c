/* prinex: store suite: the journal, counts, verify
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"

#include "base/strings.h"
#include "store/journal.h"

/* --- journal -----------------------------------------------------------------------------------------------
 */

static void entry_of_accept(struct suite *t)
{
	uint64_t before = suite_entries(t);
	ACCEPT(t, .id = "M1", .to = "UA MD", .type = "CD001C");
	assert_int_equal(suite_entries(t), before + 1);
	struct px_journal_read r = suite_last_entry(t);
	assert_int_equal(r.seq, before + 1);
	assert_int_equal(r.entry.kind, PX_J_ACCEPTED);
	assert_int_equal(r.entry.at, SUITE_START);
	assert_string_equal(r.entry.partner, "by");
	assert_string_equal(r.entry.sender, "BY");
	assert_string_equal(r.entry.message_id, "M1");
	assert_string_equal(r.entry.code, "CD001C");
	uint8_t digest[PX_DIGEST_LEN];
	suite_digest(&(struct note){.id = "M1"}, digest);
	assert_true(r.entry.has_digest);
	assert_memory_equal(r.entry.digest, digest, PX_DIGEST_LEN);
}

static void expect_settled(struct suite *t, enum px_journal_kind kind, uint64_t delivery, const char *code,
			   const char *detail, const char *actor)
{
	struct px_journal_read r = suite_last_entry(t);
	assert_int_equal(r.entry.kind, kind);
	assert_int_equal(r.entry.at, suite_now(t));
	assert_string_equal(r.entry.partner, "hub");
	assert_string_equal(r.entry.sender, "BY");
	assert_string_equal(r.entry.message_id, "M1");
	assert_string_equal(r.entry.recipient, "UA");
	assert_int_equal(r.entry.delivery, delivery);
	assert_string_equal(r.entry.code, code);
	assert_string_equal(r.entry.detail, detail);
	assert_string_equal(r.entry.actor, actor);
}

static void entries_of_settles(struct suite *t)
{
	uint64_t id = ACCEPT(t, .id = "M1", .to = "UA@hub").ids[0];
	px_clock_sim_advance(t->clock, 50);
	assert_int_equal(
	    SETTLE(t, .delivery = id, .state = PX_D_QUEUED, .error = "no answer", .code = "PX-RETRY"), PX_OK);
	expect_settled(t, PX_J_ATTEMPT, id, "PX-RETRY", "no answer", "");
	assert_int_equal(SETTLE(t, .delivery = id, .state = PX_D_HANDED_OVER, .due = SUITE_START + SUITE_DAY),
			 PX_OK);
	expect_settled(t, PX_J_HANDED_OVER, id, "handed-over", "", "");
	assert_int_equal(SETTLE(t, .delivery = id, .state = PX_D_UNKNOWN, .error = "no CoD came"), PX_OK);
	expect_settled(t, PX_J_SETTLED, id, "unknown", "no CoD came", "");
	assert_int_equal(SETTLE(t, .delivery = id, .state = PX_D_DELIVERED, .actor = "anna"), PX_OK);
	expect_settled(t, PX_J_SETTLED, id, "delivered", "", "anna");
}

static void retry_only_when_the_error_differs(struct suite *t)
{
	uint64_t id = ACCEPT(t, .id = "M1", .to = "UA").ids[0];
	uint64_t n = suite_entries(t);
	const struct {
		const char *error;
		unsigned more;
	} steps[] = {{NULL, 0},      {"refused", 1}, {"refused", 0},
		     {"timeout", 1}, {"timeout", 0}, {"refused", 1}};
	for (size_t i = 0; i < PX_ARRAY_LEN(steps); i++) {
		assert_int_equal(SETTLE(t, .delivery = id, .state = PX_D_QUEUED, .attempted = true,
					.due = suite_now(t), .error = steps[i].error),
				 PX_OK);
		n += steps[i].more;
		assert_int_equal(suite_entries(t), n);
	}
}

static void entries_of_applied(struct suite *t)
{
	uint64_t id = ACCEPT(t, .id = "M1", .to = "UA@hub").ids[0];
	uint64_t before = suite_entries(t);
	struct px_apply apply[2] = {{.ref_sender = "BY",
				     .ref_message_id = "M1",
				     .recipient = "UA",
				     .state = PX_D_REFUSED,
				     .code = "PX-RULE"},
				    {.ref_sender = "BY", .ref_message_id = "NONE", .state = PX_D_DELIVERED}};
	suite_digest(&(struct note){.id = "M1"}, apply[0].ref_digest);
	ACCEPT(t, .id = "C1", .sender = "UA", .from = "hub", .confirmations = true, .n_apply = 2,
	       .apply = apply);
	assert_int_equal(suite_entries(t), before + 2);
	struct got_journal page = suite_journal_page(t, before + 1, 10, true);
	assert_int_equal(page.n, 2);
	bool accepted_first = page.items[0].entry.kind == PX_J_ACCEPTED;
	const struct px_journal_entry *settled = &page.items[accepted_first ? 1 : 0].entry;
	assert_int_equal(page.items[accepted_first ? 0 : 1].entry.kind, PX_J_ACCEPTED);
	assert_int_equal(settled->kind, PX_J_SETTLED);
	assert_int_equal(settled->delivery, id);
	assert_string_equal(settled->message_id, "M1");
	assert_string_equal(settled->recipient, "UA");
	assert_string_equal(settled->code, "PX-RULE");
}

static void failures_write_nothing(struct suite *t)
{
	uint64_t id = ACCEPT(t, .id = "M1", .to = "UA").ids[0], gone = 4711;
	(void)suite_expect_lease(t, "ua", "M1");
	uint64_t before = suite_entries(t);
	(void)TRY(t, .id = "M1");
	(void)TRY(t, .id = "M1", .body = "other");
	(void)TRY(t, .id = "M2", .n_consume = 1, .consume = &gone);
	assert_int_equal(SETTLE(t, .delivery = id, .state = PX_D_CANCELLED), PX_ESTALE);
	assert_int_equal(SETTLE(t, .delivery = 4711, .state = PX_D_CANCELLED), PX_ENOTFOUND);
	assert_int_equal(suite_requeue(t, "ua", SUITE_START), PX_OK);
	assert_int_equal(suite_entries(t), before);
}

static void entry_of_ones_own(struct suite *t)
{
	struct px_journal_entry entry = {.kind = PX_J_ADMIN,
					 .at = SUITE_START - 5,
					 .partner = "ua",
					 .sender = "BY",
					 .message_id = "M1",
					 .recipient = "UA",
					 .delivery = 77,
					 .has_digest = true,
					 .digest = {1, 2, 3},
					 .code = "PX-OLD",
					 .actor = "anna",
					 .detail = "cancel 77 \xd0\x94"};
	assert_int_equal(suite_journal(t, &entry), PX_OK);
	struct px_journal_entry got = suite_last_entry(t).entry;
	assert_int_equal(got.kind, PX_J_ADMIN);
	assert_int_equal(got.at, SUITE_START - 5);
	assert_string_equal(got.partner, "ua");
	assert_string_equal(got.sender, "BY");
	assert_string_equal(got.message_id, "M1");
	assert_string_equal(got.recipient, "UA");
	assert_int_equal(got.delivery, 77);
	assert_memory_equal(got.digest, entry.digest, PX_DIGEST_LEN);
	assert_string_equal(got.code, "PX-OLD");
	assert_string_equal(got.actor, "anna");
	assert_string_equal(got.detail, "cancel 77 \xd0\x94");
	px_store_journal(t->st, &(struct px_journal_entry){.kind = PX_J_STOPPED}, NULL, NULL);
	assert_int_equal(suite_journal(t, &(struct px_journal_entry){.kind = PX_J_STARTED}), PX_OK);
	got = suite_last_entry(t).entry;
	assert_int_equal(got.at, SUITE_START); /* set by the store */
	assert_string_equal(got.partner, "");
	assert_false(got.has_digest);
	struct got_journal page = suite_journal_page(t, 0, 2, false);
	assert_int_equal(page.items[1].entry.kind, PX_J_STOPPED);
}

static void some_work(struct suite *t, const char *prefix)
{
	for (int i = 0; i < 8; i++) {
		const char *id = suite_textf(t, "%s%d", prefix, i);
		struct got_accept a = ACCEPT(t, .id = id, .to = "UA MD", .mrn = i % 2 != 0 ? "X" : NULL);
		if (i % 3 == 0)
			assert_int_equal(SETTLE(t, .delivery = a.ids[1], .state = PX_D_DELIVERED,
						.owed = (const uint8_t *)"owed", .owed_len = 4),
					 PX_OK);
	}
}

static void scanned_both_ways(struct suite *t)
{
	some_work(t, "M");
	uint64_t n = suite_entries(t);
	for (unsigned limit = 1; limit <= 13; limit += 3) {
		uint64_t up = 1, down = n;
		for (uint64_t from = 0; up <= n; from = up) {
			struct got_journal page = suite_journal_page(t, from, limit, true);
			assert_true(page.n > 0 && page.n <= limit);
			for (unsigned i = 0; i < page.n; i++)
				assert_int_equal(page.items[i].seq, up++);
			assert_int_equal(page.next, up <= n ? up : 0);
		}
		for (uint64_t from = 0; down >= 1; from = down) {
			struct got_journal page = suite_journal_page(t, from, limit, false);
			assert_true(page.n > 0 && page.n <= limit);
			for (unsigned i = 0; i < page.n; i++)
				assert_int_equal(page.items[i].seq, down--);
			assert_int_equal(page.next, down);
		}
	}
	assert_int_equal(suite_journal_page(t, n + 1, 10, true).n, 0);
}

/** Compute the chain from what readers see, as anybody may. */
static void check_chain(struct suite *t)
{
	struct got_journal all = suite_journal_page(t, 0, 1000, true);
	assert_int_equal(all.n, suite_entries(t));
	uint8_t hash[PX_DIGEST_LEN] = {0};
	for (unsigned i = 0; i < all.n; i++) {
		struct px_buf octets = PX_BUF_INIT;
		px_buf_add(&octets, hash, PX_DIGEST_LEN);
		px_journal_encode(&octets, &all.items[i].entry);
		px_sha256(octets.data, octets.len, hash);
		px_buf_free(&octets);
		assert_memory_equal(all.items[i].hash, hash, PX_DIGEST_LEN);
	}
	assert_memory_equal(suite_stats(t).s.journal_head, hash, PX_DIGEST_LEN);
}

static void entries_are_chained(struct suite *t)
{
	some_work(t, "M");
	check_chain(t);
	suite_reopen(t);
	some_work(t, "N");
	suite_crash(t);
	check_chain(t);
}

static void each_opening_is_journalled(struct suite *t)
{
	assert_int_equal(suite_last_entry(t).entry.kind, PX_J_OPENED);
	assert_int_equal(suite_entries(t), 1);
	ACCEPT(t, .id = "M1");
	suite_reopen(t);
	assert_int_equal(suite_last_entry(t).entry.kind, PX_J_OPENED);
	assert_int_equal(suite_entries(t), 3);
	suite_crash(t);
	assert_int_equal(suite_last_entry(t).entry.kind, PX_J_OPENED);
	assert_int_equal(suite_entries(t), 4);
}

static void no_payload_in_entries(struct suite *t)
{
	some_work(t, "M");
	ACCEPT(t, .id = "KEYS", .to = "UA", .lrn = "secret-lrn", .declarant = "secret-declarant",
	       .mrn = "secret-mrn");
	suite_pass(t, "ua", "M0", PX_D_DELIVERED);
	struct got_journal all = suite_journal_page(t, 0, 1000, true);
	for (unsigned i = 0; i < all.n; i++) {
		const struct px_journal_entry *e = &all.items[i].entry;
		const char *const texts[] = {e->partner, e->sender, e->message_id, e->recipient,
					     e->code,    e->actor,  e->detail};
		for (size_t k = 0; k < PX_ARRAY_LEN(texts); k++)
			assert_null(strstr(texts[k], "secret"));
	}
}

/** What a checkpoint's check was asked. */
struct asked {
	unsigned n;
	uint64_t seq;
	uint8_t hash[PX_DIGEST_LEN];
	bool refuse;
};

static int check_signature(void *arg, uint64_t seq, const uint8_t hash[PX_DIGEST_LEN],
			   const uint8_t *signature, size_t len)
{
	struct asked *asked = arg;
	asked->n++;
	asked->seq = seq;
	memcpy(asked->hash, hash, PX_DIGEST_LEN);
	bool right = len == 9 && memcmp(signature, "signature", 9) == 0;
	return right && !asked->refuse ? PX_OK : PX_ESIGNATURE;
}

static void checkpoints_are_kept_and_checked(struct suite *t)
{
	struct px_store_stats before = suite_stats(t).s;
	static const uint8_t zero[PX_DIGEST_LEN];
	assert_int_equal(before.checkpoint_seq, 0);
	assert_memory_equal(before.checkpoint, zero, PX_DIGEST_LEN);
	some_work(t, "M");
	struct px_journal_read last = suite_last_entry(t);
	assert_int_equal(suite_checkpoint(t, last.seq, "signature"), PX_OK);
	some_work(t, "N");
	suite_reopen(t);
	struct px_store_stats after = suite_stats(t).s;
	assert_int_equal(after.checkpoint_seq, last.seq);
	assert_memory_equal(after.checkpoint, last.hash, PX_DIGEST_LEN);
	struct asked asked = {0};
	struct got_verify verify = suite_verify(t, check_signature, &asked);
	assert_int_equal(verify.rc, PX_OK);
	assert_true(verify.report.journal_ok);
	assert_int_equal(verify.report.journal_entries, after.journal_entries);
	assert_int_equal(verify.report.journal_checkpoints, 1);
	assert_true(verify.report.records > 16);
	assert_int_equal(asked.n, 1);
	assert_int_equal(asked.seq, last.seq);
	assert_memory_equal(asked.hash, last.hash, PX_DIGEST_LEN);
	asked.refuse = true;
	verify = suite_verify(t, check_signature, &asked);
	assert_int_equal(verify.rc, PX_OK);
	assert_false(verify.report.journal_ok);
	assert_string_not_equal(verify.report.first_fault, "");
}

static void checkpoint_beyond_the_head(struct suite *t)
{
	uint64_t n = suite_entries(t);
	assert_int_equal(suite_checkpoint(t, n + 1, "signature"), PX_ENOTFOUND);
	assert_int_equal(suite_checkpoint(t, 0, "signature"), PX_ENOTFOUND);
	assert_int_equal(suite_stats(t).s.checkpoint_seq, 0);
	assert_int_equal(suite_checkpoint(t, n, "signature"), PX_OK);
	assert_int_equal(suite_entries(t), n); /* no entry of its own */
	assert_int_equal(suite_stats(t).s.checkpoint_seq, n);
}

const struct suite_case suite_journal_cases[] = {
    {"an acceptance is journalled", entry_of_accept},
    {"retries, hand-overs and ends are journalled", entries_of_settles},
    {"a retry is journalled only when its error differs", retry_only_when_the_error_differs},
    {"applied confirmations are journalled", entries_of_applied},
    {"what fails writes no entry", failures_write_nothing},
    {"an entry of one's own comes back whole", entry_of_ones_own},
    {"the journal is scanned both ways", scanned_both_ways},
    {"entries are chained, over openings too", entries_are_chained},
    {"each opening is journalled", each_opening_is_journalled},
    {"entries hold no payload and no keys", no_payload_in_entries},
    {"checkpoints are kept, and checked by verify", checkpoints_are_kept_and_checked},
    {"a checkpoint needs an entry", checkpoint_beyond_the_head},
    {NULL, NULL},
};

/* --- stats -------------------------------------------------------------------------------------------------
 */

static void expect_counts(struct suite *t, const char *expected)
{
	struct px_partner_stats p = suite_partner(t, "ua");
	const char *text = suite_textf(t, "%u %u %u %u %u %u %u", (unsigned)p.queued, (unsigned)p.handed_over,
				       (unsigned)p.delivered, (unsigned)p.refused, (unsigned)p.expired,
				       (unsigned)p.unknown, (unsigned)p.cancelled);
	assert_string_equal(text, expected);
}

static void counted_after_each_step(struct suite *t)
{
	static const char *const ids[] = {"M1", "M2", "M3", "M4", "M5", "M6", "M7"};
	uint64_t d[7];
	expect_counts(t, "0 0 0 0 0 0 0");
	for (int i = 0; i < 7; i++)
		d[i] = ACCEPT(t, .id = ids[i], .to = "UA MD", .mrn = i < 3 ? "X" : NULL).ids[0];
	expect_counts(t, "7 0 0 0 0 0 0");
	(void)suite_expect_lease(t, "ua", "M1 M4 M5 M6 M7");
	expect_counts(t, "7 0 0 0 0 0 0"); /* leased is queued */
	suite_crash(t);
	static const enum px_delivery_state states[] = {PX_D_HANDED_OVER, PX_D_DELIVERED, PX_D_REFUSED,
							PX_D_EXPIRED,     PX_D_UNKNOWN,   PX_D_CANCELLED,
							PX_D_QUEUED};
	static const char *const counts[] = {"6 1 0 0 0 0 0", "5 1 1 0 0 0 0", "4 1 1 1 0 0 0",
					     "3 1 1 1 1 0 0", "2 1 1 1 1 1 0", "1 1 1 1 1 1 1",
					     "1 1 1 1 1 1 1"};
	for (int i = 0; i < 7; i++) {
		assert_int_equal(
		    SETTLE(t, .delivery = d[i], .state = states[i], .due = SUITE_START + SUITE_HOUR), PX_OK);
		expect_counts(t, counts[i]);
	}
	assert_int_equal(SETTLE(t, .delivery = d[0], .state = PX_D_DELIVERED), PX_OK);
	assert_int_equal(SETTLE(t, .delivery = d[4], .state = PX_D_REFUSED), PX_OK);
	expect_counts(t, "1 0 2 2 1 0 1");
	suite_reopen(t);
	expect_counts(t, "1 0 2 2 1 0 1");
	suite_crash(t);
	expect_counts(t, "1 0 2 2 1 0 1");
	assert_int_equal(suite_partner(t, "md").queued, 7);
	assert_int_equal(suite_partner(t, "by").queued, 0);
}

static void counts_of_the_whole(struct suite *t)
{
	some_work(t, "M");
	struct px_store_stats s = suite_stats(t).s;
	assert_int_equal(s.messages, 8);
	assert_int_equal(s.deliveries, 16);
	assert_int_equal(s.movements, 5);
	assert_int_equal(s.owed, 3);
	assert_int_equal(s.quarantined, 0);
	assert_int_equal(s.n_partners, 2);
	assert_int_equal(s.journal_entries, 1 + 8 + 3);
	suite_reopen(t);
	struct px_store_stats r = suite_stats(t).s;
	assert_int_equal(r.messages, 8);
	assert_int_equal(r.deliveries, 16);
	assert_int_equal(r.movements, 5);
	assert_int_equal(r.owed, 3);
	assert_int_equal(r.n_partners, 2);
}

static void age_of_the_oldest(struct suite *t)
{
	assert_int_equal(suite_partner(t, "ua").oldest, 0);
	static const char *const ids[] = {"M1", "M2", "M3"};
	uint64_t d[3];
	for (int i = 0; i < 3; i++) {
		d[i] = ACCEPT(t, .id = ids[i], .to = "UA").ids[0];
		px_clock_sim_advance(t->clock, 1000);
	}
	assert_int_equal(suite_partner(t, "ua").oldest, SUITE_START);
	assert_int_equal(SETTLE(t, .delivery = d[1], .state = PX_D_DELIVERED), PX_OK);
	assert_int_equal(suite_partner(t, "ua").oldest, SUITE_START);
	assert_int_equal(
	    SETTLE(t, .delivery = d[0], .state = PX_D_HANDED_OVER, .due = SUITE_START + SUITE_DAY), PX_OK);
	assert_int_equal(suite_partner(t, "ua").oldest, SUITE_START + 2000);
	suite_reopen(t);
	assert_int_equal(suite_partner(t, "ua").oldest, SUITE_START + 2000);
	assert_int_equal(SETTLE(t, .delivery = d[2], .state = PX_D_REFUSED), PX_OK);
	assert_int_equal(suite_partner(t, "ua").oldest, 0);
}

const struct suite_case suite_stats_cases[] = {
    {"deliveries are counted per partner after each step", counted_after_each_step},
    {"the whole is counted", counts_of_the_whole},
    {"the age of the oldest that waits", age_of_the_oldest},
    {NULL, NULL},
};
