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
 * messages that were sent to the authority, and its own, count. Pure.
 */
#define PX_JOURNEY_MESSAGES 200 /* of a movement, as read from the store */
#define PX_JOURNEY_VERSIONS 32

enum px_journey_state {
	PX_JOURNEY_EXPECTED,  /* announced, not arrived yet */
	PX_JOURNEY_LATE,      /* the same, and a limit has passed */
	PX_JOURNEY_ARRIVED,   /* the authority itself has reported an arrival */
	PX_JOURNEY_CLOSED,    /* a message ended the movement */
	PX_JOURNEY_CANCELLED, /* every declaration was withdrawn */
};
const char *px_journey_state_name(enum px_journey_state state);

struct px_journey {
	bool known; /* something was sent to the authority */
	enum px_journey_state state;
	unsigned n; /* newest version of each declaration, in the order of the first ones */
	struct px_journey_version {
		const struct px_message *message; /* view */
		const struct px_message *first;   /* its first version: names the declaration */
		unsigned version;                 /* 1, 2, ... */
		bool cancelled;                   /* withdrawn by who sent it */
	} versions[PX_JOURNEY_VERSIONS];
};

/** @messages in the order of acceptance; views of them stay in @out. */
void px_journey_read(const struct px_catalogue *cat, const char *authority, unsigned n,
		     const struct px_message *messages, int64_t now, struct px_journey *out);

/** Whether one of its deliveries goes to @authority, and by a partner: what was told to be undeliverable was
 * not sent. */
bool px_journey_is_sent_to(const struct px_message *m, const char *authority);
/** Whether @authority reported in it that something arrived at @office (NULL: any). */
bool px_journey_has_arrived(unsigned n, const struct px_message *messages, const char *authority,
			    const char *office);

#endif
