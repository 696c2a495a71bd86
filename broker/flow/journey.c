/* prinex: what one authority knows of a movement
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/journey.h"

#include "base/strings.h"

static const char *const names[] = {"expected", "late", "arrived", "closed", "cancelled"};

const char *px_journey_state_name(enum px_journey_state state)
{
	px_assert((size_t)state < PX_ARRAY_LEN(names));
	return names[state];
}

bool px_journey_is_sent_to(const struct px_message *m, const char *authority)
{
	for (unsigned i = 0; i < m->n_deliveries; i++) {
		if (strcmp(m->deliveries[i].recipient, authority) == 0 && m->deliveries[i].partner[0] != '\0')
			return true;
	}
	return false;
}

void px_journey_begin(struct px_journey *j, const struct px_catalogue *cat, const char *authority)
{
	*j = (struct px_journey){.cat = cat, .beyond_limit = INT64_MAX};
	px_strlcpy(j->authority, authority, sizeof(j->authority));
}

void px_journey_free(struct px_journey *j)
{
	PX_FREE(j->versions);
	*j = (struct px_journey){.cat = NULL};
}

/* --- versions ---------------------------------------------------------------------------------------- */

static enum px_stand stand_of(const struct px_catalogue *cat, const struct px_message *m)
{
	const struct px_cat_type *type = px_catalogue_type(cat, m->header.type);
	return type != NULL ? type->stand : PX_STAND_ANY;
}

/* Whether it says what is on the way: a request to cancel does not, nor does an answer. */
static bool has_content(const struct px_message *m)
{
	return px_keys_first(&m->keys, PX_KEY_EXPECTED_ARRIVAL) != NULL ||
	       px_keys_first(&m->keys, PX_KEY_OFFICE_DESTINATION) != NULL ||
	       px_keys_first(&m->keys, PX_KEY_VEHICLE) != NULL;
}

/* @known: "" none. */
static bool is_same(const char *known, const struct px_message *m, enum px_key_kind kind)
{
	const char *value = px_keys_first(&m->keys, kind);
	return known[0] == '\0' || value == NULL || strcmp(known, value) == 0;
}

/* The declaration that @m is another version of: the newest it fits. What is declared again after it was
 * withdrawn is another one. */
static struct px_journey_version *older(struct px_journey *j, const struct px_message *m, bool amends)
{
	for (unsigned i = j->n; i-- > 0;) {
		struct px_journey_version *v = &j->versions[i];
		if (strcmp(v->sender, m->header.sender) == 0 && is_same(v->lrn, m, PX_KEY_LRN) &&
		    (amends || (!v->cancelled && strcmp(v->type, m->header.type) == 0)))
			return v;
	}
	return NULL;
}

/* Only who sent a declaration withdraws it. */
static void cancel(struct px_journey *j, const struct px_message *m)
{
	struct px_journey_version *v = older(j, m, true);
	if (v != NULL && is_same(v->mrn, m, PX_KEY_MRN))
		v->cancelled = true;
}

static void copy_key(char out[PX_KEY_VALUE_MAX + 1], const struct px_message *m, enum px_key_kind kind)
{
	const char *value = px_keys_first(&m->keys, kind);
	px_strlcpy(out, value != NULL ? value : "", PX_KEY_VALUE_MAX + 1);
}

static int64_t first_limit(const struct px_journey *j, const struct px_message *m)
{
	struct px_expected expected[PX_EXPECTED_MAX];
	unsigned n = px_keys_expected(&m->keys, expected);
	int64_t first = INT64_MAX;
	for (unsigned i = 0; i < n; i++) {
		if (px_office_is_of(expected[i].office, j->authority))
			first = PX_MIN(first, expected[i].limit);
	}
	return first;
}

