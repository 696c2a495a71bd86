/* prinex: the elements of a document in a row
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_ROWS_H
#define PX_XML_ROWS_H

#include <libxml/tree.h>

#include "base/base.h"

/*
 * The tree of 1 MB is ten to fifteen times as large and does not fit into the processor's cache: to go from
 * sibling to sibling through a thousand items is a wait for memory at each. So the parser notes each element
 * as it makes it, in the order of the document, and who looks for few among many goes along these rows, which
 * lie side by side. Calling sequence:
 *
 *	px_rows_add(&rows, node, depth) for each element	or	px_rows_of(&rows, root)
 *	for (row = px_rows_find(&rows, node); row != NULL; row = px_row_next(row))
 *	px_rows_free(&rows)
 *
 * Rows borrow nodes and names: they are good as long as the tree has its elements. Memory comes from
 * libxml2, as the tree's does. Thread: that of the tree.
 */
struct px_row {
	const xmlNode *node;
	const xmlChar *name; /* of the node */
	uint32_t depth;      /* of the root 1; below a row stand the next ones that are deeper */
	bool has_ns;
};

struct px_rows_piece;
struct px_rows {
	struct px_rows_piece *first, *last;
};

/** Append @node, an element @depth levels below the document. */
void px_rows_add(struct px_rows *rows, const xmlNode *node, unsigned depth);
/** Append @root and all elements below it. */
void px_rows_of(struct px_rows *rows, const xmlNode *root);
/** @return the row of @node, or NULL: there is none. Takes a look at each row before it. */
const struct px_row *px_rows_find(const struct px_rows *rows, const xmlNode *node);
void px_rows_free(struct px_rows *rows);

/** @return the next in the order of the document, NULL behind the last. */
static inline const struct px_row *px_row_next(const struct px_row *row)
{
	row++;
	/* Behind the last of a piece stands where the next one begins. */
	return row->depth > 0 ? row : (const struct px_row *)(const void *)row->node;
}

#endif
