/* prinex: what the broker tells its supervisor
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "daemon/lifeline.h"

#include <unistd.h>

void px_life_say(int fd, enum px_life what, uint32_t value)
{
	const struct px_life_word word = {what, value};
	if (fd < 0)
		return;
	/* A supervisor that does not read is one that does not live: its end reaches us as a signal. */
	ssize_t ignored = write(fd, &word, sizeof(word));
	(void)ignored;
}

bool px_life_hear(int fd, struct px_life_word *out)
{
	return read(fd, out, sizeof(*out)) == (ssize_t)sizeof(*out);
}
