/* prinex: the scripted peer
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/clock.h"
#include "base/strings.h"
#include "peer_parts.h"

enum { LEASE_MS = 3000, WAIT_MAX_S = 60 };

static int64_t now_ms(void)
{
	return px_clock_mono(px_clock_real());
}

/* --- the broker's side: ping, inbox --- */

/* The next offer that nobody has, leased; NULL after the wait. With the lock. */
static struct offer *lease(struct px_peer *p, int64_t deadline)
{
	do {
		for (unsigned i = 0; i < p->n_offers; i++) {
			struct offer *o = &p->offers[i];
			if (o->confirmed || o->leased_till > now_ms())
				continue;
			o->leased_till = now_ms() + LEASE_MS;
			snprintf(o->id, sizeof(o->id), "D%u", ++p->leases);
			return o;
		}
	} while (!px_peer_server_ends(p->server) && px_peer_wait_more(p, deadline));
	return NULL;
}

static bool answer_inbox(struct px_peer *p, struct px_wire *w, const struct px_peer_call *call)
{
	struct px_peer_record *r = px_peer_record_new(call);
	struct px_body *body = NULL;
	char extra[128] = "";
	uint64_t wait = 0;
	if (px_str_starts(call->query, "wait="))
		(void)px_parse_u64(call->query + 5, 0, WAIT_MAX_S, &wait);
	pthread_mutex_lock(&p->lock);
	struct offer *o = lease(p, now_ms() + (int64_t)wait * 1000);
	if (o != NULL) {
		body = px_body_ref(o->body);
		px_strlcpy(r->delivery, o->id, sizeof(r->delivery));
	}
	pthread_mutex_unlock(&p->lock);
	r->status = body != NULL ? 200 : 204;
	if (body != NULL)
		snprintf(extra, sizeof(extra), "Prinex-Delivery: %s\r\n", r->delivery);
	bool ok = px_peer_answer(w, r->status, "application/xml", extra, body != NULL ? body->data : NULL,
				 body != NULL ? body->len : 0, NULL);
	px_body_unref(&body);
	px_peer_record_put(p, r);
	return ok;
}

static bool answer_confirmation(struct px_peer *p, struct px_wire *w, const struct px_peer_call *call)
{
	struct px_peer_record *r = px_peer_record_new(call);
	px_strlcpy(r->delivery, call->path + strlen("/v1/inbox/"), sizeof(r->delivery));
	r->status = 409;
	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < p->n_offers; i++) {
		if (strcmp(p->offers[i].id, r->delivery) == 0) {
			p->offers[i].confirmed = true;
			r->status = 204;
		}
	}
	pthread_mutex_unlock(&p->lock);
	const char *text = r->status == 204 ? "" : "the lease has passed on\n";
	bool ok = px_peer_answer(w, r->status, NULL, "", text, strlen(text), NULL);
	px_peer_record_put(p, r);
	return ok;
}

static bool answer_ping(struct px_peer *p, struct px_wire *w, const struct px_peer_call *call)
{
	struct px_peer_record *r = px_peer_record_new(call);
	px_peer_node_write(&r->answer, p->environment, px_peer_signer_authority(p->own), call->peer_uri);
	px_peer_seal(p->own, &r->answer);
	r->status = 200;
	bool ok = px_peer_answer(w, 200, "application/xml", "", r->answer.data, r->answer.len, NULL);
	px_peer_record_put(p, r);
	return ok;
}

void px_peer_offer(struct px_peer *p, struct px_body *body)
{
	pthread_mutex_lock(&p->lock);
	p->offers = px_xrealloc_array(p->offers, p->n_offers + 1, sizeof(p->offers[0]));
	p->offers[p->n_offers++] = (struct offer){.body = px_body_ref(body)};
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->lock);
}

unsigned px_peer_unconfirmed(struct px_peer *p)
{
	unsigned n = 0;
	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < p->n_offers; i++)
		n += !p->offers[i].confirmed;
	pthread_mutex_unlock(&p->lock);
	return n;
}

/* --- what the server calls --- */

static bool is_post(const struct px_peer_call *call)
{
	return strcmp(call->method, "POST") == 0 && strcmp(call->path, "/v1/exchanges") == 0;
}

static void record_cut(struct px_peer *p, const struct px_peer_call *call, enum px_peer_act act)
{
	struct px_peer_record *r = px_peer_record_new(call);
	r->scripted = true;
	r->act = act;
	px_peer_record_put(p, r);
}

