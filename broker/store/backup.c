/* prinex: LMDB store: an online copy with its manifest, on a thread of its own
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sched.h"
#include "base/strings.h"
#include "store/format.h"
#include "store/lmdb_store.h"
#include "store/manifest.h"

/*
 * LMDB writes its copy into a pipe on one thread; ours reads it, hashes it and writes the file. So the hash
 * costs no second pass, and closing the pipe stops LMDB at once. docs/decisions/0007-backup.md says why it is
 * LMDB's own copy.
 */
struct backup_op {
	struct px_long_op job;
	struct px_lmdb *lm;
	const char *folder;
	unsigned keep;
	px_backup_done *done;
	void *arg;
	pthread_t thread;
	bool started;
	struct px_buf partial, path, why;
	struct px_manifest manifest;
	struct px_backup_report report;
	int64_t wall;
};

/* --- the copy ---------------------------------------------------------------------------------------- */

struct source {
	struct px_db *db;
	int fd;
	int error;
};

static void *feed(void *arg)
{
	struct source *source = arg;
	pthread_setname_np(pthread_self(), "store-copy");
	px_sched_short_turns(false);
	source->error = px_db_copy(source->db, source->fd);
	close(source->fd);
	return NULL;
}

/* Asked between pieces. */
static bool is_given_up(void *arg)
{
	struct backup_op *o = arg;
	atomic_store(&o->job.done, o->manifest.octets);
	return atomic_load(&o->job.stop);
}

static int failed(struct backup_op *o, const char *doing, int error)
{
	px_buf_setf(&o->why, "%s: %s: %s", o->folder, doing, mdb_strerror(error));
	return error == ENOSPC || error == EDQUOT ? PX_EFULL : PX_ESYS;
}

static int copy_data(struct backup_op *o)
{
	struct px_buf file = PX_BUF_INIT;
	const struct px_stop stop = {is_given_up, o};
	struct source source = {.db = &o->lm->db};
	pthread_t feeder;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return failed(o, "pipe", errno);
	source.fd = ends[1];
	int error = pthread_create(&feeder, NULL, feed, &source);
	if (error != 0) {
		close(ends[0]);
		close(ends[1]);
		return failed(o, "thread", error);
	}
	px_buf_addf(&file, "%s/" PX_MANIFEST_DATA, px_buf_str(&o->partial));
	int rc = px_manifest_copy(ends[0], px_buf_str(&file), &stop, &o->manifest.octets, o->manifest.digest,
				  &o->why);
	close(ends[0]); /* should we have stopped early, LMDB stops now */
	pthread_join(feeder, NULL);
	if (rc == PX_OK && source.error != 0)
		rc = failed(o, "copying", source.error);
	px_buf_free(&file);
	return rc;
}

/* Ask the copy itself what is in it. */
static int fill_manifest(struct backup_op *o)
{
	struct px_rec_state state;
	int rc = px_db_peek(px_buf_str(&o->partial), &state);
	if (rc != PX_OK) {
		px_buf_setf(&o->why, "%s: the copy cannot be read: %s", px_buf_str(&o->partial),
			    px_err_text(rc));
		return PX_ESYS;
	}
	o->manifest.created = o->wall;
	o->manifest.format = PX_FORMAT;
	o->manifest.epoch = state.epoch;
	o->manifest.message = state.last_message;
	o->manifest.journal = state.last_journal;
	memcpy(o->manifest.journal_hash, state.journal_head, PX_DIGEST_LEN);
	return PX_OK;
}

static int write_manifest(struct backup_op *o)
{
	struct px_buf text = PX_BUF_INIT, file = PX_BUF_INIT;
	int rc = PX_OK;
	px_manifest_print(&o->manifest, &text);
	px_buf_addf(&file, "%s/" PX_MANIFEST_FILE, px_buf_str(&o->partial));
	int fd = open(px_buf_str(&file), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text.data, text.len) != (ssize_t)text.len || fsync(fd) != 0)
		rc = failed(o, "writing the manifest", errno);
	if (fd >= 0)
		close(fd);
	px_buf_free(&text);
	px_buf_free(&file);
	return rc;
}

/* Under its name it is a backup: everything in it is on the disk before. */
static int publish(struct backup_op *o)
{
	px_buf_addf(&o->path, "%s/" PX_MANIFEST_PREFIX, o->folder);
	char time[32];
	px_time_format(o->wall / 1000 * 1000, time, sizeof(time));
	for (const char *p = time; *p != '\0'; p++) {
		if (*p != '-' && *p != ':')
			px_buf_addc(&o->path, *p);
	}
	px_buf_addf(&o->path, "-%012llu", (unsigned long long)o->manifest.journal);
	if (px_manifest_sync(px_buf_str(&o->partial)) != PX_OK ||
	    rename(px_buf_str(&o->partial), px_buf_str(&o->path)) != 0 ||
	    px_manifest_sync(o->folder) != PX_OK)
		return failed(o, "putting the copy in its place", errno);
	return PX_OK;
}

/* --- before and after -------------------------------------------------------------------------------- */

