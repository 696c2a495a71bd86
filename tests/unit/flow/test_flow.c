/* prinex: flow as a whole, on simulated nodes: promises that partners would miss
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/log.h"
#include "base/strings.h"
#include "flow/confirm.h"
#include "pairs.h"
#include "world_fakes.h"

/* --- the main job
 * -------------------------------------------------------------------------------------------- */

static void test_end_to_end(void **state)
{
	(void)state;
	struct pair p = make_pair(1, "", "");
	struct reply r =
	    world_send(p.by, "system-by", &(struct msg){.id = "M1", .recipients = "UA", .lrn = "L1"});
	assert_int_equal(r.status, 201);
	assert_string_equal(field(&r.body, "Kind"), "CoA");
	assert_string_equal(field(&r.body, "CodFollows"), "true");
	assert_string_equal(field(&r.body, "Recipient"), "UA");
	reply_free(&r);
	world_run(p.w, SECOND);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "handed-over");
	assert_string_equal(take(p.ua, "system-ua", "UA"), "M1");
	world_run(p.w, 5 * SECOND);
	assert_string_equal(world_state(p.ua, "BY", "M1", "UA"), "delivered");
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "delivered");

	/* The proof comes back to the sender: UA's CoD with UA's system's CoA inside, and it ends there. */
	r = world_fetch(p.by, "system-by", 2 * SECOND);
	assert_int_equal(r.status, 200);
	assert_string_equal(field(&r.body, "MessageType"), "Confirmations");
	assert_string_equal(field(&r.body, "Sender"), "UA");
	assert_string_equal(field(&r.body, "Kind"), "CoD");
	assert_string_equal(field(&r.body, "RefMessageId"), "M1");
	assert_true(field(&r.body, "Evidence")[0] != '\0');
	expect_status(world_confirm(p.by, "system-by", "BY", &r, NULL), 204);
	reply_free(&r);
	world_run(p.w, 10 * SECOND);
	expect_status(world_fetch(p.by, "system-by", SECOND), 204);
	expect_status(world_fetch(p.ua, "system-ua", SECOND), 204);
	world_free(&p.w);
}

static void test_duplicate_conflict_refused(void **state)
{
	(void)state;
	struct pair p = make_pair(2, "", "");
	struct px_buf doc = PX_BUF_INIT;
	world_compose(p.by, "system-by", &(struct msg){.id = "M1", .recipients = "UA"}, &doc);
	struct reply first = world_post(p.by, "system-by", &doc), again = world_post(p.by, "system-by", &doc);
	assert_int_equal(first.status, 201);
	assert_int_equal(again.status, 200);
	assert_int_equal(first.body.len, again.body.len);
	assert_memory_equal(first.body.data, again.body.data, first.body.len);
	reply_free(&first);
	reply_free(&again);
	expect_code(
	    world_send(p.by, "system-by", &(struct msg){.id = "M1", .recipients = "UA", .body = "other"}),
	    409, "PX-ID-CONFLICT");
	/* A refused message occupies no id. */
	expect_code(
	    world_send(p.by, "system-by", &(struct msg){.id = "M2", .recipients = "UA", .broken = true}), 422,
	    "PX-SCHEMA-OTHER");
	expect_status(world_send(p.by, "system-by", &(struct msg){.id = "M2", .recipients = "UA"}), 201);
	world_run(p.w, 2 * SECOND);
	assert_string_equal(take(p.ua, "system-ua", "UA"), "M1");
	assert_string_equal(take(p.ua, "system-ua", "UA"), "M2");
	expect_status(world_fetch(p.ua, "system-ua", SECOND), 204);
	px_buf_free(&doc);
	world_free(&p.w);
}

