/* prinex: recipients and their partners
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_ROUTE_H
#define PX_FLOW_ROUTE_H

#include "conf/catalogue.h"
#include "store/store.h"

/*
 * Who gets a message. From a system: every recipient named, or, where none is named, those of all routes that
 * match. From a node: of these, the authorities whose systems are here, and those in the peer's relay-to. One
 * recipient is one delivery to one partner: the route's via, else the recipient's only system, else its only
 * node. Never the Sender, never the partner the message came from. Why an empty list from a node is resolved
 * again: docs/decisions. Pure.
 */
struct px_routing {
	unsigned n; /* deliveries */
	struct px_new_delivery deliveries[PX_RECIPIENTS_MAX];
	unsigned n_reached; /* recipients for the CoA: also those where a Ping ends here */
	char reached[PX_RECIPIENTS_MAX][PX_AUTHORITY_MAX + 1];
	char route[PX_NAME_MAX + 1]; /* the first route that chose a recipient; "" none did */
};

/** @partner whom it came from, of @conf. @return 0, or 422 with PX-ROUTE or PX-ROUTE-DOMAIN in @errors. */
int px_route(const struct px_conf *conf, const struct px_cat_type *type,
	     const struct px_conf_partner *partner, const struct px_header *header,
	     const struct px_keys *keys, int64_t now, struct px_routing *out, struct px_findings *errors);

#endif
