/* prinex: what may have been sent although the store does not say so
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/internal.h"

#include <inttypes.h>

#include "store/marks.h"

/*
 * That a whole body went out is written when its attempt ends. A process that is killed before leaves no
 * trace of it, and "expired" tells the sender that nothing was ever sent. So after a start that no clean stop
 * came before, what could have been under way then counts as sent: what was there, was due, and has not been
 * settled since. A clean stop leaves a mark, which says how sure the process itself was: number is
 * unsure_until, text is unsure_ids.
 *
 * Due times are wall times: a clock that was set back a little meanwhile is allowed for.
 */
#define MARK  "stopped/clean"
#define SLACK (5 * 60 * 1000)
#define AGAIN 1000

static void ready(struct px_flow *flow)
{
	flow->ready = true;
	px_dispatch_kick_all(flow);
}

static void forget_mark(void *arg);

static void mark_forgotten(void *arg, int rc)
{
	struct px_flow *flow = arg;
	if (rc == PX_EFATAL)
		px_flow_store_failed(flow, "marks");
	if (rc == PX_OK || rc == PX_ENOTFOUND)
		ready(flow);
	else if (rc != PX_ECANCELLED)
		px_timer_set(flow->timers, &flow->marks_again, AGAIN, forget_mark, flow);
	px_flow_end(flow);
}

/* Before anything is sent. */
static void forget_mark(void *arg)
{
	struct px_flow *flow = arg;
	px_flow_begin(flow);
	px_store_unmark(flow->store, MARK, mark_forgotten, flow);
}

void px_sent_start(struct px_flow *flow, const struct px_mark *marks, unsigned n)
{
	flow->unsure_until = px_flow_now(flow) + SLACK;
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(marks[i].name, MARK) == 0) {
			flow->unsure_until = (int64_t)marks[i].number;
			flow->unsure_ids = strtoull(marks[i].text, NULL, 10);
			forget_mark(flow);
			return;
		}
	}
	ready(flow);
}

static void mark_kept(void *arg, int rc)
{
	(void)rc; /* without it the next process is not sure, no more */
	px_flow_end(arg);
}

bool px_sent_stop(struct px_flow *flow)
{
	struct px_mark mark = {.name = MARK, .number = (uint64_t)flow->unsure_until};
	snprintf(mark.text, sizeof(mark.text), "%" PRIu64, flow->unsure_ids);
	switch (flow->stopping++) {
	case 0: /* what pollers have and did not confirm is settled as sent */
		px_flow_begin(flow);
		for (struct link *l = flow->links; l != NULL; l = l->hh.next)
			px_inbox_give_back(l);
		px_flow_end(flow);
		return true;
	case 1:
		if (!flow->ready)
			return false;
		px_flow_begin(flow);
		px_store_mark(flow->store, &mark, mark_kept, flow);
		return true;
	default: return false;
	}
}

void px_sent_accepted(struct px_flow *flow, const struct px_accept_result *r)
{
	if (flow->unsure_ids == 0 && r->n_deliveries > 0)
		flow->unsure_ids = r->delivery_ids[0];
}

bool px_sent_maybe(const struct px_flow *flow, const struct px_delivery *d)
{
	bool is_old = flow->unsure_ids == 0 || d->id < flow->unsure_ids;
	return d->body_sent || d->state == PX_D_HANDED_OVER || (is_old && d->due < flow->unsure_until);
}

bool px_sent_along(const struct px_flow *flow, const struct px_message *m, const struct px_delivery *d)
{
	for (unsigned i = 0; i < m->n_deliveries; i++) {
		const struct px_delivery *other = &m->deliveries[i];
		bool ended_by_answer = other->state == PX_D_DELIVERED || other->state == PX_D_REFUSED;
		if (other->id != d->id && strcmp(other->partner, d->partner) == 0 &&
		    (ended_by_answer || other->leased || px_sent_maybe(flow, other)))
			return true;
	}
	return false;
}
