/* prinex: server: bind, listen, accept
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <errno.h>
#include <netdb.h>
#include <unistd.h>

#include "base/strings.h"
#include "net/server_internal.h"

#define BACKLOG 512
/* Accepted in one turn, so that a flood of connections does not keep the loop from its other work. */
#define TURN 32
/* Out of descriptors: try again after so many ms. */
#define PAUSE 200

static void resume(void *arg)
{
	struct px_server *srv = arg;
	for (unsigned i = 0; i < srv->n_listeners; i++)
		event_add(&srv->listeners[i].ev, NULL);
}

static void pause_listening(struct px_server *srv)
{
	unsigned dropped;
	if (px_log_allowed(&srv->shortage, 1, &dropped))
		px_warn("net", "cannot accept connections for the moment (%u are open)", srv->n_conns);
	for (unsigned i = 0; i < srv->n_listeners; i++)
		event_del(&srv->listeners[i].ev);
	px_timer_set(srv->setup.timers, &srv->resume, PAUSE, resume, srv);
}

static void on_accept(evutil_socket_t listening, short what, void *arg)
{
	(void)what;
	struct px_listener *l = arg;
	struct px_server *srv = l->srv;
	for (int i = 0; i < TURN; i++) {
		struct sockaddr_storage peer = {0};
		socklen_t len = sizeof(peer);
		int fd = accept4(listening, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			px_conn_new(srv, fd, (struct sockaddr *)&peer);
			continue;
		}
		/* A connection that has ended while it waited is nobody's fault. */
		if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			pause_listening(srv);
		return;
	}
}

static void add_listener(struct px_server *srv, int fd)
{
	/* Reserved for all before the first: events must not move. */
	struct px_listener *l = &srv->listeners[srv->n_listeners++];
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);
	l->srv = srv;
	l->fd = fd;
	if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0 && sa.ss_family == AF_INET6)
		l->port = ntohs(((struct sockaddr_in6 *)&sa)->sin6_port);
	else if (sa.ss_family == AF_INET)
		l->port = ntohs(((struct sockaddr_in *)&sa)->sin_port);
	evutil_make_socket_nonblocking(fd);
	px_assert(event_assign(&l->ev, srv->setup.base, fd, EV_READ | EV_PERSIST, on_accept, l) == 0);
	event_add(&l->ev, NULL);
}

/* `host:port`, `[v6]:port`. */
static bool split(const char *address, char *host, size_t size, const char **port)
{
	const char *colon = strrchr(address, ':');
	if (colon == NULL)
		return false;
	*port = colon + 1;
	size_t len = (size_t)(colon - address);
	if (address[0] == '[' && len >= 2 && address[len - 1] == ']') {
		address++;
		len -= 2;
	}
	return px_strlcpy_n(host, address, len, size);
}

static int bind_one(const struct addrinfo *ai)
{
	int on = 1;
	int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, ai->ai_protocol);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	int err = errno;
	close(fd);
	errno = err;
	return -1;
}

static int bind_address(struct px_server *srv, const char *address, struct px_buf *why)
{
	char host[256];
	const char *port = "";
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	int rc = split(address, host, sizeof(host), &port) ? getaddrinfo(host, port, &hints, &list)
							   : EAI_NONAME;
	if (rc != 0) {
		px_buf_setf(why, "cannot listen on %s: %s", address, gai_strerror(rc));
		return PX_ESYS;
	}
	int fd = bind_one(list);
	int err = errno;
	freeaddrinfo(list);
	if (fd < 0) {
		px_buf_setf(why, "cannot listen on %s: %s", address, strerror(err));
		return PX_ESYS;
	}
	add_listener(srv, fd);
	return PX_OK;
}

int px_listen(struct px_server *srv, struct px_buf *why)
{
	const struct px_strings *addresses = &px_tls_conf(srv->tls)->listen.addresses;
	unsigned n = srv->setup.n_fds > 0 ? srv->setup.n_fds : addresses->n;
	srv->listeners = px_xcalloc(PX_MAX(n, 1U), sizeof(srv->listeners[0]));
	for (unsigned i = 0; i < srv->setup.n_fds; i++)
		add_listener(srv, srv->setup.fds[i]);
	int rc = PX_OK;
	for (unsigned i = 0; srv->setup.n_fds == 0 && i < addresses->n && rc == PX_OK; i++)
		rc = bind_address(srv, addresses->items[i], why);
	return rc;
}

void px_listen_stop(struct px_server *srv)
{
	px_timer_stop(srv->setup.timers, &srv->resume);
	for (unsigned i = 0; i < srv->n_listeners; i++) {
		event_del(&srv->listeners[i].ev);
		close(srv->listeners[i].fd);
	}
	srv->n_listeners = 0;
}
