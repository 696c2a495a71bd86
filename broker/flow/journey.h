/* prinex: what one authority knows of a movement
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_JOURNEY_H
#define PX_FLOW_JOURNEY_H

#include "base/keys.h"
#include "store/declared.h"

/*
 * A movement is whatever messages belong together; here they are read as the authority at the other end does:
 * which declarations it was sent, in which version each stands, what is expected where, whether it came. Only
 * messages that were sent to the authority, and its own, count; what declares, changes and withdraws is said
 * in store/declared.h. However many there are, they are read a page at a time, and what is kept of them has a
 * bound. Pure.
 *
 *	px_journey_begin(&j, cat, "UA");
 *	px_journey_add(&j, n, messages);      each page of px_store_movement, in order
 *	px_journey_state(&j, now);
 *	px_journey_free(&j);
 */
#define PX_JOURNEY_PAGE         200  /* messages of a movement, as read from the store */
#define PX_JOURNEY_DECLARATIONS 1000 /* told apart; each one beyond counts as one that stands */
#define PX_JOURNEY_PARTIES      64   /* authorities that a declaration was sent to */

enum px_journey_state {
	PX_JOURNEY_UNANNOUNCED, /* nothing was declared: other messages only */
	PX_JOURNEY_EXPECTED,    /* announced, not arrived yet */
	PX_JOURNEY_LATE,        /* the same, and a limit has passed */
	PX_JOURNEY_ARRIVED,     /* the authority itself has reported an arrival */
	PX_JOURNEY_CLOSED,      /* a message of one who may has closed the movement */
	PX_JOURNEY_CANCELLED,   /* every declaration was withdrawn */
};
const char *px_journey_state_name(enum px_journey_state state);

/** A declaration: what tells it from others, and where its newest version is. */
struct px_journey_version {
	struct px_declaration is;
	uint64_t message; /* the newest version */
	unsigned version; /* 1, 2, ... */
	int64_t limit;    /* the first one at an office of the authority's country; INT64_MAX none */
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
	/* Who was sent a declaration that is seen here: they may close it. A country stands for all its
	 * authorities where the declaration names nobody, but an office there. */
	unsigned n_parties;
	char parties[PX_JOURNEY_PARTIES][PX_AUTHORITY_MAX + 1];
	unsigned n_countries;
	char countries[PX_JOURNEY_PARTIES][3];
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

/** Whether something that was announced may still come to @office: nothing has come yet, wherever (trucks are
 * diverted), or an arrival was announced there (@named) and nothing has come there. */
bool px_journey_awaits(const struct px_journey *j, const char *office, bool named);

/** Whether one of its deliveries goes to @authority and is sent (px_delivery_is_sent). */
bool px_journey_is_sent_to(const struct px_message *m, const char *authority);

#endif
