/* prinex: what a journal entry is as octets, the same in every backend
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_JOURNAL_H
#define PX_STORE_JOURNAL_H

#include "store/store.h"

/*
 * One entry has exactly one form, so that anybody can compute the chain: hash = SHA-256(hash before ||
 * octets), 32 zeros before the first. Octets: version (1), kind, time (8, big-endian), delivery (8), 1 and
 * the digest or 0, then partner, sender, message id, recipient, code, actor, detail: length (2), octets, NUL.
 */

/** Append the octets of @entry to @out. Texts beyond 65,535 octets are cut. */
void px_journal_encode(struct px_buf *out, const struct px_journal_entry *entry);
/** Read octets (not trusted) again; the texts of @entry are views of them. @return PX_OK or PX_ECORRUPT. */
int px_journal_decode(const void *octets, size_t len, struct px_journal_entry *entry);

#endif
