/* prinex: tests of egress: posts that arrive, and every way in which they do not
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "rig.h"

#include <openssl/err.h>
#include <unistd.h>

#include "base/strings.h"
#include "net/egress.h"

/* What a post came to, copied out of its callback. */
struct outcome {
	struct rig *rig;
	unsigned done;
	struct px_post_result result;
	struct px_buf answer, reason;
};

struct sender {
	struct rig *rig;
	struct px_tls *tls;
	struct px_egress *egress;
	const struct px_conf_partner *partner;
	struct px_body *body;
	struct outcome *outcome;
};

static void on_done(void *arg, const struct px_post_result *result)
{
	struct outcome *o = arg;
	pthread_mutex_lock(&o->rig->lock);
	o->result = *result;
	px_buf_clear(&o->answer);
	px_buf_add(&o->answer, result->answer, result->answer_len);
	px_buf_setf(&o->reason, "%s", result->reason);
	o->done++;
	pthread_cond_broadcast(&o->rig->changed);
	pthread_mutex_unlock(&o->rig->lock);
}

static void do_new(struct rig *rig, void *arg)
{
	struct sender *s = arg;
	struct px_buf why = PX_BUF_INIT;
	assert_int_equal(
	    px_egress_new(px_loop_base(rig->loop), px_loop_timers(rig->loop), s->tls, &s->egress, &why),
	    PX_OK);
}

static void do_post(struct rig *rig, void *arg)
{
	(void)rig;
	struct sender *s = arg;
	struct px_transport *t = px_egress_transport(s->egress);
	t->post(t, s->partner, s->body, on_done, s->outcome);
}

static void do_free(struct rig *rig, void *arg)
{
	(void)rig;
	px_egress_free(&((struct sender *)arg)->egress);
}

static void do_retire(struct rig *rig, void *arg)
{
	(void)rig;
	px_egress_retire(&((struct sender *)arg)->egress);
}

/* UA's node, which posts to BY's node at @url. */
static struct sender *sender_new(struct rig *rig, const char *url, const char *extra, const char *path)
{
	struct sender *s = px_xcalloc(1, sizeof(*s));
	struct px_buf why = PX_BUF_INIT;
	struct px_conf *conf = rig_conf("UA", "BY", url, extra);
	s->rig = rig;
	s->partner = px_conf_partner(conf, "node-by");
	if (path != NULL) {
		struct px_conf_partner *p = (struct px_conf_partner *)(uintptr_t)s->partner;
		px_buf_addf(&why, "%s%s", url, path);
		free(p->url);
		p->url = (char *)px_buf_detach(&why, NULL);
	}
	assert_int_equal(px_tls_new(conf, &s->tls, &why), PX_OK);
	px_tls_take_conf(s->tls, &conf);
	s->body = px_body_copy("<exchange/>", 11);
	s->outcome = px_xcalloc(1, sizeof(*s->outcome));
	s->outcome->rig = rig;
	rig_call(rig, do_new, s);
	return s;
}

static void sender_free(struct sender *s)
{
	rig_call(s->rig, do_free, s);
	px_tls_unref(&s->tls);
	px_body_unref(&s->body);
	px_buf_free(&s->outcome->answer);
	px_buf_free(&s->outcome->reason);
	free(s->outcome);
	free(s);
}

static void post(struct sender *s)
{
	rig_call(s->rig, do_post, s);
}

static const struct px_post_result *wait_for(struct sender *s, unsigned n)
{
	if (!rig_wait(s->rig, &s->outcome->done, n))
		fail_msg("no end of post %u", n);
	return &s->outcome->result;
}

static void expect_reason(const struct sender *s, const char *part)
{
	if (strstr(px_buf_str(&s->outcome->reason), part) == NULL)
		fail_msg("reason is \"%s\", expected \"%s\" in it", px_buf_str(&s->outcome->reason), part);
}

/* The loop both sides run on; its server is BY's node. */
static struct rig *start(void)
{
	return rig_start(rig_tls("BY", "UA", NULL, NULL), NULL);
}

static const char *url_of(const char *host, unsigned port)
{
	static char url[100];
	snprintf(url, sizeof(url), "https://%s:%u", host, port);
	return url;
}

/* --- a server that misbehaves, in the test's own thread --- */

struct fake {
	int listening;
	unsigned port;
	SSL_CTX *ctx;
	struct client c;
};

