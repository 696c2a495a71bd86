/* prinex: store suite: a store is compared with the model
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_random.h"

const char *const suite_authorities[MODEL_AUTHORITIES] = {"BY", "UA", "MD", "LT"};
const char *const suite_partners[MODEL_PARTNERS] = {"by", "ua", "md", "lt", "hub"};
const char *const suite_declarants[MODEL_DECLARANTS] = {"D0", "D1"};
const char *const suite_mrns[MODEL_KEYS] = {"X0", "X1", "X2", "X3", "X4"};
const char *const suite_lrns[MODEL_KEYS] = {"L0", "L1", "L2", "L3", "L4"};
const char *const suite_errors[MODEL_ERRORS] = {NULL, "refused", "timeout"};

void suite_fail_random(const struct run *r, const char *file, int line, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	print_error("PX_SUITE_SEED=%u step %u (%s): %s\n", r->t->seed, r->step, r->doing, text);
	_fail(file, line);
}

unsigned suite_draw(struct run *r, unsigned below)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return (unsigned)((r->random * 0x2545f4914f6cdd1du) >> 33) % below;
}

bool suite_chance(struct run *r, unsigned percent)
{
	return suite_draw(r, 100) < percent;
}

int suite_maybe(struct run *r, unsigned none, unsigned n)
{
	return suite_chance(r, none) ? -1 : (int)suite_draw(r, n);
}

/* --- comparing ---------------------------------------------------------------------------------------------
 */

static uint64_t movement_id(const struct run *r, int message)
{
	int colour = r->m.messages[message].colour;
	return colour >= 0 ? r->m.movements[colour].id : 0;
}

static void compare_delivery(const struct run *r, int i, const struct px_delivery *got)
{
	const struct model_delivery *d = &r->m.deliveries[i];
	SAME(r, "id", got->id, d->id);
	SAME(r, "message", got->message, r->m.messages[d->message].seq);
	SAME(r, "movement", got->movement, movement_id(r, d->message));
	SAME(r, "state", got->state, d->state);
	SAME(r, "head", got->head, model_is_head(&r->m, i));
	SAME(r, "leased", got->leased, d->token.counter != 0);
	SAME(r, "attempts", got->attempts, d->attempts);
	SAME(r, "body_sent", got->body_sent, d->body_sent);
	SAME(r, "created", got->created, r->m.messages[d->message].accepted);
	SAME(r, "ended", got->ended, px_delivery_state_is_final(d->state) ? d->ended : 0);
	SAME(r, "class", got->prio, r->m.messages[d->message].note.prio);
	if (d->state == PX_D_QUEUED)
		SAME(r, "due", got->due, d->due);
	if (!px_delivery_state_is_final(d->state))
		SAME(r, "deadline", got->deadline, d->deadline);
	if (strcmp(got->recipient, suite_authorities[d->recipient]) != 0 ||
	    strcmp(got->partner, suite_partners[d->partner]) != 0)
		WRONG(r, "delivery to %s by %s", got->recipient, got->partner);
	if (d->error >= 0 && strcmp(got->error, d->error > 0 ? suite_errors[d->error] : "") != 0)
		WRONG(r, "error is '%s'", got->error);
}

static void compare_deliveries(struct run *r)
{
	struct got_deliveries all =
	    suite_scan_deliveries(r->t, &(struct px_scan){.ascending = true, .limit = 1000});
	SAME(r, "number of deliveries", all.n, r->m.n_deliveries);
	for (unsigned i = 0; i < all.n; i++)
		compare_delivery(r, (int)i, &all.items[i]);
}

static void compare_messages(struct run *r)
{
	struct got_messages all =
	    suite_scan(r->t, &(struct px_scan){.ascending = true, .limit = 1 + suite_draw(r, 50)});
	SAME(r, "number of messages", all.n, r->m.n_messages);
	for (unsigned i = 0; i < all.n; i++) {
		const struct model_message *m = &r->m.messages[i];
		SAME(r, "seq", all.items[i].seq, m->seq);
		SAME(r, "movement", all.items[i].movement, movement_id(r, (int)i));
		SAME(r, "accepted", all.items[i].accepted, m->accepted);
		SAME(r, "confirmations", all.items[i].confirmations, m->note.confirmations);
		SAME(r, "deliveries", all.items[i].n_deliveries, m->note.n_to);
		for (int k = 0; k < m->note.n_to; k++)
			compare_delivery(r, model_by_id(&r->m, all.items[i].deliveries[k].id),
					 &all.items[i].deliveries[k]);
	}
}

