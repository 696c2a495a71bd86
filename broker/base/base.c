/* prinex: assertions, allocation that cannot fail
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/base.h"
#include "base/log.h"

void px_assert_failed(const char *cond, const char *file, int line, const char *func)
{
	px_log(PX_LOG_ERR, "bug", "assertion failed: %s at %s:%d in %s", cond, file, line, func);
	abort();
}

static void *or_die(void *p)
{
	if (p == NULL) {
		px_log(PX_LOG_ERR, "memory", "out of memory");
		abort();
	}
	return p;
}

void *px_xmalloc(size_t size)
{
	return or_die(malloc(size > 0 ? size : 1));
}

void *px_xcalloc(size_t n, size_t size)
{
	return or_die(calloc(n > 0 ? n : 1, size > 0 ? size : 1));
}

void *px_xrealloc(void *ptr, size_t size)
{
	return or_die(realloc(ptr, size > 0 ? size : 1));
}

void *px_xrealloc_array(void *ptr, size_t n, size_t size)
{
	size_t bytes;
	px_assert(!__builtin_mul_overflow(n, size, &bytes));
	return px_xrealloc(ptr, bytes);
}

char *px_xstrdup(const char *s)
{
	return or_die(strdup(s));
}

char *px_xstrndup(const char *s, size_t n)
{
	return or_die(strndup(s, n));
}

void *px_xmemdup(const void *p, size_t n)
{
	void *copy = px_xmalloc(n);
	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}
