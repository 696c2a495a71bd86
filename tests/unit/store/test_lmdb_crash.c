/* prinex: tests of the LMDB store: killed at any moment
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "lmdb_kit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strings.h"

/*
 * A child accepts, leases and settles as fast as it can and writes a line to a pipe only when the store has
 * said PX_OK. The parent kills it somewhere on the way and looks at what is there: everything in the pipe
 * must be; what is there beyond that must be whole.
 */

#define ROUNDS 6
#define WINDOW 100

/** A line of the pipe: fixed size, so that a write is whole or not at all. */
struct line {
	char what; /* 'A' accepted, 'S' settled */
	char id[PX_MESSAGE_ID_MAX + 1];
	uint64_t seq, delivery;
};

/* --- the child --------------------------------------------------------------------------------------- */

struct worker {
	struct kit *k;
	int pipe;
	unsigned round, next, under_way;
	bool leasing;
};

struct job {
	struct worker *w;
	struct line line;
};

static void acknowledge(const struct job *job)
{
	if (write(job->w->pipe, &job->line, sizeof(job->line)) != (ssize_t)sizeof(job->line))
		_exit(3);
}

static void accepted(void *arg, const struct px_accept_result *result)
{
	struct job *job = arg;
	if (result->rc != PX_OK)
		_exit(4);
	job->line.seq = result->seq;
	job->line.delivery = result->delivery_ids[0];
	job->w->under_way--;
	acknowledge(job);
	free(job);
}

static void settled(void *arg, int rc)
{
	struct job *job = arg;
	if (rc != PX_OK)
		_exit(5);
	acknowledge(job);
	free(job);
}

static void leased(void *arg, int rc, unsigned n, const struct px_lease *leases)
{
	struct worker *w = arg;
	w->leasing = false;
	if (rc != PX_OK)
		_exit(6);
	for (unsigned i = 0; i < n; i++) {
		struct job *job = px_xcalloc(1, sizeof(*job));
		*job = (struct job){.w = w, .line = {.what = 'S', .delivery = leases[i].delivery.id}};
		px_strlcpy(job->line.id, leases[i].header.message_id, sizeof(job->line.id));
		struct px_settle settle = {.delivery = leases[i].delivery.id,
					   .token = leases[i].token,
					   .state = PX_D_DELIVERED,
					   .attempted = true,
					   .answer = (const uint8_t *)"<CoA/>",
					   .answer_len = 6,
					   .owed = (const uint8_t *)"<CoD/>",
					   .owed_len = 6};
		px_store_settle(w->k->st, &settle, settled, job);
	}
}

static void submit(struct worker *w)
{
	struct px_key keys[] = {{.kind = PX_KEY_LRN}, {.kind = PX_KEY_DECLARANT, .value = "190000001"}};
	struct px_new_delivery delivery = {.recipient = "UA", .partner = "ua", .deadline = INT64_MAX};
	struct job *job = px_xcalloc(1, sizeof(*job));
	*job = (struct job){.w = w, .line = {.what = 'A'}};
	(void)snprintf(job->line.id, sizeof(job->line.id), "M%u-%u", w->round, w->next);
	(void)snprintf(keys[0].value, sizeof(keys[0].value), "LRN%u", w->next / 3);
	struct px_accept req = {.partner = "by",
				.body = kit_body(job->line.id, 500 + w->next % 7 * 3000),
				.prio = (enum px_prio)(w->next % 3),
				.keys = {.n = 2, .items = keys},
				.movement_life = 86400000,
				.n_deliveries = 1,
				.deliveries = &delivery};
	px_strlcpy(req.header.sender, "BY", sizeof(req.header.sender));
	px_strlcpy(req.header.message_id, job->line.id, sizeof(req.header.message_id));
	px_store_accept(w->k->st, &req, accepted, job);
	px_body_unref(&req.body);
	w->next++;
	w->under_way++;
}

static void work(struct kit *k, unsigned round, int fd)
{
	struct worker w = {.k = k, .pipe = fd, .round = round};
	kit_open(k);
	for (;;) {
		while (w.under_way < WINDOW)
			submit(&w);
		if (!w.leasing)
			px_store_lease(k->st, "ua", 20, INT64_MAX - 1, leased, &w);
		w.leasing = true;
		kit_step(k, 1000);
	}
}

/* --- the parent -------------------------------------------------------------------------------------- */

/* Read what the child acknowledged until @lines are there, kill it, and read the rest. */
static struct line *watch(pid_t child, int fd, unsigned lines, unsigned *n)
{
	struct line *got = NULL, line;
	*n = 0;
	while (read(fd, &line, sizeof(line)) == (ssize_t)sizeof(line)) {
		if ((*n & (*n - 1)) == 0)
			got = px_xrealloc_array(got, *n == 0 ? 1 : 2 * (size_t)*n, sizeof(*got));
		got[(*n)++] = line;
		if (*n == lines)
			kill(child, SIGKILL);
	}
	int status;
	waitpid(child, &status, 0);
	if (!WIFSIGNALED(status))
		fail_msg("the child ended by itself: %d", WEXITSTATUS(status));
	return got;
}

static void check_line(struct kit *k, const struct line *line)
{
	struct kit_message m = kit_find(k, line->id);
	assert_int_equal(m.rc, PX_OK);
	assert_int_equal(m.delivery.id, line->delivery);
	if (line->what == 'S') {
		assert_int_equal(m.delivery.state, PX_D_DELIVERED);
		return;
	}
	assert_int_equal(m.seq, line->seq);
	assert_int_equal(kit_read_body(k, m.seq, NULL), PX_OK);
}

