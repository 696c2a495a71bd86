/* prinex: what peers that tests play say: confirmations, a node's answer to ping
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_HARNESS_PEER_ANSWER_H
#define PX_HARNESS_PEER_ANSWER_H

#include "base/digest.h"
#include "base/exchange.h"
#include "base/buf.h"

/** Authority, key and chain. Immutable, any thread. */
struct px_peer_signer;
/** @return PX_OK, or PX_ECONF with @why. */
int px_peer_signer_load(const char *authority, const char *cert, const char *key, struct px_peer_signer **out,
			struct px_buf *why);
void px_peer_signer_free(struct px_peer_signer **signer);
const char *px_peer_signer_authority(const struct px_peer_signer *signer);
/** Sign a document that is canonical already. */
void px_peer_seal(const struct px_peer_signer *signer, struct px_buf *doc);

/** Text of the first element of that local name, without looking at structure: for tests, not to be believed.
 * @return false, and "" in @out, when there is none or it is longer. */
bool px_peer_first(const void *doc, size_t len, const char *name, char *out, size_t size);

/** An Error or Warning as it will be written; "" or 0 leave an attribute out. Borrowed. */
struct px_peer_finding {
	const char *code, *ncts, *pointer, *value, *text;
	unsigned line;
};

/** A confirmation; NULL, "" and 0 leave elements out. Borrowed. */
struct px_peer_confirmation {
	enum px_conf_kind kind;
	bool temporary;
	const char *id; /* "" a fresh one */
	const char *issuer;
	const char *ref_sender, *ref_message_id;
	uint8_t ref_digest[PX_DIGEST_LEN];
	const char *at; /* "" now */
	unsigned n_recipients;
	const char (*recipients)[PX_AUTHORITY_MAX + 1];
	bool cod_follows;
	const void *evidence;
	size_t evidence_len;
	unsigned n_errors, errors_total;
	const struct px_peer_finding *errors;
};
/** Append it. @root: a document of its own, to be sealed; otherwise an entry of Confirmations. */
void px_peer_confirmation_write(struct px_buf *out, const struct px_peer_confirmation *c, bool root);

/** Append the unsigned Node for a client whose certificate has this URI. */
void px_peer_node_write(struct px_buf *out, const char *environment, const char *authority,
			const char *peer_uri);

#endif
