/* prinex: how often a partner may ask
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/internal.h"

int px_rate_take(struct px_flow *flow, const struct px_conf_partner *partner)
{
	struct link *link = px_flow_obtain_link(flow, partner->name);
	int64_t now = px_clock_mono(flow->clock) + 1; /* never 0 */
	double rate = partner->rate;
	if (partner->rate == 0)
		return 0;
	if (link->tokens_at == 0)
		link->tokens = rate;
	else
		link->tokens += (double)(now - link->tokens_at) * rate / 60000;
	link->tokens = PX_MIN(link->tokens, rate);
	link->tokens_at = now;
	if (link->tokens < 1)
		return (int)((1 - link->tokens) * 60 / rate) + 1;
	link->tokens -= 1;
	return 0;
}

bool px_rate_lets_read(struct px_flow *flow, const struct px_conf_partner *partner,
		       px_flow_answered *answered, void *arg)
{
	int wait = px_rate_take(flow, partner);
	if (wait > 0)
		px_answer_text(answered, arg, 429, wait,
			       "more than the %u questions a minute agreed with this partner\n",
			       partner->rate);
	return wait == 0;
}

void px_rate_not_journalled(struct px_flow *flow, int rc, px_flow_answered *answered, void *arg)
{
	if (rc == PX_EFATAL)
		px_flow_store_failed(flow, "journal");
	if (rc == PX_EFULL)
		px_answer_text(answered, arg, 503, 60,
			       "the store is full: there is no room to journal the question\n");
	else
		px_answer_text(answered, arg, 503, 2, "the journal could not be written\n");
}
