/* prinex: tests of the server over loopback: requests, deadlines, budgets, ends of connections
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "rig.h"

#include <dirent.h>
#include <malloc.h>
#include <openssl/err.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strings.h"

#define H         "Host: localhost\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" H "\r\n"

static const char *good(void)
{
	return rig_path("BY/system/tls");
}

static void open_good(struct rig *rig, struct client *c)
{
	assert_true(client_open(c, rig->port, good(), 0));
}

static void wait_for_bodies(struct rig *rig, double octets)
{
	for (int i = 0; i < 5000 && rig_metric(rig, PX_M_BODIES, NULL) != octets; i++)
		usleep(1000);
	assert_true(rig_metric(rig, PX_M_BODIES, NULL) == octets);
}

static void test_requests(void **state)
{
	(void)state;
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), NULL);
	struct client c;
	struct px_buf out = PX_BUF_INIT;
	open_good(rig, &c);
	assert_int_equal(SSL_version(c.ssl), TLS1_3_VERSION);
	/* Several on one connection, each of a different kind. */
	assert_true(client_send(&c, "POST /v1/exchanges HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"));
	assert_int_equal(client_answer(&c, &out), 201);
	assert_non_null(strstr(px_buf_str(&out), "Content-Type: application/xml\r\n"));
	assert_non_null(strstr(px_buf_str(&out), "X-Test: y\r\n"));
	assert_true(px_str_ends(px_buf_str(&out), "\r\n\r\n<ok/>"));
	assert_null(strstr(px_buf_str(&out), "Connection: close"));
	assert_string_equal(px_buf_str(&rig->body), "abc");
	assert_string_equal(rig->digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_string_equal(rig->partner, "system-by");
	assert_int_equal(client_ask(&c, GET("/empty")), 204);
	assert_string_equal(rig->digest, "");
	assert_int_equal(client_ask(&c, GET("/none")), 404); /* no body: the connection stays */
	assert_int_equal(client_ask(&c, "POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
					"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
			 201);
	assert_string_equal(rig->digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(client_ask(&c, "POST /x HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"), 201);
	assert_string_equal(rig->digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_int_equal(client_ask(&c, "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n"), 201);
	assert_true(client_ended(&c));
	client_close(&c);
	assert_true(rig_metric(rig, PX_M_HTTP_REQUESTS, "201") == 4);
	assert_true(rig_metric(rig, PX_M_BODIES, NULL) == 0);
	px_buf_free(&out);
	rig_stop(&rig);
}

/* A body in many records, and one octet at a time. */
static void test_bodies(void **state)
{
	(void)state;
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), NULL);
	struct client c;
	open_good(rig, &c);
	size_t len = 1024 * 1024;
	uint8_t *body = px_xmalloc(len), digest[PX_DIGEST_LEN];
	char hex[PX_DIGEST_HEX], head[200];
	for (size_t i = 0; i < len; i++)
		body[i] = (uint8_t)(i * 2654435761U >> 24);
	px_sha256(body, len, digest);
	px_hex(digest, PX_DIGEST_LEN, hex);
	struct px_buf out = PX_BUF_INIT;
	snprintf(head, sizeof(head), "POST /x HTTP/1.1\r\n" H "Content-Length: %zu\r\n\r\n", len);
	assert_true(client_send(&c, head) && client_write(&c, body, len));
	assert_int_equal(client_answer(&c, &out), 201);
	assert_string_equal(rig->digest, hex);
	assert_memory_equal(rig->body.data, body, len);
	assert_true(client_send(&c, "POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"));
	for (size_t at = 0; at < len; at += 4096) {
		assert_true(client_send(&c, "1000\r\n") && client_write(&c, body + at, 4096) &&
			    client_send(&c, "\r\n"));
	}
	assert_true(client_send(&c, "0\r\n\r\n"));
	assert_int_equal(client_answer(&c, &out), 201);
	assert_string_equal(rig->digest, hex);
	static const char slow[] = "POST /x HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc";
	for (size_t i = 0; slow[i] != '\0'; i++)
		assert_true(client_write(&c, slow + i, 1));
	assert_int_equal(client_answer(&c, &out), 201);
	assert_string_equal(rig->digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	px_buf_free(&out);
	free(body);
	client_close(&c);
	rig_stop(&rig);
}

static void test_limits(void **state)
{
	(void)state;
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), NULL);
	struct client c;
	struct px_buf out = PX_BUF_INIT;
	/* One octet more than body-limit: refused by its length, nothing is read. */
	open_good(rig, &c);
	assert_int_equal(client_ask(&c, "POST /x HTTP/1.1\r\n" H "Content-Length: 1048577\r\n\r\n"), 413);
	assert_true(client_ended(&c));
	client_close(&c);
	/* Chunked: refused once it is too long, and the client that still writes sees the answer. */
	open_good(rig, &c);
	char chunk[4096];
	memset(chunk, 'x', sizeof(chunk));
	assert_true(client_send(&c, "POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"));
	bool writing = true;
	for (int i = 0; i < 512 && writing; i++)
		writing = client_send(&c, "1000\r\n") && client_write(&c, chunk, 4096) &&
			  client_send(&c, "\r\n");
	assert_true(writing); /* what it sends too much is swallowed, not answered with a reset */
	assert_int_equal(client_answer(&c, &out), 413);
	client_close(&c);
	/* Methods, and what is not HTTP. */
	open_good(rig, &c);
	assert_true(client_send(&c, "HEAD / HTTP/1.1\r\n" H "\r\n"));
	assert_int_equal(client_answer(&c, &out), 405);
	assert_non_null(strstr(px_buf_str(&out), "Allow: GET, POST\r\n"));
	assert_true(client_ended(&c));
	client_close(&c);
	open_good(rig, &c);
	assert_int_equal(client_ask(&c, "EHLO example\r\n"), 400);
	assert_true(client_ended(&c));
	client_close(&c);
	assert_int_equal(rig->requests, 0);
	px_buf_free(&out);
	rig_stop(&rig);
}

