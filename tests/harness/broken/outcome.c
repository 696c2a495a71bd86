/* prinex: prinex-broken: how deliveries end, and the inbox
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <openssl/rand.h>

#include "base/strings.h"
#include "broken.h"
#include "flow/confirm.h"

#define LEASE_MS (INT64_C(120) * 1000)

bool must_wait(const struct broken *b, unsigned i, const struct delivery *d)
{
	const char *movement = b->messages[i]->movement;
	for (unsigned k = 0; movement[0] != '\0' && k < i; k++) {
		const struct message *m = b->messages[k];
		for (unsigned n = 0; strcmp(m->movement, movement) == 0 && n < m->n_deliveries; n++) {
			if (m->deliveries[n].state == D_QUEUED &&
			    strcmp(m->deliveries[n].recipient, d->recipient) == 0)
				return true;
		}
	}
	return false;
}

/* --- what senders are told --- */

/* A message of this node for @to. */
static struct message *own_message(struct broken *b, const struct px_conf_partner *to)
{
	struct message *m = px_xcalloc(1, sizeof(*m));
	struct px_header *h = &m->header;
	uint64_t random;
	px_assert(RAND_bytes((unsigned char *)&random, sizeof(random)) == 1);
	px_confirm_id(h->message_id, wall_now(), random);
	px_strlcpy(h->environment, b->conf->node.environment, sizeof(h->environment));
	px_strlcpy(h->sender, b->conf->node.authority, sizeof(h->sender));
	px_strlcpy(h->recipients[0], to->authority, sizeof(h->recipients[0]));
	h->n_recipients = 1;
	px_strlcpy(h->type, "Confirmations", sizeof(h->type));
	h->created_at = wall_now();
	m->accepted = wall_now();
	m->confirmations = true;
	m->n_deliveries = 1;
	m->deliveries[0].to = to;
	px_strlcpy(m->deliveries[0].recipient, to->authority, sizeof(m->deliveries[0].recipient));
	return m;
}

/* Seals @doc (taken) and lets it be delivered. */
static void add_sealed(struct broken *b, struct message *m, struct px_buf *doc)
{
	px_peer_seal(b->signer, doc);
	m->body = px_body_copy(doc->data, doc->len);
	px_buf_free(doc);
	add_message(b, m);
}

/* An exchange that carries one confirmation. */
static void owe(struct broken *b, const struct px_conf_partner *to, const struct px_peer_confirmation *c)
{
	struct message *m = own_message(b, to);
	struct px_buf entry = PX_BUF_INIT;
	struct px_buf doc = PX_BUF_INIT;
	px_peer_confirmation_write(&entry, c, false);
	px_confirm_exchange(&doc, &m->header, &entry, 1);
	px_buf_free(&entry);
	add_sealed(b, m, &doc);
}

/* The fault that makes two machines confirm each other for ever: a CoA about a CoE. */
static void answer_coe(struct broken *b, const struct message *about, const struct px_conf_partner *to,
		       const struct px_buf *coe)
{
	struct px_buf doc = PX_BUF_INIT;
	struct px_peer_confirmation c = {
	    .kind = PX_COA,
	    .issuer = b->conf->node.authority,
	    .ref_sender = about->header.sender,
	    .ref_message_id = about->header.message_id,
	};
	struct message *m = own_message(b, to);
	m->once = true;
	px_sha256(coe->data, coe->len, c.ref_digest);
	px_peer_confirmation_write(&doc, &c, true);
	add_sealed(b, m, &doc);
}

static void tell(struct broken *b, const struct message *m, const struct delivery *d,
		 const struct px_conf_partner *to, const struct px_buf *answer)
{
	static const enum px_code codes[] = {
	    [D_REFUSED] = PX_CODE_REFUSED, [D_EXPIRED] = PX_CODE_EXPIRED, [D_UNKNOWN] = PX_CODE_UNKNOWN};
	enum px_code code = d->state >= D_REFUSED ? codes[d->state] : PX_CODE_REFUSED;
	const struct px_peer_finding error = {.code = px_code_wire(code), .text = px_code_title(code)};
	struct px_peer_confirmation c = {
	    .kind = d->state == D_DELIVERED ? PX_COD : PX_COE,
	    .issuer = b->conf->node.authority,
	    .ref_sender = m->header.sender,
	    .ref_message_id = m->header.message_id,
	    .n_recipients = 1,
	    .recipients = &d->recipient,
	    .evidence = answer != NULL && !HAS(NO_EVIDENCE) ? answer->data : NULL,
	    .evidence_len = answer != NULL && !HAS(NO_EVIDENCE) ? answer->len : 0,
	    .errors = d->state == D_DELIVERED ? NULL : &error,
	    .n_errors = d->state == D_DELIVERED ? 0 : 1,
	    .errors_total = d->state == D_DELIVERED ? 0 : 1,
	};
	memcpy(c.ref_digest, m->body->digest, PX_DIGEST_LEN);
	owe(b, to, &c);
}

