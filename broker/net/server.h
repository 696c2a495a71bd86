/* prinex: the mutual-TLS listener: from connection to request and back
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_NET_SERVER_H
#define PX_NET_SERVER_H

#include <event2/event.h>

#include "base/body.h"
#include "base/metrics.h"
#include "net/http.h"
#include "net/tls.h"

/*
 * Accepts connections, does handshakes (at most PX_LIMIT_HANDSHAKES at a time), identifies the partner, reads
 * one request at a time under absolute deadlines, hashes the body as it comes, and calls the handler. Budgets
 * of limits.h (bodies in memory in all and per partner, requests in flight per partner) are checked after the
 * headers, before the body is read: 503 with Retry-After. Unknown certificates are told apart from broken
 * ones in the log, and closed after the handshake.
 *
 * Thread: the loop. Nothing blocks.
 */
struct px_server;
struct px_request;

struct px_server_handler {
	/* Headers are complete, nothing of the body is read. Return 0 to go on (100-continue is sent if asked
	 * for), or a status to refuse with; *@text (static) is the line of text. Checks of path, method and
	 * content type belong here. */
	int (*headers)(void *arg, struct px_request *req, const char **text);
	/* The whole request is there. Answer it now or later with px_request_answer, exactly once. */
	void (*request)(void *arg, struct px_request *req);
	/* The client left before the answer (or spoke out of turn). The request stays valid until answered;
	 * the answer goes nowhere. Only for requests that were handed over. */
	void (*gone)(void *arg, struct px_request *req);
	/* The certificate of the connection that brought it does not stand any more: after a reload, or
	 * because it ended. The request is still to be answered; the connection closes behind the answer.
	 * May answer at once. NULL: nobody wants to know. Only for requests that were handed over. */
	void (*distrusted)(void *arg, struct px_request *req);
};

struct px_server_setup {
	struct event_base *base;
	struct px_timers *timers;
	struct px_metrics *metrics;
	struct px_tls *tls; /* referenced */
	const struct px_server_handler *handler;
	void *arg;
	/* Listening sockets handed over by systemd (LISTEN_FDS), or none. */
	const int *fds;
	unsigned n_fds;
};

/** Bind and listen on what the configuration says. @return PX_OK, PX_ESYS with @why naming address and
 * reason. */
int px_server_new(const struct px_server_setup *setup, struct px_server **out, struct px_buf *why);
/** Port number of the @i-th address bound (for port 0). 0 when there is none. */
unsigned px_server_port(const struct px_server *srv, unsigned i);
/**
 * New generation: new handshakes use it; live connections are identified again, their chains verified against
 * the new CRLs, and closed when they fail or their partner changed (after the answer in progress; see
 * @distrusted). The same happens by itself once an hour, and to a connection when its certificate ends.
 */
void px_server_set_tls(struct px_server *srv, struct px_tls *tls);
/** Stop accepting; idle connections close, requests in progress are answered 503 unless already handed over.
 */
void px_server_drain(struct px_server *srv);
unsigned px_server_connections(const struct px_server *srv);
void px_server_free(struct px_server **server);

/* The request, as the handler sees it. Views live until the answer. */
const struct px_http *px_request_http(const struct px_request *req);
const struct px_conf_partner *px_request_partner(const struct px_request *req);
/** The generation it belongs to, until its answer. */
struct px_tls *px_request_tls(const struct px_request *req);
/** The body with its digest, NULL for a GET (a POST without octets: a body of length 0). The callee takes its
 * own reference if it keeps it. */
struct px_body *px_request_body(const struct px_request *req);
/** Mono ms when its first octet arrived. */
int64_t px_request_started(const struct px_request *req);
bool px_request_is_gone(const struct px_request *req);
/** `address:port` of the peer, for logs. */
const char *px_request_peer(const struct px_request *req);

/**
 * Answer and give the request back; it must not be used afterwards. @extra: complete header lines with CRLF
 * or "".
 * @body is copied. @type NULL: no body (204) or text/plain.
 */
void px_request_answer(struct px_request *req, int status, const char *type, const char *extra,
		       const void *body, size_t len);
/** One line of text/plain. */
void px_request_answer_text(struct px_request *req, int status, const char *fmt, ...) PX_PRINTF(3, 4);

#endif
