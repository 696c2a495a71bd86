/* prinex: simulated store: answers to readers
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/declared.h"
#include "store/sim_parts.h"

#include "base/keys.h"
#include "base/strings.h"

#define PAGE_MAX 1000u

/* --- messages ----------------------------------------------------------------------------------------------
 */

/** A message with its deliveries; free_view() frees the latter. */
static struct px_message view_message(const struct sim *s, const struct sim_message *m)
{
	uint64_t movement = sim_movement_now(s, m->movement);
	struct px_message view = {.seq = m->seq,
				  .header = m->header,
				  .len = m->body->len,
				  .accepted = m->accepted,
				  .prio = m->prio,
				  .confirmations = m->confirmations,
				  .movement = movement,
				  .ended = movement != 0 && s->movements[movement - 1].ended,
				  .keys = m->keys,
				  .coa = m->coa,
				  .coa_len = m->coa_len};
	px_strlcpy(view.partner, m->partner, sizeof(view.partner));
	memcpy(view.digest, m->body->digest, PX_DIGEST_LEN);
	struct px_delivery *deliveries = NULL;
	for (size_t i = 0; i < s->n_deliveries; i++) {
		if (s->deliveries[i].message != m->seq)
			continue;
		deliveries = px_xrealloc_array(deliveries, view.n_deliveries + 1, sizeof(*deliveries));
		deliveries[view.n_deliveries++] = sim_view(s, &s->deliveries[i]);
	}
	view.deliveries = deliveries;
	return view;
}

void sim_read_message(struct sim *s, const struct sim_message *m, px_message_done *done, void *arg)
{
	if (m == NULL || m->purged) {
		done(arg, PX_ENOTFOUND, NULL);
		return;
	}
	struct px_message view = view_message(s, m);
	done(arg, PX_OK, &view);
	free((void *)view.deliveries);
}

void sim_read_resolve(struct sim *s, unsigned n, const struct px_ref *refs, px_resolve_done *done, void *arg)
{
	struct px_resolved *resolved = px_xcalloc(n, sizeof(*resolved));
	for (unsigned i = 0; i < n; i++) {
		const struct sim_message *m = sim_find(s, refs[i].sender, refs[i].message_id);
		if (m == NULL)
			continue;
		resolved[i].found = true;
		resolved[i].message = m->seq;
		px_strlcpy(resolved[i].partner, m->partner, sizeof(resolved[i].partner));
		memcpy(resolved[i].digest, m->body->digest, PX_DIGEST_LEN);
		if (m->purged)
			continue;
		px_strlcpy(resolved[i].type, m->header.type, sizeof(resolved[i].type));
		resolved[i].accepted = m->accepted;
	}
	done(arg, PX_OK, n, resolved);
	free(resolved);
}

/** A page of messages that grows to its limit. */
struct page {
	unsigned limit, n;
	struct px_message *items;
	uint64_t next; /* the first that did not fit */
};

static void add_to_page(const struct sim *s, struct page *p, const struct sim_message *m)
{
	if (p->next != 0 || m->purged)
		return;
	if (p->n == p->limit) {
		p->next = m->seq;
		return;
	}
	p->items = px_xrealloc_array(p->items, p->n + 1, sizeof(p->items[0]));
	p->items[p->n++] = view_message(s, m);
}

static void answer_page(struct page *p, px_messages_done *done, void *arg)
{
	done(arg, PX_OK, p->n, p->items, p->next);
	for (unsigned i = 0; i < p->n; i++)
		free((void *)p->items[i].deliveries);
	free(p->items);
}

static unsigned page_limit(unsigned asked)
{
	return asked == 0 || asked > PAGE_MAX ? PAGE_MAX : asked;
}

/* --- scans -------------------------------------------------------------------------------------------------
 */

static bool is_or_any(const char *filter, const char *value)
{
	return filter == NULL || filter[0] == '\0' || strcmp(filter, value) == 0;
}

/** What both kinds of scan ask of the message. */
static bool fits_message(const struct px_scan *scan, const struct sim_message *m)
{
	return is_or_any(scan->sender, m->header.sender) && is_or_any(scan->type, m->header.type) &&
	       is_or_any(scan->message_id, m->header.message_id) &&
	       (scan->since == 0 || m->accepted >= scan->since) &&
	       (scan->until == 0 || m->accepted < scan->until);
}

static bool fits_deliveries(const struct sim *s, const struct px_scan *scan, const struct sim_message *m)
{
	bool to_recipient = is_or_any(scan->recipient, ""), open = !scan->open_only;
	for (size_t i = 0; i < s->n_deliveries; i++) {
		const struct px_delivery *d = &s->deliveries[i].d;
		if (d->message != m->seq)
			continue;
		to_recipient = to_recipient || strcmp(d->recipient, scan->recipient) == 0;
		open = open || !px_delivery_state_is_final(d->state);
	}
	return to_recipient && open;
}

