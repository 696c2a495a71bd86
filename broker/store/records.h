/* prinex: the records of the LMDB store as octets
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_RECORDS_H
#define PX_STORE_RECORDS_H

#include "base/buf.h"
#include "store/marks.h"
#include "store/scratch.h"
#include "store/store.h"

/*
 * A record is a version octet, a checksum (CRC-32C of table, key and all but itself) and fields: big-endian
 * numbers, texts with their length before them. A body has the SHA-256 it was received with as its checksum.
 *
 * Encoding: px_rec_start, one px_rec_put_*, px_rec_seal. Decoding: px_rec_open checks version and checksum
 * and gives the fields, px_rec_get_* reads them; both answer PX_ECORRUPT for anything that encoding would not
 * have written. The octets are not trusted beyond their length. Thread: any.
 */

#define PX_REC_VERSION 1
#define PX_REC_HEAD    5 /* version and checksum before the fields */

/** A view of octets. */
struct px_octets {
	const uint8_t *data;
	size_t len;
};

/** Begin a record in @out (its content is forgotten). */
void px_rec_start(struct px_buf *out);
/** Put the checksum in place. */
void px_rec_seal(struct px_buf *out, uint8_t table, const void *key, size_t key_len);
/** @fields gets a view of the fields. @return PX_OK or PX_ECORRUPT. */
int px_rec_open(uint8_t table, const void *key, size_t key_len, const void *data, size_t len,
		struct px_octets *fields);

/** messages: px_message without seq, digest, CoA and deliveries; these come from the receipt and from
 * first_delivery. */
struct px_rec_message {
	struct px_message message; /* without partner, movement and confirmations too: the receipt has them */
	uint64_t first_delivery;
	unsigned n_deliveries;
};
void px_rec_put_message(struct px_buf *out, const struct px_rec_message *rec);
/** Keys are put into @scratch. */
int px_rec_get_message(struct px_octets fields, struct px_scratch *scratch, struct px_rec_message *rec);

/** receipts: what a duplicate is told and told by, and what deliveries must know of their message. */
struct px_rec_receipt {
	char sender[PX_AUTHORITY_MAX + 1];
	char message_id[PX_MESSAGE_ID_MAX + 1];
	char partner[PX_NAME_MAX + 1];
	uint8_t digest[PX_DIGEST_LEN];
	uint64_t movement; /* as accepted */
	int64_t horizon_end;
	bool confirmations;
	struct px_octets coa; /* view */
};
void px_rec_put_receipt(struct px_buf *out, const struct px_rec_receipt *rec);
int px_rec_get_receipt(struct px_octets fields, struct px_rec_receipt *rec);

/**
 * movements. Linked ones form a tree by `linked`; its root has the lowest id. Queue entries and members of
 * all of them stand under the root's `home`: the id of whichever had most of them, so that linking moves the
 * few.
 */
struct px_rec_movement {
	uint64_t linked; /* 0: a root */
	uint64_t home;
	uint64_t members; /* messages */
	int64_t first, last;
	int64_t live_until;
	bool ended; /* by a message whose sender may (store/declared.h) */
	char declarant[PX_KEY_VALUE_MAX + 1];
};
void px_rec_put_movement(struct px_buf *out, const struct px_rec_movement *rec);
int px_rec_get_movement(struct px_octets fields, struct px_rec_movement *rec);

/** A number alone: movement-keys, quarantine's time. */
void px_rec_put_number(struct px_buf *out, uint64_t number);
int px_rec_get_number(struct px_octets fields, uint64_t *number);

/** deliveries: px_delivery without id, head and leased. */
void px_rec_put_delivery(struct px_buf *out, const struct px_delivery *rec);
int px_rec_get_delivery(struct px_octets fields, struct px_delivery *rec);

