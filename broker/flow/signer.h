/* prinex: the signer thread
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_SIGNER_H
#define PX_FLOW_SIGNER_H

#include "flow/seal.h"

/*
 * Seals documents and checkpoints off the loop, in batches, unless another thread does it on its way
 * (seal_here). The interface is a table so that simulations can seal in place. One per generation (the key
 * may change). Jobs keep their order. Thread: loop; @done from px_signer_dispatch.
 */

/** @doc: sealed (taken by the callee), or NULL when signing failed. */
typedef void px_sealed(void *arg, struct px_buf *doc);
/** @signature view; NULL when it failed. */
typedef void px_octets_signed(void *arg, const uint8_t *signature, size_t len);

struct px_sealer {
	/** @doc is taken (empty on return). Exactly one @done, later, on the loop. */
	void (*seal)(struct px_sealer *s, struct px_buf *doc, px_sealed *done, void *arg);
	void (*sign)(struct px_sealer *s, const void *data, size_t len, px_octets_signed *done, void *arg);
	/** As px_seal, at once. Thread: any but the loop. NULL: with this key that takes too long for who
	 * waits for the calling thread. */
	int (*seal_here)(struct px_sealer *s, struct px_buf *doc);
};

struct px_signer; /* begins with a struct px_sealer */

/** Takes @key. */
int px_signer_new(struct px_seal_key **key, struct px_signer **out, struct px_buf *why);
struct px_sealer *px_signer_sealer(struct px_signer *s);
const struct px_seal_key *px_signer_key(const struct px_signer *s);
int px_signer_fd(const struct px_signer *s);
void px_signer_dispatch(struct px_signer *s);
/** Finishes what was submitted (callbacks run), joins the thread. */
void px_signer_free(struct px_signer **s);

#endif
