/* prinex: tests of what is kept beside what is sent: one declaration never goes out under two ids
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <dirent.h>
#include <unistd.h>

#include "base/strings.h"
#include "client/files.h"
#include "kit.h"

#define PAYLOAD(lrn) "<?xml version=\"1.0\"?>\n<n:Test xmlns:n=\"urn:x\"><LRN>" lrn "</LRN></n:Test>\n"

static char dir[64];
static struct px_client *client;

static const char *in_dir(const char *name)
{
	return kit_path(dir, name);
}

static void put(const char *name, const char *text)
{
	kit_put(in_dir(name), text);
}

/* As always, and one thing more. */
static struct px_client *make_client(const char *name, const char *value)
{
	const struct px_given given[] = {{"sender", "BY"},
					 {"recipient", "UA"},
					 {"type", "Test"},
					 {"sign-cert", in_dir("sign.pem")},
					 {"sign-key", in_dir("sign.key")},
					 {"catalogue", "schemas/catalogue/prinex.conf"},
					 {name, value}};
	struct px_problems problems = {0};
	struct px_settings *s = NULL;
	struct px_client *c = NULL;
	struct px_buf why = PX_BUF_INIT;
	unsigned n = PX_ARRAY_LEN(given) - (name == NULL);
	assert_int_equal(px_settings_new(NULL, given, n, &s, &problems), PX_OK);
	assert_int_equal(px_client_new(&s, &c, &why), PX_OK);
	if (px_client_load_examiner(c, &why) != PX_OK)
		fail_msg("%s", px_buf_str(&why));
	return c;
}

static int setup(void **state PX_UNUSED)
{
	px_strlcpy(dir, "/tmp/prinex-test.XXXXXX", sizeof(dir));
	assert_non_null(mkdtemp(dir));
	kit_make_key(in_dir("sign.key"), in_dir("sign.pem"));
	kit_make_key(in_dir("sign.2.key"), in_dir("sign.2.pem"));
	client = make_client(NULL, NULL);
	return 0;
}

static void clean(void)
{
	DIR *d = opendir(dir);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (!px_str_starts(e->d_name, "sign.") && e->d_name[0] != '.')
			unlink(in_dir(e->d_name));
	}
	closedir(d);
}

static int teardown(void **state PX_UNUSED)
{
	px_client_free(&client);
	clean();
	unlink(in_dir("sign.key"));
	unlink(in_dir("sign.pem"));
	unlink(in_dir("sign.2.key"));
	unlink(in_dir("sign.2.pem"));
	return rmdir(dir);
}

/* One run of the client over @name, up to the sending. @why NULL: must succeed. */
static void run_as(struct px_client *c, const char *name, struct px_outgoing *o, const char *why)
{
	struct px_buf text = PX_BUF_INIT;
	*o = (struct px_outgoing){.input = px_xstrdup(in_dir(name))};
	int rc = px_outgoing_read(c, o, &text);
	if (rc == PX_OK) {
		px_outgoing_forget(o);
		rc = px_outgoing_prepare(c, o, &text);
	}
	if (why == NULL && rc != PX_OK)
		fail_msg("%s", px_buf_str(&text));
	if (why != NULL && (rc == PX_OK || strstr(px_buf_str(&text), why) == NULL))
		fail_msg("%d: \"%s\" does not say \"%s\"", rc, px_buf_str(&text), why);
	px_buf_free(&text);
}

static void run(const char *name, struct px_outgoing *o, const char *why)
{
	run_as(client, name, o, why);
}

static void answered(struct px_outgoing *o, enum px_conf_kind kind)
{
	struct px_buf text = PX_BUF_INIT, why = PX_BUF_INIT;
	char hex[PX_DIGEST_HEX];
	px_hex(o->digest, PX_DIGEST_LEN, hex);
	px_buf_addf(&text, "<px:RefDigest>%s</px:RefDigest>", hex);
	assert_int_equal(px_outgoing_answered(o, kind, text.data, text.len, &why), PX_OK);
	px_buf_free(&text);
}