static void test_who_and_when(void **state)
{
	(void)state;
	struct pair p = make_pair(3, "", "");
	expect_code(
	    world_send(p.by, "system-by", &(struct msg){.id = "A", .sender = "UA", .recipients = "BY"}), 403,
	    "PX-PEER-SENDER");
	expect_code(
	    world_send(p.by, "system-by", &(struct msg){.id = "B", .recipients = "UA", .signed_by = "UA"}),
	    422, "PX-CERT-IDENTITY");
	expect_code(world_send(p.by, "system-by",
			       &(struct msg){.id = "C", .recipients = "UA", .type = "Confirmations"}),
		    403, "PX-PEER-ROLE");
	expect_code(
	    world_send(p.by, "system-by",
		       &(struct msg){.id = "D", .recipients = "UA", .created_ago = 31 * 24 * (int64_t)HOUR}),
	    422, "PX-TIME-PAST");
	expect_code(world_send(p.by, "system-by",
			       &(struct msg){.id = "E", .recipients = "UA", .created_ago = -6 * MINUTE}),
		    422, "PX-TIME-FUTURE");
	expect_code(
	    world_send(p.by, "system-by", &(struct msg){.id = "F", .recipients = "UA", .expires_in = -1000}),
	    422, "PX-TIME-EXPIRED");
	expect_code(world_send(p.by, "system-by", &(struct msg){.id = "G", .recipients = "PL"}), 422,
		    "PX-ROUTE");
	expect_code(world_send(p.by, "system-by", &(struct msg){.id = "H"}), 422, "PX-ROUTE");
	expect_code(world_send(p.by, "system-by", &(struct msg){.id = "I", .recipients = "BY"}), 422,
		    "PX-ROUTE");
	expect_code(
	    world_send(p.by, "system-by", &(struct msg){.id = "J", .recipients = "UA", .type = "External"}),
	    422, "PX-ROUTE-DOMAIN");
	expect_status(world_fetch(p.ua, "system-ua", SECOND), 204);
	world_free(&p.w);
}

static void test_routes(void **state)
{
	(void)state;
	struct pair p = make_pair(
	    4, "", "route \"south\" { destinations = \"UA\" recipients = \"UA\" allow = external }\n");
	struct reply r =
	    world_send(p.by, "system-by", &(struct msg){.id = "M1", .destination = "UA", .type = "External"});
	assert_int_equal(r.status, 201);
	assert_string_equal(field(&r.body, "Recipient"), "UA");
	assert_string_equal(field(&r.body, "Route"), "south");
	reply_free(&r);
	expect_code(world_send(p.by, "system-by", &(struct msg){.id = "M2", .destination = "RO"}), 422,
		    "PX-ROUTE");
	world_run(p.w, 2 * SECOND);
	assert_string_equal(take(p.ua, "system-ua", "UA"), "M1");
	world_free(&p.w);
}

static void test_ping_stops_before_the_back_end(void **state)
{
	(void)state;
	struct pair p = make_pair(5, "", "");
	expect_status(
	    world_send(p.by, "system-by", &(struct msg){.id = "P1", .recipients = "UA", .type = "Ping"}),
	    201);
	world_run(p.w, 5 * SECOND);
	assert_string_equal(world_state(p.by, "BY", "P1", "UA"), "delivered");
	expect_status(world_fetch(p.ua, "system-ua", SECOND), 204);
	struct reply r = world_fetch(p.by, "system-by", 2 * SECOND);
	assert_string_equal(field(&r.body, "Kind"), "CoD");
	reply_free(&r);
	world_free(&p.w);
}

/* --- refusal, expiry
 * ----------------------------------------------------------------------------------------- */

static void test_refused_by_the_recipient(void **state)
{
	(void)state;
	struct pair p = make_pair(6, "", "");
	expect_status(
	    world_send(p.by, "system-by", &(struct msg){.id = "M1", .recipients = "UA", .lrn = "L"}), 201);
	expect_status(
	    world_send(p.by, "system-by", &(struct msg){.id = "M2", .recipients = "UA", .lrn = "L"}), 201);
	world_run(p.w, 2 * SECOND);
	struct reply r = world_fetch(p.ua, "system-ua", SECOND);
	expect_status(world_confirm(p.ua, "system-ua", "UA", &r, "PX-SCHEMA-OTHER"), 204);
	reply_free(&r);
	/* The next of the movement is released. */
	assert_string_equal(take(p.ua, "system-ua", "UA"), "M2");
	world_run(p.w, 5 * SECOND);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "refused");
	r = world_fetch(p.by, "system-by", SECOND);
	assert_string_equal(field(&r.body, "Kind"), "CoE");
	assert_string_equal(field(&r.body, "RefMessageId"), "M1");
	assert_non_null(strstr(px_buf_str(&r.body), "PX-REFUSED"));
	assert_true(field(&r.body, "Evidence")[0] != '\0');
	reply_free(&r);
	world_free(&p.w);
}

