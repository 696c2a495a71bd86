/* prinex: tests of xml: the scan of octets before any parser
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "kit.h"

#include "xml/prescan.h"

static void expect(const char *data, size_t len, enum px_code code, unsigned line)
{
	struct px_findings errors = {0};
	int rc = px_prescan((const uint8_t *)data, len, &errors);
	if (code == PX_CODE_COUNT) {
		if (rc != PX_OK)
			fail_msg("%.60s: %s", data, px_code_wire(errors.items[0].code));
	} else if (rc != PX_EPARSE || errors.items[0].code != code ||
		   (line != 0 && errors.items[0].line != line)) {
		fail_msg("%.60s: expected %s in line %u, got %s in line %u", data, px_code_wire(code), line,
			 errors.n > 0 ? px_code_wire(errors.items[0].code) : "nothing",
			 errors.n > 0 ? errors.items[0].line : 0);
	}
	px_findings_free(&errors);
}

#define GOOD PX_CODE_COUNT

static const struct {
	const char *text;
	enum px_code code;
	unsigned line;
} cases[] = {
    {"<a/>", GOOD, 0},
    {"\xef\xbb\xbf<a/>", GOOD, 0},
    {"<?xml version='1.0' encoding=\"utf-8\" standalone='yes'?><a/>", GOOD, 0},
    {"<a b='>' c=\"'\"><!-- <b> --><![CDATA[<!DOCTYPE]]><?pi <x?></a>\n", GOOD, 0},
    {"<a>\xd0\x96\xe2\x82\xac\xf0\x9f\x9a\x9b\t\r\n&amp;&#65;</a>", GOOD, 0},
    {"<a>\x7f</a>", GOOD, 0},
    {"<a><b></a>", GOOD, 0}, /* for the parser to refuse */
    {"", PX_CODE_SCAN_EMPTY, 1},
    {" \n\t", PX_CODE_SCAN_EMPTY, 1},
    {"\xef\xbb\xbf", PX_CODE_SCAN_EMPTY, 1},
    {"\xff\xfe<\0a\0", PX_CODE_SCAN_ENCODING, 1},
    {"\xfe\xff", PX_CODE_SCAN_ENCODING, 1},
    {"<?xml version='1.0' encoding='windows-1251'?><a/>", PX_CODE_SCAN_ENCODING, 1},
    {"<?xml version='1.0' encoding='UTF-16'?><a/>", PX_CODE_SCAN_ENCODING, 1},
    {"<?xml version='1.0' encoding='UTF-7'?><a/>", PX_CODE_SCAN_ENCODING, 1},
    {"<?xml version='1.1'?><a/>", PX_CODE_SCAN_SYNTAX, 1},
    {"<?xml version='1.0'", PX_CODE_SCAN_SYNTAX, 1},
    {"<a>\n\xcf\xf0\xe8</a>", PX_CODE_SCAN_ENCODING, 2},
    {"<a>\n\n\xc0\xaf</a>", PX_CODE_SCAN_ENCODING, 3},     /* overlong */
    {"<a>\xf4\x90\x80\x80</a>", PX_CODE_SCAN_ENCODING, 1}, /* beyond Unicode */
    {"<a>\xe2\x82", PX_CODE_SCAN_ENCODING, 1},
    {"<a>\xed\xa0\x80</a>", PX_CODE_SCAN_CHARACTER, 1}, /* surrogate */
    {"<a>\xef\xbf\xbf</a>", PX_CODE_SCAN_CHARACTER, 1},
    {"<a>\x01</a>", PX_CODE_SCAN_CHARACTER, 1},
    {"<a b='\x1b'/>", PX_CODE_SCAN_CHARACTER, 1},
    {"<!DOCTYPE a><a/>", PX_CODE_SCAN_DOCTYPE, 1},
    {"<a>\n<!ENTITY x 'y'></a>", PX_CODE_SCAN_DOCTYPE, 2},
    {"<a><![INCLUDE[x]]></a>", PX_CODE_SCAN_DOCTYPE, 1},
    {"<a><!-></a>", PX_CODE_SCAN_DOCTYPE, 1},
    {"<", PX_CODE_SCAN_SYNTAX, 1},
    {"<a", PX_CODE_SCAN_SYNTAX, 1},
    {"<a b", PX_CODE_SCAN_SYNTAX, 1},
    {"<a b=", PX_CODE_SCAN_SYNTAX, 1},
    {"<a b='", PX_CODE_SCAN_SYNTAX, 1},
    {"<a b=c/>", PX_CODE_SCAN_SYNTAX, 1},
    {"<a b='<'/>", PX_CODE_SCAN_SYNTAX, 1},
    {"<a 'b'/>", PX_CODE_SCAN_SYNTAX, 1},
    {"<a / >", PX_CODE_SCAN_SYNTAX, 1},
    {"< a/>", PX_CODE_SCAN_SYNTAX, 1},
    {"</a>", PX_CODE_SCAN_SYNTAX, 1},
    {"<a/></a>", PX_CODE_SCAN_SYNTAX, 1},
    {"<a></a", PX_CODE_SCAN_SYNTAX, 1},
    {"<a><!-- ", PX_CODE_SCAN_SYNTAX, 1},
    {"<a><![CDATA[ ]]", PX_CODE_SCAN_SYNTAX, 1},
    {"<a><?x ", PX_CODE_SCAN_SYNTAX, 1},
    {"<a><? x?>", PX_CODE_SCAN_SYNTAX, 1},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < PX_ARRAY_LEN(cases); i++)
		expect(cases[i].text, strlen(cases[i].text), cases[i].code, cases[i].line);
	expect("<a>\0</a>", 8, PX_CODE_SCAN_CHARACTER, 1);
	expect("<\0a\0/\0>\0", 8, PX_CODE_SCAN_ENCODING, 1);
	expect("\0<\0a", 4, PX_CODE_SCAN_ENCODING, 1);
}

