/* prinex: tests of xml: business keys, plain paths against libxml2's XPath
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "kit.h"

#include <libxml/parser.h>

#include "base/strings.h"
#include "xml/keys.h"

static char uri[] = "urn:n", prefix[] = "n";
static struct px_cat_prefix prefixes[] = {{.prefix = prefix, .uri = uri}};
static const struct px_cat_set set = {.name = prefix, .n_prefixes = 1, .prefixes = prefixes};

/* The values of @text at @exprs (LRN), joined by '|'. */
static char *values(const char *text, const char **exprs, unsigned n, const char *ends, bool *ended)
{
	struct px_cat_keys keys = {0};
	struct px_cat_type type = {
	    .name = prefix, .file = prefix, .keys = &keys, .ends_movement = (char *)(uintptr_t)ends};
	keys.xpath[PX_KEY_LRN].n = n;
	keys.xpath[PX_KEY_LRN].items = (char **)(uintptr_t)exprs;
	struct px_paths *paths = NULL;
	struct px_buf why = PX_BUF_INIT, out = PX_BUF_INIT;
	if (px_paths_new(&type, &set, &paths, &why) != PX_OK)
		return (char *)px_buf_detach(&why, NULL);
	xmlDoc *doc = xmlReadMemory(text, (int)strlen(text), NULL, NULL, 0);
	struct px_keys found = {0};
	unsigned left_out = px_paths_extract(paths, doc, &found);
	for (unsigned i = 0; i < found.n; i++)
		px_buf_addf(&out, "%s%s", i > 0 ? "|" : "", found.items[i].value);
	if (left_out > 0)
		px_buf_addf(&out, "+%u", left_out);
	if (ended != NULL)
		*ended = found.ends_movement;
	free(found.items);
	xmlFreeDoc(doc);
	px_paths_free(&paths);
	return (char *)px_buf_detach(&out, NULL);
}

static void expect(const char *text, const char *expr, const char *wanted)
{
	char *got = values(text, &expr, 1, "", NULL);
	assert_string_equal(got, wanted);
	free(got);
}

#define DOC                                                                                         \
	"<n:r xmlns:n='urn:n' xmlns:m='urn:m' v='root'><a>1</a><b c='x' n:c='y'><a>2</a><a> 3\n 3 " \
	"</a><d/></b>"                                                                              \
	"<n:a>4</n:a><m:a>5</m:a><b><a>6</a><a>7</a></b><e>8<!-- c -->9<![CDATA[0]]></e><f>  </f></n:r>"

static void test_plain(void **state)
{
	(void)state;
	expect(DOC, "/n:r/a", "1");
	expect(DOC, "/*/a", "1");
	expect(DOC, "/n:r/b/a", "2|3 3|6|7");
	expect(DOC, "/*/*/a", "2|3 3|6|7");
	expect(DOC, "/n:r/n:a", "4");
	expect(DOC, "/n:r/b[2]/a", "6|7");
	expect(DOC, "/n:r/b/a[2]", "3 3|7");
	expect(DOC, "/n:r/b[1]/a[1]", "2");
	expect(DOC, "/n:r/b/@c", "x");
	expect(DOC, "/n:r/b/@n:c", "y");
	expect(DOC, "/*/@v", "root");
	expect(DOC, "/n:r/e", "890");
	expect(DOC, "/n:r/f", "");
	expect(DOC, "/n:r/b/d", "");
	expect(DOC, "/n:r/x", "");
	expect(DOC, "/r/a", "");
	expect(DOC, "/n:r/a/a", "");
}

static void test_general(void **state)
{
	(void)state;
	expect(DOC, "/n:r/b[not(d)]/a", "6|7");
	expect(DOC, "//a", "1|2|3 3|6|7");
	expect(DOC, "string(/n:r/b/@c)", "x");
	expect(DOC, "/n:r/b/a[last()]", "3 3|7");
	expect(DOC, "/n:r/a[", "n:0: type \"n\": \"/n:r/a[\" is not an XPath expression");
	/* A prefix that the set does not have. */
	expect(DOC, "/m:r/a", "");
}

/* The same expressions through both ways: a plain path with a predicate that is always true is a general one.
 */
static void test_oracle(void **state)
{
	(void)state;
	static const char *const paths[] = {"/n:r/a",   "/*/a",        "/n:r/b/a",    "/*/*/a",
					    "/n:r/n:a", "/n:r/b[2]/a", "/n:r/b/a[2]", "/*/b[1]/*",
					    "/*/*",     "/*",          "/*/*/*"};
	for (size_t i = 0; i < PX_ARRAY_LEN(paths); i++) {
		char *other = text_of("%s[true()]", paths[i]);
		const char *exprs[] = {paths[i], other};
		char *plain = values(DOC, &exprs[0], 1, "", NULL),
		     *general = values(DOC, &exprs[1], 1, "", NULL);
		assert_string_equal(plain, general);
		free(plain);
		free(general);
		free(other);
	}
}

/* In the order of the expressions, each value once. */
static void test_order(void **state)
{
	(void)state;
	const char *exprs[] = {"/n:r/b[2]/a", "/n:r/b/a", "/n:r/a"};
	char *got = values(DOC, exprs, 3, "", NULL);
	assert_string_equal(got, "6|7|2|3 3|1");
	free(got);
}

