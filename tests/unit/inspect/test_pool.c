/* prinex: the pool of inspectors: work, order, replacement, retirement
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "inspect/pool_parts.h"
#include "pool_fixture.h"

static unsigned count_entries(const char *folder)
{
	unsigned n = 0;
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	for (const struct dirent *e; (e = readdir(dir)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void many_documents_get_their_own_verdict(void **state PX_UNUSED)
{
	enum { N = 300 };
	struct fixture f;
	static struct outcome o[N];
	char text[32];
	fixture_open(&f);
	fixture_start(&f, "good");
	assert_int_equal(f.ready_rc, PX_OK);
	for (unsigned i = 0; i < N; i++) {
		snprintf(text, sizeof(text), "ok T%u", i);
		fixture_submit(&f, text, i % 50 == 0 ? 300000 : i, &o[i]);
	}
	assert_int_equal(px_pool_load(f.pool), N);
	fixture_until(&f, f.done == N, 20000);
	assert_int_equal(px_pool_load(f.pool), 0);
	for (unsigned i = 0; i < N; i++) {
		snprintf(text, sizeof(text), "T%u", i);
		assert_int_equal(o[i].rc, PX_OK);
		assert_string_equal(o[i].verdict->header.type, text);
		outcome_free(&o[i]);
	}
	assert_int_equal(f.ready, 1);
	assert_int_equal(px_metric_get(f.metrics, PX_M_INSPECT_SECONDS, NULL, NULL, NULL), N);
	/* Counted by the next look at the clocks. */
	fixture_until(&f, px_metric_get(f.metrics, PX_M_INSPECT_CPU, NULL, NULL, NULL) > 0, 20000);
	fixture_close(&f);
}

static void documents_submitted_before_ready_wait_for_it(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome o;
	fixture_open(&f);
	fixture_new(&f, "good");
	fixture_submit(&f, "ok early", 0, &o);
	fixture_until(&f, o.done, 20000);
	assert_int_equal(o.rc, PX_OK);
	outcome_free(&o);
	fixture_close(&f);
}

static void remember(void *arg, int rc, struct px_verdict *verdict)
{
	*(struct outcome *)arg = (struct outcome){.done = true, .rc = rc, .verdict = verdict};
}