/* What a process that does @what told before it was killed; its store is open again. Owned by the caller. */
static struct line *kill_while(struct kit *k, void (*what)(struct kit *k, unsigned round, int out),
			       unsigned round, unsigned after, unsigned *n)
{
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(fds[0]);
		what(k, round, fds[1]);
		_exit(2);
	}
	close(fds[1]);
	struct line *lines = watch(child, fds[0], after, n);
	close(fds[0]);
	kit_open(k);
	return lines;
}

static void test_kill(void **state)
{
	struct kit *k = *state;
	unsigned acknowledged = 0, settled_total = 0;
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned n;
		struct line *lines = kill_while(k, work, round, 50 + 331 * round, &n);
		for (unsigned i = 0; i < n; i++) {
			check_line(k, &lines[i]);
			settled_total += lines[i].what == 'S' ? 1 : 0;
		}
		acknowledged += n;
		free(lines);
		struct kit_stats stats = kit_stats(k);
		assert_int_equal(stats.s.messages, stats.ua.queued + stats.ua.delivered);
		assert_int_equal(stats.s.owed,
				 stats.ua.delivered); /* settled with all that belongs to it, or not */
		assert_true(stats.ua.delivered >= settled_total);
		assert_int_equal(stats.s.epoch, 2 * (round + 1));
		assert_int_equal(kit_count_journal(k, PX_J_ACCEPTED, NULL), stats.s.messages);
		assert_int_equal(kit_count_journal(k, PX_J_SETTLED, NULL), stats.ua.delivered);
		kit_sound(k);
		print_message(
		    "# round %u: %u acknowledged before the kill; %llu messages kept, %llu delivered\n",
		    round, n, (unsigned long long)stats.s.messages, (unsigned long long)stats.ua.delivered);
		kit_close(k);
	}
	assert_true(acknowledged > 1000 && settled_total > 100);
}

/* --- a post that is cancelled whole
 * ---------------------------------------------------------------------------------- */

static void cancelled(void *arg, int rc)
{
	struct job *job = arg;
	if (rc != PX_OK)
		_exit(7);
	acknowledge(job);
	job->w->under_way--;
	free(job);
}

/* A hub was to get it for both: both end, or none. */
static void cancel(void *arg, const struct px_accept_result *result)
{
	struct job *job = arg;
	struct px_settle settles[2];
	if (result->rc != PX_OK)
		_exit(8);
	for (unsigned i = 0; i < 2; i++)
		settles[i] = (struct px_settle){.delivery = result->delivery_ids[i],
						.state = PX_D_CANCELLED,
						.actor = "anna",
						.owed = (const uint8_t *)"<CoE/>",
						.owed_len = 6};
	px_store_settle_all(job->w->k->st, 2, settles, cancelled, job);
}

static void post_and_cancel(struct kit *k, unsigned round, int fd)
{
	struct worker w = {.k = k, .pipe = fd, .round = round};
	kit_open(k);
	for (;;) {
		struct px_new_delivery to[] = {{.recipient = "UA", .partner = "ua", .deadline = INT64_MAX},
					       {.recipient = "PL", .partner = "ua", .deadline = INT64_MAX}};
		struct job *job = px_xcalloc(1, sizeof(*job));
		*job = (struct job){.w = &w, .line = {.what = 'C'}};
		(void)snprintf(job->line.id, sizeof(job->line.id), "M%u-%u", w.round, w.next++);
		struct px_accept req = {.partner = "by",
					.body = kit_body(job->line.id, 700),
					.movement_life = 86400000,
					.n_deliveries = 2,
					.deliveries = to};
		px_strlcpy(req.header.sender, "BY", sizeof(req.header.sender));
		px_strlcpy(req.header.message_id, job->line.id, sizeof(req.header.message_id));
		px_store_accept(k->st, &req, cancel, job);
		px_body_unref(&req.body);
		for (w.under_way++; w.under_way >= WINDOW;)
			kit_step(k, 1000);
	}
}

static void test_kill_between_cancellations(void **state)
{
	struct kit *k = *state;
	for (unsigned round = 0; round < ROUNDS / 2; round++) {
		unsigned n;
		struct line *lines = kill_while(k, post_and_cancel, round, 30 + 211 * round, &n);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(kit_find(k, lines[i].id).delivery.state, PX_D_CANCELLED);
		free(lines);
		struct kit_stats stats = kit_stats(k);
		assert_int_equal(stats.ua.cancelled + stats.ua.queued, 2 * stats.s.messages);
		for (unsigned i = 0; i < stats.s.messages; i++) {
			char id[PX_MESSAGE_ID_MAX + 1];
			(void)snprintf(id, sizeof(id), "M%u-%u", round, i);
			struct kit_message m = kit_find(k, id);
			if (m.rc != PX_OK)
				break; /* of an earlier round */
			assert_int_equal(m.n_deliveries, 2);
			assert_int_equal(m.delivery.state, m.second.state);
		}
		assert_int_equal(stats.s.owed, stats.ua.cancelled);
		assert_int_equal(kit_count_journal(k, PX_J_SETTLED, NULL), stats.ua.cancelled);
		kit_sound(k);
		kit_close(k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_kill, kit_setup, kit_teardown),
	    cmocka_unit_test_setup_teardown(test_kill_between_cancellations, kit_setup, kit_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
