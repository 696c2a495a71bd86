/* prinex: projections: marks by which values are followed from the source to the result
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/project_marks.h"

#include "base/strings.h"

struct px_marks {
	xmlDoc *source;
	unsigned n;
	bool *went; /* by number: a copy of the element is in the result */
};

/* --- putting and finding --- */

static void mark(xmlNode *node, xmlNs *ns, unsigned *n)
{
	for (; node != NULL; node = xmlNextElementSibling(node)) {
		char number[16];
		snprintf(number, sizeof(number), "%u", (*n)++);
		xmlNewNsProp(node, ns, BAD_CAST "n", BAD_CAST number);
		mark(xmlFirstElementChild(node), ns, n);
	}
}

struct px_marks *px_marks_put(xmlDoc *source)
{
	struct px_marks *m = px_xcalloc(1, sizeof(*m));
	xmlNode *root = xmlDocGetRootElement(source);
	m->source = source;
	mark(root, xmlNewNs(root, BAD_CAST PX_PROJECT_NS, BAD_CAST "px-project"), &m->n);
	m->went = px_xcalloc(m->n, sizeof(*m->went));
	return m;
}

void px_marks_free(struct px_marks **marks)
{
	if (*marks == NULL)
		return;
	free((*marks)->went);
	PX_FREE(*marks);
}

static bool number_of(const struct px_marks *m, xmlNode *node, uint64_t *out)
{
	char *text = (char *)xmlGetNsProp(node, BAD_CAST "n", BAD_CAST PX_PROJECT_NS);
	bool found = text != NULL && px_parse_u64(text, 0, m->n - 1, out) == PX_OK;
	xmlFree(text);
	return found;
}

static bool is_ours(const xmlNs *ns)
{
	return ns != NULL && strcmp((const char *)ns->href, PX_PROJECT_NS) == 0;
}

/* Read the marks of the result and remove them. */
static void collect(struct px_marks *m, xmlNode *node)
{
	for (; node != NULL; node = xmlNextElementSibling(node)) {
		uint64_t number;
		if (number_of(m, node, &number))
			m->went[number] = true;
		for (xmlAttr *a = node->properties, *next; a != NULL; a = next) {
			next = a->next;
			if (is_ours(a->ns))
				xmlRemoveProp(a);
		}
		collect(m, xmlFirstElementChild(node));
	}
}

/* Remove the declarations of their prefix, which nothing uses any more. */
static void undeclare(xmlNode *node)
{
	for (; node != NULL; node = xmlNextElementSibling(node)) {
		for (xmlNs **at = &node->nsDef; *at != NULL;) {
			xmlNs *ns = *at;
			if (is_ours(ns)) {
				*at = ns->next;
				xmlFreeNs(ns);
			} else {
				at = &ns->next;
			}
		}
		undeclare(xmlFirstElementChild(node));
	}
}

/* --- what stayed --- */

struct count {
	unsigned leaves, gone;
};

/* Leaves with a value at and below @node, and how many of them went over. */
static struct count count(const struct px_marks *m, xmlNode *node)
{
	struct count c = {0};
	xmlNode *child = xmlFirstElementChild(node);
	uint64_t number;
	if (child == NULL) {
		c.leaves = 1;
		c.gone = number_of(m, node, &number) && m->went[number];
	}
	for (; child != NULL; child = xmlNextElementSibling(child)) {
		struct count below = count(m, child);
		c.leaves += below.leaves;
		c.gone += below.gone;
	}
	return c;
}

static void add_path(const xmlNode *node, struct px_buf *out)
{
	if (node->type != XML_ELEMENT_NODE)
		return;
	add_path(node->parent, out);
	px_buf_addf(out, "/%s", node->name);
}

static void add_drop(struct px_projection *p, const xmlNode *node, unsigned values, bool partly,
		     const struct px_word *said)
{
	struct px_buf path = PX_BUF_INIT;
	unsigned i = 0;
	add_path(node, &path);
	while (i < p->n_drops && strcmp(p->drops[i].path, px_buf_str(&path)) != 0)
		i++;
	if (i == p->n_drops) {
		p->drops = px_xrealloc_array(p->drops, ++p->n_drops, sizeof(p->drops[0]));
		p->drops[i] = (struct px_drop){.path = px_xstrdup(px_buf_str(&path)),
					       .why = px_xstrdup(said != NULL ? said->why : ""),
					       .withheld = said != NULL && said->withheld};
	}
	p->drops[i].values += values;
	p->drops[i].partly |= partly;
	px_buf_free(&path);
}

/* Whether another element of the same name beside @node went over. */
static bool has_twin(const struct px_marks *m, xmlNode *node)
{
	for (xmlNode *n = xmlFirstElementChild(node->parent); n != NULL; n = xmlNextElementSibling(n)) {
		if (n != node && xmlStrEqual(n->name, node->name) && count(m, n).gone > 0)
			return true;
	}
	return false;
}

struct listing {
	const struct px_marks *marks;
	const struct px_words *words;
	struct px_projection *p;
};

/* A whole branch that stayed is one line, unless there is something to say about a part of it; what is
 * withheld has a line of its own wherever it stands. @above: what is said about the branch. */
static void list(const struct listing *l, xmlNode *node, const struct px_word *above)
{
	const struct px_word *said = px_words_about(l->words, node);
	const struct count c = count(l->marks, node);
	if (c.gone == c.leaves)
		return;
	const bool whole = said != NULL ? said->withheld || !px_words_below(l->words, node, true)
					: c.gone == 0 && !px_words_below(l->words, node, false);
	if (said == NULL)
		said = above;
	if (whole || xmlFirstElementChild(node) == NULL) {
		add_drop(l->p, node, c.leaves - c.gone, c.gone > 0 || has_twin(l->marks, node), said);
		return;
	}
	for (xmlNode *n = xmlFirstElementChild(node); n != NULL; n = xmlNextElementSibling(n))
		list(l, n, said);
}

void px_marks_take(struct px_marks *marks, const struct px_words *words, struct px_projection *p)
{
	const struct listing l = {marks, words, p};
	collect(marks, xmlDocGetRootElement(p->result));
	undeclare(xmlDocGetRootElement(p->result));
	list(&l, xmlDocGetRootElement(marks->source), NULL);
}
