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
	srv->recheck_last = px_clock_mono(px_timers_clock(setup->timers));
	int rc = px_listen(srv, why);
	if (rc == PX_OK)
		px_server_watch_end(srv, INT64_MAX);
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

/* --- trust is looked at again --- */

/* Those whose certificate ends at @until or before; INT64_MAX: all. */
static void identify_again(struct px_server *srv, int64_t until)
{
	struct px_conn *next;
	struct px_identified seen = {0};
	for (struct px_conn *c = TAILQ_FIRST(&srv->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, all);
		if (c->partner != NULL && c->state != PX_CONN_LINGER && !c->close_after && c->ends <= until)
			px_handshake_again(c, &seen);
	}
}

void px_server_set_tls(struct px_server *srv, struct px_tls *tls)
{
	struct px_tls *old = srv->tls;
	srv->tls = px_tls_ref(tls);
	identify_again(srv, INT64_MAX);
	px_tls_unref(&old);
}

/* The wall clock may be set: it is looked at every minute, whatever was computed before. */
#define LOOK_MS 60000

static void recheck(void *arg)
{
	struct px_server *srv = arg;
	struct px_clock *clock = px_timers_clock(srv->setup.timers);
	int64_t now = px_clock_mono(clock), wall = px_clock_wall(clock), first = INT64_MAX;
	bool all = now - srv->recheck_last >= srv->limits.recheck;
	if (all)
		srv->recheck_last = now;
	/* A certificate is good to the end of its last second. */
	identify_again(srv, all ? INT64_MAX : wall - 1000);
	const struct px_conn *c;
	TAILQ_FOREACH(c, &srv->conns, all)
	{
		/* One that has passed and did no harm is of a certificate that the path does not need. */
		if (c->partner != NULL && c->state != PX_CONN_LINGER && !c->close_after &&
		    c->ends > wall - 1000)
			first = PX_MIN(first, c->ends);
	}
	srv->recheck_at = INT64_MAX;
	px_server_watch_end(srv, first);
}

void px_server_watch_end(struct px_server *srv, int64_t ends)
{
	struct px_clock *clock = px_timers_clock(srv->setup.timers);
	int64_t wall = px_clock_wall(clock), now = px_clock_mono(clock);
	int64_t wait = PX_MIN(PX_MIN(LOOK_MS, srv->limits.recheck),
			      ends == INT64_MAX ? LOOK_MS : PX_MAX(ends + 1000 - wall, 100));
	if (px_timer_is_set(&srv->recheck) && srv->recheck_at <= now + wait)
		return;
	srv->recheck_at = now + wait;
	px_timer_set(srv->setup.timers, &srv->recheck, wait, recheck, srv);
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
	px_timer_stop(srv->setup.timers, &srv->recheck);
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
