/* prinex: LMDB store: verify: slices, faults, the journal's chain
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/verify.h"

#include "store/journal.h"
#include "store/lmdb_store.h"

/* One slice takes about so long. */
#define SLICE_MS 2

/* --- faults ------------------------------------------------------------------------------------------ */

/* A key for people: what is printable as it is, the rest in hex. */
static void describe(struct px_verify *v, enum px_table table, const struct px_cur *cur, const char *what)
{
	struct px_buf text = PX_BUF_INIT;
	if (v->first_fault[0] != '\0')
		return;
	px_buf_addf(&text, "%s/", px_table_name(table));
	if (cur->key.len == sizeof(uint64_t)) {
		struct px_tkey_in in = px_cur_read(cur);
		px_buf_addf(&text, "%llu", (unsigned long long)px_tkey_get_u64(&in));
	} else {
		for (size_t i = 0; i < cur->key.len && i < 48; i++) {
			uint8_t c = cur->key.data[i];
			px_buf_addf(&text, c > ' ' && c < 0x7f ? "%c" : ".%02x", c);
		}
	}
	px_buf_addf(&text, ": %s", what);
	snprintf(v->first_fault, sizeof(v->first_fault), "%s", px_buf_str(&text));
	px_buf_free(&text);
}

void px_verify_damaged(struct px_verify *v, enum px_table table, const struct px_cur *cur, const char *what)
{
	v->report.damaged++;
	describe(v, table, cur, what);
}

void px_verify_index_fault(struct px_verify *v, enum px_table table, const struct px_cur *cur,
			   const char *what)
{
	v->report.index_faults++;
	describe(v, table, cur, what);
}

/* --- the journal ------------------------------------------------------------------------------------- */

static void broken(struct px_verify *v, uint64_t seq, const struct px_cur *cur, enum px_table table,
		   const char *what)
{
	if (v->report.journal_broken_at == 0 || seq < v->report.journal_broken_at)
		v->report.journal_broken_at = seq;
	describe(v, table, cur, what);
}

/* The hash that follows from the one before and what the entry says. */
static void chain(const struct px_verify *v, struct px_octets octets, uint8_t hash[PX_DIGEST_LEN])
{
	struct px_sha256 *sha = px_sha256_new();
	px_sha256_add(sha, v->chain, PX_DIGEST_LEN);
	px_sha256_add(sha, octets.data, octets.len);
	px_sha256_end(sha, hash);
	px_sha256_free(&sha);
}

void px_verify_journal(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_tkey_in in = px_cur_read(cur);
	struct px_journal_entry entry;
	struct px_octets fields, octets = {0};
	uint8_t hash[PX_DIGEST_LEN], expected[PX_DIGEST_LEN];
	uint64_t seq = px_tkey_get_u64(&in);
	(void)tx;
	v->report.journal_entries++;
	if (seq != v->chain_seq + 1)
		broken(v, v->chain_seq + 1, cur, PX_T_JOURNAL, "an entry is missing before this one");
	int rc =
	    px_rec_open(PX_T_JOURNAL, cur->key.data, cur->key.len, cur->value.data, cur->value.len, &fields);
	if (rc == PX_OK)
		rc = px_rec_get_journal(fields, hash, &octets);
	if (rc != PX_OK || px_journal_decode(octets.data, octets.len, &entry) != PX_OK) {
		px_verify_damaged(v, PX_T_JOURNAL, cur, "the entry is damaged");
		broken(v, seq, cur, PX_T_JOURNAL, "the entry is damaged");
	}
	if (rc == PX_OK) {
		chain(v, octets, expected);
		if (memcmp(hash, expected, PX_DIGEST_LEN) != 0)
			broken(v, seq, cur, PX_T_JOURNAL, "its hash does not follow from the entry before");
		memcpy(v->chain, hash, PX_DIGEST_LEN);
	}
	v->chain_seq = seq;
}

void px_verify_chain_end(struct px_verify *v, struct px_tx *tx)
{
	struct px_tkey key = px_tkey_name("state");
	struct px_octets fields;
	struct px_rec_state state;
	const struct px_cur end = {.key = {key.data, key.len}};
	if (px_tx_record(tx, PX_T_META, &key, &fields) != PX_OK || px_rec_get_state(fields, &state) != PX_OK)
		return; /* found with the other records */
	if (state.last_journal != v->chain_seq)
		broken(v, PX_MIN(state.last_journal, v->chain_seq) + 1, &end, PX_T_META,
		       "the journal does not end where it should");
	else if (memcmp(state.journal_head, v->chain, PX_DIGEST_LEN) != 0)
		broken(v, v->chain_seq, &end, PX_T_META, "the journal's last hash is another one");
}

