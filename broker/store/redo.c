/* prinex: what is durable and not yet committed: the redo log of the LMDB store
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/redo_form.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "store/manifest.h"

#define SIZE (4u * 1024 * 1024)
/* What is larger is cheaper to write once, where it belongs. */
#define BATCH_MAX (512u * 1024)
/* An uncommitted transaction may take the share of a small map that can always be written. */
#define MAP_SHARE 64

struct px_redo {
	int fd;
	char *path;
	uint64_t limit; /* octets that may be used */
	struct px_redo_base base;
	uint64_t at, number; /* where the next batch goes, and which it is */
	struct px_buf notes; /* of the next batch, behind room for its head */
	bool too_large;      /* they are not all there */
	uint8_t *pages;      /* what is written: BATCH_MAX, at a page's boundary */
	atomic_bool ahead, awaited;
	pthread_mutex_t lock;
	pthread_cond_t tried;
	uint64_t tries, commits; /* guarded by lock, as the next */
	bool left;               /* by the writer */
	void (*wake)(void *arg);
	void *wake_arg;
};

/* Of the entries that are noted. */
static size_t noted(const struct px_redo *redo)
{
	return redo->notes.len - PX_REDO_HEAD;
}

/* --- notes ------------------------------------------------------------------------------------------- */

/* @return whether an entry with @len octets of value was begun: what gets too large is committed, and need
 * not be known here. */
static bool note(struct px_redo *redo, enum px_redo_kind kind, uint8_t table, const struct px_tkey *key,
		 size_t len)
{
	redo->too_large = redo->too_large || len > BATCH_MAX || redo->notes.len > BATCH_MAX - len;
	if (!redo->too_large)
		px_redo_entry(&redo->notes, kind, table, key, len);
	return !redo->too_large;
}

void px_redo_put(struct px_redo *redo, uint8_t table, const struct px_tkey *key, const void *data, size_t len)
{
	if (note(redo, PX_REDO_PUT, table, key, len))
		px_buf_add(&redo->notes, data, len);
}

void px_redo_put_parts(struct px_redo *redo, uint8_t table, const struct px_tkey *key, struct px_octets head,
		       struct px_octets body)
{
	if (!note(redo, PX_REDO_PUT, table, key, head.len + body.len))
		return;
	px_buf_add(&redo->notes, head.data, head.len);
	px_buf_add(&redo->notes, body.data, body.len);
}

void px_redo_del(struct px_redo *redo, uint8_t table, const struct px_tkey *key)
{
	note(redo, PX_REDO_DEL, table, key, 0);
}

void px_redo_clear(struct px_redo *redo, uint8_t table)
{
	note(redo, PX_REDO_CLEAR, table, NULL, 0);
}

bool px_redo_has_notes(const struct px_redo *redo)
{
	return redo->too_large || noted(redo) > 0;
}

bool px_redo_fits(const struct px_redo *redo)
{
	const uint64_t octets = px_redo_octets(noted(redo));
	return !redo->too_large && octets <= BATCH_MAX && redo->at + octets <= redo->limit;
}

void px_redo_drop(struct px_redo *redo)
{
	static const uint8_t head[PX_REDO_HEAD];
	px_buf_clear(&redo->notes);
	px_buf_add(&redo->notes, head, sizeof(head));
	redo->too_large = false;
}

/* --- reading ----------------------------------------------------------------------------------------- */

