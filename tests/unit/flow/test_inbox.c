/* prinex: the pull side: polls, leases, several fetchers, confirmations early and late
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "pairs.h"

#include "base/log.h"
#include "flow/operate.h"
#include "world_fakes.h"

static const char *const ua_alone[] = {"UA", NULL};

static void test_long_poll(void **state)
{
	(void)state;
	struct world *w = world_new(1);
	struct node *by = lone_node(w, ua_alone, "");
	struct reply r;
	world_start(w);
	world_fetch_begin(by, "system-ua", 30 * SECOND, &r);
	world_run(w, 29 * SECOND);
	assert_false(r.done);
	SEND(by, "system-by", .id = "M1", .recipients = "UA");
	assert_true(r.done); /* at once, not with the next look */
	assert_int_equal(r.status, 200);
	assert_string_equal(field(&r.body, "MessageId"), "M1");
	reply_free(&r);
	world_fetch_begin(by, "system-ua", 30 * SECOND, &r);
	world_run(w, 31 * SECOND);
	assert_true(r.done);
	assert_int_equal(r.status, 204);
	reply_free(&r);
	world_free(&w);
}

static void test_several_fetchers_get_different_ones(void **state)
{
	(void)state;
	struct world *w = world_new(2);
	struct node *by = lone_node(w, ua_alone, "");
	struct reply r[5];
	char id[16];
	world_start(w);
	for (int i = 0; i < 5; i++)
		world_fetch_begin(by, "system-ua", 60 * SECOND, &r[i]);
	for (int i = 0; i < 3; i++) {
		snprintf(id, sizeof(id), "M%d", i);
		SEND(by, "system-by", .id = id, .recipients = "UA");
	}
	SEND(by, "system-by", .id = "M3", .recipients = "UA", .lrn = "L");
	SEND(by, "system-by", .id = "M4", .recipients = "UA", .lrn = "L"); /* not before M3 is confirmed */
	world_run(w, 2 * SECOND);
	unsigned seen = 0, done = 0;
	for (int i = 0; i < 5; i++) {
		if (!r[i].done)
			continue;
		done++;
		assert_int_equal(r[i].status, 200);
		seen |= 1u << (field(&r[i].body, "MessageId")[1] - '0');
	}
	assert_int_equal(done, 4);
	assert_int_equal(seen, 0xf);
	/* Each confirms its own, in any order. */
	for (int i = 4; i >= 0; i--) {
		if (r[i].done && r[i].status == 200)
			expect_status(world_confirm(by, "system-ua", "UA", &r[i], NULL), 204);
	}
	world_run(w, SECOND);
	for (int i = 0; i < 5; i++) {
		assert_true(r[i].done);
		reply_free(&r[i]);
	}
	world_free(&w);
}

/* A poller that has gone gets nothing: what there is goes to the next one. */
static void test_gone_poller_gets_nothing(void **state)
{
	(void)state;
	struct world *w = world_new(3);
	struct node *by = lone_node(w, ua_alone, "");
	struct reply gone;
	world_start(w);
	uint64_t ticket = world_fetch_begin(by, "system-ua", 60 * SECOND, &gone);
	world_run(w, SECOND);
	px_flow_fetch_cancel(by->flow, ticket);
	SEND(by, "system-by", .id = "M1", .recipients = "UA");
	world_run(w, SECOND);
	assert_false(gone.done);
	assert_string_equal(take(by, "system-ua", "UA"), "M1");
	assert_int_equal(world_delivery(by, "BY", "M1", "UA").attempts, 1);
	world_free(&w);
}

