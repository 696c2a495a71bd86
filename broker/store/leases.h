/* prinex: who holds a delivery now: leases, in memory
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_LEASES_H
#define PX_STORE_LEASES_H

#include "base/base.h"

/*
 * Delivery -> counter of its token. The writer thread alone changes it, in the order of operations, so that a
 * delivery whose settlement is in the same transaction can not be leased meanwhile; the other threads may
 * ask. Changes since px_leases_begin are undone by px_leases_undo when the transaction fails. Until the
 * commit the others may see a lease too few or too many; what is done about it is up to the writer.
 */
struct px_leases;

struct px_leases *px_leases_new(void);
void px_leases_free(struct px_leases **leases);

/* Thread: writer. */
void px_leases_begin(struct px_leases *leases);
void px_leases_undo(struct px_leases *leases);
/** @return the counter of a new lease, never 0. */
uint64_t px_lease_take(struct px_leases *leases, uint64_t delivery);
/** Nothing if there is none. */
void px_lease_drop(struct px_leases *leases, uint64_t delivery);

/** Its settlement cannot be written: the lease ends, and it is not free before @until (wall ms). Outside of
 * transactions; a restart forgets it. */
void px_lease_rest(struct px_leases *leases, uint64_t delivery, int64_t until);

/** The counter, 0 when not leased. Thread: any. */
uint64_t px_lease_of(struct px_leases *leases, uint64_t delivery);
/** Neither leased nor at rest. Thread: any. */
bool px_lease_is_free(struct px_leases *leases, uint64_t delivery, int64_t now);

#endif
