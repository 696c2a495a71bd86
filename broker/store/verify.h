/* prinex: LMDB store: verify inside
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_VERIFY_H
#define PX_STORE_VERIFY_H

#include "store/load.h"

/*
 * Verify walks every table, a slice at a time, each in a read transaction of its own, so that nothing is held
 * up and no pages are pinned. An entry and what it refers to are compared within one transaction, so changes
 * meanwhile make no false faults. Thread: reader.
 */
struct px_verify {
	struct px_verify_report report;
	char first_fault[PX_VALUE_MAX + 1];
	px_checkpoint_check *check;
	void *check_arg;
	uint8_t chain[PX_DIGEST_LEN]; /* hash of the last journal entry walked */
	uint64_t walked;              /* entries */
	uint64_t chain_seq;
	unsigned table;    /* index in px_verify_tables */
	struct px_tkey at; /* the last key walked in it */
	bool inside;       /* at is one */
};

/** Walk on for some milliseconds. Zero-initialise @v before the first slice (but for check).
 * @return whether everything was walked, or tx->rc is set; report is complete then. */
bool px_verify_slice(struct px_verify *v, struct px_tx *tx);
/** All slices, one after the other. Blocks. @return PX_OK or PX_EFATAL. */
int px_verify_all(struct px_verify *v, struct px_db *db);

/** An entry of a table under test. */
typedef void px_verify_entry(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur);

struct px_verify_table {
	enum px_table table;
	bool is_record; /* counts in report.records; false: an index */
	px_verify_entry *entry;
};
/** All tables, in the order they are walked. */
extern const struct px_verify_table px_verify_tables[PX_TABLES];

/** Note a fault; the first one is shown. */
void px_verify_damaged(struct px_verify *v, enum px_table table, const struct px_cur *cur, const char *what);
void px_verify_index_fault(struct px_verify *v, enum px_table table, const struct px_cur *cur,
			   const char *what);
/** The journal's chain ends here: it must be where the state says. */
void px_verify_chain_end(struct px_verify *v, struct px_tx *tx);

px_verify_entry px_verify_journal, px_verify_checkpoint;

/* verify_keys.c */
px_verify_entry px_verify_key, px_verify_arrival;
/** Whether everything that must stand in an index because of the message under @cur does. */
void px_verify_keys_of(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur, uint64_t seq,
		       const struct px_message *m);

#endif
