/* prinex: what the parts of a harness connection share
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_HARNESS_PEER_WIRE_PARTS_H
#define PX_HARNESS_PEER_WIRE_PARTS_H

#include "peer_wire.h"

/* peer_wire.c: sockets, TLS, octets. peer_http.c: heads and bodies. */

struct px_wire {
	int fd;
	SSL *ssl; /* NULL: plain */
	int alert;
	char peer_uri[128];
	char host[128];
	int64_t renew_ms; /* each read may take so long again; 0: deadlines are absolute */
	bool loose;       /* sizes of chunks are read as strtoul does */
	struct px_buf in; /* came, not used yet */
};

/** Mono ms at which @timeout_ms from now are over. */
int64_t px_wire_deadline(int64_t timeout_ms);
/** Wait for more octets and append them to w->in. */
int px_wire_fill(struct px_wire *w, int64_t deadline, struct px_buf *why);

#endif