/* Every prefix of a document, at the very end of its memory: nothing is read behind it (for the sanitizer).
 */
static void test_prefixes(void **state)
{
	(void)state;
	static const char text[] =
	    "<?xml version='1.0' encoding='UTF-8'?><a:b xmlns:a='urn:a' c=\"&quot;\"><!-- x --><![CDATA[y]]>"
	    "<?p i?>\xd0\x96<d e='f'/></a:b>";
	for (size_t n = 0; n < sizeof(text); n++) {
		struct px_findings errors = {0};
		uint8_t *copy = px_xmemdup(text, n);
		px_prescan(copy, n, &errors);
		px_findings_free(&errors);
		free(copy);
	}
}

/* --- each limit at N and N + 1 --- */

static void repeat(struct px_buf *out, const char *s, long n)
{
	for (long i = 0; i < n; i++)
		px_buf_adds(out, s);
}

static void expect_buf(struct px_buf *b, enum px_code code)
{
	expect(px_buf_str(b), b->len, code, 0);
	px_buf_free(b);
}

static void with_attributes(long n, enum px_code code)
{
	struct px_buf b = PX_BUF_INIT;
	px_buf_adds(&b, "<a");
	for (long i = 0; i < n; i++)
		px_buf_addf(&b, " a%ld=''", i);
	px_buf_adds(&b, "/>");
	expect_buf(&b, code);
}

/* @n declarations over @levels nested elements. */
static void with_prefixes(long n, long levels, enum px_code code)
{
	struct px_buf b = PX_BUF_INIT;
	for (long l = 0; l < levels; l++) {
		px_buf_adds(&b, "<a");
		for (long i = n * l / levels; i < n * (l + 1) / levels; i++)
			px_buf_addf(&b, " xmlns:p%ld='urn:p'", i);
		px_buf_adds(&b, ">");
	}
	repeat(&b, "</a>", levels);
	expect_buf(&b, code);
}

