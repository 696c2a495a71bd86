/* prinex: LMDB store: what a message needs its movement to be
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/need.h"

#include "store/load.h"

static bool same_key(const struct px_keys *a, const struct px_keys *b, enum px_key_kind kind)
{
	const char *x = px_keys_first(a, kind), *y = px_keys_first(b, kind);
	return strcmp(x != NULL ? x : "", y != NULL ? y : "") == 0;
}

bool px_need_is_same(const struct px_accept *req, const struct px_header *header, const struct px_keys *keys)
{
	return px_keys_first(&req->keys, PX_KEY_LRN) != NULL && strcmp(req->header.type, header->type) == 0 &&
	       strcmp(req->header.sender, header->sender) == 0 && same_key(&req->keys, keys, PX_KEY_LRN) &&
	       same_key(&req->keys, keys, PX_KEY_DECLARANT);
}

/* This node's own messages, such as alarms, announce nothing. */
static bool is_own(struct px_wtx *w, uint64_t seq)
{
	struct px_rec_receipt receipt;
	return px_load_receipt(&w->tx, seq, &receipt) == PX_OK && receipt.partner[0] == '\0';
}

static bool is_delivered_to(struct px_wtx *w, const struct px_rec_message *rec, const char *authority)
{
	for (unsigned i = 0; i < rec->n_deliveries; i++) {
		struct px_delivery d;
		if (px_load_delivery(&w->tx, rec->first_delivery + i, &d) == PX_OK &&
		    strcmp(d.recipient, authority) == 0)
			return true;
	}
	return false;
}

/* Does the message decide it? A damaged record decides nothing. */
static bool decides(struct px_wtx *w, struct px_scratch *scratch, const struct px_accept *req, uint64_t seq)
{
	struct px_rec_message rec;
	if (px_load_message(&w->tx, scratch, seq, &rec) != PX_OK)
		return false;
	switch (req->need) {
	case PX_NEED_NEW: return px_need_is_same(req, &rec.message.header, &rec.message.keys);
	case PX_NEED_OWN: return strcmp(rec.message.header.sender, req->header.sender) == 0;
	default: return is_delivered_to(w, &rec, req->header.sender) && !is_own(w, seq);
	}
}

static bool has_deciding(struct px_wtx *w, struct px_scratch *scratch, const struct px_accept *req,
			 uint64_t home)
{
	struct px_tkey prefix = px_tkey_of(home);
	struct px_cur cur;
	unsigned n = 0;
	bool found = false;
	px_cur_open(&cur, &w->tx, PX_T_MEMBERS);
	for (bool more = px_cur_seek(&cur, &prefix);
	     more && !found && n < PX_NEED_MEMBERS && px_cur_has_prefix(&cur, &prefix);
	     more = px_cur_next(&cur), n++) {
		struct px_tkey_in in = px_cur_read(&cur);
		px_tkey_get_u64(&in);
		found = decides(w, scratch, req, px_tkey_get_u64(&in));
	}
	px_cur_close(&cur);
	return found;
}

int px_need_check(struct px_wtx *w, struct px_scratch *scratch, const struct px_accept *req,
		  const struct px_movement_plan *plan)
{
	if (req->need == PX_NEED_NONE)
		return PX_OK;
	bool found = plan->id != 0 && has_deciding(w, scratch, req, plan->rec.home);
	if (!found && plan->other != 0)
		found = has_deciding(w, scratch, req, plan->other_rec.home);
	return found == (req->need != PX_NEED_NEW) ? PX_OK : PX_EPRECONDITION;
}
