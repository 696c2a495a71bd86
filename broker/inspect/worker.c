/* prinex: one inspector as the broker sees it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "inspect/pool_parts.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/strings.h"
#include "inspect/codec.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS   10000
/* What waits at one inspector, in octets: two of the largest small documents, or more that are smaller. */
#define AHEAD_MAX (2 * PX_INSPECT_SMALL)
/* Fresh pages for a large document cost as much as copying it: they are kept while such documents come. */
#define SHRINK_MS 500

static const char *const reasons[] = {"crash", "cpu", "wall", "garbage", "replaced"};

void px_worker_init(struct px_worker *w, struct px_pool *pool, unsigned index)
{
	*w = (struct px_worker){.magic = PX_WORKER_MAGIC,
				.pool = pool,
				.index = index,
				.pidfd = -1,
				.sock = -1,
				.arena = {.fd = -1}};
}

/* CPU time of the whole process, by the kernel's account: the inspector cannot forge it. */
static int64_t cpu_now(const struct px_worker *w)
{
	struct timespec ts;
	if (clock_gettime(w->cpu_clock, &ts) != 0)
		return w->cpu_seen; /* it has just died */
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void count_cpu(struct px_worker *w, int64_t now)
{
	if (now > w->cpu_seen)
		px_metric_add(w->pool->setup.metrics, PX_M_INSPECT_CPU, (double)(now - w->cpu_seen) / 1e9,
			      NULL, NULL, NULL);
	w->cpu_seen = now;
}

/* Its CPU time is looked at from the next tick on: a clock of another process is a system call, and most work
 * has ended before. */
static void begin_work(struct px_worker *w)
{
	w->since = px_pool_mono(w->pool);
	w->cpu_since = -1;
}

/* --- birth -----------------------------------------------------------------------------------------------
 */

static void retry_birth(void *arg)
{
	struct px_worker *w = PX_CAST(arg, struct px_worker, PX_WORKER_MAGIC);
	px_worker_ask(w);
}

static void kill_process(const struct px_worker *w)
{
	syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL, 0);
}

static void release(struct px_worker *w)
{
	if (w->readable != NULL)
		event_free(w->readable);
	w->readable = NULL;
	if (w->pidfd >= 0) {
		kill_process(w);
		close(w->pidfd);
	}
	if (w->sock >= 0)
		close(w->sock);
	w->pidfd = w->sock = -1;
	px_arena_close(&w->arena);
	w->state = PX_WORKER_DOWN;
	w->n_flight = 0;
	w->alone = w->condemned = false;
}

void px_worker_not_born(struct px_worker *w, const char *why)
{
	struct px_pool *pool = w->pool;
	release(w);
	if (pool->state == PX_POOL_STARTING) {
		px_pool_fail(pool, PX_ESYS, why);
		return;
	}
	int64_t ms = BACKOFF_FIRST_MS << PX_MIN(w->failures, 7u);
	ms = PX_MIN(ms, (int64_t)BACKOFF_MAX_MS);
	w->failures++;
	px_warnx("inspect", "generation=%llu no inspector, trying again in %lld ms: %s",
		 (unsigned long long)pool->setup.generation, (long long)ms, why);
	px_metric_add(pool->setup.metrics, PX_M_INSPECTOR_RESTARTS, 1, "fork", NULL, NULL);
	px_timer_set(pool->setup.timers, &w->backoff, ms, retry_birth, w);
}

void px_worker_ask(struct px_worker *w)
{
	struct px_pool *pool = w->pool;
	px_assert(w->state == PX_WORKER_DOWN);
	if (px_arena_new(pool->setup.body_limit, &w->arena) != PX_OK) {
		struct px_buf why = PX_BUF_INIT;
		px_buf_setf(&why, "cannot make an arena: %s", strerror(errno));
		px_worker_not_born(w, px_buf_str(&why));
		px_buf_free(&why);
		return;
	}
	w->serial = ++pool->last_serial;
	w->state = PX_WORKER_ASKED;
	if (px_link_ask(pool, w->serial, w->arena.fd) != PX_OK)
		px_worker_not_born(w, "the inspectors' parent does not listen");
}

