/* prinex: makes the stores of this folder, each with the library of its format; see README.md
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/strings.h"
#include "store/marks.h"
#include "store/store.h"

/* Nothing in it ends by itself, whenever it is read. */
#define THEN INT64_C(1704067200000) /* 2024-01-01 */
#define LATE INT64_C(7258118400000) /* 2200-01-01 */

static struct px_store *st;
static struct px_clock *now;
static int outcome;
static bool done;
static uint64_t delivery;
static struct px_token token;

static void wait_for_it(void)
{
	while (!done) {
		px_store_dispatch(st);
		usleep(100);
	}
	done = false;
}

static void written(void *arg, int rc)
{
	(void)arg;
	outcome = rc;
	done = true;
}

static void must(const char *what)
{
	wait_for_it();
	if (outcome != PX_OK) {
		fprintf(stderr, "%s: %s\n", what, px_err_text(outcome));
		_exit(1);
	}
}

static void accepted(void *arg, const struct px_accept_result *r)
{
	(void)arg;
	outcome = r->rc;
	delivery = r->n_deliveries > 0 ? r->delivery_ids[0] : 0;
	done = true;
}

static void set(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text);
}

/* tests/e2e/test_upgrade.py knows what these octets are. */
static struct px_body *body_of(const char *id)
{
	char text[1024];
	int n = snprintf(
	    text, sizeof(text),
	    "<px:Exchange xmlns:px=\"urn:prinex:exchange:1\"><px:Header><px:MessageId>%s</px:MessageId>"
	    "<px:Environment>test</px:Environment><px:Sender>BY</px:Sender><px:Recipient>XA</px:Recipient>"
	    "<px:MessageType>ExportDeclaration</px:MessageType></px:Header></px:Exchange>",
	    id);
	return px_body_copy(text, (size_t)n);
}

static uint64_t accept(const char *id, const char *lrn, const char *mrn, const char *to)
{
	struct px_key keys[] = {{PX_KEY_DECLARANT, "190000001"},
				{PX_KEY_VEHICLE, "AB 1234-7"},
				{PX_KEY_LRN, ""},
				{PX_KEY_MRN, ""}};
	struct px_new_delivery d = {.route = "east", .deadline = LATE};
	char coa[64];
	struct px_accept req = {.partner = "system-by",
				.body = body_of(id),
				.prio = PX_PRIO_B,
				.keys = {.items = keys, .n = 2},
				.horizon_end = LATE,
				.movement_life = LATE,
				.n_deliveries = 1,
				.deliveries = &d};
	snprintf(coa, sizeof(coa), "<CoA of='%s'/>", id);
	req.coa = (const uint8_t *)coa;
	req.coa_len = strlen(coa);
	set(d.recipient, sizeof(d.recipient), strcmp(to, "system-xa") == 0 ? "XA" : "XB");
	set(d.partner, sizeof(d.partner), to);
	set(req.header.message_id, sizeof(req.header.message_id), id);
	set(req.header.environment, sizeof(req.header.environment), "test");
	set(req.header.sender, sizeof(req.header.sender), "BY");
	set(req.header.type, sizeof(req.header.type), "ExportDeclaration");
	set(req.header.recipients[0], sizeof(req.header.recipients[0]), d.recipient);
	req.header.n_recipients = 1;
	req.header.created_at = THEN;
	if (lrn != NULL) {
		keys[req.keys.n].kind = PX_KEY_LRN;
		set(keys[req.keys.n++].value, sizeof(keys[0].value), lrn);
	}
	if (mrn != NULL) {
		keys[req.keys.n].kind = PX_KEY_MRN;
		set(keys[req.keys.n++].value, sizeof(keys[0].value), mrn);
	}
	px_store_accept(st, &req, accepted, NULL);
	must(id);
	px_body_unref(&req.body);
	return delivery;
}

static void leased(void *arg, int rc, unsigned n, const struct px_lease *leases)
{
	(void)arg;
	outcome = rc == PX_OK && n != 1 ? PX_ENOTFOUND : rc;
	if (outcome == PX_OK) {
		token = leases[0].token;
		delivery = leases[0].delivery.id;
	}
	done = true;
}

static void settle(uint64_t which, enum px_delivery_state state, const char *owed)
{
	struct px_settle s = {.delivery = which,
			      .token = token,
			      .state = state,
			      .attempted = true,
			      .body_sent = true,
			      .due = LATE,
			      .answer = (const uint8_t *)"<CoA/>",
			      .answer_len = 6,
			      .owed = (const uint8_t *)owed,
			      .owed_len = owed != NULL ? strlen(owed) : 0};
	px_store_settle(st, &s, written, NULL);
	must("settle");
}

/* The next of @partner, which must be this. */
static void end(const char *partner, uint64_t which, enum px_delivery_state state, const char *owed)
{
	px_store_lease(st, partner, 1, px_clock_wall(now), leased, NULL);
	must("lease");
	if (delivery != which) {
		fprintf(stderr, "another delivery's turn: %llu\n", (unsigned long long)delivery);
		_exit(1);
	}
	settle(which, state, owed);
}

int main(int argc, char **argv)
{
	struct px_buf why = PX_BUF_INIT;
	now = px_clock_sim_new(THEN);
	struct px_store_lmdb_setup setup = {
	    .path = argc > 1 ? argv[1] : "", .map_size = UINT64_C(1) << 26, .batch = 1, .clock = now};
	if (px_store_lmdb_open(&setup, &st, &why) != PX_OK) {
		fprintf(stderr, "%s\n", px_buf_str(&why));
		return 1;
	}
	/* ended: delivered, refused, handed over, unknown */
	end("system-xb", accept("DONE", "L-DONE", NULL, "system-xb"), PX_D_DELIVERED, NULL);
	end("system-xb", accept("REFUSED", "L-REFUSED", NULL, "system-xb"), PX_D_REFUSED, NULL);
	end("system-xb", accept("HANDED", "L-HANDED", NULL, "system-xb"), PX_D_HANDED_OVER, NULL);
	end("system-xb", accept("UNKNOWN", "L-UNKNOWN", NULL, "system-xb"), PX_D_UNKNOWN, NULL);
	/* waiting: two movements, and two that a third message links; what waits is due in this order */
	static const char *const waits[][3] = {{"W1", "L-1", NULL},
					       {"W2", "L-1", NULL},
					       {"W3", "L-2", NULL},
					       {"A", "L-A", NULL},
					       {"B", "L-B", "24BY0000000000001A"},
					       {"AB", "L-A", "24BY0000000000001A"}};
	for (unsigned i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		px_clock_sim_advance(now, 1000);
		accept(waits[i][0], waits[i][1], waits[i][2], "system-xa");
	}
	struct px_mark mark = {
	    .name = "pause/system-xb", .at = THEN, .text = "works on the line", .actor = "anna"};
	px_store_mark(st, &mark, written, NULL);
	must("mark");
	px_store_close(&st);
	return 0;
}
