/* prinex: business keys out of a payload
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "xml/keys.h"

#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "base/strings.h"

/** One step of plain paths that begin alike. */
struct step {
	char *name;     /* NULL: any */
	const char *ns; /* "" none; not looked at where name is NULL */
	bool attribute;
	unsigned position; /* [n]; 0: all */
	char *with;        /* [name]: only those with such a child, of no namespace; NULL: all */
	unsigned n_found;
	struct found {
		enum px_key_kind kind;
		unsigned order;
	} * found; /* what ends here */
	unsigned n_steps;
	struct step *steps;
};

/** An expression that is more than a plain path. */
struct general {
	enum px_key_kind kind;
	unsigned order;
	xmlXPathCompExprPtr expr;
};

struct px_paths {
	const struct px_cat_set *set;
	struct step root; /* the document */
	unsigned n_general;
	struct general *general;
	bool always_ends;
	xmlXPathCompExprPtr ends;
	xmlXPathContextPtr xpath; /* NULL when nothing needs it */
};

/** What an extraction has so far; sorted by expression at the end. */
struct harvest {
	unsigned n, left_out;
	struct item {
		struct px_key key;
		unsigned order, seq;
	} * items;
};

/* --- plain paths --- */

static const char *prefix_uri(const struct px_cat_set *set, const char *prefix, size_t len)
{
	for (unsigned i = 0; i < set->n_prefixes; i++) {
		if (strlen(set->prefixes[i].prefix) == len &&
		    memcmp(set->prefixes[i].prefix, prefix, len) == 0)
			return set->prefixes[i].uri;
	}
	return NULL;
}

static size_t name_length(const char *s)
{
	return strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");
}

/* `[n]` or `[name]`. */
static bool read_predicate(const char **at, struct step *out)
{
	const char *s = *at + 1;
	size_t digits = strspn(s, "0123456789"), n = digits > 0 ? digits : name_length(s);
	if (n == 0 || s[n] != ']' || digits > 5 || out->attribute)
		return false;
	if (digits > 0)
		out->position = (unsigned)strtoul(s, NULL, 10);
	else
		out->with = px_xstrndup(s, n);
	*at = s + n + 1;
	return digits == 0 || out->position > 0;
}

/* Read one step behind its '/'. @return false when it is not a plain one. */
static bool read_step(const struct px_cat_set *set, const char **at, struct step *out)
{
	const char *s = *at;
	*out = (struct step){.ns = ""};
	if (*s == '@') {
		out->attribute = true;
		s++;
	}
	size_t n = name_length(s);
	if (*s == '*' && !out->attribute) {
		n = 1;
	} else if (n > 0 && s[n] == ':') {
		out->ns = prefix_uri(set, s, n);
		s += n + 1;
		n = name_length(s);
	}
	if (n == 0 || out->ns == NULL)
		return false;
	out->name = *s == '*' ? NULL : px_xstrndup(s, n);
	s += n;
	if (*s == '[' && !read_predicate(&s, out))
		return false;
	*at = s;
	return *s == '\0' || (*s == '/' && !out->attribute);
}

static bool same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_step(const struct step *a, const struct step *b)
{
	return same_text(a->name, b->name) && same_text(a->with, b->with) && strcmp(a->ns, b->ns) == 0 &&
	       a->attribute == b->attribute && a->position == b->position;
}

static void step_clear(struct step *step)
{
	free(step->name);
	free(step->with);
}

/* The child of @parent for @step, which is taken. */
static struct step *join(struct step *parent, struct step *step)
{
	for (unsigned i = 0; i < parent->n_steps; i++) {
		if (same_step(&parent->steps[i], step)) {
			step_clear(step);
			return &parent->steps[i];
		}
	}
	parent->steps = px_xrealloc_array(parent->steps, parent->n_steps + 1, sizeof(parent->steps[0]));
	parent->steps[parent->n_steps] = *step;
	return &parent->steps[parent->n_steps++];
}

