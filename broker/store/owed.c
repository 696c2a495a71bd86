/* prinex: pending confirmations
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/owed.h"

#include "base/strings.h"
#include "store/crc32c.h"

/* --- the answer inside ------------------------------------------------------------------------------- */

/* The answer that @rec lacks. View. */
static int answer_of(struct px_tx *tx, const struct px_rec_owed *rec, struct px_octets *answer)
{
	struct px_tkey key = px_tkey_of(rec->delivery);
	struct px_octets fields;
	struct px_rec_signed held;
	*answer = (struct px_octets){0};
	if (rec->answer_len == 0)
		return PX_OK;
	int rc = px_tx_record(tx, PX_T_ANSWERS, &key, &fields);
	if (rc == PX_OK)
		rc = px_rec_get_signed(fields, &held);
	if (rc == PX_OK && (held.data.len != rec->answer_len ||
			    px_crc32c(0, held.data.data, held.data.len) != rec->answer_crc))
		rc = PX_ECORRUPT;
	if (rc == PX_OK)
		*answer = held.data;
	return rc == PX_ENOTFOUND ? PX_ECORRUPT : rc;
}

int px_owed_check(struct px_tx *tx, const struct px_rec_owed *rec)
{
	struct px_octets answer;
	return answer_of(tx, rec, &answer);
}

/* Append what is owed as it is to be sent. */
static int add_whole(struct px_tx *tx, const struct px_rec_owed *rec, struct px_buf *out)
{
	struct px_octets answer;
	int rc = answer_of(tx, rec, &answer);
	if (rc != PX_OK)
		return rc;
	px_buf_reserve(out, px_rec_owed_size(rec));
	px_buf_add(out, rec->data.data, rec->answer_at);
	px_base64(out, answer.data, answer.len);
	px_buf_add(out, rec->data.data + rec->answer_at, rec->data.len - rec->answer_at);
	return PX_OK;
}

/* --- writing ----------------------------------------------------------------------------------------- */

void px_owed_index(struct px_wtx *w, uint64_t id, const struct px_rec_owed *rec)
{
	struct px_tkey key = px_tkey_owed(rec->partner, rec->ref_sender, id);
	struct px_tkey size = px_tkey_of(px_rec_owed_size(rec));
	px_tx_put(&w->tx, PX_T_OWED_INDEX, &key, size.data, size.len);
}

uint64_t px_owed_add(struct px_wtx *w, const struct px_rec_owed *rec)
{
	uint64_t id = ++w->state.last_owed;
	struct px_tkey key = px_tkey_of(id);
	px_rec_start(&w->rec);
	px_rec_put_owed(&w->rec, rec);
	px_tx_append_record(&w->tx, PX_T_OWED, &key, &w->rec);
	px_owed_index(w, id, rec);
	w->state.owed++;
	w->changed = true;
	return id;
}

bool px_owed_exists(struct px_wtx *w, uint64_t id)
{
	struct px_tkey key = px_tkey_of(id);
	struct px_octets octets;
	return px_tx_get(&w->tx, PX_T_OWED, &key, &octets) == PX_OK;
}

void px_owed_consume(struct px_wtx *w, uint64_t id)
{
	struct px_tkey key = px_tkey_of(id);
	struct px_rec_owed rec;
	int rc = px_load_owed(&w->tx, id, &rec);
	if (rc == PX_ENOTFOUND)
		return;
	if (rc == PX_ECORRUPT) { /* whose it is cannot be told; verify will find the index entry */
		px_wtx_quarantine(w, PX_T_OWED, id, 0, "a pending confirmation's record is damaged");
		px_tx_del(&w->tx, PX_T_OWED, &key);
		w->state.owed--;
		return;
	}
	px_tx_del(&w->tx, PX_T_OWED, &key);
	key = px_tkey_owed(rec.partner, rec.ref_sender, id);
	px_tx_del(&w->tx, PX_T_OWED_INDEX, &key);
	w->state.owed--;
	w->changed = true;
}

static void put_whole(struct px_wtx *w, uint64_t id, struct px_rec_owed *rec)
{
	struct px_tkey key = px_tkey_of(id);
	px_buf_clear(&w->octets);
	if (add_whole(&w->tx, rec, &w->octets) != PX_OK)
		return; /* the answer was damaged before */
	rec->data = (struct px_octets){w->octets.data, w->octets.len};
	rec->answer_at = rec->answer_len = rec->answer_crc = 0;
	px_rec_start(&w->rec);
	px_rec_put_owed(&w->rec, rec);
	px_tx_put_record(&w->tx, PX_T_OWED, &key, &w->rec);
}

