/* prinex: TLS of one generation: who we are and whom we know
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_NET_TLS_H
#define PX_NET_TLS_H

#include <openssl/ssl.h>

#include "base/clock.h"
#include "conf/conf.h"

/*
 * Everything TLS that one configuration says, prepared before it is put in force and immutable afterwards (a
 * live SSL_CTX is never changed): the server's SSL_CTX, and per partner an X509_STORE with its own anchors
 * and CRLs. The system's trust store is never consulted.
 *
 * A peer is a partner when its chain verifies against that partner's anchors (purpose checked, CRLs checked)
 * and its leaf carries exactly the partner's SAN URI, or its SPKI is one of the partner's pins. Thread: any
 * after making.
 */
struct px_tls;

/** Blocks (files); at start and reload. @conf is borrowed for its life. @return PX_OK, PX_ECONF with @why. */
int px_tls_new(const struct px_conf *conf, struct px_tls **out, struct px_buf *why);
struct px_tls *px_tls_ref(struct px_tls *tls);
void px_tls_unref(struct px_tls **tls);

const struct px_conf *px_tls_conf(const struct px_tls *tls);
/** Context for incoming connections; a client certificate is always required. Borrowed. */
SSL_CTX *px_tls_server_ctx(const struct px_tls *tls);

/**
 * The partner at the other end of a finished server handshake; NULL with @why when none fits (certificate of
 * no partner, TLS 1.2 without permission). Also used to verify live connections again after a reload.
 */
const struct px_conf_partner *px_tls_identify(const struct px_tls *tls, const SSL *ssl, struct px_buf *why);

/** Set up an SSL_CTX (libcurl's, in SSL_CTX_FUNCTION) for connecting to @partner: our certificate, its
 * anchors and CRLs, its SAN URI or pin checked beside the host name. */
int px_tls_setup_client(const struct px_tls *tls, const struct px_conf_partner *partner, SSL_CTX *ctx);

/** Certificates in use with their end, for `certificates`, alarms and metrics. */
struct px_tls_certificate {
	const char *what; /* "node tls", "node sign", "anchor of partner ua", "crl of ..." */
	const char *file;
	const char *subject;
	int64_t not_before, not_after; /* wall ms; a CRL: lastUpdate, nextUpdate */
	bool is_crl;
};
unsigned px_tls_certificates(const struct px_tls *tls, const struct px_tls_certificate **out);

#endif
