/* prinex: the shape a schema gives a document: XSDs read as documents
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/shape.h"

#include <glob.h>
#include <libxml/hash.h>
#include <libxml/parser.h>

#include "base/strings.h"
#include "client/shape_parts.h"

#define XSD_NS   "http://www.w3.org/2001/XMLSchema"
#define XSD_SIZE ((size_t)16 << 20)

struct px_shape {
	unsigned n_docs;
	xmlDoc **docs;
	xmlHashTable *parts; /* kind and name to node */
	char *uri;
	unsigned n_models;
	struct px_model **models;
	xmlNode *root;
};

/* --- reading --- */

static bool is_xsd(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0 &&
	       node->ns != NULL && strcmp((const char *)node->ns->href, XSD_NS) == 0;
}

static char *attribute(const xmlNode *node, const char *name)
{
	return (char *)xmlGetNoNsProp(node, BAD_CAST name);
}

/* Simple and complex types share their names. */
static const char *kind_of(const xmlNode *node)
{
	return is_xsd(node, "element")                                     ? "E"
	       : is_xsd(node, "group")                                     ? "G"
	       : is_xsd(node, "complexType") || is_xsd(node, "simpleType") ? "T"
									   : NULL;
}

static void add_parts(struct px_shape *shape, xmlNode *schema)
{
	for (xmlNode *n = xmlFirstElementChild(schema); n != NULL; n = xmlNextElementSibling(n)) {
		const char *kind = kind_of(n);
		char *name = attribute(n, "name");
		if (kind != NULL && name != NULL)
			xmlHashAddEntry2(shape->parts, BAD_CAST kind, BAD_CAST name, n);
		xmlFree(name);
	}
}

static int read_xsd(struct px_shape *shape, const char *path, struct px_buf *why)
{
	struct px_buf data = PX_BUF_INIT;
	int rc = px_buf_read_file(&data, path, XSD_SIZE, why);
	if (rc != PX_OK)
		return PX_ECONF;
	xmlDoc *doc =
	    xmlReadMemory((const char *)data.data, (int)data.len, path, NULL,
			  XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOBLANKS);
	px_buf_free(&data);
	xmlNode *schema = doc != NULL ? xmlDocGetRootElement(doc) : NULL;
	if (schema == NULL || !is_xsd(schema, "schema")) {
		px_buf_setf(why, "%s: no XML schema", path);
		xmlFreeDoc(doc);
		return PX_ECONF;
	}
	char *target = attribute(schema, "targetNamespace");
	/* without one it takes the namespace of whoever includes it */
	if (target == NULL || strcmp(target, shape->uri) == 0)
		add_parts(shape, schema);
	xmlFree(target);
	shape->docs = px_xrealloc_array(shape->docs, shape->n_docs + 1, sizeof(xmlDoc *));
	shape->docs[shape->n_docs++] = doc;
	return PX_OK;
}

int px_shape_load(const char *folder, const char *uri, const char *root, struct px_shape **out,
		  struct px_buf *why)
{
	struct px_shape *shape = px_xcalloc(1, sizeof(*shape));
	struct px_buf pattern = PX_BUF_INIT;
	glob_t files = {0};
	int rc = PX_OK;
	shape->uri = px_xstrdup(uri);
	shape->parts = xmlHashCreate(1024);
	px_assert(shape->parts != NULL);
	px_buf_addf(&pattern, "%s/*.xsd", folder);
	if (glob(px_buf_str(&pattern), 0, NULL, &files) == 0) {
		for (size_t i = 0; i < files.gl_pathc && rc == PX_OK; i++)
			rc = read_xsd(shape, files.gl_pathv[i], why);
		globfree(&files);
	}
	px_buf_free(&pattern);
	shape->root = xmlHashLookup2(shape->parts, BAD_CAST "E", BAD_CAST root);
	if (rc == PX_OK && shape->root == NULL) {
		px_buf_setf(why, "%s: no schema there has the element %s", folder, root);
		rc = PX_ECONF;
	}
	if (rc != PX_OK)
		px_shape_free(&shape);
	*out = shape;
	return rc;
}

void px_shape_free(struct px_shape **shape)
{
	struct px_shape *s = *shape;
	if (s == NULL)
		return;
	for (unsigned i = 0; i < s->n_models; i++) {
		for (unsigned k = 0; k < s->models[i]->n; k++)
			xmlFree(s->models[i]->children[k].name);
		free(s->models[i]->children);
		free(s->models[i]);
	}
	free(s->models);
	xmlHashFree(s->parts, NULL);
	for (unsigned i = 0; i < s->n_docs; i++)
		xmlFreeDoc(s->docs[i]);
	free(s->docs);
	free(s->uri);
	PX_FREE(*shape);
}

xmlNode *px_shape_root(const struct px_shape *shape)
{
	return shape->root;
}

/* --- content models --- */

/* What a QName attribute of @node names in the schema; NULL: it names something of XML Schema itself. */
static xmlNode *part_named(const struct px_shape *shape, const char *kind, xmlNode *node, const char *by)
{
	xmlNode *found = NULL;
	char *qname = attribute(node, by);
	if (qname == NULL)
		return NULL;
	char *colon = strchr(qname, ':');
	const char *local = colon != NULL ? colon + 1 : qname;
	if (colon != NULL)
		*colon = '\0';
	const xmlNs *ns = xmlSearchNs(node->doc, node, colon != NULL ? BAD_CAST qname : NULL);
	if (ns == NULL || strcmp((const char *)ns->href, shape->uri) == 0)
		found = xmlHashLookup2(shape->parts, BAD_CAST kind, BAD_CAST local);
	xmlFree(qname);
	return found;
}

