/* prinex: tests of xml: rules: the subset of Schematron, its faults, what a broken rule says
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "kit.h"

#include <libxml/parser.h>
#include <unistd.h>

#include "base/strings.h"
#include "xml/heap.h"
#include "xml/rules_parts.h"

#define HEAD                                                                                  \
	"<schema xmlns='http://purl.oclc.org/dsdl/schematron' xmlns:px='urn:prinex:rules:1' " \
	"queryBinding='xslt'>\n"                                                              \
	"<ns prefix='n' uri='urn:n'/><ns prefix='px' uri='urn:prinex:rules:1'/>\n"
#define TAIL                  "</schema>\n"
#define RULE(context, checks) HEAD "<pattern><rule context='" context "'>" checks "</rule></pattern>" TAIL

static char path[] = "/tmp/px-rules-XXXXXX";

static int load(const char *text, struct px_rules **out, struct px_buf *why)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return px_rules_load(path, out, why);
}

/* --- what is found ---------------------------------------------------------------------------------- */

static void collect(void *arg, const struct px_rule_hit *hit)
{
	struct px_buf *out = arg;
	px_buf_addf(out, "%s%s%s %s=%s line %ld: %s", out->len > 0 ? "; " : "", hit->rule->id,
		    hit->rule->warning ? "(w)" : "", (const char *)hit->node->name,
		    hit->value != NULL ? hit->value : "-", xmlGetLineNo(hit->node), hit->text);
}

static void finds(const char *rules, const char *document, const char *wanted)
{
	struct px_rules *r = NULL;
	struct px_buf why = PX_BUF_INIT, out = PX_BUF_INIT;
	if (load(rules, &r, &why) != PX_OK)
		fail_msg("%s", px_buf_str(&why));
	xmlDoc *doc = xmlReadMemory(document, (int)strlen(document), NULL, NULL, 0);
	assert_non_null(doc);
	for (int round = 0; round < 2; round++) { /* nothing is left over from the document before */
		px_buf_clear(&out);
		px_rules_run(r, doc, NULL, collect, &out);
		assert_string_equal(px_buf_str(&out), wanted);
	}
	xmlFreeDoc(doc);
	px_rules_free(&r);
	px_buf_free(&out);
	px_buf_free(&why);
}

static void test_assert_and_report(void **state)
{
	(void)state;
	finds(RULE("/n:r/a", "<assert id='A' test='. &gt; 3'>too small:\n  <value-of select='.'/> </assert>"),
	      "<n:r xmlns:n='urn:n'><a>5</a>\n<a>2</a></n:r>", "A a=2 line 2: too small: 2");
	finds(RULE("/n:r", "<report id='B' role='warning' test='a'>it has an a</report>"),
	      "<n:r xmlns:n='urn:n'><a>5</a></n:r>", "B(w) r=- line 1: it has an a");
	finds(RULE("/n:r", "<assert id='A' test='count(a) = 2' subject='a[2]'>x</assert>"),
	      "<n:r xmlns:n='urn:n'><a>5</a>\n<a>6</a>\n<a/></n:r>", "A a=6 line 2: x");
	finds(RULE("/n:r", "<assert id='A' test='false()' subject='nothing'>x</assert>"),
	      "<n:r xmlns:n='urn:n'>v</n:r>", "A r=v line 1: x");
	finds(RULE("/r", "<assert id='A' test='false()'>x</assert>"), "<n:r xmlns:n='urn:n'/>", "");
}

static void test_lets(void **state)
{
	(void)state;
	finds(HEAD
	      "<let name='all' value='count(/*/a)'/><pattern><let name='twice' value='2 * $all'/>"
	      "<rule context='/*/a'><let name='mine' value='.'/><let name='more' value='$mine + $twice'/>"
	      "<assert id='A' test='$more = 5'><value-of select='$more'/> of <value-of select='$all'/>"
	      "</assert></rule></pattern>" TAIL,
	      "<r><a>1</a><a>2</a></r>", "A a=2 line 1: 6 of 2");
	/* A set of nodes is a value too, and predicates may use it. */
	finds(HEAD
	      "<let name='wanted' value='/r/w'/><pattern><rule context='/r/a'>"
	      "<assert id='A' test='$wanted[. = current_is]|. = $wanted'>x</assert></rule></pattern>" TAIL,
	      "<r><w>1</w><w>3</w><a>3</a><a>2</a></r>", "A a=2 line 1: x");
}

