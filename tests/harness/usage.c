/* prinex: do the words of a line fit the usage of its command?
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "script.h"

#include <ctype.h>

#include "base/strings.h"

/* One token of a usage: `[KIND...]`, `key=KIND`, `a|b`. */
struct token {
	char text[128]; /* the kind, without brackets and dots */
	char key[32];   /* "" positional */
	bool optional, repeats;
};

static const char *next_token(const char *usage, struct token *t)
{
	usage += strspn(usage, " ");
	size_t n = strcspn(usage, " ");
	if (n == 0)
		return NULL;
	const char *end = usage + n, *after = end;
	*t = (struct token){.optional = *usage == '['};
	if (t->optional) {
		usage++;
		end--;
	}
	if (end - usage > 3 && strncmp(end - 3, "...", 3) == 0) {
		t->repeats = true;
		end -= 3;
	}
	const char *eq = memchr(usage, '=', (size_t)(end - usage));
	if (eq != NULL && eq > usage) {
		px_strlcpy_n(t->key, usage, (size_t)(eq - usage), sizeof(t->key));
		usage = eq + 1;
	}
	px_strlcpy_n(t->text, usage, (size_t)(end - usage), sizeof(t->text));
	return after;
}

static bool among(const char *words, const char *s)
{
	size_t len = strlen(s);
	for (const char *at = words; at != NULL; at = strchr(at, '|')) {
		at += *at == '|';
		size_t n = strcspn(at, "|");
		if (n == len && strncmp(at, s, n) == 0)
			return true;
	}
	return false;
}

/* What a word must look like to be of this kind; NULL: it does. */
static const char *unfit(const char *kind, const struct px_word *w)
{
	int64_t ms;
	uint64_t number;
	if (strchr(w->s, '$') != NULL)
		return NULL;
	if (strcmp(kind, "NUMBER") == 0)
		return px_parse_u64(w->s, 0, INT64_MAX, &number) == PX_OK ? NULL : "a number";
	if (strcmp(kind, "TIME") == 0)
		return px_time_word(w->s, &ms) == PX_OK ? NULL : "a time such as 500ms, 10s, 5min, 3h, 2d";
	if (strcmp(kind, "YES") == 0)
		return among("yes|no", w->s) ? NULL : "yes or no";
	if (strcmp(kind, "OP") == 0)
		return px_operator_parse(w->s) != PX_OPERATORS
			   ? NULL
			   : "an operator: = != < <= > >= contains lacks matches absent";
	if (strcmp(kind, "NAME") == 0)
		return px_is_handle(w->s) ? NULL : "a name: letters, digits, - and _";
	if (strcmp(kind, "BROKER") == 0 || strcmp(kind, "ACTOR") == 0)
		return px_is_handle(w->s) ? NULL : "the name of one";
	if (strcmp(kind, "DOC") == 0 || strcmp(kind, "TEXT") == 0)
		return NULL;
	return among(kind, w->s) ? NULL : kind;
}

static bool find_key(const char *usage, const char *key, struct token *t)
{
	while ((usage = next_token(usage, t)) != NULL) {
		if (strcmp(t->key, key) == 0)
			return true;
	}
	return false;
}

/* `key` of `key=value`: lower-case letters and dashes in front of the first equals sign. */
static bool key_of(const struct px_word *w, char *out, size_t size)
{
	size_t n = strspn(w->s, "abcdefghijklmnopqrstuvwxyz-");
	if (w->quoted || n == 0 || !isalpha((unsigned char)w->s[0]) || w->s[n] != '=' || n >= size)
		return false;
	px_strlcpy_n(out, w->s, n, size);
	return true;
}

static int take_key(const char *usage, struct px_word *w, const char *key, struct px_step *step,
		    struct px_buf *why)
{
	struct token t;
	if (!find_key(usage, key, &t)) {
		px_buf_setf(why, "%s=: there is no such word here; expected: %s", key, usage);
		return PX_EPARSE;
	}
	for (unsigned i = 0; i < step->n_keys; i++) {
		if (strcmp(step->keys[i].key, key) == 0) {
			px_buf_setf(why, "%s= stands twice", key);
			return PX_EPARSE;
		}
	}
	size_t skip = strlen(key) + 1;
	struct px_word value = {px_xmemdup(w->s + skip, w->n - skip + 1), w->n - skip, false};
	step->keys = px_xrealloc_array(step->keys, step->n_keys + 1, sizeof(step->keys[0]));
	step->keys[step->n_keys++] = (struct px_key_word){px_xstrdup(key), value};
	const char *wanted = unfit(t.text, &value);
	if (wanted == NULL)
		return PX_OK;
	px_buf_setf(why, "%s=%s: expected %s", key, value.s, wanted);
	return PX_EPARSE;
}

static int split_keys(const char *usage, struct px_line *line, unsigned first, struct px_step *step,
		      struct px_buf *why)
{
	for (unsigned i = first; i < line->n; i++) {
		struct px_word *w = &line->words[i];
		char key[32];
		if (key_of(w, key, sizeof(key))) {
			if (take_key(usage, w, key, step, why) != PX_OK)
				return PX_EPARSE;
			continue;
		}
		step->words = px_xrealloc_array(step->words, step->n + 1, sizeof(step->words[0]));
		step->words[step->n++] = *w;
		w->s = NULL;
	}
	return PX_OK;
}

static int match_words(const char *usage, const struct px_step *step, struct px_buf *why)
{
	struct token t;
	unsigned at = 0;
	for (const char *u = usage; (u = next_token(u, &t)) != NULL;) {
		if (t.key[0] != '\0') {
			bool there = t.optional;
			for (unsigned i = 0; i < step->n_keys; i++)
				there |= strcmp(step->keys[i].key, t.key) == 0;
			if (!there) {
				px_buf_setf(why, "%s= is missing; expected: %s", t.key, usage);
				return PX_EPARSE;
			}
			continue;
		}
		if (at == step->n && !t.optional) {
			px_buf_setf(why, "too few words; expected: %s", usage);
			return PX_EPARSE;
		}
		for (bool once = true; at < step->n && (once || t.repeats); once = false, at++) {
			const char *wanted = unfit(t.text, &step->words[at]);
			if (wanted == NULL)
				continue;
			if (t.repeats && !once)
				break;
			px_buf_setf(why, "%s: expected %s", step->words[at].s, wanted);
			return PX_EPARSE;
		}
	}
	if (at == step->n)
		return PX_OK;
	px_buf_setf(why, "%s: one word too many; expected: %s", step->words[at].s,
		    usage[0] != '\0' ? usage : "nothing more");
	return PX_EPARSE;
}

int px_usage_match(const char *usage, struct px_line *line, unsigned first, struct px_step *step,
		   struct px_buf *why)
{
	int rc = split_keys(usage, line, first, step, why);
	return rc == PX_OK ? match_words(usage, step, why) : rc;
}
