/* prinex: expressions of rules: checked word by word, then compiled
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <ctype.h>
#include <libxml/xpathInternals.h>

#include "base/strings.h"
#include "xml/rules_parts.h"

/* Whatever is allowed here costs at most one pass over what it names; what would search the document for each
 * node (//, preceding-sibling) is not. */
static const char *const functions[] = {"boolean",
					"ceiling",
					"concat",
					"contains",
					"count",
					"false",
					"floor",
					"last",
					"local-name",
					"name",
					"namespace-uri",
					"normalize-space",
					"not",
					"number",
					"position",
					"round",
					"starts-with",
					"string",
					"string-length",
					"substring",
					"sum",
					"substring-after",
					"substring-before",
					"translate",
					"true"};
static const char *const axes[] = {"attribute", "child", "parent", "self"};
static const char *const node_types[] = {"node", "text"};

static bool is_in(const char *const list[], size_t n, const char *s, size_t len)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(list[i]) == len && memcmp(list[i], s, len) == 0)
			return true;
	}
	return false;
}

/* Where libxml2 stumbled: of faults in expressions it gives no words. */
static void first_error(void *arg, xmlErrorPtr error)
{
	int *at = arg;
	if (*at < 0)
		*at = error->int1;
}

static void silent(void *arg PX_UNUSED, xmlErrorPtr error PX_UNUSED)
{
}

const char *px_rules_prefix(const struct px_rules *r, const char *prefix, size_t len)
{
	for (unsigned i = 0; i < r->n_namespaces; i++) {
		if (strlen(r->namespaces[i].prefix) == len &&
		    memcmp(r->namespaces[i].prefix, prefix, len) == 0)
			return r->namespaces[i].uri;
	}
	return NULL;
}

/* --- words ---------------------------------------------------------------------------------------- */

struct words {
	const struct px_rules *rules;
	const struct px_rule_scopes *scopes;
	const char *at;
	bool asks_offices;
	struct px_buf *why;
};

size_t px_rules_name_length(const char *s)
{
	size_t n = 0;
	if (!isalpha((unsigned char)*s) && *s != '_' && (unsigned char)*s < 0x80)
		return 0;
	while (isalnum((unsigned char)s[n]) || (s[n] != '\0' && strchr("_-.", s[n]) != NULL) ||
	       (unsigned char)s[n] >= 0x80)
		n++;
	return n;
}

unsigned px_rules_let(const struct px_rules *r, const struct px_rule_scopes *scopes, const char *name,
		      size_t len)
{
	for (unsigned i = 0; i < scopes->n; i++) {
		for (unsigned k = 0; k < scopes->of[i].n; k++) {
			unsigned let = scopes->of[i].first + k;
			if (strlen(r->lets[let].name) == len && memcmp(r->lets[let].name, name, len) == 0)
				return let;
		}
	}
	return PX_RULES_NONE;
}

static bool variable(struct words *w)
{
	size_t n = px_rules_name_length(w->at + 1);
	unsigned let = px_rules_let(w->rules, w->scopes, w->at + 1, n);
	if (let == PX_RULES_NONE) {
		px_buf_setf(w->why, "there is no let \"%.*s\" here", (int)n, w->at + 1);
		return false;
	}
	w->at += n + 1;
	w->asks_offices |= w->rules->lets[let].asks_offices;
	return true;
}

static bool literal(struct words *w)
{
	const char *end = strchr(w->at + 1, *w->at);
	if (end == NULL) {
		px_buf_setf(w->why, "a text has no end");
		return false;
	}
	w->at = end + 1;
	return true;
}

static bool qualified(struct words *w, const char *prefix, size_t n)
{
	const char *uri = px_rules_prefix(w->rules, prefix, n);
	const char *name = prefix + n + 1;
	size_t len = px_rules_name_length(name);
	w->at = name + (*name == '*' ? 1 : len);
	if (uri == NULL) {
		px_buf_setf(w->why, "prefix \"%.*s\" is not declared (ns)", (int)n, prefix);
		return false;
	}
	if (*px_rules_skip_blanks(w->at) != '(')
		return true;
	if (strcmp(uri, PX_NS_RULES) == 0 && px_rules_has_function(name, len)) {
		w->asks_offices |= len == strlen("office") && memcmp(name, "office", len) == 0;
		return true;
	}
	px_buf_setf(w->why, "there is no function %.*s", (int)(n + 1 + len), prefix);
	return false;
}

