/* prinex: taking messages: duplicates of every fate, reloads, rates, a full store, what is coming
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "pairs.h"

#include "base/log.h"
#include "flow/operate.h"

static const char *const ua_alone[] = {"UA", NULL};

/* Post @doc again: 200 with the octets of the first answer, and nothing moves. */
static void expect_same(struct node *n, const struct px_buf *doc, const struct reply *first)
{
	struct reply again = world_post(n, "system-by", doc);
	assert_int_equal(again.status, 200);
	assert_int_equal(again.body.len, first->body.len);
	assert_memory_equal(again.body.data, first->body.data, first->body.len);
	reply_free(&again);
}

/* W5.10: whatever has become of it, the same octets are answered with the stored CoA and delivered no more.
 */
static void test_duplicate_of_every_fate(void **state)
{
	(void)state;
	struct world *w = world_new(1);
	struct node *by = lone_node(w, ua_alone, "");
	static const char *const fates[] = {"delivered", "refused", "expired", "unknown"};
	world_start(w);
	for (int i = 0; i < 4; i++) {
		struct px_buf doc = PX_BUF_INIT;
		char id[16];
		snprintf(id, sizeof(id), "M%d", i);
		world_compose(by, "system-by",
			      &(struct msg){.id = id, .recipients = "UA", .expires_in = HOUR}, &doc);
		struct reply first = world_post(by, "system-by", &doc);
		assert_int_equal(first.status, 201);
		expect_same(by, &doc, &first); /* while it waits */
		struct reply fetched = {0};
		if (i != 2)
			fetched = world_fetch(by, "system-ua", SECOND);
		expect_same(by, &doc, &first); /* while it is with the recipient */
		if (i < 2)
			expect_status(
			    world_confirm(by, "system-ua", "UA", &fetched, i == 1 ? "PX-SCHEMA-OTHER" : NULL),
			    204);
		world_run(w, HOUR + 5 * SECOND);
		assert_string_equal(world_state(by, "BY", id, "UA"), fates[i]);
		expect_same(by, &doc, &first);
		expect_status(world_fetch(by, "system-ua", SECOND), 204);
		unsigned told = 0;
		struct reply r;
		while ((r = world_fetch(by, "system-by", SECOND)).status == 200) {
			told++;
			expect_status(world_confirm(by, "system-by", "BY", &r, NULL), 204);
			reply_free(&r);
		}
		reply_free(&r);
		assert_int_equal(told, 1); /* the outcome is told once, however often it was sent */
		reply_free(&fetched);
		reply_free(&first);
		px_buf_free(&doc);
	}
	world_free(&w);
}

static void replied(void *arg, const struct px_flow_answer *a)
{
	struct reply *r = arg;
	assert_false(r->done);
	r->done = true;
	r->status = a->status;
	px_buf_add(&r->body, a->body, a->len);
}

static void post_begin(struct node *n, const char *partner, const struct px_buf *doc, struct reply *r)
{
	struct px_body *body = px_body_copy(doc->data, doc->len);
	*r = (struct reply){0};
	px_flow_receive(n->flow, n->gen, px_conf_partner(n->conf, partner), body, replied, r);
	px_body_unref(&body);
}

/* Both are being inspected at the same time, for so long. */
static void post_twice(struct world *w, struct node *by, const struct px_buf *doc, int64_t ms,
		       struct reply *a, struct reply *b)
{
	by->hold_inspections = true;
	post_begin(by, "system-by", doc, a);
	post_begin(by, "system-by", doc, b);
	world_run(w, ms);
	assert_false(a->done || b->done);
	by->hold_inspections = false;
	world_run(w, SECOND);
	assert_true(a->done && b->done);
}

/* Sent again while the first is still being inspected: one is accepted, the other told the same. */
static void test_duplicate_of_one_being_processed(void **state)
{
	(void)state;
	struct world *w = world_new(2);
	struct node *by = lone_node(w, ua_alone, "");
	struct px_buf doc = PX_BUF_INIT;
	struct reply a, b;
	world_start(w);
	world_compose(by, "system-by", &(struct msg){.id = "M1", .recipients = "UA"}, &doc);
	post_twice(w, by, &doc, SECOND, &a, &b);
	assert_int_equal(PX_MIN(a.status, b.status), 200);
	assert_int_equal(PX_MAX(a.status, b.status), 201);
	assert_int_equal(a.body.len, b.body.len);
	assert_memory_equal(a.body.data, b.body.data, a.body.len);
	assert_string_equal(take(by, "system-ua", "UA"), "M1");
	expect_status(world_fetch(by, "system-ua", SECOND), 204);
	reply_free(&a);
	reply_free(&b);
	px_buf_free(&doc);
	world_free(&w);
}

