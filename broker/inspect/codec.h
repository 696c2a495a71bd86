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
 * `total` keeps the count; of errors and warnings the errors go first.
 *
 * The one exception: a finding's `value` shows what the sender sent, so it may hold any octets but NUL.
 * Who writes it escapes it (px_buf_add_xml_text, px_log).
 *
 * Encoding never makes what decoding refuses on account of its strings and numbers: what a sender claims and
 * is not of its form (a Sender that is no authority code, a MessageId that is none) is left out, control
 * characters in other strings become '?', pointers and texts are cut at PX_VERDICT_POINTER_MAX and
 * PX_VERDICT_TEXT_MAX octets. What decoding accepts, encoding writes back octet for octet.
 *
 * Decoding also refuses what contradicts itself: stage OK with errors, another stage without, a stage beyond
 * SIGNATURE without a signer (authority; role system or node), a signed exchange without Sender and
 * MessageId, a confirmation found good that is not there.
 */
#define PX_VERDICT_POINTER_MAX 4096
#define PX_VERDICT_TEXT_MAX    1024

/** Append the verdict; never more than PX_LIMIT_VERDICT octets. Thread: any. */
void px_verdict_encode(const struct px_verdict *verdict, struct px_buf *out);

/** @doc_len length of the document examined. @return PX_OK and *@out, or PX_EPARSE. */
int px_verdict_decode(const uint8_t *data, size_t len, size_t doc_len, struct px_verdict **out);

#endif
