/* prinex: the fakes around flow: inspector, sealer, transport
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef TESTS_UNIT_FLOW_WORLD_FAKES_H
#define TESTS_UNIT_FLOW_WORLD_FAKES_H

#include "world.h"

struct fakes;

struct fakes *fakes_new(struct px_clock *clock);
void fakes_free(struct fakes **f);
void fakes_add_node(struct fakes *f, struct node *n);
/** Forget what is under way for a node that stops. */
void fakes_drop_node(struct fakes *f, struct node *n);
struct px_inspector *fakes_inspector(struct fakes *f, struct node *n);
struct px_transport *fakes_transport(struct fakes *f, struct node *n);
struct px_sealer *fakes_sealer(struct fakes *f, struct node *n);
/** Finish one round of what is under way. @return whether there was anything. */
bool fakes_run(struct fakes *f);
/** What @authority's system answers to @body: a signed CoA, or a permanent CoE. */
void fakes_answer(struct px_buf *out, const struct px_body *body, const char *authority, const char *coe_code,
		  int64_t now);
/** Note who signed: a trailer that the fake inspector believes. */
void fakes_sign(struct px_buf *doc, const char *authority, enum px_role role);

#endif
