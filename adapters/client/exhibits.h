/* prinex: the signed exchanges that an officer's answer leads to
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CLIENT_EXHIBITS_H
#define PX_CLIENT_EXHIBITS_H

#include "client/link.h"

/*
 * What the broker tells an officer of a movement is not signed; the exchanges that it names are. They are got
 * one by one, octet for octet, held against the digest that was told, and kept as SENDER_ID.xml.
 */

/** An exchange that an answer names. */
struct px_exhibit {
	char sender[PX_AUTHORITY_MAX + 1];
	char message_id[PX_MESSAGE_ID_MAX + 1];
	uint8_t digest[PX_DIGEST_LEN];
};

/** All in an answer to GET /v1/movements (XML), each once, in its order; *@n of them, to be freed with
 * free().
 * @return PX_OK or PX_EPARSE. */
int px_exhibits_read(const uint8_t *doc, size_t len, struct px_exhibit **out, unsigned *n);

/** What became of one. */
enum px_exhibit_end {
	PX_EXHIBIT_NEW,     /* asked for and kept */
	PX_EXHIBIT_KNOWN,   /* it was there already; not asked for */
	PX_EXHIBIT_DIFFERS, /* what came, or what lies under its name, has another digest; nothing is written
			     */
	PX_EXHIBIT_GONE,    /* the broker has it not (any more) */
	PX_EXHIBIT_UNWRITTEN, /* could not be made durable */
	PX_EXHIBIT_NOT_YET,   /* no final answer: the same may succeed later */
	PX_EXHIBIT_BARRED,    /* the broker does not answer it */
};
/** For people and JSON: "new", "known" ... */
const char *px_exhibit_end_name(enum px_exhibit_end end);

/** Ask for @x over @link, unless @folder has it. @path gets where it is or would be, @why what went wrong.
 * Blocks. */
enum px_exhibit_end px_exhibit_keep(struct px_link *link, const struct px_exhibit *x, const char *folder,
				    struct px_buf *path, struct px_buf *why);

#endif
