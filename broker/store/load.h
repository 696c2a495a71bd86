/* prinex: records of the LMDB store read by their ids
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_LOAD_H
#define PX_STORE_LOAD_H

#include "store/db.h"

/* All answer PX_OK, PX_ENOTFOUND, PX_ECORRUPT or the transaction's error. Works in read and write
 * transactions. */

/** Keys go to @scratch. Seq, digest, partner, movement (its root), confirmations and CoA (a view) are filled
 * in from the receipt; deliveries are not read. */
int px_load_message(struct px_tx *tx, struct px_scratch *scratch, uint64_t seq, struct px_rec_message *rec);
/** The CoA is a view that dies with the transaction or its next write. */
int px_load_receipt(struct px_tx *tx, uint64_t seq, struct px_rec_receipt *rec);
/** By sender and id. @seq is valid for PX_OK and PX_ECORRUPT. */
int px_load_by_id(struct px_tx *tx, const char *sender, const char *message_id, uint64_t *seq,
		  struct px_rec_receipt *rec);
/** By digest of the body; PX_ENOTFOUND also when only half of the digest is the same. */
int px_load_by_digest(struct px_tx *tx, const uint8_t digest[PX_DIGEST_LEN], uint64_t *seq,
		      struct px_rec_receipt *rec);
/** @rec->movement is as accepted; head and leased are not set. */
int px_load_delivery(struct px_tx *tx, uint64_t id, struct px_delivery *rec);
/** Follow links to the root. @root 0: no such movement (PX_ENOTFOUND). */
int px_load_movement(struct px_tx *tx, uint64_t id, uint64_t *root, struct px_rec_movement *rec);
/** The id a movement is known by now; @id itself when its records are damaged, 0 when it was purged. */
uint64_t px_load_root(struct px_tx *tx, uint64_t id);
int px_load_owed(struct px_tx *tx, uint64_t id, struct px_rec_owed *rec);
/** The body's octets, checked against their digest; a view. */
int px_load_body(struct px_tx *tx, uint64_t seq, struct px_octets *body);

#endif
