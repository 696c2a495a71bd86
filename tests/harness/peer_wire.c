/* prinex: TLS connections of the harness, blocking with deadlines
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strings.h"
#include "peer_wire_parts.h"

#define DIAL_MS 10000

static int64_t now_ms(void)
{
	return px_clock_mono(px_clock_real());
}

int64_t px_wire_deadline(int64_t timeout_ms)
{
	return now_ms() + timeout_ms;
}

/* --- sockets --- */

static int wait_for(int fd, short events, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline - now_ms();
		struct pollfd p = {.fd = fd, .events = events};
		int n = left <= 0 ? 0 : poll(&p, 1, (int)PX_MIN(left, 60000));
		if (n > 0)
			return PX_OK;
		if (left <= 0)
			return PX_ETIMEOUT;
		if (n < 0 && errno != EINTR)
			return PX_ECLOSED;
	}
}

static struct px_wire *wire_new(int fd)
{
	int one = 1;
	struct px_wire *w = px_xcalloc(1, sizeof(*w));
	w->fd = fd;
	w->alert = -1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return w;
}

static int dial_tcp(const struct px_wire_dial *dial, int64_t deadline, int *out, struct px_buf *why)
{
	const char *address = dial->address != NULL ? dial->address : "127.0.0.1";
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)dial->port)};
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
		px_buf_setf(why, "%s is no IPv4 address", address);
		return PX_ECONF;
	}
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc = connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 ? PX_OK
		 : errno == EINPROGRESS                                     ? wait_for(fd, POLLOUT, deadline)
									    : PX_ECLOSED;
	int error = errno;
	socklen_t len = sizeof(error);
	if (rc == PX_OK && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error != 0)
		rc = PX_ECLOSED;
	*out = fd;
	if (rc == PX_OK)
		return PX_OK;
	px_buf_setf(why, "%s:%u: %s", address, dial->port,
		    rc == PX_ETIMEOUT ? "no connection in time" : strerror(error));
	close(fd);
	return rc;
}

/* --- contexts --- */

static int accept_any(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

static int ssl_problem(struct px_buf *why, const char *what)
{
	char text[256];
	unsigned long e = ERR_peek_last_error();
	ERR_error_string_n(e, text, sizeof(text));
	px_buf_setf(why, "%s: %s", what, e != 0 ? text : "failed");
	ERR_clear_error();
	return PX_ECONF;
}

static void note_alert(const SSL *ssl, int where, int value)
{
	struct px_wire *w = SSL_get_app_data(ssl);
	if (w != NULL && (where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT &&
	    (value & 0xff) != SSL3_AD_CLOSE_NOTIFY)
		w->alert = value & 0xff;
}

/* No default paths: what the machine trusts means nothing here. Level 0: a test may show a key too small. */
static int make_ctx(const struct px_wire_tls *tls, bool server, SSL_CTX **out, struct px_buf *why)
{
	SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	int rc = PX_OK;
	px_assert(ctx != NULL);
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, tls->min != 0 ? tls->min : TLS1_3_VERSION);
	SSL_CTX_set_max_proto_version(ctx, tls->max != 0 ? tls->max : TLS1_3_VERSION);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_info_callback(ctx, note_alert);
	int ask = SSL_VERIFY_PEER | (server && !tls->optional ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
	SSL_CTX_set_verify(ctx, ask, tls->anchors == NULL ? accept_any : NULL);
	if (tls->ciphers != NULL && SSL_CTX_set_cipher_list(ctx, tls->ciphers) != 1)
		rc = ssl_problem(why, tls->ciphers);
	if (rc == PX_OK && tls->cert != NULL && SSL_CTX_use_certificate_chain_file(ctx, tls->cert) != 1)
		rc = ssl_problem(why, tls->cert);
	if (rc == PX_OK && tls->key != NULL &&
	    SSL_CTX_use_PrivateKey_file(ctx, tls->key, SSL_FILETYPE_PEM) != 1)
		rc = ssl_problem(why, tls->key);
	if (rc == PX_OK && tls->anchors != NULL && SSL_CTX_load_verify_file(ctx, tls->anchors) != 1)
		rc = ssl_problem(why, tls->anchors);
	if (rc != PX_OK)
		SSL_CTX_free(ctx);
	else
		*out = ctx;
	return rc;
}

int px_wire_server_ctx(const struct px_wire_tls *tls, SSL_CTX **out, struct px_buf *why)
{
	return make_ctx(tls, true, out, why);
}

/* --- handshakes --- */

static void note_uri(struct px_wire *w)
{
	X509 *leaf = SSL_get1_peer_certificate(w->ssl);
	GENERAL_NAMES *names = leaf != NULL ? X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL) : NULL;
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_URI && w->peer_uri[0] == '\0')
			px_strlcpy_n(w->peer_uri, (const char *)ASN1_STRING_get0_data(name->d.ia5),
				     (size_t)ASN1_STRING_length(name->d.ia5), sizeof(w->peer_uri));
	}
	GENERAL_NAMES_free(names);
	X509_free(leaf);
}

