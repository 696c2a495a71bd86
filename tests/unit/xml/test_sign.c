/* prinex: tests of xml: signing, against xmlsec1's command line in both directions
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "kit.h"

#include <openssl/pem.h>
#include <unistd.h>

#include "base/strings.h"
#include "xml/locate.h"

static char *path_of(const char *name)
{
	static char path[120];
	snprintf(path, sizeof(path), "%s/%s", kit_get()->dir, name);
	return path;
}

static bool have_xmlsec1(void)
{
	return system("xmlsec1 --version >/dev/null 2>&1") == 0;
}

static void write_key(EVP_PKEY *key, X509 *cert)
{
	FILE *f = fopen(path_of("key.pem"), "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	pem_certs(path_of("cert.pem"), cert, NULL);
}

/* xmlsec1 trusts BY's root here, at the test's moment. */
static int xmlsec1_verify(const char *file)
{
	char *cmd = text_of(
	    "xmlsec1 --verify --verification-time '2026-11-21 08:15:30' --trusted-pem %s/BY.pem %s/%s "
	    ">/dev/null 2>&1",
	    kit_get()->dir, kit_get()->dir, file);
	int rc = system(cmd);
	free(cmd);
	return rc;
}

static void clean(void)
{
	static const char *const names[] = {"key.pem", "cert.pem", "in.xml", "out.xml"};
	for (size_t i = 0; i < PX_ARRAY_LEN(names); i++)
		unlink(path_of(names[i]));
}

/* Ours: every key and digest is accepted by ourselves and by xmlsec1; no octet but the signature is new. */
static void test_ours(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	const struct party *parties[] = {&k->by.system, &k->by.system_ec, &k->by.node384};
	bool xmlsec1 = have_xmlsec1();
	char *text = letter_text(&(struct letter){
	    .payload = "<!-- \xd0\x96 --><n:Ping xmlns:n='urn:prinex:customs:1' \n>"
		       "<preparationDateAndTime>2026-11-21T08:15:00Z</preparationDateAndTime>"
		       "<text xml:lang=\"be\"><![CDATA[<&]]>&#xA;</text></n:Ping>"});
	for (size_t i = 0; i < PX_ARRAY_LEN(parties); i++) {
		for (int d = PX_SIGN_SHA256; d <= PX_SIGN_SHA512; d++) {
			char *done = sign_with(text, parties[i], k->by.inter.cert, (enum px_sign_digest)d);
			expect_accepted(done);
			const char *from = strstr(done, "<ds:Signature "),
				   *to = strstr(done, "</ds:Signature>") + 15;
			size_t before = (size_t)(from - done);
			assert_memory_equal(done, text, before);
			assert_string_equal(to, text + before);
			assert_string_equal(to, "</px:Exchange>\n");
			if (xmlsec1) {
				pem_text(path_of("out.xml"), done);
				assert_int_equal(xmlsec1_verify("out.xml"), 0);
				done = swap(done, "08:15:00Z</prep", "08:15:01Z</prep");
				pem_text(path_of("out.xml"), done);
				assert_int_not_equal(xmlsec1_verify("out.xml"), 0);
			}
			free(done);
		}
	}
	clean();
	free(text);
	if (!xmlsec1)
		skip();
}

#define TEMPLATE                                                                                       \
	"\n  <Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\">\n    <SignedInfo>\n"             \
	"      <CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>\n"      \
	"      <SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#%s\"/>\n"           \
	"      <Reference URI=\"\">\n        <Transforms>\n"                                           \
	"          <Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\n" \
	"          <Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>\n"               \
	"        </Transforms>\n        <DigestMethod Algorithm=\"%s\"/>\n        <DigestValue/>\n"    \
	"      </Reference>\n    </SignedInfo>\n    <SignatureValue/>\n"                               \
	"    <KeyInfo><X509Data><X509Certificate/></X509Data></KeyInfo>\n  </Signature>"

/* Theirs: what xmlsec1 signs is accepted. */
static void test_theirs(void **state)
{
	(void)state;
	if (!have_xmlsec1())
		skip();
	struct kit *k = kit_get();
	static const struct {
		const char *method, *digest;
		bool ecdsa;
	} algs[] = {
	    {"rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256", false},
	    {"rsa-sha512", "http://www.w3.org/2001/04/xmldsig-more#sha384", false},
	    {"ecdsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256", true},
	    {"ecdsa-sha384", "http://www.w3.org/2001/04/xmlenc#sha512", true},
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(algs); i++) {
		const struct party *p = algs[i].ecdsa ? &k->by.system_ec : &k->by.system;
		char *template = text_of(TEMPLATE, algs[i].method, algs[i].digest);
		char *text = letter_text(&(struct letter){.after = template});
		write_key(p->key, p->cert);
		pem_certs(path_of("inter.pem"), k->by.inter.cert, NULL);
		pem_text(path_of("in.xml"), text);
		free(text);
		char *cmd = text_of("cd %s && xmlsec1 --sign --privkey-pem key.pem,cert.pem,inter.pem "
				    "--output out.xml in.xml "
				    ">/dev/null 2>&1",
				    k->dir);
		assert_int_equal(system(cmd), 0);
		text = file_text(path_of("out.xml"), NULL);
		expect_accepted(text);
		free(text);
		free(cmd);
		free(template);
	}
	clean();
	unlink(path_of("inter.pem"));
}

