/* prinex: tests of prinex-spool: what is taken out of out/, what is refused at once, what is forgotten
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strings.h"
#include "client/files.h"
#include "spool/spool.h"

#define DAY (INT64_C(86400) * 1000)

static char dir[64], path[8][512], no_marker[] = "", marker[] = ".done";
static struct px_settings settings;
static struct spool spool;

static const char *in(const char *part, const char *name)
{
	static unsigned turn;
	char *to = path[turn++ % PX_ARRAY_LEN(path)];
	snprintf(to, sizeof(path[0]), "%s/%s/%s", dir, part, name);
	return to;
}

static void put(const char *part, const char *name)
{
	int fd = open(in(part, name), O_CREAT | O_EXCL | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static int setup(void **state PX_UNUSED)
{
	static const char *const parts[] = {"", "out", "work", "sent", "refused", ".spool", ".spool/seen"};
	px_strlcpy(dir, "/tmp/prinex-test.XXXXXX", sizeof(dir));
	assert_non_null(mkdtemp(dir));
	for (size_t i = 1; i < PX_ARRAY_LEN(parts); i++)
		assert_int_equal(mkdir(in(parts[i], ""), 0700), 0);
	settings = (struct px_settings){.spool_marker = no_marker};
	spool = (struct spool){.folder = dir,
			       .settings = &settings,
			       .lock = PTHREAD_MUTEX_INITIALIZER,
			       .name_max = spool_name_max(pathconf(dir, _PC_NAME_MAX))};
	return 0;
}

static int forget(const char *name, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(name);
}

static int teardown(void **state PX_UNUSED)
{
	return nftw(dir, forget, 8, FTW_DEPTH | FTW_PHYS);
}

static int take(unsigned room)
{
	struct px_buf why = PX_BUF_INIT;
	int rc = spool_take_up(&spool, room, &why);
	assert_int_equal(rc != PX_OK, why.len > 0);
	px_buf_free(&why);
	return rc;
}

static unsigned count(const char *part)
{
	unsigned n = 0;
	DIR *d = opendir(in(part, ""));
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* That @name lies in refused/ with words that hold @text. */
static void assert_refused(const char *name, const char *text)
{
	char words[300];
	struct stat st;
	struct px_buf data = PX_BUF_INIT, why = PX_BUF_INIT;
	snprintf(words, sizeof(words), "%s.txt", name);
	assert_int_equal(lstat(in("refused", name), &st), 0);
	assert_int_equal(px_buf_read_file(&data, in("refused", words), 10000, &why), PX_OK);
	if (strstr(px_buf_str(&data), text) == NULL)
		fail_msg("%s: \"%s\" does not say \"%s\"", name, px_buf_str(&data), text);
	px_buf_free(&data);
	px_buf_free(&why);
}

static void a_name_used_before_is_kept_apart(void **state PX_UNUSED)
{
	put("out", "a.xml");
	put("out", "b.xml");
	put("sent", "a.xml");
	put("refused", "a.1.xml.txt"); /* the words of one that vanished */
	put("work", "b.xml.px");
	assert_int_equal(take(10), PX_OK);
	assert_int_equal(count("out"), 0);
	assert_true(px_file_exists(in("work", "a.2.xml")));
	assert_true(px_file_exists(in("work", "b.1.xml")));
}

static void there_is_room_for_so_many(void **state PX_UNUSED)
{
	put("out", "a.xml");
	put("out", "b.xml");
	put("out", "c.xml");
	assert_int_equal(mkdir(in("out", "d.xml"), 0700), 0);
	assert_int_equal(take(0), PX_OK);
	assert_int_equal(count("work"), 0);
	assert_int_equal(take(2), PX_OK);
	assert_int_equal(count("work"), 2);
	assert_int_equal(take(2), PX_OK);
	assert_int_equal(count("work"), 3);
	assert_refused("d.xml", "d.xml: not sent: it is a folder");
}

