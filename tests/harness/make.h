/* prinex: how a document is made: pieces that docs.c and payload.c share
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_HARNESS_MAKE_H
#define PX_HARNESS_MAKE_H

#include "play.h"

#define PX_DOCUMENT_MAX (64 << 20)
#define PX_DEFAULT_TYPE "PreArrivalNotice"

/** Append @pattern with `%` replaced by @number, unless that is 0. */
void px_numbered(const char *pattern, unsigned number, struct px_buf *out);
/** The type that a file's name begins with: ExportDeclaration-small.xml. */
void px_type_of_file(const char *from, char *out, size_t size);
/** Append the payload's root element as make asks for it. @return PX_OK, or fails the step. */
int px_fill_payload(struct px_play *p, const struct px_call *call, const char *type, unsigned number,
		    struct px_buf *root);

#endif
