/* prinex: the floor: a request in over TLS and its answer out, a post to the partner
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "floor.h"
#include "wire.h"

enum { CONNECTIONS = 8 };

/* --- both: TLS of one side --------------------------------------------------------------------------------
 */

static SSL_CTX *tls(const struct px_floor *f, bool server, const char *who)
{
	char cert[600], key[600], anchors[600];
	snprintf(cert, sizeof(cert), "%s/%s/tls.pem", f->pki, who);
	snprintf(key, sizeof(key), "%s/%s/tls.key", f->pki, who);
	snprintf(anchors, sizeof(anchors), "%s/BY/tls-ca.pem", f->pki);
	return px_wire_tls(server, cert, key, anchors);
}

static unsigned port_of(int fd)
{
	struct sockaddr_in a = {0};
	socklen_t len = sizeof(a);
	px_assert(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
	return ntohs(a.sin_port);
}

static void write_http(struct px_buf *out, const char *first, const struct px_buf *body)
{
	px_buf_addf(out,
		    "%s\r\nHost: localhost\r\nContent-Type: application/xml\r\nContent-Length: %zu\r\n\r\n",
		    first, body->len);
	px_buf_add(out, body->data, body->len);
}

/* Answers every request with the same octets. */
struct answering {
	struct px_wire *wire;
	SSL_CTX *ctx;
	unsigned port, answered;
	struct px_buf answer;
};

static void on_request(void *arg, struct px_wire_conn *c, int status, const uint8_t *body, size_t len)
{
	struct answering *s = arg;
	(void)status, (void)body, (void)len;
	s->answered++;
	px_wire_send(c, s->answer.data, s->answer.len);
}

static void answering_open(struct answering *s, struct px_floor *f)
{
	int fd = px_wire_socket(0);
	s->port = port_of(fd);
	s->ctx = tls(f, true, "BY/node");
	s->wire = px_wire_new(on_request, s);
	px_wire_listen(s->wire, fd, s->ctx, 0);
	write_http(&s->answer, "HTTP/1.1 201 Created", f->answer);
}

static void answering_close(struct answering *s)
{
	px_wire_free(&s->wire);
	SSL_CTX_free(s->ctx);
	px_buf_free(&s->answer);
}

/* --- a request in
 * ------------------------------------------------------------------------------------------- */

/* The sender: always one request on each connection, until told to stop. */
struct client {
	struct px_floor *f;
	unsigned port, sent;
	struct px_buf *requests; /* in turn */
	size_t n_requests;
	_Atomic bool stop;
};

static void client_send(struct client *k, struct px_wire_conn *c)
{
	const struct px_buf *request = &k->requests[k->sent++ % k->n_requests];
	px_wire_send(c, request->data, request->len);
}

static void on_answer(void *arg, struct px_wire_conn *c, int status, const uint8_t *body, size_t len)
{
	(void)status, (void)body, (void)len;
	client_send(arg, c);
}

static void *ask(void *arg)
{
	struct client *k = arg;
	SSL_CTX *ctx = tls(k->f, false, "BY/system");
	struct px_wire *w = px_wire_new(on_answer, k);
	struct px_wire_conn *conns[CONNECTIONS];
	for (unsigned i = 0; i < CONNECTIONS; i++)
		conns[i] = px_wire_connect(w, k->port, ctx);
	for (unsigned i = 0; i < CONNECTIONS; i++)
		client_send(k, conns[i]);
	while (!k->stop)
		px_wire_turn(w, 20000);
	px_wire_free(&w);
	SSL_CTX_free(ctx);
	return NULL;
}

struct px_floor_server {
	struct answering side;
	struct client client;
	pthread_t thread;
	unsigned wanted;
};

/* Handshakes are behind it when this returns. */
struct px_floor_server *px_floor_server_open(struct px_floor *f, const struct px_buf *docs, size_t n)
{
	struct px_floor_server *s = px_xcalloc(1, sizeof(*s));
	answering_open(&s->side, f);
	s->client.f = f;
	s->client.port = s->side.port;
	s->client.requests = px_xcalloc(n, sizeof(*s->client.requests));
	s->client.n_requests = n;
	for (size_t i = 0; i < n; i++)
		write_http(&s->client.requests[i], "POST /v1/exchanges HTTP/1.1", &docs[i]);
	px_assert(pthread_create(&s->thread, NULL, ask, &s->client) == 0);
	px_floor_server_take(s, CONNECTIONS);
	return s;
}

void px_floor_server_take(struct px_floor_server *s, unsigned n)
{
	s->wanted += n;
	while (s->side.answered < s->wanted)
		px_wire_turn(s->side.wire, 100000);
}

void px_floor_server_close(struct px_floor_server **server)
{
	struct px_floor_server *s = *server;
	s->client.stop = true;
	pthread_join(s->thread, NULL);
	for (size_t i = 0; i < s->client.n_requests; i++)
		px_buf_free(&s->client.requests[i]);
	free(s->client.requests);
	answering_close(&s->side);
	free(s);
	*server = NULL;
}

double px_floor_serve(struct px_floor *f, unsigned rounds)
{
	struct px_floor_server *s = px_floor_server_open(f, f->doc, 1);
	rounds = PX_MAX(rounds, 2U * CONNECTIONS);
	double start = px_floor_cpu();
	px_floor_server_take(s, rounds);
	double took = (px_floor_cpu() - start) / rounds;
	px_floor_server_close(&s);
	return took;
}

/* --- a post out
 * ----------------------------------------------------------------------------------------------- */

static size_t discard(char *data, size_t size, size_t n, void *arg)
{
	(void)data, (void)arg;
	return size * n;
}

/* With the partner that takes what is posted, on a thread of its own. */
struct px_floor_poster {
	CURLM *multi;
	CURL *easy[CONNECTIONS];
	struct curl_slist *headers;
	char url[64], cert[600], key[600], anchors[600];
	struct answering partner;
	_Atomic bool stop;
	pthread_t thread;
};

static void *play_partner(void *arg)
{
	struct px_floor_poster *p = arg;
	while (!p->stop)
		px_wire_turn(p->partner.wire, 20000);
	return NULL;
}

static CURL *new_handle(const struct px_floor_poster *p)
{
	CURL *e = curl_easy_init();
	curl_easy_setopt(e, CURLOPT_URL, p->url);
	curl_easy_setopt(e, CURLOPT_SSLCERT, p->cert);
	curl_easy_setopt(e, CURLOPT_SSLKEY, p->key);
	curl_easy_setopt(e, CURLOPT_CAINFO, p->anchors);
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(e, CURLOPT_POST, 1L);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, p->headers);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 1L);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, discard);
	return e;
}

