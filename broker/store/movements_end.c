/* prinex: movements leave the LMDB store with their last message
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/movements.h"

/*
 * What must go together: the movement's record, those of the movements that were linked with it, and the keys
 * that lead to any of them. A key that a purged message brought stays while the movement does (whoever comes
 * with it must still come behind what waits), and is noted as a part of it, because nothing else says then
 * whose it is.
 */
struct parts {
	uint64_t *ids; /* the movement, and those linked with it */
	size_t n_ids;
	struct px_tkey *keys; /* of movement-keys */
	size_t n_keys;
	struct px_tkey *entries; /* of parts */
	size_t n_entries;
};

static void add_id(struct parts *p, uint64_t id)
{
	p->ids = px_xrealloc_array(p->ids, p->n_ids + 1, sizeof(p->ids[0]));
	p->ids[p->n_ids++] = id;
}

static void add_key(struct px_tkey **keys, size_t *n, const uint8_t *data, size_t len)
{
	*keys = px_xrealloc_array(*keys, *n + 1, sizeof(**keys));
	struct px_tkey *key = &(*keys)[(*n)++];
	key->len = PX_MIN(len, sizeof(key->data));
	memcpy(key->data, data, key->len);
}

static void collect_of(struct parts *p, struct px_wtx *w, uint64_t id)
{
	struct px_tkey prefix = px_tkey_of(id);
	struct px_cur cur;
	px_cur_open(&cur, &w->tx, PX_T_PARTS);
	for (bool more = px_cur_seek(&cur, &prefix); more && px_cur_has_prefix(&cur, &prefix);
	     more = px_cur_next(&cur)) {
		struct px_tkey_in in = px_tkey_read(cur.key.data + prefix.len, cur.key.len - prefix.len);
		uint8_t kind = px_tkey_get_u8(&in);
		add_key(&p->entries, &p->n_entries, cur.key.data, cur.key.len);
		if (kind == PX_PART_KEY)
			add_key(&p->keys, &p->n_keys, in.at, in.left);
		else
			add_id(p, px_tkey_get_u64(&in));
	}
	px_cur_close(&cur);
}

/* Whether @key leads to the movement with root @id still: it may have passed on. */
static bool leads_to(struct px_wtx *w, const struct px_tkey *key, uint64_t id)
{
	struct px_octets fields;
	struct px_rec_movement rec;
	uint64_t number, root;
	return px_tx_record(&w->tx, PX_T_MOVEMENT_KEYS, key, &fields) == PX_OK &&
	       px_rec_get_number(fields, &number) == PX_OK &&
	       px_load_movement(&w->tx, number, &root, &rec) == PX_OK && root == id;
}

static void remove_movement(struct px_wtx *w, uint64_t id, const struct px_tkey *own, size_t n_own)
{
	struct parts p = {.ids = NULL};
	add_id(&p, id);
	for (size_t i = 0; i < p.n_ids; i++) /* which grows meanwhile */
		collect_of(&p, w, p.ids[i]);
	for (size_t i = 0; i < n_own; i++)
		add_key(&p.keys, &p.n_keys, own[i].data, own[i].len);
	for (size_t i = 0; i < p.n_keys; i++) {
		if (leads_to(w, &p.keys[i], id))
			px_tx_del(&w->tx, PX_T_MOVEMENT_KEYS, &p.keys[i]);
	}
	for (size_t i = 0; i < p.n_entries; i++)
		px_tx_del(&w->tx, PX_T_PARTS, &p.entries[i]);
	for (size_t i = 0; i < p.n_ids; i++) {
		struct px_tkey key = px_tkey_of(p.ids[i]);
		px_tx_del(&w->tx, PX_T_MOVEMENTS, &key);
	}
	w->state.movements--;
	w->changed = true;
	free(p.ids);
	free(p.keys);
	free(p.entries);
}

void px_movement_leave(struct px_wtx *w, uint64_t id, uint64_t message, const char *sender,
		       const struct px_keys *keys)
{
	static const enum px_key_kind kinds[] = {PX_KEY_MRN, PX_KEY_LRN};
	struct px_rec_movement rec;
	struct px_tkey own[PX_ARRAY_LEN(kinds)];
	size_t n_own = 0;
	uint64_t root;
	if (id == 0 || px_load_movement(&w->tx, id, &root, &rec) != PX_OK)
		return;
	for (size_t i = 0; keys != NULL && i < PX_ARRAY_LEN(kinds); i++)
		n_own += px_movement_key(sender, keys, kinds[i], &own[n_own]) ? 1 : 0;
	struct px_tkey member = px_tkey_member(rec.home, message);
	if (px_tx_del(&w->tx, PX_T_MEMBERS, &member) == PX_OK && rec.members > 0)
		rec.members--;
	if (rec.members == 0 && keys != NULL) {
		remove_movement(w, root, own, n_own);
		return;
	}
	px_wtx_save_movement(w, root, &rec);
	for (size_t i = 0; i < n_own; i++) {
		struct px_tkey part = px_tkey_part(root, PX_PART_KEY, &own[i]);
		if (leads_to(w, &own[i], root))
			px_tx_put(&w->tx, PX_T_PARTS, &part, NULL, 0);
	}
}
