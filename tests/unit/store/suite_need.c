/* prinex: store suite: what a message needs its movement to be
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"

#define NEW   .need = PX_NEED_NEW
#define OWN   .need = PX_NEED_OWN
#define PARTY .need = PX_NEED_PARTY

static void unmet(struct got_accept got)
{
	assert_int_equal(got.rc, PX_EPRECONDITION);
	assert_true(got.need_unmet);
}

static void an_lrn_is_used_once_while_live(struct suite *t)
{
	ACCEPT(t, .id = "M1", .lrn = "L1", .declarant = "D1", NEW);
	unmet(TRY(t, .id = "M2", .lrn = "L1", .declarant = "D1", NEW));
	assert_int_equal(suite_stats(t).s.messages, 1);
	/* Another type, another declarant, another authority's own reference, no reference at all. */
	ACCEPT(t, .id = "M3", .lrn = "L1", .declarant = "D1", .type = "PreArrivalNotice", NEW);
	unmet(TRY(t, .id = "M4", .lrn = "L1", .declarant = "D1", .type = "PreArrivalNotice", NEW));
	ACCEPT(t, .id = "M5", .lrn = "L1", .declarant = "D2", NEW);
	ACCEPT(t, .id = "M6", .lrn = "L1", .declarant = "D1", .sender = "UA", NEW);
	ACCEPT(t, .id = "M7", NEW);
	ACCEPT(t, .id = "M8", NEW);
	/* What does not ask is not refused. */
	ACCEPT(t, .id = "M9", .lrn = "L1", .declarant = "D1");
}

static void an_ended_movement_frees_its_lrn(struct suite *t)
{
	ACCEPT(t, .id = "M1", .lrn = "L1", .declarant = "D1", NEW);
	ACCEPT(t, .id = "M2", .lrn = "L1", .declarant = "D1", .type = "Cancellation", .ends = true, OWN);
	ACCEPT(t, .id = "M3", .lrn = "L1", .declarant = "D1", NEW);
	unmet(TRY(t, .id = "M4", .lrn = "L1", .declarant = "D1", NEW));
}

static void an_lrn_behind_an_mrn_is_seen(struct suite *t)
{
	ACCEPT(t, .id = "M1", .lrn = "L1", .declarant = "D1", NEW);
	ACCEPT(t, .id = "M2", .mrn = "MRN2", .declarant = "D1", .type = "Registration");
	/* It would link both movements. */
	unmet(TRY(t, .id = "M3", .lrn = "L1", .mrn = "MRN2", .declarant = "D1", NEW));
	assert_int_equal(suite_stats(t).s.movements, 2);
}

static void an_amendment_needs_its_senders_movement(struct suite *t)
{
	unmet(TRY(t, .id = "M1", .lrn = "L1", .declarant = "D1", .type = "Amendment", OWN));
	ACCEPT(t, .id = "M2", .lrn = "L1", .mrn = "MRN1", .declarant = "D1", .to = "UA");
	ACCEPT(t, .id = "M3", .lrn = "L1", .declarant = "D1", .type = "Amendment", OWN);
	/* Another authority may know the MRN, but has begun nothing. */
	unmet(TRY(t, .id = "M4", .mrn = "MRN1", .declarant = "D1", .type = "Amendment", .sender = "UA", OWN));
	/* Of another declarant: not joined, so not there. */
	unmet(TRY(t, .id = "M5", .mrn = "MRN1", .declarant = "D2", .type = "Amendment", OWN));
	ACCEPT(t, .id = "M6", .type = "Amendment", .correlation = "M2", .declarant = "D1", OWN);
}

static void an_answer_comes_from_whom_it_was_sent_to(struct suite *t)
{
	ACCEPT(t, .id = "M1", .lrn = "L1", .mrn = "MRN1", .declarant = "D1", .to = "UA MD@hub");
	ACCEPT(t, .id = "A1", .mrn = "MRN1", .type = "ArrivalNotice", .sender = "UA", .to = "BY", PARTY);
	ACCEPT(t, .id = "A2", .mrn = "MRN1", .type = "ArrivalNotice", .sender = "MD", .to = "BY", PARTY);
	unmet(TRY(t, .id = "A3", .mrn = "MRN1", .type = "ArrivalNotice", .sender = "PL", .to = "BY", PARTY));
	unmet(TRY(t, .id = "A4", .mrn = "MRN9", .type = "ArrivalNotice", .sender = "UA", .to = "BY", PARTY));
	ACCEPT(t, .id = "A5", .correlation = "M1", .type = "ArrivalNotice", .sender = "UA", .to = "BY",
	       PARTY);
}

