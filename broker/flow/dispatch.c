/* prinex: which delivery goes next, and how a partner's link is doing
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/internal.h"

/*
 * Push partners: as many attempts in flight as the partner's block allows while the link is up. After
 * DOWN_AFTER connection failures in a row the link is down: one attempt at a time, each after a growing
 * pause; the first success brings the whole backlog due at once. Which delivery is next is the store's choice
 * (class, age, one per movement).
 */
#define DOWN_AFTER    3
#define BACKOFF_BASE  5000
#define BACKOFF_MAX   (15 * 60 * 1000)
#define BACKOFF_LEAST 1000
#define STORE_PAUSE   10000

int64_t px_dispatch_backoff(struct px_flow *flow, unsigned attempts)
{
	int64_t top = BACKOFF_BASE;
	for (unsigned i = 0; i < attempts && top < BACKOFF_MAX; i++)
		top *= 2;
	top = PX_MIN(top, BACKOFF_MAX);
	uint64_t r = flow->random(flow->random_arg);
	return BACKOFF_LEAST + (int64_t)(r % (uint64_t)(top - BACKOFF_LEAST));
}

static void retry_now(void *arg)
{
	px_dispatch_kick(arg);
}

static void wake_in(struct link *link, int64_t ms)
{
	int64_t at = px_clock_mono(link->flow->clock) + ms;
	if (px_timer_is_set(&link->retry) && link->retry.at <= at)
		return;
	px_timer_set(link->flow->timers, &link->retry, ms, retry_now, link);
}

void px_dispatch_due(struct link *link, int64_t due)
{
	wake_in(link, PX_MAX(due - px_flow_now(link->flow), 0));
}

static bool one_at_a_time(const struct link *link)
{
	return link->state != PX_LINK_UP || link->strange >= PX_STRANGE_AFTER;
}

/* How many more attempts may start now. */
static unsigned room(struct link *link, const struct px_conf_partner *partner)
{
	int64_t wait = link->hold_until - px_clock_mono(link->flow->clock);
	if (wait > 0) {
		wake_in(link, wait);
		return 0;
	}
	if (one_at_a_time(link))
		return link->in_flight + link->settling == 0 ? 1 : 0;
	/* The partner has nothing of what is being settled; but that must not pile up while the store is
	 * full. */
	unsigned begun = link->in_flight + PX_MAX(link->settling, partner->in_flight) - partner->in_flight;
	return begun < partner->in_flight ? partner->in_flight - begun : 0;
}

bool px_dispatch_lease_failed(struct link *link, int rc)
{
	link->lease_rc = rc;
	if (rc == PX_OK)
		return false;
	px_flow_note_store(link->flow, rc, "looking for what is to be sent", link->name);
	if (rc != PX_EFATAL && rc != PX_ECANCELLED)
		wake_in(link, STORE_PAUSE);
	return true;
}

static void leased(void *arg, int rc, unsigned n, const struct px_lease *leases)
{
	struct link *link = arg;
	struct px_flow *flow = link->flow;
	bool failed = px_dispatch_lease_failed(link, rc);
	link->more = failed || n == link->asked;
	const struct px_conf_partner *partner = px_conf_partner(flow->gen->conf, link->name);
	for (unsigned i = 0; i < n; i++) {
		if (px_settle_if_overdue(flow, &leases[i]))
			continue;
		if (link->paused) /* meanwhile */
			px_lease_give_back(flow, &leases[i], false, NULL);
		else
			px_deliver_start(link, partner, &leases[i]);
	}
	link->leasing = false; /* only now is it known how much room is left */
	bool again = link->again;
	link->again = false;
	px_flow_end(flow);
	if (failed)
		px_operate_probed(link, false, "the store failed");
	else if (n == 0 && link->in_flight + link->settling == 0 && link->probe_due && !again)
		px_operate_probed(link, false, "nothing that waits for it can be sent now");
	if (!failed && (again || link->more))
		px_dispatch_kick(link);
}

void px_dispatch_kick(struct link *link)
{
	struct px_flow *flow = link->flow;
	if (link->leasing) {
		link->again = true;
		return;
	}
	const struct px_conf_partner *partner = px_conf_partner(flow->gen->conf, link->name);
	if (partner == NULL || flow->draining || !flow->ready || link->paused)
		return;
	if (partner->mode == PX_MODE_PULL) {
		px_inbox_serve(link);
		return;
	}
	unsigned n = partner->mode == PX_MODE_PUSH ? room(link, partner) : 0;
	if (n == 0) {
		link->more = true;
		return;
	}
	if (link->state == PX_LINK_DOWN)
		link->state = PX_LINK_PROBING;
	link->leasing = true;
	link->leases++;
	link->asked = n;
	px_flow_begin(flow);
	px_store_lease(flow->store, link->name, n, px_flow_now(flow), leased, link);
}

