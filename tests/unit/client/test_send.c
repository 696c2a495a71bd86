/* prinex: tests of sending many: what is wrong with one file, and what with all
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/send.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strings.h"
#include "kit.h"

/* Nothing is mapped at the beginning of this file: reading it gives EIO, as a broken disk does. */
#define BROKEN "/proc/self/mem"

static char dir[64];
static struct px_client *client;
static int taken; /* a port that nobody listens at */

static const char *in_dir(const char *name)
{
	return kit_path(dir, name);
}

/* A client of a broker that is not there. */
static void make_client(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	char url[64];
	taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(taken, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(taken, (struct sockaddr *)&at, &len), 0);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u", ntohs(at.sin_port));
	kit_make_key(in_dir("sign.key"), in_dir("sign.pem"));
	const struct px_given given[] = {{"sender", "BY"},
					 {"recipient", "UA"},
					 {"url", url},
					 {"server-uri", "urn:prinex:BY:node:n"},
					 {"sign-cert", in_dir("sign.pem")},
					 {"sign-key", in_dir("sign.key")},
					 {"cert", in_dir("sign.pem")},
					 {"key", in_dir("sign.key")},
					 {"anchors", in_dir("sign.pem")},
					 {"trust", in_dir("sign.pem")},
					 {"catalogue", "schemas/catalogue/prinex.conf"},
					 {"parallel", "1"},
					 {"retry-for", "0"}};
	struct px_problems problems = {0};
	struct px_settings *s = NULL;
	struct px_buf why = PX_BUF_INIT, text = PX_BUF_INIT;
	if (px_settings_new(NULL, given, PX_ARRAY_LEN(given), &s, &problems) != PX_OK) {
		px_problems_print(&problems, &text);
		fail_msg("%s", px_buf_str(&text));
	}
	if (px_client_new(&s, &client, &why) != PX_OK)
		fail_msg("%s", px_buf_str(&why));
}

static int setup(void **state PX_UNUSED)
{
	px_strlcpy(dir, "/tmp/prinex-test.XXXXXX", sizeof(dir));
	assert_non_null(mkdtemp(dir));
	make_client();
	return 0;
}

static int teardown(void **state PX_UNUSED)
{
	DIR *d = opendir(dir);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (e->d_name[0] != '.')
			unlink(in_dir(e->d_name));
	}
	closedir(d);
	close(taken);
	px_client_free(&client);
	return rmdir(dir);
}

/* --- one run --- */

struct run {
	unsigned n;
	struct {
		char file[64];
		enum px_sent sent;
		char why[512];
	} ended[8];
	struct px_send_totals totals;
};

static void report(void *arg, const struct px_sent_report *r)
{
	struct run *run = arg;
	const char *slash = strrchr(r->file, '/');
	assert_true(run->n < PX_ARRAY_LEN(run->ended));
	px_strlcpy(run->ended[run->n].file, slash != NULL ? slash + 1 : r->file, sizeof(run->ended[0].file));
	px_strlcpy(run->ended[run->n].why, r->why, sizeof(run->ended[0].why));
	run->ended[run->n++].sent = r->sent;
}

static void note(void *arg, const char *file, const char *text)
{
	(void)arg, (void)file, (void)text;
}

/* @names: up to NULL. */
static int run(struct run *to, unsigned begin_at, bool comes_again, const char *const *names)
{
	char *paths[8] = {0};
	unsigned n = 0;
	struct px_buf why = PX_BUF_INIT;
	*to = (struct run){0};
	const struct px_send_how how = {
	    .report = report, .note = note, .arg = to, .comes_again = comes_again, .begin_at = begin_at};
	for (; names[n] != NULL; n++)
		paths[n] = px_xstrdup(in_dir(names[n]));
	int rc = px_send(client, paths, n, &how, &to->totals, &why);
	if (rc != PX_OK && rc != PX_ENOTFOUND)
		fail_msg("%s", px_buf_str(&why));
	while (n > 0)
		free(paths[--n]);
	px_buf_free(&why);
	return rc;
}

static void assert_ended(const struct run *r, unsigned i, const char *file, enum px_sent sent,
			 const char *why)
{
	assert_true(i < r->n);
	if (strcmp(r->ended[i].file, file) != 0 || r->ended[i].sent != sent ||
	    strstr(r->ended[i].why, why) == NULL)
		fail_msg("%u: %s %s: %s; not %s %s: %s", i, r->ended[i].file, px_sent_name(r->ended[i].sent),
			 r->ended[i].why, file, px_sent_name(sent), why);
}

/* --- tests --- */

static void put_example(const char *name, const char *example)
{
	char cwd[256], path[384];
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	snprintf(path, sizeof(path), "%s/schemas/examples/%s-small.xml", cwd, example);
	assert_int_equal(symlink(path, in_dir(name)), 0);
}

