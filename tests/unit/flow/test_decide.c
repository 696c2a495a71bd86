/* prinex: tests of flow/decide: signature profiles and their days
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/strings.h"
#include "flow/decide.h"

static char note[] = "Note", customs[] = "customs", by[] = "BY";
static struct px_cat_type types[] = {{.name = note, .origin = PX_ORIGIN_ANY}};
static const struct px_catalogue cat = {.n_types = 1, .types = types};
static char spring[] = "1 from 2026-03-01 until 2026-06-30";
static char *rules[] = {spring};
static const struct px_conf conf = {
    .limits = {.horizon = 400 * INT64_C(86400000), .future = 300000, .movement_life = 1}};

static int64_t at(const char *time)
{
	int64_t ms;
	assert_int_equal(px_time_parse(time, &ms), PX_OK);
	return ms;
}

/* What is decided about a message created and arriving then; the first code, or PX_CODE_COUNT. */
static enum px_code decide(enum px_role role, unsigned profile, const char *created, const char *now)
{
	struct px_conf_partner partner = {
	    .name = customs, .authority = by, .role = role, .signature_profiles = {1, rules}};
	struct px_verdict v = {.stage = PX_STAGE_OK, .has_header = true, .profile = profile};
	struct px_findings errors = {0};
	px_strlcpy(v.header.sender, "BY", sizeof(v.header.sender));
	px_strlcpy(v.header.type, "Note", sizeof(v.header.type));
	v.header.created_at = at(created);
	int status = px_decide(&conf, &cat, &partner, &v, at(now), &errors);
	enum px_code code = errors.n > 0 ? errors.items[0].code : PX_CODE_COUNT;
	assert_int_equal(status, errors.n > 0 ? 422 : 0);
	px_findings_free(&errors);
	return code;
}

static void test_of_a_system_the_day_of_arrival_counts(void **state)
{
	(void)state;
	assert_int_equal(decide(PX_ROLE_SYSTEM, 1, "2026-02-28T23:59:00Z", "2026-02-28T23:59:59Z"),
			 PX_CODE_SIG_PROFILE);
	assert_int_equal(decide(PX_ROLE_SYSTEM, 1, "2026-02-28T23:59:00Z", "2026-03-01T00:00:00Z"),
			 PX_CODE_COUNT);
	assert_int_equal(decide(PX_ROLE_SYSTEM, 1, "2026-06-30T23:59:00Z", "2026-06-30T23:59:59Z"),
			 PX_CODE_COUNT);
	assert_int_equal(decide(PX_ROLE_SYSTEM, 1, "2026-06-30T23:59:00Z", "2026-07-01T00:00:00Z"),
			 PX_CODE_SIG_PROFILE);
}

/* A backlog that waited at the first broker must not die with the profile. */
static void test_of_a_node_the_day_of_creation_counts(void **state)
{
	(void)state;
	assert_int_equal(decide(PX_ROLE_NODE, 1, "2026-06-30T23:59:00Z", "2026-07-05T00:00:00Z"),
			 PX_CODE_COUNT);
	assert_int_equal(decide(PX_ROLE_NODE, 1, "2026-07-01T00:00:00Z", "2026-07-05T00:00:00Z"),
			 PX_CODE_SIG_PROFILE);
}

static void test_another_profile_is_refused(void **state)
{
	(void)state;
	assert_int_equal(decide(PX_ROLE_SYSTEM, 2, "2026-04-01T00:00:00Z", "2026-04-01T00:00:00Z"),
			 PX_CODE_SIG_PROFILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_of_a_system_the_day_of_arrival_counts),
	    cmocka_unit_test(test_of_a_node_the_day_of_creation_counts),
	    cmocka_unit_test(test_another_profile_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
