/* prinex: what prinex-conform tells about itself, from its tables
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "help.h"

#include "peer.h"
#include "script.h"

static const char mark[] = "<!-- reference -->\n";

/* --- on a terminal --- */

static void overview(void)
{
	printf("prinex-conform %s: plays scenarios\n\n"
	       "  prinex-conform run [options] FILE|FOLDER...    play them\n"
	       "  prinex-conform check FILE|FOLDER...            only read them\n"
	       "  prinex-conform help [WORD | expect]            a command of the language, or all subjects "
	       "of expect\n\n",
	       PX_VERSION);
#define PX_OPTION(id, name, letter, argument, help) \
	printf("  --%-12s %-10s %s\n", name, (argument) != NULL ? (const char *)(argument) : "", help);
#include "options.def"
	printf("\nCommands of the language:\n");
#define PX_GROUP(title)                                printf("\n" title "\n");
#define PX_COMMAND(id, word, where, usage, body, help) printf("  " word " " usage "\n");
#include "commands.def"
	printf(
	    "\nExit status: 0 all passed, 1 not, 2 nothing was played. The language: docs/scenarios.md.\n");
}

static bool of_word(const char *word)
{
	bool found = false;
	for (unsigned i = 0; i < PX_COMMANDS; i++) {
		const struct px_row *r = px_command_row((enum px_command_id)i);
		if (strcmp(r->word, word) != 0)
			continue;
		printf("%s %s%s\n  %s\n", r->word, r->usage,
		       r->body == 1   ? " [<<END]"
		       : r->body == 2 ? " <<END"
				      : "",
		       r->help);
		found = true;
	}
	for (unsigned i = 0; i < PX_SUBJECTS; i++) {
		const struct px_row *r = px_subject_row((enum px_subject_id)i);
		if (strcmp(r->word, word) != 0 && strcmp(word, "expect") != 0)
			continue;
		printf("expect %s %s\n  %s\n", r->word, r->usage, r->help);
		found = true;
	}
	return found;
}

/* --- the page --- */

static const char *stages(const char *where)
{
	static char text[32];
	text[0] = '\0';
	if (strcmp(where, "H") == 0)
		return "head";
	snprintf(text, sizeof(text), "%s%s%s", strchr(where, 'R') != NULL ? "R" : "",
		 strchr(where, 'T') != NULL ? "T" : "", strchr(where, 'V') != NULL ? "V" : "");
	return text;
}

static void row(const char *prefix, const struct px_row *r)
{
	printf("**`%s%s%s%s%s`** (%s)  \n%s\n\n", prefix, r->word, r->usage[0] != '\0' ? " " : "", r->usage,
	       r->body == 1   ? " [<<END]"
	       : r->body == 2 ? " <<END"
			      : "",
	       stages(r->where), r->help);
}

static void reference(void)
{
	printf("## Reference\n\nMade from the program's tables. In usages `[...]` may be left out and `...` "
	       "repeats; R: with brokers of our "
	       "own, T: with a target, V: on a\nvirtual clock. KIND is a NAME that is given, the name of a "
	       "BROKER, an ACTOR (system, "
	       "identity, recipient) or a DOC (document), a NUMBER, a TIME,\nYES (yes or no), an operator "
	       "OP, or any TEXT.\n\n");
	unsigned i = 0;
#define PX_GROUP(title)                                printf("### " title "\n\n");
#define PX_COMMAND(id, word, where, usage, body, help) row("", px_command_row((enum px_command_id)i++));
#include "commands.def"
	printf("### Subjects of expect\n\n");
	for (i = 0; i < PX_SUBJECTS; i++)
		row("expect ", px_subject_row((enum px_subject_id)i));
	printf("### Operators\n\n| operator | holds when |\n|---|---|\n");
	for (i = 0; i < PX_OPERATORS; i++)
		printf("| `%s` | %s |\n", px_operator_word((enum px_operator)i),
		       px_operator_help((enum px_operator)i));
	printf("\n### Words of answer and confirm\n\n| word | what the recipient does |\n|---|---|\n");
	for (i = 0; i < PX_PEER_ACT_COUNT; i++)
		printf("| `%s` | %s |\n", px_peer_act_word((enum px_peer_act)i),
		       px_peer_act_text((enum px_peer_act)i));
	printf("\n### Options of prinex-conform run\n\n| option | |\n|---|---|\n");
#define PX_OPTION(id, name, letter, argument, help)                          \
	printf("| `--%s%s%s` | %s |\n", name, (argument) != NULL ? " " : "", \
	       (argument) != NULL ? (const char *)(argument) : "", help);
#include "options.def"
}

static bool page(const char *file)
{
	struct px_buf text = PX_BUF_INIT, why = PX_BUF_INIT;
	bool good = px_buf_read_file(&text, file, 4 << 20, &why) == PX_OK;
	const char *at = good ? strstr(px_buf_str(&text), mark) : NULL;
	if (at != NULL) {
		printf("%.*s\n", (int)(at - px_buf_str(&text)) + (int)sizeof(mark) - 1, px_buf_str(&text));
		reference();
	} else {
		fprintf(stderr, "%s: %s\n", file,
			good ? "the line <!-- reference --> is missing" : px_buf_str(&why));
	}
	px_buf_free(&text);
	px_buf_free(&why);
	return at != NULL;
}

bool px_help(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[0], "--page") == 0)
		return page(argv[1]);
	if (argc == 0) {
		overview();
		return true;
	}
	bool found = of_word(argv[0]);
	if (!found)
		fprintf(stderr, "%s: there is no such command or subject\n", argv[0]);
	return found;
}
