/* prinex: messages and deliveries as readers see them
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_VIEW_H
#define PX_STORE_VIEW_H

#include "store/leases.h"
#include "store/load.h"

/* All strings and arrays are copies in @scratch. @return PX_OK, PX_ENOTFOUND, PX_ECORRUPT. */

/** The body of @seq in memory of its own; PX_ENOTFOUND also when there is a message but no body any more. */
int px_view_body(struct px_tx *tx, uint64_t seq, struct px_body **body);
int px_view_message(struct px_tx *tx, struct px_leases *leases, struct px_scratch *scratch, uint64_t seq,
		    struct px_message *message);
/** Movement, head and leased filled in. */
int px_view_delivery(struct px_tx *tx, struct px_leases *leases, uint64_t id, struct px_delivery *delivery);

#endif
