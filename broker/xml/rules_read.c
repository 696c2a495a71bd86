/* prinex: from the elements of a file of rules to what runs
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <ctype.h>

#include "base/strings.h"
#include "xml/rules_parts.h"
#include "xml/run.h"

struct reader {
	struct px_rules *r;
	struct px_buf *why;
	struct px_rule_scopes scopes;
	unsigned pattern;
};

/* --- faults and attributes ------------------------------------------------------------------------ */

static int fault(struct reader *rd, const xmlNode *node, const char *fmt, ...) PX_PRINTF(3, 4);
static int fault(struct reader *rd, const xmlNode *node, const char *fmt, ...)
{
	struct px_buf text = PX_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	px_buf_setf(rd->why, "%s:%ld: %s", rd->r->file, xmlGetLineNo(node), px_buf_str(&text));
	px_buf_free(&text);
	return PX_ECONF;
}

static bool is(const xmlNode *node, const char *name)
{
	return px_node_is(node, PX_NS_SCH, name);
}

/* The attribute, "" when it is not there; to be freed. */
static char *attribute(const xmlNode *node, const char *name)
{
	xmlChar *s = xmlGetNoNsProp(node, (const xmlChar *)name);
	char *copy = px_xstrdup(s != NULL ? (const char *)s : "");
	xmlFree(s);
	return copy;
}

static bool may_have(const char *const *known, const char *name)
{
	for (; *known != NULL; known++) {
		if (strcmp(*known, name) == 0)
			return true;
	}
	return false;
}

/* Attributes of other namespaces are theirs who wrote them; ours and unqualified ones are told from typing
 * errors. @known ends with NULL; ours begin with "px:". */
static int check_attributes(struct reader *rd, const xmlNode *node, const char *const *known)
{
	for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
		char name[80];
		bool ours = a->ns != NULL && strcmp((const char *)a->ns->href, PX_NS_RULES) == 0;
		if (a->ns != NULL && !ours)
			continue;
		snprintf(name, sizeof(name), "%s%.60s", ours ? "px:" : "", (const char *)a->name);
		if (!may_have(known, name))
			return fault(rd, node, "%s has no attribute %s here", (const char *)node->name, name);
	}
	return PX_OK;
}

/* --- texts ---------------------------------------------------------------------------------------- */

/* White space collapses; at the end of what is there so far one blank may stand. */
static void add_collapsed(struct px_buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		bool blank = strchr(" \t\r\n", *s) != NULL;
		if (!blank)
			px_buf_addc(out, *s);
		else if (out->len == 0 || out->data[out->len - 1] != ' ')
			px_buf_addc(out, ' ');
	}
}

static char *collapsed(const char *s, bool trim)
{
	struct px_buf b = PX_BUF_INIT;
	add_collapsed(&b, s);
	size_t from = trim && b.len > 0 && b.data[0] == ' ' ? 1 : 0;
	size_t to = trim && b.len > from && b.data[b.len - 1] == ' ' ? b.len - 1 : b.len;
	char *copy = px_xstrndup(px_buf_str(&b) + from, to - from);
	px_buf_free(&b);
	return copy;
}

static char *plain_text(const xmlNode *node)
{
	xmlChar *s = xmlNodeGetContent(node);
	char *copy = collapsed(s != NULL ? (const char *)s : "", true);
	xmlFree(s);
	return copy;
}

static void replace_text(char **text, const xmlNode *node)
{
	free(*text);
	*text = plain_text(node);
}

/* @rule: it will be evaluated at every node of this one. */
static xmlXPathCompExprPtr compile(struct reader *rd, const xmlNode *node, const char *name, unsigned rule,
				   bool *asks_offices)
{
	char *source = attribute(node, name);
	struct px_buf why = PX_BUF_INIT;
	xmlXPathCompExprPtr c = NULL;
	if (source[0] == '\0')
		px_buf_setf(&why, "it is missing");
	else
		c = px_rules_compile(rd->r, source, &rd->scopes, rule, asks_offices, &why);
	if (c == NULL)
		fault(rd, node, "%s of %s: %s", name, (const char *)node->name, px_buf_str(&why));
	px_buf_free(&why);
	free(source);
	return c;
}

