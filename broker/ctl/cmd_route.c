/* prinex: command about routes: who would get a message, and why
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/body.h"
#include "ctl/parts.h"
#include "flow/decide.h"
#include "flow/route.h"

/*
 * The document comes in pieces, is inspected as if it had arrived, and then decided about as flow/intake.c
 * does, up to the point where the store would be asked. Nothing is accepted.
 */
struct explaining {
	struct px_generation *gen;
	struct px_body *body;
	const struct px_conf_partner *partner; /* of gen->conf; NULL: not known before the header is */
	json_t *result, *routes, *recipients;
};

static void explaining_free(void *state)
{
	struct explaining *e = state;
	px_generation_unref(&e->gen);
	px_body_unref(&e->body);
	json_decref(e->result);
	json_decref(e->routes);
	json_decref(e->recipients);
	free(e);
}

/* --- the pieces
 * ------------------------------------------------------------------------------------------------ */

/* Another document than that of the last piece, perhaps of another connection, is dropped. */
static void begin_upload(struct conn *conn)
{
	struct px_ctl *ctl = conn->ctl;
	if (ctl->uploading != NULL)
		px_buf_free(&ctl->uploading->upload);
	ctl->uploading = conn;
}

static void end_upload(struct conn *conn)
{
	px_buf_free(&conn->upload);
	if (conn->ctl->uploading == conn)
		conn->ctl->uploading = NULL;
}

/* Add the piece. @return whether it fits behind what came before; else the job has ended. */
static bool take_piece(struct px_job *job)
{
	struct conn *conn = job->conn;
	const char *text = px_job_text(job, "octets");
	size_t offset = (size_t)px_job_number(job, "offset", 0);
	size_t most = (size_t)px_ctl_conf(job->ctl)->inspect.body_limit;
	if (offset == 0)
		begin_upload(conn);
	if (offset != conn->upload.len || (offset > 0 && job->ctl->uploading != conn)) {
		end_upload(conn);
		px_job_fail(job, PX_RPC_BUSY,
			    "the pieces before are not here: another client sent a document meanwhile; "
			    "begin anew");
		return false;
	}
	if (text == NULL || px_unbase64(&conn->upload, text, strlen(text)) != PX_OK) {
		end_upload(conn);
		px_job_fail(job, PX_RPC_PARAMS, "argument octets: not there, or not base64");
		return false;
	}
	if (conn->upload.len > most) {
		end_upload(conn);
		px_job_fail(job, PX_RPC_PARAMS, "the document is longer than the %zu octets of body-limit",
			    most);
		return false;
	}
	return true;
}

/* --- the answer
 * ------------------------------------------------------------------------------------------------ */

static void add_findings(json_t *result, const char *name, const struct px_findings *f)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < f->n; i++) {
		json_t *o = px_json_append(list);
		px_json_set_text(o, "code", px_finding_wire(&f->items[i]));
		px_json_set_text(o, "text", f->items[i].text);
		px_json_set_text(o, "pointer", f->items[i].pointer);
		px_json_set_text(o, "value", f->items[i].value);
		px_json_set(o, "line", f->items[i].line != 0 ? json_integer(f->items[i].line) : json_null());
	}
	px_json_set(result, name, list);
}

static void told(void *arg, const struct px_route_step *step)
{
	struct explaining *e = arg;
	json_t *o = px_json_append(step->about_route ? e->routes : e->recipients);
	px_json_set_text(o, step->about_route ? "route" : "recipient", step->name);
	px_json_set_text(o, "outcome", px_route_outcome_name(step->outcome));
	px_json_set_maybe(o, step->about_route ? "via" : "partner", step->partner);
	if (!step->about_route)
		px_json_set_maybe(o, "route", step->route);
	px_json_set_text(o, "why", step->why);
}

static void finish(struct px_job *job, struct px_verdict *v, const struct px_findings *errors)
{
	struct explaining *e = job->state;
	json_t *r = e->result;
	px_json_set_bool(r, "ok", errors->total == 0);
	px_json_set_maybe(r, "sender", v->has_header ? v->header.sender : "");
	px_json_set_maybe(r, "message_id", v->has_header ? v->header.message_id : "");
	px_json_set_maybe(r, "type", v->header.type);
	px_json_set_maybe(r, "version", v->version);
	px_json_set_time(r, "created_at", v->header.created_at);
	px_json_set_text(r, "partner", e->partner != NULL ? e->partner->name : NULL);
	px_json_set_text(r, "stage", v->stage == PX_STAGE_OK ? "accept" : px_stage_name(v->stage));
	add_findings(r, "errors", errors);
	add_findings(r, "warnings", &v->warnings);
	px_json_set(r, "routes", json_incref(e->routes));
	px_json_set(r, "recipients", json_incref(e->recipients));
	px_verdict_free(&v);
	px_job_result(job, json_incref(r));
}

