/* prinex: tests of xml: known attacks on signatures, each refused with its own code
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "kit.h"

#include "base/strings.h"

/* Wrapping attacks: SAML Raider's XSW 1 to 8 in our envelope; W3C XML Signature Best Practices; and what
 * libraries are known to have let through. */

#define C14N     "http://www.w3.org/2001/10/xml-exc-c14n#"
#define C14N_INC "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
#define RSA256   "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
#define SHA256   "http://www.w3.org/2001/04/xmlenc#sha256"
#define OPEN     "<px:Exchange xmlns:px=\"urn:prinex:exchange:1\">"

static char *signed_text(void)
{
	struct kit *k = kit_get();
	return letter_sign(letter_text(&(struct letter){0}), &k->by.system, &k->by);
}

/* The Signature element of @text. @return text to be freed. */
static char *signature_of(const char *text)
{
	const char *from = strstr(text, "<ds:Signature "), *to = strstr(text, "</ds:Signature>");
	return px_xstrndup(from, (size_t)(to - from) + strlen("</ds:Signature>"));
}

static char *without_signature(const char *text)
{
	char *signature = signature_of(text);
	char *done = swap(px_xstrdup(text), signature, "");
	free(signature);
	return done;
}

/* --- one place of the text is changed --- */

static const struct edit {
	const char *what, *from, *to;
	enum px_stage stage;
	enum px_code code;
} edits[] = {
    /* what is signed */
    {"payload changed", "2026-11-21T08:15:00Z</pre", "2026-11-21T08:15:01Z</pre", PX_STAGE_SIGNATURE,
     PX_CODE_SIG_DIGEST},
    {"sender changed", "<px:Sender>BY<", "<px:Sender>UA<", PX_STAGE_CERTIFICATE, PX_CODE_CERT_IDENTITY},
    {"recipient changed", "<px:Recipient>UA<", "<px:Recipient>PL<", PX_STAGE_SIGNATURE, PX_CODE_SIG_DIGEST},
    {"white space added in the envelope", "<px:Payload>", "<px:Payload>\n", PX_STAGE_SIGNATURE,
     PX_CODE_SIG_DIGEST},
    {"white space after the signature", "</ds:Signature>", "</ds:Signature>\n", PX_STAGE_SIGNATURE,
     PX_CODE_SIG_DIGEST},
    {"digest value changed", "<ds:DigestValue>", "<ds:DigestValue>AAAA", PX_STAGE_SIGNATURE,
     PX_CODE_SIG_DIGEST},
    {"prefix of the payload renamed", "<n:Ping xmlns:n=", "<m:Ping xmlns:m=", PX_STAGE_PARSE,
     PX_CODE_XML_SYNTAX},
    {"namespace redeclared in the header", "<px:Header>", "<px:Header xmlns:px=\"urn:prinex:exchange:1\">",
     PX_STAGE_OK, 0},
    {"prefix shadowed in the header", "<px:Sender>", "<px:Sender xmlns:px=\"urn:other:1\">",
     PX_STAGE_ENVELOPE, PX_CODE_ENV_HEADER},
    {"unused prefix declared: exclusive C14N leaves it out", "<px:Payload>",
     "<px:Payload xmlns:u=\"urn:u:1\">", PX_STAGE_OK, 0},

    /* Reference */
    {"Reference to an id", "URI=\"\"", "URI=\"#h\"", PX_STAGE_SHAPE, PX_CODE_SIG_REFERENCE},
    {"Reference to a file", "URI=\"\"", "URI=\"file:///etc/passwd\"", PX_STAGE_SHAPE, PX_CODE_SIG_REFERENCE},
    {"Reference to the network", "URI=\"\"", "URI=\"http://127.0.0.1/x\"", PX_STAGE_SHAPE,
     PX_CODE_SIG_REFERENCE},
    {"Reference by xpointer", "URI=\"\"", "URI=\"#xpointer(/)\"", PX_STAGE_SHAPE, PX_CODE_SIG_REFERENCE},
    {"Reference without URI", " URI=\"\"", "", PX_STAGE_SHAPE, PX_CODE_SIG_REFERENCE},
    {"Reference with Id", "<ds:Reference ", "<ds:Reference Id=\"r\" ", PX_STAGE_SHAPE, PX_CODE_SIG_REFERENCE},
    {"Reference with Type", "<ds:Reference ",
     "<ds:Reference Type=\""
     "http://www.w3.org/2000/09/xmldsig#Manifest\" ",
     PX_STAGE_SHAPE, PX_CODE_SIG_REFERENCE},
    {"no Reference", "<ds:Reference URI=\"\">", "<ds:Manifest URI=\"\">", PX_STAGE_PARSE, PX_CODE_XML_SYNTAX},

    /* transforms */
    {"XSLT", "xmldsig#enveloped-signature", "/www.w3.org/TR/1999/REC-xslt-19991116", PX_STAGE_SHAPE,
     PX_CODE_SIG_TRANSFORM},
    {"XPath", "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
     "http://www.w3.org/TR/1999/REC-xpath-19991116", PX_STAGE_SHAPE, PX_CODE_SIG_TRANSFORM},
    {"XPath filter 2", "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
     "http://www.w3.org/2002/06/xmldsig-filter2", PX_STAGE_SHAPE, PX_CODE_SIG_TRANSFORM},
    {"base64", "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
     "http://www.w3.org/2000/09/xmldsig#base64", PX_STAGE_SHAPE, PX_CODE_SIG_TRANSFORM},
    {"no enveloped transform",
     "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>", "",
     PX_STAGE_SHAPE, PX_CODE_SIG_TRANSFORM},
    {"a third transform", "</ds:Transforms>", "<ds:Transform Algorithm=\"" C14N "\"/></ds:Transforms>",
     PX_STAGE_SHAPE, PX_CODE_SIG_TRANSFORM},
    {"an XPath inside a transform", "enveloped-signature\"></ds:Transform>",
     "enveloped-signature\"><ds:XPath>1</ds:XPath></ds:Transform>", PX_STAGE_SHAPE, PX_CODE_SIG_TRANSFORM},
    {"a blank comment inside a transform", "enveloped-signature\"></ds:Transform>",
     "enveloped-signature\"><!-- --></ds:Transform>", PX_STAGE_SHAPE, PX_CODE_SIG_TRANSFORM},
    {"PrefixList in the transform", "<ds:Transform Algorithm=\"" C14N "\"></ds:Transform>",
     "<ds:Transform Algorithm=\"" C14N "\"><ec:InclusiveNamespaces xmlns:ec=\"" C14N
     "\" PrefixList=\"px\"/></ds:Transform>",
     PX_STAGE_SHAPE, PX_CODE_SIG_TRANSFORM},
    {"inclusive C14N as transform", "<ds:Transform Algorithm=\"" C14N, "<ds:Transform Algorithm=\"" C14N_INC,
     PX_STAGE_SHAPE, PX_CODE_SIG_TRANSFORM},
    {"C14N with comments as transform", "<ds:Transform Algorithm=\"" C14N,
     "<ds:Transform Algorithm=\"" C14N "WithComments", PX_STAGE_SHAPE, PX_CODE_SIG_TRANSFORM},

    /* canonicalization of SignedInfo */
    {"inclusive C14N", "<ds:CanonicalizationMethod Algorithm=\"" C14N,
     "<ds:CanonicalizationMethod Algorithm=\"" C14N_INC, PX_STAGE_SHAPE, PX_CODE_SIG_C14N},
    {"C14N with comments", "<ds:CanonicalizationMethod Algorithm=\"" C14N,
     "<ds:CanonicalizationMethod Algorithm=\"" C14N "WithComments", PX_STAGE_SHAPE, PX_CODE_SIG_C14N},
    {"unknown C14N", "<ds:CanonicalizationMethod Algorithm=\"" C14N,
     "<ds:CanonicalizationMethod Algorithm=\"urn:c14n", PX_STAGE_SHAPE, PX_CODE_SIG_C14N},
    {"PrefixList in SignedInfo", "\"></ds:CanonicalizationMethod>",
     "\"><ec:InclusiveNamespaces xmlns:ec=\"" C14N "\" PrefixList=\"px\"/></ds:CanonicalizationMethod>",
     PX_STAGE_SHAPE, PX_CODE_SIG_C14N},

    /* algorithms */
    {"RSA with SHA-1", RSA256, "http://www.w3.org/2000/09/xmldsig#rsa-sha1", PX_STAGE_SHAPE,
     PX_CODE_SIG_ALGORITHM},
    {"RSA with MD5", RSA256, "http://www.w3.org/2001/04/xmldsig-more#rsa-md5", PX_STAGE_SHAPE,
     PX_CODE_SIG_ALGORITHM},
    {"HMAC", RSA256, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", PX_STAGE_SHAPE,
     PX_CODE_SIG_ALGORITHM},
    {"HMACOutputLength", "\"></ds:SignatureMethod>",
     "\"><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>", PX_STAGE_SHAPE,
     PX_CODE_SIG_ALGORITHM},
    {"SHA-1 digest", SHA256, "http://www.w3.org/2000/09/xmldsig#sha1", PX_STAGE_SHAPE, PX_CODE_SIG_ALGORITHM},
    {"MD5 digest", SHA256, "http://www.w3.org/2001/04/xmldsig-more#md5", PX_STAGE_SHAPE,
     PX_CODE_SIG_ALGORITHM},
    {"ECDSA named with an RSA key", RSA256, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
     PX_STAGE_SIGNATURE, PX_CODE_SIG_ALGORITHM},
    {"another digest algorithm than was signed", SHA256, "http://www.w3.org/2001/04/xmlenc#sha512",
     PX_STAGE_SIGNATURE, PX_CODE_SIG_DIGEST},
    {"another signature algorithm than was signed", RSA256,
     "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", PX_STAGE_SIGNATURE, PX_CODE_SIG_VALUE},
    {"no Algorithm", "<ds:DigestMethod Algorithm=", "<ds:DigestMethod algorithm=", PX_STAGE_SHAPE,
     PX_CODE_SIG_ALGORITHM},
    {"Algorithm in a namespace",
     "<ds:DigestMethod Algorithm=", "<ds:DigestMethod ds:Algorithm=", PX_STAGE_SHAPE, PX_CODE_SIG_ALGORITHM},

    /* comments, CDATA, strange content */
    {"comment inside DigestValue", "<ds:DigestValue>", "<ds:DigestValue><!-- x -->", PX_STAGE_SHAPE,
     PX_CODE_SIG_SHAPE},
    {"comment inside SignatureValue", "</ds:SignatureValue>", "<!----></ds:SignatureValue>", PX_STAGE_SHAPE,
     PX_CODE_SIG_SHAPE},
    {"CDATA inside DigestValue", "<ds:DigestValue>", "<ds:DigestValue><![CDATA[A]]>", PX_STAGE_SHAPE,
     PX_CODE_SIG_SHAPE},
    {"PI inside Signature", "<ds:SignatureValue>", "<?x y?><ds:SignatureValue>", PX_STAGE_SHAPE,
     PX_CODE_SIG_SHAPE},
    {"text inside Signature", "<ds:SignatureValue>", "x<ds:SignatureValue>", PX_STAGE_SHAPE,
     PX_CODE_SIG_SHAPE},
    {"not base64", "<ds:SignatureValue>", "<ds:SignatureValue>*", PX_STAGE_SHAPE, PX_CODE_SIG_SHAPE},
    {"base64 that ends early", "</ds:DigestValue>", "A</ds:DigestValue>", PX_STAGE_SHAPE, PX_CODE_SIG_SHAPE},
    {"base64 goes on behind its end", "</ds:SignatureValue>", "AAAA=</ds:SignatureValue>", PX_STAGE_SHAPE,
     PX_CODE_SIG_SHAPE},
    {"white space in an end tag", "</ds:SignatureValue>", "</ds:SignatureValue >", PX_STAGE_OK, 0},
    {"element inside DigestValue", "<ds:DigestValue>", "<ds:DigestValue><x/>", PX_STAGE_SHAPE,
     PX_CODE_SIG_SHAPE},
    {"Id on Signature", "<ds:Signature ", "<ds:Signature Id=\"s\" ", PX_STAGE_SHAPE, PX_CODE_SIG_SHAPE},
    {"xml:id on SignedInfo", "<ds:SignedInfo>", "<ds:SignedInfo xml:id=\"s\">", PX_STAGE_SHAPE,
     PX_CODE_SIG_SHAPE},
    {"Object", "</ds:KeyInfo>", "</ds:KeyInfo><ds:Object>x</ds:Object>", PX_STAGE_SHAPE, PX_CODE_SIG_SHAPE},
    {"foreign element", "</ds:KeyInfo>", "</ds:KeyInfo><x/>", PX_STAGE_SHAPE, PX_CODE_SIG_SHAPE},
    {"foreign element in SignedInfo", "</ds:SignedInfo>", "<x/></ds:SignedInfo>", PX_STAGE_SHAPE,
     PX_CODE_SIG_REFERENCE},
    {"Object before SignatureValue", "<ds:SignatureValue>", "<ds:Object/><ds:SignatureValue>", PX_STAGE_SHAPE,
     PX_CODE_SIG_SHAPE},

    /* KeyInfo */
    {"KeyName", "<ds:X509Data>", "<ds:KeyName>k</ds:KeyName><ds:X509Data>", PX_STAGE_SHAPE,
     PX_CODE_SIG_KEYINFO},
    {"KeyValue", "<ds:X509Data>", "<ds:KeyValue><ds:RSAKeyValue/></ds:KeyValue><ds:X509Data>", PX_STAGE_SHAPE,
     PX_CODE_SIG_KEYINFO},
    {"KeyValue after", "</ds:X509Data>", "</ds:X509Data><ds:KeyValue/>", PX_STAGE_SHAPE, PX_CODE_SIG_KEYINFO},
    {"RetrievalMethod", "<ds:X509Data>", "<ds:RetrievalMethod URI=\"#k\"/><ds:X509Data>", PX_STAGE_SHAPE,
     PX_CODE_SIG_KEYINFO},
    {"X509SubjectName", "<ds:X509Data>", "<ds:X509Data><ds:X509SubjectName>CN=x</ds:X509SubjectName>",
     PX_STAGE_SHAPE, PX_CODE_SIG_KEYINFO},
    {"X509CRL", "</ds:X509Data>", "<ds:X509CRL>AAAA</ds:X509CRL></ds:X509Data>", PX_STAGE_SHAPE,
     PX_CODE_SIG_KEYINFO},
    {"Id on KeyInfo", "<ds:KeyInfo>", "<ds:KeyInfo Id=\"k\">", PX_STAGE_SHAPE, PX_CODE_SIG_KEYINFO},
    {"comment in a certificate", "<ds:X509Certificate>", "<ds:X509Certificate><!-- -->", PX_STAGE_SHAPE,
     PX_CODE_SIG_KEYINFO},
    {"a certificate that is none", "<ds:X509Data>",
     "<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate>", PX_STAGE_CERTIFICATE,
     PX_CODE_CERT_MALFORMED},
    {"no X509Data", "<ds:X509Data>", "<ds:PGPData>", PX_STAGE_PARSE, PX_CODE_XML_SYNTAX},

    /* the envelope around it */
    {"Id on Exchange", "<px:Exchange ", "<px:Exchange Id=\"e\" ", PX_STAGE_ENVELOPE, PX_CODE_ENV_SCHEMA},
    {"xml:id on Payload", "<px:Payload>", "<px:Payload xml:id=\"p\">", PX_STAGE_ENVELOPE, PX_CODE_ENV_SCHEMA},
    {"duplicate xml:id", "<n:Ping ", "<n:Ping xml:id=\"p\" ", PX_STAGE_SIGNATURE, PX_CODE_SIG_DIGEST},
    {"comment in the header", "<px:Sender>", "<!-- x --><px:Sender>", PX_STAGE_ENVELOPE, PX_CODE_ENV_COMMENT},
    {"comment inside a header value", "<px:Sender>BY", "<px:Sender>B<!-- x -->Y", PX_STAGE_ENVELOPE,
     PX_CODE_ENV_COMMENT},
    {"a second Sender", "<px:Recipient>", "<px:Sender>UA</px:Sender><px:Recipient>", PX_STAGE_ENVELOPE,
     PX_CODE_ENV_HEADER},
    {"a second Header", "<px:Payload>", "<px:Header/><px:Payload>", PX_STAGE_ENVELOPE, PX_CODE_ENV_SCHEMA},
    {"a second Payload", "<ds:Signature ", "<px:Payload><x/></px:Payload><ds:Signature ", PX_STAGE_ENVELOPE,
     PX_CODE_ENV_SCHEMA},
    {"a second root in Payload", "</px:Payload>", "<x/></px:Payload>", PX_STAGE_ENVELOPE,
     PX_CODE_ENV_PAYLOAD},
    {"relative namespace name", "<px:Payload>", "<px:Payload xmlns:r=\"r/s\">", PX_STAGE_PARSE,
     PX_CODE_XML_NAMESPACE},
    {"ampersand in a namespace name", "<px:Payload>", "<px:Payload xmlns:r=\"urn:r:1?a=1&amp;b=2\">",
     PX_STAGE_PARSE, PX_CODE_XML_NAMESPACE},
    {"DOCTYPE", "<px:Exchange ", "<!DOCTYPE x><px:Exchange ", PX_STAGE_PRESCAN, PX_CODE_SCAN_DOCTYPE},
    {"parameter entity", "<px:Exchange ",
     "<!DOCTYPE x [<!ENTITY % e SYSTEM \"file:///etc/passwd\">%e;]><px:Exchange ", PX_STAGE_PRESCAN,
     PX_CODE_SCAN_DOCTYPE},
    {"entity", "<px:Sender>BY", "<px:Sender>&x;", PX_STAGE_PARSE, PX_CODE_XML_SYNTAX},
    {"XInclude", "</preparation",
     "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"/etc/passwd\"/></preparation",
     PX_STAGE_SIGNATURE, PX_CODE_SIG_DIGEST},
    {"UTF-7 declared", "<px:Exchange ", "<?xml version=\"1.0\" encoding=\"UTF-7\"?><px:Exchange ",
     PX_STAGE_PRESCAN, PX_CODE_SCAN_ENCODING},
    {"XML 1.1", "<px:Exchange ", "<?xml version=\"1.1\"?><px:Exchange ", PX_STAGE_PRESCAN,
     PX_CODE_SCAN_SYNTAX},
    {"xsi:type", "<n:Ping ",
     "<n:Ping xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"n:X\" ", PX_STAGE_ENVELOPE,
     PX_CODE_ENV_XSI_TYPE},
};

