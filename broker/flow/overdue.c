/* prinex: deliveries whose time has run out
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/internal.h"

#include <inttypes.h>

/*
 * One page at a time: the next is read when all of this one are settled, so that a store that cannot be
 * written is not given ever more to do. What cannot be ended (its records are damaged) is left behind, and
 * the next page follows. At the end of all pages the sweep begins anew with the next tick.
 *
 * A delivery that was handed over is not given up soon after a start: while this node was down no
 * confirmation could come, and those that wait for us come within the longest pause between attempts.
 */
#define PAGE  64
#define GRACE (20 * 60 * 1000)

struct overdue {
	struct px_flow *flow;
	struct px_delivery delivery;
};

/* A delivery of the page was dealt with, or all of them were begun. */
static void one_less(struct px_flow *flow)
{
	px_assert(flow->ending > 0);
	if (--flow->ending == 0) {
		flow->sweeping = false;
		if (flow->full_page) /* after an outage there may be many */
			px_upkeep_soon(flow);
	}
	px_flow_end(flow);
}

static void one_done(struct overdue *o)
{
	struct px_flow *flow = o->flow;
	free(o);
	one_less(flow);
}

static void ended(void *arg, int rc)
{
	struct overdue *o = arg;
	if (rc == PX_ECORRUPT)
		px_standing_raise(o->flow, PX_ALARM_QUARANTINE, o->delivery.partner,
				  "delivery %" PRIu64
				  " to %s is overdue and cannot be ended: records it needs "
				  "are damaged",
				  o->delivery.id, o->delivery.recipient);
	one_done(o);
}

/* No partner leads to its recipient: it was due the moment it was made, so that its sender is told. */
static void end_absent(struct overdue *o, const struct settle_about *about)
{
	char error[PX_REASON_MAX + 1];
	snprintf(error, sizeof(error), "%s is not connected to this node", o->delivery.recipient);
	struct px_settle s = {
	    .delivery = o->delivery.id,
	    .state = PX_D_REFUSED,
	    .code = px_code_wire(PX_CODE_NOT_CONNECTED),
	    .error = error,
	};
	px_settle(o->flow, about, &s, ended, o);
}

static struct px_settle end_of(const struct px_delivery *d, bool sent)
{
	return (struct px_settle){
	    .delivery = d->id,
	    .state = sent ? PX_D_UNKNOWN : PX_D_EXPIRED,
	    .code = px_code_wire(sent ? PX_CODE_UNKNOWN : PX_CODE_EXPIRED),
	    .error = d->error[0] != '\0' ? d->error : NULL,
	};
}

static void end_it(struct overdue *o, const struct settle_about *about)
{
	if (o->delivery.partner[0] == '\0') {
		end_absent(o, about);
		return;
	}
	struct px_settle s = end_of(&o->delivery, px_sent_maybe(o->flow, &o->delivery));
	px_settle(o->flow, about, &s, ended, o);
}

/* With what would go to its partner by the same post, a hub's, by one transaction: one that stayed would take
 * it along after its sender was told that it has expired. All of them have the same deadline. One that is
 * held, its record being damaged, is not sent, and must not keep the others from ending. */
static void end_post(struct overdue *o, const struct px_message *m)
{
	struct settle_about abouts[PX_RECIPIENTS_MAX];
	struct px_settle settles[PX_RECIPIENTS_MAX];
	bool sent = px_sent_maybe(o->flow, &o->delivery) || px_sent_along(o->flow, m, &o->delivery);
	unsigned n = 0;
	for (unsigned i = 0; i < m->n_deliveries && n < PX_RECIPIENTS_MAX; i++) {
		const struct px_delivery *d = &m->deliveries[i];
		bool is_other = d->id != o->delivery.id;
		if (d->state != PX_D_QUEUED || strcmp(d->partner, o->delivery.partner) != 0 ||
		    (is_other && d->held))
			continue;
		abouts[n] = (struct settle_about){d, &m->header, m->partner, m->digest, m->confirmations};
		settles[n++] = end_of(d, sent);
	}
	if (n > 0)
		px_settle_all(o->flow, n, abouts, settles, ended, o);
	else
		one_done(o); /* ended since the page was read */
}