static void test_first_rule_of_a_pattern(void **state)
{
	(void)state;
	static const char rules[] = HEAD
	    "<pattern><rule context='/r/a | /r/b'><assert id='A' test='false()'>first</assert></rule>"
	    "<rule context='/r/*'><assert id='B' test='false()'>second</assert></rule></pattern>"
	    "<pattern><rule context='/*/c'><assert id='C' "
	    "test='false()'>other</assert></rule></pattern>" TAIL;
	finds(rules, "<r><a/>\n<c/>\n<b/></r>",
	      "A a= line 1: first; B c= line 2: second; C c= line 2: other; A b= line 3: first");
}

static void test_mrn_check(void **state)
{
	(void)state;
	static const char rules[] = RULE("/r/m", "<assert id='A' test='px:mrn-check(.)'>wrong</assert>");
	finds(rules, "<r><m>23GB0002466HT2CXJ9</m><m>26BY006713000451B8</m></r>", "");
	finds(rules, "<r><m>23GB0002466HT2CXJ8</m></r>", "A m=23GB0002466HT2CXJ8 line 1: wrong");
	finds(rules, "<r><m>23GB0002466HT2CXJ</m></r>", "A m=23GB0002466HT2CXJ line 1: wrong");
	finds(rules, "<r><m>23gb0002466HT2CXJ9</m></r>", "A m=23gb0002466HT2CXJ9 line 1: wrong");
	finds(rules, "<r><m/></r>", "A m= line 1: wrong");
}

static void test_numbered(void **state)
{
	(void)state;
	static const char rules[] = RULE("/r", "<assert id='A' test='px:numbered(a/n)'>order</assert>");
	finds(rules, "<r><a><n>1</n></a><a><n> 2 </n></a><a><n>03</n></a></r>", "");
	finds(rules, "<r/>", "");
	finds(rules, "<r><a><n>1</n></a><a><n>3</n></a></r>", "A r=- line 1: order");
	finds(rules, "<r><a><n>2</n></a><a><n>1</n></a></r>", "A r=- line 1: order");
	finds(rules, "<r><a><n>x</n></a></r>", "A r=- line 1: order");
	finds(RULE("/r", "<assert id='A' test='px:numbered(1)'>order</assert>"), "<r/>",
	      "A r= line 1: this rule could not be evaluated here");
}

static void test_exceeds(void **state)
{
	(void)state;
	static const char rules[] = RULE("/r", "<report id='A' test='px:exceeds(a/b, \"c\")'>more</report>");
	finds(rules, "<r><a><b>2</b><c>3</c></a><a><c>1</c><b>1</b></a><a><b>9</b></a><a><c>0</c></a></r>",
	      "");
	finds(rules, "<r><a><b>2</b><c>3</c></a><a><b>9.5</b><c>9.25</c></a></r>", "A r=- line 1: more");
	finds(rules, "<r><a><b>2</b><n:c xmlns:n='urn:n'>1</n:c></a></r>", "");
	finds(rules, "<r><a><b>x</b><c>1</c></a><a><b>1</b><c>x</c></a></r>", "");
	finds(RULE("/r", "<report id='A' test='px:exceeds(1, \"c\")'>more</report>"), "<r/>",
	      "A r= line 1: this rule could not be evaluated here");
}

/* What asks px:office, itself or by a let, is not judged without a list; the rest is. */
#define WAYS                                                                                               \
	"<n:r xmlns:n='urn:n'><a><b>1</b><c><b>90</b></c><b at='x'>2<!--0--></b></a>x<n:a><b>91</b></n:a>" \
	"<a><n:b>92</n:b><b>3<![CDATA[0]]></b></a><a/><b>93</b></n:r>"

static void refuses(const char *rules, unsigned line, const char *text);

