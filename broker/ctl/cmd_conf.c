/* prinex: commands that act on the daemon and its configuration
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/parts.h"

/* --- config check, config diff
 * -------------------------------------------------------------------------------------------- */

struct check {
	struct px_job *job;
	struct px_ctl *ctl;
	struct px_generation *gen; /* held: what is in force is compared on the helper thread */
	char *path;
	struct px_problems problems;
	struct px_buf restart;
	unsigned types; /* of the catalogue, when all is well */
	json_t *differences;
};

static void add_difference(void *arg, const char *place, const char *option, const char *old,
			   const char *fresh)
{
	struct check *c = arg;
	json_t *o = px_json_append(c->differences);
	px_json_set_text(o, "section", place);
	px_json_set_text(o, "option", option);
	px_json_set_text(o, "in_force", old);
	px_json_set_text(o, "in_file", fresh);
}

/* On the helper thread: files are read. */
static void check_files(void *arg)
{
	struct check *c = arg;
	struct px_conf *conf = NULL;
	struct px_catalogue *cat = NULL;
	if (px_conf_load(c->path, &conf, &c->problems) != PX_OK)
		return;
	px_conf_check(conf, &c->problems);
	if (px_catalogue_load(conf, &cat, &c->problems) == PX_OK)
		c->types = cat->n_types;
	px_conf_needs_restart(c->gen->conf, conf, &c->restart);
	px_conf_diff(c->gen->conf, conf, add_difference, c);
	px_catalogue_free(&cat);
	px_conf_free(&conf);
}

static void show_check(const struct check *c)
{
	json_t *result = json_object(), *rows = json_array();
	px_json_set_bool(result, "ok", px_problems_errors(&c->problems) == 0);
	px_json_set_text(result, "file", c->path);
	for (unsigned i = 0; i < c->problems.n; i++) {
		json_t *o = px_json_append(rows);
		px_json_set_maybe(o, "file", c->problems.items[i].file);
		px_json_set(o, "line",
			    c->problems.items[i].line != 0 ? json_integer(c->problems.items[i].line)
							   : json_null());
		px_json_set_bool(o, "warning", c->problems.items[i].warning);
		px_json_set_text(o, "text", c->problems.items[i].text);
	}
	px_json_set(result, "problems", rows);
	if (c->job->command->id == PX_CTL_CONFIG_DIFF)
		px_json_set(result, "differences", json_incref(c->differences));
	else
		px_json_set_int(result, "types", c->types);
	px_json_set_maybe(result, "needs_restart", px_buf_str(&c->restart));
	px_job_result(c->job, result);
}

static void checked(void *arg)
{
	struct check *c = arg;
	c->ctl->checking = false;
	if (!px_job_ended_by(c->job, PX_OK, ""))
		show_check(c);
	px_generation_unref(&c->gen);
	px_problems_free(&c->problems);
	px_buf_free(&c->restart);
	json_decref(c->differences);
	px_ctl_unref(c->ctl);
	free(c->path);
	free(c);
}

void px_cmd_config_check(struct px_job *job)
{
	if (job->ctl->checking) {
		px_job_fail(job, PX_RPC_BUSY, "the configuration is being checked already");
		return;
	}
	struct check *c = px_xcalloc(1, sizeof(*c));
	job->ctl->checking = true;
	c->job = job;
	c->differences = json_array();
	c->ctl = px_ctl_ref(job->ctl);
	c->gen = px_generation_ref(px_flow_generation(job->ctl->setup.flow));
	c->path = px_xstrdup(c->gen->conf->file);
	px_work_run(job->ctl->files, check_files, checked, c);
}

void px_cmd_config_diff(struct px_job *job)
{
	px_cmd_config_check(job);
}

void px_cmd_config_dump(struct px_job *job)
{
	struct px_buf text = PX_BUF_INIT;
	px_conf_dump(px_ctl_conf(job->ctl), &text);
	json_t *result = json_object();
	px_json_set_text(result, "text", px_buf_str(&text));
	px_buf_free(&text);
	px_job_result(job, result);
}

/* --- acting
 * -------------------------------------------------------------------------------------------------- */

static void reloaded(void *arg, int rc, const char *why)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	if (px_job_ended_by(job, PX_OK, ""))
		return;
	json_t *result = json_object();
	px_json_set_bool(result, "ok", rc == PX_OK);
	px_json_set_int(result, "generation", (int64_t)px_flow_generation(job->ctl->setup.flow)->id);
	px_json_set_maybe(result, rc == PX_OK ? "needs_restart" : "why", why);
	px_job_result(job, result);
}

void px_cmd_reload(struct px_job *job)
{
	const struct px_ctl_setup *setup = &job->ctl->setup;
	if (setup->host->reload(setup->host_arg, reloaded, job) != PX_OK)
		px_job_fail(job, PX_RPC_BUSY, "a reload is under way already, or the start is not over");
}

void px_cmd_log(struct px_job *job)
{
	const struct px_ctl_setup *setup = &job->ctl->setup;
	json_t *result = json_object();
	px_json_set_text(result, "before", px_log_level_name(px_log_get_level()));
	setup->host->log_level(setup->host_arg,
			       (enum px_log_level)px_log_level_parse(px_job_text(job, "level")));
	px_json_set_text(result, "level", px_log_level_name(px_log_get_level()));
	px_job_result(job, result);
}

void px_cmd_drain(struct px_job *job)
{
	bool on = !px_job_flag(job, "off");
	px_flow_close(job->ctl->setup.flow, on);
	json_t *result = json_object();
	px_json_set_bool(result, "draining", on);
	px_job_result(job, result);
}

void px_cmd_stop(struct px_job *job)
{
	const struct px_ctl_setup setup = job->ctl->setup;
	json_t *result = json_object();
	px_json_set_bool(result, "stopping", true);
	px_job_result(job, result);
	setup.host->stop(setup.host_arg);
}
