/* prinex: tests of seals: xmlsec1 verifies them, changed documents fail, unfit keys are refused
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/seal.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/strings.h"
#include "xmlkit.h"

static const char text[] =
    "<px:Confirmation xmlns:px=\"urn:prinex:exchange:1\"><px:Kind>CoA</px:Kind>"
    "<px:ConfirmationId>PX-1</px:ConfirmationId><px:Issuer>UA</px:Issuer>"
    "<px:RefDigest>"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "</px:RefDigest><px:At>2026-11-20T06:41:13Z</px:At>"
    "<px:Error code=\"PX-X\" value=\"Бярозавы &amp; &quot;гай&quot;\">a &lt; b</px:Error>"
    "</px:Confirmation>";

static struct kit kit;

static int setup(void **state PX_UNUSED)
{
	kit_open(&kit);
	return 0;
}

static int teardown(void **state PX_UNUSED)
{
	kit_close(&kit);
	return 0;
}

static int load(const char *key_name, const char *cert_name, struct px_seal_key **key, struct px_buf *why)
{
	char key_file[256], cert_file[256];
	kit_path(&kit, key_name, key_file);
	kit_path(&kit, cert_name, cert_file);
	return px_seal_key_load(key_file, cert_file, key, why);
}

static struct px_seal_key *identity(const char *kind)
{
	struct px_seal_key *key = NULL;
	struct px_buf why = PX_BUF_INIT;
	kit_identity(&kit, "signer", kind);
	if (load("signer.key", "signer.pem", &key, &why) != PX_OK)
		fail_msg("%s: %s", kind, px_buf_str(&why));
	return key;
}

/* 0: verifies with xmlsec1's command line, trusting the root alone. */
static int xmlsec(const struct px_buf *doc, bool show)
{
	char file[256], root[256];
	kit_write(&kit, "sealed.xml", doc->data, doc->len);
	kit_path(&kit, "sealed.xml", file);
	kit_path(&kit, "signer-root.pem", root);
	return kit_run(&kit, show, "xmlsec1", "--verify", "--enabled-key-data", "x509", "--trusted-pem", root,
		       file, NULL);
}

static unsigned count(const struct px_buf *doc, const char *what)
{
	unsigned n = 0;
	for (const char *at = px_buf_str(doc); (at = strstr(at, what)) != NULL; at++)
		n++;
	return n;
}

static void verifies(const char *kind, const char *algorithm)
{
	struct px_seal_key *key = identity(kind);
	struct px_buf doc = PX_BUF_INIT;
	px_buf_adds(&doc, text);
	assert_int_equal(px_seal(key, &doc), PX_OK);
	assert_int_equal(count(&doc, algorithm), 1);
	/* leaf and intermediate; the root is what the other side has */
	assert_int_equal(count(&doc, "<ds:X509Certificate>"), 2);
	assert_true(px_str_ends(px_buf_str(&doc), "</ds:Signature></px:Confirmation>"));
	kit_assert_canonical(&doc);
	kit_need("xmlsec1");
	assert_int_equal(xmlsec(&doc, true), 0);
	char *kind_at = strstr((char *)doc.data, "CoA");
	kind_at[2] = 'E';
	assert_int_not_equal(xmlsec(&doc, false), 0);
	kit_need("xmllint");
	kind_at[2] = 'A';
	kit_assert_valid(&kit, &doc);
	px_buf_free(&doc);
	px_seal_key_free(&key);
}

static void rsa_verifies_with_xmlsec1(void **state PX_UNUSED)
{
	verifies("rsa-2048", "#rsa-sha256\"");
}

static void p256_verifies_with_xmlsec1(void **state PX_UNUSED)
{
	verifies("P-256", "#ecdsa-sha256\"");
}

static void p384_verifies_with_xmlsec1(void **state PX_UNUSED)
{
	verifies("P-384", "#ecdsa-sha384\"");
}

