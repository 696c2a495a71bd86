/* prinex: the shape a schema gives a document: what must be there, and where a value belongs
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CLIENT_SHAPE_H
#define PX_CLIENT_SHAPE_H

#include <libxml/tree.h>

#include "base/buf.h"

/*
 * Validation says that a document is wrong, one error a parent; who completes a document wants to know all
 * that is missing, by path, and what it is. So the XSDs are read here as documents: elements, types, groups,
 * sequences, choices, extensions; nothing is judged that a validator judges. Thread: one at a time.
 *
 * Paths: `/ROOT/Parent/Child[2]/leaf`, `/ROOT/@attribute`; prefixes are left out, `/ROOT` may be.
 */
struct px_shape;

/**
 * Read the XSDs of @folder that describe namespace @uri; @root is an element of it. Blocks (files).
 * @return PX_OK, or PX_ECONF with @why.
 */
int px_shape_load(const char *folder, const char *uri, const char *root, struct px_shape **out,
		  struct px_buf *why);
void px_shape_free(struct px_shape **shape);

/** An element that must be there and is not; strings die with the call. */
struct px_missing {
	const char *path;
	const char *eucdm; /* number in the EU customs data model, "" when the schema names none */
	const char *text;  /* what it is, "" when the schema does not say */
};
typedef void px_missing_cb(const struct px_missing *m, void *arg);
/**
 * Call @cb for each required leaf that @doc lacks, in document order; of a choice once, with the alternatives
 * as `/PATH/a or /PATH/b`. What is below an optional parent that is absent is not required.
 */
void px_shape_missing(struct px_shape *shape, const xmlDoc *doc, px_missing_cb *cb, void *arg);

/**
 * Give the leaf or attribute at @path a value, in the place that the schema has for it; parents that are not
 * there are made. `[n]` is an existing one or the next; left out: the first. @return PX_OK, or PX_EINVAL with
 * @why (no such element here, with the nearest name; not a leaf).
 */
int px_shape_set(struct px_shape *shape, xmlDoc *doc, const char *path, const char *value,
		 struct px_buf *why);

#endif
