/* prinex: the journal of the LMDB store grows: entries and checkpoints
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/wtx.h"

#include "store/journal.h"

void px_wtx_journal(struct px_wtx *w, const struct px_journal_entry *entry)
{
	struct px_rec_state *state = &w->state;
	struct px_journal_entry timed = *entry;
	if (timed.at == 0)
		timed.at = w->now;
	/* The record's fields are the hash and the octets; the hash before stands where it will be. */
	px_rec_start(&w->octets);
	px_buf_add(&w->octets, state->journal_head, PX_DIGEST_LEN);
	px_journal_encode(&w->octets, &timed);
	uint8_t *chained = w->octets.data + PX_REC_HEAD;
	px_sha256_reset(w->sha);
	px_sha256_add(w->sha, chained, w->octets.len - PX_REC_HEAD);
	px_sha256_end(w->sha, state->journal_head);
	memcpy(chained, state->journal_head, PX_DIGEST_LEN);
	struct px_tkey key = px_tkey_of(++state->last_journal);
	px_tx_append_record(&w->tx, PX_T_JOURNAL, &key, &w->octets);
	w->changed = true;
}

int px_wtx_checkpoint(struct px_wtx *w, uint64_t seq, struct px_octets signature)
{
	struct px_rec_signed rec = {.data = signature};
	struct px_tkey key = px_tkey_of(seq);
	struct px_octets fields, octets;
	int rc = px_tx_record(&w->tx, PX_T_JOURNAL, &key, &fields);
	if (rc == PX_OK)
		rc = px_rec_get_journal(fields, rec.hash, &octets);
	if (rc != PX_OK)
		return rc;
	px_rec_start(&w->rec);
	px_rec_put_signed(&w->rec, &rec);
	px_tx_put_record(&w->tx, PX_T_CHECKPOINTS, &key, &w->rec);
	if (seq >= w->state.checkpoint_seq) {
		w->state.checkpoint_seq = seq;
		memcpy(w->state.checkpoint, rec.hash, PX_DIGEST_LEN);
		w->changed = true;
	}
	return PX_OK;
}
