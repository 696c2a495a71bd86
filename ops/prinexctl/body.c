/* prinex: prinexctl: octets of messages, and where they go
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/strings.h"
#include "ctl/argv.h"
#include "prinexctl.h"

static int open_out(const char *path)
{
	if (path == NULL)
		return STDOUT_FILENO;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		fprintf(stderr, "prinexctl: cannot write %s: %s\n", path, strerror(errno));
	return fd;
}

static bool write_all(int fd, const struct px_buf *data)
{
	for (size_t at = 0; at < data->len;) {
		ssize_t n = write(fd, data->data + at, data->len - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			fprintf(stderr, "prinexctl: cannot write: %s\n", strerror(errno));
			return false;
		}
		at += (size_t)n;
	}
	return true;
}

static bool digest_is(const struct px_buf *data, const char *expected)
{
	uint8_t digest[PX_DIGEST_LEN];
	char hex[PX_DIGEST_HEX];
	px_sha256(data->data != NULL ? data->data : (const uint8_t *)"", data->len, digest);
	px_hex(digest, sizeof(digest), hex);
	return strcmp(hex, expected) == 0;
}

/* Piece after piece; @data and @digest (hex, as the daemon says) in the end. */
static enum px_ctl_exit fetch_pieces(struct rpc *rpc, json_t *params, struct px_buf *data,
				     char digest[PX_DIGEST_HEX])
{
	for (bool more = true; more;) {
		json_t *result;
		enum px_ctl_exit rc = rpc_call(rpc, "body", params, &result);
		if (rc != PX_CTL_EXIT_OK)
			return rc;
		const char *text = text_of(result, "base64");
		size_t before = data->len;
		px_unbase64(data, text, strlen(text));
		px_strlcpy(digest, text_of(result, "sha256"), PX_DIGEST_HEX);
		more = has(result, "next") && data->len > before;
		json_object_set_new(params, "offset", json_integer((json_int_t)data->len));
		json_decref(result);
	}
	return PX_CTL_EXIT_OK;
}

enum px_ctl_exit fetch_body(struct rpc *rpc, json_t *params, struct px_buf *data)
{
	char digest[PX_DIGEST_HEX] = "";
	enum px_ctl_exit rc = fetch_pieces(rpc, params, data, digest);
	if (rc == PX_CTL_EXIT_OK && !digest_is(data, digest)) {
		fprintf(stderr, "prinexctl: the octets do not have the digest that prinexd gives (%s)\n",
			digest);
		rc = PX_CTL_EXIT_NO;
	}
	return rc;
}

enum px_ctl_exit write_out(const char *path, const struct px_buf *data)
{
	int fd = open_out(path);
	bool good = fd >= 0 && write_all(fd, data);
	if (fd > STDOUT_FILENO && close(fd) != 0)
		good = false;
	return good ? PX_CTL_EXIT_OK : PX_CTL_EXIT_NO;
}

enum px_ctl_exit run_body(struct rpc *rpc, const struct px_ctl_line *line)
{
	struct px_buf data = PX_BUF_INIT;
	enum px_ctl_exit rc = fetch_body(rpc, line->params, &data);
	if (rc == PX_CTL_EXIT_OK)
		rc = write_out(json_string_value(json_object_get(line->client, "out")), &data);
	px_buf_free(&data);
	return rc;
}
