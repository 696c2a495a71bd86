/* prinex: what both halves of the verdict codec agree on
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_INSPECT_CODEC_PARTS_H
#define PX_INSPECT_CODEC_PARTS_H

#include "base/exchange.h"

/*
 * Layout: magic u32, then fields in the order of the structs in base/exchange.h. Integers are little-endian;
 * enums and booleans take one octet; a string is u16 length and octets, a string that may be absent (NULL)
 * has the length PX_VERDICT_ABSENT then. Findings come last, errors before warnings.
 */
#define PX_VERDICT_MAGIC  0x33565850u /* "PXV3" */
#define PX_VERDICT_ABSENT 0xffffu
#define PX_TIME_MAX       253402300799999 /* the last millisecond of the year 9999 */

/** Octets of the character at @s that may stand in a string of a verdict; 0: none may. Unlike XML this
 * refuses all control characters, C1 (U+0080 to U+009F) too, which terminals obey. */
size_t px_verdict_char(const char *s, size_t room);
/** How many of the first @len octets are printable ASCII, one after the other: nearly always all. */
size_t px_verdict_plain(const char *s, size_t len);

#endif
