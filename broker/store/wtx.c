/* prinex: the write transaction of the LMDB store and what goes with it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/wtx.h"

#include "base/log.h"
#include "base/strings.h"
#include "store/format.h"

/* Accepts leave so much of the map to settles and what else must go on: this share of it, or this at most. */
#define RESERVE_SHARE 8
#define RESERVE_MAX   (256u * 1024 * 1024)

/* --- what is kept in memory -------------------------------------------------------------------------- */

static struct px_tkey state_key(void)
{
	return px_tkey_name("state");
}

static int load_state(struct px_wtx *w)
{
	struct px_tkey key = state_key();
	struct px_octets fields;
	int rc = px_tx_record(&w->tx, PX_T_META, &key, &fields);
	w->state = (struct px_rec_state){.forgotten = INT64_MIN};
	w->changed = false;
	if (rc == PX_OK)
		rc = px_rec_get_state(fields, &w->state);
	/* A new store has neither state nor journal. */
	if (rc == PX_ENOTFOUND) {
		rc = px_tx_entries(&w->tx, PX_T_JOURNAL) == 0 ? PX_OK : PX_ECORRUPT;
		w->state.shortest = INT64_MAX;
		w->state.newest = INT64_MIN;
	}
	return rc;
}

static size_t place_of(const struct px_wtx *w, const char *name, bool *found)
{
	size_t low = 0, high = w->n_partners;
	*found = false;
	while (low < high && !*found) {
		size_t middle = (low + high) / 2;
		int order = strcmp(w->partners[middle].name, name);
		*found = order == 0;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return high;
}

struct px_wtx_partner *px_wtx_partner(struct px_wtx *w, const char *name)
{
	bool found;
	size_t i = place_of(w, name, &found);
	if (found)
		return &w->partners[i];
	if (w->n_partners == w->cap_partners) {
		w->cap_partners = PX_MAX(w->cap_partners * 2, (size_t)8);
		w->partners = px_xrealloc_array(w->partners, w->cap_partners, sizeof(w->partners[0]));
	}
	memmove(&w->partners[i + 1], &w->partners[i], (w->n_partners - i) * sizeof(w->partners[0]));
	w->partners[i] = (struct px_wtx_partner){0};
	px_strlcpy(w->partners[i].name, name, sizeof(w->partners[i].name));
	w->n_partners++;
	return &w->partners[i];
}

void px_wtx_count(struct px_wtx *w, const char *partner, enum px_delivery_state state, int by)
{
	struct px_wtx_partner *p = px_wtx_partner(w, partner);
	p->rec.count[state] += (uint64_t)(int64_t)by;
	if (state == PX_D_UNKNOWN && by > 0)
		p->rec.ever_unknown += (uint64_t)by;
	p->changed = true;
}

void px_wtx_mark(struct px_wtx *w, const struct px_mark *mark)
{
	struct px_mark kept = *mark;
	struct px_tkey key = px_tkey_name(kept.name);
	if (kept.at == 0)
		kept.at = w->now;
	px_rec_start(&w->rec);
	px_rec_put_mark(&w->rec, &kept);
	px_tx_put_record(&w->tx, PX_T_MARKS, &key, &w->rec);
	w->changed = true;
}

/* Turns stay as they are: they only matter for fairness. */
static int load_partners(struct px_wtx *w)
{
	struct px_cur cur;
	int rc = PX_OK;
	for (size_t i = 0; i < w->n_partners; i++) {
		w->partners[i].rec = (struct px_rec_partner){0};
		w->partners[i].changed = false;
	}
	px_cur_open(&cur, &w->tx, PX_T_PARTNERS);
	for (bool more = px_cur_first(&cur); more && rc == PX_OK; more = px_cur_next(&cur)) {
		struct px_octets fields;
		struct px_tkey_in in = px_cur_read(&cur);
		const char *name = px_tkey_get_str(&in, PX_NAME_MAX);
		rc = px_tkey_done(&in) ? px_rec_open(PX_T_PARTNERS, cur.key.data, cur.key.len, cur.value.data,
						     cur.value.len, &fields)
				       : PX_ECORRUPT;
		if (rc == PX_OK)
			rc = px_rec_get_partner(fields, &px_wtx_partner(w, name)->rec);
	}
	px_cur_close(&cur);
	return rc == PX_OK ? w->tx.rc : rc;
}

/* As the open transaction sees it. */
static int load_memory(struct px_wtx *w)
{
	int rc = load_state(w);
	return rc == PX_OK ? load_partners(w) : rc;
}

static int load_committed(struct px_wtx *w)
{
	int rc = px_tx_read_committed(&w->tx, w->db);
	if (rc == PX_OK)
		rc = load_memory(w);
	w->committed = w->state.last_message;
	px_tx_abort(&w->tx);
	return rc;
}

static void save_memory(struct px_wtx *w)
{
	for (size_t i = 0; i < w->n_partners; i++) {
		if (!w->partners[i].changed)
			continue;
		struct px_tkey key = px_tkey_name(w->partners[i].name);
		px_rec_start(&w->rec);
		px_rec_put_partner(&w->rec, &w->partners[i].rec);
		px_tx_put_record(&w->tx, PX_T_PARTNERS, &key, &w->rec);
		w->partners[i].changed = false;
	}
	if (w->changed) {
		struct px_tkey key = state_key();
		px_rec_start(&w->rec);
		px_rec_put_state(&w->rec, &w->state);
		px_tx_put_record(&w->tx, PX_T_META, &key, &w->rec);
		w->changed = false;
	}
}

/* --- opening and closing ----------------------------------------------------------------------------- */

int px_wtx_open(struct px_wtx *w, struct px_db *db, struct px_leases *leases, struct px_buf *why)
{
	*w = (struct px_wtx){.db = db,
			     .leases = leases,
			     .has_room = true,
			     .sha = px_sha256_new(),
			     .recent = px_xcalloc(1, sizeof(*w->recent))};
	int rc = px_format_check(db, why);
	if (rc == PX_OK)
		rc = load_committed(w);
	if (rc != PX_OK && rc != PX_EVERSION)
		px_buf_setf(why, "%s: reading the state of the store: %s", db->path, px_err_text(rc));
	return rc;
}

void px_wtx_close(struct px_wtx *w)
{
	px_tx_abort(&w->tx);
	if (w->recent != NULL)
		px_recent_clear(w->recent);
	free(w->recent);
	px_sha256_free(&w->sha);
	px_buf_free(&w->rec);
	px_buf_free(&w->octets);
	free(w->partners);
	*w = (struct px_wtx){0};
}

/* --- transactions ------------------------------------------------------------------------------------ */

static bool is_ahead(const struct px_wtx *w)
{
	return w->db->redo != NULL && px_redo_is_ahead(w->db->redo);
}

/* A new transaction of LMDB. */
static int begin_new(struct px_wtx *w)
{
	int rc = px_tx_write(&w->tx, w->db);
	if (rc != PX_OK)
		return rc;
	w->base = (struct px_redo_base){.txn = px_tx_number(&w->tx) - 1, .epoch = w->state.epoch};
	memcpy(w->base.head, w->state.journal_head, PX_DIGEST_LEN);
	w->tx.redo = w->db->redo;
	return PX_OK;
}

/* The transaction that was open is gone, with it what is only in the log: again, in a new one. */
static int begin_again(struct px_wtx *w)
{
	int rc = px_tx_write(&w->tx, w->db);
	if (rc == PX_OK)
		rc = px_redo_again(w->db->redo, &w->tx);
	if (rc == PX_OK)
		rc = load_memory(w);
	if (rc == PX_OK) {
		w->tx.redo = w->db->redo;
		return PX_OK;
	}
	px_tx_abort(&w->tx);
	px_log(PX_LOG_ERR, "store", "doing again what " PX_REDO_FILE " has: %s", px_err_text(rc));
	return rc == PX_EFULL ? PX_EFULL : PX_EFATAL;
}

int px_wtx_begin(struct px_wtx *w)
{
	px_leases_begin(w->leases);
	if (w->tx.txn != NULL)
		return PX_OK;
	return is_ahead(w) ? begin_again(w) : begin_new(w);
}

static int commit_all(struct px_wtx *w)
{
	int rc = px_tx_commit(&w->tx);
	if (rc == PX_OK)
		w->committed = w->state.last_message;
	if (rc == PX_OK && w->db->redo != NULL)
		px_redo_committed(w->db->redo);
	return rc;
}

int px_wtx_commit(struct px_wtx *w)
{
	struct px_redo *redo = w->db->redo;
	save_memory(w);
	int rc = w->tx.rc;
	if (rc == PX_OK && is_ahead(w) && !px_redo_has_notes(redo))
		return PX_OK;
	if (rc == PX_OK) {
		bool log = redo != NULL && px_redo_has_notes(redo) && px_redo_fits(redo);
		rc = log ? px_redo_append(redo, &w->base) : PX_EFULL;
		if (rc == PX_EFULL)
			rc = commit_all(w);
	}
	if (rc != PX_OK)
		px_wtx_undo(w);
	return rc;
}

int px_wtx_catch_up(struct px_wtx *w)
{
	if (!is_ahead(w))
		return PX_OK;
	int rc = w->tx.txn != NULL ? PX_OK : begin_again(w);
	if (rc != PX_OK)
		return rc;
	rc = commit_all(w);
	if (rc == PX_EFULL && begin_again(w) == PX_EFATAL)
		rc = PX_EFATAL;
	return rc;
}

void px_wtx_undo(struct px_wtx *w)
{
	int rc;
	px_tx_abort(&w->tx);
	px_leases_undo(w->leases);
	px_recent_clear(w->recent);
	if (w->db->redo != NULL)
		px_redo_drop(w->db->redo);
	if (is_ahead(w)) {
		begin_again(w); /* px_wtx_begin tries that again */
		return;
	}
	rc = load_committed(w);
	if (rc != PX_OK)
		px_log(PX_LOG_ERR, "store", "reading the state after a failed transaction: %s",
		       px_err_text(rc));
}

/* Whether the map can take @octets more and keep its reserve. Pages given back count only near the end of the
 * map, where counting them is worth its while; what was found then is used up before the next count. @return
 * PX_OK or PX_EFATAL. */
static int map_has_room(struct px_wtx *w, uint64_t octets, bool *has_room)
{
	MDB_envinfo info;
	mdb_env_info(w->db->env, &info);
	uint64_t reserve = PX_MIN(w->db->map_size / RESERVE_SHARE, (uint64_t)RESERVE_MAX);
	uint64_t high = ((uint64_t)info.me_last_pgno + 1) * w->db->page;
	*has_room = high + reserve <= info.me_mapsize || w->credit >= octets;
	if (high + reserve > info.me_mapsize && *has_room)
		w->credit -= octets;
	if (*has_room)
		return PX_OK;
	/* What is not committed has taken pages that still seem free. */
	int rc = px_wtx_catch_up(w);
	if (rc != PX_OK)
		return rc == PX_EFATAL ? PX_EFATAL : PX_OK;
	uint64_t used, left = reserve;
	struct px_tx tx;
	if (px_tx_read_committed(&tx, w->db) == PX_OK)
		px_tx_usage(&tx, &used, &left);
	px_tx_abort(&tx);
	w->credit = left > reserve ? (left - reserve) / 4 : 0; /* indexes and copied pages need room too */
	*has_room = left >= reserve;
	return PX_OK;
}

int px_wtx_look_for_room(struct px_wtx *w, uint64_t octets)
{
	bool has_room = px_db_disk_free(w->db) >= w->db->watermark;
	int rc = has_room ? map_has_room(w, octets, &has_room) : PX_OK;
	if (has_room != w->has_room)
		px_log(has_room ? PX_LOG_NOTICE : PX_LOG_ERR, "store",
		       has_room ? "there is room again; new messages are accepted"
				: "disk or map nearly full; new messages are not accepted");
	w->has_room = has_room;
	return rc;
}

/* --- records that many operations write -------------------------------------------------------------- */

void px_wtx_save_delivery(struct px_wtx *w, const struct px_delivery *d)
{
	struct px_tkey key = px_tkey_of(d->id);
	px_rec_start(&w->rec);
	px_rec_put_delivery(&w->rec, d);
	px_tx_put_record(&w->tx, PX_T_DELIVERIES, &key, &w->rec);
}

void px_wtx_save_movement(struct px_wtx *w, uint64_t id, const struct px_rec_movement *m)
{
	struct px_tkey key = px_tkey_of(id);
	px_rec_start(&w->rec);
	px_rec_put_movement(&w->rec, m);
	px_tx_put_record(&w->tx, PX_T_MOVEMENTS, &key, &w->rec);
}

void px_wtx_quarantine(struct px_wtx *w, enum px_table table, uint64_t id, uint64_t delivery,
		       const char *reason)
{
	struct px_rec_quarantine rec = {.at = w->now, .delivery = delivery};
	struct px_tkey of = px_tkey_of(id);
	struct px_tkey key = px_tkey_quarantine((uint8_t)table, of.data, of.len);
	struct px_octets there;
	if (px_tx_get(&w->tx, PX_T_QUARANTINE, &key, &there) != PX_ENOTFOUND)
		return;
	px_strlcpy(rec.reason, reason, sizeof(rec.reason));
	px_rec_start(&w->rec);
	px_rec_put_quarantine(&w->rec, &rec);
	px_tx_put_record(&w->tx, PX_T_QUARANTINE, &key, &w->rec);
	w->state.quarantined++;
	w->changed = true;
	px_log(PX_LOG_ERR, "store", "record=%s/%llu delivery=%llu set aside: %s", px_table_name(table),
	       (unsigned long long)id, (unsigned long long)delivery, reason);
	px_wtx_journal(w, &(struct px_journal_entry){.kind = PX_J_QUARANTINED,
						     .delivery = delivery,
						     .code = px_table_name(table),
						     .detail = reason});
}
