/* prinex: what can be printed from the table of commands
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/help.h"

#include <ctype.h>

/* Options of the program itself; understood anywhere on the line. */
struct option {
	const char *name, *value, *help;
};
static const struct option options[] = {
    {"--socket", "FILE", "The control socket; otherwise $PRINEX_SOCKET, otherwise /run/prinex/control.sock."},
    {"--json", NULL, "Print the daemon's result as JSON: docs/control-protocol.md."},
    {"--help", NULL, "The same as the command help; after a command, about that command."},
    {"--version", NULL, "Print the version."},
};

struct status {
	int value;
	const char *text;
};
static const struct status statuses[] = {
#define PX_CTL_EXIT(name, value, text) {value, text},
#include "ctl/exit.def"
#undef PX_CTL_EXIT
};

static const char *const examples[][2] = {
    {"prinexctl status", "Is all well?"},
    {"prinexctl queue", "What waits, and why?"},
    {"prinexctl trace mrn 26BYAB12CD34EF56J7", "Where is this consignment?"},
    {"prinexctl trace AB1234-5", "The same by whatever is known: vehicle, container, seal, LRN."},
    {"prinexctl messages --sender BY --since 2h --open", "What BY sent within two hours that has not ended."},
    {"prinexctl body BY/BY20261121000000123 --out message.xml", "The octets as received."},
    {"prinexctl config check && prinexctl reload", "Put a new configuration in force."},
};

static bool is_typed(const struct px_ctl_arg *arg)
{
	return arg->place != PX_CTL_HIDDEN;
}

static bool is_option(const struct px_ctl_arg *arg)
{
	return arg->place == PX_CTL_OPTION || arg->place == PX_CTL_CLIENT;
}

/* `--since TIME`, `NAME` */
static void add_arg(const struct px_ctl_arg *arg, struct px_buf *out)
{
	const char *word = px_ctl_kind_word(arg->kind);
	if (is_option(arg))
		px_buf_addf(out, "--%s%s%s", arg->name, *word != '\0' ? " " : "", word);
	else
		px_buf_adds(out, word);
}

void px_help_synopsis(const struct px_ctl_command *command, struct px_buf *out)
{
	px_buf_adds(out, command->name);
	for (unsigned i = 0; i < command->n_args; i++) {
		const struct px_ctl_arg *arg = &command->args[i];
		if (!is_typed(arg))
			continue;
		bool required = arg->place == PX_CTL_REQUIRED;
		px_buf_adds(out, required ? " " : " [");
		add_arg(arg, out);
		px_buf_adds(out, required ? "" : "]");
	}
}

static const char *who_may(const struct px_ctl_command *command)
{
	bool asks = command->id == PX_CTL_LETTER || command->id == PX_CTL_TOP;
	if (command->privilege == PX_CTL_LOCAL && !asks)
		return "Needs no daemon.";
	if (command->privilege == PX_CTL_ACT)
		return "For administrators; journalled with the user's name.";
	return px_ctl_is_journalled(command)
		   ? "For observers and administrators; journalled with the user's name."
		   : "For observers and administrators.";
}

static void add_value_text(const struct px_ctl_arg *arg, struct px_buf *out)
{
	const char *const *words = px_ctl_kind_words(arg->kind);
	if (arg->kind == PX_CTL_KIND_FLAG || arg->kind == PX_CTL_KIND_COMMAND ||
	    arg->kind == PX_CTL_KIND_FILE)
		return;
	if (words == NULL) {
		const char *text = px_ctl_kind_text(arg->kind);
		px_buf_addf(out, " %c%s.", toupper((unsigned char)text[0]), text + 1);
		return;
	}
	px_buf_adds(out, " One of");
	for (unsigned i = 0; words[i] != NULL; i++)
		px_buf_addf(out, "%s %s", i == 0 ? "" : ",", words[i]);
	px_buf_adds(out, ".");
}

/* --- on a terminal
 * ------------------------------------------------------------------------------------------- */

static void overview_line(const struct px_ctl_command *c, struct px_buf *out)
{
	px_buf_addf(out, "  %-18s %s\n", c->name, c->help);
}

