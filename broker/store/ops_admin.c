/* prinex: LMDB store: what was set aside; long operations and how they are given up
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/lmdb_store.h"

#define PAGE_MAX 1000u

#define PLACE_SHIFT 56

/* --- long operations --------------------------------------------------------------------------------- */

void px_lmdb_begin_long(struct px_lmdb *lm, struct px_long_op *op, const void *arg)
{
	op->arg = arg;
	op->others = lm->long_ops;
	lm->long_ops = op;
}

void px_lmdb_end_long(struct px_lmdb *lm, struct px_long_op *op)
{
	struct px_long_op **at = &lm->long_ops;
	while (*at != op)
		at = &(*at)->others;
	*at = op->others;
}

void px_lmdb_give_up(struct px_store *st, const void *arg)
{
	for (struct px_long_op *op = px_lmdb_of(st)->long_ops; op != NULL; op = op->others) {
		if (op->arg == arg)
			atomic_store(&op->stop, true);
	}
}

bool px_lmdb_progress(struct px_store *st, const void *arg, uint64_t *done, uint64_t *total)
{
	const struct px_long_op *op = px_lmdb_of(st)->long_ops;
	while (op != NULL && op->arg != arg)
		op = op->others;
	*done = op != NULL ? atomic_load(&op->done) : 0;
	*total = op != NULL ? atomic_load(&op->total) : 0;
	return *total > 0;
}

/* --- quarantined ------------------------------------------------------------------------------------- */

struct quarantined_op {
	struct px_op op;
	uint64_t from;
	unsigned limit;
	px_quarantined_done *done;
	void *arg;
	unsigned n;
	struct px_quarantined *items;
	uint64_t next;
};

uint64_t px_lmdb_place(uint8_t table, uint64_t id)
{
	return (uint64_t)table << PLACE_SHIFT | id;
}

struct px_tkey px_lmdb_place_key(uint64_t place)
{
	struct px_tkey id = px_tkey_of(place & ((UINT64_C(1) << PLACE_SHIFT) - 1));
	return px_tkey_quarantine((uint8_t)(place >> PLACE_SHIFT), id.data, id.len);
}

/* The entry under the cursor; an entry that is damaged itself says so. */
static struct px_quarantined entry_of(struct quarantined_op *o, const struct px_cur *cur)
{
	struct px_tkey_in in = px_cur_read(cur);
	uint8_t table = px_tkey_get_u8(&in);
	uint64_t id = px_tkey_get_u64(&in);
	struct px_quarantined q = {.place = px_lmdb_place(table, id),
				   .table = table < PX_TABLES ? px_table_name((enum px_table)table) : "?",
				   .record = id,
				   .reason = "the note about it is damaged too"};
	struct px_octets fields;
	struct px_rec_quarantine rec;
	if (px_rec_open(PX_T_QUARANTINE, cur->key.data, cur->key.len, cur->value.data, cur->value.len,
			&fields) == PX_OK &&
	    px_rec_get_quarantine(fields, &rec) == PX_OK) {
		q.delivery = rec.delivery;
		q.at = rec.at;
		q.reason = px_scratch_str(&o->op.scratch, rec.reason);
	}
	return q;
}

static enum px_op_then quarantined_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct quarantined_op *o = (struct quarantined_op *)op;
	struct px_tkey from = px_lmdb_place_key(o->from);
	struct px_cur cur;
	size_t cap = 0;
	(void)leases;
	px_cur_open(&cur, tx, PX_T_QUARANTINE);
	for (bool more = px_cur_seek(&cur, &from); more && o->next == 0; more = px_cur_next(&cur)) {
		struct px_quarantined q = entry_of(o, &cur);
		if (o->n == o->limit) {
			o->next = q.place;
			break;
		}
		o->items = px_scratch_double(&op->scratch, o->items, o->n, &cap, sizeof(o->items[0]));
		o->items[o->n++] = q;
	}
	px_cur_close(&cur);
	op->rc = tx->rc;
	return PX_OP_DONE;
}

static void quarantined_answer(struct px_op *op)
{
	struct quarantined_op *o = (struct quarantined_op *)op;
	o->done(o->arg, op->rc, op->rc == PX_OK ? o->n : 0, o->items, o->next);
}

static const struct px_op_kind quarantined_kind = {
    .name = "quarantined", .read = quarantined_read, .shows = true, .answer = quarantined_answer};

void px_lmdb_quarantined(struct px_store *st, uint64_t from, unsigned limit, px_quarantined_done *done,
			 void *arg)
{
	struct quarantined_op *o = px_op_new(&quarantined_kind, sizeof(*o));
	o->from = from;
	o->limit = limit == 0 || limit > PAGE_MAX ? PAGE_MAX : limit;
	o->done = done;
	o->arg = arg;
	px_lmdb_submit_read(px_lmdb_of(st), &o->op);
}
