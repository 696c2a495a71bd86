/* prinex: the codec of keys in the LMDB store
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/keys.h"

#include "base/keys.h"

static void add(struct px_tkey *key, const void *data, size_t len)
{
	px_assert(len <= sizeof(key->data) - key->len);
	memcpy(key->data + key->len, data, len);
	key->len += len;
}

void px_tkey_start(struct px_tkey *key)
{
	key->len = 0;
}

void px_tkey_u8(struct px_tkey *key, uint8_t value)
{
	add(key, &value, 1);
}

void px_tkey_u64(struct px_tkey *key, uint64_t value)
{
	uint8_t big[8];
	for (int i = 0; i < 8; i++)
		big[i] = (uint8_t)(value >> (56 - 8 * i));
	add(key, big, sizeof(big));
}

void px_tkey_i64(struct px_tkey *key, int64_t value)
{
	px_tkey_u64(key, value > 0 ? (uint64_t)value : 0);
}

void px_tkey_str(struct px_tkey *key, const char *text)
{
	add(key, text, strlen(text) + 1);
}

struct px_tkey px_tkey_of(uint64_t id)
{
	struct px_tkey key = {.len = 0};
	px_tkey_u64(&key, id);
	return key;
}

struct px_tkey px_tkey_name(const char *name)
{
	struct px_tkey key = {.len = 0};
	px_tkey_str(&key, name);
	return key;
}

static struct px_tkey two_texts(const char *a, const char *b)
{
	struct px_tkey key = {.len = 0};
	px_tkey_str(&key, a);
	px_tkey_str(&key, b);
	return key;
}

struct px_tkey px_tkey_message_id(const char *sender, const char *message_id)
{
	return two_texts(sender, message_id);
}

struct px_tkey px_tkey_digest(const uint8_t digest[PX_DIGEST_LEN])
{
	struct px_tkey key = {.len = 0};
	add(&key, digest, PX_DIGEST_LEN / 2);
	return key;
}

struct px_tkey px_tkey_business(enum px_key_kind kind, const char *value, uint64_t message)
{
	struct px_tkey key = {.len = 0};
	char normal[PX_KEY_VALUE_MAX + 1];
	px_key_normal(kind, value, normal);
	px_tkey_u8(&key, (uint8_t)kind);
	px_tkey_str(&key, normal);
	px_tkey_u64(&key, message);
	return key;
}

struct px_tkey px_tkey_arrival(const char *office, int64_t at, uint64_t message)
{
	struct px_tkey key = {.len = 0};
	px_tkey_u8(&key, PX_ARRIVAL_BY_OFFICE);
	px_tkey_str(&key, office);
	px_tkey_i64(&key, at);
	px_tkey_u64(&key, message);
	return key;
}

struct px_tkey px_tkey_late(int64_t from, uint64_t message, const char *office)
{
	struct px_tkey key = {.len = 0};
	px_tkey_u8(&key, PX_ARRIVAL_LATE);
	px_tkey_i64(&key, from);
	px_tkey_u64(&key, message);
	px_tkey_str(&key, office);
	return key;
}

struct px_tkey px_tkey_mrn(const char *mrn)
{
	struct px_tkey key = {.len = 0};
	px_tkey_u8(&key, PX_KEY_MRN);
	px_tkey_str(&key, mrn);
	return key;
}

struct px_tkey px_tkey_lrn(const char *sender, const char *declarant, const char *lrn)
{
	struct px_tkey key = {.len = 0};
	px_tkey_u8(&key, PX_KEY_LRN);
	px_tkey_str(&key, sender);
	px_tkey_str(&key, declarant);
	px_tkey_str(&key, lrn);
	return key;
}

struct px_tkey px_tkey_member(uint64_t home, uint64_t message)
{
	struct px_tkey key = px_tkey_of(home);
	px_tkey_u64(&key, message);
	return key;
}

struct px_tkey px_tkey_queue(uint64_t home, const char *recipient, uint8_t prio, uint64_t delivery)
{
	struct px_tkey key = px_tkey_of(home);
	px_tkey_str(&key, recipient);
	px_tkey_u8(&key, prio);
	px_tkey_u64(&key, delivery);
	return key;
}

struct px_tkey px_tkey_ready(const char *partner, uint8_t prio, int64_t due, uint64_t delivery)
{
	struct px_tkey key = px_tkey_name(partner);
	px_tkey_u8(&key, prio);
	px_tkey_i64(&key, due);
	px_tkey_u64(&key, delivery);
	return key;
}

struct px_tkey px_tkey_deadline(int64_t deadline, uint64_t delivery)
{
	struct px_tkey key = {.len = 0};
	px_tkey_i64(&key, deadline);
	px_tkey_u64(&key, delivery);
	return key;
}

struct px_tkey px_tkey_open(const char *partner, uint8_t state, uint64_t delivery)
{
	struct px_tkey key = px_tkey_name(partner);
	px_tkey_u8(&key, state);
	px_tkey_u64(&key, delivery);
	return key;
}

struct px_tkey px_tkey_owed(const char *partner, const char *ref_sender, uint64_t owed)
{
	struct px_tkey key = two_texts(partner, ref_sender);
	px_tkey_u64(&key, owed);
	return key;
}

struct px_tkey px_tkey_group(const char *partner, const char *ref_sender)
{
	return two_texts(partner, ref_sender);
}

struct px_tkey px_tkey_part(uint64_t movement, enum px_part kind, const struct px_tkey *part)
{
	struct px_tkey key = px_tkey_of(movement);
	px_tkey_u8(&key, (uint8_t)kind);
	add(&key, part->data, part->len);
	return key;
}

struct px_tkey px_tkey_quarantine(uint8_t table, const void *data, size_t len)
{
	struct px_tkey key = {.len = 0};
	px_tkey_u8(&key, table);
	add(&key, data, PX_MIN(len, sizeof(key.data) - 1));
	return key;
}

struct px_tkey_in px_tkey_read(const void *data, size_t len)
{
	return (struct px_tkey_in){.at = data, .left = len};
}

static bool take(struct px_tkey_in *in, void *out, size_t len)
{
	if (in->bad || in->left < len) {
		in->bad = true;
		return false;
	}
	memcpy(out, in->at, len);
	in->at += len;
	in->left -= len;
	return true;
}

uint8_t px_tkey_get_u8(struct px_tkey_in *in)
{
	uint8_t value = 0;
	take(in, &value, 1);
	return value;
}

uint64_t px_tkey_get_u64(struct px_tkey_in *in)
{
	uint8_t big[8] = {0};
	uint64_t value = 0;
	take(in, big, sizeof(big));
	for (int i = 0; i < 8; i++)
		value = value << 8 | big[i];
	return value;
}

int64_t px_tkey_get_i64(struct px_tkey_in *in)
{
	uint64_t value = px_tkey_get_u64(in);
	if (value > INT64_MAX) {
		in->bad = true;
		return 0;
	}
	return (int64_t)value;
}

const char *px_tkey_get_str(struct px_tkey_in *in, size_t max)
{
	const uint8_t *end = in->bad ? NULL : memchr(in->at, '\0', PX_MIN(in->left, max + 1));
	if (end == NULL) {
		in->bad = true;
		return NULL;
	}
	const char *text = (const char *)in->at;
	in->left -= (size_t)(end + 1 - in->at);
	in->at = end + 1;
	return text;
}

bool px_tkey_done(const struct px_tkey_in *in)
{
	return !in->bad && in->left == 0;
}