static void test_edits(void **state)
{
	(void)state;
	char *good = signed_text();
	expect_accepted(good);
	for (size_t i = 0; i < PX_ARRAY_LEN(edits); i++) {
		const struct edit *e = &edits[i];
		print_message("# %s\n", e->what);
		char *text = swap(px_xstrdup(good), e->from, e->to);
		if (e->stage == PX_STAGE_OK)
			expect_accepted(text);
		else
			expect_refused(text, e->stage, e->code);
		free(text);
	}
	free(good);
}

/* --- signature wrapping --- */

static char *forged(void)
{
	return letter_text(&(struct letter){.id = "FORGED", .recipients = "PL"});
}

/* XSW 1 and 2: the forged message outside, the genuine one within Signature's Object, or beside it. */
static void test_wrap_in_signature(void **state)
{
	(void)state;
	char *good = signed_text(), *signature = signature_of(good), *bare = without_signature(good);
	char *object = text_of("<ds:Object>%s</ds:Object></ds:Signature></px:Exchange>", good);
	char *in_object = swap(forged(), "</px:Exchange>", signature);
	in_object = swap(in_object, "</ds:Signature>", object);
	/* The genuine Signature in there is a second one. */
	expect_refused(in_object, PX_STAGE_SHAPE, PX_CODE_SIG_COUNT);
	char *object2 = text_of("<ds:Object>%s</ds:Object></ds:Signature></px:Exchange>", bare);
	char *in_object2 = swap(forged(), "</px:Exchange>", signature);
	in_object2 = swap(in_object2, "</ds:Signature>", object2);
	expect_refused(in_object2, PX_STAGE_SHAPE, PX_CODE_SIG_SHAPE);
	char *all[] = {good, signature, bare, object, in_object, object2, in_object2};
	for (size_t i = 0; i < PX_ARRAY_LEN(all); i++)
		free(all[i]);
}

