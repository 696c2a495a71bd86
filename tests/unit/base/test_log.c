/* prinex: tests of base: log lines
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"

static int fds[2];
static char line[8192];

static int setup(void **state)
{
	(void)state;
	if (pipe(fds) != 0)
		return -1;
	px_log_init("test", fds[1], PX_LOG_INFO);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	px_log_init("prinex", STDERR_FILENO, PX_LOG_INFO);
	close(fds[0]);
	close(fds[1]);
	return 0;
}

/* What follows the domain in the one line that was written. */
static const char *text(void)
{
	ssize_t n = read(fds[0], line, sizeof(line) - 1);
	assert_true(n > 0);
	line[n] = '\0';
	assert_ptr_equal(strchr(line, '\n'), line + n - 1);
	line[n - 1] = '\0';
	const char *domain = strstr(line, "] net ");
	assert_non_null(domain);
	return domain + 6;
}

static void test_line(void **state)
{
	(void)state;
	px_log(PX_LOG_NOTICE, "net", "partner=%s hello", "by");
	assert_string_equal(text(), "partner=by hello");
	char stamp[32];
	int64_t ms;
	px_strlcpy_n(stamp, line, 24, sizeof(stamp));
	assert_int_equal(px_time_parse(stamp, &ms), PX_OK);
	assert_true(px_str_starts(line + 24, " notice test["));
	errno = ENOENT;
	px_warn("net", "x");
	assert_string_equal(text(), "x: No such file or directory");
	px_log(PX_LOG_DEBUG, "net", "not shown");
	px_log_set_level(PX_LOG_DEBUG);
	px_log(PX_LOG_DEBUG, "net", "shown");
	assert_string_equal(text(), "shown");
}

/* No peer can forge a line, move a terminal's cursor or write what is no text. */
static void test_escapes(void **state)
{
	(void)state;
	px_warnx("net", "a\nb\r\t\x1b[2J\x7f");
	assert_string_equal(text(), "a\\x0ab\\x0d\\x09\\x1b[2J\\x7f");
	px_warnx("net", "мытня \xf0\x9f\x9a\x9a");
	assert_string_equal(text(), "мытня \xf0\x9f\x9a\x9a");
	px_warnx("net", "\xc2\x9b"
			"2J \xd0 \xff\xc0\x80");
	assert_string_equal(text(), "\\xc2\\x9b2J \\xd0 \\xff\\xc0\\x80");
}

static void test_long(void **state)
{
	(void)state;
	char big[5000];
	memset(big, '\n', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	px_warnx("net", "%s", big);
	const char *t = text();
	assert_true(strlen(t) > 1000 && strlen(t) % 4 == 0);
	assert_true(px_str_ends(t, "\\x0a"));
}

static unsigned begun;

static void count_begun(void *arg)
{
	assert_ptr_equal(arg, &begun);
	begun++;
}

/* How many lines have been written and not been read yet; the last ones are in `line`. */
static unsigned written(void)
{
	unsigned lines = 0;
	ssize_t n;
	while ((n = read(fds[0], line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		for (const char *s = line; (s = strchr(s, '\n')) != NULL; s++)
			lines++;
	}
	return lines;
}

/* Lines of one turn go out together and in order; a serious one waits for nobody. */
static void test_gather(void **state)
{
	(void)state;
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	begun = 0;
	px_log_gather(count_begun, &begun);
	px_log(PX_LOG_INFO, "net", "first");
	px_log(PX_LOG_INFO, "net", "second");
	assert_int_equal(begun, 1);
	assert_int_equal(written(), 0);
	px_log_flush();
	assert_int_equal(written(), 2);
	assert_non_null(strstr(strstr(line, "] net first\n"), "] net second\n"));
	px_log(PX_LOG_INFO, "net", "third");
	px_log(PX_LOG_NOTICE, "net", "fourth");
	assert_int_equal(begun, 2);
	assert_int_equal(written(), 2);
	assert_non_null(strstr(strstr(line, "] net third\n"), "] net fourth\n"));
	for (unsigned i = 0; i < 100; i++) /* more than a pipe keeps together */
		px_log(PX_LOG_INFO, "net", "%050u", i);
	unsigned early = written();
	assert_in_range(early, 1, 99);
	px_log_scatter();
	assert_int_equal(early + written(), 100);
	px_log(PX_LOG_INFO, "net", "alone");
	assert_string_equal(text(), "alone");
}

static void test_limit(void **state)
{
	(void)state;
	struct px_log_limit limit = {0};
	unsigned dropped, allowed = 0;
	for (int i = 0; i < 10; i++)
		allowed += px_log_allowed(&limit, 3, &dropped);
	assert_true(allowed == 3 || allowed == 6); /* 6: the minute changed meanwhile */
	limit.minute--;                            /* a minute later */
	limit.dropped = 7;
	assert_true(px_log_allowed(&limit, 3, &dropped));
	assert_int_equal(dropped, 7);
	assert_true(px_log_allowed(&limit, 3, &dropped));
	assert_int_equal(dropped, 0);
}

static void test_levels(void **state)
{
	(void)state;
	for (int l = PX_LOG_ERR; l <= PX_LOG_DEBUG; l++)
		assert_int_equal(px_log_level_parse(px_log_level_name((enum px_log_level)l)), l);
	assert_int_equal(px_log_level_parse("verbose"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_line, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_escapes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_long, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_gather, setup, teardown),
	    cmocka_unit_test(test_limit),
	    cmocka_unit_test(test_levels),
	};
	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
