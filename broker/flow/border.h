/* prinex: the border post: what officers ask
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_BORDER_H
#define PX_FLOW_BORDER_H

#include "flow/flow.h"
#include "store/marks.h"

/*
 * Officers see what was sent to their authority, and nothing else. Each question is journalled with the name
 * of who asks, before it is answered. Exactly one answer each. Thread: loop.
 */

/** Where a page begins: by key at a message; by office behind an arrival. Message 0: the first page. */
struct px_border_place {
	int64_t at; /* by office: when it is expected */
	uint64_t message;
};

/** One question; checked by who parsed it. */
struct px_border_query {
	enum px_key_kind kind; /* with value, unless there is an office */
	char value[PX_KEY_VALUE_MAX + 1];
	char office[PX_KEY_VALUE_MAX + 1]; /* "" by key */
	int64_t from, until;               /* expected there: from <= t < until */
	struct px_border_place after;
	bool json;
	char user[PX_MARK_ACTOR_MAX + 1];
};

/** GET /v1/movements. */
void px_border_movements(struct px_flow *flow, struct px_generation *gen,
			 const struct px_conf_partner *partner, const struct px_border_query *query,
			 px_flow_answered *answered, void *arg);
/** GET /v1/exchanges/SENDER/ID/body: the octets as received. */
void px_border_body(struct px_flow *flow, struct px_generation *gen, const struct px_conf_partner *partner,
		    const char *sender, const char *message_id, const char *user, px_flow_answered *answered,
		    void *arg);

#endif
