/* prinex: the LMDB environment: opening, errors, room
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"
#include "store/db_error.h"
#include "store/manifest.h"
#include "store/redo.h"

/* Below this much free space an I/O error of a commit is taken for a full disk: more than one transaction may
 * write. LMDB reports a short write as EIO. */
#define NEARLY_FULL (64u * 1024 * 1024)
#define LOCK_WAIT   5000 /* ms */
#define LOCK_EVERY  20

static const char *const table_names[] = {
#define PX_TABLE(name, wire, key, value) wire,
#include "store/tables.def"
#undef PX_TABLE
};

const char *px_table_name(enum px_table table)
{
	px_assert((size_t)table < PX_ARRAY_LEN(table_names));
	return table_names[table];
}

/* --- errors ------------------------------------------------------------------------------------------ */

int px_db_error(const struct px_db *db, int rc, const char *doing)
{
	switch (rc) {
	case MDB_SUCCESS: return PX_OK;
	case MDB_NOTFOUND: return PX_ENOTFOUND;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
	case ENOSPC:
	case EDQUOT: return PX_EFULL;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_KEYEXIST: /* a key that was to be greater than all is not */
		px_warnx("store", "%s: %s", doing, mdb_strerror(rc));
		return PX_ECORRUPT;
	case EIO:
		if (px_db_disk_free(db) < NEARLY_FULL)
			return PX_EFULL;
		break;
	default: break;
	}
	px_log(PX_LOG_ERR, "store", "%s: %s", doing, mdb_strerror(rc));
	return PX_EFATAL;
}

/* --- room -------------------------------------------------------------------------------------------- */

