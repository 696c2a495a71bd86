/* prinex: simulated town: who keeps count of what a node may send to whom: paused partners, partners that are
 * down SPDX-License-Identifier: Apache-2.0 Copyright (c) 2026 The prinex authors */

#include "town.h"

#define DOWN_AFTER 3     /* failed connections in a row */
#define SETTLED    10000 /* what was leased before has begun, and answers are judged, within that time */

static struct town_link *link_of(const struct node *n, const char *partner)
{
	for (unsigned i = 0; i < n->conf->n_partners; i++) {
		if (strcmp(n->conf->partners[i].name, partner) == 0)
			return &town->links[town_index(n)][i];
	}
	px_assert(false);
	return NULL;
}

void count_paused(const struct node *n, const char *partner, bool paused)
{
	link_of(n, partner)->paused = paused;
}

void count_given(const struct node *n, const char *partner)
{
	if (link_of(n, partner)->paused)
		count_violation("%s gives something to %s, which is paused", n->authority, partner);
}

void count_post(const struct node *n, const char *partner)
{
	struct town_link *l = link_of(n, partner);
	count_given(n, partner);
	bool is_down = l->failures >= DOWN_AFTER &&
		       px_clock_mono(world_clock(town->world)) - l->changed > SETTLED;
	if (is_down && l->in_flight > 0)
		count_violation("%s: %s is down, and gets %u attempts at a time", n->authority, partner,
				l->in_flight + 1);
	if (++l->in_flight > town->in_flight)
		count_violation("%s: %s gets %u attempts at a time, agreed are %u", n->authority, partner,
				l->in_flight, town->in_flight);
}

void count_posted(const struct node *n, const char *partner, enum px_post_end how)
{
	struct town_link *l = link_of(n, partner);
	l->in_flight--;
	l->failures = how == PX_POST_ANSWERED ? 0 : l->failures + 1;
	if (l->failures == 0 || l->failures == DOWN_AFTER)
		l->changed = px_clock_mono(world_clock(town->world));
}

void count_crashed(const struct node *n)
{
	struct town_link *links = town->links[town_index(n)];
	for (unsigned i = 0; i < MAX_LINKS; i++)
		links[i].failures = links[i].in_flight = 0;
}
