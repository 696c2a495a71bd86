/* prinex: HTTP of the harness: heads, bodies, answers
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <inttypes.h>
#include <strings.h>

#include "base/strings.h"
#include "peer_wire_parts.h"

#define HEAD_MAX ((size_t)64 * 1024)

static void use(struct px_wire *w, size_t n)
{
	memmove(w->in.data, w->in.data + n, w->in.len - n);
	w->in.len -= n;
	w->in.data[w->in.len] = '\0';
}

static int take_head(struct px_wire *w, int64_t deadline, struct px_buf *head, struct px_buf *why)
{
	px_buf_clear(head);
	for (;;) {
		const uint8_t *end = w->in.len > 0 ? memmem(w->in.data, w->in.len, "\r\n\r\n", 4) : NULL;
		if (end != NULL) {
			size_t n = (size_t)(end - w->in.data) + 4;
			px_buf_add(head, w->in.data, n);
			use(w, n);
			return PX_OK;
		}
		if (w->in.len > HEAD_MAX)
			return PX_ELIMIT;
		int rc = px_wire_fill(w, deadline, why);
		if (rc != PX_OK)
			return rc;
	}
}

bool px_wire_field(const struct px_buf *head, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);
	const char *line = strstr(px_buf_str(head), "\r\n");
	out[0] = '\0';
	for (; line != NULL && line[2] != '\0'; line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, n) != 0 || line[2 + n] != ':')
			continue;
		const char *value = line + 3 + n;
		size_t len = strcspn(value, "\r\n");
		while (len > 0 && (*value == ' ' || *value == '\t'))
			value++, len--;
		while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
			len--;
		return px_strlcpy_n(out, value, len, size);
	}
	return false;
}

static int take(struct px_wire *w, size_t n, int64_t deadline, struct px_buf *body, struct px_buf *why)
{
	while (n > 0) {
		size_t have = PX_MIN(n, w->in.len);
		px_buf_add(body, w->in.data, have);
		if (have > 0)
			use(w, have);
		n -= have;
		int rc = n > 0 ? px_wire_fill(w, deadline, why) : PX_OK;
		if (rc != PX_OK)
			return rc;
	}
	return PX_OK;
}

static int take_line(struct px_wire *w, int64_t deadline, char *line, size_t size, struct px_buf *why)
{
	for (;;) {
		const uint8_t *end = w->in.len > 0 ? memmem(w->in.data, w->in.len, "\r\n", 2) : NULL;
		if (end != NULL) {
			size_t n = (size_t)(end - w->in.data);
			bool fits = px_strlcpy_n(line, (const char *)w->in.data, n, size);
			use(w, n + 2);
			return fits ? PX_OK : PX_EPARSE;
		}
		int rc = w->in.len > HEAD_MAX ? PX_ELIMIT : px_wire_fill(w, deadline, why);
		if (rc != PX_OK)
			return rc;
	}
}

/* Hexadecimal digits and nothing else, unless @loose. */
static bool chunk_size(const char *line, bool loose, unsigned long *n)
{
	char *end;
	size_t digits = strspn(line, "0123456789abcdefABCDEF");
	*n = strtoul(line, &end, 16);
	return end != line && (loose || (digits > 0 && digits <= 8 && line[digits] == '\0'));
}

static int take_chunked(struct px_wire *w, size_t max, int64_t deadline, struct px_buf *body,
			struct px_buf *why)
{
	char line[64];
	for (;;) {
		unsigned long n;
		int rc = take_line(w, deadline, line, sizeof(line), why);
		if (rc == PX_OK && !chunk_size(line, w->loose, &n))
			rc = PX_EPARSE;
		if (rc != PX_OK)
			return rc;
		if (n > max || body->len + n > max)
			return PX_ELIMIT;
		rc = take(w, n, deadline, body, why);
		if (rc == PX_OK)
			rc = take_line(w, deadline, line, sizeof(line), why);
		if (rc == PX_OK && line[0] != '\0' && !w->loose)
			rc = PX_EPARSE; /* a chunk longer than it says, or a trailer */
		if (rc != PX_OK || n == 0)
			return rc;
	}
}

static int take_body(struct px_wire *w, const struct px_buf *head, size_t max, int64_t deadline,
		     struct px_buf *body, struct px_buf *why)
{
	char value[64];
	uint64_t len = 0;
	px_buf_clear(body);
	if (px_wire_field(head, "Transfer-Encoding", value, sizeof(value)))
		return take_chunked(w, max, deadline, body, why);
	if (px_wire_field(head, "Content-Length", value, sizeof(value)) &&
	    px_parse_u64(value, 0, UINT64_MAX, &len) != PX_OK)
		return PX_EPARSE;
	return len > max ? PX_ELIMIT : take(w, (size_t)len, deadline, body, why);
}

