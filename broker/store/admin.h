/* prinex: the contract of every store, second part: verify, quarantine, purge, backup, restore, repair
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_ADMIN_H
#define PX_STORE_ADMIN_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"

/*
 * Included by store/store.h, whose rules hold here too: operations are submitted on the loop, return at once,
 * and their callback runs exactly once, later, from px_store_dispatch().
 *
 * Verify and backup may take minutes. They hold up nothing, can be given up (px_store_give_up), and are given
 * up when the store is closed. What is offline (px_store_lmdb_restore, px_store_lmdb_repair) blocks, and
 * wants a store that nobody has open.
 */
struct px_store;

/* --- verify ---------------------------------------------------------------------------------------- */

/** What verify found. */
struct px_verify_report {
	uint64_t records;
	uint64_t damaged;      /* checksum or decoding failures */
	uint64_t index_faults; /* an index entry without its record, or the other way round */
	bool journal_ok;
	uint64_t journal_entries, journal_checkpoints;
	uint64_t journal_broken_at; /* first entry whose hash does not follow; 0 none */
	const char *first_fault;    /* "" none */
};
/** @report NULL unless PX_OK. PX_ECANCELLED: given up. */
typedef void px_verify_done(void *arg, int rc, const struct px_verify_report *report);
/** Check a checkpoint's signature over @hash; used by verify, perhaps on another thread.
 * @return PX_OK or PX_ESIGNATURE. */
typedef int px_checkpoint_check(void *arg, uint64_t seq, const uint8_t hash[PX_DIGEST_LEN],
				const uint8_t *signature, size_t len);

/** Walk everything: checksums, indexes against records both ways, the journal's chain and checkpoints; a few
 * milliseconds at a time, other readers in between. */
void px_store_verify(struct px_store *st, px_checkpoint_check *check, void *check_arg, px_verify_done *done,
		     void *arg);
/** Give up the verify or backup that was submitted with @arg: it ends within milliseconds, with
 * PX_ECANCELLED unless it was done already. Nothing when there is none. */
void px_store_give_up(struct px_store *st, const void *arg);
/** How far it is: @done of @total entries (verify) or octets (backup, which may end below @total). @return
 * false: there is none, or nobody can tell yet. */
bool px_store_progress(struct px_store *st, const void *arg, uint64_t *done, uint64_t *total);

/* --- quarantine ------------------------------------------------------------------------------------ */

/** A record that was found damaged. It stays where it is; this says so. */
struct px_quarantined {
	uint64_t place;     /* where it stands in the list: `from` of a page that begins with it */
	const char *table;  /* name of the table */
	uint64_t record;    /* message, delivery or movement, as the table has it */
	uint64_t delivery;  /* that cannot go on because of it; 0 none */
	int64_t at;         /* when it was found, wall ms */
	const char *reason; /* what is wrong with it */
};
/** A page; @next not 0: more follow from there on. */
typedef void px_quarantined_done(void *arg, int rc, unsigned n, const struct px_quarantined *items,
				 uint64_t next);
/** Records set aside, by table and number, from @from (0: the first) on, at most @limit (<= 1000). */
void px_store_quarantined(struct px_store *st, uint64_t from, unsigned limit, px_quarantined_done *done,
			  void *arg);

/* --- purge ----------------------------------------------------------------------------------------- */

/** How long messages are kept. For each recipient of a message (one without: "") the first rule counts whose
 * type and recipient fit; "" fits all. */
