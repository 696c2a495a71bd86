/* prinex: what a confirmation means for a delivery, and what is owed about it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/internal.h"

#define FULL_PAUSE  1000
#define SWEEP_PAUSE 10000 /* the sweep, each second, passes by what is leased: it must find it back */

/* --- judging
 * ------------------------------------------------------------------------------------------------- */

/* Custody for a recipient is taken by naming it: a hub may know only some of them. */
static bool names(const struct px_confirmation *c, const char *recipient)
{
	for (unsigned i = 0; i < c->n_recipients; i++) {
		if (strcmp(c->recipients[i], recipient) == 0)
			return true;
	}
	return false;
}

static void say(struct judgement *out, const char *fmt, ...) PX_PRINTF(2, 3);
static void say(struct judgement *out, const char *fmt, ...)
{
	struct px_buf text = PX_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	px_str_shorten(out->error, px_buf_str(&text), sizeof(out->error));
	px_buf_free(&text);
}

static void judge_coa(struct px_flow *flow, const struct px_conf_partner *partner,
		      const struct px_lease *lease, const struct px_verdict *v, struct judgement *out)
{
	const struct px_confirmation *c = &v->entries[0];
	bool of_recipient = strcmp(v->signer.authority, lease->delivery.recipient) == 0;
	bool of_partner = strcmp(v->signer.authority, partner->authority) == 0 &&
			  v->signer.role == partner->role;
	if (c->cod_follows && !names(c, lease->delivery.recipient)) {
		say(out, "the broker took it over, but not for recipient %s", lease->delivery.recipient);
	} else if (c->cod_follows && partner->role == PX_ROLE_NODE && (of_recipient || of_partner)) {
		out->state = PX_D_HANDED_OVER;
		out->due = px_flow_now(flow) + partner->cod_wait;
	} else if (!c->cod_follows && (of_recipient || (of_partner && lease->confirmations))) {
		/* A relay that has taken confirmations over settles them: nothing follows about these. */
		out->state = PX_D_DELIVERED;
	} else {
		say(out, "confirmation signed by %s %s, expected recipient %s", v->signer.authority,
		    px_role_name(v->signer.role), lease->delivery.recipient);
	}
}

static void judge_coe(const struct px_conf_partner *partner, const struct px_lease *lease,
		      const struct px_verdict *v, struct judgement *out)
{
	const struct px_confirmation *c = &v->entries[0];
	bool of_recipient = strcmp(v->signer.authority, lease->delivery.recipient) == 0;
	bool of_partner = strcmp(v->signer.authority, partner->authority) == 0 &&
			  v->signer.role == partner->role;
	px_strlcpy(out->code, c->error_code, sizeof(out->code));
	if (!of_recipient && !of_partner)
		say(out, "exception signed by %s, neither recipient nor partner", v->signer.authority);
	else if (!c->permanent)
		say(out, "temporary exception %s: %s", c->error_code, c->error_text);
	else {
		out->state = PX_D_REFUSED;
		out->whole = of_partner;
		say(out, "%s: %s", c->error_code, c->error_text);
	}
}

void px_judge(struct px_flow *flow, const struct px_conf_partner *partner, const struct px_lease *lease,
	      const struct px_verdict *v, struct judgement *out)
{
	*out = (struct judgement){.state = PX_D_QUEUED};
	if (v->stage != PX_STAGE_OK || v->n_entries != 1) {
		say(out, "confirmation is not valid: %s %s",
		    v->errors.n > 0 ? px_code_wire(v->errors.items[0].code) : "",
		    v->errors.n > 0 ? v->errors.items[0].text : "");
		return;
	}
	const struct px_confirmation *c = &v->entries[0];
	if (c->kind == PX_COA)
		judge_coa(flow, partner, lease, v, out);
	else if (c->kind == PX_COE)
		judge_coe(partner, lease, v, out);
	else
		say(out, "a CoD does not answer a delivery");
}

/* --- settling
 * ------------------------------------------------------------------------------------------------ */

/* One settlement on its way to the store, kept whole so that it can be tried again while the store is full.
 */
