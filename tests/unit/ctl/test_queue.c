/* prinex: tests: queue, and why each delivery waits
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "look.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"
#include "ctl/parts.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_queue_reasons),
	    TEST(test_queue_push),
	    TEST(test_queue_pages),
	};
	px_log_init("test", 2, PX_LOG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
