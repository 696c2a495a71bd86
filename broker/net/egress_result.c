/* prinex: egress: what became of a post, in words for people
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <openssl/ssl.h>

#include "base/strings.h"
#include "net/egress_internal.h"
#include "net/http.h"

/* Longer waits are the operator's to decide. */
#define RETRY_AFTER_MAX_S (24 * 3600)

static curl_off_t number(CURL *easy, CURLINFO what)
{
	curl_off_t n = 0;
	return curl_easy_getinfo(easy, what, &n) == CURLE_OK ? n : 0;
}

static long number_long(CURL *easy, CURLINFO what)
{
	long n = 0;
	return curl_easy_getinfo(easy, what, &n) == CURLE_OK ? n : 0;
}

static bool about_our_certificate(int alert)
{
	switch (alert) {
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_REVOKED:
	case SSL_AD_CERTIFICATE_EXPIRED:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_UNKNOWN_CA:
	case SSL_AD_ACCESS_DENIED:
	case TLS13_AD_CERTIFICATE_REQUIRED: return true;
	default: return false;
	}
}

/*
 * A TLS fault that one side has to put right. In TLS 1.3 the partner's alert about our certificate may come
 * after we have written the message: it never finished the handshake then, so it never saw the message
 * either. An alert of another kind after the handshake says nothing about that. @return false when it was
 * none.
 */
static bool tls_fault(struct px_post *post, CURLcode code, struct px_post_result *r, struct px_buf *reason)
{
	const struct px_tls_report *report = post->report;
	bool ours = about_our_certificate(report->alert) &&
		    number_long(post->easy, CURLINFO_RESPONSE_CODE) == 0;
	if (report->refusal.len > 0) {
		px_buf_setf(reason, "we refused the partner's certificate: %s", px_buf_str(&report->refusal));
	} else if (ours || (report->alert >= 0 && code == CURLE_SSL_CONNECT_ERROR)) {
		px_buf_setf(reason, "the partner refused %s: TLS alert '%s'",
			    ours ? "our certificate" : "the TLS handshake",
			    SSL_alert_desc_string_long(report->alert));
	} else if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CERTPROBLEM) {
		px_buf_setf(reason, "the partner's certificate does not fit: %s", post->error);
	} else {
		return false;
	}
	r->end = PX_POST_TLS;
	r->body_sent = false;
	return true;
}

static void handshake_fault(struct px_post *post, struct px_post_result *r, struct px_buf *reason)
{
	static const char *const ends[] = {"SYSCALL", "unexpected eof", "reset by peer", "Broken pipe"};
	for (size_t i = 0; i < PX_ARRAY_LEN(ends); i++) {
		if (strstr(post->error, ends[i]) != NULL) {
			r->end = PX_POST_NO_CONNECTION;
			px_buf_setf(reason, "the partner ended the connection during the TLS handshake");
			return;
		}
	}
	r->end = PX_POST_TLS;
	if (strstr(post->error, "wrong version number") != NULL ||
	    strstr(post->error, "packet length") != NULL)
		px_buf_setf(reason, "what answers at %s does not speak TLS", post->lane->partner->url);
	else
		px_buf_setf(reason, "TLS handshake failed: %s", post->error);
}

static void no_connection(struct px_post *post, struct px_post_result *r, struct px_buf *reason)
{
	const struct px_lane *lane = post->lane;
	long err = number_long(post->easy, CURLINFO_OS_ERRNO);
	r->end = PX_POST_NO_CONNECTION;
	px_buf_setf(reason, "no connection to %s port %u: %s", lane->host, lane->port,
		    err != 0 ? strerror((int)err) : post->error);
	px_resolver_doubt(lane->eg->resolver, lane->host);
}

static void timed_out(struct px_post *post, struct px_post_result *r, struct px_buf *reason)
{
	r->end = PX_POST_TIMEOUT;
	if (number(post->easy, CURLINFO_REQUEST_SIZE) > 0 &&
	    number(post->easy, CURLINFO_PRETRANSFER_TIME_T) > 0) {
		px_buf_setf(reason, "the partner did not %s in time",
			    r->body_sent ? "answer" : "take the message");
	} else {
		px_buf_setf(reason, "no connection to %s port %u in time", post->lane->host,
			    post->lane->port);
		px_resolver_doubt(post->lane->eg->resolver, post->lane->host);
	}
}

static void broken(struct px_post *post, CURLcode code, struct px_post_result *r, struct px_buf *reason)
{
	long proxy = number_long(post->easy, CURLINFO_HTTP_CONNECTCODE);
	if (proxy != 0 && proxy / 100 != 2) {
		r->end = PX_POST_NO_CONNECTION;
		px_buf_setf(reason, "the proxy %s refused to connect: HTTP %ld", post->lane->partner->proxy,
			    proxy);
	} else if (number(post->easy, CURLINFO_REQUEST_SIZE) == 0 && !r->body_sent) {
		no_connection(post, r, reason);
	} else if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY) {
		r->end = PX_POST_BROKEN;
		px_buf_setf(reason, "the partner answered something that is not HTTP/1.1");
	} else {
		r->end = PX_POST_BROKEN;
		px_buf_setf(reason, "the connection was lost %s: %s",
			    r->body_sent ? "after the message was sent, before its answer" : "while sending",
			    post->error[0] != '\0' ? post->error : curl_easy_strerror(code));
	}
}

/* The partner's own words, if the answer is a line of text. */
static void answered(struct px_post *post, struct px_post_result *r, struct px_buf *reason)
{
	const char *type = NULL;
	r->end = PX_POST_ANSWERED;
	r->status = (int)number_long(post->easy, CURLINFO_RESPONSE_CODE);
	r->truncated = post->truncated;
	r->answer = post->answer.data;
	r->answer_len = post->answer.len;
	curl_off_t wait = number(post->easy, CURLINFO_RETRY_AFTER);
	if (wait > 0)
		r->retry_after = PX_MIN((int64_t)wait, (int64_t)RETRY_AFTER_MAX_S) * 1000;
	curl_easy_getinfo(post->easy, CURLINFO_CONTENT_TYPE, &type);
	const char *text = px_buf_str(&post->answer);
	if (type != NULL && px_str_starts(type, "text/plain"))
		px_buf_setf(reason, "%.*s", (int)PX_MIN(strcspn(text, "\r\n"), (size_t)200), text);
	if (reason->len == 0)
		px_buf_setf(reason, "%s", px_http_status_text(r->status));
}

void px_egress_result(struct px_post *post, CURLcode code, struct px_post_result *result,
		      struct px_buf *reason)
{
	*result = (struct px_post_result){.retry_after = -1};
	if (post->easy == NULL) {
		result->end = post->problem_end;
		px_buf_setf(reason, "%s", post->problem);
		return;
	}
	result->body_sent = post->body->len > 0 &&
			    number(post->easy, CURLINFO_SIZE_UPLOAD_T) >= (curl_off_t)post->body->len;
	if (code == CURLE_OK || post->truncated)
		answered(post, result, reason);
	else if (tls_fault(post, code, result, reason))
		return;
	else if (code == CURLE_OPERATION_TIMEDOUT)
		timed_out(post, result, reason);
	else if (code == CURLE_SSL_CONNECT_ERROR)
		handshake_fault(post, result, reason);
	else if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
		 code == CURLE_COULDNT_RESOLVE_PROXY)
		no_connection(post, result, reason);
	else
		broken(post, code, result, reason);
}
