/* prinex: deliveries are made and change state
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_DELIVER_H
#define PX_STORE_DELIVER_H

#include "store/wtx.h"

/* Thread: writer, in a transaction. */

/** Make a delivery: record, indexes, counts. @home: of its movement, 0 none. @return its id. */
uint64_t px_deliver_new(struct px_wtx *w, const struct px_message *message, const struct px_new_delivery *new,
			uint64_t home);

/**
 * Settle @req->delivery, with all that belongs to it. @return as px_store_settle says.
 */
int px_deliver_settle(struct px_wtx *w, const struct px_settle *req);
/** Settle several, or none. @return as px_store_settle_all says. */
int px_deliver_settle_all(struct px_wtx *w, unsigned n, const struct px_settle *reqs);

/** Apply a proved confirmation. @return PX_OK (see @result) or PX_ECORRUPT. */
int px_deliver_apply(struct px_wtx *w, struct px_scratch *scratch, const struct px_apply *apply,
		     enum px_apply_result *result);

#endif