void sim_read_scan(struct sim *s, const struct px_scan *scan, px_messages_done *done, void *arg)
{
	struct page page = {.limit = page_limit(scan->limit)};
	for (size_t i = 0; i < s->n_messages; i++) {
		const struct sim_message *m = &s->messages[scan->ascending ? i : s->n_messages - 1 - i];
		if (scan->from != 0 && (scan->ascending ? m->seq < scan->from : m->seq > scan->from))
			continue;
		if (is_or_any(scan->partner, m->partner) && fits_message(scan, m) &&
		    fits_deliveries(s, scan, m))
			add_to_page(s, &page, m);
	}
	answer_page(&page, done, arg);
}

void sim_read_scan_deliveries(struct sim *s, const struct px_scan *scan, px_deliveries_done *done, void *arg)
{
	unsigned limit = page_limit(scan->limit), n = 0;
	struct px_delivery *page = px_xcalloc(limit, sizeof(*page));
	uint64_t next = 0;
	for (size_t i = 0; i < s->n_deliveries && next == 0; i++) {
		const struct sim_delivery *d = &s->deliveries[scan->ascending ? i : s->n_deliveries - 1 - i];
		if (scan->from != 0 && (scan->ascending ? d->d.id < scan->from : d->d.id > scan->from))
			continue;
		if (d->purged || !is_or_any(scan->partner, d->d.partner) ||
		    !is_or_any(scan->recipient, d->d.recipient) ||
		    !fits_message(scan, &s->messages[d->message - 1]) ||
		    (scan->open_only && px_delivery_state_is_final(d->d.state)))
			continue;
		if (n == limit)
			next = d->d.id;
		else
			page[n++] = sim_view(s, d);
	}
	done(arg, PX_OK, n, page, next);
	free(page);
}

static bool carries(const struct sim_message *m, enum px_key_kind kind, const char *value)
{
	char wanted[PX_KEY_VALUE_MAX + 1], has[PX_KEY_VALUE_MAX + 1];
	px_key_normal(kind, value, wanted);
	for (unsigned i = 0; i < m->keys.n && strlen(value) <= PX_KEY_VALUE_MAX; i++) {
		if (m->keys.items[i].kind != kind)
			continue;
		px_key_normal(kind, m->keys.items[i].value, has);
		if (strcmp(has, wanted) == 0)
			return true;
	}
	return false;
}

static bool is_sent_to(const struct sim *s, const struct sim_message *m, const char *recipient)
{
	for (size_t i = 0; recipient != NULL && i < s->n_deliveries; i++) {
		const struct sim_delivery *d = &s->deliveries[i];
		if (d->message == m->seq && strcmp(d->d.recipient, recipient) == 0 &&
		    px_delivery_is_sent(&d->d))
			return true;
	}
	return recipient == NULL;
}

static bool had_not_ended(const struct sim *s, uint64_t movement, int64_t at)
{
	uint64_t id = movement != 0 ? sim_movement_now(s, movement) : 0;
	return at == 0 || (id != 0 && !s->movements[id - 1].ended && at < s->movements[id - 1].live_until);
}

void sim_read_lookup(struct sim *s, const struct px_lookup *which, px_messages_done *done, void *arg)
{
	struct page page = {.limit = page_limit(which->limit)};
	for (size_t i = s->n_messages; i-- > 0;) {
		const struct sim_message *m = &s->messages[i];
		if ((which->from == 0 || m->seq <= which->from) && carries(m, which->kind, which->value) &&
		    is_sent_to(s, m, which->recipient) && had_not_ended(s, m->movement, which->live_at))
			add_to_page(s, &page, m);
	}
	answer_page(&page, done, arg);
}

void sim_read_movement(struct sim *s, uint64_t movement, uint64_t from, unsigned limit,
		       px_messages_done *done, void *arg)
{
	if (movement == 0 || movement > s->n_movements || sim_movement_now(s, movement) == 0) {
		done(arg, PX_ENOTFOUND, 0, NULL, 0);
		return;
	}
	struct page page = {.limit = page_limit(limit)};
	for (size_t i = 0; i < s->n_messages; i++) {
		if (s->messages[i].movement != 0 && s->messages[i].seq >= from &&
		    sim_movement_now(s, s->messages[i].movement) == sim_movement_now(s, movement))
			add_to_page(s, &page, &s->messages[i]);
	}
	answer_page(&page, done, arg);
}

/* --- overdue and owed --------------------------------------------------------------------------------------
 */

static int by_deadline(const void *a, const void *b)
{
	const struct px_delivery *x = a, *y = b;
	if (x->deadline != y->deadline)
		return x->deadline < y->deadline ? -1 : 1;
	return x->id < y->id ? -1 : 1;
}

