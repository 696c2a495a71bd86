/* prinex: store suite: what its cases are written with: reads
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"

#include "base/strings.h"

static void *keep(struct suite *t, const void *data, size_t n, size_t size)
{
	void *copy = suite_room(t, n, size);
	if (n > 0)
		memcpy(copy, data, n * size);
	return copy;
}

/** A new answer of its kind, counted as submitted. */
#define ASK(t, kind)                                         \
	struct kind *got = suite_room((t), 1, sizeof(*got)); \
	got->t = (t);                                        \
	(t)->submitted++

/** In the callback: it may come once. */
#define ANSWERED(kind)            \
	struct kind *got = arg;   \
	struct suite *t = got->t; \
	assert_false(got->done);  \
	t->callbacks++;           \
	got->done = true;         \
	got->rc = rc

#define WAIT(t)                      \
	assert_false(got->done);     \
	suite_wait((t), &got->done); \
	return *got

/* --- messages ----------------------------------------------------------------------------------------------
 */

static struct px_message copy_message(struct suite *t, const struct px_message *m)
{
	struct px_message copy = *m;
	copy.keys.items = keep(t, m->keys.items, m->keys.n, sizeof(m->keys.items[0]));
	copy.deliveries = keep(t, m->deliveries, m->n_deliveries, sizeof(m->deliveries[0]));
	uint8_t *coa = suite_room(t, m->coa_len + 1, 1);
	if (m->coa_len > 0)
		memcpy(coa, m->coa, m->coa_len);
	copy.coa = coa;
	return copy;
}

static void message_done(void *arg, int rc, const struct px_message *message)
{
	ANSWERED(got_message);
	assert_true((rc == PX_OK) == (message != NULL));
	if (message != NULL)
		got->m = copy_message(t, message);
}

struct got_message suite_message(struct suite *t, uint64_t seq)
{
	ASK(t, got_message);
	px_store_message(t->st, seq, message_done, got);
	WAIT(t);
}

struct got_message suite_find(struct suite *t, const char *sender, const char *id)
{
	ASK(t, got_message);
	px_store_find(t->st, sender, id, message_done, got);
	WAIT(t);
}

struct px_delivery suite_delivery(struct suite *t, const char *id, const char *recipient)
{
	struct got_message got = suite_find(t, "BY", id);
	assert_int_equal(got.rc, PX_OK);
	for (unsigned i = 0; i < got.m.n_deliveries; i++) {
		if (strcmp(got.m.deliveries[i].recipient, recipient) == 0)
			return got.m.deliveries[i];
	}
	fail_msg("message %s has no delivery to %s", id, recipient);
	return (struct px_delivery){0};
}

enum px_delivery_state suite_state(struct suite *t, const char *id, const char *recipient)
{
	return suite_delivery(t, id, recipient).state;
}

static void body_done(void *arg, int rc, struct px_body *body)
{
	ANSWERED(got_body);
	assert_true((rc == PX_OK) == (body != NULL));
	if (body == NULL)
		return;
	char *text = suite_room(t, body->len + 1, 1);
	memcpy(text, body->data, body->len);
	got->text = text;
	got->len = body->len;
}

struct got_body suite_body(struct suite *t, uint64_t seq)
{
	ASK(t, got_body);
	px_store_body(t->st, seq, body_done, got);
	WAIT(t);
}

static void messages_done(void *arg, int rc, unsigned n, const struct px_message *messages, uint64_t next)
{
	ANSWERED(got_messages);
	got->n = n;
	got->next = next;
	got->items = suite_room(t, n, sizeof(messages[0]));
	for (unsigned i = 0; i < n; i++)
		got->items[i] = copy_message(t, &messages[i]);
}

struct got_messages suite_scan_page(struct suite *t, const struct px_scan *scan)
{
	ASK(t, got_messages);
	px_store_scan(t->st, scan, messages_done, got);
	WAIT(t);
}

struct got_messages suite_lookup(struct suite *t, enum px_key_kind kind, const char *value, unsigned limit)
{
	ASK(t, got_messages);
	px_store_lookup(t->st, &(struct px_lookup){.kind = kind, .value = value, .limit = limit},
			messages_done, got);
	WAIT(t);
}

struct got_messages suite_lookup_page(struct suite *t, const struct px_lookup *which)
{
	ASK(t, got_messages);
	px_store_lookup(t->st, which, messages_done, got);
	WAIT(t);
}

struct got_messages suite_movement_page(struct suite *t, uint64_t movement, uint64_t from, unsigned limit)
{
	ASK(t, got_messages);
	px_store_movement(t->st, movement, from, limit, messages_done, got);
	WAIT(t);
}

struct got_messages suite_movement(struct suite *t, uint64_t movement)
{
	return suite_movement_page(t, movement, 0, 1000);
}

