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

/** CPU time of this thread, us. */
double px_floor_cpu(void);

#endif
