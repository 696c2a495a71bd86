/* prinex: simulated town: customs systems that send, fetch, confirm and refuse
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "town.h"

#include "flow/confirm.h"

#define CONFIRM_TRIES 5
#define CARRIED_IN    60000 /* the lease is twice as long */

static struct call *call_home(struct person *p, enum call_kind kind, struct px_body *body,
			      void (*done)(struct call *c), void *arg)
{
	struct call *c = call_new(kind, body, done, arg);
	c->to = p->node;
	c->caller = p;
	px_strlcpy(c->as, p->partner, sizeof(c->as));
	return c;
}

/* --- sending
 * ---------------------------------------------------------------------------------------------------- */

static void send_it(void *arg);
static void send_next(void *arg);

/* Whom an authority sends to: all others that its node has a way to. */
static void choose_recipients(const struct person *p, struct message *m, char *names, size_t size)
{
	names[0] = '\0';
	const struct person *others[MAX_PEOPLE] = {NULL};
	unsigned n = 0;
	for (unsigned i = 0; i < town->n_people; i++) {
		const struct person *q = &town->people[i];
		if (strcmp(q->authority, p->authority) != 0 && q->hub == NULL &&
		    (!q->push || q->node == p->node))
			others[n++] = q;
	}
	unsigned first = (unsigned)town_draw(n), count = n > 1 && town_strikes(250) ? 2 : 1;
	for (unsigned i = 0; i < count; i++) {
		const char *name = others[(first + i) % n]->authority;
		px_strlcpy(m->fates[m->n_fates++].recipient, name, sizeof(m->fates[0].recipient));
		size_t len = strlen(names);
		snprintf(names + len, size - len, "%s%s", i > 0 ? " " : "", name);
	}
}

/* Some live so short that they end within their first attempt. */
static int64_t expires_in(void)
{
	unsigned draw = (unsigned)town_draw(1000);
	if (draw < 100)
		return town_between(town->pace->expires_least, town->pace->expires_most);
	return draw < 160 ? town_between(200, 20000) : 0;
}

static struct message *make_message(struct line *l, const struct message *twin)
{
	px_assert(town->n_messages < MAX_MESSAGES);
	struct message *m = &town->messages[town->n_messages++];
	char recipients[64], lrn[24], mrn[24], text[24];
	m->from = l->person;
	m->line = l->number;
	m->place = l->next;
	m->created = px_clock_wall(world_clock(town->world));
	m->token = twin != NULL ? twin->token : town->n_tokens++;
	m->broken = twin != NULL ? twin->broken : town_strikes(30);
	m->unloved = twin != NULL ? twin->unloved : town_strikes(60);
	snprintf(m->id, sizeof(m->id), "M-%u%s", m->token, twin != NULL ? "-again" : "");
	snprintf(text, sizeof(text), "token-%u", m->token);
	snprintf(lrn, sizeof(lrn), "LRN-%u-%u", l->person->index, l->number);
	snprintf(mrn, sizeof(mrn), "MRN-%u-%u", l->person->index, l->number);
	if (twin != NULL) {
		m->n_fates = 1;
		px_strlcpy(m->fates[0].recipient, twin->fates[0].recipient, sizeof(m->fates[0].recipient));
		px_strlcpy(recipients, twin->fates[0].recipient, sizeof(recipients));
	} else {
		choose_recipients(l->person, m, recipients, sizeof(recipients));
	}
	struct msg what = {.id = m->id,
			   .type = town_strikes(150) ? "Urgent" : "Note",
			   .recipients = recipients,
			   .lrn = lrn,
			   .mrn = l->number % 2 == 0 ? mrn : NULL,
			   .declarant = "D",
			   .expires_in = expires_in(),
			   .broken = m->broken,
			   .body = text};
	struct px_buf doc = PX_BUF_INIT;
	world_compose(l->person->node, l->person->partner, &what, &doc);
	m->body = px_body_copy(doc.data, doc.len);
	px_buf_free(&doc);
	return m;
}

