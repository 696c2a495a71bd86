/* prinex: the LMDB environment: tables, transactions, cursors, and its errors in our words
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_DB_H
#define PX_STORE_DB_H

#include <lmdb.h>

#include "base/buf.h"
#include "store/keys.h"
#include "store/records.h"

/*
 * The only place that includes lmdb.h and knows its error codes. Durability flags are all left at their
 * default: NOSYNC can corrupt, NOMETASYNC can lose the last commit, WRITEMAP dies of SIGBUS on a full disk.
 * No DUPSORT and no nested transactions either.
 *
 * Calling sequence: px_db_open; transactions on the writer thread (write) and the reader thread (read), at
 * most one of each at a time; px_db_close. Never across fork.
 *
 * A transaction keeps its first error in `rc`: later calls do nothing and answer it, so that ten steps need
 * one check. PX_ENOTFOUND and a damaged record (PX_ECORRUPT from px_tx_record) are answers, not errors.
 */

enum px_table {
#define PX_TABLE(name, wire, key, value) PX_T_##name,
#include "store/tables.def"
#undef PX_TABLE
	PX_TABLES
};
const char *px_table_name(enum px_table table);

struct px_redo;

struct px_db {
	MDB_env *env;
	struct px_redo *redo; /* what was acknowledged and is not committed; NULL: nothing ever is (redo.h) */
	MDB_dbi tables[PX_TABLES];
	char *path;
	int lock; /* file descriptor that holds the lock against other processes */
	uint64_t watermark;
	uint64_t map_size;
	unsigned page;
};

/**
 * Lock the folder @path (made if missing, mode 0700) and open what is in it, with all tables; what was
 * acknowledged and not committed is done again. Blocks; for some seconds also where another process has it,
 * which may be ending.
 * @return PX_OK, PX_ESYS (also: another process has it), PX_EFULL, PX_ECORRUPT; @why.
 */
int px_db_open(struct px_db *db, const char *path, uint64_t map_size, uint64_t watermark, struct px_buf *why);
/** Only lock the folder (made if missing): nobody else opens the store meanwhile. @return PX_OK, PX_ESYS;
 * @why.
 */
int px_db_lock(struct px_db *db, const char *path, struct px_buf *why);
/** What the state of the store in folder @path says, opened for reading alone: a copy, or a store that nobody
 * has open. @return PX_OK, PX_ENOTFOUND, PX_ECORRUPT. */
int px_db_peek(const char *path, struct px_rec_state *state);
/**
 * Write a compact copy of what is acknowledged now to @fd, which may be a pipe. A long reader: pages given
 * back meanwhile cannot be used again before it ends. Blocks; any thread but those of px_tx. @return 0 or an
 * error number of the system or LMDB; ENOSPC also when there is no room to commit what was acknowledged.
 */
int px_db_copy(struct px_db *db, int fd);
/** Octets that the file takes up. */
uint64_t px_db_size(const struct px_db *db);
/** Also after a px_db_open that failed. */
void px_db_close(struct px_db *db);
/** Octets still free for us on the file system. UINT64_MAX when it will not say. */
uint64_t px_db_disk_free(const struct px_db *db);
/** Clear slots of readers that died. Thread: any. */
void px_db_check_readers(struct px_db *db);
/** How many transactions the oldest reader of any process lags behind. */
uint64_t px_db_oldest_reader(struct px_db *db);

struct px_tx {
	struct px_db *db;
	MDB_txn *txn;
	int rc;
	struct px_redo *redo; /* what is put and removed is noted there; NULL: nowhere */
	bool behind;          /* for want of room it does not see all that was acknowledged */
};

/** @return PX_OK or PX_EFATAL; also kept in tx->rc. */
int px_tx_write(struct px_tx *tx, struct px_db *db);
/** Sees all that was acknowledged before: waits for its commit. Where there is no room for that it sees what
 * was committed before, and is `behind`. Not on the writer's thread, except while it has nothing that is not
 * committed. */
int px_tx_read(struct px_tx *tx, struct px_db *db);
/** Sees what was committed. */
int px_tx_read_committed(struct px_tx *tx, struct px_db *db);
/** After damage LMDB answers nothing more in a transaction: read on in a new one, which sees what was
 * committed meanwhile too. @return PX_OK or PX_EFATAL. */
int px_tx_read_on(struct px_tx *tx);
/**
 * Make it durable (blocks for the flush). With an error kept: give up and answer that. @return PX_OK,
 * PX_EFULL, PX_EFATAL: nothing of it happened, as a restart will show.
 */
int px_tx_commit(struct px_tx *tx);
void px_tx_abort(struct px_tx *tx);
/** Octets of the map in use, and octets that it could still take, as this read transaction sees it. */
void px_tx_usage(struct px_tx *tx, uint64_t *used, uint64_t *left);
/** Remove all entries of a table. */
void px_tx_clear(struct px_tx *tx, enum px_table table);
uint64_t px_tx_entries(struct px_tx *tx, enum px_table table);

/** @out: view until the next write or the end. @return PX_OK, PX_ENOTFOUND or tx->rc. */
int px_tx_get(struct px_tx *tx, enum px_table table, const struct px_tkey *key, struct px_octets *out);
/** The same for a record: version and checksum are tested. @return also PX_ECORRUPT. */
int px_tx_record(struct px_tx *tx, enum px_table table, const struct px_tkey *key, struct px_octets *fields);
void px_tx_put(struct px_tx *tx, enum px_table table, const struct px_tkey *key, const void *data,
	       size_t len);
/** As px_tx_put for a key greater than all in the table. */
void px_tx_append(struct px_tx *tx, enum px_table table, const struct px_tkey *key, const void *data,
		  size_t len);
/** Seal the record in @rec and put it. */
void px_tx_put_record(struct px_tx *tx, enum px_table table, const struct px_tkey *key, struct px_buf *rec);
void px_tx_append_record(struct px_tx *tx, enum px_table table, const struct px_tkey *key,
			 struct px_buf *rec);
/** As px_tx_append for what stands in two places. */
void px_tx_append_parts(struct px_tx *tx, enum px_table table, const struct px_tkey *key,
			struct px_octets head, struct px_octets body);
/** Which transaction this is, or for a reading one which it sees: they are numbered. */
uint64_t px_tx_number(const struct px_tx *tx);
/** @return PX_OK, PX_ENOTFOUND or tx->rc. */
int px_tx_del(struct px_tx *tx, enum px_table table, const struct px_tkey *key);

/** A place in a table. Views die with the next write. */
struct px_cur {
	struct px_tx *tx;
	MDB_cursor *cursor;
	struct px_octets key, value;
};

void px_cur_open(struct px_cur *cur, struct px_tx *tx, enum px_table table);
void px_cur_close(struct px_cur *cur);
/** Go to the first key >= @key. @return whether there is one; the same for all that move. */
bool px_cur_seek(struct px_cur *cur, const struct px_tkey *key);
/** Go to the last key < @key. */
bool px_cur_before(struct px_cur *cur, const struct px_tkey *key);
bool px_cur_first(struct px_cur *cur);
bool px_cur_last(struct px_cur *cur);
bool px_cur_next(struct px_cur *cur);
bool px_cur_prev(struct px_cur *cur);
bool px_cur_has_prefix(const struct px_cur *cur, const struct px_tkey *prefix);
/** The key taken apart. */
struct px_tkey_in px_cur_read(const struct px_cur *cur);

#endif
