/* prinex: whose turn it is: queues of movements, and the heads that can be leased
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/heads.h"

#include "base/strings.h"

/* --- queue entries ----------------------------------------------------------------------------------- */

static bool is_ready(uint8_t value)
{
	return value < PX_PRIO_COUNT;
}

static void put_queue(struct px_wtx *w, const struct px_tkey *key, uint8_t value)
{
	px_tx_put(&w->tx, PX_T_QUEUE, key, &value, 1);
}

static void put_ready(struct px_wtx *w, const struct px_delivery *d, uint8_t class, int64_t due)
{
	struct px_tkey key = px_tkey_ready(d->partner, class, due, d->id);
	px_tx_put(&w->tx, PX_T_READY, &key, NULL, 0);
}

/* @return whether it was there. */
static bool del_ready(struct px_wtx *w, const struct px_delivery *d, uint8_t class)
{
	struct px_tkey key = px_tkey_ready(d->partner, class, d->due, d->id);
	return px_tx_del(&w->tx, PX_T_READY, &key) == PX_OK;
}

/* A delivery stands in two lanes: that of its recipient, and that of its partner. Names of partners are lower
 * case, authorities are not. */
static struct px_tkey queue_key(const struct px_delivery *d, uint64_t home, const char *lane)
{
	return px_tkey_queue(home, lane, (uint8_t)d->prio, d->id);
}

static void put_both(struct px_wtx *w, const struct px_delivery *d, uint64_t home, uint8_t value)
{
	struct px_tkey key = queue_key(d, home, d->recipient);
	put_queue(w, &key, value);
	key = queue_key(d, home, d->partner);
	put_queue(w, &key, value);
}

static uint8_t value_of(struct px_octets value)
{
	return value.len == 1 && value.data[0] <= PX_HEAD_HELD ? value.data[0] : PX_HEAD_WAITS;
}

uint8_t px_heads_value(struct px_tx *tx, const struct px_delivery *d, uint64_t home)
{
	struct px_tkey key = queue_key(d, home, d->recipient);
	struct px_octets value;
	return px_tx_get(tx, PX_T_QUEUE, &key, &value) == PX_OK ? value_of(value) : PX_HEAD_WAITS;
}

int px_heads_home(struct px_tx *tx, const struct px_delivery *d, uint64_t *home)
{
	struct px_rec_movement rec;
	uint64_t root;
	*home = 0;
	if (d->movement == 0)
		return PX_OK;
	int rc = px_load_movement(tx, d->movement, &root, &rec);
	if (rc == PX_OK)
		*home = rec.home;
	return rc == PX_ENOTFOUND ? PX_ECORRUPT : rc;
}

/* --- the head of a lane ------------------------------------------------------------------------------ */

struct head {
	uint64_t id; /* 0: the lane is empty */
	uint8_t prio, value;
	uint8_t best; /* the best class in the lane */
};

/* A lane is sorted by class first, so the lowest id is that of the first entry of some class. */
static struct head find_head(struct px_tx *tx, uint64_t home, const char *lane)
{
	struct head head = {.best = PX_PRIO_COUNT};
	struct px_tkey prefix = px_tkey_of(home);
	px_tkey_str(&prefix, lane);
	struct px_cur cur;
	px_cur_open(&cur, tx, PX_T_QUEUE);
	for (unsigned prio = 0; prio < PX_PRIO_COUNT; prio++) {
		struct px_tkey from = px_tkey_queue(home, lane, (uint8_t)prio, 0);
		if (!px_cur_seek(&cur, &from) || !px_cur_has_prefix(&cur, &prefix))
			break;
		struct px_tkey_in in = px_tkey_read(cur.key.data + prefix.len, cur.key.len - prefix.len);
		prio = px_tkey_get_u8(&in);
		uint64_t id = px_tkey_get_u64(&in);
		head.best = PX_MIN(head.best, (uint8_t)prio);
		if (head.id == 0 || id < head.id) {
			head.id = id;
			head.prio = (uint8_t)prio;
			head.value = value_of(cur.value);
		}
	}
	px_cur_close(&cur);
	return head;
}

