/* prinex: signed exchanges by the thousand, for the benchmark
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BENCH_MESSAGE_H
#define PX_BENCH_MESSAGE_H

#include "flow/seal.h"

/*
 * A template is one unsigned exchange in canonical form with room for what differs between messages: its
 * MessageId, and the MRN and LRN of its payload, so that each is a movement of its own. Filling one in and
 * signing it costs no parser. Thread: making a template uses libxml2; filling is for any thread.
 */

/* "B", run (2 digits), number (8 digits). */
#define PX_BENCH_ID_LEN 11

struct px_bench_template {
	struct px_buf doc; /* canonical, unsigned */
	size_t id_at, mrn_at, lrn_at, recipient_at;
	size_t lrn_len; /* 0: none */
	bool has_mrn;
	unsigned recipients; /* 0: all to the one that it names */
};

struct px_bench_about {
	const char *type, *sender, *recipient, *environment;
	unsigned recipients; /* not 0: messages go in turn to authorities RECIPIENT-001, RECIPIENT-002, ... */
};

/** Wrap the payload of @file. Ends the program with a line on standard error when it cannot. */
void px_bench_template_load(struct px_bench_template *t, const char *file,
			    const struct px_bench_about *about);
void px_bench_template_free(struct px_bench_template *t);

/** Append message @number of @run to the empty buffer @out, signed with @key. */
void px_bench_fill(const struct px_bench_template *t, unsigned run, unsigned number,
		   const struct px_seal_key *key, struct px_buf *out);

/** The number in "B0100000042" where it is of @run; -1 otherwise. @id need not be terminated. */
long px_bench_number(const char *id, size_t len, unsigned run);

/** End the program with "bench: WHAT: WHY". */
void px_bench_die(const char *what, const char *why) PX_NORETURN;

/** Load FOLDER/NAME.key and FOLDER/NAME.pem. */
struct px_seal_key *px_bench_key(const char *folder, const char *name);

#endif
