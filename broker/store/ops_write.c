/* prinex: LMDB store: settle, requeue, journal, checkpoint
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "store/deliver.h"
#include "store/heads.h"
#include "store/lmdb_store.h"

/* Heads whose due time one transaction changes; a partner that was down may have very many. */
#define REQUEUE_SLICE 1000

/* Octets that an entry about a reading may take. */
#define READING 512

/* So long nothing is sent of what cannot be settled. */
#define REST (15 * 60 * 1000)

/** One of these writes, with a copy of its request. */
struct write_op {
	struct px_op op;
	px_write_done *done;
	void *arg;
	struct px_settle settle;
	unsigned n_all; /* to be settled together */
	struct px_settle *all;
	struct px_journal_entry entry;
	struct px_octets signature;
	uint64_t seq;
	char partner[PX_NAME_MAX + 1];
	int64_t due;
};

static void answer(struct px_op *op)
{
	struct write_op *o = (struct write_op *)op;
	if (o->done != NULL)
		o->done(o->arg, op->rc);
}

static struct write_op *new_op(const struct px_op_kind *kind, px_write_done *done, void *arg)
{
	struct write_op *o = px_op_new(kind, sizeof(*o));
	o->done = done;
	o->arg = arg;
	return o;
}

/* --- settle ------------------------------------------------------------------------------------------ */

static enum px_op_then settle_write(struct px_op *op, struct px_wtx *w)
{
	op->rc = px_deliver_settle(w, &((struct write_op *)op)->settle);
	return PX_OP_DONE;
}

/* What is damaged so that nothing can be written about it must not be sent again and again. */
static void settle_failed(struct px_op *op, struct px_leases *leases)
{
	const struct px_settle *settle = &((struct write_op *)op)->settle;
	uint64_t counter = settle->token.counter;
	if (op->rc == PX_ECORRUPT && counter != 0 && px_lease_of(leases, settle->delivery) == counter)
		px_lease_rest(leases, settle->delivery, op->now + REST);
}

static const struct px_op_kind settle_kind = {
    .name = "settle", .write = settle_write, .failed = settle_failed, .answer = answer};

static void copy_settle(struct px_scratch *scratch, const struct px_settle *req, struct px_settle *out)
{
	px_assert((unsigned)req->state < PX_D_STATES);
	px_assert(req->owed == NULL ||
		  (req->owed_answer_at <= req->owed_len && req->answer_len <= UINT32_MAX));
	*out = *req;
	out->error = px_scratch_str(scratch, req->error);
	out->code = px_scratch_str(scratch, req->code);
	out->actor = px_scratch_str(scratch, req->actor);
	out->answer = px_scratch_copy(scratch, req->answer, req->answer_len);
	out->owed = px_scratch_copy(scratch, req->owed, req->owed_len);
	if (req->mark != NULL) {
		struct px_mark *mark = px_scratch_calloc(scratch, 1, sizeof(*mark));
		*mark = *req->mark;
		out->mark = mark;
	}
}

void px_lmdb_settle(struct px_store *st, const struct px_settle *req, px_write_done *done, void *arg)
{
	struct write_op *o = new_op(&settle_kind, done, arg);
	o->op.haste = req->patient ? PX_OP_PATIENT : PX_OP_PROMPT;
	copy_settle(&o->op.scratch, req, &o->settle);
	px_lmdb_submit_write(px_lmdb_of(st), &o->op);
}

static enum px_op_then settle_all_write(struct px_op *op, struct px_wtx *w)
{
	const struct write_op *o = (const struct write_op *)op;
	op->rc = px_deliver_settle_all(w, o->n_all, o->all);
	return PX_OP_DONE;
}

static const struct px_op_kind settle_all_kind = {
    .name = "settle-all", .write = settle_all_write, .answer = answer};

void px_lmdb_settle_all(struct px_store *st, unsigned n, const struct px_settle *reqs, px_write_done *done,
			void *arg)
{
	struct write_op *o = new_op(&settle_all_kind, done, arg);
	o->n_all = n;
	o->all = px_scratch_calloc(&o->op.scratch, n, sizeof(o->all[0]));
	for (unsigned i = 0; i < n; i++)
		copy_settle(&o->op.scratch, &reqs[i], &o->all[i]);
	px_lmdb_submit_write(px_lmdb_of(st), &o->op);
}

/* --- requeue ----------------------------------------------------------------------------------------- */

