/* prinex: an HTTPS server of threads, for peers that tests play
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_HARNESS_PEER_SERVER_H
#define PX_HARNESS_PEER_SERVER_H

#include "peer_wire.h"

/*
 * Listens on loopback; a thread accepts, one per connection reads requests and calls the handler, which
 * answers on the connection itself and may do so wrongly. Used by the scripted peer (peer.h) and by
 * prinex-broken.
 */
#define PX_PEER_CONNECTIONS 128

/** A request as far as it was read; views into the connection's thread. */
struct px_peer_call {
	char method[8];
	char path[160]; /* without query */
	char query[80];
	const char *peer_uri;
	struct px_buf head;
	struct px_buf body;
};

/** Each returns whether the connection goes on; false: it is closed, with close_notify. Any thread, several
 * at a time. */
struct px_peer_hooks {
	/* After the handshake; NULL: nothing. */
	bool (*opened)(void *arg, struct px_wire *w);
	/* The head is there, nothing of the body; NULL: nothing. To refuse: answer, and return false. */
	bool (*headers)(void *arg, struct px_wire *w, struct px_peer_call *call);
	bool (*request)(void *arg, struct px_wire *w, struct px_peer_call *call);
	/* How long requests may take: ms for a head from its first octet on, for a body besides a second for
	 * each 16 KiB of its length; longer: 408. 0: minutes, so that no test depends on it. */
	int64_t head_ms, body_ms;
	/* Not as it should be: px_wire_set_terms. */
	int64_t renew_ms;
	bool loose;
};

struct px_peer_server;

/** @ctx referenced (px_wire_server_ctx, or another server's). @hooks borrowed for its life; they may be
 * called before this returns. @port 0: any. @return PX_OK; PX_ESYS with @why. */
int px_peer_server_new(SSL_CTX *ctx, unsigned port, const struct px_peer_hooks *hooks, void *arg,
		       struct px_peer_server **out, struct px_buf *why);
unsigned px_peer_server_port(const struct px_peer_server *s);
/** Refuse connections, end those there are; and listen on the same port again. */
void px_peer_server_down(struct px_peer_server *s);
int px_peer_server_up(struct px_peer_server *s, struct px_buf *why);
/** Whether it is about to be freed: handlers that wait give up. Any thread. */
bool px_peer_server_ends(struct px_peer_server *s);
/** Ends connections and waits for their threads. NULL is fine. */
void px_peer_server_free(struct px_peer_server **server);

/** A whole answer. @type NULL: text/plain. @extra: complete lines or "". @pace NULL: at once. @return false
 * when the other side has gone. */
bool px_peer_answer(struct px_wire *w, int status, const char *type, const char *extra, const void *body,
		    size_t len, const struct px_wire_pace *pace);

#endif