static void fake_open(struct fake *f, const char *pair, const char *client_ca)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);
	*f = (struct fake){.listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	assert_int_equal(bind(f->listening, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(f->listening, 8), 0);
	getsockname(f->listening, (struct sockaddr *)&sa, &len);
	f->port = ntohs(sa.sin_port);
	struct timeval limit = {.tv_sec = 5};
	setsockopt(f->listening, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (pair == NULL)
		return;
	char file[300];
	f->ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_security_level(f->ctx, 0);
	snprintf(file, sizeof(file), "%s.pem", pair);
	assert_int_equal(SSL_CTX_use_certificate_chain_file(f->ctx, file), 1);
	snprintf(file, sizeof(file), "%s.key", pair);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(f->ctx, file, SSL_FILETYPE_PEM), 1);
	if (client_ca != NULL) {
		SSL_CTX_set_verify(f->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		assert_int_equal(SSL_CTX_load_verify_file(f->ctx, client_ca), 1);
	}
}

static bool fake_accept(struct fake *f)
{
	struct timeval limit = {.tv_sec = 5};
	f->c = (struct client){.fd = accept(f->listening, NULL, NULL)};
	assert_true(f->c.fd >= 0);
	setsockopt(f->c.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (f->ctx == NULL)
		return true;
	f->c.ssl = SSL_new(f->ctx);
	SSL_set_fd(f->c.ssl, f->c.fd);
	bool ok = SSL_accept(f->c.ssl) == 1;
	ERR_clear_error();
	return ok;
}

/* Reads the whole request: head and the body of 11 octets. */
static void fake_read(struct fake *f, struct px_buf *out)
{
	while (strstr(px_buf_str(out), "\r\n\r\n<exchange/>") == NULL) {
		size_t n = 0;
		assert_int_equal(SSL_read_ex(f->c.ssl, px_buf_reserve(out, 4096), 4096, &n), 1);
		px_buf_grown(out, n);
	}
}

static void fake_close(struct fake *f)
{
	client_close(&f->c);
	f->c = (struct client){.fd = -1};
}

static void fake_end(struct fake *f)
{
	SSL_CTX_free(f->ctx);
	close(f->listening);
}

/* One post to a fake that answers @answer and closes. */
static const struct px_post_result *one_answer(struct sender *s, struct fake *f, const char *answer,
					       unsigned n)
{
	struct px_buf request = PX_BUF_INIT;
	post(s);
	assert_true(fake_accept(f));
	fake_read(f, &request);
	assert_true(client_send(&f->c, answer));
	fake_close(f);
	px_buf_free(&request);
	return wait_for(s, n);
}

static const char *node_by(void)
{
	return rig_path("BY/node/tls");
}

/* --- tests --- */

static void test_posts(void **state)
{
	(void)state;
	/* Neither is believed. */
	setenv("https_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	struct rig *rig = start();
	struct sender *s = sender_new(rig, url_of("localhost", rig->port), NULL, NULL);
	for (unsigned i = 1; i <= 3; i++) {
		post(s);
		const struct px_post_result *r = wait_for(s, i);
		expect_reason(s, "Created");
		assert_int_equal(r->end, PX_POST_ANSWERED);
		assert_int_equal(r->status, 201);
		assert_true(r->body_sent && !r->truncated);
		assert_int_equal(r->retry_after, -1);
		assert_string_equal(px_buf_str(&s->outcome->answer), "<ok/>");
		assert_string_equal(px_buf_str(&rig->body), "<exchange/>");
		assert_string_equal(rig->partner, "node-ua");
		assert_int_equal(rig_connections(rig), 1); /* kept and used again */
	}
	/* Large: without waiting a second for a 100 that nobody sends. */
	px_body_unref(&s->body);
	uint8_t *big = px_xcalloc(1, 1024 * 1024);
	s->body = px_body_new(&big, 1024 * 1024, NULL);
	int64_t started = px_clock_mono(px_clock_real());
	post(s);
	assert_int_equal(wait_for(s, 4)->status, 201);
	assert_true(px_clock_mono(px_clock_real()) - started < 900);
	assert_int_equal(rig->body.len, 1024 * 1024);
	sender_free(s);
	/* An address instead of a name, and a path before ours. */
	s = sender_new(rig, url_of("127.0.0.1", rig->port), NULL, "/later/");
	post(s);
	const struct px_post_result *r = wait_for(s, 1);
	assert_int_equal(r->end, PX_POST_ANSWERED);
	assert_int_equal(r->status, 503);
	assert_int_equal(r->retry_after, 2000);
	expect_reason(s, "not now");
	sender_free(s);
	unsetenv("https_proxy");
	unsetenv("ALL_PROXY");
	rig_stop(&rig);
}

/* Eight at once, twice: as many connections as are allowed in flight, no more. */
static void test_many(void **state)
{
	(void)state;
	struct rig *rig = start();
	struct sender *s = sender_new(rig, url_of("localhost", rig->port), NULL, NULL);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 8; i++)
			post(s);
		wait_for(s, (round + 1) * 8);
		assert_int_equal(s->outcome->result.status, 201);
	}
	assert_int_equal(rig->requests, 16);
	assert_in_range(rig_connections(rig), 1, 8);
	sender_free(s);
	rig_stop(&rig);
}

static void test_no_connection(void **state)
{
	(void)state;
	struct rig *rig = start();
	struct fake f;
	fake_open(&f, NULL, NULL);
	struct sender *s = sender_new(rig, url_of("localhost", f.port), "timeout = 1s", NULL);
	/* It listens, but never says a word. */
	post(s);
	const struct px_post_result *r = wait_for(s, 1);
	assert_int_equal(r->end, PX_POST_TIMEOUT);
	assert_false(r->body_sent);
	expect_reason(s, "no connection to localhost port");
	/* It is gone. */
	fake_end(&f);
	post(s);
	r = wait_for(s, 2);
	assert_int_equal(r->end, PX_POST_NO_CONNECTION);
	assert_false(r->body_sent);
	expect_reason(s, "Connection refused");
	sender_free(s);
	s = sender_new(rig, "https://no-such-host.invalid", "timeout = 1s", NULL);
	post(s);
	assert_int_equal(wait_for(s, 1)->end, PX_POST_NO_CONNECTION);
	expect_reason(s, "host name no-such-host.invalid cannot be resolved");
	sender_free(s);
	rig_stop(&rig);
}

static void test_answers(void **state)
{
	(void)state;
	struct rig *rig = start();
	struct fake f;
	struct px_buf text = PX_BUF_INIT;
	fake_open(&f, node_by(), NULL);
	struct sender *s = sender_new(rig, url_of("localhost", f.port), NULL, NULL);
	/* What we send. */
	post(s);
	assert_true(fake_accept(&f));
	fake_read(&f, &text);
	assert_true(px_str_starts(px_buf_str(&text), "POST /v1/exchanges HTTP/1.1\r\n"));
	assert_non_null(strstr(px_buf_str(&text), "Content-Type: application/xml\r\n"));
	assert_non_null(strstr(px_buf_str(&text), "Content-Length: 11\r\n"));
	assert_null(strstr(px_buf_str(&text), "Expect"));
	/* Cut after the body. */
	fake_close(&f);
	const struct px_post_result *r = wait_for(s, 1);
	assert_int_equal(r->end, PX_POST_BROKEN);
	assert_true(r->body_sent);
	expect_reason(s, "after the message was sent");
	/* Garbage. */
	r = one_answer(s, &f, "SSH-2.0-OpenSSH_9.2\r\n\r\n", 2);
	assert_int_equal(r->end, PX_POST_BROKEN);
	assert_true(r->body_sent);
	expect_reason(s, "not HTTP/1.1");
	/* An answer that stops half way. */
	r = one_answer(s, &f, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", 3);
	assert_int_equal(r->end, PX_POST_BROKEN);
	/* More than any confirmation. */
	px_buf_setf(&text, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n");
	while (text.len < 300000)
		px_buf_adds(&text, "0123456789abcdef");
	r = one_answer(s, &f, px_buf_str(&text), 4);
	assert_int_equal(r->end, PX_POST_ANSWERED);
	assert_true(r->truncated);
	assert_int_equal(s->outcome->answer.len, PX_LIMIT_CONFIRMATION);
	/* Somewhere else: not followed. */
	r = one_answer(s, &f, "HTTP/1.1 307 x\r\nLocation: https://localhost:1/\r\nContent-Length: 0\r\n\r\n",
		       5);
	assert_int_equal(r->end, PX_POST_ANSWERED);
	assert_int_equal(r->status, 307);
	/* Retry-After as a date. */
	char date[64];
	time_t later = time(NULL) + 100;
	struct tm tm;
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&later, &tm));
	px_buf_setf(&text, "HTTP/1.1 503 x\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n", date);
	r = one_answer(s, &f, px_buf_str(&text), 6);
	assert_int_equal(r->status, 503);
	assert_in_range(r->retry_after, 95000, 101000);
	px_buf_free(&text);
	fake_end(&f);
	sender_free(s);
	rig_stop(&rig);
}

static void test_timeout_after_body(void **state)
{
	(void)state;
	struct rig *rig = start();
	struct fake f;
	struct px_buf request = PX_BUF_INIT;
	fake_open(&f, node_by(), NULL);
	struct sender *s = sender_new(rig, url_of("localhost", f.port), "timeout = 1s", NULL);
	post(s);
	assert_true(fake_accept(&f));
	fake_read(&f, &request);
	const struct px_post_result *r = wait_for(s, 1);
	assert_int_equal(r->end, PX_POST_TIMEOUT);
	assert_true(r->body_sent);
	expect_reason(s, "did not answer in time");
	fake_close(&f);
	fake_end(&f);
	px_buf_free(&request);
	sender_free(s);
	rig_stop(&rig);
}

/* Refused for @part; the message never left. */
static void refused_server(struct rig *rig, const char *pair, const char *host, const char *part)
{
	struct fake f;
	fake_open(&f, pair, NULL);
	struct sender *s = sender_new(rig, url_of(host, f.port), NULL, NULL);
	post(s);
	assert_false(fake_accept(&f));
	const struct px_post_result *r = wait_for(s, 1);
	if (r->end != PX_POST_TLS || r->body_sent)
		fail_msg("%s: end %d, body_sent %d: %s", pair, r->end, r->body_sent,
			 px_buf_str(&s->outcome->reason));
	expect_reason(s, "we refused the partner's certificate");
	expect_reason(s, part);
	fake_close(&f);
	fake_end(&f);
	sender_free(s);
}

static void test_wrong_servers(void **state)
{
	(void)state;
	static const struct {
		const char *name, *part;
	} wrong[] = {
	    {"expired", "expired"},
	    {"not-yet", "not yet valid"},
	    {"revoked", "revoked"},
	    {"other-ca", "anchor of this partner"},
	    {"lookalike-ca", "signature failure"},
	    {"self-signed", "self-signed"},
	    {"no-chain", "does not lead to an anchor"},
	    {"small-key", "too small"},
	    {"wrong-eku", "not meant for this side"},
	    {"wrong-authority", "neither this partner's URI"},
	    {"wrong-role", "neither this partner's URI"},
	    {"wrong-name", "neither this partner's URI"},
	    {"no-san", "neither this partner's URI"},
	};
	struct rig *rig = start();
	for (size_t i = 0; i < PX_ARRAY_LEN(wrong); i++)
		refused_server(rig, rig_path("wrong/BY/tls-%s", wrong[i].name), "localhost", wrong[i].part);
	/* Good, but another's: BY's system, UA's own node. */
	refused_server(rig, rig_path("BY/system/tls"), "localhost", "neither this partner's URI");
	refused_server(rig, rig_path("UA/node/tls"), "localhost", "anchor of this partner");
	/* The right partner at an address that its certificate does not name. */
	refused_server(rig, node_by(), "127.0.0.2", "not for the address");
	rig_stop(&rig);
}

static void test_plain_server(void **state)
{
	(void)state;
	struct rig *rig = start();
	struct fake f;
	fake_open(&f, NULL, NULL);
	struct sender *s = sender_new(rig, url_of("localhost", f.port), NULL, NULL);
	post(s);
	assert_true(fake_accept(&f));
	static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	assert_int_equal(write(f.c.fd, text, sizeof(text) - 1), sizeof(text) - 1);
	const struct px_post_result *r = wait_for(s, 1);
	assert_int_equal(r->end, PX_POST_TLS);
	expect_reason(s, "does not speak TLS");
	fake_close(&f);
	fake_end(&f);
	sender_free(s);
	rig_stop(&rig);
}

/* In TLS 1.3 we learn of it only when we read the answer: a fault of configuration, and nothing was
 * delivered. */
static void test_refused_by_server(void **state)
{
	(void)state;
	struct rig *rig = start();
	struct fake f;
	fake_open(&f, node_by(), rig_path("BY/tls-ca.pem")); /* ours is UA's */
	struct sender *s = sender_new(rig, url_of("localhost", f.port), NULL, NULL);
	post(s);
	assert_false(fake_accept(&f));
	const struct px_post_result *r = wait_for(s, 1);
	assert_int_equal(r->end, PX_POST_TLS);
	assert_false(r->body_sent);
	expect_reason(s, "the partner refused our certificate: TLS alert 'unknown CA'");
	fake_close(&f);
	fake_end(&f);
	sender_free(s);
	rig_stop(&rig);
}

static void test_proxy(void **state)
{
	(void)state;
	struct rig *rig = start();
	struct fake f;
	char extra[100];
	fake_open(&f, NULL, NULL);
	/* The section of the node is the one with a url. */
	snprintf(extra, sizeof(extra), "timeout = 5s");
	struct px_conf *conf = rig_conf("UA", "BY", "https://partner.invalid:8443", extra);
	struct px_conf_partner *p = (struct px_conf_partner *)(uintptr_t)px_conf_partner(conf, "node-by");
	free(p->proxy);
	snprintf(extra, sizeof(extra), "http://127.0.0.1:%u", f.port);
	p->proxy = px_xstrdup(extra);
	struct sender s = {.rig = rig, .partner = p, .body = px_body_copy("<exchange/>", 11)};
	struct outcome outcome = {.rig = rig};
	s.outcome = &outcome;
	assert_int_equal(px_tls_new(conf, &s.tls, NULL), PX_OK);
	px_tls_take_conf(s.tls, &conf);
	rig_call(rig, do_new, &s);
	post(&s);
	assert_true(fake_accept(&f));
	char request[1000] = "";
	assert_true(read(f.c.fd, request, sizeof(request) - 1) > 0);
	assert_true(px_str_starts(request, "CONNECT partner.invalid:8443 HTTP/1.1\r\n"));
	static const char text[] = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
	assert_int_equal(write(f.c.fd, text, sizeof(text) - 1), sizeof(text) - 1);
	assert_int_equal(wait_for(&s, 1)->end, PX_POST_NO_CONNECTION);
	expect_reason(&s, "refused to connect: HTTP 403");
	assert_false(outcome.result.body_sent);
	fake_close(&f);
	fake_end(&f);
	rig_call(rig, do_free, &s);
	px_tls_unref(&s.tls);
	px_body_unref(&s.body);
	px_buf_free(&outcome.answer);
	px_buf_free(&outcome.reason);
	rig_stop(&rig);
}

/* A generation is replaced, or everything stops, with a post in flight. */
static void test_ends(void **state)
{
	(void)state;
	struct rig *rig = start();
	for (int retire = 0; retire < 2; retire++) {
		struct fake f;
		struct px_buf request = PX_BUF_INIT;
		fake_open(&f, node_by(), NULL);
		struct sender *s = sender_new(rig, url_of("localhost", f.port), NULL, NULL);
		post(s);
		assert_true(fake_accept(&f));
		fake_read(&f, &request);
		rig_call(rig, retire ? do_retire : do_free, s);
		if (retire) {
			assert_int_equal(s->outcome->done, 0);
			assert_true(client_send(&f.c, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"));
		}
		const struct px_post_result *r = wait_for(s, 1);
		assert_int_equal(r->end, retire ? PX_POST_ANSWERED : PX_POST_BROKEN);
		assert_true(r->body_sent);
		fake_close(&f);
		fake_end(&f);
		px_buf_free(&request);
		sender_free(s);
	}
	rig_stop(&rig);
}

/* A CA of the system's store is no anchor of anybody. That the store would believe it is checked first. */
static void test_system_store(void **state)
{
	(void)state;
	setenv("SSL_CERT_FILE", rig_path("wrong/BY/ca-other/tls-ca.pem"), 1);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	assert_int_equal(SSL_CTX_set_default_verify_paths(ctx), 1);
	assert_true(sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx))) > 0);
	SSL_CTX_free(ctx);
	struct rig *rig = start();
	refused_server(rig, rig_path("wrong/BY/tls-other-ca"), "localhost", "anchor of this partner");
	rig_stop(&rig);
	unsetenv("SSL_CERT_FILE");
}

static int setup(void **state)
{
	(void)state;
	rig_make_pki();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_remove_pki();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_posts),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_no_connection),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_timeout_after_body),
	    cmocka_unit_test(test_wrong_servers),
	    cmocka_unit_test(test_plain_server),
	    cmocka_unit_test(test_refused_by_server),
	    cmocka_unit_test(test_proxy),
	    cmocka_unit_test(test_ends),
	    cmocka_unit_test(test_system_store),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
