/* prinex: the requests of the wire protocol
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/endpoint.h"

#include <strings.h>
#include <sys/queue.h>

#include "base/log.h"
#include "base/strings.h"
#include "flow/border_query.h"

#define WAIT_MAX_S 60

struct px_endpoint {
	uint32_t magic;
	struct px_flow *flow;
	LIST_HEAD(, pending) pending;
};

#define ENDPOINT_MAGIC 0x50584550u

/* A request being worked on. */
struct pending {
	LIST_ENTRY(pending) entry;
	struct px_endpoint *ep;
	struct px_request *req;
	uint64_t ticket; /* of a long poll */
	bool distrusted; /* its connection's certificate does not stand any more */
};

static bool is_trusted(void *arg)
{
	return !((struct pending *)arg)->distrusted;
}

struct px_endpoint *px_endpoint_new(struct px_flow *flow)
{
	struct px_endpoint *ep = px_xcalloc(1, sizeof(*ep));
	ep->magic = ENDPOINT_MAGIC;
	ep->flow = flow;
	px_flow_set_trusted(flow, is_trusted);
	LIST_INIT(&ep->pending);
	return ep;
}

void px_endpoint_free(struct px_endpoint **ep)
{
	if (*ep == NULL)
		return;
	px_assert(LIST_EMPTY(&(*ep)->pending));
	PX_FREE(*ep);
}

/* --- what there is
 * ------------------------------------------------------------------------------------------- */

enum resource { R_NONE, R_EXCHANGES, R_INBOX, R_INBOX_ID, R_STATE, R_BODY, R_MOVEMENTS, R_PING };

static enum resource resource_of(const char *path)
{
	if (strcmp(path, "/v1/exchanges") == 0)
		return R_EXCHANGES;
	if (strcmp(path, "/v1/inbox") == 0)
		return R_INBOX;
	if (strcmp(path, "/v1/ping") == 0)
		return R_PING;
	if (strcmp(path, "/v1/movements") == 0)
		return R_MOVEMENTS;
	if (px_str_starts(path, "/v1/inbox/") && strchr(path + 10, '/') == NULL && path[10] != '\0')
		return R_INBOX_ID;
	if (px_str_starts(path, "/v1/exchanges/")) {
		const char *slash = strchr(path + 14, '/');
		if (slash == NULL || slash == path + 14 || slash[1] == '\0' || slash[1] == '/')
			return R_NONE;
		const char *more = strchr(slash + 1, '/');
		return more == NULL ? R_STATE : strcmp(more, "/body") == 0 ? R_BODY : R_NONE;
	}
	return R_NONE;
}

static bool is_xml(const char *type)
{
	if (type == NULL)
		return false;
	size_t n = strcspn(type, "; \t");
	bool xml = (n == 15 && strncasecmp(type, "application/xml", n) == 0) ||
		   (n == 8 && strncasecmp(type, "text/xml", n) == 0);
	const char *charset = strcasestr(type + n, "charset=");
	if (!xml || charset == NULL)
		return xml;
	charset += strlen("charset=");
	return strncasecmp(charset, "utf-8", 5) == 0 || strncasecmp(charset, "\"utf-8\"", 7) == 0;
}

/* Officers read, and say who they are; what they read is for them alone. */
static int check_officer(const struct px_http *http, const struct px_conf_partner *partner, enum resource r,
			 const char **text)
{
	bool officers = r == R_MOVEMENTS || r == R_BODY;
	if (partner->role != PX_ROLE_OFFICER) {
		*text = "this resource is for partners with the role officer";
		return officers ? 403 : 0;
	}
	if (r == R_PING)
		return 0;
	if (!officers && r != R_STATE) {
		*text = "an officer's certificate may not do this";
		return 403;
	}
	if (!px_border_is_user(px_http_field(http, "prinex-user"))) {
		*text = "the header Prinex-User must name the officer: 1 to 64 letters, digits, . _ @ -";
		return 400;
	}
	return 0;
}

