/* prinex: verified signing certificates, kept ready for the next signature
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "xml/leaf.h"

#define LEAVES_MAX 128 /* certificates in use at a time; each takes about 2 KB */

struct px_leaves {
	unsigned n;
	struct px_leaf *items[LEAVES_MAX];
	uint64_t clock;
};

struct px_leaves *px_leaves_new(void)
{
	return px_xcalloc(1, sizeof(struct px_leaves));
}

void px_leaf_free(struct px_leaf **leaf)
{
	if (*leaf == NULL)
		return;
	if ((*leaf)->key != NULL)
		xmlSecKeyDestroy((*leaf)->key);
	PX_FREE(*leaf);
}

void px_leaves_free(struct px_leaves **leaves)
{
	if (*leaves == NULL)
		return;
	for (unsigned i = 0; i < (*leaves)->n; i++)
		px_leaf_free(&(*leaves)->items[i]);
	PX_FREE(*leaves);
}

void px_leaf_id(const struct px_run *run, unsigned roles, uint8_t id[PX_DIGEST_LEN])
{
	struct px_sha256 *sha = px_sha256_new();
	px_sha256_add(sha, run->authority, strlen(run->authority) + 1);
	px_sha256_add(sha, &roles, sizeof(roles));
	/* The terminating NUL keeps two certificates from reading as one. */
	for (unsigned i = 0; i < run->shape.n_certs; i++)
		px_sha256_add(sha, run->shape.certs[i], strlen((const char *)run->shape.certs[i]) + 1);
	px_sha256_end(sha, id);
	px_sha256_free(&sha);
}

static struct px_leaf **find(struct px_leaves *leaves, const uint8_t id[PX_DIGEST_LEN])
{
	for (unsigned i = 0; i < leaves->n; i++) {
		if (memcmp(leaves->items[i]->id, id, PX_DIGEST_LEN) == 0)
			return &leaves->items[i];
	}
	return NULL;
}

const struct px_leaf *px_leaves_get(struct px_leaves *leaves, const uint8_t id[PX_DIGEST_LEN], int64_t at,
				    int64_t now)
{
	struct px_leaf **slot = find(leaves, id);
	if (slot == NULL)
		return NULL;
	const struct px_path *p = &(*slot)->path;
	/* Whole seconds, as OpenSSL judges times. */
	at = at / 1000 * 1000;
	if (at < p->not_before || at >= p->not_after || now >= p->crl_until)
		return NULL;
	(*slot)->used = ++leaves->clock;
	return *slot;
}

void px_leaves_put(struct px_leaves *leaves, struct px_leaf **leaf)
{
	struct px_leaf **slot = find(leaves, (*leaf)->id);
	if (slot == NULL && leaves->n < LEAVES_MAX) {
		slot = &leaves->items[leaves->n++];
		*slot = NULL;
	} else if (slot == NULL) {
		slot = &leaves->items[0];
		for (unsigned i = 1; i < leaves->n; i++) {
			if (leaves->items[i]->used < (*slot)->used)
				slot = &leaves->items[i];
		}
	}
	px_leaf_free(slot);
	*slot = *leaf;
	(*slot)->used = ++leaves->clock;
	*leaf = NULL;
}
