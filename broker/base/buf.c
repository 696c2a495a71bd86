/* prinex: a growable byte buffer
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strings.h"

void px_buf_free(struct px_buf *buf)
{
	free(buf->data);
	*buf = (struct px_buf)PX_BUF_INIT;
}

void px_buf_clear(struct px_buf *buf)
{
	buf->len = 0;
	if (buf->data != NULL)
		buf->data[0] = '\0';
}

uint8_t *px_buf_reserve(struct px_buf *buf, size_t more)
{
	px_assert(more < SIZE_MAX / 4 && buf->len < SIZE_MAX / 4);
	size_t need = buf->len + more + 1;
	if (need > buf->cap) {
		size_t cap = PX_MAX(buf->cap * 2, (size_t)64);
		cap = PX_MAX(cap, need);
		buf->data = px_xrealloc(buf->data, cap);
		buf->cap = cap;
	}
	return buf->data + buf->len;
}

void px_buf_grown(struct px_buf *buf, size_t by)
{
	px_assert(buf->len + by < buf->cap || by == 0);
	buf->len += by;
	if (buf->data != NULL)
		buf->data[buf->len] = '\0';
}

void px_buf_add(struct px_buf *buf, const void *data, size_t len)
{
	uint8_t *to = px_buf_reserve(buf, len);
	if (len > 0)
		memcpy(to, data, len);
	px_buf_grown(buf, len);
}

void px_buf_adds(struct px_buf *buf, const char *s)
{
	px_buf_add(buf, s, strlen(s));
}

void px_buf_addc(struct px_buf *buf, char c)
{
	px_buf_add(buf, &c, 1);
}

void px_buf_vaddf(struct px_buf *buf, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	char *to = (char *)px_buf_reserve(buf, 127);
	size_t room = buf->cap - buf->len;
	int n = vsnprintf(to, room, fmt, ap);
	px_assert(n >= 0);
	if ((size_t)n >= room) { /* once more: most fit at the first try */
		to = (char *)px_buf_reserve(buf, (size_t)n);
		vsnprintf(to, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	px_buf_grown(buf, (size_t)n);
}

void px_buf_addf(struct px_buf *buf, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(buf, fmt, ap);
	va_end(ap);
}

void px_buf_setf(struct px_buf *buf, const char *fmt, ...)
{
	if (buf == NULL)
		return;
	/* The arguments may point into the old content (wrapping a reason in a longer one). */
	struct px_buf fresh = PX_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&fresh, fmt, ap);
	va_end(ap);
	px_buf_free(buf);
	*buf = fresh;
}

const char *px_buf_str(const struct px_buf *buf)
{
	return buf->data != NULL ? (const char *)buf->data : "";
}

uint8_t *px_buf_detach(struct px_buf *buf, size_t *len)
{
	uint8_t *data = buf->data != NULL ? buf->data : px_xcalloc(1, 1);
	if (len != NULL)
		*len = buf->len;
	*buf = (struct px_buf)PX_BUF_INIT;
	return data;
}

/* Told apart: what trying again cannot help. */
static int read_error(int err)
{
	switch (err) {
	case ENOENT: return PX_ENOTFOUND;
	case ENAMETOOLONG: return PX_ELIMIT;
	case EACCES:
	case EPERM:
	case EISDIR:
	case ENOTDIR:
	case ENXIO:
	case ELOOP: return PX_EACCESS;
	default: return PX_ESYS;
	}
}

static int read_all(int fd, struct px_buf *buf, const char *path, size_t max, struct px_buf *why)
{
	for (;;) {
		size_t room = 65536;
		uint8_t *to = px_buf_reserve(buf, room);
		ssize_t n = read(fd, to, room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int err = errno;
			px_buf_setf(why, "cannot read %s: %s", path, strerror(err));
			return read_error(err);
		}
		if (n == 0)
			return PX_OK;
		px_buf_grown(buf, (size_t)n);
		if (buf->len > max) {
			px_buf_setf(why, "%s is larger than %zu octets", path, max);
			return PX_ELIMIT;
		}
	}
}

int px_buf_read_file(struct px_buf *buf, const char *path, size_t max, struct px_buf *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		int err = errno;
		px_buf_setf(why, "cannot open %s: %s", path, strerror(err));
		return read_error(err);
	}
	int rc = read_all(fd, buf, path, max, why);
	close(fd);
	return rc;
}

/* Canonical XML escapes > only in text and " only in attributes. */
static void add_xml_ascii(struct px_buf *buf, char c, bool attr)
{
	if (c == '&')
		px_buf_adds(buf, "&amp;");
	else if (c == '<')
		px_buf_adds(buf, "&lt;");
	else if (c == '>' && !attr)
		px_buf_adds(buf, "&gt;");
	else if (c == '"' && attr)
		px_buf_adds(buf, "&quot;");
	else if (c == '\\')
		px_buf_adds(buf, "\\\\");
	else if ((unsigned char)c < 0x20 || c == 0x7f)
		px_buf_addf(buf, "\\x%02X", (unsigned)(unsigned char)c);
	else
		px_buf_addc(buf, c);
}

static bool is_plain(char c)
{
	return c >= 0x20 && c < 0x7f && c != '&' && c != '<' && c != '>' && c != '"' && c != '\\';
}

/* Octets at @s that both kinds of text carry as they are. */
static size_t plain_run(const char *s, size_t len)
{
	size_t n = 0;
	while (n < len && is_plain(s[n]))
		n++;
	return n;
}

static void add_xml(struct px_buf *buf, const char *s, size_t len, bool attr)
{
	for (size_t i = 0; i < len;) {
		size_t run = plain_run(s + i, len - i);
		if (run > 0) {
			px_buf_add(buf, s + i, run);
			i += run;
			continue;
		}
		size_t n = px_utf8_length(s + i, len - i);
		if (n == 1) {
			add_xml_ascii(buf, s[i], attr);
		} else if (n > 1) {
			px_buf_add(buf, s + i, n);
		} else {
			px_buf_addf(buf, "\\x%02X", (unsigned)(unsigned char)s[i]);
			n = 1;
		}
		i += n;
	}
}

void px_buf_add_xml_text(struct px_buf *buf, const char *s, size_t len)
{
	add_xml(buf, s, len, false);
}

void px_buf_add_xml_attr(struct px_buf *buf, const char *s, size_t len)
{
	add_xml(buf, s, len, true);
}

void px_buf_add_roff(struct px_buf *buf, const char *s)
{
	if (*s == '.' || *s == '\'')
		px_buf_adds(buf, "\\&");
	for (; *s != '\0'; s++) {
		if (*s == '\\')
			px_buf_adds(buf, "\\e");
		else if (*s == '-')
			px_buf_adds(buf, "\\-");
		else if (*s != '`')
			px_buf_addc(buf, *s);
	}
}