static void the_same_octets_again(void **state PX_UNUSED)
{
	struct px_outgoing a, b, c;
	struct px_buf kept = PX_BUF_INIT, why = PX_BUF_INIT;
	put("a.xml", PAYLOAD("1"));
	run("a.xml", &a, NULL);
	assert_int_equal(px_buf_read_file(&kept, in_dir("a.xml.px"), 100000, &why), PX_OK);
	assert_int_equal(kept.len, a.octets.len);
	assert_memory_equal(kept.data, a.octets.data, kept.len);
	assert_non_null(strstr(px_buf_str(&kept),
			       "<px:Payload><n:Test xmlns:n=\"urn:x\"><LRN>1</LRN></n:Test>"
			       "</px:Payload><ds:Signature"));
	run("a.xml", &b, NULL);
	assert_int_equal(a.octets.len, b.octets.len);
	assert_memory_equal(a.octets.data, b.octets.data, a.octets.len);
	assert_string_equal(a.header.message_id, b.header.message_id);
	assert_false(b.accepted_before);
	answered(&b, PX_COA);
	run("a.xml", &c, NULL);
	assert_true(c.accepted_before);
	assert_memory_equal(a.digest, c.digest, PX_DIGEST_LEN);
	px_outgoing_free(&a);
	px_outgoing_free(&b);
	px_outgoing_free(&c);
	px_buf_free(&kept);
	clean();
}

static void a_change_while_the_outcome_is_unknown(void **state PX_UNUSED)
{
	struct px_outgoing o;
	put("a.xml", PAYLOAD("1"));
	run("a.xml", &o, NULL);
	px_outgoing_free(&o);
	put("a.xml", PAYLOAD("2"));
	run("a.xml", &o,
	    "no answer is known, and what you ask for now differs: the document has been changed");
	px_outgoing_free(&o);
	clean();
}

static void a_change_after_acceptance(void **state PX_UNUSED)
{
	struct px_outgoing o;
	put("a.xml", PAYLOAD("1"));
	run("a.xml", &o, NULL);
	answered(&o, PX_COA);
	px_outgoing_free(&o);
	put("a.xml", PAYLOAD("2"));
	run("a.xml", &o, "it was accepted as BY");
	px_outgoing_free(&o);
	clean();
}

static void a_correction_after_refusal(void **state PX_UNUSED)
{
	struct px_outgoing a, b, c;
	put("a.xml", PAYLOAD("1"));
	run("a.xml", &a, NULL);
	answered(&a, PX_COE);
	run("a.xml", &b, NULL); /* not corrected: judged anew, the same octets */
	assert_memory_equal(a.digest, b.digest, PX_DIGEST_LEN);
	put("a.xml", PAYLOAD("2"));
	run("a.xml", &c, NULL);
	assert_string_not_equal(a.header.message_id, c.header.message_id);
	answered(&c, PX_COA);
	assert_false(px_file_exists(in_dir("a.xml.coe")));
	assert_true(px_file_exists(in_dir("a.xml.coa")));
	px_outgoing_free(&a);
	px_outgoing_free(&b);
	px_outgoing_free(&c);
	clean();
}

static void signed_exchanges_go_as_they_are(void **state PX_UNUSED)
{
	struct px_outgoing a, b;
	put("a.xml", PAYLOAD("1"));
	run("a.xml", &a, NULL);
	unlink(in_dir("a.xml"));
	run("a.xml.px", &b, NULL);
	assert_int_equal(a.octets.len, b.octets.len);
	assert_memory_equal(a.digest, b.digest, PX_DIGEST_LEN);
	assert_false(px_file_exists(in_dir("a.xml.px.px")));
	answered(&b, PX_COA);
	assert_true(px_file_exists(in_dir("a.xml.coa")));
	px_outgoing_free(&a);
	px_outgoing_free(&b);
	clean();
}

static void unsigned_exchanges_are_signed_once(void **state PX_UNUSED)
{
	const struct px_header h = {
	    .message_id = "BY7", .environment = "demo", .sender = "BY", .type = "Test", .created_at = 1000};
	struct px_buf text = PX_BUF_INIT;
	struct px_outgoing a, b;
	px_wrap(&text, &h, (const uint8_t *)"<x/>", 4);
	put("e.xml", px_buf_str(&text));
	run("e.xml", &a, NULL);
	assert_string_equal(a.header.message_id, "BY7");
	run("e.xml", &b, NULL);
	assert_memory_equal(a.digest, b.digest, PX_DIGEST_LEN);
	px_outgoing_free(&a);
	px_outgoing_free(&b);
	px_buf_clear(&text);
	px_wrap(&text, &h, (const uint8_t *)"<y/>", 4);
	put("e.xml", px_buf_str(&text));
	run("e.xml", &b, "no answer is known");
	px_outgoing_free(&b);
	px_buf_free(&text);
	clean();
}

