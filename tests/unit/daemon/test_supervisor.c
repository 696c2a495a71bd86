/* prinex: tests of the supervisor: starting anew, brokers that hang, stopping, what a service manager is told
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/strings.h"
#include "daemon/daemon.h"
#include "daemon/lifeline.h"
#include "daemon/systemd.h"

/*
 * The supervisor executes /proc/self/exe, which is this test: with --role it plays a broker. Its part is the
 * name of its configuration file; each start appends a line with the time to the file PX_TEST_STARTS.
 */
static char folder[] = "/tmp/prinex-daemon-XXXXXX";
static char starts[128], notes[128];

/* --- the broker that it starts */

static volatile sig_atomic_t told;

static void on_term(int sig)
{
	(void)sig;
	told = 1;
}

static int play(const char *part, int fd)
{
	FILE *f = fopen(getenv("PX_TEST_STARTS"), "a");
	fprintf(f, "%lld\n", (long long)px_clock_mono(px_clock_real()));
	fclose(f);
	signal(SIGTERM, strcmp(part, "deaf") == 0 ? SIG_IGN : on_term);
	if (strcmp(part, "dies") == 0)
		return PX_EXIT_FAILED;
	if (strcmp(part, "wrong-conf") == 0)
		return PX_EXIT_CONF;
	px_life_say(fd, PX_LIFE_READY, 0);
	if (strcmp(part, "dies-later") == 0)
		abort();
	if (strcmp(part, "stops") == 0)
		return PX_EXIT_OK;
	if (strcmp(part, "slow-to-stop") == 0)
		px_life_say(fd, PX_LIFE_ALIVE, 0);
	for (int i = 0; i < 200; i++) { /* never longer than 10 s */
		usleep(50000);
		if (strcmp(part, "hangs") != 0)
			px_life_say(fd, PX_LIFE_ALIVE, 0);
		if (told && strcmp(part, "slow-to-stop") == 0) {
			px_life_say(fd, PX_LIFE_STOPPING, 5500);
			usleep(900000); /* longer than `stop` of the patience, within what it asked for */
		}
		if (told)
			return PX_EXIT_OK;
	}
	return PX_EXIT_OK;
}

/* --- the supervisor, in a process of its own */

struct run {
	pid_t pid;
	int notify; /* what the service manager hears */
};

static struct run begin(const char *part)
{
	static const struct px_patience patience = {
	    .pause_first = 100, .pause_most = 400, .steady = 5000, .silence = 2000, .stop = 500};
	struct run r;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	unlink(starts);
	unlink(notes);
	r.notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(px_strlcpy(at.sun_path, notes, sizeof(at.sun_path)));
	assert_int_equal(bind(r.notify, (const struct sockaddr *)&at, sizeof(at)), 0);
	r.pid = fork();
	if (r.pid == 0) {
		struct px_options o = {.program = "prinexd", .conf_file = part, .role = "", .fd = -1};
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		dup2(null, STDERR_FILENO);
		setenv("PX_TEST_STARTS", starts, 1);
		setenv("NOTIFY_SOCKET", notes, 1);
		_exit(px_supervise(&o, &patience));
	}
	return r;
}

/* @return exit status, or -1 when it did not end by itself within @ms. */
static int end(struct run *r, int ms)
{
	int status = -1;
	for (int i = 0; i < ms / 20 && waitpid(r->pid, &status, WNOHANG) == 0; i++)
		usleep(20000);
	if (status == -1) {
		kill(r->pid, SIGKILL);
		waitpid(r->pid, NULL, 0);
	}
	close(r->notify);
	return status == -1 ? -1 : WEXITSTATUS(status);
}

static unsigned read_starts(int64_t *at, unsigned max)
{
	FILE *f = fopen(starts, "r");
	unsigned n = 0;
	long long t;
	while (f != NULL && n < max && fscanf(f, "%lld", &t) == 1)
		at[n++] = t;
	if (f != NULL)
		fclose(f);
	return n;
}

static bool wait_for_starts(unsigned n, int ms)
{
	int64_t at[64];
	for (int i = 0; i < ms / 20; i++) {
		if (read_starts(at, 64) >= n)
			return true;
		usleep(20000);
	}
	return false;
}

/* Whether the service manager hears @text within @ms. */
static bool hears(struct run *r, const char *text, int ms)
{
	char got[600];
	int64_t until = px_clock_mono(px_clock_real()) + ms;
	for (;;) {
		struct pollfd p = {.fd = r->notify, .events = POLLIN};
		int64_t left = until - px_clock_mono(px_clock_real());
		if (left <= 0 || poll(&p, 1, (int)left) != 1)
			return false;
		ssize_t n = recv(r->notify, got, sizeof(got) - 1, 0);
		got[n > 0 ? n : 0] = '\0';
		if (strstr(got, text) != NULL)
			return true;
	}
}

/* --- tests */

