/* prinex: what tests of net stand on: a PKI, configurations, a loop in a thread, a blocking TLS client
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_TESTS_NET_RIG_H
#define PX_TESTS_NET_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>

#include "net/loop.h"
#include "net/server_internal.h"

/* --- the PKI: made once a program, in a temporary folder --- */

void rig_make_pki(void);
void rig_remove_pki(void);
/** A path in it; the text lives until 16 more were asked for. */
const char *rig_path(const char *fmt, ...) PX_PRINTF(1, 2);

/**
 * The configuration of @authority's node, with the other's system, node and officer as partners named after
 * their certificates (`system-by`, ...). @partner_extra goes into each partner's section, @url into that of
 * the node (mode = push).
 */
struct px_conf *rig_conf(const char *authority, const char *other, const char *url,
			 const char *partner_extra);
struct px_tls *rig_tls(const char *authority, const char *other, const char *url, const char *partner_extra);

/* --- a loop in a thread --- */

struct rig {
	struct px_loop *loop;
	struct px_metrics *metrics;
	struct px_tls *tls;
	struct px_server *server;
	struct px_server_limits limits;
	unsigned port;
	pthread_t thread;
	struct event *call_event;
	int call_fds[2];
	/* What the handler saw, under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned requests, gones, headers, distrusted;
	struct px_request *held[8]; /* path /hold: not answered */
	unsigned n_held;
	struct px_buf body; /* of the last request */
	char digest[PX_DIGEST_HEX];
	char partner[64];
};

/** @limits NULL: those of limits.h. The handler answers by path, see rig.c. */
struct rig *rig_start(struct px_tls *tls, const struct px_server_limits *limits);
void rig_stop(struct rig **rig);
/** Run @fn on the loop's thread, and wait for it. */
void rig_call(struct rig *rig, void (*fn)(struct rig *rig, void *arg), void *arg);
/** Wait until *@counter is at least @n. @return false after 5 s. */
bool rig_wait(struct rig *rig, const unsigned *counter, unsigned n);
double rig_metric(struct rig *rig, enum px_metric id, const char *label);
unsigned rig_connections(struct rig *rig);

/* --- a client --- */

struct client {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	int error; /* reason code of the failed handshake or read, 0 none */
};

int rig_connect(unsigned port);
/** @pair: path without ".pem" and ".key", NULL: no certificate. @return whether the handshake came to an end.
 */
bool client_open(struct client *c, unsigned port, const char *pair, int max_version);
void client_close(struct client *c);
/** Reset the connection, without a goodbye. */
void client_abort(struct client *c);
bool client_write(struct client *c, const void *data, size_t len);
bool client_send(struct client *c, const char *text);
/** One answer, head and body, into @out. @return its status, -1: the connection ended or nothing came in 5 s.
 */
int client_answer(struct client *c, struct px_buf *out);
/** Send and read. */
int client_ask(struct client *c, const char *text);
/** Whether the connection ends now (5 s at most). */
bool client_ended(struct client *c);

#endif
