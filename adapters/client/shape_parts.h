/* prinex: what the two halves of the shape share: content models
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CLIENT_SHAPE_PARTS_H
#define PX_CLIENT_SHAPE_PARTS_H

#include "client/shape.h"

/* Elements within elements, and groups within groups; deeper ones are not looked at. */
enum { PX_SHAPE_DEPTH = 32 };

/** An element that a content model has; @choice: elements of one choice share a number, 0: of none. */
struct px_child {
	char *name;
	xmlNode *decl; /* where its type is said */
	xmlNode *use;  /* where it stands in the model, with its annotation */
	bool required, repeats;
	unsigned choice;
};
struct px_model {
	unsigned n; /* 0: a leaf */
	struct px_child *children;
};

xmlNode *px_shape_root(const struct px_shape *shape);
/** Of a declaration; made when first asked for, owned by the shape. */
const struct px_model *px_shape_model(struct px_shape *shape, xmlNode *decl);
const struct px_child *px_model_find(const struct px_model *m, const char *name);
/** Append number and text of an annotation, where it has them. */
void px_shape_describe(const xmlNode *element, struct px_buf *eucdm, struct px_buf *text);

#endif
