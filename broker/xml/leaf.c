/* prinex: verified signing certificates, kept ready for the next signature
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "xml/leaf.h"

/* Certificates in use at a time, by authority; each takes about 2 KB. Partners that take turns would find
 * nothing if they were more than this: a node has some hundred at most. */
#define LEAVES_MAX 1024

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
	px_verifier_free(&(*leaf)->verifier);
	px_buf_free(&(*leaf)->certs);
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

void px_leaf_name(struct px_leaf *leaf, const struct px_run *run, unsigned roles)
{
	memcpy(leaf->authority, run->authority, sizeof(leaf->authority));
	leaf->roles = roles;
	/* The terminating NUL keeps two certificates from reading as one. */
	for (unsigned i = 0; i < run->shape.n_certs; i++)
		px_buf_add(&leaf->certs, run->shape.certs[i], strlen((const char *)run->shape.certs[i]) + 1);
}

/* Certificates differ early, in their serial numbers: comparing them whole is cheaper than hashing one. */
static bool is_of(const struct px_leaf *leaf, const struct px_run *run, unsigned roles)
{
	if (leaf->roles != roles || strcmp(leaf->authority, run->authority) != 0)
		return false;
	const char *at = (const char *)leaf->certs.data, *end = at + leaf->certs.len;
	for (unsigned i = 0; i < run->shape.n_certs; i++) {
		if (at == end || strcmp(at, (const char *)run->shape.certs[i]) != 0)
			return false;
		at += strlen(at) + 1;
	}
	return at == end;
}

const struct px_leaf *px_leaves_get(struct px_leaves *leaves, const struct px_run *run, unsigned roles,
				    int64_t at, int64_t now)
{
	struct px_leaf **slot = NULL;
	for (unsigned i = 0; i < leaves->n && slot == NULL; i++) {
		if (is_of(leaves->items[i], run, roles))
			slot = &leaves->items[i];
	}
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

static bool same_name(const struct px_leaf *a, const struct px_leaf *b)
{
	return a->roles == b->roles && strcmp(a->authority, b->authority) == 0 &&
	       a->certs.len == b->certs.len && memcmp(a->certs.data, b->certs.data, a->certs.len) == 0;
}

void px_leaves_put(struct px_leaves *leaves, struct px_leaf **leaf)
{
	struct px_leaf **slot = NULL;
	for (unsigned i = 0; i < leaves->n && slot == NULL; i++) {
		if (same_name(leaves->items[i], *leaf))
			slot = &leaves->items[i];
	}
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
