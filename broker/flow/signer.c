/* prinex: the signer thread
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/signer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SIGNER_MAGIC 0x53474e52u

/* Results are handed back after so many: one wake-up of the loop for many, none held back for long (RSA-2048
 * takes 0.3 ms each). */
enum { BATCH = 32 };

struct job {
	struct job *next;
	bool octets; /* sign `in` as it is, result in `out`; otherwise seal `in` */
	struct px_buf in, out;
	px_sealed *sealed;
	px_octets_signed *signed_;
	void *arg;
	int rc;
};

struct queue {
	struct job *first, **last;
};

struct px_signer {
	struct px_sealer sealer; /* first: px_signer_sealer */
	uint32_t magic;
	struct px_seal_key *key; /* immutable */
	int fd;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under lock */
	struct queue todo, done;
	bool stop, idle;
};

static struct px_signer *of_sealer(struct px_sealer *sealer)
{
	struct px_signer *s = (struct px_signer *)sealer;
	px_assert(s != NULL && s->magic == SIGNER_MAGIC);
	return s;
}

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void queue_add(struct queue *q, struct job *job)
{
	job->next = NULL;
	*q->last = job;
	q->last = &job->next;
}

static struct job *queue_take(struct queue *q)
{
	struct job *job = q->first;
	if (job != NULL) {
		q->first = job->next;
		if (q->first == NULL)
			q->last = &q->first;
	}
	return job;
}

/* Moves up to @max jobs from one queue's head to the other's tail. @return how many. */
static unsigned queue_move(struct queue *to, struct queue *from, unsigned max)
{
	unsigned n = 0;
	struct job *job;
	while (n < max && (job = queue_take(from)) != NULL) {
		queue_add(to, job);
		n++;
	}
	return n;
}

static void work(const struct px_signer *s, struct job *job)
{
	job->rc = job->octets ? px_seal_statement(s->key, job->in.data, job->in.len, &job->out)
			      : px_seal(s->key, &job->in);
}

static void tell_loop(const struct px_signer *s)
{
	uint64_t one = 1;
	while (write(s->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void *run(void *arg)
{
	struct px_signer *s = of_sealer(arg);
	struct queue batch;
	queue_init(&batch);
	pthread_mutex_lock(&s->lock);
	for (;;) {
		s->idle = true;
		while (s->todo.first == NULL && !s->stop)
			pthread_cond_wait(&s->wake, &s->lock);
		s->idle = false;
		if (queue_move(&batch, &s->todo, BATCH) == 0)
			break;
		pthread_mutex_unlock(&s->lock);
		for (struct job *job = batch.first; job != NULL; job = job->next)
			work(s, job);
		pthread_mutex_lock(&s->lock);
		bool told = s->done.first != NULL;
		queue_move(&s->done, &batch, BATCH);
		pthread_mutex_unlock(&s->lock);
		if (!told)
			tell_loop(s);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void submit(struct px_signer *s, struct job *job)
{
	pthread_mutex_lock(&s->lock);
	queue_add(&s->todo, job);
	bool idle = s->idle;
	pthread_mutex_unlock(&s->lock);
	/* Not under the lock: whoever wakes would wait for that at once. */
	if (idle)
		pthread_cond_signal(&s->wake);
}

static void seal(struct px_sealer *sealer, struct px_buf *doc, px_sealed *done, void *arg)
{
	struct job *job = px_xcalloc(1, sizeof(*job));
	*job = (struct job){.in = *doc, .sealed = done, .arg = arg};
	*doc = (struct px_buf)PX_BUF_INIT;
	submit(of_sealer(sealer), job);
}

static int seal_here(struct px_sealer *sealer, struct px_buf *doc)
{
	return px_seal(of_sealer(sealer)->key, doc);
}

static void sign(struct px_sealer *sealer, const void *data, size_t len, px_octets_signed *done, void *arg)
{
	struct job *job = px_xcalloc(1, sizeof(*job));
	*job = (struct job){.octets = true, .signed_ = done, .arg = arg};
	px_buf_add(&job->in, data, len);
	submit(of_sealer(sealer), job);
}

static void finish(struct job *job)
{
	bool good = job->rc == PX_OK;
	if (job->octets)
		job->signed_(job->arg, good ? job->out.data : NULL, good ? job->out.len : 0);
	else
		job->sealed(job->arg, good ? &job->in : NULL);
	px_buf_free(&job->in);
	px_buf_free(&job->out);
	free(job);
}

static bool start_thread(struct px_signer *s)
{
	/* signals belong to the loop */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int err = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = err;
	return err == 0;
}

int px_signer_new(struct px_seal_key **key, struct px_signer **out, struct px_buf *why)
{
	struct px_signer *s = px_xcalloc(1, sizeof(*s));
	s->sealer = (struct px_sealer){
	    .seal = seal, .sign = sign, .seal_here = px_seal_key_is_quick(*key) ? seal_here : NULL};
	s->magic = SIGNER_MAGIC;
	s->key = *key;
	*key = NULL;
	queue_init(&s->todo);
	queue_init(&s->done);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->fd >= 0 && start_thread(s)) {
		*out = s;
		return PX_OK;
	}
	px_buf_setf(why, "cannot start the signer: %s", strerror(errno));
	if (s->fd >= 0)
		close(s->fd);
	px_seal_key_free(&s->key);
	free(s);
	return PX_ESYS;
}

struct px_sealer *px_signer_sealer(struct px_signer *s)
{
	return &s->sealer;
}

const struct px_seal_key *px_signer_key(const struct px_signer *s)
{
	return s->key;
}

int px_signer_fd(const struct px_signer *s)
{
	return s->fd;
}

void px_signer_dispatch(struct px_signer *s)
{
	uint64_t count;
	struct queue done;
	queue_init(&done);
	/* Before: what is told from now on is told again. */
	while (read(s->fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&s->lock);
	queue_move(&done, &s->done, UINT32_MAX);
	pthread_mutex_unlock(&s->lock);
	struct job *job;
	while ((job = queue_take(&done)) != NULL)
		finish(job);
}

void px_signer_free(struct px_signer **signer)
{
	struct px_signer *s = *signer;
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	px_signer_dispatch(s);
	/* what those callbacks submitted */
	struct job *job;
	while ((job = queue_take(&s->todo)) != NULL) {
		work(s, job);
		finish(job);
	}
	close(s->fd);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->wake);
	px_seal_key_free(&s->key);
	free(s);
	*signer = NULL;
}
