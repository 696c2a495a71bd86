/* prinex: text helpers: copies, numbers, hex, base64, UTF-8, times
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BASE_STRINGS_H
#define PX_BASE_STRINGS_H

#include "base/buf.h"

/** Copy with truncation; always terminated when @size > 0. @return false when it was cut. */
bool px_strlcpy(char *to, const char *from, size_t size);
/** As px_strlcpy from @len octets that need not be terminated. */
bool px_strlcpy_n(char *to, const char *from, size_t len, size_t size);
/** As px_strlcpy, but cut at a character, with an ellipsis where something is missing. */
void px_str_shorten(char *to, const char *from, size_t size);
bool px_str_starts(const char *s, const char *prefix);
bool px_str_ends(const char *s, const char *suffix);

/** Strict decimal: digits only, whole string, within [@min, @max]. @return PX_OK or PX_EINVAL. */
int px_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out);

/** Lower-case hex of @len octets into @out (2 * @len + 1 octets). */
void px_hex(const void *data, size_t len, char *out);
/** Strict: exactly 2 * @len hex digits (either case). @return PX_OK or PX_EPARSE. */
int px_unhex(const char *s, void *out, size_t len);
/** Append base64 (RFC 4648, with padding, no line breaks). */
void px_base64(struct px_buf *buf, const void *data, size_t len);
/** Append the decoded octets; white space is skipped, anything else wrong is PX_EPARSE. */
int px_unbase64(struct px_buf *buf, const char *s, size_t len);

/** Octets of the UTF-8 character at @s that XML 1.0 could carry if it is not ASCII; 1 for any ASCII octet;
 * 0 for a malformed sequence, a surrogate, U+FFFE or U+FFFF. */
size_t px_utf8_length(const char *s, size_t room);
/** Largest n <= @max such that @s[0..n) ends at a character. */
size_t px_utf8_cut(const char *s, size_t len, size_t max);

/** Time in milliseconds since 1970 as `2026-11-21T08:15:00Z`, with .mmm only if not zero. @out: >= 25 octets.
 */
void px_time_format(int64_t ms, char *out, size_t size);
/** Parse `YYYY-MM-DDThh:mm:ss[.fff]Z` (UTC only, real dates only, years 1970-9999). @return PX_OK or
 * PX_EPARSE. */
int px_time_parse(const char *s, int64_t *ms);
/** A duration for people: "35 s", "12 min", "3 h 20 min", "2 d 4 h". */
void px_duration_format(int64_t ms, char *out, size_t size);

/** Authority code: [A-Z]{2}([.-][A-Z0-9]{1,12})? */
bool px_is_authority(const char *s);
/** MessageId: [A-Za-z0-9][A-Za-z0-9._-]{0,34} */
bool px_is_message_id(const char *s);
/** Partner and route names: [a-z0-9][a-z0-9._-]{0,31} */
bool px_is_name(const char *s);

#endif
