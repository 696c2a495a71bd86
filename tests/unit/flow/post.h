/* prinex: a node at the border, and what happens there
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef TESTS_UNIT_FLOW_POST_H
#define TESTS_UNIT_FLOW_POST_H

#include "pairs.h"

#define DAY  (INT64_C(24) * HOUR)
#define POST "UA205020"

/**
 * UA's node, on 23 November 2026 at 0:00: its system, the nodes of BY and MD, officers of UA and MD. All
 * fetch. @more: of the configuration. @officer: of the block of officer-ua.
 */
struct node *make_post(struct world *w, const char *more, const char *officer);

/** Declarations, changes and withdrawals come from BY's system by its node; reports from UA's system. */
#define FROM_BY(n, ...) SEND(n, "node-by", .recipients = "UA", __VA_ARGS__)
#define FROM_UA(n, ...) SEND(n, "system-ua", .recipients = "BY", __VA_ARGS__)

/** The Alarms that the node has sent, oldest first: "NAR M1>BY,UA", each with a blank behind it. View: until
 * the next call. */
const char *alarms(struct node *n);

/** An officer's question of one key, answered as JSON. */
struct reply ask_by(struct node *n, const char *officer, enum px_key_kind kind, const char *value,
		    uint64_t after);
/** Text behind "NAME": in JSON: a number, or what is in quotation marks; "" when there is none. */
const char *member(const struct reply *r, const char *name);
/** How often @text stands in the answer. */
unsigned count_of(const struct reply *r, const char *text);

#endif
