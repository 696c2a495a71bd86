/* prinex: deliveries whose time runs out, with and without outages; what cannot be read
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "pairs.h"

#include "base/log.h"
#include "flow/operate.h"

/* Time passes while @n is switched off; then it starts. */
static void outage(struct world *w, struct node *n, int64_t ms)
{
	(void)w;
	world_restart(n, ms);
}

static bool raised(const struct node *n, enum px_alarm alarm, const char *subject)
{
	return px_alarm_is_raised(n->alarms, alarm, subject);
}

static void test_overdue_is_not_sent_after_an_outage(void **state)
{
	(void)state;
	struct pair p = make_pair(1, "", "");
	p.ua->down = true;
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA", .expires_in = HOUR);
	world_run(p.w, MINUTE);
	p.ua->down = false;
	outage(p.w, p.by, 2 * HOUR);
	world_run(p.w, MINUTE);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "expired");
	assert_string_equal(px_buf_str(&p.ua->posted), ""); /* not even once */
	struct reply r = take_confirmations(p.by, "system-by", "BY");
	assert_non_null(strstr(px_buf_str(&r.body), "PX-EXPIRED"));
	reply_free(&r);
	world_free(&p.w);
}

static void test_overdue_is_not_fetched_after_an_outage(void **state)
{
	(void)state;
	static const char *const authorities[] = {"UA", NULL};
	struct world *w = world_new(2);
	struct node *by = lone_node(w, authorities, "");
	world_start(w);
	SEND(by, "system-by", .id = "M1", .recipients = "UA", .expires_in = HOUR);
	SEND(by, "system-by", .id = "M2", .recipients = "UA", .expires_in = 3 * HOUR);
	outage(w, by, 2 * HOUR);
	assert_string_equal(take(by, "system-ua", "UA"), "M2");
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "expired");
	world_free(&w);
}

/* A process that is killed leaves no trace of what was under way: nobody may say that it was never sent. */
static void test_killed_while_under_way(void **state)
{
	(void)state;
	static const char *const authorities[] = {"UA", NULL};
	struct world *w = world_new(3);
	struct node *by = lone_node(w, authorities, "");
	world_start(w);
	SEND(by, "system-by", .id = "M1", .recipients = "UA", .expires_in = HOUR);
	struct reply r = world_fetch(by, "system-ua", SECOND);
	assert_string_equal(field(&r.body, "MessageId"), "M1");
	world_crash(by);
	SEND(by, "system-by", .id = "M2", .recipients = "UA", .expires_in = HOUR);
	outage(w, by, 2 * HOUR); /* a clean stop in between makes nobody surer */
	world_run(w, MINUTE);
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "unknown");
	assert_string_equal(world_state(by, "BY", "M2", "UA"), "expired");
	reply_free(&r);
	world_free(&w);
}

static void said_so(void *arg, int rc, const char *text)
{
	px_buf_setf(arg, "%d %s", rc, text);
}

/* What an administrator does to it does not make it "never sent". */
static void test_killed_then_operated(void **state)
{
	(void)state;
	static const char *const authorities[] = {"UA", NULL};
	struct world *w = world_new(5);
	struct node *by = lone_node(w, authorities, "");
	struct px_buf said = PX_BUF_INIT;
	world_start(w);
	SEND(by, "system-by", .id = "M1", .recipients = "UA", .expires_in = HOUR);
	SEND(by, "system-by", .id = "M2", .recipients = "UA", .expires_in = HOUR);
	struct reply r = world_fetch(by, "system-ua", SECOND), other = world_fetch(by, "system-ua", SECOND);
	world_crash(by);
	world_run(w, 10 * MINUTE);
	px_flow_retry(by->flow, &(struct px_flow_which){.sender = "BY", .message_id = "M1"}, said_so, &said);
	world_run(w, SECOND);
	assert_string_equal(px_buf_str(&said), "0 1 delivery due now");
	px_flow_cancel(by->flow, &(struct px_flow_which){.sender = "BY", .message_id = "M2"}, "PL", "mistake",
		       "root", said_so, &said);
	world_run(w, SECOND);
	assert_non_null(strstr(px_buf_str(&said), "it has no delivery to PL"));
	px_flow_cancel(by->flow, &(struct px_flow_which){.sender = "BY", .message_id = "M2"}, "UA", "mistake",
		       "root", said_so, &said);
	world_run(w, HOUR);
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "unknown");
	struct reply c = take_confirmations(by, "system-by", "BY");
	assert_non_null(strstr(px_buf_str(&c.body), "mistake (it was sent before and may have arrived)"));
	reply_free(&c);
	reply_free(&r);
	reply_free(&other);
	px_buf_free(&said);
	world_free(&w);
}

