/* prinex: trace: where a consignment stands
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/parts.h"
#include "ctl/words.h"

/*
 * A value is looked up under one kind of key or all of them, one after the other; what is found gives
 * movements, and each is shown whole: a message that does not carry the value itself (an amendment that names
 * only the MRN, a control result) belongs to the picture too. Each step asks first whether the client is
 * still there.
 */
#define HITS_MAX      100 /* per kind of key */
#define MOVEMENTS_MAX 10  /* a vehicle may have been on many journeys: the latest */
#define MESSAGES_MAX  200 /* shown per movement; whether it has ended is read from all */

struct trace {
	char value[PX_KEY_VALUE_MAX + 1];
	unsigned kind, last_kind; /* the one being looked up; the last to be */
	bool capitals;            /* second round */
	bool more;                /* not all is shown */
	json_t *found_as;         /* kinds of key that had it */
	unsigned n_movements;
	uint64_t movements[MOVEMENTS_MAX];
	unsigned shown;
	json_t *open; /* the last of the list, being read on; NULL none */
	json_t *list; /* movements as shown */
};

static void free_trace(void *state)
{
	struct trace *t = state;
	json_decref(t->found_as);
	json_decref(t->list);
	free(t);
}

static void next_kind(struct px_job *job);
static void next_movement(struct px_job *job);

static void finish(struct px_job *job)
{
	struct trace *t = job->state;
	json_t *result = json_object();
	px_json_set_bool(result, "ok", json_array_size(t->list) > 0);
	px_json_set_text(result, "value", t->value);
	px_json_set(result, "found_as", json_incref(t->found_as));
	px_json_set(result, "movements", json_incref(t->list));
	px_json_set_bool(result, "more", t->more);
	px_job_result(job, result);
}

/* --- what happened, in order
 * --------------------------------------------------------------------------------- */

struct event {
	int64_t at;
	unsigned rank; /* order of what happened in the same millisecond */
	json_t *o;
};

struct events {
	unsigned n;
	struct event items[MESSAGES_MAX * (1 + 2 * PX_RECIPIENTS_MAX)];
};

static json_t *event(struct events *e, int64_t at, const char *what, const struct px_message *m,
		     const struct px_delivery *d)
{
	json_t *o = json_object();
	px_json_set_time(o, "at", at);
	px_json_set_text(o, "event", what);
	px_json_set_int(o, "message", (int64_t)m->seq);
	px_json_set_text(o, "sender", m->header.sender);
	px_json_set_text(o, "message_id", m->header.message_id);
	px_json_set_text(o, "type", m->header.type);
	px_json_set_maybe(o, "partner", d != NULL ? d->partner : m->partner);
	px_json_set_maybe(o, "recipient", d != NULL ? d->recipient : "");
	px_json_set_maybe(o, "detail", d != NULL ? d->error : "");
	px_assert(e->n < PX_ARRAY_LEN(e->items));
	e->items[e->n] = (struct event){at, e->n, o};
	e->n++;
	return o;
}

/* Every message was confirmed (CoA) when it was accepted; how a delivery ended is what its recipient's
 * confirmation said. What has not ended comes last, without a time. */
static void add_message(struct events *e, const struct px_message *m)
{
	json_t *o = event(e, m->accepted, "accepted", m, NULL);
	px_json_set_bool(o, "confirmed", m->coa_len > 0);
	for (unsigned i = 0; i < m->n_deliveries && i < PX_RECIPIENTS_MAX; i++) {
		const struct px_delivery *d = &m->deliveries[i];
		const char *state = px_delivery_state_name(d->state);
		o = event(e, d->ended, d->leased ? "in-flight" : state, m, d);
		px_json_set_int(o, "delivery", (int64_t)d->id);
		px_json_set_int(o, "attempts", d->attempts);
		px_json_set_time(o, "due", d->ended == 0 ? d->due : 0);
		px_json_set_time(o, "deadline", d->ended == 0 ? d->deadline : 0);
	}
}

static int earlier(const void *a, const void *b)
{
	const struct event *x = a, *y = b;
	int64_t s = x->at != 0 ? x->at : INT64_MAX, t = y->at != 0 ? y->at : INT64_MAX;
	if (s != t)
		return s < t ? -1 : 1;
	return x->rank < y->rank ? -1 : 1;
}

static json_t *timeline(unsigned n, const struct px_message *messages)
{
	struct events *e = px_xcalloc(1, sizeof(*e));
	json_t *list = json_array();
	for (unsigned i = 0; i < n && i < MESSAGES_MAX; i++)
		add_message(e, &messages[i]);
	qsort(e->items, e->n, sizeof(e->items[0]), earlier);
	for (unsigned i = 0; i < e->n; i++)
		json_array_append_new(list, e->items[i].o);
	free(e);
	return list;
}

/* --- a movement
 * ------------------------------------------------------------------------------------------------ */

