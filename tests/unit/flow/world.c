/* prinex: several nodes in one process: the nodes and their clock
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "world.h"

#include <unistd.h>

#include "base/strings.h"
#include "flow/confirm.h"
#include "store/sim_parts.h"
#include "world_fakes.h"

struct world {
	struct px_clock *clock;
	struct px_timers *timers;
	uint64_t random;
	struct node *nodes[6];
	unsigned n;
	struct fakes *fakes;
};

struct px_clock *world_clock(struct world *w)
{
	return w->clock;
}

struct px_timers *world_timers(struct world *w)
{
	return w->timers;
}

static uint64_t next_random(void *arg)
{
	struct world *w = arg;
	/* xorshift64* */
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return w->random * 2685821657736338717ull;
}

struct world *world_new(uint64_t seed)
{
	struct world *w = px_xcalloc(1, sizeof(*w));
	w->clock = px_clock_sim_new(1795392000000); /* 2026-11-23T00:00:00Z */
	w->timers = px_timers_new(w->clock);
	w->random = seed * 0x9e3779b97f4a7c15ull + 1;
	w->fakes = fakes_new(w->clock);
	return w;
}

static struct px_cat_type types[] = {
    {.name = (char *)"Note",
     .title = (char *)"Note",
     .domain = PX_DOMAIN_COMMON,
     .prio = PX_PRIO_B,
     .origin = PX_ORIGIN_SYSTEM},
    {.name = (char *)"Urgent",
     .title = (char *)"Urgent",
     .domain = PX_DOMAIN_COMMON,
     .prio = PX_PRIO_A,
     .origin = PX_ORIGIN_SYSTEM},
    {.name = (char *)"Notice",
     .title = (char *)"Notice",
     .domain = PX_DOMAIN_COMMON,
     .prio = PX_PRIO_C,
     .origin = PX_ORIGIN_SYSTEM},
    {.name = (char *)"External",
     .title = (char *)"External",
     .domain = PX_DOMAIN_EXTERNAL,
     .prio = PX_PRIO_B,
     .origin = PX_ORIGIN_SYSTEM},
    {.name = (char *)"Ping",
     .title = (char *)"Ping",
     .domain = PX_DOMAIN_COMMON,
     .prio = PX_PRIO_A,
     .origin = PX_ORIGIN_ANY},
    {.name = (char *)"Declaration",
     .title = (char *)"Declaration",
     .domain = PX_DOMAIN_COMMON,
     .prio = PX_PRIO_B,
     .origin = PX_ORIGIN_SYSTEM,
     .stand = PX_STAND_BEGINS},
    {.name = (char *)"Change",
     .title = (char *)"Change, or withdrawal where it ends the movement",
     .domain = PX_DOMAIN_COMMON,
     .prio = PX_PRIO_B,
     .origin = PX_ORIGIN_SYSTEM,
     .stand = PX_STAND_AMENDS},
    {.name = (char *)"Report",
     .title = (char *)"Report",
     .domain = PX_DOMAIN_COMMON,
     .prio = PX_PRIO_B,
     .origin = PX_ORIGIN_SYSTEM,
     .stand = PX_STAND_ANSWERS},
    {.name = (char *)"Alarm",
     .title = (char *)"Alarm",
     .domain = PX_DOMAIN_COMMON,
     .prio = PX_PRIO_A,
     .origin = PX_ORIGIN_NODE},
    {.name = (char *)"Confirmations",
     .title = (char *)"Confirmations",
     .domain = PX_DOMAIN_COMMON,
     .prio = PX_PRIO_A,
     .origin = PX_ORIGIN_NODE},
};

static struct px_conf *load(const char *text)
{
	char path[] = "/tmp/prinex-flow-XXXXXX";
	int fd = mkstemp(path);
	px_assert(fd >= 0);
	FILE *f = fdopen(fd, "w");
	fputs(text, f);
	fclose(f);
	struct px_problems problems = {0};
	struct px_conf *conf = NULL;
	if (px_conf_load(path, &conf, &problems) != PX_OK) {
		struct px_buf why = PX_BUF_INIT;
		px_problems_print(&problems, &why);
		fprintf(stderr, "%s", px_buf_str(&why));
		px_assert(false);
	}
	px_problems_free(&problems);
	unlink(path);
	return conf;
}

