/* prinex: which movement a message belongs to
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_MOVEMENTS_H
#define PX_STORE_MOVEMENTS_H

#include "store/wtx.h"

/*
 * The rules stand in store.h ("Details of movements"). Finding only reads, so that an accept can still fail;
 * joining writes. Thread: writer, in a transaction.
 */

/** What finding found. */
struct px_movement_plan {
	uint64_t id; /* the movement to join; 0: a new one */
	struct px_rec_movement rec;
	uint64_t other; /* a second one to link it with; 0 none */
	struct px_rec_movement other_rec;
	bool mrn_is_free, lrn_is_free; /* keys of the message that will be its movement's */
	bool owner_conflict;
	enum px_key_kind conflict;
	bool ends; /* the message ends it (store/need.h) */
};

/** The key by which a message with @keys of @sender finds a movement; false when it has none of @kind (MRN or
 * LRN). */
bool px_movement_key(const char *sender, const struct px_keys *keys, enum px_key_kind kind,
		     struct px_tkey *key);
/** @return PX_OK or PX_ECORRUPT (a record on the way is damaged and has been set aside). */
int px_movement_find(struct px_wtx *w, const struct px_accept *req, struct px_movement_plan *plan);
/**
 * Make, link and join as planned; the keys of the message now point there. @home gets the id that queue
 * entries stand under. @return the movement's id.
 */
uint64_t px_movement_join(struct px_wtx *w, const struct px_accept *req, struct px_movement_plan *plan,
			  uint64_t message, uint64_t *home);

/**
 * A message of the movement is purged (its keys are @keys). The last one takes the movement with it, and the
 * keys that lead there; but one whose keys nobody knows any more (NULL) leaves it, for those keys lead there
 * still. Nothing when the movement cannot be read.
 */
void px_movement_leave(struct px_wtx *w, uint64_t id, uint64_t message, const char *sender,
		       const struct px_keys *keys);

#endif
