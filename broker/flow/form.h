/* prinex: one answer as XML or as JSON
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_FORM_H
#define PX_FLOW_FORM_H

#include "base/buf.h"

/*
 * Unsigned answers that are asked for in either form are written once, in the words of the XML schema: an
 * element is a member of that name in small letters (MessageId: message_id), what may come more than once
 * stands in a list. Nested up to 32 deep. Pure.
 *
 *	px_form_start(&f, json, &out);
 *	px_form_open(&f, "Movements");
 *	px_form_text(&f, "Authority", "UA");
 *	px_form_list(&f, "movements");
 *	px_form_open(&f, "Movement"); ... px_form_close(&f, "Movement");
 *	px_form_list_end(&f);
 *	px_form_close(&f, "Movements");
 */
struct px_form {
	struct px_buf *out;
	bool json;
	bool first;     /* nothing stands in this object or list yet */
	unsigned level; /* objects and lists around what comes next */
	uint32_t lists; /* bit n: the one at level n + 1 is a list */
};

void px_form_start(struct px_form *f, bool json, struct px_buf *out);
/** An element with others in it. The outermost one gets the namespace. */
void px_form_open(struct px_form *f, const char *name);
void px_form_close(struct px_form *f, const char *name);
/** Elements that follow belong together; @name is the member's in JSON. */
void px_form_list(struct px_form *f, const char *name);
void px_form_list_end(struct px_form *f);
/** Left out when @value is NULL or "". */
void px_form_text(struct px_form *f, const char *name, const char *value);
/** Left out when 0. */
void px_form_time(struct px_form *f, const char *name, int64_t ms);

#endif
