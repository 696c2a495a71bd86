/* prinex: what administrators do to partners and deliveries
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/internal.h"

#include <inttypes.h>

#define PAUSE_AGAIN 1000
#define PROBE_EXTRA 15000 /* beyond the partner's own deadline for one attempt */
#define HEADS_MAX   200   /* deliveries read at a time to find one that can be sent */

/* One request being carried out. */
struct request {
	struct px_flow *flow;
	char partner[PX_NAME_MAX + 1];
	struct px_mark mark;        /* pause */
	uint64_t message, delivery; /* release */
	px_flow_told *told;
	void *arg;
};

static struct request *request_new(struct px_flow *flow, const char *partner, px_flow_told *told, void *arg)
{
	struct request *r = px_xcalloc(1, sizeof(*r));
	r->flow = flow;
	r->told = told;
	r->arg = arg;
	px_strlcpy(r->partner, partner, sizeof(r->partner));
	px_flow_begin(flow);
	return r;
}

static void request_end(struct request *r, int rc, const char *text)
{
	struct px_flow *flow = r->flow;
	r->told(r->arg, rc, text);
	free(r);
	px_flow_end(flow);
}

static void store_failed(struct request *r, int rc)
{
	char text[128];
	snprintf(text, sizeof(text), "the store: %s", px_err_text(rc));
	request_end(r, rc, text);
}

/* Configured, or known because something was sent to it or it is paused. */
static bool is_known(struct px_flow *flow, const char *partner, px_flow_told *told, void *arg)
{
	if (px_conf_partner(flow->gen->conf, partner) != NULL || px_flow_find_link(flow, partner) != NULL)
		return true;
	told(arg, PX_ENOTFOUND, "there is no such partner; partners lists them");
	return false;
}

/* --- pause and resume
 * ---------------------------------------------------------------------------------------- */

static void pause_link(struct link *link, const struct request *r)
{
	link->paused = true;
	link->paused_since = r->mark.at;
	px_strlcpy(link->paused_by, r->mark.actor, sizeof(link->paused_by));
	px_strlcpy(link->paused_why, r->mark.text, sizeof(link->paused_why));
	px_alarm_raise(r->flow->alarms, PX_ALARM_PARTNER_PAUSED, r->partner, "by %s%s%s", r->mark.actor,
		       r->mark.text[0] != '\0' ? ": " : "", r->mark.text);
}

static void pause_kept(void *arg, int rc);

static void pause_again(void *arg)
{
	struct link *link = arg;
	struct request *r = link->pausing;
	link->pausing = NULL;
	if (link->paused)
		px_store_mark(link->flow->store, &r->mark, pause_kept, r);
	else
		request_end(r, PX_EPRECONDITION, "it was resumed meanwhile");
}

void px_operate_end_pause(struct link *link)
{
	px_timer_stop(link->flow->timers, &link->pause_again);
	if (link->pausing != NULL)
		store_failed(link->pausing, PX_EUNKNOWN);
	link->pausing = NULL;
}

/* The mark may be in the store or not: it is paused at once, as it would be after a restart, and the mark is
 * written again until that is known. Whoever paused it waits, or pauses it again himself. */
static void pause_unsure(struct link *link, struct request *r)
{
	pause_link(link, r);
	px_operate_end_pause(link);
	link->pausing = r;
	px_timer_set(r->flow->timers, &link->pause_again, PAUSE_AGAIN, pause_again, link);
}

static void pause_kept(void *arg, int rc)
{
	struct request *r = arg;
	struct link *link = px_flow_obtain_link(r->flow, r->partner);
	if (rc == PX_EUNKNOWN) {
		pause_unsure(link, r);
		return;
	}
	if (rc != PX_OK) {
		store_failed(r, rc);
		return;
	}
	pause_link(link, r);
	request_end(r, PX_OK, "paused: nothing is sent to it until resume; what is in flight is finished");
}

