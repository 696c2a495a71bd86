/* prinex: simulated store: deliveries are leased and settled
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/sim_parts.h"

#include "base/strings.h"

static struct sim_message *message_of(const struct sim *s, const struct sim_delivery *d)
{
	return &s->messages[d->message - 1];
}

static bool is_same_queue(const struct sim *s, const struct sim_delivery *a, const struct sim_delivery *b)
{
	uint64_t movement = sim_movement_now(s, message_of(s, a)->movement);
	return movement != 0 && movement == sim_movement_now(s, message_of(s, b)->movement) &&
	       strcmp(a->d.recipient, b->d.recipient) == 0;
}

static bool is_first(const struct sim *s, const struct sim_delivery *d)
{
	for (size_t i = s->first_queued; i < d->d.id - 1; i++) {
		const struct sim_delivery *earlier = &s->deliveries[i];
		if (earlier->d.state == PX_D_QUEUED && is_same_queue(s, earlier, d))
			return false;
	}
	return true;
}

/* A hub gets the message for all of its recipients with the first post: all of these must be first. */
bool sim_is_head(const struct sim *s, const struct sim_delivery *d)
{
	if (d->d.state != PX_D_QUEUED)
		return false;
	for (size_t i = s->first_queued; i < s->n_deliveries; i++) {
		const struct sim_delivery *other = &s->deliveries[i];
		if (other->message == d->message && other->d.state == PX_D_QUEUED &&
		    strcmp(other->d.partner, d->d.partner) == 0 && !is_first(s, other))
			return false;
	}
	return true;
}

struct px_delivery sim_view(const struct sim *s, const struct sim_delivery *d)
{
	struct px_delivery view = d->d;
	view.movement = sim_movement_now(s, message_of(s, d)->movement);
	view.head = sim_is_head(s, d);
	view.leased = d->token.counter != 0;
	return view;
}

/* --- lease -------------------------------------------------------------------------------------------------
 */

/** A head takes the best class of what waits behind it. */
static enum px_prio best_class(const struct sim *s, const struct sim_delivery *head)
{
	enum px_prio best = head->d.prio;
	for (size_t i = head->d.id; i < s->n_deliveries; i++) {
		const struct sim_delivery *d = &s->deliveries[i];
		if (d->d.prio < best && d->d.state == PX_D_QUEUED && is_same_queue(s, head, d))
			best = d->d.prio;
	}
	return best;
}

/** A head that may be leased now. */
struct ready {
	struct sim_delivery *d;
	enum px_prio class;
};

static int compare_ready(const void *a, const void *b)
{
	const struct ready *x = a, *y = b;
	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	if (x->d->d.due != y->d->d.due)
		return x->d->d.due < y->d->d.due ? -1 : 1;
	return x->d->d.id < y->d->d.id ? -1 : 1;
}

/** All of @partner that may be leased, by class, due and age. @return how many. */
static unsigned list_ready(const struct sim *s, const char *partner, int64_t now, struct ready *out)
{
	unsigned n = 0;
	for (size_t i = s->first_queued; i < s->n_deliveries; i++) {
		struct sim_delivery *d = &s->deliveries[i];
		if (d->d.state == PX_D_QUEUED && d->token.counter == 0 && d->d.due <= now &&
		    strcmp(d->d.partner, partner) == 0 && sim_is_head(s, d))
			out[n++] = (struct ready){d, best_class(s, d)};
	}
	qsort(out, n, sizeof(*out), compare_ready);
	return n;
}

static struct sim_turn *turn_of(struct sim *s, const char *partner)
{
	for (size_t i = 0; i < s->n_turns; i++) {
		if (strcmp(s->turns[i].partner, partner) == 0)
			return &s->turns[i];
	}
	struct sim_turn *turn = SIM_APPEND(s, turns);
	px_strlcpy(turn->partner, partner, sizeof(turn->partner));
	return turn;
}

/** Of every eight turns the last two ask for B and for C first; all others take the best class. */
static struct sim_delivery *take_turn(struct sim_turn *turn, struct ready *ready, unsigned n)
{
	static const enum px_prio wanted[8] = {
	    [6] = PX_PRIO_B, [7] = PX_PRIO_C}; /* PX_PRIO_A: the best there is */
	unsigned best = n;
	for (unsigned i = n; i-- > 0;) {
		if (ready[i].d->token.counter == 0)
			best = i;
	}
	for (unsigned i = n; i-- > 0;) {
		if (ready[i].d->token.counter == 0 && ready[i].class == wanted[turn->n % 8])
			best = i;
	}
	if (best == n)
		return NULL;
	turn->n++;
	return ready[best].d;
}

