/* prinex: the scripted peer
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/strings.h"

enum { LEASE_MS = 3000, WAIT_MAX_S = 60 };

/* How far one message (or all of them) has come in the script. */
struct progress {
	char sender[PX_AUTHORITY_MAX + 1];
	char id[PX_MESSAGE_ID_MAX + 1];
	unsigned step, used; /* posts that this step answered */
};

struct offer {
	struct px_body *body;
	char id[64];         /* "" never given out */
	int64_t leased_till; /* mono ms */
	bool confirmed;
};

struct px_peer {
	struct px_peer_server *server;
	struct px_peer_signer *own, *other;
	char environment[PX_NAME_MAX + 1];
	bool each;
	pthread_mutex_t lock;
	pthread_cond_t more; /* a record, or an offer */
	unsigned n_steps;
	struct px_peer_step *steps;
	struct px_peer_step rest;
	unsigned n_progress;
	struct progress *progress;
	unsigned n_records, n_posts;
	struct px_peer_record **records, **posts;
	unsigned n_offers, leases;
	struct offer *offers;
};

static const struct {
	const char *word, *text;
	int status;
} acts[] = {
#define PX_PEER(name, word, status, text) {word, text, status},
#include "peer_act.def"
#undef PX_PEER
};

const char *px_peer_act_word(enum px_peer_act act)
{
	return acts[act].word;
}

const char *px_peer_act_text(enum px_peer_act act)
{
	return acts[act].text;
}

enum px_peer_act px_peer_act_parse(const char *word)
{
	unsigned i = 0;
	while (i < PX_PEER_ACT_COUNT && strcmp(acts[i].word, word) != 0)
		i++;
	return (enum px_peer_act)i;
}

static int64_t now_ms(void)
{
	return px_clock_mono(px_clock_real());
}

/* --- the script --- */

static struct progress *progress_of(struct px_peer *p, const char *sender, const char *id)
{
	for (unsigned i = 0; i < p->n_progress; i++) {
		struct progress *g = &p->progress[i];
		if (!p->each || (strcmp(g->sender, sender) == 0 && strcmp(g->id, id) == 0))
			return g;
	}
	p->progress = px_xrealloc_array(p->progress, p->n_progress + 1, sizeof(p->progress[0]));
	struct progress *g = &p->progress[p->n_progress++];
	*g = (struct progress){0};
	px_strlcpy(g->sender, sender, sizeof(g->sender));
	px_strlcpy(g->id, id, sizeof(g->id));
	return g;
}

static struct px_peer_step *step_at(struct px_peer *p, const struct progress *g)
{
	return g->step < p->n_steps ? &p->steps[g->step] : &p->rest;
}

static void advance(struct px_peer *p, struct progress *g)
{
	if (g->step < p->n_steps && ++g->used >= PX_MAX(p->steps[g->step].count, 1u)) {
		g->step++;
		g->used = 0;
	}
}

/* The step for a post; with @only it is left where it is unless it is that one. */
static bool next_step(struct px_peer *p, const char *sender, const char *id, const enum px_peer_act *only,
		      struct px_peer_step *out)
{
	pthread_mutex_lock(&p->lock);
	struct progress *g = progress_of(p, sender, id);
	*out = *step_at(p, g);
	bool mine = only == NULL || out->act == *only;
	if (mine)
		advance(p, g);
	pthread_mutex_unlock(&p->lock);
	return mine;
}

void px_peer_script(struct px_peer *p, const struct px_peer_step *step)
{
	px_assert(p->other != NULL ||
		  (step->act != PX_PEER_WRONG_SIGNER && step->act != PX_PEER_WRONG_AUTHORITY));
	pthread_mutex_lock(&p->lock);
	p->steps = px_xrealloc_array(p->steps, p->n_steps + 1, sizeof(p->steps[0]));
	p->steps[p->n_steps++] = *step;
	pthread_mutex_unlock(&p->lock);
}

void px_peer_rest(struct px_peer *p, const struct px_peer_step *step)
{
	pthread_mutex_lock(&p->lock);
	p->rest = *step;
	pthread_mutex_unlock(&p->lock);
}