static void what_is_no_file_is_refused(void **state PX_UNUSED)
{
	assert_int_equal(mkdir(in("out", "folder.xml"), 0700), 0);
	put("out/folder.xml", "inside.xml");
	assert_int_equal(symlink("/etc/passwd", in("out", "link.xml")), 0);
	assert_int_equal(symlink("/nowhere", in("out", "dangling.xml")), 0);
	assert_int_equal(mkfifo(in("out", "pipe.xml"), 0600), 0);
	put("out", "good.xml");
	assert_int_equal(take(10), PX_OK);
	assert_int_equal(count("out"), 0);
	assert_int_equal(count("work"), 1);
	assert_refused("folder.xml", "it is a folder");
	assert_true(px_file_exists(in("refused/folder.xml", "inside.xml")));
	assert_refused("link.xml", "it is a symbolic link");
	assert_refused("dangling.xml", "it is a symbolic link");
	assert_refused("pipe.xml", "it is a pipe");
	assert_int_equal(spool.refused, 4);
}

static void what_cannot_be_called_so_is_refused_under_another_name(void **state PX_UNUSED)
{
	char longest[256], name[256], cut[256];
	put("out", "\xd4\xe0\xe9\xeb.xml"); /* a file in Windows-1251 */
	put("out", "two\nlines.xml");
	memset(longest, 'n', sizeof(longest));
	px_strlcpy(longest + sizeof(longest) - 5, ".xml", 5);
	px_strlcpy(name, longest + 255 - spool.name_max, sizeof(name));
	put("out", name); /* as long as it may be; first: the oldest keeps its name */
	put("out", longest);
	put("out", "Файл.xml");
	assert_int_equal(take(10), PX_OK);
	assert_int_equal(count("out"), 0);
	assert_int_equal(count("work"), 2);
	assert_true(px_file_exists(in("work", name)));
	assert_true(px_file_exists(in("work", "Файл.xml")));
	assert_refused("____.xml", "\\xD4\\xE0\\xE9\\xEB.xml: not sent: its name is not UTF-8");
	assert_refused("two_lines.xml", "two\\x0Alines.xml: not sent");
	/* it is cut to what fits, and as that name is used it is given a number */
	snprintf(cut, sizeof(cut), "%.*s.1.xml", (int)(spool.name_max - strlen(".xml")), longest);
	assert_refused(cut, "nnnn.xml: not sent: its name is too long");
}

static void names_leave_room_for_what_stands_beside(void **state PX_UNUSED)
{
	assert_int_equal(spool_name_max(255), 200);
	assert_int_equal(spool_name_max(0), 200);
	assert_int_equal(spool_name_max(-1), 200);
	assert_int_equal(spool_name_max(4096), 200);
	assert_int_equal(spool_name_max(143), 88);
	assert_int_equal(spool_name_max(14), 20);
	/* the longest: a number in the name, the longest suffix, and as it is written */
	assert_true(spool_name_max(255) + strlen(".4294967295") + strlen(".untrusted") +
			strlen("..4194304-4294967295.part") <=
		    255);
}

static void one_that_cannot_be_moved_holds_up_nobody(void **state PX_UNUSED)
{
	put("out", "a.xml");
	assert_int_equal(mkdir(in("out", "stuck.xml"), 0700), 0);
	put("out", "z.xml");
	/* what only the rename finds in its way */
	assert_int_equal(symlink("/nowhere", in("refused", "stuck.xml")), 0);
	assert_int_equal(take(10), PX_ESYS);
	assert_int_equal(count("work"), 2);
	assert_int_equal(count("out"), 1);
	assert_int_equal(count("refused"), 1); /* no words without a file */
	assert_int_equal(spool.refused, 0);
	assert_int_equal(unlink(in("refused", "stuck.xml")), 0);
	assert_int_equal(take(10), PX_OK);
	assert_refused("stuck.xml", "it is a folder");
}

static void a_marker_goes_with_its_file(void **state PX_UNUSED)
{
	settings.spool_marker = marker;
	put("out", "a.xml");
	put("out", "a.xml.done");
	put("out", "b.xml");
	assert_int_equal(mkdir(in("out", "c.xml"), 0700), 0);
	put("out", "c.xml.done");
	put("out", "gone.xml.done");
	put("out", "report.done"); /* somebody else's */
	assert_int_equal(take(10), PX_OK);
	spool_drop_markers(&spool);
	assert_int_equal(count("out"), 2);
	assert_true(px_file_exists(in("out", "report.done")));
	assert_true(px_file_exists(in("out", "b.xml")));
	assert_true(px_file_exists(in("work", "a.xml")));
	assert_refused("c.xml", "it is a folder");
}

