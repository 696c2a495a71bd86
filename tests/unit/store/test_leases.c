/* prinex: tests of leases in memory, against a plain array
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/leases.h"

#define DELIVERIES 400u
#define STEPS      60000u

static void compare(struct px_leases *leases, const uint64_t *model)
{
	for (uint64_t d = 1; d <= DELIVERIES; d++)
		assert_int_equal(px_lease_of(leases, d), model[d]);
}

/* Take and drop at random; every now and then undo a transaction. */
static void test_random(void **state)
{
	struct px_leases *leases = px_leases_new();
	uint64_t model[DELIVERIES + 1] = {0}, before[DELIVERIES + 1] = {0}, last = 0;
	uint32_t random = 12345;
	(void)state;
	px_leases_begin(leases);
	for (unsigned i = 0; i < STEPS; i++) {
		random = random * 1103515245u + 12345u;
		uint64_t d = (random >> 8) % DELIVERIES + 1;
		unsigned dice = random >> 28;
		if (dice < 8) {
			model[d] = px_lease_take(leases, d);
			assert_true(model[d] > last); /* a counter never comes again, undone or not */
			last = model[d];
		} else {
			px_lease_drop(leases, d);
			model[d] = 0;
		}
		assert_int_equal(px_lease_of(leases, d), model[d]);
		if (i % 97 == 0) {
			if (i % 2 == 0) {
				px_leases_undo(leases);
				memcpy(model, before, sizeof(model));
			}
			compare(leases, model);
			px_leases_begin(leases);
			memcpy(before, model, sizeof(before));
		}
	}
	px_leases_free(&leases);
	assert_null(leases);
}

/* What cannot be settled is nobody's, and not free for a while. */
static void test_rest(void **state)
{
	struct px_leases *leases = px_leases_new();
	(void)state;
	px_leases_begin(leases);
	assert_true(px_lease_is_free(leases, 7, 0));
	px_lease_rest(leases, 7, 100); /* not leased: nothing to end */
	assert_true(px_lease_is_free(leases, 7, 0));
	uint64_t first = px_lease_take(leases, 7);
	assert_false(px_lease_is_free(leases, 7, 1000));
	px_lease_rest(leases, 7, 100);
	assert_int_equal(px_lease_of(leases, 7), 0);
	assert_false(px_lease_is_free(leases, 7, 99));
	assert_true(px_lease_is_free(leases, 7, 100));
	uint64_t second = px_lease_take(leases, 7);
	assert_true(second > first);
	assert_false(px_lease_is_free(leases, 7, 100));
	px_lease_drop(leases, 7);
	assert_true(px_lease_is_free(leases, 7, 0));
	px_leases_free(&leases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_rest)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
