/* prinex: many cases: in parallel, each in a process and a folder of its own
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_HARNESS_RUNNER_H
#define PX_HARNESS_RUNNER_H

#include "case.h"

struct px_run {
	struct px_venue venue;
	unsigned jobs; /* cases at a time */
	bool keep;
	int64_t limit_ms; /* of one case */
	int64_t started;  /* wall ms */
	unsigned n;
	struct px_script **scripts;
	json_t *reports; /* of the scripts, in their order */
	char *dir;
};

/**
 * Play all scripts, print TAP as they end, in their order. With a target they are played one after the other
 * by one process, which keeps the counterpart open. Blocks. @return how many failed.
 */
unsigned px_runner_play(struct px_run *run);

#endif
