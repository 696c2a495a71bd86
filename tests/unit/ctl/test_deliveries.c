/* prinex: tests of the control socket: pause, resume, probe, retry, cancel, quarantine, acknowledge
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "rig.h"

#include "ctl/parts.h"

static const json_t *row_of(const json_t *result, const char *list, const char *member, const char *value)
{
	const json_t *row;
	size_t i;
	json_array_foreach(json_object_get(result, list), i, row)
	{
		const char *text = json_string_value(json_object_get(row, member));
		if (text != NULL && strcmp(text, value) == 0)
			return row;
	}
	fail_msg("no %s %s", member, value);
	return NULL;
}

static const char *text(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));
	return s != NULL ? s : "";
}

/* Ask, and check ok and the beginning of the text. */
static void expect_told(struct rig *r, const char *method, const char *params, bool ok, const char *begin)
{
	json_t *result = rig_result(r, method, params);
	if (strncmp(text(result, "text"), begin, strlen(begin)) != 0)
		fail_msg("%s %s: %s", method, params, text(result, "text"));
	assert_true(json_is_true(json_object_get(result, "ok")) == ok);
	json_decref(result);
}

static void test_pause(void **state)
{
	struct rig *r = *state;
	expect_told(r, "resume", "{\"name\":\"system-pl\"}", false, "it is not paused");
	expect_told(r, "pause", "{\"name\":\"system-pl\",\"reason\":\"works on the line\"}", true, "paused");
	assert_non_null(strstr(rig_journal(r), "pause"));
	assert_non_null(strstr(rig_journal(r), "works on the line"));
	rig_accept(r, &(struct rig_message){.id = "A1", .to = {"PL:system-pl"}}, NULL);
	rig_advance(r, 5 * RIG_MINUTE);
	json_t *p = rig_result(r, "partner", "{\"name\":\"system-pl\"}");
	const json_t *link = json_object_get(p, "link"), *paused = json_object_get(link, "paused");
	assert_string_equal(text(link, "state"), "paused");
	assert_string_equal(text(paused, "reason"), "works on the line");
	assert_true(text(paused, "by")[0] != '\0' && text(paused, "since")[0] != '\0');
	json_decref(p);
	json_t *q = rig_result(r, "queue", "");
	const json_t *row = row_of(q, "deliveries", "reason", "paused");
	assert_non_null(strstr(text(row, "why"), "5 min ago: works on the line; resume lets it go on"));
	json_decref(q);
	json_t *a = rig_result(r, "alarms", "");
	assert_string_equal(text(row_of(a, "alarms", "name", "partner-paused"), "subject"), "system-pl");
	json_decref(a);
	expect_told(r, "retry", "{\"target\":\"system-pl\"}", true,
		    "all that waits for it is due, but it is paused");
	expect_told(r, "resume", "{\"name\":\"system-pl\"}", true, "resumed");
	q = rig_result(r, "queue", "");
	row_of(q, "deliveries", "reason", "not-fetched");
	json_decref(q);
	assert_string_equal(rig_error(r, "pause", "{\"name\":\"nobody\"}", PX_RPC_NOT_FOUND),
			    "there is no such partner; partners lists them");
}

