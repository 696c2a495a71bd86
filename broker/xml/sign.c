/* prinex: sign an exchange or another document of ours: signature profile 1
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "xml/sign.h"

#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>

#include "base/strings.h"
#include "xml/locate.h"
#include "xml/prescan.h"
#include "xml/run.h"

#define C14N      "http://www.w3.org/2001/10/xml-exc-c14n#"
#define ENVELOPED PX_NS_DSIG "enveloped-signature"

static const struct algorithm {
	const char *md, *digest_uri, *rsa_uri, *ecdsa_uri;
} algorithms[] = {
    [PX_SIGN_SHA256] = {"SHA256", "http://www.w3.org/2001/04/xmlenc#sha256",
			"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
			"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"},
    [PX_SIGN_SHA384] = {"SHA384", "http://www.w3.org/2001/04/xmldsig-more#sha384",
			"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
			"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"},
    [PX_SIGN_SHA512] = {"SHA512", "http://www.w3.org/2001/04/xmlenc#sha512",
			"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
			"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"},
};

/* --- the document's digest --- */

static int write_digest(void *ctx, const char *data, int len)
{
	return EVP_DigestUpdate(ctx, data, (size_t)len) == 1 ? len : -1;
}

static int close_digest(void *ctx)
{
	(void)ctx;
	return 0;
}