static void test_expect(void **state)
{
	(void)state;
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), NULL);
	struct client c;
	struct px_buf out = PX_BUF_INIT;
	open_good(rig, &c);
	assert_int_equal(
	    client_ask(&c, "POST /x HTTP/1.1\r\n" H "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"),
	    100);
	assert_int_equal(client_ask(&c, "abc"), 201);
	/* Refused: the final status at once, then close; never 100. */
	assert_int_equal(
	    client_ask(&c, "POST /none HTTP/1.1\r\n" H "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"),
	    404);
	assert_true(client_ended(&c));
	client_close(&c);
	open_good(rig, &c);
	assert_int_equal(client_ask(&c, "POST /x HTTP/1.1\r\n" H
					"Content-Length: 9999999\r\nExpect: 100-continue\r\n\r\n"),
			 413);
	assert_true(client_ended(&c));
	client_close(&c);
	px_buf_free(&out);
	rig_stop(&rig);
}

/* tests/fuzz/corpus/http/400-*, one connection each: 400 and close, and nothing reaches the handler. */
static void test_smuggling(void **state)
{
	(void)state;
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), NULL);
	DIR *dir = opendir("tests/fuzz/corpus/http");
	assert_non_null(dir);
	unsigned n = 0;
	for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		if (!px_str_starts(e->d_name, "400-"))
			continue;
		char path[512];
		struct client c;
		struct px_buf data = PX_BUF_INIT, out = PX_BUF_INIT;
		snprintf(path, sizeof(path), "tests/fuzz/corpus/http/%s", e->d_name);
		assert_int_equal(px_buf_read_file(&data, path, 1 << 20, NULL), PX_OK);
		open_good(rig, &c);
		assert_true(client_write(&c, data.data, data.len));
		int status = client_answer(&c, &out);
		if (status != 400 || strstr(px_buf_str(&out), "Connection: close\r\n") == NULL ||
		    !client_ended(&c))
			fail_msg("%s: %d %s", path, status, px_buf_str(&out));
		client_close(&c);
		px_buf_free(&data);
		px_buf_free(&out);
		n++;
	}
	closedir(dir);
	assert_true(n >= 60);
	assert_int_equal(rig->requests, 0);
	rig_stop(&rig);
}

static void answer_held(struct rig *rig, void *arg)
{
	(void)arg;
	struct px_request *req = rig->held[--rig->n_held];
	px_request_answer(req, 200, "text/plain", "", "late", 4);
}

static void test_pipelining(void **state)
{
	(void)state;
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), NULL);
	struct client c;
	/* In one piece: the first is not executed either. */
	open_good(rig, &c);
	assert_int_equal(client_ask(&c, GET("/a") GET("/b")), 400);
	assert_true(client_ended(&c));
	client_close(&c);
	assert_int_equal(rig->requests, 0);
	/* While the first is being worked on. */
	open_good(rig, &c);
	assert_true(client_send(&c, GET("/hold")));
	assert_true(rig_wait(rig, &rig->requests, 1));
	assert_int_equal(client_ask(&c, GET("/b")), 400);
	assert_true(client_ended(&c));
	assert_true(rig_wait(rig, &rig->gones, 1));
	client_close(&c);
	rig_call(rig, answer_held, NULL); /* goes nowhere */
	assert_int_equal(rig->requests, 1);
	rig_stop(&rig);
}

