/* prinex: what reading and writing the list of offices share
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_OFFICES_PARTS_H
#define PX_XML_OFFICES_PARTS_H

#include "xml/offices.h"

#define PX_OFFICES_MAGIC "PXOFFIC1"

enum {
	PX_OFFICES_HEAD = 48,
	PX_OFFICES_ROLE = 4,
	PX_OFFICES_ENTRY = 24,
	PX_OFFICES_ROLES_MAX = 64,
	PX_OFFICE_CODE = 8,
	PX_OFFICES_LAST = 99999999
};

/** One period of one office. */
struct px_office {
	char code[PX_OFFICE_CODE + 1];
	uint32_t from, until;
	uint32_t since; /* while it is read: it was there before its first entry, from then on */
	uint64_t roles;
};

/** A list in memory, while it is made. */
struct px_office_list {
	size_t n;
	struct px_office *items;
	unsigned n_roles;
	char roles[PX_OFFICES_ROLES_MAX][PX_OFFICES_ROLE];
};

/** The bit of @name, which is added when it is new; 0: not a name of three letters, or too many roles. */
uint64_t px_office_role(struct px_office_list *list, const char *name, size_t len);
void px_office_add(struct px_office_list *list, const struct px_office *office);
void px_office_list_free(struct px_office_list *list);
/** yyyy-mm-dd or yyyymmdd at the start of @s as a number; 0: it is none. */
uint32_t px_office_day(const char *s);
bool px_office_is_code(const char *s);

/** offices_xml.c, offices_csv.c: append what @source holds. */
int px_offices_read_xml(const char *source, struct px_office_list *list, struct px_buf *why);
int px_offices_read_csv(const char *source, struct px_office_list *list, struct px_buf *why);

/** Everything of an opened file that is not of a country in @without. */
void px_offices_copy(const struct px_offices *offices, const struct px_office_list *without,
		     struct px_office_list *list);

#endif
