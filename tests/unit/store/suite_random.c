/* prinex: store suite: random operations, compared with a model after each
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"
#include "suite_model.h"

#include "base/strings.h"

#define STEPS 300

static const char *const authorities[MODEL_AUTHORITIES] = {"BY", "UA", "MD", "LT"};
static const char *const partners[MODEL_PARTNERS] = {"by", "ua", "md", "lt", "hub"};
static const char *const declarants[MODEL_DECLARANTS] = {"D0", "D1"};
static const char *const mrns[MODEL_KEYS] = {"X0", "X1", "X2", "X3", "X4"};
static const char *const lrns[MODEL_KEYS] = {"L0", "L1", "L2", "L3", "L4"};
static const char *const errors[] = {NULL, "refused", "timeout"};

/** One run. */
struct run {
	struct suite *t;
	struct model m;
	uint64_t random;
	unsigned step;
	const char *doing;
	int numbers[MODEL_AUTHORITIES];
	uint64_t last_owed;
};

/** Fail with all that is needed to see it again. */
#define WRONG(r, ...) fail_random((r), __FILE__, __LINE__, __VA_ARGS__)
#define SAME(r, what, got, want)                                                       \
	do {                                                                           \
		long long got_ = (long long)(got), want_ = (long long)(want);          \
		if (got_ != want_)                                                     \
			WRONG((r), "%s is %lld, should be %lld", (what), got_, want_); \
	} while (0)

static void fail_random(const struct run *r, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static void fail_random(const struct run *r, const char *file, int line, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	print_error("PX_SUITE_SEED=%u step %u (%s): %s\n", r->t->seed, r->step, r->doing, text);
	_fail(file, line);
}

static unsigned draw(struct run *r, unsigned below)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return (unsigned)((r->random * 0x2545f4914f6cdd1du) >> 33) % below;
}

static bool chance(struct run *r, unsigned percent)
{
	return draw(r, 100) < percent;
}

