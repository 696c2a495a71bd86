/* prinex: a document as it lies in a file, before it becomes an exchange
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CLIENT_PAYLOAD_H
#define PX_CLIENT_PAYLOAD_H

#include "base/buf.h"
#include "base/exchange.h"
#include "client/show.h"

/*
 * A payload comes as other systems write it: with an XML declaration, a byte order mark, comments in front,
 * in an old encoding. What travels is its root element alone, as UTF-8; its octets are not touched otherwise.
 * Exchanges are recognized and left exactly as they are. Pure.
 */

enum px_doc_is { PX_DOC_IS_PAYLOAD, PX_DOC_IS_EXCHANGE, PX_DOC_IS_CONFIRMATION, PX_DOC_IS_NODE };

struct px_document {
	enum px_doc_is is;
	bool is_signed;              /* all but PAYLOAD */
	struct px_buf octets;        /* as read; PAYLOAD: in UTF-8, without declaration */
	size_t root, root_len;       /* the root element within octets */
	unsigned root_line;          /* of the root element in the file, from 1 */
	bool has_header;             /* EXCHANGE: sender and id could be read */
	struct px_header header;     /* EXCHANGE; claimed, not verified */
	size_t payload, payload_len; /* EXCHANGE: the payload's root element; len 0: not found */
};

/**
 * Take apart what a file holds. @from_encoding: of payloads, "" UTF-8. @return PX_OK, or PX_EPARSE with @why
 * (line and reason): not well-formed, a document type declaration, another encoding than was said.
 */
int px_document_read(const uint8_t *data, size_t len, const char *from_encoding, struct px_document *out,
		     struct px_buf *why);
/** Lines of an exchange on which its payload stands, into @map: first, last, and 1 as other. */
void px_payload_lines(const uint8_t *data, size_t len, struct px_line_map *map);
void px_document_free(struct px_document *doc);

/** Append the unsigned exchange around a payload's root element. */
void px_wrap(struct px_buf *out, const struct px_header *header, const uint8_t *root, size_t root_len);

/** A fresh MessageId: sender, time and chance. @out >= PX_MESSAGE_ID_MAX + 1. */
void px_fresh_id(const char *sender, int64_t now, uint64_t random, char *out);

/** `2026-11-23T08:15:00Z`, or a duration from @now. @return PX_OK or PX_EPARSE. */
int px_parse_expiry(const char *text, int64_t now, int64_t *out);

#endif
