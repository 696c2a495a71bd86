/* prinex: what the broker's signed answers are worth
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CLIENT_ANSWER_H
#define PX_CLIENT_ANSWER_H

#include "client/client.h"

/**
 * Verify a Confirmation that answers an exchange of ours: schema, signature, signer (the broker's authority
 * and role), digest, and what it refers to. @return PX_OK with *@out filled; PX_ESIGNATURE with @why when it
 * must not be believed. Thread: any.
 */
int px_answer_verify(struct px_client *c, const uint8_t *doc, size_t len, const uint8_t digest[PX_DIGEST_LEN],
		     const struct px_header *header, struct px_confirmation *out, struct px_buf *why);

/** Verify a node's answer to ping in the same way. @return PX_OK, or PX_ESIGNATURE with @why. Thread: any. */
int px_answer_verify_node(struct px_client *c, const uint8_t *doc, size_t len, struct px_buf *why);

#endif
