/* prinex: the metrics listener
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/metrics_listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "ctl/parts.h"
#include "net/http.h"

#define SCRAPES_MAX 16
#define TEXT_PLAIN  "text/plain; version=0.0.4; charset=utf-8"

/* A connection: one request. */
struct scrape {
	TAILQ_ENTRY(scrape) link;
	struct px_metrics_listener *listener; /* NULL: closed while figures are being refreshed */
	struct bufferevent *bev;
	struct px_http http;
	struct px_timer deadline;
	bool refreshing, answered;
};
TAILQ_HEAD(scrapes, scrape);

struct px_metrics_listener {
	struct px_ctl *ctl;
	int fd;
	struct event *accept;
	struct px_timer pause;
	char *path; /* of a Unix socket, to be removed; NULL none */
	unsigned port;
	struct scrapes scrapes;
	unsigned n;
};

/* --- a connection
 * --------------------------------------------------------------------------------------------- */

static void scrape_close(struct scrape *s)
{
	struct px_metrics_listener *l = s->listener;
	px_assert(l != NULL); /* once only */
	TAILQ_REMOVE(&l->scrapes, s, link);
	l->n--;
	px_timer_stop(l->ctl->setup.timers, &s->deadline);
	bufferevent_free(s->bev);
	px_http_free(&s->http);
	s->listener = NULL;
	if (!s->refreshing)
		free(s);
}

static void too_late(void *arg)
{
	scrape_close(arg);
}

static void answer(struct scrape *s, int status, const char *type, const void *body, size_t len)
{
	struct px_buf head = PX_BUF_INIT;
	struct evbuffer *out = bufferevent_get_output(s->bev);
	px_http_answer_head(&head, status, type, len, false, "");
	evbuffer_add(out, head.data, head.len);
	evbuffer_add(out, body, len);
	px_buf_free(&head);
	s->answered = true;
	bufferevent_disable(s->bev, EV_READ);
	px_timer_set(s->listener->ctl->setup.timers, &s->deadline, s->listener->ctl->setup.answer_ms,
		     too_late, s);
}

static void answer_text(struct scrape *s, int status, const char *text)
{
	struct px_buf body = PX_BUF_INIT;
	px_buf_addf(&body, "%s\n", text);
	answer(s, status, "text/plain; charset=utf-8", body.data, body.len);
	px_buf_free(&body);
}

static void refreshed(void *arg)
{
	struct scrape *s = arg;
	s->refreshing = false;
	if (s->listener == NULL) {
		free(s);
		return;
	}
	struct px_buf text = PX_BUF_INIT;
	px_metrics_render(s->listener->ctl->setup.metrics, &text);
	answer(s, 200, TEXT_PLAIN, text.data, text.len);
	px_buf_free(&text);
}

/* Why no message would be accepted now, or NULL. */
static const char *trouble(const struct px_ctl *ctl)
{
	if (px_flow_is_draining(ctl->setup.flow))
		return "draining";
	for (unsigned i = 0; i < px_alarms_count(ctl->setup.alarms); i++) {
		struct px_alarm_state a = px_alarms_get(ctl->setup.alarms, i);
		if (px_alarm_severity(a.alarm) == PX_SEVERITY_CRITICAL)
			return px_alarm_name(a.alarm);
	}
	return NULL;
}

static void serve(struct scrape *s)
{
	if (s->http.method != PX_HTTP_GET) {
		answer_text(s, 405, "only GET");
	} else if (strcmp(s->http.path, "/metrics") == 0) {
		s->refreshing = true;
		bufferevent_disable(s->bev, EV_READ);
		px_timer_stop(s->listener->ctl->setup.timers, &s->deadline);
		px_ctl_refresh(s->listener->ctl, refreshed, s);
	} else if (strcmp(s->http.path, "/healthz") == 0) {
		const char *why = trouble(s->listener->ctl);
		answer_text(s, why == NULL ? 200 : 503, why == NULL ? "ok" : why);
	} else {
		answer_text(s, 404, "there are /metrics and /healthz");
	}
}

/* A request line and headers; a body is more than a scraper sends. */
static void on_readable(struct bufferevent *bev, void *arg)
{
	struct scrape *s = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	/* The end of a request without a body is told by a further call, with nothing left to read. */
	enum px_http_event event = PX_HTTP_HEADERS;
	while (!s->answered && !s->refreshing && (evbuffer_get_length(in) > 0 || event != PX_HTTP_MORE)) {
		size_t used = 0, len = evbuffer_get_contiguous_space(in);
		event = px_http_feed(&s->http, evbuffer_pullup(in, (ev_ssize_t)len), len, &used);
		evbuffer_drain(in, used);
		if (event == PX_HTTP_ERROR)
			answer_text(s, s->http.status, s->http.reason);
		else if (event == PX_HTTP_BODY)
			answer_text(s, 400, "a request without a body is expected");
		else if (event == PX_HTTP_DONE)
			serve(s);
	}
}

static void on_written(struct bufferevent *bev, void *arg)
{
	struct scrape *s = arg;
	(void)bev;
	if (s->answered)
		scrape_close(s);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	scrape_close(arg);
}

/* --- accepting
 * ------------------------------------------------------------------------------------------------ */

static void welcome(struct px_metrics_listener *l, int fd)
{
	struct scrape *s = px_xcalloc(1, sizeof(*s));
	s->listener = l;
	px_http_init(&s->http);
	s->bev = bufferevent_socket_new(l->ctl->setup.base, fd, BEV_OPT_CLOSE_ON_FREE);
	px_assert(s->bev != NULL);
	bufferevent_setcb(s->bev, on_readable, on_written, on_event, s);
	bufferevent_setwatermark(s->bev, EV_READ, 0, (size_t)PX_LIMIT_HEADER_OCTETS);
	TAILQ_INSERT_TAIL(&l->scrapes, s, link);
	l->n++;
	px_timer_set(l->ctl->setup.timers, &s->deadline, PX_LIMIT_DEADLINE_HEADERS, too_late, s);
	bufferevent_enable(s->bev, EV_READ | EV_WRITE);
}

