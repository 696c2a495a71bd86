/* prinex: LMDB store: what may be purged, and its removal
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/purge.h"

#include "store/index.h"
#include "store/movements.h"
#include "store/owed.h"

/* --- judging ----------------------------------------------------------------------------------------- */

static bool fits(const char *pattern, const char *value)
{
	return pattern[0] == '\0' || strcmp(pattern, value) == 0;
}

/* Whether the rule for @recipient lets a message of @type go that ended at @ended. */
static bool may_go(const struct px_purge *rules, const char *type, const char *recipient, int64_t ended)
{
	int64_t keep = rules->keep;
	for (unsigned i = 0; i < rules->n_rules; i++) {
		const struct px_purge_rule *r = &rules->rules[i];
		if (!fits(r->type, type) || !fits(r->recipient, recipient))
			continue;
		if (r->hold)
			return false;
		keep = r->keep;
		break;
	}
	return ended <= rules->now - keep;
}

/* Deliveries know to whom they go; a message without any may name recipients all the same. */
static bool message_may_go(struct px_tx *tx, const struct px_purge *rules, const struct px_rec_message *rec)
{
	const struct px_header *h = &rec->message.header;
	int64_t ended = rec->message.accepted;
	struct px_delivery d;
	for (unsigned i = 0; i < rec->n_deliveries; i++) {
		if (px_load_delivery(tx, rec->first_delivery + i, &d) != PX_OK ||
		    !px_delivery_state_is_final(d.state))
			return false;
		ended = PX_MAX(ended, d.ended);
	}
	for (unsigned i = 0; i < rec->n_deliveries; i++) {
		if (px_load_delivery(tx, rec->first_delivery + i, &d) != PX_OK ||
		    !may_go(rules, h->type, d.recipient, ended))
			return false;
	}
	for (unsigned i = 0; i < h->n_recipients; i++) {
		if (!may_go(rules, h->type, h->recipients[i], ended))
			return false;
	}
	return rec->n_deliveries > 0 || h->n_recipients > 0 || may_go(rules, h->type, "", ended);
}

enum px_purge_verdict px_purge_judge(struct px_tx *tx, const struct px_purge *rules, uint64_t seq,
				     const struct px_rec_receipt *receipt, unsigned *entries)
{
	struct px_scratch scratch = {0};
	struct px_rec_message rec;
	/* The horizon of that day may have been a shorter one; both together are never too short. */
	bool past_horizon = receipt->horizon_end <= rules->now - rules->horizon;
	enum px_purge_verdict verdict = PX_PURGE_KEEP;
	int rc = px_load_message(tx, &scratch, seq, &rec);
	*entries = 3;
	if (rc == PX_ENOTFOUND) {
		verdict = past_horizon ? PX_PURGE_RECEIPT : PX_PURGE_KEEP;
	} else if (rc == PX_OK && message_may_go(tx, rules, &rec)) {
		verdict = past_horizon ? PX_PURGE_BOTH : PX_PURGE_MESSAGE;
		*entries += 4 + rec.message.keys.n + 2 * rec.n_deliveries;
	}
	px_scratch_free(&scratch);
	return verdict;
}

bool px_purge_note_is_old(const struct px_purge *rules, int64_t at)
{
	int64_t keep = rules->keep;
	for (unsigned i = 0; i < rules->n_rules; i++) {
		if (rules->rules[i].hold)
			return false;
		keep = PX_MAX(keep, rules->rules[i].keep);
	}
	return at <= rules->now - keep;
}

/* --- removal ----------------------------------------------------------------------------------------- */

static void remove_delivery(struct px_wtx *w, uint64_t id, const struct px_delivery *d)
{
	struct px_tkey key = px_tkey_of(id);
	px_owed_keep_answer(w, id);
	px_tx_del(&w->tx, PX_T_DELIVERIES, &key);
	px_tx_del(&w->tx, PX_T_ANSWERS, &key);
	px_wtx_count(w, d->partner, d->state, -1);
	w->state.deliveries--;
}

static void remove_octets(struct px_wtx *w, uint64_t seq, struct px_purge_report *report)
{
	struct px_tkey key = px_tkey_of(seq);
	struct px_octets body;
	if (px_tx_get(&w->tx, PX_T_BODIES, &key, &body) == PX_OK && body.len > PX_REC_BODY_HEAD)
		report->octets += body.len - PX_REC_BODY_HEAD;
	px_tx_del(&w->tx, PX_T_BODIES, &key);
	px_tx_del(&w->tx, PX_T_MESSAGES, &key);
	w->state.messages--;
	w->changed = true;
	report->messages++;
}

static void remove_message(struct px_wtx *w, uint64_t seq, struct px_purge_report *report)
{
	struct px_scratch scratch = {0};
	struct px_rec_message rec;
	struct px_delivery d;
	if (px_load_message(&w->tx, &scratch, seq, &rec) != PX_OK)
		return; /* judged a moment ago, in this transaction */
	const struct px_keys *keys = &rec.message.keys;
	px_index_remove(&w->tx, seq, rec.message.accepted, keys);
	for (unsigned i = 0; i < rec.n_deliveries; i++) {
		uint64_t id = rec.first_delivery + i;
		if (px_load_delivery(&w->tx, id, &d) == PX_OK)
			remove_delivery(w, id, &d);
	}
	px_movement_leave(w, rec.message.movement, seq, rec.message.header.sender, keys);
	remove_octets(w, seq, report);
	px_scratch_free(&scratch);
}

