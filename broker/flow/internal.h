/* prinex: what the rooms of flow share
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_INTERNAL_H
#define PX_FLOW_INTERNAL_H

#include <uthash.h>
#include <sys/queue.h>

#include "base/log.h"
#include "base/strings.h"
#include "flow/apply.h"
#include "flow/confirm.h"
#include "flow/flow.h"
#include "flow/operate.h"
#include "store/marks.h"

/* Private to broker/flow. Everything here belongs to the loop thread. */

/** Messages in a row answered outside the protocol after which one attempt goes at a time. */
#define PX_STRANGE_AFTER 3

struct waiter;  /* a parked long poll: inbox.c */
struct fetched; /* a delivery given to a poller: inbox.c */

TAILQ_HEAD(waiter_list, waiter);
TAILQ_HEAD(fetched_list, fetched);

/** One partner as seen by dispatch; exists for every partner name we ever delivered to, configured or not. */
struct link {
	UT_hash_handle hh;
	char name[PX_NAME_MAX + 1];
	struct px_flow *flow;
	/* push */
	enum px_link state;
	bool leasing;       /* a lease request is with the store */
	bool again;         /* kicked meanwhile */
	unsigned asked;     /* how many that request may bring */
	uint64_t leases;    /* requests so far */
	bool more;          /* the store may have more for it than there was room for */
	unsigned in_flight; /* posted, and the answer is not judged yet */
	unsigned settling;  /* judged, and the store does not have it yet */
	unsigned failures;  /* connection failures in a row */
	unsigned strange;   /* answers outside the protocol in a row, about so many messages */
	uint64_t strange_about[PX_STRANGE_AFTER]; /* the first of these, until nothing more is to be told
						     apart */
	uint64_t last_strange;                    /* the message of the last one */
	int64_t last_success, last_failure;
	char last_error[PX_REASON_MAX + 1];
	struct px_timer retry; /* the next due delivery, or the next probe */
	int64_t hold_until;    /* mono: no attempt before (down, Retry-After) */
	int lease_rc;          /* of the last lease request */
	/* pull */
	struct waiter_list waiters;
	struct fetched_list fetched;
	/* an administrator's */
	bool paused;
	int64_t paused_since; /* wall ms */
	char paused_by[PX_MARK_ACTOR_MAX + 1];
	char paused_why[PX_VALUE_MAX + 1];
	struct request *pausing; /* its mark may not be in the store; NULL none */
	struct px_timer pause_again;
	px_flow_told *probed; /* waits for the outcome of the next attempt; NULL nobody */
	void *probed_arg;
	struct px_timer probe_over;
	bool probe_due; /* what it is to send is due: finding nothing ends the probe */
	/* requests taken from it: a bucket that holds a minute's worth */
	double tokens;
	int64_t tokens_at; /* mono ms; 0: never used, full */
	/* refusals journalled, per minute */
	int64_t refusal_minute;
	unsigned refusals;
};

