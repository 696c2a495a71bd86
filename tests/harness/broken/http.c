/* prinex: prinex-broken: requests
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <strings.h>

#include "base/strings.h"
#include "broken.h"
#include "net/http.h"

#define LARGE ((uint64_t)200 * 1024)

/* A line of text; the connection ends where what follows cannot be told. */
static bool line(struct px_wire *w, int status, const char *text, bool goes_on)
{
	struct px_buf body = PX_BUF_INIT;
	px_buf_addf(&body, "%s\n", text);
	bool ok = px_peer_answer(w, status, "text/plain; charset=utf-8",
				 goes_on         ? ""
				 : status == 503 ? "Retry-After: 2\r\nConnection: close\r\n"
						 : "Connection: close\r\n",
				 body.data, body.len, NULL);
	px_buf_free(&body);
	if (!goes_on)
		px_wire_drain(w, 200);
	return ok && goes_on;
}

/* What a fault takes for a partner. */
static bool passes_for(const struct px_conf_partner *p, const struct px_wire *w)
{
	bool names = strcmp(p->san_uri, px_wire_peer_uri(w)) == 0;
	return ((HAS(ANY_CLIENT_CERT) || HAS(TLS12)) && names) ||
	       (HAS(NO_CLIENT_CERT) && SSL_get0_peer_certificate(px_wire_ssl(w)) == NULL);
}

static const struct px_conf_partner *partner_of(struct broken *b, const struct px_wire *w)
{
	struct px_buf why = PX_BUF_INIT;
	const struct px_conf_partner *all = b->conf->partners;
	const struct px_conf_partner *found = px_tls_identify(b->tls, px_wire_ssl(w), &why);
	for (unsigned i = 0; found == NULL && all != NULL && i < b->conf->n_partners; i++) {
		if (passes_for(&all[i], w))
			found = &all[i];
	}
	px_buf_free(&why);
	return found;
}

static bool on_opened(void *arg, struct px_wire *w)
{
	return partner_of(arg, w) != NULL;
}

/* The broker's own strict reading of a head. @return 0, or the status to refuse with. */
static int strict(const struct px_buf *head, const char **text)
{
	struct px_http http;
	size_t used = 0;
	static const char unclear[] = "the request is not clear";
	int status = 0;
	px_http_init(&http);
	if (px_http_feed(&http, head->data, head->len, &used) == PX_HTTP_ERROR) {
		status = http.status;
		*text = unclear;
	}
	px_http_free(&http);
	return status;
}

static bool is_xml(const struct px_buf *head)
{
	char type[128];
	(void)px_wire_field(head, "Content-Type", type, sizeof(type));
	size_t n = strcspn(type, "; ");
	const char *charset = strcasestr(type, "charset=");
	return ((n == 15 && strncasecmp(type, "application/xml", n) == 0) ||
		(n == 8 && strncasecmp(type, "text/xml", n) == 0)) &&
	       (charset == NULL || strncasecmp(charset + 8, "utf-8", 5) == 0 ||
		strncasecmp(charset + 8, "\"utf-8\"", 7) == 0);
}

static bool is_resource(const char *path, bool *post)
{
	*post = strcmp(path, "/v1/exchanges") == 0 || px_str_starts(path, "/v1/inbox/");
	return *post || strcmp(path, "/v1/inbox") == 0 || strcmp(path, "/v1/ping") == 0 ||
	       px_str_starts(path, "/v1/exchanges/");
}

static uint64_t limit(const struct broken *b)
{
	return HAS(LARGE_REFUSED) ? LARGE : HAS(NO_LIMIT) ? UINT64_MAX : b->conf->inspect.body_limit;
}

static int check_head(struct broken *b, const struct px_peer_call *call, const char **text)
{
	char value[32];
	uint64_t len = 0;
	bool post;
	int status = HAS(HTTP_LOOSE) ? 0 : strict(&call->head, text);
	if (status != 0)
		return status;
	*text = "no such resource";
	if (!is_resource(call->path, &post))
		return 404;
	*text = post ? "this resource takes POST" : "this resource takes GET";
	if (strcmp(call->method, post ? "POST" : "GET") != 0)
		return 405;
	*text = "Content-Type must be application/xml";
	if (post && !HAS(ANY_CONTENT_TYPE) && !is_xml(&call->head))
		return 415;
	*text = "a length is required";
	if (HAS(CHUNKED_REFUSED) && px_wire_field(&call->head, "Transfer-Encoding", value, sizeof(value)))
		return 411;
	*text = "the body is too large";
	if (px_wire_field(&call->head, "Content-Length", value, sizeof(value)) &&
	    px_parse_u64(value, 0, UINT64_MAX, &len) == PX_OK && len > limit(b))
		return 413;
	return 0;
}

