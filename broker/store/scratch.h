/* prinex: memory that is given back all at once
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_SCRATCH_H
#define PX_STORE_SCRATCH_H

#include "base/base.h"

/*
 * What an operation copies from its request and what it hands to its callback dies together: each operation
 * has one. Zero-initialise, allocate, px_scratch_free. Thread: one owner at a time.
 */
struct px_scratch_chunk;

struct px_scratch {
	struct px_scratch_chunk *chunks;
	uint8_t *at;
	size_t left;
};

/** Aligned for anything; not zeroed. */
void *px_scratch_alloc(struct px_scratch *s, size_t size);
/** Zeroed. */
void *px_scratch_calloc(struct px_scratch *s, size_t n, size_t size);
/** Copy; NULL stays NULL, and so does an empty array. */
void *px_scratch_copy(struct px_scratch *s, const void *data, size_t size);
/** Copy of a string; NULL stays NULL. */
char *px_scratch_str(struct px_scratch *s, const char *text);
/** Double an array of @n elements that is full; the old one is kept until the end. */
void *px_scratch_double(struct px_scratch *s, const void *array, size_t n, size_t *cap, size_t size);
/** Take over all memory of @from, which is empty afterwards. */
void px_scratch_adopt(struct px_scratch *s, struct px_scratch *from);
void px_scratch_free(struct px_scratch *s);

#endif