static void with_depth(long n, enum px_code code)
{
	struct px_buf b = PX_BUF_INIT;
	repeat(&b, "<a>", n - 1);
	px_buf_adds(&b, "<a/>");
	repeat(&b, "</a>", n - 1);
	expect_buf(&b, code);
}

static void with_elements(long n, enum px_code code)
{
	struct px_buf b = PX_BUF_INIT;
	px_buf_adds(&b, "<a>");
	repeat(&b, "<b/>", n - 1);
	px_buf_adds(&b, "</a>");
	expect_buf(&b, code);
}

static void with_name(const char *before, long n, const char *after, enum px_code code)
{
	struct px_buf b = PX_BUF_INIT;
	px_buf_adds(&b, before);
	repeat(&b, "n", n);
	px_buf_adds(&b, after);
	expect_buf(&b, code);
}

/* What is shown of a place near the end ends where the document does. */
static void test_shows_no_more_than_the_document(void **state)
{
	(void)state;
	struct px_buf b = PX_BUF_INIT;
	repeat(&b, "<a>", PX_LIMIT_XML_DEPTH + 1);
	size_t len = b.len;
	px_buf_adds(&b, "behind the document's end");
	struct px_findings errors = {0};
	assert_int_not_equal(px_prescan((const uint8_t *)b.data, len, &errors), PX_OK);
	assert_int_equal(errors.items[0].code, PX_CODE_SCAN_DEPTH);
	assert_string_equal(errors.items[0].value, "<a>");
	px_findings_free(&errors);
	px_buf_free(&b);
}

/* What the verdict says of the payload's octets is found here and nowhere else. */
static void test_payload(void **state)
{
	(void)state;
	static const struct {
		const char *text, *payload;
	} docs[] = {
	    {"<r><h><i>1</i></h><p> <a b='>'><c/><a>2</a></a>\n<!-- --></p><s><t/></s></r>",
	     "<a b='>'><c/><a>2</a></a>"},
	    {"<?xml version='1.0'?><!-- <x> --><r><h/><p><!-- <a></a> --><?p <a/>?><a/><b/></p></r>", "<a/>"},
	    {"<r><h></h><p><a><![CDATA[</a>]]><!--</a>--></a></p></r>", "<a><![CDATA[</a>]]><!--</a>--></a>"},
	    {"<r><h/><p/><q><a/></q></r>", ""},
	    {"<r><h/><p></p><q><a/></q></r>", ""},
	    {"<r><h><a/></h></r>", ""},
	    {"<r/>", ""},
	    {"<r><h/><p><a>", ""},
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(docs); i++) {
		const char *text = docs[i].text;
		static const unsigned path[] = {1, 0};
		struct px_findings errors = {0};
		struct px_span found, oracle = {0};
		assert_int_equal(px_prescan_payload((const uint8_t *)text, strlen(text), &found, &errors),
				 PX_OK);
		char *got = px_xstrndup(text + found.offset, found.len);
		assert_string_equal(got, docs[i].payload);
		free(got);
		bool is = px_locate((const uint8_t *)text, strlen(text), path, 2, &oracle, NULL);
		assert_int_equal(is, found.len > 0);
		assert_true(!is || (oracle.offset == found.offset && oracle.len == found.len));
	}
}

