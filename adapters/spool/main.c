/* prinex: prinex-spool: a folder in, a folder out, for systems that know files only
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"
#include "client/link.h"
#include "spool/spool.h"

enum { EXIT_OK, EXIT_LEFT, EXIT_USAGE };

static const char usage_text[] =
    "usage: prinex-spool [--conf FILE] [--once]\n"
    "\n"
    "Sends what a customs system puts into a folder and fetches what is for it; see docs/prinex-spool.md.\n"
    "\n"
    "  --conf FILE   settings, as those of prinex; else the file that PRINEX_CONF names\n"
    "  --once        send what is there, fetch what is there, end\n"
    "  --version, --help, --man\n"
    "\n"
    "Exit: 0 ended as told, 1 (--once) something could not be sent or fetched yet, 2 usage or settings.\n";

static const char *const parts[] = {"",   "out",   "work",   "sent",       "refused",
				    "in", "aside", ".spool", ".spool/tmp", ".spool/seen"};

static void on_signal(int number)
{
	(void)number;
	px_client_stop = 1;
}

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "prinex-spool: %s%s%s\n", what, why[0] != '\0' ? ": " : "", why);
	return EXIT_USAGE;
}

/* --- the folder --- */

/* Hidden parts of files that a crash left half written. Nothing is written in out/: what is hidden there is
 * the customs system's, which may be about to rename it. */
static void sweep(const struct spool *s, const char *part)
{
	struct px_buf path = PX_BUF_INIT;
	spool_path(s, part, "", &path);
	DIR *d = opendir(px_buf_str(&path));
	for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		if (e->d_name[0] == '.' && px_str_ends(e->d_name, ".part"))
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d != NULL)
		closedir(d);
	px_buf_free(&path);
}

