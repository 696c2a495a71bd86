/* prinex: tests of xml: an exchange through all stages
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "kit.h"

#include "base/strings.h"

static void test_ping(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	char *text = letter_sign(
	    letter_text(&(struct letter){.expires = "2026-11-23T08:15:00Z", .correlation = "BY1"}),
	    &k->by.system, &k->by);
	expect_accepted(text);
	struct px_verdict *v = kit_examine(text, strlen(text));
	assert_true(px_verdict_is_signed(v));
	assert_true(v->has_header);
	assert_string_equal(v->header.message_id, "BY20261121000000123");
	assert_string_equal(v->header.sender, "BY");
	assert_int_equal(v->header.n_recipients, 1);
	assert_string_equal(v->header.recipients[0], "UA");
	assert_string_equal(v->header.type, "Ping");
	assert_int_equal(v->header.created_at, INT64_C(1795248900000));
	assert_int_equal(v->header.expires_at, v->header.created_at + 2 * DAY);
	assert_string_equal(v->header.correlation_id, "BY1");
	assert_string_equal(v->signer.authority, "BY");
	assert_int_equal(v->signer.role, PX_ROLE_SYSTEM);
	assert_string_equal(v->signer.name, "customs");
	assert_int_equal(v->signer.not_after, NOW + 365 * DAY);
	assert_int_equal(v->payload_len, strlen(PING));
	assert_memory_equal(text + v->payload_offset, PING, strlen(PING));
	px_verdict_free(&v);
	free(text);
}

static void test_declaration(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	char *payload = file_text("schemas/examples/ExportDeclaration-several.xml", NULL);
	char *root = strstr(payload, "<n:");
	char *text = letter_sign(
	    letter_text(&(struct letter){.type = "ExportDeclaration", .version = "1", .payload = root}),
	    &k->by.system_ec, &k->by);
	expect_accepted(text);
	struct px_verdict *v = kit_examine(text, strlen(text));
	assert_non_null(px_keys_first(&v->keys, PX_KEY_LRN));
	assert_non_null(px_keys_first(&v->keys, PX_KEY_VEHICLE));
	assert_false(v->keys.ends_movement);
	px_verdict_free(&v);
	free(text);
	free(payload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ping),
	    cmocka_unit_test(test_declaration),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	kit_free();
	return rc;
}
