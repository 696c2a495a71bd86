/* prinex: fuzz target: decoders of the LMDB store's records and keys
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
/* layer: store */

#include "store/fields.h"
#include "store/journal.h"
#include "store/keys.h"
#include "store/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What decoding accepted must encode to the same octets: nothing is read that would not have been written. */
static void same(const struct px_buf *again, struct px_octets fields)
{
	px_assert(again->len == PX_REC_HEAD + fields.len);
	px_assert(fields.len == 0 || memcmp(again->data + PX_REC_HEAD, fields.data, fields.len) == 0);
}

/* Records of earlier versions may end before their last @newer octets: written anew they have those too. */
static void same_or_earlier(struct px_buf *again, struct px_octets fields, size_t newer)
{
	if (again->len == PX_REC_HEAD + fields.len + newer)
		again->len -= newer;
	same(again, fields);
}

/* That of formats 1 to 3 lacks what was forgotten, that of format 4 says it in another way. */
static void same_state(const struct px_buf *again, struct px_octets fields)
{
	enum { FORGOTTEN = 24, NEWEST = 8 };
	size_t now = again->len - PX_REC_HEAD;
	if (fields.len == now) {
		same(again, fields);
		return;
	}
	px_assert(fields.len == now - FORGOTTEN || fields.len == now - NEWEST);
	px_assert(memcmp(again->data + PX_REC_HEAD, fields.data, now - FORGOTTEN) == 0);
}

/* Decode as one kind; when it is one, encode and compare. */
#define ROUND_TRIP(type, kind) ROUND_TRIP_OF(type, kind, 0)
#define ROUND_TRIP_OF(type, kind, newer)                        \
	do {                                                    \
		struct type rec;                                \
		if (px_rec_get_##kind(fields, &rec) == PX_OK) { \
			px_rec_start(&buf);                     \
			px_rec_put_##kind(&buf, &rec);          \
			same_or_earlier(&buf, fields, newer);   \
		}                                               \
	} while (0)

static void decode(unsigned kind, struct px_octets fields)
{
	struct px_buf buf = PX_BUF_INIT;
	struct px_scratch scratch = {0};
	struct px_rec_message message;
	struct px_rec_state state;
	struct px_journal_entry entry;
	switch (kind) {
	case 0:
		if (px_rec_get_message(fields, &scratch, &message) == PX_OK) {
			px_rec_start(&buf);
			px_rec_put_message(&buf, &message);
			same(&buf, fields);
		}
		break;
	case 1: ROUND_TRIP(px_rec_receipt, receipt); break;
	case 2: ROUND_TRIP(px_rec_movement, movement); break;
	case 3: ROUND_TRIP(px_delivery, delivery); break;
	case 4: ROUND_TRIP(px_rec_owed, owed); break;
	case 5:
	case 6: ROUND_TRIP(px_rec_signed, signed); break;
	case 7: ROUND_TRIP_OF(px_rec_partner, partner, 8); break;
	case 8:
		if (px_rec_get_state(fields, &state) == PX_OK) {
			px_rec_start(&buf);
			px_rec_put_state(&buf, &state);
			same_state(&buf, fields);
		}
		break;
	case 9: ROUND_TRIP(px_rec_quarantine, quarantine); break;
	case 10: ROUND_TRIP(px_mark, mark); break;
	default:
		if (px_journal_decode(fields.data, fields.len, &entry) == PX_OK) {
			px_rec_start(&buf);
			px_journal_encode(&buf, &entry);
			same(&buf, fields);
		}
		break;
	}
	px_scratch_free(&scratch);
	px_buf_free(&buf);
}

/* The first octet says which decoder; then come fields, which are also looked at as a whole record, as a body
 * and as a key. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct px_octets view;
	if (size == 0)
		return 0;
	struct px_octets fields = {data + 1, size - 1};
	decode(data[0] % 12, fields);
	(void)px_rec_open(1, "key", 3, fields.data, fields.len, &view);
	(void)px_rec_open_body(fields.data, fields.len, &view);
	struct px_tkey_in in = px_tkey_read(fields.data, fields.len);
	px_tkey_get_u64(&in);
	const char *text = px_tkey_get_str(&in, PX_AUTHORITY_MAX);
	px_assert(text == NULL || strlen(text) <= PX_AUTHORITY_MAX);
	px_tkey_get_u8(&in);
	px_tkey_get_i64(&in);
	(void)px_tkey_done(&in);
	return 0;
}
