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
    {.name = (char *)"Letter", .stand = PX_STAND_BEGINS},
    {.name = (char *)"Registration", .stand = PX_STAND_ANY},
    {.name = (char *)"Close", .stand = PX_STAND_CLOSES},
};
static const struct px_catalogue cat = {.n_types = PX_ARRAY_LEN(types), .types = types};

static struct px_delivery to_ua[1], to_nobody[1];
#define NOW  1800000000000
#define MANY (3 * PX_JOURNEY_DECLARATIONS)
static struct px_key keys[MANY][3];
static struct px_message messages[MANY];
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

static struct px_journey j;

/* In pages of @page, as the store gives them. */
static enum px_journey_state read_as_ua(unsigned page)
{
	px_journey_free(&j);
	px_journey_begin(&j, &cat, "UA");
	for (unsigned i = 0; i < n; i += page)
		px_journey_add(&j, PX_MIN(page, n - i), &messages[i]);
	return px_journey_state(&j, NOW);
}

static int end(void **state)
{
	(void)state;
	px_journey_free(&j);
	return 0;
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
	assert_int_equal(read_as_ua(8), PX_JOURNEY_EXPECTED);
	assert_int_equal(j.n, 2);
	assert_true(j.versions[0].is.withdrawn && !j.versions[1].is.withdrawn);
}

static void test_withdrawn_by_its_sender_only(void **state)
{
	(void)state;
	add("BY", "Notice", PX_KEY_LRN, "L1");
	add("MD", "Withdrawal", PX_KEY_LRN, "L1")->keys.ends_movement = true;
	assert_int_equal(read_as_ua(8), PX_JOURNEY_EXPECTED);
	assert_false(j.versions[0].is.withdrawn);
	add("BY", "Withdrawal", PX_KEY_LRN, "L1")->keys.ends_movement = true;
	assert_int_equal(read_as_ua(8), PX_JOURNEY_CANCELLED);
	assert_true(j.versions[0].is.withdrawn);
	/* declared again, it stands */
	add("BY", "Notice", PX_KEY_LRN, "L1");
	assert_int_equal(read_as_ua(8), PX_JOURNEY_EXPECTED);
	assert_int_equal(j.n, 2);
	assert_true(px_journey_stands(&j, n));
	assert_false(px_journey_stands(&j, 1));
}

static void test_what_was_not_sent_is_not_known(void **state)
{
	(void)state;
	add("BY", "Notice", PX_KEY_LRN, "L1")->deliveries = to_nobody;
	assert_false(px_journey_is_sent_to(&messages[0], "UA"));
	read_as_ua(8);
	assert_false(j.known);
}

static void test_a_report_closes(void **state)
{
	(void)state;
	add("BY", "Notice", PX_KEY_LRN, "L1");
	add("UA", "Report", PX_KEY_MRN, "M1")->keys.ends_movement = true;
	assert_int_equal(read_as_ua(8), PX_JOURNEY_CLOSED);
}

/* Tells of goods with plate and MRN, and announces nothing. */
static void test_a_registration_is_no_declaration(void **state)
{
	(void)state;
	add("BY", "Registration", PX_KEY_VEHICLE, "AE47125");
	assert_int_equal(read_as_ua(8), PX_JOURNEY_UNANNOUNCED);
	add("BY", "Notice", PX_KEY_LRN, "L1");
	add("BY", "Registration", PX_KEY_LRN, "L1");
	add("BY", "Withdrawal", PX_KEY_LRN, "L1")->keys.ends_movement = true;
	assert_int_equal(read_as_ua(8), PX_JOURNEY_CANCELLED);
	assert_int_equal(j.n, 1);
}

/* One reference, two kinds of declaration. */
static void test_all_that_fits_is_withdrawn(void **state)
{
	(void)state;
	add("BY", "Notice", PX_KEY_LRN, "L1");
	add("BY", "Letter", PX_KEY_LRN, "L1");
	assert_int_equal(read_as_ua(8), PX_JOURNEY_EXPECTED);
	assert_int_equal(j.n, 2);
	add("BY", "Withdrawal", PX_KEY_LRN, "L1")->keys.ends_movement = true;
	assert_int_equal(read_as_ua(8), PX_JOURNEY_CANCELLED);
	assert_true(j.versions[0].is.withdrawn && j.versions[1].is.withdrawn);
}