static void test_gone(void **state)
{
	(void)state;
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), NULL);
	for (unsigned i = 0; i < 2; i++) {
		struct client c;
		open_good(rig, &c);
		assert_true(client_send(&c, "POST /hold HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"));
		assert_true(rig_wait(rig, &rig->requests, i + 1));
		assert_true(rig_metric(rig, PX_M_BODIES, NULL) == 3);
		if (i == 0)
			client_close(&c);
		else
			client_abort(&c);
		assert_true(rig_wait(rig, &rig->gones, i + 1));
		rig_call(rig, answer_held, NULL);
		assert_true(rig_metric(rig, PX_M_BODIES, NULL) == 0);
	}
	/* Left in the middle of a body: the handler never heard of it. */
	struct client c;
	open_good(rig, &c);
	assert_true(client_send(&c, "POST /x HTTP/1.1\r\n" H "Content-Length: 300\r\n\r\nabc"));
	wait_for_bodies(rig, 300);
	client_abort(&c);
	wait_for_bodies(rig, 0);
	assert_int_equal(rig->requests, 2);
	assert_int_equal(rig->gones, 2);
	assert_true(rig_metric(rig, PX_M_BODIES, NULL) == 0);
	/* A long poll that is answered late is answered. */
	open_good(rig, &c);
	assert_true(client_send(&c, GET("/hold")));
	assert_true(rig_wait(rig, &rig->requests, 3));
	rig_call(rig, answer_held, NULL);
	struct px_buf out = PX_BUF_INIT;
	assert_int_equal(client_answer(&c, &out), 200);
	assert_true(px_str_ends(px_buf_str(&out), "late"));
	px_buf_free(&out);
	client_close(&c);
	rig_stop(&rig);
}

static int64_t now_ms(void)
{
	return px_clock_mono(px_clock_real());
}

static void test_deadlines(void **state)
{
	(void)state;
	struct px_server_limits limits = px_server_limits();
	limits.handshake = 200;
	limits.headers = 200;
	limits.body = 200;
	limits.answer = 300;
	limits.idle = 400;
	limits.rate = 64 * 1024 * 1024;
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), &limits);
	struct client c;
	char octet;
	/* Nothing at all, and half a handshake. */
	int fd = rig_connect(rig->port);
	assert_int_equal(read(fd, &octet, 1), 0);
	close(fd);
	fd = rig_connect(rig->port);
	assert_int_equal(write(fd, "\x16\x03\x01\x02\x00\x01\x00", 7), 7);
	assert_int_equal(read(fd, &octet, 1), 0);
	close(fd);
	assert_true(rig_metric(rig, PX_M_HANDSHAKES_FAILED, "timeout") == 2);
	/* Headers that drip: the deadline counts from the first octet. */
	open_good(rig, &c);
	int64_t started = now_ms();
	bool open = true;
	for (int i = 0; i < 100 && open && now_ms() - started < 1000; i++) {
		open = client_send(&c, i == 0 ? "GET / HTTP/1.1\r\nX: " : "y");
		usleep(20 * 1000);
	}
	struct px_buf out = PX_BUF_INIT;
	assert_int_equal(client_answer(&c, &out), 408);
	client_close(&c);
	/* A body that drips. */
	open_good(rig, &c);
	started = now_ms();
	assert_true(client_send(&c, "POST / HTTP/1.1\r\n" H "Content-Length: 1000\r\n\r\n"));
	assert_int_equal(client_answer(&c, &out), 408);
	assert_in_range(now_ms() - started, 150, 4000);
	assert_true(client_ended(&c));
	client_close(&c);
	/* Idle: closed with a goodbye. */
	open_good(rig, &c);
	started = now_ms();
	assert_int_equal(client_ask(&c, GET("/a")), 201);
	assert_true(client_ended(&c));
	assert_int_equal(SSL_get_shutdown(c.ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
	assert_in_range(now_ms() - started, 300, 4500);
	client_close(&c);
	/* A long poll is no idle connection. */
	open_good(rig, &c);
	assert_true(client_send(&c, GET("/hold")));
	usleep(800 * 1000);
	rig_call(rig, answer_held, NULL);
	assert_int_equal(client_answer(&c, &out), 200);
	client_close(&c);
	/* An answer that is not read. */
	open_good(rig, &c);
	started = now_ms();
	assert_true(client_send(&c, GET("/big")));
	while (rig_connections(rig) > 0 && now_ms() - started < 5000)
		usleep(20 * 1000);
	assert_in_range(now_ms() - started, 250, 4000);
	client_close(&c);
	px_buf_free(&out);
	rig_stop(&rig);
}

static void test_slow_reader(void **state)
{
	(void)state;
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), NULL);
	struct client c;
	struct px_buf out = PX_BUF_INIT;
	open_good(rig, &c);
	assert_true(client_send(&c, GET("/big")));
	usleep(200 * 1000); /* the socket buffers are full, the loop goes on */
	struct client other;
	open_good(rig, &other);
	assert_int_equal(client_ask(&other, GET("/a")), 201);
	client_close(&other);
	assert_int_equal(client_answer(&c, &out), 200);
	assert_true(out.len > 8 * 1024 * 1024);
	assert_int_equal(client_ask(&c, GET("/a")), 201); /* and it is usable afterwards */
	px_buf_free(&out);
	client_close(&c);
	rig_stop(&rig);
}

