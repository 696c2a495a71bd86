/* prinex: the redo log as octets: heads of batches, and entries
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/redo_form.h"

#include "store/crc32c.h"
#include "store/fields.h"

#define MAGIC 0x7072786cu /* a batch, first form */
/* Where the checksum stands, and where what it is of begins. */
#define CRC_AT   4
#define CRC_FROM 8

void px_redo_entry(struct px_buf *out, enum px_redo_kind kind, uint8_t table, const struct px_tkey *key,
		   size_t len)
{
	const size_t key_len = key != NULL ? key->len : 0;
	px_assert(key_len <= UINT16_MAX && len <= UINT32_MAX);
	px_put_u8(out, (uint8_t)kind);
	px_put_u8(out, table);
	px_put_u16(out, (uint16_t)key_len);
	px_put_u32(out, (uint32_t)len);
	if (key != NULL)
		px_buf_add(out, key->data, key->len);
}

static uint32_t checksum(const uint8_t *batch, size_t len)
{
	return px_crc32c(0, batch + CRC_FROM, PX_REDO_HEAD - CRC_FROM + len);
}

void px_redo_head(uint8_t *batch, size_t len, const struct px_redo_base *base, uint64_t number)
{
	struct px_buf head = PX_BUF_INIT;
	px_put_u32(&head, MAGIC);
	px_put_u32(&head, 0);
	px_put_u64(&head, len);
	px_put_u64(&head, base->txn);
	px_put_u64(&head, base->epoch);
	px_buf_add(&head, base->head, PX_DIGEST_LEN);
	px_put_u64(&head, number);
	px_assert(head.len == PX_REDO_HEAD);
	memcpy(batch, head.data, PX_REDO_HEAD);
	px_buf_clear(&head);
	px_put_u32(&head, checksum(batch, len));
	memcpy(batch + CRC_AT, head.data, head.len);
	px_buf_free(&head);
}

uint64_t px_redo_read_head(const uint8_t *head, const struct px_redo_base *base, uint64_t number)
{
	struct px_fields in = {.at = head, .left = PX_REDO_HEAD};
	uint8_t hash[PX_DIGEST_LEN];
	const bool is_batch = px_get_u32(&in) == MAGIC;
	px_get_u32(&in);
	const uint64_t len = px_get_u64(&in), txn = px_get_u64(&in), epoch = px_get_u64(&in);
	px_get_copy(&in, hash, sizeof(hash));
	const bool is_next = is_batch && px_get_u64(&in) == number;
	return is_next && txn == base->txn && epoch == base->epoch &&
		       memcmp(hash, base->head, sizeof(hash)) == 0
		   ? len
		   : 0;
}

bool px_redo_is_whole(const uint8_t *batch, size_t len)
{
	struct px_fields in = {.at = batch + CRC_AT, .left = 4};
	return px_get_u32(&in) == checksum(batch, len);
}

static int do_one(struct px_tx *tx, struct px_fields *in)
{
	const unsigned kind = px_get_u8(in), table = px_get_u8(in);
	const size_t key_len = px_get_u16(in), len = px_get_u32(in);
	struct px_tkey key = {.len = key_len};
	if (key_len > sizeof(key.data) || table >= PX_TABLES)
		return PX_ECORRUPT;
	px_get_copy(in, key.data, key_len);
	const uint8_t *data = px_get_octets(in, len);
	if (in->bad)
		return PX_ECORRUPT;
	switch (kind) {
	case PX_REDO_PUT: px_tx_put(tx, (enum px_table)table, &key, data, len); return tx->rc;
	case PX_REDO_DEL:
		return px_tx_del(tx, (enum px_table)table, &key) == PX_ENOTFOUND ? PX_ECORRUPT : tx->rc;
	case PX_REDO_CLEAR: px_tx_clear(tx, (enum px_table)table); return tx->rc;
	default: return PX_ECORRUPT;
	}
}

int px_redo_do(struct px_tx *tx, struct px_octets entries)
{
	struct px_fields in = {.at = entries.data, .left = entries.len};
	int rc = PX_OK;
	while (rc == PX_OK && in.left > 0)
		rc = do_one(tx, &in);
	return rc;
}
