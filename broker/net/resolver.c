/* prinex: host names to addresses, in helper threads
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "net/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/buf.h"

#define FRESH_MS  60000
#define STACK     (256 * 1024)
#define ADDRESSES 8 /* of one name */

struct px_lookup {
	LIST_ENTRY(px_lookup) entry;
	px_resolved *done;
	void *arg;
};

struct name {
	LIST_ENTRY(name) entry;
	char *host;
	struct px_buf addresses; /* the last that were found */
	int64_t fresh_until;
	bool wanted, running;
	LIST_HEAD(px_lookup_list, px_lookup) lookups;
};

/* A question on its way to a thread and back. */
struct question {
	STAILQ_ENTRY(question) entry;
	struct shared *shared;
	char *host;
	int error; /* of getaddrinfo, 0 found */
	struct px_buf addresses;
};

STAILQ_HEAD(questions, question);

/* What threads share with the loop; lives until the last of them has ended. */
struct shared {
	pthread_mutex_t lock;
	unsigned refs;
	bool closed;
	int wake;
	struct questions answers;
};

struct px_resolver {
	struct px_timers *timers;
	struct shared *shared;
	struct event *event;
	unsigned threads, n_names;
	LIST_HEAD(name_list, name) names;
};

static void free_question(struct question *q)
{
	free(q->host);
	px_buf_free(&q->addresses);
	free(q);
}

static void shared_unref(struct shared *s)
{
	pthread_mutex_lock(&s->lock);
	bool last = --s->refs == 0;
	pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	struct question *q;
	while ((q = STAILQ_FIRST(&s->answers)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->answers, entry);
		free_question(q);
	}
	close(s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* --- in the thread -------------------------------------------------------------------------------------- */

static void add_addresses(struct px_buf *out, const struct addrinfo *list)
{
	unsigned n = 0;
	for (const struct addrinfo *ai = list; ai != NULL && n < ADDRESSES; ai = ai->ai_next) {
		char text[NI_MAXHOST];
		if (getnameinfo(ai->ai_addr, ai->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST) !=
		    0)
			continue;
		px_buf_addf(out, ai->ai_family == AF_INET6 ? "%s[%s]" : "%s%s", n++ > 0 ? "," : "", text);
	}
}

static void *ask(void *arg)
{
	struct question *q = arg;
	struct shared *s = q->shared;
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	q->error = getaddrinfo(q->host, NULL, &hints, &list);
	if (q->error == 0) {
		add_addresses(&q->addresses, list);
		freeaddrinfo(list);
		if (q->addresses.len == 0)
			q->error = EAI_NONAME;
	}
	pthread_mutex_lock(&s->lock);
	STAILQ_INSERT_TAIL(&s->answers, q, entry);
	uint64_t one = 1;
	ssize_t ignored = s->closed ? 0 : write(s->wake, &one, sizeof(one));
	(void)ignored;
	pthread_mutex_unlock(&s->lock);
	shared_unref(s);
	return NULL;
}

/* --- on the loop ---------------------------------------------------------------------------------------- */

static bool start_thread(struct px_resolver *r, struct name *name)
{
	struct question *q = px_xcalloc(1, sizeof(*q));
	q->host = px_xstrdup(name->host);
	q->shared = r->shared;
	pthread_mutex_lock(&r->shared->lock);
	r->shared->refs++;
	pthread_mutex_unlock(&r->shared->lock);
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK);
	sigfillset(&all); /* signals are the loop's to handle */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&thread, &attr, ask, q);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (rc == 0)
		return true;
	shared_unref(r->shared);
	free_question(q);
	return false;
}

static void start_wanted(struct px_resolver *r)
{
	struct name *name = LIST_FIRST(&r->names);
	for (; name != NULL; name = LIST_NEXT(name, entry)) {
		if (!name->wanted || name->running)
			continue;
		if (r->threads >= PX_RESOLVER_THREADS || !start_thread(r, name))
			return;
		name->running = true;
		r->threads++;
	}
}

static void tell(struct name *name, const char *why)
{
	const char *addresses = name->addresses.len > 0 ? px_buf_str(&name->addresses) : NULL;
	struct px_lookup *l;
	while ((l = LIST_FIRST(&name->lookups)) != NULL) {
		px_resolved *done = l->done;
		void *arg = l->arg;
		LIST_REMOVE(l, entry);
		free(l);
		done(arg, addresses, why);
	}
}

