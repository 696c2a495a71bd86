/* prinex: LMDB store: reading one thing: message, body, references, pending confirmations, journal
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "store/journal.h"
#include "store/lmdb_store.h"
#include "store/owed.h"
#include "store/view.h"

#define PAGE_MAX 1000u

static unsigned page_limit(unsigned limit)
{
	return limit == 0 || limit > PAGE_MAX ? PAGE_MAX : limit;
}

/* --- message, find ----------------------------------------------------------------------------------- */

struct message_op {
	struct px_op op;
	uint64_t seq; /* 0: by sender and id */
	const char *sender, *message_id;
	px_message_done *done;
	void *arg;
	struct px_message message;
};

static enum px_op_then message_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct message_op *o = (struct message_op *)op;
	struct px_rec_receipt receipt;
	if (o->sender != NULL)
		op->rc = px_load_by_id(tx, o->sender, o->message_id, &o->seq, &receipt);
	if (op->rc == PX_OK)
		op->rc = px_view_message(tx, leases, &op->scratch, o->seq, &o->message);
	return PX_OP_DONE;
}

static void message_answer(struct px_op *op)
{
	struct message_op *o = (struct message_op *)op;
	o->done(o->arg, op->rc, op->rc == PX_OK ? &o->message : NULL);
}

static const struct px_op_kind message_kind = {
    .name = "message", .read = message_read, .shows = true, .answer = message_answer};

void px_lmdb_message(struct px_store *st, uint64_t seq, px_message_done *done, void *arg)
{
	struct message_op *o = px_op_new(&message_kind, sizeof(*o));
	o->seq = seq;
	o->done = done;
	o->arg = arg;
	px_lmdb_submit_read(px_lmdb_of(st), &o->op);
}

void px_lmdb_find(struct px_store *st, const char *sender, const char *message_id, px_message_done *done,
		  void *arg)
{
	struct message_op *o = px_op_new(&message_kind, sizeof(*o));
	o->sender = px_scratch_str(&o->op.scratch, sender);
	o->message_id = px_scratch_str(&o->op.scratch, message_id);
	o->done = done;
	o->arg = arg;
	px_lmdb_submit_read(px_lmdb_of(st), &o->op);
}

/* --- body -------------------------------------------------------------------------------------------- */

struct body_op {
	struct px_op op;
	uint64_t seq;
	px_body_done *done;
	void *arg;
	struct px_body *body;
};

static enum px_op_then body_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct body_op *o = (struct body_op *)op;
	(void)leases;
	op->rc = px_view_body(tx, o->seq, &o->body);
	return PX_OP_DONE;
}

static void body_answer(struct px_op *op)
{
	struct body_op *o = (struct body_op *)op;
	o->done(o->arg, op->rc, o->body);
}

static void body_release(struct px_op *op)
{
	px_body_unref(&((struct body_op *)op)->body);
}

static const struct px_op_kind body_kind = {
    .name = "body", .read = body_read, .shows = true, .answer = body_answer, .release = body_release};

void px_lmdb_body(struct px_store *st, uint64_t seq, px_body_done *done, void *arg)
{
	struct body_op *o = px_op_new(&body_kind, sizeof(*o));
	o->seq = seq;
	o->done = done;
	o->arg = arg;
	px_lmdb_submit_read(px_lmdb_of(st), &o->op);
}

/* --- answer ------------------------------------------------------------------------------------------ */

struct answer_op {
	struct px_op op;
	uint64_t delivery;
	px_answer_done *done;
	void *arg;
	struct px_octets octets;
};

static enum px_op_then answer_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct answer_op *o = (struct answer_op *)op;
	struct px_tkey key = px_tkey_of(o->delivery);
	struct px_octets fields;
	struct px_rec_signed rec;
	(void)leases;
	op->rc = px_tx_record(tx, PX_T_ANSWERS, &key, &fields);
	if (op->rc == PX_OK)
		op->rc = px_rec_get_signed(fields, &rec);
	if (op->rc == PX_OK)
		o->octets = (struct px_octets){px_scratch_copy(&op->scratch, rec.data.data, rec.data.len),
					       rec.data.len};
	return PX_OP_DONE;
}

static void answer_answer(struct px_op *op)
{
	struct answer_op *o = (struct answer_op *)op;
	o->done(o->arg, op->rc, op->rc == PX_OK ? o->octets.data : NULL, op->rc == PX_OK ? o->octets.len : 0);
}