/* Two copies whose time runs out while they are inspected: as long as there is another, which might have been
 * in time, none is refused for good. The last one is. */
static void test_copies_that_come_too_late(void **state)
{
	(void)state;
	struct world *w = world_new(2);
	struct node *by = lone_node(w, ua_alone, "");
	struct px_buf doc = PX_BUF_INIT;
	struct reply a, b;
	world_start(w);
	world_compose(by, "system-by",
		      &(struct msg){.id = "M1", .recipients = "UA", .expires_in = 5 * SECOND}, &doc);
	post_twice(w, by, &doc, 6 * SECOND, &a, &b);
	assert_int_equal(PX_MIN(a.status, b.status), 422);
	assert_int_equal(PX_MAX(a.status, b.status), 503);
	reply_free(&a);
	reply_free(&b);
	px_buf_free(&doc);
	world_free(&w);
}

/* --- reload
 * -------------------------------------------------------------------------------------------------- */

/* What a node like lone_node's is configured with, but its own system is @name of @authority with @uri. */
static void reload_as(struct node *n, const char *name, const char *authority, const char *more)
{
	static const char *const trusted[] = {"BY", "UA", "PL", NULL};
	struct px_buf text = PX_BUF_INIT;
	conf_head(&text, "BY", trusted);
	conf_partner(&text, name, authority, "system", NULL, more);
	conf_partner(&text, "system-ua", "UA", "system", NULL, "");
	world_reload(n, px_buf_str(&text));
	px_buf_free(&text);
}

/* The TLS identity of a connection was proved for a block that is not the same any more. */
static void test_reload_while_a_message_is_inspected(void **state)
{
	(void)state;
	static const struct {
		const char *name, *authority, *more;
		int status;
	} cases[] = {
	    {"system-by", "BY", "in-flight = 4", 201}, /* the same partner */
	    {"system-by", "PL", "", 403},              /* the name is somebody else's now */
	    {"system-by", "BY", "uri = \"urn:prinex:BY:system:new\"", 403}, /* another machine */
	    {"system-new", "BY", "", 403},                                  /* it is gone */
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(cases); i++) {
		struct world *w = world_new(3);
		struct node *by = lone_node(w, ua_alone, "");
		struct px_buf doc = PX_BUF_INIT;
		struct reply r;
		world_start(w);
		world_compose(by, "system-by", &(struct msg){.id = "M1", .recipients = "UA"}, &doc);
		by->hold_inspections = true;
		post_begin(by, "system-by", &doc, &r);
		world_run(w, SECOND);
		reload_as(by, cases[i].name, cases[i].authority, cases[i].more);
		by->hold_inspections = false;
		world_run(w, SECOND);
		assert_true(r.done);
		if (r.status != cases[i].status)
			fail_msg("case %zu: %d %s", i, r.status, px_buf_str(&r.body));
		assert_string_equal(world_state(by, "BY", "M1", "UA"),
				    cases[i].status == 201 ? "queued" : "none");
		reply_free(&r);
		px_buf_free(&doc);
		world_free(&w);
	}
}

/* Deliveries to a partner that a reload took away are held and alarmed; with the partner they go on. */
static void test_partner_that_is_gone(void **state)
{
	(void)state;
	struct world *w = world_new(4);
	struct node *by = lone_node(w, ua_alone, "");
	static const char *const trusted[] = {"BY", "UA", NULL};
	struct px_buf without = PX_BUF_INIT;
	world_start(w);
	SEND(by, "system-by", .id = "M1", .recipients = "UA");
	SEND(by, "system-by", .id = "M2", .recipients = "UA", .expires_in = HOUR);
	conf_head(&without, "BY", trusted);
	conf_partner(&without, "system-by", "BY", "system", NULL, "");
	world_reload(by, px_buf_str(&without));
	world_run(w, 10 * SECOND);
	assert_true(px_alarm_is_raised(by->alarms, PX_ALARM_PARTNER_GONE, "system-ua"));
	world_run(w, HOUR);
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "queued");
	assert_string_equal(world_state(by, "BY", "M2", "UA"), "expired"); /* they end by age */
	reload_as(by, "system-by", "BY", "");
	assert_string_equal(take(by, "system-ua", "UA"), "M1");
	world_run(w, 10 * SECOND);
	assert_false(px_alarm_is_raised(by->alarms, PX_ALARM_PARTNER_GONE, "system-ua"));
	px_buf_free(&without);
	world_free(&w);
}

