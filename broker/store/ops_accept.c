/* prinex: LMDB store: messages are accepted; was a body accepted before?
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/log.h"
#include "base/strings.h"
#include "store/deliver.h"
#include "store/index.h"
#include "store/lmdb_store.h"
#include "store/movements.h"
#include "store/need.h"
#include "store/owed.h"

struct accept_op {
	struct px_op op;
	struct px_accept req; /* copied; arrays in scratch */
	struct px_buf coa;    /* req.coa, when it was signed here */
	px_accept_done *done;
	void *arg;
	struct px_accept_result result;
	uint64_t *ids;
	enum px_apply_result *applied;
};

/* --- duplicates -------------------------------------------------------------------------------------- */

/* Answer with what was said when the message was accepted. */
static void fill_known(struct px_tx *tx, struct px_scratch *scratch, uint64_t seq,
		       const struct px_rec_receipt *receipt, struct px_accept_result *result)
{
	result->seq = seq;
	result->coa = px_scratch_copy(scratch, receipt->coa.data, receipt->coa.len);
	result->coa_len = receipt->coa.len;
	result->movement = px_load_root(tx, receipt->movement);
}

static int check_duplicate(struct accept_op *a, struct px_wtx *w)
{
	struct px_rec_receipt receipt;
	uint64_t seq;
	int rc = px_load_by_id(&w->tx, a->req.header.sender, a->req.header.message_id, &seq, &receipt);
	if (rc == PX_ENOTFOUND)
		return PX_OK;
	if (rc == PX_ECORRUPT)
		px_wtx_quarantine(w, PX_T_RECEIPTS, seq, 0, "a message's receipt is missing or damaged");
	if (rc != PX_OK)
		return rc;
	if (memcmp(receipt.digest, a->req.body->digest, PX_DIGEST_LEN) != 0)
		return PX_ECONFLICT;
	fill_known(&w->tx, &a->op.scratch, seq, &receipt, &a->result);
	return PX_EDUPLICATE;
}

/* The node's own exchanges end things rather than begin them; they go on while there is any room. */
static int check_room(const struct accept_op *a, const struct px_wtx *w)
{
	return w->has_room || a->req.partner[0] == '\0' ? PX_OK : PX_EFULL;
}

static int check_consumed(const struct accept_op *a, struct px_wtx *w)
{
	for (unsigned i = 0; i < a->req.n_consume; i++) {
		if (!px_owed_exists(w, a->req.consume[i]))
			return PX_EPRECONDITION;
	}
	return PX_OK;
}

/* It may have been accepted before and forgotten, if the horizon was shorter then, or the clock ahead when
 * that was removed. This node's own messages are new. A bound that lies in the future is of messages that
 * were accepted by such a clock: it says nothing about those that come now, and would refuse them all. */
static int check_age(struct accept_op *a, struct px_wtx *w)
{
	int64_t forgotten = w->state.forgotten;
	if (a->req.partner[0] == '\0' || a->req.header.created_at > forgotten)
		return PX_OK;
	if (forgotten > w->now + PX_REC_AHEAD) {
		px_log(
		    PX_LOG_WARN, "store",
		    "duplicate keys were removed by a clock that was ahead; what was accepted before it was "
		    "mended may be accepted again");
		w->state.forgotten = INT64_MIN;
		w->changed = true;
		return PX_OK;
	}
	a->result.forgotten = forgotten;
	return PX_EPRECONDITION;
}

/* What purge must know of all that was accepted. This node's own messages have the time of its clock, however
 * wrong that is; they never come from anybody. */
static void note_times(struct px_wtx *w, const struct px_accept *req)
{
	struct px_rec_state *state = &w->state;
	int64_t created = req->header.created_at, most = w->now + PX_REC_AHEAD;
	if (req->partner[0] == '\0')
		return;
	state->shortest = PX_MIN(state->shortest, req->horizon_end - created);
	if (state->newest == INT64_MAX)
		state->newest = most;
	else if (state->newest > most) /* of a clock that was ahead */
		state->newest = created;
	state->newest = PX_MAX(state->newest, created);
}

