/* prinex: what people and programs read: errors, confirmations, a node about itself, the state of a message
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/show.h"

#include <libxml/parser.h>

#include "base/strings.h"
#include "xml/prescan.h"

void px_show_safe(struct px_buf *out, const char *s)
{
	size_t len = strlen(s);
	for (size_t i = 0; i < len;) {
		size_t n = px_utf8_length(s + i, len - i);
		unsigned char c = (unsigned char)s[i];
		bool control = n == 0 || (n == 1 && (c < 0x20 || c == 0x7f)) ||
			       (n == 2 && c == 0xc2 && (unsigned char)s[i + 1] < 0xa0);
		if (control) {
			px_buf_addf(out, "\\x%02X", c);
			n = 1;
		} else {
			px_buf_add(out, s + i, n);
		}
		i += n;
	}
}

static bool has(const char *s)
{
	return s != NULL && s[0] != '\0';
}

/* The other name of the line, 0 none: the envelope has none, although it shares a line with the payload. */
static unsigned other_line(const struct px_shown *e)
{
	const struct px_line_map *m = e->map;
	bool envelope = has(e->pointer) && px_str_starts(e->pointer, "/px:Exchange");
	if (m == NULL || m->first == 0 || envelope || e->line < m->first || e->line > m->last)
		return 0;
	return e->line - m->first + m->other;
}

static void add_line_number(struct px_buf *out, const struct px_shown *e)
{
	const struct px_line_map *m = e->map;
	unsigned other = other_line(e);
	if (e->line == 0)
		return;
	if (other == 0)
		px_buf_addf(out, " line %u%s%s", e->line, m != NULL && m->exchange != NULL ? " of " : "",
			    m != NULL && m->exchange != NULL ? m->exchange : "");
	else if (!m->to_file)
		px_buf_addf(out, " line %u (%u of the payload)", e->line, other);
	else if (m->exchange != NULL)
		px_buf_addf(out, " line %u (%u of %s)", other, e->line, m->exchange);
	else
		px_buf_addf(out, " line %u", other);
}

void px_show_error(struct px_buf *out, const struct px_shown *e)
{
	px_show_safe(out, e->code);
	add_line_number(out, e);
	if (has(e->pointer)) {
		px_buf_addc(out, ' ');
		px_show_safe(out, e->pointer);
	}
	if (has(e->value)) {
		px_buf_adds(out, " \"");
		px_show_safe(out, e->value);
		px_buf_addc(out, '"');
	}
	px_buf_adds(out, ": ");
	px_show_safe(out, has(e->text) ? e->text : "");
}

static void put(json_t *object, const char *name, const char *value)
{
	if (has(value))
		json_object_set_new(object, name, json_string(value));
}

json_t *px_json_error(const struct px_shown *e)
{
	json_t *o = json_object();
	put(o, "code", e->code);
	unsigned other = other_line(e);
	bool alone = other > 0 && e->map->to_file && e->map->exchange == NULL;
	if (e->line > 0)
		json_object_set_new(o, "line", json_integer(alone ? other : e->line));
	if (other > 0 && !alone)
		json_object_set_new(o, e->map->to_file ? "file_line" : "payload_line", json_integer(other));
	put(o, "pointer", e->pointer);
	put(o, "value", e->value);
	put(o, "text", e->text);
	return o;
}

static struct px_shown of_finding(const struct px_finding *f, const struct px_line_map *map)
{
	return (struct px_shown){
	    .code = px_finding_wire(f),
	    .pointer = f->pointer,
	    .value = f->value,
	    .text = has(f->text) ? f->text : px_code_title(f->code),
	    .line = f->line,
	    .map = map,
	};
}

void px_show_findings(struct px_buf *out, const struct px_findings *f, const struct px_line_map *map,
		      const char *indent)
{
	for (unsigned i = 0; i < f->n; i++) {
		struct px_shown e = of_finding(&f->items[i], map);
		px_buf_adds(out, indent);
		px_show_error(out, &e);
		px_buf_addc(out, '\n');
	}
	if (f->total > f->n)
		px_buf_addf(out, "%sand %u more\n", indent, f->total - f->n);
}

json_t *px_json_findings(const struct px_findings *f, const struct px_line_map *map)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < f->n; i++) {
		struct px_shown e = of_finding(&f->items[i], map);
		json_array_append_new(list, px_json_error(&e));
	}
	return list;
}

/* --- documents --- */

static xmlDoc *parse(const uint8_t *doc, size_t len)
{
	struct px_findings errors = {0};
	xmlDoc *tree = NULL;
	if (len <= INT32_MAX && px_prescan(doc, len, &errors) == PX_OK)
		tree = xmlReadMemory((const char *)doc, (int)len, NULL, NULL,
				     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
					 XML_PARSE_NOBLANKS);
	px_findings_free(&errors);
	xmlResetLastError();
	return tree;
}

/* A view of one Error or Warning with its strings, which `free_error` frees. */
static struct px_shown read_error(const xmlNode *n)
{
	xmlChar *line = xmlGetNoNsProp(n, (const xmlChar *)"line");
	uint64_t number = 0;
	if (line != NULL)
		(void)px_parse_u64((const char *)line, 0, UINT32_MAX, &number);
	xmlFree(line);
	return (struct px_shown){
	    .code = (const char *)xmlGetNoNsProp(n, (const xmlChar *)"code"),
	    .pointer = (const char *)xmlGetNoNsProp(n, (const xmlChar *)"pointer"),
	    .value = (const char *)xmlGetNoNsProp(n, (const xmlChar *)"value"),
	    .text = (const char *)xmlNodeGetContent(n),
	    .line = (unsigned)number,
	};
}

