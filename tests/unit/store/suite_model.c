/* prinex: store suite: a tiny model of what a store holds
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_model.h"

void model_start(struct model *m)
{
	memset(m, 0, sizeof(*m));
	memset(m->mrn, -1, sizeof(m->mrn));
	memset(m->lrn, -1, sizeof(m->lrn));
	m->entries = 1; /* opened */
}

int model_find(const struct model *m, int sender, int number)
{
	for (int i = 0; i < m->n_messages; i++) {
		if (m->messages[i].note.sender == sender && m->messages[i].note.number == number)
			return i;
	}
	return -1;
}

/* --- movements ---------------------------------------------------------------------------------------------
 */

static bool is_live(const struct model *m, int colour, int64_t now)
{
	if (colour < 0)
		return false;
	for (int i = 0; i < m->n_deliveries; i++) {
		if (m->deliveries[i].state == PX_D_QUEUED &&
		    m->messages[m->deliveries[i].message].colour == colour)
			return true;
	}
	return !m->movements[colour].ended && now < m->movements[colour].live_until;
}

static bool is_other(int declarant, int owner)
{
	return declarant >= 0 && owner >= 0 && declarant != owner;
}

/** Everything of colour @from becomes @to. */
static void paint(struct model *m, int from, int to)
{
	for (int i = 0; i < m->n_messages; i++) {
		if (m->messages[i].colour == from)
			m->messages[i].colour = to;
	}
	for (int i = 0; i < MODEL_KEYS; i++) {
		if (m->mrn[i] == from)
			m->mrn[i] = to;
	}
	int *lrn = &m->lrn[0][0][0];
	for (size_t i = 0; i < sizeof(m->lrn) / sizeof(int); i++) {
		if (lrn[i] == from)
			lrn[i] = to;
	}
	struct model_movement *a = &m->movements[to], *b = &m->movements[from];
	if (a->owner < 0)
		a->owner = b->owner;
	if (b->live_until > a->live_until)
		a->live_until = b->live_until;
	a->ended = a->ended && b->ended;
	b->gone = true;
}

static int correlated(const struct model *m, const struct model_note *note, int64_t now)
{
	for (int i = 0; note->correlation >= 0 && i <= note->n_to; i++) {
		int found = model_find(m, i < note->n_to ? note->to[i] : note->sender, note->correlation);
		int colour = found >= 0 ? m->messages[found].colour : -1;
		if (is_live(m, colour, now) && !is_other(note->declarant, m->movements[colour].owner))
			return colour;
	}
	return -1;
}

static int colour_of(struct model *m, const struct model_note *note, int64_t now, struct model_result *r)
{
	int a = note->mrn >= 0 ? m->mrn[note->mrn] : -1;
	int b = note->lrn >= 0 ? m->lrn[note->sender][note->declarant + 1][note->lrn] : -1;
	if (!is_live(m, a, now))
		a = -1;
	if (!is_live(m, b, now))
		b = -1;
	if (a >= 0 && is_other(note->declarant, m->movements[a].owner)) {
		r->conflict = true;
		r->conflict_key = note->mrn;
		a = -1;
	}
	if (a >= 0 && b >= 0 && a != b) {
		if (is_other(m->movements[a].owner, m->movements[b].owner)) {
			r->conflict = r->conflict_is_lrn = true;
			r->conflict_key = note->lrn;
			return a;
		}
		paint(m, a > b ? a : b, a > b ? b : a);
		return a > b ? b : a;
	}
	if (a >= 0 || b >= 0)
		return a >= 0 ? a : b;
	int c = correlated(m, note, now);
	if (c >= 0)
		return c;
	m->movements[m->n_movements] = (struct model_movement){.owner = -1, .live_until = now + note->life};
	return m->n_movements++;
}

static bool is_all_of(const struct model *m, int colour, int sender)
{
	for (int i = 0; i < m->n_messages; i++) {
		if (m->messages[i].colour == colour && m->messages[i].note.sender != sender)
			return false;
	}
	return true;
}

static int join(struct model *m, const struct model_note *note, int64_t now, struct model_result *r)
{
	if (note->confirmations)
		return -1;
	int colour = colour_of(m, note, now, r);
	if (note->mrn >= 0 && !is_live(m, m->mrn[note->mrn], now))
		m->mrn[note->mrn] = colour;
	int *lrn = note->lrn >= 0 ? &m->lrn[note->sender][note->declarant + 1][note->lrn] : NULL;
	if (lrn != NULL && !is_live(m, *lrn, now))
		*lrn = colour;
	if (m->movements[colour].owner < 0)
		m->movements[colour].owner = note->declarant;
	/* All are declarations: one ends what its sender alone has declared, and any other goes on. */
	m->movements[colour].ended = note->ends && is_all_of(m, colour, note->sender);
	return colour;
}

