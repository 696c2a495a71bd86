/* prinex: LMDB store: purge, in turns of the reader, which looks, and the writer, which removes
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/lmdb_store.h"
#include "store/purge.h"

/* One look of the reader, and one transaction's part: so many entries, or, where more come in, the messages
 * that were accepted since the last part and a quarter more: a store that is written at full rate does not
 * grow. */
#define LOOK_MS   2
#define ENTRIES   250
#define FOUND_MAX 512

#define LOOK_AT_MAX 10000u

/* Receipts are walked first, then notes of what was set aside: `from` beyond this is in the latter. */
#define NOTES (UINT64_C(1) << 63)

struct found {
	uint64_t id;      /* message; of a note: the damaged record */
	unsigned entries; /* that go with it */
	enum px_table table;
	bool is_note;
};

struct purge_op {
	struct px_op op;
	struct px_purge req;
	uint64_t at;       /* where to look next */
	uint64_t looked;   /* `at` after the last look */
	unsigned to_look;  /* so many more */
	uint64_t last_seq; /* of messages, at the last part; 0: there was none */
	unsigned wanted;   /* messages to look at at least, however long it takes */
	struct found found[FOUND_MAX];
	unsigned n_found;
	bool at_end;
	struct px_purge_report slice; /* of the last transaction; counted when that is durable */
	struct px_purge_report report;
	px_purge_done *done;
	void *arg;
};

/* --- looking ----------------------------------------------------------------------------------------- */

static bool is_enough(const struct purge_op *o, unsigned looked, unsigned entries, int64_t until)
{
	if (o->n_found == FOUND_MAX || o->to_look == 0)
		return true;
	return looked >= o->wanted && (entries >= ENTRIES || px_clock_mono(px_clock_real()) >= until);
}

/* A receipt that is damaged stays: nobody knows how long its duplicate key was promised. */
static void look_at_receipts(struct purge_op *o, struct px_tx *tx, int64_t until)
{
	struct px_tkey from = px_tkey_of(o->at);
	struct px_cur cur;
	unsigned looked = 0, entries = 0;
	px_cur_open(&cur, tx, PX_T_RECEIPTS);
	bool more = px_cur_seek(&cur, &from);
	for (; more && !is_enough(o, looked, entries, until); more = px_cur_next(&cur), looked++) {
		struct px_tkey_in in = px_cur_read(&cur);
		uint64_t seq = px_tkey_get_u64(&in);
		struct px_rec_receipt receipt;
		struct px_octets fields;
		unsigned takes;
		o->at = seq + 1;
		o->to_look--;
		if (px_rec_open(PX_T_RECEIPTS, cur.key.data, cur.key.len, cur.value.data, cur.value.len,
				&fields) != PX_OK ||
		    px_rec_get_receipt(fields, &receipt) != PX_OK ||
		    px_purge_judge(tx, &o->req, seq, &receipt, &takes) == PX_PURGE_KEEP)
			continue;
		o->found[o->n_found++] = (struct found){.id = seq, .entries = takes};
		entries += takes;
	}
	px_cur_close(&cur);
	if (!more)
		o->at = NOTES;
}

static void look_at_notes(struct purge_op *o, struct px_tx *tx)
{
	struct px_tkey from = px_lmdb_place_key(o->at & ~NOTES);
	struct px_cur cur;
	px_cur_open(&cur, tx, PX_T_QUARANTINE);
	bool more = px_cur_seek(&cur, &from);
	for (; more && o->n_found < FOUND_MAX / 4; more = px_cur_next(&cur)) {
		struct px_tkey_in in = px_cur_read(&cur);
		struct found f = {.table = (enum px_table)px_tkey_get_u8(&in), .is_note = true};
		struct px_rec_quarantine rec;
		struct px_octets fields;
		f.id = px_tkey_get_u64(&in);
		o->at = NOTES | (px_lmdb_place((uint8_t)f.table, f.id) + 1);
		if (px_tkey_done(&in) && f.table < PX_TABLES &&
		    px_rec_open(PX_T_QUARANTINE, cur.key.data, cur.key.len, cur.value.data, cur.value.len,
				&fields) == PX_OK &&
		    px_rec_get_quarantine(fields, &rec) == PX_OK && px_purge_note_is_old(&o->req, rec.at))
			o->found[o->n_found++] = f;
	}
	px_cur_close(&cur);
	o->at_end = !more;
}

static void count_slice(struct purge_op *o)
{
	o->report.messages += o->slice.messages;
	o->report.receipts += o->slice.receipts;
	o->report.octets += o->slice.octets;
	o->slice = (struct px_purge_report){0};
	o->n_found = 0;
}

