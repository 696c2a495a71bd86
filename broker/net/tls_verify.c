/* prinex: TLS: which partner a certificate belongs to, and whether it is good
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <arpa/inet.h>
#include <openssl/err.h>

#include "net/tls_internal.h"

/* Longest chain: leaf, intermediates, anchor. */
#define DEPTH 6

/* Calls @fn for each URI among the subject alternative names, until it returns true. */
static bool any_uri(X509 *cert, bool (*fn)(const char *uri, size_t len, void *arg), void *arg)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool found = false;
	for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_URI)
			found = fn((const char *)ASN1_STRING_get0_data(name->d.ia5),
				   (size_t)ASN1_STRING_length(name->d.ia5), arg);
	}
	GENERAL_NAMES_free(names);
	return found;
}

static bool add_uri(const char *uri, size_t len, void *arg)
{
	struct px_buf *out = arg;
	px_buf_addf(out, " uri=\"%.*s\"", (int)PX_MIN(len, (size_t)200), uri);
	return false;
}

void px_tls_describe(X509 *cert, struct px_buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	px_assert(bio != NULL);
	X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0,
			   XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
	char *text;
	long len = BIO_get_mem_data(bio, &text);
	px_buf_addf(out, "subject=\"%.*s\"", (int)PX_MIN(len, 300L), len > 0 ? text : "");
	BIO_free(bio);
	any_uri(cert, add_uri, out);
}

static bool has_pin(const struct px_tls_trust *t, const uint8_t spki[PX_DIGEST_LEN])
{
	for (unsigned i = 0; i < t->n_pins; i++) {
		if (memcmp(t->pins[i], spki, PX_DIGEST_LEN) == 0)
			return true;
	}
	return false;
}

static bool spki_digest(const X509 *cert, uint8_t out[PX_DIGEST_LEN])
{
	uint8_t *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	if (len <= 0)
		return false;
	px_sha256(der, (size_t)len, out);
	OPENSSL_free(der);
	return true;
}

/* Compared as octets: a NUL inside makes another name (not the shorter one). */
static bool is_uri(const char *uri, size_t len, void *arg)
{
	const char *expected = arg;
	return len == strlen(expected) && memcmp(uri, expected, len) == 0;
}

bool px_tls_is_partner(const struct px_tls_trust *trust, X509 *leaf)
{
	uint8_t spki[PX_DIGEST_LEN];
	if (trust->n_pins > 0 && spki_digest(leaf, spki) && has_pin(trust, spki))
		return true;
	return any_uri(leaf, is_uri, trust->partner->san_uri);
}

/* A pin is more particular than a name, so it counts first. A leaf with the names of two partners is
 * nobody's. */
const struct px_tls_trust *px_tls_find(const struct px_tls *tls, X509 *leaf, struct px_buf *why)
{
	uint8_t spki[PX_DIGEST_LEN];
	const struct px_tls_trust *found = NULL;
	bool has_spki = spki_digest(leaf, spki);
	for (unsigned i = 0; i < tls->n_trusts && has_spki; i++) {
		if (has_pin(&tls->trusts[i], spki))
			return &tls->trusts[i];
	}
	for (unsigned i = 0; i < tls->n_trusts; i++) {
		if (!any_uri(leaf, is_uri, tls->trusts[i].partner->san_uri))
			continue;
		if (found != NULL) {
			px_tls_describe(leaf, why);
			px_buf_addf(why, ": carries the URIs of two partners, %s and %s",
				    found->partner->name, tls->trusts[i].partner->name);
			return NULL;
		}
		found = &tls->trusts[i];
	}
	if (found == NULL) {
		px_tls_describe(leaf, why);
		px_buf_adds(why, ": certificate of nobody we know: no partner has its URI or pin");
	}
	return found;
}

/*
 * CRLs are wanted for every certificate but the anchor: that is trusted because the configuration says so,
 * and what stands above it (a root that we were not given) has its CRLs elsewhere. Without crl-required a CRL
 * that is missing or has ended is overlooked; what an ended one revokes stays revoked.
 */
