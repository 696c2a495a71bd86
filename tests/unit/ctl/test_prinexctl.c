/* prinex: tests: prinexctl as people run it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"
#include "ctl/help.h"

/* --- running it
 * ------------------------------------------------------------------------------------------------ */

struct run {
	pid_t pid;
	int out, err;
	int status;
	struct px_buf stdout_text, stderr_text;
};

/* How it is run; zero: as is. */
struct how {
	uid_t uid;
	int tty; /* this is its stdout */
	const char *env;
};

static void child(struct rig *r, const char *words, const struct how *how, int out, int err)
{
	char program[256], copy[1024], *argv[32], *env[8];
	unsigned n = 0, e = 0;
	const char *build = getenv("PX_BUILD");
	char socket_env[160];
	snprintf(program, sizeof(program), "%s/prinexctl", build != NULL ? build : "build");
	snprintf(socket_env, sizeof(socket_env), "PRINEX_SOCKET=%s", r->socket);
	px_strlcpy(copy, words, sizeof(copy));
	argv[n++] = program;
	for (char *p = *copy != '\0' ? copy : NULL; p != NULL;) {
		argv[n++] = p;
		p = strchr(p, '|');
		if (p != NULL)
			*p++ = '\0';
	}
	argv[n] = NULL;
	env[e++] = socket_env;
	env[e++] = (char *)"TERM=xterm";
	env[e++] = (char *)"ASAN_OPTIONS=detect_leaks=0"; /* uid changes */
	if (how->env != NULL)
		env[e++] = (char *)how->env;
	env[e] = NULL;
	dup2(how->tty > 0 ? how->tty : out, 1);
	dup2(err, 2);
	if (how->uid != 0 && (setgroups(0, NULL) != 0 || setresgid(how->uid, how->uid, how->uid) != 0 ||
			      setresuid(how->uid, how->uid, how->uid) != 0))
		_exit(99);
	execve(program, argv, env);
	fprintf(stderr, "%s: %s\n", program, strerror(errno));
	_exit(98);
}

