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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_retry_of_what_is_held),
	    cmocka_unit_test(test_release_of_what_is_damaged),
	};
	px_log_init("test", 2, PX_LOG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
