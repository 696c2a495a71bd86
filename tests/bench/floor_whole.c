/* prinex: the floor: the whole job in one loop, message after message
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <stdlib.h>

#include "floor.h"

/*
 * One thread does what a broker has to: takes a batch of requests, inspects each, answers each with a signed
 * CoA, makes them durable in one commit, posts them, verifies what the partner confirms, settles them in
 * another commit, and writes the proofs of delivery, of which a hundred go back to the sender in one
 * exchange. Each step finds the caches as the one before left them: that is what messages meet, and what a
 * step measured alone, the same code over the same octets again and again, does not show.
 */
struct whole {
	struct px_floor *f;
	struct px_floor_server *server;
	struct px_floor_poster *poster;
	struct px_floor_reader *reader;
	struct px_floor_store *store;
	struct px_buf entries[PX_FLOOR_ENTRIES];
	unsigned n_entries;
};

static void bring_back(struct whole *w)
{
	struct px_buf doc = PX_BUF_INIT;
	const struct px_buf *one = &doc;
	px_floor_write_exchange(w->f, w->entries, &doc);
	px_floor_store_accept(w->store, &one, 1);
	px_floor_poster_post(w->poster, &one, 1);
	px_floor_reader_answer(w->reader, w->f->answer);
	px_floor_store_settle(w->store, 1);
	px_buf_free(&doc);
	for (unsigned i = 0; i < PX_FLOOR_ENTRIES; i++)
		px_buf_clear(&w->entries[i]);
	w->n_entries = 0;
}

static void prove(struct whole *w)
{
	px_floor_write_entry(w->f, &w->entries[w->n_entries++]);
	if (w->n_entries == PX_FLOOR_ENTRIES)
		bring_back(w);
}

static void do_batch(struct whole *w, const struct px_buf *const *docs)
{
	px_floor_server_take(w->server, PX_FLOOR_BATCH);
	for (unsigned i = 0; i < PX_FLOOR_BATCH; i++)
		px_floor_reader_message(w->reader, docs[i]);
	for (unsigned i = 0; i < PX_FLOOR_BATCH; i++)
		px_floor_write_coa(w->f);
	px_floor_store_accept(w->store, docs, PX_FLOOR_BATCH);
	px_floor_poster_post(w->poster, docs, PX_FLOOR_BATCH);
	for (unsigned i = 0; i < PX_FLOOR_BATCH; i++)
		px_floor_reader_answer(w->reader, w->f->answer);
	px_floor_store_settle(w->store, PX_FLOOR_BATCH);
	for (unsigned i = 0; i < PX_FLOOR_BATCH; i++)
		prove(w);
}

double px_floor_whole(struct px_floor *f, const struct px_buf *docs, size_t n, unsigned rounds)
{
	struct whole w = {.f = f};
	const struct px_buf *batch[PX_FLOOR_BATCH];
	unsigned batches = PX_MAX(rounds / PX_FLOOR_BATCH, 1U), at = 0;
	w.server = px_floor_server_open(f, docs, n);
	w.poster = px_floor_poster_open(f);
	w.reader = px_floor_reader_open(f);
	w.store = px_floor_store_open(f);
	double start = px_floor_cpu();
	for (unsigned i = 0; i < batches; i++) {
		for (unsigned k = 0; k < PX_FLOOR_BATCH; k++)
			batch[k] = &docs[at++ % n];
		do_batch(&w, batch);
	}
	double took = (px_floor_cpu() - start) / (batches * PX_FLOOR_BATCH);
	px_floor_store_close(&w.store);
	px_floor_reader_close(&w.reader);
	px_floor_poster_close(&w.poster);
	px_floor_server_close(&w.server);
	for (unsigned i = 0; i < PX_FLOOR_ENTRIES; i++)
		px_buf_free(&w.entries[i]);
	return took;
}
