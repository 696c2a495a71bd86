/* prinex: answers about the node and about one exchange
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/internal.h"
#include "flow/journey.h"

#include <inttypes.h>

/* --- ping
 * ---------------------------------------------------------------------------------------------------- */

struct asking {
	struct px_flow *flow;
	struct px_generation *gen;
	char partner[PX_NAME_MAX + 1];
	char sender[PX_AUTHORITY_MAX + 1], message_id[PX_MESSAGE_ID_MAX + 1]; /* for an officer */
	px_flow_answered *answered;
	void *arg;
};

static struct asking *asking_new(struct px_flow *flow, struct px_generation *gen,
				 const struct px_conf_partner *partner, px_flow_answered *answered, void *arg)
{
	struct asking *q = px_xcalloc(1, sizeof(*q));
	q->flow = flow;
	q->gen = px_generation_ref(gen);
	q->answered = answered;
	q->arg = arg;
	px_strlcpy(q->partner, partner->name, sizeof(q->partner));
	px_flow_begin(flow);
	return q;
}

static void asking_end(struct asking *q)
{
	struct px_flow *flow = q->flow;
	px_generation_unref(&q->gen);
	free(q);
	px_flow_end(flow);
}

static void node_sealed(void *arg, struct px_buf *doc)
{
	struct asking *q = arg;
	if (doc == NULL) {
		px_answer_text(q->answered, q->arg, 503, 2, "the answer could not be signed\n");
	} else {
		px_answer_xml(q->answered, q->arg, 200, doc->data, doc->len);
		px_buf_free(doc);
	}
	asking_end(q);
}

void px_flow_ping(struct px_flow *flow, struct px_generation *gen, const struct px_conf_partner *partner,
		  px_flow_answered *answered, void *arg)
{
	struct asking *q = asking_new(flow, gen, partner, answered, arg);
	struct px_buf doc = PX_BUF_INIT;
	px_confirm_node(&doc, gen->conf, gen->cat, partner, px_flow_now(flow));
	gen->sealer->seal(gen->sealer, &doc, node_sealed, q);
}

/* --- state
 * --------------------------------------------------------------------------------------------------- */

static void element(struct px_buf *out, const char *name, const char *value)
{
	if (value[0] == '\0')
		return;
	px_buf_addf(out, "<px:%s>", name);
	px_buf_add_xml_text(out, value, strlen(value));
	px_buf_addf(out, "</px:%s>", name);
}

static void time_element(struct px_buf *out, const char *name, int64_t ms)
{
	char text[32] = "";
	if (ms != 0)
		px_time_format(ms, text, sizeof(text));
	element(out, name, text);
}

static void write_delivery(struct px_buf *out, const struct px_delivery *d)
{
	char attempts[16];
	snprintf(attempts, sizeof(attempts), "%u", d->attempts);
	px_buf_adds(out, "<px:Delivery>");
	element(out, "Recipient", d->recipient);
	element(out, "Partner", d->partner);
	element(out, "DeliveryState", px_delivery_state_name(d->state));
	element(out, "Attempts", attempts);
	time_element(out, "QueuedAt", d->created);
	time_element(out, "NextAttemptAt", d->state == PX_D_QUEUED && d->attempts > 0 ? d->due : 0);
	time_element(out, "SettledAt", d->ended);
	element(out, "LastError", d->error);
	px_buf_adds(out, "</px:Delivery>");
}

static void write_state(struct px_buf *out, const struct px_message *m)
{
	char digest[PX_DIGEST_HEX];
	px_hex(m->digest, PX_DIGEST_LEN, digest);
	bool open = false;
	for (unsigned i = 0; i < m->n_deliveries; i++)
		open = open || !px_delivery_state_is_final(m->deliveries[i].state);
	px_buf_adds(out, "<px:State xmlns:px=\"urn:prinex:exchange:1\">");
	element(out, "Sender", m->header.sender);
	element(out, "MessageId", m->header.message_id);
	element(out, "MessageType", m->header.type);
	element(out, "TypeVersion", m->header.type_version);
	element(out, "CorrelationId", m->header.correlation_id);
	element(out, "Digest", digest);
	time_element(out, "CreatedAt", m->header.created_at);
	time_element(out, "ExpiresAt", m->header.expires_at);
	time_element(out, "AcceptedAt", m->accepted);
	element(out, "MessageState", open ? "accepted" : "settled");
	for (unsigned i = 0; i < m->n_deliveries; i++)
		write_delivery(out, &m->deliveries[i]);
	px_buf_adds(out, "</px:State>");
}

/* Only its sender (but not the officers there) and its recipients may ask; to everybody else it does not
 * exist. */
static bool may_see(const struct px_message *m, const struct px_conf_partner *partner)
{
	return px_journey_is_sent_to(m, partner->authority) ||
	       (partner->role != PX_ROLE_OFFICER && strcmp(m->header.sender, partner->authority) == 0);
}

static void found(void *arg, int rc, const struct px_message *m)
{
	struct asking *q = arg;
	const struct px_conf_partner *partner = px_conf_partner(q->gen->conf, q->partner);
	if (rc == PX_OK && partner != NULL && may_see(m, partner)) {
		struct px_buf doc = PX_BUF_INIT;
		write_state(&doc, m);
		px_answer_xml(q->answered, q->arg, 200, doc.data, doc.len);
		px_buf_free(&doc);
	} else if (rc == PX_OK || rc == PX_ENOTFOUND) {
		px_answer_text(q->answered, q->arg, 404, 0, "no such exchange of yours\n");
	} else {
		px_answer_text(q->answered, q->arg, 503, 2, "the store could not be read\n");
	}
	asking_end(q);
}

static void journalled(void *arg, int rc)
{
	struct asking *q = arg;
	px_flow_note_room(q->flow, rc);
	if (rc == PX_OK) {
		px_store_find(q->flow->store, q->sender, q->message_id, found, q);
		return;
	}
	px_rate_not_journalled(q->flow, rc, q->answered, q->arg);
	asking_end(q);
}

void px_flow_state(struct px_flow *flow, struct px_generation *gen, const struct px_conf_partner *partner,
		   const char *sender, const char *message_id, const char *user, px_flow_answered *answered,
		   void *arg)
{
	if (!px_is_authority(sender) || !px_is_message_id(message_id)) {
		px_answer_text(answered, arg, 404, 0, "not an authority and message id\n");
		return;
	}
	if (user != NULL && !px_rate_lets_read(flow, partner, answered, arg))
		return;
	struct asking *q = asking_new(flow, gen, partner, answered, arg);
	if (user == NULL) {
		px_store_find(flow->store, sender, message_id, found, q);
		return;
	}
	px_strlcpy(q->sender, sender, sizeof(q->sender));
	px_strlcpy(q->message_id, message_id, sizeof(q->message_id));
	struct px_journal_entry entry = {.kind = PX_J_READ,
					 .partner = partner->name,
					 .recipient = partner->authority,
					 .sender = sender,
					 .message_id = message_id,
					 .code = "state",
					 .actor = user};
	px_store_journal(flow->store, &entry, journalled, q);
}
