/* prinex: numbers and texts in records: writing them, and reading what may be damaged
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_FIELDS_H
#define PX_STORE_FIELDS_H

#include "base/buf.h"

/* --- writing: big-endian, appended */

void px_put_u8(struct px_buf *out, uint8_t value);
void px_put_u16(struct px_buf *out, uint16_t value);
void px_put_u32(struct px_buf *out, uint32_t value);
void px_put_u64(struct px_buf *out, uint64_t value);
void px_put_i64(struct px_buf *out, int64_t value);
void px_put_bool(struct px_buf *out, bool value);
/** Length (two octets) and octets, without NUL. */
void px_put_text(struct px_buf *out, const char *text);

/* --- reading: the first fault makes `bad` stick; everything after it reads as nothing */

struct px_fields {
	const uint8_t *at;
	size_t left;
	bool bad;
};

uint8_t px_get_u8(struct px_fields *in);
uint16_t px_get_u16(struct px_fields *in);
uint32_t px_get_u32(struct px_fields *in);
uint64_t px_get_u64(struct px_fields *in);
int64_t px_get_i64(struct px_fields *in);
/** 0 or 1, anything else is bad. */
bool px_get_bool(struct px_fields *in);
/** One octet below @count. */
unsigned px_get_enum(struct px_fields *in, unsigned count);
/** Text of px_put_text into an array of @size octets, NUL-terminated; one that does not fit or holds a NUL is
 * bad. */
void px_get_text(struct px_fields *in, char *out, size_t size);
/** View of @len octets, or NULL when there are fewer. */
const uint8_t *px_get_octets(struct px_fields *in, size_t len);
void px_get_copy(struct px_fields *in, void *out, size_t len);
/** Whether all went well and nothing is left. */
bool px_fields_done(const struct px_fields *in);

#endif
