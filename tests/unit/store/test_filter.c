/* prinex: tests of the filter of digests, alone and in a store
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/filter.h"

static void digest_of(uint32_t n, uint8_t digest[PX_DIGEST_LEN])
{
	px_sha256(&n, sizeof(n), digest);
}

/* What was added is always found; of what was not, hardly anything. */
static void test_finds(void **state)
{
	enum { N = 40000 };
	struct px_filter *f = px_filter_new(N / 2);
	uint8_t digest[PX_DIGEST_LEN];
	unsigned wrong = 0;
	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		digest_of(i, digest);
		px_filter_add(f, digest);
	}
	assert_false(px_filter_is_full(f));
	for (uint32_t i = 0; i < N; i++) {
		digest_of(i, digest);
		assert_true(px_filter_may_have(f, digest));
		digest_of(N + i, digest);
		wrong += px_filter_may_have(f, digest) ? 1 : 0;
	}
	assert_in_range(wrong, 0, N / 100);
	digest_of(2 * N, digest);
	px_filter_add(f, digest);
	assert_true(px_filter_is_full(f));
	px_filter_free(&f);
	assert_null(f);
}

static void test_empty(void **state)
{
	struct px_filter *f = px_filter_new(0);
	uint8_t digest[PX_DIGEST_LEN];
	(void)state;
	digest_of(1, digest);
	assert_false(px_filter_may_have(f, digest));
	px_filter_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_finds), cmocka_unit_test(test_empty)};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
