/* prinex: commands about what is loaded beside the configuration: certificates, message types
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/parts.h"
#include "ctl/words.h"
#include "net/tls.h"

/* Days before the end at which alarms rise; the first one colours the list. */
#define SOON (60 * INT64_C(86400000))

static const char *state_of(const struct px_tls_certificate *c, int64_t now)
{
	if (c->not_before > now)
		return "not-yet";
	if (c->not_after != 0 && c->not_after <= now)
		return c->is_crl ? "out-of-date" : "expired";
	/* Lists are renewed within days as a rule: only a certificate is worth an early word. */
	return !c->is_crl && c->not_after - now < SOON ? "soon" : "ok";
}

/* What ends first stands first; without an end, last. */
static int by_end(const void *a, const void *b)
{
	const struct px_tls_certificate *x = a, *y = b;
	int64_t s = x->not_after != 0 ? x->not_after : INT64_MAX;
	int64_t t = y->not_after != 0 ? y->not_after : INT64_MAX;
	if (s != t)
		return s < t ? -1 : 1;
	return strcmp(x->what, y->what);
}

static bool show_certificate(json_t *o, const struct px_tls_certificate *c, int64_t now)
{
	const char *state = state_of(c, now);
	px_json_set_text(o, "what", c->what);
	px_json_set_text(o, "kind", c->is_crl ? "crl" : "certificate");
	px_json_set_maybe(o, "file", c->file);
	px_json_set_maybe(o, "subject", c->subject);
	px_json_set_time(o, "from", c->not_before);
	px_json_set_time(o, "until", c->not_after);
	px_json_set_text(o, "state", state);
	return strcmp(state, "ok") == 0 || strcmp(state, "soon") == 0;
}

void px_cmd_certificates(struct px_job *job)
{
	const struct px_tls_certificate *list = NULL;
	unsigned n = job->ctl->setup.host->certificates(job->ctl->setup.host_arg, &list);
	struct px_tls_certificate *sorted = px_xcalloc(PX_MAX(n, 1u), sizeof(*sorted));
	int64_t now = px_clock_wall(job->ctl->clock);
	json_t *result = json_object(), *rows = json_array();
	bool ok = true;
	for (unsigned i = 0; i < n; i++)
		sorted[i] = list[i];
	qsort(sorted, n, sizeof(*sorted), by_end);
	for (unsigned i = 0; i < n; i++)
		ok = show_certificate(px_json_append(rows), &sorted[i], now) && ok;
	free(sorted);
	px_json_set_bool(result, "ok", ok);
	px_json_set(result, "certificates", rows);
	px_job_result(job, result);
}

static json_t *versions_of(const struct px_catalogue *cat, const struct px_cat_type *type)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < type->sets.n; i++) {
		const struct px_cat_set *set = px_catalogue_set(cat, type->sets.items[i]);
		for (unsigned k = 0; set != NULL && k < set->versions.n; k++)
			json_array_append_new(list, px_json_text(set->versions.items[k]));
	}
	return list;
}

void px_cmd_catalogue(struct px_job *job)
{
	static const char *const domains[] = {"common", "external"};
	static const char *const origins[] = {"system", "node", "any"};
	const struct px_catalogue *cat = px_flow_generation(job->ctl->setup.flow)->cat;
	json_t *result = json_object(), *rows = json_array();
	for (unsigned i = 0; i < cat->n_types; i++) {
		const struct px_cat_type *t = &cat->types[i];
		json_t *o = px_json_append(rows);
		px_json_set_text(o, "type", t->name);
		px_json_set_text(o, "title", t->title);
		px_json_set_text(o, "root", t->root);
		px_json_set_text(o, "class", px_word_class(t->prio));
		px_json_set_text(o, "domain", domains[t->domain]);
		px_json_set_text(o, "origin", origins[t->origin]);
		px_json_set(o, "versions", versions_of(cat, t));
		px_json_set_bool(o, "available", t->available);
	}
	px_json_set(result, "types", rows);
	px_job_result(job, result);
}
