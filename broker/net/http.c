/* prinex: strict HTTP/1.1: where the head, the body and the request end
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "net/http_internal.h"

/* Kept between the requests of a connection; a larger head is given back. */
#define HEAD_KEPT 2048

void px_http_init(struct px_http *p)
{
	memset(p, 0, sizeof(*p));
	p->path = p->query = p->reason = "";
	p->state = px_xcalloc(1, sizeof(*p->state));
}

void px_http_free(struct px_http *p)
{
	if (p->state == NULL)
		return;
	px_buf_free(&p->state->head);
	PX_FREE(p->state);
}

void px_http_reset(struct px_http *p)
{
	struct px_http_state *st = p->state;
	struct px_buf head = st->head;
	if (head.cap > HEAD_KEPT)
		px_buf_free(&head);
	else
		px_buf_clear(&head);
	memset(st, 0, sizeof(*st));
	st->head = head;
	/* The fields behind n_fields are never looked at: leave them as they are. */
	p->n_fields = 0;
	p->path = p->query = p->reason = "";
	p->has_length = p->chunked = p->expect_continue = p->keep_alive = false;
	p->length = 0;
	p->status = 0;
	p->span = NULL;
	p->span_len = 0;
}

enum px_http_event px_http_fail(struct px_http *p, int status, const char *reason)
{
	p->state->stage = PX_HTTP_AT_ERROR;
	p->status = status;
	p->reason = reason;
	return PX_HTTP_ERROR;
}

/* RFC 9112, 2.2: a bare CR or LF, NUL and other controls are what request smuggling is made of. Octets beyond
 * ASCII are allowed there (obs-text), but nobody who talks to a broker needs them. */
static const char *octet_problem(struct px_http_state *st, uint8_t c)
{
	if (c == '\n')
		return st->cr ? NULL : "line ends in LF without CR";
	if (st->cr)
		return "CR without LF";
	if (c == '\r' || c == '\t' || (c >= 0x20 && c < 0x7f))
		return NULL;
	return c == 0 ? "NUL in the headers" : "octet not allowed in the headers";
}

/* Returns how many octets of @data belong to the head; *@complete when its empty line is among them. */
static size_t scan_head(struct px_http *p, const uint8_t *data, size_t len, bool *complete)
{
	struct px_http_state *st = p->state;
	for (size_t i = 0; i < len; i++) {
		const char *problem = octet_problem(st, data[i]);
		if (problem != NULL) {
			px_http_fail(p, 400, problem);
			return i;
		}
		if (data[i] == '\r') {
			st->cr = true;
			continue;
		}
		if (data[i] != '\n') {
			st->line++;
			continue;
		}
		if (st->line == 0) {
			*complete = st->lines > 0;
			if (!*complete)
				px_http_fail(p, 400, "empty line before the request");
			return i + 1;
		}
		st->cr = false;
		st->line = 0;
		st->lines++;
	}
	return len;
}

/* Whoever speaks another protocol is told so after the first line, not when the deadline has passed. */
static bool looks_like_http(struct px_http_state *st)
{
	static const char version[] = " HTTP/1.1\r";
	if (st->looked || st->lines == 0)
		return true;
	st->looked = true;
	const uint8_t *cr = memchr(st->head.data, '\r', st->head.len);
	size_t len = (size_t)(cr + 1 - st->head.data);
	return len > sizeof(version) && memcmp(cr + 2 - sizeof(version), version, sizeof(version) - 1) == 0;
}

static enum px_http_event feed_head(struct px_http *p, const uint8_t *data, size_t len, size_t *used)
{
	struct px_http_state *st = p->state;
	bool complete = false;
	*used = scan_head(p, data, len, &complete);
	if (st->stage == PX_HTTP_AT_ERROR)
		return PX_HTTP_ERROR;
	if (st->head.len + *used > (size_t)PX_LIMIT_HEADER_OCTETS)
		return px_http_fail(p, 400, "request line and headers are too long");
	px_buf_add(&st->head, data, *used);
	if (!complete)
		return looks_like_http(st) ? PX_HTTP_MORE
					   : px_http_fail(p, 400, "not an HTTP/1.1 request line");
	int status = px_http_parse_head(p);
	if (status != 0)
		return px_http_fail(p, status, p->reason);
	st->left = p->length;
	st->stage = p->chunked ? PX_HTTP_AT_SIZE : p->length > 0 ? PX_HTTP_AT_LENGTH : PX_HTTP_AT_END;
	return PX_HTTP_HEADERS;
}

