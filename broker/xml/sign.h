/* prinex: sign an exchange or another document of ours: signature profile 1
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_SIGN_H
#define PX_XML_SIGN_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/buf.h"

/*
 * For clients and tools. The Signature is put in front of the root's end tag; no other octet of the document
 * changes. px_xml_init must have been called. (The broker signs its own confirmations without a parser.)
 */

/** Digest of document and signature; RSA or ECDSA follows from the key. */
enum px_sign_digest { PX_SIGN_SHA256, PX_SIGN_SHA384, PX_SIGN_SHA512 };

/**
 * Append to @out the document @data with its Signature. @key (borrowed): RSA or EC; @chain (borrowed): the
 * leaf that belongs to @key, then its issuers; an anchor need not be in it. The document must not be signed
 * yet. Thread: any. Blocks: never.
 * @return PX_OK; PX_EPARSE (not well-formed, or there is a Signature already), PX_EINVAL (key or certificate
 * unfit), with @why.
 */
int px_xml_sign(const uint8_t *data, size_t len, EVP_PKEY *key, STACK_OF(X509) * chain,
		enum px_sign_digest digest, struct px_buf *out, struct px_buf *why);

#endif
