/* prinex: the contract of every store: domain operations, asynchronous
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_STORE_H
#define PX_STORE_STORE_H

#include "base/body.h"
#include "base/clock.h"
#include "base/exchange.h"
#include "base/metrics.h"
#include "store/accept.h"
#include "store/admin.h"
#include "store/arrivals.h"
#include "store/lookup.h"

/*
 * A store keeps messages, their deliveries, movements, duplicate keys, pending confirmations and the
 * journal. Its operations are the broker's own words; no transaction, cursor or key leaks out. Backends:
 * px_store_lmdb_open (embedded, one flush for all that waits) and px_store_sim_new (memory, seeded faults).
 * One suite in tests/unit/store runs whole against each.
 *
 * Calling sequence:
 *	open the backend; watch px_store_fd() for reading and call px_store_dispatch() when it is
 *	readable; submit operations from the loop thread: each returns at once, its callback runs exactly
 *	once, later, from px_store_dispatch(); px_store_close() runs what was submitted, then frees.
 *
 * What holds in every backend:
 *  - A callback with PX_OK for a write means: durable (flushed), with all its indexes and its journal
 *    entry. Writes take effect in the order submitted; preconditions see all earlier writes, of the same
 *    batch too.
 *  - Results: PX_OK, PX_EDUPLICATE, PX_ECONFLICT, PX_EPRECONDITION, PX_ESTALE, PX_ENOTFOUND, PX_EBUSY,
 *    PX_EFULL, PX_EUNKNOWN, PX_EFATAL, PX_ECORRUPT, PX_ECANCELLED (closing). PX_EBUSY only from accept
 *    (they fill at most 3/4 of the writer's queue, so that settles always get through). PX_EFULL: no space;
 *    nothing was written. PX_EUNKNOWN: the commit's outcome is not known (px_store_accept_status).
 *    PX_EFATAL: the process must exit; after a restart exactly what was acknowledged is there.
 *  - Structs given to callbacks and their strings are views that die when the callback returns; bodies may
 *    be kept with px_body_ref. Requests are copied on submission unless said otherwise; bodies referenced.
 *  - Leases live in memory. A token is (store epoch, counter); the epoch rises durably at each open, so
 *    that a token from before a restart is always PX_ESTALE.
 *
 * Movements. Accept finds the movement of a message by MRN, else by (sender authority, declarant, LRN), else
 * by CorrelationId (looked up among message ids of each Recipient, then of the Sender); none: a new one. A
 * message with keys of two movements links them and waits for both. A key that belongs to another declarant
 * never merges: it is reported in px_accept_result.owner_conflict. For each (recipient, movement) deliveries
 * are handed out in commit order, one at a time: only the first that is not final (or handed over) is the
 * *head*, with those of its message to the same partner (a hub gets it for all of them at once); only heads
 * can be leased. A head takes the best class of what waits behind it. Settling releases the next.
 *
 * Details of movements.
 *  - MRN, LRN and declarant are the first of their kind in the keys; an absent declarant is the empty one
 *    and a value of its own in (sender, declarant, LRN). All other keys are only for lookup.
 *  - A movement belongs to the first declarant (not empty) that one of its messages names. A movement of
 *    another declarant is not joined: found by MRN it is a conflict and the MRN; found by LRN after one by
 *    MRN, and the two belong to different declarants, a conflict and the LRN. conflict_key is that value; the
 *    key stays, but an MRN passes from who only named it to who declares it. By CorrelationId: no conflict.
 *  - A movement that is not live is not found: its keys pass to the next message's movement. Live: not ended,
 *    and accepted < time of the first message + its movement_life; and as long as any of its deliveries is
 *    QUEUED, so that nothing ever overtakes. A message whose Sender may ends it (declared.h), and still
 *joins; a declaration that joins after that lets it go on.
 *  - Linked movements keep the lower id, the later end of life and the first declarant of the lower id, else
 *    of the other, and have ended if both had; the id shown is the lower; px_store_stats counts them as one.
 *  - px_delivery.head: QUEUED, and no delivery with a lower id of the same (recipient, movement) is; the same
 *    holds of all that are QUEUED of its message to its partner. One leased before a link put an earlier one
 *    in front of it keeps its lease, and waits once it is given back.
 *  - Messages of type Confirmations have no movement (0): each of their deliveries is a head.
 *  - Sequence numbers and ids rise in commit order and are never 0; faults and restarts may leave gaps.
 */

