/* prinex: LMDB store: lease, from the writer (whose turn) to the reader (what to send)
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "store/heads.h"
#include "store/lmdb_store.h"
#include "store/view.h"

#define LEASE_MAX 1000

/*
 * The writer chooses, in the order of all writes, so that nothing is leased that is settled in the same
 * transaction. What was accepted a moment ago it fills in itself (recent.h), which takes effect with the
 * commit; otherwise the reader then reads headers and bodies. What it finds damaged goes back to the writer,
 * which sets it aside and chooses others instead.
 */
struct lease_op {
	struct px_op op;
	char partner[PX_NAME_MAX + 1];
	unsigned max;
	int64_t now;
	uint64_t epoch;
	px_lease_done *done;
	void *arg;
	struct px_leased *leased; /* of this turn */
	unsigned n_leased;
	unsigned n_kept; /* leases filled by earlier turns */
	uint64_t *bad;   /* deliveries to be set aside */
	const char **reasons;
	unsigned n_bad;
	struct px_lease *leases; /* made when it is known how many */
	unsigned n;
};

/* Forget the leases behind the first @n. */
static void cut(struct lease_op *o, unsigned n)
{
	while (o->n > n)
		px_body_unref(&o->leases[--o->n].body);
}

static void set_aside(struct px_wtx *w, uint64_t id, const char *reason)
{
	struct px_delivery d;
	uint64_t home;
	px_lease_drop(w->leases, id);
	if (px_load_delivery(&w->tx, id, &d) != PX_OK || d.state != PX_D_QUEUED ||
	    px_heads_home(&w->tx, &d, &home) != PX_OK)
		return;
	px_wtx_quarantine(w, PX_T_MESSAGES, d.message, id, reason);
	px_heads_hold(w, &d, home, reason);
}

/* @return false: not all of them are in memory, and none was filled in. */
static bool fill_from_memory(struct lease_op *o, struct px_wtx *w)
{
	for (unsigned i = 0; i < o->n_leased; i++) {
		if (px_recent_find(w->recent, o->leased[i].message) == NULL)
			return false;
	}
	for (unsigned i = 0; i < o->n_leased; i++) {
		const struct px_leased *leased = &o->leased[i];
		const struct px_recent_message *m = px_recent_find(w->recent, leased->message);
		struct px_lease *lease = &o->leases[o->n];
		/* A message with deliveries of which the last was leased just now is gone from there. */
		if (m == NULL || px_load_delivery(&w->tx, leased->delivery, &lease->delivery) != PX_OK) {
			cut(o, o->n_kept);
			return false;
		}
		lease->token = (struct px_token){o->epoch, leased->counter};
		lease->delivery.head = true;
		lease->delivery.leased = true;
		lease->delivery.movement = px_load_root(&w->tx, lease->delivery.movement);
		lease->header = m->header;
		lease->confirmations = m->confirmations;
		px_strlcpy(lease->origin, m->partner, sizeof(lease->origin));
		lease->body = px_body_ref(m->body);
		o->n++;
		px_recent_leased(w->recent, leased->message);
	}
	return true;
}

static enum px_op_then lease_write(struct px_op *op, struct px_wtx *w)
{
	struct lease_op *o = (struct lease_op *)op;
	cut(o, o->n_kept); /* of a transaction that failed */
	for (unsigned i = 0; i < o->n_bad; i++)
		set_aside(w, o->bad[i], o->reasons[i]);
	o->n_leased = px_heads_lease(w, o->partner, o->max - o->n_kept, o->now, o->leased);
	if (o->n_leased == 0)
		return PX_OP_DONE;
	struct px_lease *leases = px_scratch_calloc(&op->scratch, o->n_kept + o->n_leased, sizeof(leases[0]));
	if (o->n_kept > 0)
		memcpy(leases, o->leases, o->n_kept * sizeof(leases[0]));
	o->leases = leases;
	return fill_from_memory(o, w) ? PX_OP_DONE : PX_OP_READ;
}

/* @return NULL, or what is wrong with it. */
static const char *fill(struct lease_op *o, struct px_tx *tx, struct px_leases *leases,
			const struct px_leased *leased)
{
	struct px_lease *lease = &o->leases[o->n];
	struct px_rec_message rec;
	*lease = (struct px_lease){.token = {o->epoch, leased->counter}};
	if (px_view_delivery(tx, leases, leased->delivery, &lease->delivery) != PX_OK)
		return "a delivery's record is missing or damaged";
	if (px_load_message(tx, &o->op.scratch, lease->delivery.message, &rec) != PX_OK)
		return "a message's record is missing or damaged";
	if (px_view_body(tx, lease->delivery.message, &lease->body) != PX_OK)
		return "a message's body is missing or damaged";
	if (memcmp(lease->body->digest, rec.message.digest, PX_DIGEST_LEN) != 0) {
		px_body_unref(&lease->body);
		return "a message's body is not the one that was accepted";
	}
	lease->delivery.leased = true;
	lease->header = rec.message.header;
	lease->confirmations = rec.message.confirmations;
	px_strlcpy(lease->origin, rec.message.partner, sizeof(lease->origin));
	o->n++;
	return NULL;
}

static enum px_op_then lease_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct lease_op *o = (struct lease_op *)op;
	o->n_bad = 0;
	if (o->bad == NULL) {
		o->bad = px_scratch_calloc(&op->scratch, o->max, sizeof(o->bad[0]));
		o->reasons = px_scratch_calloc(&op->scratch, o->max, sizeof(o->reasons[0]));
	}
	for (unsigned i = 0; i < o->n_leased; i++) {
		const char *reason = fill(o, tx, leases, &o->leased[i]);
		if (reason == NULL)
			continue;
		o->bad[o->n_bad] = o->leased[i].delivery;
		o->reasons[o->n_bad++] = reason;
	}
	o->n_kept = o->n;
	return o->n_bad > 0 ? PX_OP_WRITE : PX_OP_DONE;
}

static void lease_answer(struct px_op *op)
{
	struct lease_op *o = (struct lease_op *)op;
	if (op->rc != PX_OK)
		cut(o, o->n_kept); /* their transaction failed */
	/* What was leased before something else went wrong is leased. */
	o->done(o->arg, o->n > 0 ? PX_OK : op->rc, o->n, o->leases);
}

static void lease_release(struct px_op *op)
{
	cut((struct lease_op *)op, 0);
}

static const struct px_op_kind lease_kind = {.name = "lease",
					     .write = lease_write,
					     .read = lease_read,
					     .answer = lease_answer,
					     .release = lease_release};

void px_lmdb_lease(struct px_store *st, const char *partner, unsigned max, int64_t now, px_lease_done *done,
		   void *arg)
{
	struct lease_op *o = px_op_new(&lease_kind, sizeof(*o));
	struct px_scratch *scratch = &o->op.scratch;
	px_strlcpy(o->partner, partner, sizeof(o->partner));
	o->max = PX_MIN(max, (unsigned)LEASE_MAX);
	o->now = now;
	o->epoch = px_lmdb_of(st)->epoch;
	o->done = done;
	o->arg = arg;
	o->leased = px_scratch_calloc(scratch, o->max, sizeof(o->leased[0]));
	px_lmdb_submit_write(px_lmdb_of(st), &o->op);
}
