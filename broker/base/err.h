/* prinex: results of functions and their classes
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BASE_ERR_H
#define PX_BASE_ERR_H

/*
 * Functions return 0 (PX_OK) or a negative enum px_err. What an operator may see is explained in a
 * `struct px_buf *why` beside it, complete enough to print as it is.
 */

enum px_err_index {
#define PX_ERR(name, class, text) PX_ERR_INDEX_##name,
#include "base/err.def"
#undef PX_ERR
	PX_ERR_COUNT
};

enum px_err {
	PX_OK = 0,
#define PX_ERR(name, class, text) PX_E##name = -1 - PX_ERR_INDEX_##name,
#include "base/err.def"
#undef PX_ERR
};

enum px_err_class { PX_CLASS_NONE, PX_CLASS_TEMPORARY, PX_CLASS_PERMANENT, PX_CLASS_BUG };

/** The name without prefix, e.g. "NOTFOUND"; "OK" for 0; "?" for a value that is not of the table. */
const char *px_err_name(int err);

/** One line of English. */
const char *px_err_text(int err);

/** Whether trying again can help. */
enum px_err_class px_err_class(int err);

#endif