/* Words are separated by '|'. */
static void start(struct rig *r, const char *words, const struct how *how, struct run *run)
{
	int out[2], err[2];
	*run = (struct run){.pid = -1};
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	fflush(stdout);
	run->pid = fork();
	assert_true(run->pid >= 0);
	if (run->pid == 0)
		child(r, words, how, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	run->out = out[0];
	run->err = err[0];
}

static void drain(int fd, struct px_buf *to)
{
	char part[65536];
	ssize_t n;
	while ((n = read(fd, part, sizeof(part))) > 0)
		px_buf_add(to, part, (size_t)n);
}

static void finish(struct rig *r, struct run *run)
{
	int status;
	int64_t end = px_clock_mono(px_clock_real()) + 20000;
	while (waitpid(run->pid, &status, WNOHANG) == 0) {
		rig_step(r);
		drain(run->out, &run->stdout_text);
		drain(run->err, &run->stderr_text);
		usleep(500);
		if (px_clock_mono(px_clock_real()) > end) {
			kill(run->pid, SIGKILL);
			fail_msg("prinexctl does not end; it said: %s %s", px_buf_str(&run->stdout_text),
				 px_buf_str(&run->stderr_text));
		}
	}
	drain(run->out, &run->stdout_text);
	drain(run->err, &run->stderr_text);
	close(run->out);
	close(run->err);
	run->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Run and expect this exit status; @return what it printed, stderr behind stdout. To be freed. */
static char *expect_run(struct rig *r, const char *words, const struct how *how, int status)
{
	struct run run;
	start(r, words, how, &run);
	finish(r, &run);
	if (run.status != status)
		fail_msg("%s: status %d, expected %d: %s%s", words, run.status, status,
			 px_buf_str(&run.stdout_text), px_buf_str(&run.stderr_text));
	px_buf_add(&run.stdout_text, px_buf_str(&run.stderr_text), run.stderr_text.len);
	px_buf_free(&run.stderr_text);
	px_buf_addc(&run.stdout_text, '\0');
	return (char *)px_buf_detach(&run.stdout_text, NULL);
}

static void expect(struct rig *r, const char *words, int status, const char *part)
{
	char *text = expect_run(r, words, &(struct how){0}, status);
	if (strstr(text, part) == NULL)
		fail_msg("%s: no \"%s\" in: %s", words, part, text);
	free(text);
}

/* --- exit statuses and their texts
 * ------------------------------------------------------------------------------ */

static void test_usage(void **state)
{
	struct rig *r = *state;
	expect(r, "", PX_CTL_EXIT_USAGE, "prinexctl: no command; `prinexctl help` lists them");
	expect(r, "sttaus", PX_CTL_EXIT_USAGE, "there is no command sttaus; did you mean status?");
	expect(r, "jurnal|tail", PX_CTL_EXIT_USAGE, "did you mean journal?");
	expect(r, "zzz", PX_CTL_EXIT_USAGE, "there is no command zzz; `prinexctl help` lists them");
	expect(r, "messages|--sicne|2h", PX_CTL_EXIT_USAGE,
	       "messages has no option --sicne; did you mean --since?");
	expect(r, "trace|mrn", PX_CTL_EXIT_USAGE, "trace mrn needs a value behind it");
	expect(r, "--socket", PX_CTL_EXIT_USAGE, "--socket needs the name of a file");
	expect(r, "log|loud", PX_CTL_EXIT_USAGE, "one of err, warn, notice, info, debug");
	expect(r, "status|--josn", PX_CTL_EXIT_USAGE, "status has no option --josn; did you mean --json?");
}

static void test_no_daemon(void **state)
{
	struct rig *r = *state;
	expect(r, "status|--socket=/no/such.sock", PX_CTL_EXIT_UNREACHABLE,
	       "there is no socket /no/such.sock: is prinexd running?");
	px_ctl_free(&r->ctl);
	assert_int_equal(mknod(r->socket, S_IFSOCK | 0666, 0), 0);
	expect(r, "status", PX_CTL_EXIT_UNREACHABLE, "nobody answers at ");
	unlink(r->socket);
	/* What needs no daemon needs none. */
	expect(r, "help", PX_CTL_EXIT_OK, "usage: prinexctl");
	expect(r, "help|journal|tail", PX_CTL_EXIT_OK, "usage: prinexctl journal tail [--limit N]");
	expect(r, "help|journal", PX_CTL_EXIT_OK, "journal verify     Walk the journal");
	expect(r, "journal|--help", PX_CTL_EXIT_OK, "usage: prinexctl journal COMMAND");
	expect(r, "trace|--help", PX_CTL_EXIT_OK, "usage: prinexctl trace [KEY] VALUE");
	expect(r, "--help", PX_CTL_EXIT_OK, "Exit status:");
	expect(r, "--version", PX_CTL_EXIT_OK, "prinexctl " PX_VERSION);
	expect(r, "completion", PX_CTL_EXIT_OK, "complete -F _prinexctl prinexctl");
	expect(r, "help|--man", PX_CTL_EXIT_OK, ".TH PRINEXCTL 8");
}

/* A daemon that dies between question and answer. */
static void test_daemon_gone(void **state)
{
	struct rig *r = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct run run;
	px_ctl_free(&r->ctl);
	px_strlcpy(address.sun_path, r->socket, sizeof(address.sun_path));
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	start(r, "status", &(struct how){0}, &run);
	close(accept(fd, NULL, NULL));
	finish(r, &run);
	assert_int_equal(run.status, PX_CTL_EXIT_UNREACHABLE);
	assert_non_null(strstr(px_buf_str(&run.stderr_text), "closed the connection before it answered"));
	px_buf_free(&run.stdout_text);
	px_buf_free(&run.stderr_text);
	close(fd);
	unlink(r->socket);
}

static void test_findings(void **state)
{
	struct rig *r = *state;
	expect(r, "alarms", PX_CTL_EXIT_OK, "no alarms");
	px_alarm_raise(r->alarms, PX_ALARM_PARTNER_DOWN, "node-ua", "connection refused");
	expect(r, "alarms", PX_CTL_EXIT_NO, "connection refused");
	expect(r, "message|BY/NONE", PX_CTL_EXIT_NO, "prinexctl: there is no such message");
	expect(r, "trace|NOWHERE", PX_CTL_EXIT_NO, "nothing known about NOWHERE");
	expect(r, "config|check", PX_CTL_EXIT_NO, "prinex.conf:");
	expect(r, "verify", PX_CTL_EXIT_OK, "sound");
	expect(r, "journal|verify", PX_CTL_EXIT_OK, "unbroken");
	r->reload_rc = PX_ECONF;
	r->reload_why = "prinex.conf:3: no such option";
	expect(r, "reload", PX_CTL_EXIT_NO,
	       "prinex.conf:3: no such option\nrefused; generation 7 stays in force");
}

static void test_not_permitted(void **state)
{
	struct rig *r = *state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(r->folder, 0755), 0);
	free(r->conf->control_observer);
	r->conf->control_observer = px_xstrdup("23456");
	char *text = expect_run(r, "status", &(struct how){.uid = 12345}, PX_CTL_EXIT_NOT_PERMITTED);
	assert_string_equal(
	    text, "prinexctl: user uid:12345 may not use this socket: it is for members of the groups "
		  "23456 (to look) and no-such-admins (which does not exist on this machine) (to act)\n");
	free(text);
	free(expect_run(r, "status", &(struct how){.uid = 23456}, PX_CTL_EXIT_OK));
	text = expect_run(r, "stop", &(struct how){.uid = 23456}, PX_CTL_EXIT_NOT_PERMITTED);
	assert_non_null(strstr(text, "may look but not act"));
	free(text);
	assert_int_equal(r->stops, 0);
	assert_int_equal(chmod(r->folder, 0700), 0);
	text = expect_run(r, "status", &(struct how){.uid = 23456}, PX_CTL_EXIT_NOT_PERMITTED);
	assert_non_null(strstr(text, "no permission to open"));
	free(text);
}

/* --- what is shown
 * -------------------------------------------------------------------------------------------- */

static void test_shows(void **state)
{
	struct rig *r = *state;
	rig_accept(
	    r,
	    &(struct rig_message){
		.id = "A1", .mrn = "26BYAB12CD34EF56J7", .vehicle = "АВ 1234-5", .to = {"PL:system-pl"}},
	    NULL);
	rig_advance(r, 0);
	expect(r, "status", 0, "BY brest (test)");
	expect(r, "status", 0, "3, 0 down");
	expect(r, "partners", 0, "node-ua    UA         node    push  quiet");
	expect(r, "partner|node-ua", 0, "https://ua.example:8443");
	expect(r, "messages", 0, "BY/A1");
	expect(r, "messages", 0, "ago)");
	expect(r, "messages|--sender|PL", 0, "no messages");
	expect(r, "message|BY/A1", 0, "АВ 1234-5");
	expect(r, "message|BY|A1", 0, "АВ 1234-5");
	expect(r, "queue|UA", PX_CTL_EXIT_USAGE, "UA is an authority; its partners here: node-ua\n");
	expect(r, "messages|--partner|PL", PX_CTL_EXIT_USAGE, "its partners here: system-pl\n");
	expect(r, "queue|XX", PX_CTL_EXIT_USAGE, "its partners here: none\n");
	expect(r, "trace|--|mrn", PX_CTL_EXIT_NO, "nothing known about MRN");
	expect(r, "queue", 0, "waits for the partner to fetch it");
	expect(r, "trace|MRN|26BYAB12CD34EF56J7", 0, "accepted from system-by, confirmed (CoA)");
	expect(r, "trace|АВ 1234-5", 0, "(vehicle): 1 movement");
	expect(r, "catalogue", 0, "A note");
	expect(r, "journal|tail", 0, "accepted");
	expect(r, "metrics", 0, "# TYPE prinex_accepted_total counter");
	expect(r, "config|dump", 0, "partner \"node-ua\"");
	expect(r, "log|info", 0, "log level is info");
	expect(r, "reload", 0, "generation 7 is in force");
	expect(r, "stop", 0, "prinexd stops");
}

static void test_json(void **state)
{
	struct rig *r = *state;
	char *text = expect_run(r, "--json|partner|node-ua", &(struct how){0}, 0);
	json_t *json = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(json, "url")), "https://ua.example:8443");
	json_decref(json);
	free(text);
	px_alarm_raise(r->alarms, PX_ALARM_DISK, "", "full");
	text = expect_run(r, "alarms|--json", &(struct how){0}, PX_CTL_EXIT_NO);
	json = json_loads(text, 0, NULL);
	assert_true(json_is_false(json_object_get(json, "ok")));
	json_decref(json);
	free(text);
}

