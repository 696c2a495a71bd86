/* prinex: files that survive a power cut
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <unistd.h>

static int failed(const char *what, const char *path, struct px_buf *why)
{
	int err = errno;
	px_buf_setf(why, "cannot %s %s: %s", what, path, strerror(err));
	return err == ENAMETOOLONG ? PX_ELIMIT : PX_ESYS;
}

int px_folder_flush(const char *path, struct px_buf *why)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* some network file systems cannot flush a folder and say so by EINVAL: nothing more can be done */
	int rc = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL) ? PX_OK : failed("flush folder", path, why);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int flush_folder(const char *path, struct px_buf *why)
{
	char *copy = px_xstrdup(path);
	int rc = px_folder_flush(dirname(copy), why);
	free(copy);
	return rc;
}

static bool write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* A new hidden file beside @path, with the permissions that a new file has here. */
static int open_part(const char *path, struct px_buf *name)
{
	static unsigned counter; /* atomic: several threads write */
	int fd = -1;
	const char *slash = strrchr(path, '/');
	size_t folder = slash != NULL ? (size_t)(slash - path) + 1 : 0;
	for (unsigned try = 0; fd < 0 && try < 100; try++) {
		px_buf_setf(name, "%.*s.%s.%d-%u.part", (int)folder, path, path + folder, (int)getpid(),
			    __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED));
		fd = open(px_buf_str(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	return fd;
}

int px_file_put(const char *path, const void *data, size_t len, struct px_buf *why)
{
	struct px_buf part = PX_BUF_INIT;
	int fd = open_part(path, &part), rc = PX_OK;
	if (fd < 0) {
		rc = failed("write", path, why);
	} else {
		if (!write_all(fd, data, len) || fsync(fd) != 0)
			rc = failed("write", path, why);
		close(fd);
		if (rc == PX_OK && rename(px_buf_str(&part), path) != 0)
			rc = failed("rename to", path, why);
		if (rc != PX_OK)
			unlink(px_buf_str(&part));
	}
	px_buf_free(&part);
	return rc == PX_OK ? flush_folder(path, why) : rc;
}

int px_file_flush(const char *path, struct px_buf *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc = fd >= 0 && fsync(fd) == 0 ? PX_OK : failed("flush", path, why);
	if (fd >= 0)
		close(fd);
	return rc == PX_OK ? flush_folder(path, why) : rc;
}

int px_file_move(const char *from, const char *to, struct px_buf *why)
{
	char *copy = px_xstrdup(from);
	int rc = rename(from, to) == 0 ? PX_OK : failed("move", from, why);
	if (rc == PX_OK)
		rc = flush_folder(to, why);
	if (rc == PX_OK)
		rc = px_folder_flush(dirname(copy), why);
	free(copy);
	return rc;
}

bool px_file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}
