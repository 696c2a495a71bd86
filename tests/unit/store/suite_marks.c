/* prinex: store suite: marks and receipts
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"

#include "base/strings.h"
#include "store/marks.h"

struct got_mark {
	bool done;
	int rc;
	struct px_buf text; /* of lists: "NAME=NUMBER/TEXT/ACTOR " each */
	struct px_receipt receipt;
};

static void written(void *arg, int rc)
{
	struct got_mark *got = arg;
	got->done = true;
	got->rc = rc;
}

static int mark(struct suite *t, const char *name, uint64_t number, const char *text)
{
	struct px_mark m = {.number = number};
	struct got_mark got = {.done = false};
	px_strlcpy(m.name, name, sizeof(m.name));
	px_strlcpy(m.text, text, sizeof(m.text));
	px_strlcpy(m.actor, "anna", sizeof(m.actor));
	px_store_mark(t->st, &m, written, &got);
	suite_wait(t, &got.done);
	return got.rc;
}

static int unmark(struct suite *t, const char *name)
{
	struct got_mark got = {.done = false};
	px_store_unmark(t->st, name, written, &got);
	suite_wait(t, &got.done);
	return got.rc;
}

static void listed(void *arg, int rc, unsigned n, const struct px_mark *marks)
{
	struct got_mark *got = arg;
	got->done = true;
	got->rc = rc;
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(marks[i].at, SUITE_START);
		px_buf_addf(&got->text, "%s=%d/%s/%s ", marks[i].name, (int)marks[i].number, marks[i].text,
			    marks[i].actor);
	}
}

static const char *marks(struct suite *t)
{
	struct got_mark got = {.text = PX_BUF_INIT};
	px_store_marks(t->st, listed, &got);
	suite_wait(t, &got.done);
	assert_int_equal(got.rc, PX_OK);
	const char *text = suite_text(t, px_buf_str(&got.text));
	px_buf_free(&got.text);
	return text;
}

static void marks_are_kept(struct suite *t)
{
	assert_string_equal(marks(t), "");
	assert_int_equal(mark(t, "pause/ua", 7, "works on the line"), PX_OK);
	assert_int_equal(mark(t, "alarm/ua", 0, ""), PX_OK);
	suite_crash(t);
	assert_string_equal(marks(t), "alarm/ua=0//anna pause/ua=7/works on the line/anna ");
	assert_int_equal(mark(t, "pause/ua", 8, "still"), PX_OK);
	assert_string_equal(marks(t), "alarm/ua=0//anna pause/ua=8/still/anna ");
	assert_int_equal(unmark(t, "alarm/ua"), PX_OK);
	assert_int_equal(unmark(t, "alarm/ua"), PX_ENOTFOUND);
	suite_reopen(t);
	assert_string_equal(marks(t), "pause/ua=8/still/anna ");
}

/* A settlement's mark and its entry about the outcome are there if and only if it is. */
static void marks_come_with_a_settlement(struct suite *t)
{
	uint64_t id = ACCEPT(t, .id = "M1", .to = "UA").ids[0];
	struct px_mark alarm = {.name = "alarm/ua", .text = "it ended"};
	assert_int_equal(SETTLE(t, .delivery = id, .token = {1, 77}, .state = PX_D_REFUSED, .mark = &alarm,
				.outcome = true),
			 PX_ESTALE);
	assert_string_equal(marks(t), "");
	assert_int_equal(
	    SETTLE(t, .delivery = id, .state = PX_D_REFUSED, .error = "no", .mark = &alarm, .outcome = true),
	    PX_OK);
	struct px_journal_read last = suite_last_entry(t);
	assert_int_equal(last.entry.kind, PX_J_OUTCOME);
	assert_int_equal(last.entry.delivery, id);
	assert_string_equal(last.entry.code, "refused");
	assert_string_equal(last.entry.detail, "no");
	suite_crash(t);
	assert_string_equal(marks(t), "alarm/ua=0/it ended/ ");
	assert_int_equal(SETTLE(t, .delivery = id, .state = PX_D_DELIVERED, .mark = &alarm, .outcome = true),
			 PX_EPRECONDITION);
}

static void received(void *arg, int rc, const struct px_receipt *receipt)
{
	struct got_mark *got = arg;
	got->done = true;
	got->rc = rc;
	if (receipt != NULL)
		got->receipt = *receipt;
}

static void receipts_tell_whom_it_concerns(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	struct got_message m = suite_message(t, a.seq);
	struct got_mark got = {.done = false};
	px_store_receipt(t->st, a.seq, received, &got);
	suite_wait(t, &got.done);
	assert_int_equal(got.rc, PX_OK);
	assert_string_equal(got.receipt.sender, m.m.header.sender);
	assert_string_equal(got.receipt.message_id, "M1");
	assert_string_equal(got.receipt.partner, m.m.partner);
	assert_memory_equal(got.receipt.digest, m.m.digest, PX_DIGEST_LEN);
	assert_false(got.receipt.confirmations);
	got.done = false;
	px_store_receipt(t->st, a.seq + 1, received, &got);
	suite_wait(t, &got.done);
	assert_int_equal(got.rc, PX_ENOTFOUND);
}

static void nothing_to_release(struct suite *t)
{
	struct got_mark got = {.done = false};
	px_store_release(t->st, "messages", 1, written, &got);
	suite_wait(t, &got.done);
	assert_int_equal(got.rc, PX_ENOTFOUND);
}

const struct suite_case suite_mark_cases[] = {
    {"marks are kept until they are taken away", marks_are_kept},
    {"marks come with a settlement", marks_come_with_a_settlement},
    {"receipts tell whom a message concerns", receipts_tell_whom_it_concerns},
    {"what is not in quarantine is not released", nothing_to_release},
    {NULL, NULL},
};
