/* prinex: from a partner's body to its answer
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/answers.h"
#include "flow/apply.h"
#include "flow/border_alarm.h"
#include "flow/decide.h"
#include "flow/internal.h"
#include "flow/need.h"
#include "flow/route.h"

/*
 * The walk: known? -> inspect -> decide and route -> CoA sealed -> store -> answer. A refusal anywhere
 * becomes a sealed CoE and a journal entry. The answer is given exactly once, after the commit.
 */
struct intake {
	struct px_flow *flow;
	struct px_generation *gen;
	char partner[PX_NAME_MAX + 1];
	struct px_body *body;
	px_flow_answered *answered;
	void *arg;
	int64_t started;
	int64_t submitted; /* to the store; mono ms */
	struct px_verdict *verdict;
	struct px_findings errors; /* of decide and route */
	struct px_routing routing;
	struct px_applying applying;
	struct px_buf coa;
	int status;               /* of the refusal being sealed */
	enum px_accept_need need; /* NONE once it is said that it is not met */
	bool remarks;             /* that it is not met is to be said */
	struct px_answers answers;
};

static void inspect(struct intake *in);
static void confirm_and_store(struct intake *in);

/* The partner in the generation the intake belongs to; NULL after a reload removed it. */
static const struct px_conf_partner *partner_of(const struct intake *in)
{
	return px_conf_partner(in->gen->conf, in->partner);
}

static void finish(struct intake *in)
{
	struct px_flow *flow = in->flow;
	px_verdict_free(&in->verdict);
	px_findings_free(&in->errors);
	px_applying_free(&in->applying);
	px_buf_free(&in->coa);
	px_body_unref(&in->body);
	px_generation_unref(&in->gen);
	free(in);
	px_flow_end(flow);
}

static void answer_later(struct intake *in, const char *why)
{
	px_log(PX_LOG_NOTICE, "accept", "partner=%s not judged, answered 503: %s", in->partner, why);
	px_answer_text(in->answered, in->arg, 503, 2, "%s; try again\n", why);
	finish(in);
}

/* --- refusal
 * ------------------------------------------------------------------------------------------------- */

/* At most PX_LIMIT_REFUSALS_MINUTE entries a minute and partner; then one that counts. */
static void journal_refusal(struct intake *in, const struct px_findings *errors)
{
	struct px_flow *flow = in->flow;
	struct link *link = px_flow_obtain_link(flow, in->partner);
	int64_t minute = px_clock_mono(flow->clock) / 60000;
	if (minute != link->refusal_minute) {
		if (link->refusals > PX_LIMIT_REFUSALS_MINUTE) {
			char text[64];
			snprintf(text, sizeof(text), "%u more refusals",
				 link->refusals - (unsigned)PX_LIMIT_REFUSALS_MINUTE);
			struct px_journal_entry more = {
			    .kind = PX_J_REFUSED_MORE, .partner = in->partner, .detail = text};
			px_store_journal(flow->store, &more, NULL, NULL);
		}
		link->refusal_minute = minute;
		link->refusals = 0;
	}
	if (++link->refusals > PX_LIMIT_REFUSALS_MINUTE)
		return;
	const struct px_verdict *v = in->verdict;
	struct px_journal_entry entry = {
	    .kind = PX_J_REFUSED,
	    .partner = in->partner,
	    .sender = v != NULL && v->has_header ? v->header.sender : "",
	    .message_id = v != NULL && v->has_header ? v->header.message_id : "",
	    .code = px_finding_wire(&errors->items[0]),
	    .has_digest = true,
	};
	memcpy(entry.digest, in->body->digest, PX_DIGEST_LEN);
	px_store_journal(flow->store, &entry, NULL, NULL);
	px_log(PX_LOG_INFO, "accept", "msg=%s/%s partner=%s code=%s errors=%u refused: %s", entry.sender,
	       entry.message_id, in->partner, entry.code, errors->total, errors->items[0].text);
}

static void refusal_sealed(void *arg, struct px_buf *doc)
{
	struct intake *in = arg;
	if (doc == NULL) {
		answer_later(in, "the exception could not be signed");
		return;
	}
	px_metric_add(in->flow->metrics, PX_M_CONFIRMATIONS, 1, "CoE", "made", NULL);
	px_answer_xml(in->answered, in->arg, in->status, doc->data, doc->len);
	px_buf_free(doc);
	finish(in);
}

