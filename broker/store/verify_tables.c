/* prinex: LMDB store: verify: each table against the others
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/verify.h"

#include "store/heads.h"
#include "store/owed.h"

/* Deliveries of a partner are counted up to so many; more would hold up the reader. */
#define COUNT_MAX 20000

/* --- helpers ----------------------------------------------------------------------------------------- */

/* The fields of the record under the cursor; a damaged one is noted. */
static bool open_record(struct px_verify *v, enum px_table table, const struct px_cur *cur,
			struct px_octets *fields)
{
	if (px_rec_open((uint8_t)table, cur->key.data, cur->key.len, cur->value.data, cur->value.len,
			fields) == PX_OK)
		return true;
	px_verify_damaged(v, table, cur, "the record is damaged");
	return false;
}

/* Note whatever decoding says. @return whether it was fine. */
static bool decoded(struct px_verify *v, enum px_table table, const struct px_cur *cur, int rc)
{
	if (rc != PX_OK)
		px_verify_damaged(v, table, cur, "the record cannot be decoded");
	return rc == PX_OK;
}

/* Fault unless the entry is there. */
static void must_have(struct px_verify *v, struct px_tx *tx, enum px_table table, const struct px_cur *cur,
		      enum px_table index, struct px_tkey key, const char *what)
{
	struct px_octets value;
	if (px_tx_get(tx, index, &key, &value) == PX_ENOTFOUND)
		px_verify_index_fault(v, table, cur, what);
}

static uint64_t number_in(struct px_octets octets)
{
	struct px_tkey_in in = px_tkey_read(octets.data, octets.len);
	uint64_t number = px_tkey_get_u64(&in);
	return px_tkey_done(&in) ? number : 0;
}

static uint64_t id_of(const struct px_cur *cur)
{
	return number_in(cur->key);
}

/* Home of a movement by any of its ids; 0 when it cannot be told. */
static uint64_t home_of(struct px_tx *tx, uint64_t movement)
{
	struct px_rec_movement rec;
	uint64_t root;
	return movement != 0 && px_load_movement(tx, movement, &root, &rec) == PX_OK ? rec.home : 0;
}

/* --- the whole --------------------------------------------------------------------------------------- */

static void verify_meta(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_tkey_in in = px_cur_read(cur);
	const char *name = px_tkey_get_str(&in, 16);
	struct px_octets fields;
	struct px_rec_state s;
	if (name == NULL || strcmp(name, "state") != 0)
		return; /* the format was looked at when opening */
	if (!open_record(v, PX_T_META, cur, &fields) ||
	    !decoded(v, PX_T_META, cur, px_rec_get_state(fields, &s)))
		return;
	if (s.messages != px_tx_entries(tx, PX_T_MESSAGES) ||
	    s.deliveries != px_tx_entries(tx, PX_T_DELIVERIES) || s.owed != px_tx_entries(tx, PX_T_OWED) ||
	    s.quarantined != px_tx_entries(tx, PX_T_QUARANTINE) ||
	    s.movements > px_tx_entries(tx, PX_T_MOVEMENTS))
		px_verify_index_fault(v, PX_T_META, cur, "the totals are not those of the tables");
}

/* How many entries of @table begin with @prefix. */
static uint64_t count(struct px_tx *tx, enum px_table table, struct px_tkey prefix)
{
	struct px_cur cur;
	uint64_t n = 0;
	px_cur_open(&cur, tx, table);
	for (bool more = px_cur_seek(&cur, &prefix); more && px_cur_has_prefix(&cur, &prefix);
	     more = px_cur_next(&cur))
		n++;
	px_cur_close(&cur);
	return n;
}

static uint64_t count_open(struct px_tx *tx, const char *partner, enum px_delivery_state state)
{
	struct px_tkey prefix = px_tkey_name(partner);
	px_tkey_u8(&prefix, (uint8_t)state);
	return count(tx, PX_T_OPEN, prefix);
}

static void verify_partner(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	static const enum px_delivery_state open_states[] = {PX_D_QUEUED, PX_D_HANDED_OVER};
	struct px_tkey_in in = px_cur_read(cur);
	const char *name = px_tkey_get_str(&in, PX_NAME_MAX);
	struct px_octets fields;
	struct px_rec_partner rec;
	if (!open_record(v, PX_T_PARTNERS, cur, &fields) ||
	    !decoded(v, PX_T_PARTNERS, cur, px_rec_get_partner(fields, &rec)))
		return;
	for (size_t i = 0; i < PX_ARRAY_LEN(open_states); i++) {
		uint64_t n = rec.count[open_states[i]];
		if (name != NULL && n <= COUNT_MAX && n != count_open(tx, name, open_states[i]))
			px_verify_index_fault(v, PX_T_PARTNERS, cur, "the count of open deliveries is wrong");
	}
}