static void free_error(struct px_shown *e)
{
	xmlFree((void *)e->code);
	xmlFree((void *)e->pointer);
	xmlFree((void *)e->value);
	xmlFree((void *)e->text);
}

typedef void error_fn(void *arg, const struct px_shown *e);

static void each_error(const uint8_t *doc, size_t len, const char *element, const struct px_line_map *map,
		       error_fn *fn, void *arg)
{
	xmlDoc *tree = parse(doc, len);
	xmlNode *root = tree != NULL ? xmlDocGetRootElement(tree) : NULL;
	for (const xmlNode *n = root != NULL ? root->children : NULL; n != NULL; n = n->next) {
		if (n->type != XML_ELEMENT_NODE || strcmp((const char *)n->name, element) != 0)
			continue;
		struct px_shown e = read_error(n);
		e.map = map;
		if (e.code != NULL)
			fn(arg, &e);
		free_error(&e);
	}
	xmlFreeDoc(tree);
}

struct lines {
	struct px_buf *out;
	const char *indent;
};

static void add_line(void *arg, const struct px_shown *e)
{
	struct lines *l = arg;
	px_buf_adds(l->out, l->indent);
	px_show_error(l->out, e);
	px_buf_addc(l->out, '\n');
}

static void add_json(void *arg, const struct px_shown *e)
{
	json_array_append_new(arg, px_json_error(e));
}

void px_show_confirmation(struct px_buf *out, const uint8_t *doc, size_t len, const char *element,
			  const struct px_line_map *map, const char *indent)
{
	struct lines l = {out, indent};
	each_error(doc, len, element, map, add_line, &l);
}

json_t *px_json_confirmation(const uint8_t *doc, size_t len, const char *element,
			     const struct px_line_map *map)
{
	json_t *list = json_array();
	each_error(doc, len, element, map, add_json, list);
	return list;
}

/* --- nested documents: depth is bounded by px_prescan --- */

static bool is_leaf(const xmlNode *n)
{
	for (const xmlNode *c = n->children; c != NULL; c = c->next) {
		if (c->type == XML_ELEMENT_NODE)
			return false;
	}
	return true;
}

static bool is_shown(const xmlNode *n)
{
	return n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, "Signature") != 0;
}

static void show_element(struct px_buf *out, const xmlNode *n, int depth)
{
	px_buf_addf(out, "%*s%s", depth * 2, "", (const char *)n->name);
	for (const xmlAttr *a = n->properties; a != NULL; a = a->next) {
		xmlChar *value = xmlNodeGetContent((const xmlNode *)a);
		px_buf_addc(out, ' ');
		px_show_safe(out, value != NULL ? (const char *)value : "");
		xmlFree(value);
	}
	px_buf_addc(out, ':');
	if (is_leaf(n)) {
		xmlChar *text = xmlNodeGetContent(n);
		px_buf_addc(out, ' ');
		px_show_safe(out, text != NULL ? (const char *)text : "");
		xmlFree(text);
	}
	px_buf_addc(out, '\n');
	for (const xmlNode *c = n->children; c != NULL; c = c->next) {
		if (is_shown(c))
			show_element(out, c, depth + 1);
	}
}

int px_show_document(struct px_buf *out, const uint8_t *doc, size_t len)
{
	xmlDoc *tree = parse(doc, len);
	if (tree == NULL)
		return PX_EPARSE;
	const xmlNode *root = xmlDocGetRootElement(tree);
	for (const xmlNode *c = root->children; c != NULL; c = c->next) {
		if (is_shown(c))
			show_element(out, c, 0);
	}
	xmlFreeDoc(tree);
	return PX_OK;
}

static json_t *json_element(const xmlNode *n);

/* Elements that the schema lets repeat are always lists, so that programs need not look twice. */
static bool repeats(const char *name)
{
	static const char *const names[] = {"Type",     "Version",         "Limit",
					    "Delivery", "ProtocolVersion", "SignatureProfile"};
	for (size_t i = 0; i < PX_ARRAY_LEN(names); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

static void json_children(json_t *object, const xmlNode *n)
{
	for (const xmlNode *c = n->children; c != NULL; c = c->next) {
		const char *name = (const char *)c->name;
		if (!is_shown(c))
			continue;
		if (!repeats(name)) {
			json_object_set_new(object, name, json_element(c));
			continue;
		}
		if (json_object_get(object, name) == NULL)
			json_object_set_new(object, name, json_array());
		json_array_append_new(json_object_get(object, name), json_element(c));
	}
}

static json_t *json_element(const xmlNode *n)
{
	if (is_leaf(n) && n->properties == NULL) {
		xmlChar *text = xmlNodeGetContent(n);
		json_t *s = json_string(text != NULL ? (const char *)text : "");
		xmlFree(text);
		return s;
	}
	json_t *o = json_object();
	for (const xmlAttr *a = n->properties; a != NULL; a = a->next) {
		xmlChar *value = xmlNodeGetContent((const xmlNode *)a);
		put(o, (const char *)a->name, (const char *)value);
		xmlFree(value);
	}
	if (is_leaf(n)) {
		xmlChar *text = xmlNodeGetContent(n);
		put(o, "text", (const char *)text);
		xmlFree(text);
	}
	json_children(o, n);
	return o;
}

json_t *px_json_document(const uint8_t *doc, size_t len)
{
	xmlDoc *tree = parse(doc, len);
	if (tree == NULL)
		return NULL;
	json_t *o = json_object();
	json_children(o, xmlDocGetRootElement(tree));
	xmlFreeDoc(tree);
	return o;
}

void px_json_print(json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
	if (text != NULL)
		puts(text);
	fflush(stdout);
	free(text);
	json_decref(object);
}