static void refuse(struct intake *in, int status, const struct px_findings *errors)
{
	const struct px_verdict *v = in->verdict;
	struct px_flow *flow = in->flow;
	char id[PX_MESSAGE_ID_MAX + 1];
	px_flow_fresh_id(flow, id);
	journal_refusal(in, errors);
	px_metric_add(flow->metrics, PX_M_REFUSED, 1, in->partner, px_code_wire(errors->items[0].code), NULL);
	struct px_confirm coe = {
	    .kind = PX_COE,
	    .permanent = true,
	    .confirmation_id = id,
	    .issuer = in->gen->conf->node.authority,
	    .ref_sender = v != NULL && v->has_header ? v->header.sender : "",
	    .ref_message_id = v != NULL && v->has_header ? v->header.message_id : "",
	    .ref_digest = in->body->digest,
	    .at = px_flow_now(flow),
	    .checkpoint = px_flow_checkpoint(flow),
	    .errors = errors,
	    .warnings = v != NULL ? &v->warnings : NULL,
	    .reference = v != NULL ? px_keys_first(&v->keys, PX_KEY_LRN) : NULL,
	};
	struct px_buf doc = PX_BUF_INIT;
	px_confirm_write(&doc, &coe, true);
	in->status = status;
	in->gen->sealer->seal(in->gen->sealer, &doc, refusal_sealed, in);
}

/* A message that killed its inspector twice: set aside, alarmed, and refused for good. */
static void refuse_deadly(struct intake *in)
{
	char hex[PX_DIGEST_HEX];
	px_hex(in->body->digest, PX_DIGEST_LEN, hex);
	px_standing_raise(in->flow, PX_ALARM_QUARANTINE, in->partner,
			  "a message of %zu octets with digest %s killed inspectors twice", in->body->len,
			  hex);
	struct px_journal_entry entry = {
	    .kind = PX_J_QUARANTINED, .partner = in->partner, .code = "PX-INSPECT", .has_digest = true};
	memcpy(entry.digest, in->body->digest, PX_DIGEST_LEN);
	px_store_journal(in->flow->store, &entry, NULL, NULL);
	px_findings_add(&in->errors, PX_CODE_INSPECT, 0, NULL, NULL,
			"inspection of this message ended the inspecting process twice; digest %s", hex);
	refuse(in, 422, &in->errors);
}

/* --- acceptance
 * ---------------------------------------------------------------------------------------------- */

static void accepted(struct intake *in, const struct px_accept_result *r)
{
	struct px_flow *flow = in->flow;
	const struct px_header *h = &in->verdict->header;
	px_sent_accepted(flow, r);
	px_metric_add(flow->metrics, PX_M_ACCEPTED, 1, in->partner, h->type, NULL);
	px_metric_add(flow->metrics, PX_M_CONFIRMATIONS, 1, "CoA", "made", NULL);
	px_metric_observe(flow->metrics, PX_M_ACCEPT_SECONDS,
			  (double)(px_clock_mono(flow->clock) - in->started) / 1000.0, NULL, NULL, NULL);
	px_log(PX_LOG_INFO, "accept", "msg=%s/%s partner=%s type=%s seq=%llu deliveries=%u accepted",
	       h->sender, h->message_id, in->partner, h->type, (unsigned long long)r->seq, r->n_deliveries);
	if (r->owner_conflict)
		px_standing_raise(flow, PX_ALARM_KEY_OWNER, in->partner,
				  "message %s/%s carries a key of another declarant's movement: %s",
				  h->sender, h->message_id, r->conflict_key);
	px_applied(flow, in->partner, &in->applying, r->applied);
	px_answer_xml(in->answered, in->arg, 201, r->coa, r->coa_len);
	for (unsigned i = 0; i < in->routing.n; i++) {
		if (in->routing.deliveries[i].partner[0] != '\0')
			px_dispatch_kick_name(flow, in->routing.deliveries[i].partner);
	}
	if (in->routing.n_absent > 0)
		px_overdue_sweep(flow);
	if (in->applying.n > 0)
		px_dispatch_kick_all(flow); /* settled deliveries released the next of their movements */
	finish(in);
}

