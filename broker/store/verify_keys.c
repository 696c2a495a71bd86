/* prinex: LMDB store: verify: indexes of business keys
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/index.h"
#include "store/verify.h"

/* --- from a message to its entries -------------------------------------------------------------------- */

struct must {
	struct px_verify *v;
	struct px_tx *tx;
	const struct px_cur *cur;
};

static bool must_have(void *arg, enum px_table table, const struct px_tkey *key)
{
	struct must *m = arg;
	struct px_octets value;
	if (px_tx_get(m->tx, table, key, &value) == PX_ENOTFOUND)
		px_verify_index_fault(m->v, PX_T_MESSAGES, m->cur,
				      table == PX_T_KEYS ? "a business key is not in its index"
							 : "an expected arrival is not in its index");
	return true;
}

void px_verify_keys_of(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur, uint64_t seq,
		       const struct px_message *m)
{
	struct must must = {v, tx, cur};
	px_index_each(seq, m->accepted, &m->keys, must_have, &must);
}

/* --- from an entry to its message --------------------------------------------------------------------- */

struct seek {
	enum px_table table;
	const struct px_cur *cur;
	bool found;
};

static bool is_it(void *arg, enum px_table table, const struct px_tkey *key)
{
	struct seek *s = arg;
	s->found = table == s->table && key->len == s->cur->key.len && px_cur_has_prefix(s->cur, key);
	return !s->found;
}

static void verify_entry(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur, enum px_table table,
			 uint64_t message, const char *what)
{
	struct seek seek = {table, cur, false};
	struct px_scratch scratch = {0};
	struct px_rec_message rec;
	int rc = px_load_message(tx, &scratch, message, &rec);
	if (rc == PX_OK)
		px_index_each(message, rec.message.accepted, &rec.message.keys, is_it, &seek);
	if (rc != PX_ECORRUPT && !seek.found)
		px_verify_index_fault(v, table, cur, what);
	px_scratch_free(&scratch);
}

void px_verify_key(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_tkey_in in = px_cur_read(cur);
	px_tkey_get_u8(&in);
	px_tkey_get_str(&in, PX_KEY_VALUE_MAX);
	verify_entry(v, tx, cur, PX_T_KEYS, px_tkey_get_u64(&in),
		     "no such message, or it does not have this key");
}

void px_verify_arrival(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_tkey_in in = px_cur_read(cur);
	if (px_tkey_get_u8(&in) == PX_ARRIVAL_BY_OFFICE)
		px_tkey_get_str(&in, PX_KEY_VALUE_MAX);
	px_tkey_get_i64(&in);
	verify_entry(v, tx, cur, PX_T_ARRIVALS, px_tkey_get_u64(&in),
		     "no such message, or it expects nothing so");
}
