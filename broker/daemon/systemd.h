/* prinex: what a service manager is told, and the sockets it hands over
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_DAEMON_SYSTEMD_H
#define PX_DAEMON_SYSTEMD_H

#include "base/base.h"

/*
 * The two protocols of sd_notify(3) and sd_listen_fds(3), which are a datagram and three environment
 * variables: not worth a library in a process that holds keys. Without a service manager all of it does
 * nothing. Thread: any; nothing blocks.
 */

/** Send "READY=1", "STATUS=...", several assignments with a newline between them. */
void px_systemd_notify(const char *fmt, ...) PX_PRINTF(1, 2);
/** How often the service manager wants WATCHDOG=1, in ms; 0: never. A third of it is a good pace. */
int64_t px_systemd_watchdog(void);
/** The sockets handed over to this very process, marked close-on-exec. @return how many, at most @max. */
unsigned px_systemd_sockets(int *fds, unsigned max);

#endif