/* XSW 3 to 6: the genuine message as sibling, child or parent of the forged one. */
static void test_wrap_in_envelope(void **state)
{
	(void)state;
	char *good = signed_text(), *signature = signature_of(good), *bare = without_signature(good);
	char *outer = text_of("<forged>%s</forged>", good);
	expect_refused(outer, PX_STAGE_ENVELOPE, PX_CODE_ENV_ROOT);
	char *beside = swap(forged(), "</px:Payload>", "</px:Payload>@");
	beside = swap(beside, "@", good);
	expect_refused(beside, PX_STAGE_ENVELOPE, PX_CODE_ENV_SCHEMA);
	char *within = swap(forged(), PING, good);
	expect_refused(within, PX_STAGE_ENVELOPE, PX_CODE_ENV_ROOT_TYPE);
	char *within2 = swap(forged(), PING, bare);
	within2 = swap(within2, "</px:Payload>\n</px:Exchange>\n", "</px:Payload>\n@</px:Exchange>\n");
	within2 = swap(within2, "@", signature);
	expect_refused(within2, PX_STAGE_ENVELOPE, PX_CODE_ENV_ROOT_TYPE);
	char *all[] = {good, signature, bare, outer, beside, within, within2};
	for (size_t i = 0; i < PX_ARRAY_LEN(all); i++)
		free(all[i]);
}

