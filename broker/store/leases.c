/* prinex: who holds a delivery now: leases, in memory
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/leases.h"

#include <pthread.h>

struct slot {
	uint64_t delivery; /* 0: empty */
	uint64_t counter;  /* 0: at rest */
	int64_t rest;      /* until then */
};

struct px_leases {
	pthread_mutex_t lock; /* guards slots, cap, n */
	struct slot *slots;   /* open addressing, linear probing; never more than half full */
	size_t cap, n;
	uint64_t last;     /* writer only */
	struct slot *past; /* writer only: what was there before each change since begin */
	size_t n_past, cap_past;
};

struct px_leases *px_leases_new(void)
{
	struct px_leases *leases = px_xcalloc(1, sizeof(*leases));
	pthread_mutex_init(&leases->lock, NULL);
	leases->cap = 64;
	leases->slots = px_xcalloc(leases->cap, sizeof(struct slot));
	return leases;
}

void px_leases_free(struct px_leases **leases)
{
	if (*leases == NULL)
		return;
	pthread_mutex_destroy(&(*leases)->lock);
	free((*leases)->slots);
	free((*leases)->past);
	PX_FREE(*leases);
}

static size_t place_of(const struct px_leases *leases, uint64_t delivery)
{
	return (size_t)(delivery * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (leases->cap - 1);
}

/* The slot of @delivery, or the empty one where it would go. */
static struct slot *find(const struct px_leases *leases, uint64_t delivery)
{
	size_t i = place_of(leases, delivery);
	while (leases->slots[i].delivery != 0 && leases->slots[i].delivery != delivery)
		i = (i + 1) & (leases->cap - 1);
	return &leases->slots[i];
}

static void grow(struct px_leases *leases)
{
	struct slot *old = leases->slots;
	size_t n = leases->cap;
	leases->cap *= 2;
	leases->slots = px_xcalloc(leases->cap, sizeof(struct slot));
	for (size_t i = 0; i < n; i++) {
		if (old[i].delivery != 0)
			*find(leases, old[i].delivery) = old[i];
	}
	free(old);
}

/* Close the hole at @slot: move back what probing would no longer find behind it. */
static void erase(struct px_leases *leases, struct slot *slot)
{
	size_t mask = leases->cap - 1;
	size_t hole = (size_t)(slot - leases->slots);
	for (size_t i = (hole + 1) & mask; leases->slots[i].delivery != 0; i = (i + 1) & mask) {
		size_t home = place_of(leases, leases->slots[i].delivery);
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			leases->slots[hole] = leases->slots[i];
			hole = i;
		}
	}
	leases->slots[hole] = (struct slot){0};
	leases->n--;
}

/* @counter 0: no lease. */
static void set(struct px_leases *leases, uint64_t delivery, uint64_t counter)
{
	pthread_mutex_lock(&leases->lock);
	struct slot *slot = find(leases, delivery);
	if (slot->delivery != 0 && counter == 0) {
		erase(leases, slot);
	} else if (slot->delivery != 0) {
		slot->counter = counter;
	} else if (counter != 0) {
		*slot = (struct slot){.delivery = delivery, .counter = counter};
		if (++leases->n * 2 > leases->cap)
			grow(leases);
	}
	pthread_mutex_unlock(&leases->lock);
}

static void remember(struct px_leases *leases, uint64_t delivery)
{
	if (leases->n_past == leases->cap_past) {
		leases->cap_past = PX_MAX(leases->cap_past * 2, (size_t)32);
		leases->past = px_xrealloc_array(leases->past, leases->cap_past, sizeof(struct slot));
	}
	leases->past[leases->n_past++] =
	    (struct slot){.delivery = delivery, .counter = find(leases, delivery)->counter};
}

void px_leases_begin(struct px_leases *leases)
{
	leases->n_past = 0;
}

void px_leases_undo(struct px_leases *leases)
{
	while (leases->n_past > 0) {
		struct slot past = leases->past[--leases->n_past];
		set(leases, past.delivery, past.counter);
	}
}

uint64_t px_lease_take(struct px_leases *leases, uint64_t delivery)
{
	remember(leases, delivery);
	set(leases, delivery, ++leases->last);
	return leases->last;
}

void px_lease_drop(struct px_leases *leases, uint64_t delivery)
{
	remember(leases, delivery);
	set(leases, delivery, 0);
}

uint64_t px_lease_of(struct px_leases *leases, uint64_t delivery)
{
	pthread_mutex_lock(&leases->lock);
	uint64_t counter = find(leases, delivery)->counter;
	pthread_mutex_unlock(&leases->lock);
	return counter;
}

void px_lease_rest(struct px_leases *leases, uint64_t delivery, int64_t until)
{
	pthread_mutex_lock(&leases->lock);
	struct slot *slot = find(leases, delivery);
	if (slot->delivery != 0) {
		slot->counter = 0;
		slot->rest = until;
	}
	pthread_mutex_unlock(&leases->lock);
}

bool px_lease_is_free(struct px_leases *leases, uint64_t delivery, int64_t now)
{
	pthread_mutex_lock(&leases->lock);
	const struct slot *slot = find(leases, delivery);
	bool is_free = slot->delivery == 0 || (slot->counter == 0 && slot->rest <= now);
	pthread_mutex_unlock(&leases->lock);
	return is_free;
}
