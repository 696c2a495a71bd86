/* prinex: fills a store with deliveries that wait for one partner, by the store's own operations
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

#include "base/log.h"
#include "base/strings.h"
#include "store/store.h"

/*
 * usage: backlog FOLDER N PARTNER RECIPIENT [OCTETS [PER-MOVEMENT [SHUTTLE]]]
 *
 * Accepts N messages (BACKLOG-1, BACKLOG-2, ...) of OCTETS (1024) each in the store in FOLDER, which nobody
 * may have open; each has one delivery to RECIPIENT through PARTNER. PER-MOVEMENT (4) in a row belong to one
 * movement, found by its LRN (Bm) and vehicle (AE m-7); each is expected at UA205020 a minute after the one
 * before, from the next midnight on. With SHUTTLE they also have an MRN (M m), a container (C m) and a seal
 * (S m), and the last SHUTTLE of them are journeys of one vehicle more (SHUTTLE 1). The body is no exchange
 * that anybody signed: it begins with a line `BACKLOG-n movement m`, so that whoever takes the posts can
 * check the order. Prints what it did.
 */
#define AT_ONCE 512

struct backlog {
	struct px_store *st;
	const char *partner, *recipient;
	uint64_t n, octets, per_movement, shuttle;
	bool all_keys;
	int64_t first_arrival;
	uint64_t outstanding, failed;
};

static void accepted(void *arg, const struct px_accept_result *r)
{
	struct backlog *b = arg;
	b->outstanding--;
	if (r->rc == PX_OK)
		return;
	if (b->failed++ == 0)
		fprintf(stderr, "backlog: %s\n", px_err_text(r->rc));
}

static void wait_below(struct backlog *b, uint64_t limit)
{
	while (b->outstanding >= limit) {
		struct pollfd pfd = {.fd = px_store_fd(b->st), .events = POLLIN};
		poll(&pfd, 1, 1000);
		px_store_dispatch(b->st);
	}
}

static struct px_body *make_body(const struct backlog *b, uint64_t i)
{
	uint8_t *data = px_xmalloc(b->octets + 64);
	memset(data, '.', b->octets + 64);
	int len = snprintf((char *)data, 64, "BACKLOG-%" PRIu64 " movement %" PRIu64 "\n", i,
			   (i - 1) / b->per_movement);
	data[len] = '.';
	return px_body_new(&data, (size_t)b->octets, NULL);
}

/* Keys of movement @m; room for 9. */
static unsigned make_keys(const struct backlog *b, uint64_t m, struct px_key *keys)
{
	unsigned n = 5;
	keys[0] = (struct px_key){.kind = PX_KEY_LRN};
	keys[1] = (struct px_key){.kind = PX_KEY_DECLARANT, .value = "BACKLOG"};
	keys[2] = (struct px_key){.kind = PX_KEY_VEHICLE};
	keys[3] = (struct px_key){.kind = PX_KEY_EXPECTED_ARRIVAL};
	keys[4] = (struct px_key){.kind = PX_KEY_ARRIVAL_OFFICE, .value = "UA205020"};
	snprintf(keys[0].value, sizeof(keys[0].value), "B%" PRIu64, m);
	snprintf(keys[2].value, sizeof(keys[2].value), "AE %" PRIu64 "-7", m);
	px_time_format(b->first_arrival + (int64_t)m * 60000, keys[3].value, sizeof(keys[3].value));
	for (unsigned i = 0; b->all_keys && i < 3; i++, n++) {
		keys[n].kind = i == 0 ? PX_KEY_MRN : i == 1 ? PX_KEY_CONTAINER : PX_KEY_SEAL;
		snprintf(keys[n].value, sizeof(keys[n].value), "%c %" PRIu64, "MCS"[i], m);
	}
	if ((m + b->shuttle) * b->per_movement >= b->n && b->shuttle > 0)
		keys[n++] = (struct px_key){.kind = PX_KEY_VEHICLE, .value = "SHUTTLE 1"};
	return n;
}

