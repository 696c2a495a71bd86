/* prinex: queue: deliveries that have not ended, and why each waits
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/parts.h"
#include "ctl/words.h"

#include <inttypes.h>

/*
 * Rows are collected page by page; then, for those that are not the head of their movement, each movement is
 * read once to tell which delivery is in front. Only then is the text made.
 */
#define PAGE          100
#define MESSAGES_PAGE 200 /* of a movement, at a time */

struct row {
	struct px_delivery d;
	uint64_t behind; /* the delivery in front; 0 not known, or none */
};

struct queue {
	struct px_scan scan;
	unsigned wanted, n;
	struct row *rows;
	unsigned at;   /* the row being looked at */
	uint64_t from; /* its movement is read on from here */
};

static void free_queue(void *state)
{
	struct queue *q = state;
	free(q->rows);
	free(q);
}

/* --- reasons
 * ------------------------------------------------------------------------------------------------- */

/* Everything a reason is made of. */
struct why {
	int64_t now;
	const struct px_conf_partner *partner; /* NULL: no longer configured */
	struct px_link_state link;
	struct px_buf text;
};

static void add_in(struct px_buf *out, int64_t ms)
{
	char text[64];
	px_duration_format(PX_MAX(ms, 0), text, sizeof(text));
	px_buf_adds(out, text);
}

static void add_last_error(struct why *w, const struct px_delivery *d)
{
	if (d->attempts > 0)
		px_buf_addf(&w->text, " after %u attempt%s", d->attempts, d->attempts == 1 ? "" : "s");
	if (d->error[0] != '\0')
		px_buf_addf(&w->text, ": %s", d->error);
}

static const char *why_down(struct why *w)
{
	px_buf_addf(&w->text, "partner is down (%u failures in a row", w->link.failures);
	if (w->link.last_failure != 0) {
		px_buf_adds(&w->text, ", the last ");
		add_in(&w->text, w->now - w->link.last_failure);
		px_buf_adds(&w->text, " ago");
	}
	px_buf_adds(&w->text, ")");
	if (w->link.last_error[0] != '\0')
		px_buf_addf(&w->text, ": %s", w->link.last_error);
	return "partner-down";
}

static const char *why_pull(struct why *w)
{
	if (w->link.waiters > 0) {
		px_buf_adds(&w->text, "about to be fetched");
		return "due";
	}
	px_buf_adds(&w->text, "waits for the partner to fetch it");
	if (w->link.last_success != 0) {
		px_buf_adds(&w->text, "; last successful exchange ");
		add_in(&w->text, w->now - w->link.last_success);
		px_buf_adds(&w->text, " ago");
	}
	return "not-fetched";
}

static const char *why_paused(struct why *w)
{
	px_buf_addf(&w->text, "the partner was paused by %s ", w->link.paused_by);
	add_in(&w->text, w->now - w->link.paused_since);
	px_buf_addf(&w->text, " ago%s%s; resume lets it go on", w->link.paused_why[0] != '\0' ? ": " : "",
		    w->link.paused_why);
	return "paused";
}

static const char *why_queued(struct why *w, const struct px_delivery *d)
{
	if (w->link.paused)
		return why_paused(w);
	if (w->partner->mode == PX_MODE_NONE) {
		px_buf_adds(&w->text, "held: the partner's mode is none");
		return "held";
	}
	if (w->link.store_error[0] != '\0') {
		px_buf_addf(&w->text, "the store failed when it was asked what is to be sent: %s",
			    w->link.store_error);
		return "store-failed";
	}
	if (d->due > w->now) {
		px_buf_adds(&w->text, "next attempt in ");
		add_in(&w->text, d->due - w->now);
		add_last_error(w, d);
		return "retry";
	}
	if (w->partner->mode == PX_MODE_PULL)
		return why_pull(w);
	if (w->link.link != PX_LINK_UP)
		return why_down(w);
	if (w->link.held > 0) {
		px_buf_adds(&w->text, "the partner asked to be left alone: next attempt in ");
		add_in(&w->text, w->link.held);
		return "retry";
	}
	px_buf_addf(&w->text, "due now; %u of %u attempts to this partner are in flight", w->link.in_flight,
		    w->partner->in_flight);
	return "due";
}

/* @return the reason's name; its text is in @w. */
static const char *explain(struct why *w, const struct row *row)
{
	const struct px_delivery *d = &row->d;
	if (d->state == PX_D_HANDED_OVER) {
		px_buf_adds(&w->text,
			    "the partner's broker has it; its confirmation of delivery is awaited for ");
		add_in(&w->text, d->deadline - w->now);
		px_buf_adds(&w->text, " more");
		return "handed-over";
	}
	if (d->leased) {
		bool pull = w->partner != NULL && w->partner->mode == PX_MODE_PULL;
		px_buf_adds(&w->text, pull ? "fetched; the partner's confirmation is awaited" : "in flight");
		return "in-flight";
	}
	if (d->held) {
		px_buf_addf(&w->text, "%s; `cancel %" PRIu64 "` ends it", d->error, d->message);
		return "damaged";
	}
	if (w->partner == NULL) {
		px_buf_adds(&w->text, "held: the partner is no longer configured; ends in ");
		add_in(&w->text, d->deadline - w->now);
		return "held";
	}
	if (!d->head) {
		if (row->behind != 0)
			px_buf_addf(&w->text, "behind delivery %" PRIu64 " of its movement", row->behind);
		else
			px_buf_adds(&w->text, "behind an earlier delivery of its movement");
		return "behind";
	}
	return why_queued(w, d);
}

