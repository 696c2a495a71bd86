/* prinex: tests of who is let in: certificates, partners, generations
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "rig.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <unistd.h>

#include "base/strings.h"
#include "net/tls_internal.h"

#define GET "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

/* In TLS 1.3 a client learns of its refusal when it reads. */
static bool let_in(struct rig *rig, const char *pair, int *error)
{
	struct client c;
	bool ok = client_open(&c, rig->port, pair, 0) && client_ask(&c, GET) == 201;
	if (error != NULL)
		*error = c.error;
	client_close(&c);
	return ok;
}

/* Lines of the log while it is captured. */
struct capture {
	char path[300];
	int fd;
};

static struct capture capture_start(void)
{
	struct capture c;
	snprintf(c.path, sizeof(c.path), "%s", rig_path("log"));
	c.fd = open(c.path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
	assert_true(c.fd >= 0);
	px_log_init("test", c.fd, PX_LOG_INFO);
	return c;
}

static void capture_end(struct capture *c, struct px_buf *out)
{
	px_log_init("test", STDERR_FILENO, PX_LOG_ERR);
	close(c->fd);
	assert_int_equal(px_buf_read_file(out, c->path, 1 << 20, NULL), PX_OK);
}

static void test_partners(void **state)
{
	(void)state;
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), NULL);
	static const char *const names[] = {"system", "node", "officer"};
	for (size_t i = 0; i < PX_ARRAY_LEN(names); i++) {
		char expected[32];
		snprintf(expected, sizeof(expected), "%s-by", names[i]);
		assert_true(let_in(rig, rig_path("BY/%s/tls", names[i]), NULL));
		assert_string_equal(rig->partner, expected);
	}
	rig_stop(&rig);
}

static void test_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *name; /* NULL: no certificate */
		int alert;
		const char *metric, *line;
	} wrong[] = {
	    {"expired", SSL_AD_CERTIFICATE_EXPIRED, "bad-certificate", "certificate has expired"},
	    {"not-yet", SSL_AD_BAD_CERTIFICATE, "bad-certificate", "not yet valid"},
	    {"revoked", SSL_AD_CERTIFICATE_REVOKED, "bad-certificate", "revoked"},
	    {"other-ca", SSL_AD_UNKNOWN_CA, "bad-certificate", "no anchor of this partner"},
	    {"lookalike-ca", SSL_AD_DECRYPT_ERROR, "bad-certificate", "signature failure"},
	    {"self-signed", SSL_AD_UNKNOWN_CA, "bad-certificate", "self-signed"},
	    {"no-chain", SSL_AD_UNKNOWN_CA, "bad-certificate", "without its intermediate"},
	    {"small-key", SSL_AD_BAD_CERTIFICATE, "bad-certificate", "too small"},
	    {"wrong-eku", SSL_AD_UNSUPPORTED_CERTIFICATE, "bad-certificate", "not meant for this side"},
	    {"wrong-authority", SSL_AD_UNKNOWN_CA, "unknown-certificate",
	     "uri=\"urn:prinex:UA:system:system-by\": certificate of nobody we know"},
	    {"wrong-role", SSL_AD_UNKNOWN_CA, "unknown-certificate", "certificate of nobody we know"},
	    {"wrong-name", SSL_AD_UNKNOWN_CA, "unknown-certificate", "certificate of nobody we know"},
	    {"no-san", SSL_AD_UNKNOWN_CA, "unknown-certificate", "certificate of nobody we know"},
	    {NULL, TLS13_AD_CERTIFICATE_REQUIRED, "no-certificate", "sent no client certificate"},
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(wrong); i++) {
		struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), NULL);
		struct px_buf log = PX_BUF_INIT;
		struct capture cap = capture_start();
		int error = 0;
		bool in = let_in(
		    rig, wrong[i].name != NULL ? rig_path("wrong/BY/tls-%s", wrong[i].name) : NULL, &error);
		double n = rig_metric(rig, PX_M_HANDSHAKES_FAILED, wrong[i].metric);
		capture_end(&cap, &log);
		if (in || n != 1 || strstr(px_buf_str(&log), wrong[i].line) == NULL ||
		    strstr(px_buf_str(&log), "peer=127.0.0.1:") == NULL)
			fail_msg("%s: in %d, counted %g, log %s", wrong[i].name, in, n, px_buf_str(&log));
		/* The alert arrived: the client can tell what is wrong. */
		if (error != 1000 + wrong[i].alert)
			fail_msg("%s: alert %d, expected %d", wrong[i].name, error - 1000, wrong[i].alert);
		assert_int_equal(rig->headers, 0);
		px_buf_free(&log);
		rig_stop(&rig);
	}
}

