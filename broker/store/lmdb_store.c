/* prinex: the LMDB store: opening, the way of operations, closing
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/lmdb_store.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "base/log.h"

#define LMDB_MAGIC 0x4c4d4442u

#define BATCH_DEFAULT 64

/* Rounds of callbacks in one dispatch: what they submit may be finished at once, but others wait for the
 * loop. */
#define DISPATCH_ROUNDS 8

struct px_lmdb *px_lmdb_of(struct px_store *st)
{
	struct px_lmdb *lm = (struct px_lmdb *)st;
	px_assert(lm->magic == LMDB_MAGIC);
	return lm;
}

/* --- the way of operations --------------------------------------------------------------------------- */

bool px_lmdb_enter(struct px_lmdb *lm, struct px_op *op)
{
	lm->outstanding++;
	op->now = px_clock_wall(lm->clock);
	if (!lm->closing)
		return true;
	op->rc = PX_ECANCELLED;
	px_op_return_push(&lm->back, op);
	return false;
}

void px_lmdb_submit_write(struct px_lmdb *lm, struct px_op *op)
{
	if (px_lmdb_enter(lm, op))
		px_op_queue_push(&lm->to_writer, op);
}

void px_lmdb_submit_read(struct px_lmdb *lm, struct px_op *op)
{
	if (px_lmdb_enter(lm, op))
		px_op_queue_push(&lm->to_reader, op);
}

void px_lmdb_submit_accept(struct px_lmdb *lm, struct px_op *op)
{
	if (!px_lmdb_enter(lm, op) ||
	    px_op_queue_offer(&lm->to_writer, op, (unsigned)PX_LIMIT_STORE_QUEUE / 4 * 3))
		return;
	op->rc = PX_EBUSY;
	px_op_return_push(&lm->back, op);
}

static int get_fd(struct px_store *st)
{
	return px_lmdb_of(st)->back.fd;
}

static void dispatch(struct px_store *st)
{
	struct px_lmdb *lm = px_lmdb_of(st);
	if (atomic_exchange(&lm->untold, false) && lm->failed != NULL)
		lm->failed(lm->failed_arg, "commit");
	for (int round = 0; round < DISPATCH_ROUNDS; round++) {
		struct px_op *list = px_op_return_take(&lm->back);
		if (list == NULL)
			return;
		for (struct px_op *op = list, *next; op != NULL; op = next) {
			next = op->next;
			op->then = PX_OP_DONE;
			op->next = NULL;
			lm->outstanding--;
			op->kind->answer(op);
			if (op->then == PX_OP_WRITE) {
				lm->outstanding++;
				px_op_queue_push(&lm->to_writer, op);
			} else {
				px_op_free(&op);
			}
		}
	}
}

/* --- opening and closing ----------------------------------------------------------------------------- */

static void release(struct px_lmdb *lm)
{
	px_op_queue_destroy(&lm->to_writer);
	px_op_queue_destroy(&lm->to_reader);
	px_op_return_destroy(&lm->back);
	px_wtx_close(&lm->wtx);
	px_filter_free(&lm->filter);
	px_filter_free(&lm->given_up);
	px_leases_free(&lm->leases);
	px_db_close(&lm->db);
	lm->magic = 0;
	free(lm);
}

static void close_store(struct px_store *st)
{
	struct px_lmdb *lm = px_lmdb_of(st);
	lm->closing = true;
	for (struct px_long_op *op = lm->long_ops; op != NULL; op = op->others)
		atomic_store(&op->stop, true);
	while (lm->outstanding > 0) {
		struct pollfd pfd = {.fd = lm->back.fd, .events = POLLIN};
		poll(&pfd, 1, -1);
		dispatch(st);
	}
	px_op_queue_stop(&lm->to_writer);
	px_op_queue_stop(&lm->to_reader);
	pthread_join(lm->writer, NULL);
	pthread_join(lm->reader, NULL);
	release(lm);
}

static const struct px_store_ops lmdb_ops = {
    .name = "lmdb",
    .fd = get_fd,
    .dispatch = dispatch,
    .close = close_store,
    .accept = px_lmdb_accept,
    .known = px_lmdb_known,
    .may_know = px_lmdb_may_know,
    .accept_status = px_lmdb_accept_status,
    .journal = px_lmdb_journal,
    .checkpoint = px_lmdb_checkpoint,
    .lease = px_lmdb_lease,
    .settle = px_lmdb_settle,
    .settle_all = px_lmdb_settle_all,
    .overdue = px_lmdb_overdue,
    .requeue = px_lmdb_requeue,
    .owed_groups = px_lmdb_owed_groups,
    .owed = px_lmdb_owed,
    .message = px_lmdb_message,
    .find = px_lmdb_find,
    .body = px_lmdb_body,
    .resolve = px_lmdb_resolve,
    .scan = px_lmdb_scan,
    .scan_deliveries = px_lmdb_scan_deliveries,
    .lookup = px_lmdb_lookup,
    .arrivals = px_lmdb_arrivals,
    .movement = px_lmdb_movement,
    .journal_scan = px_lmdb_journal_scan,
    .stats = px_lmdb_stats,
    .marks = &px_lmdb_marks_ops,
    .answer = px_lmdb_answer,
    .verify = px_lmdb_verify,
    .give_up = px_lmdb_give_up,
    .progress = px_lmdb_progress,
    .quarantined = px_lmdb_quarantined,
    .purge = px_lmdb_purge,
    .backup = px_lmdb_backup,
};