/* --- lets ----------------------------------------------------------------------------------------- */

static bool is_name(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '_')
		return false;
	return strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.") == strlen(s);
}

static int read_let(struct reader *rd, const xmlNode *node)
{
	static const char *const known[] = {"name", "value", NULL};
	struct px_rules *r = rd->r;
	if (check_attributes(rd, node, known) != PX_OK)
		return PX_ECONF;
	char *name = attribute(node, "name");
	if (!is_name(name) || px_rules_let(r, &rd->scopes, name, strlen(name)) != PX_RULES_NONE) {
		fault(rd, node, "let: \"%s\" %s", name,
		      is_name(name) ? "has a value already" : "is not a name");
		free(name);
		return PX_ECONF;
	}
	bool asks_offices = false, of_rule = rd->scopes.n == PX_ARRAY_LEN(rd->scopes.of);
	xmlXPathCompExprPtr expr =
	    compile(rd, node, "value", of_rule ? r->n_contexts - 1 : PX_RULES_NONE, &asks_offices);
	r->lets = px_xrealloc_array(r->lets, r->n_lets + 1, sizeof(r->lets[0]));
	r->lets[r->n_lets++] = (struct px_let){.name = name, .expr = expr, .asks_offices = asks_offices};
	rd->scopes.of[rd->scopes.n - 1].n++;
	return expr != NULL ? PX_OK : PX_ECONF;
}

static void open_scope(struct reader *rd)
{
	px_assert(rd->scopes.n < PX_ARRAY_LEN(rd->scopes.of));
	rd->scopes.of[rd->scopes.n++] = (struct px_lets){.first = rd->r->n_lets};
}

/* --- assert and report ---------------------------------------------------------------------------- */

static struct px_piece *add_piece(struct px_check *c)
{
	c->pieces = px_xrealloc_array(c->pieces, c->n_pieces + 1, sizeof(c->pieces[0]));
	c->pieces[c->n_pieces] = (struct px_piece){0};
	return &c->pieces[c->n_pieces++];
}

static int read_value_of(struct reader *rd, const xmlNode *node, struct px_check *c, struct px_buf *shown)
{
	static const char *const known[] = {"select", NULL};
	if (check_attributes(rd, node, known) != PX_OK)
		return PX_ECONF;
	struct px_piece *piece = add_piece(c);
	bool ignored;
	piece->select = compile(rd, node, "select", PX_RULES_NONE, &ignored);
	char *source = attribute(node, "select");
	px_buf_addf(shown, "{%s}", source);
	free(source);
	return piece->select != NULL ? PX_OK : PX_ECONF;
}

static int read_pieces(struct reader *rd, const xmlNode *node, struct px_check *c, struct px_buf *shown)
{
	for (const xmlNode *n = node->children; n != NULL; n = n->next) {
		if (n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE) {
			struct px_piece *piece = add_piece(c);
			piece->text = collapsed((const char *)n->content, false);
			if (n->prev == NULL && piece->text[0] == ' ')
				memmove(piece->text, piece->text + 1, strlen(piece->text));
			size_t len = strlen(piece->text);
			if (n->next == NULL && len > 0 && piece->text[len - 1] == ' ')
				piece->text[len - 1] = '\0';
			px_buf_adds(shown, piece->text);
		} else if (is(n, "value-of")) {
			if (read_value_of(rd, n, c, shown) != PX_OK)
				return PX_ECONF;
		} else if (n->type != XML_COMMENT_NODE) {
			return fault(rd, n, "%s within %s is not part of the subset", (const char *)n->name,
				     (const char *)node->name);
		}
	}
	return shown->len > 0 ? PX_OK : fault(rd, node, "%s has no text", (const char *)node->name);
}

