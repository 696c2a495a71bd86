/* prinex: the HTTPS server of peers that tests play
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "peer_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/strings.h"

enum { HANDSHAKE_MS = 10000, IDLE_MS = 600000, HEAD_MS = 600000, BODY_MS = 120000, ANSWER_MS = 600000 };
#define BODY_MAX ((size_t)17 * 1024 * 1024)

struct connection {
	LIST_ENTRY(connection) entry;
	struct px_peer_server *server;
	int fd;            /* until the handshake has it */
	struct px_wire *w; /* written under the lock */
};

struct px_peer_server {
	const struct px_peer_hooks *hooks;
	void *arg;
	SSL_CTX *ctx;
	unsigned port;
	int listening; /* -1: down */
	int wake;      /* eventfd: the accepting thread is to end */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t fewer;
	bool running, ends;
	unsigned n_connections;
	LIST_HEAD(, connection) connections;
};

bool px_peer_answer(struct px_wire *w, int status, const char *type, const char *extra, const void *body,
		    size_t len, const struct px_wire_pace *pace)
{
	struct px_buf out = PX_BUF_INIT;
	struct px_buf why = PX_BUF_INIT;
	px_buf_addf(&out, "HTTP/1.1 %d %s\r\n", status, status < 300 ? "OK" : "Refused");
	if (status != 204)
		px_buf_addf(&out, "Content-Type: %s\r\nContent-Length: %zu\r\n",
			    type != NULL ? type : "text/plain", len);
	px_buf_addf(&out, "%s\r\n", extra);
	px_buf_add(&out, body, len);
	int rc = px_wire_write(w, out.data, out.len, pace, ANSWER_MS, &why);
	px_buf_free(&out);
	px_buf_free(&why);
	return rc == PX_OK;
}

/* --- a connection --- */

static bool parse_line(struct px_peer_call *call)
{
	char line[512];
	char *rest = line;
	const char *head = px_buf_str(&call->head);
	px_strlcpy_n(line, head, strcspn(head, "\r"), sizeof(line));
	const char *method = strsep(&rest, " ");
	const char *target = strsep(&rest, " ");
	if (target == NULL || rest == NULL || !px_str_starts(rest, "HTTP/1."))
		return false;
	size_t n = strcspn(target, "?");
	px_strlcpy(call->query, target[n] == '?' ? target + n + 1 : "", sizeof(call->query));
	return px_strlcpy(call->method, method, sizeof(call->method)) &&
	       px_strlcpy_n(call->path, target, n, sizeof(call->path));
}

/* Whether a request, or its part, was read; if it ends unclear or too late, say so. */
static bool came(struct connection *c, int rc)
{
	static const char unclear[] = "the request is not clear\n", late[] = "too slow\n";
	const char *text = rc == PX_EPARSE ? unclear : late;
	if (rc == PX_EPARSE || rc == PX_ETIMEOUT) {
		(void)px_peer_answer(c->w, rc == PX_EPARSE ? 400 : 408, NULL, "Connection: close\r\n", text,
				     strlen(text), NULL);
		px_wire_drain(c->w, 200);
	}
	return rc == PX_OK;
}

static int read_body(struct connection *c, struct px_peer_call *call)
{
	const struct px_peer_hooks *h = c->server->hooks;
	char value[32];
	uint64_t len = 0;
	if (px_wire_field(&call->head, "Content-Length", value, sizeof(value)))
		(void)px_parse_u64(value, 0, BODY_MAX, &len);
	int64_t ms = h->body_ms > 0 ? h->body_ms + (int64_t)(len / 16) : BODY_MS;
	return px_wire_read_body(c->w, &call->head, BODY_MAX, ms, &call->body);
}

static bool serve_one(struct connection *c, struct px_peer_call *call)
{
	const struct px_peer_hooks *h = c->server->hooks;
	if (!came(c, px_wire_read_head(c->w, IDLE_MS, h->head_ms > 0 ? h->head_ms : HEAD_MS, &call->head)))
		return false;
	if (!parse_line(call))
		return came(c, PX_EPARSE);
	if (h->headers != NULL && !h->headers(c->server->arg, c->w, call))
		return false;
	return came(c, read_body(c, call)) && h->request(c->server->arg, c->w, call);
}

static void serve(struct connection *c)
{
	struct px_peer_server *s = c->server;
	struct px_peer_call call = {.peer_uri = px_wire_peer_uri(c->w)};
	px_wire_set_terms(c->w, s->hooks->renew_ms, s->hooks->loose);
	if (s->hooks->opened == NULL || s->hooks->opened(s->arg, c->w)) {
		while (!px_peer_server_ends(s) && serve_one(c, &call)) {
		}
	}
	px_buf_free(&call.head);
	px_buf_free(&call.body);
}

/* From here on px_peer_server_down finds the connection. */
static bool enlist(struct connection *c, struct px_wire *w)
{
	struct px_peer_server *s = c->server;
	pthread_mutex_lock(&s->lock);
	c->w = w;
	bool ends = s->ends || s->listening < 0;
	pthread_mutex_unlock(&s->lock);
	return !ends;
}

