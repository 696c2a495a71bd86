/* prinex: indexes and counts of the LMDB store made anew from its records
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/repair.h"

#include "store/heads.h"
#include "store/index.h"
#include "store/owed.h"

/* --- walking ----------------------------------------------------------------------------------------- */

/* An entry whose octets are fine, with the number in its key (tables by number). */
typedef void visit(struct px_wtx *w, uint64_t id, struct px_octets fields, void *arg);

static uint64_t id_of(const struct px_cur *cur)
{
	struct px_tkey_in in = px_cur_read(cur);
	uint64_t id = px_tkey_get_u64(&in);
	return px_tkey_done(&in) ? id : 0;
}

/* Writing to other tables meanwhile leaves the cursor where it is; what is under it dies, hence the copy. */
static void for_each(struct px_wtx *w, enum px_table table, visit *fn, void *arg)
{
	struct px_buf copy = PX_BUF_INIT;
	struct px_cur cur;
	px_cur_open(&cur, &w->tx, table);
	for (bool more = px_cur_first(&cur); more; more = px_cur_next(&cur)) {
		struct px_tkey key = px_tkey_of(id_of(&cur));
		struct px_octets fields;
		px_buf_clear(&copy);
		px_buf_add(&copy, cur.value.data, cur.value.len);
		if (px_rec_open((uint8_t)table, key.data, key.len, copy.data, copy.len, &fields) == PX_OK)
			fn(w, id_of(&cur), fields, arg);
	}
	px_cur_close(&cur);
	px_buf_free(&copy);
}

static bool is_there(struct px_wtx *w, enum px_table table, uint64_t id)
{
	struct px_tkey key = px_tkey_of(id);
	struct px_octets value;
	return px_tx_get(&w->tx, table, &key, &value) == PX_OK;
}

/* --- messages ---------------------------------------------------------------------------------------- */

static void index_receipt(struct px_wtx *w, uint64_t seq, struct px_octets fields, void *arg)
{
	(void)arg;
	struct px_rec_receipt r;
	struct px_rec_movement m;
	uint64_t root;
	if (px_rec_get_receipt(fields, &r) != PX_OK)
		return;
	struct px_tkey value = px_tkey_of(seq), key = px_tkey_message_id(r.sender, r.message_id);
	px_tx_put(&w->tx, PX_T_IDS, &key, value.data, value.len);
	key = px_tkey_digest(r.digest);
	px_tx_put(&w->tx, PX_T_DIGESTS, &key, value.data, value.len);
	if (r.movement == 0 || !is_there(w, PX_T_MESSAGES, seq) ||
	    px_load_movement(&w->tx, r.movement, &root, &m) != PX_OK)
		return;
	key = px_tkey_member(m.home, seq);
	px_tx_put(&w->tx, PX_T_MEMBERS, &key, NULL, 0);
}

/* Index entries whose receipt cannot be read: nobody else knows the id and the octets that must not be
 * accepted again, nor that the movement has this message; and members of a movement whose own record cannot
 * be read. Of a delivery that cannot be read they are what it may still be ended by. */
struct orphans {
	struct orphan {
		enum px_table table;
		struct px_tkey key;
		uint64_t seq; /* or delivery */
	} * items;
	size_t n;
};

/* Of an id or a digest the message is the value; otherwise message or delivery end the key. */
static uint64_t number_of(enum px_table table, const struct px_cur *cur)
{
	struct px_octets o = table == PX_T_IDS || table == PX_T_DIGESTS ? cur->value : cur->key;
	if (o.len < 8)
		return 0;
	struct px_tkey_in in = px_tkey_read((const uint8_t *)o.data + o.len - 8, 8);
	return px_tkey_get_u64(&in);
}

