/* prinex: the border post: what officers ask
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/border.h"

#include "flow/border_parts.h"
#include "flow/internal.h"

/*
 * What was found gives movements, newest first; each is read whole, a page at a time, so that the newest
 * version and what came of it are known, and written as far as it was sent to the officer's authority. In
 * parallel the journal gets its entry: there is no answer before it is durable.
 *
 * An answer is a page: it says where the next one begins as long as there may be more.
 */
#define HITS          32        /* messages looked up at a time */
#define HITS_ROUNDS   20        /* then the page ends, however few movements they belong to */
#define MOVEMENTS_MAX 20        /* a page is read within 2 ms of CPU time */
#define PAGE_FULL     (2 << 20) /* octets: no further movement */
#define ANSWER_FULL   (6 << 20) /* and no further declaration of one that is very large */

/** A movement to be shown, and where a page begins that shows it first. */
struct found {
	uint64_t movement;
	struct px_border_place place;
};

struct asked {
	struct px_flow *flow;
	struct px_generation *gen;
	char authority[PX_AUTHORITY_MAX + 1];
	px_flow_answered *answered;
	void *arg;
	struct px_buf out;
	struct px_form form;
	struct px_lookup lookup; /* by key */
	char value[PX_KEY_VALUE_MAX + 1];
	unsigned rounds;
	unsigned n, at; /* movements, and the one being read */
	struct found movements[MOVEMENTS_MAX];
	struct px_border_place next; /* message 0: there is no further page */
	struct px_journey journey;   /* of the one being read */
	struct px_border_links links;
	unsigned version;   /* of the journey: the one being written */
	unsigned under_way; /* reads, and the journal */
	int rc;             /* the first that failed */
	int journalled;     /* its result */
	struct px_body *body;
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
	px_journey_free(&q->journey);
	free(q->links.items);
	px_buf_free(&q->out);
	free(q);
	px_flow_end(flow);
}