static void verify_quarantine(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_octets fields;
	struct px_rec_quarantine rec;
	(void)tx;
	if (open_record(v, PX_T_QUARANTINE, cur, &fields))
		decoded(v, PX_T_QUARANTINE, cur, px_rec_get_quarantine(fields, &rec));
}

static void verify_mark(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_octets fields;
	struct px_mark mark;
	(void)tx;
	if (open_record(v, PX_T_MARKS, cur, &fields))
		decoded(v, PX_T_MARKS, cur, px_rec_get_mark(fields, &mark));
}

/* --- messages ---------------------------------------------------------------------------------------- */

static void verify_message(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_scratch scratch = {0};
	struct px_rec_message rec;
	struct px_rec_receipt receipt;
	struct px_octets fields;
	uint64_t seq = id_of(cur);
	bool ok = open_record(v, PX_T_MESSAGES, cur, &fields) &&
		  decoded(v, PX_T_MESSAGES, cur, px_rec_get_message(fields, &scratch, &rec));
	if (ok)
		px_verify_keys_of(v, tx, cur, seq, &rec.message);
	for (unsigned i = 0; ok && i < rec.n_deliveries; i++)
		must_have(v, tx, PX_T_MESSAGES, cur, PX_T_DELIVERIES, px_tkey_of(rec.first_delivery + i),
			  "a delivery is missing");
	must_have(v, tx, PX_T_MESSAGES, cur, PX_T_BODIES, px_tkey_of(seq), "the body is missing");
	must_have(v, tx, PX_T_MESSAGES, cur, PX_T_RECEIPTS, px_tkey_of(seq), "the receipt is missing");
	uint64_t home = ok && px_load_receipt(tx, seq, &receipt) == PX_OK ? home_of(tx, receipt.movement) : 0;
	if (home != 0)
		must_have(v, tx, PX_T_MESSAGES, cur, PX_T_MEMBERS, px_tkey_member(home, seq),
			  "it is not among those of its movement");
	px_scratch_free(&scratch);
}

static void verify_receipt(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_octets fields;
	struct px_rec_receipt rec;
	if (!open_record(v, PX_T_RECEIPTS, cur, &fields) ||
	    !decoded(v, PX_T_RECEIPTS, cur, px_rec_get_receipt(fields, &rec)))
		return;
	must_have(v, tx, PX_T_RECEIPTS, cur, PX_T_IDS, px_tkey_message_id(rec.sender, rec.message_id),
		  "the message id is not in its index");
	must_have(v, tx, PX_T_RECEIPTS, cur, PX_T_DIGESTS, px_tkey_digest(rec.digest),
		  "the digest is not in its index");
}

static void verify_body(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_rec_receipt receipt;
	struct px_octets body;
	uint8_t digest[PX_DIGEST_LEN];
	if (px_rec_open_body(cur->value.data, cur->value.len, &body) != PX_OK) {
		px_verify_damaged(v, PX_T_BODIES, cur, "the body is damaged");
		return;
	}
	memcpy(digest, cur->value.data + 1, PX_DIGEST_LEN);
	int rc = px_load_receipt(tx, id_of(cur), &receipt);
	if (rc == PX_ENOTFOUND)
		px_verify_index_fault(v, PX_T_BODIES, cur, "a body without a message");
	else if (rc == PX_OK && memcmp(receipt.digest, digest, PX_DIGEST_LEN) != 0)
		px_verify_damaged(v, PX_T_BODIES, cur, "the body is not the one that was accepted");
}

static void verify_id(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_tkey_in in = px_cur_read(cur);
	struct px_rec_receipt receipt;
	const char *sender = px_tkey_get_str(&in, PX_AUTHORITY_MAX);
	const char *message_id = px_tkey_get_str(&in, PX_MESSAGE_ID_MAX);
	int rc = px_load_receipt(tx, number_in(cur->value), &receipt);
	if (rc == PX_ECORRUPT)
		return; /* found with the receipt */
	if (rc != PX_OK || !px_tkey_done(&in) || strcmp(receipt.sender, sender) != 0 ||
	    strcmp(receipt.message_id, message_id) != 0)
		px_verify_index_fault(v, PX_T_IDS, cur, "no message has this id");
}

