/* prinex: tests: commands about messages, octets and traces, and who looked at them
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "look.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"
#include "ctl/parts.h"

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
	/* Who looked at the whole store, and at what is damaged in it. */
	json_decref(rig_result(r, "quarantine", ""));
	assert_string_equal(rig_journal(r), "admin root quarantine / ");
	json_decref(rig_result(r, "verify", ""));
	assert_string_equal(rig_journal(r), "admin root verify / ");
	rig_error(r, "message", "{\"message\":\"BY/A9\"}", PX_RPC_NOT_FOUND);
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
	assert_string_equal(text(t, "value"), "same1");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_messages),     TEST(test_message_pages), TEST(test_message),
	    TEST(test_body),         TEST(test_journalled),    TEST(test_body_journalled_once),
	    TEST(test_journal_full), TEST(test_trace),         TEST(test_trace_kinds),
	    TEST(test_trace_many),
	};
	px_log_init("test", 2, PX_LOG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
