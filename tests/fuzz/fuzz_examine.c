/* prinex: fuzzing the examination of exchanges, confirmations and payloads
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
/* layer: xml */

#include "xml/examine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct px_examiner *examiner(void)
{
	static struct px_examiner *ex;
	static struct px_conf conf;
	static char *files[] = {NULL};
	static char file[] = "schemas/catalogue/prinex.conf", empty[] = "";
	if (ex == NULL) {
		struct px_catalogue *cat = NULL;
		struct px_problems problems = {0};
		struct px_buf why = PX_BUF_INIT;
		px_xml_init();
		files[0] = file;
		conf.inspect.catalogue = (struct px_strings){1, files};
		conf.inspect.official = empty;
		px_assert(px_catalogue_load(&conf, &cat, &problems) == PX_OK);
		px_assert(px_examiner_new(NULL, cat, &ex, &why) == PX_OK);
	}
	return ex;
}

static void check_text(const char *s)
{
	for (; s != NULL && *s != '\0'; s++)
		px_assert((unsigned char)*s >= 0x20 && *s != 0x7f);
}

/* Whatever the document: a verdict that can be encoded, with every offset inside. */
static void check(struct px_verdict *v, size_t size)
{
	px_assert((v->stage == PX_STAGE_OK) == (v->errors.total == 0));
	px_assert(v->errors.n <= PX_ERRORS_MAX && v->errors.n <= v->errors.total);
	px_assert((size_t)v->payload_offset + v->payload_len <= size);
	for (unsigned i = 0; i < v->errors.n; i++) {
		check_text(v->errors.items[i].value);
		check_text(v->errors.items[i].text);
		check_text(v->errors.items[i].pointer);
	}
	for (unsigned i = 0; i < v->n_entries; i++) {
		const struct px_confirmation *c = &v->entries[i];
		px_assert((size_t)c->offset + c->len <= size &&
			  (size_t)c->evidence_offset + c->evidence_len <= size);
		px_assert(!c->evidence_ok); /* nobody is trusted here */
	}
	px_verdict_free(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct px_examiner *ex = examiner();
	struct px_exam exam = {.kind = PX_DOC_EXCHANGE, .now = INT64_C(1795248930000), .unsigned_ok = true};
	char type[PX_TYPE_MAX + 1];
	check(px_examine(ex, &exam, data, size), size);
	exam.kind = PX_DOC_CONFIRMATION;
	check(px_examine(ex, &exam, data, size), size);
	exam.unsigned_ok = false;
	exam.kind = PX_DOC_EXCHANGE;
	struct px_verdict *v = px_examine(ex, &exam, data, size);
	px_assert(!px_verdict_is_signed(v));
	check(v, size);
	px_examiner_guess_type(ex, data, size, type, sizeof(type));
	if (type[0] != '\0')
		check(px_examine_payload(ex, type, "", data, size), size);
	return 0;
}
