/* prinex: simulated town: operators who pause, resume, probe, retry and cancel, at every moment
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "town.h"

#include "flow/operate.h"

/*
 * Each command is answered exactly once, whatever happens to the node meanwhile. When the weather clears they
 * resume whatever is paused, try until they are told that it is so, and say that the clocks are right.
 */
enum what { PAUSE, RESUME, RESUME_FOR_GOOD, PROBE, RETRY_PARTNER, RETRY, CANCEL, BELIEVE_CLOCK };

struct order {
	TAILQ_ENTRY(order) entry;
	enum what what;
	struct node *node;
	char partner[PX_NAME_MAX + 1];
	struct message *message;
	struct px_timer timer; /* RESUME_FOR_GOOD: the next try */
};

static const char *const whats[] = {"pauses",  "resumes", "resumes", "probes",
				    "retries", "retries", "cancels", "believes the clock"};

static void order_free(struct order *o)
{
	px_timer_stop(town->timers, &o->timer);
	TAILQ_REMOVE(&town->orders, o, entry);
	free(o);
}

static void give(void *arg);

/* --- what is told, against what is so
 * -------------------------------------------------------------------------- */

static bool is_paused(const struct order *o)
{
	struct px_link_state link;
	px_flow_link(o->node->flow, o->partner, &link);
	return link.paused;
}

static void resume_told(struct order *o, int rc)
{
	bool good = rc == PX_OK || rc == PX_EPRECONDITION;
	if (good && town->crashing != o->node && is_paused(o))
		count_violation("%s: %s is still paused after resume", o->node->authority, o->partner);
}

static void told(void *arg, int rc, const char *text)
{
	struct order *o = arg;
	town_trace("%s: an operator %s %s%s: %s: %s", o->node->authority, whats[o->what], o->partner,
		   o->message != NULL ? o->message->id : "", px_err_name(rc), text);
	switch (o->what) {
	case PAUSE: count_paused(o->node, o->partner, rc == PX_OK); break;
	case RESUME:
	case RESUME_FOR_GOOD:
		count_paused(o->node, o->partner, false);
		resume_told(o, rc);
		break;
	case CANCEL:
		count_halved(o->node, o->message);
		if (rc == PX_OK)
			count_cancelled(o->node, o->message);
		break;
	default: break;
	}
	if (o->what == RESUME_FOR_GOOD && rc != PX_OK && rc != PX_EPRECONDITION)
		px_timer_set(town->timers, &o->timer, 1000, give, o);
	else
		order_free(o);
}

/* --- giving orders
 * --------------------------------------------------------------------------------------------- */

static void give(void *arg)
{
	struct order *o = arg;
	struct px_flow *flow = o->node->flow;
	struct px_flow_which which = {0};
	if (o->message != NULL) {
		which.sender = o->message->from->authority;
		which.message_id = o->message->id;
	}
	switch (o->what) {
	case PAUSE: px_flow_pause(flow, o->partner, "anna", "", told, o); break;
	case RESUME:
	case RESUME_FOR_GOOD:
		count_paused(o->node, o->partner, false);
		px_flow_resume(flow, o->partner, told, o);
		break;
	case PROBE: px_flow_probe(flow, o->partner, told, o); break;
	case RETRY_PARTNER: px_flow_retry_partner(flow, o->partner, told, o); break;
	case RETRY: px_flow_retry(flow, &which, told, o); break;
	case BELIEVE_CLOCK: px_flow_acknowledge(flow, PX_ALARM_CLOCK, "", "anna", told, o); break;
	case CANCEL:
		px_flow_cancel(flow, &which, town_draw(2) == 0 ? "" : o->message->fates[0].recipient,
			       "lodged in error", "anna", told, o);
		break;
	}
}

static struct order *order_new(enum what what, struct node *n, const char *partner)
{
	struct order *o = px_xcalloc(1, sizeof(*o));
	o->what = what;
	o->node = n;
	px_strlcpy(o->partner, partner, sizeof(o->partner));
	TAILQ_INSERT_TAIL(&town->orders, o, entry);
	return o;
}

static enum what choose(void)
{
	static const struct {
		unsigned below;
		enum what what;
	} odds[] = {{25, PAUSE}, {50, RESUME}, {60, PROBE}, {70, RETRY_PARTNER}, {80, RETRY}, {100, CANCEL}};
	unsigned draw = (unsigned)town_draw(100), i = 0;
	while (draw >= odds[i].below)
		i++;
	return odds[i].what;
}

/* Mostly one that somebody may still wait for. */
static struct message *choose_message(void)
{
	unsigned n = town->n_messages, latest = PX_MIN(n, 12u);
	return &town->messages[town_draw(3) == 0 ? town_draw(n) : n - 1 - town_draw(latest)];
}

static void order_something(void)
{
	struct node *n = town->nodes[town_draw(town->n_nodes)];
	enum what what = choose();
	if (what == RETRY || what == CANCEL) {
		if (town->n_messages == 0)
			return;
		struct message *m = choose_message();
		struct order *o = order_new(what, town_draw(2) == 0 ? m->from->node : n, "");
		o->message = m;
		give(o);
	} else {
		const struct px_conf_partner *p = &n->conf->partners[town_draw(n->conf->n_partners)];
		give(order_new(what, n, p->name));
	}
}

static void next(void *arg)
{
	(void)arg;
	if (town->calm)
		return;
	order_something();
	px_timer_set(town->timers, &town->office, town_between(1000, town->pace->gust), next, NULL);
}

void operators_start(void)
{
	if (town_draw(2) == 0) /* in other towns nobody touches anything */
		px_timer_set(town->timers, &town->office, town_between(1000, town->pace->gust), next, NULL);
}

/* What a clock that was set back holds up goes on when it is right again, or a person says that it is. */
static void believe_clocks(void *arg)
{
	for (unsigned i = 0; i < town->n_nodes; i++)
		give(order_new(BELIEVE_CLOCK, town->nodes[i], ""));
	px_timer_set(town->timers, &town->office, 60000, believe_clocks, arg);
}

void operators_go_home(void)
{
	px_timer_set(town->timers, &town->office, 20000, believe_clocks, NULL);
	for (unsigned i = 0; i < town->n_nodes; i++) {
		struct node *n = town->nodes[i];
		for (unsigned k = 0; k < n->conf->n_partners; k++)
			give(order_new(RESUME_FOR_GOOD, n, n->conf->partners[k].name));
	}
}

bool operators_have_ended(void)
{
	return TAILQ_EMPTY(&town->orders);
}

void operators_free(void)
{
	while (!TAILQ_EMPTY(&town->orders))
		order_free(TAILQ_FIRST(&town->orders));
}