/* Nothing is known of the message yet: with a script for each, this is the step of a message without name. */
static bool on_opened(void *arg, struct px_wire *w)
{
	static const enum px_peer_act act = PX_PEER_CUT_BEFORE;
	struct px_peer *p = arg;
	struct px_peer_step step;
	(void)w;
	if (!px_peer_next_step(p, "", "", &act, &step))
		return true;
	record_cut(p, NULL, act);
	return false;
}

static bool on_headers(void *arg, struct px_wire *w, struct px_peer_call *call)
{
	static const enum px_peer_act middle = PX_PEER_CUT_MIDDLE;
	struct px_peer *p = arg;
	struct px_peer_step step;
	struct px_buf half = PX_BUF_INIT;
	char value[32];
	uint64_t len = 0;
	if (!is_post(call) || p->each)
		return true;
	/* Over a connection that was open already. */
	if (!on_opened(p, w))
		return false;
	if (!px_peer_next_step(p, "", "", &middle, &step))
		return true;
	if (px_wire_field(&call->head, "Content-Length", value, sizeof(value)))
		(void)px_parse_u64(value, 0, UINT64_MAX, &len);
	snprintf(value, sizeof(value), "%u", (unsigned)(len / 2));
	px_buf_addf(&half, "POST / HTTP/1.1\r\nContent-Length: %s\r\n\r\n", value);
	(void)px_wire_read_body(w, &half, PX_LIMIT_BODY_MAX, 10000, &call->body);
	px_buf_clear(&call->body);
	px_buf_free(&half);
	record_cut(p, call, middle);
	return false;
}

static bool on_request(void *arg, struct px_wire *w, struct px_peer_call *call)
{
	struct px_peer *p = arg;
	bool post = strcmp(call->method, "POST") == 0;
	if (is_post(call))
		return px_peer_answer_post(p, w, call);
	if (post && px_str_starts(call->path, "/v1/inbox/"))
		return answer_confirmation(p, w, call);
	if (!post && strcmp(call->path, "/v1/inbox") == 0)
		return answer_inbox(p, w, call);
	if (!post && strcmp(call->path, "/v1/ping") == 0)
		return answer_ping(p, w, call);
	struct px_peer_record *r = px_peer_record_new(call);
	r->status = 404;
	bool ok = px_peer_answer(w, 404, NULL, "", "no such resource\n", 17, NULL);
	px_peer_record_put(p, r);
	return ok;
}

static const struct px_peer_hooks hooks = {.opened = on_opened, .headers = on_headers, .request = on_request};

/* --- life --- */

int px_peer_start(const struct px_peer_setup *setup, struct px_peer **out, struct px_buf *why)
{
	struct px_peer *p = px_xcalloc(1, sizeof(*p));
	p->each = setup->each;
	p->rest.act = PX_PEER_COA;
	px_strlcpy(p->environment, setup->environment != NULL ? setup->environment : "test",
		   sizeof(p->environment));
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->more, NULL);
	int rc = px_peer_signer_load(setup->authority, setup->sign_cert, setup->sign_key, &p->own, why);
	if (rc == PX_OK && setup->other_key != NULL)
		rc = px_peer_signer_load(setup->other_authority, setup->other_cert, setup->other_key,
					 &p->other, why);
	SSL_CTX *ctx = NULL;
	if (rc == PX_OK)
		rc = px_wire_server_ctx(&setup->tls, &ctx, why);
	if (rc == PX_OK)
		rc = px_peer_server_new(ctx, setup->port, &hooks, p, &p->server, why);
	SSL_CTX_free(ctx);
	if (rc != PX_OK)
		px_peer_stop(&p);
	*out = p;
	return rc;
}

void px_peer_stop(struct px_peer **peer)
{
	struct px_peer *p = *peer;
	if (p == NULL)
		return;
	px_peer_server_free(&p->server);
	for (unsigned i = 0; i < p->n_records; i++)
		px_peer_record_free(p->records[i]);
	for (unsigned i = 0; i < p->n_offers; i++)
		px_body_unref(&p->offers[i].body);
	free(p->records);
	free(p->posts);
	free(p->steps);
	free(p->progress);
	free(p->offers);
	px_peer_signer_free(&p->own);
	px_peer_signer_free(&p->other);
	pthread_cond_destroy(&p->more);
	pthread_mutex_destroy(&p->lock);
	PX_FREE(*peer);
}

unsigned px_peer_port(const struct px_peer *p)
{
	return px_peer_server_port(p->server);
}

void px_peer_down(struct px_peer *p)
{
	px_peer_server_down(p->server);
}

int px_peer_up(struct px_peer *p, struct px_buf *why)
{
	return px_peer_server_up(p->server, why);
}
