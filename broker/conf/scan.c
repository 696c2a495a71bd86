/* prinex: what must be done with a configuration text before libconfuse may see it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "conf/scan.h"

#include "base/strings.h"

#define DEPTH_MAX 8 /* braces within braces */

enum kind {
	END,
	WORD,
	STRING,
	MARK,  /* one of { } ( ) , = */
	APPEND /* += */
};

struct token {
	enum kind kind;
	size_t start, end; /* with quotes */
	unsigned line;
};

struct lexer {
	const char *file;
	char *text;
	size_t len, at;
	unsigned line;
	struct px_problems *problems; /* NULL: nothing can be wrong any more */
	bool failed;
};

static void fail(struct lexer *l, unsigned line, const char *text)
{
	l->failed = true;
	if (l->problems != NULL)
		px_problems_add(l->problems, l->file, line, "%s", text);
}

static void blank(char *text, size_t start, size_t end)
{
	for (size_t i = start; i < end; i++) {
		if (text[i] != '\n')
			text[i] = ' ';
	}
}

static bool is_comment(const struct lexer *l, size_t i)
{
	const char *s = l->text + i;
	return *s == '#' || (*s == '/' && (s[1] == '/' || s[1] == '*'));
}

static void skip_comment(struct lexer *l)
{
	size_t start = l->at;
	unsigned line = l->line;
	if (l->text[l->at] == '/' && l->text[l->at + 1] == '*') {
		const char *end = strstr(l->text + l->at + 2, "*/");
		if (end == NULL)
			fail(l, line, "this comment is never closed");
		l->at = end == NULL ? l->len : (size_t)(end - l->text) + 2;
	} else {
		l->at += strcspn(l->text + l->at, "\n");
	}
	for (size_t i = start; i < l->at; i++)
		l->line += l->text[i] == '\n';
	blank(l->text, start, l->at);
}

static void skip_space(struct lexer *l)
{
	for (;;) {
		char c = l->text[l->at];
		if (c == '\n')
			l->line++;
		else if (is_comment(l, l->at)) {
			skip_comment(l);
			continue;
		} else if (c != ' ' && c != '\t')
			return;
		l->at++;
	}
}

static void read_string(struct lexer *l, char quote)
{
	l->at++;
	while (l->text[l->at] != quote) {
		char c = l->text[l->at];
		if (c == '\\')
			c = l->text[++l->at];
		if (c == '\0' || c == '\n') {
			fail(l, l->line, "a quote is opened here and not closed on the same line");
			return;
		}
		l->at++;
	}
	l->at++;
}

static void read_word(struct lexer *l)
{
	while (strchr(" #\"'\t\n={}()+,*", l->text[l->at]) == NULL && !is_comment(l, l->at))
		l->at++;
}

static struct token next(struct lexer *l)
{
	skip_space(l);
	struct token t = {END, l->at, l->at, l->line};
	char c = l->text[l->at];
	if (c == '\0')
		return t;
	if (c == '"' || c == '\'') {
		t.kind = STRING;
		read_string(l, c);
	} else if (strchr("{}(),=", c) != NULL) {
		t.kind = MARK;
		l->at++;
	} else if (c == '+' && l->text[l->at + 1] == '=') {
		t.kind = APPEND;
		l->at += 2;
	} else if (c == '+' || c == '*') {
		fail(l, l->line,
		     c == '+' ? "unexpected character '+': texts with it need quotes"
			      : "unexpected character '*': texts with it need quotes");
		t.kind = WORD;
		l->at++;
	} else {
		t.kind = WORD;
		read_word(l);
	}
	t.end = l->at;
	return t;
}

static bool is_mark(const struct lexer *l, const struct token *t, char c)
{
	return t->kind == MARK && l->text[t->start] == c;
}

static bool token_is(const struct lexer *l, const struct token *t, const char *s)
{
	size_t start = t->start, len = t->end - t->start;
	if (t->kind == STRING) {
		start++;
		len -= 2;
	}
	return (t->kind == WORD || t->kind == STRING) && len == strlen(s) &&
	       memcmp(l->text + start, s, len) == 0;
}

