/* prinex: business keys out of a payload
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_KEYS_H
#define PX_XML_KEYS_H

#include <libxml/tree.h>

#include "conf/catalogue.h"

/*
 * Where a type keeps its keys is said in XPath. Nearly all expressions are plain paths (child steps, names or
 * *, an attribute at the end, [1]); those are joined into one tree of steps that is walked along the document
 * once. What is more is left to libxml2's XPath.
 */
struct px_paths;

/** Compile the expressions of @type with the prefixes of @set. @return PX_OK, or PX_ECONF with @why. */
int px_paths_new(const struct px_cat_type *type, const struct px_cat_set *set, struct px_paths **out,
		 struct px_buf *why);
void px_paths_free(struct px_paths **paths);

/**
 * Append the keys found in @doc, whose root element is the payload. Values are collapsed, cut at a character,
 * taken once per kind, in the order of the expressions, at most PX_KEYS_MAX; of these at most half when the
 * next is a seal, three quarters when it is a container, seven eighths when it is a vehicle. @return how many
 * were left out.
 */
unsigned px_paths_extract(const struct px_paths *paths, xmlDoc *doc, struct px_keys *keys);

#endif
