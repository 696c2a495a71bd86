/* prinex: a store with many messages kept, made by its own operations; and replaced while purge removes the
 * old SPDX-License-Identifier: Apache-2.0 Copyright (c) 2026 The prinex authors */

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "cpu.h"
#include "base/log.h"
#include "base/strings.h"
#include "store/store.h"

/*
 * usage: bench-fill FOLDER N ROUNDS BEGIN
 *
 * ROUNDS 0: accepts N messages of 1,000 octets in the store in FOLDER, which nobody may have open, and
 * settles the delivery of each. Otherwise ROUNDS times N of them, while purge removes what was accepted N
 * messages before: with every tenth of N it begins at the start and is kept going until it has been through,
 * at the same time as all else. Its clock is its own: it begins at BEGIN (ms since 1970) and each message
 * takes a millisecond. Prints CPU us of the store's threads for each of the last N messages (`store_us=`),
 * what is in it at the end (`messages=`, `octets=`), how many were `purged=`, and `end=`, BEGIN for the next
 * call.
 */
#define OCTETS  1000
#define AT_ONCE 128
#define DAY     INT64_C(86400000)

struct fill {
	struct px_store *st;
	struct px_clock *clock;
	uint64_t n, base; /* base: messages of earlier calls */
	unsigned outstanding, failed;
	bool purging, ending;
	uint64_t from, purged, messages, octets;
};

static void fail(struct fill *f, const char *what, int rc)
{
	if (rc != PX_OK && f->failed++ == 0)
		fprintf(stderr, "bench-fill: %s: %s\n", what, px_err_text(rc));
}

static void wait_below(struct fill *f, unsigned limit)
{
	while (f->outstanding >= limit) {
		struct pollfd pfd = {.fd = px_store_fd(f->st), .events = POLLIN};
		poll(&pfd, 1, 1000);
		px_store_dispatch(f->st);
	}
}

static void settled(void *arg, int rc)
{
	struct fill *f = arg;
	f->outstanding--;
	fail(f, "settle", rc);
}

static void accepted(void *arg, const struct px_accept_result *r)
{
	static const uint8_t answer[900];
	struct fill *f = arg;
	if (r->rc != PX_OK) {
		f->outstanding--;
		fail(f, "accept", r->rc);
		return;
	}
	struct px_settle req = {.delivery = r->delivery_ids[0],
				.state = PX_D_DELIVERED,
				.attempted = true,
				.body_sent = true,
				.answer = answer,
				.answer_len = sizeof(answer)};
	px_store_settle(f->st, &req, settled, f);
}

static void accept_one(struct fill *f, uint64_t i)
{
	static const uint8_t coa[900];
	struct px_key keys[] = {{.kind = PX_KEY_LRN},
				{.kind = PX_KEY_DECLARANT, .value = "190000001"},
				{.kind = PX_KEY_MRN},
				{.kind = PX_KEY_VEHICLE}};
	int64_t now = px_clock_wall(f->clock);
	struct px_new_delivery delivery = {.recipient = "UA", .partner = "system-ua", .deadline = now + DAY};
	struct px_accept req = {.partner = "system-by",
				.prio = PX_PRIO_B,
				.keys = {.n = PX_ARRAY_LEN(keys), .items = keys},
				.coa = coa,
				.coa_len = sizeof(coa),
				.movement_life = DAY,
				.horizon_end = now,
				.n_deliveries = 1,
				.deliveries = &delivery};
	uint8_t *octets = px_xcalloc(1, OCTETS);
	snprintf((char *)octets, OCTETS, "FILL %" PRIu64, i);
	req.body = px_body_new(&octets, OCTETS, NULL);
	px_strlcpy(req.header.sender, "BY", sizeof(req.header.sender));
	px_strlcpy(req.header.recipients[0], "UA", sizeof(req.header.recipients[0]));
	req.header.n_recipients = 1;
	px_strlcpy(req.header.type, "CD001C", sizeof(req.header.type));
	req.header.created_at = now;
	snprintf(req.header.message_id, sizeof(req.header.message_id), "FILL%012" PRIu64, i);
	snprintf(keys[0].value, sizeof(keys[0].value), "FILL%015" PRIu64, i);
	snprintf(keys[2].value, sizeof(keys[2].value), "26BY%013" PRIu64 "0", i);
	snprintf(keys[3].value, sizeof(keys[3].value), "AE %" PRIu64, i);
	f->outstanding++;
	px_store_accept(f->st, &req, accepted, f);
	px_body_unref(&req.body);
	px_clock_sim_advance(f->clock, 1);
}