/* --- accept ------------------------------------------------------------------------------------------------
 */

static int owed_index(const struct model *m, uint64_t id)
{
	for (int i = 0; i < m->n_owed; i++) {
		if (m->owed[i].id == id)
			return i;
	}
	return -1;
}

static bool may_become(enum px_delivery_state from, enum px_delivery_state to)
{
	switch (from) {
	case PX_D_QUEUED: return true;
	case PX_D_HANDED_OVER: return to != PX_D_QUEUED && to != PX_D_HANDED_OVER;
	case PX_D_UNKNOWN:
	case PX_D_CANCELLED: return to == PX_D_DELIVERED || to == PX_D_REFUSED;
	default: return false;
	}
}

static enum px_apply_result apply(struct model *m, const struct model_apply *a, int64_t now)
{
	int message = model_find(m, a->sender, a->number);
	if (message < 0)
		return PX_APPLY_NO_MESSAGE;
	if (m->messages[message].note.variant != a->variant)
		return PX_APPLY_NO_MATCH;
	bool found = false, changed = false;
	for (int i = 0; i < m->n_deliveries; i++) {
		struct model_delivery *d = &m->deliveries[i];
		bool meant = d->recipient == a->recipient && (a->partner < 0 || d->partner == a->partner);
		if (d->message != message || !meant)
			continue;
		found = true;
		if (!may_become(d->state, a->state))
			continue;
		changed = true;
		d->state = a->state;
		d->body_sent = true;
		d->ended = now;
		d->error = -1; /* whatever is shown */
		d->token = (struct px_token){0};
		m->entries++;
	}
	if (!found)
		return PX_APPLY_NO_MATCH;
	return changed ? PX_APPLIED : PX_APPLY_ALREADY;
}

struct model_result model_accept(struct model *m, const struct model_note *note, int64_t now)
{
	struct model_result r = {.rc = PX_OK, .message = model_find(m, note->sender, note->number)};
	if (r.message >= 0) {
		r.rc = m->messages[r.message].note.variant == note->variant ? PX_EDUPLICATE : PX_ECONFLICT;
		return r;
	}
	for (int i = 0; i < note->n_consume; i++) {
		if (owed_index(m, note->consume[i]) < 0)
			r.rc = PX_EPRECONDITION;
	}
	if (r.rc != PX_OK)
		return r;
	for (int i = 0; i < note->n_consume; i++) {
		int at = owed_index(m, note->consume[i]);
		memmove(&m->owed[at], &m->owed[at + 1], (size_t)(--m->n_owed - at) * sizeof(m->owed[0]));
	}
	px_assert(m->n_messages < MODEL_MESSAGES && m->n_deliveries + MODEL_LIST < MODEL_DELIVERIES);
	int colour = join(m, note, now, &r);
	r.colour = colour;
	r.message = m->n_messages++;
	m->messages[r.message] = (struct model_message){.note = *note, .accepted = now, .colour = colour};
	for (int i = 0; i < note->n_to; i++)
		m->deliveries[m->n_deliveries++] = (struct model_delivery){.message = r.message,
									   .recipient = note->to[i],
									   .partner = note->via[i],
									   .due = now,
									   .deadline = note->deadline};
	m->entries++;
	for (int i = 0; i < note->n_apply; i++)
		r.applied[i] = apply(m, &note->apply[i], now);
	return r;
}

/* --- deliveries --------------------------------------------------------------------------------------------
 */

static bool is_same_queue(const struct model *m, int a, int b)
{
	int colour = m->messages[m->deliveries[a].message].colour;
	return colour >= 0 && colour == m->messages[m->deliveries[b].message].colour &&
	       m->deliveries[a].recipient == m->deliveries[b].recipient;
}

static bool is_first(const struct model *m, int delivery)
{
	for (int i = 0; i < delivery; i++) {
		if (m->deliveries[i].state == PX_D_QUEUED && is_same_queue(m, i, delivery))
			return false;
	}
	return true;
}

bool model_is_head(const struct model *m, int delivery)
{
	const struct model_delivery *d = &m->deliveries[delivery];
	if (d->state != PX_D_QUEUED)
		return false;
	bool confirmations = m->messages[d->message].colour < 0;
	for (int i = 0; !confirmations && i < m->n_deliveries; i++) {
		const struct model_delivery *other = &m->deliveries[i];
		if (other->message == d->message && other->partner == d->partner &&
		    other->state == PX_D_QUEUED && !is_first(m, i))
			return false;
	}
	return true;
}

