/* prinex: what one authority knows of a movement
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/journey.h"

#include "base/strings.h"

static const char *const names[] = {"unannounced", "expected", "late", "arrived", "closed", "cancelled"};

const char *px_journey_state_name(enum px_journey_state state)
{
	px_assert((size_t)state < PX_ARRAY_LEN(names));
	return names[state];
}

bool px_journey_is_sent_to(const struct px_message *m, const char *authority)
{
	for (unsigned i = 0; i < m->n_deliveries; i++) {
		if (strcmp(m->deliveries[i].recipient, authority) == 0 &&
		    px_delivery_is_sent(&m->deliveries[i]))
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

/* The declaration that @m is another version of: the newest it fits. */
static struct px_journey_version *older(struct px_journey *j, const struct px_message *m, enum px_deed deed)
{
	for (unsigned i = j->n; i-- > 0;) {
		if (px_declaration_fits(&j->versions[i].is, deed, &m->header, &m->keys))
			return &j->versions[i];
	}
	return NULL;
}

static void withdraw(struct px_journey *j, const struct px_message *m)
{
	for (unsigned i = 0; i < j->n; i++) {
		struct px_declaration *d = &j->versions[i].is;
		d->withdrawn = d->withdrawn ||
			       px_declaration_fits(d, PX_DEED_WITHDRAWS, &m->header, &m->keys);
	}
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
	px_assert(j->versions != NULL);
	struct px_journey_version *v = &j->versions[j->n++];
	*v = (struct px_journey_version){.version = 0};
	px_declaration_begin(&v->is, &m->header, &m->keys);
	return v;
}

static void add_version(struct px_journey *j, const struct px_message *m, enum px_deed deed)
{
	struct px_journey_version *v = older(j, m, deed);
	if (v == NULL)
		v = begin_version(j, m);
	if (v == NULL)
		return;
	v->message = m->seq;
	v->version++;
	v->limit = first_limit(j, m);
	px_declaration_renew(&v->is, &m->keys);
}

/* --- messages ---------------------------------------------------------------------------------------- */

static bool has_standing(const struct px_journey *j)
{
	bool any = j->beyond > 0;
	for (unsigned i = 0; i < j->n && !any; i++)
		any = !j->versions[i].is.withdrawn;
	return any;
}

static void note_arrivals(struct px_journey *j, const struct px_message *m)
{
	for (unsigned i = 0; i < m->keys.n && j->n_offices < PX_ARRAY_LEN(j->offices); i++) {
		const struct px_key *key = &m->keys.items[i];
		if (key->kind == PX_KEY_ARRIVED && !px_journey_has_arrived(j, key->value))
			px_strlcpy(j->offices[j->n_offices++], key->value, sizeof(j->offices[0]));
	}
}

static bool is_party(const struct px_journey *j, const char *authority)
{
	for (unsigned i = 0; i < j->n_parties; i++) {
		if (strcmp(j->parties[i], authority) == 0)
			return true;
	}
	for (unsigned i = 0; i < j->n_countries; i++) {
		if (strncmp(j->countries[i], authority, 2) == 0)
			return true;
	}
	return false;
}

static void note_party(struct px_journey *j, const char *authority)
{
	for (unsigned i = 0; i < j->n_parties; i++) {
		if (strcmp(j->parties[i], authority) == 0)
			return;
	}
	if (j->n_parties < PX_JOURNEY_PARTIES)
		px_strlcpy(j->parties[j->n_parties++], authority, sizeof(j->parties[0]));
}

static void note_country(struct px_journey *j, const char *office)
{
	for (unsigned i = 0; i < j->n_countries; i++) {
		if (strncmp(j->countries[i], office, 2) == 0)
			return;
	}
	if (j->n_countries < PX_JOURNEY_PARTIES)
		px_strlcpy_n(j->countries[j->n_countries++], office, PX_MIN(strlen(office), (size_t)2), 3);
}