struct px_flow {
	struct px_store *store;
	struct px_timers *timers;
	struct px_clock *clock;
	struct px_metrics *metrics;
	struct px_alarms *alarms;
	struct px_generation *gen;
	uint64_t (*random)(void *arg);
	void *random_arg;
	void (*fatal)(void *arg, const char *why);
	void *fatal_arg;
	struct link *links;       /* uthash by name */
	unsigned busy;            /* intakes, attempts and settlements under way */
	struct intake *intakes;   /* under way, the newest first */
	unsigned inspecting;      /* of these, small ones */
	struct settling *waiting; /* settle.c: settlements to be tried again when the store may take them */
	bool (*trusted)(void *arg);
	bool closed; /* to new messages */
	bool draining;
	void (*drained)(void *arg);
	void *drained_arg;
	uint64_t next_ticket;
	/* owed.c */
	struct px_timer gather;
	bool gathering;
	/* standing.c */
	bool ready; /* marks are read: what is paused is known */
	struct px_timer marks_again;
	struct seen *seen; /* uthash by mark name */
	/* sent.c */
	int64_t unsure_until; /* wall: what was due before and not settled since may have been sent */
	uint64_t unsure_ids;  /* of deliveries with a lower id; 0: of all there are until one is made */
	unsigned stopping;    /* steps of a clean stop */
	/* steady.c */
	int64_t skew;            /* wall minus mono, when last looked at */
	int64_t believed;        /* the skew of the clock that was believed last */
	int64_t doubt_until;     /* mono; until then the wall clock ends nothing; 0: the clock is believed */
	int64_t not_before;      /* wall; what the clock showed before it was set back; 0: it was not */
	struct px_timer trouble; /* flow.c: the store is believed again */
	/* overdue.c */
	int64_t started; /* mono ms */
	bool sweeping;
	unsigned ending;          /* overdue deliveries of the page at hand that are not settled yet */
	bool full_page;           /* there are more behind it */
	struct px_delivery swept; /* the last one of the page before; id 0: begin at the first */
	/* watch.c */
	bool watching; /* where to go on is known */
	bool looking;
	int64_t watched;                  /* what was late before is judged */
	struct px_arrival watched_to;     /* within a run; message 0: begin at `watched` */
	struct px_watch_kept *watch_kept; /* within a run: long movements; NULL none */
	/* purge.c */
	struct px_timer purge;
	bool purging;
	int64_t last_purge;
	struct px_purge_report purged; /* by the run under way */
	/* upkeep.c */
	struct px_timer upkeep;
	bool stating, checkpointing;
	int64_t last_poll, last_stats, last_checkpoint;
	bool has_checkpoint;
	uint8_t checkpoint[PX_DIGEST_LEN]; /* hash of the last signed one: goes into every confirmation */
};

/* flow.c */
struct link *px_flow_obtain_link(struct px_flow *flow, const char *partner);
struct link *px_flow_find_link(struct px_flow *flow, const char *partner);
/** Bracket work that must end before a drain is complete. */
void px_flow_begin(struct px_flow *flow);
void px_flow_end(struct px_flow *flow);
/** Whether the connection that a request came over still stands; asked before anything is done for it. */
bool px_flow_is_trusted(const struct px_flow *flow, void *arg);
int64_t px_flow_now(const struct px_flow *flow);
void px_flow_fresh_id(struct px_flow *flow, char out[PX_MESSAGE_ID_MAX + 1]);
/** The store's checkpoint to enclose in a confirmation, or NULL. */
const uint8_t *px_flow_checkpoint(const struct px_flow *flow);
/** @rc of a write that needs room: the alarm about the disk follows it. */
void px_flow_note_room(struct px_flow *flow, int rc);
/** A write failed for good: tell the daemon. */
void px_flow_store_failed(struct px_flow *flow, const char *what);
/** Whatever the store answered when asked for @what that concerns @partner: if it cannot be done, by a full
 * disk or by damage, an alarm stands until ten minutes have passed without that. PX_EFATAL: as store_failed.
 */
void px_flow_note_store(struct px_flow *flow, int rc, const char *what, const char *partner);

/* dispatch.c */
/** A lease request was answered. @return whether it failed; then the same is asked again after a pause. */
bool px_dispatch_lease_failed(struct link *link, int rc);
/** Something may be waiting for @link: lease and deliver what fits. */
void px_dispatch_kick(struct link *link);
void px_dispatch_kick_name(struct px_flow *flow, const char *partner);
void px_dispatch_kick_all(struct px_flow *flow);
/** A delivery will be due at @due (wall ms). */
void px_dispatch_due(struct link *link, int64_t due);
/** An attempt ended: @reached when the partner answered within the protocol or at least answered. */
void px_dispatch_succeeded(struct link *link);
void px_dispatch_failed(struct link *link, const char *reason, int64_t retry_after);
/** It answered, but takes nothing for now (429): no attempt before @retry_after ms have passed. */
void px_dispatch_busy(struct link *link, const char *reason, int64_t retry_after);
/** A 4xx outside the protocol about @message. */
void px_dispatch_strange(struct link *link, uint64_t message, const char *reason);
/** Forget why nothing is sent to @link for now: an administrator wants an attempt. */
void px_dispatch_unhold(struct link *link);
/** Full jitter: uniform in [1 s, min(15 min, 5 s * 2^attempts)]. */
int64_t px_dispatch_backoff(struct px_flow *flow, unsigned attempts);

/* deliver.c */
/** Post one leased delivery; the lease's body is referenced. */
void px_deliver_start(struct link *link, const struct px_conf_partner *partner, const struct px_lease *lease);

