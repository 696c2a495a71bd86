/* prinex: what is kept, and for how long, with the rules of the configuration in force
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "pairs.h"

#include "flow/operate.h"

#define DAY (INT64_C(24) * HOUR)

static bool is_kept(struct node *n, const char *id)
{
	return strcmp(world_state(n, "BY", id, "UA"), "none") != 0;
}

static double purged(const struct node *n, const char *kind)
{
	return px_metric_get(n->metrics, PX_M_PURGED, kind, NULL, NULL);
}

static const char rules[] = "retention controls { type = Control keep = 30d }\n"
			    "retention held { recipient = UA keep = 1d hold = true }\n";

/* The configuration of a node BY whose only other partner is UA's system. */
static void reload_lone(struct node *n, const char *more)
{
	static const char *const trusted[] = {"BY", "UA", NULL};
	struct px_buf text = PX_BUF_INIT;
	conf_head(&text, "BY", trusted);
	conf_partner(&text, "system-by", "BY", "system", NULL, "");
	conf_partner(&text, "system-ua", "UA", "system", NULL, "");
	px_buf_adds(&text, more);
	world_reload(n, px_buf_str(&text));
	px_buf_free(&text);
}

/* Delivered, kept so long, then gone; the duplicate key stays. */
static void test_messages_go_when_their_time_is_over(void **state)
{
	(void)state;
	struct pair p = make_pair(1, "", "");
	struct px_buf doc = PX_BUF_INIT;
	world_compose(p.by, "system-by", &(struct msg){.id = "M1", .recipients = "UA"}, &doc);
	struct reply first = world_post(p.by, "system-by", &doc);
	assert_int_equal(first.status, 201);
	world_run(p.w, SECOND);
	assert_string_equal(take(p.ua, "system-ua", "UA"), "M1");
	world_run(p.w, 10 * SECOND);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "delivered");
	px_clock_sim_advance(world_clock(p.w), 10 * DAY);
	world_run(p.w, 2 * HOUR);
	assert_true(is_kept(p.by, "M1"));
	struct reply again = world_post(p.by, "system-by", &doc);
	assert_int_equal(again.status, 200);
	reply_free(&again);
	px_clock_sim_advance(world_clock(p.w), 169 * DAY);
	world_run(p.w, 2 * HOUR);
	assert_true(is_kept(p.by, "M1")); /* an amendment finds its movement */
	px_clock_sim_advance(world_clock(p.w), DAY);
	world_run(p.w, 2 * HOUR);
	assert_false(is_kept(p.by, "M1"));
	assert_true(purged(p.by, "message") >= 1);
	assert_true(purged(p.by, "duplicate-key") >= 1); /* the horizon is long past */
	assert_true(world_journal(p.by, PX_J_PURGED) >= 1);
	reply_free(&first);
	px_buf_free(&doc);
	world_free(&p.w);
}

/* A reload's legal hold counts at once; what still waits is never taken. */
static void test_rules_in_force(void **state)
{
	(void)state;
	static const char *const authorities[] = {"UA", NULL};
	struct world *w = world_new(2);
	struct node *by = lone_node(w, authorities, "retention all { keep = 5min }\n");
	world_start(w);
	SEND(by, "system-by", .id = "M1", .recipients = "UA");
	SEND(by, "system-by", .id = "M2", .recipients = "UA");
	assert_string_equal(take(by, "system-ua", "UA"), "M1");
	world_run(w, 20 * MINUTE);
	assert_false(is_kept(by, "M1"));
	assert_true(is_kept(by, "M2"));
	reload_lone(by, rules);
	assert_string_equal(take(by, "system-ua", "UA"), "M2");
	px_clock_sim_advance(world_clock(w), 2 * DAY);
	world_run(w, 2 * HOUR);
	assert_true(is_kept(by, "M2"));
	reload_lone(by, "retention all { keep = 1d }\n");
	world_run(w, 2 * HOUR);
	assert_false(is_kept(by, "M2"));
	world_free(&w);
}

