/* prinex: named checks: what rules ask that XPath cannot say
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <libxml/xpathInternals.h>

#include "base/strings.h"
#include "xml/offices.h"
#include "xml/rules_parts.h"
#include "xml/run.h"

/*
 * The check digit of an MRN: values of the first 17 characters (digits as they are; letters from A = 10
 * upward, leaving out the multiples of 11, as in ISO 6346), each times 2 to the power of its place, modulo
 * 11, 10 counting as 0.
 */
static int value_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c < 'A' || c > 'Z')
		return -1;
	int v = 10 + (c - 'A');
	v += v >= 11;
	v += v >= 22;
	v += v >= 33;
	return v;
}

static bool is_mrn(const char *s)
{
	unsigned long sum = 0;
	if (strlen(s) != 18)
		return false;
	for (unsigned i = 0; i < 17; i++) {
		int v = value_of(s[i]);
		if (v < 0)
			return false;
		sum += (unsigned long)v << i;
	}
	return s[17] >= '0' && s[17] <= '9' && (int)(sum % 11 % 10) == s[17] - '0';
}

/* px:mrn-check(TEXT): true when the check digit is right. */
static void mrn_check(xmlXPathParserContextPtr ctxt, int nargs)
{
	CHECK_ARITY(1);
	xmlChar *s = xmlXPathPopString(ctxt);
	bool good = s != NULL && is_mrn((const char *)s);
	xmlFree(s);
	xmlXPathReturnBoolean(ctxt, good);
}

/* px:office(CODE, ROLES, DAY): "ok", or what is wrong with it: "country" (the list has no office of that
 * country), "unknown", "day", "role"; "none" where there is no list (no test asks then). ROLES "" any, DAY ""
 * any. */
static void office(xmlXPathParserContextPtr ctxt, int nargs)
{
	CHECK_ARITY(3);
	const struct px_rules *r = ctxt->context->userData;
	xmlChar *day = xmlXPathPopString(ctxt);
	xmlChar *roles = xmlXPathPopString(ctxt);
	xmlChar *code = xmlXPathPopString(ctxt);
	const char *answer = "none";
	if (r->offices != NULL && day != NULL && roles != NULL && code != NULL)
		answer =
		    px_offices_judge(r->offices, (const char *)code, (const char *)roles, (const char *)day);
	xmlFree(day);
	xmlFree(roles);
	xmlFree(code);
	xmlXPathReturnString(ctxt, xmlStrdup((const xmlChar *)answer));
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What customs write as a rule: digits, and perhaps a point and digits, so few that the sum is exact. libxml2
 * raises ten to a power for each, which was a fifth of what rules took on 1 MB; the result is the same. */
static bool plain_number(const char *s, double *out)
{
	static const double tens[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
	uint64_t whole = 0, fraction = 0;
	unsigned n = 0, digits = 0;
	for (; is_digit(*s) && n < 15; s++, n++)
		whole = whole * 10 + (uint64_t)(*s - '0');
	if (n > 0 && *s == '.') {
		for (s++; is_digit(*s) && digits + 1 < PX_ARRAY_LEN(tens); s++, digits++)
			fraction = fraction * 10 + (uint64_t)(*s - '0');
	}
	*out = (double)whole + (double)fraction / tens[digits];
	return n > 0 && *s == '\0';
}

double px_rules_number(const xmlNode *node)
{
	xmlChar *tofree;
	double number;
	const char *text = px_node_text(node, &tofree);
	if (!plain_number(text, &number))
		number = xmlXPathCastStringToNumber((const xmlChar *)text);
	xmlFree(tofree);
	return number;
}

/*
 * What XPath says with a predicate on each of a thousand items costs a set of nodes for each of them: the two
 * below were half of what rules cost on a large declaration.
 */

/* px:numbered(NODES): true when the first of NODES says 1, the second 2, and so on. */
static void numbered(xmlXPathParserContextPtr ctxt, int nargs)
{
	CHECK_ARITY(1);
	CHECK_TYPE(XPATH_NODESET);
	xmlXPathObjectPtr o = valuePop(ctxt);
	int n = xmlXPathNodeSetGetLength(o->nodesetval), i = 0;
	while (i < n && px_rules_number(xmlXPathNodeSetItem(o->nodesetval, i)) == i + 1)
		i++;
	xmlXPathFreeObject(o);
	xmlXPathReturnBoolean(ctxt, i == n);
}

bool px_rules_exceeds(const xmlNode *node, const char *sibling)
{
	const xmlChar *name = (const xmlChar *)sibling;
	if (node->type != XML_ELEMENT_NODE)
		return false;
	for (const xmlNode *s = node->parent->children; s != NULL; s = s->next) {
		if (s->type == XML_ELEMENT_NODE && xmlStrEqual(s->name, name) &&
		    (s->ns == node->ns ||
		     (s->ns != NULL && node->ns != NULL && xmlStrEqual(s->ns->href, node->ns->href))) &&
		    px_rules_number(node) > px_rules_number(s))
			return true;
	}
	return false;
}

/* px:exceeds(NODES, NAME): true when one of NODES is more than its sibling NAME. */
static void exceeds(xmlXPathParserContextPtr ctxt, int nargs)
{
	CHECK_ARITY(2);
	xmlChar *name = xmlXPathPopString(ctxt);
	xmlXPathObjectPtr o = valuePop(ctxt);
	if (o == NULL || o->type != XPATH_NODESET || name == NULL) {
		xmlXPathFreeObject(o);
		xmlFree(name);
		XP_ERROR(XPATH_INVALID_TYPE);
	}
	int n = xmlXPathNodeSetGetLength(o->nodesetval), i = 0;
	while (i < n && !px_rules_exceeds(xmlXPathNodeSetItem(o->nodesetval, i), (const char *)name))
		i++;
	xmlXPathFreeObject(o);
	xmlFree(name);
	xmlXPathReturnBoolean(ctxt, i < n);
}

static const struct {
	const char *name;
	xmlXPathFunction function;
} checks[] = {
    {"exceeds", exceeds},
    {"mrn-check", mrn_check},
    {"numbered", numbered},
    {"office", office},
};

bool px_rules_has_function(const char *name, size_t len)
{
	for (size_t i = 0; i < PX_ARRAY_LEN(checks); i++) {
		if (strlen(checks[i].name) == len && memcmp(checks[i].name, name, len) == 0)
			return true;
	}
	return false;
}

void px_rules_register(xmlXPathContextPtr xpath)
{
	for (size_t i = 0; i < PX_ARRAY_LEN(checks); i++)
		xmlXPathRegisterFuncNS(xpath, (const xmlChar *)checks[i].name, (const xmlChar *)PX_NS_RULES,
				       checks[i].function);
}