void px_owed_keep_answer(struct px_wtx *w, uint64_t delivery)
{
	struct px_tkey key = px_tkey_of(delivery);
	struct px_octets fields;
	struct px_rec_signed held;
	struct px_rec_owed rec;
	if (px_tx_record(&w->tx, PX_T_ANSWERS, &key, &fields) != PX_OK ||
	    px_rec_get_signed(fields, &held) != PX_OK)
		return;
	uint64_t id = px_rec_answer_owed(&held);
	if (id != 0 && px_load_owed(&w->tx, id, &rec) == PX_OK && rec.delivery == delivery &&
	    rec.answer_len > 0)
		put_whole(w, id, &rec);
}

/* --- reading ----------------------------------------------------------------------------------------- */

/* The id of the index entry under @cur if it belongs to the group; 0 otherwise. */
static uint64_t entry_of(const struct px_cur *cur, const struct px_tkey *group)
{
	if (!px_cur_has_prefix(cur, group))
		return 0;
	struct px_tkey_in in = px_tkey_read(cur->key.data + group->len, cur->key.len - group->len);
	uint64_t id = px_tkey_get_u64(&in);
	return px_tkey_done(&in) ? id : 0;
}

int px_owed_read(struct px_tx *tx, struct px_scratch *scratch, const char *partner, const char *ref_sender,
		 unsigned max, uint64_t octets, unsigned *n, struct px_owed **owed)
{
	struct px_tkey group = px_tkey_group(partner, ref_sender);
	struct px_buf whole = PX_BUF_INIT;
	struct px_cur cur;
	size_t cap = 0;
	uint64_t sum = 0;
	*n = 0;
	*owed = NULL;
	px_cur_open(&cur, tx, PX_T_OWED_INDEX);
	for (bool more = px_cur_seek(&cur, &group); more && *n < max; more = px_cur_next(&cur)) {
		struct px_rec_owed rec;
		uint64_t id = entry_of(&cur, &group);
		if (id == 0)
			break;
		px_buf_clear(&whole);
		if (px_load_owed(tx, id, &rec) != PX_OK || add_whole(tx, &rec, &whole) != PX_OK)
			continue; /* verify names it; the others must not wait for it */
		sum += whole.len;
		if (*n > 0 && sum > octets)
			break;
		*owed = px_scratch_double(scratch, *owed, *n, &cap, sizeof(**owed));
		(*owed)[(*n)++] =
		    (struct px_owed){id, px_scratch_copy(scratch, whole.data, whole.len), whole.len};
	}
	px_cur_close(&cur);
	px_buf_free(&whole);
	return tx->rc;
}

/* The group that the index entry under @cur begins. @return its prefix, of length 0 when that cannot be read.
 */
static struct px_tkey read_group(struct px_tx *tx, const struct px_cur *cur, struct px_owed_group *group)
{
	struct px_tkey_in in = px_cur_read(cur);
	struct px_rec_owed rec;
	const char *partner = px_tkey_get_str(&in, PX_NAME_MAX);
	const char *ref_sender = px_tkey_get_str(&in, PX_AUTHORITY_MAX);
	uint64_t id = px_tkey_get_u64(&in);
	if (!px_tkey_done(&in))
		return (struct px_tkey){.len = 0};
	*group = (struct px_owed_group){0};
	px_strlcpy(group->partner, partner, sizeof(group->partner));
	px_strlcpy(group->ref_sender, ref_sender, sizeof(group->ref_sender));
	group->oldest = px_load_owed(tx, id, &rec) == PX_OK ? rec.created : 0;
	return px_tkey_group(group->partner, group->ref_sender);
}

static int by_age(const void *a, const void *b)
{
	const struct px_owed_group *x = a, *y = b;
	return (x->oldest > y->oldest) - (x->oldest < y->oldest);
}

int px_owed_read_groups(struct px_tx *tx, struct px_scratch *scratch, unsigned max, unsigned *n,
			struct px_owed_group **groups)
{
	struct px_cur cur;
	size_t cap = 0;
	*n = 0;
	*groups = NULL;
	px_cur_open(&cur, tx, PX_T_OWED_INDEX);
	for (bool more = px_cur_first(&cur); more;) {
		*groups = px_scratch_double(scratch, *groups, *n, &cap, sizeof(**groups));
		struct px_tkey group = read_group(tx, &cur, &(*groups)[*n]);
		if (group.len == 0) {
			more = px_cur_next(&cur);
			continue;
		}
		(*n)++;
		px_tkey_u64(&group, UINT64_MAX); /* past the group's last */
		more = px_cur_seek(&cur, &group);
	}
	px_cur_close(&cur);
	if (*n > 0)
		qsort(*groups, *n, sizeof(**groups), by_age);
	*n = PX_MIN(*n, max);
	return tx->rc;
}
