/* prinex: what broken rules mean: levels by partner and message type
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "conf/table.h"

static const char *const levels[] = {"off", "warn", "refuse"};

static int fail(struct px_buf *why, const char *text)
{
	if (why != NULL)
		px_buf_setf(why, "%s", text);
	return PX_EPARSE;
}

int px_parse_rule_level(const char *s, struct px_rule_level_for *out, struct px_buf *why)
{
	static const char form[] =
	    "expected off, warn or refuse, perhaps with a message type before it, as in "
	    "\"CC015C warn\"";
	const char *blank = strchr(s, ' ');
	size_t len = blank != NULL ? (size_t)(blank - s) : 0;
	const char *level = blank != NULL ? blank + strspn(blank, " ") : s;
	*out = (struct px_rule_level_for){{0}, PX_RULES_OFF};
	if ((blank != NULL && len == 0) || !px_strlcpy_n(out->type, s, len, sizeof(out->type)))
		return fail(why, form);
	for (size_t i = 0; i < PX_ARRAY_LEN(levels); i++) {
		if (strcmp(levels[i], level) != 0)
			continue;
		out->level = (enum px_rule_level)i;
		return PX_OK;
	}
	return fail(why, form);
}

enum px_rule_level px_conf_rule_level(const struct px_conf_partner *partner, const char *type,
				      enum px_rule_level standard)
{
	enum px_rule_level level = standard;
	for (unsigned i = 0; partner != NULL && i < partner->rules.n; i++) {
		struct px_rule_level_for rule;
		if (px_parse_rule_level(partner->rules.items[i], &rule, NULL) != PX_OK)
			continue;
		if (strcmp(rule.type, type) == 0)
			return rule.level;
		if (rule.type[0] == '\0')
			level = rule.level;
	}
	return level;
}