unsigned sim_lease(struct sim *s, const char *partner, unsigned max, int64_t now, struct px_lease *out)
{
	struct ready *ready = px_xcalloc(s->n_deliveries, sizeof(*ready));
	unsigned n_ready = list_ready(s, partner, now, ready), n = 0;
	struct sim_turn *turn = turn_of(s, partner);
	for (struct sim_delivery *d; n < max && (d = take_turn(turn, ready, n_ready)) != NULL; n++) {
		const struct sim_message *m = message_of(s, d);
		d->token = (struct px_token){.epoch = s->epoch, .counter = ++s->last_lease};
		out[n] = (struct px_lease){.token = d->token,
					   .delivery = sim_view(s, d),
					   .header = m->header,
					   .confirmations = m->confirmations,
					   .body = m->body};
		px_strlcpy(out[n].origin, m->partner, sizeof(out[n].origin));
	}
	free(ready);
	return n;
}

/* --- settle ------------------------------------------------------------------------------------------------
 */

static bool may_become(enum px_delivery_state from, enum px_delivery_state to)
{
	if (from == PX_D_QUEUED)
		return true;
	if (from == PX_D_HANDED_OVER)
		return px_delivery_state_is_final(to);
	return (from == PX_D_UNKNOWN || from == PX_D_CANCELLED) &&
	       (to == PX_D_DELIVERED || to == PX_D_REFUSED);
}

static void journal_settled(struct sim *s, const struct sim_delivery *d, const char *code, const char *detail,
			    const char *actor)
{
	const struct sim_message *m = message_of(s, d);
	enum px_journal_kind kind = PX_J_SETTLED;
	if (d->d.state == PX_D_QUEUED)
		kind = PX_J_ATTEMPT;
	else if (d->d.state == PX_D_HANDED_OVER)
		kind = PX_J_HANDED_OVER;
	struct px_journal_entry entry = {.kind = kind,
					 .partner = d->d.partner,
					 .sender = m->header.sender,
					 .message_id = m->header.message_id,
					 .recipient = d->d.recipient,
					 .delivery = d->d.id,
					 .code = code != NULL ? code : px_delivery_state_name(d->d.state),
					 .actor = actor,
					 .detail = detail};
	sim_journal_append(s, &entry);
}

/** Nothing is owed about confirmations or to ourselves: an answer about an answer would never end. */
static void keep_owed(struct sim *s, const struct sim_message *m, const struct px_settle *req)
{
	if (req->owed == NULL || m->confirmations || m->partner[0] == '\0')
		return;
	struct sim_owed *owed = SIM_APPEND(s, owed);
	struct px_buf whole = PX_BUF_INIT;
	px_buf_add(&whole, req->owed, req->owed_answer_at);
	if (req->owed_answer_at > 0)
		px_base64(&whole, req->answer, req->answer_len);
	px_buf_add(&whole, req->owed + req->owed_answer_at, req->owed_len - req->owed_answer_at);
	*owed = (struct sim_owed){.id = ++s->next_owed, .created = px_clock_wall(s->clock)};
	owed->data = px_buf_detach(&whole, &owed->len);
	px_strlcpy(owed->partner, m->partner, sizeof(owed->partner));
	px_strlcpy(owed->ref_sender, m->header.sender, sizeof(owed->ref_sender));
}

static void keep_outcome(struct sim *s, const struct sim_delivery *d, const struct px_settle *req)
{
	const struct sim_message *m = message_of(s, d);
	struct px_journal_entry entry = {.kind = PX_J_OUTCOME,
					 .partner = d->d.partner,
					 .sender = m->header.sender,
					 .message_id = m->header.message_id,
					 .recipient = d->d.recipient,
					 .delivery = d->d.id,
					 .code = px_delivery_state_name(d->d.state),
					 .detail = req->error};
	if (req->outcome)
		sim_journal_append(s, &entry);
	if (req->mark != NULL)
		sim_mark(s, req->mark);
}

static void change_state(struct sim *s, struct sim_delivery *d, const struct px_settle *req)
{
	d->d.state = req->state;
	d->ever_unknown = d->ever_unknown || req->state == PX_D_UNKNOWN;
	d->token = (struct px_token){0};
	d->d.attempts += req->attempted ? 1 : 0;
	d->d.body_sent = d->d.body_sent || req->body_sent;
	if (req->state == PX_D_QUEUED)
		d->d.due = req->due;
	else if (req->state == PX_D_HANDED_OVER)
		d->d.deadline = req->due;
	else
		d->d.ended = px_clock_wall(s->clock);
	px_str_shorten(d->d.error, req->error != NULL ? req->error : "", sizeof(d->d.error));
	while (s->first_queued < s->n_deliveries && s->deliveries[s->first_queued].d.state != PX_D_QUEUED)
		s->first_queued++;
}