static const struct px_op_kind answer_kind = {
    .name = "answer", .read = answer_read, .shows = true, .answer = answer_answer};

void px_lmdb_answer(struct px_store *st, uint64_t delivery, px_answer_done *done, void *arg)
{
	struct answer_op *o = px_op_new(&answer_kind, sizeof(*o));
	o->delivery = delivery;
	o->done = done;
	o->arg = arg;
	px_lmdb_submit_read(px_lmdb_of(st), &o->op);
}

/* --- resolve ----------------------------------------------------------------------------------------- */

struct resolve_op {
	struct px_op op;
	unsigned n;
	const struct px_ref *refs;
	px_resolve_done *done;
	void *arg;
	struct px_resolved *resolved;
};

static enum px_op_then resolve_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct resolve_op *o = (struct resolve_op *)op;
	(void)leases;
	o->resolved = px_scratch_calloc(&op->scratch, o->n, sizeof(o->resolved[0]));
	for (unsigned i = 0; i < o->n; i++) {
		struct px_resolved *r = &o->resolved[i];
		struct px_rec_receipt receipt;
		uint64_t seq;
		int rc = px_load_by_id(tx, o->refs[i].sender, o->refs[i].message_id, &seq, &receipt);
		if (rc != PX_OK)
			continue;
		r->found = true;
		r->message = seq;
		px_strlcpy(r->partner, receipt.partner, sizeof(r->partner));
		memcpy(r->digest, receipt.digest, PX_DIGEST_LEN);
		struct px_rec_message rec;
		if (px_load_message(tx, &op->scratch, seq, &rec) == PX_OK) {
			px_strlcpy(r->type, rec.message.header.type, sizeof(r->type));
			r->accepted = rec.message.accepted;
		}
	}
	op->rc = tx->rc;
	return PX_OP_DONE;
}

static void resolve_answer(struct px_op *op)
{
	struct resolve_op *o = (struct resolve_op *)op;
	o->done(o->arg, op->rc, op->rc == PX_OK ? o->n : 0, o->resolved);
}

static const struct px_op_kind resolve_kind = {
    .name = "resolve", .read = resolve_read, .answer = resolve_answer};

void px_lmdb_resolve(struct px_store *st, unsigned n, const struct px_ref *refs, px_resolve_done *done,
		     void *arg)
{
	struct resolve_op *o = px_op_new(&resolve_kind, sizeof(*o));
	o->n = n;
	o->refs = px_scratch_copy(&o->op.scratch, refs, n * sizeof(refs[0]));
	o->done = done;
	o->arg = arg;
	px_lmdb_submit_read(px_lmdb_of(st), &o->op);
}

/* --- pending confirmations --------------------------------------------------------------------------- */

struct owed_op {
	struct px_op op;
	const char *partner, *ref_sender;
	unsigned max;
	uint64_t octets;
	px_owed_groups_done *groups_done;
	px_owed_done *done;
	void *arg;
	unsigned n;
	struct px_owed_group *groups;
	struct px_owed *owed;
};

static enum px_op_then groups_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct owed_op *o = (struct owed_op *)op;
	(void)leases;
	op->rc = px_owed_read_groups(tx, &op->scratch, o->max, &o->n, &o->groups);
	return PX_OP_DONE;
}

static void groups_answer(struct px_op *op)
{
	struct owed_op *o = (struct owed_op *)op;
	o->groups_done(o->arg, op->rc, op->rc == PX_OK ? o->n : 0, o->groups);
}

static const struct px_op_kind groups_kind = {
    .name = "owed_groups", .read = groups_read, .answer = groups_answer};

void px_lmdb_owed_groups(struct px_store *st, unsigned max, px_owed_groups_done *done, void *arg)
{
	struct owed_op *o = px_op_new(&groups_kind, sizeof(*o));
	o->max = max;
	o->groups_done = done;
	o->arg = arg;
	px_lmdb_submit_read(px_lmdb_of(st), &o->op);
}

static enum px_op_then owed_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct owed_op *o = (struct owed_op *)op;
	(void)leases;
	if (strlen(o->partner) <= PX_NAME_MAX && strlen(o->ref_sender) <= PX_AUTHORITY_MAX)
		op->rc = px_owed_read(tx, &op->scratch, o->partner, o->ref_sender, o->max, o->octets, &o->n,
				      &o->owed);
	return PX_OP_DONE;
}

