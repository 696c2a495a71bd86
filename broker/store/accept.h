/* prinex: store operation: a message is accepted; the states of its deliveries
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_ACCEPT_H
#define PX_STORE_ACCEPT_H

#include "base/body.h"
#include "base/buf.h"
#include "base/exchange.h"

struct px_catalogue;
enum px_delivery_state {
	PX_D_QUEUED,      /* waiting, or leased (that is in memory only) */
	PX_D_HANDED_OVER, /* a broker's CoA with CodFollows; the next in the movement may go */
	PX_D_DELIVERED,   /* from here on final; UNKNOWN and CANCELLED may still be superseded */
	PX_D_REFUSED,
	PX_D_EXPIRED,
	PX_D_UNKNOWN,
	PX_D_CANCELLED,
	PX_D_STATES
};
const char *px_delivery_state_name(enum px_delivery_state state); /* "queued", "handed-over", ... */
bool px_delivery_state_is_final(enum px_delivery_state state);    /* all but queued and handed-over */

struct px_new_delivery {
	char recipient[PX_AUTHORITY_MAX + 1];
	char partner[PX_NAME_MAX + 1];
	char route[PX_NAME_MAX + 1];
	int64_t deadline; /* wall ms: ExpiresAt or maximum age */
};

/** What a received confirmation does to a delivery of ours, in the accepting transaction: the delivery of
 * that message to `recipient`; if there is none and the state is REFUSED, all its deliveries to `partner`. It
 * counts whether leased or not (the lease is then stale). ALREADY: it can become that no more. */
struct px_apply {
	char ref_sender[PX_AUTHORITY_MAX + 1];
	char ref_message_id[PX_MESSAGE_ID_MAX + 1];
	uint8_t ref_digest[PX_DIGEST_LEN];
	char recipient[PX_AUTHORITY_MAX + 1]; /* whose delivery */
	char partner[PX_NAME_MAX + 1];        /* not "": only if it was handed to this partner */
	enum px_delivery_state state;         /* final */
	char code[PX_TYPE_MAX + 1];           /* not DELIVERED: the first error's code */
};

/** What must hold of the live movement that the message would join (see declared.h). NEW: no declaration
 * stands in it with its type, Sender, declarant and LRN. OWN: there is one, and its Sender has begun
 * something in it. PARTY: there is one, and a declaration stands in it that was sent to the Sender. */
enum px_accept_need { PX_NEED_NONE, PX_NEED_NEW, PX_NEED_OWN, PX_NEED_PARTY };

/** Sign @coa. Called once, by the writer, for what is accepted; @sealer is borrowed until @done. */
typedef int px_coa_seal(void *sealer, struct px_buf *coa);

struct px_accept {
	struct px_header header;
	enum px_accept_need need;
	const struct px_catalogue *catalogue; /* borrowed until @done; NULL: nothing declares or ends */
	uint64_t join; /* if live, and MRN, CorrelationId, declarant and LRN find none. 0 none */
	char partner[PX_NAME_MAX + 1]; /* whom it came from; "" made by this node */
	struct px_body *body;
	enum px_prio prio;
	struct px_keys keys; /* items are copied */
	bool confirmations;  /* type Confirmations: no movement, nothing owed about it */
	const uint8_t *coa;  /* the CoA, answered again for a duplicate */
	size_t coa_len;
	px_coa_seal *seal; /* NULL: it is signed */
	void *sealer;
	int64_t horizon_end; /* CreatedAt + horizon + 1 day; see px_store_purge */
	int64_t movement_life;
	unsigned n_deliveries;
	const struct px_new_delivery *deliveries;
	unsigned n_apply; /* confirmations to apply; their results come back */
	const struct px_apply *apply;
	unsigned coming;    /* about so many more are on their way: worth a moment's wait */
	unsigned n_consume; /* pending confirmations that this (own) exchange carries */
	const uint64_t *consume;
};

enum px_apply_result { PX_APPLIED, PX_APPLY_NO_MESSAGE, PX_APPLY_NO_MATCH, PX_APPLY_ALREADY };

struct px_accept_result {
	/* PX_OK; PX_EDUPLICATE (same sender, id and octets: coa is the stored one); PX_ECONFLICT (same sender
	 * and id, other octets); PX_EPRECONDITION (a consumed entry is gone; with `need_unmet`, what the
	 * message needs does not hold; with `forgotten`, it is so old that its duplicate key may have been
	 * purged: the horizon was shorter); PX_ECORRUPT (a record that must be known is damaged: it is
	 * quarantined); PX_ESIGNATURE (of the CoA); PX_EBUSY; PX_EFULL; PX_EUNKNOWN; PX_EFATAL. */
	int rc;
	uint64_t seq; /* the message */
	const uint8_t *coa;
	size_t coa_len;
	unsigned n_deliveries;
	const uint64_t *delivery_ids;
	const enum px_apply_result *applied; /* n_apply of the request */
	uint64_t movement;
	bool need_unmet, owner_conflict;
	int64_t forgotten; /* with PX_EPRECONDITION: CreatedAt must be later than this; 0: not that */
	char conflict_key[PX_KEY_VALUE_MAX + 1];
};
typedef void px_accept_done(void *arg, const struct px_accept_result *result);

#endif
