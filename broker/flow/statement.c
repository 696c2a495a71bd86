/* prinex: statements that stay verifiable after the key was replaced
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/seal.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

int px_seal_statement(const struct px_seal_key *key, const void *data, size_t len, struct px_buf *out)
{
	X509 *leaf = sk_X509_value(px_seal_key_chain(key), 0);
	unsigned char *der = NULL;
	int der_len = i2d_X509(leaf, &der);
	if (der_len <= 0)
		return PX_EFATAL;
	px_buf_add(out, der, (size_t)der_len);
	OPENSSL_free(der);
	return px_seal_octets(key, data, len, out);
}

/* Same URIs in the same order: the certificates are of the same node. */
static bool same_uris(X509 *a, X509 *b)
{
	GENERAL_NAMES *x = X509_get_ext_d2i(a, NID_subject_alt_name, NULL, NULL);
	GENERAL_NAMES *y = X509_get_ext_d2i(b, NID_subject_alt_name, NULL, NULL);
	bool same = x != NULL && y != NULL && sk_GENERAL_NAME_num(x) == sk_GENERAL_NAME_num(y);
	for (int i = 0; same && i < sk_GENERAL_NAME_num(x); i++)
		same = GENERAL_NAME_cmp(sk_GENERAL_NAME_value(x, i), sk_GENERAL_NAME_value(y, i)) == 0;
	GENERAL_NAMES_free(x);
	GENERAL_NAMES_free(y);
	return same;
}

static bool is_ours(const struct px_seal_key *key, X509 *leaf)
{
	STACK_OF(X509) *chain = px_seal_key_chain(key);
	X509 *own = sk_X509_value(chain, 0);
	if (X509_cmp(leaf, own) == 0)
		return true;
	X509 *issuer = sk_X509_num(chain) > 1 ? sk_X509_value(chain, 1) : NULL;
	return issuer != NULL && X509_verify(leaf, X509_get0_pubkey(issuer)) == 1 && same_uris(leaf, own);
}

/* The digest that px_seal_octets takes for a key of this kind and size. */
static const EVP_MD *digest_for(EVP_PKEY *pkey)
{
	return EVP_PKEY_is_a(pkey, "EC") && EVP_PKEY_get_bits(pkey) > 256 ? EVP_sha384() : EVP_sha256();
}

int px_seal_statement_verify(const struct px_seal_key *key, const void *data, size_t len,
			     const uint8_t *statement, size_t statement_len)
{
	const unsigned char *at = statement;
	X509 *leaf = d2i_X509(NULL, &at, (long)statement_len);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY *pkey = leaf != NULL ? X509_get0_pubkey(leaf) : NULL;
	size_t used = leaf != NULL ? (size_t)(at - statement) : 0;
	bool good = pkey != NULL && ctx != NULL && is_ours(key, leaf) &&
		    EVP_DigestVerifyInit(ctx, NULL, digest_for(pkey), NULL, pkey) == 1 &&
		    EVP_DigestVerify(ctx, statement + used, statement_len - used, data, len) == 1;
	EVP_MD_CTX_free(ctx);
	X509_free(leaf);
	ERR_clear_error();
	return good ? PX_OK : PX_ESIGNATURE;
}
