/* prinex: the pool of inspectors: who examines what, and when
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "inspect/pool_parts.h"

#include <sched.h>

#include "base/limits.h"
#include "base/log.h"

#define WAITING_MIN        1024u
#define WAITING_PER_WORKER 4u

int64_t px_pool_mono(const struct px_pool *pool)
{
	return px_clock_mono(px_timers_clock(pool->setup.timers));
}

/* --- jobs ------------------------------------------------------------------------------------------------
 */

void px_pool_finish(struct px_pool *pool, struct px_job *job, int rc, struct px_verdict *verdict)
{
	job->rc = rc;
	job->verdict = verdict;
	px_jobs_append(&pool->finished, job);
	event_active(pool->deliver, EV_TIMEOUT, 0);
}

static void cancel_all(struct px_pool *pool)
{
	for (unsigned i = 0; i < pool->n_workers; i++)
		px_worker_stop(&pool->workers[i]);
	struct px_job *job;
	while ((job = px_jobs_pop(&pool->retries)) != NULL || (job = px_turns_take(&pool->queue)) != NULL)
		px_pool_finish(pool, job, PX_ECANCELLED, NULL);
}

unsigned px_pool_load(const struct px_pool *pool)
{
	unsigned n = pool->queue.n + pool->retries.n + pool->finished.n;
	for (unsigned i = 0; i < pool->n_workers; i++) {
		const struct px_worker *w = &pool->workers[i];
		for (unsigned k = 0; k < w->n_flight; k++)
			n += w->flight[k].job != NULL;
	}
	return n;
}

/* --- telling ---------------------------------------------------------------------------------------------
 */

/* Most inspections take less than the millisecond that px_clock counts in. */
static double seconds_since(const struct timespec *then)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

static void tell_finished(struct px_pool *pool, struct px_job *job)
{
	if (job->rc == PX_OK)
		px_metric_observe(pool->setup.metrics, PX_M_INSPECT_SECONDS, seconds_since(&job->submitted),
				  NULL, NULL, NULL);
	px_body_unref(&job->request.body);
	job->done(job->arg, job->rc, job->verdict);
	free(job);
}

static void tell_all_finished(struct px_pool *pool)
{
	struct px_job *job;
	while ((job = px_jobs_pop(&pool->finished)) != NULL)
		tell_finished(pool, job);
}

static void destroy(struct px_pool *pool)
{
	px_timer_stop(pool->setup.timers, &pool->tick);
	event_free(pool->deliver);
	px_buf_free(&pool->why);
	free(pool->workers);
	free((void *)pool->setup.exe);
	free((void *)pool->setup.conf_file);
	pool->magic = 0;
	free(pool);
}

static void close_if_done(struct px_pool *pool)
{
	if (!pool->retiring || pool->state == PX_POOL_CLOSING || px_pool_load(pool) > 0)
		return;
	pool->state = PX_POOL_CLOSING;
	cancel_all(pool);
	px_link_close(pool);
	if (pool->parent < 0)
		px_pool_closed(pool);
}

/* The only place that calls the pool's user, px_pool_free aside. Each callback may free the pool. */
static void deliver(evutil_socket_t fd PX_UNUSED, short what PX_UNUSED, void *arg)
{
	struct px_pool *pool = PX_CAST(arg, struct px_pool, PX_POOL_MAGIC);
	pool->delivering = true;
	tell_all_finished(pool);
	if (pool->tell_ready && !pool->freed) {
		pool->tell_ready = false;
		pool->ready(pool->arg, pool->ready_rc, px_buf_str(&pool->why));
	}
	if (pool->tell_lost && !pool->freed) {
		pool->tell_lost = false;
		pool->lost(pool->arg);
	}
	pool->delivering = false;
	if (pool->freed)
		destroy(pool);
	else
		close_if_done(pool);
}