void begin(struct broken *b, struct message *m)
{
	for (unsigned i = 0; HAS(COD_TOO_EARLY) && i < m->n_deliveries; i++) {
		struct delivery done = m->deliveries[i];
		done.state = D_DELIVERED;
		tell(b, m, &done, m->from, NULL);
	}
}

void settle(struct broken *b, struct message *m, struct delivery *d, enum delivery_state state,
	    const struct px_buf *answer)
{
	d->state = state;
	pthread_cond_broadcast(&b->changed);
	if (m->confirmations) {
		if (HAS(CONFIRMS_CONFIRMATIONS) && state == D_DELIVERED && m->from == NULL)
			tell(b, m, d, d->to, answer);
		return;
	}
	if (state == D_REFUSED && HAS(ANSWER_COE) && answer != NULL)
		answer_coe(b, m, d->to, answer);
	if (state == D_DELIVERED && (HAS(NO_COD) || HAS(COD_TOO_EARLY)))
		return;
	if (m->from != NULL)
		tell(b, m, d, m->from, answer);
}

void expire(struct broken *b)
{
	for (unsigned i = 0; !HAS(SENDS_EXPIRED) && i < b->n_messages; i++) {
		struct message *m = b->messages[i];
		if (m->header.expires_at == 0 || m->header.expires_at > wall_now())
			continue;
		for (unsigned k = 0; k < m->n_deliveries; k++) {
			struct delivery *d = &m->deliveries[k];
			if (d->state == D_QUEUED)
				settle(b, m, d, d->sent ? D_UNKNOWN : D_EXPIRED, NULL);
		}
	}
}

/* --- the inbox --- */

static struct message *offer(struct broken *b, const struct px_conf_partner *partner, struct delivery **out)
{
	for (unsigned i = 0; i < b->n_messages; i++) {
		struct message *m = b->messages[i];
		for (unsigned k = 0; k < m->n_deliveries; k++) {
			struct delivery *d = &m->deliveries[k];
			if (d->to == partner && d->state == D_QUEUED && !must_wait(b, i, d) &&
			    (d->leased_till <= mono_now() || HAS(PULL_NO_LEASE))) {
				*out = d;
				return m;
			}
		}
	}
	return NULL;
}

struct message *fetch(struct broken *b, const struct px_conf_partner *partner, int64_t wait_ms,
		      const char **lease)
{
	int64_t deadline = mono_now() + wait_ms;
	struct delivery *d = NULL;
	struct message *m;
	expire(b);
	while ((m = offer(b, partner, &d)) == NULL && mono_now() < deadline && !b->ends) {
		wait_changed(b, deadline - mono_now());
		expire(b);
	}
	if (m == NULL)
		return NULL;
	snprintf(d->lease, sizeof(d->lease), "L%u", ++b->leases);
	d->leased_till = mono_now() + LEASE_MS;
	d->attempts++;
	d->sent = true;
	*lease = d->lease;
	return m;
}

/* With the lock. */
static struct message *leased(struct broken *b, const struct px_conf_partner *partner, const char *lease,
			      struct delivery **out)
{
	for (unsigned i = 0; i < b->n_messages; i++) {
		struct message *m = b->messages[i];
		for (unsigned k = 0; k < m->n_deliveries; k++) {
			struct delivery *d = &m->deliveries[k];
			if (d->to == partner && d->state == D_QUEUED && strcmp(d->lease, lease) == 0 &&
			    d->leased_till > mono_now()) {
				*out = d;
				return m;
			}
		}
	}
	return NULL;
}

int accept_confirmation(struct broken *b, const struct px_conf_partner *partner, const char *lease,
			const struct px_buf *doc, struct px_buf *out)
{
	struct delivery *d = NULL;
	pthread_mutex_lock(&b->lock);
	struct message *m = leased(b, partner, lease, &d);
	struct delivery copy = m != NULL ? *d : (struct delivery){0};
	pthread_mutex_unlock(&b->lock);
	if (m == NULL) {
		px_buf_adds(out, "no such lease, or it has passed on\n");
		return 409;
	}
	enum verdict v = HAS(PULL_ANY_CONFIRMATION) ? V_DELIVERED
						    : judge(b, m, &copy, doc->data, doc->len, out);
	if (v == V_AGAIN) {
		px_buf_addf(out, "\n");
		return 422;
	}
	px_buf_clear(out);
	pthread_mutex_lock(&b->lock);
	if (HAS(PULL_CONFIRM_IGNORED) && !d->forgotten) {
		d->forgotten = true;
		d->leased_till = 0;
	} else if (d->state == D_QUEUED)
		settle(b, m, d, v == V_DELIVERED ? D_DELIVERED : D_REFUSED, doc);
	pthread_mutex_unlock(&b->lock);
	return 204;
}