static void verify_digest(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_rec_receipt receipt = {.movement = 0};
	int rc = px_load_receipt(tx, number_in(cur->value), &receipt);
	struct px_tkey key = px_tkey_digest(receipt.digest);
	if (rc != PX_ECORRUPT && (rc != PX_OK || cur->key.len != key.len || !px_cur_has_prefix(cur, &key)))
		px_verify_index_fault(v, PX_T_DIGESTS, cur, "no message has this digest");
}

/* --- movements --------------------------------------------------------------------------------------- */

static void verify_movement(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_octets fields;
	struct px_rec_movement rec;
	if (!open_record(v, PX_T_MOVEMENTS, cur, &fields) ||
	    !decoded(v, PX_T_MOVEMENTS, cur, px_rec_get_movement(fields, &rec)))
		return;
	if (rec.linked == 0) {
		if (rec.members <= COUNT_MAX && rec.members != count(tx, PX_T_MEMBERS, px_tkey_of(rec.home)))
			px_verify_index_fault(v, PX_T_MOVEMENTS, cur, "the count of its messages is wrong");
		return;
	}
	must_have(v, tx, PX_T_MOVEMENTS, cur, PX_T_MOVEMENTS, px_tkey_of(rec.linked),
		  "the movement it was linked with is missing");
	struct px_tkey id = px_tkey_of(id_of(cur));
	must_have(v, tx, PX_T_MOVEMENTS, cur, PX_T_PARTS, px_tkey_part(rec.linked, PX_PART_MOVEMENT, &id),
		  "it is not among the parts of the movement it was linked with");
}

/* A key may have passed on to another movement since it became a part. */
static void verify_part(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_tkey_in in = px_cur_read(cur);
	struct px_octets value;
	struct px_tkey key = px_tkey_of(px_tkey_get_u64(&in));
	bool is_movement = px_tkey_get_u8(&in) == PX_PART_MOVEMENT;
	if (in.bad || px_tx_get(tx, PX_T_MOVEMENTS, &key, &value) == PX_ENOTFOUND) {
		px_verify_index_fault(v, PX_T_PARTS, cur, "a part of no movement");
		return;
	}
	key = px_tkey_of(px_tkey_get_u64(&in));
	if (is_movement && px_tx_get(tx, PX_T_MOVEMENTS, &key, &value) == PX_ENOTFOUND)
		px_verify_index_fault(v, PX_T_PARTS, cur, "the linked movement is missing");
}

static void verify_movement_key(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_octets fields;
	uint64_t id;
	if (open_record(v, PX_T_MOVEMENT_KEYS, cur, &fields) &&
	    decoded(v, PX_T_MOVEMENT_KEYS, cur, px_rec_get_number(fields, &id)))
		must_have(v, tx, PX_T_MOVEMENT_KEYS, cur, PX_T_MOVEMENTS, px_tkey_of(id),
			  "the key's movement is missing");
}

static void verify_member(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_tkey_in in = px_cur_read(cur);
	struct px_rec_receipt receipt;
	uint64_t home = px_tkey_get_u64(&in);
	uint64_t seq = px_tkey_get_u64(&in);
	struct px_tkey key = px_tkey_of(seq);
	struct px_octets message;
	int rc = px_load_receipt(tx, seq, &receipt);
	if (rc == PX_OK && px_tx_get(tx, PX_T_MESSAGES, &key, &message) == PX_ENOTFOUND)
		rc = PX_ENOTFOUND;
	struct px_rec_movement movement;
	uint64_t root;
	if (rc == PX_OK && receipt.movement != 0 &&
	    px_load_movement(tx, receipt.movement, &root, &movement) == PX_ECORRUPT)
		return; /* found with the movement */
	if (rc != PX_ECORRUPT && (rc != PX_OK || home_of(tx, receipt.movement) != home))
		px_verify_index_fault(v, PX_T_MEMBERS, cur, "no such message, or it is of another movement");
}

/* --- deliveries -------------------------------------------------------------------------------------- */

