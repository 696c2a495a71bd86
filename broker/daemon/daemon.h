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
	int fd;              /* inspect: control socket; broker: its lifeline (lifeline.h); -1 none */
	uint64_t body_limit; /* inspect */
};

/** How long the supervisor waits for what; ms. */
struct px_patience {
	int64_t pause_first, pause_most; /* before a start anew: the second, then doubled up to the last */
	int64_t steady;                  /* a broker that ran so long begins without a pause again */
	int64_t silence;                 /* without a sign of life of its loop a broker is killed */
	int64_t stop;                    /* to end, beyond the time that the broker asks for */
};

/** supervisor.c: starts the broker and keeps it running until told to stop. @patience NULL: the usual one.
 * @return exit status. */
int px_supervise(const struct px_options *options, const struct px_patience *patience);

/** offline.c: work on the store of a daemon that is stopped; says what was done, or why not. @return exit
 * status. */
int px_offline_restore(const char *conf_file, const char *from);
int px_offline_repair(const char *conf_file);

/** broker.c: the broker process. @return exit status. */
int px_broker_run(const struct px_options *options);

#endif
