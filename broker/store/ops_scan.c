/* prinex: LMDB store: lists of messages and deliveries
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "store/declared.h"
#include "store/lmdb_store.h"
#include "store/salvage.h"
#include "store/view.h"

#define PAGE_MAX 1000u

/* Records looked at for one page; then it is handed out as it is, so that no reader pins pages for long. */
#define WALK_MAX 2000u

struct scan_op {
	struct px_op op;
	struct px_scan scan;     /* texts in scratch; the limit made good */
	struct px_lookup lookup; /* texts in scratch; its page is that of `scan` */
	uint64_t movement;
	int64_t now;
	struct px_tkey start; /* overdue */
	px_messages_done *messages_done;
	px_deliveries_done *deliveries_done;
	void *arg;
	unsigned walked;
	unsigned n;
	size_t cap;
	uint64_t next;
	struct px_message *messages;
	struct px_delivery *deliveries;
};

static struct scan_op *new_op(const struct px_op_kind *kind, const struct px_scan *scan, void *arg)
{
	struct scan_op *o = px_op_new(kind, sizeof(*o));
	struct px_scratch *scratch = &o->op.scratch;
	o->scan = *scan;
	o->scan.partner = px_scratch_str(scratch, scan->partner);
	o->scan.sender = px_scratch_str(scratch, scan->sender);
	o->scan.type = px_scratch_str(scratch, scan->type);
	o->scan.message_id = px_scratch_str(scratch, scan->message_id);
	o->scan.recipient = px_scratch_str(scratch, scan->recipient);
	o->scan.limit = scan->limit == 0 || scan->limit > PAGE_MAX ? PAGE_MAX : scan->limit;
	o->arg = arg;
	return o;
}

static void messages_answer(struct px_op *op)
{
	struct scan_op *o = (struct scan_op *)op;
	bool ok = op->rc == PX_OK;
	o->messages_done(o->arg, op->rc, ok ? o->n : 0, o->messages, ok ? o->next : 0);
}

static void deliveries_answer(struct px_op *op)
{
	struct scan_op *o = (struct scan_op *)op;
	bool ok = op->rc == PX_OK;
	o->deliveries_done(o->arg, op->rc, ok ? o->n : 0, o->deliveries, ok ? o->next : 0);
}

static bool is_any(const char *filter, const char *value)
{
	return filter == NULL || filter[0] == '\0' || strcmp(filter, value) == 0;
}

static bool is_within(const struct px_scan *scan, int64_t accepted)
{
	return (scan->since == 0 || accepted >= scan->since) && (scan->until == 0 || accepted < scan->until);
}

static bool header_fits(const struct px_scan *scan, const struct px_header *header)
{
	return is_any(scan->sender, header->sender) && is_any(scan->type, header->type) &&
	       is_any(scan->message_id, header->message_id);
}

/* --- messages ---------------------------------------------------------------------------------------- */

static bool message_fits(const struct px_scan *scan, const struct px_message *m)
{
	bool recipient = scan->recipient == NULL || scan->recipient[0] == '\0', open = !scan->open_only;
	for (unsigned i = 0; i < m->n_deliveries; i++) {
		recipient = recipient || strcmp(m->deliveries[i].recipient, scan->recipient) == 0;
		open = open || !px_delivery_state_is_final(m->deliveries[i].state);
	}
	return recipient && open && is_any(scan->partner, m->partner) && is_within(scan, m->accepted) &&
	       header_fits(scan, &m->header);
}

/* Its movement had not ended by then; one that cannot be read is said to be damaged by who reads it. */
static bool had_not_ended(struct px_tx *tx, uint64_t movement, int64_t at)
{
	struct px_rec_movement rec;
	uint64_t root;
	return at == 0 || (movement != 0 && px_load_movement(tx, movement, &root, &rec) == PX_OK &&
			   !rec.ended && at < rec.live_until);
}

static bool lookup_fits(const struct px_lookup *which, struct px_tx *tx, const struct px_message *m)
{
	bool sent = which->recipient == NULL;
	for (unsigned i = 0; i < m->n_deliveries; i++)
		sent = sent || (strcmp(m->deliveries[i].recipient, which->recipient) == 0 &&
				px_delivery_is_sent(&m->deliveries[i]));
	return sent && had_not_ended(tx, m->movement, which->live_at);
}

/* Add the message if it fits. A record that cannot be read is left out: message and verify name it.
 * @return false when the page is full and this one begins the next. */
