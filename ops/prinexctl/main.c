/* prinex: prinexctl: from the command line to what is printed
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "prinexctl.h"

#include <unistd.h>

#include "base/strings.h"
#include "ctl/argv.h"

#define SOCKET_DEFAULT "/run/prinex/control.sock"
#define FOLLOW_MS      1000

/* How each result is shown. */
static show_fn *const shows[PX_CTL_COMMANDS] = {
    [PX_CTL_STATUS] = show_status,
    [PX_CTL_PARTNERS] = show_partners,
    [PX_CTL_PARTNER] = show_partner,
    [PX_CTL_MESSAGES] = show_messages,
    [PX_CTL_MESSAGE] = show_message,
    [PX_CTL_TRACE] = show_trace,
    [PX_CTL_ROUTE_EXPLAIN] = show_route,
    [PX_CTL_QUEUE] = show_queue,
    [PX_CTL_PAUSE] = show_told,
    [PX_CTL_RESUME] = show_told,
    [PX_CTL_PROBE] = show_told,
    [PX_CTL_RETRY] = show_told,
    [PX_CTL_CANCEL] = show_told,
    [PX_CTL_QUARANTINE] = show_quarantine,
    [PX_CTL_QUARANTINE_RELEASE] = show_told,
    [PX_CTL_ACKNOWLEDGE] = show_told,
    [PX_CTL_CERTIFICATES] = show_certificates,
    [PX_CTL_CATALOGUE] = show_catalogue,
    [PX_CTL_ALARMS] = show_alarms,
    [PX_CTL_CONFIG_CHECK] = show_check,
    [PX_CTL_CONFIG_DIFF] = show_diff,
    [PX_CTL_CONFIG_DUMP] = show_text,
    [PX_CTL_RELOAD] = show_reload,
    [PX_CTL_LOG] = show_log,
    [PX_CTL_JOURNAL_TAIL] = show_journal,
    [PX_CTL_JOURNAL_VERIFY] = show_journal_verify,
    [PX_CTL_VERIFY] = show_verify,
    [PX_CTL_METRICS] = show_text,
    [PX_CTL_BACKUP] = show_backup,
    [PX_CTL_DRAIN] = show_drain,
    [PX_CTL_STOP] = show_stop,
};

/* What the program itself takes, wherever it stands on the line. */
struct settings {
	const char *socket;
	bool json, help, version;
};

/* --- printing
 * ------------------------------------------------------------------------------------------------ */

static enum px_ctl_exit usage_error(const struct px_buf *why)
{
	fprintf(stderr, "prinexctl: %s\n", px_buf_str(why));
	return PX_CTL_EXIT_USAGE;
}

static void print_result(const struct px_ctl_command *command, const struct settings *set,
			 const json_t *result)
{
	if (set->json) {
		json_dumpf(result, stdout, JSON_INDENT(2));
		printf("\n");
	} else {
		shows[command->id](result);
	}
	fflush(stdout);
}

/* Checks say ok: false when they found something. */
static enum px_ctl_exit verdict(const json_t *result)
{
	return json_is_false(json_object_get(result, "ok")) ? PX_CTL_EXIT_NO : PX_CTL_EXIT_OK;
}

/* --- commands that are more than one request
 * ----------------------------------------------------------------- */

static enum px_ctl_exit run_all(struct rpc *rpc, const struct px_ctl_line *line, const struct settings *set)
{
	for (;;) {
		json_t *result;
		enum px_ctl_exit rc = rpc_call(rpc, line->command->method, line->params, &result);
		if (rc != PX_CTL_EXIT_OK)
			return rc;
		json_t *next = json_incref(json_object_get(result, "next"));
		bool more = json_is_integer(next);
		if (more)
			json_object_set_new(result, "next", json_null());
		print_result(line->command, set, result);
		json_decref(result);
		if (!more) {
			json_decref(next);
			return PX_CTL_EXIT_OK;
		}
		json_object_set_new(line->params, "from", next);
	}
}