void px_flow_pause(struct px_flow *flow, const char *partner, const char *actor, const char *reason,
		   px_flow_told *told, void *arg)
{
	if (!is_known(flow, partner, told, arg))
		return;
	struct request *r = request_new(flow, partner, told, arg);
	snprintf(r->mark.name, sizeof(r->mark.name), "pause/%s", partner);
	px_strlcpy(r->mark.actor, actor, sizeof(r->mark.actor));
	px_strlcpy(r->mark.text, reason, sizeof(r->mark.text));
	r->mark.at = px_flow_now(flow);
	px_store_mark(flow->store, &r->mark, pause_kept, r);
}

static void pause_gone(void *arg, int rc)
{
	struct request *r = arg;
	struct link *link = px_flow_obtain_link(r->flow, r->partner);
	/* No mark, but paused: an earlier resume whose outcome was unknown had happened. */
	if (rc == PX_ENOTFOUND && !link->paused) {
		request_end(r, PX_EPRECONDITION, "it is not paused");
		return;
	}
	if (rc != PX_OK && rc != PX_ENOTFOUND) {
		store_failed(r, rc);
		return;
	}
	link->paused = false;
	px_alarm_clear(r->flow->alarms, PX_ALARM_PARTNER_PAUSED, r->partner);
	px_dispatch_kick(link);
	request_end(r, PX_OK, "resumed");
}

void px_flow_resume(struct px_flow *flow, const char *partner, px_flow_told *told, void *arg)
{
	if (!is_known(flow, partner, told, arg))
		return;
	struct request *r = request_new(flow, partner, told, arg);
	snprintf(r->mark.name, sizeof(r->mark.name), "pause/%s", partner);
	px_store_unmark(flow->store, r->mark.name, pause_gone, r);
}

/* --- probe
 * --------------------------------------------------------------------------------------------------- */

void px_operate_probed(struct link *link, bool answered, const char *text)
{
	if (link->probed == NULL)
		return;
	px_flow_told *told = link->probed;
	link->probed = NULL;
	link->probe_due = false;
	px_timer_stop(link->flow->timers, &link->probe_over);
	char line[PX_REASON_MAX + 64];
	snprintf(line, sizeof(line), "%s%s", answered ? "" : "failed: ", text);
	told(link->probed_arg, answered ? PX_OK : PX_EPRECONDITION, line);
}

static void probe_over(void *arg)
{
	px_operate_probed(arg, false, "no attempt has ended in time");
}

static void probe_due(void *arg, int rc)
{
	struct link *link = arg;
	struct px_flow *flow = link->flow;
	if (rc == PX_OK) {
		px_dispatch_unhold(link);
		link->probe_due = link->probed != NULL;
		px_dispatch_kick(link);
	} else {
		bool settled = rc == PX_ESTALE || rc == PX_EPRECONDITION || rc == PX_ENOTFOUND;
		px_operate_probed(link, false,
				  settled ? "what waits was settled meanwhile" : px_err_text(rc));
	}
	px_flow_end(flow);
}

static px_deliveries_done heads_read;

static void look_for_head(struct link *link, uint64_t from)
{
	struct px_scan scan = {
	    .from = from, .limit = HEADS_MAX, .ascending = true, .open_only = true, .partner = link->name};
	px_store_scan_deliveries(link->flow->store, &scan, heads_read, link);
}

/* Bring one head forward: a backlog of a million needs no rewriting for one attempt. */
static void heads_read(void *arg, int rc, unsigned n, const struct px_delivery *deliveries, uint64_t next)
{
	struct link *link = arg;
	struct px_flow *flow = link->flow;
	for (unsigned i = 0; rc == PX_OK && i < n; i++) {
		const struct px_delivery *d = &deliveries[i];
		if (d->state != PX_D_QUEUED || !d->head || d->leased)
			continue;
		struct px_settle s = {.delivery = d->id,
				      .state = PX_D_QUEUED,
				      .due = px_flow_now(flow),
				      .body_sent = px_sent_maybe(flow, d), /* its due time said so */
				      .error = d->error[0] != '\0' ? d->error : NULL};
		px_store_settle(flow->store, &s, probe_due, link);
		return;
	}
	if (rc == PX_OK && next != 0) { /* what was handed over and what stands behind its head fill pages */
		look_for_head(link, next);
		return;
	}
	if (link->in_flight + link->settling == 0)
		px_operate_probed(link, false, "nothing waits for it, so there is nothing to send");
	px_flow_end(flow);
}

