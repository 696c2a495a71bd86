/* prinex: a store in memory with seeded faults; never part of prinexd
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_SIM_H
#define PX_STORE_SIM_H

#include "store/store.h"

/*
 * The same promises as every backend, on plain memory: the model that the suite compares others with, and the
 * store of simulations. Operations complete in px_store_dispatch(), in order, each after a seeded number of
 * dispatches when faults are on. Faults are drawn from the seed, so that a run can be repeated.
 */
struct px_store_sim_faults {
	unsigned busy_per_mille;    /* accept says PX_EBUSY */
	unsigned full_per_mille;    /* a write says PX_EFULL, nothing is written */
	unsigned unknown_per_mille; /* a write says PX_EUNKNOWN; half of them happened */
	unsigned delay_max;         /* dispatches an operation may take beyond one */
};

struct px_store *px_store_sim_new(uint64_t seed, const struct px_store_sim_faults *faults,
				  struct px_clock *clock);
/** Other faults from now on; NULL: none. */
void px_store_sim_set_faults(struct px_store *st, const struct px_store_sim_faults *faults);
/** What a crash and restart do: forget queued operations (callbacks get PX_ECANCELLED first), leases and
 * nothing durable; the epoch rises. */
void px_store_sim_crash(struct px_store *st);

#endif
