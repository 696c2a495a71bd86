/* prinex: numbers and texts in records: writing them, and reading what may be damaged
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/fields.h"

static void put(struct px_buf *out, uint64_t value, unsigned octets)
{
	uint8_t *to = px_buf_reserve(out, octets);
	for (unsigned i = 0; i < octets; i++)
		to[i] = (uint8_t)(value >> (8 * (octets - 1 - i)));
	px_buf_grown(out, octets);
}

void px_put_u8(struct px_buf *out, uint8_t value)
{
	put(out, value, 1);
}

void px_put_u16(struct px_buf *out, uint16_t value)
{
	put(out, value, 2);
}

void px_put_u32(struct px_buf *out, uint32_t value)
{
	put(out, value, 4);
}

void px_put_u64(struct px_buf *out, uint64_t value)
{
	put(out, value, 8);
}

void px_put_i64(struct px_buf *out, int64_t value)
{
	put(out, (uint64_t)value, 8);
}

void px_put_bool(struct px_buf *out, bool value)
{
	put(out, value ? 1 : 0, 1);
}

void px_put_text(struct px_buf *out, const char *text)
{
	size_t len = strlen(text);
	px_assert(len <= UINT16_MAX);
	put(out, len, 2);
	px_buf_add(out, text, len);
}

static uint64_t get(struct px_fields *in, unsigned octets)
{
	const uint8_t *from = px_get_octets(in, octets);
	uint64_t value = 0;
	for (unsigned i = 0; from != NULL && i < octets; i++)
		value = value << 8 | from[i];
	return value;
}

uint8_t px_get_u8(struct px_fields *in)
{
	return (uint8_t)get(in, 1);
}

uint16_t px_get_u16(struct px_fields *in)
{
	return (uint16_t)get(in, 2);
}

uint32_t px_get_u32(struct px_fields *in)
{
	return (uint32_t)get(in, 4);
}

uint64_t px_get_u64(struct px_fields *in)
{
	return get(in, 8);
}

int64_t px_get_i64(struct px_fields *in)
{
	return (int64_t)get(in, 8);
}

unsigned px_get_enum(struct px_fields *in, unsigned count)
{
	unsigned value = px_get_u8(in);
	if (value < count)
		return value;
	in->bad = true;
	return 0;
}

bool px_get_bool(struct px_fields *in)
{
	return px_get_enum(in, 2) != 0;
}

const uint8_t *px_get_octets(struct px_fields *in, size_t len)
{
	if (in->bad || in->left < len) {
		in->bad = true;
		return NULL;
	}
	const uint8_t *out = in->at;
	in->at += len;
	in->left -= len;
	return out;
}

void px_get_text(struct px_fields *in, char *out, size_t size)
{
	size_t len = px_get_u16(in);
	const uint8_t *from = px_get_octets(in, len);
	out[0] = '\0';
	if (from == NULL || len >= size || (len > 0 && memchr(from, '\0', len) != NULL)) {
		in->bad = true;
		return;
	}
	memcpy(out, from, len);
	out[len] = '\0';
}

void px_get_copy(struct px_fields *in, void *out, size_t len)
{
	const uint8_t *from = px_get_octets(in, len);
	if (from != NULL)
		memcpy(out, from, len);
}

bool px_fields_done(const struct px_fields *in)
{
	return !in->bad && in->left == 0;
}
