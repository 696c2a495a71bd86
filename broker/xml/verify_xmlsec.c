/* prinex: digest and value of a signature, by xmlsec1
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <xmlsec/xmlsec.h>
#include <xmlsec/crypto.h>
#include <xmlsec/transforms.h>
#include <xmlsec/xmldsig.h>

#include "xml/leaf.h"
#include "xml/verify.h"

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
static enum px_verified judge(xmlSecDSigCtxPtr ctx, int rc)
{
	xmlSecDSigReferenceCtxPtr ref = xmlSecPtrListGetSize(&ctx->signedInfoReferences) == 1
					    ? xmlSecPtrListGetItem(&ctx->signedInfoReferences, 0)
					    : NULL;
	bool digest_ok = ref != NULL && ref->status == xmlSecDSigStatusSucceeded;
	if (rc == 0 && ctx->status == xmlSecDSigStatusSucceeded && digest_ok)
		return PX_VERIFIED;
	return ref != NULL && !digest_ok ? PX_VERIFIED_DIGEST_WRONG : PX_VERIFIED_VALUE_WRONG;
}

enum px_verified px_verify_xmlsec(struct px_run *run)
{
	enum px_verified result = PX_VERIFIED_VALUE_WRONG;
	xmlSecDSigCtx ctx;
	px_assert(xmlSecDSigCtxInitialize(&ctx, NULL) == 0);
	if (prepare(&ctx, &run->shape)) {
		ctx.signKey = run->leaf->key;
		int rc = xmlSecDSigCtxVerify(&ctx, run->signature);
		result = judge(&ctx, rc);
		ctx.signKey = NULL; /* stays the leaf's */
	}
	xmlSecDSigCtxFinalize(&ctx);
	return result;
}