static bool add_message(struct scan_op *o, struct px_tx *tx, struct px_leases *leases, uint64_t seq)
{
	struct px_scratch scratch = {0};
	struct px_message message;
	bool fits = px_view_message(tx, leases, &scratch, seq, &message) == PX_OK &&
		    message_fits(&o->scan, &message) && lookup_fits(&o->lookup, tx, &message);
	bool has_room = o->n < o->scan.limit;
	if (fits && has_room) {
		o->messages = px_scratch_double(&o->op.scratch, o->messages, o->n, &o->cap, sizeof(message));
		o->messages[o->n++] = message;
		px_scratch_adopt(&o->op.scratch, &scratch);
	} else if (fits) {
		o->next = seq;
	}
	px_scratch_free(&scratch);
	return !fits || has_room;
}

/* One more record was looked at: @return false when that is enough for one page. */
static bool may_walk(struct scan_op *o, uint64_t at)
{
	if (o->walked++ < WALK_MAX)
		return true;
	o->next = at;
	return false;
}

/* Place @cur at @from (0: the start) in either direction. */
static bool start_walk(struct px_cur *cur, const struct px_scan *scan)
{
	struct px_tkey key = px_tkey_of(scan->from);
	if (scan->ascending)
		return px_cur_seek(cur, &key);
	if (scan->from == 0 || scan->from == UINT64_MAX)
		return px_cur_last(cur);
	key = px_tkey_of(scan->from + 1);
	return px_cur_before(cur, &key);
}

static bool step(struct px_cur *cur, const struct px_scan *scan)
{
	return scan->ascending ? px_cur_next(cur) : px_cur_prev(cur);
}

static uint64_t id_at(const struct px_cur *cur)
{
	struct px_tkey_in in = px_cur_read(cur);
	return px_tkey_get_u64(&in);
}

static enum px_op_then scan_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct scan_op *o = (struct scan_op *)op;
	struct px_cur cur;
	px_cur_open(&cur, tx, PX_T_MESSAGES);
	for (bool more = start_walk(&cur, &o->scan); more; more = step(&cur, &o->scan)) {
		uint64_t seq = id_at(&cur);
		if (!may_walk(o, seq) || !add_message(o, tx, leases, seq))
			break;
	}
	px_cur_close(&cur);
	op->rc = tx->rc;
	return PX_OP_DONE;
}

static const struct px_op_kind scan_kind = {
    .name = "scan", .read = scan_read, .shows = true, .answer = messages_answer};

void px_lmdb_scan(struct px_store *st, const struct px_scan *scan, px_messages_done *done, void *arg)
{
	struct scan_op *o = new_op(&scan_kind, scan, arg);
	o->messages_done = done;
	px_lmdb_submit_read(px_lmdb_of(st), &o->op);
}

/* --- messages by business key, messages of a movement ------------------------------------------------ */

static enum px_op_then lookup_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct scan_op *o = (struct scan_op *)op;
	const struct px_lookup *which = &o->lookup;
	struct px_cur cur;
	if (strlen(which->value) > PX_KEY_VALUE_MAX || (unsigned)which->kind >= PX_KEY_COUNT)
		return PX_OP_DONE; /* no message has that */
	bool from_last = which->from == 0 || which->from == UINT64_MAX;
	struct px_tkey prefix =
	    px_tkey_business(which->kind, which->value, from_last ? UINT64_MAX : which->from + 1);
	px_cur_open(&cur, tx, PX_T_KEYS);
	bool more = px_cur_before(&cur, &prefix);
	prefix.len -= sizeof(uint64_t);
	for (; more && px_cur_has_prefix(&cur, &prefix); more = px_cur_prev(&cur)) {
		struct px_tkey_in in = px_tkey_read(cur.key.data + prefix.len, cur.key.len - prefix.len);
		uint64_t seq = px_tkey_get_u64(&in);
		if (!may_walk(o, seq) || !add_message(o, tx, leases, seq))
			break;
	}
	px_cur_close(&cur);
	op->rc = tx->rc;
	return PX_OP_DONE;
}

static const struct px_op_kind lookup_kind = {
    .name = "lookup", .read = lookup_read, .answer = messages_answer};

void px_lmdb_lookup(struct px_store *st, const struct px_lookup *which, px_messages_done *done, void *arg)
{
	struct scan_op *o = new_op(&lookup_kind, &(struct px_scan){.limit = which->limit}, arg);
	o->lookup = *which;
	o->lookup.value = px_scratch_str(&o->op.scratch, which->value);
	o->lookup.recipient = px_scratch_str(&o->op.scratch, which->recipient);
	o->messages_done = done;
	px_lmdb_submit_read(px_lmdb_of(st), &o->op);
}

