/* prinex: simulated store: outcomes, evidence, purge as operations; what it has nothing of
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/sim_queue.h"

static void answer_accept_status(struct sim *s, struct sim_op *op, int rc)
{
	const struct sim_message *m = rc == PX_OK ? sim_find(s, op->name, op->other) : NULL;
	struct px_accept_result result = {.rc = rc != PX_OK ? rc : PX_ENOTFOUND};
	if (m != NULL && memcmp(m->body->digest, op->octets, PX_DIGEST_LEN) != 0)
		result.rc = PX_ECONFLICT;
	else if (m != NULL)
		result = sim_accepted_before(s, m);
	op->done.accept(op->arg, &result);
}

void sim_submit_accept_status(struct px_store *st, const struct px_ref *ref,
			      const uint8_t digest[PX_DIGEST_LEN], px_accept_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_accept_status, arg);
	op->done.accept = done;
	op->name = sim_op_text(op, ref->sender);
	op->other = sim_op_text(op, ref->message_id);
	op->octets = sim_op_copy(op, digest, PX_DIGEST_LEN);
	sim_submit(st, op);
}

static void answer_answer(struct sim *s, struct sim_op *op, int rc)
{
	const struct sim_delivery *d = NULL;
	if (rc == PX_OK && op->id >= 1 && op->id <= s->n_deliveries && !s->deliveries[op->id - 1].purged)
		d = &s->deliveries[op->id - 1];
	if (d != NULL && d->answer != NULL)
		op->done.answer(op->arg, PX_OK, d->answer, d->answer_len);
	else
		op->done.answer(op->arg, rc != PX_OK ? rc : PX_ENOTFOUND, NULL, 0);
}

void sim_submit_answer(struct px_store *st, uint64_t delivery, px_answer_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_answer, arg);
	op->done.answer = done;
	op->id = delivery;
	sim_submit(st, op);
}

/* Nothing takes long enough here. */
void sim_give_up(struct px_store *st, const void *arg)
{
	(void)st;
	(void)arg;
}

bool sim_progress(struct px_store *st, const void *arg, uint64_t *done, uint64_t *total)
{
	(void)st;
	(void)arg;
	*done = *total = 0;
	return false;
}

/* Memory is not damaged. */
static void answer_quarantined(struct sim *s, struct sim_op *op, int rc)
{
	(void)s;
	op->done.quarantined(op->arg, rc, 0, NULL, 0);
}

void sim_submit_quarantined(struct px_store *st, uint64_t from, unsigned limit, px_quarantined_done *done,
			    void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_quarantined, arg);
	op->done.quarantined = done;
	(void)from;
	(void)limit;
	sim_submit(st, op);
}

static int apply_purge(struct sim *s, struct sim_op *op)
{
	sim_purge(s, &op->purge, &op->purged);
	return PX_OK;
}

static void answer_purge(struct sim *s, struct sim_op *op, int rc)
{
	(void)s;
	if (rc != PX_OK)
		op->purged.next = PX_MAX(op->purge.from, UINT64_C(1));
	op->done.purge(op->arg, rc, &op->purged);
}

void sim_submit_purge(struct px_store *st, const struct px_purge *req, px_purge_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_WRITE, answer_purge, arg);
	struct px_purge_rule *rules = sim_op_room(op, req->n_rules, sizeof(rules[0]));
	for (unsigned i = 0; i < req->n_rules; i++) {
		rules[i] = req->rules[i];
		rules[i].type = sim_op_text(op, rules[i].type);
		rules[i].recipient = sim_op_text(op, rules[i].recipient);
	}
	op->apply = apply_purge;
	op->done.purge = done;
	op->purge = *req;
	op->purge.rules = rules;
	sim_submit(st, op);
}

static void answer_backup(struct sim *s, struct sim_op *op, int rc)
{
	(void)s;
	op->done.backup(op->arg, rc != PX_OK ? rc : PX_ESYS, NULL, "a simulated store has nothing to copy");
}

void sim_submit_backup(struct px_store *st, const char *folder, unsigned keep, px_backup_done *done,
		       void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_backup, arg);
	op->done.backup = done;
	(void)folder;
	(void)keep;
	sim_submit(st, op);
}
