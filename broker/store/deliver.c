/* prinex: deliveries are made and change state
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/deliver.h"

#include "base/strings.h"
#include "store/crc32c.h"
#include "store/heads.h"
#include "store/owed.h"
#include "store/salvage.h"

/* --- indexes of deliveries that are not final -------------------------------------------------------- */

static void put_open(struct px_wtx *w, const struct px_delivery *d)
{
	struct px_tkey key = px_tkey_open(d->partner, (uint8_t)d->state, d->id);
	px_tx_put(&w->tx, PX_T_OPEN, &key, NULL, 0);
	key = px_tkey_deadline(d->deadline, d->id);
	px_tx_put(&w->tx, PX_T_DEADLINES, &key, NULL, 0);
}

static void del_open(struct px_wtx *w, const struct px_delivery *d)
{
	struct px_tkey key = px_tkey_open(d->partner, (uint8_t)d->state, d->id);
	px_tx_del(&w->tx, PX_T_OPEN, &key);
	key = px_tkey_deadline(d->deadline, d->id);
	px_tx_del(&w->tx, PX_T_DEADLINES, &key);
}

uint64_t px_deliver_new(struct px_wtx *w, const struct px_message *message, const struct px_new_delivery *new,
			uint64_t home)
{
	struct px_delivery d = {.id = ++w->state.last_delivery,
				.message = message->seq,
				.movement = message->movement,
				.prio = message->prio,
				.state = PX_D_QUEUED,
				.created = w->now,
				.due = w->now,
				.deadline = new->deadline};
	px_strlcpy(d.recipient, new->recipient, sizeof(d.recipient));
	px_strlcpy(d.partner, new->partner, sizeof(d.partner));
	px_strlcpy(d.route, new->route, sizeof(d.route));
	struct px_tkey key = px_tkey_of(d.id);
	px_rec_start(&w->rec);
	px_rec_put_delivery(&w->rec, &d);
	px_tx_append_record(&w->tx, PX_T_DELIVERIES, &key, &w->rec);
	put_open(w, &d);
	px_heads_add(w, &d, home, message->n_deliveries == 1);
	px_wtx_count(w, d.partner, PX_D_QUEUED, 1);
	w->state.deliveries++;
	w->changed = true;
	return d.id;
}

/* --- changes of state -------------------------------------------------------------------------------- */

static bool may_become(enum px_delivery_state from, enum px_delivery_state to)
{
	switch (from) {
	case PX_D_QUEUED: return true;
	case PX_D_HANDED_OVER: return px_delivery_state_is_final(to);
	case PX_D_UNKNOWN:
	case PX_D_CANCELLED: return to == PX_D_DELIVERED || to == PX_D_REFUSED;
	default: return false;
	}
}

static void journal_change(struct px_wtx *w, const struct px_delivery *d, const struct px_rec_receipt *about,
			   const struct px_settle *req)
{
	struct px_journal_entry entry = {.kind = PX_J_SETTLED,
					 .partner = d->partner,
					 .sender = about->sender,
					 .message_id = about->message_id,
					 .recipient = d->recipient,
					 .delivery = d->id,
					 .code = req->code != NULL ? req->code
								   : px_delivery_state_name(d->state),
					 .actor = req->actor,
					 .detail = d->error};
	if (d->state == PX_D_QUEUED)
		entry.kind = PX_J_ATTEMPT;
	else if (d->state == PX_D_HANDED_OVER)
		entry.kind = PX_J_HANDED_OVER;
	px_wtx_journal(w, &entry);
}

/* @owed: what carries it, or 0. An earlier answer, of a delivery whose end was not known or not believed,
 * goes into what is owed with it. */
static void keep_answer(struct px_wtx *w, uint64_t delivery, const struct px_settle *req, uint64_t owed)
{
	struct px_tkey key = px_tkey_of(delivery);
	if (req->answer == NULL)
		return;
	px_owed_keep_answer(w, delivery);
	px_rec_start(&w->rec);
	px_rec_put_answer(&w->rec, (struct px_octets){req->answer, req->answer_len}, owed);
	px_tx_put_record(&w->tx, PX_T_ANSWERS, &key, &w->rec);
}

