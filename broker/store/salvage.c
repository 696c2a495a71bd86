/* prinex: what indexes still know of a delivery whose record is damaged
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/salvage.h"

#include "base/strings.h"
#include "store/heads.h"

/* --- walking ----------------------------------------------------------------------------------------- */

/* All these indexes end in the delivery's id. */
static bool is_about(const struct px_cur *cur, uint64_t id)
{
	if (cur->key.len < 8)
		return false;
	struct px_tkey_in in = px_tkey_read(cur->key.data + cur->key.len - 8, 8);
	return px_tkey_get_u64(&in) == id;
}

/* Find the entry about @id among those that begin with @prefix (all when it is empty). @return whether @cur,
 * open, is at it. */
static bool find_about(struct px_cur *cur, const struct px_tkey *prefix, uint64_t id)
{
	bool more = prefix->len > 0 ? px_cur_seek(cur, prefix) : px_cur_first(cur);
	for (; more && (prefix->len == 0 || px_cur_has_prefix(cur, prefix)); more = px_cur_next(cur)) {
		if (is_about(cur, id))
			return true;
	}
	return false;
}

/* --- the message ------------------------------------------------------------------------------------- */

/* Its record alone: receipts may be damaged too. */
static int read_message(struct px_tx *tx, uint64_t seq, struct px_scratch *scratch,
			struct px_rec_message *rec)
{
	struct px_tkey key = px_tkey_of(seq);
	struct px_octets fields;
	int rc = px_tx_record(tx, PX_T_MESSAGES, &key, &fields);
	return rc == PX_OK ? px_rec_get_message(fields, scratch, rec) : rc;
}

/* The first message from @from on that can be read. @return its sequence number, 0: none. */
static uint64_t next_message(struct px_tx *tx, uint64_t from, struct px_scratch *scratch,
			     struct px_rec_message *rec)
{
	struct px_tkey key = px_tkey_of(from);
	struct px_cur cur;
	uint64_t seq = 0;
	px_cur_open(&cur, tx, PX_T_MESSAGES);
	for (bool more = px_cur_seek(&cur, &key); more && seq == 0; more = px_cur_next(&cur)) {
		struct px_tkey_in in = px_cur_read(&cur);
		uint64_t at = px_tkey_get_u64(&in);
		if (px_tkey_done(&in) && read_message(tx, at, scratch, rec) == PX_OK)
			seq = at;
	}
	px_cur_close(&cur);
	return seq;
}

static void fill_from(struct px_delivery *d, uint64_t seq, const struct px_rec_message *rec)
{
	const struct px_header *h = &rec->message.header;
	d->message = seq;
	d->created = rec->message.accepted;
	d->prio = rec->message.prio;
	if (rec->n_deliveries == h->n_recipients)
		px_strlcpy(d->recipient, h->recipients[d->id - rec->first_delivery], sizeof(d->recipient));
}

/* Messages and their deliveries are numbered in the same order. @return 0 when its message was found; else
 * the first that it can be: it is damaged too, and so are all from there to the next that can be read. */
static uint64_t find_message(struct px_tx *tx, struct px_delivery *d)
{
	struct px_scratch scratch = {0};
	struct px_rec_message rec;
	uint64_t low = 1, high = UINT64_MAX / 2;
	while (low < high && d->message == 0) {
		uint64_t middle = low + (high - low) / 2;
		uint64_t seq = next_message(tx, middle, &scratch, &rec);
		if (seq == 0 || rec.first_delivery > d->id)
			high = middle;
		else if (rec.first_delivery + rec.n_deliveries <= d->id)
			low = seq + 1;
		else
			fill_from(d, seq, &rec);
		px_scratch_free(&scratch);
	}
	px_scratch_free(&scratch);
	return d->message == 0 ? low : 0;
}

/* Deliveries on either side that can be read say between which messages it stands. */
static void narrow(struct px_tx *tx, uint64_t id, uint64_t *low, uint64_t *high)
{
	struct px_delivery d;
	int rc = PX_ECORRUPT;
	for (uint64_t i = id - 1; i > 0 && (rc = px_load_delivery(tx, i, &d)) == PX_ECORRUPT; i--)
		continue;
	if (rc == PX_OK)
		*low = PX_MAX(*low, d.message);
	for (uint64_t i = id + 1; (rc = px_load_delivery(tx, i, &d)) == PX_ECORRUPT; i++)
		continue;
	if (rc == PX_OK)
		*high = PX_MIN(*high, d.message);
}

static bool is_member(struct px_tx *tx, uint64_t home, uint64_t seq)
{
	struct px_tkey key = px_tkey_member(home, seq);
	struct px_octets value;
	return px_tx_get(tx, PX_T_MEMBERS, &key, &value) == PX_OK;
}

/* Its message is damaged, one from @low on. @home: of its movement, 0 none or not known. @return whether only
 * one can be it. */
static bool guess_message(struct px_tx *tx, struct px_delivery *d, uint64_t low, uint64_t home)
{
	struct px_scratch scratch = {0};
	struct px_rec_message rec;
	struct px_cur cur;
	uint64_t high = UINT64_MAX, n = 0;
	narrow(tx, d->id, &low, &high);
	struct px_tkey key = px_tkey_of(low);
	px_cur_open(&cur, tx, PX_T_MESSAGES);
	for (bool more = px_cur_seek(&cur, &key); more && n < 2; more = px_cur_next(&cur)) {
		struct px_tkey_in in = px_cur_read(&cur);
		uint64_t seq = px_tkey_get_u64(&in);
		if (seq > high || read_message(tx, seq, &scratch, &rec) == PX_OK)
			break;
		if (home != 0 && !is_member(tx, home, seq))
			continue;
		d->message = n++ == 0 ? seq : d->message;
	}
	px_cur_close(&cur);
	px_scratch_free(&scratch);
	return n == 1;
}

