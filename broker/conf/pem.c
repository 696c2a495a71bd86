/* prinex: what certificates, keys and revocation lists named in a configuration must be
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "conf/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "conf/table.h"

#define DOCUMENT_SIGNING "1.3.6.1.5.5.7.3.36" /* RFC 9336 */

void px_pem_findings_free(struct px_pem_findings *found)
{
	px_strings_free(&found->errors);
	px_strings_free(&found->warnings);
}

static void say(struct px_strings *list, const char *fmt, ...) PX_PRINTF(2, 3);
static void say(struct px_strings *list, const char *fmt, ...)
{
	struct px_buf text = {0};
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	px_strings_add(list, px_buf_str(&text));
	px_buf_free(&text);
}

/* The file as a BIO on @text; NULL when it cannot be read. */
static BIO *open_file(const char *path, long max, struct px_buf *text, struct px_strings *errors)
{
	struct px_buf why = {0};
	BIO *bio = NULL;
	if (px_buf_read_file(text, path, (size_t)max, &why) != PX_OK)
		say(errors, "%s", px_buf_str(&why));
	else
		bio = BIO_new_mem_buf(px_buf_str(text), (int)text->len);
	px_buf_free(&why);
	return bio;
}

static void free_certificates(STACK_OF(X509) * certs)
{
	sk_X509_pop_free(certs, X509_free);
}

/* All certificates of a file, or NULL. */
static STACK_OF(X509) * read_certificates(const char *path, struct px_strings *errors)
{
	struct px_buf text = {0};
	BIO *bio = open_file(path, PX_LIMIT_KEY_FILE, &text, errors);
	if (bio == NULL) {
		px_buf_free(&text);
		return NULL;
	}
	STACK_OF(X509) *certs = sk_X509_new_null();
	X509 *x;
	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		sk_X509_push(certs, x);
	bool whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	BIO_free(bio);
	px_buf_free(&text);
	if (whole && sk_X509_num(certs) > 0)
		return certs;
	if (sk_X509_num(certs) == 0 && whole)
		say(errors, "%s: no certificate in PEM", path);
	else
		say(errors, "%s: certificate %d in it cannot be decoded", path, sk_X509_num(certs) + 1);
	free_certificates(certs);
	return NULL;
}

static void subject_of(X509 *x, char *out, size_t size)
{
	X509_NAME_oneline(X509_get_subject_name(x), out, (int)size);
}

/* --- key
 * ------------------------------------------------------------------------------------------------------------
 */

static int on_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	*(bool *)arg = true;
	return -1;
}

static void check_key_mode(const char *path, struct px_strings *errors)
{
	struct stat st;
	if (stat(path, &st) == 0 && (st.st_mode & 07) != 0)
		say(errors, "%s: everybody may use this key file; chmod o= it", path);
}

static void check_key(const struct px_pem_pair *pair, X509 *leaf, struct px_strings *errors)
{
	struct px_buf text = {0};
	bool encrypted = false;
	BIO *bio = open_file(pair->key, PX_LIMIT_KEY_FILE, &text, errors);
	if (bio == NULL)
		goto out;
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, &encrypted);
	if (key == NULL && encrypted)
		say(errors, "%s: the key is encrypted; there is nobody to ask for the passphrase", pair->key);
	else if (key == NULL)
		say(errors, "%s: no private key in PEM", pair->key);
	else if (leaf != NULL && X509_check_private_key(leaf, key) != 1)
		say(errors, "%s: is not the key of %s", pair->key, pair->certificate);
	check_key_mode(pair->key, errors);
	EVP_PKEY_free(key);
	ERR_clear_error();
	BIO_free(bio);
out:
	OPENSSL_cleanse(text.data, text.len);
	px_buf_free(&text);
}

/* --- leaf: the requirements are numbered as in docs/certificates.md
 * -------------------------------------------------- */

/* C2 */
static bool key_is_good(X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	if (key == NULL)
		return false;
	if (EVP_PKEY_is_a(key, "RSA"))
		return EVP_PKEY_get_bits(key) >= 2048;
	char group[32] = "";
	return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	       (strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0);
}

