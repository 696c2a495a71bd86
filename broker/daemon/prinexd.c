/* prinex: the daemon's entry: options and roles
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <errno.h>
#include <getopt.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"
#include "conf/catalogue.h"
#include "daemon/daemon.h"
#include "daemon/reference.h"
#include "inspect/pool.h"
#include "xml/examine.h"

#define DEFAULT_CONF "/etc/prinex/prinex.conf"

static const char usage_text[] =
    "usage: prinexd [-c FILE] [--allow-root]     run the broker in the foreground\n"
    "       prinexd -t [-c FILE]                 check the configuration and all it points at\n"
    "       prinexd -T [-c FILE]                 print the configuration in force, defaults included\n"
    "       prinexd --restore FOLDER [-c FILE]   put a backup in the place of the store (daemon stopped)\n"
    "       prinexd --repair [-c FILE]           make the store's indexes anew (daemon stopped)\n"
    "       prinexd --reference | --errors | --limits | --version | --help\n"
    "\n"
    "  -c, --conf FILE   configuration (default " DEFAULT_CONF ")\n"
    "  -t, --test        check only: every problem with file and line; exit 0 when there is none, else 2\n"
    "  -T, --dump        print what is in force\n"
    "  --allow-root      run although the user is root (containers, demonstrations)\n"
    "  --restore FOLDER  verify the backup, keep the store that is there aside, put the backup in its place\n"
    "  --repair          indexes and counts are made of the records, which are only read; then verify\n"
    "  --reference       the reference of all options (Markdown)\n"
    "  --errors          the reference of all codes (Markdown)\n"
    "  --limits          the table of limits (Markdown)\n"
    "\n"
    "Signals: SIGTERM and SIGINT end it after the work in progress, SIGHUP loads the configuration anew.\n"
    "Exit: 0 ended as told, 1 ended by a fault, 2 usage or configuration.\n";

enum {
	OPT_ROLE = 256,
	OPT_FD,
	OPT_BODY_LIMIT,
	OPT_ALLOW_ROOT,
	OPT_RESTORE,
	OPT_REPAIR,
	OPT_REFERENCE,
	OPT_ERRORS,
	OPT_LIMITS,
	OPT_VERSION
};

static const struct option long_options[] = {
    {"conf", required_argument, NULL, 'c'},
    {"test", no_argument, NULL, 't'},
    {"dump", no_argument, NULL, 'T'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPT_VERSION},
    {"allow-root", no_argument, NULL, OPT_ALLOW_ROOT},
    {"restore", required_argument, NULL, OPT_RESTORE},
    {"repair", no_argument, NULL, OPT_REPAIR},
    {"reference", no_argument, NULL, OPT_REFERENCE},
    {"errors", no_argument, NULL, OPT_ERRORS},
    {"limits", no_argument, NULL, OPT_LIMITS},
    /* Roles are for prinexd itself. */
    {"role", required_argument, NULL, OPT_ROLE},
    {"fd", required_argument, NULL, OPT_FD},
    {"body-limit", required_argument, NULL, OPT_BODY_LIMIT},
    {NULL, 0, NULL, 0},
};

static int print(struct px_buf *text)
{
	fputs(px_buf_str(text), stdout);
	px_buf_free(text);
	return fflush(stdout) == 0 ? PX_EXIT_OK : PX_EXIT_FAILED;
}

static int print_reference(void (*write)(struct px_buf *out))
{
	struct px_buf text = PX_BUF_INIT;
	write(&text);
	return print(&text);
}

/* Prints all problems. @return PX_EXIT_CONF when one of them is an error; warnings let it pass. */
static int report(struct px_problems *problems)
{
	struct px_buf text = PX_BUF_INIT;
	int status = px_problems_errors(problems) > 0 ? PX_EXIT_CONF : PX_EXIT_OK;
	px_problems_print(problems, &text);
	fputs(px_buf_str(&text), stderr);
	px_buf_free(&text);
	px_problems_free(problems);
	return status;
}

/* Compile what the catalogue names, as the inspectors' parent will. */
static void check_schemas(const struct px_conf *conf, const struct px_catalogue *cat,
			  struct px_problems *problems)
{
	struct px_buf why = PX_BUF_INIT;
	struct px_examiner *ex = NULL;
	px_xml_init();
	if (px_examiner_new(conf, cat, &ex, &why) != PX_OK)
		px_problems_add(problems, conf->file, 0, "%s", px_buf_str(&why));
	px_examiner_free(&ex);
	px_buf_free(&why);
}

