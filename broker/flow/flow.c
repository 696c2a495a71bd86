/* prinex: flow as a whole: start, generations, drain
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/internal.h"

/* So long after the last failure it is believed that the store works. */
#define TROUBLE_OVER (10 * 60 * 1000)

struct px_flow *px_flow_new(const struct px_flow_setup *setup)
{
	struct px_flow *flow = px_xcalloc(1, sizeof(*flow));
	flow->store = setup->store;
	flow->timers = setup->timers;
	flow->clock = px_timers_clock(setup->timers);
	flow->metrics = setup->metrics;
	flow->alarms = setup->alarms;
	flow->gen = px_generation_ref(setup->generation);
	flow->random = setup->random;
	flow->random_arg = setup->random_arg;
	flow->fatal = setup->fatal;
	flow->fatal_arg = setup->fatal_arg;
	flow->next_ticket = 1;
	flow->started = px_clock_mono(flow->clock);
	px_upkeep_start(flow);
	px_owed_start(flow);
	px_standing_start(flow); /* then the first deliveries go */
	return flow;
}

void px_flow_set_generation(struct px_flow *flow, struct px_generation *gen)
{
	struct px_generation *old = flow->gen;
	flow->gen = px_generation_ref(gen);
	px_generation_unref(&old);
	px_dispatch_kick_all(flow);
}

struct px_generation *px_flow_generation(struct px_flow *flow)
{
	return flow->gen;
}

void px_flow_set_trusted(struct px_flow *flow, bool (*trusted)(void *arg))
{
	flow->trusted = trusted;
}

bool px_flow_is_trusted(const struct px_flow *flow, void *arg)
{
	return flow->trusted == NULL || flow->trusted(arg);
}

void px_flow_begin(struct px_flow *flow)
{
	flow->busy++;
}

void px_flow_end(struct px_flow *flow)
{
	px_assert(flow->busy > 0);
	flow->busy--;
	if (flow->busy == 0 && flow->draining && flow->drained != NULL) {
		if (px_sent_stop(flow))
			return; /* comes here again */
		void (*done)(void *arg) = flow->drained;
		flow->drained = NULL;
		done(flow->drained_arg);
	}
}

void px_flow_drain(struct px_flow *flow, void (*done)(void *arg), void *arg)
{
	flow->draining = true;
	flow->drained = done;
	flow->drained_arg = arg;
	for (struct link *l = flow->links; l != NULL; l = l->hh.next) {
		px_operate_probed(l, false, "the node is stopping");
		px_operate_end_pause(l);
		px_inbox_serve(l); /* answers parked polls with 204 */
	}
	/* Goes through begin/end so that an idle flow is drained at once. */
	px_flow_begin(flow);
	px_flow_end(flow);
}

void px_flow_close(struct px_flow *flow, bool closed)
{
	flow->closed = closed;
	if (closed)
		px_alarm_raise(flow->alarms, PX_ALARM_CLOSED, "",
			       "new messages are answered 503 until `prinexctl drain --off` or a restart");
	else
		px_alarm_clear(flow->alarms, PX_ALARM_CLOSED, "");
}

bool px_flow_is_closed(const struct px_flow *flow)
{
	return flow->closed;
}

bool px_flow_is_draining(const struct px_flow *flow)
{
	return flow->draining;
}

void px_flow_free(struct px_flow **flow)
{
	struct px_flow *f = *flow;
	if (f == NULL)
		return;
	f->draining = true;
	f->drained = NULL;
	px_settle_cancel_waiting(f);
	px_timer_stop(f->timers, &f->gather);
	px_timer_stop(f->timers, &f->upkeep);
	px_timer_stop(f->timers, &f->purge);
	px_timer_stop(f->timers, &f->trouble);
	px_standing_free(f);
	struct link *l = f->links;
	HASH_CLEAR(hh, f->links); /* frees the table; the items stay chained */
	while (l != NULL) {
		struct link *next = l->hh.next;
		px_timer_stop(f->timers, &l->retry);
		px_operate_probed(l, false, "the node is stopping");
		px_timer_stop(f->timers, &l->probe_over);
		px_inbox_free(l);
		free(l);
		l = next;
	}
	px_watch_forget(f);
	px_generation_unref(&f->gen);
	PX_FREE(*flow);
}

