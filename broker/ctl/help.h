/* prinex: what can be printed from the table of commands
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CTL_HELP_H
#define PX_CTL_HELP_H

#include "ctl/command.h"

/* Exit statuses of prinexctl. */
enum px_ctl_exit {
#define PX_CTL_EXIT(name, value, text) PX_CTL_EXIT_##name = value,
#include "ctl/exit.def"
#undef PX_CTL_EXIT
};

/** `messages [--partner NAME] ...`; without the program's name. */
void px_help_synopsis(const struct px_ctl_command *command, struct px_buf *out);
/** All commands, one a line, and the program's own options. */
void px_help_overview(struct px_buf *out);
/** Commands of two words that begin with @first. @return false, with nothing appended, when there are none.
 */
bool px_help_group(const char *first, struct px_buf *out);
void px_help_command(const struct px_ctl_command *command, struct px_buf *out);
/** docs/prinexctl.md. */
void px_help_markdown(struct px_buf *out);
/** The manual page. */
void px_help_man(struct px_buf *out);
/** For bash. */
void px_help_completion(struct px_buf *out);

#endif