/* The epoch rises, durably, before anybody can get a token. */
static int begin_epoch(struct px_lmdb *lm, struct px_buf *why)
{
	struct px_wtx *w = &lm->wtx;
	char epoch[24];
	int rc = px_wtx_begin(w);
	if (rc == PX_OK) {
		w->now = px_clock_wall(lm->clock);
		w->state.epoch++;
		snprintf(epoch, sizeof(epoch), "%llu", (unsigned long long)w->state.epoch);
		px_wtx_journal(w, &(struct px_journal_entry){.kind = PX_J_OPENED, .detail = epoch});
		rc = px_wtx_commit(w);
	}
	if (rc != PX_OK)
		px_buf_setf(why, "%s: the first commit failed: %s", lm->db.path, px_err_text(rc));
	return rc;
}

/* Signals are the loop's business. */
static int start_threads(struct px_lmdb *lm, struct px_buf *why)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&lm->writer, NULL, px_lmdb_writer, lm);
	if (failed == 0) {
		failed = pthread_create(&lm->reader, NULL, px_lmdb_reader, lm);
		if (failed != 0) {
			px_op_queue_stop(&lm->to_writer);
			pthread_join(lm->writer, NULL);
		}
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed == 0)
		return PX_OK;
	px_buf_setf(why, "cannot start the store's threads: %s", strerror(failed));
	return PX_ESYS;
}

static void wake_writer(void *arg)
{
	px_op_queue_kick(&((struct px_lmdb *)arg)->to_writer);
}

/* From now on a batch may be durable before it is committed. A full disk is no reason not to start. */
static int use_redo(struct px_lmdb *lm, struct px_buf *why)
{
	int rc = px_redo_open(lm->db.path, lm->db.map_size, &lm->db.redo);
	if (rc == PX_OK) {
		px_redo_set_waker(lm->db.redo, wake_writer, lm);
	} else if (rc == PX_EFULL) {
		px_warnx("store",
			 "path=%s no room for " PX_REDO_FILE ": each batch is a commit, until the next start",
			 lm->db.path);
		rc = PX_OK;
	} else {
		px_buf_setf(why, "%s: making " PX_REDO_FILE ": %s", lm->db.path, strerror(errno));
	}
	return rc;
}

static void log_open(const struct px_lmdb *lm)
{
	px_log(PX_LOG_INFO, "store", "path=%s epoch=%llu messages=%llu open", lm->db.path,
	       (unsigned long long)lm->wtx.state.epoch, (unsigned long long)lm->wtx.state.messages);
}

int px_store_lmdb_open(const struct px_store_lmdb_setup *setup, struct px_store **out, struct px_buf *why)
{
	struct px_lmdb *lm = px_xcalloc(1, sizeof(*lm));
	*out = NULL;
	lm->store.ops = &lmdb_ops;
	lm->magic = LMDB_MAGIC;
	lm->clock = setup->clock;
	lm->watermark = setup->watermark;
	lm->failed = setup->failed;
	lm->failed_arg = setup->failed_arg;
	lm->batch = setup->batch != 0 ? setup->batch : BATCH_DEFAULT;
	lm->db.lock = -1;
	lm->leases = px_leases_new();
	px_op_queue_init(&lm->to_writer);
	px_op_queue_init(&lm->to_reader);
	int rc = px_op_return_init(&lm->back);
	if (rc != PX_OK)
		px_buf_setf(why, "eventfd: no descriptor left");
	if (rc == PX_OK)
		rc = px_db_open(&lm->db, setup->path, setup->map_size, setup->watermark, why);
	if (rc == PX_OK)
		rc = px_wtx_open(&lm->wtx, &lm->db, lm->leases, why);
	if (rc == PX_OK)
		rc = begin_epoch(lm, why);
	lm->epoch = lm->wtx.state.epoch;
	if (rc == PX_OK)
		rc = use_redo(lm, why);
	if (rc == PX_OK)
		log_open(lm);
	if (rc == PX_OK)
		rc = start_threads(lm, why);
	if (rc != PX_OK) {
		release(lm);
		return rc == PX_EFATAL ? PX_ESYS : rc;
	}
	px_lmdb_first_filter(lm);
	*out = &lm->store;
	return PX_OK;
}