/* Some heads of @partner in class @prio that are due later and not leased. @return how many. */
static unsigned find_later(struct px_wtx *w, const struct write_op *o, uint8_t prio, uint64_t *ids,
			   unsigned max)
{
	struct px_tkey prefix = px_tkey_name(o->partner);
	struct px_cur cur;
	unsigned n = 0;
	px_tkey_u8(&prefix, prio);
	struct px_tkey from = px_tkey_ready(o->partner, prio, o->due, UINT64_MAX);
	px_cur_open(&cur, &w->tx, PX_T_READY);
	for (bool more = px_cur_seek(&cur, &from); more && n < max && px_cur_has_prefix(&cur, &prefix);
	     more = px_cur_next(&cur)) {
		struct px_tkey_in in = px_tkey_read(cur.key.data + prefix.len, cur.key.len - prefix.len);
		px_tkey_get_i64(&in);
		uint64_t id = px_tkey_get_u64(&in);
		if (px_tkey_done(&in) && px_lease_of(w->leases, id) == 0)
			ids[n++] = id;
	}
	px_cur_close(&cur);
	return n;
}

/* @return whether it was brought forward. */
static bool bring_forward(struct px_wtx *w, uint64_t id, int64_t due)
{
	struct px_delivery d;
	uint64_t home;
	if (px_load_delivery(&w->tx, id, &d) != PX_OK || d.state != PX_D_QUEUED ||
	    px_heads_home(&w->tx, &d, &home) != PX_OK)
		return false; /* found and set aside when somebody wants to lease it */
	px_heads_move(w, &d, home, due);
	d.due = due;
	px_wtx_save_delivery(w, &d);
	return true;
}

static enum px_op_then requeue_write(struct px_op *op, struct px_wtx *w)
{
	const struct write_op *o = (const struct write_op *)op;
	uint64_t ids[REQUEUE_SLICE];
	unsigned n = 0, moved = 0;
	for (unsigned prio = 0; prio < PX_PRIO_COUNT; prio++)
		n += find_later(w, o, (uint8_t)prio, ids + n, REQUEUE_SLICE - n);
	for (unsigned i = 0; i < n; i++)
		moved += bring_forward(w, ids[i], o->due) ? 1 : 0;
	w->changed = w->changed || moved > 0;
	return n == REQUEUE_SLICE && moved > 0 ? PX_OP_WRITE : PX_OP_DONE;
}

static const struct px_op_kind requeue_kind = {.name = "requeue", .write = requeue_write, .answer = answer};

void px_lmdb_requeue(struct px_store *st, const char *partner, int64_t due, px_write_done *done, void *arg)
{
	struct write_op *o = new_op(&requeue_kind, done, arg);
	px_strlcpy(o->partner, partner, sizeof(o->partner));
	o->due = due;
	px_lmdb_submit_write(px_lmdb_of(st), &o->op);
}

/* --- journal ----------------------------------------------------------------------------------------- */

/* Partners that ask and ask must not fill what is kept for settlements and for administrators. */
static bool is_partners_reading(const struct px_journal_entry *entry)
{
	return entry->kind == PX_J_READ && entry->partner != NULL && entry->partner[0] != '\0';
}

static enum px_op_then journal_write(struct px_op *op, struct px_wtx *w)
{
	if (is_partners_reading(&((struct write_op *)op)->entry) && !w->has_room) {
		op->rc = PX_EFULL;
		return PX_OP_DONE;
	}
	px_wtx_journal(w, &((struct write_op *)op)->entry);
	return PX_OP_DONE;
}

static const struct px_op_kind journal_kind = {.name = "journal", .write = journal_write, .answer = answer};

void px_lmdb_journal(struct px_store *st, const struct px_journal_entry *entry, px_write_done *done,
		     void *arg)
{
	struct write_op *o = new_op(&journal_kind, done, arg);
	struct px_scratch *scratch = &o->op.scratch;
	px_assert((unsigned)entry->kind < PX_J_KINDS);
	o->entry = *entry;
	o->entry.partner = px_scratch_str(scratch, entry->partner);
	o->entry.sender = px_scratch_str(scratch, entry->sender);
	o->entry.message_id = px_scratch_str(scratch, entry->message_id);
	o->entry.recipient = px_scratch_str(scratch, entry->recipient);
	o->entry.code = px_scratch_str(scratch, entry->code);
	o->entry.actor = px_scratch_str(scratch, entry->actor);
	o->entry.detail = px_scratch_str(scratch, entry->detail);
	o->op.weight = is_partners_reading(entry) ? READING : 0;
	px_lmdb_submit_write(px_lmdb_of(st), &o->op);
}

static enum px_op_then checkpoint_write(struct px_op *op, struct px_wtx *w)
{
	const struct write_op *o = (const struct write_op *)op;
	op->rc = px_wtx_checkpoint(w, o->seq, o->signature);
	return PX_OP_DONE;
}

static const struct px_op_kind checkpoint_kind = {
    .name = "checkpoint", .write = checkpoint_write, .answer = answer};

void px_lmdb_checkpoint(struct px_store *st, uint64_t seq, const uint8_t *signature, size_t len,
			px_write_done *done, void *arg)
{
	struct write_op *o = new_op(&checkpoint_kind, done, arg);
	o->seq = seq;
	o->signature = (struct px_octets){px_scratch_copy(&o->op.scratch, signature, len), len};
	px_lmdb_submit_write(px_lmdb_of(st), &o->op);
}
