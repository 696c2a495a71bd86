/* prinex: tests: commands about the node and its partners
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "look.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"
#include "ctl/parts.h"

/* --- the node
 * ------------------------------------------------------------------------------------------------- */

static void test_status(void **state)
{
	struct rig *r = *state;
	rig_accept(r, &(struct rig_message){.id = "A1", .to = {"PL:system-pl", "UA:node-ua"}}, NULL);
	px_alarm_raise(r->alarms, PX_ALARM_CRL, "crl of by", "ended \xff yesterday");
	json_t *s = rig_result(r, "status", "");
	const json_t *node = json_object_get(s, "node");
	assert_string_equal(text(node, "authority"), "BY");
	assert_string_equal(text(node, "name"), "brest");
	assert_string_equal(text(node, "environment"), "test");
	assert_string_equal(text(node, "version"), "9.9.9");
	assert_int_equal(number(node, "generation"), 7);
	assert_true(json_is_false(json_object_get(node, "draining")));
	assert_string_equal(json_string_value(json_array_get(json_object_get(node, "listen"), 1)),
			    "[::1]:8443");
	assert_int_equal(number(json_object_get(s, "store"), "messages"), 1);
	assert_int_equal(number(json_object_get(s, "backlog"), "queued"), 2);
	assert_int_equal(number(json_object_get(s, "partners"), "configured"), 3);
	const json_t *processes = json_object_get(s, "processes");
	assert_int_equal(number(json_array_get(processes, 0), "pid"), getpid());
	assert_true(number(json_array_get(processes, 0), "pss") > 100000);
	assert_true(
	    json_is_null(json_object_get(json_array_get(processes, 1), "pss"))); /* has ended meanwhile */
	const json_t *alarm = json_array_get(json_object_get(s, "alarms"), 0);
	assert_string_equal(text(alarm, "name"), "crl-old");
	assert_string_equal(text(alarm, "detail"),
			    "ended \\xff yesterday"); /* not UTF-8: never breaks the line */
	json_decref(s);
}

static void test_alarms(void **state)
{
	struct rig *r = *state;
	json_t *a = rig_result(r, "alarms", "");
	assert_true(json_is_true(json_object_get(a, "ok")));
	assert_int_equal(json_array_size(json_object_get(a, "alarms")), 0);
	json_decref(a);
	px_alarm_raise(r->alarms, PX_ALARM_DISK, "", "%d octets left", 12);
	a = rig_result(r, "alarms", "");
	assert_true(json_is_false(json_object_get(a, "ok")));
	const json_t *alarm = json_array_get(json_object_get(a, "alarms"), 0);
	assert_string_equal(text(alarm, "severity"), "critical");
	assert_string_equal(text(alarm, "detail"), "12 octets left");
	assert_true(json_is_null(json_object_get(alarm, "subject")));
	json_decref(a);
}

static void test_help(void **state)
{
	struct rig *r = *state;
	json_t *h = rig_result(r, "help", "");
	const json_t *list = json_object_get(h, "commands");
	size_t remote = 0; /* others are prinexctl's own */
	for (unsigned i = 0; i < PX_CTL_COMMANDS; i++)
		remote += px_ctl_command((enum px_ctl_id)i)->privilege != PX_CTL_LOCAL;
	assert_int_equal(json_array_size(list), remote);
	const json_t *reload = find(list, "method", "reload");
	assert_string_equal(text(reload, "privilege"), "act");
	assert_true(json_is_true(json_object_get(reload, "journalled")));
	const json_t *body = find(list, "method", "body");
	assert_int_equal(json_array_size(json_object_get(body, "params")),
			 3); /* message, coa, offset; not out */
	json_decref(h);
	h = rig_result(r, "help", "{\"command\":\"journal tail\"}");
	assert_int_equal(json_array_size(json_object_get(h, "commands")), 1);
	json_decref(h);
}

