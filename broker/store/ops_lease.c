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
 * commit, and so what is durable but not committed (redo.h); otherwise it fills in how the deliveries stand,
 * which changes, and the reader reads headers and bodies, which never do. What it finds damaged goes back to
 * the writer, which sets it aside and chooses others instead.
 *
 * A lease that was taken is handed out or given back, never forgotten. Before it is handed out the loop asks
 * whether it still is: an operation behind this one may have settled the delivery, in the same transaction or
 * while the reader read. Such a one goes back to the writer too, which knows: it was settled, or, if that
 * failed, it waits again.
 */
struct back {
	struct px_leased leased;
	const char *reason; /* damaged: it is to be set aside; NULL: only given back */
};

struct lease_op {
	struct px_op op;
	char partner[PX_NAME_MAX + 1];
	unsigned max;
	int64_t now;
	uint64_t epoch;
	struct px_leases *all;
	px_lease_done *done;
	void *arg;
	struct px_leased *leased;       /* of this turn */
	struct px_delivery *deliveries; /* of `leased`, for the reader */
	unsigned n_leased;
	unsigned n_kept;   /* leases filled by earlier turns */
	struct back *back; /* to the writer; its next turn, or `failed`, ends their leases */
	unsigned n_back;
	struct px_lease *leases; /* made when it is known how many */
	unsigned n;
};

/* Forget the leases behind the first @n. */
static void cut(struct lease_op *o, unsigned n)
{
	while (o->n > n)
		px_body_unref(&o->leases[--o->n].body);
}

/* Empty the list of what goes back. */
static void begin_back(struct lease_op *o)
{
	if (o->back == NULL)
		o->back = px_scratch_calloc(&o->op.scratch, o->max, sizeof(o->back[0]));
	o->n_back = 0;
}

/* Unless it is somebody else's by now. */
static void give_back(struct px_leases *leases, const struct px_leased *leased)
{
	if (px_lease_of(leases, leased->delivery) == leased->counter)
		px_lease_drop(leases, leased->delivery);
}

static void set_aside(struct px_wtx *w, uint64_t id, const char *reason)
{
	struct px_delivery d;
	uint64_t home;
	if (px_load_delivery(&w->tx, id, &d) != PX_OK || d.state != PX_D_QUEUED)
		return;
	if (px_heads_home(&w->tx, &d, &home) != PX_OK)
		home = d.movement; /* where it waits is lost: out of the way all the same */
	px_wtx_quarantine(w, PX_T_MESSAGES, d.message, id, reason);
	px_heads_hold(w, &d, home, reason);
}

/* How it stands, as the writer sees it. @return false: its record is missing or damaged. */
static bool fill_delivery(const struct lease_op *o, struct px_wtx *w, const struct px_leased *leased,
			  struct px_lease *lease)
{
	*lease = (struct px_lease){.token = {o->epoch, leased->counter}};
	if (px_load_delivery(&w->tx, leased->delivery, &lease->delivery) != PX_OK)
		return false;
	lease->delivery.head = true;
	lease->delivery.leased = true;
	lease->delivery.movement = px_load_root(&w->tx, lease->delivery.movement);
	return true;
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
		if (m == NULL || !fill_delivery(o, w, leased, lease)) {
			cut(o, o->n_kept);
			return false;
		}
		lease->header = m->header;
		lease->confirmations = m->confirmations;
		px_strlcpy(lease->origin, m->partner, sizeof(lease->origin));
		lease->body = px_body_ref(m->body);
		o->n++;
		px_recent_leased(w->recent, leased->message);
	}
	return true;
}

/* @return NULL, or what is wrong with it. */
static const char *fill(struct lease_op *o, struct px_tx *tx, const struct px_leased *leased,
			const struct px_delivery *delivery, struct px_lease *lease)
{
	struct px_rec_message rec;
	*lease = (struct px_lease){.token = {o->epoch, leased->counter}, .delivery = *delivery};
	if (delivery->id == 0)
		return "a delivery's record is missing or damaged";
	if (px_load_message(tx, &o->op.scratch, delivery->message, &rec) != PX_OK)
		return "a message's record is missing or damaged";
	if (px_view_body(tx, delivery->message, &lease->body) != PX_OK)
		return "a message's body is missing or damaged";
	if (memcmp(lease->body->digest, rec.message.digest, PX_DIGEST_LEN) != 0) {
		px_body_unref(&lease->body);
		return "a message's body is not the one that was accepted";
	}
	lease->header = rec.message.header;
	lease->confirmations = rec.message.confirmations;
	px_strlcpy(lease->origin, rec.message.partner, sizeof(lease->origin));
	return NULL;
}

/* What is not committed only the writer sees. Room for the rest, in its place, and what the reader does not
 * read; those whose record is missing or damaged have no id. */
