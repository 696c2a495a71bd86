/* prinex: a small implementation of the protocol, correct unless told to have a fault
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_HARNESS_BROKEN_H
#define PX_HARNESS_BROKEN_H

#include <pthread.h>

#include "../peer_answer.h"
#include "../peer_server.h"
#include "base/body.h"
#include "conf/catalogue.h"
#include "flow/route.h"
#include "net/tls.h"
#include "xml/examine.h"

/*
 * main.c      options, life          http.c     which request is answered by what
 * accept.c    posts of exchanges     say.c      what it answers: CoA, CoE, Node, State
 * forward.c   one thread per partner that is pushed to; judging its answers
 * outcome.c   deliveries that ended, confirmations owed to senders; the inbox
 *
 * Threads: one per connection and one per pushed-to partner. Everything in struct broken that changes is
 * under its lock; messages are only ever added, so that a pointer to one stays good.
 */

enum fault {
#define PX_FAULT(id, word, forgiven, text) FAULT_##id,
#include "faults.def"
#undef PX_FAULT
	FAULT_COUNT
};
extern bool fault_on[FAULT_COUNT];
#define HAS(id) (fault_on[FAULT_##id])
/** Whether a fault that is on makes it blind for all of these errors (at least one). */
bool fault_forgives(const struct px_findings *errors);

enum delivery_state { D_QUEUED, D_DELIVERED, D_REFUSED, D_EXPIRED, D_UNKNOWN };

struct delivery {
	const struct px_conf_partner *to;
	char recipient[PX_AUTHORITY_MAX + 1];
	enum delivery_state state;
	unsigned attempts;
	bool sent;           /* a whole body went out once */
	int64_t due;         /* mono ms: no attempt before */
	int64_t leased_till; /* mono ms, pull */
	char lease[32];      /* "" never fetched */
	bool forgotten;      /* a confirmation was: pull-confirm-ignored */
};

struct message {
	struct px_header header;
	struct px_body *body;
	const struct px_conf_partner *from; /* NULL: made here */
	int64_t accepted;                   /* wall ms */
	bool confirmations;
	bool once;                           /* no retry */
	char movement[PX_KEY_VALUE_MAX + 1]; /* "" one of its own */
	struct px_buf coa;
	unsigned n_reached; /* recipients, also those that a Ping does not go to */
	char reached[PX_RECIPIENTS_MAX][PX_AUTHORITY_MAX + 1];
	unsigned n_deliveries;
	struct delivery deliveries[PX_RECIPIENTS_MAX];
};

struct broken {
	struct px_conf *conf;
	struct px_catalogue *cat;
	struct px_tls *tls;
	struct px_peer_signer *signer;
	struct px_examiner *examiner;
	pthread_mutex_t examining; /* it serves one at a time */
	struct px_peer_hooks hooks;
	struct px_peer_server *server;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool ends;
	unsigned n_messages, leases;
	struct message **messages;
	unsigned n_refused; /* ids that refusals occupy: refused-occupies-id */
	char (*refused)[PX_AUTHORITY_MAX + PX_MESSAGE_ID_MAX + 2];
};

/* --- main.c --- */
int64_t mono_now(void);
int64_t wall_now(void);
/** With the lock: until something changed, or @ms; spurious returns are usual. */
void wait_changed(struct broken *b, int64_t ms);

/* --- http.c --- */
extern const struct px_peer_hooks broken_hooks;

/* --- say.c: append to @out --- */
void say_coa(struct broken *b, const struct message *m, struct px_buf *out);
/** @doc: the octets refused; @header: what is known of it. */
void say_coe(struct broken *b, const void *doc, size_t len, const struct px_header *header,
	     const struct px_findings *errors, struct px_buf *out);
void say_node(struct broken *b, const struct px_conf_partner *partner, struct px_buf *out);
void say_state(struct broken *b, const struct message *m, struct px_buf *out);

/* --- accept.c --- */
/** POST /v1/inbox/ID, without the lock. @return the HTTP status, a line appended to @out. */
int accept_confirmation(struct broken *b, const struct px_conf_partner *partner, const char *lease,
			const struct px_buf *doc, struct px_buf *out);
/** POST /v1/exchanges. @return the HTTP status, the answer's body appended to @out. */
int accept_exchange(struct broken *b, const struct px_conf_partner *partner, const struct px_buf *doc,
		    struct px_buf *out);
/** With the lock. */
struct message *find_message(struct broken *b, const char *sender, const char *id);
/** With the lock; taken. */
void add_message(struct broken *b, struct message *m);

/* --- forward.c --- */
/** The thread of one pushed-to partner; @arg: struct forwarder, freed by it. */
struct forwarder {
	struct broken *broken;
	const struct px_conf_partner *partner;
};
void *forward_main(void *arg);
/** Judge an answer to a delivery; @why for the log. */
enum verdict { V_AGAIN, V_DELIVERED, V_REFUSED };
enum verdict judge(struct broken *b, const struct message *m, const struct delivery *d, const void *doc,
		   size_t len, struct px_buf *why);

/* --- outcome.c; all with the lock --- */
/** What is to be told early, and whom it is delivered to. */
void begin(struct broken *b, struct message *m);
/** A delivery ended: its sender is told. @answer: the recipient's confirmation, or NULL. */
void settle(struct broken *b, struct message *m, struct delivery *d, enum delivery_state state,
	    const struct px_buf *answer);
/** Those of all partners whose time is over. */
void expire(struct broken *b);
/** GET /v1/inbox: a delivery for @partner, leased; waits for @wait_ms. NULL: none came. */
struct message *fetch(struct broken *b, const struct px_conf_partner *partner, int64_t wait_ms,
		      const char **lease);
/** Whether an earlier message of the movement still waits for the same recipient. */
bool must_wait(const struct broken *b, unsigned i, const struct delivery *d);

#endif
