/* prinex: signature profile 1 over canonical octets
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/seal.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/digest.h"
#include "base/limits.h"
#include "base/strings.h"

#define DS "http://www.w3.org/2000/09/xmldsig#"

/* X509Data of profile 1 takes so many certificates, SignatureValue so many octets of RSA. */
enum { CHAIN_MAX = 8, RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192 };

struct px_seal_key {
	EVP_PKEY *pkey;
	const char *md;         /* what SignedInfo is hashed with */
	EVP_MD *digest;         /* the same, fetched */
	EVP_PKEY_CTX *signing;  /* ready to be copied: making one anew costs a sixth of a P-256 signature */
	const char *algorithm;  /* the end of its URI */
	size_t ec_octets;       /* of one coordinate; 0: RSA */
	STACK_OF(X509) * chain; /* leaf first */
	struct px_buf key_info; /* the same as XML */
};

void px_seal_key_free(struct px_seal_key **key)
{
	if (*key == NULL)
		return;
	EVP_PKEY_CTX_free((*key)->signing);
	EVP_MD_free((*key)->digest);
	EVP_PKEY_free((*key)->pkey);
	sk_X509_pop_free((*key)->chain, X509_free);
	px_buf_free(&(*key)->key_info);
	PX_FREE(*key);
}

/* Never ask on a terminal: a daemon has none. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing;
	*(bool *)arg = true;
	return -1;
}

static int load_key(struct px_seal_key *k, const char *path, struct px_buf *why)
{
	struct px_buf pem = PX_BUF_INIT;
	if (px_buf_read_file(&pem, path, (size_t)PX_LIMIT_KEY_FILE, why) != PX_OK) {
		px_buf_free(&pem);
		return PX_ECONF;
	}
	bool asked = false;
	BIO *bio = BIO_new_mem_buf(pem.data != NULL ? (const void *)pem.data : "", (int)pem.len);
	k->pkey = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked) : NULL;
	BIO_free(bio);
	if (pem.data != NULL)
		OPENSSL_cleanse(pem.data, pem.len);
	px_buf_free(&pem);
	ERR_clear_error();
	if (k->pkey != NULL)
		return PX_OK;
	px_buf_setf(why, "%s: %s", path,
		    asked ? "the private key is protected by a passphrase; store it without one, readable by "
			    "the service only"
			  : "no private key in PEM");
	return PX_ECONF;
}

static int choose_ec(struct px_seal_key *k, const char *path, struct px_buf *why)
{
	char group[64] = "";
	EVP_PKEY_get_utf8_string_param(k->pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL);
	if (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0) {
		k->algorithm = "ecdsa-sha256";
		k->md = "SHA256";
		k->ec_octets = 32;
		return PX_OK;
	}
	if (strcmp(group, "secp384r1") == 0 || strcmp(group, "P-384") == 0) {
		k->algorithm = "ecdsa-sha384";
		k->md = "SHA384";
		k->ec_octets = 48;
		return PX_OK;
	}
	px_buf_setf(why, "%s: curve %s is not allowed for signing; use P-256 or P-384", path, group);
	return PX_ECONF;
}

static int choose_algorithm(struct px_seal_key *k, const char *path, struct px_buf *why)
{
	if (EVP_PKEY_is_a(k->pkey, "EC"))
		return choose_ec(k, path, why);
	if (!EVP_PKEY_is_a(k->pkey, "RSA")) {
		px_buf_setf(why, "%s: keys of kind %s are not allowed for signing; use RSA, P-256 or P-384",
			    path, EVP_PKEY_get0_type_name(k->pkey));
		return PX_ECONF;
	}
	int bits = EVP_PKEY_get_bits(k->pkey);
	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) {
		px_buf_setf(why, "%s: an RSA key of %d bits; signing takes %d to %d", path, bits,
			    (int)RSA_BITS_MIN, (int)RSA_BITS_MAX);
		return PX_ECONF;
	}
	k->algorithm = "rsa-sha256";
	k->md = "SHA256";
	return PX_OK;
}

static void add_certificate(struct px_seal_key *k, X509 *cert)
{
	uint8_t *der = NULL;
	int len = i2d_X509(cert, &der);
	px_assert(len > 0 && X509_up_ref(cert) == 1 && sk_X509_push(k->chain, cert) > 0);
	px_buf_adds(&k->key_info, "<ds:X509Certificate>");
	px_base64(&k->key_info, der, (size_t)len);
	px_buf_adds(&k->key_info, "</ds:X509Certificate>");
	OPENSSL_free(der);
}

/* @i: the certificate's place in the file. The anchor is what the other side has already. */
static int take_certificate(struct px_seal_key *k, X509 *cert, unsigned i, const char *path,
			    struct px_buf *why)
{
	if (i == 0 && X509_check_private_key(cert, k->pkey) != 1) {
		px_buf_setf(why, "%s: the first certificate does not belong to the private key", path);
		return PX_ECONF;
	}
	if (i >= CHAIN_MAX) {
		px_buf_setf(why, "%s: more than %d certificates", path, (int)CHAIN_MAX);
		return PX_ECONF;
	}
	if (i == 0 || X509_self_signed(cert, 0) != 1)
		add_certificate(k, cert);
	return PX_OK;
}

