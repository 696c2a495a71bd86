/* prinex: tests of base: the tables others rely on, and findings
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <ctype.h>

#include "base/alarm.h"
#include "base/exchange.h"
#include "base/metrics.h"
#include "base/strings.h"

/* Each name of a table once. */
static void unique(const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(names[i], names[k]);
	}
}

static bool all_of(const char *s, const char *set)
{
	return *s != '\0' && strspn(s, set) == strlen(s);
}

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGIT "0123456789"

/* Codes are stable, are sent to partners, and fit px:Error. */
static void test_codes(void **state)
{
	(void)state;
	const char *wires[PX_CODE_COUNT];
	for (int i = 0; i < PX_CODE_COUNT; i++) {
		enum px_code c = (enum px_code)i;
		wires[i] = px_code_wire(c);
		assert_true(px_str_starts(wires[i], "PX-"));
		assert_true(all_of(wires[i], UPPER DIGIT "-"));
		assert_true(strlen(wires[i]) <= PX_TYPE_MAX);
		assert_true(*px_code_ncts(c) == '\0' ||
			    (strlen(px_code_ncts(c)) == 2 && all_of(px_code_ncts(c), DIGIT)));
		assert_true(*px_code_title(c) != '\0' && *px_code_remedy(c) != '\0');
		assert_int_equal(px_code_parse(wires[i]), c);
	}
	unique(wires, PX_CODE_COUNT);
	assert_int_equal(px_code_parse("PX-NO-SUCH-CODE"), PX_CODE_COUNT);
	assert_int_equal(px_code_parse(""), PX_CODE_COUNT);
}

static void test_errors(void **state)
{
	(void)state;
	const char *names[PX_ERR_COUNT];
	for (int i = 0; i < PX_ERR_COUNT; i++) {
		names[i] = px_err_name(-1 - i);
		assert_true(all_of(names[i], UPPER));
		assert_true(*px_err_text(-1 - i) != '\0');
		assert_int_not_equal(px_err_class(-1 - i), PX_CLASS_NONE);
	}
	unique(names, PX_ERR_COUNT);
	assert_string_equal(px_err_name(PX_OK), "OK");
	assert_string_equal(px_err_name(PX_ENOTFOUND), "NOTFOUND");
	assert_int_equal(px_err_class(PX_EBUSY), PX_CLASS_TEMPORARY);
	assert_string_equal(px_err_name(-1 - PX_ERR_COUNT), "?");
	assert_string_equal(px_err_name(1), "?");
}

static void test_keys(void **state)
{
	(void)state;
	const char *names[PX_KEY_COUNT];
	for (int i = 0; i < PX_KEY_COUNT; i++) {
		names[i] = px_key_name((enum px_key_kind)i);
		assert_true(all_of(names[i], LOWER "-"));
		assert_int_equal(px_key_parse(names[i]), i);
	}
	unique(names, PX_KEY_COUNT);
	assert_int_equal(px_key_parse("LRN"), PX_KEY_COUNT);
}

static void test_roles(void **state)
{
	(void)state;
	assert_int_equal(px_role_parse("system"), PX_ROLE_SYSTEM);
	assert_int_equal(px_role_parse("node"), PX_ROLE_NODE);
	assert_int_equal(px_role_parse("officer"), PX_ROLE_OFFICER);
	assert_int_equal(px_role_parse("none"), PX_ROLE_NONE);
	assert_int_equal(px_role_parse("System"), PX_ROLE_NONE);
	assert_string_equal(px_role_name(PX_ROLE_OFFICER), "officer");
	assert_string_equal(px_conf_kind_name(PX_COD), "CoD");
	assert_string_equal(px_stage_name(PX_STAGE_OK), "ok");
	assert_string_equal(px_stage_name(PX_STAGE_SIGNATURE), "signature");
}

static void test_alarms(void **state)
{
	(void)state;
	const char *names[PX_ALARM_COUNT];
	for (int i = 0; i < PX_ALARM_COUNT; i++) {
		names[i] = px_alarm_name((enum px_alarm)i);
		assert_true(all_of(names[i], LOWER "-"));
		assert_true(*px_alarm_text((enum px_alarm)i) != '\0');
		assert_true(px_alarm_severity((enum px_alarm)i) <= PX_SEVERITY_CRITICAL);
	}
	unique(names, PX_ALARM_COUNT);
}

static void test_limits(void **state)
{
	(void)state;
	const char *names[256];
	size_t n = 0;
	for (const struct px_limit *l = px_limits(); l->name != NULL; l++) {
		assert_true(l->value > 0);
		assert_true(*l->unit != '\0' && *l->why != '\0');
		names[n++] = l->name;
	}
	unique(names, n);
	assert_true(PX_LIMIT_BODY_DEFAULT <= PX_LIMIT_BODY_MAX);
	assert_true(PX_LIMIT_BODY_MAX <= PX_LIMIT_BODIES_PARTNER);
	assert_true(PX_LIMIT_BODIES_PARTNER <= PX_LIMIT_BODIES_MEMORY);
}

/* https://prometheus.io/docs/concepts/data_model/, and the habit that counters end in _total. */
static void test_metrics(void **state)
{
	(void)state;
	static const struct {
		const char *kind, *wire, *labels;
	} table[] = {
#define PX_METRIC(name, kind, wire, labels, help) {#kind, wire, labels},
#include "base/metrics.def"
#undef PX_METRIC
	};
	const char *names[PX_METRIC_COUNT];
	for (int i = 0; i < PX_METRIC_COUNT; i++) {
		names[i] = table[i].wire;
		assert_true(all_of(names[i], LOWER "_") && px_str_starts(names[i], "prinex_"));
		assert_int_equal(px_str_ends(names[i], "_total"), strcmp(table[i].kind, "COUNTER") == 0);
		unsigned labels = *table[i].labels != '\0';
		for (const char *p = table[i].labels; *p != '\0'; p++)
			labels += *p == ',';
		assert_true(labels <= PX_METRIC_LABELS_MAX);
	}
	unique(names, PX_METRIC_COUNT);
}

/* A hundred errors are kept, the rest is counted; values are cut at a character. */
static void test_findings(void **state)
{
	(void)state;
	struct px_findings f = {0};
	char value[600];
	for (size_t i = 0; i < sizeof(value) - 1; i += 2)
		memcpy(value + i, "\xd0\xb6", PX_MIN(2, sizeof(value) - i));
	value[598] = '\0';
	px_findings_add(&f, PX_CODE_SCHEMA_LONG, 7, "/a/b[2]", value + 0, "too long by %d", 343);
	for (int i = 0; i < 150; i++)
		px_findings_add(&f, PX_CODE_SCHEMA_ENUM, 8, NULL, NULL, "again");
	assert_int_equal(f.n, PX_ERRORS_MAX);
	assert_int_equal(f.total, 151);
	assert_int_equal(strlen(f.items[0].value), PX_VALUE_MAX);
	assert_string_equal(f.items[0].text, "too long by 343");
	assert_string_equal(f.items[0].pointer, "/a/b[2]");
	assert_null(f.items[1].pointer);
	assert_null(f.items[1].value);
	px_findings_free(&f);
	assert_int_equal(f.n, 0);
	px_findings_add(&f, PX_CODE_SCHEMA_LONG, 1, NULL, value + 1,
			"x"); /* begins in the middle of a character */
	assert_true(strlen(f.items[0].value) < PX_VALUE_MAX);
	px_findings_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_codes),   cmocka_unit_test(test_errors),   cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_roles),   cmocka_unit_test(test_alarms),   cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_metrics), cmocka_unit_test(test_findings),
	};
	return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
