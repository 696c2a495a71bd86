/* prinex: decisions about a verified message that need no store: who, when
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_DECIDE_H
#define PX_FLOW_DECIDE_H

#include "conf/catalogue.h"

/**
 * May @partner send the exchange of @verdict now? Checks the peer against the Sender (403), the role against
 * the type (403), the signature's profile and the times (422). All findings of the first group that fails are
 * appended to @errors. Pure. @return 0, or the HTTP status to refuse with.
 */
int px_decide(const struct px_conf *conf, const struct px_catalogue *cat,
	      const struct px_conf_partner *partner, const struct px_verdict *verdict, int64_t now,
	      struct px_findings *errors);

#endif
