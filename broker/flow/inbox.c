/* prinex: the pull side: long polls, leases and their confirmations
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/internal.h"

#include <inttypes.h>

/*
 * A fetch leases one delivery for as long as option `lease` says. The value of Prinex-Delivery names delivery
 * and token, so that a confirmation by who fetched it before somebody else is told apart (409). While a
 * confirmation is judged the lease does not run out.
 */
struct waiter {
	TAILQ_ENTRY(waiter) entry;
	struct link *link;
	uint64_t ticket;
	struct px_timer timer;
	px_flow_answered *answered;
	void *arg;
};

struct fetched {
	TAILQ_ENTRY(fetched) entry;
	struct link *link;
	struct px_lease lease;
	char id[80];
	struct px_timer timer;
	bool judging;
};

/* A confirmation being judged. */
struct confirming {
	struct px_flow *flow;
	struct px_generation *gen;
	struct link *link;
	char id[80];
	struct px_body *body;
	enum px_delivery_state state;
	px_flow_answered *answered;
	void *arg;
};

static void fetched_drop(struct fetched *f)
{
	px_timer_stop(f->link->flow->timers, &f->timer);
	TAILQ_REMOVE(&f->link->fetched, f, entry);
	px_lease_release(&f->lease);
	free(f);
}

static void lease_over(void *arg)
{
	struct fetched *f = arg;
	px_log(PX_LOG_NOTICE, "inbox",
	       "msg=%s/%s partner=%s delivery=%llu fetched but not confirmed in time, offered again",
	       f->lease.header.sender, f->lease.header.message_id, f->link->name,
	       (unsigned long long)f->lease.delivery.id);
	px_lease_give_back(f->link->flow, &f->lease, true, "fetched but not confirmed in time");
	fetched_drop(f);
}

static void begin_lease(struct fetched *f)
{
	struct px_flow *flow = f->link->flow;
	px_timer_set(flow->timers, &f->timer, flow->gen->conf->limits.lease, lease_over, f);
}

static void waiter_end(struct waiter *w)
{
	px_timer_stop(w->link->flow->timers, &w->timer);
	TAILQ_REMOVE(&w->link->waiters, w, entry);
	px_flow_end(w->link->flow);
	free(w);
}

static void answer_nothing(struct waiter *w)
{
	struct px_flow_answer answer = {.status = 204, .body = ""};
	px_flow_answered *answered = w->answered;
	void *arg = w->arg;
	waiter_end(w);
	answered(arg, &answer);
}

static void wait_over(void *arg)
{
	struct waiter *w = arg;
	/* A lease request for it may be under way; what it brings goes to the next poller or back. */
	answer_nothing(w);
}

static void hand_out(struct link *link, struct waiter *w, const struct px_lease *lease)
{
	struct px_flow *flow = link->flow;
	struct fetched *f = px_xcalloc(1, sizeof(*f));
	f->link = link;
	px_lease_hold(&f->lease, lease);
	snprintf(f->id, sizeof(f->id), "%" PRIu64 "-%" PRIx64 "-%" PRIx64, lease->delivery.id,
		 lease->token.epoch, lease->token.counter);
	TAILQ_INSERT_TAIL(&link->fetched, f, entry);
	begin_lease(f);
	link->last_success = px_flow_now(flow);
	px_log(PX_LOG_INFO, "inbox", "msg=%s/%s partner=%s delivery=%llu fetched", lease->header.sender,
	       lease->header.message_id, link->name, (unsigned long long)lease->delivery.id);
	struct px_flow_answer answer = {.status = 200,
					.xml = true,
					.body = f->lease.body->data,
					.len = f->lease.body->len,
					.delivery = f->id};
	px_flow_answered *answered = w->answered;
	void *arg = w->arg;
	waiter_end(w);
	answered(arg, &answer);
}

static void leased(void *arg, int rc, unsigned n, const struct px_lease *leases)
{
	struct link *link = arg;
	struct px_flow *flow = link->flow;
	bool failed = px_dispatch_lease_failed(link, rc);
	for (unsigned i = 0; i < n; i++) {
		struct waiter *w = TAILQ_FIRST(&link->waiters);
		if (px_settle_if_overdue(flow, &leases[i]))
			continue;
		if (w != NULL && !link->paused)
			hand_out(link, w, &leases[i]);
		else
			px_lease_give_back(flow, &leases[i], false, NULL);
	}
	link->leasing = false;
	bool again = link->again;
	link->again = false;
	px_flow_end(flow);
	if (again && !failed)
		px_inbox_serve(link);
}

