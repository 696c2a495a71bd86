/* prinex: several nodes in one process, on a simulated clock, with stores in memory
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef TESTS_UNIT_FLOW_WORLD_H
#define TESTS_UNIT_FLOW_WORLD_H

#include "flow/border.h"
#include "flow/flow.h"
#include "store/sim.h"

/*
 * Flow as prinexd runs it, around fakes of what lies outside: store_sim, a transport that hands posts to the
 *other node (or loses, delays and refuses them), an inspector that reads our own canonical documents by
 *searching, and a sealer that only notes who signed. Days pass in milliseconds; everything follows from the
 *seed.
 *
 *	struct world *w = world_new(seed);
 *	struct node *by = world_node(w, "BY", conf_text);
 *	world_start(w);
 *	world_send(by, "system-by", &msg)  -> reply
 *	world_run(w, 5000);                   five seconds
 */
struct world;

struct node {
	struct world *world;
	char authority[PX_AUTHORITY_MAX + 1];
	struct px_conf *conf;
	struct px_catalogue cat;
	struct px_timers *timers;
	struct px_metrics *metrics;
	struct px_alarms *alarms;
	struct px_store *store;
	struct px_flow *flow;
	struct px_generation *gen;
	/* faults of what arrives at this node from others */
	bool down;               /* nobody can connect */
	bool lose_answers;       /* accepts, but the answer is lost */
	unsigned lose_next;      /* the same, so many times */
	int answer_status;       /* not 0: a proxy in front answers this, with text */
	const char *answer_text; /* with answer_status: the body instead of "proxy" */
	int64_t retry_after;     /* with answer_status: ms, 0 none */
	const char *acts_as;     /* not NULL: no node, but this authority's system, which confirms... */
	const char *refuses;     /* ... or refuses with this code */
	bool hang;            /* takes whole posts and never answers: a minute, then the connection is lost */
	unsigned posts;       /* that reached this node */
	struct px_buf posted; /* their message ids, each with a blank behind it */
	/* faults inside */
	bool hold_inspections;    /* they wait until this is false again */
	struct px_store_ops ops;  /* world_patch() */
	struct px_conf *confs[8]; /* every configuration it ever had */
	unsigned n_confs;
	/* called at each start, before flow: may put other ports into the generation; NULL nothing */
	void (*wire)(struct node *n);
};

/** A message to send; NULL and 0 are left out. */
struct msg {
	const char *id;
	const char *type;       /* default "Note" */
	const char *sender;     /* default: the partner's authority */
	const char *recipients; /* "UA PL" */
	const char *lrn, *mrn, *declarant, *destination;
	int64_t expires_in;    /* ms */
	int64_t created_ago;   /* ms */
	const char *signed_by; /* default: Sender, role system */
	bool broken;           /* the inspector refuses it */
	const char *body;      /* makes octets differ */
	const char *vehicle;   /* on the way... */
	const char *expected;  /* ... expected then ... */
	const char *office;    /* ... there */
	const char *arrived;   /* the office where it reports an arrival */
	const char *correlation;
	bool ends; /* the movement */
};

/** What came back. */
struct reply {
	bool done;
	int status;
	int retry_after; /* seconds, 0 none */
	struct px_buf body;
	char delivery[96];
};

struct world *world_new(uint64_t seed);
struct node *world_node(struct world *w, const char *authority, const char *conf_text);
void world_start(struct world *w);
void world_run(struct world *w, int64_t ms);
void world_free(struct world **w);
struct px_clock *world_clock(struct world *w);
/** Timers of what lies outside the nodes; they run as the world does. */
struct px_timers *world_timers(struct world *w);
/** Forget memory, keep the store: what kill -9 and a start do. */
void world_crash(struct node *n);
/** A clean stop, and a start @down_ms later; nothing runs meanwhile. */
void world_restart(struct node *n, int64_t down_ms);

/** A table of the node's own for its store, to put other operations into. */
struct px_store_ops *world_patch(struct node *n);
/** A new generation with this configuration. */
void world_reload(struct node *n, const char *conf_text);
/** Entries of this kind in the journal. */
unsigned world_journal(struct node *n, enum px_journal_kind kind);

/** The octets of @m as @partner of @n would send them. */
void world_compose(struct node *n, const char *partner, const struct msg *m, struct px_buf *out);
/** Post octets; runs until answered. */
struct reply world_post(struct node *n, const char *partner, const struct px_buf *doc);
struct reply world_send(struct node *n, const char *partner, const struct msg *m);
/** Fetch without waiting longer than @wait_ms. */
struct reply world_fetch(struct node *n, const char *partner, int64_t wait_ms);
/** Begin to fetch; @r is filled in when it is answered. */
uint64_t world_fetch_begin(struct node *n, const char *partner, int64_t wait_ms, struct reply *r);
/** Confirm what was fetched as @authority's system; @coe_code not NULL: a permanent exception. */
struct reply world_confirm(struct node *n, const char *partner, const char *authority,
			   const struct reply *fetched, const char *coe_code);
/** Post these octets to the inbox. */
struct reply world_confirm_with(struct node *n, const char *partner, const char *delivery,
				const struct px_buf *doc);
/** An officer's question, as parsed from GET /v1/movements. */
struct reply world_ask(struct node *n, const char *partner, const struct px_border_query *query);
/** GET /v1/exchanges/SENDER/ID, or its body, by an officer. */
struct reply world_ask_state(struct node *n, const char *partner, const char *sender, const char *id);
struct reply world_ask_body(struct node *n, const char *partner, const char *sender, const char *id);
void reply_free(struct reply *r);
/** Content of the first <px:NAME> in @doc; "" when there is none. View into a static buffer of the caller's
 * turn. */
const char *field(const struct px_buf *doc, const char *name);
/** Name of the state of the delivery of (sender, id) to @recipient; "none". */
const char *world_state(struct node *n, const char *sender, const char *id, const char *recipient);

/** The delivery itself; id 0: none. */
struct px_delivery world_delivery(struct node *n, const char *sender, const char *id, const char *recipient);

/** The configuration text of a partner. @url NULL: pull. */
void conf_partner(struct px_buf *out, const char *name, const char *authority, const char *role,
		  const char *url, const char *more);
void conf_head(struct px_buf *out, const char *authority, const char *const *trusted);

#endif