static void test_stopped_while_it_was_fetched(void **state)
{
	(void)state;
	static const char *const authorities[] = {"UA", NULL};
	struct world *w = world_new(4);
	struct node *by = lone_node(w, authorities, "");
	world_start(w);
	SEND(by, "system-by", .id = "M1", .recipients = "UA", .expires_in = HOUR);
	SEND(by, "system-by", .id = "M2", .recipients = "UA", .expires_in = HOUR);
	struct reply r = world_fetch(by, "system-ua", SECOND);
	assert_string_equal(field(&r.body, "MessageId"), "M1");
	outage(w, by, 2 * HOUR);
	world_run(w, MINUTE);
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "unknown");
	assert_string_equal(world_state(by, "BY", "M2", "UA"), "expired");
	reply_free(&r);
	world_free(&w);
}

/* While we were down the confirmation could not come: it gets the time to. */
static void test_handed_over_is_not_given_up_right_after_an_outage(void **state)
{
	(void)state;
	struct pair p = make_pair(3, "maximum-age = 1h cod-wait = 2h", "");
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA");
	world_run(p.w, SECOND);
	p.by->down = true;
	assert_string_equal(take(p.ua, "system-ua", "UA"), "M1");
	world_run(p.w, 10 * MINUTE);
	outage(p.w, p.by, 3 * HOUR);
	world_run(p.w, 4 * MINUTE); /* the other side does not notice at once */
	p.by->down = false;
	world_run(p.w, 16 * MINUTE);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "delivered");
	assert_false(raised(p.by, PX_ALARM_DELIVERY_UNKNOWN, "node-ua"));
	struct reply r = take_confirmations(p.by, "system-by", "BY");
	assert_string_equal(field(&r.body, "Kind"), "CoD");
	assert_null(strstr(px_buf_str(&r.body), "PX-UNKNOWN"));
	reply_free(&r);
	expect_status(world_fetch(p.by, "system-by", SECOND), 204);
	world_free(&p.w);
}

static void test_handed_over_becomes_unknown_and_is_superseded(void **state)
{
	(void)state;
	struct pair p = make_pair(4, "maximum-age = 1h cod-wait = 2h", "");
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA", .lrn = "L");
	SEND(p.by, "system-by", .id = "M2", .recipients = "UA", .lrn = "L");
	world_run(p.w, SECOND);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "handed-over");
	assert_string_equal(world_state(p.by, "BY", "M2", "UA"), "handed-over"); /* M1 does not hold it up */
	world_run(p.w, 2 * HOUR - MINUTE);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "handed-over");
	world_run(p.w, 2 * MINUTE);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "unknown");
	assert_true(raised(p.by, PX_ALARM_DELIVERY_UNKNOWN, "node-ua"));
	struct reply r;
	unsigned unknown = 0;
	while ((r = world_fetch(p.by, "system-by", 3 * SECOND)).status == 200) {
		for (const char *at = px_buf_str(&r.body); (at = strstr(at, "\"PX-UNKNOWN\"")) != NULL; at++)
			unknown++;
		expect_status(world_confirm(p.by, "system-by", "BY", &r, NULL), 204);
		reply_free(&r);
	}
	reply_free(&r);
	assert_int_equal(unknown, 2);
	world_crash(p.by); /* the alarm follows from the store */
	world_run(p.w, 10 * SECOND);
	assert_true(raised(p.by, PX_ALARM_DELIVERY_UNKNOWN, "node-ua"));
	assert_string_equal(take(p.ua, "system-ua", "UA"), "M1");
	world_run(p.w, 10 * SECOND);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "delivered");
	assert_true(raised(p.by, PX_ALARM_DELIVERY_UNKNOWN, "node-ua")); /* of M2 nobody knows yet */
	r = take_confirmations(p.by, "system-by", "BY");
	assert_string_equal(field(&r.body, "Kind"), "CoD");
	reply_free(&r);
	struct reply refused = world_fetch(p.ua, "system-ua", SECOND);
	expect_status(world_confirm(p.ua, "system-ua", "UA", &refused, "PX-SCHEMA-OTHER"), 204);
	reply_free(&refused);
	world_run(p.w, 10 * SECOND);
	assert_string_equal(world_state(p.by, "BY", "M2", "UA"), "refused");
	assert_false(raised(p.by, PX_ALARM_DELIVERY_UNKNOWN, "node-ua"));
	world_free(&p.w);
}

