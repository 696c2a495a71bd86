/* prinex: a loop, a pool and documents that give orders to the inspector
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_TEST_POOL_FIXTURE_H
#define PX_TEST_POOL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "inspect/pool.h"

/*
 * A test program is its own inspector: the pool starts it with role "inspect", its main hands over to
 * orders_main, and then the examination is what the document orders (orders.c): `ok TEXT`, `spin`, `crash`...
 */
int orders_main(int argc, char **argv);
static inline bool orders_wanted(int argc, char **argv)
{
	return argc > 2 && strcmp(argv[1], "--role") == 0;
}

/** What became of one document. */
struct outcome {
	bool done;
	int rc;
	struct px_verdict *verdict;
	unsigned rank; /* 1: the first of all to be done */
};

struct fixture {
	struct event_base *base;
	struct event *pump;
	struct px_timers *timers;
	struct px_metrics *metrics;
	struct px_pool_setup setup;
	struct px_pool *pool;
	unsigned ready, lost, gone, done;
	int ready_rc;
	char why[512];
};

/** Loop, timers and a setup for two workers; no pool yet. */
void fixture_open(struct fixture *f);
/** Frees the pool, if there is one, and the rest. */
void fixture_close(struct fixture *f);
/** Start a pool only. @conf is what its parent is told (orders.c). */
void fixture_new(struct fixture *f, const char *conf);
/** Start a pool and run the loop until ready was called. */
void fixture_start(struct fixture *f, const char *conf);
/** Run the loop until *@flag is not 0; fails the test after @ms. */
#define fixture_until(f, condition, ms)                                        \
	do {                                                                   \
		int64_t until_ = px_clock_mono(px_clock_real()) + (ms);        \
		while (!(condition)) {                                         \
			if (px_clock_mono(px_clock_real()) > until_)           \
				fail_msg("waited in vain for %s", #condition); \
			fixture_step(f);                                       \
		}                                                              \
	} while (0)
void fixture_step(struct fixture *f);
/** Submit a document of the order @text, padded to @len octets; the outcome must outlive it. */
void fixture_submit(struct fixture *f, const char *text, size_t len, struct outcome *o);
/** The same and wait for it. */
void fixture_run(struct fixture *f, const char *text, struct outcome *o);
void outcome_free(struct outcome *o);
/** How many inspectors were replaced for @reason. */
unsigned restarts(const struct fixture *f, const char *reason);
/** Whether the process has ended (a zombie that somebody else must reap has). */
bool is_dead(pid_t pid);

#endif
