/* prinex: a simulated town: nodes, the customs systems of their authorities, bad weather, and who keeps count
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef TESTS_FAULTS_TOWN_H
#define TESTS_FAULTS_TOWN_H

#include <sys/queue.h>

#include "../unit/flow/world.h"
#include "../unit/flow/world_fakes.h"
#include "base/strings.h"

/*
 * Flow as prinexd runs it, several nodes of it (../unit/flow/world.h), over simulated stores. Everything that
 *happens follows from the seed: systems send lines of messages, fetch, confirm and refuse; nodes crash and
 *reload, stores are full, busy and unsure, connections break at every moment, clocks step. Then the weather
 *clears, and all that was begun must come to its end.
 *
 *	town.c        topologies, the run from the first message to the last check
 *	calls.c       one request on its way: delays, cuts, lost answers
 *	people.c      the customs systems
 *	ports.c       what a node reaches others by: transport, inspector, sealer, each with its faults
 *	weather.c     crashes, clean stops, reloads, outages, clock steps
 *	operators.c   who pauses, resumes, probes, retries and cancels
 *	count.c       the checker: knows the promises, not the code
 *	count_links.c what may be sent to whom
 *	wrong.c       stands between flow and store: observes, and plays the wrong variants
 *
 * One town at a time and in one thread: `town` is the one at hand.
 */
enum wrong {
#define WRONG(name, wire, shown, text) WRONG_##name,
#include "wrong.def"
#undef WRONG
	WRONG_COUNT
};
int wrong_parse(const char *name);
const char *wrong_name(enum wrong w);
/** Part of the text of the violation that this variant must show; "" any. */
const char *wrong_shown(enum wrong w);

#define MAX_PEOPLE     6
#define MAX_NODES      4
#define MAX_LINES      6
#define MAX_MESSAGES   160
#define MAX_RECIPIENTS 2
#define FETCHERS       2
#define MAX_LINKS      6

/** A message at one recipient, as that one and the sender see it. */
struct fate {
	char recipient[PX_AUTHORITY_MAX + 1];
	unsigned seen;  /* whole body arrived so often */
	bool confirmed; /* an answer to a confirmation said: settled; or the settlement was durable */
	unsigned unknowns, cancels; /* CoE PX-UNKNOWN, CoE PX-CANCELLED */
	unsigned finals;            /* CoD, or another CoE */
	unsigned ordered;           /* deliveries that an operator ended, at any node */
	char told[64];              /* the last thing that the sender was told */
	bool told_delivered;
	unsigned offers; /* by the node, whether they arrived or not */
	bool given_up;   /* its node ended it as unknown: a late confirmation counts under any lease */
	char lease[96];  /* Prinex-Delivery of the last one */
};

struct message {
	struct person *from;
	char id[PX_MESSAGE_ID_MAX + 1];
	unsigned token, line,
	    place; /* the declaration: the same under whatever id; its place in its movement */
	struct px_body *body;
	bool broken;  /* an inspector refuses it */
	bool unloved; /* its recipients refuse it */
	bool acked, refused;
	struct px_buf coa;
	int64_t created; /* wall */
	unsigned n_fates;
	struct fate fates[MAX_RECIPIENTS];
};

struct line {
	struct person *person;
	unsigned number, length, next; /* place of the message to send next */
	struct message *current;
	struct px_timer timer;
};

struct fetcher {
	struct person *person;
	struct px_timer timer;
	struct px_buf doc;
	struct px_buf proof; /* a carrier: what the hub answered */
	char delivery[96];
	unsigned offer; /* which offer of that message */
	int64_t since;  /* mono: fetched */
	unsigned tries;
};

/** A customs system. */
struct person {
	struct node *node;
	unsigned index;
	char authority[PX_AUTHORITY_MAX + 1];
	char partner[PX_NAME_MAX + 1]; /* its name at the node */
	bool push;                     /* is posted to; never sends */
	struct node *hub; /* not NULL: only a carrier, who fetches for this hub, posts it there, and confirms
			     with what it answers */
	struct line lines[MAX_LINES];
	unsigned n_lines;
	struct fetcher fetchers[FETCHERS];
	int last[MAX_PEOPLE][MAX_LINES]; /* place of the last message seen of each movement */
	struct px_timer memory;          /* sends something old once more */
};

struct call;
TAILQ_HEAD(call_list, call);
struct delay;
TAILQ_HEAD(delay_list, delay);
struct order;
TAILQ_HEAD(order_list, order);

/** What a place is like to reach. */
enum weather { FINE, REFUSING, BLACK_HOLE, LOSSY, DEAF, WRONG_PROXY, BUSY_PROXY, WEATHERS };

/** How fast life is: minutes, or days with outages of hours. Milliseconds. */
struct pace {
	int64_t storm_least, storm_most; /* so long the weather is bad */
	int64_t gust;                    /* the most between two strikes */
	int64_t start, gap;              /* the first message of a line, and the next, come within */
	int64_t expires_least, expires_most;
	int64_t poll, look;            /* a fetch waits so long; the next one begins within */
	int64_t slow_least, slow_most; /* who needs long to confirm */
	int64_t limit;                 /* all must have ended so long after the storm */
	const char *times[2];          /* of partners */
};

/** What is counted of a node's partner. */
struct town_link {
	bool paused; /* for sure */
	unsigned in_flight, failures;
	int64_t changed; /* mono: when it last was found down, or there */
};

/** A node that stops cleanly. */
struct stopping {
	struct node *node;
	bool is;
	struct px_timer timer;
};