static void says(const char *expression, const char *wanted)
{
	struct px_buf rule = PX_BUF_INIT, found = PX_BUF_INIT;
	px_buf_addf(&rule, RULE("/n:r", "<assert id='A' test='false()'><value-of select='%s'/></assert>"),
		    expression);
	px_buf_addf(&found, "A r=- line 1: %s", wanted);
	finds(px_buf_str(&rule), WAYS, px_buf_str(&found));
	px_buf_free(&rule);
	px_buf_free(&found);
}

/* Plain ways down are not libxml2's business, and mean what they mean to it. */
static void test_ways(void **state)
{
	(void)state;
	says("a/b", "1");
	says("count(a/b)", "3");
	says("sum(a/b)", "33");
	says("sum(a/b)-sum( a/b )", "0");
	says("2 *a/b", "2");
	says("count(a/b | b)", "4");
	says("string((a/b)[3])", "30");
	says("a/c/b", "90");
	says("count(a/b/c) + count(no/where)", "0");
	says("concat(\"a/b\", a/c/b)", "a/b90");
	/* what is more than a plain way down */
	says("a/b[2]", "2");
	says("a[b > 2]/b", "30");
	says("a[c/b = 90]/b", "1");
	says("count(a[c/b]/b)", "2");
	says("a/b/@at", "x");
	says("a/c/b/text()", "90");
	says("n:a/b", "91");
	says("a/n:b", "92");
	says("a/*/b", "90");
	says("count(*/b)", "4");
	says("a/c/../b", "1");
	says("./a/b", "1");
	says("/n:r/a/b", "1");
	says("self::n:r/a/b", "1");
	says("a / b", "1");
	says("b", "93");
	says("(b)", "93");
	/* from elsewhere */
	finds(HEAD
	      "<let name='all' value='sum(r/a/b)'/><pattern><rule context='/r/a'><let name='mine' "
	      "value='c/b'/><assert id='A' test='false()'><value-of select='$all'/> <value-of "
	      "select='count($mine)'/> <value-of select='sum($mine)'/> <value-of select='../a/b'/></assert>"
	      "</rule></pattern>" TAIL,
	      "<r><a><b>1</b></a><a><c><b>2</b></c><c><b>5</b></c><b>3</b></a></r>",
	      "A a=- line 1: 4 0 0 1; A a=- line 1: 4 2 7 1");
}

/* @test, which holds for WAYS, as a test and the other way round: counted in one walk with its neighbours. */
static void holds(const char *test)
{
	struct px_buf rule = PX_BUF_INIT;
	px_buf_addf(&rule,
		    RULE("/n:r",
			 "<let name='other' value='sum(a/c/b) + count(a) + count(a/b)'/>"
			 "<assert id='A' test='%s'>no</assert><assert id='B' test='not(%s)'>yes</assert>"
			 "<assert id='C' test='$other = 96'><value-of select='$other'/></assert>"),
		    test, test);
	finds(px_buf_str(&rule), WAYS, "B r=- line 1: yes");
	px_buf_free(&rule);
}

/* What is asked of all nodes at the end of a way means what it means to libxml2. */
static void test_tallies(void **state)
{
	(void)state;
	holds("count(a/b) = 3");
	holds("count( a/b )=count(a/b) and count(a) = 3 and count(b) = 1");
	holds("sum(a/b) = 33 and sum(a/c/b) = 90 and sum(b) = 93");
	holds("count(no/where) = 0 and sum(no/where) = 0 and px:numbered(no/where)");
	holds("not(px:numbered(a/b)) and px:numbered(a/no)");
	holds("px:exceeds(a/c/b, \"none\") = false()");
	holds("px:exceeds(a/c, \"b\")"); /* 90 is more than 1 */
	holds("not(px:exceeds(a/b, \"c\"))");
	holds("string(sum(a)) = \"NaN\""); /* <a/> is no number */
	holds("count(a/b) - count(a/c/b) * 2 = 1");
	/* no plain ways: libxml2's */
	holds("count(a/b[. = 1]) = 1 and count(a/b | b) = 4 and count(*) = 5");
	holds("sum(./a/b) = 33 and count((a/b)) = 3 and count(a/b/@at) = 1");
	holds("px:exceeds(a/c, local-name(a/b)) and count(a[count(b) = 2]/b) = 2");
	/* at each node anew */
	finds(RULE("/r/a", "<report id='A' test='count(b) != sum(b)'><value-of select='@x'/></report>"),
	      "<r><a x='1'><b>2</b></a><a x='2'><b>2</b><b>0</b></a><a x='3'/><a x='4'><b>0</b></a></r>",
	      "A a=- line 1: 1; A a=- line 1: 4");
	/* what lies below its node is its own, also where nodes lie in each other */
	finds(RULE("/a | /a/a | /a/a/a", "<report id='A' test='count(a/b) + sum(b) &gt; 0'>x</report>"),
	      "<a><a><b>0</b><a><b>3</b></a></a><b>0</b></a>",
	      "A a=- line 1: x; A a=- line 1: x; A a=- line 1: x");
	refuses(RULE("/r", "<assert id='A' test='px-tally(0)'>x</assert>"), 3,
		"test of assert: there is no function px-tally()");
}

