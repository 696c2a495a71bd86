/* prinex: one examination on its way through the stages: findings and names
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "xml/run.h"

#include <stdarg.h>

#include "base/strings.h"
#include "xml/rules.h"

#define TEXT_MAX 512

bool px_node_is(const xmlNode *node, const char *ns, const char *name)
{
	return node != NULL && node->type == XML_ELEMENT_NODE && node->ns != NULL &&
	       strcmp((const char *)node->name, name) == 0 && strcmp((const char *)node->ns->href, ns) == 0;
}

xmlNode *px_next_element(xmlNode *node)
{
	while (node != NULL && node->type != XML_ELEMENT_NODE)
		node = node->next;
	return node;
}

bool px_is_blank(const xmlChar *text)
{
	return text == NULL || text[strspn((const char *)text, " \t\r\n")] == '\0';
}

const char *px_node_text(const xmlNode *node, xmlChar **tofree)
{
	const xmlNode *only = node->children;
	*tofree = NULL;
	if (only == NULL)
		return "";
	if (only->next == NULL && (only->type == XML_TEXT_NODE || only->type == XML_CDATA_SECTION_NODE))
		return only->content != NULL ? (const char *)only->content : "";
	*tofree = xmlNodeGetContent(node);
	return *tofree != NULL ? (const char *)*tofree : "";
}

/* --- pointers --- */

static bool same_name(const xmlNode *a, const xmlNode *b)
{
	const char *x = a->ns != NULL ? (const char *)a->ns->href : "";
	const char *y = b->ns != NULL ? (const char *)b->ns->href : "";
	return strcmp((const char *)a->name, (const char *)b->name) == 0 && strcmp(x, y) == 0;
}

/* Position among siblings of that name; 0 when it is the only one. */
static unsigned position(const xmlNode *node)
{
	unsigned before = 0, after = 0;
	for (const xmlNode *n = node->prev; n != NULL; n = n->prev)
		before += n->type == XML_ELEMENT_NODE && same_name(n, node);
	for (const xmlNode *n = node->next; n != NULL && after == 0; n = n->next)
		after += n->type == XML_ELEMENT_NODE && same_name(n, node);
	return before + after > 0 ? before + 1 : 0;
}

static void add_step(const xmlNode *node, struct px_buf *out)
{
	px_buf_adds(out, node->type == XML_ATTRIBUTE_NODE ? "/@" : "/");
	/* An attribute node begins with the same members as an element up to `doc`; its ns comes later. */
	const xmlNs *ns = node->type == XML_ATTRIBUTE_NODE ? ((const xmlAttr *)node)->ns : node->ns;
	if (ns != NULL && ns->prefix != NULL)
		px_buf_addf(out, "%s:", (const char *)ns->prefix);
	px_buf_adds(out, (const char *)node->name);
}

void px_run_pointer(const struct px_run *run, const xmlNode *node, struct px_buf *out)
{
	const xmlNode *way[72]; /* deeper than PX_LIMIT_XML_DEPTH, with an attribute */
	size_t n = 0;
	while (node != NULL && node->type != XML_ELEMENT_NODE && node->type != XML_ATTRIBUTE_NODE)
		node = node->parent;
	for (; node != NULL && node->type != XML_DOCUMENT_NODE && n < PX_ARRAY_LEN(way);
	     node = node->parent) {
		way[n++] = node;
		if (node == run->payload)
			break;
	}
	while (n-- > 0) {
		add_step(way[n], out);
		bool is_root = way[n] == run->payload || way[n] == run->root;
		unsigned at = !is_root && way[n]->type == XML_ELEMENT_NODE ? position(way[n]) : 0;
		if (at > 0)
			px_buf_addf(out, "[%u]", at);
	}
}

/* --- findings --- */

/* A verdict travels as UTF-8 without control characters; names in certificates may be anything. */
static void flatten(char *s)
{
	size_t n, left = strlen(s);
	for (; left > 0; s += n, left -= n) {
		n = px_utf8_length(s, left);
		if (n == 0) {
			*s = '?';
			n = 1;
		} else if ((unsigned char)*s < 0x20 || *s == 0x7f) {
			*s = ' ';
		}
	}
}

/* Empty, or the pointer; and the line. */
static unsigned place_of(const struct px_run *run, const xmlNode *node, struct px_buf *pointer)
{
	if (node == NULL)
		return 0;
	px_run_pointer(run, node, pointer);
	const xmlNode *at = node->type == XML_ATTRIBUTE_NODE ? node->parent : node;
	long line = at != NULL ? xmlGetLineNo(at) : 0;
	return line > 0 ? (unsigned)line : 0;
}

static void cut_flat(const char *s, size_t max, char *out)
{
	px_strlcpy_n(out, s, px_utf8_cut(s, strlen(s), max), max + 1);
	flatten(out);
}

/* @rule NULL: none. What is only counted costs nothing: hostile input can provoke very many. */
static void add(struct px_run *run, struct px_findings *to, const char *rule, enum px_code code,
		const xmlNode *node, const char *value, const char *text)
{
	if (to->n >= PX_ERRORS_MAX) {
		to->total++;
		return;
	}
	struct px_buf pointer = PX_BUF_INIT;
	char shown[PX_VALUE_MAX + 1], cut[TEXT_MAX + 1];
	unsigned line = place_of(run, node, &pointer);
	const char *where = pointer.len > 0 ? px_buf_str(&pointer) : NULL;
	if (value != NULL)
		cut_flat(value, PX_VALUE_MAX, shown);
	cut_flat(text, TEXT_MAX, cut);
	if (rule != NULL)
		px_findings_add_rule(to, rule, code, line, where, value != NULL ? shown : NULL, cut);
	else
		px_findings_add(to, code, line, where, value != NULL ? shown : NULL, "%s", cut);
	px_buf_free(&pointer);
}

void px_run_error(struct px_run *run, enum px_code code, const xmlNode *node, const char *value,
		  const char *fmt, ...)
{
	struct px_buf text = PX_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	add(run, &run->v->errors, NULL, code, node, value, px_buf_str(&text));
	px_buf_free(&text);
}

void px_run_warn(struct px_run *run, enum px_code code, const xmlNode *node, const char *value,
		 const char *fmt, ...)
{
	struct px_buf text = PX_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	add(run, &run->v->warnings, NULL, code, node, value, px_buf_str(&text));
	px_buf_free(&text);
}

void px_run_rule(struct px_run *run, const struct px_rule_hit *hit, bool refuses)
{
	add(run, refuses ? &run->v->errors : &run->v->warnings, hit->rule->id, hit->rule->code, hit->node,
	    hit->value, hit->text);
}
