/* prinex: one case from its file to its report
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_HARNESS_CASE_H
#define PX_HARNESS_CASE_H

#include "play.h"

/**
 * Play a case in the folder @dir (which is there). @return its report, owned: id, title, purpose, clauses,
 * precondition, file, verdict (passed, failed, skipped), why, dir, ms, steps.
 */
json_t *px_case_play(struct px_venue *venue, const struct px_script *script, const char *dir);
/** The same report for a case that was not played. @verdict: skipped or failed. */
json_t *px_case_not_played(const struct px_script *script, const char *verdict, const char *why);

#endif
