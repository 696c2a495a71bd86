/* prinex: backup: a copy of the store while it is in use
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/parts.h"

/* Outlives its job: the copy is given up when the client leaves, but ends a moment later. */
struct copying {
	struct px_job *job;
	struct px_ctl *ctl;
};

static void show(struct px_job *job, const struct px_backup_report *r)
{
	json_t *result = json_object();
	px_json_set_text(result, "path", r->path);
	px_json_set_int(result, "epoch", (int64_t)r->epoch);
	px_json_set_int(result, "message", (int64_t)r->message);
	px_json_set_int(result, "journal", (int64_t)r->journal);
	px_json_set_int(result, "octets", (int64_t)r->octets);
	px_json_set_int(result, "growth", (int64_t)r->growth);
	px_json_set_int(result, "ms", r->ms);
	px_json_set_int(result, "removed", r->removed);
	px_job_result(job, result);
}

static void copied(void *arg, int rc, const struct px_backup_report *report, const char *why)
{
	struct copying *c = arg;
	if (rc == PX_EBUSY && !px_job_is_gone(c->job))
		px_job_fail(c->job, PX_RPC_BUSY, "a backup is under way already");
	else if (rc != PX_OK && !px_job_is_gone(c->job))
		px_job_fail(c->job, PX_RPC_FAILED, "no backup was made: %s",
			    why[0] != '\0' ? why : px_err_text(rc));
	else if (!px_job_ended_by(c->job, PX_OK, ""))
		show(c->job, report);
	px_ctl_unref(c->ctl);
	free(c);
}

static void give_up(struct px_job *job)
{
	px_store_give_up(job->ctl->setup.store, job->state);
}

void px_cmd_backup(struct px_job *job)
{
	struct copying *c = px_xcalloc(1, sizeof(*c));
	c->job = job;
	c->ctl = px_ctl_ref(job->ctl);
	job->state = c;
	job->left = give_up;
	px_store_backup(job->ctl->setup.store, px_job_text(job, "folder"),
			(unsigned)px_job_number(job, "keep", 0), copied, c);
	px_job_show_progress(job);
}
