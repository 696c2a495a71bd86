/* prinex: what the parts of the server share
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_NET_SERVER_INTERNAL_H
#define PX_NET_SERVER_INTERNAL_H

#include <event2/event_struct.h>
#include <netinet/in.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/log.h"
#include "net/server.h"

/*
 * server.c    life of the whole, generations, drain
 * listener.c  bind and accept
 * handshake.c from an accepted socket to a partner
 * conn.c      one connection: events, deadlines, reading, writing, closing
 * request.c   one request: headers, body, handler, answer
 * budget.c    what a partner and what an address may use
 */

/** Figures of limits.h; a test makes them small. */
struct px_server_limits {
	int64_t handshake, headers, body, answer, idle, linger; /* ms */
	int64_t recheck;                                        /* ms between verifications */
	uint64_t rate;                                          /* octets/s, slowest */
	unsigned handshakes, handshakes_address;
	unsigned connections_address, connections_partner, requests_partner;
	uint64_t bodies, bodies_partner;
};
struct px_server_limits px_server_limits(void);
int px_server_new_with(const struct px_server_setup *setup, const struct px_server_limits *limits,
		       struct px_server **out, struct px_buf *why);

/* --- budget.c --- */

/** What one partner uses, by its name, so that it outlives generations. */
struct px_account {
	LIST_ENTRY(px_account) entry;
	char *name;
	unsigned refs; /* connections and requests */
	unsigned connections, requests;
	uint64_t bodies;
	struct px_log_limit limit; /* of lines about refused requests */
};

/** What one peer address (IPv6: a /64) does before a partner is known. */
struct px_address {
	LIST_ENTRY(px_address) entry;
	uint8_t key[16];
	unsigned strangers; /* connections without a partner */
	unsigned handshakes;
	struct px_log_limit limit;
};

#define PX_ADDRESS_BUCKETS 512

struct px_budget {
	LIST_HEAD(px_account_list, px_account) accounts;
	uint64_t bodies;
	struct px_metrics *metrics;
	LIST_HEAD(px_address_list, px_address) addresses[PX_ADDRESS_BUCKETS];
	unsigned n_addresses;
};

void px_budget_free(struct px_budget *b);
struct px_account *px_account_get(struct px_budget *b, const char *partner);
void px_account_put(struct px_account **account);
/** Take @amount octets of body memory for @account. @return false when that would be too much. */
bool px_budget_take(struct px_budget *b, const struct px_server_limits *limits, struct px_account *account,
		    uint64_t amount);
void px_budget_give(struct px_budget *b, struct px_account *account, uint64_t amount);
/** The record of an address; it stays while somebody counts in it. */
struct px_address *px_address_get(struct px_budget *b, const struct sockaddr *sa);

/* --- server.c --- */

struct px_conn;
TAILQ_HEAD(px_conns, px_conn);
TAILQ_HEAD(px_requests, px_request);

struct px_listener {
	struct px_server *srv;
	struct event ev;
	int fd;
	unsigned port;
};

struct px_server {
	struct px_server_setup setup;
	struct px_server_limits limits;
	struct px_tls *tls;
	struct px_budget budget;
	unsigned n_listeners;
	struct px_listener *listeners;
	struct px_timer resume; /* accepting again after a shortage of descriptors */
	struct px_timer next;   /* handshakes that wait for a slot */
	struct px_timer recheck;
	int64_t recheck_at;   /* mono; when the timer is due */
	int64_t recheck_last; /* mono; all were verified */
	struct px_log_limit shortage;
	struct px_conns conns;
	struct px_conns idle;  /* longest idle first */
	struct px_conns queue; /* ready for their handshake, waiting for a slot */
	unsigned n_conns, n_handshakes;
	struct px_requests requests; /* not yet answered */
	struct px_requests spare;
	unsigned n_spare;
	bool draining;
};

/* --- listener.c --- */

int px_listen(struct px_server *srv, struct px_buf *why);
void px_listen_stop(struct px_server *srv);

/* --- conn.c --- */

enum px_conn_state {
	PX_CONN_WAIT,   /* accepted, nothing arrived yet */
	PX_CONN_QUEUED, /* something did, but too many handshakes are in progress */
	PX_CONN_HANDSHAKE,
	PX_CONN_IDLE, /* between requests */
	PX_CONN_HEAD,
	PX_CONN_BODY,
	PX_CONN_HANDLER, /* the handler has the request */
	PX_CONN_ANSWER,  /* the answer is on its way */
	PX_CONN_LINGER   /* all is said; what still comes is thrown away */
};

