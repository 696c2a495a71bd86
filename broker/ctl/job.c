/* prinex: from a line on the control socket to its answer
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/parts.h"

#include <stdarg.h>

#define PROGRESS_FIRST 100 /* ms */
#define PROGRESS_EVERY 1000

static px_job_run *const handlers[PX_CTL_COMMANDS] = {
    [PX_CTL_STATUS] = px_cmd_status,
    [PX_CTL_PARTNERS] = px_cmd_partners,
    [PX_CTL_PARTNER] = px_cmd_partner,
    [PX_CTL_MESSAGES] = px_cmd_messages,
    [PX_CTL_MESSAGE] = px_cmd_message,
    [PX_CTL_TRACE] = px_cmd_trace,
    [PX_CTL_BODY] = px_cmd_body,
    [PX_CTL_ROUTE_EXPLAIN] = px_cmd_route_explain,
    [PX_CTL_QUEUE] = px_cmd_queue,
    [PX_CTL_PAUSE] = px_cmd_pause,
    [PX_CTL_RESUME] = px_cmd_resume,
    [PX_CTL_PROBE] = px_cmd_probe,
    [PX_CTL_RETRY] = px_cmd_retry,
    [PX_CTL_CANCEL] = px_cmd_cancel,
    [PX_CTL_QUARANTINE] = px_cmd_quarantine,
    [PX_CTL_QUARANTINE_RELEASE] = px_cmd_quarantine_release,
    [PX_CTL_ACKNOWLEDGE] = px_cmd_acknowledge,
    [PX_CTL_CERTIFICATES] = px_cmd_certificates,
    [PX_CTL_CATALOGUE] = px_cmd_catalogue,
    [PX_CTL_ALARMS] = px_cmd_alarms,
    [PX_CTL_CONFIG_CHECK] = px_cmd_config_check,
    [PX_CTL_CONFIG_DIFF] = px_cmd_config_diff,
    [PX_CTL_CONFIG_DUMP] = px_cmd_config_dump,
    [PX_CTL_RELOAD] = px_cmd_reload,
    [PX_CTL_LOG] = px_cmd_log,
    [PX_CTL_JOURNAL_TAIL] = px_cmd_journal_tail,
    [PX_CTL_JOURNAL_VERIFY] = px_cmd_journal_verify,
    [PX_CTL_VERIFY] = px_cmd_verify,
    [PX_CTL_METRICS] = px_cmd_metrics,
    [PX_CTL_BACKUP] = px_cmd_backup,
    [PX_CTL_DRAIN] = px_cmd_drain,
    [PX_CTL_STOP] = px_cmd_stop,
    [PX_CTL_HELP] = px_cmd_help,
};

/* --- answers
 * ------------------------------------------------------------------------------------------------- */

static json_t *answer(json_t *id)
{
	json_t *line = json_object();
	px_json_set_text(line, "jsonrpc", "2.0");
	px_json_set(line, "id", id != NULL ? json_incref(id) : json_null());
	return line;
}

static void send_error(struct conn *conn, json_t *id, int code, const char *text)
{
	json_t *error = json_object();
	px_json_set_int(error, "code", code);
	px_json_set_text(error, "message", text);
	json_t *line = answer(id);
	px_json_set(line, "error", error);
	px_conn_send(conn, line);
}

static void job_end(struct px_job *job)
{
	struct conn *conn = job->conn;
	struct px_ctl *ctl = job->ctl;
	px_timer_stop(ctl->setup.timers, &job->tick);
	if (job->state_free != NULL)
		job->state_free(job->state);
	json_decref(job->id);
	json_decref(job->params);
	job->magic = 0;
	free(job);
	if (conn != NULL)
		px_conn_job_ended(conn);
	px_ctl_unref(ctl);
}

void px_job_result(struct px_job *job, json_t *result)
{
	if (job->conn != NULL) {
		json_t *line = answer(job->id);
		px_json_set(line, "result", result);
		px_conn_send(job->conn, line);
	} else {
		json_decref(result);
	}
	job_end(job);
}

void px_job_fail(struct px_job *job, int code, const char *fmt, ...)
{
	struct px_buf text = PX_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (job->conn != NULL)
		send_error(job->conn, job->id, code, px_buf_str(&text));
	px_buf_free(&text);
	job_end(job);
}

bool px_job_ended_by(struct px_job *job, int rc, const char *what)
{
	if (job->conn == NULL) {
		job_end(job);
		return true;
	}
	if (rc == PX_ENOTFOUND)
		px_job_fail(job, PX_RPC_NOT_FOUND, "%s", what);
	else if (rc != PX_OK)
		px_job_fail(job, PX_RPC_FAILED, "cannot %s: %s", what, px_err_text(rc));
	return rc != PX_OK;
}

