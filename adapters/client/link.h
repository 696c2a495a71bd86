/* prinex: requests to the broker over mutual TLS, and what went wrong in plain words
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CLIENT_LINK_H
#define PX_CLIENT_LINK_H

#include "client/client.h"

/*
 * One connection, kept open between requests; one thread at a time. The certificates are checked by
 * broker/net (px_tls): the server's chain against --anchors alone, its host name, and its URI or pin.
 */
struct px_link;

enum px_link_end {
	PX_LINK_ANSWERED,
	PX_LINK_UNREACHABLE, /* no connection: nothing was sent; later perhaps */
	PX_LINK_REFUSED,     /* certificates, names or protocol: somebody must change something first */
	PX_LINK_LOST,        /* the connection broke; the request may have been taken */
	PX_LINK_TIMEOUT,
	PX_LINK_STOPPED /* px_client_stop was set */
};

struct px_reply {
	enum px_link_end end;
	int status;
	struct px_buf body;
	char delivery[64];    /* Prinex-Delivery, "" none */
	int64_t retry_after;  /* ms, -1 none */
	bool sent;            /* the whole request went out */
	struct px_buf reason; /* unless ANSWERED: one line for people, which side refused and why */
};

/** px_client_load_tls must have succeeded. */
struct px_link *px_link_new(struct px_client *c);
void px_link_free(struct px_link **link);
/** Name the officer who asks ("" nobody), and ask for JSON instead of XML, in all GETs that follow. */
void px_link_officer(struct px_link *link, const char *user, bool json);

/**
 * Blocks for at most --timeout and @more ms. @body NULL: GET, else POST. @max: octets of answer taken at
 * most (more: LOST). @reply: fresh or used before; free with px_reply_free.
 */
void px_link_request(struct px_link *link, const char *path, const void *body, size_t len, int64_t more,
		     size_t max, struct px_reply *reply);
void px_reply_free(struct px_reply *reply);

/** Whether the same request may succeed later: not answered but not refused either, or 408, 429, 5xx. */
bool px_reply_is_temporary(const struct px_reply *reply);

/** One line: the reason, or status and the first line of the answer. */
void px_reply_describe(const struct px_reply *reply, struct px_buf *out);

/** What an alert from the server means for people; @number is SSL_AD_*. */
const char *px_alert_text(int number);

/** Sleep, unless px_client_stop is set meanwhile. @return false when stopped. */
bool px_client_sleep(int64_t ms);
/** Full jitter around an exponential backoff: try 0, 1, ... */
int64_t px_client_backoff(unsigned attempt, int64_t retry_after);

#endif
