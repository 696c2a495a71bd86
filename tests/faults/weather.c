/* prinex: simulated town: crashes, reloads, outages, full disks, clock steps
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "town.h"

static void start_anew(struct node *n)
{
	struct stopping *s = &town->stops[town_index(n)];
	px_timer_stop(town->timers, &s->timer);
	s->is = false;
	town->crashing = n;
	calls_before_crash(n);
	ports_crash(n);
	world_crash(n);
	calls_after_crash(n);
	count_crashed(n);
	town->crashing = NULL;
}

void weather_crash(struct node *n)
{
	town_trace("%s crashes", n->authority);
	town->crashes++;
	start_anew(n);
}

/* --- a clean stop
 * ----------------------------------------------------------------------------------------------- */

static void stop_over(void *arg)
{
	struct stopping *s = arg;
	start_anew(s->node);
}

static void drained(void *arg)
{
	struct stopping *s = arg;
	town_trace("%s has stopped", s->node->authority);
	px_timer_set(town->timers, &s->timer, 0, stop_over, s);
}

/* What has not ended within the limit ends as in a crash. */
static void stop(struct node *n)
{
	struct stopping *s = &town->stops[town_index(n)];
	if (s->is)
		return;
	town_trace("%s stops", n->authority);
	s->is = true;
	s->node = n;
	px_timer_set(town->timers, &s->timer, 10000, stop_over, s);
	px_flow_drain(n->flow, drained, s);
}

/* --- strikes
 * ---------------------------------------------------------------------------------------------------- */

static void generation_destroy(struct px_generation *gen)
{
	free(gen);
}

/* The same configuration as a new generation: what is under way keeps the old one. */
static void reload(struct node *n)
{
	town_trace("%s reloads", n->authority);
	struct px_generation *gen = px_xcalloc(1, sizeof(*gen));
	*gen = *n->gen;
	gen->refs = 1;
	gen->id++;
	gen->destroy = generation_destroy;
	px_flow_set_generation(n->flow, gen);
	px_generation_unref(&n->gen);
	n->gen = gen;
}

static void trouble_store(struct node *n)
{
	struct px_store_sim_faults faults = {.busy_per_mille = (unsigned)town_draw(2) * 100,
					     .full_per_mille = (unsigned)town_draw(2) * 150,
					     .unknown_per_mille = (unsigned)town_draw(2) * 150,
					     .delay_max = (unsigned)town_draw(20)};
	town_trace("%s: store busy %u full %u unknown %u delay %u", n->authority, faults.busy_per_mille,
		   faults.full_per_mille, faults.unknown_per_mille, faults.delay_max);
	px_store_sim_set_faults(n->store, &faults);
}

static void clear_up(void)
{
	for (unsigned i = 0; i < town->n_nodes; i++) {
		town->node_weather[i] = FINE;
		memset(town->link_weather[i], 0, sizeof(town->link_weather[i]));
		px_store_sim_set_faults(town->nodes[i]->store, NULL);
	}
	for (unsigned i = 0; i < town->n_people; i++)
		town->person_weather[i] = FINE;
}

static void strike(void)
{
	unsigned what = (unsigned)town_draw(100);
	unsigned at = (unsigned)town_draw(town->n_nodes);
	struct node *n = town->nodes[at];
	if (what < 20) {
		weather_crash(n);
	} else if (what < 25) {
		stop(n);
	} else if (what < 35) {
		unsigned to = (unsigned)town_draw(town->n_nodes);
		town->link_weather[at][to] = (enum weather)town_draw(WEATHERS);
		town_trace("%s to %s: weather %u", n->authority, town->nodes[to]->authority,
			   (unsigned)town->link_weather[at][to]);
	} else if (what < 50) {
		town->node_weather[at] = (enum weather)town_draw(WEATHERS);
		town_trace("%s: weather %u", n->authority, (unsigned)town->node_weather[at]);
	} else if (what < 60) {
		at = (unsigned)town_draw(town->n_people);
		town->person_weather[at] = (enum weather)town_draw(WEATHERS);
	} else if (what < 75) {
		trouble_store(n);
	} else if (what < 80) {
		reload(n);
	} else if (what < 85) {
		int64_t step = town_between(-120000, 120000);
		town_trace("the clock steps by %lld ms", (long long)step);
		px_clock_sim_jump(world_clock(town->world), step);
	} else {
		clear_up();
	}
}

static void next(void *arg)
{
	(void)arg;
	if (px_clock_mono(world_clock(town->world)) >= town->storm_end) {
		clear_up();
		town->calm = true;
		operators_go_home();
		town_trace("the weather is fine");
		return;
	}
	strike();
	px_timer_set(town->timers, &town->storm, town_between(500, town->pace->gust), next, NULL);
}

void weather_start(void)
{
	town->storm_end = px_clock_mono(world_clock(town->world)) +
			  town_between(town->pace->storm_least, town->pace->storm_most);
	px_timer_set(town->timers, &town->storm, town_between(500, town->pace->gust), next, NULL);
}
