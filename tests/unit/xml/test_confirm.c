/* prinex: tests of xml: confirmations, alone and gathered, and their evidence
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "kit.h"

#include "base/strings.h"

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER  "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/** Parts of a confirmation; NULL: the ordinary thing, "": left out. */
struct slip {
	const char *kind, *class, *issuer, *sender, *id, *digest, *at, *more;
};

static void add(struct px_buf *out, const char *name, const char *value, const char *otherwise)
{
	value = value != NULL ? value : otherwise;
	if (value[0] != '\0')
		px_buf_addf(out, "<px:%s>%s</px:%s>", name, value, name);
}

static char *slip_text(const struct slip *s)
{
	struct px_buf out = PX_BUF_INIT;
	px_buf_adds(&out, "<px:Confirmation xmlns:px=\"urn:prinex:exchange:1\">");
	add(&out, "Kind", s->kind, "CoA");
	add(&out, "Class", s->class, "");
	add(&out, "ConfirmationId", NULL, "PX-C1");
	add(&out, "Issuer", s->issuer, "UA");
	add(&out, "RefSender", s->sender, "BY");
	add(&out, "RefMessageId", s->id, "BY1");
	add(&out, "RefDigest", s->digest, DIGEST);
	add(&out, "At", s->at, "2026-11-21T08:15:20Z");
	px_buf_adds(&out, s->more != NULL ? s->more : "");
	px_buf_adds(&out, "</px:Confirmation>");
	return (char *)px_buf_detach(&out, NULL);
}

static char *signed_slip(const struct slip *s, const struct party *who, const struct authority *of)
{
	return letter_sign(slip_text(s), who, of);
}

static struct px_verdict *check(const char *text)
{
	uint8_t digest[PX_DIGEST_LEN];
	px_unhex(DIGEST, digest, sizeof(digest));
	struct px_exam exam = {.kind = PX_DOC_CONFIRMATION,
			       .now = NOW,
			       .first_broker = true,
			       .expected_digest = digest,
			       .expected_sender = "BY",
			       .expected_id = "BY1"};
	return kit_examine_as(&exam, text, strlen(text));
}

static void refused(const struct slip *s, const struct party *who, enum px_stage stage, enum px_code code)
{
	char *text = signed_slip(s, who, &kit_get()->ua);
	struct px_verdict *v = check(text);
	if (v->stage != stage || v->errors.items[0].code != code)
		fail_msg("stage %s: %s, expected %s", px_stage_name(v->stage),
			 v->errors.n > 0 ? v->errors.items[0].text : "-", px_code_wire(code));
	px_verdict_free(&v);
	free(text);
}

#define S(...) (&(struct slip){__VA_ARGS__})

static void test_answer(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	char *text = signed_slip(
	    S(.more = "<px:Recipient>UA</px:Recipient><px:Recipient>PL</px:Recipient><px:Route>r.1</px:Route>"
		      "<px:CodFollows>true</px:CodFollows><px:Checkpoint>" OTHER "</px:Checkpoint>"
		      "<px:Warning code=\"R1\">w</px:Warning>"),
	    &k->ua.node, &k->ua);
	struct px_verdict *v = check(text);
	assert_int_equal(v->stage, PX_STAGE_OK);
	assert_int_equal(v->n_entries, 1);
	const struct px_confirmation *c = &v->entries[0];
	assert_int_equal(c->kind, PX_COA);
	assert_string_equal(c->confirmation_id, "PX-C1");
	assert_string_equal(c->issuer, "UA");
	assert_string_equal(c->ref_sender, "BY");
	assert_string_equal(c->ref_message_id, "BY1");
	assert_int_equal(c->ref_digest[1], 0x11);
	assert_int_equal(c->at, INT64_C(1795248920000));
	assert_int_equal(c->n_recipients, 2);
	assert_string_equal(c->recipients[1], "PL");
	assert_string_equal(c->route, "r.1");
	assert_true(c->cod_follows);
	assert_true(c->has_checkpoint);
	assert_int_equal(c->checkpoint[0], 0xff);
	assert_int_equal(c->offset, 0);
	assert_int_equal(c->len, strlen(text));
	assert_int_equal(v->signer.role, PX_ROLE_NODE);
	px_verdict_free(&v);
	free(text);
	text = signed_slip(S(.kind = "CoE", .class = "permanent",
			     .more = "<px:Error code=\"PX-ROUTE\" line=\"3\">nobody</px:Error>"
				     "<px:Error code=\"X\">second</px:Error>"),
			   &k->ua.system, &k->ua);
	v = check(text);
	assert_int_equal(v->stage, PX_STAGE_OK);
	assert_int_equal(v->entries[0].kind, PX_COE);
	assert_true(v->entries[0].permanent);
	assert_string_equal(v->entries[0].error_code, "PX-ROUTE");
	assert_string_equal(v->entries[0].error_text, "nobody");
	px_verdict_free(&v);
	free(text);
}

