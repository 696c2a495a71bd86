/* prinex: exclusive XML canonicalization of a tree, octets straight to where they are needed
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "xml/c14n.h"

/** A namespace declaration that was written, and on which element. */
struct rendered {
	const xmlNs *ns;
	const xmlNode *on;
};

struct c14n {
	px_c14n_write *write;
	void *arg;
	size_t n_ns, cap_ns;
	struct rendered *ns; /* innermost last */
	unsigned n_default;  /* of those, declarations of the default namespace */
	size_t cap_attrs;
	const xmlAttr **attrs; /* of one element, sorted */
	size_t n;
	uint8_t out[8192];
};

/* --- octets --- */

static void flush(struct c14n *c)
{
	if (c->n > 0)
		c->write(c->arg, c->out, c->n);
	c->n = 0;
}

static void put(struct c14n *c, const void *data, size_t len)
{
	if (len > sizeof(c->out) - c->n) {
		flush(c);
		if (len > sizeof(c->out)) {
			c->write(c->arg, data, len);
			return;
		}
	}
	memcpy(c->out + c->n, data, len);
	c->n += len;
}

static void put_s(struct c14n *c, const void *s)
{
	put(c, s, strlen(s));
}

static void put_c(struct c14n *c, char ch)
{
	if (c->n == sizeof(c->out))
		flush(c);
	c->out[c->n++] = (uint8_t)ch;
}

/* Where which octets are escaped (https://www.w3.org/TR/xml-c14n section 2.3); NUL ends every run. */
enum { IN_TEXT = 1, IN_VALUE = 2, IN_PI = 4 };

static const uint8_t escaped[256] = {
    ['\0'] = IN_TEXT | IN_VALUE | IN_PI,
    ['&'] = IN_TEXT | IN_VALUE,
    ['<'] = IN_TEXT | IN_VALUE,
    ['>'] = IN_TEXT,
    ['\r'] = IN_TEXT | IN_VALUE | IN_PI,
    ['"'] = IN_VALUE,
    ['\t'] = IN_VALUE,
    ['\n'] = IN_VALUE,
};

static const char *escape(xmlChar ch)
{
	switch (ch) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\t': return "&#x9;";
	case '\n': return "&#xA;";
	default: return "&#xD;";
	}
}

static void put_escaped(struct c14n *c, const xmlChar *s, unsigned where)
{
	while (s != NULL) {
		const xmlChar *from = s;
		while ((escaped[*s] & where) == 0)
			s++;
		put(c, from, (size_t)(s - from));
		if (*s == '\0')
			return;
		put_s(c, escape(*s++));
	}
}

/* --- namespaces --- */

static const xmlChar *prefix_of(const xmlNs *ns)
{
	return ns->prefix != NULL ? ns->prefix : (const xmlChar *)"";
}

static const xmlChar *uri_of(const xmlNs *ns)
{
	return ns->href != NULL ? ns->href : (const xmlChar *)"";
}

static bool same(const xmlChar *a, const xmlChar *b)
{
	return a == b || strcmp((const char *)a, (const char *)b) == 0;
}

/* The prefix xml is never declared. */
static bool is_xml(const xmlNs *ns)
{
	return ns->prefix != NULL && strcmp((const char *)ns->prefix, "xml") == 0;
}

/* Does the innermost declaration of this prefix, among those written, say the same? */
static bool is_rendered(const struct c14n *c, const xmlNs *ns)
{
	for (size_t i = c->n_ns; i-- > 0;) {
		const xmlNs *seen = c->ns[i].ns;
		if (seen == ns)
			return true;
		if (same(prefix_of(seen), prefix_of(ns)))
			return same(uri_of(seen), uri_of(ns));
	}
	return *prefix_of(ns) == '\0' && *uri_of(ns) == '\0';
}

/* Note what @on uses visibly and what is not in force yet. */
static void use(struct c14n *c, const xmlNs *ns, const xmlNode *on)
{
	static const xmlNs none; /* no prefix, no namespace */
	if (ns == NULL)
		ns = &none;
	if (ns == &none && c->n_default == 0)
		return;
	if (is_xml(ns) || is_rendered(c, ns))
		return;
	if (c->n_ns == c->cap_ns) {
		c->cap_ns = c->cap_ns == 0 ? 16 : 2 * c->cap_ns;
		c->ns = px_xrealloc_array(c->ns, c->cap_ns, sizeof(c->ns[0]));
	}
	c->ns[c->n_ns++] = (struct rendered){ns, on};
	c->n_default += *prefix_of(ns) == '\0';
}

/* From @first on: what this element declares, sorted by prefix; the default one has the least. */
static void put_declarations(struct c14n *c, size_t first)
{
	for (size_t i = first + 1; i < c->n_ns; i++) {
		struct rendered moved = c->ns[i];
		size_t k = i;
		for (; k > first && xmlStrcmp(prefix_of(moved.ns), prefix_of(c->ns[k - 1].ns)) < 0; k--)
			c->ns[k] = c->ns[k - 1];
		c->ns[k] = moved;
	}
	for (size_t i = first; i < c->n_ns; i++) {
		const xmlNs *ns = c->ns[i].ns;
		put_s(c, " xmlns");
		if (*prefix_of(ns) != '\0') {
			put_c(c, ':');
			put_s(c, ns->prefix);
		}
		put_s(c, "=\"");
		put_escaped(c, uri_of(ns), IN_VALUE);
		put_c(c, '"');
	}
}

