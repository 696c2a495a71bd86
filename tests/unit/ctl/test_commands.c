/* prinex: tests: what each command answers
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "rig.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"
#include "ctl/parts.h"

static const char *text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));
	return s != NULL ? s : "(none)";
}

static int64_t number(const json_t *o, const char *name)
{
	if (!json_is_integer(json_object_get(o, name)))
		fail_msg("%s is no number", name);
	return json_integer_value(json_object_get(o, name));
}

/* The member of @list whose @name is @value. */
static const json_t *find(const json_t *list, const char *name, const char *value)
{
	size_t i;
	const json_t *o;
	json_array_foreach(list, i, o)
	{
		if (strcmp(text(o, name), value) == 0)
			return o;
	}
	fail_msg("none has %s = %s", name, value);
	return NULL;
}

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
	assert_int_equal(json_array_size(list), PX_CTL_COMMANDS - 1); /* completion is prinexctl's */
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

/* --- messages
 * ------------------------------------------------------------------------------------------------ */

static size_t count_messages(struct rig *r, const char *params)
{
	json_t *m = rig_result(r, "messages", params);
	size_t n = json_array_size(json_object_get(m, "messages"));
	json_decref(m);
	return n;
}

static void test_messages(void **state)
{
	struct rig *r = *state;
	uint64_t ids[2];
	rig_accept(r, &(struct rig_message){.id = "OLD", .to = {"UA:node-ua"}}, ids);
	rig_settle(r, &(struct px_settle){.delivery = ids[0], .state = PX_D_DELIVERED});
	rig_advance(r, 3 * RIG_HOUR);
	rig_accept(r, &(struct rig_message){.id = "NEW", .type = "Urgent", .to = {"PL:system-pl"}}, NULL);
	json_t *m = rig_result(r, "messages", "");
	const json_t *first = json_array_get(json_object_get(m, "messages"), 0);
	assert_string_equal(text(first, "message_id"), "NEW"); /* newest first */
	assert_string_equal(text(first, "state"), "queued");
	assert_true(json_is_null(json_object_get(m, "next")));
	const json_t *second = json_array_get(json_object_get(m, "messages"), 1);
	assert_string_equal(text(second, "state"), "delivered");
	assert_string_equal(json_string_value(json_array_get(json_object_get(second, "recipients"), 0)),
			    "UA");
	json_decref(m);
	assert_int_equal(count_messages(r, "{\"since\":\"2h\"}"), 1);
	assert_int_equal(count_messages(r, "{\"since\":\"4h\"}"), 2);
	assert_int_equal(count_messages(r, "{\"until\":\"2h\"}"), 1);
	assert_int_equal(count_messages(r, "{\"open\":true}"), 1);
	assert_int_equal(count_messages(r, "{\"open\":false}"), 2);
	assert_int_equal(count_messages(r, "{\"type\":\"Urgent\"}"), 1);
	assert_int_equal(count_messages(r, "{\"recipient\":\"UA\"}"), 1);
	assert_int_equal(count_messages(r, "{\"sender\":\"PL\"}"), 0);
	assert_int_equal(count_messages(r, "{\"partner\":\"system-by\"}"), 2);
}

/* Every message once, in pages; the filter leaves holes in them. */
static void test_message_pages(void **state)
{
	struct rig *r = *state;
	char params[96] = "{\"limit\":7,\"type\":\"Urgent\"}", last[16] = "";
	unsigned pages = 0, seen = 0;
	for (unsigned i = 0; i < 230; i++) {
		char id[16];
		snprintf(id, sizeof(id), "M%03u", i);
		rig_accept(r, &(struct rig_message){.id = id, .type = i % 10 == 3 ? "Urgent" : "Note"}, NULL);
	}
	for (;;) {
		json_t *m = rig_result(r, "messages", params), *o;
		size_t i;
		json_array_foreach(json_object_get(m, "messages"), i, o)
		{
			assert_true(last[0] == '\0' || strcmp(text(o, "message_id"), last) < 0);
			px_strlcpy(last, text(o, "message_id"), sizeof(last));
			seen++;
		}
		bool more = json_is_integer(json_object_get(m, "next"));
		if (more) {
			assert_int_equal(json_array_size(json_object_get(m, "messages")), 7);
			snprintf(params, sizeof(params),
				 "{\"limit\":7,\"type\":\"Urgent\",\"from\":%" PRId64 "}", number(m, "next"));
		}
		json_decref(m);
		pages++;
		if (!more)
			break;
	}
	assert_int_equal(seen, 23);
	assert_in_range(pages, 4, 5);
}

