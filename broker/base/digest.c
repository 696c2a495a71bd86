/* prinex: SHA-256, the digest of octets on the wire
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/digest.h"

#include <openssl/evp.h>
#include <pthread.h>

struct px_sha256 {
	EVP_MD_CTX *ctx;
};

static EVP_MD *sha256;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	px_assert(sha256 != NULL);
}

struct px_sha256 *px_sha256_new(void)
{
	pthread_once(&once, fetch);
	struct px_sha256 *ctx = px_xmalloc(sizeof(*ctx));
	ctx->ctx = EVP_MD_CTX_new();
	px_assert(ctx->ctx != NULL);
	px_sha256_reset(ctx);
	return ctx;
}

void px_sha256_free(struct px_sha256 **ctx)
{
	if (*ctx == NULL)
		return;
	EVP_MD_CTX_free((*ctx)->ctx);
	PX_FREE(*ctx);
}

void px_sha256_reset(struct px_sha256 *ctx)
{
	px_assert(EVP_DigestInit_ex2(ctx->ctx, sha256, NULL) == 1);
}

void px_sha256_add(struct px_sha256 *ctx, const void *data, size_t len)
{
	px_assert(EVP_DigestUpdate(ctx->ctx, data, len) == 1);
}

void px_sha256_end(struct px_sha256 *ctx, uint8_t out[PX_DIGEST_LEN])
{
	unsigned len = 0;
	px_assert(EVP_DigestFinal_ex(ctx->ctx, out, &len) == 1 && len == PX_DIGEST_LEN);
}

void px_sha256(const void *data, size_t len, uint8_t out[PX_DIGEST_LEN])
{
	pthread_once(&once, fetch);
	px_assert(EVP_Digest(data, len, out, NULL, sha256, NULL) == 1);
}
