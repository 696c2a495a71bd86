/* prinex: the store's conformance suite on the simulated store
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/sim.h"

#include "suite.h"

#define DELAY 3

static struct px_store *make(struct suite_backend *backend, struct px_clock *clock)
{
	return px_store_sim_new(1, backend->data, clock);
}

/** What is in memory stays; leases and the epoch are those of a new start. */
static struct px_store *restart(struct suite_backend *backend, struct px_store *st)
{
	(void)backend;
	for (int i = 0; i <= DELAY + 1; i++)
		px_store_dispatch(st);
	px_store_sim_crash(st);
	return st;
}

static void nothing(struct suite_backend *backend)
{
	(void)backend;
}

/** Twice: every operation in the next dispatch, then each after a while of its own. */
int main(void)
{
	struct px_store_sim_faults slow = {.delay_max = DELAY};
	struct suite_backend backend = {.name = "sim",
					.make = make,
					.reopen = restart,
					.crash = restart,
					.remove = nothing,
					.small_queue = true};
	int failed = suite_run(&backend);
	backend.name = "slow sim";
	backend.data = &slow;
	return failed + suite_run(&backend);
}
