/* prinex: the conformance suite of the store: runs every case on a backend
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"

#include "base/strings.h"

#define SEEDS 40 /* random runs */

static const struct suite_case *const tables[] = {
    suite_accept_cases, suite_apply_cases,   suite_read_cases,  suite_movement_cases, suite_link_cases,
    suite_head_cases,   suite_class_cases,   suite_lease_cases, suite_settle_cases,   suite_overdue_cases,
    suite_owed_cases,   suite_journal_cases, suite_stats_cases, suite_rule_cases,     suite_flow_cases,
    suite_purge_cases,  suite_mark_cases,    suite_need_cases,  suite_together_cases, suite_arrival_cases,
};

/** What a case is started with. */
struct plan {
	struct suite_backend *backend;
	void (*run)(struct suite *t);
	unsigned seed;
};

static int setup(void **state)
{
	const struct plan *plan = *state;
	struct suite *t = px_xcalloc(1, sizeof(*t));
	t->backend = plan->backend;
	t->run = plan->run;
	t->seed = plan->seed;
	t->clock = px_clock_sim_new(SUITE_START);
	t->st = plan->backend->make(plan->backend, t->clock);
	*state = t;
	return 0;
}

/** Also after a case that failed: whatever it left is closed and freed. */
static int teardown(void **state)
{
	struct suite *t = *state;
	px_store_close(&t->st);
	t->backend->remove(t->backend);
	px_clock_sim_free(&t->clock);
	suite_release(t, 0);
	free(t->kept);
	free(t);
	return 0;
}

/** The case itself; then what holds after every case: it is sound, and every callback ran exactly once. */
static void run_case(void **state)
{
	struct suite *t = *state;
	t->run(t);
	if (t->st != NULL)
		suite_sound(t);
	px_store_close(&t->st);
	assert_int_equal(t->callbacks, t->submitted);
}

static void add(struct CMUnitTest **tests, size_t *n, const char *name, const struct plan *plan)
{
	*tests = px_xrealloc_array(*tests, *n + 1, sizeof(**tests));
	(*tests)[(*n)++] = (struct CMUnitTest){.name = px_xstrdup(name),
					       .test_func = run_case,
					       .setup_func = setup,
					       .teardown_func = teardown,
					       .initial_state = px_xmemdup(plan, sizeof(*plan))};
}

/** PX_SUITE_SEEDS=n makes n random runs, PX_SUITE_SEED=n only the one with that seed. */
static unsigned number_from_environment(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);
	uint64_t number;
	if (text == NULL || px_parse_u64(text, 0, UINT32_MAX, &number) != PX_OK)
		return otherwise;
	return (unsigned)number;
}

static void add_random(struct CMUnitTest **tests, size_t *n, struct suite_backend *backend)
{
	unsigned first = number_from_environment("PX_SUITE_SEED", 1);
	unsigned runs = getenv("PX_SUITE_SEED") != NULL ? 1
							: number_from_environment("PX_SUITE_SEEDS", SEEDS);
	for (unsigned seed = first; seed < first + runs; seed++) {
		char name[80];
		(void)snprintf(name, sizeof(name), "%s: random operations, PX_SUITE_SEED=%u", backend->name,
			       seed);
		struct plan plan = {.backend = backend, .run = suite_random, .seed = seed};
		add(tests, n, name, &plan);
	}
}

int suite_run(struct suite_backend *backend)
{
	struct CMUnitTest *tests = NULL;
	size_t n = 0;
	for (size_t i = 0; i < PX_ARRAY_LEN(tables); i++) {
		for (const struct suite_case *c = tables[i]; c->name != NULL; c++) {
			char name[160];
			(void)snprintf(name, sizeof(name), "%s: %s", backend->name, c->name);
			struct plan plan = {.backend = backend, .run = c->run};
			add(&tests, &n, name, &plan);
		}
	}
	add_random(&tests, &n, backend);
	int failed = _cmocka_run_group_tests(backend->name, tests, n, NULL, NULL);
	for (size_t i = 0; i < n; i++) {
		free((void *)tests[i].name);
		free(tests[i].initial_state);
	}
	free(tests);
	return failed;
}
