/* prinex: what the store's writer costs: accept and settle, by how many share a transaction
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "cpu.h"
#include "base/log.h"
#include "base/strings.h"
#include "store/store.h"

/*
 * usage: bench-store [FOLDER [MESSAGES [OCTETS [BATCH]]]]
 *
 * Accepts messages of OCTETS (6000) with two business keys, a CoA and one delivery each, then settles them,
 * in a new store below FOLDER (/tmp), with at most 1, 32 and 128 operations in a transaction and twice as
 * many waiting. Prints CPU of the store's own threads and wall time, per operation, as `key=value` lines; of
 * accepting also the first and the last tenth, so that growth shows: with BATCH 32 and 1000000 messages of
 * 1000 octets it takes a minute or two and 4 GB of disk.
 */
struct bench {
	struct px_store *st;
	unsigned messages, outstanding, failed;
	size_t octets;
	uint64_t *deliveries;
	unsigned n_deliveries;
};

static void wait_below(struct bench *b, unsigned limit)
{
	while (b->outstanding >= limit) {
		struct pollfd pfd = {.fd = px_store_fd(b->st), .events = POLLIN};
		poll(&pfd, 1, 1000);
		px_store_dispatch(b->st);
	}
}

static void accepted(void *arg, const struct px_accept_result *r)
{
	struct bench *b = arg;
	b->outstanding--;
	if (r->rc == PX_OK)
		b->deliveries[b->n_deliveries++] = r->delivery_ids[0];
	else
		b->failed++;
}

static void accept_one(struct bench *b, unsigned i, const uint8_t *octets)
{
	static const uint8_t coa[1500];
	struct px_key keys[] = {{.kind = PX_KEY_LRN}, {.kind = PX_KEY_DECLARANT, .value = "190000001"}};
	struct px_new_delivery delivery = {.recipient = "UA", .partner = "ua", .deadline = INT64_MAX};
	struct px_accept req = {.partner = "by",
				.prio = PX_PRIO_B,
				.keys = {.n = 2, .items = keys},
				.coa = coa,
				.coa_len = sizeof(coa),
				.movement_life = 86400000,
				.horizon_end = INT64_MAX / 2,
				.n_deliveries = 1,
				.deliveries = &delivery};
	uint8_t *copy = px_xmemdup(octets, b->octets);
	snprintf((char *)copy, 16, "%u", i);
	req.body = px_body_new(&copy, b->octets, NULL);
	px_strlcpy(req.header.sender, "BY", sizeof(req.header.sender));
	px_strlcpy(req.header.type, "CD001C", sizeof(req.header.type));
	snprintf(req.header.message_id, sizeof(req.header.message_id), "BY2026%09u", i);
	snprintf(keys[0].value, sizeof(keys[0].value), "LRN%015u", i);
	b->outstanding++;
	px_store_accept(b->st, &req, accepted, b);
	px_body_unref(&req.body);
}

static void settled(void *arg, int rc)
{
	struct bench *b = arg;
	b->outstanding--;
	b->failed += rc != PX_OK ? 1 : 0;
}

static void settle_one(struct bench *b, uint64_t delivery)
{
	static const uint8_t answer[1500];
	struct px_settle req = {.delivery = delivery,
				.state = PX_D_DELIVERED,
				.attempted = true,
				.body_sent = true,
				.answer = answer,
				.answer_len = sizeof(answer)};
	b->outstanding++;
	px_store_settle(b->st, &req, settled, b);
}

static void report(const struct bench *b, const char *what, unsigned batch, double cpu, double wall)
{
	printf("%s_batch%u_cpu_us=%.1f\n%s_batch%u_wall_us=%.1f\n", what, batch,
	       (others_us() - cpu) / b->messages, what, batch,
	       (clock_us(CLOCK_MONOTONIC) - wall) / b->messages);
}

static void run(struct bench *b, unsigned batch)
{
	uint8_t *octets = px_xcalloc(1, b->octets);
	b->n_deliveries = 0;
	unsigned tenth = b->messages / 10;
	double cpu = others_us(), wall = clock_us(CLOCK_MONOTONIC), first = cpu, last = cpu;
	for (unsigned i = 0; i < b->messages; i++) {
		wait_below(b, 2 * batch);
		if (i == tenth)
			first = others_us() - cpu;
		else if (i == b->messages - tenth)
			last = others_us();
		accept_one(b, i, octets);
	}
	wait_below(b, 1);
	report(b, "accept", batch, cpu, wall);
	if (tenth > 0)
		printf("accept_first_batch%u_cpu_us=%.1f\naccept_last_batch%u_cpu_us=%.1f\n", batch,
		       first / tenth, batch, (others_us() - last) / tenth);
	cpu = others_us();
	wall = clock_us(CLOCK_MONOTONIC);
	for (unsigned i = 0; i < b->n_deliveries; i++) {
		wait_below(b, 2 * batch);
		settle_one(b, b->deliveries[i]);
	}
	wait_below(b, 1);
	report(b, "settle", batch, cpu, wall);
	free(octets);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int run_in_new_store(struct bench *b, const char *parent, unsigned batch)
{
	char folder[256];
	struct px_buf why = PX_BUF_INIT;
	snprintf(folder, sizeof(folder), "%s/px-bench-XXXXXX", parent);
	if (mkdtemp(folder) == NULL) {
		perror(folder);
		return 1;
	}
	struct px_store_lmdb_setup setup = {
	    .path = folder, .map_size = UINT64_C(64) << 30, .batch = batch, .clock = px_clock_real()};
	int rc = px_store_lmdb_open(&setup, &b->st, &why);
	if (rc == PX_OK)
		run(b, batch);
	else
		fprintf(stderr, "bench-store: %s\n", px_buf_str(&why));
	px_store_close(&b->st);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	px_buf_free(&why);
	return rc == PX_OK && b->failed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const unsigned batches[] = {1, 32, 128};
	uint64_t messages = 20000, octets = 6000, batch = 0;
	const char *folder = argc > 1 ? argv[1] : "/tmp";
	int status = 0;
	if ((argc > 2 && px_parse_u64(argv[2], 1, 10000000, &messages) != PX_OK) ||
	    (argc > 3 && px_parse_u64(argv[3], 16, 4 << 20, &octets) != PX_OK) ||
	    (argc > 4 && px_parse_u64(argv[4], 1, 1000, &batch) != PX_OK)) {
		fputs("usage: bench-store [FOLDER [MESSAGES [OCTETS [BATCH]]]]\n", stderr);
		return 2;
	}
	px_log_set_level(PX_LOG_ERR);
	struct bench b = {.messages = (unsigned)messages, .octets = (size_t)octets};
	b.deliveries = px_xcalloc(b.messages, sizeof(b.deliveries[0]));
	for (size_t i = 0; i < PX_ARRAY_LEN(batches) && status == 0 && batch == 0; i++)
		status = run_in_new_store(&b, folder, batches[i]);
	if (batch != 0)
		status = run_in_new_store(&b, folder, (unsigned)batch);
	free(b.deliveries);
	return status;
}
