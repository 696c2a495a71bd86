/* prinex: enveloped signature over canonical octets, without an XML parser
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_SEAL_H
#define PX_FLOW_SEAL_H

#include <openssl/x509.h>

#include "base/buf.h"

/*
 * Signature profile 1 by string building: the document given is already its own canonical form, so its digest
 * is that of its octets; SignedInfo is written canonically and signed with EVP. ECDSA values are r || s as
 * XMLDSig wants. Pure.
 */
struct px_seal_key; /* private key and the certificate chain as it will stand in X509Data; immutable, any
		       thread */

/** @cert_pem leaf first, then chain. @return PX_OK, PX_ECONF with @why (unreadable, key does not match, kind
 * or size not allowed). */
int px_seal_key_load(const char *key_pem, const char *cert_pem, struct px_seal_key **out, struct px_buf *why);
void px_seal_key_free(struct px_seal_key **key);
/** Signing takes microseconds (P-256), not a good part of a millisecond (P-384, RSA). */
bool px_seal_key_is_quick(const struct px_seal_key *key);
/** Its parts, borrowed, for those that sign what needs a parser (xml/sign.h): the chain without the root. */
EVP_PKEY *px_seal_key_private(const struct px_seal_key *key);
STACK_OF(X509) * px_seal_key_chain(const struct px_seal_key *key);

/** Insert ds:Signature before the last end tag of @doc. @return PX_OK or PX_EFATAL (OpenSSL failed). */
int px_seal(const struct px_seal_key *key, struct px_buf *doc);

/** Sign octets as they are: DER ECDSA or PKCS#1. */
int px_seal_octets(const struct px_seal_key *key, const void *data, size_t len, struct px_buf *signature);
int px_seal_octets_verify(const struct px_seal_key *key, const void *data, size_t len,
			  const uint8_t *signature, size_t signature_len);

/**
 * Sign a statement that must stay verifiable after the key was replaced (checkpoints of the journal): the
 * leaf's DER, then the signature. Verifying accepts the key's own leaf, and any leaf of the same URIs that
 * the same issuer signed, whether or not it is still valid: it was when the statement was made.
 */
int px_seal_statement(const struct px_seal_key *key, const void *data, size_t len, struct px_buf *out);
int px_seal_statement_verify(const struct px_seal_key *key, const void *data, size_t len,
			     const uint8_t *statement, size_t statement_len);

#endif
