/* prinex: business keys as they are looked up: spellings made one, expected arrivals as times
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BASE_KEYS_H
#define PX_BASE_KEYS_H

#include "base/exchange.h"

/*
 * Number plates, containers and seals are written as people see them: with and without spaces and dashes, in
 * lower case, in Latin letters or in the Cyrillic ones that look alike. Messages keep the words of their
 * sender; indexes and look-ups go by what is made of them here. Pure; any thread.
 */

/**
 * The spelling under which @value is found. VEHICLE, CONTAINER, SEAL and MRN: without spaces, dashes, dots,
 * slashes and quotation marks of any kind, in capital letters, Cyrillic ones that look like a Latin one
 * replaced by it. Other kinds: as it is. @value longer than a key can be is cut at a character.
 */
void px_key_normal(enum px_key_kind kind, const char *value, char out[PX_KEY_VALUE_MAX + 1]);

/** An office and when something is expected there. */
struct px_expected {
	const char *office; /* view into the keys */
	int64_t at;         /* wall ms */
	int64_t limit; /* until when it must have come: @at, or the end of the day of a later limit date */
};
#define PX_EXPECTED_MAX 32

/**
 * The arrivals that a message announces: the n-th EXPECTED_ARRIVAL is that at the n-th ARRIVAL_OFFICE, and a
 * LIMIT_DATE holds for all. Times are those of the PRINEX set (UTC), of NCTS (without zone: taken as UTC) and
 * of the entry summary (YYYYMMDDhhmm, the same); others are left out. @return how many.
 */
unsigned px_keys_expected(const struct px_keys *keys, struct px_expected out[PX_EXPECTED_MAX]);

/** A time as messages write it: see px_keys_expected; or a day alone, which begins then. @return whether it
 * is one. */
bool px_key_time(const char *s, int64_t *ms);

/** Whether a key of @kind is an office that the goods are to come to. */
bool px_key_is_office_ahead(enum px_key_kind kind);

/** Whether @office (its reference number begins with its country) belongs to the country of @authority. */
bool px_office_is_of(const char *office, const char *authority);

#endif
