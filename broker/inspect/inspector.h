/* prinex: one inspector: a process that examines documents
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_INSPECT_INSPECTOR_H
#define PX_INSPECT_INSPECTOR_H

#include "xml/examine.h"

/** px_examine, or what stands in its place. @arg as handed to px_parent_serve. */
typedef struct px_verdict *px_examine_fn(void *arg, const struct px_exam *exam, const uint8_t *data,
					 size_t len);

/** What a forked child needs to become an inspector. */
struct px_inspector_setup {
	int sock;            /* to the broker */
	int arena;           /* the arena's descriptor */
	uint64_t body_limit; /* which tells the arena's layout */
	pid_t parent;
	px_examine_fn *examine;
	void *arg;
};

/**
 * Map the arena, enter the sandbox, say hello, then answer requests until the broker closes the socket. Runs
 * in the child right after fork; ends the process.
 */
void px_inspector_run(const struct px_inspector_setup *setup) PX_NORETURN;

#endif