struct settling {
	struct px_flow *flow;
	struct px_settle req;
	struct px_delivery delivery;
	struct px_header header;
	char origin[PX_NAME_MAX + 1];
	bool confirmations;
	char *error, *code, *actor;
	struct px_buf answer, owed;
	struct px_mark mark; /* of the alarm that is to be raised by it */
	bool unsure;         /* it was tried, and perhaps it happened */
	px_write_done *done;
	void *arg;
	struct px_timer again;
	uint64_t leases;        /* of the link, when this was submitted */
	struct settling *next;  /* of those that wait for `again` */
	struct settling *along; /* of the same post: settled by the same transaction, or not at all */
	bool is_loose;          /* ... but when that cannot be, this one is settled alone */
};

static enum px_code owed_code(const struct px_delivery *d, enum px_delivery_state state)
{
	if (d->partner[0] == '\0' && state == PX_D_REFUSED)
		return PX_CODE_NOT_CONNECTED;
	switch (state) {
	case PX_D_REFUSED: return PX_CODE_REFUSED;
	case PX_D_EXPIRED: return PX_CODE_EXPIRED;
	case PX_D_CANCELLED: return PX_CODE_CANCELLED;
	default: return PX_CODE_UNKNOWN;
	}
}

bool px_settle_is_open(enum px_delivery_state ended)
{
	return ended == PX_D_UNKNOWN || ended == PX_D_CANCELLED;
}

/* The ConfirmationId of the CoE that says a delivery ended so, without an answer of the recipient: found
 * again when it is superseded. */
static void open_id(const struct settle_about *about, enum px_delivery_state state,
		    char out[PX_MESSAGE_ID_MAX + 1])
{
	struct px_buf of = PX_BUF_INIT;
	uint8_t digest[PX_DIGEST_LEN];
	char hex[PX_DIGEST_HEX];
	px_buf_add(&of, about->digest, PX_DIGEST_LEN);
	px_buf_adds(&of, about->delivery->recipient);
	px_sha256(of.data, of.len, digest);
	px_hex(digest, PX_DIGEST_LEN, hex);
	snprintf(out, PX_MESSAGE_ID_MAX + 1, "PX-%c%.23s", state == PX_D_UNKNOWN ? 'U' : 'X', hex);
	px_buf_free(&of);
}

/* Without the answer inside: the store keeps that once (px_settle). */
static void write_owed(struct px_flow *flow, const struct settle_about *about, const struct px_settle *s,
		       struct px_buf *out, size_t *answer_at)
{
	char id[PX_MESSAGE_ID_MAX + 1], superseded[PX_MESSAGE_ID_MAX + 1] = "";
	px_flow_fresh_id(flow, id);
	if (px_settle_is_open(s->state))
		open_id(about, s->state, id);
	if (px_settle_is_open(about->delivery->state))
		open_id(about, about->delivery->state, superseded);
	struct px_findings errors = {0}, warnings = {0};
	bool good = s->state == PX_D_DELIVERED;
	if (good && s->answer_len == 0)
		px_findings_add(&warnings, PX_CODE_UNSIGNED, 0, NULL, NULL, "%s",
				s->error != NULL ? s->error : px_code_title(PX_CODE_UNSIGNED));
	if (!good)
		px_findings_add(&errors, owed_code(about->delivery, s->state), 0, NULL, NULL, "%s%s%s",
				px_code_title(owed_code(about->delivery, s->state)),
				s->error != NULL ? ": " : "", s->error != NULL ? s->error : "");
	struct px_confirm c = {
	    .kind = good ? PX_COD : PX_COE,
	    .permanent = true,
	    .confirmation_id = id,
	    .issuer = flow->gen->conf->node.authority,
	    .ref_sender = about->header->sender,
	    .ref_message_id = about->header->message_id,
	    .ref_digest = about->digest,
	    .at = px_flow_now(flow),
	    .n_recipients = 1,
	    .recipients = (const char(*)[PX_AUTHORITY_MAX + 1]) about->delivery->recipient,
	    .supersedes = superseded,
	    .evidence = s->answer,
	    .evidence_len = s->answer_len,
	    .evidence_at = answer_at,
	    .checkpoint = px_flow_checkpoint(flow),
	    .warnings = &warnings,
	    .errors = good ? NULL : &errors,
	};
	px_confirm_write(out, &c, false);
	px_metric_add(flow->metrics, PX_M_CONFIRMATIONS, 1, px_conf_kind_name(c.kind), "made", NULL);
	px_findings_free(&errors);
	px_findings_free(&warnings);
}

