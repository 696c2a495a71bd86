/* prinex: tests: commands about trust, configuration, log, journal, store; drain and stop
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "look.h"

#include <signal.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"
#include "ctl/parts.h"

/* --- trust, catalogue, configuration
 * ---------------------------------------------------------------------------- */

static const char *state_of(const json_t *result, unsigned i)
{
	return text(json_array_get(json_object_get(result, "certificates"), i), "state");
}

static void test_certificates(void **state)
{
	struct rig *r = *state;
	int64_t now = px_clock_wall(r->clock);
	r->certificates[0] = (struct px_tls_certificate){"node tls",    "/x/tls.pem",       "CN=a",
							 now - RIG_DAY, now + 90 * RIG_DAY, false};
	r->certificates[1] = (struct px_tls_certificate){"crl of by",   "/x/by.crl",       "CN=ca",
							 now - RIG_DAY, now + 2 * RIG_DAY, true};
	r->n_certificates = 2;
	json_t *c = rig_result(r, "certificates", "");
	assert_true(json_is_true(json_object_get(c, "ok")));
	/* What ends first stands first. */
	assert_string_equal(text(json_array_get(json_object_get(c, "certificates"), 0), "kind"), "crl");
	assert_string_equal(state_of(c, 0), "ok");
	assert_string_equal(state_of(c, 1), "ok");
	json_decref(c);
	rig_advance(r, 31 * RIG_DAY);
	c = rig_result(r, "certificates", "");
	assert_true(json_is_false(json_object_get(c, "ok")));
	assert_string_equal(state_of(c, 0), "out-of-date");
	assert_string_equal(state_of(c, 1), "soon");
	json_decref(c);
	rig_advance(r, 60 * RIG_DAY);
	c = rig_result(r, "certificates", "");
	assert_string_equal(state_of(c, 1), "expired");
	json_decref(c);
}

static void test_catalogue(void **state)
{
	struct rig *r = *state;
	json_t *c = rig_result(r, "catalogue", "");
	const json_t *list = json_object_get(c, "types"), *note = find(list, "type", "Note");
	assert_int_equal(json_array_size(list), 3);
	assert_string_equal(text(note, "class"), "B");
	assert_string_equal(text(note, "origin"), "system");
	assert_string_equal(json_string_value(json_array_get(json_object_get(note, "versions"), 0)), "1");
	assert_string_equal(text(find(list, "type", "Confirmations"), "origin"), "node");
	json_decref(c);
}

static void test_config(void **state)
{
	struct rig *r = *state;
	json_t *c = rig_result(r, "config.dump", "");
	assert_non_null(strstr(text(c, "text"), "partner \"node-ua\""));
	json_decref(c);
	/* Syntax is right, but the files that it names are not there. */
	c = rig_result(r, "config.check", "");
	assert_true(json_is_false(json_object_get(c, "ok")));
	const json_t *p = json_array_get(json_object_get(c, "problems"), 0);
	assert_string_equal(text(p, "file"), r->conf_file);
	assert_true(number(p, "line") > 0);
	assert_true(json_is_false(json_object_get(p, "warning")));
	json_decref(c);
	rig_write_conf(r, "colour = \"red\"\n");
	c = rig_result(r, "config.check", "");
	p = json_array_get(json_object_get(c, "problems"), 0);
	assert_non_null(strstr(text(p, "text"), "colour"));
	json_decref(c);
	/* What is in force is untouched by it. */
	json_decref(rig_result(r, "config.dump", ""));
	rig_write_conf(r, "store { path = \"/elsewhere\" }\n");
	c = rig_result(r, "config.check", "");
	assert_string_equal(text(c, "needs_restart"), "store.path");
	json_decref(c);
}

static void test_reload(void **state)
{
	struct rig *r = *state;
	json_t *c = rig_result(r, "reload", "");
	assert_true(json_is_true(json_object_get(c, "ok")));
	assert_int_equal(number(c, "generation"), 7);
	assert_true(json_is_null(json_object_get(c, "needs_restart")));
	json_decref(c);
	r->reload_rc = PX_ECONF;
	r->reload_why = "prinex.conf:3: wrong\nprinex.conf:9: wrong too\n";
	c = rig_result(r, "reload", "");
	assert_true(json_is_false(json_object_get(c, "ok")));
	assert_string_equal(text(c, "why"), r->reload_why);
	json_decref(c);
	assert_int_equal(r->reloads, 2);
	r->reload_busy = true;
	assert_string_equal(rig_error(r, "reload", "", PX_RPC_BUSY),
			    "a reload is under way already, or the start is not over");
}

