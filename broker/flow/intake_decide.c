/* prinex: who may send what, to whom it goes, and which announcement it answers
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/decide.h"
#include "flow/intake_parts.h"

/* A Confirmations exchange goes on to whoever sent the messages it is about; the store told us who that was.
 */
static void refs_resolved(void *arg, int rc, unsigned n, const struct px_resolved *resolved)
{
	struct intake *in = arg;
	if (rc != PX_OK) {
		px_intake_later(in, "the store could not be read");
		return;
	}
	px_applying_route(&in->applying, in->gen->conf, in->partner, &in->verdict->header, resolved, n,
			  px_flow_now(in->flow), &in->routing);
	px_intake_accept(in);
}

/* The exception about them follows; whoever reads only the answer is told as well. */
static void warn_of_absent(struct intake *in)
{
	for (unsigned i = 0; in->routing.n_absent > 0 && i < in->routing.n; i++) {
		const struct px_new_delivery *d = &in->routing.deliveries[i];
		if (d->partner[0] == '\0')
			px_findings_add(&in->verdict->warnings, PX_CODE_NOT_CONNECTED, 0,
					"/px:Exchange/px:Header/px:Recipient", d->recipient,
					"%s is not connected to this node and does not get this message",
					d->recipient);
	}
}

static void answers_found(void *arg, int rc, const struct px_answers *found)
{
	struct intake *in = arg;
	in->answers = *found;
	bool refuses = px_need_refuses(in->gen, px_intake_partner(in), in->verdict);
	if (rc == PX_OK && found->is_doubtful && in->remarks)
		px_need_explain_doubt(in->verdict, refuses ? &in->errors : &in->verdict->warnings);
	if (rc != PX_OK)
		px_intake_later(in, "the store could not be read");
	else if (found->is_doubtful && refuses)
		px_intake_refuse(in, 422, &in->errors);
	else
		px_intake_accept(in);
}

/* Nothing but its times is wrong with it, by a clock that may be wrong itself. */
static bool is_only_untimely(const struct px_findings *errors)
{
	for (unsigned i = 0; i < errors->n; i++) {
		enum px_code code = errors->items[i].code;
		if (code != PX_CODE_TIME_FUTURE && code != PX_CODE_TIME_PAST && code != PX_CODE_TIME_EXPIRED)
			return false;
	}
	return true;
}

static void untimely_known(void *arg, const struct px_accept_result *r)
{
	struct intake *in = arg;
	if (r->rc == PX_EDUPLICATE)
		px_intake_duplicate(in, r);
	else if (r->rc == PX_ENOTFOUND)
		px_intake_refuse(in, in->status, &in->errors);
	else
		px_intake_later(in, "the store could not be read");
}

/* A copy of it may have been in time, and been accepted since this one was asked about: a partner must not
 * get two answers to one message. */
static void refuse_untimely(struct intake *in, int status)
{
	in->status = status;
	if (px_steady_is_unsure(in->flow))
		px_intake_later(
		    in, "its times do not fit the clock of this node, which was set and may be wrong");
	else if (px_intake_has_twin(in))
		px_intake_later(in, "another copy of it is being judged");
	else
		px_store_known(in->flow->store, in->partner, in->body->digest, untimely_known, in);
}

void px_intake_decide(struct intake *in)
{
	const struct px_verdict *v = in->verdict;
	const struct px_conf_partner *partner = px_intake_partner(in);
	int64_t now = px_flow_now(in->flow);
	int status = px_decide(in->gen->conf, in->gen->cat, partner, v, now, &in->errors);
	if (status != 0) {
		if (is_only_untimely(&in->errors))
			refuse_untimely(in, status);
		else
			px_intake_refuse(in, status, &in->errors);
		return;
	}
	if (px_applying_is_confirmations(v)) {
		px_applying_collect(&in->applying, v, partner);
		px_store_resolve(in->flow->store, in->applying.n, in->applying.refs, refs_resolved, in);
		return;
	}
	const struct px_cat_type *type = px_catalogue_type(in->gen->cat, v->header.type);
	in->need = px_need_of(in->gen, partner, v);
	in->remarks = in->need != PX_NEED_NONE;
	const struct px_route_ask ask = {
	    .conf = in->gen->conf,
	    .type = type,
	    .from = partner,
	    .header = &v->header,
	    .keys = &v->keys,
	    .version = v->version,
	    .now = now,
	};
	status = px_route(&ask, &in->routing, &in->errors);
	if (status != 0) {
		px_intake_refuse(in, status, &in->errors);
		return;
	}
	warn_of_absent(in);
	if (type->stand != PX_STAND_ANSWERS) {
		px_intake_accept(in);
		return;
	}
	if (px_answers_arrived(v) != NULL)
		in->need = PX_NEED_PARTY; /* whatever the level: who is not announced is noticed */
	px_answers_find(in->flow, in->gen->cat, v, answers_found, in);
}
