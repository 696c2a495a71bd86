/* prinex: tests of xml: whose certificate may sign what, and when
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "kit.h"

#include <unistd.h>

#include "base/strings.h"
#include "xml/examiner.h"

#define BY_SYSTEM "urn:prinex:BY:system:customs"

/* Sign a Ping of BY with @who, sending @second along. */
static char *ping_by(const struct party *who, X509 *second)
{
	char *text = letter_text(&(struct letter){0});
	char *done = sign_with(text, who, second, PX_SIGN_SHA256);
	free(text);
	return done;
}

static struct px_verdict *examine(const char *text, int64_t now, bool first, unsigned roles)
{
	struct px_exam exam = {.kind = PX_DOC_EXCHANGE, .now = now, .first_broker = first, .roles = roles};
	return kit_examine_as(&exam, text, strlen(text));
}

static void expect(struct px_verdict *v, enum px_stage stage, enum px_code code)
{
	if (v->stage != stage || (stage != PX_STAGE_OK && v->errors.items[0].code != code))
		fail_msg("stage %s, %s %s", px_stage_name(v->stage),
			 v->errors.n > 0 ? px_code_wire(v->errors.items[0].code) : "-",
			 v->errors.n > 0 ? v->errors.items[0].text : "");
	px_verdict_free(&v);
}

/* --- one leaf after another, issued by BY's intermediate --- */

static const struct leaf_case {
	const char *what;
	struct wish wish;
	enum px_code code; /* PX_CODE_COUNT: accepted */
} leaves[] = {
    {"as it should be", {.san = BY_SYSTEM}, PX_CODE_COUNT},
    {"P-384", {.san = BY_SYSTEM, .key = KEY_P384}, PX_CODE_COUNT},
    {"RSA-2048", {.san = BY_SYSTEM, .key = KEY_RSA2048}, PX_CODE_COUNT},
    {"a node may ping too", {.san = "urn:prinex:BY:node:other"}, PX_CODE_COUNT},
    {"with other names beside", {.san = "https://example.org/ " BY_SYSTEM}, PX_CODE_COUNT},
    {"content commitment too", {.san = BY_SYSTEM, .ku = "digitalSignature,nonRepudiation"}, PX_CODE_COUNT},
    {"expired", {.san = BY_SYSTEM, .from = NOW - 30 * DAY, .to = NOW - DAY}, PX_CODE_CERT_EXPIRED},
    {"not yet", {.san = BY_SYSTEM, .from = NOW + DAY}, PX_CODE_CERT_NOT_YET},
    {"revoked", {.san = BY_SYSTEM, .serial = 7}, PX_CODE_CERT_REVOKED},
    {"no usage for documents", {.san = BY_SYSTEM, .eku = ""}, PX_CODE_CERT_USAGE},
    {"client certificate", {.san = BY_SYSTEM, .eku = "clientAuth"}, PX_CODE_CERT_USAGE},
    {"for TLS too", {.san = BY_SYSTEM, .eku = "1.3.6.1.5.5.7.3.36,serverAuth"}, PX_CODE_CERT_USAGE},
    {"any usage", {.san = BY_SYSTEM, .eku = "1.3.6.1.5.5.7.3.36,anyExtendedKeyUsage"}, PX_CODE_CERT_USAGE},
    {"no key usage", {.san = BY_SYSTEM, .ku = ""}, PX_CODE_CERT_USAGE},
    {"encipherment only", {.san = BY_SYSTEM, .ku = "keyEncipherment"}, PX_CODE_CERT_USAGE},
    {"no name", {.san = NULL}, PX_CODE_CERT_IDENTITY},
    {"an officer", {.san = "urn:prinex:BY:officer:brest"}, PX_CODE_CERT_IDENTITY},
    {"another authority", {.san = "urn:prinex:UA:system:customs"}, PX_CODE_CERT_IDENTITY},
    {"two names of ours", {.san = BY_SYSTEM " urn:prinex:BY:system:second"}, PX_CODE_CERT_IDENTITY},
    {"no role", {.san = "urn:prinex:BY:king:customs"}, PX_CODE_CERT_IDENTITY},
    {"a part too many", {.san = BY_SYSTEM ":x"}, PX_CODE_CERT_IDENTITY},
    {"prefix of the authority", {.san = "urn:prinex:B:system:customs"}, PX_CODE_CERT_IDENTITY},
};

