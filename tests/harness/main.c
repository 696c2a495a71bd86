/* prinex: prinex-conform: plays scenarios against brokers of its own, a virtual clock, or a partner's system
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <arpa/inet.h>
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

static void parse_target(struct px_venue *s)
{
	struct in_addr ignored;
	const char *at = s->target + strlen("https://");
	if (!px_str_starts(s->target, "https://"))
		give_up("--target %s: expected https://ADDRESS:PORT", s->target);
	const char *colon = strchr(at, ':');
	uint64_t port = 0;
	char digits[8] = "";
	if (colon != NULL)
		px_strlcpy_n(digits, colon + 1, strcspn(colon + 1, "/"), sizeof(digits));
	if (colon == NULL ||
	    !px_strlcpy_n(s->target_address, at, (size_t)(colon - at), sizeof(s->target_address)) ||
	    px_parse_u64(digits, 1, 65535, &port) != PX_OK)
		give_up("--target %s: expected https://ADDRESS:PORT", s->target);
	if (strcmp(s->target_address, "localhost") == 0)
		px_strlcpy(s->target_address, "127.0.0.1", sizeof(s->target_address));
	if (inet_pton(AF_INET, s->target_address, &ignored) != 1)
		give_up("--target %s: expected an IPv4 address", s->target);
	s->target_port = (unsigned)port;
}

static int ask(const struct px_venue *s, const char *path, struct px_wire_reply *reply, struct px_buf *why)
{
	struct px_wire *w = NULL;
	struct px_buf files[3] = {PX_BUF_INIT, PX_BUF_INIT, PX_BUF_INIT};
	const char *folder = px_role_name(s->tester_role);
	px_buf_addf(&files[0], "%s/%s/%s/tls.pem", s->certs, s->tester, folder);
	px_buf_addf(&files[1], "%s/%s/%s/tls.key", s->certs, s->tester, folder);
	px_buf_addf(&files[2], "%s/%s/tls-ca.pem", s->certs, s->authority);
	struct px_wire_dial dial = {
	    .address = s->target_address,
	    .port = s->target_port,
	    .tls = {.cert = px_buf_str(&files[0]),
		    .key = px_buf_str(&files[1]),
		    .anchors = px_buf_str(&files[2]),
		    .min = TLS1_2_VERSION,
		    .max = TLS1_3_VERSION},
	};
	int rc = px_wire_open(&dial, &w, why);
	if (rc == PX_OK)
		rc = px_wire_request(w, path, NULL, NULL, 0, 30000, reply, why);
	px_wire_close(&w);
	for (unsigned i = 0; i < 3; i++)
		px_buf_free(&files[i]);
	return rc;
}

/* Who it is; and never a live system. */
static void meet_target(struct px_venue *s)
{
	struct px_buf why = PX_BUF_INIT, name = PX_BUF_INIT;
	struct px_wire_reply reply = {0};
	if (ask(s, "/v1/ping", &reply, &why) != PX_OK)
		give_up("%s: /v1/ping is not answered: %s", s->target, px_buf_str(&why));
	px_buf_add(&s->node, reply.body.data, reply.body.len);
	if (reply.status != 200 || px_xpath(&reply.body, "Environment", &name) != PX_OK)
		give_up("%s: /v1/ping does not say which environment it is: %d %s", s->target, reply.status,
			px_buf_str(&reply.body));
	if (strcmp(px_buf_str(&name), "production") == 0)
		give_up("%s is a production system. Certification never runs against one.", s->target);
	px_strlcpy(s->environment, px_buf_str(&name), sizeof(s->environment));
	px_wire_reply_free(&reply);
	if (ask(s, "/v1/inbox?wait=0", &reply, &why) == PX_OK)
		s->pull = reply.status == 204 || reply.status == 200;
	px_wire_reply_free(&reply);
	px_buf_free(&why);
	px_buf_free(&name);
}

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
	parse_target(s);
	meet_target(s);
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
	char now[32];
	const struct px_venue *s = &run->venue;
	px_time_format(px_clock_wall(px_clock_real()) / 1000 * 1000, now, sizeof(now));
	json_t *about = json_pack("{s:s, s:s}", "Made", now, "Tool", "prinex-conform " PX_VERSION);
	if (s->profile != 0) {
		json_object_set_new(about, "Target",
				    json_string(s->target != NULL ? s->target : "(sends by command)"));
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
	px_buf_free(&v->peer_id);
}

static int command_run(const struct arguments *a)
{
	struct px_run run = {
	    .jobs = number(a, OPT_JOBS, (unsigned)PX_MAX(sysconf(_SC_NPROCESSORS_ONLN), 1), 256),
	    .keep = a->value[OPT_KEEP] != NULL,
	    .limit_ms = 180000};
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
		return px_help(argc > 2 ? argc - 2 : 0, argv + 2) ? STATUS_PASSED : STATUS_USAGE;
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
