/* prinex: whether a route's conditions hold for a message
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/match.h"

#include "base/strings.h"

/* "UA209*" matches every office that starts so; elsewhere there are no stars. */
static bool value_matches(const char *wanted, const char *value)
{
	size_t n = strlen(wanted);
	if (n > 0 && wanted[n - 1] == '*')
		return strncmp(value, wanted, n - 1) == 0;
	return strcmp(value, wanted) == 0;
}

static bool any_matches(const struct px_strings *wanted, const char *value)
{
	for (unsigned i = 0; i < wanted->n; i++) {
		if (value_matches(wanted->items[i], value))
			return true;
	}
	return false;
}

/** A condition: which list of the route, and which keys of the message it is about. */
struct condition {
	const char *option;
	const struct px_strings *wanted;
	enum px_key_kind kinds[4];
	unsigned n_kinds;
};

static bool is_about(const struct condition *c, enum px_key_kind kind)
{
	for (unsigned i = 0; i < c->n_kinds; i++) {
		if (c->kinds[i] == kind)
			return true;
	}
	return false;
}

static void add_values(struct px_buf *why, const struct condition *c, const struct px_keys *keys)
{
	unsigned n = 0;
	for (unsigned i = 0; i < keys->n; i++) {
		if (is_about(c, keys->items[i].kind))
			px_buf_addf(why, "%s%s", n++ > 0 ? ", " : "", keys->items[i].value);
	}
	if (n == 0)
		px_buf_adds(why, "none");
}

/* One sentence after the other, for all that fail or, while none does, all that hold. */
static void add(struct px_buf *why, bool *holds_so_far, bool holds)
{
	if (!holds && *holds_so_far)
		px_buf_clear(why);
	*holds_so_far = *holds_so_far && holds;
	if (why->len > 0)
		px_buf_adds(why, "; ");
}

static void judge(bool *all, const struct condition *c, bool holds, const char *says,
		  const struct px_keys *keys, struct px_buf *why)
{
	if (why == NULL) {
		*all = *all && holds;
		return;
	}
	if (holds && !*all)
		return;
	add(why, all, holds);
	px_buf_addf(why, "%s: ", c->option);
	for (unsigned i = 0; !holds && i < c->wanted->n; i++)
		px_buf_addf(why, "%s%s", i == 0 ? "needs " : " or ", c->wanted->items[i]);
	px_buf_addf(why, "%shas ", holds ? "" : ", ");
	if (says != NULL)
		px_buf_adds(why, says);
	else
		add_values(why, c, keys);
}

static bool keys_match(const struct condition *c, const struct px_keys *keys)
{
	for (unsigned i = 0; i < keys->n; i++) {
		if (is_about(c, keys->items[i].kind) && any_matches(c->wanted, keys->items[i].value))
			return true;
	}
	return false;
}

bool px_match_route(const struct px_conf_route *route, const struct px_header *header,
		    const struct px_keys *keys, struct px_buf *why)
{
	const struct condition of_header[] = {
	    {.option = "senders", .wanted = &route->senders},
	    {.option = "types", .wanted = &route->types},
	};
	const struct condition of_keys[] = {
	    {"destinations", &route->destinations, {PX_KEY_COUNTRY_DESTINATION}, 1},
	    {"countries", &route->countries, {PX_KEY_COUNTRY_ROUTING}, 1},
	    {"offices",
	     &route->offices,
	     {PX_KEY_OFFICE_DEPARTURE, PX_KEY_OFFICE_TRANSIT, PX_KEY_OFFICE_DESTINATION, PX_KEY_OFFICE_EXIT},
	     4},
	};
	const char *const says[] = {header->sender, header->type};
	bool all = true;
	for (size_t i = 0; i < PX_ARRAY_LEN(of_header); i++) {
		const struct condition *c = &of_header[i];
		if (c->wanted->n > 0)
			judge(&all, c, px_strings_has(c->wanted, says[i]), says[i], keys, why);
	}
	for (size_t i = 0; i < PX_ARRAY_LEN(of_keys); i++) {
		const struct condition *c = &of_keys[i];
		if (c->wanted->n > 0)
			judge(&all, c, keys_match(c, keys), NULL, keys, why);
	}
	if (why != NULL && why->len == 0)
		px_buf_adds(why, "it has no condition");
	return all;
}
