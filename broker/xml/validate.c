/* prinex: stage schema: the payload against its schema, libxml2's errors in our words
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <libxml/xmlschemas.h>

#include "base/strings.h"
#include "xml/examiner.h"
#include "xml/run.h"

/* --- the payload as root of a document of its own --- */

static xmlNs *ns_tail(xmlNode *node)
{
	xmlNs *ns = node->nsDef;
	while (ns != NULL && ns->next != NULL)
		ns = ns->next;
	return ns;
}

/* Hang @list behind the declarations of @node, so that they stay in scope. @return what ends with it now. */
static xmlNs *borrow_ns(xmlNode *node, xmlNs *list, bool *was_empty)
{
	xmlNs *tail = ns_tail(node);
	*was_empty = tail == NULL;
	if (tail != NULL)
		tail->next = list;
	else
		node->nsDef = list;
	return tail;
}

/*
 * Only links are changed: no node is copied, lines and names stay, and what the envelope declares stays in
 * scope (inner declarations stand first and win).
 */
void px_payload_detach(struct px_run *run)
{
	xmlNode *payload = run->payload, *parent = payload->parent;
	px_assert(run->home.parent == NULL && parent != NULL && parent->parent == run->root);
	run->home.parent = parent;
	run->home.prev = payload->prev;
	run->home.next = payload->next;
	run->home.doc_children = run->doc->children;
	run->home.doc_last = run->doc->last;
	run->home.parent_tail = borrow_ns(parent, run->root->nsDef, &run->home.parent_was_empty);
	run->home.tail = borrow_ns(payload, parent->nsDef, &run->home.was_empty);
	payload->parent = (xmlNode *)run->doc;
	payload->prev = payload->next = NULL;
	run->doc->children = run->doc->last = payload;
}

static void return_ns(xmlNode *node, xmlNs *tail, bool was_empty)
{
	if (was_empty)
		node->nsDef = NULL;
	else
		tail->next = NULL;
}

void px_payload_attach(struct px_run *run)
{
	if (run->home.parent == NULL)
		return;
	xmlNode *payload = run->payload;
	return_ns(payload, run->home.tail, run->home.was_empty);
	return_ns(run->home.parent, run->home.parent_tail, run->home.parent_was_empty);
	payload->parent = run->home.parent;
	payload->prev = run->home.prev;
	payload->next = run->home.next;
	run->doc->children = run->home.doc_children;
	run->doc->last = run->home.doc_last;
	run->home.parent = NULL;
}

/* --- libxml2's errors --- */

