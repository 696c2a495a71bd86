/* prinex: the floor: what a broker signs, and its store
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <lmdb.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/exchange.h"
#include "base/strings.h"
#include "floor.h"
#include "flow/confirm.h"

enum { BATCH = PX_FLOOR_BATCH, RECORD = 700, INDEX_KEY = 16 };

double px_floor_cpu(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* --- confirmations
 * ------------------------------------------------------------------------------------------ */

/* The signature alone, over octets the size of a SignedInfo. */
double px_floor_sign(struct px_floor *f, unsigned rounds)
{
	static const uint8_t info[800];
	struct px_buf value = PX_BUF_INIT;
	double start = px_floor_cpu();
	for (unsigned i = 0; i < rounds; i++) {
		px_buf_clear(&value);
		if (px_seal_octets(f->node, info, sizeof(info), &value) != PX_OK)
			px_bench_die("sign", "failed");
	}
	px_buf_free(&value);
	return (px_floor_cpu() - start) / rounds;
}

static const struct px_confirm coa = {.kind = PX_COA,
				      .confirmation_id = "PX-1A2020D5BCCC711AB2F8F8ED",
				      .issuer = "BY",
				      .ref_sender = "BY",
				      .ref_message_id = "B0100000001",
				      .ref_digest = (const uint8_t *)"0123456789abcdef0123456789abcdef",
				      .at = 1795000000000,
				      .cod_follows = true};

/* The CoA with its signature: written and hashed, with its certificates. */
void px_floor_write_coa(struct px_floor *f)
{
	struct px_buf doc = PX_BUF_INIT;
	px_confirm_write(&doc, &coa, true);
	if (px_seal(f->node, &doc) != PX_OK)
		px_bench_die("sign", "failed");
	px_buf_free(&doc);
}

double px_floor_confirm(struct px_floor *f, unsigned rounds)
{
	double start = px_floor_cpu();
	for (unsigned i = 0; i < rounds; i++)
		px_floor_write_coa(f);
	return (px_floor_cpu() - start) / rounds;
}

/* One entry of a Confirmations exchange: the CoD with the recipient's CoA inside. */
void px_floor_write_entry(struct px_floor *f, struct px_buf *entry)
{
	struct px_confirm cod = coa;
	cod.kind = PX_COD;
	cod.cod_follows = false;
	cod.evidence = f->answer->data;
	cod.evidence_len = f->answer->len;
	px_confirm_write(entry, &cod, false);
}

double px_floor_entry(struct px_floor *f, unsigned rounds)
{
	double start = px_floor_cpu();
	for (unsigned i = 0; i < rounds; i++) {
		struct px_buf entry = PX_BUF_INIT;
		px_floor_write_entry(f, &entry);
		px_buf_free(&entry);
	}
	return (px_floor_cpu() - start) / rounds;
}

void px_floor_write_exchange(struct px_floor *f, const struct px_buf entries[PX_FLOOR_ENTRIES],
			     struct px_buf *doc)
{
	static const struct px_header header = {.message_id = "PX-1A2020D5BCCC711AB2F8F8ED",
						.environment = "test",
						.sender = "BY",
						.n_recipients = 1,
						.recipients = {"BY"},
						.type = "Confirmations",
						.created_at = 1795000000000};
	px_confirm_exchange(doc, &header, entries, PX_FLOOR_ENTRIES);
	if (px_seal(f->node, doc) != PX_OK)
		px_bench_die("sign", "failed");
}

/* A hundredth of making the exchange that carries a hundred. */
double px_floor_gather(struct px_floor *f, unsigned rounds)
{
	struct px_buf entries[PX_FLOOR_ENTRIES];
	for (unsigned i = 0; i < PX_FLOOR_ENTRIES; i++) {
		entries[i] = (struct px_buf)PX_BUF_INIT;
		px_floor_write_entry(f, &entries[i]);
	}
	rounds = PX_MAX(rounds / PX_FLOOR_ENTRIES, 2U);
	double start = px_floor_cpu();
	for (unsigned i = 0; i < rounds; i++) {
		struct px_buf doc = PX_BUF_INIT;
		px_floor_write_exchange(f, entries, &doc);
		px_buf_free(&doc);
	}
	double took = (px_floor_cpu() - start) / rounds / PX_FLOOR_ENTRIES;
	for (unsigned i = 0; i < PX_FLOOR_ENTRIES; i++)
		px_buf_free(&entries[i]);
	return took;
}

/* --- store
 * -------------------------------------------------------------------------------------------------- */

/* Five tables: bodies, records and answers by number, two indexes by hash. Nothing a broker keeps of a
 * message can be found again with less. */
struct px_floor_store {
	char folder[300];
	MDB_env *env;
	MDB_dbi bodies, records, ids, keys, answers;
	uint64_t seq, settled;
	const struct px_buf *answer; /* borrowed */
};

static void must(int rc, const char *what)
{
	if (rc != MDB_SUCCESS)
		px_bench_die(what, mdb_strerror(rc));
}