static void test_leaves(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	for (size_t i = 0; i < PX_ARRAY_LEN(leaves); i++) {
		struct wish wish = leaves[i].wish;
		wish.name = leaves[i].what;
		print_message("# %s\n", wish.name);
		struct party p = party_new(&k->by.inter, &wish);
		char *text = ping_by(&p, k->by.inter.cert);
		if (leaves[i].code == PX_CODE_COUNT)
			expect_accepted(text);
		else
			expect_refused(text, PX_STAGE_CERTIFICATE, leaves[i].code);
		free(text);
		party_free(&p);
	}
}

/* Put the certificate of @who in the place of the leaf. */
static char *replace_leaf(const char *text, X509 *cert)
{
	unsigned char *der = NULL;
	int n = i2d_X509(cert, &der);
	struct px_buf b64 = PX_BUF_INIT;
	px_base64(&b64, der, (size_t)n);
	const char *from = strstr(text, "<ds:X509Certificate>") + strlen("<ds:X509Certificate>");
	char *done = text_of("%.*s%s%s", (int)(from - text), text, px_buf_str(&b64), strchr(from, '<'));
	OPENSSL_free(der);
	px_buf_free(&b64);
	return done;
}

/* Keys that our own signing would not use. */
static void test_keys(void **state)
{
	(void)state;
	static const enum key_kind kinds[] = {KEY_P521, KEY_RSA1024, KEY_RSA_PSS, KEY_ED25519};
	struct kit *k = kit_get();
	char *good = ping_by(&k->by.system, k->by.inter.cert);
	for (size_t i = 0; i < PX_ARRAY_LEN(kinds); i++) {
		struct party p =
		    party_new(&k->by.inter, &(struct wish){.name = "k", .san = BY_SYSTEM, .key = kinds[i]});
		char *text = replace_leaf(good, p.cert);
		expect_refused(text, PX_STAGE_CERTIFICATE, PX_CODE_CERT_KEY);
		free(text);
		party_free(&p);
	}
	free(good);
}

/* --- chains --- */

static void test_chains(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	struct wish leaf = {.name = "leaf", .san = BY_SYSTEM};
	/* Without its intermediate. */
	char *text = ping_by(&k->by.system_ec, NULL);
	expect_refused(text, PX_STAGE_CERTIFICATE, PX_CODE_CERT_CHAIN);
	free(text);
	/* Under another authority's CA. */
	struct party p = party_new(&k->ua.inter, &leaf);
	text = ping_by(&p, k->ua.inter.cert);
	expect_refused(text, PX_STAGE_CERTIFICATE, PX_CODE_CERT_CHAIN);
	free(text);
	party_free(&p);
	/* Self-signed. */
	p = party_new(NULL, &leaf);
	text = ping_by(&p, NULL);
	expect_refused(text, PX_STAGE_CERTIFICATE, PX_CODE_CERT_CHAIN);
	free(text);
	party_free(&p);
	/* Issued by a leaf. */
	p = party_new(&k->by.system_ec, &leaf);
	text = ping_by(&p, k->by.inter.cert);
	expect_refused(text, PX_STAGE_CERTIFICATE, PX_CODE_CERT_CHAIN);
	free(text);
	party_free(&p);
	/* A CA of the same name and another key. */
	struct party fake_root = party_new(NULL, &(struct wish){.name = "BY root", .ca = true});
	struct party fake = party_new(&fake_root, &(struct wish){.name = "BY intermediate", .ca = true});
	p = party_new(&fake, &leaf);
	text = ping_by(&p, fake.cert);
	expect_refused(text, PX_STAGE_CERTIFICATE, PX_CODE_CERT_CHAIN);
	free(text);
	party_free(&p);
	party_free(&fake);
	party_free(&fake_root);
	/* SHA-1 and a small key on the way. */
	struct wish weak = leaf;
	weak.md = "SHA1";
	p = party_new(&k->by.inter, &weak);
	text = ping_by(&p, k->by.inter.cert);
	expect_refused(text, PX_STAGE_CERTIFICATE, PX_CODE_CERT_CHAIN);
	free(text);
	party_free(&p);
	struct party small =
	    party_new(&k->by.root, &(struct wish){.name = "small", .ca = true, .key = KEY_RSA1024});
	p = party_new(&small, &leaf);
	text = ping_by(&p, small.cert);
	expect_refused(text, PX_STAGE_CERTIFICATE, PX_CODE_CERT_KEY);
	free(text);
	party_free(&p);
	party_free(&small);
}