static void verify_queued(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur,
			  const struct px_delivery *d)
{
	uint64_t home = 0;
	if (px_heads_home(tx, d, &home) != PX_OK)
		return; /* found with the movement */
	uint8_t class = home != 0 ? px_heads_value(tx, d, home) : (uint8_t)d->prio;
	if (home != 0)
		must_have(v, tx, PX_T_DELIVERIES, cur, PX_T_QUEUE,
			  px_tkey_queue(home, d->recipient, (uint8_t)d->prio, d->id), "it is in no queue");
	if (home != 0 && px_heads_is_first(tx, d, home) != (class != PX_HEAD_WAITS) && class != PX_HEAD_HELD)
		px_verify_index_fault(v, PX_T_DELIVERIES, cur,
				      "it is head and waits, or the other way round");
	struct px_octets value;
	struct px_tkey held = px_tkey_of(d->message);
	held = px_tkey_quarantine(PX_T_MESSAGES, held.data, held.len);
	bool is_held = px_tx_get(tx, PX_T_QUARANTINE, &held, &value) == PX_OK;
	if (class < PX_PRIO_COUNT && !is_held)
		must_have(v, tx, PX_T_DELIVERIES, cur, PX_T_READY,
			  px_tkey_ready(d->partner, class, d->due, d->id), "a head that is not ready");
}

static void verify_delivery(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_octets fields;
	struct px_delivery d;
	if (!open_record(v, PX_T_DELIVERIES, cur, &fields) ||
	    !decoded(v, PX_T_DELIVERIES, cur, px_rec_get_delivery(fields, &d)))
		return;
	d.id = id_of(cur);
	must_have(v, tx, PX_T_DELIVERIES, cur, PX_T_RECEIPTS, px_tkey_of(d.message),
		  "its message is missing");
	if (px_delivery_state_is_final(d.state))
		return;
	must_have(v, tx, PX_T_DELIVERIES, cur, PX_T_OPEN, px_tkey_open(d.partner, (uint8_t)d.state, d.id),
		  "it is not among what is open");
	must_have(v, tx, PX_T_DELIVERIES, cur, PX_T_DEADLINES, px_tkey_deadline(d.deadline, d.id),
		  "it has no deadline");
	if (d.state == PX_D_QUEUED)
		verify_queued(v, tx, cur, &d);
}

static void verify_answer(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_octets fields;
	struct px_rec_signed rec;
	if (open_record(v, PX_T_ANSWERS, cur, &fields) &&
	    decoded(v, PX_T_ANSWERS, cur, px_rec_get_signed(fields, &rec)))
		must_have(v, tx, PX_T_ANSWERS, cur, PX_T_DELIVERIES, px_tkey_of(id_of(cur)),
			  "its delivery is missing");
}

/* The delivery that an index entry is about. @return false when there is nothing to compare with. */
static bool delivery_of(struct px_verify *v, struct px_tx *tx, enum px_table table, const struct px_cur *cur,
			uint64_t id, struct px_delivery *d)
{
	int rc = px_load_delivery(tx, id, d);
	if (rc == PX_ENOTFOUND)
		px_verify_index_fault(v, table, cur, "no such delivery");
	return rc == PX_OK;
}

static void must_be(struct px_verify *v, enum px_table table, const struct px_cur *cur, bool same)
{
	if (!same)
		px_verify_index_fault(v, table, cur, "the delivery says otherwise");
}

static void verify_queue(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_tkey_in in = px_cur_read(cur);
	struct px_delivery d;
	uint64_t home = px_tkey_get_u64(&in), of;
	const char *recipient = px_tkey_get_str(&in, PX_AUTHORITY_MAX);
	unsigned prio = px_tkey_get_u8(&in);
	uint64_t id = px_tkey_get_u64(&in);
	if (delivery_of(v, tx, PX_T_QUEUE, cur, id, &d) && px_heads_home(tx, &d, &of) == PX_OK)
		must_be(v, PX_T_QUEUE, cur,
			px_tkey_done(&in) && d.state == PX_D_QUEUED && of == home && d.prio == prio &&
			    strcmp(d.recipient, recipient) == 0);
}

static void verify_ready(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_tkey_in in = px_cur_read(cur);
	struct px_delivery d;
	const char *partner = px_tkey_get_str(&in, PX_NAME_MAX);
	uint8_t class = px_tkey_get_u8(&in);
	int64_t due = px_tkey_get_i64(&in);
	uint64_t id = px_tkey_get_u64(&in), home;
	if (!delivery_of(v, tx, PX_T_READY, cur, id, &d) || px_heads_home(tx, &d, &home) != PX_OK)
		return;
	uint8_t expected = home != 0 ? px_heads_value(tx, &d, home) : (uint8_t)d.prio;
	must_be(v, PX_T_READY, cur,
		px_tkey_done(&in) && d.state == PX_D_QUEUED && d.due == due && expected == class &&
		    strcmp(d.partner, partner) == 0);
}