void px_peer_script_clear(struct px_peer *p)
{
	pthread_mutex_lock(&p->lock);
	p->n_steps = 0;
	p->n_progress = 0;
	pthread_mutex_unlock(&p->lock);
}

/* --- records --- */

static struct px_peer_record *record_new(const struct px_peer_call *call)
{
	struct px_peer_record *r = px_xcalloc(1, sizeof(*r));
	r->at = px_clock_wall(px_clock_real());
	if (call == NULL)
		return r;
	px_strlcpy(r->method, call->method, sizeof(r->method));
	px_strlcpy(r->path, call->path, sizeof(r->path));
	if (call->query[0] != '\0')
		snprintf(r->path + strlen(r->path), sizeof(r->path) - strlen(r->path), "?%s", call->query);
	px_strlcpy(r->peer_uri, call->peer_uri, sizeof(r->peer_uri));
	px_buf_add(&r->head, call->head.data, call->head.len);
	if (call->body.len > 0)
		r->body = px_body_copy(call->body.data, call->body.len);
	px_peer_first(call->body.data, call->body.len, "Sender", r->sender, sizeof(r->sender));
	px_peer_first(call->body.data, call->body.len, "MessageId", r->message_id, sizeof(r->message_id));
	px_peer_first(call->body.data, call->body.len, "MessageType", r->type, sizeof(r->type));
	return r;
}

static void record_free(struct px_peer_record *r)
{
	px_buf_free(&r->head);
	px_buf_free(&r->answer);
	px_body_unref(&r->body);
	free(r);
}

/* Taken; visible, and immutable, from here on. */
static void record_put(struct px_peer *p, struct px_peer_record *r)
{
	pthread_mutex_lock(&p->lock);
	r->number = p->n_records;
	p->records = px_xrealloc_array(p->records, p->n_records + 1, sizeof(struct px_peer_record *));
	p->records[p->n_records++] = r;
	if (r->scripted) {
		p->posts = px_xrealloc_array(p->posts, p->n_posts + 1, sizeof(struct px_peer_record *));
		p->posts[p->n_posts++] = r;
	}
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->lock);
}

static unsigned count_of(struct px_peer *p, const unsigned *n)
{
	pthread_mutex_lock(&p->lock);
	unsigned count = *n;
	pthread_mutex_unlock(&p->lock);
	return count;
}

unsigned px_peer_requests(struct px_peer *p)
{
	return count_of(p, &p->n_records);
}

unsigned px_peer_posts(struct px_peer *p)
{
	return count_of(p, &p->n_posts);
}

const struct px_peer_record *px_peer_request(struct px_peer *p, unsigned i)
{
	pthread_mutex_lock(&p->lock);
	const struct px_peer_record *r = i < p->n_records ? p->records[i] : NULL;
	pthread_mutex_unlock(&p->lock);
	return r;
}

const struct px_peer_record *px_peer_post(struct px_peer *p, unsigned i)
{
	pthread_mutex_lock(&p->lock);
	const struct px_peer_record *r = i < p->n_posts ? p->posts[i] : NULL;
	pthread_mutex_unlock(&p->lock);
	return r;
}

/* With the lock. @return false when the time is over. */
static bool wait_more(struct px_peer *p, int64_t deadline)
{
	int64_t left = deadline - now_ms();
	struct timespec until;
	if (left <= 0)
		return false;
	clock_gettime(CLOCK_REALTIME, &until);
	left = PX_MIN(left, 200); /* whatever happens to the wall clock */
	until.tv_nsec += left * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	(void)pthread_cond_timedwait(&p->more, &p->lock, &until);
	return true;
}

static bool wait_count(struct px_peer *p, const unsigned *count, unsigned n, int64_t timeout_ms)
{
	int64_t deadline = now_ms() + timeout_ms;
	pthread_mutex_lock(&p->lock);
	while (*count < n && wait_more(p, deadline)) {
	}
	bool there = *count >= n;
	pthread_mutex_unlock(&p->lock);
	return there;
}