static void another_id_for_what_was_sent(void **state PX_UNUSED)
{
	struct px_client *named = make_client("id", "MINE1");
	struct px_outgoing o;
	put("a.xml", PAYLOAD("1"));
	run("a.xml", &o, NULL);
	px_outgoing_free(&o);
	run_as(named, "a.xml", &o, "id BY");
	px_outgoing_free(&o);
	put("b.xml", PAYLOAD("1"));
	run_as(named, "b.xml", &o, NULL);
	assert_string_equal(o.header.message_id, "MINE1");
	px_outgoing_free(&o);
	px_client_free(&named);
	clean();
}

/* What is asked for counts as much as the document. */
static void other_options(void **state PX_UNUSED)
{
	static const struct {
		const char *name, *value, *says;
	} cases[] = {
	    {"recipient", "RO", "differs: recipients UA then, UA, RO now."},
	    {"environment", "demo", "environment production then, demo now"},
	    {"sender", "UA", "sender BY then, UA now"},
	    {"type", "Other", "type Test then, Other now"},
	    {"type-version", "2", "type version none then, 2 now"},
	    {"correlation", "BY9", "correlation none then, BY9 now"},
	    {"expires", "48h", "expiry none then, 20"},
	};
	struct px_outgoing o;
	put("a.xml", PAYLOAD("1"));
	run("a.xml", &o, NULL);
	for (size_t i = 0; i < PX_ARRAY_LEN(cases); i++) {
		struct px_client *other = make_client(cases[i].name, cases[i].value);
		struct px_outgoing again;
		run_as(other, "a.xml", &again, cases[i].says);
		px_outgoing_free(&again);
		px_client_free(&other);
	}
	answered(&o, PX_COA);
	struct px_client *other = make_client("recipient", "RO");
	struct px_outgoing again;
	run_as(other, "a.xml", &again, "it was accepted as BY");
	px_outgoing_free(&again);
	px_client_free(&other);
	px_outgoing_free(&o);
	clean();
}

static void another_signing_certificate(void **state PX_UNUSED)
{
	struct px_client *other = make_client("sign-cert", in_dir("sign.2.pem"));
	struct px_outgoing o, again;
	put("a.xml", PAYLOAD("1"));
	run("a.xml", &o, NULL);
	run_as(other, "a.xml", &again, "sign.2.pem"); /* its key is not given */
	px_outgoing_free(&again);
	px_client_free(&other);
	rename(in_dir("sign.pem"), in_dir("sign.1.pem"));
	rename(in_dir("sign.key"), in_dir("sign.1.key"));
	rename(in_dir("sign.2.pem"), in_dir("sign.pem"));
	rename(in_dir("sign.2.key"), in_dir("sign.key"));
	other = make_client(NULL, NULL);
	run_as(other, "a.xml", &again, "signing certificate ");
	px_outgoing_free(&again);
	answered(&o, PX_COE);
	run_as(other, "a.xml", &again, NULL);
	assert_string_not_equal(again.header.message_id, o.header.message_id);
	assert_non_null(strstr(px_buf_str(&again.remark), "was refused (signing certificate"));
	px_outgoing_free(&again);
	px_outgoing_free(&o);
	px_client_free(&other);
	rename(in_dir("sign.pem"), in_dir("sign.2.pem"));
	rename(in_dir("sign.key"), in_dir("sign.2.key"));
	rename(in_dir("sign.1.pem"), in_dir("sign.pem"));
	rename(in_dir("sign.1.key"), in_dir("sign.key"));
	clean();
}

/* The broker may have taken the one that followed the refusal: nothing says that it has not. */
static void a_refusal_of_something_else(void **state PX_UNUSED)
{
	struct px_outgoing a, b, c;
	struct px_client *other = make_client("recipient", "RO");
	struct px_buf coe = PX_BUF_INIT, why = PX_BUF_INIT;
	put("a.xml", PAYLOAD("1"));
	run("a.xml", &a, NULL);
	answered(&a, PX_COE);
	assert_int_equal(px_buf_read_file(&coe, in_dir("a.xml.coe"), 100000, &why), PX_OK);
	run_as(other, "a.xml", &b, NULL);
	assert_string_not_equal(a.header.message_id, b.header.message_id);
	assert_false(px_file_exists(in_dir("a.xml.coe")));
	put("a.xml.coe", px_buf_str(&coe)); /* as if the run had been cut off before it removed this */
	run("a.xml", &c, "no answer is known");
	px_buf_free(&coe);
	px_client_free(&other);
	px_outgoing_free(&a);
	px_outgoing_free(&b);
	px_outgoing_free(&c);
	clean();
}

