/* prinex: from a tree of items to a struct, by a table
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <confuse.h>

#include "base/strings.h"
#include "conf/table.h"

/* --- positions
 * ------------------------------------------------------------------------------------------------- */

struct px_where {
	struct px_strings files;
	size_t n, room;
	struct position {
		const void *field;
		const char *file;
		unsigned line;
		bool given;
	} * items;
};

struct px_where *px_where_new(void)
{
	return px_xcalloc(1, sizeof(struct px_where));
}

void px_where_free(struct px_where **where)
{
	if (*where == NULL)
		return;
	px_strings_free(&(*where)->files);
	free((*where)->items);
	PX_FREE(*where);
}

void px_where_add(struct px_where *where, const void *field, const char *file, unsigned line, bool given)
{
	struct px_strings *files = &where->files;
	unsigned i = 0;
	while (i < files->n && strcmp(files->items[i], file) != 0)
		i++;
	if (i == files->n)
		px_strings_add(files, file);
	if (where->n == where->room) {
		where->room = where->room == 0 ? 64 : 2 * where->room;
		where->items = px_xrealloc_array(where->items, where->room, sizeof(*where->items));
	}
	where->items[where->n++] = (struct position){field, files->items[i], line, given};
}

static const struct position *find_position(const struct px_where *where, const void *field)
{
	for (size_t i = 0; where != NULL && i < where->n; i++) {
		if (where->items[i].field == field)
			return &where->items[i];
	}
	return NULL;
}

bool px_where_given(const struct px_where *where, const void *field)
{
	const struct position *p = find_position(where, field);
	return p != NULL && p->given;
}

const char *px_where_find(const struct px_where *where, const void *field, unsigned *line)
{
	const struct position *p = find_position(where, field);
	*line = p != NULL ? p->line : 0;
	return p != NULL ? p->file : "";
}

void px_where_files(const struct px_where *where, struct px_strings *files)
{
	for (unsigned i = 0; i < where->files.n; i++)
		px_strings_add(files, where->files.items[i]);
}

/* --- one value
 * -------------------------------------------------------------------------------------------------- */

struct filler {
	const struct px_table *table;
	struct px_where *where;
	struct px_problems *problems;
};

/* "authority "BY" system", for messages; "" for the file itself. */
static void add_context(struct px_buf *out, const struct px_item *section)
{
	if (section->parent == NULL)
		return;
	add_context(out, section->parent);
	px_buf_addf(out, "%s%s", out->len > 0 ? " " : "", section->section->name);
	if (section->title != NULL)
		px_buf_addf(out, " \"%s\"", section->title);
}

static void problem(struct filler *f, const struct px_item *item, const char *fmt, ...) PX_PRINTF(3, 4);
static void problem(struct filler *f, const struct px_item *item, const char *fmt, ...)
{
	struct px_buf text = {0}, context = {0};
	va_list ap;
	add_context(&context, item->opt != NULL ? item->parent : item);
	va_start(ap, fmt);
	px_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	px_problems_add(f->problems, item->file, item->line, "%s: %s", px_buf_str(&context),
			px_buf_str(&text));
	px_buf_free(&context);
	px_buf_free(&text);
}

static void add_words(struct px_buf *out, const char *const *words)
{
	bool first = true;
	for (; *words != NULL; words++) {
		if (**words != '\0') {
			px_buf_addf(out, "%s%s", first ? "" : ", ", *words);
			first = false;
		}
	}
}

static int parse_word(const struct px_opt_type *type, const char *in, unsigned *out, struct px_buf *why)
{
	unsigned n = 0;
	for (; type->words[n] != NULL; n++) {
		if (*in != '\0' && strcmp(type->words[n], in) == 0) {
			*out = n;
			return PX_OK;
		}
	}
	bool plain = strcmp(type->words[0], "false") == 0;
	if (plain && cfg_parse_boolean(in) >= 0) { /* yes, no, on, off in any case */
		*out = (unsigned)cfg_parse_boolean(in);
		return PX_OK;
	}
	px_buf_setf(why, "expected one of ");
	add_words(why, type->words);
	const char *guess = px_nearest(in, type->words, n);
	if (guess != NULL)
		px_buf_addf(why, "; did you mean %s?", guess);
	return PX_EPARSE;
}

static void add_number(const struct px_opt *opt, struct px_buf *out, int64_t v)
{
	enum px_as as = px_opt_type(opt->type)->as;
	if (as == PX_AS_I64)
		px_format_duration(out, v);
	else if (as == PX_AS_U64)
		px_format_size(out, (uint64_t)v);
	else
		px_buf_addf(out, "%lld", (long long)v);
}