static bool name(struct words *w)
{
	const char *s = w->at;
	size_t n = px_rules_name_length(s);
	if (s[n] == ':' && s[n + 1] != ':')
		return qualified(w, s, n);
	w->at = s + n;
	const char *next = px_rules_skip_blanks(w->at);
	if (next[0] == ':' && next[1] == ':') {
		w->at = next + 2;
		if (is_in(axes, PX_ARRAY_LEN(axes), s, n))
			return true;
		px_buf_setf(w->why, "the axis %.*s is not one of attribute, child, parent, self", (int)n, s);
		return false;
	}
	if (*next != '(' || is_in(functions, PX_ARRAY_LEN(functions), s, n) ||
	    is_in(node_types, PX_ARRAY_LEN(node_types), s, n))
		return true;
	/* Operators may stand before a parenthesis too. */
	static const char *const operators[] = {"and", "or", "div", "mod"};
	if (is_in(operators, PX_ARRAY_LEN(operators), s, n))
		return true;
	px_buf_setf(w->why, "there is no function %.*s()", (int)n, s);
	return false;
}

static bool word(struct words *w)
{
	char c = *w->at;
	if (c == '"' || c == '\'')
		return literal(w);
	if (c == '$')
		return variable(w);
	if (c == '/' && w->at[1] == '/') {
		px_buf_setf(w->why, "// searches the whole document: name the way");
		return false;
	}
	if (px_rules_name_length(w->at) > 0)
		return name(w);
	w->at++;
	return true;
}

/* Where all is a path, libxml2 would go through everything below for it (patterns made for streams): with a
 * parenthesis somewhere it does not. */
static xmlXPathCompExprPtr compile_short(struct px_rules *r, const char *expr, unsigned rule)
{
	struct px_buf text = PX_BUF_INIT;
	px_buf_adds(&text, "(");
	px_rules_shorten(r, expr, rule, &text);
	px_buf_adds(&text, ")");
	xmlXPathCompExprPtr c = xmlXPathCtxtCompile(r->xpath, (const xmlChar *)px_buf_str(&text));
	px_buf_free(&text);
	return c;
}

xmlXPathCompExprPtr px_rules_compile(struct px_rules *r, const char *expr,
				     const struct px_rule_scopes *scopes, unsigned rule, bool *asks_offices,
				     struct px_buf *why)
{
	struct words w = {r, scopes, px_rules_skip_blanks(expr), false, why};
	while (*w.at != '\0') {
		if (!word(&w))
			return NULL;
		w.at = px_rules_skip_blanks(w.at);
	}
	*asks_offices = w.asks_offices;
	int at = -1;
	r->xpath->error = first_error;
	r->xpath->userData = &at;
	/* Faults are told of what was written. */
	xmlXPathCompExprPtr c = xmlXPathCtxtCompile(r->xpath, (const xmlChar *)expr);
	r->xpath->error = silent;
	r->xpath->userData = r;
	if (c != NULL) {
		xmlXPathFreeCompExpr(c);
		c = compile_short(r, expr, rule);
	}
	if (c == NULL)
		px_buf_setf(why, "not an XPath expression: \"%s\", at character %d", expr, PX_MAX(at, 0) + 1);
	return c;
}

/* --- the context ---------------------------------------------------------------------------------- */

/* libxml2 asks while it evaluates; it gets an object of its own. Patterns and rules that are not in work may
 * have lets of the same name, with values. */
static xmlXPathObjectPtr look_up(void *arg, const xmlChar *wanted, const xmlChar *uri)
{
	const struct px_rules *r = arg;
	px_assert(r->context != NULL);
	const struct px_rule_scopes seen = {
	    {r->schema_lets, r->patterns[r->context->pattern].lets, r->context->lets}, 3};
	unsigned let = uri == NULL
			   ? px_rules_let(r, &seen, (const char *)wanted, strlen((const char *)wanted))
			   : PX_RULES_NONE;
	return let != PX_RULES_NONE ? xmlXPathObjectCopy(r->lets[let].value) : NULL;
}

void px_rules_xpath_new(struct px_rules *r)
{
	r->xpath = xmlXPathNewContext(NULL);
	px_assert(r->xpath != NULL);
	for (unsigned i = 0; i < r->n_namespaces; i++)
		xmlXPathRegisterNs(r->xpath, (const xmlChar *)r->namespaces[i].prefix,
				   (const xmlChar *)r->namespaces[i].uri);
	xmlXPathRegisterVariableLookup(r->xpath, look_up, r);
	px_rules_register(r->xpath);
	px_rules_ways_register(r->xpath);
	px_rules_tallies_register(r->xpath);
	r->xpath->error = silent;
	r->xpath->userData = r;
}