static void test_message(void **state)
{
	struct rig *r = *state;
	char params[64];
	uint64_t seq = rig_accept(r,
				  &(struct rig_message){.id = "A1",
							.mrn = "26BYAB12CD34EF56J7",
							.vehicle = "АВ 1234-5",
							.to = {"PL:system-pl"},
							.ends = true},
				  NULL);
	snprintf(params, sizeof(params), "{\"message\":\"%" PRIu64 "\"}", seq);
	json_t *m = rig_result(r, "message", params);
	assert_string_equal(text(m, "message_id"), "A1");
	assert_int_equal(strlen(text(m, "sha256")), 64);
	assert_true(json_is_true(json_object_get(m, "ends_movement")));
	assert_string_equal(text(find(json_object_get(m, "keys"), "key", "vehicle"), "value"), "АВ 1234-5");
	const json_t *d = json_array_get(json_object_get(m, "deliveries"), 0);
	assert_string_equal(text(d, "state"), "queued");
	assert_string_equal(text(d, "partner"), "system-pl");
	json_decref(m);
	json_decref(rig_result(r, "message", "{\"message\":\"BY/A1\"}"));
	assert_string_equal(rig_error(r, "message", "{\"message\":\"BY/A2\"}", PX_RPC_NOT_FOUND),
			    "there is no such message");
	rig_error(r, "message", "{\"message\":\"4711\"}", PX_RPC_NOT_FOUND);
}

/* --- octets
 * --------------------------------------------------------------------------------------------------- */

static void test_body(void **state)
{
	struct rig *r = *state;
	size_t len = (size_t)PX_LIMIT_CTL_BODY * 2 + 17;
	struct px_buf got = PX_BUF_INIT;
	char *big = px_xmalloc(len + 1), params[96];
	for (size_t i = 0; i < len; i++)
		big[i] = (char)(i * 7 + i / 1000);
	rig_accept(r, &(struct rig_message){.id = "BIG", .body = big, .body_len = len}, NULL);
	unsigned pieces = 0;
	do {
		snprintf(params, sizeof(params), "{\"message\":\"BY/BIG\",\"offset\":%zu}", got.len);
		json_t *b = rig_result(r, "body", params);
		const char *data = text(b, "base64");
		assert_int_equal(number(b, "octets"), len);
		assert_int_equal(px_unbase64(&got, data, strlen(data)), PX_OK);
		assert_int_equal(json_is_null(json_object_get(b, "next")), got.len == len);
		json_decref(b);
		pieces++;
	} while (got.len < len);
	assert_int_equal(pieces, 3);
	assert_memory_equal(got.data, big, len);
	px_buf_free(&got);
	free(big);
	json_t *coa = rig_result(r, "body", "{\"message\":\"BY/BIG\",\"coa\":true}");
	assert_string_equal(text(coa, "base64"), "PGNvYS8+"); /* <coa/> */
	json_decref(coa);
	rig_error(r, "body", "{\"message\":\"BY/NONE\"}", PX_RPC_NOT_FOUND);
	snprintf(params, sizeof(params), "{\"message\":\"BY/BIG\",\"offset\":%zu}", len + 1);
	rig_error(r, "body", params, PX_RPC_PARAMS);
}

/* --- the journal knows who looked
 * ------------------------------------------------------------------------------- */

