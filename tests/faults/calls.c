/* prinex: simulated town: one request on its way, and all that can happen to it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "town.h"

#define LATENCY_MS 40

static void call_free(struct call *c)
{
	px_timer_stop(town->timers, &c->timer);
	TAILQ_REMOVE(&town->calls, c, entry);
	px_body_unref(&c->body);
	px_buf_free(&c->answer);
	free(c);
}

struct call *call_new(enum call_kind kind, struct px_body *body, void (*done)(struct call *c), void *arg)
{
	struct call *c = px_xcalloc(1, sizeof(*c));
	c->kind = kind;
	c->body = body != NULL ? px_body_ref(body) : NULL;
	c->done = done;
	c->arg = arg;
	c->timeout = 20000;
	TAILQ_INSERT_TAIL(&town->calls, c, entry);
	return c;
}

static int64_t latency(void)
{
	if (!town->calm && town_strikes(30))
		return town_between(500, 8000);
	return town_between(1, LATENCY_MS);
}

static enum weather weather_of(const struct call *c)
{
	if (town->calm)
		return FINE;
	if (c->to == NULL)
		return town->person_weather[c->to_person->index];
	enum weather between = c->from != NULL ? town->link_weather[town_index(c->from)][town_index(c->to)]
					       : FINE;
	return between != FINE ? between : town->node_weather[town_index(c->to)];
}

/* --- its end
 * ---------------------------------------------------------------------------------------------------- */

static void end(struct call *c, enum px_post_end how, bool body_sent, const char *reason)
{
	if (c->ended)
		return;
	c->ended = true;
	px_timer_stop(town->timers, &c->timer);
	c->result.end = how;
	c->result.body_sent = body_sent;
	c->result.reason = reason;
	c->result.retry_after = -1;
	if (how != PX_POST_ANSWERED)
		c->result.status = 0;
	c->result.answer = c->answer.data;
	c->result.answer_len = how == PX_POST_ANSWERED ? c->answer.len : 0;
	c->done(c);
	if (c->in_flow && c->kind == CALL_FETCH) { /* the socket has ended */
		px_flow_fetch_cancel(c->to->flow, c->ticket);
		c->in_flow = false;
	}
	if (!c->in_flow)
		call_free(c);
}

static void arrives(void *arg)
{
	end(arg, PX_POST_ANSWERED, true, "");
}

static void is_lost(void *arg)
{
	end(arg, PX_POST_BROKEN, true, "the connection was lost before the answer");
}

static void is_cut(void *arg)
{
	end(arg, PX_POST_BROKEN, town_draw(2) == 0, "the connection was lost");
}

static void times_out(void *arg)
{
	end(arg, PX_POST_TIMEOUT, true, "no answer in time");
}

static void come_back(struct call *c)
{
	enum weather w = weather_of(c);
	unsigned odds = town->calm ? 0 : w == DEAF ? 1000 : w == LOSSY ? 400 : 30;
	int64_t slow = !town->calm && town_strikes(25) ? town_between(5000, 30000) : latency();
	if (slow >= c->timeout)
		px_timer_set(town->timers, &c->timer, c->timeout, times_out, c);
	else
		px_timer_set(town->timers, &c->timer, slow, town_strikes(odds) ? is_lost : arrives, c);
}

static void flow_answered(void *arg, const struct px_flow_answer *a)
{
	struct call *c = arg;
	c->in_flow = false;
	c->result.status = a->status;
	px_buf_add(&c->answer, a->body, a->len);
	px_strlcpy(c->delivery, a->delivery != NULL ? a->delivery : "", sizeof(c->delivery));
	if (c->kind == CALL_FETCH && a->status == 200) {
		count_given(c->to, c->as);
		c->offer = count_offered(c->caller, &c->answer, c->delivery);
	}
	if (c->ended)
		call_free(c);
	else if (town->crashing == c->to)
		is_lost(c);
	else
		come_back(c);
}

/* --- its way
 * ---------------------------------------------------------------------------------------------------- */

static void enter_flow(struct call *c)
{
	struct node *n = c->to;
	const struct px_conf_partner *as = px_conf_partner(n->gen->conf, c->as);
	char delivery[96];
	px_assert(as != NULL);
	px_strlcpy(delivery, c->delivery, sizeof(delivery));
	px_timer_set(town->timers, &c->timer, c->timeout + (c->kind == CALL_FETCH ? town->pace->poll : 0),
		     times_out, c);
	c->in_flow = true;
	if (c->kind == CALL_POST)
		px_flow_receive(n->flow, n->gen, as, c->body, flow_answered, c);
	else if (c->kind == CALL_FETCH)
		c->ticket = px_flow_fetch(n->flow, n->gen, as, town->pace->poll, flow_answered, c);
	else
		px_flow_confirm(n->flow, n->gen, as, delivery, c->body, flow_answered, c);
}

static void enter_person(struct call *c)
{
	c->result.status = person_receives(c->to_person, c->body, &c->answer);
	if (c->result.status == 0)
		is_lost(c);
	else
		come_back(c);
}

static void proxy_answers(struct call *c, int status)
{
	c->result.status = status;
	px_buf_adds(&c->answer, "<html>a proxy says no</html>\n");
	px_timer_set(town->timers, &c->timer, latency(), arrives, c);
}

static void enter(void *arg)
{
	struct call *c = arg;
	enum weather w = weather_of(c);
	if (w == REFUSING)
		end(c, PX_POST_NO_CONNECTION, false, "connection refused");
	else if (w == BLACK_HOLE)
		px_timer_set(town->timers, &c->timer, c->timeout, times_out, c);
	else if (w == WRONG_PROXY || w == BUSY_PROXY)
		proxy_answers(c, w == WRONG_PROXY ? 404 : 503);
	else if (!town->calm && town_strikes(w == LOSSY ? 200 : 20))
		is_cut(c);
	else if (c->to != NULL)
		enter_flow(c);
	else
		enter_person(c);
}

void call_start(struct call *c)
{
	px_timer_set(town->timers, &c->timer, latency(), enter, c);
}

/* --- crashes
 * ---------------------------------------------------------------------------------------------------- */

void calls_before_crash(struct node *n)
{
	struct call *c, *next;
	for (c = TAILQ_FIRST(&town->calls); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->from == n)
			end(c, PX_POST_BROKEN, town_draw(2) == 0, "stopped");
	}
}

void calls_after_crash(struct node *n)
{
	struct call *c, *next;
	for (c = TAILQ_FIRST(&town->calls); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->to != n || !c->in_flow)
			continue;
		c->in_flow = false; /* forgotten with the process */
		if (c->ended)
			call_free(c);
		else
			is_lost(c);
	}
}

void calls_free(void)
{
	while (!TAILQ_EMPTY(&town->calls))
		call_free(TAILQ_FIRST(&town->calls));
}
