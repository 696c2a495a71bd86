/* prinex: what administrators do to deliveries, partners and alarms
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_OPERATE_H
#define PX_FLOW_OPERATE_H

#include "flow/flow.h"

/*
 * Each is answered exactly once, with a result and one sentence for the administrator. Who may do it, and the
 * journal's entry that it was asked for, are the caller's (broker/ctl). Thread: the loop.
 *
 * @return by @told: PX_OK; PX_ENOTFOUND: no such partner, message, alarm; PX_EPRECONDITION: not in its
 * present state, @text says why; else what the store said. @text is a view.
 */
typedef void px_flow_told(void *arg, int rc, const char *text);

/** Send nothing to @partner, and let it fetch nothing, until px_flow_resume; kept over restarts. What is in
 * flight is finished; what waits still ends by age. @reason "" none. */
void px_flow_pause(struct px_flow *flow, const char *partner, const char *actor, const char *reason,
		   px_flow_told *told, void *arg);
void px_flow_resume(struct px_flow *flow, const char *partner, px_flow_told *told, void *arg);
/** Make one attempt now, whatever pauses between attempts say, and tell how it went. */
void px_flow_probe(struct px_flow *flow, const char *partner, px_flow_told *told, void *arg);
/** All that waits for @partner is due now. */
void px_flow_retry_partner(struct px_flow *flow, const char *partner, px_flow_told *told, void *arg);

/** A message, by number or (@seq 0) by sender and id. */
struct px_flow_which {
	uint64_t seq;
	const char *sender, *message_id;
};
/** What waits of this message is due now. */
void px_flow_retry(struct px_flow *flow, const struct px_flow_which *which, px_flow_told *told, void *arg);
/** End what has not ended of this message (@recipient "": for all recipients): its sender gets a CoE with
 * @reason. */
void px_flow_cancel(struct px_flow *flow, const struct px_flow_which *which, const char *recipient,
		    const char *reason, const char *actor, px_flow_told *told, void *arg);

/** An administrator has looked at an alarm that does not clear by itself (@subject "": at all of that name).
 * Of the one about the clock: that it is right as it is. */
void px_flow_acknowledge(struct px_flow *flow, enum px_alarm alarm, const char *subject, const char *actor,
			 px_flow_told *told, void *arg);
/** Look at a quarantined record again (store/marks.h) and let go on what waited for it. */
void px_flow_release(struct px_flow *flow, const char *table, uint64_t record, px_flow_told *told, void *arg);

#endif
