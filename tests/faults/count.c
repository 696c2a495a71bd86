/* prinex: simulated town: who keeps count: what was promised against what came of it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "town.h"

#include <stdarg.h>

#include "store/sim_parts.h"

/** A delivery that some node leased. */
struct leased {
	struct px_store *store;
	uint64_t delivery;
	char sender[PX_AUTHORITY_MAX + 1], id[PX_MESSAGE_ID_MAX + 1];
	char recipient[PX_AUTHORITY_MAX + 1];
	char partner[PX_NAME_MAX + 1];
	bool settled, ordered;
	enum px_delivery_state state; /* that was durable; QUEUED: none */
};

struct count {
	struct leased *leased;
	size_t n_leased, cap_leased;
	char (*exchanges)[PX_MESSAGE_ID_MAX + PX_AUTHORITY_MAX + 2]; /* of confirmations, that were read */
	size_t n_exchanges, cap_exchanges;
};

struct count *count_new(void)
{
	return px_xcalloc(1, sizeof(struct count));
}

void count_free(struct count **c)
{
	free((*c)->leased);
	free((*c)->exchanges);
	PX_FREE(*c);
}

void count_violation(const char *fmt, ...)
{
	char text[600];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	town_trace("VIOLATION: %s", text);
	/* A control counts only when it is caught for what is wrong with it. */
	if (strstr(text, wrong_shown(town->wrong)) == NULL)
		return;
	if (town->violations++ == 0)
		px_buf_adds(&town->first, text);
}

/* --- finding
 * ----------------------------------------------------------------------------------------------------- */

struct message *count_find(const char *sender, const char *id)
{
	for (unsigned i = 0; i < town->n_messages; i++) {
		struct message *m = &town->messages[i];
		if (strcmp(m->id, id) == 0 && strcmp(m->from->authority, sender) == 0)
			return m;
	}
	return NULL;
}

static struct fate *fate_of(struct message *m, const char *recipient)
{
	for (unsigned i = 0; m != NULL && i < m->n_fates; i++) {
		if (strcmp(m->fates[i].recipient, recipient) == 0)
			return &m->fates[i];
	}
	return NULL;
}

static struct message *message_in(const struct px_buf *doc)
{
	char sender[PX_AUTHORITY_MAX + 1];
	px_strlcpy(sender, field(doc, "Sender"), sizeof(sender));
	return count_find(sender, field(doc, "MessageId"));
}

static bool is_confirmations(const struct px_buf *doc)
{
	return strcmp(field(doc, "MessageType"), "Confirmations") == 0;
}

/* --- the sender's side
 * ------------------------------------------------------------------------------------------- */

void count_acked(struct message *m, int status, const struct px_buf *coa)
{
	if (m->refused)
		count_violation("%s was refused, then acknowledged", m->id);
	if (m->acked && status == 201)
		count_violation("%s sent again was accepted anew", m->id);
	else if (m->acked && (coa->len != m->coa.len || memcmp(coa->data, m->coa.data, coa->len) != 0))
		count_violation("%s sent again: status %d, another answer than the first", m->id, status);
	if (!m->acked)
		px_buf_add(&m->coa, coa->data, coa->len);
	m->acked = true;
}

void count_refused(struct message *m, int status, const struct px_buf *coe)
{
	int64_t age = px_clock_wall(world_clock(town->world)) - m->created;
	if (m->acked && age >= town->remembered && strstr(px_buf_str(coe), "PX-TIME-") != NULL)
		return; /* too old to be known, and to be new */
	if (m->acked)
		count_violation("%s was acknowledged, then refused with %d: %s", m->id, status,
				px_buf_str(coe));
	m->refused = true;
}

static void told_cancelled(const struct message *m, struct fate *f, const struct px_buf *entry)
{
	f->cancels++;
	if (f->seen > 0 && strstr(px_buf_str(entry), "may have arrived") == NULL)
		count_violation("%s to %s: told as cancelled and never sent; it arrived", m->id,
				f->recipient);
}