static bool add_plain(struct px_paths *p, const char *expr, enum px_key_kind kind, unsigned order)
{
	struct step steps[16];
	unsigned n = 0;
	const char *s = expr;
	bool plain = *s == '/';
	while (plain && *s == '/') {
		s++;
		plain = n < PX_ARRAY_LEN(steps) && read_step(p->set, &s, &steps[n]);
		n += n < PX_ARRAY_LEN(steps);
	}
	struct step *at = &p->root;
	for (unsigned i = 0; i < n; i++) {
		if (plain)
			at = join(at, &steps[i]);
		else
			step_clear(&steps[i]);
	}
	if (plain) {
		at->found = px_xrealloc_array(at->found, at->n_found + 1, sizeof(at->found[0]));
		at->found[at->n_found++] = (struct found){kind, order};
	}
	return plain;
}

static void step_free(struct step *step)
{
	for (unsigned i = 0; i < step->n_steps; i++)
		step_free(&step->steps[i]);
	free(step->steps);
	free(step->found);
	step_clear(step);
}

/* --- compiling --- */

static xmlXPathCompExprPtr compile(struct px_paths *p, const char *expr, const struct px_cat_type *type,
				   struct px_buf *why)
{
	if (p->xpath == NULL) {
		p->xpath = xmlXPathNewContext(NULL);
		px_assert(p->xpath != NULL);
		for (unsigned i = 0; i < p->set->n_prefixes; i++)
			xmlXPathRegisterNs(p->xpath, (const xmlChar *)p->set->prefixes[i].prefix,
					   (const xmlChar *)p->set->prefixes[i].uri);
	}
	xmlXPathCompExprPtr c = xmlXPathCtxtCompile(p->xpath, (const xmlChar *)expr);
	if (c == NULL)
		px_buf_setf(why, "%s:%u: type \"%s\": \"%s\" is not an XPath expression", type->file,
			    type->line, type->name, expr);
	return c;
}

static int add_general(struct px_paths *p, const struct px_cat_type *type, const char *expr,
		       enum px_key_kind kind, unsigned order, struct px_buf *why)
{
	xmlXPathCompExprPtr c = compile(p, expr, type, why);
	if (c == NULL)
		return PX_ECONF;
	p->general = px_xrealloc_array(p->general, p->n_general + 1, sizeof(p->general[0]));
	p->general[p->n_general++] = (struct general){kind, order, c};
	return PX_OK;
}

static int add_all(struct px_paths *p, const struct px_cat_type *type, struct px_buf *why)
{
	unsigned order = 0;
	for (int kind = 0; type->keys != NULL && kind < PX_KEY_COUNT; kind++) {
		const struct px_strings *list = &type->keys->xpath[kind];
		for (unsigned i = 0; i < list->n; i++, order++) {
			if (add_plain(p, list->items[i], (enum px_key_kind)kind, order))
				continue;
			int rc = add_general(p, type, list->items[i], (enum px_key_kind)kind, order, why);
			if (rc != PX_OK)
				return rc;
		}
	}
	const char *ends = type->ends_movement != NULL ? type->ends_movement : "";
	p->always_ends = strcmp(ends, "true()") == 0;
	if (ends[0] != '\0' && !p->always_ends)
		p->ends = compile(p, ends, type, why);
	return ends[0] != '\0' && !p->always_ends && p->ends == NULL ? PX_ECONF : PX_OK;
}

int px_paths_new(const struct px_cat_type *type, const struct px_cat_set *set, struct px_paths **out,
		 struct px_buf *why)
{
	struct px_paths *p = px_xcalloc(1, sizeof(*p));
	p->set = set;
	p->root.ns = "";
	int rc = add_all(p, type, why);
	if (rc != PX_OK)
		px_paths_free(&p);
	*out = p;
	return rc;
}

