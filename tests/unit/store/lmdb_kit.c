/* prinex: what the tests of the LMDB store are written with
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "lmdb_kit.h"

#include <ftw.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"

/* --- the store --------------------------------------------------------------------------------------- */

int kit_setup(void **state)
{
	struct kit *k = px_xcalloc(1, sizeof(*k));
	px_log_set_level(PX_LOG_ERR);
	(void)snprintf(k->folder, sizeof(k->folder), "/tmp/px-lmdb-XXXXXX");
	if (mkdtemp(k->folder) == NULL)
		return -1;
	k->map_size = KIT_MAP;
	k->batch = 32;
	*state = k;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void kit_remove_files(struct kit *k)
{
	assert_null(k->st);
	nftw(k->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	assert_int_equal(mkdir(k->folder, 0700), 0);
}

int kit_teardown(void **state)
{
	struct kit *k = *state;
	px_store_close(&k->st);
	nftw(k->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(k);
	return 0;
}

int kit_try_open(struct kit *k, struct px_buf *why)
{
	const struct px_store_lmdb_setup setup = {.path = k->folder,
						  .map_size = k->map_size,
						  .watermark = k->watermark,
						  .batch = k->batch,
						  .clock = px_clock_real()};
	return px_store_lmdb_open(&setup, &k->st, why);
}

void kit_open(struct kit *k)
{
	struct px_buf why = PX_BUF_INIT;
	if (kit_try_open(k, &why) != PX_OK)
		fail_msg("open: %s", px_buf_str(&why));
	px_buf_free(&why);
}

void kit_close(struct kit *k)
{
	px_store_close(&k->st);
}

void kit_step(struct kit *k, int ms)
{
	struct pollfd pfd = {.fd = px_store_fd(k->st), .events = POLLIN};
	poll(&pfd, 1, ms);
	px_store_dispatch(k->st);
}

void kit_wait(struct kit *k, const bool *flag)
{
	int64_t until = px_clock_mono(px_clock_real()) + 120000;
	while (!*flag) {
		kit_step(k, 1000);
		if (px_clock_mono(px_clock_real()) > until)
			fail_msg("no answer in two minutes");
	}
}

struct px_tx kit_tamper(struct kit *k, struct px_db *db)
{
	struct px_buf why = PX_BUF_INIT;
	struct px_tx tx;
	if (px_db_open(db, k->folder, k->map_size, 0, &why) != PX_OK)
		fail_msg("%s", px_buf_str(&why));
	assert_int_equal(px_tx_write(&tx, db), PX_OK);
	return tx;
}

void kit_tampered(struct px_tx *tx, struct px_db *db)
{
	assert_int_equal(px_tx_commit(tx), PX_OK);
	px_db_close(db);
}

void kit_flip(struct kit *k, enum px_table table, struct px_tkey key, long offset)
{
	struct px_db db;
	struct px_octets value;
	struct px_tx tx = kit_tamper(k, &db);
	assert_int_equal(px_tx_get(&tx, table, &key, &value), PX_OK);
	uint8_t *copy = px_xmemdup(value.data, value.len);
	copy[offset >= 0 ? (size_t)offset : value.len - (size_t)-offset] ^= 1;
	px_tx_put(&tx, table, &key, copy, value.len);
	free(copy);
	kit_tampered(&tx, &db);
}

#define PAGE      4096
#define PAGE_KIND 10 /* where LMDB keeps what kind of page it is; 2 is a leaf */

struct px_buf kit_value(struct kit *k, enum px_table table, struct px_tkey key)
{
	struct px_db db;
	struct px_octets value;
	struct px_buf copy = PX_BUF_INIT;
	struct px_tx tx = kit_tamper(k, &db);
	assert_int_equal(px_tx_get(&tx, table, &key, &value), PX_OK);
	px_buf_add(&copy, value.data, value.len);
	px_tx_abort(&tx);
	px_db_close(&db);
	return copy;
}

void kit_spoil(struct kit *k, struct px_buf *value, bool page_too)
{
	static uint8_t page[PAGE];
	char path[128];
	unsigned hits = 0;
	(void)snprintf(path, sizeof(path), "%s/data.mdb", k->folder);
	FILE *f = fopen(path, "r+b");
	assert_non_null(f);
	for (long at = 0; fseek(f, at, SEEK_SET) == 0 && fread(page, 1, PAGE, f) == PAGE; at += PAGE) {
		uint8_t *found = memmem(page, PAGE, value->data, value->len);
		if (found == NULL)
			continue;
		if (page_too) /* older copies of the page too: nobody reads those */
			page[PAGE_KIND] ^= 2;
		else
			found[value->len - 1] ^= 1;
		assert_int_equal(fseek(f, at, SEEK_SET), 0);
		assert_int_equal(fwrite(page, 1, PAGE, f), PAGE);
		hits++;
	}
	assert_int_equal(fclose(f), 0);
	assert_true(hits > 0);
	px_buf_free(value);
}

void kit_break_page(struct kit *k, enum px_table table, struct px_tkey key)
{
	struct px_buf value = kit_value(k, table, key);
	kit_spoil(k, &value, true);
}

/* --- writing ----------------------------------------------------------------------------------------- */

struct px_body *kit_body(const char *id, size_t size)
{
	uint8_t *data = px_xmalloc(size + 64);
	memset(data, 'x', size + 64);
	(void)snprintf((char *)data, 64, "%s", id);
	return px_body_new(&data, size, NULL);
}

static void accept_done(void *arg, const struct px_accept_result *result)
{
	struct kit_accept *out = arg;
	*out = (struct kit_accept){.done = true,
				   .rc = result->rc,
				   .seq = result->seq,
				   .movement = result->movement,
				   .coa_len = result->coa_len};
	if (result->n_deliveries > 0)
		out->delivery = result->delivery_ids[0];
}

void kit_submit(struct kit *k, const char *id, size_t size, const char *lrn, struct kit_accept *out)
{
	struct px_body *body = kit_body(id, size);
	kit_submit_body(k, id, body, lrn, out);
	px_body_unref(&body);
}

static void submit(struct kit *k, const char *id, struct px_body *body, const char *lrn, const char *mrn,
		   struct kit_accept *out)
{
	struct px_key keys[] = {{PX_KEY_LRN, ""},
				{PX_KEY_DECLARANT, "190000001"},
				{PX_KEY_EXPECTED_ARRIVAL, KIT_ARRIVAL},
				{PX_KEY_ARRIVAL_OFFICE, KIT_OFFICE},
				{PX_KEY_MRN, ""}};
	struct px_new_delivery delivery = {.recipient = "UA", .partner = "ua", .route = "east"};
	struct px_accept req = {.partner = "by",
				.body = body,
				.prio = PX_PRIO_B,
				.coa = (const uint8_t *)"<CoA/>",
				.coa_len = 6,
				.movement_life = 86400000,
				.n_deliveries = 1,
				.deliveries = &delivery};
	delivery.deadline = px_clock_wall(px_clock_real()) + 86400000;
	px_strlcpy(req.header.sender, "BY", sizeof(req.header.sender));
	px_strlcpy(req.header.type, "CD001C", sizeof(req.header.type));
	static int64_t created; /* each is younger than the one before: purge remembers */
	req.header.created_at = ++created;
	px_strlcpy(req.header.message_id, id, sizeof(req.header.message_id));
	if (lrn != NULL) {
		px_strlcpy(keys[0].value, lrn, sizeof(keys[0].value));
		req.keys = (struct px_keys){.n = 4, .items = keys};
	}
	if (mrn != NULL) {
		px_strlcpy(keys[4].value, mrn, sizeof(keys[4].value));
		req.keys.n = 5;
	}
	*out = (struct kit_accept){.done = false};
	px_store_accept(k->st, &req, accept_done, out);
}

void kit_submit_body(struct kit *k, const char *id, struct px_body *body, const char *lrn,
		     struct kit_accept *out)
{
	submit(k, id, body, lrn, NULL, out);
}

struct kit_accept kit_accept_mrn(struct kit *k, const char *id, size_t size, const char *lrn, const char *mrn)
{
	struct px_body *body = kit_body(id, size);
	struct kit_accept out;
	submit(k, id, body, lrn, mrn, &out);
	px_body_unref(&body);
	kit_wait(k, &out.done);
	return out;
}

struct kit_accept kit_accept(struct kit *k, const char *id, size_t size, const char *lrn)
{
	struct kit_accept out;
	kit_submit(k, id, size, lrn, &out);
	kit_wait(k, &out.done);
	return out;
}

void kit_write_done(void *arg, int rc)
{
	struct kit_write *out = arg;
	*out = (struct kit_write){true, rc};
}

int kit_settle(struct kit *k, const struct px_settle *settle)
{
	struct kit_write out = {.done = false};
	px_store_settle(k->st, settle, kit_write_done, &out);
	kit_wait(k, &out.done);
	return out.rc;
}

static void lease_done(void *arg, int rc, unsigned n, const struct px_lease *leases)
{
	struct kit_leases *out = arg;
	out->done = true;
	out->rc = rc;
	out->n = n;
	for (unsigned i = 0; i < n; i++) {
		out->items[i] = leases[i];
		out->body_len[i] = leases[i].body->len;
	}
}

void kit_submit_lease(struct kit *k, unsigned max, struct kit_leases *out)
{
	*out = (struct kit_leases){.done = false};
	px_store_lease(k->st, "ua", PX_MIN(max, 16u), px_clock_wall(px_clock_real()), lease_done, out);
}

struct kit_leases kit_lease(struct kit *k, unsigned max)
{
	struct kit_leases out;
	kit_submit_lease(k, max, &out);
	kit_wait(k, &out.done);
	return out;
}

struct px_store_lmdb_setup kit_setup_of(const struct kit *k)
{
	return (struct px_store_lmdb_setup){.path = k->folder,
					    .map_size = k->map_size != 0 ? k->map_size : KIT_MAP,
					    .clock = px_clock_real()};
}

void kit_fill_linked(struct kit *k)
{
	assert_int_equal(kit_accept(k, "A", 100, "LA").rc, PX_OK);
	assert_int_equal(kit_accept_mrn(k, "B", 100, "LB", "X").rc, PX_OK);
	assert_int_equal(kit_accept_mrn(k, "AB", 100, "LA", "X").rc, PX_OK);
}

/* --- reading ----------------------------------------------------------------------------------------- */

static void message_done(void *arg, int rc, const struct px_message *message)
{
	struct kit_message *out = arg;
	*out = (struct kit_message){.done = true, .rc = rc};
	if (message == NULL)
		return;
	out->seq = message->seq;
	out->n_deliveries = message->n_deliveries;
	if (message->n_deliveries > 0)
		out->delivery = message->deliveries[0];
	if (message->n_deliveries > 1)
		out->second = message->deliveries[1];
}

struct kit_message kit_find(struct kit *k, const char *id)
{
	struct kit_message out = {.done = false};
	px_store_find(k->st, "BY", id, message_done, &out);
	kit_wait(k, &out.done);
	return out;
}

struct body_got {
	bool done;
	int rc;
	const struct px_body *expected;
};

static void body_done(void *arg, int rc, struct px_body *body)
{
	struct body_got *out = arg;
	out->done = true;
	out->rc = rc;
	if (rc == PX_OK && out->expected != NULL &&
	    (body->len != out->expected->len || memcmp(body->data, out->expected->data, body->len) != 0))
		out->rc = PX_ECONFLICT;
}

int kit_read_body(struct kit *k, uint64_t seq, const struct px_body *expected)
{
	struct body_got out = {.expected = expected};
	px_store_body(k->st, seq, body_done, &out);
	kit_wait(k, &out.done);
	return out.rc;
}

static void stats_done(void *arg, int rc, const struct px_store_stats *stats)
{
	struct kit_stats *out = arg;
	out->done = true;
	if (rc != PX_OK)
		return;
	out->s = *stats;
	for (unsigned i = 0; i < stats->n_partners; i++) {
		if (strcmp(stats->partners[i].partner, "ua") == 0)
			out->ua = stats->partners[i];
	}
	out->s.partners = NULL;
}

struct kit_stats kit_stats(struct kit *k)
{
	struct kit_stats out = {.done = false};
	px_store_stats(k->st, stats_done, &out);
	kit_wait(k, &out.done);
	return out;
}

static void verify_done(void *arg, int rc, const struct px_verify_report *report)
{
	struct kit_verify *out = arg;
	*out = (struct kit_verify){.done = true, .rc = rc};
	if (report == NULL)
		return;
	out->report = *report;
	px_strlcpy(out->first_fault, report->first_fault, sizeof(out->first_fault));
}

void kit_submit_verify(struct kit *k, struct kit_verify *out)
{
	*out = (struct kit_verify){.done = false};
	px_store_verify(k->st, NULL, NULL, verify_done, out);
}

struct kit_verify kit_verify(struct kit *k)
{
	struct kit_verify out;
	kit_submit_verify(k, &out);
	kit_wait(k, &out.done);
	return out;
}

void kit_sound(struct kit *k)
{
	struct kit_verify v = kit_verify(k);
	assert_int_equal(v.rc, PX_OK);
	assert_string_equal(v.first_fault, "");
	assert_int_equal(v.report.damaged, 0);
	assert_int_equal(v.report.index_faults, 0);
	assert_true(v.report.journal_ok);
}

struct journal_got {
	bool done;
	enum px_journal_kind kind;
	unsigned n;
	uint64_t next;
	struct px_buf *last;
};

static void journal_done(void *arg, int rc, unsigned n, const struct px_journal_read *entries, uint64_t next)
{
	struct journal_got *out = arg;
	out->done = true;
	out->next = rc == PX_OK ? next : 0;
	for (unsigned i = 0; i < n; i++) {
		if (entries[i].entry.kind != out->kind)
			continue;
		out->n++;
		if (out->last != NULL)
			px_buf_setf(out->last, "%s", entries[i].entry.detail);
	}
}

unsigned kit_count_journal(struct kit *k, enum px_journal_kind kind, struct px_buf *last)
{
	struct journal_got out = {.kind = kind, .last = last};
	do {
		out.done = false;
		px_store_journal_scan(k->st, out.next, 1000, true, journal_done, &out);
		kit_wait(k, &out.done);
	} while (out.next != 0);
	return out.n;
}