static const struct {
	int theirs;
	enum px_code ours;
	bool facet;
} codes[] = {
    {XML_SCHEMAV_CVC_ENUMERATION_VALID, PX_CODE_SCHEMA_ENUM, true},
    {XML_SCHEMAV_CVC_PATTERN_VALID, PX_CODE_SCHEMA_PATTERN, true},
    {XML_SCHEMAV_CVC_MAXLENGTH_VALID, PX_CODE_SCHEMA_LONG, true},
    {XML_SCHEMAV_CVC_MINLENGTH_VALID, PX_CODE_SCHEMA_SHORT, true},
    {XML_SCHEMAV_CVC_LENGTH_VALID, PX_CODE_SCHEMA_LONG, true}, /* or short: see length_code */
    {XML_SCHEMAV_CVC_MININCLUSIVE_VALID, PX_CODE_SCHEMA_RANGE, true},
    {XML_SCHEMAV_CVC_MAXINCLUSIVE_VALID, PX_CODE_SCHEMA_RANGE, true},
    {XML_SCHEMAV_CVC_MINEXCLUSIVE_VALID, PX_CODE_SCHEMA_RANGE, true},
    {XML_SCHEMAV_CVC_MAXEXCLUSIVE_VALID, PX_CODE_SCHEMA_RANGE, true},
    {XML_SCHEMAV_CVC_TOTALDIGITS_VALID, PX_CODE_SCHEMA_RANGE, true},
    {XML_SCHEMAV_CVC_FRACTIONDIGITS_VALID, PX_CODE_SCHEMA_RANGE, true},
    {XML_SCHEMAV_CVC_FACET_VALID, PX_CODE_SCHEMA_VALUE, true},
    {XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_1, PX_CODE_SCHEMA_VALUE, false},
    {XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_2, PX_CODE_SCHEMA_VALUE, false},
    {XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_3, PX_CODE_SCHEMA_VALUE, false},
    {XML_SCHEMAV_CVC_AU, PX_CODE_SCHEMA_VALUE, false},
    {XML_SCHEMAV_CVC_ELT_5_2_2_2_1, PX_CODE_SCHEMA_VALUE, false},
    {XML_SCHEMAV_CVC_ELT_5_2_2_2_2, PX_CODE_SCHEMA_VALUE, false},
    {XML_SCHEMAV_CVC_COMPLEX_TYPE_4, PX_CODE_SCHEMA_MISSING, false},
    {XML_SCHEMAV_CVC_COMPLEX_TYPE_2_1, PX_CODE_SCHEMA_UNEXPECTED, false},
    {XML_SCHEMAV_CVC_COMPLEX_TYPE_2_2, PX_CODE_SCHEMA_UNEXPECTED, false},
    {XML_SCHEMAV_CVC_COMPLEX_TYPE_2_3, PX_CODE_SCHEMA_UNEXPECTED, false},
    {XML_SCHEMAV_CVC_COMPLEX_TYPE_2_4, PX_CODE_SCHEMA_UNEXPECTED, false},
    {XML_SCHEMAV_CVC_COMPLEX_TYPE_3_1, PX_CODE_SCHEMA_VALUE, false},
    {XML_SCHEMAV_CVC_COMPLEX_TYPE_3_2_1, PX_CODE_SCHEMA_UNEXPECTED, false},
    {XML_SCHEMAV_CVC_COMPLEX_TYPE_3_2_2, PX_CODE_SCHEMA_UNEXPECTED, false},
    {XML_SCHEMAV_CVC_TYPE_3_1_1, PX_CODE_SCHEMA_UNEXPECTED, false},
    {XML_SCHEMAV_CVC_TYPE_3_1_2, PX_CODE_SCHEMA_UNEXPECTED, false},
    {XML_SCHEMAV_CVC_WILDCARD, PX_CODE_SCHEMA_UNEXPECTED, false},
};

/** One validation. */
struct validation {
	struct px_run *run;
	const xmlNode *facet_at; /* whose value had a facet's error last */
};

/* "Element 'x', attribute 'y': [facet 'z'] text\n": the place and the facet are told otherwise. */
static void clean_text(const char *message, const char *value, struct px_buf *out)
{
	const char *text = strncmp(message, "Element '", 9) == 0 ? strstr(message, "': ") : NULL;
	text = text != NULL ? text + 3 : message;
	if (strncmp(text, "[facet '", 8) == 0 && strstr(text, "'] ") != NULL)
		text = strstr(text, "'] ") + 3;
	size_t n = strlen(text), skip = 0;
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	/* A long value before the reason would push the reason out of sight. */
	static const char lead[] = "The value '";
	size_t v = strlen(value);
	if (strncmp(text, lead, sizeof(lead) - 1) == 0 && strncmp(text + sizeof(lead) - 1, value, v) == 0 &&
	    text[sizeof(lead) - 1 + v] == '\'') {
		px_buf_adds(out, "The value");
		skip = sizeof(lead) + v;
	} else if (text[0] == '\'' && strncmp(text + 1, value, v) == 0 && text[v + 1] == '\'') {
		px_buf_adds(out, "The value");
		skip = v + 2;
	}
	px_buf_add(out, text + skip, n - skip);
}

