/* prinex: which of the waiting requests is inspected next
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_INSPECT_TURNS_H
#define PX_INSPECT_TURNS_H

#include "inspect/arena.h"
#include "inspect/pool.h"

/*
 * Requests wait in two lanes, small ones and large ones. Each lane is shared fairly by octets among the
 * partners that have anything in it: one that waits with a hundred delays one that waits with a single
 * request by one of its own, not by a hundred. Of one partner the oldest goes first.
 *
 * While small ones wait, a large one goes only when as many octets of small ones went since the last large
 * one: so a small one waits for no more than the large ones under way, and large ones get half of the work.
 */

/** A request on its way; in one queue or one flight at a time. */
struct px_job {
	struct px_job *next;
	struct px_pool_request request; /* its body is our reference */
	px_pool_done *done;
	void *arg;
	struct timespec submitted;
	uint64_t turn; /* turns.c: where it stands in its lane */
	unsigned deaths;
	int rc;
	struct px_verdict *verdict;
};

struct px_jobs {
	struct px_job *first, *last;
	unsigned n;
};
void px_jobs_append(struct px_jobs *jobs, struct px_job *job);
void px_jobs_prepend(struct px_jobs *jobs, struct px_job *job);
struct px_job *px_jobs_pop(struct px_jobs *jobs);

/** Documents up to this size take a millisecond at most: they are the small ones, and only they share an
 * inspector's queue. */
#define PX_INSPECT_SMALL PX_ARENA_SMALL

struct px_lane {
	struct px_jobs jobs; /* by turn */
	uint64_t turn;       /* of the last that was taken */
};
/** Zero-initialised it is empty. */
struct px_turns {
	struct px_lane small, large;
	uint64_t since; /* octets of small ones that were taken since the last large one */
	unsigned n;
};

/** @job is the list's until it is taken. */
void px_turns_add(struct px_turns *t, struct px_job *job);
/** The next; NULL: none waits. It stays where it is. */
struct px_job *px_turns_next(const struct px_turns *t);
/** Take the one that px_turns_next shows. */
struct px_job *px_turns_take(struct px_turns *t);
/** One that was taken comes back and is the next of its lane. */
void px_turns_put_back(struct px_turns *t, struct px_job *job);

#endif