static void duplicate(struct intake *in, const struct px_accept_result *r)
{
	px_metric_add(in->flow->metrics, PX_M_DUPLICATES, 1, in->partner, NULL, NULL);
	px_log(PX_LOG_INFO, "accept", "partner=%s seq=%llu repeated, answered with the stored confirmation",
	       in->partner, (unsigned long long)r->seq);
	px_answer_xml(in->answered, in->arg, 200, r->coa, r->coa_len);
	finish(in);
}

static void outcome_found(void *arg, const struct px_accept_result *r)
{
	struct intake *in = arg;
	if (r->rc == PX_EDUPLICATE)
		duplicate(in, r);
	else
		answer_later(in, "the outcome of storing it is not known yet");
}

static void ask_outcome(struct intake *in)
{
	struct px_ref ref = {.sender = ""};
	px_strlcpy(ref.sender, in->verdict->header.sender, sizeof(ref.sender));
	px_strlcpy(ref.message_id, in->verdict->header.message_id, sizeof(ref.message_id));
	px_store_accept_status(in->flow->store, &ref, in->body->digest, outcome_found, in);
}

/* Refused where the sender's own broker enforces it; else accepted, and the sender is told. What has arrived
 * and names nothing cannot be wrong about it: that is a fact to be kept. */
static void need_unmet(struct intake *in)
{
	bool fact = px_answers_arrived(in->verdict) != NULL && !px_answers_names(in->verdict);
	bool refuses = !fact && px_need_refuses(in->gen, partner_of(in), in->verdict);
	if (in->remarks)
		px_need_explain(in->need, in->verdict, refuses ? &in->errors : &in->verdict->warnings);
	in->need = PX_NEED_NONE;
	if (refuses) {
		refuse(in, 422, &in->errors);
		return;
	}
	px_buf_free(&in->coa);
	confirm_and_store(in);
}

static void alarm_sent(void *arg, int rc)
{
	struct intake *in = arg;
	if (rc == PX_OK)
		need_unmet(in);
	else
		answer_later(in, "the alarm about this arrival could not be sent"); /* so it comes again */
}

/* Something stands at an office of the sender that nobody announced to it: those concerned are told before
 * the report is answered, so that a crash between loses nothing. */
static void unannounced(struct intake *in)
{
	const struct px_verdict *v = in->verdict;
	const struct px_conf *conf = in->gen->conf;
	int64_t now = px_flow_now(in->flow);
	struct px_border_alarm alarm = {.arrived = true,
					.sender = v->header.sender,
					.keys = &v->keys,
					.office = px_answers_arrived(v),
					.day = v->header.created_at,
					.correlation = v->header.message_id};
	for (unsigned i = 0; i < in->routing.n; i++)
		px_border_alarm_to(&alarm, conf, in->routing.deliveries[i].recipient,
				   in->routing.deliveries[i].partner, now);
	px_border_alarm_to(&alarm, conf, v->header.sender, in->partner, now);
	px_border_alarm_send(in->flow, in->gen, &alarm, alarm_sent, in);
}

static void need_missed(struct intake *in)
{
	if (partner_of(in)->role == PX_ROLE_SYSTEM && !in->answers.announced &&
	    in->gen->conf->limits.arrival_wait != 0 && px_answers_arrived(in->verdict) != NULL)
		unannounced(in);
	else
		need_unmet(in);
}