/* What nobody is told is to be seen by administrators. */
static void keep_outcome(struct px_wtx *w, const struct px_delivery *d, const struct px_rec_receipt *about,
			 const struct px_settle *req)
{
	struct px_journal_entry entry = {.kind = PX_J_OUTCOME,
					 .partner = d->partner,
					 .sender = about->sender,
					 .message_id = about->message_id,
					 .recipient = d->recipient,
					 .delivery = d->id,
					 .code = px_delivery_state_name(d->state),
					 .detail = req->error};
	if (req->outcome)
		px_wtx_journal(w, &entry);
	if (req->mark != NULL)
		px_wtx_mark(w, req->mark);
}

/* Nothing is owed about confirmations, or to ourselves: an answer about an answer would never end. @return
 * its number, or 0. */
static uint64_t keep_owed(struct px_wtx *w, const struct px_delivery *d, const struct px_rec_receipt *about,
			  const struct px_settle *req)
{
	struct px_rec_owed rec = {.delivery = d->id, .created = w->now, .data = {req->owed, req->owed_len}};
	if (req->owed == NULL || about->confirmations || about->partner[0] == '\0')
		return 0;
	if (req->owed_answer_at > 0) {
		rec.answer_at = (uint32_t)req->owed_answer_at;
		rec.answer_len = (uint32_t)req->answer_len;
		rec.answer_crc = px_crc32c(0, req->answer, req->answer_len);
	}
	px_strlcpy(rec.partner, about->partner, sizeof(rec.partner));
	px_strlcpy(rec.ref_sender, about->sender, sizeof(rec.ref_sender));
	return px_owed_add(w, &rec);
}

/* Queue and ready index, before @d itself is changed. */
static void change_heads(struct px_wtx *w, const struct px_delivery *d, uint64_t home,
			 const struct px_settle *req)
{
	if (d->state != PX_D_QUEUED)
		return;
	if (req->state == PX_D_QUEUED)
		px_heads_move(w, d, home, req->due);
	else
		px_heads_remove(w, d, home);
}

static void change(struct px_wtx *w, struct px_delivery *d, uint64_t home, const struct px_settle *req)
{
	bool stays = d->state == PX_D_QUEUED && req->state == PX_D_QUEUED;
	change_heads(w, d, home, req);
	if (!stays && !px_delivery_state_is_final(d->state))
		del_open(w, d);
	px_wtx_count(w, d->partner, d->state, -1);
	px_wtx_count(w, d->partner, req->state, 1);
	d->state = req->state;
	d->attempts += req->attempted ? 1 : 0;
	d->body_sent = d->body_sent || req->body_sent;
	if (req->state == PX_D_QUEUED)
		d->due = req->due;
	else if (req->state == PX_D_HANDED_OVER)
		d->deadline = req->due;
	else
		d->ended = w->now;
	const char *error = req->error != NULL ? req->error : "";
	px_str_shorten(d->error, error, sizeof(d->error));
	if (!stays && !px_delivery_state_is_final(d->state))
		put_open(w, d);
	px_wtx_save_delivery(w, d);
	w->changed = true;
}

static bool is_missing(int rc)
{
	return rc == PX_ECORRUPT || rc == PX_ENOTFOUND;
}

/*
 * What the journal and the sender must be told. A delivery ends even when that record is damaged; then nobody
 * knows whom to tell, which is what the quarantine entry says.
 */
static struct px_rec_receipt receipt_of(struct px_wtx *w, const struct px_delivery *d, bool sure)
{
	struct px_rec_receipt receipt;
	int rc = px_load_receipt(&w->tx, d->message, &receipt);
	if (rc == PX_OK && sure)
		return receipt;
	if (!sure) /* most likely it is in quarantine already, and noted there once */
		px_wtx_journal(w,
			       &(struct px_journal_entry){
				   .kind = PX_J_QUARANTINED,
				   .delivery = d->id,
				   .code = px_table_name(PX_T_DELIVERIES),
				   .detail = "which message it belonged to cannot be told, so its sender was "
					     "not told"});
	else if (is_missing(rc))
		px_wtx_quarantine(w, PX_T_RECEIPTS, d->message, d->id,
				  "a message's receipt is missing or damaged; its sender cannot be told");
	return (struct px_rec_receipt){.confirmations = true};
}

/* What an operation needs to know of a delivery before it writes. */
struct subject {
	struct px_delivery d;
	uint64_t home;
	uint64_t counter; /* of its lease, 0 none */
	bool salvaged;    /* its record is damaged: made anew from what indexes know */
	bool sure;        /* it is known which message it belongs to */
};