static void test_cancel(void **state)
{
	struct rig *r = *state;
	uint64_t ids[2];
	rig_accept(r, &(struct rig_message){.id = "A1", .to = {"PL:system-pl", "UA:left-us"}}, ids);
	assert_non_null(strstr(rig_error(r, "cancel", "{\"message\":\"BY/A1\"}", PX_RPC_PARAMS), "reason"));
	assert_non_null(
	    strstr(rig_error(r, "cancel", "{\"message\":\"BY/NO\",\"reason\":\"x\"}", PX_RPC_NOT_FOUND),
		   "no such message"));
	struct px_token token = rig_lease(r, "system-pl", 1);
	expect_told(r, "cancel", "{\"message\":\"BY/A1\",\"reason\":\"sent twice\"}", true,
		    "1 delivery cancelled, 1 delivery in flight just now");
	rig_settle(r, &(struct px_settle){
			  .delivery = ids[0], .token = token, .state = PX_D_QUEUED, .body_sent = true});
	expect_told(r, "cancel", "{\"message\":\"BY/A1\",\"reason\":\"sent twice\",\"recipient\":\"UA\"}",
		    false, "nothing of it waits any more");
	expect_told(r, "cancel", "{\"message\":\"BY/A1\",\"reason\":\"sent twice\"}", true,
		    "1 delivery cancelled");
	json_t *m = rig_result(r, "message", "{\"message\":\"BY/A1\"}");
	const json_t *d = row_of(m, "deliveries", "partner", "system-pl");
	assert_string_equal(text(d, "state"), "cancelled");
	assert_string_equal(text(d, "error"), "sent twice (it was sent before and may have arrived)");
	/* It was there when the node started, which no clean stop came before. */
	assert_string_equal(text(row_of(m, "deliveries", "partner", "left-us"), "error"),
			    "sent twice (it was sent before and may have arrived)");
	json_decref(m);
}

static void test_retry(void **state)
{
	struct rig *r = *state;
	uint64_t ids[1];
	rig_accept(r, &(struct rig_message){.id = "A1", .to = {"PL:system-pl"}}, ids);
	struct px_token token = rig_lease(r, "system-pl", 1);
	rig_settle(r, &(struct px_settle){.delivery = ids[0],
					  .token = token,
					  .state = PX_D_QUEUED,
					  .attempted = true,
					  .due = px_clock_wall(r->clock) + RIG_HOUR,
					  .error = "busy"});
	expect_told(r, "retry", "{\"target\":\"BY/A1\"}", true, "1 delivery due now");
	json_t *q = rig_result(r, "queue", "");
	row_of(q, "deliveries", "reason", "not-fetched");
	json_decref(q);
	assert_string_equal(rig_error(r, "retry", "{\"target\":\"nobody\"}", PX_RPC_NOT_FOUND),
			    "there is no such partner; partners lists them");
	expect_told(r, "probe", "{\"name\":\"system-pl\"}", false, "it fetches by itself");
}

static void test_quarantine(void **state)
{
	struct rig *r = *state;
	json_t *q = rig_result(r, "quarantine", "");
	assert_int_equal(json_array_size(json_object_get(q, "records")), 0);
	json_decref(q);
	assert_string_equal(
	    rig_error(r, "quarantine.release", "{\"record\":\"messages/1\"}", PX_RPC_NOT_FOUND),
	    "no such record is in quarantine");
	assert_non_null(strstr(rig_error(r, "quarantine.release", "{\"record\":\"messages\"}", PX_RPC_PARAMS),
			       "TABLE/NUMBER"));
}

static void test_acknowledge(void **state)
{
	struct rig *r = *state;
	assert_string_equal(rig_error(r, "acknowledge", "{\"alarm\":\"key-owner\"}", PX_RPC_NOT_FOUND),
			    "no such alarm is raised");
	assert_non_null(strstr(rig_error(r, "acknowledge", "{\"alarm\":\"fire\"}", PX_RPC_PARAMS), "one of"));
	px_alarm_raise(r->alarms, PX_ALARM_KEY_OWNER, "system-by", "two declarants");
	px_alarm_raise(r->alarms, PX_ALARM_KEY_OWNER, "system-pl", "two declarants");
	expect_told(r, "acknowledge", "{\"alarm\":\"key-owner\",\"subject\":\"system-by\"}", true,
		    "1 alarm acknowledged");
	assert_true(px_alarm_is_raised(r->alarms, PX_ALARM_KEY_OWNER, "system-pl"));
	expect_told(r, "acknowledge", "{\"alarm\":\"key-owner\"}", true, "1 alarm acknowledged");
	px_alarm_raise(r->alarms, PX_ALARM_DISK, "", "full");
	expect_told(r, "acknowledge", "{\"alarm\":\"disk-low\"}", false, "this alarm clears by itself");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_pause),      TEST(test_cancel),      TEST(test_retry),
	    TEST(test_quarantine), TEST(test_acknowledge),
	};
	px_log_init("test", 2, PX_LOG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
