/* prinex: store operations for what administrators decide and must see
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_MARKS_H
#define PX_STORE_MARKS_H

#include "store/store.h"

/*
 * As the operations of store.h: asynchronous, one callback each, the same results. Marks are what must
 * outlive a restart although it is about no message: a paused partner, an alarm that only a person clears.
 * They are few and come whole, up to PX_MARKS_MAX. Receipts tell whom a message concerns when the message
 * itself can no longer be read.
 */
#define PX_MARK_NAME_MAX  96
#define PX_MARK_ACTOR_MAX 64
#define PX_MARKS_MAX      1000

struct px_mark {
	char name[PX_MARK_NAME_MAX + 1]; /* "KIND/SUBJECT" */
	int64_t at;                      /* wall ms; 0: set by the store */
	uint64_t number;
	char text[PX_VALUE_MAX + 1];
	char actor[PX_MARK_ACTOR_MAX + 1]; /* "" the broker itself */
};
typedef void px_marks_done(void *arg, int rc, unsigned n, const struct px_mark *marks);

/** What is known of a message besides its content. */
struct px_receipt {
	char sender[PX_AUTHORITY_MAX + 1];
	char message_id[PX_MESSAGE_ID_MAX + 1];
	char partner[PX_NAME_MAX + 1]; /* whom it came from; "" this node */
	uint8_t digest[PX_DIGEST_LEN];
	bool confirmations;
};
typedef void px_receipt_done(void *arg, int rc, const struct px_receipt *receipt);

struct px_store_marks_ops {
	void (*mark)(struct px_store *st, const struct px_mark *mark, px_write_done *done, void *arg);
	void (*unmark)(struct px_store *st, const char *name, px_write_done *done, void *arg);
	void (*marks)(struct px_store *st, px_marks_done *done, void *arg);
	void (*release)(struct px_store *st, const char *table, uint64_t record, px_write_done *done,
			void *arg);
	void (*receipt)(struct px_store *st, uint64_t message, px_receipt_done *done, void *arg);
};

/** Make or replace the mark of that name. @done may be NULL, as in px_store_unmark. */
void px_store_mark(struct px_store *st, const struct px_mark *mark, px_write_done *done, void *arg);
/** @return by @done: PX_ENOTFOUND when there is none. */
void px_store_unmark(struct px_store *st, const char *name, px_write_done *done, void *arg);
/** All marks, by name. */
void px_store_marks(struct px_store *st, px_marks_done *done, void *arg);

/**
 * Look at a quarantined record again. Deliveries that wait because of it and can be read now (it was
 * restored) go on; with none waiting any more the entry is removed. @return by @done: PX_OK; PX_ENOTFOUND;
 * PX_ECORRUPT: a delivery still waits for what cannot be read, and must be cancelled first.
 */
void px_store_release(struct px_store *st, const char *table, uint64_t record, px_write_done *done,
		      void *arg);

/** @receipt NULL unless @rc is PX_OK. */
void px_store_receipt(struct px_store *st, uint64_t message, px_receipt_done *done, void *arg);

#endif
