/* prinex: projections: marks by which values are followed from the source to the result
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CLIENT_PROJECT_MARKS_H
#define PX_CLIENT_PROJECT_MARKS_H

#include "client/project.h"
#include "client/project_words.h"

/*
 * Each element of the source gets an attribute p:n with its number; stylesheets copy the attributes of what
 * they copy, under whatever name. What is found in the result went over.
 */
struct px_marks;

/** Mark @source, which is borrowed until px_marks_free. */
struct px_marks *px_marks_put(xmlDoc *source);
/** Remove the marks from the result, list what stayed, with what @words say about it. */
void px_marks_take(struct px_marks *marks, const struct px_words *words, struct px_projection *p);
void px_marks_free(struct px_marks **marks);

#endif
