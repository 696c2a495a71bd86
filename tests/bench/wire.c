/* prinex: many TLS connections of one thread, for the benchmark's load generator and partner
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "message.h"

#define LISTENERS 4
#define EVENTS    64

struct listener {
	int fd;
	SSL_CTX *ctx;
	unsigned slot;
};

struct px_wire {
	int epoll;
	px_wire_message *message;
	void *arg;
	struct listener listeners[LISTENERS];
	unsigned n_listeners;
	struct px_wire_conn **conns;
	unsigned n_conns;
};

struct px_wire *px_wire_new(px_wire_message *message, void *arg)
{
	struct px_wire *w = px_xcalloc(1, sizeof(*w));
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	px_assert(w->epoll >= 0);
	w->message = message;
	w->arg = arg;
	return w;
}

static void conn_close(struct px_wire_conn *c)
{
	if (c->fd < 0)
		return;
	SSL_free(c->ssl);
	close(c->fd);
	c->fd = -1;
	px_buf_free(&c->in);
	px_buf_free(&c->answer);
}

void px_wire_free(struct px_wire **wire)
{
	struct px_wire *w = *wire;
	if (w == NULL)
		return;
	for (unsigned i = 0; i < w->n_conns; i++) {
		conn_close(w->conns[i]);
		free(w->conns[i]);
	}
	free(w->conns);
	for (unsigned i = 0; i < w->n_listeners; i++)
		close(w->listeners[i].fd);
	close(w->epoll);
	free(w);
	*wire = NULL;
}

SSL_CTX *px_wire_tls(bool server, const char *cert, const char *key, const char *anchors)
{
	SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	if (ctx == NULL || SSL_CTX_use_certificate_chain_file(ctx, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_load_verify_locations(ctx, anchors, NULL) != 1)
		px_bench_die(cert, "cannot be used for TLS");
	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return ctx;
}

static struct sockaddr_in loopback(unsigned port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

int px_wire_socket(unsigned port)
{
	struct sockaddr_in a = loopback(port);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 128) != 0)
		px_bench_die("listen", strerror(errno));
	return fd;
}

static struct px_wire_conn *conn_new(struct px_wire *w, int fd, SSL_CTX *ctx)
{
	struct px_wire_conn *c = px_xcalloc(1, sizeof(*c));
	int one = 1;
	c->wire = w;
	c->fd = fd;
	c->ssl = SSL_new(ctx);
	px_assert(c->ssl != NULL && SSL_set_fd(c->ssl, fd) == 1);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	w->conns = px_xrealloc_array(w->conns, w->n_conns + 1, sizeof(struct px_wire_conn *));
	w->conns[w->n_conns++] = c;
	return c;
}

static void conn_watch(struct px_wire_conn *c)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	int flags = fcntl(c->fd, F_GETFL);
	px_assert(fcntl(c->fd, F_SETFL, flags | O_NONBLOCK) == 0);
	px_assert(epoll_ctl(c->wire->epoll, EPOLL_CTL_ADD, c->fd, &ev) == 0);
}

struct px_wire_conn *px_wire_connect(struct px_wire *w, unsigned port, SSL_CTX *ctx)
{
	struct sockaddr_in a = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		px_bench_die("connect", strerror(errno));
	struct px_wire_conn *c = conn_new(w, fd, ctx);
	if (SSL_connect(c->ssl) != 1)
		px_bench_die("handshake", ERR_reason_error_string(ERR_peek_error()));
	conn_watch(c);
	return c;
}

void px_wire_listen(struct px_wire *w, int fd, SSL_CTX *ctx, unsigned slot)
{
	px_assert(w->n_listeners < LISTENERS);
	struct listener *l = &w->listeners[w->n_listeners++];
	*l = (struct listener){.fd = fd, .ctx = ctx, .slot = slot};
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = l};
	px_assert(epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &ev) == 0);
}

static void accept_all(struct px_wire *w, const struct listener *l)
{
	int fd;
	while ((fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		struct px_wire_conn *c = conn_new(w, fd, l->ctx);
		c->slot = l->slot;
		SSL_set_accept_state(c->ssl);
		conn_watch(c);
	}
}

static void want_write(struct px_wire_conn *c, bool wanted)
{
	if (c->wants_write == wanted)
		return;
	struct epoll_event ev = {.events = EPOLLIN | (wanted ? EPOLLOUT : 0U), .data.ptr = c};
	px_assert(epoll_ctl(c->wire->epoll, EPOLL_CTL_MOD, c->fd, &ev) == 0);
	c->wants_write = wanted;
}

static void flush(struct px_wire_conn *c)
{
	while (c->out_at < c->out_len) {
		int n = SSL_write(c->ssl, c->out + c->out_at, (int)(c->out_len - c->out_at));
		if (n <= 0)
			break;
		c->out_at += (size_t)n;
	}
	want_write(c, c->out_at < c->out_len);
}

void px_wire_send(struct px_wire_conn *c, const uint8_t *octets, size_t len)
{
	px_assert(c->out_at == c->out_len);
	c->out = octets;
	c->out_len = len;
	c->out_at = 0;
	flush(c);
}

/* The value of Content-Length in the head @text; 0 where there is none. */
static size_t content_length(const char *text)
{
	const char *at = strcasestr(text, "\r\ncontent-length:");
	return at != NULL ? strtoul(at + 17, NULL, 10) : 0;
}

