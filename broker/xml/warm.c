/* prinex: one message per algorithm, so that nothing is loaded lazily later
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/strings.h"
#include "xml/examiner.h"
#include "xml/sign.h"

/*
 * An inspector opens no file and gets no random numbers from a device it has not opened yet. Digests,
 * signature algorithms, key types, decoders, curves, texts of errors: all are fetched at their first use. So
 * the whole path is walked once with throw-away keys, by an authority that exists only meanwhile, for a
 * Confirmations exchange whose Evidence is one more signed document; and once for a document with an error.
 */

#define AUTHORITY "ZZ.WARM"

struct party {
	EVP_PKEY *key;
	X509 *cert;
};

/* 2^a - 1 */
static bool mersenne(BIGNUM *out, int a)
{
	return BN_set_word(out, 0) == 1 && BN_set_bit(out, a) == 1 && BN_sub_word(out, 1) == 1;
}

/* n = (2^1279 - 1)(2^607 - 1)(2^127 - 1)(2^61 - 1) has 2074 bits; e is prime to p - 1 of each of these
 * primes. */
static bool known_rsa(BIGNUM *n, BIGNUM *e, BIGNUM *d, BN_CTX *ctx)
{
	static const int exponents[] = {1279, 607, 127, 61};
	BIGNUM *p = BN_CTX_get(ctx), *phi = BN_CTX_get(ctx);
	bool ok = phi != NULL && BN_one(n) == 1 && BN_one(phi) == 1 && BN_set_word(e, RSA_F4) == 1;
	for (size_t i = 0; i < PX_ARRAY_LEN(exponents) && ok; i++)
		ok = mersenne(p, exponents[i]) && BN_mul(n, n, p, ctx) == 1 && BN_sub_word(p, 1) == 1 &&
		     BN_mul(phi, phi, p, ctx) == 1;
	return ok && BN_mod_inverse(d, e, phi, ctx) != NULL;
}

static EVP_PKEY *rsa_from(const BIGNUM *n, const BIGNUM *e, const BIGNUM *d)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;
	if (bld != NULL && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_D, d) == 1)
		params = OSSL_PARAM_BLD_to_param(bld);
	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* A key that anybody can work out, of primes that need no search: start-up does not wait for one. It is
 * believed only here, before the first document from outside. */
static EVP_PKEY *new_rsa(void)
{
	BN_CTX *ctx = BN_CTX_new();
	EVP_PKEY *key = NULL;
	if (ctx == NULL)
		return NULL;
	BN_CTX_start(ctx);
	BIGNUM *n = BN_CTX_get(ctx), *e = BN_CTX_get(ctx), *d = BN_CTX_get(ctx);
	if (d != NULL && known_rsa(n, e, d, ctx))
		key = rsa_from(n, e, d);
	BN_CTX_end(ctx);
	BN_CTX_free(ctx);
	return key;
}

static bool add_ext(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return ok;
}

/* @issuer NULL: the anchor. @key is taken. */
static bool new_party(struct party *p, EVP_PKEY *key, const struct party *issuer, int64_t now)
{
	const struct party *by = issuer != NULL ? issuer : p;
	const char *name = issuer != NULL ? "leaf" : "anchor";
	*p = (struct party){key, X509_new()};
	if (key == NULL || p->cert == NULL)
		return false;
	X509_NAME *subject = X509_get_subject_name(p->cert);
	bool ok = X509_set_version(p->cert, 2) == 1 &&
		  ASN1_INTEGER_set(X509_get_serialNumber(p->cert), 1) == 1 &&
		  ASN1_TIME_set(X509_getm_notBefore(p->cert), (time_t)(now / 1000 - 3600)) != NULL &&
		  ASN1_TIME_set(X509_getm_notAfter(p->cert), (time_t)(now / 1000 + 3600)) != NULL &&
		  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
					     0) == 1 &&
		  X509_set_issuer_name(p->cert, X509_get_subject_name(by->cert)) == 1 &&
		  X509_set_pubkey(p->cert, key) == 1;
	if (issuer == NULL)
		ok = ok && add_ext(p->cert, NID_basic_constraints, "critical,CA:TRUE") &&
		     add_ext(p->cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	else
		ok = ok && add_ext(p->cert, NID_key_usage, "critical,digitalSignature") &&
		     add_ext(p->cert, NID_ext_key_usage, "1.3.6.1.5.5.7.3.36") &&
		     add_ext(p->cert, NID_subject_alt_name, "URI:urn:prinex:" AUTHORITY ":node:warm");
	return ok && X509_sign(p->cert, by->key, EVP_sha256()) > 0;
}

static void end_party(struct party *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->cert);
}

/* --- documents --- */

static void add_confirmation(struct px_buf *out, const char *kind, const char *at,
			     const struct px_buf *evidence)
{
	px_buf_addf(out,
		    "<px:Confirmation xmlns:px=\"" PX_NS_EXCHANGE "\"><px:Kind>%s</px:Kind>"
		    "<px:ConfirmationId>PX-warm</px:ConfirmationId><px:Issuer>" AUTHORITY "</px:Issuer>"
		    "<px:RefSender>ZZ</px:RefSender><px:RefMessageId>warm</px:RefMessageId><px:RefDigest>"
		    "0000000000000000000000000000000000000000000000000000000000000000</px:RefDigest>"
		    "<px:At>%s</px:At>",
		    kind, at);
	if (evidence != NULL) {
		px_buf_adds(out, "<px:Evidence>");
		px_base64(out, evidence->data, evidence->len);
		px_buf_adds(out, "</px:Evidence>");
	}
	px_buf_adds(out, "</px:Confirmation>");
}