struct px_store;
/* --- the journal ----------------------------------------------------------------------------------- */

enum px_journal_kind {
#define PX_JOURNAL(name, wire, text) PX_J_##name,
#include "store/journal.def"
#undef PX_JOURNAL
	PX_J_KINDS
};
const char *px_journal_kind_name(enum px_journal_kind kind);

/**
 * What an entry says: ids, digests, codes and names, never payload data. NULL strings are empty. Entries that
 * operations write by themselves:
 *  - opened, at each open: detail is the epoch;
 *  - quarantined, once for each damaged record that was found: code is the table, delivery what it holds up,
 *    detail what is wrong;
 *  - accepted: partner, sender, message_id, digest; code is the type;
 *  - settled, handed-over, attempt (a retry): partner, sender, message_id, recipient, delivery, actor; code
 * is that of the request, else the state's name; detail is `error`. An accept that is not PX_OK writes none.
 * Leases, requeue and checkpoints write none. */
struct px_journal_entry {
	enum px_journal_kind kind;
	int64_t at; /* wall ms; 0: set by the store */
	const char *partner;
	const char *sender, *message_id;
	const char *recipient;
	uint64_t delivery;
	bool has_digest;
	uint8_t digest[PX_DIGEST_LEN];
	const char *code;  /* PX-... or a state name */
	const char *actor; /* user name of administrators and readers */
	const char *detail;
};

/** An entry as read, with its place in the chain: hash = SHA-256(hash before || octets of the entry). */
struct px_journal_read {
	uint64_t seq;
	struct px_journal_entry entry;
	uint8_t hash[PX_DIGEST_LEN];
};

/* --- reading ----------------------------------------------------------------------------------------- */

struct px_delivery {
	uint64_t id, message, movement;
	char recipient[PX_AUTHORITY_MAX + 1];
	char partner[PX_NAME_MAX + 1];
	char route[PX_NAME_MAX + 1];
	enum px_prio prio; /* its own class: a head may be handed out as a better one */
	enum px_delivery_state state;
	bool head; /* nothing earlier of its movement is in the way */
	bool leased;
	bool held;      /* set aside, or about to be: a record is damaged; only its age or cancel end it */
	bool body_sent; /* an attempt sent the whole body */
	unsigned attempts;
	int64_t created;
	int64_t due;                   /* next attempt, while queued; at first the time of acceptance */
	int64_t deadline;              /* becomes expired or unknown; handed over: unknown */
	int64_t ended;                 /* 0: not final */
	char error[PX_REASON_MAX + 1]; /* why it still waits or how it ended */
};

struct px_message {
	uint64_t seq;
	struct px_header header;
	char partner[PX_NAME_MAX + 1];
	uint8_t digest[PX_DIGEST_LEN];
	uint64_t len;
	int64_t accepted;
	enum px_prio prio;
	bool confirmations;
	uint64_t movement;
	bool ended; /* its movement, by a message */
	struct px_keys keys;
	const uint8_t *coa;
	size_t coa_len;
	unsigned n_deliveries;
	const struct px_delivery *deliveries;
};
/** @message or @body NULL unless @rc is PX_OK; the callee may px_body_ref the body. */
typedef void px_message_done(void *arg, int rc, const struct px_message *message);
typedef void px_body_done(void *arg, int rc, struct px_body *body);
/** A page; @next not 0: more may follow, from there on (`from`), even if this one is short or empty. */
typedef void px_messages_done(void *arg, int rc, unsigned n, const struct px_message *m, uint64_t next);
typedef void px_deliveries_done(void *arg, int rc, unsigned n, const struct px_delivery *d, uint64_t next);

