/* prinex: verified signing certificates, kept ready for the next signature
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_LEAF_H
#define PX_XML_LEAF_H

#include <xmlsec/xmlsec.h>
#include <xmlsec/keys.h>

#include "xml/run.h"
#include "xml/trust.h"
#include "xml/verify.h"

/*
 * Checking a path costs twenty times a signature, and a partner signs thousands of messages with one
 * certificate. An entry stands under the certificates exactly as a message carries them, the authority that
 * must have signed and the roles that may: other text is another entry. Entries are made only after a
 * signature verified with them (so only holders of a key can fill the cache) and are bounded in number. Trust
 * never changes under a cache: both belong to one examiner.
 */
struct px_leaf {
	char authority[PX_AUTHORITY_MAX + 1];
	unsigned roles;
	struct px_buf certs; /* as they stand in the document, a NUL behind each */
	struct px_signer signer;
	xmlSecKeyPtr key;             /* for xmlsec1 */
	struct px_verifier *verifier; /* the same key */
	bool ecdsa;
	struct px_path path;
	uint64_t used; /* for finding the one not used longest */
};

struct px_leaves;

struct px_leaves *px_leaves_new(void);
void px_leaves_free(struct px_leaves **leaves);

/** Note in @leaf under what it is to stand. */
void px_leaf_name(struct px_leaf *leaf, const struct px_run *run, unsigned roles);
/** The entry for the certificates of @run, good for @at and for revocation at @now (ms), or NULL. View: until
 * the next put. */
const struct px_leaf *px_leaves_get(struct px_leaves *leaves, const struct px_run *run, unsigned roles,
				    int64_t at, int64_t now);
/** Take @leaf in; replaces the entry of the same name, else the one not used longest. */
void px_leaves_put(struct px_leaves *leaves, struct px_leaf **leaf);
void px_leaf_free(struct px_leaf **leaf);

#endif
