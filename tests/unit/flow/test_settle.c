/* prinex: settlements of what goes by one post, of what is overdue, and of stores that answer at once
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "pairs.h"

#include "flow/operate.h"

/* BY sends to UA and PL through a hub, that knows them or not; @more: of the hub's block. */
struct hub {
	struct world *w;
	struct node *by, *hu;
};

static struct hub make_hub_that(bool knows, uint64_t seed, const char *more)
{
	static const char *const trusted[] = {"BY", "UA", "PL", "HU", NULL};
	struct hub h = {.w = world_new(seed)};
	struct px_buf text = PX_BUF_INIT;
	char block[160];
	snprintf(block, sizeof(block), "relays-for = {\"UA\", \"PL\"} %s", more);
	conf_head(&text, "BY", trusted);
	conf_partner(&text, "system-by", "BY", "system", NULL, "");
	conf_partner(&text, "hub", "HU", "node", "https://hu:1", block);
	px_buf_adds(&text, "route \"hub\" { recipients = { \"UA\", \"PL\" } via = \"hub\" }\n");
	h.by = world_node(h.w, "BY", px_buf_str(&text));
	px_buf_clear(&text);
	conf_head(&text, "HU", trusted);
	conf_partner(&text, "node-by", "BY", "node", "https://by:1", "");
	if (knows) {
		conf_partner(&text, "system-ua", "UA", "system", NULL, "");
		conf_partner(&text, "system-pl", "PL", "system", NULL, "");
	}
	h.hu = world_node(h.w, "HU", px_buf_str(&text));
	px_buf_free(&text);
	world_start(h.w);
	return h;
}

static struct hub make_hub(uint64_t seed, const char *more)
{
	return make_hub_that(true, seed, more);
}

static const char *state_of(const struct hub *h, const char *id, const char *recipient)
{
	return world_state(h->by, "BY", id, recipient);
}

struct said {
	int rc;
	unsigned times;
	char text[512];
};

static void tell(void *arg, int rc, const char *text)
{
	struct said *said = arg;
	said->rc = rc;
	said->times++;
	px_strlcpy(said->text, text, sizeof(said->text));
}

static const struct px_flow_which m1 = {.sender = "BY", .message_id = "M1"};

/* --- overdue
 * ---------------------------------------------------------------------------------------------------- */

/* What is to several may have gone along with another: the sweep must find out. It looks each second, and
 * what is leased each second just then is never found. */
static void test_sweep_finds_what_was_leased(void **state)
{
	(void)state;
	struct hub h = make_hub(1, "");
	h.hu->down = true;
	SEND(h.by, "system-by", .id = "M1", .recipients = "UA PL", .expires_in = HOUR);
	world_run(h.w, MINUTE);
	h.hu->down = false;
	world_restart(h.by, 2 * HOUR);
	world_run(h.w, MINUTE);
	assert_string_equal(state_of(&h, "M1", "UA"), "expired");
	assert_string_equal(state_of(&h, "M1", "PL"), "expired");
	assert_string_equal(px_buf_str(&h.hu->posted), "");
	world_free(&h.w);
}

/* One of those that were leased together is overdue: what comes in its place counts too. */
static void test_overdue_makes_no_more_room_than_there_is(void **state)
{
	(void)state;
	struct hub h = make_hub(2, "in-flight = 2");
	h.hu->down = true;
	SEND(h.by, "system-by", .id = "M1", .recipients = "UA", .expires_in = HOUR);
	SEND(h.by, "system-by", .id = "M2", .recipients = "UA");
	SEND(h.by, "system-by", .id = "M3", .recipients = "UA");
	SEND(h.by, "system-by", .id = "M4", .recipients = "UA");
	world_run(h.w, MINUTE);
	h.hu->down = false;
	h.hu->hang = true;
	world_restart(h.by, 2 * HOUR);
	world_run(h.w, 5 * SECOND);
	assert_string_equal(state_of(&h, "M1", "UA"), "expired");
	assert_int_equal(h.hu->posts, 2);
	world_free(&h.w);
}

/* --- a record that is damaged
 * ---------------------------------------------------------------------------------------------------- */

static struct px_store_ops real;
static uint64_t damaged; /* the delivery whose record is: it is held, and nothing can be written about it */

struct asked {
	px_message_done *done;
	void *arg;
};