void px_verify_checkpoint(struct px_verify *v, struct px_tx *tx, const struct px_cur *cur)
{
	struct px_tkey_in in = px_cur_read(cur);
	struct px_rec_signed rec;
	struct px_octets fields, octets;
	uint8_t hash[PX_DIGEST_LEN];
	uint64_t seq = px_tkey_get_u64(&in);
	v->report.journal_checkpoints++;
	if (px_rec_open(PX_T_CHECKPOINTS, cur->key.data, cur->key.len, cur->value.data, cur->value.len,
			&fields) != PX_OK ||
	    px_rec_get_signed(fields, &rec) != PX_OK) {
		px_verify_damaged(v, PX_T_CHECKPOINTS, cur, "the record is damaged");
		return;
	}
	struct px_tkey key = px_tkey_of(seq);
	if (px_tx_record(tx, PX_T_JOURNAL, &key, &fields) != PX_OK ||
	    px_rec_get_journal(fields, hash, &octets) != PX_OK)
		return; /* found with the entry */
	if (memcmp(hash, rec.hash, PX_DIGEST_LEN) != 0)
		broken(v, seq, cur, PX_T_CHECKPOINTS, "the entry's hash is not the one that was signed");
	else if (v->check != NULL && v->check(v->check_arg, seq, hash, rec.data.data, rec.data.len) != PX_OK)
		broken(v, seq, cur, PX_T_CHECKPOINTS, "the signature does not verify");
}

/* --- slices ------------------------------------------------------------------------------------------ */

/* Place @cur at the first entry that has not been walked. */
static bool resume(struct px_cur *cur, const struct px_verify *v)
{
	if (!v->inside)
		return px_cur_first(cur);
	if (!px_cur_seek(cur, &v->at))
		return false;
	bool same = cur->key.len == v->at.len && memcmp(cur->key.data, v->at.data, v->at.len) == 0;
	return same ? px_cur_next(cur) : true;
}

/* @return whether the table was walked to its end. */
static bool walk(struct px_verify *v, struct px_tx *tx, int64_t until)
{
	const struct px_verify_table *t = &px_verify_tables[v->table];
	struct px_cur cur;
	bool more;
	px_cur_open(&cur, tx, t->table);
	for (more = resume(&cur, v); more; more = px_cur_next(&cur)) {
		v->report.records += t->is_record ? 1 : 0;
		if (cur.key.len > sizeof(v->at.data)) {
			px_verify_damaged(v, t->table, &cur, "a key that is too long");
			more = false;
			break;
		}
		t->entry(v, tx, &cur);
		v->walked++;
		v->at.len = cur.key.len;
		memcpy(v->at.data, cur.key.data, cur.key.len);
		v->inside = true;
		if (px_clock_mono(px_clock_real()) >= until)
			break;
	}
	px_cur_close(&cur);
	return !more;
}

bool px_verify_slice(struct px_verify *v, struct px_tx *tx)
{
	int64_t until = px_clock_mono(px_clock_real()) + SLICE_MS;
	while (v->table < PX_TABLES && walk(v, tx, until) && tx->rc == PX_OK) {
		if (px_verify_tables[v->table].table == PX_T_JOURNAL)
			px_verify_chain_end(v, tx);
		v->table++;
		v->inside = false;
	}
	v->report.journal_ok = v->report.journal_broken_at == 0;
	v->report.first_fault = v->first_fault;
	return v->table == PX_TABLES || tx->rc != PX_OK;
}

int px_verify_all(struct px_verify *v, struct px_db *db)
{
	bool done = false;
	int rc = PX_OK;
	while (!done && rc == PX_OK) {
		struct px_tx tx;
		rc = px_tx_read(&tx, db);
		if (rc == PX_OK) {
			done = px_verify_slice(v, &tx);
			rc = tx.rc;
			px_tx_abort(&tx);
		}
	}
	return rc;
}

/* --- the operation ----------------------------------------------------------------------------------- */

struct verify_op {
	struct px_long_op job;
	struct px_lmdb *lm;
	struct px_verify v;
	px_verify_done *done;
	void *arg;
};

static uint64_t count_all(struct px_tx *tx)
{
	uint64_t n = 0;
	for (size_t i = 0; i < PX_TABLES; i++)
		n += px_tx_entries(tx, px_verify_tables[i].table);
	return n;
}

static enum px_op_then verify_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct verify_op *o = (struct verify_op *)op;
	(void)leases;
	if (atomic_load(&o->job.stop)) {
		op->rc = PX_ECANCELLED;
		return PX_OP_DONE;
	}
	if (o->v.walked == 0)
		atomic_store(&o->job.total, count_all(tx));
	bool done = px_verify_slice(&o->v, tx);
	atomic_store(&o->job.done, o->v.walked);
	op->rc = tx->rc;
	return done ? PX_OP_DONE : PX_OP_READ;
}

static void verify_answer(struct px_op *op)
{
	struct verify_op *o = (struct verify_op *)op;
	px_lmdb_end_long(o->lm, &o->job);
	o->done(o->arg, op->rc, op->rc == PX_OK ? &o->v.report : NULL);
}

static const struct px_op_kind verify_kind = {
    .name = "verify", .read = verify_read, .shows = true, .answer = verify_answer};

void px_lmdb_verify(struct px_store *st, px_checkpoint_check *check, void *check_arg, px_verify_done *done,
		    void *arg)
{
	struct verify_op *o = px_op_new(&verify_kind, sizeof(*o));
	o->v.check = check;
	o->v.check_arg = check_arg;
	o->done = done;
	o->arg = arg;
	o->lm = px_lmdb_of(st);
	px_lmdb_begin_long(o->lm, &o->job, arg);
	px_lmdb_submit_read(o->lm, &o->job.op);
}
