/* prinex: the clean parent of inspectors
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_INSPECT_PARENT_H
#define PX_INSPECT_PARENT_H

#include "inspect/inspector.h"

/*
 * A process with one thread that holds compiled schemas and trust and does nothing but fork. It never sees a
 * message. Calling sequence, as px_inspect_main does it:
 *
 *	px_parent_begin(control);     first of all: nothing inherited but control and standard streams
 *	... load, compile, warm ...   on failure px_parent_fail(control, why)
 *	px_parent_serve(control, ...) until the broker closes the control socket
 */

/** Close what was inherited, die with the broker, ignore the signals of its process group. */
void px_parent_begin(int control);
/** Tell the broker why this generation cannot be inspected. @return the exit status for main. */
int px_parent_fail(int control, const char *why);
/** Report ready and fork inspectors on request; ends all of them before it returns. Blocks. @return exit
 * status. */
int px_parent_serve(int control, uint64_t body_limit, px_examine_fn *examine, void *arg);

#endif
