/* prinex: codes that partners see: the table
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BASE_CODES_H
#define PX_BASE_CODES_H

#include "base/base.h"
#include "base/limits.h"

/*
 * Codes of px:Error and px:Warning. Stable: a code once published keeps its meaning. docs/errors.md is made
 * from the same table.
 */
enum px_code {
#define PX_CODE(name, wire, ncts, title, remedy) PX_CODE_##name,
#include "base/codes.def"
#undef PX_CODE
	PX_CODE_COUNT
};

const char *px_code_wire(enum px_code code); /* "PX-ENV-DEFAULT-NS" */
/** The IE906/IE917 code that fits, "" where none does. */
const char *px_code_ncts(enum px_code code);
const char *px_code_title(enum px_code code);  /* what it means */
const char *px_code_remedy(enum px_code code); /* what the sender should do */
/** @return the code, or PX_CODE_COUNT. */
enum px_code px_code_parse(const char *wire);

#endif
