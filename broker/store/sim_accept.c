/* prinex: simulated store: messages are accepted, movements found and linked
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/sim_parts.h"

#include "base/strings.h"
#include "store/declared.h"

struct sim_message *sim_find(struct sim *s, const char *sender, const char *message_id)
{
	for (size_t i = 0; i < s->n_messages; i++) {
		struct px_header *h = &s->messages[i].header;
		if (!s->messages[i].forgotten && strcmp(h->message_id, message_id) == 0 &&
		    strcmp(h->sender, sender) == 0)
			return &s->messages[i];
	}
	return NULL;
}

/* --- movements ---------------------------------------------------------------------------------------------
 */

uint64_t sim_movement_now(const struct sim *s, uint64_t id)
{
	while (id != 0 && s->movements[id - 1].linked != 0)
		id = s->movements[id - 1].linked;
	return id != 0 && s->movements[id - 1].purged ? 0 : id;
}

struct px_accept_result sim_accepted_before(const struct sim *s, const struct sim_message *m)
{
	return (struct px_accept_result){.rc = PX_EDUPLICATE,
					 .seq = m->seq,
					 .coa = m->coa,
					 .coa_len = m->coa_len,
					 .movement = sim_movement_now(s, m->movement)};
}

static const char *first_or_empty(const struct px_keys *keys, enum px_key_kind kind)
{
	const char *value = px_keys_first(keys, kind);
	return value != NULL ? value : "";
}

/** An MRN belongs to the world, an LRN to one declarant of one authority. */
static struct sim_movement_key *find_key(struct sim *s, const struct px_accept *req, enum px_key_kind kind)
{
	const char *value = px_keys_first(&req->keys, kind);
	const char *declarant = first_or_empty(&req->keys, PX_KEY_DECLARANT);
	if (value == NULL)
		return NULL;
	for (size_t i = 0; i < s->n_movement_keys; i++) {
		struct sim_movement_key *k = &s->movement_keys[i];
		if (k->kind != kind || strcmp(k->value, value) != 0)
			continue;
		if (kind == PX_KEY_MRN ||
		    (strcmp(k->sender, req->header.sender) == 0 && strcmp(k->declarant, declarant) == 0))
			return k;
	}
	return NULL;
}

static bool has_queued(const struct sim *s, uint64_t id)
{
	for (size_t i = s->first_queued; i < s->n_deliveries; i++) {
		const struct sim_delivery *d = &s->deliveries[i];
		if (d->d.state == PX_D_QUEUED &&
		    sim_movement_now(s, s->messages[d->message - 1].movement) == id)
			return true;
	}
	return false;
}

/** While something of it waits, whoever comes must come behind that. 0: one that was purged. */
static bool is_live(const struct sim *s, uint64_t id)
{
	if (id == 0)
		return false;
	const struct sim_movement *m = &s->movements[id - 1];
	return (!m->ended && px_clock_wall(s->clock) < m->live_until) || has_queued(s, id);
}

static bool may_join(const char *declarant, const char *other)
{
	return declarant[0] == '\0' || other[0] == '\0' || strcmp(declarant, other) == 0;
}

static uint64_t live_by_key(struct sim *s, const struct px_accept *req, enum px_key_kind kind)
{
	const struct sim_movement_key *k = find_key(s, req, kind);
	uint64_t id = k != NULL ? sim_movement_now(s, k->movement) : 0;
	return id != 0 && is_live(s, id) ? id : 0;
}

/* Who accepts knows whose an LRN without declarant is, when it says what to join. */
static uint64_t live_by_lrn(struct sim *s, const struct px_accept *req)
{
	bool counts = req->join == 0 || first_or_empty(&req->keys, PX_KEY_DECLARANT)[0] != '\0';
	return counts ? live_by_key(s, req, PX_KEY_LRN) : 0;
}

static uint64_t joinable_by_id(struct sim *s, const struct px_accept *req, const char *sender)
{
	const struct sim_message *m = sim_find(s, sender, req->header.correlation_id);
	uint64_t id = m != NULL ? sim_movement_now(s, m->movement) : 0;
	if (id == 0 || !is_live(s, id))
		return 0;
	const char *declarant = first_or_empty(&req->keys, PX_KEY_DECLARANT);
	return may_join(declarant, s->movements[id - 1].declarant) ? id : 0;
}

static uint64_t by_correlation(struct sim *s, const struct px_accept *req)
{
	if (req->header.correlation_id[0] == '\0')
		return 0;
	for (unsigned i = 0; i < req->header.n_recipients; i++) {
		uint64_t id = joinable_by_id(s, req, req->header.recipients[i]);
		if (id != 0)
			return id;
	}
	return joinable_by_id(s, req, req->header.sender);
}