/** @deadline and @id: of the delivery behind which to go on. */
void sim_read_overdue(struct sim *s, int64_t now, int64_t deadline, uint64_t id, unsigned max,
		      px_deliveries_done *done, void *arg)
{
	struct px_delivery *found = px_xcalloc(s->n_deliveries, sizeof(*found));
	unsigned n = 0;
	for (size_t i = 0; i < s->n_deliveries; i++) {
		const struct sim_delivery *d = &s->deliveries[i];
		bool behind = d->d.deadline > deadline || (d->d.deadline == deadline && d->d.id > id);
		if (!px_delivery_state_is_final(d->d.state) && d->d.deadline <= now &&
		    d->token.counter == 0 && behind)
			found[n++] = sim_view(s, d);
	}
	qsort(found, n, sizeof(*found), by_deadline);
	done(arg, PX_OK, PX_MIN(n, max), found, n > max ? found[max].id : 0);
	free(found);
}

void sim_read_owed_groups(struct sim *s, unsigned max, px_owed_groups_done *done, void *arg)
{
	struct px_owed_group *groups = px_xcalloc(s->n_owed, sizeof(*groups));
	unsigned n = 0;
	for (size_t i = 0; i < s->n_owed; i++) {
		const struct sim_owed *o = &s->owed[i];
		unsigned g = 0;
		while (g < n && (strcmp(groups[g].partner, o->partner) != 0 ||
				 strcmp(groups[g].ref_sender, o->ref_sender) != 0))
			g++;
		if (g == n) {
			px_strlcpy(groups[g].partner, o->partner, sizeof(groups[g].partner));
			px_strlcpy(groups[g].ref_sender, o->ref_sender, sizeof(groups[g].ref_sender));
			groups[g].oldest = o->created;
			n++;
		}
	}
	done(arg, PX_OK, PX_MIN(n, max), groups);
	free(groups);
}

void sim_read_owed(struct sim *s, const char *partner, const char *ref_sender, unsigned max, uint64_t octets,
		   px_owed_done *done, void *arg)
{
	struct px_owed *owed = px_xcalloc(s->n_owed, sizeof(*owed));
	unsigned n = 0;
	uint64_t sum = 0;
	for (size_t i = 0; i < s->n_owed && n < max; i++) {
		const struct sim_owed *o = &s->owed[i];
		if (strcmp(o->partner, partner) != 0 || strcmp(o->ref_sender, ref_sender) != 0)
			continue;
		sum += o->len;
		if (n > 0 && sum > octets)
			break;
		owed[n++] = (struct px_owed){.id = o->id, .data = o->data, .len = o->len};
	}
	done(arg, PX_OK, n, owed);
	free(owed);
}

/* --- the whole ---------------------------------------------------------------------------------------------
 */

static struct px_partner_stats *partner_stats(struct px_partner_stats *all, unsigned *n, const char *partner)
{
	for (unsigned i = 0; i < *n; i++) {
		if (strcmp(all[i].partner, partner) == 0)
			return &all[i];
	}
	px_strlcpy(all[*n].partner, partner, sizeof(all[*n].partner));
	return &all[(*n)++];
}

static void count_delivery(struct px_partner_stats *p, const struct px_delivery *d)
{
	uint64_t *const counters[PX_D_STATES] = {&p->queued,  &p->handed_over, &p->delivered, &p->refused,
						 &p->expired, &p->unknown,     &p->cancelled};
	(*counters[d->state])++;
	if (d->state == PX_D_QUEUED && (p->oldest == 0 || d->created < p->oldest))
		p->oldest = d->created;
}

void sim_read_stats(struct sim *s, px_stats_done *done, void *arg)
{
	struct px_store_stats stats = {.epoch = s->epoch,
				       .owed = s->n_owed,
				       .journal_entries = s->n_journal,
				       .commits = s->commits,
				       .operations = s->operations};
	for (size_t i = 0; i < s->n_messages; i++)
		stats.messages += s->messages[i].purged ? 0 : 1;
	for (size_t i = 0; i < s->n_movements; i++)
		stats.movements += s->movements[i].linked == 0 && !s->movements[i].purged ? 1 : 0;
	if (s->n_journal > 0)
		memcpy(stats.journal_head, s->journal[s->n_journal - 1].hash, PX_DIGEST_LEN);
	if (s->n_checkpoints > 0) {
		stats.checkpoint_seq = s->checkpoints[s->n_checkpoints - 1].seq;
		memcpy(stats.checkpoint, s->journal[stats.checkpoint_seq - 1].hash, PX_DIGEST_LEN);
	}
	struct px_partner_stats *partners = px_xcalloc(s->n_deliveries, sizeof(*partners));
	for (size_t i = 0; i < s->n_deliveries; i++) {
		const struct sim_delivery *d = &s->deliveries[i];
		struct px_partner_stats *p = partner_stats(partners, &stats.n_partners, d->d.partner);
		stats.deliveries += d->purged ? 0 : 1;
		p->ever_unknown += d->ever_unknown ? 1 : 0;
		if (!d->purged)
			count_delivery(p, &d->d);
	}
	stats.partners = partners;
	done(arg, PX_OK, &stats);
	free(partners);
}