static void test_journalled(void **state)
{
	struct rig *r = *state;
	const char *me = geteuid() == 0 ? "root" : NULL;
	char expected[256];
	rig_accept(r, &(struct rig_message){.id = "A1", .mrn = "26BYAB12CD34EF56J7"}, NULL);
	json_decref(rig_result(r, "message", "{\"message\":\"BY/A1\"}"));
	if (me == NULL)
		skip();
	assert_string_equal(rig_journal(r), "read root message BY/A1 ");
	json_decref(rig_result(r, "messages", "{\"sender\":\"BY\",\"limit\":5,\"open\":true}"));
	assert_string_equal(rig_journal(r), "read root messages / sender=BY open=true limit=5");
	/* The value of a key is business data: its digest only. */
	json_decref(rig_result(r, "trace", "{\"key\":\"mrn\",\"value\":\"26BYAB12CD34EF56J7\"}"));
	assert_string_equal(rig_journal(r), "read root trace / key=mrn +digest");
	json_decref(rig_result(r, "log", "{\"level\":\"info\"}"));
	assert_string_equal(rig_journal(r), "admin root log / level=info");
	/* Asked in vain, it is journalled all the same. */
	rig_error(r, "message", "{\"message\":\"BY/A9\"}", PX_RPC_NOT_FOUND);
	assert_string_equal(rig_journal(r), "read root message BY/A9 ");
	/* Looking at the node itself is not. */
	json_decref(rig_result(r, "status", ""));
	json_decref(rig_result(r, "queue", ""));
	snprintf(expected, sizeof(expected), "read root message BY/A9 ");
	assert_string_equal(rig_journal(r), expected);
}

/* The pieces of one body are one reading; another body, or starting anew, is another. */
static void test_body_journalled_once(void **state)
{
	struct rig *r = *state;
	size_t len = (size_t)PX_LIMIT_CTL_BODY + 1;
	char *big = px_xcalloc(1, len + 1);
	memset(big, 'x', len);
	rig_accept(r, &(struct rig_message){.id = "BIG", .body = big, .body_len = len}, NULL);
	rig_accept(r, &(struct rig_message){.id = "BIG2", .body = big, .body_len = len - 1}, NULL);
	free(big);
	int fd = rig_connect(r);
	static const struct {
		const char *params;
		unsigned entries;
	} steps[] = {
	    {"{\"message\":\"BY/BIG\"}", 1},
	    {"{\"message\":\"BY/BIG\",\"offset\":1048576}", 1},
	    {"{\"message\":\"BY/BIG2\",\"offset\":1048570}", 2}, /* skips the beginning of another */
	    {"{\"message\":\"BY/BIG\",\"offset\":1048576}", 3},
	    {"{\"message\":\"BY/BIG\",\"coa\":true,\"offset\":1}", 4},
	    {"{\"message\":\"BY/BIG\",\"coa\":true}", 5},
	};
	json_t *before = rig_result(r, "status", "");
	int64_t at = number(json_object_get(before, "store"), "journal_entries");
	json_decref(before);
	for (size_t i = 0; i < PX_ARRAY_LEN(steps); i++) {
		char line[160];
		snprintf(line, sizeof(line),
			 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"body\",\"params\":%s}\n",
			 steps[i].params);
		rig_send(fd, line);
		json_t *answer = rig_read(r, fd);
		assert_non_null(json_object_get(answer, "result"));
		json_decref(answer);
		json_t *now = rig_result(r, "status", "");
		assert_int_equal(number(json_object_get(now, "store"), "journal_entries") - at,
				 steps[i].entries);
		json_decref(now);
	}
	close(fd);
}

/* A journal that cannot be written: no business data is shown; what an administrator does goes on. */
static void test_journal_full(void **state)
{
	struct rig *r = *state;
	rig_accept(r, &(struct rig_message){.id = "A1"}, NULL);
	const struct px_store_ops *ops = r->store->ops;
	struct px_store *whole = r->store;
	struct px_store_sim_faults faults = {.full_per_mille = 1000};
	r->store = px_store_sim_new(1, &faults, r->clock);
	r->ctl->setup.store = r->store;
	assert_string_equal(rig_error(r, "message", "{\"message\":\"BY/A1\"}", PX_RPC_FAILED),
			    "cannot record in the journal who reads, so nothing is shown: no space left");
	json_decref(rig_result(r, "stop", ""));
	assert_int_equal(r->stops, 1);
	json_decref(rig_result(r, "status", ""));
	px_store_close(&r->store);
	r->store = whole;
	r->ctl->setup.store = whole;
	assert_ptr_equal(whole->ops, ops);
}