struct got_messages suite_scan(struct suite *t, const struct px_scan *scan)
{
	struct px_scan page = *scan;
	struct got_messages all = {.done = true, .rc = PX_OK, .t = t};
	page.limit = scan->limit != 0 ? scan->limit : 1000;
	unsigned pages = 0;
	do {
		struct got_messages got = suite_scan_page(t, &page);
		assert_int_equal(got.rc, PX_OK);
		assert_true(got.n <= page.limit);
		assert_true(++pages < 5000);
		struct px_message *items = suite_room(t, all.n + got.n, sizeof(items[0]));
		if (all.n > 0)
			memcpy(items, all.items, all.n * sizeof(items[0]));
		if (got.n > 0)
			memcpy(items + all.n, got.items, got.n * sizeof(items[0]));
		all.items = items;
		all.n += got.n;
		page.from = got.next;
	} while (page.from != 0);
	return all;
}

const char *suite_ids(struct suite *t, const struct got_messages *got)
{
	struct px_buf ids = PX_BUF_INIT;
	for (unsigned i = 0; i < got->n; i++)
		px_buf_addf(&ids, "%s%s", i > 0 ? " " : "", got->items[i].header.message_id);
	const char *text = suite_text(t, px_buf_str(&ids));
	px_buf_free(&ids);
	return text;
}

const char *suite_scan_ids(struct suite *t, const struct px_scan *scan)
{
	struct got_messages got = suite_scan(t, scan);
	return suite_ids(t, &got);
}

static void resolve_done(void *arg, int rc, unsigned n, const struct px_resolved *resolved)
{
	ANSWERED(got_resolved);
	got->n = n;
	got->items = keep(t, resolved, n, sizeof(resolved[0]));
}

struct got_resolved suite_resolve(struct suite *t, unsigned n, const struct px_ref *refs)
{
	ASK(t, got_resolved);
	px_store_resolve(t->st, n, refs, resolve_done, got);
	WAIT(t);
}

/* --- deliveries --------------------------------------------------------------------------------------------
 */

static void deliveries_done(void *arg, int rc, unsigned n, const struct px_delivery *deliveries,
			    uint64_t next)
{
	ANSWERED(got_deliveries);
	got->n = n;
	got->next = next;
	got->items = keep(t, deliveries, n, sizeof(deliveries[0]));
}

static struct got_deliveries deliveries_page(struct suite *t, const struct px_scan *scan)
{
	ASK(t, got_deliveries);
	px_store_scan_deliveries(t->st, scan, deliveries_done, got);
	WAIT(t);
}

struct got_deliveries suite_scan_deliveries(struct suite *t, const struct px_scan *scan)
{
	struct px_scan page = *scan;
	struct got_deliveries all = {.done = true, .rc = PX_OK, .t = t};
	page.limit = scan->limit != 0 ? scan->limit : 1000;
	unsigned pages = 0;
	do {
		struct got_deliveries got = deliveries_page(t, &page);
		assert_int_equal(got.rc, PX_OK);
		assert_true(got.n <= page.limit);
		assert_true(++pages < 5000);
		struct px_delivery *items = suite_room(t, all.n + got.n, sizeof(items[0]));
		if (all.n > 0)
			memcpy(items, all.items, all.n * sizeof(items[0]));
		if (got.n > 0)
			memcpy(items + all.n, got.items, got.n * sizeof(items[0]));
		all.items = items;
		all.n += got.n;
		page.from = got.next;
	} while (page.from != 0);
	return all;
}

struct got_deliveries suite_overdue(struct suite *t, int64_t now, const struct px_delivery *after,
				    unsigned max)
{
	ASK(t, got_deliveries);
	px_store_overdue(t->st, now, after, max, deliveries_done, got);
	WAIT(t);
}

const char *suite_delivery_ids(struct suite *t, const struct got_deliveries *got)
{
	struct px_buf ids = PX_BUF_INIT;
	for (unsigned i = 0; i < got->n; i++) {
		struct got_message m = suite_message(t, got->items[i].message);
		assert_int_equal(m.rc, PX_OK);
		px_buf_addf(&ids, "%s%s/%s", i > 0 ? " " : "", m.m.header.message_id,
			    got->items[i].recipient);
	}
	const char *text = suite_text(t, px_buf_str(&ids));
	px_buf_free(&ids);
	return text;
}

const char *suite_scan_delivery_ids(struct suite *t, const struct px_scan *scan)
{
	struct got_deliveries got = suite_scan_deliveries(t, scan);
	return suite_delivery_ids(t, &got);
}

/* --- owed --------------------------------------------------------------------------------------------------
 */

static void groups_done(void *arg, int rc, unsigned n, const struct px_owed_group *groups)
{
	ANSWERED(got_groups);
	got->n = n;
	got->items = keep(t, groups, n, sizeof(groups[0]));
}