static void add_change(const char *amends)
{
	struct px_message *m = add("BY", "Withdrawal", PX_KEY_LRN, "L1"); /* it ends nothing: it amends */
	m->keys.n = 3;
	keys[n - 1][1].kind = PX_KEY_VEHICLE;
	px_strlcpy(keys[n - 1][1].value, "AE1", sizeof(keys[0][0].value));
	keys[n - 1][2].kind = PX_KEY_AMENDS;
	px_strlcpy(keys[n - 1][2].value, amends, sizeof(keys[0][0].value));
}

static void test_an_amendment_names_what_it_amends(void **state)
{
	(void)state;
	add("BY", "Notice", PX_KEY_LRN, "L1");
	add("BY", "Letter", PX_KEY_LRN, "L1");
	add("BY", "Registration", PX_KEY_LRN, "L1");
	add_change("Notice");
	read_as_ua(8);
	assert_int_equal(j.n, 2);
	assert_int_equal(j.versions[0].version, 2);
	assert_int_equal(j.versions[0].message, 4);
	assert_int_equal(j.versions[1].version, 1);
	assert_string_equal(j.versions[0].is.type, "Notice");
	/* The first may have gone to others: then it is what this authority knows. */
	n = 0;
	add_change("Letter");
	assert_int_equal(read_as_ua(8), PX_JOURNEY_EXPECTED);
	assert_string_equal(j.versions[0].is.type, "Letter");
}

static void test_who_may_close(void **state)
{
	(void)state;
	add("BY", "Notice", PX_KEY_MRN, "M1");
	add("MD", "Report", PX_KEY_MRN, "M1")->keys.ends_movement = true; /* nobody declared it to MD */
	add("BY", "Registration", PX_KEY_MRN, "M1")->keys.ends_movement = true;
	add("MD", "Close", PX_KEY_MRN, "M1")->keys.ends_movement = true;
	assert_int_equal(read_as_ua(8), PX_JOURNEY_EXPECTED);
	add("BY", "Close", PX_KEY_MRN, "M1")->keys.ends_movement = true;
	assert_int_equal(read_as_ua(8), PX_JOURNEY_CLOSED);
	/* RO's node delivered it there; here its Recipients, or an office of RO, tell that it was meant for
	 * it. */
	for (unsigned i = 0; i < 2; i++) {
		n = 0;
		struct px_message *m =
		    add("BY", "Notice", PX_KEY_OFFICE_DESTINATION, i == 0 ? "UA1" : "ROIS8230");
		px_strlcpy(m->header.recipients[0], i == 0 ? "RO" : "", sizeof(m->header.recipients[0]));
		m->header.n_recipients = i == 0;
		add("RO", "Report", PX_KEY_MRN, "M1")->keys.ends_movement = true;
		assert_int_equal(read_as_ua(8), PX_JOURNEY_CLOSED);
	}
}

static void test_given_up_before_it_was_sent(void **state)
{
	(void)state;
	static const enum px_delivery_state given_up[] = {PX_D_CANCELLED, PX_D_EXPIRED};
	struct px_delivery d[1] = {to_ua[0]};
	for (size_t i = 0; i < PX_ARRAY_LEN(given_up); i++) {
		n = 0;
		d[0].state = given_up[i];
		d[0].body_sent = false;
		add("BY", "Notice", PX_KEY_LRN, "L1")->deliveries = d;
		read_as_ua(8);
		assert_true(!j.known && j.n == 0);
		d[0].body_sent = true; /* UA may have it */
		read_as_ua(8);
		assert_true(j.known && j.n == 1);
	}
}