struct px_floor_store *px_floor_store_open(struct px_floor *f)
{
	struct px_floor_store *db = px_xcalloc(1, sizeof(*db));
	MDB_txn *txn;
	snprintf(db->folder, sizeof(db->folder), "%s/floor-XXXXXX", f->scratch);
	if (mkdtemp(db->folder) == NULL)
		px_bench_die(db->folder, "cannot be made");
	must(mdb_env_create(&db->env), "LMDB");
	must(mdb_env_set_maxdbs(db->env, 8), "LMDB");
	must(mdb_env_set_mapsize(db->env, (size_t)8 << 30), "LMDB");
	must(mdb_env_open(db->env, db->folder, 0, 0600), db->folder);
	must(mdb_txn_begin(db->env, NULL, 0, &txn), "LMDB");
	must(mdb_dbi_open(txn, "bodies", MDB_CREATE, &db->bodies), "LMDB");
	must(mdb_dbi_open(txn, "records", MDB_CREATE, &db->records), "LMDB");
	must(mdb_dbi_open(txn, "answers", MDB_CREATE, &db->answers), "LMDB");
	must(mdb_dbi_open(txn, "ids", MDB_CREATE, &db->ids), "LMDB");
	must(mdb_dbi_open(txn, "keys", MDB_CREATE, &db->keys), "LMDB");
	must(mdb_txn_commit(txn), "LMDB");
	db->answer = f->answer;
	return db;
}

void px_floor_store_close(struct px_floor_store **store)
{
	struct px_floor_store *db = *store;
	char path[400];
	mdb_env_close(db->env);
	snprintf(path, sizeof(path), "%s/data.mdb", db->folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/lock.mdb", db->folder);
	unlink(path);
	rmdir(db->folder);
	free(db);
	*store = NULL;
}

static MDB_val be64(uint64_t n, uint8_t out[8])
{
	for (int i = 7; i >= 0; i--, n >>= 8)
		out[i] = (uint8_t)n;
	return (MDB_val){8, out};
}

static void put_hashed(MDB_txn *txn, MDB_dbi dbi, const char *kind, uint64_t n, MDB_val *value)
{
	char text[64];
	uint8_t hash[PX_DIGEST_LEN];
	int len = snprintf(text, sizeof(text), "%s%020llu", kind, (unsigned long long)n);
	px_sha256(text, (size_t)len, hash);
	MDB_val key = {INDEX_KEY, hash};
	must(mdb_put(txn, dbi, &key, value, 0), "put");
}

/* The CoA stands behind the body. */
static void accept_one(struct px_floor_store *db, MDB_txn *txn, const struct px_buf *doc)
{
	static uint8_t record[RECORD];
	uint8_t number[8];
	MDB_val key = be64(++db->seq, number), body = {doc->len + db->answer->len, NULL};
	MDB_val rest = {RECORD, record}, seq = {8, number};
	must(mdb_put(txn, db->bodies, &key, &body, MDB_APPEND | MDB_RESERVE), "put");
	memcpy(body.mv_data, doc->data, doc->len);
	memcpy((uint8_t *)body.mv_data + doc->len, db->answer->data, db->answer->len);
	must(mdb_put(txn, db->records, &key, &rest, MDB_APPEND), "put");
	put_hashed(txn, db->ids, "id", db->seq, &seq);
	put_hashed(txn, db->keys, "key", db->seq, &seq);
}

void px_floor_store_accept(struct px_floor_store *db, const struct px_buf *const *docs, unsigned n)
{
	MDB_txn *txn;
	must(mdb_txn_begin(db->env, NULL, 0, &txn), "begin");
	for (unsigned i = 0; i < n; i++)
		accept_one(db, txn, docs[i]);
	must(mdb_txn_commit(txn), "commit");
}

/* The message's record is put again with what became of it; the answer goes into a table of its own. */
void px_floor_store_settle(struct px_floor_store *db, unsigned n)
{
	static uint8_t record[RECORD];
	MDB_txn *txn;
	must(mdb_txn_begin(db->env, NULL, 0, &txn), "begin");
	for (unsigned i = 0; i < n; i++) {
		uint8_t number[8];
		MDB_val key = be64(++db->settled, number), rest = {RECORD, record};
		MDB_val answer = {db->answer->len, db->answer->data};
		must(mdb_put(txn, db->records, &key, &rest, 0), "put");
		must(mdb_put(txn, db->answers, &key, &answer, MDB_APPEND), "put");
	}
	must(mdb_txn_commit(txn), "commit");
}

static unsigned whole_batches(unsigned rounds)
{
	return (rounds + BATCH - 1) / BATCH * BATCH;
}

/* @return CPU us of accepting one of @rounds. */
static double accept_many(struct px_floor *f, struct px_floor_store *db, unsigned rounds)
{
	const struct px_buf *docs[BATCH];
	for (unsigned i = 0; i < BATCH; i++)
		docs[i] = f->doc;
	double start = px_floor_cpu();
	for (unsigned n = 0; n < rounds; n += BATCH)
		px_floor_store_accept(db, docs, BATCH);
	return (px_floor_cpu() - start) / rounds;
}

double px_floor_accept(struct px_floor *f, unsigned rounds)
{
	struct px_floor_store *db = px_floor_store_open(f);
	double took = accept_many(f, db, whole_batches(rounds));
	px_floor_store_close(&db);
	return took;
}

double px_floor_settle(struct px_floor *f, unsigned rounds)
{
	struct px_floor_store *db = px_floor_store_open(f);
	rounds = whole_batches(rounds);
	accept_many(f, db, rounds);
	double start = px_floor_cpu();
	for (unsigned n = 0; n < rounds; n += BATCH)
		px_floor_store_settle(db, BATCH);
	double took = (px_floor_cpu() - start) / rounds;
	px_floor_store_close(&db);
	return took;
}
