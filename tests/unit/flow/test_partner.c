/* prinex: partners that answer wrongly, late or not at all, and what becomes of their backlog
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/operate.h"
#include "pairs.h"

#include "base/log.h"
#include "flow/internal.h"

static enum px_link link_of(struct node *n, const char *partner)
{
	struct px_link_state link;
	px_flow_link(n->flow, partner, &link);
	return link.link;
}

static void send_many(struct node *n, unsigned count)
{
	char id[16];
	for (unsigned i = 0; i < count; i++) {
		snprintf(id, sizeof(id), "M%02u", i);
		SEND(n, "system-by", .id = id, .recipients = "UA");
	}
}

/* HU has only PL's system: it takes the message over, but not for UA. */
static void test_custody_is_taken_by_naming_the_recipient(void **state)
{
	(void)state;
	static const char *const trusted[] = {"BY", "UA", "HU", "PL", NULL};
	struct world *w = world_new(1);
	struct px_buf text = PX_BUF_INIT;
	conf_head(&text, "BY", trusted);
	conf_partner(&text, "system-by", "BY", "system", NULL, "");
	conf_partner(&text, "hub", "HU", "node", "https://hu:1", "relays-for = {\"UA\"} relay-to = {\"UA\"}");
	px_buf_adds(&text, "route \"hub\" { recipients = { \"UA\", \"PL\" } via = \"hub\" }\n");
	struct node *by = world_node(w, "BY", px_buf_str(&text));
	px_buf_clear(&text);
	conf_head(&text, "HU", trusted);
	conf_partner(&text, "node-by", "BY", "node", "https://by:1", "");
	conf_partner(&text, "system-pl", "PL", "system", NULL, "");
	world_node(w, "HU", px_buf_str(&text));
	px_buf_free(&text);
	world_start(w);
	SEND(by, "system-by", .id = "M1", .recipients = "UA PL");
	world_run(w, 5 * SECOND);
	assert_string_equal(world_state(by, "BY", "M1", "PL"), "handed-over");
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "queued");
	assert_non_null(strstr(world_delivery(by, "BY", "M1", "UA").error, "not for recipient UA"));
	world_free(&w);
}

/* A 200 that is no confirmation: somebody else answers in the partner's place. It is there, so not down. */
static void test_success_without_confirmation_is_strange(void **state)
{
	(void)state;
	struct pair p = make_pair(2, "", "");
	p.ua->answer_status = 200;
	send_many(p.by, 10);
	world_run(p.w, MINUTE);
	assert_true(px_alarm_is_raised(p.by->alarms, PX_ALARM_PARTNER_MISBEHAVES, "node-ua"));
	assert_false(px_alarm_is_raised(p.by->alarms, PX_ALARM_PARTNER_DOWN, "node-ua"));
	assert_int_equal(link_of(p.by, "node-ua"), PX_LINK_UP);
	assert_string_equal(world_state(p.by, "BY", "M05", "UA"), "queued");
	world_free(&p.w);
}

static void told(void *arg, int rc, const char *text)
{
	(void)text;
	*(int *)arg = rc;
}

/* Two messages that it answers strangely, however often they are tried, do not hold up the others. */
static void test_two_strange_messages_hold_nothing(void **state)
{
	(void)state;
	struct pair p = make_pair(4, "", "");
	struct px_link_state link;
	int rc = 1;
	world_run(p.w, SECOND);
	p.ua->answer_status = 404;
	SEND(p.by, "system-by", .id = "A", .recipients = "UA");
	SEND(p.by, "system-by", .id = "B", .recipients = "UA");
	for (int i = 0; i < 3; i++) {
		const char *id = i % 2 == 0 ? "A" : "B";
		px_flow_retry(p.by->flow, &(struct px_flow_which){.sender = "BY", .message_id = id}, told,
			      &rc);
		world_run(p.w, 100);
		assert_int_equal(rc, PX_OK);
	}
	assert_true(p.ua->posts >= 5);
	px_flow_link(p.by->flow, "node-ua", &link);
	assert_int_equal(link.held, 0);
	SEND(p.by, "system-by", .id = "C", .recipients = "UA");
	world_run(p.w, 100);
	px_flow_link(p.by->flow, "node-ua", &link);
	assert_int_not_equal(link.held, 0);
	world_free(&p.w);
}