/* Which calls are counted in the walk, and which are libxml2's. */
static void test_what_is_tallied(void **state)
{
	(void)state;
	static const struct {
		const char *test;
		unsigned n;
	} cases[] = {
	    {"count(a)", 1},
	    {"sum(a/b) = count(c) + 1", 2},
	    {"px:numbered(a/b) and not(px:exceeds(a/b, \"c\"))", 2},
	    {"a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p = 1", 0},
	    {"count(a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p)", 1},
	    {"count(a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q)", 0}, /* more than PX_RULES_STEPS_MAX */
	    {"count(a[1]) + count(*) + count(/r) + sum(@a)", 0},
	    {"a[count(b) = 1]", 0},
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(cases); i++) {
		struct px_rules *r = NULL;
		struct px_buf rule = PX_BUF_INIT, why = PX_BUF_INIT;
		px_buf_addf(&rule, RULE("/r", "<assert id='A' test='%s'>x</assert>"), cases[i].test);
		assert_int_equal(load(px_buf_str(&rule), &r, &why), PX_OK);
		assert_int_equal(r->n_tallies, cases[i].n);
		px_rules_free(&r);
		px_buf_free(&rule);
	}
}

static void many_items(unsigned n, bool wrong)
{
	struct px_buf doc = PX_BUF_INIT, rule = PX_BUF_INIT;
	px_buf_adds(&doc, "<r>");
	for (unsigned i = 1; i <= n; i++)
		px_buf_addf(&doc, "<a><n>%u</n><b><c>%u.25</c><d>%u</d></b></a>", i, i,
			    wrong && i == n ? n + 1 : i);
	px_buf_adds(&doc, "</r>");
	px_buf_addf(
	    &rule,
	    RULE("/r",
		 "<assert id='N' test='px:numbered(a/n)'>n</assert>"
		 "<assert id='M' test='px:numbered(a/b/d)'>m</assert>"
		 "<assert id='C' test='count(a/b) = %u and count(a) = %u and sum(a/b/c) = %f'>c</assert>"
		 "<assert id='D' test='not(px:exceeds(a/b/d, \"c\"))'>d</assert>"),
	    n, n, n * (n + 1) / 2.0 + n / 4.0);
	finds(px_buf_str(&rule), px_buf_str(&doc), wrong ? "M r=- line 1: m; D r=- line 1: d" : "");
	px_buf_free(&doc);
	px_buf_free(&rule);
}

/* Fewer and more than are fetched ahead, in one and in more pieces of rows; then the last is wrong. */
static void test_many_items(void **state)
{
	(void)state;
	static const unsigned counts[] = {1, 2, 3, 4, 5, 995, 996, 997, 998, 999};
	for (size_t i = 0; i < PX_ARRAY_LEN(counts); i++) {
		many_items(counts[i], false);
		many_items(counts[i], true);
	}
}

