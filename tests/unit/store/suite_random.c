/* prinex: store suite: random operations, compared with a model after each
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_random.h"

#include "base/strings.h"

#define STEPS 300

/* --- operations --------------------------------------------------------------------------------------------
 */

static void draw_apply(struct run *r, struct model_note *note)
{
	note->n_apply = suite_chance(r, 40) ? 1 + (int)suite_draw(r, 3) : 0;
	for (int i = 0; i < note->n_apply; i++) {
		struct model_apply *a = &note->apply[i];
		*a = (struct model_apply){.sender = (int)suite_draw(r, 2),
					  .variant = suite_chance(r, 10),
					  .recipient = (int)suite_draw(r, MODEL_AUTHORITIES),
					  .partner = suite_maybe(r, 50, MODEL_PARTNERS),
					  .state = suite_chance(r, 50) ? PX_D_DELIVERED : PX_D_REFUSED};
		a->number = (int)suite_draw(r, (unsigned)r->numbers[a->sender] + 1);
		if (r->m.n_deliveries > 0 && suite_chance(r, 70)) { /* about something that is there */
			const struct model_delivery *d =
			    &r->m.deliveries[suite_draw(r, (unsigned)r->m.n_deliveries)];
			a->sender = r->m.messages[d->message].note.sender;
			a->number = r->m.messages[d->message].note.number;
			a->variant = r->m.messages[d->message].note.variant;
			a->recipient = d->recipient;
		}
	}
}

static void draw_consume(struct run *r, struct model_note *note)
{
	int n = (int)suite_draw(r, MODEL_LIST + 1);
	for (int i = 0; i < n && i < r->m.n_owed; i++)
		note->consume[note->n_consume++] = r->m.owed[i].id;
	if (note->n_consume < MODEL_LIST && suite_chance(r, 15))
		note->consume[note->n_consume++] = r->last_owed + 1000;
}

