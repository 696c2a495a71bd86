/* prinex: contexts of rules: plain paths, walked along the document once
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <ctype.h>

#include "base/strings.h"
#include "xml/rules_parts.h"

/* --- reading -------------------------------------------------------------------------------------- */

static size_t name_length(const char *s)
{
	size_t n = 0;
	while (isalnum((unsigned char)s[n]) || (s[n] != '\0' && strchr("_-.", s[n]) != NULL))
		n++;
	return n;
}

static bool read_step(const struct px_rules *r, const char **at, struct px_rule_step *out, struct px_buf *why)
{
	const char *s = *at;
	*out = (struct px_rule_step){.ns = ""};
	if (*s == '*') {
		*at = s + 1;
		return true;
	}
	size_t n = name_length(s);
	if (n > 0 && s[n] == ':') {
		out->ns = px_rules_prefix(r, s, n);
		if (out->ns == NULL) {
			px_buf_setf(why, "context: prefix \"%.*s\" is not declared (ns)", (int)n, s);
			return false;
		}
		s += n + 1;
		n = name_length(s);
	}
	if (n == 0) {
		px_buf_setf(why,
			    "context: expected a name or * at \"%s\": a context is /NAME/NAME..., "
			    "without conditions; several stand with | between them",
			    s);
		return false;
	}
	out->name = px_xstrndup(s, n);
	*at = s + n;
	return true;
}

struct px_rule_step *px_rule_step_join(struct px_rule_step *parent, struct px_rule_step *step)
{
	for (unsigned i = 0; i < parent->n_steps; i++) {
		struct px_rule_step *s = &parent->steps[i];
		bool same = s->name == NULL || step->name == NULL ? s->name == step->name
								  : strcmp(s->name, step->name) == 0;
		if (same && strcmp(s->ns, step->ns) == 0) {
			free(step->name);
			return s;
		}
	}
	parent->steps = px_xrealloc_array(parent->steps, parent->n_steps + 1, sizeof(parent->steps[0]));
	parent->steps[parent->n_steps] = *step;
	return &parent->steps[parent->n_steps++];
}

/* Rules are added in the order of the file, so that `found` is ascending. */
void px_rule_step_add(struct px_rule_step *at, unsigned index)
{
	if (at->n_found > 0 && at->found[at->n_found - 1] == index)
		return;
	at->found = px_xrealloc_array(at->found, at->n_found + 1, sizeof(at->found[0]));
	at->found[at->n_found++] = index;
}

static bool add_path(struct px_rules *r, const char **at, unsigned rule, struct px_buf *why)
{
	struct px_rule_step *here = &r->root, step;
	const char *s = *at;
	unsigned n = 0;
	if (*s != '/') {
		px_buf_setf(why, "context: \"%s\" does not begin with /", s);
		return false;
	}
	while (*s == '/') {
		s++;
		if (n++ == PX_RULES_STEPS_MAX) {
			px_buf_setf(why, "context: more than %d steps", PX_RULES_STEPS_MAX);
			return false;
		}
		if (!read_step(r, &s, &step, why))
			return false;
		here = px_rule_step_join(here, &step);
	}
	px_rule_step_add(here, rule);
	*at = px_rules_skip_blanks(s);
	return true;
}

int px_rules_add_context(struct px_rules *r, const char *source, unsigned index, struct px_buf *why)
{
	const char *s = px_rules_skip_blanks(source);
	for (;;) {
		if (!add_path(r, &s, index, why))
			return PX_ECONF;
		if (*s == '\0')
			return PX_OK;
		if (*s != '|') {
			px_buf_setf(why,
				    "context: \"%s\" is more than a plain path: put the condition into "
				    "the test",
				    s);
			return PX_ECONF;
		}
		s = px_rules_skip_blanks(s + 1);
	}
}

void px_rule_step_free(struct px_rule_step *step)
{
	for (unsigned i = 0; i < step->n_steps; i++)
		px_rule_step_free(&step->steps[i]);
	free(step->steps);
	free(step->found);
	free(step->name);
}

/* --- walking -------------------------------------------------------------------------------------- */

struct states {
	unsigned n, n_found;
	const struct px_rule_step *steps[PX_RULES_STATES_MAX];
};

/* @return how many rules end at @row; @deeper: some go on below. */
static unsigned advance(const struct states *from, const struct px_row *row, struct states *to, bool *deeper)
{
	unsigned n_found = 0;
	to->n = 0;
	*deeper = false;
	for (unsigned i = 0; i < from->n; i++) {
		for (unsigned k = 0; k < from->steps[i]->n_steps; k++) {
			const struct px_rule_step *step = &from->steps[i]->steps[k];
			if (!px_rule_step_matches(step, row) || to->n == PX_RULES_STATES_MAX)
				continue;
			to->steps[to->n++] = step;
			n_found += step->n_found;
			*deeper |= step->n_steps > 0;
		}
	}
	return n_found;
}

static int ascending(const void *x, const void *y)
{
	unsigned a = *(const unsigned *)x, b = *(const unsigned *)y;
	return a < b ? -1 : a > b;
}

/* Of each pattern the first rule whose context selects the node, as the standard has it. */
static void fire_all(struct px_rules *r, const struct states *at, unsigned n, const struct px_row *row)
{
	unsigned few[16], *rules = n <= PX_ARRAY_LEN(few) ? few : px_xcalloc(n, sizeof(rules[0]));
	unsigned m = 0, last = UINT_MAX;
	for (unsigned i = 0; i < at->n; i++) {
		for (unsigned k = 0; k < at->steps[i]->n_found; k++)
			rules[m++] = at->steps[i]->found[k];
	}
	if (at->n > 1)
		qsort(rules, m, sizeof(rules[0]), ascending);
	for (unsigned i = 0; i < m; i++) {
		if (r->contexts[rules[i]].pattern == last)
			continue;
		last = r->contexts[rules[i]].pattern;
		px_rules_fire(r, rules[i], row);
	}
	if (rules != few)
		free(rules);
}

/* @level: down to where contexts go on above the row; at[0] stands above the root. */
void px_rules_walk(struct px_rules *r, const struct px_row *root)
{
	struct states at[PX_RULES_STEPS_MAX + 1];
	unsigned level = 0, above = root->depth - 1;
	at[0] = (struct states){.n = 1, .steps = {&r->root}};
	for (const struct px_row *row = root; row != NULL && row->depth > above; row = px_row_next(row)) {
		unsigned depth = row->depth - above;
		bool deeper;
		if (depth > level + 1)
			continue;
		unsigned n = advance(&at[depth - 1], row, &at[depth], &deeper);
		if (n > 0)
			fire_all(r, &at[depth], n, row);
		level = deeper ? depth : depth - 1;
	}
}
