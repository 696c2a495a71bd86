/* prinex: confirmations on their way back: what is owed, to whom, and what is not
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "pairs.h"

#include "base/log.h"
#include "world_fakes.h"

static struct px_store_ops real;
static const char *unreadable; /* the group of this partner cannot be read */
static int settle_says;        /* not PX_OK: what the store answers to settlements that end something */

static void owed_damaged(struct px_store *st, const char *partner, const char *ref_sender, unsigned max,
			 uint64_t octets, px_owed_done *done, void *arg)
{
	if (strcmp(partner, unreadable) == 0)
		done(arg, PX_OK, 0, NULL);
	else
		real.owed(st, partner, ref_sender, max, octets, done, arg);
}

static void settle_fails(struct px_store *st, const struct px_settle *req, px_write_done *done, void *arg)
{
	if (settle_says != PX_OK && px_delivery_state_is_final(req->state))
		done(arg, settle_says);
	else
		real.settle(st, req, done, arg);
}

/* UA and PL send to BY's system; UA's confirmations cannot be read. PL still gets its own. */
static void test_damaged_group_holds_up_nobody(void **state)
{
	(void)state;
	static const char *const authorities[] = {"UA", "PL", NULL};
	struct world *w = world_new(1);
	struct node *by = lone_node(w, authorities, "");
	world_start(w);
	real = *by->store->ops;
	unreadable = "system-ua";
	world_patch(by)->owed = owed_damaged;
	SEND(by, "system-ua", .id = "U1", .recipients = "BY"); /* owed first */
	assert_string_equal(take(by, "system-by", "BY"), "U1");
	SEND(by, "system-pl", .id = "P1", .recipients = "BY");
	assert_string_equal(take(by, "system-by", "BY"), "P1");
	world_run(w, 5 * SECOND);
	struct reply r = take_confirmations(by, "system-pl", "PL");
	assert_string_equal(field(&r.body, "RefMessageId"), "P1");
	reply_free(&r);
	expect_status(world_fetch(by, "system-ua", SECOND), 204);
	assert_true(px_alarm_is_raised(by->alarms, PX_ALARM_QUARANTINE, "owed"));
	/* Repaired, it goes with whatever is owed next. */
	unreadable = "nobody";
	SEND(by, "system-pl", .id = "P2", .recipients = "BY");
	assert_string_equal(take(by, "system-by", "BY"), "P2");
	world_run(w, 5 * SECOND);
	r = take_confirmations(by, "system-ua", "UA");
	assert_string_equal(field(&r.body, "RefMessageId"), "U1");
	reply_free(&r);
	world_free(&w);
}

/* Nobody is told, and nothing journalled, about an end that did not happen. */
static void test_outcome_is_reported_when_stored(void **state)
{
	(void)state;
	static const char *const authorities[] = {"UA", NULL};
	struct world *w = world_new(2);
	struct node *by = lone_node(w, authorities, "");
	world_start(w);
	SEND(by, "system-ua", .id = "U1", .recipients = "BY");
	assert_string_equal(take(by, "system-by", "BY"), "U1");
	world_run(w, 2 * SECOND);
	struct reply r = world_fetch(by, "system-ua", SECOND);
	assert_string_equal(field(&r.body, "MessageType"), "Confirmations");
	unsigned before = world_journal(by, PX_J_OUTCOME);
	real = *by->store->ops;
	world_patch(by)->settle = settle_fails;
	settle_says = PX_ESTALE;
	expect_status(world_confirm(by, "system-ua", "UA", &r, "PX-SCHEMA-OTHER"), 409);
	assert_int_equal(world_journal(by, PX_J_OUTCOME), before);
	assert_false(px_alarm_is_raised(by->alarms, PX_ALARM_DELIVERY_FAILED, "system-ua"));
	reply_free(&r);
	world_free(&w);
}

/* How such an exchange ended is in the store when its end is, whatever becomes of the answer, and of the
 * process. */
