/* prinex: a certification before its first case: who the target is, and that it is no live system
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <arpa/inet.h>

#include "base/strings.h"
#include "play.h"

static int refuse(struct px_buf *why, const char *fmt, ...) PX_PRINTF(2, 3);
static int refuse(struct px_buf *why, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(why, fmt, ap);
	va_end(ap);
	return PX_EINVAL;
}

static int parse_target(struct px_venue *s, struct px_buf *why)
{
	struct in_addr ignored;
	const char *at = s->target + strlen("https://");
	if (!px_str_starts(s->target, "https://"))
		return refuse(why, "--target %s: expected https://ADDRESS:PORT", s->target);
	const char *colon = strchr(at, ':');
	uint64_t port = 0;
	char digits[8] = "";
	if (colon != NULL)
		px_strlcpy_n(digits, colon + 1, strcspn(colon + 1, "/"), sizeof(digits));
	if (colon == NULL ||
	    !px_strlcpy_n(s->target_address, at, (size_t)(colon - at), sizeof(s->target_address)) ||
	    px_parse_u64(digits, 1, 65535, &port) != PX_OK)
		return refuse(why, "--target %s: expected https://ADDRESS:PORT", s->target);
	if (strcmp(s->target_address, "localhost") == 0)
		px_strlcpy(s->target_address, "127.0.0.1", sizeof(s->target_address));
	if (inet_pton(AF_INET, s->target_address, &ignored) != 1)
		return refuse(why, "--target %s: expected an IPv4 address", s->target);
	s->target_port = (unsigned)port;
	return PX_OK;
}

/* Whose certificate it shows, for the report. */
static void note_certificate(struct px_venue *s, const struct px_wire *w)
{
	char name[512] = "";
	X509 *leaf = SSL_get0_peer_certificate(px_wire_ssl(w));
	BIO *out = BIO_new(BIO_s_mem());
	if (leaf != NULL && out != NULL &&
	    X509_NAME_print_ex(out, X509_get_subject_name(leaf), 0,
			       XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
		(void)BIO_gets(out, name, sizeof(name));
	BIO_free(out);
	px_buf_setf(&s->subject, "%s", name);
	px_strlcpy(s->uri, px_wire_peer_uri(w), sizeof(s->uri));
}

static int ask(struct px_venue *s, const char *path, struct px_wire_reply *reply, struct px_buf *why)
{
	struct px_wire *w = NULL;
	struct px_buf files[3] = {PX_BUF_INIT, PX_BUF_INIT, PX_BUF_INIT};
	const char *folder = px_role_name(s->tester_role);
	px_buf_addf(&files[0], "%s/%s/%s/tls.pem", s->certs, s->tester, folder);
	px_buf_addf(&files[1], "%s/%s/%s/tls.key", s->certs, s->tester, folder);
	px_buf_addf(&files[2], "%s/%s/tls-ca.pem", s->certs, s->authority);
	struct px_wire_dial dial = {
	    .address = s->target_address,
	    .port = s->target_port,
	    .tls = {.cert = px_buf_str(&files[0]),
		    .key = px_buf_str(&files[1]),
		    .anchors = px_buf_str(&files[2]),
		    .min = TLS1_2_VERSION,
		    .max = TLS1_3_VERSION},
	};
	int rc = px_wire_open(&dial, &w, why);
	if (rc == PX_OK)
		note_certificate(s, w);
	if (rc == PX_OK)
		rc = px_wire_request(w, path, NULL, NULL, 0, 30000, reply, why);
	px_wire_close(&w);
	for (unsigned i = 0; i < 3; i++)
		px_buf_free(&files[i]);
	return rc;
}

/* Who it is; and never a live system. */
static int look_at_ping(struct px_venue *s, const struct px_wire_reply *reply, struct px_buf *why)
{
	struct px_buf name = PX_BUF_INIT;
	int rc = PX_OK;
	px_buf_add(&s->node, reply->body.data, reply->body.len);
	if (reply->status != 200 || px_xpath(&reply->body, "Environment", &name) != PX_OK) {
		rc = refuse(why, "%s: /v1/ping does not say which environment it is: %d", s->target,
			    reply->status);
		px_body_line(&reply->body, why);
	} else if (strcmp(px_buf_str(&name), "production") == 0) {
		rc = refuse(why, "%s is a production system. Certification never runs against one.",
			    s->target);
	}
	px_strlcpy(s->environment, px_buf_str(&name), sizeof(s->environment));
	px_buf_free(&name);
	return rc;
}

int px_target_meet(struct px_venue *s, struct px_buf *why)
{
	struct px_buf fault = PX_BUF_INIT;
	struct px_wire_reply reply = {0};
	if (parse_target(s, why) != PX_OK)
		return PX_EINVAL;
	int rc = ask(s, "/v1/ping", &reply, &fault);
	rc = rc == PX_OK ? look_at_ping(s, &reply, why)
			 : refuse(why, "%s: /v1/ping is not answered: %s", s->target, px_buf_str(&fault));
	px_wire_reply_free(&reply);
	if (rc == PX_OK && ask(s, "/v1/inbox?wait=0", &reply, &fault) == PX_OK)
		s->pull = reply.status == 204 || reply.status == 200;
	px_wire_reply_free(&reply);
	px_buf_free(&fault);
	return rc;
}
