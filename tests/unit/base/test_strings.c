/* prinex: tests of base: texts: numbers, hex, base64, UTF-8, times, names
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/strings.h"

static void test_copies(void **state)
{
	(void)state;
	char to[4];
	assert_true(px_strlcpy(to, "abc", sizeof(to)));
	assert_string_equal(to, "abc");
	assert_false(px_strlcpy(to, "abcd", sizeof(to)));
	assert_string_equal(to, "abc");
	assert_true(px_strlcpy_n(to, "xyz", 2, sizeof(to)));
	assert_string_equal(to, "xy");
	assert_false(px_strlcpy(to, "", 0));
	assert_true(px_str_starts("prinex", "pri"));
	assert_false(px_str_starts("pr", "pri"));
	assert_true(px_str_ends("prinex", "nex"));
	assert_false(px_str_ends("ex", "nex"));
	assert_true(px_str_ends("x", ""));
}

static void test_shorten(void **state)
{
	(void)state;
	char to[8];
	px_str_shorten(to, "abcdefg", sizeof(to));
	assert_string_equal(to, "abcdefg");
	px_str_shorten(to, "abcdefgh", sizeof(to));
	assert_string_equal(to, "abcd\u2026");
	px_str_shorten(to, "abc\u0436defg", sizeof(to)); /* the character would not fit whole */
	assert_string_equal(to, "abc\u2026");
	px_str_shorten(to, "ab\u0436\u0436\u0436", sizeof(to));
	assert_string_equal(to, "ab\u0436\u2026");
}

static void test_numbers(void **state)
{
	(void)state;
	uint64_t v = 7;
	static const char *const wrong[] = {"",  " 1", "1 ", "+1", "-1", "0x1", "1.0", "18446744073709551616",
					    "99"};
	for (size_t i = 0; i < PX_ARRAY_LEN(wrong); i++)
		assert_int_equal(px_parse_u64(wrong[i], 0, i + 1 < PX_ARRAY_LEN(wrong) ? UINT64_MAX : 98, &v),
				 PX_EINVAL);
	assert_int_equal(v, 7);
	assert_int_equal(px_parse_u64("18446744073709551615", 0, UINT64_MAX, &v), PX_OK);
	assert_true(v == UINT64_MAX);
	assert_int_equal(px_parse_u64("0005", 5, 5, &v), PX_OK);
	assert_int_equal(v, 5);
	assert_int_equal(px_parse_u64("4", 5, 6, &v), PX_EINVAL);
}

static void test_hex(void **state)
{
	(void)state;
	char hex[9];
	uint8_t raw[4];
	px_hex("\x00\xff\x1a\xa1", 4, hex);
	assert_string_equal(hex, "00ff1aa1");
	assert_int_equal(px_unhex("00FF1aa1", raw, 4), PX_OK);
	assert_memory_equal(raw, "\x00\xff\x1a\xa1", 4);
	assert_int_equal(px_unhex("00ff1aa", raw, 4), PX_EPARSE);
	assert_int_equal(px_unhex("00ff1aa11", raw, 4), PX_EPARSE);
	assert_int_equal(px_unhex("00ff1ag1", raw, 4), PX_EPARSE);
	assert_int_equal(px_unhex("00ff1a 1", raw, 4), PX_EPARSE);
}