bool px_heads_any(struct px_tx *tx, uint64_t home)
{
	struct px_tkey prefix = px_tkey_of(home);
	struct px_cur cur;
	px_cur_open(&cur, tx, PX_T_QUEUE);
	bool any = px_cur_seek(&cur, &prefix) && px_cur_has_prefix(&cur, &prefix);
	px_cur_close(&cur);
	return any;
}

bool px_heads_is_first(struct px_tx *tx, const struct px_delivery *d, uint64_t home)
{
	return find_head(tx, home, d->recipient).id == d->id && find_head(tx, home, d->partner).id == d->id;
}

/* Put the head of a lane into ready if it is that of its other lane too, in the class that is right now. */
static void refresh_lane(struct px_wtx *w, uint64_t home, const char *lane)
{
	struct head head = find_head(&w->tx, home, lane);
	struct px_delivery d;
	if (head.id == 0 || head.value == PX_HEAD_HELD)
		return;
	if (px_load_delivery(&w->tx, head.id, &d) != PX_OK || d.state != PX_D_QUEUED) {
		struct px_tkey key = px_tkey_queue(home, lane, head.prio, head.id);
		px_wtx_quarantine(w, PX_T_DELIVERIES, head.id, head.id,
				  "a delivery's record is missing or damaged");
		put_queue(w, &key, PX_HEAD_HELD);
		return;
	}
	struct head other = find_head(&w->tx, home, strcmp(lane, d.partner) == 0 ? d.recipient : d.partner);
	uint8_t class = PX_MIN(head.best, other.best);
	if (other.id != head.id || head.value == class)
		return;
	if (is_ready(head.value))
		del_ready(w, &d, head.value);
	put_ready(w, &d, class, d.due);
	put_both(w, &d, home, class);
}

static void refresh(struct px_wtx *w, const struct px_delivery *d, uint64_t home)
{
	refresh_lane(w, home, d->recipient);
	refresh_lane(w, home, d->partner);
}

void px_heads_add(struct px_wtx *w, const struct px_delivery *d, uint64_t home)
{
	if (home == 0) {
		put_ready(w, d, (uint8_t)d->prio, d->due);
		return;
	}
	struct head of_recipient = find_head(&w->tx, home, d->recipient);
	struct head of_partner = find_head(&w->tx, home, d->partner);
	bool first = of_recipient.id == 0 && of_partner.id == 0;
	if (first)
		put_ready(w, d, (uint8_t)d->prio, d->due);
	put_both(w, d, home, first ? (uint8_t)d->prio : PX_HEAD_WAITS);
	if (!first && (uint8_t)d->prio < PX_MAX(of_recipient.best, of_partner.best))
		refresh(w, d, home);
}

void px_heads_remove(struct px_wtx *w, const struct px_delivery *d, uint64_t home)
{
	if (home == 0) {
		del_ready(w, d, (uint8_t)d->prio);
		return;
	}
	struct px_tkey key = queue_key(d, home, d->recipient);
	uint8_t value = px_heads_value(&w->tx, d, home);
	px_tx_del(&w->tx, PX_T_QUEUE, &key);
	key = queue_key(d, home, d->partner);
	px_tx_del(&w->tx, PX_T_QUEUE, &key);
	if (is_ready(value))
		del_ready(w, d, value);
	refresh(w, d, home);
}

void px_heads_move(struct px_wtx *w, const struct px_delivery *d, uint64_t home, int64_t due)
{
	uint8_t class = home != 0 ? px_heads_value(&w->tx, d, home) : (uint8_t)d->prio;
	if (is_ready(class) && due != d->due && del_ready(w, d, class))
		put_ready(w, d, class, due);
}

void px_heads_hold(struct px_wtx *w, struct px_delivery *d, uint64_t home, const char *reason)
{
	uint8_t class = home != 0 ? px_heads_value(&w->tx, d, home) : (uint8_t)d->prio;
	if (is_ready(class))
		del_ready(w, d, class);
	if (home != 0)
		put_both(w, d, home, PX_HEAD_HELD);
	px_strlcpy(d->error, reason, sizeof(d->error));
	px_wtx_save_delivery(w, d);
}