static void read_held(void *arg, int rc, const struct px_message *m)
{
	struct asked *asked = arg;
	struct px_delivery deliveries[2];
	assert_int_equal(rc, PX_OK);
	struct px_message copy = *m;
	assert_int_equal(m->n_deliveries, 2);
	for (unsigned i = 0; i < 2; i++) {
		deliveries[i] = m->deliveries[i];
		deliveries[i].held = deliveries[i].id == damaged;
	}
	copy.deliveries = deliveries;
	asked->done(asked->arg, rc, &copy);
	free(asked);
}

static void message_held(struct px_store *st, uint64_t seq, px_message_done *done, void *arg)
{
	struct asked *asked = px_xcalloc(1, sizeof(*asked));
	*asked = (struct asked){done, arg};
	real.message(st, seq, read_held, asked);
}

static void settle_sound(struct px_store *st, const struct px_settle *req, px_write_done *done, void *arg)
{
	if (req->delivery == damaged)
		done(arg, PX_ECORRUPT);
	else
		real.settle(st, req, done, arg);
}

static void settle_all_sound(struct px_store *st, unsigned n, const struct px_settle *reqs,
			     px_write_done *done, void *arg)
{
	unsigned sound = 0;
	while (sound < n && reqs[sound].delivery != damaged)
		sound++;
	if (sound < n)
		done(arg, PX_ECORRUPT);
	else
		real.settle_all(st, n, reqs, done, arg);
}

/* Of one post: the others end by age as if it were not there. */
static void test_damage_keeps_no_other_from_ending(void **state)
{
	(void)state;
	struct hub h = make_hub(7, "");
	h.hu->down = true;
	struct said said = {.rc = 1};
	px_flow_pause(h.by->flow, "hub", "anna", "maintenance", tell, &said);
	world_run(h.w, SECOND);
	assert_int_equal(said.rc, PX_OK);
	SEND(h.by, "system-by", .id = "M1", .recipients = "UA PL", .expires_in = HOUR);
	world_run(h.w, MINUTE);
	damaged = world_delivery(h.by, "BY", "M1", "PL").id;
	real = *h.by->store->ops;
	struct px_store_ops *ops = world_patch(h.by);
	ops->message = message_held;
	ops->settle = settle_sound;
	ops->settle_all = settle_all_sound;
	world_run(h.w, HOUR);
	assert_string_equal(state_of(&h, "M1", "UA"), "expired");
	assert_string_equal(state_of(&h, "M1", "PL"), "queued");
	world_free(&h.w);
}

/* --- one post for several recipients
 * --------------------------------------------------------------------------- */

struct reading {
	struct world *w;
	px_message_done *done;
	void *arg;
};

/* Its next attempt is due when the message was read. */
static void read_late(void *arg, int rc, const struct px_message *m)
{
	struct reading *r = arg;
	px_clock_sim_advance(world_clock(r->w), HOUR);
	r->done(r->arg, rc, m);
	free(r);
}

static struct world *late_world;

static void find_late(struct px_store *st, const char *sender, const char *id, px_message_done *done,
		      void *arg)
{
	struct reading *r = px_xcalloc(1, sizeof(*r));
	*r = (struct reading){late_world, done, arg};
	real.find(st, sender, id, read_late, r);
}

/* Nothing of it is leased, and sent, between the end for one and the end for another. */
static void test_nothing_goes_between_cancellations(void **state)
{
	(void)state;
	struct hub h = make_hub(3, "");
	struct said said = {.rc = 1};
	h.hu->down = true;
	SEND(h.by, "system-by", .id = "M1", .recipients = "UA PL");
	world_run(h.w, 10 * MINUTE);
	h.hu->down = false;
	real = *h.by->store->ops;
	late_world = h.w;
	world_patch(h.by)->find = find_late;
	px_flow_cancel(h.by->flow, &m1, "", "mistake", "anna", tell, &said);
	world_run(h.w, 10);
	world_patch(h.by)->find = real.find;
	assert_int_equal(said.rc, PX_OK);
	assert_string_equal(said.text, "2 deliveries cancelled");
	world_run(h.w, HOUR);
	assert_string_equal(state_of(&h, "M1", "UA"), "cancelled");
	assert_string_equal(state_of(&h, "M1", "PL"), "cancelled");
	assert_int_equal(h.hu->posts, 0);
	struct reply r = take_confirmations(h.by, "system-by", "BY");
	assert_non_null(strstr(px_buf_str(&r.body), "<px:Recipient>UA</px:Recipient>"));
	assert_non_null(strstr(px_buf_str(&r.body), "<px:Recipient>PL</px:Recipient>"));
	reply_free(&r);
	world_free(&h.w);
}

