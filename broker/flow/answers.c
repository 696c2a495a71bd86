/* prinex: which announced movement a report is about
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/answers.h"

#include "base/keys.h"
#include "flow/internal.h"

/* Newest first; how many older ones there are does not matter: pages follow until one fits. */
#define PAGE 50

struct finding {
	struct px_flow *flow;
	const struct px_verdict *v;
	int64_t now;
	enum px_key_kind kind; /* LRN, then VEHICLE */
	unsigned key;          /* of the verdict's: the one being looked up */
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
	f->done(f->arg, rc, &f->found);
	free(f);
	px_flow_end(flow);
}

static bool same_declarant(const struct px_keys *a, const struct px_keys *b)
{
	const char *x = px_keys_first(a, PX_KEY_DECLARANT), *y = px_keys_first(b, PX_KEY_DECLARANT);
	return x == NULL || y == NULL || strcmp(x, y) == 0;
}

/* The node's own alarms announce nothing. */
static const struct px_message *announcement(const struct finding *f, unsigned n,
					     const struct px_message *messages)
{
	for (unsigned i = 0; i < n; i++) {
		if (messages[i].partner[0] != '\0' && same_declarant(&messages[i].keys, &f->v->keys))
			return &messages[i];
	}
	return NULL;
}

static void look_up(struct finding *f, uint64_t from);

static void looked_up(void *arg, int rc, unsigned n, const struct px_message *messages, uint64_t next)
{
	struct finding *f = arg;
	const struct px_message *m = announcement(f, n, messages);
	if (rc != PX_OK) {
		finding_end(f, rc);
	} else if (m != NULL) {
		f->found.announced = true;
		/* A vehicle alone does not overrule a number that is not known. */
		if (f->kind == PX_KEY_LRN || !px_answers_names(f->v))
			f->found.join = m->movement;
		finding_end(f, PX_OK);
	} else {
		f->key += next == 0;
		look_up(f, next);
	}
}

static bool is_wanted(const struct finding *f)
{
	char normal[PX_KEY_VALUE_MAX + 1];
	const struct px_key *key = &f->v->keys.items[f->key];
	px_key_normal(key->kind, key->value, normal);
	return key->kind == f->kind && normal[0] != '\0';
}

static void look_up(struct finding *f, uint64_t from)
{
	const struct px_keys *keys = &f->v->keys;
	while (f->key < keys->n && !is_wanted(f))
		f->key++;
	if (f->key < keys->n) {
		struct px_lookup which = {.kind = f->kind,
					  .value = keys->items[f->key].value,
					  .recipient = f->v->header.sender,
					  .live_at = f->now,
					  .from = from,
					  .limit = PAGE};
		px_store_lookup(f->flow->store, &which, looked_up, f);
	} else if (f->kind == PX_KEY_LRN && px_answers_arrived(f->v) != NULL) {
		f->kind = PX_KEY_VEHICLE;
		f->key = 0;
		look_up(f, 0);
	} else {
		finding_end(f, PX_OK);
	}
}

void px_answers_find(struct px_flow *flow, const struct px_verdict *v,
		     void (*done)(void *arg, int rc, const struct px_answers *found), void *arg)
{
	struct finding *f = px_xcalloc(1, sizeof(*f));
	f->flow = flow;
	f->v = v;
	f->now = px_flow_now(flow);
	f->kind = PX_KEY_LRN;
	f->done = done;
	f->arg = arg;
	px_flow_begin(flow);
	look_up(f, 0);
}
