/* prinex: what is to be sent, and what is kept beside it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CLIENT_OUTBOX_H
#define PX_CLIENT_OUTBOX_H

#include "client/client.h"
#include "client/payload.h"
#include "client/show.h"

/*
 * Beside FILE stand FILE.px, the signed exchange exactly as it is sent, FILE.coa or FILE.coe, the answer.
 * FILE.px is on disk before the first attempt and is what every later run that asks for the same sends again
 * (kept.h): a lost answer costs nothing, and no declaration is sent under two ids unawares. The calling
 * sequence for each file:
 *
 *	px_outgoing_read(c, o, &why);      what it is, and its business keys
 *	px_outgoing_prepare(c, o, &why);   octets to send; FILE.px written or read again
 *	... send o->octets ...
 *	px_outgoing_answered(o, kind, doc, len, &why);
 */
struct px_outgoing {
	char *input;            /* as the user named it; "-" standard input */
	char *base;             /* FILE of FILE.px; NULL until the id is known (standard input) */
	bool of_folder;         /* not named itself: what was accepted before is left alone */
	struct px_document doc; /* between read and prepare */
	struct px_keys keys;
	struct px_buf octets; /* after prepare */
	uint8_t digest[PX_DIGEST_LEN];
	struct px_header header;
	bool accepted_before;     /* FILE.coa is about exactly these octets */
	struct px_buf remark;     /* after prepare: what the user should know about it; empty nothing */
	struct px_line_map lines; /* after prepare: from lines of the exchange to lines people look at */
	char *exchange_name;      /* for lines */
};

/** FILE.@suffix into @path. */
void px_outgoing_beside(const struct px_outgoing *o, const char *suffix, struct px_buf *path);

/** @return PX_OK; PX_EPARSE, PX_ENOTFOUND, PX_EACCESS, PX_ELIMIT with @why, PX_ESYS: it may pass. Thread:
 * any. Blocks. */
int px_outgoing_read(struct px_client *c, struct px_outgoing *o, struct px_buf *why);
/** Drop the document that read left in memory; prepare reads it again. */
void px_outgoing_forget(struct px_outgoing *o);
/**
 * @return PX_OK; PX_ECONFLICT when something else was sent and not refused; PX_ECONF (no key, no type),
 * PX_EPARSE, PX_EACCESS, PX_ELIMIT (too long, or its name is); PX_ESYS: it may pass; all with @why. Thread:
 * any.
 */
int px_outgoing_prepare(struct px_client *c, struct px_outgoing *o, struct px_buf *why);
/** Keep the verified answer: FILE.coa, or FILE.coe for a CoE. */
int px_outgoing_answered(const struct px_outgoing *o, enum px_conf_kind kind, const void *doc, size_t len,
			 struct px_buf *why);
void px_outgoing_free(struct px_outgoing *o);

/** The header of a new exchange, from the settings. @root: the payload's root element. */
int px_outgoing_header(struct px_client *c, const uint8_t *root, size_t root_len, struct px_header *h,
		       struct px_buf *why);

#endif
