/* prinex: what scenarios look at: operators, XPath, paths in JSON
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <ctype.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <regex.h>

#include "base/strings.h"
#include "play.h"

/* --- operators --- */

static bool number_of(const char *s, double *out)
{
	int64_t ms;
	char *end;
	if (px_time_word(s, &ms) == PX_OK) {
		*out = (double)ms;
		return true;
	}
	*out = strtod(s, &end);
	return end != s && *end == '\0';
}

static bool matches(const char *have, const char *pattern)
{
	regex_t re;
	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	bool found = regexec(&re, have, 0, NULL, 0) == 0;
	regfree(&re);
	return found;
}

bool px_compare(const char *have, enum px_operator op, const char *want)
{
	double a, b;
	if (op == PX_OP_ABSENT)
		return have == NULL;
	if (op == PX_OP_NE && have == NULL)
		return true;
	if (have == NULL)
		return false;
	bool numbers = number_of(have, &a) && number_of(want, &b);
	switch (op) {
	case PX_OP_EQ: return numbers ? a == b : strcmp(have, want) == 0;
	case PX_OP_NE: return numbers ? a != b : strcmp(have, want) != 0;
	case PX_OP_LT: return numbers ? a < b : strcmp(have, want) < 0;
	case PX_OP_LE: return numbers ? a <= b : strcmp(have, want) <= 0;
	case PX_OP_GT: return numbers ? a > b : strcmp(have, want) > 0;
	case PX_OP_GE: return numbers ? a >= b : strcmp(have, want) >= 0;
	case PX_OP_CONTAINS: return strstr(have, want) != NULL;
	case PX_OP_LACKS: return strstr(have, want) == NULL;
	case PX_OP_MATCHES: return matches(have, want);
	default: return false;
	}
}

/* --- XML --- */

static void silent(void *arg, xmlErrorPtr error)
{
	(void)arg;
	(void)error;
}

static xmlDocPtr parse(const struct px_buf *doc)
{
	xmlSetStructuredErrorFunc(NULL, silent);
	return xmlReadMemory((const char *)doc->data, (int)doc->len, "document", NULL,
			     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

static int result(xmlXPathObjectPtr found, struct px_buf *out)
{
	if (found == NULL)
		return PX_EPARSE;
	if (found->type == XPATH_NODESET && (found->nodesetval == NULL || found->nodesetval->nodeNr == 0))
		return PX_ENOTFOUND;
	xmlChar *text = found->type == XPATH_NODESET ? xmlNodeGetContent(found->nodesetval->nodeTab[0])
						     : xmlXPathCastToString(found);
	px_buf_adds(out, (const char *)text);
	xmlFree(text);
	return PX_OK;
}

int px_xpath(const struct px_buf *doc, const char *path, struct px_buf *out)
{
	xmlDocPtr tree = doc->len > 0 ? parse(doc) : NULL;
	if (tree == NULL)
		return PX_ENOTFOUND;
	struct px_buf whole = PX_BUF_INIT;
	if (path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")] == '\0')
		px_buf_adds(&whole, "//px:");
	px_buf_adds(&whole, path);
	xmlXPathContextPtr ctx = xmlXPathNewContext(tree);
	ctx->error = silent;
	xmlXPathRegisterNs(ctx, BAD_CAST "px", BAD_CAST "urn:prinex:exchange:1");
	xmlXPathRegisterNs(ctx, BAD_CAST "ds", BAD_CAST "http://www.w3.org/2000/09/xmldsig#");
	xmlXPathObjectPtr found = xmlXPathEvalExpression(BAD_CAST px_buf_str(&whole), ctx);
	int rc = result(found, out);
	xmlXPathFreeObject(found);
	xmlXPathFreeContext(ctx);
	xmlFreeDoc(tree);
	px_buf_free(&whole);
	return rc;
}

void px_codes(const struct px_buf *doc, struct px_buf *out)
{
	static const char start[] = "<px:Error ";
	const char *at = px_buf_str(doc);
	while ((at = strstr(at, start)) != NULL) {
		const char *code = strstr(at, "code=\""), *end = strchr(at, '>');
		at += sizeof(start) - 1;
		if (code == NULL || end == NULL || code > end)
			continue;
		code += 6;
		if (out->len > 0)
			px_buf_addc(out, ' ');
		px_buf_add(out, code, strcspn(code, "\""));
	}
}

/* --- JSON --- */

static bool leaf(const json_t *value, px_json_fn *fn, void *arg)
{
	char *text = json_is_string(value) ? px_xstrdup(json_string_value(value))
					   : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	bool found = text != NULL && fn(arg, text);
	free(text);
	return found;
}

static bool walk(json_t *at, const char *path, px_json_fn *fn, void *arg)
{
	while (*path == '.')
		path++;
	if (at == NULL)
		return false;
	if (*path == '\0')
		return leaf(at, fn, arg);
	if (strcmp(path, "#") == 0) {
		char n[24];
		snprintf(n, sizeof(n), "%zu",
			 json_is_object(at) ? json_object_size(at) : json_array_size(at));
		return fn(arg, n);
	}
	if (px_str_starts(path, "[*]")) {
		bool any = false;
		for (size_t i = 0; i < json_array_size(at) && !any; i++)
			any = walk(json_array_get(at, i), path + 3, fn, arg);
		return any;
	}
	if (*path == '[') {
		char *end;
		unsigned long i = strtoul(path + 1, &end, 10);
		return *end == ']' && walk(json_array_get(at, i), end + 1, fn, arg);
	}
	char name[128];
	size_t n = strcspn(path, ".[#");
	px_strlcpy_n(name, path, n, sizeof(name));
	return n > 0 && walk(json_object_get(at, name), path + n, fn, arg);
}

bool px_json_path(json_t *root, const char *path, px_json_fn *fn, void *arg)
{
	return walk(root, path, fn, arg);
}
