/* prinex: which movement a message belongs to
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/movements.h"

#include "base/strings.h"
#include "store/declared.h"
#include "store/heads.h"
#include "store/need.h"

/* --- finding ----------------------------------------------------------------------------------------- */

/* While something of it waits, whoever comes must come behind that, however long ago the movement ended. */
static bool is_live(struct px_wtx *w, const struct px_rec_movement *rec)
{
	return (!rec->ended && w->now < rec->live_until) || px_heads_any(&w->tx, rec->home);
}

static const char *declarant_of(const struct px_keys *keys)
{
	const char *declarant = px_keys_first(keys, PX_KEY_DECLARANT);
	return declarant != NULL ? declarant : "";
}

static bool may_join(const char *declarant, const char *other)
{
	return declarant[0] == '\0' || other[0] == '\0' || strcmp(declarant, other) == 0;
}

bool px_movement_key(const char *sender, const struct px_keys *keys, enum px_key_kind kind,
		     struct px_tkey *key)
{
	const char *value = px_keys_first(keys, kind);
	if (value == NULL)
		return false;
	*key = kind == PX_KEY_MRN ? px_tkey_mrn(value) : px_tkey_lrn(sender, declarant_of(keys), value);
	return true;
}

/* A live movement known as @id. @return PX_OK (@root 0: none) or PX_ECORRUPT. */
static int live_by_id(struct px_wtx *w, uint64_t id, uint64_t *root, struct px_rec_movement *rec)
{
	int rc = px_load_movement(&w->tx, id, root, rec);
	if (rc == PX_ECORRUPT || rc == PX_ENOTFOUND) {
		px_wtx_quarantine(w, PX_T_MOVEMENTS, id, 0, "a movement's record is missing or damaged");
		return PX_ECORRUPT;
	}
	if (rc == PX_OK && !is_live(w, rec))
		*root = 0;
	return rc;
}

static int live_by_key(struct px_wtx *w, const struct px_tkey *key, uint64_t *root,
		       struct px_rec_movement *rec)
{
	struct px_octets fields;
	uint64_t id = 0;
	*root = 0;
	int rc = px_tx_record(&w->tx, PX_T_MOVEMENT_KEYS, key, &fields);
	if (rc == PX_OK)
		rc = px_rec_get_number(fields, &id);
	if (rc == PX_ENOTFOUND)
		return PX_OK;
	return rc == PX_OK ? live_by_id(w, id, root, rec) : rc;
}

/* @is_free: the message has such a key and no live movement does. */
static int by_key_kind(struct px_wtx *w, const struct px_accept *req, enum px_key_kind kind, uint64_t *root,
		       struct px_rec_movement *rec, bool *is_free)
{
	struct px_tkey key;
	*root = 0;
	*is_free = false;
	if (!px_movement_key(req->header.sender, &req->keys, kind, &key))
		return PX_OK;
	int rc = live_by_key(w, &key, root, rec);
	*is_free = *root == 0;
	return rc;
}

static bool begins(const struct px_accept *req)
{
	return px_deed_of(req->catalogue, &req->header, &req->keys) == PX_DEED_DECLARES;
}

static int by_keys(struct px_wtx *w, const struct px_accept *req, struct px_movement_plan *plan)
{
	int rc = by_key_kind(w, req, PX_KEY_MRN, &plan->id, &plan->rec, &plan->mrn_is_free);
	if (rc == PX_OK)
		rc = by_key_kind(w, req, PX_KEY_LRN, &plan->other, &plan->other_rec, &plan->lrn_is_free);
	if (rc != PX_OK)
		return rc;
	if (req->join != 0 && declarant_of(&req->keys)[0] == '\0')
		plan->other = 0; /* who accepts knows whose LRN it is */
	if (plan->id != 0 && !may_join(declarant_of(&req->keys), plan->rec.declarant)) {
		plan->owner_conflict = true;
		plan->conflict = PX_KEY_MRN;
		/* Who only named it before does not keep it from who declares. */
		plan->mrn_is_free = begins(req) && !px_need_is_declared(w, req, plan->rec.home);
		plan->id = 0;
	}
	if (plan->id == 0) {
		plan->id = plan->other;
		plan->rec = plan->other_rec;
	}
	if (plan->other == plan->id)
		plan->other = 0;
	if (plan->other != 0 && !may_join(plan->rec.declarant, plan->other_rec.declarant)) {
		plan->owner_conflict = true;
		plan->conflict = PX_KEY_LRN;
		plan->other = 0;
	}
	return PX_OK;
}

