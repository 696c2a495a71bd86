/* prinex: the control socket
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CTL_CTL_H
#define PX_CTL_CTL_H

#include <event2/event.h>

#include "base/log.h"
#include "flow/flow.h"

/*
 * JSON-RPC 2.0 on a Unix socket, one object a line; docs/control-protocol.md. Who connects is told by the
 * kernel (SO_PEERCRED, SO_PEERGROUPS): the daemon's own user and root may do all, the group control { admin }
 * may act, control { observer } may look, everybody else is refused with the reason. Commands stand in
 * command.def.
 *
 *	px_ctl_new(&setup, &ctl, &why)   binds and listens
 *	px_metrics_listener_new(...)     metrics_listener.h; shares what is refreshed before a scrape
 *	px_ctl_free(&ctl)                before store, flow, metrics and alarms are freed
 *
 * Everything is read where it is kept (px_flow_generation, px_flow_link, px_store_*); what only the daemon
 * knows comes through `struct px_ctl_host`. What blocks (names of users and groups, files, /proc) happens on
 * helper threads. Thread: the loop. Nothing blocks but px_ctl_free, which waits for the helper threads. The
 * process must ignore SIGPIPE.
 */
struct px_ctl;
struct px_tls_certificate; /* net/tls.h */

/** One process of the daemon. */
struct px_ctl_process {
	const char *role; /* "supervisor", "broker", "inspect", "inspector 1"; view */
	pid_t pid;
};

/** What the daemon says about itself. Views. */
struct px_ctl_info {
	const char *version;
	int64_t started; /* wall ms */
	unsigned n_listen;
	const char *const *listen; /* addresses as bound, "127.0.0.1:8443" */
};

/** @rc PX_OK: a new generation is in force; @why then says what needs a restart, or "". Else @why tells all
 * problems, one a line. Called once. */
typedef void px_ctl_reloaded(void *arg, int rc, const char *why);

/** What the daemon does for the control socket. All are called on the loop; none blocks. */
struct px_ctl_host {
	void (*info)(void *arg, struct px_ctl_info *out);
	/** Fill up to @max. @return how many. */
	unsigned (*processes)(void *arg, struct px_ctl_process *out, unsigned max);
	/** Of the TLS and signing trust in force: px_tls_certificates. View until the next reload. */
	unsigned (*certificates)(void *arg, const struct px_tls_certificate **out);
	/** @return PX_OK, and @done later; PX_EBUSY when one is under way (no @done). */
	int (*reload)(void *arg, px_ctl_reloaded *done, void *done_arg);
	/** Begin to drain and stop; px_ctl_free comes later, not within this call. */
	void (*stop)(void *arg);
	/** What the daemon's processes log from now on. */
	void (*log_level)(void *arg, enum px_log_level level);
	/** Verify a checkpoint's signature; called on the store's thread during verify. */
	px_checkpoint_check *check;
};

struct px_ctl_setup {
	struct event_base *base;
	struct px_timers *timers;
	struct px_store *store;
	struct px_flow *flow;
	struct px_metrics *metrics;
	struct px_alarms *alarms;
	const char *socket_path; /* copied */
	const struct px_ctl_host *host;
	void *host_arg;
	int64_t answer_ms, idle_ms; /* deadlines of connections; 0: as limits.h */
};

/**
 * Listen. A socket file that nobody answers at is replaced; one that is answered at is another daemon's.
 * @return PX_OK, or PX_ESYS/PX_EDUPLICATE with @why.
 */
int px_ctl_new(const struct px_ctl_setup *setup, struct px_ctl **out, struct px_buf *why);
/** Close all connections and remove the socket file. Answers given are still written as far as that does not
 * block; commands under way end without one. */
void px_ctl_free(struct px_ctl **ctl);
/** Connections open. */
unsigned px_ctl_connections(const struct px_ctl *ctl);

#endif
