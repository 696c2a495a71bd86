/* prinex: all faults of a document, where libxml2 stops at the first misplaced element
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "xml/recover.h"

#include "base/strings.h"

#define PASSES_MAX   24
#define PASSES_BYTES (64u * 1024 * 1024) /* validated in all: half a second */
#define FILL_MAX     4                   /* placeholders tried before one element */
#define FILL_PARENT  8                   /* placeholders at the end of one parent */

/* Marks placeholders in xmlNode._private, which nothing else uses. */
static char placeholder_mark;

/** Something done to the tree, to be undone in reverse order. */
struct change {
	xmlNode *node, *parent, *next;
	bool inserted; /* else unlinked */
};

/** An unexpected element whose nature is not known yet. */
struct trial {
	xmlNode *parent, *node, *after; /* @after: next element sibling, or NULL */
	char *expected;
	unsigned n_filled; /* placeholders tried in front of it; 0: it is unlinked */
	bool done;
};

struct px_repair {
	unsigned n_changes;
	struct change *changes;
	unsigned n_trials;
	struct trial trials[PX_MISFITS_MAX];
};

/* --- faults --- */

bool px_faults_is_ours(const xmlNode *node)
{
	for (; node != NULL && node->type != XML_DOCUMENT_NODE; node = node->parent) {
		if (node->type == XML_ELEMENT_NODE && node->_private == &placeholder_mark)
			return true;
	}
	return false;
}

bool px_faults_has_room(const struct px_faults *f)
{
	return f->n < PX_ERRORS_MAX;
}

/* Every validation says most things again. */
static bool is_known(const struct px_faults *f, enum px_code code, const xmlNode *node, const char *text)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (f->items[i].node == node && f->items[i].code == code &&
		    strcmp(f->items[i].text, text) == 0)
			return true;
	}
	return false;
}

static void keep(struct px_faults *f, enum px_code code, const xmlNode *node, long line, const char *value,
		 const char *text)
{
	if (f->n >= PX_ERRORS_MAX)
		return;
	if (f->items == NULL)
		f->items = px_xcalloc(PX_ERRORS_MAX, sizeof(f->items[0]));
	f->items[f->n] = (struct px_fault){.code = code, .node = node, .line = line, .seq = f->n};
	f->items[f->n].value = value != NULL ? px_xstrdup(value) : NULL;
	f->items[f->n++].text = px_xstrdup(text);
}

void px_faults_add(struct px_faults *f, enum px_code code, const xmlNode *node, const char *value,
		   const char *text)
{
	if (f->repair == NULL)
		f->total++;
	if (px_faults_has_room(f) && (f->repair == NULL || !is_known(f, code, node, text)))
		keep(f, code, node, 0, value, text);
}

void px_faults_misfit(struct px_faults *f, xmlNode *node, bool at_end, const char *expected)
{
	if (f->repair == NULL)
		f->total++;
	if (f->n_misfits == PX_MISFITS_MAX) {
		f->more_misfits++;
		return;
	}
	f->misfits[f->n_misfits++] = (struct px_misfit){node, at_end, px_xstrdup(expected)};
}

static void forget_misfits(struct px_faults *f)
{
	for (unsigned i = 0; i < f->n_misfits; i++)
		free(f->misfits[i].expected);
	f->n_misfits = 0;
	f->more_misfits = 0;
}

/* --- changes to the tree --- */

static void note(struct px_repair *r, xmlNode *node, bool inserted)
{
	if ((r->n_changes & (r->n_changes - 1)) == 0)
		r->changes = px_xrealloc_array(r->changes, r->n_changes == 0 ? 1 : 2 * (size_t)r->n_changes,
					       sizeof(r->changes[0]));
	r->changes[r->n_changes++] = (struct change){node, node->parent, node->next, inserted};
}

/* By hand: xmlAddNextSibling and the like would merge neighbouring texts. */
static void link_node(xmlNode *node, xmlNode *parent, xmlNode *next)
{
	node->parent = parent;
	node->next = next;
	node->prev = next != NULL ? next->prev : parent->last;
	if (node->prev != NULL)
		node->prev->next = node;
	else
		parent->children = node;
	if (next != NULL)
		next->prev = node;
	else
		parent->last = node;
}