void px_paths_free(struct px_paths **paths)
{
	struct px_paths *p = *paths;
	if (p == NULL)
		return;
	step_free(&p->root);
	for (unsigned i = 0; i < p->n_general; i++)
		xmlXPathFreeCompExpr(p->general[i].expr);
	free(p->general);
	if (p->ends != NULL)
		xmlXPathFreeCompExpr(p->ends);
	if (p->xpath != NULL)
		xmlXPathFreeContext(p->xpath);
	PX_FREE(*paths);
}

/* --- extracting --- */

/* Collapse white space; cut at a character. */
static void take_value(const char *text, char out[PX_KEY_VALUE_MAX + 1])
{
	char buf[4 * PX_KEY_VALUE_MAX];
	size_t n = 0;
	for (; *text != '\0' && n + 1 < sizeof(buf); text++) {
		unsigned char c = (unsigned char)*text;
		bool space = c <= ' ' || c == 0x7f;
		if (!space)
			buf[n++] = (char)c;
		else if (n > 0 && buf[n - 1] != ' ')
			buf[n++] = ' ';
	}
	while (n > 0 && buf[n - 1] == ' ')
		n--;
	px_strlcpy_n(out, buf, px_utf8_cut(buf, n, PX_KEY_VALUE_MAX), PX_KEY_VALUE_MAX + 1);
}

/* The declarant's lists are parallel, as are those of arrivals: dropping one value would shift the others. */
static bool is_parallel(enum px_key_kind kind)
{
	return kind == PX_KEY_DECLARANT || kind == PX_KEY_DECLARANT_SCHEME ||
	       kind == PX_KEY_DECLARANT_COUNTRY || kind == PX_KEY_EXPECTED_ARRIVAL ||
	       kind == PX_KEY_ARRIVAL_OFFICE;
}

/* How full the harvest may be for one more of @kind. Of seals, containers and vehicles a trader can list as
 * many as he likes, and they stand in front of offices and countries: those decide who gets the message and
 * when it is late, and must not be pushed out. Nor containers by the seals on them. */
static unsigned room_for(enum px_key_kind kind)
{
	switch (kind) {
	case PX_KEY_SEAL: return PX_KEYS_MAX / 2;
	case PX_KEY_CONTAINER: return PX_KEYS_MAX * 3 / 4;
	case PX_KEY_VEHICLE: return PX_KEYS_MAX * 7 / 8;
	default: return PX_KEYS_MAX;
	}
}

static void harvest_add(struct harvest *h, enum px_key_kind kind, unsigned order, const char *text)
{
	struct item item = {.key.kind = kind, .order = order, .seq = h->n};
	take_value(text, item.key.value);
	if (item.key.value[0] == '\0')
		return;
	for (unsigned i = 0; i < h->n && !is_parallel(kind); i++) {
		if (h->items[i].key.kind == kind && strcmp(h->items[i].key.value, item.key.value) == 0) {
			h->items[i].order = PX_MIN(h->items[i].order, order);
			return;
		}
	}
	if (h->n >= room_for(kind)) {
		h->left_out++;
		return;
	}
	if ((h->n & (h->n - 1)) == 0) /* at powers of two */
		h->items = px_xrealloc_array(h->items, h->n == 0 ? 1 : 2 * (size_t)h->n, sizeof(h->items[0]));
	h->items[h->n++] = item;
}

static void harvest_node(struct harvest *h, enum px_key_kind kind, unsigned order, const xmlNode *node)
{
	const xmlNode *only = node->children;
	if (only == NULL)
		return;
	if (only->next == NULL && only->type == XML_TEXT_NODE) {
		harvest_add(h, kind, order, (const char *)only->content);
		return;
	}
	xmlChar *text = xmlNodeGetContent(node);
	if (text != NULL)
		harvest_add(h, kind, order, (const char *)text);
	xmlFree(text);
}

static bool has_child(const xmlNode *node, const char *name)
{
	for (const xmlNode *n = node->children; n != NULL; n = n->next) {
		if (n->type == XML_ELEMENT_NODE && n->ns == NULL && strcmp((const char *)n->name, name) == 0)
			return true;
	}
	return false;
}

