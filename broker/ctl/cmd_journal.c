/* prinex: commands about the journal, and the check of the whole store
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/parts.h"

static json_t *entry_of(const struct px_journal_read *r)
{
	const struct px_journal_entry *e = &r->entry;
	json_t *o = json_object();
	px_json_set_int(o, "seq", (int64_t)r->seq);
	px_json_set_time(o, "at", e->at);
	px_json_set_text(o, "kind", px_journal_kind_name(e->kind));
	px_json_set_maybe(o, "partner", e->partner);
	px_json_set_maybe(o, "sender", e->sender);
	px_json_set_maybe(o, "message_id", e->message_id);
	px_json_set_maybe(o, "recipient", e->recipient);
	px_json_set(o, "delivery", e->delivery != 0 ? json_integer((json_int_t)e->delivery) : json_null());
	px_json_set_maybe(o, "code", e->code);
	px_json_set_maybe(o, "actor", e->actor);
	px_json_set_maybe(o, "detail", e->detail);
	if (e->has_digest)
		px_json_set_hex(o, "digest", e->digest, PX_DIGEST_LEN);
	else
		px_json_set_text(o, "digest", NULL);
	px_json_set_hex(o, "hash", r->hash, PX_DIGEST_LEN);
	return o;
}

static void show_entries(void *arg, int rc, unsigned n, const struct px_journal_read *entries, uint64_t next)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	if (px_job_ended_by(job, rc, "read the journal"))
		return;
	bool onward = px_job_number(job, "from", 0) > 0; /* else the latest, which come newest first */
	json_t *result = json_object(), *rows = json_array();
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(rows, entry_of(&entries[onward ? i : n - 1 - i]));
	px_json_set(result, "entries", rows);
	px_json_set(result, "next", onward && next != 0 ? json_integer((json_int_t)next) : json_null());
	px_job_result(job, result);
}

void px_cmd_journal_tail(struct px_job *job)
{
	int64_t from = px_job_number(job, "from", 0);
	unsigned limit = (unsigned)px_job_number(job, "limit", 20);
	px_store_journal_scan(job->ctl->setup.store, (uint64_t)from, limit, from > 0, show_entries, job);
}

/* --- verify
 * -------------------------------------------------------------------------------------------------- */

/* Given up when the client leaves; another one waits until it has ended. */
struct walk {
	struct px_job *job;
	struct px_ctl *ctl;
};

static json_t *journal_of(const struct px_verify_report *r)
{
	json_t *o = json_object();
	px_json_set_bool(o, "ok", r->journal_ok);
	px_json_set_int(o, "entries", (int64_t)r->journal_entries);
	px_json_set_int(o, "checkpoints", (int64_t)r->journal_checkpoints);
	px_json_set(o, "broken_at",
		    r->journal_broken_at != 0 ? json_integer((json_int_t)r->journal_broken_at) : json_null());
	px_json_set_maybe(o, "fault", r->journal_ok ? NULL : r->first_fault);
	return o;
}

static void show_report(struct px_job *job, const struct px_verify_report *r)
{
	if (job->command->id == PX_CTL_JOURNAL_VERIFY) {
		px_job_result(job, journal_of(r));
		return;
	}
	json_t *result = json_object();
	px_json_set_bool(result, "ok", r->journal_ok && r->damaged == 0 && r->index_faults == 0);
	px_json_set_int(result, "records", (int64_t)r->records);
	px_json_set_int(result, "damaged", (int64_t)r->damaged);
	px_json_set_int(result, "index_faults", (int64_t)r->index_faults);
	px_json_set_maybe(result, "first_fault", r->first_fault);
	px_json_set(result, "journal", journal_of(r));
	px_job_result(job, result);
}

static void verified(void *arg, int rc, const struct px_verify_report *report)
{
	struct walk *w = arg;
	w->ctl->verifying = false;
	if (!px_job_ended_by(w->job, rc, "walk through the store"))
		show_report(w->job, report);
	px_ctl_unref(w->ctl);
	free(w);
}

static void give_up(struct px_job *job)
{
	px_store_give_up(job->ctl->setup.store, job->state);
}

void px_cmd_verify(struct px_job *job)
{
	const struct px_ctl_setup *setup = &job->ctl->setup;
	if (job->ctl->verifying) {
		px_job_fail(job, PX_RPC_BUSY, "the store is being verified already");
		return;
	}
	struct walk *w = px_xcalloc(1, sizeof(*w));
	job->ctl->verifying = true;
	w->job = job;
	job->state = w;
	job->left = give_up;
	w->ctl = px_ctl_ref(job->ctl);
	px_store_verify(setup->store, setup->host->check, setup->host_arg, verified, w);
	px_job_show_progress(job);
}

void px_cmd_journal_verify(struct px_job *job)
{
	px_cmd_verify(job);
}