/* Columns stand below each other although Cyrillic takes two octets a letter. */
static void test_alignment(void **state)
{
	struct rig *r = *state;
	int64_t now = px_clock_wall(r->clock);
	r->certificates[0] = (struct px_tls_certificate){"node tls", "FILE-A",           "CN=Мытня Берасце",
							 now,        now + 90 * RIG_DAY, false};
	r->certificates[1] =
	    (struct px_tls_certificate){"node sign", "FILE-B", "CN=x", now, now + 90 * RIG_DAY, false};
	r->n_certificates = 2;
	char *text = expect_run(r, "certificates", &(struct how){0}, 0);
	unsigned column[2] = {0, 0};
	for (int i = 0; i < 2; i++) {
		const char *at = strstr(text, i == 0 ? "FILE-A" : "FILE-B"), *line = at;
		assert_non_null(at);
		while (line > text && line[-1] != '\n')
			line--;
		for (; line < at; line++)
			column[i] += ((unsigned char)*line & 0xc0) != 0x80;
	}
	assert_int_equal(column[0], column[1]);
	free(text);
}

/* Values come from messages: none of them moves the cursor or turns text around. */
static void test_hostile_values(void **state)
{
	struct rig *r = *state;
	rig_accept(r,
		   &(struct rig_message){.id = "A1",
					 .mrn = "M1",
					 .vehicle = "X\xc2\x9b"
						    "31m\xe2\x80\xae"
						    "Y"},
		   NULL);
	expect(r, "message|BY/A1", 0, "X\\xc2\\x9b31m\\xe2\\x80\\xaeY");
	expect(r, "trace|M1", 0, "X\\xc2\\x9b31m\\xe2\\x80\\xaeY");
}