static bool step_matches(const struct step *step, const xmlNode *node)
{
	if (step->attribute)
		return false;
	if (step->with != NULL && !has_child(node, step->with))
		return false;
	if (step->name == NULL)
		return true;
	/* Most names differ in their first letter: a call costs more than that. */
	if (step->name[0] != (char)node->name[0] || strcmp(step->name, (const char *)node->name) != 0)
		return false;
	return strcmp(step->ns, node->ns != NULL ? (const char *)node->ns->href : "") == 0;
}

static void walk_attributes(const struct step *step, const xmlNode *node, struct harvest *h)
{
	for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
		const char *ns = a->ns != NULL ? (const char *)a->ns->href : "";
		if (strcmp(step->name, (const char *)a->name) != 0 || strcmp(step->ns, ns) != 0)
			continue;
		for (unsigned i = 0; i < step->n_found; i++)
			harvest_node(h, step->found[i].kind, step->found[i].order, (const xmlNode *)a);
	}
}

/* Bounded in depth by the expressions, not by the document. */
static void walk(const struct step *at, const xmlNode *first, struct harvest *h)
{
	for (unsigned i = 0; i < at->n_steps; i++) {
		const struct step *step = &at->steps[i];
		unsigned seen = 0;
		for (const xmlNode *n = first; n != NULL; n = n->next) {
			if (n->type != XML_ELEMENT_NODE || !step_matches(step, n))
				continue;
			if (step->position != 0 && ++seen != step->position)
				continue;
			for (unsigned k = 0; k < step->n_found; k++)
				harvest_node(h, step->found[k].kind, step->found[k].order, n);
			for (unsigned k = 0; k < step->n_steps; k++) {
				if (step->steps[k].attribute)
					walk_attributes(&step->steps[k], n, h);
			}
			if (step->n_steps > 0)
				walk(step, n->children, h);
		}
	}
}

static void evaluate_general(const struct px_paths *p, struct harvest *h)
{
	for (unsigned i = 0; i < p->n_general; i++) {
		const struct general *g = &p->general[i];
		xmlXPathObjectPtr found = xmlXPathCompiledEval(g->expr, p->xpath);
		if (found != NULL && found->type == XPATH_NODESET && found->nodesetval != NULL) {
			for (int k = 0; k < found->nodesetval->nodeNr; k++)
				harvest_node(h, g->kind, g->order, found->nodesetval->nodeTab[k]);
		} else if (found != NULL && found->type == XPATH_STRING) {
			harvest_add(h, g->kind, g->order, (const char *)found->stringval);
		}
		xmlXPathFreeObject(found);
	}
}

static bool ends_movement(const struct px_paths *p)
{
	if (p->always_ends || p->ends == NULL)
		return p->always_ends;
	return xmlXPathCompiledEvalToBoolean(p->ends, p->xpath) == 1;
}

static int by_expression(const void *x, const void *y)
{
	const struct item *a = x, *b = y;
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

unsigned px_paths_extract(const struct px_paths *paths, xmlDoc *doc, struct px_keys *keys)
{
	struct harvest h = {0};
	if (paths->xpath != NULL) {
		paths->xpath->doc = doc;
		paths->xpath->node = (xmlNode *)doc;
	}
	walk(&paths->root, doc->children, &h);
	evaluate_general(paths, &h);
	keys->ends_movement = ends_movement(paths);
	if (h.n > 0) {
		qsort(h.items, h.n, sizeof(h.items[0]), by_expression);
		keys->items = px_xcalloc(h.n, sizeof(keys->items[0]));
		for (unsigned i = 0; i < h.n; i++)
			keys->items[keys->n++] = h.items[i].key;
	}
	free(h.items);
	if (paths->xpath != NULL)
		paths->xpath->doc = NULL;
	return h.left_out;
}
