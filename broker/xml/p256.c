/* prinex: signatures by a P-256 key that signs often: multiples of its point kept
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

/* Tables of multiples are made by functions that OpenSSL 3.0 still has and calls deprecated. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "xml/p256.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

enum { OCTETS = 32, POINT_OCTETS = 1 + 2 * OCTETS };

struct px_p256 {
	EC_GROUP *base, *signer; /* the same curve; the second's generator is the signer's point */
	const BIGNUM *order;
	BN_CTX *ctx;
	EC_POINT *a, *b;
};

static bool is_p256(const EVP_PKEY *key)
{
	char curve[32] = "";
	return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
	       EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof(curve), NULL) ==
		   1 &&
	       strcmp(curve, SN_X9_62_prime256v1) == 0;
}

/* Which of its forms the key was written in is a matter of the certificate; reading takes them all. */
static bool read_point(struct px_p256 *p, const EVP_PKEY *key, EC_POINT *to)
{
	uint8_t octets[POINT_OCTETS];
	size_t n = 0;
	return EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof(octets), &n) ==
		   1 &&
	       EC_POINT_oct2point(p->base, to, octets, n, p->ctx) == 1 &&
	       EC_POINT_is_at_infinity(p->base, to) == 0;
}

static bool prepare(struct px_p256 *p, const EVP_PKEY *key)
{
	if (p->base == NULL || p->signer == NULL)
		return false;
	p->order = EC_GROUP_get0_order(p->base);
	p->a = EC_POINT_new(p->base);
	p->b = EC_POINT_new(p->signer);
	px_assert(p->a != NULL && p->b != NULL);
	return read_point(p, key, p->b) &&
	       EC_GROUP_set_generator(p->signer, p->b, p->order, BN_value_one()) == 1 &&
	       EC_GROUP_precompute_mult(p->signer, p->ctx) == 1;
}

struct px_p256 *px_p256_new(const EVP_PKEY *key)
{
	if (!is_p256(key))
		return NULL;
	struct px_p256 *p = px_xcalloc(1, sizeof(*p));
	p->base = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	p->signer = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	p->ctx = BN_CTX_new();
	px_assert(p->ctx != NULL);
	if (!prepare(p, key))
		px_p256_free(&p);
	ERR_clear_error();
	return p;
}

void px_p256_free(struct px_p256 **p256)
{
	struct px_p256 *p = *p256;
	if (p == NULL)
		return;
	EC_POINT_free(p->a);
	EC_POINT_free(p->b);
	EC_GROUP_free(p->base);
	EC_GROUP_free(p->signer);
	BN_CTX_free(p->ctx);
	PX_FREE(*p256);
}

static bool is_in_range(const struct px_p256 *p, const BIGNUM *n)
{
	return !BN_is_zero(n) && !BN_is_negative(n) && BN_ucmp(n, p->order) < 0;
}

/* FIPS 186-4, 6.4 and ANSI X9.62: with w = 1/s the point e*w*G + r*w*Q has the abscissa r, all modulo the
 * order. */
static bool verify(struct px_p256 *p, const BIGNUM *r, const BIGNUM *s, BIGNUM *e)
{
	BIGNUM *w = BN_CTX_get(p->ctx), *u = BN_CTX_get(p->ctx), *x = BN_CTX_get(p->ctx);
	return x != NULL && BN_mod_inverse(w, s, p->order, p->ctx) != NULL &&
	       BN_mod_mul(u, e, w, p->order, p->ctx) == 1 &&
	       EC_POINT_mul(p->base, p->a, u, NULL, NULL, p->ctx) == 1 &&
	       BN_mod_mul(u, r, w, p->order, p->ctx) == 1 &&
	       EC_POINT_mul(p->signer, p->b, u, NULL, NULL, p->ctx) == 1 &&
	       EC_POINT_add(p->base, p->a, p->a, p->b, p->ctx) == 1 &&
	       /* fails for the point at infinity, as it should */
	       EC_POINT_get_affine_coordinates(p->base, p->a, x, NULL, p->ctx) == 1 &&
	       BN_nnmod(u, x, p->order, p->ctx) == 1 && BN_ucmp(u, r) == 0;
}

bool px_p256_verify(struct px_p256 *p, const ECDSA_SIG *sig, const uint8_t *digest, size_t len)
{
	const BIGNUM *r = ECDSA_SIG_get0_r(sig), *s = ECDSA_SIG_get0_s(sig);
	if (!is_in_range(p, r) || !is_in_range(p, s))
		return false;
	BN_CTX_start(p->ctx);
	BIGNUM *e = BN_CTX_get(p->ctx);
	px_assert(e != NULL);
	bool ok = BN_bin2bn(digest, (int)PX_MIN(len, (size_t)OCTETS), e) != NULL && verify(p, r, s, e);
	BN_CTX_end(p->ctx);
	return ok;
}