struct town {
	struct world *world;
	struct px_timers *timers;
	uint64_t seed, random;
	enum wrong wrong;
	bool trace;
	const struct pace *pace;
	const char *times;  /* of partners */
	unsigned in_flight; /* the most attempts of a partner at a time */
	const char *keeps;  /* configuration: for how long */
	int64_t purged_in;  /* so long after its end a message is gone */
	int64_t remembered; /* so long after it was made a message is known or refused, but never new */
	bool calm;          /* the faults are over */
	struct node *nodes[MAX_NODES];
	unsigned n_nodes;
	enum weather node_weather[MAX_NODES], person_weather[MAX_PEOPLE];
	enum weather link_weather[MAX_NODES][MAX_NODES]; /* from, to; FINE: that of the other one */
	struct town_link links[MAX_NODES][MAX_LINKS];
	struct stopping stops[MAX_NODES];
	struct node *crashing;
	struct person people[MAX_PEOPLE];
	unsigned n_people;
	struct message messages[MAX_MESSAGES];
	unsigned n_messages, n_tokens;
	struct call_list calls;
	struct delay_list delays;
	struct order_list orders;
	struct px_timer storm, office;
	int64_t storm_end;
	unsigned crashes;
	struct count *count;
	unsigned violations;
	struct px_buf first; /* the first of them */
};
extern struct town *town;

/* town.c */
/** Play one seed. @return violations; @first the first of them. */
unsigned town_play(uint64_t seed, enum wrong wrong, bool trace, struct px_buf *first);
uint64_t town_draw(uint64_t below);
bool town_strikes(unsigned per_mille);
int64_t town_between(int64_t least, int64_t most);
void town_trace(const char *fmt, ...) PX_PRINTF(1, 2);
unsigned town_index(const struct node *n);

/* calls.c */
enum call_kind { CALL_POST, CALL_FETCH, CALL_CONFIRM };
/** One request. @done runs once, later, with what came of it. */
struct call {
	TAILQ_ENTRY(call) entry;
	enum call_kind kind;
	struct node *from; /* NULL: a person */
	struct node *to;   /* NULL: a person who is posted to */
	struct person *to_person;
	struct person *caller; /* NULL: a node */
	char as[PX_NAME_MAX + 1];
	struct px_body *body;
	char delivery[96]; /* confirm: under which; fetch: the answer's */
	int64_t timeout;
	struct px_timer timer;
	void (*done)(struct call *c);
	void *arg;
	/* what came of it */
	struct px_post_result result;
	struct px_buf answer;
	unsigned offer;
	/* private */
	bool in_flow, ended;
	uint64_t ticket;
};
struct call *call_new(enum call_kind kind, struct px_body *body, void (*done)(struct call *c), void *arg);
void call_start(struct call *c);
/** @n is about to crash: whoever it called hears of it; and afterwards. */
void calls_before_crash(struct node *n);
void calls_after_crash(struct node *n);
void calls_free(void);

/* ports.c */
void ports_wire(struct node *n);
/** What waits inside @n's ports ends. */
void ports_crash(struct node *n);

/* people.c */
void people_start(void);
/** A person is posted to: what it answers. @return status, 0 the connection is cut. */
int person_receives(struct person *p, struct px_body *body, struct px_buf *answer);
bool people_have_sent(void);
/** Nobody holds anything that is fetched and may still be confirmed. */
bool people_have_confirmed(void);
/** Everything that was acknowledged is sent once more. */
void people_repeat_all(void);
void people_free(void);

/* weather.c */
void weather_start(void);
void weather_crash(struct node *n);

/* operators.c */
void operators_start(void);
/** The weather is fine: all is resumed. */
void operators_go_home(void);
/** Every order was answered. */
bool operators_have_ended(void);
void operators_free(void);

/* wrong.c */
/** Between stop and start of a node that crashed. */
void wrong_while_down(struct node *n);

/* count.c */
struct count *count_new(void);
void count_free(struct count **c);
void count_violation(const char *fmt, ...) PX_PRINTF(1, 2);
struct message *count_find(const char *sender, const char *id);
void count_acked(struct message *m, int status, const struct px_buf *coa);
void count_refused(struct message *m, int status, const struct px_buf *coe);
/** A body on its way to @p: the node gave it away under a (new) lease. @return which offer of that message it
 * is. */
unsigned count_offered(struct person *p, const struct px_buf *doc, const char *lease);
/** Prinex-Delivery of its last offer to @p; NULL for confirmations. */
const char *count_last_lease(struct person *p, const struct px_buf *doc);
/** It arrived. */
void count_seen(struct person *p, const struct px_buf *doc);
/** The node answered that @p's confirmation settled it. */
void count_confirmed(struct person *p, const struct px_buf *doc, unsigned offer);
void count_leased(struct px_store *st, const struct px_lease *lease);
void count_settled(struct px_store *st, uint64_t delivery, enum px_delivery_state state);
/** An operator was told that (deliveries of) @m were cancelled at @n. */
void count_cancelled(const struct node *n, const struct message *m);
/** An order to cancel @m was answered. */
void count_halved(const struct node *n, const struct message *m);
/** The store is asked to end a delivery as cancelled. */
void count_ordered(struct px_store *st, uint64_t delivery);
/** Is there nothing left to happen? */
bool count_is_over(void);
void count_end(void);

/* count_links.c */
/** Whether @partner is paused at @n for sure: told so, and nobody has asked to resume it since. */
void count_paused(const struct node *n, const char *partner, bool paused);
/** A poller of @partner gets something. */
void count_given(const struct node *n, const char *partner);
/** A post by @n begins; has ended. */
void count_post(const struct node *n, const char *partner);
void count_posted(const struct node *n, const char *partner, enum px_post_end how);
void count_crashed(const struct node *n);

#endif
