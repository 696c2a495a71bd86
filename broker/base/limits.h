/* prinex: every limit of the broker, as constants
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BASE_LIMITS_H
#define PX_BASE_LIMITS_H

/* Named PX_LIMIT_<NAME>; the table with reasons is limits.def, printed by `prinexd --limits`. */
#define PX_LIMIT(name, value, unit, why) static const long PX_LIMIT_##name __attribute__((unused)) = (value);
#include "base/limits.def"
#undef PX_LIMIT

/* Those that size arrays must be constant expressions. */
#define PX_VALUE_MAX  256
#define PX_REASON_MAX 500 /* why something waits or ended, for people */
#define PX_ERRORS_MAX 100

_Static_assert(PX_VALUE_MAX > 0 && PX_ERRORS_MAX > 0, "limits");

/** One row of the table, for those that print it. */
struct px_limit {
	const char *name;
	long value;
	const char *unit;
	const char *why;
};
/** All rows; ends with a NULL name. */
const struct px_limit *px_limits(void);

#endif
