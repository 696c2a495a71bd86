/* prinex: store suite: what its cases are written with
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_TEST_STORE_SUITE_KIT_H
#define PX_TEST_STORE_SUITE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "suite.h"

/** One case at work. */
struct suite {
	struct suite_backend *backend;
	struct px_clock *clock;
	struct px_store *st;
	void (*run)(struct suite *t);
	unsigned callbacks; /* that ran so far */
	unsigned submitted; /* by the helpers below */
	void **kept;        /* copies of answers, freed with the case */
	size_t n_kept, cap_kept;
	unsigned seed; /* random runs */
};

struct suite_case {
	const char *name;
	void (*run)(struct suite *t);
};

/* Tables of cases; each ends with a NULL name. */
extern const struct suite_case suite_accept_cases[], suite_apply_cases[], suite_read_cases[],
    suite_movement_cases[], suite_link_cases[], suite_head_cases[], suite_class_cases[], suite_lease_cases[],
    suite_settle_cases[], suite_overdue_cases[], suite_owed_cases[], suite_journal_cases[],
    suite_stats_cases[], suite_rule_cases[], suite_purge_cases[], suite_flow_cases[], suite_mark_cases[],
    suite_need_cases[], suite_arrival_cases[], suite_together_cases[];
/** One random run with t->seed. */
void suite_random(struct suite *t);

#define SUITE_START INT64_C(1795248900000) /* when each case begins */
#define SUITE_HOUR  INT64_C(3600000)
#define SUITE_DAY   (24 * SUITE_HOUR)

/* --- the store, one operation at a time --------------------------------------------------------------------
 */

/** Dispatch, waiting where the store has something to wait on. */
void suite_step(struct suite *t);
/** Step until *@flag; fails the case after ten seconds. */
void suite_wait(struct suite *t, const bool *flag);
void suite_reopen(struct suite *t);
void suite_crash(struct suite *t);
/** Memory that lives as long as the case; zeroed. */
void *suite_room(struct suite *t, size_t n, size_t size);
/** Free all but the first @n_kept pieces of it. */
void suite_release(struct suite *t, size_t n_kept);
const char *suite_text(struct suite *t, const char *s);
const char *suite_textf(struct suite *t, const char *fmt, ...) PX_PRINTF(2, 3);
int64_t suite_now(const struct suite *t);

/**
 * A message in few words. What is left out gets a default: sender BY, received from "by", type
 * ExportDeclaration, class B, body and CoA made from the id, deadline in 72 hours, no keys.
 */
struct note {
	const char *id;
	const char *sender, *from, *type, *body, *correlation;
	bool own; /* made by this node: from "" */
	const char
	    *to; /* recipients: "UA MD@hub": the partner after the @, else the recipient in small letters */
	const char *lrn, *mrn, *declarant;
	const struct px_keys *keys; /* instead of the three above */
	bool ends, confirmations;
	enum px_accept_need need;
	uint64_t join;
	char prio; /* 'A', 'B', 'C' */
	int64_t life, deadline;
	int64_t created; /* CreatedAt; 0: a minute ago */
	int64_t known;   /* ms for which its duplicate key is promised; 0: 31 days */
	unsigned n_apply;
	const struct px_apply *apply;
	unsigned n_consume;
	const uint64_t *consume;
	int (*seal)(void *sealer, struct px_buf *coa);
	void *sealer;
};

struct got_accept {
	bool done, need_unmet;
	int64_t forgotten;
	int rc;
	uint64_t seq;
	const char *coa;
	unsigned n;
	const uint64_t *ids;
	const enum px_apply_result *applied;
	unsigned n_apply;
	uint64_t movement;
	bool owner_conflict;
	const char *conflict_key;
	struct suite *t;
};

/** Submit without waiting; the answer appears in @got. */
void suite_submit_accept(struct suite *t, const struct note *note, struct got_accept *got);
struct got_accept suite_accept(struct suite *t, const struct note *note);
#define TRY(t, ...) suite_accept((t), &(struct note){__VA_ARGS__})
/** Accept that must succeed. */
#define ACCEPT(t, ...) suite_accept_ok((t), &(struct note){__VA_ARGS__})
struct got_accept suite_accept_ok(struct suite *t, const struct note *note);
/** The digest of the body that the note stands for. */
void suite_digest(const struct note *note, uint8_t digest[PX_DIGEST_LEN]);
struct got_accept suite_known(struct suite *t, const char *partner, const uint8_t digest[PX_DIGEST_LEN]);
struct got_accept suite_accept_status(struct suite *t, const char *sender, const char *id,
				      const uint8_t digest[PX_DIGEST_LEN]);

struct got_write {
	bool done;
	int rc;
	struct suite *t;
};
void suite_submit_settle(struct suite *t, const struct px_settle *settle, struct got_write *got);
int suite_settle(struct suite *t, const struct px_settle *settle);
int suite_settle_all(struct suite *t, unsigned n, const struct px_settle *settles);
#define SETTLE(t, ...) suite_settle((t), &(struct px_settle){__VA_ARGS__})
int suite_requeue(struct suite *t, const char *partner, int64_t due);
int suite_journal(struct suite *t, const struct px_journal_entry *entry);
int suite_checkpoint(struct suite *t, uint64_t seq, const char *signature);