static struct px_journey_version *begin_version(struct px_journey *j, const struct px_message *m)
{
	if (j->n == PX_JOURNEY_DECLARATIONS) {
		j->beyond++;
		j->beyond_limit = PX_MIN(j->beyond_limit, first_limit(j, m));
		return NULL;
	}
	if ((j->n & (j->n - 1)) == 0) /* full: room doubles */
		j->versions = px_xrealloc_array(j->versions, PX_MAX(j->n * 2, 1U), sizeof(j->versions[0]));
	struct px_journey_version *v = &j->versions[j->n++];
	*v = (struct px_journey_version){.version = 0};
	px_strlcpy(v->sender, m->header.sender, sizeof(v->sender));
	px_strlcpy(v->type, m->header.type, sizeof(v->type));
	copy_key(v->lrn, m, PX_KEY_LRN);
	return v;
}

static void add_version(struct px_journey *j, const struct px_message *m, bool amends)
{
	struct px_journey_version *v = older(j, m, amends);
	if (v == NULL)
		v = begin_version(j, m);
	if (v == NULL)
		return;
	v->message = m->seq;
	v->version++;
	v->limit = first_limit(j, m);
	copy_key(v->mrn, m, PX_KEY_MRN);
}

/* --- messages ---------------------------------------------------------------------------------------- */

static void note_arrivals(struct px_journey *j, const struct px_message *m)
{
	for (unsigned i = 0; i < m->keys.n && j->n_offices < PX_ARRAY_LEN(j->offices); i++) {
		const struct px_key *key = &m->keys.items[i];
		if (key->kind == PX_KEY_ARRIVED && !px_journey_has_arrived(j, key->value))
			px_strlcpy(j->offices[j->n_offices++], key->value, sizeof(j->offices[0]));
	}
}

static void add_message(struct px_journey *j, const struct px_message *m)
{
	bool sent = px_journey_is_sent_to(m, j->authority);
	bool own = strcmp(m->header.sender, j->authority) == 0;
	enum px_stand stand = stand_of(j->cat, m);
	if (!sent && !own)
		return;
	if (own)
		note_arrivals(j, m);
	j->known = j->known || sent;
	if (m->keys.ends_movement && stand == PX_STAND_AMENDS)
		cancel(j, m);
	else
		j->closed = j->closed || m->keys.ends_movement;
	bool begins = stand == PX_STAND_BEGINS || (stand == PX_STAND_ANY && has_content(m) &&
						   px_keys_first(&m->keys, PX_KEY_ARRIVED) == NULL);
	bool amends = stand == PX_STAND_AMENDS && !m->keys.ends_movement && has_content(m);
	if (sent && m->partner[0] != '\0' && (begins || amends))
		add_version(j, m, amends);
}

void px_journey_add(struct px_journey *j, unsigned n, const struct px_message *messages)
{
	for (unsigned i = 0; i < n; i++)
		add_message(j, &messages[i]);
}

/* --- what came of it --------------------------------------------------------------------------------- */

bool px_journey_has_arrived(const struct px_journey *j, const char *office)
{
	for (unsigned i = 0; i < j->n_offices; i++) {
		if (strcmp(j->offices[i], office) == 0)
			return true;
	}
	return false;
}

bool px_journey_stands(const struct px_journey *j, uint64_t seq)
{
	for (unsigned i = 0; i < j->n; i++) {
		if (j->versions[i].message == seq)
			return !j->versions[i].cancelled;
	}
	return j->beyond > 0;
}

enum px_journey_state px_journey_state(const struct px_journey *j, int64_t now)
{
	bool cancelled = j->n > 0 && j->beyond == 0, late = j->beyond_limit < now;
	for (unsigned i = 0; i < j->n; i++) {
		cancelled = cancelled && j->versions[i].cancelled;
		late = late || (!j->versions[i].cancelled && j->versions[i].limit < now);
	}
	return cancelled          ? PX_JOURNEY_CANCELLED
	       : j->closed        ? PX_JOURNEY_CLOSED
	       : j->n_offices > 0 ? PX_JOURNEY_ARRIVED
	       : late             ? PX_JOURNEY_LATE
				  : PX_JOURNEY_EXPECTED;
}
