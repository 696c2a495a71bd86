/* prinex: the indexes of a message's business keys in the LMDB store
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/index.h"

#include "base/keys.h"
#include "store/load.h"

void px_index_each(uint64_t seq, int64_t accepted, const struct px_keys *keys, px_index_visit *fn, void *arg)
{
	struct px_expected expected[PX_EXPECTED_MAX];
	unsigned n = px_keys_expected(keys, expected);
	struct px_tkey key;
	for (unsigned i = 0; i < keys->n; i++) {
		key = px_tkey_business(keys->items[i].kind, keys->items[i].value, seq);
		if (!fn(arg, PX_T_KEYS, &key))
			return;
	}
	for (unsigned i = 0; i < n; i++) {
		const struct px_expected *e = &expected[i];
		key = px_tkey_arrival(e->office, e->at, seq);
		if (!fn(arg, PX_T_ARRIVALS, &key))
			return;
		key = px_tkey_late(PX_MAX(e->limit, accepted), seq, e->office);
		if (!fn(arg, PX_T_ARRIVALS, &key))
			return;
	}
}

static bool put(void *arg, enum px_table table, const struct px_tkey *key)
{
	px_tx_put(arg, table, key, NULL, 0);
	return true;
}

static bool del(void *arg, enum px_table table, const struct px_tkey *key)
{
	px_tx_del(arg, table, key);
	return true;
}

void px_index_add(struct px_tx *tx, uint64_t seq, int64_t accepted, const struct px_keys *keys)
{
	px_index_each(seq, accepted, keys, put, tx);
}

void px_index_remove(struct px_tx *tx, uint64_t seq, int64_t accepted, const struct px_keys *keys)
{
	px_index_each(seq, accepted, keys, del, tx);
}

void px_index_rebuild(struct px_tx *tx)
{
	struct px_buf copy = PX_BUF_INIT;
	struct px_cur cur;
	px_tx_clear(tx, PX_T_KEYS);
	px_tx_clear(tx, PX_T_ARRIVALS);
	px_cur_open(&cur, tx, PX_T_MESSAGES);
	for (bool more = px_cur_first(&cur); more; more = px_cur_next(&cur)) {
		struct px_scratch scratch = {0};
		struct px_rec_message rec;
		struct px_octets fields;
		struct px_tkey_in in = px_cur_read(&cur);
		struct px_tkey key = px_tkey_of(px_tkey_get_u64(&in));
		px_buf_clear(&copy); /* what is under the cursor dies with the next write */
		px_buf_add(&copy, cur.value.data, cur.value.len);
		if (px_tkey_done(&in) &&
		    px_rec_open(PX_T_MESSAGES, key.data, key.len, copy.data, copy.len, &fields) == PX_OK &&
		    px_rec_get_message(fields, &scratch, &rec) == PX_OK) {
			struct px_tkey_in id = px_tkey_read(key.data, key.len);
			px_index_add(tx, px_tkey_get_u64(&id), rec.message.accepted, &rec.message.keys);
		}
		px_scratch_free(&scratch);
	}
	px_cur_close(&cur);
	px_buf_free(&copy);
}