static enum px_op_then leave_to_reader(struct lease_op *o, struct px_wtx *w)
{
	enum px_op_then then = PX_OP_DONE;
	const unsigned n = o->n_leased;
	o->op.reads_old = true;
	o->deliveries = px_scratch_calloc(&o->op.scratch, n, sizeof(o->deliveries[0]));
	o->n_leased = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct px_leased leased = o->leased[i];
		struct px_lease *lease = &o->leases[o->n];
		struct px_delivery delivery = {.id = 0};
		const char *reason = NULL;
		if (fill_delivery(o, w, &leased, lease))
			delivery = lease->delivery;
		if (leased.message > w->committed)
			reason = fill(o, &w->tx, &leased, &delivery, lease);
		else
			then = PX_OP_READ;
		if (reason != NULL) {
			give_back(w->leases, &leased);
			set_aside(w, leased.delivery, reason);
			continue;
		}
		o->leased[o->n_leased] = leased;
		o->deliveries[o->n_leased++] = delivery;
		o->n++;
	}
	return then;
}

static enum px_op_then lease_write(struct px_op *op, struct px_wtx *w)
{
	struct lease_op *o = (struct lease_op *)op;
	cut(o, o->n_kept); /* of a transaction that failed */
	for (unsigned i = 0; i < o->n_back; i++) {
		give_back(w->leases, &o->back[i].leased);
		if (o->back[i].reason != NULL)
			set_aside(w, o->back[i].leased.delivery, o->back[i].reason);
	}
	o->n_leased = px_heads_lease(w, o->partner, o->max - o->n_kept, o->now, o->leased);
	if (o->n_leased == 0)
		return PX_OP_DONE;
	struct px_lease *leases = px_scratch_calloc(&op->scratch, o->n_kept + o->n_leased, sizeof(leases[0]));
	if (o->n_kept > 0)
		memcpy(leases, o->leases, o->n_kept * sizeof(leases[0]));
	o->leases = leases;
	return fill_from_memory(o, w) ? PX_OP_DONE : leave_to_reader(o, w);
}

static void lease_failed(struct px_op *op, struct px_leases *leases)
{
	struct lease_op *o = (struct lease_op *)op;
	for (unsigned i = 0; i < o->n_back; i++)
		give_back(leases, &o->back[i].leased);
	o->n_back = 0;
	cut(o, o->n_kept); /* their leases were undone */
}

static enum px_op_then lease_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct lease_op *o = (struct lease_op *)op;
	struct px_lease *fresh = o->leases + o->n_kept;
	(void)leases;
	begin_back(o);
	for (unsigned i = 0; i < o->n_leased; i++) {
		const char *reason = NULL;
		if (fresh[i].body == NULL)
			reason = fill(o, tx, &o->leased[i], &o->deliveries[i], &fresh[i]);
		if (px_tx_read_on(tx) != PX_OK) {
			cut(o, o->n_kept);
			return PX_OP_DONE;
		}
		if (reason != NULL)
			o->back[o->n_back++] = (struct back){o->leased[i], reason};
	}
	o->n = o->n_kept;
	for (unsigned i = 0; i < o->n_leased; i++) {
		if (fresh[i].body != NULL)
			o->leases[o->n++] = fresh[i];
	}
	o->n_kept = o->n;
	return o->n_back > 0 ? PX_OP_WRITE : PX_OP_DONE;
}

static bool is_leased(const struct lease_op *o, const struct px_lease *lease)
{
	return px_lease_of(o->all, lease->delivery.id) == lease->token.counter;
}

/* Take out those whose lease has ended since, or is about to. @return whether there are any. */
static bool take_out_ended(struct lease_op *o)
{
	unsigned n = 0;
	while (n < o->n && is_leased(o, &o->leases[n]))
		n++;
	o->n_kept = o->n;
	if (n == o->n)
		return false;
	begin_back(o);
	for (unsigned i = n; i < o->n; i++) {
		struct px_lease *lease = &o->leases[i];
		if (is_leased(o, lease)) {
			o->leases[n++] = *lease;
			continue;
		}
		o->back[o->n_back++] = (struct back){
		    .leased = {.delivery = lease->delivery.id, .counter = lease->token.counter}};
		px_body_unref(&lease->body);
	}
	o->n = o->n_kept = n;
	return true;
}

static void lease_answer(struct px_op *op)
{
	struct lease_op *o = (struct lease_op *)op;
	if (take_out_ended(o) && op->rc != PX_EFATAL) {
		op->then = PX_OP_WRITE;
		return;
	}
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
					     .failed = lease_failed,
					     .answer = lease_answer,
					     .release = lease_release};

void px_lmdb_lease(struct px_store *st, const char *partner, unsigned max, int64_t now, px_lease_done *done,
		   void *arg)
{
	struct lease_op *o = px_op_new(&lease_kind, sizeof(*o));
	struct px_scratch *scratch = &o->op.scratch;
	o->op.haste = PX_OP_FREE;
	px_strlcpy(o->partner, partner, sizeof(o->partner));
	o->max = PX_MIN(max, (unsigned)LEASE_MAX);
	o->now = now;
	o->epoch = px_lmdb_of(st)->epoch;
	o->all = px_lmdb_of(st)->leases;
	o->done = done;
	o->arg = arg;
	o->leased = px_scratch_calloc(scratch, o->max, sizeof(o->leased[0]));
	px_lmdb_submit_write(px_lmdb_of(st), &o->op);
}