static int test_conf(const char *file)
{
	struct px_problems problems = {0};
	struct px_conf *conf = NULL;
	struct px_catalogue *cat = NULL;
	if (px_conf_load(file, &conf, &problems) != PX_OK)
		return report(&problems);
	px_conf_check(conf, &problems);
	if (px_catalogue_load(conf, &cat, &problems) == PX_OK)
		check_schemas(conf, cat, &problems);
	unsigned types = cat != NULL ? cat->n_types : 0;
	unsigned partners = conf->n_partners;
	px_catalogue_free(&cat);
	px_conf_free(&conf);
	if (report(&problems) != PX_EXIT_OK)
		return PX_EXIT_CONF;
	printf("%s: ok, %u partners, %u message types\n", file, partners, types);
	return PX_EXIT_OK;
}

static int dump_conf(const char *file)
{
	struct px_problems problems = {0};
	struct px_conf *conf = NULL;
	if (px_conf_load(file, &conf, &problems) != PX_OK)
		return report(&problems);
	struct px_buf text = PX_BUF_INIT;
	px_conf_dump(conf, &text);
	px_conf_free(&conf);
	return print(&text);
}

static int usage(void)
{
	fputs(usage_text, stderr);
	return PX_EXIT_CONF;
}

static int number(const char *text, uint64_t max, uint64_t *out)
{
	if (px_parse_u64(text, 0, max, out) == PX_OK)
		return 0;
	fprintf(stderr, "prinexd: not a number: %s\n", text);
	return -1;
}

/* What root makes the daemon's user cannot write. */
static bool is_unwanted_root(const struct px_options *o)
{
	if (geteuid() != 0 || o->allow_root)
		return false;
	fputs("prinexd: refuses to run as root: start it as a user of its own, or "
	      "with --allow-root\n",
	      stderr);
	return true;
}

static int run(const struct px_options *o)
{
	if (strcmp(o->role, "inspect") == 0)
		return px_inspect_main(o->conf_file, o->fd, o->body_limit);
	if (is_unwanted_root(o))
		return PX_EXIT_CONF;
	if (strcmp(o->role, "broker") == 0)
		return px_broker_run(o);
	return px_supervise(o, NULL);
}

static int run_offline(const struct px_options *o, const char *backup)
{
	if (is_unwanted_root(o))
		return PX_EXIT_CONF;
	return backup != NULL ? px_offline_restore(o->conf_file, backup) : px_offline_repair(o->conf_file);
}

int main(int argc, char **argv)
{
	struct px_options o = {.program = argv[0], .conf_file = DEFAULT_CONF, .role = "", .fd = -1};
	const char *backup = NULL;
	char mode = 'r';
	uint64_t n = 0;
	int c;
	while ((c = getopt_long(argc, argv, "c:tTh", long_options, NULL)) != -1) {
		switch (c) {
		case 'c': o.conf_file = optarg; break;
		case 't':
		case 'T': mode = (char)c; break;
		case 'h': fputs(usage_text, stdout); return PX_EXIT_OK;
		case OPT_VERSION: printf("prinexd %s\n", PX_VERSION); return PX_EXIT_OK;
		case OPT_ALLOW_ROOT: o.allow_root = true; break;
		case OPT_RESTORE:
			mode = 'b';
			backup = optarg;
			break;
		case OPT_REPAIR: mode = 'i'; break;
		case OPT_REFERENCE: return print_reference(px_conf_reference);
		case OPT_ERRORS: return print_reference(px_reference_errors);
		case OPT_LIMITS: return print_reference(px_reference_limits);
		case OPT_ROLE: o.role = optarg; break;
		case OPT_FD:
			if (number(optarg, 1 << 20, &n) != 0)
				return usage();
			o.fd = (int)n;
			break;
		case OPT_BODY_LIMIT:
			if (number(optarg, (uint64_t)PX_LIMIT_BODY_MAX, &o.body_limit) != 0)
				return usage();
			break;
		default: return usage();
		}
	}
	if (optind < argc) {
		fprintf(
		    stderr,
		    "prinexd: unexpected argument: %s (the configuration is named by -c: prinexd %s-c %s)\n",
		    argv[optind],
		    mode == 't'   ? "-t "
		    : mode == 'T' ? "-T "
				  : "",
		    argv[optind]);
		return PX_EXIT_CONF;
	}
	if (mode == 'b' || mode == 'i')
		return run_offline(&o, backup);
	if (mode == 't')
		return test_conf(o.conf_file);
	return mode == 'T' ? dump_conf(o.conf_file) : run(&o);
}