/* Once, even if the transaction is tried again. */
static int seal(struct accept_op *a)
{
	if (a->req.seal == NULL)
		return PX_OK;
	px_buf_add(&a->coa, a->req.coa, a->req.coa_len);
	if (a->req.seal(a->req.sealer, &a->coa) != PX_OK) {
		px_buf_free(&a->coa);
		return PX_ESIGNATURE;
	}
	a->req.coa = a->coa.data;
	a->req.coa_len = a->coa.len;
	a->req.seal = NULL;
	return PX_OK;
}

/* --- writing ----------------------------------------------------------------------------------------- */

static void put_body(struct px_wtx *w, const struct px_tkey *key, const struct px_body *body)
{
	uint8_t head[PX_REC_BODY_HEAD];
	px_rec_body_head(head, body->digest);
	px_tx_append_parts(&w->tx, PX_T_BODIES, key, (struct px_octets){head, sizeof(head)},
			   (struct px_octets){body->data, body->len});
}

static void put_receipt(struct px_wtx *w, const struct px_tkey *key, const struct px_accept *req,
			uint64_t movement)
{
	struct px_rec_receipt receipt = {.movement = movement,
					 .horizon_end = req->horizon_end,
					 .confirmations = req->confirmations,
					 .coa = {req->coa, req->coa_len}};
	px_strlcpy(receipt.sender, req->header.sender, sizeof(receipt.sender));
	px_strlcpy(receipt.message_id, req->header.message_id, sizeof(receipt.message_id));
	px_strlcpy(receipt.partner, req->partner, sizeof(receipt.partner));
	memcpy(receipt.digest, req->body->digest, PX_DIGEST_LEN);
	px_rec_start(&w->rec);
	px_rec_put_receipt(&w->rec, &receipt);
	px_tx_append_record(&w->tx, PX_T_RECEIPTS, key, &w->rec);
}

static void put_message(struct px_wtx *w, const struct px_tkey *key, const struct px_accept *req)
{
	struct px_rec_message rec = {.message = {.header = req->header,
						 .len = req->body->len,
						 .accepted = w->now,
						 .prio = req->prio,
						 .keys = req->keys},
				     .first_delivery = w->state.last_delivery + 1,
				     .n_deliveries = req->n_deliveries};
	px_rec_start(&w->rec);
	px_rec_put_message(&w->rec, &rec);
	px_tx_append_record(&w->tx, PX_T_MESSAGES, key, &w->rec);
}

static void put_indexes(struct px_wtx *w, uint64_t seq, const struct px_accept *req)
{
	struct px_tkey value = px_tkey_of(seq);
	struct px_tkey key = px_tkey_message_id(req->header.sender, req->header.message_id);
	px_tx_put(&w->tx, PX_T_IDS, &key, value.data, value.len);
	key = px_tkey_digest(req->body->digest);
	px_tx_put(&w->tx, PX_T_DIGESTS, &key, value.data, value.len);
	if (w->filter != NULL)
		px_filter_add(w->filter, req->body->digest);
	if (w->fresh_filter != NULL)
		px_filter_add(w->fresh_filter, req->body->digest);
	px_index_add(&w->tx, seq, w->now, &req->keys);
}

static void journal_accepted(struct px_wtx *w, const struct px_accept *req)
{
	struct px_journal_entry entry = {.kind = PX_J_ACCEPTED,
					 .partner = req->partner,
					 .sender = req->header.sender,
					 .message_id = req->header.message_id,
					 .has_digest = true,
					 .code = req->header.type};
	memcpy(entry.digest, req->body->digest, PX_DIGEST_LEN);
	px_wtx_journal(w, &entry);
}

/* A delivery that cannot be settled because its records are damaged is as good as none; it has been noted. */
static void apply_all(struct accept_op *a, struct px_wtx *w)
{
	for (unsigned i = 0; i < a->req.n_apply; i++) {
		int rc = px_deliver_apply(w, &a->op.scratch, &a->req.apply[i], &a->applied[i]);
		if (rc == PX_ECORRUPT)
			a->applied[i] = PX_APPLY_NO_MATCH;
	}
}