/* settle.c */
/** What a verdict about a confirmation means for a delivery. */
struct judgement {
	enum px_delivery_state state; /* QUEUED: it settles nothing */
	int64_t due;                  /* HANDED_OVER: when it is overdue */
	char code[PX_TYPE_MAX + 1];
	char error[PX_REASON_MAX + 1];
	bool whole; /* REFUSED by the partner itself, for whomever it got it: px_settle_refused */
};
/** Judge @conf, proved by @signer, as an answer by @partner for @lease. */
void px_judge(struct px_flow *flow, const struct px_conf_partner *partner, const struct px_lease *lease,
	      const struct px_verdict *verdict, struct judgement *out);
/**
 * Settle @delivery of a message (@header, @origin, @confirmations) as @settle says; fills in the confirmation
 * owed to the origin, journals and alarms what nothing is owed about, counts, and retries while the store is
 * full.
 * @done may be NULL; called once with the store's result.
 */
struct settle_about {
	const struct px_delivery *delivery;
	const struct px_header *header;
	const char *origin;
	const uint8_t *digest;
	bool confirmations;
};
void px_settle(struct px_flow *flow, const struct settle_about *about, const struct px_settle *settle,
	       px_write_done *done, void *arg);
/** Several to one partner, without leases, by one transaction: all of them, or none. */
void px_settle_all(struct px_flow *flow, unsigned n, const struct settle_about *abouts,
		   const struct px_settle *settles, px_write_done *done, void *arg);

/** A partner refused the message as a whole: for all that it would still get it for (a hub), or sooner or
 * later it would take it after all for another. */
void px_settle_refused(struct px_flow *flow, const struct settle_about *about, const struct px_settle *settle,
		       px_write_done *done, void *arg);

/** What received confirmations, handed over by @partner, did to deliveries of ours: logged, counted; skipped
 * ones journalled. @results as the store gave them, one for each of @a. */
void px_applied(struct px_flow *flow, const char *partner, const struct px_applying *a,
		const enum px_apply_result *results);
/** Ended without an answer of the recipient: one that comes later supersedes what the sender was told. */
bool px_settle_is_open(enum px_delivery_state ended);
/** A leased delivery whose time ran out (after an outage, before the sweep came to it): settle it, don't send
 * it.
 * @return whether it was so. */
bool px_settle_if_overdue(struct px_flow *flow, const struct px_lease *lease);
/** What waits until the store may take it again ends with PX_ECANCELLED. */
void px_settle_cancel_waiting(struct px_flow *flow);
/** Copy a lease so that it outlives the callback (body referenced); and drop it. */
void px_lease_hold(struct px_lease *to, const struct px_lease *from);
void px_lease_release(struct px_lease *lease);
/** It is to be offered again, at once; @sent: somebody had it. @why NULL: no reason to be shown. */
void px_lease_give_back(struct px_flow *flow, const struct px_lease *lease, bool sent, const char *why);

/* inbox.c */
/** Give waiting pollers of @link what there is. @return whether a lease request was made. */
bool px_inbox_serve(struct link *link);
void px_inbox_free(struct link *link);
/** The node stops: what was fetched and not confirmed is settled as sent, to be offered again. */
void px_inbox_give_back(struct link *link);
unsigned px_inbox_waiters(const struct link *link);
unsigned px_inbox_fetched(const struct link *link);

/* owed.c */
/** A confirmation was written: gather within PX_LIMIT_GATHER_MS. */
void px_owed_written(struct px_flow *flow);
void px_owed_start(struct px_flow *flow);

/* late.c */
/** A confirmation of a delivery that is no longer leased: honoured when it ended unknown, else 409. Exactly
 * one answer. */
void px_late_confirm(struct px_flow *flow, struct px_generation *gen, const struct px_conf_partner *partner,
		     const char *id, struct px_body *body, px_flow_answered *answered, void *arg);

/* standing.c: what must outlive a restart besides messages. Alarms that only a person clears are kept in the
 * store; those that follow from a count (of records, of deliveries) are raised while it is above what an
 * administrator has seen. */
