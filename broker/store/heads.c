/* prinex: whose turn it is: queues of movements, and the heads that can be leased
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/heads.h"

#include "base/strings.h"
#include "store/salvage.h"

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

static struct px_tkey queue_key(const struct px_delivery *d, uint64_t home)
{
	return px_tkey_queue(home, d->recipient, (uint8_t)d->prio, d->id);
}

static uint8_t value_of(struct px_octets value)
{
	return value.len == 1 && value.data[0] <= PX_HEAD_HELD ? value.data[0] : PX_HEAD_WAITS;
}

/* Take @d out of ready. Where its queue entry is lost (damage) it may stand in any class. @return the class
 * it stood in; PX_HEAD_WAITS: it was not there. */
static uint8_t leave_ready(struct px_wtx *w, const struct px_delivery *d, uint64_t home)
{
	struct px_tkey key = queue_key(d, home);
	struct px_octets value;
	uint8_t class = (uint8_t)d->prio;
	if (home != 0 && px_tx_get(&w->tx, PX_T_QUEUE, &key, &value) == PX_ENOTFOUND) {
		for (class = 0; class < PX_PRIO_COUNT && !del_ready(w, d, class);)
			class ++;
		return class < PX_PRIO_COUNT ? class : PX_HEAD_WAITS;
	}
	if (home != 0)
		class = value_of(value);
	return is_ready(class) && del_ready(w, d, class) ? class : PX_HEAD_WAITS;
}

uint8_t px_heads_value(struct px_tx *tx, const struct px_delivery *d, uint64_t home)
{
	struct px_tkey key = queue_key(d, home);
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
	/* What waits in a damaged movement goes on, in order: its queue is still there. */
	return rc == PX_ENOTFOUND || rc == PX_ECORRUPT ? px_salvage_home(tx, d, home) : rc;
}

/* --- the head of a queue ----------------------------------------------------------------------------- */

struct head {
	uint64_t id; /* 0: the queue is empty */
	uint8_t prio, value;
	uint8_t best; /* the best class in the queue */
};

