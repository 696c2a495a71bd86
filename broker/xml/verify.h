/* prinex: digest and value of a signature, in two ways that agree
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_VERIFY_H
#define PX_XML_VERIFY_H

#include "xml/run.h"

/*
 * Both judge what has passed stages shape and certificate: run->shape says what is signed and how, run->leaf
 * has the signer's key, of the kind that the algorithm wants. They come to the same result for every such
 * document (tests/fuzz/fuzz_verify.c); `inspect { verify }` says which one is asked.
 */
enum px_verified {
	PX_VERIFIED,
	PX_VERIFIED_DIGEST_WRONG, /* the document is not the one that was signed */
	PX_VERIFIED_VALUE_WRONG   /* SignedInfo was not signed with this key */
};

/** Own canonicalization straight into OpenSSL's digests, with key and algorithms at hand. */
enum px_verified px_verify_fast(struct px_run *run);
/** xmlsec1 with the key preset and nothing enabled that the signature does not name. */
enum px_verified px_verify_xmlsec(struct px_run *run);

/* --- what px_verify_fast keeps ready --- */

/** Digests, fetched once, and a context for them; part of an examiner. Thread: one at a time. */
struct px_digester {
	EVP_MD *sha256, *sha384, *sha512;
	EVP_MD_CTX *ctx;
};

void px_digester_init(struct px_digester *d);
void px_digester_end(struct px_digester *d);

/** A key ready to verify: setting one up for an algorithm costs a tenth of a verification. */
struct px_verifier;

/** @key is borrowed: its reference is counted. */
struct px_verifier *px_verifier_new(EVP_PKEY *key);
void px_verifier_free(struct px_verifier **verifier);

#endif