static void test_age_is_per_partner(void **state)
{
	(void)state;
	struct pair p = make_pair(5, "maximum-age = 2h", "");
	p.ua->down = true;
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA");
	SEND(p.by, "system-by", .id = "M2", .recipients = "UA", .expires_in = HOUR);
	SEND(p.by, "system-by", .id = "M3", .recipients = "UA", .expires_in = 10 * HOUR);
	world_run(p.w, HOUR + 2 * SECOND);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "queued");
	assert_string_equal(world_state(p.by, "BY", "M2", "UA"), "expired");
	world_run(p.w, HOUR);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "expired");
	assert_string_equal(world_state(p.by, "BY", "M3", "UA"), "expired"); /* whichever is earlier */
	world_free(&p.w);
}

/* --- what cannot be read
 * ------------------------------------------------------------------------------------- */

static uint64_t damaged; /* this message, or all deliveries up to this one */
static struct px_store_ops real;

static void message_damaged(struct px_store *st, uint64_t seq, px_message_done *done, void *arg)
{
	if (seq == damaged)
		done(arg, PX_ECORRUPT, NULL);
	else
		real.message(st, seq, done, arg);
}

static void settle_damaged(struct px_store *st, const struct px_settle *req, px_write_done *done, void *arg)
{
	if (req->delivery <= damaged && px_delivery_state_is_final(req->state))
		done(arg, PX_ECORRUPT);
	else
		real.settle(st, req, done, arg);
}

static void told(void *arg, int rc, const char *text)
{
	(void)text;
	*(int *)arg = rc;
}

static int acknowledge(struct node *n, enum px_alarm alarm, const char *subject)
{
	int rc = 1;
	px_flow_acknowledge(n->flow, alarm, subject, "anna", told, &rc);
	world_run(n->world, SECOND);
	assert_int_not_equal(rc, 1);
	return rc;
}

static void test_damaged_message_ends_by_age(void **state)
{
	(void)state;
	struct pair p = make_pair(6, "maximum-age = 1h", "");
	p.ua->down = true;
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA");
	damaged = world_delivery(p.by, "BY", "M1", "UA").message;
	real = *p.by->store->ops;
	world_patch(p.by)->message = message_damaged;
	world_run(p.w, HOUR + 5 * SECOND);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "expired");
	assert_true(raised(p.by, PX_ALARM_QUARANTINE, "node-ua"));
	damaged = 0;
	struct reply r = take_confirmations(p.by, "system-by", "BY"); /* from its receipt */
	assert_non_null(strstr(px_buf_str(&r.body), "PX-EXPIRED"));
	assert_string_equal(field(&r.body, "RefMessageId"), "M1");
	reply_free(&r);
	/* Somebody must look, even after a restart. */
	world_crash(p.by);
	world_run(p.w, 10 * SECOND);
	assert_true(raised(p.by, PX_ALARM_QUARANTINE, "node-ua"));
	assert_int_equal(acknowledge(p.by, PX_ALARM_QUARANTINE, "nobody"), PX_ENOTFOUND);
	assert_int_equal(acknowledge(p.by, PX_ALARM_QUARANTINE, ""), PX_OK);
	assert_false(raised(p.by, PX_ALARM_QUARANTINE, "node-ua"));
	world_crash(p.by);
	world_run(p.w, 10 * SECOND);
	assert_false(raised(p.by, PX_ALARM_QUARANTINE, "node-ua"));
	world_free(&p.w);
}

/* Many that cannot be ended do not hold up one that can. */
static void test_what_cannot_end_holds_up_nobody(void **state)
{
	(void)state;
	struct pair p = make_pair(7, "", "");
	char id[16];
	p.ua->down = true;
	for (int i = 0; i < 70; i++) {
		snprintf(id, sizeof(id), "M%02d", i);
		SEND(p.by, "system-by", .id = id, .recipients = "UA", .expires_in = HOUR);
	}
	damaged = world_delivery(p.by, "BY", "M68", "UA").id;
	real = *p.by->store->ops;
	world_patch(p.by)->settle = settle_damaged;
	world_run(p.w, HOUR + 10 * SECOND);
	assert_string_equal(world_state(p.by, "BY", "M69", "UA"), "expired");
	assert_string_equal(world_state(p.by, "BY", "M68", "UA"), "queued");
	assert_true(raised(p.by, PX_ALARM_QUARANTINE, "node-ua"));
	damaged = 0; /* repaired */
	world_run(p.w, 10 * SECOND);
	assert_string_equal(world_state(p.by, "BY", "M00", "UA"), "expired");
	world_free(&p.w);
}