static void unlink_node(struct px_repair *r, xmlNode *node)
{
	note(r, node, false);
	xmlUnlinkNode(node);
}

/* Changes in one parent are undone in reverse order; those in different parents are independent. */
static void undo(struct px_repair *r, unsigned i)
{
	struct change c = r->changes[i];
	memmove(&r->changes[i], &r->changes[i + 1], (--r->n_changes - i) * sizeof(r->changes[0]));
	if (c.inserted) {
		xmlUnlinkNode(c.node);
		xmlFreeNode(c.node);
	} else {
		link_node(c.node, c.parent, c.next);
	}
}

/* The newest change that inserted something into @parent or unlinked @node from it. */
static void undo_newest(struct px_repair *r, const xmlNode *parent, const xmlNode *node)
{
	for (unsigned i = r->n_changes; i-- > 0;) {
		if (r->changes[i].parent == parent &&
		    (node != NULL ? r->changes[i].node == node : r->changes[i].inserted)) {
			undo(r, i);
			return;
		}
	}
}

/* The last name that libxml2 lists: with optional elements before it, the one that has to be there. */
static bool last_name(const char *expected, char *name, size_t size)
{
	bool found = false;
	while (*expected != '\0' && *expected != ')') {
		expected += strspn(expected, " ,");
		/* A namespace name may hold anything but '}'. */
		size_t n = *expected == '{' ? strcspn(expected, "}") : 0;
		n += strcspn(expected + n, " ,)");
		if (n > 0 && expected[0] != '#' && expected[0] != '.')
			found = px_strlcpy_n(name, expected, n, size);
		expected += n;
	}
	return found;
}

/* Put an element named as @expected ends in front of @next, or (NULL) at the end of @parent. */
static bool insert_placeholder(struct px_repair *r, xmlNode *parent, xmlNode *next, const char *expected)
{
	char name[512];
	if (!last_name(expected, name, sizeof(name)))
		return false;
	char *local = strrchr(name, '}');
	local = local != NULL ? local + 1 : name;
	xmlNode *node = xmlNewDocNode(parent->doc, NULL, (const xmlChar *)local, NULL);
	px_assert(node != NULL);
	if (name[0] == '{') {
		local[-1] = '\0';
		xmlSetNs(node, xmlNewNs(node, (const xmlChar *)name + 1, (const xmlChar *)"placeholder"));
	}
	node->_private = &placeholder_mark;
	link_node(node, parent, next);
	note(r, node, true);
	return true;
}

/* --- what an unexpected element is --- */

static bool same_name(const xmlNode *a, const xmlNode *b)
{
	if (b == NULL || b->type != XML_ELEMENT_NODE ||
	    strcmp((const char *)a->name, (const char *)b->name) != 0)
		return false;
	const char *x = a->ns != NULL ? (const char *)a->ns->href : "",
		   *y = b->ns != NULL ? (const char *)b->ns->href : "";
	return strcmp(x, y) == 0;
}

static xmlNode *previous_element(const xmlNode *node)
{
	xmlNode *p = node->prev;
	while (p != NULL && p->type != XML_ELEMENT_NODE)
		p = p->prev;
	return p;
}

/* "A, B )." as people read it. */
static void add_expected(struct px_buf *out, const char *expected)
{
	const char *end = strrchr(expected, ')');
	size_t n = end != NULL ? (size_t)(end - expected) : strlen(expected);
	while (n > 0 && expected[n - 1] == ' ')
		n--;
	expected += strspn(expected, " ");
	px_buf_add(out, expected, strlen(expected) < n ? strlen(expected) : n);
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
}

static void report_missing(struct px_faults *f, const xmlNode *parent, const xmlNode *before,
			   const char *expected)
{
	struct px_buf names = PX_BUF_INIT, text = PX_BUF_INIT;
	add_expected(&names, expected);
	bool several = strchr(px_buf_str(&names), ',') != NULL;
	px_buf_addf(&text, "%s%s %s missing", several ? "one of " : "", px_buf_str(&names), "is");
	if (before != NULL)
		px_buf_addf(&text, " before %s", (const char *)before->name);
	long line = before != NULL ? xmlGetLineNo(before) : 0;
	if (!is_known(f, PX_CODE_SCHEMA_MISSING, parent, px_buf_str(&text)))
		keep(f, PX_CODE_SCHEMA_MISSING, parent, line, NULL, px_buf_str(&text));
	px_buf_free(&names);
	px_buf_free(&text);
}

