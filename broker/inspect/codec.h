/* prinex: a verdict as octets, decoded as hostile
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_INSPECT_CODEC_H
#define PX_INSPECT_CODEC_H

#include "base/buf.h"
#include "base/exchange.h"

/*
 * The inspector may have been taken over by what it parsed, so decoding trusts nothing: every length, count,
 * enum, string (UTF-8, no control characters, NUL-free) and number is checked, offsets lie within the
 * document, the total is at most PX_LIMIT_VERDICT. Errors that do not fit are dropped from the end while
 * `total` keeps the count.
 */

/** Append the verdict; never more than PX_LIMIT_VERDICT octets. Thread: any. */
void px_verdict_encode(const struct px_verdict *verdict, struct px_buf *out);

/** @doc_len length of the document examined. @return PX_OK and *@out, or PX_EPARSE. */
int px_verdict_decode(const uint8_t *data, size_t len, size_t doc_len, struct px_verdict **out);

#endif
