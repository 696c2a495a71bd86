/* prinex: fuzzes the decoder of verdicts
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
/* layer: inspect */

#include "inspect/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decoding refuses, or yields a verdict that encodes to the very same octets. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct px_verdict *v = NULL;
	if (px_verdict_decode(data, size, 100000, &v) != PX_OK)
		return 0;
	struct px_buf again = PX_BUF_INIT;
	px_verdict_encode(v, &again);
	px_assert(again.len == size && memcmp(again.data, data, size) == 0);
	px_buf_free(&again);
	px_verdict_free(&v);
	return 0;
}
