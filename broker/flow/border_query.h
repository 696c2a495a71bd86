/* prinex: the border post: questions as they stand in a request
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_BORDER_QUERY_H
#define PX_FLOW_BORDER_QUERY_H

#include "flow/border.h"
#include "net/http.h"

/**
 * Read the query, Accept and Prinex-User of a GET /v1/movements: exactly one of mrn, lrn, vehicle, container
 * and seal, or office and arriving=FROM..TO and perhaps after. What is repeated, unknown, empty or malformed
 * is refused, not passed over. @return 0, or the status of the refusal and its text in @why.
 */
int px_border_parse(const struct px_http *http, struct px_border_query *out, const char **why);

/** Whether @user can stand in the journal as the officer: [A-Za-z0-9._@-]{1,64}. NULL: no. */
bool px_border_is_user(const char *user);

#endif