/* Its message cannot be read, but whom it concerns is kept apart from it. */
static void receipt_read(void *arg, int rc, const struct px_receipt *r)
{
	struct overdue *o = arg;
	struct px_header header = {.n_recipients = 0};
	bool known = rc == PX_OK;
	if (rc != PX_OK && rc != PX_ECORRUPT && rc != PX_ENOTFOUND) {
		one_done(o); /* with a later sweep */
		return;
	}
	px_standing_raise(o->flow, PX_ALARM_QUARANTINE, o->delivery.partner,
			  "delivery %" PRIu64 " to %s ended by age; the record of its message is damaged%s",
			  o->delivery.id, o->delivery.recipient,
			  known ? "" : ", and so is the receipt: its sender cannot be told");
	if (known) {
		px_strlcpy(header.sender, r->sender, sizeof(header.sender));
		px_strlcpy(header.message_id, r->message_id, sizeof(header.message_id));
	}
	struct settle_about about = {&o->delivery, &header, known ? r->partner : "", known ? r->digest : NULL,
				     known && r->confirmations};
	end_it(o, &about);
}

/* A hub gets a message for all of its recipients with one post: how that ends is waited for. */
static bool is_under_way(const struct px_message *m, const struct px_delivery *d)
{
	for (unsigned i = 0; i < m->n_deliveries && d->state == PX_D_QUEUED; i++) {
		if (m->deliveries[i].leased && strcmp(m->deliveries[i].partner, d->partner) == 0)
			return true;
	}
	return false;
}

static void message_read(void *arg, int rc, const struct px_message *m)
{
	struct overdue *o = arg;
	if (rc == PX_ECORRUPT || rc == PX_ENOTFOUND) {
		px_store_receipt(o->flow->store, o->delivery.message, receipt_read, o);
		return;
	}
	if (rc != PX_OK) {
		one_done(o);
		return;
	}
	if (is_under_way(m, &o->delivery)) {
		one_done(o);
		return;
	}
	struct settle_about about = {&o->delivery, &m->header, m->partner, m->digest, m->confirmations};
	if (o->delivery.state == PX_D_QUEUED && o->delivery.partner[0] != '\0')
		end_post(o, m);
	else
		end_it(o, &about);
}

static bool is_spared(const struct px_flow *flow, const struct px_delivery *d)
{
	return d->state == PX_D_HANDED_OVER && px_clock_mono(flow->clock) - flow->started < GRACE;
}

static void swept(void *arg, int rc, unsigned n, const struct px_delivery *deliveries, uint64_t next)
{
	struct px_flow *flow = arg;
	(void)next;
	flow->full_page = rc == PX_OK && n == PAGE;
	if (flow->full_page)
		flow->swept = deliveries[n - 1];
	else
		flow->swept.id = 0;
	flow->ending = 1; /* until all are begun */
	for (unsigned i = 0; rc == PX_OK && i < n; i++) {
		if (is_spared(flow, &deliveries[i]))
			continue;
		struct overdue *o = px_xcalloc(1, sizeof(*o));
		o->flow = flow;
		o->delivery = deliveries[i];
		flow->ending++;
		px_flow_begin(flow);
		px_store_message(flow->store, o->delivery.message, message_read, o);
	}
	one_less(flow);
}

void px_overdue_sweep(struct px_flow *flow)
{
	if (flow->sweeping || px_steady_is_doubtful(flow))
		return;
	flow->sweeping = true;
	px_flow_begin(flow);
	px_store_overdue(flow->store, px_flow_now(flow), flow->swept.id != 0 ? &flow->swept : NULL, PAGE,
			 swept, flow);
}