/* Numbers are those of XPath, to the last bit. */
static void test_numbers(void **state)
{
	(void)state;
	static const char *const texts[] = {"0",
					    "1",
					    "007",
					    "1.5",
					    "1.",
					    ".5",
					    "0.1",
					    "0.30000000000000004",
					    "12.345",
					    "+1",
					    "-1",
					    "1e3",
					    "",
					    " 1 ",
					    "1 2",
					    "x",
					    "1.2.3",
					    "99999.999",
					    "0.001",
					    "1,5",
					    "\xd9\xa1",
					    "1.000",
					    "999999999999999",
					    "9999999999999999",
					    "0.0005",
					    "1.x",
					    "1.12345678901",
					    "1.123456789012",
					    "1.1234567890123",
					    "-",
					    ".",
					    "1000000000000000.5"};
	unsigned long seed = 1;
	for (size_t i = 0; i < PX_ARRAY_LEN(texts) + 20000; i++) {
		char text[64];
		seed = seed * 6364136223846793005UL + 1442695040888963407UL;
		if (i < PX_ARRAY_LEN(texts))
			px_strlcpy(text, texts[i], sizeof(text));
		else
			snprintf(text, sizeof(text), "%lu.%0*lu", (seed >> 20) % 100000000,
				 (int)(seed >> 60) % 12 + 1, (seed >> 50) % 1000);
		xmlNode *node = xmlNewNode(NULL, (const xmlChar *)"n");
		xmlNodeAddContent(node, (const xmlChar *)text);
		double mine = px_rules_number(node),
		       theirs = xmlXPathCastStringToNumber((const xmlChar *)text);
		if (mine != theirs && !(xmlXPathIsNaN(mine) && xmlXPathIsNaN(theirs)))
			fail_msg("%s: %.17g, not %.17g", text, mine, theirs);
		xmlFreeNode(node);
	}
}

/* A let and a text are compared as XPath does it, whatever the let is. */
static void test_plain_tests(void **state)
{
	(void)state;
	static const struct {
		const char *value, *test;
		bool is_true;
	} cases[] = {
	    {"string(.)", "$x = \"x y\"", true},
	    {"string(.)", " $x!=\"x y\" ", false},
	    {"string(.)", "$x = \"x\"", false},
	    {"string(.)", "$x != \"x\"", true},
	    {"string(@none)", "$x = \"\"", true},
	    {"5", "$x = \"5\"", true},
	    {"5", "$x = \"5.0\"", true},
	    {"5", "$x != \"6\"", true},
	    {"a", "$x = \"x\"", true},
	    {"a", "$x != \"x\"", true}, /* any of them */
	    {"no", "$x = \"\"", false},
	    {"no", "$x != \"\"", false},
	    {"true()", "$x = \"f\"", true},
	    {"string(.)", "$x = \"x y\" or 1 = 1", true},
	    {"string(.)", "\"x y\" = $x", true},
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(cases); i++) {
		struct px_buf rule = PX_BUF_INIT;
		px_buf_addf(&rule,
			    RULE("/r", "<let name='x' value='%s'/><report id='A' test='%s'>x</report>"),
			    cases[i].value, cases[i].test);
		finds(px_buf_str(&rule), "<r><a>x</a> <a>y</a></r>",
		      cases[i].is_true ? "A r=- line 1: x" : "");
		px_buf_free(&rule);
	}
}

/* Patterns and rules may use a name again: each sees its own, however it asks. */
static void test_lets_of_one_name(void **state)
{
	(void)state;
	finds(HEAD "<pattern><let name='x' value='\"one\"'/><rule context='/r'>"
		   "<report id='A' test='$x = \"one\"'>a <value-of select='$x'/></report>"
		   "<report id='B' test='($x) != \"one\"'>b</report></rule></pattern>"
		   "<pattern><let name='x' value='\"two\"'/><rule context='/r'>"
		   "<report id='C' test='$x = \"two\"'>c <value-of select='$x'/></report>"
		   "<report id='D' test='($x) != \"two\"'>d</report></rule></pattern>"
		   "<pattern><rule context='/r'><let name='x' value='\"three\"'/>"
		   "<report id='E' test='$x = \"three\"'>e <value-of select='$x'/></report>"
		   "<report id='F' test='($x) != \"three\"'>f</report></rule></pattern>" TAIL,
	      "<r/>", "A r= line 1: a one; C r= line 1: c two; E r= line 1: e three");
}

