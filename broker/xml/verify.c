/* prinex: stage signature: digest and value
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "xml/verify.h"

#include "xml/examiner.h"
#include "xml/leaf.h"

void px_stage_signature(struct px_run *run)
{
	if (run->shape.signature->ecdsa != run->leaf->ecdsa) {
		px_run_error(run, PX_CODE_SIG_ALGORITHM, run->signature, run->shape.signature->uri,
			     "the signature algorithm is not one for the certificate's key");
		return;
	}
	switch (run->ex->verify == PX_VERIFY_FAST ? px_verify_fast(run) : px_verify_xmlsec(run)) {
	case PX_VERIFIED: break;
	case PX_VERIFIED_DIGEST_WRONG:
		px_run_error(run, PX_CODE_SIG_DIGEST, run->signature, NULL,
			     "the digest of the document is not the one that was signed");
		return;
	case PX_VERIFIED_VALUE_WRONG:
		px_run_error(run, PX_CODE_SIG_VALUE, run->signature, NULL,
			     "the signature does not verify with the certificate's key");
		return;
	}
	if (run->fresh != NULL) {
		run->leaf = NULL;
		px_leaves_put(run->ex->leaves, &run->fresh);
	}
}
