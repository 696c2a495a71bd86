/* prinex: whether a route's conditions hold for a message
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_MATCH_H
#define PX_FLOW_MATCH_H

#include "conf/conf.h"

/**
 * Do all conditions of @route hold? @why (NULL: nobody asks) gets a sentence without its full stop: what
 * matched, or every condition that does not hold, with what the message says instead. Pure.
 */
bool px_match_route(const struct px_conf_route *route, const struct px_header *header,
		    const struct px_keys *keys, struct px_buf *why);

#endif