static void test_refused_answers(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	refused(S(.kind = "CoD"), &k->ua.node, PX_STAGE_RULES, PX_CODE_CONF_KIND);
	refused(S(.digest = OTHER), &k->ua.node, PX_STAGE_RULES, PX_CODE_CONF_DIGEST);
	refused(S(.sender = "PL"), &k->ua.node, PX_STAGE_RULES, PX_CODE_CONF_REF);
	refused(S(.id = "BY2"), &k->ua.node, PX_STAGE_RULES, PX_CODE_CONF_REF);
	refused(S(.sender = "", .id = ""), &k->ua.node, PX_STAGE_RULES, PX_CODE_SCHEMA_MISSING);
	refused(S(.kind = "CoE", .class = "permanent", .id = ""), &k->ua.node, PX_STAGE_RULES,
		PX_CODE_CONF_REF);
	refused(S(.kind = "CoE"), &k->ua.node, PX_STAGE_RULES, PX_CODE_SCHEMA_MISSING);
	refused(S(.class = "permanent"), &k->ua.node, PX_STAGE_RULES, PX_CODE_SCHEMA_UNEXPECTED);
	refused(S(.kind = "CoX"), &k->ua.node, PX_STAGE_SCHEMA, PX_CODE_SCHEMA_ENUM);
	refused(S(.digest = "00"), &k->ua.node, PX_STAGE_SCHEMA, PX_CODE_SCHEMA_PATTERN);
	refused(S(.more = "<px:Extra/>"), &k->ua.node, PX_STAGE_SCHEMA, PX_CODE_SCHEMA_UNEXPECTED);
	refused(S(.more = "<px:Issuer>BY</px:Issuer>"), &k->ua.node, PX_STAGE_SCHEMA,
		PX_CODE_SCHEMA_UNEXPECTED);
	refused(S(.issuer = "x"), &k->ua.node, PX_STAGE_ENVELOPE, PX_CODE_ENV_SCHEMA);
	refused(S(.issuer = ""), &k->ua.node, PX_STAGE_ENVELOPE, PX_CODE_ENV_SCHEMA);
	refused(S(.at = "now"), &k->ua.node, PX_STAGE_ENVELOPE, PX_CODE_ENV_SCHEMA);
	refused(S(.more = "<!-- c -->"), &k->ua.node, PX_STAGE_ENVELOPE, PX_CODE_ENV_COMMENT);
	refused(S(.issuer = "BY"), &k->ua.node, PX_STAGE_CERTIFICATE, PX_CODE_CERT_IDENTITY);
	/* A CoE about what could not be read leaves both out. */
	char *text =
	    signed_slip(S(.kind = "CoE", .class = "permanent", .sender = "", .id = ""), &k->ua.node, &k->ua);
	struct px_verdict *v = check(text);
	assert_int_equal(v->stage, PX_STAGE_OK);
	px_verdict_free(&v);
	free(text);
	/* Unsigned, and an exchange where a confirmation is due. */
	text = slip_text(S(0));
	v = check(text);
	assert_int_equal(v->errors.items[0].code, PX_CODE_SIG_MISSING);
	px_verdict_free(&v);
	free(text);
	text = letter_sign(letter_text(&(struct letter){0}), &k->by.system, &k->by);
	v = check(text);
	assert_int_equal(v->errors.items[0].code, PX_CODE_ENV_ROOT);
	px_verdict_free(&v);
	free(text);
}

/* --- gathered --- */

/* An exchange of type Confirmations by UA's node with @entries. */
static char *gathered(const char *entries, const struct party *who)
{
	char *payload =
	    text_of("<px:Confirmations xmlns:px=\"urn:prinex:exchange:1\">%s</px:Confirmations>", entries);
	char *text = letter_sign(letter_text(&(struct letter){.id = "PX-G1",
							      .sender = "UA",
							      .recipients = "BY",
							      .type = "Confirmations",
							      .payload = payload}),
				 who, &kit_get()->ua);
	free(payload);
	return text;
}

static char *evidence_of(const char *octets)
{
	struct px_buf out = PX_BUF_INIT;
	px_buf_adds(&out, "<px:Evidence>");
	px_base64(&out, octets, strlen(octets));
	px_buf_adds(&out, "</px:Evidence>");
	return (char *)px_buf_detach(&out, NULL);
}