struct got_leases {
	bool done;
	int rc;
	unsigned n;
	struct px_lease *items; /* bodies are referenced until the case ends... */
	const char **bodies;    /* ...but their octets are what to look at */
	struct suite *t;
};
struct got_leases suite_lease(struct suite *t, const char *partner, unsigned max);
struct px_lease suite_lease_one(struct suite *t, const char *partner); /* there must be one */
/** Lease as many as there are: their message ids must be @ids ("M1 M2"), in this order. */
struct got_leases suite_expect_lease(struct suite *t, const char *partner, const char *ids);
/** Lease one, which must be @id, and settle it with @state. */
void suite_pass(struct suite *t, const char *partner, const char *id, enum px_delivery_state state);
/** Settle a leased delivery with @state, one attempt. */
int suite_end(struct suite *t, const struct px_lease *lease, enum px_delivery_state state);
/** Give a lease back: due at once. */
void suite_give_back(struct suite *t, const struct px_lease *lease);

struct got_message {
	bool done;
	int rc;
	struct px_message m; /* keys, coa and deliveries are copies */
	struct suite *t;
};
struct got_message suite_message(struct suite *t, uint64_t seq);
struct got_message suite_find(struct suite *t, const char *sender, const char *id);
/** The delivery of BY's message @id to @recipient, as readers see it now. */
struct px_delivery suite_delivery(struct suite *t, const char *id, const char *recipient);
enum px_delivery_state suite_state(struct suite *t, const char *id, const char *recipient);

struct got_body {
	bool done;
	int rc;
	const char *text;
	size_t len;
	struct suite *t;
};
struct got_body suite_body(struct suite *t, uint64_t seq);

struct got_messages {
	bool done;
	int rc;
	unsigned n;
	struct px_message *items;
	uint64_t next;
	struct suite *t;
};
struct got_messages suite_scan_page(struct suite *t, const struct px_scan *scan);
struct got_messages suite_lookup(struct suite *t, enum px_key_kind kind, const char *value, unsigned limit);
struct got_messages suite_lookup_page(struct suite *t, const struct px_lookup *which);
struct got_messages suite_movement_page(struct suite *t, uint64_t movement, uint64_t from, unsigned limit);
struct got_messages suite_movement(struct suite *t, uint64_t movement);
/** All pages of a scan, each at most scan->limit. */
struct got_messages suite_scan(struct suite *t, const struct px_scan *scan);
/** The message ids, in order, "M1 M2". */
const char *suite_ids(struct suite *t, const struct got_messages *got);
#define SCAN(t, ...) suite_scan_ids((t), &(struct px_scan){__VA_ARGS__})
const char *suite_scan_ids(struct suite *t, const struct px_scan *scan);

struct got_deliveries {
	bool done;
	int rc;
	unsigned n;
	struct px_delivery *items;
	uint64_t next;
	struct suite *t;
};
/** All pages. */
struct got_deliveries suite_scan_deliveries(struct suite *t, const struct px_scan *scan);
struct got_deliveries suite_overdue(struct suite *t, int64_t now, const struct px_delivery *after,
				    unsigned max);
/** "M1/UA M2/MD", in order. */
const char *suite_delivery_ids(struct suite *t, const struct got_deliveries *got);
#define SCAN_D(t, ...) suite_scan_delivery_ids((t), &(struct px_scan){__VA_ARGS__})
const char *suite_scan_delivery_ids(struct suite *t, const struct px_scan *scan);

struct got_resolved {
	bool done;
	int rc;
	unsigned n;
	struct px_resolved *items;
	struct suite *t;
};
struct got_resolved suite_resolve(struct suite *t, unsigned n, const struct px_ref *refs);

struct got_groups {
	bool done;
	int rc;
	unsigned n;
	struct px_owed_group *items;
	struct suite *t;
};
struct got_groups suite_groups(struct suite *t, unsigned max);
struct got_owed {
	bool done;
	int rc;
	unsigned n;
	uint64_t *ids;
	const char **texts;
	struct suite *t;
};
struct got_owed suite_owed(struct suite *t, const char *partner, const char *ref_sender, unsigned max,
			   uint64_t octets);

struct got_journal {
	bool done;
	int rc;
	unsigned n;
	struct px_journal_read *items;
	uint64_t next;
	struct suite *t;
};
struct got_journal suite_journal_page(struct suite *t, uint64_t from, unsigned limit, bool ascending);
/** The newest entry. */
struct px_journal_read suite_last_entry(struct suite *t);
uint64_t suite_entries(struct suite *t); /* how many */

struct got_stats {
	bool done;
	int rc;
	struct px_store_stats s;
	struct suite *t;
};
struct got_stats suite_stats(struct suite *t);
struct px_partner_stats suite_partner(struct suite *t, const char *partner); /* zero when not listed */

struct got_verify {
	bool done;
	int rc;
	struct px_verify_report report;
	struct suite *t;
};
struct got_verify suite_verify(struct suite *t, px_checkpoint_check *check, void *check_arg);
/** Verify must find nothing wrong. */
void suite_sound(struct suite *t);

#endif
