/* prinex: which digests are certainly not in the store
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/filter.h"

#include <stdatomic.h>

#define ENTRIES_MIN  UINT64_C(32768)
#define BITS_A_ENTRY 16
#define PROBES       4

struct px_filter {
	uint64_t mask; /* bits less one: a power of two less one */
	uint64_t room; /* digests it is made for */
	atomic_ullong n;
	atomic_ullong words[];
};

struct px_filter *px_filter_new(uint64_t entries)
{
	uint64_t room = PX_MAX(entries * 2, ENTRIES_MIN), bits = 64;
	while (bits < room * BITS_A_ENTRY)
		bits *= 2;
	struct px_filter *f = px_xcalloc(1, sizeof(*f) + bits / 64 * sizeof(f->words[0]));
	f->mask = bits - 1;
	f->room = room;
	return f;
}

void px_filter_free(struct px_filter **filter)
{
	PX_FREE(*filter);
}

/* A digest is as good as random: its octets are the numbers a filter needs. */
static uint64_t probe(const struct px_filter *f, const uint8_t *digest_half, unsigned i)
{
	uint32_t a[PROBES];
	memcpy(a, digest_half, sizeof(a));
	return (a[i] ^ (uint64_t)a[(i + 1) % PROBES] << 32) & f->mask;
}

void px_filter_add(struct px_filter *f, const uint8_t *digest_half)
{
	for (unsigned i = 0; i < PROBES; i++) {
		uint64_t bit = probe(f, digest_half, i);
		atomic_fetch_or_explicit(&f->words[bit / 64], UINT64_C(1) << (bit % 64),
					 memory_order_relaxed);
	}
	atomic_fetch_add_explicit(&f->n, 1, memory_order_relaxed);
}

bool px_filter_may_have(const struct px_filter *f, const uint8_t *digest_half)
{
	for (unsigned i = 0; i < PROBES; i++) {
		uint64_t bit = probe(f, digest_half, i);
		if ((atomic_load_explicit(&f->words[bit / 64], memory_order_relaxed) >> (bit % 64) & 1) == 0)
			return false;
	}
	return true;
}

bool px_filter_is_full(const struct px_filter *f)
{
	return atomic_load_explicit(&f->n, memory_order_relaxed) > f->room;
}
