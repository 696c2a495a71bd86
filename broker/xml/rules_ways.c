/* prinex: plain ways down within expressions of rules: walked, not searched
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <ctype.h>
#include <libxml/xpathInternals.h>

#include "base/strings.h"
#include "xml/rules_parts.h"

/*
 * For ConsignmentItem/Commodity/grossMass libxml2 makes a set of nodes for each item, and compares each node
 * that it adds with all it has: with n items n * n / 2 times a step. Where the way alone is the expression it
 * visits everything below instead. Children of children of one node can neither be the same nor out of order,
 * so such a way becomes a call of a function that goes down it once: px-way(N), which nobody can write
 * (px_rules_compile looks at words before).
 */
#define FUNCTION "px-way"

static bool is_name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static size_t name_length(const char *s)
{
	size_t n = 0;
	while (is_name_start(s[n]) || (n > 0 && (isdigit((unsigned char)s[n]) || s[n] == '-' || s[n] == '.')))
		n++;
	return n;
}

size_t px_rules_way_length(const char *s, unsigned *names)
{
	size_t n = name_length(s);
	*names = n > 0;
	while (n > 0 && s[n] == '/' && name_length(s + n + 1) > 0) {
		n += 1 + name_length(s + n + 1);
		++*names;
	}
	return n;
}

/* The same, if it has two names or more, and nothing goes on behind it. */
static size_t way_length(const char *s)
{
	unsigned names;
	size_t n = px_rules_way_length(s, &names);
	const char *next = s + n + strspn(s + n, " \t\r\n");
	bool goes_on = *next == '/' || *next == '[' || *next == '(' || *next == ':';
	return names > 1 && !goes_on ? n : 0;
}

static unsigned add_way(struct px_rules *r, const char *s, size_t len)
{
	struct px_way way = {0};
	while (len > 0) {
		size_t n = name_length(s);
		way.names = px_xrealloc_array(way.names, way.n + 1, sizeof(way.names[0]));
		way.names[way.n++] = px_xstrndup(s, n);
		n = PX_MIN(n + 1, len);
		s += n;
		len -= n;
	}
	r->ways = px_xrealloc_array(r->ways, r->n_ways + 1, sizeof(r->ways[0]));
	r->ways[r->n_ways] = way;
	return r->n_ways++;
}

/* One piece of @s that ways are no part of: a text, a name, or one octet. */
static size_t other_length(const char *s)
{
	const char *end = *s == '"' || *s == '\'' ? strchr(s + 1, *s) : NULL;
	if (end != NULL)
		return (size_t)(end - s) + 1;
	return PX_MAX(name_length(s), (size_t)1);
}

void px_rules_shorten(struct px_rules *r, const char *expr, unsigned rule, struct px_buf *out)
{
	const char *s = expr;
	unsigned brackets = 0; /* in a condition the way begins at another node */
	char before = '\0';    /* the last that is no blank */
	while (*s != '\0') {
		/* strchr would find the end of the text too */
		bool begins = brackets == 0 && (before == '\0' || strchr("/:@$", before) == NULL);
		size_t n = 0;
		if (begins && is_name_start(*s) && rule != PX_RULES_NONE)
			n = px_rules_tally(r, s, rule, out);
		if (n == 0 && begins && is_name_start(*s) && (n = way_length(s)) > 0)
			px_buf_addf(out, FUNCTION "(%u)", add_way(r, s, n));
		if (n == 0) {
			n = other_length(s);
			px_buf_add(out, s, n);
		}
		brackets += *s == '[';
		brackets -= *s == ']' && brackets > 0;
		if (!isspace((unsigned char)s[n - 1]))
			before = s[n - 1];
		s += n;
	}
}

static void walk(const struct px_way *way, unsigned depth, const xmlNode *parent, xmlNodeSet *to)
{
	const char *name = way->names[depth];
	for (xmlNode *n = parent->children; n != NULL; n = n->next) {
		if (n->type != XML_ELEMENT_NODE || n->ns != NULL || n->name[0] != (xmlChar)name[0] ||
		    strcmp((const char *)n->name, name) != 0)
			continue;
		if (depth + 1 == way->n)
			xmlXPathNodeSetAddUnique(to, n);
		else
			walk(way, depth + 1, n, to);
	}
}

static void way(xmlXPathParserContextPtr ctxt, int nargs)
{
	CHECK_ARITY(1);
	const struct px_rules *r = ctxt->context->userData;
	const xmlNode *node = ctxt->context->node;
	double number = xmlXPathPopNumber(ctxt);
	px_assert(number >= 0 && number < r->n_ways);
	xmlNodeSet *found = xmlXPathNodeSetCreate(NULL);
	if (found != NULL && node != NULL &&
	    (node->type == XML_ELEMENT_NODE || node->type == XML_DOCUMENT_NODE))
		walk(&r->ways[(unsigned)number], 0, node, found);
	valuePush(ctxt, xmlXPathWrapNodeSet(found));
}

void px_rules_ways_register(xmlXPathContextPtr xpath)
{
	xmlXPathRegisterFunc(xpath, (const xmlChar *)FUNCTION, way);
}

void px_rules_ways_free(struct px_rules *r)
{
	for (unsigned i = 0; i < r->n_ways; i++) {
		for (unsigned k = 0; k < r->ways[i].n; k++)
			free(r->ways[i].names[k]);
		free(r->ways[i].names);
	}
	free(r->ways);
}
