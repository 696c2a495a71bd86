/* prinex: server: life, generations, drain
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "net/server_internal.h"

int px_server_new_with(const struct px_server_setup *setup, const struct px_server_limits *limits,
		       struct px_server **out, struct px_buf *why)
{
	struct px_server *srv = px_xcalloc(1, sizeof(*srv));
	srv->setup = *setup;
	srv->limits = *limits;
	srv->tls = px_tls_ref(setup->tls);
	srv->budget.metrics = setup->metrics;
	TAILQ_INIT(&srv->conns);
	TAILQ_INIT(&srv->idle);
	TAILQ_INIT(&srv->queue);
	TAILQ_INIT(&srv->requests);
	TAILQ_INIT(&srv->spare);
	int rc = px_listen(srv, why);
	if (rc != PX_OK)
		px_server_free(&srv);
	*out = srv;
	return rc;
}

int px_server_new(const struct px_server_setup *setup, struct px_server **out, struct px_buf *why)
{
	struct px_server_limits limits = px_server_limits();
	return px_server_new_with(setup, &limits, out, why);
}

unsigned px_server_port(const struct px_server *srv, unsigned i)
{
	return i < srv->n_listeners ? srv->listeners[i].port : 0;
}

unsigned px_server_connections(const struct px_server *srv)
{
	return srv->n_conns;
}

void px_server_set_tls(struct px_server *srv, struct px_tls *tls)
{
	struct px_tls *old = srv->tls;
	srv->tls = px_tls_ref(tls);
	struct px_conn *next;
	struct px_identified seen = {0};
	for (struct px_conn *c = TAILQ_FIRST(&srv->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, all);
		if (c->partner != NULL && c->state != PX_CONN_LINGER)
			px_handshake_again(c, &seen);
	}
	px_tls_unref(&old);
}

static void drain_conn(struct px_conn *c)
{
	switch (c->state) {
	case PX_CONN_WAIT:
	case PX_CONN_QUEUED:
	case PX_CONN_HANDSHAKE: px_conn_kill(c); break;
	case PX_CONN_IDLE: px_conn_close(c); break;
	case PX_CONN_HEAD:
	case PX_CONN_BODY: px_request_refuse(c, 503, "this node is shutting down"); break;
	case PX_CONN_HANDLER:
	case PX_CONN_ANSWER: c->close_after = true; break;
	case PX_CONN_LINGER: break;
	}
}

void px_server_drain(struct px_server *srv)
{
	if (srv->draining)
		return;
	srv->draining = true;
	px_listen_stop(srv);
	struct px_conn *next;
	for (struct px_conn *c = TAILQ_FIRST(&srv->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, all);
		drain_conn(c);
	}
}

void px_server_free(struct px_server **server)
{
	struct px_server *srv = *server;
	if (srv == NULL)
		return;
	*server = NULL;
	srv->draining = true;
	px_listen_stop(srv);
	while (!TAILQ_EMPTY(&srv->conns))
		px_conn_kill(TAILQ_FIRST(&srv->conns));
	px_timer_stop(srv->setup.timers, &srv->next);
	/* Those the handler still has: their answers go nowhere. */
	struct px_request *req;
	while ((req = TAILQ_FIRST(&srv->requests)) != NULL)
		px_request_orphan(req);
	while ((req = TAILQ_FIRST(&srv->spare)) != NULL) {
		TAILQ_REMOVE(&srv->spare, req, entry);
		px_request_destroy(req);
	}
	px_budget_free(&srv->budget);
	px_tls_unref(&srv->tls);
	free(srv->listeners);
	free(srv);
}
