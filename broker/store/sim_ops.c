/* prinex: simulated store: each operation copies its request, waits, and answers
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/sim_queue.h"

/* --- writes ------------------------------------------------------------------------------------------------
 */

static int apply_accept(struct sim *s, struct sim_op *op)
{
	return sim_accept(s, &op->accept, &op->accepted);
}

static void answer_accept(struct sim *s, struct sim_op *op, int rc)
{
	(void)s;
	struct px_accept_result nothing = {.rc = rc,
					   .need_unmet = op->accepted.result.need_unmet,
					   .forgotten = op->accepted.result.forgotten};
	op->accepted.result.rc = rc;
	bool known = rc == PX_OK || rc == PX_EDUPLICATE;
	op->done.accept(op->arg, known ? &op->accepted.result : &nothing);
}

static void accept_submit(struct px_store *st, const struct px_accept *req, px_accept_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_ACCEPT, answer_accept, arg);
	op->apply = apply_accept;
	op->done.accept = done;
	op->accept = *req;
	px_body_ref(req->body);
	op->accept.keys.items = sim_op_copy(op, req->keys.items, req->keys.n * sizeof(req->keys.items[0]));
	op->accept.coa = sim_op_copy(op, req->coa, req->coa_len);
	op->accept.deliveries =
	    sim_op_copy(op, req->deliveries, req->n_deliveries * sizeof(req->deliveries[0]));
	op->accept.apply = sim_op_copy(op, req->apply, req->n_apply * sizeof(req->apply[0]));
	op->accept.consume = sim_op_copy(op, req->consume, req->n_consume * sizeof(req->consume[0]));
	op->accepted.delivery_ids = sim_op_room(op, req->n_deliveries, sizeof(uint64_t));
	op->accepted.applied = sim_op_room(op, req->n_apply, sizeof(enum px_apply_result));
	sim_submit(st, op);
}

static int apply_journal(struct sim *s, struct sim_op *op)
{
	sim_journal_append(s, &op->entry);
	return PX_OK;
}

static void journal_submit(struct px_store *st, const struct px_journal_entry *entry, px_write_done *done,
			   void *arg)
{
	struct sim_op *op = sim_op_write(st, apply_journal, done, arg);
	op->entry = *entry;
	op->entry.partner = sim_op_text(op, entry->partner);
	op->entry.sender = sim_op_text(op, entry->sender);
	op->entry.message_id = sim_op_text(op, entry->message_id);
	op->entry.recipient = sim_op_text(op, entry->recipient);
	op->entry.code = sim_op_text(op, entry->code);
	op->entry.actor = sim_op_text(op, entry->actor);
	op->entry.detail = sim_op_text(op, entry->detail);
	sim_submit(st, op);
}

static int apply_checkpoint(struct sim *s, struct sim_op *op)
{
	return sim_journal_checkpoint(s, op->id, op->octets, op->octets_len);
}

static void checkpoint_submit(struct px_store *st, uint64_t seq, const uint8_t *signature, size_t len,
			      px_write_done *done, void *arg)
{
	struct sim_op *op = sim_op_write(st, apply_checkpoint, done, arg);
	op->id = seq;
	op->octets = sim_op_copy(op, signature, len);
	op->octets_len = len;
	sim_submit(st, op);
}

static int apply_settle(struct sim *s, struct sim_op *op)
{
	return sim_settle(s, op->n_settle, op->settle);
}

static void settle_all_submit(struct px_store *st, unsigned n, const struct px_settle *reqs,
			      px_write_done *done, void *arg)
{
	struct sim_op *op = sim_op_write(st, apply_settle, done, arg);
	op->n_settle = n;
	op->settle = sim_op_room(op, n, sizeof(op->settle[0]));
	for (unsigned i = 0; i < n; i++) {
		const struct px_settle *req = &reqs[i];
		struct px_settle *to = &op->settle[i];
		*to = *req;
		to->error = sim_op_text(op, req->error);
		to->code = sim_op_text(op, req->code);
		to->actor = sim_op_text(op, req->actor);
		to->answer = sim_op_copy(op, req->answer, req->answer_len);
		to->owed = sim_op_copy(op, req->owed, req->owed_len);
		if (req->mark != NULL)
			to->mark = (const struct px_mark *)sim_op_copy(op, req->mark, sizeof(*req->mark));
	}
	sim_submit(st, op);
}