static void on_readable(evutil_socket_t fd, short what, void *arg);

void px_worker_born(struct px_worker *w, pid_t pid, int pidfd, int sock)
{
	struct px_pool *pool = w->pool;
	w->pid = pid;
	w->pidfd = pidfd;
	w->sock = sock;
	w->state = PX_WORKER_BORN;
	w->served = 0;
	w->cpu_seen = 0;
	w->since = px_pool_mono(pool);
	if (clock_getcpuclockid(pid, &w->cpu_clock) != 0) {
		px_worker_not_born(w, "its CPU time cannot be measured (clock_getcpuclockid)");
		return;
	}
	w->readable = event_new(pool->setup.base, sock, EV_READ | EV_PERSIST, on_readable, w);
	px_assert(w->readable != NULL && event_add(w->readable, NULL) == 0);
	px_pool_watch(pool);
}

static void on_hello(struct px_worker *w)
{
	struct px_wire_hello hello;
	int rc = px_wire_recv(w->sock, &hello, sizeof(hello), NULL, NULL, MSG_DONTWAIT);
	if (rc == PX_EAGAIN)
		return;
	if (rc != PX_OK) {
		px_worker_not_born(w, "an inspector died before its sandbox stood");
		return;
	}
	hello.text[sizeof(hello.text) - 1] = '\0';
	if (!hello.ok) {
		px_worker_not_born(w, hello.text);
		return;
	}
	w->state = PX_WORKER_UP;
	px_log(PX_LOG_DEBUG, "inspect", "pid=%d generation=%llu inspector %u stands", (int)w->pid,
	       (unsigned long long)w->pool->setup.generation, w->index);
	px_pool_worker_up(w->pool);
}

/* --- death -----------------------------------------------------------------------------------------------
 */

void px_worker_stop(struct px_worker *w)
{
	if (w->state == PX_WORKER_UP)
		count_cpu(w, cpu_now(w));
	px_timer_stop(w->pool->setup.timers, &w->backoff);
	for (unsigned i = 0; i < w->n_flight; i++) {
		if (w->flight[i].job != NULL)
			px_pool_finish(w->pool, w->flight[i].job, PX_ECANCELLED, NULL);
	}
	release(w);
}

/* The job that was in work is the suspect. */
static void suspect_died(struct px_worker *w, struct px_job *job, enum px_why_dead why)
{
	const struct px_body *body = job->request.body;
	uint8_t octets[PX_DIGEST_LEN]; /* an answer's body comes without */
	char digest[PX_DIGEST_HEX];
	px_sha256(body->data, body->len, octets);
	px_hex(octets, PX_DIGEST_LEN, digest);
	job->deaths++;
	px_warnx("inspect", "pid=%d digest=%s octets=%zu try=%u the inspector of a message was lost (%s)",
		 (int)w->pid, digest, body->len, job->deaths, reasons[why]);
	if (job->deaths >= 2)
		px_pool_finish(w->pool, job, why == PX_DEAD_WALL ? PX_ETIMEOUT : PX_ECRASH, NULL);
	else
		px_jobs_append(&w->pool->retries, job);
}

void px_worker_give_back(struct px_worker *w)
{
	for (unsigned i = w->n_flight; i-- > 1;) {
		if (w->flight[i].job != NULL)
			px_turns_put_back(&w->pool->queue, w->flight[i].job);
		w->flight[i].job = NULL;
	}
}

static void die(struct px_worker *w, enum px_why_dead why)
{
	struct px_pool *pool = w->pool;
	if (px_link_is_dead(pool)) {
		/* It died with its parent, which px_pool_fail will be told: no message is to blame. */
		px_worker_stop(w);
		return;
	}
	bool idle_death = w->n_flight == 0 && w->served == 0;
	count_cpu(w, cpu_now(w));
	px_metric_add(pool->setup.metrics, PX_M_INSPECTOR_RESTARTS, 1, reasons[why], NULL, NULL);
	px_worker_give_back(w);
	if (w->n_flight > 0 && w->flight[0].job != NULL)
		suspect_died(w, w->flight[0].job, why);
	release(w);
	if (idle_death) {
		px_worker_not_born(w, "an inspector died without having had a message");
		return;
	}
	w->failures = 0;
	px_worker_ask(w);
	px_pool_dispatch(pool);
}