static int check_headers(void *arg, struct px_request *req, const char **text)
{
	(void)arg;
	const struct px_http *http = px_request_http(req);
	const struct px_conf_partner *partner = px_request_partner(req);
	enum resource r = resource_of(http->path);
	bool post = r == R_EXCHANGES || r == R_INBOX_ID;
	if (r == R_NONE) {
		*text = "no such resource: see docs/wire-protocol.md";
		return 404;
	}
	if (post != (http->method == PX_HTTP_POST)) {
		*text = post ? "this resource takes POST" : "this resource takes GET";
		return 405;
	}
	int status = check_officer(http, partner, r, text);
	if (status != 0)
		return status;
	if (r == R_INBOX_ID && http->has_length && http->length > (uint64_t)PX_LIMIT_CONFIRMATION) {
		*text = "larger than a confirmation can be";
		return 413;
	}
	if (post && !is_xml(px_http_field(http, "content-type"))) {
		*text = "Content-Type must be application/xml (or text/xml), charset utf-8";
		return 415;
	}
	return 0;
}

/* --- answering
 * ----------------------------------------------------------------------------------------------- */

static void answered(void *arg, const struct px_flow_answer *a)
{
	struct pending *p = arg;
	struct px_request *req = p->req;
	LIST_REMOVE(p, entry);
	free(p);
	char extra[160] = "";
	if (a->retry_after > 0)
		snprintf(extra, sizeof(extra), "Retry-After: %d\r\n", a->retry_after);
	if (a->delivery != NULL)
		snprintf(extra, sizeof(extra), "Prinex-Delivery: %s\r\n", a->delivery);
	const char *type = a->status == 204 ? NULL
			   : a->xml         ? "application/xml"
			   : a->json        ? "application/json"
					    : "text/plain; charset=utf-8";
	px_request_answer(req, a->status, type, extra, a->body, a->len);
}

static void inbox(struct pending *p, struct px_generation *gen, const struct px_conf_partner *partner)
{
	const struct px_http *http = px_request_http(p->req);
	char text[8];
	uint64_t wait = 0;
	if (http->query[0] != '\0' && (!px_http_query(http, "wait", text, sizeof(text)) ||
				       px_parse_u64(text, 0, WAIT_MAX_S, &wait) != PX_OK)) {
		struct px_flow_answer bad = {
		    .status = 400, .body = "wait must be 0 to 60 seconds\n", .len = 29};
		answered(p, &bad);
		return;
	}
	/* The answer may come at once, and frees p. */
	struct px_endpoint *ep = p->ep;
	uint64_t ticket = px_flow_fetch(ep->flow, gen, partner, (int64_t)wait * 1000, answered, p);
	struct pending *q;
	LIST_FOREACH(q, &ep->pending, entry)
	{
		if (q == p)
			p->ticket = ticket;
	}
}

static void state(struct pending *p, struct px_generation *gen, const struct px_conf_partner *partner)
{
	const char *path = px_request_http(p->req)->path + strlen("/v1/exchanges/");
	const char *slash = strchr(path, '/');
	char sender[64];
	px_strlcpy_n(sender, path, (size_t)(slash - path), sizeof(sender));
	const char *user =
	    partner->role == PX_ROLE_OFFICER ? px_http_field(px_request_http(p->req), "prinex-user") : NULL;
	px_flow_state(p->ep->flow, gen, partner, sender, slash + 1, user, answered, p);
}

static void refuse_query(struct pending *p, int status, const char *why)
{
	struct px_buf line = PX_BUF_INIT;
	px_buf_addf(&line, "%s\n", why);
	struct px_flow_answer bad = {.status = status, .body = line.data, .len = line.len};
	answered(p, &bad);
	px_buf_free(&line);
}

static void movements(struct pending *p, struct px_generation *gen, const struct px_conf_partner *partner)
{
	const struct px_http *http = px_request_http(p->req);
	struct px_border_query query;
	const char *why = NULL;
	int status = px_border_parse(http, &query, &why);
	if (status != 0)
		refuse_query(p, status, why);
	else
		px_border_movements(p->ep->flow, gen, partner, &query, answered, p);
}