/** Filters; empty or 0 means any. Newest first unless @ascending. `partner` is whom the message came from
 * (deliveries: whom it goes to), `recipient` one that it has a delivery to; since <= accepted < until.
 * sender, type, message_id and accepted of deliveries are those of their message. */
struct px_scan {
	uint64_t from;  /* 0: the start */
	unsigned limit; /* <= 1000 */
	bool ascending;
	const char *partner, *sender, *type, *message_id, *recipient;
	int64_t since, until; /* accepted */
	bool open_only;       /* with a delivery that is not final (deliveries: that is not final) */
};
/** One (sender, id) to look up; answered in the same order. */
struct px_ref {
	char sender[PX_AUTHORITY_MAX + 1];
	char message_id[PX_MESSAGE_ID_MAX + 1];
};
struct px_resolved {
	bool found;
	uint64_t message;
	char partner[PX_NAME_MAX + 1]; /* whom we had it from; "" our own */
	uint8_t digest[PX_DIGEST_LEN];
	char type[PX_TYPE_MAX + 1]; /* "" and 0 where only the receipt is left or the record is damaged */
	int64_t accepted;           /* wall ms */
};
typedef void px_resolve_done(void *arg, int rc, unsigned n, const struct px_resolved *resolved);

/* --- deliveries -------------------------------------------------------------------------------------- */

struct px_token {
	uint64_t epoch, counter;
};

/** A leased delivery with all that is needed to send it. */
struct px_lease {
	struct px_token token;
	struct px_delivery delivery;
	struct px_header header;
	bool confirmations;
	char origin[PX_NAME_MAX + 1]; /* partner we have the message from; "" our own */
	struct px_body *body;
};
typedef void px_lease_done(void *arg, int rc, unsigned n, const struct px_lease *leases);

/** The end of an attempt, or of a delivery. */
struct px_settle {
	uint64_t delivery;
	struct px_token token; /* zero: without a lease (overdue, cancel, late confirmation); PX_ESTALE if it
				  is leased now */
	bool whoever;          /* instead of `token`: leased or not; a lease is then stale */
	enum px_delivery_state state; /* QUEUED: try again at `due` */
	bool attempted, body_sent;    /* counts as an attempt; all of the body went */
	int64_t due;                  /* QUEUED: next attempt; HANDED_OVER: when it is overdue */
	const char *error;            /* for people, also shown by `queue`; NULL none */
	const char *code;             /* for the journal: PX-..., or NULL */
	const uint8_t *answer;        /* the confirmation received, kept with the delivery; NULL none */
	size_t answer_len;
	/* A confirmation owed to the message's origin: px:Confirmation, unsigned; NULL none. Kept until an
	 * exchange that carries it is accepted; dropped when the message is of type Confirmations or this
	 * node's own. With `owed_answer_at` it lacks the base64 of `answer` at that octet: read, it is whole
	 */
	const uint8_t *owed;
	size_t owed_len, owed_answer_at;
	const char *actor;          /* who did it, for the journal; NULL the broker */
	const struct px_mark *mark; /* of an alarm, in the store if and only if this is; NULL none */
	bool outcome;               /* the same for an entry OUTCOME of the journal */
	bool patient; /* alone: acceptances are on their way, and it may wait to be flushed with one */
};
/** @rc PX_OK, PX_ENOTFOUND, PX_ESTALE (also: EXPIRED of what was sent, an end of what a post under way takes
 * along), PX_EPRECONDITION (final; UNKNOWN and CANCELLED may become DELIVERED or REFUSED), ... in this order.
 * A handed-over delivery is never QUEUED or handed over again. PX_OK ends the lease, and PX_ECORRUPT: it is
 * set aside, or, where that cannot be written, leased by nobody for a quarter of an hour. */
typedef void px_write_done(void *arg, int rc);

