/* prinex: what the next broker has in custody: how that ends there ends it here, early, late or twice
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "pairs.h"

#include "flow/operate.h"

/* --- as it ended there
 * ------------------------------------------------------------------------------------------ */

static void told(void *arg, int rc, const char *text)
{
	(void)text;
	*(int *)arg = rc;
}

/* M1 is in UA's custody, and its system has it or not. */
static struct pair handed_over(uint64_t seed, bool fetched, struct reply *r)
{
	struct pair p = make_pair(seed, "", "");
	*r = (struct reply){0};
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA", .expires_in = HOUR);
	world_run(p.w, SECOND);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "handed-over");
	if (fetched) {
		*r = world_fetch(p.ua, "system-ua", SECOND);
		assert_int_equal(r->status, 200);
	}
	return p;
}

/* The sender's broker learns it, and the sender, once, in the words of the broker where it happened. */
static void expect_end(struct pair *p, const char *state, const char *code)
{
	char wanted[64];
	snprintf(wanted, sizeof(wanted), "\"%s\"", code);
	assert_string_equal(world_state(p->ua, "BY", "M1", "UA"), state);
	assert_string_equal(world_state(p->by, "BY", "M1", "UA"), state);
	struct reply r = take_confirmations(p->by, "system-by", "BY");
	assert_string_equal(field(&r.body, "Kind"), "CoE");
	assert_string_equal(field(&r.body, "Sender"), "UA");
	assert_non_null(strstr(px_buf_str(&r.body), wanted));
	reply_free(&r);
	expect_status(world_fetch(p->by, "system-by", SECOND), 204);
}

/* It had arrived after all: the recipient's confirmation replaces what was told, at both brokers. */
static void supersede(struct pair *p, const struct reply *fetched, const char *coe, const char *state)
{
	expect_status(world_confirm(p->ua, "system-ua", "UA", fetched, coe), 204);
	world_run(p->w, 10 * SECOND);
	assert_string_equal(world_state(p->ua, "BY", "M1", "UA"), state);
	assert_string_equal(world_state(p->by, "BY", "M1", "UA"), state);
	struct reply r = take_confirmations(p->by, "system-by", "BY");
	assert_string_equal(field(&r.body, "Kind"), coe == NULL ? "CoD" : "CoE");
	assert_true(field(&r.body, "Supersedes")[0] != '\0');
	reply_free(&r);
}

static void test_expired_there(void **state)
{
	(void)state;
	struct reply r;
	struct pair p = handed_over(1, false, &r);
	world_run(p.w, HOUR + 10 * SECOND);
	expect_end(&p, "expired", "PX-EXPIRED");
	reply_free(&r);
	world_free(&p.w);
}

static void unknown_there(uint64_t seed, const char *coe, const char *then)
{
	struct reply r;
	struct pair p = handed_over(seed, true, &r);
	world_run(p.w, HOUR + 10 * SECOND);
	expect_end(&p, "unknown", "PX-UNKNOWN");
	supersede(&p, &r, coe, then);
	reply_free(&r);
	world_free(&p.w);
}

static void test_unknown_there_then_delivered(void **state)
{
	(void)state;
	unknown_there(2, NULL, "delivered");
}

static void test_unknown_there_then_refused(void **state)
{
	(void)state;
	unknown_there(3, "PX-SCHEMA-OTHER", "refused");
}

static void test_cancelled_there(void **state)
{
	(void)state;
	struct px_flow_which which = {.sender = "BY", .message_id = "M1"};
	struct reply r;
	struct pair p = handed_over(4, true, &r);
	int rc = 1;
	world_run(p.w, 3 * MINUTE); /* the lease is over */
	px_flow_cancel(p.ua->flow, &which, "", "lodged in error", "anna", told, &rc);
	world_run(p.w, 10 * SECOND);
	assert_int_equal(rc, PX_OK);
	expect_end(&p, "cancelled", "PX-CANCELLED");
	supersede(&p, &r, NULL, "delivered");
	reply_free(&r);
	world_free(&p.w);
}

/* --- a hub that fetches
 * ----------------------------------------------------------------------------------------- */

struct hub {
	struct world *w;
	struct node *by, *hu;
};