/* Nothing is owed about confirmations and about what this node made itself: journalled, and failures alarmed,
 * by the same transaction. */
static void ask_outcome(struct settling *s)
{
	if (!px_delivery_state_is_final(s->req.state) || (!s->confirmations && s->origin[0] != '\0'))
		return;
	s->req.outcome = true;
	if (s->req.state == PX_D_DELIVERED)
		return;
	px_standing_mark(&s->mark, PX_ALARM_DELIVERY_FAILED, s->delivery.partner,
			 "exchange %s/%s ended %s: %s", s->header.sender, s->header.message_id,
			 px_delivery_state_name(s->req.state), s->error != NULL ? s->error : "");
	s->req.mark = &s->mark;
}

static void count_end(struct px_flow *flow, const struct settling *s)
{
	const struct px_delivery *d = &s->delivery;
	const char *state = px_delivery_state_name(s->req.state);
	if (s->req.state == PX_D_QUEUED)
		return;
	px_log(s->req.state == PX_D_DELIVERED || s->req.state == PX_D_HANDED_OVER ? PX_LOG_INFO
										  : PX_LOG_NOTICE,
	       "deliver", "msg=%s/%s partner=%s recipient=%s delivery=%llu %s%s%s", s->header.sender,
	       s->header.message_id, d->partner, d->recipient, (unsigned long long)d->id, state,
	       s->error != NULL ? ": " : "", s->error != NULL ? s->error : "");
	if (!px_delivery_state_is_final(s->req.state))
		return;
	px_metric_add(flow->metrics, PX_M_ENDED, 1, d->partner, state, NULL);
	if (s->req.state == PX_D_DELIVERED) {
		px_metric_add(flow->metrics, PX_M_DELIVERED, 1, d->partner, s->header.type, NULL);
		px_metric_observe(flow->metrics, PX_M_END_TO_END_SECONDS,
				  (double)(px_flow_now(flow) - d->created) / 1000.0, NULL, NULL, NULL);
	} else if (s->req.state == PX_D_UNKNOWN) {
		px_alarm_raise(flow->alarms, PX_ALARM_DELIVERY_UNKNOWN, d->partner,
			       "message %s/%s was sent but not confirmed", s->header.sender,
			       s->header.message_id);
	}
}

static void report_end(struct px_flow *flow, const struct settling *s)
{
	count_end(flow, s);
	if (s->req.mark != NULL)
		px_alarm_raise(flow->alarms, PX_ALARM_DELIVERY_FAILED, s->delivery.partner, "%s",
			       s->mark.text);
}

static void submit(void *arg);

static void try_again(void *arg)
{
	struct settling *s = arg, **at = &s->flow->waiting;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	submit(s);
}

static void wait_for_room(struct settling *s)
{
	s->next = s->flow->waiting;
	s->flow->waiting = s;
	px_timer_set(s->flow->timers, &s->again, FULL_PAUSE, try_again, s);
}

/* What became of one delivery. */
static void tell(struct px_flow *flow, const struct settling *s, int rc, bool unsure)
{
	if (rc == PX_OK)
		report_end(flow, s);
	else if (unsure && s->req.mark != NULL && (rc == PX_EPRECONDITION || rc == PX_ESTALE))
		px_standing_look(flow);
	/* Also when an earlier try had happened although its outcome was unknown. */
	if (s->owed.len > 0)
		px_owed_written(flow);
}