/* XSW 7 and 8: in a slot that its schema leaves open; here there is none, and the signature counts anyway. */
static void test_signature_elsewhere(void **state)
{
	(void)state;
	char *good = signed_text(), *signature = signature_of(good), *bare = without_signature(good);
	char *inside = swap(px_xstrdup(bare), "</n:Ping>", "@</n:Ping>");
	inside = swap(inside, "@", signature);
	expect_refused(inside, PX_STAGE_SHAPE, PX_CODE_SIG_PLACE);
	char *first = swap(px_xstrdup(bare), "<px:Header>", "@<px:Header>");
	first = swap(first, "@", signature);
	expect_refused(first, PX_STAGE_SHAPE, PX_CODE_SIG_PLACE);
	char *twice = swap(px_xstrdup(good), "</ds:Signature>", "</ds:Signature>@");
	twice = swap(twice, "@", signature);
	expect_refused(twice, PX_STAGE_SHAPE, PX_CODE_SIG_COUNT);
	char *nested = swap(px_xstrdup(good), "</ds:X509Data>", "</ds:X509Data>@");
	nested = swap(nested, "@", signature);
	expect_refused(nested, PX_STAGE_SHAPE, PX_CODE_SIG_COUNT);
	expect_refused(bare, PX_STAGE_SHAPE, PX_CODE_SIG_MISSING);
	char *all[] = {good, signature, bare, inside, first, twice, nested};
	for (size_t i = 0; i < PX_ARRAY_LEN(all); i++)
		free(all[i]);
}