static void test_gathered(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	char *coa = signed_slip(S(0), &k->ua.system, &k->ua);
	char *evidence = evidence_of(coa);
	char *one = slip_text(S(.kind = "CoD", .more = evidence));
	char *two = slip_text(S(.kind = "CoE", .class = "temporary", .id = "BY2",
				.more = "<px:Error code=\"PX-EXPIRED\">late</px:Error>"));
	char *entries = text_of("\n <!-- <px:Confirmation> -->%s\n  %s<![CDATA[ ]]>", one, two);
	char *text = gathered(entries, &k->ua.node);
	expect_refused(text, PX_STAGE_SCHEMA, PX_CODE_SCHEMA_UNEXPECTED); /* CDATA between elements */
	free(text);
	entries = swap(entries, "<![CDATA[ ]]>", "");
	text = gathered(entries, &k->ua.node);
	expect_accepted(text);
	struct px_verdict *v = kit_examine(text, strlen(text));
	assert_int_equal(v->n_entries, 2);
	assert_int_equal(v->warnings.n, 0);
	for (unsigned i = 0; i < 2; i++) {
		const char *is = i == 0 ? one : two;
		assert_int_equal(v->entries[i].len, strlen(is));
		assert_memory_equal(text + v->entries[i].offset, is, strlen(is));
	}
	const struct px_confirmation *c = &v->entries[0];
	assert_int_equal(c->kind, PX_COD);
	assert_true(c->evidence_ok);
	assert_int_equal(c->evidence_kind, PX_COA);
	assert_string_equal(c->evidence_issuer, "UA");
	assert_int_equal(c->evidence_role, PX_ROLE_SYSTEM);
	struct px_buf octets = PX_BUF_INIT;
	assert_int_equal(px_unbase64(&octets, text + c->evidence_offset, c->evidence_len), PX_OK);
	assert_int_equal(octets.len, strlen(coa));
	assert_memory_equal(octets.data, coa, octets.len);
	px_buf_free(&octets);
	assert_int_equal(v->entries[1].evidence_len, 0);
	assert_string_equal(v->entries[1].error_code, "PX-EXPIRED");
	px_verdict_free(&v);
	char *all[] = {coa, evidence, one, two, entries, text};
	for (size_t i = 0; i < PX_ARRAY_LEN(all); i++)
		free(all[i]);
}

/* Evidence that proves nothing is told apart; the exchange around it stands. */
static void test_bad_evidence(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	char *other_digest = signed_slip(S(.digest = OTHER), &k->ua.system, &k->ua);
	char *other_id = signed_slip(S(.id = "BY3"), &k->ua.system, &k->ua);
	char *changed = swap(signed_slip(S(0), &k->ua.system, &k->ua), "08:15:20Z", "08:15:21Z");
	char *unsigned_one = slip_text(S(0));
	char *revoked = signed_slip(S(0), &k->ua.revoked, &k->ua);
	char *not_xml = px_xstrdup("proof");
	/* Custody of a broker that still has to deliver proves no delivery. */
	char *follows = signed_slip(S(.more = "<px:CodFollows>true</px:CodFollows>"), &k->ua.system, &k->ua);
	char *all[] = {other_digest, other_id, changed, unsigned_one, revoked, not_xml, follows};
	for (size_t i = 0; i < PX_ARRAY_LEN(all); i++) {
		char *evidence = evidence_of(all[i]), *one = slip_text(S(.kind = "CoD", .more = evidence));
		char *text = gathered(one, &k->ua.node);
		struct px_verdict *v = kit_examine(text, strlen(text));
		assert_int_equal(v->stage, PX_STAGE_OK);
		assert_false(v->entries[0].evidence_ok);
		assert_int_equal(v->warnings.n, 1);
		assert_int_equal(v->warnings.items[0].code, PX_CODE_CONF_EVIDENCE);
		px_verdict_free(&v);
		free(text);
		free(one);
		free(evidence);
		free(all[i]);
	}
	/* Not plain text: its range could not be copied without a parser. */
	char *one = slip_text(S(.kind = "CoD", .more = "<px:Evidence>AA<!-- x -->AA</px:Evidence>"));
	char *text = gathered(one, &k->ua.node);
	struct px_verdict *v = kit_examine(text, strlen(text));
	assert_int_equal(v->stage, PX_STAGE_OK);
	assert_false(v->entries[0].evidence_ok);
	assert_int_equal(v->entries[0].evidence_len, 0);
	px_verdict_free(&v);
	free(text);
	free(one);
}

