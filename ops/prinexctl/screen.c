/* prinex: prinexctl: what may be written to a terminal
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "prinexctl.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/strings.h"

static unsigned width;
static bool colours;

void screen_init(void)
{
	struct winsize size;
	if (!isatty(STDOUT_FILENO))
		return;
	width = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40 ? size.ws_col : 80;
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	colours = (no == NULL || *no == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

unsigned screen_width(void)
{
	return width;
}

/* Code point of a well-formed character of @n octets. */
static unsigned code_point(const char *s, size_t n)
{
	static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	unsigned c = (unsigned char)*s & first[n];
	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	return c;
}

/* C0, DEL, C1, and what changes the direction of text: values come from messages. */
static bool acts(unsigned c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0x2028 || c == 0x2029;
}

void screen_clean(struct px_buf *out, const char *s)
{
	size_t left = strlen(s);
	while (left > 0) {
		size_t n = px_utf8_length(s, left);
		bool bad = n == 0 || acts(code_point(s, n));
		n = PX_MAX(n, (size_t)1);
		for (size_t i = 0; bad && i < n; i++)
			px_buf_addf(out, "\\x%02x", (unsigned char)s[i]);
		if (!bad)
			px_buf_add(out, s, n);
		s += n;
		left -= n;
	}
}

unsigned screen_columns(const char *s)
{
	unsigned columns = 0;
	size_t left = strlen(s);
	while (left > 0) {
		size_t n = px_utf8_length(s, left);
		unsigned c = n > 0 ? code_point(s, n) : 0;
		bool combining = c >= 0x300 && c <= 0x36f;
		columns += combining ? 0 : 1;
		n = PX_MAX(n, (size_t)1);
		s += n;
		left -= n;
	}
	return columns;
}

void screen_put(const char *s, enum colour colour)
{
	static const char *const codes[] = {"", "\033[1m", "\033[2m", "\033[32m", "\033[33m", "\033[31m"};
	if (colours && colour != PLAIN)
		printf("%s%s\033[0m", codes[colour], s);
	else
		fputs(s, stdout);
}

enum colour screen_colour(const char *word)
{
	static const char *const good[] = {"up", "ok", "delivered", NULL};
	static const char *const waiting[] = {"queued",  "handed-over", "in-flight",   "probing",
					      "retry",   "soon",        "not-fetched", "behind",
					      "warning", "due",         NULL};
	static const char *const bad[] = {
	    "down",     "refused",      "expired", "unknown",      "cancelled",
	    "critical", "partner-down", "held",    "removed",      "out-of-date",
	    "not-yet",  "damaged",      "major",   "store-failed", NULL};
	for (unsigned i = 0; good[i] != NULL; i++)
		if (strcmp(word, good[i]) == 0)
			return GREEN;
	for (unsigned i = 0; waiting[i] != NULL; i++)
		if (strcmp(word, waiting[i]) == 0)
			return YELLOW;
	for (unsigned i = 0; bad[i] != NULL; i++)
		if (strcmp(word, bad[i]) == 0)
			return RED;
	return PLAIN;
}
