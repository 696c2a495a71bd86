/* prinex: tests of xml: exclusive canonicalization, octet by octet, and as libxml2 does it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <libxml/c14n.h>
#include <libxml/parser.h>

#include "base/buf.h"
#include "xml/c14n.h"
#include "xml/examine.h"
#include "xml/run.h"

static void keep(void *arg, const void *data, size_t len)
{
	px_buf_add(arg, data, len);
}

static xmlDoc *read(const char *text)
{
	xmlDoc *doc = xmlReadMemory(text, (int)strlen(text), NULL, NULL, XML_PARSE_NONET | XML_PARSE_COMPACT);
	if (doc == NULL)
		fail_msg("not well-formed: %s", text);
	return doc;
}

/* The canonical form of the whole document is @expected, and libxml2 thinks so too. */
static void expect(const char *text, const char *expected)
{
	xmlDoc *doc = read(text);
	struct px_buf ours = PX_BUF_INIT;
	xmlChar *theirs = NULL;
	assert_int_equal(px_c14n(xmlDocGetRootElement(doc), NULL, keep, &ours), PX_OK);
	assert_string_equal(px_buf_str(&ours), expected);
	assert_true(xmlC14NDocDumpMemory(doc, NULL, XML_C14N_EXCLUSIVE_1_0, NULL, 0, &theirs) >= 0);
	assert_string_equal((char *)theirs, expected);
	xmlFree(theirs);
	px_buf_free(&ours);
	xmlFreeDoc(doc);
}