static void gen_destroy(struct px_generation *gen)
{
	free(gen);
}

struct node *world_node(struct world *w, const char *authority, const char *conf_text)
{
	struct node *n = px_xcalloc(1, sizeof(*n));
	n->world = w;
	px_strlcpy(n->authority, authority, sizeof(n->authority));
	n->conf = n->confs[n->n_confs++] = load(conf_text);
	n->cat = (struct px_catalogue){.n_types = PX_ARRAY_LEN(types), .types = types};
	n->store = px_store_sim_new(7, NULL, w->clock);
	w->nodes[w->n++] = n;
	fakes_add_node(w->fakes, n);
	return n;
}

static struct px_generation *make_generation(struct node *n)
{
	struct px_generation *gen = px_xcalloc(1, sizeof(*gen));
	*gen = (struct px_generation){
	    .refs = 1,
	    .id = n->n_confs,
	    .conf = n->conf,
	    .cat = &n->cat,
	    .inspector = fakes_inspector(n->world->fakes, n),
	    .transport = fakes_transport(n->world->fakes, n),
	    .sealer = fakes_sealer(n->world->fakes, n),
	    .destroy = gen_destroy,
	};
	return gen;
}

static void node_start(struct node *n)
{
	px_assert(n->flow == NULL); /* started once */
	n->timers = px_timers_new(n->world->clock);
	n->metrics = px_metrics_new();
	n->alarms = px_alarms_new(n->world->clock);
	n->gen = make_generation(n);
	if (n->wire != NULL)
		n->wire(n);
	struct px_flow_setup setup = {
	    .store = n->store,
	    .timers = n->timers,
	    .metrics = n->metrics,
	    .alarms = n->alarms,
	    .generation = n->gen,
	    .random = next_random,
	    .random_arg = n->world,
	};
	n->flow = px_flow_new(&setup);
}

static void node_stop(struct node *n)
{
	px_flow_drain(n->flow, NULL, NULL); /* the callbacks below start nothing new */
	fakes_drop_node(n->world->fakes, n);
	px_store_sim_crash(n->store); /* callbacks of what was under way, cancelled */
	px_flow_free(&n->flow);
	px_generation_unref(&n->gen);
	px_timers_free(&n->timers);
	px_metrics_free(&n->metrics);
	px_alarms_free(&n->alarms);
}

void world_start(struct world *w)
{
	for (unsigned i = 0; i < w->n; i++)
		node_start(w->nodes[i]);
}

void world_crash(struct node *n)
{
	node_stop(n);
	node_start(n);
}

struct px_store_ops *world_patch(struct node *n)
{
	if (n->store->ops != &n->ops)
		n->ops = *n->store->ops;
	n->store->ops = &n->ops;
	return &n->ops;
}

void world_reload(struct node *n, const char *conf_text)
{
	px_assert(n->n_confs < PX_ARRAY_LEN(n->confs));
	n->conf = n->confs[n->n_confs++] = load(conf_text);
	px_generation_unref(&n->gen);
	n->gen = make_generation(n);
	if (n->wire != NULL)
		n->wire(n);
	px_flow_set_generation(n->flow, n->gen);
}

/* Nothing waits in a store, and no timer is due. */
static bool is_idle(const struct world *w)
{
	int64_t now = px_clock_mono(w->clock), at;
	for (unsigned i = 0; i < w->n; i++) {
		const struct sim *s = (const struct sim *)w->nodes[i]->store;
		if (s->queued > 0 || (px_timers_next(w->nodes[i]->timers, &at) && at <= now))
			return false;
	}
	return !px_timers_next(w->timers, &at) || at > now;
}

