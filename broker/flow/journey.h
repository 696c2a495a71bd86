/* prinex: what one authority knows of a movement
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_JOURNEY_H
#define PX_FLOW_JOURNEY_H

#include "base/keys.h"
#include "conf/catalogue.h"
#include "store/store.h"

/*
 * A movement is whatever messages belong together; here they are read as the authority at the other end does:
 * which declarations it was sent, in which version each stands, what is expected where, whether it came. Only
 * messages that were sent to the authority, and its own, count. However many there are, they are read a page
 * at a time, and what is kept of them has a bound. Pure.
 *
 *	px_journey_begin(&j, cat, "UA");
 *	px_journey_add(&j, n, messages);      each page of px_store_movement, in order
 *	px_journey_state(&j, now);
 *	px_journey_free(&j);
 */
#define PX_JOURNEY_PAGE         200  /* messages of a movement, as read from the store */
#define PX_JOURNEY_DECLARATIONS 1000 /* told apart; each one beyond counts as one that stands */

enum px_journey_state {
	PX_JOURNEY_EXPECTED,  /* announced, not arrived yet */
	PX_JOURNEY_LATE,      /* the same, and a limit has passed */
	PX_JOURNEY_ARRIVED,   /* the authority itself has reported an arrival */
	PX_JOURNEY_CLOSED,    /* a message ended the movement */
	PX_JOURNEY_CANCELLED, /* every declaration was withdrawn */
};
const char *px_journey_state_name(enum px_journey_state state);

/** A declaration: what tells it from others, and where its newest version is. */
struct px_journey_version {
	uint64_t message; /* the newest version */
	unsigned version; /* 1, 2, ... */
	bool cancelled;   /* withdrawn by who sent it */
	int64_t limit;    /* the first one at an office of the authority's country; INT64_MAX none */
	char sender[PX_AUTHORITY_MAX + 1];
	char type[PX_TYPE_MAX + 1];     /* of the first version, as the LRN */
	char lrn[PX_KEY_VALUE_MAX + 1]; /* "" none */
	char mrn[PX_KEY_VALUE_MAX + 1]; /* of the newest */
};

struct px_journey {
	const struct px_catalogue *cat;       /* borrowed */
	char authority[PX_AUTHORITY_MAX + 1]; /* "" not begun */
	bool known;                           /* something was sent to the authority */
	bool closed;
	unsigned n; /* in the order of the first versions */
	struct px_journey_version *versions;
	unsigned beyond;      /* more declarations */
	int64_t beyond_limit; /* the first limit of these */
	/* Where it reported an arrival, each office once. There are never more to be passed than a
	 * declaration can name: more need not be told apart. */
	unsigned n_offices;
	char offices[PX_EXPECTED_MAX + 1][PX_KEY_VALUE_MAX + 1];
};

/** @authority is copied. What @j held is not freed. */
void px_journey_begin(struct px_journey *j, const struct px_catalogue *cat, const char *authority);
void px_journey_add(struct px_journey *j, unsigned n, const struct px_message *messages);
void px_journey_free(struct px_journey *j);

enum px_journey_state px_journey_state(const struct px_journey *j, int64_t now);
/** Whether message @seq is the newest version of a declaration that was not withdrawn; true of what is
 * beyond those told apart. */
bool px_journey_stands(const struct px_journey *j, uint64_t seq);
/** Whether the authority has reported an arrival at @office. */
bool px_journey_has_arrived(const struct px_journey *j, const char *office);

/** Whether one of its deliveries goes to @authority, and by a partner: what was told to be undeliverable was
 * not sent. */
bool px_journey_is_sent_to(const struct px_message *m, const char *authority);

#endif
