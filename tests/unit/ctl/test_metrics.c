/* prinex: tests: the metrics listener
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"
#include "ctl/metrics_listener.h"

static struct px_metrics_listener *open_listener(struct rig *r, const char *address)
{
	struct px_metrics_listener *l = NULL;
	struct px_buf why = PX_BUF_INIT;
	if (px_metrics_listener_new(r->ctl, address, &l, &why) != PX_OK)
		fail_msg("%s", px_buf_str(&why));
	return l;
}

static int connect_port(unsigned port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(evutil_make_socket_nonblocking(fd), 0);
	return fd;
}

/* Everything until the node closes. */
static char *read_all(struct rig *r, int fd)
{
	struct px_buf got = PX_BUF_INIT;
	int64_t end = px_clock_mono(px_clock_real()) + 2000;
	char part[4096];
	for (;;) {
		rig_step(r);
		ssize_t n = recv(fd, part, sizeof(part), 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			break;
		if (n > 0)
			px_buf_add(&got, part, (size_t)n);
		else if (px_clock_mono(px_clock_real()) > end)
			fail_msg("no end after: %s", px_buf_str(&got));
		else
			usleep(500);
	}
	px_buf_addc(&got, '\0');
	return (char *)px_buf_detach(&got, NULL);
}

static char *ask(struct rig *r, const struct px_metrics_listener *l, const char *request)
{
	int fd = connect_port(px_metrics_listener_port(l));
	rig_send(fd, request);
	char *answer = read_all(r, fd);
	close(fd);
	return answer;
}

static void expect(char *answer, const char *part)
{
	if (strstr(answer, part) == NULL)
		fail_msg("no \"%s\" in: %s", part, answer);
}

static void test_scrape(void **state)
{
	struct rig *r = *state;
	struct px_metrics_listener *l = open_listener(r, "127.0.0.1:0");
	int64_t now = px_clock_wall(r->clock);
	r->certificates[0] =
	    (struct px_tls_certificate){"node tls", "/x/t.pem", "CN=a", now - 1000, now + 3600000, false};
	r->n_certificates = 1;
	rig_accept(r, &(struct rig_message){.id = "A1"}, NULL);
	px_alarm_raise(r->alarms, PX_ALARM_CRL, "x", "old");
	px_metric_add(r->metrics, PX_M_ACCEPTED, 3, "system-by", "No\"te", NULL);
	char *a = ask(r, l, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
	expect(a, "HTTP/1.1 200 OK\r\n");
	expect(a, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
	expect(a, "prinex_accepted_total{partner=\"system-by\",type=\"No\\\"te\"} 3\n");
	/* Measured for this scrape. */
	expect(a, "prinex_store_messages 1\n");
	expect(a, "prinex_certificate_seconds_left{certificate=\"node tls: /x/t.pem (CN=a)\"} 3600\n");
	expect(a, "prinex_alarm{name=\"crl-old\"} 1\n");
	expect(a, "prinex_alarm{name=\"disk-low\"} 0\n");
	expect(a, "prinex_memory_pss_bytes{process=\"broker\"} ");
	free(a);
	/* A value does not stay when what it was about is gone. */
	px_alarm_clear(r->alarms, PX_ALARM_CRL, "x");
	r->n_certificates = 0;
	a = ask(r, l, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
	expect(a, "prinex_alarm{name=\"crl-old\"} 0\n");
	assert_null(strstr(a, "prinex_certificate_seconds_left{"));
	free(a);
	px_metrics_listener_free(&l);
}

static void test_health(void **state)
{
	struct rig *r = *state;
	struct px_metrics_listener *l = open_listener(r, "localhost:0");
	static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
	char *a = ask(r, l, request);
	expect(a, "HTTP/1.1 200 ");
	expect(a, "\r\n\r\nok\n");
	free(a);
	px_alarm_raise(r->alarms, PX_ALARM_PARTNER_DOWN, "ua",
		       "no answer"); /* others are served all the same */
	a = ask(r, l, request);
	expect(a, "HTTP/1.1 200 ");
	free(a);
	px_alarm_raise(r->alarms, PX_ALARM_DISK, "", "12 octets");
	a = ask(r, l, request);
	expect(a, "HTTP/1.1 503 ");
	expect(a, "\r\n\r\ndisk-low\n");
	free(a);
	px_alarm_clear(r->alarms, PX_ALARM_DISK, "");
	px_flow_drain(r->flow, NULL, NULL);
	a = ask(r, l, request);
	expect(a, "\r\n\r\ndraining\n");
	free(a);
	px_metrics_listener_free(&l);
}

static void test_refused(void **state)
{
	static const char *const requests[][2] = {
	    {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 "},
	    {"GET /metrics/ HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 "},
	    {"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 405 "},
	    {"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 400 "},
	    {"GET /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
	    {"nonsense\r\n\r\n", "HTTP/1.1 400 "},
	};
	struct rig *r = *state;
	struct px_metrics_listener *l = open_listener(r, "127.0.0.1:0");
	for (size_t i = 0; i < PX_ARRAY_LEN(requests); i++) {
		char *a = ask(r, l, requests[i][0]);
		expect(a, requests[i][1]);
		expect(a, "Connection: close\r\n");
		free(a);
	}
	px_metrics_listener_free(&l);
}

/* Slow ones are cut off; too many are turned away; leaving while figures are gathered harms nobody. */
static void test_bad_clients(void **state)
{
	struct rig *r = *state;
	struct px_metrics_listener *l = open_listener(r, "127.0.0.1:0");
	int slow = connect_port(px_metrics_listener_port(l));
	rig_send(slow, "GET /met");
	rig_advance(r, 0); /* accepted */
	rig_advance(r, PX_LIMIT_DEADLINE_HEADERS - 1000);
	rig_send(slow, "r");
	rig_advance(r, 2000);
	assert_true(rig_is_closed(r, slow));
	close(slow);
	int many[20];
	for (int i = 0; i < 20; i++) {
		many[i] = connect_port(px_metrics_listener_port(l));
		rig_step(r);
	}
	for (int i = 16; i < 20; i++)
		assert_true(rig_is_closed(r, many[i]));
	for (int i = 0; i < 20; i++)
		close(many[i]);
	rig_advance(r, 0);
	for (int i = 0; i < 30; i++) {
		int fd = connect_port(px_metrics_listener_port(l));
		rig_send(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
		for (int k = 0; k < i % 6; k++)
			rig_step(r);
		close(fd);
		rig_step(r);
	}
	for (int k = 0; k < 100; k++) { /* the figures they asked for are still being gathered */
		rig_step(r);
		usleep(1000);
	}
	char *a = ask(r, l, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	expect(a, "200");
	free(a);
	/* Freed while a scrape is under way. */
	int fd = connect_port(px_metrics_listener_port(l));
	rig_send(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	event_base_loop(r->base, EVLOOP_NONBLOCK);
	event_base_loop(r->base, EVLOOP_NONBLOCK);
	px_metrics_listener_free(&l);
	assert_true(rig_is_closed(r, fd));
	close(fd);
	usleep(5000);
	rig_advance(r, 0);
}

static void test_unix(void **state)
{
	struct rig *r = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char name[128];
	snprintf(name, sizeof(name), "unix:%s/metrics.sock", r->folder);
	px_strlcpy(address.sun_path, name + 5, sizeof(address.sun_path));
	struct px_metrics_listener *l = open_listener(r, name);
	assert_int_equal(px_metrics_listener_port(l), 0);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	rig_send(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	char *a = read_all(r, fd);
	expect(a, "200");
	free(a);
	close(fd);
	px_metrics_listener_free(&l);
	assert_int_equal(access(address.sun_path, F_OK), -1);
	/* What kill -9 left behind is in nobody's way. */
	assert_int_equal(mknod(address.sun_path, S_IFSOCK | 0666, 0), 0);
	l = open_listener(r, name);
	px_metrics_listener_free(&l);
}

/* Figures tell who trades with whom: never to the network. */
static void test_addresses(void **state)
{
	static const char *const bad[] = {
	    "0.0.0.0:0",        "[::]:0", "192.0.2.1:9464",      "[2001:db8::1]:9464", "127.0.0.1",
	    "example.com:9464", "",       "[::ffff:192.0.2.1]:1"};
	struct rig *r = *state;
	struct px_metrics_listener *l = NULL;
	struct px_buf why = PX_BUF_INIT;
	for (size_t i = 0; i < PX_ARRAY_LEN(bad); i++) {
		if (px_metrics_listener_new(r->ctl, bad[i], &l, &why) != PX_ECONF)
			fail_msg("%s: %s", bad[i], px_buf_str(&why));
		assert_non_null(strstr(px_buf_str(&why), bad[i]));
	}
	l = open_listener(r, "127.0.0.1:0");
	char taken[32];
	struct px_metrics_listener *second = NULL;
	snprintf(taken, sizeof(taken), "127.0.0.1:%u", px_metrics_listener_port(l));
	assert_int_equal(px_metrics_listener_new(r->ctl, taken, &second, &why), PX_ESYS);
	assert_non_null(strstr(px_buf_str(&why), "Address already in use"));
	px_metrics_listener_free(&l);
	px_buf_free(&why);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_scrape),      TEST(test_health), TEST(test_refused),
	    TEST(test_bad_clients), TEST(test_unix),   TEST(test_addresses),
	};
	px_log_init("test", 2, PX_LOG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