static void told(struct person *p, const struct px_buf *entry)
{
	char kind[8], sender[PX_AUTHORITY_MAX + 1], recipient[PX_AUTHORITY_MAX + 1],
	    id[PX_MESSAGE_ID_MAX + 1], code[64] = "";
	px_strlcpy(kind, field(entry, "Kind"), sizeof(kind));
	px_strlcpy(sender, field(entry, "RefSender"), sizeof(sender));
	px_strlcpy(recipient, field(entry, "Recipient"), sizeof(recipient));
	px_strlcpy(id, field(entry, "RefMessageId"), sizeof(id));
	const char *error = strstr(px_buf_str(entry), "<px:Error code=\"");
	if (error != NULL)
		px_strlcpy_n(code, error + 16, strcspn(error + 16, "\""), sizeof(code));
	town_trace("%s is told about %s at %s: %s %s", p->partner, id, recipient, kind, code);
	struct message *m = count_find(sender, id);
	struct fate *f = fate_of(m, recipient);
	if (px_str_starts(id, "PX-"))
		count_violation("a %s about confirmations %s", kind, id);
	else if (f == NULL || strcmp(sender, p->authority) != 0)
		count_violation("%s is told about %s/%s at %s, which it never sent", p->partner, sender, id,
				recipient);
	else if (strcmp(code, "PX-UNKNOWN") == 0)
		f->unknowns++;
	else if (strcmp(code, "PX-CANCELLED") == 0)
		told_cancelled(m, f, entry);
	else
		f->finals++;
	/* What another broker did not know, or ended, may be told after what is known. */
	bool open = strcmp(code, "PX-UNKNOWN") == 0 || strcmp(code, "PX-CANCELLED") == 0;
	if (f == NULL || (f->finals > 0 && open))
		return;
	snprintf(f->told, sizeof(f->told), "%s%s%s", kind, code[0] != '\0' ? " " : "", code);
	f->told_delivered = strcmp(kind, "CoD") == 0;
}

/* Entries are counted once for each exchange, however often that is fetched. */
static void read_confirmations(struct person *p, const struct px_buf *doc)
{
	struct count *c = town->count;
	char name[sizeof(c->exchanges[0])];
	snprintf(name, sizeof(name), "%s/%s", field(doc, "Sender"), field(doc, "MessageId"));
	for (size_t i = 0; i < c->n_exchanges; i++) {
		if (strcmp(c->exchanges[i], name) == 0)
			return;
	}
	c->exchanges = sim_grow(c->exchanges, c->n_exchanges, &c->cap_exchanges, sizeof(c->exchanges[0]));
	px_strlcpy(c->exchanges[c->n_exchanges++], name, sizeof(name));
	const char *at = px_buf_str(doc);
	while ((at = strstr(at, "<px:Confirmation>")) != NULL) {
		const char *end = strstr(at, "</px:Confirmation>");
		struct px_buf entry = PX_BUF_INIT;
		px_buf_add(&entry, at, (size_t)(end - at));
		told(p, &entry);
		px_buf_free(&entry);
		at = end;
	}
}

/* --- the recipient's side
 * ---------------------------------------------------------------------------------------- */

unsigned count_offered(struct person *p, const struct px_buf *doc, const char *lease)
{
	struct message *m = message_in(doc);
	struct fate *f = fate_of(m, p->authority);
	if (f == NULL)
		return 0;
	town_trace("%s is offered %s as %s: movement %s/%u, place %u", p->partner, m->id, lease,
		   m->from->authority, m->line, m->place);
	if (f->confirmed)
		count_violation("%s is offered %s again after its settlement was durable", p->partner, m->id);
	px_strlcpy(f->lease, lease, sizeof(f->lease));
	return ++f->offers;
}

const char *count_last_lease(struct person *p, const struct px_buf *doc)
{
	const struct fate *f = fate_of(message_in(doc), p->authority);
	return f != NULL ? f->lease : NULL;
}

/* The declaration must take effect once, whatever the ids are that it came under. */
static void check_effect(const struct person *p, const struct message *m)
{
	for (unsigned i = 0; i < town->n_messages; i++) {
		struct message *other = &town->messages[i];
		const struct fate *f = fate_of(other, p->authority);
		if (other != m && other->token == m->token && f != NULL && f->seen > 0)
			count_violation("%s: declaration %u arrived as %s and as %s", p->partner, m->token,
					other->id, m->id);
	}
}

static void check_order(struct person *p, const struct message *m)
{
	int *last = &p->last[m->from->index][m->line];
	if (*last >= (int)m->place)
		count_violation("%s: message %u of its movement, %s, arrives after message %d", p->partner,
				m->place, m->id, *last);
	*last = PX_MAX(*last, (int)m->place);
}

void count_seen(struct person *p, const struct px_buf *doc)
{
	if (is_confirmations(doc)) {
		read_confirmations(p, doc);
		return;
	}
	struct message *m = message_in(doc);
	struct fate *f = fate_of(m, p->authority);
	if (f == NULL) {
		count_violation("%s got %s, which nobody sent to it", p->partner, field(doc, "MessageId"));
		return;
	}
	if (doc->len != m->body->len || memcmp(doc->data, m->body->data, doc->len) != 0)
		count_violation("%s got other octets of %s than were sent", p->partner, m->id);
	if (f->seen++ > 0)
		return;
	check_effect(p, m);
	check_order(p, m);
}

void count_confirmed(struct person *p, const struct px_buf *doc, unsigned offer)
{
	struct message *m = message_in(doc);
	struct fate *f = fate_of(m, p->authority);
	if (f == NULL)
		return;
	if (f->offers != offer && !f->given_up)
		count_violation("%s settled %s under a lease that had passed on", p->partner, m->id);
	f->confirmed = true;
}