static void finish_list(struct asked *q)
{
	struct px_flow_answer answer = {.status = 200, .xml = !q->form.json, .json = q->form.json};
	px_form_list_end(&q->form);
	if (q->next.message != 0) {
		char place[64], at[32] = "";
		if (q->next.at != 0)
			px_time_format(q->next.at, at, sizeof(at));
		snprintf(place, sizeof(place), "%s%s%llu", at, at[0] != '\0' ? "_" : "",
			 (unsigned long long)q->next.message);
		px_form_text(&q->form, "Next", place);
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
	} else if (q->journalled != PX_OK) {
		px_rate_not_journalled(q->flow, q->journalled, q->answered, q->arg);
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
	q->journalled = rc;
	px_flow_note_room(q->flow, rc);
	done_with(q, PX_OK);
}

static void begin(struct asked *q, const struct px_journal_entry *entry)
{
	q->under_way++;
	px_store_journal(q->flow->store, entry, journalled, q);
}

/* --- movements --------------------------------------------------------------------------------------- */

static void read_next(struct asked *q);
static void write_versions(struct asked *q, unsigned n, const struct px_message *messages);

static void end_movement(struct asked *q)
{
	struct px_form *form = &q->form;
	px_form_list_end(form);
	px_border_links_write(form, &q->links);
	px_border_write_omitted(form, "DeclarationsOmitted",
				q->journey.n - q->version + (uint64_t)q->journey.beyond);
	px_form_close(form, "Movement");
	q->at++;
	read_next(q);
}

/* Damage hides what it hit, and no more. @return whether it is that, or gone meanwhile. */
static bool is_hidden(struct asked *q, int rc)
{
	if (rc == PX_ECORRUPT)
		px_standing_raise(q->flow, PX_ALARM_QUARANTINE, "border",
				  "a movement cannot be read: officers do not see it");
	return rc == PX_ECORRUPT || rc == PX_ENOTFOUND;
}

static void version_read(void *arg, int rc, const struct px_message *m)
{
	struct asked *q = arg;
	if (rc != PX_OK && !is_hidden(q, rc)) {
		done_with(q, rc);
		return;
	}
	if (rc == PX_OK)
		px_border_write_declaration(&q->form, &q->journey.versions[q->version], m);
	q->version++;
	write_versions(q, 0, NULL);
}

static const struct px_message *message_in(unsigned n, const struct px_message *messages, uint64_t seq)
{
	for (unsigned i = 0; i < n; i++) {
		if (messages[i].seq == seq)
			return &messages[i];
	}
	return NULL;
}

/* Most are among @messages, the last page that was read. */
static void write_versions(struct asked *q, unsigned n, const struct px_message *messages)
{
	for (; q->version < q->journey.n && q->out.len <= ANSWER_FULL; q->version++) {
		const struct px_journey_version *v = &q->journey.versions[q->version];
		const struct px_message *m = message_in(n, messages, v->message);
		if (m == NULL) {
			px_store_message(q->flow->store, v->message, version_read, q);
			return;
		}
		px_border_write_declaration(&q->form, v, m);
	}
	end_movement(q);
}

static void write_movement(struct asked *q, unsigned n, const struct px_message *messages)
{
	enum px_journey_state state = px_journey_state(&q->journey, px_flow_now(q->flow));
	px_form_open(&q->form, "Movement");
	px_form_text(&q->form, "MovementState", px_journey_state_name(state));
	px_form_list(&q->form, "declarations");
	q->version = 0;
	write_versions(q, n, messages);
}

static void movement_read(void *arg, int rc, unsigned n, const struct px_message *messages, uint64_t next)
{
	struct asked *q = arg;
	if (rc != PX_OK) {
		if (is_hidden(q, rc)) {
			q->at++;
			read_next(q);
		} else {
			done_with(q, rc);
		}
		return;
	}
	px_journey_add(&q->journey, n, messages);
	for (unsigned i = 0; i < n; i++) {
		if (px_journey_is_sent_to(&messages[i], q->authority))
			px_border_links_note(&q->links, &messages[i]);
	}
	if (next != 0) {
		px_store_movement(q->flow->store, q->movements[q->at].movement, next, PX_JOURNEY_PAGE,
				  movement_read, q);
	} else if (q->journey.known) {
		write_movement(q, n, messages);
	} else {
		q->at++;
		read_next(q);
	}
}

/* One after the other: other readers of the store get their turns, and only one movement is in memory. */
static void read_next(struct asked *q)
{
	if (q->at < q->n && q->out.len > PAGE_FULL) {
		q->next = q->movements[q->at].place;
		q->at = q->n;
	}
	if (q->at == q->n) {
		done_with(q, PX_OK);
		return;
	}
	px_journey_free(&q->journey);
	px_journey_begin(&q->journey, q->gen->cat, q->authority);
	q->links.n = 0;
	px_store_movement(q->flow->store, q->movements[q->at].movement, 0, PX_JOURNEY_PAGE, movement_read, q);
}

/* --- which movements --------------------------------------------------------------------------------- */

/* @return false: there is no room for it. */
static bool note_movement(struct asked *q, uint64_t movement, struct px_border_place place)
{
	for (unsigned i = 0; i < q->n; i++) {
		if (q->movements[i].movement == movement)
			return true;
	}
	if (movement == 0 || q->n == MOVEMENTS_MAX)
		return movement == 0;
	q->movements[q->n++] = (struct found){movement, place};
	return true;
}

static void looked_up(void *arg, int rc, unsigned n, const struct px_message *messages, uint64_t next)
{
	struct asked *q = arg;
	bool fits = true;
	if (rc != PX_OK) {
		done_with(q, rc);
		return;
	}
	for (unsigned i = 0; i < n && fits; i++) {
		struct px_border_place place = {.message = messages[i].seq};
		fits = note_movement(q, messages[i].movement, place);
		if (!fits)
			next = messages[i].seq;
	}
	if (fits && next != 0 && ++q->rounds < HITS_ROUNDS) {
		q->lookup.from = next;
		px_store_lookup(q->flow->store, &q->lookup, looked_up, q);
		return;
	}
	q->next.message = next;
	read_next(q);
}

static void expected_there(void *arg, int rc, unsigned n, const struct px_arrival *arrivals,
			   const struct px_arrival *next)
{
	struct asked *q = arg;
	struct px_border_place before = q->next; /* where this page began */
	q->next = (struct px_border_place){.at = 0};
	for (unsigned i = 0; i < n; i++) {
		note_movement(q, arrivals[i].movement, before); /* as many as fit: the page is no longer */
		before = (struct px_border_place){arrivals[i].at, arrivals[i].message};
	}
	if (next != NULL)
		q->next = (struct px_border_place){next->at, next->message};
	if (rc == PX_OK)
		read_next(q);
	else
		done_with(q, rc);
}

/* --- the question ------------------------------------------------------------------------------------ */

static void begin_list(struct asked *q, bool json)
{
	px_form_start(&q->form, json, &q->out);
	px_form_open(&q->form, "Movements");
	px_form_text(&q->form, "Authority", q->authority);
	px_form_time(&q->form, "At", px_flow_now(q->flow));
	px_form_list(&q->form, "movements");
}

static void ask_by_key(struct asked *q, const struct px_border_query *query, struct px_journal_entry *entry)
{
	/* The value of a business key is payload data: the journal has its digest only. */
	entry->has_digest = true;
	px_sha256(query->value, strlen(query->value), entry->digest);
	entry->detail = px_key_name(query->kind);
	begin(q, entry);
	px_strlcpy(q->value, query->value, sizeof(q->value));
	q->lookup = (struct px_lookup){.kind = query->kind,
				       .value = q->value,
				       .recipient = q->authority,
				       .from = query->after.message,
				       .limit = HITS};
	px_store_lookup(q->flow->store, &q->lookup, looked_up, q);
}

static void ask_by_office(struct asked *q, const struct px_border_query *query,
			  struct px_journal_entry *entry)
{
	char from[32], until[32], detail[160];
	px_time_format(query->from, from, sizeof(from));
	px_time_format(query->until, until, sizeof(until));
	snprintf(detail, sizeof(detail), "office=%s arriving=%s..%s", query->office, from, until);
	entry->detail = detail;
	begin(q, entry);
	struct px_arrival after = {.at = query->after.at, .message = query->after.message};
	px_strlcpy(after.office, query->office, sizeof(after.office));
	struct px_arrivals which = {.office = query->office,
				    .from = query->from,
				    .until = query->until,
				    .recipient = q->authority,
				    .after = after.message != 0 ? &after : NULL,
				    .limit = MOVEMENTS_MAX};
	q->next = query->after;
	px_store_arrivals(q->flow->store, &which, expected_there, q);
}

void px_border_movements(struct px_flow *flow, struct px_generation *gen,
			 const struct px_conf_partner *partner, const struct px_border_query *query,
			 px_flow_answered *answered, void *arg)
{
	if (!px_rate_lets_read(flow, partner, answered, arg))
		return;
	struct asked *q = asked_new(flow, gen, partner, answered, arg);
	struct px_journal_entry entry = {.kind = PX_J_READ,
					 .partner = partner->name,
					 .recipient = partner->authority,
					 .code = "movements",
					 .actor = query->user};
	begin_list(q, query->json);
	q->under_way = 1;
	if (query->office[0] == '\0')
		ask_by_key(q, query, &entry);
	else
		ask_by_office(q, query, &entry);
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
	if (!px_rate_lets_read(flow, partner, answered, arg))
		return;
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
