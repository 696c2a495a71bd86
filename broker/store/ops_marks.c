/* prinex: LMDB store: marks, release from quarantine, receipts
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "store/heads.h"
#include "store/lmdb_store.h"
#include "store/salvage.h"

/** One of these operations, with a copy of its request. */
struct marks_op {
	struct px_op op;
	union {
		px_write_done *write;
		px_marks_done *marks;
		px_receipt_done *receipt;
	} done;
	void *arg;
	struct px_mark mark; /* or its name alone */
	char table[32];
	uint64_t id;
	unsigned n;
	size_t cap;
	struct px_mark *marks;
	struct px_receipt receipt;
};

static struct marks_op *new_op(const struct px_op_kind *kind, void *arg)
{
	struct marks_op *o = px_op_new(kind, sizeof(*o));
	o->arg = arg;
	return o;
}

static void write_answer(struct px_op *op)
{
	struct marks_op *o = (struct marks_op *)op;
	if (o->done.write != NULL)
		o->done.write(o->arg, op->rc);
}

/* --- marks ------------------------------------------------------------------------------------------- */

static enum px_op_then mark_write(struct px_op *op, struct px_wtx *w)
{
	px_wtx_mark(w, &((struct marks_op *)op)->mark);
	return PX_OP_DONE;
}

static const struct px_op_kind mark_kind = {.name = "mark", .write = mark_write, .answer = write_answer};

static void lmdb_mark(struct px_store *st, const struct px_mark *mark, px_write_done *done, void *arg)
{
	struct marks_op *o = new_op(&mark_kind, arg);
	o->done.write = done;
	o->mark = *mark;
	px_lmdb_submit_write(px_lmdb_of(st), &o->op);
}

static enum px_op_then unmark_write(struct px_op *op, struct px_wtx *w)
{
	struct px_tkey key = px_tkey_name(((struct marks_op *)op)->mark.name);
	op->rc = px_tx_del(&w->tx, PX_T_MARKS, &key);
	return PX_OP_DONE;
}

static const struct px_op_kind unmark_kind = {
    .name = "unmark", .write = unmark_write, .answer = write_answer};

static void lmdb_unmark(struct px_store *st, const char *name, px_write_done *done, void *arg)
{
	struct marks_op *o = new_op(&unmark_kind, arg);
	o->done.write = done;
	px_strlcpy(o->mark.name, name, sizeof(o->mark.name));
	px_lmdb_submit_write(px_lmdb_of(st), &o->op);
}

/* One that cannot be read is left out: verify names it. */
static enum px_op_then marks_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct marks_op *o = (struct marks_op *)op;
	struct px_cur cur;
	(void)leases;
	px_cur_open(&cur, tx, PX_T_MARKS);
	for (bool more = px_cur_first(&cur); more && o->n < PX_MARKS_MAX; more = px_cur_next(&cur)) {
		struct px_tkey_in in = px_cur_read(&cur);
		const char *name = px_tkey_get_str(&in, PX_MARK_NAME_MAX);
		struct px_octets fields;
		o->marks = px_scratch_double(&op->scratch, o->marks, o->n, &o->cap, sizeof(*o->marks));
		struct px_mark *mark = &o->marks[o->n];
		if (name == NULL ||
		    px_rec_open(PX_T_MARKS, cur.key.data, cur.key.len, cur.value.data, cur.value.len,
				&fields) != PX_OK ||
		    px_rec_get_mark(fields, mark) != PX_OK)
			continue;
		px_strlcpy(mark->name, name, sizeof(mark->name));
		o->n++;
	}
	px_cur_close(&cur);
	op->rc = tx->rc;
	return PX_OP_DONE;
}

static void marks_answer(struct px_op *op)
{
	struct marks_op *o = (struct marks_op *)op;
	o->done.marks(o->arg, op->rc, op->rc == PX_OK ? o->n : 0, o->marks);
}

static const struct px_op_kind marks_kind = {
    .name = "marks", .read = marks_read, .shows = true, .answer = marks_answer};

static void lmdb_marks(struct px_store *st, px_marks_done *done, void *arg)
{
	struct marks_op *o = new_op(&marks_kind, arg);
	o->done.marks = done;
	px_lmdb_submit_read(px_lmdb_of(st), &o->op);
}

/* --- release ----------------------------------------------------------------------------------------- */

static bool find_table(const char *name, enum px_table *out)
{
	for (int t = 0; t < PX_TABLES; t++) {
		if (strcmp(px_table_name((enum px_table)t), name) == 0) {
			*out = (enum px_table)t;
			return true;
		}
	}
	return false;
}

/* Whether all that is sent for it can be read now. */
static bool is_readable(struct px_wtx *w, struct px_scratch *scratch, const struct px_delivery *d)
{
	struct px_rec_message rec;
	struct px_octets body;
	uint8_t digest[PX_DIGEST_LEN];
	if (px_load_message(&w->tx, scratch, d->message, &rec) != PX_OK ||
	    px_load_body(&w->tx, d->message, &body) != PX_OK)
		return false;
	px_sha256(body.data, body.len, digest);
	return memcmp(digest, rec.message.digest, PX_DIGEST_LEN) == 0;
}

