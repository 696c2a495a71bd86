/* prinex: small helpers that fill JSON objects
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CTL_JSON_H
#define PX_CTL_JSON_H

#include <jansson.h>

#include "base/base.h"

/* Setters: an absent value is null, so that each kind of object always has the same members. */

/** Text in UTF-8; octets that are not become \xHH. NULL: null. */
json_t *px_json_text(const char *s);
void px_json_set_text(json_t *object, const char *name, const char *s);
/** As px_json_set_text, but "" is null too. */
void px_json_set_maybe(json_t *object, const char *name, const char *s);
void px_json_set_int(json_t *object, const char *name, int64_t value);
void px_json_set_bool(json_t *object, const char *name, bool value);
/** Wall ms as `2026-11-21T08:15:00Z`; 0: null. */
void px_json_set_time(json_t *object, const char *name, int64_t ms);
/** Lower-case hex. */
void px_json_set_hex(json_t *object, const char *name, const void *data, size_t len);
/** Takes @value. */
void px_json_set(json_t *object, const char *name, json_t *value);
/** Append a new object to @array and return it (borrowed). */
json_t *px_json_append(json_t *array);

#endif