/** owed. The delivery's answer, in base64, belongs into the data at `answer_at`, unless `answer_len` is 0. */
struct px_rec_owed {
	char partner[PX_NAME_MAX + 1];
	char ref_sender[PX_AUTHORITY_MAX + 1];
	uint64_t delivery;
	int64_t created;
	uint32_t answer_at, answer_len, answer_crc; /* CRC-32C of its octets */
	struct px_octets data;                      /* view */
};
/** Octets of the confirmation when it is whole. */
uint64_t px_rec_owed_size(const struct px_rec_owed *rec);
void px_rec_put_owed(struct px_buf *out, const struct px_rec_owed *rec);
int px_rec_get_owed(struct px_octets fields, struct px_rec_owed *rec);

/** answers, and signatures of checkpoints: octets, with the hash that they sign, or for answers with what
 * px_rec_put_answer says. */
struct px_rec_signed {
	uint8_t hash[PX_DIGEST_LEN];
	struct px_octets data; /* view */
};
void px_rec_put_signed(struct px_buf *out, const struct px_rec_signed *rec);
int px_rec_get_signed(struct px_octets fields, struct px_rec_signed *rec);
/** An answer, with the number of what is owed about its delivery where the hash would stand; 0: nothing, or
 * that has the answer inside. */
void px_rec_put_answer(struct px_buf *out, struct px_octets answer, uint64_t owed);
uint64_t px_rec_answer_owed(const struct px_rec_signed *rec);

/** journal: the hash, then the octets (store/journal.h) that it covers together with the hash before. */
int px_rec_get_journal(struct px_octets fields, uint8_t hash[PX_DIGEST_LEN], struct px_octets *octets);
/** partners: deliveries by state. */
struct px_rec_partner {
	uint64_t count[PX_D_STATES];
	uint64_t ever_unknown; /* that became UNKNOWN, whatever became of them; not in records of format 3 */
};
void px_rec_put_partner(struct px_buf *out, const struct px_rec_partner *rec);
int px_rec_get_partner(struct px_octets fields, struct px_rec_partner *rec);

/** meta, "state": what a writer must know to go on. */
struct px_rec_state {
	uint64_t epoch;
	uint64_t last_message, last_delivery, last_movement, last_owed, last_journal;
	uint8_t journal_head[PX_DIGEST_LEN];
	uint64_t checkpoint_seq;
	uint8_t checkpoint[PX_DIGEST_LEN];
	uint64_t messages, movements, deliveries, owed, quarantined;
	/* What duplicates cannot be told any more: the latest CreatedAt that a message may have whose receipt
	 * was purged (INT64_MIN: none was). Receipts do not say it: it is not later than their horizon_end
	 * less the shortest time from one to the other that any message was accepted with, nor than the
	 * newest CreatedAt of all that were accepted. */
	int64_t forgotten, shortest,
	    newest; /* newest INT64_MAX: not known, of a store of an earlier format */
};
/** CreatedAt is less than this ahead of the clock that a message is accepted by (ms). */
#define PX_REC_AHEAD (2 * 3600 * 1000)
void px_rec_put_state(struct px_buf *out, const struct px_rec_state *rec);
int px_rec_get_state(struct px_octets fields, struct px_rec_state *rec);

/** quarantine. */
struct px_rec_quarantine {
	int64_t at;
	uint64_t delivery; /* that was to be made; 0 none */
	char reason[PX_VALUE_MAX + 1];
};
void px_rec_put_quarantine(struct px_buf *out, const struct px_rec_quarantine *rec);
int px_rec_get_quarantine(struct px_octets fields, struct px_rec_quarantine *rec);

/** marks: px_mark without its name. */
void px_rec_put_mark(struct px_buf *out, const struct px_mark *rec);
int px_rec_get_mark(struct px_octets fields, struct px_mark *rec);

/** bodies. Octets before those of the body: version and digest. */
#define PX_REC_BODY_HEAD (1 + PX_DIGEST_LEN)
void px_rec_body_head(uint8_t head[PX_REC_BODY_HEAD], const uint8_t digest[PX_DIGEST_LEN]);
/** Checks the digest over all octets. @body a view. */
int px_rec_open_body(const void *data, size_t len, struct px_octets *body);

#endif
