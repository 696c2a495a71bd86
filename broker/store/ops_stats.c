/* prinex: LMDB store: what it holds, in numbers
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "store/lmdb_store.h"

struct stats_op {
	struct px_op op;
	struct px_lmdb *lm; /* for its atomics */
	px_stats_done *done;
	void *arg;
	struct px_store_stats stats;
};

static int read_state(struct px_tx *tx, struct px_store_stats *stats)
{
	struct px_tkey key = px_tkey_name("state");
	struct px_octets fields;
	struct px_rec_state state;
	int rc = px_tx_record(tx, PX_T_META, &key, &fields);
	if (rc == PX_OK)
		rc = px_rec_get_state(fields, &state);
	if (rc != PX_OK)
		return rc;
	stats->epoch = state.epoch;
	stats->messages = state.messages;
	stats->movements = state.movements;
	stats->deliveries = state.deliveries;
	stats->owed = state.owed;
	stats->quarantined = state.quarantined;
	stats->journal_entries = state.last_journal;
	stats->checkpoint_seq = state.checkpoint_seq;
	memcpy(stats->journal_head, state.journal_head, PX_DIGEST_LEN);
	memcpy(stats->checkpoint, state.checkpoint, PX_DIGEST_LEN);
	return PX_OK;
}

/* When the first delivery that is queued for @partner was made. */
static int64_t oldest_of(struct px_tx *tx, const char *partner)
{
	struct px_tkey prefix = px_tkey_name(partner);
	struct px_delivery d = {.created = 0};
	struct px_cur cur;
	px_tkey_u8(&prefix, PX_D_QUEUED);
	px_cur_open(&cur, tx, PX_T_OPEN);
	if (px_cur_seek(&cur, &prefix) && px_cur_has_prefix(&cur, &prefix)) {
		struct px_tkey_in in = px_tkey_read(cur.key.data + prefix.len, cur.key.len - prefix.len);
		if (px_load_delivery(tx, px_tkey_get_u64(&in), &d) != PX_OK)
			d.created = 0;
	}
	px_cur_close(&cur);
	return d.created;
}

static bool read_partner(struct px_tx *tx, const struct px_cur *cur, struct px_partner_stats *out)
{
	struct px_tkey_in in = px_cur_read(cur);
	const char *name = px_tkey_get_str(&in, PX_NAME_MAX);
	struct px_octets fields;
	struct px_rec_partner rec;
	if (!px_tkey_done(&in) ||
	    px_rec_open(PX_T_PARTNERS, cur->key.data, cur->key.len, cur->value.data, cur->value.len,
			&fields) != PX_OK ||
	    px_rec_get_partner(fields, &rec) != PX_OK)
		return false;
	*out = (struct px_partner_stats){.queued = rec.count[PX_D_QUEUED],
					 .handed_over = rec.count[PX_D_HANDED_OVER],
					 .delivered = rec.count[PX_D_DELIVERED],
					 .refused = rec.count[PX_D_REFUSED],
					 .expired = rec.count[PX_D_EXPIRED],
					 .unknown = rec.count[PX_D_UNKNOWN],
					 .cancelled = rec.count[PX_D_CANCELLED],
					 .ever_unknown = rec.ever_unknown};
	px_strlcpy(out->partner, name, sizeof(out->partner));
	if (out->queued > 0)
		out->oldest = oldest_of(tx, out->partner);
	return true;
}

static void read_partners(struct px_tx *tx, struct px_scratch *scratch, struct px_store_stats *stats)
{
	struct px_partner_stats *partners = NULL;
	size_t cap = 0;
	struct px_cur cur;
	px_cur_open(&cur, tx, PX_T_PARTNERS);
	for (bool more = px_cur_first(&cur); more; more = px_cur_next(&cur)) {
		partners = px_scratch_double(scratch, partners, stats->n_partners, &cap, sizeof(*partners));
		if (read_partner(tx, &cur, &partners[stats->n_partners]))
			stats->n_partners++;
	}
	px_cur_close(&cur);
	stats->partners = partners;
}

static enum px_op_then stats_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct stats_op *o = (struct stats_op *)op;
	(void)leases;
	op->rc = read_state(tx, &o->stats);
	if (op->rc != PX_OK)
		return PX_OP_DONE;
	read_partners(tx, &op->scratch, &o->stats);
	px_tx_usage(tx, &o->stats.bytes_used, &o->stats.bytes_free);
	o->stats.bytes_free = PX_MIN(o->stats.bytes_free, px_db_disk_free(tx->db));
	o->stats.oldest_reader = px_db_oldest_reader(tx->db);
	o->stats.commits = atomic_load_explicit(&o->lm->commits, memory_order_relaxed);
	o->stats.operations = atomic_load_explicit(&o->lm->operations, memory_order_relaxed);
	op->rc = tx->rc;
	return PX_OP_DONE;
}

static void stats_answer(struct px_op *op)
{
	struct stats_op *o = (struct stats_op *)op;
	o->done(o->arg, op->rc, op->rc == PX_OK ? &o->stats : NULL);
}

static const struct px_op_kind stats_kind = {
    .name = "stats", .read = stats_read, .shows = true, .answer = stats_answer};

void px_lmdb_stats(struct px_store *st, px_stats_done *done, void *arg)
{
	struct stats_op *o = px_op_new(&stats_kind, sizeof(*o));
	o->lm = px_lmdb_of(st);
	o->done = done;
	o->arg = arg;
	px_lmdb_submit_read(o->lm, &o->op);
}
