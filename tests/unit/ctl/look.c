/* prinex: tests of ctl: reading answers of the control socket
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "look.h"

const char *text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));
	return s != NULL ? s : "(none)";
}

int64_t number(const json_t *o, const char *name)
{
	if (!json_is_integer(json_object_get(o, name)))
		fail_msg("%s is no number", name);
	return json_integer_value(json_object_get(o, name));
}

/* The member of @list whose @name is @value. */
const json_t *find(const json_t *list, const char *name, const char *value)
{
	size_t i;
	const json_t *o;
	json_array_foreach(list, i, o)
	{
		if (strcmp(text(o, name), value) == 0)
			return o;
	}
	fail_msg("none has %s = %s", name, value);
	return NULL;
}