static void test_all_faults_at_once(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	struct party p = party_new(&k->by.inter, &(struct wish){.name = "bad",
								.san = BY_SYSTEM,
								.serial = 7,
								.eku = "clientAuth",
								.from = NOW - 9 * DAY,
								.to = NOW - DAY});
	char *text = ping_by(&p, k->by.inter.cert);
	struct px_verdict *v = kit_examine(text, strlen(text));
	bool usage = false, expired = false, revoked = false;
	for (unsigned i = 0; i < v->errors.n; i++) {
		usage |= v->errors.items[i].code == PX_CODE_CERT_USAGE;
		expired |= v->errors.items[i].code == PX_CODE_CERT_EXPIRED;
		revoked |= v->errors.items[i].code == PX_CODE_CERT_REVOKED;
	}
	assert_true(usage && expired && revoked);
	px_verdict_free(&v);
	free(text);
	party_free(&p);
}

/* --- who may sign what --- */

static void test_roles(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	char *payload = file_text("schemas/examples/Cancellation-small.xml", NULL);
	struct letter cancel = {.type = "Cancellation", .payload = strstr(payload, "<n:")};
	char *text = letter_sign(letter_text(&cancel), &k->by.node, &k->by);
	expect_refused(text, PX_STAGE_CERTIFICATE, PX_CODE_CERT_IDENTITY);
	/* ... unless the caller says so. */
	expect(examine(text, NOW, true, 1u << PX_ROLE_NODE), PX_STAGE_OK, 0);
	free(text);
	char *alarm = file_text("schemas/examples/Alarm-small.xml", NULL);
	struct letter raise = {.type = "Alarm", .payload = strstr(alarm, "<n:"), .id = "PX-1"};
	text = letter_sign(letter_text(&raise), &k->by.node, &k->by);
	expect_accepted(text);
	free(text);
	text = letter_sign(letter_text(&raise), &k->by.system, &k->by);
	expect_refused(text, PX_STAGE_CERTIFICATE, PX_CODE_CERT_IDENTITY);
	free(text);
	/* An authority that nobody configured. */
	struct letter unknown = {.sender = "PL"};
	text = letter_sign(letter_text(&unknown), &k->by.system, &k->by);
	expect_refused(text, PX_STAGE_CERTIFICATE, PX_CODE_CERT_TRUST);
	free(text);
	/* Ids that nodes make: a Ping may come from either, such an id only from a node. */
	struct letter ping = {.id = "PX-77"};
	text = letter_sign(letter_text(&ping), &k->by.node, &k->by);
	expect_accepted(text);
	free(text);
	text = letter_sign(letter_text(&ping), &k->by.system, &k->by);
	expect_refused(text, PX_STAGE_CERTIFICATE, PX_CODE_ENV_MESSAGE_ID);
	free(text);
	cancel.id = "PX-78";
	text = letter_sign(letter_text(&cancel), &k->by.system, &k->by);
	expect_refused(text, PX_STAGE_ENVELOPE, PX_CODE_ENV_MESSAGE_ID);
	free(text);
	free(alarm);
	free(payload);
}

