/* prinex: one generation as flow sees it: configuration, catalogue and what was made from them
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_GENERATION_H
#define PX_FLOW_GENERATION_H

#include "conf/catalogue.h"
#include "flow/signer.h"
#include "inspect/pool.h"
#include "net/egress.h"

/** What examines documents: the pool, or a fake in simulations. As px_pool_submit. */
struct px_inspector {
	int (*submit)(struct px_inspector *i, const struct px_pool_request *request, px_pool_done *done,
		      void *arg);
};

/*
 * Made whole beside the one in force, swapped by one pointer in the loop (px_flow_set_generation), freed with
 * its last reference: a request keeps its generation to its answer. The daemon (daemon/generation.c) or a
 * simulation fills it. All members are immutable while it lives. Thread: the loop.
 */
struct px_generation {
	unsigned refs;
	uint64_t id;
	const struct px_conf *conf;
	const struct px_catalogue *cat;
	struct px_inspector *inspector;
	struct px_transport *transport;
	struct px_sealer *sealer;
	void (*destroy)(struct px_generation *gen); /* when refs reach 0 */
};

static inline struct px_generation *px_generation_ref(struct px_generation *gen)
{
	gen->refs++;
	return gen;
}

static inline void px_generation_unref(struct px_generation **gen)
{
	struct px_generation *g = *gen;
	*gen = NULL;
	if (g != NULL && --g->refs == 0)
		g->destroy(g);
}

#endif