static const char *why_no_probe(const struct link *link, const struct px_conf_partner *partner)
{
	if (partner == NULL)
		return "it is not configured";
	if (partner->mode != PX_MODE_PUSH)
		return "it fetches by itself: nothing is sent to it";
	if (link->paused)
		return "it is paused: resume it first";
	return link->probed != NULL ? "a probe is under way" : NULL;
}

void px_flow_probe(struct px_flow *flow, const char *partner, px_flow_told *told, void *arg)
{
	if (!is_known(flow, partner, told, arg))
		return;
	const struct px_conf_partner *p = px_conf_partner(flow->gen->conf, partner);
	struct link *link = px_flow_obtain_link(flow, partner);
	const char *why = why_no_probe(link, p);
	if (why != NULL) {
		told(arg, PX_EPRECONDITION, why);
		return;
	}
	link->probed = told;
	link->probed_arg = arg;
	px_timer_set(flow->timers, &link->probe_over, p->timeout + PROBE_EXTRA, probe_over, link);
	px_flow_begin(flow);
	look_for_head(link, 0);
}

/* --- retry
 * --------------------------------------------------------------------------------------------------- */

static void all_due(void *arg, int rc)
{
	struct request *r = arg;
	if (rc != PX_OK) {
		store_failed(r, rc);
		return;
	}
	struct link *link = px_flow_obtain_link(r->flow, r->partner);
	px_dispatch_unhold(link);
	px_dispatch_kick(link);
	request_end(r, PX_OK,
		    link->paused ? "all that waits for it is due, but it is paused"
				 : "all that waits for it is due now");
}

void px_flow_retry_partner(struct px_flow *flow, const char *partner, px_flow_told *told, void *arg)
{
	if (!is_known(flow, partner, told, arg))
		return;
	struct request *r = request_new(flow, partner, told, arg);
	px_store_requeue(flow->store, r->partner, px_flow_now(flow), all_due, r);
}

/* --- quarantine
 * ---------------------------------------------------------------------------------------------- */

static void still_damaged(struct request *r)
{
	struct px_buf text = PX_BUF_INIT;
	px_buf_adds(&text,
		    "what waits for it still cannot be read: put it right first, or end it by `cancel");
	if (r->message != 0)
		px_buf_addf(&text, " %" PRIu64, r->message);
	px_buf_adds(&text, "`");
	request_end(r, PX_EPRECONDITION, px_buf_str(&text));
	px_buf_free(&text);
}

static void released(void *arg, int rc)
{
	struct request *r = arg;
	if (rc == PX_OK) {
		px_dispatch_kick_all(r->flow);
		request_end(r, rc, "released");
	} else if (rc == PX_ENOTFOUND) {
		request_end(r, rc, "no such record is in quarantine");
	} else if (rc == PX_ECORRUPT) {
		still_damaged(r);
	} else {
		store_failed(r, rc);
	}
}

static void delivery_found(void *arg, int rc, unsigned n, const struct px_delivery *deliveries, uint64_t next)
{
	struct request *r = arg;
	(void)next;
	r->message = rc == PX_OK && n > 0 && deliveries[0].id == r->delivery ? deliveries[0].message : 0;
	px_store_release(r->flow->store, "deliveries", r->delivery, released, r);
}

/* A damaged record is named by its message, one of a delivery by itself: that it could be cancelled is said
 * with the number of its message. */
void px_flow_release(struct px_flow *flow, const char *table, uint64_t record, px_flow_told *told, void *arg)
{
	struct request *r = request_new(flow, "", told, arg);
	struct px_scan scan = {.from = record, .limit = 1, .ascending = true, .open_only = true};
	r->delivery = r->message = record;
	if (strcmp(table, "deliveries") == 0)
		px_store_scan_deliveries(flow->store, &scan, delivery_found, r);
	else
		px_store_release(flow->store, table, record, released, r);
}