/* What was held back while one probe at a time went flows at once when the partner is itself again. */
static void test_backlog_flows_when_a_strange_partner_is_back(void **state)
{
	(void)state;
	struct pair p = make_pair(3, "", "");
	p.ua->answer_status = 404;
	send_many(p.by, 30);
	world_run(p.w, 2 * HOUR);
	p.ua->answer_status = 0;
	for (int i = 0; i < 16 * 60 && link_of(p.by, "node-ua") == PX_LINK_UP; i++) {
		world_run(p.w, SECOND);
		if (strcmp(world_state(p.by, "BY", "M00", "UA"), "handed-over") == 0)
			break;
	}
	world_run(p.w, 16 * MINUTE);
	for (unsigned i = 0; i < 30; i++)
		assert_true(take(p.ua, "system-ua", "UA")[0] == 'M');
	assert_false(px_alarm_is_raised(p.by->alarms, PX_ALARM_PARTNER_MISBEHAVES, "node-ua"));
	world_free(&p.w);
}

/* After the first success all the others follow within seconds, not each with the end of its own pause, which
 * after a day is up to a quarter of an hour. */
static void test_whole_backlog_at_once(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 8; seed++) {
		struct pair p = make_pair(100 + seed, "", "");
		bool strange = seed % 2 == 1;
		p.ua->answer_status = strange ? 404 : 0;
		p.ua->down = !strange;
		send_many(p.by, 5);
		world_run(p.w, 24 * HOUR);
		p.ua->answer_status = 0;
		p.ua->down = false;
		unsigned before = p.ua->posts;
		while (p.ua->posts == before)
			world_run(p.w, SECOND);
		world_run(p.w, 5 * SECOND);
		for (unsigned i = 0; i < 5; i++) {
			char id[16];
			snprintf(id, sizeof(id), "M%02u", i);
			assert_string_equal(world_state(p.by, "BY", id, "UA"), "handed-over");
		}
		world_free(&p.w);
	}
}

/* "Later": not a failure of the connection, and no attempt of any delivery before. */
static void test_too_many_requests_is_waited_for(void **state)
{
	(void)state;
	struct pair p = make_pair(5, "", "");
	p.ua->answer_status = 429;
	p.ua->retry_after = 5 * MINUTE;
	send_many(p.by, 5);
	world_run(p.w, 2 * SECOND);
	unsigned posts = p.ua->posts;
	world_run(p.w, 4 * MINUTE);
	send_many(p.by, 0);
	assert_int_equal(p.ua->posts, posts);
	assert_int_equal(link_of(p.by, "node-ua"), PX_LINK_UP);
	assert_false(px_alarm_is_raised(p.by->alarms, PX_ALARM_PARTNER_DOWN, "node-ua"));
	assert_false(px_alarm_is_raised(p.by->alarms, PX_ALARM_PARTNER_MISBEHAVES, "node-ua"));
	p.ua->answer_status = 0;
	world_run(p.w, 2 * MINUTE);
	assert_int_equal(p.ua->posts, posts + 5);
	world_free(&p.w);
}

static void test_retry_after_of_a_503_is_honoured(void **state)
{
	(void)state;
	struct pair p = make_pair(6, "", "");
	p.ua->answer_status = 503;
	p.ua->retry_after = 10 * MINUTE;
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA");
	world_run(p.w, 9 * MINUTE);
	assert_int_equal(p.ua->posts, 1);
	p.ua->retry_after = 10 * HOUR; /* nobody makes us wait longer than 15 minutes */
	world_run(p.w, 2 * MINUTE);
	assert_int_equal(p.ua->posts, 2);
	world_run(p.w, 15 * MINUTE);
	assert_int_equal(p.ua->posts, 3);
	world_free(&p.w);
}

/* Full jitter: anywhere between a second and the top, which doubles from 5 s to 15 min. */
static void test_backoff(void **state)
{
	(void)state;
	struct pair p = make_pair(7, "", "");
	int64_t top = 5000;
	for (unsigned attempts = 0; attempts < 20; attempts++) {
		int64_t least = INT64_MAX, most = 0, sum = 0;
		for (int i = 0; i < 4000; i++) {
			int64_t pause = px_dispatch_backoff(p.by->flow, attempts);
			least = PX_MIN(least, pause);
			most = PX_MAX(most, pause);
			sum += pause;
		}
		int64_t mean = sum / 4000, middle = (1000 + top) / 2;
		assert_true(least >= 1000 && least < 1000 + top / 50);
		assert_true(most <= top && most > top - top / 50);
		assert_true(mean > middle - top / 20 && mean < middle + top / 20);
		top = PX_MIN(top * 2, (int64_t)15 * MINUTE);
	}
	world_free(&p.w);
}

