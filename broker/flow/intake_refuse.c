/* prinex: what is refused: a sealed exception and a journal entry
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/intake_parts.h"

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
		px_intake_later(in, "the exception could not be signed");
		return;
	}
	px_metric_add(in->flow->metrics, PX_M_CONFIRMATIONS, 1, "CoE", "made", NULL);
	px_answer_xml(in->answered, in->arg, in->status, doc->data, doc->len);
	px_buf_free(doc);
	px_intake_end(in);
}

void px_intake_refuse(struct intake *in, int status, const struct px_findings *errors)
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

void px_intake_refuse_deadly(struct intake *in)
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
	px_intake_refuse(in, 422, &in->errors);
}
