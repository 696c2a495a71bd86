/* prinex: commands that show messages: lists, one, its octets
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/parts.h"
#include "ctl/words.h"

/* --- messages
 * ------------------------------------------------------------------------------------------------ */

#define PAGE 100 /* messages read in one go, so that the loop is never busy for long */

struct listing {
	json_t *rows;
	unsigned wanted;
	struct px_scan scan; /* strings are views of the job's params */
};

static void free_listing(void *state)
{
	struct listing *l = state;
	json_decref(l->rows);
	free(l);
}

static void next_page(struct px_job *job);

static void page_read(void *arg, int rc, unsigned n, const struct px_message *messages, uint64_t next)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	if (px_job_ended_by(job, rc, "read messages"))
		return;
	struct listing *l = job->state;
	for (unsigned i = 0; i < n; i++)
		px_word_message(px_json_append(l->rows), &messages[i]);
	l->scan.from = next;
	if (next != 0 && json_array_size(l->rows) < l->wanted) {
		next_page(job);
		return;
	}
	json_t *result = json_object();
	px_json_set(result, "messages", json_incref(l->rows));
	px_json_set(result, "next", next != 0 ? json_integer((json_int_t)next) : json_null());
	px_job_result(job, result);
}

static void next_page(struct px_job *job)
{
	struct listing *l = job->state;
	l->scan.limit = (unsigned)PX_MIN(l->wanted - json_array_size(l->rows), (size_t)PAGE);
	px_store_scan(job->ctl->setup.store, &l->scan, page_read, job);
}

/* The argument has been checked. */
static int64_t time_of(const struct px_job *job, const char *name)
{
	const char *text = px_job_text(job, name);
	int64_t ms = 0;
	if (text != NULL)
		px_ctl_parse_time(text, px_clock_wall(job->ctl->clock), &ms);
	return ms;
}

void px_cmd_messages(struct px_job *job)
{
	struct listing *l = px_xcalloc(1, sizeof(*l));
	job->state = l;
	job->state_free = free_listing;
	l->rows = json_array();
	l->wanted = (unsigned)px_job_number(job, "limit", 50);
	l->scan = (struct px_scan){
	    .from = (uint64_t)px_job_number(job, "from", 0),
	    .partner = px_job_text(job, "partner"),
	    .sender = px_job_text(job, "sender"),
	    .recipient = px_job_text(job, "recipient"),
	    .type = px_job_text(job, "type"),
	    .since = time_of(job, "since"),
	    .until = time_of(job, "until"),
	    .open_only = px_job_flag(job, "open"),
	};
	next_page(job);
}

/* --- one message
 * --------------------------------------------------------------------------------------------- */

/* By number or by (sender, id); @done gets the job. */
static void find_message(struct px_job *job, px_message_done *done)
{
	uint64_t seq;
	char sender[PX_AUTHORITY_MAX + 1], id[PX_MESSAGE_ID_MAX + 1];
	px_ctl_parse_message(px_job_text(job, "message"), &seq, sender, id);
	if (seq != 0)
		px_store_message(job->ctl->setup.store, seq, done, job);
	else
		px_store_find(job->ctl->setup.store, sender, id, done, job);
}

static void show_message(void *arg, int rc, const struct px_message *m)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	if (px_job_ended_by(job, rc, rc == PX_ENOTFOUND ? "there is no such message" : "read the message"))
		return;
	json_t *result = json_object();
	px_word_message_whole(result, m);
	px_job_result(job, result);
}

void px_cmd_message(struct px_job *job)
{
	find_message(job, show_message);
}

/* --- octets
 * --------------------------------------------------------------------------------------------------- */

static void answer_piece(struct px_job *job, json_t *result, const uint8_t *data, size_t len,
			 const uint8_t digest[PX_DIGEST_LEN])
{
	size_t offset = (size_t)px_job_number(job, "offset", 0);
	if (offset > len) {
		json_decref(result);
		px_job_fail(job, PX_RPC_PARAMS, "argument offset: there are only %zu octets", len);
		return;
	}
	size_t n = PX_MIN(len - offset, (size_t)PX_LIMIT_CTL_BODY);
	struct px_buf text = PX_BUF_INIT;
	px_base64(&text, data + offset, n);
	px_json_set_int(result, "octets", (int64_t)len);
	px_json_set_hex(result, "sha256", digest, PX_DIGEST_LEN);
	px_json_set_int(result, "offset", (int64_t)offset);
	px_json_set_text(result, "base64", px_buf_str(&text));
	px_json_set(result, "next", offset + n < len ? json_integer((json_int_t)(offset + n)) : json_null());
	px_buf_free(&text);
	px_job_result(job, result);
}

static void show_body(void *arg, int rc, struct px_body *body)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	if (px_job_ended_by(job, rc,
			    rc == PX_ENOTFOUND ? "the message's octets are no longer kept" : "read the body"))
		return;
	answer_piece(job, json_incref(job->state), body->data, body->len, body->digest);
}

static void free_json(void *state)
{
	json_decref(state);
}

static void body_of(void *arg, int rc, const struct px_message *m)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	if (px_job_ended_by(job, rc, rc == PX_ENOTFOUND ? "there is no such message" : "read the message"))
		return;
	json_t *result = json_object();
	job->state = result;
	job->state_free = free_json;
	px_json_set_int(result, "seq", (int64_t)m->seq);
	px_json_set_text(result, "sender", m->header.sender);
	px_json_set_text(result, "message_id", m->header.message_id);
	if (!px_job_flag(job, "coa")) {
		px_store_body(job->ctl->setup.store, m->seq, show_body, job);
	} else if (m->coa_len == 0) {
		px_job_fail(job, PX_RPC_NOT_FOUND, "this node's own message: it gave itself no confirmation");
	} else {
		uint8_t digest[PX_DIGEST_LEN];
		px_sha256(m->coa, m->coa_len, digest);
		answer_piece(job, json_incref(result), m->coa, m->coa_len, digest);
	}
}

void px_cmd_body(struct px_job *job)
{
	find_message(job, body_of);
}
