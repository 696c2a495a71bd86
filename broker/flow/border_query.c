/* prinex: the border post: questions as they stand in a request
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/border_query.h"

#include <strings.h>

#include "base/strings.h"

bool px_border_is_user(const char *user)
{
	static const char signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-";
	size_t n = user != NULL ? strspn(user, signs) : 0;
	return n > 0 && n <= PX_MARK_ACTOR_MAX && user[n] == '\0';
}

/* --- Accept ------------------------------------------------------------------------------------------ */

/* The weight that a list of media ranges (RFC 9110, 12.5.1) gives to @type, in thousandths; -1: not named. A
 * q that cannot be read counts as 1. */
static int weight_of(const char *accept, const char *type)
{
	size_t len = strlen(type);
	while (*accept != '\0') {
		accept += strspn(accept, " \t,");
		size_t n = strcspn(accept, ",");
		size_t name = strcspn(accept, "; \t,");
		if (name == len && strncasecmp(accept, type, len) == 0) {
			char params[64];
			px_strlcpy_n(params, accept + name, PX_MIN(n - name, sizeof(params) - 1),
				     sizeof(params));
			const char *q = strcasestr(params, "q=");
			double weight = q != NULL ? strtod(q + 2, NULL) : 1;
			return weight >= 0 && weight <= 1 ? (int)(weight * 1000) : 1000;
		}
		accept += n;
	}
	return -1;
}

/* @return 0 for neither, 'x' or 'j'; XML where both are as welcome. */
static char form_of(const char *accept)
{
	if (accept == NULL)
		return 'x';
	int any = PX_MAX(weight_of(accept, "*/*"), weight_of(accept, "application/*"));
	int xml = PX_MAX(weight_of(accept, "application/xml"), weight_of(accept, "text/xml"));
	int json = weight_of(accept, "application/json");
	xml = xml < 0 ? any : xml;
	json = json < 0 ? any : json;
	if (xml <= 0 && json <= 0)
		return 0;
	return json > xml ? 'j' : 'x';
}

/* --- parameters -------------------------------------------------------------------------------------- */

static const enum px_key_kind kinds[] = {PX_KEY_MRN, PX_KEY_LRN, PX_KEY_VEHICLE, PX_KEY_CONTAINER,
					 PX_KEY_SEAL};

static unsigned count_parameters(const char *query)
{
	unsigned n = 1;
	for (const char *p = query; *p != '\0'; p++)
		n += *p == '&';
	return query[0] == '\0' ? 0 : n;
}

/* UTF-8 without control characters; something is left of it once it is spelled as it is looked up. */
static bool is_value(enum px_key_kind kind, const char *s)
{
	char normal[PX_KEY_VALUE_MAX + 1];
	for (size_t i = 0, step, n = strlen(s); i < n; i += step) {
		step = px_utf8_length(s + i, n - i);
		if (step == 0 || (unsigned char)s[i] < 0x20 || s[i] == 0x7F)
			return false;
	}
	px_key_normal(kind, s, normal);
	return normal[0] != '\0';
}

/* `Next` of a page by key. */
static bool parse_from(const struct px_http *http, struct px_border_query *out)
{
	char after[24];
	return px_http_query(http, "after", after, sizeof(after)) &&
	       px_parse_u64(after, 1, UINT64_MAX, &out->after.message) == PX_OK;
}

static const char *parse_key(const struct px_http *http, struct px_border_query *out, unsigned n)
{
	if (n == 2 && !parse_from(http, out))
		return "after must be the Next of the page before, and nothing else goes with a key";
	for (size_t i = 0; i < PX_ARRAY_LEN(kinds); i++) {
		out->kind = kinds[i];
		if (px_http_query(http, px_key_name(kinds[i]), out->value, sizeof(out->value)))
			return is_value(kinds[i], out->value) ? NULL : "there is no value to look up";
	}
	return "exactly one of mrn, lrn, vehicle, container and seal (up to 70 octets), or office and "
	       "arriving";
}

static bool parse_window(const char *text, struct px_border_query *out)
{
	char from[40];
	const char *dots = strstr(text, "..");
	if (dots == NULL || !px_strlcpy_n(from, text, (size_t)(dots - text), sizeof(from)))
		return false;
	return px_key_time(from, &out->from) && px_key_time(dots + 2, &out->until) && out->from < out->until;
}

/* `Next` of the page before. */
static bool parse_after(const char *text, struct px_border_query *out)
{
	char at[40];
	const char *bar = strchr(text, '_');
	return bar != NULL && px_strlcpy_n(at, text, (size_t)(bar - text), sizeof(at)) &&
	       px_time_parse(at, &out->after.at) == PX_OK &&
	       px_parse_u64(bar + 1, 1, UINT64_MAX, &out->after.message) == PX_OK;
}

static bool is_office(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
	return n >= 3 && n <= 17 && s[n] == '\0';
}

static const char *parse_office(const struct px_http *http, struct px_border_query *out, unsigned n)
{
	char arriving[80], after[64];
	if (!is_office(out->office))
		return "office must be a customs office reference number";
	if (!px_http_query(http, "arriving", arriving, sizeof(arriving)) || !parse_window(arriving, out))
		return "arriving must be FROM..TO: two UTC times such as 2026-11-21T08:00:00Z or days, FROM "
		       "before TO";
	if (n == 3 && (!px_http_query(http, "after", after, sizeof(after)) || !parse_after(after, out)))
		return "after must be the Next of the page before";
	return n == 2 || n == 3 ? NULL : "only office, arriving and after go together";
}

int px_border_parse(const struct px_http *http, struct px_border_query *out, const char **why)
{
	unsigned n = count_parameters(http->query);
	char form = form_of(px_http_field(http, "accept"));
	*out = (struct px_border_query){.json = form == 'j'};
	if (form == 0) {
		*why = "this resource comes as application/xml or application/json";
		return 406;
	}
	px_strlcpy(out->user, px_http_field(http, "prinex-user"), sizeof(out->user));
	if (px_http_query(http, "office", out->office, sizeof(out->office)))
		*why = parse_office(http, out, n);
	else if (n != 1 && n != 2)
		*why = "exactly one of mrn, lrn, vehicle, container and seal, or office and arriving";
	else
		*why = parse_key(http, out, n);
	return *why != NULL ? 400 : 0;
}
