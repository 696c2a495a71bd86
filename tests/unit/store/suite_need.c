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
    {"needs see uncommitted messages and survive a crash", needs_see_what_is_there},
    {NULL, NULL},
};