bool px_job_is_gone(const struct px_job *job)
{
	return job->conn == NULL;
}

/* --- progress
 * ------------------------------------------------------------------------------------------------ */

static void tell_progress(void *arg)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	uint64_t done, total;
	if (px_store_progress(job->ctl->setup.store, job->state, &done, &total)) {
		json_t *line = json_object(), *params = json_object();
		px_json_set(params, "id", json_incref(job->id));
		px_json_set_int(params, "done", (int64_t)done);
		px_json_set_int(params, "total", (int64_t)total);
		px_json_set_text(line, "jsonrpc", "2.0");
		px_json_set_text(line, "method", "progress");
		px_json_set(line, "params", params);
		px_conn_send(job->conn, line);
	}
	px_timer_set(job->ctl->setup.timers, &job->tick, PROGRESS_EVERY, tell_progress, job);
}

void px_job_show_progress(struct px_job *job)
{
	if (job->conn != NULL && px_job_flag(job, "progress"))
		px_timer_set(job->ctl->setup.timers, &job->tick, PROGRESS_FIRST, tell_progress, job);
}

void px_job_leave(struct px_job *job)
{
	job->conn = NULL;
	px_timer_stop(job->ctl->setup.timers, &job->tick);
	if (job->left != NULL)
		job->left(job);
}

/* --- arguments
 * ------------------------------------------------------------------------------------------------- */

const char *px_job_text(const struct px_job *job, const char *name)
{
	return json_string_value(json_object_get(job->params, name));
}

int64_t px_job_number(const struct px_job *job, const char *name, int64_t def)
{
	const json_t *value = json_object_get(job->params, name);
	return value != NULL ? json_integer_value(value) : def;
}

bool px_job_flag(const struct px_job *job, const char *name)
{
	return json_is_true(json_object_get(job->params, name));
}

/* --- the journal
 * ----------------------------------------------------------------------------------------------- */

/* What an entry says about the arguments. Values of business keys are payload data: only their digest. */
struct record {
	struct px_journal_entry entry;
	struct px_buf detail;
	char sender[PX_AUTHORITY_MAX + 1], message_id[PX_MESSAGE_ID_MAX + 1];
};

static void record_arg(struct record *r, const struct px_ctl_arg *arg, const json_t *value)
{
	const char *text = json_string_value(value);
	uint64_t seq;
	if (arg->kind == PX_CTL_KIND_VALUE) {
		r->entry.has_digest = true;
		px_sha256(text, strlen(text), r->entry.digest);
		return;
	}
	if (arg->kind == PX_CTL_KIND_MESSAGE &&
	    px_ctl_parse_message(text, &seq, r->sender, r->message_id) == PX_OK && seq == 0)
		return;
	px_buf_addf(&r->detail, "%s%s=", r->detail.len == 0 ? "" : " ", arg->name);
	if (text != NULL)
		px_buf_adds(&r->detail, text);
	else if (json_is_integer(value))
		px_buf_addf(&r->detail, "%lld", (long long)json_integer_value(value));
	else
		px_buf_adds(&r->detail, json_is_true(value) ? "true" : "false");
}

static void record_of(const struct px_job *job, struct record *r)
{
	*r = (struct record){.detail = PX_BUF_INIT};
	for (unsigned i = 0; i < job->command->n_args; i++) {
		const json_t *value = json_object_get(job->params, job->command->args[i].name);
		if (value != NULL)
			record_arg(r, &job->command->args[i], value);
	}
	r->entry.kind = px_ctl_is_action(job->command) ? PX_J_ADMIN : PX_J_READ;
	r->entry.code = job->command->method;
	r->entry.actor = job->conn->names.user;
	r->entry.sender = r->sender;
	r->entry.message_id = r->message_id;
	r->entry.detail = px_buf_str(&r->detail);
}

static void journalled(void *arg, int rc)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	if (job->conn != NULL && rc != PX_OK && px_ctl_is_action(job->command)) {
		/* An administrator must be able to act, and to look at the store, while that cannot be
		 * written. */
		px_warnx("control",
			 "user=%s command=%s is carried out although the journal cannot be written: %s",
			 job->conn->names.user, job->command->method, px_err_text(rc));
		rc = PX_OK;
	}
	if (!px_job_ended_by(job, rc, "record in the journal who reads, so nothing is shown"))
		handlers[job->command->id](job);
}

/* Pieces of one body are one reading. */
static bool is_continuation(struct px_job *job)
{
	if (job->command->id != PX_CTL_BODY)
		return false;
	char what[sizeof(job->conn->journalled)];
	snprintf(what, sizeof(what), "%s %d", px_job_text(job, "message"), px_job_flag(job, "coa"));
	bool same = px_job_number(job, "offset", 0) > 0 && strcmp(what, job->conn->journalled) == 0;
	px_strlcpy(job->conn->journalled, what, sizeof(job->conn->journalled));
	return same;
}

