/* prinex: tests of xml: keys, certificates and revocation lists made on the spot
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef TEST_XML_PKI_H
#define TEST_XML_PKI_H

#include <openssl/x509.h>

#include "base/base.h"

#define DAY INT64_C(86400000)
/** All tests live in this moment: 2026-11-21T08:15:30Z, in milliseconds. */
#define NOW INT64_C(1795248930000)

/** A key and its certificate. */
struct party {
	EVP_PKEY *key;
	X509 *cert;
};

enum key_kind { KEY_P256, KEY_P384, KEY_P521, KEY_RSA1024, KEY_RSA2048, KEY_RSA_PSS, KEY_ED25519 };

/** What a certificate is to say; zero: the ordinary thing for a signing leaf. */
struct wish {
	const char *name; /* common name */
	const char *san;  /* URI, NULL none; a second one behind a blank */
	const char *eku;  /* "" none; NULL: document signing */
	const char *ku;   /* "" none; NULL: digitalSignature (CA: keyCertSign, cRLSign) */
	enum key_kind key;
	bool ca;
	int64_t from, to; /* ms; 0: a month ago, in a year */
	long serial;      /* 0: the next */
	const char *md;   /* signing digest; NULL SHA256 */
	EVP_PKEY *with;   /* this key instead of a new one */
};

EVP_PKEY *key_new(enum key_kind kind);
/** Issued by @issuer; NULL: self-signed. */
struct party party_new(const struct party *issuer, const struct wish *wish);
void party_free(struct party *p);
/** A list of @issuer over @serials (ended by 0), valid from a day before @now_ms until @until. */
X509_CRL *crl_new(const struct party *issuer, const long *serials, int64_t until);
void pem_certs(const char *path, X509 *a, X509 *b);
void pem_crls(const char *path, X509_CRL *a, X509_CRL *b);
void pem_text(const char *path, const char *text);

#endif
