/* prinex: the verdict codec: round trips, and what a hostile inspector might write
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/strings.h"
#include "inspect/codec.h"
#include "sample_verdict.h"

/* An exact copy on the heap, so that a sanitizer sees a read beyond the end. */
static int decode(const uint8_t *data, size_t len, size_t doc_len, struct px_verdict **out)
{
	uint8_t *copy = px_xmemdup(data, len);
	int rc = px_verdict_decode(copy, len, doc_len, out);
	free(copy);
	return rc;
}

static void assert_round_trip(const struct px_verdict *v)
{
	struct px_buf first = PX_BUF_INIT, second = PX_BUF_INIT;
	struct px_verdict *back = NULL;
	px_verdict_encode(v, &first);
	assert_true(first.len <= (size_t)PX_LIMIT_VERDICT);
	assert_int_equal(decode(first.data, first.len, SAMPLE_DOC_LEN, &back), PX_OK);
	assert_same_verdict(v, back);
	px_verdict_encode(back, &second);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
	px_verdict_free(&back);
	px_buf_free(&first);
	px_buf_free(&second);
}

static void all_fields_survive(void **state PX_UNUSED)
{
	for (int kind = PX_DOC_EXCHANGE; kind <= PX_DOC_CONFIRMATION; kind++) {
		for (int stage = PX_STAGE_PRESCAN; stage <= PX_STAGE_OK; stage++) {
			struct px_verdict *v = sample_verdict((enum px_doc_kind)kind, (enum px_stage)stage);
			assert_round_trip(v);
			px_verdict_free(&v);
		}
	}
}

static void random_verdicts_survive(void **state PX_UNUSED)
{
	unsigned seed = 20261121;
	for (unsigned i = 0; i < 500; i++) {
		struct px_verdict *v = random_verdict(&seed);
		assert_round_trip(v);
		px_verdict_free(&v);
	}
}

/* A fuzzer that starts from what is refused at once finds nothing. Where the form of verdicts was changed:
 * PX_WRITE_CORPUS=1 build/unit/inspect/test_codec */
static void the_corpus_of_the_fuzz_target_is_of_today(void **state PX_UNUSED)
{
	static const struct {
		const char *name;
		enum px_doc_kind kind;
		enum px_stage stage;
	} seeds[] = {
	    {"exchange-ok", PX_DOC_EXCHANGE, PX_STAGE_OK},
	    {"exchange-schema", PX_DOC_EXCHANGE, PX_STAGE_SCHEMA},
	    {"confirmation-ok", PX_DOC_CONFIRMATION, PX_STAGE_OK},
	    {"confirmation-cut", PX_DOC_CONFIRMATION, PX_STAGE_OK},
	    {"prescan", PX_DOC_EXCHANGE, PX_STAGE_PRESCAN},
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(seeds); i++) {
		struct px_buf octets = PX_BUF_INIT, kept = PX_BUF_INIT, why = PX_BUF_INIT;
		struct px_verdict *v = sample_verdict(seeds[i].kind, seeds[i].stage);
		char path[80];
		snprintf(path, sizeof(path), "tests/fuzz/corpus/verdict/%s", seeds[i].name);
		px_verdict_encode(v, &octets);
		if (strcmp(seeds[i].name, "confirmation-cut") == 0)
			octets.len = 300;
		if (getenv("PX_WRITE_CORPUS") != NULL) {
			FILE *f = fopen(path, "w");
			assert_non_null(f);
			assert_int_equal(fwrite(octets.data, octets.len, 1, f), 1);
			assert_int_equal(fclose(f), 0);
		}
		assert_int_equal(px_buf_read_file(&kept, path, PX_LIMIT_VERDICT, &why), PX_OK);
		assert_int_equal(kept.len, octets.len);
		assert_memory_equal(kept.data, octets.data, octets.len);
		px_verdict_free(&v);
		px_buf_free(&octets);
		px_buf_free(&kept);
		px_buf_free(&why);
	}
}

