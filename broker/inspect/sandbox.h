/* prinex: the walls around an inspector
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_INSPECT_SANDBOX_H
#define PX_INSPECT_SANDBOX_H

#include "base/buf.h"

/*
 * In the clean parent, before its first fork: px_sandbox_prepare. In the child, when it has mapped all it
 * needs: px_sandbox_enter, from which there is no way back:
 * - no descriptor but @sock (and standard error under PX_SANITIZE, for the sanitizer's report);
 * - no new privileges, no core file, no file may grow, address space limited (not under PX_SANITIZE, whose
 *   shadow memory is larger), dies with its parent, and before
 *   the broker when memory runs out;
 * - system calls by an allow-list: messages on @sock, memory that is not executable, clocks, random numbers,
 *   signals to itself. Anything else kills the process.
 */

/** Let libraries do lazily now what the sandbox would forbid later. Thread: only one may exist. */
void px_sandbox_prepare(void);

/** @parent process id of the clean parent. @return PX_OK, PX_ESYS with @why: the process must end. */
int px_sandbox_enter(int sock, pid_t parent, struct px_buf *why);

#endif
