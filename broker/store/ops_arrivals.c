/* prinex: LMDB store: what is expected where and when
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "store/declared.h"
#include "store/lmdb_store.h"

#define PAGE_MAX 1000u
/* Entries looked at for one page: no reader pins pages for long. */
#define WALK_MAX 4000u

struct arrivals_op {
	struct px_op op;
	struct px_arrivals which; /* texts and `after` in scratch; the limit made good */
	px_arrivals_done *done;
	void *arg;
	unsigned n, walked;
	size_t cap;
	struct px_arrival *items;
	struct px_arrival last; /* the last one looked at */
	bool more;
};

/* @return the entry's time; false: it is of another row. */
static bool read_entry(const struct arrivals_op *o, const struct px_cur *cur, struct px_arrival *out)
{
	struct px_tkey_in in = px_cur_read(cur);
	const char *office;
	*out = (struct px_arrival){.at = 0};
	if (px_tkey_get_u8(&in) != (o->which.office != NULL ? PX_ARRIVAL_BY_OFFICE : PX_ARRIVAL_LATE))
		return false;
	if (o->which.office != NULL) {
		office = px_tkey_get_str(&in, PX_KEY_VALUE_MAX);
		out->at = px_tkey_get_i64(&in);
		out->message = px_tkey_get_u64(&in);
	} else {
		out->at = px_tkey_get_i64(&in);
		out->message = px_tkey_get_u64(&in);
		office = px_tkey_get_str(&in, PX_KEY_VALUE_MAX);
	}
	if (!px_tkey_done(&in) || office == NULL)
		return false;
	px_strlcpy(out->office, office, sizeof(out->office));
	return o->which.office == NULL || strcmp(office, o->which.office) == 0;
}

static bool is_sent_to(struct px_tx *tx, const struct px_rec_message *rec, const char *recipient)
{
	struct px_delivery d;
	for (unsigned i = 0; i < rec->n_deliveries; i++) {
		if (px_load_delivery(tx, rec->first_delivery + i, &d) == PX_OK &&
		    strcmp(d.recipient, recipient) == 0 && px_delivery_is_sent(&d))
			return true;
	}
	return recipient == NULL;
}

/* @return whether the walk may go on. */
static bool take(struct arrivals_op *o, struct px_tx *tx, struct px_arrival *a)
{
	struct px_scratch scratch = {0};
	struct px_rec_message rec;
	if (o->n == o->which.limit || o->walked++ == WALK_MAX) {
		o->more = true;
		return false;
	}
	o->last = *a;
	if (px_load_message(tx, &scratch, a->message, &rec) == PX_OK &&
	    (o->which.recipient == NULL || is_sent_to(tx, &rec, o->which.recipient))) {
		a->movement = rec.message.movement;
		o->items = px_scratch_double(&o->op.scratch, o->items, o->n, &o->cap, sizeof(o->items[0]));
		o->items[o->n++] = *a;
	}
	px_scratch_free(&scratch);
	return true;
}

static bool is_after(const struct px_arrival *after, const struct px_arrival *a)
{
	if (after == NULL || a->at != after->at)
		return after == NULL || a->at > after->at;
	if (a->message != after->message)
		return a->message > after->message;
	return strcmp(a->office, after->office) > 0;
}

static enum px_op_then arrivals_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct arrivals_op *o = (struct arrivals_op *)op;
	int64_t from = PX_MAX(o->which.from, (int64_t)0);
	uint64_t message = 0;
	struct px_arrival a;
	struct px_cur cur;
	(void)leases;
	if (o->which.after != NULL && o->which.after->at >= from) {
		from = o->which.after->at;
		message = o->which.after->message;
	}
	struct px_tkey start = o->which.office != NULL ? px_tkey_arrival(o->which.office, from, message)
						       : px_tkey_late(from, message, "");
	px_cur_open(&cur, tx, PX_T_ARRIVALS);
	for (bool more = px_cur_seek(&cur, &start); more; more = px_cur_next(&cur)) {
		if (!read_entry(o, &cur, &a) || a.at >= o->which.until)
			break;
		if (is_after(o->which.after, &a) && !take(o, tx, &a))
			break;
	}
	px_cur_close(&cur);
	op->rc = tx->rc;
	return PX_OP_DONE;
}

static void arrivals_answer(struct px_op *op)
{
	struct arrivals_op *o = (struct arrivals_op *)op;
	bool ok = op->rc == PX_OK;
	o->done(o->arg, op->rc, ok ? o->n : 0, o->items, ok && o->more ? &o->last : NULL);
}

static const struct px_op_kind arrivals_kind = {
    .name = "arrivals", .read = arrivals_read, .answer = arrivals_answer};

void px_lmdb_arrivals(struct px_store *st, const struct px_arrivals *which, px_arrivals_done *done, void *arg)
{
	struct arrivals_op *o = px_op_new(&arrivals_kind, sizeof(*o));
	struct px_scratch *scratch = &o->op.scratch;
	char office[PX_KEY_VALUE_MAX + 1] = "";
	o->which = *which;
	if (which->office != NULL)
		px_key_normal(PX_KEY_ARRIVAL_OFFICE, which->office, office);
	o->which.office = which->office != NULL ? px_scratch_str(scratch, office) : NULL;
	o->which.recipient = px_scratch_str(scratch, which->recipient);
	o->which.after = which->after != NULL ? px_scratch_copy(scratch, which->after, sizeof(*which->after))
					      : NULL;
	o->which.limit = which->limit == 0 || which->limit > PAGE_MAX ? PAGE_MAX : which->limit;
	o->done = done;
	o->arg = arg;
	px_lmdb_submit_read(px_lmdb_of(st), &o->op);
}
