/* prinex: printing by a table: what is in force, the reference, what needs a restart
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "conf/table.h"

static void add_quoted(struct px_buf *out, const char *s)
{
	px_buf_addc(out, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\' || *s == '$') /* ${NAME} would be taken from the environment */
			px_buf_addc(out, '\\');
		px_buf_addc(out, *s);
	}
	px_buf_addc(out, '"');
}

static void add_list(struct px_buf *out, const struct px_strings *list)
{
	if (list->n == 0) {
		px_buf_adds(out, "{}");
		return;
	}
	px_buf_adds(out, "{ ");
	for (unsigned i = 0; i < list->n; i++) {
		px_buf_adds(out, i > 0 ? ", " : "");
		add_quoted(out, list->items[i]);
	}
	px_buf_adds(out, " }");
}

void px_opt_format(const struct px_opt *opt, const void *base, struct px_buf *out)
{
	const struct px_opt_type *type = px_opt_type(opt->type);
	const void *field = (const char *)base + opt->offset;
	switch (type->as) {
	case PX_AS_TEXT: add_quoted(out, *(char *const *)field); break;
	case PX_AS_LIST: add_list(out, field); break;
	case PX_AS_UINT: px_buf_addf(out, "%u", *(const unsigned *)field); break;
	case PX_AS_U64: px_format_size(out, *(const uint64_t *)field); break;
	case PX_AS_I64: px_format_duration(out, *(const int64_t *)field); break;
	case PX_AS_BOOL: px_buf_adds(out, type->words[*(const bool *)field]); break;
	case PX_AS_WORD: px_buf_adds(out, type->words[*(const unsigned *)field]); break;
	}
}

/* --- what is in force
 * ---------------------------------------------------------------------------------------------- */

static void dump_body(const struct px_table *t, unsigned index, const char *base, unsigned depth,
		      struct px_buf *out);

static void dump_section(const struct px_table *t, unsigned index, const char *base, unsigned depth,
			 struct px_buf *out)
{
	const struct px_section *s = &t->sections[index];
	px_buf_addf(out, "%s%*s%s ", depth == 0 && out->len > 0 ? "\n" : "", (int)depth * 2, "", s->name);
	if (s->kind == PX_SECTION_MANY) {
		add_quoted(out, *(char *const *)(const void *)(base + s->title));
		px_buf_addc(out, ' ');
	}
	px_buf_adds(out, "{\n");
	dump_body(t, index, base, depth + 1, out);
	px_buf_addf(out, "%*s}\n", (int)depth * 2, "");
}

static void dump_body(const struct px_table *t, unsigned index, const char *base, unsigned depth,
		      struct px_buf *out)
{
	for (unsigned i = 0; i < t->n_opts; i++) {
		if (t->opts[i].section != index)
			continue;
		px_buf_addf(out, "%*s%s = ", (int)depth * 2, "", t->opts[i].name);
		px_opt_format(&t->opts[i], base, out);
		px_buf_addc(out, '\n');
	}
	for (unsigned i = 1; i < t->n_sections; i++) {
		const struct px_section *s = &t->sections[i];
		if (s->parent != index)
			continue;
		if (s->kind == PX_SECTION_MANY) {
			const char *items = *(char *const *)(const void *)(base + s->offset);
			for (unsigned k = 0; k < *(const unsigned *)(const void *)(base + s->count); k++)
				dump_section(t, i, items + k * s->size, depth, out);
		} else if (s->kind == PX_SECTION_ONE ||
			   *(const bool *)(const void *)(base + s->offset + s->given)) {
			dump_section(t, i, base + s->offset, depth, out);
		}
	}
}

void px_table_dump(const struct px_table *table, const void *root, struct px_buf *out)
{
	dump_body(table, 0, root, 0, out);
}

void px_conf_dump(const struct px_conf *conf, struct px_buf *out)
{
	px_table_dump(px_conf_table(), conf, out);
}

static bool same(const struct px_opt *o, const struct px_conf *old, const struct px_conf *fresh)
{
	struct px_buf a = {0}, b = {0};
	px_opt_format(o, old, &a);
	px_opt_format(o, fresh, &b);
	bool equal = strcmp(px_buf_str(&a), px_buf_str(&b)) == 0;
	px_buf_free(&a);
	px_buf_free(&b);
	return equal;
}

void px_conf_needs_restart(const struct px_conf *old, const struct px_conf *fresh, struct px_buf *out)
{
	const struct px_table *t = px_conf_table();
	px_buf_clear(out);
	for (unsigned i = 0; i < t->n_opts; i++) {
		const struct px_opt *o = &t->opts[i];
		const struct px_section *s = &t->sections[o->section];
		if (!(o->flags & PX_OPT_RESTART))
			continue;
		px_assert(s->kind == PX_SECTION_ONE && s->offset == 0);
		if (!same(o, old, fresh))
			px_buf_addf(out, "%s%s.%s", out->len > 0 ? ", " : "", s->name, o->name);
	}
}

static void copy_value(const struct px_opt *o, struct px_conf *to, const struct px_conf *from)
{
	void *field = (char *)to + o->offset;
	const void *source = (const char *)from + o->offset;
	const struct px_strings *list = source;
	switch (px_opt_type(o->type)->as) {
	case PX_AS_TEXT:
		free(*(char **)field);
		*(char **)field = px_xstrdup(*(char *const *)source);
		break;
	case PX_AS_LIST:
		px_strings_free(field);
		for (unsigned i = 0; i < list->n; i++)
			px_strings_add(field, list->items[i]);
		break;
	case PX_AS_UINT: *(unsigned *)field = *(const unsigned *)source; break;
	case PX_AS_WORD: *(unsigned *)field = *(const unsigned *)source; break;
	case PX_AS_U64: *(uint64_t *)field = *(const uint64_t *)source; break;
	case PX_AS_I64: *(int64_t *)field = *(const int64_t *)source; break;
	case PX_AS_BOOL: *(bool *)field = *(const bool *)source; break;
	}
}

void px_conf_keep_running(struct px_conf *fresh, const struct px_conf *running, struct px_buf *out)
{
	const struct px_table *t = px_conf_table();
	px_conf_needs_restart(running, fresh, out);
	for (unsigned i = 0; i < t->n_opts; i++) {
		if (t->opts[i].flags & PX_OPT_RESTART)
			copy_value(&t->opts[i], fresh, running);
	}
}