static void settle_submit(struct px_store *st, const struct px_settle *req, px_write_done *done, void *arg)
{
	settle_all_submit(st, 1, req, done, arg);
}

static int apply_requeue(struct sim *s, struct sim_op *op)
{
	sim_requeue(s, op->name, op->time);
	return PX_OK;
}

static void requeue_submit(struct px_store *st, const char *partner, int64_t due, px_write_done *done,
			   void *arg)
{
	struct sim_op *op = sim_op_write(st, apply_requeue, done, arg);
	op->name = sim_op_text(op, partner);
	op->time = due;
	sim_submit(st, op);
}

/* --- reads -------------------------------------------------------------------------------------------------
 */

static void answer_known(struct sim *s, struct sim_op *op, int rc)
{
	struct px_accept_result result = {.rc = rc != PX_OK ? rc : PX_ENOTFOUND};
	for (size_t i = 0; i < s->n_messages && rc == PX_OK; i++) {
		const struct sim_message *m = &s->messages[i];
		if (m->forgotten || strcmp(m->partner, op->name) != 0 ||
		    memcmp(m->body->digest, op->octets, PX_DIGEST_LEN) != 0)
			continue;
		result = sim_accepted_before(s, m);
	}
	op->done.accept(op->arg, &result);
}

static void known_submit(struct px_store *st, const char *partner, const uint8_t digest[PX_DIGEST_LEN],
			 px_accept_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_known, arg);
	op->done.accept = done;
	op->name = sim_op_text(op, partner);
	op->octets = sim_op_copy(op, digest, PX_DIGEST_LEN);
	sim_submit(st, op);
}

static void answer_lease(struct sim *s, struct sim_op *op, int rc)
{
	unsigned max = PX_MIN(op->n, (unsigned)s->n_deliveries);
	struct px_lease *leases = px_xcalloc(max, sizeof(*leases));
	unsigned n = rc == PX_OK ? sim_lease(s, op->name, max, op->time, leases) : 0;
	op->done.lease(op->arg, rc, n, leases);
	free(leases);
}

static void lease_submit(struct px_store *st, const char *partner, unsigned max, int64_t now,
			 px_lease_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_lease, arg);
	op->done.lease = done;
	op->name = sim_op_text(op, partner);
	op->n = max;
	op->time = now;
	sim_submit(st, op);
}

static void answer_overdue(struct sim *s, struct sim_op *op, int rc)
{
	if (rc == PX_OK)
		sim_read_overdue(s, op->time, op->after, op->id, op->n, op->done.deliveries, op->arg);
	else
		op->done.deliveries(op->arg, rc, 0, NULL, 0);
}

static void overdue_submit(struct px_store *st, int64_t now, const struct px_delivery *after, unsigned max,
			   px_deliveries_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_overdue, arg);
	op->done.deliveries = done;
	op->time = now;
	op->after = after != NULL ? after->deadline : INT64_MIN;
	op->id = after != NULL ? after->id : 0;
	op->n = max;
	sim_submit(st, op);
}

static void answer_owed_groups(struct sim *s, struct sim_op *op, int rc)
{
	if (rc == PX_OK)
		sim_read_owed_groups(s, op->n, op->done.owed_groups, op->arg);
	else
		op->done.owed_groups(op->arg, rc, 0, NULL);
}

static void owed_groups_submit(struct px_store *st, unsigned max, px_owed_groups_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_owed_groups, arg);
	op->done.owed_groups = done;
	op->n = max;
	sim_submit(st, op);
}

static void answer_owed(struct sim *s, struct sim_op *op, int rc)
{
	if (rc == PX_OK)
		sim_read_owed(s, op->name, op->other, op->n, op->limit_octets, op->done.owed, op->arg);
	else
		op->done.owed(op->arg, rc, 0, NULL);
}

