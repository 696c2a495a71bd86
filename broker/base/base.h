/* prinex: assertions, magic numbers, allocation that cannot fail, small macros
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BASE_BASE_H
#define PX_BASE_BASE_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

#define PX_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define PX_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define PX_NORETURN     __attribute__((noreturn))
#define PX_UNUSED       __attribute__((unused))
#define PX_MIN(a, b)    ((a) < (b) ? (a) : (b))
#define PX_MAX(a, b)    ((a) > (b) ? (a) : (b))

/** Asserts stay on in release builds. They guard our own logic and never judge input. */
#define px_assert(cond) ((cond) ? (void)0 : px_assert_failed(#cond, __FILE__, __LINE__, __func__))

void px_assert_failed(const char *cond, const char *file, int line, const char *func) PX_NORETURN;

/*
 * A struct that travels through a `void *` begins with `uint32_t magic`; who takes it out checks it:
 *	struct px_conn *c = PX_CAST(arg, struct px_conn, PX_CONN_MAGIC);
 */
#define PX_CAST(ptr, type, value) ((type *)px_cast_check((ptr), (value), __FILE__, __LINE__))

static inline void *px_cast_check(void *ptr, uint32_t magic, const char *file, int line)
{
	if (ptr == NULL || *(const uint32_t *)ptr != magic)
		px_assert_failed("magic", file, line, "cast");
	return ptr;
}

/* Small allocations abort when memory is gone; sizes that a peer chooses are capped by limits.h first. */
void *px_xmalloc(size_t size);
void *px_xcalloc(size_t n, size_t size);
void *px_xrealloc(void *ptr, size_t size);
/** realloc for arrays; aborts on overflow of n * size. */
void *px_xrealloc_array(void *ptr, size_t n, size_t size);
char *px_xstrdup(const char *s);
char *px_xstrndup(const char *s, size_t n);
void *px_xmemdup(const void *p, size_t n);

/** Frees and sets the variable to NULL. */
#define PX_FREE(var) (free((void *)(var)), (var) = NULL)

#endif