/* What decides may stand behind any number of messages and declarations. */
static void test_however_long(void **state)
{
	(void)state;
	char lrn[16];
	for (unsigned i = 0; i < PX_JOURNEY_DECLARATIONS + 5; i++) {
		snprintf(lrn, sizeof(lrn), "L%u", i);
		add("BY", "Notice", PX_KEY_LRN, lrn);
	}
	assert_int_equal(read_as_ua(PX_JOURNEY_PAGE), PX_JOURNEY_EXPECTED);
	assert_int_equal(j.n, PX_JOURNEY_DECLARATIONS);
	assert_int_equal(j.beyond, 5);
	assert_string_equal(j.versions[700].is.lrn, "L700");
	assert_true(px_journey_stands(&j, PX_JOURNEY_DECLARATIONS + 3)); /* never silently not */
	for (unsigned i = 0; i < PX_JOURNEY_DECLARATIONS; i++) {
		snprintf(lrn, sizeof(lrn), "L%u", i);
		add("BY", "Withdrawal", PX_KEY_LRN, lrn)->keys.ends_movement = true;
	}
	assert_int_equal(read_as_ua(PX_JOURNEY_PAGE), PX_JOURNEY_EXPECTED); /* five stand */
	add("UA", "Report", PX_KEY_ARRIVED, "UA205020");
	assert_int_equal(read_as_ua(PX_JOURNEY_PAGE), PX_JOURNEY_ARRIVED);
	add("UA", "Report", PX_KEY_MRN, "M1")->keys.ends_movement = true;
	assert_int_equal(read_as_ua(PX_JOURNEY_PAGE), PX_JOURNEY_CLOSED);
}

/* One that is late may be any of them, also beyond those told apart. */
static void test_any_may_be_late(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PX_JOURNEY_DECLARATIONS + 1; i++) {
		char lrn[16];
		snprintf(lrn, sizeof(lrn), "L%u", i);
		struct px_message *m = add("BY", "Notice", PX_KEY_LRN, lrn);
		if (i < PX_JOURNEY_DECLARATIONS)
			continue;
		m->keys.n = 3;
		keys[i][1].kind = PX_KEY_EXPECTED_ARRIVAL;
		px_strlcpy(keys[i][1].value, "2026-11-22T17:00:00Z", sizeof(keys[i][1].value));
		keys[i][2].kind = PX_KEY_ARRIVAL_OFFICE;
		px_strlcpy(keys[i][2].value, "UA205020", sizeof(keys[i][2].value));
	}
	assert_int_equal(read_as_ua(PX_JOURNEY_PAGE), PX_JOURNEY_LATE);
}

/* More offices than a declaration can name need not be told apart, and are not. */
static void test_many_offices(void **state)
{
	(void)state;
	add("BY", "Notice", PX_KEY_LRN, "L1");
	for (unsigned i = 0; i < 2 * PX_EXPECTED_MAX; i++) {
		char office[16];
		snprintf(office, sizeof(office), "UA%06u", i);
		add("UA", "Report", PX_KEY_ARRIVED, office);
		add("UA", "Report", PX_KEY_ARRIVED, office);
	}
	assert_int_equal(read_as_ua(7), PX_JOURNEY_ARRIVED);
	assert_int_equal(j.n_offices, PX_EXPECTED_MAX + 1);
	assert_true(px_journey_has_arrived(&j, "UA000003"));
	assert_false(px_journey_has_arrived(&j, "UA999999"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_each_declaration_is_withdrawn_alone, begin, end),
	    cmocka_unit_test_setup_teardown(test_withdrawn_by_its_sender_only, begin, end),
	    cmocka_unit_test_setup_teardown(test_what_was_not_sent_is_not_known, begin, end),
	    cmocka_unit_test_setup_teardown(test_a_report_closes, begin, end),
	    cmocka_unit_test_setup_teardown(test_a_registration_is_no_declaration, begin, end),
	    cmocka_unit_test_setup_teardown(test_all_that_fits_is_withdrawn, begin, end),
	    cmocka_unit_test_setup_teardown(test_an_amendment_names_what_it_amends, begin, end),
	    cmocka_unit_test_setup_teardown(test_who_may_close, begin, end),
	    cmocka_unit_test_setup_teardown(test_given_up_before_it_was_sent, begin, end),
	    cmocka_unit_test_setup_teardown(test_however_long, begin, end),
	    cmocka_unit_test_setup_teardown(test_any_may_be_late, begin, end),
	    cmocka_unit_test_setup_teardown(test_many_offices, begin, end),
	};
	return cmocka_run_group_tests_name("flow/journey", tests, NULL, NULL);
}
