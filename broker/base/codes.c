/* prinex: codes that partners see: the table
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/codes.h"

struct code_entry {
	const char *wire, *ncts, *title, *remedy;
};

static const struct code_entry table[] = {
#define PX_CODE(name, wire, ncts, title, remedy) {wire, ncts, title, remedy},
#include "base/codes.def"
#undef PX_CODE
};

static const struct code_entry *entry(enum px_code code)
{
	px_assert((size_t)code < PX_ARRAY_LEN(table));
	return &table[code];
}

const char *px_code_wire(enum px_code code)
{
	return entry(code)->wire;
}

const char *px_code_ncts(enum px_code code)
{
	return entry(code)->ncts;
}

const char *px_code_title(enum px_code code)
{
	return entry(code)->title;
}

const char *px_code_remedy(enum px_code code)
{
	return entry(code)->remedy;
}

enum px_code px_code_parse(const char *wire)
{
	for (size_t i = 0; i < PX_ARRAY_LEN(table); i++) {
		if (strcmp(table[i].wire, wire) == 0)
			return (enum px_code)i;
	}
	return PX_CODE_COUNT;
}
