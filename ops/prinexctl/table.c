/* prinex: prinexctl: aligned tables
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "prinexctl.h"

#include <stdarg.h>

#include "base/strings.h"

#define COLUMNS_MAX 16
#define GAP         2
#define WRAP_LEAST  24 /* narrower than this the last column is not worth wrapping */

struct cell {
	char *text; /* clean */
	enum colour colour;
};

struct table {
	unsigned n_columns;
	struct {
		char *head;
		bool number;
		unsigned width;
	} columns[COLUMNS_MAX];
	unsigned n, cap;
	struct cell *cells;
};

struct table *table_new(const char *heads)
{
	struct table *t = px_xcalloc(1, sizeof(*t));
	for (;;) {
		size_t len = strcspn(heads, "|");
		px_assert(t->n_columns < COLUMNS_MAX);
		bool number = *heads == '>';
		char *head = px_xstrndup(heads + number, len - number);
		t->columns[t->n_columns].head = head;
		t->columns[t->n_columns].number = number;
		t->columns[t->n_columns++].width = screen_columns(head);
		if (heads[len] == '\0')
			return t;
		heads += len + 1;
	}
}

void table_add(struct table *t, const char *text, enum colour colour)
{
	struct px_buf clean = PX_BUF_INIT;
	screen_clean(&clean, text != NULL && *text != '\0' ? text : "-");
	if (t->n == t->cap) {
		t->cap = PX_MAX(64u, 2 * t->cap);
		t->cells = px_xrealloc_array(t->cells, t->cap, sizeof(*t->cells));
	}
	unsigned columns = screen_columns(px_buf_str(&clean)), at = t->n % t->n_columns;
	t->columns[at].width = PX_MAX(t->columns[at].width, columns);
	t->cells[t->n++] = (struct cell){(char *)px_buf_detach(&clean, NULL), colour};
}

void table_addf(struct table *t, enum colour colour, const char *fmt, ...)
{
	struct px_buf text = PX_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	table_add(t, px_buf_str(&text), colour);
	px_buf_free(&text);
}

static void spaces(unsigned n)
{
	printf("%*s", (int)n, "");
}

/* Octets of @s that fit into @room columns, ending at a space if there is one. */
static size_t fitting(const char *s, unsigned room)
{
	size_t at = 0, space = 0, left = strlen(s);
	unsigned columns = 0;
	while (left > 0) {
		size_t n = px_utf8_length(s + at, left);
		n = PX_MAX(n, (size_t)1);
		if (columns == room)
			return space > 0 ? space : at;
		if (s[at] == ' ')
			space = at;
		columns++;
		at += n;
		left -= n;
	}
	return at;
}

/* The last column goes on below itself. */
static void put_last(const char *text, enum colour colour, unsigned indent)
{
	unsigned room = screen_width() > indent ? screen_width() - indent : 0;
	while (room >= WRAP_LEAST && screen_columns(text) > room) {
		size_t n = fitting(text, room);
		char *part = px_xstrndup(text, n);
		screen_put(part, colour);
		free(part);
		text += n + (text[n] == ' ' ? 1 : 0);
		printf("\n");
		spaces(indent);
	}
	screen_put(text, colour);
	printf("\n");
}

static void put_row(const struct table *t, const struct cell *cells)
{
	unsigned indent = 0;
	for (unsigned i = 0; i < t->n_columns; i++) {
		unsigned pad = t->columns[i].width - screen_columns(cells[i].text);
		bool last = i + 1 == t->n_columns;
		if (t->columns[i].number)
			spaces(pad);
		if (last) {
			put_last(cells[i].text, cells[i].colour, indent);
			return;
		}
		screen_put(cells[i].text, cells[i].colour);
		spaces((t->columns[i].number ? 0 : pad) + GAP);
		indent += t->columns[i].width + GAP;
	}
}

void table_print(struct table **table)
{
	struct table *t = *table;
	struct cell heads[COLUMNS_MAX];
	*table = NULL;
	px_assert(t->n % t->n_columns == 0);
	for (unsigned i = 0; i < t->n_columns; i++)
		heads[i] = (struct cell){t->columns[i].head, BOLD};
	put_row(t, heads);
	for (unsigned i = 0; i < t->n; i += t->n_columns)
		put_row(t, t->cells + i);
	for (unsigned i = 0; i < t->n; i++)
		free(t->cells[i].text);
	for (unsigned i = 0; i < t->n_columns; i++)
		free(t->columns[i].head);
	free(t->cells);
	free(t);
}