/* One prinex-spool a folder. @return the lock, or -1. */
static int lock_folder(const struct spool *s)
{
	struct px_buf path = PX_BUF_INIT;
	spool_path(s, ".spool", "lock", &path);
	int fd = open(px_buf_str(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
		complain(px_buf_str(&path), errno == EWOULDBLOCK ? "another prinex-spool works in this folder"
								 : strerror(errno));
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	px_buf_free(&path);
	return fd;
}

static bool make_folders(const struct spool *s)
{
	struct px_buf path = PX_BUF_INIT;
	bool good = s->folder[0] != '\0';
	if (!good)
		complain("spool-folder is missing", "client { spool-folder = ... } in the settings file");
	for (size_t i = 0; i < PX_ARRAY_LEN(parts) && good; i++) {
		spool_path(s, parts[i], "", &path);
		good = mkdir(px_buf_str(&path), 0777) == 0 || errno == EEXIST;
		if (!good)
			complain(px_buf_str(&path), strerror(errno));
	}
	px_buf_free(&path);
	return good;
}

/* @return the lock, or -1. */
static int open_folder(struct spool *s)
{
	int fd = make_folders(s) ? lock_folder(s) : -1;
	for (size_t i = 0; i < PX_ARRAY_LEN(parts) && fd >= 0; i++) {
		if (strcmp(parts[i], "out") != 0)
			sweep(s, parts[i]);
	}
	s->name_max = spool_name_max(pathconf(s->folder, _PC_NAME_MAX));
	return fd;
}

/* --- working --- */

static void *fetch_for_ever(void *arg)
{
	struct spool *s = arg;
	unsigned failures = 0;
	while (!px_client_stop) {
		bool good = spool_in_round(s);
		spool_status(s, true);
		failures = good ? 0 : failures + 1;
		if (!good)
			(void)px_client_sleep(px_client_backoff(failures - 1, -1));
	}
	return NULL;
}

static int watch(const struct spool *s)
{
	struct px_buf path = PX_BUF_INIT;
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	spool_path(s, "out", "", &path);
	if (fd >= 0)
		inotify_add_watch(fd, px_buf_str(&path), IN_MOVED_TO | IN_CLOSE_WRITE);
	px_buf_free(&path);
	return fd;
}

/* Until something happens in out/, at most @ms. */
static void wait_for_files(int fd, int64_t ms)
{
	char events[4096];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	for (; ms > 0 && !px_client_stop && poll(&p, 1, (int)PX_MIN(ms, 1000)) <= 0; ms -= 1000)
		;
	while (read(fd, events, sizeof(events)) > 0)
		;
}

static void send_for_ever(struct spool *s, int fd)
{
	unsigned failures = 0;
	while (!px_client_stop) {
		enum spool_round round = spool_out_round(s);
		spool_status(s, true);
		failures = round >= SPOOL_STUCK ? failures + 1 : 0;
		if (round == SPOOL_FAILED)
			(void)px_client_sleep(px_client_backoff(failures - 1, -1));
		else if (round == SPOOL_STUCK)
			wait_for_files(fd, px_client_backoff(failures - 1, -1));
		else if (round == SPOOL_IDLE)
			wait_for_files(fd, 5000); /* not every file system tells */
	}
}

static int work(struct spool *s)
{
	pthread_t fetcher;
	int fd = watch(s);
	if (fd < 0)
		return complain("inotify", strerror(errno));
	bool threaded = pthread_create(&fetcher, NULL, fetch_for_ever, s) == 0;
	if (threaded) {
		send_for_ever(s, fd);
		pthread_join(fetcher, NULL);
	}
	close(fd);
	spool_status(s, false);
	return threaded ? EXIT_OK : complain("cannot start a thread", "");
}

static int work_once(struct spool *s)
{
	enum spool_round round = SPOOL_MORE;
	while (round == SPOOL_MORE && !px_client_stop)
		round = spool_out_round(s);
	bool fetched = spool_in_round(s);
	spool_status(s, false);
	return round == SPOOL_IDLE && fetched ? EXIT_OK : EXIT_LEFT;
}

static int run(struct spool *s)
{
	struct px_buf why = PX_BUF_INIT;
	const char *sender;
	int status = EXIT_USAGE, lock = -1;
	/* All is loaded before the threads begin. */
	if (px_client_need_trust(s->c, &why) != PX_OK || px_client_load_tls(s->c, &why) != PX_OK ||
	    px_client_load_examiner(s->c, &why) != PX_OK || px_client_load_key(s->c, &why) != PX_OK ||
	    px_client_sender(s->c, &sender, &why) != PX_OK)
		complain(px_buf_str(&why), "");
	else if ((lock = open_folder(s)) >= 0 &&
		 (spool_out_recover(s, &why) != PX_OK || spool_in_recover(s, &why) != PX_OK))
		complain(px_buf_str(&why), "");
	else if ((s->locked = lock) >= 0)
		status = s->once ? work_once(s) : work(s);
	if (lock >= 0)
		close(lock);
	px_buf_free(&why);
	return status;
}

/* Takes @settings. */
static int start_with(struct spool *s, struct px_settings **settings)
{
	struct px_buf why = PX_BUF_INIT;
	const char *unfit = spool_unfit_marker((*settings)->spool_marker);
	int status = EXIT_USAGE;
	(*settings)->keep[0] = '\0'; /* exchanges and answers are kept in work/ and nowhere else */
	if (unfit != NULL) {
		complain("spool-marker", unfit);
		px_settings_free(settings);
	} else if (px_client_new(settings, &s->c, &why) != PX_OK) {
		complain(px_buf_str(&why), "");
	} else {
		s->settings = px_client_settings(s->c);
		s->folder = s->settings->spool_folder;
		status = run(s);
	}
	px_buf_free(&why);
	return status;
}

/* What a spool does whatever the file says. */
static int start(const char *conf, bool once)
{
	const struct px_given given[] = {
	    {"confirm", "true"}, {"max", "100"}, {"retry-for", "0"}, {"wait", once ? "0" : "30"}};
	struct px_problems problems = {0};
	struct px_settings *settings = NULL;
	struct px_buf text = PX_BUF_INIT;
	struct spool s = {.once = once, .lock = PTHREAD_MUTEX_INITIALIZER};
	int status = EXIT_USAGE;
	if (px_settings_new(conf, given, PX_ARRAY_LEN(given), &settings, &problems) != PX_OK) {
		px_problems_print(&problems, &text);
		fputs(px_buf_str(&text), stderr);
	} else {
		status = start_with(&s, &settings);
	}
	px_problems_free(&problems);
	px_client_free(&s.c);
	px_buf_free(&s.sending);
	px_buf_free(&s.fetching);
	px_buf_free(&s.telling);
	px_buf_free(&text);
	return status;
}

static int print_man(void)
{
	struct px_buf page = PX_BUF_INIT;
	spool_man(&page);
	fputs(px_buf_str(&page), stdout);
	px_buf_free(&page);
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_LEFT;
}

int main(int argc, char **argv)
{
	const char *conf = getenv("PRINEX_CONF");
	bool once = false;
	struct sigaction stop = {.sa_handler = on_signal};
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
	px_setting_mark = "";
	px_log_init("prinex-spool", 2, PX_LOG_WARN);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--once") == 0) {
			once = true;
		} else if (strcmp(argv[i], "--conf") == 0 && i + 1 < argc) {
			conf = argv[++i];
		} else if (strcmp(argv[i], "--version") == 0) {
			puts("prinex-spool " PX_VERSION);
			return EXIT_OK;
		} else if (strcmp(argv[i], "--man") == 0) {
			return print_man();
		} else {
			bool help = strcmp(argv[i], "--help") == 0;
			fputs(usage_text, help ? stdout : stderr);
			return help ? EXIT_OK : EXIT_USAGE;
		}
	}
	if (conf == NULL)
		return complain("no settings", "--conf FILE, or the environment variable PRINEX_CONF");
	return start(conf, once);
}