/* The queue is sorted by class first, so the lowest id is that of the first entry of some class. */
static struct head find_head(struct px_tx *tx, uint64_t home, const char *recipient)
{
	struct head head = {.best = PX_PRIO_COUNT};
	struct px_tkey prefix = px_tkey_of(home);
	px_tkey_str(&prefix, recipient);
	struct px_cur cur;
	px_cur_open(&cur, tx, PX_T_QUEUE);
	for (unsigned prio = 0; prio < PX_PRIO_COUNT; prio++) {
		struct px_tkey from = px_tkey_queue(home, recipient, (uint8_t)prio, 0);
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

/* --- companions -------------------------------------------------------------------------------------- */

/* Deliveries of one message to one partner, those still QUEUED: a hub gets the message for all of them with
 * the first post, so all are heads or none is. Deliveries of a message have consecutive ids. */
struct companions {
	struct px_delivery all[PX_RECIPIENTS_MAX];
	unsigned n;
};

/* Add the delivery @id. @return whether it belongs to the message of @d. */
static bool add_companion(struct px_tx *tx, struct companions *c, const struct px_delivery *d, uint64_t id)
{
	struct px_delivery *other = &c->all[c->n];
	if (c->n == PX_ARRAY_LEN(c->all) || px_load_delivery(tx, id, other) != PX_OK ||
	    other->message != d->message)
		return false;
	if (other->state == PX_D_QUEUED && strcmp(other->partner, d->partner) == 0)
		c->n++;
	return true;
}

/* The first is @d itself, which is QUEUED. */
static void find_companions(struct px_tx *tx, const struct px_delivery *d, struct companions *c)
{
	c->all[0] = *d;
	c->n = 1;
	for (uint64_t id = d->id - 1; add_companion(tx, c, d, id); id--)
		continue;
	for (uint64_t id = d->id + 1; add_companion(tx, c, d, id); id++)
		continue;
}

static bool all_are_first(struct px_tx *tx, const struct companions *c, uint64_t home)
{
	for (unsigned i = 0; i < c->n; i++) {
		if (find_head(tx, home, c->all[i].recipient).id != c->all[i].id)
			return false;
	}
	return true;
}

bool px_heads_is_first(struct px_tx *tx, const struct px_delivery *d, uint64_t home)
{
	struct companions c;
	find_companions(tx, d, &c);
	return all_are_first(tx, &c, home);
}

/* Into ready in the class that is right now, or out of it. */
static void place(struct px_wtx *w, const struct px_delivery *d, uint64_t home, bool ready)
{
	struct head head = find_head(&w->tx, home, d->recipient);
	struct px_tkey key = queue_key(d, home);
	uint8_t value = px_heads_value(&w->tx, d, home), wanted = ready ? head.best : PX_HEAD_WAITS;
	if (value == PX_HEAD_HELD || value == wanted)
		return;
	if (is_ready(value))
		del_ready(w, d, value);
	if (ready)
		put_ready(w, d, wanted, d->due);
	put_queue(w, &key, wanted);
}

static void place_these(struct px_wtx *w, const struct companions *c, uint64_t home)
{
	bool ready = all_are_first(&w->tx, c, home);
	for (unsigned i = 0; i < c->n; i++)
		place(w, &c->all[i], home, ready);
}

static void place_all(struct px_wtx *w, const struct px_delivery *d, uint64_t home)
{
	struct companions c;
	find_companions(&w->tx, d, &c);
	place_these(w, &c, home);
}

/* Look again at the head of a queue. */
static void refresh(struct px_wtx *w, uint64_t home, const char *recipient)
{
	struct head head = find_head(&w->tx, home, recipient);
	struct px_delivery d;
	if (head.id == 0 || head.value == PX_HEAD_HELD || head.value == head.best)
		return;
	if (px_load_delivery(&w->tx, head.id, &d) == PX_OK && d.state == PX_D_QUEUED) {
		place_all(w, &d, home);
		return;
	}
	struct px_tkey key = px_tkey_queue(home, recipient, head.prio, head.id);
	px_wtx_quarantine(w, PX_T_DELIVERIES, head.id, head.id, "a delivery's record is missing or damaged");
	put_queue(w, &key, PX_HEAD_HELD);
}

void px_heads_add(struct px_wtx *w, const struct px_delivery *d, uint64_t home, bool alone)
{
	if (home == 0) {
		put_ready(w, d, (uint8_t)d->prio, d->due);
		return;
	}
	struct px_tkey key = queue_key(d, home);
	struct head head = find_head(&w->tx, home, d->recipient);
	if (alone && head.id == 0) {
		put_ready(w, d, (uint8_t)d->prio, d->due);
		put_queue(w, &key, (uint8_t)d->prio);
		return;
	}
	put_queue(w, &key, PX_HEAD_WAITS);
	if (!alone)
		place_all(w, d, home);
	if (head.id != 0 && (uint8_t)d->prio < head.best)
		refresh(w, home, d->recipient);
}

void px_heads_remove(struct px_wtx *w, const struct px_delivery *d, uint64_t home)
{
	leave_ready(w, d, home);
	if (home == 0)
		return;
	struct px_tkey key = queue_key(d, home);
	px_tx_del(&w->tx, PX_T_QUEUE, &key);
	refresh(w, home, d->recipient);
	struct companions c;
	find_companions(&w->tx, d, &c); /* its record says QUEUED until later */
	c.all[0] = c.all[--c.n];
	place_these(w, &c, home);
}

void px_heads_move(struct px_wtx *w, const struct px_delivery *d, uint64_t home, int64_t due)
{
	uint8_t class = due != d->due ? leave_ready(w, d, home) : PX_HEAD_WAITS;
	if (is_ready(class))
		put_ready(w, d, class, due);
}

void px_heads_hold(struct px_wtx *w, struct px_delivery *d, uint64_t home, const char *reason)
{
	leave_ready(w, d, home);
	if (home != 0) {
		struct px_tkey key = queue_key(d, home);
		put_queue(w, &key, PX_HEAD_HELD);
	}
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
	struct px_tkey key = queue_key(d, home);
	put_queue(w, &key, PX_HEAD_WAITS);
	refresh(w, home, d->recipient);
}

/* --- linked movements -------------------------------------------------------------------------------- */

/* An entry of the queue that moves. */
struct entry {
	char recipient[PX_AUTHORITY_MAX + 1];
	uint8_t prio, value;
	uint64_t id;
	uint64_t demoted; /* head of the queue that it moves to */
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
		const char *recipient = px_tkey_get_str(&in, PX_AUTHORITY_MAX);
		e->prio = px_tkey_get_u8(&in);
		e->id = px_tkey_get_u64(&in);
		e->value = value_of(cur.value);
		if (!px_tkey_done(&in)) {
			w->tx.rc = PX_ECORRUPT;
			break;
		}
		e->demoted = 0;
		px_strlcpy(e->recipient, recipient, sizeof(e->recipient));
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

/* @return the id of the head that is none now, 0: there was none. */
static uint64_t demote_head(struct px_wtx *w, uint64_t home, const char *recipient)
{
	struct head head = find_head(&w->tx, home, recipient);
	if (head.id == 0 || !is_ready(head.value))
		return 0;
	struct px_tkey key = px_tkey_queue(home, recipient, head.prio, head.id);
	demote(w, head.id, head.value);
	put_queue(w, &key, PX_HEAD_WAITS);
	return head.id;
}

void px_heads_merge(struct px_wtx *w, uint64_t from, uint64_t to)
{
	struct entry *entries;
	size_t n = read_queue(w, from, &entries);
	for (size_t i = 0; i < n; i++) {
		const struct entry *e = &entries[i];
		if (i == 0 || strcmp(e->recipient, entries[i - 1].recipient) != 0)
			entries[i].demoted = demote_head(w, to, e->recipient);
		demote(w, e->id, e->value);
		struct px_tkey key = px_tkey_queue(from, e->recipient, e->prio, e->id);
		px_tx_del(&w->tx, PX_T_QUEUE, &key);
		key = px_tkey_queue(to, e->recipient, e->prio, e->id);
		put_queue(w, &key, e->value == PX_HEAD_HELD ? PX_HEAD_HELD : PX_HEAD_WAITS);
	}
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(entries[i].recipient, entries[i - 1].recipient) != 0)
			refresh(w, to, entries[i].recipient);
		struct px_delivery d; /* with its companions, whose queues may not have been touched */
		if (entries[i].demoted != 0 && px_load_delivery(&w->tx, entries[i].demoted, &d) == PX_OK)
			place_all(w, &d, to);
	}
	free(entries);
}
