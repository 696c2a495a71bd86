/* prinex: a file of rules is loaded and freed
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <libxml/parser.h>

#include "base/limits.h"
#include "xml/rules_parts.h"

static int parse(const char *file, xmlDoc **out, struct px_buf *why)
{
	struct px_buf text = PX_BUF_INIT;
	if (px_buf_read_file(&text, file, (size_t)PX_LIMIT_RULES_FILE, why) != PX_OK) {
		px_buf_free(&text);
		return PX_ECONF;
	}
	xmlParserCtxtPtr ctxt = xmlNewParserCtxt();
	px_assert(ctxt != NULL);
	*out =
	    xmlCtxtReadMemory(ctxt, (const char *)text.data, (int)text.len, file, NULL,
			      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA);
	const xmlError *e = &ctxt->lastError;
	if (*out == NULL && e->message != NULL)
		px_buf_setf(why, "%s:%d: %.*s", file, e->line, (int)strcspn(e->message, "\n"), e->message);
	else if (*out == NULL)
		px_buf_setf(why, "%s: not XML", file);
	xmlFreeParserCtxt(ctxt);
	px_buf_free(&text);
	return *out != NULL ? PX_OK : PX_ECONF;
}

int px_rules_load(const char *file, struct px_rules **out, struct px_buf *why)
{
	xmlDoc *doc = NULL;
	*out = NULL;
	if (parse(file, &doc, why) != PX_OK)
		return PX_ECONF;
	struct px_rules *r = px_xcalloc(1, sizeof(*r));
	r->file = px_xstrdup(file);
	r->title = px_xstrdup("");
	r->root.ns = "";
	int rc = px_rules_read(r, xmlDocGetRootElement(doc), why);
	xmlFreeDoc(doc);
	if (rc != PX_OK)
		px_rules_free(&r);
	*out = r;
	return rc;
}

static void free_expr(xmlXPathCompExprPtr expr)
{
	if (expr != NULL)
		xmlXPathFreeCompExpr(expr);
}

static void free_check(struct px_check *c)
{
	for (unsigned i = 0; i < c->n_pieces; i++) {
		free(c->pieces[i].text);
		free_expr(c->pieces[i].select);
	}
	free(c->pieces);
	free_expr(c->test);
	free_expr(c->subject);
	free(c->plain.text);
	free((char *)c->view.id);
	free((char *)c->view.test);
	free((char *)c->view.text);
	free((struct px_rule_translation *)c->view.translations);
}

static void free_declarations(struct px_rules *r)
{
	for (unsigned i = 0; i < r->n_namespaces; i++) {
		free(r->namespaces[i].prefix);
		free(r->namespaces[i].uri);
	}
	free(r->namespaces);
	for (unsigned i = 0; i < r->n_diagnostics; i++) {
		free(r->diagnostics[i].id);
		free(r->diagnostics[i].lang);
		free(r->diagnostics[i].text);
	}
	free(r->diagnostics);
	for (unsigned i = 0; i < r->n_lets; i++) {
		free(r->lets[i].name);
		free_expr(r->lets[i].expr);
	}
	free(r->lets);
}

void px_rules_free(struct px_rules **rules)
{
	struct px_rules *r = *rules;
	if (r == NULL)
		return;
	for (unsigned i = 0; i < r->n_checks; i++)
		free_check(&r->checks[i]);
	free(r->checks);
	for (unsigned i = 0; i < r->n_contexts; i++) {
		px_rule_step_free(&r->contexts[i].tallied);
		free(r->contexts[i].source);
	}
	free(r->contexts);
	for (unsigned i = 0; i < r->n_patterns; i++)
		free(r->patterns[i].title);
	free(r->patterns);
	px_rule_step_free(&r->root);
	px_rules_ways_free(r);
	px_rules_tallies_free(r);
	free_declarations(r);
	if (r->xpath != NULL)
		xmlXPathFreeContext(r->xpath);
	free(r->file);
	free(r->title);
	PX_FREE(*rules);
}
