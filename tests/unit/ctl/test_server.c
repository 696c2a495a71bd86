/* prinex: tests: the control socket against clients of all kinds
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strings.h"
#include "ctl/parts.h"

#define ASK "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"alarms\"}\n"

static void expect_code(json_t *answer, int code, const char *text)
{
	json_t *error = json_object_get(answer, "error");
	assert_non_null(error);
	assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
	const char *message = json_string_value(json_object_get(error, "message"));
	if (strstr(message, text) == NULL)
		fail_msg("\"%s\" does not have \"%s\"", message, text);
}

/* --- one answer a line
 * ---------------------------------------------------------------------------------------- */

static void test_answers(void **state)
{
	struct rig *r = *state;
	int fd = rig_connect(r);
	rig_send(fd, "{\"jsonrpc\":\"2.0\",\"id\":\"a-1\",\"method\":\"alarms\",\"params\":{}}\n");
	json_t *answer = rig_read(r, fd);
	assert_string_equal(json_string_value(json_object_get(answer, "jsonrpc")), "2.0");
	assert_string_equal(json_string_value(json_object_get(answer, "id")), "a-1");
	assert_true(json_is_object(json_object_get(answer, "result")));
	assert_null(json_object_get(answer, "error"));
	json_decref(answer);
	/* Two at once: answered in order, and the connection stays. */
	rig_send(fd, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"status\"}\n{\"jsonrpc\":\"2.0\",\"id\":3,"
		     "\"method\":\"alarms\"}\n");
	for (int id = 2; id <= 3; id++) {
		answer = rig_read(r, fd);
		assert_int_equal(json_integer_value(json_object_get(answer, "id")), id);
		json_decref(answer);
	}
	/* Octet by octet. */
	static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"help\"}\n";
	for (size_t i = 0; i < strlen(text); i++) {
		rig_send(fd, (char[]){text[i], '\0'});
		rig_step(r);
	}
	answer = rig_read(r, fd);
	assert_int_equal(json_integer_value(json_object_get(answer, "id")), 4);
	json_decref(answer);
	assert_int_equal(px_ctl_connections(r->ctl), 1);
	close(fd);
	rig_advance(r, 0);
	assert_int_equal(px_ctl_connections(r->ctl), 0);
}

static const struct {
	const char *line;
	int code;
	const char *text;
} bad[] = {
    {"", PX_RPC_PARSE, "not JSON"},
    {"{\"jsonrpc\":", PX_RPC_PARSE, "not JSON"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"alarms\"} x", PX_RPC_PARSE, "not JSON"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"alarms\"}", PX_RPC_PARSE, "duplicate"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"al\xff\"}", PX_RPC_PARSE, "not JSON"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"al\\u0000rms\"}", PX_RPC_PARSE, "not JSON"},
    {"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"alarms\"}]", PX_RPC_REQUEST, "batches are not taken"},
    {"7", PX_RPC_REQUEST, "a request is an object"},
    {"{\"id\":1,\"method\":\"alarms\"}", PX_RPC_REQUEST, "jsonrpc must be \"2.0\""},
    {"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"alarms\"}", PX_RPC_REQUEST, "jsonrpc must be"},
    {"{\"jsonrpc\":\"2.0\",\"method\":\"alarms\"}", PX_RPC_REQUEST, "id must be"},
    {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"alarms\"}", PX_RPC_REQUEST, "id must be"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"alarms\"}", PX_RPC_REQUEST, "id must be"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1}", PX_RPC_REQUEST, "method must be a string"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"alarms\",\"extra\":1}", PX_RPC_REQUEST,
     "unknown member \"extra\""},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rm\"}", PX_RPC_METHOD, "unknown method \"rm\""},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"completion\"}", PX_RPC_METHOD, "unknown method"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"alarms\",\"params\":[1]}", PX_RPC_PARAMS, "named arguments"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"alarms\",\"params\":{\"a\":1}}", PX_RPC_PARAMS,
     "unknown argument \"a\""},
};

