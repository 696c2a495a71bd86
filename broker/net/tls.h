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
/** Hand over the configuration: it is freed with the last reference, since requests and connections of an
 * older generation still look at their partner in it. @conf taken. */
void px_tls_take_conf(struct px_tls *tls, struct px_conf **conf);
struct px_tls *px_tls_ref(struct px_tls *tls);
void px_tls_unref(struct px_tls **tls);

const struct px_conf *px_tls_conf(const struct px_tls *tls);
/** Context for incoming connections; a client certificate is always required. Borrowed. */
SSL_CTX *px_tls_server_ctx(const struct px_tls *tls);

/**
 * The partner at the other end of a finished server handshake; NULL with @why when none fits (certificate of
 * no partner, TLS 1.2 without permission).
 */
const struct px_conf_partner *px_tls_identify(const struct px_tls *tls, const SSL *ssl, struct px_buf *why);

/** The same for a connection that lives: its chain is verified anew, against the CRLs of @tls and at this
 * time. */
const struct px_conf_partner *px_tls_identify_again(const struct px_tls *tls, const SSL *ssl,
						    struct px_buf *why);
/** When the first certificate of the peer's chain ends; wall ms, INT64_MAX when there is none. */
int64_t px_tls_peer_ends(const SSL *ssl);

/** Why a server handshake was refused on account of the certificate. */
enum px_tls_refusal {
	PX_TLS_REFUSED_NOT,     /* no certificate was judged, or it was good */
	PX_TLS_REFUSED_UNKNOWN, /* of nobody we know */
	PX_TLS_REFUSED_BAD      /* claims to be a partner's, but does not verify */
};
/** For a handshake that failed; *@why (view, "" when there is nothing to say) names subject, URI and reason.
 */
enum px_tls_refusal px_tls_refusal(const SSL *ssl, const char **why);

/** What happened in a client's handshake, for a message to people. Counted references, one thread. */
struct px_tls_report {
	unsigned refs;
	struct px_buf refusal; /* why we refused the server's certificate; "" we did not */
	int alert;             /* last alert received other than close_notify (SSL_AD_...), -1 none */
};
struct px_tls_report *px_tls_report_new(void);
void px_tls_report_unref(struct px_tls_report **report);

/**
 * Set up an SSL_CTX (libcurl's, in SSL_CTX_FUNCTION) for connecting to @partner: our certificate, its anchors
 * and CRLs, its SAN URI or pin checked beside the host of its url. The context keeps a reference on @tls.
 * @return PX_OK, PX_EINVAL (a partner of another configuration, no url), PX_ETLS.
 */
int px_tls_setup_client(const struct px_tls *tls, const struct px_conf_partner *partner, SSL_CTX *ctx);
/** The same; what happens in the handshake is written to @report (the context takes its own reference). */
int px_tls_setup_client_report(const struct px_tls *tls, const struct px_conf_partner *partner, SSL_CTX *ctx,
			       struct px_tls_report *report);

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
