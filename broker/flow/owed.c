/* prinex: confirmations on their way back: gathered into exchanges of this node
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/internal.h"

/*
 * Settling wrote them into the store; here they are gathered per (partner, RefSender) for up to a second, 100
 * entries or 1 MiB, put into one sealed exchange, and accepted like any message in the transaction that
 * deletes them. Nothing is kept in memory: after a restart the scan finds them again. One group at a time.
 */
#define GROUPS      16
#define RETRY_PAUSE 1000

struct gathering {
	struct px_flow *flow;
	struct px_generation *gen;
	struct px_owed_group groups[GROUPS]; /* oldest first */
	unsigned n_groups, at;
	struct px_owed_group group; /* the one at hand */
	struct px_header header;
	unsigned n;
	uint64_t ids[PX_ENTRIES_MAX];
	struct px_buf doc;
	struct px_body *body;
};

static void gather(void *arg);

static void gather_in(struct px_flow *flow, int64_t ms)
{
	if (!px_timer_is_set(&flow->gather))
		px_timer_set(flow->timers, &flow->gather, ms, gather, flow);
}

static void gathering_end(struct gathering *g, int64_t next)
{
	struct px_flow *flow = g->flow;
	px_buf_free(&g->doc);
	px_body_unref(&g->body);
	px_generation_unref(&g->gen);
	free(g);
	flow->gathering = false;
	if (next >= 0)
		gather_in(flow, next);
	px_flow_end(flow);
}

static void stored(void *arg, const struct px_accept_result *r)
{
	struct gathering *g = arg;
	struct px_flow *flow = g->flow;
	if (r->rc == PX_OK) {
		px_sent_accepted(flow, r);
		px_log(PX_LOG_INFO, "owed", "msg=%s/%s partner=%s recipient=%s confirmations=%u on their way",
		       g->header.sender, g->header.message_id, g->group.partner, g->group.ref_sender, g->n);
		gathering_end(g, 0); /* more may wait */
		return;
	}
	px_flow_note_store(flow, r->rc, "accepting confirmations", g->group.partner);
	/* Nothing is lost: they are still there (or, after an unknown outcome that happened, they are gone).
	 */
	gathering_end(g, RETRY_PAUSE);
}

static void sealed(void *arg, struct px_buf *doc)
{
	struct gathering *g = arg;
	if (doc == NULL) {
		gathering_end(g, RETRY_PAUSE);
		return;
	}
	size_t len;
	uint8_t *data = px_buf_detach(doc, &len);
	g->body = px_body_new(&data, len, NULL);
	const struct px_conf *conf = g->gen->conf;
	const struct px_conf_partner *partner = px_conf_partner(conf, g->group.partner);
	struct px_new_delivery delivery = {
	    .deadline = px_flow_now(g->flow) +
			(partner != NULL ? partner->maximum_age : (int64_t)72 * 3600 * 1000)};
	px_strlcpy(delivery.recipient, g->group.ref_sender, sizeof(delivery.recipient));
	px_strlcpy(delivery.partner, g->group.partner, sizeof(delivery.partner));
	struct px_accept req = {
	    .header = g->header,
	    .body = g->body,
	    .prio = PX_PRIO_A,
	    .confirmations = true,
	    .horizon_end = g->header.created_at + conf->limits.horizon + 86400000,
	    .n_deliveries = 1,
	    .deliveries = &delivery,
	    .n_consume = g->n,
	    .consume = g->ids,
	};
	px_store_accept(g->flow->store, &req, stored, g);
	px_dispatch_kick_name(g->flow, g->group.partner); /* right behind it: one commit does for both */
}

static void write_header(struct gathering *g)
{
	struct px_flow *flow = g->flow;
	int64_t now = px_flow_now(flow);
	struct px_header *h = &g->header;
	*h = (struct px_header){.n_recipients = 1, .created_at = now};
	px_flow_fresh_id(flow, h->message_id);
	px_strlcpy(h->environment, g->gen->conf->node.environment, sizeof(h->environment));
	px_strlcpy(h->sender, g->gen->conf->node.authority, sizeof(h->sender));
	px_strlcpy(h->recipients[0], g->group.ref_sender, sizeof(h->recipients[0]));
	px_strlcpy(h->type, "Confirmations", sizeof(h->type));
}

static void collected(void *arg, int rc, unsigned n, const struct px_owed *owed);

static void next_group(struct gathering *g)
{
	if (g->at == g->n_groups) {
		gathering_end(g, -1);
		return;
	}
	g->group = g->groups[g->at++];
	px_store_owed(g->flow->store, g->group.partner, g->group.ref_sender, PX_ENTRIES_MAX,
		      (uint64_t)PX_LIMIT_GATHER_OCTETS, collected, g);
}

static void collected(void *arg, int rc, unsigned n, const struct px_owed *owed)
{
	struct gathering *g = arg;
	if (rc != PX_OK) {
		gathering_end(g, RETRY_PAUSE);
		return;
	}
	if (n == 0) { /* nothing in it can be read: it must not hold up the others */
		px_warnx("owed", "partner=%s recipient=%s confirmations cannot be read: run prinexctl verify",
			 g->group.partner, g->group.ref_sender);
		px_standing_raise(g->flow, PX_ALARM_QUARANTINE, "owed", "confirmations for %s cannot be read",
				  g->group.ref_sender);
		next_group(g);
		return;
	}
	struct px_buf entries[PX_ENTRIES_MAX];
	g->n = PX_MIN(n, (unsigned)PX_ENTRIES_MAX);
	for (unsigned i = 0; i < g->n; i++) {
		entries[i] = (struct px_buf)PX_BUF_INIT;
		px_buf_add(&entries[i], owed[i].data, owed[i].len);
		g->ids[i] = owed[i].id;
	}
	write_header(g);
	px_confirm_exchange(&g->doc, &g->header, entries, g->n);
	for (unsigned i = 0; i < g->n; i++)
		px_buf_free(&entries[i]);
	g->gen->sealer->seal(g->gen->sealer, &g->doc, sealed, g);
}

static void grouped(void *arg, int rc, unsigned n, const struct px_owed_group *groups)
{
	struct gathering *g = arg;
	if (rc != PX_OK || n == 0) {
		gathering_end(g, rc == PX_OK ? -1 : RETRY_PAUSE);
		return;
	}
	g->n_groups = PX_MIN(n, (unsigned)GROUPS);
	memcpy(g->groups, groups, g->n_groups * sizeof(*groups));
	next_group(g);
}

static void gather(void *arg)
{
	struct px_flow *flow = arg;
	if (flow->gathering)
		return; /* its end looks again */
	struct gathering *g = px_xcalloc(1, sizeof(*g));
	g->flow = flow;
	g->gen = px_generation_ref(flow->gen);
	flow->gathering = true;
	px_flow_begin(flow);
	px_store_owed_groups(flow->store, GROUPS, grouped, g);
}

void px_owed_written(struct px_flow *flow)
{
	gather_in(flow, PX_LIMIT_GATHER_MS);
}

void px_owed_start(struct px_flow *flow)
{
	gather_in(flow, 0);
}
