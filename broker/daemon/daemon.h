/* prinex: what the files of the daemon share
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_DAEMON_DAEMON_H
#define PX_DAEMON_DAEMON_H

#include "base/buf.h"

/*
 * prinexd is one program in three roles: the supervisor (what an administrator starts), the broker and the
 * inspectors' clean parent (both fork + exec of ourselves, so that no memory is shared). main() in prinexd.c
 * picks the role.
 */

/** Exit statuses of every role. */
enum px_exit {
	PX_EXIT_OK = 0,
	PX_EXIT_FAILED = 1, /* ended by a fault: the supervisor starts it anew */
	PX_EXIT_CONF = 2,   /* usage or configuration: starting anew would not help */
};

struct px_options {
	const char *program; /* argv[0] */
	const char *conf_file;
	const char *role; /* "", "broker", "inspect" */
	bool allow_root;
	int fd;              /* inspect: control socket; broker: where to say READY; -1 none */
	uint64_t body_limit; /* inspect */
};

/** supervisor.c: starts the broker and keeps it running until told to stop. @return exit status. */
int px_supervise(const struct px_options *options);

/** broker.c: the broker process. @return exit status. */
int px_broker_run(const struct px_options *options);

#endif
