/* prinex: from a command line to a request
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CTL_ARGV_H
#define PX_CTL_ARGV_H

#include "ctl/command.h"

/** What a command line says. Pure; any thread. */
struct px_ctl_line {
	const struct px_ctl_command *command;
	json_t *params; /* to be sent */
	json_t *client; /* prinexctl's own: a file name is a string, a flag true */
	bool literal;   /* `--` was given: words behind it are taken as they are */
};

/**
 * Read @argv (without the program's name and its own options) by the table. Positions are filled from the
 * left, optional ones only as far as more words were given than are required. Options are --name VALUE or
 * --name=VALUE; `--` ends them. A message may be two words, SENDER MESSAGE-ID. @return PX_OK, or PX_EINVAL
 * with @why; px_ctl_line_free in any case.
 */
int px_ctl_line_parse(unsigned argc, const char *const *argv, struct px_ctl_line *out, struct px_buf *why);
void px_ctl_line_free(struct px_ctl_line *line);

#endif