bool px_inbox_serve(struct link *link)
{
	struct px_flow *flow = link->flow;
	unsigned waiting = px_inbox_waiters(link);
	if (flow->draining) {
		while (!TAILQ_EMPTY(&link->waiters))
			answer_nothing(TAILQ_FIRST(&link->waiters));
		return false;
	}
	if (waiting == 0 || link->paused || !flow->ready)
		return false;
	if (link->leasing) {
		link->again = true;
		return true;
	}
	link->leasing = true;
	px_flow_begin(flow);
	px_store_lease(flow->store, link->name, waiting, px_flow_now(flow), leased, link);
	return true;
}

uint64_t px_flow_fetch(struct px_flow *flow, struct px_generation *gen, const struct px_conf_partner *partner,
		       int64_t wait_ms, px_flow_answered *answered, void *arg)
{
	(void)gen;
	if (partner->mode != PX_MODE_PULL || flow->draining) {
		int status = flow->draining ? 503 : 403;
		px_answer_text(answered, arg, status, flow->draining ? 10 : 0, "%s\n",
			       flow->draining ? "draining: try again later"
					      : "this partner is not configured to fetch (mode = pull)");
		return 0;
	}
	struct link *link = px_flow_obtain_link(flow, partner->name);
	struct waiter *w = px_xcalloc(1, sizeof(*w));
	w->link = link;
	w->ticket = flow->next_ticket++;
	w->answered = answered;
	w->arg = arg;
	uint64_t ticket = w->ticket;
	TAILQ_INSERT_TAIL(&link->waiters, w, entry);
	px_flow_begin(flow);
	/* At least long enough for the store to look. */
	px_timer_set(flow->timers, &w->timer, PX_MAX(wait_ms, 250), wait_over, w);
	px_inbox_serve(link);
	return ticket;
}

void px_flow_fetch_cancel(struct px_flow *flow, uint64_t ticket)
{
	for (struct link *l = flow->links; l != NULL; l = l->hh.next) {
		struct waiter *w;
		TAILQ_FOREACH(w, &l->waiters, entry)
		{
			if (w->ticket == ticket) {
				waiter_end(w);
				return;
			}
		}
	}
}

/* --- confirming
 * ---------------------------------------------------------------------------------------------- */

static struct fetched *find_fetched(const struct link *link, const char *id)
{
	struct fetched *f;
	TAILQ_FOREACH(f, &link->fetched, entry)
	{
		if (strcmp(f->id, id) == 0)
			return f;
	}
	return NULL;
}

static void confirming_end(struct confirming *c)
{
	struct px_flow *flow = c->flow;
	px_body_unref(&c->body);
	px_generation_unref(&c->gen);
	free(c);
	px_flow_end(flow);
}

static void confirmed(void *arg, int rc)
{
	struct confirming *c = arg;
	struct px_flow_answer answer = {.status = 204, .body = ""};
	if (rc == PX_OK)
		c->answered(c->arg, &answer);
	else if (rc == PX_ESTALE || rc == PX_ENOTFOUND || rc == PX_EPRECONDITION)
		px_answer_text(c->answered, c->arg, 409, 0, "delivery %s has passed on\n", c->id);
	else
		px_answer_text(c->answered, c->arg, 503, 2, "the store failed; try again\n");
	confirming_end(c);
}

static void settle_fetched(struct confirming *c, struct fetched *f, const struct judgement *j)
{
	struct px_settle s = {
	    .delivery = f->lease.delivery.id,
	    .token = f->lease.token,
	    .state = j->state,
	    .due = j->due,
	    .attempted = true,
	    .body_sent = true,
	    .error = j->error[0] != '\0' ? j->error : NULL,
	    .code = j->code[0] != '\0' ? j->code : NULL,
	    .answer = c->body->data,
	    .answer_len = c->body->len,
	};
	struct settle_about about = {&f->lease.delivery, &f->lease.header, f->lease.origin,
				     f->lease.body->digest, f->lease.confirmations};
	if (j->whole)
		px_settle_refused(c->flow, &about, &s, confirmed, c);
	else
		px_settle(c->flow, &about, &s, confirmed, c);
	fetched_drop(f);
}

static void judged(void *arg, int rc, struct px_verdict *verdict);

static int inspect_confirmation(struct confirming *c, const struct fetched *f)
{
	struct px_pool_request req = {
	    .kind = PX_DOC_CONFIRMATION,
	    .body = c->body,
	    .now = px_flow_now(c->flow),
	    .first_broker = true,
	    .has_expected = true,
	};
	memcpy(req.expected_digest, f->lease.body->digest, PX_DIGEST_LEN);
	px_strlcpy(req.partner, c->link->name, sizeof(req.partner));
	px_strlcpy(req.expected_sender, f->lease.header.sender, sizeof(req.expected_sender));
	px_strlcpy(req.expected_id, f->lease.header.message_id, sizeof(req.expected_id));
	return c->gen->inspector->submit(c->gen->inspector, &req, judged, c);
}

