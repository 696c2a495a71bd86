/* prinex: a line of a scenario: words, quotes, comments
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "script.h"

#include <ctype.h>

#include "base/strings.h"

struct reader {
	const char *at, *end;
	struct px_buf word;
	struct px_buf *why;
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The octet behind a backslash. */
static int escape(struct reader *r)
{
	static const char from[] = "nrt\"\\", to[] = "\n\r\t\"\\";
	char c = r->at < r->end ? *r->at++ : '\0';
	const char *found = c != '\0' ? strchr(from, c) : NULL;
	if (found != NULL) {
		px_buf_addc(&r->word, to[found - from]);
	} else if (c == '$') {
		px_buf_adds(&r->word, "$$");
	} else if (c == 'x' && r->end - r->at >= 2 && hex_digit(r->at[0]) >= 0 && hex_digit(r->at[1]) >= 0) {
		px_buf_addc(&r->word, (char)(hex_digit(r->at[0]) * 16 + hex_digit(r->at[1])));
		r->at += 2;
	} else {
		px_buf_setf(r->why, "\\%c: expected \\n, \\r, \\t, \\\", \\\\, \\$ or \\xHH", c);
		return PX_EPARSE;
	}
	return PX_OK;
}

static int quoted(struct reader *r)
{
	for (r->at++; r->at < r->end; r->at++) {
		if (*r->at == '"') {
			r->at++;
			return PX_OK;
		}
		if (*r->at == '\\') {
			r->at++;
			if (escape(r) != PX_OK)
				return PX_EPARSE;
			r->at--;
		} else {
			px_buf_addc(&r->word, *r->at);
		}
	}
	px_buf_setf(r->why, "the closing quotation mark is missing");
	return PX_EPARSE;
}

static int word(struct reader *r, struct px_word *out)
{
	bool starts_quoted = *r->at == '"';
	px_buf_addc(&r->word, ' '); /* so that there is memory, also of an empty word */
	px_buf_clear(&r->word);
	while (r->at < r->end && !isspace((unsigned char)*r->at)) {
		if (*r->at == '"') {
			if (quoted(r) != PX_OK)
				return PX_EPARSE;
		} else {
			px_buf_addc(&r->word, *r->at++);
		}
	}
	const char *text = (const char *)r->word.data;
	*out = (struct px_word){px_xmemdup(r->word.len > 0 ? text : "", r->word.len + 1), r->word.len,
				starts_quoted};
	return PX_OK;
}

/* `<<END` at the end of a line. */
static int here(struct px_line *line, struct px_buf *why)
{
	for (unsigned i = 0; i < line->n; i++) {
		struct px_word *w = &line->words[i];
		if (w->quoted || !px_str_starts(w->s, "<<"))
			continue;
		if (i + 1 < line->n || w->n < 3 || w->n - 2 >= sizeof(line->here)) {
			px_buf_setf(why, "%s: a here-document is announced by <<WORD at the end of the line",
				    w->s);
			return PX_EPARSE;
		}
		px_strlcpy(line->here, w->s + 2, sizeof(line->here));
		free(w->s);
		line->n--;
	}
	return PX_OK;
}

int px_line_split(const char *text, size_t len, struct px_line *out, struct px_buf *why)
{
	struct reader r = {.at = text, .end = text + len, .why = why};
	int rc = PX_OK;
	*out = (struct px_line){0};
	while (rc == PX_OK) {
		while (r.at < r.end && isspace((unsigned char)*r.at))
			r.at++;
		if (r.at == r.end || *r.at == '#')
			break;
		out->words = px_xrealloc_array(out->words, out->n + 1, sizeof(out->words[0]));
		rc = word(&r, &out->words[out->n]);
		out->n += rc == PX_OK;
	}
	px_buf_free(&r.word);
	if (rc == PX_OK)
		rc = here(out, why);
	if (rc != PX_OK)
		px_line_free(out);
	return rc;
}

void px_line_free(struct px_line *line)
{
	for (unsigned i = 0; i < line->n; i++)
		free(line->words[i].s);
	PX_FREE(line->words);
	line->n = 0;
}

int px_time_word(const char *s, int64_t *ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}};
	char digits[16];
	size_t n = strspn(s, "0123456789");
	uint64_t value;
	if (n == 0 || n >= sizeof(digits))
		return PX_EPARSE;
	px_strlcpy_n(digits, s, n, sizeof(digits));
	if (px_parse_u64(digits, 0, 1000000000, &value) != PX_OK)
		return PX_EPARSE;
	for (unsigned i = 0; i < PX_ARRAY_LEN(units); i++) {
		if (strcmp(s + n, units[i].unit) == 0) {
			*ms = (int64_t)value * units[i].ms;
			return PX_OK;
		}
	}
	return PX_EPARSE;
}

bool px_is_handle(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
	return isalpha((unsigned char)s[0]) && s[n] == '\0' && n < 48;
}