/* T1, S1. The client side of TLS is always needed, the server side because partners connect to a node. */
static void check_usage(const struct px_pem_pair *pair, X509 *x, struct px_strings *errors)
{
	bool client = false, server = false, document = false, any = false;
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
	for (int i = 0; i < sk_ASN1_OBJECT_num(eku); i++) {
		char oid[64];
		OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(eku, i), 1);
		client |= strcmp(oid, "1.3.6.1.5.5.7.3.2") == 0;
		server |= strcmp(oid, "1.3.6.1.5.5.7.3.1") == 0;
		any |= strcmp(oid, "2.5.29.37.0") == 0;
		document |= strcmp(oid, DOCUMENT_SIGNING) == 0;
	}
	EXTENDED_KEY_USAGE_free(eku);
	bool good = pair->use == PX_PEM_TLS ? client && server && !document && !any
					    : document && !client && !server && !any;
	if (!good)
		say(errors, "%s: not a certificate for %s: its extended key usage must be %s",
		    pair->certificate, pair->use == PX_PEM_TLS ? "TLS" : "signing",
		    pair->use == PX_PEM_TLS ? "clientAuth and serverAuth, without document signing"
					    : "document signing (" DOCUMENT_SIGNING "), without TLS");
	uint32_t usage = X509_get_key_usage(x);
	if (usage == UINT32_MAX || !(usage & KU_DIGITAL_SIGNATURE) ||
	    (usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)))
		say(errors, "%s: its key usage must be digitalSignature, without those of a CA",
		    pair->certificate);
}

/* C6 */
static void check_uri(const struct px_pem_pair *pair, X509 *x, struct px_strings *errors)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	struct px_buf others = {0};
	bool found = false;
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
		if (n->type != GEN_URI)
			continue;
		const ASN1_STRING *uri = n->d.uniformResourceIdentifier;
		const char *s = (const char *)ASN1_STRING_get0_data(uri);
		size_t len = (size_t)ASN1_STRING_length(uri);
		if (len == strlen(pair->uri) && memcmp(s, pair->uri, len) == 0)
			found = true;
		else
			px_buf_addf(&others, " %.*s", (int)len, s);
	}
	GENERAL_NAMES_free(names);
	if (!found)
		say(errors, "%s: does not carry the URI %s; %s%s", pair->certificate, pair->uri,
		    others.len > 0 ? "it has" : "it has no URI", px_buf_str(&others));
	px_buf_free(&others);
}

/* C7 */
static void check_dates(const char *path, X509 *x, struct px_strings *errors)
{
	char subject[256];
	subject_of(x, subject, sizeof(subject));
	if (X509_cmp_current_time(X509_get0_notBefore(x)) > 0)
		say(errors, "%s: %s is not yet valid", path, subject);
	if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0)
		say(errors, "%s: %s has expired", path, subject);
}

static void check_leaf(const struct px_pem_pair *pair, X509 *x, struct px_strings *errors)
{
	if (!key_is_good(x))
		say(errors, "%s: its key must be RSA of 2048 bits or more, P-256 or P-384",
		    pair->certificate);
	if (X509_check_ca(x) > 0)
		say(errors,
		    "%s: the first certificate is that of a CA; the node's own comes first, then its chain",
		    pair->certificate);
	else
		check_usage(pair, x, errors);
	if (pair->uri != NULL)
		check_uri(pair, x, errors);
	check_dates(pair->certificate, x, errors);
}

/* --- chain
 * ------------------------------------------------------------------------------------------------------------
 */

/* C9: each certificate of the file is issued by the next. */
static void check_links(const struct px_pem_pair *pair, STACK_OF(X509) * certs, struct px_strings *errors)
{
	for (int i = 0; i + 1 < sk_X509_num(certs); i++) {
		X509 *x = sk_X509_value(certs, i), *issuer = sk_X509_value(certs, i + 1);
		char subject[256];
		subject_of(x, subject, sizeof(subject));
		if (X509_check_issued(issuer, x) != X509_V_OK ||
		    X509_verify(x, X509_get0_pubkey(issuer)) != 1)
			say(errors, "%s: certificate %d in it did not issue the one before, %s",
			    pair->certificate, i + 2, subject);
		check_dates(pair->certificate, issuer, errors);
	}
	ERR_clear_error();
}

