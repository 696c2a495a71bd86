/* prinex: one attempt to deliver to a push partner
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/internal.h"

/* Post, judge the answer, settle. The attempt keeps its generation to its end. */
struct attempt {
	struct px_flow *flow;
	struct link *link;
	struct px_generation *gen;
	struct px_generation *judge; /* whose inspector has the answer; NULL before */
	struct px_lease lease;
	int status;
	bool body_sent;
	int64_t retry_after;
	struct px_buf answer;
	char reason[PX_REASON_MAX + 1];
};

static void attempt_free(struct attempt *a)
{
	struct px_flow *flow = a->flow;
	px_lease_release(&a->lease);
	px_buf_free(&a->answer);
	px_generation_unref(&a->gen);
	px_generation_unref(&a->judge);
	free(a);
	px_flow_end(flow);
}

static void attempt_settled(void *arg, int rc)
{
	struct attempt *a = arg;
	(void)rc; /* final already or leased anew: somebody else settled it, which is as good */
	a->link->settling--;
	attempt_free(a);
}

static void settle_as(struct attempt *a, struct px_settle *s, bool whole)
{
	s->delivery = a->lease.delivery.id;
	s->token = a->lease.token;
	s->attempted = true;
	s->body_sent = a->body_sent || px_sent_maybe(a->flow, &a->lease.delivery);
	struct settle_about about = {&a->lease.delivery, &a->lease.header, a->lease.origin,
				     a->lease.body->digest, a->lease.confirmations};
	a->link->in_flight--;
	a->link->settling++;
	/* Otherwise nothing comes that it could be flushed with, and the partner's next delivery waits. */
	const struct px_conf_partner *partner = px_conf_partner(a->gen->conf, a->link->name);
	s->patient = a->flow->inspecting > 1 || a->link->settling < partner->in_flight;
	if (whole)
		px_settle_refused(a->flow, &about, s, attempt_settled, a);
	else
		px_settle(a->flow, &about, s, attempt_settled, a);
}

static void try_again(struct attempt *a, const char *reason)
{
	struct px_flow *flow = a->flow;
	int64_t pause = px_dispatch_backoff(flow, a->lease.delivery.attempts);
	if (a->retry_after > 0)
		pause = PX_MAX(pause, PX_MIN(a->retry_after, (int64_t)15 * 60 * 1000));
	px_metric_add(flow->metrics, PX_M_ATTEMPTS, 1, a->link->name, "retry", NULL);
	px_log(PX_LOG_NOTICE, "deliver",
	       "msg=%s/%s partner=%s delivery=%llu attempt=%u failed, again in %lld s: %s",
	       a->lease.header.sender, a->lease.header.message_id, a->link->name,
	       (unsigned long long)a->lease.delivery.id, a->lease.delivery.attempts + 1,
	       (long long)pause / 1000, reason);
	struct px_settle s = {.state = PX_D_QUEUED, .due = px_flow_now(flow) + pause, .error = reason};
	settle_as(a, &s, false);
}

/* An answer that is none of ours, or a confirmation that does not fit. 4xx counts against the partner: one
 * wrong proxy must not turn a backlog into refusals. */
static void strange_answer(struct attempt *a, const char *reason)
{
	char text[PX_REASON_MAX + 32];
	snprintf(text, sizeof(text), "HTTP %d: %s", a->status, reason);
	if (a->status == 429)
		px_dispatch_busy(a->link, text, a->retry_after);
	else if (a->status < 500 && a->status != 408)
		px_dispatch_strange(a->link, a->lease.delivery.message, text);
	else
		px_dispatch_failed(a->link, text, a->retry_after);
	try_again(a, text);
}

static void inspect_answer(struct attempt *a);

static void judged(void *arg, int rc, struct px_verdict *verdict)
{
	struct attempt *a = arg;
	if (rc != PX_ECRASH && a->judge != a->flow->gen) {
		/* A reload meanwhile: whom it trusts may have changed. */
		px_verdict_free(&verdict);
		inspect_answer(a);
		return;
	}
	const struct px_conf_partner *partner = px_conf_partner(a->gen->conf, a->link->name);
	struct judgement j = {.state = PX_D_QUEUED};
	if (rc == PX_OK)
		px_judge(a->flow, partner, &a->lease, verdict, &j);
	else
		snprintf(j.error, sizeof(j.error), "the confirmation could not be inspected: %s",
			 px_err_text(rc));
	bool good_status = a->status == 200 || a->status == 201;
	bool fits = j.state == PX_D_REFUSED ? !good_status : good_status;
	if (rc == PX_OK)
		px_metric_add(a->flow->metrics, PX_M_CONFIRMATIONS, 1,
			      verdict->n_entries > 0 ? px_conf_kind_name(verdict->entries[0].kind)
						     : "invalid",
			      "received", NULL);
	px_verdict_free(&verdict);
	if (j.state == PX_D_QUEUED || !fits) {
		strange_answer(a,
			       j.error[0] != '\0' ? j.error : "kind of confirmation and status do not fit");
		return;
	}
	px_dispatch_succeeded(a->link);
	px_metric_add(a->flow->metrics, PX_M_ATTEMPTS, 1, a->link->name, px_delivery_state_name(j.state),
		      NULL);
	struct px_settle s = {
	    .state = j.state,
	    .due = j.due,
	    .error = j.error[0] != '\0' ? j.error : NULL,
	    .code = j.code[0] != '\0' ? j.code : NULL,
	    .answer = a->answer.data,
	    .answer_len = a->answer.len,
	};
	settle_as(a, &s, j.whole);
}

