/* prinex: prinex-broken: what it says
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <inttypes.h>

#include "base/strings.h"
#include "broken.h"
#include "flow/confirm.h"

/* The time of At; with the fault as a clock on the wall in another zone shows it. */
static const char *at(char *text, size_t size)
{
	px_time_format(wall_now() + (HAS(LOCAL_TIME) ? INT64_C(3) * 3600 * 1000 : 0), text, size);
	if (HAS(LOCAL_TIME))
		text[strlen(text) - 1] = '\0';
	return text;
}

void say_coa(struct broken *b, const struct message *m, struct px_buf *out)
{
	char when[32];
	struct px_peer_confirmation c = {
	    .kind = PX_COA,
	    .issuer = b->conf->node.authority,
	    .ref_sender = m->header.sender,
	    .ref_message_id = m->header.message_id,
	    .at = at(when, sizeof(when)),
	    .n_recipients = HAS(NO_RECIPIENTS_NAMED) ? 0 : m->n_reached,
	    .recipients = m->reached,
	    .cod_follows = m->n_deliveries > 0 && !m->confirmations,
	};
	memcpy(c.ref_digest, m->body->digest, PX_DIGEST_LEN);
	if (HAS(WRONG_DIGEST))
		c.ref_digest[0] ^= 0xff;
	px_peer_confirmation_write(out, &c, true);
	if (!HAS(UNSIGNED_COA))
		px_peer_seal(b->signer, out);
}

void say_coe(struct broken *b, const void *doc, size_t len, const struct px_header *header,
	     const struct px_findings *errors, struct px_buf *out)
{
	char when[32];
	unsigned n = HAS(ONE_ERROR_ONLY) ? PX_MIN(errors->n, 1u) : errors->n;
	struct px_peer_finding *items = px_xcalloc(n + 1, sizeof(*items));
	struct px_peer_confirmation c = {
	    .kind = PX_COE,
	    .issuer = b->conf->node.authority,
	    .ref_sender = px_is_authority(header->sender) ? header->sender : NULL,
	    .ref_message_id = px_is_message_id(header->message_id) ? header->message_id : NULL,
	    .at = at(when, sizeof(when)),
	    .n_errors = n,
	    .errors_total = HAS(ONE_ERROR_ONLY) ? n : errors->total,
	    .errors = items,
	};
	for (unsigned i = 0; i < n; i++) {
		const struct px_finding *f = &errors->items[i];
		items[i] = (struct px_peer_finding){
		    .code = px_code_wire(f->code),
		    .ncts = px_code_ncts(f->code),
		    .pointer = HAS(NO_LOCATION) ? NULL : f->pointer,
		    .value = HAS(NO_LOCATION) ? NULL : f->value,
		    .text = f->text != NULL ? f->text : px_code_title(f->code),
		    .line = HAS(NO_LOCATION) ? 0 : f->line,
		};
	}
	px_sha256(doc, len, c.ref_digest);
	px_peer_confirmation_write(out, &c, true);
	if (!HAS(UNSIGNED_COE))
		px_peer_seal(b->signer, out);
	free(items);
}

void say_node(struct broken *b, const struct px_conf_partner *partner, struct px_buf *out)
{
	px_confirm_node(out, b->conf, b->cat, partner, wall_now());
	if (!HAS(PING_UNSIGNED))
		px_peer_seal(b->signer, out);
}

static void element(struct px_buf *out, const char *name, const char *value)
{
	px_buf_addf(out, "<px:%s>%s</px:%s>", name, value, name);
}

static void element_time(struct px_buf *out, const char *name, int64_t ms)
{
	char text[32];
	px_time_format(ms, text, sizeof(text));
	element(out, name, text);
}

static void say_delivery(const struct message *m, const struct delivery *d, struct px_buf *out)
{
	static const char *const states[] = {"queued", "delivered", "refused", "expired", "unknown"};
	px_buf_adds(out, "<px:Delivery>");
	element(out, "Recipient", d->recipient);
	element(out, "Partner", d->to->name);
	element(out, "DeliveryState", states[d->state]);
	px_buf_addf(out, "<px:Attempts>%u</px:Attempts>", d->attempts);
	element_time(out, "QueuedAt", m->accepted);
	px_buf_adds(out, "</px:Delivery>");
}

void say_state(struct broken *b, const struct message *m, struct px_buf *out)
{
	char hex[PX_DIGEST_HEX];
	bool open = false;
	(void)b;
	px_hex(m->body->digest, PX_DIGEST_LEN, hex);
	for (unsigned i = 0; i < m->n_deliveries; i++)
		open = open || m->deliveries[i].state == D_QUEUED;
	px_buf_adds(out, "<px:State xmlns:px=\"urn:prinex:exchange:1\">");
	element(out, "Sender", m->header.sender);
	element(out, "MessageId", m->header.message_id);
	element(out, "MessageType", m->header.type);
	element(out, "Digest", hex);
	element_time(out, "CreatedAt", m->header.created_at);
	element_time(out, "AcceptedAt", m->accepted);
	element(out, "MessageState", open ? "accepted" : "settled");
	for (unsigned i = 0; i < m->n_deliveries; i++)
		say_delivery(m, &m->deliveries[i], out);
	px_buf_adds(out, "</px:State>");
}
