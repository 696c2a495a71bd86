/* prinex: what one authority knows of a movement
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/journey.h"

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

bool px_journey_has_arrived(unsigned n, const struct px_message *messages, const char *authority,
			    const char *office)
{
	for (unsigned i = 0; i < n; i++) {
		const struct px_keys *keys = &messages[i].keys;
		for (unsigned k = 0; k < keys->n && strcmp(messages[i].header.sender, authority) == 0; k++) {
			if (keys->items[k].kind == PX_KEY_ARRIVED &&
			    (office == NULL || strcmp(keys->items[k].value, office) == 0))
				return true;
		}
	}
	return false;
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

static bool same_lrn(const struct px_message *a, const struct px_message *b)
{
	const char *x = px_keys_first(&a->keys, PX_KEY_LRN), *y = px_keys_first(&b->keys, PX_KEY_LRN);
	return x == NULL || y == NULL || strcmp(x, y) == 0;
}

/* The declaration that @m is another version of: the newest it fits. */
static struct px_journey_version *older(struct px_journey *j, const struct px_message *m, bool amends)
{
	for (unsigned i = j->n; i-- > 0;) {
		const struct px_message *first = j->versions[i].first;
		if (strcmp(first->header.sender, m->header.sender) == 0 && same_lrn(first, m) &&
		    (amends || strcmp(first->header.type, m->header.type) == 0))
			return &j->versions[i];
	}
	return NULL;
}

static bool same_mrn(const struct px_message *a, const struct px_message *b)
{
	const char *x = px_keys_first(&a->keys, PX_KEY_MRN), *y = px_keys_first(&b->keys, PX_KEY_MRN);
	return x == NULL || y == NULL || strcmp(x, y) == 0;
}

/* Only who sent a declaration withdraws it. */
static void cancel(struct px_journey *j, const struct px_message *m)
{
	struct px_journey_version *v = older(j, m, true);
	if (v != NULL && same_mrn(v->message, m))
		v->cancelled = true;
}

static bool all_cancelled(const struct px_journey *j)
{
	for (unsigned i = 0; i < j->n; i++) {
		if (!j->versions[i].cancelled)
			return false;
	}
	return j->n > 0;
}

static void add_version(struct px_journey *j, const struct px_message *m, bool amends)
{
	struct px_journey_version *v = older(j, m, amends);
	if (v == NULL && j->n < PX_JOURNEY_VERSIONS) {
		v = &j->versions[j->n++];
		*v = (struct px_journey_version){.first = m};
	}
	if (v == NULL)
		return;
	v->message = m;
	v->version++;
}

/* --- state ------------------------------------------------------------------------------------------- */

static bool is_late(const struct px_journey *j, const char *authority, int64_t now)
{
	struct px_expected expected[PX_EXPECTED_MAX];
	for (unsigned i = 0; i < j->n; i++) {
		if (j->versions[i].cancelled)
			continue;
		unsigned n = px_keys_expected(&j->versions[i].message->keys, expected);
		for (unsigned k = 0; k < n; k++) {
			if (px_office_is_of(expected[k].office, authority) && expected[k].limit < now)
				return true;
		}
	}
	return false;
}

void px_journey_read(const struct px_catalogue *cat, const char *authority, unsigned n,
		     const struct px_message *messages, int64_t now, struct px_journey *out)
{
	bool closed = false;
	*out = (struct px_journey){.known = false};
	for (unsigned i = 0; i < n; i++) {
		const struct px_message *m = &messages[i];
		bool sent = px_journey_is_sent_to(m, authority);
		enum px_stand stand = stand_of(cat, m);
		if (!sent && strcmp(m->header.sender, authority) != 0)
			continue;
		out->known = out->known || sent;
		if (m->keys.ends_movement && stand == PX_STAND_AMENDS)
			cancel(out, m);
		else
			closed = closed || m->keys.ends_movement;
		bool begins = stand == PX_STAND_BEGINS || (stand == PX_STAND_ANY && has_content(m) &&
							   px_keys_first(&m->keys, PX_KEY_ARRIVED) == NULL);
		bool amends = stand == PX_STAND_AMENDS && !m->keys.ends_movement && has_content(m);
		if (sent && m->partner[0] != '\0' && (begins || amends))
			add_version(out, m, amends);
	}
	out->state = all_cancelled(out)                                     ? PX_JOURNEY_CANCELLED
		     : closed                                               ? PX_JOURNEY_CLOSED
		     : px_journey_has_arrived(n, messages, authority, NULL) ? PX_JOURNEY_ARRIVED
		     : is_late(out, authority, now)                         ? PX_JOURNEY_LATE
									    : PX_JOURNEY_EXPECTED;
}
