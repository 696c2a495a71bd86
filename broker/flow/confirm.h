/* prinex: documents that this side writes, canonical by construction
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_CONFIRM_H
#define PX_FLOW_CONFIRM_H

#include "base/buf.h"
#include "base/exchange.h"
#include "conf/catalogue.h"

/*
 * Confirmations, the exchanges that carry them, the node's answer to ping and the state of an exchange,
 * written as exclusive canonical XML (one namespace declaration on the root, no insignificant white space, no
 * empty-element tags, escapes as C14N has them), so that px_seal can sign the octets without an XML parser.
 * Element order follows schemas/xsd/exchange-1.xsd. Also used by adapters/client to confirm what it fetched.
 * Pure; any thread.
 */

/** What a confirmation says. Borrowed strings; NULL, "" or 0 leave an element out. */
struct px_confirm {
	enum px_conf_kind kind;
	bool permanent; /* CoE */
	const char *confirmation_id;
	const char *issuer;
	const char *ref_sender, *ref_message_id;
	const uint8_t *ref_digest; /* PX_DIGEST_LEN octets */
	int64_t at;
	unsigned n_recipients;
	const char (*recipients)[PX_AUTHORITY_MAX + 1];
	const char *route;
	bool cod_follows; /* CoA */
	const char *supersedes;
	const uint8_t *evidence; /* octets of a signed confirmation; base64 is made here */
	size_t evidence_len;
	size_t *evidence_at;       /* not NULL: base64 is not made; it belongs there */
	const uint8_t *checkpoint; /* PX_DIGEST_LEN octets, or NULL */
	const struct px_findings *warnings;
	const struct px_findings *errors;
	const char *reference; /* the declarant's reference, put on every Error and Warning */
};

/** @root: with the namespace declaration, to be sealed; otherwise an entry for px_confirm_exchange. */
void px_confirm_write(struct px_buf *out, const struct px_confirm *c, bool root);

/** An unsigned Exchange of type Confirmations around @n entries as px_confirm_write(..., false) made them. */
void px_confirm_exchange(struct px_buf *out, const struct px_header *header, const struct px_buf *entries,
			 unsigned n);

/** The header alone is reused by those that write other exchanges of the node. */
void px_confirm_header(struct px_buf *out, const struct px_header *header);

/** px:Node: who the peer is here and what is served. Unsigned, to be sealed. */
void px_confirm_node(struct px_buf *out, const struct px_conf *conf, const struct px_catalogue *cat,
		     const struct px_conf_partner *peer, int64_t now);

/** A fresh id: "PX-" and 24 characters from time and @random. @out >= PX_MESSAGE_ID_MAX + 1. */
void px_confirm_id(char *out, int64_t now, uint64_t random);

#endif