bool px_help_group(const char *first, struct px_buf *out)
{
	size_t before = out->len, len = strlen(first);
	px_buf_addf(out, "usage: prinexctl %s COMMAND [ARGUMENT...]\n\n", first);
	bool found = false;
	for (unsigned i = 0; i < PX_CTL_COMMANDS; i++) {
		const struct px_ctl_command *c = px_ctl_command((enum px_ctl_id)i);
		if (strncmp(c->name, first, len) != 0 || c->name[len] != ' ')
			continue;
		overview_line(c, out);
		found = true;
	}
	px_buf_addf(out, "\n`prinexctl help %s COMMAND` tells more.\n", first);
	if (!found)
		out->len = before;
	return found;
}

void px_help_overview(struct px_buf *out)
{
	px_buf_adds(out, "usage: prinexctl [--socket FILE] [--json] COMMAND [ARGUMENT...]\n\n");
	for (unsigned i = 0; i < PX_CTL_COMMANDS; i++) {
		overview_line(px_ctl_command((enum px_ctl_id)i), out);
	}
	px_buf_adds(out, "\n");
	for (size_t i = 0; i < PX_ARRAY_LEN(options); i++) {
		char name[32];
		snprintf(name, sizeof(name), "%s %s", options[i].name,
			 options[i].value != NULL ? options[i].value : "");
		px_buf_addf(out, "  %-18s %s\n", name, options[i].help);
	}
	px_buf_adds(out, "\nExit status:\n");
	for (size_t i = 0; i < PX_ARRAY_LEN(statuses); i++)
		px_buf_addf(out, "  %d  %s\n", statuses[i].value, statuses[i].text);
	px_buf_adds(out, "\n`prinexctl help COMMAND` tells more.\n");
}

void px_help_command(const struct px_ctl_command *command, struct px_buf *out)
{
	px_buf_adds(out, "usage: prinexctl ");
	px_help_synopsis(command, out);
	px_buf_addf(out, "\n\n%s\n", command->help);
	if (*command->more != '\0')
		px_buf_addf(out, "%s\n", command->more);
	px_buf_addf(out, "%s\n", who_may(command));
	bool first = true;
	for (unsigned i = 0; i < command->n_args; i++) {
		const struct px_ctl_arg *arg = &command->args[i];
		struct px_buf name = PX_BUF_INIT;
		if (!is_typed(arg))
			continue;
		add_arg(arg, &name);
		px_buf_addf(out, "%s  %-22s %s", first ? "\n" : "", px_buf_str(&name), arg->help);
		add_value_text(arg, out);
		px_buf_adds(out, "\n");
		px_buf_free(&name);
		first = false;
	}
}

/* --- Markdown
 * ------------------------------------------------------------------------------------------------ */

static void markdown_command(const struct px_ctl_command *command, struct px_buf *out)
{
	px_buf_addf(out, "\n### %s\n\n```\nprinexctl ", command->name);
	px_help_synopsis(command, out);
	px_buf_addf(out, "\n```\n\n%s", command->help);
	if (*command->more != '\0')
		px_buf_addf(out, " %s", command->more);
	px_buf_addf(out, "\n%s\n", who_may(command));
	bool first = true;
	for (unsigned i = 0; i < command->n_args; i++) {
		const struct px_ctl_arg *arg = &command->args[i];
		if (!is_typed(arg))
			continue;
		px_buf_adds(out, first ? "\n| argument | |\n|---|---|\n| `" : "| `");
		add_arg(arg, out);
		px_buf_addf(out, "` | %s", arg->help);
		add_value_text(arg, out);
		px_buf_adds(out, " |\n");
		first = false;
	}
}

