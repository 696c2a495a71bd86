/* prinex: tests of base: alarms
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/alarm.h"

static unsigned raised, cleared;
static char last[128];

static void listen(void *arg, const struct px_alarm_state *s, bool up)
{
	assert_string_equal((const char *)arg, "arg");
	raised += up;
	cleared += !up;
	snprintf(last, sizeof(last), "%s/%s/%s", px_alarm_name(s->alarm), s->subject, s->detail);
}

static void test_raise_and_clear(void **state)
{
	(void)state;
	struct px_clock *clock = px_clock_sim_new(5000);
	struct px_alarms *a = px_alarms_new(clock);
	px_alarms_listen(a, listen, (void *)"arg");
	px_alarm_raise(a, PX_ALARM_PARTNER_DOWN, "kyiv", "%d failures", 3);
	assert_string_equal(last, "partner-down/kyiv/3 failures");
	px_clock_sim_advance(clock, 1000);
	px_alarm_raise(a, PX_ALARM_PARTNER_DOWN, "kyiv", "%d failures", 4); /* the same alarm, told once */
	px_alarm_raise(a, PX_ALARM_PARTNER_DOWN, "lviv", "refused");
	px_alarm_raise(a, PX_ALARM_DISK, "", "1 MB left");
	assert_int_equal(raised, 3);
	assert_int_equal(px_alarms_count(a), 3);
	struct px_alarm_state s = px_alarms_get(a, 0);
	assert_string_equal(s.subject, "kyiv");
	assert_string_equal(s.detail, "4 failures");
	assert_int_equal(s.since, 5000);

	px_alarm_clear(a, PX_ALARM_PARTNER_DOWN, "odesa");
	px_alarm_clear(a, PX_ALARM_DISK, "kyiv");
	assert_int_equal(cleared, 0);
	px_alarm_clear(a, PX_ALARM_PARTNER_DOWN, "kyiv");
	assert_int_equal(cleared, 1);
	assert_string_equal(last, "partner-down/kyiv/4 failures");
	assert_false(px_alarm_is_raised(a, PX_ALARM_PARTNER_DOWN, "kyiv"));
	assert_true(px_alarm_is_raised(a, PX_ALARM_PARTNER_DOWN, "lviv"));
	assert_true(px_alarm_is_raised(a, PX_ALARM_DISK, ""));
	px_alarms_free(&a);
	px_clock_sim_free(&clock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_raise_and_clear)};
	return cmocka_run_group_tests_name("alarm", tests, NULL, NULL);
}
