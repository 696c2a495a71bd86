/* prinex: simulated town: what a node reaches the others by, each with its faults
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "town.h"

/** The ports of a node; inspector and sealer do their work by the fakes' ones, later, or not at all. */
struct ports {
	struct node *node;
	struct px_inspector inspector, *real_inspector;
	struct px_sealer sealer, *real_sealer;
	struct px_transport transport;
};
static struct ports ports[MAX_NODES];

/** Work that starts later. */
struct delay {
	TAILQ_ENTRY(delay) entry;
	struct node *node;
	struct px_timer timer;
	struct px_pool_request request;
	px_pool_done *inspected;
	struct px_buf doc;
	px_sealed *sealed;
	void *arg;
	bool fails;
};

static void delay_free(struct delay *d)
{
	px_timer_stop(town->timers, &d->timer);
	TAILQ_REMOVE(&town->delays, d, entry);
	px_body_unref(&d->request.body);
	px_buf_free(&d->doc);
	free(d);
}

static void start(void *arg)
{
	struct delay *d = arg;
	struct ports *p = &ports[town_index(d->node)];
	if (d->inspected != NULL && d->fails)
		d->inspected(d->arg, town_draw(2) == 0 ? PX_ECANCELLED : PX_ETIMEOUT, NULL);
	else if (d->inspected != NULL)
		p->real_inspector->submit(p->real_inspector, &d->request, d->inspected, d->arg);
	else if (d->fails)
		d->sealed(d->arg, NULL);
	else
		p->real_sealer->seal(p->real_sealer, &d->doc, d->sealed, d->arg);
	delay_free(d);
}

static struct delay *delay_new(struct node *n, unsigned failing)
{
	struct delay *d = px_xcalloc(1, sizeof(*d));
	d->node = n;
	d->fails = !town->calm && town_strikes(failing);
	TAILQ_INSERT_TAIL(&town->delays, d, entry);
	int64_t ms = town_strikes(30) ? town_between(10, 2000) : town_between(0, 4);
	px_timer_set(town->timers, &d->timer, town->calm ? 0 : ms, start, d);
	return d;
}

static int submit(struct px_inspector *i, const struct px_pool_request *request, px_pool_done *done,
		  void *arg)
{
	struct ports *p = (struct ports *)((char *)i - offsetof(struct ports, inspector));
	if (town->crashing == p->node || (!town->calm && town_strikes(5)))
		return PX_EBUSY;
	struct delay *d = delay_new(p->node, 10);
	d->request = *request;
	d->request.body = px_body_ref(request->body);
	d->inspected = done;
	d->arg = arg;
	return PX_OK;
}

static void seal(struct px_sealer *s, struct px_buf *doc, px_sealed *done, void *arg)
{
	struct ports *p = (struct ports *)((char *)s - offsetof(struct ports, sealer));
	if (town->crashing == p->node) { /* nothing that starts now is ever finished */
		px_buf_free(doc);
		done(arg, NULL);
		return;
	}
	struct delay *d = delay_new(p->node, 3);
	d->doc = *doc;
	*doc = (struct px_buf)PX_BUF_INIT;
	d->sealed = done;
	d->arg = arg;
}

static int seal_here(struct px_sealer *s, struct px_buf *doc)
{
	struct ports *p = (struct ports *)((char *)s - offsetof(struct ports, sealer));
	if (!town->calm && town_strikes(3))
		return PX_EFATAL;
	return p->real_sealer->seal_here(p->real_sealer, doc);
}

static void sign(struct px_sealer *s, const void *data, size_t len, px_octets_signed *done, void *arg)
{
	struct ports *p = (struct ports *)((char *)s - offsetof(struct ports, sealer));
	p->real_sealer->sign(p->real_sealer, data, len, done, arg);
}

/* --- posting
 * ---------------------------------------------------------------------------------------------------- */

struct posting {
	struct node *node;
	char partner[PX_NAME_MAX + 1];
	px_post_done *done;
	void *arg;
};

static void posted(struct call *c)
{
	struct posting *p = c->arg;
	count_posted(p->node, p->partner, c->result.end);
	p->done(p->arg, &c->result);
	free(p);
}

/** "https://NAME:1": a node by its authority, or a person by its name as partner. */
static void address(struct call *c, const char *url)
{
	const char *name = url + strlen("https://");
	size_t len = strcspn(name, ":");
	for (unsigned i = 0; i < town->n_nodes; i++) {
		if (strlen(town->nodes[i]->authority) == len &&
		    strncasecmp(name, town->nodes[i]->authority, len) == 0)
			c->to = town->nodes[i];
	}
	for (unsigned i = 0; i < town->n_people; i++) {
		if (strlen(town->people[i].partner) == len &&
		    strncmp(name, town->people[i].partner, len) == 0)
			c->to_person = &town->people[i];
	}
	px_assert(c->to != NULL || c->to_person != NULL);
}

/** Who @from is at @to: the partner of its authority that is a node. */
static void introduce(struct call *c, const struct node *from)
{
	for (unsigned i = 0; c->to != NULL && i < c->to->conf->n_partners; i++) {
		const struct px_conf_partner *p = &c->to->conf->partners[i];
		if (p->role == PX_ROLE_NODE && strcmp(p->authority, from->authority) == 0)
			px_strlcpy(c->as, p->name, sizeof(c->as));
	}
}

static void post(struct px_transport *t, const struct px_conf_partner *partner, struct px_body *body,
		 px_post_done *done, void *arg)
{
	struct ports *p = (struct ports *)((char *)t - offsetof(struct ports, transport));
	struct posting *posting = px_xcalloc(1, sizeof(*posting));
	*posting = (struct posting){.node = p->node, .done = done, .arg = arg};
	px_strlcpy(posting->partner, partner->name, sizeof(posting->partner));
	count_post(p->node, partner->name);
	struct call *c = call_new(CALL_POST, body, posted, posting);
	c->from = p->node;
	c->timeout = partner->timeout;
	address(c, partner->url);
	introduce(c, p->node);
	call_start(c);
}

/* --- the whole
 * -------------------------------------------------------------------------------------------------- */

void ports_wire(struct node *n)
{
	struct ports *p = &ports[town_index(n)];
	if (town->crashing == n)
		wrong_while_down(n);
	*p = (struct ports){.node = n,
			    .inspector = {submit},
			    .real_inspector = n->gen->inspector,
			    .sealer = {seal, sign, n->gen->sealer->seal_here != NULL ? seal_here : NULL},
			    .real_sealer = n->gen->sealer,
			    .transport = {post}};
	n->gen->inspector = &p->inspector;
	n->gen->sealer = &p->sealer;
	n->gen->transport = &p->transport;
}

void ports_crash(struct node *n)
{
	struct delay *d, *next;
	for (d = TAILQ_FIRST(&town->delays); d != NULL; d = next) {
		next = TAILQ_NEXT(d, entry);
		if (n != NULL && d->node != n)
			continue;
		if (d->inspected != NULL)
			d->inspected(d->arg, PX_ECANCELLED, NULL);
		else
			d->sealed(d->arg, NULL);
		delay_free(d);
	}
}
