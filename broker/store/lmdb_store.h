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
struct px_lmdb {
	struct px_store store; /* first: what the broker sees */
	uint32_t magic;
	struct px_clock *clock;
	struct px_db db;
	struct px_leases *leases;
	struct px_wtx wtx;
	unsigned batch;
	uint64_t epoch; /* since it was opened */
	struct px_op_queue to_writer, to_reader;
	struct px_op_return back;
	pthread_t writer, reader;
	atomic_bool fatal; /* a commit or a read failed: nothing more is done */
	atomic_ullong commits, operations;
	unsigned outstanding; /* submitted and not yet answered */
	bool closing;
};

struct px_lmdb *px_lmdb_of(struct px_store *st);

/** Send an operation on its way. Thread: loop. */
void px_lmdb_submit_write(struct px_lmdb *lm, struct px_op *op);
void px_lmdb_submit_read(struct px_lmdb *lm, struct px_op *op);
/** As submit_write, but PX_EBUSY when 3/4 of the queue are taken. */
void px_lmdb_submit_accept(struct px_lmdb *lm, struct px_op *op);

/** Bodies of threads; @arg is the struct px_lmdb. */
void *px_lmdb_writer(void *arg);
void *px_lmdb_reader(void *arg);

/* Operations of the table, by file. */

/* ops_accept.c */
void px_lmdb_accept(struct px_store *st, const struct px_accept *req, px_accept_done *done, void *arg);
void px_lmdb_known(struct px_store *st, const char *partner, const uint8_t digest[PX_DIGEST_LEN],
		   px_accept_done *done, void *arg);
/* ops_write.c */
void px_lmdb_journal(struct px_store *st, const struct px_journal_entry *entry, px_write_done *done,
		     void *arg);
void px_lmdb_checkpoint(struct px_store *st, uint64_t seq, const uint8_t *signature, size_t len,
			px_write_done *done, void *arg);
void px_lmdb_settle(struct px_store *st, const struct px_settle *req, px_write_done *done, void *arg);
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
/* ops_marks.c */
extern const struct px_store_marks_ops px_lmdb_marks_ops;
/* ops_scan.c */
void px_lmdb_overdue(struct px_store *st, int64_t now, const struct px_delivery *after, unsigned max,
		     px_deliveries_done *done, void *arg);
void px_lmdb_scan(struct px_store *st, const struct px_scan *scan, px_messages_done *done, void *arg);
void px_lmdb_scan_deliveries(struct px_store *st, const struct px_scan *scan, px_deliveries_done *done,
			     void *arg);
void px_lmdb_lookup(struct px_store *st, enum px_key_kind kind, const char *value, unsigned limit,
		    px_messages_done *done, void *arg);
void px_lmdb_movement(struct px_store *st, uint64_t movement, unsigned limit, px_messages_done *done,
		      void *arg);
/* ops_stats.c */
void px_lmdb_stats(struct px_store *st, px_stats_done *done, void *arg);
/* verify.c */
void px_lmdb_verify(struct px_store *st, px_checkpoint_check *check, void *check_arg, px_verify_done *done,
		    void *arg);

#endif