bool px_peer_wait_requests(struct px_peer *p, unsigned n, int64_t timeout_ms)
{
	return wait_count(p, &p->n_records, n, timeout_ms);
}

bool px_peer_wait_posts(struct px_peer *p, unsigned n, int64_t timeout_ms)
{
	return wait_count(p, &p->n_posts, n, timeout_ms);
}

/* --- answers to posts --- */

static void about(struct px_peer_confirmation *c, const struct px_peer_record *r, const char *mid)
{
	c->ref_sender = r->sender;
	c->ref_message_id = mid;
	if (r->body != NULL)
		memcpy(c->ref_digest, r->body->digest, PX_DIGEST_LEN);
}

/* A digit or letter of ConfirmationId becomes another one after signing. */
static void tamper(struct px_buf *doc)
{
	char *id = strstr((char *)doc->data, "<px:ConfirmationId>");
	px_assert(id != NULL);
	id += strlen("<px:ConfirmationId>") + 1;
	*id = *id == '0' ? '1' : '0';
}

static void confirm(struct px_peer *p, const struct px_peer_step *step, const struct px_peer_record *r,
		    struct px_buf *out)
{
	const struct px_peer_signer *key =
	    step->act == PX_PEER_WRONG_SIGNER || step->act == PX_PEER_WRONG_AUTHORITY ? p->other : p->own;
	const struct px_peer_finding error = {
	    .code = step->code[0] != '\0' ? step->code : "X-TEST-1",
	    .ncts = "14",
	    .pointer = "/*",
	    .text = step->text[0] != '\0' ? step->text : "refused by the test",
	};
	struct px_peer_confirmation c = {
	    .kind = step->act == PX_PEER_COE   ? PX_COE
		    : step->act == PX_PEER_COD ? PX_COD
					       : PX_COA,
	    .temporary = step->temporary,
	    .issuer = px_peer_signer_authority(step->act == PX_PEER_WRONG_AUTHORITY ? p->other : p->own),
	    .cod_follows = step->act == PX_PEER_COD_FOLLOWS,
	};
	char mid[PX_MESSAGE_ID_MAX + 1];
	px_strlcpy(mid, r->message_id, sizeof(mid));
	about(&c, r, mid);
	if (step->act == PX_PEER_WRONG_REF && mid[0] != '\0')
		mid[strlen(mid) - 1] = mid[strlen(mid) - 1] == 'X' ? 'Y' : 'X';
	if (step->act == PX_PEER_WRONG_DIGEST)
		c.ref_digest[0] ^= 0xff;
	if (step->act == PX_PEER_COE) {
		c.errors = &error;
		c.n_errors = c.errors_total = 1;
	}
	px_peer_confirmation_write(out, &c, true);
	if (step->act != PX_PEER_UNSIGNED)
		px_peer_seal(key, out);
	if (step->act == PX_PEER_TAMPERED)
		tamper(out);
}

static const char *compose(struct px_peer *p, const struct px_peer_step *step, struct px_peer_record *r)
{
	switch (step->act) {
	case PX_PEER_STATUS:
		px_buf_addf(&r->answer, "%s\n", step->text[0] != '\0' ? step->text : "not now");
		return "text/plain; charset=utf-8";
	case PX_PEER_GARBAGE:
		for (unsigned i = 0; i < 400; i++)
			px_buf_addc(&r->answer, (char)(i * 37 + 128));
		return "application/xml";
	case PX_PEER_EMPTY: return "application/xml";
	default: confirm(p, step, r, &r->answer); return "application/xml";
	}
}

static void half_an_answer(struct px_wire *w, const struct px_peer_record *r)
{
	struct px_buf out = PX_BUF_INIT;
	struct px_buf why = PX_BUF_INIT;
	px_buf_addf(&out, "HTTP/1.1 %d OK\r\nContent-Type: application/xml\r\nContent-Length: %zu\r\n\r\n",
		    acts[r->act].status, r->answer.len);
	px_buf_add(&out, r->answer.data, r->answer.len / 2);
	(void)px_wire_write(w, out.data, out.len, NULL, 10000, &why);
	px_buf_free(&out);
	px_buf_free(&why);
}

