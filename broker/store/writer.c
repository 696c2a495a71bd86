/* prinex: the writer thread of the LMDB store: group commit
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/lmdb_store.h"

/* Octets of bodies in one transaction: LMDB keeps a copy of each page until the commit. */
#define BATCH_OCTETS (16u * 1024 * 1024)

/* A batch may take twice the time to come together that the last one took, but at most so many us: where the
 * disk flushes fast, nothing waits long. Once instead of twice: 11 writes of 71 KB for a message, not 9
 * of 60. */
#define PATIENCE 8000

/* What is durable in the log may wait for its commit so long, unless somebody wants to read it: what the last
 * commit took, times how many others shared a batch with an operation since, or at least once that. Where the
 * writer keeps up, batches are small: then commits come soon and are short, and few wait for one. Where it
 * does not, they grow up to what HOLD us bring: more wait, but all is done in fewer and larger parts. At
 * least HOLD_LEAST us, at most HOLD_MAX where there is no room for a commit. */
#define HOLD_LEAST 10000
#define HOLD       50000
#define HOLD_MAX   1600000

/* Do what is in the list in one transaction. @return as px_wtx_commit. */
static int try_together(struct px_lmdb *lm, struct px_op *list)
{
	struct px_wtx *w = &lm->wtx;
	int64_t begun = px_op_now_us();
	int rc = px_wtx_begin(w);
	for (struct px_op *op = list; op != NULL && rc == PX_OK; op = op->next) {
		w->now = op->now;
		op->rc = PX_OK;
		op->then = op->kind->write(op, w);
		rc = w->tx.rc;
	}
	bool writes = w->changed;
	if (rc == PX_OK)
		rc = px_wtx_commit(w);
	else
		px_wtx_undo(w);
	if (rc == PX_OK && writes) {
		atomic_fetch_add_explicit(&lm->commits, 1, memory_order_relaxed);
		lm->patience = PX_MIN(2 * (px_op_now_us() - begun), PATIENCE);
	}
	return rc;
}

static bool is_ahead(const struct px_lmdb *lm)
{
	return lm->db.redo != NULL && px_redo_is_ahead(lm->db.redo);
}

static void fail_all(struct px_lmdb *lm, struct px_op *list, int rc)
{
	for (struct px_op *op = list; op != NULL; op = op->next) {
		op->rc = rc;
		if (op->kind->failed != NULL)
			op->kind->failed(op, lm->leases);
		op->then = PX_OP_DONE;
	}
}

/* The transaction failed, which is one operation's doing: each again by itself, in order. */
static void do_singly(struct px_lmdb *lm, struct px_op *list)
{
	for (struct px_op *op = list, *next; op != NULL; op = next) {
		next = op->next;
		op->next = NULL;
		int rc = atomic_load(&lm->fatal) ? PX_EFATAL : try_together(lm, op);
		if (rc != PX_OK)
			fail_all(lm, op, rc);
		if (rc == PX_EFATAL)
			atomic_store(&lm->fatal, true);
		op->next = next;
	}
}

/* How long the next commit may wait, after one that took so many us. */
static int64_t hold_after(const struct px_lmdb *lm, int64_t took)
{
	int64_t others = lm->held_ops - lm->held_batches;
	return PX_MIN(PX_MAX(took * PX_MAX(others, lm->held_batches) / lm->held_batches, HOLD_LEAST), HOLD);
}

/* With whatever result, who waits for it goes on: reading may still be possible. */
static void catch_up(struct px_lmdb *lm)
{
	int64_t begun = px_op_now_us();
	bool ahead = is_ahead(lm);
	int rc = atomic_load(&lm->fatal) ? PX_OK : px_wtx_catch_up(&lm->wtx);
	if (rc == PX_EFATAL) {
		atomic_store(&lm->fatal, true);
		atomic_store(&lm->untold, true);
		px_op_return_wake(&lm->back);
	}
	if (lm->db.redo != NULL)
		px_redo_tried(lm->db.redo);
	if (rc == PX_EFULL)
		lm->hold = PX_MIN(2 * lm->hold, HOLD_MAX);
	else if (ahead && lm->held_batches > 0)
		lm->hold = hold_after(lm, px_op_now_us() - begun);
	lm->held_ops = lm->held_batches = 0;
}

static void do_batch(struct px_lmdb *lm, struct px_op *list)
{
	uint64_t weight = 0;
	px_assert(list != NULL);
	for (const struct px_op *op = list; op != NULL; op = op->next)
		weight += op->weight;
	if (atomic_load(&lm->fatal)) {
		fail_all(lm, list, PX_EFATAL);
		return;
	}
	int rc = weight > 0 ? px_wtx_look_for_room(&lm->wtx, weight) : PX_OK;
	if (rc == PX_OK)
		rc = try_together(lm, list);
	if (rc == PX_EFATAL) {
		atomic_store(&lm->fatal, true);
		fail_all(lm, list, rc);
	} else if (rc != PX_OK && (list->next != NULL || is_ahead(lm))) {
		catch_up(lm); /* what has no room beside others that are not committed may have it then */
		do_singly(lm, list);
	} else if (rc != PX_OK) {
		fail_all(lm, list, rc);
	}
}

/* Operations go on: most to the loop, in one push. */
static void send_on(struct px_lmdb *lm, struct px_op *list)
{
	struct px_op *done = NULL, **end = &done, *again = NULL;
	for (struct px_op *op = list, *next; op != NULL; op = next) {
		next = op->next;
		op->next = NULL;
		if (op->then == PX_OP_READ) {
			px_op_queue_push(&lm->to_reader, op);
		} else if (op->then == PX_OP_WRITE) {
			op->next = again;
			again = op;
		} else if (op->then == PX_OP_YIELD) {
			px_op_queue_push(&lm->to_writer, op);
		} else {
			*end = op;
			end = &op->next;
		}
	}
	px_op_return_push(&lm->back, done);
	for (struct px_op *op = again, *next; op != NULL; op = next) { /* last first: the order stays */
		next = op->next;
		px_op_queue_push_first(&lm->to_writer, op);
	}
}

static void do_list(struct px_lmdb *lm, struct px_op *list)
{
	unsigned n = 0;
	for (const struct px_op *op = list; op != NULL; op = op->next)
		n++;
	do_batch(lm, list);
	lm->held_ops += n;
	lm->held_batches++;
	atomic_fetch_add_explicit(&lm->operations, n, memory_order_relaxed);
	send_on(lm, list);
}

void *px_lmdb_writer(void *arg)
{
	struct px_lmdb *lm = arg;
	struct px_redo *redo = lm->db.redo;
	int64_t commit_at = -1; /* mono us: no later than then; -1: nothing waits for it */
	lm->hold = HOLD;
	pthread_setname_np(pthread_self(), "store-writer");
	for (;;) {
		bool stop;
		struct px_op *list = px_op_queue_gather(&lm->to_writer, lm->batch, BATCH_OCTETS, lm->patience,
							commit_at, &stop);
		if (list != NULL)
			do_list(lm, list);
		bool ahead = is_ahead(lm);
		if (!ahead)
			commit_at = -1;
		else if (commit_at < 0)
			commit_at = px_op_now_us() + lm->hold;
		if (stop || (ahead && px_op_now_us() >= commit_at) ||
		    (redo != NULL && px_redo_is_awaited(redo))) {
			catch_up(lm);
			commit_at = -1;
		}
		if (stop)
			break;
	}
	if (redo != NULL)
		px_redo_leave(redo);
	px_tx_abort(
	    &lm->wtx.tx); /* what could not be committed stands in the log; the lock is this thread's */
	return NULL;
}