/* What an operation on the SSL that did not succeed means. */
static int ssl_outcome(struct px_wire *w, int n, int64_t deadline, struct px_buf *why)
{
	int kind = SSL_get_error(w->ssl, n);
	char text[256] = "";
	if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) {
		int rc = wait_for(w->fd, kind == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline);
		if (rc != PX_OK)
			px_buf_setf(why, rc == PX_ETIMEOUT ? "nothing came in time" : "connection lost");
		return rc == PX_OK ? PX_EAGAIN : rc;
	}
	unsigned long e = ERR_peek_last_error();
	ERR_error_string_n(e, text, sizeof(text));
	ERR_clear_error();
	if (w->alert >= 0) {
		px_buf_setf(why, "the other side sent the TLS alert '%s'",
			    SSL_alert_desc_string_long(w->alert));
		return PX_ETLS;
	}
	if (kind == SSL_ERROR_SSL && ERR_GET_REASON(e) != SSL_R_UNEXPECTED_EOF_WHILE_READING) {
		px_buf_setf(why, "%s", text);
		return PX_ETLS;
	}
	px_buf_setf(why, "the other side closed the connection");
	return PX_ECLOSED;
}

static int handshake(struct px_wire *w, SSL_CTX *ctx, bool server, int64_t deadline, struct px_buf *why)
{
	int rc = PX_EAGAIN;
	w->ssl = SSL_new(ctx);
	px_assert(w->ssl != NULL && SSL_set_fd(w->ssl, w->fd) == 1);
	SSL_set_app_data(w->ssl, w);
	while (rc == PX_EAGAIN) {
		ERR_clear_error();
		int n = server ? SSL_accept(w->ssl) : SSL_connect(w->ssl);
		rc = n == 1 ? PX_OK : ssl_outcome(w, n, deadline, why);
	}
	/* A connection that ends within the handshake is a handshake that failed. */
	if (rc == PX_ECLOSED)
		rc = PX_ETLS;
	if (rc == PX_OK)
		note_uri(w);
	return rc;
}

int px_wire_open(const struct px_wire_dial *dial, struct px_wire **out, struct px_buf *why)
{
	int64_t deadline = px_wire_deadline(dial->timeout_ms > 0 ? dial->timeout_ms : DIAL_MS);
	SSL_CTX *ctx = NULL;
	int fd;
	*out = NULL;
	int rc = dial->plain ? PX_OK : make_ctx(&dial->tls, false, &ctx, why);
	if (rc == PX_OK)
		rc = dial_tcp(dial, deadline, &fd, why);
	if (rc != PX_OK) {
		SSL_CTX_free(ctx);
		return rc;
	}
	struct px_wire *w = wire_new(fd);
	if (dial->host != NULL)
		px_strlcpy(w->host, dial->host, sizeof(w->host));
	else
		snprintf(w->host, sizeof(w->host), "%s:%u",
			 dial->address != NULL ? dial->address : "127.0.0.1", dial->port);
	if (ctx != NULL)
		rc = handshake(w, ctx, false, deadline, why);
	SSL_CTX_free(ctx);
	if (rc == PX_OK && dial->uri != NULL && strcmp(w->peer_uri, dial->uri) != 0) {
		px_buf_setf(why, "the server's certificate has the URI '%s', expected '%s'", w->peer_uri,
			    dial->uri);
		rc = PX_ETLS;
	}
	if (rc != PX_OK)
		px_wire_cut(&w);
	*out = w;
	return rc;
}

int px_wire_accept(SSL_CTX *ctx, int fd, int64_t timeout_ms, struct px_wire **out, struct px_buf *why)
{
	*out = wire_new(fd);
	int rc = handshake(*out, ctx, true, px_wire_deadline(timeout_ms), why);
	if (rc != PX_OK)
		px_wire_close(out);
	return rc;
}

/* --- octets --- */

int px_wire_fill(struct px_wire *w, int64_t deadline, struct px_buf *why)
{
	int rc = PX_EAGAIN;
	uint8_t *to = px_buf_reserve(&w->in, 65536);
	if (w->renew_ms > 0)
		deadline = px_wire_deadline(w->renew_ms);
	while (rc == PX_EAGAIN) {
		ERR_clear_error();
		errno = 0;
		int n = w->ssl != NULL ? SSL_read(w->ssl, to, 65536)
				       : (int)recv(w->fd, to, 65536, MSG_DONTWAIT);
		if (n > 0) {
			px_buf_grown(&w->in, (size_t)n);
			return PX_OK;
		}
		if (w->ssl != NULL)
			rc = ssl_outcome(w, n, deadline, why);
		else if (n < 0 && (errno == EAGAIN || errno == EINTR))
			rc = wait_for(w->fd, POLLIN, deadline) == PX_OK ? PX_EAGAIN : PX_ETIMEOUT;
		else
			rc = PX_ECLOSED;
	}
	return rc;
}