static void refuse(const char *text, EVP_PKEY *key, X509 *cert, int rc, const char *complaint)
{
	struct px_buf out = PX_BUF_INIT, why = PX_BUF_INIT;
	STACK_OF(X509) *chain = sk_X509_new_null();
	if (cert != NULL)
		sk_X509_push(chain, cert);
	assert_int_equal(
	    px_xml_sign((const uint8_t *)text, strlen(text), key, chain, PX_SIGN_SHA256, &out, &why), rc);
	if (strstr(px_buf_str(&why), complaint) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", complaint, px_buf_str(&why));
	assert_int_equal(out.len, 0);
	sk_X509_free(chain);
	px_buf_free(&out);
	px_buf_free(&why);
}

static void test_refused(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	const struct party *p = &k->by.system;
	refuse("<a><b></a>", p->key, p->cert, PX_EPARSE, "line 1: not well-formed");
	refuse("<a>\n<!DOCTYPE b></a>", p->key, p->cert, PX_EPARSE, "line 2: a markup declaration");
	refuse("<a/>", p->key, p->cert, PX_EPARSE, "empty");
	refuse("", p->key, p->cert, PX_EPARSE, "empty");
	refuse("<a></a>", p->key, k->by.node.cert, PX_EINVAL, "does not belong");
	refuse("<a></a>", p->key, NULL, PX_EINVAL, "does not belong");
	struct party small = party_new(NULL, &(struct wish){.name = "s", .key = KEY_RSA1024});
	refuse("<a></a>", small.key, small.cert, PX_EINVAL, "RSA of 2048");
	party_free(&small);
	char *twice = letter_sign(letter_text(&(struct letter){0}), p, &k->by);
	refuse(twice, p->key, p->cert, PX_EPARSE, "has a Signature already");
	free(twice);
}

/* --- where elements stand --- */

static void expect_at(const char *text, unsigned a, unsigned b, unsigned depth, const char *outer,
		      const char *inner)
{
	unsigned path[] = {a, b};
	struct px_span o, i;
	if (outer == NULL) {
		assert_false(px_locate((const uint8_t *)text, strlen(text), path, depth, &o, &i));
		return;
	}
	assert_true(px_locate((const uint8_t *)text, strlen(text), path, depth, &o, &i));
	char *got = px_xstrndup(text + o.offset, o.len), *got_inner = px_xstrndup(text + i.offset, i.len);
	assert_string_equal(got, outer);
	assert_string_equal(got_inner, inner);
	free(got);
	free(got_inner);
}

static void test_locate(void **state)
{
	(void)state;
	static const char text[] =
	    "<?xml version='1.0'?><!-- <a> --><r x='>'>\n<a b=\"</a>\"><!-- </a> --><b/><![CDATA[</a>]]></a>"
	    "<c ><?p <d>?><d>1</d><e f='/'/><e></e></c>\n</r><!-- -->";
	expect_at(text, 0, 0, 1, "<a b=\"</a>\"><!-- </a> --><b/><![CDATA[</a>]]></a>",
		  "<!-- </a> --><b/><![CDATA[</a>]]>");
	expect_at(text, 0, 0, 2, "<b/>", "");
	expect_at(text, 1, 0, 2, "<d>1</d>", "1");
	expect_at(text, 1, 1, 2, "<e f='/'/>", "");
	expect_at(text, 1, 2, 2, "<e></e>", "");
	expect_at(text, 1, 3, 2, NULL, NULL);
	expect_at(text, 2, 0, 1, NULL, NULL);
	expect_at(text, 0, 0, 0,
		  "<r x='>'>\n<a b=\"</a>\"><!-- </a> --><b/><![CDATA[</a>]]></a>"
		  "<c ><?p <d>?><d>1</d><e f='/'/><e></e></c>\n</r>",
		  "\n<a b=\"</a>\"><!-- </a> --><b/><![CDATA[</a>]]></a><c ><?p <d>?><d>1</d><e "
		  "f='/'/><e></e></c>\n");
	/* Not well-formed: an end, but no octet behind it. */
	static const char *const broken[] = {"",          "<",      "<a",   "<a b='", "<!-- ",
					     "<![CDATA[", "<a><b>", "</a>", "<a></a"};
	for (size_t i = 0; i < PX_ARRAY_LEN(broken); i++) {
		struct px_span o;
		size_t n = strlen(broken[i]);
		uint8_t *copy = px_xmemdup(broken[i], n);
		assert_false(px_locate(copy, n, NULL, 0, &o, NULL));
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ours),
	    cmocka_unit_test(test_theirs),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_locate),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	kit_free();
	return rc;
}
