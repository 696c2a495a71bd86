/* prinex: server: one connection: events, deadlines, reading, writing, closing
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <unistd.h>

#include "net/server_internal.h"

/* A TLS record. */
#define SCRATCH (16 * 1024)

static void on_event(evutil_socket_t fd, short what, void *arg);
static void on_deadline(void *arg);

static void format_peer(const struct sockaddr *sa, char out[PX_PEER_SIZE])
{
	char host[INET6_ADDRSTRLEN] = "?";
	unsigned port = 0;
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in4 = (const struct sockaddr_in *)(const void *)sa;
		inet_ntop(AF_INET, &in4->sin_addr, host, sizeof(host));
		port = ntohs(in4->sin_port);
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		port = ntohs(in6->sin6_port);
	}
	snprintf(out, PX_PEER_SIZE, strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, port);
}

static void set_options(int fd)
{
	/* A peer that lost power while it waits for a long poll is noticed after a minute. */
	int on = 1, idle = 30, interval = 10, count = 3;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

/* Room for one more: whoever has been idle longest gives way. */
static bool make_room(struct px_server *srv)
{
	unsigned max = px_tls_conf(srv->tls)->listen.max_connections;
	if (srv->n_conns < max)
		return true;
	struct px_conn *idle = TAILQ_FIRST(&srv->idle);
	if (idle != NULL)
		px_conn_kill(idle);
	return srv->n_conns < max;
}

void px_conn_new(struct px_server *srv, int fd, const struct sockaddr *sa)
{
	char peer[PX_PEER_SIZE];
	struct px_address *address = px_address_get(&srv->budget, sa);
	bool crowded = address->strangers >= srv->limits.connections_address;
	format_peer(sa, peer);
	if (crowded || !make_room(srv)) {
		unsigned dropped;
		if (px_log_allowed(&address->limit, 5, &dropped))
			px_warnx("net", "peer=%s connection refused: %s", peer,
				 crowded ? "too many connections without a partner from this address"
					 : "too many connections (listen max-connections)");
		close(fd);
		return;
	}
	struct px_conn *c = px_xcalloc(1, sizeof(*c));
	c->magic = PX_CONN_MAGIC;
	c->srv = srv;
	c->fd = fd;
	c->armed = -1;
	c->state = PX_CONN_WAIT;
	c->address = address;
	address->strangers++;
	memcpy(c->peer, peer, sizeof(peer));
	set_options(fd);
	px_assert(event_assign(&c->read_ev, srv->setup.base, fd, EV_READ | EV_PERSIST, on_event, c) == 0);
	px_assert(event_assign(&c->write_ev, srv->setup.base, fd, EV_WRITE, on_event, c) == 0);
	TAILQ_INSERT_TAIL(&srv->conns, c, all);
	srv->n_conns++;
	px_metric_set(srv->setup.metrics, PX_M_CONNECTIONS, srv->n_conns, NULL, NULL, NULL);
	px_conn_enter(c);
	px_conn_leave(c);
}

/* --- states and deadlines ------------------------------------------------------------------------------- */

/* The three before the handshake is over share one deadline, from the accept. */
static int64_t deadline(const struct px_conn *c)
{
	const struct px_server_limits *l = &c->srv->limits;
	switch (c->state) {
	case PX_CONN_WAIT:
	case PX_CONN_QUEUED:
	case PX_CONN_HANDSHAKE: return l->handshake;
	case PX_CONN_IDLE: return l->idle;
	case PX_CONN_HEAD: return l->headers;
	case PX_CONN_BODY: return l->body + px_request_body_time(c->req);
	case PX_CONN_HANDLER: return -1;
	case PX_CONN_ANSWER: return l->answer + (int64_t)(c->out.len * 1000 / l->rate);
	case PX_CONN_LINGER: return l->linger;
	}
	return -1;
}

static void arm(struct px_conn *c)
{
	int phase = c->state < PX_CONN_HANDSHAKE ? PX_CONN_HANDSHAKE : (int)c->state;
	if (c->armed == phase)
		return;
	int64_t ms = deadline(c);
	c->armed = phase;
	if (ms >= 0)
		px_timer_set(c->srv->setup.timers, &c->timer, ms, on_deadline, c);
	else
		px_timer_stop(c->srv->setup.timers, &c->timer);
}

/* Level-triggered: what is not read must not be watched. */
static void watch(struct px_conn *c)
{
	bool want = c->state != PX_CONN_QUEUED && c->state != PX_CONN_ANSWER;
	if (want == c->reading)
		return;
	c->reading = want;
	if (want)
		event_add(&c->read_ev, NULL);
	else
		event_del(&c->read_ev);
}

void px_conn_set_state(struct px_conn *c, enum px_conn_state state)
{
	struct px_server *srv = c->srv;
	if (c->state == PX_CONN_IDLE)
		TAILQ_REMOVE(&srv->idle, c, line);
	else if (c->state == PX_CONN_QUEUED)
		TAILQ_REMOVE(&srv->queue, c, line);
	else if (c->state == PX_CONN_HANDSHAKE)
		px_handshake_ended(c);
	c->state = state;
	if (state == PX_CONN_IDLE) {
		TAILQ_INSERT_TAIL(&srv->idle, c, line);
		c->armed = -1;
	} else if (state == PX_CONN_QUEUED) {
		TAILQ_INSERT_TAIL(&srv->queue, c, line);
	}
}

void px_conn_enter(struct px_conn *c)
{
	c->inside++;
}

static void destroy(struct px_conn *c)
{
	c->magic = 0;
	SSL_free(c->ssl);
	close(c->fd);
	px_buf_free(&c->out);
	px_tls_unref(&c->tls);
	free(c);
}

void px_conn_leave(struct px_conn *c)
{
	if (--c->inside > 0)
		return;
	if (c->dead) {
		destroy(c);
		return;
	}
	arm(c);
	watch(c);
}

void px_conn_forget_address(struct px_conn *c)
{
	if (c->address != NULL)
		c->address->strangers--;
	c->address = NULL;
}

static void answer_is_out(struct px_conn *c)
{
	if (c->answering != NULL)
		c->answering->requests--;
	px_account_put(&c->answering);
}

void px_conn_kill(struct px_conn *c)
{
	if (c->dead)
		return;
	struct px_server *srv = c->srv;
	px_conn_enter(c);
	c->dead = true;
	px_conn_set_state(c, PX_CONN_LINGER);
	px_timer_stop(srv->setup.timers, &c->timer);
	event_del(&c->read_ev);
	event_del(&c->write_ev);
	px_conn_forget_address(c);
	answer_is_out(c);
	if (c->account != NULL)
		c->account->connections--;
	px_account_put(&c->account);
	TAILQ_REMOVE(&srv->conns, c, all);
	srv->n_conns--;
	px_metric_set(srv->setup.metrics, PX_M_CONNECTIONS, srv->n_conns, NULL, NULL, NULL);
	px_request_drop(c);
	px_conn_leave(c);
}

/*
 * Closing a socket with unread octets in it makes the kernel send a reset, which can take away what the peer
 * has not read yet: our last answer, or the alert about its certificate. So: our end of the connection only,
 * then throw away what comes until the peer closes or the deadline passes.
 */
void px_conn_close(struct px_conn *c)
{
	if (c->dead || c->state == PX_CONN_LINGER)
		return;
	px_conn_enter(c);
	px_request_drop(c);
	answer_is_out(c);
	if (c->ssl != NULL && SSL_is_init_finished(c->ssl)) {
		ERR_clear_error();
		SSL_shutdown(c->ssl);
		ERR_clear_error();
	}
	px_conn_set_state(c, PX_CONN_LINGER);
	SSL_free(c->ssl);
	c->ssl = NULL;
	px_buf_free(&c->out);
	c->out_done = 0;
	event_del(&c->write_ev);
	shutdown(c->fd, SHUT_WR);
	px_conn_leave(c);
}

void px_conn_set_idle(struct px_conn *c)
{
	px_conn_set_state(c, PX_CONN_IDLE);
}

static void on_deadline(void *arg)
{
	struct px_conn *c = PX_CAST(arg, struct px_conn, PX_CONN_MAGIC);
	px_conn_enter(c);
	switch (c->state) {
	case PX_CONN_WAIT:
	case PX_CONN_QUEUED:
	case PX_CONN_HANDSHAKE: px_handshake_timeout(c); break;
	case PX_CONN_IDLE: px_conn_close(c); break;
	case PX_CONN_HEAD: px_request_refuse(c, 408, "the headers did not arrive in time"); break;
	case PX_CONN_BODY: px_request_refuse(c, 408, "the body did not arrive in time"); break;
	case PX_CONN_ANSWER:
		px_log(PX_LOG_INFO, "net",
		       "partner=%s peer=%s did not read its answer in time: connection closed",
		       c->partner->name, c->peer);
		px_conn_kill(c);
		break;
	case PX_CONN_LINGER: px_conn_kill(c); break;
	case PX_CONN_HANDLER: break;
	}
	px_conn_leave(c);
}

/* --- octets --------------------------------------------------------------------------------------------- */

bool px_conn_waits(struct px_conn *c, int result)
{
	int error = SSL_get_error(c->ssl, result);
	if (error == SSL_ERROR_WANT_WRITE)
		event_add(&c->write_ev, NULL);
	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

bool px_conn_flush(struct px_conn *c)
{
	ERR_clear_error();
	while (c->out_done < c->out.len) {
		size_t n = 0;
		int rc = SSL_write_ex(c->ssl, c->out.data + c->out_done, c->out.len - c->out_done, &n);
		if (rc == 1) {
			c->out_done += n;
			continue;
		}
		if (px_conn_waits(c, rc))
			return true;
		px_conn_kill(c);
		return false;
	}
	px_buf_free(&c->out);
	c->out_done = 0;
	if (c->state != PX_CONN_ANSWER)
		return true;
	answer_is_out(c);
	if (c->close_after || c->srv->draining)
		px_conn_close(c);
	else
		px_conn_set_idle(c);
	return true;
}

static bool reads_request(const struct px_conn *c)
{
	return !c->dead && (c->state == PX_CONN_IDLE || c->state == PX_CONN_HEAD || c->state == PX_CONN_BODY);
}

static void read_request(struct px_conn *c)
{
	uint8_t scratch[SCRATCH];
	do {
		size_t room, n = 0;
		uint8_t *target = px_request_target(c, scratch, sizeof(scratch), &room);
		int rc = SSL_read_ex(c->ssl, target, room, &n);
		if (rc != 1) {
			if (!px_conn_waits(c, rc))
				px_conn_kill(c);
			return;
		}
		px_request_feed(c, target, n);
	} while (reads_request(c) && SSL_has_pending(c->ssl));
}

void px_conn_read_pending(struct px_conn *c)
{
	if (reads_request(c) && SSL_has_pending(c->ssl))
		read_request(c);
}

/* The handler has the request: all that may come is the end. */
static void read_end(struct px_conn *c)
{
	uint8_t octet;
	size_t n = 0;
	int rc = SSL_read_ex(c->ssl, &octet, 1, &n);
	if (rc == 1)
		px_request_refuse(c, 400, "more octets came before the request was answered (no pipelining)");
	else if (!px_conn_waits(c, rc))
		px_conn_kill(c);
}

bool px_conn_overrun(struct px_conn *c)
{
	uint8_t octet;
	size_t n = 0;
	return SSL_has_pending(c->ssl) && SSL_read_ex(c->ssl, &octet, 1, &n) == 1;
}

static void discard(struct px_conn *c)
{
	/* With MSG_TRUNC the kernel drops octets of TCP without copying them (tcp(7)). */
	ssize_t n;
	do {
		n = recv(c->fd, NULL, 1 << 20, MSG_TRUNC | MSG_DONTWAIT);
	} while (n == 1 << 20);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
		px_conn_kill(c);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	struct px_conn *c = PX_CAST(arg, struct px_conn, PX_CONN_MAGIC);
	px_conn_enter(c);
	ERR_clear_error();
	switch (c->state) {
	case PX_CONN_WAIT: px_handshake_begin(c); break;
	case PX_CONN_QUEUED: break;
	case PX_CONN_HANDSHAKE: px_handshake_step(c); break;
	case PX_CONN_LINGER: discard(c); break;
	default:
		if (c->out.len > 0 && !px_conn_flush(c))
			break;
		if (reads_request(c))
			read_request(c);
		else if (c->state == PX_CONN_HANDLER)
			read_end(c);
	}
	px_conn_leave(c);
}
