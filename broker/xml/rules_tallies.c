/* prinex: what rules ask of all items, counted in one walk
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <libxml/xpathInternals.h>

#include "base/strings.h"
#include "xml/rules_parts.h"

/*
 * sum(ConsignmentItem/Commodity/GoodsMeasure/grossMass) asked of libxml2 makes a set of nodes, puts them into
 * order by climbing up from each two, and copies the text of each. With a thousand items that was most of
 * what rules cost, and as much again was the memory that each walk down to the items had to fetch. So where
 * count, sum, px:numbered or px:exceeds has nothing but a plain way for its nodes, the call becomes
 * px-tally(N); the first that is evaluated at a node goes down the ways of all tallies of that rule at once.
 * What it saves: docs/decisions/0013-items-in-rows.md.
 */
#define FUNCTION "px-tally"

static const struct {
	const char *name;
	bool is_ours;
	enum px_tally_kind kind;
} kinds[] = {
    {"count", false, PX_TALLY_COUNT},
    {"sum", false, PX_TALLY_SUM},
    {"numbered", true, PX_TALLY_NUMBERED},
    {"exceeds", true, PX_TALLY_EXCEEDS},
};

/* The function that the name at *@s calls, which goes behind its parenthesis. */
static bool read_function(const struct px_rules *r, const char **s, enum px_tally_kind *kind)
{
	size_t n = px_rules_name_length(*s);
	const char *uri = NULL, *name = *s;
	if (name[n] == ':' && (uri = px_rules_prefix(r, name, n)) != NULL) {
		name += n + 1;
		n = px_rules_name_length(name);
	}
	const char *next = px_rules_skip_blanks(name + n);
	if (*next != '(' || (uri != NULL && strcmp(uri, PX_NS_RULES) != 0))
		return false;
	*s = px_rules_skip_blanks(next + 1);
	for (size_t i = 0; i < PX_ARRAY_LEN(kinds); i++) {
		if (strlen(kinds[i].name) == n && memcmp(kinds[i].name, name, n) == 0 &&
		    kinds[i].is_ours == (uri != NULL)) {
			*kind = kinds[i].kind;
			return true;
		}
	}
	return false;
}

/* The second argument of px:exceeds, if it is a text. */
static char *read_sibling(const char **s)
{
	const char *at = px_rules_skip_blanks(*s);
	if (*at != ',')
		return NULL;
	at = px_rules_skip_blanks(at + 1);
	const char *end = *at == '"' || *at == '\'' ? strchr(at + 1, *at) : NULL;
	if (end == NULL)
		return NULL;
	*s = end + 1;
	return px_xstrndup(at + 1, (size_t)(end - at) - 1);
}

static void add_tally(struct px_rules *r, const struct px_tally *tally, const char *way, size_t len)
{
	struct px_rule_step *at = &r->contexts[tally->rule].tallied;
	while (len > 0) {
		size_t n = strcspn(way, "/");
		struct px_rule_step step = {.name = px_xstrndup(way, PX_MIN(n, len)), .ns = ""};
		at = px_rule_step_join(at, &step);
		n = PX_MIN(n + 1, len);
		way += n;
		len -= n;
	}
	r->tallies = px_xrealloc_array(r->tallies, r->n_tallies + 1, sizeof(r->tallies[0]));
	px_rule_step_add(at, r->n_tallies);
	r->tallies[r->n_tallies++] = *tally;
}

size_t px_rules_tally(struct px_rules *r, const char *s, unsigned rule, struct px_buf *out)
{
	struct px_tally tally = {.rule = rule};
	const char *at = s;
	unsigned names;
	if (!read_function(r, &at, &tally.kind))
		return 0;
	const char *way = at;
	size_t len = px_rules_way_length(way, &names);
	at += len;
	if (len > 0 && tally.kind == PX_TALLY_EXCEEDS)
		tally.sibling = read_sibling(&at);
	at = px_rules_skip_blanks(at);
	if (len == 0 || names > PX_RULES_STEPS_MAX || *at != ')' ||
	    (tally.kind == PX_TALLY_EXCEEDS) != (tally.sibling != NULL)) {
		free(tally.sibling);
		return 0;
	}
	px_buf_addf(out, FUNCTION "(%u)", r->n_tallies);
	add_tally(r, &tally, way, len);
	return (size_t)(at + 1 - s);
}

/* --- counting ------------------------------------------------------------------------------------- */

