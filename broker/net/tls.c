/* prinex: TLS of one generation: contexts, and who is at the other end
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <openssl/err.h>
#include <pthread.h>

#include "base/strings.h"
#include "net/tls_internal.h"

/* For TLS 1.2 only; 1.3 has nothing else. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
/* A chain of six certificates with large keys takes a third of it. */
#define CHAIN_OCTETS (48 * 1024)

/* What the verification in a handshake found, kept with the SSL. */
struct outcome {
	uint64_t serial;                  /* of the generation that looked */
	const struct px_tls_trust *trust; /* valid in that generation only */
	enum px_tls_refusal refusal;
	struct px_buf why;
};

/* How to verify a server, kept with the SSL_CTX. */
struct client_check {
	struct px_tls *tls;
	const struct px_tls_trust *trust;
	struct px_tls_report *report; /* or NULL */
	char host[256];
};

static int outcome_index, check_index;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void free_outcome(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	(void)parent, (void)ad, (void)idx, (void)argl, (void)argp;
	struct outcome *o = ptr;
	if (o != NULL)
		px_buf_free(&o->why);
	free(o);
}

static void free_check(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	(void)parent, (void)ad, (void)idx, (void)argl, (void)argp;
	struct client_check *c = ptr;
	if (c == NULL)
		return;
	px_tls_unref(&c->tls);
	px_tls_report_unref(&c->report);
	free(c);
}

static void make_indexes(void)
{
	outcome_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_outcome);
	check_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_check);
	px_assert(outcome_index >= 0 && check_index >= 0);
}

/* --- reports --- */

struct px_tls_report *px_tls_report_new(void)
{
	struct px_tls_report *r = px_xcalloc(1, sizeof(*r));
	r->refs = 1;
	r->alert = -1;
	return r;
}

void px_tls_report_unref(struct px_tls_report **report)
{
	struct px_tls_report *r = *report;
	*report = NULL;
	if (r == NULL || --r->refs > 0)
		return;
	px_buf_free(&r->refusal);
	free(r);
}

/* --- both sides --- */

static void set_common(SSL_CTX *ctx, bool tls12)
{
	SSL_CTX_set_security_level(ctx, PX_TLS_SECURITY_LEVEL);
	px_assert(SSL_CTX_set_min_proto_version(ctx, tls12 ? TLS1_2_VERSION : TLS1_3_VERSION) == 1);
	px_assert(SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1);
	px_assert(SSL_CTX_set_cipher_list(ctx, CIPHERS) == 1);
	/* A resumed session would skip the certificate checks. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_max_cert_list(ctx, CHAIN_OCTETS);
}

static int use_own(const struct px_tls *tls, SSL_CTX *ctx, struct px_buf *why)
{
	if (SSL_CTX_use_cert_and_key(ctx, tls->leaf, tls->key, tls->chain, 1) == 1)
		return PX_OK;
	const char *text = ERR_reason_error_string(ERR_peek_last_error());
	px_buf_setf(why, "%s: not usable for TLS: %s", tls->conf->node.tls_certificate,
		    text != NULL ? text : "?");
	ERR_clear_error();
	return PX_ECONF;
}

/* --- server --- */

/* Instead of OpenSSL's own verification: the partner first, then the chain against that partner's anchors. */
static int verify_client(X509_STORE_CTX *ctx, void *arg)
{
	const struct px_tls *tls = arg;
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
	struct outcome *o = px_xcalloc(1, sizeof(*o));
	free_outcome(NULL, SSL_get_ex_data(ssl, outcome_index), NULL, 0, 0, NULL);
	px_assert(SSL_set_ex_data(ssl, outcome_index, o) == 1);
	o->serial = tls->serial;
	const struct px_tls_trust *trust = px_tls_find(tls, leaf, &o->why);
	if (trust == NULL) {
		o->refusal = PX_TLS_REFUSED_UNKNOWN;
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
		return 0;
	}
	int error =
	    px_tls_verify(trust, leaf, X509_STORE_CTX_get0_untrusted(ctx), PX_TLS_PEER_CLIENT, NULL, &o->why);
	X509_STORE_CTX_set_error(ctx, error);
	if (error != X509_V_OK) {
		o->refusal = PX_TLS_REFUSED_BAD;
		return 0;
	}
	o->trust = trust;
	return 1;
}

static int make_server(struct px_tls *tls, struct px_buf *why)
{
	bool tls12 = false;
	for (unsigned i = 0; i < tls->conf->n_partners; i++)
		tls12 |= tls->conf->partners[i].tls12;
	SSL_CTX *ctx = tls->server = SSL_CTX_new(TLS_server_method());
	px_assert(ctx != NULL);
	set_common(ctx, tls12);
	px_assert(SSL_CTX_set_num_tickets(ctx, 0) == 1);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1); /* one read(2) per record instead of two */
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify_client, tls);
	return use_own(tls, ctx, why);
}