static void test_log_and_stop(void **state)
{
	struct rig *r = *state;
	enum px_log_level before = px_log_get_level();
	json_t *c = rig_result(r, "log", "{\"level\":\"err\"}");
	assert_int_equal(px_log_get_level(), PX_LOG_ERR);
	assert_string_equal(text(c, "level"), "err");
	assert_string_equal(text(c, "before"), px_log_level_name(before));
	json_decref(c);
	px_log_set_level(before);
	json_decref(rig_result(r, "stop", ""));
	assert_int_equal(r->stops, 1);
}

/* --- the journal
 * ------------------------------------------------------------------------------------------------- */

static void test_journal_tail(void **state)
{
	struct rig *r = *state;
	for (unsigned i = 0; i < 30; i++) {
		char id[16];
		snprintf(id, sizeof(id), "J%u", i);
		rig_accept(r, &(struct rig_message){.id = id}, NULL);
	}
	json_t *j = rig_result(r, "journal.tail", "");
	const json_t *list = json_object_get(j, "entries");
	assert_int_equal(json_array_size(list), 20);
	const json_t *last = json_array_get(list, 19);
	assert_string_equal(text(last, "message_id"), "J29"); /* the latest at the bottom */
	assert_string_equal(text(last, "kind"), "accepted");
	assert_int_equal(strlen(text(last, "hash")), 64);
	int64_t seq = number(last, "seq");
	json_decref(j);
	char params[64];
	snprintf(params, sizeof(params), "{\"from\":%" PRId64 ",\"limit\":2}", seq - 1);
	j = rig_result(r, "journal.tail", params);
	assert_int_equal(json_array_size(json_object_get(j, "entries")), 2);
	assert_int_equal(number(json_array_get(json_object_get(j, "entries"), 0), "seq"), seq - 1);
	json_decref(j);
	/* Nothing yet: what --follow asks. */
	snprintf(params, sizeof(params), "{\"from\":%" PRId64 "}", seq + 1);
	j = rig_result(r, "journal.tail", params);
	assert_int_equal(json_array_size(json_object_get(j, "entries")), 0);
	json_decref(j);
}

static void ignore_write(void *arg, int rc)
{
	(void)arg;
	(void)rc;
}

static void test_verify(void **state)
{
	struct rig *r = *state;
	rig_accept(r, &(struct rig_message){.id = "A1", .to = {"UA:node-ua"}}, NULL);
	json_t *v = rig_result(r, "journal.verify", "");
	assert_true(json_is_true(json_object_get(v, "ok")));
	int64_t entries = number(v, "entries");
	assert_true(entries >= 2);
	json_decref(v);
	v = rig_result(r, "verify", "");
	assert_true(json_is_true(json_object_get(v, "ok")));
	assert_int_equal(number(v, "damaged"), 0);
	json_decref(v);
	/* A checkpoint whose signature is not the node's. */
	px_store_checkpoint(r->store, 1, (const uint8_t *)"forged", 6, ignore_write, NULL);
	rig_advance(r, 0);
	v = rig_result(r, "journal.verify", "");
	assert_true(json_is_false(json_object_get(v, "ok")));
	assert_true(r->checks > 0);
	json_decref(v);
	v = rig_result(r, "verify", "");
	assert_true(json_is_false(json_object_get(v, "ok")));
	assert_true(json_is_false(json_object_get(json_object_get(v, "journal"), "ok")));
	json_decref(v);
}

/* Whoever asked has gone: the walk is given up, and the next one may begin. */
static void test_verify_given_up(void **state)
{
	struct rig *r = *state;
	int fd = rig_connect(r);
	rig_send(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"verify\"}\n");
	rig_step(r);
	close(fd);
	rig_step(r);
	json_t *v = rig_result(r, "verify", "");
	assert_true(json_is_object(json_object_get(v, "journal")));
	json_decref(v);
}

static void test_drain(void **state)
{
	struct rig *r = *state;
	json_t *d = rig_result(r, "drain", "");
	assert_true(json_is_true(json_object_get(d, "draining")));
	json_decref(d);
	assert_true(px_flow_is_closed(r->flow));
	assert_true(px_alarm_is_raised(r->alarms, PX_ALARM_CLOSED, ""));
	json_t *s = rig_result(r, "status", "");
	assert_true(json_is_true(json_object_get(json_object_get(s, "node"), "draining")));
	json_decref(s);
	json_decref(rig_result(r, "drain", "{\"off\":true}"));
	assert_false(px_flow_is_closed(r->flow));
	assert_false(px_alarm_is_raised(r->alarms, PX_ALARM_CLOSED, ""));
	assert_non_null(strstr(rig_journal(r), "drain"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_certificates), TEST(test_catalogue),       TEST(test_config),
	    TEST(test_reload),       TEST(test_log_and_stop),    TEST(test_journal_tail),
	    TEST(test_verify),       TEST(test_verify_given_up), TEST(test_drain),
	};
	signal(SIGPIPE, SIG_IGN); /* one test goes away while it is answered */
	px_log_init("test", 2, PX_LOG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