static struct name *find(struct px_resolver *r, const char *host)
{
	struct name *name = LIST_FIRST(&r->names);
	for (; name != NULL; name = LIST_NEXT(name, entry)) {
		if (strcmp(name->host, host) == 0)
			return name;
	}
	return NULL;
}

static void take_answer(struct px_resolver *r, struct question *q)
{
	struct name *name = find(r, q->host);
	r->threads--;
	px_assert(name != NULL && name->running);
	name->running = name->wanted = false;
	if (q->error == 0) {
		px_buf_free(&name->addresses);
		name->addresses = q->addresses;
		q->addresses = (struct px_buf)PX_BUF_INIT;
		name->fresh_until = px_clock_mono(px_timers_clock(r->timers)) + FRESH_MS;
	}
	tell(name, q->error == 0 ? "" : gai_strerror(q->error));
	free_question(q);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	struct px_resolver *r = arg;
	struct shared *s = r->shared;
	uint64_t count;
	struct questions answers = STAILQ_HEAD_INITIALIZER(answers);
	ssize_t ignored = read(fd, &count, sizeof(count));
	(void)ignored;
	pthread_mutex_lock(&s->lock);
	STAILQ_CONCAT(&answers, &s->answers);
	pthread_mutex_unlock(&s->lock);
	struct question *q;
	while ((q = STAILQ_FIRST(&answers)) != NULL) {
		STAILQ_REMOVE_HEAD(&answers, entry);
		take_answer(r, q);
	}
	start_wanted(r);
}

struct px_resolver *px_resolver_new(struct event_base *base, struct px_timers *timers)
{
	struct px_resolver *r = px_xcalloc(1, sizeof(*r));
	struct shared *s = px_xcalloc(1, sizeof(*s));
	r->timers = timers;
	r->shared = s;
	s->refs = 1;
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	px_assert(s->wake >= 0);
	pthread_mutex_init(&s->lock, NULL);
	STAILQ_INIT(&s->answers);
	r->event = event_new(base, s->wake, EV_READ | EV_PERSIST, on_wake, r);
	px_assert(r->event != NULL);
	event_add(r->event, NULL);
	return r;
}

static void free_name(struct px_resolver *r, struct name *name)
{
	struct px_lookup *l;
	while ((l = LIST_FIRST(&name->lookups)) != NULL) {
		LIST_REMOVE(l, entry);
		free(l);
	}
	LIST_REMOVE(name, entry);
	px_buf_free(&name->addresses);
	free(name->host);
	free(name);
	r->n_names--;
}

void px_resolver_free(struct px_resolver **resolver)
{
	struct px_resolver *r = *resolver;
	if (r == NULL)
		return;
	event_free(r->event);
	pthread_mutex_lock(&r->shared->lock);
	r->shared->closed = true;
	pthread_mutex_unlock(&r->shared->lock);
	shared_unref(r->shared);
	while (!LIST_EMPTY(&r->names))
		free_name(r, LIST_FIRST(&r->names));
	PX_FREE(*resolver);
}

const char *px_resolver_known(struct px_resolver *resolver, const char *host)
{
	const struct name *name = find(resolver, host);
	if (name == NULL || name->addresses.len == 0 ||
	    px_clock_mono(px_timers_clock(resolver->timers)) >= name->fresh_until)
		return NULL;
	return px_buf_str(&name->addresses);
}

struct px_lookup *px_resolver_lookup(struct px_resolver *resolver, const char *host, px_resolved *done,
				     void *arg)
{
	struct name *name = find(resolver, host);
	if (name == NULL) {
		name = px_xcalloc(1, sizeof(*name));
		name->host = px_xstrdup(host);
		LIST_INSERT_HEAD(&resolver->names, name, entry);
		resolver->n_names++;
	}
	struct px_lookup *l = px_xcalloc(1, sizeof(*l));
	l->done = done;
	l->arg = arg;
	LIST_INSERT_HEAD(&name->lookups, l, entry);
	name->wanted = true;
	start_wanted(resolver);
	return l;
}

void px_resolver_cancel(struct px_lookup **lookup)
{
	struct px_lookup *l = *lookup;
	*lookup = NULL;
	if (l == NULL)
		return;
	LIST_REMOVE(l, entry);
	free(l);
}

void px_resolver_doubt(struct px_resolver *resolver, const char *host)
{
	struct name *name = find(resolver, host);
	if (name != NULL)
		name->fresh_until = 0;
}