static void test_base64(void **state)
{
	(void)state;
	/* RFC 4648, 10 */
	static const char *const pairs[][2] = {{"", ""},
					       {"f", "Zg=="},
					       {"fo", "Zm8="},
					       {"foo", "Zm9v"},
					       {"foob", "Zm9vYg=="},
					       {"fooba", "Zm9vYmE="},
					       {"foobar", "Zm9vYmFy"}};
	for (size_t i = 0; i < PX_ARRAY_LEN(pairs); i++) {
		struct px_buf b = {0};
		px_base64(&b, pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(px_buf_str(&b), pairs[i][1]);
		px_buf_clear(&b);
		assert_int_equal(px_unbase64(&b, pairs[i][1], strlen(pairs[i][1])), PX_OK);
		assert_string_equal(px_buf_str(&b), pairs[i][0]);
		px_buf_free(&b);
	}
	struct px_buf b = {0};
	assert_int_equal(px_unbase64(&b, " Zm9v\r\n\tYg =\n= ", 15), PX_OK);
	assert_string_equal(px_buf_str(&b), "foob");
	static const char *const wrong[] = {"Z",    "Zg",   "Zg=",        "Zg===", "=",
					    "====", "Z===", "Zg==Zg==",   "Zg=g",  "Zm9v!",
					    "Zm9-", "Zm9_", "Zm\xd0\xb0v"};
	for (size_t i = 0; i < PX_ARRAY_LEN(wrong); i++)
		assert_int_equal(px_unbase64(&b, wrong[i], strlen(wrong[i])), PX_EPARSE);
	assert_int_equal(px_unbase64(&b, "Zm9\0", 4), PX_EPARSE);
	px_buf_free(&b);
}

static void test_utf8(void **state)
{
	(void)state;
	static const struct {
		const char *s;
		size_t len;
	} cases[] = {
	    {"a", 1},
	    {"\xd0\xb0", 2},
	    {"\xe2\x82\xac", 3},
	    {"\xf0\x9f\x9a\x9a", 4}, /* a truck */
	    {"\xf4\x8f\xbf\xbd", 4},
	    {"\xc0\x80", 0}, /* overlong */
	    {"\xe0\x80\xaf", 0},
	    {"\xf0\x80\x80\xaf", 0},
	    {"\xed\xa0\x80", 0},     /* surrogate */
	    {"\xef\xbf\xbe", 0},     /* U+FFFE */
	    {"\xf4\x90\x80\x80", 0}, /* beyond U+10FFFF */
	    {"\x80", 0},
	    {"\xd0", 0},
	    {"\xd0"
	     "a",
	     0},
	    {"\xff", 0},
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(cases); i++)
		assert_int_equal(px_utf8_length(cases[i].s, strlen(cases[i].s)), cases[i].len);
	assert_int_equal(px_utf8_length("\xe2\x82\xac", 2), 0);
	assert_int_equal(px_utf8_length("", 0), 0);
}

static void test_utf8_cut(void **state)
{
	(void)state;
	const char *s = "a\xd0\xb1\xe2\x82\xac\xf0\x9f\x9a\x9a"; /* 1 + 2 + 3 + 4 */
	static const size_t wanted[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
	for (size_t max = 0; max < PX_ARRAY_LEN(wanted); max++)
		assert_int_equal(px_utf8_cut(s, 10, max), wanted[max]);
}

static void test_times(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
	    {"1970-01-01T00:00:00Z", 0},
	    {"2026-11-21T08:15:00Z", INT64_C(1795248900000)},
	    {"2026-11-21T08:15:00.007Z", INT64_C(1795248900007)},
	    {"2024-02-29T23:59:59Z", INT64_C(1709251199000)},
	    {"2038-01-19T03:14:08Z", INT64_C(2147483648000)},
	    {"9999-12-31T23:59:59Z", INT64_C(253402300799000)},
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(good); i++) {
		char text[32];
		int64_t ms = -1;
		assert_int_equal(px_time_parse(good[i].text, &ms), PX_OK);
		assert_int_equal(ms, good[i].ms);
		px_time_format(ms, text, sizeof(text));
		assert_string_equal(text, good[i].text);
	}
	int64_t ms;
	assert_int_equal(px_time_parse("2026-11-21T08:15:00.1234567Z", &ms), PX_OK);
	assert_int_equal(ms, INT64_C(1795248900123));
	static const char *const wrong[] = {
	    "",
	    "2026-11-21",
	    "2026-11-21T08:15:00", /* local time: refused, never guessed */
	    "2026-11-21T08:15:00+02:00",
	    "2026-11-21T08:15:00z",
	    "2026-11-21 08:15:00Z",
	    "2026-02-29T00:00:00Z", /* no leap year */
	    "2026-04-31T00:00:00Z",
	    "2026-13-01T00:00:00Z",
	    "2026-00-01T00:00:00Z",
	    "2026-01-00T00:00:00Z",
	    "2026-11-21T24:00:00Z",
	    "2026-11-21T08:60:00Z",
	    "2026-11-21T08:15:60Z",
	    "2026-11-21T08:15:00.Z",
	    "2026-11-21T08:15:00.0000000001Z",
	    "2026-11-21T08:15:00Z ",
	    " 2026-11-21T08:15:00Z",
	    "1969-12-31T23:59:59Z",
	    "-026-11-21T08:15:00Z",
	    "2026-1 -21T08:15:00Z",
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(wrong); i++)
		assert_int_equal(px_time_parse(wrong[i], &ms), PX_EPARSE);
}

static void test_durations(void **state)
{
	(void)state;
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
	    {-5, "0 s"},           {999, "0 s"},        {35000, "35 s"},          {59999, "59 s"},
	    {60000, "1 min"},      {3599999, "59 min"}, {12000000, "3 h 20 min"}, {86400000, "1 d 0 h"},
	    {187200000, "2 d 4 h"}};
	for (size_t i = 0; i < PX_ARRAY_LEN(cases); i++) {
		char text[32];
		px_duration_format(cases[i].ms, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

static void test_names(void **state)
{
	(void)state;
	static const char *const authorities[] = {"BY", "UA.SFS", "RO-ANV2", "XA.ABCDEFGH1234"};
	for (size_t i = 0; i < PX_ARRAY_LEN(authorities); i++)
		assert_true(px_is_authority(authorities[i]));
	static const char *const no_authorities[] = {
	    "",    "B",   "by", "BYE", "B1", "BY.", "BY-", "BY_X", "BY.x", "BY.A.B", "XA.ABCDEFGHIJKLM",
	    "BY ", " BY", "*"};
	for (size_t i = 0; i < PX_ARRAY_LEN(no_authorities); i++)
		assert_false(px_is_authority(no_authorities[i]));

	assert_true(px_is_message_id("BY20261121000000123"));
	assert_true(px_is_message_id("a.b_c-D"));
	assert_true(px_is_message_id("12345678901234567890123456789012345"));
	assert_false(px_is_message_id("123456789012345678901234567890123456"));
	assert_false(px_is_message_id("-a"));
	assert_false(px_is_message_id(""));
	assert_false(px_is_message_id("a/b"));
	assert_false(px_is_message_id("a\xd0\xb1"));

	assert_true(px_is_name("kyiv-1.main_2"));
	assert_false(px_is_name("Kyiv"));
	assert_false(px_is_name(".a"));
	assert_false(px_is_name("123456789012345678901234567890123"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_copies),   cmocka_unit_test(test_shorten), cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_hex),      cmocka_unit_test(test_base64),  cmocka_unit_test(test_utf8),
	    cmocka_unit_test(test_utf8_cut), cmocka_unit_test(test_times),   cmocka_unit_test(test_durations),
	    cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests_name("strings", tests, NULL, NULL);
}
