/* prinex: many TLS connections of one thread, for the benchmark's load generator and partner
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BENCH_WIRE_H
#define PX_BENCH_WIRE_H

#include <openssl/ssl.h>

#include "base/buf.h"

/*
 * HTTP/1.1 with Content-Length over non-blocking TLS on epoll, no more than the benchmark needs: whoever is
 * measured stands at the other end. One thread owns a wire and all its connections.
 *
 *	wire = px_wire_new(on_message, arg)
 *	px_wire_connect(wire, port, ctx)             blocks until the handshake is done
 *	px_wire_send(conn, octets, len)              octets are borrowed until the answer came
 *	px_wire_turn(wire, ms)                       reads, writes, calls on_message
 */
struct px_wire;

struct px_wire_conn {
	struct px_wire *wire;
	int fd;
	SSL *ssl;
	struct px_buf in;
	struct px_buf answer; /* a server's: memory for what it sends */
	const uint8_t *out;   /* borrowed */
	size_t out_len, out_at;
	bool wants_write;
	long user; /* the caller's */
	unsigned slot;
};

/** A whole request or answer. @status: of an answer, else 0. Views. @slot of the listener, for servers. */
typedef void px_wire_message(void *arg, struct px_wire_conn *c, int status, const uint8_t *body, size_t len);

struct px_wire *px_wire_new(px_wire_message *message, void *arg);
void px_wire_free(struct px_wire **wire);

struct px_wire_conn *px_wire_connect(struct px_wire *w, unsigned port, SSL_CTX *ctx);
/** Connections accepted on @fd (a listening socket) get @slot. */
void px_wire_listen(struct px_wire *w, int fd, SSL_CTX *ctx, unsigned slot);
void px_wire_send(struct px_wire_conn *c, const uint8_t *octets, size_t len);
/** One round of epoll: at most @us microseconds of waiting, -1: until something happens. */
void px_wire_turn(struct px_wire *w, long us);

/** @cert leaf and chain, @key its key; @anchors of the peer. Ends the program when they cannot be loaded. */
SSL_CTX *px_wire_tls(bool server, const char *cert, const char *key, const char *anchors);
int px_wire_socket(unsigned port); /* listens on loopback */

#endif