static void add_exchange(struct px_buf *out, const char *environment, const char *at,
			 const struct px_buf *evidence)
{
	px_buf_addf(
	    out,
	    "<px:Exchange xmlns:px=\"" PX_NS_EXCHANGE "\"><px:Header><px:MessageId>PX-warm</px:MessageId>"
	    "<px:Environment>%s</px:Environment><px:Sender>" AUTHORITY "</px:Sender>"
	    "<px:MessageType>Confirmations</px:MessageType><px:CreatedAt>%s</px:CreatedAt></px:Header>"
	    "<px:Payload><px:Confirmations>",
	    environment, at);
	add_confirmation(out, "CoD", at, evidence);
	px_buf_adds(out, "</px:Confirmations></px:Payload></px:Exchange>");
}

static int sign(struct px_buf *doc, const struct party *p, enum px_sign_digest digest, struct px_buf *why)
{
	struct px_buf out = PX_BUF_INIT;
	STACK_OF(X509) *chain = sk_X509_new_null();
	px_assert(chain != NULL && sk_X509_push(chain, p->cert) > 0);
	int rc = px_xml_sign(doc->data, doc->len, p->key, chain, digest, &out, why);
	sk_X509_free(chain);
	px_buf_free(doc);
	*doc = out;
	return rc;
}

static int expect(struct px_examiner *ex, const struct px_buf *doc, int64_t now, enum px_stage stage,
		  struct px_buf *why)
{
	struct px_exam exam = {.kind = PX_DOC_EXCHANGE, .now = now, .first_broker = true};
	struct px_verdict *v = px_examine(ex, &exam, doc->data, doc->len);
	/* Evidence that fails is only warned of; here it must not fail. */
	const struct px_findings *wrong = v->errors.n > 0 ? &v->errors : &v->warnings;
	int rc = v->stage == stage && v->warnings.n == 0 ? PX_OK : PX_ECONF;
	if (rc != PX_OK)
		px_buf_setf(why, "warm-up: stage %s: %s", px_stage_name(v->stage),
			    wrong->n > 0 ? wrong->items[0].text : "no error where one was expected");
	px_verdict_free(&v);
	return rc;
}

static int walk_once(struct px_examiner *ex, const struct party *p, enum px_sign_digest digest, int64_t now,
		     struct px_buf *why)
{
	char at[32];
	const char *environment =
	    ex->conf != NULL && ex->conf->node.environment[0] != '\0' ? ex->conf->node.environment : "warm";
	struct px_buf evidence = PX_BUF_INIT, doc = PX_BUF_INIT;
	px_time_format(now, at, sizeof(at));
	add_confirmation(&evidence, "CoA", at, NULL);
	int rc = sign(&evidence, p, digest, why);
	if (rc == PX_OK) {
		add_exchange(&doc, environment, at, &evidence);
		rc = sign(&doc, p, digest, why);
	}
	if (rc == PX_OK)
		rc = expect(ex, &doc, now, PX_STAGE_OK, why);
	if (rc == PX_OK) {
		memcpy(strstr((char *)doc.data, "PX-warm"), "PX-cold", 7);
		rc = expect(ex, &doc, now, PX_STAGE_SIGNATURE, why);
	}
	px_buf_free(&evidence);
	px_buf_free(&doc);
	return rc;
}

static int walk_all(struct px_examiner *ex, const struct party *rsa, const struct party *p256,
		    const struct party *p384, int64_t now, struct px_buf *why)
{
	const struct {
		const struct party *party;
		enum px_sign_digest digest;
	} walks[] = {
	    {rsa, PX_SIGN_SHA256},  {rsa, PX_SIGN_SHA384},  {rsa, PX_SIGN_SHA512},
	    {p256, PX_SIGN_SHA256}, {p256, PX_SIGN_SHA512}, {p384, PX_SIGN_SHA384},
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(walks); i++) {
		int rc = walk_once(ex, walks[i].party, walks[i].digest, now, why);
		if (rc != PX_OK)
			return rc;
	}
	return PX_OK;
}

int px_examiner_warm(struct px_examiner *ex, struct px_buf *why)
{
	int64_t now = px_clock_wall(px_clock_real());
	struct party anchor = {0}, rsa = {0}, p256 = {0}, p384 = {0};
	int rc = PX_ECONF;
	if (new_party(&anchor, EVP_EC_gen("P-256"), NULL, now) && new_party(&rsa, new_rsa(), &anchor, now) &&
	    new_party(&p256, EVP_EC_gen("P-256"), &anchor, now) &&
	    new_party(&p384, EVP_EC_gen("P-384"), &anchor, now)) {
		px_trusts_push(ex->trusts, AUTHORITY, PX_ROLE_NODE, anchor.cert);
		rc = walk_all(ex, &rsa, &p256, &p384, now, why);
		px_trusts_pop(ex->trusts);
		/* Their certificates were trusted only just now. */
		px_leaves_free(&ex->leaves);
		ex->leaves = px_leaves_new();
	} else {
		px_buf_setf(why, "warm-up: OpenSSL cannot make keys: %s",
			    ERR_error_string(ERR_peek_last_error(), NULL));
	}
	end_party(&anchor);
	end_party(&rsa);
	end_party(&p256);
	end_party(&p384);
	ERR_clear_error();
	return rc;
}