static bool is_judged(const struct call *c)
{
	return c->result.end == PX_POST_ANSWERED && px_str_starts(px_buf_str(&c->answer), "<px:Confirmation");
}

static void sent(struct call *c)
{
	struct line *l = c->arg;
	struct message *m = l->current;
	int status = c->result.status;
	town_trace("%s sent %s: %d %s", l->person->partner, m->id, status, c->result.reason);
	if (!is_judged(c)) {
		if (town->wrong == WRONG_NEW_ID && c->result.end != PX_POST_ANSWERED &&
		    strchr(m->id, 'g') == NULL)
			l->current = make_message(l, m);
		px_timer_set(town->timers, &l->timer, town_between(300, 4000), send_it, l);
		return;
	}
	if (status == 200 || status == 201)
		count_acked(m, status, &c->answer);
	else
		count_refused(m, status, &c->answer);
	bool again = m->acked && town_strikes(100); /* a sender who forgot that it was answered */
	if (!again)
		l->next++;
	px_timer_set(town->timers, &l->timer, town_between(0, town->pace->gap), again ? send_it : send_next,
		     l);
}

static void send_it(void *arg)
{
	struct line *l = arg;
	call_start(call_home(l->person, CALL_POST, l->current->body, sent, l));
}

static void send_next(void *arg)
{
	struct line *l = arg;
	if (l->next >= l->length)
		return;
	l->current = make_message(l, NULL);
	send_it(l);
}

/* --- sending once more
 * ----------------------------------------------------------------------------------------- */

static void repeated(struct call *c)
{
	struct message *m = c->arg;
	int status = c->result.status;
	town_trace("%s sent %s once more: %d %s", m->from->partner, m->id, status, c->result.reason);
	if (!is_judged(c))
		return;
	if (status == 200 || status == 201)
		count_acked(m, status, &c->answer);
	else
		count_refused(m, status, &c->answer);
}

static void repeat(struct message *m)
{
	call_start(call_home(m->from, CALL_POST, m->body, repeated, m));
}

static void remember(void *arg)
{
	struct person *p = arg;
	struct message *m = town->n_messages > 0 ? &town->messages[town_draw(town->n_messages)] : NULL;
	if (town->calm)
		return;
	if (m != NULL && m->from == p && m->acked)
		repeat(m);
	px_timer_set(town->timers, &p->memory, town_between(0, town->pace->gust), remember, p);
}

void people_repeat_all(void)
{
	for (unsigned i = 0; i < town->n_messages; i++) {
		if (town->messages[i].acked)
			repeat(&town->messages[i]);
	}
}

/* --- what is left to do
 * ---------------------------------------------------------------------------------------- */

bool people_have_confirmed(void)
{
	for (unsigned i = 0; i < town->n_people; i++) {
		for (unsigned k = 0; k < FETCHERS; k++) {
			if (town->people[i].fetchers[k].doc.len > 0)
				return false;
		}
	}
	return true;
}

bool people_have_sent(void)
{
	for (unsigned i = 0; i < town->n_people; i++) {
		const struct person *p = &town->people[i];
		for (unsigned k = 0; k < p->n_lines; k++) {
			if (p->lines[k].next < p->lines[k].length)
				return false;
		}
	}
	return true;
}

/* --- confirming
 * ------------------------------------------------------------------------------------------------- */

/* What @p says about @body: a CoA, or a permanent CoE where it refuses. */
static void judge(const struct person *p, struct px_body *body, bool refuse, struct px_buf *out)
{
	struct px_buf doc = PX_BUF_INIT;
	px_buf_add(&doc, body->data, body->len);
	char sender[PX_AUTHORITY_MAX + 1], id[PX_MESSAGE_ID_MAX + 1];
	px_strlcpy(sender, field(&doc, "Sender"), sizeof(sender));
	px_strlcpy(id, field(&doc, "MessageId"), sizeof(id));
	px_buf_free(&doc);
	struct px_findings errors = {0};
	if (refuse)
		px_findings_add(&errors, PX_CODE_SCHEMA_OTHER, 0, NULL, NULL, "unloved");
	struct px_confirm c = {.kind = refuse ? PX_COE : PX_COA,
			       .permanent = refuse,
			       .confirmation_id = "C",
			       .issuer = p->authority,
			       .ref_sender = sender,
			       .ref_message_id = id,
			       .ref_digest = body->digest,
			       .at = px_clock_wall(world_clock(town->world)),
			       .errors = refuse ? &errors : NULL};
	px_confirm_write(out, &c, true);
	fakes_sign(out, p->authority, PX_ROLE_SYSTEM);
	px_findings_free(&errors);
}

