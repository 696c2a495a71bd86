/* prinex: server: one request: headers, body, handler, answer
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "net/server_internal.h"

#define SPARE 32
/* Lines a minute about refused requests of one partner. */
#define LINES 20
/* First piece of a body of unknown length; then it doubles. */
#define FIRST_ROOM (16 * 1024)
/* What the head of an answer mostly needs. */
#define HEAD_ROOM 256

/* --- life ----------------------------------------------------------------------------------------------- */

static struct px_request *request_new(struct px_conn *c)
{
	struct px_server *srv = c->srv;
	struct px_request *req = TAILQ_FIRST(&srv->spare);
	if (req != NULL) {
		TAILQ_REMOVE(&srv->spare, req, entry);
		srv->n_spare--;
	} else {
		req = px_xcalloc(1, sizeof(*req));
		req->magic = PX_REQUEST_MAGIC;
		px_http_init(&req->http);
		req->sha = px_sha256_new();
	}
	req->srv = srv;
	req->conn = c;
	req->started = px_clock_mono(px_timers_clock(srv->setup.timers));
	memcpy(req->peer, c->peer, sizeof(req->peer));
	TAILQ_INSERT_TAIL(&srv->requests, req, entry);
	return req;
}

void px_request_destroy(struct px_request *req)
{
	req->magic = 0;
	px_http_free(&req->http);
	px_sha256_free(&req->sha);
	free(req);
}

/* Gives everything back, and keeps the request for the next one. */
static void release(struct px_request *req)
{
	struct px_server *srv = req->srv;
	px_body_unref(&req->body);
	PX_FREE(req->data);
	req->len = req->room = req->hashed = 0;
	px_tls_unref(&req->tls);
	req->partner = NULL;
	req->conn = NULL;
	req->handed = false;
	if (srv == NULL) {
		px_request_destroy(req);
		return;
	}
	if (req->account != NULL) {
		px_budget_give(&srv->budget, req->account, req->taken);
		req->account->requests--;
		px_account_put(&req->account);
	}
	req->taken = 0;
	TAILQ_REMOVE(&srv->requests, req, entry);
	if (srv->n_spare >= SPARE) {
		px_request_destroy(req);
		return;
	}
	px_http_reset(&req->http);
	px_sha256_reset(req->sha);
	TAILQ_INSERT_HEAD(&srv->spare, req, entry);
	srv->n_spare++;
}

/* The server goes, the handler still has the request. */
void px_request_orphan(struct px_request *req)
{
	struct px_server *srv = req->srv;
	if (req->account != NULL) {
		px_budget_give(&srv->budget, req->account, req->taken);
		req->account->requests--;
		px_account_put(&req->account);
	}
	req->taken = 0;
	TAILQ_REMOVE(&srv->requests, req, entry);
	req->srv = NULL;
	req->conn = NULL;
}

void px_request_drop(struct px_conn *c)
{
	struct px_request *req = c->req;
	if (req == NULL)
		return;
	c->req = NULL;
	req->conn = NULL;
	if (!req->handed)
		release(req);
	else if (c->srv->setup.handler->gone != NULL)
		c->srv->setup.handler->gone(c->srv->setup.arg, req);
}

/* --- answers -------------------------------------------------------------------------------------------- */

static void send_answer(struct px_conn *c, int status, const char *type, const char *extra, const void *body,
			size_t len, bool keep)
{
	char label[16];
	snprintf(label, sizeof(label), "%d", status);
	px_metric_add(c->srv->setup.metrics, PX_M_HTTP_REQUESTS, 1, label, NULL, NULL);
	if (status == 204)
		len = 0;
	if (type == NULL && len > 0)
		type = "text/plain; charset=utf-8";
	c->close_after |= !keep;
	px_buf_reserve(&c->out, len + HEAD_ROOM);
	px_http_answer_head(&c->out, status, len > 0 ? type : NULL, len, !c->close_after && !c->srv->draining,
			    extra);
	px_buf_add(&c->out, body, len);
	px_conn_set_state(c, PX_CONN_ANSWER);
	px_conn_flush(c);
}

static const char *retry_after(int status, const struct px_server *srv)
{
	if (status != 503 && status != 429)
		return "";
	return srv->draining ? "Retry-After: 10\r\n" : "Retry-After: 2\r\n";
}

