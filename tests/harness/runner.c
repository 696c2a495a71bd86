/* prinex: many cases: in parallel, each in a process and a folder of its own
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "runner.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strings.h"
#include "client/files.h"
#include "report.h"

struct job {
	pid_t pid;
	unsigned first, n; /* scripts of this process */
	int64_t deadline;
	bool done;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

static void path_of(const struct px_run *run, unsigned i, const char *what, struct px_buf *out)
{
	char id[64];
	px_strlcpy(id, run->scripts[i]->id, sizeof(id));
	for (char *c = id; *c != '\0'; c++)
		*c = strchr("/ .", *c) != NULL ? '_' : *c;
	px_buf_setf(out, "%s/%03u-%s%s", run->dir, i + 1, id, what);
}

/* The child: what it finds out goes into a file, what it says into another. */
static PX_NORETURN void work(struct px_run *run, const struct job *job)
{
	struct px_buf path = PX_BUF_INIT, why = PX_BUF_INIT;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = job->first; i < job->first + job->n; i++) {
		path_of(run, i, ".out", &path);
		int fd = open(px_buf_str(&path), O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(fd, 1);
		dup2(fd, 2);
		close(fd);
		path_of(run, i, "", &path);
		(void)mkdir(px_buf_str(&path), 0700);
		json_t *report = px_case_play(&run->venue, run->scripts[i], px_buf_str(&path));
		char *text = json_dumps(report, JSON_COMPACT);
		path_of(run, i, ".json", &path);
		if (text != NULL)
			(void)px_file_put(px_buf_str(&path), text, strlen(text), &why);
		free(text);
		json_decref(report);
	}
	px_peer_stop(&run->venue.peer);
	_exit(0);
}

static json_t *died(const struct px_run *run, unsigned i, const char *how)
{
	struct px_buf path = PX_BUF_INIT, why = PX_BUF_INIT, said = PX_BUF_INIT;
	path_of(run, i, ".out", &path);
	(void)px_buf_read_file(&said, px_buf_str(&path), 1 << 20, NULL);
	size_t from = said.len > 2000 ? said.len - 2000 : 0;
	px_buf_addf(&why, "%s\n%s", how, px_buf_str(&said) + from);
	json_t *report = px_case_not_played(run->scripts[i], "failed", px_buf_str(&why));
	path_of(run, i, "", &path);
	json_object_set_new(report, "dir", json_string(px_buf_str(&path)));
	px_buf_free(&path);
	px_buf_free(&why);
	px_buf_free(&said);
	return report;
}

static json_t *report_of(const struct px_run *run, unsigned i, const char *how)
{
	struct px_buf path = PX_BUF_INIT;
	path_of(run, i, ".json", &path);
	json_t *report = json_load_file(px_buf_str(&path), 0, NULL);
	px_buf_free(&path);
	return report != NULL ? report : died(run, i, how);
}

static void tidy(const struct px_run *run, unsigned i)
{
	static const char *const files[] = {".out", ".json", ""};
	struct px_buf path = PX_BUF_INIT;
	for (unsigned k = 0; k < PX_ARRAY_LEN(files); k++) {
		path_of(run, i, files[k], &path);
		remove_tree(px_buf_str(&path));
	}
	px_buf_free(&path);
}

static void end_job(struct px_run *run, struct job *job, int status, bool late)
{
	char how[96] = "the runner ended before the case did";
	if (late)
		snprintf(how, sizeof(how), "not at its end after %lld s", (long long)run->limit_ms / 1000);
	else if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "the runner died by signal %d", WTERMSIG(status));
	for (unsigned i = job->first; i < job->first + job->n; i++)
		json_array_set_new(run->reports, i, report_of(run, i, how));
	job->done = true;
}

static void watch(struct px_run *run, struct job *jobs, unsigned n, unsigned *running)
{
	for (unsigned i = 0; i < n; i++) {
		struct job *j = &jobs[i];
		int status = 0;
		if (j->pid == 0 || j->done)
			continue;
		bool late = px_now_mono() > j->deadline;
		if (late)
			kill(j->pid, SIGKILL); /* what it started dies with it */
		if (waitpid(j->pid, &status, late ? 0 : WNOHANG) == j->pid) {
			end_job(run, j, status, late);
			--*running;
		}
	}
}

/* In order, as far as they have ended. */
static void print(struct px_run *run, const struct job *jobs, unsigned n, unsigned *printed, unsigned *failed)
{
	for (unsigned i = 0; i < n; i++) {
		if (!jobs[i].done)
			return;
		for (unsigned k = jobs[i].first; k < jobs[i].first + jobs[i].n; k++) {
			if (k < *printed)
				continue;
			const json_t *r = json_array_get(run->reports, k);
			bool bad = strcmp(px_report_text(r, "verdict"), "failed") == 0;
			px_report_tap(r, ++*printed, run->venue.verbose);
			*failed += bad;
			if (!bad && !run->keep)
				tidy(run, k);
		}
	}
}

static void start(struct px_run *run, struct job *job)
{
	fflush(NULL);
	job->deadline = px_now_mono() + run->limit_ms * job->n * run->venue.slow;
	job->pid = fork();
	px_assert(job->pid >= 0);
	if (job->pid == 0)
		work(run, job);
}

unsigned px_runner_play(struct px_run *run)
{
	bool one = run->venue.profile != 0;
	unsigned n = one ? 1 : run->n, next = 0, running = 0, printed = 0, failed = 0;
	struct job *jobs = px_xcalloc(n, sizeof(*jobs));
	run->reports = json_array();
	for (unsigned i = 0; i < run->n; i++)
		json_array_append_new(run->reports, json_null());
	while (printed < run->n) {
		while (next < n && running < run->jobs) {
			jobs[next].first = next;
			jobs[next].n = one ? run->n : 1;
			start(run, &jobs[next++]);
			running++;
		}
		watch(run, jobs, n, &running);
		print(run, jobs, n, &printed, &failed);
		if (printed < run->n)
			px_sleep_ms(5);
	}
	free(jobs);
	if (failed == 0 && !run->keep)
		remove_tree(run->dir);
	return failed;
}