static void stored(void *arg, const struct px_accept_result *r)
{
	struct intake *in = arg;
	struct px_flow *flow = in->flow;
	if (r->rc == PX_OK)
		px_metric_observe(flow->metrics, PX_M_COMMIT_SECONDS,
				  (double)(px_clock_mono(flow->clock) - in->submitted) / 1000.0, NULL, NULL,
				  NULL);
	if (r->rc == PX_EFULL)
		px_alarm_raise(flow->alarms, PX_ALARM_DISK, "", "the store took no new message: %s",
			       px_err_text(r->rc));
	else if (r->rc == PX_OK)
		px_alarm_clear(flow->alarms, PX_ALARM_DISK, "");
	switch (r->rc) {
	case PX_OK: accepted(in, r); return;
	case PX_EDUPLICATE: duplicate(in, r); return;
	case PX_ECONFLICT:
		px_findings_add(&in->errors, PX_CODE_ID_CONFLICT, 0, "/px:Exchange/px:Header/px:MessageId",
				in->verdict->header.message_id,
				"MessageId %s of %s was accepted with other content",
				in->verdict->header.message_id, in->verdict->header.sender);
		refuse(in, 409, &in->errors);
		return;
	case PX_EPRECONDITION: need_missed(in); return;
	case PX_EUNKNOWN: ask_outcome(in); return;
	case PX_EBUSY: answer_later(in, "overloaded"); return;
	case PX_EFULL: answer_later(in, "the store is full"); return;
	default:
		answer_later(in, "the store failed");
		if (r->rc == PX_EFATAL)
			px_flow_store_failed(flow, "accept");
		return;
	}
}

static void coa_sealed(void *arg, struct px_buf *doc)
{
	struct intake *in = arg;
	if (doc == NULL) {
		answer_later(in, "the confirmation could not be signed");
		return;
	}
	in->coa = *doc;
	*doc = (struct px_buf)PX_BUF_INIT;
	const struct px_verdict *v = in->verdict;
	const struct px_cat_type *type = px_catalogue_type(in->gen->cat, v->header.type);
	struct px_accept req = {
	    .header = v->header,
	    .body = in->body,
	    .prio = type->prio,
	    .keys = v->keys,
	    .confirmations = in->applying.is_confirmations,
	    .coa = in->coa.data,
	    .coa_len = in->coa.len,
	    .horizon_end = v->header.created_at + in->gen->conf->limits.horizon + 86400000,
	    .movement_life = in->gen->conf->limits.movement_life,
	    .n_deliveries = in->routing.n,
	    .deliveries = in->routing.deliveries,
	    .n_apply = in->applying.n,
	    .apply = in->applying.items,
	};
	req.need = in->need;
	req.join = in->answers.join;
	px_strlcpy(req.partner, in->partner, sizeof(req.partner));
	in->submitted = px_clock_mono(in->flow->clock);
	px_store_accept(in->flow->store, &req, stored, in);
}

static void confirm_and_store(struct intake *in)
{
	const struct px_verdict *v = in->verdict;
	struct px_flow *flow = in->flow;
	char id[PX_MESSAGE_ID_MAX + 1];
	px_flow_fresh_id(flow, id);
	struct px_confirm coa = {
	    .kind = PX_COA,
	    .confirmation_id = id,
	    .issuer = in->gen->conf->node.authority,
	    .ref_sender = v->header.sender,
	    .ref_message_id = v->header.message_id,
	    .ref_digest = in->body->digest,
	    .at = px_flow_now(flow),
	    .n_recipients = in->routing.n_reached,
	    .recipients = (const char(*)[PX_AUTHORITY_MAX + 1]) in->routing.reached,
	    .route = in->routing.route,
	    .cod_follows = in->routing.n > 0 && !in->applying.is_confirmations,
	    .checkpoint = px_flow_checkpoint(flow),
	    .warnings = &v->warnings,
	    .reference = px_keys_first(&v->keys, PX_KEY_LRN),
	};
	struct px_buf doc = PX_BUF_INIT;
	px_confirm_write(&doc, &coa, true);
	in->gen->sealer->seal(in->gen->sealer, &doc, coa_sealed, in);
}

/* A Confirmations exchange goes on to whoever sent the messages it is about; the store told us who that was.
 */
static void refs_resolved(void *arg, int rc, unsigned n, const struct px_resolved *resolved)
{
	struct intake *in = arg;
	if (rc != PX_OK) {
		answer_later(in, "the store could not be read");
		return;
	}
	px_applying_route(&in->applying, in->gen->conf, in->partner, &in->verdict->header, resolved, n,
			  px_flow_now(in->flow), &in->routing);
	confirm_and_store(in);
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
	if (rc != PX_OK)
		answer_later(in, "the store could not be read");
	else
		confirm_and_store(in);
}

