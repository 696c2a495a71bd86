/* prinex: fetch exchanges from the broker's inbox, keep them, confirm them
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CLIENT_FETCH_H
#define PX_CLIENT_FETCH_H

#include "client/link.h"

/*
 * Each exchange becomes a file SENDER_ID.xml with exactly the octets that came: written under another name,
 * flushed, renamed, folder flushed; only then confirmed. The broker delivers at least once: the same name
 * with the same octets is the same message and is only confirmed again. The same name with other octets is
 * kept under another name and not confirmed.
 */
enum px_fetched {
	PX_FETCHED_NEW,
	PX_FETCHED_KNOWN,
	PX_FETCHED_CONFLICT,  /* other octets under a name that exists: kept as FILE.DIGEST.conflict */
	PX_FETCHED_BAD,       /* examined and found wrong, or no header: kept as *.bad */
	PX_FETCHED_UNWRITTEN, /* could not be made durable */
	PX_FETCHED_COUNT
};

struct px_fetched_report {
	enum px_fetched fetched;
	const char *file; /* where it is */
	const struct px_header *header;
	bool confirmed;  /* the broker took our confirmation */
	const char *why; /* what is wrong with it, or why it is not confirmed; "" nothing */
};
typedef void px_fetched_fn(void *arg, const struct px_fetched_report *report);
typedef void px_fetch_note_fn(void *arg, const char *text);

struct px_fetch_totals {
	unsigned by[PX_FETCHED_COUNT];
	unsigned confirmed, unconfirmed; /* of those that should be */
	unsigned barred;                 /* of the unconfirmed: the broker will not take our confirmation */
};

/**
 * Fetch until the inbox is empty, --max are there, or for ever. Blocks. @return PX_OK; PX_ECONF with @why
 * (nothing was done); PX_ECLOSED with @why: the broker could not be reached (any more);
 * PX_EACCESS with @why: nor will it be, unless somebody changes something; PX_ESYS: something could not be
 * written.
 */
int px_fetch(struct px_client *c, px_fetched_fn *report, px_fetch_note_fn *note, void *arg,
	     struct px_fetch_totals *totals, struct px_buf *why);

#endif