int px_tls_new(const struct px_conf *conf, struct px_tls **out, struct px_buf *why)
{
	static unsigned long serials;
	pthread_once(&once, make_indexes);
	struct px_tls *tls = px_xcalloc(1, sizeof(*tls));
	tls->refs = 1;
	tls->conf = conf;
	tls->serial = __atomic_add_fetch(&serials, 1, __ATOMIC_RELAXED);
	int rc = px_tls_load_node(tls, why);
	if (rc == PX_OK)
		rc = px_tls_load_trusts(tls, why);
	if (rc == PX_OK)
		rc = make_server(tls, why);
	if (rc != PX_OK)
		px_tls_unref(&tls);
	*out = tls;
	return rc;
}

void px_tls_take_conf(struct px_tls *tls, struct px_conf **conf)
{
	px_assert(*conf == tls->conf && tls->owned == NULL);
	tls->owned = *conf;
	*conf = NULL;
}

struct px_tls *px_tls_ref(struct px_tls *tls)
{
	__atomic_add_fetch(&tls->refs, 1, __ATOMIC_RELAXED);
	return tls;
}

void px_tls_unref(struct px_tls **tls)
{
	struct px_tls *t = *tls;
	*tls = NULL;
	if (t == NULL || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	SSL_CTX_free(t->server);
	X509_free(t->leaf);
	EVP_PKEY_free(t->key);
	sk_X509_pop_free(t->chain, X509_free);
	px_tls_free_lists(t);
	px_conf_free(&t->owned);
	free(t);
}

const struct px_conf *px_tls_conf(const struct px_tls *tls)
{
	return tls->conf;
}

SSL_CTX *px_tls_server_ctx(const struct px_tls *tls)
{
	return tls->server;
}

unsigned px_tls_certificates(const struct px_tls *tls, const struct px_tls_certificate **out)
{
	*out = tls->certificates;
	return tls->n_certificates;
}

enum px_tls_refusal px_tls_refusal(const SSL *ssl, const char **why)
{
	const struct outcome *o = SSL_get_ex_data(ssl, outcome_index);
	*why = o != NULL ? px_buf_str(&o->why) : "";
	return o != NULL ? o->refusal : PX_TLS_REFUSED_NOT;
}

static const struct px_tls_trust *verify_again(const struct px_tls *tls, const SSL *ssl, struct px_buf *why)
{
	X509 *leaf = SSL_get0_peer_certificate(ssl);
	if (leaf == NULL) {
		px_buf_setf(why, "no certificate");
		return NULL;
	}
	const struct px_tls_trust *trust = px_tls_find(tls, leaf, why);
	if (trust != NULL && px_tls_verify(trust, leaf, SSL_get_peer_cert_chain(ssl), PX_TLS_PEER_CLIENT,
					   NULL, why) != X509_V_OK)
		return NULL;
	return trust;
}

static const struct px_conf_partner *partner_of(const struct px_tls_trust *trust, const SSL *ssl,
						struct px_buf *why)
{
	if (trust == NULL)
		return NULL;
	if (SSL_version(ssl) < TLS1_3_VERSION && !trust->partner->tls12) {
		px_buf_setf(why, "partner=%s: TLS 1.2 is not allowed for this partner (tls = 1.2)",
			    trust->partner->name);
		return NULL;
	}
	return trust->partner;
}

const struct px_conf_partner *px_tls_identify(const struct px_tls *tls, const SSL *ssl, struct px_buf *why)
{
	const struct outcome *o = SSL_get_ex_data(ssl, outcome_index);
	/* Just verified in the handshake: no need to do it twice. */
	bool fresh = o != NULL && o->serial == tls->serial;
	return partner_of(fresh ? o->trust : verify_again(tls, ssl, why), ssl, why);
}

const struct px_conf_partner *px_tls_identify_again(const struct px_tls *tls, const SSL *ssl,
						    struct px_buf *why)
{
	return partner_of(verify_again(tls, ssl, why), ssl, why);
}

static int64_t ends(const X509 *cert)
{
	struct tm tm;
	return ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : 0;
}

int64_t px_tls_peer_ends(const SSL *ssl)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	const X509 *leaf = SSL_get0_peer_certificate(ssl);
	int64_t first = leaf != NULL ? ends(leaf) : INT64_MAX;
	for (int i = 0; i < sk_X509_num(chain); i++)
		first = PX_MIN(first, ends(sk_X509_value(chain, i)));
	return first;
}

