/* prinex: what the broker tells its supervisor
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_DAEMON_LIFELINE_H
#define PX_DAEMON_LIFELINE_H

#include "base/base.h"

/*
 * A pipe from the broker to the supervisor; the broker writes, the supervisor reads. Its end tells the
 * supervisor nothing that SIGCHLD does not. Words are small structs, which a pipe keeps whole (PIPE_BUF).
 */
enum px_life {
	PX_LIFE_READY = 1, /* partners and administrators are served */
	PX_LIFE_ALIVE,     /* the loop turns; every PX_LIFE_EVERY ms */
	PX_LIFE_LEVEL,     /* value: the least important level to log from now on */
	PX_LIFE_STOPPING,  /* value: ms that it will take at most */
};
#define PX_LIFE_EVERY 5000

struct px_life_word {
	uint32_t what;
	uint32_t value;
};

/** Never blocks; @fd -1: nobody listens. */
void px_life_say(int fd, enum px_life what, uint32_t value);
/** Take one word from a non-blocking pipe. @return false when there is none now. */
bool px_life_hear(int fd, struct px_life_word *out);

#endif
