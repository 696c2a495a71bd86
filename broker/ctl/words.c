/* prinex: how the control socket says things
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/words.h"

#include "base/strings.h"

const char *px_word_mode(enum px_mode mode)
{
	static const char *const names[] = {"pull", "push", "none"};
	px_assert((size_t)mode < PX_ARRAY_LEN(names));
	return names[mode];
}

const char *px_word_class(enum px_prio prio)
{
	static const char *const names[] = {"A", "B", "C"};
	px_assert((size_t)prio < PX_ARRAY_LEN(names));
	return names[prio];
}

const char *px_word_link(const struct px_conf_partner *partner, const struct px_link_state *link)
{
	if (partner == NULL)
		return "removed";
	if (partner->mode == PX_MODE_NONE)
		return "none";
	if (link->paused)
		return "paused";
	if (link->link == PX_LINK_DOWN)
		return "down";
	if (link->link == PX_LINK_PROBING)
		return "probing";
	bool seen = link->last_success != 0 || link->last_failure != 0 || link->waiters > 0 ||
		    link->leases > 0;
	return seen ? "up" : "quiet";
}

/* --- messages
 * ------------------------------------------------------------------------------------------------ */

static json_t *recipients_of(const struct px_message *m)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < m->n_deliveries; i++)
		json_array_append_new(list, px_json_text(m->deliveries[i].recipient));
	return list;
}

/* The state that says most about a message: what still waits, else what went wrong, else delivered. */
static const char *state_of(const struct px_message *m)
{
	static const enum px_delivery_state order[] = {PX_D_QUEUED,   PX_D_HANDED_OVER, PX_D_UNKNOWN,
						       PX_D_REFUSED,  PX_D_EXPIRED,     PX_D_CANCELLED,
						       PX_D_DELIVERED};
	for (size_t k = 0; k < PX_ARRAY_LEN(order); k++) {
		for (unsigned i = 0; i < m->n_deliveries; i++) {
			if (m->deliveries[i].state == order[k])
				return px_delivery_state_name(order[k]);
		}
	}
	return "accepted";
}

void px_word_message(json_t *o, const struct px_message *m)
{
	px_json_set_int(o, "seq", (int64_t)m->seq);
	px_json_set_text(o, "sender", m->header.sender);
	px_json_set_text(o, "message_id", m->header.message_id);
	px_json_set_text(o, "type", m->header.type);
	px_json_set_maybe(o, "partner", m->partner);
	px_json_set_time(o, "accepted", m->accepted);
	px_json_set_text(o, "class", px_word_class(m->prio));
	px_json_set_int(o, "octets", (int64_t)m->len);
	px_json_set_text(o, "state", state_of(m));
	px_json_set(o, "recipients", recipients_of(m));
}

void px_word_delivery(json_t *o, const struct px_delivery *d)
{
	px_json_set_int(o, "id", (int64_t)d->id);
	px_json_set_text(o, "recipient", d->recipient);
	px_json_set_text(o, "partner", d->partner);
	px_json_set_maybe(o, "route", d->route);
	px_json_set_text(o, "state", px_delivery_state_name(d->state));
	px_json_set_bool(o, "leased", d->leased);
	px_json_set_bool(o, "head", d->head);
	px_json_set_bool(o, "body_sent", d->body_sent);
	px_json_set_int(o, "attempts", d->attempts);
	px_json_set_time(o, "created", d->created);
	px_json_set_time(o, "due", px_delivery_state_is_final(d->state) ? 0 : d->due);
	px_json_set_time(o, "deadline", d->deadline);
	px_json_set_time(o, "ended", d->ended);
	px_json_set_maybe(o, "error", d->error);
}

static void fill_header(json_t *o, const struct px_header *h)
{
	json_t *named = json_array();
	for (unsigned i = 0; i < h->n_recipients; i++)
		json_array_append_new(named, px_json_text(h->recipients[i]));
	px_json_set(o, "named_recipients", named);
	px_json_set_maybe(o, "type_version", h->type_version);
	px_json_set_text(o, "environment", h->environment);
	px_json_set_time(o, "created_at", h->created_at);
	px_json_set_time(o, "expires_at", h->expires_at);
	px_json_set_maybe(o, "correlation_id", h->correlation_id);
}

void px_word_message_whole(json_t *o, const struct px_message *m)
{
	px_word_message(o, m);
	fill_header(o, &m->header);
	px_json_set_hex(o, "sha256", m->digest, PX_DIGEST_LEN);
	px_json_set(o, "movement", m->movement != 0 ? json_integer((json_int_t)m->movement) : json_null());
	json_t *keys = json_array(), *deliveries = json_array();
	for (unsigned i = 0; i < m->keys.n; i++) {
		json_t *key = px_json_append(keys);
		px_json_set_text(key, "key", px_key_name(m->keys.items[i].kind));
		px_json_set_text(key, "value", m->keys.items[i].value);
	}
	for (unsigned i = 0; i < m->n_deliveries; i++)
		px_word_delivery(px_json_append(deliveries), &m->deliveries[i]);
	px_json_set(o, "keys", keys);
	px_json_set_bool(o, "ends_movement", m->keys.ends_movement);
	px_json_set(o, "deliveries", deliveries);
}
