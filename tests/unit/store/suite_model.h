/* prinex: store suite: a tiny model of what a store holds
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_TEST_STORE_SUITE_MODEL_H
#define PX_TEST_STORE_SUITE_MODEL_H

#include "store/store.h"

/*
 * The rules of store/store.h once more, on small numbers instead of texts and by walking over everything:
 * movements are colours that are painted over when two turn out to be one, heads are looked up, nothing is
 * kept twice. Shares no code with any backend. -1 means none. Which of the ready heads a lease takes first is
 * the backend's choice within bounds: model_leased() checks the bounds and follows.
 */

#define MODEL_MESSAGES    400
#define MODEL_DELIVERIES  1000
#define MODEL_AUTHORITIES 4
#define MODEL_PARTNERS    5
#define MODEL_KEYS        5 /* MRNs, and LRNs */
#define MODEL_DECLARANTS  2
#define MODEL_LIST        4
#define MODEL_ERRORS      3

struct model_apply {
	int sender, number, variant; /* the message, and which octets */
	int recipient, partner;
	enum px_delivery_state state;
};

struct model_note {
	int sender, number, variant, from; /* from -1: own */
	int n_to, to[MODEL_LIST], via[MODEL_LIST];
	int mrn, lrn, declarant, correlation;
	bool ends, confirmations;
	enum px_prio prio;
	int64_t life, deadline;
	int n_apply;
	struct model_apply apply[MODEL_LIST];
	int n_consume;
	uint64_t consume[MODEL_LIST];
};

struct model_message {
	struct model_note note;
	uint64_t seq;
	int64_t accepted;
	int colour; /* movement; -1: confirmations */
};

struct model_delivery {
	uint64_t id;
	int message, recipient, partner;
	enum px_delivery_state state;
	int64_t due, deadline, ended;
	unsigned attempts;
	bool body_sent;
	int error; /* 0: none */
	struct px_token token;
};

struct model_movement {
	uint64_t id;
	int owner;
	int64_t live_until;
	bool ended, gone;
};

struct model_owed {
	uint64_t id;
	int partner, ref_sender;
	int64_t created;
	size_t len;
};

struct model {
	int n_messages, n_deliveries, n_movements, n_owed;
	struct model_message messages[MODEL_MESSAGES];
	struct model_delivery deliveries[MODEL_DELIVERIES];
	struct model_movement movements[MODEL_MESSAGES];
	struct model_owed owed[MODEL_DELIVERIES];
	int mrn[MODEL_KEYS];
	int lrn[MODEL_AUTHORITIES][MODEL_DECLARANTS + 1][MODEL_KEYS];
	uint64_t entries;
	uint64_t checkpoint;
};

/** What accept should answer. */
struct model_result {
	int rc;
	int message; /* new or known */
	int colour;  /* of the new message, at that moment */
	enum px_apply_result applied[MODEL_LIST];
	bool conflict;
	int conflict_key; /* number of the MRN or LRN */
	bool conflict_is_lrn;
};

void model_start(struct model *m);
/** The ids the backend gave are filled in by the caller: message.seq, delivery.id, movement.id. */
struct model_result model_accept(struct model *m, const struct model_note *note, int64_t now);
int model_find(const struct model *m, int sender, int number);

struct model_settle {
	int delivery;
	struct px_token token;
	enum px_delivery_state state;
	bool attempted, body_sent;
	int64_t due;
	int error;
	size_t owed; /* octets; 0 none */
};
/** @return what the store should answer. The owed entry's id is 0 until the caller knows it. */
int model_settle(struct model *m, const struct model_settle *settle, int64_t now);
void model_requeue(struct model *m, int partner, int64_t due);
bool model_is_head(const struct model *m, int delivery);
enum px_prio model_class(const struct model *m, int delivery);
int model_by_id(const struct model *m, uint64_t delivery);
/** Take leases over from the backend. @return NULL, or what is wrong with them. */
const char *model_leased(struct model *m, int partner, unsigned max, int64_t now, unsigned n,
			 const struct px_lease *leases);
void model_restart(struct model *m);

#endif