/* Each is told what is wrong, and the connection goes on. */
static void test_bad_lines(void **state)
{
	struct rig *r = *state;
	int fd = rig_connect(r);
	for (size_t i = 0; i < PX_ARRAY_LEN(bad); i++) {
		rig_send(fd, bad[i].line);
		rig_send(fd, "\n");
		json_t *answer = rig_read(r, fd);
		if (answer == NULL)
			fail_msg("no answer to %s", bad[i].line);
		expect_code(answer, bad[i].code, bad[i].text);
		json_decref(answer);
	}
	rig_send(fd, "{\"jsonrpc\":\"2.0\",\"id\":99,\"method\":\"alarms\"}\n");
	json_t *answer = rig_read(r, fd);
	assert_non_null(json_object_get(answer, "result"));
	json_decref(answer);
	close(fd);
}

/* A deep nest is refused by the parser's own limit, not by the stack. */
static void test_deep(void **state)
{
	struct rig *r = *state;
	struct px_buf line = PX_BUF_INIT;
	int fd = rig_connect(r);
	for (unsigned i = 0; i < 30000; i++)
		px_buf_addc(&line, '[');
	px_buf_addc(&line, '\n');
	rig_send(fd, px_buf_str(&line));
	json_t *answer = rig_read(r, fd);
	expect_code(answer, PX_RPC_PARSE, "depth");
	json_decref(answer);
	px_buf_free(&line);
	close(fd);
}

/* --- clients that take too much
 * -------------------------------------------------------------------------------- */

static void send_spaces(struct rig *r, int fd, size_t n, const char *end)
{
	char part[1024];
	memset(part, ' ', sizeof(part));
	while (n > 0) {
		size_t k = PX_MIN(n, sizeof(part));
		ssize_t sent = send(fd, part, k, MSG_NOSIGNAL);
		if (sent > 0)
			n -= (size_t)sent;
		else if (errno != EAGAIN)
			return; /* the node has closed */
		rig_step(r);
	}
	(void)!send(fd, end, strlen(end), MSG_NOSIGNAL); /* may be refused already */
}

static void test_line_limit(void **state)
{
	struct rig *r = *state;
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"alarms\"}";
	size_t room = (size_t)PX_LIMIT_CTL_LINE - strlen(request);
	int fd = rig_connect(r);
	rig_send(fd, request);
	send_spaces(r, fd, room, "\n");
	json_t *answer = rig_read(r, fd);
	assert_non_null(json_object_get(answer, "result")); /* exactly as long as allowed */
	json_decref(answer);
	rig_send(fd, request);
	send_spaces(r, fd, room + 1, "\n");
	answer = rig_read(r, fd);
	expect_code(answer, PX_RPC_REQUEST, "longer than a request may be");
	json_decref(answer);
	assert_true(rig_is_closed(r, fd));
	close(fd);
	/* No end of line in sight. */
	fd = rig_connect(r);
	send_spaces(r, fd, (size_t)PX_LIMIT_CTL_LINE + 4096, "");
	answer = rig_read(r, fd);
	expect_code(answer, PX_RPC_REQUEST, "longer than a request may be");
	json_decref(answer);
	assert_true(rig_is_closed(r, fd));
	close(fd);
}

/* Commands without end, answers never read: memory stays bounded, and the connection ends. */
static void test_never_reads(void **state)
{
	struct rig *r = *state;
	int fd = rig_connect(r), size = 4096;
	unsigned sent = 0;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"help\"}\n";
	for (unsigned i = 0; i < 200000; i++) {
		ssize_t n = send(fd, line, strlen(line), MSG_NOSIGNAL);
		if (n == (ssize_t)strlen(line))
			sent++;
		else if (n >= 0)
			break; /* a part of a line: the buffers are full */
		rig_step(r);
		if (n < 0 && i > sent + 1000)
			break;
	}
	assert_in_range(sent, 50, 20000); /* far fewer than were tried: the node stopped reading */
	assert_int_equal(px_ctl_connections(r->ctl), 1);
	rig_advance(r, PX_LIMIT_DEADLINE_ANSWER - 1000);
	assert_int_equal(px_ctl_connections(r->ctl), 1);
	rig_advance(r, 2000);
	assert_int_equal(px_ctl_connections(r->ctl), 0);
	json_t *answer = rig_result(r, "alarms", ""); /* others never noticed */
	json_decref(answer);
	close(fd);
}

