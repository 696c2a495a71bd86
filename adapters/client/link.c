/* prinex: requests to the broker over mutual TLS, and what went wrong in plain words
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/link.h"

#include <curl/curl.h>
#include <netdb.h>
#include <openssl/rand.h>
#include <poll.h>
#include <pthread.h>
#include <strings.h>

#include "base/clock.h"
#include "base/strings.h"

struct px_link {
	const struct px_settings *settings;
	const struct px_tls *tls;
	const struct px_conf_partner *server;
	CURL *easy;
	struct curl_slist *headers;   /* with a body */
	struct curl_slist *questions; /* without; NULL libcurl's own */
	struct px_tls_report *report; /* of the connection */
	bool tls_failed;              /* the context could not be set up */
	struct px_reply *reply;       /* of the request under way */
	size_t max;
	char errors[CURL_ERROR_SIZE];
};

/* How long a server may take to look at our certificate. */
enum { LISTEN_MS = 1000 };

static void set_up(struct px_link *link, CURL *e);

/* --- what OpenSSL and curl report, in plain words --- */

const char *px_alert_text(int number)
{
	switch (number) {
	case SSL_AD_CERTIFICATE_REQUIRED:
		return "it wants a client certificate and got none: see the setting cert";
	case SSL_AD_CERTIFICATE_EXPIRED: return "it says that our certificate has expired";
	case SSL_AD_CERTIFICATE_REVOKED: return "it says that our certificate is revoked";
	case SSL_AD_UNKNOWN_CA:
		return "it does not know the CA of our certificate, or got it without its chain: see "
		       "the setting cert, and the anchors configured there";
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_CERTIFICATE_UNKNOWN:
		return "our certificate is not good for any partner configured there: wrong URI, CA or "
		       "revocation list; its administrator sees the reason in the log";
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
		return "our certificate is not one for TLS clients (key usage, extended key usage)";
	case SSL_AD_ACCESS_DENIED: return "it knows no partner with our certificate";
	case SSL_AD_PROTOCOL_VERSION:
		return "it does not speak the version of TLS we offer: see the setting tls";
	case SSL_AD_HANDSHAKE_FAILURE: return "it shares no cipher, curve or signature algorithm with us";
	case SSL_AD_DECRYPT_ERROR: return "it could not verify our signature in the handshake";
	case SSL_AD_UNRECOGNIZED_NAME: return "it does not know the host name in the setting url";
	case SSL_AD_INTERNAL_ERROR: return "it had an internal error";
	default: return SSL_alert_desc_string_long(number);
	}
}

static void explain_tls(struct px_link *link, struct px_reply *r)
{
	const char *url = link->settings->url;
	r->end = PX_LINK_REFUSED;
	if (link->tls_failed) {
		px_buf_setf(&r->reason, "TLS could not be set up on our side");
	} else if (link->report->refusal.len > 0) {
		px_buf_setf(&r->reason, "we refuse the certificate of %s: %s", url,
			    px_buf_str(&link->report->refusal));
	} else if (link->report->alert >= 0) {
		px_buf_setf(&r->reason, "%s refuses us: %s", url, px_alert_text(link->report->alert));
		if (link->report->alert == SSL_AD_INTERNAL_ERROR)
			r->end = PX_LINK_UNREACHABLE;
	} else if (strstr(link->errors, "wrong version number") != NULL ||
		   strstr(link->errors, "packet length too long") != NULL ||
		   strstr(link->errors, "http request") != NULL) {
		px_buf_setf(&r->reason, "%s does not speak TLS", url);
	} else {
		/* cut off without an alert: an overloaded server, or something on the way */
		r->end = PX_LINK_UNREACHABLE;
		px_buf_setf(&r->reason, "%s closed the connection during the TLS handshake (%s)", url,
			    link->errors);
	}
}

static bool handshake_done(CURL *easy)
{
	curl_off_t us = 0;
	long fresh = 1; /* 0: a connection of an earlier request */
	curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &us);
	curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &fresh);
	return us > 0 || fresh == 0;
}