static int parse_number(const struct px_opt *opt, const char *in, int64_t *out, struct px_buf *why)
{
	enum px_as as = px_opt_type(opt->type)->as;
	uint64_t u = 0;
	int rc;
	if (as == PX_AS_I64) {
		rc = px_parse_duration(in, out);
	} else {
		rc = as == PX_AS_U64 ? px_parse_size(in, &u) : px_parse_u64(in, 0, INT64_MAX, &u);
		*out = (int64_t)u;
	}
	if (rc != PX_OK) {
		px_buf_setf(why, "expected %s",
			    as == PX_AS_I64   ? "a duration such as 30d, 72h, 5min, 10s or 500ms"
			    : as == PX_AS_U64 ? "a size such as 512K, 64M or 1G"
					      : "a number");
		return PX_EPARSE;
	}
	if (*out < opt->min || *out > opt->max) {
		px_buf_setf(why, "must be between ");
		add_number(opt, why, opt->min);
		px_buf_adds(why, " and ");
		add_number(opt, why, opt->max);
		return PX_EPARSE;
	}
	return PX_OK;
}

/* One text into its field; lists grow by it. */
static int parse_value(const struct px_opt *opt, const char *in, const char *file, void *field,
		       struct px_buf *why)
{
	const struct px_opt_type *type = px_opt_type(opt->type);
	struct px_buf text = {0};
	int64_t number = 0;
	unsigned word = 0;
	int rc = type->as == PX_AS_TEXT || type->as == PX_AS_LIST ? type->check(in, file, &text, why)
		 : type->words != NULL                            ? parse_word(type, in, &word, why)
								  : parse_number(opt, in, &number, why);
	if (rc == PX_OK) {
		switch (type->as) {
		case PX_AS_TEXT:
			free(*(char **)field);
			*(char **)field = px_xstrdup(px_buf_str(&text));
			break;
		case PX_AS_LIST: px_strings_add(field, px_buf_str(&text)); break;
		case PX_AS_UINT: *(unsigned *)field = (unsigned)number; break;
		case PX_AS_U64: *(uint64_t *)field = (uint64_t)number; break;
		case PX_AS_I64: *(int64_t *)field = number; break;
		case PX_AS_BOOL: *(bool *)field = word != 0; break;
		case PX_AS_WORD: *(unsigned *)field = word; break;
		}
	}
	px_buf_free(&text);
	return rc;
}

static void fill_default(const struct px_opt *opt, void *field)
{
	enum px_as as = px_opt_type(opt->type)->as;
	struct px_buf why = {0}, text = {0};
	const char *in = opt->value != NULL ? opt->value : "";
	if (as == PX_AS_TEXT)
		*(char **)field = px_xstrdup("");
	if (px_str_starts(in, "@DATADIR@")) {
		px_buf_addf(&text, "%s%s", PX_DATADIR, in + strlen("@DATADIR@"));
		in = px_buf_str(&text);
	}
	if (*in != '\0' && parse_value(opt, in, "/", field, &why) != PX_OK)
		px_assert_failed(opt->name, __FILE__, __LINE__, px_buf_str(&why));
	px_buf_free(&why);
	px_buf_free(&text);
}

/* --- options and sections
 * ---------------------------------------------------------------------------------------- */

static const struct px_item *find_item(const struct px_item *in, const void *what)
{
	for (const struct px_item *c = in == NULL ? NULL : in->children; c != NULL; c = c->next) {
		if (c->opt == what || c->section == what)
			return c;
	}
	return NULL;
}

static void fill_option(struct filler *f, const struct px_opt *opt, const struct px_item *section,
			void *field)
{
	const struct px_item *item = find_item(section, opt);
	if (section != NULL && section->parent != NULL)
		px_where_add(f->where, field, item != NULL ? item->file : section->file,
			     item != NULL ? item->line : section->line, item != NULL);
	if (item == NULL) {
		fill_default(opt, field);
		if (opt->value == NULL && section != NULL)
			problem(f, section, "option \"%s\" is missing", opt->name);
		return;
	}
	if (px_opt_type(opt->type)->as == PX_AS_TEXT)
		*(char **)field = px_xstrdup("");
	bool needed = opt->value == NULL || (opt->flags & PX_OPT_FILLED);
	if (needed && (item->values.n == 0 || *item->values.items[0] == '\0')) {
		problem(f, item, "%s may not be empty", opt->name);
		return;
	}
	for (unsigned i = 0; i < item->values.n; i++) {
		struct px_buf why = {0};
		const char *in = item->values.items[i];
		if (px_opt_type(opt->type)->as == PX_AS_LIST && *in == '\0')
			problem(f, item, "%s: an empty text in a list", opt->name);
		else if (parse_value(opt, in, item->file, field, &why) != PX_OK)
			problem(f, item, "%s = \"%s\": %s", opt->name, in, px_buf_str(&why));
		px_buf_free(&why);
	}
}

static void fill_section(struct filler *f, unsigned index, const struct px_item *item, char *base);

static void report_twice(struct filler *f, const struct px_item *item, const struct px_item *first)
{
	if (first->file == item->file) /* names are interned */
		problem(f, item, "is there already, on line %u", first->line);
	else
		problem(f, item, "is there already, at %s:%u", first->file, first->line);
}

