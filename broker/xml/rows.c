/* prinex: the elements of a document in a row
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "xml/rows.h"

#include <libxml/xmlmemory.h>

/* What a declaration of 6 KB has, nearly; pieces are never moved. */
enum { ROWS = 127 };

struct px_rows_piece {
	struct px_rows_piece *next;
	unsigned n;
	struct px_row rows[ROWS + 1]; /* behind the last: depth 0, `node` the first row of the next piece */
};

static struct px_rows_piece *add_piece(struct px_rows *rows)
{
	struct px_rows_piece *piece = xmlMalloc(sizeof(*piece));
	px_assert(piece != NULL);
	piece->next = NULL;
	piece->n = 0;
	if (rows->last != NULL) {
		rows->last->next = piece;
		rows->last->rows[ROWS].node = (const xmlNode *)(const void *)piece->rows;
	} else {
		rows->first = piece;
	}
	rows->last = piece;
	return piece;
}

void px_rows_add(struct px_rows *rows, const xmlNode *node, unsigned depth)
{
	struct px_rows_piece *piece = rows->last;
	px_assert(depth > 0);
	if (piece == NULL || piece->n == ROWS)
		piece = add_piece(rows);
	struct px_row *row = &piece->rows[piece->n++];
	*row = (struct px_row){node, node->name, depth, node->ns != NULL};
	row[1].depth = 0;
	row[1].node = NULL;
}

void px_rows_of(struct px_rows *rows, const xmlNode *root)
{
	const xmlNode *node = root;
	unsigned depth = 1;
	while (node != NULL) {
		if (node->type == XML_ELEMENT_NODE) {
			px_rows_add(rows, node, depth);
			if (node->children != NULL) {
				node = node->children;
				depth++;
				continue;
			}
		}
		while (node != root && node->next == NULL) {
			node = node->parent;
			depth--;
		}
		node = node != root ? node->next : NULL;
	}
}

const struct px_row *px_rows_find(const struct px_rows *rows, const xmlNode *node)
{
	const struct px_row *row = rows->first != NULL ? rows->first->rows : NULL;
	while (row != NULL && row->node != node)
		row = px_row_next(row);
	return row;
}

void px_rows_free(struct px_rows *rows)
{
	for (struct px_rows_piece *piece = rows->first, *next; piece != NULL; piece = next) {
		next = piece->next;
		xmlFree(piece);
	}
	*rows = (struct px_rows){0};
}
