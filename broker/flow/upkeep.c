/* prinex: what happens by the clock: checkpoints, figures, a look for forgotten work
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/internal.h"

#include <inttypes.h>

#define TICK             1000
#define SOON             20
#define POLL_EVERY       10000
#define STATS_EVERY      5000
#define CHECKPOINT_EVERY 60000
#define CHECKPOINT_AFTER 10000 /* entries */

/* --- checkpoints
 * --------------------------------------------------------------------------------------------- */

struct checkpoint {
	struct px_flow *flow;
	uint64_t seq;
	uint8_t hash[PX_DIGEST_LEN];
};

static void checkpoint_end(struct checkpoint *c)
{
	struct px_flow *flow = c->flow;
	flow->checkpointing = false;
	free(c);
	px_flow_end(flow);
}

static void checkpoint_kept(void *arg, int rc)
{
	struct checkpoint *c = arg;
	if (rc == PX_OK) {
		memcpy(c->flow->checkpoint, c->hash, PX_DIGEST_LEN);
		c->flow->has_checkpoint = true;
	}
	checkpoint_end(c);
}

static void checkpoint_signed(void *arg, const uint8_t *signature, size_t len)
{
	struct checkpoint *c = arg;
	if (signature == NULL)
		checkpoint_end(c);
	else
		px_store_checkpoint(c->flow->store, c->seq, signature, len, checkpoint_kept, c);
}

static void make_checkpoint(struct px_flow *flow, const struct px_store_stats *stats)
{
	struct checkpoint *c = px_xcalloc(1, sizeof(*c));
	c->flow = flow;
	c->seq = stats->journal_entries;
	memcpy(c->hash, stats->journal_head, PX_DIGEST_LEN);
	flow->checkpointing = true;
	flow->last_checkpoint = px_clock_mono(flow->clock);
	px_flow_begin(flow);
	flow->gen->sealer->sign(flow->gen->sealer, c->hash, PX_DIGEST_LEN, checkpoint_signed, c);
}

/* --- figures
 * ------------------------------------------------------------------------------------------------- */

static void show_partners(struct px_flow *flow, const struct px_store_stats *stats)
{
	int64_t now = px_flow_now(flow);
	px_metric_clear(flow->metrics, PX_M_BACKLOG);
	px_metric_clear(flow->metrics, PX_M_OLDEST);
	for (unsigned i = 0; i < stats->n_partners; i++) {
		const struct px_partner_stats *p = &stats->partners[i];
		if (p->partner[0] == '\0')
			continue; /* recipients that are not connected: they end at once */
		px_metric_set(flow->metrics, PX_M_BACKLOG, (double)(p->queued + p->handed_over), p->partner,
			      NULL, NULL);
		double age = p->oldest != 0 ? (double)(now - p->oldest) / 1000.0 : 0;
		px_metric_set(flow->metrics, PX_M_OLDEST, age, p->partner, NULL, NULL);
		bool gone = p->queued > 0 && px_conf_partner(flow->gen->conf, p->partner) == NULL;
		if (gone)
			px_alarm_raise(flow->alarms, PX_ALARM_PARTNER_GONE, p->partner,
				       "%" PRIu64 " deliveries are held: the partner is not configured",
				       p->queued);
		else
			px_alarm_clear(flow->alarms, PX_ALARM_PARTNER_GONE, p->partner);
	}
}

/* Alarms that follow from what the store counts. */
static void show_counts(struct px_flow *flow, const struct px_store_stats *stats)
{
	if (!flow->ready)
		return;
	px_standing_count(flow, PX_ALARM_QUARANTINE, "store", stats->quarantined, stats->quarantined,
			  "damaged records set aside: quarantine lists them");
	for (unsigned i = 0; i < stats->n_partners; i++)
		px_standing_count(flow, PX_ALARM_DELIVERY_UNKNOWN, stats->partners[i].partner,
				  stats->partners[i].unknown, stats->partners[i].ever_unknown,
				  "deliveries were sent but never confirmed");
}

static void show_stats(void *arg, int rc, const struct px_store_stats *stats)
{
	struct px_flow *flow = arg;
	flow->stating = false;
	if (rc == PX_OK) {
		show_partners(flow, stats);
		show_counts(flow, stats);
		px_metric_set(flow->metrics, PX_M_STORE_BYTES, (double)stats->bytes_used, NULL, NULL, NULL);
		px_metric_set(flow->metrics, PX_M_STORE_OLDEST_READER, (double)stats->oldest_reader, NULL,
			      NULL, NULL);
		px_metric_set(flow->metrics, PX_M_STORE_COMMITS, (double)stats->commits, NULL, NULL, NULL);
		px_metric_set(flow->metrics, PX_M_STORE_OPERATIONS, (double)stats->operations, NULL, NULL,
			      NULL);
		px_metric_set(flow->metrics, PX_M_STORE_MESSAGES, (double)stats->messages, NULL, NULL, NULL);
		px_metric_set(flow->metrics, PX_M_JOURNAL_ENTRIES, (double)stats->journal_entries, NULL, NULL,
			      NULL);
		if (!flow->has_checkpoint && stats->checkpoint_seq > 0) { /* from before a restart */
			memcpy(flow->checkpoint, stats->checkpoint, PX_DIGEST_LEN);
			flow->has_checkpoint = true;
		}
		uint64_t fresh = stats->journal_entries - stats->checkpoint_seq;
		bool due = px_clock_mono(flow->clock) - flow->last_checkpoint >= CHECKPOINT_EVERY;
		if (!flow->checkpointing && fresh > 0 && (due || fresh >= CHECKPOINT_AFTER))
			make_checkpoint(flow, stats);
	}
	px_flow_end(flow);
}

static void look_at_stats(struct px_flow *flow)
{
	if (flow->stating)
		return;
	flow->stating = true;
	flow->last_stats = px_clock_mono(flow->clock);
	px_flow_begin(flow);
	px_store_stats(flow->store, show_stats, flow);
}

static void tick(void *arg)
{
	struct px_flow *flow = arg;
	int64_t now = px_clock_mono(flow->clock);
	px_timer_set(flow->timers, &flow->upkeep, TICK, tick, flow);
	if (flow->draining)
		return;
	px_steady_tick(flow);
	px_overdue_sweep(flow);
	px_purge_tick(flow);
	px_watch_tick(flow);
	if (now - flow->last_stats >= STATS_EVERY)
		look_at_stats(flow);
	if (now - flow->last_poll >= POLL_EVERY) { /* heads whose retry was set before a restart */
		flow->last_poll = now;
		px_dispatch_kick_all(flow);
	}
}

void px_upkeep_soon(struct px_flow *flow)
{
	px_timer_set(flow->timers, &flow->upkeep, SOON, tick, flow);
}

void px_upkeep_start(struct px_flow *flow)
{
	flow->last_poll = flow->last_stats = px_clock_mono(flow->clock);
	px_steady_start(flow);
	px_purge_start(flow);
	flow->last_checkpoint = flow->last_stats - CHECKPOINT_EVERY; /* the first stats sign what is there */
	px_timer_set(flow->timers, &flow->upkeep, TICK, tick, flow);
}