static void purge_on(struct fill *f);

static void part_purged(void *arg, int rc, const struct px_purge_report *report)
{
	struct fill *f = arg;
	f->outstanding--;
	f->purging = false;
	f->purged += report->messages;
	f->from = report->next;
	fail(f, "purge", rc);
	if (rc == PX_OK && f->from != 0 && !f->ending)
		purge_on(f);
}

static void purge_on(struct fill *f)
{
	struct px_purge req = {.now = px_clock_wall(f->clock),
			       .keep = (int64_t)f->n,
			       .horizon = (int64_t)f->n,
			       .from = f->from,
			       .max = 2000};
	f->outstanding++;
	f->purging = true;
	px_store_purge(f->st, &req, part_purged, f);
}

static void count_messages(void *arg, int rc, const struct px_store_stats *stats)
{
	struct fill *f = arg;
	f->outstanding--;
	fail(f, "stats", rc);
	if (rc != PX_OK)
		return;
	f->base = stats->journal_entries; /* never the same number twice */
	f->octets = stats->bytes_used;
	f->messages = stats->messages;
}

static void look(struct fill *f)
{
	f->outstanding++;
	px_store_stats(f->st, count_messages, f);
	wait_below(f, 1);
}

/* @return CPU us of the store for each of the last N messages. */
static double run(struct fill *f, uint64_t rounds)
{
	uint64_t all = f->n * PX_MAX(rounds, (uint64_t)1), tenth = PX_MAX(f->n / 10, (uint64_t)1);
	double begin = 0;
	for (uint64_t i = 0; i < all && f->failed == 0; i++) {
		wait_below(f, AT_ONCE);
		if (rounds > 0 && i % tenth == 0 && !f->purging)
			purge_on(f);
		if (i == all - f->n)
			begin = others_us();
		accept_one(f, f->base + i);
	}
	double each = (others_us() - begin) / (double)f->n;
	f->ending = true;
	wait_below(f, 1);
	return each;
}

int main(int argc, char **argv)
{
	struct fill f = {.n = 0};
	struct px_buf why = PX_BUF_INIT;
	uint64_t rounds, begin;
	if (argc != 5 || px_parse_u64(argv[2], 10, UINT64_C(100000000), &f.n) != PX_OK ||
	    px_parse_u64(argv[3], 0, 100, &rounds) != PX_OK ||
	    px_parse_u64(argv[4], 0, UINT64_C(1) << 52, &begin) != PX_OK) {
		fputs("usage: bench-fill FOLDER N ROUNDS BEGIN\n", stderr);
		return 2;
	}
	px_log_set_level(PX_LOG_ERR);
	setvbuf(stdout, NULL, _IOLBF, 0);
	f.clock = px_clock_sim_new((int64_t)begin);
	struct px_store_lmdb_setup setup = {
	    .path = argv[1], .map_size = UINT64_C(64) << 30, .batch = 64, .clock = f.clock};
	int rc = px_store_lmdb_open(&setup, &f.st, &why);
	if (rc != PX_OK) {
		fprintf(stderr, "bench-fill: %s\n", px_buf_str(&why));
		px_buf_free(&why);
		return 1;
	}
	look(&f);
	double each = run(&f, rounds);
	look(&f);
	printf("store_us=%.2f\npurged=%" PRIu64 "\nmessages=%" PRIu64 "\noctets=%" PRIu64 "\nend=%" PRId64
	       "\n",
	       each, f.purged, f.messages, f.octets, px_clock_wall(f.clock));
	px_store_close(&f.st);
	px_clock_sim_free(&f.clock);
	px_buf_free(&why);
	return f.failed == 0 ? 0 : 1;
}
