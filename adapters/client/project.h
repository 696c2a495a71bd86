/* prinex: projections: a document of one type out of a document of another
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CLIENT_PROJECT_H
#define PX_CLIENT_PROJECT_H

#include <libxml/tree.h>

#include "base/buf.h"

/*
 * A declaration does not travel to the neighbour as it is: it carries guarantee access codes, authorisations
 * and more that are between trader and customs. A projection is a stylesheet SOURCE-TARGET.xsl (XSLT 1.0)
 * that names what goes over; what it does not name stays (schemas/project/README.md). What must not leave
 * (withheld.xml of the folder, and what the stylesheet adds to it) is taken out before the stylesheet runs:
 * it cannot let out what it does not see. Which values went over is told by marks that copies carry along, so
 * the list of what stayed is exact.
 *
 * A stylesheet may import others of its folder; it can read nothing else, write nothing and reach no network.
 * Thread: one at a time (libxslt's loader is global).
 */

/** What stayed: all elements of one path. No values: they are what must not be shown. */
struct px_drop {
	char *path;      /* without positions */
	unsigned values; /* leaves below, of all elements of that path */
	char *why;       /* "" nothing was said: the target has no place for it */
	bool withheld;   /* must not leave */
	bool partly;     /* others of that path went over */
};

/** What the stylesheet says about an element of the target that a source may lack. */
struct px_hint {
	char *path, *eucdm, *text; /* without positions; "" not said */
};

struct px_projection {
	xmlDoc *result;
	unsigned n_drops;
	struct px_drop *drops;
	unsigned n_hints;
	struct px_hint *hints;
};

/** Values a stylesheet may ask for by xsl:param; "" when not known. */
struct px_project_params {
	const char *now; /* UTC, `2026-11-22T08:15:00Z` */
	const char *id;  /* fresh, for documents that carry an id of their own */
};

/**
 * Run the projection of @from to @to over a document (well-formed, valid). Blocks (files of @folder).
 * @return PX_OK; PX_ENOTFOUND: no such projection; PX_ECONF with @why: the stylesheet is wrong, or what must
 * not leave is not said.
 */
int px_project(const char *folder, const char *from, const char *to, const uint8_t *data, size_t len,
	       const struct px_project_params *params, struct px_projection *out, struct px_buf *why);
/** The hint about @path, positions in which are ignored; NULL: none. */
const struct px_hint *px_projection_hint(const struct px_projection *p, const char *path);
void px_projection_free(struct px_projection *p);

/** Append the pairs of @folder, "CC015C to CD001C, ..."; @to NULL: to any. What begins with a small letter is
 * no pair but part of others. @return how many. */
unsigned px_project_list(const char *folder, const char *to, struct px_buf *out);

#endif