static void accept_again(void *arg)
{
	struct px_metrics_listener *l = arg;
	event_add(l->accept, NULL);
}

static void on_connection(evutil_socket_t fd, short what, void *arg)
{
	struct px_metrics_listener *l = arg;
	(void)what;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (client >= 0 && l->n >= SCRAPES_MAX) {
		close(client);
	} else if (client >= 0) {
		welcome(l, client);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		px_warn("metrics", "cannot accept a connection, next try in a second");
		event_del(l->accept);
		px_timer_set(l->ctl->setup.timers, &l->pause, 1000, accept_again, l);
	}
}

/* --- the address
 * ---------------------------------------------------------------------------------------------- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

static int refuse(struct px_buf *why, const char *address, const char *reason)
{
	px_buf_setf(why, "metrics on %s: %s", address, reason);
	return PX_ECONF;
}

static bool is_loopback(const union address *a)
{
	if (a->any.sa_family == AF_INET)
		return ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
	return a->any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

/* "127.0.0.1:9464", "[::1]:9464", "localhost:9464". */
static bool parse_ip(const char *text, union address *out, socklen_t *len)
{
	char host[64];
	uint64_t port;
	const char *colon = strrchr(text, ':');
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;
	bool v6 = n > 2 && text[0] == '[' && text[n - 1] == ']';
	if (n == 0 || px_parse_u64(colon + 1, 0, 65535, &port) != PX_OK ||
	    !px_strlcpy_n(host, text + v6, n - (v6 ? 2 : 0), sizeof(host)))
		return false;
	if (v6) {
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons((uint16_t)port);
		*len = sizeof(out->v6);
		return inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1;
	}
	out->v4.sin_family = AF_INET;
	out->v4.sin_port = htons((uint16_t)port);
	*len = sizeof(out->v4);
	return inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &out->v4.sin_addr) ==
	       1;
}

static int parse_address(const char *text, union address *out, socklen_t *len, struct px_buf *why)
{
	*out = (union address){.any = {0}};
	if (px_str_starts(text, "unix:")) {
		out->local.sun_family = AF_UNIX;
		*len = sizeof(out->local);
		return px_strlcpy(out->local.sun_path, text + 5, sizeof(out->local.sun_path))
			   ? PX_OK
			   : refuse(why, text, "the file name is too long for a socket");
	}
	if (!parse_ip(text, out, len))
		return refuse(why, text, "not an address with a port");
	/* Figures tell who trades with whom: they never leave the machine unprotected. */
	return is_loopback(out) ? PX_OK
				: refuse(why, text, "only loopback addresses and Unix sockets are allowed");
}

static int sys_error(struct px_buf *why, const char *address)
{
	px_buf_setf(why, "metrics on %s: %s", address, strerror(errno));
	return PX_ESYS;
}

static void note_port(struct px_metrics_listener *l)
{
	union address a = {.any = {0}};
	socklen_t len = sizeof(a);
	if (getsockname(l->fd, &a.any, &len) == 0 && a.any.sa_family != AF_UNIX)
		l->port = ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
}

static int open_listener(struct px_metrics_listener *l, const char *text, struct px_buf *why)
{
	union address a;
	socklen_t len = 0;
	struct stat st;
	int one = 1, rc = parse_address(text, &a, &len, why);
	if (rc != PX_OK)
		return rc;
	bool local = a.any.sa_family == AF_UNIX;
	/* What a daemon left behind. Two daemons cannot share a store, so nobody answers there. */
	if (local && lstat(a.local.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(a.local.sun_path);
	l->fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return sys_error(why, text);
	setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(l->fd, &a.any, len) != 0 || listen(l->fd, SCRAPES_MAX) != 0)
		return sys_error(why, text);
	if (local) {
		l->path = px_xstrdup(a.local.sun_path);
		chmod(l->path, 0666);
	}
	note_port(l);
	return PX_OK;
}

int px_metrics_listener_new(struct px_ctl *ctl, const char *address, struct px_metrics_listener **out,
			    struct px_buf *why)
{
	struct px_metrics_listener *l = px_xcalloc(1, sizeof(*l));
	l->fd = -1;
	TAILQ_INIT(&l->scrapes);
	int rc = open_listener(l, address, why);
	if (rc != PX_OK) {
		if (l->fd >= 0)
			close(l->fd);
		free(l);
		return rc;
	}
	l->ctl = px_ctl_ref(ctl);
	l->accept = event_new(ctl->setup.base, l->fd, EV_READ | EV_PERSIST, on_connection, l);
	px_assert(l->accept != NULL && event_add(l->accept, NULL) == 0);
	*out = l;
	return PX_OK;
}

unsigned px_metrics_listener_port(const struct px_metrics_listener *listener)
{
	return listener->port;
}

void px_metrics_listener_free(struct px_metrics_listener **listener)
{
	struct px_metrics_listener *l = *listener;
	if (l == NULL)
		return;
	*listener = NULL;
	px_timer_stop(l->ctl->setup.timers, &l->pause);
	while (!TAILQ_EMPTY(&l->scrapes))
		scrape_close(TAILQ_FIRST(&l->scrapes));
	event_free(l->accept);
	close(l->fd);
	if (l->path != NULL)
		unlink(l->path);
	px_ctl_unref(l->ctl);
	free(l->path);
	free(l);
}