static void settling_free(struct settling *s)
{
	while (s != NULL) {
		struct settling *along = s->along;
		free(s->error);
		free(s->code);
		free(s->actor);
		px_buf_free(&s->answer);
		px_buf_free(&s->owed);
		free(s);
		s = along;
	}
}

static void settled(void *arg, int rc)
{
	struct settling *s = arg;
	struct px_flow *flow = s->flow;
	/* An unknown outcome is asked for by settling again: if it happened, the store says PRECONDITION or
	 * STALE. An administrator does not wait for room: told now, he may make some. */
	px_flow_note_store(flow, rc, "settling a delivery", s->delivery.partner);
	if ((rc == PX_EFULL && s->actor == NULL) || rc == PX_EUNKNOWN) {
		s->unsure = s->unsure || rc == PX_EUNKNOWN;
		wait_for_room(s);
		return;
	}
	if (rc != PX_OK && s->is_loose && s->along != NULL) {
		settling_free(s->along);
		s->along = NULL;
		submit(s);
		return;
	}
	for (const struct settling *one = s; one != NULL; one = one->along)
		tell(flow, one, rc, s->unsure);
	struct link *link = px_flow_obtain_link(flow, s->delivery.partner);
	if (rc == PX_OK && s->req.state == PX_D_QUEUED)
		px_dispatch_due(link, s->req.due);
	if (s->done != NULL)
		s->done(s->arg, rc);
	bool asked = !s->req.patient || link->leases != s->leases;
	if (link->more || !TAILQ_EMPTY(&link->waiters) || !asked)
		px_dispatch_kick(link);
	settling_free(s);
	px_flow_end(flow);
}

static void submit(void *arg)
{
	struct settling *s = arg;
	struct link *link = px_flow_obtain_link(s->flow, s->delivery.partner);
	struct px_settle reqs[PX_RECIPIENTS_MAX];
	unsigned n = 0;
	for (const struct settling *one = s; one != NULL; one = one->along)
		reqs[n++] = one->req;
	bool patient = s->req.patient && !link->more;
	s->leases = link->leases;
	/* May end @s at once. */
	if (n > 1)
		px_store_settle_all(s->flow->store, n, reqs, settled, s);
	else
		px_store_settle(s->flow->store, reqs, settled, s);
	/* Right behind it, for the next of its movement: one commit does for both. Behind what is patient it
	 * would be in the way of a message that is accepted meanwhile: either is asked for then, or when it
	 * is over. */
	if (!patient)
		px_dispatch_kick(link);
}

void px_settle_cancel_waiting(struct px_flow *flow)
{
	while (flow->waiting != NULL) {
		struct settling *s = flow->waiting;
		flow->waiting = s->next;
		px_timer_stop(flow->timers, &s->again);
		settled(s, PX_ECANCELLED);
	}
}

static char *copy_text(const char *s)
{
	return s != NULL ? px_xstrdup(s) : NULL;
}

static struct settling *settling_new(struct px_flow *flow, const struct settle_about *about,
				     const struct px_settle *settle)
{
	struct settling *s = px_xcalloc(1, sizeof(*s));
	s->flow = flow;
	s->req = *settle;
	s->delivery = *about->delivery;
	s->header = *about->header;
	s->confirmations = about->confirmations;
	px_strlcpy(s->origin, about->origin, sizeof(s->origin));
	s->req.error = s->error = copy_text(settle->error);
	s->req.code = s->code = copy_text(settle->code);
	s->req.actor = s->actor = copy_text(settle->actor);
	if (settle->answer_len > 0)
		px_buf_add(&s->answer, settle->answer, settle->answer_len);
	s->req.answer = s->answer.data;
	s->req.answer_len = s->answer.len;
	if (px_delivery_state_is_final(settle->state)) {
		if (!about->confirmations && about->origin[0] != '\0')
			write_owed(flow, about, settle, &s->owed, &s->req.owed_answer_at);
	}
	s->req.owed = s->owed.data;
	s->req.owed_len = s->owed.len;
	ask_outcome(s);
	return s;
}

