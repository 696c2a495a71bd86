/* prinex: the indexes of a message's business keys in the LMDB store
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_INDEX_H
#define PX_STORE_INDEX_H

#include "store/db.h"

/*
 * Everything that stands in `keys` and `arrivals` because of one message, in one place: accept and repair add
 * it, purge removes it, verify compares. Thread: whoever has the transaction.
 */

/** One entry; @return false to stop. */
typedef bool px_index_visit(void *arg, enum px_table table, const struct px_tkey *key);
/** All entries of message @seq. @accepted: wall ms. */
void px_index_each(uint64_t seq, int64_t accepted, const struct px_keys *keys, px_index_visit *fn, void *arg);

void px_index_add(struct px_tx *tx, uint64_t seq, int64_t accepted, const struct px_keys *keys);
void px_index_remove(struct px_tx *tx, uint64_t seq, int64_t accepted, const struct px_keys *keys);
/** Make both anew from all messages that can be read. */
void px_index_rebuild(struct px_tx *tx);

#endif
