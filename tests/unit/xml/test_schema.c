/* prinex: tests of xml: schema errors: all of them, with code, line, pointer and value
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "kit.h"

#include <dirent.h>

#include "base/strings.h"

static struct px_verdict *check(const char *type, const char *text)
{
	return px_examine_payload(kit_get()->ex, type, "", (const uint8_t *)text, strlen(text));
}

static void describe(const struct px_verdict *v, struct px_buf *out)
{
	for (unsigned i = 0; i < v->errors.n; i++) {
		const struct px_finding *f = &v->errors.items[i];
		px_buf_addf(out, "%u %s %s [%s]\n", f->line, px_code_wire(f->code),
			    f->pointer != NULL ? f->pointer : "-", f->value != NULL ? f->value : "");
	}
}

/* The errors of @text as lines "LINE CODE POINTER [VALUE]". */
static void expect_errors(const char *type, const char *text, const char *lines)
{
	struct px_buf said = PX_BUF_INIT;
	struct px_verdict *v = check(type, text);
	describe(v, &said);
	assert_string_equal(px_buf_str(&said), lines);
	assert_int_equal(v->stage, lines[0] != '\0' ? PX_STAGE_SCHEMA : PX_STAGE_OK);
	px_verdict_free(&v);
	px_buf_free(&said);
}

/* --- the examples with their expectations --- */

static enum px_code kind_code(const char *kind, bool *missing_or_unexpected)
{
	static const struct {
		const char *kind;
		enum px_code code;
	} kinds[] = {
	    {"pattern", PX_CODE_SCHEMA_PATTERN},
	    {"enumeration", PX_CODE_SCHEMA_ENUM},
	    {"maxLength", PX_CODE_SCHEMA_LONG},
	    {"minInclusive", PX_CODE_SCHEMA_RANGE},
	    {"maxInclusive", PX_CODE_SCHEMA_RANGE},
	    {"fractionDigits", PX_CODE_SCHEMA_RANGE},
	    {"type", PX_CODE_SCHEMA_VALUE},
	    {"missing", PX_CODE_SCHEMA_MISSING},
	    {"attribute-missing", PX_CODE_SCHEMA_MISSING},
	    {"attribute-unexpected", PX_CODE_SCHEMA_UNEXPECTED},
	    {"unexpected", PX_CODE_SCHEMA_UNEXPECTED},
	};
	*missing_or_unexpected = strcmp(kind, "unexpected") == 0;
	for (size_t i = 0; i < PX_ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].kind, kind) == 0)
			return kinds[i].code;
	}
	fail_msg("unknown kind %s", kind);
	return PX_CODE_COUNT;
}

/* Every line of @expected is among the errors, as far as they are kept. */
static void compare(const char *name, const struct px_verdict *v, char *expected)
{
	unsigned n = 0, line;
	char kind[40], *save = expected;
	for (char *at = expected; *at != '\0'; at = strchr(at, '\n') + 1, n++) {
		bool structural, found = false;
		if (sscanf(at, "%u %39s", &line, kind) != 2)
			fail_msg("%s: bad expectation", name);
		enum px_code code = kind_code(kind, &structural);
		for (unsigned i = 0; i < v->errors.n && !found; i++) {
			const struct px_finding *f = &v->errors.items[i];
			/* What libxml2 calls unexpected may be one too many, or something missing before it.
			 */
			found = f->line == line &&
				(f->code == code || (structural && (f->code == PX_CODE_SCHEMA_MISSING ||
								    f->code == PX_CODE_SCHEMA_TOO_MANY)));
		}
		if (!found && n < PX_ERRORS_MAX)
			fail_msg("%s: line %u %s is not reported", name, line, kind);
	}
	if (v->errors.total < n || v->errors.n != PX_MIN(v->errors.total, (unsigned)PX_ERRORS_MAX))
		fail_msg("%s: %u errors in all, %u expected", name, v->errors.total, n);
	free(save);
}

static void test_examples(void **state)
{
	(void)state;
	DIR *dir = opendir("schemas/examples/invalid");
	struct dirent *e;
	unsigned n = 0;
	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		if (!px_str_ends(e->d_name, ".xml"))
			continue;
		char *path = text_of("schemas/examples/invalid/%s", e->d_name), type[40];
		px_strlcpy_n(type, e->d_name, strcspn(e->d_name, "-"), sizeof(type));
		char *text = file_text(path, NULL);
		path = swap(path, ".xml", ".expect");
		struct px_verdict *v = check(type, text);
		assert_int_equal(v->stage, PX_STAGE_SCHEMA);
		compare(e->d_name, v, file_text(path, NULL));
		px_verdict_free(&v);
		free(text);
		free(path);
		n++;
	}
	closedir(dir);
	assert_true(n >= 10);
}

