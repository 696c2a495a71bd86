/* prinex: tests of the HTTP codec: what is read, what is refused, however it is cut into pieces
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/strings.h"
#include "net/http.h"

struct outcome {
	int status; /* 0: complete */
	bool complete;
	struct px_buf body;
	size_t used;
};

/* Feeds @data in pieces of @step octets up to the end of one request. */
static struct outcome run(struct px_http *p, const void *data, size_t len, size_t step)
{
	struct outcome o = {0};
	const uint8_t *d = data;
	size_t end = PX_MIN(step, len);
	for (;;) {
		size_t used;
		enum px_http_event ev = px_http_feed(p, d + o.used, end - o.used, &used);
		o.used += used;
		assert_true(o.used <= end);
		if (ev == PX_HTTP_BODY) {
			assert_true(p->span_len > 0);
			px_buf_add(&o.body, p->span, p->span_len);
		} else if (ev == PX_HTTP_MORE) {
			assert_int_equal(o.used, end);
			if (end == len)
				return o;
			end = PX_MIN(end + step, len);
		} else if (ev == PX_HTTP_ERROR) {
			o.status = p->status;
			return o;
		} else if (ev == PX_HTTP_DONE) {
			o.complete = true;
			return o;
		}
	}
}

static void expect(const char *request, int status)
{
	for (size_t step = 1; step < 400; step = step * 3 + 1) {
		struct px_http p;
		px_http_init(&p);
		struct outcome o = run(&p, request, strlen(request), step);
		if (o.status != status || o.complete != (status == 0))
			fail_msg("status %d, complete %d (%s), expected %d, in steps of %zu: %s", o.status,
				 o.complete, p.reason, status, step, request);
		px_buf_free(&o.body);
		px_http_free(&p);
	}
}

#define H    "Host: broker.example\r\n"
#define GET  "GET / HTTP/1.1\r\n" H
#define POST "POST /v1/exchanges HTTP/1.1\r\n" H

static void test_get(void **state)
{
	(void)state;
	static const char req[] = "GET /v1/inbox?wait=30&x=a%20b HTTP/1.1\r\n" H
				  "X-Some:\t two  words \r\n\r\nNEXT";
	struct px_http p;
	px_http_init(&p);
	struct outcome o = run(&p, req, sizeof(req) - 1, 7);
	assert_true(o.complete);
	assert_int_equal(o.used, sizeof(req) - 1 - 4);
	assert_int_equal(p.method, PX_HTTP_GET);
	assert_string_equal(p.path, "/v1/inbox");
	assert_string_equal(p.query, "wait=30&x=a%20b");
	assert_string_equal(px_http_field(&p, "x-some"), "two  words");
	assert_null(px_http_field(&p, "x-none"));
	assert_true(p.keep_alive);
	assert_false(p.expect_continue);
	px_http_free(&p);
}

static void test_post_length(void **state)
{
	(void)state;
	static const char req[] = POST
	    "Content-Length: 11\r\nExpect: 100-continue\r\nConnection: close\r\n\r\nhello world";
	struct px_http p;
	px_http_init(&p);
	for (size_t step = 1; step < sizeof(req) + 5; step++) {
		struct outcome o = run(&p, req, sizeof(req) - 1, step);
		assert_true(o.complete);
		assert_int_equal(o.body.len, 11);
		assert_memory_equal(o.body.data, "hello world", 11);
		assert_int_equal(p.method, PX_HTTP_POST);
		assert_true(p.has_length && p.length == 11 && p.expect_continue && !p.keep_alive &&
			    !p.chunked);
		px_buf_free(&o.body);
		px_http_reset(&p); /* the next request on the connection starts afresh */
	}
	px_http_free(&p);
}

static void test_post_chunked(void **state)
{
	(void)state;
	static const char req[] = POST
	    "Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n006\r\n world\r\n0\r\n\r\nGET";
	struct px_http p;
	px_http_init(&p);
	for (size_t step = 1; step < sizeof(req) + 5; step++) {
		struct outcome o = run(&p, req, sizeof(req) - 1, step);
		assert_true(o.complete && p.chunked && !p.has_length);
		assert_int_equal(o.used, sizeof(req) - 1 - 3);
		assert_int_equal(o.body.len, 11);
		assert_memory_equal(o.body.data, "hello world", 11);
		px_buf_free(&o.body);
		px_http_reset(&p);
	}
	px_http_free(&p);
}