/* One that reported an arrival has not begun the movement: neither may it change it, nor end it. */
static void who_only_answers_ends_nothing(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .mrn = "X", .declarant = "D", .to = "UA");
	suite_pass(t, "ua", "M1", PX_D_DELIVERED);
	ACCEPT(t, .id = "A1", .mrn = "X", .type = "ArrivalNotice", .sender = "UA", PARTY);
	unmet(TRY(t, .id = "C1", .mrn = "X", .declarant = "D", .type = "Cancellation", .sender = "UA",
		  .ends = true, OWN));
	/* Where its level is `warn` it is accepted, and ends nothing all the same. */
	ACCEPT(t, .id = "C2", .mrn = "X", .declarant = "D", .type = "Cancellation", .sender = "UA",
	       .ends = true);
	ACCEPT(t, .id = "W1", .mrn = "X", .type = "WriteOff", .sender = "UA", .ends = true);
	ACCEPT(t, .id = "G1", .mrn = "X", .type = "Registration", .ends = true);
	ACCEPT(t, .id = "R1", .mrn = "X", .type = "ControlResult", .sender = "PL", .ends = true);
	assert_int_equal(ACCEPT(t, .id = "E1", .mrn = "X", .type = "Amendment", OWN).movement, a.movement);
	assert_false(suite_find(t, "BY", "M1").m.ended);
	ACCEPT(t, .id = "C3", .mrn = "X", .type = "Cancellation", .ends = true, OWN);
	assert_true(suite_find(t, "BY", "M1").m.ended);
	unmet(TRY(t, .id = "E2", .mrn = "X", .type = "Amendment", OWN));
}

/* Nor by declaring something in it first. */
static void a_declaration_of_ones_own_ends_no_others(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .mrn = "X", .declarant = "D", .to = "UA");
	ACCEPT(t, .id = "U1", .mrn = "X", .declarant = "D", .sender = "UA", .to = "BY", NEW);
	ACCEPT(t, .id = "U2", .mrn = "X", .type = "Cancellation", .sender = "UA", .ends = true, OWN);
	ACCEPT(t, .id = "U3", .mrn = "X", .type = "PreArrivalNotice", .sender = "UA", .ends = true, NEW);
	ACCEPT(t, .id = "U4", .mrn = "X", .type = "WriteOff", .sender = "UA", .ends = true, OWN);
	assert_false(suite_find(t, "BY", "M1").m.ended);
	assert_int_equal(ACCEPT(t, .id = "E1", .mrn = "X", .type = "Amendment", OWN).movement, a.movement);
}

/* Nor by linking one of its own to it that has ended and still waits. */
static void an_end_is_not_linked_in(struct suite *t)
{
	ACCEPT(t, .id = "M1", .mrn = "X", .declarant = "D", .to = "UA");
	suite_pass(t, "ua", "M1", PX_D_DELIVERED);
	ACCEPT(t, .id = "U1", .lrn = "U", .declarant = "D", .sender = "UA", .to = "BY", NEW);
	ACCEPT(t, .id = "U2", .lrn = "U", .declarant = "D", .sender = "UA", .type = "Cancellation",
	       .ends = true, OWN);
	ACCEPT(t, .id = "U3", .lrn = "U", .mrn = "X", .declarant = "D", .sender = "UA",
	       .type = "ArrivalNotice", PARTY);
	suite_pass(t, "by", "U1", PX_D_DELIVERED);
	assert_false(suite_find(t, "BY", "M1").m.ended);
	ACCEPT(t, .id = "E1", .mrn = "X", .declarant = "D", .type = "Amendment", OWN);
}

/* A movement with two declarations goes on as long as one stands; what was withdrawn frees its LRN. */
static void each_declaration_is_withdrawn(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .lrn = "L1", .mrn = "X", .to = "UA", NEW);
	ACCEPT(t, .id = "M2", .lrn = "L2", .mrn = "X", .to = "MD", NEW);
	suite_pass(t, "ua", "M1", PX_D_DELIVERED);
	suite_pass(t, "md", "M2", PX_D_DELIVERED);
	ACCEPT(t, .id = "C1", .lrn = "L1", .type = "Cancellation", .ends = true, OWN);
	unmet(TRY(t, .id = "A1", .mrn = "X", .type = "ArrivalNotice", .sender = "UA", PARTY)); /* withdrawn */
	ACCEPT(t, .id = "A2", .mrn = "X", .type = "ArrivalNotice", .sender = "MD", PARTY);
	unmet(TRY(t, .id = "M3", .lrn = "L2", .mrn = "X", NEW));
	assert_int_equal(ACCEPT(t, .id = "M4", .lrn = "L1", NEW).movement, a.movement);
	/* one reference, two kinds of declaration: both are meant */
	ACCEPT(t, .id = "M5", .lrn = "L1", .type = "PreArrivalNotice", NEW);
	ACCEPT(t, .id = "C2", .lrn = "L1", .type = "Cancellation", .ends = true, OWN);
	assert_false(suite_find(t, "BY", "M1").m.ended);
	ACCEPT(t, .id = "C3", .lrn = "L2", .type = "Cancellation", .ends = true, OWN);
	assert_true(suite_find(t, "BY", "M1").m.ended);
}