enum px_prio model_class(const struct model *m, int delivery)
{
	enum px_prio best = m->messages[m->deliveries[delivery].message].note.prio;
	for (int i = delivery + 1; i < m->n_deliveries; i++) {
		enum px_prio prio = m->messages[m->deliveries[i].message].note.prio;
		if (m->deliveries[i].state == PX_D_QUEUED && is_same_queue(m, delivery, i) && prio < best)
			best = prio;
	}
	return best;
}

int model_by_id(const struct model *m, uint64_t delivery)
{
	for (int i = 0; i < m->n_deliveries; i++) {
		if (m->deliveries[i].id == delivery)
			return i;
	}
	return -1;
}

static void owe(struct model *m, const struct model_message *message, size_t len, int64_t now)
{
	if (len == 0 || message->note.confirmations || message->note.from < 0)
		return;
	m->owed[m->n_owed++] = (struct model_owed){
	    .partner = message->note.from, .ref_sender = message->note.sender, .created = now, .len = len};
}

/* A hub gets a message for all recipients at once: while one is under way all are, and when one was sent all
 * were. */
static bool goes_along(const struct model *m, const struct model_delivery *d, const struct model_settle *s)
{
	bool ends = s->state == PX_D_EXPIRED || s->state == PX_D_UNKNOWN || s->state == PX_D_CANCELLED;
	for (int i = 0; i < m->n_deliveries; i++) {
		const struct model_delivery *other = &m->deliveries[i];
		bool sent = other->body_sent && s->state == PX_D_EXPIRED;
		if (other != d && other->message == d->message && other->partner == d->partner &&
		    (sent || other->token.counter != 0))
			return ends && d->state == PX_D_QUEUED && d->token.counter == 0;
	}
	return false;
}

int model_settle(struct model *m, const struct model_settle *s, int64_t now)
{
	if (s->delivery < 0)
		return PX_ENOTFOUND;
	struct model_delivery *d = &m->deliveries[s->delivery];
	if (s->token.epoch != d->token.epoch || s->token.counter != d->token.counter)
		return PX_ESTALE;
	if (!may_become(d->state, s->state))
		return PX_EPRECONDITION;
	if ((s->state == PX_D_EXPIRED && d->body_sent) || goes_along(m, d, s))
		return PX_ESTALE;
	m->entries += s->state != PX_D_QUEUED || s->error != d->error;
	d->state = s->state;
	d->token = (struct px_token){0};
	d->attempts += s->attempted;
	d->body_sent |= s->body_sent;
	d->error = s->error;
	if (s->state == PX_D_QUEUED)
		d->due = s->due;
	else if (s->state == PX_D_HANDED_OVER)
		d->deadline = s->due;
	else
		d->ended = now;
	owe(m, &m->messages[d->message], s->owed, now);
	return PX_OK;
}

void model_requeue(struct model *m, int partner, int64_t due)
{
	for (int i = 0; i < m->n_deliveries; i++) {
		struct model_delivery *d = &m->deliveries[i];
		if (d->partner == partner && d->token.counter == 0 && d->due > due && model_is_head(m, i))
			d->due = due;
	}
}

static bool is_ready(const struct model *m, int i, int partner, int64_t now)
{
	const struct model_delivery *d = &m->deliveries[i];
	return d->partner == partner && d->token.counter == 0 && d->due <= now && model_is_head(m, i);
}

/** Is there one that should have been leased before @i: same class, earlier due or older? */
static bool has_earlier(const struct model *m, int i, int partner, int64_t now)
{
	for (int k = 0; k < m->n_deliveries; k++) {
		bool earlier = m->deliveries[k].due < m->deliveries[i].due ||
			       (m->deliveries[k].due == m->deliveries[i].due && k < i);
		if (k != i && earlier && is_ready(m, k, partner, now) &&
		    model_class(m, k) == model_class(m, i))
			return true;
	}
	return false;
}

const char *model_leased(struct model *m, int partner, unsigned max, int64_t now, unsigned n,
			 const struct px_lease *leases)
{
	unsigned ready = 0;
	for (int i = 0; i < m->n_deliveries; i++)
		ready += is_ready(m, i, partner, now);
	if (n != (ready < max ? ready : max))
		return n < ready ? "too few leases" : "too many leases";
	for (unsigned k = 0; k < n; k++) {
		int i = model_by_id(m, leases[k].delivery.id);
		if (i < 0 || !is_ready(m, i, partner, now))
			return "a lease of what is not a ready head";
		if (has_earlier(m, i, partner, now))
			return "a lease of what is not the first of its class";
		if (leases[k].token.counter == 0)
			return "a lease without a token";
		m->deliveries[i].token = leases[k].token;
	}
	return NULL;
}

void model_restart(struct model *m)
{
	for (int i = 0; i < m->n_deliveries; i++)
		m->deliveries[i].token = (struct px_token){0};
	m->entries++;
}