static bool refuses(const struct px_buf *doc)
{
	char sender[PX_AUTHORITY_MAX + 1];
	px_strlcpy(sender, field(doc, "Sender"), sizeof(sender));
	const struct message *m = count_find(sender, field(doc, "MessageId"));
	return m != NULL && m->unloved;
}

int person_receives(struct person *p, struct px_body *body, struct px_buf *answer)
{
	struct px_buf doc = PX_BUF_INIT;
	px_buf_add(&doc, body->data, body->len);
	bool refuse = refuses(&doc);
	count_offered(p, &doc, "");
	count_seen(p, &doc);
	px_buf_free(&doc);
	unsigned mood = town->calm ? 99 : (unsigned)town_draw(100);
	if (mood < 4)
		return 0;
	if (mood < 8) {
		px_buf_adds(answer, mood < 6 ? "out of order\n" : "<garbage");
		return mood < 6 ? 500 : 201;
	}
	judge(p, body, refuse, answer);
	return refuse ? 422 : 201;
}

/* --- fetching
 * --------------------------------------------------------------------------------------------------- */

static void fetch(void *arg);
static void confirm(void *arg);

static void look_again(struct fetcher *f, int64_t most)
{
	px_buf_clear(&f->doc);
	px_buf_clear(&f->proof);
	px_timer_set(town->timers, &f->timer, town_between(50, most), fetch, f);
}

static void confirmed(struct call *c)
{
	struct fetcher *f = c->arg;
	int status = c->result.status;
	town_trace("%s confirmed %s: %d %s", f->person->partner, f->delivery, status, c->result.reason);
	if (status == 204 && f->person->hub == NULL)
		count_confirmed(f->person, &f->doc, f->offer);
	else if (status == 422)
		count_violation("%s: a good confirmation was called wrong: %s", f->person->partner,
				px_buf_str(&c->answer));
	bool again = (status == 0 || status == 503 || status == 404) && ++f->tries < CONFIRM_TRIES;
	if (again)
		px_timer_set(town->timers, &f->timer, town_between(200, 3000), confirm, f);
	else
		look_again(f, 100);
}

/* --- carrying
 * --------------------------------------------------------------------------------------------------- */

static void confirm_with(struct fetcher *f, const struct px_buf *conf)
{
	struct px_body *answer = px_body_copy(conf->data, conf->len);
	struct call *c = call_home(f->person, CALL_CONFIRM, answer, confirmed, f);
	px_strlcpy(c->delivery, f->delivery, sizeof(c->delivery));
	call_start(c);
	px_body_unref(&answer);
}

static void carried(struct call *c)
{
	struct fetcher *f = c->arg;
	town_trace("%s of %s carried %s to the hub: %d %s", f->person->partner, f->person->node->authority,
		   f->delivery, c->result.status, c->result.reason);
	if (is_judged(c)) {
		px_buf_add(&f->proof, c->answer.data, c->answer.len);
		confirm_with(f, &f->proof);
	} else if (++f->tries < CONFIRM_TRIES) {
		px_timer_set(town->timers, &f->timer, town_between(200, 3000), confirm, f);
	} else {
		look_again(f, 3000); /* it is offered again */
	}
}

