/* prinex: stage certificate: whose certificate it is, and whether it may sign
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <xmlsec/openssl/evp.h>

#include "base/strings.h"
#include "xml/examiner.h"
#include "xml/leaf.h"
#include "xml/run.h"

#define OID_DOCUMENT_SIGNING "1.3.6.1.5.5.7.3.36" /* RFC 9336 */
#define URI_PREFIX           "urn:prinex:"

/** The certificates of one signature. */
struct bundle {
	X509 *certs[8];
	unsigned n;
	X509 *leaf; /* one of them */
};

/* --- decoding, and which one is the leaf --- */

static X509 *decode(const xmlChar *text)
{
	struct px_buf der = PX_BUF_INIT;
	X509 *cert = NULL;
	if (px_unbase64(&der, (const char *)text, strlen((const char *)text)) == PX_OK && der.len > 0) {
		const unsigned char *p = der.data;
		cert = d2i_X509(NULL, &p, (long)der.len);
		if (cert != NULL && p != der.data + der.len) { /* something behind it */
			X509_free(cert);
			cert = NULL;
		}
	}
	ERR_clear_error();
	px_buf_free(&der);
	return cert;
}

static bool decode_all(struct px_run *run, struct bundle *b)
{
	for (unsigned i = 0; i < run->shape.n_certs; i++) {
		X509 *cert = decode(run->shape.certs[i]);
		if (cert != NULL)
			b->certs[b->n++] = cert;
		else
			px_run_error(run, PX_CODE_CERT_MALFORMED, run->signature, NULL,
				     "certificate %u of X509Data cannot be decoded", i + 1);
	}
	return run->v->errors.total == 0;
}

static bool issued_another(const struct bundle *b, unsigned i)
{
	for (unsigned k = 0; k < b->n; k++) {
		if (k != i && X509_cmp(b->certs[k], b->certs[i]) != 0 &&
		    X509_NAME_cmp(X509_get_issuer_name(b->certs[k]), X509_get_subject_name(b->certs[i])) == 0)
			return true;
	}
	return false;
}

/*
 * The leaf is the end-entity certificate: the only one that is not a CA's. Where none is (a bare self-signed
 * one, to be refused with the right words), the one that issued none of the others. The signature must then
 * verify with this key: position says nothing.
 */
static bool find_leaf(struct px_run *run, struct bundle *b)
{
	X509 *ee = NULL, *last = NULL;
	unsigned n_ee = 0;
	for (unsigned i = 0; i < b->n; i++) {
		bool again = false;
		for (unsigned k = 0; k < i; k++)
			again |= X509_cmp(b->certs[k], b->certs[i]) == 0;
		if (again)
			continue;
		if (X509_check_ca(b->certs[i]) == 0) {
			ee = b->certs[i];
			n_ee++;
		} else if (!issued_another(b, i)) {
			last = b->certs[i];
		}
	}
	b->leaf = n_ee > 0 ? ee : last;
	if (n_ee > 1)
		px_run_error(
		    run, PX_CODE_SIG_KEYINFO, run->signature, NULL,
		    "X509Data holds %u certificates that are not a CA's: it is not clear whose signature "
		    "this is",
		    n_ee);
	else if (b->leaf == NULL)
		px_run_error(run, PX_CODE_SIG_KEYINFO, run->signature, NULL,
			     "X509Data holds no signer's certificate");
	return b->leaf != NULL && n_ee <= 1;
}

/* --- whose it is --- */

/** urn:prinex:AUTHORITY:ROLE:NAME */
struct identity {
	char authority[PX_AUTHORITY_MAX + 1];
	enum px_role role;
	char name[PX_NAME_MAX + 1];
};

/* @text: behind URI_PREFIX. */
static bool parse_uri(const char *text, struct identity *id)
{
	char role[16];
	const char *a = strchr(text, ':'), *b = a != NULL ? strchr(a + 1, ':') : NULL;
	if (b == NULL || !px_strlcpy_n(id->authority, text, (size_t)(a - text), sizeof(id->authority)) ||
	    !px_strlcpy_n(role, a + 1, (size_t)(b - a - 1), sizeof(role)) ||
	    !px_strlcpy(id->name, b + 1, sizeof(id->name)))
		return false;
	id->role = px_role_parse(role);
	return px_is_authority(id->authority) && id->role != PX_ROLE_NONE && px_is_name(id->name);
}

