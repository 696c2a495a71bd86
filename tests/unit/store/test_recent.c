/* prinex: tests of what is kept in memory of messages accepted a moment ago
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/strings.h"
#include "store/recent.h"

static void add(struct px_recent *r, uint64_t seq, size_t octets, unsigned deliveries)
{
	struct px_header header = {.n_recipients = 1};
	uint8_t *data = px_xcalloc(1, octets);
	snprintf(header.message_id, sizeof(header.message_id), "M%llu", (unsigned long long)seq);
	struct px_body *body = px_body_new(&data, octets, NULL);
	px_recent_add(r, seq, &header, "by", false, body, deliveries);
	px_body_unref(&body); /* it has a reference of its own, or none */
}

static bool has(const struct px_recent *r, uint64_t seq)
{
	char id[24];
	const struct px_recent_message *m = px_recent_find(r, seq);
	snprintf(id, sizeof(id), "M%llu", (unsigned long long)seq);
	if (m != NULL)
		assert_string_equal(m->header.message_id, id);
	return m != NULL;
}

static void test_leased(void **state)
{
	struct px_recent r = {.oldest = 0};
	(void)state;
	add(&r, 5, 100, 1);
	add(&r, 6, 100, 2);
	add(&r, 7, 100, 0);
	assert_true(has(&r, 5));
	assert_false(has(&r, 7)); /* nobody will want it */
	assert_false(has(&r, 5 + PX_RECENT_MESSAGES));
	px_recent_leased(&r, 5);
	assert_false(has(&r, 5));
	px_recent_leased(&r, 5); /* again: read from the store, which is none of its business */
	px_recent_leased(&r, 6);
	assert_true(has(&r, 6));
	px_recent_leased(&r, 6);
	assert_false(has(&r, 6));
	assert_int_equal(r.octets, 0);
	px_recent_clear(&r);
}

/* However much comes, there are never more than the newest that fit. */
static void test_bounds(void **state)
{
	struct px_recent r = {.oldest = 0};
	(void)state;
	for (uint64_t seq = 1; seq <= 3 * PX_RECENT_MESSAGES; seq++)
		add(&r, seq, 10, 1);
	assert_int_equal(r.octets, 10 * PX_RECENT_MESSAGES);
	assert_false(has(&r, 2 * PX_RECENT_MESSAGES));
	assert_true(has(&r, 2 * PX_RECENT_MESSAGES + 1));
	uint64_t last = 3 * PX_RECENT_MESSAGES;
	for (unsigned i = 0; i < 20; i++)
		add(&r, ++last, PX_RECENT_OCTETS / 8, 1);
	assert_true(r.octets <= PX_RECENT_OCTETS);
	assert_true(has(&r, last) && has(&r, last - 7));
	assert_false(has(&r, last - 8));
	add(&r, ++last, PX_RECENT_OCTETS + 1, 1); /* too large to be worth it */
	assert_false(has(&r, last));
	assert_int_equal(r.octets, 0);
	px_recent_clear(&r);
}

static void test_numbers_come_again(void **state)
{
	struct px_recent r = {.oldest = 0};
	(void)state;
	add(&r, 10, 100, 1);
	px_recent_clear(&r);
	assert_false(has(&r, 10));
	add(&r, 9, 200, 1);
	assert_true(has(&r, 9));
	assert_int_equal(r.octets, 200);
	px_recent_clear(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_leased),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_numbers_come_again),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