/* Who was sent a declaration that stands may close, and so may who declared all of it. */
static void who_may_close(struct suite *t)
{
	ACCEPT(t, .id = "M1", .mrn = "X", .to = "UA");
	ACCEPT(t, .id = "R1", .mrn = "X", .type = "ControlResult", .sender = "UA", .ends = true, PARTY);
	assert_true(suite_find(t, "BY", "M1").m.ended);
	ACCEPT(t, .id = "M2", .mrn = "Y", .to = "UA");
	ACCEPT(t, .id = "W2", .mrn = "Y", .type = "WriteOff", .ends = true, OWN);
	assert_true(suite_find(t, "BY", "M2").m.ended);
	unmet(TRY(t, .id = "W3", .mrn = "Z", .type = "WriteOff", .ends = true, OWN));
}

/* Alarms, registrations and answers announce nothing; nor does what never was sent. */
static void only_declarations_announce(struct suite *t)
{
	ACCEPT(t, .id = "G1", .mrn = "X", .type = "Registration", .to = "UA");
	ACCEPT(t, .id = "G2", .mrn = "X", .type = "Alarm", .to = "UA");
	ACCEPT(t, .id = "G3", .mrn = "X", .type = "ArrivalNotice", .to = "UA");
	unmet(TRY(t, .id = "A1", .mrn = "X", .type = "ArrivalNotice", .sender = "UA", PARTY));
	unmet(TRY(t, .id = "C1", .mrn = "X", .type = "Cancellation", .ends = true, OWN));
	struct got_accept m = ACCEPT(t, .id = "M1", .mrn = "X", .to = "UA MD");
	assert_int_equal(SETTLE(t, .delivery = m.ids[0], .state = PX_D_CANCELLED), PX_OK);
	unmet(TRY(t, .id = "A2", .mrn = "X", .type = "ArrivalNotice", .sender = "UA", PARTY));
	ACCEPT(t, .id = "A3", .mrn = "X", .type = "ArrivalNotice", .sender = "MD", PARTY);
}

/* The message that is not committed yet counts, and what stays counts after a restart. */
static void needs_see_what_is_there(struct suite *t)
{
	struct got_accept *got = suite_room(t, 2, sizeof(*got));
	suite_submit_accept(t, &(struct note){.id = "M1", .lrn = "L1", .declarant = "D1", NEW}, &got[0]);
	suite_submit_accept(t, &(struct note){.id = "M2", .lrn = "L1", .declarant = "D1", NEW}, &got[1]);
	suite_wait(t, &got[1].done);
	assert_int_equal(got[0].rc, PX_OK);
	unmet(got[1]);
	suite_crash(t);
	unmet(TRY(t, .id = "M2", .lrn = "L1", .declarant = "D1", NEW));
	/* A duplicate is told first. */
	assert_int_equal(TRY(t, .id = "M1", .lrn = "L1", .declarant = "D1", NEW).rc, PX_EDUPLICATE);
}

const struct suite_case suite_need_cases[] = {
    {"an LRN is used once while its movement is live", an_lrn_is_used_once_while_live},
    {"an ended movement frees its LRN", an_ended_movement_frees_its_lrn},
    {"an LRN is seen behind an MRN, and nothing is linked", an_lrn_behind_an_mrn_is_seen},
    {"an amendment needs a live movement of its sender", an_amendment_needs_its_senders_movement},
    {"an answer comes from an authority that it was sent to", an_answer_comes_from_whom_it_was_sent_to},
    {"who only answers ends nothing", who_only_answers_ends_nothing},
    {"a declaration of one's own ends no others", a_declaration_of_ones_own_ends_no_others},
    {"an end is not linked in", an_end_is_not_linked_in},
    {"each declaration is withdrawn alone", each_declaration_is_withdrawn},
    {"who may close a movement", who_may_close},
    {"only declarations that were sent announce", only_declarations_announce},
    {"needs see uncommitted messages and survive a crash", needs_see_what_is_there},
    {NULL, NULL},
};
