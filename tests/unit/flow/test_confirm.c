/* prinex: tests of what a node writes: valid, canonical, escaped
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/confirm.h"

#include "base/strings.h"
#include "flow/seal.h"
#include "xmlkit.h"

static const uint8_t digest[PX_DIGEST_LEN] = {0x9b, 0xc0, [31] = 0x19};
static const char recipients[2][PX_AUTHORITY_MAX + 1] = {"UA", "RO.DGV"};

/* Everything a confirmation can hold, filled. */
static struct px_confirm full(const struct px_findings *found)
{
	return (struct px_confirm){
	    .kind = PX_COE,
	    .permanent = true,
	    .confirmation_id = "PX-0A1B2C3D4E5F60718293A4B5",
	    .issuer = "UA",
	    .ref_sender = "BY",
	    .ref_message_id = "BY20261120000000451",
	    .ref_digest = digest,
	    .at = INT64_C(1795156873250),
	    .n_recipients = 2,
	    .recipients = recipients,
	    .route = "south",
	    .supersedes = "PX-0A1B2C3D4E5F60718293A4B0",
	    .evidence = (const uint8_t *)"<signed/>",
	    .evidence_len = 9,
	    .checkpoint = digest,
	    .warnings = found,
	    .errors = found,
	    .reference = "LRN-\"7\"",
	};
}

static void check(const struct px_buf *doc)
{
	struct kit kit;
	kit_assert_canonical(doc);
	kit_need("xmllint");
	kit_open(&kit);
	kit_assert_valid(&kit, doc);
	kit_close(&kit);
}

static void a_full_confirmation(void **state PX_UNUSED)
{
	struct px_findings found = {0};
	px_findings_add(&found, PX_CODE_SCHEMA_ENUM, 41, "/n:A/b[1]", "BYR", "not of the list");
	px_findings_add(&found, PX_CODE_EXPIRED, 0, NULL, NULL, "%s", "");
	struct px_confirm c = full(&found);
	struct px_buf doc = PX_BUF_INIT;
	px_confirm_write(&doc, &c, true);
	const char *s = px_buf_str(&doc);
	assert_non_null(strstr(s, "<px:Confirmation xmlns:px=\"urn:prinex:exchange:1\"><px:Kind>CoE</px:Kind>"
				  "<px:Class>permanent</px:Class>"));
	assert_non_null(strstr(s, "<px:Error code=\"PX-SCHEMA-ENUM\" line=\"41\" ncts=\"12\" "
				  "pointer=\"/n:A/b[1]\" reference=\"LRN-&quot;7&quot;\" value=\"BYR\">"
				  "not of the list</px:Error>"));
	assert_non_null(strstr(s, "<px:At>2026-11-20T06:41:13.250Z</px:At>"));
	assert_non_null(strstr(s, "<px:Evidence>PHNpZ25lZC8+</px:Evidence>"));
	assert_non_null(strstr(s, "<px:ErrorsTotal>2</px:ErrorsTotal></px:Confirmation>"));
	assert_null(strstr(s, "CodFollows"));
	check(&doc);
	px_buf_free(&doc);
	px_findings_free(&found);
}

static void what_is_absent_is_left_out(void **state PX_UNUSED)
{
	struct px_confirm c = {
	    .kind = PX_COA,
	    .confirmation_id = "PX-1",
	    .issuer = "UA",
	    .ref_sender = "BY",
	    .ref_message_id = "1",
	    .ref_digest = digest,
	    .at = 1000,
	    .route = "",
	    .cod_follows = true,
	};
	struct px_buf doc = PX_BUF_INIT;
	px_confirm_write(&doc, &c, true);
	char hex[PX_DIGEST_HEX], expected[512];
	px_hex(digest, PX_DIGEST_LEN, hex);
	snprintf(expected, sizeof(expected),
		 "<px:Confirmation xmlns:px=\"urn:prinex:exchange:1\"><px:Kind>CoA</px:Kind>"
		 "<px:ConfirmationId>PX-1</px:ConfirmationId><px:Issuer>UA</px:Issuer>"
		 "<px:RefSender>BY</px:RefSender><px:RefMessageId>1</px:RefMessageId>"
		 "<px:RefDigest>%s</px:RefDigest><px:At>1970-01-01T00:00:01Z</px:At>"
		 "<px:CodFollows>true</px:CodFollows></px:Confirmation>",
		 hex);
	assert_string_equal(px_buf_str(&doc), expected);
	check(&doc);
	px_buf_free(&doc);
}