static void a_cut_verdict_is_refused_at_every_length(void **state PX_UNUSED)
{
	struct px_verdict *v = sample_verdict(PX_DOC_EXCHANGE, PX_STAGE_SCHEMA), *back = NULL;
	struct px_buf b = PX_BUF_INIT;
	px_verdict_encode(v, &b);
	for (size_t len = 0; len < b.len; len++) {
		if (decode(b.data, len, SAMPLE_DOC_LEN, &back) != PX_EPARSE)
			fail_msg("%zu of %zu octets were accepted", len, b.len);
	}
	px_buf_addc(&b, '\0');
	assert_int_equal(decode(b.data, b.len, SAMPLE_DOC_LEN, &back), PX_EPARSE);
	px_buf_free(&b);
	px_verdict_free(&v);
}

static unsigned hostile(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Whatever is changed, what comes out is refused or is sound: it encodes to the same octets. */
static void mutations_are_refused_or_sound(void **state PX_UNUSED)
{
	unsigned seed = 99, accepted = 0, refused = 0;
	struct px_verdict *v = sample_verdict(PX_DOC_EXCHANGE, PX_STAGE_SCHEMA), *back = NULL;
	struct px_buf b = PX_BUF_INIT, again = PX_BUF_INIT;
	px_verdict_encode(v, &b);
	uint8_t *copy = px_xmalloc(b.len);
	for (unsigned i = 0; i < 50000; i++) {
		memcpy(copy, b.data, b.len);
		for (unsigned k = hostile(&seed) % 3 + 1; k > 0; k--)
			copy[hostile(&seed) % b.len] = (uint8_t)hostile(&seed);
		if (decode(copy, b.len, SAMPLE_DOC_LEN, &back) != PX_OK) {
			refused++;
			continue;
		}
		accepted++;
		px_buf_clear(&again);
		px_verdict_encode(back, &again);
		assert_int_equal(again.len, b.len);
		assert_memory_equal(again.data, copy, b.len);
		px_verdict_free(&back);
	}
	assert_true(accepted > 1000 && refused > 1000); /* else this tests nothing */
	free(copy);
	px_buf_free(&b);
	px_buf_free(&again);
	px_verdict_free(&v);
}

/* Encodes @v, which is wrong, and expects that decoding says so. */
static void assert_refused(struct px_verdict *v, const char *what)
{
	struct px_buf b = PX_BUF_INIT;
	struct px_verdict *back = NULL;
	px_verdict_encode(v, &b);
	if (decode(b.data, b.len, SAMPLE_DOC_LEN, &back) != PX_EPARSE)
		fail_msg("accepted: %s", what);
	px_buf_free(&b);
	px_verdict_free(&v);
}

static struct px_verdict *sample(void)
{
	return sample_verdict(PX_DOC_EXCHANGE, PX_STAGE_OK);
}

static void contradictions_are_refused(void **state PX_UNUSED)
{
	struct px_verdict *v = sample();
	px_findings_add(&v->errors, PX_CODE_LIMIT, 0, NULL, NULL, "x");
	assert_refused(v, "OK with an error");
	v = sample();
	v->stage = PX_STAGE_RULES;
	assert_refused(v, "a failed stage without errors");
	v = sample();
	v->signer.authority[0] = '\0';
	assert_refused(v, "signed by nobody");
	v = sample();
	v->signer.role = PX_ROLE_OFFICER;
	assert_refused(v, "signed by an officer");
	v = sample();
	v->has_header = false;
	assert_refused(v, "signed without header");
	v = sample_verdict(PX_DOC_CONFIRMATION, PX_STAGE_OK);
	v->n_entries = 0;
	assert_refused(v, "a confirmation without confirmation");
	v = sample();
	v->kind = PX_DOC_CONFIRMATION; /* has two entries */
	assert_refused(v, "two confirmations in one");
	v = sample();
	px_strlcpy(v->header.type, "Confirmations", sizeof(v->header.type));
	v->n_entries = 0;
	assert_refused(v, "an exchange of confirmations without any");
	v = sample();
	v->entries[0].evidence_ok = true;
	v->entries[0].evidence_len = 0;
	assert_refused(v, "verified evidence that is not there");
}

static void ranges_stay_within_the_document(void **state PX_UNUSED)
{
	struct px_verdict *v = sample();
	v->payload_offset = SAMPLE_DOC_LEN;
	v->payload_len = 1;
	assert_refused(v, "payload beyond the end");
	v = sample();
	v->payload_offset = UINT32_MAX;
	v->payload_len = UINT32_MAX;
	assert_refused(v, "payload that wraps around");
	v = sample();
	v->entries[1].offset = 1;
	v->entries[1].len = SAMPLE_DOC_LEN;
	assert_refused(v, "entry beyond the end");
	v = sample();
	v->entries[1].evidence_offset = SAMPLE_DOC_LEN + 1;
	v->entries[1].evidence_len = 0;
	assert_refused(v, "evidence beyond the end");
	v = sample();
	v->keys.items[0].kind = PX_KEY_COUNT;
	assert_refused(v, "a key of no kind");
	v = sample();
	v->entries[0].kind = PX_CONF_KINDS;
	assert_refused(v, "a confirmation of no kind");
	v = sample();
	v->stage = (enum px_stage)(PX_STAGE_OK + 1);
	assert_refused(v, "a stage beyond the last");
}

/* @return the place of @text in @b. */
static size_t place_of(const struct px_buf *b, const char *text)
{
	const uint8_t *p = memmem(b->data, b->len, text, strlen(text));
	assert_non_null(p);
	return (size_t)(p - b->data);
}

/* Strings are patched behind the encoder's back, which would not write such things. */
static void strings_are_checked(void **state PX_UNUSED)
{
	static const struct {
		const char *field, *bad;
	} cases[] = {{"TYPE", "TY\x01"
			      "E"},
		     {"TYPE", "TYP\n"},
		     {"TYPE", "TYP\x7f"},
		     {"TYPE", "TY\xc2\x9b"},
		     {"TYPE", "TY\xc3"
			      "E"},
		     {"TYPE", "\xed\xa0\x80X"},
		     {"MSG1", "MS/1"},
		     {"MSG1", ".SG1"},
		     {"MSG1", "MS 1"},
		     {"QA.1", "qa.1"},
		     {"QA.1", "QA.."},
		     {"KEYV", "KE\x1b"
			      "V"}};
	for (size_t i = 0; i < PX_ARRAY_LEN(cases); i++) {
		struct px_verdict *v = sample(), *back = NULL;
		struct px_buf b = PX_BUF_INIT;
		px_strlcpy(v->header.type, "TYPE", sizeof(v->header.type));
		px_strlcpy(v->header.message_id, "MSG1", sizeof(v->header.message_id));
		px_strlcpy(v->header.sender, "QA.1", sizeof(v->header.sender));
		px_strlcpy(v->keys.items[0].value, "KEYV", sizeof(v->keys.items[0].value));
		px_verdict_encode(v, &b);
		assert_int_equal(decode(b.data, b.len, SAMPLE_DOC_LEN, &back), PX_OK);
		px_verdict_free(&back);
		memcpy(b.data + place_of(&b, cases[i].field), cases[i].bad, 4);
		if (decode(b.data, b.len, SAMPLE_DOC_LEN, &back) != PX_EPARSE)
			fail_msg("case %zu (%s) was accepted", i, cases[i].field);
		px_buf_free(&b);
		px_verdict_free(&v);
	}
}

/* A NUL within would end the string before its length does. */
static void nul_is_refused_everywhere(void **state PX_UNUSED)
{
	static const char *const fields[] = {"TYPE", "MSG1", "VALU", "TEXT", "PNTR"};
	for (size_t i = 0; i < PX_ARRAY_LEN(fields); i++) {
		struct px_verdict *v = sample_verdict(PX_DOC_EXCHANGE, PX_STAGE_ENVELOPE), *back = NULL;
		struct px_buf b = PX_BUF_INIT;
		px_strlcpy(v->header.type, "TYPE", sizeof(v->header.type));
		px_strlcpy(v->header.message_id, "MSG1", sizeof(v->header.message_id));
		px_findings_add(&v->errors, PX_CODE_LIMIT, 1, "PNTR", "VALU", "TEXT");
		px_verdict_encode(v, &b);
		b.data[place_of(&b, fields[i]) + 2] = '\0';
		if (decode(b.data, b.len, SAMPLE_DOC_LEN, &back) != PX_EPARSE)
			fail_msg("%s with NUL was accepted", fields[i]);
		px_buf_free(&b);
		px_verdict_free(&v);
	}
}

/* What an honest inspector found in a hostile document must get through. */
static void claims_that_are_not_of_their_form_are_left_out(void **state PX_UNUSED)
{
	struct px_verdict *v = sample_verdict(PX_DOC_EXCHANGE, PX_STAGE_ENVELOPE), *back = NULL;
	struct px_buf b = PX_BUF_INIT;
	px_strlcpy(v->header.sender, "not/one", sizeof(v->header.sender));
	px_strlcpy(v->header.message_id, "..", sizeof(v->header.message_id));
	px_strlcpy(v->header.type, "a\x01z\xff", sizeof(v->header.type));
	v->header.n_recipients = 2;
	px_strlcpy(v->header.recipients[0], "bad", sizeof(v->header.recipients[0]));
	px_strlcpy(v->header.recipients[1], "XB", sizeof(v->header.recipients[1]));
	v->header.created_at = -5;
	px_findings_add(&v->errors, PX_CODE_SCAN_CHARACTER, 1, NULL, "\x01\xff\n", "line one\nline two");
	px_verdict_encode(v, &b);
	assert_int_equal(decode(b.data, b.len, SAMPLE_DOC_LEN, &back), PX_OK);
	assert_false(back->has_header);
	assert_string_equal(back->header.sender, "");
	assert_string_equal(back->header.message_id, "");
	assert_string_equal(back->header.type, "a?z?");
	assert_int_equal(back->header.n_recipients, 1);
	assert_string_equal(back->header.recipients[0], "XB");
	assert_int_equal(back->header.created_at, 0);
	const struct px_finding *last = &back->errors.items[back->errors.n - 1];
	assert_string_equal(last->value, "\x01\xff\n"); /* the sender shall see it as it was */
	assert_string_equal(last->text, "line one?line two");
	px_buf_free(&b);
	px_verdict_free(&v);
	px_verdict_free(&back);
}

static void errors_that_do_not_fit_are_counted(void **state PX_UNUSED)
{
	static char pointer[20000];
	struct px_verdict *v = sample_verdict(PX_DOC_EXCHANGE, PX_STAGE_SCHEMA), *back = NULL;
	struct px_buf b = PX_BUF_INIT;
	memset(pointer, 'p', sizeof(pointer) - 1);
	px_findings_free(&v->errors);
	for (unsigned i = 0; i < 300; i++)
		px_findings_add(&v->errors, PX_CODE_SCHEMA_VALUE, i, pointer, "v", "t");
	px_verdict_encode(v, &b);
	assert_true(b.len <= (size_t)PX_LIMIT_VERDICT);
	assert_true(b.len > (size_t)PX_LIMIT_VERDICT - 5000); /* as many as fit */
	assert_int_equal(decode(b.data, b.len, SAMPLE_DOC_LEN, &back), PX_OK);
	assert_int_equal(back->errors.total, 300);
	assert_true(back->errors.n > 10 && back->errors.n < 100);
	for (unsigned i = 0; i < back->errors.n; i++)
		assert_int_equal(back->errors.items[i].line, i); /* the first ones */
	assert_int_equal(strlen(back->errors.items[0].pointer), PX_VERDICT_POINTER_MAX);
	px_buf_free(&b);
	px_verdict_free(&v);
	px_verdict_free(&back);
}

static void more_than_a_verdict_may_have_is_refused(void **state PX_UNUSED)
{
	struct px_verdict *back = NULL;
	size_t len = (size_t)PX_LIMIT_VERDICT + 1;
	uint8_t *data = px_xcalloc(1, len);
	assert_int_equal(px_verdict_decode(data, len, SAMPLE_DOC_LEN, &back), PX_EPARSE);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_fields_survive),
	    cmocka_unit_test(random_verdicts_survive),
	    cmocka_unit_test(the_corpus_of_the_fuzz_target_is_of_today),
	    cmocka_unit_test(a_cut_verdict_is_refused_at_every_length),
	    cmocka_unit_test(mutations_are_refused_or_sound),
	    cmocka_unit_test(contradictions_are_refused),
	    cmocka_unit_test(ranges_stay_within_the_document),
	    cmocka_unit_test(strings_are_checked),
	    cmocka_unit_test(nul_is_refused_everywhere),
	    cmocka_unit_test(claims_that_are_not_of_their_form_are_left_out),
	    cmocka_unit_test(errors_that_do_not_fit_are_counted),
	    cmocka_unit_test(more_than_a_verdict_may_have_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
