/* prinex: the pool of inspectors as the broker sees it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_INSPECT_POOL_H
#define PX_INSPECT_POOL_H

#include <event2/event.h>

#include "base/body.h"
#include "base/clock.h"
#include "base/exchange.h"
#include "base/metrics.h"

/*
 * Hands documents to sandboxed inspectors and gives back verdicts. One pool per generation: a reload makes a
 *new one (new clean parent, warm), swaps, and retires the old one, which finishes what it has.
 *
 *	px_pool_new(...)            starts the clean parent (fork + exec of @exe with role "inspect"); @ready
 *is called when schemas are compiled and all workers stand, or it failed px_pool_submit(...)         any
 *number; @done exactly once each px_pool_retire(&pool)       no new work; frees itself when the last verdict
 *is out
 *
 * A request that kills its inspector or overruns its CPU deadline is tried once more, alone, in a fresh
 *inspector; a second death gives PX_ECRASH. A second overrun of the wall deadline gives PX_ETIMEOUT.
 *Deadlines: design 4, limits.h. The document is copied into an arena slot; nothing is ever read back from it:
 *the verdict travels in its own region, is copied out and decoded as hostile. Thread: the loop. Nothing
 *blocks.
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
};

/** What to examine. @body is taken as a new reference; strings are copied. */
struct px_pool_request {
	enum px_doc_kind kind;
	struct px_body *body;
	int64_t now;
	bool first_broker;
	unsigned roles; /* as struct px_exam */
	bool has_expected;
	uint8_t expected_digest[PX_DIGEST_LEN];
	char expected_sender[PX_AUTHORITY_MAX + 1];
	char expected_id[PX_MESSAGE_ID_MAX + 1];
};

/** @rc PX_OK with a verdict (the callee's to free), or PX_ECRASH, PX_ETIMEOUT, PX_ECANCELLED and NULL. */
typedef void px_pool_done(void *arg, int rc, struct px_verdict *verdict);
/** @rc PX_OK, or PX_ECONF/PX_ESYS with @why (view). Called once, from the loop. */
typedef void px_pool_ready(void *arg, int rc, const char *why);
/** The clean parent died although it had been ready: nothing can be inspected until a new pool stands. */
typedef void px_pool_lost(void *arg);

int px_pool_new(const struct px_pool_setup *setup, px_pool_ready *ready, px_pool_lost *lost, void *arg,
		struct px_pool **out, struct px_buf *why);

/** @return PX_OK, or PX_EBUSY when 4 requests per worker and more than 1,024 in all wait (the peer gets 503).
 */
int px_pool_submit(struct px_pool *pool, const struct px_pool_request *request, px_pool_done *done,
		   void *arg);

/** Requests waiting and in work. */
unsigned px_pool_load(const struct px_pool *pool);

void px_pool_retire(struct px_pool **pool);
/** At once, for shutdown: pending requests end with PX_ECANCELLED. */
void px_pool_free(struct px_pool **pool);

/**
 * The other side: main of the process that `prinexd` becomes when it is executed with role "inspect". Reads
 * the configuration, compiles, warms, then forks inspectors on demand until its control socket @fd closes.
 * Never opens a key. @return exit status.
 */
int px_inspect_main(const char *conf_file, int fd, uint64_t body_limit);

#endif
