/* prinex: the conformance suite of the store: what a backend supplies
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_TEST_STORE_SUITE_H
#define PX_TEST_STORE_SUITE_H

#include "store/store.h"

/*
 * The suite asks every promise of store/store.h of a backend, through px_store_* alone. A backend's test
 * program fills a suite_backend and returns suite_run(&backend): one TAP line for each case, then one for
 * each seed of the random runs.
 *
 * Every case gets a store that was made anew, on a simulated clock that only the suite moves, and only while
 * no operation is under way.
 */
struct suite_backend {
	const char *name;
	void *data;
	/** A new, empty store. */
	struct px_store *(*make)(struct suite_backend *backend, struct px_clock *clock);
	/** End @st in an orderly way and open what it kept. */
	struct px_store *(*reopen)(struct suite_backend *backend, struct px_store *st);
	/** As if the machine had stopped while no operation was under way; then open what is there. */
	struct px_store *(*crash)(struct suite_backend *backend, struct px_store *st);
	/** Remove what make() made; the store is closed by then (NULL). */
	void (*remove)(struct suite_backend *backend);
	/** Its queue takes so few accepts that a burst of 20,000 must meet PX_EBUSY. */
	bool small_queue;
};

/** @return what main() returns. */
int suite_run(struct suite_backend *backend);

#endif
