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
 * Keep @body, whose name is @name (SENDER_ID.xml, or what has none: unknown_DIGEST.bad), durably. @bad: it
 * was examined and found wrong. @path gets where it is, @why what is to be said about it. @return NEW, KNOWN,
 * CONFLICT, BAD or UNWRITTEN.
 */
typedef enum px_fetched px_keep_fn(void *arg, const char *name, const struct px_buf *body, bool bad,
				   struct px_buf *path, struct px_buf *why);

struct px_fetch_how {
	px_fetched_fn *report;
	px_fetch_note_fn *note;
	px_keep_fn *keep; /* NULL: in the folder --out, as described above */
	void *arg;
};

/**
 * Fetch until the inbox is empty, --max are there, or for ever. Blocks. @return PX_OK; PX_ECONF with @why
 * (nothing was done); PX_ECLOSED with @why: the broker could not be reached (any more);
 * PX_EACCESS with @why: nor will it be, unless somebody changes something; PX_ESYS: something could not be
 * written.
 */
int px_fetch(struct px_client *c, const struct px_fetch_how *how, struct px_fetch_totals *totals,
	     struct px_buf *why);

/** Whether a file holds exactly these octets. */
bool px_same_octets(const char *path, const struct px_buf *body);

#endif