void px_pool_closed(struct px_pool *pool)
{
	void (*gone)(void *arg) = pool->setup.gone;
	void *arg = pool->arg;
	destroy(pool);
	if (gone != NULL)
		gone(arg);
}

void px_pool_fail(struct px_pool *pool, int rc, const char *why)
{
	if (pool->state == PX_POOL_FAILED || pool->state == PX_POOL_CLOSING)
		return;
	bool was_ready = pool->state == PX_POOL_READY;
	pool->state = PX_POOL_FAILED;
	if (was_ready) {
		pool->tell_lost = true;
	} else {
		pool->tell_ready = true;
		pool->ready_rc = rc;
		px_buf_setf(&pool->why, "%s", why);
	}
	cancel_all(pool);
	event_active(pool->deliver, EV_TIMEOUT, 0);
}

void px_pool_worker_up(struct px_pool *pool)
{
	bool all = pool->state == PX_POOL_STARTING;
	for (unsigned i = 0; i < pool->n_workers; i++)
		all = all && pool->workers[i].state == PX_WORKER_UP;
	if (all) {
		pool->state = PX_POOL_READY;
		pool->tell_ready = true;
		event_active(pool->deliver, EV_TIMEOUT, 0);
	}
	px_pool_dispatch(pool);
}

/* --- who examines what -----------------------------------------------------------------------------------
 */

static struct px_worker *find_fresh(struct px_pool *pool)
{
	for (unsigned i = 0; i < pool->n_workers; i++) {
		if (pool->workers[i].served == 0 && px_worker_can_take(&pool->workers[i], false, 0))
			return &pool->workers[i];
	}
	return NULL;
}

static struct px_worker *find(struct px_pool *pool, bool behind, size_t len)
{
	struct px_worker *best = NULL;
	for (unsigned i = 0; i < pool->n_workers; i++) {
		struct px_worker *w = &pool->workers[i];
		if (px_worker_can_take(w, behind, len) &&
		    (best == NULL || px_worker_ahead(w) < px_worker_ahead(best)))
			best = w;
	}
	return best;
}

/* Those that killed an inspector, each alone. */
static void dispatch_retries(struct px_pool *pool)
{
	while (pool->retries.n > 0) {
		struct px_worker *w = find_fresh(pool);
		if (w == NULL)
			return;
		struct px_job *job = px_jobs_pop(&pool->retries);
		if (!px_worker_assign(w, job, true))
			px_jobs_prepend(&pool->retries, job); /* the worker is out, others may do */
	}
}

static struct px_worker *find_for(struct px_pool *pool, const struct px_job *job)
{
	struct px_worker *idle = find(pool, false, job->request.body->len);
	return idle != NULL ? idle : find(pool, true, job->request.body->len);
}

void px_pool_dispatch(struct px_pool *pool)
{
	struct px_job *job;
	struct px_worker *w;
	dispatch_retries(pool);
	while ((job = px_turns_next(&pool->queue)) != NULL && (w = find_for(pool, job)) != NULL) {
		if (px_worker_assign(w, job, false)) /* else the worker is out, others may do */
			px_turns_take(&pool->queue);
	}
}

/* Requests behind one that turned out slow are for those that are not. The slow one examines them too, in
 * vain, if it ever gets there. */
static void rescue(struct px_pool *pool)
{
	unsigned quick = 0;
	for (unsigned i = 0; i < pool->n_workers; i++)
		quick += pool->workers[i].state == PX_WORKER_UP && !px_worker_is_slow(&pool->workers[i]);
	for (unsigned i = 0; i < pool->n_workers && quick > 0; i++) {
		if (px_worker_is_slow(&pool->workers[i]))
			px_worker_give_back(&pool->workers[i]);
	}
	px_pool_dispatch(pool);
}