static void test_starts_anew_with_growing_pauses(void **state)
{
	(void)state;
	struct run r = begin("dies");
	int64_t at[16];
	assert_true(wait_for_starts(6, 40000));
	kill(r.pid, SIGTERM);
	/* Well, when it meets the supervisor between two brokers; failed, when one is just about to die. */
	assert_true(end(&r, 30000) != -1);
	unsigned n = read_starts(at, 16);
	assert_true(n >= 6);
	/* 0, 100, 200, 400 and 400 ms: with equal pauses of 100 it would be 500 in all. Each start is noted
	 * by the process itself, a moment after it was made. */
	assert_in_range(at[5] - at[0], 700, 60000);
	assert_in_range(at[5] - at[3], 500, 60000);
}

static void test_a_wrong_configuration_is_not_tried_again(void **state)
{
	(void)state;
	struct run r = begin("wrong-conf");
	int64_t at[4];
	assert_int_equal(end(&r, 30000), PX_EXIT_CONF);
	assert_int_equal(read_starts(at, 4), 1);
}

static void test_says_ready_and_stops(void **state)
{
	(void)state;
	struct run r = begin("serves");
	assert_true(hears(&r, "READY=1", 30000));
	kill(r.pid, SIGTERM);
	assert_true(hears(&r, "STOPPING=1", 30000));
	assert_int_equal(end(&r, 30000), PX_EXIT_OK);
	int64_t at[4];
	assert_int_equal(read_starts(at, 4), 1);
}

static void test_a_broker_that_stopped_as_told_is_left(void **state)
{
	(void)state;
	struct run r = begin("stops");
	int64_t at[4];
	assert_int_equal(end(&r, 30000), PX_EXIT_OK);
	assert_int_equal(read_starts(at, 4), 1);
}

static void test_a_broker_that_dies_is_reported(void **state)
{
	(void)state;
	struct run r = begin("dies-later");
	assert_true(hears(&r, "signal 6", 30000));
	assert_true(wait_for_starts(2, 30000));
	kill(r.pid, SIGTERM);
	assert_true(end(&r, 30000) != -1);
}

static void test_a_broker_that_hangs_is_killed(void **state)
{
	(void)state;
	struct run r = begin("hangs");
	int64_t at[4];
	assert_true(wait_for_starts(2, 40000));
	assert_true(read_starts(at, 4) >= 2);
	assert_in_range(at[1] - at[0], 1950, 30000);
	kill(r.pid, SIGKILL);
	end(&r, 0);
}

/* The time it asks for to drain is given, and no more. */
static void test_stopping_takes_the_time_asked_for(void **state)
{
	(void)state;
	struct run r = begin("slow-to-stop");
	assert_true(hears(&r, "READY=1", 30000));
	kill(r.pid, SIGTERM);
	assert_true(hears(&r, "EXTEND_TIMEOUT_USEC=6000000", 30000));
	assert_int_equal(end(&r, 30000), PX_EXIT_OK);
	r = begin("deaf");
	assert_true(hears(&r, "READY=1", 30000));
	int64_t before = px_clock_mono(px_clock_real());
	kill(r.pid, SIGTERM);
	assert_int_equal(end(&r, 30000), PX_EXIT_FAILED);
	assert_in_range(px_clock_mono(px_clock_real()) - before, 450, 30000);
}

static void test_sockets_and_watchdog_are_for_this_process(void **state)
{
	(void)state;
	int fds[4];
	char pid[16];
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	assert_int_equal(px_systemd_sockets(fds, 4), 0);
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_PID", "1", 1);
	assert_int_equal(px_systemd_sockets(fds, 4), 0);
	setenv("LISTEN_PID", pid, 1);
	assert_int_equal(px_systemd_sockets(fds, 4), 2);
	assert_int_equal(fds[0], 3);
	assert_int_equal(fds[1], 4);
	assert_int_equal(px_systemd_sockets(fds, 1), 1);
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	assert_int_equal(px_systemd_watchdog(), 0);
	setenv("WATCHDOG_USEC", "90000000", 1);
	assert_int_equal(px_systemd_watchdog(), 90000);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(px_systemd_watchdog(), 0);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(starts, sizeof(starts), "%s/starts", folder);
	snprintf(notes, sizeof(notes), "%s/notify", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(starts);
	unlink(notes);
	return rmdir(folder);
}

int main(int argc, char **argv)
{
	uint64_t fd = 0;
	if (argc >= 7 && strcmp(argv[1], "--role") == 0)
		return px_parse_u64(argv[6], 0, 1000, &fd) == PX_OK ? play(argv[4], (int)fd) : PX_EXIT_CONF;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_starts_anew_with_growing_pauses),
	    cmocka_unit_test(test_a_wrong_configuration_is_not_tried_again),
	    cmocka_unit_test(test_says_ready_and_stops),
	    cmocka_unit_test(test_a_broker_that_stopped_as_told_is_left),
	    cmocka_unit_test(test_a_broker_that_dies_is_reported),
	    cmocka_unit_test(test_a_broker_that_hangs_is_killed),
	    cmocka_unit_test(test_stopping_takes_the_time_asked_for),
	    cmocka_unit_test(test_sockets_and_watchdog_are_for_this_process),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
