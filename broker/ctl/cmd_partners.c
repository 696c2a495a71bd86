/* prinex: commands about partners
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/parts.h"
#include "ctl/words.h"

static const struct px_partner_stats *stats_of(const struct px_store_stats *stats, const char *name)
{
	for (unsigned i = 0; i < stats->n_partners; i++) {
		if (strcmp(stats->partners[i].partner, name) == 0)
			return &stats->partners[i];
	}
	return NULL;
}

static json_t *paused_of(const struct px_link_state *link)
{
	json_t *o = json_object();
	px_json_set_time(o, "since", link->paused_since);
	px_json_set_text(o, "by", link->paused_by);
	px_json_set_maybe(o, "reason", link->paused_why);
	return o;
}

static json_t *link_of(const struct px_ctl *ctl, const char *name, const struct px_conf_partner *partner)
{
	struct px_link_state link;
	px_flow_link(ctl->setup.flow, name, &link);
	json_t *o = json_object();
	px_json_set_text(o, "state", px_word_link(partner, &link));
	px_json_set_int(o, "in_flight", link.in_flight);
	px_json_set_int(o, "failures", link.failures);
	px_json_set_time(o, "last_success", link.last_success);
	px_json_set_time(o, "last_failure", link.last_failure);
	px_json_set_maybe(o, "last_error", link.last_error);
	px_json_set_int(o, "polls_waiting", link.waiters);
	px_json_set_int(o, "leases", link.leases);
	px_json_set_int(o, "held_s", (link.held + 999) / 1000);
	px_json_set(o, "paused", link.paused ? paused_of(&link) : json_null());
	return o;
}

static json_t *deliveries_of(const struct px_partner_stats *s)
{
	static const struct px_partner_stats none = {.queued = 0};
	if (s == NULL)
		s = &none;
	json_t *o = json_object();
	px_json_set_int(o, "queued", (int64_t)s->queued);
	px_json_set_int(o, "handed_over", (int64_t)s->handed_over);
	px_json_set_time(o, "oldest", s->oldest);
	px_json_set_int(o, "delivered", (int64_t)s->delivered);
	px_json_set_int(o, "refused", (int64_t)s->refused);
	px_json_set_int(o, "expired", (int64_t)s->expired);
	px_json_set_int(o, "unknown", (int64_t)s->unknown);
	px_json_set_int(o, "cancelled", (int64_t)s->cancelled);
	return o;
}

/* @partner NULL: no longer configured. */
static void fill(json_t *o, const struct px_ctl *ctl, const char *name, const struct px_conf_partner *partner,
		 const struct px_partner_stats *stats)
{
	px_json_set_text(o, "name", name);
	px_json_set_bool(o, "configured", partner != NULL);
	px_json_set_text(o, "authority", partner != NULL ? partner->authority : NULL);
	px_json_set_text(o, "role", partner != NULL ? px_role_name(partner->role) : NULL);
	px_json_set_text(o, "mode", partner != NULL ? px_word_mode(partner->mode) : NULL);
	px_json_set_maybe(o, "url", partner != NULL ? partner->url : NULL);
	px_json_set(o, "link", link_of(ctl, name, partner));
	px_json_set(o, "deliveries", deliveries_of(stats));
}

static void list_partners(void *arg, int rc, const struct px_store_stats *stats)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	if (px_job_ended_by(job, rc, "read the store's figures"))
		return;
	const struct px_conf *conf = px_ctl_conf(job->ctl);
	json_t *result = json_object(), *list = json_array();
	for (unsigned i = 0; i < conf->n_partners; i++) {
		const struct px_conf_partner *p = &conf->partners[i];
		fill(px_json_append(list), job->ctl, p->name, p, stats_of(stats, p->name));
	}
	for (unsigned i = 0; i < stats->n_partners; i++) {
		const struct px_partner_stats *s = &stats->partners[i];
		if (s->partner[0] != '\0' && px_conf_partner(conf, s->partner) == NULL &&
		    s->queued + s->handed_over > 0)
			fill(px_json_append(list), job->ctl, s->partner, NULL, s);
	}
	px_json_set(result, "partners", list);
	px_job_result(job, result);
}

void px_cmd_partners(struct px_job *job)
{
	px_store_stats(job->ctl->setup.store, list_partners, job);
}

/* --- one
 * ----------------------------------------------------------------------------------------------------- */

static json_t *strings_of(const struct px_strings *list)
{
	json_t *array = json_array();
	for (unsigned i = 0; i < list->n; i++)
		json_array_append_new(array, px_json_text(list->items[i]));
	return array;
}

static void fill_configured(json_t *o, const struct px_conf_partner *p)
{
	px_json_set_maybe(o, "proxy", p->proxy);
	px_json_set_text(o, "uri", p->san_uri);
	px_json_set_bool(o, "pinned", p->tls.pins.n > 0);
	px_json_set_text(o, "tls", p->tls12 ? "1.2" : "1.3");
	px_json_set(o, "relays_for", strings_of(&p->relays_for));
	px_json_set(o, "relay_to", strings_of(&p->relay_to));
	px_json_set(o, "types", strings_of(&p->types));
	px_json_set(o, "versions", strings_of(&p->versions));
	px_json_set_int(o, "maximum_age_s", p->maximum_age / 1000);
	px_json_set_int(o, "cod_wait_s", p->cod_wait / 1000);
	px_json_set_int(o, "timeout_s", p->timeout / 1000);
	px_json_set_int(o, "in_flight_max", p->in_flight);
	px_json_set_int(o, "rate_per_minute", p->rate);
	px_json_set_text(o, "confirmation", p->confirmation == PX_CONFIRM_HTTP ? "http" : "signed");
}

static void show_partner(void *arg, int rc, const struct px_store_stats *stats)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	if (px_job_ended_by(job, rc, "read the store's figures"))
		return;
	const char *name = px_job_text(job, "name");
	const struct px_conf_partner *p = px_conf_partner(px_ctl_conf(job->ctl), name);
	const struct px_partner_stats *s = stats_of(stats, name);
	if (p == NULL && s == NULL) {
		px_job_fail(job, PX_RPC_NOT_FOUND, "there is no partner %s; partners lists them", name);
		return;
	}
	json_t *result = json_object();
	fill(result, job->ctl, name, p, s);
	if (p != NULL)
		fill_configured(result, p);
	px_job_result(job, result);
}

void px_cmd_partner(struct px_job *job)
{
	px_store_stats(job->ctl->setup.store, show_partner, job);
}
