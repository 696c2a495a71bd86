/* prinex: tests of the queues between the threads of the store: what goes with what
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/op.h"

/* Us: what is not there after that is not waited for; for ever, as tests go. */
#define MOMENT   30000
#define FOR_EVER ((int64_t)600 * 1000000)

static const struct px_op_kind kind = {.name = "test"};

static struct px_op *push(struct px_op_queue *q, enum px_op_haste haste, size_t weight, unsigned coming)
{
	struct px_op *op = px_op_new(&kind, sizeof(*op));
	op->haste = haste;
	op->weight = weight;
	op->coming = coming;
	px_op_queue_push(q, op);
	return op;
}

/* What is gathered, in order: "!" prompt, "p" patient, "f" free. Freed. */
static const char *gather(struct px_op_queue *q, unsigned max, size_t weight, int64_t patience)
{
	static char text[64];
	size_t n = 0;
	bool stop;
	struct px_op *op = px_op_queue_gather(q, max, weight, patience, -1, &stop);
	while (op != NULL) {
		struct px_op *next = op->next;
		assert_true(n < sizeof(text) - 1);
		text[n++] = "!pf"[op->haste];
		px_op_free(&op);
		op = next;
	}
	text[n] = '\0';
	return stop ? "stop" : text;
}

static int set_up(void **state)
{
	struct px_op_queue *q = px_xcalloc(1, sizeof(*q));
	px_op_queue_init(q);
	*state = q;
	return 0;
}

static int tear_down(void **state)
{
	struct px_op_queue *q = *state;
	px_op_queue_destroy(q);
	free(q);
	return 0;
}

static void test_patient_waits(void **state)
{
	struct px_op_queue *q = *state;
	int64_t begun = px_op_now_us();
	push(q, PX_OP_PATIENT, 0, 0);
	push(q, PX_OP_PATIENT, 0, 0);
	assert_string_equal(gather(q, 10, 1000, MOMENT), "pp");
	assert_true(px_op_now_us() - begun >= MOMENT);
}

static void test_prompt_brings_patient(void **state)
{
	struct px_op_queue *q = *state;
	push(q, PX_OP_PROMPT, 0, 0);
	push(q, PX_OP_PATIENT, 0, 0);
	push(q, PX_OP_FREE, 0, 0);
	assert_string_equal(gather(q, 10, 1000, FOR_EVER), "!pf");
}

/* What is free is done at once, but flushes nothing that is patient. */
static void test_only_free(void **state)
{
	struct px_op_queue *q = *state;
	int64_t begun = px_op_now_us();
	push(q, PX_OP_FREE, 0, 0);
	assert_string_equal(gather(q, 10, 1000, FOR_EVER), "f");
	push(q, PX_OP_PATIENT, 0, 0);
	push(q, PX_OP_FREE, 0, 0);
	assert_string_equal(gather(q, 10, 1000, MOMENT), "pf");
	assert_true(px_op_now_us() - begun >= MOMENT);
}

static void test_enough_patient(void **state)
{
	struct px_op_queue *q = *state;
	for (unsigned i = 0; i < 16; i++)
		push(q, PX_OP_PATIENT, 0, 0);
	assert_string_equal(gather(q, 100, 1000, FOR_EVER), "pppppppppppppppp");
}

/* Four more were coming: two of them are waited for, and nothing is where none comes. */
static void test_company(void **state)
{
	struct px_op_queue *q = *state;
	int64_t begun = px_op_now_us();
	push(q, PX_OP_PROMPT, 7, 4);
	push(q, PX_OP_FREE, 0, 0);
	assert_string_equal(gather(q, 10, 1000, MOMENT), "!f");
	assert_true(px_op_now_us() - begun >= MOMENT);
	push(q, PX_OP_PROMPT, 7, 4);
	push(q, PX_OP_PROMPT, 7, 3);
	assert_string_equal(gather(q, 10, 1000, FOR_EVER), "!!");
	push(q, PX_OP_PROMPT, 7, 1);
	assert_string_equal(gather(q, 10, 1000, FOR_EVER), "!");
}

/* Limits: number and weight, but always one; and what stays behind is not waited with again. */
static void test_limits(void **state)
{
	struct px_op_queue *q = *state;
	push(q, PX_OP_PROMPT, 600, 64);
	push(q, PX_OP_PROMPT, 600, 64);
	push(q, PX_OP_PATIENT, 0, 0);
	push(q, PX_OP_PATIENT, 0, 0);
	assert_string_equal(gather(q, 1, 1000, 0), "!");
	assert_string_equal(gather(q, 10, 100, FOR_EVER), "!pp");
	push(q, PX_OP_PROMPT, 600, 0);
	push(q, PX_OP_PROMPT, 600, 0);
	assert_string_equal(gather(q, 10, 1000, FOR_EVER), "!");
	assert_string_equal(gather(q, 10, 1000, FOR_EVER), "!");
}

static void test_first(void **state)
{
	struct px_op_queue *q = *state;
	struct px_op *again = px_op_new(&kind, sizeof(*again));
	again->haste = PX_OP_PATIENT;
	push(q, PX_OP_PROMPT, 0, 0);
	px_op_queue_push_first(q, again);
	assert_string_equal(gather(q, 10, 1000, FOR_EVER), "p!");
}

static void *push_later(void *arg)
{
	usleep(MOMENT);
	push(arg, PX_OP_PROMPT, 0, 0);
	return NULL;
}

/* One that waits for company is woken by it. */
static void test_woken(void **state)
{
	struct px_op_queue *q = *state;
	pthread_t thread;
	push(q, PX_OP_PATIENT, 0, 0);
	assert_int_equal(pthread_create(&thread, NULL, push_later, q), 0);
	assert_string_equal(gather(q, 10, 1000, FOR_EVER), "p!");
	pthread_join(thread, NULL);
	assert_int_equal(pthread_create(&thread, NULL, push_later, q), 0);
	assert_string_equal(gather(q, 10, 1000, FOR_EVER), "!");
	pthread_join(thread, NULL);
}

static void *stop_later(void *arg)
{
	usleep(MOMENT);
	px_op_queue_stop(arg);
	return NULL;
}

/* Nothing is left behind, and nothing waits any longer. */
static void test_stop(void **state)
{
	struct px_op_queue *q = *state;
	pthread_t thread;
	push(q, PX_OP_PATIENT, 0, 0);
	assert_int_equal(pthread_create(&thread, NULL, stop_later, q), 0);
	assert_string_equal(gather(q, 10, 1000, FOR_EVER), "p");
	pthread_join(thread, NULL);
	push(q, PX_OP_PROMPT, 1, 64);
	assert_string_equal(gather(q, 10, 1000, FOR_EVER), "!");
	assert_string_equal(gather(q, 10, 1000, FOR_EVER), "stop");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_patient_waits, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_prompt_brings_patient, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_only_free, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_enough_patient, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_company, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_first, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_woken, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_stop, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