#define PX_CONN_MAGIC    0x434f4e4eU
#define PX_REQUEST_MAGIC 0x52455155U
#define PX_PEER_SIZE     64

struct px_conn {
	uint32_t magic;
	TAILQ_ENTRY(px_conn) all;
	TAILQ_ENTRY(px_conn) line; /* idle or queue, by state */
	struct px_server *srv;
	int fd;
	SSL *ssl;
	struct event read_ev, write_ev;
	struct px_timer timer;
	enum px_conn_state state;
	int armed;        /* state the timer is set for, -1 none */
	bool reading;     /* read_ev is added */
	bool dead;        /* to be freed when nobody is inside */
	bool close_after; /* the answer in progress */
	unsigned inside;  /* depth of calls */
	struct px_address *address;
	struct px_tls *tls;
	const struct px_conf_partner *partner; /* of tls; NULL before the handshake is over */
	int64_t ends;                          /* wall ms; of the first certificate in its chain */
	struct px_account *account;
	struct px_account *answering; /* whose count of requests falls when the answer is out */
	struct px_request *req;
	struct px_buf out;
	size_t out_done;
	char peer[PX_PEER_SIZE];
};

void px_conn_new(struct px_server *srv, int fd, const struct sockaddr *sa);
/** Calls from outside are bracketed, so that nothing is freed under the feet of a caller. */
void px_conn_enter(struct px_conn *c);
void px_conn_leave(struct px_conn *c);
/** Drop at once: the peer is gone, or does not deserve better. */
void px_conn_kill(struct px_conn *c);
/** Say goodbye, and give the peer a moment to read what was said. */
void px_conn_close(struct px_conn *c);
void px_conn_set_idle(struct px_conn *c);
void px_conn_set_state(struct px_conn *c, enum px_conn_state state);
/** Write what is in c->out; false when the connection is gone. */
bool px_conn_flush(struct px_conn *c);
/** Read what OpenSSL has taken from the socket already: there will be no event for it. */
void px_conn_read_pending(struct px_conn *c);
/** Whether octets have come in behind the request that has just been completed. */
bool px_conn_overrun(struct px_conn *c);
/** A partner is known: no longer a stranger of its address. */
void px_conn_forget_address(struct px_conn *c);
/** Whether a failed SSL call only waits; asks for the event it waits for. */
bool px_conn_waits(struct px_conn *c, int result);

/* --- handshake.c --- */

/** The first octets are there. */
void px_handshake_begin(struct px_conn *c);
void px_handshake_step(struct px_conn *c);
/** The handshake of @c is over, one way or another: the next in the queue may begin. */
void px_handshake_ended(struct px_conn *c);
void px_handshake_timeout(struct px_conn *c);
/** Certificates that have just been found good: many connections show the same one. */
struct px_identified {
	unsigned n;
	struct {
		uint8_t digest[PX_DIGEST_LEN];
		int version;
		const struct px_conf_partner *partner;
	} known[32];
};
/** A connection whose certificates end at @ends has come: look again by then. */
void px_server_watch_end(struct px_server *srv, int64_t ends);
/** Identify a live connection again, in the server's generation; closes it when it fails. */
void px_handshake_again(struct px_conn *c, struct px_identified *seen);

/* --- request.c --- */

struct px_request {
	uint32_t magic;
	TAILQ_ENTRY(px_request) entry;
	struct px_server *srv; /* NULL: freed */
	struct px_conn *conn;  /* NULL: gone */
	struct px_tls *tls;
	const struct px_conf_partner *partner;
	struct px_account *account; /* NULL before the headers are complete */
	bool handed;                /* to the handler */
	struct px_http http;
	struct px_sha256 *sha;
	uint8_t *data; /* the body as it comes */
	size_t len, room, hashed;
	uint64_t taken; /* of the budget */
	struct px_body *body;
	int64_t started;
	char peer[PX_PEER_SIZE];
};

/** Where the next octets of the connection go: straight into the body if its length is known. */
uint8_t *px_request_target(struct px_conn *c, uint8_t *scratch, size_t scratch_size, size_t *room);
/** Octets have arrived. */
void px_request_feed(struct px_conn *c, const uint8_t *data, size_t len);
/** The client left, or speaks out of turn. */
void px_request_drop(struct px_conn *c);
/** Final status and close, whatever of the request is still to come. */
void px_request_refuse(struct px_conn *c, int status, const char *text);
/** The server is freed while the handler has the request. */
void px_request_orphan(struct px_request *req);
/** What the deadline of the body allows for its size, in ms. */
int64_t px_request_body_time(const struct px_request *req);
void px_request_destroy(struct px_request *req);

#endif