struct got_groups suite_groups(struct suite *t, unsigned max)
{
	ASK(t, got_groups);
	px_store_owed_groups(t->st, max, groups_done, got);
	WAIT(t);
}

static void owed_done(void *arg, int rc, unsigned n, const struct px_owed *owed)
{
	ANSWERED(got_owed);
	got->n = n;
	got->ids = suite_room(t, n, sizeof(got->ids[0]));
	got->texts = suite_room(t, n, sizeof(got->texts[0]));
	for (unsigned i = 0; i < n; i++) {
		char *text = suite_room(t, owed[i].len + 1, 1);
		memcpy(text, owed[i].data, owed[i].len);
		got->texts[i] = text;
		got->ids[i] = owed[i].id;
	}
}

struct got_owed suite_owed(struct suite *t, const char *partner, const char *ref_sender, unsigned max,
			   uint64_t octets)
{
	ASK(t, got_owed);
	px_store_owed(t->st, partner, ref_sender, max, octets, owed_done, got);
	WAIT(t);
}

/* --- journal, stats, verify --------------------------------------------------------------------------------
 */

static const char *text_or_empty(struct suite *t, const char *s)
{
	return suite_text(t, s != NULL ? s : "");
}

static void journal_done(void *arg, int rc, unsigned n, const struct px_journal_read *entries, uint64_t next)
{
	ANSWERED(got_journal);
	got->n = n;
	got->next = next;
	got->items = keep(t, entries, n, sizeof(entries[0]));
	for (unsigned i = 0; i < n; i++) {
		struct px_journal_entry *e = &got->items[i].entry;
		e->partner = text_or_empty(t, e->partner);
		e->sender = text_or_empty(t, e->sender);
		e->message_id = text_or_empty(t, e->message_id);
		e->recipient = text_or_empty(t, e->recipient);
		e->code = text_or_empty(t, e->code);
		e->actor = text_or_empty(t, e->actor);
		e->detail = text_or_empty(t, e->detail);
	}
}

struct got_journal suite_journal_page(struct suite *t, uint64_t from, unsigned limit, bool ascending)
{
	ASK(t, got_journal);
	px_store_journal_scan(t->st, from, limit, ascending, journal_done, got);
	WAIT(t);
}

struct px_journal_read suite_last_entry(struct suite *t)
{
	struct got_journal got = suite_journal_page(t, 0, 1, false);
	assert_int_equal(got.rc, PX_OK);
	assert_int_equal(got.n, 1);
	return got.items[0];
}

uint64_t suite_entries(struct suite *t)
{
	return suite_stats(t).s.journal_entries;
}

static void stats_done(void *arg, int rc, const struct px_store_stats *stats)
{
	ANSWERED(got_stats);
	if (stats == NULL)
		return;
	got->s = *stats;
	got->s.partners = keep(t, stats->partners, stats->n_partners, sizeof(stats->partners[0]));
}

struct got_stats suite_stats(struct suite *t)
{
	ASK(t, got_stats);
	px_store_stats(t->st, stats_done, got);
	suite_wait(t, &got->done);
	assert_int_equal(got->rc, PX_OK);
	return *got;
}

struct px_partner_stats suite_partner(struct suite *t, const char *partner)
{
	struct got_stats got = suite_stats(t);
	for (unsigned i = 0; i < got.s.n_partners; i++) {
		if (strcmp(got.s.partners[i].partner, partner) == 0)
			return got.s.partners[i];
	}
	return (struct px_partner_stats){0};
}

static void verify_done(void *arg, int rc, const struct px_verify_report *report)
{
	ANSWERED(got_verify);
	if (report == NULL)
		return;
	got->report = *report;
	got->report.first_fault = text_or_empty(t, report->first_fault);
}

struct got_verify suite_verify(struct suite *t, px_checkpoint_check *check, void *check_arg)
{
	ASK(t, got_verify);
	px_store_verify(t->st, check, check_arg, verify_done, got);
	WAIT(t);
}

static int any_signature(void *arg, uint64_t seq, const uint8_t hash[PX_DIGEST_LEN], const uint8_t *signature,
			 size_t len)
{
	(void)arg;
	(void)seq;
	(void)hash;
	(void)signature;
	(void)len;
	return PX_OK;
}

void suite_sound(struct suite *t)
{
	struct got_verify got = suite_verify(t, any_signature, NULL);
	assert_int_equal(got.rc, PX_OK);
	if (got.report.first_fault[0] != '\0')
		fail_msg("verify: %s", got.report.first_fault);
	assert_int_equal(got.report.damaged, 0);
	assert_int_equal(got.report.index_faults, 0);
	assert_true(got.report.journal_ok);
	assert_int_equal(got.report.journal_broken_at, 0);
}
