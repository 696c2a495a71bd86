/* prinex: simulated town: who lives there, and a run from the first message to the last check
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "town.h"

#include <stdarg.h>

#define AFTERWARDS 12000 /* whatever comes twice comes within that time */
#define SECOND     ((int64_t)1000)
#define MINUTE     (60 * SECOND)
#define HOUR       (60 * MINUTE)
#define DAY        (24 * HOUR)
#define HORIZON    (30 * DAY)    /* as configured when nothing is */
#define DAYS_OF    40            /* of so many towns one lives for days */
#define DOUBT      (11 * MINUTE) /* in a clock that was set */

struct town *town;

/* --- chance and tidings
 * ------------------------------------------------------------------------------------------ */

uint64_t town_draw(uint64_t below)
{
	town->random += 0x9e3779b97f4a7c15u; /* SplitMix64 */
	uint64_t x = town->random;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return (x ^ (x >> 31)) % below;
}

bool town_strikes(unsigned per_mille)
{
	return per_mille > 0 && town_draw(1000) < per_mille;
}

int64_t town_between(int64_t least, int64_t most)
{
	return least + (int64_t)town_draw((uint64_t)(most - least + 1));
}

void town_trace(const char *fmt, ...)
{
	if (!town->trace)
		return;
	va_list ap;
	va_start(ap, fmt);
	printf("%10.3f ", (double)px_clock_mono(world_clock(town->world)) / 1000.0);
	vprintf(fmt, ap);
	putchar('\n');
	va_end(ap);
}

unsigned town_index(const struct node *n)
{
	for (unsigned i = 0; i < town->n_nodes; i++) {
		if (town->nodes[i] == n)
			return i;
	}
	px_assert(false);
	return 0;
}

/* --- topologies
 * -------------------------------------------------------------------------------------------------- */

static void add_node(const char *authority, struct px_buf *conf)
{
	px_buf_adds(conf, town->keeps);
	struct node *n = world_node(town->world, authority, px_buf_str(conf));
	n->wire = ports_wire;
	px_store_close(&n->store);
	n->store = px_store_sim_new(town_draw(UINT64_MAX), NULL, world_clock(town->world));
	town->nodes[town->n_nodes++] = n;
	px_buf_clear(conf);
}

static struct person *add_person(struct node *n, const char *authority, const char *partner, bool push)
{
	px_assert(town->n_people < MAX_PEOPLE);
	struct person *p = &town->people[town->n_people];
	p->index = town->n_people++;
	p->node = n;
	p->push = push;
	px_strlcpy(p->authority, authority, sizeof(p->authority));
	px_strlcpy(p->partner, partner, sizeof(p->partner));
	return p;
}

/* A partner that is posted to, or, with @url NULL, fetches. */
static void add_partner(struct px_buf *conf, const char *name, const char *authority, const char *role,
			const char *url, const char *more)
{
	char all[200];
	snprintf(all, sizeof(all), "%s in-flight = %u %s", more, town->in_flight, town->times);
	conf_partner(conf, name, authority, role, url, all);
}

/* BY and UA know each other; BY also has a system of XB that is posted to. */
static void build_pair(void)
{
	static const char *const trusted[] = {"BY", "UA", "XB", NULL};
	struct px_buf text = PX_BUF_INIT;
	conf_head(&text, "BY", trusted);
	conf_partner(&text, "system-by", "BY", "system", NULL, "");
	add_partner(&text, "node-ua", "UA", "node", "https://ua:1", "");
	add_partner(&text, "system-xb", "XB", "system", "https://system-xb:1", "");
	add_node("BY", &text);
	conf_head(&text, "UA", trusted);
	conf_partner(&text, "system-ua", "UA", "system", NULL, "");
	add_partner(&text, "node-by", "BY", "node", "https://by:1", "");
	add_node("UA", &text);
	px_buf_free(&text);
	add_person(town->nodes[0], "BY", "system-by", false);
	add_person(town->nodes[1], "UA", "system-ua", false);
	add_person(town->nodes[0], "XB", "system-xb", true);
}

static const char *const outer[] = {"BY", "UA", "PL", NULL};

/* Some post to the hub; others have it fetch. */
static void add_outer(unsigned at)
{
	static const char *const trusted[] = {"BY", "UA", "PL", "HU", NULL};
	const char *me = outer[at], *first = outer[(at + 1) % 3], *second = outer[(at + 2) % 3];
	bool fetches = town_draw(3) == 0;
	struct px_buf text = PX_BUF_INIT;
	char more[160], name[32];
	conf_head(&text, me, trusted);
	snprintf(name, sizeof(name), "system-%c%c", me[0] | 0x20, me[1] | 0x20);
	conf_partner(&text, name, me, "system", NULL, "");
	snprintf(more, sizeof(more), "relays-for = {\"%s\", \"%s\"}", first, second);
	add_partner(&text, "hub", "HU", "node", fetches ? NULL : "https://hu:1", more);
	px_buf_addf(&text, "route \"one\" { recipients = \"%s\" via = \"hub\" }\n", first);
	px_buf_addf(&text, "route \"two\" { recipients = \"%s\" via = \"hub\" }\n", second);
	add_node(me, &text);
	struct node *n = town->nodes[town->n_nodes - 1];
	add_person(n, me, name, false);
	if (fetches)
		add_person(n, "HU", "hub", false)->hub = town->nodes[0];
	px_buf_free(&text);
}

