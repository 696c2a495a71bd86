/* prinex: the LMDB environment: transactions and cursors
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/db.h"

#include "store/db_error.h"
#include "store/redo.h"

static int begin(struct px_tx *tx, struct px_db *db, unsigned flags)
{
	*tx = (struct px_tx){.db = db};
	tx->rc = px_db_error(db, mdb_txn_begin(db->env, NULL, flags, &tx->txn), "beginning a transaction");
	if (tx->rc != PX_OK)
		tx->txn = NULL;
	return tx->rc;
}

int px_tx_write(struct px_tx *tx, struct px_db *db)
{
	return begin(tx, db, 0);
}

int px_tx_read(struct px_tx *tx, struct px_db *db)
{
	const bool behind = db->redo != NULL && px_redo_wait(db->redo) != PX_OK;
	int rc = px_tx_read_committed(tx, db);
	tx->behind = behind;
	return rc;
}

int px_tx_read_committed(struct px_tx *tx, struct px_db *db)
{
	return begin(tx, db, MDB_RDONLY);
}

uint64_t px_tx_number(const struct px_tx *tx)
{
	return mdb_txn_id(tx->txn);
}

int px_tx_read_on(struct px_tx *tx)
{
	if (tx->rc == PX_OK || tx->rc == PX_EFATAL)
		return tx->rc;
	px_tx_abort(tx);
	return px_tx_read(tx, tx->db);
}

int px_tx_commit(struct px_tx *tx)
{
	if (tx->rc != PX_OK) {
		px_tx_abort(tx);
		return tx->rc;
	}
	tx->rc = px_db_error(tx->db, mdb_txn_commit(tx->txn), "commit");
	tx->txn = NULL; /* gone whatever it says */
	return tx->rc;
}

void px_tx_abort(struct px_tx *tx)
{
	if (tx->txn != NULL)
		mdb_txn_abort(tx->txn);
	tx->txn = NULL;
}

/* Pages that older transactions gave back: the first word of each entry of the free list counts them. */
static uint64_t free_pages(struct px_tx *tx)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	uint64_t pages = 0;
	if (mdb_cursor_open(tx->txn, 0, &cursor) != MDB_SUCCESS)
		return 0;
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == MDB_SUCCESS) {
		size_t n = 0;
		if (value.mv_size >= sizeof(n))
			memcpy(&n, value.mv_data, sizeof(n));
		pages += n;
	}
	mdb_cursor_close(cursor);
	return pages;
}

void px_tx_usage(struct px_tx *tx, uint64_t *used, uint64_t *left)
{
	MDB_envinfo info;
	mdb_env_info(tx->db->env, &info);
	uint64_t total = info.me_mapsize / tx->db->page;
	uint64_t high = (uint64_t)info.me_last_pgno + 1;
	uint64_t unused = free_pages(tx);
	unused = PX_MIN(unused, high);
	high = PX_MIN(high, total);
	*used = (high - PX_MIN(unused, high)) * tx->db->page;
	*left = (total - high + unused) * tx->db->page;
}

uint64_t px_tx_entries(struct px_tx *tx, enum px_table table)
{
	MDB_stat stat = {0};
	if (tx->rc == PX_OK)
		mdb_stat(tx->txn, tx->db->tables[table], &stat);
	return stat.ms_entries;
}

static MDB_val val(const struct px_tkey *key)
{
	return (MDB_val){.mv_size = key->len, .mv_data = (void *)key->data};
}

/* Keep an error; PX_ENOTFOUND is none. */
static int outcome(struct px_tx *tx, int mdb_rc, const char *doing)
{
	int rc = px_db_error(tx->db, mdb_rc, doing);
	if (rc != PX_OK && rc != PX_ENOTFOUND)
		tx->rc = rc;
	return rc;
}

int px_tx_get(struct px_tx *tx, enum px_table table, const struct px_tkey *key, struct px_octets *out)
{
	MDB_val k = val(key), v = {0};
	*out = (struct px_octets){0};
	if (tx->rc != PX_OK)
		return tx->rc;
	int rc = outcome(tx, mdb_get(tx->txn, tx->db->tables[table], &k, &v), px_table_name(table));
	if (rc == PX_OK)
		*out = (struct px_octets){v.mv_data, v.mv_size};
	return rc;
}

int px_tx_record(struct px_tx *tx, enum px_table table, const struct px_tkey *key, struct px_octets *fields)
{
	struct px_octets octets;
	int rc = px_tx_get(tx, table, key, &octets);
	*fields = (struct px_octets){0};
	return rc == PX_OK ? px_rec_open((uint8_t)table, key->data, key->len, octets.data, octets.len, fields)
			   : rc;
}

/* @return whether it is there. */
static bool put(struct px_tx *tx, enum px_table table, const struct px_tkey *key, MDB_val *v, unsigned flags)
{
	MDB_val k = val(key);
	return tx->rc == PX_OK && outcome(tx, mdb_put(tx->txn, tx->db->tables[table], &k, v, flags),
					  px_table_name(table)) == PX_OK;
}