static struct model_note draw_note(struct run *r)
{
	static const int64_t lives[] = {SUITE_HOUR, SUITE_DAY, 150 * SUITE_DAY};
	struct model_note note = {.sender = (int)suite_draw(r, 2),
				  .from = suite_maybe(r, 8, MODEL_PARTNERS),
				  .mrn = suite_maybe(r, 50, MODEL_KEYS),
				  .lrn = suite_maybe(r, 50, MODEL_KEYS),
				  .declarant = suite_maybe(r, 40, MODEL_DECLARANTS),
				  .correlation = -1,
				  .ends = suite_chance(r, 5),
				  .confirmations = suite_chance(r, 12),
				  .prio = (enum px_prio)suite_draw(r, PX_PRIO_COUNT),
				  .life = lives[suite_draw(r, 3)],
				  .deadline = suite_now(r->t) +
					      (int64_t)(1 + suite_draw(r, 72)) * SUITE_HOUR};
	note.number = r->numbers[note.sender];
	if (suite_chance(r, 30))
		note.correlation = (int)suite_draw(r, (unsigned)r->numbers[suite_draw(r, 2)] + 2);
	unsigned first = suite_draw(r, MODEL_AUTHORITIES), n = suite_draw(r, 4);
	for (unsigned i = 0; i < n; i++) {
		int to = (int)((first + i) % MODEL_AUTHORITIES);
		if (to == note.sender)
			continue;
		note.via[note.n_to] = suite_chance(r, 30) ? MODEL_PARTNERS - 1 : to;
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
	px_strlcpy(out->ref_sender, suite_authorities[a->sender], sizeof(out->ref_sender));
	px_strlcpy(out->ref_message_id, id, sizeof(out->ref_message_id));
	px_sha256(body, strlen(body), out->ref_digest);
	px_strlcpy(out->recipient, suite_authorities[a->recipient], sizeof(out->recipient));
	if (a->partner >= 0)
		px_strlcpy(out->partner, suite_partners[a->partner], sizeof(out->partner));
	if (a->state == PX_D_REFUSED)
		px_strlcpy(out->code, "PX-RULE", sizeof(out->code));
}

static const char *body_of(struct suite *t, int sender, int number, int variant)
{
	char text[64];
	(void)snprintf(text, sizeof(text), "<body of='%s/R%d' variant='%d'/>", suite_authorities[sender],
		       number, variant);
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
		px_buf_addf(&to, "%s%s@%s", i > 0 ? " " : "", suite_authorities[note->to[i]],
			    suite_partners[note->via[i]]);
	for (int i = 0; i < note->n_apply; i++) {
		const struct model_apply *a = &note->apply[i];
		fill_apply(&apply[i], a, body_of(r->t, a->sender, a->number, a->variant));
	}
	struct note words = {.id = id,
			     .sender = suite_authorities[note->sender],
			     .from = note->from >= 0 ? suite_partners[note->from] : NULL,
			     .own = note->from < 0,
			     .body = body_of(r->t, note->sender, note->number, note->variant),
			     .correlation = note->correlation >= 0 ? correlation : NULL,
			     .to = px_buf_str(&to),
			     .mrn = note->mrn >= 0 ? suite_mrns[note->mrn] : NULL,
			     .lrn = note->lrn >= 0 ? suite_lrns[note->lrn] : NULL,
			     .declarant = note->declarant >= 0 ? suite_declarants[note->declarant] : NULL,
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
	    strcmp(got->conflict_key, want->conflict_is_lrn ? suite_lrns[want->conflict_key]
							    : suite_mrns[want->conflict_key]) != 0)
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
	struct model_note note = r->m.messages[suite_draw(r, (unsigned)r->m.n_messages)].note;
	note.variant = suite_chance(r, 40);
	note.from = suite_maybe(r, 8, MODEL_PARTNERS);
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
	int partner = (int)suite_draw(r, MODEL_PARTNERS);
	unsigned max = 1 + suite_draw(r, 4);
	struct got_leases got = suite_lease(r->t, suite_partners[partner], max);
	const char *wrong = model_leased(&r->m, partner, max, suite_now(r->t), got.n, got.items);
	if (wrong != NULL)
		WRONG(r, "%s", wrong);
}

/** A random delivery with (or without) a lease; -1: none. */
static int pick_delivery(struct run *r, bool leased)
{
	int n = 0, found = -1;
	for (int i = 0; i < r->m.n_deliveries; i++) {
		if ((r->m.deliveries[i].token.counter != 0) == leased && suite_draw(r, (unsigned)++n) == 0)
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
				 .state = states[suite_draw(r, PX_ARRAY_LEN(states))],
				 .attempted = suite_chance(r, 70),
				 .body_sent = suite_chance(r, 50),
				 .due = suite_now(r->t) + (int64_t)suite_draw(r, 4) * SUITE_HOUR,
				 .error = (int)suite_draw(r, MODEL_ERRORS)};
	if (s.state != PX_D_QUEUED && suite_chance(r, 50))
		s.owed = 1 + suite_draw(r, 60);
	return s;
}

/** The ids of pending confirmations that the model has only counted so far, in the order they were made. */
static void learn_owed(struct run *r)
{
	for (int i = 0; i < r->m.n_owed; i++) {
		struct model_owed *o = &r->m.owed[i];
		if (o->id != 0)
			continue;
		struct got_owed got = suite_owed(r->t, suite_partners[o->partner],
						 suite_authorities[o->ref_sender], 1000, 1 << 20);
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
				   .error = suite_errors[s->error],
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
	if (s.token.counter == 0 || suite_chance(r, 50))
		s.token = (struct px_token){s.token.epoch + 1, s.token.counter + 7};
	else
		s.token = (struct px_token){0};
	return s;
}

static void do_settle_wrongly(struct run *r)
{
	int delivery = pick_delivery(r, suite_chance(r, 50));
	if (delivery < 0)
		return;
	struct model_settle s = draw_wrong_settle(r, delivery);
	settle(r, &s);
}

static void do_requeue(struct run *r)
{
	int partner = (int)suite_draw(r, MODEL_PARTNERS);
	int64_t due = suite_now(r->t) + ((int64_t)suite_draw(r, 3) - 1) * SUITE_HOUR;
	model_requeue(&r->m, partner, due);
	SAME(r, "requeue", suite_requeue(r->t, suite_partners[partner], due), PX_OK);
}

static void do_pass_time(struct run *r)
{
	static const int64_t units[] = {1, 60000, SUITE_HOUR, SUITE_DAY};
	px_clock_sim_advance(r->t->clock, (int64_t)(1 + suite_draw(r, 3)) * units[suite_draw(r, 4)]);
}

static void do_journal(struct run *r)
{
	r->m.entries++;
	SAME(r, "journal",
	     suite_journal(r->t, &(struct px_journal_entry){.kind = PX_J_ADMIN, .actor = "anna"}), PX_OK);
	if (suite_chance(r, 50))
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
	if (suite_chance(r, 10)) {
		s = draw_wrong_settle(r, delivery);
	} else {
		s = draw_settle(r, delivery);
		s.token = r->m.deliveries[delivery].token;
	}
	submit_settle(r, &s, &b->settled, &b->want_settle);
}

static void submit_burst_accept(struct run *r, struct burst *b)
{
	b->note = r->m.n_messages > 0 && suite_chance(r, 15) ? draw_again(r) : draw_note(r);
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
	unsigned n = 2 + suite_draw(r, 10);
	int n_known = r->m.n_deliveries; /* later ones have no id yet */
	struct burst *all = suite_room(r->t, n, sizeof(*all));
	for (unsigned i = 0; i < n; i++) {
		int delivery = pick_delivery(r, suite_chance(r, 70));
		all[i].accept = delivery < 0 || delivery >= n_known || suite_chance(r, 40);
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
	unsigned at = suite_draw(r, 100), i = 0;
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
		suite_compare(r);
		if (r->step % 10 == 0 || r->step == STEPS)
			suite_compare_all(r);
		suite_release(t, mark);
	}
	do_reopen(r);
	suite_compare(r);
	suite_compare_all(r);
}
