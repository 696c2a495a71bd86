/* prinex: tests of base: metrics as Prometheus reads them
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/metrics.h"

static char *render(const struct px_metrics *m)
{
	struct px_buf b = {0};
	px_metrics_render(m, &b);
	return (char *)px_buf_detach(&b, NULL);
}

static void has(const struct px_metrics *m, const char *lines)
{
	char *text = render(m);
	if (strstr(text, lines) == NULL)
		print_error("%s\n--- not in\n%s", lines, text);
	assert_non_null(strstr(text, lines));
	free(text);
}

static void test_counters(void **state)
{
	(void)state;
	struct px_metrics *m = px_metrics_new();
	px_metric_add(m, PX_M_ACCEPTED, 1, "by", "CD001C", NULL);
	px_metric_add(m, PX_M_ACCEPTED, 2, "by", "CD001C", NULL);
	px_metric_add(m, PX_M_ACCEPTED, 5, "by", "CD050C", NULL);
	assert_true(px_metric_get(m, PX_M_ACCEPTED, "by", "CD001C", NULL) == 3);
	assert_true(px_metric_get(m, PX_M_ACCEPTED, "ua", "CD001C", NULL) == 0);
	has(m, "# TYPE prinex_accepted_total counter\n");
	has(m, "prinex_accepted_total{partner=\"by\",type=\"CD001C\"} 3\n");
	has(m, "prinex_accepted_total{partner=\"by\",type=\"CD050C\"} 5\n");
	px_metrics_free(&m);
	assert_null(m);
}

static void test_gauges(void **state)
{
	(void)state;
	struct px_metrics *m = px_metrics_new();
	px_metric_set(m, PX_M_CONNECTIONS, 7, NULL, NULL, NULL);
	px_metric_set(m, PX_M_CONNECTIONS, 4, NULL, NULL, NULL);
	px_metric_set(m, PX_M_STORE_BYTES, 123456789012345, NULL, NULL, NULL);
	px_metric_set(m, PX_M_BACKLOG, 9, "gone", NULL, NULL);
	has(m, "\nprinex_connections 4\n");
	has(m, "\nprinex_store_bytes 123456789012345\n"); /* not 1.2e14: sizes are compared to the octet */
	has(m, "\nprinex_backlog{partner=\"gone\"} 9\n");
	px_metric_clear(m, PX_M_BACKLOG);
	char *text = render(m);
	assert_null(strstr(text, "gone"));
	free(text);
	px_metrics_free(&m);
}

/* A name that somebody else chose can't add a line or a label. */
static void test_escapes(void **state)
{
	(void)state;
	struct px_metrics *m = px_metrics_new();
	px_metric_add(m, PX_M_DUPLICATES, 1, "a\"b\\c\nd", NULL, NULL);
	has(m, "prinex_duplicates_total{partner=\"a\\\"b\\\\c\\nd\"} 1\n");
	px_metrics_free(&m);
}

static void test_histograms(void **state)
{
	(void)state;
	struct px_metrics *m = px_metrics_new();
	px_metric_observe(m, PX_M_COMMIT_SECONDS, 0.0005, NULL, NULL, NULL);
	px_metric_observe(m, PX_M_COMMIT_SECONDS, 0.03, NULL, NULL, NULL);
	px_metric_observe(m, PX_M_COMMIT_SECONDS, 1000, NULL, NULL, NULL);
	assert_true(px_metric_get(m, PX_M_COMMIT_SECONDS, NULL, NULL, NULL) == 3);
	has(m, "# TYPE prinex_commit_seconds histogram\nprinex_commit_seconds_bucket{le=\"0.0005\"} 1\n"
	       "prinex_commit_seconds_bucket{le=\"0.001\"} 1\n");
	has(m, "prinex_commit_seconds_bucket{le=\"0.02\"} 1\nprinex_commit_seconds_bucket{le=\"0.05\"} 2\n");
	has(m, "prinex_commit_seconds_bucket{le=\"300\"} 2\nprinex_commit_seconds_bucket{le=\"+Inf\"} 3\n"
	       "prinex_commit_seconds_sum 1000.0305\nprinex_commit_seconds_count 3\n");
	px_metrics_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_counters),
	    cmocka_unit_test(test_gauges),
	    cmocka_unit_test(test_escapes),
	    cmocka_unit_test(test_histograms),
	};
	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