static void decide(struct intake *in)
{
	const struct px_verdict *v = in->verdict;
	const struct px_conf_partner *partner = partner_of(in);
	int64_t now = px_flow_now(in->flow);
	int status = px_decide(in->gen->conf, in->gen->cat, partner, v, now, &in->errors);
	if (status != 0) {
		refuse(in, status, &in->errors);
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
		refuse(in, status, &in->errors);
		return;
	}
	warn_of_absent(in);
	if (type->stand != PX_STAND_ANSWERS) {
		confirm_and_store(in);
		return;
	}
	if (px_answers_arrived(v) != NULL)
		in->need = PX_NEED_PARTY; /* whatever the level: who is not announced is noticed */
	px_answers_find(in->flow, in->gen, v, answers_found, in);
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
	finish(in);
	return true;
}

/* A reload while the message was inspected: what it trusts may have changed, so it is judged by the new
 * generation. */
static bool moved_on(struct intake *in)
{
	if (in->flow->gen == in->gen)
		return false;
	const struct px_conf_partner *old = partner_of(in);
	char uri[256], authority[PX_AUTHORITY_MAX + 1];
	enum px_role role = old->role;
	px_strlcpy(uri, old->san_uri, sizeof(uri));
	px_strlcpy(authority, old->authority, sizeof(authority));
	px_generation_unref(&in->gen);
	in->gen = px_generation_ref(in->flow->gen);
	px_verdict_free(&in->verdict);
	/* Its TLS identity was proved for the old block only; a changed one has to connect anew. */
	const struct px_conf_partner *now = partner_of(in);
	if (now == NULL || strcmp(now->san_uri, uri) != 0 || strcmp(now->authority, authority) != 0 ||
	    now->role != role) {
		px_answer_text(in->answered, in->arg, 403, 0, "partner %s is no longer known here\n",
			       in->partner);
		finish(in);
		return true;
	}
	inspect(in);
	return true;
}

static void inspected(void *arg, int rc, struct px_verdict *verdict)
{
	struct intake *in = arg;
	in->verdict = verdict;
	if (is_distrusted(in) || (rc != PX_ECRASH && moved_on(in)))
		return;
	if (rc == PX_ECRASH) {
		refuse_deadly(in);
	} else if (rc != PX_OK) {
		answer_later(in,
			     rc == PX_ETIMEOUT ? "inspection took too long" : "inspection was interrupted");
	} else if (verdict->stage != PX_STAGE_OK) {
		refuse(in, 422, &verdict->errors);
	} else {
		decide(in);
	}
}

static void inspect(struct intake *in)
{
	struct px_pool_request req = {
	    .kind = PX_DOC_EXCHANGE,
	    .body = in->body,
	    .now = px_flow_now(in->flow),
	    .first_broker = partner_of(in)->role == PX_ROLE_SYSTEM,
	};
	px_strlcpy(req.partner, in->partner, sizeof(req.partner));
	if (in->gen->inspector->submit(in->gen->inspector, &req, inspected, in) != PX_OK)
		answer_later(in, "overloaded: too many messages wait for inspection");
}

static void known(void *arg, const struct px_accept_result *r)
{
	struct intake *in = arg;
	if (r->rc == PX_EDUPLICATE)
		duplicate(in, r);
	else if (r->rc == PX_ENOTFOUND)
		inspect(in);
	else
		answer_later(in, "the store could not be read");
}

/* One message's worth of the partner's rate. Here, not before the body is read: a refusal there would cost a
 * new connection, which is dearer than the body. @return 0, or seconds until there is one. */
static int take_token(struct link *link, const struct px_conf_partner *partner)
{
	int64_t now = px_clock_mono(link->flow->clock) + 1; /* never 0 */
	double rate = partner->rate;
	if (partner->rate == 0)
		return 0;
	if (link->tokens_at == 0)
		link->tokens = rate;
	else
		link->tokens += (double)(now - link->tokens_at) * rate / 60000;
	link->tokens = PX_MIN(link->tokens, rate);
	link->tokens_at = now;
	if (link->tokens < 1)
		return (int)((1 - link->tokens) * 60 / rate) + 1;
	link->tokens -= 1;
	return 0;
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
	int wait = take_token(px_flow_obtain_link(flow, partner->name), partner);
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
	px_flow_begin(flow);
	px_store_known(flow->store, in->partner, body->digest, known, in);
}