/* The horizon is made more than twice as long: what was accepted, ended and forgotten under the old one does
 * not come in again, and the refusal says why. */
static void test_forgotten_stays_out(void **state)
{
	(void)state;
	static const char *const authorities[] = {"UA", NULL};
	struct world *w = world_new(3);
	struct node *by = lone_node(w, authorities, "retention all { keep = 1d }\n");
	struct px_buf doc = PX_BUF_INIT;
	world_start(w);
	world_compose(by, "system-by", &(struct msg){.id = "M1", .recipients = "UA"}, &doc);
	expect_status(world_post(by, "system-by", &doc), 201);
	assert_string_equal(take(by, "system-ua", "UA"), "M1");
	px_clock_sim_advance(world_clock(w), 62 * DAY);
	world_run(w, 2 * HOUR);
	assert_true(purged(by, "duplicate-key") >= 1);
	expect_code(world_post(by, "system-by", &doc), 422, "PX-TIME-PAST");
	reload_lone(by, "limits { horizon = 200d }\n");
	struct reply r = world_post(by, "system-by", &doc);
	assert_int_equal(r.status, 422);
	assert_non_null(strstr(px_buf_str(&r.body), "PX-TIME-PAST"));
	assert_non_null(strstr(px_buf_str(&r.body), "the horizon here was shorter before"));
	reply_free(&r);
	world_crash(by); /* it is kept */
	expect_code(world_post(by, "system-by", &doc), 422, "PX-TIME-PAST");
	/* What is younger than all that was forgotten has the whole of the new horizon. */
	SEND(by, "system-by", .id = "M2", .recipients = "UA", .created_ago = 61 * DAY);
	px_buf_free(&doc);
	world_free(&w);
}

static void told(void *arg, int rc, const char *text)
{
	(void)text;
	*(int *)arg = rc;
}

/* A clock that was believed while it was months ahead, with a horizon that had been raised: duplicate keys
 * went long before their time. When it is right again, what was accepted before does not come in again, and
 * what is new does. */
static void test_clock_that_was_ahead(void **state)
{
	(void)state;
	static const char *const authorities[] = {"UA", NULL};
	struct world *w = world_new(4);
	struct node *by = lone_node(w, authorities, "limits { horizon = 4d }\nretention all { keep = 1d }\n");
	struct px_buf doc = PX_BUF_INIT;
	int rc = 1;
	world_start(w);
	SEND(by, "system-by", .id = "M0", .recipients = "UA");
	reload_lone(by, "limits { horizon = 60d }\nretention all { keep = 1d }\n");
	world_compose(by, "system-by", &(struct msg){.id = "M1", .recipients = "UA"}, &doc);
	expect_status(world_post(by, "system-by", &doc), 201);
	assert_string_equal(take(by, "system-ua", "UA"), "M0");
	assert_string_equal(take(by, "system-ua", "UA"), "M1");
	px_clock_sim_jump(world_clock(w), 200 * DAY);
	world_run(w, 3 * HOUR);
	assert_true(purged(by, "duplicate-key") >= 2);
	px_clock_sim_jump(world_clock(w), -200 * DAY);
	world_run(w, MINUTE);
	px_flow_acknowledge(by->flow, PX_ALARM_CLOCK, "", "anna", told, &rc);
	world_run(w, SECOND);
	assert_int_equal(rc, PX_OK);
	expect_code(world_post(by, "system-by", &doc), 422, "PX-TIME-PAST");
	SEND(by, "system-by", .id = "M2", .recipients = "UA");
	px_buf_free(&doc);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_messages_go_when_their_time_is_over),
	    cmocka_unit_test(test_rules_in_force),
	    cmocka_unit_test(test_forgotten_stays_out),
	    cmocka_unit_test(test_clock_that_was_ahead),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