static void compare_partner(const struct run *r, int partner, const struct px_store_stats *stats)
{
	uint64_t want[PX_D_STATES] = {0};
	int64_t oldest = 0;
	for (int i = r->m.n_deliveries; i-- > 0;) {
		const struct model_delivery *d = &r->m.deliveries[i];
		if (d->partner != partner)
			continue;
		want[d->state]++;
		if (d->state == PX_D_QUEUED)
			oldest = r->m.messages[d->message].accepted;
	}
	struct px_partner_stats got = {0};
	for (unsigned i = 0; i < stats->n_partners; i++) {
		if (strcmp(stats->partners[i].partner, suite_partners[partner]) == 0)
			got = stats->partners[i];
	}
	SAME(r, "queued", got.queued, want[PX_D_QUEUED]);
	SAME(r, "handed over", got.handed_over, want[PX_D_HANDED_OVER]);
	SAME(r, "delivered", got.delivered, want[PX_D_DELIVERED]);
	SAME(r, "refused", got.refused, want[PX_D_REFUSED]);
	SAME(r, "expired", got.expired, want[PX_D_EXPIRED]);
	SAME(r, "unknown", got.unknown, want[PX_D_UNKNOWN]);
	SAME(r, "cancelled", got.cancelled, want[PX_D_CANCELLED]);
	SAME(r, "oldest", got.oldest, oldest);
}

static void compare_stats(struct run *r)
{
	struct px_store_stats s = suite_stats(r->t).s;
	unsigned movements = 0;
	for (int i = 0; i < r->m.n_movements; i++)
		movements += !r->m.movements[i].gone;
	SAME(r, "messages", s.messages, r->m.n_messages);
	SAME(r, "deliveries", s.deliveries, r->m.n_deliveries);
	SAME(r, "movements", s.movements, movements);
	SAME(r, "owed", s.owed, r->m.n_owed);
	SAME(r, "quarantined", s.quarantined, 0);
	SAME(r, "journal entries", s.journal_entries, r->m.entries);
	SAME(r, "checkpoint", s.checkpoint_seq, r->m.checkpoint);
	for (int i = 0; i < MODEL_PARTNERS; i++)
		compare_partner(r, i, &s);
}

static void compare_overdue(struct run *r)
{
	int64_t now = suite_now(r->t) + (suite_chance(r, 50) ? (int64_t)suite_draw(r, 100) * SUITE_HOUR : 0);
	unsigned max = 1 + suite_draw(r, 20), n = 0;
	struct got_deliveries got = suite_overdue(r->t, now, NULL, max);
	int64_t before = INT64_MIN;
	uint64_t id_before = 0;
	for (int i = 0; i < r->m.n_deliveries; i++) {
		const struct model_delivery *d = &r->m.deliveries[i];
		n += !px_delivery_state_is_final(d->state) && d->deadline <= now && d->token.counter == 0;
	}
	SAME(r, "number overdue", got.n, PX_MIN(n, max));
	for (unsigned i = 0; i < got.n; i++) {
		const struct px_delivery *d = &got.items[i];
		compare_delivery(r, model_by_id(&r->m, d->id), d);
		if (d->deadline > now || d->leased || px_delivery_state_is_final(d->state))
			WRONG(r, "delivery %llu is not overdue", (unsigned long long)d->id);
		if (d->deadline < before || (d->deadline == before && d->id < id_before))
			WRONG(r, "overdue out of order");
		before = d->deadline;
		id_before = d->id;
	}
}

