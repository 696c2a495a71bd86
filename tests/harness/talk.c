/* prinex: requests of a case: posts, raw octets, the inbox
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <pthread.h>

#include "base/strings.h"
#include "cast.h"

/* --- connections and answers --- */

int px_dial(struct px_play *p, const struct px_actor *a, struct px_wire **out, struct px_buf *why)
{
	char *anchors = px_pki_path(p, "%s/tls-ca.pem", a->broker->authority);
	struct px_wire_dial dial = {
	    .address = a->broker->is_target ? p->venue->target_address : "127.0.0.1",
	    .port = a->broker->port,
	    .tls = {.cert = a->tls_cert,
		    .key = a->tls_key,
		    .anchors = anchors,
		    .min = a->tls_version,
		    .max = a->tls_version},
	    .timeout_ms = 10000 * (int64_t)p->venue->slow,
	};
	int rc = px_wire_open(&dial, out, why);
	free(anchors);
	return rc;
}

void px_answers_clear(struct px_play *p)
{
	px_buf_clear(&p->previous);
	if (p->n_answers > 0)
		px_buf_add(&p->previous, p->answers[p->n_answers - 1].reply.body.data,
			   p->answers[p->n_answers - 1].reply.body.len);
	for (unsigned i = 0; i < p->n_answers; i++) {
		px_wire_reply_free(&p->answers[i].reply);
		px_buf_free(&p->answers[i].why);
	}
	PX_FREE(p->answers);
	p->n_answers = 0;
	p->seen = NULL;
}

struct px_answer *px_answer_add(struct px_play *p)
{
	p->answers = px_xrealloc_array(p->answers, p->n_answers + 1, sizeof(p->answers[0]));
	p->answers[p->n_answers] = (struct px_answer){0};
	return &p->answers[p->n_answers++];
}

struct px_answer *px_answer_last(struct px_play *p)
{
	if (p->n_answers > 0)
		return &p->answers[p->n_answers - 1];
	px_fail(p, "an answer", "nothing has been sent");
	return NULL;
}

void px_told(struct px_play *p, const struct px_answer *a, const char *what)
{
	px_refusal_note(p, a);
	if (a->rc != PX_OK) {
		px_note(p, "%s: no answer: %s", what, px_buf_str(&a->why));
		return;
	}
	px_note(p, "%s: %d, %zu octets%s%.200s", what, a->reply.status, a->reply.body.len,
		a->reply.body.len > 0 && a->reply.body.data[0] != '<' ? ": " : "",
		a->reply.body.len > 0 && a->reply.body.data[0] != '<' ? px_buf_str(&a->reply.body) : "");
	if (px_str_starts(px_buf_str(&a->reply.body), "<px:Confirmation ") ||
	    px_str_starts(px_buf_str(&a->reply.body), "<px:Node "))
		px_keep_evidence(p, what, &a->reply.body, a->doc != NULL ? a->doc->digest : NULL);
}

/* --- send --- */

struct manner {
	const char *cut, *type;
	bool chunked;
	struct px_wire_pace pace;
	int64_t timeout;
};

static int post_cut(struct px_wire *w, const struct manner *m, const struct px_doc *d, struct px_answer *a)
{
	struct px_buf head = PX_BUF_INIT;
	px_wire_request_head(&head, w, "/v1/exchanges", m->type, d->octets.data, d->octets.len, "");
	size_t len = strcmp(m->cut, "before") == 0   ? 0
		     : strcmp(m->cut, "middle") == 0 ? d->octets.len / 2
						     : d->octets.len;
	int rc = px_wire_write(w, head.data, head.len, NULL, m->timeout, &a->why);
	if (rc == PX_OK)
		rc = px_wire_write(w, d->octets.data, len, &m->pace, m->timeout, &a->why);
	px_buf_free(&head);
	a->rc = PX_ECLOSED;
	px_buf_setf(&a->why, "we hung up (cut=%s)", m->cut);
	return rc;
}

static void post_slow(struct px_wire *w, const struct manner *m, const struct px_doc *d, struct px_answer *a)
{
	struct px_buf all = PX_BUF_INIT;
	px_wire_request_head(&all, w, "/v1/exchanges", m->type, d->octets.data, d->octets.len,
			     m->chunked ? "Transfer-Encoding: chunked\r\n" : "");
	if (m->chunked)
		px_wire_add_chunks(&all, d->octets.data, d->octets.len,
				   m->pace.chunk > 0 ? m->pace.chunk : d->octets.len);
	else
		px_buf_add(&all, d->octets.data, d->octets.len);
	a->rc = px_wire_write(w, all.data, all.len, &m->pace, m->timeout, &a->why);
	/* A refusal may come before all was written. */
	int rc = px_wire_read_reply(w, m->timeout, &a->reply, &a->why);
	if (rc == PX_OK || a->rc == PX_OK)
		a->rc = rc;
	px_buf_free(&all);
}

