/* prinex: state rules: what a message needs its movement to be
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_NEED_H
#define PX_FLOW_NEED_H

#include "flow/generation.h"
#include "store/store.h"

/*
 * Document rules are judged by inspectors; these need what the store knows, and are preconditions of accept.
 * The catalogue says which type needs what (`movement`), the partner's rule level what it means. Only the
 * sender's first broker refuses: what it let through, later ones only remark on.
 */

/** What @v, handed over by @partner, needs; NONE where its level is off. */
enum px_accept_need px_need_of(const struct px_generation *gen, const struct px_conf_partner *partner,
			       const struct px_verdict *v);
/** Whether an unmet need refuses the message. */
bool px_need_refuses(const struct px_generation *gen, const struct px_conf_partner *partner,
		     const struct px_verdict *v);
/** Append the finding that @v, which answers, may be about more than one movement. */
void px_need_explain_doubt(const struct px_verdict *v, struct px_findings *to);
/** Append the finding. */
void px_need_explain(enum px_accept_need need, const struct px_verdict *v, struct px_findings *to);

#endif
