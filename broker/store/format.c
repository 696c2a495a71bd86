/* prinex: the format of the LMDB store, and the way from earlier ones
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/format.h"

#include "base/log.h"
#include "base/strings.h"
#include "store/fields.h"
#include "store/index.h"
#include "store/load.h"

/* --- steps ------------------------------------------------------------------------------------------- */

/* Linked movements become parts of what they were linked with. One that is damaged is left to verify. */
static void add_parts(struct px_tx *tx)
{
	struct px_cur cur;
	px_cur_open(&cur, tx, PX_T_MOVEMENTS);
	for (bool more = px_cur_first(&cur); more; more = px_cur_next(&cur)) {
		struct px_rec_movement rec;
		struct px_octets fields;
		struct px_tkey id = {.len = PX_MIN(cur.key.len, sizeof(id.data))};
		memcpy(id.data, cur.key.data, id.len);
		if (px_rec_open(PX_T_MOVEMENTS, cur.key.data, cur.key.len, cur.value.data, cur.value.len,
				&fields) != PX_OK ||
		    px_rec_get_movement(fields, &rec) != PX_OK || rec.linked == 0)
			continue;
		struct px_tkey part = px_tkey_part(rec.linked, PX_PART_MOVEMENT, &id);
		px_tx_put(tx, PX_T_PARTS, &part, NULL, 0);
	}
	px_cur_close(&cur);
}

/* Format 3 finds business keys by their normal spelling, and knows what is expected: px_index_rebuild. */

/* The state is read as it was and written anew with its new fields. What was purged before is not known: up
 * to now a horizon that was to be raised to more than the double had to wait, so nothing of it can come
 * again. How short horizons were is not known either: the shortest is none at all; nor how young the youngest
 * message is, which the next accept estimates (INT64_MAX). One that is damaged is left to whoever reads it
 * next. */
static void widen_state(struct px_tx *tx)
{
	struct px_tkey key = px_tkey_name("state");
	struct px_buf rec = PX_BUF_INIT;
	struct px_octets fields;
	struct px_rec_state state;
	if (px_tx_record(tx, PX_T_META, &key, &fields) == PX_OK &&
	    px_rec_get_state(fields, &state) == PX_OK) {
		px_rec_start(&rec);
		px_rec_put_state(&rec, &state);
		px_tx_put_record(tx, PX_T_META, &key, &rec);
	}
	px_buf_free(&rec);
}

/* A pending confirmation as formats 1 to 4 have it: whole. */
static bool get_whole(struct px_octets octets, struct px_rec_owed *rec)
{
	struct px_fields in = {.at = octets.data, .left = octets.len};
	*rec = (struct px_rec_owed){0};
	px_get_text(&in, rec->partner, sizeof(rec->partner));
	px_get_text(&in, rec->ref_sender, sizeof(rec->ref_sender));
	rec->delivery = px_get_u64(&in);
	rec->created = px_get_i64(&in);
	rec->data.len = in.left;
	rec->data.data = px_get_octets(&in, in.left);
	return px_fields_done(&in);
}

/* Written anew, whole as they are; new ones will lack what stands elsewhere. One that is damaged is left to
 * verify. */
static void widen_owed(struct px_tx *tx)
{
	struct px_buf rec = PX_BUF_INIT, old = PX_BUF_INIT;
	uint64_t *ids = NULL;
	size_t n = 0, cap = 0;
	struct px_cur cur;
	px_cur_open(&cur, tx, PX_T_OWED);
	for (bool more = px_cur_first(&cur); more; more = px_cur_next(&cur)) {
		struct px_tkey_in in = px_cur_read(&cur);
		if (n == cap) {
			cap = PX_MAX(cap * 2, (size_t)64);
			ids = px_xrealloc_array(ids, cap, sizeof(ids[0]));
		}
		ids[n++] = px_tkey_get_u64(&in);
	}
	px_cur_close(&cur);
	for (size_t i = 0; i < n; i++) {
		struct px_tkey key = px_tkey_of(ids[i]);
		struct px_octets fields;
		struct px_rec_owed owed;
		if (px_tx_record(tx, PX_T_OWED, &key, &fields) != PX_OK)
			continue;
		px_buf_clear(&old); /* what was read dies with the write */
		px_buf_add(&old, fields.data, fields.len);
		if (!get_whole((struct px_octets){old.data, old.len}, &owed))
			continue;
		px_rec_start(&rec);
		px_rec_put_owed(&rec, &owed);
		px_tx_put_record(tx, PX_T_OWED, &key, &rec);
	}
	px_tx_clear(tx, PX_T_OWED_GROUPS);
	free(ids);
	px_buf_free(&old);
	px_buf_free(&rec);
}