static enum px_ctl_exit run_follow(struct rpc *rpc, const struct px_ctl_line *line,
				   const struct settings *set)
{
	for (;;) {
		json_t *result;
		enum px_ctl_exit rc = rpc_call(rpc, line->command->method, line->params, &result);
		if (rc != PX_CTL_EXIT_OK)
			return rc;
		const json_t *entries = json_object_get(result, "entries");
		size_t n = json_array_size(entries);
		if (n > 0) {
			int64_t last = int_of(json_array_get(entries, n - 1), "seq");
			print_result(line->command, set, result);
			json_object_set_new(line->params, "from", json_integer(last + 1));
			json_object_set_new(line->params, "limit", json_integer(PX_CTL_COUNT_MAX));
		}
		json_decref(result);
		if (ferror(stdout))
			return PX_CTL_EXIT_OK;
		if (n < PX_CTL_COUNT_MAX)
			usleep(FOLLOW_MS * 1000);
	}
}

/* --- running
 * ------------------------------------------------------------------------------------------------- */

static bool shows_progress(const struct px_ctl_command *command)
{
	bool knows = false;
	for (unsigned i = 0; i < command->n_args; i++)
		knows = knows || strcmp(command->args[i].name, "progress") == 0;
	return knows && isatty(STDERR_FILENO);
}

static enum px_ctl_exit run_once(struct rpc *rpc, const struct px_ctl_line *line, const struct settings *set)
{
	json_t *result;
	if (shows_progress(line->command))
		json_object_set_new(line->params, "progress", json_true());
	enum px_ctl_exit rc = line->command->id == PX_CTL_ROUTE_EXPLAIN
				  ? run_route_explain(rpc, line, &result)
				  : rpc_call(rpc, line->command->method, line->params, &result);
	if (rc != PX_CTL_EXIT_OK)
		return rc;
	print_result(line->command, set, result);
	rc = verdict(result);
	json_decref(result);
	return rc;
}

static enum px_ctl_exit run_remote(const struct px_ctl_line *line, const struct settings *set)
{
	struct rpc rpc;
	enum px_ctl_exit rc = rpc_open(&rpc, set->socket);
	if (rc != PX_CTL_EXIT_OK)
		return rc;
	if (line->command->id == PX_CTL_BODY && !set->json)
		rc = run_body(&rpc, line);
	else if (line->command->id == PX_CTL_LETTER)
		rc = run_letter(&rpc, line);
	else if (bool_of(line->client, "all"))
		rc = run_all(&rpc, line, set);
	else if (bool_of(line->client, "follow"))
		rc = run_follow(&rpc, line, set);
	else
		rc = run_once(&rpc, line, set);
	rpc_close(&rpc);
	return rc;
}

static enum px_ctl_exit put_text(struct px_buf *text)
{
	fputs(px_buf_str(text), stdout);
	px_buf_free(text);
	return PX_CTL_EXIT_OK;
}

/* help and completion need no daemon. */
static enum px_ctl_exit run_local(const struct px_ctl_line *line)
{
	struct px_buf text = PX_BUF_INIT;
	const char *name = json_string_value(json_object_get(line->params, "command"));
	if (line->command->id == PX_CTL_OFFICES_IMPORT)
		return run_offices_import(line);
	if (line->command->id == PX_CTL_COMPLETION)
		px_help_completion(&text);
	else if (bool_of(line->client, "markdown"))
		px_help_markdown(&text);
	else if (bool_of(line->client, "man"))
		px_help_man(&text);
	else if (name != NULL)
		px_help_command(px_ctl_by_name(name), &text);
	else
		px_help_overview(&text);
	return put_text(&text);
}

static enum px_ctl_exit run_help(unsigned argc, const char *const *argv)
{
	struct px_ctl_line line;
	struct px_buf text = PX_BUF_INIT;
	const struct px_ctl_command *command = NULL;
	if (argc > 0 && px_ctl_line_parse(argc, argv, &line, &text) != PX_OK)
		px_buf_clear(&text); /* an incomplete line is just when help is wanted */
	if (argc > 0) {
		command = line.command;
		px_ctl_line_free(&line);
	}
	if (command != NULL)
		px_help_command(command, &text);
	else if (argc == 0 || !px_help_group(argv[0], &text))
		px_help_overview(&text);
	return put_text(&text);
}

/* --- hints that need the daemon
 * ------------------------------------------------------------------------------ */

static bool takes_partner(const struct px_ctl_command *command)
{
	for (unsigned i = 0; command != NULL && i < command->n_args; i++) {
		if (command->args[i].kind == PX_CTL_KIND_NAME)
			return true;
	}
	return false;
}

