/* prinex: results of functions and their classes
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/err.h"

struct err_entry {
	const char *name;
	enum px_err_class class;
	const char *text;
};

static const struct err_entry table[] = {
#define PX_ERR(name, class, text) {#name, PX_CLASS_##class, text},
#include "base/err.def"
#undef PX_ERR
};

static const struct err_entry ok = {"OK", PX_CLASS_NONE, "ok"};
static const struct err_entry strange = {"?", PX_CLASS_BUG, "unknown error"};

static const struct err_entry *lookup(int err)
{
	if (err == 0)
		return &ok;
	if (err > 0 || err < -(int)PX_ERR_COUNT)
		return &strange;
	return &table[-1 - err];
}

const char *px_err_name(int err)
{
	return lookup(err)->name;
}

const char *px_err_text(int err)
{
	return lookup(err)->text;
}

enum px_err_class px_err_class(int err)
{
	return lookup(err)->class;
}
