/* prinex: simulated town: between flow and store: sees what becomes durable, and plays the wrong variants
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "town.h"

#include "flow/internal.h"
#include "store/sim_parts.h"

#define LONGEST_PAUSE ((15 + 3) * 60 * 1000) /* and the most that the clock is set back by */

/* The linker puts __wrap_X in the place of X (-Wl,--wrap): what is wrong is here, never in the broker. */
void __real_px_store_accept(struct px_store *st, const struct px_accept *req, px_accept_done *done,
			    void *arg);
void __real_px_store_known(struct px_store *st, const char *partner, const uint8_t digest[PX_DIGEST_LEN],
			   px_accept_done *done, void *arg);
void __real_px_store_settle(struct px_store *st, const struct px_settle *req, px_write_done *done, void *arg);
void __real_px_store_settle_all(struct px_store *st, unsigned n, const struct px_settle *reqs,
				px_write_done *done, void *arg);
void __wrap_px_store_settle_all(struct px_store *st, unsigned n, const struct px_settle *reqs,
				px_write_done *done, void *arg);
void __real_px_store_lease(struct px_store *st, const char *partner, unsigned max, int64_t now,
			   px_lease_done *done, void *arg);
void __wrap_px_store_accept(struct px_store *st, const struct px_accept *req, px_accept_done *done,
			    void *arg);
void __wrap_px_store_known(struct px_store *st, const char *partner, const uint8_t digest[PX_DIGEST_LEN],
			   px_accept_done *done, void *arg);
void __wrap_px_store_settle(struct px_store *st, const struct px_settle *req, px_write_done *done, void *arg);
void __wrap_px_store_lease(struct px_store *st, const char *partner, unsigned max, int64_t now,
			   px_lease_done *done, void *arg);

void __real_px_store_purge(struct px_store *st, const struct px_purge *req, px_purge_done *done, void *arg);
void __wrap_px_store_purge(struct px_store *st, const struct px_purge *req, px_purge_done *done, void *arg);
void __real_px_store_mark(struct px_store *st, const struct px_mark *mark, px_write_done *done, void *arg);
void __wrap_px_store_mark(struct px_store *st, const struct px_mark *mark, px_write_done *done, void *arg);
void __real_px_dispatch_failed(struct link *link, const char *reason, int64_t retry_after);
void __wrap_px_dispatch_failed(struct link *link, const char *reason, int64_t retry_after);
void __real_px_late_confirm(struct px_flow *flow, struct px_generation *gen,
			    const struct px_conf_partner *partner, const char *id, struct px_body *body,
			    px_flow_answered *answered, void *arg);
void __wrap_px_late_confirm(struct px_flow *flow, struct px_generation *gen,
			    const struct px_conf_partner *partner, const char *id, struct px_body *body,
			    px_flow_answered *answered, void *arg);

static const struct {
	const char *wire, *shown;
} names[] = {
#define WRONG(name, wire, shown, text) {wire, shown},
#include "wrong.def"
#undef WRONG
};

int wrong_parse(const char *name)
{
	for (int i = 0; i < WRONG_COUNT; i++) {
		if (strcmp(names[i].wire, name) == 0)
			return i;
	}
	return -1;
}

const char *wrong_name(enum wrong w)
{
	return names[w].wire;
}

const char *wrong_shown(enum wrong w)
{
	return names[w].shown;
}

/* --- no flush
 * ---------------------------------------------------------------------------------------------------- */

/* The last messages that were accepted were still in a cache. */
void wrong_while_down(struct node *n)
{
	struct sim *s = (struct sim *)n->store;
	if (town->wrong != WRONG_NO_FLUSH)
		return;
	for (unsigned lost = 0; lost < 2 && s->n_messages > 0; lost++) {
		struct sim_message *m = &s->messages[--s->n_messages];
		while (s->n_deliveries > 0 && s->deliveries[s->n_deliveries - 1].message > s->n_messages)
			s->n_deliveries--;
		px_body_unref(&m->body);
		free(m->keys.items);
		free(m->coa);
	}
	s->first_queued = 0;
}

/* --- accept
 * ------------------------------------------------------------------------------------------------------ */

struct early {
	struct px_timer timer;
	px_accept_done *done;
	void *arg;
	uint8_t *coa;
	size_t coa_len;
	bool refused; /* it must not be answered twice */
};

static void answer_early(void *arg)
{
	struct early *e = arg;
	struct px_accept_result r = {.rc = PX_OK, .coa = e->coa, .coa_len = e->coa_len};
	e->done(e->arg, &r);
	free(e->coa);
	free(e);
}

static void too_late(void *arg, const struct px_accept_result *r)
{
	(void)arg;
	(void)r;
}

/* An exchange of confirmations being accepted: what it settles is as durable as itself. */
struct applying {
	struct px_store *store;
	struct px_apply *items;
	unsigned n;
	px_accept_done *done;
	void *arg;
};

