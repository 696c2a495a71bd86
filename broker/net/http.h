/* prinex: strict HTTP/1.1 request parsing and answers, without input or output
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_NET_HTTP_H
#define PX_NET_HTTP_H

#include "base/buf.h"
#include "base/limits.h"

/*
 * RFC 9112 as a server reads it, with every leniency removed: exactly one Host; one of Content-Length (digits
 * only) or chunked (no extensions, no trailers); no Upgrade, folding, bare LF, NUL, absolute or asterisk
 * targets; GET (without a body) and POST (HEAD and others: 405); HTTP/1.1 only; limits of limits.h. What is
 * unclear is refused with 400 and the connection closed: two parsers must never disagree about where a
 *request ends.
 *
 *	px_http_init(p)
 *	px_http_feed(p, data, len, &used)   until HEADERS; look at p->...; decide
 *	px_http_feed(...)                   gives BODY spans until DONE; go on behind the `used` octets each
 *time px_http_reset(p)                    the next request
 *
 * Fuzzed. Thread: one owner.
 */
enum px_http_event {
	PX_HTTP_MORE,    /* needs more octets; all were used */
	PX_HTTP_HEADERS, /* request line and headers are complete and acceptable */
	PX_HTTP_BODY,    /* a span of body in p->span, p->span_len (view into the data fed) */
	PX_HTTP_DONE,    /* the request is complete; octets behind *used are not part of it */
	PX_HTTP_ERROR    /* answer p->status (400 or 405) with p->reason and close */
};

enum px_http_method { PX_HTTP_GET, PX_HTTP_POST };

struct px_http_field {
	const char *name;  /* lower case */
	const char *value; /* without surrounding white space */
};

struct px_http {
	enum px_http_method method;
	const char *path;  /* as sent: percent signs are refused; starts with '/' */
	const char *query; /* after '?', still encoded; "" none */
	unsigned n_fields;
	struct px_http_field fields[64];
	bool has_length;
	uint64_t length; /* Content-Length */
	bool chunked;
	bool expect_continue;
	bool keep_alive; /* HTTP/1.1 without Connection: close */
	int status;      /* of an error */
	const char *reason;
	const uint8_t *span;
	size_t span_len;
	struct px_http_state *state;
};

void px_http_init(struct px_http *p);
void px_http_free(struct px_http *p);
/** Ready for the next request on the connection; strings of the one before are gone. */
void px_http_reset(struct px_http *p);
enum px_http_event px_http_feed(struct px_http *p, const uint8_t *data, size_t len, size_t *used);
/** Value of a field, NULL when absent. @name lower case. */
const char *px_http_field(const struct px_http *p, const char *name);
/** Value of a query parameter copied to @out, percent-decoded; false when absent, repeated, malformed or too
 * long. */
bool px_http_query(const struct px_http *p, const char *name, char *out, size_t size);

/** Reason phrase of the statuses we use. */
const char *px_http_status_text(int status);
/** Append status line and headers: Date, Content-Type unless NULL, Content-Length (not with 1xx and 204),
 * Allow with 405, Connection: close unless @keep_alive. @extra are complete lines with CRLF, "" none. */
void px_http_answer_head(struct px_buf *out, int status, const char *content_type, size_t length,
			 bool keep_alive, const char *extra);

#endif