static void verify_deadline(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_tkey_in in = px_cur_read(cur);
	struct px_delivery d;
	int64_t deadline = px_tkey_get_i64(&in);
	uint64_t id = px_tkey_get_u64(&in);
	if (delivery_of(v, tx, PX_T_DEADLINES, cur, id, &d))
		must_be(v, PX_T_DEADLINES, cur,
			px_tkey_done(&in) && PX_MAX(d.deadline, 0) == deadline &&
			    !px_delivery_state_is_final(d.state));
}

static void verify_open(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_tkey_in in = px_cur_read(cur);
	struct px_delivery d;
	const char *partner = px_tkey_get_str(&in, PX_NAME_MAX);
	unsigned state = px_tkey_get_u8(&in);
	uint64_t id = px_tkey_get_u64(&in);
	if (delivery_of(v, tx, PX_T_OPEN, cur, id, &d))
		must_be(v, PX_T_OPEN, cur,
			px_tkey_done(&in) && d.state == state && strcmp(d.partner, partner) == 0);
}

/* --- pending confirmations --------------------------------------------------------------------------- */

static void verify_owed(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_octets fields;
	struct px_rec_owed rec;
	if (!open_record(v, PX_T_OWED, cur, &fields) ||
	    !decoded(v, PX_T_OWED, cur, px_rec_get_owed(fields, &rec)))
		return;
	must_have(v, tx, PX_T_OWED, cur, PX_T_OWED_INDEX,
		  px_tkey_owed(rec.partner, rec.ref_sender, id_of(cur)), "it is in no group");
	if (px_owed_check(tx, &rec) == PX_ECORRUPT)
		px_verify_damaged(v, PX_T_OWED, cur, "the answer that it carries is missing or damaged");
}

static void verify_owed_index(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_tkey_in in = px_cur_read(cur);
	struct px_rec_owed rec;
	const char *partner = px_tkey_get_str(&in, PX_NAME_MAX);
	const char *ref_sender = px_tkey_get_str(&in, PX_AUTHORITY_MAX);
	int rc = px_load_owed(tx, px_tkey_get_u64(&in), &rec);
	if (rc != PX_ECORRUPT &&
	    (rc != PX_OK || !px_tkey_done(&in) || strcmp(rec.partner, partner) != 0 ||
	     strcmp(rec.ref_sender, ref_sender) != 0 || px_rec_owed_size(&rec) != number_in(cur->value)))
		px_verify_index_fault(v, PX_T_OWED_INDEX, cur, "no such confirmation is pending");
}

/* The index says it all. */
static void verify_group(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	(void)tx;
	px_verify_index_fault(v, PX_T_OWED_GROUPS, cur, "nothing is kept in this table");
}

/* --- all of them ------------------------------------------------------------------------------------- */

const struct px_verify_table px_verify_tables[PX_TABLES] = {
    {PX_T_META, true, verify_meta},
    {PX_T_MESSAGES, true, verify_message},
    {PX_T_RECEIPTS, true, verify_receipt},
    {PX_T_BODIES, true, verify_body},
    {PX_T_IDS, false, verify_id},
    {PX_T_DIGESTS, false, verify_digest},
    {PX_T_KEYS, false, px_verify_key},
    {PX_T_ARRIVALS, false, px_verify_arrival},
    {PX_T_MOVEMENTS, true, verify_movement},
    {PX_T_MOVEMENT_KEYS, true, verify_movement_key},
    {PX_T_MEMBERS, false, verify_member},
    {PX_T_DELIVERIES, true, verify_delivery},
    {PX_T_ANSWERS, true, verify_answer},
    {PX_T_QUEUE, false, verify_queue},
    {PX_T_READY, false, verify_ready},
    {PX_T_DEADLINES, false, verify_deadline},
    {PX_T_OPEN, false, verify_open},
    {PX_T_OWED, true, verify_owed},
    {PX_T_OWED_INDEX, false, verify_owed_index},
    {PX_T_OWED_GROUPS, false, verify_group},
    {PX_T_JOURNAL, true, px_verify_journal},
    {PX_T_CHECKPOINTS, true, px_verify_checkpoint},
    {PX_T_PARTNERS, true, verify_partner},
    {PX_T_QUARANTINE, true, verify_quarantine},
    {PX_T_PARTS, false, verify_part},
    {PX_T_MARKS, true, verify_mark},
};