/* include("file"), the word having been read. */
static void take_include(struct lexer *l, const struct token *word, struct px_scan *scan)
{
	struct token open = next(l), path = next(l), close = next(l);
	bool quoted = path.kind == STRING &&
		      memchr(l->text + path.start, '\\', path.end - path.start) == NULL;
	if (l->failed || !is_mark(l, &open, '(') || !quoted || !is_mark(l, &close, ')')) {
		fail(l, word->line, "expected include(\"FILE\")");
		return;
	}
	scan->includes = px_xrealloc_array(scan->includes, scan->n_includes + 1, sizeof(*scan->includes));
	scan->includes[scan->n_includes++] =
	    (struct px_include){px_xstrndup(l->text + path.start + 1, path.end - path.start - 2), word->line};
	blank(l->text, word->start, close.end);
}

/* Braces must pair, and parentheses belong to include only. */
static void scan_tokens(struct lexer *l, struct px_scan *scan)
{
	unsigned depth = 0, lines[DEPTH_MAX];
	for (struct token t = next(l); t.kind != END && !l->failed; t = next(l)) {
		if (depth == 0 && t.kind == WORD && token_is(l, &t, "include")) {
			take_include(l, &t, scan);
		} else if (is_mark(l, &t, '{')) {
			if (depth == DEPTH_MAX)
				fail(l, t.line, "too many braces within braces");
			else
				lines[depth++] = t.line;
		} else if (is_mark(l, &t, '}')) {
			if (depth == 0)
				fail(l, t.line, "a closing brace without its opening one");
			else
				depth--;
		} else if (is_mark(l, &t, '(') || is_mark(l, &t, ')')) {
			fail(l, t.line, "unexpected parenthesis: texts with it need quotes");
		}
	}
	if (!l->failed && depth > 0)
		fail(l, lines[depth - 1], "this brace is never closed");
}

/* Characters that may not occur anywhere, also not in comments. CR of CR LF becomes a space. */
static void scan_characters(struct lexer *l)
{
	unsigned line = 1;
	for (size_t i = 0, n = 1; i < l->len && !l->failed; i += n) {
		unsigned char c = (unsigned char)l->text[i];
		n = px_utf8_length(l->text + i, l->len - i);
		if (n == 0)
			fail(l, line, "not UTF-8");
		else if (c == '\r' && l->text[i + 1] == '\n')
			l->text[i] = ' ';
		else if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f)
			fail(l, line, "a control character");
		line += c == '\n';
	}
}

int px_scan(const char *file, const char *text, size_t len, struct px_scan *out, struct px_problems *problems)
{
	static const char bom[] = "\xef\xbb\xbf";
	*out = (struct px_scan){.text = px_xmalloc(len + 2), .len = len};
	memcpy(out->text, text, len);
	memset(out->text + len, 0, 2); /* two: so that one may always be looked ahead */
	if (len >= 3 && memcmp(text, bom, 3) == 0)
		blank(out->text, 0, 3);
	struct lexer l = {.file = file, .text = out->text, .len = len, .line = 1, .problems = problems};
	scan_characters(&l);
	if (!l.failed)
		scan_tokens(&l, out);
	return l.failed ? PX_ECONF : PX_OK;
}

void px_scan_free(struct px_scan *scan)
{
	for (unsigned i = 0; i < scan->n_includes; i++)
		free(scan->includes[i].path);
	PX_FREE(scan->includes);
	PX_FREE(scan->text);
	scan->n_includes = 0;
}

/* Where that ends which begins with the name @t; 0: it is none. */
static size_t end_of_construct(struct lexer *l)
{
	struct token t = next(l);
	bool value = is_mark(l, &t, '=') || t.kind == APPEND;
	if (value || t.kind == WORD || t.kind == STRING) /* = value, = { list } or title { section } */
		t = next(l);
	if (value && (t.kind == WORD || t.kind == STRING))
		return t.end;
	if (!is_mark(l, &t, '{'))
		return 0;
	for (unsigned depth = 1; depth > 0;) {
		t = next(l);
		if (t.kind == END)
			return 0;
		depth += is_mark(l, &t, '{') ? 1 : 0;
		depth -= is_mark(l, &t, '}') ? 1 : 0;
	}
	return t.end;
}

bool px_scan_blank(struct px_scan *scan, unsigned line, const char *name)
{
	struct lexer l = {.text = scan->text, .len = scan->len, .line = 1};
	bool after_equals = false; /* then a word is a value, not a name */
	for (struct token t = next(&l); t.kind != END && t.line <= line; t = next(&l)) {
		if (t.line == line && !after_equals && token_is(&l, &t, name)) {
			struct lexer ahead = l;
			size_t end = end_of_construct(&ahead);
			if (end > 0) {
				blank(scan->text, t.start, end);
				return true;
			}
		}
		after_equals = is_mark(&l, &t, '=') || t.kind == APPEND;
	}
	return false;
}
