/* prinex: the write transaction of the LMDB store and what goes with it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_WTX_H
#define PX_STORE_WTX_H

#include "store/filter.h"
#include "store/leases.h"
#include "store/load.h"
#include "store/recent.h"
#include "store/redo.h"

/*
 * What every write works on. Numbers that each operation changes (state, partners) are kept here and written
 * once, by px_wtx_commit. When a transaction is given up all of it is what it was before.
 *
 * Calling sequence: px_wtx_open; px_wtx_begin, operations, px_wtx_commit or px_wtx_undo, again; px_wtx_close.
 * An operation tests what it requires before its first write: a failure after that (tx.rc) makes the whole
 * transaction fail, and the writer does the operations again one by one. Thread: the writer (opening: the
 * loop, before there is a writer).
 */

/** A partner's deliveries by state, and whose turn it is among the classes (memory only). */
struct px_wtx_partner {
	char name[PX_NAME_MAX + 1];
	struct px_rec_partner rec;
	bool changed;
	unsigned turns;
};

struct px_wtx {
	struct px_tx tx;          /* LMDB's; with db->redo it may stay open over several of ours */
	struct px_redo_base base; /* what it follows */
	uint64_t committed;       /* the last message that LMDB's last commit has */
	struct px_db *db;
	struct px_leases *leases;
	struct px_rec_state state;
	bool changed;                    /* state differs from what is stored */
	struct px_wtx_partner *partners; /* by name */
	size_t n_partners, cap_partners;
	int64_t now;               /* wall ms when the present operation was submitted */
	bool has_room;             /* accepts may go on */
	uint64_t credit;           /* octets that may come before the map is looked at again */
	struct px_buf rec, octets; /* encoding */
	struct px_sha256 *sha;
	struct px_recent *recent; /* what was accepted of late; forgotten by px_wtx_undo */
	struct px_filter *filter,
	    *fresh_filter; /* borrowed: digests go into both; NULL: none (ops_filter.c) */
};

/** Read state and partners. @return PX_OK, PX_ECORRUPT, PX_EVERSION, PX_EFATAL; @why. */
int px_wtx_open(struct px_wtx *w, struct px_db *db, struct px_leases *leases, struct px_buf *why);
void px_wtx_close(struct px_wtx *w);

int px_wtx_begin(struct px_wtx *w);
/** Durable when PX_OK: committed or, where db->redo is, perhaps only in the log. Otherwise undone. @return as
 * px_tx_commit. */
int px_wtx_commit(struct px_wtx *w);
/** What was done since px_wtx_begin is undone. */
void px_wtx_undo(struct px_wtx *w);
/** Between transactions: commit what is only in the log. @return as px_tx_commit; but with PX_EFULL it is
 * still in the log. */
int px_wtx_catch_up(struct px_wtx *w);

/** Look at file system and map, and decide whether accepts that bring @octets may go on. Outside of
 * transactions. @return PX_OK, or PX_EFATAL of a commit that this took. */
int px_wtx_look_for_room(struct px_wtx *w, uint64_t octets);

/** The counts of @name; made if there are none. View: until the next call. */
struct px_wtx_partner *px_wtx_partner(struct px_wtx *w, const char *name);
/** Make or replace the mark of that name; `at` 0: now. */
void px_wtx_mark(struct px_wtx *w, const struct px_mark *mark);
/** A delivery to @partner is in @state now (@by 1), or no longer (-1). */
void px_wtx_count(struct px_wtx *w, const char *partner, enum px_delivery_state state, int by);

void px_wtx_save_delivery(struct px_wtx *w, const struct px_delivery *d);
void px_wtx_save_movement(struct px_wtx *w, uint64_t id, const struct px_rec_movement *m);

/** Append an entry to the journal; `at` 0: now. */
void px_wtx_journal(struct px_wtx *w, const struct px_journal_entry *entry);
/** Keep a signature over the hash of an entry. @return PX_OK, PX_ENOTFOUND, PX_ECORRUPT. */
int px_wtx_checkpoint(struct px_wtx *w, uint64_t seq, struct px_octets signature);
/** Note that a record is damaged, once, with a journal entry; what is to be done about it is the caller's.
 * @delivery that cannot go on because of it, 0 none. */
void px_wtx_quarantine(struct px_wtx *w, enum px_table table, uint64_t id, uint64_t delivery,
		       const char *reason);

#endif