/* An index entry, if it is that of this message: later ones may have taken its place. */
static void remove_index(struct px_wtx *w, enum px_table index, const struct px_tkey *key, uint64_t seq)
{
	struct px_tkey own = px_tkey_of(seq);
	struct px_octets value;
	if (px_tx_get(&w->tx, index, key, &value) == PX_OK && value.len == own.len &&
	    memcmp(value.data, own.data, own.len) == 0)
		px_tx_del(&w->tx, index, key);
}

/* The latest CreatedAt that the message of @receipt may have. */
static int64_t youngest(const struct px_wtx *w, const struct px_rec_receipt *receipt)
{
	int64_t newest = w->state.newest != INT64_MAX ? w->state.newest
						      : w->now + PX_REC_AHEAD; /* not known yet */
	return PX_MIN(receipt->horizon_end - w->state.shortest, newest);
}

static void remove_receipt(struct px_wtx *w, uint64_t seq, struct px_purge_report *report)
{
	struct px_rec_receipt receipt;
	if (px_load_receipt(&w->tx, seq, &receipt) != PX_OK)
		return;
	struct px_tkey id = px_tkey_message_id(receipt.sender, receipt.message_id);
	struct px_tkey digest = px_tkey_digest(receipt.digest);
	remove_index(w, PX_T_IDS, &id, seq);
	remove_index(w, PX_T_DIGESTS, &digest, seq);
	struct px_tkey key = px_tkey_of(seq);
	px_tx_del(&w->tx, PX_T_RECEIPTS, &key);
	if (receipt.partner[0] != '\0')
		w->state.forgotten = PX_MAX(w->state.forgotten, youngest(w, &receipt));
	w->changed = true;
	report->receipts++;
}

void px_purge_remove(struct px_wtx *w, uint64_t seq, enum px_purge_verdict verdict,
		     struct px_purge_report *report)
{
	if (verdict == PX_PURGE_MESSAGE || verdict == PX_PURGE_BOTH)
		remove_message(w, seq, report);
	if (verdict == PX_PURGE_RECEIPT || verdict == PX_PURGE_BOTH)
		remove_receipt(w, seq, report);
}

/* --- what was set aside ------------------------------------------------------------------------------ */

/* The first delivery whose message is @seq or a later one: ids of both rise together. */
static uint64_t first_delivery_of(struct px_wtx *w, uint64_t seq)
{
	uint64_t low = 1, high = w->state.last_delivery + 1;
	struct px_cur cur;
	px_cur_open(&cur, &w->tx, PX_T_DELIVERIES);
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		struct px_tkey at = px_tkey_of(middle);
		struct px_delivery d = {.message = UINT64_MAX};
		uint64_t id = middle;
		for (bool more = px_cur_seek(&cur, &at); more; more = px_cur_next(&cur)) {
			struct px_tkey_in in = px_cur_read(&cur);
			id = px_tkey_get_u64(&in);
			if (px_load_delivery(&w->tx, id, &d) == PX_OK)
				break; /* past those that are damaged */
			d.message = UINT64_MAX;
		}
		if (d.message < seq)
			low = id + 1;
		else
			high = middle;
	}
	px_cur_close(&cur);
	return low;
}

/* A message whose record says nothing any more: without its keys, but with its deliveries, if all are final.
 * Its business keys stay in their index until a repair. */
static bool remove_unreadable(struct px_wtx *w, uint64_t seq, struct px_purge_report *report)
{
	uint64_t first = first_delivery_of(w, seq), n = 0;
	struct px_rec_receipt receipt;
	struct px_delivery d;
	for (; px_load_delivery(&w->tx, first + n, &d) == PX_OK && d.message == seq; n++) {
		if (!px_delivery_state_is_final(d.state))
			return false;
	}
	if (px_load_receipt(&w->tx, seq, &receipt) != PX_OK)
		return false; /* the duplicate key's promise comes first */
	for (uint64_t i = 0; i < n; i++) {
		px_load_delivery(&w->tx, first + i, &d);
		remove_delivery(w, first + i, &d);
	}
	px_movement_leave(w, px_load_root(&w->tx, receipt.movement), seq, receipt.sender, NULL);
	remove_octets(w, seq, report);
	return true;
}

bool px_purge_note(struct px_wtx *w, enum px_table table, uint64_t id, struct px_purge_report *report)
{
	struct px_tkey of = px_tkey_of(id);
	struct px_tkey key = px_tkey_quarantine((uint8_t)table, of.data, of.len);
	struct px_octets octets;
	if (table == PX_T_MESSAGES && px_tx_record(&w->tx, PX_T_MESSAGES, &of, &octets) == PX_ECORRUPT &&
	    !remove_unreadable(w, id, report))
		return false;
	if (px_tx_get(&w->tx, table, &of, &octets) != PX_ENOTFOUND)
		return false; /* it goes with its record, or is mended */
	if (px_tx_del(&w->tx, PX_T_QUARANTINE, &key) != PX_OK)
		return false;
	w->state.quarantined--;
	w->changed = true;
	return true;
}
