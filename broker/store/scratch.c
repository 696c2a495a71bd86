/* prinex: memory that is given back all at once
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/scratch.h"

#include <stdalign.h>

#define CHUNK 2048

struct px_scratch_chunk {
	struct px_scratch_chunk *next;
	max_align_t data[];
};

static void *big(struct px_scratch *s, size_t size)
{
	struct px_scratch_chunk *chunk = px_xmalloc(sizeof(*chunk) + size);
	chunk->next = s->chunks;
	s->chunks = chunk;
	return chunk->data;
}

void *px_scratch_alloc(struct px_scratch *s, size_t size)
{
	const size_t align = alignof(max_align_t);
	px_assert(size <= SIZE_MAX / 2);
	size = (PX_MAX(size, (size_t)1) + align - 1) / align * align;
	if (size > CHUNK / 2)
		return big(s, size);
	if (size > s->left) {
		s->at = big(s, CHUNK);
		s->left = CHUNK;
	}
	void *out = s->at;
	s->at += size;
	s->left -= size;
	return out;
}

void *px_scratch_calloc(struct px_scratch *s, size_t n, size_t size)
{
	px_assert(size == 0 || n <= SIZE_MAX / 2 / size);
	void *out = px_scratch_alloc(s, n * size);
	memset(out, 0, n * size);
	return out;
}

void *px_scratch_copy(struct px_scratch *s, const void *data, size_t size)
{
	if (data == NULL || size == 0)
		return NULL;
	return memcpy(px_scratch_alloc(s, size), data, size);
}

char *px_scratch_str(struct px_scratch *s, const char *text)
{
	return text != NULL ? px_scratch_copy(s, text, strlen(text) + 1) : NULL;
}

void *px_scratch_double(struct px_scratch *s, const void *array, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return (void *)array;
	*cap = *cap != 0 ? *cap * 2 : 8;
	void *out = px_scratch_calloc(s, *cap, size);
	if (n > 0)
		memcpy(out, array, n * size);
	return out;
}

void px_scratch_adopt(struct px_scratch *s, struct px_scratch *from)
{
	struct px_scratch_chunk **end = &from->chunks;
	while (*end != NULL)
		end = &(*end)->next;
	*end = s->chunks;
	s->chunks = from->chunks;
	*from = (struct px_scratch){0};
}

void px_scratch_free(struct px_scratch *s)
{
	while (s->chunks != NULL) {
		struct px_scratch_chunk *next = s->chunks->next;
		free(s->chunks);
		s->chunks = next;
	}
	*s = (struct px_scratch){0};
}