/* Handshakes are behind it when this returns. */
struct px_floor_poster *px_floor_poster_open(struct px_floor *f)
{
	struct px_floor_poster *p = px_xcalloc(1, sizeof(*p));
	const struct px_buf *first[CONNECTIONS];
	answering_open(&p->partner, f);
	px_assert(pthread_create(&p->thread, NULL, play_partner, p) == 0);
	snprintf(p->url, sizeof(p->url), "https://127.0.0.1:%u/v1/exchanges", p->partner.port);
	snprintf(p->cert, sizeof(p->cert), "%s/BY/system/tls.pem", f->pki);
	snprintf(p->key, sizeof(p->key), "%s/BY/system/tls.key", f->pki);
	snprintf(p->anchors, sizeof(p->anchors), "%s/BY/tls-ca.pem", f->pki);
	p->multi = curl_multi_init();
	p->headers = curl_slist_append(curl_slist_append(NULL, "Content-Type: application/xml"), "Expect:");
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		p->easy[i] = new_handle(p);
		first[i] = f->doc;
	}
	px_floor_poster_post(p, first, CONNECTIONS);
	return p;
}

void px_floor_poster_close(struct px_floor_poster **poster)
{
	struct px_floor_poster *p = *poster;
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		curl_multi_remove_handle(p->multi, p->easy[i]);
		curl_easy_cleanup(p->easy[i]);
	}
	curl_multi_cleanup(p->multi);
	curl_slist_free_all(p->headers);
	p->stop = true;
	pthread_join(p->thread, NULL);
	answering_close(&p->partner);
	free(p);
	*poster = NULL;
}

static void begin_post(struct px_floor_poster *p, CURL *e, const struct px_buf *doc)
{
	curl_easy_setopt(e, CURLOPT_POSTFIELDS, (const char *)doc->data);
	curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)doc->len);
	curl_multi_add_handle(p->multi, e);
}

/* Posts @n documents on all handles. */
void px_floor_poster_post(struct px_floor_poster *p, const struct px_buf *const *docs, unsigned n)
{
	unsigned started = 0, done = 0;
	for (; started < PX_MIN(n, (unsigned)CONNECTIONS); started++)
		begin_post(p, p->easy[started], docs[started]);
	while (done < n) {
		int running, left;
		CURLMsg *m;
		curl_multi_perform(p->multi, &running);
		while ((m = curl_multi_info_read(p->multi, &left)) != NULL) {
			if (m->data.result != CURLE_OK)
				px_bench_die("post", curl_easy_strerror(m->data.result));
			CURL *e = m->easy_handle;
			curl_multi_remove_handle(p->multi, e);
			done++;
			if (started < n)
				begin_post(p, e, docs[started++]);
		}
		if (done < n)
			curl_multi_poll(p->multi, NULL, 0, 1000, NULL);
	}
}

double px_floor_post(struct px_floor *f, unsigned rounds)
{
	struct px_floor_poster *p = px_floor_poster_open(f);
	const struct px_buf *docs[PX_FLOOR_BATCH];
	unsigned batches = PX_MAX(rounds / PX_FLOOR_BATCH, 1U);
	for (unsigned i = 0; i < PX_FLOOR_BATCH; i++)
		docs[i] = f->doc;
	double start = px_floor_cpu();
	for (unsigned i = 0; i < batches; i++)
		px_floor_poster_post(p, docs, PX_FLOOR_BATCH);
	double took = (px_floor_cpu() - start) / (batches * PX_FLOOR_BATCH);
	px_floor_poster_close(&p);
	return took;
}
