/* prinex: what people and programs read: errors, confirmations, a node about itself, the state of a message
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CLIENT_SHOW_H
#define PX_CLIENT_SHOW_H

#include <jansson.h>

#include "base/buf.h"
#include "base/exchange.h"

/*
 * Text that came from elsewhere is shown with control characters escaped, so that no document can drive a
 * terminal. The XML given here was verified (confirmations) or came over a verified connection; it is read
 * defensively nevertheless.
 */

/** Append @s with control characters as \xHH. */
void px_show_safe(struct px_buf *out, const char *s);

/**
 * Errors name lines of the exchange (or of a payload examined on its own). Lines @first to @last of it are
 * lines from @other on of another document: of the file that the payload came from (@to_file), else of the
 * payload by itself, where its root element is on line 1. Zero: no line has another name.
 */
struct px_line_map {
	unsigned first, last, other;
	bool to_file;
	const char
	    *exchange; /* to_file: what to call the exchange; NULL: its lines mean nothing to anybody */
};

/** One error or warning: `CODE line N POINTER "VALUE": TEXT`. Absent parts are left out. Borrowed strings. */
struct px_shown {
	const char *code, *pointer, *value, *text;
	unsigned line;
	const struct px_line_map *map; /* NULL: lines are shown as they are */
};
void px_show_error(struct px_buf *out, const struct px_shown *e);
/** `line` is the line of the exchange; `file_line`, `payload_line` are its other name, where it has one. */
json_t *px_json_error(const struct px_shown *e);

/** All of @f, @indent in front of each. A last line counts what was not kept. @map may be NULL. */
void px_show_findings(struct px_buf *out, const struct px_findings *f, const struct px_line_map *map,
		      const char *indent);
json_t *px_json_findings(const struct px_findings *f, const struct px_line_map *map);

/** The errors (or warnings) of a Confirmation's octets. @map may be NULL. */
void px_show_confirmation(struct px_buf *out, const uint8_t *doc, size_t len, const char *element,
			  const struct px_line_map *map, const char *indent);
json_t *px_json_confirmation(const uint8_t *doc, size_t len, const char *element,
			     const struct px_line_map *map);

/** Any of our own answer documents (Node, State): nested elements as indented `Name: value` lines, or as an
 * object; Signature is left out. @return PX_OK or PX_EPARSE. */
int px_show_document(struct px_buf *out, const uint8_t *doc, size_t len);
json_t *px_json_document(const uint8_t *doc, size_t len);

/** The answer to an officer's question, a paragraph a movement; digests are left to the JSON. @return PX_OK
 * or PX_EPARSE. */
int px_show_movements(struct px_buf *out, const uint8_t *doc, size_t len);

/** One object, one line, to standard output; takes the reference. */
void px_json_print(json_t *object);

#endif