/* BY's hub fetches what it is to relay; to BY it posts. */
static struct hub make_hub(uint64_t seed)
{
	static const char *const trusted[] = {"BY", "UA", "HU", NULL};
	struct hub h = {.w = world_new(seed)};
	struct px_buf text = PX_BUF_INIT;
	conf_head(&text, "BY", trusted);
	conf_partner(&text, "system-by", "BY", "system", NULL, "");
	conf_partner(&text, "hub", "HU", "node", NULL, "relays-for = {\"UA\"} cod-wait = 80h");
	px_buf_adds(&text, "route \"hub\" { recipients = { \"UA\" } via = \"hub\" }\n");
	h.by = world_node(h.w, "BY", px_buf_str(&text));
	px_buf_clear(&text);
	conf_head(&text, "HU", trusted);
	conf_partner(&text, "node-by", "BY", "node", "https://by:1", "");
	conf_partner(&text, "system-ua", "UA", "system", NULL, "");
	h.hu = world_node(h.w, "HU", px_buf_str(&text));
	px_buf_free(&text);
	world_start(h.w);
	return h;
}

/* What the hub's program does: fetch, hand it to the hub, and confirm with what the hub answers; @later. */
static int carry(struct hub *h, int64_t later)
{
	struct reply r = world_fetch(h->by, "hub", SECOND);
	assert_int_equal(r.status, 200);
	struct reply proof = world_post(h->hu, "node-by", &r.body);
	assert_int_equal(proof.status, 201);
	world_run(h->w, later);
	struct reply end = world_confirm_with(h->by, "hub", r.delivery, &proof.body);
	int status = end.status;
	reply_free(&r);
	reply_free(&proof);
	reply_free(&end);
	return status;
}

static void expect_delivered(struct hub *h)
{
	assert_string_equal(take(h->hu, "system-ua", "UA"), "M1");
	world_run(h->w, 10 * SECOND);
	assert_string_equal(world_state(h->by, "BY", "M1", "UA"), "delivered");
}

static void test_hub_that_fetches(void **state)
{
	(void)state;
	struct hub h = make_hub(5);
	SEND(h.by, "system-by", .id = "M1", .recipients = "UA");
	assert_int_equal(carry(&h, 0), 204);
	assert_string_equal(world_state(h.by, "BY", "M1", "UA"), "handed-over");
	expect_delivered(&h);
	struct reply r = take_confirmations(h.by, "system-by", "BY");
	assert_string_equal(field(&r.body, "Kind"), "CoD");
	reply_free(&r);
	world_free(&h.w);
}

/* Custody that is confirmed after the end is none: it says nothing about the delivery. What does, counts. */
static void test_late_custody_ends_nothing(void **state)
{
	(void)state;
	struct hub h = make_hub(6);
	SEND(h.by, "system-by", .id = "M1", .recipients = "UA", .expires_in = HOUR);
	struct reply r = world_fetch(h.by, "hub", SECOND);
	struct reply proof = world_post(h.hu, "node-by", &r.body);
	struct reply at_ua = world_fetch(h.hu, "system-ua", SECOND);
	assert_int_equal(at_ua.status, 200);
	h.by->down = true; /* what the hub says about it comes later still */
	world_run(h.w, HOUR + 10 * SECOND);
	assert_string_equal(world_state(h.by, "BY", "M1", "UA"), "unknown");
	struct reply end = world_confirm_with(h.by, "hub", r.delivery, &proof.body);
	assert_int_equal(end.status, 409);
	assert_string_equal(world_state(h.by, "BY", "M1", "UA"), "unknown");
	expect_status(world_confirm(h.hu, "system-ua", "UA", &at_ua, NULL), 204);
	h.by->down = false;
	world_run(h.w, HOUR);
	assert_string_equal(world_state(h.by, "BY", "M1", "UA"), "delivered");
	reply_free(&r);
	reply_free(&proof);
	reply_free(&at_ua);
	reply_free(&end);
	world_free(&h.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_expired_there),
	    cmocka_unit_test(test_unknown_there_then_delivered),
	    cmocka_unit_test(test_unknown_there_then_refused),
	    cmocka_unit_test(test_cancelled_there),
	    cmocka_unit_test(test_hub_that_fetches),
	    cmocka_unit_test(test_late_custody_ends_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
