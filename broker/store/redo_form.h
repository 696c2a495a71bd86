/* prinex: the redo log as octets: heads of batches, and entries
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_REDO_FORM_H
#define PX_STORE_REDO_FORM_H

#include "store/redo.h"

/*
 * A batch is a head, entries, zeros, and the checksum of all that (CRC-32C), which ends its last page: it is
 * whole only if all of its pages are. Big-endian:
 *
 *	head   magic, length of the entries, transaction, epoch, hash, number
 *	entry  kind, table, length of the key (2), of the value (4), key, value
 *
 * Reading trusts nothing beyond the lengths of what it is given. Thread: any.
 */
#define PX_REDO_HEAD (4 + 8 + 8 + 8 + PX_DIGEST_LEN + 8)
#define PX_REDO_PAGE 4096u

enum px_redo_kind { PX_REDO_PUT = 1, PX_REDO_DEL, PX_REDO_CLEAR };

/** Append an entry to @out, but for its value of @len octets. @key NULL: none. */
void px_redo_entry(struct px_buf *out, enum px_redo_kind kind, uint8_t table, const struct px_tkey *key,
		   size_t len);
/** @return octets that a batch with @len octets of entries takes up: whole pages. */
uint64_t px_redo_octets(uint64_t len);
/** Put before and behind the @len octets of entries that stand in @batch, at PX_REDO_HEAD, what makes them
 * batch @number behind @base. @batch has px_redo_octets of @len. */
void px_redo_seal(uint8_t *batch, size_t len, const struct px_redo_base *base, uint64_t number);
/** @head begins with PX_REDO_HEAD octets. An unknown @base is known then. @return octets of entries of batch
 * @number behind @base; 0: it is none. */
uint64_t px_redo_read_head(const uint8_t *head, struct px_redo_base *base, uint64_t number);
/** Is the batch with @len octets of entries what was written? */
bool px_redo_is_whole(const uint8_t *batch, size_t len);
/** Do them. @return PX_OK, PX_ECORRUPT (no program of this form wrote them) or tx->rc. */
int px_redo_do(struct px_tx *tx, struct px_octets entries);

#endif