/* Everything the table has is answered by something: no method is unknown to the daemon. */
static void test_all_answered(void **state)
{
	struct rig *r = *state;
	rig_accept(r, &(struct rig_message){.id = "A1"}, NULL);
	for (unsigned i = 0; i < PX_CTL_COMMANDS; i++) {
		const struct px_ctl_command *c = px_ctl_command((enum px_ctl_id)i);
		const char *params = "";
		if (c->privilege == PX_CTL_LOCAL)
			continue;
		if (c->id == PX_CTL_PARTNER)
			params = "{\"name\":\"node-ua\"}";
		else if (c->id == PX_CTL_MESSAGE || c->id == PX_CTL_BODY)
			params = "{\"message\":\"BY/A1\"}";
		else if (c->id == PX_CTL_TRACE)
			params = "{\"value\":\"x\"}";
		else if (c->id == PX_CTL_ROUTE_EXPLAIN)
			params = "{\"octets\":\"eA==\",\"more\":true}";
		else if (c->id == PX_CTL_LOG)
			params = "{\"level\":\"info\"}";
		else if (c->id == PX_CTL_PAUSE || c->id == PX_CTL_RESUME || c->id == PX_CTL_PROBE)
			params = "{\"name\":\"node-ua\"}";
		else if (c->id == PX_CTL_RETRY)
			params = "{\"target\":\"node-ua\"}";
		else if (c->id == PX_CTL_CANCEL)
			params = "{\"message\":\"BY/A1\",\"reason\":\"x\"}";
		else if (c->id == PX_CTL_QUARANTINE_RELEASE || c->id == PX_CTL_ACKNOWLEDGE)
			continue; /* nothing there: test_deliveries.c */
		else if (c->id == PX_CTL_BACKUP)
			continue; /* needs a store on disk: tests/e2e/test_life.py */
		json_decref(rig_result(r, c->method, params));
	}
}

/* --- partners
 * ------------------------------------------------------------------------------------------------- */

static void test_partners(void **state)
{
	struct rig *r = *state;
	rig_accept(r, &(struct rig_message){.id = "A1", .to = {"UA:node-ua", "LT:left-us"}}, NULL);
	json_t *p = rig_result(r, "partners", "");
	const json_t *list = json_object_get(p, "partners");
	assert_int_equal(json_array_size(list), 4);
	const json_t *ua = find(list, "name", "node-ua");
	assert_string_equal(text(ua, "mode"), "push");
	assert_string_equal(text(ua, "role"), "node");
	assert_string_equal(text(json_object_get(ua, "link"), "state"), "quiet");
	assert_int_equal(number(json_object_get(ua, "deliveries"), "queued"), 1);
	/* Not configured any more, but something still waits for it. */
	const json_t *gone = find(list, "name", "left-us");
	assert_true(json_is_false(json_object_get(gone, "configured")));
	assert_string_equal(text(json_object_get(gone, "link"), "state"), "removed");
	json_decref(p);
	p = rig_result(r, "partner", "{\"name\":\"node-ua\"}");
	assert_string_equal(text(p, "uri"), "urn:prinex:UA:node:node-ua");
	assert_int_equal(number(p, "in_flight_max"), 2);
	assert_int_equal(number(p, "maximum_age_s"), 72 * 3600);
	json_decref(p);
	json_decref(rig_result(r, "partner", "{\"name\":\"left-us\"}"));
	assert_string_equal(rig_error(r, "partner", "{\"name\":\"nobody\"}", PX_RPC_NOT_FOUND),
			    "there is no partner nobody; partners lists them");
}

/* Pieces of a document belong to one connection and stand one behind the other. */
static void test_pieces_of_a_document(void **state)
{
	struct rig *r = *state;
	json_t *first = rig_result(r, "route.explain", "{\"octets\":\"eHl6\",\"more\":true}");
	assert_int_equal(json_integer_value(json_object_get(first, "received")), 3);
	json_decref(first);
	rig_error(r, "route.explain", "{\"octets\":\"eA==\",\"offset\":3}", -32003);
	rig_error(r, "route.explain", "{\"octets\":\"?\"}", -32602);
	rig_error(r, "route.explain", "{\"octets\":\"eA==\",\"partner\":\"nobody\"}", -32002);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_status),       TEST(test_alarms),   TEST(test_help),
	    TEST(test_all_answered), TEST(test_partners), TEST(test_pieces_of_a_document),
	};
	px_log_init("test", 2, PX_LOG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