/* Also one that OpenSSL's default store believes. */
static void test_system_store(void **state)
{
	(void)state;
	setenv("SSL_CERT_FILE", rig_path("wrong/BY/ca-other/tls-ca.pem"), 1);
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), NULL);
	assert_false(let_in(rig, rig_path("wrong/BY/tls-other-ca"), NULL));
	assert_true(let_in(rig, rig_path("BY/system/tls"), NULL));
	rig_stop(&rig);
	unsetenv("SSL_CERT_FILE");
}

static void test_not_tls(void **state)
{
	(void)state;
	static const struct {
		const char *octets, *line;
	} doors[] = {
	    {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "plain HTTP, but this port speaks TLS only"},
	    {"EHLO example\r\n", "not TLS"},
	    {"\x16\x02\x00\x10", "not TLS"},
	};
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), NULL);
	for (size_t i = 0; i < PX_ARRAY_LEN(doors); i++) {
		struct px_buf log = PX_BUF_INIT;
		struct capture cap = capture_start();
		char octet;
		int fd = rig_connect(rig->port);
		assert_int_equal(write(fd, doors[i].octets, strlen(doors[i].octets)),
				 strlen(doors[i].octets));
		assert_int_equal(read(fd, &octet, 1), 0);
		close(fd);
		capture_end(&cap, &log);
		if (strstr(px_buf_str(&log), doors[i].line) == NULL)
			fail_msg("log: %s", px_buf_str(&log));
		px_buf_free(&log);
	}
	assert_true(rig_metric(rig, PX_M_HANDSHAKES_FAILED, "not-tls") == 3);
	/* Lines are limited per address, counts are not. */
	struct px_buf log = PX_BUF_INIT;
	struct capture cap = capture_start();
	for (int i = 0; i < 20; i++) {
		char octet;
		int fd = rig_connect(rig->port);
		assert_int_equal(write(fd, "hello", 5), 5);
		assert_int_equal(read(fd, &octet, 1), 0);
		close(fd);
	}
	capture_end(&cap, &log);
	unsigned lines = 0;
	for (size_t i = 0; i < log.len; i++)
		lines += log.data[i] == '\n';
	assert_in_range(lines, 1, 11); /* the minute may turn on the way */
	assert_true(rig_metric(rig, PX_M_HANDSHAKES_FAILED, "not-tls") == 23);
	px_buf_free(&log);
	rig_stop(&rig);
}