static int put(struct px_wire *w, const uint8_t *data, size_t len, int64_t deadline, struct px_buf *why)
{
	for (size_t at = 0; at < len;) {
		size_t room = PX_MIN(len - at, (size_t)65536);
		ERR_clear_error();
		int n = w->ssl != NULL ? SSL_write(w->ssl, data + at, (int)room)
				       : (int)send(w->fd, data + at, room, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			at += (size_t)n;
			continue;
		}
		int rc = PX_ECLOSED;
		if (w->ssl != NULL)
			rc = ssl_outcome(w, n, deadline, why);
		else if (n < 0 && (errno == EAGAIN || errno == EINTR))
			rc = wait_for(w->fd, POLLOUT, deadline) == PX_OK ? PX_EAGAIN : PX_ETIMEOUT;
		if (rc != PX_EAGAIN)
			return rc;
	}
	return PX_OK;
}

int px_wire_write(struct px_wire *w, const void *data, size_t len, const struct px_wire_pace *pace,
		  int64_t timeout_ms, struct px_buf *why)
{
	int64_t deadline = px_wire_deadline(timeout_ms);
	size_t chunk = pace != NULL && pace->chunk > 0 ? pace->chunk : len;
	int rc = PX_OK;
	for (size_t at = 0; rc == PX_OK && at < len; at += chunk) {
		if (at > 0 && pace != NULL && pace->pause_ms > 0)
			(void)poll(NULL, 0, (int)pace->pause_ms);
		rc = put(w, (const uint8_t *)data + at, PX_MIN(chunk, len - at), deadline, why);
	}
	return rc;
}

int px_wire_drip(struct px_wire *w, const void *data, size_t len, const struct px_wire_pace *pace,
		 int64_t timeout_ms, struct px_buf *why)
{
	struct px_buf nothing = PX_BUF_INIT;
	int64_t deadline = px_wire_deadline(timeout_ms);
	int rc = PX_OK;
	for (size_t at = 0; rc == PX_OK && w->in.len == 0 && at < len; at += pace->chunk) {
		rc = put(w, (const uint8_t *)data + at, PX_MIN(pace->chunk, len - at), deadline, why);
		if (rc == PX_OK && at + pace->chunk < len)
			rc = px_wire_fill(w, px_wire_deadline(pace->pause_ms), &nothing);
		if (rc == PX_ETIMEOUT)
			rc = PX_OK; /* not yet */
	}
	px_buf_free(&nothing);
	return rc;
}

void px_wire_set_terms(struct px_wire *w, int64_t renew_ms, bool loose)
{
	w->renew_ms = renew_ms;
	w->loose = loose;
}

void px_wire_drain(struct px_wire *w, int64_t timeout_ms)
{
	struct px_buf why = PX_BUF_INIT;
	int64_t deadline = px_wire_deadline(timeout_ms);
	while (px_wire_fill(w, deadline, &why) == PX_OK)
		px_buf_clear(&w->in);
	px_buf_free(&why);
}

/* --- ends --- */

static void wire_free(struct px_wire **wire)
{
	struct px_wire *w = *wire;
	SSL_free(w->ssl);
	close(w->fd);
	px_buf_free(&w->in);
	PX_FREE(*wire);
}

void px_wire_close(struct px_wire **wire)
{
	struct px_wire *w = *wire;
	if (w == NULL)
		return;
	ERR_clear_error();
	if (w->ssl != NULL)
		(void)SSL_shutdown(w->ssl);
	ERR_clear_error();
	wire_free(wire);
}

void px_wire_cut(struct px_wire **wire)
{
	const struct linger now = {.l_onoff = 1, .l_linger = 0};
	if (*wire == NULL)
		return;
	(void)setsockopt((*wire)->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	wire_free(wire);
}

void px_wire_shutdown(struct px_wire *w)
{
	(void)shutdown(w->fd, SHUT_RDWR);
}

const char *px_wire_version(const struct px_wire *w)
{
	return w->ssl != NULL ? SSL_get_version(w->ssl) : "none";
}

int px_wire_alert(const struct px_wire *w)
{
	return w->alert;
}

const char *px_wire_peer_uri(const struct px_wire *w)
{
	return w->peer_uri;
}

const SSL *px_wire_ssl(const struct px_wire *w)
{
	return w->ssl;
}