/* --- client --- */

static int verify_server(X509_STORE_CTX *ctx, void *arg)
{
	const struct client_check *check = arg;
	X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
	struct px_buf why = PX_BUF_INIT;
	int error = px_tls_verify(check->trust, leaf, X509_STORE_CTX_get0_untrusted(ctx), PX_TLS_PEER_SERVER,
				  check->host, &why);
	if (error == X509_V_OK && !px_tls_is_partner(check->trust, leaf)) {
		error = X509_V_ERR_APPLICATION_VERIFICATION;
		px_tls_describe(leaf, &why);
		px_buf_addf(&why, " partner=%s: has neither this partner's URI (%s) nor one of its pins",
			    check->trust->partner->name, check->trust->partner->san_uri);
	}
	X509_STORE_CTX_set_error(ctx, error);
	if (error != X509_V_OK && check->report != NULL)
		px_buf_setf(&check->report->refusal, "%s", px_buf_str(&why));
	px_buf_free(&why);
	return error == X509_V_OK;
}

/* In TLS 1.3 the alert about our certificate comes after we think the handshake is over. */
static void on_info(const SSL *ssl, int where, int ret)
{
	if ((where & SSL_CB_READ_ALERT) != SSL_CB_READ_ALERT || (ret & 0xff) == SSL_AD_CLOSE_NOTIFY)
		return;
	const struct client_check *check = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), check_index);
	if (check != NULL && check->report != NULL)
		check->report->alert = ret & 0xff;
}

/* `https://HOST[:PORT][/...]`, HOST in brackets if it is an IPv6 address. */
static bool url_host(const char *url, char *out, size_t size)
{
	const char *s = strstr(url, "://");
	if (s == NULL)
		return false;
	s += 3;
	size_t len = *s == '[' ? strcspn(++s, "]") : strcspn(s, ":/");
	return len > 0 && px_strlcpy_n(out, s, len, size);
}

static const struct px_tls_trust *trust_of(const struct px_tls *tls, const struct px_conf_partner *partner)
{
	for (unsigned i = 0; i < tls->n_trusts; i++) {
		if (tls->trusts[i].partner == partner)
			return &tls->trusts[i];
	}
	return NULL;
}

int px_tls_setup_client(const struct px_tls *tls, const struct px_conf_partner *partner, SSL_CTX *ctx)
{
	return px_tls_setup_client_report(tls, partner, ctx, NULL);
}

int px_tls_setup_client_report(const struct px_tls *tls, const struct px_conf_partner *partner, SSL_CTX *ctx,
			       struct px_tls_report *report)
{
	struct client_check *check = px_xcalloc(1, sizeof(*check));
	check->trust = trust_of(tls, partner);
	if (check->trust == NULL || !url_host(partner->url, check->host, sizeof(check->host)) ||
	    SSL_CTX_set_ex_data(ctx, check_index, check) != 1) {
		free(check);
		return PX_EINVAL;
	}
	check->tls = px_tls_ref((struct px_tls *)tls);
	check->report = report;
	if (report != NULL)
		report->refs++;
	set_common(ctx, partner->tls12);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set1_cert_store(ctx, check->trust->store);
	SSL_CTX_set_cert_verify_callback(ctx, verify_server, check);
	SSL_CTX_set_info_callback(ctx, on_info);
	return use_own(tls, ctx, NULL) == PX_OK ? PX_OK : PX_ETLS;
}