/* The deliveries of one message have ids in a row; @id is one of them. @return the first. */
static uint64_t first_of(struct px_wtx *w, uint64_t id)
{
	struct px_delivery d, before;
	if (px_load_delivery(&w->tx, id, &d) != PX_OK)
		return id;
	while (id > 1 && px_load_delivery(&w->tx, id - 1, &before) == PX_OK && before.message == d.message)
		id--;
	return id;
}

/* Let all deliveries of the message that @any belongs to go on, or (@go false) see whether they could.
 * @return PX_ECORRUPT when one of them cannot. */
static int release_deliveries(struct px_wtx *w, struct px_scratch *scratch, uint64_t any, bool go)
{
	struct px_salvaged salvaged;
	struct px_delivery d;
	uint64_t first = first_of(w, any), message = 0, home;
	for (uint64_t id = first;; id++) {
		int rc = px_load_delivery(&w->tx, id, &d);
		if (id == any && rc != PX_OK && px_salvage_delivery(&w->tx, id, false, &salvaged) == PX_OK)
			return PX_ECORRUPT; /* it waits */
		if (rc != PX_OK || (id != first && d.message != message))
			return PX_OK;
		message = d.message;
		if (d.state != PX_D_QUEUED)
			continue;
		if (px_heads_home(&w->tx, &d, &home) != PX_OK || !is_readable(w, scratch, &d))
			return PX_ECORRUPT;
		if (go)
			px_heads_release(w, &d, home);
	}
}

static enum px_op_then release_write(struct px_op *op, struct px_wtx *w)
{
	struct marks_op *o = (struct marks_op *)op;
	struct px_tkey of = px_tkey_of(o->id);
	struct px_octets fields;
	struct px_rec_quarantine rec = {.delivery = 0};
	enum px_table table;
	op->rc = PX_ENOTFOUND;
	if (!find_table(o->table, &table))
		return PX_OP_DONE;
	struct px_tkey key = px_tkey_quarantine((uint8_t)table, of.data, of.len);
	int rc = px_tx_record(&w->tx, PX_T_QUARANTINE, &key, &fields);
	if (rc == PX_ENOTFOUND)
		return PX_OP_DONE;
	if (rc == PX_OK)
		px_rec_get_quarantine(fields, &rec);
	op->rc = rec.delivery != 0 ? release_deliveries(w, &op->scratch, rec.delivery, false) : PX_OK;
	if (op->rc != PX_OK)
		return PX_OP_DONE;
	if (rec.delivery != 0)
		release_deliveries(w, &op->scratch, rec.delivery, true);
	px_tx_del(&w->tx, PX_T_QUARANTINE, &key);
	w->state.quarantined--;
	w->changed = true;
	return PX_OP_DONE;
}

static const struct px_op_kind release_kind = {
    .name = "release", .write = release_write, .answer = write_answer};

static void lmdb_release(struct px_store *st, const char *table, uint64_t record, px_write_done *done,
			 void *arg)
{
	struct marks_op *o = new_op(&release_kind, arg);
	o->done.write = done;
	o->id = record;
	px_strlcpy(o->table, table, sizeof(o->table));
	px_lmdb_submit_write(px_lmdb_of(st), &o->op);
}

/* --- receipts ---------------------------------------------------------------------------------------- */

static enum px_op_then receipt_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct marks_op *o = (struct marks_op *)op;
	struct px_rec_receipt rec;
	(void)leases;
	op->rc = px_load_receipt(tx, o->id, &rec);
	if (op->rc != PX_OK)
		return PX_OP_DONE;
	struct px_receipt *r = &o->receipt;
	r->confirmations = rec.confirmations;
	memcpy(r->digest, rec.digest, PX_DIGEST_LEN);
	px_strlcpy(r->sender, rec.sender, sizeof(r->sender));
	px_strlcpy(r->message_id, rec.message_id, sizeof(r->message_id));
	px_strlcpy(r->partner, rec.partner, sizeof(r->partner));
	return PX_OP_DONE;
}

static void receipt_answer(struct px_op *op)
{
	struct marks_op *o = (struct marks_op *)op;
	o->done.receipt(o->arg, op->rc, op->rc == PX_OK ? &o->receipt : NULL);
}

static const struct px_op_kind receipt_kind = {
    .name = "receipt", .read = receipt_read, .answer = receipt_answer};

static void lmdb_receipt(struct px_store *st, uint64_t message, px_receipt_done *done, void *arg)
{
	struct marks_op *o = new_op(&receipt_kind, arg);
	o->done.receipt = done;
	o->id = message;
	px_lmdb_submit_read(px_lmdb_of(st), &o->op);
}

const struct px_store_marks_ops px_lmdb_marks_ops = {
    .mark = lmdb_mark,
    .unmark = lmdb_unmark,
    .marks = lmdb_marks,
    .release = lmdb_release,
    .receipt = lmdb_receipt,
};