static void hold(struct px_peer *p, int64_t ms)
{
	int64_t end = now_ms() + ms;
	while (now_ms() < end && !px_peer_server_ends(p->server))
		(void)poll(NULL, 0, (int)PX_MIN(end - now_ms(), 50));
}

static bool answer_post(struct px_peer *p, struct px_wire *w, const struct px_peer_call *call)
{
	struct px_peer_record *r = record_new(call);
	struct px_peer_step step;
	char extra[64] = "";
	bool goes_on = false;
	(void)next_step(p, r->sender, r->message_id, NULL, &step);
	r->scripted = true;
	r->act = step.act;
	hold(p, step.late_ms);
	if (step.act == PX_PEER_STALL) {
		record_put(p, r);
		px_wire_drain(w, 600000);
		return false;
	}
	if (step.act == PX_PEER_CUT_ANSWER) {
		(void)compose(p, &step, r);
		half_an_answer(w, r);
	} else if (step.act != PX_PEER_CUT_BEFORE && step.act != PX_PEER_CUT_MIDDLE &&
		   step.act != PX_PEER_CUT_AFTER) {
		const char *type = compose(p, &step, r);
		int status = step.status != 0 ? step.status : acts[step.act].status;
		if (step.retry_after > 0)
			snprintf(extra, sizeof(extra), "Retry-After: %d\r\n", step.retry_after);
		goes_on = px_peer_answer(w, status, type, extra, r->answer.data, r->answer.len, &step.pace);
		r->status = goes_on ? status : 0;
	}
	record_put(p, r);
	return goes_on;
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
	} while (!px_peer_server_ends(p->server) && wait_more(p, deadline));
	return NULL;
}

static bool answer_inbox(struct px_peer *p, struct px_wire *w, const struct px_peer_call *call)
{
	struct px_peer_record *r = record_new(call);
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
	record_put(p, r);
	return ok;
}

static bool answer_confirmation(struct px_peer *p, struct px_wire *w, const struct px_peer_call *call)
{
	struct px_peer_record *r = record_new(call);
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
	record_put(p, r);
	return ok;
}

static bool answer_ping(struct px_peer *p, struct px_wire *w, const struct px_peer_call *call)
{
	struct px_peer_record *r = record_new(call);
	px_peer_node_write(&r->answer, p->environment, px_peer_signer_authority(p->own), call->peer_uri);
	px_peer_seal(p->own, &r->answer);
	r->status = 200;
	bool ok = px_peer_answer(w, 200, "application/xml", "", r->answer.data, r->answer.len, NULL);
	record_put(p, r);
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
	struct px_peer_record *r = record_new(call);
	r->scripted = true;
	r->act = act;
	record_put(p, r);
}

/* Nothing is known of the message yet: with a script for each, this is the step of a message without name. */
static bool on_opened(void *arg, struct px_wire *w)
{
	static const enum px_peer_act act = PX_PEER_CUT_BEFORE;
	struct px_peer *p = arg;
	struct px_peer_step step;
	(void)w;
	if (!next_step(p, "", "", &act, &step))
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
	if (!next_step(p, "", "", &middle, &step))
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
		return answer_post(p, w, call);
	if (post && px_str_starts(call->path, "/v1/inbox/"))
		return answer_confirmation(p, w, call);
	if (!post && strcmp(call->path, "/v1/inbox") == 0)
		return answer_inbox(p, w, call);
	if (!post && strcmp(call->path, "/v1/ping") == 0)
		return answer_ping(p, w, call);
	struct px_peer_record *r = record_new(call);
	r->status = 404;
	bool ok = px_peer_answer(w, 404, NULL, "", "no such resource\n", 17, NULL);
	record_put(p, r);
	return ok;
}

static const struct px_peer_hooks hooks = {on_opened, on_headers, on_request};

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
		record_free(p->records[i]);
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