static void test_budgets(void **state)
{
	(void)state;
	struct px_server_limits limits = px_server_limits();
	limits.bodies = 1000;
	limits.bodies_partner = 600;
	limits.requests_partner = 3;
	limits.connections_partner = 5;
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), &limits);
	struct client c[6], other;
	struct px_buf out = PX_BUF_INIT;
	static const char half[] = "POST /x HTTP/1.1\r\n" H "Content-Length: 300\r\n\r\nab";
	for (int i = 0; i < 2; i++) {
		open_good(rig, &c[i]);
		assert_true(client_send(&c[i], half));
	}
	wait_for_bodies(rig, 600);
	/* The partner's share is used up; another partner has its own, until all is used up. */
	open_good(rig, &c[2]);
	assert_true(client_send(&c[2], half));
	assert_int_equal(client_answer(&c[2], &out), 503);
	assert_non_null(strstr(px_buf_str(&out), "Retry-After: "));
	client_close(&c[2]);
	assert_true(client_open(&other, rig->port, rig_path("BY/officer/tls"), 0));
	assert_int_equal(client_ask(&other, "POST /x HTTP/1.1\r\n" H "Content-Length: 401\r\n\r\nab"), 503);
	client_close(&other);
	assert_true(client_open(&other, rig->port, rig_path("BY/officer/tls"), 0));
	assert_int_equal(client_ask(&other, "POST /x HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"), 201);
	client_close(&other);
	client_close(&c[0]);
	client_close(&c[1]);
	wait_for_bodies(rig, 0);
	/* Requests in flight. */
	for (unsigned i = 0; i < 3; i++) {
		open_good(rig, &c[i]);
		assert_true(client_send(&c[i], GET("/hold")));
		assert_true(rig_wait(rig, &rig->requests, 2 + i));
	}
	open_good(rig, &c[3]);
	assert_int_equal(client_ask(&c[3], GET("/a")), 503);
	/* Connections: the one that is idle gives way to the sixth. */
	open_good(rig, &c[4]);
	open_good(rig, &c[5]);
	assert_true(client_ended(&c[3]));
	for (int i = 0; i < 6; i++)
		client_close(&c[i]);
	px_buf_free(&out);
	rig_stop(&rig);
}

/* Many handshakes at once, most of which stall: the others wait for their turn and get it. */
static void test_handshakes(void **state)
{
	(void)state;
	struct px_server_limits limits = px_server_limits();
	limits.handshakes = 2;
	limits.handshake = 1500;
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), &limits);
	int stalled[2];
	for (int i = 0; i < 2; i++) {
		stalled[i] = rig_connect(rig->port);
		assert_int_equal(write(stalled[i], "\x16\x03\x01\x02\x00\x01\x00", 7), 7);
	}
	usleep(700 * 1000);
	struct client c;
	int64_t started = now_ms();
	open_good(rig, &c); /* in the queue until the deadline of the first two */
	assert_in_range(now_ms() - started, 100, 1490);
	assert_int_equal(client_ask(&c, GET("/a")), 201);
	client_close(&c);
	close(stalled[0]);
	close(stalled[1]);
	rig_stop(&rig);
}

