/* prinex: simulated store: the chained journal
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/sim_parts.h"

#include "store/journal.h"

#define PAGE_MAX 1000u

static char *copy(const char *s)
{
	return px_xstrdup(s != NULL ? s : "");
}

/** The hash of entry @i, as it follows from the one before and what the entry says. */
static void chain(const struct sim *s, size_t i, uint8_t hash[PX_DIGEST_LEN])
{
	struct px_buf octets = PX_BUF_INIT;
	static const uint8_t start[PX_DIGEST_LEN];
	px_buf_add(&octets, i > 0 ? s->journal[i - 1].hash : start, PX_DIGEST_LEN);
	px_journal_encode(&octets, &s->journal[i].entry);
	px_sha256(octets.data, octets.len, hash);
	px_buf_free(&octets);
}

void sim_journal_append(struct sim *s, const struct px_journal_entry *entry)
{
	struct px_journal_read *r = SIM_APPEND(s, journal);
	r->seq = s->n_journal;
	r->entry = *entry;
	if (r->entry.at == 0)
		r->entry.at = px_clock_wall(s->clock);
	r->entry.partner = copy(entry->partner);
	r->entry.sender = copy(entry->sender);
	r->entry.message_id = copy(entry->message_id);
	r->entry.recipient = copy(entry->recipient);
	r->entry.code = copy(entry->code);
	r->entry.actor = copy(entry->actor);
	r->entry.detail = copy(entry->detail);
	chain(s, s->n_journal - 1, r->hash);
}

int sim_journal_checkpoint(struct sim *s, uint64_t seq, const uint8_t *signature, size_t len)
{
	if (seq == 0 || seq > s->n_journal)
		return PX_ENOTFOUND;
	size_t at = 0;
	while (at < s->n_checkpoints && s->checkpoints[at].seq < seq)
		at++;
	if (at < s->n_checkpoints && s->checkpoints[at].seq == seq) {
		free(s->checkpoints[at].signature);
	} else {
		(void)SIM_APPEND(s, checkpoints);
		memmove(&s->checkpoints[at + 1], &s->checkpoints[at],
			(s->n_checkpoints - 1 - at) * sizeof(s->checkpoints[0]));
	}
	s->checkpoints[at] = (struct sim_checkpoint){seq, px_xmemdup(signature, len), len};
	return PX_OK;
}

void sim_journal_scan(struct sim *s, uint64_t from, unsigned limit, bool ascending, px_journal_done *done,
		      void *arg)
{
	unsigned max = limit == 0 || limit > PAGE_MAX ? PAGE_MAX : limit;
	struct px_journal_read *page = px_xcalloc(max, sizeof(*page));
	unsigned n = 0;
	uint64_t seq = from;
	if (seq == 0 || (!ascending && seq > s->n_journal))
		seq = ascending ? 1 : s->n_journal;
	for (; n < max && seq >= 1 && seq <= s->n_journal; seq += ascending ? 1 : (uint64_t)-1)
		page[n++] = s->journal[seq - 1];
	done(arg, PX_OK, n, page, seq >= 1 && seq <= s->n_journal ? seq : 0);
	free(page);
}

void sim_journal_verify(struct sim *s, px_checkpoint_check *check, void *check_arg, px_verify_done *done,
			void *arg)
{
	struct px_verify_report report = {.records = s->n_messages + s->n_deliveries + s->n_owed +
						     s->n_journal,
					  .journal_entries = s->n_journal,
					  .journal_checkpoints = s->n_checkpoints,
					  .first_fault = ""};
	for (size_t i = 0; i < s->n_journal && report.journal_broken_at == 0; i++) {
		uint8_t hash[PX_DIGEST_LEN];
		chain(s, i, hash);
		if (memcmp(hash, s->journal[i].hash, PX_DIGEST_LEN) != 0) {
			report.journal_broken_at = s->journal[i].seq;
			report.first_fault = "a journal entry does not follow the one before";
		}
	}
	for (size_t i = 0; i < s->n_checkpoints && check != NULL && report.journal_broken_at == 0; i++) {
		const struct sim_checkpoint *c = &s->checkpoints[i];
		if (check(check_arg, c->seq, s->journal[c->seq - 1].hash, c->signature, c->len) != PX_OK) {
			report.journal_broken_at = c->seq;
			report.first_fault = "the signature of a checkpoint does not verify";
		}
	}
	report.journal_ok = report.journal_broken_at == 0;
	done(arg, PX_OK, &report);
}

void sim_journal_free(struct sim *s)
{
	for (size_t i = 0; i < s->n_journal; i++) {
		const struct px_journal_entry *e = &s->journal[i].entry;
		const char *owned[] = {e->partner, e->sender, e->message_id, e->recipient,
				       e->code,    e->actor,  e->detail};
		for (size_t k = 0; k < PX_ARRAY_LEN(owned); k++)
			free((void *)owned[k]);
	}
	for (size_t i = 0; i < s->n_checkpoints; i++)
		free(s->checkpoints[i].signature);
	free(s->journal);
	free(s->checkpoints);
}
