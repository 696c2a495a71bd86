/* prinex: tests of xml: the envelope and its header
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "kit.h"

#include "base/strings.h"

/* The errors of the unsigned exchange @text as "LINE CODE POINTER [VALUE]". Frees @text. */
static void expect(char *text, enum px_stage stage, const char *lines)
{
	struct px_exam exam = {
	    .kind = PX_DOC_EXCHANGE, .now = NOW, .first_broker = true, .unsigned_ok = true};
	struct px_verdict *v = kit_examine_as(&exam, text, strlen(text));
	struct px_buf said = PX_BUF_INIT;
	for (unsigned i = 0; i < v->errors.n; i++) {
		const struct px_finding *f = &v->errors.items[i];
		px_buf_addf(&said, "%u %s %s [%s]\n", f->line, px_code_wire(f->code),
			    f->pointer != NULL ? f->pointer : "-", f->value != NULL ? f->value : "");
	}
	assert_string_equal(px_buf_str(&said), lines);
	assert_int_equal(v->stage, stage);
	px_verdict_free(&v);
	px_buf_free(&said);
	free(text);
}

#define L(...) (&(struct letter){__VA_ARGS__})
#define H      "/px:Exchange/px:Header"

static void refused(const struct letter *letter, const char *lines)
{
	expect(letter_text(letter), PX_STAGE_ENVELOPE, lines);
}

static void test_fine(void **state)
{
	(void)state;
	expect(letter_text(&(struct letter){0}), PX_STAGE_OK, "");
	expect(letter_text(
		   &(struct letter){.recipients = "", .expires = "2026-12-01T00:00:00.5Z", .version = "1"}),
	       PX_STAGE_OK, "");
	expect(letter_text(&(struct letter){.sender = "BY.BELAVIA1", .created = " 2026-11-21T08:15:00Z\n"}),
	       PX_STAGE_OK, "");
	expect(letter_text(&(struct letter){.payload = "<!-- c --> " PING "<?p i?>"}), PX_STAGE_OK, "");
	expect(swap(letter_text(&(struct letter){0}), "<px:Exchange",
		    "\xef\xbb\xbf<?xml version='1.0'?>\n<px:Exchange"),
	       PX_STAGE_OK, "");
	expect(swap(letter_text(&(struct letter){0}), "<px:Sender>BY", "<px:Sender><![CDATA[B]]>&#89;"),
	       PX_STAGE_OK, "");
	expect(
	    letter_text(&(struct letter){
		.open =
		    "<e:Exchange xmlns:e=\"urn:prinex:exchange:1\" xmlns:px=\"urn:prinex:exchange:1\" "
		    "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"a b\">"}),
	    PX_STAGE_PARSE, "11 PX-XML-SYNTAX - []\n");
}

static void test_root(void **state)
{
	(void)state;
	refused(L(.open = "<px:Exchange xmlns:px=\"urn:prinex:exchange:2\">"),
		"1 PX-ENV-VERSION /px:Exchange [urn:prinex:exchange:2]\n");
	refused(L(.open = "<px:Exchange xmlns:px=\"urn:prinex:exchange:x\">"),
		"1 PX-ENV-ROOT /px:Exchange [Exchange]\n");
	expect(px_xstrdup(PING), PX_STAGE_ENVELOPE, "1 PX-ENV-ROOT /n:Ping [Ping]\n");
	expect(px_xstrdup("<px:Confirmation xmlns:px=\"urn:prinex:exchange:1\"/>"), PX_STAGE_ENVELOPE,
	       "1 PX-ENV-ROOT /px:Confirmation [Confirmation]\n");
	expect(px_xstrdup("<px:Exchange xmlns:px=\"urn:prinex:exchange:1\"/>"), PX_STAGE_ENVELOPE,
	       "1 PX-ENV-SCHEMA /px:Exchange []\n1 PX-ENV-SCHEMA /px:Exchange []\n");
	expect(px_xstrdup("<a>\n<b></a>"), PX_STAGE_PARSE, "2 PX-XML-SYNTAX - []\n2 PX-XML-SYNTAX - []\n");
	expect(px_xstrdup("<x:a/>"), PX_STAGE_PARSE, "1 PX-XML-NAMESPACE - []\n");
}

