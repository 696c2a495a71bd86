/* prinex: who receives, for the benchmark: a recipient's system and the origin's own
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BENCH_PARTNER_H
#define PX_BENCH_PARTNER_H

#include <stdatomic.h>

#include "message.h"
#include "wire.h"

/*
 * One thread serves two listeners: the recipient, who takes exchanges and answers each with a signed CoA, and
 * the system of the sender, who takes the Confirmations exchanges. Both note when a message of the run came.
 */

/* When things happened to a message; ns of CLOCK_MONOTONIC, 0: not yet. */
struct px_bench_times {
	_Atomic int64_t due, sent, accepted, delivered, confirmed;
};

struct px_bench_side {
	unsigned port;
	const char *authority; /* NULL: whichever the message names */
	const char *folder;    /* its certificates */
	const char *anchors;
	struct px_seal_key *key;
};

struct px_bench_partner {
	struct px_bench_side recipient, origin;
	unsigned run;
	struct px_bench_times *times;
	unsigned n_times;
	_Atomic unsigned delivered, confirmed, exceptions, strange;
	_Atomic bool stop;
	_Atomic int64_t cpu_ns; /* of the thread, now */
};

/** Listens before it returns. Fields of @p are set by the caller, keys included. */
void px_bench_partner_start(struct px_bench_partner *p);
void px_bench_partner_join(struct px_bench_partner *p);

int64_t px_bench_now(void);        /* ns, monotonic */
int64_t px_bench_thread_cpu(void); /* ns */

#endif