static void test_max_connections(void **state)
{
	(void)state;
	struct px_server_limits limits = px_server_limits();
	limits.connections_address = 3;
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), &limits);
	int fds[4];
	char octet;
	for (int i = 0; i < 4; i++)
		fds[i] = rig_connect(rig->port);
	assert_true(read(fds[3], &octet, 1) <= 0); /* too many strangers from here */
	close(fds[0]);
	for (int i = 0; i < 5000 && rig_connections(rig) > 2; i++)
		usleep(1000);
	struct client c;
	open_good(rig, &c);
	assert_int_equal(client_ask(&c, GET("/a")), 201);
	client_close(&c);
	for (int i = 1; i < 4; i++)
		close(fds[i]);
	rig_stop(&rig);
}

static void drain(struct rig *rig, void *arg)
{
	(void)arg;
	px_server_drain(rig->server);
}

static void test_drain(void **state)
{
	(void)state;
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), NULL);
	struct client idle, body, held;
	struct px_buf out = PX_BUF_INIT;
	open_good(rig, &idle);
	assert_int_equal(client_ask(&idle, GET("/a")), 201);
	open_good(rig, &body);
	assert_true(client_send(&body, "POST /x HTTP/1.1\r\n" H "Content-Length: 300\r\n\r\nab"));
	open_good(rig, &held);
	assert_true(client_send(&held, GET("/hold")));
	assert_true(rig_wait(rig, &rig->requests, 2));
	wait_for_bodies(rig, 300);
	rig_call(rig, drain, NULL);
	assert_true(client_ended(&idle));
	assert_int_equal(client_answer(&body, &out), 503);
	assert_non_null(strstr(px_buf_str(&out), "Retry-After: "));
	assert_true(client_ended(&body));
	/* What was handed over is answered. */
	rig_call(rig, answer_held, NULL);
	assert_int_equal(client_answer(&held, &out), 200);
	assert_non_null(strstr(px_buf_str(&out), "Connection: close\r\n"));
	assert_true(client_ended(&held));
	client_close(&idle);
	client_close(&body);
	client_close(&held);
	px_buf_free(&out);
	rig_stop(&rig);
}

/* Opens @n connections, asks once on each, says so, and waits for the word to leave. */
static void idle_clients(unsigned port, unsigned n, int fd)
{
	struct client *c = px_xcalloc(n, sizeof(*c));
	char ok = 1;
	for (unsigned i = 0; i < n; i++)
		ok &= client_open(&c[i], port, good(), 0) &&
		      client_ask(&c[i], "POST /x HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc") == 201;
	if (write(fd, &ok, 1) == 1 && read(fd, &ok, 1) == 1)
		_exit(0);
	_exit(1);
}

/* An idle connection costs at most 32 KB, whatever it has done before. */
static void test_memory(void **state)
{
	(void)state;
	enum { N = 200 };
	struct rig *rig = rig_start(rig_tls("UA", "BY", NULL, NULL), NULL);
	struct client first;
	int fds[2];
	char ok = 0;
	open_good(rig, &first); /* what is allocated once */
	assert_int_equal(client_ask(&first, GET("/a")), 201);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	size_t before = mallinfo2().uordblks;
	pid_t pid = fork();
	if (pid == 0)
		idle_clients(rig->port, N, fds[1]);
	assert_int_equal(read(fds[0], &ok, 1), 1);
	assert_true(ok);
	assert_int_equal(rig_connections(rig), N + 1);
	size_t each = (mallinfo2().uordblks - before) / N;
	print_message("# %zu octets per idle connection\n", each);
	assert_true(each <= 32 * 1024);
	assert_int_equal(write(fds[0], &ok, 1), 1);
	int status = -1;
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	for (int i = 0; i < 5000 && rig_connections(rig) > 1; i++)
		usleep(1000);
	assert_int_equal(rig_connections(rig), 1);
	client_close(&first);
	close(fds[0]);
	close(fds[1]);
	rig_stop(&rig);
}

static int setup(void **state)
{
	(void)state;
	rig_make_pki();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_remove_pki();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_requests),    cmocka_unit_test(test_bodies),
	    cmocka_unit_test(test_limits),      cmocka_unit_test(test_expect),
	    cmocka_unit_test(test_smuggling),   cmocka_unit_test(test_pipelining),
	    cmocka_unit_test(test_gone),        cmocka_unit_test(test_deadlines),
	    cmocka_unit_test(test_slow_reader), cmocka_unit_test(test_budgets),
	    cmocka_unit_test(test_handshakes),  cmocka_unit_test(test_max_connections),
	    cmocka_unit_test(test_drain),       cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
