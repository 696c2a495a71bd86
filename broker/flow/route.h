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
 * node. Never the Sender, never the partner the message came from. A recipient that no partner leads to is
 * not connected: it gets a delivery that goes to no partner (partner ""), which ends at once and is reported,
 * while the others go on; it counts as a recipient, but a message that reaches nobody else is refused. Why an
 * empty list from a node is resolved again: docs/decisions. Pure.
 */
struct px_routing {
	unsigned n; /* deliveries */
	struct px_new_delivery deliveries[PX_RECIPIENTS_MAX];
	unsigned n_reached; /* recipients for the CoA: also those where a Ping ends here */
	char reached[PX_RECIPIENTS_MAX][PX_AUTHORITY_MAX + 1];
	unsigned n_absent;           /* of them: not connected */
	char route[PX_NAME_MAX + 1]; /* the first route that chose a recipient; "" none did */
};

/** What is decided about a route, or about a recipient. */
enum px_route_outcome {
	PX_ROUTE_MATCHES,   /* a route: all its conditions hold */
	PX_ROUTE_DIFFERS,   /* a route: one does not */
	PX_ROUTE_DELIVERS,  /* a recipient: gets it, by `partner` */
	PX_ROUTE_ENDS_HERE, /* ... a Ping, which goes no further */
	PX_ROUTE_ABSENT,    /* ... is not connected */
	PX_ROUTE_PASSED,    /* ... gets nothing, and that is right */
	PX_ROUTE_REFUSES    /* ... gets nothing, and the whole message is refused for it */
};
const char *px_route_outcome_name(enum px_route_outcome outcome); /* "matches", "delivers", ... */

/** One decision, in the order they are made. Views; "" where there is none. */
struct px_route_step {
	bool about_route; /* else about a recipient */
	const char *name; /* of the route; the recipient's code */
	enum px_route_outcome outcome;
	const char *partner, *route; /* of a recipient: where it goes, and the route that said so */
	const char *why;             /* one sentence without its full stop */
};
typedef void px_route_told(void *arg, const struct px_route_step *step);

struct px_route_ask {
	const struct px_conf *conf;
	const struct px_cat_type *type;
	const struct px_conf_partner *from; /* whom the message came from, of @conf */
	const struct px_header *header;
	const struct px_keys *keys;
	const char *version; /* of the type, as px_verdict has it */
	int64_t now;
	px_route_told *told; /* NULL: nobody asks why; else every route is told about, needed or not */
	void *told_arg;
};

/** @return 0, or 422 with PX-ROUTE... in @errors. */
int px_route(const struct px_route_ask *ask, struct px_routing *out, struct px_findings *errors);

#endif
