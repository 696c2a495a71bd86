/* prinex: what a backup of the LMDB store says of itself
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strings.h"

#define KIND      "prinex-backup"
#define KIND_NOW  1
#define FILE_MAX_ 4096
#define PIECE     (256u * 1024)

/* --- the text ---------------------------------------------------------------------------------------- */

void px_manifest_print(const struct px_manifest *m, struct px_buf *out)
{
	char time[32], hex[PX_DIGEST_HEX];
	px_time_format(m->created, time, sizeof(time));
	px_buf_addf(out, KIND " %d\ncreated %s\nformat %" PRIu64 "\nepoch %" PRIu64 "\n", KIND_NOW, time,
		    m->format, m->epoch);
	px_hex(m->journal_hash, PX_DIGEST_LEN, hex);
	px_buf_addf(out, "message %" PRIu64 "\njournal %" PRIu64 "\njournal-hash %s\n", m->message,
		    m->journal, hex);
	px_hex(m->digest, PX_DIGEST_LEN, hex);
	px_buf_addf(out, "octets %" PRIu64 "\nsha256 %s\n", m->octets, hex);
}

/* The value of the line @name in @text, cut out to @out. */
static bool value_of(const char *text, const char *name, char *out, size_t size)
{
	size_t len = strlen(name);
	for (const char *line = text; line != NULL && *line != '\0';) {
		size_t end = strcspn(line, "\n");
		if (end > len && strncmp(line, name, len) == 0 && line[len] == ' ')
			return px_strlcpy_n(out, line + len + 1, end - len - 1, size);
		line = line[end] == '\n' ? line + end + 1 : NULL;
	}
	return false;
}

static bool number_of(const char *text, const char *name, uint64_t *out)
{
	char value[32];
	return value_of(text, name, value, sizeof(value)) && px_parse_u64(value, 0, UINT64_MAX, out) == PX_OK;
}

static bool digest_of(const char *text, const char *name, uint8_t out[PX_DIGEST_LEN])
{
	char value[PX_DIGEST_HEX];
	return value_of(text, name, value, sizeof(value)) && px_unhex(value, out, PX_DIGEST_LEN) == PX_OK;
}

static int parse(const char *text, struct px_manifest *m)
{
	char time[32];
	uint64_t kind;
	if (!number_of(text, KIND, &kind))
		return PX_EPARSE;
	if (kind > KIND_NOW)
		return PX_EVERSION;
	bool ok = value_of(text, "created", time, sizeof(time)) &&
		  px_time_parse(time, &m->created) == PX_OK && number_of(text, "format", &m->format) &&
		  number_of(text, "epoch", &m->epoch) && number_of(text, "message", &m->message) &&
		  number_of(text, "journal", &m->journal) &&
		  digest_of(text, "journal-hash", m->journal_hash) && number_of(text, "octets", &m->octets) &&
		  digest_of(text, "sha256", m->digest);
	return ok ? PX_OK : PX_EPARSE;
}

int px_manifest_read(const char *folder, struct px_manifest *m, struct px_buf *why)
{
	struct px_buf path = PX_BUF_INIT, text = PX_BUF_INIT;
	px_buf_addf(&path, "%s/" PX_MANIFEST_FILE, folder);
	int rc = px_buf_read_file(&text, px_buf_str(&path), FILE_MAX_, why);
	if (rc == PX_ENOTFOUND)
		px_buf_setf(why, "%s: not a backup: it has no " PX_MANIFEST_FILE, folder);
	if (rc == PX_OK) {
		*m = (struct px_manifest){0};
		rc = parse(px_buf_str(&text), m);
		if (rc == PX_EVERSION)
			px_buf_setf(why, "%s: made by a later prinex", px_buf_str(&path));
		else if (rc != PX_OK)
			px_buf_setf(why, "%s: not a manifest, or damaged", px_buf_str(&path));
	}
	px_buf_free(&path);
	px_buf_free(&text);
	return rc;
}

/* --- files ------------------------------------------------------------------------------------------- */

static int file_failed(const char *path, struct px_buf *why)
{
	int error = errno;
	px_buf_setf(why, "%s: %s", path, strerror(error));
	return error == ENOSPC || error == EDQUOT ? PX_EFULL : PX_ESYS;
}

static bool write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static int copy_pieces(int from, int to, const char *path, const struct px_stop *stop, struct px_sha256 *sha,
		       uint64_t *octets, struct px_buf *why)
{
	uint8_t *piece = px_xmalloc(PIECE);
	int rc = PX_OK;
	*octets = 0;
	while (rc == PX_OK) {
		ssize_t n = read(from, piece, PIECE);
		if (n == 0)
			break;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || !write_all(to, piece, (size_t)n))
			rc = file_failed(path, why);
		else if (stop != NULL && stop->is_set(stop->arg))
			rc = PX_ECANCELLED;
		if (rc == PX_OK) {
			px_sha256_add(sha, piece, (size_t)n);
			*octets += (uint64_t)n;
		}
	}
	free(piece);
	return rc;
}

int px_manifest_copy(int from, const char *path, const struct px_stop *stop, uint64_t *octets,
		     uint8_t digest[PX_DIGEST_LEN], struct px_buf *why)
{
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0)
		return file_failed(path, why);
	struct px_sha256 *sha = px_sha256_new();
	int rc = copy_pieces(from, to, path, stop, sha, octets, why);
	px_sha256_end(sha, digest);
	px_sha256_free(&sha);
	if (rc == PX_OK && fsync(to) != 0)
		rc = file_failed(path, why);
	close(to);
	return rc;
}

int px_manifest_sync(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* EINVAL: a file system that has nothing to flush there. */
	int error = fd < 0 ? errno : fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return error == 0 ? PX_OK : PX_ESYS;
}

void px_manifest_remove(const char *folder)
{
	static const char *const files[] = {PX_MANIFEST_FILE, PX_MANIFEST_DATA, "lock.mdb", "in-use"};
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	for (size_t i = 0; i < PX_ARRAY_LEN(files); i++) /* the manifest first: what is left is no backup */
		unlinkat(fd, files[i], 0);
	close(fd);
	rmdir(folder);
}