static void test_values(void **state)
{
	(void)state;
	refused(L(.id = "-1"), "3 PX-ENV-SCHEMA " H "/px:MessageId [-1]\n");
	refused(L(.id = "A2345678901234567890123456789012345.6"),
		"3 PX-ENV-SCHEMA " H "/px:MessageId [A2345678901234567890123456789012345.6]\n");
	refused(L(.id = "PX-1", .type = "ExportDeclaration"),
		"3 PX-ENV-MESSAGE-ID " H "/px:MessageId [PX-1]\n10 PX-ENV-ROOT-TYPE /n:Ping [Ping]\n");
	refused(L(.environment = "production"), "4 PX-ENV-ENVIRONMENT " H "/px:Environment [production]\n");
	refused(L(.environment = "Test"), "4 PX-ENV-SCHEMA " H "/px:Environment [Test]\n");
	refused(L(.sender = "by"), "5 PX-ENV-SCHEMA " H "/px:Sender [by]\n");
	refused(L(.sender = " BY"), "5 PX-ENV-SCHEMA " H "/px:Sender [ BY]\n");
	refused(L(.recipients = "U"), "6 PX-ENV-SCHEMA " H "/px:Recipient [U]\n");
	refused(L(.created = "2026-11-21T08:15:00"),
		"8 PX-ENV-SCHEMA " H "/px:CreatedAt [2026-11-21T08:15:00]\n");
	refused(L(.created = "2026-11-21T08:15:00+02:00"),
		"8 PX-ENV-SCHEMA " H "/px:CreatedAt [2026-11-21T08:15:00+02:00]\n");
	refused(L(.created = "2026-02-30T08:15:00Z"),
		"8 PX-ENV-SCHEMA " H "/px:CreatedAt [2026-02-30T08:15:00Z]\n");
	refused(L(.expires = "tomorrow"), "9 PX-ENV-SCHEMA " H "/px:ExpiresAt [tomorrow]\n");
	refused(L(.correlation = "a b"), "9 PX-ENV-SCHEMA " H "/px:CorrelationId [a b]\n");
	refused(L(.type = "Letter"), "7 PX-ENV-TYPE " H "/px:MessageType [Letter]\n");
	refused(L(.type = "1"),
		"7 PX-ENV-SCHEMA " H "/px:MessageType [1]\n7 PX-ENV-TYPE " H "/px:MessageType [1]\n");
	refused(L(.version = "9"), "8 PX-ENV-TYPE-VERSION " H "/px:TypeVersion [9]\n");
	refused(L(.type = "Alarm"), "10 PX-ENV-ROOT-TYPE /n:Ping [Ping]\n");
}

static void test_header(void **state)
{
	(void)state;
	refused(L(.header = ""), "2 PX-ENV-HEADER " H " []\n2 PX-ENV-HEADER " H " []\n2 PX-ENV-HEADER " H
				 " []\n2 PX-ENV-HEADER " H " []\n2 PX-ENV-HEADER " H " []\n");
	expect(swap(letter_text(&(struct letter){0}), "<px:Sender>", "<px:Extra/><px:Sender>"),
	       PX_STAGE_ENVELOPE, "5 PX-ENV-HEADER " H "/px:Extra []\n");
	expect(swap(letter_text(&(struct letter){0}), "<px:Sender>", "<px:Sender>UA</px:Sender><px:Sender>"),
	       PX_STAGE_ENVELOPE, "5 PX-ENV-HEADER " H "/px:Sender[2] []\n");
	expect(swap(letter_text(&(struct letter){0}), "</px:Header>",
		    "<px:Recipient>PL</px:Recipient></px:Header>"),
	       PX_STAGE_ENVELOPE, "9 PX-ENV-HEADER " H "/px:Recipient[2] []\n");
	expect(swap(letter_text(&(struct letter){0}), "<px:Sender>", "<px:Sender x=''>"), PX_STAGE_ENVELOPE,
	       "5 PX-ENV-SCHEMA " H "/px:Sender/@x []\n");
	expect(swap(letter_text(&(struct letter){0}), "<px:Sender>", "<px:Sender><b/>"), PX_STAGE_ENVELOPE,
	       "5 PX-ENV-SCHEMA " H "/px:Sender/b []\n");
	expect(swap(letter_text(&(struct letter){0}), "<px:Sender>", "x<px:Sender>"), PX_STAGE_ENVELOPE,
	       "5 PX-ENV-SCHEMA " H " [     x]\n");
	/* 16 recipients and one more. */
	struct px_buf more = PX_BUF_INIT;
	for (int i = 0; i < PX_RECIPIENTS_MAX - 1; i++)
		px_buf_addf(&more, "<px:Recipient>A%c</px:Recipient>", 'A' + i);
	px_buf_adds(&more, "<px:MessageType>");
	expect(swap(letter_text(&(struct letter){0}), "<px:MessageType>", px_buf_str(&more)), PX_STAGE_OK,
	       "");
	px_buf_clear(&more);
	for (int i = 0; i < PX_RECIPIENTS_MAX; i++)
		px_buf_addf(&more, "<px:Recipient>A%c</px:Recipient>", 'A' + i);
	px_buf_adds(&more, "<px:MessageType>");
	expect(swap(letter_text(&(struct letter){0}), "<px:MessageType>", px_buf_str(&more)),
	       PX_STAGE_ENVELOPE, "7 PX-ENV-HEADER " H "/px:Recipient[17] []\n");
	px_buf_free(&more);
}