static void test_expires_when_never_sent(void **state)
{
	(void)state;
	struct pair p = make_pair(7, "", "");
	p.ua->down = true;
	expect_status(world_send(p.by, "system-by",
				 &(struct msg){.id = "M1", .recipients = "UA", .expires_in = 2 * HOUR}),
		      201);
	world_run(p.w, HOUR);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "queued");
	struct px_link_state link;
	px_flow_link(p.by->flow, "node-ua", &link);
	assert_int_not_equal(link.link, PX_LINK_UP);
	assert_true(px_alarm_is_raised(p.by->alarms, PX_ALARM_PARTNER_DOWN, "node-ua"));
	world_run(p.w, HOUR + 5 * SECOND);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "expired");
	struct reply r = world_fetch(p.by, "system-by", 2 * SECOND);
	assert_string_equal(field(&r.body, "Kind"), "CoE");
	assert_non_null(strstr(px_buf_str(&r.body), "PX-EXPIRED"));
	reply_free(&r);
	world_free(&p.w);
}

static void test_unknown_when_sent_but_unanswered(void **state)
{
	(void)state;
	struct pair p = make_pair(8, "maximum-age = 1h", "");
	p.ua->lose_answers = true;
	expect_status(world_send(p.by, "system-by", &(struct msg){.id = "M1", .recipients = "UA"}), 201);
	world_run(p.w, HOUR + 5 * SECOND);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "unknown");
	struct reply r = world_fetch(p.by, "system-by", 2 * SECOND);
	assert_non_null(strstr(px_buf_str(&r.body), "PX-UNKNOWN"));
	reply_free(&r);
	/* It had arrived: the late CoD supersedes. */
	p.ua->lose_answers = false;
	assert_string_equal(take(p.ua, "system-ua", "UA"), "M1");
	world_run(p.w, 10 * SECOND);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "delivered");
	world_free(&p.w);
}

/* --- faults of the partner
 * ----------------------------------------------------------------------------------- */

static void test_lost_answer_delivers_once(void **state)
{
	(void)state;
	struct pair p = make_pair(9, "", "");
	p.ua->lose_answers = true;
	expect_status(world_send(p.by, "system-by", &(struct msg){.id = "M1", .recipients = "UA"}), 201);
	world_run(p.w, 2 * MINUTE);
	assert_true(p.ua->posts >= 3);
	p.ua->lose_answers = false;
	world_run(p.w, 20 * MINUTE);
	assert_string_equal(take(p.ua, "system-ua", "UA"), "M1");
	expect_status(world_fetch(p.ua, "system-ua", SECOND), 204);
	world_run(p.w, 5 * SECOND);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "delivered");
	world_free(&p.w);
}

static void test_backlog_flows_in_order_when_back(void **state)
{
	(void)state;
	struct pair p = make_pair(10, "", "");
	p.ua->down = true;
	char id[16], want[16];
	for (int i = 0; i < 40; i++) {
		snprintf(id, sizeof(id), "M%02d", i);
		expect_status(
		    world_send(p.by, "system-by",
			       &(struct msg){.id = id, .recipients = "UA", .lrn = i % 2 ? "ODD" : "EVEN"}),
		    201);
	}
	world_run(p.w, 3 * HOUR);
	p.ua->down = false;
	world_run(p.w, 20 * MINUTE); /* the next probe is at most 15 minutes away; then everything flows */
	int last[2] = {-1, -1};
	for (int i = 0; i < 40; i++) {
		px_strlcpy(want, take(p.ua, "system-ua", "UA"), sizeof(want));
		int number = (want[1] - '0') * 10 + want[2] - '0';
		assert_true(want[0] == 'M' && number > last[number % 2]);
		last[number % 2] = number;
	}
	assert_false(px_alarm_is_raised(p.by->alarms, PX_ALARM_PARTNER_DOWN, "node-ua"));
	world_free(&p.w);
}