static void owed_submit(struct px_store *st, const char *partner, const char *ref_sender, unsigned max,
			uint64_t octets, px_owed_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_owed, arg);
	op->done.owed = done;
	op->name = sim_op_text(op, partner);
	op->other = sim_op_text(op, ref_sender);
	op->n = max;
	op->limit_octets = octets;
	sim_submit(st, op);
}

static struct sim_message *message_by_seq(struct sim *s, uint64_t seq)
{
	return seq >= 1 && seq <= s->n_messages ? &s->messages[seq - 1] : NULL;
}

static void answer_message(struct sim *s, struct sim_op *op, int rc)
{
	if (rc != PX_OK)
		op->done.message(op->arg, rc, NULL);
	else if (op->name != NULL)
		sim_read_message(s, sim_find(s, op->name, op->other), op->done.message, op->arg);
	else
		sim_read_message(s, message_by_seq(s, op->id), op->done.message, op->arg);
}

static void message_submit(struct px_store *st, uint64_t seq, px_message_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_message, arg);
	op->done.message = done;
	op->id = seq;
	sim_submit(st, op);
}

static void find_submit(struct px_store *st, const char *sender, const char *message_id,
			px_message_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_message, arg);
	op->done.message = done;
	op->name = sim_op_text(op, sender);
	op->other = sim_op_text(op, message_id);
	sim_submit(st, op);
}

static void answer_body(struct sim *s, struct sim_op *op, int rc)
{
	const struct sim_message *m = rc == PX_OK ? message_by_seq(s, op->id) : NULL;
	if (m != NULL && m->purged)
		m = NULL;
	if (rc == PX_OK && m == NULL)
		rc = PX_ENOTFOUND;
	op->done.body(op->arg, rc, m != NULL ? m->body : NULL);
}

static void body_submit(struct px_store *st, uint64_t seq, px_body_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_body, arg);
	op->done.body = done;
	op->id = seq;
	sim_submit(st, op);
}

static void answer_resolve(struct sim *s, struct sim_op *op, int rc)
{
	if (rc == PX_OK)
		sim_read_resolve(s, op->n, op->refs, op->done.resolve, op->arg);
	else
		op->done.resolve(op->arg, rc, 0, NULL);
}

static void resolve_submit(struct px_store *st, unsigned n, const struct px_ref *refs, px_resolve_done *done,
			   void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_resolve, arg);
	op->done.resolve = done;
	op->refs = sim_op_copy(op, refs, n * sizeof(refs[0]));
	op->n = n;
	sim_submit(st, op);
}

static void copy_scan(struct sim_op *op, const struct px_scan *scan)
{
	op->scan = *scan;
	op->scan.partner = sim_op_text(op, scan->partner);
	op->scan.sender = sim_op_text(op, scan->sender);
	op->scan.type = sim_op_text(op, scan->type);
	op->scan.message_id = sim_op_text(op, scan->message_id);
	op->scan.recipient = sim_op_text(op, scan->recipient);
}

static void answer_scan(struct sim *s, struct sim_op *op, int rc)
{
	if (rc == PX_OK)
		sim_read_scan(s, &op->scan, op->done.messages, op->arg);
	else
		op->done.messages(op->arg, rc, 0, NULL, 0);
}

static void scan_submit(struct px_store *st, const struct px_scan *scan, px_messages_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_scan, arg);
	op->done.messages = done;
	copy_scan(op, scan);
	sim_submit(st, op);
}

static void answer_scan_deliveries(struct sim *s, struct sim_op *op, int rc)
{
	if (rc == PX_OK)
		sim_read_scan_deliveries(s, &op->scan, op->done.deliveries, op->arg);
	else
		op->done.deliveries(op->arg, rc, 0, NULL, 0);
}

static void scan_deliveries_submit(struct px_store *st, const struct px_scan *scan, px_deliveries_done *done,
				   void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_scan_deliveries, arg);
	op->done.deliveries = done;
	copy_scan(op, scan);
	sim_submit(st, op);
}

