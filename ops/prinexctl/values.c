/* prinex: prinexctl: members of results as text
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "prinexctl.h"

#include <inttypes.h>
#include <stdarg.h>

#include "base/clock.h"
#include "base/strings.h"

#define LABEL 22

const char *text_of(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));
	return s != NULL ? s : "";
}

int64_t int_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

bool bool_of(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

bool has(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	return value != NULL && !json_is_null(value);
}

/* A ring of results, so that one call can be an argument beside another. */
static char *slot(size_t *size)
{
	static char slots[4][96];
	static unsigned at;
	at = (at + 1) % 4;
	*size = sizeof(slots[0]);
	return slots[at];
}

const char *time_text(const char *time)
{
	int64_t ms;
	size_t size;
	char *out = slot(&size), ago[48];
	if (*time == '\0' || px_time_parse(time, &ms) != PX_OK)
		return "";
	int64_t away = px_clock_wall(px_clock_real()) - ms;
	px_duration_format(away < 0 ? -away : away, ago, sizeof(ago));
	snprintf(out, size, "%.10s %.8sZ (%s%s%s)", time, time + 11, away < 0 ? "in " : "", ago,
		 away < 0 ? "" : " ago");
	return out;
}

const char *octets_text(int64_t octets)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t size, unit = 0;
	char *out = slot(&size);
	double n = (double)octets;
	while (n >= 1024 && unit + 1 < PX_ARRAY_LEN(units)) {
		n /= 1024;
		unit++;
	}
	snprintf(out, size, unit == 0 || n >= 100 ? "%.0f %s" : "%.1f %s", n, units[unit]);
	return out;
}

void cell_text(struct table *t, const json_t *object, const char *name)
{
	table_add(t, text_of(object, name), PLAIN);
}

void cell_state(struct table *t, const json_t *object, const char *name)
{
	table_add(t, text_of(object, name), screen_colour(text_of(object, name)));
}

void cell_int(struct table *t, const json_t *object, const char *name)
{
	if (has(object, name))
		table_addf(t, PLAIN, "%" PRId64, int_of(object, name));
	else
		table_add(t, NULL, PLAIN);
}

void cell_time(struct table *t, const json_t *object, const char *name)
{
	table_add(t, time_text(text_of(object, name)), PLAIN);
}

void cell_octets(struct table *t, const json_t *object, const char *name)
{
	table_add(t, has(object, name) ? octets_text(int_of(object, name)) : NULL, PLAIN);
}

void put_rows(const char *heads, const char *members, const json_t *list)
{
	struct table *t = table_new(heads);
	const json_t *row;
	size_t i;
	json_array_foreach(list, i, row)
	{
		for (const char *at = members; *at != '\0';) {
			size_t len = strcspn(at, "|");
			char *member = px_xstrndup(at, len);
			if (*member == '=')
				cell_state(t, row, member + 1);
			else if (*member == '@')
				cell_time(t, row, member + 1);
			else if (*member == '#')
				cell_int(t, row, member + 1);
			else
				cell_text(t, row, member);
			free(member);
			at += len + (at[len] == '|');
		}
	}
	table_print(&t);
}

void put_more(const json_t *result)
{
	if (has(result, "next"))
		printf("more follow: --from %" PRId64 ", or --all\n", int_of(result, "next"));
}

void add_list(struct px_buf *out, const json_t *list)
{
	const json_t *item;
	size_t i;
	json_array_foreach(list, i, item)
	    px_buf_addf(out, "%s%s", i == 0 ? "" : ", ", json_string_value(item));
}

void cell_list(struct table *t, const json_t *object, const char *name)
{
	struct px_buf text = PX_BUF_INIT;
	add_list(&text, json_object_get(object, name));
	table_add(t, px_buf_str(&text), PLAIN);
	px_buf_free(&text);
}

void line(const char *label, enum colour colour, const char *fmt, ...)
{
	struct px_buf text = PX_BUF_INIT, clean = PX_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	screen_clean(&clean, px_buf_str(&text));
	printf("%s%*s ", label, PX_MAX(LABEL - (int)screen_columns(label), 0), "");
	screen_put(px_buf_str(&clean), colour);
	printf("\n");
	px_buf_free(&text);
	px_buf_free(&clean);
}

void line_text(const char *label, const json_t *object, const char *name)
{
	if (has(object, name))
		line(label, PLAIN, "%s", text_of(object, name));
}

void line_list(const char *label, const json_t *object, const char *name)
{
	struct px_buf text = PX_BUF_INIT;
	add_list(&text, json_object_get(object, name));
	if (text.len > 0)
		line(label, PLAIN, "%s", px_buf_str(&text));
	px_buf_free(&text);
}

void line_time(const char *label, const json_t *object, const char *name)
{
	if (has(object, name))
		line(label, PLAIN, "%s", time_text(text_of(object, name)));
}

void title(const char *text)
{
	printf("\n");
	screen_put(text, BOLD);
	printf("\n");
}