/* @return how many it has. */
static unsigned compare_group(struct run *r, const struct px_owed_group *group)
{
	struct got_owed owed = suite_owed(r->t, group->partner, group->ref_sender, 1000, 1 << 20);
	unsigned n = 0;
	for (int i = 0; i < r->m.n_owed; i++) {
		const struct model_owed *o = &r->m.owed[i];
		if (strcmp(suite_partners[o->partner], group->partner) != 0 ||
		    strcmp(suite_authorities[o->ref_sender], group->ref_sender) != 0)
			continue;
		if (n >= owed.n || owed.ids[n] != o->id || strlen(owed.texts[n]) != o->len)
			WRONG(r, "pending confirmation %u of %s is not as it should be", n, group->partner);
		if (n == 0)
			SAME(r, "oldest of group", group->oldest, o->created);
		n++;
	}
	SAME(r, "group's entries", owed.n, n);
	return n;
}

static void compare_owed(struct run *r)
{
	struct got_groups groups = suite_groups(r->t, 100);
	unsigned total = 0;
	for (unsigned i = 0; i < groups.n; i++) {
		if (i > 0 && groups.items[i].oldest < groups.items[i - 1].oldest)
			WRONG(r, "groups out of order");
		total += compare_group(r, &groups.items[i]);
	}
	SAME(r, "pending confirmations", total, r->m.n_owed);
}

/** Newest first, the messages that carry a key. */
static void compare_lookup(struct run *r)
{
	bool mrn = suite_chance(r, 50);
	int key = (int)suite_draw(r, MODEL_KEYS);
	struct got_messages got =
	    suite_lookup(r->t, mrn ? PX_KEY_MRN : PX_KEY_LRN, mrn ? suite_mrns[key] : suite_lrns[key], 1000);
	unsigned n = 0;
	for (int i = r->m.n_messages; i-- > 0;) {
		const struct model_message *m = &r->m.messages[i];
		if ((mrn ? m->note.mrn : m->note.lrn) != key)
			continue;
		if (n >= got.n || got.items[n].seq != m->seq)
			WRONG(r, "lookup %u is not message %llu", n, (unsigned long long)m->seq);
		n++;
	}
	SAME(r, "found by key", got.n, n);
}

static void compare_movement(struct run *r)
{
	if (r->m.n_messages == 0)
		return;
	int of = (int)suite_draw(r, (unsigned)r->m.n_messages);
	int colour = r->m.messages[of].colour;
	if (colour < 0)
		return;
	struct got_messages got = suite_movement(r->t, r->m.movements[colour].id);
	unsigned n = 0;
	for (int i = 0; i < r->m.n_messages; i++) {
		if (r->m.messages[i].colour != colour)
			continue;
		if (n >= got.n || got.items[n].seq != r->m.messages[i].seq)
			WRONG(r, "member %u of the movement is not message %d", n, i);
		n++;
	}
	SAME(r, "members", got.n, n);
}

/** A filtered scan of deliveries, in small pages, against a walk over the model. */
static void compare_filtered(struct run *r)
{
	int partner = suite_maybe(r, 30, MODEL_PARTNERS), recipient = suite_maybe(r, 50, MODEL_AUTHORITIES);
	struct px_scan scan = {.limit = 1 + suite_draw(r, 7),
			       .ascending = suite_chance(r, 50),
			       .open_only = suite_chance(r, 50),
			       .partner = partner >= 0 ? suite_partners[partner] : NULL,
			       .recipient = recipient >= 0 ? suite_authorities[recipient] : NULL};
	struct got_deliveries got = suite_scan_deliveries(r->t, &scan);
	unsigned n = 0;
	for (int k = 0; k < r->m.n_deliveries; k++) {
		int i = scan.ascending ? k : r->m.n_deliveries - 1 - k;
		const struct model_delivery *d = &r->m.deliveries[i];
		if ((partner >= 0 && d->partner != partner) ||
		    (recipient >= 0 && d->recipient != recipient) ||
		    (scan.open_only && px_delivery_state_is_final(d->state)))
			continue;
		if (n >= got.n || got.items[n].id != d->id)
			WRONG(r, "filtered delivery %u is not %llu", n, (unsigned long long)d->id);
		n++;
	}
	SAME(r, "filtered deliveries", got.n, n);
}

void suite_compare(struct run *r)
{
	compare_deliveries(r);
	compare_stats(r);
}

void suite_compare_all(struct run *r)
{
	compare_messages(r);
	compare_overdue(r);
	compare_owed(r);
	compare_lookup(r);
	compare_movement(r);
	compare_filtered(r);
}