static bool holds_lease(const struct px_wtx *w, const struct px_settle *req)
{
	return req->token.counter != 0 && req->token.epoch == w->state.epoch &&
	       req->token.counter == px_lease_of(w->leases, req->delivery);
}

/* What is damaged is ended by an administrator, or by the recipient's own answer to what was just sent. */
static bool may_salvage(const struct px_wtx *w, const struct px_settle *req)
{
	bool is_cancel = req->state == PX_D_CANCELLED && req->actor != NULL;
	bool is_answered = req->state == PX_D_DELIVERED || req->state == PX_D_REFUSED;
	return is_cancel || (is_answered && holds_lease(w, req));
}

static int load_to_settle(struct px_wtx *w, const struct px_settle *req, struct subject *s)
{
	struct px_salvaged salvaged;
	int rc = px_load_delivery(&w->tx, req->delivery, &s->d);
	s->salvaged = false;
	s->sure = true;
	if (!is_missing(rc) || !may_salvage(w, req) ||
	    px_salvage_delivery(&w->tx, req->delivery, true, &salvaged) != PX_OK)
		return rc;
	s->d = salvaged.d;
	s->sure = salvaged.sure;
	s->salvaged = true;
	return PX_OK;
}

/* Where nobody can tell any more where it waited, nothing waits behind it. */
static int home_of(struct px_wtx *w, const struct px_delivery *d, uint64_t *home)
{
	int rc = px_heads_home(&w->tx, d, home);
	if (rc != PX_ECORRUPT)
		return rc;
	*home = d->movement;
	return w->tx.rc;
}

/* A hub gets a message for all of its recipients with one post: while that for another one is under way, this
 * one is too, and when that was sent, so was this. Deliveries of a message have ids in a row. */
static bool goes_along(struct px_wtx *w, const struct px_delivery *d, const struct px_settle *req)
{
	struct px_delivery other;
	bool ends = req->state == PX_D_EXPIRED || req->state == PX_D_UNKNOWN || req->state == PX_D_CANCELLED;
	if (d->state != PX_D_QUEUED || req->token.counter != 0 || !ends)
		return false;
	for (int down = 0; down < 2; down++) {
		for (uint64_t id = down ? d->id - 1 : d->id + 1; id != 0; id += down ? -UINT64_C(1) : 1) {
			if (px_load_delivery(&w->tx, id, &other) != PX_OK || other.message != d->message)
				break;
			bool sent = other.body_sent && req->state == PX_D_EXPIRED;
			if (strcmp(other.partner, d->partner) == 0 &&
			    (sent || px_lease_of(w->leases, id) != 0))
				return true;
		}
	}
	return false;
}

/* Everything that is required of a settlement; writes nothing. */
static int find_subject(struct px_wtx *w, const struct px_settle *req, struct subject *s)
{
	int rc = load_to_settle(w, req, s);
	s->counter = rc == PX_OK ? px_lease_of(w->leases, s->d.id) : 0;
	uint64_t epoch = s->counter != 0 ? w->state.epoch : 0;
	bool fits = req->token.counter == s->counter && req->token.epoch == epoch;
	if (rc == PX_OK && !req->whoever && !fits)
		rc = PX_ESTALE;
	if (rc == PX_OK && !may_become(s->d.state, req->state))
		rc = PX_EPRECONDITION;
	bool outdated = rc == PX_OK &&
			((req->state == PX_D_EXPIRED && s->d.body_sent) || goes_along(w, &s->d, req));
	if (outdated) /* decided on an older reading */
		rc = PX_ESTALE;
	return rc == PX_OK ? home_of(w, &s->d, &s->home) : rc;
}

static void settle(struct px_wtx *w, const struct px_settle *req, struct subject *s)
{
	struct px_delivery *d = &s->d;
	if (s->salvaged)
		px_wtx_save_delivery(w, d);
	struct px_rec_receipt about = receipt_of(w, d, s->sure);
	char error[PX_REASON_MAX + 1];
	px_strlcpy(error, d->error, sizeof(error));
	change(w, d, s->home, req);
	if (d->state != PX_D_QUEUED || strcmp(error, d->error) != 0)
		journal_change(w, d, &about, req);
	keep_answer(w, d->id, req, keep_owed(w, d, &about, req));
	keep_outcome(w, d, &about, req);
	if (s->counter != 0)
		px_lease_drop(w->leases, d->id);
}

