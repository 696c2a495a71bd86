/* prinex: what was announced and has not arrived
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/border_alarm.h"
#include "flow/internal.h"
#include "flow/journey.h"

/*
 * The store knows in order of time what becomes late when. Everything up to some moment is judged; that
 * moment is a mark in the store, so that a restart goes on there. One page at a time, one movement after the
 * other, each read whole however long it is; an alarm is durable before the next one is looked at, and
 * sending it again does nothing.
 *
 * A movement with very many amendments stands in very many pages. What a long one has come to is kept from
 * page to page of a run, and only what is new is read again: the work grows with the number of messages, not
 * with its square.
 */
#define MARK  "watch/late"
#define EVERY 30000 /* ms between runs */
#define PAGE  100
#define KEPT  256 /* long movements in a run; beyond these they are read again */

/** A movement as far as it was read. */
struct reading {
	uint64_t movement; /* 0 none */
	uint64_t from;     /* its messages from there on were not read yet */
	uint64_t messages;
	bool is_whole; /* up to when it was asked for */
	struct px_journey journey;
};

struct px_watch_kept {
	unsigned n;
	struct reading items[KEPT];
};

struct look {
	struct px_flow *flow;
	struct px_generation *gen;
	int64_t until;
	unsigned n, at;
	struct px_arrival *items;
	bool more;
	struct px_arrival next;
	bool failed;
	struct reading now;
};

static void keep_mark(struct px_flow *flow)
{
	struct px_mark mark = {.name = MARK, .number = (uint64_t)flow->watched};
	px_store_mark(flow->store, &mark, NULL, NULL);
}

/* --- what is kept ------------------------------------------------------------------------------------ */

void px_watch_forget(struct px_flow *flow)
{
	struct px_watch_kept *kept = flow->watch_kept;
	for (unsigned i = 0; kept != NULL && i < kept->n; i++)
		px_journey_free(&kept->items[i].journey);
	PX_FREE(flow->watch_kept);
}

/* The next one is about to be read, or the page is at its end. */
static void put_aside(struct look *l)
{
	struct px_flow *flow = l->flow;
	if (l->now.movement != 0 && l->now.is_whole && l->now.messages > PX_JOURNEY_PAGE) {
		if (flow->watch_kept != NULL && flow->watch_kept->n == KEPT)
			px_watch_forget(flow);
		if (flow->watch_kept == NULL)
			flow->watch_kept = px_xcalloc(1, sizeof(*flow->watch_kept));
		flow->watch_kept->items[flow->watch_kept->n++] = l->now;
	} else {
		px_journey_free(&l->now.journey);
	}
	l->now = (struct reading){.movement = 0};
}

static bool is_about(const struct reading *r, uint64_t movement, const char *authority)
{
	return r->movement == movement && strcmp(r->journey.authority, authority) == 0;
}

static void take_up(struct look *l, uint64_t movement, const char *authority)
{
	struct px_watch_kept *kept = l->flow->watch_kept;
	put_aside(l);
	for (unsigned i = 0; kept != NULL && i < kept->n; i++) {
		if (is_about(&kept->items[i], movement, authority)) {
			l->now = kept->items[i];
			kept->items[i] = kept->items[--kept->n];
			l->now.is_whole = false;
			return;
		}
	}
	l->now.movement = movement;
	px_journey_begin(&l->now.journey, l->gen->cat, authority);
}

static void look_end(struct look *l)
{
	struct px_flow *flow = l->flow;
	put_aside(l);
	if (!l->more)
		px_watch_forget(flow);
	if (!l->failed && l->more) {
		flow->watched_to = l->next; /* the next tick goes on */
	} else if (!l->failed) {
		flow->watched_to.message = 0;
		if (l->n > 0 || l->until - flow->watched >= 20 * EVERY) {
			flow->watched = l->until;
			keep_mark(flow);
		}
		flow->watched = l->until;
	}
	flow->looking = false;
	px_generation_unref(&l->gen);
	free(l->items);
	free(l);
	px_flow_end(flow);
}