void px_help_markdown(struct px_buf *out)
{
	px_buf_adds(out,
		    "# prinexctl\n\n"
		    "<!-- Made by `prinexctl help --markdown` from broker/ctl/command.def. -->\n\n"
		    "`prinexctl` talks to a running prinexd over its control socket. On a terminal it prints "
		    "aligned tables, with colours unless `NO_COLOR` is set; times are UTC, and how long ago. "
		    "With `--json` it prints what the daemon answered.\n\n"
		    "```\nprinexctl [--socket FILE] [--json] COMMAND [ARGUMENT...]\n```\n\n"
		    "| option | |\n|---|---|\n");
	for (size_t i = 0; i < PX_ARRAY_LEN(options); i++)
		px_buf_addf(out, "| `%s%s%s` | %s |\n", options[i].name, options[i].value != NULL ? " " : "",
			    options[i].value != NULL ? options[i].value : "", options[i].help);
	px_buf_adds(out, "\n| exit status | |\n|---|---|\n");
	for (size_t i = 0; i < PX_ARRAY_LEN(statuses); i++)
		px_buf_addf(out, "| %d | %s |\n", statuses[i].value, statuses[i].text);
	px_buf_adds(out, "\n## Examples\n\n| | |\n|---|---|\n");
	for (size_t i = 0; i < PX_ARRAY_LEN(examples); i++)
		px_buf_addf(out, "| `%s` | %s |\n", examples[i][0], examples[i][1]);
	px_buf_adds(out, "\n## Commands\n");
	for (unsigned i = 0; i < PX_CTL_COMMANDS; i++)
		markdown_command(px_ctl_command((enum px_ctl_id)i), out);
}

/* --- manual page
 * ----------------------------------------------------------------------------------------------- */

static void add_roff_buf(struct px_buf *text, struct px_buf *out)
{
	px_buf_add_roff(out, px_buf_str(text));
	px_buf_free(text);
}

static void man_command(const struct px_ctl_command *command, struct px_buf *out)
{
	struct px_buf text = PX_BUF_INIT;
	px_help_synopsis(command, &text);
	px_buf_adds(out, ".SS \"");
	add_roff_buf(&text, out);
	px_buf_adds(out, "\"\n");
	px_buf_addf(&text, "%s%s%s %s", command->help, *command->more != '\0' ? " " : "", command->more,
		    who_may(command));
	add_roff_buf(&text, out);
	px_buf_adds(out, "\n");
	for (unsigned i = 0; i < command->n_args; i++) {
		const struct px_ctl_arg *arg = &command->args[i];
		if (!is_typed(arg))
			continue;
		add_arg(arg, &text);
		px_buf_adds(out, ".TP\n.B ");
		add_roff_buf(&text, out);
		px_buf_adds(&text, arg->help);
		add_value_text(arg, &text);
		px_buf_adds(out, "\n");
		add_roff_buf(&text, out);
		px_buf_adds(out, "\n");
	}
}

static void man_pair(const char *term, const char *text, struct px_buf *out)
{
	px_buf_adds(out, ".TP\n.B ");
	px_buf_add_roff(out, term);
	px_buf_adds(out, "\n");
	px_buf_add_roff(out, text);
	px_buf_adds(out, "\n");
}

void px_help_man(struct px_buf *out)
{
	px_buf_addf(out,
		    ".TH PRINEXCTL 8 \"\" \"prinex %s\" \"prinex\"\n.SH NAME\n"
		    "prinexctl \\- look after a running prinexd\n.SH SYNOPSIS\n"
		    ".B prinexctl\n[\\-\\-socket FILE] [\\-\\-json] COMMAND [ARGUMENT...]\n.SH OPTIONS\n",
		    PX_VERSION);
	for (size_t i = 0; i < PX_ARRAY_LEN(options); i++)
		man_pair(options[i].name, options[i].help, out);
	px_buf_adds(out, ".SH COMMANDS\n");
	for (unsigned i = 0; i < PX_CTL_COMMANDS; i++)
		man_command(px_ctl_command((enum px_ctl_id)i), out);
	px_buf_adds(out, ".SH \"EXIT STATUS\"\n");
	for (size_t i = 0; i < PX_ARRAY_LEN(statuses); i++) {
		char value[16];
		snprintf(value, sizeof(value), "%d", statuses[i].value);
		man_pair(value, statuses[i].text, out);
	}
	px_buf_adds(out, ".SH EXAMPLES\n");
	for (size_t i = 0; i < PX_ARRAY_LEN(examples); i++)
		man_pair(examples[i][0], examples[i][1], out);
	px_buf_adds(out, ".SH \"SEE ALSO\"\n.BR prinexd (8)\n");
}

/* --- completion
 * ------------------------------------------------------------------------------------------------ */

