/* prinex: the border post: what its answers are made of
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_BORDER_PARTS_H
#define PX_FLOW_BORDER_PARTS_H

#include "flow/form.h"
#include "flow/journey.h"

/* Private to border*.c. What is kept of a movement while it is read page by page, and how it is written. */

/** An exchange that was sent, and where its octets are. */
struct px_border_link {
	char sender[PX_AUTHORITY_MAX + 1];
	char message_id[PX_MESSAGE_ID_MAX + 1];
	char type[PX_TYPE_MAX + 1];
	char type_version[PX_TYPE_MAX + 1];
	int64_t accepted;
	uint8_t digest[PX_DIGEST_LEN];
};
void px_border_link(struct px_border_link *out, const struct px_message *m);

#define PX_BORDER_LINKS 1000 /* of a movement, the newest ones; older ones are counted */

struct px_border_links {
	uint64_t n; /* noted */
	struct px_border_link *items;
};
void px_border_links_note(struct px_border_links *links, const struct px_message *m);
void px_border_links_write(struct px_form *form, const struct px_border_links *links);

/** @m: the newest version of @v. */
void px_border_write_declaration(struct px_form *form, const struct px_journey_version *v,
				 const struct px_message *m);
/** How many are not shown; nothing for none. */
void px_border_write_omitted(struct px_form *form, const char *name, uint64_t n);

#endif
