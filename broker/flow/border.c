/* prinex: the border post: what officers ask
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/border.h"

#include "flow/form.h"
#include "flow/internal.h"
#include "flow/journey.h"

/*
 * What was found gives movements, newest first; each is read whole, so that the newest version and what came
 * of it are known, and written as far as it was sent to the officer's authority. In parallel the journal gets
 * its entry: there is no answer before it is durable.
 */
#define HITS_MAX      1000 /* a key may be on many messages of others */
#define MOVEMENTS_MAX 100
#define ANSWER_MAX    (4 << 20) /* then it says that there is more */

struct asked {
	struct px_flow *flow;
	struct px_generation *gen;
	char authority[PX_AUTHORITY_MAX + 1];
	px_flow_answered *answered;
	void *arg;
	struct px_buf out;
	struct px_form form;
	unsigned n, at; /* movements, and the one being read */
	uint64_t movements[MOVEMENTS_MAX];
	unsigned under_way; /* reads, and the journal */
	int rc;             /* the first that failed */
	bool journalled;
	bool more;
	struct px_arrival next; /* message 0: no further page by office */
	struct px_body *body;
	char user[PX_MARK_ACTOR_MAX + 1];
};

/* --- beginning and end ------------------------------------------------------------------------------- */

static struct asked *asked_new(struct px_flow *flow, struct px_generation *gen,
			       const struct px_conf_partner *partner, px_flow_answered *answered, void *arg)
{
	struct asked *q = px_xcalloc(1, sizeof(*q));
	q->flow = flow;
	q->gen = px_generation_ref(gen);
	q->answered = answered;
	q->arg = arg;
	px_strlcpy(q->authority, partner->authority, sizeof(q->authority));
	px_flow_begin(flow);
	return q;
}

static void asked_end(struct asked *q)
{
	struct px_flow *flow = q->flow;
	px_generation_unref(&q->gen);
	px_body_unref(&q->body);
	px_buf_free(&q->out);
	free(q);
	px_flow_end(flow);
}

static void finish_list(struct asked *q)
{
	struct px_flow_answer answer = {.status = 200, .xml = !q->form.json, .json = q->form.json};
	px_form_list_end(&q->form);
	if (q->next.message != 0) {
		char place[64], at[32];
		px_time_format(q->next.at, at, sizeof(at));
		snprintf(place, sizeof(place), "%s_%llu", at, (unsigned long long)q->next.message);
		px_form_text(&q->form, "Next", place);
	} else if (q->more) {
		px_form_text(&q->form, "More", "true");
	}
	px_form_close(&q->form, "Movements");
	answer.body = q->out.data;
	answer.len = q->out.len;
	q->answered(q->arg, &answer);
}

/* One thing that was under way is done. */
static void done_with(struct asked *q, int rc)
{
	if (q->rc == PX_OK)
		q->rc = rc;
	if (--q->under_way > 0)
		return;
	if (!px_flow_is_trusted(q->flow, q->arg)) {
		px_answer_text(q->answered, q->arg, 403, 0,
			       "the certificate of this connection does not stand any more\n");
	} else if (!q->journalled) {
		px_answer_text(q->answered, q->arg, 503, 2, "the journal could not be written\n");
	} else if (q->rc == PX_ENOTFOUND) {
		px_answer_text(q->answered, q->arg, 404, 0, "no such exchange was sent to %s\n",
			       q->authority);
	} else if (q->rc != PX_OK) {
		px_answer_text(q->answered, q->arg, 503, 2, "the store could not be read\n");
	} else if (q->body != NULL) {
		px_answer_xml(q->answered, q->arg, 200, q->body->data, q->body->len);
	} else {
		finish_list(q);
	}
	asked_end(q);
}

static void journalled(void *arg, int rc)
{
	struct asked *q = arg;
	q->journalled = rc == PX_OK;
	if (rc == PX_EFATAL)
		px_flow_store_failed(q->flow, "journal");
	done_with(q, PX_OK);
}

static void begin(struct asked *q, const struct px_journal_entry *entry)
{
	q->under_way++;
	px_store_journal(q->flow->store, entry, journalled, q);
}

/* --- movements --------------------------------------------------------------------------------------- */

static void write_link(struct asked *q, const struct px_message *m)
{
	char text[sizeof("/v1/exchanges///body") + PX_AUTHORITY_MAX + PX_MESSAGE_ID_MAX];
	char digest[PX_DIGEST_HEX];
	px_hex(m->digest, PX_DIGEST_LEN, digest);
	px_form_text(&q->form, "Sender", m->header.sender);
	px_form_text(&q->form, "MessageId", m->header.message_id);
	px_form_text(&q->form, "MessageType", m->header.type);
	px_form_text(&q->form, "TypeVersion", m->header.type_version);
	px_form_time(&q->form, "AcceptedAt", m->accepted);
	px_form_text(&q->form, "Digest", digest);
	snprintf(text, sizeof(text), "/v1/exchanges/%s/%s/body", m->header.sender, m->header.message_id);
	px_form_text(&q->form, "Href", text);
}