static void test_outcome_is_stored_with_the_end(void **state)
{
	(void)state;
	static const char *const authorities[] = {"UA", NULL};
	struct px_store_sim_faults faults = {.unknown_per_mille = 1000}; /* half of them happened */
	for (uint64_t seed = 20; seed < 24; seed++) {
		struct world *w = world_new(seed);
		struct node *by = lone_node(w, authorities, "");
		world_start(w);
		world_run(w, SECOND);
		SEND(by, "system-by", .id = "M1", .recipients = "UA");
		assert_string_equal(take(by, "system-ua", "UA"), "M1");
		world_run(w, 71 * HOUR); /* nobody fetches the confirmation */
		assert_false(px_alarm_is_raised(by->alarms, PX_ALARM_DELIVERY_FAILED, "system-by"));
		px_store_sim_set_faults(by->store, &faults);
		world_run(w, 2 * HOUR);
		if (seed % 2 == 0)
			world_crash(by);
		px_store_sim_set_faults(by->store, NULL);
		world_run(w, HOUR);
		assert_true(px_alarm_is_raised(by->alarms, PX_ALARM_DELIVERY_FAILED, "system-by"));
		assert_int_equal(world_journal(by, PX_J_OUTCOME), 1);
		world_crash(by);
		world_run(w, SECOND);
		assert_true(px_alarm_is_raised(by->alarms, PX_ALARM_DELIVERY_FAILED, "system-by"));
		world_free(&w);
	}
}

/* A confirmation that is refused, or expires, ends there: journalled, alarmed, kept until somebody looked. */
static void test_no_confirmation_of_a_confirmation(void **state)
{
	(void)state;
	struct pair p = make_pair(3, "", "");
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA");
	world_run(p.w, 2 * SECOND);
	assert_string_equal(take(p.ua, "system-ua", "UA"), "M1");
	world_run(p.w, 5 * SECOND);
	struct reply r = world_fetch(p.by, "system-by", 2 * SECOND);
	expect_status(world_confirm(p.by, "system-by", "BY", &r, "PX-SCHEMA-OTHER"), 204);
	reply_free(&r);
	p.ua->posts = p.by->posts = 0;
	world_run(p.w, HOUR);
	assert_int_equal(p.ua->posts + p.by->posts, 0);
	expect_status(world_fetch(p.ua, "system-ua", SECOND), 204);
	assert_true(px_alarm_is_raised(p.by->alarms, PX_ALARM_DELIVERY_FAILED, "system-by"));
	assert_int_equal(world_journal(p.by, PX_J_OUTCOME), 1);
	world_crash(p.by);
	world_run(p.w, SECOND);
	assert_true(px_alarm_is_raised(p.by->alarms, PX_ALARM_DELIVERY_FAILED, "system-by"));
	/* One that cannot be delivered at all expires in the same way. */
	p.by->down = true;
	SEND(p.by, "system-by", .id = "M2", .recipients = "UA");
	world_run(p.w, 2 * SECOND);
	assert_string_equal(take(p.ua, "system-ua", "UA"), "M2");
	world_run(p.w, 73 * (int64_t)HOUR);
	assert_true(px_alarm_is_raised(p.ua->alarms, PX_ALARM_DELIVERY_FAILED, "node-by"));
	expect_status(world_fetch(p.ua, "system-ua", SECOND), 204);
	world_free(&p.w);
}

/* Outcomes of one moment travel together, at most a hundred to an exchange. */
static void test_gathered(void **state)
{
	(void)state;
	static const char *const authorities[] = {"UA", NULL};
	struct world *w = world_new(4);
	struct node *by = lone_node(w, authorities, "");
	struct reply fetched[130];
	char id[16];
	world_start(w);
	for (int i = 0; i < 130; i++) {
		snprintf(id, sizeof(id), "M%03d", i);
		SEND(by, "system-ua", .id = id, .recipients = "BY");
	}
	for (int i = 0; i < 130; i++)
		fetched[i] = world_fetch(by, "system-by", 0);
	real = *by->store->ops;
	unreadable = "system-ua"; /* so that all are there when gathering begins */
	world_patch(by)->owed = owed_damaged;
	for (int i = 0; i < 130; i++) {
		expect_status(world_confirm(by, "system-by", "BY", &fetched[i], NULL), 204);
		reply_free(&fetched[i]);
	}
	unreadable = "nobody";
	world_crash(by);
	world_run(w, 2 * SECOND);
	unsigned entries[2] = {0};
	for (int k = 0; k < 2; k++) {
		struct reply r = take_confirmations(by, "system-ua", "UA");
		for (const char *at = px_buf_str(&r.body); (at = strstr(at, "<px:Kind>CoD<")) != NULL; at++)
			entries[k]++;
		reply_free(&r);
	}
	assert_int_equal(entries[0], 100);
	assert_int_equal(entries[1], 30);
	world_free(&w);
}

