/* prinex: outgoing posts over mutual TLS
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_NET_EGRESS_H
#define PX_NET_EGRESS_H

#include <event2/event.h>

#include "base/body.h"
#include "base/clock.h"
#include "net/tls.h"

/*
 * libcurl's multi interface on the loop, one multi per generation; names are resolved by a helper thread and
 * handed in with CURLOPT_RESOLVE (a handle that is resolving would join libcurl's resolver thread when
 * removed). The settings are in docs/decisions. Certificates: px_tls_setup_client; the system's trust store
 * is never consulted.
 *
 * This header also is the interface that flow sees (struct px_transport), so that simulations put a fake one
 * there.
 */

/** How an attempt ended. */
enum px_post_end {
	PX_POST_ANSWERED,      /* an HTTP answer came: status, body */
	PX_POST_NO_CONNECTION, /* name, connect, reset before anything was sent */
	PX_POST_TLS,           /* handshake or certificate: a configuration fault of one side */
	PX_POST_BROKEN,        /* lost after sending began */
	PX_POST_TIMEOUT
};

struct px_post_result {
	enum px_post_end end;
	int status;            /* ANSWERED */
	const uint8_t *answer; /* view, capped at PX_LIMIT_CONFIRMATION (longer: truncated is true) */
	size_t answer_len;
	bool truncated;
	bool body_sent;      /* the whole request body went out */
	int64_t retry_after; /* ms, -1 none */
	const char *reason;  /* for people: which side refused and why */
};
typedef void px_post_done(void *arg, const struct px_post_result *result);

/** What flow posts through. @post: exactly one @done, later, on the loop. */
struct px_transport {
	void (*post)(struct px_transport *t, const struct px_conf_partner *partner, struct px_body *body,
		     px_post_done *done, void *arg);
};

struct px_egress; /* begins with a struct px_transport */

int px_egress_new(struct event_base *base, struct px_timers *timers, struct px_tls *tls,
		  struct px_egress **out, struct px_buf *why);
struct px_transport *px_egress_transport(struct px_egress *eg);
/** No new posts; those in flight finish, then it frees itself (generation swap). */
void px_egress_retire(struct px_egress **egress);
/** At once: posts in flight end as PX_POST_BROKEN. */
void px_egress_free(struct px_egress **egress);

#endif