static void test_proxy_refuses_nothing(void **state)
{
	(void)state;
	struct pair p = make_pair(11, "", "");
	p.ua->answer_status = 404;
	char id[16];
	for (int i = 0; i < 10; i++) {
		snprintf(id, sizeof(id), "M%d", i);
		expect_status(world_send(p.by, "system-by", &(struct msg){.id = id, .recipients = "UA"}),
			      201);
	}
	world_run(p.w, HOUR);
	assert_true(px_alarm_is_raised(p.by->alarms, PX_ALARM_PARTNER_MISBEHAVES, "node-ua"));
	assert_string_equal(world_state(p.by, "BY", "M7", "UA"), "queued");
	/* Held to one probe at a time: far fewer posts than ten deliveries retrying on their own would make.
	 */
	assert_true(p.ua->posts < 60);
	p.ua->answer_status = 0;
	world_run(p.w, 20 * MINUTE);
	for (int i = 0; i < 10; i++)
		assert_true(take(p.ua, "system-ua", "UA")[0] == 'M');
	world_free(&p.w);
}

static void test_stuck_movement_delays_nobody(void **state)
{
	(void)state;
	struct pair p = make_pair(12, "", "");
	expect_status(
	    world_send(p.by, "system-by", &(struct msg){.id = "S1", .recipients = "UA", .lrn = "STUCK"}),
	    201);
	expect_status(
	    world_send(p.by, "system-by", &(struct msg){.id = "S2", .recipients = "UA", .lrn = "STUCK"}),
	    201);
	expect_status(
	    world_send(p.by, "system-by", &(struct msg){.id = "O1", .recipients = "UA", .lrn = "OTHER"}),
	    201);
	world_run(p.w, 2 * SECOND);
	struct reply stuck = world_fetch(p.ua, "system-ua", SECOND); /* fetched, never confirmed */
	assert_string_equal(field(&stuck.body, "MessageId"), "S1");
	assert_string_equal(take(p.ua, "system-ua", "UA"), "O1");
	expect_status(world_fetch(p.ua, "system-ua", SECOND), 204);
	/* The lease ends; it is offered again under another id, and the old one is refused. */
	world_run(p.w, 2 * MINUTE);
	struct reply again = world_fetch(p.ua, "system-ua", SECOND);
	assert_string_equal(field(&again.body, "MessageId"), "S1");
	assert_string_not_equal(again.delivery, stuck.delivery);
	expect_status(world_confirm(p.ua, "system-ua", "UA", &stuck, NULL), 409);
	expect_status(world_confirm(p.ua, "system-ua", "UA", &again, NULL), 204);
	assert_string_equal(take(p.ua, "system-ua", "UA"), "S2");
	reply_free(&stuck);
	reply_free(&again);
	world_free(&p.w);
}

static void test_urgent_first(void **state)
{
	(void)state;
	struct pair p = make_pair(13, "", "");
	for (int i = 0; i < 5; i++) {
		char id[8];
		snprintf(id, sizeof(id), "N%d", i);
		expect_status(world_send(p.by, "system-by", &(struct msg){.id = id, .recipients = "UA"}),
			      201);
	}
	expect_status(
	    world_send(p.by, "system-by", &(struct msg){.id = "U", .recipients = "UA", .type = "Urgent"}),
	    201);
	world_run(p.w, 2 * SECOND);
	assert_string_equal(take(p.ua, "system-ua", "UA"), "U");
	assert_string_equal(take(p.ua, "system-ua", "UA"), "N0");
	world_free(&p.w);
}

/* --- restart
 * ------------------------------------------------------------------------------------------------- */

static void test_crash_continues(void **state)
{
	(void)state;
	struct pair p = make_pair(14, "", "");
	p.ua->down = true;
	expect_status(world_send(p.by, "system-by", &(struct msg){.id = "M1", .recipients = "UA"}), 201);
	world_run(p.w, 10 * SECOND);
	world_crash(p.by);
	p.ua->down = false;
	world_run(p.w, MINUTE);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "handed-over");
	struct reply r = world_fetch(p.ua, "system-ua", SECOND);
	world_crash(p.ua); /* between fetch and confirmation: offered again, the old lease is stale */
	expect_status(world_confirm(p.ua, "system-ua", "UA", &r, NULL), 409);
	reply_free(&r);
	assert_string_equal(take(p.ua, "system-ua", "UA"), "M1");
	world_crash(p.ua); /* before the owed CoD was gathered */
	world_run(p.w, MINUTE);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "delivered");
	world_free(&p.w);
}

/* --- hub
 * ----------------------------------------------------------------------------------------------------- */