/* --- times --- */

static void test_times(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	/* Valid until yesterday; the message is two days old. */
	struct party p =
	    party_new(&k->by.inter, &(struct wish){.name = "rolled over", .san = BY_SYSTEM, .to = NOW - DAY});
	char *text =
	    letter_sign(letter_text(&(struct letter){.created = "2026-11-19T08:15:00Z"}), &p, &k->by);
	expect(examine(text, NOW, true, 0), PX_STAGE_CERTIFICATE, PX_CODE_CERT_EXPIRED);
	expect(examine(text, NOW, false, 0), PX_STAGE_OK, 0);
	/* The cached certificate does not change either answer. */
	expect(examine(text, NOW, true, 0), PX_STAGE_CERTIFICATE, PX_CODE_CERT_EXPIRED);
	expect(examine(text, NOW, false, 0), PX_STAGE_OK, 0);
	free(text);
	/* Dated before the certificate began. */
	text = letter_sign(letter_text(&(struct letter){.created = "2026-10-01T08:15:00Z"}), &p, &k->by);
	expect(examine(text, NOW, false, 0), PX_STAGE_CERTIFICATE, PX_CODE_CERT_NOT_YET);
	free(text);
	party_free(&p);
	/* Revocation is judged at now, also for old messages. */
	text = letter_sign(letter_text(&(struct letter){.created = "2026-11-19T08:15:00Z"}), &k->by.revoked,
			   &k->by);
	expect(examine(text, NOW, false, 0), PX_STAGE_CERTIFICATE, PX_CODE_CERT_REVOKED);
	free(text);
	/* The list has run out: nobody knows, nobody is believed; the cache must not hide it. */
	text = letter_sign(letter_text(&(struct letter){0}), &k->by.system, &k->by);
	expect(examine(text, NOW, false, 0), PX_STAGE_OK, 0);
	expect(examine(text, NOW + 31 * DAY, false, 0), PX_STAGE_CERTIFICATE, PX_CODE_CERT_CRL);
	expect(examine(text, NOW, false, 0), PX_STAGE_OK, 0);
	free(text);
}

/* --- what a configuration may say --- */

/* An examiner that trusts @anchor for BY's systems, as @more says. */
static struct px_examiner *examiner(const char *more, struct px_conf **conf, struct px_buf *why)
{
	struct kit *k = kit_get();
	struct px_problems problems = {0};
	struct px_examiner *ex = NULL;
	char path[120];
	snprintf(path, sizeof(path), "%s/other.conf", k->dir);
	char *text = text_of(
	    "node { authority = \"UA\" name = broker environment = test tls-certificate = t tls-key = t "
	    "sign-certificate = s sign-key = s }\nauthority \"BY\" { system { %s } }\n",
	    more);
	pem_text(path, text);
	free(text);
	assert_int_equal(px_conf_load(path, conf, &problems), PX_OK);
	px_problems_free(&problems);
	unlink(path);
	px_examiner_new(*conf, k->cat, &ex, why);
	return ex;
}

static void expect_with(const char *more, const char *text, int64_t now, enum px_stage stage,
			enum px_code code)
{
	struct px_conf *conf = NULL;
	struct px_buf why = PX_BUF_INIT;
	struct px_examiner *ex = examiner(more, &conf, &why);
	if (ex == NULL)
		fail_msg("%s", px_buf_str(&why));
	struct px_exam exam = {.kind = PX_DOC_EXCHANGE, .now = now, .first_broker = true};
	expect(px_examine(ex, &exam, (const uint8_t *)text, strlen(text)), stage, code);
	px_examiner_free(&ex);
	px_conf_free(&conf);
}