static void test_pages(void **state)
{
	struct rig *r = *state;
	for (unsigned i = 0; i < 25; i++) {
		char id[16];
		snprintf(id, sizeof(id), "P%02u", i);
		rig_accept(r, &(struct rig_message){.id = id, .to = {"PL:system-pl"}}, NULL);
	}
	char *text = expect_run(r, "messages|--limit|10", &(struct how){0}, 0);
	const char *more = strstr(text, "more follow: --from ");
	assert_non_null(more);
	char next[96];
	snprintf(next, sizeof(next), "messages|--limit|10|--from|%" PRId64,
		 (int64_t)strtoll(more + 20, NULL, 10));
	free(text);
	text = expect_run(r, next, &(struct how){0}, 0);
	assert_non_null(strstr(text, "BY/P14")); /* right behind P15 */
	assert_null(strstr(text, "BY/P15"));
	free(text);
	static const char *const all[] = {"messages|--limit|10|--all", "queue|--limit|10|--all"};
	for (size_t k = 0; k < PX_ARRAY_LEN(all); k++) {
		text = expect_run(r, all[k], &(struct how){0}, 0);
		assert_null(strstr(text, "more follow"));
		unsigned rows = 0;
		for (const char *p = text; (p = strstr(p, " (")) != NULL; p++)
			rows++;
		assert_int_equal(rows, 25); /* each has a time */
		free(text);
	}
}

static void test_body(void **state)
{
	struct rig *r = *state;
	char words[192], path[128];
	size_t len = (size_t)PX_LIMIT_CTL_BODY + 5000;
	char *big = px_xmalloc(len + 1);
	for (size_t i = 0; i < len; i++)
		big[i] = (char)(i * 31 + i / 777);
	rig_accept(r, &(struct rig_message){.id = "BIG", .body = big, .body_len = len}, NULL);
	snprintf(path, sizeof(path), "%s/out.xml", r->folder);
	snprintf(words, sizeof(words), "body|BY/BIG|--out|%s", path);
	free(expect_run(r, words, &(struct how){0}, 0));
	struct px_buf got = PX_BUF_INIT, why = PX_BUF_INIT;
	assert_int_equal(px_buf_read_file(&got, path, 1 << 24, &why), PX_OK);
	assert_int_equal(got.len, len);
	assert_memory_equal(got.data, big, len);
	px_buf_free(&got);
	free(big);
	/* What is there is not written over. */
	expect(r, words, PX_CTL_EXIT_NO, "File exists");
	unlink(path);
	char *coa = expect_run(r, "body|BY/BIG|--coa", &(struct how){0}, 0);
	assert_string_equal(coa, "<coa/>");
	free(coa);
}

