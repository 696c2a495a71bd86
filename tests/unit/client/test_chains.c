/* prinex: tests of movements among what is to be sent
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/chains.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/strings.h"

struct message {
	const char *id, *correlation, *lrn, *declarant, *mrn;
};

static void add(struct px_chain_keys *keys, unsigned item, const struct message *m)
{
	struct px_header h = {0};
	struct px_key list[3];
	struct px_keys business = {.items = list};
	const struct {
		enum px_key_kind kind;
		const char *value;
	} values[] = {{PX_KEY_LRN, m->lrn}, {PX_KEY_DECLARANT, m->declarant}, {PX_KEY_MRN, m->mrn}};
	px_strlcpy(h.message_id, m->id != NULL ? m->id : "", sizeof(h.message_id));
	px_strlcpy(h.correlation_id, m->correlation != NULL ? m->correlation : "", sizeof(h.correlation_id));
	for (size_t i = 0; i < PX_ARRAY_LEN(values); i++) {
		if (values[i].value == NULL)
			continue;
		list[business.n].kind = values[i].kind;
		px_strlcpy(list[business.n++].value, values[i].value, sizeof(list[0].value));
	}
	px_chain_message(keys, item, &h, &business);
}

/* The chains of @messages as "0 2|1". */
static void expect(const struct message *messages, unsigned n, const char *expected)
{
	struct px_chain_keys keys = {0};
	struct px_chains chains;
	struct px_buf text = PX_BUF_INIT;
	for (unsigned i = 0; i < n; i++)
		add(&keys, i, &messages[i]);
	px_chains_make(&keys, n, &chains);
	for (unsigned c = 0; c < chains.n_chains; c++) {
		for (unsigned k = chains.starts[c]; k < chains.starts[c + 1]; k++)
			px_buf_addf(&text, "%s%u",
				    k > chains.starts[c] ? " "
				    : c > 0              ? "|"
							 : "",
				    chains.items[k]);
	}
	assert_string_equal(px_buf_str(&text), expected);
	px_buf_free(&text);
	px_chains_free(&chains);
}

static void keys_make_chains(void **state PX_UNUSED)
{
	const struct message alone[] = {{0}, {0}, {.lrn = "L", .declarant = "D"}};
	const struct message lrn[] = {
	    {.lrn = "L", .declarant = "D"}, {.lrn = "L", .declarant = "E"}, {.lrn = "L", .declarant = "D"}};
	const struct message mrn[] = {{.mrn = "M"}, {.mrn = "N"}, {.mrn = "M"}, {.mrn = "N"}};
	const struct message id[] = {{.id = "1"}, {.id = "2", .correlation = "1"}, {.id = "3"}};
	const struct message both[] = {{.id = "1", .correlation = "0"}, {.id = "2"}, {.correlation = "0"}};
	expect(alone, 3, "0|1|2");
	expect(lrn, 3, "0 2|1");
	expect(mrn, 4, "0 2|1 3");
	expect(id, 3, "0 1|2");
	expect(both, 3, "0 2|1");
	expect(NULL, 0, "");
}

/* LRN first, MRN later, both in between: one movement, and the order of the files. */
static void a_third_message_joins_two(void **state PX_UNUSED)
{
	const struct message m[] = {{.mrn = "M"},
				    {.lrn = "X", .declarant = "D"},
				    {.lrn = "L", .declarant = "D"},
				    {.lrn = "L", .declarant = "D", .mrn = "M"},
				    {.lrn = "X", .declarant = "D"}};
	expect(m, 5, "0 2 3|1 4");
}

/* An MRN is no LRN, even with the same characters. */
static void kinds_are_kept_apart(void **state PX_UNUSED)
{
	const struct message m[] = {{.mrn = "A"}, {.lrn = "A"}, {.id = "A"}};
	expect(m, 3, "0|1|2");
}

static void many(void **state PX_UNUSED)
{
	enum { N = 20000 };
	struct px_chain_keys keys = {0};
	struct px_chains chains;
	for (unsigned i = 0; i < N; i++) {
		char mrn[16];
		snprintf(mrn, sizeof(mrn), "M%u", i % 100);
		add(&keys, i, &(struct message){.mrn = mrn});
	}
	px_chains_make(&keys, N, &chains);
	assert_int_equal(chains.n_chains, 100);
	for (unsigned c = 0; c < 100; c++) {
		assert_int_equal(chains.starts[c + 1] - chains.starts[c], N / 100);
		for (unsigned k = 0; k < N / 100; k++)
			assert_int_equal(chains.items[chains.starts[c] + k], c + k * 100);
	}
	px_chains_free(&chains);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keys_make_chains),
	    cmocka_unit_test(a_third_message_joins_two),
	    cmocka_unit_test(kinds_are_kept_apart),
	    cmocka_unit_test(many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