struct px_purge_rule {
	const char *type, *recipient;
	int64_t keep; /* ms after the message's last delivery ended (acceptance, when it has none) */
	bool hold;    /* legal hold: for ever */
};
struct px_purge {
	int64_t now; /* wall ms */
	unsigned n_rules;
	const struct px_purge_rule *rules; /* copied, strings too */
	int64_t keep;                      /* where no rule fits */
	int64_t horizon;                   /* ms: the oldest that would be accepted now */
	uint64_t from;                     /* 0: the start; else `next` of the call before */
	unsigned max;                      /* messages to look at, at most (<= 10,000; 0: so many) */
};
struct px_purge_report {
	uint64_t messages; /* removed: header, body, keys, deliveries, answers */
	uint64_t receipts; /* removed: duplicate keys and their CoA */
	uint64_t octets;   /* of bodies */
	uint64_t next;     /* where to go on; 0: the run is complete */
};
/** @report says what was removed even when @rc is not PX_OK. */
typedef void px_purge_done(void *arg, int rc, const struct px_purge_report *report);
/**
 * Remove what need not be kept: a part of a run; call again with `from` until `next` is 0.
 *  - A message goes as a whole when all its deliveries are final and all its recipients' rules allow it; its
 *    movement, with the keys that lead to it, goes with its last message.
 *  - The duplicate key and the CoA stay until px_accept.horizon_end and `horizon` more, so that nothing old
 *    can be replayed, even if the horizon has become longer since acceptance: until then accept, known and
 * accept_status answer as before; px_store_resolve shows what is left. Confirmations about a purged message
 * are PX_APPLY_NO_MESSAGE.
 *  - Quarantine entries go when all rules would allow it, with the octets of the damaged message if its
 *    deliveries are final. A duplicate key that is damaged itself stays.
 *  - The journal is never purged. Each transaction that removes something says so in it (`purged`).
 * Yields: it removes some 250 entries in a transaction (but a whole message), or, where more than that come
 * in, the messages accepted since its last transaction and a quarter more, and waits behind all writes that
 * wait before the next.
 */
void px_store_purge(struct px_store *st, const struct px_purge *req, px_purge_done *done, void *arg);

/* --- backup ---------------------------------------------------------------------------------------- */

struct px_backup_report {
	const char *path; /* folder of the copy: data.mdb and MANIFEST */
	uint64_t epoch;
	uint64_t message; /* all accepted up to this one are in it... */
	uint64_t journal; /* ...and the journal up to this entry */
	uint64_t octets;
	uint64_t growth; /* octets by which the store grew meanwhile: old pages could not be used again */
	int64_t ms;
	unsigned removed; /* older copies */
};
/** @report NULL unless PX_OK; @why "" then. PX_ECANCELLED, PX_EFULL, PX_ESYS: nothing is left behind. */
typedef void px_backup_done(void *arg, int rc, const struct px_backup_report *report, const char *why);
/**
 * Copy the store, as it is at one moment, into a new folder below @folder (which must exist), flushed, with a
 * manifest; then remove all but the newest @keep copies there (0: none is removed). Everything acknowledged
 * before the call is in it. Copies hold what the store holds: they are part of the duty to delete, which
 * @keep and the frequency of backups must fulfil. One at a time: PX_EBUSY.
 */
void px_store_backup(struct px_store *st, const char *folder, unsigned keep, px_backup_done *done, void *arg);

/* --- the LMDB backend ------------------------------------------------------------------------------ */

struct px_store_lmdb_setup {
	const char *path; /* folder, made if missing (mode 0700) */
	uint64_t map_size;
	uint64_t watermark; /* octets free on the disk below which accept says PX_EFULL, but for partner "" */
	unsigned batch;     /* operations in a transaction at most */
	struct px_clock *clock;
	/** Called once by px_store_dispatch when the store cannot be written any more and no operation is
	 * there to say so (PX_EFATAL). NULL: nobody is told. */
	void (*failed)(void *arg, const char *what);
	void *failed_arg;
};
/**
 * Blocks: only at start. A store of an earlier format is brought to the present one, in one transaction; a
 * later one is refused (PX_EVERSION). @return PX_OK, PX_EVERSION, PX_ECORRUPT, PX_EFULL, PX_ESYS; @why.
 */
int px_store_lmdb_open(const struct px_store_lmdb_setup *setup, struct px_store **out, struct px_buf *why);

/**
 * Offline: put the backup in folder @from in the place of @setup's store. The copy is copied beside the
 * store, compared with its manifest and verified whole, all before anything is replaced; the store that was
 * there is kept in the subfolder `replaced-TIME`. The epoch rises beyond any that was, and the journal says
 * `restored`. @said gets what was done, or why not. @return PX_OK, PX_ENOTFOUND, PX_ECORRUPT, PX_EVERSION,
 * PX_EFULL, PX_ESYS.
 */
int px_store_lmdb_restore(const struct px_store_lmdb_setup *setup, const char *from, struct px_buf *said);

/**
 * Offline: make all indexes and counts anew from the records; never changes or removes a record. What is
 * damaged stays damaged, and is listed. @said gets what was done and what verify finds afterwards, or why
 * not. @return PX_OK (sound), PX_ECORRUPT (records are damaged still), PX_EVERSION, PX_EFULL, PX_ESYS.
 */
int px_store_lmdb_repair(const struct px_store_lmdb_setup *setup, struct px_buf *said);

#endif