/* --- the walk
 * -------------------------------------------------------------------------------------------------- */

static void decide(struct px_job *job, struct px_verdict *v)
{
	struct explaining *e = job->state;
	struct px_findings errors = {0};
	struct px_routing *routing = px_xcalloc(1, sizeof(*routing));
	const struct px_cat_type *type = px_catalogue_type(e->gen->cat, v->header.type);
	int64_t now = px_clock_wall(job->ctl->clock);
	int status = px_decide(e->gen->conf, e->gen->cat, e->partner, v, now, &errors);
	const struct px_route_ask ask = {
	    .conf = e->gen->conf,
	    .type = type,
	    .from = e->partner,
	    .header = &v->header,
	    .keys = &v->keys,
	    .version = v->version,
	    .now = now,
	    .told = told,
	    .told_arg = e,
	};
	/* Confirmations do not follow routes: they go back to whoever sent the messages they are about. */
	if (status == 0 && strcmp(type->name, "Confirmations") != 0)
		(void)px_route(&ask, routing, &errors);
	free(routing);
	finish(job, v, &errors);
	px_findings_free(&errors);
}

static const struct px_conf_partner *only_system(const struct px_conf *conf, const char *authority)
{
	const struct px_conf_partner *found = NULL;
	for (unsigned i = 0; i < conf->n_partners; i++) {
		const struct px_conf_partner *p = &conf->partners[i];
		if (p->role != PX_ROLE_SYSTEM || strcmp(p->authority, authority) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = p;
	}
	return found;
}

static void inspect(struct px_job *job);

static void inspected(void *arg, int rc, struct px_verdict *v)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	struct explaining *e = job->state;
	if (px_job_ended_by(job, rc, "inspect the document")) {
		px_verdict_free(&v);
		return;
	}
	if (e->partner == NULL && v->has_header &&
	    (e->partner = only_system(e->gen->conf, v->header.sender)) != NULL) {
		px_verdict_free(&v); /* its partner decides which rules count */
		inspect(job);
		return;
	}
	if (v->stage != PX_STAGE_OK) {
		finish(job, v, &v->errors);
	} else if (e->partner == NULL) {
		px_job_fail(job, PX_RPC_PARAMS,
			    "%s has no system here, or several: say by which partner the message comes",
			    v->header.sender);
		px_verdict_free(&v);
	} else {
		decide(job, v);
	}
}

static void inspect(struct px_job *job)
{
	struct explaining *e = job->state;
	struct px_pool_request req = {
	    .kind = PX_DOC_EXCHANGE,
	    .body = e->body,
	    .now = px_clock_wall(job->ctl->clock),
	    .first_broker = e->partner == NULL || e->partner->role == PX_ROLE_SYSTEM,
	};
	if (e->partner != NULL)
		px_strlcpy(req.partner, e->partner->name, sizeof(req.partner));
	if (e->gen->inspector->submit(e->gen->inspector, &req, inspected, job) != PX_OK)
		px_job_fail(job, PX_RPC_BUSY, "too many messages wait for inspection");
}

void px_cmd_route_explain(struct px_job *job)
{
	const char *name = px_job_text(job, "partner");
	if (!take_piece(job))
		return;
	if (px_job_flag(job, "more")) {
		json_t *result = json_object();
		px_json_set_int(result, "received", (int64_t)job->conn->upload.len);
		px_job_result(job, result);
		return;
	}
	struct explaining *e = px_xcalloc(1, sizeof(*e));
	job->state = e;
	job->state_free = explaining_free;
	e->gen = px_generation_ref(px_flow_generation(job->ctl->setup.flow));
	e->body = px_body_copy(job->conn->upload.data, job->conn->upload.len);
	e->result = json_object();
	e->routes = json_array();
	e->recipients = json_array();
	end_upload(job->conn);
	if (name != NULL && (e->partner = px_conf_partner(e->gen->conf, name)) == NULL)
		px_job_fail(job, PX_RPC_NOT_FOUND, "there is no partner %s; partners lists them", name);
	else
		inspect(job);
}
