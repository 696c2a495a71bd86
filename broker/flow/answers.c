/* prinex: which announced movement a report is about
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/answers.h"

#include "base/keys.h"
#include "base/strings.h"
#include "flow/internal.h"
#include "flow/journey.h"

/* Newest first; how many older ones there are does not matter: pages follow until one fits, or as many
 * messages of the movements they belong to were read as a report may cost. */
#define PAGE      50
#define READS_MAX 20000

/** A declaration that has one of the vehicles. */
struct candidate {
	uint64_t movement, message;
	bool named;     /* it announces an arrival at the office */
	int64_t apart;  /* ms between now and when it is expected; INT64_MAX: it does not say */
	bool forgotten; /* its limit passed long ago */
};

/** The movement that the LRN names. */
struct named {
	uint64_t movement; /* 0: none yet */
	bool has_vehicle;  /* of the report */
	bool is_doubtful;  /* another one fits as well */
};

struct finding {
	struct px_flow *flow;
	const struct px_catalogue *cat;
	const struct px_verdict *v;
	int64_t now;
	enum px_key_kind kind; /* LRN, then VEHICLE */
	unsigned key;          /* of the verdict's: the one being looked up */
	uint64_t next;         /* page of that */
	unsigned n, at;        /* candidates of a page, and the one being judged */
	struct candidate candidates[PAGE];
	struct named named;
	struct candidate best; /* movement 0: none yet */
	uint64_t movement;     /* that `journey` is about, once it is read */
	struct px_journey journey;
	unsigned reads;
	struct px_answers found;
	void (*done)(void *arg, int rc, const struct px_answers *found);
	void *arg;
};

const char *px_answers_arrived(const struct px_verdict *v)
{
	const char *office = px_keys_first(&v->keys, PX_KEY_ARRIVED);
	return office != NULL && px_office_is_of(office, v->header.sender) ? office : NULL;
}

bool px_answers_names(const struct px_verdict *v)
{
	return px_keys_first(&v->keys, PX_KEY_LRN) != NULL || px_keys_first(&v->keys, PX_KEY_MRN) != NULL ||
	       v->header.correlation_id[0] != '\0';
}

static void finding_end(struct finding *f, int rc)
{
	struct px_flow *flow = f->flow;
	if (rc == PX_OK && f->best.movement != 0) {
		f->found.announced = true;
		/* A vehicle alone does not overrule a number that is not known. */
		f->found.join = px_answers_names(f->v) ? 0 : f->best.movement;
	}
	f->done(f->arg, rc, &f->found);
	px_journey_free(&f->journey);
	free(f);
	px_flow_end(flow);
}

static bool same_declarant(const struct px_keys *a, const struct px_keys *b)
{
	const char *x = px_keys_first(a, PX_KEY_DECLARANT), *y = px_keys_first(b, PX_KEY_DECLARANT);
	return x == NULL || y == NULL || strcmp(x, y) == 0;
}

/* Answers and alarms tell of a vehicle and announce nothing. */
static bool is_announcement(const struct finding *f, const struct px_message *m)
{
	enum px_deed deed = px_deed_of(f->cat, &m->header, &m->keys);
	return (deed == PX_DEED_DECLARES || deed == PX_DEED_AMENDS) && m->partner[0] != '\0' &&
	       same_declarant(&m->keys, &f->v->keys);
}

static void look_up(struct finding *f);
static void judge_next(struct finding *f);

/* --- by LRN: whose is it? ---------------------------------------------------------------------------- */

static bool has_vehicle(const struct px_keys *keys, const char *normal)
{
	char value[PX_KEY_VALUE_MAX + 1];
	for (unsigned i = 0; i < keys->n; i++) {
		if (keys->items[i].kind != PX_KEY_VEHICLE)
			continue;
		px_key_normal(PX_KEY_VEHICLE, keys->items[i].value, value);
		if (strcmp(value, normal) == 0)
			return true;
	}
	return false;
}

static bool shares_vehicle(const struct px_keys *a, const struct px_keys *b)
{
	char value[PX_KEY_VALUE_MAX + 1];
	for (unsigned i = 0; i < a->n; i++) {
		if (a->items[i].kind != PX_KEY_VEHICLE)
			continue;
		px_key_normal(PX_KEY_VEHICLE, a->items[i].value, value);
		if (value[0] != '\0' && has_vehicle(b, value))
			return true;
	}
	return false;
}

/* An LRN is unique only for its declarant, whom a report need not name. Then the vehicle decides; where that
 * does not either, none is meant: what is reported must not end the movement of somebody else. */
static void note_named(struct finding *f, const struct px_message *m)
{
	struct named *best = &f->named;
	bool fits = shares_vehicle(&f->v->keys, &m->keys);
	if (best->movement == 0 || (best->movement != m->movement && fits && !best->has_vehicle)) {
		*best = (struct named){.movement = m->movement, .has_vehicle = fits};
	} else if (best->movement == m->movement) {
		best->is_doubtful = best->is_doubtful && (best->has_vehicle || !fits);
		best->has_vehicle = best->has_vehicle || fits;
	} else {
		best->is_doubtful = best->is_doubtful || fits == best->has_vehicle;
	}
}

/* --- by vehicle: is it still open there? ------------------------------------------------------------- */