static void test_two_parts(void **state)
{
	(void)state;
	char *good = signed_text();
	const char *from = strstr(good, "<ds:SignedInfo>"), *to = strstr(good, "</ds:SignedInfo>");
	char *info = px_xstrndup(from, (size_t)(to - from) + strlen("</ds:SignedInfo>"));
	char *text = swap(px_xstrdup(good), "<ds:SignatureValue>", "@<ds:SignatureValue>");
	text = swap(text, "@", info);
	expect_refused(text, PX_STAGE_SHAPE, PX_CODE_SIG_SHAPE);
	free(text);
	from = strstr(good, "<ds:Reference "), to = strstr(good, "</ds:Reference>");
	char *ref = px_xstrndup(from, (size_t)(to - from) + strlen("</ds:Reference>"));
	text = swap(px_xstrdup(good), "</ds:Reference>", "</ds:Reference>@");
	text = swap(text, "@", ref);
	expect_refused(text, PX_STAGE_SHAPE, PX_CODE_SIG_REFERENCE);
	free(text);
	text = swap(px_xstrdup(good), ref, "");
	expect_refused(text, PX_STAGE_SHAPE, PX_CODE_SIG_REFERENCE);
	free(text);
	/* A hundred transforms. */
	struct px_buf many = PX_BUF_INIT;
	for (int i = 0; i < 100; i++)
		px_buf_adds(&many, "<ds:Transform Algorithm=\"" C14N "\"/>");
	px_buf_adds(&many, "</ds:Transforms>");
	text = swap(px_xstrdup(good), "</ds:Transforms>", px_buf_str(&many));
	expect_refused(text, PX_STAGE_SHAPE, PX_CODE_SIG_TRANSFORM);
	free(text);
	px_buf_free(&many);
	free(ref);
	free(info);
	free(good);
}

