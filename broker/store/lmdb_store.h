/* prinex: the LMDB store inside: its threads and how operations reach them
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_LMDB_STORE_H
#define PX_STORE_LMDB_STORE_H

#include <stdatomic.h>

#include "store/op.h"

/*
 * Three threads meet here. The loop owns `outstanding` and `closing`; the writer owns `wtx`; the reader owns
 * nothing that outlives a batch. Between them: two queues, the way back, and the atomics.
 */
/** A long operation, first in its struct (after that of the operation): listed while it is under way, so that
 * it can be given up and asked how far it is. The loop lists, sets `stop` and takes off; its thread looks at
 * `stop`. */
struct px_long_op {
	struct px_op op;
	struct px_long_op *others;
	const void *arg; /* of the callback: what px_store_give_up names it by */
	atomic_bool stop;
	atomic_ullong done, total; /* set by its thread */
};

struct px_lmdb {
	struct px_store store; /* first: what the broker sees */
	uint32_t magic;
	struct px_clock *clock;
	struct px_db db;
	struct px_leases *leases;
	struct px_wtx wtx;
	unsigned batch;
	int64_t patience; /* us, writer only: how long what is not pressing waits for more */
	int64_t hold;     /* us, writer only: how long what is durable may wait for its commit */
	int64_t held_ops, held_batches; /* writer only: since that */
	uint64_t watermark;
	uint64_t epoch; /* since it was opened */
	struct px_op_queue to_writer, to_reader;
	struct px_op_return back;
	pthread_t writer, reader;
	atomic_bool fatal;  /* a commit or a read failed: nothing more is done */
	atomic_bool untold; /* ...and no operation came back with that; cleared by the loop */
	void (*failed)(void *arg, const char *what);
	void *failed_arg;
	atomic_ullong commits, operations;
	struct px_long_op *long_ops; /* loop only */
	unsigned outstanding;        /* submitted and not yet answered */
	bool closing;
	bool backing_up;
	struct px_filter *filter;   /* which digests may be known; loop only. NULL: not made yet */
	struct px_filter *given_up; /* one that was begun; the writer may hold on to it until the end */
	bool making_filter;
	bool ask_always; /* making it failed: none can be relied on */
};

struct px_lmdb *px_lmdb_of(struct px_store *st);

/** An operation begins: it is outstanding until it comes back by `back`. @return whether it may go; otherwise
 * it is on its way back (closing). Thread: loop. */
bool px_lmdb_enter(struct px_lmdb *lm, struct px_op *op);
/** Send an operation on its way. Thread: loop. */
void px_lmdb_submit_write(struct px_lmdb *lm, struct px_op *op);
void px_lmdb_submit_read(struct px_lmdb *lm, struct px_op *op);
/** As submit_write, but PX_EBUSY when 3/4 of the queue are taken. */
void px_lmdb_submit_accept(struct px_lmdb *lm, struct px_op *op);

/** List a long operation, and take it off again (before its callback runs). Thread: loop. */
void px_lmdb_begin_long(struct px_lmdb *lm, struct px_long_op *op, const void *arg);
void px_lmdb_end_long(struct px_lmdb *lm, struct px_long_op *op);

/** Bodies of threads; @arg is the struct px_lmdb. */
void *px_lmdb_writer(void *arg);
void *px_lmdb_reader(void *arg);

/* Operations of the table, by file. */

/* ops_accept.c */
void px_lmdb_accept(struct px_store *st, const struct px_accept *req, px_accept_done *done, void *arg);
void px_lmdb_known(struct px_store *st, const char *partner, const uint8_t digest[PX_DIGEST_LEN],
		   px_accept_done *done, void *arg);
void px_lmdb_accept_status(struct px_store *st, const struct px_ref *ref, const uint8_t digest[PX_DIGEST_LEN],
			   px_accept_done *done, void *arg);