void px_settle_all(struct px_flow *flow, unsigned n, const struct settle_about *abouts,
		   const struct px_settle *settles, px_write_done *done, void *arg)
{
	struct settling *first = NULL, **end = &first;
	px_assert(n > 0 && n <= PX_RECIPIENTS_MAX);
	for (unsigned i = 0; i < n; i++) {
		*end = settling_new(flow, &abouts[i], &settles[i]);
		end = &(*end)->along;
	}
	first->done = done;
	first->arg = arg;
	px_flow_begin(flow);
	submit(first);
}

void px_settle(struct px_flow *flow, const struct settle_about *about, const struct px_settle *settle,
	       px_write_done *done, void *arg)
{
	px_settle_all(flow, 1, about, settle, done, arg);
}

/* --- refused as a whole
 * ----------------------------------------------------------------------------------------- */

static void refused_read(void *arg, int rc, const struct px_message *m)
{
	struct settling *s = arg, **end = &s->along;
	s->is_loose = true;
	struct px_settle same = s->req;
	same.token = (struct px_token){0};
	same.attempted = false;
	same.whoever = true;
	for (unsigned i = 0; rc == PX_OK && i < m->n_deliveries; i++) {
		const struct px_delivery *d = &m->deliveries[i];
		if (d->id == s->delivery.id || d->state != PX_D_QUEUED ||
		    strcmp(d->partner, s->delivery.partner) != 0)
			continue;
		struct settle_about about = {d, &m->header, m->partner, m->digest, m->confirmations};
		same.delivery = d->id;
		*end = settling_new(s->flow, &about, &same);
		end = &(*end)->along;
	}
	submit(s);
}

void px_settle_refused(struct px_flow *flow, const struct settle_about *about, const struct px_settle *settle,
		       px_write_done *done, void *arg)
{
	if (about->header->n_recipients == 1) {
		px_settle(flow, about, settle, done, arg);
		return;
	}
	struct settling *s = settling_new(flow, about, settle);
	s->done = done;
	s->arg = arg;
	px_flow_begin(flow);
	px_store_message(flow->store, about->delivery->message, refused_read, s);
}

bool px_settle_if_overdue(struct px_flow *flow, const struct px_lease *lease)
{
	const struct px_delivery *d = &lease->delivery;
	if (d->deadline > px_flow_now(flow) || px_steady_is_doubtful(flow))
		return false;
	bool sent = px_sent_maybe(flow, d);
	struct px_settle s = {
	    .delivery = d->id,
	    .token = lease->token,
	    .state = sent ? PX_D_UNKNOWN : PX_D_EXPIRED,
	    .code = px_code_wire(sent ? PX_CODE_UNKNOWN : PX_CODE_EXPIRED),
	    .error = d->error[0] != '\0' ? d->error : NULL,
	};
	if (!sent && lease->header.n_recipients != 1) {
		/* It may have gone along with one for another recipient: the sweep reads the message. */
		s.state = PX_D_QUEUED;
		s.due = px_flow_now(flow) + SWEEP_PAUSE;
		s.code = NULL;
	}
	struct settle_about about = {d, &lease->header, lease->origin, lease->body->digest,
				     lease->confirmations};
	px_settle(flow, &about, &s, NULL, NULL);
	return true;
}

void px_lease_give_back(struct px_flow *flow, const struct px_lease *lease, bool sent, const char *why)
{
	struct px_settle s = {
	    .delivery = lease->delivery.id,
	    .token = lease->token,
	    .state = PX_D_QUEUED,
	    .due = px_flow_now(flow),
	    .attempted = sent,
	    .body_sent = sent || px_sent_maybe(flow, &lease->delivery),
	    .error = why,
	};
	struct settle_about about = {&lease->delivery, &lease->header, lease->origin, lease->body->digest,
				     lease->confirmations};
	px_settle(flow, &about, &s, NULL, NULL);
}

void px_lease_hold(struct px_lease *to, const struct px_lease *from)
{
	*to = *from;
	to->body = px_body_ref(from->body);
}

void px_lease_release(struct px_lease *lease)
{
	px_body_unref(&lease->body);
}