static void note_candidate(struct finding *f, const struct px_message *m)
{
	struct px_expected expected[PX_EXPECTED_MAX];
	const char *office = px_answers_arrived(f->v);
	unsigned n = px_keys_expected(&m->keys, expected);
	struct candidate c = {.movement = m->movement, .message = m->seq, .apart = INT64_MAX};
	int64_t limit = 0;
	for (unsigned i = 0; i < m->keys.n; i++)
		c.named = c.named || (m->keys.items[i].kind == PX_KEY_ARRIVAL_OFFICE &&
				      strcmp(m->keys.items[i].value, office) == 0);
	for (unsigned i = 0; i < n; i++) {
		if (!px_office_is_of(expected[i].office, f->v->header.sender))
			continue;
		c.apart = PX_MIN(c.apart, llabs(expected[i].at - f->now));
		limit = PX_MAX(limit, PX_MAX(expected[i].limit, m->accepted));
	}
	c.forgotten = limit != 0 && f->now > limit + PX_ANNOUNCED_FOR;
	f->candidates[f->n++] = c;
}

static bool is_better(const struct candidate *a, const struct candidate *b)
{
	if (b->movement == 0 || a->named != b->named)
		return b->movement == 0 || a->named;
	return a->apart < b->apart;
}

static void movement_read(void *arg, int rc, unsigned n, const struct px_message *messages, uint64_t next)
{
	struct finding *f = arg;
	const struct candidate *c = &f->candidates[f->at];
	if (rc != PX_OK && rc != PX_ENOTFOUND && rc != PX_ECORRUPT) {
		finding_end(f, rc);
		return;
	}
	px_journey_add(&f->journey, n, messages);
	f->reads += n;
	if (next != 0 && f->reads < READS_MAX) {
		px_store_movement(f->flow->store, c->movement, next, PX_JOURNEY_PAGE, movement_read, f);
		return;
	}
	f->movement = c->movement;
	judge_next(f);
}

static void judge_next(struct finding *f)
{
	for (; f->at < f->n; f->at++) {
		const struct candidate *c = &f->candidates[f->at];
		if (c->forgotten || (f->best.movement != 0 && !is_better(c, &f->best)))
			continue;
		if (f->movement != c->movement && f->reads < READS_MAX) {
			f->movement = 0;
			px_journey_free(&f->journey);
			px_journey_begin(&f->journey, f->cat, f->v->header.sender);
			px_store_movement(f->flow->store, c->movement, 0, PX_JOURNEY_PAGE, movement_read, f);
			return;
		}
		if (f->movement == c->movement && !f->journey.closed &&
		    px_journey_stands(&f->journey, c->message) &&
		    px_journey_awaits(&f->journey, px_answers_arrived(f->v), c->named))
			f->best = *c;
	}
	if (f->next == 0 || f->reads >= READS_MAX) {
		f->key++;
		f->next = 0;
	}
	look_up(f);
}

/* --- looking up -------------------------------------------------------------------------------------- */

static void looked_up(void *arg, int rc, unsigned n, const struct px_message *messages, uint64_t next)
{
	struct finding *f = arg;
	if (rc != PX_OK) {
		finding_end(f, rc);
		return;
	}
	f->n = f->at = 0;
	f->next = next;
	for (unsigned i = 0; i < n; i++) {
		if (!is_announcement(f, &messages[i]))
			continue;
		if (f->kind == PX_KEY_LRN)
			note_named(f, &messages[i]);
		else
			note_candidate(f, &messages[i]);
	}
	if (f->kind == PX_KEY_LRN)
		f->reads += n;
	judge_next(f);
}

static bool is_wanted(const struct finding *f)
{
	char normal[PX_KEY_VALUE_MAX + 1];
	const struct px_key *key = &f->v->keys.items[f->key];
	px_key_normal(key->kind, key->value, normal);
	return key->kind == f->kind && normal[0] != '\0';
}

static void look_up(struct finding *f)
{
	const struct px_keys *keys = &f->v->keys;
	while (f->key < keys->n && !is_wanted(f))
		f->key++;
	if (f->key < keys->n) {
		struct px_lookup which = {.kind = f->kind,
					  .value = keys->items[f->key].value,
					  .recipient = f->v->header.sender,
					  .live_at = f->now,
					  .from = f->next,
					  .limit = PAGE};
		px_store_lookup(f->flow->store, &which, looked_up, f);
	} else if (f->named.movement != 0) {
		f->found.announced = true;
		f->found.join = f->named.is_doubtful ? 0 : f->named.movement;
		f->found.is_doubtful = f->named.is_doubtful && f->v->header.correlation_id[0] == '\0' &&
				       px_keys_first(&f->v->keys, PX_KEY_MRN) == NULL;
		finding_end(f, PX_OK);
	} else if (f->kind == PX_KEY_LRN && px_answers_arrived(f->v) != NULL) {
		f->kind = PX_KEY_VEHICLE;
		f->key = 0;
		f->next = 0;
		look_up(f);
	} else {
		finding_end(f, PX_OK);
	}
}

void px_answers_find(struct px_flow *flow, const struct px_catalogue *cat, const struct px_verdict *v,
		     void (*done)(void *arg, int rc, const struct px_answers *found), void *arg)
{
	struct finding *f = px_xcalloc(1, sizeof(*f));
	f->flow = flow;
	f->cat = cat;
	f->v = v;
	f->now = px_flow_now(flow);
	f->kind = PX_KEY_LRN;
	f->done = done;
	f->arg = arg;
	px_flow_begin(flow);
	look_up(f);
}
