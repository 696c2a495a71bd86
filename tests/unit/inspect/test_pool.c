/* prinex: the pool of inspectors: work, order, replacement, retirement
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "inspect/pool_parts.h"
#include "pool_fixture.h"

static void many_documents_get_their_own_verdict(void **state PX_UNUSED)
{
	enum { N = 300 };
	struct fixture f;
	static struct outcome o[N];
	char text[32];
	fixture_open(&f);
	fixture_start(&f, "good");
	assert_int_equal(f.ready_rc, PX_OK);
	for (unsigned i = 0; i < N; i++) {
		snprintf(text, sizeof(text), "ok T%u", i);
		fixture_submit(&f, text, i % 50 == 0 ? 300000 : i, &o[i]);
	}
	assert_int_equal(px_pool_load(f.pool), N);
	fixture_until(&f, f.done == N, 20000);
	assert_int_equal(px_pool_load(f.pool), 0);
	for (unsigned i = 0; i < N; i++) {
		snprintf(text, sizeof(text), "T%u", i);
		assert_int_equal(o[i].rc, PX_OK);
		assert_string_equal(o[i].verdict->header.type, text);
		outcome_free(&o[i]);
	}
	assert_int_equal(f.ready, 1);
	assert_int_equal(px_metric_get(f.metrics, PX_M_INSPECT_SECONDS, NULL, NULL, NULL), N);
	assert_true(px_metric_get(f.metrics, PX_M_INSPECT_CPU, NULL, NULL, NULL) > 0);
	fixture_close(&f);
}

int main(int argc, char **argv)
{
	if (orders_wanted(argc, argv))
		return orders_main(argc, argv);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(many_documents_get_their_own_verdict),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
