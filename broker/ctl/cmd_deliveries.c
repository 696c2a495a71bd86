/* prinex: commands that act on partners, deliveries, alarms and what is in quarantine
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/parts.h"
#include "flow/operate.h"

/* What was done, or why not, is one sentence of flow's. */
static void told(void *arg, int rc, const char *text)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	if (px_job_ended_by(job, PX_OK, ""))
		return;
	if (rc == PX_ENOTFOUND) {
		px_job_fail(job, PX_RPC_NOT_FOUND, "%s", text);
		return;
	}
	if (rc != PX_OK && rc != PX_EPRECONDITION) {
		px_job_fail(job, PX_RPC_FAILED, "%s", text);
		return;
	}
	json_t *result = json_object();
	px_json_set_bool(result, "ok", rc == PX_OK);
	px_json_set_text(result, "text", text);
	px_job_result(job, result);
}

static const char *text_or_none(const struct px_job *job, const char *name)
{
	const char *text = px_job_text(job, name);
	return text != NULL ? text : "";
}

/* --- partners
 * ------------------------------------------------------------------------------------------------ */

void px_cmd_pause(struct px_job *job)
{
	px_flow_pause(job->ctl->setup.flow, px_job_text(job, "name"), job->conn->names.user,
		      text_or_none(job, "reason"), told, job);
}

void px_cmd_resume(struct px_job *job)
{
	px_flow_resume(job->ctl->setup.flow, px_job_text(job, "name"), told, job);
}

void px_cmd_probe(struct px_job *job)
{
	px_flow_probe(job->ctl->setup.flow, px_job_text(job, "name"), told, job);
}

/* --- deliveries
 * ---------------------------------------------------------------------------------------------- */

void px_cmd_retry(struct px_job *job)
{
	const char *target = px_job_text(job, "target");
	char sender[PX_AUTHORITY_MAX + 1], id[PX_MESSAGE_ID_MAX + 1];
	struct px_flow_which which = {.sender = sender, .message_id = id};
	bool partner = px_conf_partner(px_ctl_conf(job->ctl), target) != NULL;
	if (partner || px_ctl_parse_message(target, &which.seq, sender, id) != PX_OK)
		px_flow_retry_partner(job->ctl->setup.flow, target, told, job);
	else
		px_flow_retry(job->ctl->setup.flow, &which, told, job);
}

void px_cmd_cancel(struct px_job *job)
{
	const char *reason = px_job_text(job, "reason");
	char sender[PX_AUTHORITY_MAX + 1], id[PX_MESSAGE_ID_MAX + 1];
	struct px_flow_which which = {.sender = sender, .message_id = id};
	if (reason == NULL) {
		px_job_fail(job, PX_RPC_PARAMS, "argument reason is missing: the sender is told it");
		return;
	}
	px_ctl_parse_message(px_job_text(job, "message"), &which.seq, sender, id);
	px_flow_cancel(job->ctl->setup.flow, &which, text_or_none(job, "recipient"), reason,
		       job->conn->names.user, told, job);
}

/* --- alarms
 * -------------------------------------------------------------------------------------------------- */

void px_cmd_acknowledge(struct px_job *job)
{
	const char *name = px_job_text(job, "alarm");
	for (int a = 0; a < PX_ALARM_COUNT; a++) {
		if (strcmp(px_alarm_name((enum px_alarm)a), name) == 0) {
			px_flow_acknowledge(job->ctl->setup.flow, (enum px_alarm)a,
					    text_or_none(job, "subject"), job->conn->names.user, told, job);
			return;
		}
	}
	px_job_fail(job, PX_RPC_PARAMS, "there is no such alarm"); /* the table has checked it */
}

/* --- quarantine
 * ---------------------------------------------------------------------------------------------- */

static void show_quarantine(void *arg, int rc, unsigned n, const struct px_quarantined *items, uint64_t next)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	if (px_job_ended_by(job, rc, "read the list"))
		return;
	json_t *result = json_object(), *list = json_array();
	for (unsigned i = 0; i < n; i++) {
		json_t *o = px_json_append(list);
		char record[64];
		snprintf(record, sizeof(record), "%s/%llu", items[i].table,
			 (unsigned long long)items[i].record);
		px_json_set_text(o, "record", record);
		px_json_set(o, "delivery",
			    items[i].delivery != 0 ? json_integer((json_int_t)items[i].delivery)
						   : json_null());
		px_json_set_time(o, "found", items[i].at);
		px_json_set_text(o, "reason", items[i].reason);
	}
	px_json_set(result, "records", list);
	px_json_set(result, "next", next != 0 ? json_integer((json_int_t)next) : json_null());
	px_job_result(job, result);
}

void px_cmd_quarantine(struct px_job *job)
{
	px_store_quarantined(job->ctl->setup.store, (uint64_t)px_job_number(job, "from", 0),
			     (unsigned)px_job_number(job, "limit", 50), show_quarantine, job);
}

void px_cmd_quarantine_release(struct px_job *job)
{
	char table[32];
	uint64_t record;
	px_ctl_parse_record(px_job_text(job, "record"), table, sizeof(table), &record);
	px_flow_release(job->ctl->setup.flow, table, record, told, job);
}