static void perform(struct accept_op *a, struct px_wtx *w, struct px_movement_plan *plan)
{
	const struct px_accept *req = &a->req;
	uint64_t seq = ++w->state.last_message, home = 0, movement = 0;
	struct px_tkey key = px_tkey_of(seq);
	for (unsigned i = 0; i < req->n_consume; i++)
		px_owed_consume(w, req->consume[i]);
	if (!req->confirmations)
		movement = px_movement_join(w, req, plan, seq, &home);
	put_body(w, &key, req->body);
	put_receipt(w, &key, req, movement);
	put_message(w, &key, req);
	put_indexes(w, seq, req);
	journal_accepted(w, req);
	struct px_message about = {
	    .seq = seq, .movement = movement, .prio = req->prio, .n_deliveries = req->n_deliveries};
	for (unsigned i = 0; i < req->n_deliveries; i++)
		a->ids[i] = px_deliver_new(w, &about, &req->deliveries[i], home);
	apply_all(a, w);
	px_recent_add(w->recent, seq, &req->header, req->partner, req->confirmations, req->body,
		      req->n_deliveries);
	w->state.messages++;
	note_times(w, req);
	w->changed = true;
	a->result.seq = seq;
	a->result.coa = req->coa;
	a->result.coa_len = req->coa_len;
	a->result.movement = movement;
	a->result.n_deliveries = req->n_deliveries;
	a->result.delivery_ids = a->ids;
	a->result.applied = a->applied;
}

static enum px_op_then accept_write(struct px_op *op, struct px_wtx *w)
{
	struct accept_op *a = (struct accept_op *)op;
	struct px_movement_plan plan = {0};
	a->result = (struct px_accept_result){0};
	op->rc = check_duplicate(a, w);
	if (op->rc == PX_OK)
		op->rc = check_age(a, w);
	if (op->rc == PX_OK)
		op->rc = check_consumed(a, w);
	if (op->rc == PX_OK)
		op->rc = check_room(a, w);
	if (op->rc == PX_OK && !a->req.confirmations)
		op->rc = px_movement_find(w, &a->req, &plan);
	if (op->rc == PX_OK && !a->req.confirmations) {
		op->rc = px_need_check(w, &a->req, &plan, &plan.ends);
		a->result.need_unmet = op->rc == PX_EPRECONDITION;
	}
	if (op->rc == PX_OK)
		op->rc = seal(a);
	if (op->rc == PX_OK)
		perform(a, w, &plan);
	a->result.owner_conflict = op->rc == PX_OK && plan.owner_conflict;
	if (a->result.owner_conflict)
		px_strlcpy(a->result.conflict_key, px_keys_first(&a->req.keys, plan.conflict),
			   sizeof(a->result.conflict_key));
	return PX_OP_DONE;
}

/* --- the operation ----------------------------------------------------------------------------------- */

static void accept_answer(struct px_op *op)
{
	struct accept_op *a = (struct accept_op *)op;
	const struct px_accept_result failed = {
	    .rc = op->rc, .need_unmet = a->result.need_unmet, .forgotten = a->result.forgotten};
	a->result.rc = op->rc;
	a->done(a->arg, op->rc == PX_OK || op->rc == PX_EDUPLICATE ? &a->result : &failed);
}

static void accept_release(struct px_op *op)
{
	struct accept_op *a = (struct accept_op *)op;
	px_body_unref(&a->req.body);
	px_buf_free(&a->coa);
}

static const struct px_op_kind accept_kind = {
    .name = "accept", .write = accept_write, .answer = accept_answer, .release = accept_release};

static void *copy(struct px_op *op, const void *array, size_t n, size_t size)
{
	return px_scratch_copy(&op->scratch, array, n * size);
}