/* Everything that can happen without time passing. */
static void settle_down(struct world *w)
{
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < w->n; i++) {
			px_store_dispatch(w->nodes[i]->store);
			px_timers_run(w->nodes[i]->timers);
		}
		px_timers_run(w->timers);
		bool quiet = !fakes_run(w->fakes);
		if (quiet && (round > 10 || is_idle(w)))
			return;
	}
}

static void drained(void *arg)
{
	*(bool *)arg = true;
}

void world_restart(struct node *n, int64_t down_ms)
{
	bool done = false;
	px_flow_drain(n->flow, drained, &done);
	for (unsigned i = 0; i < 100 && !done; i++)
		settle_down(n->world);
	px_assert(done);
	px_clock_sim_advance(n->world->clock, down_ms);
	world_crash(n);
}

void world_run(struct world *w, int64_t ms)
{
	int64_t end = px_clock_mono(w->clock) + ms;
	for (;;) {
		settle_down(w);
		int64_t next = end, at;
		if (px_timers_next(w->timers, &at))
			next = PX_MIN(next, at);
		for (unsigned i = 0; i < w->n; i++) {
			if (px_timers_next(w->nodes[i]->timers, &at))
				next = PX_MIN(next, at);
		}
		int64_t now = px_clock_mono(w->clock);
		if (now >= end)
			return;
		px_clock_sim_advance(w->clock, PX_MAX(next - now, 1));
	}
}

void world_free(struct world **w)
{
	for (unsigned i = 0; i < (*w)->n; i++) {
		struct node *n = (*w)->nodes[i];
		node_stop(n);
		px_store_close(&n->store);
		for (unsigned k = 0; k < n->n_confs; k++)
			px_conf_free(&n->confs[k]);
		px_buf_free(&n->posted);
		free(n);
	}
	fakes_free(&(*w)->fakes);
	px_timers_free(&(*w)->timers);
	px_clock_sim_free(&(*w)->clock);
	PX_FREE(*w);
}

/* --- peers
 * --------------------------------------------------------------------------------------------------- */

static void replied(void *arg, const struct px_flow_answer *a)
{
	struct reply *r = arg;
	px_assert(!r->done);
	r->done = true;
	r->status = a->status;
	r->retry_after = a->retry_after;
	px_buf_add(&r->body, a->body, a->len);
	if (a->delivery != NULL)
		px_strlcpy(r->delivery, a->delivery, sizeof(r->delivery));
}

static void add(struct px_buf *out, const char *name, const char *value)
{
	if (value != NULL)
		px_buf_addf(out, "<%s>%s</%s>", name, value, name);
}

void world_compose(struct node *n, const char *partner, const struct msg *m, struct px_buf *out)
{
	const struct px_conf_partner *p = px_conf_partner(n->conf, partner);
	px_assert(p != NULL);
	int64_t now = px_clock_wall(n->world->clock);
	struct px_header h = {.created_at = now - m->created_ago};
	h.expires_at = m->expires_in != 0 ? now + m->expires_in : 0;
	px_strlcpy(h.message_id, m->id, sizeof(h.message_id));
	px_strlcpy(h.environment, "test", sizeof(h.environment));
	px_strlcpy(h.sender, m->sender != NULL ? m->sender : p->authority, sizeof(h.sender));
	px_strlcpy(h.type, m->type != NULL ? m->type : "Note", sizeof(h.type));
	px_strlcpy(h.correlation_id, m->correlation != NULL ? m->correlation : "", sizeof(h.correlation_id));
	for (const char *r = m->recipients != NULL ? m->recipients : ""; *r != '\0';) {
		size_t len = strcspn(r, " ");
		px_strlcpy_n(h.recipients[h.n_recipients++], r, len, sizeof(h.recipients[0]));
		r += len + (r[len] == ' ');
	}
	px_buf_adds(out, "<px:Exchange xmlns:px=\"urn:prinex:exchange:1\">");
	px_confirm_header(out, &h);
	px_buf_adds(out, "<px:Payload><Doc>");
	add(out, "LRN", m->lrn);
	add(out, "MRN", m->mrn);
	add(out, "Declarant", m->declarant);
	add(out, "Destination", m->destination);
	add(out, "Vehicle", m->vehicle);
	add(out, "Expected", m->expected);
	add(out, "Office", m->office);
	add(out, "Arrived", m->arrived);
	add(out, "Ends", m->ends ? "1" : NULL);
	add(out, "Text", m->body);
	px_buf_addf(out, "%s</Doc></px:Payload></px:Exchange>", m->broken ? "<broken></broken>" : "");
	fakes_sign(out, m->signed_by != NULL ? m->signed_by : h.sender, PX_ROLE_SYSTEM);
}

