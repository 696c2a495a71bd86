/* prinex: the floor: what a message costs in library calls alone
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BENCH_FLOOR_H
#define PX_BENCH_FLOOR_H

#include <libxml/xmlschemas.h>

#include "message.h"

/*
 * Each step is a function that does it @rounds times and returns the CPU microseconds that one took, of the
 * thread that a broker would have to spend (peers played by other threads are not counted). Whatever a broker
 * could prepare once is prepared before: keys, schemas, connections, statements.
 */
enum { PX_FLOOR_ENTRIES = 100 }; /* of a Confirmations exchange */

struct px_floor {
	const struct px_buf *doc;    /* the signed exchange */
	const struct px_buf *answer; /* the recipient's signed CoA */
	xmlSchemaPtr schema;
	EVP_PKEY *signer, *answerer;    /* whose public keys verify them */
	const struct px_seal_key *node; /* signs our confirmations: P-256 */
	const char *scratch;            /* folder for the store */
	const char *pki;
};

typedef double px_floor_step(struct px_floor *f, unsigned rounds);

px_floor_step px_floor_digest, px_floor_prescan, px_floor_parse, px_floor_c14n, px_floor_signed_info,
    px_floor_verify, px_floor_schema;
px_floor_step px_floor_sign, px_floor_confirm, px_floor_answer, px_floor_entry, px_floor_gather;
px_floor_step px_floor_accept, px_floor_settle;
px_floor_step px_floor_serve, px_floor_post;

/*
 * And all of them in one loop, message after message, as one thread would do the whole job with the caches as
 * each step leaves them for the next: floor_whole.c. What follows is what it is put together from; each
 * opens what could be prepared, does its part for one message or one batch, and closes.
 */
enum { PX_FLOOR_BATCH = 32 }; /* messages in a commit */

/* Takes requests and answers them; posts a document. */
struct px_floor_server *px_floor_server_open(struct px_floor *f, const struct px_buf *docs, size_t n);
void px_floor_server_take(struct px_floor_server *s, unsigned n);
void px_floor_server_close(struct px_floor_server **s);
struct px_floor_poster *px_floor_poster_open(struct px_floor *f);
void px_floor_poster_post(struct px_floor_poster *p, const struct px_buf *const *docs, unsigned n);
void px_floor_poster_close(struct px_floor_poster **p);

/* From the digest of the octets to the valid payload; a partner's confirmation. */
struct px_floor_reader *px_floor_reader_open(struct px_floor *f);
void px_floor_reader_message(struct px_floor_reader *r, const struct px_buf *doc);
void px_floor_reader_answer(struct px_floor_reader *r, const struct px_buf *answer);
void px_floor_reader_close(struct px_floor_reader **r);

/* Writes and signs a CoA; writes an entry of a Confirmations exchange; that exchange. */
void px_floor_write_coa(struct px_floor *f);
void px_floor_write_entry(struct px_floor *f, struct px_buf *entry);
void px_floor_write_exchange(struct px_floor *f, const struct px_buf entries[PX_FLOOR_ENTRIES],
			     struct px_buf *doc);

/* Accepts @n messages in one commit, settles as many of those accepted first. */
struct px_floor_store *px_floor_store_open(struct px_floor *f);
void px_floor_store_accept(struct px_floor_store *db, const struct px_buf *const *docs, unsigned n);
void px_floor_store_settle(struct px_floor_store *db, unsigned n);
void px_floor_store_close(struct px_floor_store **s);

/* CPU us of one message in the loop, by what a broker's threads do. */
struct px_floor_parts {
	double net;     /* TLS in, the answer out, the post */
	double inspect; /* the message, the partner's confirmation */
	double sign;    /* the CoA */
	double store;   /* accept, settle */
	double prove;   /* a CoD and its share of the exchange that brings it back */
};

/** All of it for @rounds messages of @docs in turn, @batch of them (1 to PX_FLOOR_BATCH) at a time: each step
 * for all before the next. */
struct px_floor_parts px_floor_whole(struct px_floor *f, const struct px_buf *docs, size_t n, unsigned rounds,
				     unsigned batch);

/** CPU time of this thread, us. */
double px_floor_cpu(void);

#endif
