/* prinex: digest and value of a signature, canonicalized straight into OpenSSL
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "xml/c14n.h"
#include "xml/examiner.h"
#include "xml/leaf.h"
#include "xml/verify.h"

/* --- kept ready --- */

void px_digester_init(struct px_digester *d)
{
	*d = (struct px_digester){EVP_MD_fetch(NULL, "SHA256", NULL), EVP_MD_fetch(NULL, "SHA384", NULL),
				  EVP_MD_fetch(NULL, "SHA512", NULL), EVP_MD_CTX_new()};
	px_assert(d->sha256 != NULL && d->sha384 != NULL && d->sha512 != NULL && d->ctx != NULL);
}

void px_digester_end(struct px_digester *d)
{
	EVP_MD_CTX_free(d->ctx);
	EVP_MD_free(d->sha256);
	EVP_MD_free(d->sha384);
	EVP_MD_free(d->sha512);
	*d = (struct px_digester){0};
}

static const EVP_MD *digest_of(const struct px_digester *d, unsigned bits)
{
	return bits == 256 ? d->sha256 : bits == 384 ? d->sha384 : d->sha512;
}

struct px_verifier {
	EVP_PKEY *key;
	EVP_PKEY_CTX *ctx; /* set up for @md, or NULL */
	const EVP_MD *md;
};

struct px_verifier *px_verifier_new(EVP_PKEY *key)
{
	struct px_verifier *v = px_xcalloc(1, sizeof(*v));
	EVP_PKEY_up_ref(key);
	v->key = key;
	return v;
}

void px_verifier_free(struct px_verifier **verifier)
{
	if (*verifier == NULL)
		return;
	EVP_PKEY_CTX_free((*verifier)->ctx);
	EVP_PKEY_free((*verifier)->key);
	PX_FREE(*verifier);
}

static bool set_up(struct px_verifier *v, const EVP_MD *md)
{
	if (v->ctx != NULL && v->md == md)
		return true;
	EVP_PKEY_CTX_free(v->ctx);
	v->md = md;
	v->ctx = EVP_PKEY_CTX_new_from_pkey(NULL, v->key, NULL);
	bool ok = v->ctx != NULL && EVP_PKEY_verify_init(v->ctx) == 1 &&
		  EVP_PKEY_CTX_set_signature_md(v->ctx, md) == 1;
	if (ok && EVP_PKEY_get_base_id(v->key) == EVP_PKEY_RSA)
		ok = EVP_PKEY_CTX_set_rsa_padding(v->ctx, RSA_PKCS1_PADDING) == 1;
	if (!ok) {
		EVP_PKEY_CTX_free(v->ctx);
		v->ctx = NULL;
	}
	return ok;
}

/* --- digests --- */

static void update(void *arg, const void *data, size_t len)
{
	px_assert(EVP_DigestUpdate(arg, data, len) == 1);
}

static bool digest(const struct px_digester *d, unsigned bits, const xmlNode *apex, const xmlNode *leave_out,
		   uint8_t out[EVP_MAX_MD_SIZE])
{
	px_assert(EVP_DigestInit_ex2(d->ctx, digest_of(d, bits), NULL) == 1);
	return px_c14n(apex, leave_out, update, d->ctx) == PX_OK &&
	       EVP_DigestFinal_ex(d->ctx, out, NULL) == 1;
}

/* --- the value --- */

static bool verify_der(struct px_verifier *v, const ECDSA_SIG *sig, const uint8_t *md, size_t md_len)
{
	unsigned char *der = NULL;
	int n = i2d_ECDSA_SIG(sig, &der);
	bool ok = n > 0 && EVP_PKEY_verify(v->ctx, der, (size_t)n, md, md_len) == 1;
	OPENSSL_free(der);
	return ok;
}

/*
 * r and s side by side, each as long as the order (RFC 4050 3.3), become ASN.1. Some implementations cut
 * leading zeros of both alike: any even length up to the full one is taken, as xmlsec1 does.
 */
static bool verify_ecdsa(struct px_verifier *v, const struct px_buf *value, const uint8_t *md, size_t md_len)
{
	size_t full = 2 * (((size_t)EVP_PKEY_get_bits(v->key) + 7) / 8), half = value->len / 2;
	if (value->len > full || value->len % 2 != 0 || half == 0)
		return false;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(value->data, (int)half, NULL),
	       *s = BN_bin2bn(value->data + half, (int)half, NULL);
	px_assert(sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1);
	bool ok = verify_der(v, sig, md, md_len);
	ECDSA_SIG_free(sig);
	return ok;
}

static bool verify_value(struct px_run *run, const uint8_t *md, size_t md_len)
{
	const struct px_sig_alg *alg = run->shape.signature;
	struct px_verifier *v = run->leaf->verifier;
	bool ok = set_up(v, digest_of(&run->ex->digester, alg->bits));
	if (ok && alg->ecdsa)
		ok = verify_ecdsa(v, &run->shape.value, md, md_len);
	else if (ok)
		ok = EVP_PKEY_verify(v->ctx, run->shape.value.data, run->shape.value.len, md, md_len) == 1;
	if (!ok)
		ERR_clear_error();
	return ok;
}

enum px_verified px_verify_fast(struct px_run *run)
{
	const struct px_shape *shape = &run->shape;
	const struct px_digester *d = &run->ex->digester;
	uint8_t md[EVP_MAX_MD_SIZE];
	if (!digest(d, shape->digest_bits, run->root, run->signature, md) ||
	    shape->digest.len != shape->digest_bits / 8 ||
	    memcmp(md, shape->digest.data, shape->digest.len) != 0)
		return PX_VERIFIED_DIGEST_WRONG;
	if (!digest(d, shape->signature->bits, shape->signed_info, NULL, md) ||
	    !verify_value(run, md, shape->signature->bits / 8))
		return PX_VERIFIED_VALUE_WRONG;
	return PX_VERIFIED;
}
