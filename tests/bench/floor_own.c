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

enum { BATCH = 32, RECORD = 700, INDEX_KEY = 16 };

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
double px_floor_confirm(struct px_floor *f, unsigned rounds)
{
	double start = px_floor_cpu();
	for (unsigned i = 0; i < rounds; i++) {
		struct px_buf doc = PX_BUF_INIT;
		px_confirm_write(&doc, &coa, true);
		if (px_seal(f->node, &doc) != PX_OK)
			px_bench_die("sign", "failed");
		px_buf_free(&doc);
	}
	return (px_floor_cpu() - start) / rounds;
}

/* One entry of a Confirmations exchange: the CoD with the recipient's CoA inside. */
double px_floor_entry(struct px_floor *f, unsigned rounds)
{
	struct px_confirm cod = coa;
	cod.kind = PX_COD;
	cod.cod_follows = false;
	cod.evidence = f->answer->data;
	cod.evidence_len = f->answer->len;
	double start = px_floor_cpu();
	for (unsigned i = 0; i < rounds; i++) {
		struct px_buf entry = PX_BUF_INIT;
		px_confirm_write(&entry, &cod, false);
		px_buf_free(&entry);
	}
	return (px_floor_cpu() - start) / rounds;
}

/* A hundredth of making the exchange that carries a hundred. */
double px_floor_gather(struct px_floor *f, unsigned rounds)
{
	struct px_buf entries[PX_ENTRIES_MAX];
	struct px_confirm cod = coa;
	struct px_header header = {.message_id = "PX-1A2020D5BCCC711AB2F8F8ED",
				   .environment = "test",
				   .sender = "BY",
				   .n_recipients = 1,
				   .recipients = {"BY"},
				   .type = "Confirmations",
				   .created_at = 1795000000000};
	cod.kind = PX_COD;
	cod.evidence = f->answer->data;
	cod.evidence_len = f->answer->len;
	for (unsigned i = 0; i < PX_ENTRIES_MAX; i++) {
		entries[i] = (struct px_buf)PX_BUF_INIT;
		px_confirm_write(&entries[i], &cod, false);
	}
	rounds = PX_MAX(rounds / PX_ENTRIES_MAX, 2U);
	double start = px_floor_cpu();
	for (unsigned i = 0; i < rounds; i++) {
		struct px_buf doc = PX_BUF_INIT;
		px_confirm_exchange(&doc, &header, entries, PX_ENTRIES_MAX);
		if (px_seal(f->node, &doc) != PX_OK)
			px_bench_die("sign", "failed");
		px_buf_free(&doc);
	}
	double took = (px_floor_cpu() - start) / rounds / PX_ENTRIES_MAX;
	for (unsigned i = 0; i < PX_ENTRIES_MAX; i++)
		px_buf_free(&entries[i]);
	return took;
}

/* --- store
 * -------------------------------------------------------------------------------------------------- */

/* Four tables: bodies and records by number, two indexes by hash. Nothing a broker keeps of a message can be
 * found again with less. */
struct db {
	char folder[300];
	MDB_env *env;
	MDB_dbi bodies, records, ids, keys;
	uint64_t seq;
};

static void must(int rc, const char *what)
{
	if (rc != MDB_SUCCESS)
		px_bench_die(what, mdb_strerror(rc));
}

static void open_db(struct db *db, const char *scratch)
{
	MDB_txn *txn;
	snprintf(db->folder, sizeof(db->folder), "%s/floor-XXXXXX", scratch);
	if (mkdtemp(db->folder) == NULL)
		px_bench_die(db->folder, "cannot be made");
	must(mdb_env_create(&db->env), "LMDB");
	must(mdb_env_set_maxdbs(db->env, 8), "LMDB");
	must(mdb_env_set_mapsize(db->env, (size_t)8 << 30), "LMDB");
	must(mdb_env_open(db->env, db->folder, 0, 0600), db->folder);
	must(mdb_txn_begin(db->env, NULL, 0, &txn), "LMDB");
	must(mdb_dbi_open(txn, "bodies", MDB_CREATE, &db->bodies), "LMDB");
	must(mdb_dbi_open(txn, "records", MDB_CREATE, &db->records), "LMDB");
	must(mdb_dbi_open(txn, "ids", MDB_CREATE, &db->ids), "LMDB");
	must(mdb_dbi_open(txn, "keys", MDB_CREATE, &db->keys), "LMDB");
	must(mdb_txn_commit(txn), "LMDB");
}

static void close_db(struct db *db)
{
	char path[400];
	mdb_env_close(db->env);
	snprintf(path, sizeof(path), "%s/data.mdb", db->folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/lock.mdb", db->folder);
	unlink(path);
	rmdir(db->folder);
}

static void be64(uint64_t n, uint8_t out[8])
{
	for (int i = 7; i >= 0; i--, n >>= 8)
		out[i] = (uint8_t)n;
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

static void accept_one(struct px_floor *f, struct db *db, MDB_txn *txn)
{
	static uint8_t record[RECORD + 4096];
	uint8_t number[8];
	be64(++db->seq, number);
	MDB_val key = {8, number}, body = {f->doc->len, f->doc->data};
	MDB_val rest = {RECORD + f->answer->len, record}, seq = {8, number};
	must(mdb_put(txn, db->bodies, &key, &body, MDB_APPEND), "put");
	must(mdb_put(txn, db->records, &key, &rest, MDB_APPEND), "put");
	put_hashed(txn, db->ids, "id", db->seq, &seq);
	put_hashed(txn, db->keys, "key", db->seq, &seq);
}

double px_floor_accept(struct px_floor *f, unsigned rounds)
{
	struct db db = {.seq = 0};
	open_db(&db, f->scratch);
	unsigned n = 0;
	double start = px_floor_cpu();
	while (n < rounds) {
		MDB_txn *txn;
		must(mdb_txn_begin(db.env, NULL, 0, &txn), "begin");
		for (unsigned i = 0; i < BATCH; i++, n++)
			accept_one(f, &db, txn);
		must(mdb_txn_commit(txn), "commit");
	}
	double took = (px_floor_cpu() - start) / n;
	close_db(&db);
	return took;
}

/* The message's record is put again with what became of it; the answer goes into a table of its own. */
double px_floor_settle(struct px_floor *f, unsigned rounds)
{
	struct db db = {.seq = 0};
	static uint8_t record[RECORD];
	open_db(&db, f->scratch);
	rounds = (rounds + BATCH - 1) / BATCH * BATCH;
	double took = 0;
	for (unsigned n = 0, pass = 0; pass < 2; n = 0, pass++) {
		double start = px_floor_cpu();
		while (n < rounds) {
			MDB_txn *txn;
			must(mdb_txn_begin(db.env, NULL, 0, &txn), "begin");
			for (unsigned i = 0; i < BATCH; i++) {
				uint8_t number[8];
				be64(++n, number);
				MDB_val key = {8, number}, rest = {sizeof(record), record},
					answer = {f->answer->len, f->answer->data};
				must(mdb_put(txn, db.records, &key, &rest, 0), "put");
				if (pass == 1)
					must(mdb_put(txn, db.bodies, &key, &answer, MDB_APPEND), "put");
			}
			must(mdb_txn_commit(txn), "commit");
		}
		took = (px_floor_cpu() - start) / rounds;
	}
	close_db(&db);
	return took;
}