/* --- overload
 * ------------------------------------------------------------------------------------------------ */

static void test_rate(void **state)
{
	(void)state;
	struct world *w = world_new(5);
	struct px_buf more = PX_BUF_INIT;
	conf_partner(&more, "system-pl", "PL", "system", NULL, "rate = 6");
	static const char *const trusted[] = {"BY", "UA", "PL", NULL};
	struct px_buf text = PX_BUF_INIT;
	conf_head(&text, "BY", trusted);
	conf_partner(&text, "system-by", "BY", "system", NULL, "");
	conf_partner(&text, "system-ua", "UA", "system", NULL, "");
	px_buf_adds(&text, px_buf_str(&more));
	struct node *by = world_node(w, "BY", px_buf_str(&text));
	char id[16];
	unsigned taken = 0;
	world_start(w);
	for (int i = 0; i < 200; i++) { /* ten minutes, one every three seconds: 20 a minute */
		snprintf(id, sizeof(id), "P%d", i);
		struct reply r = world_send(by, "system-pl", &(struct msg){.id = id, .recipients = "UA"});
		assert_true(r.status == 201 || r.status == 429);
		taken += r.status == 201;
		reply_free(&r);
		snprintf(id, sizeof(id), "B%d", i);
		SEND(by, "system-by", .id = id, .recipients = "UA"); /* others are not affected */
		world_run(w, 3 * SECOND - 100);
	}
	assert_true(taken >= 6 + 9 * 6 && taken <= 6 + 10 * 6 + 1);
	px_buf_free(&more);
	px_buf_free(&text);
	world_free(&w);
}

static struct px_store_ops real;
static int accept_says;
static px_accept_done *refused; /* told by the next dispatch, as the contract says */
static void *refused_arg;

static void accept_fails(struct px_store *st, const struct px_accept *req, px_accept_done *done, void *arg)
{
	if (accept_says == PX_OK) {
		real.accept(st, req, done, arg);
		return;
	}
	assert_null(refused);
	refused = done;
	refused_arg = arg;
}

static void dispatch_refusal(struct px_store *st)
{
	px_accept_done *done = refused;
	refused = NULL;
	if (done != NULL)
		done(refused_arg, &(struct px_accept_result){.rc = accept_says});
	real.dispatch(st);
}

/* 503: nothing was judged, the same octets are taken later. Deliveries go on meanwhile. */
static void test_store_that_takes_nothing(void **state)
{
	(void)state;
	struct world *w = world_new(6);
	struct node *by = lone_node(w, ua_alone, "");
	struct px_buf doc = PX_BUF_INIT;
	static const int results[] = {PX_EBUSY, PX_EFULL, PX_EUNKNOWN, PX_ECORRUPT};
	world_start(w);
	SEND(by, "system-by", .id = "M0", .recipients = "UA");
	world_compose(by, "system-by", &(struct msg){.id = "M1", .recipients = "UA"}, &doc);
	real = *by->store->ops;
	world_patch(by)->accept = accept_fails;
	world_patch(by)->dispatch = dispatch_refusal;
	for (size_t i = 0; i < PX_ARRAY_LEN(results); i++) {
		accept_says = results[i];
		expect_status(world_post(by, "system-by", &doc), 503);
		assert_true(px_alarm_is_raised(by->alarms, PX_ALARM_DISK, "") || results[i] != PX_EFULL);
	}
	assert_string_equal(take(by, "system-ua", "UA"), "M0");
	accept_says = PX_OK;
	expect_status(world_post(by, "system-by", &doc), 201);
	assert_false(px_alarm_is_raised(by->alarms, PX_ALARM_DISK, ""));
	px_buf_free(&doc);
	world_free(&w);
}

