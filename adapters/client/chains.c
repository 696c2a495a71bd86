/* prinex: which messages belong to one movement and so go one after the other
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/chains.h"

struct px_chain_key {
	uint8_t digest[PX_DIGEST_LEN];
	unsigned item;
};

void px_chain_add(struct px_chain_keys *keys, unsigned item, const char *kind, const char *a, const char *b)
{
	if (keys->n == keys->room) {
		keys->room = keys->room == 0 ? 64 : 2 * keys->room;
		keys->items = px_xrealloc_array(keys->items, keys->room, sizeof(*keys->items));
	}
	struct px_chain_key *k = &keys->items[keys->n++];
	struct px_sha256 *ctx = px_sha256_new();
	px_sha256_add(ctx, kind, strlen(kind) + 1);
	px_sha256_add(ctx, a, strlen(a) + 1);
	px_sha256_add(ctx, b, strlen(b) + 1);
	px_sha256_end(ctx, k->digest);
	px_sha256_free(&ctx);
	k->item = item;
}

void px_chain_message(struct px_chain_keys *keys, unsigned item, const struct px_header *header,
		      const struct px_keys *business)
{
	const char *declarant = px_keys_first(business, PX_KEY_DECLARANT);
	if (header->message_id[0] != '\0')
		px_chain_add(keys, item, "id", header->message_id, "");
	if (header->correlation_id[0] != '\0')
		px_chain_add(keys, item, "id", header->correlation_id, "");
	for (unsigned i = 0; i < business->n; i++) {
		const struct px_key *k = &business->items[i];
		if (k->kind == PX_KEY_MRN)
			px_chain_add(keys, item, "mrn", k->value, "");
		else if (k->kind == PX_KEY_LRN)
			px_chain_add(keys, item, "lrn", k->value, declarant != NULL ? declarant : "");
	}
}

static unsigned find(unsigned *up, unsigned i)
{
	while (up[i] != i)
		i = up[i] = up[up[i]];
	return i;
}

static int compare(const void *a, const void *b)
{
	return memcmp(((const struct px_chain_key *)a)->digest, ((const struct px_chain_key *)b)->digest,
		      PX_DIGEST_LEN);
}

/* The root of each tree is its first item. */
static void join(unsigned *up, struct px_chain_keys *keys)
{
	if (keys->n > 0)
		qsort(keys->items, keys->n, sizeof(*keys->items), compare);
	for (size_t i = 1; i < keys->n; i++) {
		if (compare(&keys->items[i - 1], &keys->items[i]) != 0)
			continue;
		unsigned a = find(up, keys->items[i - 1].item), b = find(up, keys->items[i].item);
		up[PX_MAX(a, b)] = PX_MIN(a, b);
	}
	free(keys->items);
	*keys = (struct px_chain_keys){0};
}

void px_chains_make(struct px_chain_keys *keys, unsigned n_items, struct px_chains *out)
{
	unsigned *up = px_xcalloc(n_items + 1, sizeof(*up)), *chain = px_xcalloc(n_items + 1, sizeof(*chain));
	for (unsigned i = 0; i < n_items; i++)
		up[i] = i;
	join(up, keys);
	*out = (struct px_chains){.n_items = n_items};
	out->items = px_xcalloc(n_items + 1, sizeof(*out->items));
	out->starts = px_xcalloc(n_items + 2, sizeof(*out->starts));
	/* number the chains, count into starts[chain + 1], sum up, distribute */
	for (unsigned i = 0; i < n_items; i++) {
		unsigned root = find(up, i);
		chain[i] = root == i ? out->n_chains++ : chain[root];
		out->starts[chain[i] + 1]++;
	}
	for (unsigned c = 0; c < out->n_chains; c++)
		out->starts[c + 1] += out->starts[c];
	unsigned *next = px_xmemdup(out->starts, (n_items + 1) * sizeof(*next));
	for (unsigned i = 0; i < n_items; i++)
		out->items[next[chain[i]]++] = i;
	free(next);
	free(chain);
	free(up);
}

void px_chains_free(struct px_chains *chains)
{
	free(chains->items);
	free(chains->starts);
	*chains = (struct px_chains){0};
}
