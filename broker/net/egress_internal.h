/* prinex: what the parts of egress share
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_NET_EGRESS_INTERNAL_H
#define PX_NET_EGRESS_INTERNAL_H

#include <curl/curl.h>
#include <sys/queue.h>

#include "base/limits.h"
#include "net/egress.h"
#include "net/resolver.h"

/*
 * egress.c         life, posts, libcurl's sockets and timers on the loop
 * egress_handle.c  settings of a handle (docs/decisions/0001-egress.md says why)
 * egress_result.c  what became of a post
 * resolver.c       names
 */

#define PX_POST_MAGIC 0x504f5354U

struct px_post;
TAILQ_HEAD(px_posts, px_post);

/** Everything for one partner. Connections are kept here, so that no other partner's post can go out on them.
 */
struct px_lane {
	struct px_egress *eg;
	const struct px_conf_partner *partner;
	CURLM *multi;
	struct px_timer timer; /* libcurl's */
	char host[256];        /* to be resolved: the url's, or the proxy's */
	unsigned port;
	bool literal; /* host is an address */
	CURLU *url;   /* with /v1/exchanges */
	struct curl_slist *headers;
	struct px_posts posts;
	unsigned n_spare;
	CURL *spare[32]; /* as many as can be in flight: a new handle costs more than a post */
};

struct px_post {
	uint32_t magic;
	TAILQ_ENTRY(px_post) entry;
	struct px_lane *lane;
	CURL *easy; /* NULL: not yet with libcurl */
	bool added; /* to the multi */
	struct px_body *body;
	px_post_done *done;
	void *arg;
	int64_t deadline; /* mono ms */
	struct px_timer timer;
	struct px_lookup *lookup;
	struct curl_slist *resolve;
	struct px_tls_report *report;
	struct px_buf answer;
	bool truncated;
	const char *problem; /* why it ended before libcurl had it */
	enum px_post_end problem_end;
	char error[CURL_ERROR_SIZE];
};

struct px_egress {
	struct px_transport pub;
	struct event_base *base;
	struct px_timers *timers;
	struct px_tls *tls;
	struct px_resolver *resolver;
	unsigned n_lanes, n_posts;
	struct px_lane *lanes;
	unsigned inside; /* depth of calls that may end in @done */
	bool retired, dead;
};

/** A handle for @post with everything set. @return NULL when libcurl cannot. */
CURL *px_egress_handle(struct px_post *post, const char *addresses, int64_t timeout);
/** Split `scheme://HOST[:PORT][/...]`. @return false when it is none. */
bool px_egress_split(const char *url, unsigned default_port, char *host, size_t size, unsigned *port);
/** What became of it; @reason is filled. */
void px_egress_result(struct px_post *post, CURLcode code, struct px_post_result *result,
		      struct px_buf *reason);

#endif