/* --- the store's side
 * -------------------------------------------------------------------------------------------- */

static struct leased *find_leased(const struct px_store *st, uint64_t delivery)
{
	for (size_t i = 0; i < town->count->n_leased; i++) {
		struct leased *l = &town->count->leased[i];
		if (l->store == st && l->delivery == delivery)
			return l;
	}
	return NULL;
}

static struct leased *obtain_leased(struct px_store *st, uint64_t delivery)
{
	struct count *c = town->count;
	const struct sim *s = (const struct sim *)st;
	struct leased *l = find_leased(st, delivery);
	if (l != NULL)
		return l;
	c->leased = sim_grow(c->leased, c->n_leased, &c->cap_leased, sizeof(*c->leased));
	l = &c->leased[c->n_leased++];
	const struct sim_delivery *d = &s->deliveries[delivery - 1];
	const struct px_header *h = &s->messages[d->message - 1].header;
	l->store = st;
	l->delivery = delivery;
	px_strlcpy(l->sender, h->sender, sizeof(l->sender));
	px_strlcpy(l->id, h->message_id, sizeof(l->id));
	px_strlcpy(l->recipient, d->d.recipient, sizeof(l->recipient));
	px_strlcpy(l->partner, d->d.partner, sizeof(l->partner));
	return l;
}

void count_leased(struct px_store *st, const struct px_lease *lease)
{
	struct leased *l = find_leased(st, lease->delivery.id);
	if (l != NULL && l->settled)
		count_violation("%s to %s is on its way again after its settlement was durable", l->id,
				l->recipient);
	obtain_leased(st, lease->delivery.id);
}

void count_ordered(struct px_store *st, uint64_t delivery)
{
	struct leased *l = obtain_leased(st, delivery);
	struct fate *f = fate_of(count_find(l->sender, l->id), l->recipient);
	if (f != NULL && !l->ordered)
		f->ordered++;
	l->ordered = true;
}

/* The operator here ended @a of a post of which @b still waits. */
static bool is_halved(const struct px_store *st, const struct sim_delivery *a, const struct sim_delivery *b)
{
	const struct leased *l = find_leased(st, a->d.id);
	return a->message == b->message && strcmp(a->d.partner, b->d.partner) == 0 &&
	       a->d.state == PX_D_CANCELLED && b->d.state == PX_D_QUEUED && l != NULL && l->ordered &&
	       !a->d.body_sent; /* one whose post was under way before has gone along already */
}

/* What a hub gets for several recipients is cancelled for all of them, or for none, whatever fails. */
void count_halved(const struct node *n, const struct message *m)
{
	const struct sim *s = (const struct sim *)n->store;
	for (size_t a = 0; a < s->n_deliveries; a++) {
		const struct px_header *h = &s->messages[s->deliveries[a].message - 1].header;
		if (strcmp(h->message_id, m->id) != 0 || strcmp(h->sender, m->from->authority) != 0)
			continue;
		for (size_t b = 0; b < s->n_deliveries; b++) {
			if (is_halved(n->store, &s->deliveries[a], &s->deliveries[b]))
				count_violation("%s: %s is cancelled for %s, and goes there with that for %s",
						n->authority, m->id, s->deliveries[a].d.recipient,
						s->deliveries[b].d.recipient);
		}
	}
}

void count_cancelled(const struct node *n, const struct message *m)
{
	const struct sim *s = (const struct sim *)n->store;
	for (size_t i = 0; i < s->n_deliveries; i++) {
		const struct sim_delivery *d = &s->deliveries[i];
		const struct px_header *h = &s->messages[d->message - 1].header;
		if (strcmp(h->message_id, m->id) == 0 && strcmp(h->sender, m->from->authority) == 0 &&
		    px_delivery_state_is_final(d->d.state))
			return;
	}
	count_violation("%s: %s was called cancelled, and nothing of it has ended", n->authority, m->id);
}

/* What ended has ended; only an end without the recipient's answer is superseded, by one. */
static bool may_follow(enum px_delivery_state then, enum px_delivery_state now)
{
	bool open = then == PX_D_UNKNOWN || then == PX_D_CANCELLED;
	return then == now || !px_delivery_state_is_final(then) ||
	       (open && (now == PX_D_DELIVERED || now == PX_D_REFUSED));
}