/* To the anchors that others will check our signatures against. */
static void check_path(const struct px_pem_pair *pair, STACK_OF(X509) * certs, struct px_strings *errors)
{
	struct px_strings unreadable = {0}; /* files of anchors have their own check */
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	px_assert(store != NULL && ctx != NULL);
	for (unsigned i = 0; i < pair->anchors->n; i++) {
		STACK_OF(X509) *anchors = read_certificates(pair->anchors->items[i], &unreadable);
		for (int k = 0; k < sk_X509_num(anchors); k++)
			X509_STORE_add_cert(store, sk_X509_value(anchors, k));
		free_certificates(anchors);
	}
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
	if (unreadable.n == 0 && X509_STORE_CTX_init(ctx, store, sk_X509_value(certs, 0), certs) == 1 &&
	    X509_verify_cert(ctx) != 1)
		say(errors, "%s: does not chain to the anchors of this node's own authority: %s",
		    pair->certificate, X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	px_strings_free(&unreadable);
	ERR_clear_error();
}

void px_pem_check_pair(const struct px_pem_pair *pair, struct px_pem_findings *found)
{
	STACK_OF(X509) *certs = read_certificates(pair->certificate, &found->errors);
	X509 *leaf = certs != NULL ? sk_X509_value(certs, 0) : NULL;
	if (leaf != NULL) {
		check_leaf(pair, leaf, &found->errors);
		check_links(pair, certs, &found->errors);
		if (pair->anchors != NULL)
			check_path(pair, certs, &found->errors);
	}
	check_key(pair, leaf, &found->errors);
	free_certificates(certs);
}

/* --- trust
 * --------------------------------------------------------------------------------------------------------------
 */

static void check_anchor(const char *path, X509 *x, struct px_pem_findings *found)
{
	char subject[256];
	subject_of(x, subject, sizeof(subject));
	if (X509_check_ca(x) <= 0)
		say(&found->errors, "%s: %s is not the certificate of a CA", path, subject);
	check_dates(path, x, &found->warnings); /* an old anchor beside its successor is no fault */
}

/* Revocation lists of a file are added to @lists. */
static void read_crls(const char *path, STACK_OF(X509_CRL) * lists, struct px_pem_findings *found)
{
	struct px_buf text = {0};
	BIO *bio = open_file(path, PX_LIMIT_CRL_FILE, &text, &found->errors);
	int n = 0;
	X509_CRL *crl;
	while (bio != NULL && (crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
		const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
		char issuer[256];
		X509_NAME_oneline(X509_CRL_get_issuer(crl), issuer, sizeof(issuer));
		if (next == NULL || X509_cmp_current_time(next) < 0)
			say(&found->warnings, "%s: the revocation list of %s is out of date", path, issuer);
		sk_X509_CRL_push(lists, crl);
		n++;
	}
	bool whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	if (bio != NULL && (n == 0 || !whole))
		say(&found->errors,
		    whole ? "%s: no revocation list in PEM" : "%s: a revocation list in it cannot be decoded",
		    path);
	ERR_clear_error();
	BIO_free(bio);
	px_buf_free(&text);
}

static bool has_crl_of(STACK_OF(X509_CRL) * lists, X509 *ca)
{
	for (int i = 0; i < sk_X509_CRL_num(lists); i++) {
		if (X509_NAME_cmp(X509_CRL_get_issuer(sk_X509_CRL_value(lists, i)),
				  X509_get_subject_name(ca)) == 0)
			return true;
	}
	return false;
}

void px_pem_check_trust(const struct px_conf_trust *trust, struct px_pem_findings *anchors,
			struct px_pem_findings *crls)
{
	STACK_OF(X509_CRL) *lists = sk_X509_CRL_new_null();
	for (unsigned i = 0; i < trust->crls.n; i++)
		read_crls(trust->crls.items[i], lists, crls);
	for (unsigned i = 0; i < trust->anchors.n; i++) {
		const char *path = trust->anchors.items[i];
		STACK_OF(X509) *certs = read_certificates(path, &anchors->errors);
		for (int k = 0; k < sk_X509_num(certs); k++) {
			X509 *x = sk_X509_value(certs, k);
			char subject[256];
			check_anchor(path, x, anchors);
			subject_of(x, subject, sizeof(subject));
			if (trust->crl_required && trust->crls.n > 0 && !has_crl_of(lists, x))
				say(&crls->warnings,
				    "there is no revocation list of %s: what it issued is refused", subject);
		}
		free_certificates(certs);
	}
	sk_X509_CRL_pop_free(lists, X509_CRL_free);
}
