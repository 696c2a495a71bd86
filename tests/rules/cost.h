/* prinex: tests: what rules cost beside the schema
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_TESTS_RULES_COST_H
#define PX_TESTS_RULES_COST_H

#include <libxml/xmlschemas.h>

#include "xml/offices.h"
#include "xml/rules.h"

struct cost {
	xmlSchemaPtr schema;
	xmlDoc *doc; /* valid */
	struct px_rules *rules;
	const struct px_offices *offices;
};

/** CPU time of validating and of all rules, microseconds: medians of sets measured in turn. */
void cost_measure(const struct cost *c, double *schema_us, double *rules_us);

#endif
