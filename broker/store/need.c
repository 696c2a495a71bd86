/* prinex: LMDB store: what a message needs its movement to be, and whether it ends it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/need.h"

#include "store/declared.h"
#include "store/load.h"

/* What of the movements in a plan counts for a message. */
struct look {
	struct px_wtx *w;
	const struct px_accept *req;
	struct px_declared declared;
	bool own;     /* its Sender has begun something */
	bool is_done; /* no more is wanted */
};

static bool is_for_sender(struct look *l, const struct px_rec_message *rec)
{
	const char *sender = l->req->header.sender;
	bool found = false, sent = false;
	for (unsigned i = 0; i < rec->n_deliveries && !sent; i++) {
		struct px_delivery d;
		if (px_load_delivery(&l->w->tx, rec->first_delivery + i, &d) == PX_OK &&
		    strcmp(d.recipient, sender) == 0) {
			found = true;
			sent = px_delivery_is_sent(&d);
		}
	}
	return px_declaration_is_for(&rec->message.header, &rec->message.keys, sender, found, sent);
}

/* A damaged record decides nothing. */
static void look_at(struct look *l, uint64_t seq)
{
	struct px_scratch scratch = {0};
	struct px_rec_message rec;
	if (px_load_message(&l->w->tx, &scratch, seq, &rec) == PX_OK) {
		const struct px_header *h = &rec.message.header;
		const struct px_keys *keys = &rec.message.keys;
		bool declares = px_deed_of(l->req->catalogue, h, keys) != PX_DEED_NONE;
		l->own = l->own || (px_stand_of(l->req->catalogue, h->type) == PX_STAND_BEGINS &&
				    strcmp(h->sender, l->req->header.sender) == 0);
		if (declares)
			px_declared_add(&l->declared, h, keys, is_for_sender(l, &rec));
	}
	px_scratch_free(&scratch);
	l->is_done = l->own && l->req->need == PX_NEED_OWN && !l->req->keys.ends_movement;
}

static void look_through(struct look *l, uint64_t home)
{
	struct px_tkey prefix = px_tkey_of(home);
	struct px_cur cur;
	unsigned n = 0;
	px_cur_open(&cur, &l->w->tx, PX_T_MEMBERS);
	for (bool more = px_cur_seek(&cur, &prefix);
	     more && !l->is_done && n < PX_NEED_MEMBERS && px_cur_has_prefix(&cur, &prefix);
	     more = px_cur_next(&cur), n++) {
		struct px_tkey_in in = px_cur_read(&cur);
		px_tkey_get_u64(&in);
		look_at(l, px_tkey_get_u64(&in));
	}
	px_cur_close(&cur);
}

static bool is_met(const struct look *l)
{
	switch (l->req->need) {
	case PX_NEED_NONE: return true;
	case PX_NEED_OWN: return l->own;
	case PX_NEED_NEW: return !px_declared_has(&l->declared, PX_NEED_NEW, &l->req->header, &l->req->keys);
	default: return px_declared_has(&l->declared, l->req->need, &l->req->header, &l->req->keys);
	}
}

int px_need_check(struct px_wtx *w, const struct px_accept *req, const struct px_movement_plan *plan,
		  bool *ends)
{
	struct look l = {.w = w, .req = req, .declared.cat = req->catalogue};
	*ends = false;
	if (req->need == PX_NEED_NONE && !req->keys.ends_movement)
		return PX_OK;
	if (plan->id != 0)
		look_through(&l, plan->rec.home);
	if (plan->other != 0)
		look_through(&l, plan->other_rec.home);
	bool met = is_met(&l);
	*ends = met && px_declared_ends(&l.declared, &req->header, &req->keys);
	px_declared_free(&l.declared);
	return met ? PX_OK : PX_EPRECONDITION;
}

bool px_need_is_declared(struct px_wtx *w, const struct px_accept *req, uint64_t home)
{
	struct look l = {.w = w, .req = req, .declared.cat = req->catalogue};
	look_through(&l, home);
	bool any = l.declared.n > 0;
	px_declared_free(&l.declared);
	return any;
}
