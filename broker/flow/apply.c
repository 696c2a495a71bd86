/* prinex: confirmations that arrive in an exchange: what they do here and where the exchange goes on to
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/apply.h"

#include "base/strings.h"

bool px_applying_is_confirmations(const struct px_verdict *verdict)
{
	return strcmp(verdict->header.type, "Confirmations") == 0;
}

static enum px_delivery_state state_of(const struct px_confirmation *c)
{
	if (c->kind == PX_COD)
		return PX_D_DELIVERED;
	enum px_code code = px_code_parse(c->error_code);
	if (code == PX_CODE_UNKNOWN)
		return PX_D_UNKNOWN;
	if (code == PX_CODE_CANCELLED)
		return PX_D_CANCELLED;
	return code == PX_CODE_EXPIRED ? PX_D_EXPIRED : PX_D_REFUSED;
}

/* Who may settle what: docs/wire-protocol.md, W6.8. What nobody may settle so keeps an empty recipient. */
static void collect_one(struct px_apply *to, const struct px_confirmation *c,
			const struct px_verdict *verdict, const struct px_conf_partner *from)
{
	px_strlcpy(to->ref_sender, c->ref_sender, sizeof(to->ref_sender));
	px_strlcpy(to->ref_message_id, c->ref_message_id, sizeof(to->ref_message_id));
	memcpy(to->ref_digest, c->ref_digest, PX_DIGEST_LEN);
	to->state = state_of(c);
	if (c->kind == PX_COD) {
		/* Proved by the recipient's own CoA where it is enclosed, else by who signed the exchange. */
		bool evidence = c->evidence_len > 0 && c->evidence_ok && c->evidence_kind == PX_COA;
		px_strlcpy(to->recipient, evidence ? c->evidence_issuer : verdict->signer.authority,
			   sizeof(to->recipient));
		return;
	}
	px_strlcpy(to->code, c->error_code, sizeof(to->code));
	const char *named = c->n_recipients > 0 ? c->recipients[0] : verdict->signer.authority;
	if (!c->permanent || c->kind != PX_COE) {
		to->recipient[0] =
		    '\0'; /* says nothing final: fits no delivery, and is journalled as skipped */
	} else if (strcmp(named, verdict->signer.authority) == 0) {
		px_strlcpy(to->recipient, named, sizeof(to->recipient));
	} else if (strcmp(verdict->signer.authority, from->authority) == 0 &&
		   verdict->signer.role == from->role) {
		/* Not the recipient itself: it may give up only what was handed to it. */
		px_strlcpy(to->recipient, named, sizeof(to->recipient));
		px_strlcpy(to->partner, from->name, sizeof(to->partner));
	}
}

void px_applying_collect(struct px_applying *a, const struct px_verdict *verdict,
			 const struct px_conf_partner *from)
{
	a->is_confirmations = true;
	a->items = px_xcalloc(verdict->n_entries, sizeof(*a->items));
	a->refs = px_xcalloc(verdict->n_entries, sizeof(*a->refs));
	for (unsigned i = 0; i < verdict->n_entries; i++) {
		struct px_apply *item = &a->items[a->n];
		collect_one(item, &verdict->entries[i], verdict, from);
		struct px_ref *ref = &a->refs[a->n++];
		px_strlcpy(ref->sender, item->ref_sender, sizeof(ref->sender));
		px_strlcpy(ref->message_id, item->ref_message_id, sizeof(ref->message_id));
	}
}

static bool listed(const struct px_routing *out, const char *partner)
{
	for (unsigned i = 0; i < out->n; i++) {
		if (strcmp(out->deliveries[i].partner, partner) == 0)
			return true;
	}
	return false;
}

void px_applying_route(struct px_applying *a, const struct px_conf *conf, const char *from,
		       const struct px_header *header, const struct px_resolved *resolved, unsigned n,
		       int64_t now, struct px_routing *out)
{
	px_assert(n == a->n);
	a->resolved = px_xcalloc(n, sizeof(*resolved));
	memcpy(a->resolved, resolved, n * sizeof(*resolved));
	*out = (struct px_routing){0};
	const char *recipient = header->n_recipients > 0 ? header->recipients[0] : a->items[0].ref_sender;
	for (unsigned i = 0; i < n && out->n < PX_RECIPIENTS_MAX; i++) {
		const char *partner = resolved[i].partner;
		bool ours = !resolved[i].found || partner[0] == '\0';
		if (ours || strcmp(partner, from) == 0 || listed(out, partner) ||
		    memcmp(resolved[i].digest, a->items[i].ref_digest, PX_DIGEST_LEN) != 0)
			continue;
		const struct px_conf_partner *p = px_conf_partner(conf, partner);
		struct px_new_delivery *d = &out->deliveries[out->n++];
		px_strlcpy(d->partner, partner, sizeof(d->partner));
		px_strlcpy(d->recipient, recipient, sizeof(d->recipient));
		d->deadline = now + (p != NULL ? p->maximum_age : (int64_t)72 * 3600 * 1000);
		if (out->n_reached == 0)
			px_strlcpy(out->reached[out->n_reached++], recipient, sizeof(out->reached[0]));
	}
}

void px_applying_free(struct px_applying *a)
{
	free(a->items);
	free(a->refs);
	free(a->resolved);
	*a = (struct px_applying){0};
}
