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

/* --- movements, for an officer --- */

static const xmlNode *first(const xmlNode *parent, const char *name)
{
	const xmlNode *n = parent->children;
	while (n != NULL && (n->type != XML_ELEMENT_NODE || strcmp((const char *)n->name, name) != 0))
		n = n->next;
	return n;
}

static const xmlNode *next(const xmlNode *n)
{
	const char *name = (const char *)n->name;
	for (n = n->next; n != NULL; n = n->next) {
		if (n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0)
			return n;
	}
	return NULL;
}

/* The text of the child @name, with @before in front; nothing where there is none. */
static void add_child(struct px_buf *out, const char *before, const xmlNode *parent, const char *name)
{
	const xmlNode *n = first(parent, name);
	xmlChar *text = n != NULL ? xmlNodeGetContent(n) : NULL;
	if (text != NULL) {
		px_buf_adds(out, before);
		px_show_safe(out, (const char *)text);
	}
	xmlFree(text);
}

/* What children @name of the declarations say, each once: `  vehicle    AE47125, A3318E5`. */
static void add_values(struct px_buf *out, const xmlNode *movement, const char *name, const char *label)
{
	struct px_buf line = PX_BUF_INIT;
	px_buf_adds(&line, ", ");
	for (const xmlNode *d = first(movement, "Declaration"); d != NULL; d = next(d)) {
		for (const xmlNode *n = first(d, name); n != NULL; n = next(n)) {
			struct px_buf value = PX_BUF_INIT;
			xmlChar *text = xmlNodeGetContent(n);
			px_buf_adds(&value, ", ");
			px_show_safe(&value, (const char *)text);
			px_buf_adds(&value, ", ");
			if (strstr(px_buf_str(&line), px_buf_str(&value)) == NULL)
				px_buf_adds(&line, px_buf_str(&value) + 2);
			xmlFree(text);
			px_buf_free(&value);
		}
	}
	if (line.len > 2)
		px_buf_addf(out, "  %-10s %.*s\n", label, (int)line.len - 4, px_buf_str(&line) + 2);
	px_buf_free(&line);
}

/* Type, who sent it as what, when, and where its signed octets are. */
static void add_exchange(struct px_buf *out, const xmlNode *n, const char *label)
{
	px_buf_addf(out, "  %-10s", label);
	add_child(out, " ", n, "MessageType");
	add_child(out, " ", n, "TypeVersion");
	add_child(out, " ", n, "Sender");
	add_child(out, "/", n, "MessageId");
	add_child(out, ", accepted ", n, "AcceptedAt");
	add_child(out, ", ", n, "Href");
	px_buf_addc(out, '\n');
}

static bool is_declared(const xmlNode *movement, const xmlNode *sent)
{
	struct px_buf a = PX_BUF_INIT, b = PX_BUF_INIT;
	bool found = false;
	add_child(&a, "", sent, "Href");
	for (const xmlNode *d = first(movement, "Declaration"); d != NULL && !found; d = next(d)) {
		px_buf_clear(&b);
		add_child(&b, "", d, "Href");
		found = strcmp(px_buf_str(&a), px_buf_str(&b)) == 0;
	}
	px_buf_free(&a);
	px_buf_free(&b);
	return found;
}

static void show_movement(struct px_buf *out, const xmlNode *m)
{
	add_child(out, "\n", m, "MovementState");
	px_buf_addc(out, '\n');
	add_values(out, m, "MRN", "MRN");
	add_values(out, m, "LRN", "LRN");
	add_values(out, m, "Declarant", "declarant");
	add_values(out, m, "Vehicle", "vehicle");
	add_values(out, m, "Container", "container");
	add_values(out, m, "Seal", "seal");
	for (const xmlNode *d = first(m, "Declaration"); d != NULL; d = next(d)) {
		add_exchange(out, d, "declared");
		for (const xmlNode *a = first(d, "Arrival"); a != NULL; a = next(a)) {
			add_child(out, "    expected at ", a, "Office");
			add_child(out, " ", a, "ExpectedAt");
			add_child(out, ", at the latest ", a, "Limit");
			px_buf_addc(out, '\n');
		}
	}
	for (const xmlNode *s = first(m, "Sent"); s != NULL; s = next(s)) {
		if (!is_declared(m, s))
			add_exchange(out, s, "sent");
	}
	add_child(out, "  declarations not listed: ", m, "DeclarationsOmitted");
	px_buf_adds(out, first(m, "DeclarationsOmitted") != NULL ? "\n" : "");
	add_child(out, "  exchanges not listed: ", m, "SentOmitted");
	px_buf_adds(out, first(m, "SentOmitted") != NULL ? "\n" : "");
}

int px_show_movements(struct px_buf *out, const uint8_t *doc, size_t len)
{
	xmlDoc *tree = parse(doc, len);
	unsigned n = 0;
	if (tree == NULL)
		return PX_EPARSE;
	const xmlNode *root = xmlDocGetRootElement(tree), *m = first(root, "Movement");
	for (const xmlNode *c = m; c != NULL; c = next(c))
		n++;
	px_buf_addf(out, "%u movement%s known", n, n == 1 ? "" : "s");
	add_child(out, " to ", root, "Authority");
	add_child(out, " at ", root, "At");
	px_buf_addc(out, '\n');
	for (; m != NULL; m = next(m))
		show_movement(out, m);
	add_child(out, "\nmore: ask again with after=", root, "Next");
	px_buf_adds(out, first(root, "Next") != NULL ? "\n" : "");
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
