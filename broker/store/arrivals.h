/* prinex: store operation: what is expected where and when
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_ARRIVALS_H
#define PX_STORE_ARRIVALS_H

#include "base/keys.h"

/*
 * An operation as those of store.h (which includes this). Every message with px_keys_expected stands in two
 * orders: by office and time, for those who wait there, and by the time from which it is late, for who
 * watches: its limit, or its acceptance where that came later. Older versions of a declaration are there too.
 */
struct px_store;

/** One expected arrival. */
struct px_arrival {
	int64_t at; /* by office: when it is expected; else: since when it is late */
	uint64_t message, movement;
	char office[PX_KEY_VALUE_MAX + 1];
};

/** Which: from <= at < until, in this order, then by message. */
struct px_arrivals {
	const char *office; /* NULL: all, by when they are late */
	int64_t from, until;
	const char *recipient;          /* only of messages sent to it; NULL any */
	const struct px_arrival *after; /* where an earlier page ended (`next`); NULL the first */
	unsigned limit;                 /* <= 1000 */
};

/** @next not NULL: there may be more behind it, even if this page is short or empty. Views. */
typedef void px_arrivals_done(void *arg, int rc, unsigned n, const struct px_arrival *arrivals,
			      const struct px_arrival *next);
void px_store_arrivals(struct px_store *st, const struct px_arrivals *which, px_arrivals_done *done,
		       void *arg);

#endif