static void accept_one(struct backlog *b, uint64_t i)
{
	const int64_t day = 86400000, now = px_clock_wall(px_clock_real());
	struct px_key keys[9];
	unsigned n_keys = make_keys(b, (i - 1) / b->per_movement, keys);
	struct px_new_delivery delivery = {.deadline = now + 3 * day};
	struct px_accept req = {.partner = "backlog",
				.body = make_body(b, i),
				.prio = PX_PRIO_B,
				.keys = {.n = n_keys, .items = keys},
				.coa = (const uint8_t *)"<none/>",
				.coa_len = 7,
				.horizon_end = now + 31 * day,
				.movement_life = 150 * day,
				.n_deliveries = 1,
				.deliveries = &delivery};
	struct px_header *h = &req.header;
	px_strlcpy(delivery.recipient, b->recipient, sizeof(delivery.recipient));
	px_strlcpy(delivery.partner, b->partner, sizeof(delivery.partner));
	snprintf(h->message_id, sizeof(h->message_id), "BACKLOG-%" PRIu64, i);
	px_strlcpy(h->environment, "test", sizeof(h->environment));
	px_strlcpy(h->sender, "XX", sizeof(h->sender));
	px_strlcpy(h->recipients[0], b->recipient, sizeof(h->recipients[0]));
	h->n_recipients = 1;
	px_strlcpy(h->type, "Backlog", sizeof(h->type));
	h->created_at = now;
	b->outstanding++;
	px_store_accept(b->st, &req, accepted, b);
	px_body_unref(&req.body);
}

static int fill(struct backlog *b, const char *folder)
{
	struct px_buf why = PX_BUF_INIT;
	struct px_store_lmdb_setup setup = {
	    .path = folder, .map_size = UINT64_C(64) << 30, .batch = 256, .clock = px_clock_real()};
	int64_t start = px_clock_mono(px_clock_real());
	if (px_store_lmdb_open(&setup, &b->st, &why) != PX_OK) {
		fprintf(stderr, "backlog: %s\n", px_buf_str(&why));
		px_buf_free(&why);
		return 1;
	}
	b->first_arrival = px_clock_wall(px_clock_real());
	b->first_arrival += 86400000 - b->first_arrival % 86400000;
	for (uint64_t i = 1; i <= b->n && b->failed == 0; i++) {
		wait_below(b, AT_ONCE);
		accept_one(b, i);
		if (i % 100000 == 0 && i < b->n)
			printf("# backlog: %" PRIu64 " of %" PRIu64 "\n", i, b->n);
	}
	wait_below(b, 1);
	px_store_close(&b->st);
	printf("# backlog: %" PRIu64 " deliveries to %s through %s in %.1f s, %" PRIu64 " failed\n", b->n,
	       b->recipient, b->partner, (double)(px_clock_mono(px_clock_real()) - start) / 1000.0,
	       b->failed);
	return b->failed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct backlog b = {.octets = 1024, .per_movement = 4};
	if (argc < 5 || argc > 8 || px_parse_u64(argv[2], 1, UINT64_C(100000000), &b.n) != PX_OK ||
	    !px_is_name(argv[3]) || !px_is_authority(argv[4]) ||
	    (argc > 5 && px_parse_u64(argv[5], 64, 16 << 20, &b.octets) != PX_OK) ||
	    (argc > 6 && px_parse_u64(argv[6], 1, 1000000, &b.per_movement) != PX_OK) ||
	    (argc > 7 && px_parse_u64(argv[7], 0, 1000000, &b.shuttle) != PX_OK)) {
		fputs("usage: backlog FOLDER N PARTNER RECIPIENT [OCTETS [PER-MOVEMENT [SHUTTLE]]]\n",
		      stderr);
		return 2;
	}
	px_log_set_level(PX_LOG_WARN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	b.all_keys = argc > 7;
	b.partner = argv[3];
	b.recipient = argv[4];
	return fill(&b, argv[1]);
}
