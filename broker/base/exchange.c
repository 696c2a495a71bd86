/* prinex: the words of the exchange as plain data
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/exchange.h"

#include <stdarg.h>

#include "base/strings.h"

static const char *const role_names[] = {"none", "system", "node", "officer"};
static const char *const kind_names[] = {"CoA", "CoD", "CoE"};
static const char *const stage_names[] = {"pre-scan",  "parse",  "envelope", "shape", "certificate",
					  "signature", "schema", "rules",    "ok"};
static const char *const key_names[] = {
#define PX_KEY(name, option, text) option,
#include "base/keys.def"
#undef PX_KEY
};

const char *px_role_name(enum px_role role)
{
	px_assert((size_t)role < PX_ARRAY_LEN(role_names));
	return role_names[role];
}

enum px_role px_role_parse(const char *s)
{
	for (size_t i = 1; i < PX_ARRAY_LEN(role_names); i++) {
		if (strcmp(s, role_names[i]) == 0)
			return (enum px_role)i;
	}
	return PX_ROLE_NONE;
}

const char *px_key_name(enum px_key_kind kind)
{
	px_assert((size_t)kind < PX_ARRAY_LEN(key_names));
	return key_names[kind];
}

enum px_key_kind px_key_parse(const char *name)
{
	for (size_t i = 0; i < PX_ARRAY_LEN(key_names); i++) {
		if (strcmp(name, key_names[i]) == 0)
			return (enum px_key_kind)i;
	}
	return PX_KEY_COUNT;
}

const char *px_keys_first(const struct px_keys *keys, enum px_key_kind kind)
{
	for (unsigned i = 0; i < keys->n; i++) {
		if (keys->items[i].kind == kind)
			return keys->items[i].value;
	}
	return NULL;
}

const char *px_conf_kind_name(enum px_conf_kind kind)
{
	px_assert((size_t)kind < PX_ARRAY_LEN(kind_names));
	return kind_names[kind];
}

const char *px_stage_name(enum px_stage stage)
{
	px_assert((size_t)stage < PX_ARRAY_LEN(stage_names));
	return stage_names[stage];
}

static char *copy_or_null(const char *s)
{
	return s != NULL ? px_xstrdup(s) : NULL;
}

static struct px_finding *append(struct px_findings *f, enum px_code code, unsigned line, const char *pointer,
				 const char *value)
{
	f->total++;
	if (f->n >= PX_ERRORS_MAX)
		return NULL;
	f->items = px_xrealloc_array(f->items, f->n + 1, sizeof(f->items[0]));
	struct px_finding *item = &f->items[f->n++];
	*item = (struct px_finding){.code = code, .line = line, .pointer = copy_or_null(pointer)};
	if (value != NULL)
		item->value = px_xstrndup(value, px_utf8_cut(value, strlen(value), PX_VALUE_MAX));
	return item;
}

void px_findings_add(struct px_findings *f, enum px_code code, unsigned line, const char *pointer,
		     const char *value, const char *text_fmt, ...)
{
	struct px_finding *item = append(f, code, line, pointer, value);
	if (item == NULL)
		return;
	struct px_buf text = PX_BUF_INIT;
	va_list ap;
	va_start(ap, text_fmt);
	px_buf_vaddf(&text, text_fmt, ap);
	va_end(ap);
	item->text = (char *)px_buf_detach(&text, NULL);
}

void px_findings_add_rule(struct px_findings *f, const char *rule, enum px_code code, unsigned line,
			  const char *pointer, const char *value, const char *text)
{
	struct px_finding *item = append(f, code, line, pointer, value);
	if (item == NULL)
		return;
	item->rule = px_xstrdup(rule);
	item->text = px_xstrdup(text);
}

const char *px_finding_wire(const struct px_finding *f)
{
	return f->rule != NULL ? f->rule : px_code_wire(f->code);
}

void px_findings_free(struct px_findings *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		free(f->items[i].rule);
		free(f->items[i].pointer);
		free(f->items[i].value);
		free(f->items[i].text);
	}
	free(f->items);
	*f = (struct px_findings){0};
}

bool px_verdict_is_signed(const struct px_verdict *v)
{
	return v->stage > PX_STAGE_SIGNATURE;
}

void px_verdict_free(struct px_verdict **v)
{
	if (*v == NULL)
		return;
	px_findings_free(&(*v)->errors);
	px_findings_free(&(*v)->warnings);
	free((*v)->keys.items);
	free((*v)->entries);
	PX_FREE(*v);
}