static int add_translation(struct reader *rd, const xmlNode *node, struct px_check *c, const char *id)
{
	struct px_rules *r = rd->r;
	for (unsigned i = 0; i < r->n_diagnostics; i++) {
		if (strcmp(r->diagnostics[i].id, id) != 0)
			continue;
		struct px_rule_translation *list = (struct px_rule_translation *)c->view.translations;
		list = px_xrealloc_array(list, c->view.n_translations + 1, sizeof(list[0]));
		list[c->view.n_translations++] =
		    (struct px_rule_translation){r->diagnostics[i].lang, r->diagnostics[i].text};
		c->view.translations = list;
		return PX_OK;
	}
	return fault(rd, node, "there is no diagnostic \"%s\"", id);
}

static int read_translations(struct reader *rd, const xmlNode *node, struct px_check *c)
{
	char *list = attribute(node, "diagnostics");
	int rc = PX_OK;
	for (char *s = list + strspn(list, " \t\r\n"); *s != '\0' && rc == PX_OK;) {
		size_t n = strcspn(s, " \t\r\n");
		char *next = s + n + strspn(s + n, " \t\r\n");
		s[n] = '\0';
		rc = add_translation(rd, node, c, s);
		s = next;
	}
	free(list);
	return rc;
}

/* An id goes onto the wire as the code of a finding. */
static int read_id(struct reader *rd, const xmlNode *node, struct px_check *c)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	const char *id = c->view.id;
	if (id[0] == '\0' || strlen(id) > PX_RULE_ID_MAX || strspn(id, letters) != strlen(id) ||
	    strchr("._-", id[0]) != NULL)
		return fault(rd, node,
			     "id \"%s\": expected up to %d letters, digits, . _ - (it becomes the code "
			     "of the finding)",
			     id, PX_RULE_ID_MAX);
	if (px_code_parse(id) != PX_CODE_COUNT)
		return fault(rd, node, "id \"%s\" is a code of the broker itself", id);
	for (unsigned i = 0; i + 1 < rd->r->n_checks; i++) {
		if (strcmp(rd->r->checks[i].view.id, id) == 0)
			return fault(rd, node, "id \"%s\" is that of line %u too", id,
				     rd->r->checks[i].view.line);
	}
	return PX_OK;
}

static int read_role(struct reader *rd, const xmlNode *node, struct px_check *c)
{
	char *role = attribute(node, "role");
	xmlChar *code = xmlGetNsProp(node, (const xmlChar *)"code", (const xmlChar *)PX_NS_RULES);
	int rc = PX_OK;
	c->view.warning = strcmp(role, "warning") == 0;
	c->view.code = code != NULL ? px_code_parse((const char *)code) : PX_CODE_RULE;
	if (!c->view.warning && role[0] != '\0' && strcmp(role, "error") != 0)
		rc = fault(rd, node, "role \"%s\": expected error or warning", role);
	else if (c->view.code == PX_CODE_COUNT || !px_str_starts(px_code_wire(c->view.code), "PX-RULE"))
		rc = fault(rd, node, "px:code \"%s\": expected one of the codes PX-RULE...",
			   (const char *)code);
	xmlFree(code);
	free(role);
	return rc;
}

static int read_check(struct reader *rd, const xmlNode *node, unsigned rule)
{
	static const char *const known[] = {"id", "role", "test", "subject", "diagnostics", "px:code", NULL};
	struct px_rules *r = rd->r;
	struct px_buf shown = PX_BUF_INIT;
	r->checks = px_xrealloc_array(r->checks, r->n_checks + 1, sizeof(r->checks[0]));
	struct px_check *c = &r->checks[r->n_checks++];
	*c = (struct px_check){.rule = rule};
	c->view = (struct px_rule){.id = attribute(node, "id"),
				   .title = r->patterns[rd->pattern].title,
				   .context = r->contexts[rule].source,
				   .test = attribute(node, "test"),
				   .is_report = is(node, "report"),
				   .line = (unsigned)xmlGetLineNo(node)};
	bool ignored;
	int rc = check_attributes(rd, node, known);
	if (rc == PX_OK)
		rc = read_id(rd, node, c);
	if (rc == PX_OK)
		rc = read_role(rd, node, c);
	if (rc == PX_OK)
		rc = (c->test = compile(rd, node, "test", rule, &c->asks_offices)) != NULL ? PX_OK : PX_ECONF;
	if (rc == PX_OK)
		px_rules_plain(r, c->view.test, &rd->scopes, &c->plain);
	if (rc == PX_OK && xmlHasProp(node, (const xmlChar *)"subject") != NULL)
		rc = (c->subject = compile(rd, node, "subject", PX_RULES_NONE, &ignored)) != NULL ? PX_OK
												  : PX_ECONF;
	if (rc == PX_OK)
		rc = read_pieces(rd, node, c, &shown);
	if (rc == PX_OK)
		rc = read_translations(rd, node, c);
	c->view.text = px_xstrdup(px_buf_str(&shown));
	px_buf_free(&shown);
	return rc;
}

