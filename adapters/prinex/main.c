/* prinex: the command line client: arguments, settings, command
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <signal.h>

#include "base/log.h"
#include "base/strings.h"
#include "conf/table.h"
#include "prinex/prinex.h"

static const struct px_command commands[] = {
#define PX_COMMAND(function, which, word, takes, least, most, about, long_text) \
	{.name = (word),                                                        \
	 .bit = (which),                                                        \
	 .arguments = (takes),                                                  \
	 .min = (least),                                                        \
	 .max = (most),                                                         \
	 .summary = (about),                                                    \
	 .text = (long_text),                                                   \
	 .run = px_cmd_##function},
#include "prinex/commands.def"
#undef PX_COMMAND
};

const struct px_command *px_commands(unsigned *n)
{
	*n = PX_ARRAY_LEN(commands);
	return commands;
}

int px_complain(int status, const char *fmt, ...)
{
	struct px_buf text = PX_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	fprintf(stderr, "prinex: %s\n", px_buf_str(&text));
	px_buf_free(&text);
	return status;
}

/* --- arguments --- */

struct parsed {
	const struct px_command *command;
	const char *conf;
	bool help;
	void (*page)(struct px_buf *out); /* --markdown, --man */
	unsigned n_given, n_args;
	struct px_given *given;
	char **args;
	unsigned *rows; /* of given, for the check against the command */
};

