/* prinex: the broker process: its parts
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_DAEMON_BROKER_H
#define PX_DAEMON_BROKER_H

#include <pthread.h>

#include "base/log.h"
#include "base/strings.h"
#include "ctl/ctl.h"
#include "daemon/daemon.h"
#include "daemon/generation.h"
#include "flow/endpoint.h"
#include "net/server.h"

/* Private to broker/daemon. Everything belongs to the loop thread. */
struct broker {
	const struct px_options *options;
	struct px_loop *loop;
	struct px_metrics *metrics;
	struct px_alarms *alarms;
	struct px_daemon_generation *gen; /* in force */
	uint64_t generations;
	struct px_store *store;
	struct event *store_event;
	struct px_flow *flow;
	struct px_endpoint *endpoint;
	struct px_server *server;
	struct px_ctl *ctl;
	char *listen[16]; /* addresses as bound */
	unsigned n_listen;
	pthread_mutex_t check_lock;
	struct px_seal_key *check_key; /* for checkpoints, on the store's thread */
	struct px_metrics_listener *metrics_listener;
	int64_t started; /* mono ms */
	int life;        /* the lifeline, -1 none */
	bool ready;      /* inspectors work, as they did at least once */
	bool reloading, stopping, ending, store_failed, cut_short;
	void (*reload_done)(void *arg, int rc, const char *why);
	void *reload_arg;
	struct px_timer drain, revive, certificates, alive;
	int64_t revived_at;   /* mono */
	int64_t revive_pause; /* ms; before the next try to start inspectors */
	int status;
	uint64_t random[64]; /* drawn beforehand */
	unsigned n_random;
};

/* broker.c */
/** @return PX_OK and @done (may be NULL) later, or PX_EBUSY and no @done. */
int px_broker_reload(struct broker *b, void (*done)(void *arg, int rc, const char *why), void *arg);
void px_broker_stop(struct broker *b);
void px_broker_pool_lost(void *arg, struct px_daemon_generation *gen);

/** What this process, its supervisor and the inspectors' parent log from now on. */
void px_broker_set_log_level(struct broker *b, enum px_log_level level);

/* ready.c */
/** Tell the log that connections are taken. */
void px_broker_say_listening(const struct broker *b);
/** Tell the log and the supervisor that partners are served; from now on also that the loop turns. */
void px_broker_say_ready(struct broker *b);
/** One line about what the store held when it was opened; a px_stats_done. */
void px_broker_say_found(void *arg, int rc, const struct px_store_stats *stats);

/* host.c: what the control socket and the metrics need to know of the process */
int px_broker_start_control(struct broker *b, struct px_buf *why);
void px_broker_stop_control(struct broker *b);
/** Alarms and metrics for certificates that end; again every hour. */
void px_broker_check_certificates(struct broker *b);

#endif
