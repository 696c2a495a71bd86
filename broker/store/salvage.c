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
		if (px_tkey_done(&in) && px_load_message(tx, scratch, at, rec) == PX_OK)
			seq = at;
	}
	px_cur_close(&cur);
	return seq;
}

/* Messages and their deliveries are numbered in the same order. */
static void find_message(struct px_tx *tx, struct px_delivery *d)
{
	struct px_scratch scratch = {0};
	struct px_rec_message rec;
	uint64_t low = 1, high = UINT64_MAX / 2;
	while (low < high && d->message == 0) {
		uint64_t middle = low + (high - low) / 2;
		uint64_t seq = next_message(tx, middle, &scratch, &rec);
		if (seq == 0 || rec.first_delivery > d->id) {
			high = middle;
		} else if (rec.first_delivery + rec.n_deliveries <= d->id) {
			low = seq + 1;
		} else {
			d->message = seq;
			d->created = rec.message.accepted;
			d->prio = rec.message.prio;
			if (rec.n_deliveries == rec.message.header.n_recipients)
				px_strlcpy(d->recipient,
					   rec.message.header.recipients[d->id - rec.first_delivery],
					   sizeof(d->recipient));
		}
		px_scratch_free(&scratch);
	}
	px_scratch_free(&scratch);
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

static void find_times(struct px_tx *tx, struct px_delivery *d)
{
	const struct px_tkey all = {.len = 0};
	struct px_cur cur;
	px_cur_open(&cur, tx, PX_T_DEADLINES);
	if (find_about(&cur, &all, d->id)) {
		struct px_tkey_in in = px_cur_read(&cur);
		d->deadline = px_tkey_get_i64(&in);
	}
	px_cur_close(&cur);
	struct px_tkey prefix = px_tkey_name(d->partner);
	px_cur_open(&cur, tx, PX_T_READY);
	if (d->state == PX_D_QUEUED && find_about(&cur, &prefix, d->id)) {
		struct px_tkey_in in = px_tkey_read(cur.key.data + prefix.len, cur.key.len - prefix.len);
		px_tkey_get_u8(&in);
		d->due = px_tkey_get_i64(&in);
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

int px_salvage_delivery(struct px_tx *tx, uint64_t id, bool whole, struct px_delivery *d)
{
	struct px_rec_receipt receipt;
	uint64_t home;
	*d = (struct px_delivery){.id = id, .body_sent = true};
	px_strlcpy(d->error, "the delivery's record is missing or damaged", sizeof(d->error));
	if (!find_open(tx, d))
		return PX_ECORRUPT;
	find_message(tx, d);
	if (d->message != 0 && px_load_receipt(tx, d->message, &receipt) == PX_OK)
		d->movement = receipt.movement;
	if (d->movement != 0 && d->state == PX_D_QUEUED) {
		const struct px_tkey all = {.len = 0};
		struct px_tkey prefix = px_tkey_of(px_heads_home(tx, d, &home) == PX_OK ? home : 0);
		if (!find_queued(tx, &prefix, d, &home) && !find_queued(tx, &all, d, &home))
			return PX_ECORRUPT;
	}
	if (whole)
		find_times(tx, d);
	return PX_OK;
}
