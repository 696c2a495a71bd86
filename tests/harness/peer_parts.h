/* prinex: what the parts of the scripted peer share
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_HARNESS_PEER_PARTS_H
#define PX_HARNESS_PEER_PARTS_H

#include <pthread.h>

#include "peer.h"

/* peer.c: life, requests. peer_script.c: steps, records, waiting. peer_post.c: answers to posts. */

/* How far one message (or all of them) has come in the script. */
struct progress {
	char sender[PX_AUTHORITY_MAX + 1];
	char id[PX_MESSAGE_ID_MAX + 1];
	unsigned step, used; /* posts that this step answered */
};

struct offer {
	struct px_body *body;
	char id[64];         /* "" never given out */
	int64_t leased_till; /* mono ms */
	bool confirmed;
};

struct px_peer {
	struct px_peer_server *server;
	struct px_peer_signer *own, *other;
	char environment[PX_NAME_MAX + 1];
	bool each;
	pthread_mutex_t lock;
	pthread_cond_t more; /* a record, or an offer */
	unsigned n_steps;
	struct px_peer_step *steps;
	struct px_peer_step rest;
	unsigned n_progress;
	struct progress *progress;
	unsigned n_records, n_posts;
	unsigned n_old; /* posts before the script was cleared */
	struct px_peer_record **records, **posts;
	unsigned n_offers, leases;
	struct offer *offers;
};

/** The step for a post; with @only it is left where it is unless it is that one. */
bool px_peer_next_step(struct px_peer *p, const char *sender, const char *id, const enum px_peer_act *only,
		       struct px_peer_step *out);
/** @call NULL: nothing was read. */
struct px_peer_record *px_peer_record_new(const struct px_peer_call *call);
void px_peer_record_free(struct px_peer_record *r);
/** Taken; visible, and immutable, from here on. */
void px_peer_record_put(struct px_peer *p, struct px_peer_record *r);
/** With the lock: until a record or an offer comes. @return false when the time is over. */
bool px_peer_wait_more(struct px_peer *p, int64_t deadline);
/** A post of which head and body are there. @return whether the connection goes on. */
bool px_peer_answer_post(struct px_peer *p, struct px_wire *w, const struct px_peer_call *call);

#endif
