/* prinex: what the parts of the HTTP codec share
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_NET_HTTP_INTERNAL_H
#define PX_NET_HTTP_INTERNAL_H

#include "net/http.h"

/** What the next octet belongs to. */
enum px_http_stage {
	PX_HTTP_AT_HEAD,
	PX_HTTP_AT_LENGTH, /* a body of known length */
	PX_HTTP_AT_SIZE,   /* chunked: hex digits */
	PX_HTTP_AT_SIZE_LF,
	PX_HTTP_AT_DATA,
	PX_HTTP_AT_DATA_CR,
	PX_HTTP_AT_DATA_LF,
	PX_HTTP_AT_LAST_CR, /* after the chunk of size 0 */
	PX_HTTP_AT_LAST_LF,
	PX_HTTP_AT_END,
	PX_HTTP_AT_ERROR
};

struct px_http_state {
	enum px_http_stage stage;
	struct px_buf head; /* request line and fields as they came, then cut into strings in place */
	bool cr;            /* the octet before was CR */
	size_t line;        /* octets in the line that is coming in */
	unsigned lines;     /* complete ones */
	bool looked;        /* at the request line */
	uint64_t left;      /* of the body or chunk */
	unsigned digits;    /* of the chunk size */
	unsigned long chunks;
};

/** Note the error; every later feed returns it again. */
enum px_http_event px_http_fail(struct px_http *p, int status, const char *reason);
/** Cut the complete head (st->head) into request line and fields and check them. @return 0, or a status with
 * p->reason set. */
int px_http_parse_head(struct px_http *p);

#endif