/* A comment is not signed, so whoever carries the exchange may put one in: it must not pass for evidence,
 * however its end is written. */
static void test_evidence_in_a_comment(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	char *proof = signed_slip(S(0), &k->ua.system, &k->ua);
	char *evidence = evidence_of(proof), *one = slip_text(S(.kind = "CoD", .more = evidence));
	static const char *const comments[] = {"<!--><px:Evidence>QUJD</px:Evidence>--><px:Evidence>",
					       "<!---><px:Evidence>QUJD</px:Evidence>--><px:Evidence>"};
	for (size_t i = 0; i < PX_ARRAY_LEN(comments); i++) {
		char *text = swap(gathered(one, &k->ua.node), "<px:Evidence>", comments[i]);
		struct px_verdict *v = kit_examine(text, strlen(text));
		if (v->stage == PX_STAGE_OK) {
			const struct px_confirmation *c = &v->entries[0];
			assert_true(c->evidence_ok);
			assert_true(c->evidence_len > 100);
			assert_memory_not_equal(text + c->evidence_offset, "QUJD", 4);
		}
		px_verdict_free(&v);
		free(text);
	}
	free(one);
	free(evidence);
	free(proof);
}

/* Evidence within evidence within evidence: looked into once. */
static void test_nested_evidence(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	char *inner = signed_slip(S(0), &k->ua.system, &k->ua);
	for (int i = 0; i < 3; i++) {
		char *evidence = evidence_of(inner);
		free(inner);
		inner = signed_slip(S(.more = evidence), &k->ua.system, &k->ua);
		free(evidence);
	}
	struct px_verdict *v = check(inner);
	assert_int_equal(v->stage, PX_STAGE_OK);
	assert_true(v->entries[0].evidence_ok);
	px_verdict_free(&v);
	free(inner);
}

static void test_refused_gathered(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	char *cod = slip_text(S(.kind = "CoD")), *coa = slip_text(S(0)),
	     *foreign = slip_text(S(.kind = "CoD", .issuer = "BY"));
	char *text = gathered(cod, &k->ua.system);
	expect_refused(text, PX_STAGE_CERTIFICATE, PX_CODE_CERT_IDENTITY);
	free(text);
	text = gathered(coa, &k->ua.node);
	expect_refused(text, PX_STAGE_RULES, PX_CODE_CONF_KIND);
	free(text);
	text = gathered(foreign, &k->ua.node);
	expect_refused(text, PX_STAGE_RULES, PX_CODE_CONF_ISSUER);
	free(text);
	text = gathered("", &k->ua.node);
	expect_refused(text, PX_STAGE_SCHEMA, PX_CODE_SCHEMA_MISSING);
	free(text);
	/* An entry with a signature of its own. */
	char *own = signed_slip(S(.kind = "CoD"), &k->ua.system, &k->ua);
	char *payload =
	    text_of("<px:Confirmations xmlns:px=\"urn:prinex:exchange:1\">%s</px:Confirmations>", own);
	char *unsigned_one = letter_text(
	    &(struct letter){.id = "PX-G1", .sender = "UA", .type = "Confirmations", .payload = payload});
	text = letter_sign(unsigned_one, &k->ua.node, &k->ua);
	expect_refused(text, PX_STAGE_SHAPE, PX_CODE_SIG_COUNT);
	free(text);
	free(own);
	free(payload);
	free(cod);
	free(coa);
	free(foreign);
}

/* 100 entries, and one more. */
static void test_number_of_entries(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	char *cod = slip_text(S(.kind = "CoD"));
	for (int n = PX_ENTRIES_MAX; n <= PX_ENTRIES_MAX + 1; n++) {
		struct px_buf entries = PX_BUF_INIT;
		for (int i = 0; i < n; i++)
			px_buf_adds(&entries, cod);
		char *text = gathered(px_buf_str(&entries), &k->ua.node);
		if (n == PX_ENTRIES_MAX) {
			struct px_verdict *v = kit_examine(text, strlen(text));
			assert_int_equal(v->stage, PX_STAGE_OK);
			assert_int_equal(v->n_entries, PX_ENTRIES_MAX);
			assert_memory_equal(text + v->entries[99].offset, cod, strlen(cod));
			px_verdict_free(&v);
		} else {
			expect_refused(text, PX_STAGE_SCHEMA, PX_CODE_SCHEMA_TOO_MANY);
		}
		px_buf_free(&entries);
		free(text);
	}
	free(cod);
}

