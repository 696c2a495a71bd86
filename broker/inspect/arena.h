/* prinex: memory that a broker shares with one inspector
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_INSPECT_ARENA_H
#define PX_INSPECT_ARENA_H

#include "base/buf.h"

/*
 * A memfd with two document slots and, for each, a region for its verdict. Its size is sealed, so that the
 * broker can never fault on it. The broker writes documents and reads verdicts; it never reads a document
 * back, and copies a verdict before it looks at it. The inspector sees documents read-only. Pages cost memory
 * only once touched; what large documents touched is given back when the inspector has nothing to do.
 *
 *	broker: px_arena_new, put, ..., px_arena_copy_verdict, ..., px_arena_shrink, ..., px_arena_close
 *	inspector: px_arena_attach(fd), px_arena_doc, px_arena_verdict
 */
#define PX_ARENA_SLOTS 2

struct px_arena {
	int fd; /* -1: none */
	size_t slot_size;
	uint8_t *docs;     /* PX_ARENA_SLOTS of slot_size */
	uint8_t *verdicts; /* PX_ARENA_SLOTS of PX_LIMIT_VERDICT */
	/* Octets that the largest took since the last px_arena_shrink. */
	size_t doc_used[PX_ARENA_SLOTS], verdict_used[PX_ARENA_SLOTS];
};

/** @body_limit largest document. @return PX_OK or PX_ESYS (errno is set). */
int px_arena_new(uint64_t body_limit, struct px_arena *out);
/** Map the arena of @fd, which stays the caller's. @return PX_OK, PX_ESYS, PX_EINVAL (another size). */
int px_arena_attach(int fd, uint64_t body_limit, struct px_arena *out);
/** Unmap and close; a closed arena is fine. */
void px_arena_close(struct px_arena *arena);

void px_arena_put(struct px_arena *arena, unsigned slot, const void *data, size_t len);
/** Append the verdict's @len <= PX_LIMIT_VERDICT octets to @out: a copy that nobody can change any more. */
void px_arena_copy_verdict(struct px_arena *arena, unsigned slot, size_t len, struct px_buf *out);
/** Does it hold more memory than ordinary documents need? */
bool px_arena_is_swollen(const struct px_arena *arena);
/** All slots are free: give back what large documents and verdicts occupy. */
void px_arena_shrink(struct px_arena *arena);

const uint8_t *px_arena_doc(const struct px_arena *arena, unsigned slot);
uint8_t *px_arena_verdict(const struct px_arena *arena, unsigned slot);

#endif
