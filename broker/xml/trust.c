/* prinex: signing trust of each (authority, role): anchors, CRLs, pins, and the path check
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "xml/trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "base/strings.h"

/* 112 bits: RSA-2048, SHA-224 and better, for every certificate of a path but the anchor's own signature. */
#define SECURITY_LEVEL 2

/* --- loading --- */

static int load_anchors(X509_STORE *store, const char *file, struct px_buf *why)
{
	struct px_buf text = PX_BUF_INIT;
	int rc = px_buf_read_file(&text, file, PX_LIMIT_KEY_FILE, why), n = 0;
	if (rc == PX_OK) {
		BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
		X509 *cert;
		px_assert(bio != NULL);
		for (; (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL; n++) {
			px_assert(X509_STORE_add_cert(store, cert) == 1);
			X509_free(cert);
		}
		BIO_free(bio);
		if (n == 0)
			px_buf_setf(why, "%s holds no certificate", file);
	}
	ERR_clear_error();
	px_buf_free(&text);
	return n > 0 ? PX_OK : PX_ECONF;
}

static int add_crl(struct px_trust *trust, X509_CRL *crl, const char *file, struct px_buf *why)
{
	/* Without nextUpdate nobody could ever say that it is out of date (RFC 5280, 5.1.2.5). */
	struct tm tm;
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
	if (next == NULL || ASN1_TIME_to_tm(next, &tm) != 1) {
		px_buf_setf(why, "%s holds a revocation list without nextUpdate", file);
		X509_CRL_free(crl);
		return PX_ECONF;
	}
	px_assert(X509_STORE_add_crl(trust->store, crl) == 1 && sk_X509_CRL_push(trust->crls, crl) > 0);
	return PX_OK;
}

static int load_crls(struct px_trust *trust, const char *file, struct px_buf *why)
{
	struct px_buf text = PX_BUF_INIT;
	int n = 0;
	int rc = px_buf_read_file(&text, file, PX_LIMIT_CRL_FILE, why) == PX_OK ? PX_OK : PX_ECONF;
	if (rc == PX_OK) {
		BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
		X509_CRL *crl;
		px_assert(bio != NULL);
		while (rc == PX_OK && (crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
			rc = add_crl(trust, crl, file, why);
			n++;
		}
		BIO_free(bio);
		if (n == 0) {
			px_buf_setf(why, "%s holds no revocation list", file);
			rc = PX_ECONF;
		}
	}
	ERR_clear_error();
	px_buf_free(&text);
	return rc;
}

static struct px_trust *trust_new(const char *authority, enum px_role role)
{
	struct px_trust *t = px_xcalloc(1, sizeof(*t));
	px_strlcpy(t->authority, authority, sizeof(t->authority));
	t->role = role;
	t->store = X509_STORE_new();
	t->crls = sk_X509_CRL_new_null();
	px_assert(t->store != NULL && t->crls != NULL);
	return t;
}

static void trust_free(struct px_trust *t)
{
	X509_STORE_free(t->store);
	sk_X509_CRL_pop_free(t->crls, X509_CRL_free);
	free(t);
}

static void push(struct px_trusts *trusts, struct px_trust *t)
{
	trusts->items = px_xrealloc_array(trusts->items, trusts->n + 1, sizeof(void *));
	trusts->items[trusts->n++] = t;
}

static int load_trust(struct px_trusts *trusts, const struct px_conf_authority *a, enum px_role role,
		      struct px_buf *why)
{
	const struct px_conf_trust *from = &a->trust[role];
	struct px_trust *t = trust_new(a->code, role);
	int rc = PX_OK;
	push(trusts, t);
	t->pins = &from->pins;
	t->crl_required = from->crl_required;
	for (unsigned i = 0; i < from->anchors.n && rc == PX_OK; i++)
		rc = load_anchors(t->store, from->anchors.items[i], why);
	for (unsigned i = 0; i < from->crls.n && rc == PX_OK; i++)
		rc = load_crls(t, from->crls.items[i], why);
	if (rc != PX_OK && why != NULL)
		px_buf_setf(why, "authority %s, %s: %s", a->code, px_role_name(role), px_buf_str(why));
	return rc;
}

int px_trusts_new(const struct px_conf *conf, struct px_trusts **out, struct px_buf *why)
{
	struct px_trusts *trusts = px_xcalloc(1, sizeof(*trusts));
	int rc = PX_OK;
	for (unsigned i = 0; conf != NULL && i < conf->n_authorities && rc == PX_OK; i++) {
		const struct px_conf_authority *a = &conf->authorities[i];
		for (int role = PX_ROLE_SYSTEM; role <= PX_ROLE_NODE && rc == PX_OK; role++) {
			if (a->trust[role].configured)
				rc = load_trust(trusts, a, (enum px_role)role, why);
		}
	}
	if (rc != PX_OK)
		px_trusts_free(&trusts);
	*out = trusts;
	return rc;
}

void px_trusts_free(struct px_trusts **trusts)
{
	if (*trusts == NULL)
		return;
	for (unsigned i = 0; i < (*trusts)->n; i++)
		trust_free((*trusts)->items[i]);
	free((*trusts)->items);
	PX_FREE(*trusts);
}

const struct px_trust *px_trusts_find(const struct px_trusts *trusts, const char *authority,
				      enum px_role role)
{
	for (unsigned i = 0; i < trusts->n; i++) {
		if (trusts->items[i]->role == role && strcmp(trusts->items[i]->authority, authority) == 0)
			return trusts->items[i];
	}
	return NULL;
}

void px_trusts_push(struct px_trusts *trusts, const char *authority, enum px_role role, X509 *anchor)
{
	struct px_trust *t = trust_new(authority, role);
	px_assert(X509_STORE_add_cert(t->store, anchor) == 1);
	push(trusts, t);
}

void px_trusts_pop(struct px_trusts *trusts)
{
	px_assert(trusts->n > 0);
	trust_free(trusts->items[--trusts->n]);
}

/* --- the path check --- */

struct check {
	const struct px_trust *trust;
	bool revocation; /* second pass: only revocation counts */
	unsigned faults;
	bool no_chain; /* a fault after which there is no path to look at */
	px_path_fault *fault;
	void *arg;
};

static enum px_code code_of(int err)
{
	switch (err) {
	case X509_V_ERR_CERT_NOT_YET_VALID: return PX_CODE_CERT_NOT_YET;
	case X509_V_ERR_CERT_HAS_EXPIRED: return PX_CODE_CERT_EXPIRED;
	case X509_V_ERR_CERT_REVOKED: return PX_CODE_CERT_REVOKED;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL: return PX_CODE_CERT_KEY;
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
	case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
	case X509_V_ERR_CRL_NOT_YET_VALID:
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
	case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
	case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
	case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
	case X509_V_ERR_DIFFERENT_CRL_SCOPE:
	case X509_V_ERR_CRL_PATH_VALIDATION_ERROR: return PX_CODE_CERT_CRL;
	default: return PX_CODE_CERT_CHAIN;
	}
}

static bool is_anchor(X509_STORE_CTX *ctx)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	return chain != NULL && X509_STORE_CTX_get_error_depth(ctx) == sk_X509_num(chain) - 1;
}

/* Whether @code does not count in this pass. */
static bool is_excused(const struct check *c, X509_STORE_CTX *ctx, enum px_code code)
{
	if (!c->revocation)
		return false;
	if (code == PX_CODE_CERT_EXPIRED || code == PX_CODE_CERT_NOT_YET || code == PX_CODE_CERT_KEY)
		return true; /* judged by the first pass, at its own time */
	/* An anchor is trusted because the configuration says so; nobody above it could revoke it. */
	return code == PX_CODE_CERT_CRL && (!c->trust->crl_required || is_anchor(ctx));
}

static int on_verify(int ok, X509_STORE_CTX *ctx)
{
	struct check *c = X509_STORE_CTX_get_app_data(ctx);
	if (ok)
		return 1;
	int err = X509_STORE_CTX_get_error(ctx);
	enum px_code code = code_of(err);
	if (!is_excused(c, ctx, code)) {
		char subject[200] = "";
		X509 *cert = X509_STORE_CTX_get_current_cert(ctx);
		if (cert != NULL)
			X509_NAME_oneline(X509_get_subject_name(cert), subject, sizeof(subject));
		c->faults++;
		c->no_chain |= code == PX_CODE_CERT_CHAIN;
		c->fault(c->arg, code, subject, X509_verify_cert_error_string(err));
	}
	/* Go on, to find all faults, where the rest does not hang on this one. */
	return code != PX_CODE_CERT_CHAIN;
}

static int64_t time_ms(const ASN1_TIME *t)
{
	struct tm tm;
	px_assert(ASN1_TIME_to_tm(t, &tm) == 1);
	return (int64_t)timegm(&tm) * 1000;
}

static void note_crls(const struct px_trust *trust, X509 *cert, int64_t now, struct px_path *path)
{
	for (int i = 0; i < sk_X509_CRL_num(trust->crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(trust->crls, i);
		if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(cert)) != 0)
			continue;
		int64_t next = time_ms(X509_CRL_get0_nextUpdate(crl));
		if (next > now)
			path->crl_until = PX_MIN(path->crl_until, next);
	}
}

