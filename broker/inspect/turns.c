/* prinex: which of the waiting requests is inspected next
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "inspect/turns.h"

/* What an inspection costs beside its octets, in octets. */
#define OVERHEAD UINT64_C(4096)

/* --- lists -----------------------------------------------------------------------------------------------
 */

void px_jobs_append(struct px_jobs *jobs, struct px_job *job)
{
	job->next = NULL;
	if (jobs->last != NULL)
		jobs->last->next = job;
	else
		jobs->first = job;
	jobs->last = job;
	jobs->n++;
}

void px_jobs_prepend(struct px_jobs *jobs, struct px_job *job)
{
	job->next = jobs->first;
	jobs->first = job;
	if (jobs->last == NULL)
		jobs->last = job;
	jobs->n++;
}

struct px_job *px_jobs_pop(struct px_jobs *jobs)
{
	struct px_job *job = jobs->first;
	if (job == NULL)
		return NULL;
	jobs->first = job->next;
	if (jobs->first == NULL)
		jobs->last = NULL;
	jobs->n--;
	return job;
}

static void insert_behind(struct px_jobs *jobs, struct px_job *before, struct px_job *job)
{
	if (before == NULL) {
		px_jobs_prepend(jobs, job);
	} else if (before == jobs->last) {
		px_jobs_append(jobs, job);
	} else {
		job->next = before->next;
		before->next = job;
		jobs->n++;
	}
}

/* --- turns -----------------------------------------------------------------------------------------------
 */

static uint64_t cost(const struct px_job *job)
{
	return OVERHEAD + job->request.body->len;
}

static bool is_small(const struct px_job *job)
{
	return job->request.body->len <= PX_INSPECT_SMALL;
}

/*
 * A turn is the place in the lane up to which its partner has been served when the job has: behind the
 * partner's last one that waits, or, if none does, behind the job that was taken last. (A partner's jobs that
 * were taken have turns no later than that, so nothing need be remembered of partners with nothing waiting.)
 */
static void lane_add(struct px_lane *lane, struct px_job *job)
{
	struct px_job *own = NULL, *before = NULL;
	for (struct px_job *j = lane->jobs.first; j != NULL; j = j->next) {
		if (strcmp(j->request.partner, job->request.partner) == 0)
			own = j;
	}
	job->turn = (own != NULL ? own->turn : lane->turn) + cost(job);
	for (struct px_job *j = own != NULL ? own : lane->jobs.first; j != NULL && j->turn <= job->turn;
	     j = j->next)
		before = j;
	insert_behind(&lane->jobs, before, job);
}

void px_turns_add(struct px_turns *t, struct px_job *job)
{
	lane_add(is_small(job) ? &t->small : &t->large, job);
	t->n++;
}

struct px_job *px_turns_next(const struct px_turns *t)
{
	struct px_job *small = t->small.jobs.first, *large = t->large.jobs.first;
	if (small == NULL || (large != NULL && t->since >= cost(large)))
		return large;
	return small;
}

struct px_job *px_turns_take(struct px_turns *t)
{
	struct px_job *next = px_turns_next(t);
	if (next == NULL)
		return NULL;
	struct px_lane *lane = is_small(next) ? &t->small : &t->large;
	lane->turn = next->turn;
	t->since = lane == &t->small ? t->since + cost(next) : 0;
	t->n--;
	return px_jobs_pop(&lane->jobs);
}

void px_turns_put_back(struct px_turns *t, struct px_job *job)
{
	struct px_lane *lane = is_small(job) ? &t->small : &t->large;
	job->turn = lane->turn; /* none that waits has an earlier one */
	px_jobs_prepend(&lane->jobs, job);
	t->n++;
}