static enum px_op_then purge_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct purge_op *o = (struct purge_op *)op;
	int64_t until = px_clock_mono(px_clock_real()) + LOOK_MS;
	(void)leases;
	count_slice(o);
	if (o->at_end || o->to_look == 0)
		return PX_OP_DONE;
	if (o->at < NOTES)
		look_at_receipts(o, tx, until);
	else
		look_at_notes(o, tx);
	o->looked = o->at;
	op->reads_old = true; /* the writer judges again; what is settled meanwhile goes with the next run */
	op->rc = tx->rc;
	if (op->rc != PX_OK)
		return PX_OP_DONE;
	return o->n_found > 0 ? PX_OP_YIELD : PX_OP_READ;
}

/* --- removing ---------------------------------------------------------------------------------------- */

static void journal_slice(struct px_wtx *w, const struct purge_op *o, unsigned n, unsigned notes)
{
	char detail[128];
	const struct px_purge_report *s = &o->slice;
	snprintf(detail, sizeof(detail),
		 "messages=%llu duplicate-keys=%llu quarantine-entries=%u of messages %llu-%llu",
		 (unsigned long long)s->messages, (unsigned long long)s->receipts, notes,
		 (unsigned long long)o->found[0].id, (unsigned long long)o->found[n - 1].id);
	if (s->messages + s->receipts + notes > 0)
		px_wtx_journal(w, &(struct px_journal_entry){.kind = PX_J_PURGED, .detail = detail});
}

/* How many messages this part removes at least. */
static unsigned keep_up(struct purge_op *o, const struct px_wtx *w)
{
	uint64_t fresh = o->last_seq != 0 ? w->state.last_message - o->last_seq : 0;
	return (unsigned)PX_MIN(fresh + fresh / 4, (uint64_t)FOUND_MAX);
}

/* @return how many of those found were dealt with. */
static unsigned remove_found(struct purge_op *o, struct px_wtx *w, unsigned *notes)
{
	unsigned i = 0, entries = 0, judged, least = keep_up(o, w);
	struct px_rec_receipt receipt;
	for (; i < o->n_found; i++) {
		const struct found *f = &o->found[i];
		if (f->is_note) {
			*notes += px_purge_note(w, f->table, f->id, &o->slice) ? 1 : 0;
			continue;
		}
		if (entries >= ENTRIES && i >= least)
			break;
		entries += f->entries;
		if (px_load_receipt(&w->tx, f->id, &receipt) == PX_OK)
			px_purge_remove(w, f->id, px_purge_judge(&w->tx, &o->req, f->id, &receipt, &judged),
					&o->slice);
	}
	return i;
}

static enum px_op_then purge_write(struct px_op *op, struct px_wtx *w)
{
	struct purge_op *o = (struct purge_op *)op;
	unsigned notes = 0;
	o->slice = (struct px_purge_report){0};
	unsigned n = remove_found(o, w, &notes);
	o->at = n < o->n_found ? o->found[n].id : o->looked; /* the rest is found again */
	journal_slice(w, o, n, notes);
	o->wanted = keep_up(o, w);
	o->last_seq = w->state.last_message;
	return PX_OP_READ;
}

/* --- the operation ----------------------------------------------------------------------------------- */

static void purge_answer(struct px_op *op)
{
	struct purge_op *o = (struct purge_op *)op;
	o->report.next = o->at_end && op->rc == PX_OK ? 0 : o->at;
	o->done(o->arg, op->rc, &o->report);
}

static const struct px_op_kind purge_kind = {
    .name = "purge", .write = purge_write, .read = purge_read, .answer = purge_answer};

void px_lmdb_purge(struct px_store *st, const struct px_purge *req, px_purge_done *done, void *arg)
{
	struct purge_op *o = px_op_new(&purge_kind, sizeof(*o));
	struct px_scratch *scratch = &o->op.scratch;
	struct px_purge_rule *rules = px_scratch_calloc(scratch, req->n_rules, sizeof(rules[0]));
	for (unsigned i = 0; i < req->n_rules; i++) {
		rules[i] = req->rules[i];
		rules[i].type = px_scratch_str(scratch, req->rules[i].type);
		rules[i].recipient = px_scratch_str(scratch, req->rules[i].recipient);
	}
	o->req = *req;
	o->req.rules = rules;
	o->at = req->from;
	o->to_look = req->max == 0 || req->max > LOOK_AT_MAX ? LOOK_AT_MAX : req->max;
	o->done = done;
	o->arg = arg;
	px_lmdb_submit_read(px_lmdb_of(st), &o->op);
}
