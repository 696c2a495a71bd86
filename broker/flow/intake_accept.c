/* prinex: custody: the CoA sealed, the message stored, the answer given
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/border_alarm.h"
#include "flow/intake_parts.h"

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
	if (in->routing.n_absent > 0)
		px_overdue_sweep(flow);
	if (in->applying.n > 0)
		px_dispatch_kick_all(flow); /* settled deliveries released the next of their movements */
	px_intake_end(in);
}

void px_intake_duplicate(struct intake *in, const struct px_accept_result *r)
{
	px_metric_add(in->flow->metrics, PX_M_DUPLICATES, 1, in->partner, NULL, NULL);
	px_log(PX_LOG_INFO, "accept", "partner=%s seq=%llu repeated, answered with the stored confirmation",
	       in->partner, (unsigned long long)r->seq);
	px_answer_xml(in->answered, in->arg, 200, r->coa, r->coa_len);
	px_intake_end(in);
}

static void outcome_found(void *arg, const struct px_accept_result *r)
{
	struct intake *in = arg;
	if (r->rc == PX_EDUPLICATE)
		px_intake_duplicate(in, r);
	else
		px_intake_later(in, "the outcome of storing it is not known yet");
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
	bool refuses = !fact && px_need_refuses(in->gen, px_intake_partner(in), in->verdict);
	if (in->remarks)
		px_need_explain(in->need, in->verdict, refuses ? &in->errors : &in->verdict->warnings);
	in->need = PX_NEED_NONE;
	if (refuses) {
		px_intake_refuse(in, 422, &in->errors);
		return;
	}
	px_buf_free(&in->coa);
	px_intake_accept(in);
}

static void alarm_sent(void *arg, int rc)
{
	struct intake *in = arg;
	if (rc == PX_OK)
		need_unmet(in);
	else
		px_intake_later(in, "the alarm about this arrival could not be sent"); /* so it comes again */
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
	if (px_intake_partner(in)->role == PX_ROLE_SYSTEM && !in->answers.announced &&
	    in->gen->conf->limits.arrival_wait != 0 && px_answers_arrived(in->verdict) != NULL)
		unannounced(in);
	else
		need_unmet(in);
}

/* The horizon was shorter once, or the clock ahead: whether it was accepted then, nobody knows any more. */
static void forgotten(struct intake *in, int64_t until)
{
	char created[32], bound[32];
	px_time_format(in->verdict->header.created_at, created, sizeof(created));
	px_time_format(until, bound, sizeof(bound));
	px_findings_add(
	    &in->errors, PX_CODE_TIME_PAST, 0, "/px:Exchange/px:Header/px:CreatedAt", created,
	    "CreatedAt is %s: the horizon here was shorter before, or the clock ahead, and which messages "
	    "created up to %s were accepted is not known any more",
	    created, bound);
	px_intake_refuse(in, 422, &in->errors);
}

static void stored(void *arg, const struct px_accept_result *r)
{
	struct intake *in = arg;
	struct px_flow *flow = in->flow;
	if (r->rc == PX_OK)
		px_metric_observe(flow->metrics, PX_M_COMMIT_SECONDS,
				  (double)(px_clock_mono(flow->clock) - in->submitted) / 1000.0, NULL, NULL,
				  NULL);
	px_flow_note_room(flow, r->rc);
	switch (r->rc) {
	case PX_OK: accepted(in, r); return;
	case PX_EDUPLICATE: px_intake_duplicate(in, r); return;
	case PX_ECONFLICT:
		px_findings_add(&in->errors, PX_CODE_ID_CONFLICT, 0, "/px:Exchange/px:Header/px:MessageId",
				in->verdict->header.message_id,
				"MessageId %s of %s was accepted with other content",
				in->verdict->header.message_id, in->verdict->header.sender);
		px_intake_refuse(in, 409, &in->errors);
		return;
	case PX_EPRECONDITION:
		if (r->forgotten != 0)
			forgotten(in, r->forgotten);
		else
			need_missed(in);
		return;
	case PX_EUNKNOWN: ask_outcome(in); return;
	case PX_EBUSY: px_intake_later(in, "overloaded"); return;
	case PX_EFULL: px_intake_later(in, "the store is full"); return;
	case PX_ESIGNATURE: px_intake_later(in, "the confirmation could not be signed"); return;
	default:
		px_flow_note_store(flow, r->rc, "accepting a message", in->partner);
		px_intake_later(in, "the store failed");
		return;
	}
}

static int seal_here(void *sealer, struct px_buf *coa)
{
	struct px_sealer *s = sealer;
	return s->seal_here(s, coa);
}

static void take_custody(struct intake *in, struct px_sealer *sealer)
{
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
	    .seal = sealer != NULL ? seal_here : NULL,
	    .sealer = sealer,
	    .horizon_end = v->header.created_at + in->gen->conf->limits.horizon + 86400000,
	    .movement_life = in->gen->conf->limits.movement_life,
	    .n_deliveries = in->routing.n,
	    .deliveries = in->routing.deliveries,
	    .n_apply = in->applying.n,
	    .apply = in->applying.items,
	};
	req.coming = in->flow->inspecting;
	req.need = in->need;
	req.catalogue = in->gen->cat; /* the intake keeps its generation until it is stored */
	req.join = in->answers.join;
	px_strlcpy(req.partner, in->partner, sizeof(req.partner));
	in->submitted = px_clock_mono(in->flow->clock);
	px_store_accept(in->flow->store, &req, stored, in);
	/* Right behind it, so that one commit does for both: it is leased when it is accepted. */
	for (unsigned i = 0; i < in->routing.n; i++) {
		if (in->routing.deliveries[i].partner[0] != '\0')
			px_dispatch_kick_name(in->flow, in->routing.deliveries[i].partner);
	}
}

static void coa_sealed(void *arg, struct px_buf *doc)
{
	struct intake *in = arg;
	if (doc == NULL) {
		px_intake_later(in, "the confirmation could not be signed");
		return;
	}
	in->coa = *doc;
	*doc = (struct px_buf)PX_BUF_INIT;
	take_custody(in, NULL);
}

/* Signed by the writer where that is quick: for one that comes alone the way over the signer and back takes
 * more time than the signature. */
void px_intake_accept(struct intake *in)
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
	struct px_sealer *sealer = in->gen->sealer;
	px_confirm_write(&doc, &coa, true);
	if (sealer->seal_here != NULL) {
		in->coa = doc;
		take_custody(in, sealer);
	} else {
		sealer->seal(sealer, &doc, coa_sealed, in);
	}
}
