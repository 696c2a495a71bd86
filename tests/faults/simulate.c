/* prinex: simulate: plays many seeds of a simulated town and says whether a promise was broken
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <fcntl.h>
#include <getopt.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "town.h"

/*
 * simulate [--seeds N] [--from SEED] [--jobs N] [--wrong NAME] [--trace]
 *
 * Exits 0 when no seed broke a promise; with --wrong: when one did, and stops there. Each job is a process of
 * its own, so that a crash of the code under test names its seed too.
 */
struct job {
	uint64_t seed; /* at hand */
	uint64_t played;
	uint64_t violated; /* seeds */
	uint64_t caught;   /* the first of them */
	char first[600];
};

#ifdef PX_SANITIZE
/* What waits for a timer when its process is killed is forgotten, as it would be: not a leak that a user has.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

struct options {
	uint64_t seeds, from;
	unsigned jobs;
	enum wrong wrong;
	bool trace;
};

static struct options options = {.seeds = 100, .from = 1, .jobs = 1};

static void show(uint64_t seed, unsigned violations, const char *first)
{
	printf("seed %llu: %u violations, the first: %s\n  replay: %s --seeds 1 --from %llu --wrong %s "
	       "--trace\n",
	       (unsigned long long)seed, violations, first, program_invocation_name, (unsigned long long)seed,
	       wrong_name(options.wrong));
	fflush(stdout);
}

static void play(struct job *job, unsigned nth)
{
	for (uint64_t i = nth; i < options.seeds; i += options.jobs) {
		struct px_buf first = PX_BUF_INIT;
		job->seed = options.from + i;
		unsigned violations = town_play(job->seed, options.wrong, options.trace, &first);
		if (violations > 0 && job->violated++ == 0) {
			job->caught = job->seed;
			px_strlcpy(job->first, px_buf_str(&first), sizeof(job->first));
		}
		if (violations > 0 && options.wrong == WRONG_NONE)
			show(job->seed, violations, px_buf_str(&first));
		px_buf_free(&first);
		job->played++;
		if (options.wrong != WRONG_NONE && violations > 0)
			return;
	}
}

static void parse(int argc, char **argv)
{
	static const struct option longs[] = {{"seeds", 1, NULL, 's'}, {"from", 1, NULL, 'f'},
					      {"jobs", 1, NULL, 'j'},  {"wrong", 1, NULL, 'w'},
					      {"trace", 0, NULL, 't'}, {0}};
	int c, wrong = 0;
	uint64_t jobs = 1;
	bool good = true;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 's': good &= px_parse_u64(optarg, 1, 1u << 30, &options.seeds) == PX_OK; break;
		case 'f': good &= px_parse_u64(optarg, 0, UINT64_MAX / 2, &options.from) == PX_OK; break;
		case 'j': good &= px_parse_u64(optarg, 1, 64, &jobs) == PX_OK; break;
		case 'w': wrong = wrong_parse(optarg); break;
		case 't': options.trace = true; break;
		default: good = false;
		}
	}
	if (!good || wrong < 0 || optind != argc) {
		fprintf(
		    stderr,
		    "usage: simulate [--seeds N] [--from SEED] [--jobs N] [--wrong NAME] [--trace]\nwrong:");
		for (int i = 0; i < WRONG_COUNT; i++)
			fprintf(stderr, " %s", wrong_name((enum wrong)i));
		fprintf(stderr, "\n");
		exit(2);
	}
	options.wrong = (enum wrong)wrong;
	options.jobs = options.trace ? 1 : (unsigned)jobs;
}

static uint64_t sum(const struct job *jobs, uint64_t violated_only)
{
	uint64_t total = 0;
	for (unsigned i = 0; i < options.jobs; i++)
		total += violated_only ? jobs[i].violated : jobs[i].played;
	return total;
}

static uint64_t wait_for_all(struct job *jobs)
{
	uint64_t died = 0;
	int64_t shown = px_clock_mono(px_clock_real());
	for (unsigned left = options.jobs; left > 0;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid > 0) {
			left--;
			died += status != 0;
		} else {
			struct timespec pause = {0, 20000000};
			nanosleep(&pause, NULL);
		}
		if (px_clock_mono(px_clock_real()) - shown >= 10000) {
			shown = px_clock_mono(px_clock_real());
			printf("simulate: %llu of %llu\n", (unsigned long long)sum(jobs, false),
			       (unsigned long long)options.seeds);
			fflush(stdout);
		}
	}
	return died;
}

static int report(const struct job *jobs, uint64_t died, double took)
{
	uint64_t violated = sum(jobs, true) + died;
	for (unsigned i = 0; i < options.jobs && died > 0; i++) {
		if (jobs[i].played < (options.seeds + options.jobs - 1 - i) / options.jobs)
			show(jobs[i].seed, 1, "the process died");
	}
	if (options.wrong != WRONG_NONE) {
		for (unsigned i = 0; i < options.jobs; i++) {
			if (jobs[i].violated > 0)
				printf("%s: caught by seed %llu: %s\n", wrong_name(options.wrong),
				       (unsigned long long)jobs[i].caught, jobs[i].first);
		}
		printf("%s: %s\n", wrong_name(options.wrong), violated > 0 ? "caught" : "NOT CAUGHT");
		return violated > 0 ? 0 : 1;
	}
	printf("simulate: %.0f seeds a second\n", (double)sum(jobs, false) / (took > 0.001 ? took : 0.001));
	printf("simulate: seeds=%llu violations=%llu\n", (unsigned long long)sum(jobs, false),
	       (unsigned long long)violated);
	return violated > 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* What brokers say in bad weather is no news; a seed that breaks a promise is played again with
	 * --trace. */
	px_log_init("simulate", options.trace ? STDOUT_FILENO : open("/dev/null", O_WRONLY | O_CLOEXEC),
		    options.trace ? PX_LOG_DEBUG : PX_LOG_ERR);
	size_t size = options.jobs * sizeof(struct job);
	struct job *jobs = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	px_assert(jobs != MAP_FAILED);
	int64_t started = px_clock_mono(px_clock_real());
	for (unsigned i = 0; i < options.jobs; i++) {
		pid_t pid = fork();
		px_assert(pid >= 0);
		if (pid == 0) {
			play(&jobs[i], i);
			exit(0);
		}
	}
	uint64_t died = wait_for_all(jobs);
	int status = report(jobs, died, (double)(px_clock_mono(px_clock_real()) - started) / 1000.0);
	munmap(jobs, size);
	return status;
}