static void wait_for(struct node *n, struct reply *r, int64_t ms)
{
	for (int64_t waited = 0; !r->done && waited <= ms; waited += 50)
		world_run(n->world, 50);
}

struct reply world_post(struct node *n, const char *partner, const struct px_buf *doc)
{
	struct reply *r = px_xcalloc(1, sizeof(*r)); /* may be answered late: stays where it is */
	struct px_body *body = px_body_copy(doc->data, doc->len);
	px_flow_receive(n->flow, n->gen, px_conf_partner(n->conf, partner), body, replied, r);
	px_body_unref(&body);
	wait_for(n, r, 10000);
	px_assert(r->done);
	struct reply result = *r;
	free(r);
	return result;
}

struct reply world_send(struct node *n, const char *partner, const struct msg *m)
{
	struct px_buf doc = PX_BUF_INIT;
	world_compose(n, partner, m, &doc);
	struct reply r = world_post(n, partner, &doc);
	px_buf_free(&doc);
	return r;
}

uint64_t world_fetch_begin(struct node *n, const char *partner, int64_t wait_ms, struct reply *r)
{
	*r = (struct reply){0};
	return px_flow_fetch(n->flow, n->gen, px_conf_partner(n->conf, partner), wait_ms, replied, r);
}

struct reply world_fetch(struct node *n, const char *partner, int64_t wait_ms)
{
	struct reply r = {0};
	px_flow_fetch(n->flow, n->gen, px_conf_partner(n->conf, partner), wait_ms, replied, &r);
	wait_for(n, &r, wait_ms + 1000);
	px_assert(r.done);
	return r;
}

struct reply world_confirm(struct node *n, const char *partner, const char *authority,
			   const struct reply *fetched, const char *coe_code)
{
	struct px_body *about = px_body_copy(fetched->body.data, fetched->body.len);
	struct px_buf doc = PX_BUF_INIT;
	fakes_answer(&doc, about, authority, coe_code, px_clock_wall(n->world->clock));
	struct reply r = world_confirm_with(n, partner, fetched->delivery, &doc);
	px_body_unref(&about);
	px_buf_free(&doc);
	return r;
}

struct reply world_confirm_with(struct node *n, const char *partner, const char *delivery,
				const struct px_buf *doc)
{
	struct px_body *body = px_body_copy(doc->data, doc->len);
	struct reply r = {0};
	px_flow_confirm(n->flow, n->gen, px_conf_partner(n->conf, partner), delivery, body, replied, &r);
	wait_for(n, &r, 5000);
	px_assert(r.done);
	px_body_unref(&body);
	return r;
}

static struct reply wait_asked(struct node *n, struct reply *r)
{
	wait_for(n, r, 5000);
	px_assert(r->done);
	struct reply result = *r;
	free(r);
	return result;
}

struct reply world_ask(struct node *n, const char *partner, const struct px_border_query *query)
{
	struct reply *r = px_xcalloc(1, sizeof(*r));
	px_border_movements(n->flow, n->gen, px_conf_partner(n->conf, partner), query, replied, r);
	return wait_asked(n, r);
}

struct reply world_ask_state(struct node *n, const char *partner, const char *sender, const char *id)
{
	struct reply *r = px_xcalloc(1, sizeof(*r));
	px_flow_state(n->flow, n->gen, px_conf_partner(n->conf, partner), sender, id, "officer", replied, r);
	return wait_asked(n, r);
}

