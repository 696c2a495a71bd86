/* prinex: the format of the LMDB store, and the way from earlier ones
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_FORMAT_H
#define PX_STORE_FORMAT_H

#include "store/db.h"

/*
 * meta, "format" says which tables and records there are. It rises when a store that was written before would
 * be misread or found wanting; each rise has a step in format.c that makes of a store of the format before
 * one of the next, in one transaction. Records have a version of their own (records.h).
 *
 *	1  the first
 *	2  parts: which linked movements and keys go with a movement when it is purged; marks
 *	3  business keys by their normal spelling; arrivals
 *	4  the state says what was forgotten: the age from which on duplicates cannot be told
 *	5  ... as a time, which no accepted message is younger than;
 *	   pending confirmations without the answer that they carry, which stands with its
 *	   delivery; what is owed to whom is counted nowhere
 *	6  what is not committed yet stands in redo.log, where earlier programs would not look for it
 */
#define PX_FORMAT_NAME "prinex store "
#define PX_FORMAT      6

/** Give a new store its format, bring an earlier one to the present. Blocks.
 * @return PX_OK, PX_EVERSION (made by a later program, or no store of ours), PX_EFULL, PX_EFATAL; @why for
 * PX_EVERSION. */
int px_format_check(struct px_db *db, struct px_buf *why);

#endif