/* The content of one genuine exchange under the signature of another. */
static void test_transplant(void **state)
{
	(void)state;
	char *good = signed_text(), *signature = signature_of(good);
	char *text = swap(forged(), "</px:Payload>\n", "</px:Payload>@\n");
	text = swap(text, "@", signature);
	expect_refused(text, PX_STAGE_SIGNATURE, PX_CODE_SIG_DIGEST);
	free(text);
	free(signature);
	free(good);
}

/* --- keys --- */

/* Signed with the attacker's key, the genuine certificate enclosed. */
static void test_other_key(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	char *good = signed_text();
	struct party thief = party_new(&k->by.inter, &(struct wish){.name = "x", .key = KEY_RSA2048});
	char *text = sign_with("<x></x>", &thief, NULL, PX_SIGN_SHA256);
	char *bad = letter_sign(letter_text(&(struct letter){0}), &thief, &k->by);
	char *cert_bad = px_xstrndup(strstr(bad, "<ds:KeyInfo>"), 4096);
	char *cert_good = px_xstrndup(strstr(good, "<ds:KeyInfo>"), strlen(strstr(good, "<ds:KeyInfo>")));
	*strstr(bad, "<ds:KeyInfo>") = '\0';
	char *swapped = text_of("%s%s", bad, cert_good);
	expect_refused(swapped, PX_STAGE_SIGNATURE, PX_CODE_SIG_VALUE);
	char *all[] = {good, text, bad, cert_bad, cert_good, swapped};
	for (size_t i = 0; i < PX_ARRAY_LEN(all); i++)
		free(all[i]);
	party_free(&thief);
}