static void fill_title(struct filler *f, const struct px_section *s, const struct px_item *item, char *base)
{
	const struct px_opt title = {.name = "title", .type = s->title_type};
	struct px_buf why = {0};
	char **field = (char **)(void *)(base + s->title);
	*field = px_xstrdup("");
	if (parse_value(&title, item->title, item->file, field, &why) != PX_OK)
		problem(f, item, "%s", px_buf_str(&why));
	px_buf_free(&why);
	*(unsigned *)(void *)(base + s->line) = item->line;
	if (s->file != PX_NOWHERE)
		*(char **)(void *)(base + s->file) = px_xstrdup(item->file);
	px_where_add(f->where, field, item->file, item->line, true);
	for (const struct px_item *c = item->parent->children; c != item; c = c->next) {
		if (c->section == s && strcmp(c->title, item->title) == 0) {
			report_twice(f, item, c);
			break;
		}
	}
}

static void fill_many(struct filler *f, unsigned index, const struct px_item *in, char *up)
{
	const struct px_section *s = &f->table->sections[index];
	unsigned n = 0;
	for (const struct px_item *c = in == NULL ? NULL : in->children; c != NULL; c = c->next)
		n += c->section == s;
	char *items = px_xcalloc(n + 1, s->size); /* its address stays: positions are known by it */
	*(void **)(void *)(up + s->offset) = items;
	*(unsigned *)(void *)(up + s->count) = n;
	n = 0;
	for (const struct px_item *c = in == NULL ? NULL : in->children; c != NULL; c = c->next) {
		if (c->section != s)
			continue;
		fill_title(f, s, c, items + n * s->size);
		fill_section(f, index, c, items + n * s->size);
		n++;
	}
}

static bool has_required(const struct px_table *t, unsigned index)
{
	for (unsigned i = 0; i < t->n_opts; i++) {
		if (t->opts[i].section == index && t->opts[i].value == NULL)
			return true;
	}
	return false;
}

static void fill_one(struct filler *f, unsigned index, const struct px_item *in, char *up)
{
	const struct px_section *s = &f->table->sections[index];
	const struct px_item *item = find_item(in, s);
	char *base = up + s->offset;
	if (item == NULL && s->kind == PX_SECTION_ONE && has_required(f->table, index))
		px_problems_add(f->problems, in->file, 0, "section %s is missing", s->name);
	for (const struct px_item *c = item == NULL ? NULL : item->next; c != NULL; c = c->next) {
		if (c->section == s)
			report_twice(f, c, item);
	}
	if (s->kind == PX_SECTION_MAYBE) {
		*(bool *)(void *)(base + s->given) = item != NULL;
		px_where_add(f->where, base + s->given, item != NULL ? item->file : in->file,
			     item != NULL ? item->line : in->line, item != NULL);
	}
	fill_section(f, index, item, base);
}

/* @item is NULL for a section that is not there. */
static void fill_section(struct filler *f, unsigned index, const struct px_item *item, char *base)
{
	const struct px_table *t = f->table;
	for (unsigned i = 0; i < t->n_opts; i++) {
		if (t->opts[i].section == index)
			fill_option(f, &t->opts[i], item, base + t->opts[i].offset);
	}
	for (unsigned i = 1; i < t->n_sections; i++) {
		if (t->sections[i].parent != index)
			continue;
		if (t->sections[i].kind == PX_SECTION_MANY)
			fill_many(f, i, item, base);
		else
			fill_one(f, i, item, base);
	}
}

void px_table_fill(const struct px_table *table, void *root, const struct px_tree *tree,
		   struct px_where *where, struct px_problems *problems)
{
	struct filler f = {table, where, problems};
	fill_section(&f, 0, &tree->root, root);
}

/* --- free
 * -------------------------------------------------------------------------------------------------------- */

static void free_section(const struct px_table *t, unsigned index, char *base)
{
	const struct px_section *s = &t->sections[index];
	if (s->kind == PX_SECTION_MANY) {
		free(*(char **)(void *)(base + s->title));
		if (s->file != PX_NOWHERE)
			free(*(char **)(void *)(base + s->file));
	}
	for (unsigned i = 0; i < t->n_opts; i++) {
		void *field = base + t->opts[i].offset;
		if (t->opts[i].section != index)
			continue;
		if (px_opt_type(t->opts[i].type)->as == PX_AS_TEXT)
			PX_FREE(*(char **)field);
		else if (px_opt_type(t->opts[i].type)->as == PX_AS_LIST)
			px_strings_free(field);
	}
	for (unsigned i = 1; i < t->n_sections; i++) {
		const struct px_section *c = &t->sections[i];
		if (c->parent != index)
			continue;
		if (c->kind != PX_SECTION_MANY) {
			free_section(t, i, base + c->offset);
			continue;
		}
		char *items = *(char **)(void *)(base + c->offset);
		for (unsigned k = 0; k < *(unsigned *)(void *)(base + c->count); k++)
			free_section(t, i, items + k * c->size);
		free(items);
	}
}

void px_table_free(const struct px_table *table, void *root)
{
	free_section(table, 0, root);
}