/* Offered again after @lease; then only who has it now may confirm. */
static void fence(const char *conf, int64_t lease)
{
	struct world *w = world_new(4);
	struct node *by = lone_node(w, ua_alone, conf);
	world_start(w);
	SEND(by, "system-by", .id = "M1", .recipients = "UA");
	struct reply first = world_fetch(by, "system-ua", SECOND);
	world_run(w, lease - SECOND);
	expect_status(world_fetch(by, "system-ua", 0), 204);
	world_run(w, 2 * SECOND);
	expect_status(world_confirm(by, "system-ua", "UA", &first, NULL), 409); /* queued again */
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "queued");
	struct reply second = world_fetch(by, "system-ua", SECOND);
	assert_string_not_equal(first.delivery, second.delivery);
	expect_status(world_confirm(by, "system-ua", "UA", &first, NULL), 409);
	expect_status(world_confirm(by, "system-ua", "UA", &second, NULL), 204);
	expect_status(world_confirm(by, "system-ua", "UA", &second, NULL), 409); /* it is done */
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "delivered");
	reply_free(&first);
	reply_free(&second);
	world_free(&w);
}

static void test_fencing(void **state PX_UNUSED)
{
	fence("", 120 * SECOND);
	fence("limits { lease = 5s }\n", 5 * SECOND);
}

/* A confirmation that is no good keeps the lease: the same fetcher may confirm again, and no other gets it.
 */
static void test_bad_confirmation_keeps_the_lease(void **state)
{
	(void)state;
	struct world *w = world_new(5);
	struct node *by = lone_node(w, ua_alone, "");
	struct px_buf large = PX_BUF_INIT;
	world_start(w);
	SEND(by, "system-by", .id = "M1", .recipients = "UA");
	struct reply r = world_fetch(by, "system-ua", SECOND);
	expect_status(world_confirm(by, "system-ua", "PL", &r, NULL), 422);
	while (large.len <= (size_t)PX_LIMIT_CONFIRMATION)
		px_buf_adds(&large, "<x>too large</x>");
	expect_status(world_confirm_with(by, "system-ua", r.delivery, &large), 413);
	expect_status(world_fetch(by, "system-ua", SECOND), 204);
	expect_status(world_confirm(by, "system-ua", "UA", &r, NULL), 204);
	expect_status(world_confirm_with(by, "system-ua", "nonsense", &r.body), 409);
	expect_status(world_confirm_with(by, "system-ua", "999-1-1", &r.body), 409);
	px_buf_free(&large);
	reply_free(&r);
	world_free(&w);
}

/* Its time ran out after it was fetched, so its fate was unknown. Proof that it had arrived is welcome, and
 * what the sender gets now says which exception it replaces. */
static void test_late_confirmation_supersedes(void **state)
{
	(void)state;
	struct world *w = world_new(6);
	struct node *by = lone_node(w, ua_alone, "");
	world_start(w);
	SEND(by, "system-by", .id = "M1", .recipients = "UA", .expires_in = HOUR);
	struct reply r = world_fetch(by, "system-ua", SECOND);
	world_run(w, HOUR + 5 * SECOND);
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "unknown");
	assert_true(px_alarm_is_raised(by->alarms, PX_ALARM_DELIVERY_UNKNOWN, "system-ua"));
	struct reply coe = take_confirmations(by, "system-by", "BY");
	assert_non_null(strstr(px_buf_str(&coe.body), "PX-UNKNOWN"));
	world_crash(by); /* nothing of it is in memory */
	expect_status(world_confirm(by, "system-ua", "PL", &r, NULL), 422);
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "unknown");
	expect_status(world_confirm(by, "system-ua", "UA", &r, NULL), 204);
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "delivered");
	expect_status(world_confirm(by, "system-ua", "UA", &r, NULL), 409);
	struct reply cod = take_confirmations(by, "system-by", "BY");
	assert_string_equal(field(&cod.body, "Kind"), "CoD");
	assert_true(field(&coe.body, "ConfirmationId")[0] != '\0');
	assert_string_equal(field(&cod.body, "Supersedes"), field(&coe.body, "ConfirmationId"));
	world_run(w, 10 * SECOND);
	assert_false(px_alarm_is_raised(by->alarms, PX_ALARM_DELIVERY_UNKNOWN, "system-ua"));
	reply_free(&cod);
	reply_free(&coe);
	reply_free(&r);
	world_free(&w);
}

/* The same for a refusal: the sender gets it, with the recipient's own evidence, in the place of "unknown".
 */
