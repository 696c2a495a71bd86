/* prinex: tests of xml: signatures by a P-256 key that signs often
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "xml/p256.h"

struct signer {
	EVP_PKEY *key;
	struct px_p256 *p256;
};

static struct signer signer_new(void)
{
	struct signer s = {.key = EVP_EC_gen("P-256")};
	assert_non_null(s.key);
	s.p256 = px_p256_new(s.key);
	assert_non_null(s.p256);
	return s;
}

static void signer_free(struct signer *s)
{
	px_p256_free(&s->p256);
	EVP_PKEY_free(s->key);
}

static ECDSA_SIG *sign(const struct signer *s, const uint8_t *digest, size_t n)
{
	uint8_t der[128];
	size_t len = sizeof(der);
	const unsigned char *at = der;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, s->key, NULL);
	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	assert_int_equal(EVP_PKEY_sign(ctx, der, &len, digest, n), 1);
	EVP_PKEY_CTX_free(ctx);
	return d2i_ECDSA_SIG(NULL, &at, (long)len);
}

/* What OpenSSL's own verification says. */
static bool oracle(const struct signer *s, const ECDSA_SIG *sig, const uint8_t *digest, size_t n)
{
	unsigned char *der = NULL;
	int len = i2d_ECDSA_SIG(sig, &der);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, s->key, NULL);
	assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
	bool ok = EVP_PKEY_verify(ctx, der, (size_t)len, digest, n) == 1;
	EVP_PKEY_CTX_free(ctx);
	OPENSSL_free(der);
	return ok;
}

static void expect(const struct signer *s, const ECDSA_SIG *sig, const uint8_t *digest, size_t n, bool right)
{
	assert_int_equal(oracle(s, sig, digest, n), right);
	assert_int_equal(px_p256_verify(s->p256, sig, digest, n), right);
}

/* Digests of SHA-256, SHA-384 and SHA-512, any of them changed in one bit: within what counts, or behind it.
 */
static void right_is_right_and_wrong_is_wrong(void **state PX_UNUSED)
{
	struct signer s = signer_new(), other = signer_new();
	for (unsigned i = 0; i < 150; i++) {
		uint8_t digest[64];
		size_t n = 32 + 16 * (i % 3);
		assert_int_equal(RAND_bytes(digest, sizeof(digest)), 1);
		if (i % 10 == 0)
			memset(digest, i % 20 == 0 ? 0 : 0xff, sizeof(digest));
		ECDSA_SIG *sig = sign(&s, digest, n);
		expect(&s, sig, digest, n, true);
		expect(&other, sig, digest, n, false);
		digest[i % n] ^= (uint8_t)(1u << i % 8);
		expect(&s, sig, digest, n, i % n >= 32);
		ECDSA_SIG_free(sig);
	}
	signer_free(&s);
	signer_free(&other);
}

static BIGNUM *order_and(long more)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	BIGNUM *n = BN_dup(EC_GROUP_get0_order(group));
	assert_int_equal(more < 0 ? BN_sub_word(n, (BN_ULONG)-more) : BN_add_word(n, (BN_ULONG)more), 1);
	EC_GROUP_free(group);
	return n;
}

/* Each of r and s at its limits, and beyond by the order, which is the same number to careless arithmetic. */
static void numbers_out_of_range_are_refused(void **state PX_UNUSED)
{
	struct signer s = signer_new();
	const uint8_t digest[32] = "a digest of thirty-two octets..";
	ECDSA_SIG *right = sign(&s, digest, sizeof(digest));
	for (unsigned i = 0; i < 12; i++) {
		const BIGNUM *was = i < 6 ? ECDSA_SIG_get0_r(right) : ECDSA_SIG_get0_s(right);
		BIGNUM *n = i % 6 < 3 ? order_and((long)(i % 6) - 1) : BN_new();
		if (i % 6 == 4)
			BN_one(n);
		if (i % 6 == 5) {
			BN_free(n);
			n = order_and(0);
			assert_int_equal(BN_add(n, n, was), 1);
		}
		BIGNUM *same = BN_dup(i < 6 ? ECDSA_SIG_get0_s(right) : ECDSA_SIG_get0_r(right));
		ECDSA_SIG *sig = ECDSA_SIG_new();
		assert_int_equal(ECDSA_SIG_set0(sig, i < 6 ? n : same, i < 6 ? same : n), 1);
		expect(&s, sig, digest, sizeof(digest), false);
		ECDSA_SIG_free(sig);
	}
	expect(&s, right, digest, sizeof(digest), true);
	ECDSA_SIG_free(right);
	signer_free(&s);
}

/* The order less s is the same abscissa: whoever verifies takes it, and so do we. */
static void both_signs_of_s_fit(void **state PX_UNUSED)
{
	struct signer s = signer_new();
	const uint8_t digest[32] = {0};
	ECDSA_SIG *sig = sign(&s, digest, sizeof(digest)), *turned = ECDSA_SIG_new();
	BIGNUM *n = order_and(0);
	assert_int_equal(BN_sub(n, n, ECDSA_SIG_get0_s(sig)), 1);
	assert_int_equal(ECDSA_SIG_set0(turned, BN_dup(ECDSA_SIG_get0_r(sig)), n), 1);
	expect(&s, turned, digest, sizeof(digest), true);
	ECDSA_SIG_free(sig);
	ECDSA_SIG_free(turned);
	signer_free(&s);
}

static void other_keys_are_not_taken(void **state PX_UNUSED)
{
	EVP_PKEY *p384 = EVP_EC_gen("P-384"), *rsa = EVP_RSA_gen(1024);
	assert_null(px_p256_new(p384));
	assert_null(px_p256_new(rsa));
	EVP_PKEY_free(p384);
	EVP_PKEY_free(rsa);
	struct px_p256 *none = NULL;
	px_p256_free(&none);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(right_is_right_and_wrong_is_wrong),
	    cmocka_unit_test(numbers_out_of_range_are_refused),
	    cmocka_unit_test(both_signs_of_s_fit),
	    cmocka_unit_test(other_keys_are_not_taken),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