static void list_partners(const json_t *result, const char *authority, struct px_buf *out)
{
	const json_t *p;
	size_t i;
	json_array_foreach(json_object_get(result, "partners"), i, p)
	{
		if (strcmp(text_of(p, "authority"), authority) == 0)
			px_buf_addf(out, "%s%s", out->len > 0 ? ", " : "", text_of(p, "name"));
	}
}

/* `queue UA`: an authority was named where one of its partners is wanted. */
static void hint_partners(unsigned argc, const char *const *argv, const struct px_ctl_line *line,
			  const struct settings *set)
{
	const char *authority = NULL;
	for (unsigned i = 1; i < argc && takes_partner(line->command); i++)
		authority = px_is_authority(argv[i]) ? argv[i] : authority;
	struct rpc rpc;
	json_t *none = json_object(), *result = NULL;
	struct px_buf names = PX_BUF_INIT;
	if (authority != NULL && rpc_open(&rpc, set->socket) == PX_CTL_EXIT_OK) {
		if (rpc_call(&rpc, "partners", none, &result) == PX_CTL_EXIT_OK)
			list_partners(result, authority, &names);
		rpc_close(&rpc);
	}
	if (result != NULL)
		fprintf(stderr, "prinexctl: %s is an authority; its partners here: %s\n", authority,
			names.len > 0 ? px_buf_str(&names) : "none");
	px_buf_free(&names);
	json_decref(result);
	json_decref(none);
}

/* Take the program's own options out of the line. @return words left, or -1 with @why. */
static int take_settings(int argc, char **argv, const char **rest, struct settings *set, struct px_buf *why)
{
	int n = 0;
	bool ours = true;
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		if (ours && strcmp(word, "--") == 0)
			ours = false;
		if (!ours) {
			rest[n++] = word;
		} else if (strcmp(word, "--json") == 0) {
			set->json = true;
		} else if (strcmp(word, "--version") == 0) {
			set->version = true;
		} else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
			set->help = true;
		} else if (px_str_starts(word, "--socket=")) {
			set->socket = word + strlen("--socket=");
		} else if (strcmp(word, "--socket") == 0) {
			if (++i == argc) {
				px_buf_setf(why, "--socket needs the name of a file");
				return -1;
			}
			set->socket = argv[i];
		} else {
			rest[n++] = word;
		}
	}
	return n;
}

static enum px_ctl_exit run_line(unsigned argc, const char *const *argv, const struct settings *set)
{
	struct px_ctl_line line;
	struct px_buf why = PX_BUF_INIT, group = PX_BUF_INIT;
	enum px_ctl_exit rc;
	if (px_ctl_line_parse(argc, argv, &line, &why) != PX_OK) {
		rc = argc == 2 && strcmp(argv[0], "help") == 0 && px_help_group(argv[1], &group)
			 ? put_text(&group)
			 : usage_error(&why);
		if (rc == PX_CTL_EXIT_USAGE)
			hint_partners(argc, argv, &line, set);
	} else if (line.command->id == PX_CTL_TOP)
		rc = run_top(set->socket, line.client);
	else if (line.command->id == PX_CTL_LETTER)
		rc = run_remote(&line, set);
	else if (line.command->id == PX_CTL_HELP || line.command->privilege == PX_CTL_LOCAL)
		rc = run_local(&line);
	else
		rc = run_remote(&line, set);
	px_ctl_line_free(&line);
	px_buf_free(&why);
	return rc;
}

int main(int argc, char **argv)
{
	const char *env = getenv("PRINEX_SOCKET");
	struct settings set = {.socket = env != NULL && *env != '\0' ? env : SOCKET_DEFAULT};
	const char **rest = px_xcalloc((size_t)argc + 1, sizeof(*rest));
	struct px_buf why = PX_BUF_INIT;
	enum px_ctl_exit rc = PX_CTL_EXIT_OK;
	int n = take_settings(argc, argv, rest, &set, &why);
	screen_init();
	if (n < 0)
		rc = usage_error(&why);
	else if (set.version)
		printf("prinexctl %s\n", PX_VERSION);
	else if (set.help)
		rc = run_help((unsigned)n, rest);
	else
		rc = run_line((unsigned)n, rest, &set);
	px_buf_free(&why);
	free(rest);
	if (fflush(stdout) != 0 && rc == PX_CTL_EXIT_OK)
		rc = PX_CTL_EXIT_NO;
	return (int)rc;
}