static bool same_first_word(const char *a, const char *b)
{
	size_t len = strcspn(a, " ");
	return len == strcspn(b, " ") && strncmp(a, b, len) == 0;
}

/* First words, each once: those of two-word commands stand together in the table. */
static void add_first_words(struct px_buf *out)
{
	const char *before = NULL;
	for (unsigned i = 0; i < PX_CTL_COMMANDS; i++) {
		const char *name = px_ctl_command((enum px_ctl_id)i)->name;
		if (before == NULL || !same_first_word(before, name))
			px_buf_addf(out, "%s%.*s", out->len == 0 ? "" : " ", (int)strcspn(name, " "), name);
		before = name;
	}
}

static void add_words(const char *const *words, struct px_buf *out)
{
	for (unsigned i = 0; words[i] != NULL; i++) {
		if (strchr(words[i], ' ') == NULL)
			px_buf_addf(out, " %s", words[i]);
	}
}

/* What may stand after the command: options, and words that positions may be. */
static void completion_of(const struct px_ctl_command *command, struct px_buf *out)
{
	for (unsigned i = 0; i < command->n_args; i++) {
		const struct px_ctl_arg *arg = &command->args[i];
		const char *const *words = px_ctl_kind_words(arg->kind);
		if (is_option(arg))
			px_buf_addf(out, " --%s", arg->name);
		else if (is_typed(arg) && words != NULL)
			add_words(words, out);
		else if (is_typed(arg) && arg->kind == PX_CTL_KIND_NAME)
			px_buf_adds(out, " $(_prinexctl_partners)");
	}
}

static void completion_cases(struct px_buf *out)
{
	for (unsigned i = 0; i < PX_CTL_COMMANDS; i++) {
		const struct px_ctl_command *c = px_ctl_command((enum px_ctl_id)i);
		struct px_buf words = PX_BUF_INIT;
		completion_of(c, &words);
		const char *space = strchr(c->name, ' ');
		if (space == NULL)
			px_buf_addf(out, "\t\"%s \"*) words=\"--json%s\" ;;\n", c->name, px_buf_str(&words));
		else
			px_buf_addf(out, "\t\"%s \") words=\"--json%s\" ;;\n", c->name, px_buf_str(&words));
		px_buf_free(&words);
	}
	/* A first word alone: what may follow it. */
	for (unsigned i = 0; i < PX_CTL_COMMANDS; i++) {
		const char *name = px_ctl_command((enum px_ctl_id)i)->name, *space = strchr(name, ' ');
		if (space != NULL)
			px_buf_addf(out, "\t\"%.*s  \") words=\"$words %s\" ;;&\n", (int)(space - name), name,
				    space + 1);
	}
}

void px_help_completion(struct px_buf *out)
{
	struct px_buf first = PX_BUF_INIT;
	add_first_words(&first);
	px_buf_adds(
	    out,
	    "# prinex: completion of prinexctl for bash; made by `prinexctl completion`\n"
	    "_prinexctl_partners() {\n"
	    "\tprinexctl partners --json 2>/dev/null | sed -n 's/^      \"name\": \"\\([^\"]*\\)\".*/\\1/p'\n"
	    "}\n"
	    "_prinexctl() {\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=\"\"\n"
	    "\tlocal -a given=()\n"
	    "\tlocal i skip=\n"
	    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	    "\t\tif [ -n \"$skip\" ]; then skip=; continue; fi\n"
	    "\t\tcase ${COMP_WORDS[i]} in --socket) skip=1 ;; -*) ;; *) given+=(\"${COMP_WORDS[i]}\") ;; "
	    "esac\n"
	    "\tdone\n"
	    "\tCOMPREPLY=()\n"
	    "\tcase $prev in --socket|--out) COMPREPLY=($(compgen -f -- \"$cur\")); return ;; esac\n");
	px_buf_addf(out,
		    "\tcase \"${given[0]} ${given[1]} \" in\n"
		    "\t\"  \") words=\"--socket --json --help --version %s\" ;;\n",
		    px_buf_str(&first));
	completion_cases(out);
	px_buf_adds(out, "\tesac\n"
			 "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
			 "}\n"
			 "complete -F _prinexctl prinexctl\n");
	px_buf_free(&first);
}