/* @return how many SAN URIs of ours there are; *@id is the only one, if it can be read. */
static unsigned read_identity(X509 *leaf, struct identity *id, char *shown, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	unsigned n = 0;
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type != GEN_URI)
			continue;
		const ASN1_STRING *uri = name->d.uniformResourceIdentifier;
		const char *text = (const char *)ASN1_STRING_get0_data(uri);
		size_t len = (size_t)ASN1_STRING_length(uri);
		if (len < strlen(URI_PREFIX) || memcmp(text, URI_PREFIX, strlen(URI_PREFIX)) != 0)
			continue;
		bool whole = memchr(text, '\0', len) == NULL && px_strlcpy_n(shown, text, len, size);
		if (n++ > 0 || !whole || !parse_uri(shown + strlen(URI_PREFIX), id))
			*id = (struct identity){.role = PX_ROLE_NONE};
	}
	GENERAL_NAMES_free(names);
	return n;
}

static bool is_pinned(X509 *leaf, const struct px_trust *trust)
{
	if (trust->pins == NULL || trust->pins->n == 0)
		return false;
	uint8_t digest[PX_DIGEST_LEN];
	char hex[PX_DIGEST_HEX];
	unsigned char *spki = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &spki);
	if (n <= 0)
		return false;
	px_sha256(spki, (size_t)n, digest);
	OPENSSL_free(spki);
	px_hex(digest, sizeof(digest), hex);
	return px_strings_has(trust->pins, hex);
}

static const struct px_trust *find_pinned(struct px_run *run, X509 *leaf, unsigned roles, bool *any)
{
	for (int role = PX_ROLE_SYSTEM; role <= PX_ROLE_OFFICER; role++) {
		const struct px_trust *t =
		    (roles & 1u << role) != 0
			? px_trusts_find(run->ex->trusts, run->authority, (enum px_role)role)
			: NULL;
		*any |= t != NULL;
		if (t != NULL && is_pinned(leaf, t))
			return t;
	}
	return NULL;
}

/* The trust that the leaf claims to stand under: by its SAN URI, else by a pin. */
static const struct px_trust *find_trust(struct px_run *run, X509 *leaf, unsigned roles,
					 struct px_signer *signer)
{
	struct identity id = {.role = PX_ROLE_NONE};
	char shown[128] = "";
	bool any = false;
	unsigned n = read_identity(leaf, &id, shown, sizeof(shown));
	const struct px_trust *t = find_pinned(run, leaf, roles, &any);
	if (t == NULL && n == 1 && id.role != PX_ROLE_NONE && (roles & 1u << id.role) != 0 &&
	    strcmp(id.authority, run->authority) == 0)
		t = px_trusts_find(run->ex->trusts, id.authority, id.role);
	else if (t == NULL && any)
		px_run_error(run, PX_CODE_CERT_IDENTITY, run->signature, shown,
			     "the certificate is not one of %s in a role that may sign this", run->authority);
	if (t == NULL && run->v->errors.total == 0)
		px_run_error(run, PX_CODE_CERT_TRUST, run->signature, run->authority,
			     "no signing trust is configured for %s in a role that may sign this",
			     run->authority);
	if (t != NULL) {
		px_strlcpy(signer->authority, t->authority, sizeof(signer->authority));
		signer->role = t->role;
		if (n == 1 && id.role == t->role && strcmp(id.authority, t->authority) == 0)
			px_strlcpy(signer->name, id.name, sizeof(signer->name));
	}
	return t;
}

/* --- the profile of a signing leaf --- */

static void check_usage(struct px_run *run, X509 *leaf)
{
	bool document = false, tls = false;
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
	for (int i = 0; i < sk_ASN1_OBJECT_num(eku); i++) {
		char oid[64];
		const ASN1_OBJECT *o = sk_ASN1_OBJECT_value(eku, i);
		int nid = OBJ_obj2nid(o);
		OBJ_obj2txt(oid, sizeof(oid), o, 1);
		document |= strcmp(oid, OID_DOCUMENT_SIGNING) == 0;
		tls |= nid == NID_client_auth || nid == NID_server_auth || nid == NID_anyExtendedKeyUsage;
	}
	sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
	if (!document)
		px_run_error(run, PX_CODE_CERT_USAGE, run->signature, NULL,
			     "the certificate's extended key usage lacks document signing (%s)",
			     OID_DOCUMENT_SIGNING);
	if (tls)
		px_run_error(run, PX_CODE_CERT_USAGE, run->signature, NULL,
			     "a TLS certificate may not sign documents");
	if ((X509_get_extension_flags(leaf) & EXFLAG_KUSAGE) == 0 ||
	    (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0)
		px_run_error(run, PX_CODE_CERT_USAGE, run->signature, NULL,
			     "the certificate's key usage lacks digitalSignature");
	if (X509_check_ca(leaf) != 0)
		px_run_error(run, PX_CODE_CERT_USAGE, run->signature, NULL,
			     "a CA's certificate may not sign documents");
}

static void check_key(struct px_run *run, EVP_PKEY *key, bool *ecdsa)
{
	char curve[64] = "";
	*ecdsa = false;
	if (key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
		int bits = EVP_PKEY_get_bits(key);
		if (bits < 2048 || bits > 8192)
			px_run_error(run, PX_CODE_CERT_KEY, run->signature, NULL,
				     "the certificate's RSA key has %d bits, not 2048 to 8192", bits);
		return;
	}
	if (key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
		*ecdsa = true;
		EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof(curve), NULL);
		if (strcmp(curve, "prime256v1") == 0 || strcmp(curve, "secp384r1") == 0)
			return;
	}
	px_run_error(run, PX_CODE_CERT_KEY, run->signature, curve[0] != '\0' ? curve : NULL,
		     "the certificate's key is neither RSA nor on the curves P-256 and P-384");
}

