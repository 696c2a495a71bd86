/* prinex: octets of one message, shared without copying
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BASE_BODY_H
#define PX_BASE_BODY_H

#include "base/digest.h"

/*
 * Immutable octets with their SHA-256 and a reference count, so that listener, inspectors' arena, store and
 * egress can hold the same message without copies. Thread: any; the count is atomic.
 */
struct px_body {
	unsigned refs; /* atomic */
	size_t len;
	uint8_t digest[PX_DIGEST_LEN];
	uint8_t *data;
};

/** Takes @data (malloc'ed; NULL on return). @digest NULL: computed here. @return a body with one reference.
 */
struct px_body *px_body_new(uint8_t **data, size_t len, const uint8_t *digest);
struct px_body *px_body_copy(const void *data, size_t len);
/** Without a digest (all zero): nobody asks for that of an answer. */
struct px_body *px_body_undigested(const void *data, size_t len);
struct px_body *px_body_ref(struct px_body *body);
/** Drops one reference and sets the variable to NULL; NULL is fine. */
void px_body_unref(struct px_body **body);

#endif