/* Until the pipe it writes to is closed. */
static void test_follow(void **state)
{
	struct rig *r = *state;
	struct run run;
	start(r, "journal|tail|--follow", &(struct how){0}, &run);
	int64_t end = px_clock_mono(px_clock_real()) + 15000;
	bool sent = false, seen = false;
	while (!seen && px_clock_mono(px_clock_real()) < end) {
		rig_step(r);
		usleep(500);
		drain(run.out, &run.stdout_text);
		if (!sent && strstr(px_buf_str(&run.stdout_text), "opened") != NULL) {
			rig_accept(r, &(struct rig_message){.id = "LATER"}, NULL);
			sent = true;
		}
		seen = strstr(px_buf_str(&run.stdout_text), "BY/LATER") != NULL;
	}
	assert_true(seen);
	/* Each entry once. */
	assert_null(strstr(strstr(px_buf_str(&run.stdout_text), "opened") + 1, "opened"));
	kill(run.pid, SIGINT);
	finish(r, &run);
	px_buf_free(&run.stdout_text);
	px_buf_free(&run.stderr_text);
}

/* --- terminals
 * ------------------------------------------------------------------------------------------------ */

/* What it prints on a terminal of @columns. */
static char *on_terminal(struct rig *r, const char *words, unsigned short columns, const char *env,
			 int status)
{
	struct winsize size = {.ws_row = 24, .ws_col = columns};
	struct run run;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	assert_int_equal(ioctl(slave, TIOCSWINSZ, &size), 0);
	fcntl(master, F_SETFL, O_NONBLOCK);
	start(r, words, &(struct how){.tty = slave, .env = env}, &run);
	finish(r, &run);
	assert_int_equal(run.status, status);
	px_buf_free(&run.stdout_text);
	px_buf_free(&run.stderr_text);
	drain(master, &run.stdout_text);
	close(slave);
	close(master);
	px_buf_addc(&run.stdout_text, '\0');
	return (char *)px_buf_detach(&run.stdout_text, NULL);
}

static void test_terminal(void **state)
{
	struct rig *r = *state;
	px_alarm_raise(
	    r->alarms, PX_ALARM_PARTNER_DOWN, "node-ua",
	    "connection refused by the other side, which is not what anybody expected of it today");
	char *text = on_terminal(r, "alarms", 110, NULL, PX_CTL_EXIT_NO);
	assert_non_null(strstr(text, "\033[31mmajor\033[0m"));
	free(text);
	text = on_terminal(r, "alarms", 110, "NO_COLOR=1", PX_CTL_EXIT_NO);
	assert_null(strchr(text, '\033'));
	/* The last column is wrapped within the terminal. */
	unsigned lines = 0;
	for (char *p = text, *end; (end = strstr(p, "\r\n")) != NULL; p = end + 2) {
		assert_true(end - p <= 110);
		lines++;
	}
	assert_true(lines > 2);
	free(text);
	/* Not on a terminal: neither. */
	text = expect_run(r, "alarms", &(struct how){0}, PX_CTL_EXIT_NO);
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "which is not what anybody expected of it today\n"));
	free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_usage),          TEST(test_no_daemon), TEST(test_daemon_gone), TEST(test_findings),
	    TEST(test_not_permitted),  TEST(test_shows),     TEST(test_json),        TEST(test_alignment),
	    TEST(test_hostile_values), TEST(test_pages),     TEST(test_body),        TEST(test_follow),
	    TEST(test_terminal),
	};
	px_log_init("test", 2, PX_LOG_WARN);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
