/* prinex: tests of xml: official messages, where the corpus is there
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "kit.h"

#include <dirent.h>

#include "base/strings.h"

/* Run @fn on every .xml file of a folder of the corpus. @return how many there were. */
static unsigned each(const char *folder, void (*fn)(const char *name, const char *text, size_t len))
{
	char *dir_path = text_of("%s/%s", corpus(), folder);
	DIR *dir = opendir(dir_path);
	struct dirent *e;
	unsigned n = 0;
	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		if (!px_str_ends(e->d_name, ".xml"))
			continue;
		size_t len;
		char *path = text_of("%s/%s", dir_path, e->d_name), *text = file_text(path, &len);
		fn(e->d_name, text, len);
		free(text);
		free(path);
		n++;
	}
	closedir(dir);
	free(dir_path);
	return n;
}

static struct px_verdict *check(const char *text, size_t len, char *type)
{
	px_examiner_guess_type(kit_get()->ex, (const uint8_t *)text, len, type, PX_TYPE_MAX + 1);
	return px_examine_payload(kit_get()->ex, type, "", (const uint8_t *)text, len);
}

static void valid(const char *name, const char *text, size_t len)
{
	char type[PX_TYPE_MAX + 1];
	struct px_verdict *v = check(text, len, type);
	if (v->stage != PX_STAGE_OK)
		fail_msg("%s (%s): %s line %u %s", name, type, px_code_wire(v->errors.items[0].code),
			 v->errors.items[0].line, v->errors.items[0].text);
	px_verdict_free(&v);
}

static void invalid(const char *name, const char *text, size_t len)
{
	char type[PX_TYPE_MAX + 1];
	struct px_verdict *v = check(text, len, type);
	if (v->stage == PX_STAGE_OK || v->errors.n == 0)
		fail_msg("%s (%s) was accepted", name, type);
	/* Each error says where and what. */
	for (unsigned i = 0; i < v->errors.n; i++) {
		assert_true(v->errors.items[i].text[0] != '\0');
		if (v->stage == PX_STAGE_SCHEMA) {
			assert_true(v->errors.items[i].line > 0);
			assert_non_null(v->errors.items[i].pointer);
		}
	}
	px_verdict_free(&v);
}

static void test_valid(void **state)
{
	(void)state;
	if (corpus_missing())
		skip();
	assert_true(each("ncts5/messages/valid", valid) > 100);
	assert_true(each("ncts5/messages/large", valid) > 3);
	assert_true(each("ens/valid", valid) > 3);
	assert_true(each("ens/large", valid) > 0);
}

static void test_invalid(void **state)
{
	(void)state;
	if (corpus_missing())
		skip();
	assert_true(each("ncts5/messages/invalid", invalid) > 40);
	assert_true(each("ens/invalid", invalid) > 0);
}

static unsigned agreed_valid;

/* The authority's own expectation stands beside each: no <err:Error> element means valid. */
static void agree(const char *name, const char *text, size_t len)
{
	char *path = text_of("%s/ens/schema-cases/%s", corpus(), name), type[PX_TYPE_MAX + 1];
	path = swap(path, ".xml", ".ctl");
	char *expectation = file_text(path, NULL);
	bool is_valid = strstr(expectation, "<err:Error>") == NULL;
	struct px_verdict *v = check(text, len, type);
	if ((v->stage == PX_STAGE_OK) != is_valid)
		fail_msg("%s: we say %s, the authority %s", name, px_stage_name(v->stage),
			 is_valid ? "valid" : "invalid");
	agreed_valid += is_valid;
	px_verdict_free(&v);
	free(expectation);
	free(path);
}

static void test_schema_cases(void **state)
{
	(void)state;
	if (corpus_missing())
		skip();
	agreed_valid = 0;
	assert_int_equal(each("ens/schema-cases", agree), 91);
	assert_int_equal(agreed_valid, 3);
}

/* Signed and in an exchange they come through with keys, their octets untouched. */
static void signed_exchange(const char *name, const char *text, size_t len)
{
	struct kit *k = kit_get();
	char type[PX_TYPE_MAX + 1];
	px_examiner_guess_type(k->ex, (const uint8_t *)text, len, type, sizeof(type));
	const char *root = text;
	while ((root = strchr(root, '<')) != NULL && (root[1] == '?' || root[1] == '!'))
		root = strstr(root, root[1] == '?' ? "?>" : "-->");
	char *element = px_xstrdup(root);
	size_t n = strlen(element);
	while (n > 0 && element[n - 1] != '>')
		element[--n] = '\0';
	/* A comment behind the root would be a second thing in Payload; the files have none. */
	char *exchange = letter_sign(letter_text(&(struct letter){.type = type, .payload = element}),
				     &k->by.system_ec, &k->by);
	struct px_verdict *v = kit_examine(exchange, strlen(exchange));
	if (v->stage != PX_STAGE_OK)
		fail_msg("%s (%s): %s %s", name, type, px_stage_name(v->stage), v->errors.items[0].text);
	assert_int_equal(v->payload_len, strlen(element));
	assert_memory_equal(exchange + v->payload_offset, element, v->payload_len);
	px_verdict_free(&v);
	free(exchange);
	free(element);
}

static void test_signed(void **state)
{
	(void)state;
	if (corpus_missing())
		skip();
	each("ncts5/messages/valid", signed_exchange);
	each("ncts5/messages/large", signed_exchange);
	each("ens/large", signed_exchange);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_valid),
	    cmocka_unit_test(test_invalid),
	    cmocka_unit_test(test_schema_cases),
	    cmocka_unit_test(test_signed),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	kit_free();
	return rc;
}