static bool is_orphan(struct px_wtx *w, const struct orphan *o)
{
	struct px_rec_receipt receipt;
	struct px_rec_movement movement;
	struct px_delivery d;
	uint64_t root;
	if (o->table == PX_T_OPEN || o->table == PX_T_DEADLINES)
		return px_load_delivery(&w->tx, o->seq, &d) == PX_ECORRUPT;
	int rc = px_load_receipt(&w->tx, o->seq, &receipt);
	if (rc == PX_OK && o->table == PX_T_MEMBERS && receipt.movement != 0 &&
	    is_there(w, PX_T_MESSAGES, o->seq))
		rc = px_load_movement(&w->tx, receipt.movement, &root, &movement);
	return rc == PX_ECORRUPT;
}

static void find_orphans(struct px_wtx *w, enum px_table table, struct orphans *orphans)
{
	struct px_cur cur;
	px_cur_open(&cur, &w->tx, table);
	for (bool more = px_cur_first(&cur); more; more = px_cur_next(&cur)) {
		struct orphan o = {table, {.len = cur.key.len}, number_of(table, &cur)};
		if (o.key.len > sizeof(o.key.data) || !is_orphan(w, &o))
			continue;
		memcpy(o.key.data, cur.key.data, o.key.len);
		orphans->items = px_xrealloc_array(orphans->items, orphans->n + 1, sizeof(o));
		orphans->items[orphans->n++] = o;
	}
	px_cur_close(&cur);
}

static void put_orphans(struct px_wtx *w, struct orphans *orphans)
{
	for (size_t i = 0; i < orphans->n; i++) {
		const struct orphan *o = &orphans->items[i];
		struct px_tkey value = px_tkey_of(o->seq);
		bool has_value = o->table == PX_T_IDS || o->table == PX_T_DIGESTS;
		px_tx_put(&w->tx, o->table, &o->key, has_value ? value.data : NULL,
			  has_value ? value.len : 0);
	}
	free(orphans->items);
}

static void repair_messages(struct px_wtx *w)
{
	static const enum px_table tables[] = {PX_T_IDS, PX_T_DIGESTS, PX_T_MEMBERS};
	struct orphans orphans = {.items = NULL};
	for (size_t i = 0; i < PX_ARRAY_LEN(tables); i++) {
		find_orphans(w, tables[i], &orphans);
		px_tx_clear(&w->tx, tables[i]);
	}
	for_each(w, PX_T_RECEIPTS, index_receipt, NULL);
	put_orphans(w, &orphans);
	px_index_rebuild(&w->tx);
	w->state.messages = px_tx_entries(&w->tx, PX_T_MESSAGES);
}

/* --- movements --------------------------------------------------------------------------------------- */

static uint64_t count_members(struct px_wtx *w, uint64_t home)
{
	struct px_tkey prefix = px_tkey_of(home);
	struct px_cur cur;
	uint64_t n = 0;
	px_cur_open(&cur, &w->tx, PX_T_MEMBERS);
	for (bool more = px_cur_seek(&cur, &prefix); more && px_cur_has_prefix(&cur, &prefix);
	     more = px_cur_next(&cur))
		n++;
	px_cur_close(&cur);
	return n;
}

/* The count of members is not what a movement is but what can be counted. */
static void index_movement(struct px_wtx *w, uint64_t id, struct px_octets fields, void *arg)
{
	(void)arg;
	struct px_rec_movement rec;
	if (px_rec_get_movement(fields, &rec) != PX_OK)
		return;
	if (rec.linked != 0) {
		struct px_tkey part = px_tkey_of(id);
		part = px_tkey_part(rec.linked, PX_PART_MOVEMENT, &part);
		px_tx_put(&w->tx, PX_T_PARTS, &part, NULL, 0);
		return;
	}
	uint64_t members = count_members(w, rec.home);
	if (members != rec.members) {
		rec.members = members;
		px_wtx_save_movement(w, id, &rec);
	}
	w->state.movements++;
}

