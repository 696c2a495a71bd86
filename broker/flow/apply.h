/* prinex: confirmations that arrive in an exchange: what they do here and where the exchange goes on to
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_APPLY_H
#define PX_FLOW_APPLY_H

#include "flow/route.h"
#include "store/store.h"

/*
 * A node's Confirmations exchange is applied to our own deliveries in the accepting transaction and travels
 * on, unchanged, to the partners that sent the messages it is about. Pure; loop thread.
 */
struct px_applying {
	bool is_confirmations;
	unsigned n;
	struct px_apply *items;
	struct px_ref *refs;          /* the messages they are about, to be resolved */
	struct px_resolved *resolved; /* what the store knows of them; copied by px_applying_route() */
};

bool px_applying_is_confirmations(const struct px_verdict *verdict);
/** Fill from the verdict's entries; @from handed the exchange to us. */
void px_applying_collect(struct px_applying *a, const struct px_verdict *verdict,
			 const struct px_conf_partner *from);
/** Deliveries of the exchange itself: one per partner the messages came from, never back, none for our own
 * messages. */
void px_applying_route(struct px_applying *a, const struct px_conf *conf, const char *from,
		       const struct px_header *header, const struct px_resolved *resolved, unsigned n,
		       int64_t now, struct px_routing *out);
void px_applying_free(struct px_applying *a);

#endif
