/* prinex: tests of business keys: one spelling, expected arrivals
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/keys.h"
#include "base/strings.h"

static const char *normal(enum px_key_kind kind, const char *value)
{
	static char out[PX_KEY_VALUE_MAX + 1];
	px_key_normal(kind, value, out);
	return out;
}

static void test_spellings(void **state)
{
	(void)state;
	assert_string_equal(normal(PX_KEY_VEHICLE, " ae 4712-5"), "AE47125");
	assert_string_equal(normal(PX_KEY_VEHICLE, "АЕ\xC2\xA0"
						   "4712\xE2\x80\x93"
						   "5"),
			    "AE47125");
	assert_string_equal(normal(PX_KEY_VEHICLE, "авекмнорстухіѕј"), "ABEKMHOPCTYXISJ");
	assert_string_equal(normal(PX_KEY_VEHICLE, "дё'Ґґ"), "ДЁҐҐ"); /* those that look like nothing else */
	assert_string_equal(normal(PX_KEY_CONTAINER, "tclu 440917-1"), "TCLU4409171");
	assert_string_equal(normal(PX_KEY_MRN, "26by 0067 13000451 b8"), "26BY006713000451B8");
	assert_string_equal(normal(PX_KEY_LRN, "a-1 б"), "a-1 б");
	assert_string_equal(normal(PX_KEY_VEHICLE, "- . /"), "");
	assert_string_equal(normal(PX_KEY_VEHICLE, ""), "");
}

/* Whatever it is made of, it ends and is no longer than a key; of text, doing it again changes nothing. */
static void test_any_octets(void **state)
{
	(void)state;
	uint32_t random = 12345;
	for (unsigned round = 0; round < 20000; round++) {
		char value[100], once[PX_KEY_VALUE_MAX + 1];
		size_t n = 0;
		while (n + 2 < round % sizeof(value)) {
			random = random * 1664525 + 1013904223;
			uint32_t c = random >> 21;
			if (round % 2 == 0 || c == 0) { /* octets */
				value[n++] = (char)(c % 255 + 1);
			} else if (c < 0x80) {
				value[n++] = (char)c;
			} else {
				value[n++] = (char)(0xC0 | c >> 6);
				value[n++] = (char)(0x80 | (c & 0x3F));
			}
		}
		value[n] = '\0';
		px_strlcpy(once, normal(PX_KEY_SEAL, value), sizeof(once));
		assert_true(strlen(once) <= strlen(value));
		if (round % 2 == 1)
			assert_string_equal(normal(PX_KEY_SEAL, once), once);
	}
	char lengthy[200];
	memset(lengthy, 'a', sizeof(lengthy) - 1);
	lengthy[sizeof(lengthy) - 1] = '\0';
	assert_int_equal(strlen(normal(PX_KEY_VEHICLE, lengthy)), PX_KEY_VALUE_MAX);
	assert_int_equal(strlen(normal(PX_KEY_LRN, lengthy)), PX_KEY_VALUE_MAX);
}

static void test_expected(void **state)
{
	(void)state;
	struct px_key items[] = {
	    {PX_KEY_EXPECTED_ARRIVAL, "2026-11-21T12:45:00Z"},
	    {PX_KEY_EXPECTED_ARRIVAL, "2026-11-22T08:00:00"},
	    {PX_KEY_EXPECTED_ARRIVAL, "202611231030"},
	    {PX_KEY_EXPECTED_ARRIVAL, "soon"},
	    {PX_KEY_EXPECTED_ARRIVAL, "2026-11-24T00:00:00Z"},
	    {PX_KEY_ARRIVAL_OFFICE, "UA205020"},
	    {PX_KEY_ARRIVAL_OFFICE, "UA205020"},
	    {PX_KEY_ARRIVAL_OFFICE, "MD000001"},
	    {PX_KEY_ARRIVAL_OFFICE, "MD000002"},
	    {PX_KEY_LIMIT_DATE, "2026-11-22"},
	};
	struct px_keys keys = {.n = PX_ARRAY_LEN(items), .items = items};
	struct px_expected out[PX_EXPECTED_MAX];
	int64_t at;
	assert_int_equal(px_keys_expected(&keys, out), 3); /* "soon" is none; the last has no office */
	assert_int_equal(px_time_parse("2026-11-21T12:45:00Z", &at), PX_OK);
	assert_string_equal(out[0].office, "UA205020");
	assert_int_equal(out[0].at, at);
	assert_int_equal(px_time_parse("2026-11-22T23:59:59.999Z", &at), PX_OK);
	assert_int_equal(out[0].limit, at);
	assert_int_equal(px_time_parse("2026-11-22T08:00:00Z", &at), PX_OK);
	assert_int_equal(out[1].at, at);
	assert_string_equal(out[2].office, "MD000001");
	assert_int_equal(px_time_parse("2026-11-23T10:30:00Z", &at), PX_OK);
	assert_int_equal(out[2].at, at);
	assert_int_equal(out[2].limit, at); /* the limit date is earlier: it is not believed */
	assert_true(px_office_is_of("UA205020", "UA"));
	assert_true(px_office_is_of("UA205020", "UA-BORDER"));
	assert_false(px_office_is_of("UA205020", "BY"));
	assert_false(px_office_is_of("", "UA"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(test_spellings),
						  cmocka_unit_test(test_any_octets),
						  cmocka_unit_test(test_expected)};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
