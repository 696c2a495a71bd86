/* prinex: memory of trees: taken in one piece after the other, given up at once
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "xml/heap.h"

#include <libxml/xmlerror.h>
#include <libxml/xmlmemory.h>
#include <sys/mman.h>

/* Address space; pages cost memory once touched. The tree of a declaration takes some ten times its octets.
 */
#define ROOM ((size_t)128 * 1024 * 1024)
/* What ordinary documents use stays in memory, in small pages. Behind it large ones let the system hand out
 * memory in large pages: a tree of 10 MB is five faults instead of thousands. */
#define KEEP  ((size_t)2 * 1024 * 1024)
#define ALIGN ((size_t)16)

#ifdef PX_SANITIZE
#define SANITIZED true
#else
#define SANITIZED false
#endif

/* In front of each piece: how much was asked for. */
#define HEAD sizeof(size_t)

static struct {
	uint8_t *start; /* NULL: not open */
	size_t used, touched;
	bool active, overflowed;
} heap;

static bool is_ours(const void *p)
{
	/* One comparison: what lies in front of the start wraps around. */
	return heap.start != NULL && (uintptr_t)p - (uintptr_t)heap.start < ROOM;
}

static size_t asked_for(const void *p)
{
	size_t n;
	memcpy(&n, (const uint8_t *)p - HEAD, HEAD);
	return n;
}

/* Where the piece behind one of @n octets at @p begins: its head in front of what is aligned. */
static size_t end_of(const void *p, size_t n)
{
	size_t at = (size_t)((const uint8_t *)p - heap.start);
	return (at + n + HEAD + ALIGN - 1) / ALIGN * ALIGN;
}

static bool is_last(const void *p)
{
	return end_of(p, asked_for(p)) == heap.used;
}

static void resize(void *p, size_t n)
{
	memcpy((uint8_t *)p - HEAD, &n, HEAD);
	heap.used = end_of(p, n);
	heap.touched = PX_MAX(heap.touched, heap.used);
}

static void *take(size_t n)
{
	if (!heap.active)
		return malloc(n);
	/* `used` is where the next piece would stand, its head in front of it. */
	if (n > ROOM || heap.used + n + 2 * ALIGN > ROOM) {
		heap.overflowed = true;
		return malloc(n);
	}
	uint8_t *p = heap.start + heap.used;
	resize(p, n);
	return p;
}

static void give(void *p)
{
	if (!is_ours(p))
		free(p);
	else if (is_last(p))
		heap.used = (size_t)((uint8_t *)p - heap.start);
}

static void *take_again(void *p, size_t n)
{
	if (p == NULL)
		return take(n);
	if (!is_ours(p))
		return realloc(p, n);
	size_t old = asked_for(p);
	size_t at = (size_t)((uint8_t *)p - heap.start);
	if (heap.active && is_last(p) && n <= ROOM && at + n + 2 * ALIGN <= ROOM) {
		resize(p, n);
		return p;
	}
	if (n <= old)
		return p;
	void *moved = take(n);
	if (moved != NULL)
		memcpy(moved, p, old);
	return moved;
}

static char *take_copy(const char *s)
{
	size_t n = strlen(s) + 1;
	char *copy = take(n);
	if (copy != NULL)
		memcpy(copy, s, n);
	return copy;
}

void px_heap_open(void)
{
	if (SANITIZED || heap.start != NULL)
		return;
	void *p =
	    mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return;
	/* Without large pages it is slower, nothing else. */
	(void)madvise((uint8_t *)p + KEEP, ROOM - KEEP, MADV_HUGEPAGE);
	if (xmlMemSetup(give, take, take_again, take_copy) != 0) {
		munmap(p, ROOM);
		return;
	}
	heap.start = p;
	heap.used = ALIGN;
}

size_t px_heap_begin(void)
{
	heap.active = heap.start != NULL;
	return heap.used; /* 0 as long as it is not open */
}

void px_heap_end(void)
{
	/* A fault that is remembered would be freed when nothing is left of it. */
	xmlResetLastError();
	heap.active = false;
}

bool px_heap_is_whole(size_t mark)
{
	return mark != 0 && !heap.overflowed;
}

void px_heap_release(size_t mark)
{
	if (mark == 0)
		return;
	heap.used = mark;
	if (mark == ALIGN)
		heap.overflowed = false;
}

void px_heap_trim(void)
{
	if (heap.touched > KEEP)
		(void)madvise(heap.start + KEEP, heap.touched - KEEP, MADV_DONTNEED);
	heap.touched = 0;
}