/** Another delivery of its message to its partner, a hub, is leased, or was sent: the post is for this one
 * too. */
static bool goes_along(const struct sim *s, const struct sim_delivery *d, const struct px_settle *req)
{
	bool ends = req->state == PX_D_EXPIRED || req->state == PX_D_UNKNOWN || req->state == PX_D_CANCELLED;
	for (size_t i = 0; i < s->n_deliveries && d->d.state == PX_D_QUEUED && ends; i++) {
		const struct sim_delivery *other = &s->deliveries[i];
		bool sent = other->d.body_sent && req->state == PX_D_EXPIRED;
		if (other != d && other->message == d->message && (sent || other->token.counter != 0) &&
		    strcmp(other->d.partner, d->d.partner) == 0)
			return req->token.counter == 0;
	}
	return false;
}

static int check_settle(const struct sim *s, const struct px_settle *req)
{
	if (req->delivery == 0 || req->delivery > s->n_deliveries || s->deliveries[req->delivery - 1].purged)
		return PX_ENOTFOUND;
	const struct sim_delivery *d = &s->deliveries[req->delivery - 1];
	if (!req->whoever && (req->token.epoch != d->token.epoch || req->token.counter != d->token.counter))
		return PX_ESTALE;
	if (!may_become(d->d.state, req->state))
		return PX_EPRECONDITION;
	if ((req->state == PX_D_EXPIRED && d->d.body_sent) || goes_along(s, d, req))
		return PX_ESTALE;
	return PX_OK;
}

static void settle(struct sim *s, const struct px_settle *req)
{
	struct sim_delivery *d = &s->deliveries[req->delivery - 1];
	char error[PX_REASON_MAX + 1];
	px_strlcpy(error, d->d.error, sizeof(error));
	change_state(s, d, req);
	if (req->state != PX_D_QUEUED || strcmp(error, d->d.error) != 0)
		journal_settled(s, d, req->code, req->error, req->actor);
	keep_owed(s, message_of(s, d), req);
	keep_outcome(s, d, req);
	if (req->answer != NULL) {
		free(d->answer);
		d->answer = px_xmemdup(req->answer, req->answer_len);
		d->answer_len = req->answer_len;
	} /* the next head follows from the state */
}

int sim_settle(struct sim *s, unsigned n, const struct px_settle *reqs)
{
	for (unsigned i = 0; i < n; i++) {
		int rc = check_settle(s, &reqs[i]);
		if (rc != PX_OK)
			return rc;
	}
	for (unsigned i = 0; i < n; i++)
		settle(s, &reqs[i]);
	return PX_OK;
}

static bool apply_one(struct sim *s, struct sim_delivery *d, const struct px_apply *apply)
{
	if (!may_become(d->d.state, apply->state))
		return false;
	struct px_settle settle = {
	    .state = apply->state,
	    .error = apply->code,
	    .code = apply->code[0] != '\0' ? apply->code : NULL,
	    .body_sent = true,
	};
	change_state(s, d, &settle);
	journal_settled(s, d, settle.code, NULL, NULL);
	return true;
}

enum px_apply_result sim_apply(struct sim *s, const struct px_apply *apply)
{
	const struct sim_message *m = sim_find(s, apply->ref_sender, apply->ref_message_id);
	if (m == NULL)
		return PX_APPLY_NO_MESSAGE;
	if (memcmp(m->body->digest, apply->ref_digest, PX_DIGEST_LEN) != 0)
		return PX_APPLY_NO_MATCH;
	if (m->purged)
		return PX_APPLY_NO_MESSAGE;
	bool found = false, changed = false;
	for (size_t i = 0; i < s->n_deliveries && !found; i++) {
		struct sim_delivery *d = &s->deliveries[i];
		if (d->message == m->seq && strcmp(d->d.recipient, apply->recipient) == 0 &&
		    (apply->partner[0] == '\0' || strcmp(d->d.partner, apply->partner) == 0)) {
			found = true;
			changed = apply_one(s, d, apply);
		}
	}
	if (!found)
		return PX_APPLY_NO_MATCH;
	return changed ? PX_APPLIED : PX_APPLY_ALREADY;
}

void sim_requeue(struct sim *s, const char *partner, int64_t due)
{
	for (size_t i = s->first_queued; i < s->n_deliveries; i++) {
		struct sim_delivery *d = &s->deliveries[i];
		if (strcmp(d->d.partner, partner) == 0 && d->token.counter == 0 && d->d.due > due &&
		    sim_is_head(s, d))
			d->d.due = due;
	}
}