static void time_is_against_it(void **state PX_UNUSED)
{
	struct px_outgoing a, b;
	struct px_buf text = PX_BUF_INIT, why = PX_BUF_INIT;
	char hex[PX_DIGEST_HEX];
	put("a.xml", PAYLOAD("1"));
	run("a.xml", &a, NULL);
	px_hex(a.digest, PX_DIGEST_LEN, hex);
	px_buf_addf(&text, "<px:RefDigest>%s</px:RefDigest><px:Error code=\"PX-TIME-PAST\">", hex);
	assert_int_equal(px_outgoing_answered(&a, PX_COE, text.data, text.len, &why), PX_OK);
	run("a.xml", &b, NULL);
	assert_string_not_equal(a.header.message_id, b.header.message_id);
	px_buf_free(&text);
	px_outgoing_free(&a);
	px_outgoing_free(&b);
	clean();
}

static void anew_keeps_the_old_one(void **state PX_UNUSED)
{
	struct px_client *anew = make_client("anew", "true");
	struct px_outgoing a, b;
	char name[128];
	put("a.xml", PAYLOAD("1"));
	run("a.xml", &a, NULL);
	answered(&a, PX_COA);
	run_as(anew, "a.xml", &b, NULL);
	assert_string_not_equal(a.header.message_id, b.header.message_id);
	assert_false(b.accepted_before);
	snprintf(name, sizeof(name), "a.xml.%s.px", a.header.message_id);
	assert_true(px_file_exists(in_dir(name)));
	snprintf(name, sizeof(name), "a.xml.%s.coa", a.header.message_id);
	assert_true(px_file_exists(in_dir(name)));
	assert_false(px_file_exists(in_dir("a.xml.coa")));
	px_outgoing_free(&a);
	px_outgoing_free(&b);
	run_as(anew, "a.xml.px", &b, "goes as it is");
	px_outgoing_free(&b);
	px_client_free(&anew);
	clean();
}

/* The payload begins on line 2 of the file and on line 1 of the exchange. */
static void lines_of_the_file(void **state PX_UNUSED)
{
	struct px_outgoing o;
	struct px_buf text = PX_BUF_INIT;
	put("a.xml", PAYLOAD("\n1"));
	run("a.xml", &o, NULL);
	struct px_shown e = {.code = "C", .pointer = "/n:Test/LRN", .line = 2, .map = &o.lines};
	px_show_error(&text, &e);
	assert_string_equal(px_buf_str(&text), "C line 3 (2 of a.xml.px) /n:Test/LRN: ");
	e.pointer = "/px:Exchange/px:Header";
	e.line = 1;
	px_buf_clear(&text);
	px_show_error(&text, &e);
	assert_string_equal(px_buf_str(&text), "C line 1 of a.xml.px /px:Exchange/px:Header: ");
	px_outgoing_free(&o);
	run("a.xml.px", &o, NULL);
	e.pointer = "/n:Test/LRN";
	e.line = 2;
	e.map = &o.lines;
	px_buf_clear(&text);
	px_show_error(&text, &e);
	assert_string_equal(px_buf_str(&text), "C line 2 (2 of the payload) /n:Test/LRN: ");
	px_outgoing_free(&o);
	px_buf_free(&text);
	clean();
}

static void damage_is_not_sent(void **state PX_UNUSED)
{
	struct px_outgoing o;
	put("a.xml", PAYLOAD("1"));
	put("a.xml.px", "<px:Exchange");
	run("a.xml", &o, "is damaged");
	px_outgoing_free(&o);
	put("b.xml", "<px:Confirmation xmlns:px=\"urn:prinex:exchange:1\"/>");
	run("b.xml", &o, "this is no exchange but an answer");
	px_outgoing_free(&o);
	clean();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_same_octets_again),
	    cmocka_unit_test(a_change_while_the_outcome_is_unknown),
	    cmocka_unit_test(a_change_after_acceptance),
	    cmocka_unit_test(a_correction_after_refusal),
	    cmocka_unit_test(signed_exchanges_go_as_they_are),
	    cmocka_unit_test(unsigned_exchanges_are_signed_once),
	    cmocka_unit_test(another_id_for_what_was_sent),
	    cmocka_unit_test(other_options),
	    cmocka_unit_test(another_signing_certificate),
	    cmocka_unit_test(a_refusal_of_something_else),
	    cmocka_unit_test(time_is_against_it),
	    cmocka_unit_test(anew_keeps_the_old_one),
	    cmocka_unit_test(lines_of_the_file),
	    cmocka_unit_test(damage_is_not_sent),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
