/* prinex: the simulated store inside: its tables and who works on them
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_SIM_PARTS_H
#define PX_STORE_SIM_PARTS_H

#include "store/marks.h"
#include "store/records.h"
#include "store/sim.h"

/*
 * A model, not an engine: every table is an array in commit order, every question is a walk over it, and
 * nothing that can be computed is kept (heads, counts, links). sim.c holds the queue and the faults; the
 * other files hold what operations do, called when their turn has come. Pointers into tables die when their
 * table grows.
 */

struct sim_message {
	uint64_t seq;
	struct px_header header;
	char partner[PX_NAME_MAX + 1];
	struct px_body *body;
	int64_t accepted;
	enum px_prio prio;
	bool confirmations;
	uint64_t movement; /* as accepted; sim_movement_now() follows links. 0 none */
	struct px_keys keys;
	uint8_t *coa;
	size_t coa_len;
	int64_t horizon_end;
	bool purged;    /* only the duplicate key and the CoA count still */
	bool forgotten; /* not even these */
};

struct sim_delivery {
	struct px_delivery d; /* movement, head and leased are filled in for views only */
	uint64_t message;
	struct px_token token; /* counter 0: not leased. Memory only */
	uint8_t *answer;       /* the confirmation that ended it; NULL none */
	size_t answer_len;
	bool purged;
	bool ever_unknown;
};

struct sim_movement {
	char declarant[PX_KEY_VALUE_MAX + 1];
	int64_t live_until;
	bool ended;
	bool purged;     /* with its last message */
	uint64_t linked; /* the lower id it became part of; 0 none */
};

/** What points to a movement: MRN alone, or (sender, declarant, LRN). */
struct sim_movement_key {
	enum px_key_kind kind;
	char sender[PX_AUTHORITY_MAX + 1];
	char declarant[PX_KEY_VALUE_MAX + 1];
	char value[PX_KEY_VALUE_MAX + 1];
	uint64_t movement;
};

struct sim_owed {
	uint64_t id;
	char partner[PX_NAME_MAX + 1];
	char ref_sender[PX_AUTHORITY_MAX + 1];
	int64_t created;
	uint8_t *data;
	size_t len;
};

struct sim_checkpoint {
	uint64_t seq;
	uint8_t *signature;
	size_t len;
};

/** Leases of a partner so far: whose turn it is among the classes. Memory only. */
struct sim_turn {
	char partner[PX_NAME_MAX + 1];
	unsigned n;
};

#define SIM_TABLE(type, name) \
	type *name;           \
	size_t n_##name, cap_##name

struct sim_op;

struct sim {
	struct px_store store;
	uint32_t magic;
	struct px_clock *clock;
	struct px_store_sim_faults faults;
	uint64_t random;

	/* durable */
	uint64_t epoch;
	uint64_t commits, operations, next_owed;
	int64_t forgotten, shortest, newest;        /* as in the state of the LMDB store (store/records.h) */
	SIM_TABLE(struct sim_message, messages);    /* seq - 1 is the index */
	SIM_TABLE(struct sim_delivery, deliveries); /* id - 1 is the index */
	SIM_TABLE(struct sim_movement, movements);  /* id - 1 is the index */
	SIM_TABLE(struct sim_movement_key, movement_keys);
	SIM_TABLE(struct sim_owed, owed);
	SIM_TABLE(struct px_journal_read, journal); /* seq - 1 is the index; strings are owned */
	SIM_TABLE(struct sim_checkpoint, checkpoints);
	SIM_TABLE(struct px_mark, marks); /* by name */

	/* memory */
	size_t first_queued; /* no delivery before this index is QUEUED: none ever becomes so again */
	uint64_t last_lease;
	SIM_TABLE(struct sim_turn, turns);
	struct sim_op *queue, **queue_end;
	unsigned queued;
	uint64_t dispatches;
	bool dispatching, closing;
};