static void test_idle(void **state)
{
	struct rig *r = *state;
	int fd = rig_connect(r);
	rig_advance(r, 0);
	/* The names of the user come from the helper thread. */
	rig_send(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"alarms\"}\n");
	json_decref(rig_read(r, fd));
	rig_advance(r, PX_LIMIT_CTL_IDLE - 1000);
	rig_send(fd, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"alarms\"}\n");
	json_t *answer = rig_read(r, fd);
	assert_non_null(answer); /* each command starts the time anew */
	json_decref(answer);
	rig_advance(r, PX_LIMIT_CTL_IDLE - 1000);
	assert_int_equal(px_ctl_connections(r->ctl), 1);
	rig_advance(r, 2000);
	assert_true(rig_is_closed(r, fd));
	close(fd);
}

/* One user does not get all places; those beyond are told so; places are given back. */
static void test_hundred_connections(void **state)
{
	struct rig *r = *state;
	int fds[100];
	unsigned served = 0, refused = 0;
	for (int i = 0; i < 100; i++) {
		fds[i] = rig_connect(r);
		if (fds[i] < 0)
			fail_msg("connection %d: %s", i, strerror(errno));
		rig_step(r);
	}
	for (int i = 0; i < 100; i++) {
		char line[128];
		snprintf(line, sizeof(line), ASK, i);
		(void)!send(fds[i], line, strlen(line), MSG_NOSIGNAL);
		json_t *answer = rig_read(r, fds[i]);
		assert_non_null(answer);
		if (json_object_get(answer, "result") != NULL) {
			assert_int_equal(json_integer_value(json_object_get(answer, "id")), i);
			served++;
		} else {
			expect_code(answer, PX_RPC_BUSY, "too many connections");
			assert_true(rig_is_closed(r, fds[i]));
			refused++;
		}
		json_decref(answer);
	}
	assert_int_equal(served, PX_LIMIT_CTL_CONNECTIONS_USER);
	assert_int_equal(refused, 100 - PX_LIMIT_CTL_CONNECTIONS_USER);
	for (int i = 0; i < 100; i++)
		close(fds[i]);
	rig_advance(r, 0);
	assert_int_equal(px_ctl_connections(r->ctl), 0);
	json_decref(rig_result(r, "alarms", ""));
}

/* --- clients that leave
 * ----------------------------------------------------------------------------------------- */

/* `echo ... | socat - UNIX:...` shuts its side down and then reads. */
static void test_half_closed(void **state)
{
	struct rig *r = *state;
	int fd = rig_connect(r);
	rig_send(fd, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"status\"}\n");
	shutdown(fd, SHUT_WR);
	json_t *answer = rig_read(r, fd);
	assert_non_null(answer);
	assert_int_equal(json_integer_value(json_object_get(answer, "id")), 5);
	json_decref(answer);
	assert_true(rig_is_closed(r, fd));
	close(fd);
}

/* A command under way ends with its client, wherever it has got to, and nobody else's does. */
static void leave_after(struct rig *r, const char *method, unsigned steps)
{
	char line[128];
	int fd = rig_connect(r);
	snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}\n", method);
	rig_send(fd, line);
	for (unsigned k = 0; k < 20 && px_ctl_connections(r->ctl) == 0; k++)
		rig_step(r);
	usleep(2000); /* the user's name */
	for (unsigned k = 0; k < steps; k++)
		rig_step(r);
	close(fd);
	for (unsigned k = 0; k < 200; k++) {
		rig_step(r);
		usleep(50);
	}
	assert_int_equal(px_ctl_connections(r->ctl), 0);
}