/* A refused sender's claims must not make our own exception invalid. */
static void a_header_that_nobody_can_have(void **state PX_UNUSED)
{
	struct px_findings found = {0};
	px_findings_add(&found, PX_CODE_ENV_HEADER, 1, NULL, NULL, "unreadable");
	struct px_confirm c = full(&found);
	c.ref_sender = "by<";
	c.ref_message_id = "no id";
	struct px_buf doc = PX_BUF_INIT;
	px_confirm_write(&doc, &c, true);
	assert_null(strstr(px_buf_str(&doc), "RefSender"));
	assert_null(strstr(px_buf_str(&doc), "RefMessageId"));
	check(&doc);
	px_buf_free(&doc);
	px_findings_free(&found);
}

static void escapes(void **state PX_UNUSED)
{
	static const struct {
		const char *value, *attr, *text;
	} cases[] = {
	    {"Бярозавы «гай»", "Бярозавы «гай»", "Бярозавы «гай»"},
	    {"a&b<c>d\"e'", "a&amp;b&lt;c>d&quot;e'", "a&amp;b&lt;c&gt;d\"e'"},
	    {"tab\tnl\ncr\rdel\x7f", "tab\\x09nl\\x0Acr\\x0Ddel\\x7F", "tab\\x09nl\\x0Acr\\x0Ddel\\x7F"},
	    {"\x01\xff\xd0", "\\x01\\xFF\\xD0", "\\x01\\xFF\\xD0"},
	    {"back\\slash", "back\\\\slash", "back\\\\slash"},
	    {"\xef\xbf\xbe", "\\xEF\\xBF\\xBE", "\\xEF\\xBF\\xBE"},
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(cases); i++) {
		struct px_findings found = {0};
		char expected[256];
		px_findings_add(&found, PX_CODE_SCHEMA_VALUE, 0, NULL, cases[i].value, "%s", cases[i].value);
		struct px_confirm c = full(&found);
		struct px_buf doc = PX_BUF_INIT;
		px_confirm_write(&doc, &c, true);
		snprintf(expected, sizeof(expected), " value=\"%s\">%s</px:Error>", cases[i].attr,
			 cases[i].text);
		if (strstr(px_buf_str(&doc), expected) == NULL)
			fail_msg("no %s in %s", expected, px_buf_str(&doc));
		check(&doc);
		px_buf_free(&doc);
		px_findings_free(&found);
	}
}

/* Values of the highest length that the limits allow still follow the schema, even when all of it expands. */
static void long_values_stay_within_the_schema(void **state PX_UNUSED)
{
	char hostile[6000], reference[PX_KEY_VALUE_MAX + 1];
	memset(hostile, '\x02', sizeof(hostile) - 1);
	hostile[sizeof(hostile) - 1] = '\0';
	memset(reference, '\\', sizeof(reference) - 1);
	reference[sizeof(reference) - 1] = '\0';
	struct px_findings found = {0};
	for (unsigned i = 0; i < PX_ERRORS_MAX + 5; i++)
		px_findings_add(&found, PX_CODE_SCHEMA_VALUE, 1, hostile, hostile, "%s", hostile);
	struct px_confirm c = full(&found);
	c.reference = reference;
	struct px_buf doc = PX_BUF_INIT;
	px_confirm_write(&doc, &c, true);
	assert_non_null(strstr(px_buf_str(&doc), "<px:ErrorsTotal>105</px:ErrorsTotal>"));
	check(&doc);
	px_buf_free(&doc);
	px_findings_free(&found);
}

static void confirmations_travel_in_a_sealed_exchange(void **state PX_UNUSED)
{
	struct px_header h = {
	    .message_id = "PX-2",
	    .environment = "demo",
	    .sender = "UA",
	    .n_recipients = 1,
	    .recipients = {"BY"},
	    .type = "Confirmations",
	    .type_version = "1",
	    .created_at = 1000,
	    .expires_at = 2000,
	    .correlation_id = "BY1",
	};
	struct px_confirm c = full(NULL);
	struct px_buf entries[2] = {PX_BUF_INIT, PX_BUF_INIT}, doc = PX_BUF_INIT, why = PX_BUF_INIT;
	px_confirm_write(&entries[0], &c, false);
	c.kind = PX_COD;
	px_confirm_write(&entries[1], &c, false);
	px_confirm_exchange(&doc, &h, entries, 2);
	kit_assert_canonical(&doc);

	struct kit kit;
	char key_file[256], cert_file[256];
	struct px_seal_key *key = NULL;
	kit_open(&kit);
	kit_identity(&kit, "node", "P-256");
	kit_path(&kit, "node.key", key_file);
	kit_path(&kit, "node.pem", cert_file);
	assert_int_equal(px_seal_key_load(key_file, cert_file, &key, &why), PX_OK);
	assert_int_equal(px_seal(key, &doc), PX_OK);
	px_seal_key_free(&key);
	kit_close(&kit);
	check(&doc);
	px_buf_free(&entries[0]);
	px_buf_free(&entries[1]);
	px_buf_free(&doc);
}