static void test_hub_between_two(void **state)
{
	(void)state;
	static const char *const trusted[] = {"BY", "UA", "HU", NULL};
	struct world *w = world_new(15);
	struct px_buf text = PX_BUF_INIT;
	conf_head(&text, "BY", trusted);
	conf_partner(&text, "system-by", "BY", "system", NULL, "");
	conf_partner(&text, "hub", "HU", "node", "https://hu:1", "relays-for = {\"UA\"} relay-to = {\"UA\"}");
	px_buf_adds(&text, "route \"hub\" { recipients = \"UA\" via = \"hub\" }\n");
	struct node *by = world_node(w, "BY", px_buf_str(&text));
	px_buf_clear(&text);
	conf_head(&text, "HU", trusted);
	conf_partner(&text, "node-by", "BY", "node", "https://by:1", "relay-to = {\"UA\"}");
	conf_partner(&text, "node-ua", "UA", "node", "https://ua:1", "relay-to = {\"BY\"}");
	struct node *hu = world_node(w, "HU", px_buf_str(&text));
	px_buf_clear(&text);
	conf_head(&text, "UA", trusted);
	conf_partner(&text, "system-ua", "UA", "system", NULL, "");
	conf_partner(&text, "hub", "HU", "node", "https://hu:1", "relays-for = {\"BY\"}");
	struct node *ua = world_node(w, "UA", px_buf_str(&text));
	px_buf_free(&text);
	world_start(w);
	expect_status(world_send(by, "system-by", &(struct msg){.id = "M1", .recipients = "UA"}), 201);
	world_run(w, 3 * SECOND);
	assert_string_equal(world_state(hu, "BY", "M1", "UA"), "handed-over");
	assert_string_equal(take(ua, "system-ua", "UA"), "M1");
	world_run(w, 10 * SECOND);
	assert_string_equal(world_state(hu, "BY", "M1", "UA"), "delivered");
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "delivered");
	struct reply r = world_fetch(by, "system-by", 2 * SECOND);
	assert_string_equal(field(&r.body, "MessageType"), "Confirmations");
	assert_string_equal(field(&r.body, "Sender"), "UA"); /* unchanged through the hub */
	assert_string_equal(field(&r.body, "Kind"), "CoD");
	reply_free(&r);
	/* One proof, not two: the hub made none of its own. */
	expect_status(world_fetch(by, "system-by", 5 * SECOND), 204);
	world_free(&w);
}

/* --- a partner that means ill
 * ------------------------------------------------------------------------------------ */

/* An exchange of type Confirmations with one entry, as the node of @authority would sign it. */
static struct reply accuse(struct node *n, const char *partner, const char *authority,
			   const struct px_confirm *entry)
{
	struct px_buf one = PX_BUF_INIT, doc = PX_BUF_INIT;
	struct px_header h = {.n_recipients = 1, .created_at = px_clock_wall(world_clock(n->world))};
	static unsigned serial;
	snprintf(h.message_id, sizeof(h.message_id), "PX-ILL-%u", ++serial);
	px_strlcpy(h.environment, "test", sizeof(h.environment));
	px_strlcpy(h.sender, authority, sizeof(h.sender));
	px_strlcpy(h.recipients[0], "BY", sizeof(h.recipients[0]));
	px_strlcpy(h.type, "Confirmations", sizeof(h.type));
	px_confirm_write(&one, entry, false);
	px_confirm_exchange(&doc, &h, &one, 1);
	fakes_sign(&doc, authority, PX_ROLE_NODE);
	struct reply r = world_post(n, partner, &doc);
	px_buf_free(&one);
	px_buf_free(&doc);
	return r;
}

