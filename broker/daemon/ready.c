/* prinex: what the broker says when it has started, and that it lives
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <inttypes.h>

#include "base/log.h"
#include "daemon/broker.h"
#include "daemon/lifeline.h"

/* The supervisor kills a process whose loop stands still. */
static void still_alive(void *arg)
{
	struct broker *b = arg;
	px_life_say(b->life, PX_LIFE_ALIVE, 0);
	px_timer_set(px_loop_timers(b->loop), &b->alive, PX_LIFE_EVERY, still_alive, b);
}

/* One line about what the store held when it was opened. */
void px_broker_say_found(void *arg, int rc, const struct px_store_stats *stats)
{
	(void)arg;
	uint64_t queued = 0, handed_over = 0;
	int64_t oldest = 0;
	char since[80] = "";
	if (rc != PX_OK)
		return;
	for (unsigned i = 0; i < stats->n_partners; i++) {
		const struct px_partner_stats *p = &stats->partners[i];
		queued += p->queued;
		handed_over += p->handed_over;
		if (p->oldest != 0 && (oldest == 0 || p->oldest < oldest))
			oldest = p->oldest;
	}
	if (oldest != 0) {
		char age[48];
		px_duration_format(PX_MAX(px_clock_wall(px_clock_real()) - oldest, 0), age, sizeof(age));
		snprintf(since, sizeof(since), " (the oldest for %s)", age);
	}
	px_log(PX_LOG_NOTICE, "broker",
	       "store opened, epoch %" PRIu64 ": %" PRIu64 " messages, %" PRIu64
	       " deliveries to go on with%s, %" PRIu64 " handed over to brokers, %" PRIu64
	       " confirmations owed, %" PRIu64 " in quarantine, journal at entry %" PRIu64,
	       stats->epoch, stats->messages, queued, since, handed_over, stats->owed, stats->quarantined,
	       stats->journal_entries);
}

static void add_ports(const struct broker *b, struct px_buf *out)
{
	for (unsigned i = 0; px_server_port(b->server, i) != 0; i++)
		px_buf_addf(out, "%s%u", i > 0 ? ", " : "", px_server_port(b->server, i));
}

void px_broker_say_listening(const struct broker *b)
{
	struct px_buf where = PX_BUF_INIT;
	add_ports(b, &where);
	px_log(PX_LOG_NOTICE, "broker",
	       "listening on port %s after %" PRId64 " ms; messages wait until inspectors have started",
	       px_buf_str(&where), px_clock_mono(px_clock_real()) - b->started);
	px_buf_free(&where);
}

void px_broker_say_ready(struct broker *b)
{
	struct px_buf where = PX_BUF_INIT;
	add_ports(b, &where);
	px_log(PX_LOG_NOTICE, "broker",
	       "ready: node %s of %s, environment %s, listening on port %s, started in %" PRId64 " ms",
	       b->gen->conf->node.name, b->gen->conf->node.authority, b->gen->conf->node.environment,
	       px_buf_str(&where), px_clock_mono(px_clock_real()) - b->started);
	px_buf_free(&where);
	px_life_say(b->life, PX_LIFE_READY, 0);
	still_alive(b);
}