static void test_pins(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	uint8_t digest[PX_DIGEST_LEN];
	char hex[PX_DIGEST_HEX];
	unsigned char *spki = NULL;
	struct party p = party_new(&k->by.inter, &(struct wish){.name = "national", .san = NULL});
	int n = i2d_PUBKEY(p.key, &spki);
	px_sha256(spki, (size_t)n, digest);
	px_hex(digest, sizeof(digest), hex);
	char *text = ping_by(&p, k->by.inter.cert);
	char *more = text_of("anchors = \"BY.pem\" crls = \"BY.crl\" pins = { \"%s\" }", hex);
	expect_with(more, text, NOW, PX_STAGE_OK, 0);
	/* A pin replaces the name, never the chain. */
	char *other = text_of("anchors = \"UA.pem\" crls = \"UA.crl\" pins = { \"%s\" }", hex);
	expect_with(other, text, NOW, PX_STAGE_CERTIFICATE, PX_CODE_CERT_CHAIN);
	/* Another key is not pinned. */
	struct party q = party_new(&k->by.inter, &(struct wish){.name = "national", .san = NULL});
	char *text2 = ping_by(&q, k->by.inter.cert);
	expect_with(more, text2, NOW, PX_STAGE_CERTIFICATE, PX_CODE_CERT_IDENTITY);
	free(text2);
	free(text);
	free(more);
	free(other);
	OPENSSL_free(spki);
	party_free(&p);
	party_free(&q);
}

static void test_lists(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	char path[120];
	static const long none[] = {0};
	char *good = ping_by(&k->by.system, k->by.inter.cert),
	     *revoked = ping_by(&k->by.revoked, k->by.inter.cert);
	/* No list: refused, unless the configuration says that it need not be. */
	expect_with("anchors = \"BY.pem\" crls = \"UA.crl\"", good, NOW, PX_STAGE_CERTIFICATE,
		    PX_CODE_CERT_CRL);
	expect_with("anchors = \"BY.pem\" crl-required = false", good, NOW, PX_STAGE_OK, 0);
	/* A list that is there counts all the same. */
	expect_with("anchors = \"BY.pem\" crls = \"BY.crl\" crl-required = false", revoked, NOW,
		    PX_STAGE_CERTIFICATE, PX_CODE_CERT_REVOKED);
	expect_with("anchors = \"BY.pem\" crls = \"BY.crl\" crl-required = false", good, NOW + 31 * DAY,
		    PX_STAGE_OK, 0);
	/* The root's list revokes the intermediate. */
	long inter[] = {ASN1_INTEGER_get(X509_get0_serialNumber(k->by.inter.cert)), 0};
	X509_CRL *root = crl_new(&k->by.root, inter, NOW + DAY),
		 *leafs = crl_new(&k->by.inter, none, NOW + DAY);
	snprintf(path, sizeof(path), "%s/x.crl", k->dir);
	pem_crls(path, root, leafs);
	expect_with("anchors = \"BY.pem\" crls = \"x.crl\"", good, NOW, PX_STAGE_CERTIFICATE,
		    PX_CODE_CERT_REVOKED);
	X509_CRL_free(root);
	/* Only the intermediate's list: the root says nothing about the intermediate. */
	pem_crls(path, leafs, NULL);
	expect_with("anchors = \"BY.pem\" crls = \"x.crl\"", good, NOW, PX_STAGE_CERTIFICATE,
		    PX_CODE_CERT_CRL);
	X509_CRL_free(leafs);
	/* A list signed by somebody else. */
	struct party fake = party_new(&k->by.root, &(struct wish){.name = "BY intermediate", .ca = true});
	root = crl_new(&k->by.root, none, NOW + DAY), leafs = crl_new(&fake, none, NOW + DAY);
	pem_crls(path, root, leafs);
	expect_with("anchors = \"BY.pem\" crls = \"x.crl\"", good, NOW, PX_STAGE_CERTIFICATE,
		    PX_CODE_CERT_CRL);
	X509_CRL_free(root);
	X509_CRL_free(leafs);
	party_free(&fake);
	unlink(path);
	free(good);
	free(revoked);
}

