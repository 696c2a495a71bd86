/* prinex: SHA-256, the digest of octets on the wire
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BASE_DIGEST_H
#define PX_BASE_DIGEST_H

#include "base/base.h"

/* SHA-256 with the algorithm fetched once (OpenSSL 3: implicit fetches contend between threads). Thread: one
 * owner per context; px_sha256 is safe from any thread. */

#define PX_DIGEST_LEN 32
#define PX_DIGEST_HEX (2 * PX_DIGEST_LEN + 1)

struct px_sha256; /* an incremental computation */

struct px_sha256 *px_sha256_new(void);
void px_sha256_free(struct px_sha256 **ctx);
/** Start over; a new context is already started. */
void px_sha256_reset(struct px_sha256 *ctx);
void px_sha256_add(struct px_sha256 *ctx, const void *data, size_t len);
void px_sha256_end(struct px_sha256 *ctx, uint8_t out[PX_DIGEST_LEN]);

/** All at once. */
void px_sha256(const void *data, size_t len, uint8_t out[PX_DIGEST_LEN]);

#endif
