/* prinex: reference pages that come from tables
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_DAEMON_REFERENCE_H
#define PX_DAEMON_REFERENCE_H

#include "base/buf.h"

/** docs/errors.md: every code partners see, then every result, from codes.def and err.def. */
void px_reference_errors(struct px_buf *out);
/** docs/limits.md: every limit with its reason, from limits.def. */
void px_reference_limits(struct px_buf *out);

#endif
