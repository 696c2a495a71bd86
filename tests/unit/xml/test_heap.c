/* prinex: tests of xml: memory of trees
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <libxml/parser.h>

#include "base/buf.h"
#include "xml/examine.h"
#include "xml/heap.h"

static xmlDoc *read_into(const char *text, size_t *mark)
{
	*mark = px_heap_begin();
	xmlDoc *doc = xmlReadMemory(text, (int)strlen(text), NULL, NULL, XML_PARSE_NONET | XML_PARSE_COMPACT);
	px_heap_end();
	if (doc == NULL)
		fail_msg("not well-formed: %s", text);
	return doc;
}

static void expect_text(xmlDoc *doc, const char *expected)
{
	xmlChar *dumped = NULL;
	int n;
	xmlDocDumpMemory(doc, &dumped, &n);
	assert_string_equal((char *)dumped, expected);
	xmlFree(dumped);
}

/* As px_examine does it; with sanitizers all trees are freed one by one. */
static void give_up(xmlDoc *doc, size_t mark)
{
	if (!px_heap_is_whole(mark))
		xmlFreeDoc(doc);
	px_heap_release(mark);
}

#define XML   "<?xml version=\"1.0\"?>\n"
#define OUTER XML "<a b=\"1&amp;2\"><c>text that is no longer compact</c><!--x--><d/></a>\n"
#define INNER XML "<inner><e f=\"g\">h</e></inner>\n"

static void nested_trees_stay_apart(void **state)
{
	(void)state;
	size_t outer, inner;
	xmlDoc *a = read_into(OUTER, &outer), *b = read_into(INNER, &inner);
	expect_text(a, OUTER);
	expect_text(b, INNER);
	give_up(b, inner);
	xmlDoc *again = read_into(INNER, &inner);
	expect_text(again, INNER);
	expect_text(a, OUTER);
	give_up(again, inner);
	expect_text(a, OUTER);
	give_up(a, outer);
}

static void memory_is_used_again(void **state)
{
	(void)state;
	size_t mark, first = 0;
	const xmlDoc *at = NULL;
	for (int i = 0; i < 1000; i++) {
		xmlDoc *doc = read_into(OUTER, &mark);
		if (i == 0) {
			first = mark;
			at = doc;
		}
		assert_int_equal(mark, first);
		if (mark != 0) { /* there is a heap */
			assert_true(px_heap_is_whole(mark));
			assert_ptr_equal(doc, at);
		}
		give_up(doc, mark);
	}
}

static void pieces_grow_and_go(void **state)
{
	(void)state;
	size_t mark = px_heap_begin();
	char *a = xmlMalloc(10), *b = (char *)xmlStrdup(BAD_CAST "second");
	memcpy(a, "first", 6);
	a = xmlRealloc(a, 5000); /* moves: another stands behind it */
	assert_string_equal(a, "first");
	assert_string_equal(b, "second");
	char *grown = xmlRealloc(a, 100000);
	if (mark != 0)
		assert_ptr_equal(grown, a); /* nothing stood behind it */
	assert_string_equal(grown, "first");
	assert_int_equal((uintptr_t)b % 16, 0);
	px_heap_end();
	b = xmlRealloc(b, 1000); /* from malloc(3), as all that is taken now */
	assert_string_equal(b, "second");
	memset(b, 'x', 1000);
	xmlFree(b);
	xmlFree(grown);
	px_heap_release(mark);
}

static void what_does_not_fit_is_freed_one_by_one(void **state)
{
	(void)state;
	size_t mark = px_heap_begin();
	char *much = xmlMalloc((size_t)200 * 1024 * 1024), *little = xmlMalloc(3);
	much[0] = little[0] = 'x';
	px_heap_end();
	assert_false(px_heap_is_whole(mark));
	xmlFree(little);
	xmlFree(much);
	px_heap_release(mark);
	xmlDoc *doc = read_into(OUTER, &mark);
	assert_true(px_heap_is_whole(mark) || mark == 0);
	expect_text(doc, OUTER);
	give_up(doc, mark);
}

/* libxml2 keeps the last fault, with its texts, and frees them at the next one. */
static void faults_of_a_tree_do_not_outlive_it(void **state)
{
	(void)state;
	static const char broken[] = "<a xmlns:x='not absolute'><b></a>";
	for (int i = 0; i < 3; i++) {
		size_t mark = px_heap_begin();
		assert_null(xmlReadMemory(broken, sizeof(broken) - 1, NULL, NULL, XML_PARSE_NONET));
		px_heap_end();
		px_heap_release(mark);
		assert_null(xmlGetLastError());
		xmlDoc *doc = read_into(OUTER, &mark);
		expect_text(doc, OUTER);
		give_up(doc, mark);
	}
}

static void trees_after_a_trim_are_whole(void **state)
{
	(void)state;
	struct px_buf text = PX_BUF_INIT;
	size_t mark;
	px_buf_adds(&text, XML "<a>");
	for (int i = 0; i < 100000; i++)
		px_buf_adds(&text, "<b>c</b>");
	px_buf_adds(&text, "</a>\n");
	for (int i = 0; i < 2; i++) {
		xmlDoc *doc = read_into(px_buf_str(&text), &mark);
		expect_text(doc, px_buf_str(&text));
		give_up(doc, mark);
		px_heap_trim();
	}
	px_buf_free(&text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nested_trees_stay_apart),
	    cmocka_unit_test(memory_is_used_again),
	    cmocka_unit_test(pieces_grow_and_go),
	    cmocka_unit_test(what_does_not_fit_is_freed_one_by_one),
	    cmocka_unit_test(faults_of_a_tree_do_not_outlive_it),
	    cmocka_unit_test(trees_after_a_trim_are_whole),
	};
	px_xml_init();
	px_heap_open();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