static void report_unexpected(struct px_faults *f, const xmlNode *node, const char *expected)
{
	struct px_buf text = PX_BUF_INIT;
	px_buf_addf(&text, "%s is not expected here", (const char *)node->name);
	if (expected[0] != '\0') {
		px_buf_adds(&text, "; expected: ");
		add_expected(&text, expected);
	}
	keep(f, PX_CODE_SCHEMA_UNEXPECTED, node, 0, NULL, px_buf_str(&text));
	px_buf_free(&text);
}

static void report_too_many(struct px_faults *f, const xmlNode *node)
{
	struct px_buf text = PX_BUF_INIT;
	px_buf_addf(&text, "%s occurs too often", (const char *)node->name);
	keep(f, PX_CODE_SCHEMA_TOO_MANY, node, 0, NULL, px_buf_str(&text));
	px_buf_free(&text);
}

/* An element of that name was found at a wrong place of @parent: it is out of order rather than missing. */
static bool was_elsewhere(const struct px_repair *r, const xmlNode *parent, const char *expected)
{
	char name[512];
	if (!last_name(expected, name, sizeof(name)))
		return false;
	const char *local = strrchr(name, '}') != NULL ? strrchr(name, '}') + 1 : name;
	for (unsigned i = 0; i < r->n_changes; i++) {
		const struct change *c = &r->changes[i];
		if (!c->inserted && c->parent == parent && strcmp((const char *)c->node->name, local) == 0)
			return true;
	}
	return false;
}

/* --- trials --- */

static void end_trial(struct px_repair *r, unsigned i)
{
	free(r->trials[i].expected);
	r->trials[i] = r->trials[--r->n_trials];
}

static struct px_misfit *misfit_of(struct px_faults *f, const xmlNode *parent)
{
	for (unsigned i = 0; i < f->n_misfits; i++) {
		struct px_misfit *m = &f->misfits[i];
		if (m->node != NULL && (m->at_end ? m->node : m->node->parent) == parent)
			return m;
	}
	return NULL;
}

/* A misfit that no trial is about. */
static void begin(struct px_faults *f, struct px_misfit *m)
{
	struct px_repair *r = f->repair;
	if (m->at_end) {
		unsigned filled = 0;
		for (unsigned i = 0; i < r->n_changes; i++)
			filled += r->changes[i].inserted && r->changes[i].parent == m->node;
		if (!was_elsewhere(r, m->node, m->expected))
			report_missing(f, m->node, NULL, m->expected);
		if (filled < FILL_PARENT)
			insert_placeholder(r, m->node, NULL, m->expected);
		return;
	}
	xmlNode *x = m->node, *prev = previous_element(x);
	if (prev != NULL && prev->_private != &placeholder_mark && same_name(x, prev)) {
		report_too_many(f, x);
		for (xmlNode *next = x; next != NULL && same_name(prev, next);) {
			xmlNode *after = px_next_element(next->next);
			unlink_node(r, next);
			next = after;
		}
		return;
	}
	if (r->n_trials == PX_MISFITS_MAX)
		return; /* the next validation finds it again */
	struct trial *t = &r->trials[r->n_trials++];
	*t = (struct trial){.parent = x->parent, .node = x, .after = px_next_element(x->next)};
	t->expected = px_xstrdup(m->expected);
	unlink_node(r, x);
}

/*
 * With the element away, does its parent wait for the same as before? Then something is missing in front of
 * it, and it goes back, behind a placeholder. Else it was foreign. @return whether @m is still to be looked
 * at.
 */
static bool judge_unlinked(struct px_faults *f, struct trial *t, const struct px_misfit *m)
{
	struct px_repair *r = f->repair;
	bool same = m != NULL && strcmp(m->expected, t->expected) == 0 &&
		    (m->at_end ? t->after == NULL : m->node == t->after);
	if (same) {
		undo_newest(r, t->parent, t->node);
		if (insert_placeholder(r, t->parent, t->node, t->expected)) {
			t->n_filled = 1;
			return false;
		}
		unlink_node(r, t->node);
	}
	report_unexpected(f, t->node, t->expected);
	t->done = true;
	return m != NULL;
}