/*
 * TLS 1.3: the server judges our certificate after we think that the handshake is over. If our request
 * reaches it after it has hung up, the answer to that wipes its alert out of our socket. So ask once more
 * without saying anything: then the alert is there to be read.
 */
static void listen_for_alert(struct px_link *link)
{
	char octet;
	size_t n;
	curl_socket_t fd = CURL_SOCKET_BAD;
	CURL *e = curl_easy_init();
	px_assert(e != NULL);
	set_up(link, e);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, NULL);
	curl_easy_setopt(e, CURLOPT_URL, link->settings->url);
	curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
	if (curl_easy_perform(e) == CURLE_OK &&
	    curl_easy_getinfo(e, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (poll(&p, 1, LISTEN_MS) == 1)
			curl_easy_recv(e, &octet, 1, &n);
	}
	curl_easy_cleanup(e);
}

static void explain_lost(struct px_link *link, struct px_reply *r)
{
	long fresh = 0;
	curl_easy_getinfo(link->easy, CURLINFO_NUM_CONNECTS, &fresh);
	if (fresh > 0 && link->report->alert < 0 && !px_client_stop)
		listen_for_alert(link);
	if (link->report->refusal.len > 0 || link->report->alert >= 0) {
		explain_tls(link, r);
		return;
	}
	r->end = PX_LINK_LOST;
	px_buf_setf(&r->reason, "the connection to %s was lost %s the answer (%s)", link->settings->url,
		    r->sent ? "before" : "while sending, before", link->errors);
}

static void explain_timeout(struct px_link *link, struct px_reply *r)
{
	char text[64];
	px_duration_format(link->settings->timeout, text, sizeof(text));
	r->end = handshake_done(link->easy) ? PX_LINK_TIMEOUT : PX_LINK_UNREACHABLE;
	if (r->end == PX_LINK_TIMEOUT)
		px_buf_setf(&r->reason, "%s did not answer within %s", link->settings->url, text);
	else
		px_buf_setf(&r->reason, "%s: no connection in time (TCP and TLS)", link->settings->url);
}

/* Curl does not tell a name that does not exist from a name server that does not answer. */
static void explain_name(const char *url, const char *of, struct px_reply *r)
{
	char *host = NULL;
	struct addrinfo *found = NULL;
	CURLU *parts = curl_url();
	px_assert(parts != NULL);
	int rc = curl_url_set(parts, CURLUPART_URL, of, 0) == CURLUE_OK &&
			 curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK
		     ? getaddrinfo(host, NULL, NULL, &found)
		     : EAI_AGAIN;
	r->end = rc == EAI_NONAME ? PX_LINK_REFUSED : PX_LINK_UNREACHABLE;
	px_buf_setf(&r->reason, "%s: the host name %s%s%s (%s)", url, host != NULL ? host : "",
		    host != NULL ? " " : "", rc == EAI_NONAME ? "does not exist" : "cannot be resolved",
		    rc != 0 ? gai_strerror(rc) : "now it can be");
	if (found != NULL)
		freeaddrinfo(found);
	curl_free(host);
	curl_url_cleanup(parts);
}

static void explain(struct px_link *link, CURLcode code, struct px_reply *r)
{
	const char *url = link->settings->url;
	long os = 0;
	curl_easy_getinfo(link->easy, CURLINFO_OS_ERRNO, &os);
	switch (code) {
	case CURLE_OK: r->end = PX_LINK_ANSWERED; break;
	case CURLE_COULDNT_RESOLVE_HOST: explain_name(url, url, r); break;
	case CURLE_COULDNT_RESOLVE_PROXY: explain_name(url, link->settings->proxy, r); break;
	case CURLE_COULDNT_CONNECT:
		r->end = PX_LINK_UNREACHABLE;
		px_buf_setf(&r->reason, "%s cannot be reached: %s", url,
			    os != 0 ? strerror((int)os) : link->errors);
		break;
	case CURLE_OPERATION_TIMEDOUT: explain_timeout(link, r); break;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER: explain_tls(link, r); break;
	case CURLE_WRITE_ERROR:
		r->end = PX_LINK_LOST;
		px_buf_setf(&r->reason, "the answer of %s is longer than %zu octets", url, link->max);
		break;
	case CURLE_ABORTED_BY_CALLBACK:
		r->end = PX_LINK_STOPPED;
		px_buf_setf(&r->reason, "stopped");
		break;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_HTTP2:
		r->end = PX_LINK_REFUSED;
		px_buf_setf(&r->reason, "what answers at %s does not speak HTTP/1.1 (%s)", url, link->errors);
		break;
	default: explain_lost(link, r);
	}
}