void px_standing_start(struct px_flow *flow);
void px_standing_free(struct px_flow *flow);
/** The mark that keeps such an alarm, for a transaction that raises it. */
void px_standing_mark(struct px_mark *out, enum px_alarm alarm, const char *subject, const char *fmt, ...)
    PX_PRINTF(4, 5);
/** A transaction that raises one may have happened: raise what the store keeps. */
void px_standing_look(struct px_flow *flow);
/** Raise, and keep until px_flow_acknowledge. */
void px_standing_raise(struct px_flow *flow, enum px_alarm alarm, const char *subject, const char *fmt, ...)
    PX_PRINTF(4, 5);
/** Raised while there are any (@count) and there ever were (@ever) more than when it was acknowledged; @what
 * completes "COUNT @what". */
void px_standing_count(struct px_flow *flow, enum px_alarm alarm, const char *subject, uint64_t count,
		       uint64_t ever, const char *what);

/* operate.c */
/** The node stops: whoever paused @link is told that it is not known whether that outlives it. */
void px_operate_end_pause(struct link *link);
/** The outcome that `probe` waits for. */
void px_operate_probed(struct link *link, bool answered, const char *text);

/* sent.c */
/** The marks were read: deliveries may go as soon as that of a clean stop is removed. */
void px_sent_start(struct px_flow *flow, const struct px_mark *marks, unsigned n);
/** A message was accepted: its deliveries are not older than this process. */
void px_sent_accepted(struct px_flow *flow, const struct px_accept_result *r);
/** Nothing is in flight: one more step to a clean stop. @return whether there was one: busy until it is done.
 */
bool px_sent_stop(struct px_flow *flow);
/** Was its whole body sent, or could it have been? */
bool px_sent_maybe(const struct px_flow *flow, const struct px_delivery *d);
/** Did it perhaps go along with another delivery of message @m to the same partner (a hub)? */
bool px_sent_along(const struct px_flow *flow, const struct px_message *m, const struct px_delivery *d);

/* steady.c */
/** Compare the clock with the journal. */
void px_steady_start(struct px_flow *flow);
/** Whether it stands before what it showed already, or the journal held at start: no new messages. */
bool px_steady_is_behind(struct px_flow *flow);
/** Whether it may be wrong: nobody is to be refused for good because of his times. */
bool px_steady_is_unsure(const struct px_flow *flow);
/** A person says that it is right as it is. */
void px_steady_believe(struct px_flow *flow);
/** Notice that the wall clock was set. */
void px_steady_tick(struct px_flow *flow);
/** Whether it was set a short time ago, so that nothing should end by it. */
bool px_steady_is_doubtful(const struct px_flow *flow);

/* overdue.c */
/** End what is overdue, a page at a time; called by every tick. */
void px_overdue_sweep(struct px_flow *flow);

/* upkeep.c */
/** Do not wait for the next tick. */
void px_upkeep_soon(struct px_flow *flow);
void px_upkeep_start(struct px_flow *flow);

/* watch.c */
/** The marks were read: go on where the process before stopped. */
void px_watch_start(struct px_flow *flow, const struct px_mark *marks, unsigned n);
/** Look for what is late; called by every tick. */
void px_watch_tick(struct px_flow *flow);
/** Free what is kept from page to page. */
void px_watch_forget(struct px_flow *flow);

/* purge.c */
/** Begin a run of purge when its time has come. */
void px_purge_tick(struct px_flow *flow);
void px_purge_start(struct px_flow *flow);

/* rate.c */
/** One request's worth of the rate agreed with @partner. @return 0, or seconds until there is one. */
int px_rate_take(struct px_flow *flow, const struct px_conf_partner *partner);
/** The same for a question that will be journalled; false: it was answered 429. */
bool px_rate_lets_read(struct px_flow *flow, const struct px_conf_partner *partner,
		       px_flow_answered *answered, void *arg);
/** The journal did not take the entry about a question (@rc): answer 503. */
void px_rate_not_journalled(struct px_flow *flow, int rc, px_flow_answered *answered, void *arg);

/* answer.c */
/** One line of text, unsigned. */
void px_answer_text(px_flow_answered *answered, void *arg, int status, int retry_after, const char *fmt, ...)
    PX_PRINTF(5, 6);
void px_answer_xml(px_flow_answered *answered, void *arg, int status, const void *doc, size_t len);

#endif