/** -1 in @none percent, else below @n. */
static int maybe(struct run *r, unsigned none, unsigned n)
{
	return chance(r, none) ? -1 : (int)draw(r, n);
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
	if (strcmp(got->recipient, authorities[d->recipient]) != 0 ||
	    strcmp(got->partner, partners[d->partner]) != 0)
		WRONG(r, "delivery to %s by %s", got->recipient, got->partner);
	if (d->error >= 0 && strcmp(got->error, d->error > 0 ? errors[d->error] : "") != 0)
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
	    suite_scan(r->t, &(struct px_scan){.ascending = true, .limit = 1 + draw(r, 50)});
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
		if (strcmp(stats->partners[i].partner, partners[partner]) == 0)
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
	int64_t now = suite_now(r->t) + (chance(r, 50) ? (int64_t)draw(r, 100) * SUITE_HOUR : 0);
	unsigned max = 1 + draw(r, 20), n = 0;
	struct got_deliveries got = suite_overdue(r->t, now, max);
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

static void compare_group(struct run *r, const struct px_owed_group *group)
{
	struct got_owed owed = suite_owed(r->t, group->partner, group->ref_sender, 1000, 1 << 20);
	unsigned n = 0;
	uint64_t octets = 0;
	for (int i = 0; i < r->m.n_owed; i++) {
		const struct model_owed *o = &r->m.owed[i];
		if (strcmp(partners[o->partner], group->partner) != 0 ||
		    strcmp(authorities[o->ref_sender], group->ref_sender) != 0)
			continue;
		if (n >= owed.n || owed.ids[n] != o->id || strlen(owed.texts[n]) != o->len)
			WRONG(r, "pending confirmation %u of %s is not as it should be", n, group->partner);
		if (n == 0)
			SAME(r, "oldest of group", group->oldest, o->created);
		n++;
		octets += o->len;
	}
	SAME(r, "group's entries", owed.n, n);
	SAME(r, "group's count", group->count, n);
	SAME(r, "group's octets", group->octets, octets);
}

static void compare_owed(struct run *r)
{
	struct got_groups groups = suite_groups(r->t, 100);
	unsigned total = 0;
	for (unsigned i = 0; i < groups.n; i++) {
		if (i > 0 && groups.items[i].oldest < groups.items[i - 1].oldest)
			WRONG(r, "groups out of order");
		compare_group(r, &groups.items[i]);
		total += groups.items[i].count;
	}
	SAME(r, "pending confirmations", total, r->m.n_owed);
}

/** Newest first, the messages that carry a key. */
static void compare_lookup(struct run *r)
{
	bool mrn = chance(r, 50);
	int key = (int)draw(r, MODEL_KEYS);
	struct got_messages got =
	    suite_lookup(r->t, mrn ? PX_KEY_MRN : PX_KEY_LRN, mrn ? mrns[key] : lrns[key], 1000);
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
	int of = (int)draw(r, (unsigned)r->m.n_messages);
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
	int partner = maybe(r, 30, MODEL_PARTNERS), recipient = maybe(r, 50, MODEL_AUTHORITIES);
	struct px_scan scan = {.limit = 1 + draw(r, 7),
			       .ascending = chance(r, 50),
			       .open_only = chance(r, 50),
			       .partner = partner >= 0 ? partners[partner] : NULL,
			       .recipient = recipient >= 0 ? authorities[recipient] : NULL};
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

static void compare_all(struct run *r)
{
	compare_messages(r);
	compare_overdue(r);
	compare_owed(r);
	compare_lookup(r);
	compare_movement(r);
	compare_filtered(r);
}

/* --- operations --------------------------------------------------------------------------------------------
 */

static void draw_apply(struct run *r, struct model_note *note)
{
	note->n_apply = chance(r, 40) ? 1 + (int)draw(r, 3) : 0;
	for (int i = 0; i < note->n_apply; i++) {
		struct model_apply *a = &note->apply[i];
		*a = (struct model_apply){.sender = (int)draw(r, 2),
					  .variant = chance(r, 10),
					  .recipient = (int)draw(r, MODEL_AUTHORITIES),
					  .partner = maybe(r, 50, MODEL_PARTNERS),
					  .state = chance(r, 50) ? PX_D_DELIVERED : PX_D_REFUSED};
		a->number = (int)draw(r, (unsigned)r->numbers[a->sender] + 1);
		if (r->m.n_deliveries > 0 && chance(r, 70)) { /* about something that is there */
			const struct model_delivery *d =
			    &r->m.deliveries[draw(r, (unsigned)r->m.n_deliveries)];
			a->sender = r->m.messages[d->message].note.sender;
			a->number = r->m.messages[d->message].note.number;
			a->variant = r->m.messages[d->message].note.variant;
			a->recipient = d->recipient;
		}
	}
}

static void draw_consume(struct run *r, struct model_note *note)
{
	int n = (int)draw(r, MODEL_LIST + 1);
	for (int i = 0; i < n && i < r->m.n_owed; i++)
		note->consume[note->n_consume++] = r->m.owed[i].id;
	if (note->n_consume < MODEL_LIST && chance(r, 15))
		note->consume[note->n_consume++] = r->last_owed + 1000;
}

static struct model_note draw_note(struct run *r)
{
	static const int64_t lives[] = {SUITE_HOUR, SUITE_DAY, 150 * SUITE_DAY};
	struct model_note note = {.sender = (int)draw(r, 2),
				  .from = maybe(r, 8, MODEL_PARTNERS),
				  .mrn = maybe(r, 50, MODEL_KEYS),
				  .lrn = maybe(r, 50, MODEL_KEYS),
				  .declarant = maybe(r, 40, MODEL_DECLARANTS),
				  .correlation = -1,
				  .ends = chance(r, 5),
				  .confirmations = chance(r, 12),
				  .prio = (enum px_prio)draw(r, PX_PRIO_COUNT),
				  .life = lives[draw(r, 3)],
				  .deadline = suite_now(r->t) + (int64_t)(1 + draw(r, 72)) * SUITE_HOUR};
	note.number = r->numbers[note.sender];
	if (chance(r, 30))
		note.correlation = (int)draw(r, (unsigned)r->numbers[draw(r, 2)] + 2);
	unsigned first = draw(r, MODEL_AUTHORITIES), n = draw(r, 4);
	for (unsigned i = 0; i < n; i++) {
		int to = (int)((first + i) % MODEL_AUTHORITIES);
		if (to == note.sender)
			continue;
		note.via[note.n_to] = chance(r, 30) ? MODEL_PARTNERS - 1 : to;
		note.to[note.n_to++] = to;
	}
	draw_apply(r, &note);
	if (note.confirmations)
		draw_consume(r, &note);
	return note;
}

static void fill_apply(struct px_apply *out, const struct model_apply *a, const char *body)
{
	char id[16];
	(void)snprintf(id, sizeof(id), "R%d", a->number);
	*out = (struct px_apply){.state = a->state};
	px_strlcpy(out->ref_sender, authorities[a->sender], sizeof(out->ref_sender));
	px_strlcpy(out->ref_message_id, id, sizeof(out->ref_message_id));
	px_sha256(body, strlen(body), out->ref_digest);
	px_strlcpy(out->recipient, authorities[a->recipient], sizeof(out->recipient));
	if (a->partner >= 0)
		px_strlcpy(out->partner, partners[a->partner], sizeof(out->partner));
	if (a->state == PX_D_REFUSED)
		px_strlcpy(out->code, "PX-RULE", sizeof(out->code));
}

static const char *body_of(struct suite *t, int sender, int number, int variant)
{
	char text[64];
	(void)snprintf(text, sizeof(text), "<body of='%s/R%d' variant='%d'/>", authorities[sender], number,
		       variant);
	return suite_text(t, text);
}

/** Submit the note in the suite's words. */
static void submit(struct run *r, const struct model_note *note, struct got_accept *got)
{
	struct px_apply apply[MODEL_LIST];
	struct px_buf to = PX_BUF_INIT;
	char id[16], correlation[16];
	(void)snprintf(id, sizeof(id), "R%d", note->number);
	(void)snprintf(correlation, sizeof(correlation), "R%d", note->correlation);
	for (int i = 0; i < note->n_to; i++)
		px_buf_addf(&to, "%s%s@%s", i > 0 ? " " : "", authorities[note->to[i]],
			    partners[note->via[i]]);
	for (int i = 0; i < note->n_apply; i++) {
		const struct model_apply *a = &note->apply[i];
		fill_apply(&apply[i], a, body_of(r->t, a->sender, a->number, a->variant));
	}
	struct note words = {.id = id,
			     .sender = authorities[note->sender],
			     .from = note->from >= 0 ? partners[note->from] : NULL,
			     .own = note->from < 0,
			     .body = body_of(r->t, note->sender, note->number, note->variant),
			     .correlation = note->correlation >= 0 ? correlation : NULL,
			     .to = px_buf_str(&to),
			     .mrn = note->mrn >= 0 ? mrns[note->mrn] : NULL,
			     .lrn = note->lrn >= 0 ? lrns[note->lrn] : NULL,
			     .declarant = note->declarant >= 0 ? declarants[note->declarant] : NULL,
			     .ends = note->ends,
			     .confirmations = note->confirmations,
			     .prio = (char)('A' + note->prio),
			     .life = note->life,
			     .deadline = note->deadline,
			     .n_apply = (unsigned)note->n_apply,
			     .apply = apply,
			     .n_consume = (unsigned)note->n_consume,
			     .consume = note->consume};
	suite_submit_accept(r->t, &words, got);
	px_buf_free(&to);
}

/** The backend's numbers for what the model has made; each higher than those before. */
static void learn_ids(struct run *r, const struct model_result *want, const struct got_accept *got)
{
	struct model *m = &r->m;
	struct model_message *message = &m->messages[want->message];
	message->seq = got->seq;
	if (want->message > 0 && got->seq <= m->messages[want->message - 1].seq)
		WRONG(r, "message numbers do not rise");
	SAME(r, "deliveries made", got->n, message->note.n_to);
	int first = 0;
	while (first < m->n_deliveries && m->deliveries[first].message != want->message)
		first++;
	for (int i = 0; i < message->note.n_to; i++) {
		m->deliveries[first + i].id = got->ids[i];
		if (first + i > 0 && got->ids[i] <= m->deliveries[first + i - 1].id)
			WRONG(r, "delivery numbers do not rise");
	}
	int colour = want->colour; /* by now it may have been painted over by a later one of a burst */
	if (colour >= 0 && m->movements[colour].id == 0) {
		m->movements[colour].id = got->movement;
		if (colour > 0 && got->movement <= m->movements[colour - 1].id)
			WRONG(r, "movement numbers do not rise");
	}
	SAME(r, "movement", got->movement, colour >= 0 ? m->movements[colour].id : 0);
}

static void compare_accept(struct run *r, const struct model_note *note, const struct model_result *want,
			   const struct got_accept *got)
{
	if (want->rc != got->rc)
		WRONG(r, "accept says %s, should say %s", px_err_name(got->rc), px_err_name(want->rc));
	if (got->rc == PX_EDUPLICATE)
		SAME(r, "seq of the duplicate", got->seq, r->m.messages[want->message].seq);
	if (got->rc != PX_OK)
		return;
	learn_ids(r, want, got);
	for (int i = 0; i < note->n_apply; i++)
		SAME(r, "result of apply", got->applied[i], want->applied[i]);
	SAME(r, "owner conflict", got->owner_conflict, want->conflict);
	if (want->conflict &&
	    strcmp(got->conflict_key,
		   want->conflict_is_lrn ? lrns[want->conflict_key] : mrns[want->conflict_key]) != 0)
		WRONG(r, "conflict key is '%s'", got->conflict_key);
}

static void accept_note(struct run *r, const struct model_note *note)
{
	struct model_result want = model_accept(&r->m, note, suite_now(r->t));
	struct got_accept *got = suite_room(r->t, 1, sizeof(*got));
	submit(r, note, got);
	suite_wait(r->t, &got->done);
	compare_accept(r, note, &want, got);
	if (want.rc == PX_OK)
		r->numbers[note->sender]++;
}

static void do_accept(struct run *r)
{
	struct model_note note = draw_note(r);
	accept_note(r, &note);
}

static struct model_note draw_again(struct run *r)
{
	struct model_note note = r->m.messages[draw(r, (unsigned)r->m.n_messages)].note;
	note.variant = chance(r, 40);
	note.from = maybe(r, 8, MODEL_PARTNERS);
	return note;
}

static void do_again(struct run *r)
{
	if (r->m.n_messages == 0)
		return;
	struct model_note note = draw_again(r);
	accept_note(r, &note);
}

static void do_lease(struct run *r)
{
	int partner = (int)draw(r, MODEL_PARTNERS);
	unsigned max = 1 + draw(r, 4);
	struct got_leases got = suite_lease(r->t, partners[partner], max);
	const char *wrong = model_leased(&r->m, partner, max, suite_now(r->t), got.n, got.items);
	if (wrong != NULL)
		WRONG(r, "%s", wrong);
}

/** A random delivery with (or without) a lease; -1: none. */
static int pick_delivery(struct run *r, bool leased)
{
	int n = 0, found = -1;
	for (int i = 0; i < r->m.n_deliveries; i++) {
		if ((r->m.deliveries[i].token.counter != 0) == leased && draw(r, (unsigned)++n) == 0)
			found = i;
	}
	return found;
}

static struct model_settle draw_settle(struct run *r, int delivery)
{
	static const enum px_delivery_state states[] = {
	    PX_D_QUEUED,  PX_D_QUEUED,  PX_D_QUEUED,  PX_D_QUEUED,  PX_D_DELIVERED, PX_D_DELIVERED,
	    PX_D_REFUSED, PX_D_EXPIRED, PX_D_UNKNOWN, PX_D_UNKNOWN, PX_D_CANCELLED, PX_D_HANDED_OVER};
	struct model_settle s = {.delivery = delivery,
				 .state = states[draw(r, PX_ARRAY_LEN(states))],
				 .attempted = chance(r, 70),
				 .body_sent = chance(r, 50),
				 .due = suite_now(r->t) + (int64_t)draw(r, 4) * SUITE_HOUR,
				 .error = (int)draw(r, PX_ARRAY_LEN(errors))};
	if (s.state != PX_D_QUEUED && chance(r, 50))
		s.owed = 1 + draw(r, 60);
	return s;
}

/** The ids of pending confirmations that the model has only counted so far, in the order they were made. */
static void learn_owed(struct run *r)
{
	for (int i = 0; i < r->m.n_owed; i++) {
		struct model_owed *o = &r->m.owed[i];
		if (o->id != 0)
			continue;
		struct got_owed got =
		    suite_owed(r->t, partners[o->partner], authorities[o->ref_sender], 1000, 1 << 20);
		unsigned k = 0;
		while (k < got.n && got.ids[k] <= r->last_owed)
			k++;
		if (k == got.n)
			WRONG(r, "the pending confirmation is not there");
		o->id = r->last_owed = got.ids[k];
	}
}

/** Submit it; @want gets what the model says to it. */
static void submit_settle(struct run *r, const struct model_settle *s, struct got_write *got, int *want)
{
	char owed[64];
	memset(owed, 'o', sizeof(owed));
	struct px_settle settle = {.delivery = s->delivery >= 0 ? r->m.deliveries[s->delivery].id : 1000000,
				   .token = s->token,
				   .state = s->state,
				   .attempted = s->attempted,
				   .body_sent = s->body_sent,
				   .due = s->due,
				   .error = errors[s->error],
				   .owed = s->owed > 0 ? (const uint8_t *)owed : NULL,
				   .owed_len = s->owed};
	*want = model_settle(&r->m, s, suite_now(r->t));
	suite_submit_settle(r->t, &settle, got);
}

static void compare_settle(struct run *r, const struct got_write *got, int want)
{
	if (want != got->rc)
		WRONG(r, "settle says %s, should say %s", px_err_name(got->rc), px_err_name(want));
}

static void settle(struct run *r, const struct model_settle *s)
{
	struct got_write *got = suite_room(r->t, 1, sizeof(*got));
	int want;
	submit_settle(r, s, got, &want);
	suite_wait(r->t, &got->done);
	compare_settle(r, got, want);
	learn_owed(r);
}

static void do_settle(struct run *r)
{
	int delivery = pick_delivery(r, true);
	if (delivery < 0)
		return;
	struct model_settle s = draw_settle(r, delivery);
	s.token = r->m.deliveries[delivery].token;
	settle(r, &s);
}

static void do_settle_unleased(struct run *r)
{
	struct model_settle s = draw_settle(r, pick_delivery(r, false));
	settle(r, &s);
}

/** With a token that is not that of the lease. */
static struct model_settle draw_wrong_settle(struct run *r, int delivery)
{
	struct model_settle s = draw_settle(r, delivery);
	s.token = r->m.deliveries[delivery].token;
	if (s.token.counter == 0 || chance(r, 50))
		s.token = (struct px_token){s.token.epoch + 1, s.token.counter + 7};
	else
		s.token = (struct px_token){0};
	return s;
}

static void do_settle_wrongly(struct run *r)
{
	int delivery = pick_delivery(r, chance(r, 50));
	if (delivery < 0)
		return;
	struct model_settle s = draw_wrong_settle(r, delivery);
	settle(r, &s);
}

static void do_requeue(struct run *r)
{
	int partner = (int)draw(r, MODEL_PARTNERS);
	int64_t due = suite_now(r->t) + ((int64_t)draw(r, 3) - 1) * SUITE_HOUR;
	model_requeue(&r->m, partner, due);
	SAME(r, "requeue", suite_requeue(r->t, partners[partner], due), PX_OK);
}

static void do_pass_time(struct run *r)
{
	static const int64_t units[] = {1, 60000, SUITE_HOUR, SUITE_DAY};
	px_clock_sim_advance(r->t->clock, (int64_t)(1 + draw(r, 3)) * units[draw(r, 4)]);
}

static void do_journal(struct run *r)
{
	r->m.entries++;
	SAME(r, "journal",
	     suite_journal(r->t, &(struct px_journal_entry){.kind = PX_J_ADMIN, .actor = "anna"}), PX_OK);
	if (chance(r, 50))
		return;
	r->m.checkpoint = r->m.entries;
	SAME(r, "checkpoint", suite_checkpoint(r->t, r->m.entries, "signed"), PX_OK);
}

static void do_reopen(struct run *r)
{
	model_restart(&r->m);
	suite_reopen(r->t);
}

static void do_crash(struct run *r)
{
	model_restart(&r->m);
	suite_crash(r->t);
}

/* --- bursts: writes that are under way together
 * --------------------------------------------------------------
 */

struct burst {
	bool accept;
	struct model_note note;
	struct model_result want;
	struct got_accept accepted;
	int want_settle;
	struct got_write settled;
};

static void submit_burst_settle(struct run *r, struct burst *b, int delivery)
{
	struct model_settle s;
	if (chance(r, 10)) {
		s = draw_wrong_settle(r, delivery);
	} else {
		s = draw_settle(r, delivery);
		s.token = r->m.deliveries[delivery].token;
	}
	submit_settle(r, &s, &b->settled, &b->want_settle);
}

static void submit_burst_accept(struct run *r, struct burst *b)
{
	b->note = r->m.n_messages > 0 && chance(r, 15) ? draw_again(r) : draw_note(r);
	for (int i = 0; i < b->note.n_consume; i++) {
		if (b->note.consume[i] == 0) /* made by an earlier one of the burst: not known yet */
			b->note.n_consume = i;
	}
	b->want = model_accept(&r->m, &b->note, suite_now(r->t));
	submit(r, &b->note, &b->accepted);
	if (b->want.rc == PX_OK)
		r->numbers[b->note.sender]++;
}

static void do_burst(struct run *r)
{
	unsigned n = 2 + draw(r, 10);
	int n_known = r->m.n_deliveries; /* later ones have no id yet */
	struct burst *all = suite_room(r->t, n, sizeof(*all));
	for (unsigned i = 0; i < n; i++) {
		int delivery = pick_delivery(r, chance(r, 70));
		all[i].accept = delivery < 0 || delivery >= n_known || chance(r, 40);
		if (all[i].accept)
			submit_burst_accept(r, &all[i]);
		else
			submit_burst_settle(r, &all[i], delivery);
	}
	for (unsigned i = 0; i < n; i++) {
		struct burst *b = &all[i];
		suite_wait(r->t, b->accept ? &b->accepted.done : &b->settled.done);
		if (b->accept)
			compare_accept(r, &b->note, &b->want, &b->accepted);
		else
			compare_settle(r, &b->settled, b->want_settle);
	}
	learn_owed(r);
}

static const struct {
	unsigned weight;
	const char *name;
	void (*run)(struct run *r);
} operations[] = {
    {22, "accept", do_accept},
    {6, "burst", do_burst},
    {4, "accept again", do_again},
    {22, "lease", do_lease},
    {20, "settle", do_settle},
    {7, "settle without a lease", do_settle_unleased},
    {3, "settle with a wrong token", do_settle_wrongly},
    {3, "requeue", do_requeue},
    {8, "pass time", do_pass_time},
    {2, "journal", do_journal},
    {1, "reopen", do_reopen},
    {2, "crash", do_crash},
};

static void one_step(struct run *r)
{
	unsigned at = draw(r, 100), i = 0;
	while (at >= operations[i].weight)
		at -= operations[i++].weight;
	r->doing = operations[i].name;
	operations[i].run(r);
}

void suite_random(struct suite *t)
{
	struct run *r = suite_room(t, 1, sizeof(*r));
	r->t = t;
	r->random = 0x9e3779b97f4a7c15u * (t->seed + 1);
	model_start(&r->m);
	size_t mark = t->n_kept;
	for (r->step = 1; r->step <= STEPS; r->step++) {
		one_step(r);
		compare_deliveries(r);
		compare_stats(r);
		if (r->step % 10 == 0 || r->step == STEPS)
			compare_all(r);
		suite_release(t, mark);
	}
	do_reopen(r);
	compare_deliveries(r);
	compare_stats(r);
	compare_all(r);
}
