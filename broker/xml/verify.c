/* prinex: stage signature: digest and value, by xmlsec1
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <xmlsec/xmlsec.h>
#include <xmlsec/crypto.h>
#include <xmlsec/transforms.h>
#include <xmlsec/xmldsig.h>

#include "xml/examiner.h"
#include "xml/leaf.h"
#include "xml/run.h"

/*
 * By now the shape is known to be profile 1 and the key to be the signer's. xmlsec1 is still held as tightly
 * as it can be: the key is preset, so that KeyInfo is never followed; only URI="" can be referred to; only
 * the algorithms that this signature names are enabled.
 */

static xmlSecTransformId digest_transform(unsigned bits)
{
	return bits == 256   ? xmlSecTransformSha256Id
	       : bits == 384 ? xmlSecTransformSha384Id
			     : xmlSecTransformSha512Id;
}

static xmlSecTransformId signature_transform(const struct px_sig_alg *alg)
{
	if (alg->ecdsa)
		return alg->bits == 256   ? xmlSecTransformEcdsaSha256Id
		       : alg->bits == 384 ? xmlSecTransformEcdsaSha384Id
					  : xmlSecTransformEcdsaSha512Id;
	return alg->bits == 256   ? xmlSecTransformRsaSha256Id
	       : alg->bits == 384 ? xmlSecTransformRsaSha384Id
				  : xmlSecTransformRsaSha512Id;
}

static bool prepare(xmlSecDSigCtxPtr ctx, const struct px_shape *shape)
{
	ctx->enabledReferenceUris = xmlSecTransformUriTypeEmpty;
	return xmlSecDSigCtxEnableReferenceTransform(ctx, xmlSecTransformEnvelopedId) == 0 &&
	       xmlSecDSigCtxEnableReferenceTransform(ctx, xmlSecTransformExclC14NId) == 0 &&
	       xmlSecDSigCtxEnableReferenceTransform(ctx, digest_transform(shape->digest_bits)) == 0 &&
	       xmlSecDSigCtxEnableSignatureTransform(ctx, xmlSecTransformExclC14NId) == 0 &&
	       xmlSecDSigCtxEnableSignatureTransform(ctx, signature_transform(shape->signature)) == 0;
}

/* References are processed before the value: the one there is tells which of the two was wrong. */
static void judge(struct px_run *run, xmlSecDSigCtxPtr ctx, int rc)
{
	xmlSecDSigReferenceCtxPtr ref = xmlSecPtrListGetSize(&ctx->signedInfoReferences) == 1
					    ? xmlSecPtrListGetItem(&ctx->signedInfoReferences, 0)
					    : NULL;
	bool digest_ok = ref != NULL && ref->status == xmlSecDSigStatusSucceeded;
	if (rc == 0 && ctx->status == xmlSecDSigStatusSucceeded && digest_ok)
		return;
	if (ref != NULL && !digest_ok)
		px_run_error(run, PX_CODE_SIG_DIGEST, run->signature, NULL,
			     "the digest of the document is not the one that was signed");
	else
		px_run_error(run, PX_CODE_SIG_VALUE, run->signature, NULL,
			     "the signature does not verify with the certificate's key");
}

void px_stage_signature(struct px_run *run)
{
	if (run->shape.signature->ecdsa != run->leaf->ecdsa) {
		px_run_error(run, PX_CODE_SIG_ALGORITHM, run->signature, run->shape.signature->uri,
			     "the signature algorithm is not one for the certificate's key");
		return;
	}
	xmlSecDSigCtx ctx;
	px_assert(xmlSecDSigCtxInitialize(&ctx, NULL) == 0);
	if (prepare(&ctx, &run->shape)) {
		ctx.signKey = run->leaf->key;
		int rc = xmlSecDSigCtxVerify(&ctx, run->signature);
		judge(run, &ctx, rc);
		ctx.signKey = NULL; /* stays the leaf's */
	} else {
		px_run_error(run, PX_CODE_SIG_VALUE, run->signature, NULL,
			     "the signature could not be verified");
	}
	xmlSecDSigCtxFinalize(&ctx);
	if (run->v->errors.total == 0 && run->fresh != NULL) {
		run->leaf = NULL;
		px_leaves_put(run->ex->leaves, &run->fresh);
	}
}
