/* prinex: tests of rules that only compare a let with a text
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "xml/rules_parts.h"

/*
 * A quarter of the tests that an NCTS5 declaration meets are of the form $office != 'unknown'. The XPath
 * evaluation costs more than a microsecond, the comparison nothing.
 */

void px_rules_plain(const struct px_rules *r, const char *test, const struct px_rule_scopes *scopes,
		    struct px_plain *out)
{
	const char *s = px_rules_skip_blanks(test);
	size_t n = *s == '$' ? px_rules_name_length(s + 1) : 0;
	if (n == 0)
		return;
	unsigned let = px_rules_let(r, scopes, s + 1, n);
	s = px_rules_skip_blanks(s + 1 + n);
	bool differs = *s == '!';
	s += differs;
	if (let == PX_RULES_NONE || *s != '=')
		return;
	s = px_rules_skip_blanks(s + 1);
	const char *end = *s == '"' || *s == '\'' ? strchr(s + 1, *s) : NULL;
	if (end == NULL || *px_rules_skip_blanks(end + 1) != '\0')
		return;
	*out = (struct px_plain){px_xstrndup(s + 1, (size_t)(end - s) - 1), let, differs};
}

int px_rules_plain_judge(const struct px_rules *r, const struct px_plain *plain)
{
	const xmlXPathObject *value = plain->text != NULL ? r->lets[plain->let].value : NULL;
	if (value == NULL || value->type != XPATH_STRING || value->stringval == NULL)
		return -1;
	return (strcmp((const char *)value->stringval, plain->text) == 0) != plain->differs;
}
