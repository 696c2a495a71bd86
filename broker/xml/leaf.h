/* prinex: verified signing certificates, kept ready for the next signature
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_LEAF_H
#define PX_XML_LEAF_H

#include <xmlsec/xmlsec.h>
#include <xmlsec/keys.h>

#include "xml/run.h"
#include "xml/trust.h"

/*
 * Checking a path costs twenty times a signature, and a partner signs thousands of messages with one
 * certificate. The key of an entry is a digest over the certificates exactly as a message carries them, the
 * authority that must have signed and the roles that may: another text is another entry. Entries are made
 * only after a signature verified with them (so only holders of a key can fill the cache) and are bounded in
 * number. Trust never changes under a cache: both belong to one examiner.
 */
struct px_leaf {
	uint8_t id[PX_DIGEST_LEN];
	struct px_signer signer;
	xmlSecKeyPtr key;
	bool ecdsa;
	struct px_path path;
	uint64_t used; /* for finding the one not used longest */
};

struct px_leaves;

struct px_leaves *px_leaves_new(void);
void px_leaves_free(struct px_leaves **leaves);

/** The digest under which the certificates of @run stand. */
void px_leaf_id(const struct px_run *run, unsigned roles, uint8_t id[PX_DIGEST_LEN]);
/** An entry good for @at and for revocation at @now (ms), or NULL. View: until the next put. */
const struct px_leaf *px_leaves_get(struct px_leaves *leaves, const uint8_t id[PX_DIGEST_LEN], int64_t at,
				    int64_t now);
/** Take @leaf in; replaces the entry of the same id, else the one not used longest. */
void px_leaves_put(struct px_leaves *leaves, struct px_leaf **leaf);
void px_leaf_free(struct px_leaf **leaf);

#endif
