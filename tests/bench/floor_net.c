/* prinex: the floor: a request in over TLS and its answer out, a post to the partner
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
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
struct server {
	struct px_wire *wire;
	SSL_CTX *ctx;
	unsigned port, answered;
	struct px_buf answer;
	_Atomic bool stop;
	pthread_t thread;
};

static void on_request(void *arg, struct px_wire_conn *c, int status, const uint8_t *body, size_t len)
{
	struct server *s = arg;
	(void)status, (void)body, (void)len;
	s->answered++;
	px_wire_send(c, s->answer.data, s->answer.len);
}

static void server_open(struct server *s, struct px_floor *f)
{
	int fd = px_wire_socket(0);
	s->port = port_of(fd);
	s->ctx = tls(f, true, "BY/node");
	s->wire = px_wire_new(on_request, s);
	px_wire_listen(s->wire, fd, s->ctx, 0);
	write_http(&s->answer, "HTTP/1.1 201 Created", f->answer);
}

static void server_close(struct server *s)
{
	px_wire_free(&s->wire);
	SSL_CTX_free(s->ctx);
	px_buf_free(&s->answer);
}

/* --- a request in
 * ------------------------------------------------------------------------------------------- */

struct client {
	struct px_floor *f;
	unsigned port, left, answered, rounds;
	struct px_buf request;
};

static void on_answer(void *arg, struct px_wire_conn *c, int status, const uint8_t *body, size_t len)
{
	struct client *k = arg;
	(void)status, (void)body, (void)len;
	k->answered++;
	if (k->left > 0) {
		k->left--;
		px_wire_send(c, k->request.data, k->request.len);
	}
}

static void *ask(void *arg)
{
	struct client *k = arg;
	SSL_CTX *ctx = tls(k->f, false, "BY/system");
	struct px_wire *w = px_wire_new(on_answer, k);
	struct px_wire_conn *conns[CONNECTIONS];
	for (unsigned i = 0; i < CONNECTIONS; i++)
		conns[i] = px_wire_connect(w, k->port, ctx);
	for (unsigned i = 0; i < CONNECTIONS && k->left > 0; i++) {
		k->left--;
		px_wire_send(conns[i], k->request.data, k->request.len);
	}
	while (k->answered < k->rounds)
		px_wire_turn(w, 100000);
	px_wire_free(&w);
	SSL_CTX_free(ctx);
	return NULL;
}

/* Server side only, from the first request on: handshakes are not counted. */
double px_floor_serve(struct px_floor *f, unsigned rounds)
{
	struct server s = {.answer = PX_BUF_INIT};
	pthread_t thread;
	rounds = PX_MAX(rounds, 2U * CONNECTIONS);
	server_open(&s, f);
	struct client k = {
	    .f = f, .port = s.port, .left = rounds + CONNECTIONS, .rounds = rounds + CONNECTIONS};
	write_http(&k.request, "POST /v1/exchanges HTTP/1.1", f->doc);
	px_assert(pthread_create(&thread, NULL, ask, &k) == 0);
	while (s.answered < CONNECTIONS)
		px_wire_turn(s.wire, 100000);
	unsigned before = s.answered;
	double start = px_floor_cpu();
	while (s.answered < rounds + CONNECTIONS)
		px_wire_turn(s.wire, 100000);
	double took = (px_floor_cpu() - start) / (s.answered - before);
	pthread_join(thread, NULL);
	px_buf_free(&k.request);
	server_close(&s);
	return took;
}

/* --- a post out
 * ----------------------------------------------------------------------------------------------- */

static void *serve(void *arg)
{
	struct server *s = arg;
	while (!s->stop)
		px_wire_turn(s->wire, 20000);
	return NULL;
}

static size_t discard(char *data, size_t size, size_t n, void *arg)
{
	(void)data, (void)arg;
	return size * n;
}

struct poster {
	CURLM *multi;
	CURL *easy[CONNECTIONS];
	struct curl_slist *headers;
	char url[64], cert[600], key[600], anchors[600];
};

static void poster_open(struct poster *p, const struct px_floor *f, unsigned port)
{
	snprintf(p->url, sizeof(p->url), "https://127.0.0.1:%u/v1/exchanges", port);
	snprintf(p->cert, sizeof(p->cert), "%s/BY/system/tls.pem", f->pki);
	snprintf(p->key, sizeof(p->key), "%s/BY/system/tls.key", f->pki);
	snprintf(p->anchors, sizeof(p->anchors), "%s/BY/tls-ca.pem", f->pki);
	p->multi = curl_multi_init();
	p->headers = curl_slist_append(curl_slist_append(NULL, "Content-Type: application/xml"), "Expect:");
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		CURL *e = p->easy[i] = curl_easy_init();
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
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, (const char *)f->doc->data);
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)f->doc->len);
	}
}

static void poster_close(struct poster *p)
{
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		curl_multi_remove_handle(p->multi, p->easy[i]);
		curl_easy_cleanup(p->easy[i]);
	}
	curl_multi_cleanup(p->multi);
	curl_slist_free_all(p->headers);
}

/* Posts @n messages on all handles. @return CPU us of this thread. */
static double post_many(struct poster *p, unsigned n)
{
	unsigned started = 0, done = 0;
	double start = px_floor_cpu();
	for (; started < PX_MIN(n, (unsigned)CONNECTIONS); started++)
		curl_multi_add_handle(p->multi, p->easy[started]);
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
			if (started < n) {
				curl_multi_add_handle(p->multi, e);
				started++;
			}
		}
		if (done < n)
			curl_multi_poll(p->multi, NULL, 0, 1000, NULL);
	}
	return px_floor_cpu() - start;
}

double px_floor_post(struct px_floor *f, unsigned rounds)
{
	struct server s = {.answer = PX_BUF_INIT};
	struct poster p;
	rounds = PX_MAX(rounds, 2U * CONNECTIONS);
	server_open(&s, f);
	px_assert(pthread_create(&s.thread, NULL, serve, &s) == 0);
	poster_open(&p, f, s.port);
	post_many(&p, CONNECTIONS); /* shakes hands */
	double took = post_many(&p, rounds) / rounds;
	poster_close(&p);
	s.stop = true;
	pthread_join(s.thread, NULL);
	server_close(&s);
	return took;
}