/* All that a request carries reaches the examination. */
static void the_request_arrives_whole(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome o = {0};
	fixture_open(&f);
	fixture_start(&f, "good");
	struct px_pool_request r = {.kind = PX_DOC_CONFIRMATION,
				    .body = px_body_copy("ok whole", 9),
				    .now = 1234567890123,
				    .roles = 1u << PX_ROLE_NODE,
				    .has_expected = true,
				    .expected_sender = "XA.ABCDEFGHIJK",
				    .expected_id = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345678"};
	memset(r.expected_digest, 0xa5, sizeof(r.expected_digest));
	assert_int_equal(px_pool_submit(f.pool, &r, remember, &o), PX_OK);
	px_body_unref(&r.body); /* the pool has its own reference */
	fixture_until(&f, o.done, 20000);
	assert_int_equal(o.rc, PX_OK);
	const struct px_confirmation *e = &o.verdict->entries[0];
	assert_int_equal(o.verdict->kind, PX_DOC_CONFIRMATION);
	assert_int_equal(o.verdict->header.created_at, 1234567890123);
	assert_int_equal(o.verdict->signer.role, PX_ROLE_NODE); /* first_broker was false */
	assert_true(e->permanent);                              /* roles */
	assert_string_equal(e->ref_sender, r.expected_sender);
	assert_string_equal(e->ref_message_id, r.expected_id);
	assert_memory_equal(e->ref_digest, r.expected_digest, PX_DIGEST_LEN);
	outcome_free(&o);
	fixture_close(&f);
}

/* Those behind it are taken from it in their order. */
static void nobody_waits_behind_a_slow_one_while_another_is_free(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome slow, quick[3 * PX_ARENA_SLOTS];
	fixture_open(&f);
	fixture_start(&f, "good");
	fixture_submit(&f, "spin 1500", 0, &slow);
	for (unsigned i = 0; i < PX_ARRAY_LEN(quick); i++)
		fixture_submit(&f, "ok quick", 0, &quick[i]);
	fixture_until(&f, slow.done, 20000);
	assert_int_equal(slow.rc, PX_OK);
	for (unsigned i = 0; i < PX_ARRAY_LEN(quick); i++) {
		assert_int_equal(quick[i].rc, PX_OK);
		assert_true(quick[i].rank < slow.rank);
		outcome_free(&quick[i]);
	}
	outcome_free(&slow);
	fixture_close(&f);
}

static void a_small_one_is_not_put_behind_large_ones(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome slow, quick, small;
	fixture_open(&f);
	fixture_start(&f, "good");
	fixture_submit(&f, "spin 1500", 1024 * 1024, &slow);
	fixture_submit(&f, "spin 200", 1024 * 1024, &quick);
	fixture_submit(&f, "ok small", 0, &small);
	assert_int_equal(f.pool->queue.n, 1); /* waits for whoever is free first */
	fixture_until(&f, small.done, 20000);
	assert_true(quick.done);
	assert_false(slow.done);
	fixture_until(&f, slow.done, 20000);
	outcome_free(&slow);
	outcome_free(&quick);
	outcome_free(&small);
	fixture_close(&f);
}

static void a_small_one_waits_for_one_large_one_at_most(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome large[4], small;
	fixture_open(&f);
	f.setup.workers = 1;
	fixture_start(&f, "good");
	for (unsigned i = 0; i < PX_ARRAY_LEN(large); i++)
		fixture_submit(&f, "spin 30", 1024 * 1024, &large[i]);
	fixture_submit(&f, "ok small", 0, &small);
	fixture_until(&f, f.done == PX_ARRAY_LEN(large) + 1, 60000);
	assert_int_equal(small.rank, 2);
	for (unsigned i = 0; i < PX_ARRAY_LEN(large); i++) {
		assert_int_equal(large[i].rc, PX_OK);
		outcome_free(&large[i]);
	}
	outcome_free(&small);
	fixture_close(&f);
}

/* How many of @n documents of @len octets an inspector has at once; all of them end in their order. (When
 * this process is stopped between two calls for so long that the first looks slow: once more.) */
static unsigned handed_over(struct fixture *f, unsigned n, size_t len)
{
	struct outcome o[20];
	char text[16];
	unsigned most = 0;
	for (unsigned round = 0; round < 10 && most < 2; round++) {
		f->done = 0;
		for (unsigned i = 0; i < n; i++) {
			snprintf(text, sizeof(text), "ok T%u", i);
			fixture_submit(f, text, len, &o[i]);
		}
		most = f->pool->workers[0].n_flight;
		fixture_until(f, f->done == n, 20000);
		for (unsigned i = 0; i < n; i++) {
			snprintf(text, sizeof(text), "T%u", i);
			assert_int_equal(o[i].rank, i + 1);
			assert_string_equal(o[i].verdict->header.type, text);
			outcome_free(&o[i]);
		}
	}
	return most;
}

/* An inspector does not wait for the loop between small documents, and nobody for many behind one inspector.
 */
static void what_waits_at_an_inspector_is_bounded(void **state PX_UNUSED)
{
	struct fixture f;
	fixture_open(&f);
	f.setup.workers = 1;
	fixture_start(&f, "good");
	assert_int_equal(handed_over(&f, 20, 0), PX_ARENA_SLOTS);
	assert_int_equal(handed_over(&f, 20, 50000), 2);
	assert_int_equal(handed_over(&f, 20, PX_INSPECT_SMALL), 2);
	assert_int_equal(handed_over(&f, 3, PX_INSPECT_SMALL + 1), 1);
	fixture_close(&f);
}

/* With two, small ones go to the one that has less to do. */
static void two_inspectors_have_as_much_to_do(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome o[6];
	bool alike = false;
	fixture_open(&f);
	fixture_start(&f, "good");
	for (unsigned round = 0; round < 10 && !alike; round++) {
		f.done = 0;
		for (unsigned i = 0; i < PX_ARRAY_LEN(o); i++)
			fixture_submit(&f, "ok x", 1000, &o[i]);
		alike = f.pool->workers[0].n_flight == 3 && f.pool->workers[1].n_flight == 3;
		fixture_until(&f, f.done == PX_ARRAY_LEN(o), 20000);
		for (unsigned i = 0; i < PX_ARRAY_LEN(o); i++)
			outcome_free(&o[i]);
	}
	assert_true(alike);
	fixture_close(&f);
}

static void inspectors_are_replaced_after_their_share(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome o;
	fixture_open(&f);
	f.setup.workers = 1;
	f.setup.messages_max = 5;
	fixture_start(&f, "good");
	pid_t first = f.pool->workers[0].pid;
	for (unsigned i = 0; i < 11; i++) {
		fixture_run(&f, "ok x", &o);
		assert_int_equal(o.rc, PX_OK);
		outcome_free(&o);
	}
	assert_int_equal(restarts(&f, "replaced"), 2);
	assert_int_not_equal(f.pool->workers[0].pid, first);
	fixture_close(&f);
}

static void too_many_waiting_is_busy(void **state PX_UNUSED)
{
	struct fixture f;
	static struct outcome o[1100];
	struct px_pool_request r = {.body = px_body_copy("ok", 3)};
	unsigned n = 0;
	fixture_open(&f);
	fixture_start(&f, "good");
	int rc = PX_OK;
	while (n < PX_ARRAY_LEN(o) && (rc = px_pool_submit(f.pool, &r, remember, &o[n])) == PX_OK)
		n++;
	assert_int_equal(rc, PX_EBUSY);
	assert_int_equal(f.pool->queue.n, 1024);
	px_body_unref(&r.body);
	fixture_until(&f, px_pool_load(f.pool) == 0, 20000);
	for (unsigned i = 0; i < n; i++)
		outcome_free(&o[i]);
	fixture_close(&f);
}

static void too_large_is_refused(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome o = {0};
	fixture_open(&f);
	f.setup.body_limit = 100000;
	fixture_start(&f, "good");
	uint8_t *data = px_xcalloc(1, 300000);
	struct px_pool_request r = {.body = px_body_new(&data, 300000, NULL)};
	assert_int_equal(px_pool_submit(f.pool, &r, remember, &o), PX_ELIMIT);
	px_body_unref(&r.body);
	/* A confirmation may be larger than an exchange. */
	fixture_submit(&f, "ok", (size_t)PX_LIMIT_CONFIRMATION, &o);
	fixture_until(&f, o.done, 20000);
	assert_int_equal(o.rc, PX_OK);
	outcome_free(&o);
	fixture_close(&f);
}

/* The walls as the kernel shows them. */
static void inspectors_stand_behind_walls(void **state PX_UNUSED)
{
	struct fixture f;
	char path[64];
	struct px_buf status = PX_BUF_INIT, oom = PX_BUF_INIT;
	fixture_open(&f);
	fixture_start(&f, "good");
	int pid = (int)f.pool->workers[0].pid;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	assert_int_equal(px_buf_read_file(&status, path, 65536, NULL), PX_OK);
	assert_non_null(strstr(px_buf_str(&status), "NoNewPrivs:\t1"));
	assert_non_null(strstr(px_buf_str(&status), "Seccomp:\t2"));
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	assert_int_equal(px_buf_read_file(&oom, path, 65536, NULL), PX_OK);
	assert_string_equal(px_buf_str(&oom), "500\n");
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
#ifdef PX_SANITIZE
	assert_int_equal(count_entries(path), 2); /* its socket, standard error */
#else
	assert_int_equal(count_entries(path), 1);
#endif
	px_buf_free(&status);
	px_buf_free(&oom);
	fixture_close(&f);
}

static long arena_octets(const struct fixture *f)
{
	struct stat st;
	assert_int_equal(fstat(f->pool->workers[0].arena.fd, &st), 0);
	return (long)st.st_blocks * 512;
}

/* Not at once: another large document would need it again. */
static void memory_of_large_documents_is_given_back(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome o;
	fixture_open(&f);
	f.setup.workers = 1;
	fixture_start(&f, "good");
	fixture_submit(&f, "ok large", 4 * 1024 * 1024, &o);
	assert_true(arena_octets(&f) >= 4 * 1024 * 1024);
	fixture_until(&f, o.done, 20000);
	outcome_free(&o);
	fixture_until(&f, arena_octets(&f) <= 256 * 1024, 20000);
	fixture_run(&f, "ok again", &o); /* what is left works */
	assert_int_equal(o.rc, PX_OK);
	outcome_free(&o);
	fixture_close(&f);
}

/* --- beginning and end -----------------------------------------------------------------------------------
 */

static void a_parent_that_cannot_load_says_why(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome o;
	fixture_open(&f);
	fixture_new(&f, "wrong");
	fixture_submit(&f, "ok", 0, &o);
	fixture_until(&f, f.ready > 0, 20000);
	assert_int_equal(f.ready_rc, PX_ECONF);
	assert_string_equal(f.why, "the configuration is wrong");
	assert_true(o.done);
	assert_int_equal(o.rc, PX_ECANCELLED);
	for (unsigned i = 0; i < 10; i++)
		fixture_step(&f);
	assert_int_equal(f.ready, 1);
	assert_int_equal(f.lost, 0);
	fixture_close(&f);
}

static void a_parent_that_dies_at_once_is_told(void **state PX_UNUSED)
{
	struct fixture f;
	fixture_open(&f);
	fixture_start(&f, "exit");
	assert_int_equal(f.ready_rc, PX_ESYS);
	assert_non_null(strstr(f.why, "ended with status 7"));
	fixture_close(&f);
}

static void a_program_that_is_not_there_is_told(void **state PX_UNUSED)
{
	struct fixture f;
	struct px_buf why = PX_BUF_INIT;
	fixture_open(&f);
	f.setup.exe = "/nonexistent/prinexd";
	assert_int_equal(px_pool_new(&f.setup, NULL, NULL, &f, &f.pool, &why), PX_ESYS);
	assert_non_null(strstr(px_buf_str(&why), "/nonexistent/prinexd"));
	px_buf_free(&why);
	fixture_close(&f);
}

static void death_of_the_parent_is_told_and_ends_what_is_pending(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome busy[2], waiting;
	fixture_open(&f);
	fixture_start(&f, "good");
	pid_t inspector = f.pool->workers[0].pid;
	fixture_submit(&f, "spin 60000", 0, &busy[0]);
	fixture_submit(&f, "spin 60000", 0, &busy[1]);
	fixture_submit(&f, "ok", 100000, &waiting);
	kill(f.pool->parent, SIGKILL);
	fixture_until(&f, f.lost > 0, 20000);
	assert_int_equal(busy[0].rc, PX_ECANCELLED);
	assert_int_equal(busy[1].rc, PX_ECANCELLED);
	assert_int_equal(waiting.rc, PX_ECANCELLED);
	assert_int_equal(px_pool_load(f.pool), 0);
	struct px_pool_request r = {.body = px_body_copy("ok", 3)};
	assert_int_equal(px_pool_submit(f.pool, &r, remember, &waiting), PX_EBUSY);
	px_body_unref(&r.body);
	/* The inspectors die with it. */
	fixture_until(&f, is_dead(inspector), 5000);
	assert_int_equal(f.lost, 1);
	fixture_close(&f);
}

/* Inspectors that die with their parent are no evidence against the message they had. */
static void death_of_the_parent_is_not_the_messages_fault(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome o;
	fixture_open(&f);
	f.setup.workers = 1;
	fixture_start(&f, "good");
	fixture_run(&f, "ok", &o);
	outcome_free(&o);
	fixture_submit(&f, "crash-then-spin", 0, &o);
	fixture_until(&f, f.pool->workers[0].alone, 20000); /* one death more would be final */
	pid_t inspector = f.pool->workers[0].pid;
	kill(f.pool->parent, SIGKILL);
	for (unsigned i = 0; i < 1000 && !is_dead(inspector); i++)
		usleep(10000);
	fixture_until(&f, f.lost > 0, 20000);
	assert_true(o.done);
	assert_int_equal(o.rc, PX_ECANCELLED);
	fixture_close(&f);
}

/* If the broker is killed nothing of it stays behind. */
static void inspectors_end_with_the_broker(void **state PX_UNUSED)
{
	int pipefd[2];
	pid_t pids[2];
	assert_int_equal(pipe(pipefd), 0);
	pid_t broker = fork();
	if (broker == 0) {
		struct fixture f;
		struct outcome o;
		fixture_open(&f);
		fixture_start(&f, "good");
		fixture_submit(&f, "spin 60000", 0, &o);
		pids[0] = f.pool->parent;
		pids[1] = f.pool->workers[0].pid;
		PX_UNUSED ssize_t n = write(pipefd[1], pids, sizeof(pids));
		pause();
		_exit(0);
	}
	assert_int_equal(read(pipefd[0], pids, sizeof(pids)), sizeof(pids));
	kill(broker, SIGKILL);
	for (unsigned i = 0; i < 1000 && !(is_dead(pids[0]) && is_dead(pids[1])); i++)
		usleep(10000);
	assert_true(is_dead(pids[0]));
	assert_true(is_dead(pids[1]));
	assert_int_equal(waitpid(broker, NULL, 0), broker);
	close(pipefd[0]);
	close(pipefd[1]);
}

static void a_retired_pool_finishes_its_work(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome o[20];
	fixture_open(&f);
	fixture_start(&f, "good");
	pid_t parent = f.pool->parent;
	for (unsigned i = 0; i < PX_ARRAY_LEN(o); i++)
		fixture_submit(&f, i < 2 ? "spin 300" : "ok", 0, &o[i]);
	px_pool_retire(&f.pool);
	assert_null(f.pool);
	fixture_until(&f, f.gone > 0, 20000);
	assert_int_equal(f.done, PX_ARRAY_LEN(o));
	for (unsigned i = 0; i < PX_ARRAY_LEN(o); i++) {
		assert_int_equal(o[i].rc, PX_OK);
		outcome_free(&o[i]);
	}
	assert_int_equal(kill(parent, 0), -1); /* reaped */
	assert_int_equal(f.lost, 0);
	fixture_close(&f);
}

static void free_cancels_what_is_pending(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome o[4];
	fixture_open(&f);
	fixture_start(&f, "good");
	pid_t parent = f.pool->parent;
	for (unsigned i = 0; i < PX_ARRAY_LEN(o); i++)
		fixture_submit(&f, "spin 60000", 0, &o[i]);
	px_pool_free(&f.pool);
	for (unsigned i = 0; i < PX_ARRAY_LEN(o); i++)
		assert_int_equal(o[i].rc, PX_ECANCELLED);
	assert_int_equal(kill(parent, 0), -1);
	fixture_close(&f);
}

static struct fixture *to_free;
static void free_the_pool(void *arg, int rc, struct px_verdict *verdict)
{
	remember(arg, rc, verdict);
	px_pool_free(&to_free->pool);
}

static void the_pool_may_be_freed_in_a_callback(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome first = {0}, second = {0};
	struct px_pool_request r = {.body = px_body_copy("ok", 3)};
	fixture_open(&f);
	fixture_start(&f, "good");
	to_free = &f;
	assert_int_equal(px_pool_submit(f.pool, &r, free_the_pool, &first), PX_OK);
	assert_int_equal(px_pool_submit(f.pool, &r, remember, &second), PX_OK);
	px_body_unref(&r.body);
	fixture_until(&f, first.done && second.done, 20000);
	assert_null(f.pool);
	outcome_free(&first);
	outcome_free(&second);
	fixture_close(&f);
}

static long resident_kb(void)
{
	long total, resident;
	FILE *file = fopen("/proc/self/statm", "r");
	assert_int_equal(fscanf(file, "%ld %ld", &total, &resident), 2);
	fclose(file);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void reloads_leave_nothing_behind(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome o;
	unsigned fds = 0;
	long kb = 0;
	fixture_open(&f);
	for (unsigned i = 0; i < 60; i++) {
		if (i == 10) {
			fds = count_entries("/proc/self/fd");
			kb = resident_kb();
		}
		f.gone = 0;
		fixture_start(&f, "good");
		fixture_submit(&f, "ok", 1000000, &o);
		px_pool_retire(&f.pool);
		fixture_until(&f, f.gone > 0, 20000);
		assert_int_equal(o.rc, PX_OK);
		outcome_free(&o);
	}
	assert_int_equal(count_entries("/proc/self/fd"), fds);
#ifndef PX_SANITIZE /* its quarantine keeps what was freed */
	assert_true(resident_kb() - kb < 1024);
#else
	(void)kb;
#endif
	fixture_close(&f);
}

int main(int argc, char **argv)
{
	if (orders_wanted(argc, argv))
		return orders_main(argc, argv);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(many_documents_get_their_own_verdict),
	    cmocka_unit_test(documents_submitted_before_ready_wait_for_it),
	    cmocka_unit_test(the_request_arrives_whole),
	    cmocka_unit_test(nobody_waits_behind_a_slow_one_while_another_is_free),
	    cmocka_unit_test(a_small_one_is_not_put_behind_large_ones),
	    cmocka_unit_test(a_small_one_waits_for_one_large_one_at_most),
	    cmocka_unit_test(what_waits_at_an_inspector_is_bounded),
	    cmocka_unit_test(two_inspectors_have_as_much_to_do),
	    cmocka_unit_test(inspectors_are_replaced_after_their_share),
	    cmocka_unit_test(too_many_waiting_is_busy),
	    cmocka_unit_test(too_large_is_refused),
	    cmocka_unit_test(inspectors_stand_behind_walls),
	    cmocka_unit_test(memory_of_large_documents_is_given_back),
	    cmocka_unit_test(a_parent_that_cannot_load_says_why),
	    cmocka_unit_test(a_parent_that_dies_at_once_is_told),
	    cmocka_unit_test(a_program_that_is_not_there_is_told),
	    cmocka_unit_test(death_of_the_parent_is_told_and_ends_what_is_pending),
	    cmocka_unit_test(death_of_the_parent_is_not_the_messages_fault),
	    cmocka_unit_test(inspectors_end_with_the_broker),
	    cmocka_unit_test(a_retired_pool_finishes_its_work),
	    cmocka_unit_test(free_cancels_what_is_pending),
	    cmocka_unit_test(the_pool_may_be_freed_in_a_callback),
	    cmocka_unit_test(reloads_leave_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
