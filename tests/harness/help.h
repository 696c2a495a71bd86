/* prinex: what prinex-conform tells about itself, from its tables
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_HARNESS_HELP_H
#define PX_HARNESS_HELP_H

#include "base/base.h"

/**
 * `help`; `help WORD`; `help expect`; `help --page FILE`: the file with everything behind the line
 * `<!-- reference -->` made anew. Prints. @return false when there is nothing of that name.
 */
bool px_help(int argc, char **argv);

#endif