static void write_all(struct asked *q, const struct px_keys *keys, enum px_key_kind kind, const char *name,
		      const char *list)
{
	px_form_list(&q->form, list);
	for (unsigned i = 0; i < keys->n; i++) {
		if (keys->items[i].kind == kind)
			px_form_text(&q->form, name, keys->items[i].value);
	}
	px_form_list_end(&q->form);
}

static void write_declaration(struct asked *q, const struct px_journey_version *v)
{
	struct px_expected expected[PX_EXPECTED_MAX];
	const struct px_keys *keys = &v->message->keys;
	unsigned n = px_keys_expected(keys, expected);
	char version[16];
	snprintf(version, sizeof(version), "%u", v->version);
	px_form_open(&q->form, "Declaration");
	write_link(q, v->message);
	px_form_text(&q->form, "DeclarationType", v->first->header.type);
	px_form_text(&q->form, "Version", version);
	px_form_text(&q->form, "LRN", px_keys_first(keys, PX_KEY_LRN));
	px_form_text(&q->form, "MRN", px_keys_first(keys, PX_KEY_MRN));
	px_form_text(&q->form, "Declarant", px_keys_first(keys, PX_KEY_DECLARANT));
	px_form_list(&q->form, "arrivals");
	for (unsigned i = 0; i < n; i++) {
		px_form_open(&q->form, "Arrival");
		px_form_text(&q->form, "Office", expected[i].office);
		px_form_time(&q->form, "ExpectedAt", expected[i].at);
		px_form_time(&q->form, "Limit", expected[i].limit != expected[i].at ? expected[i].limit : 0);
		px_form_close(&q->form, "Arrival");
	}
	px_form_list_end(&q->form);
	write_all(q, keys, PX_KEY_VEHICLE, "Vehicle", "vehicles");
	write_all(q, keys, PX_KEY_CONTAINER, "Container", "containers");
	write_all(q, keys, PX_KEY_SEAL, "Seal", "seals");
	px_form_close(&q->form, "Declaration");
}

static void write_movement(struct asked *q, const struct px_journey *j, unsigned n,
			   const struct px_message *messages)
{
	px_form_open(&q->form, "Movement");
	px_form_text(&q->form, "MovementState", px_journey_state_name(j->state));
	px_form_list(&q->form, "declarations");
	for (unsigned i = 0; i < j->n; i++)
		write_declaration(q, &j->versions[i]);
	px_form_list_end(&q->form);
	px_form_list(&q->form, "exchanges");
	for (unsigned i = 0; i < n; i++) {
		if (!px_journey_is_sent_to(&messages[i], q->authority))
			continue;
		px_form_open(&q->form, "Sent");
		write_link(q, &messages[i]);
		px_form_close(&q->form, "Sent");
	}
	px_form_list_end(&q->form);
	px_form_close(&q->form, "Movement");
}

static void read_next(struct asked *q);

static void movement_read(void *arg, int rc, unsigned n, const struct px_message *messages, uint64_t next)
{
	struct asked *q = arg;
	struct px_journey j;
	(void)next;
	if (rc == PX_OK) {
		px_journey_read(q->gen->cat, q->authority, n, messages, px_flow_now(q->flow), &j);
		if (j.known)
			write_movement(q, &j, n, messages);
	} else if (rc == PX_ECORRUPT) {
		px_standing_raise(q->flow, PX_ALARM_QUARANTINE, "border",
				  "a movement cannot be read: officers do not see it");
	} else if (rc != PX_ENOTFOUND) { /* or purged meanwhile */
		done_with(q, rc);
		return;
	}
	q->at++;
	read_next(q);
}

/* One after the other: other readers of the store get their turns, and only one movement is in memory. */
static void read_next(struct asked *q)
{
	if (q->at < q->n && q->out.len > ANSWER_MAX) {
		q->more = true;
		q->next.message = 0; /* behind it would be behind what is left out here */
		q->at = q->n;
	}
	if (q->at < q->n)
		px_store_movement(q->flow->store, q->movements[q->at], PX_JOURNEY_MESSAGES, movement_read, q);
	else
		done_with(q, PX_OK);
}

