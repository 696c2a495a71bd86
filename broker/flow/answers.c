/* prinex: which announced movement a report is about
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/answers.h"

#include "base/keys.h"
#include "flow/internal.h"
#include "flow/journey.h"

#define LOOKUPS_MAX    4  /* an LRN and some vehicles: a train has two or three */
#define HITS_MAX       50 /* newest first: older journeys of a vehicle have ended */
#define CANDIDATES_MAX 4

struct finding {
	struct px_flow *flow;
	int64_t movement_life;
	const struct px_verdict *v;
	const struct px_key *keys[LOOKUPS_MAX];
	unsigned n_keys, key; /* the one being looked up */
	uint64_t candidates[CANDIDATES_MAX];
	unsigned n_candidates, candidate;
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

static void next_key(struct finding *f);

static void finding_end(struct finding *f, int rc)
{
	struct px_flow *flow = f->flow;
	f->done(f->arg, rc, &f->found);
	free(f);
	px_flow_end(flow);
}

static void next_candidate(struct finding *f);

static void movement_read(void *arg, int rc, unsigned n, const struct px_message *messages, uint64_t next)
{
	struct finding *f = arg;
	bool ended = n == 0 || messages[0].accepted + f->movement_life <= px_flow_now(f->flow);
	(void)next;
	if (rc != PX_OK && rc != PX_ENOTFOUND && rc != PX_ECORRUPT) {
		finding_end(f, rc);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		ended = ended || messages[i].keys.ends_movement;
	if (ended) {
		f->candidate++;
		next_candidate(f);
		return;
	}
	f->found.announced = true;
	/* A vehicle alone does not overrule a number that is not known. */
	if (f->keys[f->key]->kind == PX_KEY_LRN || !px_answers_names(f->v))
		f->found.join = f->candidates[f->candidate];
	finding_end(f, PX_OK);
}

static void next_candidate(struct finding *f)
{
	if (f->candidate < f->n_candidates) {
		px_store_movement(f->flow->store, f->candidates[f->candidate], PX_JOURNEY_MESSAGES,
				  movement_read, f);
		return;
	}
	f->key++;
	next_key(f);
}

static bool same_declarant(const struct px_keys *a, const struct px_keys *b)
{
	const char *x = px_keys_first(a, PX_KEY_DECLARANT), *y = px_keys_first(b, PX_KEY_DECLARANT);
	return x == NULL || y == NULL || strcmp(x, y) == 0;
}

static void note_candidate(struct finding *f, const struct px_message *m)
{
	if (m->movement == 0 || m->partner[0] == '\0' || f->n_candidates == CANDIDATES_MAX ||
	    !px_journey_is_sent_to(m, f->v->header.sender) || !same_declarant(&m->keys, &f->v->keys))
		return;
	for (unsigned i = 0; i < f->n_candidates; i++) {
		if (f->candidates[i] == m->movement)
			return;
	}
	f->candidates[f->n_candidates++] = m->movement;
}

static void looked_up(void *arg, int rc, unsigned n, const struct px_message *messages, uint64_t next)
{
	struct finding *f = arg;
	(void)next;
	if (rc != PX_OK) {
		finding_end(f, rc);
		return;
	}
	f->n_candidates = f->candidate = 0;
	for (unsigned i = 0; i < n; i++)
		note_candidate(f, &messages[i]);
	next_candidate(f);
}

static void next_key(struct finding *f)
{
	if (f->key < f->n_keys)
		px_store_lookup(f->flow->store, f->keys[f->key]->kind, f->keys[f->key]->value, HITS_MAX,
				looked_up, f);
	else
		finding_end(f, PX_OK);
}

static void collect(struct finding *f, enum px_key_kind kind)
{
	const struct px_keys *keys = &f->v->keys;
	char normal[PX_KEY_VALUE_MAX + 1];
	for (unsigned i = 0; i < keys->n && f->n_keys < LOOKUPS_MAX; i++) {
		px_key_normal(kind, keys->items[i].value, normal);
		if (keys->items[i].kind == kind && normal[0] != '\0')
			f->keys[f->n_keys++] = &keys->items[i];
	}
}

void px_answers_find(struct px_flow *flow, struct px_generation *gen, const struct px_verdict *v,
		     void (*done)(void *arg, int rc, const struct px_answers *found), void *arg)
{
	struct finding *f = px_xcalloc(1, sizeof(*f));
	f->flow = flow;
	f->movement_life = gen->conf->limits.movement_life;
	f->v = v;
	f->done = done;
	f->arg = arg;
	collect(f, PX_KEY_LRN);
	if (px_answers_arrived(v) != NULL)
		collect(f, PX_KEY_VEHICLE);
	px_flow_begin(flow);
	next_key(f);
}