static void take(struct px_tally *t, const xmlNode *node)
{
	t->n++;
	switch (t->kind) {
	case PX_TALLY_COUNT: break;
	case PX_TALLY_SUM: t->sum += px_rules_number(node); break;
	case PX_TALLY_NUMBERED: t->hit = t->hit || px_rules_number(node) != t->n; break;
	case PX_TALLY_EXCEEDS: t->hit = t->hit || px_rules_exceeds(node, t->sibling); break;
	}
}

static const struct px_rule_step *find(const struct px_rule_step *from, const struct px_row *row)
{
	for (unsigned i = 0; i < from->n_steps; i++) {
		if (px_rule_step_matches(&from->steps[i], row))
			return &from->steps[i];
	}
	return NULL;
}

/*
 * What an element says stands in its text, somewhere in 10 MB of tree: two waits for memory. A row is enough
 * to know which elements are asked, so they are only noted at first, and the processor begins to fetch them;
 * their text when eight more have been noted; and they are looked at after another eight.
 */
enum { TEXT = 8, AHEAD = 16 };
struct ahead {
	unsigned n;
	const struct px_rule_step *step[AHEAD];
	const xmlNode *node[AHEAD];
};

static void look(struct px_rules *r, const struct ahead *a, unsigned i)
{
	const struct px_rule_step *step = a->step[i % AHEAD];
	for (unsigned k = 0; k < step->n_found; k++)
		take(&r->tallies[step->found[k]], a->node[i % AHEAD]);
}

static void note(struct px_rules *r, struct ahead *a, const struct px_rule_step *step, const xmlNode *node)
{
	unsigned i = a->n++;
	if (i >= AHEAD)
		look(r, a, i);
	a->step[i % AHEAD] = step;
	a->node[i % AHEAD] = node;
	__builtin_prefetch(node);
	if (i >= TEXT) {
		const char *text = (const char *)a->node[(i - TEXT) % AHEAD]->children;
		if (text != NULL) {
			__builtin_prefetch(text);
			__builtin_prefetch(text + 64);
		}
	}
}

/* Everything below the element whose rule is in work; at[level]: the step that the last element there was. */
static void walk(struct px_rules *r, const struct px_rule_step *from)
{
	const struct px_rule_step *at[PX_RULES_STEPS_MAX + 1] = {from};
	unsigned level = 0, top = r->row->depth;
	struct ahead ahead = {0};
	for (const struct px_row *row = px_row_next(r->row); row != NULL && row->depth > top;
	     row = px_row_next(row)) {
		if (row->depth - top > level + 1)
			continue;
		level = row->depth - top - 1;
		const struct px_rule_step *step = find(at[level], row);
		if (step != NULL && step->n_found > 0)
			note(r, &ahead, step, row->node);
		if (step != NULL && step->n_steps > 0)
			at[++level] = step;
	}
	for (unsigned i = ahead.n - PX_MIN(ahead.n, (unsigned)AHEAD); i < ahead.n; i++)
		look(r, &ahead, i);
}

static void clear(struct px_rules *r, const struct px_rule_step *from)
{
	for (unsigned k = 0; k < from->n_found; k++) {
		struct px_tally *t = &r->tallies[from->found[k]];
		t->n = 0;
		t->sum = 0;
		t->hit = false;
	}
	for (unsigned i = 0; i < from->n_steps; i++)
		clear(r, &from->steps[i]);
}

/* px-tally(N), which nobody can write. */
static void tally(xmlXPathParserContextPtr ctxt, int nargs)
{
	CHECK_ARITY(1);
	struct px_rules *r = ctxt->context->userData;
	double number = xmlXPathPopNumber(ctxt);
	px_assert(number >= 0 && number < r->n_tallies && r->row != NULL);
	const struct px_tally *t = &r->tallies[(unsigned)number];
	struct px_context *context = &r->contexts[t->rule];
	if (!context->ready) {
		clear(r, &context->tallied);
		walk(r, &context->tallied);
		context->ready = true;
	}
	if (t->kind == PX_TALLY_COUNT || t->kind == PX_TALLY_SUM)
		xmlXPathReturnNumber(ctxt, t->kind == PX_TALLY_COUNT ? t->n : t->sum);
	else
		xmlXPathReturnBoolean(ctxt, t->hit == (t->kind == PX_TALLY_EXCEEDS));
}

void px_rules_tallies_register(xmlXPathContextPtr xpath)
{
	xmlXPathRegisterFunc(xpath, (const xmlChar *)FUNCTION, tally);
}

void px_rules_tallies_free(struct px_rules *r)
{
	for (unsigned i = 0; i < r->n_tallies; i++)
		free(r->tallies[i].sibling);
	free(r->tallies);
}