/* Hand over what is whole. @return octets still missing of what is not. */
static size_t hand_over(struct px_wire_conn *c)
{
	for (;;) {
		char *end = c->in.len > 0 ? strstr((char *)c->in.data, "\r\n\r\n") : NULL;
		if (end == NULL)
			return 1;
		*end = '\0';
		size_t head = (size_t)(end - (char *)c->in.data) + 4;
		size_t len = content_length((char *)c->in.data);
		int status = strncmp((char *)c->in.data, "HTTP/1.1 ", 9) == 0
				 ? (int)strtol((char *)c->in.data + 9, NULL, 10)
				 : 0;
		*end = '\r';
		if (c->in.len < head + len)
			return head + len - c->in.len;
		if (status != 100)
			c->wire->message(c->wire->arg, c, status, c->in.data + head, len);
		size_t rest = c->in.len - head - len;
		memmove(c->in.data, c->in.data + head + len, rest + 1);
		c->in.len = rest;
		if (rest == 0)
			return 1;
	}
}

static void receive(struct px_wire_conn *c)
{
	size_t missing = 1;
	for (;;) {
		size_t room = PX_MAX(missing, (size_t)16384);
		uint8_t *to = px_buf_reserve(&c->in, room);
		int n = SSL_read(c->ssl, to, (int)room);
		if (n <= 0) {
			int e = SSL_get_error(c->ssl, n);
			if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
				conn_close(c);
			ERR_clear_error();
			return;
		}
		px_buf_grown(&c->in, (size_t)n);
		c->in.data[c->in.len] = '\0';
		if (missing > (size_t)n && missing > 1)
			missing -= (size_t)n;
		else
			missing = hand_over(c);
		if (SSL_pending(c->ssl) == 0 && !SSL_has_pending(c->ssl) && (size_t)n < room)
			return; /* level-triggered: what comes later wakes us */
	}
}

static bool is_listener(const struct px_wire *w, const void *p)
{
	return p >= (const void *)w->listeners && p < (const void *)(w->listeners + LISTENERS);
}

void px_wire_turn(struct px_wire *w, long us)
{
	struct epoll_event events[EVENTS];
	struct timespec wait = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
	int n = epoll_pwait2(w->epoll, events, EVENTS, us < 0 ? NULL : &wait, NULL);
	for (int i = 0; i < n; i++) {
		if (is_listener(w, events[i].data.ptr)) {
			accept_all(w, events[i].data.ptr);
			continue;
		}
		struct px_wire_conn *c = events[i].data.ptr;
		if ((events[i].events & EPOLLOUT) != 0)
			flush(c);
		if (c->fd >= 0 && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
			receive(c);
	}
}
