/* prinex: which announced movement a report is about
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_ANSWERS_H
#define PX_FLOW_ANSWERS_H

#include "flow/flow.h"

/*
 * An authority that reports on what it was sent may know the declarant's LRN only, or no more than a number
 * plate; the store's rules find neither, because the LRN is another sender's. Looked up are, in turn, its LRN
 * and its vehicles, among messages that were sent to the reporting authority, in movements that did not end.
 * An MRN or a CorrelationId needs none of this: the store knows those. Thread: loop.
 */
struct px_answers {
	uint64_t join;  /* for px_accept; 0: none */
	bool announced; /* something with its LRN or one of its vehicles was announced and did not end */
};

/** @v is borrowed until @done, which comes once. @rc PX_OK, or the store could not be read. */
void px_answers_find(struct px_flow *flow, const struct px_verdict *v,
		     void (*done)(void *arg, int rc, const struct px_answers *found), void *arg);

/** The office at which the message says something arrived, if it is one of its sender's; else NULL. View. */
const char *px_answers_arrived(const struct px_verdict *v);
/** Whether it says which movement it is about. */
bool px_answers_names(const struct px_verdict *v);

#endif