static struct sim_delivery *find_applied(struct px_store *st, const struct px_apply *a)
{
	struct sim *s = (struct sim *)st;
	const struct sim_message *m = sim_find(s, a->ref_sender, a->ref_message_id);
	for (size_t i = 0; m != NULL && i < s->n_deliveries; i++) {
		struct sim_delivery *d = &s->deliveries[i];
		if (d->message == m->seq && strcmp(d->d.recipient, a->recipient) == 0 &&
		    (a->partner[0] == '\0' || strcmp(d->d.partner, a->partner) == 0))
			return d;
	}
	return NULL;
}

static void observe_applied(void *arg, const struct px_accept_result *r)
{
	struct applying *a = arg;
	struct px_accept_result changed = *r;
	enum px_apply_result *all = px_xcalloc(a->n, sizeof(*all));
	for (unsigned i = 0; r->rc == PX_OK && i < a->n; i++) {
		const struct sim_delivery *d = find_applied(a->store, &a->items[i]);
		bool lost = town->wrong == WRONG_APPLY_LOST && d != NULL &&
			    !px_delivery_state_is_final(d->d.state);
		all[i] = lost                              ? PX_APPLIED
			 : town->wrong == WRONG_APPLY_LOST ? PX_APPLY_ALREADY
							   : r->applied[i];
		if (all[i] == PX_APPLIED)
			count_settled(a->store, d->d.id, a->items[i].state);
	}
	changed.applied = all;
	a->done(a->arg, &changed);
	free(a->items);
	free(all);
	free(a);
}

static void accept_confirmations(struct px_store *st, const struct px_accept *req, px_accept_done *done,
				 void *arg)
{
	struct px_accept changed = *req;
	struct applying *a = px_xcalloc(1, sizeof(*a));
	*a = (struct applying){.store = st,
			       .items = px_xmemdup(req->apply, req->n_apply * sizeof(req->apply[0])),
			       .n = req->n_apply,
			       .done = done,
			       .arg = arg};
	if (town->wrong == WRONG_APPLY_LOST)
		changed.n_apply = 0;
	__real_px_store_accept(st, &changed, observe_applied, a);
}

void __wrap_px_store_accept(struct px_store *st, const struct px_accept *req, px_accept_done *done, void *arg)
{
	struct px_accept changed = *req;
	if (req->n_apply > 0) {
		accept_confirmations(st, req, done, arg);
		return;
	}
	if (town->wrong == WRONG_NO_ORDER)
		changed.keys.n = 0;
	if (town->wrong != WRONG_EARLY || req->partner[0] == '\0' || req->confirmations ||
	    town->crashing != NULL) {
		__real_px_store_accept(st, &changed, done, arg);
		return;
	}
	struct early *e = px_xcalloc(1, sizeof(*e));
	e->done = done;
	e->arg = arg;
	e->coa = px_xmemdup(req->coa, req->coa_len);
	e->coa_len = req->coa_len;
	px_timer_set(town->timers, &e->timer, 0, answer_early, e);
	__real_px_store_accept(st, &changed, too_late, NULL);
}

/* --- known
 * ------------------------------------------------------------------------------------------------------- */

struct asking {
	px_accept_done *done;
	void *arg;
};

static void answer_fresh(void *arg, const struct px_accept_result *r)
{
	struct asking *a = arg;
	struct px_accept_result changed = *r;
	struct px_buf coa = PX_BUF_INIT;
	if (r->rc == PX_EDUPLICATE) {
		px_buf_add(&coa, r->coa, r->coa_len);
		px_buf_adds(&coa, "<!--signed anew-->");
		changed.coa = coa.data;
		changed.coa_len = coa.len;
	}
	a->done(a->arg, &changed);
	px_buf_free(&coa);
	free(a);
}

void __wrap_px_store_known(struct px_store *st, const char *partner, const uint8_t digest[PX_DIGEST_LEN],
			   px_accept_done *done, void *arg)
{
	if (town->wrong != WRONG_FRESH_COA) {
		__real_px_store_known(st, partner, digest, done, arg);
		return;
	}
	struct asking *a = px_xcalloc(1, sizeof(*a));
	*a = (struct asking){done, arg};
	__real_px_store_known(st, partner, digest, answer_fresh, a);
}

/* --- settle
 * ------------------------------------------------------------------------------------------------------ */

struct settling {
	struct px_timer timer;
	struct px_store *store;
	struct {
		uint64_t delivery;
		enum px_delivery_state state;
	} ends[PX_RECIPIENTS_MAX];
	unsigned n;
	px_write_done *done;
	void *arg;
};

static void observe_settled(void *arg, int rc)
{
	struct settling *s = arg;
	const struct sim *sim = (const struct sim *)s->store;
	for (unsigned i = 0; i < s->n; i++) {
		uint64_t id = s->ends[i].delivery;
		/* Also when an earlier try had happened although its outcome was unknown. */
		if (rc == PX_OK ||
		    (rc == PX_EPRECONDITION && sim->deliveries[id - 1].d.state == s->ends[i].state))
			count_settled(s->store, id, s->ends[i].state);
	}
	if (s->done != NULL)
		s->done(s->arg, rc);
	free(s);
}