static const struct px_command *find_command(const char *name)
{
	for (size_t i = 0; i < PX_ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static const char *nearest_command(const char *name)
{
	const char *names[PX_ARRAY_LEN(commands)];
	for (size_t i = 0; i < PX_ARRAY_LEN(commands); i++)
		names[i] = commands[i].name;
	return px_nearest(name, names, PX_ARRAY_LEN(names));
}

static int no_command(const char *word)
{
	const char *guess = nearest_command(word);
	return px_complain(PX_EXIT_USAGE, "%s: no such command%s%s%s", word,
			   guess != NULL ? "; did you mean " : " (prinex help lists them)",
			   guess != NULL ? guess : "", guess != NULL ? "?" : "");
}

/* Whether the command takes @name=VALUE: its help says so. */
static bool is_key(const struct px_command *command, const char *name)
{
	struct px_buf word = PX_BUF_INIT;
	px_buf_addf(&word, "%s=", name);
	bool found = command != NULL && strstr(command->arguments, "KEY=VALUE") != NULL &&
		     strstr(command->text, px_buf_str(&word)) != NULL;
	px_buf_free(&word);
	return found;
}

static int unknown_option(const struct px_command *command, const char *name)
{
	unsigned n;
	if (is_key(command, name))
		return px_complain(PX_EXIT_USAGE, "--%s: no such option; %s takes %s=VALUE, without dashes",
				   name, command->name, name);
	const struct px_setting *table = px_settings_table(&n);
	const char **names = px_xcalloc(n + 1, sizeof(*names));
	for (unsigned i = 0; i < n; i++)
		names[i] = table[i].name;
	const char *guess = px_nearest(name, names, n);
	free(names);
	return px_complain(PX_EXIT_USAGE, "--%s: no such option%s%s%s", name,
			   guess != NULL ? "; did you mean --" : "", guess != NULL ? guess : "",
			   guess != NULL ? "?" : "");
}

static void give(struct parsed *p, unsigned row, const char *name, const char *value)
{
	p->given[p->n_given] = (struct px_given){name, value};
	p->rows[p->n_given++] = row;
}

/* One option at argv[*i]; *i is left at its last word. */
static int parse_option(struct parsed *p, char **argv, int argc, int *i)
{
	unsigned n, row = 0;
	const struct px_setting *table = px_settings_table(&n);
	char name[64];
	const char *text = argv[*i] + 2, *eq = strchr(text, '=');
	px_strlcpy_n(name, text, eq != NULL ? (size_t)(eq - text) : strlen(text), sizeof(name));
	bool is_conf = strcmp(name, "conf") == 0;
	while (row < n && strcmp(table[row].name, name) != 0)
		row++;
	if (row == n && !is_conf)
		return unknown_option(p->command, name);
	const char *argument = is_conf ? "FILE" : table[row].argument;
	if (argument == NULL && eq != NULL)
		return px_complain(PX_EXIT_USAGE, "--%s takes no value", name);
	if (argument == NULL) {
		give(p, row, table[row].name, "true");
		return PX_EXIT_OK;
	}
	bool two = strchr(argument, ' ') != NULL;
	int words = (eq == NULL) + two;
	if (*i + words >= argc)
		return px_complain(PX_EXIT_USAGE, "--%s needs %s", name, argument);
	const char *value = eq != NULL ? eq + 1 : argv[++*i];
	if (is_conf)
		p->conf = value;
	else
		give(p, row, table[row].name, value);
	if (two)
		give(p, row, table[row].name, argv[++*i]);
	return PX_EXIT_OK;
}

static int parse_word(struct parsed *p, char *word)
{
	if (p->command != NULL) {
		p->args[p->n_args++] = word;
		return PX_EXIT_OK;
	}
	p->command = find_command(word);
	if (p->command != NULL)
		return PX_EXIT_OK;
	return no_command(word);
}

static int parse_arguments(struct parsed *p, int argc, char **argv)
{
	int rc = PX_EXIT_OK;
	bool words_only = false;
	for (int i = 1; i < argc && rc == PX_EXIT_OK; i++) {
		const char *a = argv[i];
		if (words_only || a[0] != '-' || strcmp(a, "-") == 0)
			rc = parse_word(p, argv[i]);
		else if (strcmp(a, "--") == 0)
			words_only = true;
		else if (strcmp(a, "-h") == 0 || strcmp(a, "--help") == 0)
			p->help = true;
		else if (strcmp(a, "--markdown") == 0)
			p->page = px_help_markdown;
		else if (strcmp(a, "--man") == 0)
			p->page = px_help_man;
		else if (strcmp(a, "-v") == 0)
			give(p, UINT32_MAX, "verbose", "true");
		else if (px_str_starts(a, "--"))
			rc = parse_option(p, argv, argc, &i);
		else
			rc = px_complain(PX_EXIT_USAGE, "%s: no such option", a);
	}
	return rc;
}

static int check_arguments(const struct parsed *p)
{
	unsigned n;
	const struct px_setting *table = px_settings_table(&n);
	const struct px_command *c = p->command;
	for (unsigned i = 0; i < p->n_given; i++) {
		if (p->rows[i] < n && !(table[p->rows[i]].commands & c->bit))
			return px_complain(PX_EXIT_USAGE, "--%s is not an option of %s (prinex help %s)",
					   table[p->rows[i]].name, c->name, c->name);
	}
	bool too_many = c->max > 0 ? p->n_args > c->max : c->arguments[0] == '\0' && p->n_args > 0;
	if (p->n_args >= c->min && !too_many)
		return PX_EXIT_OK;
	return px_complain(PX_EXIT_USAGE, "usage: prinex %s [OPTION...] %s (prinex help %s explains it)",
			   c->name, c->arguments, c->name);
}

/* --- running --- */

static void on_signal(int number)
{
	(void)number;
	px_client_stop = 1;
}

static int run(const struct parsed *p)
{
	struct px_problems problems = {0};
	struct px_settings *settings = NULL;
	struct px_client *client = NULL;
	struct px_buf why = PX_BUF_INIT;
	const char *conf = p->conf != NULL ? p->conf : getenv("PRINEX_CONF");
	int status = PX_EXIT_USAGE;
	if (px_settings_new(conf, p->given, p->n_given, &settings, &problems) != PX_OK) {
		for (unsigned i = 0; i < problems.n; i++) {
			const struct px_problem *q = &problems.items[i];
			if (q->file[0] == '\0')
				px_complain(0, "%s", q->text);
			else if (q->line == 0)
				px_complain(0, "%s: %s", q->file, q->text);
			else
				px_complain(0, "%s:%u: %s", q->file, q->line, q->text);
		}
	} else if (px_client_new(&settings, &client, &why) != PX_OK) {
		px_complain(0, "%s", px_buf_str(&why));
	} else {
		status = p->command->run(client, p->args, p->n_args);
	}
	px_problems_free(&problems);
	px_client_free(&client);
	px_buf_free(&why);
	return status;
}

static int print(void (*fn)(struct px_buf *out))
{
	struct px_buf text = PX_BUF_INIT;
	fn(&text);
	fputs(px_buf_str(&text), stdout);
	px_buf_free(&text);
	return fflush(stdout) == 0 ? PX_EXIT_OK : PX_EXIT_NOT_YET;
}

int px_cmd_help(struct px_client *c, char **args, unsigned n)
{
	(void)c;
	if (n == 0)
		return print(px_help_overview);
	const struct px_command *command = find_command(args[0]);
	if (command == NULL)
		return no_command(args[0]);
	struct px_buf text = PX_BUF_INIT;
	px_help_command(command, &text);
	fputs(px_buf_str(&text), stdout);
	px_buf_free(&text);
	return PX_EXIT_OK;
}

int px_cmd_completion(struct px_client *c, char **args, unsigned n)
{
	(void)c, (void)args, (void)n;
	return print(px_help_completion);
}

static int dispatch(struct parsed *p)
{
	char *name = p->command != NULL ? (char *)p->command->name : NULL;
	if (p->page != NULL)
		return print(p->page);
	if (p->command == NULL && p->help)
		return print(px_help_overview);
	if (p->command == NULL) {
		print(px_help_overview);
		return PX_EXIT_USAGE;
	}
	if (p->help)
		return px_cmd_help(NULL, &name, 1);
	if (p->command->bit == 0)
		return p->n_given > 0 ? px_complain(PX_EXIT_USAGE, "%s takes no options", name)
				      : p->command->run(NULL, p->args, p->n_args);
	int status = check_arguments(p);
	return status == PX_EXIT_OK ? run(p) : status;
}

int main(int argc, char **argv)
{
	struct parsed p = {0};
	struct sigaction stop = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
	px_log_init("prinex", 2, PX_LOG_WARN);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--version") == 0) {
			puts("prinex " PX_VERSION);
			return PX_EXIT_OK;
		}
		if (strcmp(argv[i], "--") == 0)
			break;
	}
	p.given = px_xcalloc((size_t)argc + 1, 2 * sizeof(*p.given));
	p.rows = px_xcalloc((size_t)argc + 1, 2 * sizeof(*p.rows));
	p.args = px_xcalloc((size_t)argc + 1, sizeof(*p.args));
	int status = parse_arguments(&p, argc, argv);
	if (status == PX_EXIT_OK)
		status = dispatch(&p);
	free(p.given);
	free(p.rows);
	free(p.args);
	return status;
}
