/* prinex: tests of turns.c: fair among partners, small before large, nobody starves
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/strings.h"
#include "inspect/turns.h"

#define KB 1024u
#define MB (1024u * 1024)

static void add(struct px_turns *t, const char *partner, size_t len)
{
	struct px_job *job = px_xcalloc(1, sizeof(*job));
	uint8_t *octets = px_xcalloc(1, len);
	px_strlcpy(job->request.partner, partner, sizeof(job->request.partner));
	job->request.body = px_body_new(&octets, len, NULL);
	px_turns_add(t, job);
}

/* Take the next. @return the first letter of its partner's name, small for a small document. */
static char take(struct px_turns *t)
{
	const struct px_job *next = px_turns_next(t);
	struct px_job *job = px_turns_take(t);
	assert_ptr_equal(job, next);
	if (job == NULL)
		return '\0';
	char c = job->request.partner[0];
	if (job->request.body->len > PX_INSPECT_SMALL)
		c = (char)(c - 'a' + 'A');
	px_body_unref(&job->request.body);
	free(job);
	return c;
}

static void expect(struct px_turns *t, const char *order)
{
	char found[64] = "";
	for (size_t i = 0; order[i] != '\0' && i < sizeof(found) - 1; i++)
		found[i] = take(t);
	assert_string_equal(found, order);
}

static void empty(struct px_turns *t)
{
	while (take(t) != '\0')
		continue;
	assert_int_equal(t->n, 0);
}

static void one_partners_go_in_order(void **state PX_UNUSED)
{
	struct px_turns t = {.n = 0};
	uint64_t last = 0;
	for (unsigned i = 1; i <= 100; i++)
		add(&t, "a", i * 100);
	assert_int_equal(t.n, 100);
	for (unsigned i = 1; i <= 100; i++) {
		size_t len = px_turns_next(&t)->request.body->len;
		assert_true(len > last);
		last = len;
		take(&t);
	}
	assert_int_equal(take(&t), '\0');
}

static void one_that_sends_little_waits_for_one_of_each_other(void **state PX_UNUSED)
{
	struct px_turns t = {.n = 0};
	for (unsigned i = 0; i < 40; i++)
		add(&t, "many", 6 * KB);
	expect(&t, "mmm");
	add(&t, "few", 6 * KB);
	add(&t, "last", 6 * KB);
	expect(&t, "mflmmm");
	add(&t, "few", 6 * KB); /* it has not saved anything up while it had nothing */
	add(&t, "few", 6 * KB);
	expect(&t, "mfmfmm");
	empty(&t);
}

static void shares_are_of_octets(void **state PX_UNUSED)
{
	struct px_turns t = {.n = 0};
	for (unsigned i = 0; i < 10; i++)
		add(&t, "big", 60 * KB);
	for (unsigned i = 0; i < 60; i++)
		add(&t, "little", 6 * KB);
	unsigned big = 0;
	for (unsigned i = 0; i < 65; i++)
		big += take(&t) == 'b';
	assert_in_range(big, 7, 10); /* 60 little ones are as much work as seven and a bit */
	empty(&t);
}

/* The promise: one that is small waits for the large ones under way, not for those that wait too. */
static void a_small_one_goes_before_large_ones_that_wait(void **state PX_UNUSED)
{
	struct px_turns t = {.n = 0};
	for (unsigned i = 0; i < 8; i++) {
		add(&t, "alpha", MB);
		add(&t, "beta", MB);
	}
	expect(&t, "AB");
	add(&t, "gamma", 6 * KB);
	add(&t, "alpha", 6 * KB); /* even of who sent large ones */
	expect(&t, "gaABAB");
	empty(&t);
}

static void large_ones_get_their_half(void **state PX_UNUSED)
{
	struct px_turns t = {.n = 0};
	uint64_t small = 0, large = 0;
	for (unsigned i = 0; i < 4; i++)
		add(&t, "large", MB);
	for (unsigned i = 0; i < 2000; i++) {
		add(&t, "small", 6 * KB);
		add(&t, "small", 6 * KB);
		if (take(&t) == 'L')
			large += MB;
		else
			small += 6 * KB;
	}
	assert_int_equal(large, 4 * MB); /* all, though small ones never ended */
	assert_true(small > 4 * MB);
	empty(&t);
}

/* Under any arrivals: between a small one's coming and its going no more than one large one is taken for each
 * megabyte of small ones that go before it. */
static void small_ones_wait_for_small_ones_only(void **state PX_UNUSED)
{
	static const char *const names[] = {"alpha", "beta", "gamma", "delta"};
	struct px_turns t = {.n = 0};
	uint64_t seed = 42, small = 0;
	unsigned large = 0;
	for (unsigned i = 0; i < 20000; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		unsigned r = (unsigned)(seed >> 33);
		if (t.n < 200)
			add(&t, names[r % 4], r % 16 == 0 ? MB : 1 + r / 16 % (16 * KB));
		if (r / 64 % 2 == 0 || t.small.jobs.n == 0)
			continue;
		size_t len = px_turns_next(&t)->request.body->len;
		if (len > PX_INSPECT_SMALL) {
			large++;
			assert_true(small >= MB);
			small = 0;
		} else {
			small += len + 4 * KB;
		}
		take(&t);
	}
	assert_true(large > 10);
	empty(&t);
}

/* Behind an inspector that died. */
static void one_that_comes_back_is_next(void **state PX_UNUSED)
{
	struct px_turns t = {.n = 0};
	add(&t, "alpha", KB);
	add(&t, "alpha", KB);
	add(&t, "beta", KB);
	struct px_job *job = px_turns_take(&t);
	expect(&t, "b");
	px_turns_put_back(&t, job);
	assert_ptr_equal(px_turns_next(&t), job);
	assert_int_equal(t.n, 2);
	expect(&t, "aa");
	empty(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_partners_go_in_order),
	    cmocka_unit_test(one_that_sends_little_waits_for_one_of_each_other),
	    cmocka_unit_test(shares_are_of_octets),
	    cmocka_unit_test(a_small_one_goes_before_large_ones_that_wait),
	    cmocka_unit_test(large_ones_get_their_half),
	    cmocka_unit_test(small_ones_wait_for_small_ones_only),
	    cmocka_unit_test(one_that_comes_back_is_next),
	};
	return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}