/* What keys do not find. */
static uint64_t otherwise(struct sim *s, const struct px_accept *req)
{
	uint64_t id = by_correlation(s, req);
	uint64_t join = id == 0 && req->join <= s->n_movements ? sim_movement_now(s, req->join) : 0;
	if (join == 0 || !is_live(s, join) ||
	    !may_join(first_or_empty(&req->keys, PX_KEY_DECLARANT), s->movements[join - 1].declarant))
		return id;
	return join;
}

static void report_conflict(struct px_accept_result *result, const struct px_accept *req,
			    enum px_key_kind kind)
{
	result->owner_conflict = true;
	px_strlcpy(result->conflict_key, px_keys_first(&req->keys, kind), sizeof(result->conflict_key));
}

static uint64_t link_movements(struct sim *s, uint64_t a, uint64_t b)
{
	uint64_t keep = PX_MIN(a, b), gone = PX_MAX(a, b);
	struct sim_movement *k = &s->movements[keep - 1], *g = &s->movements[gone - 1];
	k->live_until = PX_MAX(k->live_until, g->live_until);
	k->ended = k->ended && g->ended;
	if (k->declarant[0] == '\0')
		px_strlcpy(k->declarant, g->declarant, sizeof(k->declarant));
	g->linked = keep;
	return keep;
}

/** The live movements the message's keys lead to, linked; 0 none. */
static uint64_t by_keys(struct sim *s, const struct px_accept *req, struct px_accept_result *result)
{
	const char *declarant = first_or_empty(&req->keys, PX_KEY_DECLARANT);
	uint64_t mrn = live_by_key(s, req, PX_KEY_MRN);
	uint64_t lrn = live_by_lrn(s, req);
	if (mrn != 0 && !may_join(declarant, s->movements[mrn - 1].declarant)) {
		report_conflict(result, req, PX_KEY_MRN);
		mrn = 0;
	}
	if (mrn == 0 || lrn == 0 || mrn == lrn)
		return mrn != 0 ? mrn : lrn;
	if (!may_join(s->movements[mrn - 1].declarant, s->movements[lrn - 1].declarant)) {
		report_conflict(result, req, PX_KEY_LRN);
		return mrn;
	}
	return link_movements(s, mrn, lrn);
}

static uint64_t new_movement(struct sim *s, const struct px_accept *req)
{
	struct sim_movement *m = SIM_APPEND(s, movements);
	m->live_until = px_clock_wall(s->clock) + req->movement_life;
	return s->n_movements;
}

static bool begins(const struct px_accept *req)
{
	return px_deed_of(req->catalogue, &req->header, &req->keys) == PX_DEED_DECLARES;
}

/** An MRN passes on from those who only named it to who declares. */
static bool passes_on(const struct sim *s, const struct px_accept *req, enum px_key_kind kind,
		      uint64_t movement)
{
	for (size_t i = 0; i < s->n_messages; i++) {
		const struct sim_message *m = &s->messages[i];
		enum px_deed deed = px_deed_of(req->catalogue, &m->header, &m->keys);
		if (!m->purged && sim_movement_now(s, m->movement) == movement &&
		    (deed == PX_DEED_DECLARES || deed == PX_DEED_AMENDS))
			return false;
	}
	return kind == PX_KEY_MRN && begins(req);
}

/** Let a key of the message point to its movement, unless it is that of another live movement (a conflict).
 */
static void keep_key(struct sim *s, const struct px_accept *req, enum px_key_kind kind, uint64_t movement)
{
	const char *value = px_keys_first(&req->keys, kind);
	if (value == NULL)
		return;
	struct sim_movement_key *k = find_key(s, req, kind);
	if (k == NULL) {
		k = SIM_APPEND(s, movement_keys);
		k->kind = kind;
		px_strlcpy(k->value, value, sizeof(k->value));
		px_strlcpy(k->sender, req->header.sender, sizeof(k->sender));
		px_strlcpy(k->declarant, first_or_empty(&req->keys, PX_KEY_DECLARANT), sizeof(k->declarant));
	} else if (is_live(s, sim_movement_now(s, k->movement)) &&
		   !passes_on(s, req, kind, sim_movement_now(s, k->movement))) {
		return;
	}
	k->movement = movement;
}