/* --- the client's side --- */

void px_wire_request_head(struct px_buf *out, const struct px_wire *w, const char *path, const char *type,
			  const void *body, size_t len, const char *extra)
{
	px_buf_addf(out, "%s %s HTTP/1.1\r\nHost: %s\r\n", body != NULL ? "POST" : "GET", path, w->host);
	if (type != NULL)
		px_buf_addf(out, "Content-Type: %s\r\n", type);
	if (body != NULL && strstr(extra, "Transfer-Encoding:") == NULL)
		px_buf_addf(out, "Content-Length: %zu\r\n", len);
	px_buf_addf(out, "%s\r\n", extra);
}

void px_wire_add_chunks(struct px_buf *out, const void *body, size_t len, size_t chunk)
{
	for (size_t at = 0; at < len; at += chunk) {
		size_t n = PX_MIN(chunk, len - at);
		px_buf_addf(out, "%zx\r\n", n);
		px_buf_add(out, (const uint8_t *)body + at, n);
		px_buf_adds(out, "\r\n");
	}
	px_buf_adds(out, "0\r\n\r\n");
}

int px_wire_read_reply(struct px_wire *w, int64_t timeout_ms, struct px_wire_reply *reply, struct px_buf *why)
{
	int64_t deadline = px_wire_deadline(timeout_ms);
	reply->status = 0;
	px_buf_clear(&reply->body);
	do {
		int rc = take_head(w, deadline, &reply->head, why);
		uint64_t status = 0;
		char digits[4] = "";
		if (rc != PX_OK)
			return rc;
		const char *line = px_buf_str(&reply->head);
		px_strlcpy_n(digits, line + PX_MIN(strlen(line), (size_t)9), 3, sizeof(digits));
		if (!px_str_starts(line, "HTTP/1.1 ") || px_parse_u64(digits, 100, 599, &status) != PX_OK) {
			px_buf_setf(why, "no HTTP/1.1 answer: %.60s", line);
			return PX_EPARSE;
		}
		reply->status = (int)status;
	} while (reply->status < 200);
	if (reply->status == 204)
		return PX_OK;
	return take_body(w, &reply->head, (size_t)16 << 20, deadline, &reply->body, why);
}

void px_wire_reply_free(struct px_wire_reply *reply)
{
	px_buf_free(&reply->head);
	px_buf_free(&reply->body);
}

int px_wire_request(struct px_wire *w, const char *path, const char *type, const void *body, size_t len,
		    int64_t timeout_ms, struct px_wire_reply *reply, struct px_buf *why)
{
	struct px_buf head = PX_BUF_INIT;
	px_wire_request_head(&head, w, path, type, body, len, "");
	int rc = px_wire_write(w, head.data, head.len, NULL, timeout_ms, why);
	if (rc == PX_OK && len > 0)
		rc = px_wire_write(w, body, len, NULL, timeout_ms, why);
	px_buf_free(&head);
	/* A server that has heard enough answers before it has read all. */
	int read = px_wire_read_reply(w, timeout_ms, reply, why);
	return read == PX_OK || rc == PX_OK ? read : rc;
}

/* --- the server's side --- */

int px_wire_read_head(struct px_wire *w, int64_t idle_ms, int64_t timeout_ms, struct px_buf *head)
{
	struct px_buf why = PX_BUF_INIT;
	int rc = w->in.len == 0 ? px_wire_fill(w, px_wire_deadline(idle_ms), &why) : PX_OK;
	if (rc == PX_ETIMEOUT)
		rc = PX_ECLOSED; /* nobody wants anything */
	if (rc == PX_OK)
		rc = take_head(w, px_wire_deadline(timeout_ms), head, &why);
	px_buf_free(&why);
	return rc;
}

int px_wire_read_body(struct px_wire *w, const struct px_buf *head, size_t max, int64_t timeout_ms,
		      struct px_buf *body)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct px_buf why = PX_BUF_INIT;
	char value[64];
	int rc = PX_OK;
	if (px_wire_field(head, "Expect", value, sizeof(value)))
		rc = px_wire_write(w, go_on, sizeof(go_on) - 1, NULL, timeout_ms, &why);
	if (rc == PX_OK)
		rc = take_body(w, head, max, px_wire_deadline(timeout_ms), body, &why);
	px_buf_free(&why);
	return rc;
}
