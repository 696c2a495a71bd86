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

struct said {
	int rc;
	char text[200];
};

static void tell(void *arg, int rc, const char *text)
{
	struct said *s = arg;
	s->rc = rc;
	px_strlcpy(s->text, text, sizeof(s->text));
}

static void resume(struct node *n, const char *partner)
{
	int rc = 1;
	px_flow_resume(n->flow, partner, told, &rc);
	world_run(n->world, SECOND);
	assert_int_equal(rc, PX_OK);
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

/* The commit of a pause seemed to fail: nothing is sent from then on, and the answer is given when it is
 * known that a restart keeps it. */
static void test_pause_after_an_unknown_commit(void **state)
{
	(void)state;
	struct px_store_sim_faults faults = {.unknown_per_mille = 1000};
	struct pair p = make_pair(5, "", "");
	int rc = 1;
	world_run(p.w, SECOND);
	p.ua->down = true;
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA");
	world_run(p.w, SECOND);
	px_store_sim_set_faults(p.by->store, &faults);
	px_flow_pause(p.by->flow, "node-ua", "anna", "", told, &rc);
	world_run(p.w, 10);
	px_store_sim_set_faults(p.by->store, NULL);
	assert_int_equal(rc, 1);
	p.ua->down = false;
	px_flow_retry_partner(p.by->flow, "node-ua", told, &(int){0});
	world_run(p.w, 500);
	assert_int_equal(p.ua->posts, 0);
	world_run(p.w, 2 * SECOND);
	assert_int_equal(rc, PX_OK);
	world_crash(p.by);
	world_run(p.w, HOUR);
	assert_int_equal(p.ua->posts, 0);
	resume(p.by, "node-ua");
	assert_string_equal(take(p.ua, "system-ua", "UA"), "M1");
	/* Resumed, or ended, while that is not known. */
	px_store_sim_set_faults(p.by->store, &faults);
	px_flow_pause(p.by->flow, "node-ua", "anna", "", told, &rc);
	world_run(p.w, 10);
	px_store_sim_set_faults(p.by->store, NULL);
	px_flow_resume(p.by->flow, "node-ua", told, &(int){0});
	world_run(p.w, 2 * SECOND);
	assert_int_equal(rc, PX_EPRECONDITION);
	px_store_sim_set_faults(p.by->store, &faults);
	px_flow_pause(p.by->flow, "node-ua", "anna", "", told, &rc);
	world_run(p.w, 10);
	px_store_sim_set_faults(p.by->store, NULL);
	world_crash(p.by);
	assert_int_equal(rc, PX_EUNKNOWN);
	world_free(&p.w);
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

/* --- one post for several recipients
 * --------------------------------------------------------------------------- */

/* A hub gets it for UA and PL with one post: cancelled for UA alone it would arrive there all the same. */
static void test_cancel_of_what_goes_along(void **state)
{
	(void)state;
	static const char *const trusted[] = {"BY", "UA", "PL", "HU", NULL};
	struct px_flow_which which = {.sender = "BY", .message_id = "M1"};
	struct world *w = world_new(6);
	struct px_buf text = PX_BUF_INIT;
	struct said said = {.rc = 1};
	conf_head(&text, "BY", trusted);
	conf_partner(&text, "system-by", "BY", "system", NULL, "");
	conf_partner(&text, "hub", "HU", "node", "https://hu:1", "relays-for = {\"UA\", \"PL\"}");
	px_buf_adds(&text, "route \"hub\" { recipients = { \"UA\", \"PL\" } via = \"hub\" }\n");
	struct node *by = world_node(w, "BY", px_buf_str(&text));
	px_buf_clear(&text);
	conf_head(&text, "HU", trusted);
	conf_partner(&text, "node-by", "BY", "node", "https://by:1", "");
	struct node *hu = world_node(w, "HU", px_buf_str(&text));
	px_buf_free(&text);
	world_start(w);
	hu->hang = true; /* takes a minute to fail */
	SEND(by, "system-by", .id = "M1", .recipients = "UA PL");
	world_run(w, SECOND);
	px_flow_cancel(by->flow, &which, "UA", "mistake", "anna", tell, &said);
	world_run(w, SECOND);
	assert_int_equal(said.rc, PX_EPRECONDITION);
	assert_non_null(strstr(said.text, "in flight"));
	hu->hang = false;
	hu->down = true;
	world_run(w, 2 * MINUTE);
	px_flow_cancel(by->flow, &which, "UA", "mistake", "anna", tell, &said);
	world_run(w, SECOND);
	assert_int_equal(said.rc, PX_EPRECONDITION);
	assert_non_null(strstr(said.text, "by the same post"));
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "queued");
	px_flow_cancel(by->flow, &which, "", "mistake", "anna", tell, &said);
	world_run(w, SECOND);
	assert_int_equal(said.rc, PX_OK);
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "cancelled");
	assert_string_equal(world_state(by, "BY", "M1", "PL"), "cancelled");
	world_free(&w);
}

/* --- no room
 * ------------------------------------------------------------------------------------------------- */

/* A full disk: each command says so at once, instead of waiting for room that the administrator has to make;
 * nothing of it happens later. */
static void test_no_room(void **state)
{
	(void)state;
	struct px_store_sim_faults faults = {.full_per_mille = 1000};
	struct px_flow_which which = {.sender = "BY", .message_id = "M1"};
	struct pair p = make_pair(5, "", "");
	struct said said[5] = {{.rc = 1}, {.rc = 1}, {.rc = 1}, {.rc = 1}, {.rc = 1}};
	struct px_link_state link;
	p.ua->down = true;
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA");
	world_run(p.w, MINUTE);
	px_store_sim_set_faults(p.by->store, &faults);
	px_flow_cancel(p.by->flow, &which, "", "mistake", "anna", tell, &said[0]);
	px_flow_retry(p.by->flow, &which, tell, &said[1]);
	px_flow_retry_partner(p.by->flow, "node-ua", tell, &said[2]);
	px_flow_pause(p.by->flow, "node-ua", "anna", "", tell, &said[3]);
	px_flow_probe(p.by->flow, "node-ua", tell, &said[4]);
	world_run(p.w, 10);
	for (unsigned i = 0; i < PX_ARRAY_LEN(said); i++) {
		assert_int_equal(said[i].rc, i == 4 ? PX_EPRECONDITION : PX_EFULL);
		assert_non_null(strstr(said[i].text, px_err_text(PX_EFULL)));
	}
	px_flow_link(p.by->flow, "node-ua", &link);
	assert_false(link.paused);
	px_store_sim_set_faults(p.by->store, NULL);
	p.ua->down = false;
	world_run(p.w, 20 * MINUTE);
	assert_string_equal(take(p.ua, "system-ua", "UA"), "M1");
	world_free(&p.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_resume_after_an_unknown_commit),
	    cmocka_unit_test(test_pause_after_an_unknown_commit),
	    cmocka_unit_test(test_pause_overtakes_a_lease),
	    cmocka_unit_test(test_pause_overtakes_a_poll),
	    cmocka_unit_test(test_cancelled_is_superseded),
	    cmocka_unit_test(test_cancel_of_what_goes_along),
	    cmocka_unit_test(test_no_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
