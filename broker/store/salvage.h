/* prinex: what indexes still know of a delivery whose record is damaged
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_SALVAGE_H
#define PX_STORE_SALVAGE_H

#include "store/db.h"

/*
 * Enough to show it and to end it, never to send it: whom it was for, through whom, where it stands in its
 * movement. How often it was tried is not known, nor whether it was ever sent: body_sent is true, for it may
 * have been. Walks indexes from their beginning, which only what is damaged may cost. Works in read and write
 * transactions.
 */

/** What is left of a delivery. */
struct px_salvaged {
	struct px_delivery d;
	/* Which message it belongs to is certain. Otherwise d.message is the first of several damaged ones
	 * whose delivery it may be, by which it can be named; nobody is to be told anything about that. */
	bool sure;
};

/**
 * @whole: with due time and deadline too, which ending it needs.
 * @return PX_OK, or PX_ECORRUPT: it is not open, and how it ended is not known (@out says UNKNOWN).
 */
int px_salvage_delivery(struct px_tx *tx, uint64_t id, bool whole, struct px_salvaged *out);

/** The movement's queue that holds delivery @id, when the movement's own record does not say which. @return
 * PX_OK or PX_ECORRUPT. */
int px_salvage_home(struct px_tx *tx, const struct px_delivery *d, uint64_t *home);

#endif
