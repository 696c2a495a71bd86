/* prinex: one generation: configuration, catalogue, trust and all that is made from them
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_DAEMON_GENERATION_H
#define PX_DAEMON_GENERATION_H

#include "flow/generation.h"
#include "net/loop.h"
#include "net/tls.h"

/*
 * Made beside the one in force; ready only when everything stands: files checked, TLS contexts and signing
 * key loaded, egress made, a new clean parent warm. Any failure leaves the old one untouched and says why.
 * Freed with its last reference. Thread: the loop.
 */
struct px_daemon_generation {
	struct px_generation pub; /* what flow sees; first */
	struct px_conf *conf;
	struct px_catalogue *cat;
	struct px_tls *tls;
	struct px_pool *pool;
	struct px_egress *egress;
	struct px_signer *signer;
	struct px_inspector inspector; /* hands on to pool */
	struct event_base *base;
	struct event *signer_event;
	char *runtime_conf;          /* what the clean parent reads: exactly what was checked here */
	struct px_buf needs_restart; /* names of options whose new value is not in force */
	bool destroying;
	bool at_once; /* the process ends: the loop that would see the inspectors out does not run any more */
	bool whole;   /* others have it: a later failure does not free it */
	/* while being made */
	void (*made)(void *arg, struct px_daemon_generation *gen, int rc, const char *why);
	void (*lost)(void *arg, struct px_daemon_generation *gen);
	void *arg;
};

struct px_generation_setup {
	struct px_loop *loop;
	struct px_metrics *metrics;
	const char *conf_file;
	const struct px_conf *running; /* options that need a restart keep its values; NULL at the start */
	const char *exe;
	uint64_t id;
	/* NULL, or: all of it stands but its inspectors, and may be used: what is submitted waits for them.
	 * The caller holds the one reference from now on; @made follows all the same. */
	void (*begun)(void *arg, struct px_daemon_generation *gen);
	/* @rc PX_OK: the caller holds the one reference. Otherwise @gen is NULL and @why is a view, many
	 * lines possible. */
	void (*made)(void *arg, struct px_daemon_generation *gen, int rc, const char *why);
	/* Its inspectors' parent died after it had been ready. */
	void (*lost)(void *arg, struct px_daemon_generation *gen);
	void *arg;
};

/** @made is called exactly once; for what the files alone tell before this returns. */
void px_generation_make(const struct px_generation_setup *setup);

/** Start a new clean parent for a generation whose parent was lost. @return PX_OK or the reason in @why. */
int px_generation_revive(struct px_daemon_generation *gen, const struct px_generation_setup *setup,
			 struct px_buf *why);

#endif
