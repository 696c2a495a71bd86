/* prinex: what every store shares: names, and calls through the backend's table
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/store.h"

static const char *const state_names[] = {
    "queued", "handed-over", "delivered", "refused", "expired", "unknown", "cancelled",
};
_Static_assert(PX_ARRAY_LEN(state_names) == PX_D_STATES, "a name for each state");

static const char *const journal_names[] = {
#define PX_JOURNAL(name, wire, text) wire,
#include "store/journal.def"
#undef PX_JOURNAL
};

const char *px_delivery_state_name(enum px_delivery_state state)
{
	px_assert((size_t)state < PX_ARRAY_LEN(state_names));
	return state_names[state];
}

bool px_delivery_state_is_final(enum px_delivery_state state)
{
	return state != PX_D_QUEUED && state != PX_D_HANDED_OVER;
}

const char *px_journal_kind_name(enum px_journal_kind kind)
{
	px_assert((size_t)kind < PX_ARRAY_LEN(journal_names));
	return journal_names[kind];
}

int px_store_fd(struct px_store *st)
{
	return st->ops->fd(st);
}

void px_store_dispatch(struct px_store *st)
{
	st->ops->dispatch(st);
}

void px_store_close(struct px_store **st)
{
	if (*st != NULL)
		(*st)->ops->close(*st);
	*st = NULL;
}

void px_store_accept(struct px_store *st, const struct px_accept *req, px_accept_done *done, void *arg)
{
	st->ops->accept(st, req, done, arg);
}

void px_store_known(struct px_store *st, const char *partner, const uint8_t digest[PX_DIGEST_LEN],
		    px_accept_done *done, void *arg)
{
	st->ops->known(st, partner, digest, done, arg);
}

void px_store_journal(struct px_store *st, const struct px_journal_entry *entry, px_write_done *done,
		      void *arg)
{
	st->ops->journal(st, entry, done, arg);
}

void px_store_checkpoint(struct px_store *st, uint64_t seq, const uint8_t *signature, size_t len,
			 px_write_done *done, void *arg)
{
	st->ops->checkpoint(st, seq, signature, len, done, arg);
}

void px_store_lease(struct px_store *st, const char *partner, unsigned max, int64_t now, px_lease_done *done,
		    void *arg)
{
	st->ops->lease(st, partner, max, now, done, arg);
}

void px_store_settle(struct px_store *st, const struct px_settle *req, px_write_done *done, void *arg)
{
	st->ops->settle(st, req, done, arg);
}

void px_store_settle_all(struct px_store *st, unsigned n, const struct px_settle *reqs, px_write_done *done,
			 void *arg)
{
	px_assert(n > 0 && n <= PX_RECIPIENTS_MAX);
	st->ops->settle_all(st, n, reqs, done, arg);
}

void px_store_overdue(struct px_store *st, int64_t now, const struct px_delivery *after, unsigned max,
		      px_deliveries_done *done, void *arg)
{
	st->ops->overdue(st, now, after, max, done, arg);
}

void px_store_requeue(struct px_store *st, const char *partner, int64_t due, px_write_done *done, void *arg)
{
	st->ops->requeue(st, partner, due, done, arg);
}

void px_store_owed_groups(struct px_store *st, unsigned max, px_owed_groups_done *done, void *arg)
{
	st->ops->owed_groups(st, max, done, arg);
}

void px_store_owed(struct px_store *st, const char *partner, const char *ref_sender, unsigned max,
		   uint64_t octets, px_owed_done *done, void *arg)
{
	st->ops->owed(st, partner, ref_sender, max, octets, done, arg);
}

void px_store_message(struct px_store *st, uint64_t seq, px_message_done *done, void *arg)
{
	st->ops->message(st, seq, done, arg);
}

void px_store_find(struct px_store *st, const char *sender, const char *message_id, px_message_done *done,
		   void *arg)
{
	st->ops->find(st, sender, message_id, done, arg);
}

void px_store_body(struct px_store *st, uint64_t seq, px_body_done *done, void *arg)
{
	st->ops->body(st, seq, done, arg);
}

void px_store_resolve(struct px_store *st, unsigned n, const struct px_ref *refs, px_resolve_done *done,
		      void *arg)
{
	st->ops->resolve(st, n, refs, done, arg);
}

void px_store_scan(struct px_store *st, const struct px_scan *scan, px_messages_done *done, void *arg)
{
	st->ops->scan(st, scan, done, arg);
}

void px_store_scan_deliveries(struct px_store *st, const struct px_scan *scan, px_deliveries_done *done,
			      void *arg)
{
	st->ops->scan_deliveries(st, scan, done, arg);
}

void px_store_lookup(struct px_store *st, const struct px_lookup *which, px_messages_done *done, void *arg)
{
	st->ops->lookup(st, which, done, arg);
}

void px_store_arrivals(struct px_store *st, const struct px_arrivals *which, px_arrivals_done *done,
		       void *arg)
{
	st->ops->arrivals(st, which, done, arg);
}

void px_store_movement(struct px_store *st, uint64_t movement, uint64_t from, unsigned limit,
		       px_messages_done *done, void *arg)
{
	st->ops->movement(st, movement, from, limit, done, arg);
}

void px_store_journal_scan(struct px_store *st, uint64_t from, unsigned limit, bool ascending,
			   px_journal_done *done, void *arg)
{
	st->ops->journal_scan(st, from, limit, ascending, done, arg);
}

void px_store_stats(struct px_store *st, px_stats_done *done, void *arg)
{
	st->ops->stats(st, done, arg);
}

void px_store_verify(struct px_store *st, px_checkpoint_check *check, void *check_arg, px_verify_done *done,
		     void *arg)
{
	st->ops->verify(st, check, check_arg, done, arg);
}

bool px_store_may_know(struct px_store *st, const uint8_t digest[PX_DIGEST_LEN])
{
	return st->ops->may_know == NULL || st->ops->may_know(st, digest);
}

void px_store_accept_status(struct px_store *st, const struct px_ref *ref,
			    const uint8_t digest[PX_DIGEST_LEN], px_accept_done *done, void *arg)
{
	st->ops->accept_status(st, ref, digest, done, arg);
}

void px_store_answer(struct px_store *st, uint64_t delivery, px_answer_done *done, void *arg)
{
	st->ops->answer(st, delivery, done, arg);
}

void px_store_give_up(struct px_store *st, const void *arg)
{
	st->ops->give_up(st, arg);
}

bool px_store_progress(struct px_store *st, const void *arg, uint64_t *done, uint64_t *total)
{
	return st->ops->progress(st, arg, done, total);
}

void px_store_quarantined(struct px_store *st, uint64_t from, unsigned limit, px_quarantined_done *done,
			  void *arg)
{
	st->ops->quarantined(st, from, limit, done, arg);
}

void px_store_purge(struct px_store *st, const struct px_purge *req, px_purge_done *done, void *arg)
{
	st->ops->purge(st, req, done, arg);
}

void px_store_backup(struct px_store *st, const char *folder, unsigned keep, px_backup_done *done, void *arg)
{
	st->ops->backup(st, folder, keep, done, arg);
}
