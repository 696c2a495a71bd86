/* prinex: what the tests of the LMDB store are written with
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_TEST_LMDB_KIT_H
#define PX_TEST_LMDB_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "store/db.h"

#define KIT_MAP (UINT64_C(1) << 30)

/* What every message with an LRN expects. */
#define KIT_OFFICE     "UA205020"
#define KIT_ARRIVAL    "2026-11-21T12:45:00Z"
#define KIT_ARRIVAL_MS INT64_C(1795265100000)

/** A folder for one test, and the store in it. */
struct kit {
	char folder[64];
	uint64_t map_size, watermark;
	unsigned batch;
	struct px_store *st;
};

int kit_setup(void **state);
int kit_teardown(void **state);
void kit_open(struct kit *k);
void kit_close(struct kit *k);
/** What offline work on this store takes. */
struct px_store_lmdb_setup kit_setup_of(const struct kit *k);
/** All that is in the folder; the store is closed. */
void kit_remove_files(struct kit *k);
int kit_try_open(struct kit *k, struct px_buf *why);
/** Run callbacks until *@flag. */
void kit_wait(struct kit *k, const bool *flag);
/** Wait for the store to have something, at most @ms; run callbacks. */
void kit_step(struct kit *k, int ms);

/** Change what is on the disk, with the store closed: a transaction on its tables. */
struct px_tx kit_tamper(struct kit *k, struct px_db *db);
void kit_tampered(struct px_tx *tx, struct px_db *db);
/** Flip the lowest bit of the octet at @offset (negative: from the end) of a value. */
void kit_flip(struct kit *k, enum px_table table, struct px_tkey key, long offset);
/** A copy of a value, with the store closed. */
struct px_buf kit_value(struct kit *k, enum px_table table, struct px_tkey key);
/** Damage it, or all of its page, in the file of a store that may be open. @value is freed. */
void kit_spoil(struct kit *k, struct px_buf *value, bool page_too);
/** Damage the page that @value lies in: LMDB can no longer walk through it. */
void kit_break_page(struct kit *k, enum px_table table, struct px_tkey key);

struct kit_accept {
	bool done;
	int rc;
	uint64_t seq, delivery, movement;
	size_t coa_len;
};
/** A message from BY (partner "by") to UA (partner "ua"), with a body of @size octets that begins with the
 * id. */
void kit_submit(struct kit *k, const char *id, size_t size, const char *lrn, struct kit_accept *out);
/** The same with a body that is there already: making a large one takes longer than a commit. */
void kit_submit_body(struct kit *k, const char *id, struct px_body *body, const char *lrn,
		     struct kit_accept *out);
struct kit_accept kit_accept(struct kit *k, const char *id, size_t size, const char *lrn);
/** A message with an MRN too. */
struct kit_accept kit_accept_mrn(struct kit *k, const char *id, size_t size, const char *lrn,
				 const char *mrn);
/** Two movements that are linked by a third message: the store then holds one part. */
void kit_fill_linked(struct kit *k);
/** The body such a message has; returned. */
struct px_body *kit_body(const char *id, size_t size);

struct kit_write {
	bool done;
	int rc;
};
void kit_write_done(void *arg, int rc);
int kit_settle(struct kit *k, const struct px_settle *settle);

/** Lease up to 16. */
struct kit_leases {
	bool done;
	int rc;
	unsigned n;
	struct px_lease items[16];
	size_t body_len[16];
};
void kit_submit_lease(struct kit *k, unsigned max, struct kit_leases *out);
struct kit_leases kit_lease(struct kit *k, unsigned max);

struct kit_message {
	bool done;
	int rc;
	uint64_t seq;
	unsigned n_deliveries;
	struct px_delivery delivery, second; /* the first two */
};
struct kit_message kit_find(struct kit *k, const char *id);
int kit_read_body(struct kit *k, uint64_t seq, const struct px_body *expected);

struct kit_stats {
	bool done;
	struct px_store_stats s;
	struct px_partner_stats ua;
};
struct kit_stats kit_stats(struct kit *k);

struct kit_verify {
	bool done;
	int rc;
	struct px_verify_report report;
	char first_fault[PX_VALUE_MAX + 1];
};
void kit_submit_verify(struct kit *k, struct kit_verify *out);
struct kit_verify kit_verify(struct kit *k);
void kit_sound(struct kit *k);

/** Entries of @kind in the journal; *@last gets the last one's detail. */
unsigned kit_count_journal(struct kit *k, enum px_journal_kind kind, struct px_buf *last);

#endif