static void on_tick(void *arg)
{
	struct px_pool *pool = PX_CAST(arg, struct px_pool, PX_POOL_MAGIC);
	bool busy = false;
	for (unsigned i = 0; i < pool->n_workers; i++)
		px_worker_check(&pool->workers[i]);
	rescue(pool);
	for (unsigned i = 0; i < pool->n_workers; i++)
		busy = busy || px_worker_needs_watch(&pool->workers[i]);
	if (busy)
		px_pool_watch(pool);
}

void px_pool_watch(struct px_pool *pool)
{
	if (!px_timer_is_set(&pool->tick))
		px_timer_set(pool->setup.timers, &pool->tick, PX_POOL_TICK_MS, on_tick, pool);
}

/* --- calls of the user -----------------------------------------------------------------------------------
 */

static unsigned cores(void)
{
	cpu_set_t set;
	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

static struct px_pool *make(const struct px_pool_setup *setup)
{
	struct px_pool *pool = px_xcalloc(1, sizeof(*pool));
	pool->magic = PX_POOL_MAGIC;
	pool->setup = *setup;
	pool->setup.exe = px_xstrdup(setup->exe);
	pool->setup.conf_file = px_xstrdup(setup->conf_file);
	if (setup->messages_max == 0)
		pool->setup.messages_max = (unsigned)PX_LIMIT_INSPECT_MESSAGES;
	if (setup->cpu_ms == 0)
		pool->setup.cpu_ms = PX_LIMIT_INSPECT_CPU_BASE;
	if (setup->wall_ms == 0)
		pool->setup.wall_ms = PX_LIMIT_INSPECT_WALL;
	pool->parent = pool->parent_pidfd = pool->control = -1;
	pool->n_workers = setup->workers > 0 ? setup->workers : cores();
	pool->workers = px_xcalloc(pool->n_workers, sizeof(pool->workers[0]));
	for (unsigned i = 0; i < pool->n_workers; i++)
		px_worker_init(&pool->workers[i], pool, i);
	pool->deliver = event_new(setup->base, -1, 0, deliver, pool);
	px_assert(pool->deliver != NULL);
	return pool;
}

int px_pool_new(const struct px_pool_setup *setup, px_pool_ready *ready, px_pool_lost *lost, void *arg,
		struct px_pool **out, struct px_buf *why)
{
	struct px_pool *pool = make(setup);
	pool->ready = ready;
	pool->lost = lost;
	pool->arg = arg;
	int rc = px_link_start(pool, why);
	if (rc != PX_OK) {
		destroy(pool);
		return rc;
	}
	*out = pool;
	return PX_OK;
}

int px_pool_submit(struct px_pool *pool, const struct px_pool_request *request, px_pool_done *done, void *arg)
{
	size_t most = (size_t)PX_MAX(pool->setup.body_limit, (uint64_t)PX_LIMIT_CONFIRMATION);
	if (request->body->len > most)
		return PX_ELIMIT;
	if (pool->freed || pool->retiring || pool->state == PX_POOL_FAILED ||
	    pool->queue.n >= PX_MAX(WAITING_MIN, WAITING_PER_WORKER * pool->n_workers))
		return PX_EBUSY;
	struct px_job *job = px_xcalloc(1, sizeof(*job));
	job->request = *request;
	job->request.body = px_body_ref(request->body);
	job->done = done;
	job->arg = arg;
	clock_gettime(CLOCK_MONOTONIC, &job->submitted);
	px_turns_add(&pool->queue, job);
	px_pool_dispatch(pool);
	return PX_OK;
}

void px_pool_retire(struct px_pool **pool)
{
	struct px_pool *p = *pool;
	*pool = NULL;
	if (p == NULL)
		return;
	p->retiring = true;
	event_active(p->deliver, EV_TIMEOUT, 0);
}

void px_pool_free(struct px_pool **pool)
{
	struct px_pool *p = *pool;
	*pool = NULL;
	if (p == NULL || p->freed)
		return;
	p->freed = true;
	cancel_all(p);
	px_link_end(p);
	tell_all_finished(p);
	if (!p->delivering)
		destroy(p);
}
