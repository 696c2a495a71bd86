/* prinex: heads are leased: class A first, without starving C
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/heads.h"

/* Of every eight leases of a partner the seventh asks for class B first and the eighth for class C. */
#define ROUND 8

/* The heads of one class that are due, in order. */
struct lane {
	struct px_cur cur;
	struct px_tkey prefix;
	bool started, ended;
	uint64_t next;    /* a delivery that may be leased; 0: not looked for yet */
	uint64_t message; /* of it */
};

/* Entries of ready that turned out to be unusable; removed when walking is over. */
struct bad {
	struct px_tkey key;
	uint64_t id;
};

struct round {
	struct px_wtx *w;
	int64_t now;
	struct lane lanes[PX_PRIO_COUNT];
	struct bad *bad;
	size_t n_bad;
};

static void note_bad(struct round *r, const struct px_cur *cur, uint64_t id)
{
	r->bad = px_xrealloc_array(r->bad, r->n_bad + 1, sizeof(r->bad[0]));
	struct bad *bad = &r->bad[r->n_bad++];
	bad->key.len = PX_MIN(cur->key.len, sizeof(bad->key.data));
	memcpy(bad->key.data, cur->key.data, bad->key.len);
	bad->id = id;
}

/* Whether the entry under the cursor can be leased; ends the lane when nothing further is due. */
static bool is_usable(struct round *r, struct lane *lane, uint64_t *id)
{
	struct px_delivery d;
	struct px_tkey_in in =
	    px_tkey_read(lane->cur.key.data + lane->prefix.len, lane->cur.key.len - lane->prefix.len);
	int64_t due = px_tkey_get_i64(&in);
	*id = px_tkey_get_u64(&in);
	if (due > r->now) {
		lane->ended = true;
		return false;
	}
	if (!px_lease_is_free(r->w->leases, *id, r->w->now))
		return false;
	if (!px_tkey_done(&in) || px_load_delivery(&r->w->tx, *id, &d) != PX_OK || d.state != PX_D_QUEUED ||
	    d.due != due) {
		note_bad(r, &lane->cur, *id);
		return false;
	}
	lane->message = d.message;
	return true;
}

/* The next delivery of the lane that can be leased, 0 when there is none. */
static uint64_t look(struct round *r, struct lane *lane)
{
	uint64_t id = 0;
	while (lane->next == 0 && !lane->ended) {
		bool more = lane->started ? px_cur_next(&lane->cur) : px_cur_seek(&lane->cur, &lane->prefix);
		lane->started = true;
		if (!more || !px_cur_has_prefix(&lane->cur, &lane->prefix))
			lane->ended = true;
		else if (is_usable(r, lane, &id))
			lane->next = id;
	}
	return lane->next;
}

static uint64_t take(struct round *r, unsigned turn, uint64_t *message)
{
	unsigned preferred = turn % ROUND == ROUND - 2   ? PX_PRIO_B
			     : turn % ROUND == ROUND - 1 ? PX_PRIO_C
							 : PX_PRIO_A;
	struct lane *lane = &r->lanes[preferred];
	for (unsigned i = 0; look(r, lane) == 0 && i < PX_PRIO_COUNT; i++)
		lane = &r->lanes[i];
	uint64_t id = look(r, lane);
	*message = lane->message;
	lane->next = 0;
	return id;
}

static void start(struct round *r, struct px_wtx *w, const char *partner, int64_t now)
{
	*r = (struct round){.w = w, .now = now};
	for (unsigned i = 0; i < PX_PRIO_COUNT; i++) {
		r->lanes[i].prefix = px_tkey_name(partner);
		px_tkey_u8(&r->lanes[i].prefix, (uint8_t)i);
		px_cur_open(&r->lanes[i].cur, &w->tx, PX_T_READY);
	}
}

/* What was found to be unusable is set aside. Its queue entry stays: nothing goes past it. */
static void finish(struct round *r)
{
	for (unsigned i = 0; i < PX_PRIO_COUNT; i++)
		px_cur_close(&r->lanes[i].cur);
	for (size_t i = 0; i < r->n_bad; i++) {
		px_wtx_quarantine(r->w, PX_T_DELIVERIES, r->bad[i].id, r->bad[i].id,
				  "a delivery's record is missing or damaged");
		px_tx_del(&r->w->tx, PX_T_READY, &r->bad[i].key);
	}
	free(r->bad);
}

unsigned px_heads_lease(struct px_wtx *w, const char *partner, unsigned max, int64_t now,
			struct px_leased *out)
{
	struct px_wtx_partner *counts = px_wtx_partner(w, partner);
	struct round r;
	unsigned n = 0;
	start(&r, w, partner, now);
	while (n < max) {
		uint64_t message, id = take(&r, counts->turns, &message);
		if (id == 0)
			break;
		counts->turns++;
		out[n++] = (struct px_leased){id, message, px_lease_take(w->leases, id)};
	}
	finish(&r);
	return n;
}