static void test_versions(void **state)
{
	(void)state;
	struct client c;
	/* Nobody needs 1.2: not offered. */
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), NULL);
	assert_false(client_open(&c, rig->port, rig_path("BY/system/tls"), TLS1_2_VERSION));
	assert_int_equal(c.error, 1000 + SSL_AD_PROTOCOL_VERSION);
	client_close(&c);
	rig_stop(&rig);
	/* All do. */
	rig = rig_start(rig_tls("UA", "BY", NULL, "tls = \"1.2\""), NULL);
	assert_true(client_open(&c, rig->port, rig_path("BY/system/tls"), TLS1_2_VERSION));
	assert_int_equal(client_ask(&c, GET), 201);
	assert_null(SSL_get_session(c.ssl) != NULL && SSL_SESSION_has_ticket(SSL_get_session(c.ssl)) ? c.ssl
												     : NULL);
	assert_non_null(strstr(SSL_get_cipher(c.ssl), "ECDHE"));
	assert_true(SSL_CIPHER_is_aead(SSL_get_current_cipher(c.ssl)));
	client_close(&c);
	assert_false(client_open(&c, rig->port, rig_path("BY/system/tls"), TLS1_1_VERSION));
	client_close(&c);
	rig_stop(&rig);
	/* One does: the others are closed after the handshake. */
	struct px_conf *conf = rig_conf("UA", "BY", NULL, NULL);
	for (unsigned i = 0; i < conf->n_partners; i++)
		conf->partners[i].tls12 = strcmp(conf->partners[i].name, "node-by") == 0;
	struct px_tls *tls = NULL;
	assert_int_equal(px_tls_new(conf, &tls, NULL), PX_OK);
	px_tls_take_conf(tls, &conf);
	rig = rig_start(tls, NULL);
	assert_true(client_open(&c, rig->port, rig_path("BY/node/tls"), TLS1_2_VERSION));
	assert_int_equal(client_ask(&c, GET), 201);
	client_close(&c);
	assert_true(client_open(&c, rig->port, rig_path("BY/system/tls"), TLS1_2_VERSION));
	assert_int_equal(client_ask(&c, GET), -1);
	client_close(&c);
	assert_true(rig_metric(rig, PX_M_HANDSHAKES_FAILED, "not-allowed") == 1);
	assert_true(let_in(rig, rig_path("BY/system/tls"), NULL)); /* with 1.3 */
	rig_stop(&rig);
}

static void spki_hex(const char *path, char out[PX_DIGEST_HEX])
{
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	uint8_t *der = NULL, digest[PX_DIGEST_LEN];
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	px_sha256(der, (size_t)len, digest);
	px_hex(digest, sizeof(digest), out);
	OPENSSL_free(der);
	X509_free(cert);
}

/* A pin takes the place of the URI, never of the chain. */
static void test_pins(void **state)
{
	(void)state;
	char pin[PX_DIGEST_HEX];
	static const struct {
		const char *name;
		bool in;
	} cases[] = {{"no-san", true}, {"wrong-name", true}, {"other-ca", false}, {"expired", false}};
	for (size_t i = 0; i < PX_ARRAY_LEN(cases); i++) {
		const char *pair = rig_path("wrong/BY/tls-%s", cases[i].name);
		char file[300];
		snprintf(file, sizeof(file), "%s.pem", pair);
		spki_hex(file, pin);
		struct px_conf *conf = rig_conf("UA", "BY", NULL, NULL);
		struct px_conf_partner *p =
		    (struct px_conf_partner *)(uintptr_t)px_conf_partner(conf, "officer-by");
		p->tls.pins.items = px_xcalloc(1, sizeof(char *));
		p->tls.pins.items[0] = px_xstrdup(pin);
		p->tls.pins.n = 1;
		struct px_tls *tls = NULL;
		assert_int_equal(px_tls_new(conf, &tls, NULL), PX_OK);
		px_tls_take_conf(tls, &conf);
		struct rig *rig = rig_start(tls, NULL);
		assert_int_equal(let_in(rig, pair, NULL), cases[i].in);
		if (cases[i].in)
			assert_string_equal(rig->partner, "officer-by");
		rig_stop(&rig);
	}
}

/* A partner of the wrong anchors: right name, right CA, but not the CA that this partner is tied to. */
static void test_anchors_are_per_partner(void **state)
{
	(void)state;
	struct px_conf *conf = rig_conf("UA", "BY", NULL, NULL);
	struct px_conf_partner *p = (struct px_conf_partner *)(uintptr_t)px_conf_partner(conf, "system-by");
	free(p->tls.anchors.items[0]);
	p->tls.anchors.items[0] = px_xstrdup(rig_path("UA/tls-ca.pem"));
	struct px_tls *tls = NULL;
	assert_int_equal(px_tls_new(conf, &tls, NULL), PX_OK);
	px_tls_take_conf(tls, &conf);
	struct rig *rig = rig_start(tls, NULL);
	assert_false(let_in(rig, rig_path("BY/system/tls"), NULL));
	assert_true(let_in(rig, rig_path("BY/node/tls"), NULL));
	rig_stop(&rig);
}

