/* prinex: one operation of the LMDB store on its way through the threads
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/op.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define OP_MAGIC 0x6f700001u

void *px_op_new(const struct px_op_kind *kind, size_t size)
{
	px_assert(size >= sizeof(struct px_op));
	struct px_op *op = px_xcalloc(1, size);
	op->magic = OP_MAGIC;
	op->kind = kind;
	return op;
}

void px_op_free(struct px_op **op)
{
	px_assert((*op)->magic == OP_MAGIC);
	if ((*op)->kind->release != NULL)
		(*op)->kind->release(*op);
	px_scratch_free(&(*op)->scratch);
	(*op)->magic = 0;
	PX_FREE(*op);
}

/* --- queues ------------------------------------------------------------------------------------------ */

/* More than this need not come together: most of what can be shared is shared. */
#define COMPANY 16

/* What is patient may wait so many us for something prompt, however fast the disk is: a flush costs the
 * processor as much as doing ten of them. */
#define CALM 2000

int64_t px_op_now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void px_op_queue_init(struct px_op_queue *q)
{
	pthread_condattr_t attr;
	*q = (struct px_op_queue){.last = NULL};
	q->last = &q->first;
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->wake, &attr);
	pthread_condattr_destroy(&attr);
}

void px_op_queue_destroy(struct px_op_queue *q)
{
	px_assert(q->first == NULL);
	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->wake);
}

/* There is no use in waiting longer. */
static bool is_ready(const struct px_op_queue *q)
{
	unsigned n_prompt = q->n - q->n_patient - q->n_free;
	if (q->stop || q->n_patient >= COMPANY)
		return true;
	return q->n > 0 && q->n_bodies >= q->wanted && (n_prompt > 0 || q->n_patient == 0);
}

static void count_in(struct px_op_queue *q, const struct px_op *op)
{
	if (q->n++ == 0)
		q->since = px_op_now_us();
	q->n_patient += op->haste == PX_OP_PATIENT;
	q->n_free += op->haste == PX_OP_FREE;
	q->n_bodies += op->weight > 0;
	q->wanted = PX_MAX(q->wanted, PX_MIN(op->coming / 2, COMPANY));
	/* A thread that waits for company is woken when that is there, not by each that comes. */
	if (q->waiting && (q->n == 1 || is_ready(q)))
		pthread_cond_signal(&q->wake);
}

bool px_op_queue_offer(struct px_op_queue *q, struct px_op *op, unsigned limit)
{
	pthread_mutex_lock(&q->lock);
	bool taken = q->n < limit;
	if (taken) {
		op->next = NULL;
		*q->last = op;
		q->last = &op->next;
		count_in(q, op);
	}
	pthread_mutex_unlock(&q->lock);
	return taken;
}

void px_op_queue_push(struct px_op_queue *q, struct px_op *op)
{
	px_op_queue_offer(q, op, UINT32_MAX);
}

void px_op_queue_push_first(struct px_op_queue *q, struct px_op *op)
{
	pthread_mutex_lock(&q->lock);
	op->next = q->first;
	if (q->first == NULL)
		q->last = &op->next;
	q->first = op;
	count_in(q, op);
	pthread_mutex_unlock(&q->lock);
}

/* @return false: @until (mono us; -1: never) has come. */
static bool wait_locked(struct px_op_queue *q, int64_t until)
{
	const struct timespec t = {until / 1000000, until % 1000000 * 1000};
	q->waiting = true;
	int rc = until < 0 ? pthread_cond_wait(&q->wake, &q->lock)
			   : pthread_cond_timedwait(&q->wake, &q->lock, &t);
	q->waiting = false;
	return rc != ETIMEDOUT;
}

static struct px_op *pop_locked(struct px_op_queue *q)
{
	struct px_op *op = q->first;
	q->first = op->next;
	if (q->first == NULL)
		q->last = &q->first;
	q->n--;
	q->n_patient -= op->haste == PX_OP_PATIENT;
	q->n_free -= op->haste == PX_OP_FREE;
	q->n_bodies -= op->weight > 0;
	op->next = NULL;
	return op;
}

