/* prinex: tests: what rules cost beside the schema, of one document in one run
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <libxml/parser.h>
#include <time.h>

#include "base/buf.h"
#include "cost.h"
#include "xml/load.h"

enum { SETS = 9, SET_US = 20000 };

static double cpu_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void nothing(void *arg PX_UNUSED, const struct px_rule_hit *hit PX_UNUSED)
{
}

static void validate(const struct cost *c)
{
	xmlSchemaValidCtxtPtr ctxt = xmlSchemaNewValidCtxt(c->schema);
	px_assert(ctxt != NULL && xmlSchemaValidateDoc(ctxt, c->doc) == 0);
	xmlSchemaFreeValidCtxt(ctxt);
}

static void run_rules(const struct cost *c)
{
	px_rules_run(c->rules, c->doc, c->offices, nothing, NULL);
}

/* CPU time of one call, of as many as fill a set. */
static double measure(const struct cost *c, void (*what)(const struct cost *c))
{
	double start = cpu_us(), end;
	unsigned n = 0;
	do {
		what(c);
		n++;
		end = cpu_us();
	} while (end - start < SET_US);
	return (end - start) / n;
}

static int ascending(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;
	return a < b ? -1 : a > b;
}

void cost_measure(const struct cost *c, double *schema_us, double *rules_us)
{
	double schema[SETS], rules[SETS];
	for (int i = 0; i < SETS; i++) { /* in turn, so that whatever else runs disturbs both */
		schema[i] = measure(c, validate);
		rules[i] = measure(c, run_rules);
	}
	qsort(schema, SETS, sizeof(schema[0]), ascending);
	qsort(rules, SETS, sizeof(rules[0]), ascending);
	*schema_us = schema[SETS / 2];
	*rules_us = rules[SETS / 2];
}