/* A node about itself: signed by the authority it names. */
static void test_node(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	static const char node[] =
	    "<px:Node "
	    "xmlns:px=\"urn:prinex:exchange:1\"><px:Environment>test</px:Environment><px:Authority>UA</"
	    "px:Authority>"
	    "<px:Peer><px:Authority>BY</px:Authority><px:Role>node</px:Role><px:Name>b</px:Name></px:Peer>"
	    "<px:ProtocolVersion>1</px:ProtocolVersion><px:SignatureProfile>1</px:SignatureProfile>"
	    "<px:At>2026-11-21T08:15:20Z</px:At></px:Node>";
	struct px_exam exam = {.kind = PX_DOC_NODE, .now = NOW, .first_broker = true};
	const struct {
		const struct party *who;
		const struct authority *of;
		enum px_stage stage;
	} cases[] = {{&k->ua.node, &k->ua, PX_STAGE_OK}, {&k->by.node, &k->by, PX_STAGE_CERTIFICATE}};
	for (size_t i = 0; i < PX_ARRAY_LEN(cases); i++) {
		char *text = letter_sign(px_xstrdup(node), cases[i].who, cases[i].of);
		struct px_verdict *v = kit_examine_as(&exam, text, strlen(text));
		assert_int_equal(v->stage, cases[i].stage);
		px_verdict_free(&v);
		/* It is no confirmation. */
		v = check(text);
		assert_int_equal(v->errors.items[0].code, PX_CODE_ENV_ROOT);
		px_verdict_free(&v);
		free(text);
	}
}

/* The text of the first certificate in @text without white space, @pad inserted each @width digits (0:
 * never),
 * @more behind it. */
static char *recut(const char *text, size_t width, const char *pad, const char *more)
{
	static const char open[] = "X509Certificate>";
	const char *from = strstr(text, open) + strlen(open), *to = strchr(from, '<');
	struct px_buf out = PX_BUF_INIT;
	size_t n = 0;
	px_buf_add(&out, text, (size_t)(from - text));
	for (const char *s = from; s < to; s++) {
		if (strchr(" \t\r\n", *s) != NULL)
			continue;
		if (width > 0 && n++ % width == 0)
			px_buf_adds(&out, pad);
		px_buf_addc(&out, *s);
	}
	px_buf_adds(&out, more);
	px_buf_adds(&out, to);
	return (char *)px_buf_detach(&out, NULL);
}

/* KeyInfo is not signed: whoever passes a confirmation on may write its certificates in another way. How they
 * are written decides which way the schema is asked, never what it says. */
static void test_certificates_written_otherwise(void **state)
{
	(void)state;
	static const struct {
		size_t width;
		const char *pad, *more;
		bool fits;
	} ways[] = {{0, "", "", true},   {64, "\n", "", true},   {76, "\r\n", "\n", true},
		    {1, " ", "", true},  {0, "", "AAAA", false}, {0, "", "====", false},
		    {0, "", "A", false}, {0, "", "  ", true},    {0, "", "=", false}};
	for (size_t i = 0; i < PX_ARRAY_LEN(ways); i++) {
		char *text = signed_slip(S(.sender = NULL), &kit_get()->ua.node, &kit_get()->ua);
		char *wrong = signed_slip(S(.at = "2026-11-21"), &kit_get()->ua.node, &kit_get()->ua);
		char *a = recut(text, ways[i].width, ways[i].pad, ways[i].more);
		char *b = recut(wrong, ways[i].width, ways[i].pad, ways[i].more);
		struct px_verdict *v = check(a), *w = check(b);
		if ((v->stage == PX_STAGE_OK) != ways[i].fits)
			fail_msg("%zu: stage %s: %s", i, px_stage_name(v->stage),
				 v->errors.n > 0 ? v->errors.items[0].text : "-");
		assert_int_not_equal(w->stage, PX_STAGE_OK);
		px_verdict_free(&v);
		px_verdict_free(&w);
		free(text);
		free(wrong);
		free(a);
		free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answer),
	    cmocka_unit_test(test_certificates_written_otherwise),
	    cmocka_unit_test(test_refused_answers),
	    cmocka_unit_test(test_gathered),
	    cmocka_unit_test(test_bad_evidence),
	    cmocka_unit_test(test_evidence_in_a_comment),
	    cmocka_unit_test(test_nested_evidence),
	    cmocka_unit_test(test_refused_gathered),
	    cmocka_unit_test(test_number_of_entries),
	    cmocka_unit_test(test_node),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	kit_free();
	return rc;
}