/* What is configured as anchor is trusted, whatever stands above it. */
static void test_anchor_in_the_middle(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	char path[120];
	static const long none[] = {0};
	snprintf(path, sizeof(path), "%s/x.pem", k->dir);
	pem_certs(path, k->by.inter.cert, NULL);
	X509_CRL *list = crl_new(&k->by.inter, none, NOW + DAY);
	char crl[120];
	snprintf(crl, sizeof(crl), "%s/x.crl", k->dir);
	pem_crls(crl, list, NULL);
	X509_CRL_free(list);
	char *good = ping_by(&k->by.system, NULL);
	expect_with("anchors = \"x.pem\" crls = \"x.crl\"", good, NOW, PX_STAGE_OK, 0);
	unlink(path);
	unlink(crl);
	free(good);
}

static void expect_conf(const char *more, const char *complaint)
{
	struct px_conf *conf = NULL;
	struct px_buf why = PX_BUF_INIT;
	assert_null(examiner(more, &conf, &why));
	if (strstr(px_buf_str(&why), complaint) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", complaint, px_buf_str(&why));
	px_conf_free(&conf);
	px_buf_free(&why);
}

static void test_bad_files(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	char path[120];
	static const long none[] = {0};
	expect_conf("anchors = \"nowhere.pem\" crl-required = false", "authority BY, system: cannot open");
	expect_conf("anchors = \"BY.crl\" crl-required = false", "holds no certificate");
	expect_conf("anchors = \"BY.pem\" crls = \"BY.pem\"", "holds no revocation list");
	X509_CRL *list = crl_new(&k->by.inter, none, 0);
	snprintf(path, sizeof(path), "%s/x.crl", k->dir);
	pem_crls(path, list, NULL);
	expect_conf("anchors = \"BY.pem\" crls = \"x.crl\"", "without nextUpdate");
	X509_CRL_free(list);
	unlink(path);
}

/* CPU time of one examination. */
static double accepting_us(const char *text)
{
	struct px_exam exam = {.kind = PX_DOC_EXCHANGE, .now = NOW, .first_broker = true};
	kit_get()->ex->verify = PX_VERIFY_FAST; /* kit_examine leaves the other */
	double begun = kit_cpu_us();
	struct px_verdict *v = px_examine(kit_get()->ex, &exam, (const uint8_t *)text, strlen(text));
	double us = kit_cpu_us() - begun;
	assert_int_equal(v->stage, PX_STAGE_OK);
	px_verdict_free(&v);
	return us;
}

/* More signers than the cache holds, each seen twice. */
static void test_cache(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	enum { SIGNERS = 140 };
	char *texts[SIGNERS];
	EVP_PKEY *key = key_new(KEY_P256);
	for (int i = 0; i < SIGNERS; i++) {
		char name[20];
		snprintf(name, sizeof(name), "signer %d", i);
		struct party p =
		    party_new(&k->by.inter, &(struct wish){.name = name, .san = BY_SYSTEM, .with = key});
		texts[i] = ping_by(&p, k->by.inter.cert);
		party_free(&p);
	}
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < SIGNERS; i++)
			expect_accepted(texts[i]);
	}
	for (int i = 0; i < SIGNERS; i++)
		free(texts[i]);
	EVP_PKEY_free(key);
	/* A known certificate costs far less than a new one: the path is not checked again. */
	char *text = ping_by(&k->by.system_ec, k->by.inter.cert);
	double first = accepting_us(text), again = first;
	for (int i = 0; i < 20; i++)
		again = PX_MIN(again, accepting_us(text));
	print_message("# new certificate %.0f us, known %.0f us\n", first, again);
	assert_true(again * 3 < first * 2);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_leaves),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_chains),
	    cmocka_unit_test(test_all_faults_at_once),
	    cmocka_unit_test(test_roles),
	    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_pins),
	    cmocka_unit_test(test_lists),
	    cmocka_unit_test(test_anchor_in_the_middle),
	    cmocka_unit_test(test_bad_files),
	    cmocka_unit_test(test_cache),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	kit_free();
	return rc;
}
