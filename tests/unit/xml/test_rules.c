/* prinex: tests of xml: rules: the subset of Schematron, its faults, what a broken rule says
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "kit.h"

#include <libxml/parser.h>
#include <unistd.h>

#include "base/strings.h"
#include "xml/rules.h"

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
	    cmocka_unit_test(test_no_offices),
	    cmocka_unit_test(test_cannot_be_evaluated),
	    cmocka_unit_test(test_description),
	    cmocka_unit_test(test_outside_the_subset),
	    cmocka_unit_test(test_expressions_refused),
	};
	px_xml_init();
	return cmocka_run_group_tests_name("xml/rules", tests, setup, teardown);
}
