/* prinex: what was accepted a moment ago, in memory until it is leased
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/recent.h"

#include "base/strings.h"

static struct px_recent_message **slot_of(struct px_recent *r, uint64_t seq)
{
	return &r->slots[seq % PX_RECENT_MESSAGES];
}

static void drop(struct px_recent *r, struct px_recent_message **slot)
{
	struct px_recent_message *m = *slot;
	if (m == NULL)
		return;
	r->octets -= m->body->len;
	px_body_unref(&m->body);
	free(m);
	*slot = NULL;
}

static void make_room(struct px_recent *r)
{
	while (r->octets > PX_RECENT_OCTETS && r->oldest <= r->newest)
		drop(r, slot_of(r, r->oldest++));
}

void px_recent_add(struct px_recent *r, uint64_t seq, const struct px_header *header, const char *partner,
		   bool confirmations, struct px_body *body, unsigned deliveries)
{
	px_assert(seq > r->newest);
	struct px_recent_message **slot = slot_of(r, seq);
	drop(r, slot);
	r->newest = seq;
	if (seq >= PX_RECENT_MESSAGES)
		r->oldest = PX_MAX(r->oldest, seq - PX_RECENT_MESSAGES + 1);
	if (deliveries == 0)
		return;
	struct px_recent_message *m = px_xmalloc(sizeof(*m));
	m->seq = seq;
	m->left = deliveries;
	m->confirmations = confirmations;
	px_strlcpy(m->partner, partner, sizeof(m->partner));
	m->header = *header;
	m->body = px_body_ref(body);
	*slot = m;
	r->octets += body->len;
	make_room(r);
}

const struct px_recent_message *px_recent_find(const struct px_recent *r, uint64_t seq)
{
	const struct px_recent_message *m = r->slots[seq % PX_RECENT_MESSAGES];
	return m != NULL && m->seq == seq ? m : NULL;
}

void px_recent_leased(struct px_recent *r, uint64_t seq)
{
	struct px_recent_message **slot = slot_of(r, seq);
	if (*slot != NULL && (*slot)->seq == seq && --(*slot)->left == 0)
		drop(r, slot);
}

void px_recent_clear(struct px_recent *r)
{
	for (size_t i = 0; i < PX_RECENT_MESSAGES; i++)
		drop(r, &r->slots[i]);
	*r = (struct px_recent){0};
}
