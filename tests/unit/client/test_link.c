/* prinex: tests of what answers and failures mean
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "client/show.h"

static void every_alert_has_words(void **state PX_UNUSED)
{
	static const struct {
		int alert;
		const char *text;
	} cases[] = {
	    {SSL_AD_CERTIFICATE_REQUIRED, "wants a client certificate"},
	    {SSL_AD_CERTIFICATE_EXPIRED, "our certificate has expired"},
	    {SSL_AD_CERTIFICATE_REVOKED, "our certificate is revoked"},
	    {SSL_AD_UNKNOWN_CA, "does not know the CA of our certificate"},
	    {SSL_AD_BAD_CERTIFICATE, "not good for any partner"},
	    {SSL_AD_UNSUPPORTED_CERTIFICATE, "not one for TLS clients"},
	    {SSL_AD_ACCESS_DENIED, "knows no partner"},
	    {SSL_AD_PROTOCOL_VERSION, "version of TLS"},
	    {SSL_AD_DECODE_ERROR, "decode error"},
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(cases); i++) {
		if (strstr(px_alert_text(cases[i].alert), cases[i].text) == NULL)
			fail_msg("%s: %s", cases[i].text, px_alert_text(cases[i].alert));
	}
}

static void what_is_tried_again(void **state PX_UNUSED)
{
	static const struct {
		enum px_link_end end;
		int status;
		bool again;
	} cases[] = {
	    {PX_LINK_UNREACHABLE, 0, true}, {PX_LINK_LOST, 0, true},        {PX_LINK_TIMEOUT, 0, true},
	    {PX_LINK_REFUSED, 0, false},    {PX_LINK_STOPPED, 0, false},    {PX_LINK_ANSWERED, 503, true},
	    {PX_LINK_ANSWERED, 500, true},  {PX_LINK_ANSWERED, 429, true},  {PX_LINK_ANSWERED, 408, true},
	    {PX_LINK_ANSWERED, 201, false}, {PX_LINK_ANSWERED, 422, false}, {PX_LINK_ANSWERED, 413, false},
	    {PX_LINK_ANSWERED, 404, false},
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(cases); i++) {
		struct px_reply r = {.end = cases[i].end, .status = cases[i].status};
		assert_int_equal(px_reply_is_temporary(&r), cases[i].again);
	}
}

static void describe(int status, const char *body, const char *expected)
{
	struct px_reply r = {.end = PX_LINK_ANSWERED, .status = status};
	struct px_buf out = PX_BUF_INIT;
	px_buf_adds(&r.body, body);
	px_reply_describe(&r, &out);
	assert_string_equal(px_buf_str(&out), expected);
	px_reply_free(&r);
	px_buf_free(&out);
}

static void one_line_of_an_answer_is_shown(void **state PX_UNUSED)
{
	describe(503, "draining\n", "answered 503: draining");
	describe(413, "too long\r\nsecond line", "answered 413: too long");
	describe(404, "", "answered 404");
	describe(502, "<html>proxy</html>", "answered 502");
	describe(400, "a\x1b[31mred", "answered 400: a?[31mred");
}

static void waiting_grows_and_honours_the_broker(void **state PX_UNUSED)
{
	int64_t most = 0;
	for (unsigned attempt = 0; attempt < 40; attempt++) {
		int64_t wait = px_client_backoff(attempt, -1);
		assert_in_range(wait, 250, 60250);
		if (attempt == 0)
			assert_in_range(wait, 250, 1250);
		most = PX_MAX(most, wait);
	}
	assert_true(most > 5000);
	assert_int_equal(px_client_backoff(0, 90000), 90000);
}

/* What a document says must not drive a terminal. */
static void nothing_shown_controls_a_terminal(void **state PX_UNUSED)
{
	struct px_buf out = PX_BUF_INIT;
	px_show_safe(&out, "a\x1b]0;x\x07 \xc2\x9b \xd0\x91 \xff\n");
	assert_string_equal(px_buf_str(&out), "a\\x1B]0;x\\x07 \\xC2\\x9B \xd0\x91 \\xFF\\x0A");
	px_buf_clear(&out);
	static const char coe[] =
	    "<px:Confirmation xmlns:px=\"urn:prinex:exchange:1\">"
	    "<px:Error code=\"PX-A\" line=\"7\" pointer=\"/n:A\" value=\"&#x9b;\">no</px:Error>"
	    "<px:Error code=\"PX-B\">&lt;yes&gt;</px:Error><px:Warning code=\"PX-C\">w</px:Warning>"
	    "</px:Confirmation>";
	px_show_confirmation(&out, (const uint8_t *)coe, strlen(coe), "Error", NULL, "- ");
	assert_string_equal(px_buf_str(&out), "- PX-A line 7 /n:A \"\\xC2\\x9B\": no\n- PX-B: <yes>\n");
	px_buf_free(&out);
}

static void uris_name_authority_and_role(void **state PX_UNUSED)
{
	char authority[PX_AUTHORITY_MAX + 1];
	enum px_role role;
	static const char good[] = "urn:prinex:UA.SFS:node:node-ua";
	static const char *const bad[] = {"urn:prinex:UA",       "urn:prinex:ua:node:x",
					  "urn:other:UA:node:x", "urn:prinex:UA:king:x",
					  "urn:prinex:UA:node",  ""};
	assert_true(px_client_parse_uri(good, strlen(good), authority, &role));
	assert_string_equal(authority, "UA.SFS");
	assert_int_equal(role, PX_ROLE_NODE);
	for (size_t i = 0; i < PX_ARRAY_LEN(bad); i++)
		assert_false(px_client_parse_uri(bad[i], strlen(bad[i]), authority, &role));
	assert_false(px_client_parse_uri("urn:prinex:UA:node:x\0y", 22, authority, &role));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_alert_has_words),
	    cmocka_unit_test(what_is_tried_again),
	    cmocka_unit_test(one_line_of_an_answer_is_shown),
	    cmocka_unit_test(waiting_grows_and_honours_the_broker),
	    cmocka_unit_test(nothing_shown_controls_a_terminal),
	    cmocka_unit_test(uris_name_authority_and_role),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
