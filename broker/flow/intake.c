/* prinex: from a partner's body to its answer
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/intake_parts.h"
#include "inspect/turns.h"

/*
 * The walk: known? -> inspect -> decide and route -> CoA sealed -> store -> answer. A refusal anywhere
 * becomes a sealed CoE and a journal entry. The answer is given exactly once, after the commit.
 */
static void inspect(struct intake *in);

const struct px_conf_partner *px_intake_partner(const struct intake *in)
{
	return px_conf_partner(in->gen->conf, in->partner);
}

static void enlist(struct intake *in)
{
	in->next = in->flow->intakes;
	if (in->next != NULL)
		in->next->prev = in;
	in->flow->intakes = in;
}

static void strike_off(struct intake *in)
{
	if (in->next != NULL)
		in->next->prev = in->prev;
	if (in->prev != NULL)
		in->prev->next = in->next;
	else
		in->flow->intakes = in->next;
}

bool px_intake_has_twin(const struct intake *in)
{
	for (const struct intake *i = in->flow->intakes; i != NULL; i = i->next) {
		if (i != in && memcmp(i->body->digest, in->body->digest, PX_DIGEST_LEN) == 0 &&
		    strcmp(i->partner, in->partner) == 0)
			return true;
	}
	return false;
}

void px_intake_end(struct intake *in)
{
	struct px_flow *flow = in->flow;
	strike_off(in);
	px_verdict_free(&in->verdict);
	px_findings_free(&in->errors);
	px_applying_free(&in->applying);
	px_buf_free(&in->coa);
	px_body_unref(&in->body);
	px_generation_unref(&in->gen);
	free(in);
	px_flow_end(flow);
}

void px_intake_later(struct intake *in, const char *why)
{
	px_log(PX_LOG_NOTICE, "accept", "partner=%s not judged, answered 503: %s", in->partner, why);
	px_answer_text(in->answered, in->arg, 503, 2, "%s; try again\n", why);
	px_intake_end(in);
}

/* Its certificate was revoked, or ended, while the message was inspected. */
static bool is_distrusted(struct intake *in)
{
	if (px_flow_is_trusted(in->flow, in->arg))
		return false;
	px_log(
	    PX_LOG_NOTICE, "accept",
	    "partner=%s not judged, answered 403: the certificate of its connection does not stand any more",
	    in->partner);
	px_answer_text(in->answered, in->arg, 403, 0,
		       "the certificate of this connection does not stand any more\n");
	px_intake_end(in);
	return true;
}

/* A reload while the message was inspected: what it trusts may have changed, so it is judged by the new
 * generation. */
static bool moved_on(struct intake *in)
{
	if (in->flow->gen == in->gen)
		return false;
	const struct px_conf_partner *old = px_intake_partner(in);
	char uri[256], authority[PX_AUTHORITY_MAX + 1];
	enum px_role role = old->role;
	px_strlcpy(uri, old->san_uri, sizeof(uri));
	px_strlcpy(authority, old->authority, sizeof(authority));
	px_generation_unref(&in->gen);
	in->gen = px_generation_ref(in->flow->gen);
	px_verdict_free(&in->verdict);
	/* Its TLS identity was proved for the old block only; a changed one has to connect anew. */
	const struct px_conf_partner *now = px_intake_partner(in);
	if (now == NULL || strcmp(now->san_uri, uri) != 0 || strcmp(now->authority, authority) != 0 ||
	    now->role != role) {
		px_answer_text(in->answered, in->arg, 403, 0, "partner %s is no longer known here\n",
			       in->partner);
		px_intake_end(in);
		return true;
	}
	inspect(in);
	return true;
}

/* Large ones take longer than it is worth to wait for them with what is to be flushed. */
static unsigned ends_soon(const struct intake *in)
{
	return in->body->len <= PX_INSPECT_SMALL ? 1 : 0;
}

static void inspected(void *arg, int rc, struct px_verdict *verdict)
{
	struct intake *in = arg;
	in->flow->inspecting -= ends_soon(in);
	in->verdict = verdict;
	if (is_distrusted(in) || (rc != PX_ECRASH && moved_on(in)))
		return;
	if (rc == PX_ECRASH) {
		px_intake_refuse_deadly(in);
	} else if (rc != PX_OK) {
		px_intake_later(in, rc == PX_ETIMEOUT ? "inspection took too long"
						      : "inspection was interrupted");
	} else if (verdict->stage != PX_STAGE_OK) {
		px_intake_refuse(in, 422, &verdict->errors);
	} else {
		px_intake_decide(in);
	}
}

static void inspect(struct intake *in)
{
	struct px_pool_request req = {
	    .kind = PX_DOC_EXCHANGE,
	    .body = in->body,
	    .now = px_flow_now(in->flow),
	    .first_broker = px_intake_partner(in)->role == PX_ROLE_SYSTEM,
	};
	px_strlcpy(req.partner, in->partner, sizeof(req.partner));
	in->flow->inspecting += ends_soon(in);
	if (in->gen->inspector->submit(in->gen->inspector, &req, inspected, in) != PX_OK) {
		in->flow->inspecting -= ends_soon(in);
		px_intake_later(in, "overloaded: too many messages wait for inspection");
	}
}

static void known(void *arg, const struct px_accept_result *r)
{
	struct intake *in = arg;
	if (r->rc == PX_EDUPLICATE)
		px_intake_duplicate(in, r);
	else if (r->rc == PX_ENOTFOUND)
		inspect(in);
	else
		px_intake_later(in, "the store could not be read");
}

void px_flow_receive(struct px_flow *flow, struct px_generation *gen, const struct px_conf_partner *partner,
		     struct px_body *body, px_flow_answered *answered, void *arg)
{
	if (flow->draining || flow->closed) {
		px_answer_text(answered, arg, 503, flow->draining ? 10 : 60,
			       "draining: this node takes no new messages\n");
		return;
	}
	if (px_steady_is_behind(flow)) {
		px_answer_text(answered, arg, 503, 60, "the clock of this node is wrong; try again\n");
		return;
	}
	int wait = px_rate_take(flow, partner);
	if (wait > 0) {
		px_answer_text(answered, arg, 429, wait,
			       "more than the %u messages a minute agreed with this partner\n",
			       partner->rate);
		return;
	}
	struct intake *in = px_xcalloc(1, sizeof(*in));
	in->flow = flow;
	in->gen = px_generation_ref(gen);
	in->body = px_body_ref(body);
	in->answered = answered;
	in->arg = arg;
	in->started = px_clock_mono(flow->clock);
	px_strlcpy(in->partner, partner->name, sizeof(in->partner));
	enlist(in);
	px_flow_begin(flow);
	if (px_store_may_know(flow->store, body->digest))
		px_store_known(flow->store, in->partner, body->digest, known, in);
	else
		inspect(in);
}