/* Exclusive C14N 1.0 without comments of the whole document, straight into a digest. */
static bool digest_tree(xmlDoc *doc, const struct algorithm *alg, struct px_buf *out)
{
	EVP_MD *md = EVP_MD_fetch(NULL, alg->md, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char value[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	bool ok = md != NULL && ctx != NULL && EVP_DigestInit_ex2(ctx, md, NULL) == 1;
	xmlOutputBufferPtr to = ok ? xmlOutputBufferCreateIO(write_digest, close_digest, ctx, NULL) : NULL;
	ok = to != NULL && xmlC14NExecute(doc, NULL, NULL, XML_C14N_EXCLUSIVE_1_0, NULL, 0, to) >= 0;
	ok = to != NULL && xmlOutputBufferClose(to) >= 0 && ok && EVP_DigestFinal_ex(ctx, value, &n) == 1;
	if (ok)
		px_base64(out, value, n);
	EVP_MD_CTX_free(ctx);
	EVP_MD_free(md);
	return ok;
}

static bool has_signature(xmlNode *root)
{
	for (xmlNode *n = root->children; n != NULL; n = n->next) {
		if (px_node_is(n, PX_NS_DSIG, "Signature"))
			return true;
	}
	return false;
}

static int digest_document(const uint8_t *data, size_t len, const struct algorithm *alg, struct px_buf *out,
			   struct px_buf *why)
{
	struct px_findings errors = {0};
	if (len > INT32_MAX || px_prescan(data, len, &errors) != PX_OK) {
		px_buf_setf(why, "line %u: %s", errors.n > 0 ? errors.items[0].line : 0,
			    errors.n > 0 ? errors.items[0].text : "the document is too long");
		px_findings_free(&errors);
		return PX_EPARSE;
	}
	xmlDoc *doc = xmlReadMemory((const char *)data, (int)len, NULL, NULL,
				    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	const xmlError *last = xmlGetLastError();
	bool ok = false;
	if (doc == NULL)
		px_buf_setf(why, "line %d: not well-formed: %s", last != NULL ? last->line : 0,
			    last != NULL && last->message != NULL ? last->message : "");
	else if (has_signature(xmlDocGetRootElement(doc)))
		px_buf_setf(why, "the document has a Signature already");
	else if (!(ok = digest_tree(doc, alg, out)))
		px_buf_setf(why, "the document cannot be canonicalized");
	xmlFreeDoc(doc);
	xmlResetLastError();
	return ok ? PX_OK : PX_EPARSE;
}

/* --- SignedInfo and its signature --- */

/* @ns: the declaration that exclusive C14N writes on SignedInfo when it stands alone; "" inside Signature. */
static void add_signed_info(struct px_buf *out, const char *ns, const char *method,
			    const struct algorithm *alg, const char *digest)
{
	px_buf_addf(out,
		    "<ds:SignedInfo%s>"
		    "<ds:CanonicalizationMethod Algorithm=\"" C14N "\"></ds:CanonicalizationMethod>"
		    "<ds:SignatureMethod Algorithm=\"%s\"></ds:SignatureMethod>"
		    "<ds:Reference URI=\"\"><ds:Transforms>"
		    "<ds:Transform Algorithm=\"" ENVELOPED "\"></ds:Transform>"
		    "<ds:Transform Algorithm=\"" C14N "\"></ds:Transform>"
		    "</ds:Transforms><ds:DigestMethod Algorithm=\"%s\"></ds:DigestMethod>"
		    "<ds:DigestValue>%s</ds:DigestValue></ds:Reference></ds:SignedInfo>",
		    ns, method, alg->digest_uri, digest);
}

/* XML Signature wants r and s side by side, each as long as the order (RFC 4050 3.3), not ASN.1. */
static int raw_ecdsa(const uint8_t *der, size_t len, int bits, struct px_buf *out)
{
	int half = (bits + 7) / 8;
	const unsigned char *p = der;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	if (sig == NULL)
		return PX_EINVAL;
	uint8_t raw[2 * 66];
	bool ok = (size_t)half * 2 <= sizeof(raw) && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, half) == half &&
		  BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + half, half) == half;
	if (ok)
		px_base64(out, raw, (size_t)half * 2);
	ECDSA_SIG_free(sig);
	return ok ? PX_OK : PX_EINVAL;
}

static int sign_octets(const struct px_buf *octets, EVP_PKEY *key, const struct algorithm *alg, bool ecdsa,
		       struct px_buf *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t value[1200];
	size_t n = sizeof(value);
	int rc = PX_EINVAL;
	if (ctx != NULL && EVP_DigestSignInit_ex(ctx, NULL, alg->md, NULL, NULL, key, NULL) == 1 &&
	    EVP_DigestSign(ctx, value, &n, octets->data, octets->len) == 1) {
		rc = PX_OK;
		if (ecdsa)
			rc = raw_ecdsa(value, n, EVP_PKEY_get_bits(key), out);
		else
			px_base64(out, value, n);
	}
	EVP_MD_CTX_free(ctx);
	return rc;
}

static int add_certificates(struct px_buf *out, STACK_OF(X509) * chain)
{
	px_buf_adds(out, "<ds:KeyInfo><ds:X509Data>");
	for (int i = 0; i < sk_X509_num(chain); i++) {
		unsigned char *der = NULL;
		int n = i2d_X509(sk_X509_value(chain, i), &der);
		if (n <= 0)
			return PX_EINVAL;
		px_buf_adds(out, "<ds:X509Certificate>");
		px_base64(out, der, (size_t)n);
		px_buf_adds(out, "</ds:X509Certificate>");
		OPENSSL_free(der);
	}
	px_buf_adds(out, "</ds:X509Data></ds:KeyInfo>");
	return PX_OK;
}

/* --- putting it in --- */

static bool is_fit(EVP_PKEY *key, STACK_OF(X509) * chain, struct px_buf *why)
{
	int type = EVP_PKEY_get_base_id(key), bits = EVP_PKEY_get_bits(key);
	if (!(type == EVP_PKEY_RSA && bits >= 2048 && bits <= 8192) &&
	    !(type == EVP_PKEY_EC && (bits == 256 || bits == 384))) {
		px_buf_setf(why,
			    "the key is not RSA of 2048 to 8192 bits, nor on the curves P-256 and P-384");
		return false;
	}
	if (sk_X509_num(chain) < 1 || X509_check_private_key(sk_X509_value(chain, 0), key) != 1) {
		px_buf_setf(why, "the key does not belong to the first certificate");
		return false;
	}
	return true;
}

/* Offset of the root's end tag. */
static bool find_end_tag(const uint8_t *data, size_t len, size_t *at)
{
	struct px_span outer, inner;
	if (!px_locate(data, len, NULL, 0, &outer, &inner) ||
	    inner.offset + inner.len == outer.offset + outer.len)
		return false;
	*at = inner.offset + inner.len;
	return true;
}

static int make_signature(const char *digest, EVP_PKEY *key, STACK_OF(X509) * chain,
			  const struct algorithm *alg, struct px_buf *out)
{
	bool ecdsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_EC;
	const char *method = ecdsa ? alg->ecdsa_uri : alg->rsa_uri;
	struct px_buf info = PX_BUF_INIT;
	add_signed_info(&info, " xmlns:ds=\"" PX_NS_DSIG "\"", method, alg, digest);
	px_buf_adds(out, "<ds:Signature xmlns:ds=\"" PX_NS_DSIG "\">");
	add_signed_info(out, "", method, alg, digest);
	px_buf_adds(out, "<ds:SignatureValue>");
	int rc = sign_octets(&info, key, alg, ecdsa, out);
	px_buf_adds(out, "</ds:SignatureValue>");
	if (rc == PX_OK)
		rc = add_certificates(out, chain);
	px_buf_adds(out, "</ds:Signature>");
	px_buf_free(&info);
	return rc;
}

int px_xml_sign(const uint8_t *data, size_t len, EVP_PKEY *key, STACK_OF(X509) * chain,
		enum px_sign_digest digest, struct px_buf *out, struct px_buf *why)
{
	const struct algorithm *alg = &algorithms[digest];
	struct px_buf value = PX_BUF_INIT, signature = PX_BUF_INIT;
	size_t at = 0;
	int rc = is_fit(key, chain, why) ? digest_document(data, len, alg, &value, why) : PX_EINVAL;
	if (rc == PX_OK && !find_end_tag(data, len, &at)) {
		px_buf_setf(why, "the root element is empty: there is nothing to sign");
		rc = PX_EPARSE;
	}
	if (rc == PX_OK && (rc = make_signature(px_buf_str(&value), key, chain, alg, &signature)) != PX_OK)
		px_buf_setf(why, "the key cannot sign");
	if (rc == PX_OK) {
		px_buf_add(out, data, at);
		px_buf_add(out, signature.data, signature.len);
		px_buf_add(out, data + at, len - at);
	}
	px_buf_free(&value);
	px_buf_free(&signature);
	ERR_clear_error();
	return rc;
}
