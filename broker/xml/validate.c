/* prinex: stage schema: the payload against its schema, libxml2's errors in our words
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <libxml/xmlschemas.h>

#include "base/strings.h"
#include "xml/examiner.h"
#include "xml/heap.h"
#include "xml/recover.h"
#include "xml/run.h"

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

static enum px_code code_of(const xmlError *err, const char *text, bool *facet)
{
	*facet = false;
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

/** One validation. */
struct validation {
	struct px_faults *faults;
	const xmlNode *facet_at; /* whose value had a facet's error last */
};

static void on_content_error(struct px_faults *faults, xmlNode *node, const char *text)
{
	/* "... Expected is ( A )." or "... Expected is one of ( A, B )." */
	const char *list = strstr(text, "Expected is");
	list = list != NULL ? strchr(list, '(') : NULL;
	px_faults_misfit(faults, node, strncmp(text, "Missing", 7) == 0, list != NULL ? list + 1 : "");
}

static void on_error(void *arg, xmlErrorPtr err)
{
	struct validation *v = arg;
	xmlNode *node = err->node;
	if (err->level < XML_ERR_ERROR || px_faults_is_ours(node))
		return;
	/* After the facet's own error libxml2 says once more that the value is wrong. */
	bool again = err->code >= XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_1 &&
		     err->code <= XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_3 && node != NULL && node == v->facet_at;
	const char *message = err->message != NULL ? err->message : "";
	if (again)
		return;
	if (err->code == XML_SCHEMAV_ELEMENT_CONTENT && node != NULL) {
		on_content_error(v->faults, node,
				 strstr(message, "': ") != NULL ? strstr(message, "': ") + 3 : message);
		return;
	}
	struct px_buf text = PX_BUF_INIT;
	bool facet, keep = px_faults_has_room(v->faults);
	char *value = keep ? value_of(node) : NULL;
	if (keep)
		clean_text(message, value != NULL ? value : "", &text);
	enum px_code code = code_of(err, px_buf_str(&text), &facet);
	bool about_value = facet || code == PX_CODE_SCHEMA_VALUE || code == PX_CODE_SCHEMA_OTHER;
	px_faults_add(v->faults, code, node, about_value ? value : NULL, px_buf_str(&text));
	v->facet_at = facet ? node : NULL;
	px_buf_free(&text);
	free(value);
}

/* A validation makes and drops hundreds of small things, half of its time with malloc(3). What stays of them
 * (identifiers hang at the document) goes with the document's own memory. */
static int apply_schema(struct px_run *run, xmlStructuredErrorFunc on_fault, void *arg)
{
	(void)px_heap_begin();
	xmlSchemaValidCtxtPtr ctxt = xmlSchemaNewValidCtxt(run->ex->sets[run->variant->set].schema);
	px_assert(ctxt != NULL);
	xmlSchemaSetValidStructuredErrors(ctxt, on_fault, arg);
	int rc = xmlSchemaValidateDoc(ctxt, run->doc);
	xmlSchemaFreeValidCtxt(ctxt);
	px_heap_end();
	return rc;
}

static int validate(void *arg, struct px_faults *faults)
{
	struct validation v = {.faults = faults};
	return apply_schema(arg, on_error, &v);
}

/* --- confirmations --- */

static void ignore(void *arg, xmlErrorPtr err)
{
	(void)arg;
	(void)err;
}

static void leave_out(xmlNode *node)
{
	if (node->prev != NULL)
		node->prev->next = node->next;
	else
		node->parent->children = node->next;
	if (node->next != NULL)
		node->next->prev = node->prev;
	else
		node->parent->last = node->prev;
}

static void put_back(xmlNode *node)
{
	if (node->prev != NULL)
		node->prev->next = node;
	else
		node->parent->children = node;
	if (node->next != NULL)
		node->next->prev = node;
	else
		node->parent->last = node;
}

/*
 * Two thirds of what validating a confirmation costs is its Signature, letter by letter of the certificates.
 * Stage shape has compared that with what xmldsig-profile-1.xsd says, element by element; without it, which
 * exchange-1.xsd allows, the rest is judged. What is not valid so is judged again as a whole, for its errors.
 */
static bool is_valid_beside_signature(struct px_run *run)
{
	if (run->v->kind != PX_DOC_CONFIRMATION || run->signature == NULL || run->shape.odd)
		return false;
	leave_out(run->signature);
	int rc = apply_schema(run, ignore, NULL);
	put_back(run->signature);
	return rc == 0;
}

void px_stage_schema(struct px_run *run)
{
	struct px_faults faults = {0};
	if (is_valid_beside_signature(run))
		return;
	int rc = validate(run, &faults);
	if (rc != 0)
		px_faults_recover(&faults, run->len, validate, run);
	px_faults_report(&faults, run);
	if (rc != 0 && run->v->errors.total == 0)
		px_run_error(run, PX_CODE_SCHEMA_OTHER, run->payload, NULL,
			     "the schema could not be applied (%d)", rc);
}