/* @return false: there is no room for it. */
static bool note_movement(struct asked *q, uint64_t movement)
{
	for (unsigned i = 0; i < q->n; i++) {
		if (q->movements[i] == movement)
			return true;
	}
	if (movement == 0 || q->n == MOVEMENTS_MAX)
		return movement == 0;
	q->movements[q->n++] = movement;
	return true;
}

static void looked_up(void *arg, int rc, unsigned n, const struct px_message *messages, uint64_t next)
{
	struct asked *q = arg;
	q->more = next != 0;
	for (unsigned i = 0; i < n; i++) {
		if (px_journey_is_sent_to(&messages[i], q->authority) &&
		    !note_movement(q, messages[i].movement))
			q->more = true;
	}
	if (rc == PX_OK)
		read_next(q);
	else
		done_with(q, rc);
}

static void expected_there(void *arg, int rc, unsigned n, const struct px_arrival *arrivals,
			   const struct px_arrival *next)
{
	struct asked *q = arg;
	for (unsigned i = 0; i < n; i++)
		note_movement(q, arrivals[i].movement); /* as many as fit: the page is no longer */
	if (next != NULL)
		q->next = *next;
	if (rc == PX_OK)
		read_next(q);
	else
		done_with(q, rc);
}

static void begin_list(struct asked *q, bool json)
{
	px_form_start(&q->form, json, &q->out);
	px_form_open(&q->form, "Movements");
	px_form_text(&q->form, "Authority", q->authority);
	px_form_time(&q->form, "At", px_flow_now(q->flow));
	px_form_list(&q->form, "movements");
}

void px_border_movements(struct px_flow *flow, struct px_generation *gen,
			 const struct px_conf_partner *partner, const struct px_border_query *query,
			 px_flow_answered *answered, void *arg)
{
	struct asked *q = asked_new(flow, gen, partner, answered, arg);
	struct px_buf detail = PX_BUF_INIT;
	struct px_journal_entry entry = {.kind = PX_J_READ,
					 .partner = partner->name,
					 .recipient = partner->authority,
					 .code = "movements",
					 .actor = query->user};
	begin_list(q, query->json);
	q->under_way = 1;
	if (query->office[0] == '\0') {
		/* The value of a business key is payload data: the journal has its digest only. */
		px_buf_adds(&detail, px_key_name(query->kind));
		entry.has_digest = true;
		px_sha256(query->value, strlen(query->value), entry.digest);
		entry.detail = px_buf_str(&detail);
		begin(q, &entry);
		px_store_lookup(flow->store, query->kind, query->value, HITS_MAX, looked_up, q);
	} else {
		char from[32], until[32];
		px_time_format(query->from, from, sizeof(from));
		px_time_format(query->until, until, sizeof(until));
		px_buf_addf(&detail, "office=%s arriving=%s..%s", query->office, from, until);
		entry.detail = px_buf_str(&detail);
		begin(q, &entry);
		struct px_arrivals which = {.office = query->office,
					    .from = query->from,
					    .until = query->until,
					    .recipient = partner->authority,
					    .after = query->after.message != 0 ? &query->after : NULL,
					    .limit = MOVEMENTS_MAX};
		px_store_arrivals(flow->store, &which, expected_there, q);
	}
	px_buf_free(&detail);
}

/* --- exact octets ------------------------------------------------------------------------------------ */

static void body_read(void *arg, int rc, struct px_body *body)
{
	struct asked *q = arg;
	if (rc == PX_OK)
		q->body = px_body_ref(body);
	done_with(q, rc);
}

static void message_found(void *arg, int rc, const struct px_message *m)
{
	struct asked *q = arg;
	if (rc == PX_OK && !px_journey_is_sent_to(m, q->authority))
		rc = PX_ENOTFOUND; /* to everybody else it does not exist */
	if (rc == PX_OK)
		px_store_body(q->flow->store, m->seq, body_read, q);
	else
		done_with(q, rc);
}

void px_border_body(struct px_flow *flow, struct px_generation *gen, const struct px_conf_partner *partner,
		    const char *sender, const char *message_id, const char *user, px_flow_answered *answered,
		    void *arg)
{
	if (!px_is_authority(sender) || !px_is_message_id(message_id)) {
		px_answer_text(answered, arg, 404, 0, "not an authority and message id\n");
		return;
	}
	struct asked *q = asked_new(flow, gen, partner, answered, arg);
	struct px_journal_entry entry = {.kind = PX_J_READ,
					 .partner = partner->name,
					 .recipient = partner->authority,
					 .sender = sender,
					 .message_id = message_id,
					 .code = "body",
					 .actor = user};
	q->under_way = 1;
	begin(q, &entry);
	px_store_find(flow->store, sender, message_id, message_found, q);
}