static void test_good_examples(void **state)
{
	(void)state;
	DIR *dir = opendir("schemas/examples");
	struct dirent *e;
	unsigned n = 0;
	while ((e = readdir(dir)) != NULL) {
		if (!px_str_ends(e->d_name, ".xml"))
			continue;
		char *path = text_of("schemas/examples/%s", e->d_name), type[40], guessed[PX_TYPE_MAX + 1];
		px_strlcpy_n(type, e->d_name, strcspn(e->d_name, "-"), sizeof(type));
		char *text = file_text(path, NULL);
		expect_errors(type, text, "");
		px_examiner_guess_type(kit_get()->ex, (const uint8_t *)text, strlen(text), guessed,
				       sizeof(guessed));
		assert_string_equal(guessed, type);
		free(text);
		free(path);
		n++;
	}
	closedir(dir);
	assert_true(n >= 20);
}

/* --- one element after another --- */

static void test_codes(void **state)
{
	(void)state;
	char *good = file_text("schemas/examples/ExportDeclaration-small.xml", NULL);
	static const struct {
		const char *from, *to, *lines;
	} cases[] = {
	    {"<security>2<", "<security>9<", "PX-SCHEMA-ENUM /n:ExportDeclaration/security [9]"},
	    {"<LRN>", "<LRN>AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "PX-SCHEMA-PATTERN /n:ExportDeclaration/LRN"},
	    {"<additionalDeclarationType>", "<foreign/><additionalDeclarationType>",
	     "PX-SCHEMA-UNEXPECTED /n:ExportDeclaration/foreign []"},
	    {"<n:ExportDeclaration ", "<n:ExportDeclaration colour=\"red\" ",
	     "PX-SCHEMA-UNEXPECTED /n:ExportDeclaration"},
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(cases); i++) {
		struct px_buf said = PX_BUF_INIT;
		char *text = swap(px_xstrdup(good), cases[i].from, cases[i].to);
		struct px_verdict *v = check("ExportDeclaration", text);
		describe(v, &said);
		if (v->errors.total != 1 || strstr(px_buf_str(&said), cases[i].lines) == NULL)
			fail_msg("expected %s, got\n%s", cases[i].lines, px_buf_str(&said));
		px_verdict_free(&v);
		px_buf_free(&said);
		free(text);
	}
	free(good);
}

#define PING_OPEN "<n:Ping xmlns:n=\"urn:prinex:customs:1\">\n"
#define PING_TIME "<preparationDateAndTime>2026-11-20T06:00:00Z</preparationDateAndTime>\n"
#define TEXT_EN   "<text xml:lang=\"en\">a</text>\n"

/* What is missing, foreign, misplaced or too many does not hide what is wrong elsewhere. */
static void test_structure(void **state)
{
	(void)state;
	expect_errors("Ping", PING_OPEN PING_TIME TEXT_EN "</n:Ping>", "");
	expect_errors("Ping", PING_OPEN TEXT_EN "</n:Ping>", "2 PX-SCHEMA-MISSING /n:Ping []\n");
	expect_errors("Ping", PING_OPEN "</n:Ping>", "1 PX-SCHEMA-MISSING /n:Ping []\n");
	expect_errors("Ping", PING_OPEN "<foo/>\n" PING_TIME "</n:Ping>",
		      "2 PX-SCHEMA-UNEXPECTED /n:Ping/foo []\n");
	expect_errors("Ping", PING_OPEN "<foo/>\n<bar/>\n" PING_TIME "<baz/>\n</n:Ping>",
		      "2 PX-SCHEMA-UNEXPECTED /n:Ping/foo []\n3 PX-SCHEMA-UNEXPECTED /n:Ping/bar []\n"
		      "5 PX-SCHEMA-UNEXPECTED /n:Ping/baz []\n");
	expect_errors("Ping", PING_OPEN TEXT_EN PING_TIME "</n:Ping>",
		      "2 PX-SCHEMA-UNEXPECTED /n:Ping/text []\n");
	expect_errors("Ping", PING_OPEN PING_TIME TEXT_EN TEXT_EN TEXT_EN TEXT_EN TEXT_EN "<foo/></n:Ping>",
		      "6 PX-SCHEMA-TOO-MANY /n:Ping/text[4] []\n8 PX-SCHEMA-UNEXPECTED /n:Ping/foo []\n");
	expect_errors("Ping",
		      PING_OPEN "<foo/>\n<preparationDateAndTime>yesterday</preparationDateAndTime>\n"
				"<text>a</text>\n</n:Ping>",
		      "2 PX-SCHEMA-UNEXPECTED /n:Ping/foo []\n"
		      "3 PX-SCHEMA-VALUE /n:Ping/preparationDateAndTime [yesterday]\n"
		      "4 PX-SCHEMA-MISSING /n:Ping/text []\n");
}

/* A forgotten and a foreign element at the top, wrong values below: all are found, and nothing else. */
static void test_nothing_hides(void **state)
{
	(void)state;
	char *text = file_text("schemas/examples/ExportDeclaration-several.xml", NULL);
	char *lrn = strstr(text, "<LRN>"), *end = strstr(lrn, "</LRN>") + 6;
	memmove(lrn, end, strlen(end) + 1);
	text = swap(text, "<declarationType>", "<foo/><declarationType>");
	text = swap(text, "<grossMass>", "<grossMass>-");
	text = swap(text, "<streetAndNumber ", "<street ");
	text = swap(text, "</streetAndNumber>", "</street>");
	struct px_buf said = PX_BUF_INIT;
	struct px_verdict *v = check("ExportDeclaration", text);
	describe(v, &said);
	print_message("%s", px_buf_str(&said));
	unsigned missing = 0, unexpected = 0, range = 0;
	for (unsigned i = 0; i < v->errors.n; i++) {
		missing += v->errors.items[i].code == PX_CODE_SCHEMA_MISSING;
		unexpected += v->errors.items[i].code == PX_CODE_SCHEMA_UNEXPECTED;
		range += v->errors.items[i].code == PX_CODE_SCHEMA_RANGE;
	}
	assert_in_range(missing, 1, 2);
	assert_in_range(unexpected, 1, 2);
	assert_int_equal(range, 1);
	assert_in_range(v->errors.total, 4, 5);
	px_verdict_free(&v);
	px_buf_free(&said);
	free(text);
}

/* The tree is put back: what is examined twice gives the same answer twice. */
static void test_lines_in_exchange(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	char *text = letter_sign(
	    letter_text(&(struct letter){.payload = "\n" PING_OPEN "<foo/>\n" PING_TIME "</n:Ping>"}),
	    &k->by.system, &k->by);
	struct px_verdict *v = kit_examine(text, strlen(text));
	assert_int_equal(v->stage, PX_STAGE_SCHEMA);
	assert_true(px_verdict_is_signed(v));
	assert_int_equal(v->errors.n, 1);
	assert_string_equal(v->errors.items[0].pointer, "/n:Ping/foo");
	/* Line of <foo/> in the exchange as sent. */
	unsigned line = 1;
	for (const char *p = text; p < strstr(text, "<foo/>"); p++)
		line += *p == '\n';
	assert_int_equal(v->errors.items[0].line, line);
	px_verdict_free(&v);
	free(text);
}

/* Prefixes that only the envelope declares stay in scope. */
static void test_namespace_in_scope(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	char *text = letter_sign(
	    letter_text(&(struct letter){
		.open = "<px:Exchange xmlns:px=\"urn:prinex:exchange:1\" xmlns:n=\"urn:prinex:customs:1\">",
		.payload = "<n:Ping>" PING_TIME "</n:Ping>"}),
	    &k->by.system, &k->by);
	expect_accepted(text);
	free(text);
}

/* --- numbers --- */

static void test_limits(void **state)
{
	(void)state;
	/* Repeated: 100 are kept, the rest is counted. */
	char *text = file_text("schemas/examples/invalid/ExportDeclaration-many.xml", NULL);
	struct px_verdict *v = check("ExportDeclaration", text);
	assert_int_equal(v->errors.n, 100);
	assert_int_equal(v->errors.total, 198);
	px_verdict_free(&v);
	free(text);
}

/* A value of 256 octets is shown whole, a longer one cut at a character. */
static void test_long_values(void **state)
{
	(void)state;
	for (int n = 126; n <= 130; n++) {
		struct px_buf value = PX_BUF_INIT;
		for (int i = 0; i < n; i++)
			px_buf_adds(&value, "\xd0\xaf"); /* a letter of two octets */
		char *text = text_of(PING_OPEN
				     "<preparationDateAndTime>%s</preparationDateAndTime>\n</n:Ping>",
				     px_buf_str(&value));
		struct px_verdict *v = check("Ping", text);
		assert_int_equal(v->errors.n, 1);
		assert_int_equal(strlen(v->errors.items[0].value), PX_MIN(2 * n, PX_VALUE_MAX));
		/* The reason is not pushed away by the value. */
		assert_null(strstr(v->errors.items[0].text, "\xd0\xaf"));
		px_verdict_free(&v);
		free(text);
		px_buf_free(&value);
	}
}

/* Faults far down: beyond 65,535 lines. */
static void test_big_lines(void **state)
{
	(void)state;
	struct px_buf text = PX_BUF_INIT;
	px_buf_adds(&text, PING_OPEN);
	for (int i = 0; i < 70000; i++)
		px_buf_addc(&text, '\n');
	px_buf_adds(&text, "<preparationDateAndTime>x</preparationDateAndTime></n:Ping>");
	struct px_verdict *v = check("Ping", px_buf_str(&text));
	assert_int_equal(v->errors.n, 1);
	assert_int_equal(v->errors.items[0].line, 70002);
	px_verdict_free(&v);
	px_buf_free(&text);
}

/* The largest body there may be is judged like any other, and one octet more is not looked at. */
static void test_largest(void **state)
{
	(void)state;
	struct px_buf text = PX_BUF_INIT;
	px_buf_adds(&text, PING_OPEN PING_TIME "<foo>");
	while (text.len + 60 < (size_t)PX_LIMIT_BODY_MAX)
		px_buf_adds(&text, "<bar>01234567890123456789012345678901</bar>\n");
	px_buf_adds(&text, "</foo></n:Ping>");
	while (text.len < (size_t)PX_LIMIT_BODY_MAX)
		px_buf_addc(&text, '\n');
	double begun = kit_cpu_us();
	struct px_verdict *v = check("Ping", px_buf_str(&text));
	print_message("# %zu octets: %.0f us\n", text.len, kit_cpu_us() - begun);
	assert_int_equal(v->stage, PX_STAGE_SCHEMA);
	assert_int_equal(v->errors.n, 1);
	assert_string_equal(v->errors.items[0].pointer, "/n:Ping/foo");
	px_verdict_free(&v);
	px_buf_addc(&text, '\n');
	v = check("Ping", px_buf_str(&text));
	assert_int_equal(v->stage, PX_STAGE_PRESCAN);
	assert_int_equal(v->errors.items[0].code, PX_CODE_LIMIT);
	px_verdict_free(&v);
	px_buf_free(&text);
}

/* Work for a document full of faults stays a small multiple of the work for a good one. */
static void test_cost(void **state)
{
	(void)state;
	struct px_buf bad = PX_BUF_INIT;
	char *text = file_text("schemas/examples/ExportDeclaration-several.xml", NULL);
	struct px_verdict *v = check("ExportDeclaration", text);
	double base = 0, begun;
	px_verdict_free(&v);
	for (int i = 0; i < 5; i++) {
		begun = kit_cpu_us();
		v = check("ExportDeclaration", text);
		base = i == 0 ? kit_cpu_us() - begun : PX_MIN(base, kit_cpu_us() - begun);
		px_verdict_free(&v);
	}
	/* A foreign element before every other one. */
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '<' && p[1] >= 'a' && p[1] <= 'z' && p > text + 200)
			px_buf_adds(&bad, "<foo/>");
		px_buf_addc(&bad, *p);
	}
	begun = kit_cpu_us();
	v = check("ExportDeclaration", px_buf_str(&bad));
	double worst = kit_cpu_us() - begun;
	print_message("# good %.0f us, full of faults %.0f us, %u errors\n", base, worst, v->errors.total);
	assert_int_equal(v->stage, PX_STAGE_SCHEMA);
	assert_true(worst < 100 * base);
	px_verdict_free(&v);
	free(text);
	px_buf_free(&bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_structure),
	    cmocka_unit_test(test_codes),
	    cmocka_unit_test(test_nothing_hides),
	    cmocka_unit_test(test_examples),
	    cmocka_unit_test(test_good_examples),
	    cmocka_unit_test(test_lines_in_exchange),
	    cmocka_unit_test(test_namespace_in_scope),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_long_values),
	    cmocka_unit_test(test_big_lines),
	    cmocka_unit_test(test_largest),
	    cmocka_unit_test(test_cost),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	kit_free();
	return rc;
}
