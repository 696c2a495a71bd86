/* prinex: simulated store: marks, release from quarantine, receipts
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/sim_queue.h"

#include "base/strings.h"

/* --- marks -------------------------------------------------------------------------------------------------
 */

/* @return its place, or where it would stand. */
static size_t place_of(const struct sim *s, const char *name, bool *found)
{
	size_t i = 0;
	while (i < s->n_marks && strcmp(s->marks[i].name, name) < 0)
		i++;
	*found = i < s->n_marks && strcmp(s->marks[i].name, name) == 0;
	return i;
}

void sim_mark(struct sim *s, const struct px_mark *mark)
{
	bool found;
	size_t at = place_of(s, mark->name, &found);
	if (!found) {
		(void)SIM_APPEND(s, marks);
		memmove(&s->marks[at + 1], &s->marks[at], (s->n_marks - 1 - at) * sizeof(s->marks[0]));
	}
	s->marks[at] = *mark;
	if (mark->at == 0)
		s->marks[at].at = px_clock_wall(s->clock);
}

static int apply_mark(struct sim *s, struct sim_op *op)
{
	sim_mark(s, (const struct px_mark *)(const void *)op->octets);
	return PX_OK;
}

static void mark_submit(struct px_store *st, const struct px_mark *mark, px_write_done *done, void *arg)
{
	struct sim_op *op = sim_op_write(st, apply_mark, done, arg);
	op->octets = sim_op_copy(op, mark, sizeof(*mark));
	sim_submit(st, op);
}

static int apply_unmark(struct sim *s, struct sim_op *op)
{
	bool found;
	size_t at = place_of(s, op->name, &found);
	if (!found)
		return PX_ENOTFOUND;
	s->n_marks--;
	memmove(&s->marks[at], &s->marks[at + 1], (s->n_marks - at) * sizeof(s->marks[0]));
	return PX_OK;
}

static void unmark_submit(struct px_store *st, const char *name, px_write_done *done, void *arg)
{
	struct sim_op *op = sim_op_write(st, apply_unmark, done, arg);
	op->name = sim_op_text(op, name);
	sim_submit(st, op);
}

static void answer_marks(struct sim *s, struct sim_op *op, int rc)
{
	unsigned n = rc == PX_OK ? (unsigned)PX_MIN(s->n_marks, (size_t)PX_MARKS_MAX) : 0;
	op->done.marks(op->arg, rc, n, s->marks);
}

static void marks_submit(struct px_store *st, px_marks_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_marks, arg);
	op->done.marks = done;
	sim_submit(st, op);
}

/* --- quarantine: memory is never damaged -------------------------------------------------------------------
 */

static int apply_release(struct sim *s, struct sim_op *op)
{
	(void)s;
	(void)op;
	return PX_ENOTFOUND;
}

static void release_submit(struct px_store *st, const char *table, uint64_t record, px_write_done *done,
			   void *arg)
{
	(void)table;
	(void)record;
	sim_submit(st, sim_op_write(st, apply_release, done, arg));
}

/* --- receipts ----------------------------------------------------------------------------------------------
 */

static void answer_receipt(struct sim *s, struct sim_op *op, int rc)
{
	struct px_receipt r = {.sender = ""};
	if (rc == PX_OK && (op->id == 0 || op->id > s->n_messages))
		rc = PX_ENOTFOUND;
	if (rc == PX_OK) {
		const struct sim_message *m = &s->messages[op->id - 1];
		px_strlcpy(r.sender, m->header.sender, sizeof(r.sender));
		px_strlcpy(r.message_id, m->header.message_id, sizeof(r.message_id));
		px_strlcpy(r.partner, m->partner, sizeof(r.partner));
		memcpy(r.digest, m->body->digest, PX_DIGEST_LEN);
		r.confirmations = m->confirmations;
	}
	op->done.receipt(op->arg, rc, rc == PX_OK ? &r : NULL);
}

static void receipt_submit(struct px_store *st, uint64_t message, px_receipt_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_receipt, arg);
	op->done.receipt = done;
	op->id = message;
	sim_submit(st, op);
}

const struct px_store_marks_ops sim_marks_ops = {
    .mark = mark_submit,
    .unmark = unmark_submit,
    .marks = marks_submit,
    .release = release_submit,
    .receipt = receipt_submit,
};