/* --- rule, pattern, schema ------------------------------------------------------------------------ */

static int read_rule(struct reader *rd, const xmlNode *node)
{
	static const char *const known[] = {"context", NULL};
	struct px_rules *r = rd->r;
	struct px_buf why = PX_BUF_INIT;
	unsigned index = r->n_contexts;
	if (check_attributes(rd, node, known) != PX_OK)
		return PX_ECONF;
	r->contexts = px_xrealloc_array(r->contexts, index + 1, sizeof(r->contexts[0]));
	struct px_context *c = &r->contexts[r->n_contexts++];
	*c = (struct px_context){.pattern = rd->pattern, .first_check = r->n_checks};
	c->source = attribute(node, "context");
	int rc = px_rules_add_context(r, c->source, index, &why);
	if (rc != PX_OK)
		fault(rd, node, "%s", px_buf_str(&why));
	px_buf_free(&why);
	open_scope(rd);
	for (const xmlNode *n = px_next_element(node->children); n != NULL && rc == PX_OK;
	     n = px_next_element(n->next)) {
		if (is(n, "let") && r->n_checks == c->first_check)
			rc = read_let(rd, n);
		else if (is(n, "assert") || is(n, "report"))
			rc = read_check(rd, n, index);
		else
			rc = fault(rd, n, "%s within rule is not part of the subset (lets come first)",
				   (const char *)n->name);
	}
	c->n_checks = r->n_checks - c->first_check;
	c->lets = rd->scopes.of[--rd->scopes.n];
	return rc == PX_OK && c->n_checks == 0 ? fault(rd, node, "the rule asserts nothing") : rc;
}

static int read_pattern(struct reader *rd, const xmlNode *node)
{
	static const char *const known[] = {"id", NULL};
	struct px_rules *r = rd->r;
	int rc = check_attributes(rd, node, known);
	rd->pattern = r->n_patterns;
	r->patterns = px_xrealloc_array(r->patterns, r->n_patterns + 1, sizeof(r->patterns[0]));
	r->patterns[r->n_patterns++] = (struct px_pattern){.title = px_xstrdup("")};
	open_scope(rd);
	for (const xmlNode *n = px_next_element(node->children); n != NULL && rc == PX_OK;
	     n = px_next_element(n->next)) {
		struct px_pattern *p = &r->patterns[rd->pattern];
		if (is(n, "title") && n == px_next_element(node->children)) {
			replace_text(&p->title, n);
		} else if (is(n, "let")) {
			rc = read_let(rd, n);
		} else if (is(n, "rule")) {
			rc = read_rule(rd, n);
		} else if (!is(n, "p")) {
			rc = fault(rd, n, "%s within pattern is not part of the subset",
				   (const char *)n->name);
		}
	}
	r->patterns[rd->pattern].lets = rd->scopes.of[--rd->scopes.n];
	return rc;
}