/* The same CA's CRL, made so that it has ended. */
static void ended_crl(char out[300])
{
	struct px_buf command = PX_BUF_INIT;
	const char *top = rig_path(".");
	snprintf(out, 300, "%s", rig_path("ended.crl"));
	px_buf_addf(&command, "certs/make-pki --quiet --crl-days 0 --crl '%s' BY && cp '%s' '%s' && ", top,
		    rig_path("BY/tls-ca.crl"), out);
	px_buf_addf(&command, "certs/make-pki --quiet --crl '%s' BY", top);
	assert_int_equal(system(px_buf_str(&command)), 0);
	px_buf_free(&command);
}

static void test_crls(void **state)
{
	(void)state;
	char ended[300], extra[400];
	ended_crl(ended);
	static const struct {
		const char *format;
		bool good_in, revoked_in;
	} cases[] = {
	    {"crls = \"%s\"", false, false},                       /* ended: refused */
	    {"crls = \"%s\"\n crl-required = false", true, false}, /* ended: what it revokes stays revoked */
	    {"crls = {}\n crl-required = false", true, true},      /* none: overlooked */
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(cases); i++) {
		struct px_buf text = PX_BUF_INIT;
		const char *s = strstr(cases[i].format, "%s");
		if (s != NULL)
			px_buf_addf(&text, "%.*s%s%s", (int)(s - cases[i].format), cases[i].format, ended,
				    s + 2);
		else
			px_buf_adds(&text, cases[i].format);
		px_strlcpy(extra, px_buf_str(&text), sizeof(extra));
		px_buf_free(&text);
		struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, extra), NULL);
		assert_int_equal(let_in(rig, rig_path("BY/system/tls"), NULL), cases[i].good_in);
		assert_int_equal(let_in(rig, rig_path("wrong/BY/tls-revoked"), NULL), cases[i].revoked_in);
		rig_stop(&rig);
	}
}

/* --- generations --- */

static void set_tls(struct rig *rig, void *arg)
{
	px_server_set_tls(rig->server, arg);
}

static void answer_held(struct rig *rig, void *arg)
{
	(void)arg;
	struct px_request *req = rig->held[--rig->n_held];
	/* The generation of the request is still there. */
	assert_string_equal(px_request_partner(req)->name, "system-by");
	assert_ptr_equal(px_conf_partner(px_tls_conf(px_request_tls(req)), "system-by"),
			 px_request_partner(req));
	px_request_answer(req, 200, "text/plain", "", "late", 4);
}

static void swap(struct rig *rig, struct px_tls *fresh)
{
	rig_call(rig, set_tls, fresh);
	px_tls_unref(&rig->tls);
	rig->tls = fresh;
}