/* --- requests and answers --------------------------------------------------------------------------------
 */

bool px_worker_is_slow(const struct px_worker *w)
{
	return w->n_flight > 0 && px_pool_mono(w->pool) - w->since >= PX_POOL_TICK_MS;
}

size_t px_worker_ahead(const struct px_worker *w)
{
	size_t octets = 0;
	for (unsigned i = 0; i < w->n_flight; i++)
		octets += w->flight[i].len;
	return octets;
}

bool px_worker_can_take(const struct px_worker *w, bool behind, size_t len)
{
	if (w->state != PX_WORKER_UP || w->condemned ||
	    w->served + w->n_flight >= w->pool->setup.messages_max)
		return false;
	if (!behind)
		return w->n_flight == 0;
	/* Behind what is short, while it looks short: nobody waits behind a document that takes its time. */
	return w->n_flight > 0 && w->n_flight < PX_ARENA_SLOTS && !w->alone && len <= PX_INSPECT_SMALL &&
	       w->flight[0].len <= PX_INSPECT_SMALL && px_worker_ahead(w) + len <= AHEAD_MAX &&
	       !px_worker_is_slow(w);
}

/* The first, so that few of them are in use and in the caches; one is free. */
static unsigned free_slot(const struct px_worker *w)
{
	uint32_t used = 0;
	for (unsigned i = 0; i < w->n_flight; i++)
		used |= UINT32_C(1) << w->flight[i].slot;
	return (unsigned)__builtin_ctz(~used);
}

static struct px_wire_request make_request(const struct px_flight *f, const struct px_pool_request *r)
{
	struct px_wire_request wire;
	memset(&wire, 0, sizeof(wire));
	wire.magic = PX_WIRE_MAGIC;
	wire.slot = f->slot;
	wire.cookie = f->cookie;
	wire.len = f->len;
	wire.now = r->now;
	wire.kind = r->kind;
	wire.roles = r->roles;
	wire.first_broker = r->first_broker;
	wire.has_expected = r->has_expected;
	memcpy(wire.expected_digest, r->expected_digest, PX_DIGEST_LEN);
	px_strlcpy(wire.partner, r->partner, sizeof(wire.partner));
	px_strlcpy(wire.expected_sender, r->expected_sender, sizeof(wire.expected_sender));
	px_strlcpy(wire.expected_id, r->expected_id, sizeof(wire.expected_id));
	return wire;
}

bool px_worker_assign(struct px_worker *w, struct px_job *job, bool alone)
{
	px_assert(w->state == PX_WORKER_UP && w->n_flight < PX_ARENA_SLOTS);
	const struct px_body *body = job->request.body;
	struct px_flight *f = &w->flight[w->n_flight];
	*f = (struct px_flight){.job = job,
				.slot = free_slot(w),
				.cookie = ++w->pool->last_cookie,
				.len = body->len,
				.kind = job->request.kind};
	px_arena_put(&w->arena, f->slot, body->data, body->len);
	const struct px_wire_request wire = make_request(f, &job->request);
	if (px_wire_send(w->sock, &wire, sizeof(wire), NULL, 0, MSG_DONTWAIT) != PX_OK) {
		/* It is dead or as good as dead, and this message has no part in that. The end of its
		 * socket shows in a moment; until then it takes nothing. */
		w->condemned = true;
		kill_process(w);
		return false;
	}
	if (w->n_flight++ == 0)
		begin_work(w);
	w->alone = alone;
	px_pool_watch(w->pool);
	return true;
}

/* The flight in work has its answer: the next one, if any, is in work now. */
static struct px_flight land(struct px_worker *w)
{
	struct px_flight f = w->flight[0];
	memmove(w->flight, w->flight + 1, --w->n_flight * sizeof(w->flight[0]));
	w->alone = false;
	w->served++;
	w->failures = 0;
	begin_work(w);
	return f;
}

