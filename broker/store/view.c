/* prinex: messages and deliveries as readers see them
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/view.h"

#include "base/strings.h"
#include "store/heads.h"
#include "store/salvage.h"

int px_view_body(struct px_tx *tx, uint64_t seq, struct px_body **body)
{
	struct px_octets octets;
	*body = NULL;
	int rc = px_load_body(tx, seq, &octets);
	if (rc != PX_OK)
		return rc;
	uint8_t *copy = px_xmalloc(PX_MAX(octets.len, (size_t)1));
	memcpy(copy, octets.data, octets.len);
	*body = px_body_new(&copy, octets.len, octets.data - PX_DIGEST_LEN); /* where the record has it */
	return PX_OK;
}

/* Whether it is the first of those that wait in its movement. Being held or leased does not change that. */
static bool is_head(struct px_tx *tx, const struct px_delivery *d)
{
	uint64_t home;
	if (d->state != PX_D_QUEUED || px_heads_home(tx, d, &home) != PX_OK)
		return false;
	return home == 0 || px_heads_is_first(tx, d, home);
}

/* Whether it was set aside: out of ready although it is QUEUED, and noted so in its queue if it has one. */
static bool is_held(struct px_tx *tx, const struct px_delivery *d)
{
	uint64_t home;
	struct px_octets value;
	if (d->state != PX_D_QUEUED || px_heads_home(tx, d, &home) != PX_OK)
		return false;
	if (home != 0)
		return px_heads_value(tx, d, home) == PX_HEAD_HELD;
	struct px_tkey key = px_tkey_ready(d->partner, (uint8_t)d->prio, d->due, d->id);
	return px_tx_get(tx, PX_T_READY, &key, &value) == PX_ENOTFOUND;
}

int px_view_delivery(struct px_tx *tx, struct px_leases *leases, uint64_t id, struct px_delivery *delivery)
{
	int rc = px_load_delivery(tx, id, delivery);
	if (rc != PX_OK)
		return rc;
	delivery->head = is_head(tx, delivery);
	delivery->held = is_held(tx, delivery);
	delivery->leased = px_lease_of(leases, id) != 0;
	delivery->movement = px_load_root(tx, delivery->movement);
	return PX_OK;
}

int px_view_message(struct px_tx *tx, struct px_leases *leases, struct px_scratch *scratch, uint64_t seq,
		    struct px_message *message)
{
	struct px_rec_message rec;
	int rc = px_load_message(tx, scratch, seq, &rec);
	if (rc != PX_OK)
		return rc;
	*message = rec.message;
	message->coa = px_scratch_copy(scratch, rec.message.coa, rec.message.coa_len);
	struct px_delivery *deliveries = px_scratch_calloc(scratch, rec.n_deliveries, sizeof(*deliveries));
	for (unsigned i = 0; i < rec.n_deliveries; i++) {
		struct px_delivery *d = &deliveries[i];
		uint64_t id = rec.first_delivery + i;
		if (px_view_delivery(tx, leases, id, d) == PX_OK)
			continue;
		struct px_salvaged salvaged;
		px_salvage_delivery(tx, id, false, &salvaged); /* as much as is left */
		*d = salvaged.d;
		d->message = seq;
		d->movement = message->movement;
	}
	message->n_deliveries = rec.n_deliveries;
	message->deliveries = deliveries;
	return tx->rc;
}