/* One document, on the connection in *w if there is one. */
static void post(struct px_play *p, const struct px_actor *actor, const struct px_doc *d,
		 const struct manner *m, struct px_wire **w, struct px_answer *a)
{
	a->doc = d;
	a->rc = *w != NULL ? PX_OK : px_dial(p, actor, w, &a->why);
	if (a->rc != PX_OK)
		return;
	if (m->cut != NULL) {
		(void)post_cut(*w, m, d, a);
		px_wire_cut(w);
	} else if (m->pace.chunk > 0 || m->chunked) {
		post_slow(*w, m, d, a);
	} else {
		a->rc = px_wire_request(*w, "/v1/exchanges", m->type, d->octets.data, d->octets.len,
					m->timeout, &a->reply, &a->why);
	}
	char connection[16];
	if (*w != NULL &&
	    (a->rc != PX_OK || px_wire_field(&a->reply.head, "Connection", connection, sizeof(connection))))
		px_wire_close(w);
}

struct crew {
	struct px_play *p;
	const struct px_actor *actor;
	const struct px_docs *docs;
	const struct manner *manner;
	struct px_answer *answers;
	pthread_mutex_t lock;
	unsigned next;
};

static void *crew_member(void *arg)
{
	struct crew *c = arg;
	struct px_wire *w = NULL;
	for (;;) {
		pthread_mutex_lock(&c->lock);
		unsigned i = c->next++;
		pthread_mutex_unlock(&c->lock);
		if (i >= c->docs->n)
			break;
		post(c->p, c->actor, c->docs->items[i], c->manner, &w, &c->answers[i]);
	}
	px_wire_close(&w);
	return NULL;
}

static void send_all(struct px_play *p, const struct px_actor *actor, const struct px_docs *docs,
		     const struct manner *m, unsigned parallel)
{
	struct crew c = {.p = p, .actor = actor, .docs = docs, .manner = m, .answers = p->answers};
	pthread_t threads[64];
	unsigned n = 0;
	pthread_mutex_init(&c.lock, NULL);
	for (; n + 1 < PX_MIN(parallel, 64u) && pthread_create(&threads[n], NULL, crew_member, &c) == 0; n++)
		;
	(void)crew_member(&c);
	while (n > 0)
		pthread_join(threads[--n], NULL);
	pthread_mutex_destroy(&c.lock);
}

static struct px_actor *sender_of(struct px_play *p, const struct px_call *call, const struct px_docs *docs)
{
	const char *named = px_call_key(call, "as");
	px_assert(docs->n > 0);
	struct px_actor *a = named != NULL ? px_find_actor(p, named) : docs->items[0]->by;
	if (a == NULL && named == NULL)
		a = px_acting(p, call, "as");
	if (a != NULL)
		p->last = a;
	return a;
}

static void send_docs(struct px_play *p, struct px_actor *actor, const struct px_docs *docs,
		      const struct manner *m, unsigned parallel)
{
	px_answers_clear(p);
	for (unsigned i = 0; i < docs->n; i++)
		px_answer_add(p);
	if (p->sim != NULL) {
		for (unsigned i = 0; i < docs->n; i++)
			px_sim_post(p, actor, docs->items[i], &p->answers[i]);
	} else {
		send_all(p, actor, docs, m, parallel);
	}
	for (unsigned i = 0; i < docs->n; i++) {
		struct px_buf what = PX_BUF_INIT;
		px_buf_addf(&what, "%s as %s", docs->items[i]->name, actor->name);
		px_told(p, &p->answers[i], px_buf_str(&what));
		px_buf_free(&what);
	}
	p->seen = &p->answers[p->n_answers - 1].reply.body;
}

int px_send_one(struct px_play *p, struct px_actor *a, struct px_doc *d)
{
	struct px_docs one = {1, &d};
	struct manner m = {.type = "application/xml", .timeout = PX_REQUEST_MS * (int64_t)p->venue->slow};
	p->last = a;
	send_docs(p, a, &one, &m, 1);
	return PX_OK;
}

int px_cmd_send(struct px_play *p, const struct px_call *call)
{
	struct px_docs docs = {0};
	int rc = PX_OK;
	for (unsigned i = 0; rc == PX_OK && i < call->n; i++)
		rc = px_find_docs(p, px_call_word(call, i), &docs);
	struct px_actor *actor = rc == PX_OK ? sender_of(p, call, &docs) : NULL;
	if (actor == NULL) {
		free(docs.items);
		return PX_EINVAL;
	}
	const char *type = px_call_key(call, "type");
	struct manner m = {
	    .cut = px_call_key(call, "cut"),
	    .type = type != NULL ? type : "application/xml",
	    .chunked = px_call_yes(call, "chunked"),
	    .pace = {(size_t)px_call_number(call, "chunk", 0), px_call_time(call, "pause", 0)},
	    .timeout = px_call_time(call, "timeout", PX_REQUEST_MS) * p->venue->slow,
	};
	send_docs(p, actor, &docs, &m, (unsigned)px_call_number(call, "parallel", 1));
	free(docs.items);
	return PX_OK;
}

