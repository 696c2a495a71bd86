/* prinex: the life of a message
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_FLOW_H
#define PX_FLOW_FLOW_H

#include "base/alarm.h"
#include "base/metrics.h"
#include "flow/generation.h"
#include "store/store.h"

/*
 * From body to answer (intake*.c), from store to recipient (dispatch.c, deliver.c, inbox.c), and back
 *(owed.c). All on the loop thread; nothing blocks. Everything outside is handed in, so that the same code
 *runs in prinexd and, on a simulated clock with px_store_sim and a fake transport, in simulations.
 *
 *	px_flow_new(&setup)         continues where the store stopped: queued deliveries, owed confirmations
 *	px_flow_receive(...)        a body from a partner: exactly one answer
 *	px_flow_fetch / _confirm    the pull side
 *	px_flow_set_generation      reload
 *	operate.h                   what administrators do
 *	px_flow_drain(...)          no new work; calls back when nothing is in flight
 *	px_flow_free(&flow)
 */
struct px_flow;

struct px_flow_setup {
	struct px_store *store;
	struct px_timers *timers;
	struct px_metrics *metrics;
	struct px_alarms *alarms;
	struct px_generation *generation; /* a reference is taken */
	uint64_t (*random)(void *arg);    /* ids and jitter; seeded in simulations */
	void *random_arg;
	void (*fatal)(void *arg, const char *why); /* the store failed for good: exit */
	void *fatal_arg;
};

struct px_flow *px_flow_new(const struct px_flow_setup *setup);
void px_flow_set_generation(struct px_flow *flow, struct px_generation *gen);
struct px_generation *px_flow_generation(struct px_flow *flow); /* borrowed */
/** @done when no request, post or commit is in flight. New messages get 503. */
void px_flow_drain(struct px_flow *flow, void (*done)(void *arg), void *arg);
/** Take no new messages (503), but go on with everything else: deliveries, fetches, confirmations. */
void px_flow_close(struct px_flow *flow, bool closed);
bool px_flow_is_closed(const struct px_flow *flow);
bool px_flow_is_draining(const struct px_flow *flow);
void px_flow_free(struct px_flow **flow);

/** An answer for a peer: HTTP status with a signed document, or one line of text. Views. */
struct px_flow_answer {
	int status;
	bool xml, json; /* neither: text */
	const void *body;
	size_t len;
	int retry_after;      /* seconds, 0 none */
	const char *delivery; /* inbox: value of Prinex-Delivery, NULL none */
};
typedef void px_flow_answered(void *arg, const struct px_flow_answer *answer);

/** A body posted to /v1/exchanges by @partner (of @gen). References are taken. @peer for logs. Exactly one
 * answer. */
void px_flow_receive(struct px_flow *flow, struct px_generation *gen, const struct px_conf_partner *partner,
		     struct px_body *body, px_flow_answered *answered, void *arg);

/**
 * Whether the connection that brought a request still deserves belief: asked of the @arg of its answer before
 * anything is accepted or settled for it. Not set: it does.
 */
void px_flow_set_trusted(struct px_flow *flow, bool (*trusted)(void *arg));

/** The next exchange for a pull partner, waiting up to @wait_ms. @return a ticket for px_flow_fetch_cancel.
 */
uint64_t px_flow_fetch(struct px_flow *flow, struct px_generation *gen, const struct px_conf_partner *partner,
		       int64_t wait_ms, px_flow_answered *answered, void *arg);
/** The poller has gone: no answer will be given, nothing is leased to it. */
void px_flow_fetch_cancel(struct px_flow *flow, uint64_t ticket);
/** A confirmation posted to /v1/inbox/@id. */
void px_flow_confirm(struct px_flow *flow, struct px_generation *gen, const struct px_conf_partner *partner,
		     const char *id, struct px_body *body, px_flow_answered *answered, void *arg);
/** GET /v1/exchanges/SENDER/ID. @user NULL, or the officer who asks: journalled before the answer. */
void px_flow_state(struct px_flow *flow, struct px_generation *gen, const struct px_conf_partner *partner,
		   const char *sender, const char *message_id, const char *user, px_flow_answered *answered,
		   void *arg);
/** GET /v1/ping. */
void px_flow_ping(struct px_flow *flow, struct px_generation *gen, const struct px_conf_partner *partner,
		  px_flow_answered *answered, void *arg);

/** How a partner is doing, for the control socket. */
enum px_link { PX_LINK_UP, PX_LINK_DOWN, PX_LINK_PROBING };
struct px_link_state {
	enum px_link link;
	unsigned in_flight;
	unsigned failures;                  /* in a row */
	int64_t last_success, last_failure; /* wall ms, 0 never */
	const char *last_error;             /* view, "" none */
	unsigned waiters;                   /* parked long polls */
	unsigned leases;                    /* fetched, not yet confirmed */
	bool paused;
	int64_t paused_since;               /* wall ms */
	const char *paused_by, *paused_why; /* views, "" none */
	int64_t held;                       /* ms until the next attempt may be made; 0 at once */
	const char *store_error;            /* why the store could not say what is next; "" none */
};
void px_flow_link(struct px_flow *flow, const char *partner, struct px_link_state *out);

#endif
