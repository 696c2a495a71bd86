/* prinex: reference pages that come from tables
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "daemon/reference.h"

#include "base/codes.h"
#include "base/limits.h"

static void cell(struct px_buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '|')
			px_buf_addc(out, '\\');
		px_buf_addc(out, *s);
	}
}

void px_reference_errors(struct px_buf *out)
{
	px_buf_adds(out, "# Codes\n\n"
			 "Every code that a partner can see in an `Error` or `Warning` of a confirmation. "
			 "Codes are stable: one that was\n"
			 "published keeps its meaning. The second column is the code of IE906/IE917 that "
			 "fits best, for systems that know\n"
			 "only those. A refused message gets every error of the first stage that fails: "
			 "pre-scan, parse, envelope, shape,\n"
			 "certificate, signature, schema, rules; then what acceptance checks (sender, times, "
			 "identity, route).\n\n"
			 "Where a rule of the message type is broken its id ([rules.md](rules.md)) stands in "
			 "place of the code; `PX-RULE` and\n"
			 "the like are the groups that rules belong to, as metrics show them.\n\n"
			 "This page is written by `prinexd --errors` (`make docs`).\n\n"
			 "| code | IE906/917 | what it means | what to do |\n|---|---|---|---|\n");
	for (int i = 0; i < PX_CODE_COUNT; i++) {
		enum px_code code = (enum px_code)i;
		px_buf_addf(out, "| `%s` | %s | ", px_code_wire(code), px_code_ncts(code));
		cell(out, px_code_title(code));
		px_buf_adds(out, " | ");
		cell(out, px_code_remedy(code));
		px_buf_adds(out, " |\n");
	}
	px_buf_adds(out,
		    "\n## HTTP status\n\n"
		    "| status | with | when |\n|---|---|---|\n"
		    "| 201 | CoA | accepted and durable |\n"
		    "| 200 | the same CoA | accepted before: same octets |\n"
		    "| 204 | nothing | inbox: nothing there, or the confirmation settled the delivery |\n"
		    "| 400, 404, 405, 408, 413, 415, 429 | one line of text | nothing was judged: mend the "
		    "request |\n"
		    "| 403 | CoE | the connection's partner may not send this; without a CoE when nothing "
		    "was read |\n"
		    "| 409 | CoE | the MessageId is taken by other octets; inbox: one line, the lease has "
		    "passed on |\n"
		    "| 422 | CoE | refused: see its errors; inbox: one line, the lease is kept |\n"
		    "| 503 | one line, `Retry-After` | nothing was judged: draining, store full or "
		    "overloaded; send again |\n");
}

void px_reference_limits(struct px_buf *out)
{
	px_buf_adds(out, "# Limits\n\nEvery input has a limit. This page is written by `prinexd --limits` "
			 "(`make docs`).\n\n"
			 "| name | value | unit | why |\n|---|---:|---|---|\n");
	for (const struct px_limit *l = px_limits(); l->name != NULL; l++) {
		px_buf_addf(out, "| %s | %ld | %s | ", l->name, l->value, l->unit);
		cell(out, l->why);
		px_buf_adds(out, " |\n");
	}
}
