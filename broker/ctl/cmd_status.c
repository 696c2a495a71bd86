/* prinex: commands about the node as a whole: status, alarms, metrics, help
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/parts.h"

/* --- alarms
 * -------------------------------------------------------------------------------------------------- */

static json_t *alarms_of(const struct px_ctl *ctl)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < px_alarms_count(ctl->setup.alarms); i++) {
		struct px_alarm_state a = px_alarms_get(ctl->setup.alarms, i);
		json_t *o = px_json_append(list);
		px_json_set_text(o, "name", px_alarm_name(a.alarm));
		px_json_set_text(o, "severity", px_severity_name(px_alarm_severity(a.alarm)));
		px_json_set_maybe(o, "subject", a.subject);
		px_json_set_time(o, "since", a.since);
		px_json_set_text(o, "text", px_alarm_text(a.alarm));
		px_json_set_maybe(o, "detail", a.detail);
	}
	return list;
}

void px_cmd_alarms(struct px_job *job)
{
	json_t *result = json_object();
	px_json_set_bool(result, "ok", px_alarms_count(job->ctl->setup.alarms) == 0);
	px_json_set(result, "alarms", alarms_of(job->ctl));
	px_job_result(job, result);
}

/* --- status
 * -------------------------------------------------------------------------------------------------- */

static void free_json(void *state)
{
	json_decref(state);
}

static json_t *node_of(const struct px_ctl *ctl)
{
	const struct px_conf *conf = px_ctl_conf(ctl);
	struct px_ctl_info info = {0};
	ctl->setup.host->info(ctl->setup.host_arg, &info);
	json_t *o = json_object(), *listen = json_array();
	px_json_set_text(o, "authority", conf->node.authority);
	px_json_set_text(o, "name", conf->node.name);
	px_json_set_text(o, "environment", conf->node.environment);
	px_json_set_text(o, "version", info.version);
	px_json_set_time(o, "started", info.started);
	px_json_set_time(o, "now", px_clock_wall(ctl->clock));
	px_json_set_int(o, "generation", (int64_t)px_flow_generation(ctl->setup.flow)->id);
	px_json_set_text(o, "configuration", conf->file);
	px_json_set_bool(o, "draining",
			 px_flow_is_draining(ctl->setup.flow) || px_flow_is_closed(ctl->setup.flow));
	px_json_set_text(o, "log_level", px_log_level_name(px_log_get_level()));
	for (unsigned i = 0; i < info.n_listen; i++)
		json_array_append_new(listen, px_json_text(info.listen[i]));
	px_json_set(o, "listen", listen);
	return o;
}

static json_t *store_of(const struct px_store_stats *s)
{
	json_t *o = json_object();
	px_json_set_int(o, "messages", (int64_t)s->messages);
	px_json_set_int(o, "movements", (int64_t)s->movements);
	px_json_set_int(o, "deliveries", (int64_t)s->deliveries);
	px_json_set_int(o, "confirmations_owed", (int64_t)s->owed);
	px_json_set_int(o, "quarantined", (int64_t)s->quarantined);
	px_json_set_int(o, "journal_entries", (int64_t)s->journal_entries);
	px_json_set_int(o, "checkpoint", (int64_t)s->checkpoint_seq);
	px_json_set_int(o, "bytes_used", (int64_t)s->bytes_used);
	px_json_set_int(o, "bytes_free", (int64_t)s->bytes_free);
	px_json_set_int(o, "oldest_reader", (int64_t)s->oldest_reader);
	px_json_set_int(o, "commits", (int64_t)s->commits);
	px_json_set_int(o, "operations", (int64_t)s->operations);
	return o;
}

static json_t *backlog_of(const struct px_store_stats *s)
{
	uint64_t queued = 0, handed_over = 0;
	int64_t oldest = 0;
	for (unsigned i = 0; i < s->n_partners; i++) {
		const struct px_partner_stats *p = &s->partners[i];
		queued += p->queued;
		handed_over += p->handed_over;
		if (p->oldest != 0 && (oldest == 0 || p->oldest < oldest))
			oldest = p->oldest;
	}
	json_t *o = json_object();
	px_json_set_int(o, "queued", (int64_t)queued);
	px_json_set_int(o, "handed_over", (int64_t)handed_over);
	px_json_set_time(o, "oldest", oldest);
	return o;
}