static void test_reload(void **state)
{
	(void)state;
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), NULL);
	struct client system, node, held;
	struct px_buf out = PX_BUF_INIT;
	assert_true(client_open(&system, rig->port, rig_path("BY/system/tls"), 0));
	assert_int_equal(client_ask(&system, GET), 201);
	assert_true(client_open(&node, rig->port, rig_path("BY/node/tls"), 0));
	assert_int_equal(client_ask(&node, GET), 201);
	/* The same again: nothing happens to anybody. */
	swap(rig, rig_tls("UA", "BY", NULL, NULL));
	assert_int_equal(client_ask(&system, GET), 201);
	/* The system's certificate is revoked, while it waits for an answer on another connection. */
	assert_true(client_open(&held, rig->port, rig_path("BY/system/tls"), 0));
	assert_true(client_send(&held, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"));
	assert_true(rig_wait(rig, &rig->requests, 4));
	struct px_conf *conf = rig_conf("UA", "BY", NULL, NULL);
	struct px_conf_partner *p = (struct px_conf_partner *)(uintptr_t)px_conf_partner(conf, "system-by");
	free(p->tls.anchors.items[0]);
	p->tls.anchors.items[0] = px_xstrdup(rig_path("UA/tls-ca.pem"));
	struct px_tls *tls = NULL;
	assert_int_equal(px_tls_new(conf, &tls, NULL), PX_OK);
	px_tls_take_conf(tls, &conf);
	swap(rig, tls);
	assert_true(client_ended(&system));
	assert_int_equal(client_ask(&node, GET), 201);
	/* The handler is told; its answer still arrives, then that is closed too. */
	assert_int_equal(rig->distrusted, 1);
	rig_call(rig, answer_held, NULL);
	assert_int_equal(client_answer(&held, &out), 200);
	assert_true(client_ended(&held));
	client_close(&held);
	client_close(&system);
	assert_false(let_in(rig, rig_path("BY/system/tls"), NULL));
	/* The node's section is gone altogether. */
	conf = rig_conf("UA", "BY", NULL, NULL);
	p = (struct px_conf_partner *)(uintptr_t)px_conf_partner(conf, "node-by");
	free(p->san_uri);
	p->san_uri = px_xstrdup("urn:prinex:BY:node:another");
	assert_int_equal(px_tls_new(conf, &tls, NULL), PX_OK);
	px_tls_take_conf(tls, &conf);
	swap(rig, tls);
	assert_true(client_ended(&node));
	client_close(&node);
	px_buf_free(&out);
	rig_stop(&rig);
}

/* --- files --- */

static void expect_bad(const char *what, const char *replacement, const char *part)
{
	struct px_conf *conf = rig_conf("UA", "BY", NULL, NULL);
	struct px_tls *tls = NULL;
	struct px_buf why = PX_BUF_INIT;
	char **field = strcmp(what, "certificate") == 0 ? &conf->node.tls_certificate
		       : strcmp(what, "key") == 0       ? &conf->node.tls_key
		       : strcmp(what, "anchor") == 0    ? &conf->partners[0].tls.anchors.items[0]
							: &conf->partners[0].tls.crls.items[0];
	free(*field);
	*field = px_xstrdup(replacement);
	assert_int_equal(px_tls_new(conf, &tls, &why), PX_ECONF);
	assert_null(tls);
	if (strstr(px_buf_str(&why), part) == NULL || strstr(px_buf_str(&why), replacement) == NULL)
		fail_msg("%s %s: %s", what, replacement, px_buf_str(&why));
	px_buf_free(&why);
	px_conf_free(&conf);
}

/* A copy of the system's certificate that ends in @s seconds. @return its path without ".pem". */
static const char *short_lived(int s)
{
	FILE *in = fopen(rig_path("BY/system/tls.pem"), "r"), *ca = fopen(rig_path("BY/tls-ca.key"), "r");
	FILE *key = fopen(rig_path("BY/system/tls.key"), "r"), *out = fopen(rig_path("short.pem"), "w");
	assert_true(in != NULL && ca != NULL && key != NULL && out != NULL);
	X509 *cert = PEM_read_X509(in, NULL, NULL, NULL);
	EVP_PKEY *signer = PEM_read_PrivateKey(ca, NULL, NULL, NULL);
	EVP_PKEY *own = PEM_read_PrivateKey(key, NULL, NULL, NULL);
	assert_true(cert != NULL && signer != NULL && own != NULL);
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), s));
	assert_true(X509_sign(cert, signer, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_X509(out, cert), 1);
	FILE *copy = fopen(rig_path("short.key"), "w");
	assert_non_null(copy);
	assert_int_equal(PEM_write_PrivateKey(copy, own, NULL, NULL, 0, NULL, NULL), 1);
	X509_free(cert);
	EVP_PKEY_free(signer);
	EVP_PKEY_free(own);
	fclose(in), fclose(ca), fclose(key), fclose(out), fclose(copy);
	return rig_path("short");
}

