/* prinex: the loop: libevent with px_timers pumped on it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "net/loop.h"

#include <signal.h>

#include "base/log.h"

struct px_loop {
	struct event_base *base;
	struct px_timers *timers;
	struct event *pump;
	struct event *flush; /* of the log */
};

static void arm(struct px_loop *loop)
{
	int64_t at;
	if (!px_timers_next(loop->timers, &at)) {
		evtimer_del(loop->pump);
		return;
	}
	int64_t ms = PX_MAX(at - px_clock_mono(px_timers_clock(loop->timers)), 0);
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
	px_assert(evtimer_add(loop->pump, &tv) == 0);
}

static void on_change(void *arg)
{
	arm(arg);
}

/* libevent may fire a little early, as it counts from the time its turn began: then nothing runs and the pump
 * is armed again. */
static void on_pump(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	struct px_loop *loop = arg;
	px_timers_run(loop->timers);
	arm(loop);
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	px_log_flush();
}

/* Behind all that is to be done in this turn already: what a turn has to say is written at once. */
static void on_log(void *arg)
{
	struct px_loop *loop = arg;
	event_active(loop->flush, EV_TIMEOUT, 0);
}

struct px_loop *px_loop_new(void)
{
	/* OpenSSL and libcurl write to sockets without MSG_NOSIGNAL: a peer that has left must not end us. */
	signal(SIGPIPE, SIG_IGN);
	struct px_loop *loop = px_xcalloc(1, sizeof(*loop));
	struct event_config *config = event_config_new();
	px_assert(config != NULL);
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	/* libcurl stops watching its sockets between posts and starts again in the same turn. */
	event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
	loop->base = event_base_new_with_config(config);
	event_config_free(config);
	px_assert(loop->base != NULL);
	loop->timers = px_timers_new(px_clock_real());
	loop->pump = evtimer_new(loop->base, on_pump, loop);
	px_assert(loop->pump != NULL);
	px_timers_on_change(loop->timers, on_change, loop);
	loop->flush = event_new(loop->base, -1, 0, on_flush, NULL);
	px_assert(loop->flush != NULL);
	return loop;
}

void px_loop_free(struct px_loop **loop)
{
	struct px_loop *l = *loop;
	if (l == NULL)
		return;
	px_timers_on_change(l->timers, NULL, NULL);
	event_free(l->pump);
	event_free(l->flush);
	px_timers_free(&l->timers);
	event_base_free(l->base);
	PX_FREE(*loop);
}

struct event_base *px_loop_base(struct px_loop *loop)
{
	return loop->base;
}

struct px_timers *px_loop_timers(struct px_loop *loop)
{
	return loop->timers;
}

void px_loop_run(struct px_loop *loop)
{
	px_log_gather(on_log, loop);
	event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
	px_log_scatter();
}

void px_loop_stop(struct px_loop *loop)
{
	event_base_loopbreak(loop->base);
}
