/* prinex: which announced movement a report is about
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_ANSWERS_H
#define PX_FLOW_ANSWERS_H

#include "flow/flow.h"

/*
 * An authority that reports on what it was sent may know the declarant's LRN only, or no more than a number
 * plate; the store's rules find neither, because the LRN is another sender's. Looked up are, in turn, its LRN
 * and its vehicles, among declarations that were sent to the reporting authority, in movements that did not
 * end. An MRN or a CorrelationId needs none of this: the store knows those. Thread: loop.
 *
 * An LRN is unique only for its declarant, whom a report need not name. Then the vehicle decides which is
 * meant; where it does not either, none is.
 *
 * A plate comes again and again, so it only finds an announcement that is still open where it stands now: not
 * withdrawn, in its newest version, not older than PX_ANNOUNCED_FOR beyond its limit; and nothing of it has
 * been reported yet, or it announces an arrival at this office and none was reported there. Of several the
 * one that is expected nearest to now is meant, one that names the office before others.
 */
#define PX_ANNOUNCED_FOR (INT64_C(10) * 24 * 3600 * 1000) /* ms: queues at a closed border take days */

struct px_answers {
	uint64_t join;    /* for px_accept; 0: none */
	bool is_doubtful; /* nothing else names the movement, and its LRN is that of more than one */
	bool announced;   /* its LRN or one of its vehicles was announced, and the announcement is open */
};

/** @v and @cat are borrowed until @done, which comes once. @rc PX_OK, or the store could not be read. */
void px_answers_find(struct px_flow *flow, const struct px_catalogue *cat, const struct px_verdict *v,
		     void (*done)(void *arg, int rc, const struct px_answers *found), void *arg);

/** The office at which the message says something arrived, if it is one of its sender's; else NULL. View. */
const char *px_answers_arrived(const struct px_verdict *v);
/** Whether it says which movement it is about. */
bool px_answers_names(const struct px_verdict *v);

#endif