/** Pending confirmations for one way back. */
struct px_owed_group {
	char partner[PX_NAME_MAX + 1];         /* whom the message came from: the exchange goes there */
	char ref_sender[PX_AUTHORITY_MAX + 1]; /* Recipient of the exchange */
	int64_t oldest;
};
typedef void px_owed_groups_done(void *arg, int rc, unsigned n, const struct px_owed_group *groups);
struct px_owed {
	uint64_t id;
	const uint8_t *data;
	size_t len;
};
typedef void px_owed_done(void *arg, int rc, unsigned n, const struct px_owed *owed);

/* --- the whole --------------------------------------------------------------------------------------- */

struct px_partner_stats {
	char partner[PX_NAME_MAX + 1];
	uint64_t queued, handed_over;
	uint64_t delivered, refused, expired, unknown, cancelled, ever_unknown; /* the last only rises */
	int64_t oldest; /* when the oldest queued one was created; 0 none */
};
struct px_store_stats {
	uint64_t epoch, messages, movements, deliveries, owed, quarantined;
	uint64_t journal_entries;
	uint8_t journal_head[PX_DIGEST_LEN];
	uint8_t checkpoint[PX_DIGEST_LEN]; /* hash at the last signed checkpoint; zero before the first */
	uint64_t checkpoint_seq;
	uint64_t bytes_used, bytes_free, oldest_reader;
	uint64_t commits, operations;
	unsigned n_partners;
	const struct px_partner_stats *partners;
};
/** The confirmation that a settlement came with. @data NULL unless PX_OK. */
typedef void px_answer_done(void *arg, int rc, const uint8_t *data, size_t len);
typedef void px_stats_done(void *arg, int rc, const struct px_store_stats *stats);
typedef void px_journal_done(void *arg, int rc, unsigned n, const struct px_journal_read *entries,
			     uint64_t next);

/** What each backend fills in. Thread: loop; never blocks; @done exactly once, from dispatch. */
struct px_store_ops {
	const char *name;
	int (*fd)(struct px_store *st);
	void (*dispatch)(struct px_store *st);
	void (*close)(struct px_store *st);

	void (*accept)(struct px_store *st, const struct px_accept *req, px_accept_done *done, void *arg);
	void (*known)(struct px_store *st, const char *partner, const uint8_t digest[PX_DIGEST_LEN],
		      px_accept_done *done, void *arg);
	bool (*may_know)(struct px_store *st, const uint8_t digest[PX_DIGEST_LEN]); /* NULL: yes */
	void (*accept_status)(struct px_store *st, const struct px_ref *ref,
			      const uint8_t digest[PX_DIGEST_LEN], px_accept_done *done, void *arg);
	void (*journal)(struct px_store *st, const struct px_journal_entry *entry, px_write_done *done,
			void *arg);
	void (*checkpoint)(struct px_store *st, uint64_t seq, const uint8_t *signature, size_t len,
			   px_write_done *done, void *arg);

	void (*lease)(struct px_store *st, const char *partner, unsigned max, int64_t now,
		      px_lease_done *done, void *arg);
	void (*settle)(struct px_store *st, const struct px_settle *req, px_write_done *done, void *arg);
	void (*settle_all)(struct px_store *st, unsigned n, const struct px_settle *reqs, px_write_done *done,
			   void *arg);
	void (*overdue)(struct px_store *st, int64_t now, const struct px_delivery *after, unsigned max,
			px_deliveries_done *done, void *arg);
	void (*requeue)(struct px_store *st, const char *partner, int64_t due, px_write_done *done,
			void *arg);

	void (*owed_groups)(struct px_store *st, unsigned max, px_owed_groups_done *done, void *arg);
	void (*owed)(struct px_store *st, const char *partner, const char *ref_sender, unsigned max,
		     uint64_t octets, px_owed_done *done, void *arg);