static enum px_http_event give_span(struct px_http *p, const uint8_t *data, size_t len, size_t *used,
				    enum px_http_stage after)
{
	struct px_http_state *st = p->state;
	p->span = data + *used;
	p->span_len = (size_t)PX_MIN((uint64_t)(len - *used), st->left);
	*used += p->span_len;
	st->left -= p->span_len;
	if (st->left == 0)
		st->stage = after;
	return PX_HTTP_BODY;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 9112, 7.1, without extensions: 1 to 8 hex digits and CRLF. */
static const char *chunk_size_octet(struct px_http_state *st, uint8_t c)
{
	int digit = hex_digit(c);
	if (digit >= 0) {
		if (++st->digits > 8)
			return "chunk size is too long";
		st->left = st->left * 16 + (unsigned)digit;
		return NULL;
	}
	if (c != '\r' || st->digits == 0)
		return "chunk size is not a plain hexadecimal number";
	st->stage = PX_HTTP_AT_SIZE_LF;
	return NULL;
}

/* Takes one octet of chunk framing. */
static const char *chunk_octet(struct px_http_state *st, uint8_t c)
{
	switch (st->stage) {
	case PX_HTTP_AT_SIZE: return chunk_size_octet(st, c);
	case PX_HTTP_AT_SIZE_LF:
		st->stage = st->left > 0 ? PX_HTTP_AT_DATA : PX_HTTP_AT_LAST_CR;
		st->digits = 0;
		if (++st->chunks > (unsigned long)PX_LIMIT_CHUNKS)
			return "too many chunks";
		return c == '\n' ? NULL : "chunk size does not end in CRLF";
	case PX_HTTP_AT_DATA_CR:
		st->stage = PX_HTTP_AT_DATA_LF;
		return c == '\r' ? NULL : "chunk is longer than its size";
	case PX_HTTP_AT_DATA_LF:
		st->stage = PX_HTTP_AT_SIZE;
		return c == '\n' ? NULL : "chunk does not end in CRLF";
	case PX_HTTP_AT_LAST_CR:
		st->stage = PX_HTTP_AT_LAST_LF;
		return c == '\r' ? NULL : "trailers are not accepted";
	case PX_HTTP_AT_LAST_LF:
		st->stage = PX_HTTP_AT_END;
		return c == '\n' ? NULL : "last chunk does not end in CRLF";
	default: px_assert(!"chunk stage"); return NULL;
	}
}

static enum px_http_event feed_chunked(struct px_http *p, const uint8_t *data, size_t len, size_t *used)
{
	struct px_http_state *st = p->state;
	while (*used < len) {
		if (st->stage == PX_HTTP_AT_DATA)
			return give_span(p, data, len, used, PX_HTTP_AT_DATA_CR);
		const char *problem = chunk_octet(st, data[(*used)++]);
		if (problem != NULL)
			return px_http_fail(p, 400, problem);
		if (st->stage == PX_HTTP_AT_END)
			return PX_HTTP_DONE;
	}
	return PX_HTTP_MORE;
}

enum px_http_event px_http_feed(struct px_http *p, const uint8_t *data, size_t len, size_t *used)
{
	*used = 0;
	switch (p->state->stage) {
	case PX_HTTP_AT_ERROR: return PX_HTTP_ERROR;
	case PX_HTTP_AT_END: return PX_HTTP_DONE;
	case PX_HTTP_AT_HEAD: return feed_head(p, data, len, used);
	case PX_HTTP_AT_LENGTH:
		return len == 0 ? PX_HTTP_MORE : give_span(p, data, len, used, PX_HTTP_AT_END);
	default: return feed_chunked(p, data, len, used);
	}
}