/* BY, UA and PL reach each other through a hub that belongs to none of them. */
static void build_hub(void)
{
	static const char *const trusted[] = {"BY", "UA", "PL", "HU", NULL};
	struct px_buf text = PX_BUF_INIT;
	conf_head(&text, "HU", trusted);
	add_partner(&text, "node-by", "BY", "node", "https://by:1", "relay-to = {\"UA\", \"PL\"}");
	add_partner(&text, "node-ua", "UA", "node", "https://ua:1", "relay-to = {\"BY\", \"PL\"}");
	add_partner(&text, "node-pl", "PL", "node", "https://pl:1", "relay-to = {\"BY\", \"UA\"}");
	add_node("HU", &text);
	px_buf_free(&text);
	for (unsigned i = 0; outer[i] != NULL; i++)
		add_outer(i);
}

/* --- a run
 * ------------------------------------------------------------------------------------------------------ */

/* What was acknowledged is known after it was removed; and when even that is forgotten it is too old. */
static void try_memory(void)
{
	world_run(town->world, town->purged_in);
	people_repeat_all();
	world_run(town->world, AFTERWARDS);
	if (town_draw(4) > 0)
		return;
	px_clock_sim_jump(world_clock(town->world), 2 * HORIZON + DAY + HOUR);
	world_run(town->world, DOUBT + town->purged_in);
	people_repeat_all();
	world_run(town->world, AFTERWARDS);
}

static void run(void)
{
	int64_t limit = 0, look = town->pace->look;
	while (!town->calm || !count_is_over()) {
		int64_t now = px_clock_mono(world_clock(town->world));
		if (town->calm && limit == 0)
			limit = now + town->pace->limit;
		if (town->calm && now > limit)
			break;
		world_run(town->world, look);
	}
	world_run(town->world, AFTERWARDS);
	try_memory();
	count_end();
}

static void demolish(void)
{
	for (unsigned i = 0; i < town->n_nodes; i++)
		weather_crash(town->nodes[i]);
	operators_free();
	calls_free();
	people_free();
	count_free(&town->count);
	world_free(&town->world);
}

/* With short times there is much to expire and to be unknown, proofs too. */
static const struct pace minutes = {
    .storm_least = 40 * SECOND,
    .storm_most = 200 * SECOND,
    .gust = 12 * SECOND,
    .start = 20 * SECOND,
    .gap = 6 * SECOND,
    .expires_least = 20 * SECOND,
    .expires_most = 120 * SECOND,
    .poll = 10 * SECOND,
    .look = 2 * SECOND,
    .slow_least = 60 * SECOND,
    .slow_most = 200 * SECOND,
    .limit = 3 * HOUR, /* the longest pause is 15 minutes */
    .times = {"timeout = \"15s\" maximum-age = \"20min\" cod-wait = \"25min\"",
	      "timeout = \"15s\" maximum-age = \"90s\" cod-wait = \"100s\""}};
static const struct pace days = {.storm_least = DAY,
				 .storm_most = 2 * DAY,
				 .gust = 3 * HOUR,
				 .start = 12 * HOUR,
				 .gap = 4 * HOUR,
				 .expires_least = 10 * MINUTE,
				 .expires_most = 12 * HOUR,
				 .poll = 60 * SECOND,
				 .look = 5 * MINUTE,
				 .slow_least = 60 * SECOND,
				 .slow_most = 20 * HOUR,
				 .limit = 4 * DAY,
				 .times = {"timeout = \"15s\" maximum-age = \"20h\" cod-wait = \"22h\"",
					   "timeout = \"15s\" maximum-age = \"2h\" cod-wait = \"3h\""}};

static void settle_in(uint64_t seed)
{
	bool long_ones = seed % DAYS_OF == 12 || seed % (2 * (uint64_t)DAYS_OF) == 33;
	town->pace = long_ones ? &days : &minutes;
	town->times = town->pace->times[seed / 2 % 2];
	town->in_flight = 1 + (unsigned)town_draw(8);
	town->remembered = HORIZON + DAY;
	bool cleans_up = seed / 4 % 2 == 0;
	town->keeps = !cleans_up  ? ""
		      : long_ones ? "retention \"all\" { keep = \"1h\" }\n"
				  : "retention \"all\" { keep = \"1min\" }\n";
	town->purged_in = !cleans_up ? 0 : long_ones ? 2 * HOUR + MINUTE : 2 * MINUTE + 10 * SECOND;
}

unsigned town_play(uint64_t seed, enum wrong wrong, bool trace, struct px_buf *first)
{
	town = px_xcalloc(1, sizeof(*town));
	town->seed = town->random = seed;
	town->wrong = wrong;
	town->trace = trace;
	TAILQ_INIT(&town->calls);
	TAILQ_INIT(&town->delays);
	TAILQ_INIT(&town->orders);
	town->world = world_new(seed);
	town->timers = world_timers(town->world);
	town->count = count_new();
	settle_in(seed);
	if (seed % 2 == 0)
		build_pair();
	else
		build_hub();
	world_start(town->world);
	people_start();
	weather_start();
	operators_start();
	run();
	unsigned violations = town->violations;
	*first = town->first;
	demolish();
	PX_FREE(town);
	return violations;
}