static int by_message(struct px_wtx *w, const struct px_accept *req, const char *sender,
		      struct px_movement_plan *plan)
{
	struct px_rec_receipt receipt;
	uint64_t seq;
	int rc = px_load_by_id(&w->tx, sender, req->header.correlation_id, &seq, &receipt);
	if (rc != PX_OK || receipt.movement == 0)
		return rc == PX_ENOTFOUND ? PX_OK : rc;
	struct px_tkey key = px_tkey_of(seq);
	struct px_octets message;
	if (px_tx_get(&w->tx, PX_T_MESSAGES, &key, &message) == PX_ENOTFOUND &&
	    px_load_root(&w->tx, receipt.movement) == 0)
		return PX_OK; /* purged, and its movement with it */
	rc = live_by_id(w, receipt.movement, &plan->id, &plan->rec);
	if (rc == PX_OK && plan->id != 0 && !may_join(declarant_of(&req->keys), plan->rec.declarant))
		plan->id = 0;
	return rc;
}

static int by_correlation(struct px_wtx *w, const struct px_accept *req, struct px_movement_plan *plan)
{
	int rc = PX_OK;
	if (req->header.correlation_id[0] == '\0')
		return PX_OK;
	for (unsigned i = 0; i < req->header.n_recipients && rc == PX_OK && plan->id == 0; i++)
		rc = by_message(w, req, req->header.recipients[i], plan);
	if (rc == PX_OK && plan->id == 0)
		rc = by_message(w, req, req->header.sender, plan);
	return rc;
}

int px_movement_find(struct px_wtx *w, const struct px_accept *req, struct px_movement_plan *plan)
{
	*plan = (struct px_movement_plan){0};
	int rc = by_keys(w, req, plan);
	if (rc == PX_OK && plan->id == 0)
		rc = by_correlation(w, req, plan);
	if (rc != PX_OK || plan->id != 0 || req->join == 0 || px_load_root(&w->tx, req->join) == 0)
		return rc;
	rc = live_by_id(w, req->join, &plan->id, &plan->rec);
	if (rc == PX_OK && plan->id != 0 && !may_join(declarant_of(&req->keys), plan->rec.declarant))
		plan->id = 0;
	return rc;
}

/* --- linking ----------------------------------------------------------------------------------------- */

static void move_members(struct px_wtx *w, uint64_t from, uint64_t to)
{
	struct px_tkey prefix = px_tkey_of(from);
	struct px_cur cur;
	uint64_t *messages = NULL;
	size_t n = 0, cap = 0;
	px_cur_open(&cur, &w->tx, PX_T_MEMBERS);
	for (bool more = px_cur_seek(&cur, &prefix); more && px_cur_has_prefix(&cur, &prefix);
	     more = px_cur_next(&cur)) {
		struct px_tkey_in in = px_cur_read(&cur);
		px_tkey_get_u64(&in);
		if (n == cap) {
			cap = PX_MAX(cap * 2, (size_t)64);
			messages = px_xrealloc_array(messages, cap, sizeof(messages[0]));
		}
		messages[n++] = px_tkey_get_u64(&in);
	}
	px_cur_close(&cur);
	for (size_t i = 0; i < n; i++) {
		struct px_tkey key = px_tkey_member(from, messages[i]);
		px_tx_del(&w->tx, PX_T_MEMBERS, &key);
		key = px_tkey_member(to, messages[i]);
		px_tx_put(&w->tx, PX_T_MEMBERS, &key, NULL, 0);
	}
	free(messages);
}