	void (*message)(struct px_store *st, uint64_t seq, px_message_done *done, void *arg);
	void (*find)(struct px_store *st, const char *sender, const char *message_id, px_message_done *done,
		     void *arg);
	void (*body)(struct px_store *st, uint64_t seq, px_body_done *done, void *arg);
	void (*resolve)(struct px_store *st, unsigned n, const struct px_ref *refs, px_resolve_done *done,
			void *arg);
	void (*scan)(struct px_store *st, const struct px_scan *scan, px_messages_done *done, void *arg);
	void (*scan_deliveries)(struct px_store *st, const struct px_scan *scan, px_deliveries_done *done,
				void *arg);
	void (*lookup)(struct px_store *st, const struct px_lookup *which, px_messages_done *done, void *arg);
	void (*movement)(struct px_store *st, uint64_t movement, uint64_t from, unsigned limit,
			 px_messages_done *done, void *arg);
	void (*arrivals)(struct px_store *st, const struct px_arrivals *which, px_arrivals_done *done,
			 void *arg);
	void (*journal_scan)(struct px_store *st, uint64_t from, unsigned limit, bool ascending,
			     px_journal_done *done, void *arg);
	void (*stats)(struct px_store *st, px_stats_done *done, void *arg);
	const struct px_store_marks_ops *marks; /* store/marks.h */
	void (*answer)(struct px_store *st, uint64_t delivery, px_answer_done *done, void *arg);

	/* store/admin.h */
	void (*verify)(struct px_store *st, px_checkpoint_check *check, void *check_arg, px_verify_done *done,
		       void *arg);
	void (*give_up)(struct px_store *st, const void *arg);
	bool (*progress)(struct px_store *st, const void *arg, uint64_t *done, uint64_t *total);
	void (*quarantined)(struct px_store *st, uint64_t from, unsigned limit, px_quarantined_done *done,
			    void *arg);
	void (*purge)(struct px_store *st, const struct px_purge *req, px_purge_done *done, void *arg);
	void (*backup)(struct px_store *st, const char *folder, unsigned keep, px_backup_done *done,
		       void *arg);
};

struct px_store {
	const struct px_store_ops *ops;
};

/** Readable when there is something to dispatch. The simulated store has none (-1): dispatch each step. */
int px_store_fd(struct px_store *st);
/** Run the callbacks of finished operations; also what callbacks submit and is finished at once. */
void px_store_dispatch(struct px_store *st);
/** Finish what was submitted (durable as always; callbacks run), then free. What those callbacks submit is
 * not done: its callback gets PX_ECANCELLED. */
void px_store_close(struct px_store **st);

/** Persist a message with its duplicate key, deliveries, keys, CoA and journal entry (ACCEPTED; for each
 * applied confirmation SETTLED). Preconditions: (sender, id) is free (else PX_EDUPLICATE with the stored CoA
 * when the octets are the same, from whatever partner; else PX_ECONFLICT), every consumed entry exists. */
void px_store_accept(struct px_store *st, const struct px_accept *req, px_accept_done *done, void *arg);
/** Was this body accepted from this partner? rc PX_EDUPLICATE with the stored CoA, or PX_ENOTFOUND. */
void px_store_known(struct px_store *st, const char *partner, const uint8_t digest[PX_DIGEST_LEN],
		    px_accept_done *done, void *arg);
bool px_store_may_know(struct px_store *st, const uint8_t digest[PX_DIGEST_LEN]); /* no: surely not */
/** What became of an accept whose answer was PX_EUNKNOWN: PX_EDUPLICATE (it happened, or had before; with the
 * stored CoA), PX_ECONFLICT (other octets have that id), PX_ENOTFOUND (it did not happen, nor will it). */
void px_store_accept_status(struct px_store *st, const struct px_ref *ref,
			    const uint8_t digest[PX_DIGEST_LEN], px_accept_done *done, void *arg);
/** Append one entry. @done may be NULL. What partners read (PX_J_READ) needs room as an accept does. */
void px_store_journal(struct px_store *st, const struct px_journal_entry *entry, px_write_done *done,
		      void *arg);