/* --- what the store is told of what is coming
 * ------------------------------------------------------------------------------------------------ */

static unsigned coming; /* with the last acceptance */
static bool patient;    /* the last settlement */

static void accept_noted(struct px_store *st, const struct px_accept *req, px_accept_done *done, void *arg)
{
	coming = req->coming;
	real.accept(st, req, done, arg);
}

static void settle_noted(struct px_store *st, const struct px_settle *req, px_write_done *done, void *arg)
{
	patient = req->patient;
	real.settle(st, req, done, arg);
}

static void ignore(void *arg, int rc, const char *text)
{
	(void)arg;
	(void)text;
	assert_int_equal(rc, PX_OK);
}

static void attempt(struct pair *p)
{
	static const struct px_flow_which m1 = {.sender = "BY", .message_id = "M1"};
	unsigned posts = p->ua->posts;
	px_flow_retry(p->by->flow, &m1, ignore, NULL);
	world_run(p->w, SECOND);
	assert_int_equal(p->ua->posts, posts + 1);
}

/* Four are inspected at the same time, of which one is broken. */
static void post_some(struct pair *p, const char *const ids[4], const char *body, struct px_buf docs[4],
		      struct reply r[4])
{
	p->by->hold_inspections = true;
	for (int i = 0; i < 4; i++) {
		docs[i] = (struct px_buf)PX_BUF_INIT;
		world_compose(p->by, "system-by",
			      &(struct msg){.id = ids[i], .recipients = "UA", .broken = i == 2, .body = body},
			      &docs[i]);
		post_begin(p->by, "system-by", &docs[i], &r[i]);
	}
	world_run(p->w, SECOND);
}

static void finish_posts(struct pair *p, struct px_buf docs[4], struct reply r[4])
{
	p->by->hold_inspections = false;
	world_run(p->w, SECOND);
	for (int i = 0; i < 4; i++) {
		expect_status(r[i], i == 2 ? 422 : 201);
		px_buf_free(&docs[i]);
	}
}

/* A settlement may wait for acceptances while some are coming, and only then: with nothing to go with, it
 * would only hold up the next attempt. However inspections end, they are not counted any more. */
static void test_what_is_coming(void **state)
{
	(void)state;
	static const char *const small[] = {"N0", "N1", "N2", "N3"}, *const large[] = {"L0", "L1", "L2",
										       "L3"};
	static char text[70000]; /* takes so long to inspect that nothing should wait for it */
	struct pair p = make_pair(7, "in-flight = 1", "");
	struct px_buf docs[4];
	struct reply r[4];
	real = *p.by->store->ops;
	world_patch(p.by)->accept = accept_noted;
	world_patch(p.by)->settle = settle_noted;
	p.ua->answer_status = 503; /* needs no inspection */
	patient = true;
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA");
	world_run(p.w, SECOND);
	assert_int_equal(p.ua->posts, 1);
	assert_false(patient);
	assert_int_equal(coming, 0);
	post_some(&p, small, "", docs, r);
	attempt(&p);
	assert_true(patient);
	finish_posts(&p, docs, r);
	patient = true;
	attempt(&p);
	assert_false(patient);
	memset(text, 'x', sizeof(text) - 1);
	post_some(&p, large, text, docs, r);
	patient = true;
	attempt(&p);
	assert_false(patient);
	finish_posts(&p, docs, r);
	coming = 9;
	SEND(p.by, "system-by", .id = "M2", .recipients = "UA");
	assert_int_equal(coming, 0);
	world_free(&p.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_duplicate_of_every_fate),
	    cmocka_unit_test(test_duplicate_of_one_being_processed),
	    cmocka_unit_test(test_copies_that_come_too_late),
	    cmocka_unit_test(test_reload_while_a_message_is_inspected),
	    cmocka_unit_test(test_partner_that_is_gone),
	    cmocka_unit_test(test_rate),
	    cmocka_unit_test(test_store_that_takes_nothing),
	    cmocka_unit_test(test_what_is_coming),
	};
	px_log_set_level(getenv("PX_LOG") != NULL ? PX_LOG_DEBUG : PX_LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