static void test_accepted(void **state)
{
	(void)state;
	static const char *const good[] = {
	    GET "\r\n",
	    GET "Content-Length: 0\r\n\r\n",
	    GET "Connection: Keep-Alive\r\n\r\n",
	    GET "Connection: close, TE\r\nTE: trailers\r\n\r\n",
	    "GET /a;b=c/@:!$&'()*+,~-._ HTTP/1.1\r\n" H "\r\n",
	    "GET /?a=?/%41 HTTP/1.1\r\n" H "\r\n",
	    "GET / HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n",
	    "GET / HTTP/1.1\r\nhOST:127.0.0.1:65535\r\n\r\n",
	    GET "X-Empty:\r\nX-Space: \r\n\r\n",
	    GET "Accept: a\r\nAccept: b\r\n\r\n",
	    POST "Content-Length: 0\r\n\r\n",
	    POST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    POST "Transfer-Encoding: chunked\r\n\r\n0000000a\r\n0123456789\r\n00\r\n\r\n",
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(good); i++)
		expect(good[i], 0);
}

static void test_methods(void **state)
{
	(void)state;
	static const char *const others[] = {"HEAD", "PUT", "DELETE", "PATCH", "TRACE", "get", "QUERY"};
	for (size_t i = 0; i < PX_ARRAY_LEN(others); i++) {
		char req[200];
		snprintf(req, sizeof(req), "%s / HTTP/1.1\r\n" H "\r\n", others[i]);
		expect(req, 405);
		/* What is malformed stays 400 whatever the method. */
		snprintf(req, sizeof(req), "%s / HTTP/1.1\r\n\r\n", others[i]);
		expect(req, 400);
	}
}

/* tests/fuzz/corpus/http/400-*: each must be refused as a whole or after a valid beginning. */
static void test_smuggling(void **state)
{
	(void)state;
	static const char folder[] = "tests/fuzz/corpus/http";
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	unsigned n = 0, others = 0;
	for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		if (e->d_name[0] == '.')
			continue;
		int status = px_str_starts(e->d_name, "400-")   ? 400
			     : px_str_starts(e->d_name, "405-") ? 405
								: 0;
		char path[512];
		struct px_buf data = PX_BUF_INIT;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		assert_int_equal(px_buf_read_file(&data, path, 1 << 20, NULL), PX_OK);
		for (size_t step = 1; step < data.len * 3; step = step * 5 + 1) {
			struct px_http p;
			px_http_init(&p);
			struct outcome o = run(&p, data.data, data.len, step);
			if (o.status != status || o.complete != (status == 0))
				fail_msg("%s in steps of %zu: status %d, complete %d (%s)", path, step,
					 o.status, o.complete, p.reason);
			px_buf_free(&o.body);
			px_http_free(&p);
		}
		n += status == 400;
		others += status != 400;
		px_buf_free(&data);
	}
	closedir(dir);
	assert_true(n >= 60);
	assert_true(others >= 5);
}

static void add_fields(struct px_buf *req, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		px_buf_addf(req, "X-%u: y\r\n", i);
}

static void test_limits(void **state)
{
	(void)state;
	struct px_http p;
	px_http_init(&p);
	assert_int_equal(PX_ARRAY_LEN(p.fields), PX_LIMIT_HEADER_FIELDS);
	px_http_free(&p);
	for (int over = 0; over < 2; over++) {
		struct px_buf req = PX_BUF_INIT;
		px_buf_adds(&req, GET);
		add_fields(&req, (unsigned)PX_LIMIT_HEADER_FIELDS - 1 + (unsigned)over);
		px_buf_adds(&req, "\r\n");
		expect(px_buf_str(&req), over ? 400 : 0);
		px_buf_clear(&req);
		px_buf_adds(&req, GET "X: ");
		while (req.len < (size_t)PX_LIMIT_HEADER_OCTETS - 4 + (size_t)over)
			px_buf_addc(&req, 'y');
		px_buf_adds(&req, "\r\n\r\n");
		expect(px_buf_str(&req), over ? 400 : 0);
		px_buf_clear(&req);
		px_buf_adds(&req, POST "Transfer-Encoding: chunked\r\n\r\n");
		for (long i = 1; i < PX_LIMIT_CHUNKS + over; i++)
			px_buf_adds(&req, "1\r\nx\r\n");
		px_buf_adds(&req, "0\r\n\r\n");
		expect(px_buf_str(&req), over ? 400 : 0);
		px_buf_free(&req);
	}
}

