/* prinex: which messages belong to one movement and so go one after the other
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CLIENT_CHAINS_H
#define PX_CLIENT_CHAINS_H

#include "base/exchange.h"

/*
 * Messages that share a key (MRN, LRN of one declarant, an id and what refers to it) are one chain, also by
 * way of a third message. Messages without any key stand alone. Pure.
 */
struct px_chains {
	unsigned n_items, n_chains;
	unsigned *items;  /* all items, chain after chain; within a chain in their original order */
	unsigned *starts; /* chain i is items[starts[i]] to items[starts[i + 1] - 1] */
};

/** Collects keys of items 0..n-1; zero-initialise. */
struct px_chain_keys {
	size_t n, room;
	struct px_chain_key *items;
};
void px_chain_add(struct px_chain_keys *keys, unsigned item, const char *kind, const char *a, const char *b);
/** What the header and the business keys of one message say. */
void px_chain_message(struct px_chain_keys *keys, unsigned item, const struct px_header *header,
		      const struct px_keys *business);

/** Chains in the order of their first items. Frees @keys. */
void px_chains_make(struct px_chain_keys *keys, unsigned n_items, struct px_chains *out);
void px_chains_free(struct px_chains *chains);

#endif