static void test_no_offices(void **state)
{
	(void)state;
	finds(HEAD
	      "<pattern><rule context='/r/o'><let name='x' value='px:office(., \"\", \"\")'/>"
	      "<let name='y' value='concat($x, \"!\")'/>"
	      "<assert id='A' test='$y = 1'>a</assert><assert id='B' test='px:office(., \"\", \"\") = 1'>b"
	      "</assert><assert id='C' test='. = 1'>c</assert></rule></pattern>" TAIL,
	      "<r><o>2</o></r>", "C o=2 line 1: c");
}

static void test_cannot_be_evaluated(void **state)
{
	(void)state;
	/* count() of a number: a fault of the rule that only a document shows. It must not pass for kept. */
	finds(RULE("/r/a", "<let name='n' value='1'/><assert id='A' test='count($n) = 1'>x</assert>"),
	      "<r><a>1</a></r>", "A a=1 line 1: this rule could not be evaluated here");
}

static void test_description(void **state)
{
	(void)state;
	struct px_rules *r = NULL;
	struct px_buf why = PX_BUF_INIT;
	assert_int_equal(
	    load(HEAD
		 "<diagnostics><diagnostic id='d' xml:lang='uk'>не так</diagnostic></diagnostics>\n"
		 "<pattern><title>Things</title><rule context='/r/a'>\n"
		 "<assert id='A' px:code='PX-RULE-MRN' diagnostics='d' test='1'>at <value-of select='.'/>"
		 "</assert></rule></pattern>" TAIL,
		 &r, &why),
	    PX_OK);
	assert_int_equal(px_rules_count(r), 1);
	const struct px_rule *rule = px_rules_get(r, 0);
	assert_string_equal(rule->id, "A");
	assert_string_equal(rule->title, "Things");
	assert_string_equal(rule->text, "at {.}");
	assert_int_equal(rule->code, PX_CODE_RULE_MRN);
	assert_int_equal(rule->line, 5);
	assert_int_equal(rule->n_translations, 1);
	assert_string_equal(rule->translations[0].lang, "uk");
	assert_string_equal(rule->translations[0].text, "не так");
	assert_int_equal(px_rules_matched(r, 0), 0);
	px_rules_free(&r);
}

/* --- what is refused -------------------------------------------------------------------------------- */

static void refuses(const char *rules, unsigned line, const char *text)
{
	struct px_rules *r = NULL;
	struct px_buf why = PX_BUF_INIT, wanted = PX_BUF_INIT;
	assert_int_equal(load(rules, &r, &why), PX_ECONF);
	assert_null(r);
	px_buf_addf(&wanted, "%s:%u: %s", path, line, text);
	assert_string_equal(px_buf_str(&why), px_buf_str(&wanted));
	px_buf_free(&why);
	px_buf_free(&wanted);
}

static void test_outside_the_subset(void **state)
{
	(void)state;
	refuses("<x/>", 1,
		"the root is not a schema of ISO Schematron (http://purl.oclc.org/dsdl/schematron)");
	refuses("<x>", 1, "Premature end of data in tag x line 1");
	refuses(HEAD "<include href='x'/>" TAIL, 3,
		"include is not part of the subset (lets come before patterns)");
	refuses(HEAD "<pattern is-a='x'/>" TAIL, 3, "pattern has no attribute is-a here");
	refuses(HEAD "<pattern><rule context='/r'><extends rule='x'/></rule></pattern>" TAIL, 3,
		"extends within rule is not part of the subset (lets come first)");
	refuses(HEAD "<pattern>\n<rule context='/r'/></pattern>" TAIL, 4, "the rule asserts nothing");
	refuses(RULE("/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", "<assert id='A' test='1'>x</assert>"), 3,
		"context: more than 16 steps");
	refuses(RULE("/r", "<assert id='A' test='1'>x <name/></assert>"), 3,
		"name within assert is not part of the subset");
	refuses(RULE("/r", "<assert id='A' test='1'> </assert>"), 3, "assert has no text");
	refuses(RULE("/r", "<assert test='1'>x</assert>"), 3,
		"id \"\": expected up to 35 letters, digits, . _ - (it becomes the code of the finding)");
	refuses(RULE("/r", "<assert id='PX-ROUTE' test='1'>x</assert>"), 3,
		"id \"PX-ROUTE\" is a code of the broker itself");
	refuses(RULE("/r", "<assert id='A' test='1'>x</assert>\n<assert id='A' test='1'>x</assert>"), 4,
		"id \"A\" is that of line 3 too");
	refuses(RULE("/r", "<assert id='A' role='fatal' test='1'>x</assert>"), 3,
		"role \"fatal\": expected error or warning");
	refuses(RULE("/r", "<assert id='A' px:code='PX-ROUTE' test='1'>x</assert>"), 3,
		"px:code \"PX-ROUTE\": expected one of the codes PX-RULE...");
	refuses(RULE("/r", "<assert id='A' diagnostics='d' test='1'>x</assert>"), 3,
		"there is no diagnostic \"d\"");
}