static int load_chain(struct px_seal_key *k, const char *path, struct px_buf *why)
{
	struct px_buf pem = PX_BUF_INIT;
	if (px_buf_read_file(&pem, path, (size_t)PX_LIMIT_KEY_FILE, why) != PX_OK) {
		px_buf_free(&pem);
		return PX_ECONF;
	}
	px_buf_adds(&k->key_info, "<ds:KeyInfo><ds:X509Data>");
	BIO *bio = BIO_new_mem_buf(pem.data != NULL ? (const void *)pem.data : "", (int)pem.len);
	px_assert(bio != NULL);
	unsigned n = 0;
	int rc = PX_OK;
	while (rc == PX_OK) {
		X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		if (cert == NULL)
			break;
		rc = take_certificate(k, cert, n++, path, why);
		X509_free(cert);
	}
	px_buf_adds(&k->key_info, "</ds:X509Data></ds:KeyInfo>");
	BIO_free(bio);
	px_buf_free(&pem);
	ERR_clear_error();
	if (rc == PX_OK && n == 0) {
		px_buf_setf(why, "%s: no certificate in PEM", path);
		rc = PX_ECONF;
	}
	return rc;
}

static int prepare_signing(struct px_seal_key *k, const char *path, struct px_buf *why)
{
	k->digest = EVP_MD_fetch(NULL, k->md, NULL);
	k->signing = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
	if (k->digest != NULL && k->signing != NULL && EVP_PKEY_sign_init(k->signing) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(k->signing, k->digest) == 1)
		return PX_OK;
	ERR_clear_error();
	px_buf_setf(why, "%s: OpenSSL cannot sign with this key", path);
	return PX_ECONF;
}

int px_seal_key_load(const char *key_pem, const char *cert_pem, struct px_seal_key **out, struct px_buf *why)
{
	struct px_seal_key *k = px_xcalloc(1, sizeof(*k));
	k->chain = sk_X509_new_null();
	px_assert(k->chain != NULL);
	int rc = load_key(k, key_pem, why);
	if (rc == PX_OK)
		rc = choose_algorithm(k, key_pem, why);
	if (rc == PX_OK)
		rc = prepare_signing(k, key_pem, why);
	if (rc == PX_OK)
		rc = load_chain(k, cert_pem, why);
	if (rc != PX_OK) {
		px_seal_key_free(&k);
		return rc;
	}
	*out = k;
	return PX_OK;
}

bool px_seal_key_is_quick(const struct px_seal_key *key)
{
	return key->ec_octets == 32;
}

EVP_PKEY *px_seal_key_private(const struct px_seal_key *key)
{
	return key->pkey;
}

STACK_OF(X509) * px_seal_key_chain(const struct px_seal_key *key)
{
	return key->chain;
}

/* @context: the namespace declaration where the octets stand alone. End tags are written out, as C14N does,
 * so that the same text serves for signing and in the document. */
