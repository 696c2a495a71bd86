/* prinex: the reader thread of the LMDB store
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/lmdb_store.h"

/* Questions answered in one read transaction; it pins pages only so long. */
#define BATCH 64

#define CHECK_READERS_MS 60000

/* Does any of them read what may only be in the log? */
static bool reads_new(const struct px_op *list)
{
	while (list != NULL && list->reads_old)
		list = list->next;
	return list != NULL;
}

/* For want of room it cannot see what was acknowledged last: who acts upon what it says must not be told that
 * something is not there. */
static void answer_behind(struct px_lmdb *lm, struct px_op *op, struct px_tx *tx)
{
	op->then = PX_OP_DONE;
	if (op->reads_old || op->kind->shows)
		op->then = op->kind->read(op, tx, lm->leases);
	if (!op->reads_old && (!op->kind->shows || op->rc == PX_ENOTFOUND))
		op->rc = atomic_load(&lm->fatal) ? PX_EFATAL : PX_EFULL;
}

static void answer_batch(struct px_lmdb *lm, struct px_op *list)
{
	struct px_tx tx;
	int rc = PX_EFATAL;
	if (!atomic_load(&lm->fatal))
		rc = reads_new(list) ? px_tx_read(&tx, &lm->db) : px_tx_read_committed(&tx, &lm->db);
	for (struct px_op *op = list; op != NULL; op = op->next) {
		op->rc = rc;
		op->then = PX_OP_DONE;
		if (rc == PX_OK && tx.behind)
			answer_behind(lm, op, &tx);
		else if (rc == PX_OK)
			op->then = op->kind->read(op, &tx, lm->leases);
		/* One damaged page is not the next one's fault. */
		if (rc == PX_OK && px_tx_read_on(&tx) != PX_OK)
			rc = op->rc = PX_EFATAL;
	}
	if (rc == PX_EFATAL)
		atomic_store(&lm->fatal, true);
	else
		px_tx_abort(&tx);
}

static void send_on(struct px_lmdb *lm, struct px_op *list)
{
	struct px_op *done = NULL, **end = &done;
	for (struct px_op *op = list, *next; op != NULL; op = next) {
		next = op->next;
		op->next = NULL;
		if (op->then == PX_OP_READ) {
			px_op_queue_push(&lm->to_reader, op);
		} else if (op->then == PX_OP_WRITE) {
			px_op_queue_push_first(&lm->to_writer, op);
		} else if (op->then == PX_OP_YIELD) {
			px_op_queue_push(&lm->to_writer, op);
		} else {
			*end = op;
			end = &op->next;
		}
	}
	px_op_return_push(&lm->back, done);
}

void *px_lmdb_reader(void *arg)
{
	struct px_lmdb *lm = arg;
	pthread_setname_np(pthread_self(), "store-reader");
	int64_t checked = px_clock_mono(px_clock_real());
	for (;;) {
		bool stop;
		struct px_op *list =
		    px_op_queue_take(&lm->to_reader, BATCH, SIZE_MAX, CHECK_READERS_MS, &stop);
		if (stop)
			return NULL;
		if (list != NULL) {
			answer_batch(lm, list);
			send_on(lm, list);
		}
		int64_t now = px_clock_mono(px_clock_real());
		if (now - checked >= CHECK_READERS_MS) {
			px_db_check_readers(&lm->db);
			checked = now;
		}
	}
}