/* "The value has a length of '3'; this differs from the allowed length of '2'." */
static enum px_code length_code(const char *text)
{
	const char *a = strchr(text, '\''), *b = a != NULL ? strchr(a + 1, '\'') : NULL;
	const char *c = b != NULL ? strchr(b + 1, '\'') : NULL;
	if (c == NULL)
		return PX_CODE_SCHEMA_VALUE;
	return strtoul(a + 1, NULL, 10) < strtoul(c + 1, NULL, 10) ? PX_CODE_SCHEMA_SHORT
								   : PX_CODE_SCHEMA_LONG;
}

/* An element that the content model does not take here: one too many, or foreign, or a child is missing. */
static enum px_code content_code(const xmlNode *node, const char *text)
{
	if (strncmp(text, "Missing", 7) == 0)
		return PX_CODE_SCHEMA_MISSING;
	const xmlNode *prev = node->prev;
	while (prev != NULL && prev->type != XML_ELEMENT_NODE)
		prev = prev->prev;
	if (prev != NULL && strcmp((const char *)prev->name, (const char *)node->name) == 0 &&
	    prev->ns == node->ns)
		return PX_CODE_SCHEMA_TOO_MANY;
	return PX_CODE_SCHEMA_UNEXPECTED;
}

static enum px_code code_of(const xmlError *err, const xmlNode *node, const char *text, bool *facet)
{
	*facet = false;
	if (err->code == XML_SCHEMAV_ELEMENT_CONTENT)
		return node != NULL ? content_code(node, text) : PX_CODE_SCHEMA_OTHER;
	for (size_t i = 0; i < PX_ARRAY_LEN(codes); i++) {
		if (codes[i].theirs == err->code) {
			*facet = codes[i].facet;
			return err->code == XML_SCHEMAV_CVC_LENGTH_VALID ? length_code(text) : codes[i].ours;
		}
	}
	return PX_CODE_SCHEMA_OTHER;
}

/* The text of a leaf; NULL where an element is the matter and not its value. */
static char *value_of(const xmlNode *node)
{
	if (node == NULL || (node->type == XML_ELEMENT_NODE && px_next_element(node->children) != NULL))
		return NULL;
	xmlChar *content = xmlNodeGetContent(node);
	char *copy = content != NULL ? px_xstrdup((const char *)content) : NULL;
	xmlFree(content);
	return copy;
}

static void on_error(void *arg, xmlErrorPtr err)
{
	struct validation *v = arg;
	struct px_run *run = v->run;
	const xmlNode *node = err->node;
	if (err->level < XML_ERR_ERROR)
		return;
	/* After the facet's own error libxml2 says once more that the value is wrong. */
	bool again = err->code >= XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_1 &&
		     err->code <= XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_3 && node != NULL && node == v->facet_at;
	if (again)
		return;
	bool facet, counted_only = run->v->errors.n >= PX_ERRORS_MAX;
	char *value = counted_only ? NULL : value_of(node);
	struct px_buf text = PX_BUF_INIT;
	if (!counted_only)
		clean_text(err->message != NULL ? err->message : "", value != NULL ? value : "", &text);
	enum px_code code = code_of(err, node, px_buf_str(&text), &facet);
	bool about_value = facet || code == PX_CODE_SCHEMA_VALUE || code == PX_CODE_SCHEMA_OTHER;
	px_run_error(run, code, node, about_value ? value : NULL, "%s", px_buf_str(&text));
	v->facet_at = facet ? node : NULL;
	px_buf_free(&text);
	free(value);
}

void px_stage_schema(struct px_run *run)
{
	struct validation v = {.run = run};
	xmlSchemaPtr schema = run->ex->sets[run->variant->set].schema;
	xmlSchemaValidCtxtPtr ctxt = xmlSchemaNewValidCtxt(schema);
	px_assert(ctxt != NULL);
	xmlSchemaSetValidStructuredErrors(ctxt, on_error, &v);
	int rc = xmlSchemaValidateDoc(ctxt, run->doc);
	if (rc != 0 && run->v->errors.total == 0)
		px_run_error(run, PX_CODE_SCHEMA_OTHER, run->payload, NULL,
			     "the schema could not be applied (%d)", rc);
	xmlSchemaFreeValidCtxt(ctxt);
}