/* --- all together --- */

static void on_fault(void *arg, enum px_code code, const char *subject, const char *text)
{
	struct px_run *run = arg;
	px_run_error(run, code, run->signature, subject, "%s", text);
}

static xmlSecKeyPtr make_key(EVP_PKEY *pkey)
{
	EVP_PKEY_up_ref(pkey);
	xmlSecKeyDataPtr data = xmlSecOpenSSLEvpKeyAdopt(pkey);
	xmlSecKeyPtr key = data != NULL ? xmlSecKeyCreate() : NULL;
	px_assert(key != NULL && xmlSecKeySetValue(key, data) == 0);
	return key;
}

static void check_path(struct px_run *run, const struct bundle *b, const struct px_trust *trust,
		       struct px_leaf *leaf)
{
	STACK_OF(X509) *others = sk_X509_new_null();
	px_assert(others != NULL);
	for (unsigned i = 0; i < b->n; i++) {
		if (b->certs[i] != b->leaf)
			sk_X509_push(others, b->certs[i]);
	}
	int64_t at = run->exam->first_broker ? run->exam->now : run->signed_at;
	px_trust_check(trust, b->leaf, others, at, run->exam->now, &leaf->path, on_fault, run);
	sk_X509_free(others);
}

static struct px_leaf *judge(struct px_run *run, const struct bundle *b, unsigned roles)
{
	struct px_leaf *leaf = px_xcalloc(1, sizeof(*leaf));
	EVP_PKEY *key = X509_get0_pubkey(b->leaf);
	unsigned n = PX_DIGEST_LEN;
	const struct px_trust *trust = find_trust(run, b->leaf, roles, &leaf->signer);
	check_key(run, key, &leaf->ecdsa);
	check_usage(run, b->leaf);
	if (trust != NULL)
		check_path(run, b, trust, leaf);
	if (run->v->errors.total == 0 &&
	    X509_digest(b->leaf, EVP_sha256(), leaf->signer.cert_sha256, &n) == 1) {
		leaf->signer.not_after = leaf->path.not_after;
		leaf->key = make_key(key);
		leaf->verifier = px_verifier_new(key);
		px_leaf_name(leaf, run, roles);
	}
	ERR_clear_error();
	if (run->v->errors.total > 0)
		px_leaf_free(&leaf);
	return leaf;
}

static unsigned allowed_roles(const struct px_run *run)
{
	const unsigned either = 1u << PX_ROLE_SYSTEM | 1u << PX_ROLE_NODE;
	if (run->exam->roles != 0)
		return run->exam->roles;
	if (run->v->kind != PX_DOC_EXCHANGE || run->type->cat->origin == PX_ORIGIN_ANY)
		return either;
	return run->type->cat->origin == PX_ORIGIN_NODE ? 1u << PX_ROLE_NODE : 1u << PX_ROLE_SYSTEM;
}

static void take_signer(struct px_run *run)
{
	run->v->signer = run->leaf->signer;
	/* Of types that both may send: only a node's ids begin so. */
	if (px_str_starts(run->v->header.message_id, "PX-") && run->leaf->signer.role != PX_ROLE_NODE)
		px_run_error(run, PX_CODE_ENV_MESSAGE_ID, run->signature, run->v->header.message_id,
			     "ids that begin with PX- are made by nodes");
}

void px_stage_certificate(struct px_run *run)
{
	struct bundle b = {.n = 0};
	unsigned roles = allowed_roles(run);
	int64_t at = run->exam->first_broker ? run->exam->now : run->signed_at;
	run->leaf = px_leaves_get(run->ex->leaves, run, roles, at, run->exam->now);
	if (run->leaf == NULL) {
		if (decode_all(run, &b) && find_leaf(run, &b))
			run->leaf = run->fresh = judge(run, &b, roles);
		for (unsigned i = 0; i < b.n; i++)
			X509_free(b.certs[i]);
	}
	if (run->leaf != NULL)
		take_signer(run);
}