/* --- trace
 * ---------------------------------------------------------------------------------------------------- */

static void test_trace(void **state)
{
	struct rig *r = *state;
	uint64_t first[2], second[1];
	rig_accept(r,
		   &(struct rig_message){.id = "DECL",
					 .lrn = "LRN1",
					 .declarant = "100200300",
					 .vehicle = "AB1234-5",
					 .to = {"UA:left-us", "PL:system-pl"}},
		   first);
	rig_advance(r, 5 * RIG_MINUTE);
	rig_settle(r, &(struct px_settle){.delivery = first[0], .state = PX_D_DELIVERED});
	rig_advance(r, 5 * RIG_MINUTE);
	/* Linked by LRN; carries the MRN, not the vehicle. */
	rig_accept(r,
		   &(struct rig_message){.id = "REG",
					 .lrn = "LRN1",
					 .mrn = "26BYAB12CD34EF56J7",
					 .declarant = "100200300",
					 .to = {"PL:system-pl"}},
		   second);
	rig_advance(r, RIG_MINUTE);
	rig_settle(r, &(struct px_settle){
			  .delivery = first[1], .state = PX_D_REFUSED, .error = "PX-SCHEMA-ENUM: bad code"});
	rig_accept(r, &(struct rig_message){.id = "OTHER", .mrn = "26BYXX12CD34EF56J0", .vehicle = "ZZ1"},
		   NULL);

	json_t *t = rig_result(r, "trace", "{\"value\":\"AB1234-5\"}");
	assert_true(json_is_true(json_object_get(t, "ok")));
	assert_string_equal(json_string_value(json_array_get(json_object_get(t, "found_as"), 0)), "vehicle");
	const json_t *movements = json_object_get(t, "movements");
	assert_int_equal(json_array_size(movements), 1);
	const json_t *m = json_array_get(movements, 0), *events = json_object_get(m, "events");
	assert_int_equal(json_array_size(json_object_get(m, "messages")), 2);
	assert_string_equal(
	    json_string_value(json_array_get(json_object_get(json_object_get(m, "keys"), "mrn"), 0)),
	    "26BYAB12CD34EF56J7");
	/* In the order in which things happened; what has not ended comes last. */
	static const char *const expected[][2] = {{"accepted", "DECL"},
						  {"delivered", "DECL"},
						  {"accepted", "REG"},
						  {"refused", "DECL"},
						  {"queued", "REG"}};
	assert_int_equal(json_array_size(events), PX_ARRAY_LEN(expected));
	for (size_t i = 0; i < PX_ARRAY_LEN(expected); i++) {
		assert_string_equal(text(json_array_get(events, i), "event"), expected[i][0]);
		assert_string_equal(text(json_array_get(events, i), "message_id"), expected[i][1]);
	}
	assert_string_equal(text(json_array_get(events, 3), "detail"), "PX-SCHEMA-ENUM: bad code");
	assert_string_equal(text(json_array_get(events, 1), "recipient"), "UA");
	assert_true(json_is_true(json_object_get(json_array_get(events, 0), "confirmed")));
	json_decref(t);
}

static void test_trace_kinds(void **state)
{
	struct rig *r = *state;
	rig_accept(r, &(struct rig_message){.id = "A", .mrn = "SAME1"}, NULL);
	rig_accept(r, &(struct rig_message){.id = "B", .vehicle = "SAME1"}, NULL);
	json_t *t = rig_result(r, "trace", "{\"value\":\"SAME1\"}");
	assert_int_equal(json_array_size(json_object_get(t, "movements")), 2);
	assert_int_equal(json_array_size(json_object_get(t, "found_as")), 2);
	json_decref(t);
	t = rig_result(r, "trace", "{\"value\":\"SAME1\",\"key\":\"vehicle\"}");
	assert_int_equal(json_array_size(json_object_get(t, "movements")), 1);
	json_decref(t);
	t = rig_result(r, "trace", "{\"value\":\"SAME1\",\"key\":\"seal\"}");
	assert_true(json_is_false(json_object_get(t, "ok")));
	json_decref(t);
	/* As people type it. */
	t = rig_result(r, "trace", "{\"value\":\"same1\"}");
	assert_int_equal(json_array_size(json_object_get(t, "movements")), 2);
	assert_string_equal(text(t, "value"), "SAME1");
	json_decref(t);
}

