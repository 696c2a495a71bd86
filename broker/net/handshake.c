/* prinex: server: from an accepted socket to a partner
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <errno.h>
#include <openssl/err.h>

#include "net/server_internal.h"

/* Lines a minute about connections of one address that came to nothing. */
#define LINES 5

static void failed(struct px_conn *c, const char *label, const char *fmt, ...) PX_PRINTF(3, 4);
static void failed(struct px_conn *c, const char *label, const char *fmt, ...)
{
	struct px_log_limit *limit = &c->address->limit;
	unsigned dropped;
	px_metric_add(c->srv->setup.metrics, PX_M_HANDSHAKES_FAILED, 1, label, NULL, NULL);
	if (!px_log_allowed(limit, LINES, &dropped))
		return;
	struct px_buf text = PX_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	px_warnx("net", "peer=%s connection refused: %s", c->peer, px_buf_str(&text));
	if (dropped > 0)
		px_warnx("net",
			 "peer=%s %u more connections of this address were refused in the minute before",
			 c->peer, dropped);
	px_buf_free(&text);
}

/* --- slots ---------------------------------------------------------------------------------------------- */

static bool has_slot(const struct px_conn *c)
{
	return c->srv->n_handshakes < c->srv->limits.handshakes &&
	       c->address->handshakes < c->srv->limits.handshakes_address;
}

static void start(struct px_conn *c)
{
	struct px_server *srv = c->srv;
	c->tls = px_tls_ref(srv->tls);
	c->ssl = SSL_new(px_tls_server_ctx(c->tls));
	px_assert(c->ssl != NULL && SSL_set_fd(c->ssl, c->fd) == 1);
	SSL_set_accept_state(c->ssl);
	srv->n_handshakes++;
	c->address->handshakes++;
	px_conn_set_state(c, PX_CONN_HANDSHAKE);
	px_handshake_step(c);
}

static void start_queued(void *arg)
{
	struct px_server *srv = arg;
	struct px_conn *next;
	for (struct px_conn *c = TAILQ_FIRST(&srv->queue); c != NULL; c = next) {
		next = TAILQ_NEXT(c, line);
		if (srv->n_handshakes >= srv->limits.handshakes)
			break;
		if (!has_slot(c))
			continue;
		px_conn_enter(c);
		start(c);
		px_conn_leave(c);
	}
}

/* Called by px_conn_set_state. The next one is started from the loop, not from here: the stack stays flat. */
void px_handshake_ended(struct px_conn *c)
{
	struct px_server *srv = c->srv;
	srv->n_handshakes--;
	c->address->handshakes--;
	if (!TAILQ_EMPTY(&srv->queue) && !px_timer_is_set(&srv->next))
		px_timer_set(srv->setup.timers, &srv->next, 0, start_queued, srv);
}

/* --- the first octets ----------------------------------------------------------------------------------- */

static const char *what_is_it(const uint8_t *data, size_t len)
{
	static const char *const methods[] = {"GET ", "POST", "HEAD", "PUT ", "OPTI", "CONN", "DELE", "PRI "};
	for (size_t i = 0; i < PX_ARRAY_LEN(methods); i++) {
		if (len >= 4 && memcmp(data, methods[i], 4) == 0)
			return "plain HTTP, but this port speaks TLS only (the URL must begin with https://)";
	}
	return "not TLS: this port speaks HTTP over TLS only";
}

