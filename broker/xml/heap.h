/* prinex: memory of trees: taken in one piece after the other, given up at once
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_HEAP_H
#define PX_XML_HEAP_H

#include "base/buf.h"

/*
 * A tree of libxml2 is thousands of small allocations which die together. From malloc(3) they cost a fifth of
 * an inspection (finding, freeing and joining them again, and the cache lines that this touches); here they
 * stand side by side in the order in which the parser made them and are forgotten at once.
 *
 *	px_heap_open();                     once, in a process that inspects one document at a time
 *	mark = px_heap_begin();             libxml2 takes its memory here until
 *	px_heap_end();                      it takes it from malloc(3) again
 *	... the tree is read ...
 *	if (!px_heap_is_whole(mark)) xmlFreeDoc(doc);
 *	px_heap_release(mark);              what was taken since px_heap_begin is gone
 *
 * Marks nest. Free and realloc of libxml2 know what is theirs wherever they are called. What does not fit
 *comes from malloc(3), as does everything where nobody called px_heap_open, and with sanitizers, which are to
 * see each allocation. Thread: that of px_heap_open; other threads may use libxml2 outside begin and end.
 */

/** Failing to get address space is no error: malloc(3) serves. */
void px_heap_open(void);
size_t px_heap_begin(void);
void px_heap_end(void);
/** Did all that was taken since @mark find room here, so that it needs no freeing? */
bool px_heap_is_whole(size_t mark);
void px_heap_release(size_t mark);
/** Give back to the system what large documents touched. */
void px_heap_trim(void);

#endif
