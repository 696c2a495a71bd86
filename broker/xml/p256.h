/* prinex: signatures by a P-256 key that signs often
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_P256_H
#define PX_XML_P256_H

#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "base/buf.h"

/*
 * Verifying means multiplying the curve's base point and the signer's point. OpenSSL has multiples of the
 *base point at hand, which makes the first a sixth of the second. A group whose generator is the signer's
 *point gets the same table, and a verification takes half as long: 45 us instead of 90. The table costs 150
 *KB and 30 ms, as much as 700 verifications gain, so it is made for keys that have shown to be in use
 * (PX_P256_AFTER).
 *
 *	p = px_p256_new(key);
 *	ok = px_p256_verify(p, sig, digest, len);
 *	px_p256_free(&p);
 *
 * Says of every signature what EVP_PKEY_verify says. Thread: one at a time.
 */
#define PX_P256_AFTER 512u

struct px_p256;

/** @return NULL for keys that are not on P-256, and where the library cannot do it. */
struct px_p256 *px_p256_new(const EVP_PKEY *key);
void px_p256_free(struct px_p256 **p256);
/** @digest: of it the leftmost 256 bits count (FIPS 186-4, 6.4). */
bool px_p256_verify(struct px_p256 *p256, const ECDSA_SIG *sig, const uint8_t *digest, size_t len);

#endif