static void show_row(const struct px_ctl *ctl, json_t *o, const struct row *row)
{
	struct why w = {.now = px_clock_wall(ctl->clock)};
	w.partner = px_conf_partner(px_ctl_conf(ctl), row->d.partner);
	px_flow_link(ctl->setup.flow, row->d.partner, &w.link);
	px_word_delivery(o, &row->d);
	px_json_set_int(o, "message", (int64_t)row->d.message);
	px_json_set_text(o, "class", px_word_class(row->d.prio));
	px_json_set_text(o, "reason", explain(&w, row));
	px_json_set_text(o, "why", px_buf_str(&w.text));
	px_json_set(o, "behind", row->behind != 0 ? json_integer((json_int_t)row->behind) : json_null());
	px_buf_free(&w.text);
}

static void finish(struct px_job *job)
{
	struct queue *q = job->state;
	json_t *result = json_object(), *list = json_array();
	for (unsigned i = 0; i < q->n; i++)
		show_row(job->ctl, px_json_append(list), &q->rows[i]);
	px_json_set(result, "deliveries", list);
	px_json_set(result, "next", q->scan.from != 0 ? json_integer((json_int_t)q->scan.from) : json_null());
	px_job_result(job, result);
}

/* --- what is in front
 * ---------------------------------------------------------------------------------------- */

static void next_behind(struct px_job *job);

/* For each waiting row of this movement: the latest delivery before it, to the same recipient, that waits. */
static void note_in_front(struct queue *q, uint64_t movement, const struct px_message *m)
{
	for (unsigned k = 0; k < m->n_deliveries; k++) {
		const struct px_delivery *d = &m->deliveries[k];
		if (d->state != PX_D_QUEUED)
			continue;
		for (unsigned i = q->at; i < q->n; i++) {
			struct row *row = &q->rows[i];
			if (row->d.movement == movement && d->id < row->d.id && d->id > row->behind &&
			    strcmp(d->recipient, row->d.recipient) == 0)
				row->behind = d->id;
		}
	}
}

static void movement_read(void *arg, int rc, unsigned n, const struct px_message *messages, uint64_t next)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	struct queue *q = job->state;
	if (px_job_ended_by(job, rc == PX_ENOTFOUND ? PX_OK : rc, "read the movement"))
		return;
	uint64_t movement = q->rows[q->at].d.movement;
	for (unsigned i = 0; i < n; i++)
		note_in_front(q, movement, &messages[i]);
	q->from = next;
	q->at += next == 0;
	next_behind(job);
}

static bool needs_look(const struct row *row)
{
	return row->d.state == PX_D_QUEUED && !row->d.head && !row->d.leased && row->behind == 0;
}

static void next_behind(struct px_job *job)
{
	struct queue *q = job->state;
	while (q->at < q->n && q->from == 0 && !needs_look(&q->rows[q->at]))
		q->at++;
	if (q->at < q->n)
		px_store_movement(job->ctl->setup.store, q->rows[q->at].d.movement, q->from, MESSAGES_PAGE,
				  movement_read, job);
	else
		finish(job);
}

/* --- rows
 * ---------------------------------------------------------------------------------------------------- */

static void next_page(struct px_job *job);

static void page_read(void *arg, int rc, unsigned n, const struct px_delivery *deliveries, uint64_t next)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	if (px_job_ended_by(job, rc, "read deliveries"))
		return;
	struct queue *q = job->state;
	for (unsigned i = 0; i < n && q->n < q->wanted; i++)
		q->rows[q->n++].d = deliveries[i];
	q->scan.from = next;
	if (next != 0 && q->n < q->wanted)
		next_page(job);
	else
		next_behind(job);
}

static void next_page(struct px_job *job)
{
	struct queue *q = job->state;
	q->scan.limit = (unsigned)PX_MIN(q->wanted - q->n, PAGE);
	px_store_scan_deliveries(job->ctl->setup.store, &q->scan, page_read, job);
}

void px_cmd_queue(struct px_job *job)
{
	struct queue *q = px_xcalloc(1, sizeof(*q));
	job->state = q;
	job->state_free = free_queue;
	q->wanted = (unsigned)px_job_number(job, "limit", 50);
	q->rows = px_xcalloc(q->wanted, sizeof(*q->rows));
	q->scan = (struct px_scan){
	    .from = (uint64_t)px_job_number(job, "from", 0),
	    .ascending = true,
	    .open_only = true,
	    .partner = px_job_text(job, "partner"),
	};
	next_page(job);
}