static void test_ends(void **state)
{
	(void)state;
	static const struct {
		const char *expr;
		bool ends;
	} cases[] = {{"", false},
		     {"true()", true},
		     {"/n:r/a = '1'", true},
		     {"/n:r/a = '2'", false},
		     {"/n:r/x", false}};
	const char *expr = "/n:r/a";
	for (size_t i = 0; i < PX_ARRAY_LEN(cases); i++) {
		bool ended = !cases[i].ends;
		free(values(DOC, &expr, 1, cases[i].expr, &ended));
		assert_int_equal(ended, cases[i].ends);
	}
}

static void test_limits(void **state)
{
	(void)state;
	/* 70 octets, cut at a character. */
	struct px_buf text = PX_BUF_INIT;
	px_buf_adds(&text, "<r><a>x");
	for (int i = 0; i < 40; i++)
		px_buf_adds(&text, "\xd0\x96");
	px_buf_adds(&text, "</a></r>");
	const char *expr = "/r/a";
	char *got = values(px_buf_str(&text), &expr, 1, "", NULL);
	assert_int_equal(strlen(got), 69);
	free(got);
	for (int n = PX_KEYS_MAX; n <= PX_KEYS_MAX + 3; n += 3) {
		px_buf_clear(&text);
		px_buf_adds(&text, "<r>");
		for (int i = 0; i < n; i++)
			px_buf_addf(&text, "<a>%d</a>", i);
		px_buf_adds(&text, "</r>");
		got = values(px_buf_str(&text), &expr, 1, "", NULL);
		assert_true(n > PX_KEYS_MAX ? px_str_ends(got, "|1023+3") : px_str_ends(got, "|1023"));
		free(got);
	}
	px_buf_free(&text);
}

static unsigned count_of(const struct px_keys *keys, enum px_key_kind kind)
{
	unsigned n = 0;
	for (unsigned i = 0; i < keys->n; i++)
		n += keys->items[i].kind == kind;
	return n;
}

/* However many seals and containers are listed, offices and countries are found: routes and alarms need them.
 */
static void test_many_seals_hide_nothing(void **state)
{
	(void)state;
	static const char *const exprs[PX_KEY_COUNT] = {[PX_KEY_VEHICLE] = "/r/c/v",
							[PX_KEY_CONTAINER] = "/r/c/e/n",
							[PX_KEY_SEAL] = "/r/c/e/s",
							[PX_KEY_COUNTRY_ROUTING] = "/r/c/k",
							[PX_KEY_OFFICE_TRANSIT] = "/r/o"};
	struct px_cat_keys keys = {0};
	struct px_cat_type type = {.name = prefix, .file = prefix, .keys = &keys};
	struct px_paths *paths = NULL;
	struct px_buf text = PX_BUF_INIT;
	for (unsigned i = 0; i < PX_KEY_COUNT; i++) {
		keys.xpath[i].n = exprs[i] != NULL;
		keys.xpath[i].items = (char **)(uintptr_t)&exprs[i];
	}
	assert_int_equal(px_paths_new(&type, &set, &paths, NULL), PX_OK);
	px_buf_adds(&text, "<r><c>");
	for (unsigned i = 0; i < 99; i++) {
		px_buf_addf(&text, "<e><n>C%u</n>", i);
		for (unsigned k = 0; k < 99; k++)
			px_buf_addf(&text, "<s>S%u-%u</s>", i, k);
		px_buf_adds(&text, "</e>");
	}
	px_buf_adds(&text, "<v>AE47125</v><k>MD</k></c><o>MD123456</o></r>");
	xmlDoc *doc = xmlReadMemory(px_buf_str(&text), (int)text.len, NULL, NULL, 0);
	struct px_keys found = {0};
	unsigned left_out = px_paths_extract(paths, doc, &found);
	assert_in_range(count_of(&found, PX_KEY_SEAL), PX_KEYS_MAX / 4, PX_KEYS_MAX / 2);
	assert_int_equal(left_out, 99 * 99 - count_of(&found, PX_KEY_SEAL));
	assert_int_equal(count_of(&found, PX_KEY_CONTAINER), 99);
	assert_int_equal(count_of(&found, PX_KEY_VEHICLE), 1);
	assert_int_equal(count_of(&found, PX_KEY_COUNTRY_ROUTING), 1);
	assert_int_equal(count_of(&found, PX_KEY_OFFICE_TRANSIT), 1);
	free(found.items);
	xmlFreeDoc(doc);
	px_paths_free(&paths);
	px_buf_free(&text);
}

/* The declarant's parallel lists keep their places. */
static void test_parallel(void **state)
{
	(void)state;
	static const char text[] = "<r><i><c>BY</c></i><i><c>BY</c></i></r>";
	const char *expr = "/r/i/c";
	struct px_cat_keys keys = {0};
	struct px_cat_type type = {.name = prefix, .file = prefix, .keys = &keys};
	struct px_paths *paths = NULL;
	keys.xpath[PX_KEY_DECLARANT_COUNTRY].n = 1;
	keys.xpath[PX_KEY_DECLARANT_COUNTRY].items = (char **)(uintptr_t)&expr;
	assert_int_equal(px_paths_new(&type, &set, &paths, NULL), PX_OK);
	xmlDoc *doc = xmlReadMemory(text, (int)strlen(text), NULL, NULL, 0);
	struct px_keys found = {0};
	px_paths_extract(paths, doc, &found);
	assert_int_equal(found.n, 2);
	free(found.items);
	xmlFreeDoc(doc);
	px_paths_free(&paths);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_general),
	    cmocka_unit_test(test_oracle),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_ends),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_many_seals_hide_nothing),
	    cmocka_unit_test(test_parallel),
	};
	px_xml_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