static struct px_op *take_locked(struct px_op_queue *q, unsigned max, size_t weight, bool *stop)
{
	struct px_op *list = NULL, **end = &list;
	for (unsigned n = 0; q->first != NULL && n < max && (n == 0 || q->first->weight <= weight); n++) {
		struct px_op *op = pop_locked(q);
		weight -= PX_MIN(weight, op->weight);
		*end = op;
		end = &op->next;
	}
	q->wanted = 0;
	*stop = q->stop && list == NULL;
	return list;
}

struct px_op *px_op_queue_take(struct px_op_queue *q, unsigned max, size_t weight, int wait_ms, bool *stop)
{
	pthread_mutex_lock(&q->lock);
	int64_t until = wait_ms < 0 ? -1 : px_op_now_us() + (int64_t)wait_ms * 1000;
	bool wait = wait_ms != 0;
	while (wait && q->first == NULL && !q->stop)
		wait = wait_locked(q, until);
	struct px_op *list = take_locked(q, max, weight, stop);
	pthread_mutex_unlock(&q->lock);
	return list;
}

struct px_op *px_op_queue_gather(struct px_op_queue *q, unsigned max, size_t weight, int64_t patience,
				 int64_t until, bool *stop)
{
	bool wait = true;
	pthread_mutex_lock(&q->lock);
	while (wait && !is_ready(q) && !q->kicked) {
		int64_t company = q->n > 0 ? q->since + (q->n_bodies == 0 ? PX_MAX(patience, CALM) : patience)
					   : -1;
		wait = wait_locked(q, company < 0 || (until >= 0 && until < company) ? until : company);
	}
	q->kicked = false;
	struct px_op *list = take_locked(q, max, weight, stop);
	pthread_mutex_unlock(&q->lock);
	return list;
}

void px_op_queue_kick(struct px_op_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->kicked = true;
	pthread_cond_signal(&q->wake);
	pthread_mutex_unlock(&q->lock);
}

void px_op_queue_stop(struct px_op_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->stop = true;
	pthread_cond_signal(&q->wake);
	pthread_mutex_unlock(&q->lock);
}

/* --- the way back ------------------------------------------------------------------------------------ */

int px_op_return_init(struct px_op_return *r)
{
	*r = (struct px_op_return){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	r->last = &r->first;
	pthread_mutex_init(&r->lock, NULL);
	return r->fd >= 0 ? PX_OK : PX_ESYS;
}

void px_op_return_destroy(struct px_op_return *r)
{
	px_assert(r->first == NULL);
	if (r->fd >= 0)
		close(r->fd);
	pthread_mutex_destroy(&r->lock);
}

void px_op_return_push(struct px_op_return *r, struct px_op *list)
{
	if (list == NULL)
		return;
	struct px_op **end = &list->next;
	while (*end != NULL)
		end = &(*end)->next;
	pthread_mutex_lock(&r->lock);
	bool was_empty = r->first == NULL;
	*r->last = list;
	r->last = end;
	pthread_mutex_unlock(&r->lock);
	if (was_empty)
		px_op_return_wake(r);
}

void px_op_return_wake(struct px_op_return *r)
{
	uint64_t one = 1;
	if (write(r->fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
		px_assert(errno == EAGAIN); /* already readable for ever */
}

struct px_op *px_op_return_take(struct px_op_return *r)
{
	uint64_t count;
	ssize_t ignored = read(r->fd, &count, sizeof(count)); /* EAGAIN: nothing new */
	(void)ignored;
	pthread_mutex_lock(&r->lock);
	struct px_op *list = r->first;
	r->first = NULL;
	r->last = &r->first;
	pthread_mutex_unlock(&r->lock);
	return list;
}