static enum px_op_then movement_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct scan_op *o = (struct scan_op *)op;
	struct px_rec_movement rec;
	uint64_t root;
	struct px_cur cur;
	op->rc = px_load_movement(tx, o->movement, &root, &rec);
	if (op->rc != PX_OK)
		return PX_OP_DONE;
	struct px_tkey prefix = px_tkey_of(rec.home), start = px_tkey_member(rec.home, o->scan.from);
	px_cur_open(&cur, tx, PX_T_MEMBERS);
	for (bool more = px_cur_seek(&cur, &start); more && px_cur_has_prefix(&cur, &prefix);
	     more = px_cur_next(&cur)) {
		struct px_tkey_in in = px_tkey_read(cur.key.data + prefix.len, cur.key.len - prefix.len);
		if (!add_message(o, tx, leases, px_tkey_get_u64(&in)))
			break;
	}
	px_cur_close(&cur);
	op->rc = tx->rc;
	return PX_OP_DONE;
}

static const struct px_op_kind movement_kind = {
    .name = "movement", .read = movement_read, .shows = true, .answer = messages_answer};

void px_lmdb_movement(struct px_store *st, uint64_t movement, uint64_t from, unsigned limit,
		      px_messages_done *done, void *arg)
{
	struct scan_op *o = new_op(&movement_kind, &(struct px_scan){.from = from, .limit = limit}, arg);
	o->movement = movement;
	o->messages_done = done;
	px_lmdb_submit_read(px_lmdb_of(st), &o->op);
}

/* --- deliveries -------------------------------------------------------------------------------------- */

static bool is_set(const char *filter)
{
	return filter != NULL && filter[0] != '\0';
}

static bool delivery_fits(const struct px_scan *scan, struct px_tx *tx, const struct px_delivery *d)
{
	if (!is_any(scan->partner, d->partner) || !is_any(scan->recipient, d->recipient) ||
	    !is_within(scan, d->created) || (scan->open_only && px_delivery_state_is_final(d->state)))
		return false;
	if (!is_set(scan->sender) && !is_set(scan->type) && !is_set(scan->message_id))
		return true;
	struct px_scratch scratch = {0};
	struct px_rec_message rec;
	bool fits = px_load_message(tx, &scratch, d->message, &rec) == PX_OK &&
		    header_fits(scan, &rec.message.header);
	px_scratch_free(&scratch);
	return fits;
}

/* As add_message. */
static bool add_delivery(struct scan_op *o, struct px_tx *tx, struct px_leases *leases, uint64_t id)
{
	struct px_delivery d;
	int rc = px_view_delivery(tx, leases, id, &d);
	if (rc != PX_OK && o->scan.open_only) { /* what waits must be shown */
		struct px_salvaged salvaged;
		rc = px_salvage_delivery(tx, id, false, &salvaged);
		d = salvaged.d;
	}
	if (rc != PX_OK || !delivery_fits(&o->scan, tx, &d))
		return true;
	if (o->n == o->scan.limit) {
		o->next = id;
		return false;
	}
	o->deliveries = px_scratch_double(&o->op.scratch, o->deliveries, o->n, &o->cap, sizeof(d));
	o->deliveries[o->n++] = d;
	return true;
}

static void scan_all_deliveries(struct scan_op *o, struct px_tx *tx, struct px_leases *leases)
{
	struct px_cur cur;
	px_cur_open(&cur, tx, PX_T_DELIVERIES);
	for (bool more = start_walk(&cur, &o->scan); more; more = step(&cur, &o->scan)) {
		uint64_t id = id_at(&cur);
		if (!may_walk(o, id) || !add_delivery(o, tx, leases, id))
			break;
	}
	px_cur_close(&cur);
}

/* What is open stands in an index by partner and state; each such row is walked at the same pace, so that a
 * few that are open are found among millions that are not. */
struct row {
	struct px_tkey prefix;
	uint64_t id; /* the next; 0: at its end */
};

/* Find the row's first entry at or beyond @from in the direction of the scan. */
static void seek_row(struct px_cur *cur, struct row *row, const struct px_scan *scan, uint64_t from)
{
	struct px_tkey key = row->prefix;
	bool found;
	row->id = 0;
	if (scan->ascending) {
		px_tkey_u64(&key, from);
		found = px_cur_seek(cur, &key);
	} else {
		px_tkey_u64(&key, from == 0 || from == UINT64_MAX ? UINT64_MAX : from + 1);
		found = px_cur_before(cur, &key);
	}
	if (!found || !px_cur_has_prefix(cur, &row->prefix))
		return;
	struct px_tkey_in in = px_tkey_read(cur->key.data + row->prefix.len, cur->key.len - row->prefix.len);
	row->id = px_tkey_get_u64(&in);
}

