/* prinex: customs offices from the official list, as a stream
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <errno.h>
#include <fcntl.h>
#include <libxml/xmlreader.h>
#include <unistd.h>

#include "base/strings.h"
#include "xml/offices_parts.h"

/*
 * The list is made of RDEntity/RDEntry; those of the entity CustomsOffices hold dataItem elements told apart
 * by their attribute `name`. An entry says since when what it says holds (activeFrom) and whether the office
 * is there then (state): entries of one office follow each other in time. Names are looked at without
 * namespace: their versions change with the list's.
 */
struct entry {
	struct px_office office;
	bool valid;
	uint32_t active, since; /* activeFrom; NctsEntryDate, which may be before it */
};

struct stream {
	const char *source;
	xmlTextReaderPtr reader;
	struct px_office_list *list;
	struct px_buf *why;
	bool in_offices;
	struct entry entry;
};

static bool is_named(xmlTextReaderPtr reader, const char *name)
{
	return strcmp((const char *)xmlTextReaderConstLocalName(reader), name) == 0;
}

static bool attribute_is(xmlTextReaderPtr reader, const char *value)
{
	xmlChar *s = xmlTextReaderGetAttribute(reader, (const xmlChar *)"name");
	bool same = s != NULL && strcmp((const char *)s, value) == 0;
	xmlFree(s);
	return same;
}

/* The text of the element the reader is at. */
static void text_of(xmlTextReaderPtr reader, char *out, size_t size)
{
	out[0] = '\0';
	if (xmlTextReaderIsEmptyElement(reader) == 1 || xmlTextReaderRead(reader) != 1 ||
	    xmlTextReaderNodeType(reader) != XML_READER_TYPE_TEXT)
		return;
	const xmlChar *s = xmlTextReaderConstValue(reader);
	px_strlcpy(out, s != NULL ? (const char *)s : "", size);
}

static void data_item(struct stream *s)
{
	char text[32];
	struct entry *e = &s->entry;
	if (attribute_is(s->reader, "ReferenceNumber")) {
		text_of(s->reader, text, sizeof(text));
		px_strlcpy(e->office.code, px_office_is_code(text) ? text : "", sizeof(e->office.code));
	} else if (attribute_is(s->reader, "Role")) {
		text_of(s->reader, text, sizeof(text));
		e->office.roles |= px_office_role(s->list, text, strlen(text));
	} else if (attribute_is(s->reader, "NctsEntryDate")) {
		text_of(s->reader, text, sizeof(text));
		e->since = px_office_day(text);
	}
}

static void element(struct stream *s)
{
	char text[32];
	if (is_named(s->reader, "RDEntity")) {
		s->in_offices = attribute_is(s->reader, "CustomsOffices");
	} else if (!s->in_offices) {
		return;
	} else if (is_named(s->reader, "RDEntry")) {
		s->entry = (struct entry){0};
	} else if (is_named(s->reader, "dataItem")) {
		data_item(s);
	} else if (is_named(s->reader, "state")) {
		text_of(s->reader, text, sizeof(text));
		s->entry.valid = strcmp(text, "valid") == 0;
	} else if (is_named(s->reader, "activeFrom")) {
		text_of(s->reader, text, sizeof(text));
		s->entry.active = px_office_day(text);
	}
}

/* The end of an entry of an office. A state that is not valid is kept until all are known, as no role at all
 * and `until` 0. */
static void end_entry(struct stream *s)
{
	struct entry *e = &s->entry;
	if (e->office.code[0] == '\0')
		return;
	e->office.from = e->active;
	e->office.since = e->since;
	e->office.until = e->valid ? PX_OFFICES_LAST : 0;
	px_office_add(s->list, &e->office);
}

static int by_code(const void *x, const void *y)
{
	const struct px_office *a = x, *b = y;
	int order = strcmp(a->code, b->code);
	return order != 0 ? order : a->from < b->from ? -1 : a->from > b->from;
}

static uint32_t day_before(uint32_t day)
{
	/* Only compared with days, so that the 0th of a month serves as the last of the month before. */
	return day > 0 ? day - 1 : 0;
}

/* Each period ends where the next of its office begins; those that are not valid go. */
static void close_periods(struct px_office_list *list)
{
	size_t n = 0;
	if (list->n > 0)
		qsort(list->items, list->n, sizeof(list->items[0]), by_code);
	for (size_t i = 0; i < list->n; i++) {
		struct px_office *o = &list->items[i];
		bool is_first = i == 0 || strcmp(list->items[i - 1].code, o->code) != 0;
		if (o->until == 0)
			continue;
		if (is_first && o->since != 0 && o->since < o->from)
			o->from = o->since;
		if (i + 1 < list->n && strcmp(list->items[i + 1].code, o->code) == 0)
			o->until = day_before(list->items[i + 1].from);
		if (o->from <= o->until)
			list->items[n++] = *o;
	}
	list->n = n;
}

static int fault(struct stream *s)
{
	const xmlError *e = xmlGetLastError();
	px_buf_setf(s->why, "%s:%d: %.*s", s->source, e != NULL ? e->line : 0,
		    e != NULL && e->message != NULL ? (int)strcspn(e->message, "\n") : 7,
		    e != NULL && e->message != NULL ? e->message : "not XML");
	return PX_EPARSE;
}

static int read_all(struct stream *s)
{
	int more;
	while ((more = xmlTextReaderRead(s->reader)) == 1) {
		int type = xmlTextReaderNodeType(s->reader);
		if (type == XML_READER_TYPE_ELEMENT)
			element(s);
		else if (type == XML_READER_TYPE_END_ELEMENT && s->in_offices &&
			 is_named(s->reader, "RDEntry"))
			end_entry(s);
	}
	return more == 0 ? PX_OK : fault(s);
}

static void silent(void *arg PX_UNUSED, xmlErrorPtr error PX_UNUSED)
{
}

int px_offices_read_xml(const char *source, struct px_office_list *list, struct px_buf *why)
{
	struct stream s = {.source = source, .list = list, .why = why};
	int fd = strcmp(source, "-") == 0 ? dup(STDIN_FILENO) : open(source, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		px_buf_setf(why, "%s: %s", source, strerror(errno));
		return PX_EPARSE;
	}
	xmlResetLastError();
	s.reader = xmlReaderForFd(fd, source, NULL, XML_PARSE_NONET | XML_PARSE_COMPACT);
	px_assert(s.reader != NULL);
	xmlTextReaderSetStructuredErrorHandler(s.reader, silent, NULL);
	int rc = read_all(&s);
	xmlFreeTextReader(s.reader);
	close(fd);
	if (rc == PX_OK)
		close_periods(list);
	return rc;
}