/* A vehicle that was on more journeys than are shown says so. */
static void test_trace_many(void **state)
{
	struct rig *r = *state;
	for (unsigned i = 0; i < 14; i++) {
		char id[16], mrn[24];
		snprintf(id, sizeof(id), "J%u", i);
		snprintf(mrn, sizeof(mrn), "MRN%u", i);
		rig_accept(r, &(struct rig_message){.id = id, .mrn = mrn, .vehicle = "V1"}, NULL);
	}
	json_t *t = rig_result(r, "trace", "{\"value\":\"V1\"}");
	assert_int_equal(json_array_size(json_object_get(t, "movements")), 10);
	assert_true(json_is_true(json_object_get(t, "more")));
	/* The latest ones. */
	const json_t *m = json_array_get(json_object_get(t, "movements"), 0);
	assert_string_equal(text(json_array_get(json_object_get(m, "messages"), 0), "message_id"), "J13");
	json_decref(t);
}

/* --- queue
 * ---------------------------------------------------------------------------------------------------- */

static const json_t *row_of(const json_t *queue, uint64_t id)
{
	size_t i;
	const json_t *o;
	json_array_foreach(json_object_get(queue, "deliveries"), i, o)
	{
		if (number(o, "id") == (int64_t)id)
			return o;
	}
	fail_msg("delivery %" PRIu64 " is not in the queue", id);
	return NULL;
}

static void expect_reason(const json_t *queue, uint64_t id, const char *reason, const char *why)
{
	const json_t *row = row_of(queue, id);
	if (strcmp(text(row, "reason"), reason) != 0 || strstr(text(row, "why"), why) == NULL)
		fail_msg("delivery %" PRIu64 ": %s, \"%s\"; expected %s, \"%s\"", id, text(row, "reason"),
			 text(row, "why"), reason, why);
}

/* Nothing waits without a reason shown. */
static void test_queue_reasons(void **state)
{
	struct rig *r = *state;
	uint64_t front[1], behind[1], third[1], held[1], retry[1], over[1], fetched[1], ended[1];
	rig_accept(r, &(struct rig_message){.id = "FRONT", .mrn = "M1", .to = {"PL:system-pl"}}, front);
	rig_accept(r, &(struct rig_message){.id = "BEHIND", .mrn = "M1", .to = {"PL:system-pl"}}, behind);
	rig_accept(r, &(struct rig_message){.id = "THIRD", .mrn = "M1", .to = {"PL:system-pl"}}, third);
	rig_accept(r, &(struct rig_message){.id = "HELD", .to = {"LT:left-us"}, .deadline = 3 * RIG_HOUR},
		   held);
	rig_accept(r, &(struct rig_message){.id = "RETRY", .to = {"UA:push-gone"}}, retry);
	rig_accept(r, &(struct rig_message){.id = "ENDED", .to = {"PL:system-pl"}}, ended);
	rig_settle(r, &(struct px_settle){.delivery = ended[0], .state = PX_D_DELIVERED});
	rig_accept(r, &(struct rig_message){.id = "OVER", .to = {"UA:node-ua"}}, over);
	struct px_token token = rig_lease(r, "node-ua", 1);
	rig_settle(r, &(struct px_settle){.delivery = over[0],
					  .token = token,
					  .state = PX_D_HANDED_OVER,
					  .attempted = true,
					  .body_sent = true,
					  .due = px_clock_wall(r->clock) + 73 * RIG_HOUR});
	rig_accept(r, &(struct rig_message){.id = "FETCHED", .to = {"BY:system-by"}}, fetched);
	rig_lease(r, "system-by", 1);
	json_t *q = rig_result(r, "queue", "");
	assert_int_equal(json_array_size(json_object_get(q, "deliveries")), 7);
	expect_reason(q, front[0], "not-fetched", "waits for the partner to fetch it");
	char text_behind[64];
	snprintf(text_behind, sizeof(text_behind), "behind delivery %" PRIu64 " of its movement", front[0]);
	expect_reason(q, behind[0], "behind", text_behind);
	assert_int_equal(number(row_of(q, behind[0]), "behind"), front[0]);
	assert_int_equal(number(row_of(q, third[0]), "behind"), behind[0]); /* the one right in front */
	expect_reason(q, held[0], "held", "the partner is no longer configured; ends in 3 h");
	expect_reason(q, over[0], "handed-over", "its confirmation of delivery is awaited for 3 d 1 h more");
	expect_reason(q, fetched[0], "in-flight", "fetched; the partner's confirmation is awaited");
	json_decref(q);
	q = rig_result(r, "queue", "{\"partner\":\"left-us\"}");
	assert_int_equal(json_array_size(json_object_get(q, "deliveries")), 1);
	json_decref(q);
}