static bool on_headers(void *arg, struct px_wire *w, struct px_peer_call *call)
{
	const char *text = "";
	int status = check_head(arg, call, &text);
	return status == 0 || line(w, status, text, false);
}

/* --- resources --- */

static bool answer_xml(struct px_wire *w, int status, const char *extra, const struct px_buf *doc)
{
	return px_peer_answer(w, status, "application/xml", extra, doc->data, doc->len, NULL);
}

static bool inbox(struct broken *b, struct px_wire *w, const struct px_conf_partner *partner,
		  const char *query)
{
	char extra[80];
	const char *lease = "";
	uint64_t wait = 0;
	if (query[0] != '\0' &&
	    (!px_str_starts(query, "wait=") || px_parse_u64(query + 5, 0, 60, &wait) != PX_OK))
		return line(w, 400, "wait must be 0 to 60 seconds", true);
	pthread_mutex_lock(&b->lock);
	struct message *m = fetch(b, partner, (int64_t)wait * 1000, &lease);
	struct px_body *body = m != NULL ? px_body_ref(m->body) : NULL;
	snprintf(extra, sizeof(extra), "Prinex-Delivery: %s\r\n", lease);
	pthread_mutex_unlock(&b->lock);
	bool ok = px_peer_answer(w, body != NULL ? 200 : 204, "application/xml", body != NULL ? extra : "",
				 body != NULL ? body->data : NULL, body != NULL ? body->len : 0, NULL);
	px_body_unref(&body);
	return ok;
}

static bool may_see(const struct message *m, const char *authority)
{
	bool sees = HAS(STATE_OPEN) || strcmp(m->header.sender, authority) == 0;
	for (unsigned i = 0; !sees && i < m->n_deliveries; i++)
		sees = strcmp(m->deliveries[i].recipient, authority) == 0;
	return sees;
}

static bool state(struct broken *b, struct px_wire *w, const struct px_conf_partner *partner,
		  const char *path)
{
	char sender[PX_AUTHORITY_MAX + 1];
	struct px_buf doc = PX_BUF_INIT;
	const char *rest = path + strlen("/v1/exchanges/");
	const char *slash = strchr(rest, '/');
	const struct message *m = NULL;
	pthread_mutex_lock(&b->lock);
	if (slash != NULL && px_strlcpy_n(sender, rest, (size_t)(slash - rest), sizeof(sender)))
		m = find_message(b, sender, slash + 1);
	if (m != NULL && may_see(m, partner->authority))
		say_state(b, m, &doc);
	pthread_mutex_unlock(&b->lock);
	bool ok = doc.len > 0 ? answer_xml(w, 200, "", &doc)
			      : line(w, 404, "no such exchange of yours", true);
	px_buf_free(&doc);
	return ok;
}

static bool on_request(void *arg, struct px_wire *w, struct px_peer_call *call)
{
	struct broken *b = arg;
	const struct px_conf_partner *partner = partner_of(b, w);
	struct px_buf out = PX_BUF_INIT;
	bool ok;
	if (call->body.len > limit(b))
		return line(w, 413, "the body is too large", false);
	if (strcmp(call->path, "/v1/exchanges") == 0) {
		int status = accept_exchange(b, partner, &call->body, &out);
		ok = answer_xml(w, status, "", &out);
	} else if (px_str_starts(call->path, "/v1/inbox/")) {
		int status = accept_confirmation(b, partner, call->path + 10, &call->body, &out);
		ok = px_peer_answer(w, status, NULL, "", out.data, out.len, NULL);
	} else if (strcmp(call->path, "/v1/inbox") == 0) {
		ok = inbox(b, w, partner, call->query);
	} else if (strcmp(call->path, "/v1/ping") == 0) {
		say_node(b, partner, &out);
		ok = answer_xml(w, 200, "", &out);
	} else {
		ok = state(b, w, partner, call->path);
	}
	px_buf_free(&out);
	return ok;
}

const struct px_peer_hooks broken_hooks = {
    .opened = on_opened, .headers = on_headers, .request = on_request, .head_ms = 10000, .body_ms = 30000};
