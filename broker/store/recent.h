/* prinex: what was accepted a moment ago, in memory until it is leased
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_RECENT_H
#define PX_STORE_RECENT_H

#include "base/body.h"
#include "base/exchange.h"

/*
 * Most messages are leased as soon as they are accepted. What a lease needs of one is here then, the very
 * octets that the same writer put into the store: nobody has to read them back, copy them and compare their
 * digest. Up to PX_RECENT_OCTETS of bodies, the newest; a message goes when its last delivery was leased, or
 * when newer ones take its place. Whoever is not here is read from the store.
 *
 * Thread: writer. When a transaction fails everything is forgotten: its numbers are given out again.
 */
#define PX_RECENT_OCTETS   ((size_t)8 * 1024 * 1024)
#define PX_RECENT_MESSAGES 1024

struct px_recent_message {
	uint64_t seq;
	unsigned left; /* deliveries not leased yet */
	bool confirmations;
	char partner[PX_NAME_MAX + 1]; /* whom it came from */
	struct px_header header;
	struct px_body *body;
};

struct px_recent {
	struct px_recent_message *slots[PX_RECENT_MESSAGES]; /* by the low bits of the number */
	uint64_t oldest;                                     /* nothing below it is here */
	uint64_t newest;
	size_t octets;
};

/** Keep message @seq, greater than all before, with @deliveries of them (0: nothing is kept). @body borrowed.
 */
void px_recent_add(struct px_recent *r, uint64_t seq, const struct px_header *header, const char *partner,
		   bool confirmations, struct px_body *body, unsigned deliveries);
/** @return a view, until the next call of another function; NULL when it is not here. */
const struct px_recent_message *px_recent_find(const struct px_recent *r, uint64_t seq);
/** One of its deliveries was leased. */
void px_recent_leased(struct px_recent *r, uint64_t seq);
void px_recent_clear(struct px_recent *r);

#endif
