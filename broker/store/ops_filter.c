/* prinex: LMDB store: the filter of digests is made, in the background
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/filter.h"
#include "store/lmdb_store.h"

/* Index entries read at a time: others want the reader too. */
#define SLICE 4096

/*
 * The writer makes an empty one and adds to it from then on; the reader adds all that was committed before;
 * the writer drops the old one; the loop asks the new one. So none is ever missing from the one that is
 * asked: what is accepted meanwhile is in both. The first is made when the store is opened, before the writer
 * has anything to do: only the reader is asked.
 */
struct filter_op {
	struct px_long_op job;
	struct px_lmdb *lm;
	struct px_filter *fresh; /* also in wtx until it is in use */
	struct px_tkey from;
	bool first, filled;
};

static enum px_op_then filter_write(struct px_op *op, struct px_wtx *w)
{
	struct filter_op *o = (struct filter_op *)op;
	if (o->filled) {
		w->filter = o->fresh;
		w->fresh_filter = NULL;
		return PX_OP_DONE;
	}
	if (o->fresh == NULL)
		o->fresh = px_filter_new(px_tx_entries(&w->tx, PX_T_DIGESTS));
	w->fresh_filter = o->fresh;
	return PX_OP_READ;
}

static enum px_op_then filter_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct filter_op *o = (struct filter_op *)op;
	struct px_cur cur;
	unsigned n = 0;
	(void)leases;
	px_cur_open(&cur, tx, PX_T_DIGESTS);
	bool more = o->from.len == 0 ? px_cur_first(&cur) : px_cur_seek(&cur, &o->from);
	for (; more && n < SLICE; more = px_cur_next(&cur), n++) {
		if (cur.key.len == PX_DIGEST_LEN / 2)
			px_filter_add(o->fresh, cur.key.data);
	}
	if (more && cur.key.len <= sizeof(o->from.data)) {
		o->from.len = cur.key.len;
		memcpy(o->from.data, cur.key.data, cur.key.len);
	}
	px_cur_close(&cur);
	op->rc = tx->rc;
	if (atomic_load(&o->job.stop))
		op->rc = PX_ECANCELLED;
	if (op->rc != PX_OK)
		return PX_OP_DONE;
	o->filled = !more;
	return more ? PX_OP_READ : o->first ? PX_OP_DONE : PX_OP_WRITE;
}

static void filter_answer(struct px_op *op)
{
	struct filter_op *o = (struct filter_op *)op;
	px_lmdb_end_long(o->lm, &o->job);
	o->lm->making_filter = false;
	if (op->rc != PX_OK) {
		/* The store is closing, or broken. Which of them the writer adds to is not certain. */
		o->lm->ask_always = true;
		o->lm->given_up = o->fresh;
		return;
	}
	px_filter_free(&o->lm->filter);
	o->lm->filter = o->fresh;
}

static const struct px_op_kind filter_kind = {
    .name = "filter", .write = filter_write, .read = filter_read, .answer = filter_answer};

static struct filter_op *begin(struct px_lmdb *lm)
{
	struct filter_op *o = px_op_new(&filter_kind, sizeof(*o));
	o->lm = lm;
	lm->making_filter = true;
	px_lmdb_begin_long(lm, &o->job, o);
	return o;
}

void px_lmdb_first_filter(struct px_lmdb *lm)
{
	struct px_tx tx;
	px_tx_read(&tx, &lm->db);
	lm->wtx.filter = px_filter_new(px_tx_entries(&tx, PX_T_DIGESTS));
	px_tx_abort(&tx);
	struct filter_op *o = begin(lm);
	o->fresh = lm->wtx.filter;
	o->first = true;
	px_lmdb_submit_read(lm, &o->job.op);
}

static void make_another(struct px_lmdb *lm)
{
	if (lm->making_filter || lm->ask_always || lm->closing)
		return;
	px_lmdb_submit_write(lm, &begin(lm)->job.op);
}

bool px_lmdb_may_know(struct px_store *st, const uint8_t digest[PX_DIGEST_LEN])
{
	struct px_lmdb *lm = px_lmdb_of(st);
	if (lm->filter == NULL || lm->ask_always)
		return true;
	if (px_filter_is_full(lm->filter))
		make_another(lm);
	return px_filter_may_have(lm->filter, digest);
}
