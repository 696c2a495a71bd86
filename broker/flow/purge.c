/* prinex: what need not be kept any longer is removed, by the clock and the rules in force
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/internal.h"

#include <inttypes.h>

#include "base/log.h"

/* A run begins so often: the shortest time that anything is kept, but within these bounds. */
#define EVERY_MIN 60000
#define EVERY_MAX 3600000

/* Messages that one call to the store looks at, and the pause before the next. */
#define LOOK_AT 2000
#define PAUSE   20

static int64_t every(const struct px_conf *conf)
{
	int64_t shortest = PX_RETENTION_DEFAULT;
	for (unsigned i = 0; i < conf->n_retention; i++)
		shortest = PX_MIN(shortest, conf->retention[i].keep);
	return PX_MAX(EVERY_MIN, PX_MIN(shortest, (int64_t)EVERY_MAX));
}

static void run_ended(struct px_flow *flow, int rc)
{
	const struct px_purge_report *p = &flow->purged;
	flow->purging = false;
	flow->last_purge = px_clock_mono(flow->clock);
	if (rc != PX_OK && rc != PX_ECANCELLED)
		px_warnx("flow", "purge: %s; the next run goes on", px_err_text(rc));
	if (p->messages + p->receipts > 0)
		px_log(PX_LOG_INFO, "flow",
		       "messages=%" PRIu64 " duplicate-keys=%" PRIu64 " octets=%" PRIu64
		       " purged: their retention ended",
		       p->messages, p->receipts, p->octets);
	px_flow_end(flow);
}

static void go_on(void *arg);

static void part_done(void *arg, int rc, const struct px_purge_report *report)
{
	struct px_flow *flow = arg;
	flow->purged.messages += report->messages;
	flow->purged.receipts += report->receipts;
	flow->purged.octets += report->octets;
	flow->purged.next = report->next;
	px_metric_add(flow->metrics, PX_M_PURGED, (double)report->messages, "message", NULL, NULL);
	px_metric_add(flow->metrics, PX_M_PURGED, (double)report->receipts, "duplicate-key", NULL, NULL);
	if (rc != PX_OK || report->next == 0 || flow->draining)
		run_ended(flow, rc);
	else
		px_timer_set(flow->timers, &flow->purge, PAUSE, go_on, flow);
}

/* The rules are those in force at this moment: a legal hold that a reload brings counts from the next part
 * on.
 */
static void go_on(void *arg)
{
	struct px_flow *flow = arg;
	const struct px_conf *conf = flow->gen->conf;
	if (flow->draining || px_steady_is_doubtful(flow)) {
		run_ended(flow, PX_OK);
		return;
	}
	struct px_purge_rule *rules = px_xcalloc(conf->n_retention, sizeof(rules[0]));
	for (unsigned i = 0; i < conf->n_retention; i++)
		rules[i] = (struct px_purge_rule){.type = conf->retention[i].type,
						  .recipient = conf->retention[i].recipient,
						  .keep = conf->retention[i].keep,
						  .hold = conf->retention[i].hold};
	struct px_purge req = {.now = px_flow_now(flow),
			       .n_rules = conf->n_retention,
			       .rules = rules,
			       .keep = PX_RETENTION_DEFAULT,
			       .horizon = conf->limits.horizon,
			       .from = flow->purged.next,
			       .max = LOOK_AT};
	px_store_purge(flow->store, &req, part_done, flow);
	free(rules);
}

void px_purge_tick(struct px_flow *flow)
{
	if (flow->purging || px_steady_is_doubtful(flow) ||
	    px_clock_mono(flow->clock) - flow->last_purge < every(flow->gen->conf))
		return;
	flow->purging = true;
	flow->purged = (struct px_purge_report){0};
	px_flow_begin(flow);
	go_on(flow);
}

void px_purge_start(struct px_flow *flow)
{
	flow->last_purge = px_clock_mono(flow->clock);
}
