/* prinex: a wall clock that is set while we work does no harm
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/internal.h"

#include <inttypes.h>

/*
 * Pauses, leases and deadlines of connections run on the steady clock. What is in the store (due times,
 * deadlines, retention) is wall time, and must be. So when the wall clock is set:
 *
 *  - back: retries that were due soon would wait for as long as it was set back. All become due now.
 *  - forward: deliveries would expire and messages be purged that have time left, perhaps because of a clock
 *    that is mended a minute later. For DOUBT nothing ends by its age and nothing is purged; then the clock
 *    is believed, for it may have been wrong before.
 *
 * Either is logged and raises an alarm for that time. Slewing (NTP) is no step.
 *
 * At start there is nothing to compare with but the journal. A clock that stands before its newest entry (a
 * machine whose battery is dead starts in 1970) is wrong, or was: the same as one that was set back. A long
 * pause looks like a clock that is ahead, so that cannot be told.
 *
 * A clock that stands before what it showed already signs times that contradict what was signed before: new
 * messages are answered 503 until it has come to that point. Beyond it, it may still be slow by as much, so
 * nobody is refused for good because of his times, and the alarm stays, until the clock is set right or a
 * person who looked says that it is right (it was ahead before) by acknowledging the alarm. The same holds
 * for times while a step is in doubt.
 */
#define STEP  60000
#define DOUBT (10 * 60 * 1000)
/* Entries: the newest may be of this start, or of one before with the same wrong clock. */
#define LOOK_BACK 16

static int64_t skew_of(const struct px_flow *flow)
{
	return px_clock_wall(flow->clock) - px_clock_mono(flow->clock);
}

static void due_now(struct px_flow *flow)
{
	const struct px_conf *conf = flow->gen->conf;
	for (unsigned i = 0; i < conf->n_partners; i++)
		px_store_requeue(flow->store, conf->partners[i].name, px_flow_now(flow), NULL, NULL);
}

/* It stands a step before the clock that was believed last. */
static bool is_slow(const struct px_flow *flow)
{
	return flow->believed - skew_of(flow) >= STEP;
}

static void stepped(struct px_flow *flow, int64_t by)
{
	char how[64];
	px_duration_format(by < 0 ? -by : by, how, sizeof(how));
	flow->doubt_until = px_clock_mono(flow->clock) + DOUBT;
	px_log(PX_LOG_WARN, "flow", "the clock of this machine was set %s by %s; for %d min nothing expires",
	       by < 0 ? "back" : "forward", how, DOUBT / 60000);
	px_alarm_raise(flow->alarms, PX_ALARM_CLOCK, "", "it was set %s by %s", by < 0 ? "back" : "forward",
		       how);
	if (by < 0) {
		flow->not_before = PX_MAX(flow->not_before, px_clock_mono(flow->clock) + flow->believed);
		due_now(flow);
	}
}

/* The newest entries of the journal, from before this start. */
static void journal_read(void *arg, int rc, unsigned n, const struct px_journal_read *entries, uint64_t next)
{
	struct px_flow *flow = arg;
	char how[64];
	(void)next;
	if (rc == PX_EFATAL)
		px_flow_store_failed(flow, "journal");
	int64_t newest = 0;
	for (unsigned i = 0; rc == PX_OK && i < n; i++)
		newest = PX_MAX(newest, entries[i].entry.at);
	int64_t behind = newest - px_flow_now(flow);
	if (behind >= STEP) {
		px_duration_format(behind, how, sizeof(how));
		flow->not_before = newest;
		flow->believed = newest - px_clock_mono(flow->clock);
		flow->doubt_until = px_clock_mono(flow->clock) + DOUBT;
		px_log(PX_LOG_ERR, "flow",
		       "the clock of this machine stands %s before the newest entry of the journal; no new "
		       "messages are taken until it is set, or somebody acknowledges that it is right",
		       how);
		px_alarm_raise(flow->alarms, PX_ALARM_CLOCK, "",
			       "at start it stood %s before the newest entry of the journal", how);
		due_now(flow);
	}
	px_flow_end(flow);
}

void px_steady_start(struct px_flow *flow)
{
	flow->skew = flow->believed = skew_of(flow);
	px_flow_begin(flow);
	px_store_journal_scan(flow->store, 0, LOOK_BACK, false, journal_read, flow);
}

bool px_steady_is_behind(struct px_flow *flow)
{
	if (skew_of(flow) - flow->skew <= -STEP) /* the next tick will see it */
		return is_slow(flow);
	if (flow->not_before - px_flow_now(flow) < STEP)
		flow->not_before = 0;
	return flow->not_before != 0;
}

bool px_steady_is_unsure(const struct px_flow *flow)
{
	return px_steady_is_doubtful(flow) || is_slow(flow);
}

void px_steady_believe(struct px_flow *flow)
{
	flow->skew = flow->believed = skew_of(flow);
	flow->doubt_until = flow->not_before = 0;
	px_alarm_clear(flow->alarms, PX_ALARM_CLOCK, "");
}

void px_steady_tick(struct px_flow *flow)
{
	int64_t skew = skew_of(flow), by = skew - flow->skew;
	flow->skew = skew;
	if (by >= STEP || by <= -STEP)
		stepped(flow, by);
	else if (flow->doubt_until == 0)
		flow->believed = skew; /* it may be slewed */
	else if (!px_steady_is_unsure(flow))
		px_steady_believe(flow);
}

bool px_steady_is_doubtful(const struct px_flow *flow)
{
	/* A step is seen by the next tick: what comes before that must not act on it. */
	int64_t by = skew_of(flow) - flow->skew;
	return by >= STEP || by <= -STEP || px_clock_mono(flow->clock) < flow->doubt_until;
}