/* @return NULL: not a verdict on what was asked. */
static struct px_verdict *read_verdict(struct px_worker *w, const struct px_wire_answer *a)
{
	const struct px_flight *f = &w->flight[0];
	if (w->n_flight == 0 || a->cookie != f->cookie || a->slot != f->slot ||
	    a->verdict_len > (uint64_t)PX_LIMIT_VERDICT)
		return NULL;
	struct px_buf copy = PX_BUF_INIT;
	struct px_verdict *v = NULL;
	px_arena_copy_verdict(&w->arena, f->slot, (size_t)a->verdict_len, &copy);
	int rc = px_verdict_decode(copy.data, copy.len, f->len, &v);
	px_buf_free(&copy);
	if (rc == PX_OK && v->kind != f->kind)
		px_verdict_free(&v);
	return v;
}

static void on_answer(struct px_worker *w, const struct px_wire_answer *answer)
{
	struct px_verdict *v = read_verdict(w, answer);
	if (v == NULL) {
		die(w, PX_DEAD_GARBAGE);
		return;
	}
	struct px_flight f = land(w);
	if (f.job != NULL)
		px_pool_finish(w->pool, f.job, PX_OK, v);
	else
		px_verdict_free(&v);
	if (w->n_flight == 0 && w->served >= w->pool->setup.messages_max)
		die(w, PX_DEAD_REPLACED);
}

/* @return whether there was an answer, and the same inspector is still there. */
static bool read_answer(struct px_worker *w)
{
	struct px_wire_answer answer;
	uint64_t serial = w->serial;
	int rc = px_wire_recv(w->sock, &answer, sizeof(answer), NULL, NULL, MSG_DONTWAIT);
	if (rc == PX_EAGAIN)
		return false;
	if (rc == PX_OK)
		on_answer(w, &answer);
	else
		die(w, rc == PX_EPARSE ? PX_DEAD_GARBAGE : PX_DEAD_CRASH);
	return w->state == PX_WORKER_UP && w->serial == serial;
}

static void on_readable(evutil_socket_t fd PX_UNUSED, short what PX_UNUSED, void *arg)
{
	struct px_worker *w = PX_CAST(arg, struct px_worker, PX_WORKER_MAGIC);
	bool some = false;
	if (w->state == PX_WORKER_BORN) {
		on_hello(w);
		return;
	}
	/* It works on while the loop is elsewhere: all that it has done, before it gets more. With nothing in
	 * work it has only its end to tell. */
	while (read_answer(w)) {
		some = true;
		if (w->n_flight == 0)
			break;
	}
	if (some)
		px_pool_dispatch(w->pool);
}

void px_worker_check(struct px_worker *w)
{
	const struct px_pool_setup *setup = &w->pool->setup;
	/* An answer may wait unread because the loop was busy: that is not the inspector's delay. */
	while (w->state == PX_WORKER_UP && read_answer(w))
		;
	int64_t age = px_pool_mono(w->pool) - w->since;
	if (w->state == PX_WORKER_UP && w->n_flight == 0 && age > SHRINK_MS)
		px_arena_shrink(&w->arena);
	if (w->state == PX_WORKER_BORN && age > setup->wall_ms)
		px_worker_not_born(w, "an inspector does not say that its sandbox stands");
	if (w->state != PX_WORKER_UP)
		return;
	int64_t cpu = cpu_now(w);
	count_cpu(w, cpu);
	if (w->n_flight == 0)
		return;
	if (w->cpu_since < 0)
		w->cpu_since = cpu;
	int64_t cpu_ms = (cpu - w->cpu_since) / 1000000;
	int64_t may_ms = setup->cpu_ms + (int64_t)w->flight[0].len * PX_LIMIT_INSPECT_CPU_MB / (1024 * 1024);
	if (cpu_ms > may_ms)
		die(w, PX_DEAD_CPU);
	else if (age > setup->wall_ms)
		die(w, PX_DEAD_WALL);
}

bool px_worker_needs_watch(const struct px_worker *w)
{
	return w->n_flight > 0 || w->state == PX_WORKER_BORN ||
	       (w->state == PX_WORKER_UP && px_arena_is_swollen(&w->arena));
}
