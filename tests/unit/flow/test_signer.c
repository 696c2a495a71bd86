/* prinex: tests of the signer thread: order, batches, what was submitted is finished
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/signer.h"

#include <poll.h>

#include "xmlkit.h"

enum { N = 500 };

static struct kit kit;

struct seen {
	struct px_signer *signer;
	unsigned n;        /* callbacks so far */
	unsigned wakes;    /* dispatches */
	unsigned resubmit; /* documents to submit from callbacks */
	bool in_order;
};

struct ticket {
	struct seen *seen;
	unsigned number;
	char expected[32];
};

static struct ticket tickets[N + 10];

static int setup(void **state PX_UNUSED)
{
	kit_open(&kit);
	kit_identity(&kit, "node", "P-256");
	return 0;
}

static int teardown(void **state PX_UNUSED)
{
	kit_close(&kit);
	return 0;
}

static struct px_signer *make(void)
{
	char key_file[256], cert_file[256];
	struct px_seal_key *key = NULL;
	struct px_signer *signer = NULL;
	struct px_buf why = PX_BUF_INIT;
	kit_path(&kit, "node.key", key_file);
	kit_path(&kit, "node.pem", cert_file);
	assert_int_equal(px_seal_key_load(key_file, cert_file, &key, &why), PX_OK);
	assert_int_equal(px_signer_new(&key, &signer, &why), PX_OK);
	assert_null(key);
	return signer;
}

static void submit(struct seen *seen, unsigned i);

static void sealed(void *arg, struct px_buf *doc)
{
	struct ticket *t = arg;
	assert_non_null(doc);
	assert_non_null(strstr(px_buf_str(doc), t->expected));
	assert_non_null(strstr(px_buf_str(doc), "</ds:Signature></a>"));
	t->seen->in_order = t->seen->in_order && t->number == t->seen->n;
	t->seen->n++;
	px_buf_free(doc);
	if (t->seen->resubmit > 0) {
		t->seen->resubmit--;
		submit(t->seen, N + t->seen->resubmit);
	}
}

static void octets_signed(void *arg, const uint8_t *signature, size_t len)
{
	struct ticket *t = arg;
	assert_int_equal(px_seal_statement_verify(px_signer_key(t->seen->signer), t->expected,
						  strlen(t->expected), signature, len),
			 PX_OK);
	t->seen->in_order = t->seen->in_order && t->number == t->seen->n;
	t->seen->n++;
}

static void submit(struct seen *seen, unsigned i)
{
	struct px_sealer *sealer = px_signer_sealer(seen->signer);
	struct ticket *t = &tickets[i];
	*t = (struct ticket){.seen = seen, .number = i};
	snprintf(t->expected, sizeof(t->expected), "<a>%u<", i);
	if (i % 10 == 3) {
		sealer->sign(sealer, t->expected, strlen(t->expected), octets_signed, t);
		return;
	}
	struct px_buf doc = PX_BUF_INIT;
	px_buf_addf(&doc, "<a>%u</a>", i);
	sealer->seal(sealer, &doc, sealed, t);
	assert_int_equal(doc.len, 0);
}

static void jobs_come_back_in_order(void **state PX_UNUSED)
{
	struct seen seen = {.signer = make(), .in_order = true};
	for (unsigned i = 0; i < N; i++)
		submit(&seen, i);
	struct pollfd p = {.fd = px_signer_fd(seen.signer), .events = POLLIN};
	while (seen.n < N) {
		assert_int_equal(poll(&p, 1, 10000), 1);
		px_signer_dispatch(seen.signer);
		seen.wakes++;
	}
	assert_int_equal(seen.n, N);
	assert_true(seen.in_order);
	assert_true(seen.wakes <= N / 8);
	assert_int_equal(poll(&p, 1, 20), 0);
	px_signer_free(&seen.signer);
}

static void what_was_submitted_is_finished(void **state PX_UNUSED)
{
	struct seen seen = {.signer = make(), .in_order = true, .resubmit = 5};
	for (unsigned i = 0; i < 100; i++)
		submit(&seen, i);
	px_signer_free(&seen.signer);
	assert_null(seen.signer);
	assert_int_equal(seen.n, 105);
	px_signer_free(&seen.signer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(jobs_come_back_in_order),
	    cmocka_unit_test(what_was_submitted_is_finished),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