static void test_late_refusal_supersedes(void **state)
{
	(void)state;
	struct world *w = world_new(9);
	struct node *by = lone_node(w, ua_alone, "");
	world_start(w);
	SEND(by, "system-by", .id = "M1", .recipients = "UA", .expires_in = HOUR);
	struct reply r = world_fetch(by, "system-ua", SECOND);
	world_run(w, HOUR + 5 * SECOND);
	struct reply unknown = take_confirmations(by, "system-by", "BY");
	expect_status(world_confirm(by, "system-ua", "UA", &r, "PX-SCHEMA-OTHER"), 204);
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "refused");
	expect_status(world_confirm(by, "system-ua", "UA", &r, NULL), 409); /* that was the last word */
	struct reply refused = take_confirmations(by, "system-by", "BY");
	assert_non_null(strstr(px_buf_str(&refused.body), "PX-REFUSED"));
	assert_string_equal(field(&refused.body, "Supersedes"), field(&unknown.body, "ConfirmationId"));
	assert_true(field(&refused.body, "Evidence")[0] != '\0');
	reply_free(&refused);
	reply_free(&unknown);
	reply_free(&r);
	world_free(&w);
}

/* One partner does not confirm what was fetched by another. */
static void test_late_confirmation_of_another_partner(void **state)
{
	(void)state;
	static const char *const authorities[] = {"UA", "PL", NULL};
	struct world *w = world_new(7);
	struct node *by = lone_node(w, authorities, "");
	world_start(w);
	SEND(by, "system-by", .id = "M1", .recipients = "UA", .expires_in = HOUR);
	struct reply r = world_fetch(by, "system-ua", SECOND);
	expect_status(world_confirm(by, "system-pl", "UA", &r, NULL), 409);
	world_run(w, HOUR + 5 * SECOND);
	expect_status(world_confirm(by, "system-pl", "UA", &r, NULL), 409);
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "unknown");
	reply_free(&r);
	world_free(&w);
}

static void told(void *arg, int rc, const char *text)
{
	(void)text;
	*(int *)arg = rc;
}

static void test_paused_partner_fetches_nothing(void **state)
{
	(void)state;
	struct world *w = world_new(8);
	struct node *by = lone_node(w, ua_alone, "");
	struct reply r;
	int rc = 1;
	world_start(w);
	world_run(w, SECOND);
	px_flow_pause(by->flow, "system-ua", "anna", "why not", told, &rc);
	world_run(w, SECOND);
	assert_int_equal(rc, PX_OK);
	SEND(by, "system-by", .id = "M1", .recipients = "UA", .expires_in = 3 * HOUR);
	SEND(by, "system-by", .id = "M2", .recipients = "UA", .expires_in = HOUR);
	expect_status(world_fetch(by, "system-ua", SECOND), 204);
	world_restart(by, 0);
	world_run(w, HOUR + 2 * SECOND);
	expect_status(world_fetch(by, "system-ua", SECOND), 204);
	assert_true(px_alarm_is_raised(by->alarms, PX_ALARM_PARTNER_PAUSED, "system-ua"));
	assert_string_equal(world_state(by, "BY", "M2", "UA"), "expired"); /* a pause stops no clock */
	world_fetch_begin(by, "system-ua", 30 * SECOND, &r);
	px_flow_resume(by->flow, "system-ua", told, &rc);
	world_run(w, SECOND);
	assert_true(r.done);
	assert_string_equal(field(&r.body, "MessageId"), "M1");
	reply_free(&r);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_long_poll),
	    cmocka_unit_test(test_several_fetchers_get_different_ones),
	    cmocka_unit_test(test_gone_poller_gets_nothing),
	    cmocka_unit_test(test_fencing),
	    cmocka_unit_test(test_bad_confirmation_keeps_the_lease),
	    cmocka_unit_test(test_late_confirmation_supersedes),
	    cmocka_unit_test(test_late_refusal_supersedes),
	    cmocka_unit_test(test_late_confirmation_of_another_partner),
	    cmocka_unit_test(test_paused_partner_fetches_nothing),
	};
	px_log_set_level(getenv("PX_LOG") != NULL ? PX_LOG_DEBUG : PX_LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