/* Unsure whether it was stored, and a crash: it is cancelled for both, or for none. */
static void cancel_and_crash(uint64_t seed)
{
	struct px_store_sim_faults faults = {.unknown_per_mille = 1000};
	struct hub h = make_hub(seed, "");
	struct said said = {.rc = 1};
	h.hu->down = true;
	SEND(h.by, "system-by", .id = "M1", .recipients = "UA PL");
	world_run(h.w, MINUTE);
	px_store_sim_set_faults(h.by->store, &faults);
	px_flow_cancel(h.by->flow, &m1, "", "mistake", "anna", tell, &said);
	world_run(h.w, 10);
	assert_int_equal(said.times, 0);
	world_crash(h.by);
	assert_int_equal(said.times, 1);
	px_store_sim_set_faults(h.by->store, NULL);
	char ua[16];
	px_strlcpy(ua, state_of(&h, "M1", "UA"), sizeof(ua));
	assert_string_equal(ua, state_of(&h, "M1", "PL"));
	/* Whoever says it again is told how it is. */
	px_flow_cancel(h.by->flow, &m1, "", "mistake", "anna", tell, &said);
	world_run(h.w, 10);
	assert_int_equal(said.rc, strcmp(ua, "cancelled") == 0 ? PX_EPRECONDITION : PX_OK);
	assert_string_equal(state_of(&h, "M1", "UA"), "cancelled");
	assert_string_equal(state_of(&h, "M1", "PL"), "cancelled");
	world_free(&h.w);
}

static void test_cancelled_whole_or_not_at_all(void **state)
{
	(void)state;
	for (uint64_t seed = 10; seed < 20; seed++)
		cancel_and_crash(seed);
}

/* The hub refuses the message, not the recipient: it is not offered again for another one, for whom it might
 * be taken after all, and for both. */
static void test_refused_as_a_whole(void **state)
{
	(void)state;
	struct hub h = make_hub_that(false, 4, "in-flight = 1");
	SEND(h.by, "system-by", .id = "M1", .recipients = "UA PL");
	world_run(h.w, MINUTE);
	assert_string_equal(state_of(&h, "M1", "UA"), "refused");
	assert_string_equal(state_of(&h, "M1", "PL"), "refused");
	assert_int_equal(h.hu->posts, 1);
	struct reply r = take_confirmations(h.by, "system-by", "BY");
	assert_non_null(strstr(px_buf_str(&r.body), "<px:Recipient>UA</px:Recipient>"));
	assert_non_null(strstr(px_buf_str(&r.body), "<px:Recipient>PL</px:Recipient>"));
	reply_free(&r);
	world_free(&h.w);
}

/* --- at once
 * ------------------------------------------------------------------------------------------------------ */

static void settle_fails(struct px_store *st, const struct px_settle *req, px_write_done *done, void *arg)
{
	(void)st;
	(void)req;
	done(arg, PX_EFULL);
}

static void settle_all_fails(struct px_store *st, unsigned n, const struct px_settle *reqs,
			     px_write_done *done, void *arg)
{
	(void)n;
	settle_fails(st, reqs, done, arg);
}

/* A store may answer before it returns; what it answered is then not looked at any more. */
static void test_store_answers_at_once(void **state)
{
	(void)state;
	struct hub h = make_hub(5, "");
	struct said said[2] = {{.rc = 1}, {.rc = 1}};
	h.hu->down = true;
	SEND(h.by, "system-by", .id = "M1", .recipients = "UA PL");
	world_run(h.w, MINUTE);
	real = *h.by->store->ops;
	world_patch(h.by)->settle = settle_fails;
	world_patch(h.by)->settle_all = settle_all_fails;
	px_flow_cancel(h.by->flow, &m1, "", "mistake", "anna", tell, &said[0]);
	px_flow_retry(h.by->flow, &m1, tell, &said[1]);
	world_run(h.w, 10);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(said[i].times, 1);
		assert_int_equal(said[i].rc, PX_EFULL);
		assert_non_null(strstr(said[i].text, "2 could not be changed"));
	}
	world_patch(h.by)->settle = real.settle;
	world_patch(h.by)->settle_all = real.settle_all;
	assert_string_equal(state_of(&h, "M1", "PL"), "queued");
	world_free(&h.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sweep_finds_what_was_leased),
	    cmocka_unit_test(test_overdue_makes_no_more_room_than_there_is),
	    cmocka_unit_test(test_damage_keeps_no_other_from_ending),
	    cmocka_unit_test(test_nothing_goes_between_cancellations),
	    cmocka_unit_test(test_cancelled_whole_or_not_at_all),
	    cmocka_unit_test(test_refused_as_a_whole),
	    cmocka_unit_test(test_store_answers_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
