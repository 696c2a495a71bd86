/* prinex: tests of xml: keys, certificates and revocation lists made on the spot
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "pki.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

static EVP_PKEY *key_by_name(const char *type, unsigned bits)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;
	px_assert(ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1);
	if (bits > 0)
		px_assert(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits) == 1);
	px_assert(EVP_PKEY_generate(ctx, &key) == 1);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

EVP_PKEY *key_new(enum key_kind kind)
{
	switch (kind) {
	case KEY_P256: return EVP_EC_gen("P-256");
	case KEY_P384: return EVP_EC_gen("P-384");
	case KEY_P521: return EVP_EC_gen("P-521");
	case KEY_RSA1024: return key_by_name("RSA", 1024);
	case KEY_RSA2048: return key_by_name("RSA", 2048);
	case KEY_RSA_PSS: return key_by_name("RSA-PSS", 2048);
	case KEY_ED25519: return key_by_name("ED25519", 0);
	}
	return NULL;
}

static void add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	px_assert(ext != NULL && X509_add_ext(cert, ext, -1) == 1);
	X509_EXTENSION_free(ext);
}

static void add_san(X509 *cert, X509 *issuer, const char *san)
{
	char value[300];
	const char *blank = strchr(san, ' ');
	if (blank == NULL)
		snprintf(value, sizeof(value), "URI:%s", san);
	else
		snprintf(value, sizeof(value), "URI:%.*s,URI:%s", (int)(blank - san), san, blank + 1);
	add_ext(cert, issuer, NID_subject_alt_name, value);
}

static void add_exts(X509 *cert, X509 *issuer, const struct wish *w)
{
	const char *ku = w->ku != NULL ? w->ku
			 : w->ca       ? "critical,keyCertSign,cRLSign"
				       : "critical,digitalSignature";
	const char *eku = w->eku != NULL ? w->eku : w->ca ? "" : "1.3.6.1.5.5.7.3.36";
	add_ext(cert, issuer, NID_basic_constraints, w->ca ? "critical,CA:TRUE" : "CA:FALSE");
	add_ext(cert, issuer, NID_subject_key_identifier, "hash");
	if (ku[0] != '\0')
		add_ext(cert, issuer, NID_key_usage, ku);
	if (eku[0] != '\0')
		add_ext(cert, issuer, NID_ext_key_usage, eku);
	if (w->san != NULL)
		add_san(cert, issuer, w->san);
}

struct party party_new(const struct party *issuer, const struct wish *w)
{
	static long next_serial = 1000;
	struct party p = {.key = w->with != NULL ? w->with : key_new(w->key), .cert = X509_new()};
	int64_t from = w->from != 0 ? w->from : NOW - 30 * DAY, to = w->to != 0 ? w->to : NOW + 365 * DAY;
	if (w->with != NULL)
		EVP_PKEY_up_ref(w->with);
	px_assert(p.key != NULL && p.cert != NULL);
	X509_set_version(p.cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(p.cert), w->serial != 0 ? w->serial : next_serial++);
	ASN1_TIME_set(X509_getm_notBefore(p.cert), (time_t)(from / 1000));
	ASN1_TIME_set(X509_getm_notAfter(p.cert), (time_t)(to / 1000));
	X509_NAME *name = X509_get_subject_name(p.cert);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)w->name, -1, -1, 0);
	X509 *by = issuer != NULL ? issuer->cert : p.cert;
	X509_set_issuer_name(p.cert, X509_get_subject_name(by));
	X509_set_pubkey(p.cert, p.key);
	add_exts(p.cert, by, w);
	EVP_PKEY *key = issuer != NULL ? issuer->key : p.key;
	const EVP_MD *md = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519
			       ? NULL
			       : EVP_get_digestbyname(w->md != NULL ? w->md : "SHA256");
	px_assert(X509_sign(p.cert, key, md) > 0);
	return p;
}

void party_free(struct party *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->cert);
	*p = (struct party){0};
}

X509_CRL *crl_new(const struct party *issuer, const long *serials, int64_t until)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)((NOW - DAY) / 1000));
	ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)(until / 1000));
	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert));
	X509_CRL_set1_lastUpdate(crl, from);
	if (until != 0)
		X509_CRL_set1_nextUpdate(crl, to);
	for (; *serials != 0; serials++) {
		X509_REVOKED *r = X509_REVOKED_new();
		ASN1_INTEGER *serial = ASN1_INTEGER_new();
		ASN1_INTEGER_set(serial, *serials);
		X509_REVOKED_set_serialNumber(r, serial);
		X509_REVOKED_set_revocationDate(r, from);
		px_assert(X509_CRL_add0_revoked(crl, r) == 1);
		ASN1_INTEGER_free(serial);
	}
	X509_CRL_sort(crl);
	px_assert(X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	return crl;
}

void pem_certs(const char *path, X509 *a, X509 *b)
{
	FILE *f = fopen(path, "w");
	px_assert(f != NULL && PEM_write_X509(f, a) == 1);
	if (b != NULL)
		px_assert(PEM_write_X509(f, b) == 1);
	fclose(f);
}

void pem_crls(const char *path, X509_CRL *a, X509_CRL *b)
{
	FILE *f = fopen(path, "w");
	px_assert(f != NULL && PEM_write_X509_CRL(f, a) == 1);
	if (b != NULL)
		px_assert(PEM_write_X509_CRL(f, b) == 1);
	fclose(f);
}

void pem_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	px_assert(f != NULL && fputs(text, f) >= 0);
	fclose(f);
}
