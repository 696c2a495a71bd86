/* prinex: octets of one message, shared without copying
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/body.h"

struct px_body *px_body_new(uint8_t **data, size_t len, const uint8_t *digest)
{
	struct px_body *body = px_xmalloc(sizeof(*body));
	body->refs = 1;
	body->len = len;
	body->data = *data;
	*data = NULL;
	if (digest != NULL)
		memcpy(body->digest, digest, PX_DIGEST_LEN);
	else
		px_sha256(body->data, len, body->digest);
	return body;
}

struct px_body *px_body_copy(const void *data, size_t len)
{
	uint8_t *copy = px_xmemdup(data, len);
	return px_body_new(&copy, len, NULL);
}

struct px_body *px_body_undigested(const void *data, size_t len)
{
	static const uint8_t none[PX_DIGEST_LEN];
	uint8_t *copy = px_xmemdup(data, len);
	return px_body_new(&copy, len, none);
}

struct px_body *px_body_ref(struct px_body *body)
{
	__atomic_add_fetch(&body->refs, 1, __ATOMIC_RELAXED);
	return body;
}

void px_body_unref(struct px_body **body)
{
	struct px_body *b = *body;
	*body = NULL;
	if (b == NULL || __atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	free(b->data);
	free(b);
}
