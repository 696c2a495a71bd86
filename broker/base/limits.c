/* prinex: the table of limits for those that print it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/limits.h"

#include "base/base.h"

const struct px_limit *px_limits(void)
{
	static const struct px_limit table[] = {
#define PX_LIMIT(name, value, unit, why) {#name, (value), (unit), (why)},
#include "base/limits.def"
#undef PX_LIMIT
	    {NULL, 0, NULL, NULL},
	};
	px_assert(PX_LIMIT_VALUE == PX_VALUE_MAX && PX_LIMIT_ERRORS == PX_ERRORS_MAX);
	return table;
}