static void *connection_main(void *arg)
{
	struct connection *c = arg;
	struct px_peer_server *s = c->server;
	struct px_wire *w = NULL;
	struct px_buf why = PX_BUF_INIT;
	if (px_wire_accept(s->ctx, c->fd, HANDSHAKE_MS, &w, &why) == PX_OK && enlist(c, w))
		serve(c);
	pthread_mutex_lock(&s->lock);
	c->w = NULL;
	pthread_mutex_unlock(&s->lock);
	px_wire_close(&w);
	px_buf_free(&why);
	pthread_mutex_lock(&s->lock);
	LIST_REMOVE(c, entry);
	s->n_connections--;
	pthread_cond_broadcast(&s->fewer);
	pthread_mutex_unlock(&s->lock);
	free(c);
	return NULL;
}

static void add_connection(struct px_peer_server *s, int fd)
{
	struct connection *c = px_xcalloc(1, sizeof(*c));
	pthread_t thread;
	c->server = s;
	c->fd = fd;
	pthread_mutex_lock(&s->lock);
	while (s->n_connections >= PX_PEER_CONNECTIONS && !s->ends)
		pthread_cond_wait(&s->fewer, &s->lock);
	bool ok = !s->ends && pthread_create(&thread, NULL, connection_main, c) == 0;
	if (ok) {
		pthread_detach(thread);
		LIST_INSERT_HEAD(&s->connections, c, entry);
		s->n_connections++;
	}
	pthread_mutex_unlock(&s->lock);
	if (!ok) {
		close(fd);
		free(c);
	}
}

static void *accept_main(void *arg)
{
	struct px_peer_server *s = arg;
	struct pollfd fds[2] = {{.fd = s->listening, .events = POLLIN}, {.fd = s->wake, .events = POLLIN}};
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[1].revents != 0)
			return NULL;
		int fd = fds[0].revents != 0 ? accept4(fds[0].fd, NULL, NULL, SOCK_CLOEXEC) : -1;
		if (fd >= 0)
			add_connection(s, fd);
	}
}

/* --- life --- */

int px_peer_server_up(struct px_peer_server *s, struct px_buf *why)
{
	int one = 1;
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)s->port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	if (s->running)
		return PX_OK;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 128) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
		px_buf_setf(why, "127.0.0.1:%u: %s", s->port, strerror(errno));
		close(fd);
		return PX_ESYS;
	}
	pthread_mutex_lock(&s->lock);
	s->port = ntohs(at.sin_port);
	s->listening = fd;
	pthread_mutex_unlock(&s->lock);
	s->running = pthread_create(&s->thread, NULL, accept_main, s) == 0;
	px_assert(s->running);
	return PX_OK;
}

int px_peer_server_new(SSL_CTX *ctx, unsigned port, const struct px_peer_hooks *hooks, void *arg,
		       struct px_peer_server **out, struct px_buf *why)
{
	struct px_peer_server *s = px_xcalloc(1, sizeof(*s));
	s->hooks = hooks;
	s->arg = arg;
	s->port = port;
	s->listening = -1;
	s->wake = eventfd(0, EFD_CLOEXEC);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->fewer, NULL);
	LIST_INIT(&s->connections);
	*out = s; /* handlers may run before this returns */
	SSL_CTX_up_ref(ctx);
	s->ctx = ctx;
	int rc = px_peer_server_up(s, why);
	if (rc != PX_OK)
		px_peer_server_free(out);
	return rc;
}

unsigned px_peer_server_port(const struct px_peer_server *s)
{
	return s->port;
}

bool px_peer_server_ends(struct px_peer_server *s)
{
	pthread_mutex_lock(&s->lock);
	bool ends = s->ends || s->listening < 0;
	pthread_mutex_unlock(&s->lock);
	return ends;
}

void px_peer_server_down(struct px_peer_server *s)
{
	uint64_t one = 1;
	struct connection *c;
	pthread_mutex_lock(&s->lock);
	int fd = s->listening;
	s->listening = -1;
	LIST_FOREACH(c, &s->connections, entry)
	{
		if (c->w != NULL)
			px_wire_shutdown(c->w);
	}
	pthread_mutex_unlock(&s->lock);
	if (s->running) {
		px_assert(write(s->wake, &one, sizeof(one)) == (ssize_t)sizeof(one));
		pthread_join(s->thread, NULL);
		px_assert(read(s->wake, &one, sizeof(one)) == (ssize_t)sizeof(one));
		s->running = false;
	}
	if (fd >= 0)
		close(fd);
	pthread_mutex_lock(&s->lock);
	while (s->n_connections > 0)
		pthread_cond_wait(&s->fewer, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

void px_peer_server_free(struct px_peer_server **server)
{
	struct px_peer_server *s = *server;
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->ends = true;
	pthread_cond_broadcast(&s->fewer);
	pthread_mutex_unlock(&s->lock);
	px_peer_server_down(s);
	SSL_CTX_free(s->ctx);
	close(s->wake);
	pthread_cond_destroy(&s->fewer);
	pthread_mutex_destroy(&s->lock);
	PX_FREE(*server);
}
