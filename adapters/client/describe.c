/* prinex: what became of a message that was sent, for people
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/send.h"
#include "client/show.h"

static void add_recipients(struct px_buf *out, const struct px_confirmation *k)
{
	for (unsigned i = 0; i < k->n_recipients; i++)
		px_buf_addf(out, "%s%s", i == 0 ? " for " : ", ", k->recipients[i]);
	if (k->route[0] != '\0')
		px_buf_addf(out, " (route %s)", k->route);
}

void px_sent_describe(struct px_buf *out, const struct px_sent_report *r)
{
	const struct px_confirmation *k = r->confirmation;
	px_buf_addf(out, "%s: ", r->file);
	switch (r->sent) {
	case PX_SENT_ACCEPTED:
	case PX_SENT_DUPLICATE:
		px_buf_addf(out, "accepted%s by %s as %s", r->sent == PX_SENT_DUPLICATE ? " earlier" : "",
			    k->issuer, r->header->message_id);
		add_recipients(out, k);
		px_buf_addc(out, '\n');
		px_show_confirmation(out, r->answer, r->answer_len, "Warning", r->lines, "  warning: ");
		break;
	case PX_SENT_BEFORE:
		px_buf_addf(out, "accepted in an earlier run as %s\n", r->header->message_id);
		break;
	case PX_SENT_REFUSED:
		px_buf_addf(out, "refused by %s (%s)\n", k->issuer, r->header->message_id);
		px_show_confirmation(out, r->answer, r->answer_len, "Error", r->lines, "  ");
		break;
	default: px_buf_addf(out, "%s: %s\n", r->sent == PX_SENT_HELD ? "held" : "not sent", r->why);
	}
	if (r->remark[0] != '\0')
		px_buf_addf(out, "  %s\n", r->remark);
}
