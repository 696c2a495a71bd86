/* prinex: a helper thread for what must not happen on the loop
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/work.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/sched.h"

struct item {
	STAILQ_ENTRY(item) link;
	px_work_fn *fn, *done;
	void *arg;
};
STAILQ_HEAD(items, item);

struct px_work {
	struct event *event;
	int fd; /* eventfd: something is finished */
	bool started;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct items todo;     /* under lock */
	struct items finished; /* under lock */
	bool stopping;         /* written under lock, by the loop */
};

static void *run(void *arg)
{
	struct px_work *w = arg;
	px_sched_short_turns(false);
	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (STAILQ_EMPTY(&w->todo) && !w->stopping)
			pthread_cond_wait(&w->wake, &w->lock);
		if (w->stopping)
			break;
		struct item *item = STAILQ_FIRST(&w->todo);
		STAILQ_REMOVE_HEAD(&w->todo, link);
		pthread_mutex_unlock(&w->lock);
		item->fn(item->arg);
		pthread_mutex_lock(&w->lock);
		STAILQ_INSERT_TAIL(&w->finished, item, link);
		uint64_t one = 1;
		ssize_t n = write(w->fd, &one, sizeof(one));
		px_assert(n == sizeof(one));
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void run_done(struct items *items)
{
	struct item *item;
	while ((item = STAILQ_FIRST(items)) != NULL) {
		STAILQ_REMOVE_HEAD(items, link);
		item->done(item->arg);
		free(item);
	}
}

static void take(struct px_work *w, struct items *from, struct items *to)
{
	pthread_mutex_lock(&w->lock);
	STAILQ_CONCAT(to, from);
	pthread_mutex_unlock(&w->lock);
}

static void on_finished(evutil_socket_t fd, short what, void *arg)
{
	struct px_work *w = arg;
	uint64_t n;
	(void)what;
	if (read(fd, &n, sizeof(n)) < 0)
		return;
	struct items items = STAILQ_HEAD_INITIALIZER(items);
	take(w, &w->finished, &items);
	run_done(&items);
}

struct px_work *px_work_new(struct event_base *base)
{
	struct px_work *w = px_xcalloc(1, sizeof(*w));
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	px_assert(w->fd >= 0);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	STAILQ_INIT(&w->todo);
	STAILQ_INIT(&w->finished);
	w->event = event_new(base, w->fd, EV_READ | EV_PERSIST, on_finished, w);
	px_assert(w->event != NULL && event_add(w->event, NULL) == 0);
	return w;
}

/* Signals are the loop's. */
static void start(struct px_work *w)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	px_assert(rc == 0);
	w->started = true;
}

void px_work_run(struct px_work *w, px_work_fn *fn, px_work_fn *done, void *arg)
{
	struct item *item = px_xcalloc(1, sizeof(*item));
	item->fn = fn;
	item->done = done;
	item->arg = arg;
	pthread_mutex_lock(&w->lock);
	STAILQ_INSERT_TAIL(&w->todo, item, link);
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	if (!w->started && !w->stopping)
		start(w);
}

void px_work_free(struct px_work **work)
{
	struct px_work *w = *work;
	if (w == NULL)
		return;
	*work = NULL;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	if (w->started)
		pthread_join(w->thread, NULL);
	struct items items = STAILQ_HEAD_INITIALIZER(items);
	take(w, &w->finished, &items);
	do { /* an owner may submit more when told that its work is over */
		take(w, &w->todo, &items);
		run_done(&items);
	} while (!STAILQ_EMPTY(&w->todo));
	event_free(w->event);
	close(w->fd);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
	free(w);
}