static void send_text(struct px_conn *c, int status, const char *text, bool keep)
{
	struct px_buf line = PX_BUF_INIT;
	px_buf_adds(&line, text);
	if (line.len == 0 || line.data[line.len - 1] != '\n')
		px_buf_addc(&line, '\n');
	send_answer(c, status, NULL, retry_after(status, c->srv), line.data, line.len, keep);
	px_buf_free(&line);
}

static void log_refusal(struct px_conn *c, int status, const char *text)
{
	unsigned dropped;
	if (!px_log_allowed(&c->account->limit, LINES, &dropped))
		return;
	px_log(PX_LOG_INFO, "net", "partner=%s peer=%s request refused: %d %s", c->partner->name, c->peer,
	       status, text);
	if (dropped > 0)
		px_log(PX_LOG_INFO, "net", "partner=%s %u more requests were refused in the minute before",
		       c->partner->name, dropped);
}

void px_request_refuse(struct px_conn *c, int status, const char *text)
{
	px_conn_enter(c);
	log_refusal(c, status, text);
	px_request_drop(c);
	send_text(c, status, text, false);
	px_conn_leave(c);
}

void px_request_answer(struct px_request *req, int status, const char *type, const char *extra,
		       const void *body, size_t len)
{
	px_assert(req->magic == PX_REQUEST_MAGIC && req->handed);
	struct px_conn *c = req->conn;
	if (c == NULL) {
		release(req);
		return;
	}
	px_conn_enter(c);
	bool keep = req->http.keep_alive;
	/* Until the answer is out, the request counts: a slow reader may not have any number of answers wait.
	 */
	c->answering = px_account_get(&c->srv->budget, req->account->name);
	c->answering->requests++;
	c->req = NULL;
	release(req);
	send_answer(c, status, type, extra, body, len, keep);
	px_conn_leave(c);
}

void px_request_answer_text(struct px_request *req, int status, const char *fmt, ...)
{
	struct px_buf line = PX_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&line, fmt, ap);
	va_end(ap);
	if (line.len == 0 || line.data[line.len - 1] != '\n')
		px_buf_addc(&line, '\n');
	const char *extra = req->srv != NULL ? retry_after(status, req->srv) : "";
	px_request_answer(req, status, NULL, extra, line.data, line.len);
	px_buf_free(&line);
}

/* --- headers -------------------------------------------------------------------------------------------- */

static uint64_t body_limit(const struct px_request *req)
{
	return px_tls_conf(req->tls)->inspect.body_limit;
}

int64_t px_request_body_time(const struct px_request *req)
{
	uint64_t size = req->http.has_length ? req->http.length : body_limit(req);
	return (int64_t)(size * 1000 / req->srv->limits.rate);
}

static int check_budget(struct px_request *req, const char **text)
{
	struct px_server *srv = req->srv;
	if (req->http.has_length && req->http.length > body_limit(req)) {
		*text = "the body is larger than this node accepts";
		return 413;
	}
	if (srv->draining) {
		*text = "this node is shutting down";
		return 503;
	}
	if (req->account->requests > srv->limits.requests_partner) {
		*text = "too many requests in progress for this partner";
		return 503;
	}
	if (!px_budget_take(&srv->budget, &srv->limits, req->account, req->http.length)) {
		*text = "no memory left for the body at the moment";
		return 503;
	}
	req->taken = req->http.length;
	return 0;
}

/* A refusal before the body was read ends the connection: the body may be on its way, or never come. */
static void refuse_headers(struct px_conn *c, int status, const char *text)
{
	struct px_request *req = c->req;
	bool keep = req->http.keep_alive && !req->http.chunked && req->http.length == 0;
	log_refusal(c, status, text != NULL ? text : "");
	px_request_drop(c);
	send_text(c, status, text != NULL ? text : px_http_status_text(status), keep);
}

/* @rest: octets of the body that have arrived already. @return whether to go on. */
static bool take_headers(struct px_conn *c, size_t rest)
{
	struct px_server *srv = c->srv;
	struct px_request *req = c->req;
	const char *text = NULL;
	req->tls = px_tls_ref(c->tls);
	req->partner = c->partner;
	req->account = px_account_get(&srv->budget, c->partner->name);
	req->account->requests++;
	int status = srv->setup.handler->headers(srv->setup.arg, req, &text);
	if (status == 0)
		status = check_budget(req, &text);
	if (status != 0) {
		refuse_headers(c, status, text);
		return false;
	}
	px_conn_set_state(c, PX_CONN_BODY);
	if (req->http.length > 0) {
		req->room = (size_t)req->http.length;
		req->data = px_xmalloc(req->room);
	}
	if (!req->http.expect_continue || rest > 0 || (req->http.length == 0 && !req->http.chunked))
		return true;
	px_http_answer_head(&c->out, 100, NULL, 0, true, "");
	return px_conn_flush(c);
}