static void body(struct pending *p, struct px_generation *gen, const struct px_conf_partner *partner)
{
	const struct px_http *http = px_request_http(p->req);
	const char *path = http->path + strlen("/v1/exchanges/"), *slash = strchr(path, '/');
	char sender[64], id[64];
	px_strlcpy_n(sender, path, (size_t)(slash - path), sizeof(sender));
	px_strlcpy_n(id, slash + 1, strcspn(slash + 1, "/"), sizeof(id));
	px_border_body(p->ep->flow, gen, partner, sender, id, px_http_field(http, "prinex-user"), answered,
		       p);
}

static void take_request(void *arg, struct px_request *req)
{
	struct px_endpoint *ep = PX_CAST(arg, struct px_endpoint, ENDPOINT_MAGIC);
	const struct px_http *http = px_request_http(req);
	struct px_generation *gen = px_flow_generation(ep->flow);
	/* A reload between the handshake and now: the partner as the new generation knows it. */
	const struct px_conf_partner *partner = px_conf_partner(gen->conf, px_request_partner(req)->name);
	if (partner == NULL) {
		px_request_answer_text(req, 403, "partner %s is no longer known here\n",
				       px_request_partner(req)->name);
		return;
	}
	struct pending *p = px_xcalloc(1, sizeof(*p));
	p->ep = ep;
	p->req = req;
	LIST_INSERT_HEAD(&ep->pending, p, entry);
	switch (resource_of(http->path)) {
	case R_EXCHANGES: {
		struct px_body *body = px_request_body(req);
		struct px_body *empty = body == NULL ? px_body_copy("", 0) : NULL;
		px_flow_receive(ep->flow, gen, partner, body != NULL ? body : empty, answered, p);
		px_body_unref(&empty);
		break;
	}
	case R_INBOX_ID: {
		struct px_body *body = px_request_body(req);
		struct px_body *empty = body == NULL ? px_body_copy("", 0) : NULL;
		px_flow_confirm(ep->flow, gen, partner, http->path + strlen("/v1/inbox/"),
				body != NULL ? body : empty, answered, p);
		px_body_unref(&empty);
		break;
	}
	case R_INBOX: inbox(p, gen, partner); break;
	case R_STATE: state(p, gen, partner); break;
	case R_BODY: body(p, gen, partner); break;
	case R_MOVEMENTS: movements(p, gen, partner); break;
	case R_PING: px_flow_ping(ep->flow, gen, partner, answered, p); break;
	case R_NONE: px_assert(false); break; /* check_headers refused it */
	}
}

static struct pending *find(struct px_endpoint *ep, const struct px_request *req)
{
	struct pending *p;
	LIST_FOREACH(p, &ep->pending, entry)
	{
		if (p->req == req)
			return p;
	}
	return NULL;
}

static void end_poll(struct pending *p, const struct px_flow_answer *answer)
{
	px_flow_fetch_cancel(p->ep->flow, p->ticket);
	answered(p, answer);
}

/* Only long polls end: what is being accepted goes on without its client. */
static void client_gone(void *arg, struct px_request *req)
{
	struct pending *p = find(PX_CAST(arg, struct px_endpoint, ENDPOINT_MAGIC), req);
	struct px_flow_answer none = {.status = 204, .body = ""};
	if (p != NULL && p->ticket != 0)
		end_poll(p, &none);
}

/* A long poll gets nothing any more; what is being judged is refused when its verdict comes. */
static void client_distrusted(void *arg, struct px_request *req)
{
	static const char text[] = "the certificate of this connection does not stand any more\n";
	struct pending *p = find(PX_CAST(arg, struct px_endpoint, ENDPOINT_MAGIC), req);
	struct px_flow_answer refused = {.status = 403, .body = text, .len = sizeof(text) - 1};
	if (p == NULL)
		return;
	p->distrusted = true;
	if (p->ticket != 0)
		end_poll(p, &refused);
}

const struct px_server_handler *px_endpoint_handler(void)
{
	static const struct px_server_handler handler = {check_headers, take_request, client_gone,
							 client_distrusted};
	return &handler;
}
