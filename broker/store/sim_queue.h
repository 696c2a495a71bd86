/* prinex: simulated store: operations that wait for their turn
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_SIM_QUEUE_H
#define PX_STORE_SIM_QUEUE_H

#include "store/sim_parts.h"

#define SIM_MAGIC 0x53494d31u

/** One submitted operation: a copy of its request, what does it, and whom to tell. */
struct sim_op {
	struct sim_op *next;
	uint64_t ready; /* the dispatch in which its turn may come */
	enum { SIM_READ, SIM_WRITE, SIM_ACCEPT } kind;
	bool refused; /* the queue was too full for another accept */
	bool cancelled;
	int (*apply)(struct sim *s, struct sim_op *op); /* writes: change the tables */
	void (*answer)(struct sim *s, struct sim_op *op,
		       int rc); /* run the callback; reads: when rc is PX_OK, read */
	void *arg;
	union {
		px_accept_done *accept;
		px_write_done *write;
		px_message_done *message;
		px_body_done *body;
		px_messages_done *messages;
		px_deliveries_done *deliveries;
		px_resolve_done *resolve;
		px_lease_done *lease;
		px_owed_groups_done *owed_groups;
		px_owed_done *owed;
		px_journal_done *journal;
		px_stats_done *stats;
		px_verify_done *verify;
		px_answer_done *answer;
		px_quarantined_done *quarantined;
		px_purge_done *purge;
		px_backup_done *backup;
		px_marks_done *marks;
		px_receipt_done *receipt;
		px_arrivals_done *arrivals;
	} done;

	/* the request, as far as the operation has these */
	struct px_accept accept;
	struct sim_accepted accepted;
	unsigned n_settle;
	struct px_settle *settle;
	struct px_journal_entry entry;
	struct px_scan scan;
	struct px_arrivals which;
	struct px_lookup lookup;
	uint64_t from;
	struct px_ref *refs;
	const char *name, *other; /* partner or sender or value; ref_sender or message id */
	const uint8_t *octets;    /* digest or signature */
	size_t octets_len;
	uint64_t id, limit_octets;
	int64_t time, after;
	unsigned n;
	bool ascending;
	px_checkpoint_check *check;
	void *check_arg;
	struct px_purge purge;
	struct px_purge_report purged;

	void **owned; /* memory that goes with the operation */
	unsigned n_owned;
};

struct sim_op *sim_op_new(struct px_store *st, int kind, void (*answer)(struct sim *, struct sim_op *, int),
			  void *arg);
/** A write whose outcome is all that @done is told; NULL: nobody wants to know. */
struct sim_op *sim_op_write(struct px_store *st, int (*apply)(struct sim *, struct sim_op *),
			    px_write_done *done, void *arg);
/** Copies that live as long as the operation. NULL stays NULL. */
const char *sim_op_text(struct sim_op *op, const char *s);
void *sim_op_copy(struct sim_op *op, const void *data, size_t len);
/** Zeroed memory that lives as long as the operation. */
void *sim_op_room(struct sim_op *op, size_t n, size_t size);
void sim_submit(struct px_store *st, struct sim_op *op);

/** The operations (sim_ops.c); fd, dispatch and close are those of sim.c. */
extern const struct px_store_ops sim_store_ops;
int sim_fd(struct px_store *st);
void sim_dispatch(struct px_store *st);
void sim_close(struct px_store *st);

/* sim_admin.c */
void sim_submit_accept_status(struct px_store *st, const struct px_ref *ref,
			      const uint8_t digest[PX_DIGEST_LEN], px_accept_done *done, void *arg);
void sim_submit_answer(struct px_store *st, uint64_t delivery, px_answer_done *done, void *arg);
void sim_give_up(struct px_store *st, const void *arg);
bool sim_progress(struct px_store *st, const void *arg, uint64_t *done, uint64_t *total);
void sim_submit_quarantined(struct px_store *st, uint64_t from, unsigned limit, px_quarantined_done *done,
			    void *arg);
void sim_submit_purge(struct px_store *st, const struct px_purge *req, px_purge_done *done, void *arg);
void sim_submit_backup(struct px_store *st, const char *folder, unsigned keep, px_backup_done *done,
		       void *arg);

#endif