static void settle_in_vain(void *arg)
{
	observe_settled(arg, PX_OK);
}

static void look_at(struct settling *s, struct px_settle *req)
{
	s->ends[s->n].delivery = req->delivery;
	s->ends[s->n++].state = req->state;
	if (req->state == PX_D_CANCELLED)
		count_ordered(s->store, req->delivery);
	if (town->wrong == WRONG_SILENT ||
	    (town->wrong == WRONG_CANCEL_SILENT && req->state == PX_D_CANCELLED))
		req->owed_len = 0, req->owed = NULL;
	if (req->state == PX_D_QUEUED && req->due - px_clock_wall(world_clock(town->world)) > LONGEST_PAUSE)
		count_violation("delivery %llu waits longer than any pause between attempts",
				(unsigned long long)req->delivery);
}

static struct settling *settling_new(struct px_store *st, px_write_done *done, void *arg)
{
	struct settling *s = px_xcalloc(1, sizeof(*s));
	s->store = st;
	s->done = done;
	s->arg = arg;
	return s;
}

void __wrap_px_store_settle(struct px_store *st, const struct px_settle *req, px_write_done *done, void *arg)
{
	struct settling *s = settling_new(st, done, arg);
	struct px_settle changed = *req;
	look_at(s, &changed);
	if (town->wrong == WRONG_LOST_SETTLE && req->state != PX_D_QUEUED && town->crashing == NULL &&
	    town_strikes(200))
		px_timer_set(town->timers, &s->timer, 0, settle_in_vain, s);
	else
		__real_px_store_settle(st, &changed, observe_settled, s);
}

void __wrap_px_store_settle_all(struct px_store *st, unsigned n, const struct px_settle *reqs,
				px_write_done *done, void *arg)
{
	struct settling *s = settling_new(st, done, arg);
	struct px_settle changed[PX_RECIPIENTS_MAX];
	for (unsigned i = 0; i < n; i++) {
		changed[i] = reqs[i];
		look_at(s, &changed[i]);
	}
	if (town->wrong == WRONG_CANCEL_HALF && reqs[0].state == PX_D_CANCELLED)
		s->n = n = 1;
	__real_px_store_settle_all(st, n, changed, observe_settled, s);
}

/* --- lease
 * ------------------------------------------------------------------------------------------------------- */

struct leasing {
	struct px_store *store;
	px_lease_done *done;
	void *arg;
};

static void observe_leased(void *arg, int rc, unsigned n, const struct px_lease *leases)
{
	struct leasing *l = arg;
	for (unsigned i = 0; rc == PX_OK && i < n; i++)
		count_leased(l->store, &leases[i]);
	l->done(l->arg, rc, n, leases);
	free(l);
}

void __wrap_px_store_lease(struct px_store *st, const char *partner, unsigned max, int64_t now,
			   px_lease_done *done, void *arg)
{
	struct leasing *l = px_xcalloc(1, sizeof(*l));
	*l = (struct leasing){st, done, arg};
	__real_px_store_lease(st, partner, max, now, observe_leased, l);
}

/* --- what operators want to be kept
 * ---------------------------------------------------------------------------- */

void __wrap_px_store_purge(struct px_store *st, const struct px_purge *req, px_purge_done *done, void *arg)
{
	struct px_purge changed = *req;
	if (town->wrong == WRONG_PURGE_EARLY) /* duplicate keys go with their messages */
		changed.horizon = -4 * req->horizon;
	__real_px_store_purge(st, &changed, done, arg);
}

void __wrap_px_store_mark(struct px_store *st, const struct px_mark *mark, px_write_done *done, void *arg)
{
	struct px_mark changed = *mark;
	if (town->wrong == WRONG_PAUSE_FORGOTTEN && px_str_starts(mark->name, "pause/"))
		px_strlcpy(changed.name, "nonsense", sizeof(changed.name));
	__real_px_store_mark(st, &changed, done, arg);
}

/* --- partners that are down, and those that were late
 * ---------------------------------------------------------- */

void __wrap_px_dispatch_failed(struct link *link, const char *reason, int64_t retry_after)
{
	if (town->wrong != WRONG_NEVER_DOWN)
		__real_px_dispatch_failed(link, reason, retry_after);
}

void __wrap_px_late_confirm(struct px_flow *flow, struct px_generation *gen,
			    const struct px_conf_partner *partner, const char *id, struct px_body *body,
			    px_flow_answered *answered, void *arg)
{
	struct px_flow_answer thanks = {.status = 204, .body = ""};
	if (town->wrong == WRONG_LATE_IGNORED)
		answered(arg, &thanks);
	else
		__real_px_late_confirm(flow, gen, partner, id, body, answered, arg);
}