void count_settled(struct px_store *st, uint64_t delivery, enum px_delivery_state state)
{
	if (state == PX_D_QUEUED)
		return;
	struct leased *l = obtain_leased(st, delivery);
	if (!may_follow(l->state, state))
		count_violation("%s to %s ends as %s after its settlement was durable: %s", l->id,
				l->recipient, px_delivery_state_name(state),
				px_delivery_state_name(l->state));
	l->settled = true;
	l->state = state;
	for (unsigned i = 0; i < town->n_people; i++) {
		const struct person *p = &town->people[i];
		struct fate *f = fate_of(count_find(l->sender, l->id), l->recipient);
		bool his = p->hub == NULL && p->node->store == st && strcmp(p->partner, l->partner) == 0;
		if (f == NULL || !his)
			continue;
		f->given_up = f->given_up || state == PX_D_UNKNOWN || state == PX_D_CANCELLED;
		f->confirmed = f->confirmed ||
			       (p->push && (state == PX_D_DELIVERED || state == PX_D_REFUSED));
	}
}

/* --- the end
 * ----------------------------------------------------------------------------------------------------- */

static const struct sim_delivery *still_open(const struct node *n)
{
	const struct sim *s = (const struct sim *)n->store;
	for (size_t i = 0; i < s->n_deliveries; i++) {
		if (!px_delivery_state_is_final(s->deliveries[i].d.state))
			return &s->deliveries[i];
	}
	return NULL;
}

bool count_is_over(void)
{
	if (!people_have_sent() || !people_have_confirmed() || !operators_have_ended())
		return false;
	for (unsigned i = 0; i < town->n_nodes; i++) {
		const struct sim *s = (const struct sim *)town->nodes[i]->store;
		if (s->n_owed > 0 || still_open(town->nodes[i]) != NULL)
			return false;
	}
	return true;
}

/* Did proofs end on their way? Then the sender may know less than happened. */
static bool lost_proofs(void)
{
	for (unsigned i = 0; i < town->n_nodes; i++) {
		const struct sim *s = (const struct sim *)town->nodes[i]->store;
		for (size_t k = 0; k < s->n_deliveries; k++) {
			const struct sim_delivery *d = &s->deliveries[k];
			if (s->messages[d->message - 1].confirmations && d->d.state != PX_D_DELIVERED)
				return true;
		}
	}
	return false;
}

static bool was_cancelled(const struct message *m, const struct fate *f)
{
	for (size_t i = 0; i < town->count->n_leased; i++) {
		const struct leased *l = &town->count->leased[i];
		const struct sim *s = (const struct sim *)l->store;
		if (l->ordered && strcmp(l->id, m->id) == 0 && strcmp(l->sender, m->from->authority) == 0 &&
		    strcmp(l->recipient, f->recipient) == 0 &&
		    s->deliveries[l->delivery - 1].d.state == PX_D_CANCELLED)
			return true;
	}
	return false;
}

static void check_fate(const struct message *m, const struct fate *f)
{
	const char *who = f->recipient;
	if (f->finals == 0 && f->unknowns == 0 && f->cancels == 0)
		count_violation("%s to %s was accepted and ended silently", m->id, who);
	if (f->cancels > f->ordered)
		count_violation("%s to %s: told as cancelled, which nobody did", m->id, who);
	if (f->cancels == 0 && was_cancelled(m, f) && !lost_proofs())
		count_violation("%s to %s: was cancelled, and its sender was not told", m->id, who);
	if (f->finals > 1)
		count_violation("%s to %s: %u final outcomes were told", m->id, who, f->finals);
	if (f->told_delivered && f->seen == 0)
		count_violation("%s to %s: told as delivered, never arrived", m->id, who);
	if (f->told_delivered && m->unloved)
		count_violation("%s to %s: told as delivered, was refused", m->id, who);
	if (f->confirmed && !m->unloved && !f->told_delivered && !(f->finals == 0 && lost_proofs()))
		count_violation("%s to %s: delivered for sure, told %s", m->id, who, f->told);
	if (f->seen > 0 && strcmp(f->told, "CoE PX-EXPIRED") == 0)
		count_violation("%s to %s: told as expired, which never was sent; it arrived", m->id, who);
}

void count_end(void)
{
	for (unsigned i = 0; i < town->n_nodes; i++) {
		const struct sim_delivery *d = still_open(town->nodes[i]);
		if (d != NULL)
			count_violation("%s: delivery %llu to %s still %s: %s", town->nodes[i]->authority,
					(unsigned long long)d->d.id, d->d.partner,
					px_delivery_state_name(d->d.state), d->d.error);
	}
	if (!people_have_sent())
		count_violation("not everything was ever answered");
	if (!operators_have_ended())
		count_violation("an operator was never answered");
	for (unsigned i = 0; i < town->n_messages; i++) {
		const struct message *m = &town->messages[i];
		for (unsigned k = 0; k < m->n_fates; k++) {
			if (m->acked)
				check_fate(m, &m->fates[k]);
			else if (m->refused && m->fates[k].seen > 0)
				count_violation("%s was refused, and arrived at %s", m->id,
						m->fates[k].recipient);
		}
	}
}
