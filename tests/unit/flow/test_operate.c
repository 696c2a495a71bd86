/* prinex: what administrators do: pauses that hold, cancelled deliveries that had arrived
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "pairs.h"

#include "flow/operate.h"

static const char *const ua_alone[] = {"UA", NULL};

static void told(void *arg, int rc, const char *text)
{
	(void)text;
	*(int *)arg = rc;
}

/* The commit of a resume failed, or so it seemed: the next resume must not say that nothing is paused. */
static void test_resume_after_an_unknown_commit(void **state)
{
	(void)state;
	struct px_store_sim_faults faults = {.unknown_per_mille = 1000}; /* half of them happened */
	struct world *w = world_new(1);
	struct node *by = lone_node(w, ua_alone, "");
	int rc = 1;
	world_start(w);
	world_run(w, SECOND);
	px_flow_pause(by->flow, "system-ua", "anna", "", told, &rc);
	world_run(w, SECOND);
	assert_int_equal(rc, PX_OK);
	SEND(by, "system-by", .id = "M1", .recipients = "UA");
	px_store_sim_set_faults(by->store, &faults);
	for (int i = 0; i < 8; i++) {
		px_flow_resume(by->flow, "system-ua", told, &rc);
		world_run(w, 10);
	}
	px_store_sim_set_faults(by->store, NULL);
	px_flow_resume(by->flow, "system-ua", told, &rc);
	world_run(w, SECOND);
	assert_int_equal(rc, PX_OK);
	assert_string_equal(take(by, "system-ua", "UA"), "M1");
	px_flow_resume(by->flow, "system-ua", told, &rc);
	world_run(w, SECOND);
	assert_int_equal(rc, PX_EPRECONDITION);
	world_free(&w);
}

/* --- a lease that the store answers late
 * ---------------------------------------------------------------------- */

static struct {
	bool asked;
	char partner[PX_NAME_MAX + 1];
	unsigned max;
	px_lease_done *done;
	void *arg;
} kept;

static void keep_lease(struct px_store *st, const char *partner, unsigned max, int64_t now,
		       px_lease_done *done, void *arg)
{
	(void)st;
	(void)now;
	px_assert(!kept.asked);
	kept.asked = true;
	px_strlcpy(kept.partner, partner, sizeof(kept.partner));
	kept.max = max;
	kept.done = done;
	kept.arg = arg;
}

/* "paused: nothing is sent to it" is true from that moment on, also for what was being leased just then. */
static void pause_during_a_lease(struct node *n, const char *partner)
{
	struct px_store_ops *ops = world_patch(n);
	void (*lease)(struct px_store *, const char *, unsigned, int64_t, px_lease_done *, void *) =
	    ops->lease;
	int rc = 1;
	memset(&kept, 0, sizeof(kept));
	ops->lease = keep_lease;
	SEND(n, "system-by", .id = "M1", .recipients = "UA");
	assert_true(kept.asked);
	assert_string_equal(kept.partner, partner);
	px_flow_pause(n->flow, partner, "anna", "", told, &rc);
	world_run(n->world, SECOND);
	assert_int_equal(rc, PX_OK);
	ops->lease = lease;
	lease(n->store, partner, kept.max, px_clock_wall(world_clock(n->world)), kept.done, kept.arg);
	world_run(n->world, MINUTE);
}

static void resume(struct node *n, const char *partner)
{
	int rc = 1;
	px_flow_resume(n->flow, partner, told, &rc);
	world_run(n->world, SECOND);
	assert_int_equal(rc, PX_OK);
}

static void test_pause_overtakes_a_lease(void **state)
{
	(void)state;
	struct pair p = make_pair(2, "", "");
	world_run(p.w, SECOND);
	pause_during_a_lease(p.by, "node-ua");
	assert_int_equal(p.ua->posts, 0);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "queued");
	resume(p.by, "node-ua");
	assert_string_equal(take(p.ua, "system-ua", "UA"), "M1");
	world_free(&p.w);
}

static void test_pause_overtakes_a_poll(void **state)
{
	(void)state;
	struct world *w = world_new(3);
	struct node *by = lone_node(w, ua_alone, "");
	struct reply r;
	world_start(w);
	world_run(w, SECOND);
	world_fetch_begin(by, "system-ua", 5 * MINUTE, &r);
	world_run(w, SECOND);
	pause_during_a_lease(by, "system-ua");
	assert_false(r.done);
	resume(by, "system-ua");
	assert_true(r.done);
	assert_string_equal(field(&r.body, "MessageId"), "M1");
	reply_free(&r);
	world_free(&w);
}

/* --- what had arrived
 * ------------------------------------------------------------------------------------------ */

/* Fetched, the lease ran out, cancelled: its sender is told so, and when the recipient says that it has it,
 * that too. */
static void test_cancelled_is_superseded(void **state)
{
	(void)state;
	struct world *w = world_new(4);
	struct node *by = lone_node(w, ua_alone, "");
	int rc = 1;
	world_start(w);
	SEND(by, "system-by", .id = "M1", .recipients = "UA");
	struct reply had = world_fetch(by, "system-ua", SECOND);
	world_run(w, 3 * MINUTE);
	px_flow_cancel(by->flow, &(struct px_flow_which){.sender = "BY", .message_id = "M1"}, "", "mistake",
		       "anna", told, &rc);
	world_run(w, 5 * SECOND);
	assert_int_equal(rc, PX_OK);
	struct reply coe = take_confirmations(by, "system-by", "BY");
	assert_non_null(strstr(px_buf_str(&coe.body), "\"PX-CANCELLED\""));
	assert_non_null(strstr(px_buf_str(&coe.body), "may have arrived"));
	char id[64];
	px_strlcpy(id, field(&coe.body, "ConfirmationId"), sizeof(id));
	expect_status(world_confirm(by, "system-ua", "UA", &had, NULL), 204);
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "delivered");
	world_run(w, 5 * SECOND);
	struct reply cod = take_confirmations(by, "system-by", "BY");
	assert_string_equal(field(&cod.body, "Kind"), "CoD");
	assert_string_equal(field(&cod.body, "Supersedes"), id);
	expect_status(world_confirm(by, "system-ua", "UA", &had, NULL), 409);
	reply_free(&had);
	reply_free(&coe);
	reply_free(&cod);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_resume_after_an_unknown_commit),
	    cmocka_unit_test(test_pause_overtakes_a_lease),
	    cmocka_unit_test(test_pause_overtakes_a_poll),
	    cmocka_unit_test(test_cancelled_is_superseded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
