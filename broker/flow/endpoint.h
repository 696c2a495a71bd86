/* prinex: the requests of the wire protocol
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_ENDPOINT_H
#define PX_FLOW_ENDPOINT_H

#include "flow/flow.h"
#include "net/server.h"

/*
 * Maps the requests of docs/wire-protocol.md to flow. One per server; the generation of a request is the one
 * flow has in force when its headers are complete.
 */
struct px_endpoint;

struct px_endpoint *px_endpoint_new(struct px_flow *flow);
void px_endpoint_free(struct px_endpoint **ep);
/** What px_server_setup needs: handler, and the endpoint as its argument. */
const struct px_server_handler *px_endpoint_handler(void);

#endif
