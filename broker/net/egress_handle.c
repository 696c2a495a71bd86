/* prinex: egress: the settings of a libcurl handle
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <openssl/ssl.h>

#include "base/strings.h"
#include "net/egress_internal.h"

/* Our own server closes idle connections after 60 s; one that old is not used again. */
#define CONNECTION_AGE_S 50

bool px_egress_split(const char *url, unsigned default_port, char *host, size_t size, unsigned *port)
{
	const char *s = strstr(url, "://");
	if (s == NULL)
		return false;
	s += 3;
	bool bracket = *s == '[';
	size_t len = bracket ? strcspn(++s, "]") : strcspn(s, ":/");
	if (len == 0 || !px_strlcpy_n(host, s, len, size))
		return false;
	s += len + (bracket && s[len] == ']');
	*port = default_port;
	if (*s != ':')
		return *s == '\0' || *s == '/';
	char digits[8];
	uint64_t n;
	if (!px_strlcpy_n(digits, s + 1, strcspn(s + 1, "/"), sizeof(digits)) ||
	    px_parse_u64(digits, 1, 65535, &n) != PX_OK)
		return false;
	*port = (unsigned)n;
	return true;
}

static size_t on_answer(char *data, size_t size, size_t n, void *arg)
{
	struct px_post *post = PX_CAST(arg, struct px_post, PX_POST_MAGIC);
	size_t len = size * n, room = (size_t)PX_LIMIT_CONFIRMATION - post->answer.len;
	px_buf_add(&post->answer, data, PX_MIN(len, room));
	if (len <= room)
		return len;
	post->truncated = true;
	return 0; /* ends the transfer */
}

static CURLcode on_ssl_ctx(CURL *easy, void *ctx, void *arg)
{
	(void)easy;
	struct px_post *post = PX_CAST(arg, struct px_post, PX_POST_MAGIC);
	const struct px_lane *lane = post->lane;
	int rc = px_tls_setup_client_report(lane->eg->tls, lane->partner, ctx, post->report);
	return rc == PX_OK ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

/* Every option that fails is a libcurl that we were not built for. */
#define SET(option, value)                                                 \
	do {                                                               \
		if (curl_easy_setopt(easy, (option), (value)) != CURLE_OK) \
			return false;                                      \
	} while (0)

static bool set_trust(CURL *easy)
{
	/* With any of the defaults left in place the system's trust store would be believed too. */
	SET(CURLOPT_CAINFO, NULL);
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_CA_CACHE_TIMEOUT, 0L);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
	SET(CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
	return true;
}

static bool set_protocol(CURL *easy, const struct px_lane *lane)
{
	/* In its parts already: to take it apart and to write it down again would be a tenth of a post. */
	SET(CURLOPT_CURLU, lane->url);
	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTPHEADER, lane->headers);
	SET(CURLOPT_USERAGENT, "prinex/" PX_VERSION);
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	/* Set to nothing, both are also taken from the environment. */
	SET(CURLOPT_PROXY, lane->partner->proxy);
	SET(CURLOPT_NOPROXY, "");
	SET(CURLOPT_HTTPPROXYTUNNEL, 1L);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	return true;
}

static bool set_behaviour(CURL *easy)
{
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_NOPROGRESS, 1L);
	SET(CURLOPT_TCP_NODELAY, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_MAXAGE_CONN, (long)CONNECTION_AGE_S);
	SET(CURLOPT_WRITEFUNCTION, on_answer);
	return true;
}

/* RESOLVE takes the place of a lookup in libcurl's cache; it replaces what an earlier post said. */
static bool set_addresses(CURL *easy, struct px_post *post, const char *addresses)
{
	const struct px_lane *lane = post->lane;
	if (addresses == NULL)
		return true;
	struct px_buf entry = PX_BUF_INIT;
	px_buf_addf(&entry, "%s:%u:%s", lane->host, lane->port, addresses);
	post->resolve = curl_slist_append(NULL, px_buf_str(&entry));
	px_buf_free(&entry);
	px_assert(post->resolve != NULL);
	SET(CURLOPT_RESOLVE, post->resolve);
	return true;
}

static bool set_post(CURL *easy, struct px_post *post, int64_t timeout)
{
	SET(CURLOPT_PRIVATE, post);
	SET(CURLOPT_WRITEDATA, post);
	SET(CURLOPT_SSL_CTX_DATA, post);
	SET(CURLOPT_ERRORBUFFER, post->error);
	SET(CURLOPT_POSTFIELDS, post->body->len > 0 ? (const char *)post->body->data : "");
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body->len);
	SET(CURLOPT_TIMEOUT_MS, (long)PX_MAX(timeout, (int64_t)1));
	SET(CURLOPT_CONNECTTIMEOUT_MS,
	    (long)PX_MAX(PX_MIN(timeout, (int64_t)PX_LIMIT_DEADLINE_CONNECT), (int64_t)1));
	return true;
}

CURL *px_egress_handle(struct px_post *post, const char *addresses, int64_t timeout)
{
	struct px_lane *lane = post->lane;
	CURL *easy = lane->n_spare > 0 ? lane->spare[--lane->n_spare] : NULL;
	bool fresh = easy == NULL;
	if (fresh)
		easy = curl_easy_init();
	if (easy != NULL &&
	    (!fresh || (set_trust(easy) && set_protocol(easy, lane) && set_behaviour(easy))) &&
	    set_addresses(easy, post, addresses) && set_post(easy, post, timeout))
		return easy;
	curl_easy_cleanup(easy);
	return NULL;
}