/* A copy must not take the room that the store needs, where they share a disk. */
static int check_room(struct backup_op *o)
{
	struct statvfs fs;
	struct stat here, there;
	if (statvfs(o->folder, &fs) != 0 || stat(o->folder, &there) != 0 ||
	    stat(o->lm->db.path, &here) != 0) {
		px_buf_setf(&o->why, "%s: %s", o->folder, strerror(errno));
		return PX_ESYS;
	}
	uint64_t room = (uint64_t)fs.f_bavail * fs.f_frsize;
	uint64_t wanted = px_db_size(&o->lm->db) + (here.st_dev == there.st_dev ? o->lm->watermark : 0);
	if (room >= wanted)
		return PX_OK;
	px_buf_setf(&o->why, "%s: %llu MB are free, a copy may take %llu MB", o->folder,
		    (unsigned long long)(room >> 20), (unsigned long long)(wanted >> 20));
	return PX_EFULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_backup(const char *folder, const char *name)
{
	struct px_buf file = PX_BUF_INIT;
	px_buf_addf(&file, "%s/%s/" PX_MANIFEST_FILE, folder, name);
	bool is = px_str_starts(name, PX_MANIFEST_PREFIX) && !px_str_ends(name, PX_MANIFEST_PARTIAL) &&
		  access(px_buf_str(&file), F_OK) == 0;
	px_buf_free(&file);
	return is;
}

/* All but the newest @keep, and what crashes left unfinished. */
static void remove_old(struct backup_op *o)
{
	char **names = NULL;
	size_t n = 0;
	DIR *dir = opendir(o->folder);
	if (dir == NULL)
		return;
	for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
		if (!is_backup(o->folder, e->d_name))
			continue;
		names = px_xrealloc_array(names, n + 1, sizeof(names[0]));
		names[n++] = px_xstrdup(e->d_name);
	}
	closedir(dir);
	if (n > 0)
		qsort(names, n, sizeof(names[0]), by_name);
	for (size_t i = 0; i < n; i++) {
		struct px_buf path = PX_BUF_INIT;
		px_buf_addf(&path, "%s/%s", o->folder, names[i]);
		if (i + o->keep < n && strcmp(px_buf_str(&path), px_buf_str(&o->path)) != 0) {
			px_manifest_remove(px_buf_str(&path));
			o->report.removed++;
		}
		px_buf_free(&path);
		free(names[i]);
	}
	free(names);
}

static int make(struct backup_op *o)
{
	px_buf_addf(&o->partial, "%s/" PX_MANIFEST_PREFIX "copy" PX_MANIFEST_PARTIAL, o->folder);
	int rc = check_room(o);
	if (rc != PX_OK)
		return rc;
	px_manifest_remove(px_buf_str(&o->partial)); /* of a run that was cut off */
	if (mkdir(px_buf_str(&o->partial), 0700) != 0)
		return failed(o, "making a folder", errno);
	rc = copy_data(o);
	if (rc == PX_OK)
		rc = fill_manifest(o);
	if (rc == PX_OK)
		rc = write_manifest(o);
	if (rc == PX_OK)
		rc = publish(o);
	if (rc != PX_OK)
		px_manifest_remove(px_buf_str(&o->partial));
	else if (o->keep > 0)
		remove_old(o);
	return rc;
}

static void *backup_thread(void *arg)
{
	struct backup_op *o = arg;
	pthread_setname_np(pthread_self(), "store-backup");
	px_sched_short_turns(false);
	int64_t start = px_clock_mono(px_clock_real());
	uint64_t before = px_db_size(&o->lm->db);
	atomic_store(&o->job.total, before);
	o->job.op.rc = is_given_up(o) ? PX_ECANCELLED : make(o);
	uint64_t after = px_db_size(&o->lm->db);
	o->report.growth = after > before ? after - before : 0;
	o->report.ms = px_clock_mono(px_clock_real()) - start;
	px_op_return_push(&o->lm->back, &o->job.op);
	return NULL;
}

/* --- the operation ----------------------------------------------------------------------------------- */

static void backup_answer(struct px_op *op)
{
	struct backup_op *o = (struct backup_op *)op;
	struct px_backup_report *r = &o->report;
	if (o->started) {
		pthread_join(o->thread, NULL);
		px_lmdb_end_long(o->lm, &o->job);
		o->lm->backing_up = false;
	}
	if (op->rc == PX_ECANCELLED)
		px_buf_setf(&o->why, "%s: given up", o->folder);
	r->path = px_buf_str(&o->path);
	r->epoch = o->manifest.epoch;
	r->message = o->manifest.message;
	r->journal = o->manifest.journal;
	r->octets = o->manifest.octets;
	o->done(o->arg, op->rc, op->rc == PX_OK ? r : NULL, op->rc == PX_OK ? "" : px_buf_str(&o->why));
}

static void backup_release(struct px_op *op)
{
	struct backup_op *o = (struct backup_op *)op;
	px_buf_free(&o->partial);
	px_buf_free(&o->path);
	px_buf_free(&o->why);
}

static const struct px_op_kind backup_kind = {
    .name = "backup", .answer = backup_answer, .release = backup_release};

/* All signals blocked, as in every thread of the store: LMDB must see EPIPE, not SIGPIPE. */
static int start_thread(struct backup_op *o)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&o->thread, NULL, backup_thread, o);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

void px_lmdb_backup(struct px_store *st, const char *folder, unsigned keep, px_backup_done *done, void *arg)
{
	struct px_lmdb *lm = px_lmdb_of(st);
	struct backup_op *o = px_op_new(&backup_kind, sizeof(*o));
	o->lm = lm;
	o->folder = px_scratch_str(&o->job.op.scratch, folder);
	o->keep = keep;
	o->done = done;
	o->arg = arg;
	if (!px_lmdb_enter(lm, &o->job.op))
		return;
	o->wall = o->job.op.now;
	int error = lm->backing_up ? EBUSY : start_thread(o);
	if (error == 0) {
		o->started = lm->backing_up = true;
		px_lmdb_begin_long(lm, &o->job, arg);
		return;
	}
	px_buf_setf(&o->why, "%s: %s", folder,
		    lm->backing_up ? "another backup is under way" : strerror(error));
	o->job.op.rc = lm->backing_up ? PX_EBUSY : PX_ESYS;
	px_op_return_push(&lm->back, &o->job.op);
}