static void test_leaves(void **state)
{
	static const char *const methods[] = {"status",       "messages", "queue", "verify",
					      "config.check", "metrics",  "reload"};
	struct rig *r = *state;
	for (unsigned i = 0; i < 100; i++) {
		char id[16];
		snprintf(id, sizeof(id), "M%u", i);
		rig_accept(r, &(struct rig_message){.id = id, .to = {"UA:node-ua"}}, NULL);
	}
	for (size_t i = 0; i < PX_ARRAY_LEN(methods); i++) {
		for (unsigned steps = 0; steps < 5; steps++)
			leave_after(r, methods[i], steps);
	}
	/* What one at a time may run is free again. */
	json_decref(rig_result(r, "verify", ""));
	json_decref(rig_result(r, "config.check", ""));
}

/* The daemon ends while commands are under way. */
static void test_free_under_way(void **state)
{
	struct rig *r = *state;
	static const char *const methods[] = {"status",       "messages", "verify",
					      "config.check", "metrics",  "reload"};
	int fds[PX_ARRAY_LEN(methods)];
	r->hold_reload = true;
	for (size_t i = 0; i < PX_ARRAY_LEN(methods); i++) {
		char line[128];
		fds[i] = rig_connect(r);
		snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}\n",
			 methods[i]);
		rig_send(fds[i], line);
	}
	usleep(20000);
	event_base_loop(r->base, EVLOOP_NONBLOCK); /* accepted, names looked up */
	usleep(20000);
	event_base_loop(r->base, EVLOOP_NONBLOCK); /* read and begun; the store has not run */
	px_ctl_free(&r->ctl);
	assert_int_equal(access(r->socket, F_OK), -1);
	for (size_t i = 0; i < PX_ARRAY_LEN(methods); i++) {
		assert_true(rig_is_closed(r, fds[i]));
		close(fds[i]);
	}
	if (r->reloaded != NULL)
		r->reloaded(r->reloaded_arg, PX_OK, "");
	r->reloaded = NULL;
	rig_advance(r, 0);
}

/* The daemon has nothing to finish and ends at once: who asked for it is told. */
static void test_stop_is_answered(void **state)
{
	struct rig *r = *state;
	int fd = rig_connect(r);
	rig_send(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stop\"}\n");
	for (unsigned i = 0; i < 2000 && r->stops == 0; i++) {
		event_base_loop(r->base, EVLOOP_NONBLOCK);
		usleep(100);
		px_store_dispatch(r->store); /* the command runs here; nothing is written yet */
	}
	assert_int_equal(r->stops, 1);
	px_ctl_free(&r->ctl);
	json_t *answer = rig_read(r, fd);
	assert_non_null(answer);
	assert_true(json_is_true(json_object_get(json_object_get(answer, "result"), "stopping")));
	json_decref(answer);
	assert_true(rig_is_closed(r, fd));
	close(fd);
}

/* --- the socket file
 * ------------------------------------------------------------------------------------------- */

static int open_second(struct rig *r, struct px_ctl **out, struct px_buf *why)
{
	struct px_ctl_setup setup = {.base = r->base,
				     .timers = r->timers,
				     .store = r->store,
				     .flow = r->flow,
				     .metrics = r->metrics,
				     .alarms = r->alarms,
				     .socket_path = r->socket};
	return px_ctl_new(&setup, out, why);
}