static void test_down_means_one_probe_at_a_time(void **state)
{
	(void)state;
	struct pair p = make_pair(8, "in-flight = 8", "");
	p.ua->hang = true;
	send_many(p.by, 20);
	world_run(p.w, 30 * SECOND);
	assert_int_equal(p.ua->posts, 8); /* as many as may be in flight, while nobody knows */
	world_run(p.w, 40 * SECOND);
	assert_int_equal(link_of(p.by, "node-ua"), PX_LINK_DOWN);
	unsigned before = p.ua->posts;
	world_run(p.w, HOUR);
	assert_true(p.ua->posts - before <= 60); /* a probe takes a minute, and pauses follow */
	p.ua->hang = false;
	world_run(p.w, 20 * MINUTE);
	assert_int_equal(link_of(p.by, "node-ua"), PX_LINK_UP);
	world_free(&p.w);
}

/* A slow or dead partner costs the others nothing: neither time nor attempts. */
static void test_dead_partner_costs_others_nothing(void **state)
{
	(void)state;
	static const char *const trusted[] = {"BY", "UA", "PL", "MD", NULL};
	struct world *w = world_new(9);
	struct px_buf text = PX_BUF_INIT;
	conf_head(&text, "BY", trusted);
	conf_partner(&text, "system-by", "BY", "system", NULL, "");
	conf_partner(&text, "system-ua", "UA", "system", "https://ua:1", "");
	conf_partner(&text, "system-pl", "PL", "system", "https://pl:1", "");
	conf_partner(&text, "system-md", "MD", "system", "https://md:1", "");
	struct node *by = world_node(w, "BY", px_buf_str(&text));
	px_buf_clear(&text);
	conf_head(&text, "UA", trusted);
	struct node *ua = world_node(w, "UA", px_buf_str(&text));
	px_buf_clear(&text);
	conf_head(&text, "PL", trusted);
	struct node *pl = world_node(w, "PL", px_buf_str(&text));
	px_buf_clear(&text);
	conf_head(&text, "MD", trusted);
	struct node *md = world_node(w, "MD", px_buf_str(&text));
	px_buf_free(&text);
	world_start(w);
	ua->down = true;
	pl->hang = true;
	md->acts_as = "MD";
	char id[16];
	for (int i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "M%02d", i);
		SEND(by, "system-by", .id = id, .recipients = "UA PL MD", .lrn = i % 3 ? "SAME" : NULL);
	}
	world_run(w, SECOND);
	for (int i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "M%02d", i);
		assert_string_equal(world_state(by, "BY", id, "MD"), "delivered");
		assert_string_equal(world_state(by, "BY", id, "UA"), "queued");
	}
	assert_int_equal(md->posts, 100);
	world_free(&w);
}

/* C is not starved by a backlog of A that never ends. */
static void test_classes_share(void **state)
{
	(void)state;
	struct pair p = make_pair(10, "in-flight = 1", "");
	p.ua->down = true;
	char id[16];
	for (int i = 0; i < 40; i++) {
		snprintf(id, sizeof(id), "A%02d", i);
		SEND(p.by, "system-by", .id = id, .recipients = "UA", .type = "Urgent");
	}
	SEND(p.by, "system-by", .id = "B00", .recipients = "UA");
	SEND(p.by, "system-by", .id = "C00", .recipients = "UA", .type = "Notice");
	world_run(p.w, 10 * MINUTE);
	p.ua->down = false;
	px_buf_clear(&p.ua->posted);
	world_run(p.w, 20 * MINUTE);
	const char *order = px_buf_str(&p.ua->posted);
	const char *b = strstr(order, "B00 "), *c = strstr(order, "C00 ");
	assert_non_null(b);
	assert_non_null(c);
	assert_true(b - order <= 16 * 4 && c - order <= 16 * 4); /* among the first sixteen */
	assert_true(order[0] == 'A');
	world_free(&p.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_custody_is_taken_by_naming_the_recipient),
	    cmocka_unit_test(test_success_without_confirmation_is_strange),
	    cmocka_unit_test(test_two_strange_messages_hold_nothing),
	    cmocka_unit_test(test_backlog_flows_when_a_strange_partner_is_back),
	    cmocka_unit_test(test_whole_backlog_at_once),
	    cmocka_unit_test(test_too_many_requests_is_waited_for),
	    cmocka_unit_test(test_retry_after_of_a_503_is_honoured),
	    cmocka_unit_test(test_backoff),
	    cmocka_unit_test(test_down_means_one_probe_at_a_time),
	    cmocka_unit_test(test_dead_partner_costs_others_nothing),
	    cmocka_unit_test(test_classes_share),
	};
	px_log_set_level(getenv("PX_LOG") != NULL ? PX_LOG_DEBUG : PX_LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
