/* prinex: examine one document: the stages in order
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "xml/examine.h"

#include <libxml/parser.h>

#include "base/strings.h"
#include "xml/examiner.h"
#include "xml/heap.h"
#include "xml/load.h"
#include "xml/prescan.h"
#include "xml/run.h"

/* --- making an examiner --- */

static const struct px_cat_prefix *find_prefix(const struct px_cat_set *set, const char *prefix)
{
	for (unsigned i = 0; i < set->n_prefixes; i++) {
		if (strcmp(set->prefixes[i].prefix, prefix) == 0)
			return &set->prefixes[i];
	}
	return NULL;
}

static int set_index(const struct px_catalogue *cat, const char *name)
{
	for (unsigned i = 0; i < cat->n_sets; i++) {
		if (strcmp(cat->sets[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

static int load_rules(struct px_set *set, struct px_buf *why)
{
	int rc = PX_OK;
	set->rules = px_xcalloc(PX_MAX(set->cat->rules.n, 1u), sizeof(struct px_rules *));
	for (unsigned i = 0; i < set->cat->rules.n && rc == PX_OK; i++) {
		rc = px_rules_load(set->cat->rules.items[i], &set->rules[i], why);
		set->n_rules += rc == PX_OK;
	}
	return rc;
}

static int load_set(struct px_set *set, struct px_buf *why)
{
	int rc = px_load_set(set->cat, &set->schema, why);
	return rc == PX_OK ? load_rules(set, why) : rc;
}

static int add_variant(struct px_examiner *ex, struct px_type *t, const char *set_name, struct px_buf *why)
{
	const struct px_cat_type *cat = t->cat;
	struct px_variant *v = &t->variants[t->n_variants++];
	int set = set_index(ex->cat, set_name);
	if (set < 0) {
		px_buf_setf(why, "%s:%u: type \"%s\": there is no set \"%s\"", cat->file, cat->line,
			    cat->name, set_name);
		return PX_ECONF;
	}
	v->set = (unsigned)set;
	v->root_ns = "";
	if (cat->root_prefix != NULL && cat->root_prefix[0] != '\0') {
		const struct px_cat_prefix *p = find_prefix(&ex->cat->sets[set], cat->root_prefix);
		if (p == NULL) {
			px_buf_setf(why, "%s:%u: type \"%s\": set \"%s\" has no prefix \"%s\"", cat->file,
				    cat->line, cat->name, set_name, cat->root_prefix);
			return PX_ECONF;
		}
		v->root_ns = p->uri;
	}
	if (ex->sets[set].schema == NULL) {
		int rc = load_set(&ex->sets[set], why);
		if (rc != PX_OK)
			return rc;
	}
	return px_paths_new(cat, &ex->cat->sets[set], &v->paths, why);
}

static int add_type(struct px_examiner *ex, const struct px_cat_type *cat, struct px_buf *why)
{
	struct px_type *t = &ex->types[ex->n_types++];
	t->cat = cat;
	t->is_confirmations = strcmp(cat->name, "Confirmations") == 0;
	t->variants = px_xcalloc(PX_MAX(cat->sets.n, 1u), sizeof(t->variants[0]));
	int rc = PX_OK;
	for (unsigned i = 0; i < cat->sets.n && rc == PX_OK; i++)
		rc = add_variant(ex, t, cat->sets.items[i], why);
	if (rc == PX_OK && t->n_variants > 0 && t->is_confirmations)
		ex->confirmations = t;
	return rc;
}

static int build(struct px_examiner *ex, struct px_buf *why)
{
	const struct px_catalogue *cat = ex->cat;
	ex->sets = px_xcalloc(PX_MAX(cat->n_sets, 1u), sizeof(ex->sets[0]));
	ex->n_sets = cat->n_sets;
	for (unsigned i = 0; i < cat->n_sets; i++)
		ex->sets[i].cat = &cat->sets[i];
	ex->types = px_xcalloc(PX_MAX(cat->n_types, 1u), sizeof(ex->types[0]));
	for (unsigned i = 0; i < cat->n_types; i++) {
		int rc = cat->types[i].available ? add_type(ex, &cat->types[i], why) : PX_OK;
		if (rc != PX_OK)
			return rc;
	}
	if (ex->confirmations == NULL) {
		px_buf_setf(
		    why, "the catalogue has no type \"Confirmations\": its set holds exchange-1.xsd, against "
			 "which confirmations are validated");
		return PX_ECONF;
	}
	if (ex->conf != NULL && ex->conf->inspect.offices[0] != '\0' &&
	    px_offices_open(ex->conf->inspect.offices, &ex->offices, why) != PX_OK)
		return PX_ECONF;
	return px_trusts_new(ex->conf, &ex->trusts, why);
}

int px_examiner_new(const struct px_conf *conf, const struct px_catalogue *cat, struct px_examiner **out,
		    struct px_buf *why)
{
	struct px_examiner *ex = px_xcalloc(1, sizeof(*ex));
	ex->conf = conf;
	ex->cat = cat;
	ex->verify = conf != NULL ? conf->inspect.verify : PX_VERIFY_FAST;
	px_digester_init(&ex->digester);
	ex->leaves = px_leaves_new();
	int rc = build(ex, why);
	if (rc != PX_OK)
		px_examiner_free(&ex);
	*out = ex;
	return rc;
}

void px_examiner_free(struct px_examiner **examiner)
{
	struct px_examiner *ex = *examiner;
	if (ex == NULL)
		return;
	for (unsigned i = 0; i < ex->n_types; i++) {
		for (unsigned k = 0; k < ex->types[i].n_variants; k++)
			px_paths_free(&ex->types[i].variants[k].paths);
		free(ex->types[i].variants);
	}
	free(ex->types);
	for (unsigned i = 0; i < ex->n_sets; i++) {
		xmlSchemaFree(ex->sets[i].schema);
		for (unsigned k = 0; k < ex->sets[i].n_rules; k++)
			px_rules_free(&ex->sets[i].rules[k]);
		free(ex->sets[i].rules);
	}
	free(ex->sets);
	px_trusts_free(&ex->trusts);
	px_leaves_free(&ex->leaves);
	px_offices_free(&ex->offices);
	px_digester_end(&ex->digester);
	PX_FREE(*examiner);
}

const struct px_type *px_examiner_type(const struct px_examiner *ex, const char *name)
{
	for (unsigned i = 0; i < ex->n_types; i++) {
		if (strcmp(ex->types[i].cat->name, name) == 0)
			return &ex->types[i];
	}
	return NULL;
}

const struct px_variant *px_examiner_variant(const struct px_examiner *ex, const struct px_type *type,
					     const char *version)
{
	const struct px_cat_set *set = px_catalogue_version(ex->cat, type->cat, version);
	for (unsigned i = 0; set != NULL && i < type->n_variants; i++) {
		if (ex->sets[type->variants[i].set].cat == set)
			return &type->variants[i];
	}
	return NULL;
}

/* --- running the stages --- */

static void prescan(struct px_run *run)
{
	px_prescan_payload(run->data, run->len, &run->payload_span, &run->v->errors);
}

static void tell_payload(struct px_run *run)
{
	if (run->v->kind != PX_DOC_EXCHANGE || run->payload_span.len == 0)
		return;
	run->v->payload_offset = (uint32_t)run->payload_span.offset;
	run->v->payload_len = (uint32_t)run->payload_span.len;
}

static void schema(struct px_run *run)
{
	if (run->v->kind == PX_DOC_EXCHANGE)
		px_payload_detach(run);
	px_stage_schema(run);
}

static const struct {
	enum px_stage stage;
	void (*run)(struct px_run *run);
	bool signing;
} stages[] = {
    {PX_STAGE_PRESCAN, prescan, false},
    {PX_STAGE_PARSE, px_stage_parse, false},
    {PX_STAGE_ENVELOPE, px_stage_envelope, false},
    {PX_STAGE_SHAPE, px_stage_shape, true},
    {PX_STAGE_CERTIFICATE, px_stage_certificate, true},
    {PX_STAGE_SIGNATURE, px_stage_signature, true},
    {PX_STAGE_SCHEMA, schema, false},
    {PX_STAGE_RULES, px_stage_rules, false},
};

static bool is_short_enough(struct px_run *run)
{
	if (run->len > (size_t)PX_LIMIT_BODY_MAX)
		px_run_error(run, PX_CODE_LIMIT, NULL, NULL, "the document is longer than %ld octets",
			     PX_LIMIT_BODY_MAX);
	return run->len <= (size_t)PX_LIMIT_BODY_MAX;
}

static void run_stages(struct px_run *run)
{
	for (size_t i = 0; i < PX_ARRAY_LEN(stages); i++) {
		if (stages[i].signing && run->exam->unsigned_ok && run->n_signatures == 0)
			continue;
		stages[i].run(run);
		if (run->v->errors.total > 0) {
			run->v->stage = stages[i].stage;
			return;
		}
	}
	run->v->stage = PX_STAGE_OK;
	tell_payload(run);
}

static void run_end(struct px_run *run)
{
	px_payload_attach(run);
	px_leaf_free(&run->fresh);
	px_buf_free(&run->shape.digest);
	px_buf_free(&run->shape.value);
	px_rows_free(&run->rows);
	/* Only our own way through the stages leaves a tree as the parser made it. */
	bool untouched = run->v->stage == PX_STAGE_OK && run->ex->verify == PX_VERIFY_FAST;
	if (run->doc != NULL && !(untouched && px_heap_is_whole(run->heap_mark)))
		xmlFreeDoc(run->doc);
	px_heap_release(run->heap_mark);
}

struct px_verdict *px_examine_at(struct px_examiner *ex, const struct px_exam *exam, const uint8_t *data,
				 size_t len, unsigned depth)
{
	struct px_verdict *v = px_xcalloc(1, sizeof(*v));
	struct px_run run = {.ex = ex, .exam = exam, .data = data, .len = len, .v = v, .depth = depth};
	v->kind = exam->kind;
	if (exam->kind != PX_DOC_EXCHANGE) {
		run.type = ex->confirmations;
		run.variant = &ex->confirmations->variants[0];
	}
	if (is_short_enough(&run))
		run_stages(&run);
	run_end(&run);
	return v;
}

struct px_verdict *px_examine(struct px_examiner *ex, const struct px_exam *exam, const uint8_t *data,
			      size_t len)
{
	return px_examine_at(ex, exam, data, len, 0);
}

/* --- bare payloads --- */

/* Parse without envelope; the root stands for the payload. */
static void parse_bare(struct px_run *run)
{
	run->v->stage = PX_STAGE_PRESCAN;
	if (!is_short_enough(run))
		return;
	prescan(run);
	if (run->v->errors.total > 0)
		return;
	run->v->stage = PX_STAGE_PARSE;
	px_stage_parse(run);
	run->payload = run->root;
}

static void check_bare(struct px_run *run, const char *type, const char *version)
{
	parse_bare(run);
	if (run->v->errors.total > 0)
		return;
	run->v->stage = PX_STAGE_ENVELOPE;
	px_stage_bare(run, type, version);
	if (run->v->errors.total > 0)
		return;
	run->v->stage = PX_STAGE_SCHEMA;
	px_stage_schema(run);
	if (run->v->errors.total > 0)
		return;
	run->v->stage = PX_STAGE_RULES;
	px_stage_rules(run);
	if (run->v->errors.total == 0)
		run->v->stage = PX_STAGE_OK;
}

struct px_verdict *px_examine_payload(struct px_examiner *ex, const char *type, const char *version,
				      const uint8_t *data, size_t len)
{
	static const struct px_exam exam = {.kind = PX_DOC_EXCHANGE};
	struct px_verdict *v = px_xcalloc(1, sizeof(*v));
	struct px_run run = {.ex = ex, .exam = &exam, .data = data, .len = len, .v = v};
	check_bare(&run, type, version);
	run_end(&run);
	return v;
}

void px_examiner_guess_type(struct px_examiner *ex, const uint8_t *data, size_t len, char *out, size_t size)
{
	struct px_verdict *v = px_xcalloc(1, sizeof(*v));
	struct px_run run = {.ex = ex, .data = data, .len = len, .v = v};
	unsigned n = 0;
	px_strlcpy(out, "", size);
	parse_bare(&run);
	const char *ns = run.root != NULL && run.root->ns != NULL ? (const char *)run.root->ns->href : "";
	for (unsigned i = 0; run.root != NULL && i < ex->n_types; i++) {
		const struct px_type *t = &ex->types[i];
		bool same = false;
		for (unsigned k = 0; k < t->n_variants; k++)
			same |= strcmp(t->variants[k].root_ns, ns) == 0;
		if (same && strcmp(t->cat->root_name, (const char *)run.root->name) == 0 && n++ == 0)
			px_strlcpy(out, t->cat->name, size);
	}
	if (n != 1)
		px_strlcpy(out, "", size);
	run_end(&run);
	px_verdict_free(&v);
}