static uint64_t join_movement(struct sim *s, const struct px_accept *req, bool ends,
			      struct px_accept_result *result)
{
	if (req->confirmations)
		return 0;
	uint64_t id = by_keys(s, req, result);
	if (id == 0)
		id = otherwise(s, req);
	if (id == 0)
		id = new_movement(s, req);
	keep_key(s, req, PX_KEY_MRN, id);
	keep_key(s, req, PX_KEY_LRN, id);
	struct sim_movement *m = &s->movements[id - 1];
	if (m->declarant[0] == '\0')
		px_strlcpy(m->declarant, first_or_empty(&req->keys, PX_KEY_DECLARANT), sizeof(m->declarant));
	m->ended = ends || (m->ended && !begins(req));
	return id;
}

/* --- accept ------------------------------------------------------------------------------------------------
 */

static bool is_owed(const struct sim *s, uint64_t id)
{
	for (size_t i = 0; i < s->n_owed; i++) {
		if (s->owed[i].id == id)
			return true;
	}
	return false;
}

static void consume(struct sim *s, uint64_t id)
{
	for (size_t i = 0; i < s->n_owed; i++) {
		if (s->owed[i].id != id)
			continue;
		free(s->owed[i].data);
		memmove(&s->owed[i], &s->owed[i + 1], (s->n_owed - i - 1) * sizeof(s->owed[0]));
		s->n_owed--;
		return;
	}
}

/** The live movements that the message would join, as they are now; 0 none. */
static void would_join(struct sim *s, const struct px_accept *req, uint64_t found[2])
{
	const char *declarant = first_or_empty(&req->keys, PX_KEY_DECLARANT);
	uint64_t mrn = live_by_key(s, req, PX_KEY_MRN);
	uint64_t lrn = live_by_lrn(s, req);
	if (mrn != 0 && !may_join(declarant, s->movements[mrn - 1].declarant))
		mrn = 0;
	if (mrn != 0 && lrn != 0 &&
	    !may_join(s->movements[mrn - 1].declarant, s->movements[lrn - 1].declarant))
		lrn = 0;
	found[0] = mrn;
	found[1] = lrn;
	if (mrn == 0 && lrn == 0)
		found[0] = otherwise(s, req);
}

static bool is_for_sender(const struct sim *s, const struct sim_message *m, const struct px_accept *req)
{
	bool found = false, sent = false;
	for (size_t i = 0; i < s->n_deliveries; i++) {
		const struct px_delivery *d = &s->deliveries[i].d;
		if (s->deliveries[i].message == m->seq && strcmp(d->recipient, req->header.sender) == 0) {
			found = true;
			sent = sent || px_delivery_is_sent(d);
		}
	}
	return px_declaration_is_for(&m->header, &m->keys, req->header.sender, found, sent);
}

static bool is_met(const struct px_accept *req, const struct px_declared *declared, bool own)
{
	switch (req->need) {
	case PX_NEED_NONE: return true;
	case PX_NEED_OWN: return own;
	case PX_NEED_NEW: return !px_declared_has(declared, PX_NEED_NEW, &req->header, &req->keys);
	default: return px_declared_has(declared, req->need, &req->header, &req->keys);
	}
}

/** @ends: it ends the movement. */
static bool has_what_it_needs(struct sim *s, const struct px_accept *req, bool *ends)
{
	struct px_declared declared = {.cat = req->catalogue};
	uint64_t joins[2];
	bool own = false;
	*ends = false;
	if (req->confirmations || (req->need == PX_NEED_NONE && !req->keys.ends_movement))
		return true;
	would_join(s, req, joins);
	for (size_t i = 0; i < s->n_messages; i++) {
		const struct sim_message *m = &s->messages[i];
		uint64_t movement = m->purged ? 0 : sim_movement_now(s, m->movement);
		if (movement == 0 || (movement != joins[0] && movement != joins[1]))
			continue;
		own = own || (px_stand_of(req->catalogue, m->header.type) == PX_STAND_BEGINS &&
			      strcmp(m->header.sender, req->header.sender) == 0);
		px_declared_add(&declared, &m->header, &m->keys, is_for_sender(s, m, req));
	}
	bool met = is_met(req, &declared, own);
	*ends = met && px_declared_ends(&declared, &req->header, &req->keys);
	px_declared_free(&declared);
	return met;
}

