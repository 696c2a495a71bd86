/* prinex: host names to addresses, in helper threads
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_NET_RESOLVER_H
#define PX_NET_RESOLVER_H

#include <event2/event.h>

#include "base/clock.h"

/*
 * getaddrinfo(3) blocks for as long as the name servers please, so it runs in threads of its own, one per
 * name that is being looked up (at most PX_RESOLVER_THREADS; the others wait). What was found is kept for a
 * minute. When a name that was known cannot be found any more, its last addresses are used: an outage of the
 * name service must not stop the exchange.
 *
 * Thread: the loop, which also gets the answers. Blocks: never.
 */
#define PX_RESOLVER_THREADS 4

struct px_resolver;
struct px_lookup;

/** @addresses: "192.0.2.1,[2001:db8::1]", view; NULL: not found, and @why says so. */
typedef void px_resolved(void *arg, const char *addresses, const char *why);

struct px_resolver *px_resolver_new(struct event_base *base, struct px_timers *timers);
/** Lookups in progress are forgotten: their callbacks are not called. Threads end by themselves. */
void px_resolver_free(struct px_resolver **resolver);
/** What is known, if it is fresh; else NULL. View: until the loop turns. */
const char *px_resolver_known(struct px_resolver *resolver, const char *host);
/** Look up; @done is called later, exactly once unless cancelled. The handle is gone then. */
struct px_lookup *px_resolver_lookup(struct px_resolver *resolver, const char *host, px_resolved *done,
				     void *arg);
void px_resolver_cancel(struct px_lookup **lookup);
/** The addresses did not work: look them up again next time. */
void px_resolver_doubt(struct px_resolver *resolver, const char *host);

#endif
