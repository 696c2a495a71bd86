/* prinex: what an authority knows of a movement: versions, who may withdraw them, what was sent to it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/strings.h"
#include "flow/journey.h"

static struct px_cat_type types[] = {
    {.name = (char *)"Notice", .stand = PX_STAND_BEGINS},
    {.name = (char *)"Withdrawal", .stand = PX_STAND_AMENDS},
    {.name = (char *)"Report", .stand = PX_STAND_ANSWERS},
};
static const struct px_catalogue cat = {.n_types = PX_ARRAY_LEN(types), .types = types};

static struct px_delivery to_ua[1], to_nobody[1];
static struct px_key keys[8][2];
static struct px_message messages[8];
static unsigned n;

static struct px_message *add(const char *sender, const char *type, enum px_key_kind kind, const char *value)
{
	struct px_message *m = &messages[n];
	*m = (struct px_message){.seq = n + 1, .n_deliveries = 1, .deliveries = to_ua};
	px_strlcpy(m->header.sender, sender, sizeof(m->header.sender));
	px_strlcpy(m->header.type, type, sizeof(m->header.type));
	px_strlcpy(m->partner, "node", sizeof(m->partner));
	m->keys.items = keys[n];
	m->keys.n = 1;
	keys[n][0].kind = kind;
	px_strlcpy(keys[n][0].value, value, sizeof(keys[n][0].value));
	n++;
	return m;
}

static struct px_journey read_as_ua(void)
{
	struct px_journey j;
	px_journey_read(&cat, "UA", n, messages, 1000, &j);
	return j;
}

static int begin(void **state)
{
	(void)state;
	n = 0;
	px_strlcpy(to_ua[0].recipient, "UA", sizeof(to_ua[0].recipient));
	px_strlcpy(to_ua[0].partner, "system-ua", sizeof(to_ua[0].partner));
	px_strlcpy(to_nobody[0].recipient, "UA", sizeof(to_nobody[0].recipient));
	return 0;
}

static void test_each_declaration_is_withdrawn_alone(void **state)
{
	(void)state;
	add("BY", "Notice", PX_KEY_LRN, "L1");
	add("BY", "Notice", PX_KEY_LRN, "L2");
	add("BY", "Withdrawal", PX_KEY_LRN, "L1")->keys.ends_movement = true;
	struct px_journey j = read_as_ua();
	assert_int_equal(j.n, 2);
	assert_int_equal(j.state, PX_JOURNEY_EXPECTED);
	assert_true(j.versions[0].cancelled && !j.versions[1].cancelled);
}

static void test_withdrawn_by_its_sender_only(void **state)
{
	(void)state;
	add("BY", "Notice", PX_KEY_LRN, "L1");
	add("MD", "Withdrawal", PX_KEY_LRN, "L1")->keys.ends_movement = true;
	struct px_journey j = read_as_ua();
	assert_int_equal(j.state, PX_JOURNEY_EXPECTED);
	assert_false(j.versions[0].cancelled);
	add("BY", "Withdrawal", PX_KEY_LRN, "L1")->keys.ends_movement = true;
	j = read_as_ua();
	assert_int_equal(j.state, PX_JOURNEY_CANCELLED);
	assert_true(j.versions[0].cancelled);
}

static void test_what_was_not_sent_is_not_known(void **state)
{
	(void)state;
	add("BY", "Notice", PX_KEY_LRN, "L1")->deliveries = to_nobody;
	assert_false(px_journey_is_sent_to(&messages[0], "UA"));
	assert_false(read_as_ua().known);
}

static void test_a_report_closes(void **state)
{
	(void)state;
	add("BY", "Notice", PX_KEY_LRN, "L1");
	add("UA", "Report", PX_KEY_MRN, "M1")->keys.ends_movement = true;
	assert_int_equal(read_as_ua().state, PX_JOURNEY_CLOSED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_each_declaration_is_withdrawn_alone, begin),
	    cmocka_unit_test_setup(test_withdrawn_by_its_sender_only, begin),
	    cmocka_unit_test_setup(test_what_was_not_sent_is_not_known, begin),
	    cmocka_unit_test_setup(test_a_report_closes, begin),
	};
	return cmocka_run_group_tests_name("flow/journey", tests, NULL, NULL);
}