static int on_verify(int ok, X509_STORE_CTX *ctx)
{
	const struct px_tls_trust *trust = X509_STORE_CTX_get_app_data(ctx);
	if (ok)
		return 1;
	bool is_anchor = X509_STORE_CTX_get_error_depth(ctx) ==
			 sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) - 1;
	switch (X509_STORE_CTX_get_error(ctx)) {
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_CRL_HAS_EXPIRED:
		if (!is_anchor && trust->partner->tls.crl_required)
			return 0;
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
		return 1;
	default: return 0;
	}
}

static const char *reason(int error)
{
	switch (error) {
	case X509_V_ERR_UNABLE_TO_GET_CRL:
		return "no CRL of its issuer is configured, so it may have been revoked";
	case X509_V_ERR_CRL_HAS_EXPIRED: return "the CRL of its issuer has ended: a new one is needed";
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return "its chain does not lead to an anchor of this partner (another CA, or sent without "
		       "its "
		       "intermediate certificates)";
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return "self-signed, and no anchor of this partner";
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return "its root is no anchor of this partner";
	case X509_V_ERR_INVALID_PURPOSE:
		return "not meant for this side of TLS (key usage or extended key usage)";
	case X509_V_ERR_EE_KEY_TOO_SMALL: return "its key is too small (RSA needs 2048 bits)";
	case X509_V_ERR_HOSTNAME_MISMATCH: return "not for the host name in the partner's url";
	case X509_V_ERR_IP_ADDRESS_MISMATCH: return "not for the address in the partner's url";
	default: return X509_verify_cert_error_string(error);
	}
}

static void explain(const struct px_tls_trust *trust, X509 *leaf, X509_STORE_CTX *ctx, int error,
		    struct px_buf *why)
{
	X509 *at = X509_STORE_CTX_get_current_cert(ctx);
	px_tls_describe(leaf, why);
	px_buf_addf(why, " partner=%s: ", trust->partner->name);
	if (at != NULL && X509_STORE_CTX_get_error_depth(ctx) > 0 && X509_cmp(at, leaf) != 0) {
		px_buf_adds(why, "its issuer ");
		px_tls_describe(at, why);
		px_buf_adds(why, ": ");
	}
	px_buf_adds(why, reason(error));
}

static void set_host(X509_VERIFY_PARAM *param, const char *host)
{
	uint8_t address[16];
	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1) {
		px_assert(X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1);
		return;
	}
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
						   X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	px_assert(X509_VERIFY_PARAM_set1_host(param, host, 0) == 1);
}

/* OpenSSL takes a leaf without extended key usage for any purpose; our profile wants it said. */
static bool is_for(X509 *leaf, enum px_tls_peer peer)
{
	uint32_t wanted = peer == PX_TLS_PEER_CLIENT ? XKU_SSL_CLIENT : XKU_SSL_SERVER;
	return (X509_get_extension_flags(leaf) & EXFLAG_XKUSAGE) != 0 &&
	       (X509_get_extended_key_usage(leaf) & wanted) != 0;
}

int px_tls_verify(const struct px_tls_trust *trust, X509 *leaf, STACK_OF(X509) * untrusted,
		  enum px_tls_peer peer, const char *host, struct px_buf *why)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	px_assert(ctx != NULL);
	if (X509_STORE_CTX_init(ctx, trust->store, leaf, untrusted) != 1) {
		X509_STORE_CTX_free(ctx);
		px_buf_setf(why, "partner=%s: certificate could not be verified", trust->partner->name);
		return X509_V_ERR_UNSPECIFIED;
	}
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_purpose(param, peer == PX_TLS_PEER_CLIENT ? X509_PURPOSE_SSL_CLIENT
									: X509_PURPOSE_SSL_SERVER);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL |
					       X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_auth_level(param, PX_TLS_SECURITY_LEVEL);
	X509_VERIFY_PARAM_set_depth(param, DEPTH);
	if (host != NULL)
		set_host(param, host);
	X509_STORE_CTX_set_app_data(ctx, (void *)trust);
	X509_STORE_CTX_set_verify_cb(ctx, on_verify);
	int error = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
	if (error == X509_V_OK && !is_for(leaf, peer))
		error = X509_V_ERR_INVALID_PURPOSE;
	if (error != X509_V_OK)
		explain(trust, leaf, ctx, error, why);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return error;
}