static void add_signed_info(struct px_buf *out, const struct px_seal_key *key, const char *context,
			    const uint8_t *digest)
{
	/* In pieces: formatted output would try a text of this length twice. */
	px_buf_adds(out, "<ds:SignedInfo");
	px_buf_adds(out, context);
	px_buf_adds(out, "><ds:CanonicalizationMethod "
			 "Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:CanonicalizationMethod>"
			 "<ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#");
	px_buf_adds(out, key->algorithm);
	px_buf_adds(out,
		    "\"></ds:SignatureMethod><ds:Reference URI=\"\"><ds:Transforms>"
		    "<ds:Transform Algorithm=\"" DS "enveloped-signature\"></ds:Transform>"
		    "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform>"
		    "</ds:Transforms><ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\">"
		    "</ds:DigestMethod><ds:DigestValue>");
	px_base64(out, digest, PX_DIGEST_LEN);
	px_buf_adds(out, "</ds:DigestValue></ds:Reference></ds:SignedInfo>");
}

/* XML Signature 1.1, 6.4.3: both integers in fixed length, one after the other; OpenSSL gives DER. */
static int ec_to_xmldsig(const struct px_seal_key *key, struct px_buf *signature)
{
	const unsigned char *at = signature->data;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)signature->len);
	if (sig == NULL)
		return PX_EFATAL;
	uint8_t raw[2 * 48];
	int n = (int)key->ec_octets;
	bool good = BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, n) == n &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + n, n) == n;
	ECDSA_SIG_free(sig);
	px_buf_clear(signature);
	px_buf_add(signature, raw, 2 * key->ec_octets);
	return good ? PX_OK : PX_EFATAL;
}

static uint8_t *last_end_tag(const struct px_buf *doc)
{
	uint8_t *at = doc->len > 0 ? memrchr(doc->data, '<', doc->len) : NULL;
	px_assert(at != NULL && at[1] == '/');
	return at;
}

int px_seal(const struct px_seal_key *key, struct px_buf *doc)
{
	uint8_t digest[PX_DIGEST_LEN];
	px_sha256(doc->data, doc->len, digest);
	struct px_buf info = PX_BUF_INIT, value = PX_BUF_INIT, out = PX_BUF_INIT;
	px_buf_reserve(&info, 1023);
	add_signed_info(&info, key, " xmlns:ds=\"" DS "\"", digest);
	int rc = px_seal_octets(key, info.data, info.len, &value);
	if (rc == PX_OK && key->ec_octets > 0)
		rc = ec_to_xmldsig(key, &value);
	if (rc == PX_OK) {
		size_t head = (size_t)(last_end_tag(doc) - doc->data);
		px_buf_reserve(&out, doc->len + info.len + key->key_info.len + 2 * value.len + 256);
		px_buf_add(&out, doc->data, head);
		px_buf_adds(&out, "<ds:Signature xmlns:ds=\"" DS "\">");
		add_signed_info(&out, key, "", digest);
		px_buf_adds(&out, "<ds:SignatureValue>");
		px_base64(&out, value.data, value.len);
		px_buf_adds(&out, "</ds:SignatureValue>");
		px_buf_add(&out, key->key_info.data, key->key_info.len);
		px_buf_adds(&out, "</ds:Signature>");
		px_buf_add(&out, doc->data + head, doc->len - head);
		px_buf_free(doc);
		*doc = out;
	}
	px_buf_free(&info);
	px_buf_free(&value);
	return rc;
}

int px_seal_octets(const struct px_seal_key *key, const void *data, size_t len, struct px_buf *signature)
{
	size_t room = (size_t)EVP_PKEY_get_size(key->pkey);
	uint8_t *to = px_buf_reserve(signature, room), digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(key->signing);
	bool good = ctx != NULL && EVP_Digest(data, len, digest, &n, key->digest, NULL) == 1 &&
		    EVP_PKEY_sign(ctx, to, &room, digest, n) == 1;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	if (good)
		px_buf_grown(signature, room);
	return good ? PX_OK : PX_EFATAL;
}

int px_seal_octets_verify(const struct px_seal_key *key, const void *data, size_t len,
			  const uint8_t *signature, size_t signature_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL &&
		    EVP_DigestVerifyInit_ex(ctx, NULL, key->md, NULL, NULL, key->pkey, NULL) == 1 &&
		    EVP_DigestVerify(ctx, signature, signature_len, data, len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good ? PX_OK : PX_ESIGNATURE;
}
