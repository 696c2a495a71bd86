/* prinex: stage parse: octets to a tree; what of it the next stages must know
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <libxml/SAX2.h>
#include <libxml/parser.h>

#include "xml/heap.h"
#include "xml/run.h"

/* Never HUGE, NOENT, DTDLOAD or XINCLUDE. COMPACT: the tree is only read, apart from links between nodes. */
#define OPTIONS (XML_PARSE_NONET | XML_PARSE_BIG_LINES | XML_PARSE_COMPACT)

#define NS_XSI "http://www.w3.org/2001/XMLSchema-instance"

static void on_error(void *arg, xmlErrorPtr err)
{
	struct px_run *run = ((xmlParserCtxtPtr)arg)->_private;
	if (err->level < XML_ERR_ERROR)
		return;
	struct px_findings *errors = &run->v->errors;
	enum px_code code = err->domain == XML_FROM_NAMESPACE ? PX_CODE_XML_NAMESPACE : PX_CODE_XML_SYNTAX;
	px_run_error(run, code, NULL, NULL, "%s", err->message != NULL ? err->message : "not well-formed");
	if (errors->n > 0 && errors->n == errors->total && err->line > 0)
		errors->items[errors->n - 1].line = (unsigned)err->line;
}

/* --- while elements are made --- */

static bool has_scheme(const xmlChar *uri)
{
	if (!((*uri >= 'a' && *uri <= 'z') || (*uri >= 'A' && *uri <= 'Z')))
		return false;
	size_t n = strcspn((const char *)uri, ":/?#");
	return uri[n] == ':';
}

static bool is_fine_namespace(const xmlChar *uri)
{
	return uri == NULL || *uri == '\0' || (has_scheme(uri) && strchr((const char *)uri, '&') == NULL);
}

static bool is_xsi_type(const xmlChar *name, const xmlChar *ns)
{
	return ns != NULL && strcmp((const char *)name, "type") == 0 && strcmp((const char *)ns, NS_XSI) == 0;
}

static void note_signature(struct px_run *run, xmlNode *node)
{
	/* Names are interned by the parser, but comparing two letters first is as cheap. */
	if (node->name[0] != 'S' || !px_node_is(node, PX_NS_DSIG, "Signature"))
		return;
	if (run->n_signatures++ == 0)
		run->first_signature = node;
}

/*
 * An element is looked at while it is in the processor's cache: a walk over the tree of 1 MB afterwards is a
 * twentieth of an inspection. What is wrong is told by that walk, once the document is well-formed.
 */
static void on_element(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int n_ns,
		       const xmlChar **ns, int n_attributes, int n_defaulted, const xmlChar **attributes)
{
	const xmlParserCtxt *ctxt = ctx;
	struct px_run *run = ctxt->_private;
	xmlSAX2StartElementNs(ctx, name, prefix, uri, n_ns, ns, n_attributes, n_defaulted, attributes);
	for (int i = 0; i < n_ns; i++) /* prefix, URI */
		run->must_survey = run->must_survey || !is_fine_namespace(ns[2 * i + 1]);
	for (int i = 0; i < n_attributes; i++) /* name, prefix, URI, value, its end */
		run->must_survey = run->must_survey || is_xsi_type(attributes[5 * i], attributes[5 * i + 2]);
	if (ctxt->node == NULL)
		return;
	px_rows_add(&run->rows, ctxt->node, (unsigned)ctxt->nodeNr);
	note_signature(run, ctxt->node);
}

static void make_tree(struct px_run *run)
{
	xmlParserCtxtPtr ctxt = xmlNewParserCtxt();
	px_assert(ctxt != NULL);
	ctxt->_private = run;
	ctxt->sax->serror = on_error;
	ctxt->sax->startElementNs = on_element;
	run->doc = xmlCtxtReadMemory(ctxt, (const char *)run->data, (int)run->len, NULL, NULL, OPTIONS);
	if (run->doc != NULL && (!ctxt->wellFormed || !ctxt->nsWellFormed) && run->v->errors.total == 0)
		px_run_error(run, PX_CODE_XML_SYNTAX, NULL, NULL, "not well-formed");
	xmlFreeParserCtxt(ctxt);
}

static bool parse(struct px_run *run)
{
	run->heap_mark = px_heap_begin();
	make_tree(run);
	px_heap_end();
	if (run->doc == NULL && run->v->errors.total == 0)
		px_run_error(run, PX_CODE_XML_SYNTAX, NULL, NULL, "not well-formed");
	if (run->v->errors.total == 0)
		return true;
	run->n_signatures = 0; /* of a tree that nobody reads, and that may be gone */
	run->first_signature = NULL;
	return false;
}

/* --- the walk, where something may be wrong --- */

/*
 * Canonicalization of relative namespace names is undefined (https://www.w3.org/TR/xml-c14n section 1.3). An
 * ampersand in one is written escaped by the standard and as it is by libxml2's own canonicalization, and so
 * xmlsec1's: what one partner verifies another would refuse.
 */
static void check_namespaces(struct px_run *run, xmlNode *node)
{
	for (const xmlNs *ns = node->nsDef; ns != NULL; ns = ns->next) {
		if (ns->href != NULL && ns->href[0] != '\0' && !has_scheme(ns->href))
			px_run_error(run, PX_CODE_XML_NAMESPACE, node, (const char *)ns->href,
				     "a namespace name is relative");
		else if (ns->href != NULL && strchr((const char *)ns->href, '&') != NULL)
			px_run_error(run, PX_CODE_XML_NAMESPACE, node, (const char *)ns->href,
				     "a namespace name holds an ampersand, which libraries sign differently");
	}
}

static void note_element(struct px_run *run, xmlNode *node)
{
	if (node->nsDef != NULL)
		check_namespaces(run, node);
	for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
		if (!is_xsi_type(a->name, a->ns != NULL ? a->ns->href : NULL))
			continue;
		if (run->n_xsi_types < PX_ARRAY_LEN(run->xsi_types))
			run->xsi_types[run->n_xsi_types] = a;
		run->n_xsi_types++;
	}
}

static void survey(struct px_run *run)
{
	xmlNode *node = run->root;
	while (node != NULL) {
		if (node->type == XML_ELEMENT_NODE) {
			note_element(run, node);
			if (node->children != NULL) {
				node = node->children;
				continue;
			}
		}
		while (node != run->root && node->next == NULL)
			node = node->parent;
		node = node != run->root ? node->next : NULL;
	}
}

void px_stage_parse(struct px_run *run)
{
	if (!parse(run))
		return;
	run->root = xmlDocGetRootElement(run->doc);
	if (run->root == NULL)
		px_run_error(run, PX_CODE_XML_SYNTAX, NULL, NULL, "there is no root element");
	else if (run->must_survey)
		survey(run);
}
