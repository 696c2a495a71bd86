/* prinex: what is durable and not yet committed: the redo log of the LMDB store
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_REDO_H
#define PX_STORE_REDO_H

#include "base/digest.h"
#include "store/db.h"

/*
 * A commit of LMDB writes each page that changed where it lies, and flushes them: thirty scattered pages for
 * one message. So the writer keeps its transaction open for a moment (wtx.h) and makes each batch durable by
 * one write and one flush of what it put and removed, in a file beside the data. A commit makes that void.
 * After a crash px_redo_recover does again what the last commit lacks. docs/decisions/0014-redo-log.md says
 * why this loses nothing.
 *
 * The file has one size from the start and is written anew from its beginning after each commit. A batch
 * begins at a page and says which commit it follows (transaction, epoch, last hash of the journal), its
 * number since, its length and, at its very end, its checksum; the first that does not fit ends what is read.
 * So nothing is ever erased, and a batch that was torn was not acknowledged.
 *
 * Who reads must see all that was acknowledged: px_redo_wait lets the writer commit first.
 *
 * Threads: the writer's, except px_redo_wait and px_redo_is_ahead.
 */
#define PX_REDO_FILE "redo.log"

struct px_redo;

/** What a batch follows. */
struct px_redo_base {
	uint64_t txn; /* of LMDB's last commit */
	uint64_t epoch;
	uint8_t head[PX_DIGEST_LEN]; /* last hash of the journal */
	bool unknown;                /* epoch and hash are: they are what the first batch behind @txn says */
};

/**
 * Do in @tx what the log of the store in @folder has beyond @base; commit it then. @batches: how many.
 * @return PX_OK (also: there is no log, or it has nothing for this base), PX_ESYS (errno), or what the
 * transaction says.
 */
int px_redo_recover(struct px_tx *tx, const char *folder, const struct px_redo_base *base, uint64_t *batches);

/** The log of the store in @folder, made if it is missing, for a store whose map is @map_size. Nothing that
 * it may hold is needed any more. @return PX_OK, PX_EFULL, PX_ESYS (errno). */
int px_redo_open(const char *folder, uint64_t map_size, struct px_redo **out);
void px_redo_close(struct px_redo **redo);

/* --- what a transaction does is noted (tx.c) ---------------------------------------------------------- */

void px_redo_put(struct px_redo *redo, uint8_t table, const struct px_tkey *key, const void *data,
		 size_t len);
/** The same in two pieces. */
void px_redo_put_parts(struct px_redo *redo, uint8_t table, const struct px_tkey *key, struct px_octets head,
		       struct px_octets body);
void px_redo_del(struct px_redo *redo, uint8_t table, const struct px_tkey *key);
void px_redo_clear(struct px_redo *redo, uint8_t table);

/* --- batches (wtx.c) ---------------------------------------------------------------------------------- */

/** Is anything noted since the last batch? */
bool px_redo_has_notes(const struct px_redo *redo);
/** Is the log the way to make it durable: is it small enough, and is there room for it? */
bool px_redo_fits(const struct px_redo *redo);
/** Forget what was noted since the last batch. */
void px_redo_drop(struct px_redo *redo);
/** Make what was noted durable as the next batch behind @base. Blocks for the flush. @return PX_OK; PX_EFULL:
 * it is not there; PX_EFATAL: it may be there or not, as a restart will show (logged). */
int px_redo_append(struct px_redo *redo, const struct px_redo_base *base);
/** Do all batches since the last commit again, in a transaction that sees that. @return as px_redo_recover.
 */
int px_redo_again(struct px_redo *redo, struct px_tx *tx);
/** All batches are committed. */
void px_redo_committed(struct px_redo *redo);

/* --- who reads ---------------------------------------------------------------------------------------- */

/** Is there more in the log than was committed? Thread: any. */
bool px_redo_is_ahead(const struct px_redo *redo);
/** @wake is called, from any thread, when somebody waits for a commit. */
void px_redo_set_waker(struct px_redo *redo, void (*wake)(void *arg), void *arg);
/** Does anybody wait for a commit? */
bool px_redo_is_awaited(const struct px_redo *redo);
/** The writer has tried to commit, with whatever result: who waits goes on. */
void px_redo_tried(struct px_redo *redo);
/** The writer ends: nobody waits any more. */
void px_redo_leave(struct px_redo *redo);
/** Wait until all is committed that is in the log now. Thread: any but the writer's. @return PX_OK, or
 * PX_EFULL: it could not be, for want of room. */
int px_redo_wait(struct px_redo *redo);

#endif
