/* prinex: prinex-conform: plays scenarios against brokers of its own, a virtual clock, or a partner's system
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <dirent.h>
#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/strings.h"
#include "client/files.h"
#include "help.h"
#include "report.h"
#include "runner.h"
#include "xml/examine.h"

enum option {
#define PX_OPTION(id, name, letter, argument, help) OPT_##id,
#include "options.def"
	OPTIONS
};
static const struct {
	const char *name;
	char letter;
	const char *argument;
} options[] = {
#define PX_OPTION(id, name, letter, argument, help) {name, letter, argument},
#include "options.def"
};

enum { STATUS_PASSED, STATUS_FAILED, STATUS_USAGE };

struct arguments {
	const char *value[OPTIONS]; /* NULL not given; a flag: "" */
	unsigned n;
	char **paths;
};

static PX_NORETURN void give_up(const char *fmt, ...) PX_PRINTF(1, 2);
static void give_up(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fprintf(stderr, "prinex-conform: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	exit(STATUS_USAGE);
}

/* --- the command line --- */

static enum option option_of(const char *word, const char **value)
{
	*value = NULL;
	for (enum option o = 0; o < OPTIONS; o++) {
		size_t n = strlen(options[o].name);
		if (word[1] == options[o].letter && options[o].letter != 0) {
			*value = word[2] != '\0' ? word + 2 : NULL;
			return o;
		}
		if (word[1] == '-' && strncmp(word + 2, options[o].name, n) == 0 &&
		    (word[2 + n] == '\0' || word[2 + n] == '=')) {
			*value = word[2 + n] == '=' ? word + 3 + n : NULL;
			return o;
		}
	}
	give_up("%s: there is no such option; `prinex-conform help` shows them", word);
}

static void read_arguments(int argc, char **argv, struct arguments *a)
{
	a->paths = px_xcalloc((size_t)argc + 1, sizeof(char *));
	for (int i = 0; i < argc; i++) {
		if (argv[i][0] != '-' || argv[i][1] == '\0') {
			a->paths[a->n++] = argv[i];
			continue;
		}
		const char *value;
		enum option o = option_of(argv[i], &value);
		if (options[o].argument == NULL)
			value = "";
		else if (value == NULL && ++i < argc)
			value = argv[i];
		if (value == NULL)
			give_up("--%s: %s is missing", options[o].name, options[o].argument);
		a->value[o] = value;
	}
}

static const char *given(const struct arguments *a, enum option o, const char *otherwise)
{
	return a->value[o] != NULL ? a->value[o] : otherwise;
}

static unsigned number(const struct arguments *a, enum option o, unsigned otherwise, unsigned max)
{
	uint64_t n = otherwise;
	if (a->value[o] != NULL && px_parse_u64(a->value[o], 1, max, &n) != PX_OK)
		give_up("--%s %s: expected a number from 1 to %u", options[o].name, a->value[o], max);
	return (unsigned)n;
}

static char *absolute(const char *path)
{
	char *full = realpath(path, NULL);
	if (full == NULL)
		give_up("%s: there is none", path);
	return full;
}

/* --- where things are --- */

static void find_places(struct px_venue *s)
{
	char exe[4096];
	struct px_buf path = PX_BUF_INIT;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	const char *folder = dirname(exe);
	s->bin = px_xstrdup(folder);
	for (unsigned up = 0; up < 4 && s->root == NULL; up++) {
		px_buf_setf(&path, "%s/schemas/catalogue", folder);
		if (access(px_buf_str(&path), R_OK) == 0)
			s->root = px_xstrdup(folder);
		folder = dirname(exe);
	}
	const char *build = getenv("PX_ROOT"); /* an object folder outside the checkout */
	if (s->root == NULL)
		s->root = px_xstrdup(build != NULL                            ? build
				     : access("schemas/catalogue", R_OK) == 0 ? "."
									      : PX_DATADIR);
	char *full = realpath(s->root, NULL);
	if (full != NULL) {
		free(s->root);
		s->root = full;
	}
	px_buf_setf(&path, "%s/prinexd", s->bin);
	if (access(px_buf_str(&path), X_OK) != 0) { /* installed: bin and sbin */
		px_buf_setf(&path, "%s/../sbin", s->bin);
		free(s->bin);
		s->bin = px_xstrdup(px_buf_str(&path));
	}
	px_buf_free(&path);
}

static void make_folder(struct px_run *run)
{
	struct px_buf path = PX_BUF_INIT;
	const char *tmp = getenv("TMPDIR");
	px_buf_addf(&path, "%s/prinex-conform-XXXXXX", tmp != NULL ? tmp : "/tmp");
	run->dir = mkdtemp((char *)path.data);
	if (run->dir == NULL)
		give_up("%s: cannot be made", px_buf_str(&path));
	run->venue.cache = run->dir;
}

/* --- scripts --- */

static int only_scripts(const struct dirent *e)
{
	return px_str_ends(e->d_name, ".scn");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool load(struct px_run *run, const char *path)
{
	struct px_buf why = PX_BUF_INIT;
	struct px_script *script;
	bool good = px_script_load(path, &script, &why) == PX_OK;
	if (!good) {
		fputs(px_buf_str(&why), stderr);
	} else {
		run->scripts = px_xrealloc_array(run->scripts, run->n + 1, sizeof(struct px_script *));
		run->scripts[run->n++] = script;
	}
	px_buf_free(&why);
	return good;
}

static bool load_folder(struct px_run *run, const char *folder)
{
	struct dirent **list;
	int n = scandir(folder, &list, only_scripts, by_name);
	bool good = n > 0;
	if (n <= 0)
		fprintf(stderr, "prinex-conform: %s: no *.scn there\n", folder);
	for (int i = 0; i < n; i++) {
		struct px_buf path = PX_BUF_INIT;
		px_buf_addf(&path, "%s/%s", folder, list[i]->d_name);
		good &= load(run, px_buf_str(&path));
		px_buf_free(&path);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return good;
}

static bool load_all(struct px_run *run, const struct arguments *a)
{
	bool good = true;
	for (unsigned i = 0; i < a->n; i++) {
		struct stat st;
		bool folder = stat(a->paths[i], &st) == 0 && S_ISDIR(st.st_mode);
		good &= folder ? load_folder(run, a->paths[i]) : load(run, a->paths[i]);
	}
	for (unsigned i = 0; i < run->n; i++) {
		for (unsigned k = 0; k < i; k++) {
			if (strcmp(run->scripts[i]->id, run->scripts[k]->id) == 0) {
				fprintf(stderr, "%s:1: case %s is %s as well\n", run->scripts[i]->file,
					run->scripts[i]->id, run->scripts[k]->file);
				good = false;
			}
		}
	}
	return good;
}

/* Cases of another stage than this run's are left out. */
static unsigned keep_fitting(struct px_run *run)
{
	unsigned n = 0, left = 0;
	for (unsigned i = 0; i < run->n; i++) {
		struct px_script *s = run->scripts[i];
		bool fits = run->venue.profile == 0 ? s->profiles == 0
						    : (s->profiles & run->venue.profile) != 0;
		if (fits) {
			run->scripts[n++] = s;
		} else {
			px_script_free(&s);
			left++;
		}
	}
	run->n = n;
	return left;
}

/* --- the target --- */

static void prepare_stage(struct px_venue *s, const struct arguments *a)
{
	const char *profile = given(a, OPT_PROFILE, a->value[OPT_TARGET] != NULL ? "both" : NULL);
	s->verbose = a->value[OPT_VERBOSE] != NULL;
	s->slow = getenv("PX_SANITIZE") != NULL && getenv("PX_SANITIZE")[0] != '\0' ? 4 : 1;
	if (profile == NULL)
		return;
	s->profile = px_profile_parse(profile);
	if (s->profile == 0)
		give_up("--profile %s: expected sender, recipient or both", profile);
	static const enum option needed[] = {OPT_CERTS, OPT_AUTHORITY, OPT_AS, OPT_COUNTERPART};
	for (unsigned i = 0; i < PX_ARRAY_LEN(needed); i++) {
		if (a->value[needed[i]] == NULL)
			give_up("--%s %s is missing", options[needed[i]].name, options[needed[i]].argument);
		if (needed[i] != OPT_CERTS && !px_is_authority(a->value[needed[i]]))
			give_up("--%s %s: no authority's code", options[needed[i]].name, a->value[needed[i]]);
	}
	s->certs = absolute(a->value[OPT_CERTS]);
	s->authority = px_xstrdup(a->value[OPT_AUTHORITY]);
	s->tester = px_xstrdup(a->value[OPT_AS]);
	s->counterpart = px_xstrdup(a->value[OPT_COUNTERPART]);
	s->listen = number(a, OPT_LISTEN, 0, 65535);
	s->tester_role = px_role_parse(given(a, OPT_TESTER_ROLE, "system"));
	if (s->tester_role != PX_ROLE_SYSTEM && s->tester_role != PX_ROLE_NODE)
		give_up("--tester-role %s: expected system or node", a->value[OPT_TESTER_ROLE]);
	s->send_command = a->value[OPT_SEND_COMMAND] != NULL ? px_xstrdup(a->value[OPT_SEND_COMMAND]) : NULL;
	px_strlcpy(s->environment, given(a, OPT_ENVIRONMENT, "test"), sizeof(s->environment));
	if (strcmp(s->environment, "production") == 0)
		give_up("--environment production: certification never runs there");
	if (s->profile != PX_PROFILE_RECIPIENT && s->listen == 0)
		give_up("--listen PORT is missing: a target of profile %s sends to it", profile);
	if (a->value[OPT_TARGET] == NULL && s->profile != PX_PROFILE_SENDER)
		give_up("--target URL is missing");
	if (a->value[OPT_TARGET] == NULL)
		return;
	s->target = px_xstrdup(a->value[OPT_TARGET]);
	struct px_buf why = PX_BUF_INIT;
	if (px_target_meet(s, &why) != PX_OK)
		give_up("%s", px_buf_str(&why));
}

/* --- commands --- */

static void write_report(const char *path, const struct px_buf *text)
{
	struct px_buf why = PX_BUF_INIT;
	if (px_file_put(path, text->data, text->len, &why) != PX_OK)
		give_up("%s", px_buf_str(&why));
}

static json_t *about_run(const struct px_run *run)
{
	char started[32], took[48];
	const struct px_venue *s = &run->venue;
	int64_t now = px_clock_wall(px_clock_real());
	px_time_format(run->started / 1000 * 1000, started, sizeof(started));
	px_duration_format(PX_MAX(now - run->started, 1000), took, sizeof(took));
	json_t *about = json_pack("{s:s, s:s, s:s}", "Started", started, "Took", took, "Tool",
				  "prinex-conform " PX_VERSION);
	if (s->profile != 0) {
		json_object_set_new(about, "Target",
				    json_string(s->target != NULL ? s->target : "(sends by command)"));
		if (s->target != NULL) {
			const char *name = strrchr(s->uri, ':');
			json_object_set_new(about, "Its certificate", json_string(px_buf_str(&s->subject)));
			json_object_set_new(about, "Its identity",
					    json_string(s->uri[0] != '\0' ? s->uri : "(no URI in it)"));
			json_object_set_new(about, "Node",
					    json_string(name != NULL ? name + 1 : "(not named)"));
		}
		json_object_set_new(about, "Authority", json_string(s->authority));
		json_object_set_new(about, "Profile",
				    json_string(s->profile == PX_PROFILE_SENDER      ? "sender"
						: s->profile == PX_PROFILE_RECIPIENT ? "recipient"
										     : "both"));
		json_object_set_new(about, "Environment", json_string(s->environment));
		json_object_set_new(about, "Played by", json_string(s->tester));
		json_object_set_new(about, "Counterpart", json_string(s->counterpart));
	}
	return about;
}

static void venue_free(struct px_venue *v)
{
	free(v->root);
	free(v->bin);
	free(v->target);
	free(v->certs);
	free(v->authority);
	free(v->tester);
	free(v->counterpart);
	free(v->send_command);
	px_buf_free(&v->node);
	px_buf_free(&v->subject);
	px_buf_free(&v->peer_id);
}

static int command_run(const struct arguments *a)
{
	struct px_run run = {
	    .jobs = number(a, OPT_JOBS, (unsigned)PX_MAX(sysconf(_SC_NPROCESSORS_ONLN), 1), 256),
	    .keep = a->value[OPT_KEEP] != NULL,
	    .limit_ms = 180000,
	    .started = px_clock_wall(px_clock_real())};
	if (a->n == 0)
		give_up("run what? Files or folders of *.scn");
	if (a->value[OPT_LIMIT] != NULL && px_time_word(a->value[OPT_LIMIT], &run.limit_ms) != PX_OK)
		give_up("--limit %s: expected a time such as 5min", a->value[OPT_LIMIT]);
	if (!load_all(&run, a))
		return STATUS_USAGE;
	find_places(&run.venue);
	px_xml_init();
	prepare_stage(&run.venue, a);
	unsigned left = keep_fitting(&run);
	if (run.n == 0)
		give_up(run.venue.profile == 0 ? "these files certify a target: --target URL is missing"
					       : "no file is of this profile");
	make_folder(&run);
	printf("1..%u\n", run.n);
	if (left > 0)
		printf("# %u files of another profile or stage are left out\n", left);
	unsigned failed = px_runner_play(&run);
	struct px_buf text = PX_BUF_INIT;
	json_t *about = about_run(&run);
	if (a->value[OPT_JUNIT] != NULL) {
		px_report_junit(run.reports, &text);
		write_report(a->value[OPT_JUNIT], &text);
	}
	px_buf_clear(&text);
	if (a->value[OPT_HTML] != NULL) {
		px_report_html(run.reports, about, &text);
		write_report(a->value[OPT_HTML], &text);
	}
	px_buf_free(&text);
	json_decref(about);
	json_decref(run.reports);
	for (unsigned i = 0; i < run.n; i++)
		px_script_free(&run.scripts[i]);
	free(run.scripts);
	free(run.dir);
	venue_free(&run.venue);
	return failed > 0 ? STATUS_FAILED : STATUS_PASSED;
}

static int command_check(const struct arguments *a)
{
	struct px_run run = {0};
	if (a->n == 0)
		give_up("check what? Files or folders of *.scn");
	bool good = load_all(&run, a);
	if (good)
		printf("%u files can be played\n", run.n);
	for (unsigned i = 0; i < run.n; i++)
		px_script_free(&run.scripts[i]);
	free(run.scripts);
	return good ? STATUS_PASSED : STATUS_USAGE;
}

int main(int argc, char **argv)
{
	struct arguments a = {0};
	const char *command = argc > 1 ? argv[1] : "help";
	setvbuf(stdout, NULL, _IOLBF, 0);
	px_log_set_level(PX_LOG_ERR);
	if (strcmp(command, "help") == 0 || strcmp(command, "--help") == 0)
		return px_help(argc > 2 ? argc - 2 : 0, argv + 2) && argc > 1 ? STATUS_PASSED : STATUS_USAGE;
	read_arguments(argc - 2, argv + 2, &a);
	int status = STATUS_USAGE;
	if (strcmp(command, "run") == 0)
		status = command_run(&a);
	else if (strcmp(command, "check") == 0)
		status = command_check(&a);
	else
		fprintf(stderr, "prinex-conform: %s: expected run, check or help\n", command);
	free(a.paths);
	return status;
}