static void forget_declarations(struct c14n *c, const xmlNode *on)
{
	while (c->n_ns > 0 && c->ns[c->n_ns - 1].on == on)
		c->n_default -= *prefix_of(c->ns[--c->n_ns].ns) == '\0';
}

/* --- attributes --- */

/* By namespace name, then local name; attributes in no namespace first. */
static bool is_before(const xmlAttr *a, const xmlAttr *b)
{
	const xmlChar *x = a->ns != NULL ? uri_of(a->ns) : (const xmlChar *)"";
	const xmlChar *y = b->ns != NULL ? uri_of(b->ns) : (const xmlChar *)"";
	int order = a->ns == b->ns ? 0 : xmlStrcmp(x, y);
	return order != 0 ? order < 0 : xmlStrcmp(a->name, b->name) < 0;
}

static size_t sort_attributes(struct c14n *c, const xmlNode *node)
{
	size_t n = 0;
	for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
		if (n == c->cap_attrs) {
			c->cap_attrs = c->cap_attrs == 0 ? 16 : 2 * c->cap_attrs;
			c->attrs = px_xrealloc_array(c->attrs, c->cap_attrs, sizeof(void *));
		}
		size_t k = n++;
		for (; k > 0 && is_before(a, c->attrs[k - 1]); k--)
			c->attrs[k] = c->attrs[k - 1];
		c->attrs[k] = a;
	}
	return n;
}

static void put_name(struct c14n *c, const xmlNs *ns, const xmlChar *name)
{
	if (ns != NULL && ns->prefix != NULL) {
		put_s(c, ns->prefix);
		put_c(c, ':');
	}
	put_s(c, name);
}

static bool put_attribute(struct c14n *c, const xmlAttr *a)
{
	put_c(c, ' ');
	put_name(c, a->ns, a->name);
	put_s(c, "=\"");
	for (const xmlNode *n = a->children; n != NULL; n = n->next) {
		if (n->type != XML_TEXT_NODE)
			return false;
		put_escaped(c, n->content, IN_VALUE);
	}
	put_c(c, '"');
	return true;
}

/* --- nodes --- */

static bool put_start(struct c14n *c, const xmlNode *node)
{
	size_t first = c->n_ns, n_attrs = 0;
	bool ok = true;
	use(c, node->ns, node);
	if (node->properties != NULL) {
		n_attrs = sort_attributes(c, node);
		for (size_t i = 0; i < n_attrs; i++) {
			if (c->attrs[i]->ns != NULL)
				use(c, c->attrs[i]->ns, node);
		}
	}
	put_c(c, '<');
	put_name(c, node->ns, node->name);
	put_declarations(c, first);
	for (size_t i = 0; i < n_attrs && ok; i++)
		ok = put_attribute(c, c->attrs[i]);
	put_c(c, '>');
	return ok;
}

static void put_end(struct c14n *c, const xmlNode *node)
{
	put_s(c, "</");
	put_name(c, node->ns, node->name);
	put_c(c, '>');
	forget_declarations(c, node);
}

static void put_pi(struct c14n *c, const xmlNode *pi)
{
	put_s(c, "<?");
	put_s(c, pi->name);
	if (pi->content != NULL && *pi->content != '\0') {
		put_c(c, ' ');
		put_escaped(c, pi->content, IN_PI);
	}
	put_s(c, "?>");
}

/* Anything but an element. */
static bool put_other(struct c14n *c, const xmlNode *node)
{
	switch (node->type) {
	case XML_TEXT_NODE:
	case XML_CDATA_SECTION_NODE: put_escaped(c, node->content, IN_TEXT); return true;
	case XML_PI_NODE: put_pi(c, node); return true;
	case XML_COMMENT_NODE: return true;
	default: return false;
	}
}

static bool walk(struct c14n *c, const xmlNode *apex, const xmlNode *leave_out)
{
	const xmlNode *node = apex;
	while (node != NULL) {
		if (node->type == XML_ELEMENT_NODE && node != leave_out) {
			if (!put_start(c, node))
				return false;
			if (node->children != NULL) {
				node = node->children;
				continue;
			}
			put_end(c, node);
		} else if (node != leave_out && !put_other(c, node)) {
			return false;
		}
		while (node != apex && node->next == NULL) {
			node = node->parent;
			put_end(c, node);
		}
		node = node != apex ? node->next : NULL;
	}
	return true;
}

int px_c14n(const xmlNode *apex, const xmlNode *leave_out, px_c14n_write *write, void *arg)
{
	struct c14n c;
	c.write = write; /* the buffer is left as it is: clearing it costs as much as filling it */
	c.arg = arg;
	c.n_ns = c.cap_ns = c.cap_attrs = c.n = 0;
	c.ns = NULL;
	c.attrs = NULL;
	c.n_default = 0;
	bool ok = walk(&c, apex, leave_out);
	if (ok)
		flush(&c);
	free(c.ns);
	free(c.attrs);
	return ok ? PX_OK : PX_EPARSE;
}