uint64_t px_db_disk_free(const struct px_db *db)
{
	struct statvfs fs;
	if (statvfs(db->path, &fs) != 0)
		return UINT64_MAX;
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

void px_db_check_readers(struct px_db *db)
{
	int dead = 0;
	int rc = mdb_reader_check(db->env, &dead);
	if (rc != MDB_SUCCESS)
		px_warnx("store", "checking for dead readers: %s", mdb_strerror(rc));
	else if (dead > 0)
		px_log(PX_LOG_NOTICE, "store", "readers=%d cleared slots of readers that died", dead);
}

static int note_reader(const char *line, void *arg)
{
	uint64_t *oldest = arg;
	unsigned long long txn = 0;
	/* "    pid     thread     txnid", a "-" for none */
	if (sscanf(line, "%*d %*x %llu", &txn) == 1 && txn < *oldest)
		*oldest = txn;
	return 0;
}

uint64_t px_db_oldest_reader(struct px_db *db)
{
	MDB_envinfo info;
	mdb_env_info(db->env, &info);
	uint64_t oldest = info.me_last_txnid;
	mdb_reader_list(db->env, note_reader, &oldest);
	return info.me_last_txnid - oldest;
}

/* --- opening ----------------------------------------------------------------------------------------- */

/* A process that was killed may hold the lock until its last write is through; whoever starts it anew is
 * quicker. */
static bool lock_in_time(int fd, const char *path)
{
	for (unsigned ms = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; ms += LOCK_EVERY) {
		if (errno != EWOULDBLOCK || ms >= LOCK_WAIT)
			return false;
		if (ms == 0)
			px_log(PX_LOG_NOTICE, "store",
			       "path=%s another process has this store open; waiting for its end", path);
		usleep(LOCK_EVERY * 1000);
	}
	return true;
}

static int lock_folder(struct px_db *db, struct px_buf *why)
{
	struct px_buf name = PX_BUF_INIT;
	if (mkdir(db->path, 0700) != 0 && errno != EEXIST) {
		px_buf_setf(why, "%s: cannot make the folder: %s", db->path, strerror(errno));
		return PX_ESYS;
	}
	px_buf_addf(&name, "%s/in-use", db->path);
	db->lock = open(px_buf_str(&name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int rc = PX_OK;
	if (db->lock < 0) {
		px_buf_setf(why, "%s: %s", px_buf_str(&name), strerror(errno));
		rc = PX_ESYS;
	} else if (!lock_in_time(db->lock, db->path)) {
		px_buf_setf(why, "%s: another process has this store open", db->path);
		rc = PX_ESYS;
	}
	px_buf_free(&name);
	return rc;
}

static int open_failed(const struct px_db *db, int rc, const char *doing, struct px_buf *why)
{
	px_buf_setf(why, "%s: %s: %s", db->path, doing, mdb_strerror(rc));
	switch (rc) {
	case MDB_INVALID:
	case MDB_CORRUPTED:
	case MDB_VERSION_MISMATCH: return PX_ECORRUPT;
	case ENOSPC:
	case EDQUOT:
	case MDB_MAP_FULL: return PX_EFULL;
	default: return rc == EIO && px_db_disk_free(db) < NEARLY_FULL ? PX_EFULL : PX_ESYS;
	}
}

/* What follows the last commit; nothing does in a new store. */
static int recover(struct px_tx *tx, struct px_buf *why)
{
	struct px_tkey key = px_tkey_name("state");
	struct px_redo_base base = {.txn = px_tx_number(tx) - 1};
	struct px_octets fields;
	struct px_rec_state state;
	uint64_t batches;
	int rc = px_tx_record(tx, PX_T_META, &key, &fields);
	if (tx->rc != PX_OK)
		px_buf_setf(why, "%s: reading the state of the store: %s", tx->db->path, px_err_text(tx->rc));
	if (tx->rc != PX_OK || rc == PX_ENOTFOUND)
		return tx->rc;
	/* A batch that changes the state has all of it, and mends one that cannot be read; where there is
	 * none, whoever reads the state next will say so. */
	base.unknown = rc != PX_OK || px_rec_get_state(fields, &state) != PX_OK;
	if (!base.unknown) {
		base.epoch = state.epoch;
		memcpy(base.head, state.journal_head, PX_DIGEST_LEN);
	}
	rc = px_redo_recover(tx, tx->db->path, &base, &batches);
	if (rc != PX_OK)
		px_buf_setf(why,
			    "%s: doing again what " PX_REDO_FILE " has, which was acknowledged and not yet "
			    "committed: %s; without that file the store opens, and has lost it",
			    tx->db->path, rc == PX_ESYS ? strerror(errno) : px_err_text(rc));
	else if (batches > 0)
		px_log(PX_LOG_NOTICE, "store", "path=%s batches=%llu done again after the last commit",
		       tx->db->path, (unsigned long long)batches);
	return rc;
}

static int open_tables(struct px_db *db, struct px_buf *why)
{
	struct px_tx tx = {.db = db};
	int rc = mdb_txn_begin(db->env, NULL, 0, &tx.txn);
	if (rc != MDB_SUCCESS)
		return open_failed(db, rc, "first transaction", why);
	for (int i = 0; i < PX_TABLES && rc == MDB_SUCCESS; i++)
		rc = mdb_dbi_open(tx.txn, table_names[i], MDB_CREATE, &db->tables[i]);
	int failed = rc == MDB_SUCCESS ? recover(&tx, why) : PX_OK;
	if (rc == MDB_SUCCESS && failed == PX_OK)
		rc = mdb_txn_commit(tx.txn);
	else
		mdb_txn_abort(tx.txn);
	if (failed != PX_OK)
		return failed == PX_EFATAL ? PX_ESYS : failed;
	return rc == MDB_SUCCESS ? PX_OK : open_failed(db, rc, "opening tables", why);
}

/* A new environment in the new folder @folder: its first pages, flushed. */
static int make_in(const struct px_db *db, const char *folder)
{
	MDB_env *env = NULL;
	int rc = mkdir(folder, 0700) == 0 ? mdb_env_create(&env) : errno;
	if (rc == MDB_SUCCESS)
		rc = mdb_env_set_mapsize(env, db->map_size);
	if (rc == MDB_SUCCESS)
		rc = mdb_env_open(env, folder, MDB_NOLOCK, 0600);
	if (rc == MDB_SUCCESS)
		rc = mdb_env_sync(env, 1);
	if (env != NULL)
		mdb_env_close(env);
	return rc;
}

/* LMDB writes the first pages of a new environment in place and does not flush them: a start that fails
 * there, or a power cut, would leave a file that no later start opens. So they are made beside it, flushed,
 * and moved. */
static int make_first(const struct px_db *db, struct px_buf *why)
{
	struct px_buf data = PX_BUF_INIT, folder = PX_BUF_INIT, made = PX_BUF_INIT;
	struct stat st;
	int rc = MDB_SUCCESS;
	px_buf_addf(&data, "%s/" PX_MANIFEST_DATA, db->path);
	px_buf_addf(&folder, "%s/new", db->path);
	px_buf_addf(&made, "%s/" PX_MANIFEST_DATA, px_buf_str(&folder));
	px_manifest_remove(px_buf_str(&folder)); /* what an earlier start left */
	if (stat(px_buf_str(&data), &st) != 0 ? errno == ENOENT : st.st_size == 0) {
		rc = make_in(db, px_buf_str(&folder));
		if (rc == MDB_SUCCESS && rename(px_buf_str(&made), px_buf_str(&data)) != 0)
			rc = errno;
		px_manifest_remove(px_buf_str(&folder));
	}
	px_buf_free(&data);
	px_buf_free(&folder);
	px_buf_free(&made);
	return rc == MDB_SUCCESS ? PX_OK : open_failed(db, rc, "making a new store", why);
}

/* What is flushed into a file is kept only if the names on the way to it are: of the file, and of the folder.
 * At each start, for the one that made them may have been cut off before. */
static int keep_names(const struct px_db *db, struct px_buf *why)
{
	struct px_buf above = PX_BUF_INIT;
	px_buf_addf(&above, "%s/..", db->path);
	int rc = px_manifest_sync(db->path) == PX_OK ? MDB_SUCCESS : errno;
	/* EACCES: what is above is not for us to read. */
	if (rc == MDB_SUCCESS && px_manifest_sync(px_buf_str(&above)) != PX_OK && errno != EACCES)
		rc = errno;
	px_buf_free(&above);
	return rc == MDB_SUCCESS ? PX_OK : open_failed(db, rc, "flushing the folder", why);
}

static int open_env(struct px_db *db, struct px_buf *why)
{
	int rc = make_first(db, why);
	if (rc == PX_OK)
		rc = keep_names(db, why);
	if (rc != PX_OK)
		return rc;
	rc = mdb_env_create(&db->env);
	if (rc == MDB_SUCCESS)
		rc = mdb_env_set_maxdbs(db->env, PX_TABLES);
	if (rc == MDB_SUCCESS)
		rc = mdb_env_set_mapsize(db->env, db->map_size);
	if (rc == MDB_SUCCESS)
		rc = mdb_env_open(db->env, db->path, 0, 0600);
	if (rc != MDB_SUCCESS)
		return open_failed(db, rc, "opening", why);
	MDB_stat stat;
	MDB_envinfo info;
	mdb_env_stat(db->env, &stat);
	mdb_env_info(db->env, &info);
	db->page = stat.ms_psize;
	db->map_size = info.me_mapsize;
	px_db_check_readers(db);
	return open_tables(db, why);
}

int px_db_lock(struct px_db *db, const char *path, struct px_buf *why)
{
	*db = (struct px_db){.path = px_xstrdup(path), .lock = -1};
	return lock_folder(db, why);
}

static int peek(MDB_env *env, struct px_rec_state *state)
{
	struct px_tkey key = px_tkey_name("state");
	MDB_val k = {.mv_size = key.len, .mv_data = key.data}, v;
	struct px_octets fields;
	MDB_txn *txn = NULL;
	MDB_dbi meta;
	int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
	if (rc == MDB_SUCCESS)
		rc = mdb_dbi_open(txn, table_names[PX_T_META], 0, &meta);
	if (rc == MDB_SUCCESS)
		rc = mdb_get(txn, meta, &k, &v);
	if (rc == MDB_SUCCESS)
		rc = px_rec_open(PX_T_META, key.data, key.len, v.mv_data, v.mv_size, &fields) == PX_OK
			 ? px_rec_get_state(fields, state)
			 : PX_ECORRUPT;
	if (txn != NULL)
		mdb_txn_abort(txn);
	return rc == MDB_SUCCESS ? PX_OK : PX_ECORRUPT;
}

int px_db_peek(const char *path, struct px_rec_state *state)
{
	MDB_env *env = NULL;
	int rc = mdb_env_create(&env);
	if (rc == MDB_SUCCESS)
		rc = mdb_env_set_maxdbs(env, PX_TABLES);
	if (rc == MDB_SUCCESS)
		rc = mdb_env_open(env, path, MDB_RDONLY | MDB_NOLOCK, 0600);
	int result = rc == MDB_SUCCESS ? peek(env, state) : rc == ENOENT ? PX_ENOTFOUND : PX_ECORRUPT;
	if (env != NULL)
		mdb_env_close(env);
	return result;
}

int px_db_open(struct px_db *db, const char *path, uint64_t map_size, uint64_t watermark, struct px_buf *why)
{
	const uint64_t granule = 1024 * 1024;
	int rc = px_db_lock(db, path, why);
	db->watermark = watermark;
	db->map_size = (map_size + granule - 1) / granule * granule;
	if (rc == PX_OK)
		rc = open_env(db, why);
	return rc;
}

int px_db_copy(struct px_db *db, int fd)
{
	if (db->redo != NULL && px_redo_wait(db->redo) != PX_OK)
		return ENOSPC;
	return mdb_env_copyfd2(db->env, fd, MDB_CP_COMPACT);
}

uint64_t px_db_size(const struct px_db *db)
{
	MDB_envinfo info;
	mdb_env_info(db->env, &info);
	return ((uint64_t)info.me_last_pgno + 1) * db->page;
}

void px_db_close(struct px_db *db)
{
	px_redo_close(&db->redo);
	if (db->env != NULL)
		mdb_env_close(db->env);
	if (db->lock >= 0)
		close(db->lock);
	free(db->path);
	*db = (struct px_db){.lock = -1};
}
