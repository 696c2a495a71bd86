/* prinex: rules judge a document
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <libxml/xpathInternals.h>

#include "base/strings.h"
#include "xml/heap.h"
#include "xml/rules_parts.h"
#include "xml/run.h"

/* --- lets ----------------------------------------------------------------------------------------- */

static void forget(struct px_rules *r, const struct px_lets *lets)
{
	for (unsigned i = 0; i < lets->n; i++) {
		xmlXPathFreeObject(r->lets[lets->first + i].value);
		r->lets[lets->first + i].value = NULL;
	}
}

static xmlXPathObjectPtr evaluate(struct px_rules *r, xmlXPathCompExprPtr expr, xmlNode *node)
{
	r->xpath->node = node;
	return xmlXPathCompiledEval(expr, r->xpath);
}

/* In the order of the file: a let may use those before it. Without a list of offices nothing is said about
 * them, and nobody asks for these. */
static void remember(struct px_rules *r, const struct px_lets *lets, xmlNode *node)
{
	for (unsigned i = 0; i < lets->n; i++) {
		struct px_let *let = &r->lets[lets->first + i];
		if (r->offices != NULL || !let->asks_offices)
			let->value = evaluate(r, let->expr, node);
	}
}

/* --- hits ----------------------------------------------------------------------------------------- */

static void add_value(struct px_rules *r, const struct px_piece *piece, xmlNode *node, struct px_buf *out)
{
	xmlXPathObjectPtr o = evaluate(r, piece->select, node);
	xmlChar *s = o != NULL ? xmlXPathCastToString(o) : NULL;
	if (s != NULL)
		px_buf_adds(out, (const char *)s);
	xmlFree(s);
	xmlXPathFreeObject(o);
}

static xmlNode *subject_of(struct px_rules *r, const struct px_check *c, xmlNode *node)
{
	xmlXPathObjectPtr o = c->subject != NULL ? evaluate(r, c->subject, node) : NULL;
	bool found = o != NULL && o->type == XPATH_NODESET && o->nodesetval != NULL &&
		     o->nodesetval->nodeNr > 0 && o->nodesetval->nodeTab[0]->type == XML_ELEMENT_NODE;
	xmlNode *subject = found ? o->nodesetval->nodeTab[0] : node;
	xmlXPathFreeObject(o);
	return subject;
}

static bool holds_elements(const xmlNode *node)
{
	for (const xmlNode *n = node->children; n != NULL; n = n->next) {
		if (n->type == XML_ELEMENT_NODE)
			return true;
	}
	return false;
}

static void report(struct px_rules *r, const struct px_check *c, xmlNode *node, bool could)
{
	struct px_buf text = PX_BUF_INIT;
	xmlChar *tofree = NULL;
	for (unsigned i = 0; i < c->n_pieces; i++) {
		if (c->pieces[i].text != NULL)
			px_buf_adds(&text, c->pieces[i].text);
		else
			add_value(r, &c->pieces[i], node, &text);
	}
	if (!could)
		px_buf_setf(&text, "this rule could not be evaluated here");
	struct px_rule_hit hit = {
	    .rule = &c->view, .node = subject_of(r, c, node), .text = px_buf_str(&text)};
	if (!holds_elements(hit.node))
		hit.value = px_node_text(hit.node, &tofree);
	r->hit(r->arg, &hit);
	xmlFree(tofree);
	px_buf_free(&text);
}

static void judge(struct px_rules *r, const struct px_check *c, xmlNode *node)
{
	int result = px_rules_plain_judge(r, &c->plain);
	r->xpath->node = node;
	if (result < 0)
		result = xmlXPathCompiledEvalToBoolean(c->test, r->xpath);
	if (result < 0 || (result == 1) == c->view.is_report)
		report(r, c, node, result >= 0);
}

/* Each evaluation takes and gives a dozen small pieces of memory. What one check takes at one node goes at
 * once, to the last piece: also what libxml2 keeps of a fault. */
static void judge_apart(struct px_rules *r, const struct px_check *c, xmlNode *node)
{
	size_t mark = px_heap_begin();
	judge(r, c, node);
	xmlResetError(&r->xpath->lastError);
	px_heap_end();
	px_heap_release(mark);
}

static void evaluate_rule(struct px_rules *r, struct px_context *context, xmlNode *node)
{
	size_t mark = px_heap_begin();
	context->ready = false;
	remember(r, &context->lets, node);
	xmlResetError(&r->xpath->lastError);
	px_heap_end();
	for (unsigned i = 0; i < context->n_checks; i++) {
		const struct px_check *c = &r->checks[context->first_check + i];
		if (r->offices != NULL || !c->asks_offices)
			judge_apart(r, c, node);
	}
	forget(r, &context->lets);
	px_heap_release(mark);
}

void px_rules_fire(struct px_rules *r, unsigned rule, const struct px_row *row)
{
	xmlNode *node = (xmlNode *)row->node; /* libxml2 takes no other */
	struct px_context *context = &r->contexts[rule];
	struct px_pattern *pattern = &r->patterns[context->pattern];
	xmlNode *root = (xmlNode *)node->doc;
	context->matched++;
	r->context = context;
	r->row = row;
	if (!r->schema_ready)
		remember(r, &r->schema_lets, root);
	r->schema_ready = true;
	if (!pattern->ready)
		remember(r, &pattern->lets, root);
	pattern->ready = true;
	evaluate_rule(r, context, node);
}

void px_rules_run_rows(struct px_rules *r, xmlDoc *doc, const struct px_row *root,
		       const struct px_offices *offices, px_rule_hit_fn *hit, void *arg)
{
	r->offices = offices;
	r->hit = hit;
	r->arg = arg;
	r->xpath->doc = doc;
	px_rules_walk(r, root);
	for (unsigned i = 0; i < r->n_patterns; i++) {
		forget(r, &r->patterns[i].lets);
		r->patterns[i].ready = false;
	}
	forget(r, &r->schema_lets);
	r->schema_ready = false;
	r->xpath->doc = NULL;
	r->xpath->node = NULL;
	r->context = NULL;
	r->row = NULL;
}

void px_rules_run(struct px_rules *r, xmlDoc *doc, const struct px_offices *offices, px_rule_hit_fn *hit,
		  void *arg)
{
	struct px_rows rows = {0};
	xmlNode *root = xmlDocGetRootElement(doc);
	if (root == NULL)
		return;
	px_rows_of(&rows, root);
	px_rules_run_rows(r, doc, px_rows_find(&rows, root), offices, hit, arg);
	px_rows_free(&rows);
}

/* --- looking -------------------------------------------------------------------------------------- */

const char *px_rules_file(const struct px_rules *r)
{
	return r->file;
}

unsigned px_rules_count(const struct px_rules *r)
{
	return r->n_checks;
}

const struct px_rule *px_rules_get(const struct px_rules *r, unsigned index)
{
	px_assert(index < r->n_checks);
	return &r->checks[index].view;
}

uint64_t px_rules_matched(const struct px_rules *r, unsigned index)
{
	px_assert(index < r->n_checks);
	return r->contexts[r->checks[index].rule].matched;
}