static void journal_first(struct px_job *job)
{
	struct record r;
	record_of(job, &r);
	if (job->command->privilege == PX_CTL_ACT)
		px_log(PX_LOG_NOTICE, "control", "user=%s command=%s%s%s", r.entry.actor,
		       job->command->method, r.detail.len > 0 ? " " : "", r.entry.detail);
	px_store_journal(job->ctl->setup.store, &r.entry, journalled, job);
	px_buf_free(&r.detail);
}

static void job_run(struct px_job *job)
{
	if (px_ctl_is_journalled(job->command) && !is_continuation(job))
		journal_first(job);
	else
		handlers[job->command->id](job);
}

/* --- requests
 * ------------------------------------------------------------------------------------------------- */

static bool id_is_right(const json_t *id)
{
	if (json_is_string(id))
		return json_string_length(id) <= PX_CTL_TEXT_MAX;
	return json_is_integer(id);
}

/* The members that JSON-RPC has, and no others. @return 0 or an error's code with @why. */
static int check_request(const json_t *request, struct px_buf *why)
{
	const char *name;
	json_t *value;
	if (!json_is_object(request)) {
		px_buf_setf(why, "%s",
			    json_is_array(request) ? "batches are not taken: one object a line"
						   : "a request is an object");
		return PX_RPC_REQUEST;
	}
	json_object_foreach((json_t *)request, name, value)
	{
		if (strcmp(name, "jsonrpc") != 0 && strcmp(name, "id") != 0 && strcmp(name, "method") != 0 &&
		    strcmp(name, "params") != 0) {
			px_buf_setf(
			    why, "unknown member \"%.64s\"; a request has jsonrpc, id, method, params", name);
			return PX_RPC_REQUEST;
		}
	}
	const char *version = json_string_value(json_object_get(request, "jsonrpc"));
	if (version == NULL || strcmp(version, "2.0") != 0)
		px_buf_setf(why, "jsonrpc must be \"2.0\"");
	else if (!id_is_right(json_object_get(request, "id")))
		px_buf_setf(
		    why, "id must be an integer or a string of at most %d octets: every request is answered",
		    PX_CTL_TEXT_MAX);
	else if (!json_is_string(json_object_get(request, "method")))
		px_buf_setf(why, "method must be a string");
	return why->len > 0 ? PX_RPC_REQUEST : 0;
}

static int check_command(const struct conn *conn, const json_t *request, const struct px_ctl_command **out,
			 struct px_buf *why)
{
	const char *method = json_string_value(json_object_get(request, "method"));
	const struct px_ctl_command *command = px_ctl_by_method(method);
	if (command == NULL) {
		px_buf_setf(why, "unknown method \"%.64s\"; help lists them", method);
		return PX_RPC_METHOD;
	}
	if (command->privilege == PX_CTL_ACT && conn->right != PX_CTL_MAY_ACT) {
		px_ctl_right_explain(conn->right, &conn->names, why);
		return PX_RPC_NOT_PERMITTED;
	}
	if (px_ctl_check(command, json_object_get(request, "params"), why) != PX_OK)
		return PX_RPC_PARAMS;
	*out = command;
	return 0;
}

static void job_new(struct conn *conn, const json_t *request, const struct px_ctl_command *command)
{
	struct px_job *job = px_xcalloc(1, sizeof(*job));
	json_t *params = json_object_get(request, "params");
	job->magic = PX_JOB_MAGIC;
	job->ctl = px_ctl_ref(conn->ctl);
	job->conn = conn;
	job->command = command;
	job->id = json_incref(json_object_get(request, "id"));
	job->params = params != NULL ? json_incref(params) : json_object();
	conn->job = job;
	job_run(job);
}

void px_job_start(struct conn *conn, const char *line, size_t len)
{
	struct px_buf why = PX_BUF_INIT;
	const struct px_ctl_command *command = NULL;
	json_error_t error;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	int code = 0;
	if (request == NULL) {
		px_buf_setf(&why, "not JSON: %s (octet %d)", error.text, error.position);
		code = PX_RPC_PARSE;
	}
	if (code == 0)
		code = check_request(request, &why);
	if (code == 0)
		code = check_command(conn, request, &command, &why);
	if (code == 0) {
		job_new(conn, request, command);
	} else {
		json_t *id = json_object_get(request, "id");
		send_error(conn, id_is_right(id) ? id : NULL, code, px_buf_str(&why));
	}
	json_decref(request);
	px_buf_free(&why);
}