/* Each value once, in the order in which messages brought them. */
static void add_keys(json_t *keys, const struct px_message *m)
{
	for (unsigned i = 0; i < m->keys.n; i++) {
		const char *name = px_key_name(m->keys.items[i].kind);
		json_t *values = json_object_get(keys, name), *v;
		size_t k;
		bool known = false;
		if (values == NULL) {
			values = json_array();
			px_json_set(keys, name, values);
		}
		json_array_foreach(values, k, v)
		    known = known || strcmp(json_string_value(v), m->keys.items[i].value) == 0;
		if (!known && json_array_size(values) < HITS_MAX)
			json_array_append_new(values, px_json_text(m->keys.items[i].value));
	}
}

static void show(struct trace *t, uint64_t movement, unsigned n, const struct px_message *messages)
{
	json_t *o = px_json_append(t->list), *keys = json_object(), *rows = json_array();
	for (unsigned i = 0; i < n; i++) {
		add_keys(keys, &messages[i]);
		px_word_message(px_json_append(rows), &messages[i]);
	}
	px_json_set_int(o, "movement", (int64_t)movement);
	px_json_set_bool(o, "ended", false);
	px_json_set(o, "keys", keys);
	px_json_set(o, "messages", rows);
	px_json_set(o, "events", timeline(n, messages));
	t->open = o;
}

static void note_end(struct trace *t, unsigned n, const struct px_message *messages)
{
	for (unsigned i = 0; i < n; i++) {
		if (messages[i].ended)
			px_json_set_bool(t->open, "ended", true);
	}
}

static void next_page(struct px_job *job, uint64_t from);

static void movement_read(void *arg, int rc, unsigned n, const struct px_message *messages, uint64_t next)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	struct trace *t = job->state;
	if (px_job_ended_by(job, rc == PX_ENOTFOUND ? PX_OK : rc, "read the movement"))
		return;
	t->more = t->more || next != 0;
	if (n > 0 && t->open == NULL)
		show(t, t->movements[t->shown], n, messages);
	note_end(t, n, messages);
	if (next != 0) {
		next_page(job, next);
		return;
	}
	t->open = NULL;
	t->shown++;
	next_movement(job);
}

static void next_page(struct px_job *job, uint64_t from)
{
	struct trace *t = job->state;
	px_store_movement(job->ctl->setup.store, t->movements[t->shown], from, MESSAGES_MAX, movement_read,
			  job);
}

static void next_movement(struct px_job *job)
{
	struct trace *t = job->state;
	if (t->shown < t->n_movements)
		next_page(job, 0);
	else
		finish(job);
}

/* --- looking up
 * ------------------------------------------------------------------------------------------------ */

static void note_movement(struct trace *t, uint64_t movement)
{
	for (unsigned i = 0; i < t->n_movements; i++) {
		if (t->movements[i] == movement)
			return;
	}
	if (t->n_movements == MOVEMENTS_MAX)
		t->more = true;
	else
		t->movements[t->n_movements++] = movement;
}

static void looked_up(void *arg, int rc, unsigned n, const struct px_message *messages, uint64_t next)
{
	struct px_job *job = PX_CAST(arg, struct px_job, PX_JOB_MAGIC);
	struct trace *t = job->state;
	if (px_job_ended_by(job, rc == PX_ENOTFOUND ? PX_OK : rc, "look the value up"))
		return;
	t->more = t->more || next != 0;
	if (n > 0)
		json_array_append_new(t->found_as, px_json_text(px_key_name((enum px_key_kind)t->kind)));
	for (unsigned i = 0; i < n; i++) {
		if (messages[i].movement != 0)
			note_movement(t, messages[i].movement);
	}
	t->kind++;
	next_kind(job);
}

/* The value in capital letters, if that is another one. */
static bool capitalize(struct trace *t)
{
	bool changed = false;
	for (char *p = t->value; *p != '\0'; p++) {
		if (*p >= 'a' && *p <= 'z') {
			*p = (char)(*p - 'a' + 'A');
			changed = true;
		}
	}
	return changed;
}

static void choose_kinds(struct px_job *job)
{
	struct trace *t = job->state;
	const char *key = px_job_text(job, "key");
	enum px_key_kind one = key != NULL ? px_key_parse(key) : PX_KEY_COUNT;
	t->kind = one != PX_KEY_COUNT ? one : 0;
	t->last_kind = one != PX_KEY_COUNT ? one : PX_KEY_COUNT - 1;
}

static void next_kind(struct px_job *job)
{
	struct trace *t = job->state;
	if (t->kind <= t->last_kind) {
		struct px_lookup which = {
		    .kind = (enum px_key_kind)t->kind, .value = t->value, .limit = HITS_MAX};
		px_store_lookup(job->ctl->setup.store, &which, looked_up, job);
	} else if (json_array_size(t->found_as) == 0 && !t->capitals && capitalize(t)) {
		t->capitals = true;
		choose_kinds(job);
		next_kind(job);
	} else {
		next_movement(job);
	}
}

void px_cmd_trace(struct px_job *job)
{
	struct trace *t = px_xcalloc(1, sizeof(*t));
	job->state = t;
	job->state_free = free_trace;
	t->found_as = json_array();
	t->list = json_array();
	px_strlcpy(t->value, px_job_text(job, "value"), sizeof(t->value));
	choose_kinds(job);
	next_kind(job);
}
