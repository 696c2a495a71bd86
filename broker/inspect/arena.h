/* prinex: memory that a broker shares with one inspector
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_INSPECT_ARENA_H
#define PX_INSPECT_ARENA_H

#include "base/buf.h"

/*
 * A memfd with slots for documents and, for each, a region for its verdict. The first slot has room for the
 * largest document, and the others lie in it: such a document needs all others to be free. The memfd's
 * size is sealed, so that the broker can never fault on it. The broker writes documents and reads verdicts;
 * it never reads a document back, and copies a verdict before it looks at it. The inspector sees documents
 * read-only. Pages cost memory only once touched; most of them are given back when it has nothing to do.
 *
 *	broker: px_arena_new, put, ..., px_arena_copy_verdict, ..., px_arena_shrink, ..., px_arena_close
 *	inspector: px_arena_attach(fd), px_arena_doc, px_arena_verdict
 */
#define PX_ARENA_SLOTS 8
/** What each slot has room for. */
#define PX_ARENA_SMALL ((size_t)64 * 1024)

struct px_arena {
	int fd; /* -1: none */
	size_t docs_size;
	uint8_t *docs;     /* slots of PX_ARENA_SMALL, the first reaches to the end */
	uint8_t *verdicts; /* PX_ARENA_SLOTS of PX_LIMIT_VERDICT */
	/* Up to where they were used since the last px_arena_shrink. */
	size_t docs_used, verdicts_used;
};

/** @body_limit largest document. @return PX_OK or PX_ESYS (errno is set). */
int px_arena_new(uint64_t body_limit, struct px_arena *out);
/** Map the arena of @fd, which stays the caller's. @return PX_OK, PX_ESYS, PX_EINVAL (another size). */
int px_arena_attach(int fd, uint64_t body_limit, struct px_arena *out);
/** Unmap and close; a closed arena is fine. */
void px_arena_close(struct px_arena *arena);

/** Octets of the largest document that @slot takes. */
size_t px_arena_room(const struct px_arena *arena, unsigned slot);
/** @len at most what px_arena_room says; above PX_ARENA_SMALL all other slots are free. */
void px_arena_put(struct px_arena *arena, unsigned slot, const void *data, size_t len);
/** Append the verdict's @len <= PX_LIMIT_VERDICT octets to @out: a copy that nobody can change any more. */
void px_arena_copy_verdict(struct px_arena *arena, unsigned slot, size_t len, struct px_buf *out);
/** Does it hold more memory than a single ordinary document needs? */
bool px_arena_is_swollen(const struct px_arena *arena);
/** All slots are free: give back all but what a single ordinary document needs. */
void px_arena_shrink(struct px_arena *arena);

const uint8_t *px_arena_doc(const struct px_arena *arena, unsigned slot);
uint8_t *px_arena_verdict(const struct px_arena *arena, unsigned slot);

#endif
