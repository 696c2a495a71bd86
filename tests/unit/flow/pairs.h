/* prinex: two nodes that most tests of flow work with
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef TESTS_UNIT_FLOW_PAIRS_H
#define TESTS_UNIT_FLOW_PAIRS_H

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/strings.h"
#include "world.h"

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

/** BY with its system and the node of UA; UA with its system, which pulls, and the node of BY. */
struct pair {
	struct world *w;
	struct node *by, *ua;
};

/** @to_ua: more of BY's block of node-ua. @routes: of BY. */
struct pair make_pair(uint64_t seed, const char *to_ua, const char *routes);

/** BY alone: its system, and these systems as pull partners "system-xx", each of its own authority. */
struct node *lone_node(struct world *w, const char *const *authorities, const char *more);

/** Both free @r. */
void expect_status(struct reply r, int status);
void expect_code(struct reply r, int status, const char *code);
/** Send @m, which must be accepted. */
void send_ok(struct node *n, const char *partner, const struct msg *m);
#define SEND(node, partner, ...) send_ok((node), (partner), &(struct msg){__VA_ARGS__})

/** Fetch one, confirm it, return its MessageId (good for the next call too). */
const char *take(struct node *n, const char *partner, const char *authority);
/** Fetch what must be an exchange of confirmations, and confirm it. */
struct reply take_confirmations(struct node *n, const char *partner, const char *authority);

#endif