static void owed_answer(struct px_op *op)
{
	struct owed_op *o = (struct owed_op *)op;
	o->done(o->arg, op->rc, op->rc == PX_OK ? o->n : 0, o->owed);
}

static const struct px_op_kind owed_kind = {.name = "owed", .read = owed_read, .answer = owed_answer};

void px_lmdb_owed(struct px_store *st, const char *partner, const char *ref_sender, unsigned max,
		  uint64_t octets, px_owed_done *done, void *arg)
{
	struct owed_op *o = px_op_new(&owed_kind, sizeof(*o));
	o->partner = px_scratch_str(&o->op.scratch, partner);
	o->ref_sender = px_scratch_str(&o->op.scratch, ref_sender);
	o->max = max;
	o->octets = octets;
	o->done = done;
	o->arg = arg;
	px_lmdb_submit_read(px_lmdb_of(st), &o->op);
}

/* --- journal ----------------------------------------------------------------------------------------- */

struct journal_op {
	struct px_op op;
	uint64_t from;
	unsigned limit;
	bool ascending;
	px_journal_done *done;
	void *arg;
	unsigned n;
	struct px_journal_read *entries;
	uint64_t next;
};

static int read_entry(struct px_op *op, const struct px_cur *cur, struct px_journal_read *entry)
{
	struct px_tkey_in in = px_cur_read(cur);
	struct px_octets fields, octets;
	entry->seq = px_tkey_get_u64(&in);
	int rc =
	    px_rec_open(PX_T_JOURNAL, cur->key.data, cur->key.len, cur->value.data, cur->value.len, &fields);
	if (rc == PX_OK)
		rc = px_rec_get_journal(fields, entry->hash, &octets);
	if (rc != PX_OK)
		return rc;
	const void *copy = px_scratch_copy(&op->scratch, octets.data, octets.len);
	return px_journal_decode(copy, octets.len, &entry->entry);
}

/* An entry that cannot be read is shown as nothing but its number; verify says the rest. */
static enum px_op_then journal_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct journal_op *o = (struct journal_op *)op;
	struct px_tkey from = px_tkey_of(o->from);
	struct px_cur cur;
	(void)leases;
	o->entries = px_scratch_calloc(&op->scratch, o->limit, sizeof(o->entries[0]));
	px_cur_open(&cur, tx, PX_T_JOURNAL);
	bool more;
	if (o->ascending)
		more = px_cur_seek(&cur, &from);
	else if (o->from == 0 || o->from == UINT64_MAX)
		more = px_cur_last(&cur);
	else
		more = (from = px_tkey_of(o->from + 1), px_cur_before(&cur, &from));
	for (; more && o->n < o->limit; o->n++) {
		struct px_journal_read *entry = &o->entries[o->n];
		if (read_entry(op, &cur, entry) != PX_OK)
			entry->entry = (struct px_journal_entry){.partner = "",
								 .sender = "",
								 .message_id = "",
								 .recipient = "",
								 .code = "",
								 .actor = "",
								 .detail = "this entry is damaged"};
		more = o->ascending ? px_cur_next(&cur) : px_cur_prev(&cur);
	}
	if (more) {
		struct px_tkey_in in = px_cur_read(&cur);
		o->next = px_tkey_get_u64(&in);
	}
	px_cur_close(&cur);
	op->rc = tx->rc;
	return PX_OP_DONE;
}

static void journal_answer(struct px_op *op)
{
	struct journal_op *o = (struct journal_op *)op;
	o->done(o->arg, op->rc, op->rc == PX_OK ? o->n : 0, o->entries, o->next);
}

static const struct px_op_kind journal_kind = {
    .name = "journal_scan", .read = journal_read, .shows = true, .answer = journal_answer};

void px_lmdb_journal_scan(struct px_store *st, uint64_t from, unsigned limit, bool ascending,
			  px_journal_done *done, void *arg)
{
	struct journal_op *o = px_op_new(&journal_kind, sizeof(*o));
	o->from = from;
	o->limit = page_limit(limit);
	o->ascending = ascending;
	o->done = done;
	o->arg = arg;
	px_lmdb_submit_read(px_lmdb_of(st), &o->op);
}