/* --- the rest ---------------------------------------------------------------------------------------- */

/* Where it is open: its partner and state. */
static bool find_open(struct px_tx *tx, struct px_delivery *d)
{
	static const enum px_delivery_state states[] = {PX_D_QUEUED, PX_D_HANDED_OVER};
	struct px_cur cur;
	bool found = false;
	px_cur_open(&cur, tx, PX_T_PARTNERS);
	for (bool more = px_cur_first(&cur); more && !found; more = px_cur_next(&cur)) {
		struct px_tkey_in in = px_cur_read(&cur);
		const char *partner = px_tkey_get_str(&in, PX_NAME_MAX);
		for (size_t i = 0; partner != NULL && i < PX_ARRAY_LEN(states) && !found; i++) {
			struct px_tkey key = px_tkey_open(partner, (uint8_t)states[i], d->id);
			struct px_octets value;
			found = px_tx_get(tx, PX_T_OPEN, &key, &value) == PX_OK;
			if (found) {
				px_strlcpy(d->partner, partner, sizeof(d->partner));
				d->state = states[i];
			}
		}
	}
	px_cur_close(&cur);
	return found;
}

/* Its place in the queue of its movement. */
static bool find_queued(struct px_tx *tx, const struct px_tkey *prefix, struct px_delivery *d, uint64_t *home)
{
	struct px_cur cur;
	px_cur_open(&cur, tx, PX_T_QUEUE);
	bool found = find_about(&cur, prefix, d->id);
	if (found) {
		struct px_tkey_in in = px_cur_read(&cur);
		*home = px_tkey_get_u64(&in);
		const char *recipient = px_tkey_get_str(&in, PX_AUTHORITY_MAX);
		d->prio = (enum px_prio)px_tkey_get_u8(&in);
		px_strlcpy(d->recipient, recipient != NULL ? recipient : "", sizeof(d->recipient));
	}
	px_cur_close(&cur);
	return found;
}

/* Without a movement its class stands here alone. */
static void find_ready(struct px_tx *tx, struct px_delivery *d)
{
	struct px_tkey prefix = px_tkey_name(d->partner);
	struct px_cur cur;
	px_cur_open(&cur, tx, PX_T_READY);
	if (find_about(&cur, &prefix, d->id)) {
		struct px_tkey_in in = px_tkey_read(cur.key.data + prefix.len, cur.key.len - prefix.len);
		uint8_t class = px_tkey_get_u8(&in);
		d->due = px_tkey_get_i64(&in);
		if (d->movement == 0 && class < PX_PRIO_COUNT)
			d->prio = (enum px_prio) class;
	}
	px_cur_close(&cur);
}

static void find_deadline(struct px_tx *tx, struct px_delivery *d)
{
	const struct px_tkey all = {.len = 0};
	struct px_cur cur;
	px_cur_open(&cur, tx, PX_T_DEADLINES);
	if (find_about(&cur, &all, d->id)) {
		struct px_tkey_in in = px_cur_read(&cur);
		d->deadline = px_tkey_get_i64(&in);
	}
	px_cur_close(&cur);
}

int px_salvage_home(struct px_tx *tx, const struct px_delivery *d, uint64_t *home)
{
	struct px_delivery same = *d;
	struct px_tkey prefix = px_tkey_of(d->movement); /* unless it was linked it is in its own */
	const struct px_tkey all = {.len = 0};
	if (d->state != PX_D_QUEUED) {
		*home = d->movement; /* it is in no queue any more */
		return PX_OK;
	}
	return find_queued(tx, &prefix, &same, home) || find_queued(tx, &all, &same, home) ? PX_OK
											   : PX_ECORRUPT;
}

/* The movement that its message was accepted into; what waits in the queue of a movement belongs to that,
 * even when neither message nor receipt say so any more. @return where it waits, 0: in no queue. */
static uint64_t find_movement(struct px_tx *tx, struct px_delivery *d)
{
	const struct px_tkey all = {.len = 0};
	struct px_rec_receipt receipt;
	uint64_t home = 0;
	if (d->message != 0 && px_load_receipt(tx, d->message, &receipt) == PX_OK)
		d->movement = receipt.movement;
	if (d->state != PX_D_QUEUED)
		return 0;
	struct px_tkey prefix =
	    px_tkey_of(d->movement != 0 && px_heads_home(tx, d, &home) == PX_OK ? home : 0);
	if (!find_queued(tx, &prefix, d, &home) && !find_queued(tx, &all, d, &home))
		return 0;
	if (d->movement == 0)
		d->movement = home;
	return home;
}

int px_salvage_delivery(struct px_tx *tx, uint64_t id, bool whole, struct px_salvaged *out)
{
	struct px_delivery *d = &out->d;
	*out = (struct px_salvaged){.d = {.id = id, .body_sent = true, .held = true}, .sure = true};
	px_strlcpy(d->error, "the delivery's record is missing or damaged", sizeof(d->error));
	if (!find_open(tx, d)) {
		d->held = false;
		d->state = PX_D_UNKNOWN; /* how it ended cannot be told any more */
		return PX_ECORRUPT;
	}
	uint64_t from = find_message(tx, d), home = find_movement(tx, d);
	if (from != 0) {
		out->sure = guess_message(tx, d, from, home);
		if (d->movement == 0 && out->sure)
			(void)find_movement(tx, d);
	}
	if (whole && d->state == PX_D_QUEUED)
		find_ready(tx, d);
	if (whole)
		find_deadline(tx, d);
	return PX_OK;
}
