/* prinex: tests of xml: the elements of a document in a row
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "kit.h"

#include "xml/heap.h"
#include "xml/run.h"

static void add_items(struct px_buf *out, unsigned n)
{
	px_buf_adds(out, "<r><!--x-->");
	for (unsigned i = 0; i < n; i++)
		px_buf_addf(out, "<a>t<n:b xmlns:n='urn:n'><c/></n:b>\n</a><d>%u</d><?p?>", i);
	px_buf_adds(out, "</r>");
}

/* Row by row beside the tree, which is walked here in another way. */
static const struct px_row *compare(const struct px_row *row, const xmlNode *node, unsigned depth)
{
	assert_non_null(row);
	assert_ptr_equal(row->node, node);
	assert_ptr_equal(row->name, node->name);
	assert_int_equal(row->depth, depth);
	assert_int_equal(row->has_ns, node->ns != NULL);
	row = px_row_next(row);
	for (const xmlNode *n = node->children; n != NULL; n = n->next) {
		if (n->type == XML_ELEMENT_NODE)
			row = compare(row, n, depth + 1);
	}
	return row;
}

/* What the parser notes, and what is made of a tree afterwards. */
static void check_all_elements(const struct px_buf *text)
{
	struct px_verdict v = {0};
	struct px_run run = {.data = text->data, .len = text->len, .v = &v};
	px_stage_parse(&run);
	assert_int_equal(v.errors.total, 0);
	assert_null(compare(px_rows_find(&run.rows, run.root), run.root, 1));
	struct px_rows again = {0};
	px_rows_of(&again, run.root);
	assert_null(compare(px_rows_find(&again, run.root), run.root, 1));
	px_rows_free(&again);
	px_rows_free(&run.rows);
	if (!px_heap_is_whole(run.heap_mark))
		xmlFreeDoc(run.doc);
	px_heap_release(run.heap_mark);
}

static void test_all_elements(void **state)
{
	(void)state;
	static const unsigned items[] = {0, 1, 31, 32, 500};
	for (size_t i = 0; i < PX_ARRAY_LEN(items); i++) {
		struct px_buf text = PX_BUF_INIT;
		add_items(&text, items[i]);
		check_all_elements(&text);
		px_buf_free(&text);
	}
}

/* Every number of elements up to more than three pieces: also those that just fill one. */
static void test_every_number(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 400; n++) {
		struct px_buf text = PX_BUF_INIT;
		px_buf_adds(&text, "<r>");
		for (unsigned i = 1; i < n; i++)
			px_buf_adds(&text, "<a/>");
		px_buf_adds(&text, "</r>");
		check_all_elements(&text);
		px_buf_free(&text);
	}
}

static void test_find(void **state)
{
	(void)state;
	struct px_buf text = PX_BUF_INIT;
	add_items(&text, 300);
	xmlDoc *doc = xmlReadMemory((const char *)text.data, (int)text.len, NULL, NULL, 0);
	const xmlNode *root = xmlDocGetRootElement(doc), *last = root->last->prev;
	struct px_rows rows = {0};
	assert_null(px_rows_find(&rows, root));
	px_rows_of(&rows, root);
	assert_string_equal((const char *)last->name, "d");
	const struct px_row *row = px_rows_find(&rows, last);
	assert_ptr_equal(row->node, last);
	assert_null(px_row_next(row));
	assert_null(px_rows_find(&rows, (const xmlNode *)doc));
	/* a part of the tree, as if it were all */
	struct px_rows part = {0};
	px_rows_of(&part, px_next_element(root->children));
	row = px_rows_find(&part, px_next_element(root->children));
	assert_int_equal(row->depth, 1);
	row = px_row_next(px_row_next(row));
	assert_string_equal((const char *)row->name, "c");
	assert_null(px_row_next(row));
	px_rows_free(&part);
	px_rows_free(&rows);
	assert_null(rows.first);
	xmlFreeDoc(doc);
	px_buf_free(&text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_elements),
	    cmocka_unit_test(test_every_number),
	    cmocka_unit_test(test_find),
	};
	px_xml_init();
	px_heap_open();
	return cmocka_run_group_tests_name("xml/rows", tests, NULL, NULL);
}