static void to_format_5(struct px_tx *tx)
{
	widen_state(tx);
	widen_owed(tx);
}

/* It begins without redo.log. */
static void to_format_6(struct px_tx *tx)
{
	(void)tx;
}

/* steps[i] leads from format i + 1 to i + 2. */
static void (*const steps[])(struct px_tx *tx) = {add_parts, px_index_rebuild, widen_state, to_format_5,
						  to_format_6};
_Static_assert(PX_ARRAY_LEN(steps) == PX_FORMAT - 1, "a step from each earlier format");

/* --- the format -------------------------------------------------------------------------------------- */

/* @return the number, 0 when it is not one of ours. */
static uint64_t number_of(struct px_octets format)
{
	char text[32];
	uint64_t number = 0;
	size_t name = strlen(PX_FORMAT_NAME);
	if (format.len >= sizeof(text) || format.len <= name ||
	    memcmp(format.data, PX_FORMAT_NAME, name) != 0)
		return 0;
	px_strlcpy_n(text, (const char *)format.data + name, format.len - name, sizeof(text));
	return px_parse_u64(text, 1, UINT32_MAX, &number) == PX_OK ? number : 0;
}

static int refuse(const struct px_db *db, struct px_octets format, uint64_t number, struct px_buf *why)
{
	if (number > PX_FORMAT)
		px_buf_setf(why,
			    "%s: the store has format %llu, this program knows formats up to %d: it was "
			    "written by a later prinex, which must be used, or a backup of before",
			    db->path, (unsigned long long)number, PX_FORMAT);
	else
		px_buf_setf(why, "%s: this is no store of prinex: its format is \"%.*s\"", db->path,
			    (int)PX_MIN(format.len, (size_t)64), (const char *)format.data);
	return PX_EVERSION;
}

static int upgrade(struct px_tx *tx, uint64_t from)
{
	struct px_tkey key = px_tkey_name("format");
	char now[32];
	for (uint64_t i = from; i < PX_FORMAT; i++)
		steps[i - 1](tx);
	snprintf(now, sizeof(now), PX_FORMAT_NAME "%d", PX_FORMAT);
	px_tx_put(tx, PX_T_META, &key, now, strlen(now));
	int rc = px_tx_commit(tx);
	if (rc == PX_OK && from < PX_FORMAT)
		px_log(PX_LOG_NOTICE, "store", "path=%s brought from format %llu to %d", tx->db->path,
		       (unsigned long long)from, PX_FORMAT);
	return rc;
}

int px_format_check(struct px_db *db, struct px_buf *why)
{
	struct px_tkey key = px_tkey_name("format");
	struct px_octets format = {0};
	struct px_tx tx;
	int rc = px_tx_write(&tx, db);
	if (rc == PX_OK)
		rc = px_tx_get(&tx, PX_T_META, &key, &format);
	if (rc == PX_ENOTFOUND && px_tx_entries(&tx, PX_T_META) == 0)
		return upgrade(&tx, PX_FORMAT); /* new */
	uint64_t number = rc == PX_OK ? number_of(format) : 0;
	if (number >= 1 && number < PX_FORMAT)
		return upgrade(&tx, number);
	if (rc == PX_ENOTFOUND || (rc == PX_OK && number != PX_FORMAT))
		rc = refuse(db, format, number, why);
	px_tx_abort(&tx);
	return rc;
}