static int check_preconditions(struct sim *s, const struct px_accept *req, bool *ends,
			       struct px_accept_result *result)
{
	const struct sim_message *m = sim_find(s, req->header.sender, req->header.message_id);
	if (m != NULL && memcmp(m->body->digest, req->body->digest, PX_DIGEST_LEN) != 0)
		return PX_ECONFLICT;
	if (m != NULL) {
		*result = sim_accepted_before(s, m);
		return PX_EDUPLICATE;
	}
	if (req->partner[0] != '\0' && req->header.created_at <= s->forgotten) {
		result->forgotten = s->forgotten;
		if (s->forgotten <= px_clock_wall(s->clock) + PX_REC_AHEAD)
			return PX_EPRECONDITION;
		result->forgotten = 0;
		s->forgotten = INT64_MIN; /* of a clock that was ahead */
	}
	for (unsigned i = 0; i < req->n_consume; i++) {
		if (!is_owed(s, req->consume[i]))
			return PX_EPRECONDITION;
	}
	result->need_unmet = !has_what_it_needs(s, req, ends);
	return result->need_unmet ? PX_EPRECONDITION : PX_OK;
}

static struct sim_message *keep_message(struct sim *s, const struct px_accept *req, uint64_t movement,
					const struct px_buf *coa)
{
	struct sim_message *m = SIM_APPEND(s, messages);
	*m = (struct sim_message){.seq = s->n_messages,
				  .header = req->header,
				  .body = px_body_ref(req->body),
				  .accepted = px_clock_wall(s->clock),
				  .prio = req->prio,
				  .confirmations = req->confirmations,
				  .movement = movement,
				  .keys = req->keys,
				  .coa = px_xmemdup(coa->data, coa->len),
				  .coa_len = coa->len,
				  .horizon_end = req->horizon_end};
	m->keys.items = px_xmemdup(req->keys.items, req->keys.n * sizeof(struct px_key));
	px_strlcpy(m->partner, req->partner, sizeof(m->partner));
	if (m->partner[0] == '\0')
		return m;
	s->shortest = PX_MIN(s->shortest, req->horizon_end - req->header.created_at);
	if (s->newest > px_clock_wall(s->clock) + PX_REC_AHEAD)
		s->newest = req->header.created_at;
	s->newest = PX_MAX(s->newest, req->header.created_at);
	return m;
}

static uint64_t keep_delivery(struct sim *s, const struct sim_message *m, const struct px_new_delivery *new)
{
	struct sim_delivery *d = SIM_APPEND(s, deliveries);
	d->message = m->seq;
	d->d = (struct px_delivery){.id = s->n_deliveries,
				    .message = m->seq,
				    .prio = m->prio,
				    .state = PX_D_QUEUED,
				    .created = m->accepted,
				    .due = m->accepted,
				    .deadline = new->deadline};
	px_strlcpy(d->d.recipient, new->recipient, sizeof(d->d.recipient));
	px_strlcpy(d->d.partner, new->partner, sizeof(d->d.partner));
	px_strlcpy(d->d.route, new->route, sizeof(d->d.route));
	return d->d.id;
}

static void journal_accepted(struct sim *s, const struct sim_message *m)
{
	struct px_journal_entry entry = {.kind = PX_J_ACCEPTED,
					 .partner = m->partner,
					 .sender = m->header.sender,
					 .message_id = m->header.message_id,
					 .has_digest = true,
					 .code = m->header.type};
	memcpy(entry.digest, m->body->digest, PX_DIGEST_LEN);
	sim_journal_append(s, &entry);
}

int sim_accept(struct sim *s, const struct px_accept *req, struct sim_accepted *out)
{
	struct px_accept_result *result = &out->result;
	bool ends = false;
	struct px_buf coa = PX_BUF_INIT;
	int rc = check_preconditions(s, req, &ends, result);
	if (rc != PX_OK)
		return rc;
	px_buf_add(&coa, req->coa, req->coa_len);
	if (req->seal != NULL && req->seal(req->sealer, &coa) != PX_OK) {
		px_buf_free(&coa);
		return PX_ESIGNATURE;
	}
	for (unsigned i = 0; i < req->n_consume; i++)
		consume(s, req->consume[i]);
	result->movement = join_movement(s, req, ends, result);
	const struct sim_message *m = keep_message(s, req, result->movement, &coa);
	px_buf_free(&coa);
	result->seq = m->seq;
	result->coa = m->coa;
	result->coa_len = m->coa_len;
	journal_accepted(s, m);
	for (unsigned i = 0; i < req->n_deliveries; i++)
		out->delivery_ids[i] = keep_delivery(s, m, &req->deliveries[i]);
	for (unsigned i = 0; i < req->n_apply; i++)
		out->applied[i] = sim_apply(s, &req->apply[i]);
	result->n_deliveries = req->n_deliveries;
	result->delivery_ids = out->delivery_ids;
	result->applied = out->applied;
	return PX_OK;
}