static json_t *links_of(const struct px_ctl *ctl)
{
	const struct px_conf *conf = px_ctl_conf(ctl);
	unsigned down = 0;
	for (unsigned i = 0; i < conf->n_partners; i++) {
		struct px_link_state link;
		px_flow_link(ctl->setup.flow, conf->partners[i].name, &link);
		down += link.link != PX_LINK_UP;
	}
	json_t *o = json_object();
	px_json_set_int(o, "configured", conf->n_partners);
	px_json_set_int(o, "down", down);
	return o;
}

static void status_processes(void *arg, unsigned n, const struct px_ctl_pss *list)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	if (px_job_ended_by(job, PX_OK, ""))
		return;
	json_t *processes = json_array();
	for (unsigned i = 0; i < n; i++) {
		json_t *o = px_json_append(processes);
		px_json_set_text(o, "role", list[i].role);
		px_json_set_int(o, "pid", list[i].pid);
		px_json_set(o, "pss", list[i].octets >= 0 ? json_integer(list[i].octets) : json_null());
	}
	json_t *result = json_incref(job->state);
	px_json_set(result, "processes", processes);
	px_json_set(result, "alarms", alarms_of(job->ctl));
	px_job_result(job, result);
}

static void status_stats(void *arg, int rc, const struct px_store_stats *stats)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	if (px_job_ended_by(job, rc, "read the store's figures"))
		return;
	json_t *result = json_object();
	job->state = result;
	job->state_free = free_json;
	px_json_set(result, "node", node_of(job->ctl));
	px_json_set(result, "partners", links_of(job->ctl));
	px_json_set(result, "backlog", backlog_of(stats));
	px_json_set(result, "store", store_of(stats));
	px_ctl_processes(job->ctl, status_processes, job);
}

void px_cmd_status(struct px_job *job)
{
	px_store_stats(job->ctl->setup.store, status_stats, job);
}

/* --- metrics
 * ------------------------------------------------------------------------------------------------- */

static void metrics_fresh(void *arg)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	if (px_job_ended_by(job, PX_OK, ""))
		return;
	struct px_buf text = PX_BUF_INIT;
	px_metrics_render(job->ctl->setup.metrics, &text);
	json_t *result = json_object();
	px_json_set_text(result, "text", px_buf_str(&text));
	px_buf_free(&text);
	px_job_result(job, result);
}

void px_cmd_metrics(struct px_job *job)
{
	px_ctl_refresh(job->ctl, metrics_fresh, job);
}

/* --- help
 * ---------------------------------------------------------------------------------------------------- */

static void describe(json_t *list, const struct px_ctl_command *command)
{
	static const char *const places[] = {"required", "optional", "optional", NULL, "optional"};
	json_t *o = px_json_append(list), *args = json_array();
	px_json_set_text(o, "method", command->method);
	px_json_set_text(o, "privilege", command->privilege == PX_CTL_ACT ? "act" : "look");
	px_json_set_bool(o, "journalled", px_ctl_is_journalled(command));
	px_json_set_text(o, "help", command->help);
	for (unsigned i = 0; i < command->n_args; i++) {
		const struct px_ctl_arg *arg = &command->args[i];
		if (places[arg->place] == NULL)
			continue;
		json_t *a = px_json_append(args);
		px_json_set_text(a, "name", arg->name);
		px_json_set_text(a, "place", places[arg->place]);
		px_json_set_text(a, "value", px_ctl_kind_text(arg->kind));
		px_json_set_text(a, "help", arg->help);
	}
	px_json_set(o, "params", args);
}

void px_cmd_help(struct px_job *job)
{
	const char *name = px_job_text(job, "command");
	json_t *result = json_object(), *list = json_array();
	for (unsigned i = 0; i < PX_CTL_COMMANDS; i++) {
		const struct px_ctl_command *command = px_ctl_command((enum px_ctl_id)i);
		if (command->privilege != PX_CTL_LOCAL && (name == NULL || strcmp(name, command->name) == 0))
			describe(list, command);
	}
	px_json_set(result, "commands", list);
	px_job_result(job, result);
}
