/* prinex: which digests are certainly not in the store
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_FILTER_H
#define PX_STORE_FILTER_H

#include "base/digest.h"

/*
 * Nearly every body that comes is new, and asking the store about it costs a thread's turn and two wake-ups.
 * A Bloom filter in memory says "never accepted" for sure, or "perhaps": then the store is asked. Four bits
 * of sixteen for each digest: one new body in four hundred is asked about needlessly. What is purged stays in
 * it until it is made anew, which is due when it is full.
 *
 * @digest_half is the first half of a SHA-256, which is what the index by digest has. Thread: any.
 */
struct px_filter;

/** For @entries digests, and as many again. */
struct px_filter *px_filter_new(uint64_t entries);
void px_filter_free(struct px_filter **filter);
void px_filter_add(struct px_filter *filter, const uint8_t *digest_half);
/** @return false: it was never added. */
bool px_filter_may_have(const struct px_filter *filter, const uint8_t *digest_half);
/** More were added than it was made for. */
bool px_filter_is_full(const struct px_filter *filter);

#endif