/* --- one movement ------------------------------------------------------------------------------------ */

/* Those of @authority's offices before this one; a truck that has come to as many has passed it. */
static unsigned rank_of(const struct px_message *m, const char *authority, const struct px_expected *this)
{
	struct px_expected all[PX_EXPECTED_MAX];
	unsigned n = px_keys_expected(&m->keys, all), rank = 0;
	for (unsigned i = 0; i < n; i++)
		rank += px_office_is_of(all[i].office, authority) && all[i].at < this->at;
	return rank;
}

static bool has_come(const struct px_journey *j, const struct px_message *m,
		     const struct px_expected *expected)
{
	return px_journey_has_arrived(j, expected->office) ||
	       j->n_offices > rank_of(m, j->authority, expected);
}

/* The delivery to an authority whose system is here and whose office waits. */
static const struct px_delivery *who_waits(const struct look *l, const struct px_message *m,
					   const char *office)
{
	for (unsigned i = 0; i < m->n_deliveries; i++) {
		const struct px_delivery *d = &m->deliveries[i];
		const struct px_conf_partner *p = px_conf_partner(l->gen->conf, d->partner);
		if (p != NULL && p->role == PX_ROLE_SYSTEM && px_delivery_is_sent(d) &&
		    px_office_is_of(office, d->recipient))
			return d;
	}
	return NULL;
}

/* @d: who waits for @late, which @m announces. @return whether @alarm is to be sent. */
static bool judge(const struct look *l, const struct px_arrival *late, const struct px_message *m,
		  const struct px_delivery *d, struct px_border_alarm *alarm)
{
	struct px_expected all[PX_EXPECTED_MAX];
	int64_t now = px_flow_now(l->flow);
	const struct px_journey *j = &l->now.journey;
	enum px_journey_state state = px_journey_state(j, now);
	if (state == PX_JOURNEY_CLOSED || state == PX_JOURNEY_CANCELLED || !px_journey_stands(j, m->seq))
		return false;
	unsigned count = px_keys_expected(&m->keys, all);
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(all[i].office, late->office) != 0 ||
		    PX_MAX(all[i].limit, m->accepted) != late->at || has_come(j, m, &all[i]))
			continue;
		*alarm = (struct px_border_alarm){.sender = m->header.sender,
						  .keys = &m->keys,
						  .office = late->office,
						  .expected = all[i].at,
						  .correlation = m->header.message_id,
						  .movement = m->movement};
		px_border_alarm_to(alarm, l->gen->conf, m->header.sender, m->partner, now);
		px_border_alarm_to(alarm, l->gen->conf, d->recipient, d->partner, now);
		return true;
	}
	return false;
}

static void next_one(struct look *l);

static void alarm_sent(void *arg, int rc)
{
	struct look *l = arg;
	if (rc != PX_OK) {
		l->failed = true; /* this page again, at the next tick */
		l->at = l->n;
	}
	next_one(l);
}

/* @return whether the look goes on with the next one: what was asked for cannot be had. */
static bool cannot_be_read(struct look *l, int rc)
{
	if (rc == PX_OK)
		return false;
	if (rc == PX_ECORRUPT)
		px_standing_raise(l->flow, PX_ALARM_QUARANTINE, "watch",
				  "a movement cannot be read: nobody is told that it is late");
	if (rc == PX_ECORRUPT || rc == PX_ENOTFOUND) {
		l->at++; /* the others are watched all the same */
	} else {
		l->failed = true;
		l->at = l->n;
	}
	next_one(l);
	return true;
}

static void movement_read(void *arg, int rc, unsigned n, const struct px_message *messages, uint64_t next)
{
	struct look *l = arg;
	if (cannot_be_read(l, rc))
		return;
	px_journey_add(&l->now.journey, n, messages);
	l->now.messages += n;
	if (n > 0)
		l->now.from = messages[n - 1].seq + 1;
	if (next != 0) {
		px_store_movement(l->flow->store, l->now.movement, next, PX_JOURNEY_PAGE, movement_read, l);
		return;
	}
	l->now.is_whole = true;
	next_one(l); /* the same one again, and now its journey is known */
}