/* ops_filter.c */
/** Begin to make the filter of digests, before the writer has anything to do. */
void px_lmdb_first_filter(struct px_lmdb *lm);
bool px_lmdb_may_know(struct px_store *st, const uint8_t digest[PX_DIGEST_LEN]);
/* ops_write.c */
void px_lmdb_journal(struct px_store *st, const struct px_journal_entry *entry, px_write_done *done,
		     void *arg);
void px_lmdb_checkpoint(struct px_store *st, uint64_t seq, const uint8_t *signature, size_t len,
			px_write_done *done, void *arg);
void px_lmdb_settle(struct px_store *st, const struct px_settle *req, px_write_done *done, void *arg);
void px_lmdb_settle_all(struct px_store *st, unsigned n, const struct px_settle *reqs, px_write_done *done,
			void *arg);
void px_lmdb_requeue(struct px_store *st, const char *partner, int64_t due, px_write_done *done, void *arg);
/* ops_lease.c */
void px_lmdb_lease(struct px_store *st, const char *partner, unsigned max, int64_t now, px_lease_done *done,
		   void *arg);
/* ops_read.c */
void px_lmdb_message(struct px_store *st, uint64_t seq, px_message_done *done, void *arg);
void px_lmdb_find(struct px_store *st, const char *sender, const char *message_id, px_message_done *done,
		  void *arg);
void px_lmdb_body(struct px_store *st, uint64_t seq, px_body_done *done, void *arg);
void px_lmdb_resolve(struct px_store *st, unsigned n, const struct px_ref *refs, px_resolve_done *done,
		     void *arg);
void px_lmdb_owed_groups(struct px_store *st, unsigned max, px_owed_groups_done *done, void *arg);
void px_lmdb_owed(struct px_store *st, const char *partner, const char *ref_sender, unsigned max,
		  uint64_t octets, px_owed_done *done, void *arg);
void px_lmdb_journal_scan(struct px_store *st, uint64_t from, unsigned limit, bool ascending,
			  px_journal_done *done, void *arg);
void px_lmdb_answer(struct px_store *st, uint64_t delivery, px_answer_done *done, void *arg);
/* ops_marks.c */
extern const struct px_store_marks_ops px_lmdb_marks_ops;
/* ops_scan.c */
void px_lmdb_overdue(struct px_store *st, int64_t now, const struct px_delivery *after, unsigned max,
		     px_deliveries_done *done, void *arg);
void px_lmdb_scan(struct px_store *st, const struct px_scan *scan, px_messages_done *done, void *arg);
void px_lmdb_scan_deliveries(struct px_store *st, const struct px_scan *scan, px_deliveries_done *done,
			     void *arg);
void px_lmdb_lookup(struct px_store *st, const struct px_lookup *which, px_messages_done *done, void *arg);
void px_lmdb_movement(struct px_store *st, uint64_t movement, uint64_t from, unsigned limit,
		      px_messages_done *done, void *arg);
/* ops_arrivals.c */
void px_lmdb_arrivals(struct px_store *st, const struct px_arrivals *which, px_arrivals_done *done,
		      void *arg);
/* ops_stats.c */
void px_lmdb_stats(struct px_store *st, px_stats_done *done, void *arg);
/* verify.c */
void px_lmdb_verify(struct px_store *st, px_checkpoint_check *check, void *check_arg, px_verify_done *done,
		    void *arg);
/* ops_admin.c */
/** A place in the list of what was set aside, in one number: no id gets to 2^56. */
uint64_t px_lmdb_place(uint8_t table, uint64_t id);
struct px_tkey px_lmdb_place_key(uint64_t place);
void px_lmdb_give_up(struct px_store *st, const void *arg);
bool px_lmdb_progress(struct px_store *st, const void *arg, uint64_t *done, uint64_t *total);
void px_lmdb_quarantined(struct px_store *st, uint64_t from, unsigned limit, px_quarantined_done *done,
			 void *arg);
/* ops_purge.c */
void px_lmdb_purge(struct px_store *st, const struct px_purge *req, px_purge_done *done, void *arg);
/* backup.c */
void px_lmdb_backup(struct px_store *st, const char *folder, unsigned keep, px_backup_done *done, void *arg);

#endif