static bool has_delivery(const struct px_message *m, const char *authority)
{
	for (unsigned i = 0; i < m->n_deliveries; i++) {
		if (strcmp(m->deliveries[i].recipient, authority) == 0)
			return true;
	}
	return false;
}

/* As px_declaration_is_for says it, for everybody at once. */
static void note_parties(struct px_journey *j, const struct px_message *m)
{
	for (unsigned i = 0; i < m->n_deliveries; i++) {
		if (px_delivery_is_sent(&m->deliveries[i]))
			note_party(j, m->deliveries[i].recipient);
	}
	for (unsigned i = 0; i < m->header.n_recipients; i++) {
		if (!has_delivery(m, m->header.recipients[i]))
			note_party(j, m->header.recipients[i]);
	}
	for (unsigned i = 0; i < m->keys.n && m->header.n_recipients == 0; i++) {
		if (px_key_is_office_ahead(m->keys.items[i].kind))
			note_country(j, m->keys.items[i].value);
	}
}

/* Nothing that stands was declared by anybody else. What is beyond those told apart may have been. */
static bool is_all_of(const struct px_journey *j, const char *sender)
{
	bool any = false;
	for (unsigned i = 0; i < j->n; i++) {
		const struct px_declaration *d = &j->versions[i].is;
		if (!d->withdrawn && strcmp(d->sender, sender) != 0)
			return false;
		any = any || !d->withdrawn;
	}
	return any && j->beyond == 0;
}

/* What the authority was not sent cannot be seen here; what it was sent has to stand. */
static bool may_close(const struct px_journey *j, enum px_stand stand, const struct px_message *m)
{
	switch (stand) {
	case PX_STAND_BEGINS:
	case PX_STAND_CLOSES: return is_all_of(j, m->header.sender);
	case PX_STAND_ANSWERS: return is_party(j, m->header.sender) && has_standing(j);
	default: return false;
	}
}

static void add_message(struct px_journey *j, const struct px_message *m)
{
	bool sent = px_journey_is_sent_to(m, j->authority);
	bool own = strcmp(m->header.sender, j->authority) == 0;
	enum px_deed deed = px_deed_of(j->cat, &m->header, &m->keys);
	if (!sent && !own)
		return;
	if (own)
		note_arrivals(j, m);
	j->known = j->known || sent;
	if (sent && m->partner[0] != '\0' && (deed == PX_DEED_DECLARES || deed == PX_DEED_AMENDS)) {
		add_version(j, m, deed);
		note_parties(j, m);
		j->closed = j->closed && deed != PX_DEED_DECLARES; /* declared anew, it goes on */
	}
	if (deed == PX_DEED_WITHDRAWS)
		withdraw(j, m);
	else if (m->keys.ends_movement)
		j->closed = j->closed || may_close(j, px_stand_of(j->cat, m->header.type), m);
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

bool px_journey_awaits(const struct px_journey *j, const char *office, bool named)
{
	return j->n_offices == 0 || (named && !px_journey_has_arrived(j, office));
}

bool px_journey_stands(const struct px_journey *j, uint64_t seq)
{
	for (unsigned i = 0; i < j->n; i++) {
		if (j->versions[i].message == seq)
			return !j->versions[i].is.withdrawn;
	}
	return j->beyond > 0;
}

enum px_journey_state px_journey_state(const struct px_journey *j, int64_t now)
{
	bool announced = j->n > 0 || j->beyond > 0, late = j->beyond_limit < now;
	for (unsigned i = 0; i < j->n; i++)
		late = late || (!j->versions[i].is.withdrawn && j->versions[i].limit < now);
	return announced && !has_standing(j) ? PX_JOURNEY_CANCELLED
	       : j->closed                   ? PX_JOURNEY_CLOSED
	       : j->n_offices > 0            ? PX_JOURNEY_ARRIVED
	       : late                        ? PX_JOURNEY_LATE
	       : announced                   ? PX_JOURNEY_EXPECTED
					     : PX_JOURNEY_UNANNOUNCED;
}