/* Headers that never end are refused when they are too long, not kept until then. */
static void test_endless_head(void **state)
{
	(void)state;
	struct px_http p;
	px_http_init(&p);
	size_t used, fed = 0;
	enum px_http_event ev = px_http_feed(&p, (const uint8_t *)"GET /", 5, &used);
	while (ev == PX_HTTP_MORE && fed < 1 << 20) {
		ev = px_http_feed(&p, (const uint8_t *)"aaaaaaaaaaaaaaaa", 16, &used);
		fed += 16;
	}
	assert_int_equal(ev, PX_HTTP_ERROR);
	assert_true(fed <= (size_t)PX_LIMIT_HEADER_OCTETS + 16);
	assert_int_equal(px_http_feed(&p, (const uint8_t *)"x", 1, &used), PX_HTTP_ERROR);
	px_http_free(&p);
}

static void query(const char *query, const char *name, const char *expected)
{
	struct px_http p = {.query = query};
	char out[8];
	bool found = px_http_query(&p, name, out, sizeof(out));
	assert_int_equal(found, expected != NULL);
	assert_string_equal(out, expected != NULL ? expected : "");
}

static void test_query(void **state)
{
	(void)state;
	query("wait=30", "wait", "30");
	query("a=1&wait=&b", "wait", "");
	query("a=1&await=2&wait=3", "wait", "3");
	query("wait", "wait", NULL);
	query("", "wait", NULL);
	query("wait=1&wait=2", "wait", NULL);
	query("wait=a%20b%2Bc+", "wait", "a b+c+");
	query("wait=a%00", "wait", NULL);
	query("wait=%4", "wait", NULL);
	query("wait=%", "wait", NULL);
	query("wait=%zz", "wait", NULL);
	query("wait=%34&x=%zz", "wait", "4");
	query("wait=1234567", "wait", "1234567");
	query("wait=12345678", "wait", NULL);
}

static void test_answer_head(void **state)
{
	(void)state;
	struct px_buf out = PX_BUF_INIT;
	px_http_answer_head(&out, 201, "application/xml", 42, true, "Prinex-Delivery: 7\r\n");
	const char *s = px_buf_str(&out);
	assert_true(px_str_starts(s, "HTTP/1.1 201 Created\r\nDate: "));
	assert_non_null(strstr(
	    s, " GMT\r\nContent-Type: application/xml\r\nContent-Length: 42\r\nPrinex-Delivery: 7\r\n\r\n"));
	assert_null(strstr(s, "Connection"));
	px_buf_clear(&out);
	px_http_answer_head(&out, 204, NULL, 0, false, "");
	assert_null(strstr(px_buf_str(&out), "Content-"));
	assert_non_null(strstr(px_buf_str(&out), "Connection: close\r\n"));
	px_buf_clear(&out);
	px_http_answer_head(&out, 405, NULL, 0, true, "");
	assert_non_null(strstr(px_buf_str(&out), "Allow: GET, POST\r\n"));
	px_buf_clear(&out);
	px_http_answer_head(&out, 100, NULL, 0, true, "");
	assert_string_equal(px_buf_str(&out), "HTTP/1.1 100 Continue\r\n\r\n");
	px_buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_get),          cmocka_unit_test(test_post_length),
	    cmocka_unit_test(test_post_chunked), cmocka_unit_test(test_accepted),
	    cmocka_unit_test(test_methods),      cmocka_unit_test(test_smuggling),
	    cmocka_unit_test(test_limits),       cmocka_unit_test(test_endless_head),
	    cmocka_unit_test(test_query),        cmocka_unit_test(test_answer_head),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
