/* prinex: what received confirmations did to deliveries of ours
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/internal.h"

/* A delivery that was handed over ends here, not where it was attempted: counted as one settled at once is.
 */
static void settled_by(struct px_flow *flow, const char *partner, const struct px_apply *a,
		       const struct px_resolved *about)
{
	const char *state = px_delivery_state_name(a->state);
	bool good = a->state == PX_D_DELIVERED;
	px_log(good ? PX_LOG_INFO : PX_LOG_NOTICE, "deliver", "msg=%s/%s partner=%s recipient=%s %s%s%s",
	       a->ref_sender, a->ref_message_id, partner, a->recipient, state, good ? "" : ": ",
	       good ? "" : a->code);
	px_metric_add(flow->metrics, PX_M_ENDED, 1, partner, state, NULL);
	if (!good)
		return;
	px_metric_add(flow->metrics, PX_M_DELIVERED, 1, partner, about->type, NULL);
	if (about->accepted != 0)
		px_metric_observe(flow->metrics, PX_M_END_TO_END_SECONDS,
				  (double)(px_flow_now(flow) - about->accepted) / 1000.0, NULL, NULL, NULL);
}

static void skipped(struct px_flow *flow, const char *partner, const struct px_apply *a,
		    enum px_apply_result result)
{
	struct px_journal_entry entry = {
	    .kind = PX_J_CONFIRMATION_SKIPPED,
	    .partner = partner,
	    .sender = a->ref_sender,
	    .message_id = a->ref_message_id,
	    .recipient = a->recipient,
	    .detail = result == PX_APPLY_NO_MESSAGE ? "no such message" : "does not fit a delivery of it",
	};
	px_store_journal(flow->store, &entry, NULL, NULL);
	px_log(PX_LOG_NOTICE, "accept", "msg=%s/%s partner=%s confirmation skipped: %s", a->ref_sender,
	       a->ref_message_id, partner, entry.detail);
}

void px_applied(struct px_flow *flow, const char *partner, const struct px_applying *a,
		const enum px_apply_result *results)
{
	for (unsigned i = 0; i < a->n; i++) {
		if (results[i] == PX_APPLIED)
			settled_by(flow, partner, &a->items[i], &a->resolved[i]);
		else if (results[i] != PX_APPLY_ALREADY)
			skipped(flow, partner, &a->items[i], results[i]);
	}
}