static void test_all_at_once(void **state)
{
	(void)state;
	refused(L(.id = "-", .environment = "other", .sender = "x", .type = "Letter", .created = "now"),
		"3 PX-ENV-SCHEMA " H "/px:MessageId [-]\n5 PX-ENV-SCHEMA " H "/px:Sender [x]\n"
		"8 PX-ENV-SCHEMA " H "/px:CreatedAt [now]\n4 PX-ENV-ENVIRONMENT " H
		"/px:Environment [other]\n"
		"7 PX-ENV-TYPE " H "/px:MessageType [Letter]\n");
}

static void test_payload(void **state)
{
	(void)state;
	refused(L(.payload = ""), "10 PX-ENV-PAYLOAD /px:Exchange/px:Payload []\n");
	refused(L(.payload = "text"), "10 PX-ENV-PAYLOAD /px:Exchange/px:Payload [text]\n10 PX-ENV-PAYLOAD "
				      "/px:Exchange/px:Payload []\n");
	refused(L(.payload = PING PING), "10 PX-ENV-PAYLOAD /px:Exchange/px:Payload []\n");
	refused(L(.open = "<px:Exchange xmlns:px=\"urn:prinex:exchange:1\" xmlns=\"urn:d\">"),
		"10 PX-ENV-DEFAULT-NS /px:Exchange/px:Payload [urn:d]\n");
	expect(swap(letter_text(&(struct letter){0}), "<px:Payload>", "<px:Payload xmlns=\"urn:e\">"),
	       PX_STAGE_ENVELOPE, "10 PX-ENV-DEFAULT-NS /px:Exchange/px:Payload [urn:e]\n");
	/* Undeclared again before the payload: nothing is in scope there. */
	expect(swap(letter_text(&(struct letter){
			.open = "<px:Exchange xmlns:px=\"urn:prinex:exchange:1\" xmlns=\"urn:d\">"}),
		    "<px:Payload>", "<px:Payload xmlns=\"\">"),
	       PX_STAGE_OK, "");
	expect(swap(letter_text(&(struct letter){0}), "<px:Header>", "<!-- c --><px:Header>"),
	       PX_STAGE_ENVELOPE, "2 PX-ENV-COMMENT /px:Exchange []\n");
	expect(swap(letter_text(&(struct letter){0}), "<px:Exchange", "<!-- c --><px:Exchange"),
	       PX_STAGE_ENVELOPE, "1 PX-ENV-COMMENT - []\n");
	expect(swap(letter_text(&(struct letter){0}), "</px:Exchange>\n", "</px:Exchange>\n<?p i?>"),
	       PX_STAGE_ENVELOPE, "12 PX-ENV-COMMENT - []\n");
}

/* What the sender claims is known for the answer, although the message is refused. */
static void test_claims(void **state)
{
	(void)state;
	char *text = letter_text(&(struct letter){.created = "now"});
	struct px_verdict *v = kit_examine(text, strlen(text));
	assert_int_equal(v->stage, PX_STAGE_ENVELOPE);
	assert_true(v->has_header);
	assert_false(px_verdict_is_signed(v));
	assert_string_equal(v->header.sender, "BY");
	assert_string_equal(v->header.message_id, "BY20261121000000123");
	px_verdict_free(&v);
	free(text);
	text = letter_text(&(struct letter){.id = "?"});
	v = kit_examine(text, strlen(text));
	assert_false(v->has_header);
	px_verdict_free(&v);
	free(text);
	/* Unsigned is refused unless the caller, who is no broker, says so. */
	text = letter_text(&(struct letter){0});
	expect_refused(text, PX_STAGE_SHAPE, PX_CODE_SIG_MISSING);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fine),   cmocka_unit_test(test_root),        cmocka_unit_test(test_values),
	    cmocka_unit_test(test_header), cmocka_unit_test(test_all_at_once), cmocka_unit_test(test_payload),
	    cmocka_unit_test(test_claims),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	kit_free();
	return rc;
}