/* All keys become parts of their movements: more than need be, and never too few. */
static void index_movement_keys(struct px_wtx *w)
{
	struct px_cur cur;
	px_cur_open(&cur, &w->tx, PX_T_MOVEMENT_KEYS);
	for (bool more = px_cur_first(&cur); more; more = px_cur_next(&cur)) {
		struct px_tkey key = {.len = PX_MIN(cur.key.len, (size_t)PX_TKEY_LRN_MAX)};
		struct px_rec_movement rec;
		struct px_octets fields;
		uint64_t id, root;
		memcpy(key.data, cur.key.data, key.len);
		if (px_rec_open(PX_T_MOVEMENT_KEYS, cur.key.data, cur.key.len, cur.value.data, cur.value.len,
				&fields) != PX_OK ||
		    px_rec_get_number(fields, &id) != PX_OK ||
		    px_load_movement(&w->tx, id, &root, &rec) != PX_OK)
			continue;
		struct px_tkey part = px_tkey_part(root, PX_PART_KEY, &key);
		px_tx_put(&w->tx, PX_T_PARTS, &part, NULL, 0);
	}
	px_cur_close(&cur);
}

static void repair_movements(struct px_wtx *w)
{
	w->state.movements = 0;
	px_tx_clear(&w->tx, PX_T_PARTS);
	for_each(w, PX_T_MOVEMENTS, index_movement, NULL);
	index_movement_keys(w);
}

/* --- deliveries -------------------------------------------------------------------------------------- */

/* Queue entries whose delivery or movement cannot be read: nobody else knows what must not go past them, and
 * in which queue it is. */
struct held {
	struct px_tkey *keys; /* by delivery */
	size_t n;
	size_t next; /* not put back yet */
};

static uint64_t delivery_of(const struct px_tkey *key)
{
	struct px_tkey_in in = px_tkey_read(key->data + key->len - 8, 8);
	return px_tkey_get_u64(&in);
}

static int by_delivery(const void *a, const void *b)
{
	uint64_t x = delivery_of(a), y = delivery_of(b);
	return (x > y) - (x < y);
}

static bool is_held(struct px_wtx *w, uint64_t id)
{
	struct px_rec_movement movement;
	struct px_delivery d;
	uint64_t root;
	int rc = px_load_delivery(&w->tx, id, &d);
	if (rc == PX_OK && d.movement != 0)
		rc = px_load_movement(&w->tx, d.movement, &root, &movement);
	return rc == PX_ECORRUPT;
}

static struct held find_held(struct px_wtx *w)
{
	struct held held = {.keys = NULL};
	struct px_cur cur;
	px_cur_open(&cur, &w->tx, PX_T_QUEUE);
	for (bool more = px_cur_first(&cur); more; more = px_cur_next(&cur)) {
		struct px_tkey key = {.len = cur.key.len};
		if (key.len < 8 || key.len > sizeof(key.data))
			continue;
		memcpy(key.data, cur.key.data, key.len);
		if (!is_held(w, delivery_of(&key)))
			continue;
		held.keys = px_xrealloc_array(held.keys, held.n + 1, sizeof(held.keys[0]));
		held.keys[held.n++] = key;
	}
	px_cur_close(&cur);
	if (held.n > 0)
		qsort(held.keys, held.n, sizeof(held.keys[0]), by_delivery);
	return held;
}

/* Put back those before delivery @id, so that the order in which a queue is made is that of its ids. */
static void put_held(struct px_wtx *w, struct held *held, uint64_t id)
{
	const uint8_t value = PX_HEAD_HELD;
	for (; held->next < held->n && delivery_of(&held->keys[held->next]) < id; held->next++)
		px_tx_put(&w->tx, PX_T_QUEUE, &held->keys[held->next], &value, 1);
}

/* @return PX_OK and the queue that a delivery, whose record is fine, belongs into. */
static int home_of(struct px_wtx *w, struct held *held, const struct px_delivery *d, uint64_t *home)
{
	if (held->next == held->n || delivery_of(&held->keys[held->next]) != d->id)
		return px_heads_home(&w->tx, d, home);
	const struct px_tkey *key = &held->keys[held->next++];
	struct px_tkey_in in = px_tkey_read(key->data, key->len);
	*home = px_tkey_get_u64(&in);
	return PX_OK;
}