static void test_queue_push(void **state)
{
	struct rig *r = *state;
	uint64_t ids[1], waiting[1];
	rig_accept(r, &(struct rig_message){.id = "P1", .to = {"UA:node-ua"}}, ids);
	struct px_token token = rig_lease(r, "node-ua", 1);
	json_t *q = rig_result(r, "queue", "");
	expect_reason(q, ids[0], "in-flight", "in flight");
	json_decref(q);
	rig_settle(r, &(struct px_settle){.delivery = ids[0],
					  .token = token,
					  .state = PX_D_QUEUED,
					  .attempted = true,
					  .due = px_clock_wall(r->clock) + 4 * RIG_MINUTE,
					  .error = "503 Service Unavailable"});
	rig_accept(r, &(struct rig_message){.id = "P2", .to = {"UA:node-ua"}}, waiting);
	q = rig_result(r, "queue", "");
	expect_reason(q, ids[0], "retry", "next attempt in 4 min after 1 attempt: 503 Service Unavailable");
	expect_reason(q, waiting[0], "due", "due now; 0 of 2 attempts to this partner are in flight");
	json_decref(q);
}

static void test_queue_pages(void **state)
{
	struct rig *r = *state;
	char params[64] = "{\"limit\":20}";
	int64_t last = 0;
	unsigned seen = 0;
	for (unsigned i = 0; i < 150; i++) {
		char id[16];
		snprintf(id, sizeof(id), "Q%u", i);
		rig_accept(r, &(struct rig_message){.id = id, .mrn = "ONE", .to = {"PL:system-pl"}}, NULL);
	}
	for (bool more = true; more;) {
		json_t *q = rig_result(r, "queue", params), *o;
		size_t i;
		json_array_foreach(json_object_get(q, "deliveries"), i, o)
		{
			assert_true(number(o, "id") > last); /* oldest first */
			if (last != 0)
				assert_int_equal(number(o, "behind"), last);
			last = number(o, "id");
			seen++;
		}
		more = json_is_integer(json_object_get(q, "next"));
		if (more)
			snprintf(params, sizeof(params), "{\"limit\":20,\"from\":%" PRId64 "}",
				 number(q, "next"));
		json_decref(q);
	}
	assert_int_equal(seen, 150);
}

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
	assert_string_equal(rig_error(r, "reload", "", PX_RPC_BUSY), "a reload is under way already");
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_status),
	    TEST(test_alarms),
	    TEST(test_help),
	    TEST(test_all_answered),
	    TEST(test_partners),
	    TEST(test_messages),
	    TEST(test_message_pages),
	    TEST(test_message),
	    TEST(test_body),
	    TEST(test_journalled),
	    TEST(test_body_journalled_once),
	    TEST(test_journal_full),
	    TEST(test_trace),
	    TEST(test_trace_kinds),
	    TEST(test_trace_many),
	    TEST(test_queue_reasons),
	    TEST(test_queue_push),
	    TEST(test_queue_pages),
	    TEST(test_certificates),
	    TEST(test_catalogue),
	    TEST(test_config),
	    TEST(test_reload),
	    TEST(test_log_and_stop),
	    TEST(test_journal_tail),
	    TEST(test_verify),
	};
	px_log_init("test", 2, PX_LOG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