/* --- callbacks of curl --- */

static size_t on_body(char *data, size_t one, size_t len, void *arg)
{
	struct px_link *link = arg;
	(void)one;
	if (link->reply->body.len + len > link->max)
		return 0;
	px_buf_add(&link->reply->body, data, len);
	return len;
}

static bool header_value(const char *line, size_t len, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);
	if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
		return false;
	line += n + 1;
	len -= n + 1;
	while (len > 0 && (*line == ' ' || *line == '\t'))
		line++, len--;
	while (len > 0 && strchr(" \t\r\n", line[len - 1]) != NULL)
		len--;
	return px_strlcpy_n(out, line, len, size);
}

static size_t on_header(char *data, size_t one, size_t len, void *arg)
{
	struct px_link *link = arg;
	char number[16];
	uint64_t seconds;
	(void)one;
	header_value(data, len, "Prinex-Delivery", link->reply->delivery, sizeof(link->reply->delivery));
	if (header_value(data, len, "Retry-After", number, sizeof(number)) &&
	    px_parse_u64(number, 0, 86400, &seconds) == PX_OK)
		link->reply->retry_after = (int64_t)seconds * 1000;
	return len;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)arg, (void)a, (void)b, (void)c, (void)d;
	return px_client_stop;
}

static CURLcode on_ssl_ctx(CURL *easy, void *ctx, void *arg)
{
	struct px_link *link = arg;
	(void)easy;
	link->tls_failed = px_tls_setup_client_report(link->tls, link->server, ctx, link->report) != PX_OK;
	return link->tls_failed ? CURLE_SSL_CONNECT_ERROR : CURLE_OK;
}

/* --- the link --- */

static void set_up(struct px_link *link, CURL *e)
{
	const struct px_settings *s = link->settings;
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, link->errors);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_PROXY, s->proxy); /* "": not even the environment's */
	/* Certificates are px_tls's: without these two curl reads the machine's own CAs. */
	curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(e, CURLOPT_SSLVERSION,
			 (long)(s->tls12 ? CURL_SSLVERSION_TLSv1_2 : CURL_SSLVERSION_TLSv1_3));
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
	curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, link);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, link);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, link);
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "prinex/" PX_VERSION);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, PX_LIMIT_DEADLINE_CONNECT);
}

static void init_curl(void)
{
	px_assert(curl_global_init(CURL_GLOBAL_DEFAULT) == 0);
}

void px_link_officer(struct px_link *link, const char *user, bool json)
{
	struct px_buf line = PX_BUF_INIT;
	curl_slist_free_all(link->questions);
	link->questions =
	    curl_slist_append(NULL, json ? "Accept: application/json" : "Accept: application/xml");
	px_buf_addf(&line, "Prinex-User: %s", user);
	if (user[0] != '\0')
		link->questions = curl_slist_append(link->questions, px_buf_str(&line));
	px_assert(link->questions != NULL);
	px_buf_free(&line);
}

struct px_link *px_link_new(struct px_client *c)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, init_curl);
	struct px_link *link = px_xcalloc(1, sizeof(*link));
	link->settings = px_client_settings(c);
	link->tls = px_client_tls(c, &link->server);
	link->easy = curl_easy_init();
	px_assert(link->easy != NULL);
	link->headers = curl_slist_append(NULL, "Content-Type: application/xml");
	link->headers =
	    curl_slist_append(link->headers, "Expect:"); /* else 1 s is lost where it is ignored */
	link->headers = curl_slist_append(link->headers, "Accept: application/xml");
	px_assert(link->headers != NULL);
	link->report = px_tls_report_new();
	set_up(link, link->easy);
	return link;
}

