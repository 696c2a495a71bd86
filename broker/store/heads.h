/* prinex: whose turn it is: queues of movements, and the heads that can be leased
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_HEADS_H
#define PX_STORE_HEADS_H

#include "store/wtx.h"

/*
 * Table queue holds every delivery that is QUEUED, by movement (its home), recipient, class and id. One with
 * the lowest id of its (movement, recipient) is first there; it is a head if all deliveries of its message to
 * the same partner that are QUEUED are first too: a hub gets the message for all of them with the first post.
 * Table ready holds the heads, in the best class that is waiting in their queue, which is also the value of
 * their queue entry; others have PX_HEAD_WAITS there. A head whose message cannot be read is held: it is not
 * in ready, nothing goes past it, and it ends by its deadline or an administrator. Deliveries without a
 * movement have no queue entry; they are in ready in their own class.
 *
 * Nothing of this is kept in memory: LMDB's map is the cache, and a restart has nothing to load.
 * Thread: writer, in a transaction.
 */
#define PX_HEAD_WAITS 3
#define PX_HEAD_HELD  4

/** The home of a delivery's movement, 0 for none. @return PX_OK or PX_ECORRUPT. */
int px_heads_home(struct px_tx *tx, const struct px_delivery *d, uint64_t *home);

/** @d is QUEUED now, and its id is the highest of all. @alone: its message has no other delivery. */
void px_heads_add(struct px_wtx *w, const struct px_delivery *d, uint64_t home, bool alone);
/** @d (as stored) is QUEUED no longer; the next one becomes head. */
void px_heads_remove(struct px_wtx *w, const struct px_delivery *d, uint64_t home);
/** @d (as stored) will be due at @due. */
void px_heads_move(struct px_wtx *w, const struct px_delivery *d, uint64_t home, int64_t due);
/** Two movements are linked: the queue of home @from becomes part of that of @to. */
void px_heads_merge(struct px_wtx *w, uint64_t from, uint64_t to);
/** Set @d aside because what it would send is damaged; says so in its error. */
void px_heads_hold(struct px_wtx *w, struct px_delivery *d, uint64_t home, const char *reason);

/** Undo px_heads_hold: it may be leased when it is the head. @d as stored; due stays. */
void px_heads_release(struct px_wtx *w, struct px_delivery *d, uint64_t home);

/** The value of the queue entry; PX_HEAD_WAITS when there is none. */
uint8_t px_heads_value(struct px_tx *tx, const struct px_delivery *d, uint64_t home);

/** Whether anything of a movement waits. Thread: any. */
bool px_heads_any(struct px_tx *tx, uint64_t home);
/** Whether @d is the head of its queue. Thread: any. */
bool px_heads_is_first(struct px_tx *tx, const struct px_delivery *d, uint64_t home);

/** A delivery just leased. */
struct px_leased {
	uint64_t delivery, message;
	uint64_t counter;
};
/** Lease up to @max heads of @partner that are due at @now. @return how many. */
unsigned px_heads_lease(struct px_wtx *w, const char *partner, unsigned max, int64_t now,
			struct px_leased *out);

#endif