static bool may_carry_confirmation(int status)
{
	return status == 200 || status == 201 || status == 403 || status == 409 || status == 422;
}

static void inspect_answer(struct attempt *a)
{
	struct px_body *body = px_body_undigested(a->answer.data, a->answer.len);
	struct px_pool_request req = {
	    .kind = PX_DOC_CONFIRMATION,
	    .body = body,
	    .now = px_flow_now(a->flow),
	    .first_broker = true, /* a confirmation is judged at now */
	    .has_expected = true,
	};
	memcpy(req.expected_digest, a->lease.body->digest, PX_DIGEST_LEN);
	px_strlcpy(req.partner, a->link->name, sizeof(req.partner));
	px_strlcpy(req.expected_sender, a->lease.header.sender, sizeof(req.expected_sender));
	px_strlcpy(req.expected_id, a->lease.header.message_id, sizeof(req.expected_id));
	px_generation_unref(&a->judge);
	a->judge = px_generation_ref(a->flow->gen);
	int rc = a->judge->inspector->submit(a->judge->inspector, &req, judged, a);
	px_body_unref(&body);
	if (rc != PX_OK)
		try_again(a, "the answer could not be inspected: overloaded");
}

static void answered(struct attempt *a, const struct px_conf_partner *partner)
{
	if (partner->confirmation == PX_CONFIRM_HTTP && a->status >= 200 && a->status < 300) {
		px_dispatch_succeeded(a->link);
		struct px_settle s = {.state = PX_D_DELIVERED,
				      .error = "confirmed by HTTP status only, as agreed with this partner"};
		settle_as(a, &s, false);
	} else if (may_carry_confirmation(a->status) && a->answer.len > 0 && a->answer.data[0] == '<') {
		inspect_answer(a);
	} else {
		const char *said = px_buf_str(&a->answer);
		char *line = px_xstrndup(said, strcspn(said, "\r\n"));
		char first[PX_VALUE_MAX];
		px_str_shorten(first, line, sizeof(first));
		free(line);
		strange_answer(a, first[0] != '\0' ? first : "no confirmation in the answer");
	}
}

static void posted(void *arg, const struct px_post_result *r)
{
	struct attempt *a = arg;
	a->body_sent = r->body_sent;
	a->retry_after = r->retry_after;
	a->status = r->status;
	const struct px_conf_partner *partner = px_conf_partner(a->gen->conf, a->link->name);
	if (r->end == PX_POST_ANSWERED && !r->truncated) {
		px_buf_add(&a->answer, r->answer, r->answer_len);
		answered(a, partner);
		return;
	}
	px_str_shorten(a->reason,
		       r->truncated ? "the answer is longer than a confirmation can be" : r->reason,
		       sizeof(a->reason));
	px_dispatch_failed(a->link, a->reason, r->retry_after);
	try_again(a, a->reason);
}

void px_deliver_start(struct link *link, const struct px_conf_partner *partner, const struct px_lease *lease)
{
	struct px_flow *flow = link->flow;
	struct attempt *a = px_xcalloc(1, sizeof(*a));
	a->flow = flow;
	a->link = link;
	a->gen = px_generation_ref(flow->gen);
	px_lease_hold(&a->lease, lease);
	px_flow_begin(flow);
	if (partner == NULL || partner->mode != PX_MODE_PUSH) {
		struct px_settle s = {.state = PX_D_QUEUED,
				      .due = px_flow_now(flow),
				      .body_sent = px_sent_maybe(flow, &lease->delivery),
				      .delivery = lease->delivery.id,
				      .token = lease->token,
				      .error = "the partner is not configured for delivery"};
		struct settle_about about = {&a->lease.delivery, &a->lease.header, a->lease.origin,
					     a->lease.body->digest, a->lease.confirmations};
		link->settling++;
		px_settle(flow, &about, &s, attempt_settled, a);
		return;
	}
	link->in_flight++;
	a->gen->transport->post(a->gen->transport, partner, a->lease.body, posted, a);
}