/* r and s are shorter than the curve once in 256: they must be padded. */
static void ecdsa_values_always_have_full_length(void **state PX_UNUSED)
{
	struct px_seal_key *key = identity("P-256");
	for (unsigned i = 0; i < 1500; i++) {
		struct px_buf doc = PX_BUF_INIT, value = PX_BUF_INIT;
		px_buf_addf(&doc, "<a>%u</a>", i);
		assert_int_equal(px_seal(key, &doc), PX_OK);
		const char *from = strstr(px_buf_str(&doc), "<ds:SignatureValue>");
		const char *to = strstr(px_buf_str(&doc), "</ds:SignatureValue>");
		assert_true(from != NULL && to != NULL);
		from += strlen("<ds:SignatureValue>");
		assert_int_equal(px_unbase64(&value, from, (size_t)(to - from)), PX_OK);
		assert_int_equal(value.len, 64);
		px_buf_free(&value);
		px_buf_free(&doc);
	}
	px_seal_key_free(&key);
}

static void octets_are_signed_as_they_are(void **state PX_UNUSED)
{
	struct px_seal_key *key = identity("P-256");
	struct px_buf sig = PX_BUF_INIT;
	assert_int_equal(px_seal_octets(key, "checkpoint", 10, &sig), PX_OK);
	assert_int_equal(px_seal_octets_verify(key, "checkpoint", 10, sig.data, sig.len), PX_OK);
	assert_int_equal(px_seal_octets_verify(key, "checkpoinT", 10, sig.data, sig.len), PX_ESIGNATURE);
	sig.data[sig.len - 1] ^= 1;
	assert_int_equal(px_seal_octets_verify(key, "checkpoint", 10, sig.data, sig.len), PX_ESIGNATURE);
	px_buf_free(&sig);
	px_seal_key_free(&key);
}

static void refused(const char *key_name, const char *cert_name, const char *reason)
{
	struct px_seal_key *key = NULL;
	struct px_buf why = PX_BUF_INIT;
	assert_int_equal(load(key_name, cert_name, &key, &why), PX_ECONF);
	assert_null(key);
	if (strstr(px_buf_str(&why), reason) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", px_buf_str(&why), reason);
	px_buf_free(&why);
}

static void unfit_keys_are_refused(void **state PX_UNUSED)
{
	static const struct {
		const char *kind, *reason;
	} cases[] = {
	    {"rsa-1024", "an RSA key of 1024 bits"},
	    {"P-521", "curve secp521r1 is not allowed"},
	    {"ed25519", "keys of kind ED25519 are not allowed"},
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(cases); i++) {
		kit_identity(&kit, "unfit", cases[i].kind);
		refused("unfit.key", "unfit.pem", cases[i].reason);
	}
	kit_identity(&kit, "good", "P-256");
	kit_identity(&kit, "other", "P-256");
	refused("other.key", "good.pem", "does not belong to the private key");
	refused("missing.key", "good.pem", "cannot open");
	refused("good.key", "missing.pem", "cannot open");
	refused("good.pem", "good.pem", "no private key in PEM");
	refused("good.key", "good.key", "no certificate in PEM");
}

static void a_passphrase_is_never_asked_for(void **state PX_UNUSED)
{
	char path[256];
	kit_identity(&kit, "good", "P-256");
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	kit_path(&kit, "locked.key", path);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(
	    PEM_write_PrivateKey(f, pkey, EVP_aes_128_cbc(), (const unsigned char *)"secret", 6, NULL, NULL),
	    1);
	fclose(f);
	EVP_PKEY_free(pkey);
	refused("locked.key", "good.pem", "protected by a passphrase");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rsa_verifies_with_xmlsec1),
	    cmocka_unit_test(p256_verifies_with_xmlsec1),
	    cmocka_unit_test(p384_verifies_with_xmlsec1),
	    cmocka_unit_test(ecdsa_values_always_have_full_length),
	    cmocka_unit_test(octets_are_signed_as_they_are),
	    cmocka_unit_test(unfit_keys_are_refused),
	    cmocka_unit_test(a_passphrase_is_never_asked_for),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
