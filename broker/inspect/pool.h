/* prinex: the pool of inspectors as the broker sees it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_INSPECT_POOL_H
#define PX_INSPECT_POOL_H

#include <event2/event.h>

#include "base/body.h"
#include "base/clock.h"
#include "base/exchange.h"
#include "base/log.h"
#include "base/metrics.h"

/*
 * Hands documents to sandboxed inspectors and gives back verdicts. One pool per generation: a reload makes a
 * new one (new clean parent, warm), swaps, and retires the old one, which finishes what it has.
 *
 *	px_pool_new(...)       starts the clean parent (fork + exec of @exe with role "inspect"); @ready is
 *	                       called when schemas are compiled and all workers stand, or it failed
 *	px_pool_submit(...)    any number, before @ready too; @done exactly once each
 *	px_pool_retire(&pool)  no new work; frees itself when the last verdict is out and its processes are
 *gone
 *
 * A request that kills its inspector or overruns a deadline is tried once more, alone, in a fresh inspector;
 * a second death or CPU overrun gives PX_ECRASH, an overrun of the wall deadline at the second try
 * PX_ETIMEOUT. A verdict that does not decode, or an answer to what was not asked, counts as a death: that
 * inspector is not believed any more. Deadlines: limits.h; they are looked at every 50 ms.
 *
 * Which of the requests that wait is next: turns.h. It goes to an idle inspector if there is one, else behind
 * the small documents of the one that has least to do, so that it need not wait for the loop, nor interrupt
 * it, between two of them: up to 8 documents of 128 KB together. Those behind one that turns out slow go
 * to others.
 *
 * The document is copied into an arena slot; nothing is ever read back from it: the verdict travels in its
 * own region, is copied out and decoded as hostile.
 *
 * Callbacks come from the loop, never from within a call of these functions (px_pool_free excepted); any of
 * these functions may be called in them. Needs SIGCHLD not ignored and nobody who waits for any child: the
 * pool reaps its own. Thread: the loop. Nothing blocks but px_pool_free.
 */
struct px_pool;

struct px_pool_setup {
	const char *exe;       /* path of prinexd, usually /proc/self/exe */
	const char *conf_file; /* the clean parent loads configuration and catalogue itself */
	unsigned workers;      /* 0: one per core */
	uint64_t generation;
	uint64_t body_limit;
	struct event_base *base;
	struct px_timers *timers;
	struct px_metrics *metrics;
	/* 0: as limits.h. */
	unsigned messages_max;   /* an inspector is replaced after so many */
	int64_t cpu_ms, wall_ms; /* deadlines; PX_LIMIT_INSPECT_CPU_MB per MB comes on top of the CPU's */
	/* A retired pool has freed itself. NULL: nobody wants to know. */
	void (*gone)(void *arg);
};

/** What to examine. @body is taken as a new reference; strings are copied. */
struct px_pool_request {
	enum px_doc_kind kind;
	struct px_body *body;
	int64_t now;
	bool first_broker;
	unsigned roles;                /* as struct px_exam */
	char partner[PX_NAME_MAX + 1]; /* whose share of the inspectors it takes; its rule levels */
	bool has_expected;
	uint8_t expected_digest[PX_DIGEST_LEN];
	char expected_sender[PX_AUTHORITY_MAX + 1];
	char expected_id[PX_MESSAGE_ID_MAX + 1];
};

/** @rc PX_OK with a verdict (the callee's to free), or PX_ECRASH, PX_ETIMEOUT, PX_ECANCELLED and NULL. */
typedef void px_pool_done(void *arg, int rc, struct px_verdict *verdict);
/** @rc PX_OK, or PX_ECONF/PX_ESYS with @why (view). Called once, from the loop, unless the pool was freed or
 * retired before. */
typedef void px_pool_ready(void *arg, int rc, const char *why);
/** The clean parent died although it had been ready: what was pending has ended with PX_ECANCELLED, nothing
 * can be inspected until a new pool stands. The pool is still to be freed. */
typedef void px_pool_lost(void *arg);

/** @setup is copied, its strings too. @arg goes to all callbacks. @return PX_OK, or PX_ESYS with @why. */
int px_pool_new(const struct px_pool_setup *setup, px_pool_ready *ready, px_pool_lost *lost, void *arg,
		struct px_pool **out, struct px_buf *why);

/**
 * @return PX_OK; PX_EBUSY when 1,024 requests wait, or 4 per worker where that is more (the peer gets 503),
 * and after
 * @lost, a failed @ready or px_pool_retire; PX_ELIMIT when the body is larger than body_limit and than a
 * confirmation may be. Otherwise than with PX_OK @done is not called.
 */
int px_pool_submit(struct px_pool *pool, const struct px_pool_request *request, px_pool_done *done,
		   void *arg);

/** What the clean parent logs from now on; inspectors themselves log nothing. */
void px_pool_log_level(struct px_pool *pool, enum px_log_level level);

/** Requests waiting and in work. */
unsigned px_pool_load(const struct px_pool *pool);

void px_pool_retire(struct px_pool **pool);
/** At once, for shutdown: pending requests end with PX_ECANCELLED before this returns. May block for the
 * moment that its processes take to end. NULL is fine. */
void px_pool_free(struct px_pool **pool);

/**
 * The other side: main of the process that `prinexd` becomes when it is executed with role "inspect". Reads
 * the configuration, compiles, warms, then forks inspectors on demand until its control socket @fd closes.
 * Never opens a key. @return exit status.
 */
int px_inspect_main(const char *conf_file, int fd, uint64_t body_limit);

#endif
