/* prinex: store operation: messages by business key
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_LOOKUP_H
#define PX_STORE_LOOKUP_H

#include "base/keys.h"

/** Messages that carry a key, however written (px_key_normal), newest first; px_store_lookup. */
struct px_lookup {
	enum px_key_kind kind;
	const char *value;
	const char *recipient; /* only what is sent to it (px_delivery_is_sent); NULL any */
	int64_t live_at; /* only of movements that had not ended by then: by a message, or by age; 0 any */
	uint64_t from;   /* 0: the newest; else `next` of the page before */
	unsigned limit;  /* <= 1000 */
};

#endif