/* As pread(2), but all of it unless the file ends. */
static ssize_t read_at(int fd, void *out, size_t len, uint64_t at)
{
	size_t got = 0;
	while (got < len) {
		ssize_t n = pread(fd, (uint8_t *)out + got, len - got, (off_t)(at + got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* The batch at @at, if there is one: its octets to @batch. @return octets of its entries, 0: none, -1: errno.
 */
static int64_t read_batch(int fd, uint64_t at, struct px_redo_base *base, uint64_t number,
			  struct px_buf *batch)
{
	px_buf_clear(batch);
	ssize_t n = read_at(fd, px_buf_reserve(batch, PX_REDO_HEAD), PX_REDO_HEAD, at);
	if (n < PX_REDO_HEAD)
		return n < 0 ? -1 : 0;
	struct px_redo_base its = *base;
	const uint64_t len = px_redo_read_head(batch->data, &its, number);
	if (len == 0 || len > SIZE)
		return 0;
	const uint64_t octets = px_redo_octets(len);
	n = read_at(fd, px_buf_reserve(batch, octets), octets, at);
	if (n < 0)
		return -1;
	if ((uint64_t)n < octets || !px_redo_is_whole(batch->data, len))
		return 0;
	*base = its;
	return (int64_t)len;
}

/* The batches behind @base, @most of them. */
static int do_batches(int fd, struct px_tx *tx, const struct px_redo_base *base, uint64_t most,
		      uint64_t *batches)
{
	struct px_redo_base its = *base;
	struct px_buf batch = PX_BUF_INIT;
	int64_t len = 0;
	int rc = PX_OK;
	for (uint64_t at = 0;
	     rc == PX_OK && *batches < most && (len = read_batch(fd, at, &its, *batches, &batch)) > 0;) {
		rc = px_redo_do(tx, (struct px_octets){batch.data + PX_REDO_HEAD, (size_t)len});
		at += px_redo_octets((uint64_t)len);
		++*batches;
	}
	px_buf_free(&batch);
	return len < 0 ? PX_ESYS : rc;
}

/* --- the file ---------------------------------------------------------------------------------------- */

static char *path_in(const char *folder)
{
	struct px_buf path = PX_BUF_INIT;
	px_buf_addf(&path, "%s/" PX_REDO_FILE, folder);
	char *copy = px_xstrdup(px_buf_str(&path));
	px_buf_free(&path);
	return copy;
}

/* The batches behind @base that the file at @path has, @most of them. */
static int do_file(const char *path, struct px_tx *tx, const struct px_redo_base *base, uint64_t most,
		   uint64_t *batches)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	*batches = 0;
	if (fd < 0)
		return errno == ENOENT ? PX_OK : PX_ESYS;
	int rc = do_batches(fd, tx, base, most, batches);
	int error = errno;
	close(fd);
	errno = error;
	return rc;
}

int px_redo_recover(struct px_tx *tx, const char *folder, const struct px_redo_base *base, uint64_t *batches)
{
	char *path = path_in(folder);
	int rc = do_file(path, tx, base, UINT64_MAX, batches);
	free(path);
	return rc;
}

static bool is_no_room(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

/* A file system may take the flag and then not such a write. @return false: it was not that. */
static bool leave_direct(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	return flags >= 0 && (flags & O_DIRECT) != 0 && fcntl(fd, F_SETFL, flags & ~O_DIRECT) == 0;
}

/* Whole pages at whole pages. A write that is cut off within one has met the end of the room: what that is
 * due to the system says at the next, for which this one could not be continued. */
static int write_all(int fd, const uint8_t *data, size_t len, uint64_t at)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(fd, data + done, len - done, (off_t)(at + done));
		if (n < 0 && (errno == EINTR || (errno == EINVAL && leave_direct(fd))))
			continue;
		if (n >= 0)
			errno = n == 0 ? EIO : ENOSPC;
		if (n <= 0 || n % PX_REDO_PAGE != 0)
			return PX_ESYS;
		done += (size_t)n;
	}
	return PX_OK;
}

/* Zeros, written and flushed: what is written over them later needs no room and changes nothing about the
 * file. */
static int make_file(const char *folder, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return PX_ESYS;
	uint8_t *zeros = px_xcalloc(1, SIZE);
	int rc = write_all(fd, zeros, SIZE, 0);
	free(zeros);
	if (rc == PX_OK && (fsync(fd) != 0 || px_manifest_sync(folder) != PX_OK))
		rc = PX_ESYS;
	int error = errno;
	close(fd);
	if (rc != PX_OK)
		unlink(path);
	errno = error;
	return rc;
}

/* One that is also kept elsewhere is not written to. */
static bool is_ours(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == (off_t)SIZE && st.st_nlink == 1;
}

/* Past the system's cache, where the file system can do that: nothing of it is read again as a rule, and what
 * goes through the cache costs the processor a third more. */
static int open_for_writing(const char *path)
{
	int fd = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC);
	return fd >= 0 || errno != EINVAL ? fd : open(path, O_WRONLY | O_CLOEXEC);
}

int px_redo_open(const char *folder, uint64_t map_size, struct px_redo **out)
{
	struct px_redo *redo = px_xcalloc(1, sizeof(*redo));
	int rc = PX_OK;
	*out = redo;
	redo->fd = -1;
	redo->path = path_in(folder);
	redo->limit = PX_MIN((uint64_t)SIZE, map_size / MAP_SHARE);
	pthread_mutex_init(&redo->lock, NULL);
	pthread_cond_init(&redo->tried, NULL);
	px_redo_drop(redo);
	redo->pages = aligned_alloc(PX_REDO_PAGE, BATCH_MAX);
	px_assert(redo->pages != NULL);
	if (!is_ours(redo->path)) {
		unlink(redo->path);
		rc = make_file(folder, redo->path);
	}
	if (rc == PX_OK)
		redo->fd = open_for_writing(redo->path);
	if (redo->fd >= 0)
		return PX_OK;
	int error = errno;
	px_redo_close(out);
	errno = error;
	return is_no_room(error) ? PX_EFULL : PX_ESYS;
}

void px_redo_close(struct px_redo **redo)
{
	struct px_redo *r = *redo;
	*redo = NULL;
	if (r == NULL)
		return;
	if (r->fd >= 0)
		close(r->fd);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->tried);
	px_buf_free(&r->notes);
	free(r->pages);
	free(r->path);
	free(r);
}