/** Make room for one more element at the end of a table and return it, zeroed. */
#define SIM_APPEND(sim, name)                                                                              \
	((sim)->name = sim_grow((sim)->name, (sim)->n_##name, &(sim)->cap_##name, sizeof((sim)->name[0])), \
	 &(sim)->name[(sim)->n_##name++])
void *sim_grow(void *table, size_t n, size_t *cap, size_t size);

/* --- sim_accept.c: messages and movements --- */

/** An accept's outcome; arrays are as long as the request says and belong to the operation. */
struct sim_accepted {
	struct px_accept_result result;
	uint64_t *delivery_ids;
	enum px_apply_result *applied;
};
int sim_accept(struct sim *s, const struct px_accept *req, struct sim_accepted *out);
/** Also one that was purged, while its duplicate key counts. NULL: none. */
struct sim_message *sim_find(struct sim *s, const char *sender, const char *message_id);
/** The answer to a message that was accepted before: a duplicate, with what its acceptance said. */
struct px_accept_result sim_accepted_before(const struct sim *s, const struct sim_message *m);
/** The id by which a movement is known now; 0 stays 0. */
uint64_t sim_movement_now(const struct sim *s, uint64_t id);

/* --- sim_deliver.c: deliveries, leases, pending confirmations --- */

/** All, or none. */
int sim_settle(struct sim *s, unsigned n, const struct px_settle *reqs);
/** Apply a proved confirmation. */
enum px_apply_result sim_apply(struct sim *s, const struct px_apply *apply);
void sim_requeue(struct sim *s, const char *partner, int64_t due);
/** Lease; @out has room for @max. @return how many. */
unsigned sim_lease(struct sim *s, const char *partner, unsigned max, int64_t now, struct px_lease *out);
bool sim_is_head(const struct sim *s, const struct sim_delivery *d);
/** The delivery as readers see it. */
struct px_delivery sim_view(const struct sim *s, const struct sim_delivery *d);

/* --- sim_marks.c --- */

void sim_mark(struct sim *s, const struct px_mark *mark);

/* --- sim_read.c: answers to readers; each calls @done once --- */

void sim_read_message(struct sim *s, const struct sim_message *m, px_message_done *done, void *arg);
void sim_read_resolve(struct sim *s, unsigned n, const struct px_ref *refs, px_resolve_done *done, void *arg);
void sim_read_scan(struct sim *s, const struct px_scan *scan, px_messages_done *done, void *arg);
void sim_read_scan_deliveries(struct sim *s, const struct px_scan *scan, px_deliveries_done *done, void *arg);
void sim_read_lookup(struct sim *s, const struct px_lookup *which, px_messages_done *done, void *arg);
void sim_read_movement(struct sim *s, uint64_t movement, uint64_t from, unsigned limit,
		       px_messages_done *done, void *arg);
void sim_read_overdue(struct sim *s, int64_t now, int64_t deadline, uint64_t id, unsigned max,
		      px_deliveries_done *done, void *arg);
void sim_read_owed_groups(struct sim *s, unsigned max, px_owed_groups_done *done, void *arg);
void sim_read_owed(struct sim *s, const char *partner, const char *ref_sender, unsigned max, uint64_t octets,
		   px_owed_done *done, void *arg);
void sim_read_stats(struct sim *s, px_stats_done *done, void *arg);

/* --- sim_arrivals.c --- */

void sim_submit_arrivals(struct px_store *st, const struct px_arrivals *which, px_arrivals_done *done,
			 void *arg);

/* --- sim_purge.c --- */

void sim_purge(struct sim *s, const struct px_purge *req, struct px_purge_report *report);

/* --- sim_journal.c --- */

void sim_journal_append(struct sim *s, const struct px_journal_entry *entry);
int sim_journal_checkpoint(struct sim *s, uint64_t seq, const uint8_t *signature, size_t len);
void sim_journal_scan(struct sim *s, uint64_t from, unsigned limit, bool ascending, px_journal_done *done,
		      void *arg);
void sim_journal_verify(struct sim *s, px_checkpoint_check *check, void *check_arg, px_verify_done *done,
			void *arg);
void sim_journal_free(struct sim *s);

/* --- sim_marks.c --- */

extern const struct px_store_marks_ops sim_marks_ops;

#endif