static void answer_lookup(struct sim *s, struct sim_op *op, int rc)
{
	if (rc == PX_OK)
		sim_read_lookup(s, &op->lookup, op->done.messages, op->arg);
	else
		op->done.messages(op->arg, rc, 0, NULL, 0);
}

static void lookup_submit(struct px_store *st, const struct px_lookup *which, px_messages_done *done,
			  void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_lookup, arg);
	op->done.messages = done;
	op->lookup = *which;
	op->lookup.value = sim_op_text(op, which->value);
	op->lookup.recipient = sim_op_text(op, which->recipient);
	sim_submit(st, op);
}

static void answer_movement(struct sim *s, struct sim_op *op, int rc)
{
	if (rc == PX_OK)
		sim_read_movement(s, op->id, op->from, op->n, op->done.messages, op->arg);
	else
		op->done.messages(op->arg, rc, 0, NULL, 0);
}

static void movement_submit(struct px_store *st, uint64_t movement, uint64_t from, unsigned limit,
			    px_messages_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_movement, arg);
	op->done.messages = done;
	op->id = movement;
	op->from = from;
	op->n = limit;
	sim_submit(st, op);
}

static void answer_journal_scan(struct sim *s, struct sim_op *op, int rc)
{
	if (rc == PX_OK)
		sim_journal_scan(s, op->id, op->n, op->ascending, op->done.journal, op->arg);
	else
		op->done.journal(op->arg, rc, 0, NULL, 0);
}

static void journal_scan_submit(struct px_store *st, uint64_t from, unsigned limit, bool ascending,
				px_journal_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_journal_scan, arg);
	op->done.journal = done;
	op->id = from;
	op->n = limit;
	op->ascending = ascending;
	sim_submit(st, op);
}

static void answer_stats(struct sim *s, struct sim_op *op, int rc)
{
	if (rc == PX_OK)
		sim_read_stats(s, op->done.stats, op->arg);
	else
		op->done.stats(op->arg, rc, NULL);
}

static void stats_submit(struct px_store *st, px_stats_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_stats, arg);
	op->done.stats = done;
	sim_submit(st, op);
}

static void answer_verify(struct sim *s, struct sim_op *op, int rc)
{
	if (rc == PX_OK)
		sim_journal_verify(s, op->check, op->check_arg, op->done.verify, op->arg);
	else
		op->done.verify(op->arg, rc, NULL);
}

static void verify_submit(struct px_store *st, px_checkpoint_check *check, void *check_arg,
			  px_verify_done *done, void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_verify, arg);
	op->done.verify = done;
	op->check = check;
	op->check_arg = check_arg;
	sim_submit(st, op);
}

const struct px_store_ops sim_store_ops = {
    .name = "sim",
    .fd = sim_fd,
    .dispatch = sim_dispatch,
    .close = sim_close,
    .accept = accept_submit,
    .known = known_submit,
    .accept_status = sim_submit_accept_status,
    .journal = journal_submit,
    .checkpoint = checkpoint_submit,
    .lease = lease_submit,
    .settle = settle_submit,
    .settle_all = settle_all_submit,
    .overdue = overdue_submit,
    .requeue = requeue_submit,
    .owed_groups = owed_groups_submit,
    .owed = owed_submit,
    .message = message_submit,
    .find = find_submit,
    .body = body_submit,
    .resolve = resolve_submit,
    .scan = scan_submit,
    .scan_deliveries = scan_deliveries_submit,
    .lookup = lookup_submit,
    .arrivals = sim_submit_arrivals,
    .movement = movement_submit,
    .journal_scan = journal_scan_submit,
    .stats = stats_submit,
    .marks = &sim_marks_ops,
    .answer = sim_submit_answer,
    .verify = verify_submit,
    .give_up = sim_give_up,
    .progress = sim_progress,
    .quarantined = sim_submit_quarantined,
    .purge = sim_submit_purge,
    .backup = sim_submit_backup,
};