static void put_whole(struct px_tx *tx, enum px_table table, const struct px_tkey *key, const void *data,
		      size_t len, unsigned flags)
{
	MDB_val v = {.mv_size = len, .mv_data = (void *)data};
	if (put(tx, table, key, &v, flags) && tx->redo != NULL)
		px_redo_put(tx->redo, (uint8_t)table, key, data, len);
}

void px_tx_clear(struct px_tx *tx, enum px_table table)
{
	if (tx->rc == PX_OK)
		outcome(tx, mdb_drop(tx->txn, tx->db->tables[table], 0), px_table_name(table));
	if (tx->rc == PX_OK && tx->redo != NULL)
		px_redo_clear(tx->redo, (uint8_t)table);
}

void px_tx_put(struct px_tx *tx, enum px_table table, const struct px_tkey *key, const void *data, size_t len)
{
	put_whole(tx, table, key, data, len, 0);
}

void px_tx_append(struct px_tx *tx, enum px_table table, const struct px_tkey *key, const void *data,
		  size_t len)
{
	put_whole(tx, table, key, data, len, MDB_APPEND);
}

void px_tx_put_record(struct px_tx *tx, enum px_table table, const struct px_tkey *key, struct px_buf *rec)
{
	px_rec_seal(rec, (uint8_t)table, key->data, key->len);
	px_tx_put(tx, table, key, rec->data, rec->len);
}

void px_tx_append_record(struct px_tx *tx, enum px_table table, const struct px_tkey *key, struct px_buf *rec)
{
	px_rec_seal(rec, (uint8_t)table, key->data, key->len);
	px_tx_append(tx, table, key, rec->data, rec->len);
}

void px_tx_append_parts(struct px_tx *tx, enum px_table table, const struct px_tkey *key,
			struct px_octets head, struct px_octets body)
{
	MDB_val v = {.mv_size = head.len + body.len};
	if (!put(tx, table, key, &v, MDB_APPEND | MDB_RESERVE))
		return;
	memcpy(v.mv_data, head.data, head.len);
	memcpy((uint8_t *)v.mv_data + head.len, body.data, body.len);
	if (tx->redo != NULL)
		px_redo_put_parts(tx->redo, (uint8_t)table, key, head, body);
}

int px_tx_del(struct px_tx *tx, enum px_table table, const struct px_tkey *key)
{
	MDB_val k = val(key);
	if (tx->rc != PX_OK)
		return tx->rc;
	int rc = outcome(tx, mdb_del(tx->txn, tx->db->tables[table], &k, NULL), px_table_name(table));
	if (rc == PX_OK && tx->redo != NULL)
		px_redo_del(tx->redo, (uint8_t)table, key);
	return rc;
}

/* --- cursors ----------------------------------------------------------------------------------------- */

void px_cur_open(struct px_cur *cur, struct px_tx *tx, enum px_table table)
{
	*cur = (struct px_cur){.tx = tx};
	if (tx->rc == PX_OK)
		outcome(tx, mdb_cursor_open(tx->txn, tx->db->tables[table], &cur->cursor),
			"opening a cursor");
}

void px_cur_close(struct px_cur *cur)
{
	if (cur->cursor != NULL)
		mdb_cursor_close(cur->cursor);
	cur->cursor = NULL;
}

static bool go(struct px_cur *cur, MDB_val k, MDB_cursor_op op)
{
	MDB_val v = {0};
	cur->key = cur->value = (struct px_octets){0};
	if (cur->tx->rc != PX_OK || cur->cursor == NULL)
		return false;
	if (outcome(cur->tx, mdb_cursor_get(cur->cursor, &k, &v, op), "walking a table") != PX_OK)
		return false;
	cur->key = (struct px_octets){k.mv_data, k.mv_size};
	cur->value = (struct px_octets){v.mv_data, v.mv_size};
	return true;
}

bool px_cur_seek(struct px_cur *cur, const struct px_tkey *key)
{
	return go(cur, val(key), MDB_SET_RANGE);
}

bool px_cur_before(struct px_cur *cur, const struct px_tkey *key)
{
	return px_cur_seek(cur, key) ? px_cur_prev(cur) : px_cur_last(cur);
}

bool px_cur_first(struct px_cur *cur)
{
	return go(cur, (MDB_val){0}, MDB_FIRST);
}

bool px_cur_last(struct px_cur *cur)
{
	return go(cur, (MDB_val){0}, MDB_LAST);
}

bool px_cur_next(struct px_cur *cur)
{
	return go(cur, (MDB_val){0}, MDB_NEXT);
}

bool px_cur_prev(struct px_cur *cur)
{
	return go(cur, (MDB_val){0}, MDB_PREV);
}

bool px_cur_has_prefix(const struct px_cur *cur, const struct px_tkey *prefix)
{
	return cur->key.len >= prefix->len && memcmp(cur->key.data, prefix->data, prefix->len) == 0;
}

struct px_tkey_in px_cur_read(const struct px_cur *cur)
{
	return px_tkey_read(cur->key.data, cur->key.len);
}