void px_handshake_begin(struct px_conn *c)
{
	uint8_t first[8];
	ssize_t n = recv(c->fd, first, sizeof(first), MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (n <= 0) {
		/* A port scan or a health check: worth counting, not worth a line. */
		px_metric_add(c->srv->setup.metrics, PX_M_HANDSHAKES_FAILED, 1, "closed", NULL, NULL);
		px_conn_kill(c);
	} else if (first[0] != 0x16 || (n > 1 && first[1] != 3)) {
		failed(c, "not-tls", "%s", what_is_it(first, (size_t)n));
		px_conn_close(c);
	} else if (has_slot(c)) {
		start(c);
	} else {
		px_conn_set_state(c, PX_CONN_QUEUED);
	}
}

/* --- the end of it -------------------------------------------------------------------------------------- */

static void explain_failure(struct px_conn *c)
{
	const char *why;
	enum px_tls_refusal refusal = px_tls_refusal(c->ssl, &why);
	unsigned long error = ERR_peek_error();
	const char *text = ERR_reason_error_string(error);
	int code = ERR_GET_REASON(error);
	if (refusal != PX_TLS_REFUSED_NOT)
		failed(c, refusal == PX_TLS_REFUSED_UNKNOWN ? "unknown-certificate" : "bad-certificate", "%s",
		       why);
	else if (error == 0 || code == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		failed(c, "closed",
		       "the peer closed the connection during the TLS handshake (it may not trust our "
		       "certificate)");
	else if (code == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		failed(c, "no-certificate", "the peer sent no client certificate");
	else if (code == SSL_R_UNSUPPORTED_PROTOCOL || code == SSL_R_VERSION_TOO_LOW)
		failed(c, "version", "the peer offers only TLS versions that are too old");
	else if (code > 1000 && code < 1256) /* 1000 + the alert received */
		failed(c, "alert", "the peer refused the handshake: alert '%s'",
		       SSL_alert_desc_string_long(code - 1000));
	else
		failed(c, "protocol", "TLS handshake failed: %s", text != NULL ? text : "unknown reason");
}

/* Over the limit, the partner's own longest idle connection gives way. */
static bool has_room(struct px_conn *c)
{
	struct px_server *srv = c->srv;
	if (c->account->connections < srv->limits.connections_partner)
		return true;
	struct px_conn *idle = TAILQ_FIRST(&srv->idle);
	for (; idle != NULL; idle = TAILQ_NEXT(idle, line)) {
		if (idle->account == c->account) {
			px_conn_kill(idle);
			return true;
		}
	}
	return false;
}

static void established(struct px_conn *c)
{
	struct px_server *srv = c->srv;
	struct px_buf why = PX_BUF_INIT;
	if (c->tls != srv->tls) { /* a reload while we shook hands */
		px_tls_unref(&c->tls);
		c->tls = px_tls_ref(srv->tls);
	}
	const struct px_conf_partner *partner = px_tls_identify(c->tls, c->ssl, &why);
	if (partner == NULL) {
		failed(c, "not-allowed", "%s", px_buf_str(&why));
		px_conn_close(c);
		px_buf_free(&why);
		return;
	}
	px_buf_free(&why);
	c->partner = partner;
	c->account = px_account_get(&srv->budget, partner->name);
	if (!has_room(c)) {
		failed(c, "too-many", "partner=%s has too many connections", partner->name);
		px_account_put(&c->account);
		px_conn_close(c);
		return;
	}
	c->account->connections++;
	c->ends = px_tls_peer_ends(c->ssl);
	px_server_watch_end(srv, c->ends);
	px_conn_set_idle(c);
	px_conn_forget_address(c);
	px_log(PX_LOG_DEBUG, "net", "partner=%s peer=%s connected", partner->name, c->peer);
}

void px_handshake_step(struct px_conn *c)
{
	ERR_clear_error();
	int rc = SSL_do_handshake(c->ssl);
	if (rc == 1) {
		established(c);
		/* The first request may have come with the end of the handshake, in the same read(2). */
		px_conn_read_pending(c);
	} else if (!px_conn_waits(c, rc)) {
		explain_failure(c);
		px_conn_close(
		    c); /* the alert must reach the peer, whose first request may be on its way already */
	}
	ERR_clear_error();
}

void px_handshake_timeout(struct px_conn *c)
{
	if (c->state == PX_CONN_WAIT)
		failed(c, "timeout", "the peer said nothing");
	else if (c->state == PX_CONN_QUEUED)
		failed(c, "busy", "too many TLS handshakes at once");
	else
		failed(c, "timeout", "the TLS handshake took too long");
	px_conn_kill(c);
}

/* --- again, after a reload and from time to time -------------------------------------------------------- */

static const struct px_conf_partner *identify(struct px_conn *c, struct px_identified *seen,
					      struct px_buf *why)
{
	uint8_t digest[PX_DIGEST_LEN];
	unsigned len = sizeof(digest);
	const X509 *leaf = SSL_get0_peer_certificate(c->ssl);
	int version = SSL_version(c->ssl);
	bool has_digest = leaf != NULL && X509_digest(leaf, EVP_sha256(), digest, &len) == 1;
	for (unsigned i = 0; i < seen->n && has_digest; i++) {
		if (seen->known[i].version == version &&
		    memcmp(seen->known[i].digest, digest, sizeof(digest)) == 0)
			return seen->known[i].partner;
	}
	const struct px_conf_partner *partner = px_tls_identify_again(c->srv->tls, c->ssl, why);
	if (partner != NULL && has_digest && seen->n < PX_ARRAY_LEN(seen->known)) {
		memcpy(seen->known[seen->n].digest, digest, sizeof(digest));
		seen->known[seen->n].version = version;
		seen->known[seen->n++].partner = partner;
	}
	return partner;
}

/* Nothing more comes in over it; an answer that is owed still goes out. */
static void distrust(struct px_conn *c)
{
	const struct px_server_handler *handler = c->srv->setup.handler;
	if (c->state != PX_CONN_HANDLER && c->state != PX_CONN_ANSWER) {
		px_conn_close(c);
		return;
	}
	c->close_after = true;
	if (c->state == PX_CONN_HANDLER && handler->distrusted != NULL)
		handler->distrusted(c->srv->setup.arg, c->req);
}

void px_handshake_again(struct px_conn *c, struct px_identified *seen)
{
	struct px_server *srv = c->srv;
	struct px_buf why = PX_BUF_INIT;
	const struct px_conf_partner *partner = identify(c, seen, &why);
	px_conn_enter(c);
	if (partner != NULL && strcmp(partner->name, c->partner->name) == 0) {
		struct px_tls *old = c->tls;
		c->tls = px_tls_ref(srv->tls);
		c->partner = partner;
		px_tls_unref(&old);
	} else {
		px_log(PX_LOG_NOTICE, "net", "partner=%s peer=%s connection closed: %s", c->partner->name,
		       c->peer, partner == NULL ? px_buf_str(&why) : "now belongs to another partner");
		distrust(c);
	}
	px_conn_leave(c);
	px_buf_free(&why);
}
