/* prinex: what administrators are told about deliveries that cannot be sent because a record is damaged
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "pairs.h"

#include "base/log.h"
#include "flow/operate.h"
#include "store/marks.h"

/* --- a store with damage ------------------------------------------------------------------------------ */

static struct px_store_ops real;
static struct px_store_marks_ops marks;
static enum { SOUND, HELD, UNREADABLE } damage;

struct ask {
	px_message_done *done;
	void *arg;
};

/* As read, but set aside. */
static void read_held(void *arg, int rc, const struct px_message *m)
{
	struct ask *ask = arg;
	assert_int_equal(rc, PX_OK);
	struct px_message copy = *m;
	struct px_delivery d = m->deliveries[0];
	d.held = true;
	copy.n_deliveries = 1;
	copy.deliveries = &d;
	ask->done(ask->arg, rc, &copy);
	free(ask);
}

static void find_damaged(struct px_store *st, const char *sender, const char *id, px_message_done *done,
			 void *arg)
{
	if (damage == UNREADABLE) {
		done(arg, PX_ECORRUPT, NULL);
		return;
	}
	struct ask *ask = px_xcalloc(1, sizeof(*ask));
	*ask = (struct ask){done, arg};
	real.find(st, sender, id, read_held, ask);
}

static void message_damaged(struct px_store *st, uint64_t seq, px_message_done *done, void *arg)
{
	(void)st;
	(void)seq;
	done(arg, PX_ECORRUPT, NULL);
}

static void release_refused(struct px_store *st, const char *table, uint64_t record, px_write_done *done,
			    void *arg)
{
	(void)st;
	(void)table;
	(void)record;
	done(arg, PX_ECORRUPT);
}

static struct node *damaged_node(struct world *w)
{
	static const char *const authorities[] = {"UA", NULL};
	struct node *by = lone_node(w, authorities, "");
	world_start(w);
	SEND(by, "system-by", .id = "M1", .recipients = "UA");
	real = *by->store->ops;
	marks = *real.marks;
	marks.release = release_refused;
	struct px_store_ops *ops = world_patch(by);
	ops->find = find_damaged;
	ops->message = message_damaged;
	ops->marks = &marks;
	return by;
}

/* --- what is said ------------------------------------------------------------------------------------- */

struct said {
	int rc;
	char text[512];
};

static void told(void *arg, int rc, const char *text)
{
	struct said *said = arg;
	said->rc = rc;
	px_strlcpy(said->text, text, sizeof(said->text));
}

static struct said retry(struct node *n, const struct px_flow_which *which)
{
	struct said said = {.rc = 1};
	px_flow_retry(n->flow, which, told, &said);
	world_run(n->world, SECOND);
	return said;
}

static struct said release(struct node *n, const char *table, uint64_t record)
{
	struct said said = {.rc = 1};
	px_flow_release(n->flow, table, record, told, &said);
	world_run(n->world, SECOND);
	return said;
}

/* Trying again is refused, and the way out named with the number that it takes. */
static void test_retry_of_what_is_held(void **state)
{
	(void)state;
	struct world *w = world_new(1);
	struct node *by = damaged_node(w);
	uint64_t seq = world_delivery(by, "BY", "M1", "UA").message;
	char way[64];
	snprintf(way, sizeof(way), "end it by `cancel %llu`", (unsigned long long)seq);
	damage = HELD;
	struct said said = retry(by, &(struct px_flow_which){.sender = "BY", .message_id = "M1"});
	assert_int_equal(said.rc, PX_EPRECONDITION);
	assert_non_null(strstr(said.text, "cannot be sent, for a record is damaged"));
	assert_non_null(strstr(said.text, way));
	said = retry(by, &(struct px_flow_which){.seq = seq, .sender = "", .message_id = ""});
	assert_int_equal(said.rc, PX_EPRECONDITION);
	assert_non_null(strstr(said.text, "its record is damaged, so it cannot be sent"));
	assert_non_null(strstr(said.text, way));
	damage = UNREADABLE;
	said = retry(by, &(struct px_flow_which){.sender = "BY", .message_id = "M1"});
	assert_int_equal(said.rc, PX_ECORRUPT);
	assert_non_null(strstr(said.text, "name it by the number"));
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "none"); /* nobody can tell */
	world_free(&w);
}

