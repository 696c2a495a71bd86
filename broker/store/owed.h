/* prinex: pending confirmations
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_OWED_H
#define PX_STORE_OWED_H

#include "store/wtx.h"

/* A pending confirmation is a record, an index entry in its group's order, and the group's count and octets.
 * The first two also work for readers. */

/** The first @max of a group, oldest first, with at most @octets together (but at least one). @return PX_OK,
 * PX_ECORRUPT. Results go to @scratch. */
int px_owed_read(struct px_tx *tx, struct px_scratch *scratch, const char *partner, const char *ref_sender,
		 unsigned max, uint64_t octets, unsigned *n, struct px_owed **owed);
/** Groups, oldest first. */
int px_owed_read_groups(struct px_tx *tx, struct px_scratch *scratch, unsigned max, unsigned *n,
			struct px_owed_group **groups);

/** Thread: writer. */
uint64_t px_owed_add(struct px_wtx *w, const struct px_rec_owed *rec);
/** Only index and group of a record that is there. */
void px_owed_index(struct px_wtx *w, uint64_t id, const struct px_rec_owed *rec);
bool px_owed_exists(struct px_wtx *w, uint64_t id);
/** Nothing when it is gone already. */
void px_owed_consume(struct px_wtx *w, uint64_t id);
/** Whether what is owed can be read whole. @return PX_OK, PX_ECORRUPT (its answer is missing or another one),
 * PX_EFATAL. */
int px_owed_check(struct px_tx *tx, const struct px_rec_owed *rec);
/** The answer of @delivery is about to go, or to be replaced: what is owed with it gets it inside. */
void px_owed_keep_answer(struct px_wtx *w, uint64_t delivery);

#endif