void px_link_free(struct px_link **link)
{
	if (*link == NULL)
		return;
	curl_easy_cleanup((*link)->easy);
	curl_slist_free_all((*link)->headers);
	curl_slist_free_all((*link)->questions);
	px_tls_report_unref(&(*link)->report);
	PX_FREE(*link);
}

static void forget_reply(struct px_reply *r)
{
	px_buf_clear(&r->body);
	px_buf_clear(&r->reason);
	r->status = 0;
	r->delivery[0] = '\0';
	r->retry_after = -1;
	r->sent = false;
}

static void after(struct px_link *link, CURLcode code, size_t len)
{
	struct px_reply *r = link->reply;
	long status = 0;
	curl_off_t up = 0;
	curl_easy_getinfo(link->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(link->easy, CURLINFO_SIZE_UPLOAD_T, &up);
	r->status = (int)status;
	r->sent = handshake_done(link->easy) && (size_t)up >= len;
	explain(link, code, r);
	link->reply = NULL;
}

void px_link_request(struct px_link *link, const char *path, const void *body, size_t len, int64_t more,
		     size_t max, struct px_reply *reply)
{
	struct px_buf url = PX_BUF_INIT;
	CURL *e = link->easy;
	forget_reply(reply);
	link->reply = reply;
	link->max = max;
	link->errors[0] = '\0';
	link->tls_failed = false;
	px_buf_clear(&link->report->refusal);
	link->report->alert = -1;
	px_buf_addf(&url, "%s%s", link->settings->url, path);
	curl_easy_setopt(e, CURLOPT_URL, px_buf_str(&url));
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(link->settings->timeout + more));
	if (body != NULL) {
		curl_easy_setopt(e, CURLOPT_POST, 1L);
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
		curl_easy_setopt(e, CURLOPT_HTTPHEADER, link->headers);
	} else {
		curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
		curl_easy_setopt(e, CURLOPT_HTTPHEADER, link->questions);
	}
	after(link, curl_easy_perform(e), len);
	px_buf_free(&url);
}

void px_reply_free(struct px_reply *reply)
{
	px_buf_free(&reply->body);
	px_buf_free(&reply->reason);
}

bool px_reply_is_temporary(const struct px_reply *r)
{
	if (r->end != PX_LINK_ANSWERED)
		return r->end != PX_LINK_REFUSED && r->end != PX_LINK_STOPPED;
	return r->status == 408 || r->status == 429 || r->status >= 500;
}

void px_reply_describe(const struct px_reply *r, struct px_buf *out)
{
	if (r->end != PX_LINK_ANSWERED) {
		px_buf_adds(out, px_buf_str(&r->reason));
		return;
	}
	const char *text = px_buf_str(&r->body);
	size_t n = strcspn(text, "\r\n");
	px_buf_addf(out, "answered %d%s", r->status, n > 0 && text[0] != '<' ? ": " : "");
	for (size_t i = 0; i < PX_MIN(n, (size_t)300) && text[0] != '<'; i++)
		px_buf_addc(out, (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i]);
}

bool px_client_sleep(int64_t ms)
{
	int64_t end = px_clock_mono(px_clock_real()) + ms;
	for (;;) {
		int64_t left = end - px_clock_mono(px_clock_real());
		if (px_client_stop)
			return false;
		if (left <= 0)
			return true;
		left = PX_MIN(left, 200);
		struct timespec t = {left / 1000, (left % 1000) * 1000000};
		nanosleep(&t, NULL);
	}
}

int64_t px_client_backoff(unsigned attempt, int64_t retry_after)
{
	enum { FIRST = 1000, LAST = 60000 };
	uint32_t random = 0;
	int64_t top = attempt < 6 ? (int64_t)FIRST << attempt : LAST;
	RAND_bytes((unsigned char *)&random, sizeof(random));
	int64_t wait = FIRST / 4 + random % PX_MIN(top, (int64_t)LAST);
	return PX_MAX(wait, retry_after);
}