void px_lmdb_accept(struct px_store *st, const struct px_accept *req, px_accept_done *done, void *arg)
{
	px_assert(req->keys.n <= PX_KEYS_MAX && req->header.n_recipients <= PX_RECIPIENTS_MAX);
	px_assert(req->n_deliveries <= UINT16_MAX);
	struct accept_op *a = px_op_new(&accept_kind, sizeof(*a));
	struct px_op *op = &a->op;
	a->req = *req;
	a->done = done;
	a->arg = arg;
	a->req.body = px_body_ref(req->body);
	a->req.keys.items = copy(op, req->keys.items, req->keys.n, sizeof(req->keys.items[0]));
	a->req.coa = copy(op, req->coa, req->coa_len, 1);
	a->req.deliveries = copy(op, req->deliveries, req->n_deliveries, sizeof(req->deliveries[0]));
	a->req.apply = copy(op, req->apply, req->n_apply, sizeof(req->apply[0]));
	a->req.consume = copy(op, req->consume, req->n_consume, sizeof(req->consume[0]));
	a->ids = px_scratch_calloc(&op->scratch, req->n_deliveries, sizeof(a->ids[0]));
	a->applied = px_scratch_calloc(&op->scratch, req->n_apply, sizeof(a->applied[0]));
	op->weight = req->body->len + 1;
	op->coming = req->coming;
	px_lmdb_submit_accept(px_lmdb_of(st), op);
}

/* --- known, accept_status
 * ------------------------------------------------------------------------------------------- */

struct known_op {
	struct px_op op;
	char partner[PX_NAME_MAX + 1];
	struct px_ref ref;
	uint8_t digest[PX_DIGEST_LEN];
	px_accept_done *done;
	void *arg;
	struct px_accept_result result;
};

static enum px_op_then known_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct known_op *k = (struct known_op *)op;
	struct px_rec_receipt receipt;
	uint64_t seq;
	(void)leases;
	op->rc = px_load_by_digest(tx, k->digest, &seq, &receipt);
	if (op->rc == PX_OK && strcmp(receipt.partner, k->partner) != 0)
		op->rc = PX_ENOTFOUND;
	if (op->rc == PX_OK) {
		fill_known(tx, &op->scratch, seq, &receipt, &k->result);
		op->rc = PX_EDUPLICATE;
	}
	return PX_OP_DONE;
}

static void known_answer(struct px_op *op)
{
	struct known_op *k = (struct known_op *)op;
	k->result.rc = op->rc;
	k->done(k->arg, &k->result);
}

static const struct px_op_kind known_kind = {.name = "known", .read = known_read, .answer = known_answer};

void px_lmdb_known(struct px_store *st, const char *partner, const uint8_t digest[PX_DIGEST_LEN],
		   px_accept_done *done, void *arg)
{
	struct known_op *k = px_op_new(&known_kind, sizeof(*k));
	k->done = done;
	k->arg = arg;
	px_strlcpy(k->partner, partner, sizeof(k->partner));
	memcpy(k->digest, digest, PX_DIGEST_LEN);
	px_lmdb_submit_read(px_lmdb_of(st), &k->op);
}

static enum px_op_then status_read(struct px_op *op, struct px_tx *tx, struct px_leases *leases)
{
	struct known_op *k = (struct known_op *)op;
	struct px_rec_receipt receipt;
	uint64_t seq;
	(void)leases;
	op->rc = px_load_by_id(tx, k->ref.sender, k->ref.message_id, &seq, &receipt);
	if (op->rc == PX_OK && memcmp(receipt.digest, k->digest, PX_DIGEST_LEN) != 0)
		op->rc = PX_ECONFLICT;
	if (op->rc == PX_OK) {
		fill_known(tx, &op->scratch, seq, &receipt, &k->result);
		op->rc = PX_EDUPLICATE;
	}
	return PX_OP_DONE;
}

static const struct px_op_kind status_kind = {
    .name = "accept_status", .read = status_read, .answer = known_answer};

/* In this backend no outcome stays unknown: a commit that fails otherwise than for want of room ends the
 * process, and the answer after the restart is what the disk says. */
void px_lmdb_accept_status(struct px_store *st, const struct px_ref *ref, const uint8_t digest[PX_DIGEST_LEN],
			   px_accept_done *done, void *arg)
{
	struct known_op *k = px_op_new(&status_kind, sizeof(*k));
	k->done = done;
	k->arg = arg;
	k->ref = *ref;
	memcpy(k->digest, digest, PX_DIGEST_LEN);
	px_lmdb_submit_read(px_lmdb_of(st), &k->op);
}