/* The lease is kept: the partner may confirm again. */
static void not_settled(struct confirming *c, struct fetched *f, int status, const char *why)
{
	f->judging = false;
	begin_lease(f);
	px_log(PX_LOG_NOTICE, "inbox", "partner=%s delivery=%s confirmation not accepted: %s", c->link->name,
	       c->id, why);
	px_answer_text(c->answered, c->arg, status, status == 503 ? 2 : 0, "%s\n", why);
	confirming_end(c);
}

/* What it trusts may have changed while it was inspected: the connection, or by a reload the signer. */
static bool trust_changed(struct confirming *c, struct fetched *f)
{
	if (!px_flow_is_trusted(c->flow, c->arg)) {
		not_settled(c, f, 403, "the certificate of this connection does not stand any more");
		return true;
	}
	if (c->gen == c->flow->gen)
		return false;
	px_generation_unref(&c->gen);
	c->gen = px_generation_ref(c->flow->gen);
	if (px_conf_partner(c->gen->conf, c->link->name) == NULL)
		not_settled(c, f, 403, "this partner is no longer known here");
	else if (inspect_confirmation(c, f) != PX_OK)
		not_settled(c, f, 503, "overloaded: try again");
	return true;
}

static void judged(void *arg, int rc, struct px_verdict *verdict)
{
	struct confirming *c = arg;
	struct fetched *f = find_fetched(c->link, c->id);
	if (trust_changed(c, f)) {
		px_verdict_free(&verdict);
		return;
	}
	const struct px_conf_partner *partner = px_conf_partner(c->gen->conf, c->link->name);
	struct judgement j = {.state = PX_D_QUEUED};
	if (rc == PX_OK)
		px_judge(c->flow, partner, &f->lease, verdict, &j);
	else
		px_strlcpy(j.error, "it could not be inspected", sizeof(j.error));
	px_verdict_free(&verdict);
	if (j.state == PX_D_QUEUED) {
		not_settled(c, f, rc == PX_OK ? 422 : 503, j.error);
		return;
	}
	f->judging = false;
	px_metric_add(c->flow->metrics, PX_M_CONFIRMATIONS, 1, j.state == PX_D_REFUSED ? "CoE" : "CoA",
		      "received", NULL);
	settle_fetched(c, f, &j);
}

void px_flow_confirm(struct px_flow *flow, struct px_generation *gen, const struct px_conf_partner *partner,
		     const char *id, struct px_body *body, px_flow_answered *answered, void *arg)
{
	struct link *link = px_flow_obtain_link(flow, partner->name);
	struct fetched *f = find_fetched(link, id);
	if (body->len > (size_t)PX_LIMIT_CONFIRMATION) {
		px_answer_text(answered, arg, 413, 0, "larger than a confirmation can be\n");
		return;
	}
	if (f == NULL) {
		px_late_confirm(flow, gen, partner, id, body, answered, arg);
		return;
	}
	if (f->judging) {
		px_answer_text(answered, arg, 409, 0, "a confirmation of delivery %s is being judged\n", id);
		return;
	}
	struct confirming *c = px_xcalloc(1, sizeof(*c));
	c->flow = flow;
	c->gen = px_generation_ref(gen);
	c->link = link;
	c->body = px_body_ref(body);
	c->answered = answered;
	c->arg = arg;
	px_strlcpy(c->id, id, sizeof(c->id));
	px_flow_begin(flow);
	if (inspect_confirmation(c, f) != PX_OK) {
		px_answer_text(answered, arg, 503, 2, "overloaded: try again\n");
		confirming_end(c);
		return;
	}
	f->judging = true;
	px_timer_stop(flow->timers, &f->timer);
}

unsigned px_inbox_waiters(const struct link *link)
{
	unsigned n = 0;
	struct waiter *w;
	TAILQ_FOREACH(w, &link->waiters, entry)
	n++;
	return n;
}

unsigned px_inbox_fetched(const struct link *link)
{
	unsigned n = 0;
	struct fetched *f;
	TAILQ_FOREACH(f, &link->fetched, entry)
	n++;
	return n;
}

void px_inbox_give_back(struct link *link)
{
	while (!TAILQ_EMPTY(&link->fetched)) {
		struct fetched *f = TAILQ_FIRST(&link->fetched);
		px_lease_give_back(link->flow, &f->lease, true,
				   "fetched but not confirmed before the node stopped");
		fetched_drop(f);
	}
}

void px_inbox_free(struct link *link)
{
	while (!TAILQ_EMPTY(&link->waiters))
		waiter_end(TAILQ_FIRST(&link->waiters));
	while (!TAILQ_EMPTY(&link->fetched))
		fetched_drop(TAILQ_FIRST(&link->fetched));
}
