/* prinex: what the parts of the command line client share
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_PRINEX_PRINEX_H
#define PX_PRINEX_PRINEX_H

#include "client/client.h"
#include "client/payload.h"

/** Exit statuses; documented in help.c. */
enum px_exit { PX_EXIT_OK, PX_EXIT_REFUSED, PX_EXIT_USAGE, PX_EXIT_NOT_YET, PX_EXIT_BARRED };

struct px_command {
	const char *name;
	unsigned bit; /* PX_CMD_*; 0: takes no options */
	const char *arguments;
	unsigned min, max; /* max 0: any number, unless arguments is "" */
	const char *summary, *text;
	int (*run)(struct px_client *c, char **args, unsigned n);
};
/** All commands; *@n of them. */
const struct px_command *px_commands(unsigned *n);

/* The commands: arguments to exit status. */
int px_cmd_prepare(struct px_client *c, char **args, unsigned n);
int px_cmd_wrap(struct px_client *c, char **args, unsigned n);
int px_cmd_sign(struct px_client *c, char **args, unsigned n);
int px_cmd_verify(struct px_client *c, char **args, unsigned n);
int px_cmd_check(struct px_client *c, char **args, unsigned n);
int px_cmd_send(struct px_client *c, char **args, unsigned n);
int px_cmd_fetch(struct px_client *c, char **args, unsigned n);
int px_cmd_lookup(struct px_client *c, char **args, unsigned n);
int px_cmd_arrive(struct px_client *c, char **args, unsigned n);
int px_cmd_status(struct px_client *c, char **args, unsigned n);
int px_cmd_ping(struct px_client *c, char **args, unsigned n);
int px_cmd_help(struct px_client *c, char **args, unsigned n);
int px_cmd_completion(struct px_client *c, char **args, unsigned n);

/** Make a document out of a document, into @out. @return PX_OK, or PX_ECONF and others with @why. */
typedef int px_make_fn(struct px_client *c, const struct px_document *doc, struct px_buf *out,
		       struct px_buf *why);
/** Read FILE or standard input, run @fn, write to --out or standard output. @return the exit status. */
int px_make(struct px_client *c, char **args, unsigned n, px_make_fn *fn);

/** `prinex: TEXT` to standard error. @return @status. */
int px_complain(int status, const char *fmt, ...) PX_PRINTF(2, 3);

/** The page of a command, or the list of commands (NULL). */
void px_help_command(const struct px_command *command, struct px_buf *out);
void px_help_overview(struct px_buf *out);
/** docs/prinex.md. */
void px_help_markdown(struct px_buf *out);
/** What an option does, with its default. */
void px_help_option(const struct px_setting *s, struct px_buf *out);
/** What an exit status means; NULL: there is no such. */
const char *px_exit_text(unsigned status);
/** The manual page (roff), and the completion for bash. pages.c */
void px_help_man(struct px_buf *out);
void px_help_completion(struct px_buf *out);

#endif
