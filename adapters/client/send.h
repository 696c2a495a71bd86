/* prinex: send many exchanges: in order per movement, several movements at a time
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CLIENT_SEND_H
#define PX_CLIENT_SEND_H

#include "client/outbox.h"

enum px_sent {
	PX_SENT_ACCEPTED,
	PX_SENT_DUPLICATE, /* accepted earlier; the stored confirmation came back */
	PX_SENT_BEFORE,    /* accepted in an earlier run: left alone (folders, without --again) */
	PX_SENT_REFUSED,   /* a signed exception says why */
	PX_SENT_WRONG,     /* this file, or what is asked for it, cannot be sent: nothing was */
	PX_SENT_FAILED,    /* no final answer so far: the same run may succeed later */
	PX_SENT_BARRED,    /* the connection or its answers cannot be right as things are configured */
	PX_SENT_HELD,      /* not tried: an earlier message of the same movement could not be sent */
	PX_SENT_COUNT
};
const char *px_sent_name(enum px_sent sent); /* "accepted", ... */

/** What became of one file. Views: die with the callback. */
struct px_sent_report {
	const char *file;
	enum px_sent sent;
	const struct px_header *header;             /* what is known of it */
	const struct px_confirmation *confirmation; /* ACCEPTED, DUPLICATE, REFUSED; else NULL */
	const uint8_t *answer;                      /* its octets */
	size_t answer_len;
	const char *why;                 /* WRONG, FAILED, BARRED, HELD */
	const char *remark;              /* what else the user should know; "" nothing */
	const struct px_line_map *lines; /* for the lines in the answer */
	unsigned n, total;
};
/** Called once for each file, from several threads but one at a time. */
typedef void px_sent_fn(void *arg, const struct px_sent_report *report);
/** Something worth saying meanwhile ("trying again in 4 s: ..."); one at a time as well. */
typedef void px_send_note_fn(void *arg, const char *file, const char *text);

struct px_send_totals {
	unsigned by[PX_SENT_COUNT];
	bool broken_off; /* with comes_again: something was held because others failed, or would have been */
};

struct px_send_how {
	px_sent_fn *report;
	px_send_note_fn *note;
	void *arg;
	/* For callers that come again, and would else wait for each of many files while the broker is away:
	 * what has not been begun is held when the broker cannot be reached, or when several in a row fail.
	 * One file alone, whatever is wrong with it, holds up nobody but what waits for it. An input that has
	 * vanished is wrong like any other file, and not a mistake of whoever named it. */
	bool comes_again;
	unsigned
	    begin_at; /* with comes_again: another each time, so that what fails is not always the first */
};

/** What a failure (negative enum px_err) to read or prepare one file means for it: WRONG, or FAILED when it
 * may pass. */
enum px_sent px_sent_of_error(int rc);

/**
 * Send @inputs: files, folders (their *.xml by name), "-" for standard input. Blocks until all have ended or
 * px_client_stop is set. @return PX_OK when everything was tried (see @totals), or PX_ECONF, PX_ENOTFOUND,
 * PX_ESYS with @why when it could not even begin.
 */
int px_send(struct px_client *c, char *const *inputs, unsigned n, const struct px_send_how *how,
	    struct px_send_totals *totals, struct px_buf *why);

/** What became of it, for people: a line, and a line for each error or warning. */
void px_sent_describe(struct px_buf *out, const struct px_sent_report *r);

#endif
