/* prinex: a peer that a test plays: an authority's system, or a broker, that answers by script
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_HARNESS_PEER_H
#define PX_HARNESS_PEER_H

#include "base/body.h"
#include "base/exchange.h"
#include "peer_answer.h"
#include "peer_server.h"

/*
 * An HTTPS server on loopback. Every post to /v1/exchanges is recorded and answered by the next step of the
 * script, or by the step for the rest when the script is empty (a good CoA unless said otherwise). It also
 * plays the broker towards a partner's client: /v1/ping is answered with a signed Node, /v1/inbox serves the
 * exchanges offered, in their order, and takes confirmations.
 *
 *	px_peer_start(&setup, &peer, &why)          listens; px_peer_port(peer)
 *	px_peer_script(peer, &step)                 for the next step.count posts, in order of the calls
 *	...
 *	px_peer_wait(peer, 3, 10000)                until 3 posts were answered (or cut)
 *	record = px_peer_record(peer, 0)
 *	px_peer_stop(&peer)
 *
 * Threads: one accepts, and one per connection works (at most PX_PEER_CONNECTIONS; more wait); the functions
 * here may be called from any thread. Several peers at once are fine.
 */

enum px_peer_act {
#define PX_PEER(name, word, status, text) PX_PEER_##name,
#include "peer_act.def"
#undef PX_PEER
	PX_PEER_ACT_COUNT
};
const char *px_peer_act_word(enum px_peer_act act);
const char *px_peer_act_text(enum px_peer_act act);
/** @return PX_PEER_ACT_COUNT for an unknown word. */
enum px_peer_act px_peer_act_parse(const char *word);

struct px_peer_step {
	enum px_peer_act act;
	unsigned count;             /* posts it is for; 0: one */
	int status;                 /* 0: the act's own */
	int retry_after;            /* s, in Retry-After; 0: none */
	bool temporary;             /* COE: Class */
	char code[PX_TYPE_MAX + 1]; /* COE; "" X-TEST-1 */
	char text[128];             /* COE, STATUS; "" a default */
	int64_t late_ms;            /* the answer waits for so long */
	struct px_wire_pace pace;   /* the answer is written so */
};

struct px_peer_setup {
	struct px_wire_tls tls; /* anchors: of those who may connect */
	unsigned port;          /* 0: any; px_peer_port tells */
	const char *authority;  /* Issuer, and Authority of the Node */
	const char *environment;
	const char *sign_cert, *sign_key;
	/* Who signs for WRONG_SIGNER and WRONG_AUTHORITY; NULL: those acts must not be scripted. */
	const char *other_authority, *other_cert, *other_key;
	bool each; /* the script is run from its beginning for each (Sender, MessageId) */
};

/** One request, of any resource. Immutable once it is listed. */
struct px_peer_record {
	unsigned number; /* from 0, in the order in which they were read whole (or cut) */
	int64_t at;      /* wall ms, when it was read */
	char method[8];
	char path[160];       /* with query */
	char peer_uri[128];   /* of the client's leaf; "" none */
	struct px_buf head;   /* request line and fields as they came */
	struct px_body *body; /* the octets and their digest; NULL: none read */
	/* Read from the body by looking for the first tags of these names: for tests, not to be believed. */
	char sender[PX_AUTHORITY_MAX + 1];
	char message_id[PX_MESSAGE_ID_MAX + 1];
	char type[PX_TYPE_MAX + 1];
	char delivery[64]; /* POST /v1/inbox/ID: ID; an answered GET /v1/inbox: the ID given */
	bool scripted;     /* a post to /v1/exchanges; then: */
	enum px_peer_act act;
	int status;           /* answered; 0: nothing was, or not wholly */
	struct px_buf answer; /* body of the answer */
};

struct px_peer;

/** @setup borrowed for the call. @return PX_OK; PX_ECONF (files), PX_ESYS (port) with @why. */
int px_peer_start(const struct px_peer_setup *setup, struct px_peer **out, struct px_buf *why);
/** Ends connections and threads. Records are gone. NULL is fine. */
void px_peer_stop(struct px_peer **peer);
unsigned px_peer_port(const struct px_peer *peer);

void px_peer_script(struct px_peer *peer, const struct px_peer_step *step);
/** When the script is at its end. */
void px_peer_rest(struct px_peer *peer, const struct px_peer_step *step);
/** Forget what is left of the script. Messages that came before are from now on answered with a good CoA and
 * take no part in a new one. */
void px_peer_script_clear(struct px_peer *peer);
/** Close the listening port: connections are refused; and open the same one again. */
void px_peer_down(struct px_peer *peer);
int px_peer_up(struct px_peer *peer, struct px_buf *why);

/** Requests recorded so far; posts to /v1/exchanges among them. */
unsigned px_peer_requests(struct px_peer *peer);
unsigned px_peer_posts(struct px_peer *peer);
/** The @i-th request, or the @i-th post to /v1/exchanges; NULL: not there yet. View: until px_peer_stop. */
const struct px_peer_record *px_peer_request(struct px_peer *peer, unsigned i);
const struct px_peer_record *px_peer_post(struct px_peer *peer, unsigned i);
/** Until there are @n requests (posts). @return false when the time was over. */
bool px_peer_wait_requests(struct px_peer *peer, unsigned n, int64_t timeout_ms);
bool px_peer_wait_posts(struct px_peer *peer, unsigned n, int64_t timeout_ms);

/** As a broker: one more exchange for whoever asks for the inbox. @body referenced. It is offered again,
 * under another ID, until a confirmation (of any content) is posted for it. */
void px_peer_offer(struct px_peer *peer, struct px_body *body);
/** Exchanges offered that have no confirmation yet. */
unsigned px_peer_unconfirmed(struct px_peer *peer);

#endif