static void what_will_not_pass_is_wrong_and_what_may_is_tried_again(void **state PX_UNUSED)
{
	static const char *const names[] = {"gone.xml", "empty.xml",  "broken.xml",
					    "long.xml", "closed.xml", NULL};
	struct run r;
	kit_put(in_dir("empty.xml"), "");
	kit_put(in_dir("closed.xml"), "<a/>");
	assert_int_equal(chmod(in_dir("closed.xml"), 0), 0);
	assert_int_equal(symlink(BROKEN, in_dir("broken.xml")), 0);
	assert_int_equal(symlink("/dev/zero", in_dir("long.xml")), 0);
	assert_int_equal(run(&r, 0, true, names), PX_OK);
	assert_int_equal(r.n, 5);
	assert_ended(&r, 0, "gone.xml", PX_SENT_WRONG, "No such file");
	assert_ended(&r, 1, "empty.xml", PX_SENT_WRONG, "");
	assert_ended(&r, 2, "broken.xml", PX_SENT_FAILED, "Input/output error");
	assert_ended(&r, 3, "long.xml", PX_SENT_WRONG, "larger than");
	if (geteuid() != 0) /* who may read all */
		assert_ended(&r, 4, "closed.xml", PX_SENT_WRONG, "Permission denied");
	assert_false(r.totals.broken_off);
}

static void a_name_that_nothing_can_stand_beside_is_wrong(void **state PX_UNUSED)
{
	char name[256];
	memset(name, 'n', sizeof(name));
	px_strlcpy(name + sizeof(name) - 5, ".xml", 5);
	const char *const names[] = {name, NULL};
	struct run r;
	put_example(name, "Alarm");
	assert_int_equal(run(&r, 0, false, names), PX_OK);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.ended[0].sent, PX_SENT_WRONG);
	assert_non_null(strstr(r.ended[0].why, "name too long"));
}

static void who_names_a_file_that_is_not_there_is_told_at_once(void **state PX_UNUSED)
{
	static const char *const names[] = {"a.xml", "gone.xml", NULL};
	struct run r;
	put_example("a.xml", "ExportDeclaration");
	assert_int_equal(run(&r, 0, false, names), PX_ENOTFOUND);
	assert_int_equal(r.n, 0);
}

static void without_a_broker_one_is_tried_and_the_others_held(void **state PX_UNUSED)
{
	static const char *const names[] = {"a.xml", "b.xml", "broken.xml", NULL};
	struct run r;
	put_example("a.xml", "ExportDeclaration");
	put_example("b.xml", "TransitDeclaration");
	assert_int_equal(symlink(BROKEN, in_dir("broken.xml")), 0);
	assert_int_equal(run(&r, 0, true, names), PX_OK);
	assert_int_equal(r.n, 3);
	assert_int_equal(r.ended[0].sent, PX_SENT_FAILED);
	assert_non_null(strstr(r.ended[0].why, "cannot be reached"));
	assert_int_equal(r.totals.by[PX_SENT_FAILED] + r.totals.by[PX_SENT_HELD], 3);
	assert_true(r.totals.by[PX_SENT_HELD] >= 1);
	assert_true(r.totals.broken_off);
	/* without coming again each is tried */
	assert_int_equal(run(&r, 0, false, names), PX_OK);
	assert_int_equal(r.totals.by[PX_SENT_FAILED], 3);
}

static void three_in_a_row_are_no_more_about_a_file(void **state PX_UNUSED)
{
	static const char *const names[] = {"1.xml", "2.xml", "3.xml", "4.xml", NULL};
	struct run r;
	for (unsigned i = 0; names[i] != NULL; i++)
		assert_int_equal(symlink(BROKEN, in_dir(names[i])), 0);
	assert_int_equal(run(&r, 0, true, names), PX_OK);
	assert_ended(&r, 2, "3.xml", PX_SENT_FAILED, "Input/output error");
	assert_int_equal(r.ended[3].sent, PX_SENT_FAILED); /* what cannot be read needs no broker */
	assert_true(r.totals.broken_off);
	/* and who comes again begins with another */
	assert_int_equal(run(&r, 6, true, names), PX_OK);
	assert_ended(&r, 0, "3.xml", PX_SENT_FAILED, "Input/output error");
	assert_ended(&r, 3, "2.xml", PX_SENT_FAILED, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_will_not_pass_is_wrong_and_what_may_is_tried_again, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(a_name_that_nothing_can_stand_beside_is_wrong, setup, teardown),
	    cmocka_unit_test_setup_teardown(who_names_a_file_that_is_not_there_is_told_at_once, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(without_a_broker_one_is_tried_and_the_others_held, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(three_in_a_row_are_no_more_about_a_file, setup, teardown),
	};
	return cmocka_run_group_tests_name("send", tests, NULL, NULL);
}
