/* prinex: customs offices from a table: code,roles,from,until
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <errno.h>

#include "base/strings.h"
#include "xml/offices_parts.h"

struct line {
	const char *file;
	unsigned number;
	char text[512];
	char *fields[4];
};

static int fault(const struct line *l, struct px_buf *why, const char *what, const char *value)
{
	px_buf_setf(why, "%s:%u: %s: \"%s\"", l->file, l->number, what, value);
	return PX_EPARSE;
}

static char *trim(char *s)
{
	s += strspn(s, " \t\"");
	size_t n = strlen(s);
	while (n > 0 && strchr(" \t\"", s[n - 1]) != NULL)
		s[--n] = '\0';
	return s;
}

/* Commas or semicolons, as spreadsheets of both kinds write them. */
static void split(struct line *l)
{
	static char none[] = "";
	char *s = l->text;
	for (size_t i = 0; i < PX_ARRAY_LEN(l->fields); i++) {
		char *end = s + strcspn(s, ",;");
		bool more = *end != '\0';
		*end = '\0';
		l->fields[i] = trim(s);
		s = more ? end + 1 : none;
	}
}

static int read_roles(const struct line *l, struct px_office_list *list, struct px_office *office,
		      struct px_buf *why)
{
	for (const char *s = l->fields[1]; *s != '\0';) {
		size_t n = strcspn(s, " ");
		uint64_t bit = px_office_role(list, s, n);
		if (bit == 0)
			return fault(l, why, "expected roles of three letters with blanks between them", s);
		office->roles |= bit;
		s += n;
		s += strspn(s, " ");
	}
	return PX_OK;
}

static int read_line(struct line *l, struct px_office_list *list, struct px_buf *why)
{
	struct px_office office = {.until = PX_OFFICES_LAST};
	split(l);
	if (!px_office_is_code(l->fields[0]))
		return fault(l, why, "expected a code of 8 characters, such as BY006713", l->fields[0]);
	px_strlcpy(office.code, l->fields[0], sizeof(office.code));
	if (read_roles(l, list, &office, why) != PX_OK)
		return PX_EPARSE;
	if (l->fields[2][0] != '\0' && (office.from = px_office_day(l->fields[2])) == 0)
		return fault(l, why, "expected a day, as in 2026-11-21", l->fields[2]);
	if (l->fields[3][0] != '\0' && (office.until = px_office_day(l->fields[3])) == 0)
		return fault(l, why, "expected a day, as in 2026-11-21", l->fields[3]);
	if (office.from > office.until)
		return fault(l, why, "it ends before it begins", l->fields[3]);
	px_office_add(list, &office);
	return PX_OK;
}

static bool is_header(struct line *l)
{
	split(l);
	return strcmp(l->fields[0], "code") == 0 && strcmp(l->fields[1], "roles") == 0 &&
	       strcmp(l->fields[2], "from") == 0 && strcmp(l->fields[3], "until") == 0;
}

static int read_lines(FILE *f, struct line *l, struct px_office_list *list, struct px_buf *why)
{
	while (fgets(l->text, sizeof(l->text), f) != NULL) {
		l->number++;
		size_t n = strcspn(l->text, "\r\n");
		if (l->text[n] == '\0' && !feof(f))
			return fault(l, why, "the line is too long", "");
		l->text[n] = '\0';
		if (l->number == 1) {
			const char *bom = "\xef\xbb\xbf";
			if (px_str_starts(l->text, bom))
				memmove(l->text, l->text + 3, strlen(l->text + 3) + 1);
			if (!is_header(l))
				return fault(l, why, "the first line must be code,roles,from,until",
					     l->fields[0]);
		} else if (l->text[strspn(l->text, " \t")] != '\0') {
			int rc = read_line(l, list, why);
			if (rc != PX_OK)
				return rc;
		}
	}
	return PX_OK;
}

int px_offices_read_csv(const char *source, struct px_office_list *list, struct px_buf *why)
{
	struct line l = {.file = source};
	FILE *f = fopen(source, "re");
	if (f == NULL) {
		px_buf_setf(why, "%s: %s", source, strerror(errno));
		return PX_EPARSE;
	}
	int rc = read_lines(f, &l, list, why);
	fclose(f);
	return rc;
}