static void index_delivery(struct px_wtx *w, uint64_t id, struct px_octets fields, void *arg)
{
	struct px_delivery d;
	uint64_t home;
	put_held(w, arg, id);
	if (px_rec_get_delivery(fields, &d) != PX_OK)
		return;
	d.id = id;
	px_wtx_count(w, d.partner, d.state, 1);
	if (px_delivery_state_is_final(d.state))
		return;
	struct px_tkey key = px_tkey_open(d.partner, (uint8_t)d.state, id);
	px_tx_put(&w->tx, PX_T_OPEN, &key, NULL, 0);
	key = px_tkey_deadline(d.deadline, id);
	px_tx_put(&w->tx, PX_T_DEADLINES, &key, NULL, 0);
	if (d.state == PX_D_QUEUED && home_of(w, arg, &d, &home) == PX_OK)
		px_heads_add(w, &d, home, false);
}

/* What is open is counted with its partner, whether its record can be read or not. */
static void count_orphans(struct px_wtx *w, const struct orphans *orphans)
{
	for (size_t i = 0; i < orphans->n; i++) {
		const struct px_tkey *key = &orphans->items[i].key;
		struct px_tkey_in in = px_tkey_read(key->data, key->len);
		if (orphans->items[i].table != PX_T_OPEN)
			continue;
		const char *partner = px_tkey_get_str(&in, PX_NAME_MAX);
		uint8_t state = px_tkey_get_u8(&in);
		if (partner != NULL && state < PX_D_STATES)
			px_wtx_count(w, partner, (enum px_delivery_state)state, 1);
	}
}

static void repair_deliveries(struct px_wtx *w)
{
	static const enum px_table tables[] = {PX_T_QUEUE, PX_T_READY, PX_T_DEADLINES, PX_T_OPEN,
					       PX_T_PARTNERS};
	struct held held = find_held(w);
	struct orphans orphans = {.items = NULL};
	find_orphans(w, PX_T_OPEN, &orphans);
	find_orphans(w, PX_T_DEADLINES, &orphans);
	for (size_t i = 0; i < PX_ARRAY_LEN(tables); i++)
		px_tx_clear(&w->tx, tables[i]);
	for (size_t i = 0; i < w->n_partners; i++)
		w->partners[i].rec = (struct px_rec_partner){0};
	count_orphans(w, &orphans);
	for_each(w, PX_T_DELIVERIES, index_delivery, &held);
	put_held(w, &held, UINT64_MAX);
	put_orphans(w, &orphans);
	free(held.keys);
	w->state.deliveries = px_tx_entries(&w->tx, PX_T_DELIVERIES);
}

/* --- pending confirmations --------------------------------------------------------------------------- */

static void index_owed(struct px_wtx *w, uint64_t id, struct px_octets fields, void *arg)
{
	(void)arg;
	struct px_rec_owed rec;
	if (px_rec_get_owed(fields, &rec) == PX_OK)
		px_owed_index(w, id, &rec);
}

static void repair_owed(struct px_wtx *w)
{
	px_tx_clear(&w->tx, PX_T_OWED_INDEX);
	px_tx_clear(&w->tx, PX_T_OWED_GROUPS);
	for_each(w, PX_T_OWED, index_owed, NULL);
	w->state.owed = px_tx_entries(&w->tx, PX_T_OWED);
	w->state.quarantined = px_tx_entries(&w->tx, PX_T_QUARANTINE);
}

int px_repair(struct px_wtx *w)
{
	static void (*const steps[])(struct px_wtx *) = {repair_messages, repair_movements, repair_deliveries,
							 repair_owed};
	int rc = PX_OK;
	for (size_t i = 0; i < PX_ARRAY_LEN(steps) && rc == PX_OK; i++) {
		rc = px_wtx_begin(w);
		if (rc != PX_OK)
			break;
		steps[i](w);
		w->changed = true;
		rc = px_wtx_commit(w);
	}
	return rc;
}