static void message_read(void *arg, int rc, const struct px_message *m)
{
	struct look *l = arg;
	struct px_border_alarm alarm;
	if (cannot_be_read(l, rc))
		return;
	const struct px_arrival *late = &l->items[l->at];
	const struct px_delivery *d = who_waits(l, m, late->office);
	if (d != NULL && !is_about(&l->now, late->movement, d->recipient)) {
		take_up(l, late->movement, d->recipient);
		px_store_movement(l->flow->store, late->movement, l->now.from, PX_JOURNEY_PAGE, movement_read,
				  l);
		return;
	}
	l->at++;
	if (d != NULL && judge(l, late, m, d, &alarm))
		px_border_alarm_send(l->flow, l->gen, &alarm, alarm_sent, l);
	else
		next_one(l);
}

static void next_one(struct look *l)
{
	while (l->at < l->n && l->items[l->at].movement == 0)
		l->at++;
	if (l->at < l->n)
		px_store_message(l->flow->store, l->items[l->at].message, message_read, l);
	else
		look_end(l);
}

/* --- pages ------------------------------------------------------------------------------------------- */

/* So that each is read once for all that is late in it. */
static int by_movement(const void *a, const void *b)
{
	const struct px_arrival *x = a, *y = b;
	if (x->movement != y->movement)
		return x->movement < y->movement ? -1 : 1;
	return x->message < y->message ? -1 : x->message > y->message;
}

static void late_found(void *arg, int rc, unsigned n, const struct px_arrival *arrivals,
		       const struct px_arrival *next)
{
	struct look *l = arg;
	l->failed = rc != PX_OK;
	l->n = n;
	l->items = px_xcalloc(PX_MAX(n, 1U), sizeof(l->items[0]));
	for (unsigned i = 0; i < n; i++)
		l->items[i] = arrivals[i];
	qsort(l->items, n, sizeof(l->items[0]), by_movement);
	l->more = next != NULL;
	if (next != NULL)
		l->next = *next;
	next_one(l);
}

void px_watch_tick(struct px_flow *flow)
{
	int64_t wait = flow->gen->conf->limits.arrival_wait, now = px_flow_now(flow);
	int64_t until = now - wait;
	bool goes_on = flow->watched_to.message != 0;
	if (flow->watching && !flow->looking && !px_steady_is_doubtful(flow) &&
	    (wait == 0 ? now - flow->watched >= 20 * EVERY : flow->watched > now)) {
		/* Switched on again, it does not begin with what was long ago; a clock that was ahead is
		 * not waited for. */
		flow->watched = until;
		keep_mark(flow);
	}
	if (!flow->watching || flow->looking || wait == 0 || px_steady_is_doubtful(flow) ||
	    (!goes_on && until - flow->watched < PX_MIN((int64_t)EVERY, wait)))
		return;
	struct look *l = px_xcalloc(1, sizeof(*l));
	l->flow = flow;
	l->gen = px_generation_ref(flow->gen);
	l->until = until;
	struct px_arrivals which = {.from = flow->watched,
				    .until = until,
				    .after = goes_on ? &flow->watched_to : NULL,
				    .limit = PAGE};
	flow->looking = true;
	px_flow_begin(flow);
	px_store_arrivals(flow->store, &which, late_found, l);
}

void px_watch_start(struct px_flow *flow, const struct px_mark *marks, unsigned n)
{
	flow->watching = true;
	flow->watched = 0;
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(marks[i].name, MARK) == 0)
			flow->watched = (int64_t)marks[i].number;
	}
	if (flow->watched == 0) { /* a new store: what was late before is nobody's business any more */
		flow->watched = px_flow_now(flow) - flow->gen->conf->limits.arrival_wait;
		keep_mark(flow);
	}
}