int px_deliver_settle(struct px_wtx *w, const struct px_settle *req)
{
	struct subject s;
	int rc = find_subject(w, req, &s);
	if (rc == PX_OK) {
		settle(w, req, &s);
	} else if (is_missing(rc) && holds_lease(w, req)) {
		/* It is nobody's any more, and not handed out again: its deadline or a person ends it. */
		px_wtx_quarantine(w, PX_T_DELIVERIES, req->delivery, req->delivery,
				  "a delivery's record is missing or damaged");
		px_lease_drop(w->leases, req->delivery);
		rc = PX_ECORRUPT;
	}
	return rc;
}

int px_deliver_settle_all(struct px_wtx *w, unsigned n, const struct px_settle *reqs)
{
	struct subject s;
	for (unsigned i = 0; i < n; i++) {
		int rc = find_subject(w, &reqs[i], &s);
		if (rc != PX_OK)
			return rc;
	}
	for (unsigned i = 0; i < n && w->tx.rc == PX_OK; i++) {
		if (find_subject(w, &reqs[i], &s) == PX_OK)
			settle(w, &reqs[i], &s);
		else
			w->tx.rc = PX_ECORRUPT; /* of all of them, or of none */
	}
	return PX_OK;
}

/* --- confirmations received -------------------------------------------------------------------------- */

/* @return PX_OK (@changed: whether it did something) or PX_ECORRUPT. */
static int apply_one(struct px_wtx *w, struct px_delivery *d, const struct px_rec_receipt *about,
		     const struct px_apply *apply, bool *changed)
{
	struct px_settle req = {
	    .state = apply->state,
	    .code = apply->code[0] != '\0' ? apply->code : NULL,
	    .error = apply->code,
	    .body_sent = true, /* whoever says what became of it has had it */
	};
	uint64_t home;
	if (!may_become(d->state, apply->state))
		return PX_OK;
	int rc = home_of(w, d, &home);
	if (rc != PX_OK)
		return rc;
	change(w, d, home, &req);
	d->error[0] = '\0'; /* the code says it already */
	journal_change(w, d, about, &req);
	px_lease_drop(w->leases, d->id);
	*changed = true;
	return PX_OK;
}

/* Apply to the recipient's delivery; where a partner is named, only if it was handed to that one. */
static int apply_to(struct px_wtx *w, const struct px_rec_message *rec, const struct px_rec_receipt *about,
		    const struct px_apply *apply, bool *found, bool *changed)
{
	int rc = PX_OK; /* one that cannot be read is not in the way of another's */
	for (unsigned i = 0; i < rec->n_deliveries; i++) {
		struct px_delivery d;
		if (px_load_delivery(&w->tx, rec->first_delivery + i, &d) != PX_OK) {
			rc = PX_ECORRUPT;
			continue;
		}
		if (strcmp(d.recipient, apply->recipient) != 0 ||
		    (apply->partner[0] != '\0' && strcmp(d.partner, apply->partner) != 0))
			continue;
		*found = true;
		return apply_one(w, &d, about, apply, changed);
	}
	return rc;
}

int px_deliver_apply(struct px_wtx *w, struct px_scratch *scratch, const struct px_apply *apply,
		     enum px_apply_result *result)
{
	struct px_rec_receipt about;
	struct px_rec_message rec;
	uint64_t seq;
	bool found = false, changed = false;
	int rc = px_load_by_id(&w->tx, apply->ref_sender, apply->ref_message_id, &seq, &about);
	*result = PX_APPLY_NO_MESSAGE;
	if (rc == PX_ENOTFOUND)
		return PX_OK;
	*result = PX_APPLY_NO_MATCH;
	if (rc == PX_OK && memcmp(about.digest, apply->ref_digest, PX_DIGEST_LEN) != 0)
		return PX_OK;
	if (rc == PX_OK)
		rc = px_load_message(&w->tx, scratch, seq, &rec);
	if (rc == PX_ENOTFOUND) { /* purged: only its receipt is left */
		*result = PX_APPLY_NO_MESSAGE;
		return PX_OK;
	}
	if (rc == PX_OK)
		rc = apply_to(w, &rec, &about, apply, &found, &changed);
	if (rc == PX_OK && found)
		*result = changed ? PX_APPLIED : PX_APPLY_ALREADY;
	return rc == PX_ENOTFOUND ? PX_ECORRUPT : rc;
}