/* Has the element found its place behind the placeholders? */
static bool judge_filled(struct px_faults *f, struct trial *t, const struct px_misfit *m)
{
	struct px_repair *r = f->repair;
	if (m == NULL || m->node != t->node) {
		if (!was_elsewhere(r, t->parent, t->expected))
			report_missing(f, t->parent, t->node, t->expected);
		t->done = true;
		return m != NULL;
	}
	if (t->n_filled < FILL_MAX && insert_placeholder(r, t->parent, t->node, m->expected)) {
		t->n_filled++;
		return false;
	}
	for (; t->n_filled > 0; t->n_filled--)
		undo_newest(r, t->parent, NULL);
	unlink_node(r, t->node);
	report_unexpected(f, t->node, t->expected);
	t->done = true;
	return false;
}

/* Draw the conclusions of one validation and change the tree for the next. */
static void step(struct px_faults *f)
{
	struct px_repair *r = f->repair;
	for (unsigned i = 0; i < r->n_trials; i++) {
		struct trial *t = &r->trials[i];
		struct px_misfit *m = misfit_of(f, t->parent);
		bool again = t->n_filled > 0 ? judge_filled(f, t, m) : judge_unlinked(f, t, m);
		if (m != NULL && !again)
			m->node = NULL;
	}
	for (unsigned i = r->n_trials; i-- > 0;) {
		if (r->trials[i].done)
			end_trial(r, i);
	}
	for (unsigned i = 0; i < f->n_misfits; i++) {
		if (f->misfits[i].node != NULL)
			begin(f, &f->misfits[i]);
	}
}

/* What could not be resolved any more is reported as libxml2 said it. */
static void give_up(struct px_faults *f)
{
	for (unsigned i = 0; i < f->repair->n_trials; i++)
		report_unexpected(f, f->repair->trials[i].node, f->repair->trials[i].expected);
	for (unsigned i = 0; i < f->n_misfits; i++) {
		const struct px_misfit *m = &f->misfits[i];
		if (m->node != NULL && m->at_end)
			report_missing(f, m->node, NULL, m->expected);
		else if (m->node != NULL)
			report_unexpected(f, m->node, m->expected);
	}
}

void px_faults_recover(struct px_faults *f, size_t len, px_validate_fn *validate, void *arg)
{
	struct px_repair repair = {0};
	unsigned passes = PX_MIN(PASSES_MAX, (unsigned)(PASSES_BYTES / PX_MAX(len, (size_t)1)));
	f->repair = &repair;
	while (passes-- > 0 && px_faults_has_room(f) && (f->n_misfits > 0 || repair.n_trials > 0)) {
		step(f);
		forget_misfits(f);
		validate(arg, f);
	}
	if (px_faults_has_room(f))
		give_up(f);
	forget_misfits(f);
	while (repair.n_changes > 0)
		undo(&repair, repair.n_changes - 1);
	while (repair.n_trials > 0)
		end_trial(&repair, repair.n_trials - 1);
	free(repair.changes);
	f->repair = NULL;
}

/* --- the report --- */

static int by_line(const void *x, const void *y)
{
	const struct px_fault *a = x, *b = y;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static long line_of(const xmlNode *node)
{
	const xmlNode *at = node != NULL && node->type == XML_ATTRIBUTE_NODE ? node->parent : node;
	return at != NULL ? xmlGetLineNo(at) : 0;
}

void px_faults_report(struct px_faults *f, struct px_run *run)
{
	struct px_findings *errors = &run->v->errors;
	for (unsigned i = 0; i < f->n; i++) {
		if (f->items[i].line <= 0)
			f->items[i].line = line_of(f->items[i].node);
	}
	if (f->n > 0)
		qsort(f->items, f->n, sizeof(f->items[0]), by_line);
	for (unsigned i = 0; i < f->n; i++) {
		struct px_fault *fault = &f->items[i];
		unsigned kept = errors->n;
		px_run_error(run, fault->code, fault->node, fault->value, "%s", fault->text);
		if (errors->n > kept && fault->line > 0)
			errors->items[kept].line = (unsigned)fault->line;
		free(fault->value);
		free(fault->text);
	}
	errors->total += f->total > f->n ? f->total - f->n : 0;
	free(f->items);
	*f = (struct px_faults){0};
}
