/* prinex: store suite: accepting, leasing and settling without waiting for one another
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"

#include "base/strings.h"

/*
 * Every other case asks one thing after another; a broker does not. Here accepts, leases and settles are
 * under way together, as many as fit, and what must hold then is checked where leases arrive: nothing is
 * handed out twice, a movement has one delivery on its way, and they come in the order in which its messages
 * were accepted.
 */

#define MOVEMENTS 16
#define EACH      12 /* messages of a movement */
#define HELD      64
#define WAIT_MS   20000

struct flow {
	struct suite *t;
	uint64_t random;
	unsigned accepted[MOVEMENTS]; /* submitted */
	unsigned next[MOVEMENTS];     /* the one that must come */
	bool on_its_way[MOVEMENTS];
	unsigned under_way; /* operations without an answer */
	unsigned leasing;
	unsigned delivered;
	unsigned n_held; /* leases not settled yet */
	struct {
		struct px_token token;
		uint64_t delivery;
		unsigned movement;
	} held[HELD];
};

static unsigned draw(struct flow *f, unsigned below)
{
	f->random = f->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(f->random >> 33) % below;
}

static void accepted(void *arg, const struct px_accept_result *result)
{
	struct flow *f = arg;
	f->t->callbacks++;
	f->under_way--;
	assert_int_equal(result->rc, PX_OK);
}

static void submit_accept(struct flow *f, unsigned movement)
{
	struct px_key key = {.kind = PX_KEY_MRN};
	struct px_new_delivery delivery = {
	    .recipient = "UA", .partner = "ua", .deadline = SUITE_START + 72 * SUITE_HOUR};
	struct px_accept req = {.header = {.sender = "BY", .type = "T", .n_recipients = 1},
				.partner = "by",
				.prio = (enum px_prio)draw(f, PX_PRIO_COUNT),
				.keys = {.n = 1, .items = &key},
				.coa = (const uint8_t *)"coa",
				.coa_len = 3,
				.horizon_end = SUITE_START + 31 * SUITE_DAY,
				.movement_life = 150 * SUITE_DAY,
				.n_deliveries = 1,
				.deliveries = &delivery};
	(void)snprintf(req.header.message_id, sizeof(req.header.message_id), "M%u-%u", movement,
		       f->accepted[movement]++);
	(void)snprintf(key.value, sizeof(key.value), "X%u", movement);
	req.body = px_body_copy(req.header.message_id, strlen(req.header.message_id));
	f->under_way++;
	f->t->submitted++;
	px_store_accept(f->t->st, &req, accepted, f);
	px_body_unref(&req.body);
}

static void settled(void *arg, int rc)
{
	struct flow *f = arg;
	f->t->callbacks++;
	f->under_way--;
	assert_int_equal(rc, PX_OK);
}

/** Settle one of those held: mostly delivered, sometimes again, or handed over. */
static void submit_settle(struct flow *f)
{
	unsigned i = draw(f, f->n_held), how = draw(f, 10), movement = f->held[i].movement;
	struct px_settle settle = {.delivery = f->held[i].delivery,
				   .token = f->held[i].token,
				   .attempted = true,
				   .state = PX_D_DELIVERED,
				   .due = suite_now(f->t)};
	if (how < 2)
		settle.state = PX_D_QUEUED;
	else if (how < 4)
		settle.state = PX_D_HANDED_OVER;
	f->held[i] = f->held[--f->n_held];
	f->on_its_way[movement] = false;
	if (settle.state != PX_D_QUEUED) {
		f->next[movement]++;
		f->delivered++;
	}
	f->under_way++;
	f->t->submitted++;
	px_store_settle(f->t->st, &settle, settled, f);
}

static void leased(void *arg, int rc, unsigned n, const struct px_lease *leases)
{
	struct flow *f = arg;
	f->t->callbacks++;
	f->under_way--;
	f->leasing--;
	assert_int_equal(rc, PX_OK);
	for (unsigned i = 0; i < n; i++) {
		unsigned movement, number;
		assert_int_equal(sscanf(leases[i].header.message_id, "M%u-%u", &movement, &number), 2);
		if (f->on_its_way[movement])
			fail_msg("%s while another of its movement is on its way",
				 leases[i].header.message_id);
		if (number != f->next[movement])
			fail_msg("%s instead of number %u", leases[i].header.message_id, f->next[movement]);
		assert_int_equal(leases[i].body->len, strlen(leases[i].header.message_id));
		assert_memory_equal(leases[i].body->data, leases[i].header.message_id, leases[i].body->len);
		f->on_its_way[movement] = true;
		f->held[f->n_held].token = leases[i].token;
		f->held[f->n_held].delivery = leases[i].delivery.id;
		f->held[f->n_held++].movement = movement;
	}
}

static void submit_lease(struct flow *f)
{
	f->under_way++;
	f->leasing++;
	f->t->submitted++;
	px_store_lease(f->t->st, "ua", 1 + draw(f, 4), suite_now(f->t), leased, f);
}

static void anything(struct flow *f)
{
	unsigned movement = draw(f, MOVEMENTS);
	switch (draw(f, 3)) {
	case 0:
		if (f->accepted[movement] < EACH)
			submit_accept(f, movement);
		break;
	case 1:
		if (f->leasing < 3)
			submit_lease(f);
		break;
	default:
		if (f->n_held > 0)
			submit_settle(f);
		break;
	}
}

static void all_at_once(struct suite *t, uint64_t seed)
{
	struct flow *f = suite_room(t, 1, sizeof(*f));
	*f = (struct flow){.t = t, .random = seed};
	int64_t end = px_clock_mono(px_clock_real()) + WAIT_MS;
	while (f->delivered < MOVEMENTS * EACH) {
		if (px_clock_mono(px_clock_real()) > end)
			fail_msg("%u of %u delivered, %u operations under way, %u leases held", f->delivered,
				 MOVEMENTS * EACH, f->under_way, f->n_held);
		for (unsigned n = draw(f, 12); n > 0 && f->under_way < 100; n--)
			anything(f);
		if (f->under_way > 0)
			suite_step(t);
	}
	while (f->under_way > 0)
		suite_step(t);
	struct px_partner_stats p = suite_partner(t, "ua");
	assert_int_equal(p.queued, 0);
	assert_int_equal(p.delivered + p.handed_over, MOVEMENTS * EACH);
	(void)suite_expect_lease(t, "ua", "");
}

static void keeps_every_order(struct suite *t)
{
	all_at_once(t, 1);
}

static void keeps_every_order_again(struct suite *t)
{
	all_at_once(t, 2);
}

static void ignore_lease(void *arg, int rc, unsigned n, const struct px_lease *leases)
{
	struct suite *t = arg;
	(void)rc;
	(void)n;
	(void)leases;
	t->callbacks++;
}

/** A lease asked for together with what it may see is whole or not there. */
static void leases_during_closing(struct suite *t)
{
	struct got_accept *got = suite_room(t, 20, sizeof(*got));
	for (int i = 0; i < 20; i++) {
		suite_submit_accept(t, &(struct note){.id = suite_textf(t, "M%d", i), .to = "UA"}, &got[i]);
		t->submitted++;
		px_store_lease(t->st, "ua", 4, suite_now(t), ignore_lease, t);
	}
	suite_reopen(t);
	assert_int_equal(suite_lease(t, "ua", 64).n, 20);
}

const struct suite_case suite_flow_cases[] = {
    {"everything at once keeps every order", keeps_every_order},
    {"everything at once keeps every order, another time", keeps_every_order_again},
    {"leases under way while closing", leases_during_closing},
    {NULL, NULL},
};