static void note_path(const struct px_trust *trust, STACK_OF(X509) * chain, int64_t now, struct px_path *path)
{
	*path = (struct px_path){.not_before = INT64_MIN, .not_after = INT64_MAX, .crl_until = INT64_MAX};
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *cert = sk_X509_value(chain, i);
		path->not_before = PX_MAX(path->not_before, time_ms(X509_get0_notBefore(cert)));
		path->not_after = PX_MIN(path->not_after, time_ms(X509_get0_notAfter(cert)));
		note_crls(trust, cert, now, path);
	}
}

static void run_pass(struct check *c, X509 *leaf, STACK_OF(X509) * others, int64_t ms, int64_t now,
		     struct px_path *path)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	px_assert(ctx != NULL && X509_STORE_CTX_init(ctx, c->trust->store, leaf, others) == 1);
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)(ms / 1000));
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	/* An anchor may be an intermediate: what is configured is trusted. */
	unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
	if (c->revocation)
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	X509_VERIFY_PARAM_set_flags(param, flags);
	X509_STORE_CTX_set_verify_cb(ctx, on_verify);
	X509_STORE_CTX_set_app_data(ctx, c);
	int rc = X509_verify_cert(ctx);
	if (rc != 1 && c->faults == 0) {
		c->faults++;
		c->no_chain = true;
		c->fault(c->arg, PX_CODE_CERT_CHAIN, "", "the path could not be checked");
	}
	if (c->faults == 0 && path != NULL)
		note_path(c->trust, X509_STORE_CTX_get0_chain(ctx), now, path);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
}

int px_trust_check(const struct px_trust *trust, X509 *leaf, STACK_OF(X509) * others, int64_t at, int64_t now,
		   struct px_path *path, px_path_fault *fault, void *arg)
{
	struct check c = {.trust = trust, .fault = fault, .arg = arg};
	run_pass(&c, leaf, others, at, now, path);
	/* OpenSSL judges lists and certificates at one time; ours are two. */
	c.revocation = true;
	if (!c.no_chain && (trust->crl_required || sk_X509_CRL_num(trust->crls) > 0))
		run_pass(&c, leaf, others, now, now, NULL);
	return c.faults == 0 ? PX_OK : PX_ECERT;
}