static unsigned occurs(const xmlNode *node, const char *name)
{
	char *text = attribute(node, name);
	uint64_t n = 1;
	if (text != NULL && px_parse_u64(text, 0, UINT32_MAX, &n) != PX_OK)
		n = UINT32_MAX; /* unbounded */
	xmlFree(text);
	return (unsigned)n;
}

struct flatten {
	struct px_shape *shape;
	struct px_model *model;
	unsigned n_choices;
};

static void add_child(struct flatten *f, xmlNode *element, bool required, unsigned choice)
{
	struct px_model *m = f->model;
	xmlNode *global = part_named(f->shape, "E", element, "ref");
	struct px_child child = {.name = attribute(global != NULL ? global : element, "name"),
				 .decl = global != NULL ? global : element,
				 .use = element,
				 .required = required && occurs(element, "minOccurs") > 0,
				 .repeats = occurs(element, "maxOccurs") > 1,
				 .choice = choice};
	if (child.name == NULL)
		return; /* of another namespace */
	m->children = px_xrealloc_array(m->children, m->n + 1, sizeof(m->children[0]));
	m->children[m->n++] = child;
}

/* Elements below a particle, in their order. @choice: the choice they belong to, 0 none. */
static void flatten(struct flatten *f, xmlNode *particle, bool required, unsigned choice, unsigned depth)
{
	if (particle == NULL || depth > PX_SHAPE_DEPTH)
		return;
	if (is_xsd(particle, "element")) {
		add_child(f, particle, required, choice);
		return;
	}
	required = required && occurs(particle, "minOccurs") > 0;
	if (is_xsd(particle, "group") && xmlHasProp(particle, BAD_CAST "ref") != NULL)
		particle = part_named(f->shape, "G", particle, "ref");
	else if (is_xsd(particle, "extension"))
		flatten(f, part_named(f->shape, "T", particle, "base"), required, choice, depth + 1);
	else if (is_xsd(particle, "choice") && choice == 0)
		choice = ++f->n_choices;
	for (xmlNode *n = particle != NULL ? xmlFirstElementChild(particle) : NULL; n != NULL;
	     n = xmlNextElementSibling(n)) {
		if (!is_xsd(n, "annotation") && !is_xsd(n, "attribute"))
			flatten(f, n, required, choice, depth + 1);
	}
}

const struct px_model *px_shape_model(struct px_shape *shape, xmlNode *decl)
{
	if (decl->_private != NULL)
		return decl->_private;
	struct px_model *m = px_xcalloc(1, sizeof(*m));
	struct flatten f = {.shape = shape, .model = m};
	xmlNode *type = part_named(shape, "T", decl, "type");
	for (xmlNode *n = xmlFirstElementChild(decl); n != NULL && type == NULL;
	     n = xmlNextElementSibling(n)) {
		if (is_xsd(n, "complexType"))
			type = n;
	}
	if (type != NULL && is_xsd(type, "complexType"))
		flatten(&f, type, true, 0, 0);
	shape->models = px_xrealloc_array(shape->models, shape->n_models + 1, sizeof(struct px_model *));
	shape->models[shape->n_models++] = m;
	decl->_private = m;
	return m;
}

const struct px_child *px_model_find(const struct px_model *m, const char *name)
{
	for (unsigned i = 0; i < m->n; i++) {
		if (strcmp(m->children[i].name, name) == 0)
			return &m->children[i];
	}
	return NULL;
}

/* --- what annotations say --- */

static void squeeze(const char *s, struct px_buf *out)
{
	bool gap = false;
	for (; *s != '\0'; s++) {
		bool space = *s == ' ' || *s == '\n' || *s == '\t' || *s == '\r';
		if (!space && gap && out->len > 0)
			px_buf_addc(out, ' ');
		if (!space)
			px_buf_addc(out, *s);
		gap = space;
	}
}

/* `<documentation source="EUCDM">12 09 000 000`, `<documentation xml:lang="en">prose`, or NCTS's
 * `<documentation><description value="prose"/>`. */
void px_shape_describe(const xmlNode *element, struct px_buf *eucdm, struct px_buf *text)
{
	const xmlNode *note = xmlFirstElementChild((xmlNode *)element);
	if (note == NULL || !is_xsd(note, "annotation"))
		return;
	for (xmlNode *n = xmlFirstElementChild((xmlNode *)note); n != NULL; n = xmlNextElementSibling(n)) {
		char *source = attribute(n, "source"), *content = (char *)xmlNodeGetContent(n);
		xmlNode *inner = xmlFirstElementChild(n);
		char *value = inner != NULL ? attribute(inner, "value") : NULL;
		if (source != NULL && strcmp(source, "EUCDM") == 0)
			squeeze(content, eucdm);
		else if (text->len == 0)
			squeeze(value != NULL ? value : content, text);
		xmlFree(source);
		xmlFree(content);
		xmlFree(value);
	}
}
