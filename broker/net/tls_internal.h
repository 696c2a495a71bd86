/* prinex: what the parts of TLS share
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_NET_TLS_INTERNAL_H
#define PX_NET_TLS_INTERNAL_H

#include <openssl/x509v3.h>

#include "base/digest.h"
#include "net/tls.h"

/** RSA of 2048 bits, P-256, SHA-2: at least 112 bits (SSL_CTX_set_security_level(3)). */
#define PX_TLS_SECURITY_LEVEL 2

/** What one partner's certificates are verified against. */
struct px_tls_trust {
	const struct px_conf_partner *partner;
	X509_STORE *store; /* its anchors and CRLs, nothing else */
	unsigned n_pins;
	uint8_t (*pins)[PX_DIGEST_LEN];
};

struct px_tls {
	unsigned refs; /* atomic */
	uint64_t serial;
	const struct px_conf *conf;
	struct px_conf *owned; /* the same, or NULL */
	SSL_CTX *server;
	X509 *leaf;
	EVP_PKEY *key;
	STACK_OF(X509) * chain;
	unsigned n_trusts; /* one per partner, in the order of the configuration */
	struct px_tls_trust *trusts;
	unsigned n_certificates, room;
	struct px_tls_certificate *certificates;
};

/* --- tls_load.c: blocks --- */

/** Read a PEM file with certificates, CRLs or both. @return the list, or NULL with @why. */
STACK_OF(X509_INFO) * px_tls_read_pem(const char *file, size_t max, struct px_buf *why);
/** Leaf, chain and key of the node into @tls, and its signing certificate into the list. */
int px_tls_load_node(struct px_tls *tls, struct px_buf *why);
/** Stores and pins of all partners; anchors and CRLs of all parties into the list. */
int px_tls_load_trusts(struct px_tls *tls, struct px_buf *why);
void px_tls_free_lists(struct px_tls *tls);

/* --- tls_verify.c --- */

enum px_tls_peer { PX_TLS_PEER_CLIENT, PX_TLS_PEER_SERVER };

/** The partner a leaf claims to be, by pin or SAN URI; NULL with @why. */
const struct px_tls_trust *px_tls_find(const struct px_tls *tls, X509 *leaf, struct px_buf *why);
/** Whether a leaf carries the partner's pin or SAN URI. */
bool px_tls_is_partner(const struct px_tls_trust *trust, X509 *leaf);
/**
 * Verify a chain now, against that partner's anchors and CRLs. @host: name or address that a server must
 * have, NULL none. @return X509_V_OK, or an error with @why.
 */
int px_tls_verify(const struct px_tls_trust *trust, X509 *leaf, STACK_OF(X509) * untrusted,
		  enum px_tls_peer peer, const char *host, struct px_buf *why);
/** Append `subject="..." uri="..."` of a certificate. */
void px_tls_describe(X509 *cert, struct px_buf *out);

#endif