/* --- body ----------------------------------------------------------------------------------------------- */

uint8_t *px_request_target(struct px_conn *c, uint8_t *scratch, size_t scratch_size, size_t *room)
{
	struct px_request *req = c->req;
	*room = scratch_size;
	if (c->state != PX_CONN_BODY || !req->http.has_length)
		return scratch;
	*room = req->room - req->len;
	return req->data + req->len;
}

/* For a body of unknown length. */
static bool make_room(struct px_conn *c, size_t need)
{
	struct px_request *req = c->req;
	if (need > body_limit(req)) {
		px_request_refuse(c, 413, "the body is larger than this node accepts");
		return false;
	}
	if (need <= req->room)
		return true;
	size_t room = PX_MAX(req->room * 2, (size_t)FIRST_ROOM);
	room = PX_MIN(PX_MAX(room, need), (size_t)body_limit(req));
	if (!px_budget_take(&c->srv->budget, &c->srv->limits, req->account, room - req->room)) {
		px_request_refuse(c, 503, "no memory left for the body at the moment");
		return false;
	}
	req->taken = req->room = room;
	req->data = px_xrealloc(req->data, room);
	return true;
}

static bool take_span(struct px_conn *c)
{
	struct px_request *req = c->req;
	const struct px_http *http = &req->http;
	if (http->chunked && !make_room(c, req->len + http->span_len))
		return false;
	px_assert(req->len + http->span_len <= req->room);
	if (http->span != req->data + req->len) /* else it was read to where it belongs */
		memcpy(req->data + req->len, http->span, http->span_len);
	req->len += http->span_len;
	return true;
}

/* Once for all that a read brought, not once a chunk. */
static void hash(struct px_request *req)
{
	if (req->len > req->hashed)
		px_sha256_add(req->sha, req->data + req->hashed, req->len - req->hashed);
	req->hashed = req->len;
}

static void take_request(struct px_conn *c, size_t rest)
{
	struct px_request *req = c->req;
	if (rest > 0 || px_conn_overrun(c)) {
		px_request_refuse(c, 400, "more octets came before the request was answered (no pipelining)");
		return;
	}
	if (req->http.method == PX_HTTP_POST) {
		uint8_t digest[PX_DIGEST_LEN];
		hash(req);
		px_sha256_end(req->sha, digest);
		if (req->data == NULL)
			req->data = px_xmalloc(1);
		req->body = px_body_new(&req->data, req->len, digest);
	}
	px_conn_set_state(c, PX_CONN_HANDLER);
	req->handed = true;
	c->srv->setup.handler->request(c->srv->setup.arg, req);
}

void px_request_feed(struct px_conn *c, const uint8_t *data, size_t len)
{
	size_t done = 0;
	if (c->state == PX_CONN_IDLE) {
		c->req = request_new(c);
		px_conn_set_state(c, PX_CONN_HEAD);
	}
	for (;;) {
		struct px_request *req = c->req;
		size_t used;
		enum px_http_event ev = px_http_feed(&req->http, data + done, len - done, &used);
		done += used;
		switch (ev) {
		case PX_HTTP_MORE: hash(req); return;
		case PX_HTTP_HEADERS:
			if (!take_headers(c, len - done))
				return;
			break;
		case PX_HTTP_BODY:
			if (!take_span(c))
				return;
			break;
		case PX_HTTP_DONE: take_request(c, len - done); return;
		case PX_HTTP_ERROR: px_request_refuse(c, req->http.status, req->http.reason); return;
		}
	}
}

/* --- what the handler sees ------------------------------------------------------------------------------ */

const struct px_http *px_request_http(const struct px_request *req)
{
	return &req->http;
}

const struct px_conf_partner *px_request_partner(const struct px_request *req)
{
	return req->partner;
}

struct px_tls *px_request_tls(const struct px_request *req)
{
	return req->tls;
}

struct px_body *px_request_body(const struct px_request *req)
{
	return req->body;
}

int64_t px_request_started(const struct px_request *req)
{
	return req->started;
}

bool px_request_is_gone(const struct px_request *req)
{
	return req->conn == NULL;
}

const char *px_request_peer(const struct px_request *req)
{
	return req->peer;
}