static void test_expressions_refused(void **state)
{
	(void)state;
	refuses(RULE("/r", "<assert id='A' test='a['>x</assert>"), 3,
		"test of assert: not an XPath expression: \"a[\", at character 3");
	refuses(RULE("/r", "<assert id='A'>x</assert>"), 3, "test of assert: it is missing");
	refuses(RULE("/r", "<assert id='A' test='//a'>x</assert>"), 3,
		"test of assert: // searches the whole document: name the way");
	refuses(RULE("/r", "<assert id='A' test='preceding-sibling::a'>x</assert>"), 3,
		"test of assert: the axis preceding-sibling is not one of attribute, child, parent, self");
	refuses(RULE("/r", "<assert id='A' test='$x'>x</assert>"), 3,
		"test of assert: there is no let \"x\" here");
	refuses(RULE("/r", "<assert id='A' test='q:a'>x</assert>"), 3,
		"test of assert: prefix \"q\" is not declared (ns)");
	refuses(RULE("/r", "<assert id='A' test='px:nothing(.)'>x</assert>"), 3,
		"test of assert: there is no function px:nothing");
	refuses(RULE("/r", "<assert id='A' test='px-way(0)'>x</assert>"), 3,
		"test of assert: there is no function px-way()");
	refuses(RULE("/r", "<assert id='A' test='document(.)'>x</assert>"), 3,
		"test of assert: there is no function document()");
	refuses(
	    RULE("/r",
		 "<let name='a' value='1'/>\n<let name='a' value='2'/><assert id='A' test='1'>x</assert>"),
	    4, "let: \"a\" has a value already");
	refuses(RULE("r/a", "<assert id='A' test='1'>x</assert>"), 3,
		"context: \"r/a\" does not begin with /");
	refuses(RULE("/r/a[1]", "<assert id='A' test='1'>x</assert>"), 3,
		"context: \"[1]\" is more than a plain path: put the condition into the test");
	refuses(RULE("//r", "<assert id='A' test='1'>x</assert>"), 3,
		"context: expected a name or * at \"/r\": a context is /NAME/NAME..., without conditions; "
		"several stand with | between them");
	refuses(RULE("/q:r", "<assert id='A' test='1'>x</assert>"), 3,
		"context: prefix \"q\" is not declared (ns)");
}

static int setup(void **state)
{
	(void)state;
	int fd = mkstemp(path);
	if (fd >= 0)
		close(fd);
	return fd >= 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_assert_and_report),
	    cmocka_unit_test(test_lets),
	    cmocka_unit_test(test_first_rule_of_a_pattern),
	    cmocka_unit_test(test_mrn_check),
	    cmocka_unit_test(test_numbered),
	    cmocka_unit_test(test_exceeds),
	    cmocka_unit_test(test_ways),
	    cmocka_unit_test(test_tallies),
	    cmocka_unit_test(test_what_is_tallied),
	    cmocka_unit_test(test_many_items),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_plain_tests),
	    cmocka_unit_test(test_lets_of_one_name),
	    cmocka_unit_test(test_no_offices),
	    cmocka_unit_test(test_cannot_be_evaluated),
	    cmocka_unit_test(test_description),
	    cmocka_unit_test(test_outside_the_subset),
	    cmocka_unit_test(test_expressions_refused),
	};
	px_xml_init();
	px_heap_open(); /* as inspectors do */
	return cmocka_run_group_tests_name("xml/rules", tests, setup, teardown);
}