/* --- alarms that people clear
 * -------------------------------------------------------------------------------- */

static void test_unknown_is_acknowledged_until_there_are_more(void **state)
{
	(void)state;
	struct pair p = make_pair(8, "maximum-age = 1h", "");
	p.ua->lose_answers = true;
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA");
	world_run(p.w, HOUR + 10 * SECOND);
	assert_true(raised(p.by, PX_ALARM_DELIVERY_UNKNOWN, "node-ua"));
	assert_int_equal(acknowledge(p.by, PX_ALARM_DELIVERY_UNKNOWN, "node-ua"), PX_OK);
	world_run(p.w, MINUTE);
	assert_false(raised(p.by, PX_ALARM_DELIVERY_UNKNOWN, "node-ua"));
	world_crash(p.by);
	world_run(p.w, MINUTE);
	assert_false(raised(p.by, PX_ALARM_DELIVERY_UNKNOWN, "node-ua"));
	SEND(p.by, "system-by", .id = "M2", .recipients = "UA");
	world_run(p.w, HOUR + 10 * SECOND);
	assert_true(raised(p.by, PX_ALARM_DELIVERY_UNKNOWN, "node-ua"));
	assert_int_equal(acknowledge(p.by, PX_ALARM_PARTNER_DOWN, ""), PX_EPRECONDITION); /* clears itself */
	world_free(&p.w);
}

/* One was acknowledged, another came, the first was confirmed after all: nobody has looked at the other. And
 * when one goes as the next one comes, there are as many as before, but not the same. */
static void test_unknown_stays_until_it_is_acknowledged(void **state)
{
	(void)state;
	static const char *const ua[] = {"UA", NULL};
	struct world *w = world_new(3);
	struct node *by = lone_node(w, ua, "");
	world_start(w);
	world_run(w, SECOND);
	SEND(by, "system-by", .id = "M1", .recipients = "UA", .expires_in = 3 * MINUTE);
	struct reply first = world_fetch(by, "system-ua", SECOND);
	world_run(w, 4 * MINUTE);
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "unknown");
	assert_int_equal(acknowledge(by, PX_ALARM_DELIVERY_UNKNOWN, "system-ua"), PX_OK);
	SEND(by, "system-by", .id = "M2", .recipients = "UA", .expires_in = 3 * MINUTE);
	struct reply second = world_fetch(by, "system-ua", SECOND);
	world_run(w, 4 * MINUTE);
	assert_true(raised(by, PX_ALARM_DELIVERY_UNKNOWN, "system-ua"));
	expect_status(world_confirm(by, "system-ua", "UA", &first, NULL), 204);
	world_run(w, MINUTE);
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "delivered");
	assert_string_equal(world_state(by, "BY", "M2", "UA"), "unknown");
	assert_true(raised(by, PX_ALARM_DELIVERY_UNKNOWN, "system-ua"));
	world_crash(by);
	world_run(w, MINUTE);
	assert_true(raised(by, PX_ALARM_DELIVERY_UNKNOWN, "system-ua"));
	expect_status(world_confirm(by, "system-ua", "UA", &second, NULL), 204); /* nothing is left of it */
	world_run(w, MINUTE);
	assert_false(raised(by, PX_ALARM_DELIVERY_UNKNOWN, "system-ua"));
	reply_free(&first);
	reply_free(&second);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_overdue_is_not_sent_after_an_outage),
	    cmocka_unit_test(test_overdue_is_not_fetched_after_an_outage),
	    cmocka_unit_test(test_killed_while_under_way),
	    cmocka_unit_test(test_killed_then_operated),
	    cmocka_unit_test(test_stopped_while_it_was_fetched),
	    cmocka_unit_test(test_handed_over_is_not_given_up_right_after_an_outage),
	    cmocka_unit_test(test_handed_over_becomes_unknown_and_is_superseded),
	    cmocka_unit_test(test_age_is_per_partner),
	    cmocka_unit_test(test_damaged_message_ends_by_age),
	    cmocka_unit_test(test_what_cannot_end_holds_up_nobody),
	    cmocka_unit_test(test_unknown_is_acknowledged_until_there_are_more),
	    cmocka_unit_test(test_unknown_stays_until_it_is_acknowledged),
	};
	px_log_set_level(getenv("PX_LOG") != NULL ? PX_LOG_DEBUG : PX_LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