static void test_table(void **state)
{
	static const struct {
		const char *what, *text, *canonical;
	} table[] = {
	    {"empty elements get an end tag", "<a><b/><c ></c ></a>", "<a><b></b><c></c></a>"},
	    {"attributes by namespace name, then local name; none first",
	     "<a xmlns:z='urn:1' xmlns:b='urn:2' z:y='1' b:x='2' y='3' b:a='4' a='5'/>",
	     "<a xmlns:b=\"urn:2\" xmlns:z=\"urn:1\" a=\"5\" y=\"3\" z:y=\"1\" b:a=\"4\" b:x=\"2\"></a>"},
	    {"attributes by octets, not by letters", "<a b='1' B='2' a='3' _='4' \xc3\xa9='5' z='6'/>",
	     "<a B=\"2\" _=\"4\" a=\"3\" b=\"1\" z=\"6\" \xc3\xa9=\"5\"></a>"},
	    {"two prefixes of one namespace: both declared, attributes by local name",
	     "<a xmlns:q='urn:1' xmlns:p='urn:1' p:b='1' q:a='2'/>",
	     "<a xmlns:p=\"urn:1\" xmlns:q=\"urn:1\" q:a=\"2\" p:b=\"1\"></a>"},
	    {"declarations by prefix, the default one first",
	     "<a xmlns:c='urn:3' xmlns:b='urn:2' xmlns='urn:1' c:x='' b:x=''/>",
	     "<a xmlns=\"urn:1\" xmlns:b=\"urn:2\" xmlns:c=\"urn:3\" b:x=\"\" c:x=\"\"></a>"},
	    {"what is not used is left out, and declared where it is",
	     "<a xmlns:u='urn:u' xmlns:b='urn:b'><b:c><b:d/></b:c><b:e/></a>",
	     "<a><b:c xmlns:b=\"urn:b\"><b:d></b:d></b:c><b:e xmlns:b=\"urn:b\"></b:e></a>"},
	    {"used first by an attribute", "<a xmlns:b='urn:b'><c b:x='1'><b:d/></c></a>",
	     "<a><c xmlns:b=\"urn:b\" b:x=\"1\"><b:d></b:d></c></a>"},
	    {"the same again is superfluous",
	     "<b:a xmlns:b='urn:b'><b:c xmlns:b='urn:b'><b:d xmlns:b='urn:b'/></b:c></b:a>",
	     "<b:a xmlns:b=\"urn:b\"><b:c><b:d></b:d></b:c></b:a>"},
	    {"a prefix declared anew, and back",
	     "<b:a xmlns:b='urn:1'><b:c xmlns:b='urn:2'><b:d xmlns:b='urn:1'/></b:c><b:e/></b:a>",
	     "<b:a xmlns:b=\"urn:1\"><b:c xmlns:b=\"urn:2\"><b:d "
	     "xmlns:b=\"urn:1\"></b:d></b:c><b:e></b:e></b:a>"},
	    {"declared anew between, unused there",
	     "<b:a xmlns:b='urn:1'><c xmlns:b='urn:2'><b:d xmlns:b='urn:1'/></c></b:a>",
	     "<b:a xmlns:b=\"urn:1\"><c><b:d></b:d></c></b:a>"},
	    {"the default namespace taken back where it is felt",
	     "<a xmlns='urn:1'><b xmlns=''><c/></b><d/></a>",
	     "<a xmlns=\"urn:1\"><b xmlns=\"\"><c></c></b><d></d></a>"},
	    {"taken back where there is none", "<a xmlns=''><b xmlns=''/></a>", "<a><b></b></a>"},
	    {"taken back, not felt by a prefixed element",
	     "<a xmlns='urn:1' xmlns:p='urn:p'><p:b xmlns=''><c/></p:b></a>",
	     "<a xmlns=\"urn:1\"><p:b xmlns:p=\"urn:p\"><c xmlns=\"\"></c></p:b></a>"},
	    {"the default namespace, taken back, given again",
	     "<a xmlns='urn:1'><b xmlns=''><c xmlns='urn:1'><d xmlns=''/></c></b></a>",
	     "<a xmlns=\"urn:1\"><b xmlns=\"\"><c xmlns=\"urn:1\"><d xmlns=\"\"></d></c></b></a>"},
	    {"a default namespace does not concern attributes", "<a xmlns='urn:1' b='1'/>",
	     "<a xmlns=\"urn:1\" b=\"1\"></a>"},
	    {"xml: is never declared, and sorted by its namespace name",
	     "<a xmlns:z='urn:z' xml:lang='en' z:b='' xmlns:h='a:z' h:c='' b=''><c "
	     "xml:space='preserve'/></a>",
	     "<a xmlns:h=\"a:z\" xmlns:z=\"urn:z\" b=\"\" h:c=\"\" xml:lang=\"en\" z:b=\"\"><c "
	     "xml:space=\"preserve\"></c></a>"},
	    {"xml: declared by name", "<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:id='x'/>",
	     "<a xml:id=\"x\"></a>"},
	    {"escapes in attributes", "<a b='&#9;&#10;&#13;&amp;&lt;&gt;&quot;&apos;>'/>",
	     "<a b=\"&#x9;&#xA;&#xD;&amp;&lt;>&quot;'>\"></a>"},
	    {"white space in attributes is normalized by the parser", "<a b=' x\t\ny\r\nz '/>",
	     "<a b=\" x  y z \"></a>"},
	    {"escapes in text", "<a>&#9;&#10;&#13;&amp;&lt;&gt;\"'</a>", "<a>\t\n&#xD;&amp;&lt;&gt;\"'</a>"},
	    {"line ends in text", "<a>1\r\n2\r3\n</a>", "<a>1\n2\n3\n</a>"},
	    {"CDATA becomes text", "<a>x<![CDATA[<&>\r\n]]>y<![CDATA[]]]]><![CDATA[>]]></a>",
	     "<a>x&lt;&amp;&gt;\ny]]&gt;</a>"},
	    {"character references", "<a b='&#233;&#x10348;'>&#xE9;&#66376;</a>",
	     "<a b=\"\xc3\xa9\xf0\x90\x8d\x88\">\xc3\xa9\xf0\x90\x8d\x88</a>"},
	    {"supplementary planes",
	     "<\xf0\x90\x8d\x88 a='\xf0\x9f\x9a\x9b'>\xf4\x8f\xbf\xbd</\xf0\x90\x8d\x88>",
	     "<\xf0\x90\x8d\x88 a=\"\xf0\x9f\x9a\x9b\">\xf4\x8f\xbf\xbd</\xf0\x90\x8d\x88>"},
	    {"comments go, what is around them stays", "<a>1<!-- & -->2<b/><!----></a>", "<a>12<b></b></a>"},
	    {"processing instructions stay", "<a><?p?><?q   r < & \" s ?><?t u\r\nv?></a>",
	     "<a><?p?><?q r < & \" s ?><?t u\nv?></a>"},
	    {"text beside the root is no part of it", "\n<?x y?><!-- c --><a/>\n", NULL},
	};
	(void)state;
	for (size_t i = 0; i < PX_ARRAY_LEN(table); i++) {
		print_message("# %s\n", table[i].what);
		if (table[i].canonical != NULL) {
			expect(table[i].text, table[i].canonical);
			continue;
		}
		struct px_buf out = PX_BUF_INIT;
		xmlDoc *doc = read(table[i].text);
		assert_int_equal(px_c14n(xmlDocGetRootElement(doc), NULL, keep, &out), PX_OK);
		assert_string_equal(px_buf_str(&out), "<a></a>");
		px_buf_free(&out);
		xmlFreeDoc(doc);
	}
}

