/* prinex: the codec of keys in the LMDB store
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_KEYS_H
#define PX_STORE_KEYS_H

#include "base/exchange.h"

/*
 * A key is a row of parts: octets, big-endian numbers and texts ended by a NUL, so that LMDB's memcmp order
 * is the order of the parts. The longest is an LRN as part of a movement. What each table's key consists of
 * stands in tables.def.
 */
#define PX_TKEY_LRN_MAX (1 + PX_AUTHORITY_MAX + 1 + 2 * (PX_KEY_VALUE_MAX + 1))
#define PX_TKEY_MAX     (8 + 1 + PX_TKEY_LRN_MAX)

struct px_tkey {
	size_t len;
	uint8_t data[PX_TKEY_MAX];
};

/** Start anew, then add parts. */
void px_tkey_start(struct px_tkey *key);
void px_tkey_u8(struct px_tkey *key, uint8_t value);
void px_tkey_u64(struct px_tkey *key, uint64_t value);
void px_tkey_i64(struct px_tkey *key, int64_t value); /* never negative: times */
void px_tkey_str(struct px_tkey *key, const char *text);

/** Whole keys. */
struct px_tkey px_tkey_of(uint64_t id);
struct px_tkey px_tkey_name(const char *name);
struct px_tkey px_tkey_message_id(const char *sender, const char *message_id);
struct px_tkey px_tkey_digest(const uint8_t digest[PX_DIGEST_LEN]);
/** By the value's normal spelling (base/keys.h). */
struct px_tkey px_tkey_business(enum px_key_kind kind, const char *value, uint64_t message);
/** Two rows of one table, told by the first octet. */
enum px_arrival_row { PX_ARRIVAL_BY_OFFICE, PX_ARRIVAL_LATE };
struct px_tkey px_tkey_arrival(const char *office, int64_t at, uint64_t message);
struct px_tkey px_tkey_late(int64_t from, uint64_t message, const char *office);
struct px_tkey px_tkey_mrn(const char *mrn);
struct px_tkey px_tkey_lrn(const char *sender, const char *declarant, const char *lrn);
struct px_tkey px_tkey_member(uint64_t home, uint64_t message);
struct px_tkey px_tkey_queue(uint64_t home, const char *recipient, uint8_t prio, uint64_t delivery);
struct px_tkey px_tkey_ready(const char *partner, uint8_t prio, int64_t due, uint64_t delivery);
struct px_tkey px_tkey_deadline(int64_t deadline, uint64_t delivery);
struct px_tkey px_tkey_open(const char *partner, uint8_t state, uint64_t delivery);
struct px_tkey px_tkey_owed(const char *partner, const char *ref_sender, uint64_t owed);
struct px_tkey px_tkey_group(const char *partner, const char *ref_sender);
/** What belongs to a movement: another one that was linked with it (its id), a key of movement-keys. */
enum px_part { PX_PART_MOVEMENT, PX_PART_KEY };
struct px_tkey px_tkey_part(uint64_t movement, enum px_part kind, const struct px_tkey *part);
struct px_tkey px_tkey_quarantine(uint8_t table, const void *data, size_t len);

/*
 * Taking a key apart. Octets on disk are not trusted: a part that is not there makes the reader fail, and
 * px_tkey_done says whether all went well and nothing is left.
 */
struct px_tkey_in {
	const uint8_t *at;
	size_t left;
	bool bad;
};
struct px_tkey_in px_tkey_read(const void *data, size_t len);
uint8_t px_tkey_get_u8(struct px_tkey_in *in);
uint64_t px_tkey_get_u64(struct px_tkey_in *in);
int64_t px_tkey_get_i64(struct px_tkey_in *in);
/** View; NULL when there is none or it is longer than @max octets. */
const char *px_tkey_get_str(struct px_tkey_in *in, size_t max);
bool px_tkey_done(const struct px_tkey_in *in);

#endif
