/* prinex: the redo log as octets: heads of batches, and entries
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/redo_form.h"

#include "store/crc32c.h"
#include "store/fields.h"

#define MAGIC 0x7072786cu /* a batch, first form */
#define CRC   4

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

uint64_t px_redo_octets(uint64_t len)
{
	return (PX_REDO_HEAD + len + CRC + PX_REDO_PAGE - 1) / PX_REDO_PAGE * PX_REDO_PAGE;
}

void px_redo_seal(uint8_t *batch, size_t len, const struct px_redo_base *base, uint64_t number)
{
	const size_t end = px_redo_octets(len) - CRC;
	struct px_buf out = PX_BUF_INIT;
	px_put_u32(&out, MAGIC);
	px_put_u64(&out, len);
	px_put_u64(&out, base->txn);
	px_put_u64(&out, base->epoch);
	px_buf_add(&out, base->head, PX_DIGEST_LEN);
	px_put_u64(&out, number);
	px_assert(out.len == PX_REDO_HEAD);
	memcpy(batch, out.data, PX_REDO_HEAD);
	memset(batch + PX_REDO_HEAD + len, 0, end - PX_REDO_HEAD - len);
	px_buf_clear(&out);
	px_put_u32(&out, px_crc32c(0, batch, end));
	memcpy(batch + end, out.data, CRC);
	px_buf_free(&out);
}

uint64_t px_redo_read_head(const uint8_t *head, struct px_redo_base *base, uint64_t number)
{
	struct px_fields in = {.at = head, .left = PX_REDO_HEAD};
	struct px_redo_base its = {.txn = 0};
	const bool is_batch = px_get_u32(&in) == MAGIC;
	const uint64_t len = px_get_u64(&in);
	its.txn = px_get_u64(&in);
	its.epoch = px_get_u64(&in);
	px_get_copy(&in, its.head, PX_DIGEST_LEN);
	if (!is_batch || px_get_u64(&in) != number || its.txn != base->txn)
		return 0;
	if (base->unknown)
		*base = its;
	return its.epoch == base->epoch && memcmp(its.head, base->head, PX_DIGEST_LEN) == 0 ? len : 0;
}

bool px_redo_is_whole(const uint8_t *batch, size_t len)
{
	const size_t end = px_redo_octets(len) - CRC;
	struct px_fields in = {.at = batch + end, .left = CRC};
	return px_get_u32(&in) == px_crc32c(0, batch, end);
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