void px_dispatch_kick_name(struct px_flow *flow, const char *partner)
{
	px_dispatch_kick(px_flow_obtain_link(flow, partner));
}

void px_dispatch_kick_all(struct px_flow *flow)
{
	const struct px_conf *conf = flow->gen->conf;
	for (unsigned i = 0; i < conf->n_partners; i++) {
		if (conf->partners[i].mode != PX_MODE_NONE)
			px_dispatch_kick_name(flow, conf->partners[i].name);
	}
}

static void requeued(void *arg, int rc)
{
	struct link *link = arg;
	px_flow_end(link->flow);
	if (rc == PX_OK)
		px_dispatch_kick(link);
}

void px_dispatch_succeeded(struct link *link)
{
	struct px_flow *flow = link->flow;
	bool was_held = one_at_a_time(link);
	link->failures = 0;
	link->strange = 0;
	link->hold_until = 0;
	link->state = PX_LINK_UP;
	link->last_success = px_flow_now(flow);
	px_alarm_clear(flow->alarms, PX_ALARM_PARTNER_DOWN, link->name);
	px_alarm_clear(flow->alarms, PX_ALARM_PARTNER_MISBEHAVES, link->name);
	px_operate_probed(link, true, "it answered");
	if (!was_held)
		return;
	px_log(PX_LOG_NOTICE, "deliver", "partner=%s answers again, its whole backlog is due now",
	       link->name);
	px_flow_begin(flow);
	px_store_requeue(flow->store, link->name, px_flow_now(flow), requeued, link);
}

static void note_failure(struct link *link, const char *reason)
{
	link->last_failure = px_flow_now(link->flow);
	px_str_shorten(link->last_error, reason, sizeof(link->last_error));
	px_operate_probed(link, false, reason);
}

static void hold_for(struct link *link, int64_t retry_after)
{
	if (retry_after > 0)
		link->hold_until = px_clock_mono(link->flow->clock) + PX_MIN(retry_after, BACKOFF_MAX);
}

void px_dispatch_busy(struct link *link, const char *reason, int64_t retry_after)
{
	note_failure(link, reason);
	hold_for(link, retry_after);
}

void px_dispatch_unhold(struct link *link)
{
	link->hold_until = 0;
}

void px_dispatch_failed(struct link *link, const char *reason, int64_t retry_after)
{
	struct px_flow *flow = link->flow;
	note_failure(link, reason);
	hold_for(link, retry_after);
	/* Attempts that were in flight together fail together: one outage, which must not lengthen the pause
	 * as so many failed probes would. */
	if (link->state == PX_LINK_DOWN)
		return;
	link->failures++;
	if (link->failures < DOWN_AFTER)
		return;
	int64_t pause = px_dispatch_backoff(flow, link->failures - DOWN_AFTER);
	link->hold_until = PX_MAX(link->hold_until, px_clock_mono(flow->clock) + pause);
	if (link->state == PX_LINK_UP) {
		px_log(PX_LOG_WARN, "deliver", "partner=%s is down after %u failures: %s", link->name,
		       link->failures, reason);
		px_alarm_raise(flow->alarms, PX_ALARM_PARTNER_DOWN, link->name, "%s", reason);
	}
	link->state = PX_LINK_DOWN;
	wake_in(link, PX_MAX(link->hold_until - px_clock_mono(flow->clock), 0));
}

/* One message alone, or two, say more about themselves than about the partner. Once it is held, each that is
 * not the last one again lengthens the pause. */
static bool is_strange_again(const struct link *link, uint64_t message)
{
	if (link->strange >= PX_STRANGE_AFTER)
		return message == link->last_strange;
	for (unsigned i = 0; i < link->strange; i++) {
		if (link->strange_about[i] == message)
			return true;
	}
	return false;
}

void px_dispatch_strange(struct link *link, uint64_t message, const char *reason)
{
	struct px_flow *flow = link->flow;
	note_failure(link, reason);
	px_alarm_raise(flow->alarms, PX_ALARM_PARTNER_MISBEHAVES, link->name, "%s", reason);
	if (!is_strange_again(link, message)) {
		if (link->strange < PX_STRANGE_AFTER)
			link->strange_about[link->strange] = message;
		link->strange++;
	}
	link->last_strange = message;
	if (link->strange >= PX_STRANGE_AFTER)
		link->hold_until = px_clock_mono(flow->clock) +
				   px_dispatch_backoff(flow, link->strange - PX_STRANGE_AFTER);
}