/* --- the state --------------------------------------------------------------------------------------- */

static uint64_t last_of(struct px_tx *tx, enum px_table table)
{
	struct px_cur cur;
	px_cur_open(&cur, tx, table);
	uint64_t last = px_cur_last(&cur) ? id_of(&cur) : 0;
	px_cur_close(&cur);
	return last;
}

static void add_journal_end(struct px_tx *tx, struct px_rec_state *state)
{
	struct px_tkey key = px_tkey_of(state->last_journal);
	struct px_octets fields, octets;
	struct px_rec_signed rec;
	if (px_tx_record(tx, PX_T_JOURNAL, &key, &fields) == PX_OK)
		px_rec_get_journal(fields, state->journal_head, &octets);
	state->checkpoint_seq = last_of(tx, PX_T_CHECKPOINTS);
	key = px_tkey_of(state->checkpoint_seq);
	if (px_tx_record(tx, PX_T_CHECKPOINTS, &key, &fields) == PX_OK &&
	    px_rec_get_signed(fields, &rec) == PX_OK)
		memcpy(state->checkpoint, rec.hash, PX_DIGEST_LEN);
}

static bool partners_are_fine(struct px_tx *tx)
{
	struct px_cur cur;
	bool fine = true;
	px_cur_open(&cur, tx, PX_T_PARTNERS);
	for (bool more = px_cur_first(&cur); more && fine; more = px_cur_next(&cur)) {
		struct px_tkey_in in = px_cur_read(&cur);
		struct px_octets fields;
		struct px_rec_partner rec;
		fine = px_tkey_get_str(&in, PX_NAME_MAX) != NULL && px_tkey_done(&in) &&
		       px_rec_open(PX_T_PARTNERS, cur.key.data, cur.key.len, cur.value.data, cur.value.len,
				   &fields) == PX_OK &&
		       px_rec_get_partner(fields, &rec) == PX_OK;
	}
	px_cur_close(&cur);
	return fine;
}

int px_repair_state(struct px_db *db, bool *made)
{
	struct px_tkey key = px_tkey_name("state");
	struct px_rec_state state = {0};
	struct px_octets fields;
	struct px_buf rec = PX_BUF_INIT;
	struct px_tx tx;
	*made = false;
	int rc = px_tx_write(&tx, db);
	if (rc != PX_OK)
		return rc;
	if (!partners_are_fine(&tx)) { /* they are only counts, and made anew in a moment */
		px_tx_clear(&tx, PX_T_PARTNERS);
		rc = px_tx_commit(&tx);
		if (rc == PX_OK)
			rc = px_tx_write(&tx, db);
		if (rc != PX_OK)
			return rc;
	}
	rc = px_tx_record(&tx, PX_T_META, &key, &fields);
	if ((rc == PX_OK && px_rec_get_state(fields, &state) == PX_OK) ||
	    (rc == PX_ENOTFOUND && px_tx_entries(&tx, PX_T_JOURNAL) == 0)) {
		px_tx_abort(&tx);
		return PX_OK;
	}
	state = (struct px_rec_state){.last_message = last_of(&tx, PX_T_RECEIPTS),
				      .last_delivery = last_of(&tx, PX_T_DELIVERIES),
				      .last_movement = last_of(&tx, PX_T_MOVEMENTS),
				      .last_owed = last_of(&tx, PX_T_OWED),
				      .last_journal = last_of(&tx, PX_T_JOURNAL),
				      .forgotten = INT64_MIN,
				      .newest = INT64_MAX};
	/* An epoch is one open, each open writes an entry, and a restore begins a range of its own (at most
	 * one an entry too): this is beyond all of them. */
	state.epoch = (state.last_journal + 1) << 32;
	add_journal_end(&tx, &state);
	px_rec_start(&rec);
	px_rec_put_state(&rec, &state);
	px_tx_put_record(&tx, PX_T_META, &key, &rec);
	px_buf_free(&rec);
	*made = true;
	return px_tx_commit(&tx);
}