/* The lower id stays; queue and members stand where most of them are already. */
static void link_movements(struct px_wtx *w, struct px_movement_plan *plan)
{
	bool other_stays = plan->other < plan->id;
	uint64_t gone_id = other_stays ? plan->id : plan->other;
	struct px_rec_movement keep = other_stays ? plan->other_rec : plan->rec;
	struct px_rec_movement gone = other_stays ? plan->rec : plan->other_rec;
	uint64_t from = gone.members > keep.members ? keep.home : gone.home;
	uint64_t to = gone.members > keep.members ? gone.home : keep.home;
	move_members(w, from, to);
	px_heads_merge(w, from, to);
	keep.home = to;
	keep.members += gone.members;
	keep.first = PX_MIN(keep.first, gone.first);
	keep.last = PX_MAX(keep.last, gone.last);
	keep.live_until = PX_MAX(keep.live_until, gone.live_until);
	keep.ended = keep.ended && gone.ended; /* what still goes on is not ended by what is linked to it */
	if (keep.declarant[0] == '\0')
		px_strlcpy(keep.declarant, gone.declarant, sizeof(keep.declarant));
	plan->id = PX_MIN(plan->id, plan->other);
	plan->rec = keep;
	gone.linked = plan->id;
	px_wtx_save_movement(w, gone_id, &gone);
	struct px_tkey part = px_tkey_of(gone_id);
	part = px_tkey_part(plan->id, PX_PART_MOVEMENT, &part);
	px_tx_put(&w->tx, PX_T_PARTS, &part, NULL, 0);
	w->state.movements--;
}

/* --- joining ----------------------------------------------------------------------------------------- */

static void make_movement(struct px_wtx *w, const struct px_accept *req, struct px_movement_plan *plan)
{
	plan->id = ++w->state.last_movement;
	plan->rec = (struct px_rec_movement){
	    .home = plan->id, .first = w->now, .live_until = w->now + req->movement_life};
	w->state.movements++;
}

/* Let a key of the message, that no live movement has, point to its movement. */
static void keep_key(struct px_wtx *w, const struct px_accept *req, enum px_key_kind kind, uint64_t id)
{
	struct px_tkey key;
	px_movement_key(req->header.sender, &req->keys, kind, &key);
	px_rec_start(&w->rec);
	px_rec_put_number(&w->rec, id);
	px_tx_put_record(&w->tx, PX_T_MOVEMENT_KEYS, &key, &w->rec);
}

uint64_t px_movement_join(struct px_wtx *w, const struct px_accept *req, struct px_movement_plan *plan,
			  uint64_t message, uint64_t *home)
{
	if (plan->other != 0)
		link_movements(w, plan);
	else if (plan->id == 0)
		make_movement(w, req, plan);
	struct px_rec_movement *rec = &plan->rec;
	rec->members++;
	rec->last = w->now;
	if (rec->declarant[0] == '\0')
		px_strlcpy(rec->declarant, declarant_of(&req->keys), sizeof(rec->declarant));
	/* Declared again while the end still waits to be delivered, it goes on. */
	rec->ended = plan->ends || (rec->ended && !begins(req));
	px_wtx_save_movement(w, plan->id, rec);
	if (plan->mrn_is_free)
		keep_key(w, req, PX_KEY_MRN, plan->id);
	if (plan->lrn_is_free)
		keep_key(w, req, PX_KEY_LRN, plan->id);
	struct px_tkey member = px_tkey_member(rec->home, message);
	px_tx_put(&w->tx, PX_T_MEMBERS, &member, NULL, 0);
	w->changed = true;
	*home = rec->home;
	return plan->id;
}
