/* prinex: business keys as they are looked up: spellings made one, expected arrivals as times
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/keys.h"

#include "base/strings.h"

/* --- spellings --------------------------------------------------------------------------------------- */

/* Capital letters of the Cyrillic alphabets that are drawn as a Latin one. */
static const struct {
	uint32_t cyrillic;
	char latin;
} alike[] = {
    {0x0405, 'S'}, {0x0406, 'I'}, {0x0408, 'J'}, {0x0410, 'A'}, {0x0412, 'B'}, {0x0415, 'E'},
    {0x041A, 'K'}, {0x041C, 'M'}, {0x041D, 'H'}, {0x041E, 'O'}, {0x0420, 'P'}, {0x0421, 'C'},
    {0x0422, 'T'}, {0x0423, 'Y'}, {0x0425, 'X'}, {0x04AE, 'Y'}, {0x051A, 'Q'}, {0x051C, 'W'},
};

/* What stands between the signs of a number: white space, dashes, hyphens, dots, slashes, quotation marks. */
static bool is_between(uint32_t c)
{
	return c <= 0x20 || strchr("-._/\\'\"`,", c < 0x80 ? (int)c : 'x') != NULL || c == 0x7F ||
	       c == 0xA0 || c == 0xAD || c == 0xB7 || c == 0x1680 || (c >= 0x2000 && c <= 0x206F) ||
	       c == 0x2212 || c == 0x3000 || c == 0xFEFF || c == 0xAB || c == 0xBB || c == 0x2BC;
}

static uint32_t capital(uint32_t c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 0x0430 && c <= 0x044F))
		return c - 0x20;
	if (c >= 0x0450 && c <= 0x045F)
		return c - 0x50;
	/* The extended block has a capital letter before each small one. */
	return c >= 0x0460 && c <= 0x052F && c % 2 == 1 && (c < 0x04C0 || c > 0x04CF) ? c - 1 : c;
}

static uint32_t one_letter(uint32_t c)
{
	c = capital(c);
	for (size_t i = 0; i < PX_ARRAY_LEN(alike) && c >= 0x0400; i++) {
		if (alike[i].cyrillic == c)
			return (uint32_t)alike[i].latin;
	}
	return c;
}

/* A character of @len octets at @s, which is UTF-8 of up to three octets; longer ones are left alone. */
static uint32_t code_of(const unsigned char *s, size_t len)
{
	if (len == 2)
		return (uint32_t)(s[0] & 0x1F) << 6 | (s[1] & 0x3F);
	if (len == 3)
		return (uint32_t)(s[0] & 0x0F) << 12 | (uint32_t)(s[1] & 0x3F) << 6 | (s[2] & 0x3F);
	return s[0];
}

/* Whatever a letter becomes is no longer than it was. */
static size_t put_code(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xC0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3F));
		return 2;
	}
	out[0] = (char)(0xE0 | c >> 12);
	out[1] = (char)(0x80 | (c >> 6 & 0x3F));
	out[2] = (char)(0x80 | (c & 0x3F));
	return 3;
}

static bool is_spelled_freely(enum px_key_kind kind)
{
	return kind == PX_KEY_VEHICLE || kind == PX_KEY_CONTAINER || kind == PX_KEY_SEAL ||
	       kind == PX_KEY_MRN;
}

void px_key_normal(enum px_key_kind kind, const char *value, char out[PX_KEY_VALUE_MAX + 1])
{
	size_t len = px_utf8_cut(value, strlen(value), PX_KEY_VALUE_MAX), n = 0;
	if (!is_spelled_freely(kind)) {
		px_strlcpy_n(out, value, len, PX_KEY_VALUE_MAX + 1);
		return;
	}
	for (size_t i = 0, step; i < len; i += step) {
		step = px_utf8_length(value + i, len - i);
		if (step == 0 || step > 3) { /* not UTF-8, or nothing that stands on a plate: as it is */
			step = PX_MAX(step, (size_t)1);
			memcpy(out + n, value + i, step);
			n += step;
			continue;
		}
		uint32_t c = code_of((const unsigned char *)value + i, step);
		if (!is_between(c))
			n += put_code(out + n, one_letter(c));
	}
	out[n] = '\0';
}

/* --- expected arrivals ------------------------------------------------------------------------------- */

bool px_key_time(const char *s, int64_t *ms)
{
	char text[40];
	size_t len = strlen(s);
	if (px_time_parse(s, ms) == PX_OK)
		return true;
	if (len == 12 && strspn(s, "0123456789") == 12)
		snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:00Z", s, s + 4, s + 6, s + 8, s + 10);
	else if (len == 10)
		snprintf(text, sizeof(text), "%sT00:00:00Z", s);
	else if (len < 32)
		snprintf(text, sizeof(text), "%sZ", s);
	else
		return false;
	return px_time_parse(text, ms) == PX_OK;
}

/* The n-th value of @kind at or behind item @at; @at moves behind it. NULL: no more. */
static const char *next_of(const struct px_keys *keys, enum px_key_kind kind, unsigned *at)
{
	while (*at < keys->n) {
		const struct px_key *k = &keys->items[(*at)++];
		if (k->kind == kind)
			return k->value;
	}
	return NULL;
}

unsigned px_keys_expected(const struct px_keys *keys, struct px_expected out[PX_EXPECTED_MAX])
{
	const char *day = px_keys_first(keys, PX_KEY_LIMIT_DATE), *office, *when;
	int64_t limit = 0, at;
	unsigned n = 0, offices = 0, times = 0;
	if (day != NULL && px_key_time(day, &limit))
		limit += (int64_t)24 * 3600 * 1000 - 1;
	while (n < PX_EXPECTED_MAX && (office = next_of(keys, PX_KEY_ARRIVAL_OFFICE, &offices)) != NULL &&
	       (when = next_of(keys, PX_KEY_EXPECTED_ARRIVAL, &times)) != NULL) {
		if (px_key_time(when, &at) && at > 0)
			out[n++] = (struct px_expected){office, at, PX_MAX(at, limit)};
	}
	return n;
}

bool px_office_is_of(const char *office, const char *authority)
{
	return strlen(office) > 2 && strlen(authority) >= 2 && memcmp(office, authority, 2) == 0;
}

bool px_key_is_office_ahead(enum px_key_kind kind)
{
	return kind == PX_KEY_OFFICE_TRANSIT || kind == PX_KEY_OFFICE_DESTINATION ||
	       kind == PX_KEY_OFFICE_EXIT || kind == PX_KEY_ARRIVAL_OFFICE;
}
