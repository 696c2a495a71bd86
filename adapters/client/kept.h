/* prinex: what an exchange kept from an earlier run means for this one
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CLIENT_KEPT_H
#define PX_CLIENT_KEPT_H

#include "client/outbox.h"

/*
 * FILE.px is compared with what would be made now: document, header (as the options ask for it) and signing
 * certificate. The same is sent again. What differs is never sent silently: after a refusal a new exchange is
 * made; otherwise, since there may be an effect at the other side already, the run stops and says what
 * differs, unless --anew was given. Blocks (files). Thread: any.
 */

enum px_kept {
	PX_KEPT_SAME,     /* send its octets again */
	PX_KEPT_REPLACED, /* make a new exchange in its place */
	PX_KEPT_ASIDE     /* make a new exchange; keep the old one under another name (px_kept_aside) */
};

/**
 * @octets: those of FILE.px; @kept: the same taken apart. @o->doc: what is to be sent now. @remark gets what
 * the user should know. @return PX_OK with *@out, PX_ECONFLICT or what px_outgoing_header returns, with @why.
 */
int px_kept_judge(struct px_client *c, const struct px_outgoing *o, const struct px_buf *octets,
		  const struct px_document *kept, enum px_kept *out, struct px_buf *remark,
		  struct px_buf *why);

/** FILE.px, FILE.coa and FILE.coe become FILE.@id.px and so on. @return PX_OK, or PX_ESYS with @why. */
int px_kept_aside(const struct px_outgoing *o, const char *id, struct px_buf *why);

/** Whether FILE.@suffix ("coa", "coe") is about octets with this digest. */
bool px_kept_is_answer(const struct px_outgoing *o, const char *suffix, const uint8_t digest[PX_DIGEST_LEN]);

#endif