/** Keep a signature over the hash of entry @seq (<= the head; else PX_ENOTFOUND). */
void px_store_checkpoint(struct px_store *st, uint64_t seq, const uint8_t *signature, size_t len,
			 px_write_done *done, void *arg);

/**
 * Lease up to @max heads for @partner whose `due` has come. Class A before B before C, but of every eight
 * leases at least one goes to each lower class that waits; within a class by due, then age. A delivery leased
 * stays so until settled; px_store_settle with state QUEUED gives it back. None is handed out whose
 * settlement was told. A damaged record is quarantined (journalled, counted, skipped): its delivery shows why
 * it waits, nothing of its movement goes past it; its deadline or a person ends it. */
void px_store_lease(struct px_store *st, const char *partner, unsigned max, int64_t now, px_lease_done *done,
		    void *arg);
/** Settle: state, promotion of the next head, owed confirmation and journal entry in one transaction. A retry
 * (QUEUED) is journalled only when `error` differs from the one kept. */
void px_store_settle(struct px_store *st, const struct px_settle *req, px_write_done *done, void *arg);
/** Settle up to PX_RECIPIENTS_MAX in one transaction: all or none. @rc of the first that cannot be. */
void px_store_settle_all(struct px_store *st, unsigned n, const struct px_settle *reqs, px_write_done *done,
			 void *arg);
/** Deliveries not final, heads or not, whose deadline has passed (<= @now) and that are not leased, by
 * deadline, then id: those behind @after, the last of an earlier page (NULL: from the first). */
void px_store_overdue(struct px_store *st, int64_t now, const struct px_delivery *after, unsigned max,
		      px_deliveries_done *done, void *arg);
/** Bring the due time of all heads of @partner that are not leased to @due if it is later (a partner is up
 * again; `retry`). */
void px_store_requeue(struct px_store *st, const char *partner, int64_t due, px_write_done *done, void *arg);

/** Groups of pending confirmations, oldest first. */
void px_store_owed_groups(struct px_store *st, unsigned max, px_owed_groups_done *done, void *arg);
/** The oldest pending confirmations of one group, at most @max and @octets (but at least one). They stay
 * until consumed. */
void px_store_owed(struct px_store *st, const char *partner, const char *ref_sender, unsigned max,
		   uint64_t octets, px_owed_done *done, void *arg);

void px_store_message(struct px_store *st, uint64_t seq, px_message_done *done, void *arg);
void px_store_find(struct px_store *st, const char *sender, const char *message_id, px_message_done *done,
		   void *arg);
void px_store_body(struct px_store *st, uint64_t seq, px_body_done *done, void *arg);
/** px_settle.answer of the last settlement of @delivery that had one: the partner's evidence. */
void px_store_answer(struct px_store *st, uint64_t delivery, px_answer_done *done, void *arg);
void px_store_resolve(struct px_store *st, unsigned n, const struct px_ref *refs, px_resolve_done *done,
		      void *arg);
void px_store_scan(struct px_store *st, const struct px_scan *scan, px_messages_done *done, void *arg);
void px_store_scan_deliveries(struct px_store *st, const struct px_scan *scan, px_deliveries_done *done,
			      void *arg);
/** Messages that carry a key. None: PX_OK and n 0. */
void px_store_lookup(struct px_store *st, const struct px_lookup *which, px_messages_done *done, void *arg);
/** Messages of a movement (whatever id it had before it was linked), in commit order. PX_ENOTFOUND: no such
 * movement. */
void px_store_movement(struct px_store *st, uint64_t movement, uint64_t from, unsigned limit,
		       px_messages_done *done, void *arg);
/** Entries from @from (included; 0: the start) on. */
void px_store_journal_scan(struct px_store *st, uint64_t from, unsigned limit, bool ascending,
			   px_journal_done *done, void *arg);
void px_store_stats(struct px_store *st, px_stats_done *done, void *arg);

#endif