static void test_certificate_ends(void **state)
{
	(void)state;
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), NULL);
	struct client brief, node, held;
	struct px_buf out = PX_BUF_INIT;
	const char *pair = short_lived(2);
	assert_true(client_open(&brief, rig->port, pair, 0));
	assert_int_equal(client_ask(&brief, GET), 201);
	assert_true(client_open(&held, rig->port, pair, 0));
	assert_true(client_send(&held, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"));
	assert_true(client_open(&node, rig->port, rig_path("BY/node/tls"), 0));
	assert_int_equal(client_ask(&node, GET), 201);
	assert_true(client_ended(&brief)); /* no request, no reload: the moment has come */
	assert_true(rig_wait(rig, &rig->distrusted, 1));
	rig_call(rig, answer_held, NULL);
	assert_int_equal(client_answer(&held, &out), 200);
	assert_true(client_ended(&held));
	assert_int_equal(client_ask(&node, GET), 201);
	assert_false(let_in(rig, pair, NULL));
	client_close(&brief);
	client_close(&held);
	client_close(&node);
	px_buf_free(&out);
	rig_stop(&rig);
}

static void forget_anchor(struct rig *rig, void *arg)
{
	(void)arg;
	/* As if its CRL had ended meanwhile: the store of the partner verifies nothing any more. */
	for (unsigned i = 0; i < rig->tls->n_trusts; i++) {
		if (strcmp(rig->tls->trusts[i].partner->name, "system-by") == 0) {
			X509_STORE_free(rig->tls->trusts[i].store);
			rig->tls->trusts[i].store = X509_STORE_new();
		}
	}
}

static void test_again_from_time_to_time(void **state)
{
	(void)state;
	struct px_server_limits limits = px_server_limits();
	limits.recheck = 300;
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), &limits);
	struct client system, node;
	assert_true(client_open(&system, rig->port, rig_path("BY/system/tls"), 0));
	assert_int_equal(client_ask(&system, GET), 201);
	assert_true(client_open(&node, rig->port, rig_path("BY/node/tls"), 0));
	assert_int_equal(client_ask(&node, GET), 201);
	usleep(700000);
	assert_int_equal(client_ask(&system, GET), 201); /* looked at twice, and good */
	rig_call(rig, forget_anchor, NULL);
	assert_true(client_ended(&system));
	assert_int_equal(client_ask(&node, GET), 201);
	client_close(&system);
	client_close(&node);
	rig_stop(&rig);
}

static void test_bad_files(void **state)
{
	(void)state;
	expect_bad("certificate", rig_path("none.pem"), "No such file");
	expect_bad("certificate", rig_path("UA/node/tls.key"), "no certificate in this file");
	expect_bad("key", rig_path("BY/node/tls.key"), "not the key of the certificate");
	expect_bad("key", rig_path("UA/node/tls.pem"), "not a private key");
	expect_bad("anchor", rig_path("UA/tls-ca.crl"), "no certificate in this file");
	expect_bad("crl", rig_path("UA/tls-ca.pem"), "no revocation list in this file");
	FILE *f = fopen(rig_path("broken.pem"), "w");
	assert_non_null(f);
	fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", f);
	fclose(f);
	expect_bad("anchor", rig_path("broken.pem"), "not a PEM file of certificates");
}

static void test_list(void **state)
{
	(void)state;
	struct px_tls *tls = rig_tls("UA", "BY", NULL, NULL);
	const struct px_tls_certificate *list;
	unsigned n = px_tls_certificates(tls, &list), node = 0, crls = 0, anchors = 0;
	int64_t now = px_clock_wall(px_clock_real());
	for (unsigned i = 0; i < n; i++) {
		assert_true(list[i].not_before < now && list[i].not_after > now);
		assert_non_null(strstr(list[i].subject, "CN="));
		node += strcmp(list[i].what, "node tls") == 0 || strcmp(list[i].what, "node sign") == 0;
		crls += list[i].is_crl;
		anchors += strcmp(list[i].what, "anchor of partner system-by") == 0;
	}
	assert_int_equal(node, 2);
	assert_int_equal(anchors, 1);
	assert_true(crls >= 3);
	px_tls_unref(&tls);
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
	    cmocka_unit_test(test_partners),
	    cmocka_unit_test(test_wrong),
	    cmocka_unit_test(test_system_store),
	    cmocka_unit_test(test_not_tls),
	    cmocka_unit_test(test_versions),
	    cmocka_unit_test(test_pins),
	    cmocka_unit_test(test_anchors_are_per_partner),
	    cmocka_unit_test(test_crls),
	    cmocka_unit_test(test_reload),
	    cmocka_unit_test(test_certificate_ends),
	    cmocka_unit_test(test_again_from_time_to_time),
	    cmocka_unit_test(test_bad_files),
	    cmocka_unit_test(test_list),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
