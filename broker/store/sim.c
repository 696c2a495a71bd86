/* prinex: a store in memory with seeded faults: its queue, faults and crashes
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/sim_queue.h"

#define QUEUE_MAX 1024u /* as a writer's queue: accepts fill at most three quarters */

static struct sim *sim_of(struct px_store *st)
{
	struct sim *s = (struct sim *)st;
	px_assert(s->magic == SIM_MAGIC); /* tests put other operations into the table */
	return s;
}

void *sim_grow(void *table, size_t n, size_t *cap, size_t size)
{
	if (n == *cap) {
		*cap = PX_MAX(2 * *cap, (size_t)16);
		table = px_xrealloc_array(table, *cap, size);
	}
	memset((char *)table + n * size, 0, size);
	return table;
}

/* --- chance ------------------------------------------------------------------------------------------------
 */

/** SplitMix64: any seed will do, and a run can be repeated anywhere. */
static uint64_t draw(struct sim *s, uint64_t below)
{
	s->random += 0x9e3779b97f4a7c15u;
	uint64_t x = s->random;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return (x ^ (x >> 31)) % below;
}

static bool strikes(struct sim *s, unsigned per_mille)
{
	return per_mille > 0 && draw(s, 1000) < per_mille;
}

/* --- operations --------------------------------------------------------------------------------------------
 */

struct sim_op *sim_op_new(struct px_store *st, int kind, void (*answer)(struct sim *, struct sim_op *, int),
			  void *arg)
{
	(void)sim_of(st);
	struct sim_op *op = px_xcalloc(1, sizeof(*op));
	op->kind = kind;
	op->answer = answer;
	op->arg = arg;
	return op;
}

static void answer_write(struct sim *s, struct sim_op *op, int rc)
{
	(void)s;
	if (op->done.write != NULL)
		op->done.write(op->arg, rc);
}

struct sim_op *sim_op_write(struct px_store *st, int (*apply)(struct sim *, struct sim_op *),
			    px_write_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_WRITE, answer_write, arg);
	op->apply = apply;
	op->done.write = done;
	return op;
}

void *sim_op_room(struct sim_op *op, size_t n, size_t size)
{
	op->owned = px_xrealloc_array(op->owned, op->n_owned + 1, sizeof(op->owned[0]));
	op->owned[op->n_owned] = px_xcalloc(n, size);
	return op->owned[op->n_owned++];
}

void *sim_op_copy(struct sim_op *op, const void *data, size_t len)
{
	if (data == NULL)
		return NULL;
	void *copy = sim_op_room(op, 1, len);
	memcpy(copy, data, len);
	return copy;
}

const char *sim_op_text(struct sim_op *op, const char *s)
{
	return sim_op_copy(op, s, s != NULL ? strlen(s) + 1 : 0);
}

static void op_free(struct sim_op *op)
{
	px_body_unref(&op->accept.body);
	for (unsigned i = 0; i < op->n_owned; i++)
		free(op->owned[i]);
	free(op->owned);
	free(op);
}

void sim_submit(struct px_store *st, struct sim_op *op)
{
	struct sim *s = sim_of(st);
	op->ready = s->dispatches + (s->dispatching ? 0 : 1);
	if (s->faults.delay_max > 0)
		op->ready += draw(s, s->faults.delay_max + 1);
	op->cancelled = s->closing;
	op->refused = op->kind == SIM_ACCEPT && s->queued >= QUEUE_MAX / 4 * 3;
	*s->queue_end = op;
	s->queue_end = &op->next;
	s->queued++;
}

static struct sim_op *take_first(struct sim *s)
{
	struct sim_op *op = s->queue;
	s->queue = op->next;
	if (s->queue == NULL)
		s->queue_end = &s->queue;
	s->queued--;
	return op;
}

static int apply(struct sim *s, struct sim_op *op)
{
	int rc = op->apply(s, op);
	s->operations++;
	s->commits++;
	return rc;
}

/** A write with whatever chance does to it. */
static int apply_with_faults(struct sim *s, struct sim_op *op)
{
	if (op->refused || (op->kind == SIM_ACCEPT && strikes(s, s->faults.busy_per_mille)))
		return PX_EBUSY;
	if (strikes(s, s->faults.full_per_mille))
		return PX_EFULL;
	if (!strikes(s, s->faults.unknown_per_mille))
		return apply(s, op);
	if (draw(s, 2) == 0)
		(void)apply(s, op);
	return PX_EUNKNOWN;
}

static void run(struct sim *s, struct sim_op *op)
{
	int rc = PX_OK;
	if (op->cancelled)
		rc = PX_ECANCELLED;
	else if (op->kind != SIM_READ)
		rc = apply_with_faults(s, op);
	op->answer(s, op, rc);
	op_free(op);
}

/* --- the store ---------------------------------------------------------------------------------------------
 */

static void open_again(struct sim *s)
{
	s->epoch++;
	struct px_journal_entry entry = {.kind = PX_J_OPENED};
	sim_journal_append(s, &entry);
}

struct px_store *px_store_sim_new(uint64_t seed, const struct px_store_sim_faults *faults,
				  struct px_clock *clock)
{
	struct sim *s = px_xcalloc(1, sizeof(*s));
	s->store.ops = &sim_store_ops;
	s->magic = SIM_MAGIC;
	s->clock = clock;
	s->random = seed;
	if (faults != NULL)
		s->faults = *faults;
	s->forgotten = s->newest = INT64_MIN;
	s->shortest = INT64_MAX;
	s->queue_end = &s->queue;
	open_again(s);
	return &s->store;
}

void px_store_sim_set_faults(struct px_store *st, const struct px_store_sim_faults *faults)
{
	sim_of(st)->faults = faults != NULL ? *faults : (struct px_store_sim_faults){0};
}

void px_store_sim_crash(struct px_store *st)
{
	struct sim *s = sim_of(st);
	for (struct sim_op *op = s->queue; op != NULL; op = op->next)
		op->cancelled = true;
	while (s->queue != NULL && s->queue->cancelled)
		run(s,
		    take_first(s)); /* what the callbacks submit waits behind these, for the store to come */
	for (size_t i = 0; i < s->n_deliveries; i++)
		s->deliveries[i].token = (struct px_token){0};
	s->n_turns = 0;
	s->last_lease = 0;
	open_again(s);
}

int sim_fd(struct px_store *st)
{
	(void)sim_of(st);
	return -1;
}

void sim_dispatch(struct px_store *st)
{
	struct sim *s = sim_of(st);
	s->dispatches++;
	s->dispatching = true;
	while (s->queue != NULL && s->queue->ready <= s->dispatches)
		run(s, take_first(s));
	s->dispatching = false;
}

static void free_tables(struct sim *s)
{
	for (size_t i = 0; i < s->n_messages; i++) {
		px_body_unref(&s->messages[i].body);
		free(s->messages[i].keys.items);
		free(s->messages[i].coa);
	}
	for (size_t i = 0; i < s->n_owed; i++)
		free(s->owed[i].data);
	for (size_t i = 0; i < s->n_deliveries; i++)
		free(s->deliveries[i].answer);
	sim_journal_free(s);
	free(s->messages);
	free(s->deliveries);
	free(s->movements);
	free(s->movement_keys);
	free(s->owed);
	free(s->turns);
	free(s->marks);
}

void sim_close(struct px_store *st)
{
	struct sim *s = sim_of(st);
	s->closing = true;
	while (s->queue != NULL)
		run(s, take_first(s));
	free_tables(s);
	free(s);
}
