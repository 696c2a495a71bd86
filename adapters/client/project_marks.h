/* prinex: projections: marks by which values are followed from the source to the result
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CLIENT_PROJECT_MARKS_H
#define PX_CLIENT_PROJECT_MARKS_H

#include <libxslt/xsltInternals.h>

#include "client/project.h"

/* Of the marks, and of what a stylesheet says about itself: what must not
 * leave (p:withhold), and why something else stays (p:leave), by the end of its path: match, why. */
#define PX_PROJECT_NS "urn:prinex:project:1"

/*
 * Each element of the source gets an attribute p:n with its number; stylesheets copy the attributes of what
 * they copy, under whatever name. What is found in the result went over.
 */
struct px_marks;

/** Mark @source, which is borrowed until px_marks_free. */
struct px_marks *px_marks_put(xmlDoc *source);
/** Remove the marks from the result, list what stayed. @return PX_OK, PX_ECONF with @why: something withheld
 * is in the result. */
int px_marks_take(struct px_marks *marks, const xsltStylesheet *sheet, struct px_projection *p,
		  struct px_buf *why);
void px_marks_free(struct px_marks **marks);

#endif