/* --- other requests --- */

/* A new connection, @octets as they are, one answer. @pace NULL: at once. */
static int exchange_octets(struct px_play *p, struct px_actor *actor, const void *octets, size_t len,
			   bool plain, const struct px_wire_pace *pace, int64_t timeout, const char *what)
{
	struct px_wire *w = NULL;
	px_answers_clear(p);
	struct px_answer *a = px_answer_add(p);
	if (plain) {
		struct px_wire_dial dial = {.address = actor->broker->is_target ? p->venue->target_address
										: "127.0.0.1",
					    .port = actor->broker->port,
					    .plain = true};
		a->rc = px_wire_open(&dial, &w, &a->why);
	} else {
		a->rc = px_dial(p, actor, &w, &a->why);
	}
	if (a->rc == PX_OK) {
		if (pace != NULL && pace->chunk > 0)
			(void)px_wire_drip(w, octets, len, pace, timeout, &a->why);
		else
			(void)px_wire_write(w, octets, len, NULL, timeout, &a->why);
		a->rc = px_wire_read_reply(w, timeout, &a->reply, &a->why);
	}
	px_wire_close(&w);
	px_told(p, a, what);
	p->seen = &a->reply.body;
	return PX_OK;
}

int px_request(struct px_play *p, struct px_actor *actor, const char *method, const char *path,
	       const struct px_request_with *with)
{
	const struct px_doc *body = with->body;
	int64_t timeout = with->timeout != 0 ? with->timeout : PX_REQUEST_MS * (int64_t)p->venue->slow;
	struct px_buf all = PX_BUF_INIT;
	px_buf_addf(&all, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n", method, path, actor->broker->port);
	if (with->user != NULL)
		px_buf_addf(&all, "Prinex-User: %s\r\n", with->user);
	if (body != NULL)
		px_buf_addf(&all, "Content-Type: %s\r\nContent-Length: %zu\r\n", with->type,
			    body->octets.len);
	px_buf_adds(&all, "\r\n");
	if (body != NULL)
		px_buf_add(&all, body->octets.data, body->octets.len);
	struct px_buf what = PX_BUF_INIT;
	px_buf_addf(&what, "%s %s as %s", method, path, actor->name);
	int rc = exchange_octets(p, actor, all.data, all.len, false, NULL, timeout, px_buf_str(&what));
	if (rc == PX_OK)
		p->answers[0].doc = body;
	px_buf_free(&all);
	px_buf_free(&what);
	return rc;
}

int px_cmd_request(struct px_play *p, const struct px_call *call)
{
	struct px_actor *actor = px_acting(p, call, "as");
	const char *name = px_call_key(call, "body"), *type = px_call_key(call, "type");
	struct px_request_with with = {
	    .user = px_call_key(call, "user"),
	    .body = name != NULL ? px_find_doc(p, name) : NULL,
	    .type = type != NULL ? type : "application/xml",
	    .timeout = px_call_time(call, "timeout", PX_REQUEST_MS) * p->venue->slow,
	};
	if (actor == NULL || (name != NULL && with.body == NULL))
		return PX_EINVAL;
	return px_request(p, actor, px_call_word(call, 0), px_call_word(call, 1), &with);
}

int px_cmd_ping(struct px_play *p, const struct px_call *call)
{
	struct px_actor *actor = px_acting(p, call, "as");
	return actor != NULL
		   ? px_request(p, actor, "GET", "/v1/ping", &(struct px_request_with){.user = NULL})
		   : PX_EINVAL;
}

int px_cmd_raw(struct px_play *p, const struct px_call *call)
{
	struct px_actor *actor = px_acting(p, call, "as");
	struct px_buf octets = PX_BUF_INIT;
	const struct px_wire_pace pace = {(size_t)px_call_number(call, "chunk", 0),
					  px_call_time(call, "pause", 0)};
	if (actor == NULL)
		return PX_EINVAL;
	if (call->n > 0)
		px_buf_add(&octets, call->words[0].s, call->words[0].n);
	for (size_t i = 0; i < call->body.n; i++) {
		if (call->body.s[i] == '\n')
			px_buf_addc(&octets, '\r');
		px_buf_addc(&octets, call->body.s[i]);
	}
	if (call->body.s != NULL)
		px_buf_adds(&octets, "\r\n");
	int rc = exchange_octets(p, actor, octets.data, octets.len, px_call_yes(call, "plain"), &pace,
				 px_call_time(call, "timeout", PX_REQUEST_MS) * p->venue->slow, "raw octets");
	px_buf_free(&octets);
	return rc;
}