static void test_release_of_what_is_damaged(void **state)
{
	(void)state;
	struct world *w = world_new(2);
	struct node *by = damaged_node(w);
	damage = HELD;
	uint64_t id = world_delivery(by, "BY", "M1", "UA").id,
		 seq = world_delivery(by, "BY", "M1", "UA").message;
	char way[64];
	struct said said = release(by, "messages", 77);
	assert_int_equal(said.rc, PX_EPRECONDITION);
	assert_non_null(strstr(said.text, "end it by `cancel 77`"));
	said = release(by, "deliveries", id); /* named by its message */
	snprintf(way, sizeof(way), "end it by `cancel %llu`", (unsigned long long)seq);
	assert_int_equal(said.rc, PX_EPRECONDITION);
	assert_non_null(strstr(said.text, way));
	world_free(&w);
}

/* --- a store that cannot do what it is asked for ----------------------------------------------------- */

static int trouble; /* what it answers; PX_OK: it works */

static void lease_or_fail(struct px_store *st, const char *partner, unsigned max, int64_t now,
			  px_lease_done *done, void *arg)
{
	if (trouble == PX_OK)
		real.lease(st, partner, max, now, done, arg);
	else
		done(arg, trouble, 0, NULL);
}

static void settle_or_fail(struct px_store *st, const struct px_settle *req, px_write_done *done, void *arg)
{
	if (trouble == PX_OK)
		real.settle(st, req, done, arg);
	else
		done(arg, trouble);
}

struct accepting {
	px_accept_done *done;
	void *arg;
};

static void accept_failed(void *arg, const struct px_accept_result *r)
{
	struct accepting *a = arg;
	struct px_accept_result failed = *r;
	failed.rc = trouble;
	a->done(a->arg, &failed);
	free(a);
}

static void accept_or_fail(struct px_store *st, const struct px_accept *req, px_accept_done *done, void *arg)
{
	if (trouble == PX_OK) {
		real.accept(st, req, done, arg);
		return;
	}
	struct accepting *a = px_xcalloc(1, sizeof(*a));
	*a = (struct accepting){done, arg};
	real.known(st, "nobody", req->body->digest, accept_failed, a);
}

static const char *store_error(struct node *n, const char *partner)
{
	struct px_link_state link;
	px_flow_link(n->flow, partner, &link);
	return link.store_error;
}

static bool is_alarmed(const struct node *n)
{
	return px_alarm_is_raised(n->alarms, PX_ALARM_STORE, "");
}

/* A page of its file that cannot be read stops what is behind it. That is alarmed and shown, and tried again
 * without anybody's doing; when it goes, and has gone for a while, the alarm ends. */
static void stops_sending(int rc)
{
	struct pair p = make_pair(1, "", "");
	struct world *w = p.w;
	struct node *by = p.by;
	world_run(w, SECOND);
	assert_string_equal(store_error(by, "node-ua"), "");
	real = *by->store->ops;
	world_patch(by)->lease = lease_or_fail;
	trouble = rc;
	SEND(by, "system-by", .id = "M1", .recipients = "UA");
	world_run(w, MINUTE);
	assert_string_equal(store_error(by, "node-ua"), px_err_text(rc));
	assert_true(is_alarmed(by));
	assert_string_equal(world_state(by, "BY", "M1", "UA"), "queued");
	world_run(w, 20 * MINUTE);
	assert_true(is_alarmed(by)); /* still so */
	trouble = PX_OK;
	world_run(w, MINUTE);
	assert_string_equal(store_error(by, "node-ua"), "");
	assert_int_not_equal(world_delivery(by, "BY", "M1", "UA").state, PX_D_QUEUED);
	assert_true(is_alarmed(by));
	world_run(w, 11 * MINUTE);
	assert_false(is_alarmed(by));
	world_free(&w);
}

static void test_damage_stops_sending(void **state)
{
	(void)state;
	stops_sending(PX_ECORRUPT);
}

