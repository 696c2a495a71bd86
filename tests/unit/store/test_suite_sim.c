/* prinex: the store's conformance suite on the simulated store
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/sim.h"

#include "suite.h"

static struct px_store *make(struct suite_backend *backend, struct px_clock *clock)
{
	(void)backend;
	return px_store_sim_new(1, NULL, clock);
}

/** What is in memory stays; leases and the epoch are those of a new start. */
static struct px_store *restart(struct suite_backend *backend, struct px_store *st)
{
	(void)backend;
	px_store_dispatch(st);
	px_store_sim_crash(st);
	return st;
}

static void nothing(struct suite_backend *backend)
{
	(void)backend;
}

int main(void)
{
	struct suite_backend backend = {.name = "sim",
					.make = make,
					.reopen = restart,
					.crash = restart,
					.remove = nothing,
					.small_queue = true};
	return suite_run(&backend);
}