/* One message to three: each its own fate, each told once, each with its own evidence. */
static void test_fan_out_has_independent_outcomes(void **state)
{
	(void)state;
	static const char *const authorities[] = {"UA", "PL", "MD", NULL};
	struct world *w = world_new(5);
	struct node *by = lone_node(w, authorities, "");
	world_start(w);
	struct reply r = world_send(by, "system-by",
				    &(struct msg){.id = "M1", .recipients = "UA PL MD", .expires_in = HOUR});
	assert_int_equal(r.status, 201);
	for (const char *const *a = authorities; *a != NULL; a++) {
		char wanted[64];
		snprintf(wanted, sizeof(wanted), "<px:Recipient>%s</px:Recipient>", *a);
		assert_non_null(strstr(px_buf_str(&r.body), wanted));
	}
	reply_free(&r);
	assert_string_equal(take(by, "system-ua", "UA"), "M1");
	r = world_fetch(by, "system-pl", SECOND);
	expect_status(world_confirm(by, "system-pl", "PL", &r, "PX-SCHEMA-OTHER"), 204);
	reply_free(&r);
	world_run(w, HOUR + 5 * SECOND);
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "delivered");
	assert_string_equal(world_state(by, "BY", "M1", "PL"), "refused");
	assert_string_equal(world_state(by, "BY", "M1", "MD"), "expired");
	unsigned cod = 0, refused = 0, expired = 0, evidence = 0;
	while ((r = world_fetch(by, "system-by", SECOND)).status == 200) {
		for (const char *at = px_buf_str(&r.body); (at = strstr(at, "<px:Confirmation>")) != NULL;
		     at++) {
			const char *end = strstr(at, "</px:Confirmation>");
			struct px_buf one = PX_BUF_INIT;
			px_buf_add(&one, at, (size_t)(end - at));
			cod += strcmp(field(&one, "Kind"), "CoD") == 0 &&
			       strcmp(field(&one, "Recipient"), "UA") == 0;
			refused += strstr(px_buf_str(&one), "PX-REFUSED") != NULL &&
				   strcmp(field(&one, "Recipient"), "PL") == 0;
			expired += strstr(px_buf_str(&one), "PX-EXPIRED") != NULL &&
				   strcmp(field(&one, "Recipient"), "MD") == 0;
			evidence += field(&one, "Evidence")[0] != '\0';
			px_buf_free(&one);
		}
		expect_status(world_confirm(by, "system-by", "BY", &r, NULL), 204);
		reply_free(&r);
	}
	reply_free(&r);
	assert_int_equal(cod, 1);
	assert_int_equal(refused, 1);
	assert_int_equal(expired, 1);
	assert_int_equal(evidence, 2); /* what expired has none */
	world_free(&w);
}

/* What the partner signed is what the sender gets, octet for octet. */
static void test_refusal_carries_the_partners_own_evidence(void **state)
{
	(void)state;
	static const char *const trusted[] = {"BY", "UA", NULL};
	struct world *w = world_new(6);
	struct px_buf text = PX_BUF_INIT, answer = PX_BUF_INIT, doc = PX_BUF_INIT, base64 = PX_BUF_INIT;
	conf_head(&text, "BY", trusted);
	conf_partner(&text, "system-by", "BY", "system", NULL, "");
	conf_partner(&text, "system-ua", "UA", "system", "https://ua:1", "");
	struct node *by = world_node(w, "BY", px_buf_str(&text));
	px_buf_clear(&text);
	conf_head(&text, "UA", trusted);
	struct node *ua = world_node(w, "UA", px_buf_str(&text));
	world_start(w);
	world_compose(by, "system-by", &(struct msg){.id = "M1", .recipients = "UA"}, &doc);
	struct px_body *body = px_body_copy(doc.data, doc.len);
	fakes_answer(&answer, body, "UA", "PX-SCHEMA-OTHER", 1);
	ua->answer_status = 422;
	ua->answer_text = px_buf_str(&answer);
	expect_status(world_post(by, "system-by", &doc), 201);
	world_run(w, 3 * SECOND);
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "refused");
	struct reply r = take_confirmations(by, "system-by", "BY");
	px_base64(&base64, answer.data, answer.len);
	assert_non_null(strstr(px_buf_str(&r.body), px_buf_str(&base64)));
	reply_free(&r);
	px_body_unref(&body);
	px_buf_free(&base64);
	px_buf_free(&answer);
	px_buf_free(&doc);
	px_buf_free(&text);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_damaged_group_holds_up_nobody),
	    cmocka_unit_test(test_outcome_is_reported_when_stored),
	    cmocka_unit_test(test_outcome_is_stored_with_the_end),
	    cmocka_unit_test(test_no_confirmation_of_a_confirmation),
	    cmocka_unit_test(test_gathered),
	    cmocka_unit_test(test_fan_out_has_independent_outcomes),
	    cmocka_unit_test(test_refusal_carries_the_partners_own_evidence),
	};
	px_log_set_level(getenv("PX_LOG") != NULL ? PX_LOG_DEBUG : PX_LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
