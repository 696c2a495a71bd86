/* prinex: the metrics listener
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CTL_METRICS_LISTENER_H
#define PX_CTL_METRICS_LISTENER_H

#include "ctl/ctl.h"

/*
 * Plain HTTP for Prometheus, on this machine only: GET /metrics, and GET /healthz, which is 200 while the
 * node takes messages and 503 with the reason while it does not (draining, or a critical alarm). One request
 * per connection. Thread: the loop; nothing blocks.
 */
struct px_metrics_listener;

/**
 * @address "127.0.0.1:9464", "[::1]:9464", "localhost:9464" or "unix:/FILE"; port 0 picks one. @ctl refreshes
 * what is measured on demand; it must be freed after the listener.
 * @return PX_OK, PX_ECONF (not an address of this machine) or PX_ESYS with @why.
 */
int px_metrics_listener_new(struct px_ctl *ctl, const char *address, struct px_metrics_listener **out,
			    struct px_buf *why);
/** The port bound; 0 for a Unix socket. */
unsigned px_metrics_listener_port(const struct px_metrics_listener *listener);
void px_metrics_listener_free(struct px_metrics_listener **listener);

#endif
