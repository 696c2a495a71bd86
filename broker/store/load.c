/* prinex: records of the LMDB store read by their ids
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/load.h"

#include "base/strings.h"

/* Links form a tree whose ids fall towards the root; more steps than this are damage. */
#define LINKS_MAX 1000000

int px_load_receipt(struct px_tx *tx, uint64_t seq, struct px_rec_receipt *rec)
{
	struct px_tkey key = px_tkey_of(seq);
	struct px_octets fields;
	int rc = px_tx_record(tx, PX_T_RECEIPTS, &key, &fields);
	return rc == PX_OK ? px_rec_get_receipt(fields, rec) : rc;
}

static int message_of_index(struct px_tx *tx, enum px_table index, const struct px_tkey *key, uint64_t *seq)
{
	struct px_octets value;
	*seq = 0;
	int rc = px_tx_get(tx, index, key, &value);
	if (rc != PX_OK)
		return rc;
	struct px_tkey_in in = px_tkey_read(value.data, value.len);
	*seq = px_tkey_get_u64(&in);
	return px_tkey_done(&in) ? PX_OK : PX_ECORRUPT;
}

/* An index entry whose receipt is missing is damage too. */
static int receipt_of_index(struct px_tx *tx, uint64_t seq, struct px_rec_receipt *rec)
{
	int rc = px_load_receipt(tx, seq, rec);
	return rc == PX_ENOTFOUND ? PX_ECORRUPT : rc;
}

int px_load_by_id(struct px_tx *tx, const char *sender, const char *message_id, uint64_t *seq,
		  struct px_rec_receipt *rec)
{
	*seq = 0;
	if (strlen(sender) > PX_AUTHORITY_MAX || strlen(message_id) > PX_MESSAGE_ID_MAX)
		return PX_ENOTFOUND; /* asked for, never accepted */
	struct px_tkey key = px_tkey_message_id(sender, message_id);
	int rc = message_of_index(tx, PX_T_IDS, &key, seq);
	if (rc == PX_OK)
		rc = receipt_of_index(tx, *seq, rec);
	if (rc == PX_OK && (strcmp(rec->sender, sender) != 0 || strcmp(rec->message_id, message_id) != 0))
		rc = PX_ECORRUPT;
	return rc;
}

int px_load_by_digest(struct px_tx *tx, const uint8_t digest[PX_DIGEST_LEN], uint64_t *seq,
		      struct px_rec_receipt *rec)
{
	struct px_tkey key = px_tkey_digest(digest);
	int rc = message_of_index(tx, PX_T_DIGESTS, &key, seq);
	if (rc == PX_OK)
		rc = receipt_of_index(tx, *seq, rec);
	if (rc == PX_OK && memcmp(rec->digest, digest, PX_DIGEST_LEN) != 0)
		rc = PX_ENOTFOUND;
	return rc;
}

/* As px_load_root; @ended: a message ended it. */
static uint64_t root_of(struct px_tx *tx, uint64_t id, bool *ended)
{
	struct px_rec_movement rec;
	uint64_t root = 0;
	int rc = id != 0 ? px_load_movement(tx, id, &root, &rec) : PX_ENOTFOUND;
	*ended = rc == PX_OK && rec.ended;
	if (rc == PX_ENOTFOUND)
		return 0;
	return rc == PX_OK ? root : id;
}

int px_load_message(struct px_tx *tx, struct px_scratch *scratch, uint64_t seq, struct px_rec_message *rec)
{
	struct px_tkey key = px_tkey_of(seq);
	struct px_octets fields;
	struct px_rec_receipt receipt;
	int rc = px_tx_record(tx, PX_T_MESSAGES, &key, &fields);
	if (rc == PX_OK)
		rc = px_rec_get_message(fields, scratch, rec);
	if (rc == PX_OK)
		rc = receipt_of_index(tx, seq, &receipt);
	if (rc != PX_OK)
		return rc;
	struct px_message *m = &rec->message;
	m->seq = seq;
	m->movement = root_of(tx, receipt.movement, &m->ended);
	m->confirmations = receipt.confirmations;
	m->coa = receipt.coa.data;
	m->coa_len = receipt.coa.len;
	px_strlcpy(m->partner, receipt.partner, sizeof(m->partner));
	memcpy(m->digest, receipt.digest, PX_DIGEST_LEN);
	return PX_OK;
}

int px_load_delivery(struct px_tx *tx, uint64_t id, struct px_delivery *rec)
{
	struct px_tkey key = px_tkey_of(id);
	struct px_octets fields;
	int rc = px_tx_record(tx, PX_T_DELIVERIES, &key, &fields);
	if (rc == PX_OK)
		rc = px_rec_get_delivery(fields, rec);
	rec->id = id;
	return rc;
}

static int load_movement(struct px_tx *tx, uint64_t id, struct px_rec_movement *rec)
{
	struct px_tkey key = px_tkey_of(id);
	struct px_octets fields;
	int rc = px_tx_record(tx, PX_T_MOVEMENTS, &key, &fields);
	return rc == PX_OK ? px_rec_get_movement(fields, rec) : rc;
}

int px_load_movement(struct px_tx *tx, uint64_t id, uint64_t *root, struct px_rec_movement *rec)
{
	*root = 0;
	for (int i = 0; i < LINKS_MAX; i++) {
		int rc = load_movement(tx, id, rec);
		if (rc == PX_ENOTFOUND && i > 0)
			return PX_ECORRUPT;
		if (rc != PX_OK)
			return rc;
		if (rec->linked == 0) {
			*root = id;
			return PX_OK;
		}
		if (rec->linked >= id)
			return PX_ECORRUPT;
		id = rec->linked;
	}
	return PX_ECORRUPT;
}

uint64_t px_load_root(struct px_tx *tx, uint64_t id)
{
	bool ended;
	return root_of(tx, id, &ended);
}

int px_load_owed(struct px_tx *tx, uint64_t id, struct px_rec_owed *rec)
{
	struct px_tkey key = px_tkey_of(id);
	struct px_octets fields;
	int rc = px_tx_record(tx, PX_T_OWED, &key, &fields);
	return rc == PX_OK ? px_rec_get_owed(fields, rec) : rc;
}

int px_load_body(struct px_tx *tx, uint64_t seq, struct px_octets *body)
{
	struct px_tkey key = px_tkey_of(seq);
	struct px_octets octets;
	*body = (struct px_octets){0};
	int rc = px_tx_get(tx, PX_T_BODIES, &key, &octets);
	return rc == PX_OK ? px_rec_open_body(octets.data, octets.len, body) : rc;
}