void px_heads_release(struct px_wtx *w, struct px_delivery *d, uint64_t home)
{
	if (home != 0 && px_heads_value(&w->tx, d, home) != PX_HEAD_HELD)
		return;
	d->error[0] = '\0';
	px_wtx_save_delivery(w, d);
	if (home == 0) {
		put_ready(w, d, (uint8_t)d->prio, d->due);
		return;
	}
	put_both(w, d, home, PX_HEAD_WAITS);
	refresh(w, d, home);
}

/* --- linked movements -------------------------------------------------------------------------------- */

/* An entry of the queue that moves. */
struct entry {
	char lane[PX_NAME_MAX + 1];
	uint8_t prio, value;
	uint64_t id;
};

static size_t read_queue(struct px_wtx *w, uint64_t home, struct entry **entries)
{
	struct px_tkey prefix = px_tkey_of(home);
	struct px_cur cur;
	size_t n = 0, cap = 0;
	*entries = NULL;
	px_cur_open(&cur, &w->tx, PX_T_QUEUE);
	for (bool more = px_cur_seek(&cur, &prefix); more && px_cur_has_prefix(&cur, &prefix);
	     more = px_cur_next(&cur)) {
		if (n == cap) {
			cap = PX_MAX(cap * 2, (size_t)16);
			*entries = px_xrealloc_array(*entries, cap, sizeof(**entries));
		}
		struct entry *e = &(*entries)[n];
		struct px_tkey_in in = px_cur_read(&cur);
		px_tkey_get_u64(&in);
		const char *lane = px_tkey_get_str(&in, PX_NAME_MAX);
		e->prio = px_tkey_get_u8(&in);
		e->id = px_tkey_get_u64(&in);
		e->value = value_of(cur.value);
		if (!px_tkey_done(&in)) {
			w->tx.rc = PX_ECORRUPT;
			break;
		}
		px_strlcpy(e->lane, lane, sizeof(e->lane));
		n++;
	}
	px_cur_close(&cur);
	return n;
}

/* A head no longer: take it out of ready. A record that cannot be read keeps its ready entry until somebody
 * wants to lease it, and is set aside then. */
static void demote(struct px_wtx *w, uint64_t id, uint8_t class)
{
	struct px_delivery d;
	if (is_ready(class) && px_load_delivery(&w->tx, id, &d) == PX_OK)
		del_ready(w, &d, class);
}

static void demote_head(struct px_wtx *w, uint64_t home, const char *lane)
{
	struct head head = find_head(&w->tx, home, lane);
	struct px_delivery d;
	if (head.id == 0 || !is_ready(head.value))
		return;
	struct px_tkey key = px_tkey_queue(home, lane, head.prio, head.id);
	put_queue(w, &key, PX_HEAD_WAITS);
	if (px_load_delivery(&w->tx, head.id, &d) != PX_OK)
		return;
	del_ready(w, &d, head.value);
	put_both(w, &d, home, PX_HEAD_WAITS);
}

void px_heads_merge(struct px_wtx *w, uint64_t from, uint64_t to)
{
	struct entry *entries;
	size_t n = read_queue(w, from, &entries);
	for (size_t i = 0; i < n; i++) {
		const struct entry *e = &entries[i];
		if (i == 0 || strcmp(e->lane, entries[i - 1].lane) != 0)
			demote_head(w, to, e->lane);
		demote(w, e->id, e->value);
		struct px_tkey key = px_tkey_queue(from, e->lane, e->prio, e->id);
		px_tx_del(&w->tx, PX_T_QUEUE, &key);
		key = px_tkey_queue(to, e->lane, e->prio, e->id);
		put_queue(w, &key, e->value == PX_HEAD_HELD ? PX_HEAD_HELD : PX_HEAD_WAITS);
	}
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(entries[i].lane, entries[i - 1].lane) != 0)
			refresh_lane(w, to, entries[i].lane);
	}
	free(entries);
}
