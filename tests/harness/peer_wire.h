/* prinex: HTTPS connections for tests: chosen TLS, raw octets, blocking with a deadline
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_HARNESS_PEER_WIRE_H
#define PX_HARNESS_PEER_WIRE_H

#include <openssl/ssl.h>

#include "base/buf.h"

/*
 * Directly on sockets and OpenSSL, on purpose without broker/net: what a partner's implementation does not
 * have in common with the broker, the harness must not have either, and a test must be able to do what a
 * decent client never would. As a client:
 *
 *	px_wire_open(&dial, &w, &why)       TCP, handshake
 *	px_wire_post(w, "/v1/exchanges", "application/xml", body, len, 10000, &reply, &why)
 *	  or px_wire_write(w, octets, len, ...) and px_wire_read_reply(w, 10000, &reply, &why)
 *	px_wire_close(&w)                   or px_wire_cut(&w)
 *
 * Thread: one at a time per connection. Everything blocks, up to the time given (ms).
 */
struct px_wire;

/** Who one side is and whom it believes. Borrowed; NULL and 0 are the defaults. */
struct px_wire_tls {
	const char *cert, *key; /* PEM files, the leaf first and then its chain; NULL: a client shows none */
	const char *anchors;    /* PEM file of CAs that the other side must chain to; NULL: not checked */
	bool optional;          /* a server: a client without certificate is fine too */
	int min, max;           /* TLS1_2_VERSION, ...; 0: TLS 1.3 */
	const char *ciphers;    /* of TLS 1.2 */
};

struct px_wire_dial {
	const char *address; /* "127.0.0.1"; NULL: that */
	unsigned port;
	struct px_wire_tls tls;
	const char *uri;    /* SAN URI that the server's leaf must carry; NULL: not checked */
	const char *host;   /* in Host; NULL: ADDRESS:PORT */
	bool plain;         /* no TLS at all */
	int64_t timeout_ms; /* of connect and handshake; 0: 10 s */
};

/** What is done slowly: @chunk octets at a time (0: all), with @pause_ms between. */
struct px_wire_pace {
	size_t chunk;
	int64_t pause_ms;
};

struct px_wire_reply {
	int status;
	struct px_buf head; /* status line and fields as they came */
	struct px_buf body;
};

/** @return PX_OK; PX_ECLOSED (nobody listens, or it closed), PX_ETLS (handshake or certificate), PX_ETIMEOUT,
 * PX_ECONF (files); all with @why. */
int px_wire_open(const struct px_wire_dial *dial, struct px_wire **out, struct px_buf *why);
/** With close_notify. NULL is fine. */
void px_wire_close(struct px_wire **wire);
/** Without a word: the TCP connection is reset. */
void px_wire_cut(struct px_wire **wire);

/** @pace NULL: at once. @return PX_OK, PX_ECLOSED, PX_ETIMEOUT with @why. */
int px_wire_write(struct px_wire *w, const void *data, size_t len, const struct px_wire_pace *pace,
		  int64_t timeout_ms, struct px_buf *why);
/** Slowly, with an eye on the other side: it ends when something comes or the connection is closed. @pace
 * with a chunk. */
int px_wire_drip(struct px_wire *w, const void *data, size_t len, const struct px_wire_pace *pace,
		 int64_t timeout_ms, struct px_buf *why);
/**
 * One answer: 1xx are skipped. @reply is cleared first. @return PX_OK; PX_ECLOSED (ended without a whole
 * answer: what came is in @reply), PX_ETLS (an alert; with TLS 1.3 a refused client certificate shows here),
 * PX_ETIMEOUT, PX_EPARSE (no HTTP).
 */
int px_wire_read_reply(struct px_wire *w, int64_t timeout_ms, struct px_wire_reply *reply,
		       struct px_buf *why);
void px_wire_reply_free(struct px_wire_reply *reply);
/** Value of a field of a head, trimmed; "" when absent. @name without colon, any case. @return false when
 * absent or longer than @size. */
bool px_wire_field(const struct px_buf *head, const char *name, char *out, size_t size);

/** Request and answer together. @type NULL: no Content-Type. @body NULL: GET. */
int px_wire_request(struct px_wire *w, const char *path, const char *type, const void *body, size_t len,
		    int64_t timeout_ms, struct px_wire_reply *reply, struct px_buf *why);
/** Append a body in chunks of @chunk octets, as Transfer-Encoding: chunked has it. */
void px_wire_add_chunks(struct px_buf *out, const void *body, size_t len, size_t chunk);
/** Append the head of such a request. @extra: complete lines or ""; with Transfer-Encoding the length is left
 * out. */
void px_wire_request_head(struct px_buf *out, const struct px_wire *w, const char *path, const char *type,
			  const void *body, size_t len, const char *extra);

/** "TLSv1.3"; the last alert received (SSL_AD_...), -1 none; SAN URI of the other side's leaf, "" none. */
const char *px_wire_version(const struct px_wire *w);
int px_wire_alert(const struct px_wire *w);
const char *px_wire_peer_uri(const struct px_wire *w);
/** Borrowed; NULL when plain. */
const SSL *px_wire_ssl(const struct px_wire *w);

/* --- for servers --- */

/** A context for px_wire_accept. @return PX_OK, or PX_ECONF with @why. Free with SSL_CTX_free. */
int px_wire_server_ctx(const struct px_wire_tls *tls, SSL_CTX **out, struct px_buf *why);
/** Handshake on an accepted socket (taken, also on failure). */
int px_wire_accept(SSL_CTX *ctx, int fd, int64_t timeout_ms, struct px_wire **out, struct px_buf *why);
/** A server that is not as it should be: @renew_ms not 0: each read may take so long again, whatever deadline
 * is given; @loose: sizes of chunks are whatever strtoul makes of them. */
void px_wire_set_terms(struct px_wire *w, int64_t renew_ms, bool loose);
/** Request line and fields up to the empty line, @timeout_ms from the first octet on; that may come within
 * @idle_ms. @return PX_OK; PX_ECLOSED (also an idle end), PX_ETIMEOUT, PX_ELIMIT. */
int px_wire_read_head(struct px_wire *w, int64_t idle_ms, int64_t timeout_ms, struct px_buf *head);
/** The body that goes with @head: Content-Length or chunked, at most @max octets. Sends 100-continue where
 * asked for. @return PX_OK; PX_EPARSE (where it ends is not clear), PX_ELIMIT, PX_ETIMEOUT, PX_ECLOSED. */
int px_wire_read_body(struct px_wire *w, const struct px_buf *head, size_t max, int64_t timeout_ms,
		      struct px_buf *body);
/** Until the other side closes, or the time is over; what comes is thrown away. */
void px_wire_drain(struct px_wire *w, int64_t timeout_ms);
/** Another thread wants it to end: reads and writes in progress fail. */
void px_wire_shutdown(struct px_wire *w);

#endif