static void test_large(void **state)
{
	(void)state;
	struct px_buf in = PX_BUF_INIT, out = PX_BUF_INIT;
	/* As deep as the pre-scan lets a document be, a declaration on each level. */
	for (int i = 0; i < 64; i++) {
		px_buf_addf(&in, "<p:e%d xmlns:p='urn:%d'>", i, i % 3);
		px_buf_addf(&out, "<p:e%d xmlns:p=\"urn:%d\">", i, i % 3);
	}
	for (int i = 63; i >= 0; i--) {
		px_buf_addf(&in, "</p:e%d>", i);
		px_buf_addf(&out, "</p:e%d>", i);
	}
	expect(px_buf_str(&in), px_buf_str(&out));
	/* 64 attributes, last first; values longer than any buffer. */
	px_buf_clear(&in);
	px_buf_clear(&out);
	px_buf_adds(&in, "<a");
	px_buf_adds(&out, "<a");
	for (int i = 0; i < 64; i++) {
		px_buf_addf(&in, " a%02d='%0*d&lt;'", 63 - i, 1 + i * 300, i);
		px_buf_addf(&out, " a%02d=\"%0*d&lt;\"", i, 1 + (63 - i) * 300, 63 - i);
	}
	px_buf_addf(&in, ">%0*d</a>", 100000, 1);
	px_buf_addf(&out, ">%0*d</a>", 100000, 1);
	expect(px_buf_str(&in), px_buf_str(&out));
	px_buf_free(&in);
	px_buf_free(&out);
}

static void test_part(void **state)
{
	(void)state;
	xmlDoc *doc = read("<p:a xmlns:p='urn:p' xmlns='urn:d'>1<s><p:t/><u>2</u></s>3<v/></p:a>");
	xmlNode *root = xmlDocGetRootElement(doc), *s = root->children->next;
	struct px_buf out = PX_BUF_INIT;
	assert_int_equal(px_c14n(root, s, keep, &out), PX_OK);
	assert_string_equal(px_buf_str(&out), "<p:a xmlns:p=\"urn:p\">13<v xmlns=\"urn:d\"></v></p:a>");
	px_buf_clear(&out);
	/* Alone, it declares what it uses; nothing behind it is written. */
	assert_int_equal(px_c14n(s, NULL, keep, &out), PX_OK);
	assert_string_equal(px_buf_str(&out), "<s xmlns=\"urn:d\"><p:t xmlns:p=\"urn:p\"></p:t><u>2</u></s>");
	px_buf_free(&out);
	xmlFreeDoc(doc);
}

/* Such a tree is not made by our parser; it must not pass for something else. */
static void test_reference(void **state)
{
	(void)state;
	xmlDoc *doc = read("<a/>");
	struct px_buf out = PX_BUF_INIT;
	xmlAddChild(xmlDocGetRootElement(doc), xmlNewReference(doc, (const xmlChar *)"e"));
	assert_int_equal(px_c14n(xmlDocGetRootElement(doc), NULL, keep, &out), PX_EPARSE);
	px_buf_free(&out);
	xmlFreeDoc(doc);
	doc = read("<a b=''/>");
	xmlAddChild((xmlNode *)xmlDocGetRootElement(doc)->properties,
		    xmlNewReference(doc, (const xmlChar *)"e"));
	assert_int_equal(px_c14n(xmlDocGetRootElement(doc), NULL, keep, &out), PX_EPARSE);
	px_buf_free(&out);
	xmlFreeDoc(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_large),
	    cmocka_unit_test(test_part),
	    cmocka_unit_test(test_reference),
	};
	px_xml_init();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
