/* prinex: text helpers: copies, numbers, hex, base64, UTF-8, times
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"

#include <ctype.h>

#include "base/exchange.h"

bool px_strlcpy_n(char *to, const char *from, size_t len, size_t size)
{
	if (size == 0)
		return false;
	size_t n = PX_MIN(len, size - 1);
	memcpy(to, from, n);
	to[n] = '\0';
	return n == len;
}

bool px_strlcpy(char *to, const char *from, size_t size)
{
	return px_strlcpy_n(to, from, strlen(from), size);
}

bool px_str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool px_str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);
	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

int px_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	if (*s == '\0')
		return PX_EINVAL;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9' || __builtin_mul_overflow(v, (uint64_t)10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return PX_EINVAL;
	}
	if (v < min || v > max)
		return PX_EINVAL;
	*out = v;
	return PX_OK;
}

void px_hex(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * len] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int px_unhex(const char *s, void *out, size_t len)
{
	uint8_t *to = out;
	if (strlen(s) != 2 * len)
		return PX_EPARSE;
	for (size_t i = 0; i < len; i++) {
		int hi = hex_value(s[2 * i]), lo = hex_value(s[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return PX_EPARSE;
		to[i] = (uint8_t)(hi << 4 | lo);
	}
	return PX_OK;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void px_base64(struct px_buf *buf, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t n = (len + 2) / 3 * 4;
	char *to = (char *)px_buf_reserve(buf, n);
	size_t left = len;
	for (; left >= 3; left -= 3, p += 3) {
		uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		*to++ = base64_digits[v >> 18];
		*to++ = base64_digits[v >> 12 & 63];
		*to++ = base64_digits[v >> 6 & 63];
		*to++ = base64_digits[v & 63];
	}
	if (left > 0) {
		uint32_t v = (uint32_t)p[0] << 16 | (left == 2 ? (uint32_t)p[1] << 8 : 0);
		*to++ = base64_digits[v >> 18];
		*to++ = base64_digits[v >> 12 & 63];
		*to++ = left == 2 ? base64_digits[v >> 6 & 63] : '=';
		*to++ = '=';
	}
	px_buf_grown(buf, n);
}

enum { BLANK = 65, PAD };

/* One more than what a digit stands for; 0: not base64. */
/* clang-format off */
static const uint8_t base64_values[256] = {
    ['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
    ['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
    ['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
    ['+'] = 63, ['/'] = 64, ['='] = PAD, [' '] = BLANK, ['\t'] = BLANK, ['\r'] = BLANK, ['\n'] = BLANK,
};
/* clang-format on */

int px_unbase64(struct px_buf *buf, const char *s, size_t len)
{
	uint8_t *to = px_buf_reserve(buf, len / 4 * 3 + 3);
	uint32_t v = 0;
	unsigned digits = 0, pads = 0;
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned value = base64_values[(uint8_t)s[i]];
		if (value == BLANK)
			continue;
		if (value == PAD && (digits & 3) >= 2) {
			pads++;
			value = 1;
		} else if (value == 0 || value == PAD || pads > 0) {
			px_buf_grown(buf, n);
			return PX_EPARSE;
		}
		v = v << 6 | (value - 1);
		if ((++digits & 3) == 0) {
			to[n] = (uint8_t)(v >> 16);
			to[n + 1] = (uint8_t)(v >> 8);
			to[n + 2] = (uint8_t)v;
			n += 3 - pads;
		}
	}
	px_buf_grown(buf, n);
	return (digits & 3) == 0 ? PX_OK : PX_EPARSE;
}

size_t px_utf8_length(const char *s, size_t room)
{
	const uint8_t *p = (const uint8_t *)s;
	if (room == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	size_t n = p[0] >= 0xc2 && p[0] < 0xe0   ? 2
		   : (p[0] & 0xf0) == 0xe0       ? 3
		   : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
						 : 0;
	if (n == 0 || n > room)
		return 0;
	uint32_t c = p[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) || c == 0xfffe || c == 0xffff)
		return 0;
	return n;
}

size_t px_utf8_cut(const char *s, size_t len, size_t max)
{
	if (len <= max)
		return len;
	size_t n = max;
	while (n > 0 && max - n < 4 && ((uint8_t)s[n] & 0xc0) == 0x80)
		n--;
	return n;
}

void px_str_shorten(char *to, const char *from, size_t size)
{
	static const char ellipsis[] = "\u2026";
	size_t len = strlen(from);
	if (len < size) {
		memcpy(to, from, len + 1);
		return;
	}
	px_assert(size >= sizeof(ellipsis));
	size_t kept = px_utf8_cut(from, len, size - sizeof(ellipsis));
	memcpy(to, from, kept);
	memcpy(to + kept, ellipsis, sizeof(ellipsis));
}

/* @v, at least @digits long, and what comes @after it. */
static char *put_number(char *to, int v, unsigned digits, char after)
{
	char reversed[12];
	unsigned n = 0;
	for (unsigned left = (unsigned)PX_MAX(v, 0); left > 0 || n < digits; left /= 10)
		reversed[n++] = (char)('0' + left % 10);
	while (n > 0)
		*to++ = reversed[--n];
	*to++ = after;
	return to;
}

void px_time_format(int64_t ms, char *out, size_t size)
{
	time_t sec = (time_t)(ms / 1000);
	int milli = (int)(ms % 1000);
	if (milli < 0) {
		milli += 1000;
		sec--;
	}
	struct tm tm;
	gmtime_r(&sec, &tm);
	/* Several a message: formatted output would take six times as long. */
	char text[48], *to = put_number(text, tm.tm_year + 1900, 4, '-');
	to = put_number(to, tm.tm_mon + 1, 2, '-');
	to = put_number(to, tm.tm_mday, 2, 'T');
	to = put_number(to, tm.tm_hour, 2, ':');
	to = put_number(to, tm.tm_min, 2, ':');
	to = put_number(to, tm.tm_sec, 2, milli != 0 ? '.' : 'Z');
	if (milli != 0)
		to = put_number(to, milli, 3, 'Z');
	px_strlcpy_n(out, text, (size_t)(to - text), size);
}

static int digits_at(const char *s, int n)
{
	int v = 0;
	for (int i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		v = v * 10 + (s[i] - '0');
	}
	return v;
}

/* Fraction of a second and the final Z. */
static int parse_tail(const char *s, int *milli)
{
	*milli = 0;
	if (*s == '.') {
		int scale = 100, n = 0;
		for (s++; *s >= '0' && *s <= '9'; s++, n++) {
			*milli += (*s - '0') * scale;
			scale /= 10;
		}
		if (n == 0 || n > 9)
			return PX_EPARSE;
	}
	return s[0] == 'Z' && s[1] == '\0' ? PX_OK : PX_EPARSE;
}

int px_time_parse(const char *s, int64_t *ms)
{
	if (strnlen(s, 20) < 20 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':')
		return PX_EPARSE;
	int year = digits_at(s, 4), month = digits_at(s + 5, 2), day = digits_at(s + 8, 2);
	int hour = digits_at(s + 11, 2), minute = digits_at(s + 14, 2), second = digits_at(s + 17, 2), milli;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 ||
	    minute > 59 || second < 0 || second > 59 || parse_tail(s + 19, &milli) != PX_OK)
		return PX_EPARSE;
	struct tm tm = {
	    .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute};
	tm.tm_sec = second;
	time_t t = timegm(&tm);
	if (tm.tm_mday != day || tm.tm_mon != month - 1) /* timegm moved 30 February on */
		return PX_EPARSE;
	*ms = (int64_t)t * 1000 + milli;
	return PX_OK;
}

void px_duration_format(int64_t ms, char *out, size_t size)
{
	long long s = ms < 0 ? 0 : ms / 1000;
	if (s < 60)
		snprintf(out, size, "%lld s", s);
	else if (s < 3600)
		snprintf(out, size, "%lld min", s / 60);
	else if (s < 86400)
		snprintf(out, size, "%lld h %lld min", s / 3600, s / 60 % 60);
	else
		snprintf(out, size, "%lld d %lld h", s / 86400, s / 3600 % 24);
}

bool px_is_authority(const char *s)
{
	if (!(s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'))
		return false;
	if (s[2] == '\0')
		return true;
	if (s[2] != '.' && s[2] != '-')
		return false;
	size_t n = 0;
	for (s += 3; (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9'); s++)
		n++;
	return *s == '\0' && n >= 1 && n <= 12;
}

static bool is_word(const char *s, size_t max, bool upper)
{
	size_t n = 0;
	for (; s[n] != '\0'; n++) {
		char c = s[n];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			     (upper && c >= 'A' && c <= 'Z');
		bool mark = n > 0 && (c == '.' || c == '_' || c == '-');
		if (n >= max || (!alnum && !mark))
			return false;
	}
	return n > 0;
}

bool px_is_message_id(const char *s)
{
	return is_word(s, PX_MESSAGE_ID_MAX, true);
}

bool px_is_name(const char *s)
{
	return is_word(s, PX_NAME_MAX, false);
}
