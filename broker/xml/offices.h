/* prinex: the list of customs offices, as a compact file
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_OFFICES_H
#define PX_XML_OFFICES_H

#include "base/buf.h"

/*
 * The official list is 55 MB of XML, and 460 MB as a tree; what rules ask of it is which codes there are,
 *when, and for what. `prinexctl offices import` writes that into a sorted file of 24 octets an entry, which
 *the inspectors' parent maps before it forks, so that all inspectors share one copy.
 *
 * File: the header, then roles (4 octets each: name, NUL-filled), then entries sorted by (code, from).
 *Integers are little-endian. A code may have several entries, for periods that do not overlap.
 *
 *	0  magic "PXOFFIC1"   8  entries u32   12  roles u32   16  SHA-256 of all behind the header
 *	entry: 0 code, 8 octets   8 first day u32 (yyyymmdd, 0: any)   12 last day u32 (99999999: any)
 *	       16 roles u64, a bit each
 */
struct px_offices;

/** Map @file and check it. Blocks. @return PX_OK, or PX_ECONF with @why. */
int px_offices_open(const char *file, struct px_offices **out, struct px_buf *why);
void px_offices_free(struct px_offices **offices);
unsigned px_offices_count(const struct px_offices *offices);

/**
 * @roles: names with blanks between them, one of which the office must have, or "". @day: begins with
 * yyyy-mm-dd, or "". @return "ok", "country" (no office of its country is in the list: nothing is known),
 * "unknown", "day" (it exists, but not on that day), "role" (it has none of them on that day,
 * and another office of its country has). Thread: any.
 */
const char *px_offices_judge(const struct px_offices *offices, const char *code, const char *roles,
			     const char *day);

/* --- making the file ------------------------------------------------------------------------------ */

struct px_offices_import {
	const char
	    *source; /* .xml: the official list; .csv: code,roles,from,until; "-": standard input, XML */
	const char *target; /* the compact file; other countries that it has already are kept */
	/* What was done. */
	unsigned offices, countries, kept;
	char names[1024]; /* codes of the countries replaced, with blanks */
};

/**
 * Read @source as a stream and replace in @target the offices of the countries that it holds. The target is
 * replaced at once (written beside it, flushed, renamed). Blocks. @return PX_OK, or PX_EPARSE/PX_ESYS with
 * @why.
 */
int px_offices_import(struct px_offices_import *import, struct px_buf *why);

#endif