/* XX got the same message, so it knows its digest. It may not settle UA's delivery, whatever it claims. */
static void test_nobody_settles_what_is_not_his(void **state)
{
	(void)state;
	static const char *const trusted[] = {"BY", "UA", "XX", NULL};
	struct world *w = world_new(16);
	struct px_buf text = PX_BUF_INIT, doc = PX_BUF_INIT;
	conf_head(&text, "BY", trusted);
	conf_partner(&text, "system-by", "BY", "system", NULL, "");
	conf_partner(&text, "node-ua", "UA", "node", "https://ua:1", "");
	conf_partner(&text, "node-xx", "XX", "node", "https://xx:1", "");
	struct node *by = world_node(w, "BY", px_buf_str(&text));
	world_start(w);
	world_compose(by, "system-by", &(struct msg){.id = "M1", .recipients = "UA XX"}, &doc);
	struct px_body *body = px_body_copy(doc.data, doc.len);
	expect_status(world_post(by, "system-by", &doc),
		      201); /* nobody listens at UA and XX: both stay queued */
	static const char ua[1][PX_AUTHORITY_MAX + 1] = {"UA"}, xx[1][PX_AUTHORITY_MAX + 1] = {"XX"};
	struct px_findings gone = {0};
	px_findings_add(&gone, PX_CODE_EXPIRED, 0, NULL, NULL, "gone");
	struct px_confirm entry = {.kind = PX_COE,
				   .permanent = true,
				   .confirmation_id = "C",
				   .issuer = "XX",
				   .ref_sender = "BY",
				   .ref_message_id = "M1",
				   .ref_digest = body->digest,
				   .at = 1,
				   .n_recipients = 1,
				   .recipients = ua,
				   .errors = &gone};
	expect_status(accuse(by, "node-xx", "XX", &entry),
		      201); /* accepted as an exchange, applied to nothing */
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "queued");
	/* A temporary exception ends nothing. A permanent one ends its own, and only that. */
	entry = (struct px_confirm){.kind = PX_COE,
				    .permanent = false,
				    .confirmation_id = "T",
				    .issuer = "XX",
				    .ref_sender = "BY",
				    .ref_message_id = "M1",
				    .ref_digest = body->digest,
				    .at = 1,
				    .n_recipients = 1,
				    .recipients = xx,
				    .errors = &gone};
	expect_status(accuse(by, "node-xx", "XX", &entry), 201);
	assert_string_equal(world_state(by, "BY", "M1", "XX"), "queued");
	entry.permanent = true;
	expect_status(accuse(by, "node-xx", "XX", &entry), 201);
	assert_string_equal(world_state(by, "BY", "M1", "XX"), "expired");
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "queued");
	/* Nor prove its delivery by UA's exception, or by custody that promises a delivery still to come. */
	struct px_buf evidence = PX_BUF_INIT;
	struct px_confirm inner = {.kind = PX_COE,
				   .permanent = true,
				   .confirmation_id = "E",
				   .issuer = "UA",
				   .ref_sender = "BY",
				   .ref_message_id = "M1",
				   .ref_digest = body->digest,
				   .at = 1,
				   .errors = &gone};
	px_confirm_write(&evidence, &inner, true);
	fakes_sign(&evidence, "UA", PX_ROLE_SYSTEM);
	entry = (struct px_confirm){.kind = PX_COD,
				    .confirmation_id = "D",
				    .issuer = "XX",
				    .ref_sender = "BY",
				    .ref_message_id = "M1",
				    .ref_digest = body->digest,
				    .at = 1,
				    .n_recipients = 1,
				    .recipients = ua,
				    .evidence = evidence.data,
				    .evidence_len = evidence.len};
	expect_status(accuse(by, "node-xx", "XX", &entry), 201);
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "queued");
	px_findings_free(&gone);
	px_body_unref(&body);
	px_buf_free(&evidence);
	px_buf_free(&doc);
	px_buf_free(&text);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_end_to_end),
	    cmocka_unit_test(test_duplicate_conflict_refused),
	    cmocka_unit_test(test_who_and_when),
	    cmocka_unit_test(test_routes),
	    cmocka_unit_test(test_ping_stops_before_the_back_end),
	    cmocka_unit_test(test_refused_by_the_recipient),
	    cmocka_unit_test(test_expires_when_never_sent),
	    cmocka_unit_test(test_unknown_when_sent_but_unanswered),
	    cmocka_unit_test(test_lost_answer_delivers_once),
	    cmocka_unit_test(test_backlog_flows_in_order_when_back),
	    cmocka_unit_test(test_proxy_refuses_nothing),
	    cmocka_unit_test(test_stuck_movement_delays_nobody),
	    cmocka_unit_test(test_urgent_first),
	    cmocka_unit_test(test_crash_continues),
	    cmocka_unit_test(test_hub_between_two),
	    cmocka_unit_test(test_nobody_settles_what_is_not_his),
	};
	px_log_set_level(getenv("PX_LOG") != NULL ? PX_LOG_DEBUG : PX_LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
