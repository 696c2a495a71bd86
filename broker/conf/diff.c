/* prinex: in what two configurations differ
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "conf/table.h"

struct comparison {
	const struct px_table *table;
	px_conf_difference *fn;
	void *arg;
};

/* Place: "partner "ua" system". @return the length before, to cut it off again. */
static size_t enter(struct px_buf *place, const struct px_section *s, const char *title)
{
	size_t before = place->len;
	px_buf_addf(place, "%s%s", before > 0 ? " " : "", s->name);
	if (title != NULL)
		px_buf_addf(place, " \"%s\"", title);
	return before;
}

static void leave(struct px_buf *place, size_t before)
{
	place->len = before;
	place->data[before] = '\0';
}

static void compare_options(const struct comparison *c, unsigned section, const char *a, const char *b,
			    const struct px_buf *place)
{
	for (unsigned i = 0; i < c->table->n_opts; i++) {
		const struct px_opt *o = &c->table->opts[i];
		struct px_buf x = PX_BUF_INIT, y = PX_BUF_INIT;
		if (o->section != section)
			continue;
		px_opt_format(o, a, &x);
		px_opt_format(o, b, &y);
		if (strcmp(px_buf_str(&x), px_buf_str(&y)) != 0)
			c->fn(c->arg, px_buf_str(place), o->name, px_buf_str(&x), px_buf_str(&y));
		px_buf_free(&x);
		px_buf_free(&y);
	}
}

/* --- sections with a title */

static unsigned number(const struct px_section *s, const char *base)
{
	return *(const unsigned *)(const void *)(base + s->count);
}

static const char *item(const struct px_section *s, const char *base, unsigned i)
{
	return *(char *const *)(const void *)(base + s->offset) + i * s->size;
}

static const char *title(const struct px_section *s, const char *it)
{
	return *(char *const *)(const void *)(it + s->title);
}

static const char *find(const struct px_section *s, const char *base, const char *wanted)
{
	for (unsigned i = 0; i < number(s, base); i++) {
		if (strcmp(title(s, item(s, base, i)), wanted) == 0)
			return item(s, base, i);
	}
	return NULL;
}

/* Titles of @base that @other has too, in their order: of routes and rules of retention it counts. */
static void order(const struct px_section *s, const char *base, const char *other, struct px_buf *out)
{
	for (unsigned i = 0; i < number(s, base); i++) {
		const char *t = title(s, item(s, base, i));
		if (find(s, other, t) != NULL)
			px_buf_addf(out, "%s%s", out->len > 0 ? ", " : "", t);
	}
}

static void compare_body(const struct comparison *c, unsigned section, const char *a, const char *b,
			 struct px_buf *place);

static void compare_many(const struct comparison *c, unsigned index, const char *a, const char *b,
			 struct px_buf *place)
{
	const struct px_section *s = &c->table->sections[index];
	struct px_buf x = PX_BUF_INIT, y = PX_BUF_INIT;
	for (unsigned i = 0; i < number(s, a); i++) {
		const char *was = item(s, a, i), *is = find(s, b, title(s, was));
		size_t before = enter(place, s, title(s, was));
		if (is == NULL)
			c->fn(c->arg, px_buf_str(place), NULL, "there", NULL);
		else
			compare_body(c, index, was, is, place);
		leave(place, before);
	}
	for (unsigned i = 0; i < number(s, b); i++) {
		size_t before = enter(place, s, title(s, item(s, b, i)));
		if (find(s, a, title(s, item(s, b, i))) == NULL)
			c->fn(c->arg, px_buf_str(place), NULL, NULL, "there");
		leave(place, before);
	}
	order(s, a, b, &x);
	order(s, b, a, &y);
	if (strcmp(px_buf_str(&x), px_buf_str(&y)) != 0)
		c->fn(c->arg, s->name, "order", px_buf_str(&x), px_buf_str(&y));
	px_buf_free(&x);
	px_buf_free(&y);
}

static void compare_one(const struct comparison *c, unsigned index, const char *a, const char *b,
			struct px_buf *place)
{
	const struct px_section *s = &c->table->sections[index];
	bool maybe = s->kind == PX_SECTION_MAYBE;
	bool was = !maybe || *(const bool *)(const void *)(a + s->offset + s->given);
	bool is = !maybe || *(const bool *)(const void *)(b + s->offset + s->given);
	size_t before = enter(place, s, NULL);
	if (was && is)
		compare_body(c, index, a + s->offset, b + s->offset, place);
	else if (was != is)
		c->fn(c->arg, px_buf_str(place), NULL, was ? "there" : NULL, is ? "there" : NULL);
	leave(place, before);
}

static void compare_body(const struct comparison *c, unsigned section, const char *a, const char *b,
			 struct px_buf *place)
{
	compare_options(c, section, a, b, place);
	for (unsigned i = 1; i < c->table->n_sections; i++) {
		if (c->table->sections[i].parent != section)
			continue;
		if (c->table->sections[i].kind == PX_SECTION_MANY)
			compare_many(c, i, a, b, place);
		else
			compare_one(c, i, a, b, place);
	}
}

void px_conf_diff(const struct px_conf *old, const struct px_conf *fresh, px_conf_difference *fn, void *arg)
{
	struct comparison c = {px_conf_table(), fn, arg};
	struct px_buf place = PX_BUF_INIT;
	compare_body(&c, 0, (const char *)old, (const char *)fresh, &place);
	px_buf_free(&place);
}
