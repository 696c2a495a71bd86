/* prinex: the pool's insides, shared by pool.c, worker.c and link.c
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_INSPECT_POOL_PARTS_H
#define PX_INSPECT_POOL_PARTS_H

#include "inspect/arena.h"
#include "inspect/pool.h"
#include "inspect/turns.h"
#include "inspect/wire.h"

/*
 * turns.c   which request is next
 * pool.c    requests: who gets which, completions, retirement
 * worker.c  one inspector as the broker sees it: birth, requests, answers, deadlines, death
 * link.c    the clean parent: start, control socket, end
 *
 * Callbacks of the user are called by one event only (pool.c, deliver), so that no function here has to
 * expect the pool to change or vanish under it.
 */
#define PX_POOL_MAGIC   0x706f6f6cu
#define PX_WORKER_MAGIC 0x776f726bu
#define PX_POOL_TICK_MS 50

/** A request that an inspector has. */
struct px_flight {
	struct px_job *job; /* NULL: another inspector has it now, the answer is dropped */
	unsigned slot;      /* none has two flights */
	uint64_t cookie;
	size_t len;
	enum px_doc_kind kind;
};

enum px_worker_state {
	PX_WORKER_DOWN,  /* no process; backoff may be running */
	PX_WORKER_ASKED, /* the clean parent was asked to fork */
	PX_WORKER_BORN,  /* forked; has not said hello */
	PX_WORKER_UP,
};

enum px_why_dead { PX_DEAD_CRASH, PX_DEAD_CPU, PX_DEAD_WALL, PX_DEAD_GARBAGE, PX_DEAD_REPLACED };

struct px_worker {
	uint32_t magic;
	struct px_pool *pool;
	unsigned index;
	enum px_worker_state state;
	uint64_t serial; /* of the FORK that made it */
	pid_t pid;
	int pidfd, sock;
	clockid_t cpu_clock;
	struct event *readable;
	struct px_arena arena;
	struct px_flight flight[PX_ARENA_SLOTS]; /* [0] is in work */
	unsigned n_flight;
	bool alone;        /* [0] is a second try: nothing is put beside it */
	bool condemned;    /* did not take a request; its end is awaited */
	unsigned served;   /* verdicts given */
	int64_t since;     /* mono ms: [0] began, or birth */
	int64_t cpu_since; /* ns of CPU time at the first tick after [0] began; -1: none yet */
	int64_t cpu_seen;  /* ns already counted in the metric */
	unsigned failures; /* births that failed in a row */
	struct px_timer backoff;
};

enum px_pool_state {
	PX_POOL_STARTING,
	PX_POOL_READY,
	PX_POOL_FAILED, /* ready was or will be called with an error, or lost */
	PX_POOL_CLOSING /* waits for the parent to end, then frees itself */
};

struct px_pool {
	uint32_t magic;
	enum px_pool_state state;
	bool retiring, freed, delivering;
	struct px_pool_setup setup;
	px_pool_ready *ready;
	px_pool_lost *lost;
	void *arg;
	struct event *deliver;
	bool tell_ready, tell_lost;
	int ready_rc;
	struct px_buf why; /* of ready_rc */

	struct px_turns queue;   /* to do */
	struct px_jobs retries;  /* to do, each alone in a fresh inspector */
	struct px_jobs finished; /* to be told */

	/* The clean parent. */
	pid_t parent;
	int parent_pidfd, control;
	struct event *parent_ended, *control_readable;
	struct px_timer kill_parent; /* it was told to end */

	struct px_worker *workers;
	unsigned n_workers;
	uint64_t last_serial, last_cookie;
	struct px_timer tick;
};

/* pool.c */

/** Give waiting requests to inspectors that can take one. */
void px_pool_dispatch(struct px_pool *pool);
/** The job has ended: its owner is told from the loop. @verdict taken, or NULL. */
void px_pool_finish(struct px_pool *pool, struct px_job *job, int rc, struct px_verdict *verdict);
/** A worker said hello: perhaps all stand now. */
void px_pool_worker_up(struct px_pool *pool);
/** The pool cannot start (ready is told) or has lost its parent (lost is told); everything pending ends. */
void px_pool_fail(struct px_pool *pool, int rc, const char *why);
/** The parent of a closing pool has ended: free it. */
void px_pool_closed(struct px_pool *pool);
/** Look at deadlines while anything is in flight, and at memory to be taken back. */
void px_pool_watch(struct px_pool *pool);
int64_t px_pool_mono(const struct px_pool *pool);

/* worker.c */

void px_worker_init(struct px_worker *w, struct px_pool *pool, unsigned index);
/** Ask the clean parent for an inspector; backs off when that fails. */
void px_worker_ask(struct px_worker *w);
/** What the clean parent answered; the descriptors are taken. */
void px_worker_born(struct px_worker *w, pid_t pid, int pidfd, int sock);
void px_worker_not_born(struct px_worker *w, const char *why);
/** Hand over; the inspector must be able to take it. @return false: it is dead, the job is still the
 * caller's. */
bool px_worker_assign(struct px_worker *w, struct px_job *job, bool alone);
/** Whether it can take a request of @len octets now: with nothing in work, or (@behind) behind what it has.
 */
bool px_worker_can_take(const struct px_worker *w, bool behind, size_t len);
/** Octets of what it has. */
size_t px_worker_ahead(const struct px_worker *w);
/** Its request in work takes longer than a tick. */
bool px_worker_is_slow(const struct px_worker *w);
/** What it has not begun waits again, before all others and without a stain. */
void px_worker_give_back(struct px_worker *w);
/** Look at its deadlines, kill it if they have passed; take memory back when it rests. */
void px_worker_check(struct px_worker *w);
/** Is there a reason to call px_worker_check again? */
bool px_worker_needs_watch(const struct px_worker *w);
/** End its process; what it had ends with PX_ECANCELLED. No new one is asked for. */
void px_worker_stop(struct px_worker *w);

/* link.c */

/** Start the clean parent. @return PX_OK, PX_ESYS with @why. */
int px_link_start(struct px_pool *pool, struct px_buf *why);
/** Ask for an inspector on this arena. @return PX_OK or an error. */
int px_link_ask(struct px_pool *pool, uint64_t serial, int arena);
/** Whether the parent has ended, perhaps unnoticed as yet. */
bool px_link_is_dead(const struct px_pool *pool);
/** Tell the parent to end; px_pool_closed or px_pool_fail follows when it has. */
void px_link_close(struct px_pool *pool);
/** End the parent and wait for it. */
void px_link_end(struct px_pool *pool);

#endif
