/* prinex: simulated store: messages and duplicate keys are purged
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/sim_parts.h"

/* The rule that counts for a message of @type to @recipient; NULL none. */
static const struct px_purge_rule *rule_for(const struct px_purge *req, const char *type,
					    const char *recipient)
{
	for (unsigned i = 0; i < req->n_rules; i++) {
		const struct px_purge_rule *r = &req->rules[i];
		if ((r->type[0] == '\0' || strcmp(r->type, type) == 0) &&
		    (r->recipient[0] == '\0' || strcmp(r->recipient, recipient) == 0))
			return r;
	}
	return NULL;
}

/* Until when @recipient's rule keeps the message; INT64_MAX for ever. */
static int64_t keep_until(const struct px_purge *req, const struct sim_message *m, const char *recipient,
			  int64_t ended)
{
	const struct px_purge_rule *r = rule_for(req, m->header.type, recipient);
	if (r != NULL && r->hold)
		return INT64_MAX;
	return ended + (r != NULL ? r->keep : req->keep);
}

static int64_t message_keep_until(const struct sim *s, const struct px_purge *req,
				  const struct sim_message *m)
{
	int64_t ended = m->accepted, until = 0;
	bool to_nobody = m->header.n_recipients == 0;
	for (size_t i = 0; i < s->n_deliveries; i++) {
		const struct sim_delivery *d = &s->deliveries[i];
		if (d->message != m->seq)
			continue;
		if (!px_delivery_state_is_final(d->d.state))
			return INT64_MAX;
		ended = PX_MAX(ended, d->d.ended);
		to_nobody = false;
	}
	for (size_t i = 0; i < s->n_deliveries; i++) {
		if (s->deliveries[i].message == m->seq)
			until = PX_MAX(until, keep_until(req, m, s->deliveries[i].d.recipient, ended));
	}
	for (unsigned i = 0; i < m->header.n_recipients; i++)
		until = PX_MAX(until, keep_until(req, m, m->header.recipients[i], ended));
	return to_nobody ? keep_until(req, m, "", ended) : until;
}

static void purge_message(struct sim *s, struct sim_message *m)
{
	uint64_t movement = sim_movement_now(s, m->movement);
	m->purged = true;
	for (size_t i = 0; i < s->n_deliveries; i++)
		s->deliveries[i].purged = s->deliveries[i].purged || s->deliveries[i].message == m->seq;
	for (size_t i = 0; i < s->n_messages; i++) {
		if (!s->messages[i].purged && movement != 0 &&
		    sim_movement_now(s, s->messages[i].movement) == movement)
			return;
	}
	if (movement != 0)
		s->movements[movement - 1].purged = true;
}

void sim_purge(struct sim *s, const struct px_purge *req, struct px_purge_report *report)
{
	unsigned looked = 0;
	*report = (struct px_purge_report){0};
	size_t i = req->from > 0 ? req->from - 1 : 0;
	for (; i < s->n_messages && (req->max == 0 || looked < req->max); i++) {
		struct sim_message *m = &s->messages[i];
		if (m->forgotten)
			continue;
		looked++;
		if (!m->purged && message_keep_until(s, req, m) <= req->now) {
			purge_message(s, m);
			report->messages++;
			report->octets += m->body->len;
		}
		if (m->purged && m->horizon_end <= req->now - req->horizon) {
			m->forgotten = true;
			if (m->partner[0] != '\0')
				s->forgotten =
				    PX_MAX(s->forgotten, PX_MIN(m->horizon_end - s->shortest, s->newest));
			report->receipts++;
		}
	}
	report->next = i < s->n_messages ? i + 1 : 0;
	if (report->messages + report->receipts > 0)
		sim_journal_append(s, &(struct px_journal_entry){.kind = PX_J_PURGED});
}