/* A marker that ends like a document would have every document removed as the marker of one that is gone. */
static void a_marker_is_told_from_a_document(void **state PX_UNUSED)
{
	assert_null(spool_unfit_marker(""));
	assert_null(spool_unfit_marker(".done"));
	assert_null(spool_unfit_marker("xml"));
	assert_non_null(spool_unfit_marker(".xml"));
	assert_non_null(spool_unfit_marker(".done.xml"));
	assert_non_null(spool_unfit_marker("/done"));
	assert_non_null(spool_unfit_marker("........................................................done"));
}

/* --- folders that vanish --- */

static void what_was_taken_away_is_made_again(void **state PX_UNUSED)
{
	put(".spool", "lock");
	spool.locked = open(in(".spool", "lock"), O_RDWR | O_CLOEXEC);
	assert_true(spool.locked >= 0);
	assert_int_equal(rmdir(in("sent", "")), 0);
	spool_keep_folders(&spool);
	assert_true(px_file_exists(in("sent", "")));
	/* another file system: nothing is made there */
	assert_int_equal(rename(in(".spool", "lock"), in(".spool", "old")), 0);
	put(".spool", "lock");
	assert_int_equal(rmdir(in("sent", "")), 0);
	spool_keep_folders(&spool);
	assert_false(px_file_exists(in("sent", "")));
	assert_int_equal(close(spool.locked), 0);
}

/* --- .spool/seen --- */

static void seen(const char *name, int64_t at)
{
	const struct timespec times[2] = {{at / 1000, 0}, {at / 1000, 0}};
	put(".spool/seen", name);
	assert_int_equal(utimensat(AT_FDCWD, in(".spool/seen", name), times, 0), 0);
}

static bool is_seen(const char *name)
{
	return px_file_exists(in(".spool/seen", name));
}

static void thin(int64_t now)
{
	struct px_buf why = PX_BUF_INIT;
	if (spool_in_thin(&spool, now, &why) != PX_OK)
		fail_msg("%s", px_buf_str(&why));
}

static void what_was_seen_is_forgotten_while_it_runs(void **state PX_UNUSED)
{
	const int64_t start = INT64_C(1800000000000);
	for (int64_t now = start; now < start + 365 * DAY; now += DAY / 4) {
		char name[64];
		snprintf(name, sizeof(name), "BY_%lld.xml", (long long)now);
		seen(name, now);
		thin(now);
		assert_true(is_seen(name));
	}
	assert_in_range(count(".spool/seen"), 40 * 4, 41 * 4); /* of 1,460 */
}

static void it_is_not_looked_through_all_the_time(void **state PX_UNUSED)
{
	const int64_t now = INT64_C(1800000000000);
	thin(now);
	seen("old.xml", now - 50 * DAY);
	thin(now + 1000);
	assert_true(is_seen("old.xml"));
	thin(now + DAY);
	assert_false(is_seen("old.xml"));
	/* a clock that was set back does not stop it */
	seen("old.xml", now - 500 * DAY);
	thin(now - 400 * DAY);
	assert_false(is_seen("old.xml"));
}

static void each_round_of_fetching_looks(void **state PX_UNUSED)
{
	const int64_t now = px_clock_wall(px_clock_real());
	settings.spool_room = 0; /* nothing is fetched */
	seen("old.xml", now - 50 * DAY);
	spool.thinned = now - 1000;
	assert_false(spool_in_round(&spool));
	assert_true(is_seen("old.xml"));
	spool.thinned = now - DAY;
	assert_false(spool_in_round(&spool));
	assert_false(is_seen("old.xml"));
	px_buf_free(&spool.fetching);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_name_used_before_is_kept_apart, setup, teardown),
	    cmocka_unit_test_setup_teardown(there_is_room_for_so_many, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_no_file_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_cannot_be_called_so_is_refused_under_another_name, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(names_leave_room_for_what_stands_beside, setup, teardown),
	    cmocka_unit_test_setup_teardown(one_that_cannot_be_moved_holds_up_nobody, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_marker_goes_with_its_file, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_was_taken_away_is_made_again, setup, teardown),
	    cmocka_unit_test(a_marker_is_told_from_a_document),
	    cmocka_unit_test_setup_teardown(what_was_seen_is_forgotten_while_it_runs, setup, teardown),
	    cmocka_unit_test_setup_teardown(it_is_not_looked_through_all_the_time, setup, teardown),
	    cmocka_unit_test_setup_teardown(each_round_of_fetching_looks, setup, teardown),
	};
	return cmocka_run_group_tests_name("takeup", tests, NULL, NULL);
}