/* A string that is not const, as the loaded configuration has them. */
#define TEXT(s) ((char[]){s})

static void the_node_about_itself(void **state PX_UNUSED)
{
	char *v51[] = {TEXT("NCTS5.1")}, *v50[] = {TEXT("NCTS5.0"), TEXT("NCTS5")},
	     *names[] = {TEXT("new"), TEXT("old")}, *one[] = {TEXT("old")};
	struct px_cat_set sets[] = {
	    {.name = TEXT("new"), .versions = {1, v51}},
	    {.name = TEXT("old"), .versions = {2, v50}},
	};
	struct px_cat_type types[] = {
	    {.name = TEXT("CD001C"), .sets = {2, names}, .available = true},
	    {.name = TEXT("CC315A"), .sets = {1, one}, .available = false},
	};
	struct px_catalogue cat = {.n_sets = 2, .sets = sets, .n_types = 2, .types = types};
	struct px_conf conf = {
	    .node = {.authority = TEXT("UA"), .environment = TEXT("demo")},
	    .inspect = {.body_limit = 4194304},
	    .limits = {.horizon = INT64_C(2592000000), .future = 300000, .lease = 90000},
	};
	struct px_conf_partner peer = {
	    .name = TEXT("by-node"), .authority = TEXT("BY"), .role = PX_ROLE_NODE};
	struct px_buf doc = PX_BUF_INIT, why = PX_BUF_INIT;
	px_confirm_node(&doc, &conf, &cat, &peer, 1000);
	assert_non_null(strstr(px_buf_str(&doc),
			       "<px:Type><px:Name>CD001C</px:Name><px:Version>NCTS5.1</px:Version>"
			       "<px:Version>NCTS5.0</px:Version><px:Version>NCTS5</px:Version></px:Type>"));
	assert_null(strstr(px_buf_str(&doc), "CC315A"));
	assert_non_null(strstr(px_buf_str(&doc), "<px:Limit name=\"lease-seconds\">90</px:Limit>"));
	kit_assert_canonical(&doc);

	struct kit kit;
	char key_file[256], cert_file[256];
	struct px_seal_key *key = NULL;
	kit_open(&kit);
	kit_identity(&kit, "node", "rsa-2048");
	kit_path(&kit, "node.key", key_file);
	kit_path(&kit, "node.pem", cert_file);
	assert_int_equal(px_seal_key_load(key_file, cert_file, &key, &why), PX_OK);
	assert_int_equal(px_seal(key, &doc), PX_OK);
	px_seal_key_free(&key);
	kit_close(&kit);
	check(&doc);
	px_buf_free(&doc);
}

static void ids_are_message_ids_of_nodes(void **state PX_UNUSED)
{
	char a[PX_MESSAGE_ID_MAX + 1], b[PX_MESSAGE_ID_MAX + 1];
	px_confirm_id(a, INT64_C(1795156873250), 1);
	px_confirm_id(b, INT64_C(1795156873250), UINT64_MAX);
	assert_int_equal(strlen(a), 27);
	assert_int_equal(strlen(b), 27);
	assert_true(px_is_message_id(a) && px_is_message_id(b));
	assert_true(px_str_starts(a, "PX-"));
	assert_string_not_equal(a, b);
	assert_memory_equal(a, b, 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_full_confirmation),
	    cmocka_unit_test(what_is_absent_is_left_out),
	    cmocka_unit_test(a_header_that_nobody_can_have),
	    cmocka_unit_test(escapes),
	    cmocka_unit_test(long_values_stay_within_the_schema),
	    cmocka_unit_test(confirmations_travel_in_a_sealed_exchange),
	    cmocka_unit_test(the_node_about_itself),
	    cmocka_unit_test(ids_are_message_ids_of_nodes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
