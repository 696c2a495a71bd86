/* prinex: one operation of the LMDB store on its way through the threads
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_OP_H
#define PX_STORE_OP_H

#include <pthread.h>

#include "store/wtx.h"

/*
 * An operation is made on the loop thread with copies of its request, goes to the writer or the reader (or
 * from one to the other), and comes back to the loop, where its callback runs and it is freed. It belongs to
 *one thread at a time; the queues between them are the only shared places.
 *
 *	loop: px_op_new, fill in, submit   ->  writer: kind->write   \
 *	                                   ->  reader: kind->read    -> loop: kind->answer, free
 */

struct px_op;

/** Where an operation goes when write or read has returned. */
enum px_op_then {
	PX_OP_DONE,  /* to the loop */
	PX_OP_WRITE, /* to the writer (first in its queue) */
	PX_OP_YIELD, /* to the writer, behind all that waits there */
	PX_OP_READ   /* to the reader (last in its queue) */
};

/** What is flushed together shares most of what a flush costs: pages that several of them change, the roots
 * of all tables, the flush itself. So the writer waits for company where that harms nobody. */
enum px_op_haste {
	PX_OP_PROMPT,  /* somebody waits for it */
	PX_OP_PATIENT, /* it goes with the next that is prompt, which is coming, or after a moment */
	PX_OP_FREE /* somebody does, but as a rule it writes nothing: no reason to flush what is patient */
};

struct px_op_kind {
	const char *name;
	/** In a write transaction; sets rc. May run again from the start when the transaction failed.
	 * `then` takes effect after the commit. */
	enum px_op_then (*write)(struct px_op *op, struct px_wtx *w);
	/** In a read transaction that sees all that was acknowledged before; sets rc. PX_OP_READ: there is
	 * more to do, let others go first. */
	enum px_op_then (*read)(struct px_op *op, struct px_tx *tx, struct px_leases *leases);
	/** Its answer is looked at, and found again if need be: with a transaction that is behind it may be
	 * old, but nothing is missing from it without saying so. All others are PX_EFULL then. */
	bool shows;
	/** It failed for good (rc), its transaction undone: end the leases that earlier turns of it took, or
	 * that it should have ended. NULL: nothing. Thread: writer. */
	void (*failed)(struct px_op *op, struct px_leases *leases);
	/** Run the callback; or set `then` to PX_OP_WRITE: it is not done yet. Thread: loop. */
	void (*answer)(struct px_op *op);
	/** Release what is not in scratch; NULL: nothing. */
	void (*release)(struct px_op *op);
};

/** What every operation begins with. */
struct px_op {
	uint32_t magic;
	int rc;
	const struct px_op_kind *kind;
	struct px_op *next;
	enum px_op_haste haste; /* in the writer's queue */
	int64_t now;            /* wall ms when it was submitted */
	size_t weight;          /* octets of body it brings into a transaction */
	unsigned coming;        /* so many more that bring a body are likely within milliseconds */
	enum px_op_then then;
	bool reads_old; /* on its way to the reader: all that it reads there is committed long since */
	struct px_scratch scratch; /* copies of the request, and results */
};

/** @return an operation of @size octets, zeroed but for kind. */
void *px_op_new(const struct px_op_kind *kind, size_t size);
void px_op_free(struct px_op **op);

/** Monotonic time in us. */
int64_t px_op_now_us(void);

/* --- queues between threads: first in, first out. Thread: any. */

struct px_op_queue {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct px_op *first, **last; /* guarded by lock, as all below */
	unsigned n;
	int64_t since;                        /* mono us: when it ceased to be empty */
	unsigned n_patient, n_free, n_bodies; /* that are so; that bring a body */
	unsigned wanted;                      /* bodies that are worth a moment */
	bool waiting;                         /* its thread sleeps */
	bool kicked;
	bool stop;
};

void px_op_queue_init(struct px_op_queue *q);
void px_op_queue_destroy(struct px_op_queue *q);
void px_op_queue_push(struct px_op_queue *q, struct px_op *op);
/** Before all others. */
void px_op_queue_push_first(struct px_op_queue *q, struct px_op *op);
/** Unless @limit already wait. @return whether it was taken. */
bool px_op_queue_offer(struct px_op_queue *q, struct px_op *op, unsigned limit);
/**
 * Take up to @max operations that weigh no more than @weight together (but at least one), linked by next.
 * Blocks up to @wait_ms (-1: for ever, 0: not at all). *@stop when px_op_queue_stop was called and nothing is
 * left.
 */
struct px_op *px_op_queue_take(struct px_op_queue *q, unsigned max, size_t weight, int wait_ms, bool *stop);
/**
 * As px_op_queue_take, but in company: what is patient waits up to @patience us for something prompt, what
 * brings a body as long for half of those that are coming, and what is free goes along. Waits until @until
 * (mono us; -1: for ever) for anything at all.
 */
struct px_op *px_op_queue_gather(struct px_op_queue *q, unsigned max, size_t weight, int64_t patience,
				 int64_t until, bool *stop);
/** A px_op_queue_gather that waits, or else the next one, answers at once. */
void px_op_queue_kick(struct px_op_queue *q);
void px_op_queue_stop(struct px_op_queue *q);

/* --- the way back to the loop: a list and an eventfd, written once for each time the list was empty */

struct px_op_return {
	pthread_mutex_t lock;
	struct px_op *first, **last; /* guarded by lock */
	int fd;
};

/** @return PX_OK or PX_ESYS. */
int px_op_return_init(struct px_op_return *r);
void px_op_return_destroy(struct px_op_return *r);
/** Give back a list of operations. Thread: any. */
void px_op_return_push(struct px_op_return *r, struct px_op *list);
/** Wake the loop although nothing comes back. Thread: any. */
void px_op_return_wake(struct px_op_return *r);
/** All that came back. Thread: loop. */
struct px_op *px_op_return_take(struct px_op_return *r);

#endif