static void test_limits(void **state)
{
	(void)state;
	with_attributes(PX_LIMIT_XML_ATTRIBUTES, GOOD);
	with_attributes(PX_LIMIT_XML_ATTRIBUTES + 1, PX_CODE_SCAN_ATTRIBUTES);
	with_prefixes(PX_LIMIT_XML_PREFIXES, 4, GOOD);
	with_prefixes(PX_LIMIT_XML_PREFIXES + 1, 4, PX_CODE_SCAN_PREFIXES);
	with_depth(PX_LIMIT_XML_DEPTH, GOOD);
	with_depth(PX_LIMIT_XML_DEPTH + 1, PX_CODE_SCAN_DEPTH);
	with_depth(1000, PX_CODE_SCAN_DEPTH);
	with_elements(PX_LIMIT_XML_ELEMENTS, GOOD);
	with_elements(PX_LIMIT_XML_ELEMENTS + 1, PX_CODE_SCAN_ELEMENTS);
	static const struct {
		const char *before, *after;
	} names[] = {{"<", "/>"}, {"<a ", "='x'/>"}, {"<a><?", " x?></a>"}};
	for (size_t i = 0; i < PX_ARRAY_LEN(names); i++) {
		with_name(names[i].before, PX_LIMIT_XML_NAME, names[i].after, GOOD);
		with_name(names[i].before, PX_LIMIT_XML_NAME + 1, names[i].after, PX_CODE_SCAN_NAME);
	}
	with_name("<a b='", PX_LIMIT_XML_TOKEN, "'/>", GOOD);
	with_name("<a b='", PX_LIMIT_XML_TOKEN + 1, "'/>", PX_CODE_SCAN_TOKEN);
	with_name("<a>&", PX_LIMIT_XML_NAME, ";</a>", GOOD);
	with_name("<a>&", PX_LIMIT_XML_NAME + 1, ";</a>", PX_CODE_SCAN_TOKEN);
	with_name("<a b='&", PX_LIMIT_XML_NAME + 1, ";'/>", PX_CODE_SCAN_TOKEN);
	/* Prefixes of siblings are not in scope together. */
	struct px_buf b = PX_BUF_INIT;
	px_buf_adds(&b, "<a>");
	for (int i = 0; i < 200; i++)
		px_buf_addf(&b, "<b xmlns:p%d='urn:p'><c xmlns:q='urn:q'/></b>", i);
	px_buf_adds(&b, "</a>");
	expect_buf(&b, GOOD);
}

/* All are told, each once, up to the limit of errors. */
static void test_many(void **state)
{
	(void)state;
	struct px_findings errors = {0};
	struct px_buf b = PX_BUF_INIT;
	px_buf_adds(&b, "<a>");
	repeat(&b, "\xcf\xf0\xe8\xe2\xe5\xf2\n", 150);
	px_buf_adds(&b, "</a>");
	assert_int_equal(px_prescan(b.data, b.len, &errors), PX_EPARSE);
	assert_int_equal(errors.n, PX_ERRORS_MAX);
	assert_int_equal(errors.total, 150);
	assert_int_equal(errors.items[99].line, 100);
	px_findings_free(&errors);
	px_buf_free(&b);
}

/* What libxml2 would take 0.3 to 17 seconds for costs as much as any document of its size. */
static void test_linear(void **state)
{
	(void)state;
	clock_t cpu[2];
	for (int round = 0; round < 2; round++) {
		struct px_findings errors = {0};
		struct px_buf b = PX_BUF_INIT;
		long n = round == 0 ? 20000 : 200000;
		px_buf_adds(&b, "<a");
		for (long i = 0; i < n; i++)
			px_buf_addf(&b, " xmlns:a%ld='urn:%ld'", i, i);
		px_buf_adds(&b, "/>");
		cpu[round] = clock();
		for (int i = 0; i < 5; i++)
			px_prescan(b.data, b.len, &errors);
		cpu[round] = clock() - cpu[round];
		assert_int_equal(errors.items[0].code, PX_CODE_SCAN_ATTRIBUTES);
		px_findings_free(&errors);
		px_buf_free(&b);
	}
	print_message("# 20k: %ld us, 200k: %ld us\n", (long)cpu[0], (long)cpu[1]);
	assert_true(cpu[1] < 40 * PX_MAX(cpu[0], (clock_t)100));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_payload),
	    cmocka_unit_test(test_prefixes),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_shows_no_more_than_the_document),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_linear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