static void carry(struct fetcher *f)
{
	if (f->proof.len > 0) {
		confirm_with(f, &f->proof);
		return;
	}
	if (px_clock_mono(world_clock(town->world)) - f->since > CARRIED_IN) {
		look_again(f, 3000); /* it may be another's by now, or what follows it may have gone */
		return;
	}
	struct px_body *body = px_body_copy(f->doc.data, f->doc.len);
	struct call *c = call_new(CALL_POST, body, carried, f);
	const char *me = f->person->node->authority;
	c->to = f->person->hub;
	snprintf(c->as, sizeof(c->as), "node-%c%c", me[0] | 0x20, me[1] | 0x20);
	call_start(c);
	px_body_unref(&body);
}

static void confirm(void *arg)
{
	struct fetcher *f = arg;
	if (f->person->hub != NULL) {
		carry(f);
		return;
	}
	struct px_buf conf = PX_BUF_INIT;
	struct px_body *body = px_body_copy(f->doc.data, f->doc.len), *answer;
	judge(f->person, body, refuses(&f->doc), &conf);
	answer = px_body_copy(conf.data, conf.len);
	struct call *c = call_home(f->person, CALL_CONFIRM, answer, confirmed, f);
	const char *last = count_last_lease(f->person, &f->doc);
	px_strlcpy(c->delivery, town->wrong == WRONG_NO_FENCING && last != NULL ? last : f->delivery,
		   sizeof(c->delivery));
	call_start(c);
	px_body_unref(&body);
	px_body_unref(&answer);
	px_buf_free(&conf);
}

static void fetched(struct call *c)
{
	struct fetcher *f = c->arg;
	if (c->result.status != 200) {
		look_again(f, town->pace->look);
		return;
	}
	px_buf_clear(&f->doc);
	px_buf_add(&f->doc, c->answer.data, c->answer.len);
	px_strlcpy(f->delivery, c->delivery, sizeof(f->delivery));
	f->offer = c->offer;
	f->tries = 0;
	f->since = px_clock_mono(world_clock(town->world));
	if (f->person->hub == NULL)
		count_seen(f->person, &f->doc);
	unsigned mood = town->calm ? 999 : (unsigned)town_draw(1000);
	if (mood < 20) /* falls over, knows of nothing afterwards */
		look_again(f, 3000);
	else
		px_timer_set(town->timers, &f->timer,
			     mood < 60 && f->person->hub == NULL
				 ? town_between(town->pace->slow_least, town->pace->slow_most)
				 : town_between(0, 2000),
			     confirm, f);
}

static void fetch(void *arg)
{
	struct fetcher *f = arg;
	call_start(call_home(f->person, CALL_FETCH, NULL, fetched, f));
}

/* --- the whole
 * -------------------------------------------------------------------------------------------------- */

void people_start(void)
{
	for (unsigned i = 0; i < town->n_people; i++) {
		struct person *p = &town->people[i];
		memset(p->last, 0xff, sizeof(p->last));
		p->n_lines = p->push || p->hub != NULL ? 0 : (unsigned)town_between(2, MAX_LINES);
		for (unsigned k = 0; k < p->n_lines; k++) {
			p->lines[k] =
			    (struct line){.person = p, .number = k, .length = (unsigned)town_between(1, 5)};
			px_timer_set(town->timers, &p->lines[k].timer, town_between(0, town->pace->start),
				     send_next, &p->lines[k]);
		}
		if (p->n_lines > 0)
			remember(p);
		for (unsigned k = 0; !p->push && k < FETCHERS; k++) {
			p->fetchers[k].person = p;
			look_again(&p->fetchers[k], 3000);
		}
	}
}

void people_free(void)
{
	for (unsigned i = 0; i < town->n_people; i++) {
		for (unsigned k = 0; k < FETCHERS; k++)
			px_buf_free(&town->people[i].fetchers[k].doc),
			    px_buf_free(&town->people[i].fetchers[k].proof);
	}
	for (unsigned i = 0; i < town->n_messages; i++) {
		px_body_unref(&town->messages[i].body);
		px_buf_free(&town->messages[i].coa);
	}
}
