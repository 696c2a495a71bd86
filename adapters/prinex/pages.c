/* prinex: the manual page and the completion, from the tables
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "prinex/prinex.h"

/* --- manual page --- */

static void add_term(struct px_buf *out, const char *term, const char *more, const char *text)
{
	px_buf_adds(out, ".TP\n.B ");
	px_buf_add_roff(out, term);
	px_buf_adds(out, more[0] != '\0' ? " " : "");
	px_buf_add_roff(out, more);
	px_buf_adds(out, "\n");
	px_buf_add_roff(out, text);
	px_buf_adds(out, "\n");
}

static void man_commands(struct px_buf *out)
{
	unsigned n;
	const struct px_command *commands = px_commands(&n);
	px_buf_adds(out, ".SH COMMANDS\n");
	for (unsigned i = 0; i < n; i++) {
		struct px_buf text = PX_BUF_INIT;
		px_buf_addf(&text, "%s. %s", commands[i].summary, commands[i].text);
		add_term(out, commands[i].name, commands[i].arguments, px_buf_str(&text));
		px_buf_free(&text);
	}
}

static void man_options(struct px_buf *out)
{
	unsigned n, n_commands;
	const struct px_setting *table = px_settings_table(&n);
	const struct px_command *commands = px_commands(&n_commands);
	px_buf_adds(out, ".SH OPTIONS\n");
	add_term(out, "--conf", "FILE",
		 "Read settings from this file; else from the one that PRINEX_CONF names. All commands.");
	for (unsigned i = 0; i < n; i++) {
		struct px_buf name = PX_BUF_INIT, text = PX_BUF_INIT;
		if ((table[i].commands & ~PX_CMD_FILE) == PX_CMD_SPOOL)
			continue;
		px_buf_addf(&name, "--%s", table[i].name);
		px_help_option(&table[i], &text);
		px_buf_adds(&text, " Commands:");
		for (unsigned k = 0; k < n_commands; k++) {
			if (commands[k].bit & table[i].commands)
				px_buf_addf(&text, " %s", commands[k].name);
		}
		px_buf_adds(&text, table[i].commands & PX_CMD_FILE ? "; the settings file." : ".");
		add_term(out, px_buf_str(&name), table[i].argument != NULL ? table[i].argument : "",
			 px_buf_str(&text));
		px_buf_free(&name);
		px_buf_free(&text);
	}
}

void px_help_man(struct px_buf *out)
{
	static const char *const files[][2] = {
	    {"FILE.px", "The signed exchange made of FILE, exactly as it was sent."},
	    {"FILE.coa", "The broker's signed confirmation: accepted, in its custody."},
	    {"FILE.coe", "Its signed exception: refused, with every error."},
	    {"FILE.untrusted", "An answer that does not verify."},
	    {"SENDER_ID.xml", "An exchange fetched, octet for octet."},
	};
	px_buf_addf(out,
		    ".TH PRINEX 1 \"\" \"prinex %s\" \"prinex\"\n.SH NAME\n"
		    "prinex \\- prepare, sign, send, fetch, confirm and verify customs exchanges\n"
		    ".SH SYNOPSIS\n.B prinex\nCOMMAND [OPTION...] [ARGUMENT...]\n",
		    PX_VERSION);
	man_commands(out);
	man_options(out);
	px_buf_adds(out, ".SH FILES\n");
	for (size_t i = 0; i < PX_ARRAY_LEN(files); i++)
		add_term(out, files[i][0], "", files[i][1]);
	px_buf_adds(out, ".SH \"EXIT STATUS\"\nOf several that apply it is the highest.\n");
	for (unsigned i = 0; px_exit_text(i) != NULL; i++) {
		char status[16];
		snprintf(status, sizeof(status), "%u", i);
		add_term(out, status, "", px_exit_text(i));
	}
	px_buf_adds(out, ".SH \"SEE ALSO\"\n.BR prinex\\-spool (8),\n.BR prinexctl (8),\nand docs/prinex.md, "
			 "which explains more.\n");
}

/* --- completion --- */

static void add_options_of(struct px_buf *out, const struct px_command *c)
{
	unsigned n;
	const struct px_setting *table = px_settings_table(&n);
	px_buf_addf(out, "\t%s) words=\"", c->name);
	for (unsigned i = 0; i < n && c->bit != 0; i++) {
		if (table[i].commands & c->bit)
			px_buf_addf(out, "--%s ", table[i].name);
	}
	px_buf_adds(out, c->bit != 0 ? "--conf\" ;;\n" : "\" ;;\n");
}

/* Options with a value that is no file: nothing is offered behind them. */
static void add_plain_options(struct px_buf *out)
{
	unsigned n;
	const struct px_setting *table = px_settings_table(&n);
	const char *before = "";
	for (unsigned i = 0; i < n; i++) {
		const char *a = table[i].argument;
		if (a != NULL && strstr(a, "FILE") == NULL && strcmp(a, "FOLDER") != 0) {
			px_buf_addf(out, "%s--%s", before, table[i].name);
			before = "|";
		}
	}
}

void px_help_completion(struct px_buf *out)
{
	unsigned n;
	const struct px_command *commands = px_commands(&n);
	px_buf_adds(
	    out,
	    "# prinex: completion of prinex for bash; made by `prinex completion`\n"
	    "_prinex() {\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=\"\"\n"
	    "\tCOMPREPLY=()\n"
	    "\tif [ \"$COMP_CWORD\" -eq 1 ] || { [ \"$COMP_CWORD\" -eq 2 ] && [ \"$prev\" = help ]; }; then\n"
	    "\t\tCOMPREPLY=($(compgen -W \"");
	for (unsigned i = 0; i < n; i++)
		px_buf_addf(out, "%s ", commands[i].name);
	px_buf_adds(out, "--help --version\" -- \"$cur\"))\n\t\treturn\n\tfi\n\tcase $prev in\n\t");
	add_plain_options(out);
	px_buf_adds(out, ") return ;;\n\tesac\n\tcase ${COMP_WORDS[1]} in\n");
	for (unsigned i = 0; i < n; i++)
		add_options_of(out, &commands[i]);
	px_buf_adds(out, "\tesac\n"
			 "\tcase $cur in\n"
			 "\t-*) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
			 "\t*) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
			 "\tesac\n"
			 "}\n"
			 "complete -F _prinex prinex\n");
}
