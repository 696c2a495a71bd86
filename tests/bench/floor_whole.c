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
 * step measured alone, the same code over the same octets again and again, does not show. In a batch of one
 * no message shares a commit, a system call or warm code with another.
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

/* What this thread has taken since *@at, which becomes now. */
static double since(double *at)
{
	double now = px_floor_cpu(), took = now - *at;
	*at = now;
	return took;
}

static void do_batch(struct whole *w, const struct px_buf *const *docs, unsigned n,
		     struct px_floor_parts *sum)
{
	double at = px_floor_cpu();
	px_floor_server_take(w->server, n);
	sum->net += since(&at);
	for (unsigned i = 0; i < n; i++)
		px_floor_reader_message(w->reader, docs[i]);
	sum->inspect += since(&at);
	for (unsigned i = 0; i < n; i++)
		px_floor_write_coa(w->f);
	sum->sign += since(&at);
	px_floor_store_accept(w->store, docs, n);
	sum->store += since(&at);
	px_floor_poster_post(w->poster, docs, n);
	sum->net += since(&at);
	for (unsigned i = 0; i < n; i++)
		px_floor_reader_answer(w->reader, w->f->answer);
	sum->inspect += since(&at);
	px_floor_store_settle(w->store, n);
	sum->store += since(&at);
	for (unsigned i = 0; i < n; i++)
		prove(w);
	sum->prove += since(&at);
}

static struct px_floor_parts of_one(const struct px_floor_parts *sum, unsigned n)
{
	return (struct px_floor_parts){sum->net / n, sum->inspect / n, sum->sign / n, sum->store / n,
				       sum->prove / n};
}

struct px_floor_parts px_floor_whole(struct px_floor *f, const struct px_buf *docs, size_t n, unsigned rounds,
				     unsigned batch)
{
	struct whole w = {.f = f};
	struct px_floor_parts sum = {0};
	const struct px_buf *together[PX_FLOOR_BATCH];
	unsigned batches = PX_MAX(rounds / batch, 1U), at = 0;
	w.server = px_floor_server_open(f, docs, n);
	w.poster = px_floor_poster_open(f);
	w.reader = px_floor_reader_open(f);
	w.store = px_floor_store_open(f);
	for (unsigned i = 0; i < batches; i++) {
		for (unsigned k = 0; k < batch; k++)
			together[k] = &docs[at++ % n];
		do_batch(&w, together, batch, &sum);
	}
	px_floor_store_close(&w.store);
	px_floor_reader_close(&w.reader);
	px_floor_poster_close(&w.poster);
	px_floor_server_close(&w.server);
	for (unsigned i = 0; i < PX_FLOOR_ENTRIES; i++)
		px_buf_free(&w.entries[i]);
	return of_one(&sum, batches * batch);
}