static void add_rows(struct scan_op *o, const char *partner, struct row **rows, size_t *n, size_t *cap)
{
	static const enum px_delivery_state states[] = {PX_D_QUEUED, PX_D_HANDED_OVER};
	for (size_t i = 0; i < PX_ARRAY_LEN(states); i++) {
		*rows = px_scratch_double(&o->op.scratch, *rows, *n, cap, sizeof(**rows));
		struct row *row = &(*rows)[(*n)++];
		row->prefix = px_tkey_name(partner);
		px_tkey_u8(&row->prefix, (uint8_t)states[i]);
	}
}

static size_t find_rows(struct scan_op *o, struct px_tx *tx, struct row **rows)
{
	size_t n = 0, cap = 0;
	struct px_cur cur;
	*rows = NULL;
	if (is_set(o->scan.partner)) {
		if (strlen(o->scan.partner) <= PX_NAME_MAX)
			add_rows(o, o->scan.partner, rows, &n, &cap);
		return n;
	}
	px_cur_open(&cur, tx, PX_T_PARTNERS);
	for (bool more = px_cur_first(&cur); more; more = px_cur_next(&cur)) {
		struct px_tkey_in in = px_cur_read(&cur);
		const char *partner = px_tkey_get_str(&in, PX_NAME_MAX);
		if (partner != NULL)
			add_rows(o, partner, rows, &n, &cap);
	}
	px_cur_close(&cur);
	return n;
}

static struct row *nearest(struct row *rows, size_t n, bool ascending)
{
	struct row *best = NULL;
	for (size_t i = 0; i < n; i++) {
		if (rows[i].id != 0 &&
		    (best == NULL || (ascending ? rows[i].id < best->id : rows[i].id > best->id)))
			best = &rows[i];
	}
	return best;
}

static void scan_open_deliveries(struct scan_op *o, struct px_tx *tx, struct px_leases *leases)
{
	struct row *rows;
	struct px_cur cur;
	size_t n = find_rows(o, tx, &rows);
	px_cur_open(&cur, tx, PX_T_OPEN);
	for (size_t i = 0; i < n; i++)
		seek_row(&cur, &rows[i], &o->scan, o->scan.from);
	for (struct row *row = nearest(rows, n, o->scan.ascending); row != NULL;
	     row = nearest(rows, n, o->scan.ascending)) {
		uint64_t id = row->id;
		if (!may_walk(o, id) || !add_delivery(o, tx, leases, id))
			break;
		if (!o->scan.ascending && id == 1)
			row->id = 0;
		else
			seek_row(&cur, row, &o->scan, o->scan.ascending ? id + 1 : id - 1);
	}
	px_cur_close(&cur);
}

static enum px_op_then scan_deliveries_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct scan_op *o = (struct scan_op *)op;
	if (o->scan.open_only)
		scan_open_deliveries(o, tx, leases);
	else
		scan_all_deliveries(o, tx, leases);
	op->rc = tx->rc;
	return PX_OP_DONE;
}

static const struct px_op_kind scan_deliveries_kind = {
    .name = "scan_deliveries", .read = scan_deliveries_read, .shows = true, .answer = deliveries_answer};

void px_lmdb_scan_deliveries(struct px_store *st, const struct px_scan *scan, px_deliveries_done *done,
			     void *arg)
{
	struct scan_op *o = new_op(&scan_deliveries_kind, scan, arg);
	o->deliveries_done = done;
	px_lmdb_submit_read(px_lmdb_of(st), &o->op);
}

/* --- overdue ----------------------------------------------------------------------------------------- */

static enum px_op_then overdue_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct scan_op *o = (struct scan_op *)op;
	struct px_cur cur;
	px_cur_open(&cur, tx, PX_T_DEADLINES);
	for (bool more = px_cur_seek(&cur, &o->start); more; more = px_cur_next(&cur)) {
		struct px_tkey_in in = px_cur_read(&cur);
		int64_t deadline = px_tkey_get_i64(&in);
		uint64_t id = px_tkey_get_u64(&in);
		if (deadline > o->now || (px_lease_of(leases, id) == 0 && !add_delivery(o, tx, leases, id)))
			break;
	}
	px_cur_close(&cur);
	op->rc = tx->rc;
	return PX_OP_DONE;
}

static const struct px_op_kind overdue_kind = {
    .name = "overdue", .read = overdue_read, .answer = deliveries_answer};

void px_lmdb_overdue(struct px_store *st, int64_t now, const struct px_delivery *after, unsigned max,
		     px_deliveries_done *done, void *arg)
{
	struct scan_op *o = new_op(&overdue_kind, &(struct px_scan){.limit = max}, arg);
	o->now = now;
	o->start =
	    px_tkey_deadline(after != NULL ? after->deadline : INT64_MIN, after != NULL ? after->id + 1 : 0);
	o->deliveries_done = done;
	px_lmdb_submit_read(px_lmdb_of(st), &o->op);
}
