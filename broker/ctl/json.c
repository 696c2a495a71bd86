/* prinex: small helpers that fill JSON objects
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/json.h"

#include "base/strings.h"

json_t *px_json_text(const char *s)
{
	if (s == NULL)
		return json_null();
	json_t *text = json_string(s);
	if (text != NULL)
		return text;
	struct px_buf clean = PX_BUF_INIT;
	size_t left = strlen(s);
	while (left > 0) {
		size_t n = px_utf8_length(s, left);
		if (n == 0)
			px_buf_addf(&clean, "\\x%02x", (unsigned char)*s);
		else
			px_buf_add(&clean, s, n);
		s += n == 0 ? 1 : n;
		left -= n == 0 ? 1 : n;
	}
	text = json_string(px_buf_str(&clean));
	px_buf_free(&clean);
	px_assert(text != NULL);
	return text;
}

void px_json_set(json_t *object, const char *name, json_t *value)
{
	int rc = json_object_set_new(object, name, value);
	px_assert(rc == 0);
}

void px_json_set_text(json_t *object, const char *name, const char *s)
{
	px_json_set(object, name, px_json_text(s));
}

void px_json_set_maybe(json_t *object, const char *name, const char *s)
{
	px_json_set_text(object, name, s != NULL && *s != '\0' ? s : NULL);
}

void px_json_set_int(json_t *object, const char *name, int64_t value)
{
	px_json_set(object, name, json_integer(value));
}

void px_json_set_bool(json_t *object, const char *name, bool value)
{
	px_json_set(object, name, json_boolean(value));
}

void px_json_set_time(json_t *object, const char *name, int64_t ms)
{
	char text[32];
	px_time_format(ms, text, sizeof(text));
	px_json_set_text(object, name, ms != 0 ? text : NULL);
}

void px_json_set_hex(json_t *object, const char *name, const void *data, size_t len)
{
	char *hex = px_xmalloc(2 * len + 1);
	px_hex(data, len, hex);
	px_json_set_text(object, name, hex);
	free(hex);
}

json_t *px_json_append(json_t *array)
{
	json_t *object = json_object();
	int rc = json_array_append_new(array, object);
	px_assert(rc == 0);
	return object;
}