static void test_socket_file(void **state)
{
	struct rig *r = *state;
	struct px_ctl *second = NULL;
	struct px_buf why = PX_BUF_INIT;
	struct stat st;
	assert_int_equal(stat(r->socket, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	/* Another daemon is alive: its socket is not taken away. */
	assert_int_equal(open_second(r, &second, &why), PX_EDUPLICATE);
	assert_non_null(strstr(px_buf_str(&why), "another process answers there"));
	json_decref(rig_result(r, "alarms", ""));
	/* One that died left its file behind. */
	px_ctl_free(&r->ctl);
	assert_int_equal(mknod(r->socket, S_IFSOCK | 0666, 0), 0);
	assert_int_equal(open_second(r, &r->ctl, &why), PX_OK);
	/* A plain file of that name is somebody's. */
	px_ctl_free(&r->ctl);
	close(open(r->socket, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(open_second(r, &second, &why), PX_ESYS);
	assert_non_null(strstr(px_buf_str(&why), "is no socket"));
	unlink(r->socket);
	px_buf_free(&why);
}

static void test_bad_path(void **state)
{
	struct rig *r = *state;
	struct px_ctl *second = NULL;
	struct px_buf why = PX_BUF_INIT;
	struct px_ctl_setup setup = {
	    .base = r->base, .timers = r->timers, .socket_path = "/no/such/folder/x.sock"};
	assert_int_equal(px_ctl_new(&setup, &second, &why), PX_ESYS);
	assert_string_equal(px_buf_str(&why),
			    "control socket /no/such/folder/x.sock: No such file or directory");
	char path[200];
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[199] = '\0';
	setup.socket_path = path;
	assert_int_equal(px_ctl_new(&setup, &second, &why), PX_ESYS);
	assert_non_null(strstr(px_buf_str(&why), "at most 107 octets"));
	px_buf_free(&why);
}

/* --- strangers
 * -------------------------------------------------------------------------------------------------- */

/* As another user: needs root. The child asks and gives the code back as its status. */
static int ask_as(struct rig *r, uid_t uid, gid_t gid, const char *method)
{
	int answer[2];
	char line[128], got[4096] = "";
	assert_int_equal(pipe2(answer, O_NONBLOCK), 0);
	assert_int_equal(chmod(r->folder, 0755), 0);
	snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}\n", method);
	pid_t child = fork();
	if (child == 0) {
		if (setresgid(gid, gid, gid) != 0 || setgroups(0, NULL) != 0 || setresuid(uid, uid, uid) != 0)
			_exit(1);
		int fd = rig_connect(r);
		fcntl(fd, F_SETFL, 0);
		(void)!send(fd, line, strlen(line), MSG_NOSIGNAL);
		ssize_t n = recv(fd, got, sizeof(got), 0);
		(void)!write(answer[1], got, n > 0 ? (size_t)n : 0);
		_exit(0);
	}
	while (waitpid(child, NULL, WNOHANG) == 0) {
		rig_step(r);
		usleep(500);
	}
	ssize_t n = read(answer[0], got, sizeof(got) - 1);
	got[n > 0 ? n : 0] = '\0';
	close(answer[0]);
	close(answer[1]);
	json_t *json = json_loads(got, 0, NULL);
	assert_non_null(json);
	int code = (int)json_integer_value(json_object_get(json_object_get(json, "error"), "code"));
	json_decref(json);
	return code;
}

static void test_strangers(void **state)
{
	struct rig *r = *state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(ask_as(r, 12345, 12345, "alarms"), PX_RPC_NOT_PERMITTED);
	free(r->conf->control_observer);
	r->conf->control_observer = px_xstrdup("12345");
	assert_int_equal(ask_as(r, 12345, 12345, "alarms"), 0);
	assert_int_equal(ask_as(r, 12345, 12345, "reload"), PX_RPC_NOT_PERMITTED);
	assert_int_equal(r->reloads, 0);
	free(r->conf->control_admin);
	r->conf->control_admin = px_xstrdup("12345");
	assert_int_equal(ask_as(r, 12345, 12345, "reload"), 0);
	assert_int_equal(r->reloads, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_answers),
	    TEST(test_bad_lines),
	    TEST(test_deep),
	    TEST(test_line_limit),
	    TEST(test_never_reads),
	    TEST(test_idle),
	    TEST(test_hundred_connections),
	    TEST(test_half_closed),
	    TEST(test_leaves),
	    TEST(test_free_under_way),
	    TEST(test_stop_is_answered),
	    TEST(test_socket_file),
	    TEST(test_bad_path),
	    TEST(test_strangers),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