struct reply world_ask_body(struct node *n, const char *partner, const char *sender, const char *id)
{
	struct reply *r = px_xcalloc(1, sizeof(*r));
	px_border_body(n->flow, n->gen, px_conf_partner(n->conf, partner), sender, id, "officer", replied, r);
	return wait_asked(n, r);
}

void reply_free(struct reply *r)
{
	px_buf_free(&r->body);
	*r = (struct reply){0};
}

const char *field(const struct px_buf *doc, const char *name)
{
	static char value[4][256];
	static unsigned turn;
	char *out = value[turn++ % 4];
	char open[80];
	snprintf(open, sizeof(open), "<px:%s>", name);
	const char *at = strstr(px_buf_str(doc), open);
	out[0] = '\0';
	if (at != NULL)
		px_strlcpy_n(out, at + strlen(open), strcspn(at + strlen(open), "<"), 256);
	return out;
}

struct state_query {
	const char *recipient;
	struct px_delivery found;
	bool done;
};

static void state_found(void *arg, int rc, const struct px_message *m)
{
	struct state_query *q = arg;
	q->done = true;
	for (unsigned i = 0; rc == PX_OK && i < m->n_deliveries; i++) {
		if (strcmp(m->deliveries[i].recipient, q->recipient) == 0)
			q->found = m->deliveries[i];
	}
}

struct px_delivery world_delivery(struct node *n, const char *sender, const char *id, const char *recipient)
{
	struct state_query q = {.recipient = recipient};
	px_store_find(n->store, sender, id, state_found, &q);
	for (unsigned i = 0; i < 100 && !q.done; i++)
		px_store_dispatch(n->store);
	px_assert(q.done);
	return q.found;
}

const char *world_state(struct node *n, const char *sender, const char *id, const char *recipient)
{
	struct px_delivery d = world_delivery(n, sender, id, recipient);
	return d.id != 0 ? px_delivery_state_name(d.state) : "none";
}

struct journal_query {
	enum px_journal_kind kind;
	unsigned n;
	uint64_t next;
	bool done;
};

static void journal_read(void *arg, int rc, unsigned n, const struct px_journal_read *entries, uint64_t next)
{
	struct journal_query *q = arg;
	px_assert(rc == PX_OK);
	for (unsigned i = 0; i < n; i++)
		q->n += entries[i].entry.kind == q->kind ? 1 : 0;
	q->next = next;
	q->done = true;
}

unsigned world_journal(struct node *n, enum px_journal_kind kind)
{
	struct journal_query q = {.kind = kind};
	do {
		q.done = false;
		px_store_journal_scan(n->store, q.next, 1000, true, journal_read, &q);
		for (unsigned i = 0; i < 100 && !q.done; i++)
			px_store_dispatch(n->store);
		px_assert(q.done);
	} while (q.next != 0);
	return q.n;
}

/* --- configuration
 * ------------------------------------------------------------------------------------------- */

void conf_head(struct px_buf *out, const char *authority, const char *const *trusted)
{
	px_buf_addf(out,
		    "node { authority = \"%s\" name = \"n-%s\" environment = \"test\" tls-certificate = "
		    "\"x\" tls-key = \"x\" "
		    "sign-certificate = \"x\" sign-key = \"x\" }\n"
		    "store { path = \"/nonexistent\" }\ninspect { catalogue = \"x.conf\" }\n",
		    authority, "test");
	for (; *trusted != NULL; trusted++)
		px_buf_addf(out,
			    "authority \"%s\" {\n  system { anchors = \"x\" crls = \"x\" }\n  node { anchors "
			    "= \"x\" crls = \"x\" }\n}\n",
			    *trusted);
}

void conf_partner(struct px_buf *out, const char *name, const char *authority, const char *role,
		  const char *url, const char *more)
{
	px_buf_addf(
	    out, "partner \"%s\" {\n  authority = \"%s\"\n  role = %s\n  anchors = \"x\"\n  crls = \"x\"\n",
	    name, authority, role);
	if (url != NULL)
		px_buf_addf(out, "  mode = push\n  url = \"%s\"\n", url);
	px_buf_addf(out, "  %s\n}\n", more);
}
