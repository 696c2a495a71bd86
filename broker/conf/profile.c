/* prinex: signature profiles and the days on which a partner may use them
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "conf/table.h"

#define DAY INT64_C(86400000)

static const unsigned known[] = {
#define PX_SIG_PROFILE(number, text) number,
#include "base/profiles.def"
#undef PX_SIG_PROFILE
};

static bool is_known(uint64_t number)
{
	for (size_t i = 0; i < PX_ARRAY_LEN(known); i++) {
		if (known[i] == number)
			return true;
	}
	return false;
}

/* The next word of @s, at most 31 octets; "" at the end. */
static const char *word(const char *s, char out[32])
{
	s += strspn(s, " ");
	size_t len = strcspn(s, " ");
	if (!px_strlcpy_n(out, s, len, 32))
		px_strlcpy(out, "?", 32);
	return s + len;
}

static int parse_day(const char *s, int64_t *out)
{
	char time[48];
	if (strlen(s) != strlen("2026-11-21"))
		return PX_EPARSE;
	snprintf(time, sizeof(time), "%sT00:00:00Z", s);
	return px_time_parse(time, out);
}

static int fail(struct px_buf *why, const char *text)
{
	if (why != NULL)
		px_buf_setf(why, "%s", text);
	return PX_EPARSE;
}

int px_parse_profile(const char *s, struct px_profile_rule *out, struct px_buf *why)
{
	static const char form[] =
	    "expected NUMBER, perhaps with from DATE and until DATE in this order, as in "
	    "\"1 from 2026-01-01 until 2030-12-31\"";
	char w[32];
	uint64_t number;
	*out = (struct px_profile_rule){.from = INT64_MIN, .until = INT64_MAX};
	s = word(s, w);
	if (px_parse_u64(w, 1, PX_PROFILES_MAX, &number) != PX_OK)
		return fail(why, form);
	if (!is_known(number))
		return fail(why, "this release has no signature profile of that number");
	out->number = (unsigned)number;
	s = word(s, w);
	if (strcmp(w, "from") == 0) {
		s = word(s, w);
		if (parse_day(w, &out->from) != PX_OK)
			return fail(why, form);
		s = word(s, w);
	}
	if (strcmp(w, "until") == 0) {
		s = word(s, w);
		if (parse_day(w, &out->until) != PX_OK)
			return fail(why, form);
		out->until += DAY; /* the last day counts as a whole */
		word(s, w);
	}
	if (w[0] != '\0')
		return fail(why, form);
	return out->from < out->until ? PX_OK : fail(why, "ends before it begins");
}

bool px_conf_profile_allows(const struct px_conf_partner *partner, unsigned profile, int64_t at)
{
	const struct px_strings *list = &partner->signature_profiles;
	for (unsigned i = 0; i < list->n; i++) {
		struct px_profile_rule rule;
		if (px_parse_profile(list->items[i], &rule, NULL) == PX_OK && rule.number == profile &&
		    at >= rule.from && at < rule.until)
			return true;
	}
	return false;
}