/* --- batches ----------------------------------------------------------------------------------------- */

int px_redo_append(struct px_redo *redo, const struct px_redo_base *base)
{
	const size_t len = noted(redo), octets = px_redo_octets(len);
	px_assert(px_redo_has_notes(redo) && px_redo_fits(redo));
	if (redo->number == 0)
		redo->base = *base;
	memcpy(redo->pages, redo->notes.data, redo->notes.len);
	px_redo_seal(redo->pages, len, &redo->base, redo->number);
	int rc = write_all(redo->fd, redo->pages, octets, redo->at);
	/* What stands behind the last batch is not whole: the next is written over it. */
	if (rc != PX_OK && is_no_room(errno))
		return PX_EFULL;
	if (rc != PX_OK || fdatasync(redo->fd) != 0) {
		px_log(PX_LOG_ERR, "store", "%s: %s", redo->path, strerror(errno));
		return PX_EFATAL;
	}
	redo->at += octets;
	redo->number++;
	px_redo_drop(redo);
	atomic_store(&redo->ahead, true);
	return PX_OK;
}

int px_redo_again(struct px_redo *redo, struct px_tx *tx)
{
	uint64_t batches;
	int rc = do_file(redo->path, tx, &redo->base, redo->number, &batches);
	return rc == PX_OK && batches < redo->number ? PX_ECORRUPT : rc;
}

void px_redo_committed(struct px_redo *redo)
{
	redo->at = redo->number = 0;
	px_redo_drop(redo);
	pthread_mutex_lock(&redo->lock);
	redo->commits++;
	atomic_store(&redo->ahead, false);
	pthread_mutex_unlock(&redo->lock);
}

/* --- who reads --------------------------------------------------------------------------------------- */

bool px_redo_is_ahead(const struct px_redo *redo)
{
	return atomic_load(&redo->ahead);
}

void px_redo_set_waker(struct px_redo *redo, void (*wake)(void *arg), void *arg)
{
	redo->wake = wake;
	redo->wake_arg = arg;
}

bool px_redo_is_awaited(const struct px_redo *redo)
{
	return atomic_load(&redo->awaited);
}

void px_redo_tried(struct px_redo *redo)
{
	pthread_mutex_lock(&redo->lock);
	redo->tries++;
	atomic_store(&redo->awaited, false);
	pthread_cond_broadcast(&redo->tried);
	pthread_mutex_unlock(&redo->lock);
}

void px_redo_leave(struct px_redo *redo)
{
	pthread_mutex_lock(&redo->lock);
	redo->left = true;
	pthread_cond_broadcast(&redo->tried);
	pthread_mutex_unlock(&redo->lock);
}

int px_redo_wait(struct px_redo *redo)
{
	if (!px_redo_is_ahead(redo))
		return PX_OK;
	pthread_mutex_lock(&redo->lock);
	const uint64_t tries = redo->tries, commits = redo->commits;
	atomic_store(&redo->awaited, true);
	redo->wake(redo->wake_arg);
	while (px_redo_is_ahead(redo) && redo->commits == commits && redo->tries == tries && !redo->left)
		pthread_cond_wait(&redo->tried, &redo->lock);
	bool done = !px_redo_is_ahead(redo) || redo->commits != commits;
	pthread_mutex_unlock(&redo->lock);
	return done ? PX_OK : PX_EFULL;
}