static void test_full_disk_stops_sending(void **state)
{
	(void)state;
	stops_sending(PX_EFULL);
}

static void test_damage_stops_fetching(void **state)
{
	(void)state;
	static const char *const authorities[] = {"UA", NULL};
	struct world *w = world_new(2);
	struct node *by = lone_node(w, authorities, "");
	world_start(w);
	SEND(by, "system-by", .id = "M1", .recipients = "UA");
	real = *by->store->ops;
	world_patch(by)->lease = lease_or_fail;
	trouble = PX_ECORRUPT;
	expect_status(world_fetch(by, "system-ua", 2 * SECOND), 204);
	assert_true(is_alarmed(by));
	assert_string_equal(store_error(by, "system-ua"), px_err_text(PX_ECORRUPT));
	trouble = PX_OK;
	expect_status(world_fetch(by, "system-ua", 2 * SECOND), 200);
	assert_string_equal(store_error(by, "system-ua"), "");
	world_free(&w);
}

static void test_damage_stops_accepting(void **state)
{
	(void)state;
	static const char *const authorities[] = {"UA", NULL};
	struct world *w = world_new(3);
	struct node *by = lone_node(w, authorities, "");
	struct px_buf doc = PX_BUF_INIT;
	world_start(w);
	world_run(w, SECOND);
	world_compose(by, "system-by", &(struct msg){.id = "M1", .recipients = "UA"}, &doc);
	real = *by->store->ops;
	world_patch(by)->accept = accept_or_fail;
	trouble = PX_ECORRUPT;
	expect_status(world_post(by, "system-by", &doc), 503);
	px_buf_free(&doc);
	assert_true(is_alarmed(by));
	trouble = PX_OK;
	world_free(&w);
}

static void test_damage_stops_settling(void **state)
{
	(void)state;
	static const char *const authorities[] = {"UA", NULL};
	struct world *w = world_new(4);
	struct node *by = lone_node(w, authorities, "");
	world_start(w);
	SEND(by, "system-by", .id = "M1", .recipients = "UA");
	struct reply r = world_fetch(by, "system-ua", 2 * SECOND);
	real = *by->store->ops;
	world_patch(by)->settle = settle_or_fail;
	trouble = PX_ECORRUPT;
	expect_status(world_confirm(by, "system-ua", "UA", &r, NULL), 503);
	expect_status(r, 200);
	assert_true(is_alarmed(by));
	trouble = PX_OK;
	world_free(&w);
}

/* What is judged is nothing the partner has any more: the next are posted. But as many as that again, no
 * more, while it cannot be settled. */
static void test_full_disk_bounds_what_is_unsettled(void **state)
{
	(void)state;
	struct pair p = make_pair(5, "in-flight = 2", "");
	char id[8];
	world_run(p.w, SECOND);
	real = *p.by->store->ops;
	world_patch(p.by)->settle = settle_or_fail;
	trouble = PX_EFULL;
	for (unsigned i = 0; i < 9; i++) {
		snprintf(id, sizeof(id), "M%u", i);
		SEND(p.by, "system-by", .id = id, .recipients = "UA");
	}
	world_run(p.w, MINUTE);
	assert_int_equal(p.ua->posts, 4);
	assert_true(is_alarmed(p.by));
	trouble = PX_OK;
	world_run(p.w, MINUTE);
	assert_int_equal(p.ua->posts, 9);
	for (unsigned i = 0; i < 9; i++) {
		snprintf(id, sizeof(id), "M%u", i);
		assert_int_not_equal(world_delivery(p.by, "BY", id, "UA").state, PX_D_QUEUED);
	}
	world_free(&p.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_retry_of_what_is_held),
	    cmocka_unit_test(test_release_of_what_is_damaged),
	    cmocka_unit_test(test_damage_stops_sending),
	    cmocka_unit_test(test_full_disk_stops_sending),
	    cmocka_unit_test(test_damage_stops_fetching),
	    cmocka_unit_test(test_damage_stops_accepting),
	    cmocka_unit_test(test_damage_stops_settling),
	    cmocka_unit_test(test_full_disk_bounds_what_is_unsettled),
	};
	px_log_init("test", 2, PX_LOG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