static int read_namespace(struct reader *rd, const xmlNode *node)
{
	static const char *const known[] = {"prefix", "uri", NULL};
	struct px_rules *r = rd->r;
	if (check_attributes(rd, node, known) != PX_OK)
		return PX_ECONF;
	r->namespaces = px_xrealloc_array(r->namespaces, r->n_namespaces + 1, sizeof(r->namespaces[0]));
	struct px_rule_ns *ns = &r->namespaces[r->n_namespaces++];
	*ns = (struct px_rule_ns){attribute(node, "prefix"), attribute(node, "uri")};
	return is_name(ns->prefix) && ns->uri[0] != '\0' ? PX_OK : fault(rd, node, "ns needs prefix and uri");
}

/* Before the rest, which refers to them. */
static int read_diagnostics(struct reader *rd, const xmlNode *node)
{
	static const char *const known[] = {"id", NULL};
	struct px_rules *r = rd->r;
	for (const xmlNode *n = px_next_element(node->children); n != NULL; n = px_next_element(n->next)) {
		xmlChar *lang = xmlGetNsProp(n, (const xmlChar *)"lang", XML_XML_NAMESPACE);
		if (!is(n, "diagnostic") || lang == NULL || px_next_element(n->children) != NULL) {
			xmlFree(lang);
			return fault(
			    rd, n, "diagnostics holds diagnostic elements with id, xml:lang and plain text");
		}
		r->diagnostics =
		    px_xrealloc_array(r->diagnostics, r->n_diagnostics + 1, sizeof(r->diagnostics[0]));
		r->diagnostics[r->n_diagnostics++] =
		    (struct px_diagnostic){attribute(n, "id"), px_xstrdup((const char *)lang), plain_text(n)};
		xmlFree(lang);
		if (check_attributes(rd, n, known) != PX_OK)
			return PX_ECONF;
	}
	return PX_OK;
}

static int read_root(struct reader *rd, const xmlNode *root)
{
	static const char *const known[] = {"queryBinding", "schemaVersion", NULL};
	if (!is(root, "schema"))
		return fault(rd, root, "the root is not a schema of ISO Schematron (%s)", PX_NS_SCH);
	int rc = check_attributes(rd, root, known);
	char *binding = attribute(root, "queryBinding");
	if (rc == PX_OK && binding[0] != '\0' && strcmp(binding, "xslt") != 0)
		rc = fault(rd, root, "queryBinding \"%s\": rules are XPath 1.0 (xslt)", binding);
	free(binding);
	return rc;
}

/* What the rest refers to, wherever it stands. */
static int read_declarations(struct reader *rd, const xmlNode *root)
{
	int rc = PX_OK;
	for (const xmlNode *n = px_next_element(root->children); n != NULL && rc == PX_OK;
	     n = px_next_element(n->next)) {
		if (is(n, "ns"))
			rc = read_namespace(rd, n);
		else if (is(n, "diagnostics"))
			rc = read_diagnostics(rd, n);
	}
	return rc;
}

static int read_patterns(struct reader *rd, const xmlNode *root)
{
	int rc = PX_OK;
	open_scope(rd);
	for (const xmlNode *n = px_next_element(root->children); n != NULL && rc == PX_OK;
	     n = px_next_element(n->next)) {
		if (is(n, "let") && rd->r->n_patterns == 0)
			rc = read_let(rd, n);
		else if (is(n, "pattern"))
			rc = read_pattern(rd, n);
		else if (is(n, "title") && rd->r->title[0] == '\0')
			replace_text(&rd->r->title, n);
		else if (!is(n, "ns") && !is(n, "diagnostics") && !is(n, "p"))
			rc = fault(rd, n, "%s is not part of the subset (lets come before patterns)",
				   (const char *)n->name);
	}
	rd->r->schema_lets = rd->scopes.of[--rd->scopes.n];
	return rc;
}

int px_rules_read(struct px_rules *r, const xmlNode *root, struct px_buf *why)
{
	struct reader rd = {.r = r, .why = why};
	int rc = read_root(&rd, root);
	if (rc == PX_OK)
		rc = read_declarations(&rd, root);
	px_rules_xpath_new(r);
	return rc == PX_OK ? read_patterns(&rd, root) : rc;
}