struct link *px_flow_find_link(struct px_flow *flow, const char *partner)
{
	struct link *l = NULL;
	HASH_FIND_STR(flow->links, partner, l);
	return l;
}

struct link *px_flow_obtain_link(struct px_flow *flow, const char *partner)
{
	struct link *l = px_flow_find_link(flow, partner);
	if (l != NULL)
		return l;
	l = px_xcalloc(1, sizeof(*l));
	px_strlcpy(l->name, partner, sizeof(l->name));
	l->flow = flow;
	TAILQ_INIT(&l->waiters);
	TAILQ_INIT(&l->fetched);
	HASH_ADD_STR(flow->links, name, l);
	return l;
}

int64_t px_flow_now(const struct px_flow *flow)
{
	return px_clock_wall(flow->clock);
}

void px_flow_fresh_id(struct px_flow *flow, char out[PX_MESSAGE_ID_MAX + 1])
{
	px_confirm_id(out, px_flow_now(flow), flow->random(flow->random_arg));
}

const uint8_t *px_flow_checkpoint(const struct px_flow *flow)
{
	return flow->has_checkpoint ? flow->checkpoint : NULL;
}

void px_flow_note_room(struct px_flow *flow, int rc)
{
	if (rc == PX_EFULL)
		px_alarm_raise(flow->alarms, PX_ALARM_DISK, "",
			       "the store took no new message, or no entry about a question: %s",
			       px_err_text(rc));
	else if (rc == PX_OK)
		px_alarm_clear(flow->alarms, PX_ALARM_DISK, "");
}

void px_flow_store_failed(struct px_flow *flow, const char *what)
{
	px_log(PX_LOG_ERR, "store",
	       "%s: the store cannot be written any more; the broker process ends and is started anew", what);
	if (flow->fatal != NULL)
		flow->fatal(flow->fatal_arg, what);
}

static void trouble_over(void *arg)
{
	struct px_flow *flow = arg;
	px_alarm_clear(flow->alarms, PX_ALARM_STORE, "");
}

void px_flow_note_store(struct px_flow *flow, int rc, const char *what, const char *partner)
{
	if (rc == PX_EFATAL)
		px_flow_store_failed(flow, what);
	if (rc != PX_ECORRUPT && rc != PX_EFULL)
		return;
	px_alarm_raise(flow->alarms, PX_ALARM_STORE, "", "%s, partner %s: %s", what, partner,
		       px_err_text(rc));
	px_timer_set(flow->timers, &flow->trouble, TROUBLE_OVER, trouble_over, flow);
}

void px_flow_link(struct px_flow *flow, const char *partner, struct px_link_state *out)
{
	const struct link *l = px_flow_find_link(flow, partner);
	*out = (struct px_link_state){.last_error = "", .paused_by = "", .paused_why = "", .store_error = ""};
	if (l == NULL)
		return;
	out->link = l->state;
	out->in_flight = l->in_flight;
	out->failures = l->failures;
	out->last_success = l->last_success;
	out->last_failure = l->last_failure;
	out->last_error = l->last_error;
	out->waiters = px_inbox_waiters(l);
	out->leases = px_inbox_fetched(l);
	out->paused = l->paused;
	out->paused_since = l->paused_since;
	out->paused_by = l->paused_by;
	out->paused_why = l->paused_why;
	out->store_error = l->lease_rc != PX_OK ? px_err_text(l->lease_rc) : "";
	out->held = PX_MAX(l->hold_until - px_clock_mono(flow->clock), 0);
}