/* The genuine certificate first, the attacker's valid own one second, and the other way round. */
static void test_two_certificates(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	char *text = letter_text(&(struct letter){0});
	char *a = sign_with(text, &k->by.system, k->ua.system.cert, PX_SIGN_SHA256);
	expect_refused(a, PX_STAGE_CERTIFICATE, PX_CODE_SIG_KEYINFO);
	char *b = sign_with(text, &k->ua.system, k->by.system.cert, PX_SIGN_SHA256);
	expect_refused(b, PX_STAGE_CERTIFICATE, PX_CODE_SIG_KEYINFO);
	free(a);
	free(b);
	free(text);
}

/* The chain in any order, the leaf twice: it is told by what it is. */
static void test_order_of_certificates(void **state)
{
	(void)state;
	char *good = signed_text();
	const char *first = strstr(good, "<ds:X509Certificate>"),
		   *second = strstr(first + 1, "<ds:X509Certificate>");
	char *leaf = px_xstrndup(first, (size_t)(second - first));
	char *text = swap(px_xstrdup(good), leaf, "");
	text = swap(text, "</ds:X509Data>", "@</ds:X509Data>");
	text = swap(text, "@", leaf);
	expect_accepted(text);
	free(text);
	text = swap(px_xstrdup(good), "</ds:X509Data>", "@</ds:X509Data>");
	text = swap(text, "@", leaf);
	expect_accepted(text);
	free(text);
	free(leaf);
	free(good);
}

/* --- comments and PIs inside the payload --- */

/* They are carried, not read: a comment that splits a value must not shorten it. */
static void test_comment_in_value(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	char *payload = file_text("schemas/examples/Cancellation-small.xml", NULL);
	char *root = px_xstrdup(strstr(payload, "<n:"));
	char *lrn = strstr(root, "<LRN>"), value[40];
	px_strlcpy_n(value, lrn + 5, strcspn(lrn + 5, "<"), sizeof(value));
	root = swap(root, "<LRN>", "<LRN><!-- x -->");
	char whole[60];
	snprintf(whole, sizeof(whole), "%s</LRN>", value);
	char split[80];
	snprintf(split, sizeof(split), "%.3s<!-- y -->%s</LRN>", value, value + 3);
	root = swap(root, whole, split);
	char *text = letter_sign(letter_text(&(struct letter){.type = "Cancellation", .payload = root}),
				 &k->by.system, &k->by);
	expect_accepted(text);
	struct px_verdict *v = kit_examine(text, strlen(text));
	assert_string_equal(px_keys_first(&v->keys, PX_KEY_LRN), value);
	assert_true(v->keys.ends_movement);
	px_verdict_free(&v);
	/* Comments are not signed (URI=""): taking one away changes nothing that is believed. */
	text = swap(text, "<!-- y -->", "");
	expect_accepted(text);
	free(text);
	free(root);
	free(payload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_edits),
	    cmocka_unit_test(test_wrap_in_signature),
	    cmocka_unit_test(test_wrap_in_envelope),
	    cmocka_unit_test(test_signature_elsewhere),
	    cmocka_unit_test(test_two_parts),
	    cmocka_unit_test(test_transplant),
	    cmocka_unit_test(test_other_key),
	    cmocka_unit_test(test_two_certificates),
	    cmocka_unit_test(test_order_of_certificates),
	    cmocka_unit_test(test_comment_in_value),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	kit_free();
	return rc;
}
